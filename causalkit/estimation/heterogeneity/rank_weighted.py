"""`rank_weighted_effect`: how good a ranking of rows by who gains most is, and how sure that is.

A *priority* is any number by which rows would be treated first: a predicted effect, a risk, an age.
Treat the top share q of the rows: what they gain beyond the average is the *targeting operator
characteristic*

    TOC(q) = E[effect | among the top q] − E[effect],

a curve that starts where the ranking puts its trust and ends at zero. Its weighted area is the
*rank-weighted average treatment effect* (RATE): AUTOC = ∫ TOC(q) dq looks at the very top, Qini
= ∫ q TOC(q) dq at everyone. Both are zero for a ranking that knows nothing, so the p-value is a
test of "nobody gains more, as far as this priority can tell".

Effects are measured by doubly robust scores of rows that the priority was not learnt from:
otherwise the ranking has seen the noise by which it is judged.

References
----------
Yadlowsky, Fleming, Shah, Brunskill & Wager (2025), "Evaluating treatment prioritization rules via
rank-weighted average treatment effects", JASA 120, 38-51. doi:10.1080/01621459.2024.2393466
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import ArrayLike

from causalkit._core.checks import check_choice, check_count
from causalkit._core.report import Report, Reported, format_value
from causalkit.errors import InputError
from causalkit.estimation.effect import Effect, Interval, quantile
from causalkit.estimation.heterogeneity.conditional_effects import ConditionalEffects
from causalkit.estimation.heterogeneity.row_scores import (
    EffectScores,
    as_scores,
    scores_for,
)
from causalkit.estimation.simultaneous import sup_quantile
from causalkit.typing import FloatArray

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["RankWeightedEffect", "as_priorities", "rank_weighted_effect"]

_NAMES: Final = {"autoc": "AUTOC", "qini": "Qini"}


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class RankWeightedEffect(Reported):
    """Area under the curve of what the rows treated first gain beyond the average.

    Attributes
    ----------
    value : float
    std_error : float
    weighting : {"autoc", "qini"}
    n_obs : int
    shares : ndarray of shape (k,)
        Shares q of rows treated.
    toc : ndarray of shape (k,)
        Mean effect among the top q, less the mean over everyone.
    toc_covariance : ndarray of shape (k, k)
    influence : ndarray of shape (n,)
        Of each row on `value`, were rows unweighted.
    scores : EffectScores
    """

    value: float
    std_error: float
    weighting: str
    n_obs: int
    shares: FloatArray
    toc: FloatArray
    toc_covariance: FloatArray
    influence: FloatArray
    scores: EffectScores

    def interval(self, level: float = 0.95) -> Interval:
        """Return the confidence interval of the area."""
        return Interval.around(self.value, self.std_error, level, self.scores.df)

    def p_value(self, null: float = 0.0) -> float:
        """Two-sided p-value of the hypothesis that the area equals `null`."""
        return Effect(
            self.value, self.std_error, self.n_obs, self.weighting, df=self.scores.df
        ).p_value(null)

    def curve(self, level: float = 0.95, *, joint: bool = True) -> FloatArray:
        """Return the ends of the band around `toc`, shape (k, 2).

        Parameters
        ----------
        level : float
        joint : bool
            Whether the band holds the whole curve at once, or each point alone.
        """
        if joint:
            factor = sup_quantile(self.toc_covariance, level, self.scores.df)
        else:
            factor = quantile(0.5 + level / 2, self.scores.df)
        half = factor * np.sqrt(np.diag(self.toc_covariance))
        return np.column_stack([self.toc - half, self.toc + half])

    def difference(self, other: RankWeightedEffect) -> Effect:
        """Return by how much this ranking is better than another of the same rows.

        Parameters
        ----------
        other : RankWeightedEffect
            With the same weighting and scores.
        """
        same = self.weighting == other.weighting and self.n_obs == other.n_obs
        if not same or not np.array_equal(self.scores.values, other.scores.values):
            raise InputError(
                "the two rankings have other scores or weightings; expected the same rows, judged "
                "alike. Rank the same scores with the same weighting."
            )
        method = f"difference of two rankings, {_NAMES[self.weighting]}"
        phi = self.influence - other.influence
        return self.scores.effect(self.value - other.value, phi, method)

    def to_frame(self, level: float = 0.95) -> pd.DataFrame:
        """Return the curve, one row a share: toc, std_error, lower and upper end of the band."""
        import pandas as pd

        ends = self.curve(level)
        return pd.DataFrame(
            {
                "share": self.shares,
                "toc": self.toc,
                "std_error": np.sqrt(np.diag(self.toc_covariance)),
                "lower": ends[:, 0],
                "upper": ends[:, 1],
            }
        )

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw the curve with its band."""
        from causalkit.plotting.heterogeneity import plot_rank_curve

        return plot_rank_curve(self, ax=ax, **style)

    def _report(self) -> Report:
        lower, upper = self.interval()
        name = _NAMES[self.weighting]
        ends = f"{format_value(lower)} to {format_value(upper)}"
        picked = [int(np.argmin(np.abs(self.shares - q))) for q in (0.1, 0.25, 0.5, 0.75)]
        spread = np.sqrt(np.diag(self.toc_covariance))
        return Report(
            title=f"{name}: {format_value(self.value)} (95 % interval {ends})",
            facts=[
                ("std. error", self.std_error),
                ("p-value", self.p_value()),
                ("rows", self.n_obs),
            ],
            columns=("treated", "gain beyond average", "std. error"),
            rows=[(f"top {self.shares[k]:.0%}", self.toc[k], spread[k]) for k in picked],
            notes=["Valid if the priority was not learnt from these rows' outcomes."],
        )


def rank_weighted_effect(
    priorities: ArrayLike | ConditionalEffects,
    scores: EffectScores | Effect | ArrayLike,
    *,
    weighting: str = "autoc",
    clusters: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    n_shares: int = 20,
) -> RankWeightedEffect:
    """Measure how much more those gain who rank first.

    Parameters
    ----------
    priorities : array-like of shape (n,), or ConditionalEffects
        The higher, the earlier treated. Ties are treated in random order, on average. Conditional
        effects that were predicted out of fold are ranked within their fold, and judged by the
        scores of their own rows.
    scores : Effect of AIPW, EffectScores, or array-like of shape (n,)
        Doubly robust scores of the same rows.
    weighting : {"autoc", "qini"}
        "autoc" finds few rows with large effects better, "qini" many rows with moderate ones.
    clusters, sample_weight : array-like of shape (n,), optional
        Clusters and weights of scores that are plain numbers.
    n_shares : int
        Points of the curve, evenly spread up to 1.

    Returns
    -------
    RankWeightedEffect

    Raises
    ------
    InputError
        If priorities and scores are not as many, or all priorities are equal.

    Notes
    -----
    **Assumes:**

    - the priorities were learnt from other rows, or by
      `predict_out_of_fold(..., sequential=True)`;
    - what the scores assume: no hidden common cause, overlap, and nuisances that are predicted well
      enough.

    The standard error is that of the statistic's own linear approximation in the shares of the rows
    (the infinitesimal jackknife), in which the ranks are estimated too. For the curve the mean
    effect at the q-th rank is needed, which is a local average over n^(-1/3) of the rows.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> priority = rng.random(2000)
    >>> rate = rank_weighted_effect(priority, priority + rng.normal(size=2000))
    >>> bool(0.25 in rate.interval(0.99))  # of an effect U on (0, 1), ranked by itself
    True
    """
    check_choice(weighting, "weighting", tuple(_NAMES))
    check_count(n_shares, "n_shares", minimum=2)
    found = as_scores(scores, judged=priorities, clusters=clusters, sample_weight=sample_weight)
    found = scores_for(priorities, found)
    ranked = _Ranked(as_priorities(priorities, found.n_obs), found)
    value, influence = ranked.area(weighting)
    shares = np.linspace(0, 1, n_shares + 1)[1:]
    toc, influences = ranked.curve(shares)
    return RankWeightedEffect(
        value,
        float(np.sqrt(found.covariance(influence[:, None])[0, 0])),
        weighting,
        found.n_obs,
        shares,
        toc,
        found.covariance(influences),
        influence,
        found,
    )


def as_priorities(priorities: ArrayLike | ConditionalEffects, n_rows: int) -> FloatArray:
    """Finite numbers, one a row, that are not all equal; ranks within folds where there are any."""
    given, folds = priorities, None
    if isinstance(priorities, ConditionalEffects):
        given, folds = priorities.values, priorities.folds
    try:
        values = np.array(given, dtype=np.float64)
    except (TypeError, ValueError):
        values = np.empty(0)
    if values.shape != (n_rows,) or not np.isfinite(values).all():
        raise InputError(
            f"the priorities have shape {values.shape} or are not all finite; expected {n_rows} "
            "numbers, one for each score."
        )
    if np.ptp(values) == 0:
        raise InputError(
            "all priorities are equal; expected a ranking of the rows. An effect that is the same "
            "for all has nothing to rank by."
        )
    if folds is not None:
        from scipy.stats import rankdata

        for k in np.unique(folds):
            values[folds == k] = rankdata(values[folds == k]) / ((folds == k).sum() + 1)
    return values


def _cumulative(u: FloatArray, weighting: str) -> FloatArray:
    """∫₀ᵘ w, with w(u) = −log u − 1 for AUTOC and ½ − u for Qini: RATE = E[w(U) effect]."""
    if weighting == "qini":
        return u * (1 - u) / 2
    return -u * np.log(np.where(u > 0, u, 1.0))


def _weight(u: FloatArray, weighting: str) -> FloatArray:
    return 0.5 - u if weighting == "qini" else -np.log(u) - 1


class _Ranked:
    """Scores in the order of their priorities; rows with one priority form one step."""

    def __init__(self, priorities: FloatArray, scores: EffectScores) -> None:
        # Steps from the highest priority down.
        _, step = np.unique(-priorities, return_inverse=True)
        self.step = step.reshape(-1)
        self.scores, shares = scores, scores.shares
        self.mean = scores.mean(scores.values)
        self.mass = np.bincount(self.step, weights=shares)
        there = self.mass > 0
        total = np.bincount(self.step, weights=shares * scores.values)
        self.means = np.divide(total, self.mass, out=np.zeros_like(total), where=there)
        self.ends = np.minimum(np.cumsum(self.mass), 1.0)
        self.ends[-1] = 1.0
        self.starts = np.concatenate([[0.0], self.ends[:-1]])

    def area(self, weighting: str) -> tuple[float, FloatArray]:
        """Σ_g m_g (W(b_g) − W(a_g)) over the steps g = (a_g, b_g], and its influence.

        A row moves the mean m_g of its own step, and the ends b of its step and of all after it.
        """
        rise = _cumulative(self.ends, weighting) - _cumulative(self.starts, weighting)
        value = float(self.means @ rise)
        average = np.divide(rise, self.mass, out=np.zeros_like(rise), where=self.mass > 0)
        own = average[self.step] * (self.scores.values - self.means[self.step])
        # db_h = 1{row in or before step h} − b_h; the last end is 1 and does not move.
        inner = self.ends[:-1]
        moved = np.zeros_like(self.ends)
        moved[:-1] = np.where(inner > 0, _weight(np.maximum(inner, 1e-300), weighting), 0.0)
        moved[:-1] *= -np.diff(self.means)
        later = np.cumsum(moved[::-1])[::-1]
        shift = later[self.step] - float(moved @ self.ends)
        return value, own + shift

    def curve(self, shares: FloatArray) -> tuple[FloatArray, FloatArray]:
        """TOC at each share, and its influences, shape (n, k)."""
        n = self.scores.n_obs
        gained = np.concatenate([[0.0], np.cumsum(self.means * self.mass)])
        at = np.concatenate([[0.0], self.ends])
        toc = np.interp(shares, at, gained) / shares - self.mean
        half = n ** (-1 / 3) / 2
        low, high = np.maximum(shares - half, 0.0), np.minimum(shares + half, 1.0)
        local = (np.interp(high, at, gained) - np.interp(low, at, gained)) / (high - low)
        # How much of each step lies within the top q.
        width = np.where(self.mass > 0, self.mass, 1.0)[:, None]
        part = np.clip((shares - self.starts[:, None]) / width, 0.0, 1.0)[self.step]
        scores = self.scores.values[:, None]
        moved = part * (scores - local) / shares
        influences: FloatArray = moved - (scores - self.mean)
        influences -= self.scores.shares @ influences
        return toc, influences
