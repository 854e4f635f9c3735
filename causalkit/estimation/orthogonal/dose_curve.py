"""`DoseResponseCurve`: the mean outcome at a grid of doses, and what can be read off it.

It is an :class:`~causalkit.estimation.EffectSet` of means, so that its band, and the difference of
any two doses, follow from the influences of the same rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from causalkit._core.report import Report, format_value
from causalkit.errors import InputError
from causalkit.estimation.effect import Effect
from causalkit.estimation.effect_set import EffectSet
from causalkit.typing import FloatArray

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["DoseResponseCurve"]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class DoseResponseCurve(EffectSet):
    """Mean outcomes at several doses.

    Attributes
    ----------
    effects, labels, reading, estimand, n_open
        As in :class:`~causalkit.estimation.EffectSet`, one mean a dose.
    doses : ndarray of shape (k,)
        Sorted.
    width : float
        Of the local regression, in units of the dose.
    average_slope : Effect or None
        Mean of the curve's slope over the rows' own doses: (Y(A + s) − Y(A − s)) / 2s.
    """

    doses: FloatArray = field(default_factory=lambda: np.empty(0))
    width: float = np.nan
    average_slope: Effect | None = None

    @property
    def names(self) -> tuple[str, str]:
        """What treatment and outcome are called."""
        problem = self.effects[0].problem
        if problem is None:
            return "dose", "outcome"
        return str(problem.treatment), str(problem.outcome)

    def between(self, dose: float, other: float) -> Effect:
        """Mean outcome at `dose` less that at `other`.

        Parameters
        ----------
        dose, other : float
            Among `doses`.

        Raises
        ------
        InputError
            If the curve was not computed there.
        """
        return self.difference(self._nearest(dose), self._nearest(other))

    def relative_to(self, dose: float) -> EffectSet:
        """Effects of all other doses against this one.

        Parameters
        ----------
        dose : float
            Among `doses`.
        """
        return self.contrasts(base=self._nearest(dose))

    def to_frame(self, level: float = 0.95, *, joint: bool = True) -> pd.DataFrame:
        """Return one row a dose: mean, std_error, interval, and with `joint` the band.

        Parameters
        ----------
        level : float
        joint : bool
        """
        import pandas as pd

        ends = np.array([tuple(effect.interval(level)) for effect in self.effects])
        columns = {
            "mean": self.values,
            "std_error": self.std_errors,
            "lower": ends[:, 0],
            "upper": ends[:, 1],
        }
        if joint:
            columns["band_lower"], columns["band_upper"] = self.band(level)
        return pd.DataFrame(columns, index=pd.Index(self.doses, name=self.names[0]))

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw the curve with its intervals and its band."""
        from causalkit.plotting.dose_response import plot_dose_response

        return plot_dose_response(self, ax=ax, **style)

    def _nearest(self, dose: float) -> int:
        """Position of a dose."""
        place = int(np.argmin(np.abs(self.doses - dose)))
        spacing = float(np.ptp(self.doses)) / max(len(self.doses) - 1, 1)
        if abs(self.doses[place] - dose) > 1e-6 * spacing:
            raise InputError(
                f"the curve was not computed at dose {dose:.6g}; expected one of its {len(self)} "
                f"doses, such as {self.doses[place]:.6g}. Fit with doses=(…) to choose them."
            )
        return place

    def _report(self) -> Report:
        treatment, outcome = self.names
        low, high = (format_value(float(dose)) for dose in self.doses[[0, -1]])
        facts: list[tuple[str, object]] = [
            ("method", self.effects[0].method),
            ("rows", self.n_obs),
            ("width", self.width),
        ]
        if self.average_slope is not None:
            lower, upper = map(format_value, self.average_slope.interval())
            slope = format_value(self.average_slope.value)
            facts.append(("average slope", f"{slope} (95 % interval {lower} to {upper})"))
        table = self.to_frame()
        return Report(
            title=f"Mean of {outcome} were {treatment} set to a dose from {low} to {high}",
            facts=facts,
            columns=("dose", "mean", "std. error", "lower", "upper", "band from", "to"),
            rows=[tuple(map(float, row)) for row in table.reset_index().to_numpy()],
            notes=["An interval covers its own mean, the band the whole curve (both 95 %)."],
        )
