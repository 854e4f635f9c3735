"""Where the nodes of a graph stand: causes to the left of their effects.

The four steps of Sugiyama's layered drawing, after Gansner and others:

1. *Ranks.* Every node gets a column so that each arc runs from left to right and all arcs together
   are as short as can be: a linear programme whose optimum is a whole number.
2. *Orders.* An arc that skips columns gets a stand-in in each of them. Nodes and stand-ins are
   sorted within their columns by the mean position of their neighbours, to and fro, and swapped
   where that saves a crossing.
3. *Heights.* Lines are pulled level, a column at a time, while boxes keep their distance. With
   the order fixed, that is an isotonic regression a column.
4. *Packing.* Parts of the graph that do not hang together are laid side by side.

A line between columns cannot hit a box, and within a column it passes where its stand-in stands.

References
----------
.. [1] Gansner, Koutsofios, North, Vo (1993). A technique for drawing directed graphs.
   doi:10.1109/32.221135
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from causalkit.plotting._ordering import Grid, Pair
from causalkit.typing import FloatArray, IntArray

__all__ = ["DENSE", "LOOP_ROOM", "Layout", "Passage", "Spacing", "layered_layout"]

# Points (1/72 inch) between boxes, between a line and a box, between lines, between parts.
_BOX_GAP, _LINE_GAP, _PART_GAP = 16.0, 9.0, 20.0
_STUB = 9.0
LOOP_ROOM, ARCH_ROOM = 26.0, 22.0

Ports = dict[tuple[int, int], float]


class Spacing(NamedTuple):
    """Points between the lines that meet a box, and least points between two columns."""

    ports: float
    columns: float


DENSE: Final = Spacing(8.0, 26.0)


class Passage(NamedTuple):
    """Where a line crosses a column: at height `y` from `left` to `right`."""

    left: float
    right: float
    y: float


@dataclass(frozen=True, slots=True)
class Layout:
    """Positions in points; y grows upwards.

    Attributes
    ----------
    centers : ndarray of shape (n_nodes, 2)
    columns : ndarray of shape (n_nodes, 2)
        Left and right bound of the column that each node stands in.
    rank : ndarray of shape (n_nodes,)
        Number of that column; comparable within a connected part only.
    passages : dict
        Per edge (its number), the columns between its ends, left to right.
    ports : dict
        Per edge and node at its end, how far above the node's middle the edge meets it.
    """

    centers: FloatArray
    columns: FloatArray
    rank: IntArray
    passages: dict[int, list[Passage]]
    ports: Ports


def layered_layout(
    sizes: FloatArray, arcs: Sequence[Pair], ties: Sequence[Pair], spacing: Spacing = DENSE
) -> Layout:
    """Lay out a graph.

    Parameters
    ----------
    sizes : ndarray of shape (n_nodes, 2)
        Width and height of each node's box, in points.
    arcs : sequence of (i, j)
        Edges that must run from left to right; without a cycle.
    ties : sequence of (i, j)
        Edges with no direction, which may also join nodes of one column.
    spacing : Spacing

    Returns
    -------
    Layout
        Edges are numbered arcs first, then ties.
    """
    n = len(sizes)
    centers, columns = np.zeros((n, 2)), np.zeros((n, 2))
    rank = np.zeros(n, dtype=np.intp)
    passages: dict[int, list[Passage]] = {}
    ports: Ports = {}
    parts = []
    for nodes in _parts(n, [*arcs, *ties]):
        place = {node: k for k, node in enumerate(nodes)}
        inner = {
            number: (place[i], place[j])
            for number, (i, j) in enumerate([*arcs, *ties])
            if i in place
        }
        part = _lay_out_part(
            sizes[nodes],
            {number: pair for number, pair in inner.items() if number < len(arcs)},
            {number: pair for number, pair in inner.items() if number >= len(arcs)},
            spacing,
        )
        parts.append((nodes, part))
    for (nodes, part), (dx, dy) in zip(
        parts, _packed([b.extent(sizes[a]) for a, b in parts]), strict=True
    ):
        centers[nodes] = part.centers + np.array([dx, dy])
        columns[nodes] = part.columns + dx
        rank[nodes] = part.rank
        ports |= {(number, nodes[k]): above for (number, k), above in part.ports.items()}
        for number, crossed in part.passages.items():
            passages[number] = [Passage(p.left + dx, p.right + dx, p.y + dy) for p in crossed]
    return Layout(centers, columns, rank, passages, ports)


# --- parts --------------------------------------------------------------------------------------


def _parts(n: int, pairs: Sequence[Pair]) -> list[list[int]]:
    """Nodes that hang together, largest part first."""
    neighbours: list[list[int]] = [[] for _ in range(n)]
    for i, j in pairs:
        neighbours[i].append(j)
        neighbours[j].append(i)
    seen: set[int] = set()
    parts = []
    for start in range(n):
        if start in seen:
            continue
        part, waiting = {start}, [start]
        while waiting:
            fresh = set(neighbours[waiting.pop()]) - part
            part |= fresh
            waiting += fresh
        seen |= part
        parts.append(sorted(part))
    return sorted(parts, key=len, reverse=True)


def _packed(extents: list[tuple[float, float, float, float]]) -> list[tuple[float, float]]:
    """Shifts that lay boxes (x0, y0, x1, y1) in rows, left to right and top to bottom."""
    if not extents:
        return []
    widths = [x1 - x0 for x0, _, x1, _ in extents]
    # The largest part sets the width, unless many small ones make a better block of their own.
    small = sum(
        (w + _PART_GAP) * (y1 - y0 + _PART_GAP)
        for w, (_, y0, _, y1) in zip(widths[1:], extents[1:], strict=True)
    )
    widest = max([*widths, (1.8 * small) ** 0.5])
    rows: list[list[int]] = [[]]
    used = 0.0
    for k, width in enumerate(widths):
        if rows[-1] and used + width > widest + 1e-9:
            rows.append([])
            used = 0.0
        rows[-1].append(k)
        used += width + _PART_GAP
    shifts = [(0.0, 0.0)] * len(extents)
    top = 0.0
    for row in rows:
        height = max(extents[k][3] - extents[k][1] for k in row)
        left = 0.0
        for k in row:
            x0, y0, _, y1 = extents[k]
            shifts[k] = (left - x0, top - height / 2 - (y0 + y1) / 2)
            left += widths[k] + _PART_GAP
        top -= height + _PART_GAP
    return shifts


@dataclass(frozen=True, slots=True)
class _Part:
    centers: FloatArray
    columns: FloatArray
    rank: IntArray
    passages: dict[int, list[Passage]]
    ports: Ports
    loops: bool
    """Whether lines go around boxes of the last column, on its right."""

    def extent(self, sizes: FloatArray) -> tuple[float, float, float, float]:
        """Bounding box of boxes, columns and lines."""
        half = sizes[:, 1] / 2
        lines = [p.y for crossed in self.passages.values() for p in crossed]
        return (
            float(self.columns[:, 0].min()),
            float(min([*(self.centers[:, 1] - half), *lines])),
            float(self.columns[:, 1].max()) + LOOP_ROOM * self.loops,
            float(max([*(self.centers[:, 1] + half), *lines])),
        )


def _lay_out_part(
    sizes: FloatArray, arcs: dict[int, Pair], ties: dict[int, Pair], spacing: Spacing
) -> _Part:
    """Lay out nodes that hang together, around the origin."""
    n = len(sizes)
    rank = _ranks(n, list(arcs.values()), list(ties.values()))
    grid = Grid(rank, {**arcs, **ties})
    grid.sort()
    ports = _ports(grid, sizes, spacing.ports)
    heights = _heights(grid, sizes, ports)
    bounds = _columns(grid, sizes, heights, ties, spacing.columns)
    lefts, rights = bounds.T.tolist()
    middle = bounds.mean(axis=1)
    return _Part(
        np.column_stack([middle[rank], heights[:n]]),
        bounds[rank],
        rank,
        {
            number: [
                Passage(lefts[grid.layer[k]], rights[grid.layer[k]], float(heights[k]))
                for k in chain[1:-1]
            ]
            for number, chain in grid.chains.items()
        },
        {key: -below for key, below in ports.items()},
        loops=any(rank[i] == rank.max() for i, _ in grid.level),
    )


# --- 1. ranks -----------------------------------------------------------------------------------


def _ranks(n: int, arcs: list[Pair], ties: list[Pair]) -> IntArray:
    """Columns 0, 1, …: arcs at least one column long, all of them as short as can be.

    The constraint matrix is totally unimodular, so the optimum of the linear programme is whole.
    """
    from scipy.optimize import linprog

    if not arcs:
        return np.zeros(n, dtype=np.intp)
    cost = np.zeros(n + len(ties))
    cost[n:] = (
        0.3  # a tie would like its ends in one column, but less than an arc wants to be short
    )
    rows, bounds = [], []
    for i, j in arcs:
        cost[j] += 1
        cost[i] -= 1
        rows.append({i: 1, j: -1})
        bounds.append(-1)
    for k, (i, j) in enumerate(ties, start=n):
        rows += [{i: 1, j: -1, k: -1}, {j: 1, i: -1, k: -1}]
        bounds += [0, 0]
    matrix = np.zeros((len(rows), len(cost)))
    for at, row in enumerate(rows):
        matrix[at, list(row)] = list(row.values())
    solved = linprog(cost, A_ub=matrix, b_ub=bounds, bounds=(0, None), method="highs")
    rank = np.floor(solved.x[:n] + 0.5).astype(np.intp)
    return np.asarray(np.unique(rank, return_inverse=True)[1], dtype=np.intp)


# --- 3. heights and columns ---------------------------------------------------------------------


def _ports(grid: Grid, sizes: FloatArray, gap: float) -> Ports:
    """How far below a node's middle each line meets it, sorted by where the line goes."""
    where = grid.where()
    sides: dict[tuple[int, str], list[tuple[tuple[int, int, int], int]]] = {}
    for number, chain in grid.chains.items():
        first, last = chain[0], chain[-1]
        sides.setdefault((first, "right"), []).append(((0, where[chain[1]], number), number))
        sides.setdefault((last, "left"), []).append(((0, where[chain[-2]], number), number))
    for number, (i, j) in zip(grid.level_numbers, grid.level, strict=True):
        # A line around the column leaves beyond all others, the shortest outermost.
        for here, there in ((i, j), (j, i)):
            away = where[there] - where[here]
            key = (-1, -away, number) if away < 0 else (1, -away, number)
            sides.setdefault((here, "right"), []).append((key, number))
    ports: Ports = {}
    for (node, _), lines in sides.items():
        room = (sizes[node, 1] - 10.0) / max(len(lines) - 1, 1)
        for k, (_, number) in enumerate(sorted(lines)):
            ports[number, node] = (k - (len(lines) - 1) / 2) * min(gap, float(room))
    return ports


def _heights(grid: Grid, sizes: FloatArray, ports: Ports) -> FloatArray:
    """Height of every node and stand-in: lines as level as the order allows.

    Minimises the weighted squared differences along lines, a column at a time; a piece among
    stand-ins counts more, so that a long line is straight.
    """
    from scipy.optimize import isotonic_regression

    pulls = _pulls(grid, ports)
    total = np.array([sum(w for _, w, _ in pull) or 1e-3 for pull in pulls])
    half = np.zeros(len(grid.layer))
    half[: grid.n] = sizes[:, 1] / 2
    y = np.zeros(len(grid.layer))
    offsets = []
    for column in grid.columns:
        gaps = [0.0]
        for upper, lower in pairwise(column):
            lines = (upper >= grid.n) + (lower >= grid.n)
            gaps.append(half[upper] + half[lower] + (_LINE_GAP if lines else _BOX_GAP))
        offsets.append(np.cumsum(gaps))
        y[column] = offsets[-1] - offsets[-1][-1] / 2
    to_and_fro = [*range(len(grid.columns)), *reversed(range(len(grid.columns)))]
    for _ in range(100):
        before = y.copy()
        for at in to_and_fro:
            column = grid.columns[at]
            wanted = [
                sum(w * (y[m] + shift) for m, w, shift in pulls[k]) / total[k] if pulls[k] else y[k]
                for k in column
            ]
            free = np.array(wanted) - offsets[at]
            y[column] = isotonic_regression(free, weights=total[column]).x + offsets[at]
        if np.abs(y - before).max() < 0.05:
            break
    return np.asarray(-(y - y.mean()))


def _pulls(grid: Grid, ports: Ports) -> list[list[tuple[int, float, float]]]:
    """Per node: its neighbours, their weights, and how much lower than them it would stand."""
    pulls: list[list[tuple[int, float, float]]] = [[] for _ in grid.layer]
    for number, chain in grid.chains.items():
        for a, b in pairwise(chain):
            weight = (1.0, 2.0, 20.0)[(a >= grid.n) + (b >= grid.n)]
            lower = ports.get((number, a), 0.0) - ports.get((number, b), 0.0)
            pulls[a].append((b, weight, -lower))
            pulls[b].append((a, weight, lower))
    return pulls


def _columns(
    grid: Grid, sizes: FloatArray, heights: FloatArray, ties: Iterable[int], gap: float
) -> FloatArray:
    """Left and right bound of each column; steep lines get more room to the next one."""
    arches = {grid.layer[grid.chains[number][0]] for number in ties if number in grid.chains}
    bounds = np.zeros((len(grid.columns), 2))
    left = 0.0
    for at, column in enumerate(grid.columns):
        width = max((sizes[k, 0] for k in column if k < grid.n), default=0.0)
        right = left + width + 2 * _STUB
        bounds[at] = left, right
        steepest = max(
            (abs(heights[a] - heights[b]) for a in column for b in grid.right[a]), default=0.0
        )
        around = LOOP_ROOM * any(grid.layer[i] == at for i, _ in grid.level)
        arched = ARCH_ROOM * (at in arches)
        left = right + gap + min(0.15 * steepest, 80.0) + max(around, arched)
    return bounds
