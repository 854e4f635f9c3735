"""Recommendations: the better method is found, own twins do not count, doubt is said."""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pytest

from causalkit.benchmark import recommendation as module
from causalkit.benchmark.recommendation import recommend
from causalkit.benchmark.results import Leaderboard
from causalkit.benchmark.storage import Result
from causalkit.discovery import PC, DirectLiNGAM, Granger
from causalkit.errors import InputError
from causalkit.graph import Kind
from causalkit.models import random_svar


def board_of(values, names):
    """A board of values, twins by methods, or twins by repeats by methods."""
    values = np.asarray(values)
    values = values[:, None] if values.ndim == 2 else values
    results = [
        Result(f"{k} {r} {j}", f"twin {k}", r, 10, name, "discovery", "ok", 0.0, {"f1": v})
        for k, repeats in enumerate(values)
        for r, row in enumerate(repeats)
        for j, (name, v) in enumerate(zip(names, row, strict=True))
    ]
    return Leaderboard(tuple(results))


def judged(values, names, owners=None, seed=0):
    board = board_of(values, names)
    owners = owners or [""] * len(values)
    origins = dict(zip(board.models, owners, strict=True))
    rng = np.random.default_rng(seed)
    return module._judged(board, list(names), "f1", origins, {}, (), rng)


def test_without_own_twins_scores_are_means():
    values = np.random.default_rng(0).random((6, 3))
    found = judged(values, "abc").to_frame().loc[list("abc"), "score"]
    means = values.mean(axis=0)
    assert np.allclose(found, means - means.mean())


def test_own_twins_do_not_count():
    """Value = method + twin, and a gift of 5 on own twins: the effects come back exactly."""
    method, twin = np.array([0.1, 0.3, 0.2]), np.array([0.5, -2.0, 1.0, 0.0, 3.0])
    values = twin[:, None] + method
    for k, j in ((0, 0), (1, 0), (2, 1)):
        values[k, j] += 5.0
    found = judged(values, "abc", ["a", "a", "b", "", ""])
    assert found.best == "b"
    assert np.allclose(found.to_frame().loc[list("abc"), "score"], method - 0.2)
    assert found.own_advantage == pytest.approx(5.0)
    assert found.probabilities[0] == 1.0
    assert "do not count" in " ".join(found.sentences())


def test_doubt_is_that_of_one_more_model(monkeypatch):
    """Twins and the world are alike: what is said is as often right as it says, sure or not."""
    monkeypatch.setattr(module, "_DRAWS", 200)
    rng = np.random.default_rng(0)
    said, right = [], []
    for _ in range(200):
        worlds = rng.normal(scale=0.7, size=2) + rng.normal(size=(13, 2))
        found = judged(worlds[:12], "ab")
        said.append(found.probabilities[0])
        right.append("ab"[int(worlds[12].argmax())] == found.best)
    said, right = np.array(said), np.array(right)
    assert abs(np.mean(right - said)) < 3 * 0.45 / np.sqrt(200)
    sure = said > 0.8
    assert sure.sum() > 25
    assert abs(np.mean(right[sure] - said[sure])) < 3 * 0.35 / np.sqrt(sure.sum())


def test_many_twins_do_not_make_sure_of_what_differs_from_twin_to_twin():
    values = np.random.default_rng(3).normal([0.5, 0.0], 1.0, size=(400, 2))
    found = judged(values, "ab")
    assert found.scores[0] > 4 * found.std_errors[0]
    assert found.probabilities[0] == pytest.approx(np.mean(values[:, 0] > values[:, 1]), abs=0.04)


def test_noise_of_the_data_sets_is_not_spread_between_twins():
    """Twins are all alike and draws are noisy: many twins do make sure, as they are one."""
    rng = np.random.default_rng(4)
    noisy = rng.normal([0.8, 0.0], 1.0, size=(40, 4, 2))
    assert judged(noisy, "ab").probabilities[0] > 0.95
    assert judged(noisy.mean(axis=1), "ab").probabilities[0] < 0.95
    differ = noisy + rng.normal(size=(40, 1, 2))
    assert judged(differ, "ab").probabilities[0] == pytest.approx(0.71, abs=0.1)  # P(N(.8, 2) > 0)


def test_ties_share():
    found = judged(np.ones((4, 4)), "abcd")
    assert np.allclose(found.probabilities, 0.25)
    assert "No method is clearly best" in found.sentences()[0]


def test_the_standard_error_is_that_of_a_mean_over_twins():
    values = np.random.default_rng(1).normal(size=(40, 2))
    found = judged(values, "ab").to_frame()
    half = (values[:, 0] - values[:, 1]) / 2
    assert found.loc["a", "score_se"] == pytest.approx(half.std() / np.sqrt(41), rel=0.06)


# --- from data ------------------------------------------------------------------------------------


class StandIn:
    """A twin as the package makes them: settings, fit, `graph_` and `sample`."""

    def __init__(self, graph="discover", max_lag=None, random_state=None):
        self.graph, self.max_lag, self.random_state = graph, max_lag, random_state

    def fit(self, data):
        self.model_ = random_svar(len(data), max_lag=self.max_lag, rng=self.random_state)
        self.graph_ = self.model_.graph
        return self

    def sample(self, n, rng=None):
        return self.model_.sample(n, rng=rng)


METHODS = {"Granger": Granger(2), "guess": lambda _: "x0[t-1] -> x1[t]; x2[t]; x3[t]"}


@pytest.fixture
def stand_in(monkeypatch):
    fake = ModuleType("causalkit.models.twin")
    fake.Twin = StandIn
    monkeypatch.setitem(sys.modules, "causalkit.models.twin", fake)
    monkeypatch.setattr(module, "_DRAWS", 400)


def test_twins_are_made_of_the_graphs_that_methods_find_and_of_rewired_ones(stand_in, tmp_path):
    data = random_svar(4, max_lag=2, rng=0).sample(150, rng=0)
    found = recommend(data, METHODS, max_lag=2, n_repeats=1, measure="f1")
    assert found.origins == {
        "twin of Granger": "Granger",
        "twin of Granger, rewired": "",
        "twin of Granger, half": "Granger",
        "twin of Granger, half, rewired": "",
        "twin of guess": "guess",
        "twin of guess, rewired": "",
        "twin of guess, half": "guess",
        "twin of guess, half, rewired": "",
    }
    assert found.best == "Granger"
    assert found.board.to_frame()["n_obs"].unique().tolist() == [150]
    assert "Recommended: Granger" in repr(found)
    again = recommend(data, METHODS, max_lag=2, n_repeats=1, measure="f1")
    assert again.to_frame().equals(found.to_frame())


def test_what_stops_one_twin_does_not_stop_the_others(stand_in):
    data = random_svar(4, max_lag=2, rng=0).sample(150, rng=0)

    def fails(data):
        raise ArithmeticError("singular")

    found = recommend(
        data, {**METHODS, "bad": fails}, max_lag=2, n_halves=0, n_rewired=0, n_repeats=1
    )
    assert found.methods[-1] == "bad"
    assert any("singular" in problem for problem in found.problems)
    with pytest.raises(InputError, match="no twin could be made"):
        recommend(data, {"one": fails, "two": fails}, max_lag=2)


def test_what_cannot_be_recommended_is_refused():
    with pytest.raises(InputError, match="two methods at least"):
        recommend({"a": np.zeros(3)}, {"Granger": Granger()}, max_lag=1)
    with pytest.raises(InputError, match="measure='prevalence'"):
        recommend({"a": np.zeros(3)}, METHODS, max_lag=1, measure="prevalence")


@pytest.mark.slow
def test_twins_of_the_package_serve_and_noise_that_is_not_normal_is_noticed():
    rng = np.random.default_rng(0)
    x = rng.laplace(size=(400, 4))
    for j in range(1, 4):
        x[:, j] += 0.8 * x[:, j - 1]
    data = {f"v{j}": x[:, j] for j in range(4)}
    found = recommend(data, {"PC": PC(), "LiNGAM": DirectLiNGAM()}, n_repeats=2)
    assert not found.problems
    assert found.best == "LiNGAM"
    assert len(found.twins) == 8
    assert found.twins["twin of PC"].graph_.kind is Kind.DAG
