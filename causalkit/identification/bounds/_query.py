"""From a query to its bounds: what is known enters as numbers, the rest as response types.

A query is a sum over *terms*, and a term the chance (or the mean) of something in one *world*, or
of several things in several worlds at once::

    E[Y | do(x)]              one world, in which X is set, with the levels of Y as weights
    P(Y(1) = 1, Y(0) = 0)     two worlds with the same hidden causes

The variables that decide a term fall apart into districts. Those whose kernel is known multiply as
numbers. The others answer by response types, and with them their component, the whole districts of
the graph that they are in, since these hold all that is known of their hidden causes. The query is
then linear in the distribution of the joint types, and a linear program finds its ends. Causes that
all variables of the component share cut it into one program for each of their levels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from math import log10
from typing import Final

import numpy as np

from causalkit.errors import InputError, NumericalError
from causalkit.identification.bounds._district_parts import intrinsic_sets, is_clique, prefixes
from causalkit.identification.bounds._program import Facts, Program
from causalkit.identification.bounds._response_types import (
    ResponseTypes,
    Values,
    digits_of_types,
    response_types,
)
from causalkit.identification.general.mixed import Mixed, each
from causalkit.identification.query import listed
from causalkit.typing import FloatArray, IntArray

__all__ = ["Answer", "Problem", "Term", "World"]

_ROUNDING: Final = 1e-7
"""A gap below this is arithmetic, not a contradiction."""


@dataclass(frozen=True, slots=True)
class World:
    """What is set, and a weight for each level of what is looked at."""

    do: dict[int, int]
    weights: dict[int, FloatArray]


@dataclass(frozen=True, slots=True)
class Term:
    """A factor times the mean product of the weights in some worlds, the first one real or not."""

    factor: float
    worlds: tuple[World, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """Ends of a query, whether they are reached, and what it took."""

    lower: float
    upper: float
    sharp: bool
    types: int
    gap: float


@dataclass(frozen=True, slots=True)
class _Plan:
    """Which of the nodes that matter are answered by types, and kernels of the others."""

    typed: int
    known: tuple[tuple[int, FloatArray], ...]

    @property
    def numbered(self) -> int:
        """Nodes that enter by their kernels."""
        found = 0
        for mask, _ in self.known:
            found |= mask
        return found


@dataclass(frozen=True, slots=True)
class _Component:
    """Nodes with types, the parents that cut the program, and what is known of them."""

    nodes: int
    context: int
    types: ResponseTypes
    facts: Facts
    sharp: bool


class Problem:
    """A graph with the distribution of its nodes, ready for queries.

    Parameters
    ----------
    mixed : Mixed
        The graph.
    joint : ndarray
        The distribution, an axis for each node.
    monotone : frozenset of (int, int)
        Edges from a cause to an effect that it never lowers.
    max_types : int
        How many joint response types a program may have.
    tolerance : float
        How far the distribution may be from what the graph allows.
    """

    def __init__(
        self,
        mixed: Mixed,
        joint: FloatArray,
        *,
        monotone: frozenset[tuple[int, int]] = frozenset(),
        max_types: int,
        tolerance: float,
    ) -> None:
        self._mixed = mixed
        self._joint = joint
        self._monotone = monotone
        self._most_digits = log10(max_types)
        self._tolerance = tolerance
        self._parts: dict[int, tuple[list[tuple[int, FloatArray]], dict[int, FloatArray]]] = {}

    def bounds(
        self,
        terms: Iterable[Term],
        relevant: int,
        *,
        crossing: int = 0,
        trials: Iterable[tuple[Term, int, float]] = (),
    ) -> Answer:
        """The least and the largest value of a sum of terms.

        Parameters
        ----------
        terms : iterable of Term
            What is asked.
        relevant : int
            The nodes that decide it and are not set in the first world of a term.
        crossing : int
            Those of them that may differ between the worlds of a term.
        trials : iterable of (Term, int, float)
            Terms whose value is known, with the nodes that decide them.

        Raises
        ------
        InputError
            If there are too many types, or no model of the graph has this distribution.
        """
        terms, trials = tuple(terms), tuple(trials)
        plan = self._plan(relevant, crossing)
        set_nodes = {node for term in terms for world in term.worlds for node in world.do}
        component = self._component(plan.typed, _mask(set_nodes), cut=not trials)
        query = self._objective(component, plan, terms)
        extra = [
            (self._objective(component, self._plan(nodes, crossing), (term,)), value)
            for term, nodes, value in trials
        ]
        ends, types, gap = np.zeros(2), 0, 0.0
        for levels, vector in query.items():
            if not component.nodes:
                ends += vector[0]
                continue
            context = dict(zip(each(component.context), levels, strict=True))
            program = self._program(component, context, [(row[()], v) for row, v in extra])
            found, missed = self._extremes(program, vector)
            ends += found
            types, gap = types + len(vector), max(gap, missed)
        for _, effect in self._monotone:
            if not self._mixed.district(1 << effect, self._mixed.all) & component.nodes:
                self._check(effect)
        least, largest = sorted(ends.tolist())  # a point may come out reversed by rounding
        return Answer(least, largest, component.sharp and gap == 0.0, types, gap)

    def _check(self, node: int) -> None:
        """Raise if no types of the district of this node fit the distribution."""
        component = self._component(self._mixed.district(1 << node, self._mixed.all), 0)
        for levels in product(*(range(self._joint.shape[k]) for k in each(component.context))):
            context = dict(zip(each(component.context), levels, strict=True))
            program = self._program(component, context, [])
            self._extremes(program, np.zeros(component.types.size))

    def _kernels(
        self, node: int
    ) -> tuple[int, list[tuple[int, FloatArray]], dict[int, FloatArray]]:
        """The district of a node, the kernels of its prefixes, and of its intrinsic sets."""
        district = self._mixed.district(1 << node, self._mixed.all)
        if district not in self._parts:
            first = list(prefixes(self._mixed, self._joint, district))
            within = intrinsic_sets(self._mixed, district, first[-1][1])
            self._parts[district] = (first, within)
        return district, *self._parts[district]

    def _plan(self, relevant: int, crossing: int) -> _Plan:
        """Split what matters into districts, known ones and others."""
        typed, known = 0, []
        for part in self._mixed.districts(relevant):
            kernel = self._kernels(_first(part))[2].get(part)
            if kernel is None or part & crossing or not np.isfinite(kernel).all():
                typed |= part
            else:
                known.append((part, kernel))
        return _Plan(typed, tuple(known))

    def _component(self, typed: int, set_nodes: int, *, cut: bool = True) -> _Component:
        """All nodes that need types: whole districts, or less of them where these are too large."""
        mixed = self._mixed
        whole = nodes = mixed.district(typed, mixed.all)
        context = self._context(nodes, set_nodes) if cut else 0
        if self._too_many(nodes, context):
            nodes = 0
            for part in mixed.districts(typed):
                supersets = [s for s in self._kernels(_first(part))[2] if s & part == part]
                nodes |= min(supersets, key=int.bit_count)
            context = self._context(nodes, set_nodes) if cut else 0
            self._check_count(nodes, context)
        kernels: dict[int, FloatArray] = {}
        pieces = list(mixed.districts(whole))
        simple = len(pieces) == 1 and nodes == whole and is_clique(mixed, whole)
        for piece in pieces:
            _, first, within = self._kernels(_first(piece))
            if is_clique(mixed, piece) and nodes & piece == piece:
                has_holes = not np.isfinite(first[-1][1]).all()
                kernels.update(first if has_holes else first[-1:])
            else:
                kernels.update((s, k) for s, k in [*first, *within.items()] if s & ~nodes == 0)
        facts = Facts(mixed, self._joint, list(kernels.items()), simple)
        sharp = not whole or simple or (len(pieces) == 1 and nodes == whole and self._rooted(whole))
        types = response_types(mixed, self._joint.shape, nodes, context, self._monotone)
        return _Component(nodes, context, types, facts, sharp)

    def _rooted(self, district: int) -> bool:
        """Whether a district is a clique but for one node without parents."""
        mixed = self._mixed
        return any(
            not mixed.parents[k] and is_clique(mixed, district & ~(1 << k)) for k in each(district)
        )

    def _context(self, nodes: int, set_nodes: int) -> int:
        """Parents of all the nodes, at whose levels types have nothing to do with each other."""
        mixed = self._mixed
        common = mixed.all & ~nodes & ~set_nodes if nodes else 0
        for node in each(nodes):
            common &= mixed.parents[node]
            common &= ~_mask(cause for cause, effect in self._monotone if effect == node)
        return common

    def _too_many(self, nodes: int, context: int) -> bool:
        return digits_of_types(self._mixed, self._joint.shape, nodes, context) > self._most_digits

    def _check_count(self, nodes: int, context: int) -> None:
        if self._too_many(nodes, context):
            digits = digits_of_types(self._mixed, self._joint.shape, nodes, context)
            raise InputError(
                f"{listed(self._mixed.names(nodes))} answer to their causes in about "
                f"10^{digits:.0f} ways together; expected at most 10^{self._most_digits:.0f}. "
                "Merge levels, or drop edges or variables."
            )

    def _program(
        self,
        component: _Component,
        context: Mapping[int, int],
        extra: list[tuple[FloatArray, float]],
    ) -> Program:
        from scipy import sparse

        matrix, values = component.facts.rows(component.types, context)
        if extra:
            matrix = sparse.vstack([matrix, *(sparse.csr_matrix(row) for row, _ in extra)])
            values = np.append(values, [value for _, value in extra])
        return Program(matrix, values)

    def _extremes(self, program: Program, query: FloatArray) -> tuple[tuple[float, float], float]:
        """Ends of a query in one program, and by how much its rows are missed."""
        ends = program.extremes(query)
        if ends is not None:
            return ends, 0.0
        gap = program.gap()
        if gap > max(self._tolerance, _ROUNDING):
            raise InputError(
                f"the table contradicts the graph: probabilities of every model of it, with the "
                f"stated assumptions, differ by {gap:.3g} or more somewhere; expected at most "
                f"tolerance={self._tolerance:.3g}. Add what the graph lacks (an edge, or <->), "
                "drop an assumption, or raise the tolerance if this is sampling error."
            )
        ends = program.extremes(query, gap + _ROUNDING)
        if ends is None:
            raise NumericalError(
                "the linear program of the bounds has no solution where one exists; expected "
                "probabilities that are not all but zero. Merge levels that hardly occur."
            )
        return ends, gap if gap > _ROUNDING else 0.0

    def _objective(
        self, component: _Component, plan: _Plan, terms: tuple[Term, ...]
    ) -> dict[tuple[int, ...], FloatArray]:
        """For each stratum of the context, what each type adds to the query."""
        types = component.types
        context = tuple(each(component.context))
        numbered = tuple(each(plan.numbered))
        query: dict[tuple[int, ...], FloatArray] = {}
        for levels in product(*(range(self._joint.shape[k]) for k in numbered)):
            drawn = dict(zip(numbered, levels, strict=True))
            stratum = tuple(drawn[k] for k in context)
            vector = query.setdefault(stratum, np.zeros(types.size))
            for term in terms:
                vector += self._value(types, plan, term, drawn)
        return query

    def _value(
        self, types: ResponseTypes, plan: _Plan, term: Term, drawn: Mapping[int, int]
    ) -> FloatArray:
        """What each type adds to a term when the numbered nodes have these levels."""
        value = np.full(types.size, float(term.factor))
        for at, world in enumerate(term.worlds):
            known: dict[int, int | IntArray] = types.run(
                plan.typed & ~_mask(world.do), {**drawn, **world.do}
            )
            if at == 0:
                for mask, kernel in plan.known:
                    value *= self._read(kernel, mask, known)
            for node, weights in world.weights.items():
                value *= weights[known[node]]
        return value

    def _read(self, kernel: FloatArray, mask: int, values: Values) -> FloatArray:
        """The entry of a kernel at these levels."""
        scope = mask | self._mixed.parents_of(mask)
        where = tuple(
            values[k] if scope >> k & 1 and kernel.shape[k] > 1 else 0 for k in range(kernel.ndim)
        )
        return np.asarray(kernel[where])


def _first(mask: int) -> int:
    return next(each(mask))


def _mask(nodes: Iterable[int]) -> int:
    found = 0
    for node in nodes:
        found |= 1 << node
    return found
