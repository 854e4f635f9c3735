"""The scores by which searches for links rank pairs: laws, on answers and on fitted algorithms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from causalkit.discovery.knowledge import Knowledge
from causalkit.discovery.series.latent.lpcmci import LPCMCI
from causalkit.discovery.series.latent.ts_icd import TSICD
from causalkit.discovery.series.momentary.pcmci import PCMCI, link_scores
from causalkit.discovery.series.momentary.pcmci_plus import PCMCIPlus
from causalkit.graph import LaggedGraph
from causalkit.metrics import auprc, auroc
from causalkit.models import random_svar

ALGORITHMS = [PCMCI, PCMCIPlus, LPCMCI, TSICD]


def answers(p, n_lags=2):
    """No answers yet: p-values and statistics, NaN."""
    return np.full((n_lags, p, p), np.nan), np.full((n_lags, p, p), np.nan)


def quick_and_slow(n=600, seed=0):
    """`a` drives `b` within the step, and `c` drives `d` a step later."""
    rng = np.random.default_rng(seed)
    a, b, c, d = rng.normal(size=(4, n))
    for t in range(1, n):
        a[t] += 0.5 * a[t - 1]
        b[t] += 0.5 * b[t - 1] + 0.5 * a[t]
        c[t] += 0.5 * c[t - 1]
        d[t] += 0.5 * d[t - 1] + 0.5 * c[t - 1]
    return {"a": a, "b": b, "c": c, "d": d}


# --- what follows from the answers alone ----------------------------------------------------------


@given(st.lists(st.floats(0.0, 1.0), min_size=6, max_size=6, unique=True))
def test_links_from_the_past_rank_as_their_p_values(values):
    p_value, statistic = answers(3)
    off = ~np.eye(3, dtype=bool)
    p_value[1][off], statistic[1][off] = values, 0.1
    scores = link_scores(LaggedGraph("abc"), p_value, statistic)[off]
    order = np.argsort(values)
    assert (np.diff(scores[order]) <= 0).all()
    apart = np.diff(np.log(np.maximum(np.array(values)[order], 1e-300))) > 1e-9
    assert (np.diff(scores[order])[apart] < 0).all()


@given(st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_a_pair_is_worth_its_clearest_lag(n_lags, seed):
    rng = np.random.default_rng(seed)
    p_value, statistic = answers(4, n_lags + 1)
    p_value[1:] = rng.random((n_lags, 4, 4))
    statistic[:] = 0.0
    graph = LaggedGraph("abcd", [(("b", n_lags), "a")])
    slow = [[max(-np.log(p_value[1:, i, j])) for j in range(4)] for i in range(4)]
    np.testing.assert_allclose(link_scores(graph, p_value, statistic), slow)


@pytest.mark.parametrize("p", [0.0, 1e-305, 0.005])
def test_the_statistic_ranks_what_p_values_do_not_tell_apart(p):
    p_value, statistic = answers(3)
    p_value[1] = p
    statistic[1] = [[0.1, -0.9, 0.2], [3.0, 0.15, 40.0], [0.5, 0.6, -0.12]]
    scores = link_scores(LaggedGraph("abc"), p_value, statistic)
    by_size = np.argsort(np.abs(statistic[1]), axis=None)
    assert (np.diff(scores.ravel()[by_size]) > 0).all()
    p_value[1, 0, 2] = min(0.006, 10 * p + 1e-290)  # a larger p-value loses, whatever the statistic
    statistic[1, 0, 2] = 1e6
    assert link_scores(LaggedGraph("abc"), p_value, statistic)[0, 2] < scores.min()


def test_no_answer_is_worth_nothing():
    p_value, statistic = answers(2)
    assert not link_scores(LaggedGraph("ab"), p_value, statistic).any()


def test_within_the_step_the_direction_found_counts_in_full_and_all_else_by_half():
    p_value, statistic = answers(4)
    p_value[0], statistic[0] = 1e-6, 0.0
    p_value[1, 2, 3], statistic[1, 2, 3] = 1e-5, 0.0
    scores = link_scores(LaggedGraph.parse("a -> b; b -- c; c[t-1] -> d[t]"), p_value, statistic)
    full = -np.log(1e-6)
    assert np.isclose(scores[0, 1], full)
    assert np.allclose([scores[1, 0], scores[1, 2], scores[2, 1], scores[0, 3]], full / 2)
    assert np.isclose(scores[2, 3], -np.log(1e-5))  # known direction before a clearer open link


# --- what algorithms make of it -------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_true_links_come_first(algorithm):
    found = algorithm(max_lag=1).fit(quick_and_slow())
    scores = found.scores_
    assert np.isfinite(scores).all()
    off = ~np.eye(4, dtype=bool)
    ranked = [(i, j) for _, i, j in sorted((-scores[i, j], i, j) for i, j in np.argwhere(off))]
    assert {(0, 1), (2, 3)} <= set(ranked[:3])  # a -> b may be open, and b -> a as good then


def test_a_direction_found_within_the_step_ranks_before_its_reverse():
    found = PCMCIPlus(max_lag=1, alpha=0.01).fit(quick_and_slow())
    assert found.graph_.directed[0, 0, 1]
    assert found.scores_[0, 1] > found.scores_[1, 0] > found.scores_[0, 2]


def test_clear_links_of_long_series_are_told_apart():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(20_000, 4))
    for k, weight in enumerate((0.6, 0.9, 1.5), 1):
        x[1:, k] += weight * x[:-1, 0]
    found = PCMCI(max_lag=1).fit(x)
    assert not found.p_values_[1, 0, 1:].any()  # all of them rounded to 0
    assert found.scores_[0, 1] < found.scores_[0, 2] < found.scores_[0, 3]
    others = np.delete(found.scores_[1:].ravel(), [0])
    assert others.max() < found.scores_[0, 1]


@pytest.mark.parametrize("algorithm", [PCMCI, PCMCIPlus])
def test_knowledge_ranks_before_and_behind_all_else(algorithm):
    knowledge = Knowledge(forbidden=[("b", "a"), ("c", "d")], required=[("d[t-1]", "a[t]")])
    scores = algorithm(max_lag=1, knowledge=knowledge).fit(quick_and_slow()).scores_
    assert scores[1, 0] == scores[2, 3] == 0.0
    assert scores[3, 0] == scores.max() > np.sort(scores, axis=None)[-2]
    assert scores[0, 1] > 0.0


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_half_within_the_step_ranks_better_than_all_of_it(algorithm):
    """On average over models of the kind that these methods are made for."""
    gains = []
    for seed in range(30):
        model = random_svar(8, max_lag=2, rng=seed)
        found = algorithm(max_lag=2).fit(model.sample(400, rng=seed))
        clearest = np.nan_to_num(found.p_values_, nan=1.0).min(axis=0)
        blind = -np.log(np.maximum(clearest, 1e-300))
        truth = model.graph
        gains.append(
            [
                auroc(truth, found.scores_) - auroc(truth, blind),
                auprc(truth, found.scores_) - auprc(truth, blind),
            ]
        )
    mean, error = np.mean(gains, axis=0), np.std(gains, axis=0, ddof=1) / np.sqrt(30)
    assert (mean > 2 * error).all()
