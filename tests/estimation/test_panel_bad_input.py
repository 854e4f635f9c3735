"""Every panel estimator and every kind of bad input: an error that names it, or stated handling."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, LogisticRegression

from causalkit.errors import InputError, NumericalError
from causalkit.estimation.panel.cross_sections import CrossSectionDiD
from causalkit.estimation.panel.difference_in_differences import DifferenceInDifferences
from causalkit.estimation.panel.fixed_effects import FixedEffects
from causalkit.estimation.panel.group_time import GroupTimeEffects
from causalkit.estimation.panel.partially_linear_panel import PanelPLR
from causalkit.estimation.panel.synthetic import SyntheticControl, SyntheticDiD
from tests.estimation.panel_designs import changes, factors
from tests.estimation.test_panel_regression import fit

LINEAR = LinearRegression()
WITH_COLUMNS = {
    "PanelPLR": PanelPLR(LINEAR, LINEAR, n_folds=2, random_state=0),
    "FixedEffects": FixedEffects(effects="both"),
    "DiD": DifferenceInDifferences(),
    "DiD, learners": DifferenceInDifferences(
        LINEAR, LogisticRegression(C=np.inf), n_folds=2, random_state=0
    ),
    "GroupTime": GroupTimeEffects(),
}
ON_OUTCOMES = {"SC": SyntheticControl(), "SDiD": SyntheticDiD()}
EVERY = {
    **WITH_COLUMNS,
    **ON_OUTCOMES,
    "cross sections": CrossSectionDiD(LINEAR, LogisticRegression(), random_state=0),
}


def panel(name, rng):
    return factors(20, 8, rng) if name in ON_OUTCOMES else changes(45, rng)


def spoilt(values, value):
    values = np.array(values, dtype=float)
    values[3] = value
    return values


@pytest.mark.parametrize("name", EVERY)
def test_holes_and_infinities_are_named(rng, name):
    data, model = panel(name, rng), clone(EVERY[name])
    for value in (np.nan, np.inf):
        for role, what in (("y", "'y'"), ("t", "'t'")):
            with pytest.raises(InputError, match=what):
                fit(model, data, **{role: spoilt(data[role], value)})
    with pytest.raises(InputError, match="have no unit"):
        fit(model, data, unit=spoilt(data["unit"], np.nan))
    with pytest.raises(InputError, match="labels, y has"):
        fit(model, data, time=data["time"][:-1])
    with pytest.raises(InputError, match="one value only"):
        fit(model, data, t=np.zeros(len(data["y"])))
    with pytest.raises(InputError, match="one value only"):
        fit(model, data, y=np.zeros(len(data["y"])))
    with pytest.raises(InputError, match="it takes only unit, time"):
        fit(model, data, z=data["y"])
    with pytest.raises(InputError, match="weights"):
        fit(model, data, sample_weight=spoilt(np.ones(len(data["y"])), -1.0))
    with pytest.raises(InputError, match="one cluster"):
        fit(model, data, groups=np.zeros(len(data["y"])))
    with pytest.raises(InputError, match="is categorical"):
        fit(model, data, t=pd.Categorical.from_codes(data["unit"] % 3, ["a", "b", "c"]))


@pytest.mark.parametrize("name", WITH_COLUMNS)
def test_columns(rng, name):
    data, model = panel(name, rng), WITH_COLUMNS[name]
    X = pd.DataFrame(data["X"], columns=["a", "b"])
    for value in (np.nan, np.inf):
        with pytest.raises(InputError, match="'a'"):
            fit(clone(model), data, X=X.assign(a=spoilt(X["a"], value)))
    plain = fit(clone(model), data, X=X)
    collinear = fit(clone(model), data, X=X.assign(c=X["a"] - X["b"]))
    assert_allclose(collinear.value, plain.value, atol=1e-3 * plain.std_error)
    huge = fit(clone(model), data, X=X, y=data["y"] * 1e150)
    assert_allclose(huge.value, plain.value * 1e150, rtol=1e-6)
    place = pd.Categorical(np.array(["north", "south", "west"])[data["unit"] % 3])
    assert np.isfinite(fit(clone(model), data, X=X.assign(place=place)).std_error)
    status = pd.Categorical(np.where(data["t"] == 1, "treated", "control"))
    labelled = fit(clone(model), data, X=X, t=status)
    assert_allclose(labelled.value, plain.value, rtol=1e-10)


@pytest.mark.parametrize("name", ["DiD", "DiD, learners", "GroupTime"])
def test_a_column_that_says_who_is_treated(rng, name):
    """Refused by the models; learners warn of it."""
    data, model = panel(name, rng), clone(WITH_COLUMNS[name])
    ever = np.repeat(data["t"].reshape(-1, 2).any(axis=1), 2)
    if name == "DiD, learners":
        with pytest.warns(UserWarning, match=r"[Oo]verlap|comparable"):
            fit(model, data, X=ever[:, None] + 0.0)
    else:
        with pytest.raises(NumericalError, match=r"determines|without error"):
            fit(model, data, X=ever[:, None] + 0.0)


@pytest.mark.parametrize("name", EVERY)
def test_reprs_and_clones(name):
    assert type(EVERY[name]).__name__ in repr(EVERY[name])
    assert clone(EVERY[name]).get_params().keys() == EVERY[name].get_params().keys()
