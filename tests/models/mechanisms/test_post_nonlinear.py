"""Post-nonlinear mechanisms: increasing distortions with exact inverses."""

from __future__ import annotations

import numpy as np
import pytest

from causalkit.errors import InputError
from causalkit.models.mechanisms.additive import Additive, Linear
from causalkit.models.mechanisms.base import Mechanism
from causalkit.models.mechanisms.post_nonlinear import (
    Distortion,
    InverseSinh,
    Leaky,
    PostNonlinear,
    SignedPower,
    Sinh,
    Softplus,
)
from causalkit.models.noise import Normal

DISTORTIONS = [
    SignedPower(),
    SignedPower(3.0),
    Sinh(0.7),
    InverseSinh(2.0),
    Softplus(),
    Softplus(5.0),
    Leaky(),
]


@pytest.mark.parametrize("distortion", DISTORTIONS, ids=repr)
def test_distortions_increase_and_their_inverses_undo_them(distortion):
    assert isinstance(distortion, Distortion)
    x = np.linspace(-6, 6, 4001)
    y = distortion(x)
    assert (np.diff(y) > 0).all()
    np.testing.assert_allclose(distortion.inverse(y), x, rtol=0, atol=1e-9)


@pytest.mark.parametrize("distortion", DISTORTIONS, ids=repr)
def test_value_and_noise_undo_each_other(distortion):
    rng = np.random.default_rng(0)
    mechanism = PostNonlinear(distortion, Linear(np.array([1.0, -1.0])), Normal(0.5))
    assert isinstance(mechanism, Mechanism)
    causes, noise = rng.normal(size=(2000, 2)), mechanism.draw(2000, rng)
    y = mechanism.value(causes, noise)
    np.testing.assert_allclose(mechanism.noise(causes, y, rng), noise, rtol=0, atol=1e-9)
    np.testing.assert_allclose(mechanism.value(causes, mechanism.noise(causes, y, rng)), y)


def test_without_a_bend_it_is_additive():
    rng = np.random.default_rng(1)
    line, causes, noise = Linear(np.array([2.0])), rng.normal(size=(100, 1)), rng.normal(size=100)
    np.testing.assert_array_equal(
        PostNonlinear(Leaky(1.0), line, Normal()).value(causes, noise),
        Additive(line, Normal()).value(causes, noise),
    )


def test_softplus_gives_positive_values_only():
    assert (Softplus()(np.array([-700.0, 0.0])) > 0).all()
    with pytest.raises(InputError, match="above 0"):
        Softplus().inverse(np.array([1.0, 0.0]))


@pytest.mark.parametrize("kind", [SignedPower, Sinh, InverseSinh, Softplus, Leaky])
def test_what_does_not_increase_is_refused(kind):
    for setting in (0.0, -1.0, np.inf):
        with pytest.raises(InputError, match="above 0"):
            kind(setting)
