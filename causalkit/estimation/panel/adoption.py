"""Who was treated from when on: the shape that differences in differences start from.

Treatment is given as the status of each row, 0 before and 1 after. Read along a unit it is a path
that switches on once, or never. Units that switch on in the same period are a *group*; those that
never do are the natural controls. Everything here needs the panel whole: one row for every unit in
every period.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from causalkit.errors import InputError
from causalkit.estimation.panel.structure import Panel, panel_of
from causalkit.estimation.problem import Problem
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["Adoption", "adoption_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Adoption:
    """A complete panel in wide form, and when each unit was treated first.

    Attributes
    ----------
    panel : Panel
    row : ndarray of int, shape (n_units, n_periods)
        Which row of the long table each cell is.
    y : ndarray of shape (n_units, n_periods)
    start : ndarray of int, shape (n_units,)
        Position of the first treated period; `n_periods` for a unit that never is.
    weights : ndarray of shape (n_units,)
        Sample weight of each unit.
    labels : tuple
        Of the units; for copies in a resample, of the unit copied.
    """

    panel: Panel
    row: IntArray
    y: FloatArray
    start: IntArray
    weights: FloatArray
    labels: tuple[object, ...]

    @property
    def never(self) -> BoolArray:
        """Units that are never treated, shape (n_units,)."""
        found: BoolArray = self.start == self.panel.n_periods
        return found

    def wide(self, problem: Problem, units: BoolArray, period: int) -> Problem:
        """One row a unit: the rows of `units` in this period, to be given a new outcome."""
        return problem.rows(self.row[units, period])

    def one_start(self, *, who: str, instead: str) -> int:
        """First treated period of the treated units, all of which must share it.

        Raises
        ------
        InputError
            If units start in different periods or in the first one, or if none, or every one, is
            ever treated.
        """
        starts = np.unique(self.start[~self.never])
        if len(starts) == 0:
            raise InputError(
                f"no unit is ever treated; {who} needs at least one. Bring treated units."
            )
        if len(starts) > 1:
            named = ", ".join(str(self.panel.periods[s]) for s in starts[:5])
            raise InputError(
                f"treatment starts in {len(starts)} different periods ({named}"
                f"{', …' if len(starts) > 5 else ''}); {who} needs one start for all treated "
                f"units. Use {instead}."
            )
        if not self.never.any():
            raise InputError(
                f"every unit is treated in the end; {who} needs units that never are, to compare "
                "with. Bring untreated units."
            )
        if starts[0] == 0:
            raise InputError(
                f"the treated units are treated from the first period on; {who} needs at least "
                "one period before. Bring earlier periods."
            )
        return int(starts[0])


def adoption_of(problem: Problem, *, who: str) -> Adoption:
    """Read the paths of treatment.

    Raises
    ------
    InputError
        If a unit lacks periods, treatment is taken back, or weights change within a unit.
    """
    if problem.second_groups is not None:
        raise InputError(
            f"clusters of two kinds were given; {who} sees one change a unit, and needs clusters "
            "of units alone. Give one kind, such as the states that counties lie in."
        )
    panel = panel_of(problem)
    unit = problem.others["unit"]
    names = unit.levels or ()
    first = np.unique(panel.unit, return_index=True)[1]
    labels = tuple(names[code] for code in unit.codes[first])
    panel.check_complete(labels, who=who)
    row = np.empty((panel.n_units, panel.n_periods), dtype=np.intp)
    row[panel.unit, panel.time] = np.arange(problem.n_obs)
    path, weights = problem.t[row], problem.weights[row]
    falls = (np.diff(path, axis=1) < 0).any(axis=1)
    if falls.any():
        raise InputError(
            f"in {int(falls.sum())} unit(s) the treatment {problem.treatment!r} is taken back, "
            f"such as {labels[int(np.argmax(falls))]}; {who} needs treatment that stays once it "
            "has started. Use FixedEffects() or PanelPLR() for treatment that comes and goes."
        )
    if (np.ptp(weights, axis=1) > 0).any():
        raise InputError(
            f"the sample weights change over time within units; {who} needs one weight a unit. "
            "Use the weight of the first period throughout."
        )
    start = np.where(path.any(axis=1), path.argmax(axis=1), panel.n_periods)
    return Adoption(panel, row, problem.y[row], start, weights[:, 0], labels)
