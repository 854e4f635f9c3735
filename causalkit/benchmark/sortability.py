"""Is a benchmark easy to game? Sortability, and the regressions that exploit it.

In data from a simulated DAG something as plain as the variance often rises along causal paths. Then
sorting the variables by it and regressing each on those before it finds the graph, and an algorithm
that finds it, too, has shown nothing. So measure sortability before you believe a ranking:

* :func:`varsortability`, by variances, which depend on units and are lost by standardising;
* :func:`r2_sortability`, by how well each variable is predicted by all others, which is not.

1 means that causes come before their effects, 1/2 that the order says nothing, 0 that effects come
first. :class:`SortedRegression` is the baseline that any algorithm should beat:

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> x, e = rng.normal(size=(2, 500))
>>> data = {"x": x, "y": x + e}
>>> varsortability(data, "x -> y")
1.0
>>> print(SortedRegression("variance").fit(data).graph_)
DAG with 2 nodes, 1 edge: x -> y
>>> varsortability({"x": x, "y": (x + e) / 10}, "x -> y")
0.0

References
----------
Reisach, Seiler and Weichwald (2021), "Beware of the simulated DAG! Causal discovery benchmarks may
be easy to game", NeurIPS, doi:10.48550/arXiv.2102.13647. Reisach, Tami, Seiler, Chambaz and
Weichwald (2023), "A scale-invariant sorting criterion to find a causal order in additive noise
models", NeurIPS, doi:10.48550/arXiv.2303.18211.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from causalkit._core.checks import check_choice
from causalkit._core.moments import Moments
from causalkit._core.parallel import one_thread
from causalkit._core.random import as_generator
from causalkit._core.table import Table, as_table
from causalkit.discovery._setup import in_name_order
from causalkit.discovery.base import DiscoveryAlgorithm, Explanation
from causalkit.discovery.continuous._continuous_model import read_correlations
from causalkit.discovery.continuous._order_alignment import order_alignment
from causalkit.discovery.knowledge import Knowledge
from causalkit.discovery.lingam._lingam_order import Limits
from causalkit.discovery.lingam._lingam_weights import Pruning, edge_weights
from causalkit.discovery.lingam.lingam_effects import EffectMatrix
from causalkit.errors import GraphError
from causalkit.graph import ARROW, TAIL, CausalGraph, Kind
from causalkit.graph.marks import show_name
from causalkit.identification.query import GraphLike, as_graph
from causalkit.typing import Data, FloatArray, Name, RandomState

__all__ = ["SortedRegression", "r2_sortability", "varsortability"]

ORDERS: Final = ("variance", "r2", "random")


def varsortability(data: Data, graph: GraphLike) -> float:
    """Share of the directed paths of a true graph along which the variance rises.

    Parameters
    ----------
    data : DataFrame, 2-D ndarray, or dict of columns
        Columns that the graph does not have are left alone.
    graph : CausalGraph, str or networkx graph
        Kind DAG, over columns of the data.

    Returns
    -------
    float
        From 0 to 1; NaN for a graph without edges. Of each length, two variables that a path of
        that length joins count once, and a tie counts half.

    Raises
    ------
    GraphError
        If the graph is no DAG.
    InputError
        If the data are not complete columns of numbers that vary.
    """
    dag = _as_dag(graph)
    _, spread = _correlations(data, dag)
    return order_alignment(dag.directed, spread)


def r2_sortability(data: Data, graph: GraphLike) -> float:
    """Share of the directed paths of a true graph along which R² given all others rises.

    Parameters
    ----------
    data : DataFrame, 2-D ndarray, or dict of columns
        More rows than the graph has nodes. Other columns are left alone.
    graph : CausalGraph, str or networkx graph
        Kind DAG, over columns of the data.

    Returns
    -------
    float
        From 0 to 1; NaN for a graph without edges.

    Raises
    ------
    GraphError
        If the graph is no DAG.
    InputError
        If the data are not complete columns of numbers that vary, or there are too few rows.
    NumericalError
        If columns determine each other.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x, y, z = rng.normal(size=(3, 1000))
    >>> y = x + 0.5 * y
    >>> r2_sortability({"x": x, "y": y, "z": y + z}, "x -> y -> z") < 1
    True
    """
    dag = _as_dag(graph)
    correlations, _ = _correlations(data, dag)
    return order_alignment(dag.directed, _explained(correlations))


class SortedRegression(DiscoveryAlgorithm):
    """Sort the variables by a number and regress each on those before it.

    Parameters
    ----------
    by : {"variance", "r2", "random"}
        What variables are sorted by, smallest first: the variance (in the units of the data), the
        R² given all others, or nothing.
    random_state : int, Generator or None, default 0
        Of the random order.

    Attributes
    ----------
    graph_ : CausalGraph
        Kind DAG.
    order_ : tuple of names
    coefficients_ : EffectMatrix
        In the units of the data.

    Notes
    -----
    **Assumes:**

    - that the order is that of causes and effects, for which there is no reason in real data: this
      is a yardstick for benchmarks and not a way to learn a graph.

    Edges among those that the order admits are chosen by the adaptive lasso with the penalty by
    BIC.

    References
    ----------
    Reisach, Seiler and Weichwald (2021), "Beware of the simulated DAG! Causal discovery benchmarks
    may be easy to game", doi:10.48550/arXiv.2102.13647, and, for R², Reisach et al. (2023), "A
    scale-invariant sorting criterion to find a causal order in additive noise models",
    doi:10.48550/arXiv.2303.18211.
    """

    order_: tuple[Name, ...]
    coefficients_: EffectMatrix

    def __init__(self, by: str = "variance", *, random_state: RandomState = 0) -> None:
        self.by = by
        self.random_state = random_state

    def _needs_rows(self) -> bool:
        return False

    def _fit(self, table: Table | Moments) -> None:
        by = check_choice(self.by, "by", ORDERS)
        who = type(self).__name__
        names, shown = in_name_order(table.names), table.names
        with one_thread():
            correlations, spread = read_correlations(table, names, len(names) + 2, who)
            if by == "random":
                order = as_generator(self.random_state).permutation(len(names))
            else:
                number = spread if by == "variance" else _explained(correlations)
                order = np.argsort(number, kind="stable")
            edges, weights = edge_weights(
                correlations,
                order,
                Limits.of(Knowledge(), names),
                Pruning("adaptive_lasso", 0.01, 0.0, table.n_rows),
            )
        place = [names.index(name) for name in shown]
        among = np.ix_(place, place)
        ends = (edges * ARROW + edges.T * TAIL).astype(np.uint8)
        self.order_ = tuple(names[k] for k in order)
        self.graph_ = CausalGraph._of(shown, ends[among], Kind.DAG)
        effects = weights * (spread / spread[:, None])
        self.coefficients_ = EffectMatrix(shown, effects[among])

    def _explain(self, a: Name, b: Name) -> Explanation:
        first, second = sorted((a, b), key=self.order_.index)
        edges = self.graph_.edges_between(a, b)
        kept = "kept" if edges else "left out"
        why = f"the adaptive lasso {kept} {show_name(first)} among the causes of "
        why += f"{show_name(second)}, before which it comes"
        direction = f"{show_name(first)} comes first in the order by {self.by}" if edges else None
        return Explanation((a, b), str(edges[0]) if edges else "no edge", why, direction)


def _as_dag(graph: GraphLike) -> CausalGraph:
    dag = as_graph(graph)
    if dag.kind is not Kind.DAG:
        raise GraphError(
            f"the graph is of kind {dag.kind.name}; expected a DAG, the one that the data were "
            "drawn from. Write e.g. 'x -> y -> z'."
        )
    return dag


def _correlations(data: Data, dag: CausalGraph) -> tuple[FloatArray, FloatArray]:
    table = as_table(data, columns=dag.nodes)
    return read_correlations(table, dag.nodes, len(dag.nodes) + 1, "sortability")


def _explained(correlations: FloatArray) -> FloatArray:
    """R² of each variable given all others."""
    explained: FloatArray = 1.0 - 1.0 / np.diagonal(np.linalg.inv(correlations))
    return np.maximum(explained, np.finfo(np.float64).tiny)
