"""A question about bounds, checked: names become positions, levels numbers, words sentences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any, Final

import numpy as np

from causalkit.errors import InputError
from causalkit.graph import CausalGraph
from causalkit.graph.latent import latent_projection
from causalkit.identification._sentences import about_graph, consistency
from causalkit.identification.bounds._query import Problem
from causalkit.identification.formulas.evaluation import ProbabilityTable
from causalkit.identification.general.mixed import Mixed
from causalkit.identification.query import EffectQuery, GraphLike, as_graph, listed
from causalkit.typing import Data, FloatArray, Name, Names

__all__ = [
    "POPULATION",
    "Question",
    "Setting",
    "assigned",
    "contrasted",
    "levels_by_name",
    "position",
    "scored",
]

POPULATION: Final = (
    "The table is the distribution of the population: the bounds say nothing of sampling error."
)
_MOST_TYPES: Final = 100_000
"""Joint response types in one linear program; the largest take about a minute."""

Setting = dict[Name, int]
"""What is set to which of its levels."""


@dataclass(frozen=True, slots=True)
class Question:
    """A query in the part of its graph that matters, with the distribution of that."""

    query: EffectQuery
    graph: CausalGraph
    mixed: Mixed
    table: ProbabilityTable
    monotone: tuple[tuple[Name, Name], ...]

    @classmethod
    def of(
        cls,
        graph: GraphLike,
        treatment: Names,
        outcome: Name,
        table: ProbabilityTable | Data,
        *,
        given: Iterable[Name] = (),
        observed: Names | None = None,
        monotone: Iterable[tuple[Name, Name]] = (),
    ) -> Question:
        """Check what was passed, hide what is hidden, and drop what cannot matter.

        Raises
        ------
        InputError
            If names are unknown or have two roles, there are several outcomes, `given` is caused by
            the treatment, or a monotone effect is no edge.
        GraphError
            If the graph is no DAG or ADMG.
        """
        whole = as_graph(graph)
        seen = whole if observed is None else latent_projection(whole, observed)
        query = EffectQuery.within(seen, treatment, outcome, tuple(given))
        if len(query.outcome) > 1:
            raise InputError(
                f"there are {len(query.outcome)} outcomes, {listed(query.outcome)}; expected one. "
                "Bound them one by one."
            )
        mixed = Mixed.of(seen)
        caused = mixed.descendants(mixed.bits(query.treatment), mixed.all)
        for name in mixed.names(caused & mixed.bits(query.given)):
            raise InputError(
                f"{listed(query.treatment)} causes {name!r}, which is in given; expected variables "
                "that no treatment changes. Leave it out."
            )
        rises = _checked_edges(seen, monotone)
        kept = seen.subgraph(mixed.names(_relevant(mixed, query)))
        order = Mixed.of(kept)
        return cls(query, kept, order, ProbabilityTable.of(table, order.nodes), rises)

    @property
    def outcome(self) -> int:
        """The outcome, as a node."""
        return self.mixed.where[self.query.outcome[0]]

    @property
    def treatments(self) -> int:
        """What is set, as a bit set."""
        return self.mixed.bits(self.query.treatment)

    @property
    def after(self) -> int:
        """Nodes that decide the outcome, and what is given, once the treatment is set."""
        mixed = self.mixed
        asked = 1 << self.outcome | mixed.bits(self.query.given)
        return mixed.ancestors(asked, mixed.all & ~self.treatments)

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What the bounds rest on."""
        rises = (
            f"Monotone: in no unit does more of {cause} lower {effect}, all else being equal."
            for cause, effect in self.monotone
        )
        treatment = consistency(listed(self.query.treatment))
        return (about_graph(self.graph), *rises, treatment, POPULATION)

    def problem(self, tolerance: float) -> Problem:
        """The problem to solve."""
        if not (isinstance(tolerance, Real) and tolerance >= 0):
            raise InputError(
                f"tolerance is {tolerance!r}; expected a number from 0 on, such as 0.01 if "
                "frequencies may be off by so much."
            )
        where = self.mixed.where
        kept = [(a, b) for a, b in self.monotone if b in where]  # a is, its effect being there
        return Problem(
            self.mixed,
            self.table.values,
            monotone=frozenset((where[a], where[b]) for a, b in kept),
            max_types=_MOST_TYPES,
            tolerance=tolerance,
        )

    def nodes(self, setting: Setting) -> dict[int, int]:
        """A setting by nodes."""
        return {self.mixed.where[name]: at for name, at in setting.items()}

    def indicators(self, setting: Setting) -> dict[int, FloatArray]:
        """For each node one at its level and zero elsewhere."""
        return {
            node: np.equal(np.arange(self.shape[node]), at).astype(np.float64)
            for node, at in self.nodes(setting).items()
        }

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of levels of each node."""
        return self.table.values.shape

    def probability(self, weights: Mapping[int, FloatArray]) -> float:
        """The mean product of some weights."""
        values = self.table.values
        for node in sorted(weights, reverse=True):
            shape = [1] * values.ndim
            shape[node] = -1
            values = values * weights[node].reshape(shape)
        return float(values.sum())


def levels_by_name(levels: Mapping[Any, Any] | None, what: str) -> dict[Any, Any]:
    """A mapping that was passed, empty if there is none."""
    if levels is None:
        return {}
    if not isinstance(levels, Mapping):
        raise InputError(
            f"{what} is {levels!r}; expected a mapping. Write {what}={{...: ...}}, a dictionary."
        )
    return dict(levels)


def position(table: ProbabilityTable, name: Name, level: Any) -> int:
    """Where a level stands among those of a variable."""
    levels = table.levels_of(name)
    if level not in levels:
        raise InputError(
            f"{name!r} has no level {level!r} in the table; expected one of {list(levels)}."
        )
    return levels.index(level)


def contrasted(
    table: ProbabilityTable, treatment: tuple[Name, ...], contrast: Any
) -> tuple[Setting, ...]:
    """One or two settings of the treatment, the reference first."""
    if contrast is None:
        (name, *more), levels = treatment, table.levels_of(treatment[0])
        if more or len(levels) != 2:
            raise InputError(
                f"{listed(treatment)} has other than two settings; expected contrast=(a, b), "
                f"for the effect of b against a, each {'a mapping' if more else 'a level'}."
            )
        return {name: 0}, {name: 1}
    sides = contrast if isinstance(contrast, (tuple, list)) else (contrast,)
    if not 1 <= len(sides) <= 2:
        raise InputError(f"contrast holds {len(sides)} levels; expected one, or a pair.")
    settings = tuple(_setting(table, treatment, side) for side in sides)
    if len(settings) == 2 and settings[0] == settings[1]:
        raise InputError(
            f"contrast={contrast!r} compares a setting with itself; expected two that differ, or "
            "a single one."
        )
    return settings


def scored(table: ProbabilityTable, outcome: Name, level: Any) -> FloatArray:
    """A weight for each level of the outcome: one at `level`, or the numbers they are."""
    levels = table.levels_of(outcome)
    if level is not None:
        return np.equal(np.arange(len(levels)), position(table, outcome, level)).astype(np.float64)
    if not all(isinstance(value, (Real, np.bool_)) for value in levels):
        raise InputError(
            f"{outcome!r} has levels {list(levels)[:5]}, which have no mean; expected numbers. "
            "Name the level whose probability you mean: level=..."
        )
    return np.array([float(value) for value in levels])


def assigned(table: ProbabilityTable, setting: Setting) -> str:
    """A setting as text: `X=1, Z=0`."""
    return ", ".join(f"{name}={table.levels_of(name)[at]}" for name, at in setting.items())


def _setting(table: ProbabilityTable, treatment: tuple[Name, ...], side: Any) -> Setting:
    if not isinstance(side, Mapping):
        if len(treatment) > 1:
            raise InputError(
                f"{side!r} does not say which of {listed(treatment)} it is a level of; expected a "
                "mapping of names to levels."
            )
        side = {treatment[0]: side}
    if set(side) != set(treatment):
        raise InputError(
            f"the contrast sets {listed(tuple(side)) or 'nothing'}; expected each of "
            f"{listed(treatment)}, and nothing else."
        )
    return {name: position(table, name, side[name]) for name in treatment}


def _relevant(mixed: Mixed, query: EffectQuery) -> int:
    """An ancestral set that holds the query and, with a node, its district."""
    found = mixed.bits((*query.treatment, *query.outcome, *query.given))
    larger = 0
    while larger != found:
        larger = found
        found = mixed.district(mixed.ancestors(found, mixed.all), mixed.all)
    return found


def _checked_edges(
    graph: CausalGraph, pairs: Iterable[tuple[Name, Name]]
) -> tuple[tuple[Name, Name], ...]:
    if not isinstance(pairs, Iterable):
        raise InputError(f"monotone={pairs!r}; expected pairs of names, such as [('Z', 'X')].")
    checked = []
    for pair in pairs:
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise InputError(f"monotone holds {pair!r}; expected pairs of names (cause, effect).")
        cause, effect = pair
        graph.indices((cause, effect))
        if cause not in graph.parents(effect):
            raise InputError(
                f"monotone holds {cause!r} -> {effect!r}, which is no edge among the observed "
                "variables; expected direct effects. Name the edges between them."
            )
        checked.append((cause, effect))
    return tuple(checked)
