"""The generalised covariance measure: regress both on the set, and correlate what is left.

If x is independent of y given Z, then no regression on Z leaves residuals r of x and s of y that
are correlated. So two regressions are all it takes: with products ``R = r s``, row by row,

    T = sqrt(n) mean(R) / sd(R)

is standard normal in the limit. **What is asked of the regressions is little**: the product of
their two errors must vanish faster than 1/sqrt(n), which leaves each of them free to be as slow as
n to the power of -1/4. That is the strength of the test: any regression that predicts well may be
used, on any number of columns in Z, and the level holds. It must predict well, though: what both
regressions miss of Z in the same way is a correlation of residuals. Boosted trees with 20 rows a
leaf, say, miss the tails of a curve, and with 300 rows reject a third of true independences.

The price is power. An x that moves the spread of y, or moves y up here and down there, leaves
residuals that are dependent and uncorrelated. Weights help with the second: ``T`` is computed with
R multiplied by the sign of ``z - c``, for some cuts c of each column of the set, and the largest
|T| decides (`n_weights`). A kernel test such as :class:`~causalkit.independence.KCI` looks at all
functions of x and y.

A category is a bundle of indicators. Then there are several T, and the largest is compared with the
largest of normal numbers that are correlated as the products are, which is the multiplier bootstrap
of the paper without its rows.

The default regression is the closed-form kernel ridge of :mod:`~causalkit.independence.ridge`, with
width and ridge chosen for each target and its degrees of freedom counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

import numpy as np
from scipy.special import ndtr

from causalkit._core.checks import check_count, check_rows, check_varies
from causalkit._core.memory import ByteCache
from causalkit._core.table import Table
from causalkit.errors import InputError, NumericalError
from causalkit.independence.base import BoundTest, CITest, check_no_holes
from causalkit.independence.kernel_matrices import Block, blocks_of, joined
from causalkit.independence.ridge import Residuals, Smoother, inflation
from causalkit.independence.search import CIResult
from causalkit.typing import FloatArray

__all__ = ["GCM"]

_CACHE_BYTES: Final = 2**28
_MOST_COLUMNS: Final = 80
"""Eigenvectors of a kernel; what is regressed is a column, not its roughest functions."""

_WHO: Final = "GCM"

_DETERMINED: Final = 1e-6
"""Share of the variance below which a set leaves nothing of a variable."""


@dataclass(frozen=True, slots=True)
class GCM(CITest):
    """Generalised covariance measure: correlation of residuals, with any regression.

    Parameters
    ----------
    regressor : scikit-learn regressor, optional
        Fitted to each column (or indicator of a category) given each set, on clones; a
        `random_state` that it leaves open is set by `random_state`. If left out, kernel ridge
        regression with width and ridge chosen by marginal likelihood.
    n_weights : int, default 0
        Cuts of each numeric column of the set, at evenly spaced quantiles, at which the products
        change their sign in additional statistics. 0 is the test as published first.
    n_draws : int, default 4999
        Normal vectors drawn for the null distribution of the largest of several statistics.
    random_state : int, default 0
        Seed of these and of the regressions.

    Notes
    -----
    **Assumes:**

    - rows are independent draws from one distribution;
    - the regressions are good enough: the product of their mean squared errors vanishes faster
      than 1/n;
    - products of residuals have a finite variance;
    - no cell is missing.

    A dependence that leaves residuals uncorrelated is not found (see `n_weights`).

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> z = rng.normal(size=300)
    >>> x, y = np.sin(2 * z) + rng.normal(size=(2, 300)) / 2
    >>> data = {"x": x, "y": y, "z": z}
    >>> GCM().test(data, "x", "y").p_value < 1e-6
    True
    >>> GCM().test(data, "x", "y", given="z").p_value > 0.05
    True

    Any regression will do:

    >>> from sklearn.neighbors import KNeighborsRegressor
    >>> GCM(KNeighborsRegressor(10)).test(data, "x", "y", given="z").p_value > 0.05
    True

    References
    ----------
    Shah and Peters (2020), "The hardness of conditional independence testing and the generalised
    covariance measure", Annals of Statistics 48(3): 1514-1538, doi:10.1214/19-AOS1857. Scheidegger,
    Hörrmann and Bühlmann (2022), "The weighted generalised covariance measure", JMLR 23(273), for
    the weights.
    """

    regressor: Any = None
    n_weights: int = 0
    n_draws: int = 4999
    random_state: int = 0

    def __post_init__(self) -> None:
        check_count(self.n_weights, "n_weights", minimum=0)
        check_count(self.n_draws, "n_draws")
        check_count(self.random_state, "random_state", minimum=0)
        ready = all(callable(getattr(self.regressor, way, None)) for way in ("fit", "predict"))
        if self.regressor is not None and (isinstance(self.regressor, type) or not ready):
            raise InputError(
                f"regressor={self.regressor!r}; expected a scikit-learn regressor such as "
                "RandomForestRegressor(). Pass an instance, with parentheses, or leave it out."
            )

    def bind(self, table: Table) -> BoundGCM:
        """Check the table and standardise its columns.

        Raises
        ------
        InputError
            If there are fewer than 4 rows, missing cells or constant columns.
        """
        check_no_holes(table, who=_WHO)
        check_rows(table, 4, who=_WHO)
        check_varies(table, table.names, who=_WHO)
        blocks = blocks_of(table, who=_WHO)
        named = sorted(range(table.n_columns), key=lambda k: str(table.names[k]))
        rank = {k: place for place, k in enumerate(named)}
        return BoundGCM(self, blocks, tuple(rank[k] for k in range(table.n_columns)))


@dataclass(frozen=True, slots=True, eq=False)
class BoundGCM(BoundTest):
    """GCM of the columns of one table.

    Attributes
    ----------
    settings : GCM
    blocks : list of Block
        The columns.
    rank : tuple of int
        Place of each column by name, so that the order of columns says nothing.
    """

    remembers: ClassVar[bool] = True

    settings: GCM
    blocks: list[Block]
    rank: tuple[int, ...]
    _cache: ByteCache = field(default_factory=lambda: ByteCache(_CACHE_BYTES), repr=False)

    def __call__(self, i: int, j: int, given: Sequence[int] = ()) -> CIResult:
        """Test whether columns i and j are independent given the columns `given`."""
        chosen = tuple(sorted((int(k) for k in given), key=self.rank.__getitem__))
        i, j = sorted((i, j), key=self.rank.__getitem__)
        one, two = (self._residuals(k, chosen) for k in (i, j))
        R = (one.values[:, :, None] * two.values[:, None, :]).reshape(len(one.values), -1)
        R = self._weighted(R, chosen)
        spread = R.std(axis=0)
        alive = spread > np.finfo(float).eps * np.abs(R).max(axis=0)
        if not alive.any():
            return CIResult(0.0, 1.0, len(R))
        T = R[:, alive].mean(axis=0) / spread[alive] * np.sqrt(len(R) / inflation(one, two))
        return CIResult(*self._judge(T, R[:, alive]), len(R))

    def _judge(self, T: FloatArray, R: FloatArray) -> tuple[float, float]:
        """The statistic that is largest in absolute value, and its p-value."""
        largest = float(T[np.abs(T).argmax()])
        single = 2.0 * float(ndtr(-abs(largest)))
        if len(T) == 1:
            return largest, single
        correlation = np.corrcoef(R, rowvar=False)
        values, V = np.linalg.eigh(correlation)
        root = V * np.sqrt(np.maximum(values, 0.0))
        rng = np.random.default_rng(self.settings.random_state)
        drawn = np.abs(rng.standard_normal((self.settings.n_draws, len(T))) @ root.T).max(axis=1)
        p_value = (1.0 + float((drawn >= abs(largest)).sum())) / (1.0 + len(drawn))
        return largest, min(p_value, len(T) * single)  # Bonferroni tells apart what no draw reaches

    def _weighted(self, R: FloatArray, given: tuple[int, ...]) -> FloatArray:
        """Products as they are, and with their sign changed at cuts of the set's columns."""
        shares = np.arange(1, self.settings.n_weights + 1) / (self.settings.n_weights + 1.0)
        parts = [R]
        for k in given:
            for column in self.blocks[k].numbers.T:
                for cut in np.quantile(column, shares):
                    parts.append(R * np.where(column > cut, 1.0, -1.0)[:, None])
        return np.hstack(parts)

    # --- regressions ------------------------------------------------------------------------------

    def _residuals(self, k: int, given: tuple[int, ...]) -> Residuals:
        found: Residuals | None = self._cache.get((k, given))
        return self._cache.put((k, given), self._regress(k, given)) if found is None else found

    def _regress(self, k: int, given: tuple[int, ...]) -> Residuals:
        F = _targets(self.blocks[k])
        F = F - F.mean(axis=0)
        if not given:
            return Residuals(F, ())
        self._check_free(F, given)
        if self.settings.regressor is None:
            left = self._smoother(given).residuals(F)
        else:
            left = Residuals(self._predicted_away(F, given), ())
        _check_left(left.values, F)
        return left

    def _check_free(self, F: FloatArray, given: tuple[int, ...]) -> None:
        """Look for copies, of which a smooth regression leaves a bit, and for too many levels."""
        n_cells = joined([self.blocks[k] for k in given]).n_cells
        if n_cells > len(F) // 2:
            raise NumericalError(
                f"the categories that are given have {n_cells} combinations of levels in {len(F)} "
                "rows; expected two rows of each, on average. Merge levels, or leave a column such "
                "as an identifier out."
            )
        Z = np.hstack([_targets(self.blocks[k]) for k in given])
        Z = Z - Z.mean(axis=0)
        if Z.shape[1] < len(Z) - 1:
            _check_left(F - Z @ np.linalg.lstsq(Z, F, rcond=None)[0], F)

    def _smoother(self, given: tuple[int, ...]) -> Smoother:
        found: Smoother | None = self._cache.get(given)
        if found is None:
            block = joined([self.blocks[k] for k in given])
            # Of levels without a column of their own nothing would be regressed away.
            found = Smoother(block, max_rank=max(_MOST_COLUMNS, block.n_cells))
            self._cache.put(given, found)
        return found

    def _predicted_away(self, F: FloatArray, given: tuple[int, ...]) -> FloatArray:
        from sklearn.base import clone

        Z = np.hstack([_targets(self.blocks[k]) for k in given])
        left = np.empty_like(F)
        for c, target in enumerate(F.T):
            model = _seeded(clone(self.settings.regressor), self.settings.random_state)
            predicted = np.asarray(model.fit(Z, target).predict(Z), dtype=float).reshape(-1)
            if predicted.shape != target.shape or not np.isfinite(predicted).all():
                raise NumericalError(
                    f"{model!r} predicts {len(predicted)} value(s), not all of them finite, for "
                    f"{len(target)} rows; expected one finite number a row. Use another regressor."
                )
            left[:, c] = target - predicted
        return left


def _check_left(residuals: FloatArray, F: FloatArray) -> None:
    if float(np.sum(residuals**2)) <= _DETERMINED * float(np.sum(F**2)):
        raise NumericalError(
            "the columns that are given determine one of the two; expected some variation to be "
            "left. Leave copies of a column out."
        )


def _targets(block: Block) -> FloatArray:
    """A number as it is; of two levels one indicator, of more all of them."""
    if block.n_cells == 1:
        return block.numbers
    first = 1 if block.n_cells == 2 else 0
    return np.asarray(block.cells[:, None] == np.arange(first, block.n_cells), dtype=np.float64)


def _seeded(model: Any, seed: int) -> Any:
    """Set each random state that is left open."""
    settings = model.get_params(deep=True) if hasattr(model, "get_params") else {}
    open_ones = [
        name
        for name, value in settings.items()
        if value is None and name.rpartition("__")[2] == "random_state"
    ]
    return model.set_params(**dict.fromkeys(open_ones, seed)) if open_ones else model
