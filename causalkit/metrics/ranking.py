"""Is the confidence in edges worth something? Areas under curves for a matrix of confidences.

Bootstraps, posteriors and continuous methods give each edge a number rather than a verdict. The
question is then whether true edges rank above the others, at whatever threshold:

>>> import numpy as np
>>> confidence = np.array([[0, 0.9, 0.2], [0.4, 0, 0.8], [0.1, 0.3, 0]])
>>> auroc("A -> B -> C", confidence), auprc("A -> B -> C", confidence)
(1.0, 1.0)
>>> auroc("A -> B -> C", confidence.T)
0.5

Of series, whatever the lags: the truth is a summary graph, which may have cycles.

>>> from causalkit.graph import LaggedGraph
>>> truth = LaggedGraph.parse("A[t-1] -> B[t]; B[t-2] -> A[t]; B[t-1] -> C[t]")
>>> auroc(truth, [[0, 0.9, 0.2], [0.4, 0, 0.8], [0.1, 0.3, 0]])
1.0

AUROC is the chance that a true edge ranks above a pair without one; it flatters in sparse graphs,
where almost all pairs have none. AUPRC (average precision) does not: guessing at random earns the
share of pairs that have an edge.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from causalkit._core.checks import as_names, check_choice
from causalkit.errors import GraphError, InputError
from causalkit.graph import Kind, LaggedGraph, SummaryGraph
from causalkit.identification.query import GraphLike, as_graph
from causalkit.typing import BoolArray, FloatArray, Name

__all__ = ["auprc", "auroc"]


def auroc(
    truth: GraphLike | LaggedGraph | SummaryGraph,
    confidence: Any,
    *,
    nodes: Iterable[Name] | None = None,
    what: str = "edges",
) -> float:
    """Area under the receiver operating characteristic of confidences in edges.

    Parameters
    ----------
    truth : CausalGraph, str, networkx graph, SummaryGraph or LaggedGraph
        A DAG, ADMG or MAG; with `what="adjacency"` of any kind. Of a graph of series, what counts
        is which series drives which, at any lag; what drives itself does not count.
    confidence : array or pandas DataFrame, shape (n_nodes, n_nodes)
        `confidence[i, j]` is the confidence in `i -> j`, on any scale; the diagonal is not read.
        A frame is read by its row and column labels.
    nodes : iterable of names, optional
        What the rows and columns of an array are; left out, the nodes of `truth` in their order.
    what : {"edges", "adjacency"}
        Whether directed edges are ranked, or adjacent pairs, by the larger of both directions.

    Returns
    -------
    float
        Ties count half. NaN if all pairs have an edge or none has: there is nothing to rank.

    Raises
    ------
    InputError
        If the shape does not fit the nodes, or a confidence is missing.
    GraphError
        If directions are to be ranked and the true graph leaves some undecided.

    Examples
    --------
    >>> auroc("A -> B; C -> B", [[0, 1, 0], [1, 0, 1], [0, 1, 0]], what="adjacency")
    1.0
    >>> auroc("A -> B; C -> B", [[0, 1, 0], [1, 0, 1], [0, 1, 0]])
    0.75
    """
    from sklearn.metrics import roc_auc_score

    edges, values = _ranked(truth, confidence, nodes, what)
    if edges.all() or not edges.any():
        return float("nan")
    return float(roc_auc_score(edges, values))


def auprc(
    truth: GraphLike | LaggedGraph | SummaryGraph,
    confidence: Any,
    *,
    nodes: Iterable[Name] | None = None,
    what: str = "edges",
) -> float:
    """Area under the precision-recall curve (average precision) of confidences in edges.

    The parameters and errors are those of :func:`auroc`.

    Parameters
    ----------
    truth : CausalGraph, LaggedGraph, SummaryGraph or str
    confidence : matrix, DataFrame, mapping or EdgeFrequencies
        A number for each pair: the surer, the larger.
    nodes : sequence of names, optional
        The order of the rows of a matrix.
    what : {"edges", "adjacency"}

    Returns
    -------
    float
        NaN if there is no edge to be found.

    Examples
    --------
    >>> auprc("A -> B; C -> B", [[0, 1, 0], [1, 0, 0], [0, 1, 0]])
    0.6666666666666666
    """
    from sklearn.metrics import average_precision_score

    edges, values = _ranked(truth, confidence, nodes, what)
    if not edges.any():
        return float("nan")
    return float(average_precision_score(edges, values))


def _ranked(
    truth: GraphLike | LaggedGraph | SummaryGraph,
    confidence: Any,
    nodes: Iterable[Name] | None,
    what: str,
) -> tuple[BoolArray, FloatArray]:
    """Whether each pair has an edge, and the confidence in it."""
    check_choice(what, "what", ("edges", "adjacency"))
    if isinstance(truth, (LaggedGraph, SummaryGraph)):
        return _ranked_series(truth, confidence, nodes, what)
    graph = as_graph(truth)
    values = _as_matrix(confidence, graph.nodes, nodes)
    if what == "adjacency":
        pairs = np.triu_indices(len(graph), k=1)
        return graph.adjacency[pairs], np.maximum(values, values.T)[pairs]
    if graph.kind in (Kind.CPDAG, Kind.PAG):
        raise GraphError(
            f"the true graph is a {graph.kind.name}, which leaves directions undecided; expected a "
            'DAG, ADMG or MAG. Rank against the true DAG, or pass what="adjacency".'
        )
    off_diagonal = ~np.eye(len(graph), dtype=np.bool_)
    return graph.directed[off_diagonal], values[off_diagonal]


def _ranked_series(
    truth: LaggedGraph | SummaryGraph, confidence: Any, nodes: Iterable[Name] | None, what: str
) -> tuple[BoolArray, FloatArray]:
    """Do the same for series, whose links may run in a circle."""
    summary = truth.summary_graph() if isinstance(truth, LaggedGraph) else truth
    links, values = summary.adjacency, _as_matrix(confidence, summary.variables, nodes)
    undecided = [link for link in summary.links if link.symbol not in ("->", "<->")]
    if undecided and what == "edges":
        raise GraphError(
            f"the true graph has {undecided[0]}, of which the direction is undecided; expected a "
            'DAG, ADMG or MAG. Rank against the true DAG, or pass what="adjacency".'
        )
    if what == "edges":
        off_diagonal = ~np.eye(len(links), dtype=np.bool_)
        return links[off_diagonal], values[off_diagonal]
    where = {name: k for k, name in enumerate(summary.variables)}
    for link in summary.links:
        links[where[link.left], where[link.right]] = True
    pairs = np.triu_indices(len(links), k=1)
    return (links | links.T)[pairs], np.maximum(values, values.T)[pairs]


def _as_matrix(
    confidence: Any, expected: tuple[Name, ...], nodes: Iterable[Name] | None
) -> FloatArray:
    """Confidences in the order of the true graph's nodes, zero on the diagonal."""
    order = np.arange(len(expected))
    if nodes is None and hasattr(confidence, "index") and hasattr(confidence, "loc"):
        nodes = list(confidence.columns)
        if sorted(map(repr, confidence.index)) != sorted(map(repr, nodes)):
            raise InputError(
                "the rows and the columns of the frame have different labels; expected the nodes "
                "in both. Set the index to the nodes, or pass an array."
            )
        confidence = confidence.loc[nodes]
    try:
        values = np.array(confidence, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(
            f"confidence is a {type(confidence).__name__} that is no matrix of numbers; expected "
            f"an array or a frame of shape ({len(expected)}, {len(expected)}), confidence[i, j] "
            "for the edge i -> j. Fill one from what you have."
        ) from None
    if values.shape != (len(expected), len(expected)):
        raise InputError(
            f"confidence has shape {values.shape}; expected ({len(expected)}, {len(expected)}), a "
            "row and a column for each node of the true graph."
        )
    if nodes is not None:
        names = as_names(list(nodes))
        if sorted(map(repr, names)) != sorted(map(repr, expected)):
            raise InputError(
                f"the rows are called {', '.join(map(repr, names[:8]))}; expected the nodes of the "
                f"true graph, {', '.join(map(repr, expected[:8]))}. Rename them, or take a "
                "subgraph."
            )
        where = {name: k for k, name in enumerate(names)}
        order = np.array([where[name] for name in expected], dtype=np.intp)
    np.fill_diagonal(values, 0.0)
    if np.isnan(values).any():
        raise InputError(
            "confidence has missing values (NaN); expected a number for every pair. Put 0 where an "
            "edge was never considered."
        )
    return values[np.ix_(order, order)]
