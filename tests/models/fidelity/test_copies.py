"""Copies are found, and what is new is not accused."""

import numpy as np
import pytest

from causalkit.models.fidelity.copies import look_for_copies
from causalkit.models.fidelity.paired_samples import pair_samples, windows_of

from .processes import CHAIN, autoregression


def windows(real, synthetic, window=4, block=40):
    pair = pair_samples(real, synthetic)
    return (
        windows_of(pair.synthetic, window, block),
        windows_of(pair.real, window, block, overlap=True),
    )


def test_new_data_are_as_near_as_held_out_data():
    near, closer = [], []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        real, new = (autoregression(600, CHAIN, rng) for _ in range(2))
        found = look_for_copies(*windows(real, new))
        assert found.identical == 0.0
        near.append(found.near)
        closer.append(found.closer)
    assert np.mean(near) == pytest.approx(0.05, abs=4 * np.std(near) / np.sqrt(12))
    assert np.mean(closer) == pytest.approx(0.5, abs=4 * np.std(closer) / np.sqrt(12))


def test_a_copied_stretch_is_found_at_any_offset():
    rng = np.random.default_rng(0)
    real, new = (autoregression(600, CHAIN, rng) for _ in range(2))
    new[100:250] = real[333:483]
    found = look_for_copies(*windows(real, new))
    share = np.mean([at >= 100 and at + 4 <= 250 for at in range(597)])
    assert found.identical == pytest.approx(share, abs=0.06)
    assert found.near > 0.5 * share  # each half of the real data knows one half of the copies


def test_slightly_noisy_copies_are_near():
    rng = np.random.default_rng(1)
    real = autoregression(600, CHAIN, rng)
    found = look_for_copies(*windows(real, real + 0.01 * rng.normal(size=real.shape)))
    assert found.identical == 0.0
    assert found.near > 0.45
    assert found.closer > 0.7


def test_rounded_data_repeat_themselves_and_are_not_accused():
    rng = np.random.default_rng(2)
    real, new = (rng.integers(0, 3, size=(600, 1)).astype(float) for _ in range(2))
    found = look_for_copies(*windows(real, new, window=2))
    assert found.identical == found.identical_real == 1.0
    assert found.near == pytest.approx(0.05, abs=0.01)
    assert found.closer == 0.5


def test_training_data_that_are_given_decide():
    rng = np.random.default_rng(3)
    training, real = (autoregression(600, CHAIN, rng) for _ in range(2))
    pair = pair_samples(real, training[100:400], training)
    held_out, copied, known = (
        windows_of(side, 4, 40) for side in (pair.real, pair.synthetic, pair.reference)
    )
    found = look_for_copies(copied, known, held_out)
    assert found.identical > 0.8
    assert found.identical_real == 0.0
    assert look_for_copies(held_out, known, held_out).closer == pytest.approx(0.5)
