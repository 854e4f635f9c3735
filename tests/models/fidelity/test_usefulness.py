"""Train on synthetic, test on real, where the errors are known."""

import numpy as np
import pytest

from causalkit.models.fidelity.paired_samples import pair_samples, windows_of
from causalkit.models.fidelity.usefulness import compare_usefulness

from .processes import autoregression


def compared(real, synthetic, window, block):
    pair = pair_samples(real, synthetic)
    sides = [windows_of(side, window, block) for side in (pair.real, pair.synthetic)]
    return compare_usefulness(*sides, pair.owner, len(pair.names))


def test_forecasts_of_an_autoregression_leave_the_noise():
    rng = np.random.default_rng(0)
    weights = np.diag([0.9, 0.0])
    real = autoregression(8000, weights, rng)
    found = compared(real, autoregression(8000, weights, rng), 3, 200)
    np.testing.assert_allclose(found.from_real, [1 - 0.81, 1.0], atol=0.05)
    np.testing.assert_allclose(found.ratios, 1.0, atol=0.05)
    assert found.ratio == pytest.approx(1.0, abs=0.03)


def test_synthetic_noise_teaches_nothing():
    rng = np.random.default_rng(1)
    real = autoregression(8000, np.array([[0.9]]), rng)
    found = compared(real, real.std() * rng.normal(size=(8000, 1)), 3, 200)
    assert found.from_synthetic == pytest.approx([1.0], abs=0.1)
    assert found.ratio == pytest.approx(0.19, abs=0.04)


def test_a_table_predicts_each_variable_from_the_others():
    rng = np.random.default_rng(2)

    def drawn():
        x = rng.normal(size=4000)
        return {"x": x, "y": x**2 - 1 + rng.normal(size=4000), "c": np.full(4000, 2.0)}

    found = compared(drawn(), drawn(), 1, 100)
    assert found.from_real[1] == pytest.approx(1 / 3, abs=0.05)  # squares are seen
    assert found.from_real[0] == pytest.approx(1.0, abs=0.05)
    assert np.isnan(found.ratios[2])
    assert found.ratio == pytest.approx(1.0, abs=0.03)
