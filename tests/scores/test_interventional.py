from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import polars as pl
import pytest

from causalkit._core.table import as_table
from causalkit.errors import InputError, UnknownVariableError
from causalkit.graph import CausalGraph
from causalkit.scores import GaussianBIC, InterventionalBIC

TARGETS = {"control": (), "a": "a", "b and c": ("b", "c"), "a and e": ["a", "e"]}


def simulated(rng, sizes=(60, 50, 40, 70)):
    """A chain with shortcuts over a, …, e; targets are drawn anew, with another mean."""
    parts = []
    for (label, names), n in zip(TARGETS.items(), sizes, strict=True):
        X = rng.normal(size=(n, 5))
        for k in range(1, 5):
            if "abcde"[k] in names:
                X[:, k] = 3 + 2 * X[:, k]
            else:
                X[:, k] += X[:, k - 1] + 0.5 * X[:, 0]
        parts.append(pd.DataFrame(X, columns=list("abcde")).assign(regime=label))
    table = pd.concat(parts, ignore_index=True)
    return table.assign(regime=table.regime.astype("category"))


def by_least_squares(table, node, parents, penalty):
    """Relative to no parents, on the rows in which the node was left alone."""
    rows = table[[node not in TARGETS[label] for label in table.regime]]
    y, n = rows[node].to_numpy(), len(rows)
    Z = np.column_stack([np.ones(n), rows[list(parents)]])
    left = y - Z @ np.linalg.lstsq(Z, y, rcond=None)[0]
    price = penalty * np.log(len(table)) / 2 * len(parents)
    return -n / 2 * np.log(left @ left / ((y - y.mean()) @ (y - y.mean()))) - price


def test_equals_regressions_on_the_rows_in_which_a_node_was_left_alone():
    table = simulated(np.random.default_rng(0))
    score = InterventionalBIC(TARGETS, regime="regime", penalty=1.5)
    bound = score.bind(as_table(table))
    assert bound.n_columns == 5
    for node in range(5):
        others = [k for k in range(5) if k != node]
        for size in range(5):
            for parents in combinations(others, size):
                names = ["abcde"[k] for k in parents]
                expected = by_least_squares(table, "abcde"[node], names, 1.5)
                assert bound(node, parents) == pytest.approx(expected, abs=1e-8)


def test_a_regime_may_be_text():
    table = simulated(np.random.default_rng(0))
    score = InterventionalBIC(TARGETS, regime="regime")
    dag = CausalGraph.parse("a -> b -> c -> d -> e; a -> d")
    expected = score.total(table, dag)
    text = table["regime"].astype(object)
    for regime in (text, text.astype("str"), np.array(text, dtype=str), text.tolist()):
        columns = {name: table[name].to_numpy() for name in "abcde"} | {"regime": regime}
        if isinstance(regime, pd.Series):
            columns["regime"] = regime.reset_index(drop=True)
        assert score.total(columns, dag) == expected
        assert score.local(columns, "d", "c") == score.local(table, "d", "c")
    assert score.total(pl.from_pandas(table.assign(regime=text)), dag) == expected
    with pytest.raises(InputError, match="missing in 3 row"):
        score.total(table.assign(regime=text.mask(np.arange(len(text)) < 3)), dag)
    with pytest.raises(InputError, match="says nothing of 'z'"):
        score.total(table.assign(regime=text.where(np.arange(len(text)) > 3, "z")), dag)
    with pytest.raises(InputError, match="column 'a' holds text"):
        score.total(table.assign(a=text), dag)
    with pytest.raises(UnknownVariableError, match="'regime'"):
        score.total(table.drop(columns="regime"), dag)


def test_rows_may_list_their_targets_in_place_of_a_column():
    table = simulated(np.random.default_rng(1))
    by_row = InterventionalBIC([TARGETS[label] for label in table.regime])
    by_column = InterventionalBIC(TARGETS, regime="regime")
    dag = CausalGraph.parse("a -> b -> c -> d -> e; a -> d")
    expected = by_column.total(table, dag)
    assert by_row.total(table.drop(columns="regime"), dag) == pytest.approx(expected)
    shuffled = table.sample(frac=1, random_state=0)
    assert by_column.total(shuffled, dag) == pytest.approx(expected)


@pytest.mark.parametrize("column", ["float", "int", "bool"])
def test_a_regime_may_be_a_number_or_a_boolean(column):
    table = simulated(np.random.default_rng(2), (60, 50, 4, 4))[:110]
    expected = InterventionalBIC(TARGETS, regime="regime").local(table, "b", ["a"])
    changed = table.assign(regime=(table.regime == "a").astype(column))
    targets = {0: (), 1: "a"}
    score = InterventionalBIC(targets, regime="regime")
    assert score.local(changed, "b", ["a"]) == pytest.approx(expected)


def test_without_targets_it_is_the_gaussian_score():
    table = simulated(np.random.default_rng(3)).drop(columns="regime")
    score = InterventionalBIC([()] * len(table), penalty=1)
    dag = CausalGraph.parse("a -> b -> c -> d -> e; a -> d")
    assert score.total(table, dag) == pytest.approx(GaussianBIC(1).total(table, dag), rel=1e-12)


def test_an_intervention_on_one_end_tells_equivalent_graphs_apart():
    table = simulated(np.random.default_rng(4))
    score = InterventionalBIC(TARGETS, regime="regime")
    graphs = [CausalGraph.parse(f"{text}; d; e") for text in ("a -> b; c", "b -> a; c")]
    assert score.total(table, graphs[0]) > score.total(table, graphs[1]) + 5
    # b and c are intervened upon together and never apart: nothing tells their order
    together = [CausalGraph.parse(f"{text}; a; d; e") for text in ("b -> c", "c -> b")]
    totals = [score.total(table, graph) for graph in together]
    assert totals[0] == pytest.approx(totals[1], abs=1e-9)


def test_a_variable_that_is_held_fixed_elsewhere_is_no_parent():
    rng = np.random.default_rng(5)
    a, b = rng.normal(size=(2, 100))
    fixed = np.arange(100) < 60
    a[fixed] = 1.0
    b[~fixed] = 0.0
    score = InterventionalBIC(["a" if one else "b" for one in fixed])
    bound = score.bind(as_table({"a": a, "b": b}))
    price = np.log(100)
    assert bound(1, [0]) == pytest.approx(-price)
    assert bound(0, [1]) == pytest.approx(-price)


def test_extreme_interventions_cost_no_digits():
    rng = np.random.default_rng(6)
    table = simulated(rng)
    changed = table.copy()
    changed.loc[table.regime == "a", "a"] *= 1e9
    score = InterventionalBIC(TARGETS, regime="regime")
    assert score.local(changed, "a", ["d"]) == pytest.approx(score.local(table, "a", ["d"]))


def test_many_regimes_are_no_matter():
    rng = np.random.default_rng(7)
    names = [f"g{k}" for k in range(30)]
    X = pd.DataFrame(rng.normal(size=(620, 30)), columns=names)
    X["g1"] += X["g0"]
    targets = [(), *names]
    which = [targets[k % 31] for k in range(620)]
    bound = InterventionalBIC(which).bind(as_table(X))
    assert bound.n.tolist() == [600.0] * 30
    rows = X[[name != "g1" for name in which]]
    expected = GaussianBIC().bind(as_table(rows))(1, [0, 4])
    more = 2 * (np.log(620) - np.log(600))
    assert bound(1, [0, 4]) == pytest.approx(expected - more)


@pytest.mark.parametrize(
    ("score", "error", "match"),
    [
        (InterventionalBIC([()] * 5), InputError, "lists 5 rows and the data have 220"),
        (InterventionalBIC({"control": ()}), InputError, "no regime is named"),
        (InterventionalBIC([()] * 220, regime="regime"), InputError, "expected a mapping"),
        (InterventionalBIC({"control": ()}, regime="regime"), InputError, "says nothing of 'a'"),
        (InterventionalBIC({**TARGETS, "a": "z"}, regime="regime"), UnknownVariableError, "'z'"),
        (InterventionalBIC(TARGETS, regime="site"), UnknownVariableError, "'site'"),
        (
            InterventionalBIC(dict.fromkeys(TARGETS, "a"), regime="regime"),
            InputError,
            "'a' were intervened upon in all rows but 0",
        ),
    ],
)
def test_targets_that_do_not_fit_are_refused(score, error, match):
    table = simulated(np.random.default_rng(0))
    with pytest.raises(error, match=match):
        score.bind(as_table(table))


def test_a_variable_must_vary_where_it_is_left_alone():
    table = simulated(np.random.default_rng(0))
    table.loc[~table.regime.isin(["a", "a and e"]), "a"] = 0.0
    with pytest.raises(InputError, match="'a' hold one value only in the rows"):
        InterventionalBIC(TARGETS, regime="regime").bind(as_table(table))
