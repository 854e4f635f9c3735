"""Asking about all candidates at once gives the answers of asking one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib import parallel_config

from causalkit._core.table import as_table
from causalkit.errors import InputError, NumericalError
from causalkit.independence import FisherZ
from causalkit.independence.sweep import bind_wide, sweep_of


def wide(values):
    table = as_table(values)
    return FisherZ().bind(table), bind_wide(FisherZ(), table, table.names)


def messy(rng, n, p):
    """Dependent columns in odd units; some are copies or sums of others."""
    values = rng.normal(size=(n, p)) @ rng.normal(size=(p, p))
    if p > 4:
        values[:, 1] = values[:, 0]
        values[:, 2] = values[:, 3] - 2 * values[:, 4]
    return values * 10.0 ** rng.integers(-8, 9, p) + 10.0 ** rng.integers(-3, 4, p)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_a_sweep_agrees_with_single_questions_whatever_was_asked_before(seed):
    rng = np.random.default_rng(seed)
    n, p = int(rng.integers(5, 60)), int(rng.integers(3, 12))
    one, other = wide(messy(rng, n, p))
    sweep = sweep_of(other, 0)
    held: list[int] = []
    for _ in range(6):
        held = held[: rng.integers(0, len(held) + 1)]
        free = [k for k in range(1, p) if k not in held]
        if len(free) > 1:
            held.append(int(rng.choice(free)))
        free = np.array([k for k in range(1, p) if k not in held], dtype=np.intp)
        candidates = free[np.sort(rng.permutation(len(free))[: rng.integers(1, len(free) + 1)])]
        statistic, p_value = sweep.ask(held, candidates)
        for k, z, value in zip(candidates, statistic, p_value, strict=True):
            try:
                expected = one(0, int(k), held)
            except NumericalError:
                assert np.isnan(z)
                assert np.isnan(value)
            else:
                assert z == pytest.approx(expected.statistic, rel=1e-5, abs=1e-5)
                assert value == pytest.approx(expected.p_value, rel=1e-4, abs=1e-6)


def test_well_conditioned_answers_agree_to_the_last_digits():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(300, 40))
    values[:, 1:] += 0.5 * values[:, :1]
    one, other = wide(values)
    candidates = np.arange(4, 40)
    statistic, p_value = sweep_of(other, 0).ask((1, 2, 3), candidates)
    single = [one(0, int(k), (1, 2, 3)) for k in candidates]
    np.testing.assert_allclose(statistic, [r.statistic for r in single], rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(p_value, [r.p_value for r in single], rtol=1e-10)
    assert other(0, 4, (1, 2)).p_value == pytest.approx(one(0, 4, (1, 2)).p_value, rel=1e-11)


def test_searches_for_separators_agree():
    rng = np.random.default_rng(1)
    for _ in range(40):
        values = rng.normal(size=(50, 8)) @ rng.normal(size=(8, 8))
        one, other = wide(values)
        pool = rng.permutation(np.arange(2, 8))[: rng.integers(2, 7)].tolist()
        asked = frozenset(pool[:2])
        for order in range(3):
            found = [b.first_separator(0, 1, pool, order, 0.3, asked=asked) for b in (one, other)]
            assert found[0].separated == found[1].separated
            assert found[0].given == found[1].given
            assert found[0].n_tests == found[1].n_tests


def test_any_other_test_is_asked_one_by_one_and_n_jobs_does_not_matter():
    rng = np.random.default_rng(2)
    one, other = wide(rng.normal(size=(40, 90)))
    candidates = np.arange(3, 90)
    fast = sweep_of(other, 0).ask((1, 2), candidates)
    for n_jobs in (None, 2):
        with parallel_config("threading"):
            slow = sweep_of(one, 0, n_jobs=n_jobs).ask((1, 2), candidates)
        np.testing.assert_allclose(slow, fast, rtol=1e-9)


def test_what_fisher_z_refuses_is_refused_in_its_words():
    rng = np.random.default_rng(3)
    good = dict(zip("abc", rng.normal(size=(3, 9)), strict=True))
    import pandas as pd

    for column, words in (
        (np.ones(9), "hold one value only"),
        (np.r_[np.nan, np.ones(8)], "missing"),
        (pd.Categorical(list("abcabcabc")), "categorical with 3 levels"),
    ):
        table = as_table(good | {"d": column})
        with pytest.raises(InputError, match=words):
            bind_wide(FisherZ(), table, table.names)
    table = as_table({name: column[:3] for name, column in good.items()})
    with pytest.raises(InputError, match="at least 4 rows"):
        bind_wide(FisherZ(), table, table.names)
