"""Progress bars: silent unless somebody asked, as `ck.show_progress()` and the command line do.

Code that loops for long writes `for item in track(items, label="skeleton")`, and whoever wants to
watch writes `with ck.show_progress(): …`. There is one bar at a time: while a loop has it, loops
inside it stay quiet, and a loop that is over within half a second never shows one, so that a chain
of short steps does not flicker. What is said meanwhile goes above the bar, by :func:`say`. This
module is the only importer of tqdm.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

__all__ = ["say", "show_progress", "track"]

Item = TypeVar("Item")


@dataclass(slots=True)
class _Screen:
    """After how many seconds bars are shown, and whether a loop has the bar."""

    after: float
    busy: bool = False


_screen: ContextVar[_Screen | None] = ContextVar("causalkit_progress", default=None)


@contextmanager
def show_progress(shown: bool = True, *, after: float = 0.5) -> Iterator[None]:
    """Show progress bars on standard error for what is computed within the block.

    All that searches, refits or simulates in loops has one: `analyze`, `certify`, `refute`,
    resampling, leaderboards. In a notebook the bar is a widget if ipywidgets is installed.

    Parameters
    ----------
    shown : bool, default=True
        False shows none, also within a block that does.
    after : float, default=0.5
        Seconds that a loop must have taken before it has a bar.

    Examples
    --------
    >>> import causalkit as ck
    >>> from causalkit.discovery import PC, Bootstrap
    >>> data = ck.models.random_model(rng=0, n_nodes=5).sample(200, rng=0).data
    >>> with ck.show_progress(after=60):
    ...     bootstrap = Bootstrap(PC(), n_resamples=20).fit(data)
    """
    token = _screen.set(_Screen(after) if shown else None)
    try:
        yield
    finally:
        _screen.reset(token)


def track(items: Iterable[Item], *, total: int | None = None, label: str = "") -> Iterator[Item]:
    """Yield the items, with a bar on standard error while progress is shown, if it has a label."""
    screen = _screen.get()
    if screen is None or screen.busy or not label or total == 0:
        yield from items
        return
    from tqdm.auto import tqdm

    screen.busy = True
    try:
        yield from tqdm(
            items, total=total, desc=label, leave=False, delay=screen.after, dynamic_ncols=True
        )
    finally:
        screen.busy = False


def say(line: str) -> None:
    """Write a line to standard error, above the bar if there is one."""
    screen = _screen.get()
    if screen is None or not screen.busy:
        sys.stderr.write(f"{line}\n")
        return
    from tqdm.auto import tqdm

    tqdm.write(line, file=sys.stderr)
