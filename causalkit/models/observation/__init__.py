"""What comes between a model and the analyst: holes, errors, outliers, zeros, rounding, limits.

A model says what happened; a layer says what was written down of it. Layers are frozen values with
`apply(data, rng)`, they go one on another (:func:`observe`), and :class:`Observed` keeps the truth:
the values that were there, which cells are missing or changed, and which columns made them so.
:func:`fit_missingness` makes a layer of the holes in real data.

>>> import numpy as np
>>> data = {"age": np.arange(200.0), "income": np.arange(200.0)}
>>> seen = observe(data, [Rounding(10.0), Missing("MAR", 0.3, columns="income", drivers="age")],
...                rng=0)
>>> seen.causes, int(seen.missing["age"].sum())
({'income': ('age',)}, 0)
"""

from causalkit.models.observation.distortions import (
    Censoring,
    Dropouts,
    MeasurementError,
    Outliers,
    Rounding,
    ZeroInflation,
)
from causalkit.models.observation.missing import Missing
from causalkit.models.observation.observed import Layer, Observed, observe
from causalkit.models.observation.observed_model import ObservedModel
from causalkit.models.observation.pattern import MissingPattern, fit_missingness

__all__ = [
    "Censoring",
    "Dropouts",
    "Layer",
    "MeasurementError",
    "Missing",
    "MissingPattern",
    "Observed",
    "ObservedModel",
    "Outliers",
    "Rounding",
    "ZeroInflation",
    "fit_missingness",
    "observe",
]
