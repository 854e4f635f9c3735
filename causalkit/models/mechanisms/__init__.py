"""Mechanisms: how a variable comes about from its causes and noise.

All are frozen values with the protocol of :class:`Mechanism`; functions that fit one to data start
with `fit_`.

- numbers, the noise recovered exactly: `Additive`, `LocationScale`, `PostNonlinear`; `LevelNoise`
  and `QuantileForest`, where noise depends on the level or on the causes;
- classes and counts, the noise recovered up to a draw: `Logistic`, `Ordinal`, `Softmax`, `Table`,
  `Count`.

Their deterministic parts are functions: `Linear`, `SplineFunction`, `TreesFunction`, `Network`.
"""

from causalkit.models.mechanisms.additive import Additive, Linear, LocationScale
from causalkit.models.mechanisms.base import Function, Mechanism, Noise
from causalkit.models.mechanisms.count_fitting import fit_count
from causalkit.models.mechanisms.counts import Count
from causalkit.models.mechanisms.fitting import fit_mechanism
from causalkit.models.mechanisms.functions import SplineFunction, TreesFunction
from causalkit.models.mechanisms.head_fitting import fit_logistic, fit_ordinal, fit_softmax
from causalkit.models.mechanisms.heads import Logistic, Ordinal, Softmax
from causalkit.models.mechanisms.levels import LevelNoise, fit_level_noise
from causalkit.models.mechanisms.networks import Network, fit_network
from causalkit.models.mechanisms.noise_fitting import fit_noise
from causalkit.models.mechanisms.post_nonlinear import (
    InverseSinh,
    Leaky,
    PostNonlinear,
    SignedPower,
    Sinh,
    Softplus,
)
from causalkit.models.mechanisms.quantiles import QuantileForest, fit_quantiles
from causalkit.models.mechanisms.tables import Table, fit_table

__all__ = [
    "Additive",
    "Count",
    "Function",
    "InverseSinh",
    "Leaky",
    "LevelNoise",
    "Linear",
    "LocationScale",
    "Logistic",
    "Mechanism",
    "Network",
    "Noise",
    "Ordinal",
    "PostNonlinear",
    "QuantileForest",
    "SignedPower",
    "Sinh",
    "Softmax",
    "Softplus",
    "SplineFunction",
    "Table",
    "TreesFunction",
    "fit_count",
    "fit_level_noise",
    "fit_logistic",
    "fit_mechanism",
    "fit_network",
    "fit_noise",
    "fit_ordinal",
    "fit_quantiles",
    "fit_softmax",
    "fit_table",
]
