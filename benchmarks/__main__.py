"""Run every benchmark: `python -m benchmarks [name ...]`."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main(names: list[str]) -> None:
    known = {path.stem.removeprefix("bench_"): path for path in sorted(HERE.glob("bench_*.py"))}
    unknown = set(names) - set(known)
    if unknown:
        sys.exit(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(known)}.")
    for name in names or known:
        print(f"\n== {name} " + "=" * (76 - len(name)), flush=True)
        sys.argv = [str(known[name])]  # each reads options of its own when it is run by itself
        runpy.run_path(str(known[name]), run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
