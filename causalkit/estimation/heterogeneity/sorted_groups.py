"""`group_effects`: the average effect in each group of rows, with a band that holds for all.

Groups are the levels of a column, or slices of the rows by predicted effect: the *sorted group
average treatment effects* (GATES). Whatever the predictions are worth, the averages within slices
are estimated by doubly robust scores alone, so a model that found only noise shows slices that are
all alike.

References
----------
Chernozhukov, Demirer, Duflo & Fernández-Val (2025), "Fisher-Schultz lecture: generic machine
learning inference on heterogenous treatment effects in randomized experiments, with an application
to immunization in India", Econometrica 93, 1121-1164. doi:10.3982/ECTA19303
Chernozhukov, Fernández-Val & Galichon (2009), "Improving point and interval estimators of monotone
functions by rearrangement", Biometrika 96, 559-575. doi:10.1093/biomet/asp030
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from causalkit._core.checks import check_count
from causalkit._core.report import Report, Reported, format_value
from causalkit.errors import InputError
from causalkit.estimation.effect import Effect, quantile
from causalkit.estimation.heterogeneity._joint import chi_square_tail
from causalkit.estimation.heterogeneity.conditional_effects import ConditionalEffects
from causalkit.estimation.heterogeneity.rank_weighted import as_priorities
from causalkit.estimation.heterogeneity.row_scores import (
    EffectScores,
    as_scores,
    scores_for,
)
from causalkit.estimation.simultaneous import sup_quantile
from causalkit.typing import FloatArray, IntArray

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["GroupEffects", "group_effects"]

_FEW_LEVELS = 10


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class GroupEffects(Reported):
    """Average effects of groups of rows.

    Attributes
    ----------
    labels : tuple of str
        Groups, in order.
    values : ndarray of shape (k,)
    covariance : ndarray of shape (k, k)
    n_rows : tuple of int
    df : float or None
        Degrees of freedom of Student's distribution; clusters less one, None without clusters.
    sorted : bool
        Whether groups are slices by predicted effect, from lowest to highest.
    """

    labels: tuple[str, ...]
    values: FloatArray
    covariance: FloatArray
    n_rows: tuple[int, ...]
    df: float | None = None
    sorted: bool = False

    @property
    def std_errors(self) -> FloatArray:
        """Standard errors, shape (k,)."""
        root: FloatArray = np.sqrt(np.diag(self.covariance))
        return root

    def interval(self, level: float = 0.95, *, joint: bool = True) -> FloatArray:
        """Intervals, shape (k, 2).

        Parameters
        ----------
        level : float
        joint : bool
            Whether all of them hold at once, or each alone.
        """
        factor = (
            sup_quantile(self.covariance, level, self.df)
            if joint
            else quantile(0.5 + level / 2, self.df)
        )
        half = factor * self.std_errors
        return np.column_stack([self.values - half, self.values + half])

    def difference(self, first: str | int = -1, second: str | int = 0) -> Effect:
        """Return the effect in one group less that in another; last less first if left out."""
        a, b = self._position(first), self._position(second)
        if a == b:
            raise InputError("a group was compared with itself; expected two groups.")
        contrast = np.zeros(len(self))
        contrast[[a, b]] = 1.0, -1.0
        spread = float(np.sqrt(contrast @ self.covariance @ contrast))
        method = f"effect in {self.labels[a]} less effect in {self.labels[b]}"
        n = self.n_rows[a] + self.n_rows[b]
        return Effect(float(contrast @ self.values), spread, n, method, df=self.df)

    @property
    def heterogeneity_p_value(self) -> float:
        """p-value of the hypothesis that the effect is the same in all groups."""
        contrasts = np.eye(len(self))[1:] - np.eye(len(self))[0]
        covariance = contrasts @ self.covariance @ contrasts.T
        return chi_square_tail(contrasts @ self.values, covariance, self.df)

    def rearranged(self, level: float = 0.95) -> FloatArray:
        """Sorted values with sorted ends of the joint band, shape (k, 3): value, lower, upper.

        Slices by the true effect rise; estimates that fall are brought into order, which only
        brings them, and the band, nearer to a curve that rises.
        """
        ends = np.sort(self.interval(level), axis=0)
        return np.column_stack([np.sort(self.values), ends])

    def to_frame(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row a group: effect, std_error, lower, upper (of the joint band), n_obs."""
        import pandas as pd

        ends = self.interval(level)
        return pd.DataFrame(
            {
                "effect": self.values,
                "std_error": self.std_errors,
                "lower": ends[:, 0],
                "upper": ends[:, 1],
                "n_obs": self.n_rows,
            },
            index=list(self.labels),
        )

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw the effects with their joint band."""
        from causalkit.plotting.heterogeneity import plot_group_effects

        return plot_group_effects(self, ax=ax, **style)

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[Effect]:
        for label, value, spread, n in zip(
            self.labels, self.values, self.std_errors, self.n_rows, strict=True
        ):
            yield Effect(float(value), float(spread), n, label, df=self.df)

    def _position(self, group: str | int) -> int:
        if isinstance(group, str):
            if group not in self.labels:
                raise InputError(
                    f"there is no group {group!r}; expected one of {self.labels[:12]}."
                )
            return self.labels.index(group)
        if not -len(self) <= group < len(self):
            raise InputError(f"group {group}; expected a position among {len(self)} groups.")
        return int(group) % len(self)

    def _report(self) -> Report:
        ends = self.interval()
        last = self.difference()
        lower, upper = map(format_value, last.interval())
        return Report(
            title=f"Effects in {len(self)} groups",
            facts=[
                (
                    f"{self.labels[-1]} less {self.labels[0]}",
                    f"{format_value(last.value)} (95 % interval {lower} to {upper})",
                ),
                ("p-value of equal effects", self.heterogeneity_p_value),
            ],
            columns=("group", "effect", "std. error", "lower", "upper", "rows"),
            rows=[
                (label, self.values[k], self.std_errors[k], *ends[k], self.n_rows[k])
                for k, label in enumerate(self.labels)
            ],
            notes=["The band holds for all groups at once with 95 % probability."],
        )


def group_effects(
    by: ConditionalEffects | ArrayLike,
    scores: EffectScores | Effect | ArrayLike,
    *,
    n_groups: int = 5,
    clusters: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> GroupEffects:
    """Estimate the average effect in groups of rows.

    Parameters
    ----------
    by : ConditionalEffects or array-like of shape (n,)
        Labels, or numbers of at most ten values: a group for each. Other numbers, and predicted
        effects: slices of equally many rows, from the lowest to the highest.
    scores : Effect of AIPW, EffectScores, or array-like of shape (n,)
        Doubly robust scores of the same rows.
    n_groups : int
        How many slices.
    clusters, sample_weight : array-like of shape (n,), optional
        Clusters and weights of scores that are plain numbers.

    Returns
    -------
    GroupEffects

    Raises
    ------
    InputError
        If rows differ in number, or a group has fewer than two rows.

    Notes
    -----
    **Assumes:** what the scores assume; predicted effects were learnt from other rows, or by
    `predict_out_of_fold(..., sequential=True)` (then slices are taken within its parts).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> region = np.array(["north", "south"])[rng.integers(2, size=2000)]
    >>> found = group_effects(region, (region == "south") + rng.normal(size=2000))
    >>> found.labels, (found.values + 1).round()
    (('north', 'south'), array([1., 2.]))
    """
    found = as_scores(scores, judged=by, clusters=clusters, sample_weight=sample_weight)
    found = scores_for(by, found)
    check_count(n_groups, "n_groups", minimum=2)
    codes, labels, cut = _assigned(by, found, n_groups)
    k = len(labels)
    counts = np.bincount(codes, weights=found.shares > 0, minlength=k).astype(int)
    if k < 2 or counts.min() < 2:
        few = labels[int(counts.argmin())]
        raise InputError(
            f"group {few!r} has {int(counts.min())} row(s), of {k} group(s); expected at least two "
            "groups of two rows each. Merge small groups, or use fewer slices."
        )
    member = (codes[:, None] == np.arange(k)).astype(np.float64)
    size = found.shares @ member
    values = (found.shares * found.values) @ member / size
    influences = member * (found.values[:, None] - values) / size
    # As in a regression on indicators: n/(n−1) within each group, which small groups need.
    influences *= np.sqrt(counts / (counts - 1))
    covariance = found.covariance(influences)
    return GroupEffects(labels, values, covariance, tuple(counts.tolist()), found.df, sorted=cut)


def _assigned(
    by: ConditionalEffects | ArrayLike, scores: EffectScores, n_groups: int
) -> tuple[IntArray, tuple[str, ...], bool]:
    """Code of each row's group, labels of the groups, and whether they are slices."""
    if not isinstance(by, ConditionalEffects):
        labels = np.asarray(by)
        if labels.shape != (scores.n_obs,):
            raise InputError(
                f"by has shape {labels.shape}; expected ({scores.n_obs},), one for each score."
            )
        numeric = labels.dtype.kind in "fiu"
        if not numeric or len(np.unique(labels)) <= _FEW_LEVELS:
            levels, codes = np.unique(
                labels.astype(str) if not numeric else labels, return_inverse=True
            )
            named = tuple(map(str, levels.tolist()))
            # Categories come in the order that they were given.
            declared = getattr(getattr(by, "dtype", None), "categories", None)
            if declared is not None:
                ordered = [str(level) for level in declared if str(level) in named]
                codes = np.array([ordered.index(level) for level in named])[codes]
                named = tuple(ordered)
            return codes.reshape(-1), named, False
    ranked = as_priorities(by, scores.n_obs)
    order = np.argsort(ranked, kind="stable")
    reached = np.empty(scores.n_obs)
    reached[order] = np.cumsum(scores.shares[order]) - scores.shares[order] / 2
    # Equal values stay together, in the slice of their middle.
    _, step = np.unique(ranked, return_inverse=True)
    middle = np.bincount(step, weights=reached) / np.bincount(step)
    codes = np.minimum((middle[step] * n_groups).astype(np.intp), n_groups - 1)
    there, codes = np.unique(codes, return_inverse=True)
    names = tuple(f"{k + 1} of {n_groups}" for k in there.tolist())
    return codes.astype(np.intp), names, True
