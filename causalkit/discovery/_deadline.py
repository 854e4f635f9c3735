"""A time budget for compiled code.

A compiled loop cannot read a clock, but it lets other threads run meanwhile. So a timer raises a
flag in an array when the time is up, and the loop looks at the array now and then.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer
from time import monotonic

import numpy as np

from causalkit.discovery.constraint._skeleton import Clock
from causalkit.typing import BoolArray

__all__ = ["flag_when_up", "seconds_left"]

_MORE = 0.1  # of the budget: what the steps after the search may take in any case,
_LEAST = 0.1  # in seconds at least, so that a search that was stopped still gets its arrows


def seconds_left(clock: Clock) -> float:
    """Seconds for the steps after a search; infinite without a budget."""
    if clock.seconds is None:
        return np.inf
    rest = clock.started + clock.seconds - monotonic()
    return max(rest, 0.0) + max(_MORE * clock.seconds, _LEAST)


@contextmanager
def flag_when_up(clock: Clock) -> Iterator[BoolArray]:
    """Give an array of one False that becomes True when the time for the steps is up."""
    flag = np.zeros(1, dtype=np.bool_)
    if clock.seconds is None:
        yield flag
        return
    timer = Timer(seconds_left(clock), flag.fill, (True,))
    timer.daemon = True
    timer.start()
    try:
        yield flag
    finally:
        timer.cancel()
