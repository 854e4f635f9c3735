"""`ConfidenceSet`: the effects that a test does not reject, in whatever shape they come.

A set that holds for weak instruments cannot always be an interval: if the data say little about the
first stage, it is the whole line, or all but an interval; if no effect fits the instruments, it is
empty. :class:`ConfidenceSet` is the union of its pieces.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from causalkit._core.report import Report, Reported, format_value
from causalkit.estimation.effect import Interval
from causalkit.estimation.instruments.similar_tests import SimilarTest
from causalkit.typing import FloatArray

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["ConfidenceSet"]

_NAMES = {"AR": "Anderson-Rubin", "CLR": "conditional likelihood ratio", "K": "Kleibergen's K"}


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class ConfidenceSet(Reported):
    """Effects that are not rejected; `x in set` asks.

    Attributes
    ----------
    intervals : tuple of Interval
        In ascending order; ends may be infinite. None of them if every effect is rejected.
    level : float
    test : SimilarTest
        What was inverted.
    treatment, outcome : str or int
    estimate : float
        The effect it belongs to.
    n_obs : int
    """

    intervals: tuple[Interval, ...]
    level: float
    test: SimilarTest
    treatment: Any
    outcome: Any
    estimate: float
    n_obs: int

    @property
    def is_empty(self) -> bool:
        """Whether every effect is rejected: the instruments contradict each other."""
        return not self.intervals

    @property
    def is_bounded(self) -> bool:
        """Whether no piece reaches to infinity."""
        return all(math.isfinite(piece.width) for piece in self.intervals)

    @property
    def hull(self) -> Interval:
        """Smallest interval that holds the set; NaN ends if it is empty."""
        if self.is_empty:
            return Interval(math.nan, math.nan, self.level)
        return Interval(self.intervals[0].lower, self.intervals[-1].upper, self.level)

    @property
    def method(self) -> str:
        """The test in words."""
        form = self.test.form
        errors = "errors of equal variance" if form.alike else "robust"
        return f"{_NAMES[self.test.kind]} ({errors}), {form.n_instruments} instrument(s)"

    @property
    def sentence(self) -> str:
        """The result in one sentence."""
        return (
            f"Effect of {self.treatment} on {self.outcome}, whatever the strength of the "
            f"instruments: {self._shape()} ({100 * self.level:g} %)"
        )

    def p_value(self, null: float = 0.0) -> float:
        """P-value of the hypothesis that the effect equals `null`."""
        return float(self.p_values([null])[0])

    def p_values(self, effects: ArrayLike) -> FloatArray:
        """P-values of several effects, shape (m,)."""
        return self.test.p_value(np.asarray(effects, dtype=np.float64))

    def to_frame(self) -> pd.DataFrame:
        """Return one row a piece with lower, upper and level."""
        import pandas as pd

        rows = [(piece.lower, piece.upper, self.level) for piece in self.intervals]
        return pd.DataFrame(rows, columns=["lower", "upper", "level"])

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw the p-value over effects, with the set below it."""
        from causalkit.plotting.weak_instruments import plot_confidence_set

        return plot_confidence_set(self, ax=ax, **style)

    def __contains__(self, value: float) -> bool:
        return any(value in piece for piece in self.intervals)

    def _shape(self) -> str:
        if self.is_empty:
            return "no value"
        ends = [f"{format_value(piece.lower)} to {format_value(piece.upper)}" for piece in self]
        if len(ends) == 1 and self.intervals[0].width == math.inf and not self._one_sided():
            return "any value"
        return ", or ".join(ends)

    def _one_sided(self) -> bool:
        return math.isfinite(self.intervals[0].lower) or math.isfinite(self.intervals[0].upper)

    def __iter__(self) -> Any:
        return iter(self.intervals)

    def __len__(self) -> int:
        return len(self.intervals)

    def _report(self) -> Report:
        notes = []
        if self.is_empty:
            notes = [
                "Every effect is rejected: the instruments contradict each other, so at least one "
                "of them is not valid, or effects differ."
            ]
        elif not self.is_bounded:
            notes = [
                "The set has no bound on one side or both: at this level the data cannot tell the "
                "first stage from zero."
            ]
        return Report(
            title=self.sentence,
            facts=[
                ("test", self.method),
                ("estimate", self.estimate),
                ("p-value of no effect", self.p_value()),
                ("rows", self.n_obs),
            ],
            columns=("lower", "upper"),
            rows=[(piece.lower, piece.upper) for piece in self.intervals],
            notes=notes,
        )
