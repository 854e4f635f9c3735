"""Total effects of linear models, and how far resampled rows scatter them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib import parallel_config

from causalkit.discovery import PC
from causalkit.discovery.lingam.lingam import DirectLiNGAM
from causalkit.discovery.lingam.lingam_bootstrap import bootstrap_effects
from causalkit.discovery.lingam.lingam_effects import EffectMatrix
from causalkit.errors import CausalkitWarning, InputError, UnknownVariableError
from tests.oracles import lingam as oracle
from tests.oracles.graphs import dags

seeds = st.integers(0, 10**6)


@settings(max_examples=30, deadline=None)
@given(dag=dags(1, 6), seed=seeds)
def test_total_effects_are_sums_over_paths(dag, seed):
    rng = np.random.default_rng(seed)
    p = len(dag.nodes)
    direct = EffectMatrix(dag.nodes, dag.directed * rng.normal(size=(p, p)))
    total = direct.total()
    np.testing.assert_allclose(total.values, oracle.total_effects(direct.values), atol=1e-10)
    for a in dag.nodes:
        apart = set(dag.nodes) - dag.descendants(a)
        assert all(total.of(a, b) == 0.0 for b in apart)


def test_effects_in_the_units_of_the_data():
    rng = np.random.default_rng(0)
    a, b, c = rng.uniform(-1, 1, size=(3, 2000))
    b = 3 * a + b
    found = DirectLiNGAM().fit({"a": a, "b": 1000 * b, "c": c - 2 * b})
    total = found.total_effects()
    assert total.of("a", "c") == pytest.approx(-6, abs=0.3)
    assert total.of("c", "a") == total.of("a", "a") == 0.0
    assert total.to_frame().loc["a", "b"] == total.of("a", "b") == pytest.approx(3000, rel=0.05)
    assert "Total effects" in repr(total)
    with pytest.raises(UnknownVariableError):
        total.of("a", "nobody")


def test_bootstrap_effects_scatter_about_the_truth():
    rng = np.random.default_rng(0)
    a, b, c = rng.laplace(size=(3, 400))
    frame = pd.DataFrame({"a": a, "b": 2 * a + b, "c": c})
    found = bootstrap_effects(DirectLiNGAM(), frame, n_resamples=60, random_state=0)
    effect = found.of("a", "b")
    assert effect.low < effect.median < effect.high
    assert effect.low < 2 < effect.high
    assert effect.high - effect.low == pytest.approx(2 * 1.96 / np.sqrt(400), rel=0.5)
    assert effect.forwards + effect.backwards + effect.none == pytest.approx(1)
    assert effect.forwards > 0.95
    assert found.of("a", "c").none > 0.5
    back = found.of("b", "a")
    assert (back.forwards, back.backwards) == (effect.backwards, effect.forwards)
    assert (np.quantile(effect.draws, [0.05, 0.95]) == [*_ends(found.of("a", "b", 0.9))]).all()
    row = found.to_frame().iloc[0]
    assert (row["treatment"], row["outcome"], row["share"]) == ("a", "b", effect.forwards)
    assert "Total effect of a on b" in repr(effect)
    assert "resamples" in repr(found)


def _ends(effect):
    return effect.low, effect.high


@pytest.mark.parametrize("options", [{"resample": "blocks"}, {"clusters": np.arange(200) // 4}])
def test_bootstrap_effects_do_not_depend_on_the_number_of_jobs(options):
    rng = np.random.default_rng(0)
    x, e = rng.laplace(size=(2, 200))
    data = {"x": x, "y": x + e}
    serial = bootstrap_effects(DirectLiNGAM(), data, n_resamples=6, random_state=1, **options)
    with parallel_config("threading"):
        threads = bootstrap_effects(
            DirectLiNGAM(), data, n_resamples=6, random_state=1, n_jobs=2, **options
        )
    assert (serial.draws == threads.draws).all()


def test_bootstrap_effects_refuse_what_they_cannot_do():
    data = {"x": [1.0, 2.0, 4.0], "y": [1.0, 3.0, 2.0]}
    with pytest.raises(InputError, match="learns no total effects"):
        bootstrap_effects(PC(), data)
    with pytest.raises(InputError, match="needs at least"):
        bootstrap_effects(DirectLiNGAM(), data)
    with pytest.raises(InputError, match="n_resamples"):
        bootstrap_effects(DirectLiNGAM(), data, n_resamples=0)
    rng = np.random.default_rng(0)
    x, e = rng.exponential(size=(2, 300))
    found = bootstrap_effects(DirectLiNGAM(), {"x": x, "y": x + e}, n_resamples=3, random_state=0)
    with pytest.raises(InputError, match="two variables"):
        found.of("x", "x")
    with pytest.raises(UnknownVariableError):
        found.of("x", "z")
    few = {"x": [0.0] * 58 + [1.0, 2.0], "y": rng.normal(size=60)}
    with pytest.warns(CausalkitWarning, match="resamples failed"):
        some = bootstrap_effects(DirectLiNGAM(), few, n_resamples=40, random_state=0)
    assert len(some.draws) + len(some.failures) == 40
    assert some.failures
