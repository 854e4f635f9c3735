"""Mechanisms in standard units: the internally standardised structural causal model.

In a random model with slopes of a fixed size, variances pile up along causal paths, and with them
the share of each variable that its causes explain. Sorting variables by either then finds much of
the graph, and a benchmark rewards what is no causal insight. Bringing the *data* to standard units
afterwards hides the variances only. Here each variable is brought to mean 0 and variance 1 *while*
it comes about, so its effects are made from standard units, wherever in the graph it is::

    u_j = f_j(x_parents) + e_j          x_j = (u_j - E u_j) / sd(u_j)

That is again a structural causal model, of the same kind, with other numbers: nothing is computed
from the rows of a sample, and rows stay independent. The moments are exact if the model is linear,
and from a large pilot draw if not.

>>> from causalkit.models.noise import Normal
>>> from causalkit.models.mechanisms.additive import Additive, Linear
>>> x = rescaled(Additive(Linear(np.array([3.0])), Normal(4.0)), centre=0.0, spread=5.0)
>>> x.mean.slopes, x.noise_model.scale
(array([0.6]), 0.8)

References
----------
Ormaniec, Sussex, Lorch, Schölkopf and Krause (2025), "Standardizing structural causal models",
ICLR, doi:10.48550/arXiv.2406.11601.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from causalkit.errors import InputError
from causalkit.graph import CausalGraph
from causalkit.models.mechanisms.additive import Additive, Linear, LocationScale
from causalkit.models.mechanisms.base import Mechanism, Noise
from causalkit.models.noise import Empirical, Laplace, Mixture, Normal, Smoothed, Student, Uniform
from causalkit.models.random_models.functions import stretched
from causalkit.typing import FloatArray, Name

__all__ = ["Rescaled", "linear_covariance", "rescaled", "standardise_linear"]


@dataclass(frozen=True, slots=True, eq=False)
class Rescaled:
    """A mechanism in other units: (value - centre) / spread.

    Attributes
    ----------
    mechanism : Mechanism
    centre, spread : float
    """

    mechanism: Mechanism
    centre: float
    spread: float

    @property
    def bijective(self) -> bool:
        """As it is in its own units."""
        return self.mechanism.bijective

    def draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw noise of n rows."""
        return self.mechanism.draw(n, rng)

    def value(self, causes: FloatArray, noise: FloatArray) -> FloatArray:
        """Value in standard units, shape (n,)."""
        return (self.mechanism.value(causes, noise) - self.centre) / self.spread

    def noise(self, causes: FloatArray, value: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Noise that gives a value in standard units."""
        return self.mechanism.noise(causes, value * self.spread + self.centre, rng)


def rescaled(mechanism: Mechanism, centre: float, spread: float) -> Mechanism:
    """Return the mechanism of (value - centre) / spread, of the same class where that can be.

    Parameters
    ----------
    mechanism : Mechanism
    centre, spread : float

    Returns
    -------
    Mechanism
        A linear mechanism stays linear.
    """
    if isinstance(mechanism, Additive):
        noise = _times(mechanism.noise_model, 1.0 / spread)
        if noise is not None:
            return Additive(stretched(mechanism.mean, 1 / spread, -centre / spread), noise)
    if isinstance(mechanism, LocationScale):
        mean = stretched(mechanism.mean, 1 / spread, -centre / spread)
        log_scale = stretched(mechanism.log_scale, 1.0, -float(np.log(spread)))
        return LocationScale(mean, log_scale, mechanism.noise_model)
    return Rescaled(mechanism, centre, spread)


def _times(noise: Noise, factor: float) -> Noise | None:
    """Noise times a number above 0; None if it is of a class unknown here."""
    if isinstance(noise, (Normal, Laplace, Uniform, Student)):
        return replace(noise, scale=noise.scale * factor)
    if isinstance(noise, Empirical):
        return Empirical(noise.residuals * factor)
    if isinstance(noise, Smoothed):
        return Smoothed(noise.residuals * factor, noise.bandwidth * factor)
    if isinstance(noise, Mixture):
        return Mixture(noise.shares, noise.means * factor, noise.scales * factor)
    return None


def linear_covariance(dag: CausalGraph, mechanisms: Mapping[Name, Mechanism]) -> FloatArray:
    """Population covariance of a linear model, exactly.

    Parameters
    ----------
    dag : CausalGraph
        Kind DAG.
    mechanisms : mapping of name to Additive
        Each with a `Linear` mean, whose slopes are those of the parents in node order.

    Returns
    -------
    ndarray of shape (p, p)

    Raises
    ------
    InputError
        If a mechanism is not linear with additive noise.
    """
    return _propagated(dag, {name: _as_linear(mechanisms[name], name) for name in dag.nodes})[0]


def standardise_linear(
    dag: CausalGraph, mechanisms: Mapping[Name, Mechanism]
) -> dict[Name, Mechanism]:
    """Standardise each variable of a linear model by its population moments while it comes about.

    Parameters
    ----------
    dag : CausalGraph
        Kind DAG.
    mechanisms : mapping of name to Additive
        Each with a `Linear` mean; effects of causes in standard units.

    Returns
    -------
    dict of name to Mechanism
        Of the model whose variables have mean 0 and variance 1, up to rounding.

    Raises
    ------
    InputError
        If a mechanism is not linear with additive noise.

    Examples
    --------
    >>> dag = CausalGraph.parse("a -> b -> c")
    >>> twice, nothing = Linear(np.array([2.0])), Linear(np.zeros(0))
    >>> raw = {"a": Additive(nothing, Normal()), "b": Additive(twice, Normal())}
    >>> raw["c"] = raw["b"]
    >>> linear_covariance(dag, raw).diagonal()
    array([ 1.,  5., 21.])
    >>> linear_covariance(dag, standardise_linear(dag, raw)).diagonal().round(9)
    array([1., 1., 1.])
    """
    linear = {name: _as_linear(mechanisms[name], name) for name in dag.nodes}
    return _propagated(dag, linear, standard=True)[1]


def _propagated(
    dag: CausalGraph, mechanisms: Mapping[Name, Additive], *, standard: bool = False
) -> tuple[FloatArray, dict[Name, Mechanism]]:
    """Covariance, causes first: cov(x_j, all before) = Σ slopes · cov(parents, all before)."""
    p = len(dag.nodes)
    covariance = np.zeros((p, p))
    made: dict[Name, Mechanism] = {}
    for j in dag.order.tolist():
        name = dag.nodes[j]
        mechanism, parents = mechanisms[name], np.flatnonzero(dag.directed[:, j])
        slopes = mechanism.mean.slopes  # type: ignore[attr-defined]
        with_others = slopes @ covariance[parents]
        variance = float(with_others[parents] @ slopes) + mechanism.noise_model.variance
        spread = float(np.sqrt(variance)) if standard else 1.0
        centre = mechanism.mean.intercept if standard else 0.0  # type: ignore[attr-defined]
        made[name] = rescaled(mechanism, centre, spread)
        covariance[j] = covariance[:, j] = with_others / spread
        covariance[j, j] = variance / spread**2
    return covariance, made


def _as_linear(mechanism: Mechanism, name: Name) -> Additive:
    if isinstance(mechanism, Additive) and isinstance(mechanism.mean, Linear):
        return mechanism
    raise InputError(
        f"the mechanism of {name!r} is no Additive with a Linear mean; expected a linear model, "
        "whose moments have a closed form. Draw a large sample to see the moments of others."
    )
