"""`Certificate`: what trials of a pipeline on twins of the data have shown.

Coverage, bias and power of the pipeline, each with a Monte Carlo error that respects that trials
come in twins, and a verdict on its interval. What is not shown is said beside it: twins are like
the data as far as classifiers can tell, and on graphs that the data leave possible; the world may
be another. :func:`~causalkit.workflow.certify` makes it.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from causalkit._core.report import Report, Reported
from causalkit.typing import FloatArray, IntArray, Name
from causalkit.workflow.certificates.monte_carlo import MonteCarlo
from causalkit.workflow.certificates.trial_journal import Trial
from causalkit.workflow.certificates.twin_trials import World

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["Certificate"]

SIDES: Final = ("given_graph", "honest")

_LOST: Final = "graph as given"
"""Status of a trial that has no honest interval."""

_ANSWERS: Final = ("answered", _LOST)

_WORDS: Final = {"given_graph": "graph as given", "honest": "interval()"}

_CLOSE: Final = 0.03
"""How far below its level an interval may cover and still be said to hold."""

_SAID: Final = {
    "holds": "On data like these the interval covers as often as it says, or nearly so.",
    "too short": "On data like these the interval covers less often than it says: do not rely on "
    "it. See to_frame() for the twins on which it fails.",
    "not settled": "Whether the interval covers as often as it says is not settled: more twins, or "
    "more replicates, would tell.",
    "no answer": "The pipeline gave no interval that could be tried, so nothing is shown of it.",
}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Certificate(Reported):
    """How a pipeline did on twins of the data.

    Attributes
    ----------
    treatment, outcome : str or int
    level : float
        Of the intervals.
    n_rows : int
        Of each table that was drawn.
    learnt : bool
        Whether the pipeline learns its graph; if not, both intervals are one.
    worlds : tuple of World
        The twins.
    trials : tuple of Trial
        The tables drawn from them, and what the pipeline said.

    Examples
    --------
    >>> from causalkit.graph import CausalGraph
    >>> world = World(0, CausalGraph.parse("x -> y"), 1.0, 0.0, has_effect=True, auc=0.5)
    >>> trials = tuple(Trial(0, k, "answered", 1.1, (1.0, 1.2), (0.9, 1.3)) for k in range(80))
    >>> found = Certificate("x", "y", 0.95, 100, True, (world,), trials)
    >>> found.verdict, found.coverage["honest"].value
    ('holds', 1.0)
    """

    treatment: Name
    outcome: Name
    level: float
    n_rows: int
    learnt: bool
    worlds: tuple[World, ...]
    trials: tuple[Trial, ...]

    @property
    def coverage(self) -> dict[str, MonteCarlo]:
        """Share of answers whose interval covers the truth: "given_graph" and "honest"."""
        return {side: self._share(self._covered(side)) for side in SIDES}

    @property
    def bias(self) -> MonteCarlo:
        """Mean of estimate less truth."""
        return MonteCarlo.of(self._estimates - self._truths, self._world)

    @property
    def power(self) -> dict[str, MonteCarlo]:
        """Share of intervals that exclude zero, in worlds with an effect."""
        return {side: self._share(self._excludes(side), effect=True) for side in SIDES}

    @property
    def false_positives(self) -> dict[str, MonteCarlo]:
        """Share of intervals that exclude zero, in worlds without an effect."""
        return {side: self._share(self._excludes(side), effect=False) for side in SIDES}

    @property
    def answered(self) -> MonteCarlo:
        """Share of the tables on which the pipeline gave an answer, with whichever interval."""
        found = np.array([float(trial.status in _ANSWERS) for trial in self.trials])
        return MonteCarlo.of(found, self._world, share=True)

    @property
    def graph_as_given(self) -> MonteCarlo:
        """Share of the tables on which going over other graphs was asked for and failed.

        Their estimates count in bias, and their intervals as those of the graph as given; they have
        no honest interval, and count in none of its shares.
        """
        lost = np.array([float(trial.status == _LOST) for trial in self.trials])
        return MonteCarlo.of(lost, self._world, share=True)

    @property
    def verdict(self) -> str:
        """What the honest interval does: "holds", "too short", "not settled" or "no answer".

        It holds if even the lower end of what the Monte Carlo error leaves open is at most three
        points below the level, and is too short if even the upper end is below the level.
        """
        covered = self.coverage["honest"]
        if not covered.n_trials:
            return "no answer"
        lower, upper = covered.interval()
        if upper < self.level:
            return "too short"
        return "holds" if lower >= self.level - _CLOSE else "not settled"

    @property
    def sentence(self) -> str:
        """The result in one sentence."""
        honest, given = self.coverage["honest"], self.coverage["given_graph"]
        if not honest.n_trials:
            return f"No interval on any of {len(self.trials)} tables drawn from twins"
        lower, upper = honest.interval()
        other = f"; with the graph as given, in {given.value:.1%}" if self.learnt else ""
        return (
            f"The {100 * self.level:g} % interval covers in {honest.value:.1%} of "
            f"{honest.n_trials} tables drawn from {honest.n_worlds} twin(s) of the data (as far as "
            f"these tell, {lower:.1%} to {upper:.1%}){other}"
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row a twin.

        Returns
        -------
        DataFrame
            Graph, true effect and its Monte Carlo error, AUC of twin against data, answers, bias;
            for each interval coverage, median width, and the share that excludes zero. Columns
            that end in "honest" are of `interval()`, those in "given_graph" of the graph as given.
        """
        import pandas as pd

        rows = []
        for world in self.worlds:
            own = self._world == world.number
            error = (self._estimates - self._truths)[own]
            row: dict[str, Any] = {
                "graph": world.graph.to_text(),
                "truth": world.truth,
                "truth_error": world.truth_error,
                "auc": world.auc,
                "answers": int((~np.isnan(error)).sum()),
                "bias": _mean(error),
            }
            for side in SIDES:
                ends = self._ends(side)[own]
                width = ends[:, 1] - ends[:, 0]
                row[f"coverage_{side}"] = _mean(self._covered(side)[own])
                row[f"width_{side}"] = _median(width)
                row[f"excludes_zero_{side}"] = _mean(self._excludes(side)[own])
            rows.append(row)
        return pd.DataFrame(rows, index=pd.Index([w.number for w in self.worlds], name="twin"))

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw the coverage of both intervals on each twin, and the level.

        Parameters
        ----------
        ax : Axes, optional
        **style
            For the points.

        Returns
        -------
        Axes
        """
        from causalkit.plotting.coverage import plot_coverage

        frame = self.to_frame().sort_values("coverage_honest")
        shown = {f"coverage_{side}": _WORDS[side] for side in self._sides}
        return plot_coverage(
            frame[list(shown)].rename(columns=shown), ax, level=self.level, **style
        )

    # --- numbers of trials ------------------------------------------------------------------------

    @property
    def _sides(self) -> tuple[str, ...]:
        """The intervals that are shown: both, or the one that they are."""
        return SIDES if self.learnt else SIDES[1:]

    @property
    def _world(self) -> IntArray:
        return np.array([trial.world for trial in self.trials], dtype=np.intp)

    @property
    def _truths(self) -> FloatArray:
        return np.array([world.truth for world in self.worlds])[self._world]

    @property
    def _estimates(self) -> FloatArray:
        return np.array([trial.estimate for trial in self.trials])

    def _ends(self, side: str) -> FloatArray:
        name = "given" if side == "given_graph" else side
        return np.array([getattr(trial, name) for trial in self.trials])

    def _covered(self, side: str) -> FloatArray:
        lower, upper = self._ends(side).T
        inside = (lower <= self._truths) & (self._truths <= upper)
        return np.where(np.isnan(lower), np.nan, inside)

    def _excludes(self, side: str) -> FloatArray:
        lower, upper = self._ends(side).T
        return np.where(np.isnan(lower), np.nan, (lower > 0) | (upper < 0))

    def _share(self, values: FloatArray, *, effect: bool | None = None) -> MonteCarlo:
        if effect is not None:
            kept = np.array([world.has_effect is effect for world in self.worlds])[self._world]
            values = np.where(kept, values, np.nan)
        return MonteCarlo.of(values, self._world, share=True)

    def _report(self) -> Report:
        shown = self._sides
        coverage, power, wrong = self.coverage, self.power, self.false_positives
        facts: list[tuple[str, object]] = [
            ("twins", f"{len(self.worlds)}, with {len(self.trials)} tables of {self.n_rows} rows"),
            ("answered", f"{self.answered.value:.1%}"),
        ]
        for side in shown:
            facts.append((f"coverage, {_WORDS[side]}", str(coverage[side])))
        if self.graph_as_given.value:
            facts.append(("without interval()", str(self.graph_as_given)))
        facts.append(("bias", str(self.bias)))
        for side in shown:
            if power[side].n_trials:
                facts.append((f"power, {_WORDS[side]}", str(power[side])))
            if wrong[side].n_trials:
                facts.append((f"false positives, {_WORDS[side]}", str(wrong[side])))
        worst = self.to_frame().sort_values("coverage_honest", kind="stable").head(8)
        columns = ["truth", "bias", *(f"coverage_{s}" for s in shown), "width_honest", "auc"]
        return Report(
            title=f"Coverage certificate: {self.verdict}",
            facts=facts,
            columns=("twin", *map(_heading, columns)),
            rows=[(str(k), *map(float, row)) for k, row in worst[columns].iterrows()],
            notes=self.notes,
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What is shown, and what is not, in words."""
        said = [f"{self.sentence}.", _SAID[self.verdict]]
        if self.coverage["honest"].interval()[0] > self.level:
            said.append("It covers more often than that: it is longer than it need be there.")
        endless = int(np.isinf(self._ends("honest")).any(axis=1).sum())
        if endless:
            said.append(
                f"On {endless} table(s) the interval is the whole line, as some graphs leave the "
                "effect open; it covers there, and says nothing."
            )
        given = Counter(t.message for t in self.trials if t.status == _LOST)
        if given:
            message, times = given.most_common(1)[0]
            said.append(
                f"On {given.total()} of {len(self.trials)} tables going over other graphs failed, "
                "so that interval() takes the graph as given; they are left out of its coverage. "
                f"Most often ({times}): {message}"
            )
        lost = Counter(t.message for t in self.trials if t.status not in _ANSWERS)
        if lost:
            message, times = lost.most_common(1)[0]
            said.append(
                f"{lost.total()} of {len(self.trials)} tables got no answer and are left out of "
                f"coverage, bias and power; most often ({times}): {message}"
            )
        passed = sum(world.passed_over for world in self.worlds)
        if passed:
            said.append(
                f"{passed} graph(s) that were drawn have no member that a twin can have, and were "
                "passed over."
            )
        seen = [world.auc for world in self.worlds if not math.isnan(world.auc)]
        alike = f"at best an AUC of {max(seen):.2f}" if seen else "too few rows to say how well"
        said.append(
            "What this does not show: that the world is like one of the twins. Their graphs are "
            + ("those that the data leave possible" if self.learnt else "the one of the analysis")
            + f", and classifiers tell their rows from the data with {alike} (0.5 is not at all)."
        )
        return tuple(said)


def _heading(column: str) -> str:
    """A column of `to_frame` in the words of the facts above the table."""
    what, _, side = column.partition("_")
    return f"{what}, {_WORDS[side]}" if side else column


def _mean(values: FloatArray) -> float:
    """Mean of what is no NaN; NaN if nothing is left."""
    seen = values[~np.isnan(values)]
    return float(seen.mean()) if len(seen) else math.nan


def _median(values: FloatArray) -> float:
    seen = values[~np.isnan(values)]
    return float(np.median(seen)) if len(seen) else math.nan
