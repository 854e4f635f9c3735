from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from causalkit._core.table import as_table
from causalkit.scores import (
    ConditionalGaussianBIC,
    DegenerateGaussianBIC,
    DiscreteBIC,
    GaussianBIC,
)
from tests.oracles import scores
from tests.scores.designs import categories, mixed, numbers


def families(p):
    for node in range(p):
        others = [k for k in range(p) if k != node]
        for size in range(p):
            for parents in combinations(others, size):
                yield node, list(parents)


def test_degenerate_gaussian_equals_least_squares_on_indicators():
    table = mixed(np.random.default_rng(0), 150)
    blocks = [
        pd.get_dummies(table[name]).to_numpy(float)[:, 1:]
        if table[name].dtype != float
        else table[[name]].to_numpy()
        for name in table
    ]
    bound = DegenerateGaussianBIC(penalty=1.5).bind(as_table(table))
    for node, parents in families(5):
        found = bound(node, parents) - bound(node, [])
        expected = scores.blocks_bic(blocks, node, parents, 1.5)
        assert found == pytest.approx(expected, abs=1e-8)


def test_conditional_gaussian_equals_a_gaussian_in_each_cell():
    rng = np.random.default_rng(0)
    table = mixed(rng, 900)
    table["B"] = rng.permutation(table["B"])  # so that no cell is small
    values = table.assign(D=table["D"].cat.codes).to_numpy(float)
    numeric = [True, False, True, False, True]
    bound = ConditionalGaussianBIC(penalty=1.5).bind(as_table(table))
    for node, parents in families(5):
        expected = scores.conditional_gaussian_bic(values, numeric, node, parents, 1.5)
        if numeric[node]:  # units: a constant that depends on the node alone
            expected -= -len(values) / 2 * np.log(values[:, node].var())
        assert bound(node, parents) == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("score", [ConditionalGaussianBIC(2.0), DegenerateGaussianBIC()])
def test_numbers_alone_are_scored_as_by_the_gaussian_score(score):
    table = as_table(numbers(np.random.default_rng(0), 300))
    bound, gaussian = score.bind(table), GaussianBIC().bind(table)
    for node, parents in families(5):
        gain = bound(node, parents) - bound(node, [])
        assert gain == pytest.approx(gaussian(node, parents), abs=1e-8)


def test_categories_alone_are_scored_as_by_the_discrete_score():
    table = as_table(categories(np.random.default_rng(0), 300))
    bound, counts = ConditionalGaussianBIC().bind(table), DiscreteBIC().bind(table)
    for node, parents in families(5):
        assert bound(node, parents) == pytest.approx(counts(node, parents), abs=1e-8)


def test_small_cells_share_a_gaussian():
    """Of four cells two are too small; together they have rows enough."""
    rng = np.random.default_rng(0)
    cell = np.repeat([0, 1, 2, 3], [100, 80, 8, 6])
    x = rng.normal(size=194) * np.array([1, 2, 3, 3])[cell] + cell
    table = {"cell": pd.Categorical.from_codes(cell, list("pqrs")), "x": x}
    found = ConditionalGaussianBIC().local(table, "x", ["cell"])
    parts = [np.isin(cell, some) for some in ([0], [1], [2, 3])]
    fit = -sum(part.sum() / 2 * np.log(x[part].var() / x.var()) for part in parts)
    assert found == pytest.approx(fit - np.log(194) / 2 * 4 * 2)


def test_a_cell_in_which_a_number_is_fixed_is_no_catch():
    rng = np.random.default_rng(0)
    owner = rng.random(300) < 0.5
    rent = np.where(owner, 0.0, rng.normal(10, 2, 300))
    income = rng.normal(size=300) + 3 * owner
    bound = ConditionalGaussianBIC().bind(as_table({"o": owner, "r": rent, "i": income}))
    for node, parents in families(3):
        assert np.isfinite(bound(node, parents))


def test_levels_that_do_not_occur_do_not_count():
    table = mixed(np.random.default_rng(0), 300)
    some = table[table["D"] != "low"].reset_index(drop=True)
    fewer = some.assign(D=some["D"].cat.remove_unused_categories())
    rows = as_table(table).rows((table["D"] != "low").to_numpy())
    for score in (DegenerateGaussianBIC(), ConditionalGaussianBIC()):
        found, expected = score.bind(rows), score.bind(as_table(fewer))
        assert found(0, [1, 3]) == pytest.approx(expected(0, [1, 3]), rel=1e-12)
        assert found(3, [0, 1]) == pytest.approx(expected(3, [0, 1]), rel=1e-12)


def test_only_one_of_them_sees_a_change_of_variance():
    rng = np.random.default_rng(0)
    group = rng.random(500) < 0.5
    table = {"g": group, "x": rng.normal(size=500) * np.where(group, 3.0, 1.0)}
    for score, sees in ((ConditionalGaussianBIC(), True), (DegenerateGaussianBIC(), False)):
        assert (score.local(table, "x", "g") > score.local(table, "x")) == sees


def test_nested_categories_are_scored():
    """A city lies in one country: their indicators are linearly dependent."""
    rng = np.random.default_rng(0)
    city = rng.integers(6, size=400)
    table = {
        "city": pd.Categorical.from_codes(city, list("abcdef")),
        "country": pd.Categorical.from_codes(city // 2, list("xyz")),
        "x": city // 2 + rng.normal(size=400),
    }
    bound = DegenerateGaussianBIC().bind(as_table(table))
    assert bound(1, [0]) > bound(1, [2]) > bound(1, [])  # what is determined is explained best
    assert bound(0, [1]) > bound(0, [2]) > bound(0, [])
    assert bound(2, [1]) > bound(2, [0]) > bound(2, [0, 1]) > -np.inf
    assert bound.gains(2, [0], [1])[0] == pytest.approx(bound(2, [0, 1]) - bound(2, [0]))


@pytest.mark.parametrize("score", [ConditionalGaussianBIC(2.0), DegenerateGaussianBIC()])
def test_a_copy_of_a_number_is_scored_as_by_the_gaussian_score(score):
    """It explains all of the other one; where there are both, one of them explains nothing."""
    table = numbers(np.random.default_rng(0), 300)
    table = as_table(table.assign(copy=3 * table.iloc[:, 0] + 1))
    bound, gaussian = score.bind(table), GaussianBIC().bind(table)
    copy, rest = 5, [1, 2, 3, 4]
    for node, parents in ((0, [copy]), (copy, [0]), (0, [copy, *rest]), (copy, [0, *rest])):
        gain = bound(node, parents) - bound(node, [])
        assert gain == pytest.approx(gaussian(node, parents), abs=1e-3)
    for k in rest:
        both = bound.gains(k, [0], [copy])[0]
        assert both == pytest.approx(bound(k, [0, copy]) - bound(k, [0]), abs=1e-3)
        assert -100 < both < 0
