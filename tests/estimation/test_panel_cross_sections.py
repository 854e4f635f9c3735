"""Repeated cross sections: four means, DoubleML on the same folds, what is refused."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, LogisticRegression

from causalkit.errors import InputError
from causalkit.estimation.panel.cross_sections import CrossSectionDiD
from tests.estimation.panel_designs import cross_sections
from tests.estimation.test_panel_regression import fit, some

MODEL = CrossSectionDiD(LinearRegression(), LogisticRegression(), random_state=0)


def test_without_columns_it_is_four_means(rng):
    data = cross_sections(300, rng)
    effect = fit(clone(MODEL), data, X=None)
    ever, y, year = data["unit"] % 2 == 1, data["y"], data["time"]
    mean = {(d, p): y[(ever == d) & (year == p)].mean() for d in (0, 1) for p in (0, 1)}
    assert_allclose(effect.value, mean[1, 1] - mean[1, 0] - mean[0, 1] + mean[0, 0], rtol=1e-10)
    variance = sum(
        y[(ever == d) & (year == p)].var() / ((ever == d) & (year == p)).sum()
        for d in (0, 1)
        for p in (0, 1)
    )
    assert_allclose(effect.std_error, np.sqrt(variance), rtol=0.03)


def test_it_is_double_ml_did_cs(rng):
    data = cross_sections(400, rng)
    effect = fit(clone(MODEL), data)
    folds = effect.details["folds"][0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        doubleml = pytest.importorskip("doubleml", exc_type=ImportError)
        ever = (data["unit"] % 2 == 1).astype(float)
        theirs = doubleml.DoubleMLDIDCS(
            doubleml.DoubleMLDIDData.from_arrays(data["X"], data["y"], ever, t=data["time"]),
            LinearRegression(),
            LogisticRegression(),
            in_sample_normalization=False,
        )
        parts = [(np.flatnonzero(folds != k), np.flatnonzero(folds == k)) for k in range(5)]
        theirs.set_sample_splitting([parts])
        theirs.fit()
    assert_allclose(effect.value, theirs.coef[0], rtol=1e-8)
    assert_allclose(effect.std_error, theirs.se[0], rtol=1e-8)


def test_repeats_clusters_and_weights(rng):
    data = cross_sections(400, rng)
    effect = fit(clone(MODEL).set_params(n_repeats=3), data, groups=data["unit"])
    assert effect.df == 9
    assert 1 in effect.interval(0.999)
    plain = clone(MODEL).set_params(treatment_learner=LogisticRegression(C=np.inf))
    doubled = fit(plain, data, sample_weight=np.full(400, 2.0))
    assert_allclose(doubled.value, fit(plain, data).value, rtol=1e-4)


def test_what_cross_sections_refuse(rng):
    data = cross_sections(300, rng)
    unit, time = data["unit"], data["time"]
    with pytest.raises(InputError, match="another status than their start"):
        fit(clone(MODEL), data, t=((unit % 2 == 1) & (time == 1) & (data["y"] > 0)).astype(float))
    with pytest.raises(InputError, match="no row from the start"):
        fit(clone(MODEL), some(data, (time == 0) | (unit != 3)))
    with pytest.raises(InputError, match="untreated units before"):
        fit(clone(MODEL), data, t=(time == 1).astype(float))
    without = some(data, (time == 1) | (unit % 2 == 0))
    with pytest.raises(InputError, match="treated units before"):
        fit(clone(MODEL), without)
    with pytest.raises(InputError, match="needs a binary"):
        fit(clone(MODEL), data, t=data["y"])
