"""Effects over time: sums over paths, nodes in any spelling, a table."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalkit.discovery.series.structural.lagged_effects import LaggedEffects
from causalkit.errors import InputError, UnknownVariableError
from causalkit.graph import Lagged
from tests.oracles import svar


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), p=st.integers(1, 3), max_lag=st.integers(1, 3))
def test_total_effects_are_sums_over_all_paths_of_the_unrolled_graph(seed, p, max_lag):
    weights = svar.random_weights(np.random.default_rng(seed), p, max_lag, 0.6)
    names = tuple("xyz"[:p])
    total = LaggedEffects(names, weights).total(4)
    expected = svar.unrolled_effects(weights, 4)
    np.testing.assert_allclose(total.values, expected, atol=1e-12)
    assert ((total.values != 0) <= (expected != 0)).all()  # where no path leads, exactly 0


def test_a_pulse_does_in_a_simulation_what_the_total_effect_says():
    weights = svar.random_weights(np.random.default_rng(3), 3, 2, 0.6)
    n_lags, inverse = len(weights), np.linalg.inv(np.eye(3) - weights[0])
    total = LaggedEffects(("x", "y", "z"), weights).total(6)
    for cause in range(3):
        values = np.zeros((10, 3))
        for t in range(2, 10):
            past = sum(values[t - lag] @ weights[lag] for lag in range(1, n_lags))
            values[t] = (past + (t == 3) * np.eye(3)[cause]) @ inverse
        values[3, cause] -= 1.0
        np.testing.assert_allclose(total.values[:, cause], values[3:], atol=1e-12)


def test_nodes_may_be_written_in_any_way():
    values = np.zeros((2, 2, 2))
    values[1, 0, 1], values[0, 1, 0] = 3.0, 5.0
    effects = LaggedEffects(("x", 7), values)
    assert effects.of("x[t-1]", 7) == effects.of(("x", 1), Lagged(7)) == 3.0
    assert effects.of("x[t-3]", "7[t-2]") == 3.0
    assert effects.of(7, "x[t-1]") == 0.0
    assert effects.of(7, "x") == 5.0
    with pytest.raises(UnknownVariableError):
        effects.of("y", "x")
    with pytest.raises(InputError, match="2 steps apart"):
        effects.of("x[t-2]", 7)
    with pytest.raises(InputError, match="horizon=-1"):
        effects.total(-1)


def test_it_prints_and_makes_a_table():
    values = np.zeros((2, 2, 2))
    values[1, 0, 1] = 3.0
    effects = LaggedEffects(("x", "y"), values)
    frame = effects.to_frame()
    assert frame.shape == (4, 2)
    assert frame.loc["x[t-1]", "y[t]"] == 3.0
    assert "x[t-1]" in str(effects)
    assert "All others are 0." in str(effects)
    many = LaggedEffects(tuple("abcdef"), np.ones((1, 6, 6)))
    assert "16 more" in str(many)
    with pytest.raises(ValueError, match="read-only"):
        effects.values[0, 0, 0] = 1.0
