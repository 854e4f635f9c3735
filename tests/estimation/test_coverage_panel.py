"""Intervals of the panel estimators cover: 500 panels each, where the assumptions hold.

The Monte Carlo standard error of a coverage of 95 % is 1.0 point; 92 to 97 % is accepted.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures

from causalkit.errors import CausalkitWarning
from causalkit.estimation.panel.cross_sections import CrossSectionDiD
from causalkit.estimation.panel.difference_in_differences import DifferenceInDifferences
from causalkit.estimation.panel.fixed_effects import FixedEffects
from causalkit.estimation.panel.group_time import GroupTimeEffects
from causalkit.estimation.panel.partially_linear_panel import PanelPLR
from causalkit.estimation.panel.synthetic import SyntheticControl, SyntheticDiD
from tests.estimation.panel_designs import (
    changes,
    constants,
    cross_sections,
    factors,
    staggered,
    two_way,
)

pytestmark = pytest.mark.slow

N_PANELS = 500
CURVED = make_pipeline(PolynomialFeatures(2), LinearRegression())
LINEAR = LinearRegression()


def curved(rng):
    return constants(100, rng)


def straight(rng):
    return two_way(100, 6, rng)


def no_periods(rng):
    return two_way(100, 6, rng, period_effects=0.0)


def two_periods(rng):
    return changes(400, rng)


def starts(rng):
    """Effects 1, 2, 3 of the first group and 0.5, 1 of the second, after 0, 1, 2 periods."""
    return staggered(400, rng)


def no_column(rng):
    """Trends that do not depend on the column."""
    return {**staggered(300, rng, curved=0.0), "X": None}


def surveys(rng):
    return cross_sections(800, rng)


def one_treated(rng):
    return factors(40, 30, rng)


def ten_treated(rng):
    return factors(50, 20, rng, n_treated=10)


DESIGNS = {
    "PanelPLR, correlated": (PanelPLR(CURVED, CURVED, n_folds=3), curved, 1.0),
    "PanelPLR, normal": (
        PanelPLR(CURVED, CURVED, approach="normal random effects", n_folds=3),
        curved,
        1.0,
    ),
    "PanelPLR, differences": (
        PanelPLR(LINEAR, LINEAR, approach="first differences", n_folds=3),
        no_periods,
        1.0,
    ),
    "PanelPLR, within": (PanelPLR(LINEAR, LINEAR, approach="within", n_folds=3), no_periods, 1.0),
    "FixedEffects": (FixedEffects(effects="both"), straight, 1.0),
    "DiD, doubly robust": (DifferenceInDifferences(), two_periods, 1.0),
    "DiD, regression": (DifferenceInDifferences(score="regression"), two_periods, 1.0),
    "DiD, weighting": (DifferenceInDifferences(score="weighting"), two_periods, 1.0),
    "DiD, learners": (
        DifferenceInDifferences(LINEAR, LogisticRegression(), n_folds=3),
        two_periods,
        1.0,
    ),
    "GroupTime, doubly robust": (
        GroupTimeEffects(aggregation="group", at="2", controls="not yet"),
        starts,
        2.0,
    ),
    "GroupTime, never": (GroupTimeEffects(aggregation="group", at="3"), no_column, 0.75),
    "GroupTime, before": (
        GroupTimeEffects(aggregation="event study", at="-2", score="weighting"),
        starts,
        0.0,
    ),
    "CrossSectionDiD": (CrossSectionDiD(LINEAR, LogisticRegression(), n_folds=3), surveys, 1.0),
    "SyntheticControl": (SyntheticControl(), one_treated, 1.0),
    "SyntheticDiD, placebo": (SyntheticDiD(n_placebos=30), ten_treated, 1.0),
    "SyntheticDiD, jackknife": (SyntheticDiD(std_error="jackknife"), ten_treated, 1.0),
}


def test_conformal_intervals_cover():
    """An effect is in the interval unless its test rejects, in steps of one in thirty periods."""
    kept = 0
    for rng in np.random.default_rng(20240229).spawn(N_PANELS):
        data = factors(15, 30, rng)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CausalkitWarning)
            model = SyntheticControl(n_placebos=2).fit(data.pop("X"), data.pop("y"), **data)
        kept += model.weights_.conformal_p_value(1.0) > 0.1 - 1e-9
    assert 0.88 <= kept / N_PANELS <= 0.96


@pytest.mark.filterwarnings("ignore::causalkit.errors.CausalkitWarning")
@pytest.mark.parametrize("design", DESIGNS)
def test_95_percent_intervals_cover(design):
    estimator, draw, truth = DESIGNS[design]
    if "random_state" in estimator.get_params():
        estimator.set_params(random_state=0)
    values, std_errors, covered = [], [], 0
    for rng in np.random.default_rng(20240229).spawn(N_PANELS):
        data = draw(rng)
        effect = estimator.fit(data.pop("X"), data.pop("y"), **data).effect_
        values.append(effect.value)
        std_errors.append(effect.std_error)
        covered += truth in effect.interval()
    bias, spread = np.mean(values) - truth, np.std(values)
    found = (
        f"coverage {covered / N_PANELS:.3f}, bias {bias:+.4f}, spread {spread:.4f}, "
        f"mean s.e. {np.mean(std_errors):.4f}"
    )
    assert 0.92 <= covered / N_PANELS <= 0.97, found
    assert abs(bias) < 0.25 * spread, found
