"""Areas under curves where the truth is a graph of series, with cycles and links to itself."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from causalkit.errors import GraphError, InputError
from causalkit.graph import LaggedGraph
from causalkit.metrics import auprc, auroc


@pytest.mark.parametrize("seed", range(5))
def test_they_are_those_of_the_links_between_series(seed):
    rng = np.random.default_rng(seed)
    truth, scores = rng.random((6, 6)) < 0.3, rng.random((6, 6))
    names = [f"v{k}" for k in range(6)]
    edges = [((names[i], int(rng.integers(1, 4))), names[j]) for i, j in np.argwhere(truth)]
    graph = LaggedGraph(names, edges)
    off = ~np.eye(6, dtype=bool)
    for one in (graph, graph.summary_graph()):
        assert np.isclose(auroc(one, scores), roc_auc_score(truth[off], scores[off]))
        assert np.isclose(auprc(one, scores), average_precision_score(truth[off], scores[off]))
    order = rng.permutation(6)
    shuffled = scores[np.ix_(order, order)]
    assert auroc(graph, shuffled, nodes=[names[k] for k in order]) == auroc(graph, scores)
    pairs = np.triu_indices(6, k=1)
    either = (truth | truth.T)[pairs]
    expected = roc_auc_score(either, np.maximum(scores, scores.T)[pairs])
    assert np.isclose(auroc(graph, scores, what="adjacency"), expected)


def test_links_without_a_direction_are_no_truth_about_directions():
    graph = LaggedGraph.parse("A[t] -- B[t]; A[t-1] -> C[t]")
    scores = np.array([[0, 0.9, 0.8], [0.1, 0, 0.2], [0.3, 0.4, 0]])
    with pytest.raises(GraphError, match="undecided"):
        auroc(graph, scores)
    assert auroc(graph, scores, what="adjacency") == 1.0
    with pytest.raises(InputError, match="shape"):
        auroc(graph, scores[:2], what="adjacency")


def test_what_is_hidden_behind_both_is_no_directed_link():
    graph = LaggedGraph.parse("A[t] <-> B[t]; A[t-1] -> C[t]")
    assert auroc(graph, [[0, 0.1, 0.8], [0.1, 0, 0.2], [0.3, 0.4, 0]]) == 1.0
