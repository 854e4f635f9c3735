"""From rows of results to a verdict: means with their errors, ranks, and a test of the ranks.

Means are taken over repeats within each model and size, and then over those, so that a standard
error says how far the mean would move with other draws from the *same* models. How a method does
on models of another kind no such number can say.

Ranks are taken on each data set: best first, ties share, and who gave no answer is last. The test
of Friedman asks whether all methods might rank alike; where it says no, two methods differ whose
mean ranks are farther apart than the critical difference of Nemenyi, which allows for all pairs.

References
----------
Demšar (2006), "Statistical comparisons of classifiers over multiple data sets", JMLR 7.
Friedman (1937), "The use of ranks to avoid the assumption of normality implicit in the analysis of
variance", doi:10.1080/01621459.1937.10503522.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from causalkit._core.checks import check_fraction
from causalkit._core.report import Report, Reported
from causalkit.benchmark.storage import Result
from causalkit.errors import InputError
from causalkit.typing import FloatArray

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["RankTest", "by_data_set", "rank_matrix", "rank_test", "stratified_mean"]


def stratified_mean(values: Sequence[FloatArray]) -> tuple[float, float]:
    """Mean of the means of strata, and its standard error.

    Parameters
    ----------
    values : sequence of ndarrays
        One array a stratum; empty ones and missing values are left out.

    Returns
    -------
    mean, std_error : float
        NaN where nothing is left, or a stratum has one value only, of which the error is unknown.

    Examples
    --------
    >>> stratified_mean([np.array([1.0, 3.0]), np.array([5.0, 7.0])])
    (4.0, 0.7071067811865476)
    """
    strata = [kept for kept in (v[~np.isnan(v)] for v in values) if len(kept)]
    if not strata:
        return float("nan"), float("nan")
    mean = float(np.mean([stratum.mean() for stratum in strata]))
    if min(map(len, strata)) < 2:
        return mean, float("nan")
    variance = sum(
        stratum.var(ddof=1) / len(stratum) if np.ptp(stratum) > 0 else 0.0 for stratum in strata
    )
    return mean, float(np.sqrt(variance)) / len(strata)


def rank_matrix(values: FloatArray, best: str) -> FloatArray:
    """Rank methods on each data set.

    Parameters
    ----------
    values : ndarray of shape (n_data_sets, n_methods)
        NaN where there is no answer, which ranks last.
    best : {"low", "high"}

    Returns
    -------
    ndarray of shape (n_data_sets, n_methods)
        From 1, the best; ties share the mean of their ranks. Numbers that agree to ten digits tie.
    """
    known = np.where(np.isnan(values), 1.0, values)
    unit = 10.0 ** (np.floor(np.log10(np.maximum(np.abs(known), 1e-200))) - 9)
    rounded = np.round(known / unit) * unit
    signed = np.where(np.isnan(values), np.inf, rounded if best == "low" else -rounded)
    less = (signed[:, :, None] > signed[:, None, :]).sum(axis=2)
    same = (signed[:, :, None] == signed[:, None, :]).sum(axis=2)
    ranks: FloatArray = less + (same + 1) / 2.0
    return ranks


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class RankTest(Reported):
    """Whether methods rank alike, and which of them differ.

    Attributes
    ----------
    measure : str
    methods : tuple of str
        The best mean rank first.
    mean_ranks : tuple of float
    statistic, p_value : float
        Of Friedman's test, corrected for ties.
    critical_difference : float
        Of Nemenyi's: mean ranks that are farther apart differ, at `level` for all pairs together.
    level : float
    n_data_sets : int

    Notes
    -----
    **Assumes:** that data sets are independent of each other. Repeats of one model are draws from
    it, so the verdict is about the models that were compared, and about no others.
    """

    measure: str
    methods: tuple[str, ...]
    mean_ranks: tuple[float, ...]
    statistic: float
    p_value: float
    critical_difference: float
    level: float
    n_data_sets: int

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """Largest sets of methods, neighbours in rank, of which no two differ."""
        found: list[tuple[int, int]] = []
        for start, first in enumerate(self.mean_ranks):
            ends = [rank - first <= self.critical_difference for rank in self.mean_ranks]
            stop = max(k for k, near in enumerate(ends) if near) + 1
            if not found or stop > found[-1][1]:
                found.append((start, stop))
        return tuple(self.methods[start:stop] for start, stop in found if stop - start > 1)

    def to_frame(self) -> pd.DataFrame:
        """One row a method, with its mean rank."""
        import pandas as pd

        index = pd.Index(self.methods, name="method")
        return pd.DataFrame({"mean_rank": self.mean_ranks}, index=index)

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw the mean ranks, with a bar over methods that do not differ."""
        from causalkit.plotting.leaderboard import plot_critical_difference

        return plot_critical_difference(
            self.methods, self.mean_ranks, self.critical_difference, ax, **style
        )

    def _report(self) -> Report:
        verdict = "methods differ" if self.p_value < self.level else "no difference is shown"
        return Report(
            f"Ranks by {self.measure}",
            facts=[
                ("data sets", self.n_data_sets),
                ("Friedman's test", f"chi2 = {self.statistic:.4g}, p = {self.p_value:.3g}"),
                ("so", f"{verdict} at level {self.level:g}"),
                ("critical difference", self.critical_difference),
            ],
            columns=("method", "mean rank"),
            rows=list(zip(self.methods, self.mean_ranks, strict=True)),
            notes=[f"do not differ: {', '.join(group)}" for group in self.groups],
        )


def rank_test(
    names: Sequence[str], ranks: FloatArray, *, measure: str, level: float = 0.05
) -> RankTest:
    """Test ranks by Friedman, and pairs by Nemenyi.

    Parameters
    ----------
    names : sequence of str
    ranks : ndarray of shape (n_data_sets, n_methods)
        See :func:`rank_matrix`.
    measure : str
        What they were ranked by.
    level : float, default 0.05

    Returns
    -------
    RankTest

    Raises
    ------
    InputError
        If there are fewer than two methods or data sets.
    """
    check_fraction(level, "level")
    n, k = ranks.shape
    if n < 2 or k < 2:
        raise InputError(
            f"there are {k} methods with answers on {n} data sets by {measure!r}; expected two of "
            "each at least. Ask for more repeats, or for a measure that they have."
        )
    from scipy.special import chdtrc
    from scipy.stats import studentized_range

    middle = (k + 1) / 2.0
    spread = float(((ranks - middle) ** 2).sum())
    between = float(((ranks.sum(axis=0) - n * middle) ** 2).sum())
    statistic = (k - 1) * between / spread if spread > 0 else 0.0
    quantile = float(studentized_range.ppf(1.0 - level, k, np.inf)) / np.sqrt(2.0)
    order = np.argsort(ranks.mean(axis=0), kind="stable")
    return RankTest(
        measure=measure,
        methods=tuple(names[j] for j in order),
        mean_ranks=tuple(float(ranks[:, j].mean()) for j in order),
        statistic=statistic,
        p_value=float(chdtrc(k - 1, statistic)),
        critical_difference=quantile * float(np.sqrt(k * (k + 1) / (6.0 * n))),
        level=level,
        n_data_sets=n,
    )


def by_data_set(
    results: Iterable[Result], methods: Sequence[str], measure: str
) -> tuple[list[tuple[str, int, int]], FloatArray]:
    """Values of a measure, data sets by methods; NaN where there is none."""
    where = {name: j for j, name in enumerate(methods)}
    rows: dict[tuple[str, int, int], FloatArray] = {}
    for result in results:
        block = (result.model, result.n_obs, result.repeat)
        row = rows.setdefault(block, np.full(len(methods), np.nan))
        if result.method in where:
            row[where[result.method]] = result.values.get(measure, np.nan)
    return list(rows), np.array(list(rows.values())).reshape(len(rows), len(methods))
