"""Simulated models say the truth about themselves."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from causalkit._core.table import as_table
from causalkit.errors import InputError, UnknownVariableError
from causalkit.graph import CausalGraph, is_separated
from causalkit.models import ChangingModel, random_changing_model

CHAIN = CausalGraph.parse("a -> b; b -> c")
ROOT = CausalGraph(("v",), np.zeros((1, 1)), "DAG")


def test_columns_places_and_shapes():
    model = random_changing_model(5, n_domains=7, rng=0)
    data = model.sample(72, rng=0)
    assert list(data) == ["domain", "x0", "x1", "x2", "x3", "x4"]
    assert np.bincount(data["domain"]).tolist() == [11, 11, 10, 10, 10, 10, 10]
    assert as_table(data).n_rows == 72
    drift = random_changing_model(3, drift=2.0, rng=0).sample(50, rng=0)
    np.testing.assert_allclose(drift["time"], np.linspace(0, 1, 50))
    assert len(pd.DataFrame(drift)) == 50


def test_a_seed_fixes_model_and_rows():
    def draw(seed, rows):
        return random_changing_model(4, rng=seed).sample(100, rng=rows)

    one = draw(3, 1)
    for name, column in draw(3, 1).items():
        np.testing.assert_array_equal(one[name], column)
    names = [name for name in one if name != "domain"]
    assert all((one[name] != draw(3, 2)[name]).all() for name in names)


@pytest.mark.parametrize(("share", "count"), [(0.0, 0), (0.5, 3), (1.0, 6)])
def test_the_share_of_changing_variables(share, count):
    model = random_changing_model(6, changing=share, rng=1)
    assert len(model.changing) == count
    assert model.surrogate_graph.children("domain") == model.changing
    assert model.surrogate_graph.subgraph(model.graph.nodes) == model.graph


def test_changing_variables_by_name():
    model = random_changing_model(3, graph=CHAIN, changing=["b"], what=["noise"], rng=0)
    assert model.graph == CHAIN
    assert model.changing == {"b"}
    assert model.what("b") == {"noise"}
    assert model.what("a") == frozenset()


def test_variables_are_standardised_over_all_domains():
    for settings in ({"n_domains": 40}, {"drift": 2.0}):
        model = random_changing_model(6, degree=3.0, changing=1.0, rng=2, **settings)
        data = model.sample(20_000, rng=1)
        for name in model.graph.nodes:
            assert abs(data[name].mean()) < 0.15
            assert 0.85 < data[name].std() < 1.15


def test_separated_variables_are_uncorrelated_within_a_domain():
    """a and c given b in a linear chain: partial correlation 0; a and c alone: not 0."""
    assert is_separated(CHAIN, "a", "c", ["b"])
    model = random_changing_model(3, graph=CHAIN, changing=0.0, nonlinear=False, rng=0)
    data = model.sample(20_000, rng=0)
    precision = np.linalg.inv(np.corrcoef([data[name] for name in "abc"]))
    assert abs(precision[0, 2]) / np.sqrt(precision[0, 0] * precision[2, 2]) < 0.03
    assert abs(np.corrcoef(data["a"], data["c"])[0, 1]) > 0.1


def by_domain(model, n, statistic, rng=0):
    data = model.sample(n, rng=rng)
    where = [data["domain"] == k for k in range(model.n_domains)]
    return np.array(
        [statistic({name: column[rows] for name, column in data.items()}) for rows in where]
    )


def test_an_intercept_is_moved_by_the_driving_force():
    model = random_changing_model(
        1, graph=ROOT, changing=1.0, what=["intercept"], n_domains=20, rng=0
    )
    means = by_domain(model, 40_000, lambda d: d["v"].mean())
    assert np.corrcoef(means, model.driving("v"))[0, 1] > 0.995


def test_noise_is_scaled_by_the_driving_force():
    model = random_changing_model(1, graph=ROOT, changing=1.0, what=["noise"], n_domains=20, rng=0)
    scales = by_domain(model, 40_000, lambda d: np.log(d["v"].std()))
    assert np.corrcoef(scales, model.driving("v"))[0, 1] > 0.995
    means = by_domain(model, 40_000, lambda d: d["v"].mean())
    assert np.abs(means).max() < 0.15


def test_a_coefficient_is_moved_by_the_driving_force():
    graph = CausalGraph.parse("a -> b")
    model = random_changing_model(
        2, graph=graph, changing=["b"], what=["coefficient"], nonlinear=False, n_domains=20, rng=0
    )
    slopes = by_domain(model, 40_000, lambda d: np.polyfit(d["a"], d["b"], 1)[0])
    assert abs(np.corrcoef(slopes, model.driving("b"))[0, 1]) > 0.99
    left = by_domain(
        model, 40_000, lambda d: np.std(d["b"] - np.polyval(np.polyfit(d["a"], d["b"], 1), d["a"]))
    )
    assert np.ptp(left) < 0.1


def test_a_variable_without_causes_changes_its_noise_if_nothing_else_may():
    model = random_changing_model(1, graph=ROOT, changing=1.0, what=["coefficient"], rng=0)
    assert model.what("v") == {"noise"}


def test_driving_forces_are_bounded_smooth_and_independent():
    model = random_changing_model(4, drift=1.0, changing=1.0, rng=0)
    for name in model.graph.nodes:
        curve = model.driving(name, np.linspace(0, 1, 501))
        assert np.abs(curve).max() == pytest.approx(1.0)
        assert np.abs(np.diff(curve)).max() < 0.05
        assert len(model.driving(name)) == 101
    rng = np.random.default_rng(0)
    many = random_changing_model(8, n_domains=5000, degree=0.0, changing=1.0, rng=rng)
    forces = np.array([many.driving(name) for name in many.graph.nodes])
    assert np.abs(np.corrcoef(forces) - np.eye(8)).max() < 0.06


def test_truth_cannot_be_changed_by_its_reader():
    model = random_changing_model(2, changing=1.0, rng=0)
    model.driving("x0")[:] = 9.0
    assert np.abs(model.driving("x0")).max() <= 1.0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_domains": 3, "drift": 1.0}, "both given"),
        ({"n_domains": 0}, "n_domains"),
        ({"drift": -1.0}, "drift"),
        ({"what": ["mean"]}, "what"),
        ({"what": []}, "what is empty"),
        ({"changing": 1.5}, "changing"),
        ({"degree": 9.0}, "expected_degree"),
        ({"graph": CHAIN}, "n_variables=2"),
        ({"graph": "a -> b"}, "expected a CausalGraph"),
        ({"graph": CausalGraph.parse("domain -> b")}, "'domain'"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        random_changing_model(2, **settings)


def test_unknown_names_are_refused():
    with pytest.raises(UnknownVariableError, match="dose"):
        random_changing_model(3, graph=CHAIN, changing=["dose"])
    model = random_changing_model(3, graph=CHAIN, changing=["b"], rng=0)
    assert isinstance(model, ChangingModel)
    with pytest.raises(UnknownVariableError, match="variables that change"):
        model.driving("a")
    with pytest.raises(InputError, match="n=0"):
        model.sample(0)
