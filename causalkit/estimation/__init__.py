"""Estimation: from an identified estimand and a table to an effect with an interval.

>>> import numpy as np
>>> from causalkit.estimation import OLS
>>> t = np.array([0, 0, 0, 1, 1, 1])
>>> effect = OLS().fit(None, np.array([1.0, 2, 3, 4, 5, 6]), t=t).effect_
>>> round(effect.value, 10)
3.0

| estimator | treatment | model |
| --- | --- | --- |
| `OLS` | any | linear, one coefficient |
| `GComputation` | any | outcome regression, averaged |
| `IPW` | discrete | logistic propensity |
| `AIPW` | discrete | any learners, doubly robust, cross-fitted |
| `PLR` | binary, continuous | any learners, partially linear, cross-fitted |
| `PlugIn` | discrete | any identified formula, of discrete data |
"""

from __future__ import annotations

from causalkit.estimation.api import estimate
from causalkit.estimation.base import EffectEstimator, OrthogonalEstimator, Solution
from causalkit.estimation.defaults import default_estimator
from causalkit.estimation.effect import Effect, Interval
from causalkit.estimation.effect_set import EffectSet
from causalkit.estimation.features import Powers
from causalkit.estimation.inference import Asymptotic, Bootstrap, standard_error
from causalkit.estimation.moments import LinearScore
from causalkit.estimation.nuisances.crossfitting import Nuisance
from causalkit.estimation.orthogonal.interactive import AIPW
from causalkit.estimation.orthogonal.partially_linear import PLR
from causalkit.estimation.plug_in import PlugIn
from causalkit.estimation.problem import Problem
from causalkit.estimation.regression import OLS, GComputation
from causalkit.estimation.series.responses import ImpulseResponse, estimate_response
from causalkit.estimation.series.serial import HAC, MovingBlocks
from causalkit.estimation.series.steps import Steps
from causalkit.estimation.weighting.ipw import IPW
from causalkit.estimation.weighting.overlap import Overlap

__all__ = [
    "AIPW",
    "HAC",
    "IPW",
    "OLS",
    "PLR",
    "Asymptotic",
    "Bootstrap",
    "Effect",
    "EffectEstimator",
    "EffectSet",
    "GComputation",
    "ImpulseResponse",
    "Interval",
    "LinearScore",
    "MovingBlocks",
    "Nuisance",
    "OrthogonalEstimator",
    "Overlap",
    "PlugIn",
    "Powers",
    "Problem",
    "Solution",
    "Steps",
    "default_estimator",
    "estimate",
    "estimate_response",
    "standard_error",
]
