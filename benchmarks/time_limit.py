"""A limit in seconds of the processor, for calls that may not come back.

What else runs on a machine makes the clock go on and not the processor, so a limit by the clock
would stop a tool that is asked on a busy day and not on a quiet one. The timer looks again and
again, since a library may catch what is raised inside it.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from time import process_time


class TooLongError(Exception):
    """The call took longer than its limit."""


@contextmanager
def processor_limit(seconds: float) -> Iterator[None]:
    """Raise TooLongError in the block once it has used so many seconds of the processor.

    Parameters
    ----------
    seconds : float
        The limit.
    """
    end = process_time() + seconds

    def look(*_: object) -> None:
        if process_time() >= end:
            raise TooLongError

    before = signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, seconds, max(seconds / 20, 0.05))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
