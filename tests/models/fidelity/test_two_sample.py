"""The classifier test: right under the null, sharp where something differs."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from causalkit.models.fidelity.classifiers import CLASSIFIERS
from causalkit.models.fidelity.paired_samples import (
    block_length,
    pair_samples,
    spaced,
    windows_of,
)
from causalkit.models.fidelity.two_sample import (
    _count,
    _dealt,
    _real_against_real,
    _Wins,
    two_sample_test,
)

from .processes import CHAIN, autoregression

QUICK = ("logistic", "logistic_squares", "quadratic", "neighbours")


def compared(real, synthetic, *, classifiers=QUICK, n_null=0, seed=0, window=6, most=700):
    pair = pair_samples(real, synthetic)
    sides = [
        spaced(windows_of(side, window, block_length(pair, side, window)), most)
        for side in (pair.real, pair.synthetic)
    ]
    rng = np.random.default_rng(seed)
    return two_sample_test(*sides, classifiers=classifiers, n_null=n_null, rng=rng)


def test_pairs_are_counted_block_by_block():
    rng = np.random.default_rng(0)
    real, other = rng.integers(0, 5, size=30) * 1.0, rng.integers(0, 5, size=20) * 1.0
    at, by = np.sort(rng.integers(0, 3, size=30)), np.sort(rng.integers(0, 4, size=20))
    wins = _Wins(np.zeros((3, 4)), np.zeros((3, 4)))
    _count(wins, real, at, other, by)
    for a in range(3):
        for b in range(4):
            pairs = [(r > o) + 0.5 * (r == o) for r in real[at == a] for o in other[by == b]]
            assert wins.won[a, b] == sum(pairs)
            assert wins.pairs[a, b] == len(pairs)


def test_every_run_of_blocks_deals_every_hand_once():
    hands = _dealt(18, 4, np.random.default_rng(0))
    assert len(hands) == 18
    for start in range(0, 16, 4):
        assert sorted(hands[start : start + 4]) == [0, 1, 2, 3]


def test_each_deal_of_real_data_has_a_twin_with_the_opposite_outcome():
    rng = np.random.default_rng(1)
    values = autoregression(800, CHAIN, rng)
    real = windows_of(pair_samples(values, values).real, 5, 50)
    even = ("logistic", "logistic_squares", "quadratic")
    hand = _dealt(real.n_blocks, 4, rng)
    twin = np.array([2, 1, 0, 3])[hand]
    one, other = (_real_against_real(real, dealt, even, 0) for dealt in (hand, twin))
    for name in even:
        assert one[name] + other[name] == pytest.approx(1.0, abs=1e-6)


def test_the_same_process_is_not_told_and_neither_are_real_data_from_real_data():
    aucs, nulls = [], []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        sides = (autoregression(700, CHAIN, rng) for _ in range(2))
        found = compared(*sides, n_null=1, seed=seed, most=400)
        aucs.append(list(found.aucs.values()))
        nulls.append(list(found.null_aucs.values()))
    for values in (np.array(aucs), np.array(nulls)):
        error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
        assert (np.abs(values.mean(axis=0) - 0.5) < 4 * error).all()
        assert (error < 0.04).all()


def test_the_interval_covers_a_half_about_as_often_as_it_says():
    covered = []
    for seed in range(30):
        rng = np.random.default_rng(100 + seed)
        sides = (autoregression(500, CHAIN[:2, :2], rng) for _ in range(2))
        low, high = compared(*sides, classifiers=("logistic",), seed=seed).interval
        covered.append(low <= 0.5 <= high)
    assert np.mean(covered) > 0.95 - 4 * np.sqrt(0.95 * 0.05 / 30)


MOVED = np.array([[0.6, 0.0, 0.0], [0.0, 0.4, 0.5], [0.5, 0.0, 0.5]])


@pytest.mark.parametrize(
    ("weights", "noise", "least"),
    [
        (CHAIN, lambda rng: lambda size: 1.4 * rng.normal(size=size), 0.8),
        (MOVED, lambda rng: rng.normal, 0.85),
    ],
    ids=["wider noise", "other lags"],
)
def test_what_differs_is_told(weights, noise, least):
    rng = np.random.default_rng(5)
    real = autoregression(1500, CHAIN, rng)
    found = compared(real, autoregression(1500, weights, rng, noise(rng)))
    assert found.auc > least
    assert found.interval[0] > 0.7
    assert found.excess != found.excess  # no null was asked for


def test_boosting_tells_heavy_tails_of_the_same_variance():
    rng = np.random.default_rng(6)
    real = autoregression(1500, np.zeros((2, 2)), rng)
    heavy = autoregression(
        1500, np.zeros((2, 2)), rng, lambda size: rng.standard_t(3, size=size) / np.sqrt(3)
    )
    found = compared(real, heavy, classifiers=("logistic", "boosting"))
    assert found.best == "boosting"
    assert found.auc > 0.65
    assert found.aucs["logistic"] < 0.6


def test_the_logistic_regression_is_that_of_sklearn():
    rng = np.random.default_rng(7)
    rows = rng.normal(size=(300, 4))
    rows = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    is_real = (rows[:, 0] + rng.normal(size=300) > 0.4).astype(float)
    score = CLASSIFIERS["logistic"](rows, is_real, rows, 0)
    peer = LogisticRegression(C=1 / (0.02 * 300), class_weight="balanced", tol=1e-8)
    expected = rows @ peer.fit(rows, is_real).coef_[0]
    np.testing.assert_allclose(score, expected, atol=2e-3)


def test_the_quadratic_discriminant_orders_as_the_likelihood_ratio():
    rng = np.random.default_rng(8)
    mix = np.array([[1.0, 0.8], [0.0, 0.6]])
    real, other = rng.normal(size=(3000, 2)) @ mix, rng.normal(size=(3000, 2))
    rows, is_real = np.vstack([real, other]), np.repeat([1.0, 0.0], 3000)
    score = CLASSIFIERS["quadratic"](rows, is_real, rows, 0)
    ratio = (rows**2).sum(axis=1) - ((rows @ np.linalg.inv(mix)) ** 2).sum(axis=1)
    order = [np.argsort(np.argsort(values)) for values in (score, ratio)]
    assert np.corrcoef(order)[0, 1] > 0.99


@pytest.mark.parametrize("name", list(CLASSIFIERS))
def test_a_column_that_says_nothing_harms_no_classifier(name):
    rng = np.random.default_rng(9)
    rows = np.hstack([rng.normal(size=(80, 1)), np.ones((80, 1))])
    is_real = (rows[:, 0] > 0).astype(float)
    score = CLASSIFIERS[name](rows, is_real, rows, 0)
    assert score[is_real == 1].mean() > score[is_real == 0].mean()
    flat = CLASSIFIERS[name](np.ones((80, 2)), is_real, np.ones((6, 2)), 0)
    assert np.ptp(flat) == 0


@pytest.mark.slow
@pytest.mark.parametrize("weight", [0.0, 0.6, 0.9])
def test_all_classifiers_guess_between_draws_of_one_process(weight):
    aucs, nulls = [], []
    for seed in range(16):
        rng = np.random.default_rng(seed)
        sides = (autoregression(1500, weight * np.eye(3), rng) for _ in range(2))
        found = compared(*sides, classifiers=tuple(CLASSIFIERS), n_null=2, seed=seed)
        aucs.append(list(found.aucs.values()))
        nulls.append(list(found.null_aucs.values()))
    for values in (np.array(aucs), np.array(nulls)):
        error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
        assert (np.abs(values.mean(axis=0) - 0.5) < 4 * error).all()
        assert np.abs(values.mean() - 0.5) < 0.03
