"""Tables: probabilities as stated, and noise that gives back what was seen with the right law."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from causalkit.errors import InputError
from causalkit.models.mechanisms.base import Mechanism
from causalkit.models.mechanisms.tables import Table, fit_table, posterior_gumbel


def random_table(rng, sizes=(2, 3, 4)):
    return Table(rng.dirichlet(np.ones(sizes[-1]), size=sizes[:-1]))


def causes_of(table, n, rng):
    return np.column_stack([rng.integers(s, size=n) for s in table.probabilities.shape[:-1]]) * 1.0


def test_values_have_the_probabilities_of_their_configuration():
    rng = np.random.default_rng(0)
    table = random_table(rng)
    assert isinstance(table, Mechanism)
    causes = causes_of(table, 60_000, rng)
    y = table.value(causes, table.draw(60_000, rng))
    for a in range(2):
        for b in range(3):
            here = y[(causes == (a, b)).all(axis=1)]
            seen = np.bincount(here.astype(int), minlength=4)
            expected = len(here) * table.probabilities[a, b]
            assert stats.chisquare(seen, expected).pvalue > 1e-4


def test_probabilities_are_looked_up():
    table = Table(np.array([[0.25, 0.75], [0.5, 0.5]]))
    logs = table.log_probability(np.array([[0.0], [1.0]]), np.array([1.0, 0.0]))
    np.testing.assert_allclose(np.exp(logs), [0.75, 0.5])


def test_the_noise_gives_back_the_value_and_has_the_law_of_fresh_noise():
    rng = np.random.default_rng(1)
    table = random_table(rng)
    causes = causes_of(table, 40_000, rng)
    y = table.value(causes, table.draw(len(causes), rng))
    noise = table.noise(causes, y, rng)
    assert (table.value(causes, noise) == y).all()
    for column in noise.T:
        assert stats.kstest(column, stats.gumbel_r.cdf).pvalue > 1e-4
    assert abs(np.corrcoef(noise.T) - np.eye(4)).max() < 4 / np.sqrt(len(y))
    # Of the causes it is independent too.
    assert abs(np.corrcoef(noise[:, 0], causes[:, 1])[0, 1]) < 4 / np.sqrt(len(y))


def test_posterior_noise_equals_noise_by_rejection():
    rng = np.random.default_rng(2)
    scores = np.log(np.tile([0.1, 0.3, 0.6], (40_000, 1)))
    drawn = rng.gumbel(size=scores.shape)
    kept = drawn[(scores + drawn).argmax(axis=1) == 1]
    exact = posterior_gumbel(scores[: len(kept)], np.ones(len(kept)), rng)
    for one, other in zip(kept.T, exact.T, strict=True):
        assert stats.ks_2samp(one, other).pvalue > 1e-4
    assert np.corrcoef(kept.T)[0, 1] == pytest.approx(np.corrcoef(exact.T)[0, 1], abs=0.05)


def test_counterfactuals_are_stable():
    # A level that became no less likely, while the others became no more likely, stays.
    rng = np.random.default_rng(3)
    table = Table(np.array([[0.5, 0.3, 0.2], [0.7, 0.2, 0.1]]))
    factual = np.zeros((5000, 1))
    y = table.value(factual, table.draw(5000, rng))
    noise = table.noise(factual, y, rng)
    otherwise = table.value(np.ones((5000, 1)), noise)
    assert (otherwise[y == 0] == 0).all()
    # The second lost a third of its probability, the third a half: nobody goes that way.
    assert (otherwise[y == 1] != 2).all()
    assert (otherwise[y == 2] == 1).any()


def test_extreme_probabilities_come_back_too():
    rng = np.random.default_rng(4)
    table = Table(np.array([[1 - 1e-300, 1e-300, 0.0], [1e-16, 0.5, 0.5]]))
    causes = np.repeat([[0.0], [1.0]], 500, axis=0)
    for level, where in ((1, slice(0, 500)), (0, slice(500, 1000)), (0, slice(0, 500))):
        y = np.full(500, float(level))
        noise = table.noise(causes[where], y, rng)
        assert np.isfinite(noise).all()
        assert (table.value(causes[where], noise) == y).all()
    with pytest.raises(InputError, match="probability zero"):
        table.noise(causes[:1], np.array([2.0]), rng)


def test_a_fitted_table_is_the_smoothed_share():
    rng = np.random.default_rng(5)
    causes = np.column_stack([rng.integers(2, size=300), rng.integers(3, size=300)]) * 1.0
    causes[(causes == (1, 2)).all(axis=1)] = 0.0  # a configuration without rows
    y = rng.integers(3, size=300) * 1.0
    table = fit_table(causes, y, (2, 3, 3), prior=2.0)
    shares = (np.bincount(y.astype(int), minlength=3) + 2 / 3) / 302
    for a in range(2):
        for b in range(3):
            here = y[(causes == (a, b)).all(axis=1)].astype(int)
            expected = (np.bincount(here, minlength=3) + 2 * shares) / (len(here) + 2)
            np.testing.assert_allclose(table.probabilities[a, b], expected)
    np.testing.assert_allclose(table.probabilities[1, 2], shares)


def test_a_root_is_a_table_without_causes():
    rng = np.random.default_rng(6)
    y = rng.choice(3, size=2000, p=[0.2, 0.3, 0.5]) * 1.0
    table = fit_table(np.empty((2000, 0)), y, (3,))
    drawn = table.value(np.empty((30_000, 0)), table.draw(30_000, rng))
    np.testing.assert_allclose(
        np.bincount(drawn.astype(int)) / 30_000, table.probabilities, atol=0.015
    )


def test_what_is_no_code_is_refused():
    table, one = Table(np.array([[0.5, 0.5]])), np.zeros(1)
    rng = np.random.default_rng(7)
    for cause in (1.0, -1.0, 0.5, np.nan):
        with pytest.raises(InputError, match="level codes"):
            table.value(np.array([[cause]]), table.draw(1, rng))
    with pytest.raises(InputError, match="the value"):
        table.noise(np.zeros((1, 1)), one + 2, rng)
    with pytest.raises(InputError, match="one for each cause"):
        fit_table(np.zeros((1, 1)), one, (2,))
    with pytest.raises(InputError, match="cells"):
        fit_table(np.zeros((1, 3)), one, (300, 300, 300, 2))
    with pytest.raises(InputError, match="prior"):
        fit_table(np.zeros((1, 1)), one, (1, 1), prior=0.0)
    for shares in ([0.5, 0.6], [-0.5, 1.5], [np.nan, 1.0]):
        with pytest.raises(InputError, match="sum to 1"):
            Table(np.array(shares))
