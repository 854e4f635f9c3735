"""Fill in what is likely, many times, and pool what the tests say.

One imputation is no data: a test on it takes guesses for measurements. Several imputations show how
much hangs on the guesses. Rubin's rules put the two parts of the uncertainty together; for a
statistic z with unit variance within each of m imputations::

    between = variance of z over imputations
    total   = 1 + (1 + 1/m) * between
    t       = mean(z) / sqrt(total)

with degrees of freedom after Barnard and Rubin (1999). Which share of the total is due to missing
cells says how many complete rows would be worth as much: that is `n_used` of the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import copysign, erfc, inf, sqrt
from typing import Final

import numpy as np
from scipy.special import ndtri, stdtr

from causalkit._core.checks import check_count
from causalkit._core.random import as_generator
from causalkit._core.table import Table, column_names
from causalkit.errors import InputError, NumericalError
from causalkit.independence.base import BoundTest, CITest
from causalkit.independence.deletion import (
    TINY,
    InContext,
    check_observed,
    standardised,
    warn_of_thin_pairs,
)
from causalkit.independence.fisher_z import FisherZ
from causalkit.independence.gaussian_imputation import impute, observed_correlations
from causalkit.independence.search import CIResult
from causalkit.typing import BoolArray, Data, FloatArray, Name, Names, RandomState

__all__ = ["MultipleImputation"]

_COPY_ROWS: Final = 10  # shared rows from which a correlation of one is no accident


@dataclass(frozen=True, slots=True)
class MultipleImputation(CITest):
    """Any test, on several imputations of the missing cells, pooled.

    Parameters
    ----------
    inner : CITest
        The test for complete rows. If its statistic is standard normal under independence, as that
        of :class:`FisherZ`, Rubin's rules pool the statistics; of other tests the median p-value is
        taken.
    n_imputations : int, default 10
        At least 2; more make answers steadier.
    n_sweeps : int, default 40
        Sweeps of each imputation's chain. Raise it if most cells of some column are missing.
    random_state : int, Generator or None, default 0
        Draws of the missing cells.

    Notes
    -----
    **Assumes:**

    - the assumptions of `inner`;
    - given the observed cells of a row, whether others are missing does not depend on their values
      (missing at random);
    - columns are about jointly Gaussian; those with two levels take observed levels (predictive
      mean matching), and more levels are refused.

    A pair of columns that is never seen together in as many rows as the test needs is untestable,
    whatever was imputed: nothing in the data tells how the two are related. Columns whose observed
    cells are functions of each other (correlation of size 1) are dependent with p = 0 under
    :class:`FisherZ`, and a set that holds the copy of another column of the question is untestable.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> z = rng.normal(size=300)
    >>> x, y = z + rng.normal(size=(2, 300))
    >>> x[rng.random(300) < 0.3] = np.nan
    >>> test = MultipleImputation(random_state=0)
    >>> test.test({"x": x, "y": y, "z": z}, "x", "y").p_value < 0.001
    True
    >>> test.test({"x": x, "y": y, "z": z}, "x", "y", given="z").p_value > 0.05
    True

    References
    ----------
    Rubin (1987), "Multiple imputation for nonresponse in surveys", doi:10.1002/9780470316696.
    Barnard and Rubin (1999), "Small-sample degrees of freedom with multiple imputation",
    Biometrika, doi:10.1093/biomet/86.4.948. Foraita, Friemel, Günther, Behrens, Bullerdiek, Nimzyk,
    Ahrens and Didelez (2020), "Causal discovery of gene regulation with incomplete data", JRSS A,
    doi:10.1111/rssa.12565. Eekhout, van de Wiel and Heymans (2017), "Methods for significance
    testing of categorical covariates in logistic regression models after multiple imputation: power
    and applicability analysis", for the median p-value, doi:10.1186/s12874-017-0404-7.
    """

    inner: CITest = field(default_factory=FisherZ)
    n_imputations: int = 10
    n_sweeps: int = 40
    random_state: RandomState = 0

    def bind(self, table: Table) -> BoundTest:
        """Impute, and bind the test to each imputation.

        Raises
        ------
        InputError
            If a column has no observed cell, is constant where observed, has more than two levels
            (unless no cell at all is missing), or `inner` refuses it.
        """
        check_observed(table, self.inner, who="MultipleImputation")
        m = check_count(self.n_imputations, "n_imputations", minimum=2)
        n_sweeps = check_count(self.n_sweeps, "n_sweeps")
        missing = table.missing
        stream = as_generator(self.random_state)
        if not missing.any():
            return self.inner.bind(table)
        _check_levels(table)
        warn_of_thin_pairs(table, missing)
        seen = (~missing).astype(np.float64)
        discrete = np.array([levels is not None for levels in table.levels])
        bound = []
        for rng in stream.spawn(m):
            filled = impute(table.values, discrete, n_sweeps, rng)
            bound.append(self.inner.bind(Table(table.names, filled, table.levels)))
        shared = self._shared(table, seen.T @ seen)
        return BoundImputed(tuple(bound), shared, self._copies(table, missing), table.n_rows)

    def nodes(self, names: tuple[Name, ...]) -> tuple[Name, ...]:
        """Names of the variables of `inner`."""
        return self.inner.nodes(names)

    def columns(self, nodes: tuple[Name, ...]) -> tuple[Name, ...]:
        """Columns that `inner` needs."""
        return self.inner.columns(nodes)

    def about(self, nodes: tuple[Name, ...]) -> CITest:
        """Return the test for a table of just these variables."""
        return replace(self, inner=self.inner.about(nodes))

    def test(self, data: Data, x: Name, y: Name, given: Names = ()) -> CIResult:
        """Test whether columns `x` and `y` are independent given the columns `given`.

        All columns are read, because all of them help to impute; the rest is as in other tests.
        """
        return InContext(self, column_names(data)).test(data, x, y, given)

    def _shared(self, table: Table, rows: FloatArray) -> FloatArray:
        """Rows in which all columns of two variables are pairwise seen."""
        nodes = self.inner.nodes(table.names)
        at = [table.indices(self.inner.columns((node,))) for node in nodes]
        return np.array([[rows[np.ix_(one, two)].min() for two in at] for one in at])

    def _copies(self, table: Table, missing: BoolArray) -> FloatArray:
        """1 or -1 for two variables whose observed cells are functions of each other, else 0."""
        if not isinstance(self.inner, FisherZ):
            p = len(self.inner.nodes(table.names))
            return np.zeros((p, p))
        r, rows = observed_correlations(standardised(table.values), missing)
        copies = np.where((rows >= _COPY_ROWS) & (1.0 - np.abs(r) <= TINY), np.sign(r), 0.0)
        np.fill_diagonal(copies, 0.0)
        return np.asarray(copies)


@dataclass(frozen=True, slots=True, eq=False)
class BoundImputed(BoundTest):
    """The test on each imputation.

    Attributes
    ----------
    bound : tuple of BoundTest
    shared : ndarray of shape (p, p)
        Rows in which two variables are seen together.
    copies : ndarray of shape (p, p)
        1 or -1 for variables that are functions of each other wherever both are seen, else 0.
    n_rows : int
    """

    bound: tuple[BoundTest, ...]
    shared: FloatArray
    copies: FloatArray
    n_rows: int

    def __call__(self, i: int, j: int, given: Sequence[int] = ()) -> CIResult:
        """Test variables i and j given others on each imputation, and pool the answers."""
        if self.shared[i, j] < len(given) + 4:
            raise NumericalError(
                f"columns {i} and {j} are seen together in {int(self.shared[i, j])} rows, given "
                f"{len(given)} columns; expected at least {len(given) + 4}, because imputed cells "
                "tell nothing new about the two. Bring rows in which both are seen."
            )
        rest = list(given)
        if self.copies[np.ix_([i, j, *rest], rest)].any():
            raise NumericalError(
                f"columns {i} and {j} cannot be tested given columns {tuple(given)}: one of "
                "the set is a copy of another column of the question wherever both are seen; "
                "expected columns that each add something. Leave the redundant column out."
            )
        if self.copies[i, j]:
            return CIResult(copysign(inf, self.copies[i, j]), 0.0, int(self.shared[i, j]))
        answers = [bound(i, j, given) for bound in self.bound]
        statistic = np.array([answer.statistic for answer in answers])
        p_value = np.array([answer.p_value for answer in answers])
        freedom = max(1.0, min(answer.n_used for answer in answers) - len(given) - 3.0)
        tail = p_value < 1e-300
        size = np.where(tail, 0.0, np.abs(statistic))
        normal = np.abs(-ndtri(np.where(tail, 1.0, p_value) / 2) - size) < 1e-6 * (1 + size)
        if np.all(normal):
            return self._pooled(statistic, freedom)
        middle = float(np.median(p_value))
        return CIResult(float(np.median(statistic)), middle, self.n_rows)

    def _pooled(self, z: FloatArray, freedom: float) -> CIResult:
        m, mean = len(z), float(z.mean())
        if np.isinf(z).any():  # the two are functions of each other; a variance would be none
            middle = float(np.median(z))
            return CIResult(middle, erfc(abs(middle) / sqrt(2)), self.n_rows)
        between = (1 + 1 / m) * float(z.var(ddof=1))
        total = 1 + between
        share = between / total
        t = mean / sqrt(total)
        if share <= 1e-12:  # no imputed cell matters here
            return CIResult(mean, erfc(abs(mean) / sqrt(2)), self.n_rows)
        observed = (freedom + 1) / (freedom + 3) * freedom * (1 - share)
        df = 1 / (share**2 / (m - 1) + 1 / observed)
        return CIResult(t, 2 * float(stdtr(df, -abs(t))), round(self.n_rows * (1 - share)))


def _check_levels(table: Table) -> None:
    for name, levels in zip(table.names, table.levels, strict=True):
        if levels is not None and len(levels) > 2:
            raise InputError(
                f"column {name!r} is categorical with {len(levels)} levels; MultipleImputation "
                "expects numeric, boolean or two-level columns where cells are missing. Use "
                "TestwiseDeletion, or impute with a method for categories before."
            )
