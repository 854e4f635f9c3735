"""What a score is, to people and to algorithms: how well a graph fits, less what it costs.

A score of a DAG is a sum over its nodes, each given its parents, so that a search that changes the
parents of one node asks about that node only. Larger is better, in units of log-likelihood; a
constant that depends on the node alone is left out, so only differences mean anything.

>>> import numpy as np
>>> from causalkit.graph import CausalGraph
>>> from causalkit.scores import GaussianBIC
>>> rng = np.random.default_rng(0)
>>> a, b = rng.normal(size=(2, 500))
>>> data = {"a": a, "b": b, "c": a + b + rng.normal(size=500)}
>>> score = GaussianBIC()
>>> collider, chain = map(CausalGraph.parse, ("a -> c <- b", "a -> c -> b"))
>>> score.total(data, collider) > score.total(data, chain)
True

Like a test, a score comes in two steps. A :class:`Score` is a setting, a frozen value;
`bind(table)` checks the data once and returns a :class:`LocalScore`, which answers by column
number. A new score writes `bind` and `__call__`; a quick one overrides `gains` or `state`.
"""

from __future__ import annotations

import ctypes
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import numpy as np

from causalkit._core.checks import as_names, check_complete
from causalkit._core.memory import ByteCache
from causalkit._core.table import Table, as_table
from causalkit.errors import InputError
from causalkit.graph import CausalGraph, Kind, consistent_extension
from causalkit.scores._states import CalledState, State
from causalkit.typing import BoolArray, Data, FloatArray, Name, Names

__all__ = ["LocalScore", "Score", "check_no_holes", "lent"]

Held = TypeVar("Held")

_REMEMBERED: Final = 2**28
"""Bytes of local scores that are kept."""

_IF_MISSING: Final = (
    "Search by tests instead, PC(TestwiseDeletion()), or "
    "PC(TestwiseDeletion(DegenerateGaussian())) where columns are categories: edges are then more "
    "often right. Or keep the search and use "
    "NodeAverage(score), which takes the rows complete in each local score's own columns; or drop "
    "the rows with data.dropna()."
)


def check_no_holes(table: Table, *, who: str) -> None:
    """Check that no cell is missing; the error names the score that can do with holes."""
    check_complete(table, who=who, advice=_IF_MISSING)


@contextmanager
def lent(idle: list[Any] | None, make: Callable[[], Held]) -> Iterator[Held]:
    """Take something from a list for a while, or make it if there is nothing that is not in use."""
    shelf = [] if idle is None else idle
    try:
        held = shelf.pop()
    except IndexError:  # to look before would be a race between threads
        held = make()
    yield held
    shelf.append(held)


class Score(ABC):
    """A decomposable score of graphs; subclasses are frozen values that write `bind`."""

    __slots__ = ()

    @abstractmethod
    def bind(self, table: Table) -> LocalScore:
        """Check the table, and compute what all local scores share."""

    def nodes(self, names: tuple[Name, ...]) -> tuple[Name, ...]:
        """Names of the variables in a table of these columns, as a local score numbers them.

        A column that says how a row came about is no variable.
        """
        return names

    def columns(self, nodes: tuple[Name, ...]) -> tuple[Name, ...]:
        """Columns that scores of these variables need."""
        return nodes

    @property
    def labels(self) -> tuple[Name, ...]:
        """Columns that only say how a row came about, of which text is read as categories."""
        return ()

    def local(self, data: Data, node: Name, parents: Names = ()) -> float:
        """Score one variable given its parents.

        Parameters
        ----------
        data : DataFrame, 2-D ndarray, or dict of columns, n_rows by n_variables
            One row a unit.
        node : str or int
            The variable.
        parents : name, or collection of names
            Its parents; none if left out.

        Returns
        -------
        float
            Up to a constant that depends on the variable alone; larger is better.

        Raises
        ------
        InputError
            If the data do not suit the score, or the variable is among its parents.
        UnknownVariableError
            If there is no such column.
        """
        table = as_table(data, labels=self.labels)
        nodes = table.select(self.nodes(table.names))
        own, others = nodes.index(node), nodes.indices(as_names(parents))
        if own in others:
            raise InputError(
                f"{node!r} is among its own parents; expected other variables. Leave it out."
            )
        return self.bind(table)(own, others)

    def total(self, data: Data, graph: CausalGraph) -> float:
        """Score a graph: the sum over its variables, each given its parents.

        Parameters
        ----------
        data : DataFrame, 2-D ndarray, or dict of columns, n_rows by n_variables
            One row a unit, with a column for each node.
        graph : CausalGraph
            A DAG, or a CPDAG, of which a member is scored.

        Returns
        -------
        float
            Up to a constant that depends on the variables alone; larger is better.

        Raises
        ------
        InputError
            If the graph is of another kind, or the data do not suit the score.
        """
        if graph.kind not in (Kind.DAG, Kind.CPDAG):
            raise InputError(
                f"the graph is of kind {graph.kind.name}; expected a DAG or a CPDAG. A score "
                "cannot compare graphs with hidden common causes."
            )
        dag = consistent_extension(graph) if graph.kind is Kind.CPDAG else graph
        table = as_table(data, labels=self.labels)
        local = self.bind(table.select(self.columns(dag.nodes)))
        where = {name: k for k, name in enumerate(dag.nodes)}
        return float(sum(local(where[v], [where[a] for a in dag.parents(v)]) for v in dag.nodes))


class LocalScore(ABC):
    """A score that has met its table; variables are column numbers of that table."""

    __slots__ = ()

    @property
    @abstractmethod
    def n_columns(self) -> int:
        """Number of columns."""

    @abstractmethod
    def __call__(self, node: int, parents: Sequence[int]) -> float:
        """Score a column given others; -inf where the parents cannot be told apart."""

    @property
    def most_parents(self) -> int:
        """Parents that a node may have at most; by default all other columns."""
        return self.n_columns - 1

    @property
    def targets(self) -> BoolArray | None:
        """Sets of columns that were intervened upon, shape (n_sets, n_columns); None if none were.

        Then graphs of one Markov-equivalence class need not have equal scores.
        """
        return None

    def gains(self, node: int, parents: Sequence[int], candidates: Sequence[int]) -> FloatArray:
        """Change of the score as each of the candidates joins the parents.

        Returns
        -------
        ndarray of shape (n_candidates,)
        """
        before = self(node, parents)
        return np.array([self(node, [*parents, c]) - before for c in candidates])

    @contextmanager
    def state(self, idle: list[Any] | None = None) -> Iterator[State]:
        """Give what compiled searches ask; an error in the score is raised at the end.

        What was remembered for one search is taken up from `idle` by the next, and left there for
        another. Searches in threads of their own each take something else.
        """
        with lent(idle, lambda: ByteCache(_REMEMBERED)) as known:
            called = _Called(self, known)
            yield called.state()
            if called.error is not None:
                raise called.error


class _Called:
    """A score as compiled code calls it: arrays by address, no exception lets out."""

    def __init__(self, score: LocalScore, known: ByteCache) -> None:
        self.score = score
        self.error: BaseException | None = None
        self._known = known

    def state(self) -> CalledState:
        from causalkit._core.jit import call_back

        return CalledState(call_back(self.ask, 5))

    def ask(self, node: int, parents: int, k: int, found: int, out: int) -> int:
        """Write the local score to `out`; or, if there is room for them, what raises it."""
        given = _array(ctypes.c_int64, parents, k).tolist()
        try:
            if self.error is None:
                if not found:
                    _array(ctypes.c_double, out, 1)[0] = self._local(node, given)
                    return 0
                return self._improving(node, given, found, out)
        except BaseException as error:
            self.error = error
        if not found:
            _array(ctypes.c_double, out, 1)[0] = 0.0
        return 0

    def _local(self, node: int, parents: list[int]) -> float:
        key = (node, *sorted(parents))
        known = self._known.get(key)
        if known is None:
            known = self._known.put(key, self.score(node, sorted(parents)))
        return float(known)

    def _improving(self, node: int, parents: list[int], found: int, out: int) -> int:
        taken = {node, *parents}
        rest = [c for c in range(self.score.n_columns) if c not in taken]
        gains = self.score.gains(node, sorted(parents), rest) if rest else np.empty(0)
        better = np.flatnonzero(gains > 0)
        m = len(better)
        if m:
            _array(ctypes.c_int64, found, m)[:] = np.asarray(rest)[better]
            _array(ctypes.c_double, out, m)[:] = gains[better]
        return m


def _array(kind: Any, address: int, size: int) -> Any:
    return np.ctypeslib.as_array((kind * size).from_address(address)) if size else np.empty(0)
