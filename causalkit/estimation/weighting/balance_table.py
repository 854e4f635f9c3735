"""`balance`: how alike the arms are, column by column, before and after weighting.

The standardised mean difference of a column is the difference of its means in the two arms, over
its standard deviation in the target (of both arms before weighting, or of the treated for their
effect). The denominator is the same before and after, so that a shrinking spread cannot pass for
balance. Beyond means: the ratio of variances, and the largest gap between the two distribution
functions (Kolmogorov–Smirnov). By convention a difference above 0.1 deserves attention.

References
----------
Austin (2009), "Balance diagnostics for comparing the distribution of baseline covariates between
treatment groups in propensity-score matched samples", Statistics in Medicine 28, 3083-3107.
doi:10.1002/sim.3697
Stuart (2010), "Matching methods for causal inference: a review and a look forward", Statistical
Science 25, 1-21. doi:10.1214/09-STS313
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from causalkit._core.report import Report, Reported
from causalkit.errors import InputError
from causalkit.estimation.contrasts import Arms
from causalkit.estimation.effect import Effect
from causalkit.estimation.problem import Problem
from causalkit.typing import FloatArray

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["Balance", "balance"]

_WORTH_A_LOOK = 0.1
_ROUNDING = 1e-6
_COLUMNS = ("difference", "variance_ratio", "largest_gap")


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Balance(Reported):
    """How alike the arms are.

    Attributes
    ----------
    names : tuple of str
        Adjustment columns.
    before, after : ndarray of shape (k, 3)
        Standardised mean difference (treated less control), ratio of variances, largest gap between
        the distribution functions; unweighted but for sample weights, and weighted.
    effective : tuple of float
        Effective sample sizes of control and treated rows after weighting.
    arms : tuple of str
        Control, treated.
    """

    names: tuple[str, ...]
    before: FloatArray
    after: FloatArray
    effective: tuple[float, float]
    arms: tuple[str, str]

    @property
    def worst(self) -> float:
        """Largest absolute standardised difference after weighting."""
        return float(np.abs(self.after[:, 0]).max(initial=0.0))

    def to_frame(self) -> pd.DataFrame:
        """Return one row a column of the data, before and after side by side."""
        import pandas as pd

        return pd.DataFrame(
            {
                f"{name}_{when}": values[:, k]
                for k, name in enumerate(_COLUMNS)
                for when, values in (("before", self.before), ("after", self.after))
            },
            index=pd.Index(self.names, name="column"),
        )

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw the differences before and after, the largest on top (a love plot)."""
        from causalkit.plotting.balance import plot_balance

        return plot_balance(self, ax=ax, **style)

    def _report(self) -> Report:
        off = [
            name
            for name, difference in zip(self.names, self.after[:, 0], strict=True)
            if abs(difference) > _WORTH_A_LOOK
        ]
        verdict = "All means are within 0.1 standard deviations."
        if off:
            verdict = f"More than 0.1 standard deviations apart: {', '.join(off)}."
        rows = [
            (name, *(_tidy(x) for pair in zip(first, second, strict=True) for x in pair))
            for name, first, second in zip(self.names, self.before, self.after, strict=True)
        ]
        return Report(
            title=f"Balance of {self.arms[1]} and {self.arms[0]}",
            facts=[
                ("effective rows", " and ".join(f"{size:.0f}" for size in self.effective[::-1]))
            ],
            columns=("column", "diff.", "after", "var. ratio", "after", "gap", "after"),
            rows=rows,
            notes=[verdict],
        )


def balance(effect: Effect) -> Balance:
    """Compare the arms before and after the weights behind an effect.

    Parameters
    ----------
    effect : Effect
        Of IPW, EntropyBalancing, CBPS, KernelBalancing, Matching, or AIPW (whose propensities make
        the weights).

    Returns
    -------
    Balance

    Raises
    ------
    InputError
        If the effect rests on no weights, or on no adjustment columns.

    Notes
    -----
    **Assumes:** nothing causal: balance of measured columns says nothing about others.

    Examples
    --------
    >>> import numpy as np
    >>> from causalkit.estimation import EntropyBalancing
    >>> rng = np.random.default_rng(0)
    >>> Z = rng.normal(size=(500, 2))
    >>> t = rng.random(500) < 1 / (1 + np.exp(-Z[:, 0]))
    >>> effect = EntropyBalancing().fit(Z, Z[:, 0] + t, t=t).effect_
    >>> table = balance(effect)
    >>> bool(table.before[0, 0] > 0.5), bool(table.worst < 1e-6)
    (True, True)
    """
    problem = effect.problem
    weights = _weights_of(effect)
    if weights is None or problem is None or problem.levels is None:
        raise InputError(
            f"the effect ({effect.method}) rests on no weights; expected one of IPW, "
            "EntropyBalancing, CBPS, KernelBalancing, Matching or AIPW. Fit one of them."
        )
    if problem.X.shape[1] == 0:
        raise InputError(
            "there are no adjustment columns; expected at least one to balance. Adjust for some."
        )
    arms = Arms.of(problem, getattr(effect.estimator, "contrast", None))
    target = getattr(effect.estimator, "target", "ATE")
    w = problem.weights
    first = np.array([w * arms.control, w * arms.treated])
    second = np.array([w * weights * arms.control, w * weights * arms.treated])
    spread = _spread(problem, w * arms.treated if target == "ATT" else w)
    return Balance(
        problem.adjustment,
        _compared(problem.X, first, spread),
        _compared(problem.X, second, spread),
        (_effective(second[0]), _effective(second[1])),
        arms.names,
    )


def _tidy(number: float) -> float:
    """What is zero but for rounding, as zero."""
    return 0.0 if abs(number) < _ROUNDING else float(number)


def _weights_of(effect: Effect) -> FloatArray | None:
    """The weights of the rows; of AIPW, inverse propensities."""
    given: FloatArray | None = effect.details.get("weights")
    predictions = effect.details.get("predictions", {})
    problem, estimator = effect.problem, effect.estimator
    clip = getattr(estimator, "clip", None)
    if given is not None or problem is None or problem.levels is None or clip is None:
        return given
    propensity = predictions.get("treatment")
    if propensity is None or propensity.ndim != 2:
        return None
    clipped = np.clip(propensity, clip, 1 - clip)
    own = clipped[np.arange(problem.n_obs), problem.t.astype(np.intp)]
    target = getattr(estimator, "target", "ATE")
    arms = Arms.of(problem, getattr(estimator, "contrast", None))
    treated = clipped[:, problem.levels.index(_level(problem, arms, 1))]
    control = clipped[:, problem.levels.index(_level(problem, arms, 0))]
    tilt = {"ATE": 1.0, "ATT": treated, "ATO": treated * control / (treated + control)}[target]
    return np.asarray(tilt / own, dtype=np.float64)


def _level(problem: Problem, arms: Arms, k: int) -> object:
    rows = (arms.control, arms.treated)[k] > 0
    return (problem.levels or ())[int(problem.t[rows][0])]


def _spread(problem: Problem, weights: FloatArray) -> FloatArray:
    """Standard deviation of each column in the target; 1 where it has none."""
    centred = problem.X - np.average(problem.X, axis=0, weights=weights)
    spread = np.sqrt(np.average(centred**2, axis=0, weights=weights))
    return np.where(spread > 0, spread, 1.0)


def _compared(X: FloatArray, weights: FloatArray, spread: FloatArray) -> FloatArray:
    """Differences, variance ratios and gaps of all columns, shape (k, 3)."""
    means = [np.average(X, axis=0, weights=w) for w in weights]
    variances = [
        np.average((X - mean) ** 2, axis=0, weights=w)
        for mean, w in zip(means, weights, strict=True)
    ]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = variances[1] / variances[0]
    gaps = [_largest_gap(column, weights) for column in X.T]
    return np.column_stack([(means[1] - means[0]) / spread, ratio, gaps])


def _largest_gap(column: FloatArray, weights: FloatArray) -> float:
    order = np.argsort(column, kind="stable")
    shares = np.cumsum(weights[:, order] / weights.sum(axis=1)[:, None], axis=1)
    last = np.r_[column[order][1:] != column[order][:-1], True]
    return float(np.abs(shares[1] - shares[0])[last].max())


def _effective(weights: FloatArray) -> float:
    return float(weights.sum() ** 2 / (weights**2).sum())
