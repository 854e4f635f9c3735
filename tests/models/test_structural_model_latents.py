"""Bidirected edges as latent factors: what is shared, what it leaves alone, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from causalkit.errors import InputError
from causalkit.graph import CausalGraph
from causalkit.models.mechanisms.additive import Additive, Linear
from causalkit.models.noise import Normal
from causalkit.models.structural.latent_factors import Coupled
from causalkit.models.structural.structural_model import StructuralCausalModel

GRAPH = CausalGraph.parse("Z -> X; X <-> Y; W -> Y; Y <-> V; A <-> B; B <-> C; A <-> C; X -> T")


@pytest.fixture(scope="module")
def confounded():
    rng, n = np.random.default_rng(0), 3000
    u, v, g = rng.normal(size=(3, n))
    z, w = rng.normal(size=(2, n))
    x = z + 0.8 * u + 0.6 * rng.normal(size=n)
    data = {
        "Z": z,
        "X": x,
        "W": w,
        "Y": 2 * w + np.exp(0.5 * (-0.6 * u + 0.6 * v + 0.5 * rng.normal(size=n))),
        "V": v + rng.normal(size=n),
        "A": g + 0.5 * rng.normal(size=n),
        "B": g + 0.5 * rng.normal(size=n),
        "C": -g + 0.5 * rng.normal(size=n),
        "T": x + rng.normal(size=n),
    }
    model = StructuralCausalModel(GRAPH, mechanism="linear", noise="smoothed").fit(data)
    return pd.DataFrame(data), model


def test_factors_are_listed_and_the_graph_is_the_one_given(confounded):
    _, model = confounded
    assert model.latents_ == ("latent_X_Y", "latent_Y_V", "latent_A_B_C")
    assert model.graph_ == GRAPH
    assert model.dag_.children("latent_A_B_C") == {"A", "B", "C"}


def test_noises_are_correlated_as_they_were_and_laws_are_kept(confounded):
    data, model = confounded
    drawn = model.sample(40_000, rng=1)[list(data)]
    assert np.abs(data.corr() - drawn.corr()).to_numpy().max() < 0.06
    for name in data:
        at = [0.05, 0.25, 0.5, 0.75, 0.95]
        gap = np.quantile(data[name], at) - np.quantile(drawn[name], at)
        assert np.abs(gap).max() < 0.1 * data[name].std()


def test_what_is_set_no_longer_goes_with_what_shared_its_factor(confounded):
    _, model = confounded
    drawn = model.sample(5000, rng=0, do={"X": np.random.default_rng(3).normal(size=5000)})
    assert abs(drawn["X"].corr(drawn["Y"])) < 4 / np.sqrt(5000)
    truth = model.effect("X", "T")
    assert truth.exact
    assert abs(truth.value - 1) < 0.1
    assert model.effect("X", "Y").value == 0


def test_counterfactuals_do_not_depend_on_the_factors_drawn(confounded):
    data, model = confounded
    some = data.head(50)
    same = model.counterfactual(some, {}, rng=0)[list(some)]
    assert np.allclose(same, some, atol=1e-9)
    one, other = (model.counterfactual(some, {"W": 1.0}, rng=seed) for seed in (0, 1))
    assert np.allclose(one, other, atol=1e-9)
    assert np.allclose(one["Y"] - some["Y"], (1 - some["W"]) * model.effect("W", "Y").value)
    first, second = (model.abduct(some, rng=seed) for seed in (0, 1))
    assert not first.exact
    assert not np.allclose(first["latent_X_Y"], second["latent_X_Y"])


def test_factors_given_the_rows_have_the_law_of_factors(confounded):
    _, model = confounded
    drawn = model.sample(20_000, rng=0, with_latents=True)
    noises = model.abduct(drawn.drop(columns=list(model.latents_)), rng=1)
    for name in model.latents_:
        assert abs(noises[name].mean()) < 4 / np.sqrt(20_000)
        assert abs(noises[name].std() - 1) < 0.03
    for name in ("X", "Y", "A"):
        true = drawn["latent_X_Y"].corr(drawn[name])
        assert abs(np.corrcoef(noises["latent_X_Y"], drawn[name])[0, 1] - true) < 0.03


def test_a_coupled_mechanism_inverts():
    rng = np.random.default_rng(0)
    at = np.sort(rng.normal(size=9))
    inner = Additive(Linear(np.array([1.0])), Normal())
    mechanism = Coupled(inner, np.array([0.5, -0.4]), at, np.sort(rng.normal(size=9)))
    causes, noise = rng.normal(size=(40, 3)), mechanism.draw(40, rng)
    value = mechanism.value(causes, noise)
    assert mechanism.bijective
    assert np.allclose(mechanism.noise(causes, value, rng), noise, atol=1e-9)


def test_factors_survive_being_saved(confounded, tmp_path):
    _, model = confounded
    model.save(tmp_path / "model.npz")
    again = StructuralCausalModel.load(tmp_path / "model.npz")
    assert again.graph_ == GRAPH
    assert again.sample(9, rng=0).equals(model.sample(9, rng=0))


def test_what_factors_cannot_do_is_refused():
    rng = np.random.default_rng(0)
    x, e = rng.normal(size=(2, 300))
    for text, y, message in (
        ("x -> y; x <-> y", x + e, "does not show"),
        ("x -> m -> y; x <-> y", x + e, "does not show"),
        ("m -> x; x <-> y", x > 0, "few values"),
    ):
        model = StructuralCausalModel(CausalGraph.parse(text), mechanism="linear")
        with pytest.raises(InputError, match=message):
            model.fit({"x": x, "y": y, "m": e})


def test_a_graph_that_could_have_latents_and_has_none():
    rng = np.random.default_rng(0)
    a = rng.normal(size=200)
    data = pd.DataFrame({"a": a, "b": a + rng.normal(size=200)})
    plain, mixed = (
        StructuralCausalModel(CausalGraph.parse("a -> b", kind=kind), random_state=0).fit(data)
        for kind in ("DAG", "ADMG")
    )
    assert mixed.sample(50, rng=1).equals(plain.sample(50, rng=1))
