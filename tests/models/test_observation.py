"""Layers over data: shares as asked for, causes that are the causes, and truth that is kept."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from causalkit.errors import InputError, UnknownVariableError
from causalkit.graph import CausalGraph, LaggedGraph
from causalkit.models.noise import Student
from causalkit.models.observation import (
    Censoring,
    Dropouts,
    MeasurementError,
    Missing,
    ObservedModel,
    Outliers,
    Rounding,
    ZeroInflation,
    observe,
)
from causalkit.models.random_models.series import random_series
from causalkit.models.structural_var import random_svar

N = 8000
LAYERS = [
    Missing("MCAR", 0.2),
    Missing("MAR", 0.2),
    Missing("MNAR", 0.2),
    Missing("blocks", 0.2),
    MeasurementError(),
    Outliers(),
    ZeroInflation(),
    Dropouts(),
    Rounding(0.5),
    Censoring(lower_share=0.1),
]


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N, 4)) @ (np.eye(4) + 0.4)
    return pd.DataFrame(x, columns=list("abcd"))


def log_odds_slope(values, hit):
    """Slope of a logistic regression on the standardised values."""
    z = ((values - values.mean()) / values.std()).to_numpy()
    X, slopes = np.column_stack([np.ones(len(z)), z]), np.zeros(2)
    for _ in range(12):
        chance = 1 / (1 + np.exp(-X @ slopes))
        hessian = (X * (chance * (1 - chance))[:, None]).T @ X
        slopes = slopes + np.linalg.solve(hessian, X.T @ (hit.to_numpy() - chance))
    return slopes[1]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
def test_layers_keep_the_truth_and_repeat_themselves(layer, table):
    before = table.copy()
    one, other = layer.apply(table, rng=3), layer.apply(table, rng=3)
    pd.testing.assert_frame_equal(table, before)
    pd.testing.assert_frame_equal(one.truth, before)
    pd.testing.assert_frame_equal(one.data, other.data)
    pd.testing.assert_frame_equal(one.data.isna(), one.missing)
    untouched = ~(one.missing | one.changed).to_numpy()
    np.testing.assert_array_equal(one.data.to_numpy()[untouched], before.to_numpy()[untouched])
    assert (one.data.to_numpy() != before.to_numpy())[one.changed].all()
    assert "8,000 rows" in repr(one)


@pytest.mark.parametrize("kind", ["MCAR", "MAR", "MNAR"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.7])
def test_shares_are_reached_within_their_error(kind, share, table):
    seen = Missing(kind, share).apply(table, rng=1)
    found = seen.missing[list(seen.causes)].mean()
    assert np.abs(found - share).max() < 4 * np.sqrt(share * (1 - share) / N)


def test_missing_at_random_has_the_causes_it_names_and_no_other(table):
    seen = Missing("MAR", 0.3, columns=["a", "b"], drivers="d", strength=1.5).apply(table, rng=0)
    assert seen.causes == {"a": ("d",), "b": ("d",)}
    for name in "ab":
        hit = seen.missing[name]
        assert log_odds_slope(table["d"], hit) == pytest.approx(1.5, abs=0.12)
        # given the driver, the value itself says nothing
        z = (table["d"] - table["d"].mean()) / table["d"].std()
        left = hit - hit.groupby(pd.qcut(z, 200), observed=True).transform("mean")
        rest = table[name] - np.polyval(np.polyfit(z, table[name], 1), z)
        assert abs(np.corrcoef(left, rest)[0, 1]) < 4 / np.sqrt(N)


def test_drivers_that_are_drawn_are_always_seen(table):
    for seed in range(6):
        seen = Missing("MAR", 0.4).apply(table, rng=seed)
        drivers = {driver for causes in seen.causes.values() for driver in causes}
        assert len(seen.causes) == 2
        assert not seen.missing[list(drivers)].any(axis=None)


def test_values_that_hide_themselves(table):
    seen = Missing("MNAR", 0.3, columns="a", strength=-2.0).apply(table, rng=0)
    assert seen.causes == {"a": ("a",)}
    assert log_odds_slope(table["a"], seen.missing["a"]) == pytest.approx(-2.0, abs=0.15)
    others = Missing("MNAR", 0.3, columns=["a", "b"], drivers={"a": "b", "b": "a"})
    assert others.apply(table, rng=0).causes == {"a": ("b",), "b": ("a",)}


@pytest.mark.parametrize(("share", "length"), [(0.1, 5.0), (0.3, 20.0), (0.5, 3.0)])
def test_blocks_are_as_long_and_as_many_as_asked_for(share, length):
    n = 200_000
    seen = Missing("blocks", share, length=length).apply({"x": np.zeros(n)}, rng=2)
    hole = seen.missing["x"].to_numpy()
    edges = np.flatnonzero(np.diff(hole.astype(int)))
    n_blocks = (np.diff(hole.astype(int)) == 1).sum()
    error = np.sqrt(n_blocks) / n_blocks
    assert hole.mean() == pytest.approx(share, rel=5 * error)
    assert hole.sum() / n_blocks == pytest.approx(length, rel=5 * error)
    lengths = np.diff(edges)[hole[edges[:-1] + 1]]
    assert lengths.var() == pytest.approx(length * (length - 1), rel=0.2)


def test_blocks_that_fail_together(table):
    seen = Missing("blocks", 0.2, together=True).apply(table, rng=0)
    assert (seen.missing.nunique(axis=1) == 1).all()
    apart = Missing("blocks", 0.2).apply(table, rng=0).missing.corr().to_numpy()
    assert np.abs(apart - np.eye(4)).max() < 0.1


def test_shares_of_columns(table):
    seen = Missing("MCAR", {"a": 0.1, "c": 0.5}).apply(table, rng=0)
    np.testing.assert_allclose(seen.missing.mean(), [0.1, 0, 0.5, 0], atol=0.015)


def test_errors_have_the_reliability_they_say(table):
    for noise in (MeasurementError(0.7), MeasurementError(0.7, noise=Student(6.0))):
        seen = noise.apply(table, rng=0)
        error = seen.data - table
        np.testing.assert_allclose(table.var() / seen.data.var(), 0.7, atol=0.02)
        assert np.abs(error.corrwith(table)).max() < 4 / np.sqrt(N)
    exact = MeasurementError({"a": 1.0, "b": 0.5}).apply(table, rng=0)
    assert exact.changed.mean().tolist() == [0.0, 1.0, 0.0, 0.0]


def test_outliers_are_few_and_far(table):
    seen = Outliers(0.05, size=6.0).apply(table, rng=0)
    assert np.abs(seen.changed.mean() - 0.05).max() < 4 * np.sqrt(0.05 * 0.95 / N)
    far = ((seen.data - table).abs() / table.std(ddof=0)).to_numpy()[seen.changed]
    assert far.min() >= 6 - 1e-9
    assert far.max() <= 12 + 1e-9


def test_zeros_are_blind_or_meet_the_low(table):
    blind, low = ZeroInflation(0.3).apply(table, rng=0), Dropouts(0.3, 1.5).apply(table, rng=0)
    for seen in (blind, low):
        assert np.abs(seen.changed.mean() - 0.3).max() < 4 * np.sqrt(0.21 / N)
        assert (seen.data.to_numpy()[seen.changed] == 0).all()
    assert abs(log_odds_slope(table["a"], blind.changed["a"])) < 0.08
    assert log_odds_slope(table["a"], low.changed["a"]) == pytest.approx(-1.5, abs=0.12)


def test_rounding_and_limits(table):
    rounded = Rounding({"a": 0.25}).apply(table)
    assert (rounded.data["a"] % 0.25 == 0).all()
    assert (rounded.data["a"] - table["a"]).abs().max() <= 0.125
    pd.testing.assert_series_equal(rounded.data["b"], table["b"])
    cut = Censoring(lower=-1.0, upper_share=0.1, columns="b").apply(table)
    assert cut.data["b"].min() == -1.0
    top = cut.data["b"] == cut.data["b"].max()
    assert top.mean() == pytest.approx(0.1, abs=1e-3)
    assert cut.changed["b"][(table["b"] < -1)].all()


def test_layers_go_one_on_another(table):
    layers = [MeasurementError(0.8), Rounding(0.1), Missing("MNAR", 0.2, columns="a")]
    seen = observe(table, [*layers, Missing("MAR", 0.1, columns="a", drivers="b")], rng=0)
    pd.testing.assert_frame_equal(seen.truth, table)
    assert seen.causes == {"a": ("a", "b")}
    step_by_step = np.random.default_rng(0)
    again = table
    for layer in [*layers, Missing("MAR", 0.1, columns="a", drivers="b")]:
        again = layer.apply(again, step_by_step)
    pd.testing.assert_frame_equal(again.data, seen.data)
    assert seen.missing["a"].mean() == pytest.approx(0.28, abs=0.02)
    values = seen.data["a"].dropna()
    np.testing.assert_allclose(values, np.round(values, 1), atol=1e-9)


def test_holes_that_are_there_stay(table):
    holed = table.mask(np.random.default_rng(0).random(table.shape) < 0.3)
    for layer in LAYERS:
        if layer == LAYERS[1]:  # its drivers are always seen, and there are none
            continue
        seen = layer.apply(holed, rng=0)
        assert (seen.missing | ~holed.isna()).all(axis=None)
        assert not (seen.changed & holed.isna()).any(axis=None)


def test_the_graph_of_missingness(table):
    seen = Missing("MAR", 0.3, columns="a", drivers=["b", "c"]).apply(table, rng=0)
    graph = seen.missingness_graph(CausalGraph.parse("b -> a; c -> a; d"))
    assert graph.parents("R_a") == {"b", "c"}
    lagged = seen.missingness_graph(LaggedGraph.parse("b[t-1] -> a[t]; c[t] -> a[t]"))
    assert {str(node) for node in lagged.parents("R_a")} == {"b[t]", "c[t]"}
    with pytest.raises(UnknownVariableError):
        seen.missingness_graph(CausalGraph.parse("a -> b"))


def test_columns_that_are_no_numbers():
    data = pd.DataFrame({"x": np.arange(50), "group": ["u", "v"] * 25})
    seen = observe(data, [Missing("MCAR", 0.3, columns="group"), Rounding(10.0)], rng=0)
    assert seen.missing["group"].any()
    assert set(seen.data["group"].dropna()) == {"u", "v"}
    with pytest.raises(InputError, match="no numbers"):
        Rounding(10.0, columns="group").apply(data)


def test_a_model_that_is_seen_through_layers():
    model = random_series("panel", n_series=3, n_subjects=4, rng=0)
    holed = ObservedModel(model, (Missing("blocks", 0.3), Rounding(0.1)))
    draw, seen = holed.sample_observed(500, rng=1)
    assert draw.data["subject"].notna().all()
    pd.testing.assert_frame_equal(draw.data.drop(columns="subject"), seen.data)
    assert list(draw.data) == ["subject", "x0", "x1", "x2"]
    assert draw.graph == holed.graph == model.graph
    assert seen.missing.mean().mean() == pytest.approx(0.3, abs=0.06)
    again = holed.sample(500, rng=1)
    pd.testing.assert_frame_equal(again.data, draw.data)
    truth = holed.effect("x0", "x0", horizon=1, rng=0, n_draws=20)
    assert truth.value == model.effect("x0", "x0", horizon=1, rng=0, n_draws=20).value
    plain = ObservedModel(random_svar(2, rng=0), Missing("MCAR", 0.2))
    assert plain.variables == ("x0", "x1")
    assert plain.sample(100, rng=0).isna().any(axis=None)
    with pytest.raises(InputError, match="effect"):
        plain.effect("x0", "x1")
    with pytest.raises(InputError, match="sampled"):
        ObservedModel(3, Rounding())


def test_what_makes_no_sense_is_refused(table):
    for settings in (
        {"kind": "MARS"},
        {"share": 1.0},
        {"kind": "blocks", "share": 0.9, "length": 1.0},
        {"length": 0.5},
        {"drivers": "a"},
        {"together": True},
        {"kind": "MAR", "strength": np.inf},
    ):
        with pytest.raises(InputError):
            Missing(**settings)
    for layer, match in (
        (Missing("MAR", columns="a", drivers="a"), "MNAR"),
        (Missing("MAR", columns=list("abcd")), "left"),
        (Missing("MCAR", {"a": 0.1}, columns=["a", "b"]), "'b'"),
        (Missing("MNAR", columns=["a", "b"], drivers={"a": "b"}), "'b'"),
        (Missing("MAR", drivers=list("abcd")), "left"),
    ):
        with pytest.raises(InputError, match=match):
            layer.apply(table, rng=0)
    with pytest.raises(InputError, match="constant"):
        Missing("MNAR").apply({"x": np.ones(5)})
    with pytest.raises(UnknownVariableError):
        Missing(columns="z").apply(table)
    with pytest.raises(InputError, match="no layer"):
        observe(table, [3])
    with pytest.raises(InputError, match="no value"):
        Rounding().apply({"x": np.full(3, np.nan)})
    for bad in (
        lambda: MeasurementError(0.0),
        lambda: MeasurementError(noise=Student(2.0)),
        lambda: Outliers(size=0.0),
        lambda: Rounding(0.0),
        lambda: Censoring(lower=2.0, upper=1.0),
        lambda: Censoring(lower_share=0.6, upper_share=0.6),
        lambda: Censoring(lower=0.0, lower_share=0.1),
        lambda: Dropouts(strength=-1.0),
        lambda: ZeroInflation(1.5),
    ):
        with pytest.raises(InputError):
            bad()
