"""Granger's question: whether the past of one series helps to predict another one.

A series X is said to cause Y if its past improves the prediction of Y from the past of Y, and of
all else that was measured. In a linear model this asks whether the coefficients of X at all lags
are zero in the equation of Y, which an F test answers.

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> noise = rng.normal(size=(500, 2))
>>> x = noise[:, 0]
>>> y = noise[:, 1] + 0.5 * np.roll(x, 2)
>>> granger = Granger(max_lag=3).fit({"x": x, "y": y})
>>> print(granger.graph_.summary_graph())
2 series, 1 link: x -> y (2)

It is a statement on prediction. What was not measured and drives both, or a series that was sampled
too rarely, makes links that are no causes, and what happens within a step is not seen at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np

from causalkit._core.checks import check_choice, check_count, check_fraction
from causalkit._core.series import Series
from causalkit.discovery.base import Explanation, Separation
from causalkit.discovery.series._multiple_tests import CORRECTIONS
from causalkit.discovery.series.base import SeriesAlgorithm
from causalkit.discovery.series.granger._granger_links import (
    adjusted_by_family,
    groups_of,
    links_at_lags,
)
from causalkit.discovery.series.granger._granger_tests import (
    STATISTICS,
    Coefficients,
    Rows,
    conditional,
    joint_test,
    pairwise,
    rows_of,
    verdict,
)
from causalkit.discovery.series.granger._lagged_regression import (
    LaggedMoments,
    choose_lag,
    lagged_moments,
)
from causalkit.errors import InputError
from causalkit.graph import Lagged
from causalkit.graph.marks import show_name
from causalkit.typing import FloatArray, IntArray, Name, Names

__all__ = ["Granger"]

_COVARIANCES: Final = ("classical", "hac")
_MEANS: Final = ("each", "common")
_LETTERS: Final = {"f": "F", "system_f": "F", "wald": "chi-squared", "lr": "LR"}


class Granger(SeriesAlgorithm):
    """Test which series help to predict which others, by regressions on their lags.

    Parameters
    ----------
    max_lag : int or {"bic", "aic", "hqic", "fpe"}, default 1
        Lags of each series in each regression; or the criterion that chooses them for the VAR of
        all series, from 1 to `lag_cap`, on the rows that have all of them.
    lag_cap : int, optional
        Most lags that a criterion may choose; `12 (n / 100)^(1/4)` if left out, or fewer where
        there are less than three rows a coefficient.
    conditional : bool, default True
        Whether the pasts of all other series are held fixed (a VAR), or each pair is looked at
        alone. Alone, chains and common causes appear as links; in return, more series than steps
        do no harm.
    statistic : {"f", "system_f", "wald", "lr"}, default "f"
        F with the degrees of freedom of the equation; F with those of the whole VAR, as Lütkepohl
        and statsmodels have it, which finds more than it should in short series; chi-squared of
        Wald; or the ratio of likelihoods.
    covariance : {"classical", "hac"}, default "classical"
        "hac" allows for noise with a changing variance, and for noise that the lags leave with a
        memory: Newey and West's covariance, of residuals that are freed of their own pull (as in
        HC3), and with "f" the degrees of freedom that such a covariance has. It goes with "f" and
        "wald".
    bandwidth : int, optional
        Steps that this memory may last; 0 allows for a changing variance only.
        `4 (n / 100)^(2/9)` if left out.
    alpha : float, default 0.05
        Level of the joint tests that decide on links, and of the tests of single lags.
    correction : {None, "bonferroni", "holm", "bh", "by"}, default None
        Of the joint tests, for their number: the family-wise error ("bonferroni", "holm") or the
        share of false links ("bh", "by") is at most alpha. Links between series are one family,
        what drives itself another.
    blocks : dict of str to names, optional
        Groups of series that are tested together, e.g. `{"weather": ["rain", "wind"]}`. A series
        that is in none is a group of its own.
    mean : {"each", "common"}, default "each"
        Whether each subject of a panel, or each member of a list, has an intercept of its own, or
        all have one. All share the coefficients. "common" is for pieces of one series, or subjects
        that surely have the same level: it spares an intercept a piece, and the bend that these
        make in short ones (Nickell). If levels differ, they pass for long memory and for links.
    panel, time, mask : str or int, optional
        Columns that tell subjects apart, hold the time, and say which rows may be "now".

    Attributes
    ----------
    graph_ : LaggedGraph
        Kind DAG. A link is there if the joint test of all its lags says so; it is drawn at the lags
        whose own p-values are at most alpha, and at the smallest of these if none is.
    pair_p_values_, adjusted_p_values_ : ndarray of shape (p, p)
        Of the joint tests, `[cause, effect]`, the diagonal for a series' own past; before and after
        the correction.
    pair_statistics_ : ndarray of shape (p, p)
    scores_ : ndarray of shape (p, p)
        The same: larger is more surely a link.
    coefficients_ : ndarray of shape (max_lag, p, p)
        `[lag - 1, cause, effect]`, in the units of the data. If not `conditional`, each from the
        regression of its pair.
    p_values_, strengths_ : ndarray of shape (max_lag + 1, p, p)
        Of each coefficient, and its partial correlation, `[lag, cause, effect]`; NaN at lag 0.
    block_names_ : tuple of names
        Groups, if there are `blocks`.
    block_p_values_, block_statistics_ : ndarray of shape (n_blocks, n_blocks)
        Of the joint tests of groups, which then decide on links; `adjusted_p_values_` is theirs.
    max_lag_ : int
        Lags used.
    lag_criteria_ : dict of ndarray of shape (lag_cap + 1,), or None
        "aic", "bic", "hqic" and the logarithm of "fpe" by number of lags, if one of them chose.
    noise_covariance_ : ndarray of shape (p, p), or None
        Of the VAR's residuals; None if not `conditional`.
    n_obs_ : int
        Rows with all lags.

    Raises
    ------
    InputError
        From `fit`, if a series is constant or there are too few steps for the regressions.
    NumericalError
        From `fit`, if series or lags determine each other.

    Notes
    -----
    **Assumes:**

    - what drives a series is linear in the past, and `max_lag` steps are far enough back;
    - nothing that was left out drives two of the series, with `conditional` at least (causal
      sufficiency), and nothing happens faster than a step;
    - series are stationary: no trends, seasons or unit roots, with which F has another law. See
      :func:`~causalkit.discovery.diagnose_series`;
    - noise without memory and with an even variance, unless `covariance="hac"`, whose p-values
      still are somewhat small where the memory is long beside the series;
    - in panels, the same coefficients for all subjects. With few steps a subject the estimated
      intercepts bend the coefficients (Nickell), unless all have one (`mean="common"`).

    References
    ----------
    Granger (1969), "Investigating causal relations by econometric models and cross-spectral
    methods", doi:10.2307/1912791. Lütkepohl (2005), "New Introduction to Multiple Time Series
    Analysis", doi:10.1007/978-3-540-27752-1. Newey and West (1987), "A simple, positive
    semi-definite, heteroskedasticity and autocorrelation consistent covariance matrix",
    doi:10.2307/1913610.
    MacKinnon and White (1985), "Some heteroskedasticity-consistent covariance matrix estimators
    with improved finite sample properties", doi:10.1016/0304-4076(85)90158-7. Sun (2014), "Let's
    fix it: fixed-b asymptotics versus small-b asymptotics in heteroskedasticity and autocorrelation
    robust inference", doi:10.1016/j.jeconom.2013.10.001. Nickell (1981), "Biases in dynamic models
    with fixed effects", doi:10.2307/1911408.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> series = rng.normal(size=(400, 3))
    >>> for t in range(1, 400):
    ...     series[t, 1] += 0.6 * series[t - 1, 0]
    ...     series[t, 2] += 0.6 * series[t - 1, 1]
    >>> print(Granger(max_lag=2, alpha=0.01).fit(series).graph_)
    DAG of 3 series, lags to 2, 2 edges: x0[t-1] -> x1[t]; x1[t-1] -> x2[t]
    >>> print(Granger(max_lag=2, alpha=0.01, conditional=False).fit(series).graph_.summary_graph())
    3 series, 3 links: x0 -> x1 (1); x0 -> x2 (2); x1 -> x2 (1)
    """

    pair_p_values_: FloatArray
    adjusted_p_values_: FloatArray
    pair_statistics_: FloatArray
    scores_: FloatArray
    coefficients_: FloatArray
    p_values_: FloatArray
    strengths_: FloatArray
    block_names_: tuple[Name, ...]
    block_p_values_: FloatArray
    block_statistics_: FloatArray
    max_lag_: int
    lag_criteria_: dict[str, FloatArray] | None
    noise_covariance_: FloatArray | None

    def __init__(
        self,
        max_lag: int | str = 1,
        *,
        lag_cap: int | None = None,
        conditional: bool = True,
        statistic: str = "f",
        covariance: str = "classical",
        bandwidth: int | None = None,
        alpha: float = 0.05,
        correction: str | None = None,
        blocks: Mapping[str, Names] | None = None,
        mean: str = "each",
        panel: Name | None = None,
        time: Name | None = None,
        mask: Name | None = None,
    ) -> None:
        self.max_lag = max_lag
        self.lag_cap = lag_cap
        self.conditional = conditional
        self.statistic = statistic
        self.covariance = covariance
        self.bandwidth = bandwidth
        self.alpha = alpha
        self.correction = correction
        self.blocks = blocks
        self.mean = mean
        self.panel = panel
        self.time = time
        self.mask = mask

    def _fit(self, series: Series) -> None:
        alpha = check_fraction(self.alpha, "alpha")
        correction = check_choice(self.correction, "correction", CORRECTIONS)
        self._check_statistic()
        groups = groups_of(self.blocks, series.names)
        if check_choice(self.mean, "mean", _MEANS) == "common":
            series = replace(series, subject=np.zeros_like(series.subject))  # borders stay
        self.max_lag_, self.lag_criteria_ = choose_lag(
            series, self.max_lag, self.lag_cap, who="Granger"
        )
        moments = lagged_moments(series, self.max_lag_, who="Granger")
        self.n_obs_ = moments.n_obs
        self._check_rows(moments, groups)
        rows = self._rows(series, moments, groups)
        found = (conditional if self.conditional else pairwise)(moments, rows)
        self._note(moments, found, None if rows is None else rows.memory_df(found.df))
        p_values = self.pair_p_values_
        if self.blocks is not None:
            self.block_names_ = tuple(groups)
            tested = self._test_groups(moments, list(groups.values()), rows)
            self.block_statistics_, self.block_p_values_ = tested
            p_values = self.block_p_values_
        self.adjusted_p_values_ = adjusted_by_family(p_values, correction)
        accepted = self.adjusted_p_values_ <= alpha
        self.graph_ = links_at_lags(
            series.names, accepted, self.p_values_[1:], alpha, list(groups.values())
        )

    def _check_statistic(self) -> None:
        check_choice(self.statistic, "statistic", STATISTICS)
        check_choice(self.covariance, "covariance", _COVARIANCES)
        if self.covariance == "hac" and self.statistic not in ("f", "wald"):
            raise InputError(
                f"statistic={self.statistic!r} with covariance='hac'; expected 'f' or 'wald', "
                "because a likelihood knows no other covariance than its own. Choose one of these."
            )

    def _check_rows(self, moments: LaggedMoments, groups: dict[Name, IntArray]) -> None:
        """Refuse regressions with as many coefficients as rows."""
        if self.conditional:
            n_pasts = moments.n_series
        elif self.blocks is None:
            n_pasts = 2
        else:
            n_pasts = sum(sorted(map(len, groups.values()))[-2:])
        n_coefficients = n_pasts * moments.max_lag + moments.n_means
        if moments.n_obs > n_coefficients:
            return
        raise InputError(
            f"an equation has {n_coefficients} coefficients ({n_pasts} series at {moments.max_lag} "
            f"lags, {moments.n_means} intercept(s)), and there are {moments.n_obs} steps with all "
            "lags; expected more steps than coefficients. Use GroupLassoGranger, which is made for "
            "that, a smaller max_lag, or conditional=False to look at each pair alone."
        )

    def _rows(
        self, series: Series, moments: LaggedMoments, groups: dict[Name, IntArray]
    ) -> Rows | None:
        if self.covariance == "classical":
            return None
        n = moments.n_obs
        steps = int(4 * (n / 100) ** (2 / 9)) if self.bandwidth is None else self.bandwidth
        check_count(steps, "bandwidth", minimum=0)
        n_zero = moments.max_lag * max(map(len, groups.values())) ** 2
        most = int(1.5 * n / (n_zero + 1)) - 1
        if 0 < steps > most:
            raise InputError(
                f"bandwidth={steps} with {n} steps and {moments.max_lag} lags; expected {most} at "
                "most, or no covariance can be estimated. Use fewer lags, or a smaller bandwidth."
            )
        return rows_of(series, moments, steps)

    def _note(self, moments: LaggedMoments, found: Coefficients, memory_df: Any) -> None:
        """Keep coefficients, and tests of them, one by one and by pair."""
        p, n_lags, n = moments.n_series, moments.max_lag, moments.n_obs
        self.coefficients_ = moments.in_units(found.slopes)
        self.noise_covariance_ = moments.noise_covariance() if self.conditional else None
        n_equations = p if self.conditional else 2
        self.pair_statistics_, self.pair_p_values_ = verdict(
            found.together, self.statistic, n_lags, found.df, n, n_equations, memory_df
        )
        self.scores_ = self.pair_statistics_
        _, alone = verdict(found.alone, self.statistic, 1, found.df, n, n_equations, memory_df)
        unasked = np.full((1, p, p), np.nan)
        self.p_values_ = np.concatenate([unasked, alone])
        self.strengths_ = np.concatenate([unasked, found.partial])

    def _test_groups(
        self, moments: LaggedMoments, groups: list[IntArray], rows: Rows | None
    ) -> tuple[FloatArray, FloatArray]:
        statistics, p_values = (np.empty((len(groups), len(groups))) for _ in range(2))
        for a, causes in enumerate(groups):
            for b, effects in enumerate(groups):
                seen, seen_rows = moments, rows
                i, j = causes, effects
                if not self.conditional:
                    both = np.union1d(causes, effects)
                    seen = moments.select(both)
                    seen_rows = None if rows is None else rows.select(both)
                    i, j = np.searchsorted(both, causes), np.searchsorted(both, effects)
                statistics[a, b], p_values[a, b] = joint_test(
                    seen, i, j, kind=self.statistic, rows=seen_rows
                )
        return statistics, p_values

    def _explain(self, past: Lagged, now: Lagged) -> Explanation:
        edges = self.graph_.edges_between(past, now)
        edge = str(edges[0]) if edges else "no edge"
        if past.lag == 0:
            why = "Granger looks at the past only: what happens within a step is not tested."
            return Explanation((past, now), edge, why)
        names = self.graph_.variables
        i, j = self.graph_.index(past), self.graph_.index(now)
        others = [name for k, name in enumerate(names) if k not in (i, j)]
        held = "its own" if i != j else "an intercept"
        if self.conditional:
            held = f"that of all {len(names) - 1} other series"
        sentences = [
            f"The past of {self._joint_sentence(i, j)}, beside {held}.",
            f"At lag {past.lag} the coefficient is {self.coefficients_[past.lag - 1, i, j]:.3g}, "
            f"p = {self.p_values_[past.lag, i, j]:.3g}.",
        ]
        if edges and self.p_values_[past.lag, i, j] > self.alpha:
            sentences.append("No lag is significant alone; the one with the smallest p is drawn.")
        pasts = [*others, names[j]] if self.conditional else [names[j]]
        given = [
            Lagged(name, lag)
            for lag in range(1, self.max_lag_ + 1)
            for name in dict.fromkeys([names[i], *pasts])
            if (name, lag) != (names[i], past.lag)
        ]
        test = Separation(
            (past, now),
            tuple(given),
            float(self.strengths_[past.lag, i, j]),
            float(self.p_values_[past.lag, i, j]),
            self.n_obs_,
        )
        direction = "The past comes first." if edges else None
        return Explanation((past, now), edge, " ".join(sentences), direction, test)

    def _joint_sentence(self, i: int, j: int) -> str:
        names, letter = self.graph_.variables, _LETTERS[self.statistic]
        a, b, p_values, statistics = i, j, self.pair_p_values_, self.pair_statistics_
        cause, effect = show_name(names[i]), show_name(names[j])
        if self.blocks is not None:
            groups = list(groups_of(self.blocks, names).values())
            a, b = (next(g for g, members in enumerate(groups) if k in members) for k in (i, j))
            p_values, statistics = self.block_p_values_, self.block_statistics_
            cause, effect = (f"group {show_name(self.block_names_[g])}" for g in (a, b))
        decided = "helps" if self.adjusted_p_values_[a, b] <= self.alpha else "does not help"
        also = "" if self.correction is None else f" ({self.adjusted_p_values_[a, b]:.3g} adjusted)"
        return (
            f"{cause} (lags 1 to {self.max_lag_}) {decided} to predict {effect}: "
            f"{letter} = {statistics[a, b]:.4g}, p = {p_values[a, b]:.3g}{also}"
        )
