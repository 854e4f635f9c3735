"""Graphs by their probability, and the interval of a mixture of answers."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from causalkit.discovery import ExactPosterior, Knowledge, OrderMCMC
from causalkit.errors import InputError
from causalkit.estimation import OLS
from causalkit.graph import CausalGraph, Kind
from causalkit.workflow import learnt_effect
from causalkit.workflow.learnt.averaging import averaged_interval
from causalkit.workflow.learnt.posterior_graphs import graphs_of_posterior


def rows(n=300, seed=0):
    rng = np.random.default_rng(seed)
    c, a = rng.normal(size=(2, n))
    x = a + 0.25 * c + rng.normal(size=n)
    y = 0.3 * x + 0.6 * c + rng.normal(size=n)
    return {"a": a, "c": c, "x": x, "y": y}


def below(t, values, errors, weights, *, strictly=False):
    """Probability below t, answer by answer, as it is defined."""
    total = 0.0
    for v, s, w in zip(values, errors, weights, strict=True):
        if s > 0:
            total += w * norm.cdf(t, v, s)
        else:
            total += w * (v < t if strictly else v <= t)
    return total


# --- the interval of a mixture -------------------------------------------------------------------


@pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
@pytest.mark.parametrize("copies", [1, 3])
def test_one_answer_has_its_normal_interval(level, copies):
    found = averaged_interval(
        [1.5] * copies, [0.2] * copies, [False] * copies, [1 / copies] * copies, level
    )
    assert np.allclose(tuple(found), norm.interval(level, 1.5, 0.2), rtol=1e-12)
    assert found.level == level


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(-3, 3), st.sampled_from([0.0, 0.01, 0.5, 2.0]), st.floats(0.01, 1.0)),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from([0.5, 0.9, 0.95]),
)
def test_the_ends_are_quantiles_of_the_mixture(answers, level):
    values, errors, weights = map(np.array, zip(*answers, strict=True))
    weights = weights / weights.sum()
    lower, upper = averaged_interval(values, errors, errors == 0, weights, level)
    tail, slack = (1 - level) / 2, 1e-8
    assert below(lower, values, errors, weights, strictly=True) <= tail + slack
    assert below(lower, values, errors, weights) >= tail - slack
    assert 1 - below(upper, values, errors, weights) <= tail + slack
    assert 1 - below(upper, values, errors, weights, strictly=True) >= tail - slack
    mirrored = averaged_interval(-values, errors, errors == 0, weights, level)
    assert np.allclose([mirrored.lower, mirrored.upper], [-upper, -lower], atol=1e-9)


def test_it_is_what_draws_from_the_mixture_say():
    rng = np.random.default_rng(0)
    values, errors = np.array([0.4, 0.9, 0.0]), np.array([0.1, 0.05, np.nan])
    implied, weights = np.array([False, False, True]), np.array([0.55, 0.4, 0.05])
    which = rng.choice(3, size=400_000, p=weights)
    drawn = np.where(implied, 0.0, values + np.nan_to_num(errors) * rng.normal(size=(400_000, 3)))
    drawn = drawn[np.arange(len(which)), which]
    found = averaged_interval(values, errors, implied, weights, 0.8)
    for end, tail in zip(found, (0.1, 0.9), strict=True):
        error = np.sqrt(0.1 * 0.9 / len(drawn))
        assert abs((drawn <= end).mean() - tail) < 5 * error


@pytest.mark.parametrize(
    ("weight", "lower"), [(0.1, 0.0), (0.05, 0.0), (0.024, None)], ids=["more", "just", "less"]
)
def test_a_point_is_inside_if_it_weighs_more_than_a_tail(weight, lower):
    found = averaged_interval([1.0, 0.0], [0.1, 0.0], [False, True], [1 - weight, weight], 0.95)
    if lower is None:
        rest = norm.ppf((0.025 - weight) / (1 - weight), 1.0, 0.1)
        assert np.isclose(found.lower, rest)
    else:
        assert found.lower == lower
    only = averaged_interval([0.0, 2.0], [0.0, 0.0], [True, True], [0.5, 0.5], 0.95)
    assert tuple(only) == (0.0, 2.0)
    assert tuple(averaged_interval([0.3], [0.0], [False], [1.0])) == (0.3, 0.3)


def test_a_point_among_the_answers_is_an_end_exactly():
    """The lower tail ends within the jump at zero, of answers on both of its sides."""
    found = averaged_interval(
        [0.0, 0.0, 5.0], [1.0, 0.0, 1.0], [False, True, False], [0.04, 0.1, 0.86], 0.9
    )
    assert found.lower == 0.0


def test_what_is_open_may_be_anywhere():
    found = averaged_interval([1.0], [0.1], [False], [0.99], 0.95)
    assert np.isclose(found.lower, norm.ppf(0.015 / 0.99, 1.0, 0.1))
    assert np.isclose(found.upper, norm.isf(0.015 / 0.99, 1.0, 0.1))
    assert tuple(averaged_interval([1.0], [0.1], [False], [0.97], 0.95)) == (-np.inf, np.inf)


@pytest.mark.parametrize(
    "arguments",
    [
        ([1.0, 2.0], [0.1], [False], [1.0]),
        ([], [], [], []),
        ([1.0], [np.nan], [False], [1.0]),
        ([1.0], [-0.1], [False], [1.0]),
        ([1.0], [0.1], [False], [2.0]),
        ([1.0], [0.1], [False], [-1.0]),
        ([1.0], [0.1], [False], [1.0], 1.5),
    ],
)
def test_what_is_no_mixture_is_refused(arguments):
    with pytest.raises(InputError):
        averaged_interval(*arguments)


# --- graphs of a posterior -----------------------------------------------------------------------


def test_graphs_have_their_probabilities():
    posterior = ExactPosterior(n_samples=500, random_state=0).fit(rows()).posterior_
    found = graphs_of_posterior(posterior)
    assert (np.diff(found.shares) <= 0).all()
    assert found.kept.all()
    assert len(found.plausible) == len(found)
    total = sum(posterior.probability(graph) for graph in found.graphs)
    assert 0.999 <= total <= 1 + 1e-12
    for graph, share in zip(found.graphs, found.shares, strict=True):
        assert graph.kind is Kind.DAG
        assert np.isclose(share * total, posterior.probability(graph))
    n_left_out = len(posterior.weights) - len(found)
    assert (n_left_out == 0) == ("left out" not in found.searches[0][0])


def test_the_rarest_are_left_out_and_said_so():
    posterior = ExactPosterior(n_samples=20_000, random_state=0).fit(rows()).posterior_
    found = graphs_of_posterior(posterior)
    n_left_out = len(posterior.weights) - len(found)
    assert n_left_out > 0
    assert f"{n_left_out} graphs" in found.searches[0][0]
    least = np.sort(posterior.weights)
    assert least[:n_left_out].sum() <= 0.001 < least[: n_left_out + 1].sum()
    assert np.isclose(found.shares.sum(), 1.0)


def test_knowledge_is_in_every_graph():
    known = Knowledge(required=[("a", "x")], forbidden=[("y", "x")])
    search = OrderMCMC(n_samples=200, knowledge=known, random_state=0)
    for graph in graphs_of_posterior(search.fit(rows()).posterior_).graphs:
        assert graph.directed[graph.nodes.index("a"), graph.nodes.index("x")]
        assert not graph.directed[graph.nodes.index("y"), graph.nodes.index("x")]


def test_answers_weigh_what_their_graphs_are_worth():
    """The effect over the graphs of a posterior: weights by going over all its draws."""
    table = rows()
    posterior = ExactPosterior(n_samples=300, random_state=1).fit(table).posterior_
    found = graphs_of_posterior(posterior)
    learnt = learnt_effect(table, "x", "y", graphs=found, estimator=OLS())
    expected: Counter[str] = Counter()
    for graph, share in zip(found.graphs, found.shares, strict=True):
        reaches = "y" in graph.descendants("x")
        expected["effect" if reaches else "none"] += share
    implied = np.array([effect.implied for effect in learnt.alternatives])
    assert np.isclose(learnt.weights[implied].sum(), expected["none"])
    assert np.isclose(learnt.weights[~implied].sum(), expected["effect"])
    effects = learnt.alternatives
    averaged = averaged_interval(effects.values, effects.std_errors, implied, learnt.weights)
    hull = learnt.interval()
    assert hull.lower <= averaged.lower <= averaged.upper <= hull.upper


def test_what_is_no_posterior_is_refused():
    with pytest.raises(InputError, match="expected a GraphPosterior"):
        graphs_of_posterior(ExactPosterior())


@pytest.mark.slow
def test_averaged_over_the_prior_it_covers():
    """Truths drawn as the prior draws them: coverage is the level, by definition of a posterior.

    Two graphs of equal probability, x -> y and no edge, and a flat prior of the slope: of truths
    with an edge and without the averaged interval holds 95 % (at least, for the point has a jump).
    """
    rng = np.random.default_rng(0)
    covered, n_draws, error, spread = 0, 4000, 1.0, 3.0
    for _ in range(n_draws):
        truth = rng.normal(scale=spread) if rng.random() < 0.5 else 0.0
        seen = truth + rng.normal(scale=error)
        with_edge = norm.pdf(seen, 0, np.hypot(spread, error))
        weight = with_edge / (with_edge + norm.pdf(seen, 0, error))
        shrunk = spread**2 / (spread**2 + error**2)
        interval = averaged_interval(
            [seen * shrunk, 0.0], [error * shrunk**0.5, 0.0], [False, True], [weight, 1 - weight]
        )
        covered += truth in interval
    assert covered / n_draws > 0.95 - 3 * np.sqrt(0.05 * 0.95 / n_draws)


def test_an_effect_goes_over_a_posterior_and_is_averaged():
    data = rows(1000)
    posterior = ExactPosterior(random_state=0).fit(data).posterior_
    answer = learnt_effect(data, "x", "y", graphs=posterior, estimator=OLS())
    by_hand = learnt_effect(data, "x", "y", graphs=graphs_of_posterior(posterior), estimator=OLS())
    assert np.array_equal(answer.weights, by_hand.weights)
    hull, averaged = answer.interval(), answer.averaged()
    assert hull.lower <= averaged.lower < 0.3 < averaged.upper <= hull.upper
    assert averaged.width < hull.width
    assert answer.averaged(0.5).width < averaged.width


def test_open_answers_leave_the_average_open():
    graphs = [CausalGraph.parse("x -> y; c; a"), CausalGraph.parse("x -> y; x <-> y; c; a")]
    answer = learnt_effect(rows(), "x", "y", graphs=graphs, estimator=OLS())
    assert answer.averaged().width == np.inf
