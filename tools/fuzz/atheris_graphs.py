"""Coverage-guided fuzzing of the readers of graphs, by hand: see README.md in this folder.

`python tools/fuzz/atheris_graphs.py text tools/fuzz/corpus/text -max_total_time=300`, and so for
`dot`, `json` and every other notation of `graph_texts.NOTATIONS`. The first argument is the
notation; what follows goes to libFuzzer.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

with atheris.instrument_imports(include=["causalkit.graph"]):
    import causalkit.graph
    import causalkit.graph._dot_reader
    import causalkit.graph._validity
    import causalkit.graph.dot
    import causalkit.graph.formats
    import causalkit.graph.graph
    import causalkit.graph.lagged_files
    import causalkit.graph.lagged_graph
    import causalkit.graph.text  # noqa: F401

from tools.fuzz.graph_texts import NOTATIONS, check


def main() -> None:
    """Set up libFuzzer with the notation that is named."""
    notation = sys.argv.pop(1)
    if notation not in NOTATIONS:
        sys.exit(f"{notation!r}; expected one of {', '.join(NOTATIONS)}.")

    def one(data: bytes) -> None:
        check(notation, data.decode("utf-8", "surrogateescape"))

    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
