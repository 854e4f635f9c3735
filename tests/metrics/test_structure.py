"""Counts of what differs between two graphs, beside counting by hand and stored numbers."""

from __future__ import annotations

import json
import math
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_fscore_support

from causalkit.errors import GraphError, InputError
from causalkit.graph import CausalGraph, Edge, Kind, LaggedGraph, dag_to_cpdag, random_dag
from causalkit.metrics import Detection, auprc, auroc, compare_graphs, shd
from tests.metrics.test_intervention import codes_of, directed_graph, from_codes
from tests.oracles import metrics
from tests.oracles.graphs import dags
from tests.strategies import mixed_graphs

NODES = "abcde"


def on_five_nodes(kind):
    """Graphs of one kind over the same five nodes."""
    fixed = st.sampled_from(NODES)
    return mixed_graphs(names=fixed, kinds=(kind,), max_nodes=5).map(
        lambda g: CausalGraph.from_edges(NODES, g.edges(), kind)
    )


same_kind = st.sampled_from(list(Kind)).flatmap(lambda k: st.tuples(*[on_five_nodes(k)] * 3))


# --- structural Hamming distance ------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(three=same_kind, reversal=st.sampled_from([1, 2]))
def test_shd_is_a_metric(three, reversal):
    a, b, c = three
    assert (shd(a, b, reversal=reversal) == 0) == (a == b)
    assert shd(a, b, reversal=reversal) == shd(b, a, reversal=reversal)
    detour = shd(a, b, reversal=reversal) + shd(b, c, reversal=reversal)
    assert shd(a, c, reversal=reversal) <= detour


@settings(max_examples=150, deadline=None)
@given(three=same_kind, reversal=st.sampled_from([1, 2]), seed=st.integers(0, 99))
def test_shd_counts_pairs_whatever_the_order_of_nodes(three, reversal, seed):
    a, b, _ = three
    shuffled = b.reordered(np.random.default_rng(seed).permutation(list(NODES)).tolist())
    expected = metrics.shd_by_pairs(a, b, reversal)
    assert shd(a, shuffled, reversal=reversal) == expected


def test_stored_counts_of_dags(shared):
    cases = json.loads((shared / "metrics" / "dag_pairs.json").read_text())["cases"]
    for case in cases:
        truth, learnt = (directed_graph(case["p"], case[key]) for key in ("truth", "guess"))
        score = compare_graphs(truth, learnt)
        assert shd(truth, learnt) == case["shd_reversal_counts_1"] == score.shd
        assert shd(truth, learnt, reversal=2) == case["shd_reversal_counts_2"]
        counts = [score.missing, score.extra, score.reversed]
        assert counts == case["shd_missing_extra_reversed"]
        for what, found in (("skeleton", score.adjacency), ("arrows", score.arrowheads)):
            assert found == Detection(*(case[what][key] for key in ("tp", "fp", "fn")))


def test_stored_counts_of_classes(shared):
    cases = json.loads((shared / "metrics" / "cpdag_pairs.json").read_text())["cases"]
    for case in cases:
        assert shd(from_codes(case["truth"]), from_codes(case["guess"])) == case["pcalg_shd"]


def test_agrees_with_gadjid():
    import gadjid

    rng = np.random.default_rng(3)
    for _ in range(60):
        pair = [dag_to_cpdag(random_dag(12, expected_degree=4, rng=rng)) for _ in range(2)]
        assert shd(*pair) == gadjid.shd(*map(codes_of, pair))[1]


# --- what differs, and how ------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(three=same_kind)
def test_the_breakdown_adds_up(three):
    truth, learnt, _ = three
    there, back = compare_graphs(truth, learnt), compare_graphs(learnt, truth)
    assert there.shd == shd(truth, learnt)
    assert (there.missing, there.unoriented) == (back.extra, back.overoriented)
    assert (there.reversed, there.other) == (back.reversed, back.other)
    assert {(t, f, n) for t, f, n in there.confusion if t != f} or there.shd == 0
    adjacent = len(truth.skeleton() | learnt.skeleton())
    assert sum(count for *_, count in there.confusion) == adjacent
    assert {name for t, f, _ in there.confusion for name in (t, f)} >= (
        {"none"} if there.missing + there.extra else set()
    )


@settings(max_examples=80, deadline=None)
@given(three=same_kind)
def test_rates_are_those_of_scikit_learn(three):
    truth, learnt, _ = three
    score = compare_graphs(truth, learnt)
    upper = np.triu_indices(5, k=1)
    off = ~np.eye(5, dtype=bool)
    cases = [
        (score.adjacency, truth.adjacency[upper], learnt.adjacency[upper]),
        (score.arrowheads, (truth.ends[off] & 2) > 0, (learnt.ends[off] & 2) > 0),
    ]
    for found, there, claimed in cases:
        rates = precision_recall_fscore_support(
            there, claimed, average="binary", zero_division=1.0
        )[:3]
        assert (found.precision, found.recall, found.f1) == pytest.approx(rates)


def test_every_way_to_differ():
    truth = CausalGraph.parse("A -> B; B -> C; C -- D; D -- E; E -> F", kind="CPDAG")
    learnt = CausalGraph.parse("B -> A; B -- C; C -> D; A -> D; E -> F", kind="CPDAG")
    score = compare_graphs(truth, learnt)
    assert (score.reversed, score.unoriented, score.overoriented) == (1, 1, 1)
    assert (score.missing, score.extra, score.other, score.shd) == (1, 1, 0, 5)
    expected = {
        ("->", "<-", 1), ("->", "--", 1), ("->", "->", 1),
        ("--", "->", 1), ("--", "none", 1), ("none", "->", 1),
    }  # fmt: skip
    assert set(score.confusion) == expected
    assert score.tails == Detection(1, 3, 2)  # the tails of `--` say nothing


def test_marks_of_a_pag():
    truth = CausalGraph.parse("A o-> B; B -> C; C <-> D; D o-o E", kind="PAG")
    learnt = CausalGraph.parse("A -> B; B o-> C; D -> C; D o-> E", kind="PAG")
    score = compare_graphs(truth, learnt)
    assert (score.overoriented, score.unoriented, score.other) == (2, 1, 1)
    assert score.arrowheads == Detection(3, 1, 1)
    assert score.tails == Detection(0, 2, 1)
    assert "tails" in repr(score)
    assert "tails" not in repr(compare_graphs("A -> B", "B -> A"))


def test_a_bow_is_one_pair():
    truth = CausalGraph.parse("X -> Y; X <-> Y", kind="ADMG")
    learnt = CausalGraph.parse("X -> Y", kind="ADMG")
    score = compare_graphs(truth, learnt)
    assert (shd(truth, learnt, reversal=2), score.other, score.reversed) == (1, 1, 0)
    assert score.confusion == (("-> & <->", "->", 1),)


@settings(max_examples=50, deadline=None)
@given(dag=dags(1, 6))
def test_the_truth_has_perfect_scores(dag):
    score = compare_graphs(dag, dag)
    assert score.shd == 0
    for found in (score.adjacency, score.arrowheads, score.tails):
        assert found.precision == found.recall == found.f1 == 1.0


def test_nothing_claimed_and_nothing_there():
    empty = CausalGraph.from_edges("AB", [], "DAG")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nothing = compare_graphs(empty, empty).adjacency
        missed = compare_graphs("A -> B", empty).adjacency
        invented = compare_graphs(empty, "A -> B").adjacency
    assert (nothing.precision, nothing.recall, nothing.f1) == (1.0, 1.0, 1.0)
    assert (missed.precision, missed.recall, missed.f1) == (1.0, 0.0, 0.0)
    assert (invented.precision, invented.recall, invented.f1) == (0.0, 1.0, 0.0)


def test_scores_print_and_make_a_row():
    score = compare_graphs("A -> B -> C", "A -> B; A -> C")
    assert "structural Hamming distance  2 of 3 pairs" in repr(score)
    assert "<table" in score._repr_html_()
    row = score.to_dict()
    assert (row["shd"], row["missing"], row["adjacency_f1"]) == (2, 1, 0.5)
    assert pd.DataFrame([row]).shape == (1, len(row))
    assert hash(score) == hash(compare_graphs("A -> B -> C", "A -> B; A -> C"))


def test_integer_names_are_no_strings():
    one = CausalGraph.from_edges([0, 1], [Edge(0, 1, "->")])
    with pytest.raises(InputError, match="the learnt graph lacks 0, 1, the true graph lacks"):
        shd(one, CausalGraph.from_edges(["0", "1"], [Edge("0", "1", "->")]))
    with pytest.raises(InputError, match="reversal=3"):
        shd(one, one, reversal=3)


def test_many_missing_names_are_listed_in_part():
    large = random_dag(30, rng=0)
    with pytest.raises(InputError, match=r"lacks x0, .*and 21 more"):
        shd(large, large.subgraph("x29"))


# --- rankings -------------------------------------------------------------------------------------


def auroc_by_pairs(there, values):
    """Chance that an edge ranks above a pair without one, ties half."""
    wins = [(a > b) + 0.5 * (a == b) for a in values[there] for b in values[~there]]
    return float(np.mean(wins)) if wins else math.nan


@settings(max_examples=60, deadline=None)
@given(dag=dags(2, 6), seed=st.integers(0, 10**6), coarse=st.booleans())
def test_auroc_is_the_chance_of_ranking_right(dag, seed, coarse):
    p = len(dag)
    values = np.random.default_rng(seed).random((p, p)).round(1 if coarse else 9)
    off = ~np.eye(p, dtype=bool)
    assert auroc(dag, values) == pytest.approx(
        auroc_by_pairs(dag.directed[off], values[off]), nan_ok=True
    )
    upper = np.triu_indices(p, k=1)
    assert auroc(dag, values, what="adjacency") == pytest.approx(
        auroc_by_pairs(dag.adjacency[upper], np.maximum(values, values.T)[upper]), nan_ok=True
    )


def auprc_by_thresholds(there, values):
    """Precision at every threshold, weighted with the recall that the threshold adds."""
    total, before = 0.0, 0.0
    for threshold in np.unique(values)[::-1]:
        claimed = values >= threshold
        recall = (claimed & there).sum() / there.sum()
        total += (recall - before) * (claimed & there).sum() / claimed.sum()
        before = recall
    return total


@settings(max_examples=60, deadline=None)
@given(dag=dags(2, 6), seed=st.integers(0, 10**6))
def test_auprc_is_average_precision(dag, seed):
    p = len(dag)
    values = np.random.default_rng(seed).random((p, p)).round(1)
    off = ~np.eye(p, dtype=bool)
    there = dag.directed[off]
    expected = auprc_by_thresholds(there, values[off]) if there.any() else math.nan
    assert auprc(dag, values) == pytest.approx(expected, nan_ok=True)


def test_rows_may_come_by_name():
    truth = CausalGraph.parse("A -> B -> C")
    values = np.array([[0, 0.9, 0.2], [0.4, 0, 0.8], [0.1, 0.3, 0]])
    order = [2, 0, 1]
    mixed = values[np.ix_(order, order)]
    frame = pd.DataFrame(mixed, index=list("CAB"), columns=list("CAB"))
    assert auroc(truth, mixed, nodes="CAB") == auroc(truth, values) == 1.0
    assert auroc(truth, frame) == auroc(truth, frame.loc[list("BCA")]) == 1.0
    assert auroc(truth, mixed) < 1.0


def test_rankings_refuse_what_they_cannot_read():
    truth = CausalGraph.parse("A -> B")
    assert math.isnan(auroc(CausalGraph.from_edges("AB", []), np.zeros((2, 2))))
    assert math.isnan(auprc(CausalGraph.from_edges("AB", []), np.zeros((2, 2))))
    with pytest.raises(InputError, match=r"shape \(3, 3\); expected \(2, 2\)"):
        auroc(truth, np.zeros((3, 3)))
    with pytest.raises(InputError, match="NaN"):
        auprc(truth, [[0, np.nan], [0, 0]])
    with pytest.raises(InputError, match="the rows are called 'A', 'C'"):
        auroc(truth, np.zeros((2, 2)), nodes="AC")
    with pytest.raises(GraphError, match="leaves directions undecided"):
        auroc("A -- B", np.zeros((2, 2)))
    with pytest.raises(InputError, match="what='arrows'"):
        auroc(truth, np.zeros((2, 2)), what="arrows")
    with pytest.raises(InputError, match="different labels"):
        auroc(truth, pd.DataFrame(np.zeros((2, 2)), columns=["A", "B"]))
    diagonal = [[np.nan, 1], [0, np.nan]]
    assert auroc(truth, diagonal) == 1.0


@pytest.mark.parametrize("confidence", [{("a", "b"): 0.9}, "x", None, [["x", 1], [0, 0]]])
def test_confidences_that_are_no_matrix(confidence):
    with pytest.raises(InputError, match="expected"):
        auroc("a -> b", confidence)


def test_graphs_over_other_nodes_are_compared_on_those_that_both_have():
    literature, learnt = "a -> b -> c; c -> d; z -> a", "b -> a; b -> c; d -> e; f -> c"
    score = compare_graphs(literature, learnt, nodes="common")
    assert (score.n_nodes, score.missing, score.extra, score.reversed) == (4, 1, 0, 1)
    same = compare_graphs("a -> b; c", "c -> b; a", nodes="common")
    assert same == compare_graphs("a -> b; c", "c -> b; a")
    with pytest.raises(InputError, match="1 node"):
        compare_graphs("a -> b", "b -> c", nodes="common")
    with pytest.raises(InputError, match="of series"):
        compare_graphs(LaggedGraph.parse("X[t-1] -> X[t]"), "X -> Y", nodes="common")
    with pytest.raises(InputError, match="nodes="):
        compare_graphs("a -> b", "a -> b", nodes="all")
