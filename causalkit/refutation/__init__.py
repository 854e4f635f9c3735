"""Challenge an effect: placebos, subsets, noise, and how strong a hidden cause must be.

>>> import numpy as np
>>> from causalkit.estimation import OLS
>>> rng = np.random.default_rng(1)
>>> age = rng.normal(size=500)
>>> t = 0.5 * age + rng.normal(size=500)
>>> y = t + 0.5 * age + rng.normal(size=500)
>>> effect = OLS().fit({"age": age}, y, t=t).effect_
>>> challenges = refute(effect, random_state=0)
>>> challenges.verdict, challenges["placebo treatment"].verdict
('passes', 'passes')

Checks are values of settings: :class:`PlaceboTreatment`, :class:`DummyOutcome`,
:class:`RandomCommonCause`, :class:`DataSubset`, :class:`HiddenCommonCause`, :class:`EValue`. Each
returns a :class:`Challenge` that "passes", "fails" or is "not informative", and says in a sentence
what to make of it. What each can and cannot find is told where it lives.
"""

from causalkit.refutation.api import Challenges, default_checks, refute
from causalkit.refutation.base import Challenge, Check
from causalkit.refutation.dummy_outcome import DummyOutcome
from causalkit.refutation.e_values import EValue, bounding_factor, e_value, e_value_of_interval
from causalkit.refutation.falsification import Falsification, Independence, falsify_graph
from causalkit.refutation.hidden_bias import Benchmark, HiddenBias
from causalkit.refutation.hidden_common_cause import HiddenCommonCause
from causalkit.refutation.matched_pairs import RosenbaumBounds, rosenbaum_bounds
from causalkit.refutation.negative_control import (
    NegativeControlOutcome,
    NegativeControlTreatment,
)
from causalkit.refutation.odds_bounds import MarginalSensitivity, OddsBound
from causalkit.refutation.odds_sensitivity import marginal_sensitivity
from causalkit.refutation.omitted_variable import benchmark_strength, partial_r2, robustness_value
from causalkit.refutation.placebo import PlaceboTreatment
from causalkit.refutation.positivity import OverlapRegions, Positivity, Region, overlap_tree
from causalkit.refutation.reduced_forms import instrument_sensitivity, reduced_form
from causalkit.refutation.sensitivity_analysis import sensitivity
from causalkit.refutation.stability import DataSubset, RandomCommonCause

__all__ = [
    "Benchmark",
    "Challenge",
    "Challenges",
    "Check",
    "DataSubset",
    "DummyOutcome",
    "EValue",
    "Falsification",
    "HiddenBias",
    "HiddenCommonCause",
    "Independence",
    "MarginalSensitivity",
    "NegativeControlOutcome",
    "NegativeControlTreatment",
    "OddsBound",
    "OverlapRegions",
    "PlaceboTreatment",
    "Positivity",
    "RandomCommonCause",
    "Region",
    "RosenbaumBounds",
    "benchmark_strength",
    "bounding_factor",
    "default_checks",
    "e_value",
    "e_value_of_interval",
    "falsify_graph",
    "instrument_sensitivity",
    "marginal_sensitivity",
    "overlap_tree",
    "partial_r2",
    "reduced_form",
    "refute",
    "robustness_value",
    "rosenbaum_bounds",
    "sensitivity",
]
