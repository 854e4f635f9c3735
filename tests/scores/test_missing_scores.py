from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from causalkit._core.table import as_table
from causalkit.errors import InputError
from causalkit.scores import BDeu, DiscreteBIC, GaussianBIC, NodeAverage
from tests.scores.designs import categories, mixed, numbers


def with_holes(table, rng, share=0.15):
    table = table.copy()
    for name in table:
        if table[name].dtype == bool:
            table[name] = table[name].astype("boolean")
        table.loc[rng.random(len(table)) < share, name] = None
    return table


def test_equals_regressions_on_complete_rows():
    rng = np.random.default_rng(0)
    table = with_holes(numbers(rng, 400), rng)
    bound = NodeAverage(penalty=0.5).bind(as_table(table))
    for node, parents in [(0, [1]), (2, [0, 1]), (4, [0, 1, 2, 3])]:
        rows = table.iloc[:, [node, *parents]].dropna().to_numpy()
        y, Z = rows[:, 0], np.column_stack([np.ones(len(rows)), rows[:, 1:]])
        left = y - Z @ np.linalg.lstsq(Z, y, rcond=None)[0]
        fit = -400 / 2 * np.log(left.var() / y.var())
        expected = fit - 0.5 * 400**0.75 / 5 * len(parents)
        assert bound(node, parents) == pytest.approx(expected, abs=1e-8)


def test_equals_frequencies_on_complete_rows():
    rng = np.random.default_rng(0)
    table = with_holes(categories(rng, 400), rng)
    rows = table[["B", "A", "D"]].dropna()
    plain = DiscreteBIC(1e-9)
    fit = plain.local(rows, "B", ["A", "D"]) - plain.local(rows, "B")
    expected = 400 / len(rows) * fit - 400**0.75 / 5 * (2 * 4 - 2)
    found = NodeAverage(DiscreteBIC()).local(table, "B", ["A", "D"])
    assert found == pytest.approx(expected, abs=1e-5)


def test_what_the_score_inside_is_penalised_with_plays_no_part():
    rng = np.random.default_rng(0)
    table = with_holes(numbers(rng, 200), rng)
    found = [NodeAverage(GaussianBIC(k)).local(table, "A", ["B"]) for k in (1, 9)]
    assert found[0] == pytest.approx(found[1])


def test_an_irrelevant_parent_is_seldom_preferred_where_cells_are_missing():
    rng = np.random.default_rng(0)
    n_wrong = n_found = 0
    for _ in range(60):
        X = rng.normal(size=(1000, 4))
        X[:, 0] += X[:, 1] + X[:, 2]
        X[rng.random(X.shape) < 0.1] = np.nan
        bound = NodeAverage().bind(as_table(X))
        n_wrong += bound(0, [1, 2, 3]) > bound(0, [1, 2])
        n_found += bound(0, [1, 2]) > max(bound(0, [1]), bound(0, [2]))
    assert n_wrong <= 3
    assert n_found == 60


def test_columns_that_are_never_seen_together_cannot_be_parent_and_child():
    rng = np.random.default_rng(0)
    a, b, c = rng.normal(size=(3, 100))
    a[:50], b[50:] = np.nan, np.nan
    bound = NodeAverage().bind(as_table({"a": a, "b": b, "c": c}))
    assert bound(0, [1]) == bound(1, [0]) == -np.inf
    assert np.isfinite(bound(2, [0]))
    assert bound(2, [0, 1]) == -np.inf


def test_a_column_that_is_constant_in_the_shared_rows_has_nothing_to_say():
    a = np.r_[np.zeros(50), np.random.default_rng(0).normal(size=50)]
    b = np.r_[np.random.default_rng(1).normal(size=50), np.full(50, np.nan)]
    bound = NodeAverage().bind(as_table({"a": a, "b": b}))
    assert bound(1, [0]) == -np.inf


def test_what_cannot_be_averaged_is_refused():
    rng = np.random.default_rng(0)
    table = numbers(rng, 50)
    with pytest.raises(InputError, match=r"DiscreteBIC\(\) in place of BDeu"):
        NodeAverage(BDeu()).bind(as_table(table))
    with pytest.raises(InputError, match="'B' has no observed cell"):
        NodeAverage().bind(as_table(table.assign(B=np.nan)))
    with pytest.raises(InputError, match="'B' hold one value only"):
        NodeAverage().bind(as_table(table.assign(B=[1.0, np.nan] * 25)))
    with pytest.raises(InputError, match="'D' is categorical"):
        NodeAverage().bind(as_table(mixed(rng, 50)))
    with pytest.raises(InputError, match="penalty=0"):
        NodeAverage(penalty=0).bind(as_table(pd.DataFrame(table)))
