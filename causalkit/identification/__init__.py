"""Identification: which formula of the data is the causal effect, if any. It never sees data.

A graph says which statistical dependences are causal and which are not. From it follows whether an
effect can be computed from a distribution that was only watched, by which formula, and if not, what
stands in the way. :func:`identify` tries the strategies in turn and returns an
:class:`Estimand`: the formula, what it assumes, and a way to numbers (`.estimate(data)`).
:func:`strategies` shows what became of each.

===================================  ===============================================================
what do I have?                      what do I take?
===================================  ===============================================================
a graph, and a question              :func:`identify`; :func:`strategies` for all of them
covariates to choose                 :func:`optimal_adjustment_set` (smallest variance),
                                     :func:`minimum_adjustment_set` (fewest, cheapest),
                                     :func:`adjustment_conditions` (why a set is not valid)
a hidden common cause                :func:`frontdoor_sets`, :func:`instruments`,
                                     :func:`general_formula` (ID: complete for one distribution)
experiments, or other populations    :func:`identify_from`
a CPDAG or PAG, not one graph        :func:`identify` as before; :func:`class_formula`,
                                     :func:`pag_formula`, :func:`pag_effects` (all possible answers)
"how", or "along which path?"        :func:`identify_mediation`, :func:`identify_path_effect`
"what if it had been otherwise?"     :func:`identify_counterfactual`, :func:`bound_causation`
a graph of series                    :func:`identify` with `"X[t-2]"`; :func:`sustained`
no formula                           :func:`bound_effect`; :func:`what_would_help` (measure, set,
                                     orient); :func:`what_decides` (which edges)
===================================  ===============================================================

Folders: `adjustment`, `frontdoor`, `instrument`, `general`, `classes`, `counterfactual`, `bounds`
and `series` hold one strategy each; `formulas` holds the trees that answers are made of, which
print as text and LaTeX and evaluate on tables of probabilities.
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
