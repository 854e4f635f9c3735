"""Independent jobs, one after the other or side by side, and the threads inside one job.

This module is the only importer of joblib, so `joblib.parallel_config("dask")` or `"ray"` around a
call moves its heavy loops to a cluster unchanged; and of threadpoolctl.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from itertools import takewhile
from numbers import Integral
from typing import Any, TypeVar

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
    until: Callable[[], bool] | None = None,
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
        Whether the job is compiled code that lets other threads run.
    until : callable, optional
        Asked before each call; once it says True no more calls are made, and the results are those
        of the first ones.

    Raises
    ------
    InputError
        If `n_jobs` is no number of workers.
    """
    from joblib import Parallel, delayed, effective_n_jobs

    check_jobs(n_jobs)
    if threads and n_jobs not in (None, 1):
        results = _in_threads(job, arguments, effective_n_jobs(n_jobs), until)
    else:
        open_ones = takewhile(lambda _: until is None or not until(), arguments)
        calls = (delayed(job)(*args) for args in open_ones)
        # Left to itself joblib gathers calls for seconds, in which nobody asks `until`.
        size = "auto" if until is None else 1
        results = Parallel(n_jobs=n_jobs, return_as="generator", batch_size=size)(calls)
    return list(track(results, total=len(arguments), label=label))


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


def one_thread(when: bool = True) -> AbstractContextManager[object]:
    """Keep numerical libraries to one thread within the block.

    On small fits threads mostly wait for each other, above all on a busy machine.
    """
    if not when:
        return nullcontext()
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[object] = threadpool_limits(limits=1)
    return limits
