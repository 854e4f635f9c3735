"""Data like the data: how a twin is fitted to them, and drawn in their shape.

Of a table the shape is its number of rows. Of series it is more: how many subjects there are, how
long each was watched, and which steps have no row. As many chains are drawn as there are subjects,
each as long as the longest; then the rows that the data have are cut out, and the columns that tell
subjects and times apart are those of the data. So what is drawn has the borders of the data, and a
pipeline reads it as it read them.

Beyond this file nobody asks whether trials are of rows or of steps.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from causalkit._core.series import as_series
from causalkit._core.table import Table, as_table, column_names
from causalkit._core.time_steps import steps_since
from causalkit.errors import InputError
from causalkit.graph import CausalGraph, LaggedGraph
from causalkit.graph.lagged import as_lagged
from causalkit.models import Twin
from causalkit.typing import Data, FloatArray, IntArray, Name
from causalkit.workflow.analysis_result import Analysis
from causalkit.workflow.data_summary import fingerprint_of

if TYPE_CHECKING:
    import pandas as pd

    from causalkit.models.truth import Truth

__all__ = ["Draws", "RowDraws", "StepDraws", "draws_of"]

_LONGEST_GAP: Final = 100
"""Steps that are drawn for a gap in time, however long it is."""


@dataclass(frozen=True, slots=True, eq=False)
class RowDraws:
    """Rows of a table."""

    frame: pd.DataFrame

    @property
    def n_rows(self) -> int:
        """Of each table that is drawn."""
        return len(self.frame)

    @property
    def names(self) -> Collection[Name]:
        """Variables."""
        return column_names(self.frame)

    @property
    def layout(self) -> tuple[IntArray, ...]:
        """What is drawn depends on, beside values and count of rows."""
        return ()

    def twin(self, graph: CausalGraph | LaggedGraph, seed: int) -> Twin:
        """A twin of the data on a graph.

        Raises
        ------
        InputError
            If no twin can have the hidden causes of the graph.
        """
        try:
            return Twin(graph, random_state=seed).fit(self.frame)
        except InputError as error:
            if not any(edge.symbol == "<->" for edge in graph.edges()):
                raise
            raise InputError(
                "a twin cannot have all hidden causes (<->) of the graph that was drawn for it: "
                f"{str(error).partition(';')[0]}. Expected hidden causes between numbers, and none "
                "of a variable and its own cause. Certify an analysis whose graph has no others, "
                "such as PC() or FLOP() learn."
            ) from error

    def sample(self, twin: Twin, rng: np.random.Generator) -> Data:
        """Draw a table like the data."""
        drawn = twin.sample(rng=rng, missing=twin.gaps_ is not None)
        return drawn[list(self.names)]

    def truth(
        self, twin: Twin, analysis: Analysis, rng: np.random.Generator
    ) -> tuple[float, float]:
        """Effect of the twin, by the contrast of the estimate, and its Monte Carlo error."""
        table = as_table(self.frame, columns=[analysis.treatment])
        contrast, step = _contrast(analysis, table, analysis.treatment)
        return _per_unit(
            twin.effect(analysis.treatment, analysis.outcome, contrast=contrast, rng=rng), step
        )


@dataclass(frozen=True, slots=True, eq=False)
class StepDraws:
    """Steps of series.

    Attributes
    ----------
    frames : tuple of DataFrame
        The series, with the columns that tell subjects and times apart.
    several : bool
        Whether the data are a list of frames.
    names : tuple of names
        The series.
    panel, time : name or None
    subject, step : ndarray of int, shape (n_rows,)
        Whose a row is, and how many steps after the first one of that subject.
    """

    frames: tuple[pd.DataFrame, ...]
    several: bool
    names: tuple[Name, ...]
    panel: Name | None
    time: Name | None
    subject: IntArray
    step: IntArray

    @property
    def n_rows(self) -> int:
        """Of all series that are drawn at a time."""
        return len(self.step)

    @property
    def layout(self) -> tuple[IntArray, ...]:
        """What is drawn depends on, beside values and count of rows."""
        return self.subject, self.step

    def twin(self, graph: CausalGraph | LaggedGraph, seed: int) -> Twin:
        """A twin of the series on a graph, with no other edges within a step than its own."""
        settings: dict[str, Any] = {"panel": self.panel, "time": self.time, "random_state": seed}
        return Twin(graph, lag_zero="none", **settings).fit(self._shaped(list(self.frames)))

    def sample(self, twin: Twin, rng: np.random.Generator) -> Data:
        """Draw series with the subjects and the steps of the data."""
        n_steps, n_chains = int(self.step.max()) + 1, int(self.subject.max()) + 1
        drawn = twin.sample(n_steps, n_chains, rng, missing=twin.gaps_ is not None)
        values = drawn[list(self.names)].to_numpy()[self.subject * n_steps + self.step]
        frames, start = [], 0
        for frame in self.frames:
            like = frame.copy()
            for k, name in enumerate(self.names):
                own = values[start : start + len(frame), k]
                is_bool = frame[name].dtype.kind == "b" and not np.isnan(own).any()
                like[name] = own == 1 if is_bool else own
            frames.append(like)
            start += len(frame)
        return self._shaped(frames)

    def truth(
        self, twin: Twin, analysis: Analysis, rng: np.random.Generator
    ) -> tuple[float, float]:
        """Effect in the twin of setting the treatment at its one step, and its error."""
        cause, effect = as_lagged(analysis.treatment), as_lagged(analysis.outcome)
        series = as_series(self._shaped(list(self.frames)), panel=self.panel, time=self.time)
        contrast, step = _contrast(analysis, series.table, cause.name)
        steps = cause.lag - effect.lag
        found = twin.effect(cause.name, effect.name, horizon=steps, contrast=contrast, rng=rng)
        return _per_unit(found, step)

    def _shaped(self, frames: list[pd.DataFrame]) -> Data:
        shaped: Data = frames if self.several else frames[0]
        return shaped


Draws: TypeAlias = RowDraws | StepDraws


def draws_of(analysis: Analysis, data: Data) -> Draws:
    """Read the data as the analysis did.

    Parameters
    ----------
    analysis : Analysis
    data : Data

    Returns
    -------
    RowDraws or StepDraws

    Raises
    ------
    InputError
        If they are not those of the analysis, or series have a mask.
    """
    names = [row["name"] for row in analysis.data_summary]
    if isinstance(analysis.graph, LaggedGraph):
        return _step_draws(analysis, data, names)
    labels = () if analysis.discovery is None else analysis.discovery._labels()
    _check_same(as_table(data, columns=names, labels=labels), analysis)
    return RowDraws(_frame(data)[names].reset_index(drop=True))


def _step_draws(analysis: Analysis, data: Data, names: list[Name]) -> StepDraws:
    settings = analysis.settings
    if settings["mask"] is not None:
        raise InputError(
            f"the analysis has mask={settings['mask']!r}; expected none, as a twin is one model of "
            "all steps, and a mask says that some of them are of another world. Certify an "
            "analysis without, or one of the steps that count alone."
        )
    roles = {role: settings[role] for role in ("panel", "time")}
    series = as_series(data, **roles)
    _check_same(series.table.select(names), analysis)
    several = isinstance(data, (list, tuple)) or (isinstance(data, np.ndarray) and data.ndim == 3)
    parts = list(data) if several else [data]
    kept = [name for name in roles.values() if name is not None] + names
    return StepDraws(
        tuple(_frame(part)[kept] for part in parts),
        several,
        tuple(names),
        **roles,
        subject=series.subject,
        step=np.concatenate([_places(part, roles) for part in parts]),
    )


def _check_same(table: Table, analysis: Analysis) -> None:
    if fingerprint_of(table) != analysis.fingerprint:
        raise InputError(
            "the data are not those of the analysis; expected the same columns and values. Analyse "
            "these data, and certify that."
        )


def _frame(data: Data) -> pd.DataFrame:
    import pandas as pd

    frame: pd.DataFrame
    if hasattr(data, "to_pandas"):
        frame = _in_order(data.to_pandas(), data)
    elif isinstance(data, np.ndarray):
        frame = pd.DataFrame(data, columns=pd.Index(column_names(data)))
    else:
        frame = pd.DataFrame(data)
    return frame


def _in_order(frame: pd.DataFrame, data: Data) -> pd.DataFrame:
    """Categories in the order in which the data are read, not in that in which they came up."""
    for name in frame.select_dtypes("category").columns.tolist():
        levels = as_table(data, columns=[name]).levels_of(name) or ()
        frame[name] = frame[name].cat.set_categories(list(levels))
    return frame


def _places(part: Data, roles: dict[str, Name | None]) -> IntArray:
    """Steps from the first row of each subject; a long gap counts as a shorter one."""
    series = as_series(part, panel=roles["panel"], time=roles["time"])
    begins = np.diff(series.subject, prepend=-1) != 0
    since = (~begins).astype(np.intp)
    if series.times is not None:
        since = steps_since(series.times[series.when], begins, "the time")
    total = np.cumsum(np.minimum(since, _LONGEST_GAP))
    places: IntArray = total - np.maximum.accumulate(np.where(begins, total, 0))
    return places


# --- the contrast ---------------------------------------------------------------------------------


def _per_unit(found: Truth, step: float) -> tuple[float, float]:
    return found.value / step, found.std_error / step


def _contrast(analysis: Analysis, table: Table, name: Name) -> tuple[tuple[Any, Any], float]:
    """From what to what the treatment is set, and over how many of its units.

    A number goes over one standard deviation around its median, where the data are: one unit may be
    far more than they span.
    """
    asked = getattr(analysis.settings["estimator"], "contrast", None)
    if isinstance(asked, tuple):
        return (asked[0], asked[1]), 1.0
    levels = table.levels_of(name)
    column: FloatArray = np.asarray(table.column(name))
    values = np.unique(column[~np.isnan(column)])
    if levels is not None:
        return (levels[0], levels[1]), 1.0
    if len(values) == 2:
        return (float(values[0]), float(values[1])), 1.0
    middle, spread = float(np.nanmedian(column)), float(np.nanstd(column))
    return (middle - spread / 2, middle + spread / 2), spread
