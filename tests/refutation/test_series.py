"""Challenges to effects over time: neighbours stay neighbours, errors stay serial."""

from __future__ import annotations

import numpy as np
import pytest

import causalkit as ck
from causalkit.estimation import HAC, OLS, Steps
from causalkit.graph import LaggedGraph
from causalkit.refutation import sensitivity
from causalkit.refutation.placebo import shuffled_treatment
from causalkit.refutation.stability import random_subset

GRAPH = LaggedGraph.parse("Z[t-1] -> Z[t]; Z[t-1] -> X[t]; Z[t-1] -> Y[t]; X[t-1] -> Y[t]")


@pytest.fixture(scope="module")
def effect():
    rng = np.random.default_rng(0)
    z, x, y = np.zeros((3, 700))
    for t in range(1, 700):
        z[t] = 0.9 * z[t - 1] + rng.normal()
        x[t] = 0.8 * z[t - 1] + rng.normal()
        y[t] = 0.8 * z[t - 1] + 0.5 * x[t - 1] + rng.normal()
    estimand = ck.identify(GRAPH, "X[t-1]", "Y[t]")
    return ck.estimate(estimand, {"Z": z, "X": x, "Y": y}, OLS(inference=HAC()))


def test_a_placebo_keeps_the_memory_of_the_treatment(effect):
    problem = effect.problem.replace(t=np.cumsum(np.ones(effect.problem.n_obs)))
    moved = shuffled_treatment(problem, np.random.default_rng(0)).t[np.argsort(problem.steps.rank)]
    assert sorted(moved) == sorted(problem.t)
    assert (np.diff(moved) == 1).sum() == problem.n_obs - 2
    assert moved[0] > problem.n_obs / 10


def test_a_subset_is_made_of_stretches(effect):
    part = random_subset(effect.problem, np.random.default_rng(1), share=0.6)
    place = np.sort(part.steps.place)
    assert (np.diff(place) == 1).mean() > 0.9
    assert part.n_obs == pytest.approx(0.6 * effect.problem.n_obs, rel=0.05)


def test_a_bound_without_a_hidden_cause_is_the_interval(effect):
    bias = sensitivity(effect, benchmarks=())
    assert tuple(bias.interval(0, 0)) == pytest.approx(tuple(effect.interval()), rel=0.01)
    assert bias.interval_df == effect.df


def test_a_sound_analysis_of_series_survives(effect):
    report = ck.refute(effect, random_state=0)
    verdicts = {challenge.name: challenge.verdict for challenge in report.challenges}
    assert "fails" not in verdicts.values(), verdicts


def test_time_is_turned_whatever_the_order_of_rows():
    rng = np.random.default_rng(2)
    place = rng.permutation(40)
    turned = Steps(place, 2).turned(rng)
    start = place[turned][np.argmin(place)]
    assert (place[turned] == (place + start) % 40).all()
    assert sorted(Steps(np.arange(1), 0).turned(rng)) == [0]
