"""A question of the command line: an effect, and the graph in which it is asked.

The graph is given; or columns to adjust for, or instruments, stand for the plainest graph in which
they are what the user says: common causes of treatment and outcome, and causes of the treatment
only, which leave room for a hidden common cause. What follows is the same as for a drawn graph, so
the assumptions are said in the same words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from causalkit.cli.reading import column_named, columns_named
from causalkit.cli.reading_graphs import AnyGraph, names_of, read_graph
from causalkit.cli.running import remark
from causalkit.errors import InputError
from causalkit.graph import CausalGraph, LaggedGraph
from causalkit.identification import Estimand, identify
from causalkit.typing import Name

__all__ = ["Question", "estimand_values", "nodes_named"]

_COMPLIERS: Final = "late"
"""The estimator that asks for the effect on those who follow the instrument."""


@dataclass(frozen=True, slots=True)
class Question:
    """An effect that is asked for, as it was typed.

    Attributes
    ----------
    treatment, outcome : str
    graph : str or None
        A file, `-` or a text.
    adjust_for, instrument : sequence of str
        Columns, where there is no graph.
    """

    treatment: str
    outcome: str
    graph: str | None
    adjust_for: Sequence[str] = ()
    instrument: Sequence[str] = ()
    known: AnyGraph | None = field(init=False, default=None)
    """The graph that was read."""

    def __post_init__(self) -> None:
        if self.graph is None:
            return
        if self.adjust_for or self.instrument:
            raise InputError(
                "--graph was given, and --adjust-for or --instrument too; expected a graph, or the "
                "columns from which one is made. Drop one of them."
            )
        object.__setattr__(self, "known", read_graph(self.graph))

    @property
    def is_of_series(self) -> bool:
        """Whether the graph has steps, so that rows follow each other."""
        return isinstance(self.known, LaggedGraph)

    def columns(self, all_columns: Sequence[Name], beside: Sequence[str] = ()) -> list[Name]:
        """Names of the columns that are needed, as the graph has them.

        Raises
        ------
        UnknownVariableError
            If the data do not have one that they must have.
        """
        needed: list[Name] = [column_named(name, all_columns) for name in beside]
        if not isinstance(self.known, LaggedGraph):
            asked = [column_named(name, all_columns) for name in (self.treatment, self.outcome)]
            needed = [*asked, *needed]
        if self.known is not None:
            return [*needed, *names_of(self.known)]
        further = (*self.adjust_for, *self.instrument)
        return [*needed, *columns_named(further, all_columns)]

    def nodes(self, table: Any) -> tuple[Name, Name]:
        """Treatment and outcome as graph or table have them; of series as they were typed."""
        if isinstance(self.known, LaggedGraph):
            return self.treatment, self.outcome
        if self.known is not None:
            return (
                column_named(self.treatment, self.known.nodes, "the graph"),
                column_named(self.outcome, self.known.nodes, "the graph"),
            )
        by_text = {str(name): name for name in table.columns}  # of series a node, not a column
        return by_text.get(self.treatment, self.treatment), by_text.get(self.outcome, self.outcome)

    def levels(self, text: str, table: Any) -> Any:
        """The two levels of the treatment that are meant by a text, or `each`.

        Raises
        ------
        InputError
            If these are not two.
        """
        if text == "each":
            return text
        column = table.get(self.nodes(table)[0])
        known = {} if column is None else {str(level): level for level in column.unique()}
        parts = text.split(",")
        sides = [(",".join(parts[:k]), ",".join(parts[k:])) for k in range(1, len(parts))]
        found = [pair for pair in sides if all({side, side.strip()} & {*known} for side in pair)]
        if len(found) > 1:
            raise InputError(
                f"--contrast {text!r} names two levels in {len(found)} ways; expected one. Rename "
                "one of the levels that hold a comma."
            )
        if not found and len(sides) != 1:
            raise InputError(
                f"--contrast {text!r}; expected two levels with a comma, control first, or each."
            )
        words = [side if side in known else side.strip() for side in (found or sides)[0]]
        return tuple(known.get(word, _as_number(word)) for word in words)

    def estimand(self, table: Any, strategy: str | None, estimator: str | None) -> Estimand:
        """Identify the effect from the columns that are there."""
        treatment, outcome = self.nodes(table)
        if isinstance(self.known, LaggedGraph):
            return identify(self.known, treatment, outcome, strategy=strategy)
        if self.known is not None:
            columns = set(table.columns)
            unseen = [name for name in self.known.nodes if name not in columns]
            if unseen:
                remark(f"not in the data, so taken as unmeasured: {', '.join(map(str, unseen))}")
            seen = [name for name in self.known.nodes if name in columns]
            return identify(self.known, treatment, outcome, observed=seen, strategy=strategy)
        if strategy is None:
            strategy = "instrument" if self.instrument else "adjustment"
            if estimator == _COMPLIERS:
                strategy = "compliers"
        made = self._plainest(table, treatment, outcome)
        return identify(made, treatment, outcome, strategy=strategy)

    def _plainest(self, table: Any, treatment: Name, outcome: Name) -> CausalGraph:
        """The graph in which the columns are what they are said to be."""
        common = columns_named(self.adjust_for, table.columns)
        instruments = columns_named(self.instrument, table.columns)
        if not common and not instruments:
            raise InputError(
                "neither --graph nor --adjust-for nor --instrument was given; expected one of them."
                f" Of an experiment say --graph '{treatment} -> {outcome}'."
            )
        twice = {treatment, outcome} & {*common, *instruments} | {*common} & {*instruments}
        if twice:
            raise InputError(
                f"{', '.join(map(repr, sorted(twice, key=str)))} has two roles; expected each "
                "column as one of treatment, outcome, --adjust-for or --instrument."
            )
        edges: list[tuple[Name, Name, str]] = [(treatment, outcome, "->")]
        edges += [(cause, end, "->") for cause in common for end in (treatment, outcome)]
        edges += [(cause, treatment, "->") for cause in instruments]
        edges += [(cause, end, "->") for cause in common for end in instruments]
        if instruments:
            edges.append((treatment, outcome, "<->"))
        return CausalGraph.from_edges([*common, *instruments, treatment, outcome], edges)


def _as_number(word: str) -> Any:
    try:
        return float(word)
    except ValueError:
        return word


def nodes_named(text: str, graph: AnyGraph) -> list[Name]:
    """The nodes that are meant by names with commas; of series `Y` is Y[t]."""
    if isinstance(graph, LaggedGraph):
        return [word.strip() for word in text.split(",") if word.strip()]
    return columns_named([text], graph.nodes, "the graph")


def estimand_values(estimand: Estimand) -> dict[str, Any]:
    """An estimand as values for JSON."""
    alternatives = getattr(estimand, "alternatives", ())
    adjustment = getattr(estimand, "adjustment", None)
    return {
        "type": type(estimand).__name__,
        "expression": str(estimand.expression),
        "assumptions": list(estimand.assumptions),
        "adjustment": None if adjustment is None else list(adjustment),
        "alternatives": [estimand_values(one) for one in alternatives],
    }
