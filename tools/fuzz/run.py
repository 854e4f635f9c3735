"""Throw inputs at the readers and count what comes back: `python -m tools.fuzz.run --graphs 10000`.

An input is known by seed and number, so what failed is made again by
`--seed S --begin N --graphs 1`. Anything but an answer or an error of causalkit is a failure, and
so is an input that takes longer than a bound, or more memory.
"""

from __future__ import annotations

import argparse
import gc
import resource
import signal
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

__all__ = ["Tally", "main", "throw"]

Make = Callable[[Random, int], tuple[Any, ...]]


class TooSlow(BaseException):
    """An input that takes longer than the bound; no `except Exception` holds it up."""


@dataclass
class Tally:
    """What came back."""

    what: str
    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    seconds: float = 0.0
    slowest: tuple[float, int] = (0.0, -1)

    def __str__(self) -> str:
        total = sum(self.outcomes.values())
        lines = [
            f"{self.what}: {total:,} inputs, {len(self.outcomes)} distinct outcomes, "
            f"{len(self.failures)} failures, {self.seconds:.0f} s, the slowest "
            f"{self.slowest[0]:.2f} s (number {self.slowest[1]})"
        ]
        lines += [f"  {count:>9,}  {outcome}" for outcome, count in self.outcomes.most_common()]
        return "\n".join([*lines, *(f"FAILED {failure}" for failure in self.failures[:20])])


def throw(
    what: str,
    make: Make,
    check: Callable[..., str],
    count: int,
    *,
    seed: int = 0,
    begin: int = 0,
    bound: float = 60.0,
) -> Tally:
    """Make inputs `begin` to `begin + count`, and check each within `bound` seconds."""
    tally, start = Tally(what), time.perf_counter()

    def too_slow(*_: object) -> None:
        raise TooSlow

    signal.signal(signal.SIGALRM, too_slow)
    for number in range(begin, begin + count):
        made = make(Random(seed * 1_000_000_007 + number), number)
        began = time.process_time()
        signal.setitimer(signal.ITIMER_REAL, bound)
        try:
            outcome = check(*made)
        except (Exception, TooSlow, SystemExit) as error:
            signal.setitimer(signal.ITIMER_REAL, 0)
            outcome = f"FAILED: {type(error).__name__}"
            where = traceback.extract_tb(error.__traceback__)[-1]
            tally.failures.append(
                f"number {number}: {type(error).__name__}: {str(error)[:200]} at "
                f"{where.filename}:{where.lineno} from {_shown(made)}"
            )
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        spent = time.process_time() - began
        tally.slowest = max(tally.slowest, (spent, number))
        tally.outcomes[f"{made[0]}: {outcome}"] += 1
    tally.seconds = time.perf_counter() - start
    gc.collect()
    return tally


def _shown(made: tuple[Any, ...]) -> str:
    try:
        text = repr(made)
    except Exception as error:  # a frame of odd cells may not be able to show itself
        text = f"({made[0]!r}, a {type(made[1]).__name__} whose repr raises {error!r})"
    return text if len(text) <= 800 else f"{text[:600]} … {text[-150:]} ({len(text)} letters)"


def main(arguments: list[str] | None = None) -> int:
    """Read the counts, throw, print; 1 if anything failed."""
    parser = argparse.ArgumentParser(prog="python -m tools.fuzz.run", description=__doc__)
    for what in ("graphs", "tables", "files", "commands"):
        parser.add_argument(f"--{what}", type=int, default=0, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--begin", type=int, default=0, help="number of the first input")
    parser.add_argument("--bound", type=float, default=60.0, help="seconds that an input may take")
    parser.add_argument("--memory", type=float, default=8.0, help="GiB that it may take")
    asked = parser.parse_args(arguments)
    room = int(asked.memory * 2**30)
    resource.setrlimit(resource.RLIMIT_AS, (room, resource.RLIM_INFINITY))
    failed = False
    for what, (make, check) in _targets().items():
        count = getattr(asked, what)
        if count:
            tally = throw(
                what, make, check, count, seed=asked.seed, begin=asked.begin, bound=asked.bound
            )
            print(tally, flush=True)
            failed |= bool(tally.failures)
    return int(failed)


def _targets() -> dict[str, tuple[Make, Callable[..., str]]]:
    from tools.fuzz import commands, files, graph_texts, tables

    warnings.simplefilter("ignore")
    return {
        "graphs": (graph_texts.generate, graph_texts.check),
        "tables": (tables.generate, tables.check),
        "files": (files.generate, files.check),
        "commands": (commands.generate, commands.check),
    }


if __name__ == "__main__":
    sys.exit(main())
