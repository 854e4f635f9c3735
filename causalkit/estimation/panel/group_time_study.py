"""`GroupTimeStudy`: all effects of a staggered adoption, and what they add up to.

The effects share units, so they are correlated; their influences are kept, and every average has a
standard error that knows it. :meth:`GroupTimeStudy.pre_trends` asks of all periods before treatment
at once whether the groups changed like their controls.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from causalkit._core.checks import check_choice
from causalkit._core.report import Report, Reported
from causalkit.errors import InputError, NumericalError
from causalkit.estimation.effect import Effect
from causalkit.estimation.effect_set import EffectSet
from causalkit.estimation.panel.staggered import AGGREGATIONS, Average, Cell, averages, overall
from causalkit.estimation.simultaneous import JointTest

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["GroupTimeStudy"]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class GroupTimeStudy(Reported):
    """Effects of each group in each period.

    Attributes
    ----------
    cells : tuple of Cell
        Value, influence and size of each group in each period.
    periods : tuple
        Labels of the periods.
    anticipation : int
    effect_of : callable (Average, settings) -> Effect
        Puts inference on an average of cells.
    """

    cells: tuple[Cell, ...]
    periods: tuple[object, ...]
    anticipation: int
    effect_of: Callable[[Average, dict[str, Any]], Effect]

    @property
    def effects(self) -> EffectSet:
        """All group-time effects, labelled `"group in period"`."""
        return self.aggregate("group-time")

    def aggregate(self, how: str) -> EffectSet:
        """Average the effects.

        Parameters
        ----------
        how : {"simple", "group", "calendar", "event study", "group-time"}
            Of groups, over the periods since their start; of periods, over the groups treated by
            then; of times since the start, over all groups. Groups count by their size.
        """
        check_choice(how, "how", AGGREGATIONS)
        if how == "simple":
            return EffectSet((self.overall("simple"),), ("overall",), reading="contrasts")
        return self._set(how, averages(self.cells, how, self.periods))

    def overall(self, how: str = "simple") -> Effect:
        """Return one number.

        Parameters
        ----------
        how : {"simple", "group", "calendar", "event study"}
            "simple" counts every treated unit and period once; "group" every treated unit; the
            others every period, or every time since the start.
        """
        check_choice(how, "how", AGGREGATIONS)
        average = overall(self.cells, how, self.periods)
        return self.effect_of(average, {"aggregation": how, "at": None})

    def pre_trends(self) -> JointTest:
        """Test that all effects before treatment (less anticipation) are zero.

        Notes
        -----
        A large p-value does not show that trends are parallel: look at the size of the effects.

        Raises
        ------
        InputError
            If there is no such effect.
        NumericalError
            If there are as many of them as clusters.
        """
        before = [c for c in self.cells if c.period < c.group - self.anticipation]
        if not before:
            raise InputError(
                "no group has two periods before its treatment; expected some, to compare their "
                "trends. Bring earlier periods."
            )
        effects = self._set("group-time", averages(before, "group-time", self.periods))
        df = effects[0].df
        if df is not None and df <= len(before):
            raise NumericalError(
                f"there are {len(before)} effects before treatment and only {df + 1:g} clusters; "
                "expected many more clusters. Look at the effects one by one."
            )
        return effects.joint_test()

    def _set(self, how: str, found: Sequence[Average]) -> EffectSet:
        effects = tuple(
            self.effect_of(average, {"aggregation": how, "at": average.label}) for average in found
        )
        return EffectSet(effects, tuple(a.label for a in found), reading="contrasts")

    def to_frame(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row for each group and period, with effect, interval and sizes."""
        alike = ["method", "contrast", "outcome", "df", "clusters"]
        frame = self.effects.to_frame(level).drop(columns=alike)
        frame.insert(0, "group", [self.periods[c.group] for c in self.cells])
        frame.insert(1, "period", [self.periods[c.period] for c in self.cells])
        frame["treated"] = [int(c.members.sum()) for c in self.cells]
        frame["controls"] = [c.n_controls for c in self.cells]
        return frame.reset_index(drop=True)

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw the event study: effects by time since the start."""
        from causalkit.plotting.panel import plot_event_study

        return plot_event_study(self.aggregate("event study"), ax=ax, **style)

    def _report(self) -> Report:
        average = self.overall()
        groups = self.aggregate("group")
        size = {str(self.periods[c.group]): int(c.members.sum()) for c in self.cells}
        rows = [
            (label, size[label], e.value, e.std_error, *e.interval())
            for label, e in zip(groups.labels, groups, strict=True)
        ]
        return Report(
            title=f"{len(self.cells)} group-time effects; {average.sentence}",
            facts=[("method", average.method), ("rows", average.n_obs)],
            columns=("start", "units", "effect", "std. error", "lower", "upper"),
            rows=rows,
            notes=["Each interval covers its own effect; they are not adjusted for their number."],
        )
