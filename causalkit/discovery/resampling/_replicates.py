"""The same search on many samples, and what is kept of it.

Each replicate draws its sample from a stream of its own, which was spawned before any of them
began, so the number of workers never changes a graph. A replicate that fails is kept as its error.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, TypeVar, overload

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from causalkit._core.parallel import run
from causalkit._core.random import draw_seed
from causalkit.discovery.base import DiscoveryAlgorithm
from causalkit.discovery.resampling._replicate_store import Learnt, ReplicateStore, Sparse
from causalkit.discovery.series.base import SeriesAlgorithm
from causalkit.errors import CausalkitError, NumericalError, ResamplingWarning
from causalkit.graph import CausalGraph, Kind, LaggedGraph
from causalkit.typing import FloatArray, Name

__all__ = [
    "Algorithm",
    "Frame",
    "Learnt",
    "Replicates",
    "learn",
    "learner",
    "replicate",
    "summarise",
]

Algorithm: TypeAlias = DiscoveryAlgorithm | SeriesAlgorithm
Frame: TypeAlias = tuple[tuple[Name, ...], Kind, tuple[Name, ...] | None]
"""Nodes and kind that all graphs fit into; and the series, if the nodes are of a template."""

_Same = TypeVar("_Same", bound=DiscoveryAlgorithm | SeriesAlgorithm)


@dataclass(frozen=True, slots=True, eq=False)
class Replicates(Sequence[CausalGraph | LaggedGraph]):
    """Graphs over the same nodes, of which only the marks are stored.

    Attributes
    ----------
    nodes : tuple of names
    kind : Kind
    marks : tuple of (rows, columns, marks)
        Of each graph.
    series : tuple of names, optional
        The nodes are those of a template, of graphs of these series.
    """

    nodes: tuple[Name, ...]
    kind: Kind
    marks: tuple[Sparse, ...]
    series: tuple[Name, ...] | None = None

    @overload
    def __getitem__(self, which: int) -> CausalGraph | LaggedGraph: ...

    @overload
    def __getitem__(self, which: slice) -> Replicates: ...

    def __getitem__(self, which: int | slice) -> CausalGraph | LaggedGraph | Replicates:
        if isinstance(which, slice):
            return replace(self, marks=self.marks[which])
        ends = self._ends(self.marks[which])
        if self.series is not None:
            return LaggedGraph._of(self.series, ends, self.kind)
        return CausalGraph._of(self.nodes, ends, self.kind)

    def __len__(self) -> int:
        return len(self.marks)

    def __repr__(self) -> str:
        size = f"{len(self.nodes)} nodes" if self.series is None else f"{len(self.series)} series"
        return f"{len(self)} graphs of kind {self.kind.name} with {size}"

    def matrices(self) -> Iterator[NDArray[np.uint8]]:
        """Mark bits of one graph after the other, shape (p, p)."""
        return map(self._ends, self.marks)

    def joined(self) -> FloatArray:
        """Share of the graphs that join each pair, shape (p, p)."""
        counts = np.zeros((len(self.nodes),) * 2)
        for ends in self.matrices():
            counts += ends > 0
        return counts / len(self)

    def reordered(self, nodes: tuple[Name, ...]) -> Replicates:
        """List the nodes in another order."""
        if nodes == self.nodes:
            return self
        where = {name: k for k, name in enumerate(nodes)}
        place = np.array([where[name] for name in self.nodes], dtype=np.intp)
        marks = tuple((place[rows], place[columns], held) for rows, columns, held in self.marks)
        return replace(self, nodes=nodes, marks=marks)

    def _ends(self, marks: Sparse) -> NDArray[np.uint8]:
        ends = np.zeros((len(self.nodes),) * 2, dtype=np.uint8)
        ends[marks[0], marks[1]] = marks[2]
        return ends


def learner(algorithm: _Same, rng: np.random.Generator) -> _Same:
    """Copy an algorithm; if it is random and has no seed, give it one."""
    copy: _Same = clone(algorithm)
    settings = copy.get_params(deep=False)
    if "random_state" in settings and settings["random_state"] is None:
        copy.set_params(random_state=draw_seed(rng))
    return copy


def replicate(
    job: Callable[..., Any],
    algorithm: Algorithm,
    arguments: Sequence[tuple[Any, ...]],
    *,
    n_jobs: int | None,
    label: str,
    shared: bool = False,
    store: ReplicateStore | None = None,
) -> list[Any]:
    """Run replicates: beside each other in threads where the test is compiled, else in processes.

    Threads it is, too, where they are `shared`: what one of them found out the others need not.
    Their warnings come once for each kind, with the number of times. What is in the `store` is
    taken from there, and what is not goes there as soon as it is learnt.
    """
    known = {} if store is None else store.known
    asked = [k for k in range(len(arguments)) if k not in known]
    keep = None if store is None else lambda k, one: store.note(asked[k], one)
    compiled = isinstance(algorithm, DiscoveryAlgorithm) and not algorithm._needs_rows()
    threads, steady = shared or compiled, shared or not compiled
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        results = run(
            job,
            [arguments[k] for k in asked],
            n_jobs=n_jobs,
            label=label,
            threads=threads,
            steady=steady,
            keep=keep,
        )
    counts = Counter(note.category for note in caught)
    for category, count in counts.items():
        first = next(str(note.message) for note in caught if note.category is category)
        warnings.warn(
            f"{count} warning(s) while resampling, the first: {first}", category, stacklevel=5
        )
    found = known | dict(zip(asked, results, strict=True))
    return [found[k] for k in range(len(arguments))]


def learn(
    algorithm: Algorithm, sample: Any, nodes: tuple[Name, ...], rng: np.random.Generator
) -> Learnt:
    """Learn one graph over these nodes, or series."""
    try:
        fitted: Any = learner(algorithm, rng)
        fitted._fit(sample)
    except (CausalkitError, ArithmeticError, ValueError) as error:
        return Learnt(None, f"{type(error).__name__}: {error}")
    graph = fitted.graph_
    lagged = isinstance(graph, LaggedGraph)
    if graph.variables != nodes if lagged else set(graph.nodes) != set(nodes):
        return Learnt(None, "InputError: the graph has other nodes than that of all rows.")
    if lagged:  # its nodes have one number, however long the lags
        graph = graph.template
    elif graph.nodes != nodes:
        graph = graph.reordered(nodes)
    rows, columns = np.nonzero(graph.ends)
    return Learnt((rows, columns, graph.ends[rows, columns]), None, graph.kind)


def summarise(
    learnt: Sequence[Learnt], frame: Frame, who: str
) -> tuple[Replicates, dict[int, str]]:
    """Separate graphs from failures; warn of some, refuse if all failed.

    Raises
    ------
    NumericalError
        If no replicate has a graph.
    """
    failures = {k: one.failure for k, one in enumerate(learnt) if one.failure is not None}
    if len(failures) == len(learnt):
        raise NumericalError(
            f"all {len(learnt)} replicates of {who} failed, the first one with {failures[0]} "
            "Expected samples on which the algorithm works as on the data; bring more rows, leave "
            "out columns that are nearly constant, or draw larger clusters or blocks."
        )
    if failures:
        first = next(iter(failures.values()))
        warnings.warn(
            f"{len(failures)} of {len(learnt)} replicates failed and count in no share, the first "
            f"one with {first} See failures_ for each.",
            ResamplingWarning,
            stacklevel=4,
        )
    nodes, kind, series = frame
    marks = tuple(one.marks for one in learnt if one.marks)
    return Replicates(nodes, kind, marks, series), failures
