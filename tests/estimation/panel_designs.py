"""Panels in which the effect is known."""

from __future__ import annotations

import numpy as np


def long(n_units, n_periods):
    """Units and periods of a balanced panel, in order."""
    return np.repeat(np.arange(n_units), n_periods), np.tile(np.arange(n_periods), n_units)


def constants(n_units, rng, *, n_periods=8, effect=1.0):
    """Continuous treatment; a constant of the unit, seen in its covariate, bends both curves."""
    unit, time = long(n_units, n_periods)
    level = rng.normal(size=n_units)
    x = level[unit] + rng.normal(size=len(unit))
    mean = (np.bincount(unit, weights=x) / n_periods)[unit]
    t = 0.6 * x * mean + 0.5 * mean + rng.normal(size=n_units)[unit] + rng.normal(size=len(unit))
    own = (0.5 * level + rng.normal(size=n_units))[unit]
    y = effect * t + x * mean + 0.5 * x**2 + own + rng.normal(size=len(unit))
    return {"X": x[:, None], "y": y, "t": t, "unit": unit, "time": time}


def changes(n_units, rng, *, effect=1.0, linear=True):
    """Two periods; trends and treatment depend on two columns that do not change over time."""
    unit, time = long(n_units, 2)
    X = rng.normal(size=(n_units, 2))
    ever = rng.random(n_units) < 1 / (1 + np.exp(0.3 - 0.6 * X[:, 0] + 0.4 * X[:, 1]))
    trend = X @ [1.0, 0.5] if linear else X[:, 0] ** 2 + X[:, 1]
    after = time == 1
    t = (ever[unit] & after).astype(float)
    y = (
        (3 * ever + 2 * X[:, 0] + rng.normal(size=n_units))[unit]
        + after * (1 + trend[unit])
        + t * (effect + 0.5 * (X[:, 0] - X[ever, 0].mean())[unit])
        + rng.normal(size=len(unit))
    )
    return {"X": X[unit], "y": y, "t": t, "unit": unit, "time": time}


def staggered(n_units, rng, *, n_periods=5, starts=(2, 3), never=0.4, curved=0.5):
    """Groups start in different periods; who starts and how outcomes change depend on a column.

    The effect grows by one each period from the start on; the second group's is half as large.
    """
    unit, time = long(n_units, n_periods)
    x = rng.normal(size=n_units)
    likely = np.exp(0.5 * x)
    treated = rng.random(n_units) < likely / (likely + never / (1 - never))
    start = np.where(treated, rng.choice(starts, size=n_units), n_periods)
    since = time - start[unit]
    t = (since >= 0).astype(float)
    size = np.where(start == starts[0], 1.0, 0.5)
    y = (
        (rng.normal(size=n_units) + start)[unit]
        + 0.3 * time * (1 + curved * x[unit])
        + t * size[unit] * (1 + since)
        + rng.normal(size=len(unit))
    )
    return {"X": x[unit][:, None], "y": y, "t": t, "unit": unit, "time": time}


def factors(n_units, n_periods, rng, *, n_treated=1, n_after=5, effect=1.0, noise=0.5):
    """Units respond to two common factors; the treated are like mixtures of the others."""
    unit, time = long(n_units, n_periods)
    common = np.cumsum(rng.normal(scale=0.5, size=(2, n_periods)), axis=1)
    load = rng.uniform(size=(n_units, 2))
    t = (unit >= n_units - n_treated) & (time >= n_periods - n_after)
    y = (load @ common).ravel() + effect * t + noise * rng.normal(size=len(unit))
    return {"X": None, "y": y, "t": t.astype(float), "unit": unit, "time": time}


def two_way(n_units, n_periods, rng, *, effect=1.0, period_effects=1.0):
    """Linear; unit and period effects that go with the treatment, errors dependent over time."""
    unit, time = long(n_units, n_periods)
    alpha, delta = rng.normal(size=n_units)[unit], period_effects * rng.normal(size=n_periods)[time]
    x = rng.normal(size=len(unit)) + alpha
    t = 0.5 * x + alpha + delta + rng.normal(size=len(unit))
    error = rng.normal(size=(n_units, n_periods))
    for k in range(1, n_periods):
        error[:, k] += 0.6 * error[:, k - 1]
    scale = 1 + 0.5 * np.abs(rng.normal(size=n_units))[unit]
    y = effect * t + x + 2 * alpha + delta + scale * error.ravel()
    return {"X": x[:, None], "y": y, "t": t, "unit": unit, "time": time}


def cross_sections(n, rng, *, effect=1.0):
    """Rows of ten places, other ones each year; half the places are treated in the second."""
    place, year = rng.integers(10, size=n), rng.integers(2, size=n)
    ever = place % 2 == 1
    x = rng.normal(size=(n, 2)) + 0.4 * ever[:, None]
    t = (ever & (year == 1)).astype(float)
    y = 2 * ever + x @ [1.0, -1.0] + year * (1 + x[:, 0]) + effect * t + rng.normal(size=n)
    return {"X": x, "y": y, "t": t, "unit": place, "time": year}
