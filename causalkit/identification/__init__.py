"""Identification: which formula of the data is the causal effect, if any. It never sees data.

===================  =============================================================================
`identify`           an effect, by the first strategy that works; `strategies` shows them all
`adjustment`         which covariates: valid, minimal, cheapest, optimal; why a set is not valid
`frontdoor`          through mediators, given covariates if need be
`instrument`         by what moves the treatment only: `instruments`, `instrumental_set`
`general`            ID and IDC (`general_formula`), several samples (`identify_from`), hedges, and
                     `what_would_help`
`classes`            CPDAG, MAG, PAG: one formula for all members, all possible effects,
                     `what_decides`
`counterfactual`     several worlds at once (`identify_counterfactual`), mediation, single paths
`bounds`             what discrete data say where no formula is: `bound_effect`
`series`             windows of graphs of series, `sustained` treatments
`formulas`           the trees that answers are made of: text, LaTeX, `evaluate`
===================  =============================================================================
"""

from causalkit.identification.adjustment.choices import (
    canonical_adjustment_set,
    minimum_adjustment_set,
)
from causalkit.identification.adjustment.conditions import (
    AdjustmentConditions,
    adjustment_conditions,
)
from causalkit.identification.adjustment.sets import (
    is_adjustment_set,
    minimal_adjustment_set,
    minimal_adjustment_sets,
    optimal_adjustment_set,
)
from causalkit.identification.api import STRATEGIES, Strategies, Verdict, identify, strategies
from causalkit.identification.bounds.bounds import Bounds, bound_effect
from causalkit.identification.bounds.causation import CausationBounds, bound_causation
from causalkit.identification.bounds.closed import instrument_bounds, natural_bounds
from causalkit.identification.classes.cpdag import class_formula
from causalkit.identification.classes.deciding import Deciding, what_decides
from causalkit.identification.classes.lv_ida import pag_effects, pag_members
from causalkit.identification.classes.open_estimand import OpenEstimand
from causalkit.identification.classes.pag import OpenPart, pag_formula
from causalkit.identification.classes.possible import PossibleEffects
from causalkit.identification.counterfactual.counterfactual import (
    Counterfactual,
    CounterfactualEstimand,
    identify_counterfactual,
)
from causalkit.identification.counterfactual.covariates import mediation_covariates
from causalkit.identification.counterfactual.mediation import (
    MediationEstimand,
    identify_mediation,
    identify_path_effect,
)
from causalkit.identification.estimand import (
    AdjustmentEstimand,
    Estimand,
    NoEffectEstimand,
)
from causalkit.identification.formulas.evaluation import ProbabilityTable, Source, Values, evaluate
from causalkit.identification.formulas.expression import (
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
from causalkit.identification.frontdoor.estimand import FrontdoorEstimand
from causalkit.identification.frontdoor.frontdoor import (
    conditional_frontdoor,
    frontdoor_set,
    frontdoor_sets,
    is_frontdoor_set,
    minimal_frontdoor_set,
    minimal_frontdoor_sets,
)
from causalkit.identification.general.experiments import Sample, identify_from
from causalkit.identification.general.functional import Derivation, FunctionalEstimand, Hedge, Step
from causalkit.identification.general.general import general_formula
from causalkit.identification.general.remedies import Remedies, what_would_help
from causalkit.identification.instrument.estimand import InstrumentEstimand
from causalkit.identification.instrument.instrument import (
    Instrument,
    InstrumentSet,
    conditioning_set,
    instrumental_set,
    instruments,
    is_instrument,
    optimal_instruments,
)
from causalkit.identification.query import EffectQuery
from causalkit.identification.series.lagged import sustained

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
    "mediation_covariates",
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
