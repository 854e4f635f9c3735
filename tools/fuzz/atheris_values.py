"""Coverage-guided fuzzing of the readers of JSON and YAML, by hand: see README.md in this folder.

The first argument is `model` (the JSON within a saved model), `knowledge` (YAML), `replicates` or
`trials` (stores); what follows goes to libFuzzer.
"""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import atheris
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

with atheris.instrument_imports(include=["causalkit.models", "causalkit.discovery.knowledge"]):
    import causalkit.discovery.knowledge
    import causalkit.models.saving  # noqa: F401

from causalkit.errors import CausalkitError
from causalkit.models.saving import read_value
from tools.fuzz.files import check


def model(data: bytes) -> None:
    """Read the JSON of a model whose arrays are in order."""
    file = BytesIO()
    np.savez(file, __value__=np.frombuffer(data, dtype=np.uint8), a0=np.arange(3.0))
    file.seek(0)
    try:
        read_value(file, kind="StructuralCausalModel")
    except CausalkitError:
        return


def main() -> None:
    """Set up libFuzzer with the kind of file that is named."""
    kind = sys.argv.pop(1)
    with TemporaryDirectory():
        atheris.Setup(
            sys.argv, model if kind == "model" else lambda data: check(kind, data) and None
        )
        atheris.Fuzz()


if __name__ == "__main__":
    main()
