"""Progress bars: silent unless somebody asked (the command line does).

Code that loops for long writes `for item in track(items, label="skeleton")`, and whoever wants to
watch writes `with shown_progress(): …`. This module is the only importer of tqdm.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

__all__ = ["shown_progress", "track"]

Item = TypeVar("Item")

_shown: ContextVar[bool] = ContextVar("causalkit_progress", default=False)


@contextmanager
def shown_progress(shown: bool = True) -> Iterator[None]:
    """Show progress bars within the block.

    Examples
    --------
    >>> from causalkit._core.progress import shown_progress, track
    >>> with shown_progress(False):
    ...     list(track([1, 2], label="quiet"))
    [1, 2]
    """
    token = _shown.set(shown)
    try:
        yield
    finally:
        _shown.reset(token)


def track(items: Iterable[Item], *, total: int | None = None, label: str = "") -> Iterator[Item]:
    """Yield the items, with a bar on standard error while progress is shown."""
    if not _shown.get():
        yield from items
        return
    from tqdm.auto import tqdm

    _shown.set(False)  # one bar at a time: loops inside this one stay quiet
    try:
        yield from tqdm(items, total=total, desc=label, leave=False)
    finally:
        _shown.set(True)
