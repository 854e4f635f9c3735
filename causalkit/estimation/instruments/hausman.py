"""Do two estimates of one effect differ by more than chance? `compare_effects`.

Hausman's idea: two estimators that agree if an assumption holds, and of which one survives without
it, test the assumption by their difference: least squares against two-stage least squares, two sets
of instruments, two sets of adjustment columns. His variance, that of one less that of the other,
needs the first to be efficient, and can be negative. Here the variance comes from the influence of
each row on both: θ̂ₐ − θ̂_b has influence φₐ − φ_b, so no one need be efficient, and clusters,
weights and serial dependence are where they are in the effects.

References
----------
Hausman, J. A. (1978). Specification tests in econometrics. Econometrica 46(6), 1251-1271.
doi:10.2307/1913827
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from causalkit._core.report import Report, Reported, format_value
from causalkit.errors import AssumptionWarning, InputError
from causalkit.estimation.base import EffectEstimator
from causalkit.estimation.effect import Effect, Interval
from causalkit.estimation.problem import Problem
from causalkit.typing import FloatArray

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["EffectDifference", "compare_effects"]

_ROUNDING = 1e-9
_FIRST_ORDER = 1.0
"""In units of s.e./√n, the size of what a first-order expansion leaves out."""


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class EffectDifference(Reported):
    """How far two estimates are apart, and how far chance would take them.

    Attributes
    ----------
    first, second : Effect
    value : float
        First minus second.
    std_error : float
        Zero if both are the same in each row.
    df : float or None
        Degrees of freedom; None for the normal approximation.
    """

    first: Effect
    second: Effect
    value: float
    std_error: float
    df: float | None = None

    def interval(self, level: float = 0.95) -> Interval:
        """Return the confidence interval of the difference."""
        return Interval.around(self.value, self.std_error, level, self.df)

    def p_value(self) -> float:
        """P-value of the hypothesis that both estimate the same."""
        difference = Effect(self.value, self.std_error, self.first.n_obs, "", df=self.df)
        return difference.p_value()

    @property
    def sentence(self) -> str:
        """The result in one sentence."""
        return (
            f"The estimates differ by {format_value(self.value)} "
            f"(p = {format_value(self.p_value())})"
        )

    def to_frame(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row an effect, and one for the difference."""
        import pandas as pd

        gap = replace(
            self.first,
            value=self.value,
            std_error=self.std_error,
            df=self.df,
            method="difference",
        )
        frames = [one.to_frame(level) for one in (self.first, self.second, gap)]
        return pd.concat(frames).set_axis(["first", "second", "difference"])

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw both estimates and their difference."""
        from causalkit.plotting import plot_effects

        shown: list[Any] = [self.first, self.second, self]
        labels = (self.first.method, self.second.method, "difference")
        return plot_effects(shown, ax=ax, labels=labels, **style)

    def _report(self) -> Report:
        rows = [
            (name, e.value, e.std_error, *e.interval(), e.p_value())
            for name, e in (("first", self.first), ("second", self.second), ("difference", self))
        ]
        return Report(
            title=self.sentence,
            facts=[("first", self.first.method), ("second", self.second.method)],
            columns=("", "effect", "std. error", "lower", "upper", "p-value"),
            rows=rows,
        )


def compare_effects(first: Effect, second: Effect) -> EffectDifference:
    """Test that two estimates from the same rows estimate the same effect.

    Parameters
    ----------
    first, second : Effect
        With influences; the standard error of the difference is of the kind of `first`.

    Returns
    -------
    EffectDifference

    Raises
    ------
    InputError
        If an effect has no influences (a bootstrap, an effect implied by the graph), or they come
        from different rows, weights or clusters.

    Warns
    -----
    AssumptionWarning
        If both are the same estimator to first order, such as 2SLS and LIML.

    Notes
    -----
    **Assumes:** under the hypothesis both estimators are consistent for the same number. With
    effects that differ between people two estimators may rightly differ.

    Examples
    --------
    A hidden cause of t and y spoils least squares, not the instrument:

    >>> from causalkit.estimation import OLS
    >>> from causalkit.estimation.instruments.linear import TwoStageLeastSquares
    >>> rng = np.random.default_rng(0)
    >>> z, hidden = rng.normal(size=(2, 1000))
    >>> t = z + hidden + rng.normal(size=1000)
    >>> y = 2 * t + 3 * hidden + rng.normal(size=1000)
    >>> with_z = TwoStageLeastSquares().fit(None, y, t=t, z=z).effect_
    >>> compare_effects(OLS().fit(None, y, t=t).effect_, with_z).p_value() < 1e-6
    True
    """
    problem = _same_rows(first, second)
    influences = cast("tuple[FloatArray, FloatArray]", (first.influence, second.influence))
    estimator = cast("EffectEstimator", first.estimator)
    value = first.value - second.value
    std_error, df = estimator.spread(influences[0] - influences[1], problem)
    size = max(first.std_error, second.std_error)
    if std_error <= _ROUNDING * size and abs(value) <= _ROUNDING * size:
        value = std_error = 0.0
    elif std_error < _FIRST_ORDER * size / np.sqrt(first.n_obs):
        warnings.warn(
            AssumptionWarning(
                f"the influences of {first.method!r} and {second.method!r} are nearly the same in "
                "each row, so their difference is made of higher-order terms that no influence "
                "describes; expected estimators that weigh the rows differently. Do not read its "
                "p-value."
            ),
            stacklevel=2,
        )
    return EffectDifference(first, second, value, std_error, df)


def _same_rows(first: Effect, second: Effect) -> Problem:
    """Problem of the first effect, if that of the second has the same rows."""
    for which, effect in (("first", first), ("second", second)):
        if not isinstance(effect, Effect):
            raise InputError(
                f"the {which} effect is of type {type(effect).__name__}; expected one Effect. Pass "
                "the effect_ of an estimator, or one member of an EffectSet."
            )
        if effect.influence is None or effect.problem is None or effect.estimator is None:
            raise InputError(
                f"the {which} effect, {effect.method!r}, has no influence of each row; expected an "
                "estimate with the default inference, not by bootstrap or from the graph alone. "
                "Estimate it with inference=None."
            )
    one, other = cast("Problem", first.problem), cast("Problem", second.problem)
    for what in ("y", "groups", "sample_weight"):
        a, b = getattr(one, what), getattr(other, what)
        if (a is None) != (b is None) or (a is not None and not np.array_equal(a, b)):
            word = {"y": "outcomes", "groups": "clusters", "sample_weight": "weights"}[what]
            raise InputError(
                f"the two effects have different {word}; expected estimates from the same rows in "
                "the same order, with the same weights and clusters. Fit both on one table."
            )
    return one
