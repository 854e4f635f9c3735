from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalkit._core.table import as_table
from causalkit.errors import InputError
from causalkit.independence import GSquare
from causalkit.scores import BDeu, DiscreteBIC
from tests.conftest import needs_recent_causal_learn
from tests.oracles import discrete, scores


def frame(codes):
    return pd.DataFrame(codes).astype("category")


@pytest.mark.parametrize("seed", range(6))
def test_equal_counting_by_hand(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([12, 129, 700]))
    codes = discrete.categories(rng, n, rng.choice([2, 3, 5, 40], 8, p=[0.4, 0.4, 0.1, 0.1]))
    table = as_table(frame(codes))
    bayes, bic = BDeu(equivalent_sample_size=3).bind(table), DiscreteBIC(penalty=2).bind(table)
    for size in (0, 1, 2, 3, 5, 7):
        node, *rest = rng.permutation(8).tolist()
        parents = rest[:size]
        expected = scores.bdeu(codes, node, parents, 3)
        assert bayes(node, parents) == pytest.approx(expected, rel=1e-9)
        expected = scores.discrete_bic(codes, node, parents, 2)
        assert bic(node, parents) == pytest.approx(expected, rel=1e-9)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(*[st.integers(0, 3)] * 4), min_size=2, max_size=25),
    size=st.floats(0.01, 100),
)
def test_any_small_table(rows, size):
    codes = np.array(rows)
    if (codes.min(axis=0) == codes.max(axis=0)).any():
        return
    bound = BDeu(size).bind(as_table(codes))
    for parents in ([], [1], [1, 2], [3, 1, 2]):
        assert bound(0, parents) == pytest.approx(scores.bdeu(codes, 0, parents, size), rel=1e-9)


@needs_recent_causal_learn
def test_agrees_with_causal_learn():
    from causallearn.score.LocalScoreFunction import local_score_BDeu

    rng = np.random.default_rng(0)
    codes = discrete.categories(rng, 300, [2, 3, 4, 2, 3])
    levels = {k: len(np.unique(codes[:, k])) for k in range(5)}
    bound = BDeu(7).bind(as_table(codes))
    settings = {"sample_prior": 7, "structure_prior": 1, "r_i_map": levels}
    for parents in ([], [1], [1, 2], [1, 2, 3], [4, 3, 2, 1]):
        prior = len(parents) * math.log(1 / 4) + (4 - len(parents)) * math.log(3 / 4)
        theirs = local_score_BDeu(codes, 0, parents, settings) - prior
        assert bound(0, parents) == pytest.approx(theirs, rel=1e-9)


def test_bic_of_two_variables_is_half_of_g_square_less_its_price():
    codes = discrete.categories(np.random.default_rng(0), 500, [3, 4])
    gain = DiscreteBIC().bind(as_table(codes)).gains(0, [], [1])[0]
    g_square = GSquare().test(frame(codes), 0, 1).statistic
    assert gain == pytest.approx(g_square / 2 - np.log(500) / 2 * 2 * 3)


def test_many_parents_take_no_more_memory_than_the_rows():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 9, (400, 60))
    table = as_table(codes)
    parents = list(range(1, 60))  # 9^59 combinations
    assert BDeu().bind(table)(0, parents) == pytest.approx(scores.bdeu(codes, 0, parents, 1))
    assert DiscreteBIC().bind(table)(0, parents) < -1e50


def test_a_category_with_thousands_of_levels():
    rng = np.random.default_rng(0)
    codes = np.column_stack([rng.integers(0, 3, 4000), rng.permutation(4000), np.arange(4000) // 2])
    table = as_table(frame(codes))
    bound = BDeu().bind(table)
    for parents in ([1], [2], [1, 2]):
        assert bound(0, parents) == pytest.approx(scores.bdeu(codes, 0, parents, 1), rel=1e-9)
    assert bound(1, [2]) == pytest.approx(scores.bdeu(codes, 1, [2], 1), rel=1e-9)
    assert (DiscreteBIC().bind(table).gains(0, [], [1, 2]) < 0).all()


def test_booleans_numbers_and_categories_are_one():
    codes = discrete.categories(np.random.default_rng(0), 200, [2, 3, 2])
    as_numbers = BDeu().local(codes, "x0", ["x1", "x2"])
    table = pd.DataFrame(codes, columns=["x0", "x1", "x2"])
    table = table.assign(
        x0=table.x0 == 1, x1=pd.Categorical(table.x1).rename_categories(list("abc"))
    )
    assert BDeu().local(table, "x0", ["x1", "x2"]) == pytest.approx(as_numbers)


@pytest.mark.parametrize("score", [BDeu(), DiscreteBIC()])
def test_continuous_columns_are_refused(score):
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match=r"different numbers.*use a score for numeric"):
        score.local(rng.normal(size=(100, 2)), "x0", ["x1"])


@pytest.mark.parametrize("value", [0, -1, np.inf, np.nan, "1", True])
def test_settings_are_checked(value):
    data = {"a": [0, 1, 0], "b": [0, 0, 1]}
    with pytest.raises(InputError, match="above 0"):
        BDeu(value).local(data, "a")
    with pytest.raises(InputError, match="above 0"):
        DiscreteBIC(value).local(data, "a")
