"""Independent jobs, one after the other or side by side, and the threads inside one job.

This module is the only importer of joblib, so `joblib.parallel_config("dask")` or `"ray"` around a
call moves its heavy loops to a cluster unchanged; and of threadpoolctl.

Threads end with the call. Worker processes wait five minutes for the next one, as starting them
takes seconds; `joblib.externals.loky.get_reusable_executor().shutdown()` ends them at once.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from itertools import takewhile
from numbers import Integral
from threading import Lock
from typing import Any, Final, TypeVar

from causalkit._core.progress import track
from causalkit.errors import InputError

__all__ = ["check_jobs", "one_thread", "run"]

Result = TypeVar("Result")


def run(
    job: Callable[..., Result],
    arguments: Sequence[tuple[Any, ...]],
    *,
    n_jobs: int | None = None,
    label: str = "",
    threads: bool = False,
    steady: bool = False,
    until: Callable[[], bool] | None = None,
    keep: Callable[[int, Result], object] | None = None,
) -> list[Result]:
    """Call `job(*args)` for each tuple in `arguments`; results come back in order.

    Parameters
    ----------
    job : callable
        A module-level function where workers are processes.
    arguments : sequence of tuples
        One tuple of positional arguments a call.
    n_jobs : int, optional
        None runs serially unless a `joblib.parallel_config` says otherwise; -1 uses all cores.
    label : str
        What the progress bar says, when it is on.
    threads : bool
        Whether threads may share the work: the job lets other threads run for most of its time.
    steady : bool
        Whether numerical libraries keep to one thread within each call. Workers have other numbers
        of threads than the caller, and with them products differ in their last digits.
    until : callable, optional
        Asked before each call; once it says True no more calls are made, and the results are those
        of the first ones.
    keep : callable, optional
        `keep(number, result)` is called here, not in a worker, as soon as the result and all before
        it are there.

    Raises
    ------
    InputError
        If `n_jobs` is no number of workers.
    """
    from joblib import Parallel, delayed, effective_n_jobs

    check_jobs(n_jobs)
    if threads and n_jobs not in (None, 1):
        with one_thread(steady):
            results = _in_threads(job, arguments, effective_n_jobs(n_jobs), until)
            found = _gathered(track(results, total=len(arguments), label=label), keep)
    else:
        open_ones = takewhile(lambda _: until is None or not until(), arguments)
        elsewhere = steady and effective_n_jobs(n_jobs) != 1
        calls = (
            delayed(_by_one_thread)(job, *args) if elsewhere else delayed(job)(*args)
            for args in open_ones
        )
        # Left to itself joblib gathers calls for seconds, in which nobody asks `until`.
        size = "auto" if until is None else 1
        results = Parallel(n_jobs=n_jobs, return_as="generator", batch_size=size)(calls)
        with one_thread(steady and not elsewhere), _workers_may_be_replaced():
            found = _gathered(track(results, total=len(arguments), label=label), keep)
    return found


def _gathered(
    results: Iterable[Result], keep: Callable[[int, Result], object] | None
) -> list[Result]:
    found: list[Result] = []
    for result in results:
        if keep is not None:
            keep(len(found), result)
        found.append(result)
    return found


@contextmanager
def _workers_may_be_replaced() -> Iterator[None]:
    """Keep joblib from warning of workers that have grown, as those that compile do.

    It replaces them, and nothing is lost; but where warnings are errors, this one would end the
    thread that replaces them, and the caller would wait for ever.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", "A worker stopped while some jobs were given", UserWarning
        )
        yield


def _by_one_thread(job: Callable[..., Result], *args: Any) -> Result:
    with one_thread():
        return job(*args)


def _in_threads(
    job: Callable[..., Result],
    arguments: Sequence[tuple[Any, ...]],
    n_threads: int,
    until: Callable[[], bool] | None,
) -> Iterator[Result]:
    """Yield results of calls in plain threads: joblib waits in steps of ten milliseconds."""

    def call(args: tuple[Any, ...]) -> Result | None:
        return None if until is not None and until() else job(*args)

    with ThreadPoolExecutor(n_threads) as pool:
        # Calls begin in order, so after the first that was not made none was.
        yield from takewhile(lambda result: result is not None, pool.map(call, arguments))


def check_jobs(n_jobs: int | None) -> None:
    """Check that `n_jobs` is None or a number of workers."""
    if n_jobs is not None and (
        not isinstance(n_jobs, Integral) or isinstance(n_jobs, bool) or n_jobs == 0
    ):
        raise InputError(
            f"n_jobs={n_jobs!r}; expected a number of workers, -1 for all cores, or None to run "
            "serially."
        )


@cache
def _libraries() -> Any:
    """Numerical libraries that are loaded, which takes some milliseconds to find out."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


@contextmanager
def one_thread(when: bool = True) -> Iterator[None]:
    """Keep numerical libraries to one thread within the block.

    On small fits threads mostly wait for each other, above all on a busy machine. The limit is that
    of the whole process: it ends with the last block, whichever thread that is in.
    """
    if not when:
        yield
        return
    _LIMIT.begin()
    try:
        yield
    finally:
        _LIMIT.end()


class _Limit:
    """The limit to one thread, and how many blocks ask for it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._n_blocks = 0
        self._held: Any = None

    def begin(self) -> None:
        with self._lock:
            if self._n_blocks == 0:
                self._held = _libraries().limit(limits=1)
            self._n_blocks += 1

    def end(self) -> None:
        with self._lock:
            self._n_blocks -= 1
            if self._n_blocks == 0:
                self._held.restore_original_limits()


_LIMIT: Final = _Limit()
