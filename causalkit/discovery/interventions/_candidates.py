"""Which variables may be causes of a target, and the sets of them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from itertools import chain, combinations, pairwise
from math import comb
from typing import Final

import numpy as np

from causalkit._core.checks import check_count
from causalkit._core.table import Table
from causalkit.errors import InputError
from causalkit.typing import FloatArray, Name

__all__ = ["by_forest", "by_lasso", "expanded", "subsets"]

_MOST_SETS: Final = 2**16


def subsets(n: int, max_size: int | None) -> Iterator[tuple[int, ...]]:
    """Sets of n candidates, the small ones first.

    Raises
    ------
    InputError
        If there are too many to be tested.
    """
    most = n if max_size is None else min(n, check_count(max_size, "max_size", minimum=0))
    n_sets = sum(comb(n, k) for k in range(most + 1))
    if n_sets > _MOST_SETS:
        raise InputError(
            f"{n} candidates have {n_sets} sets of at most {most}; expected at most {_MOST_SETS}. "
            "Name fewer candidates, or give a smaller max_size or max_candidates."
        )
    return chain.from_iterable(combinations(range(n), k) for k in range(most + 1))


def expanded(table: Table, names: Sequence[Name]) -> tuple[list[list[int]], FloatArray]:
    """Columns of each variable, one an indicator, and all of them side by side."""
    parts = [table.design([name])[0] for name in names]
    ends = np.cumsum([0, *(part.shape[1] for part in parts)]).tolist()
    blocks = [list(range(a, b)) for a, b in pairwise(ends)]
    matrix = np.hstack(parts) if parts else np.empty((table.n_rows, 0))
    return blocks, matrix


def by_lasso(standard: FloatArray, outcome: FloatArray, seed: int) -> list[int]:
    """Columns in the order in which a lasso takes them up, then the others by their correlation."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import lasso_path

    del seed
    centred = outcome - outcome.mean()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # what came first is all that is asked
        path = lasso_path(standard, centred / centred.std())[1] != 0
    entered = np.where(path.any(axis=1), path.argmax(axis=1), path.shape[1])
    return [int(c) for c in np.lexsort((-np.abs(centred @ standard), entered))]


def by_forest(standard: FloatArray, outcome: FloatArray, seed: int) -> list[int]:
    """Columns in the order in which they matter to a random forest."""
    from sklearn.ensemble import RandomForestRegressor

    forest = RandomForestRegressor(min_samples_leaf=5, random_state=seed % 2**31)
    importance = forest.fit(standard, outcome).feature_importances_
    return [int(c) for c in np.argsort(-importance, kind="stable")]
