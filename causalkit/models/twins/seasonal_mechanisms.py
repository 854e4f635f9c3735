"""Mechanisms of a season: the clock that drives it, and series that are seen against it.

A `Clock` is the phase of a season: one more than a step ago, and 0 after the last of a period. No
noise is in it but the phase in which a chain starts.

>>> Clock(24).value(np.array([[22.0], [23.0], [UNSET]]), np.array([0.1, 0.1, 0.5]))
array([23.,  0., 12.])

`Seasonal` has clocks among its causes. They say what is usual at this step for its value, and at
theirs for its causes; what it holds is a mechanism between deviations from that, on the scale of
:mod:`causalkit.models.twins.season_shapes`. So a slope between recorded values is that between
deviations, times the spread of the effect at this phase, by that of the cause at its own: what is
quiet at night neither moves nor is moved then.

References
----------
Jones & Brelsford (1967), Time series with periodic structure, Biometrika 54, 403-408.
doi:10.1093/biomet/54.3-4.403
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

import numpy as np

from causalkit.models.mechanisms.additive import Linear
from causalkit.models.mechanisms.base import Mechanism
from causalkit.models.structural.structural_model import StructuralCausalModel
from causalkit.models.temporal.temporal_chains import steps_to_forget
from causalkit.models.temporal.temporal_model import TemporalCausalModel
from causalkit.models.temporal.temporal_sampling import linear_part
from causalkit.models.twins.column_forms import CauseScale, Measured
from causalkit.models.twins.repeats import Standing
from causalkit.models.twins.season_shapes import Shapes
from causalkit.typing import FloatArray, IntArray, Name

__all__ = ["UNSET", "Clock", "Seasonal", "behind_clocks", "clocks_of", "clocks_set"]

UNSET: Final = -1.0
"""Phase of a clock that has not started."""

_OWN: Final = np.array([0])


@dataclass(frozen=True, slots=True)
class Clock:
    """The phase of a season: one more than a step ago, 0 after the last.

    Attributes
    ----------
    period : int
        In steps.

    Examples
    --------
    >>> Clock(24).value(np.array([[22.0], [23.0]]), np.zeros(2))
    array([23.,  0.])
    """

    period: int
    bijective: ClassVar[bool] = False

    def draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw where a clock that has not started would start, as a share of the period."""
        return rng.random(n)

    def value(self, causes: FloatArray, noise: FloatArray) -> FloatArray:
        """Next phase, from the last one in the only column of causes."""
        last = causes[:, 0]
        started = np.floor(noise * self.period)
        return np.where(last < 0, started, np.mod(last + 1, self.period))

    def noise(
        self,
        causes: FloatArray,  # noqa: ARG002
        value: FloatArray,
        rng: np.random.Generator,  # noqa: ARG002
    ) -> FloatArray:
        """Noise that gives the phase where the clock starts; it does nothing once it runs."""
        return (value + 0.5) / self.period


@dataclass(frozen=True, slots=True, eq=False)
class Seasonal:
    """A mechanism between series that are seen against their season.

    Attributes
    ----------
    adjusted : Mechanism
        Of the causes without the clocks.
    clocks : ndarray of int, shape (s,)
        Columns of causes that are clocks.
    series : ndarray of int, shape (k,)
        The others.
    centre : ndarray of shape (1 + k,)
        Mean of the value and of each cause.
    level, log_spread : tuple of ndarray of shape (period, 1 + k)
        Of each clock: what it adds to the value and to each cause, by phase now.
    seasonal : ndarray of int, shape (q,)
        Those of value (0) and causes (1 to k) that have a season.
    shapes : Shapes
        Of these.
    """

    adjusted: Mechanism
    clocks: IntArray
    series: IntArray
    centre: FloatArray
    level: tuple[FloatArray, ...]
    log_spread: tuple[FloatArray, ...]
    seasonal: IntArray
    shapes: Shapes

    @property
    def bijective(self) -> bool:
        """Whether value and causes determine the noise."""
        return self.adjusted.bijective

    @property
    def mean(self) -> Linear | None:
        """Line between the series against their season, which says whether they are stable."""
        slopes = linear_part(self.adjusted)
        if slopes is None:
            return None
        whole = np.zeros(len(self.clocks) + len(self.series))
        whole[self.series] = slopes
        return Linear(whole)

    def draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw noise."""
        return self.adjusted.draw(n, rng)

    def value(self, causes: FloatArray, noise: Any) -> FloatArray:
        """Value of rows of shape (n, k + s), shape (n,)."""
        level, spread = self._at(causes)
        found = self.adjusted.value(self._seen(causes, level, spread), noise)
        if self.seasonal[0] > 0:
            return found
        if not self.shapes.is_plain:
            found = self.shapes.take(_OWN).back(level[:, :1], found[:, None])[:, 0]
        return np.asarray(level[:, 0] + spread[:, 0] * found)

    def noise(self, causes: FloatArray, value: FloatArray, rng: np.random.Generator) -> Any:
        """Noise that gives the value."""
        level, spread = self._at(causes)
        if self.seasonal[0] == 0:
            deviation = (value[:, None] - level[:, :1]) / spread[:, :1]
            value = self.shapes.take(_OWN).forward(level[:, :1], deviation)[:, 0]
        return self.adjusted.noise(self._seen(causes, level, spread), value, rng)

    def _seen(self, causes: FloatArray, level: FloatArray, spread: FloatArray) -> FloatArray:
        """Causes against their season."""
        own = int(self.seasonal[0] == 0)
        at = self.seasonal[own:]
        seen = causes[:, self.series]
        deviation = (seen[:, at - 1] - level[:, at]) / spread[:, at]
        if not self.shapes.is_plain:
            shapes = self.shapes.take(np.arange(own, own + len(at)))
            deviation = shapes.forward(np.broadcast_to(level[:, at], deviation.shape), deviation)
        seen[:, at - 1] = deviation
        return seen

    def _at(self, causes: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Level and spread of value and causes, shape (n, 1 + k)."""
        phases = causes[:, self.clocks].astype(np.intp)
        level, log_spread = self.centre[None, :], np.zeros((1, len(self.centre)))
        for k, (one, other) in enumerate(zip(self.level, self.log_spread, strict=True)):
            at = phases[:, k] % len(one)
            level, log_spread = level + one[at], log_spread + other[at]
        return level, np.exp(log_spread)


def behind_clocks(mechanism: Mechanism, place: IntArray, *season: Any) -> Mechanism:
    """Move the columns of what is around the innermost mechanism, and put `Seasonal` there."""
    if isinstance(mechanism, Standing):
        rule = mechanism.rule
        moved = replace(rule, own=int(place[rule.own]), pairs=place[rule.pairs])
        inner = behind_clocks(mechanism.mechanism, place, *season)
        return Standing(inner, moved)
    if isinstance(mechanism, Measured):
        scales = tuple(CauseScale(scale.form, place[scale.columns]) for scale in mechanism.scales)
        inner = behind_clocks(mechanism.mechanism, place, *season)
        return Measured(inner, mechanism.form, scales)
    clocks, *tables = season
    return Seasonal(mechanism, clocks, place, *tables)


def clocks_of(
    model: TemporalCausalModel | StructuralCausalModel,
) -> dict[Name, tuple[Name, ...]]:
    """Clocks of a model, and the series that each of them drives."""
    if isinstance(model, StructuralCausalModel):
        return {}
    names, within = model.graph_.variables, model.graph_.directed[0]
    return {
        name: tuple(names[j] for j in np.flatnonzero(within[k]))
        for k, name in enumerate(names)
        if isinstance(model.mechanisms_[name], Clock)
    }


def clocks_set(model: TemporalCausalModel, time: int) -> TemporalCausalModel:
    """Return a model of which the first step that is drawn is at this time, in steps."""
    burn_in = steps_to_forget(model.equations_)
    start = np.array(model.start_)
    for j, mechanism in enumerate(model.equations_.mechanisms):
        if isinstance(mechanism, Clock):
            start[j] = (time - burn_in - 1) % mechanism.period
    return TemporalCausalModel.from_mechanisms(
        model.graph_, model.mechanisms_, start=start, random_state=model.random_state
    )
