"""Equations of small models: graph and mechanisms from the same numbers.

An :class:`Equation` says what a variable is made of: slopes by the name of the cause, a wave in the
first covariate W0, a product of two variables, and noise; or the log odds of a 1. The graph of
:func:`model_of` has an arrow exactly where one of these numbers is not zero, so it cannot say
anything else than the mechanisms do.

>>> model = model_of({"T": Equation(binary=True), "Y": Equation({"T": 2.0})})
>>> print(model.graph_)
DAG with 2 nodes, 1 edge: T -> Y
>>> model.effect("T", "Y").value
2.0
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from causalkit.graph import CausalGraph
from causalkit.models.mechanisms.additive import Additive, Linear
from causalkit.models.mechanisms.base import Function, Mechanism
from causalkit.models.mechanisms.heads import Logistic
from causalkit.models.noise import Normal
from causalkit.models.random_models.task_functions import Surface
from causalkit.models.structural.structural_model import StructuralCausalModel
from causalkit.typing import Name

__all__ = ["Equation", "model_of"]


@dataclass(frozen=True, slots=True)
class Equation:
    """What one variable is made of.

    Attributes
    ----------
    slopes : mapping of name to float
    intercept : float
    height : float
        Of the wave in W0.
    product : tuple of (name, name, float), optional
        Two causes that are multiplied, and by which number.
    noise : float
        Standard deviation of its normal noise.
    binary : bool
        Whether all of that are the log odds of a 1, and there is no normal noise.
    """

    slopes: Mapping[str, float] = field(default_factory=dict)
    intercept: float = 0.0
    height: float = 0.0
    product: tuple[str, str, float] | None = None
    noise: float = 1.0
    binary: bool = False

    def times(self, factor: float) -> Equation:
        """Slopes, intercept and wave times a number."""
        return replace(
            self,
            slopes={name: factor * slope for name, slope in self.slopes.items()},
            intercept=factor * self.intercept,
            height=factor * self.height,
        )

    def plus(self, slopes: Mapping[str, float]) -> Equation:
        """With more slopes."""
        return replace(self, slopes={**self.slopes, **slopes})


def model_of(
    equations: Mapping[str, Equation], latents: tuple[str, ...] = ()
) -> StructuralCausalModel:
    """Return the model of some equations.

    Parameters
    ----------
    equations : mapping of name to Equation
        Of all variables, in the order of the columns.
    latents : tuple of names

    Returns
    -------
    StructuralCausalModel
        With an arrow wherever a number is not zero.
    """
    causes = {name: _causes_of(equation) for name, equation in equations.items()}
    names = tuple(equations)
    edges = [(cause, name) for name in names for cause in names if cause in causes[name]]
    dag = CausalGraph.from_edges(names, edges)
    mechanisms: dict[Name, Mechanism] = {}
    for name, equation in equations.items():
        mean = _as_function(equation, [cause for cause in names if cause in causes[name]])
        mechanisms[name] = (
            Logistic(mean) if equation.binary else Additive(mean, Normal(equation.noise))
        )
    return StructuralCausalModel.from_mechanisms(dag, mechanisms, latents)


def _causes_of(equation: Equation) -> set[str]:
    found = {name for name, slope in equation.slopes.items() if slope}
    if equation.height:
        found.add("W0")
    return found | set(equation.product[:2] if equation.product else ())


def _as_function(equation: Equation, causes: list[str]) -> Function:
    slopes = np.array([equation.slopes.get(name, 0.0) for name in causes], dtype=np.float64)
    if not equation.height and equation.product is None:
        return Linear(slopes, equation.intercept)
    first, second, interaction = equation.product or (causes[0], causes[0], 0.0)
    return Surface(
        slopes,
        equation.intercept,
        equation.height,
        causes.index("W0") if equation.height else 0,
        interaction,
        causes.index(first),
        causes.index(second),
    )
