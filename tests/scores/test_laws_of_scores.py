"""What holds for every score."""

from __future__ import annotations

import copy
import pickle
from itertools import combinations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings

from causalkit._core.jit import kernel
from causalkit._core.table import as_table
from causalkit.errors import InputError, UnknownVariableError
from causalkit.graph import CausalGraph, dag_to_cpdag
from causalkit.scores import GaussianBIC, InterventionalBIC, NodeAverage
from causalkit.scores._path_kernels import local
from causalkit.scores._states import Paths
from tests.oracles import graphs as oracles
from tests.scores.designs import EQUIVALENT, NAMES, SCORES

each_score = pytest.mark.parametrize("name", SCORES)
TABLES = {name: make(np.random.default_rng(0), 200) for name, (_, make) in SCORES.items()}


def families(p=5):
    for node in range(p):
        others = [k for k in range(p) if k != node]
        for size in range(p):
            for parents in combinations(others, size):
                yield node, list(parents)


@pytest.mark.parametrize("name", EQUIVALENT)
@settings(max_examples=15, deadline=None)
@given(dag=oracles.dags(min_nodes=5, max_nodes=5))
def test_equivalent_graphs_have_equal_scores(name, dag):
    local_score = SCORES[name][0].bind(as_table(TABLES[name]))

    def total(graph):
        parents = {v: [NAMES.index(a) for a in graph.parents(v)] for v in NAMES}
        return sum(local_score(NAMES.index(v), parents[v]) for v in NAMES)

    totals = [total(member) for member in oracles.equivalent_dags(dag)]
    assert np.ptp(totals) < 1e-9 * max(1.0, abs(totals[0]))


@each_score
def test_total_adds_up_local_scores_and_reads_classes(name):
    score, table = SCORES[name][0], TABLES[name]
    dag = CausalGraph.parse("A -> B -> C; A -> C; D -> C; E")
    parts = [score.local(table, v, dag.parents(v)) for v in NAMES]
    assert score.total(table, dag) == pytest.approx(sum(parts), abs=1e-9)
    if name in EQUIVALENT:
        assert score.total(table, dag_to_cpdag(dag)) == pytest.approx(sum(parts), abs=1e-9)


@each_score
def test_gains_are_differences(name):
    bound = SCORES[name][0].bind(as_table(TABLES[name]))
    for node, parents in families():
        rest = [k for k in range(5) if k not in (node, *parents)]
        expected = [bound(node, [*parents, c]) - bound(node, parents) for c in rest]
        assert bound.gains(node, parents, rest) == pytest.approx(expected, abs=1e-8)


@each_score
def test_the_order_of_parents_does_not_matter(name):
    bound = SCORES[name][0].bind(as_table(TABLES[name]))
    for node, parents in families():
        assert bound(node, parents[::-1]) == pytest.approx(bound(node, parents), abs=1e-9)


@kernel
def ask(state, paths, node, parents, k):
    return local(state, paths, node, parents, k)


@each_score
def test_compiled_searches_get_the_same_answers(name):
    bound = SCORES[name][0].bind(as_table(TABLES[name]))
    with bound.state() as state:
        paths = Paths.of(state, 5, 5)
        for node, parents in families():
            found = ask(state, paths, node, np.array(parents, dtype=np.intp), len(parents))
            assert found == pytest.approx(bound(node, parents), abs=1e-9)


@each_score
def test_containers_names_and_the_order_of_columns_do_not_matter(name):
    score, table = SCORES[name][0], TABLES[name]
    expected = score.local(table, "A", ["B", "D"])
    assert score.local(pl.from_pandas(table), "A", ["B", "D"]) == pytest.approx(expected, rel=1e-12)
    turned = table[list("DEBAC")]
    assert score.local(turned, "A", ["B", "D"]) == pytest.approx(expected, rel=1e-9)
    numbered = table.rename(columns={x: k for k, x in enumerate(NAMES)})
    assert score.local(numbered, 0, [1, 3]) == pytest.approx(expected, rel=1e-12)
    if name in ("gaussian", "extended", "bge", "interventional"):
        other = score.local(table.to_numpy(), "x0", ["x1", "x3"])
        assert other == pytest.approx(expected, rel=1e-12)


@each_score
def test_units_and_labels_do_not_matter(name):
    score, table = SCORES[name][0], TABLES[name]
    other = table.copy()
    for k, column in enumerate(NAMES):
        if table[column].dtype == float:
            other[column] = (-3.0) ** k * 10.0 ** (4 * k - 8) * table[column] + 10 * k
        elif table[column].dtype == "category":
            other[column] = table[column].cat.rename_categories(lambda x: x[::-1] + "!")
    for node, parents in [("A", "B"), ("B", ["A", "C"]), ("D", ["C", "E"]), ("E", list("ABCD"))]:
        changes = [
            score.local(data, node, parents) - score.local(data, node) for data in (table, other)
        ]
        assert changes[1] == pytest.approx(changes[0], rel=1e-6, abs=1e-6)


@each_score
def test_the_input_is_untouched_and_the_score_travels(name):
    score, table = SCORES[name][0], TABLES[name]
    before = table.copy()
    expected = score.local(table, "A", ["B"])
    pd.testing.assert_frame_equal(table, before)
    assert copy.deepcopy(score) == score
    bound = pickle.loads(pickle.dumps(score.bind(as_table(table))))
    assert bound(0, [1]) == pytest.approx(expected, rel=1e-12)


@each_score
def test_hostile_tables_are_refused_with_advice(name):
    score, table = SCORES[name][0], TABLES[name]
    constant = table.copy()
    constant.loc[:, "C"] = constant["C"].iloc[0]
    with pytest.raises(InputError, match=r"'C'.* one value only"):
        score.local(constant, "A", ["B"])
    with pytest.raises(InputError, match="own parents"):
        score.local(table, "A", ["A", "B"])
    with pytest.raises(UnknownVariableError, match="'F'"):
        score.local(table, "A", ["F"])
    holes = table.copy()
    holes.loc[3:9, "C"] = None
    if name != "node-average":
        with pytest.raises(InputError, match="NodeAverage"):
            score.local(holes, "A", ["B"])


@each_score
def test_a_copy_of_a_parent_does_not_raise_the_score(name):
    if name == "kernel-cv":
        pytest.skip("cross-validation charges nothing for it")
    score, table = SCORES[name][0], TABLES[name]
    twice = table.assign(F=table["B"])
    once, both = (score.local(twice, "C", on) for on in (["B"], ["B", "F"]))
    assert both < once


@each_score
def test_few_rows_end_in_numbers_or_advice(name):
    score, table = SCORES[name][0], TABLES[name]
    if isinstance(score, InterventionalBIC):
        score = InterventionalBIC([()] * 7)
    try:
        bound = score.bind(as_table(table.iloc[:7]))
    except InputError:
        return
    for node, parents in families():
        assert not np.isnan(bound(node, parents))
        assert bound(node, parents) < np.inf


def test_without_holes_an_average_is_the_score_with_another_penalty():
    table = TABLES["gaussian"]
    same = GaussianBIC(penalty=2 * 200**0.75 / 5 / np.log(200))
    for node, parents in [("A", "B"), ("C", ["A", "D", "E"])]:
        expected = same.local(table, node, parents)
        assert NodeAverage().local(table, node, parents) == pytest.approx(expected, rel=1e-9)
