"""Run the benchmarks and write `docs/benchmarks.md`: `python -m benchmarks [name ...]`.

    python -m benchmarks                    all of them, less than 45 minutes of one processor
    python -m benchmarks --full             with the defaults of each: many hours
    python -m benchmarks granger svar       some; the rest of the page stays as it was
    python -m benchmarks --resume           what has no finished result yet, after a break
    python -m benchmarks --page             none, only the page from the results that are kept

Each runs by itself, in a process with one thread, and what it prints is kept in `build/benchmarks`.
The page is written when every benchmark has a result. One that fails, or that takes longer than
`--limit` minutes, is named on the page, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks.environment import HERE
from benchmarks.page import write_page
from benchmarks.plan import GROUPS, QUICK
from benchmarks.results import KEPT, kept_results, run


def options() -> argparse.Namespace:
    """What was asked for on the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.split(":")[0])
    parser.add_argument("names", nargs="*", help="all if left out", metavar="name")
    parser.add_argument("--full", action="store_true", help="with the defaults of each benchmark")
    parser.add_argument("--resume", action="store_true", help="leave out what has a result")
    parser.add_argument("--page", action="store_true", help="run none, write the page")
    parser.add_argument("--limit", type=float, help="minutes a benchmark (15; with --full 600)")
    return parser.parse_args()


def main() -> int:
    """Run what was asked for, and write the page; 1 if anything on it has not finished."""
    asked = options()
    known = {path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py")}
    names = [name for group in GROUPS.values() for name in group if name in known]
    unknown = set(asked.names) - set(names)
    if unknown:
        sys.exit(
            f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(sorted(names))}."
        )
    limit = 60 * (asked.limit or (600 if asked.full else 15))
    for name in [] if asked.page else [n for n in names if n in asked.names or not asked.names]:
        arguments = "" if asked.full else QUICK.get(name, "")
        kept = kept_results().get(name)
        if asked.resume and kept and kept.finished and kept.arguments == arguments:
            continue
        print(f"\n== {name} " + "=" * (76 - len(name)), flush=True)
        result = run(name, arguments, limit)
        result.keep()
        print(f"-- {name}: {result.outcome}, {result.cpu_seconds:.0f} s of a processor", flush=True)
    results = kept_results()
    missing = [name for name in names if name not in results]
    if missing:
        print(f"\nNo page yet: {', '.join(missing)} have no result in {KEPT.name} (--resume).")
    else:
        print(f"\nWritten: {write_page([results[name] for name in names])}")
    late = [name for name in names if name in results and not results[name].finished]
    for name in late:
        print(f"{name}: {results[name].outcome}")
    return 1 if late or missing else 0


if __name__ == "__main__":
    sys.exit(main())
