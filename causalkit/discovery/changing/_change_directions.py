"""Direct what phases I and II a left undirected, by comparing how mechanisms change.

Undirected edges between changing variables hang together in groups. A group is compared as a whole,
verdicts are applied from the clearest on, and after each Meek's rules are closed, so that what
follows from one verdict is not asked again. In a graph closed under Meek's rules an undirected edge
may point either way, so no verdict can contradict what is known; one that comes too late, because
the edge has been directed since, is dropped. Where something was directed, what is left of a group
is compared once more, now that more parents are known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from causalkit._core.table import Table
from causalkit.discovery.changing._independent_change import ChangeVerdict, orient_changes
from causalkit.discovery.changing._surrogate import Surrogate
from causalkit.errors import InputError
from causalkit.graph import CausalGraph, Kind
from causalkit.graph.marks import ARROW, TAIL, show_name
from causalkit.graph.meek import forced_arrows, pairs_of
from causalkit.independence.kernel_matrices import Block, blocks_of
from causalkit.typing import BoolArray, IntArray, Name

__all__ = ["Compare", "Directions", "Rows", "compare_rows", "direct_by_changes"]

Compare: TypeAlias = Callable[[IntArray, BoolArray, BoolArray], Sequence[ChangeVerdict]]
"""Members of a group, directed and undirected edges of the graph: verdicts, clearest first."""


@dataclass(frozen=True)
class Directions:
    """What became of the undirected edges.

    Attributes
    ----------
    graph : CausalGraph
        With the surrogate, after all phases.
    comparisons : tuple of ChangeVerdict
        The last comparison of each pair, in the order in which they were made.
    reasons : dict
        By directed edge (cause, effect): why it was directed here.
    stopped : str or None
        What a time budget left undone.
    """

    graph: CausalGraph
    comparisons: tuple[ChangeVerdict, ...] = ()
    reasons: dict[tuple[Name, Name], str] = field(default_factory=dict)
    stopped: str | None = None

    def comparison(self, a: Name, b: Name) -> ChangeVerdict | None:
        """What the comparison of two variables said; None if they were not compared."""
        pair = {a, b}
        return next((said for said in self.comparisons if {said.cause, said.effect} == pair), None)

    def why(self, a: Name, b: Name) -> str | None:
        """Why an edge was directed here, or why it could not be; None if it was not looked at."""
        reason = self.reasons.get((a, b)) or self.reasons.get((b, a))
        if reason is not None:
            return reason
        said = self.comparison(a, b)
        return None if said is None else f"undecided, {said.sentence()}"


def direct_by_changes(
    graph: CausalGraph, surrogate: Name, compare: Compare, is_up: Callable[[], bool]
) -> Directions:
    """Compare groups of changing variables until nothing more can be directed.

    Parameters
    ----------
    graph : CausalGraph
        Closed under Meek's rules, with the surrogate.
    surrogate : str or int
        Its node.
    compare : callable
        Compares the members of one group.
    is_up : callable
        Whether the time is up; asked before each group.
    """
    work = _Work(graph)
    changing = graph.directed[graph.index(surrogate)]
    asked: set[tuple[bytes, bytes]] = set()
    while True:
        groups = [group for group in work.groups(changing) if work.state(group) not in asked]
        if not groups:
            return work.done(None)
        if is_up():
            return work.done(
                f"the time was up in phase II b: {len(groups)} group(s) of undirected edges were "
                "not compared"
            )
        asked.add(work.state(groups[0]))
        for verdict in compare(groups[0], work.directed, work.undirected):
            work.apply(verdict)


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Data as phases II b and III look at them.

    Attributes
    ----------
    table : Table
    columns : mapping of name to names
        Columns of each variable.
    surrogate : Surrogate
        Of each row.
    """

    table: Table
    columns: Mapping[Name, tuple[Name, ...]]
    surrogate: Surrogate

    def complete(self, variables: Sequence[Name]) -> tuple[list[Block], Surrogate, IntArray]:
        """Blocks of some variables on the rows that are complete in them, and which rows.

        Raises
        ------
        InputError
            If too few rows are complete.
        """
        groups = {name: self.columns[name] for name in variables}
        held = self.table.select([column for columns in groups.values() for column in columns])
        rows = np.flatnonzero(~held.missing.any(axis=1))
        surrogate = self.surrogate
        if len(rows) < held.n_rows:
            held, surrogate = held.rows(rows), surrogate_of(surrogate, rows)
        return blocks_of(held, who="CDNOD, comparing changes,", groups=groups), surrogate, rows


def surrogate_of(surrogate: Surrogate, rows: IntArray) -> Surrogate:
    """Domains, numbered anew, and times of some rows."""
    codes = None
    if surrogate.codes is not None:
        codes = np.unique(surrogate.codes[rows], return_inverse=True)[1].astype(np.intp).reshape(-1)
    return Surrogate(codes, None if surrogate.time is None else surrogate.time[rows])


def compare_rows(
    data: Rows, names: tuple[Name, ...], alpha: float, rng: np.random.Generator
) -> Compare:
    """Return a comparison of the rows that are complete in the variables concerned.

    Parameters
    ----------
    data : Rows
    names : tuple of names
        Nodes of the graph by position.
    alpha : float
        Level at which the reverse has to be refuted.
    rng : Generator
        For permutations.
    """
    known = np.array([name in data.columns for name in names])  # all but the surrogate

    def compare(
        group: IntArray, directed: BoolArray, undirected: BoolArray
    ) -> Sequence[ChangeVerdict]:
        concerned = directed[:, group].any(axis=1) & known
        concerned[group] = True
        where = np.flatnonzero(concerned)
        called = [names[k] for k in where]
        try:
            blocks, surrogate, _ = data.complete(called)
        except InputError:
            if not data.table.missing.any():
                raise
            return ()  # too few complete rows, or a column is constant in them
        inside = np.isin(where, group)
        links = np.triu(undirected[np.ix_(where, where)] & inside & inside[:, None])
        causes = directed[np.ix_(where, where)]
        verdicts = orient_changes(
            blocks,
            [[(int(i), int(j)) for i, j in np.argwhere(links)]],
            [np.flatnonzero(causes[:, k]).tolist() for k in range(len(where))],
            surrogate,
            alpha=alpha,
            rng=rng,
        )
        return [said.named(called) for said in verdicts]

    return compare


class _Work:
    """A graph that is being directed."""

    def __init__(self, graph: CausalGraph) -> None:
        self.names, self.start = graph.nodes, graph
        self.directed, self.undirected = graph.directed.copy(), graph.undirected.copy()
        self.comparisons: dict[frozenset[Name], ChangeVerdict] = {}
        self.reasons: dict[tuple[Name, Name], str] = {}

    def groups(self, changing: BoolArray) -> list[IntArray]:
        """Changing variables that hang together by undirected edges, two at least."""
        from scipy.sparse import csr_array
        from scipy.sparse.csgraph import connected_components

        links = self.undirected & changing & changing[:, None]
        count, part = connected_components(csr_array(links), directed=False)
        found = [np.flatnonzero(part == k) for k in range(count)]
        return [group for group in found if len(group) > 1]

    def state(self, group: IntArray) -> tuple[bytes, bytes]:
        """What a comparison of the group depends on."""
        return group.tobytes(), np.packbits(self.directed[:, group]).tobytes()

    def apply(self, verdict: ChangeVerdict) -> None:
        """Note a verdict, draw its arrow if the edge is still undirected, and what follows."""
        self.comparisons.pop(frozenset((verdict.cause, verdict.effect)), None)
        self.comparisons[frozenset((verdict.cause, verdict.effect))] = verdict
        i, j = self.names.index(verdict.cause), self.names.index(verdict.effect)
        if not (verdict.decided and self.undirected[i, j]):
            return
        self._draw(i, j)
        self.reasons[verdict.cause, verdict.effect] = verdict.sentence()
        touched = np.zeros(len(self.names), dtype=np.bool_)
        touched[[i, j]] = True
        forced = forced_arrows(
            len(self.names),
            pairs_of(self.directed),
            pairs_of(self.undirected),
            touched=touched,
            names=self.names,
        )
        rows = (forced.tails, forced.heads, forced.rules, forced.others)
        for tail, head, rule, others in zip(*(held.tolist() for held in rows), strict=True):
            self._draw(tail, head)
            shown = ", ".join(show_name(self.names[k]) for k in others if k >= 0)
            because = f"{show_name(verdict.cause)} -> {show_name(verdict.effect)}"
            self.reasons[self.names[tail], self.names[head]] = (
                f"Meek rule {rule} with {shown}, after {because} was drawn"
            )

    def _draw(self, i: int, j: int) -> None:
        self.directed[i, j] = True
        self.undirected[i, j] = self.undirected[j, i] = False

    def done(self, stopped: str | None) -> Directions:
        """What came of it."""
        ends = np.zeros(self.directed.shape, dtype=np.uint8)
        ends[self.directed], ends[self.directed.T | self.undirected] = ARROW, TAIL
        graph = CausalGraph._of(self.names, ends, Kind.CPDAG)
        return Directions(graph, tuple(self.comparisons.values()), self.reasons, stopped)
