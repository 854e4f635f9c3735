"""What the data say about the graph, as probabilities: a sample of DAGs with weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from causalkit._core.checks import check_count, check_fraction
from causalkit._core.random import as_generator
from causalkit._core.report import Report, Reported
from causalkit.discovery.knowledge import Knowledge
from causalkit.discovery.resampling._consensus import consensus
from causalkit.discovery.resampling._replicates import Replicates
from causalkit.errors import InputError, UnknownVariableError
from causalkit.graph import ARROW, TAIL, CausalGraph, Edge, Kind
from causalkit.graph.marks import show_name
from causalkit.graph.meek import class_marks, makes_collider, pairs_of
from causalkit.typing import BoolArray, FloatArray, IntArray, Name, RandomState

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["GraphPosterior"]

_SHOWN: Final = 20


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class GraphPosterior(Reported):
    """Sampled DAGs and their weights, and the probabilities that follow from them.

    Attributes
    ----------
    nodes : tuple of names
        They number the rows and columns of all matrices.
    prior : {"orders", "sizes", "uniform"}
        What was likely before the data: see :class:`~causalkit.discovery.OrderMCMC`.
    packed : ndarray of uint8, shape (n_graphs, ceil(p * p / 8))
        The different DAGs, as bits; `dags()` unpacks them.
    weights : ndarray of shape (n_graphs,)
        Their shares of the sample; they add up to one.
    scores : ndarray of shape (n_graphs,)
        Log-score of each.
    edges : ndarray of shape (p, p)
        Probability of each edge i -> j, from all graphs of the sampled orders, or exact.
    knowledge : Knowledge
        What was known beforehand; all graphs obey it.
    effective_size : float
        Independent draws that the sample is worth.
    """

    nodes: tuple[Name, ...]
    prior: str
    packed: NDArray[np.uint8]
    weights: FloatArray
    scores: FloatArray
    edges: FloatArray
    knowledge: Knowledge
    effective_size: float

    def dags(self) -> BoolArray:
        """Unpack the different DAGs, shape (n_graphs, p, p): `dags()[k, i, j]` is i -> j."""
        p = len(self.nodes)
        bits = np.unpackbits(self.packed, axis=1, count=p * p)
        return bits.reshape(-1, p, p).astype(np.bool_)

    def edge_probabilities(self) -> FloatArray:
        """Probability of each edge i -> j, shape (p, p)."""
        return self.edges.copy()

    def ancestor_probabilities(self) -> FloatArray:
        """Probability that a directed path leads from i to j, shape (p, p), from the sample.

        The diagonal is zero.
        """
        found = np.zeros(self.edges.shape)
        for weight, dag in zip(self.weights, self.dags(), strict=True):
            found += weight * _reach(dag)
        return found

    def probability(self, statement: str | Edge | CausalGraph) -> float:
        """Probability of edges, or of a whole graph.

        Parameters
        ----------
        statement : str, Edge or CausalGraph
            Edges such as `"a -> b; c -- d"`: the probability that all of them are there, where
            `--` joins two variables either way. Or a graph with all variables: the probability of
            a DAG itself, or of the class that a CPDAG stands for.

        Returns
        -------
        float

        Raises
        ------
        InputError
            If the statement is none of these.
        UnknownVariableError
            If it names another variable.
        """
        if isinstance(statement, CausalGraph):
            return self._of_graph(statement)
        edges = [statement] if isinstance(statement, Edge) else _edges_in(statement)
        pairs = [(*self._indices(edge), edge.symbol) for edge in edges]
        if len(pairs) == 1:
            (i, j, symbol), P = pairs[0], self.edges
            return float(P[i, j] if symbol == "->" else P[i, j] + P[j, i])
        dags = self.dags()
        holds = np.ones(len(dags), dtype=np.bool_)
        for i, j, symbol in pairs:
            holds &= dags[:, i, j] if symbol == "->" else dags[:, i, j] | dags[:, j, i]
        return float(self.weights[holds].sum())

    def share(self, edge: Edge) -> float:
        """Probability of one edge; `graph.plot(confidence=posterior)` asks for it."""
        return self.probability(edge)

    def sample(self, n: int = 1, rng: RandomState = None) -> tuple[CausalGraph, ...]:
        """Draw DAGs by weight, with replacement.

        Parameters
        ----------
        n : int
        rng : int, Generator or None

        Returns
        -------
        tuple of CausalGraph
        """
        chosen = as_generator(rng).choice(len(self.weights), check_count(n, "n"), p=self.weights)
        dags = self.dags()
        return tuple(self._as_dag(dags[k]) for k in chosen)

    def classes(self, most: int = 10) -> tuple[tuple[CausalGraph, float], ...]:
        """List the most probable equivalence classes, each a CPDAG with its probability.

        Where something was known, a class has the members that obey it.
        """
        found: dict[bytes, float] = {}
        for weight, ends in zip(self.weights.tolist(), self._class_ends(), strict=True):
            found[ends.tobytes()] = found.get(ends.tobytes(), 0.0) + weight
        first = sorted(found.items(), key=lambda item: -item[1])[: check_count(most, "most")]
        return tuple((self._as_class(held), weight) for held, weight in first)

    def consensus(self, threshold: float = 0.5) -> CausalGraph:
        """Sum the sample up in one CPDAG.

        Pairs are joined that at least this share of the graphs join, colliders are put to the vote
        as :class:`~causalkit.discovery.Bootstrap` does, and Meek's rules follow.

        Parameters
        ----------
        threshold : float, default 0.5

        Returns
        -------
        CausalGraph
            Kind CPDAG.
        """
        threshold = check_fraction(threshold, "threshold", closed=True)
        joined = self.edges + self.edges.T
        kept = (joined >= threshold) & (joined > 0)
        marks = [(*np.nonzero(ends), ends[ends > 0]) for ends in self._class_ends()]
        even = tuple(marks[k] for k in self._even_picks())
        known = self.knowledge.forbidden_matrix(self.nodes).T
        return consensus(Replicates(self.nodes, Kind.CPDAG, even), kept, joined, known)

    def to_frame(self) -> pd.DataFrame:
        """One row for each pair, the most probable first.

        Returns
        -------
        DataFrame
            Columns `a`, `b`, `adjacent`, and `->` and `<-`, read from a to b.
        """
        import pandas as pd

        i, j = self._ranked()
        names = np.array([*self.nodes, None], dtype=object)[:-1]
        columns: dict[str, Any] = {"a": names[i], "b": names[j]}
        forwards, back = self.edges[i, j], self.edges[j, i]
        return pd.DataFrame(columns | {"adjacent": forwards + back, "->": forwards, "<-": back})

    # --- inside -----------------------------------------------------------------------------------

    def _indices(self, edge: Edge) -> tuple[int, int]:
        if edge.symbol not in ("->", "--"):
            raise InputError(
                f"{edge} is no statement about DAGs; expected a -> b, or a -- b for an edge either "
                "way. Write the edge so."
            )
        for name in (edge.left, edge.right):
            if name not in self.nodes:
                raise UnknownVariableError.among(name, self.nodes, where="the posterior")
        return self.nodes.index(edge.left), self.nodes.index(edge.right)

    def _of_graph(self, graph: CausalGraph) -> float:
        if graph.kind not in (Kind.DAG, Kind.CPDAG) or set(graph.nodes) != set(self.nodes):
            raise InputError(
                f"the graph is of kind {graph.kind.name} with {len(graph)} nodes; expected a DAG "
                f"or a CPDAG with the {len(self.nodes)} variables of the data. For some edges, "
                "write them as text."
            )
        wanted = graph.reordered(self.nodes).ends
        if graph.kind is Kind.DAG:
            same = (self.dags() == (wanted == ARROW)).all(axis=(1, 2))
            return float(self.weights[same].sum())
        same_class = [bool((ends == wanted).all()) for ends in self._class_ends()]
        return float(self.weights[same_class].sum())

    def _as_dag(self, dag: BoolArray) -> CausalGraph:
        ends = (np.where(dag, ARROW, 0) + np.where(dag.T, TAIL, 0)).astype(np.uint8)
        return CausalGraph._of(self.nodes, ends, Kind.DAG)

    def _as_class(self, held: bytes) -> CausalGraph:
        ends = np.frombuffer(held, dtype=np.uint8).reshape(self.edges.shape).copy()
        return CausalGraph._of(self.nodes, ends, Kind.CPDAG)

    def _class_ends(self) -> Iterator[NDArray[np.uint8]]:
        """Marks of the class of each DAG, less what the knowledge rules out."""
        one_way = self.knowledge.forbidden_matrix(self.nodes).T
        one_way |= self.knowledge.required_matrix(self.nodes)
        for dag in self.dags():
            arrows = pairs_of(dag)
            into = makes_collider(len(dag), arrows)
            drawn = dag & one_way
            drawn[arrows[0][into], arrows[1][into]] = True
            yield class_marks(dag | dag.T, drawn, sound=True)

    def _even_picks(self) -> IntArray:
        """Pick graphs so that equal votes stand for their weights."""
        n = max(2000, len(self.weights))
        reached = np.cumsum(self.weights)
        places = (np.arange(n) + 0.5) / n * reached[-1]
        picks: IntArray = np.searchsorted(reached, places).astype(np.intp)
        return picks

    def _ranked(self) -> tuple[IntArray, IntArray]:
        """Pairs i < j that may be joined, the most probable first."""
        joined = self.edges + self.edges.T
        i, j = np.nonzero(np.triu(joined, 1))
        order = np.argsort(-joined[i, j], kind="stable")
        return i[order], j[order]

    def _report(self) -> Report:
        i, j = self._ranked()
        rows = [
            [
                show_name(self.nodes[a]),
                show_name(self.nodes[b]),
                float(self.edges[a, b] + self.edges[b, a]),
                float(self.edges[a, b]),
                float(self.edges[b, a]),
            ]
            for a, b in zip(i[:_SHOWN].tolist(), j[:_SHOWN].tolist(), strict=True)
        ]
        notes = [f"… and {len(i) - _SHOWN} pairs more"] if len(i) > _SHOWN else []
        return Report(
            f"Posterior over DAGs with {len(self.nodes)} nodes",
            facts=[
                ("prior", _PRIORS[self.prior]),
                ("different DAGs", len(self.weights)),
                ("independent draws", self.effective_size),
            ],
            columns=["a", "b", "adjacent", "->", "<-"],
            rows=rows,
            notes=notes,
        )


_PRIORS: Final = {
    "orders": "all orders alike: a DAG counts as often as it has orders",
    "sizes": "all orders alike, and all numbers of parents",
    "uniform": "all DAGs alike",
}


def _reach(dag: BoolArray) -> BoolArray:
    reach = dag.copy()
    for k in range(len(dag)):
        reach |= reach[:, [k]] & reach[k]
    return reach


def _edges_in(text: str) -> tuple[Edge, ...]:
    if not isinstance(text, str):
        raise InputError(
            f"the statement is a {type(text).__name__}; expected edges as text such as 'a -> b', "
            "an Edge, or a CausalGraph. Write the edges as text."
        )
    edges = CausalGraph.parse(text).edges()
    if not edges:
        raise InputError(
            f"{text!r} has no edge; expected edges as text such as 'a -> b'. Write one, or several "
            "with ';' between them."
        )
    return edges
