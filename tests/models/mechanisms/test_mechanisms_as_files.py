"""Fitted mechanisms are arrays: written to a file and read again, they give the same values."""

from __future__ import annotations

from functools import cache
from io import BytesIO

import numpy as np
import pytest

from causalkit.models.mechanisms.additive import Additive, Linear
from causalkit.models.mechanisms.count_fitting import fit_count
from causalkit.models.mechanisms.head_fitting import (
    fit_logistic,
    fit_ordinal,
    fit_softmax,
)
from causalkit.models.mechanisms.levels import fit_level_noise
from causalkit.models.mechanisms.networks import fit_network
from causalkit.models.mechanisms.noise_fitting import fit_noise
from causalkit.models.mechanisms.post_nonlinear import PostNonlinear, Softplus
from causalkit.models.mechanisms.quantiles import fit_quantiles
from causalkit.models.mechanisms.tables import fit_table
from causalkit.models.saving import read_value, write_value

LINE = Linear(np.array([1.0, -0.5]))


NAMES = (
    "table",
    "logistic",
    "ordinal",
    "softmax",
    "count",
    "levels",
    "quantiles",
    "network",
    "post-nonlinear",
)


@cache
def fitted_mechanisms():
    rng = np.random.default_rng(0)
    X, e = rng.normal(size=(300, 2)), rng.normal(size=300)
    y = LINE(X) + e
    level = np.digitize(y, [-1, 1]) * 1.0
    codes = (X > 0) * 1.0
    return {
        "table": fit_table(codes, level, (2, 2, 3)),
        "logistic": fit_logistic(X, (y > 0) * 1.0, index="spline"),
        "ordinal": fit_ordinal(X, level, 3),
        "softmax": fit_softmax(X, level, 3),
        "count": fit_count(X, rng.poisson(np.exp(0.5 * X[:, 0])) * 1.0),
        "levels": fit_level_noise(LINE, LINE(X), e),
        "quantiles": fit_quantiles(X, y, n_trees=3, rng=0),
        "network": Additive(fit_network(X, y, penalty=1.0, rng=0), fit_noise(e, "mixture")),
        "post-nonlinear": PostNonlinear(Softplus(2.0), LINE, fit_noise(e, "student")),
    }


@pytest.mark.parametrize("name", NAMES)
def test_what_is_read_is_what_was_written(name):
    mechanism, file = fitted_mechanisms()[name], BytesIO()
    write_value(mechanism, file, kind="mechanism")
    file.seek(0)
    again = read_value(file, kind="mechanism")
    causes = np.random.default_rng(1).integers(2, size=(50, 2)) * 1.0
    noise = mechanism.draw(50, np.random.default_rng(2))
    np.testing.assert_array_equal(again.draw(50, np.random.default_rng(2)), noise)
    np.testing.assert_array_equal(again.value(causes, noise), mechanism.value(causes, noise))


@pytest.mark.parametrize("name", NAMES)
def test_one_row_is_drawn_as_it_is_among_many_and_no_row_is_none(name):
    mechanism = fitted_mechanisms()[name]
    rng = np.random.default_rng(3)
    causes = rng.integers(2, size=(20, 2)) * 1.0
    noise = mechanism.draw(20, rng)
    together = mechanism.value(causes, noise)
    alone = [mechanism.value(causes[[i]], noise[[i]])[0] for i in range(20)]
    np.testing.assert_allclose(alone, together, rtol=1e-12)
    none = mechanism.value(causes[:0], mechanism.draw(0, rng))
    assert none.shape == (0,)
    assert len(mechanism.noise(causes[:0], none, rng)) == 0
