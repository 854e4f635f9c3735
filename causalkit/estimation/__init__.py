"""Estimation: from an identified estimand and a table to an effect with an interval.

An estimand is a formula; an estimator makes a number of it. What has to be predicted on the way
although nobody asks for it (outcomes, propensities: the *nuisances*) may be learnt by any
regression, if rows are predicted out of fold and the score is *orthogonal*, so that small errors in
the predictions do not reach the effect. Each row's *influence* on the effect is kept: standard
errors, clusters, bands over several effects and tests of differences all follow from it.

>>> import numpy as np
>>> from causalkit.estimation import OLS
>>> t = np.array([0, 0, 0, 1, 1, 1])
>>> effect = OLS().fit(None, np.array([1.0, 2, 3, 4, 5, 6]), t=t).effect_
>>> round(effect.value, 10)
3.0

===================================  ===============================================================
what do I have?                      what do I take?
===================================  ===============================================================
an estimand, and a table             :func:`estimate`: AIPW for two levels, PLR for a dose, OLS if
                                     there is nothing to adjust for, unless an estimator is named
a linear model, few columns          :class:`OLS`, :class:`GComputation`
a treatment with levels              :class:`AIPW`; mean outcomes by level: `PotentialOutcomes`;
                                     quantiles: :class:`QuantileEffects`
a dose                               :class:`PLR` (one slope), :class:`DoseResponse` (a curve)
arms to be made alike                :class:`IPW`, :class:`EntropyBalancing`, :class:`CBPS`,
                                     :class:`KernelBalancing`, :class:`Matching`; :func:`balance`
an instrument                        :class:`PLIV`, :class:`LATE`, :class:`TwoStageLeastSquares`,
                                     :class:`LIML`, :class:`GMM`; weak: :func:`weak_instrument_set`
mediators                            :class:`FrontDoor`, or :class:`NaturalEffects` for what of an
                                     effect they pass on
units seen again and again           :class:`DifferenceInDifferences`, :class:`GroupTimeEffects`,
                                     :class:`SyntheticControl`, :class:`SyntheticDiD`,
                                     :class:`FixedEffects`, :class:`PanelPLR`
series                               :func:`estimate_response`; :class:`HAC` for standard errors
an experiment                        :func:`randomization_test`
outcomes seen of some rows           :class:`SampleSelection`; predicted in all rows:
                                     :class:`PredictionPowered`, :class:`PredictedOutcome`
the question for whom it works       :class:`CausalForest`, :class:`DRLearner` and others; judged by
                                     :func:`rank_weighted_effect`; :class:`PolicyTree` decides
another formula, discrete data       :class:`PlugIn`
several effects at once              :func:`together`, and the band of an :class:`EffectSet`
===================================  ===============================================================

An interval is no better than its assumptions: overlap, the fit of the nuisances and the first stage
are in `effect.details`, and :mod:`causalkit.refutation` challenges the rest.
"""

from __future__ import annotations

from causalkit.estimation.api import estimate
from causalkit.estimation.base import EffectEstimator, Solution
from causalkit.estimation.defaults import default_estimator
from causalkit.estimation.effect import Effect, Interval
from causalkit.estimation.effect_set import EffectSet
from causalkit.estimation.features import Powers
from causalkit.estimation.heterogeneity.conditional import ConditionalEffectEstimator
from causalkit.estimation.heterogeneity.conditional_effects import ConditionalEffects
from causalkit.estimation.heterogeneity.decision_tree import DecisionTree
from causalkit.estimation.heterogeneity.meta_learners import (
    DomainAdaptationLearner,
    SLearner,
    TLearner,
    XLearner,
)
from causalkit.estimation.heterogeneity.policies import PolicyValue, policy_value
from causalkit.estimation.heterogeneity.policy_tree import PolicyTree
from causalkit.estimation.heterogeneity.projection import (
    EffectProjection,
    calibrate_effects,
    project_effects,
)
from causalkit.estimation.heterogeneity.rank_weighted import (
    RankWeightedEffect,
    rank_weighted_effect,
)
from causalkit.estimation.heterogeneity.residual_models import (
    CausalForest,
    LinearDML,
    SparseLinearDML,
)
from causalkit.estimation.heterogeneity.row_scores import EffectScores, effect_scores
from causalkit.estimation.heterogeneity.score_models import DRLearner
from causalkit.estimation.heterogeneity.sorted_groups import GroupEffects, group_effects
from causalkit.estimation.heterogeneity.with_instrument import DMLIV, OrthoIV
from causalkit.estimation.inference import Asymptotic, Bootstrap, standard_error
from causalkit.estimation.instruments.confidence_set import ConfidenceSet
from causalkit.estimation.instruments.first_stage import FirstStage
from causalkit.estimation.instruments.hausman import EffectDifference, compare_effects
from causalkit.estimation.instruments.linear import GMM, LIML, TwoStageLeastSquares
from causalkit.estimation.instruments.specification import SpecificationTest
from causalkit.estimation.instruments.t_ratio import tf_interval
from causalkit.estimation.instruments.weak_instruments import weak_instrument_set
from causalkit.estimation.joining import together
from causalkit.estimation.measurement.predicted_outcome import (
    LinearCalibration,
    PredictedOutcome,
    TweedieCorrection,
)
from causalkit.estimation.measurement.prediction_powered import PredictionPowered
from causalkit.estimation.moments import LinearScore
from causalkit.estimation.multipliers import MultiplierDraws, multiplier_bootstrap
from causalkit.estimation.nuisances.automatic import AutomaticClassifier, AutomaticRegressor
from causalkit.estimation.nuisances.boosting import BoostedClassifier, BoostedRegressor
from causalkit.estimation.nuisances.crossfitting import Nuisance
from causalkit.estimation.nuisances.gram_learners import GramOLS
from causalkit.estimation.nuisances.penalised import GramLasso, GramRidge
from causalkit.estimation.nuisances.quality import NuisanceQuality
from causalkit.estimation.orthogonal.base import OrthogonalEstimator
from causalkit.estimation.orthogonal.compliers import LATE
from causalkit.estimation.orthogonal.dose_curve import DoseResponseCurve
from causalkit.estimation.orthogonal.dose_response import DoseResponse
from causalkit.estimation.orthogonal.frontdoor_effect import FrontDoor
from causalkit.estimation.orthogonal.instrumented import PLIV
from causalkit.estimation.orthogonal.interactive import AIPW
from causalkit.estimation.orthogonal.invalid_instrument import InvalidInstrument
from causalkit.estimation.orthogonal.linear_frontdoor import LinearFrontDoor
from causalkit.estimation.orthogonal.natural_effects import NaturalEffects
from causalkit.estimation.orthogonal.partially_linear import PLR
from causalkit.estimation.orthogonal.potential_outcomes import PotentialOutcomes
from causalkit.estimation.orthogonal.quantiles import QuantileEffects
from causalkit.estimation.orthogonal.selected import SampleSelection
from causalkit.estimation.panel.cross_sections import CrossSectionDiD
from causalkit.estimation.panel.difference_in_differences import DifferenceInDifferences
from causalkit.estimation.panel.fixed_effects import FixedEffects
from causalkit.estimation.panel.group_time import GroupTimeEffects
from causalkit.estimation.panel.group_time_study import GroupTimeStudy
from causalkit.estimation.panel.partially_linear_panel import PanelPLR
from causalkit.estimation.panel.synthetic import SyntheticControl, SyntheticDiD
from causalkit.estimation.panel.synthetic_study import SyntheticStudy
from causalkit.estimation.plug_in import PlugIn
from causalkit.estimation.problem import Problem
from causalkit.estimation.randomization import RandomizationTest, randomization_test
from causalkit.estimation.regression import OLS, GComputation
from causalkit.estimation.series.responses import ImpulseResponse, estimate_response
from causalkit.estimation.series.serial import HAC, MovingBlocks
from causalkit.estimation.series.steps import Steps
from causalkit.estimation.simultaneous import JointTest
from causalkit.estimation.weighting.balance_table import Balance, balance
from causalkit.estimation.weighting.balancing import CBPS, EntropyBalancing
from causalkit.estimation.weighting.ipw import IPW
from causalkit.estimation.weighting.kernel_balancing import KernelBalancing
from causalkit.estimation.weighting.matching import Matching
from causalkit.estimation.weighting.overlap import Overlap

__all__ = [
    "AIPW",
    "CBPS",
    "DMLIV",
    "GMM",
    "HAC",
    "IPW",
    "LATE",
    "LIML",
    "OLS",
    "PLIV",
    "PLR",
    "Asymptotic",
    "AutomaticClassifier",
    "AutomaticRegressor",
    "Balance",
    "BoostedClassifier",
    "BoostedRegressor",
    "Bootstrap",
    "CausalForest",
    "ConditionalEffectEstimator",
    "ConditionalEffects",
    "ConfidenceSet",
    "CrossSectionDiD",
    "DRLearner",
    "DecisionTree",
    "DifferenceInDifferences",
    "DomainAdaptationLearner",
    "DoseResponse",
    "DoseResponseCurve",
    "Effect",
    "EffectDifference",
    "EffectEstimator",
    "EffectProjection",
    "EffectScores",
    "EffectSet",
    "EntropyBalancing",
    "FirstStage",
    "FixedEffects",
    "FrontDoor",
    "GComputation",
    "GramLasso",
    "GramOLS",
    "GramRidge",
    "GroupEffects",
    "GroupTimeEffects",
    "GroupTimeStudy",
    "ImpulseResponse",
    "Interval",
    "InvalidInstrument",
    "JointTest",
    "KernelBalancing",
    "LinearCalibration",
    "LinearDML",
    "LinearFrontDoor",
    "LinearScore",
    "Matching",
    "MovingBlocks",
    "MultiplierDraws",
    "NaturalEffects",
    "Nuisance",
    "NuisanceQuality",
    "OrthoIV",
    "OrthogonalEstimator",
    "Overlap",
    "PanelPLR",
    "PlugIn",
    "PolicyTree",
    "PolicyValue",
    "PotentialOutcomes",
    "Powers",
    "PredictedOutcome",
    "PredictionPowered",
    "Problem",
    "QuantileEffects",
    "RandomizationTest",
    "RankWeightedEffect",
    "SLearner",
    "SampleSelection",
    "Solution",
    "SparseLinearDML",
    "SpecificationTest",
    "Steps",
    "SyntheticControl",
    "SyntheticDiD",
    "SyntheticStudy",
    "TLearner",
    "TweedieCorrection",
    "TwoStageLeastSquares",
    "XLearner",
    "balance",
    "calibrate_effects",
    "compare_effects",
    "default_estimator",
    "effect_scores",
    "estimate",
    "estimate_response",
    "group_effects",
    "multiplier_bootstrap",
    "policy_value",
    "project_effects",
    "randomization_test",
    "rank_weighted_effect",
    "standard_error",
    "tf_interval",
    "together",
    "weak_instrument_set",
]
