"""Identification: which formula of the data is the causal effect, if any. It never sees data."""

from causalkit.identification._instrument_estimand import InstrumentEstimand
from causalkit.identification.adjustment import (
    is_adjustment_set,
    minimal_adjustment_set,
    minimal_adjustment_sets,
    optimal_adjustment_set,
)
from causalkit.identification.adjustment_choices import (
    canonical_adjustment_set,
    minimum_adjustment_set,
)
from causalkit.identification.api import STRATEGIES, Strategies, Verdict, identify, strategies
from causalkit.identification.bounds import Bounds, bound_effect
from causalkit.identification.causation_bounds import CausationBounds, bound_causation
from causalkit.identification.class_formula import class_formula
from causalkit.identification.closed_bounds import instrument_bounds, natural_bounds
from causalkit.identification.conditions import AdjustmentConditions, adjustment_conditions
from causalkit.identification.counterfactual import (
    Counterfactual,
    CounterfactualEstimand,
    identify_counterfactual,
)
from causalkit.identification.deciding import Deciding, what_decides
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
from causalkit.identification.instrument import (
    Instrument,
    InstrumentSet,
    conditioning_set,
    instrumental_set,
    instruments,
    is_instrument,
    optimal_instruments,
)
from causalkit.identification.lagged import sustained
from causalkit.identification.mediation import (
    MediationEstimand,
    identify_mediation,
    identify_path_effect,
)
from causalkit.identification.pag_effects import OpenEstimand, pag_effects, pag_members
from causalkit.identification.pag_formula import OpenPart, pag_formula
from causalkit.identification.possible import PossibleEffects
from causalkit.identification.query import EffectQuery
from causalkit.identification.remedies import Remedies, what_would_help

__all__ = [
    "STRATEGIES",
    "AdjustmentConditions",
    "AdjustmentEstimand",
    "Bounds",
    "CausationBounds",
    "Counterfactual",
    "CounterfactualEstimand",
    "Deciding",
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
    "Instrument",
    "InstrumentEstimand",
    "InstrumentSet",
    "MediationEstimand",
    "NoEffectEstimand",
    "OpenEstimand",
    "OpenPart",
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
    "adjustment_conditions",
    "bound_causation",
    "bound_effect",
    "canonical_adjustment_set",
    "class_formula",
    "conditional_frontdoor",
    "conditioning_set",
    "evaluate",
    "frontdoor_set",
    "frontdoor_sets",
    "general_formula",
    "identify",
    "identify_counterfactual",
    "identify_from",
    "identify_mediation",
    "identify_path_effect",
    "instrument_bounds",
    "instrumental_set",
    "instruments",
    "is_adjustment_set",
    "is_frontdoor_set",
    "is_instrument",
    "minimal_adjustment_set",
    "minimal_adjustment_sets",
    "minimal_frontdoor_set",
    "minimal_frontdoor_sets",
    "minimum_adjustment_set",
    "natural_bounds",
    "optimal_adjustment_set",
    "optimal_instruments",
    "pag_effects",
    "pag_formula",
    "pag_members",
    "strategies",
    "sustained",
    "what_decides",
    "what_would_help",
]
