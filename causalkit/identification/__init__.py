"""Identification: which formula of the data is the causal effect, if any. It never sees data."""

from causalkit.identification._instrument_estimand import InstrumentEstimand
from causalkit.identification.adjustment import (
    is_adjustment_set,
    minimal_adjustment_set,
    minimal_adjustment_sets,
    optimal_adjustment_set,
)
from causalkit.identification.api import STRATEGIES, Strategies, Verdict, identify, strategies
from causalkit.identification.estimand import (
    AdjustmentEstimand,
    Estimand,
    NoEffectEstimand,
)
from causalkit.identification.evaluation import ProbabilityTable, Source, Values, evaluate
from causalkit.identification.experiments import Sample, identify_from
from causalkit.identification.expression import (
    Difference,
    Equation,
    Expectation,
    Expression,
    Probability,
    Product,
    Ratio,
    Sum,
    Value,
)
from causalkit.identification.frontdoor import (
    FrontdoorEstimand,
    conditional_frontdoor,
    frontdoor_set,
    frontdoor_sets,
    is_frontdoor_set,
    minimal_frontdoor_set,
    minimal_frontdoor_sets,
)
from causalkit.identification.functional import Derivation, FunctionalEstimand, Hedge, Step
from causalkit.identification.general import general_formula
from causalkit.identification.lagged import sustained
from causalkit.identification.possible import PossibleEffects
from causalkit.identification.query import EffectQuery
from causalkit.identification.remedies import Remedies, what_would_help

__all__ = [
    "STRATEGIES",
    "AdjustmentEstimand",
    "Derivation",
    "Difference",
    "EffectQuery",
    "Equation",
    "Estimand",
    "Expectation",
    "Expression",
    "FrontdoorEstimand",
    "FunctionalEstimand",
    "Hedge",
    "InstrumentEstimand",
    "NoEffectEstimand",
    "PossibleEffects",
    "Probability",
    "ProbabilityTable",
    "Product",
    "Ratio",
    "Remedies",
    "Sample",
    "Source",
    "Step",
    "Strategies",
    "Sum",
    "Value",
    "Values",
    "Verdict",
    "conditional_frontdoor",
    "evaluate",
    "frontdoor_set",
    "frontdoor_sets",
    "general_formula",
    "identify",
    "identify_from",
    "is_adjustment_set",
    "is_frontdoor_set",
    "minimal_adjustment_set",
    "minimal_adjustment_sets",
    "minimal_frontdoor_set",
    "minimal_frontdoor_sets",
    "optimal_adjustment_set",
    "strategies",
    "sustained",
    "what_would_help",
]
