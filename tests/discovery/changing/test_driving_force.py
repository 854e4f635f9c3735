"""Driving forces against the curve that moved the mechanism."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from causalkit._core.table import as_table
from causalkit.discovery.changing import _change_curves
from causalkit.discovery.changing._surrogate import Surrogate
from causalkit.discovery.changing.driving_force import DrivingForce, recover_driving_force
from causalkit.errors import InputError
from causalkit.graph import CausalGraph
from causalkit.independence.kernel_matrices import blocks_of
from causalkit.models import random_changing_model
from tests.oracles import changes as dense

PAIR = CausalGraph.parse("x0 -> x1")
WHAT = (
    ("intercept",),
    ("noise",),
    ("coefficient",),
    ("function",),
    ("coefficient", "noise", "function", "intercept"),
)


def drawn(what, seed, n, **settings):
    model = random_changing_model(2, graph=PAIR, changing=1.0, what=what, rng=seed, **settings)
    data = model.sample(n, rng=seed)
    place = data.pop(model.surrogate)
    surrogate = Surrogate(codes=place) if model.n_domains else Surrogate(time=place)
    return model, blocks_of(as_table(data), who="this test"), surrogate


def correlation(what, seed, n=800, **settings):
    model, (cause, effect), surrogate = drawn(what, seed, n, **settings)
    force = recover_driving_force(effect, cause, surrogate, variable="x1", parents=["x0"])
    truth = model.driving("x1", force.times)
    return abs(np.corrcoef(force.curve[:, 0], truth)[0, 1])


@pytest.mark.parametrize("what", WHAT, ids="+".join)
def test_a_smooth_drift_is_found(what):
    assert np.median([correlation(what, seed, drift=1.5) for seed in range(5)]) > 0.9


def test_forces_of_domains_are_found():
    found = [correlation(("coefficient",), seed, 1800, n_domains=30) for seed in range(5)]
    assert np.median(found) > 0.9


@pytest.mark.slow
def test_fifty_smooth_drifts_are_found():
    found = [correlation(what, seed, drift=1.5) for what in WHAT for seed in range(10)]
    assert np.median(found) > 0.9


def test_a_root_has_the_force_of_its_marginal():
    model, (cause, _), surrogate = drawn(("intercept",), 0, 800, drift=1.0)
    force = recover_driving_force(cause, None, surrogate, variable="x0")
    assert force.parents == ()
    assert abs(np.corrcoef(force.curve[:, 0], model.driving("x0", force.times))[0, 1]) > 0.95


def test_components_are_those_of_the_kernel_matrix(monkeypatch):
    """Eigenvectors of the centred n x n Gram matrix of the equations."""
    monkeypatch.setattr(_change_curves, "_TOLERANCE", 1e-12)
    monkeypatch.setattr(_change_curves, "_RANK", None)
    monkeypatch.setattr(_change_curves, "_FEATURES", 1_000_000)
    monkeypatch.setattr(_change_curves, "_TIME_WIDTHS", (0.5,))
    time = np.arange(90.0)
    rng = np.random.default_rng(0)
    x = rng.normal(size=90)
    y = np.sin(x) * (1 + np.sin(time / 15)) + 0.5 * rng.normal(size=90)
    cause, effect = blocks_of(as_table({"x": x, "y": y}), who="this test")
    force = recover_driving_force(effect, cause, Surrogate(time=time), variable="y", n_components=2)
    fitted = _change_curves.changing_conditional(effect, cause, Surrogate(time=time))
    gram = dense.gram_of_change(
        effect.numbers,
        cause.numbers,
        dense.kernel_of_surrogate(time=time, width=0.5),
        fitted.shared_ridge,
        fitted.ridge,
    )
    h = np.eye(90) - 1 / 90
    values, vectors = np.linalg.eigh(h @ gram @ h)
    for k in range(2):
        assert abs(np.corrcoef(force.curve[:, k], vectors[:, -1 - k])[0, 1]) > 0.999
    np.testing.assert_allclose(force.share, values[::-1][:2] / values.sum(), rtol=1e-2)


def test_components_are_standardised_and_the_largest_deviation_is_up():
    _, (cause, effect), surrogate = drawn(("coefficient", "noise"), 0, 900, n_domains=20)
    force = recover_driving_force(effect, cause, surrogate, variable="x1", n_components=3)
    np.testing.assert_allclose(force.curve.mean(axis=0), 0, atol=1e-8)
    np.testing.assert_allclose(force.curve.std(axis=0), 1)
    np.testing.assert_allclose(force.curve.T @ force.curve / 20, np.eye(3), atol=1e-6)
    assert (force.curve.max(axis=0) == np.abs(force.curve).max(axis=0)).all()
    assert (np.diff(force.share) <= 0).all()
    assert 0 < force.share.sum() <= 1


def test_a_band_holds_the_curve_and_narrows_with_rows():
    widths = []
    for n in (400, 3200):
        _, (cause, effect), surrogate = drawn(("intercept",), 1, n, n_domains=20)
        force = recover_driving_force(
            effect, cause, surrogate, variable="x1", n_bootstraps=40, rng=0
        )
        lower, upper = force.band[:, :, 0]
        assert np.mean((lower <= force.curve[:, 0]) & (force.curve[:, 0] <= upper)) > 0.8
        widths.append(np.mean(upper - lower))
    assert widths[1] < 0.6 * widths[0]


def test_a_band_is_reproducible_and_works_over_time():
    _, (cause, effect), surrogate = drawn(("intercept",), 1, 300, drift=1.0)
    one, other = (
        recover_driving_force(effect, cause, surrogate, variable="x1", n_bootstraps=10, rng=5)
        for _ in range(2)
    )
    np.testing.assert_array_equal(one.band, other.band)


def both(n=240):
    rng = np.random.default_rng(0)
    codes, time = np.arange(n) % 3, rng.permutation(n) / n
    drift = np.where(codes == 1, -1, 1) * np.sin(5 * time)
    (block,) = blocks_of(as_table({"v": 2 * drift + rng.normal(size=n)}), who="this test")
    force = recover_driving_force(
        block,
        None,
        Surrogate(codes, time),
        variable="v",
        labels=["north", "south", "west"],
        times=np.datetime64("2020-01-01", "D") + (1000 * time).astype("timedelta64[D]"),
        n_bootstraps=5,
        rng=0,
    )
    return force, codes, time


def test_domains_with_a_drift_of_their_own():
    force, codes, time = both()
    order = np.lexsort((time, codes))
    assert force.domains == tuple(np.array(["north", "south", "west"])[codes[order]])
    assert (force.times[:80][1:] >= force.times[:79]).all()
    truth = np.where(codes == 1, -1, 1) * np.sin(5 * time)
    assert abs(np.corrcoef(force.curve[:, 0], truth[order])[0, 1]) > 0.9


def test_frames_reports_and_drawings():
    force, *_ = both()
    frame = force.to_frame()
    assert list(frame.columns) == ["domain", "time", "component_1", "lower_1", "upper_1"]
    assert len(frame) == 240
    ax = force.plot(Figure().add_subplot())
    assert len(ax.lines) == 4  # three domains and the zero
    assert "Driving force of v" in repr(force)
    alone = recover_driving_force(
        *drawn(("noise",), 0, 300, n_domains=10)[1][:1],
        None,
        drawn(("noise",), 0, 300, n_domains=10)[2],
        variable="x0",
    )
    assert alone.times is None
    assert list(alone.to_frame().columns) == ["domain", "component_1"]
    ax = alone.plot(Figure().add_subplot())
    np.testing.assert_allclose(ax.lines[0].get_ydata(), alone.curve[:, 0])
    with pytest.raises(InputError, match="component=2"):
        alone.plot(Figure().add_subplot(), component=2)


def test_rows_in_any_order_give_the_same_curve():
    _, (cause, effect), surrogate = drawn(("coefficient",), 0, 400, drift=1.0)
    rows = np.random.default_rng(0).permutation(400)
    one = recover_driving_force(effect, cause, surrogate, variable="x1")
    other = recover_driving_force(
        effect.rows(rows), cause.rows(rows), Surrogate(time=surrogate.time[rows]), variable="x1"
    )
    np.testing.assert_allclose(one.times, other.times)
    assert abs(np.corrcoef(one.curve[:, 0], other.curve[:, 0])[0, 1]) > 0.99


def test_categories_have_a_driving_force():
    rng = np.random.default_rng(0)
    time = np.linspace(0, 1, 800)
    chance = 0.5 + 0.4 * np.sin(6 * time)
    import pandas as pd

    words = pd.Categorical(np.where(rng.random(800) < chance, "yes", "no"))
    (block,) = blocks_of(as_table({"v": words}), who="this test")
    force = recover_driving_force(block, None, Surrogate(time=time), variable="v")
    assert abs(np.corrcoef(force.curve[:, 0], chance)[0, 1]) > 0.9


def test_a_mechanism_that_does_not_move_is_refused():
    (block,) = blocks_of(as_table({"v": np.arange(20.0)}), who="this test")
    with pytest.raises(InputError, match="expected one that changes"):
        recover_driving_force(block, None, Surrogate(codes=np.zeros(20, dtype=int)), variable="v")
    with pytest.raises(InputError, match="n_components=0"):
        recover_driving_force(
            block, None, Surrogate(time=np.arange(20.0)), variable="v", n_components=0
        )


def test_a_driving_force_is_a_frozen_value():
    force = DrivingForce("v", (), ("a", "b"), None, np.array([[-1.0], [1.0]]), np.array([1.0]))
    with pytest.raises(AttributeError):
        force.variable = "w"
