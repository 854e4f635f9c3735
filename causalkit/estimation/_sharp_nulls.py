"""What a statistic would have been in every draw of the treatment, were the effect τ₀ for all.

Under the sharp null that treatment adds τ₀ to every outcome, the outcomes without treatment are
known: y − τ₀t. So the statistic of any other draw can be computed, and the p-value is a count.

The interval holds every τ₀ that neither one-sided test rejects. Its ends are found by walking out
from the estimate, twice as far each time, and halving back. A difference in means is linear in τ₀,
so that two passes over the draws serve all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from causalkit.errors import InputError
from causalkit.estimation._assignments import Assignments, difference
from causalkit.estimation.effect import Interval
from causalkit.estimation.problem import Problem
from causalkit.typing import FloatArray

__all__ = ["Statistic", "UnderNull", "p_value"]

Statistic: TypeAlias = Callable[[FloatArray, FloatArray], float]
"""f(y, t), large where treatment raises outcomes."""

_TOLERANCE = 1e-9
"""Relative: statistics that are this close count as equal."""

_DOUBLINGS, _HALVINGS = 40, 30


@dataclass(frozen=True, slots=True, eq=False)
class UnderNull:
    """Statistics of all assignments, at any null.

    Attributes
    ----------
    problem : Problem
    plan : Assignments
    statistic : {"difference", "studentized", "ranks"} or callable
    """

    problem: Problem
    plan: Assignments
    statistic: str | Statistic

    def at(self, null: float) -> tuple[float, FloatArray]:
        """The statistic seen, and in all assignments."""
        y = self._left(self.problem.y - null * self.problem.t)
        blocks = [self._of(block, y) for block in self.plan.blocks()]
        return float(self._of(self.problem.t[None, :], y)[0]), np.concatenate(blocks)

    def estimate(self) -> float:
        """The effect that leaves no difference; with covariates that of least squares."""
        outcome, treatment = (
            float(difference(self.problem.t[None, :], self._left(column), self.plan.stratum)[0])
            for column in (self.problem.y, self.problem.t)
        )
        if treatment < _TOLERANCE:
            raise InputError(
                "the columns X determine the treatment, so nothing of it was drawn; expected "
                "covariates from before the treatment. Leave them out."
            )
        return outcome / treatment

    def interval(self, level: float) -> Interval:
        """All effects that neither one-sided test rejects."""
        tail = (1 - level) / 2
        if self.statistic == "difference":
            # Linear in the null: two passes serve all nulls.
            (seen, draws), (moved, others) = self.at(0.0), self.at(1.0)

            def at(null: float) -> tuple[float, FloatArray]:
                return seen + null * (moved - seen), draws + null * (others - draws)
        else:
            at = self.at
        middle = self.estimate()
        step = float(self.problem.y.std()) / np.sqrt(len(self.problem.y))

        def accepted(null: float, side: str) -> bool:
            return p_value(*at(null), self.plan.exact, side) > tail

        lower = _border(lambda null: accepted(null, "greater"), middle, -step)
        upper = _border(lambda null: accepted(null, "less"), middle, step)
        return Interval(lower, upper, level)

    def _left(self, y: FloatArray) -> FloatArray:
        """What a regression on the covariates leaves of the outcome."""
        if self.problem.X.shape[1] == 0:
            return y
        design = np.column_stack([np.ones(len(y)), self.problem.X])
        return np.asarray(y - design @ np.linalg.lstsq(design, y, rcond=None)[0])

    def _of(self, assigned: FloatArray, y: FloatArray) -> FloatArray:
        if not isinstance(self.statistic, str):
            return np.array([float(self.statistic(y, t)) for t in assigned])
        if self.statistic == "ranks":
            from scipy.stats import rankdata

            # Outcomes that differ by rounding only are tied.
            scale = float(np.abs(y).max()) or 1.0
            return difference(assigned, rankdata(np.round(y / scale, 12)), self.plan.stratum)
        if self.statistic == "difference":
            return difference(assigned, y, self.plan.stratum)
        return self._studentized(assigned, y)

    def _studentized(self, assigned: FloatArray, y: FloatArray) -> FloatArray:
        """Differences over their standard errors, from variances within strata and arms.

        With clusters, sums of residuals over clusters take the place of rows.
        """
        gaps = difference(assigned, y, self.plan.stratum)
        sizes = np.bincount(self.plan.stratum)
        inside = (self.plan.stratum[:, None] == np.arange(len(sizes))).astype(np.float64)
        units = self.plan.unit
        first = np.unique(units, return_index=True)[1]
        by_unit = inside[first]
        variance = np.zeros(len(assigned))
        for arm in (assigned, 1 - assigned):
            counts = arm @ inside
            with np.errstate(invalid="ignore", divide="ignore"):
                means = np.nan_to_num((arm * y) @ inside / counts)
            residuals = arm * (y - means @ inside.T)
            if len(first) < len(y):
                residuals = np.add.reduceat(
                    residuals[:, np.argsort(units, kind="stable")],
                    np.cumsum(np.bincount(units)) - np.bincount(units),
                    axis=1,
                )
            drawn = arm[:, first] @ by_unit
            squares = residuals**2 @ by_unit
            factor = np.where(drawn > 1, drawn / np.maximum(drawn - 1, 1), 1.0)
            shares = sizes / sizes.sum()
            parts = squares * factor * (shares / np.maximum(counts, 1)) ** 2
            variance += parts.sum(axis=1)
        floor = _TOLERANCE * float(np.abs(y).max() or 1.0)
        return np.asarray(gaps / np.maximum(np.sqrt(variance), floor))


def p_value(seen: float, draws: FloatArray, exact: bool, alternative: str) -> float:
    """Share of assignments with a statistic as extreme; what was made counts as one of them."""
    near = _TOLERANCE * max(abs(seen), float(np.abs(draws).max()))
    extra = 0 if exact else 1
    above, below = (
        (extra + np.count_nonzero(side)) / (extra + len(draws))
        for side in (draws >= seen - near, draws <= seen + near)
    )
    if alternative == "two-sided":
        return float(min(1.0, 2 * min(above, below)))
    return float(above if alternative == "greater" else below)


def _border(accepted: Callable[[float], bool], inside: float, step: float) -> float:
    """Where `accepted` ends on the way from `inside` in the direction of `step`."""
    for _ in range(_DOUBLINGS):
        outside = inside + step
        if not accepted(outside):
            break
        step *= 2
    else:
        return float(np.copysign(np.inf, step))
    near, far = inside, outside
    for _ in range(_HALVINGS):
        middle = (near + far) / 2
        near, far = (middle, far) if accepted(middle) else (near, middle)
    return (near + far) / 2
