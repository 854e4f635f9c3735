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

A check is a value of settings that returns a :class:`Challenge`, which "passes", "fails" or is "not
informative", and says in a sentence what to make of it. None can show that an effect is causal;
each looks for one way to be wrong. Which, for what doubt?

==================================  ============================================================
is the estimator sound?             :class:`PlaceboTreatment` (a shuffled treatment),
                                    :class:`DummyOutcome` (a made-up outcome without an effect)
does it hang on few rows, noise?    :class:`DataSubset`, :class:`RandomCommonCause`
is something hidden?                :class:`NegativeControlOutcome`,
                                    :class:`NegativeControlTreatment`, if there is such a column
how strong would it have to be?     :func:`sensitivity` (shares of variance; linear regression, PLR,
                                    AIPW), :func:`marginal_sensitivity` (odds of treatment; AIPW),
                                    :func:`rosenbaum_bounds` (odds within matched pairs),
                                    :func:`e_value` (risk ratios); as checks
                                    :class:`HiddenCommonCause`, :class:`EValue`
of a printed regression table?      :meth:`HiddenBias.from_regression`, :func:`robustness_value`
is an instrument to be believed?    :func:`reduced_form`, :func:`instrument_sensitivity`
who had no other choice?            :func:`overlap_tree`: where overlap fails, in words
is the graph wrong?                 :func:`falsify_graph`
==================================  ============================================================
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
