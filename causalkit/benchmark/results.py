"""`Leaderboard`: the results of a comparison, raw, in summary, and as pictures.

>>> from causalkit.benchmark.storage import Result
>>> board = Leaderboard((
...     Result("1", "m", 0, 100, "PC", "discovery", "ok", 0.1, {"shd": 2.0}),
...     Result("2", "m", 0, 100, "empty", "discovery", "ok", 0.0, {"shd": 5.0}),
... ), frozenset({"empty"}))
>>> board.best("shd")
'PC'
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from causalkit._core.checks import check_choice
from causalkit._core.report import Report, Reported, format_value
from causalkit.benchmark.board_rows import (
    answered,
    mean_ranks,
    problems_of,
    row_of,
    with_error,
)
from causalkit.benchmark.methods import TRUE_GRAPH
from causalkit.benchmark.storage import STATUSES, Result
from causalkit.benchmark.summary import (
    RankTest,
    by_data_set,
    rank_matrix,
    rank_test,
    stratified_mean,
)
from causalkit.benchmark.tasks import MEASURES, Measure
from causalkit.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["Leaderboard"]

_FIRST: Final = {"discovery": "shd", "effect": "absolute_error"}
_SHOWN: Final = {
    "discovery": ("shd", "f1", "arrow_precision", "arrow_recall", "auprc", "sid_upper"),
    "effect": ("bias", "rmse", "covered", "width"),
}
_IN_SHORT: Final = {"discovery": ("shd", "f1", "auprc"), "effect": ("bias", "rmse", "covered")}
_KINDS: Final = ("intervals", "critical-difference")


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Leaderboard(Reported):
    """What methods achieved on models.

    Attributes
    ----------
    results : tuple of Result
        One for each model, size, repeat, method and task.
    baselines : frozenset of str
        Methods that were added: guesses, plain rivals, and who is told the true graph.
    """

    results: tuple[Result, ...]
    baselines: frozenset[str] = frozenset()

    @property
    def methods(self) -> tuple[str, ...]:
        """Names, in the order in which they came."""
        return tuple(dict.fromkeys(result.method for result in self.results))

    @property
    def tasks(self) -> tuple[str, ...]:
        """What was asked for."""
        return tuple(dict.fromkeys(result.task for result in self.results))

    @property
    def models(self) -> tuple[str, ...]:
        """Names, in the order in which they came."""
        return tuple(dict.fromkeys(result.model for result in self.results))

    def to_frame(self) -> pd.DataFrame:
        """All results, one a row; a measure that a task or method does not have is NaN."""
        import pandas as pd

        frame = pd.DataFrame([result.to_row() for result in self.results])
        names = [*(measure.name for measure in MEASURES), "time_limit"]
        return frame.astype(dict.fromkeys(names, np.float64))

    def summary(self, task: str | None = None, *, by: Iterable[str] = ()) -> pd.DataFrame:
        """Means of a task's measures, one row a method, the best mean rank first.

        Parameters
        ----------
        task : {"discovery", "effect"}, optional
            Left out, the first of the tasks.
        by : iterable of {"model", "n_obs"}, default none
            Rows of their own for each of these.

        Returns
        -------
        DataFrame
            Indexed by what `by` says, and the method. `rank` is the mean rank by "shd" or
            "absolute_error" (NaN for who is told the true graph, which does not compete), `done`
            and the other statuses count data sets, `seconds` is the mean time. Then each measure
            and, ending in `_se`, its standard error: over repeats of the same models, see
            :mod:`~causalkit.benchmark.summary`. "bias" is the mean of the errors, "rmse" the root
            of the mean of their squares. Means are over the data sets with an answer, so read
            them beside the counts of those without. Of effects that the true graph does not
            identify no error is counted: "trapped" is the share of these that were answered.

        Raises
        ------
        InputError
            If the board has no such task.
        """
        import pandas as pd

        task, keys = self._task(task), tuple(by)
        for key in keys:
            check_choice(key, "by", ("model", "n_obs"))
        groups: dict[tuple[Any, ...], list[Result]] = {}
        for result in self._of(task):
            groups.setdefault(tuple(getattr(result, key) for key in keys), []).append(result)
        rows, index = [], []
        for group, results in groups.items():
            ranks = mean_ranks(results, self._competing(task), _measure(_FIRST[task]))
            named = {name: [r for r in results if r.method == name] for name in self.methods}
            for name in sorted(filter(named.get, named), key=lambda n: ranks.get(n, np.inf)):
                index.append((*group, name))
                rows.append({"rank": ranks.get(name, np.nan), **row_of(named[name], task)})
        frame = pd.DataFrame(rows).dropna(axis=1, how="all")
        frame.index = pd.MultiIndex.from_tuples(index, names=[*keys, "method"])
        return frame if keys else frame.set_axis(frame.index.get_level_values("method"))

    @property
    def sortability(self) -> pd.DataFrame:
        """How easily each model's order is read off its data: mean var- and R2-sortability.

        One row a model, of tables with a DAG; 1/2 gives nothing away.
        """
        import pandas as pd

        names = ["varsortability", "r2_sortability"]
        rows = {
            model: [
                stratified_mean(
                    [
                        np.array(
                            [
                                r.values[n]
                                for r in self.results
                                if r.model == model and n in r.values
                            ]
                        )
                    ]
                )[0]
                for n in names
            ]
            for model in self.models
        }
        frame = pd.DataFrame.from_dict(rows, orient="index", columns=names)
        return frame.rename_axis("model").dropna(how="all")

    def ranks(self, measure: str | None = None, *, alpha: float = 0.05) -> RankTest:
        """Test whether methods rank alike by a measure, and which differ.

        Parameters
        ----------
        measure : str, optional
            Left out, "shd", or "absolute_error" where effects are the only task.
        alpha : float, default 0.05

        Returns
        -------
        RankTest
            Over those methods that have the measure at all; on a data set without an answer a
            method is last. Who is told the true graph does not compete.

        Raises
        ------
        InputError
            If no two methods, or no two data sets, have it.
        """
        found = _measure(self._first() if measure is None else measure)
        if not found.best:
            raise InputError(
                f"{found.name!r} is neither good nor bad; expected a measure to rank by, such as "
                f"{_FIRST.get(found.task)!r}. Read it in summary()."
            )
        results, names = self._of(self._task(found.task)), self._competing(found.task)
        values = answered(by_data_set(results, names, found.name)[1])
        there = np.logical_not(np.isnan(values).all(axis=0))
        competing = [name for name, has in zip(names, there.tolist(), strict=True) if has]
        ranks = rank_matrix(values[:, there], found.best)
        return rank_test(competing, ranks, measure=found.name, level=alpha)

    def best(self, measure: str | None = None) -> str:
        """Return the method with the best mean rank by a measure, baselines included."""
        found = _measure(self._first() if measure is None else measure)
        results, names = self._of(self._task(found.task)), self._competing(found.task)
        ranks = mean_ranks(results, names, found)
        if not ranks or not found.best:
            raise InputError(
                f"no method has {found.name!r} to be ranked by; expected one of those in "
                "summary(). Name another measure."
            )
        return min(ranks, key=lambda name: ranks[name])

    def plot(
        self,
        kind: str = "intervals",
        measure: str | None = None,
        ax: Axes | None = None,
        **style: Any,
    ) -> Axes:
        """Draw how methods did.

        Parameters
        ----------
        kind : {"intervals", "critical-difference"}
            The mean of a measure with its 95 % interval over repeats, a row a method; or mean ranks
            with bars over methods that Nemenyi's test does not tell apart.
        measure : str, optional
            Left out, "shd", or "absolute_error" where effects are the only task.
        ax : matplotlib.axes.Axes, optional
        **style
            Passed on to the drawing.

        Returns
        -------
        matplotlib.axes.Axes
        """
        check_choice(kind, "kind", _KINDS)
        if kind == "critical-difference":
            return self.ranks(measure).plot(ax, **style)
        from causalkit.plotting.leaderboard import plot_intervals

        found = _measure(self._first() if measure is None else measure)
        frame = self.summary(found.task)
        if found.name not in frame:
            raise InputError(
                f"no method has {found.name!r}; expected one of {', '.join(frame.columns)}. Name "
                "another measure."
            )
        frame = frame[frame[found.name].notna()]
        return plot_intervals(
            tuple(frame.index),
            frame[found.name].to_numpy(),
            frame.get(f"{found.name}_se", frame[found.name] * np.nan).to_numpy(),
            ax,
            label=f"{found.name}: {found.says}",
            faint=self.baselines,
            **style,
        )

    def to_markdown(self, task: str | None = None) -> str:
        """Write the summary of a task, or of all, as Markdown tables.

        Numbers stand beside their standard errors, as in `1.5 ± 0.2`.
        """
        blocks = []
        for one in self.tasks if task is None else (self._task(task),):
            columns, rows = self._table(one, _SHOWN[one])
            lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
            lines += ["| " + " | ".join(map(_escaped, row)) + " |" for row in rows]
            blocks.append(f"**{one}**\n\n" + "\n".join(lines))
        return "\n\n".join(blocks) + "\n"

    # --- parts -----------------------------------------------------------------------------------

    def _task(self, task: str | None) -> str:
        if not self.results:
            raise InputError("the leaderboard has no results; expected some. Call compare().")
        return self.tasks[0] if task is None else check_choice(task, "task", self.tasks)

    def _first(self) -> str:
        return _FIRST[self._task(None)]

    def _of(self, task: str) -> list[Result]:
        return [result for result in self.results if result.task == task]

    def _competing(self, task: str) -> tuple[str, ...]:
        """Methods of a task that are not told the answer."""
        told = {m for m in self.baselines if m.partition(",")[0] == TRUE_GRAPH}
        names = dict.fromkeys(result.method for result in self._of(task))
        return tuple(name for name in names if name not in told)

    def _table(
        self, task: str, columns: tuple[str, ...]
    ) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        frame = self.summary(task)
        shown = [name for name in columns if name in frame]
        rows = []
        for name, row in frame.iterrows():
            cells = [with_error(row[m], row.get(f"{m}_se", np.nan)) for m in shown]
            without = int(sum(row.get(status, 0) for status in STATUSES[1:]))
            whole = (
                str(name),
                format_value(round(row.get("rank", np.nan), 2)),
                *cells,
                str(without),
            )
            rows.append((*whole, format_value(round(row["seconds"], 4))))
        return ("method", "rank", *shown, "no answer", "seconds"), rows

    def _report(self) -> Report:
        task = self._task(None)
        sizes = sorted({result.n_obs for result in self.results})
        repeats = len({result.repeat for result in self.results})
        facts: list[tuple[str, object]] = [
            ("models", ", ".join(self.models)),
            ("data sets", f"{repeats} of each, rows: {', '.join(map(str, sizes))}"),
            ("added for comparison", ", ".join(m for m in self.methods if m in self.baselines)),
        ]
        notes = [
            "Ranks and means over data sets; ± is the standard error over repeats of these models.",
            *problems_of(self.results),
        ]
        if len(self.tasks) > 1:
            notes.append(f"Also asked: {', '.join(self.tasks[1:])}; see summary(task).")
        columns, rows = self._table(task, _IN_SHORT[task])
        return Report(f"Leaderboard: {task}", facts, columns=columns, rows=rows, notes=notes)


def _measure(name: str) -> Measure:
    check_choice(name, "measure", tuple(measure.name for measure in MEASURES))
    return next(measure for measure in MEASURES if measure.name == name)


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|")
