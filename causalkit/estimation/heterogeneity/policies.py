"""`policy_value`: what a rule of whom to treat is worth, before anybody is treated by it.

A policy gives every row an action. Its value is the mean outcome if everyone got theirs, less what
the actions cost, and the mean of the doubly robust scores of the chosen actions estimates it. A
policy that was learnt from the same rows looks better than it is: judge it on others, or by
:meth:`~causalkit.estimation.PolicyTree.held_out_value`.

References
----------
Athey & Wager (2021), "Policy learning with observational data", Econometrica 89, 133-161.
doi:10.3982/ECTA15732
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from causalkit._core.report import Report, Reported, format_value
from causalkit.errors import InputError
from causalkit.estimation.effect import Effect, Interval
from causalkit.estimation.effect_set import EffectSet
from causalkit.estimation.heterogeneity.row_scores import EffectScores, as_scores
from causalkit.typing import FloatArray, IntArray

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["PolicyValue", "net_scores", "policy_value"]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class PolicyValue(Reported):
    """Value of a policy, and what it gains over giving everyone the same.

    Attributes
    ----------
    value : float
        Mean outcome under the policy, less costs; if scores of effects alone were given, less the
        mean outcome with nobody treated.
    std_error : float
    levels : tuple
        Actions.
    shares : tuple of float
        Share of rows that get each.
    gains : tuple of Effect
        Value of the policy less that of giving everyone the action, one an action.
    n_obs : int
    df : float or None
    notes : tuple of str
    """

    value: float
    std_error: float
    levels: tuple[object, ...]
    shares: tuple[float, ...]
    gains: tuple[Effect, ...]
    n_obs: int
    df: float | None = None
    notes: tuple[str, ...] = ()

    def interval(self, level: float = 0.95) -> Interval:
        """Return the confidence interval of the value."""
        return Interval.around(self.value, self.std_error, level, self.df)

    def gain_over(self, level: object) -> Effect:
        """Return the value less that of giving everyone this action."""
        if level not in self.levels:
            raise InputError(f"there is no action {level!r}; expected one of {self.levels[:12]}.")
        return self.gains[self.levels.index(level)]

    def to_frame(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row an action: share, gain over giving it to everyone, and its interval."""
        import pandas as pd

        rows = [
            (share, gain.value, gain.std_error, *gain.interval(level), gain.p_value())
            for share, gain in zip(self.shares, self.gains, strict=True)
        ]
        columns = ["share", "gain", "std_error", "lower", "upper", "p_value"]
        return pd.DataFrame(rows, index=list(self.levels), columns=columns)

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw the gains over giving everyone the same."""
        from causalkit.plotting import plot_effects

        labels = [f"over everyone {level}" for level in self.levels]
        return plot_effects(self.gains, ax=ax, labels=labels, **style)

    def _report(self) -> Report:
        lower, upper = map(format_value, self.interval())
        value = format_value(self.value)
        return Report(
            title=f"Value of the policy: {value} (95 % interval {lower} to {upper})",
            facts=[("rows", self.n_obs)],
            columns=("action", "share", "gain over giving everyone this", "lower", "upper"),
            rows=[
                (str(level), f"{share:.1%}", gain.value, *gain.interval())
                for level, share, gain in zip(self.levels, self.shares, self.gains, strict=True)
            ],
            notes=list(self.notes),
        )


def policy_value(
    decisions: ArrayLike,
    scores: EffectScores | Effect | EffectSet | ArrayLike,
    *,
    cost: float | ArrayLike = 0.0,
    clusters: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> PolicyValue:
    """Estimate what a policy is worth.

    Parameters
    ----------
    decisions : array-like of shape (n,)
        Action for each row: a level of the treatment; of two, also False or 0 for control and True
        or 1 for treated.
    scores : Effect of AIPW, EffectScores, or array-like of shape (n,)
        Doubly robust scores of the same rows.
    cost : float, or array-like of shape (k,)
        Of treating one row, in units of the outcome; or of each action, control first.
    clusters, sample_weight : array-like of shape (n,), optional
        Clusters and weights of scores that are plain numbers.

    Returns
    -------
    PolicyValue

    Raises
    ------
    InputError
        If a decision is no action, or rows differ in number.

    Notes
    -----
    **Assumes:** what the scores assume; decisions that were learnt from other rows; no effect of
    one row's treatment on another's outcome; and outcomes of which more is better.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> age = rng.normal(size=2000)
    >>> worth = policy_value(age > 0, age + rng.normal(size=2000))
    >>> bool(worth.gain_over(0).value > 0.3), bool(worth.gain_over(1).value > 0.3)
    (True, True)
    """
    found = as_scores(
        scores, judged=decisions, clusters=clusters, sample_weight=sample_weight, several=True
    )
    net = net_scores(found, cost)
    chosen = _as_codes(decisions, found)
    worth = net[np.arange(found.n_obs), chosen]
    value = found.mean(worth)
    gains = []
    for code, level in enumerate(found.levels):
        difference = worth - net[:, code]
        mean = found.mean(difference)
        gains.append(found.effect(mean, difference - mean, f"policy, over everyone {level}"))
    shares = tuple(found.mean(chosen == code) for code in range(len(found.levels)))
    return PolicyValue(
        value,
        found.effect(value, worth - value, "policy").std_error,
        found.levels,
        shares,
        tuple(gains),
        found.n_obs,
        found.df,
    )


def net_scores(scores: EffectScores, cost: float | ArrayLike) -> FloatArray:
    """Scores of each action less its cost, shape (n, k)."""
    arms = scores.arms
    if arms is None:
        arms = np.column_stack([np.zeros(scores.n_obs), scores.values])
    k = arms.shape[1]
    try:
        costs = np.array(cost, dtype=np.float64)
    except (TypeError, ValueError):
        costs = np.array(np.nan)
    if costs.ndim == 0:
        costs = np.concatenate([[0.0], np.full(k - 1, float(costs))])
    if costs.shape != (k,) or not np.isfinite(costs).all():
        raise InputError(
            f"cost={cost!r}; expected one finite number, or {k}, one for each of "
            f"{scores.levels[:8]}."
        )
    net: FloatArray = arms - costs
    return net


def _as_codes(decisions: ArrayLike, scores: EffectScores) -> IntArray:
    chosen = np.asarray(decisions)
    if chosen.shape != (scores.n_obs,):
        raise InputError(
            f"the decisions have shape {chosen.shape}; expected ({scores.n_obs},), one for each "
            "score."
        )
    listed = chosen.tolist()
    known: dict[object, int] = {level: code for code, level in enumerate(scores.levels)}
    if len(known) == 2 and not all(decision in known for decision in listed):
        known = {0: 0, 1: 1, **known}
    strange = [decision for decision in listed if decision not in known]
    if strange:
        raise InputError(
            f"a decision is {strange[0]!r}; expected one of the actions {scores.levels[:8]}."
        )
    return np.array([known[decision] for decision in listed], dtype=np.intp)
