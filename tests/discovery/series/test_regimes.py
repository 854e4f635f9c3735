"""Regimes, given and learnt: each has the graph of its own steps, and hidden ones come back."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalkit._core.series import as_series
from causalkit.discovery.constraint.pc import PC
from causalkit.discovery.series._lagged_test import lagged_correlations
from causalkit.discovery.series.changing._regime_search import (
    Design,
    assign,
    costs_of,
    random_regimes,
)
from causalkit.discovery.series.changing.learnt_regimes import LearntRegimes
from causalkit.discovery.series.changing.regimes import Regimes
from causalkit.discovery.series.momentary.pcmci import PCMCI
from causalkit.discovery.series.momentary.pcmci_plus import PCMCIPlus
from causalkit.discovery.series.structural.var_lingam import VARLiNGAM
from causalkit.errors import InputError, UnknownVariableError
from causalkit.graph import Lagged, LaggedGraph
from causalkit.metrics import compare_graphs
from causalkit.models.structural_var import random_svar
from tests.oracles.regimes import best_assignment


def switching(
    seed: int, *, p: int = 4, n: int = 800, stay: int = 100, n_regimes: int = 2, max_lag: int = 2
) -> tuple[np.ndarray, np.ndarray, list[LaggedGraph]]:
    """Series whose weights change every so many steps; the regime of each step, and its graph."""
    rng = np.random.default_rng(seed)
    models = [
        random_svar(p, max_lag=max_lag, step_links=0, strength=(0.4, 0.6), rng=rng)
        for _ in range(n_regimes)
    ]
    hidden = np.arange(n) // stay % n_regimes
    values = rng.normal(size=(n, p))
    for t in range(max_lag, n):
        weights = models[hidden[t]].weights
        values[t] += sum(values[t - lag] @ weights[lag] for lag in range(1, max_lag + 1))
    return values, hidden, [model.graph for model in models]


PASTS = PCMCI(max_lag=2, min_lag=1, alpha=0.01)
VALUES, HIDDEN, GRAPHS = switching(0)
FRAME = pd.DataFrame(VALUES, columns=[f"x{k}" for k in range(4)])


# --- given regimes --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "labels",
    [
        np.where(HIDDEN, "war", "peace"),
        HIDDEN.astype(bool),
        HIDDEN,
        HIDDEN + 0.5,
        pd.Categorical.from_codes(HIDDEN, ["low", "high"]),
        pd.to_datetime(np.where(HIDDEN, "2024-06-01", "2024-12-01")),
    ],
)
def test_each_regime_has_the_graph_of_its_own_steps(labels):
    frame = FRAME.assign(state=labels)
    found = Regimes(PASTS, "state").fit(frame)
    assert np.array_equal(found.regimes_, HIDDEN)
    for k, label in enumerate(found.graphs_):
        masked = PCMCI(max_lag=2, min_lag=1, alpha=0.01, mask="on").fit(
            FRAME.assign(on=np.equal(HIDDEN, k))
        )
        assert np.array_equal(found.algorithms_[label].p_values_, masked.p_values_, equal_nan=True)
        assert found.graphs_[label] == masked.graph_
    assert found.n_features_in_ == 4
    by_array = Regimes(PASTS, np.asarray(labels)).fit(FRAME)
    assert list(by_array.graphs_.values()) == list(found.graphs_.values())


def test_given_regimes_find_the_graphs():
    found = Regimes(PASTS, "state").fit(FRAME.assign(state=HIDDEN))
    assert list(found.graphs_) == [0, 1]
    for truth, learnt in zip(GRAPHS, found.graphs_.values(), strict=True):
        assert compare_graphs(truth, learnt).adjacency.f1 > 0.9


def test_lists_polars_and_processes_agree():
    frame = FRAME.assign(state=np.where(HIDDEN, "x", "y"))
    one = Regimes(PASTS, "state").fit(frame)
    for data in (pl.from_pandas(frame), {c: frame[c].to_numpy() for c in frame}):
        assert Regimes(PASTS, "state", n_jobs=2).fit(data).graphs_ == one.graphs_
    parts = [frame[:400], frame[400:]]
    again = Regimes(PASTS, "state").fit(parts)
    assert np.array_equal(again.regimes_, one.regimes_)
    labels = np.where(HIDDEN, "x", "y")
    assert (
        Regimes(PASTS, labels).fit([part[list(FRAME)] for part in parts]).graphs_ == again.graphs_
    )


def test_graphs_are_laid_side_by_side():
    found = Regimes(PCMCIPlus(max_lag=2), "state").fit(
        FRAME.assign(state=np.where(HIDDEN, "w", "s"))
    )
    links = found.compare()
    one, other = found.graphs_.values()
    joined = {
        (edge.left, edge.right) for graph in (one, other) for edge in graph.edges() if edge.left.lag
    }
    assert {pair for pair in links.pairs if pair[0].lag} == joined
    differing = {pair for pair in joined if one.edges_between(*pair) != other.edges_between(*pair)}
    turning = {pair for pair in links.turning if pair[0].lag}
    assert {pair for pair in links.differing if pair[0].lag} == differing | turning
    assert differing
    for (past, now), found_in in zip(links.pairs, links.symbols, strict=True):
        assert links.of(past, now) == dict(zip(("s", "w"), found_in, strict=True))
        assert links.of(past.shifted(1), now.shifted(1)) == links.of(past, now)
    assert links.of("x3[t-7]", "x0") == {"s": "none", "w": "none"}
    frame = links.to_frame()
    assert frame["differs"].sum() == len(links.differing)
    k = next(iter(range(len(links.pairs))))
    past, now = links.pairs[k]
    i, j = one.index(past), one.index(now)
    assert links.strengths[k, 0] == found.algorithms_["s"].strengths_[past.lag, i, j]
    assert f"{len(links.differing)} of {len(links.pairs)}" in str(links)
    with pytest.raises(UnknownVariableError, match="'z'"):
        links.of("z", "x0")
    assert set(found.explain("x0[t-1]", "x0")) == {"s", "w"}


@pytest.mark.parametrize("algorithm", [PASTS, VARLiNGAM(max_lag=2), PCMCIPlus(max_lag=2)])
def test_a_link_that_changes_its_sign_differs(algorithm):
    rng = np.random.default_rng(7)
    a, b, c = rng.laplace(size=(3, 1200))
    wet = np.arange(1200) // 100 % 2 == 1
    for t in range(1, 1200):
        a[t] += 0.5 * a[t - 1]
        b[t] += (0.6 if wet[t] else -0.6) * a[t - 1]
        c[t] += 0.6 * a[t - 1]
    frame = pd.DataFrame({"a": a, "b": b, "c": c, "wet": wet})
    links = Regimes(algorithm, "wet").fit(frame).compare()
    assert links.turning == (("a[t-1]", "b[t]"),)
    assert ("a[t-1]", "b[t]") in links.differing
    assert ("a[t-1]", "c[t]") not in links.differing
    assert links.of("a[t-1]", "b") == {False: "->", True: "->"}
    assert {"links that differ", "of which change sign"} <= {k for k, _ in links._report().facts}
    table = links.to_frame().set_index(["a", "b"])
    assert bool(table.loc[("a[t-1]", "b[t]"), "turns"])
    assert table.loc[("a[t-1]", "b[t]"), "differs"]
    assert table["turns"].sum() == 1
    assert all(isinstance(node, Lagged) for node in links.to_frame()["a"])


def test_signs_count_only_where_a_link_is_and_are_read_along_it():
    rng = np.random.default_rng(8)
    b, a = rng.laplace(size=(2, 1200))
    wet = np.arange(1200) // 100 % 2 == 1
    a += np.where(wet, 0.7, -0.7) * b  # within the step, from the later series to the earlier
    frame = pd.DataFrame({"a": a, "b": b, "noise": rng.laplace(size=1200), "wet": wet})
    links = Regimes(VARLiNGAM(max_lag=1), "wet").fit(frame).compare()
    k = links.pairs.index(("a[t]", "b[t]"))
    assert links.symbols[k] == ("<-", "<-")
    assert links.strengths[k, 0] < -0.4
    assert links.strengths[k, 1] > 0.4
    assert links.turning == (("a[t]", "b[t]"),)
    nowhere = Regimes(PCMCI(max_lag=1, min_lag=1, alpha=1e-12), "wet").fit(frame).compare()
    assert nowhere.turning == nowhere.differing == nowhere.pairs == ()
    assert nowhere.to_frame().empty


@pytest.mark.parametrize(
    ("regime", "message"),
    [
        ("nothing", "'nothing'"),
        (HIDDEN[:5], "5 labels and the data have 800 rows"),
        (np.where(HIDDEN, "a", None), "label.s. of regime are missing"),
        (np.r_[["rare"] * 6, ["often"] * 794], "regime 'rare': PCMCI needs"),
    ],
)
def test_regimes_that_cannot_be_used_are_named(regime, message):
    with pytest.raises(InputError, match=message):
        Regimes(PASTS, regime).fit(FRAME)


@pytest.mark.parametrize("wrong", [PCMCI, PC(), None, "PCMCI"])
def test_only_algorithms_for_series_are_wrapped(wrong):
    for estimator in (Regimes(wrong, HIDDEN), LearntRegimes(wrong)):
        with pytest.raises(InputError, match="learns a graph of series, such as PCMCIPlus"):
            estimator.fit(FRAME)


def test_short_stretches_are_counted_once():
    # Stretches shorter than the longest lag lie beside long ones, whose sums share their rows.
    on = np.zeros(800, dtype=bool)
    on[:7], on[30:33], on[100:] = True, True, True
    series = as_series(FRAME.assign(on=on), mask="on")
    for reach in (1, 4, 6):
        expected = np.corrcoef(series.lagged(reach).T)
        assert np.allclose(lagged_correlations(series, reach), expected, atol=1e-12)


# --- the best assignment --------------------------------------------------------------------------


@settings(max_examples=80, deadline=None)
@given(
    st.integers(0, 10**6), st.integers(1, 7), st.integers(1, 3), st.integers(0, 4), st.booleans()
)
def test_no_sequence_of_regimes_is_better(seed, n, n_regimes, max_transitions, two):
    rng = np.random.default_rng(seed)
    costs = rng.exponential(size=(3, n, n_regimes)).round(1)  # with ties
    first = [0, n // 2] if two and n > 1 else [0]
    regimes, total = assign(costs, max_transitions, np.array(first))
    for cost, path, value in zip(costs, regimes, total, strict=True):
        assert value == pytest.approx(best_assignment(cost, max_transitions, first))
        assert cost[np.arange(n), path].sum() == pytest.approx(value)
        for start, stop in zip(first, [*first[1:], n], strict=True):
            assert np.count_nonzero(np.diff(path[start:stop])) <= max_transitions


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 30), st.integers(1, 4), st.integers(0, 9))
def test_random_begins_are_allowed(seed, n, n_regimes, max_transitions):
    first = np.array([0, n // 2])
    path = random_regimes(n, n_regimes, max_transitions, first, np.random.default_rng(seed))
    assert set(path) <= set(range(n_regimes))
    for part in (path[: n // 2], path[n // 2 :]):
        assert np.count_nonzero(np.diff(part)) <= max_transitions


@given(st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_turns_make_the_noise_less(seed):
    rng = np.random.default_rng(seed)
    series = as_series(VALUES[:300])
    design = Design.of(series.lagged(2), 4, np.zeros(298, dtype=int))
    causes = np.ones((12, 4), dtype=bool)
    causes[:4] = False
    regimes = random_regimes(298, 2, 4, design.first, rng)
    before = np.inf
    for _ in range(8):
        costs, noise = costs_of(design, regimes, 2, [causes] * 2, rng)
        if min(np.bincount(regimes, minlength=2)) < 30:
            break  # it begins anew
        assert noise <= before * (1 + 1e-3)  # the ridge
        before, regimes = noise, assign(costs[None], 4, design.first)[0][0]


# --- learnt regimes -------------------------------------------------------------------------------


def accuracy(found: np.ndarray, truth: np.ndarray) -> float:
    """Share of steps in the right regime; regimes are numbered as they appear in both."""
    return float((found == truth)[found >= 0].mean())


@pytest.mark.parametrize("seed", range(4))
def test_hidden_regimes_and_their_graphs_come_back(seed):
    values, hidden, graphs = switching(seed)
    found = LearntRegimes(PASTS, 2, max_transitions=8, random_state=0).fit(values)
    assert accuracy(found.regimes_, hidden) > 0.95
    for truth, learnt in zip(graphs, found.graphs_.values(), strict=True):
        assert compare_graphs(truth, learnt).adjacency.f1 > 0.85
    changes = np.flatnonzero(np.diff(hidden)) + 1
    assert all(np.abs(found.transitions_ - change).min() < 15 for change in changes)


def test_three_regimes_of_which_each_comes_back():
    values, hidden, _ = switching(11, n=1200, stay=100, n_regimes=3)
    found = LearntRegimes(PASTS, 3, max_transitions=12, n_restarts=40, random_state=0).fit(values)
    assert accuracy(found.regimes_, hidden) > 0.9


def test_the_criterion_tells_how_many_regimes_there_are():
    settings_ = {"max_transitions": 8, "random_state": 0, "n_restarts": 10}
    by_number = {k: LearntRegimes(PASTS, k, **settings_).fit(VALUES).bic_ for k in (1, 2, 3)}
    assert min(by_number, key=by_number.__getitem__) == 2
    steady = random_svar(4, max_lag=2, step_links=0, rng=1).sample(800, rng=0)
    alone = [LearntRegimes(PASTS, k, **settings_).fit(steady).bic_ for k in (1, 2)]
    assert alone[0] < alone[1]


def test_laws_of_learnt_regimes():
    settings_ = {"max_transitions": 8, "n_restarts": 6, "random_state": 3}
    one = LearntRegimes(PASTS, 2, **settings_).fit(FRAME)
    order = [2, 0, 3, 1]
    turned = FRAME.iloc[:, order] * [1e-6, 40.0, -3.0, 1e5] + [5.0, 0.0, -1e4, 7.0]
    for other in (
        LearntRegimes(PASTS, 2, **settings_).fit(turned),
        LearntRegimes(PASTS, 2, n_jobs=2, **settings_).fit(FRAME),
        LearntRegimes(PASTS, 2, **settings_).fit(pl.from_pandas(FRAME)),
    ):
        assert np.array_equal(other.regimes_, one.regimes_)
        assert other.graphs_ == one.graphs_
        assert np.allclose(other.noise_, one.noise_)
    assert one.regimes_[:2].tolist() == [-1, -1]
    assert one.regimes_[2] == 0
    assert one.n_obs_ == 798
    given_ = Regimes(PASTS, np.maximum(one.regimes_, 0)).fit(FRAME)
    assert given_.graphs_ == one.graphs_


@pytest.mark.parametrize("setting", [{"n_regimes": 1}, {"max_transitions": 0}])
def test_without_transitions_there_is_one_regime(setting):
    found = LearntRegimes(PASTS, random_state=0, **setting).fit(FRAME)
    assert list(found.graphs_) == [0]
    assert found.graphs_[0] == PCMCI(max_lag=2, min_lag=1, alpha=0.01).fit(FRAME).graph_
    assert found.transitions_.size == 0


def test_subjects_and_gaps_have_regimes_of_their_own():
    frame = FRAME.copy()
    frame.loc[300:304, "x0"] = np.nan
    frame["who"] = np.repeat(["u", "v"], 400)
    algorithm = PCMCI(max_lag=2, min_lag=1, alpha=0.01, panel="who")
    found = LearntRegimes(algorithm, 2, max_transitions=4, random_state=0).fit(frame)
    missing = [0, 1, *range(300, 307), 400, 401]
    assert np.flatnonzero(found.regimes_ < 0).tolist() == missing
    assert accuracy(found.regimes_, HIDDEN) > 0.95
    assert 400 not in found.transitions_


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ({"n_regimes": 0}, "n_regimes=0"),
        ({"max_transitions": -1}, "max_transitions=-1"),
        ({"n_restarts": 0}, "n_restarts=0"),
        ({"n_regimes": 80}, "LearntRegimes needs 1040 steps"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings_, message):
    with pytest.raises(InputError, match=message):
        LearntRegimes(PASTS, random_state=0, **settings_).fit(FRAME)


class Picky(PCMCI):
    """Wants most of the steps."""

    def _fit(self, series):
        series.needs(500, 1, who="Picky")
        super()._fit(series)


def test_a_regime_that_is_too_short_is_an_error_with_a_way_out():
    picky = Picky(max_lag=2, min_lag=1)
    with pytest.raises(InputError, match=r"a regime of \d+ of 798 steps was found.*fewer regimes"):
        LearntRegimes(picky, 2, max_transitions=8, random_state=0).fit(FRAME)
