"""What a hidden cause that changes the odds of treatment by at most Γ would leave of an effect.

For each Γ the effect lies between two bounds (:class:`MarginalSensitivity` has them for every Γ
that is asked for), and at one Γ the bounds, or their interval, reach zero: that is how strong a
hidden cause would have to be. Made by :func:`~causalkit.refutation.marginal_sensitivity`, from the
worst cases of both arms (:mod:`~causalkit.refutation.worst_cases`). Of an effect that is the median
of several repeats of the cross-fitting, bounds are medians of the same repeats.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from causalkit._core.checks import check_fraction
from causalkit._core.report import Report, Reported, format_value
from causalkit.errors import InputError
from causalkit.estimation.effect import Effect, Interval, quantile
from causalkit.refutation.leftovers import estimator_of, problem_of
from causalkit.refutation.odds_factor import check_gamma, turning_gamma
from causalkit.refutation.worst_cases import Tail
from causalkit.typing import FloatArray

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["MarginalSensitivity", "OddsBound"]

LARGEST = 1000.0
"""Γ beyond which an effect is said to stand whatever the hidden cause."""

TOLERANCE = 1e-6
"""To which log Γ is found where something reaches zero."""


@dataclass(frozen=True, slots=True)
class OddsBound:
    """Bounds of an effect for one Γ, as estimated.

    Attributes
    ----------
    gamma : float
    lower, upper : float
        Least and largest effect.
    lower_error, upper_error : float
        Their standard errors.
    """

    gamma: float
    lower: float
    upper: float
    lower_error: float
    upper_error: float


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class MarginalSensitivity(Reported):
    """What hidden causes of treatment that change its odds by at most Γ would leave of an effect.

    Attributes
    ----------
    effect : Effect
        The effect without a hidden cause.
    bounds : tuple of OddsBound
        For each Γ asked for.
    control, treated : tuple of Tail
        The worst cases of either arm, one for each repeat of the cross-fitting. `treated` is empty
        if the effect is on the treated, whose own outcomes are known.
    tails : str
        How they were learnt, in words.
    """

    effect: Effect
    bounds: tuple[OddsBound, ...]
    control: tuple[Tail, ...]
    treated: tuple[Tail, ...]
    tails: str

    def at(self, gamma: float) -> OddsBound:
        """Return the bounds for this Γ."""
        check_gamma(gamma)
        ends = [self._end(gamma, sign) for sign in (-1.0, 1.0)]
        (lower, lower_error), (upper, upper_error) = ends
        return OddsBound(gamma, lower, upper, lower_error, upper_error)

    def interval(self, gamma: float, level: float = 0.95) -> Interval:
        """Return an interval that holds both bounds; at Γ = 1, that of the effect.

        Each end is out too far with probability (1 − level)/2.
        """
        check_fraction(level, "level")
        bound, half = self.at(gamma), quantile(0.5 + level / 2, self.effect.df)
        lower = bound.lower - half * bound.lower_error
        return Interval(lower, bound.upper + half * bound.upper_error, level)

    def breakdown(self, *, level: float | None = None) -> float:
        """Return the Γ at which the bounds, or their interval at this level, reach zero.

        1 if they hold zero without any hidden cause; infinite if they never do (up to 1000).
        """
        if level is not None:
            check_fraction(level, "level")
        half = 0.0 if level is None else quantile(0.5 + level / 2, self.effect.df)
        side = -1.0 if self.at(1.0).lower > 0 else 1.0

        def gap(log_gamma: float) -> float:
            value, error = self._end(float(np.exp(log_gamma)), side)
            return -side * value - half * error

        return turning_gamma(gap, largest=LARGEST, tolerance=TOLERANCE)

    def conditional(self, gamma: float) -> tuple[FloatArray, FloatArray]:
        """Return bounds of the effect given each row's columns, two arrays of shape (n,)."""
        check_gamma(gamma)
        if not self.treated:
            raise InputError(
                "the effect on the treated comes without a model of their outcomes, so that there "
                'is no effect given the columns; expected AIPW(target="ATE"). Estimate that first.'
            )
        lower, upper = (
            np.median(
                [
                    _outcomes(treated, gamma, sign) - _outcomes(control, gamma, -sign)
                    for treated, control in zip(self.treated, self.control, strict=True)
                ],
                axis=0,
            )
            for sign in (-1.0, 1.0)
        )
        return lower, upper

    def to_frame(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row for each Γ: lower, upper, their standard errors, and the interval."""
        import pandas as pd

        rows = [
            (b.lower, b.upper, b.lower_error, b.upper_error, *self.interval(b.gamma, level))
            for b in self.bounds
        ]
        columns = ["lower", "upper", "lower_error", "upper_error", "from", "to"]
        index = pd.Index([b.gamma for b in self.bounds], name="gamma")
        return pd.DataFrame(rows, index=index, columns=columns)

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw bounds and interval over Γ, see :func:`causalkit.plotting.plot_odds_bounds`."""
        from causalkit.plotting.sensitivity import plot_odds_bounds

        return plot_odds_bounds(self, ax=ax, **style)

    # --- inside --------------------------------------------------------------------------------

    def _end(self, gamma: float, sign: float) -> tuple[float, float]:
        """Largest (sign 1) or least effect, and its standard error: of repeats, as the effect's."""
        treated = self.treated or (None,) * len(self.control)
        ends = [
            self._once(control, other, gamma, sign)
            for control, other in zip(self.control, treated, strict=True)
        ]
        values, errors = np.array(ends).T
        middle = float(np.median(values))
        return middle, float(np.sqrt(np.median(errors**2 + (values - middle) ** 2)))

    def _once(
        self, control: Tail, treated: Tail | None, gamma: float, sign: float
    ) -> tuple[float, float]:
        """The same of one repeat."""
        problem, arm = problem_of(self.effect), control.arm
        lost = control.scores(gamma, -sign)
        if treated is None:
            counted = arm.others.astype(np.float64)
            scores = counted * problem.y - lost
        else:
            counted = np.ones(problem.n_obs)
            gained = treated.arm.inside * problem.y + treated.scores(gamma, sign)
            scores = gained - lost - arm.inside * problem.y
        share = float(np.average(counted, weights=problem.weights))
        value = float(np.average(scores, weights=problem.weights)) / share
        estimator = estimator_of(self.effect)
        influence = estimator.influence(problem, (scores - counted * value) / share)
        return value, estimator.spread(influence, problem)[0]

    def _report(self) -> Report:
        point, sure, n_repeats = self.breakdown(), self.breakdown(level=0.95), len(self.control)
        rows = [(b.gamma, b.lower, b.upper, *self.interval(b.gamma)) for b in self.bounds]
        return Report(
            title="Bounds if a hidden cause changes the odds of treatment by at most Γ",
            facts=[
                ("estimate", f"{format_value(self.effect.value)} without a hidden cause"),
                ("bounds reach 0", _reached(point)),
                ("95 % interval reaches 0", _reached(sure)),
                ("tails of the outcome", self.tails),
                *([("bounds", f"medians of {n_repeats} repeats")] if n_repeats > 1 else []),
            ],
            columns=("Γ", "least effect", "largest effect", "from", "to"),
            rows=rows,
            notes=[
                "Γ is the factor by which somebody's odds of treatment, were the hidden cause "
                "known, may differ from the odds that the adjustment columns give. Whether there "
                "is such a cause, no data can say."
            ],
        )


def _reached(gamma: float) -> str:
    if gamma == 1:
        return "without any hidden cause"
    return "never" if np.isinf(gamma) else f"at Γ = {gamma:.3g}"


def _outcomes(tail: Tail, gamma: float, sign: float) -> FloatArray:
    """Mean outcome of an arm given the columns, the others at their worst."""
    chance = tail.arm.chance
    means: FloatArray = chance * tail.arm.mean + (1 - chance) * tail.tilted(gamma, sign)[1]
    return means
