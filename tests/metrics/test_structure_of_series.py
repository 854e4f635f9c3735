"""Graphs of series side by side: each link counts once, however far back the lags were sought."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalkit.errors import InputError
from causalkit.graph import CausalGraph, Edge, Kind, Lagged, LaggedGraph
from causalkit.metrics import ancestor_aid, compare_graphs, oset_aid, parent_aid, shd, sid
from tests.strategies import lagged_graphs

NAMES = "abc"


def on_three_series(kind: Kind) -> st.SearchStrategy[LaggedGraph]:
    return lagged_graphs(names=st.sampled_from(NAMES), kinds=(kind,), max_series=3).map(
        lambda g: LaggedGraph(NAMES, g.edges(), max_lag=g.max_lag, kind=kind)
    )


same_kind = st.sampled_from(list(Kind)).flatmap(lambda k: st.tuples(*[on_three_series(k)] * 3))


def links(graph: LaggedGraph) -> dict[tuple[str, str], set[str]]:
    """Edges by their ends, read from the earlier one, or by name within a step."""
    found: dict[tuple[str, str], set[str]] = {}
    turn = {"->": "<-", "<-": "->", "o->": "<-o", "--o": "o--", "o--": "--o"}
    for e in graph.edges():
        forwards = (-e.left.lag, e.left.name) <= (-e.right.lag, e.right.name)
        pair = (e.left, e.right) if forwards else (e.right, e.left)
        symbol = e.symbol if forwards else turn.get(e.symbol, e.symbol)
        found.setdefault((str(pair[0]), str(pair[1])), set()).add(symbol)
    return found


@settings(max_examples=100, deadline=None)
@given(same_kind)
def test_the_distance_counts_links_and_is_a_metric(three):
    a, b, c = three
    one, other = links(a), links(b)
    assert shd(a, b) == sum(one.get(p) != other.get(p) for p in one.keys() | other.keys())
    assert (shd(a, b) == 0) == (a == b)
    assert shd(a, b) == shd(b, a)
    assert shd(a, c) <= shd(a, b) + shd(b, c)


@settings(max_examples=100, deadline=None)
@given(same_kind, st.permutations(NAMES), st.integers(0, 3))
def test_the_order_of_series_and_the_reach_do_not_matter(three, order, more):
    a, b, _ = three
    again = LaggedGraph(order, b.edges(), max_lag=b.max_lag + more, kind=b.kind)
    assert shd(a, again) == shd(a, b)
    one, other = compare_graphs(a, again).to_dict(), compare_graphs(a, b).to_dict()
    assert one == other
    assert one["shd"] == shd(a, b)
    reach = max(a.max_lag, b.max_lag + more)
    assert compare_graphs(a, again).n_pairs == 3 + 9 * reach


def test_what_is_wrong_is_counted_by_hand():
    truth = LaggedGraph.parse("X[t-1] -> X[t]; X[t-2] -> Y[t]; Y[t] -> Z[t]; Z[t-1] -> Z[t]")
    learnt = LaggedGraph.parse("Z[t] -> Y[t]; X[t-1] -> X[t]; X[t-1] -> Y[t]; Z[t-1] -> Z[t]")
    score = compare_graphs(truth, learnt)
    assert (score.missing, score.extra, score.reversed, score.shd) == (1, 1, 1, 3)
    assert shd(truth, learnt, reversal=2) == 4
    assert score.adjacency.precision == score.adjacency.recall == 3 / 4
    assert "3 of 21 pairs" in str(score)
    assert shd(truth, learnt.to_text()) == shd(truth.to_text(), learnt) == 3


def test_a_class_is_compared_with_the_class():
    truth = LaggedGraph.parse("X[t-1] -> X[t]; X[t] -> Y[t]; Z[t] -> W[t]")
    learnt = LaggedGraph.parse("X[t-1] -> X[t]; X[t] -- Y[t]; Z[t] -- W[t]")
    score = compare_graphs(truth.to_cpdag(), learnt)
    assert (score.unoriented, score.shd) == (1, 1)


def test_what_cannot_be_compared_is_refused():
    truth = LaggedGraph.parse("X[t-1] -> Y[t]")
    for metric in (shd, compare_graphs):
        with pytest.raises(InputError, match=r"lacks Y.*the true graph lacks Z.*the same series"):
            metric(truth, LaggedGraph.parse("X[t-1] -> Z[t]"))
        for pair in ((truth, CausalGraph.parse("X -> Y")), (CausalGraph.parse("X -> Y"), truth)):
            with pytest.raises(InputError, match="one graph is of series and the other one is not"):
                metric(*pair)
    for metric in (sid, parent_aid, oset_aid, ancestor_aid):
        with pytest.raises(InputError, match=r"of series.*truth\.unroll\(steps\)"):
            metric(truth, truth)
        metric(truth.unroll(3), truth.unroll(3))


def test_no_series_and_one_series():
    nothing = LaggedGraph([])
    assert shd(nothing, nothing) == 0
    alone = LaggedGraph(["X"], [Edge(Lagged("X", 1), Lagged("X"), "->")])
    assert shd(alone, LaggedGraph(["X"])) == 1
    assert compare_graphs(alone, alone).n_pairs == 1
