"""Identification: which formula of the data is the causal effect, if any. It never sees data."""

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
    PossibleEffects,
)
from causalkit.identification.expression import (
    Equation,
    Expectation,
    Expression,
    Probability,
    Product,
    Sum,
)
from causalkit.identification.lagged import sustained
from causalkit.identification.query import EffectQuery

__all__ = [
    "STRATEGIES",
    "AdjustmentEstimand",
    "EffectQuery",
    "Equation",
    "Estimand",
    "Expectation",
    "Expression",
    "NoEffectEstimand",
    "PossibleEffects",
    "Probability",
    "Product",
    "Strategies",
    "Sum",
    "Verdict",
    "identify",
    "is_adjustment_set",
    "minimal_adjustment_set",
    "minimal_adjustment_sets",
    "optimal_adjustment_set",
    "strategies",
    "sustained",
]
