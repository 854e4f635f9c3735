"""The linear program of bounds: what is known of joint response types, and how far a query reaches.

Unknown is the distribution q of the joint response types of a component. Known is what the data say
of it, rows that are linear in q:

* each set of nodes T with a kernel Q[T]: the types that answer t to some inputs have together the
  probability Q[T](t | inputs),
* two such sets that no hidden cause joins: they answer independently of each other, even to
  different inputs, so that the probability of both is a product,
* a node without parents: its level is its type, independent of the types of all nodes that it
  shares no hidden cause with.

In a component whose nodes all share hidden causes the first kind says everything, so the largest
and smallest values of a query over these q are reached by models of the graph: the bounds are
sharp. Elsewhere independences between types that are not linear in q are left out, and the bounds
are valid, perhaps wider than they need be.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, product
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from causalkit.identification.bounds._response_types import ResponseTypes
from causalkit.identification.general.mixed import Mixed, each
from causalkit.typing import FloatArray, IntArray

if TYPE_CHECKING:
    from scipy import sparse

__all__ = ["Facts", "Program"]

_PRECISION: Final = 1e-9
"""To which the solver keeps rows; kernels carry rounding errors of some 1e-15."""
_MOST_ENTRIES: Final = 2_000_000
"""Of the matrix, for a minute at most; rows of pairs beyond that are left out."""

_Event = tuple[IntArray, FloatArray]
"""Answers of a set to some inputs: a number for each joint type, a chance for each number."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a component: kernels of sets of its nodes.

    Parameters
    ----------
    mixed : Mixed
        The graph.
    joint : ndarray
        The distribution of its nodes, an axis each.
    kernels : list of (int, ndarray)
        Sets and their Q[T].
    complete : bool
        Whether the kernels say everything, so that independences need no rows of their own.
    """

    mixed: Mixed
    joint: FloatArray
    kernels: list[tuple[int, FloatArray]]
    complete: bool

    def rows(
        self, types: ResponseTypes, context: Mapping[int, int]
    ) -> tuple[sparse.csr_matrix, FloatArray]:
        """All rows within one stratum of the context, and what they must be."""
        rows = _Rows(types.size)
        rows.add(np.zeros(types.size, dtype=np.intp), np.ones(1))
        events = [
            (mask, list(self._events(types, mask, kernel, context)))
            for mask, kernel in self.kernels
        ]
        for _, answers in events:
            for numbers, chances in answers:
                rows.add(numbers, chances)
        if not self.complete:
            self._add_independent_roots(rows, types)
            self._add_independent_sets(rows, events)
        return rows.build()

    def _events(
        self, types: ResponseTypes, mask: int, kernel: FloatArray, context: Mapping[int, int]
    ) -> Iterator[_Event]:
        """What a set answers, for all levels of its inputs."""
        shape = self.joint.shape
        inputs = tuple(each(self.mixed.parents_of(mask) & ~mask & ~_mask(context)))
        for levels in product(*(range(shape[p]) for p in inputs)):
            fixed = {**context, **dict(zip(inputs, levels, strict=True))}
            known = types.run(mask, fixed)
            numbers = np.zeros(types.size, dtype=np.intp)
            for node in each(mask):
                numbers = numbers * shape[node] + known[node]
            where = tuple(
                slice(None) if mask >> k & 1 else fixed[k] if kernel.shape[k] > 1 else 0
                for k in range(kernel.ndim)
            )
            yield numbers, kernel[where].ravel()

    def _add_independent_sets(self, rows: _Rows, events: list[tuple[int, list[_Event]]]) -> None:
        for (a, first), (b, second) in combinations(events, 2):
            joined = _union(self.mixed.spouses, a) & b
            if a & b or joined:
                continue
            for (n, p), (m, q) in product(first, second):
                if not rows.room:
                    return
                rows.add(n * len(q) + m, np.outer(p, q).ravel())

    def _add_independent_roots(self, rows: _Rows, types: ResponseTypes) -> None:
        for root in each(types.nodes):
            others = types.nodes & ~self.mixed.spouses[root] & ~(1 << root)
            if self.mixed.parents[root] or not others:
                continue
            levels = types.type_of(root)
            chances = self.joint.sum(axis=tuple(k for k in range(self.joint.ndim) if k != root))
            numbers = np.zeros(types.size, dtype=np.intp)
            for node in each(others):
                numbers = numbers * len(types.tables[node]) + types.type_of(node)
            for level, chance in enumerate(chances[1:], start=1):
                rows.add(numbers, np.zeros(numbers.max() + 1), (levels == level) - chance)


class _Rows:
    """Rows of a sparse matrix, collected; those whose value is a hole are dropped."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._where: list[IntArray] = []
        self._weights: list[FloatArray] = []
        self._values: list[FloatArray] = []
        self._height = 0

    @property
    def room(self) -> bool:
        """Whether more rows can be afforded."""
        return len(self._where) * self._size < _MOST_ENTRIES

    def add(self, numbers: IntArray, values: FloatArray, weights: FloatArray | None = None) -> None:
        """One row for each value: joint type r is in row `numbers[r]` with its weight, or 1."""
        self._where.append(numbers + self._height)
        self._weights.append(np.ones(self._size) if weights is None else weights)
        self._values.append(values)
        self._height += len(values)

    def build(self) -> tuple[sparse.csr_matrix, FloatArray]:
        """The matrix and what its rows must be."""
        from scipy import sparse

        columns = np.tile(np.arange(self._size), len(self._where))
        entries = (np.concatenate(self._weights), (np.concatenate(self._where), columns))
        matrix = sparse.csr_matrix(entries, shape=(self._height, self._size))
        values = np.concatenate(self._values)
        known = np.flatnonzero(np.isfinite(values))
        return matrix[known], values[known]


@dataclass(frozen=True, slots=True)
class Program:
    """Rows that q satisfies; q is not negative, and one of the rows is that it sums to 1."""

    matrix: Any
    values: FloatArray

    def gap(self) -> float:
        """How far the nearest q stays from the row that it misses most."""
        from scipy import sparse

        slack = sparse.csr_matrix(np.ones((len(self.values), 1)))
        above = sparse.hstack([self.matrix, -slack])
        below = sparse.hstack([-self.matrix, -slack])
        found = _linprog(
            np.append(np.zeros(self.matrix.shape[1]), 1.0),
            A_ub=sparse.vstack([above, below]),
            b_ub=np.concatenate([self.values, -self.values]),
        )
        return float(found.fun)

    def extremes(self, query: FloatArray, gap: float = 0.0) -> tuple[float, float] | None:
        """The least and the largest `query @ q`, rows kept up to `gap`; None if no q keeps them."""
        low = self._solve(query, gap)
        high = None if low is None else self._solve(-query, gap)
        return None if low is None or high is None else (low, -high)

    def _solve(self, cost: FloatArray, gap: float) -> float | None:
        """The least `cost @ q`, or None if no q keeps the rows."""
        from scipy import sparse

        if gap == 0.0:
            found = _linprog(cost, A_eq=self.matrix, b_eq=self.values)
        else:
            found = _linprog(
                cost,
                A_ub=sparse.vstack([self.matrix, -self.matrix]),
                b_ub=np.concatenate([self.values, -self.values]) + gap,
            )
        return None if found.x is None else float(found.fun)


def _linprog(cost: FloatArray, **rows: Any) -> Any:
    from scipy.optimize import linprog

    options = {"primal_feasibility_tolerance": _PRECISION, "dual_feasibility_tolerance": _PRECISION}
    return linprog(cost, bounds=(0, None), method="highs", options=options, **rows)


def _mask(nodes: Iterable[int]) -> int:
    found = 0
    for node in nodes:
        found |= 1 << node
    return found


def _union(rows: tuple[int, ...], mask: int) -> int:
    found = 0
    for node in each(mask):
        found |= rows[node]
    return found
