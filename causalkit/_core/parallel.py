"""Independent jobs, one after the other or side by side.

This module is the only importer of joblib, so `joblib.parallel_config("dask")` or `"ray"` around a
call moves its heavy loops to a cluster unchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from causalkit._core.progress import track

__all__ = ["run"]

Result = TypeVar("Result")


def run(
    job: Callable[..., Result],
    arguments: Sequence[tuple[Any, ...]],
    *,
    n_jobs: int | None = None,
    label: str = "",
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
    """
    from joblib import Parallel, delayed

    calls = (delayed(job)(*args) for args in arguments)
    results = Parallel(n_jobs=n_jobs, return_as="generator")(calls)
    return list(track(results, total=len(arguments), label=label))
