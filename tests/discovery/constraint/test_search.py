"""What a search owes its user besides the graph: time kept, threads that agree, a full record."""

from __future__ import annotations

import time
from itertools import combinations

import numpy as np
import polars as pl
import pytest

from causalkit.discovery import PC, Knowledge
from causalkit.errors import InputError, TimeBudgetWarning
from causalkit.graph import CausalGraph
from causalkit.independence import BoundTest, CITest, FisherZ, Oracle
from tests.oracles.discovery import nodes_of


def some_data(seed=0, p=12, n=300):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    for k in range(1, p):  # each variable has one or two earlier causes
        X[:, k] += X[:, rng.integers(k)] - 0.7 * X[:, rng.integers(k)]
    return X


class SlowTest(CITest):
    """Fisher's z with a pause before each question."""

    def __init__(self, pause):
        self.pause = pause

    def bind(self, table):
        return SlowBound(FisherZ().bind(table), self.pause)


class SlowBound(BoundTest):
    def __init__(self, bound, pause):
        self.bound, self.pause = bound, pause

    def __call__(self, i, j, given=()):
        time.sleep(self.pause)
        return self.bound(i, j, given)


# --- time budget ------------------------------------------------------------------------------


def test_a_spent_budget_leaves_pairs_joined_and_says_so():
    values = some_data()
    full = PC().fit(values)
    with pytest.warns(TimeBudgetWarning, match="time was up"):
        early = PC(SlowTest(0.01), max_seconds=0.4).fit(values)
    assert "of 66 pairs" in early.stopped_
    assert 0 < early.n_tests_ < full.n_tests_
    assert full.graph_.skeleton() <= early.graph_.skeleton()
    for a, b in combinations(early.graph_.nodes, 2):  # whatever is apart was tested apart
        if not early.graph_.edges_between(a, b):
            assert early.separators_[a, b].p_value > 0.05


def test_a_budget_that_suffices_changes_nothing():
    values = some_data(1)
    one, two = PC().fit(values), PC(max_seconds=600).fit(values)
    assert one.graph_ == two.graph_
    assert (two.stopped_, two.n_tests_) == (None, one.n_tests_)


@pytest.mark.parametrize("rule", ["conservative", "max-p"])
def test_a_budget_spent_on_colliders_leaves_triples_ambiguous(rule):
    values = some_data(2, p=7)
    n_tests = PC().fit(values).n_tests_
    with pytest.warns(TimeBudgetWarning):
        early = PC(SlowTest(0.01), collider_rule=rule, max_seconds=0.012 * n_tests).fit(values)
    assert early.ambiguous_ or "sets of" in early.stopped_


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), "soon", True])
def test_a_budget_is_a_positive_number(seconds):
    with pytest.raises(InputError, match="max_seconds"):
        PC(max_seconds=seconds).fit(some_data())


# --- threads ----------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["standard", "majority"])
def test_threads_and_chunks_change_nothing(rule, monkeypatch):
    from causalkit.discovery.constraint import _skeleton

    values = some_data(3, p=20)
    one = PC(collider_rule=rule).fit(values)
    monkeypatch.setattr(_skeleton, "_CHUNK", 3)
    two = PC(collider_rule=rule, n_jobs=2).fit(values)
    assert one.graph_ == two.graph_
    assert (one.n_tests_, one.n_untestable_) == (two.n_tests_, two.n_untestable_)
    assert dict(one.separators_) == dict(two.separators_)


# --- the record -------------------------------------------------------------------------------


def test_the_frame_has_every_pair_and_its_reason():
    values = some_data(4, p=8)
    known = Knowledge(required=[("x0", "x1")], forbidden=[("x2", "x3"), ("x3", "x2")])
    pc = PC(knowledge=known).fit(values)
    frame = pc.trace_.to_frame().set_index(["a", "b"])
    assert len(frame) == 28
    for (a, b), row in frame.iterrows():
        told = pc.explain(a, b)
        edge = pc.graph_.edges_between(a, b)
        assert row["edge"] == (str(edge[0]) if edge else "")
        assert row["direction"] == told.direction
        if told.test is not None:
            assert row["given"] == told.test.given
            assert row["order"] == len(told.test.given)
            assert row["p_value"] == pytest.approx(told.test.p_value, rel=1e-9)
            assert row["n_used"] == 300
    assert frame.loc[("x0", "x1"), "why"] == "knowledge"
    assert frame.loc[("x2", "x3"), ["edge", "why"]].tolist() == ["", "knowledge"]


def test_the_frame_of_an_oracle_search():
    truth = CausalGraph.parse("rain -> wet <- sprinkler; wet -> slippery")
    frame = PC(Oracle(truth)).fit(nodes_of(truth)).trace_.to_frame().set_index(["a", "b"])
    assert frame.loc[("rain", "sprinkler"), "why"] == "independent given the set"
    assert frame.loc[("rain", "slippery"), "given"] == ("wet",)
    assert frame.loc[("wet", "slippery"), "direction"].startswith("Meek rule 1")


# --- rows that are never held -----------------------------------------------------------------


def test_a_file_or_a_query_gives_the_graph_of_the_table(tmp_path):
    values = some_data(5, p=9, n=2000)
    frame = pl.DataFrame(values, schema=[f"v{k}" for k in range(9)])
    path = tmp_path / "table.parquet"
    frame.write_parquet(path, row_group_size=300)
    whole = PC().fit(frame)
    for data in (path, str(path), pl.scan_parquet(path)):
        streamed = PC().fit(data)
        assert streamed.graph_ == whole.graph_
        assert streamed.n_tests_ == whole.n_tests_
        assert streamed.feature_names_in_.tolist() == frame.columns
    assert PC(knowledge=Knowledge(tiers=[["v0"]])).fit(path).graph_.kind == whole.graph_.kind


def test_a_test_that_needs_the_rows_says_so(tmp_path):
    path = tmp_path / "table.parquet"
    pl.DataFrame({"a": [1.0, 2.0], "b": [0.0, 1.0]}).write_parquet(path)
    with pytest.raises(InputError, match="needs all rows"):
        PC(Oracle(CausalGraph.parse("a -> b"))).fit(path)
