"""PC on tables with missing cells: test-wise deletion, MV-PC, imputation, zeros."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

from causalkit.discovery import PC
from causalkit.errors import CausalkitWarning, InputError
from causalkit.graph import CausalGraph, dag_to_cpdag
from causalkit.independence import FisherZ, Oracle
from causalkit.independence.imputed import MultipleImputation
from causalkit.independence.missing import TestwiseDeletion
from causalkit.independence.missing_correction import MissingnessCorrection
from causalkit.independence.zero_inflated import ZeroDeletion
from tests.oracles.discovery import linear_data, random_dag

TESTS = {
    "deletion": TestwiseDeletion(),
    "correction": MissingnessCorrection(),
    "imputation": MultipleImputation(n_imputations=4, n_sweeps=10, random_state=0),
    "zeros": ZeroDeletion(),
}
every_test = pytest.mark.parametrize("test", TESTS.values(), ids=TESTS.keys())


def holey_frame(seed, n=300):
    rng = np.random.default_rng(seed)
    values = linear_data(rng, random_dag(rng, max_nodes=7, max_edges=10), n)
    values = values + 0.5 * rng.normal(size=values.shape)
    values[rng.random(values.shape) < 0.15] = np.nan
    return pd.DataFrame(values, columns=[f"v{k}" for k in range(values.shape[1])])


# --- laws ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_with_an_oracle_missing_cells_do_not_matter(seed):
    rng = np.random.default_rng(seed)
    dag = random_dag(rng, max_nodes=6, max_edges=8)
    frame = pd.DataFrame(rng.normal(size=(40, len(dag.nodes))), columns=list(dag.nodes))
    frame = frame.mask(rng.random(frame.shape) < 0.02)
    assert PC(TestwiseDeletion(Oracle(dag))).fit(frame).graph_ == dag_to_cpdag(dag)


@every_test
def test_without_missing_cells_or_zeros_the_graph_is_that_of_fisher_z(test):
    frame = holey_frame(0).ffill().bfill()
    one, plain = PC(test).fit(frame), PC(FisherZ()).fit(frame)
    assert one.graph_ == plain.graph_
    assert (one.n_tests_, one.n_untestable_) == (plain.n_tests_, plain.n_untestable_)


@every_test
def test_jobs_columns_and_containers_do_not_matter(test):
    frame = holey_frame(1)
    one = PC(test, alpha=0.1).fit(frame)
    jobs = PC(test, alpha=0.1, n_jobs=2).fit(frame)
    assert jobs.graph_ == one.graph_
    assert set(jobs.separators_) == set(one.separators_)
    for pair, found in one.separators_.items():  # a worker's BLAS may round otherwise
        assert jobs.separators_[pair].given == found.given
        assert jobs.separators_[pair].p_value == pytest.approx(found.p_value, rel=1e-6)
    shuffled = frame[frame.columns[::-1]]
    assert PC(test, alpha=0.1).fit(shuffled).graph_ == one.graph_
    nulls = pl.DataFrame({k: [None if np.isnan(x) else x for x in v] for k, v in frame.items()})
    assert PC(test, alpha=0.1).fit(nulls).graph_ == one.graph_


def test_the_slow_path_finds_the_same_graph():
    from dataclasses import dataclass

    @dataclass(frozen=True, slots=True)
    class Disguised(FisherZ):
        """Fisher's z, not recognised as such."""

    for seed in range(3):
        frame = holey_frame(seed)
        fast, slow = PC(TestwiseDeletion()).fit(frame), PC(TestwiseDeletion(Disguised())).fit(frame)
        assert slow.graph_ == fast.graph_
        assert slow.n_tests_ == fast.n_tests_
        assert {k: v.n_used for k, v in slow.separators_.items()} == {
            k: v.n_used for k, v in fast.separators_.items()
        }


def test_separators_say_how_many_rows_they_rest_on():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 500))
    frame = pd.DataFrame({"a": a, "b": b, "c": a + b + rng.normal(size=500)})
    frame.loc[:199, "a"] = np.nan
    pc = PC(TestwiseDeletion(), alpha=0.01).fit(frame)
    assert pc.separators_["a", "b"].n_used == 300
    assert pc.explain("a", "b").test.n_used == 300


def test_fisher_z_itself_refuses_missing_cells():
    with pytest.raises(InputError, match="missing"):
        PC(FisherZ()).fit(holey_frame(0))


@pytest.mark.parametrize("test", [TestwiseDeletion(), MissingnessCorrection(), ZeroDeletion()])
def test_pairs_that_are_never_seen_together_stay_joined_and_are_counted(test):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(400, 3)), columns=list("abc"))
    frame.loc[:199, "a"] = np.nan
    frame.loc[200:, "b"] = np.nan
    with pytest.warns(CausalkitWarning, match=r"'a' and 'b': 0"):
        pc = PC(test, alpha=0.01).fit(frame)
    assert [set(edge) for edge in _pairs(pc.graph_)] == [{"a", "b"}]
    assert pc.n_untestable_ >= 1


def _pairs(graph):
    return [(e.left, e.right) for e in graph.edges()]


def test_more_columns_than_rows_and_holes_everywhere():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(25, 30))
    values[rng.random(values.shape) < 0.1] = np.nan
    for test in (TestwiseDeletion(), MissingnessCorrection(alpha=0.001)):
        with pytest.warns(CausalkitWarning):
            pc = PC(test, alpha=0.01).fit(values)
        assert len(pc.separators_) > 300


# --- is it right? -------------------------------------------------------------------------------


def selected_by_a_collider(seed, n=2000):
    """x -> w <- y, w -> u; cells of x and u are missing where w is large."""
    rng = np.random.default_rng(seed)
    x, y, v = rng.normal(size=(3, n))
    w = x + y + 0.5 * rng.normal(size=n)
    u = w + v + rng.normal(size=n)
    frame = pd.DataFrame({"x": x, "y": y, "u": u, "v": v, "w": w})
    frame.loc[w > 0.5, ["x", "u"]] = np.nan
    return frame


SELECTED = CausalGraph.parse("x -> w <- y; w -> u <- v")


def test_the_correction_removes_edges_that_selection_makes():
    extra = {"deletion": 0, "correction": 0}
    lost = dict(extra)
    truth = dag_to_cpdag(SELECTED)
    for seed in range(8):
        frame = selected_by_a_collider(seed)
        for name in extra:
            found = PC(TESTS[name], alpha=0.01).fit(frame).graph_.reordered(truth.nodes)
            extra[name] += int((found.adjacency & ~truth.adjacency).sum()) // 2
            lost[name] += int((truth.adjacency & ~found.adjacency).sum()) // 2
    assert extra["deletion"] >= 6
    assert extra["correction"] <= 2
    assert lost["correction"] == 0


def test_causal_learns_mvpc_takes_neighbours_of_a_column_for_causes_of_its_holes():
    """The peer binds its test to the data, where the column itself stands, not its indicator."""
    from causallearn.search.ConstraintBased.PC import get_parent_missingness_pairs
    from causallearn.utils.cit import CIT

    from causalkit.independence.missing_causes import causes_of_missingness

    rng = np.random.default_rng(0)
    a, b, c = rng.normal(size=(3, 1500))
    d = b + rng.normal(size=1500)
    d[c > 0.5] = np.nan
    values = np.column_stack([a, b, c, d])
    theirs = get_parent_missingness_pairs(values, 0.01, CIT(values, "mv_fisherz"))
    assert [list(map(int, found)) for found in theirs["prt"]] == [[1]]  # b, a parent of d
    assert causes_of_missingness(values).causes == {"x3": ("x2",)}


def test_test_wise_deletion_agrees_with_causal_learn_under_pure_chance():
    from causallearn.utils.cit import CIT

    frame = holey_frame(1)
    values = frame.to_numpy()
    peer = CIT(values, "mv_fisherz")
    for i, j, given in ((0, 1, []), (0, 1, [2]), (1, 3, [0, 2])):
        ours = TestwiseDeletion().test(values, f"x{i}", f"x{j}", [f"x{k}" for k in given])
        assert ours.p_value == pytest.approx(peer(i, j, given), rel=1e-6, abs=1e-12)


def test_zero_deletion_cuts_what_dropouts_keep_together():
    extra = {"zeros": 0, "plain": 0, "clean": 0}
    for seed in range(6):
        rng = np.random.default_rng(seed)
        z = rng.normal(size=3000)
        clean = np.column_stack([z, *(z + 0.6 * rng.normal(size=(4, 3000)))])
        seen = np.where(rng.random(clean.shape) < 0.4, 0.0, clean - clean.min() + 1)
        runs = (("clean", FisherZ(), clean), ("plain", FisherZ(), seen))
        runs += (("zeros", ZeroDeletion(), seen),)
        for name, test, values in runs:
            adjacency = PC(test, alpha=0.01).fit(values).graph_.adjacency
            extra[name] += int(adjacency[1:, 1:].sum()) // 2
    assert extra["plain"] > 15
    assert extra["zeros"] <= extra["clean"] + 3


@pytest.mark.slow
@pytest.mark.parametrize("test", [MissingnessCorrection(), MultipleImputation(random_state=0)])
def test_twenty_per_cent_of_missing_cells_cost_little(test):
    """20 columns, 5000 rows, MCAR and MAR: the edges are nearly those of complete data."""
    wrong = np.zeros(2)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        dag = random_dag(rng, max_nodes=20, max_edges=20)
        values = linear_data(rng, dag, 5000)
        holes = values.copy()
        holes[rng.random(values.shape) < 0.2] = np.nan
        for k, (way, data) in enumerate(((FisherZ(), values), (test, holes))):
            adjacency = PC(way, alpha=0.01).fit(data).graph_.adjacency
            wrong[k] += int((adjacency != dag.adjacency).sum()) // 2
    assert wrong[1] <= wrong[0] + 20
