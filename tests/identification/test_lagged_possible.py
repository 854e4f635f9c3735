"""Possible effects in PAGs of series against all graphs of series that have their marks."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from causalkit.errors import NotIdentifiableError
from causalkit.graph import Lagged, LaggedGraph
from causalkit.graph.lagged_latent import lagged_mag, lagged_pag
from causalkit.graph.mag import unshielded_colliders
from causalkit.graph.marks import ARROW, CIRCLE, TAIL, Kind
from causalkit.identification import (
    AdjustmentEstimand,
    NoEffectEstimand,
    OpenEstimand,
    identify,
    is_adjustment_set,
)
from tests.oracles.effects_over_time import (
    covariance,
    graph_of,
    random_weights,
    regression,
    total_effect,
)
from tests.oracles.lagged_latent import hidden_and_observed, random_series_graph

SEEDS = [pytest.param(seed, marks=[pytest.mark.slow] if seed >= 12 else []) for seed in range(80)]
LONG = 16


def whole(graph):
    """Marks of the window of the longest lag."""
    return graph.unroll(graph.max_lag).ends


def is_ancestral(graph):
    window = graph.unroll(LONG)
    for k, node in enumerate(window.nodes):
        later = [window.index(v) for v in window.descendants(node)]
        if (window.ends[later, k] == ARROW).any():
            return False
    return True


def readings(pag):
    """All graphs of series with the edges, the marks and the colliders of a PAG."""
    ends = pag.template.ends
    circles = np.argwhere(ends == CIRCLE)
    for marks in product((TAIL, ARROW), repeat=len(circles)):
        tried = np.array(ends)
        tried[tuple(circles.T)] = marks
        if ((tried == TAIL) & (tried.T == TAIL)).any():
            continue
        graph = LaggedGraph._of(pag.variables, tried, Kind.MAG)
        colliders = unshielded_colliders(whole(graph)) != unshielded_colliders(whole(pag))
        if not colliders.any() and is_ancestral(graph):
            yield graph


def random_pag(rng, most_circles=7):
    while True:
        graph = random_series_graph(rng, int(rng.integers(2, 5)), 2)
        max_lag = int(rng.integers(1, 3))
        _, observed = hidden_and_observed(rng, graph, int(rng.integers(0, 2)))
        pag = lagged_pag(graph, observed, max_lag)
        if 1 <= (pag.template.ends == CIRCLE).sum() <= most_circles and len(observed) > 1:
            return pag, lagged_mag(graph, observed, max_lag)


def has_marks(graph, finer):
    ends = finer.template.ends
    return bool(((ends == CIRCLE) | (ends == graph.template.ends)).all())


def holds(answer, graph, x, y):
    causal = x in graph.unroll(LONG).ancestors(y)
    if isinstance(answer, NoEffectEstimand):
        return not causal
    if isinstance(answer, AdjustmentEstimand):
        return is_adjustment_set(graph, x, y, answer.adjustment)
    with pytest.raises(NotIdentifiableError):
        identify(graph, x, y)
    return causal


@pytest.mark.parametrize("seed", SEEDS)
def test_every_reading_has_its_answer(seed):
    rng = np.random.default_rng(seed)
    pag, mag = random_pag(rng)
    graphs = list(readings(pag))
    assert mag in graphs
    for lag in range(3):
        names = [str(v) for v in rng.permutation(pag.variables)[:2]]
        x, y = Lagged(names[0], lag), Lagged(names[1])
        try:
            possible = identify(pag, x, y, strategy="possible")
        except NotIdentifiableError:
            continue
        for graph in graphs:
            right = [
                answer
                for answer, classes in zip(possible, possible.classes, strict=True)
                for finer in classes
                if has_marks(graph, finer)
            ]
            assert len(right) == 1
            assert holds(right[0], graph, x, y)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_effect_in_a_model_is_among_the_possible(seed):
    rng = np.random.default_rng(2000 + seed)
    weights = random_weights(rng, 3, 1, share=0.3)
    graph, cov = graph_of(weights, tuple("ABC")), covariance(weights, 12)
    for x in sorted(graph.adjacent("B"), key=str)[:2]:
        try:
            possible = identify(lagged_pag(graph, list("ABC"), 2), x, "B", strategy="possible")
        except NotIdentifiableError:
            continue
        truth = total_effect(weights, [(graph.index(x.name), x.lag)], 1)
        found = [np.nan]
        for answer in possible:
            nodes = [x, *getattr(answer, "adjustment", ())]
            columns = [(graph.index(v.name), v.lag) for v in nodes]
            zero = isinstance(answer, NoEffectEstimand)
            found.append(0.0 if zero else regression(cov, 3, (1, 0), columns)[0])
        is_open = any(isinstance(answer, OpenEstimand) for answer in possible)
        assert is_open or np.nanmin(np.abs(np.array(found) - truth)) < 1e-6


def test_one_answer_for_all_is_among_the_possible():
    pag = LaggedGraph.parse("PAG: Z[t-1] o-> X[t]; X[t-1] -> Y[t]")
    (answer,) = identify(pag, "X[t-1]", "Y", strategy="possible")
    assert answer.adjustment == identify(pag, "X[t-1]", "Y").adjustment == ()


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_identified_is_so_in_every_reading(seed):
    rng = np.random.default_rng(1000 + seed)
    pag, _ = random_pag(rng)
    graphs = list(readings(pag))
    for lag in range(4):
        names = [str(v) for v in rng.permutation(pag.variables)[:2]]
        x, y = Lagged(names[0], lag), Lagged(names[1])
        try:
            answer = identify(pag, x, y)
        except NotIdentifiableError:
            continue
        assert all(holds(answer, graph, x, y) for graph in graphs)
        (only,) = identify(pag, x, y, strategy="possible")
        assert type(only) is type(answer)


def test_a_circle_is_read_both_ways_beyond_the_longest_lag():
    # Whether X0[t-4] blocks or opens a path from X0[t-5] is told by no separation within 2 steps.
    text = "PAG: X0[t-1] -> X0; X1[t-1] -> X1; X2[t-1] -> X2; X1[t] -> X2[t]; X0[t-2] o-> X2[t]"
    answer = identify(LaggedGraph.parse(text), "X1[t-2]", "X2")
    for symbol in ("->", "<->"):
        member = LaggedGraph.parse(text.replace("PAG", "MAG").replace("o->", symbol))
        assert is_adjustment_set(member, "X1[t-2]", "X2", answer.adjustment)


def test_the_estimate_is_a_set_that_says_what_is_open():
    rng = np.random.default_rng(0)
    x, noise = rng.normal(size=(2, 1500))
    y = np.append(0.0, 0.8 * x[:-1]) + noise
    pag = LaggedGraph.parse("PAG: Z[t-1] o-> X[t]; X[t-1] o-> Y[t]; X[t] o-> Y[t]")
    data = {"X": x, "Y": y, "Z": rng.normal(size=1500)}
    closed = identify(pag, "X[t-1]", "Y", strategy="possible").estimate(data)
    assert closed.n_open == 0
    assert closed.range[0] == 0
    assert closed.range[1] == pytest.approx(0.8, abs=0.1)
    pag = LaggedGraph.parse("PAG: X[t-1] o-> Y[t]")
    opened = identify(pag, "X[t-1]", "Y", strategy="possible").estimate(data)
    assert (len(opened), opened.n_open) == (1, 1)
    assert opened.sentence == "Either 0, or not identified"
    assert opened.interval().upper == np.inf


def test_the_assumption_about_long_lags_is_said():
    pag = LaggedGraph.parse("PAG: Z[t-1] o-> X[t]; X[t-1] -> Y[t]")
    for strategy in (None, "possible"):
        assert "No edge with a lag above 1 is missing" in " ".join(
            identify(pag, "X[t-1]", "Y", strategy=strategy).assumptions
        )


def test_marks_are_turned_alike_at_all_steps():
    pag = LaggedGraph.parse("PAG: X[t-1] o-> X[t]; X[t-1] o-> Y[t]")
    possible = identify(pag, "X[t-2]", "Y", strategy="possible")
    for classes in possible.classes:
        for finer in classes:
            assert finer.kind is Kind.PAG
            assert finer.edges_between("X[t-1]", "X")[0].symbol in ("->", "<->")
    assert "X[t-1] -> X[t]" in repr(possible)


def test_what_cannot_be_listed_is_refused():
    pag = LaggedGraph.parse("PAG: X[t-1] o-> Y[t]; X[t-2] o-> Y[t]")
    with pytest.raises(NotIdentifiableError, match="together are not listed"):
        identify(pag, ["X[t-1]", "X[t-2]"], "Y", strategy="possible")
    clash = LaggedGraph.parse("PAG: A[t] -> B[t] -> C[t]; C[t] <-> A[t]; X[t-1] o-> Y[t]")
    with pytest.raises(NotIdentifiableError, match="contradict each other"):
        identify(clash, "X[t-1]", "Y", strategy="possible")


def test_too_many_sub_classes_are_refused(monkeypatch):
    monkeypatch.setattr("causalkit.identification.series.possible._MOST_CLASSES", 1)
    pag = LaggedGraph.parse("PAG: Z[t-1] o-> X[t]; X[t-1] o-> Y[t]")
    with pytest.raises(NotIdentifiableError, match="sub-classes"):
        identify(pag, "X[t-1]", "Y", strategy="possible")
