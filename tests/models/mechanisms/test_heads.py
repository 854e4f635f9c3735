"""Heads: probabilities by their formulas, and noise that gives back what was seen."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit, softmax

from causalkit.errors import InputError
from causalkit.models.mechanisms.additive import Linear
from causalkit.models.mechanisms.base import Mechanism
from causalkit.models.mechanisms.heads import Logistic, Ordinal, Softmax, truncated_logistic

LINE = Linear(np.array([1.0, -0.5]), intercept=0.3)
HEADS = {
    "logistic": Logistic(LINE),
    "ordinal": Ordinal(LINE, np.array([-1.5, 0.2, 1.0])),
    "softmax": Softmax((LINE, Linear(np.array([0.0, 2.0])), Linear(np.zeros(2), -0.4))),
}


@pytest.mark.parametrize("name", HEADS)
def test_levels_have_the_probabilities_that_the_head_states(name):
    head, rng = HEADS[name], np.random.default_rng(0)
    assert isinstance(head, Mechanism)
    causes = np.tile([0.7, -0.2], (40_000, 1))
    y = head.value(causes, head.draw(len(causes), rng))
    levels = np.arange(float(head.n_levels))
    p = np.exp(head.log_probability(np.tile([0.7, -0.2], (len(levels), 1)), levels))
    assert p.sum() == pytest.approx(1, abs=1e-12)
    seen = np.bincount(y.astype(int), minlength=len(levels))
    assert stats.chisquare(seen, len(y) * p).pvalue > 1e-4


def test_probabilities_are_those_of_the_formulas():
    x = np.array([[0.7, -0.2]])
    index = 0.7 + 0.1 + 0.3
    one = HEADS["logistic"].log_probability(x, np.array([1.0]))
    assert np.exp(one[0]) == pytest.approx(expit(index))
    middle = HEADS["ordinal"].log_probability(x, np.array([2.0]))
    assert np.exp(middle[0]) == pytest.approx(expit(1.0 - index) - expit(0.2 - index))
    scores = np.array([index, -0.4, -0.4])
    last = HEADS["softmax"].log_probability(x, np.array([2.0]))
    assert np.exp(last[0]) == pytest.approx(softmax(scores)[2])


@pytest.mark.parametrize("name", HEADS)
def test_noise_gives_back_the_level_and_has_the_law_of_fresh_noise(name):
    head, rng = HEADS[name], np.random.default_rng(1)
    causes = 2 * rng.normal(size=(20_000, 2))
    y = head.value(causes, head.draw(len(causes), rng))
    noise = head.noise(causes, y, rng)
    assert (head.value(causes, noise) == y).all()
    law = stats.gumbel_r if noise.ndim == 2 else stats.logistic
    for column in np.atleast_2d(noise.T):
        assert stats.kstest(column, law.cdf).pvalue > 1e-4
        assert abs(np.corrcoef(column, causes[:, 0])[0, 1]) < 4 / np.sqrt(len(y))


def test_a_binary_head_is_ordinal_with_one_cut():
    rng = np.random.default_rng(2)
    causes, noise = rng.normal(size=(1000, 2)), rng.logistic(size=1000)
    one_cut = Ordinal(LINE, np.zeros(1))
    np.testing.assert_array_equal(
        HEADS["logistic"].value(causes, noise), one_cut.value(causes, noise)
    )


def test_one_number_of_noise_makes_counterfactuals_monotone():
    rng = np.random.default_rng(3)
    head, causes = HEADS["ordinal"], rng.normal(size=(5000, 2))
    y = head.value(causes, head.draw(5000, rng))
    raised = head.value(causes + np.array([1.0, 0.0]), head.noise(causes, y, rng))
    assert (raised >= y).all()
    assert (raised > y).any()


@pytest.mark.parametrize(
    ("low", "high"), [(-np.inf, -40.0), (35.0, 36.0), (700.0, np.inf), (-1.0, 0.5), (0.0, 1e-12)]
)
def test_truncated_noise_stays_inside_and_follows_the_law(low, high):
    rng = np.random.default_rng(4)
    drawn = truncated_logistic(np.full(4000, low), np.full(4000, high), rng)
    assert ((drawn > low) & (drawn <= high)).all()
    if low == 35.0:  # there it is exponential
        assert stats.kstest(drawn - 35, stats.truncexpon(1.0).cdf).pvalue > 1e-4
    if low == -1.0:
        share = (expit(drawn) - expit(-1)) / (expit(0.5) - expit(-1))
        assert stats.kstest(share, "uniform").pvalue > 1e-4


def test_observations_against_all_odds_come_back_too():
    rng = np.random.default_rng(5)
    steep = Logistic(Linear(np.array([1.0])))
    causes = np.array([[600.0], [-600.0], [40.0], [-40.0]])
    for y in (np.array([0.0, 1.0, 0.0, 1.0]), np.array([1.0, 0.0, 1.0, 0.0])):
        assert (steep.value(causes, steep.noise(causes, y, rng)) == y).all()


@pytest.mark.parametrize("name", HEADS)
def test_what_is_no_level_is_refused(name):
    rng = np.random.default_rng(6)
    for bad in (-1.0, 0.5, 9.0, np.nan):
        with pytest.raises(InputError, match=r"level codes|hold values"):
            HEADS[name].noise(np.zeros((1, 2)), np.array([bad]), rng)


def test_cuts_out_of_order_are_refused():
    for cuts in ([1.0, 0.0], [], [np.nan, 1.0]):
        with pytest.raises(InputError, match="increasing order"):
            Ordinal(LINE, np.array(cuts))
