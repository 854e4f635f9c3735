"""Following a rule table through a graph: the search behind :mod:`causalkit.graph.walks`.

A state is (symbol of the edge by which a node was entered, node); symbols after which the table
allows the same are one. Sets of nodes are searched in rounds: for each way of passing, the lists of
neighbours of all nodes that were new in the round before, each list once. Where a rule asks whether
the nodes before and after are apart, and where a walk is wanted as a witness, states are visited
one by one, each with the state that it was reached from.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np

from causalkit.graph.graph import CausalGraph
from causalkit.graph.marks import ARROW, CIRCLE, SYMBOLS, TAIL
from causalkit.typing import BoolArray

__all__ = ["Rule", "Steps", "Table", "Walk", "arrivals", "find_walk", "reach"]

Steps: TypeAlias = Mapping[str, Sequence[tuple[int, ...]]]
"""Neighbours by symbol, as `CausalGraph.steps`: from i one may step to each of `steps["<-"][i]`."""


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


@dataclass(frozen=True, slots=True, eq=False)  # plans are cached by table: no deep comparisons
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
    leave: str
    where: str | None
    apart: bool


@dataclass(frozen=True, slots=True)
class _Plan:
    """A table written out for the symbols of a graph."""

    begin: tuple[str, ...]
    passes: Mapping[str, tuple[_Pass, ...]]
    """Ways to go on, by the symbol of the edge that a node was entered by."""
    alike: Mapping[str, str]
    """For each symbol the first one after which the table allows the same."""
    looks_back: frozenset[str]
    """Symbols after which it matters where the walk came from."""


@lru_cache(maxsize=256)
def _plan(table: Table, symbols: tuple[str, ...]) -> _Plan:
    """Write out the first steps and the passages that the table allows among these symbols."""
    found: dict[str, dict[_Pass, None]] = {symbol: {} for symbol in symbols}
    for rule in table.rules:
        before, after = rule.picture.split(" v ")
        for enter in _symbols(before):
            for leave in _symbols(after):
                if enter in found and leave in found:
                    found[enter][_Pass(leave, rule.where, rule.apart)] = None
    passes = {symbol: tuple(goes) for symbol, goes in found.items()}
    first = dict[frozenset[_Pass], str]()
    return _Plan(
        tuple(symbol for symbol in _symbols(table.first) if symbol in symbols),
        passes,
        {symbol: first.setdefault(frozenset(goes), symbol) for symbol, goes in passes.items()},
        frozenset(symbol for symbol, goes in passes.items() if any(go.apart for go in goes)),
    )


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
    graph : CausalGraph or neighbours by symbol
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
    for entered in _search(graph, start, table, avoid, where, merge=True).values():
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
    return _search(graph, start, table, avoid, where, merge=False)


def _search(
    graph: CausalGraph | Steps,
    start: BoolArray,
    table: Table,
    avoid: BoolArray | None,
    where: Mapping[str, BoolArray],
    *,
    merge: bool,
) -> dict[str, BoolArray]:
    """Masks of the nodes reached, by symbol; with `merge`, by one of those that allow the same."""
    steps = graph.steps if isinstance(graph, CausalGraph) else graph
    plan = _plan(table, tuple(steps))
    if plan.looks_back:
        found = {symbol: np.zeros_like(start) for symbol in steps}
        for _, symbol, v in _visit(steps, start, table, avoid, where, {}):
            found[symbol][v] = True
        return found
    alike = plan.alike if merge else {symbol: symbol for symbol in steps}
    shut = np.zeros_like(start) if avoid is None else avoid
    entered = _search_nodes(steps, start, plan, alike, shut, where)
    if avoid is None:
        return {kind: np.frombuffer(seen, np.bool_) for kind, seen in entered.items()}
    return {kind: np.frombuffer(seen, np.bool_) & ~avoid for kind, seen in entered.items()}


def _search_nodes(
    steps: Steps,
    start: BoolArray,
    plan: _Plan,
    alike: Mapping[str, str],
    shut: BoolArray,
    where: Mapping[str, BoolArray],
) -> dict[str, bytearray]:
    """Nodes entered, as bytes, by symbol; the nodes that are shut seem to be so from the start."""
    seen = {kind: bytearray(shut.tobytes()) for kind in alike.values()}
    fresh: dict[str, list[int]] = {kind: [] for kind in seen}
    barred = {name: (~mask).tobytes() for name, mask in where.items()}
    # Nodes whose neighbours by a symbol are read, by the mask that must let them pass.
    done = {
        (go.leave, go.where): bytearray(len(start) if go.where is None else barred[go.where])
        for kind in seen
        for go in plan.passes[kind]
    }
    first = np.flatnonzero(start).tolist()
    for symbol in plan.begin:
        kind = alike[symbol]
        _step(first, steps[symbol], bytearray(len(start)), seen[kind], fresh[kind])
    while any(fresh.values()):
        here, fresh = fresh, {kind: [] for kind in seen}
        for kind, nodes in here.items():
            for go in plan.passes[kind] if nodes else ():
                to = alike[go.leave]
                _step(nodes, steps[go.leave], done[go.leave, go.where], seen[to], fresh[to])
    return seen


def _step(
    nodes: list[int],
    rows: Sequence[tuple[int, ...]],
    done: bytearray,
    seen: bytearray,
    fresh: list[int],
) -> None:
    """Note the neighbours of these nodes that are new; all work on single edges happens here."""
    note = fresh.append
    for v in nodes:
        if not done[v]:
            done[v] = 1
            for w in rows[v]:
                if not seen[w]:
                    seen[w] = 1
                    note(w)


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


_State: TypeAlias = tuple[int, str, int]
"""Node before, symbol, node. The node before is -1 where no rule asks for it; a walk that has not
left its start has the symbol ""."""


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
    came_from = dict[_State, _State | None]()
    for state in _visit(steps, start, table, avoid, where, came_from):
        if goal[state[2]]:
            return _trace(state, came_from)
    return None


def _visit(
    steps: Steps,
    start: BoolArray,
    table: Table,
    avoid: BoolArray | None,
    where: Mapping[str, BoolArray],
    came_from: dict[_State, _State | None],
) -> Iterator[_State]:
    """Yield the states that walks get to, nearest first, and note where each was reached from."""
    plan = _plan(table, tuple(steps))
    onward = {"": tuple(_Pass(symbol, None, False) for symbol in plan.begin), **plan.passes}
    shut = set[int]() if avoid is None else set(np.flatnonzero(avoid).tolist())
    near = dict[int, set[int]]()
    came_from |= {(-1, "", v): None for v in np.flatnonzero(start).tolist()}
    queue = deque(came_from)
    while queue:
        state = queue.popleft()
        u, symbol, v = state
        if symbol:
            yield state
        if u >= 0 and u not in near:
            near[u] = {u}.union(*(rows[u] for rows in steps.values()))
        for go in onward[symbol]:
            if go.where is not None and not where[go.where][v]:
                continue
            before = v if go.leave in plan.looks_back else -1
            for w in steps[go.leave][v]:
                following = (before, go.leave, w)
                if w in shut or following in came_from or (go.apart and w in near[u]):
                    continue
                came_from[following] = state
                queue.append(following)


def _trace(state: _State, came_from: Mapping[_State, _State | None]) -> Walk:
    states = [state]
    while (before := came_from[states[-1]]) is not None:
        states.append(before)
    states.reverse()
    return Walk(tuple(node for *_, node in states), tuple(symbol for _, symbol, _ in states[1:]))
