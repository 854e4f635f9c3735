"""Following a rule table through a graph: the search behind :mod:`causalkit.graph.walks`.

A state is (symbol of the edge by which a node was entered, node); where a rule asks whether the
nodes before and after are apart, it is (symbol, edge). Levels are masks, so that one level is a few
array operations, and each row of each step matrix is read at most once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np

from causalkit.graph.graph import CausalGraph
from causalkit.graph.marks import ARROW, CIRCLE, SYMBOLS, TAIL
from causalkit.typing import BoolArray

__all__ = ["Rule", "Steps", "Table", "Walk", "arrivals", "find_walk", "reach"]

Steps: TypeAlias = Mapping[str, BoolArray]
"""Step matrices by symbol, as `CausalGraph.steps`: `steps["<-"][i, j]` steps from i to j."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One way to pass through a node.

    Parameters
    ----------
    picture : str
        The node `v` between the edge that enters and the edge that leaves it, in walking
        direction; `*` is any mark, `|` separates alternatives: `"-> v ->|--"`.
    where : str, optional
        Name of the mask of nodes that may be passed so; left out, all.
    apart : bool
        Whether the nodes before and after `v` must not be adjacent (an unshielded triple).
    """

    picture: str
    where: str | None = None
    apart: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """How a walk may begin (`first`), and how it may pass through nodes."""

    first: str
    rules: tuple[Rule, ...]


_MARK = {"*": (TAIL, ARROW, CIRCLE), "o": (CIRCLE,), "-": (TAIL,), "<": (ARROW,), ">": (ARROW,)}


def _symbols(pattern: str) -> list[str]:
    """All symbols that a pattern such as `*->|--` stands for; its first and last sign are marks."""
    wanted = [(_MARK[part[0]], _MARK[part[-1]]) for part in pattern.split("|")]
    return [
        symbol
        for symbol, (near, far) in SYMBOLS.items()
        if any(near in nears and far in fars for nears, fars in wanted)
    ]


@dataclass(frozen=True, slots=True)
class _Pass:
    enter: str
    leave: str
    where: str | None
    apart: bool


@lru_cache(maxsize=256)
def _plan(table: Table, symbols: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[_Pass, ...]]:
    """First steps and passages that the table allows among these symbols, written out."""
    passes = tuple(
        _Pass(enter, leave, rule.where, rule.apart)
        for rule in table.rules
        for before, after in [rule.picture.split(" v ")]
        for enter in _symbols(before)
        for leave in _symbols(after)
        if enter in symbols and leave in symbols
    )
    return tuple(symbol for symbol in _symbols(table.first) if symbol in symbols), passes


# --- the search ----------------------------------------------------------------------------


def reach(
    graph: CausalGraph | Steps,
    start: BoolArray,
    table: Table,
    *,
    avoid: BoolArray | None = None,
    **where: BoolArray,
) -> BoolArray:
    """Mask of the nodes that walks of this kind reach from `start`, itself included.

    Parameters
    ----------
    graph : CausalGraph or step matrices
        Where to walk.
    start : array of bool, shape (n_nodes,)
        Where walks start.
    table : Table
        How they may go on.
    avoid : array of bool, shape (n_nodes,), optional
        Nodes that no walk enters (a walk may still start there).
    **where : arrays of bool, shape (n_nodes,)
        The masks that the table's rules name.

    Returns
    -------
    array of bool, shape (n_nodes,)
    """
    reached = start.copy()
    for entered in arrivals(graph, start, table, avoid=avoid, **where).values():
        reached |= entered
    return reached


def arrivals(
    graph: CausalGraph | Steps,
    start: BoolArray,
    table: Table,
    *,
    avoid: BoolArray | None = None,
    **where: BoolArray,
) -> dict[str, BoolArray]:
    """Masks of the nodes reached, by the symbol of the edge that the walk entered them by.

    The parameters are those of :func:`reach`. A node of `start` is listed only if a walk comes
    back to it.
    """
    steps = graph.steps if isinstance(graph, CausalGraph) else graph
    welcome = np.ones(len(start), dtype=np.bool_) if avoid is None else ~avoid
    begin, passes = _plan(table, tuple(steps))
    first = {symbol: steps[symbol][start].any(axis=0) & welcome for symbol in begin}
    if any(go.apart for go in passes):
        return _search_edges(steps, start, first, passes, welcome, where)
    return _search_nodes(steps, start, first, passes, welcome, where)


def _search_nodes(
    steps: Steps,
    start: BoolArray,
    fresh: dict[str, BoolArray],
    passes: tuple[_Pass, ...],
    welcome: BoolArray,
    where: Mapping[str, BoolArray],
) -> dict[str, BoolArray]:
    """Level by level; a state is (symbol entered by, node)."""
    entered = {symbol: mask.copy() for symbol, mask in fresh.items()}
    left = {symbol: start.copy() for symbol in fresh}  # whose row of this step matrix was read
    nobody = np.zeros(len(start), dtype=np.bool_)
    while fresh:
        leaving: dict[str, BoolArray] = {}
        for go in passes:
            if go.enter in fresh:
                here = fresh[go.enter] if go.where is None else fresh[go.enter] & where[go.where]
                leaving[go.leave] = leaving.get(go.leave, nobody) | here
        fresh = {}
        for symbol, nodes in leaving.items():
            done = left.get(symbol, nobody)
            nodes = nodes & ~done
            if not nodes.any():
                continue
            left[symbol] = done | nodes
            seen = entered.get(symbol, nobody)
            new = steps[symbol][nodes].any(axis=0) & welcome & ~seen
            if new.any():
                fresh[symbol] = new
                entered[symbol] = seen | new
    return entered


def _search_edges(
    steps: Steps,
    start: BoolArray,
    first: dict[str, BoolArray],
    passes: tuple[_Pass, ...],
    welcome: BoolArray,
    where: Mapping[str, BoolArray],
) -> dict[str, BoolArray]:
    """The same, a state being (symbol, edge): rules that look back need the node before."""
    near = _near(steps)
    fresh = {symbol: steps[symbol] & start[:, None] & welcome for symbol in first}
    seen = {symbol: edges.copy() for symbol, edges in fresh.items()}
    while fresh:
        coming: dict[str, BoolArray] = {}
        for go in passes:
            if go.enter not in fresh:
                continue
            edges = fresh[go.enter]
            here = edges.any(axis=0)
            for v in np.flatnonzero(here if go.where is None else here & where[go.where]).tolist():
                after = steps[go.leave][v] & welcome
                if go.apart:
                    after = after & ~near[edges[:, v]].all(axis=0)
                known = seen.setdefault(go.leave, np.zeros_like(near))
                after = after & ~known[v]
                if after.any():
                    known[v] |= after
                    coming.setdefault(go.leave, np.zeros_like(near))[v] |= after
        fresh = coming
    return {symbol: np.any(edges, axis=0) for symbol, edges in seen.items()}


def _near(steps: Steps) -> BoolArray:
    """Which nodes are adjacent or the same."""
    size = len(next(iter(steps.values())))
    near = np.eye(size, dtype=np.bool_)
    for matrix in steps.values():
        near |= matrix
    return near


# --- witnesses -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Walk:
    """Positions of the nodes in order, and the symbols between them."""

    nodes: tuple[int, ...]
    symbols: tuple[str, ...]

    def show(self, graph: CausalGraph) -> str:
        """Text such as `X <- Z -> Y`."""
        names = [str(graph.nodes[k]) for k in self.nodes]
        tail = (f" {symbol} {name}" for symbol, name in zip(self.symbols, names[1:], strict=True))
        return names[0] + "".join(tail)


_State: TypeAlias = tuple[int, str, int]  # node before, symbol, node


def find_walk(
    graph: CausalGraph | Steps,
    start: BoolArray,
    goal: BoolArray,
    table: Table,
    *,
    avoid: BoolArray | None = None,
    **where: BoolArray,
) -> Walk | None:
    """Find a shortest walk of this kind from `start` to `goal`, of one step at least.

    The parameters are those of :func:`reach`; ties go to the earlier node. None if there is none.

    Examples
    --------
    >>> from causalkit.graph.walks import ANCESTORS, M_CONNECTION, mask_of
    >>> graph = CausalGraph.parse("X <- Z -> W <-> Y; X -> D; W -> D")
    >>> given = mask_of(graph, "D")
    >>> opened = reach(graph, given, ANCESTORS)
    >>> masks = {"opened": opened, "free": ~given}
    >>> walk = find_walk(graph, mask_of(graph, "X"), mask_of(graph, "Y"), M_CONNECTION, **masks)
    >>> walk.show(graph)
    'X -> D <- W <-> Y'
    """
    steps = graph.steps if isinstance(graph, CausalGraph) else graph
    welcome = np.ones(len(start), dtype=np.bool_) if avoid is None else ~avoid
    begin, passes = _plan(table, tuple(steps))
    came_from: dict[_State, _State | None] = {
        (u, symbol, v): None
        for u in np.flatnonzero(start).tolist()
        for symbol in begin
        for v in np.flatnonzero(steps[symbol][u] & welcome).tolist()
    }
    queue = deque(came_from)
    while queue:
        state = queue.popleft()
        if goal[state[2]]:
            return _trace(state, came_from)
        for following in _onward(state, steps, passes, welcome, where):
            if following not in came_from:
                came_from[following] = state
                queue.append(following)
    return None


def _onward(
    state: _State,
    steps: Steps,
    passes: tuple[_Pass, ...],
    welcome: BoolArray,
    where: Mapping[str, BoolArray],
) -> Iterator[_State]:
    u, symbol, v = state
    for go in passes:
        if go.enter != symbol or (go.where is not None and not where[go.where][v]):
            continue
        after = steps[go.leave][v] & welcome
        if go.apart:
            after = after & ~np.any([matrix[u] for matrix in steps.values()], axis=0)
            after[u] = False
        for w in np.flatnonzero(after).tolist():
            yield v, go.leave, w


def _trace(state: _State, came_from: Mapping[_State, _State | None]) -> Walk:
    nodes, symbols = [state[2]], []
    at: _State | None = state
    while at is not None:
        nodes.append(at[0])
        symbols.append(at[1])
        at = came_from[at]
    return Walk(tuple(nodes[::-1]), tuple(symbols[::-1]))
