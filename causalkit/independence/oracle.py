"""The oracle: answers about independence read off a graph, as infinite data would give them.

It turns every discovery algorithm into a theorem that can be checked: with the oracle of the true
graph, PC must return exactly the equivalence class, and any difference is a bug and not bad luck.

>>> from causalkit.graph import CausalGraph
>>> truth = CausalGraph.parse("a -> c <- b; c -> d")
>>> nodes = {name: [0.0, 1.0] for name in truth.nodes}
>>> Oracle(truth).test(nodes, "a", "b").p_value
1.0
>>> Oracle(truth).test(nodes, "a", "b", given="d").p_value
0.0
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from math import comb
from typing import Final

import numpy as np

from causalkit._core.table import Table
from causalkit.errors import InputError, UnknownVariableError
from causalkit.graph import CausalGraph, LaggedGraph
from causalkit.graph.lagged import as_lagged
from causalkit.graph.separation import representative
from causalkit.graph.walks import ANTERIOR, m_connected, reach
from causalkit.independence.base import BoundTest, CITest
from causalkit.independence.search import CIResult, Search
from causalkit.typing import BoolArray, Name

__all__ = ["Oracle"]

_SEPARATED: Final = CIResult(0.0, 1.0, 0)
_CONNECTED: Final = CIResult(1.0, 0.0, 0)


@dataclass(frozen=True, slots=True)
class Oracle(CITest):
    """A "test" that looks the answer up in a graph: p = 1 if separated, p = 0 if not.

    Parameters
    ----------
    graph : CausalGraph or LaggedGraph
        Of any kind; of a class (CPDAG, PAG) every member gives the same answers. Nodes that are
        not columns of the data act as hidden variables. Of series, columns are nodes such as
        `X[t-1]`, and all that lies before them is there, hidden.

    Notes
    -----
    **Assumes:** every separation in the graph is an independence (Markov) and there are no others
    (faithfulness). The rows of the data are not looked at, only the column names.
    """

    graph: CausalGraph | LaggedGraph

    def __post_init__(self) -> None:
        if not isinstance(self.graph, (CausalGraph, LaggedGraph)):
            raise InputError(
                f"the oracle got a {type(self.graph).__name__}; expected a CausalGraph. Build one "
                "with CausalGraph.parse or CausalGraph.from_edges."
            )

    def bind(self, table: Table) -> BoundOracle:
        """Find the columns among the nodes.

        Raises
        ------
        UnknownVariableError
            If a column is not a node.
        """
        graph, names = self.graph, table.names
        if isinstance(graph, LaggedGraph):
            graph, names = _unrolled(graph, table.names)
        for name in names:
            if name not in graph:
                raise UnknownVariableError.among(name, graph.nodes, where="the oracle's graph")
        graph = representative(graph)
        return BoundOracle(graph, tuple(graph.index(name) for name in names))


def _unrolled(graph: LaggedGraph, names: tuple[Name, ...]) -> tuple[CausalGraph, tuple[Name, ...]]:
    """The graph over these steps and so many before that no path needs an earlier one.

    A path that leaves the steps asked about goes back to a common cause and comes down again, on
    both sides along the same few edges over and over: p series with lags to L meet by then.
    """
    nodes = [as_lagged(name, graph.variables) for name in names]
    reach = max((node.lag for node in nodes), default=0)
    before = 2 * graph.max_lag * (len(graph.variables) + graph.max_lag)
    return graph.unroll(reach + before), tuple(nodes)


@dataclass(frozen=True, slots=True, eq=False)
class BoundOracle(BoundTest):
    """A graph, and the node of each column; what a node reaches given a set is remembered."""

    graph: CausalGraph
    where: tuple[int, ...]
    _reached: dict[tuple[int, frozenset[int]], BoolArray] = field(default_factory=dict, repr=False)

    def __call__(self, i: int, j: int, given: Sequence[int] = ()) -> CIResult:
        """Look up whether columns i and j are separated given other columns."""
        start, goal = sorted((self.where[i], self.where[j]))
        conditions = frozenset(self.where[k] for k in given)
        key = start, conditions
        if key not in self._reached:
            self._reached[key] = m_connected(
                self.graph, self._mask([start]), self._mask(conditions)
            )
        return _CONNECTED if self._reached[key][goal] else _SEPARATED

    def first_separator(
        self,
        i: int,
        j: int,
        pool: Sequence[int],
        order: int,
        alpha: float,
        *,
        asked: Collection[int] = (),
    ) -> Search:
        """Look for the first subset that separates; one look tells if there is none at all.

        Where subsets of the pool separate, its ancestors of i and j do so together (van der Zander
        et al. 2019, doi:10.1016/j.artint.2018.12.006). Each set thereby ruled out counts as asked.
        """
        ends = [self.where[i], self.where[j]]
        above = reach(self.graph, self._mask(ends), ANTERIOR)
        if self(i, j, [k for k in pool if above[self.where[k]]]) is _SEPARATED:
            return BoundTest.first_separator(self, i, j, pool, order, alpha, asked=asked)
        known = frozenset(asked)
        new = (given for given in combinations(pool, order) if not given or set(given) - known)
        n_known = comb(sum(k in known for k in pool), order) if order else 0
        n_tests = comb(len(pool), order) - n_known
        if n_tests == 0:
            return Search(False, (), None, 0)
        return Search(False, next(new), _CONNECTED, n_tests)

    def _mask(self, nodes: Sequence[int] | frozenset[int]) -> BoolArray:
        mask = np.zeros(len(self.graph.nodes), dtype=np.bool_)
        mask[list(nodes)] = True
        return mask
