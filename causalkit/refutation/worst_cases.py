"""Worst cases: outcomes tilted as far as a hidden cause of the treatment could have tilted them.

Suppose that a hidden cause changes anybody's odds of being in an arm by at most a factor Γ, up or
down. Among rows with columns x that are *not* in the arm, the outcome that the arm would have given
them is then distributed as in the arm, but reweighted by something between 1/Γ and Γ. The largest
mean puts Γ on outcomes above their quantile q at Γ/(1+Γ), and 1/Γ below (Dorn & Guo 2023):

    ρ(x) = E[R(Y, q(x)) | x, arm],     R(y, q) = y/Γ + (1 − 1/Γ) q + (Γ − 1/Γ) (y − q)₊,

and with any other q the same formula is an upper bound that is not the least. The smallest mean is
minus the largest of −Y. How q and ρ are come by:

* an outcome of zeros and ones: from its probability μ, ρ = min(Γμ, 1 − (1 − μ)/Γ), exactly;
* other outcomes: as location and scale, Y = μ(x) + σ(x) Z with one distribution of Z, so that one
  regression more, of |Y − μ| on x, serves all Γ;
* or with learners of conditional quantiles, fitted for every Γ.

References
----------
Tan (2006), "A distributional approach for causal inference using propensity scores", JASA 101,
1619-1637. doi:10.1198/016214506000000023
Dorn & Guo (2023), "Sharp sensitivity analysis for inverse propensity weighting via quantile
balancing", JASA 118, 2645-2657. doi:10.1080/01621459.2022.2069572
Dorn, Guo & Kallus (2025), "Doubly-valid/doubly-sharp sensitivity analysis for causal inference with
unmeasured confounding", JASA 120, 331-342. doi:10.1080/01621459.2024.2335588
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone

from causalkit.estimation.nuisances.crossfitting import Nuisance, crossfit
from causalkit.estimation.problem import Problem
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = [
    "Arm",
    "LearntTail",
    "LocationScaleTail",
    "Tail",
    "TwoValuedTail",
    "tilted",
    "weighted_quantile",
]

LEAST_SCALE = 0.1
"""Of the average scale: predictions of |residuals| below it are taken for noise of the learner."""


@dataclass(frozen=True, slots=True, eq=False)
class Arm:
    """Rows of one arm, with what the effect's estimator predicted for everybody.

    Attributes
    ----------
    problem : Problem
    inside : ndarray of bool, shape (n,)
    mean : ndarray of shape (n,)
        Outcome in the arm, predicted out of fold.
    chance : ndarray of shape (n,)
        Of being in the arm, clipped.
    others : ndarray of bool, shape (n,)
        Whose outcomes in the arm are asked for: all who are not in it, or the treated only.
    odds : ndarray of shape (n,)
        Of being one of the others, against the arm.
    """

    problem: Problem
    inside: BoolArray
    mean: FloatArray
    chance: FloatArray
    others: BoolArray
    odds: FloatArray


class Tail(ABC):
    """What the largest outcomes of an arm are like: quantiles, and the means beyond them."""

    arm: Arm

    @abstractmethod
    def worst(self, gamma: float, sign: float) -> tuple[FloatArray, FloatArray]:
        """Quantile q and worst mean ρ of sign · Y for all rows, for the largest sign · Y."""

    def tilted(self, gamma: float, sign: float) -> tuple[FloatArray, FloatArray]:
        """R(Y, q) of each row and ρ, for the largest mean (sign 1) or the smallest (−1)."""
        if gamma == 1:
            return self.arm.problem.y, self.arm.mean
        quantile, mean = self.worst(gamma, sign)
        return sign * tilted(sign * self.arm.problem.y, quantile, gamma), sign * mean

    def scores(self, gamma: float, sign: float) -> FloatArray:
        """The others at their worst: ρ, and what the rows of the arm say about errors in it."""
        tilt, worst = self.tilted(gamma, sign)
        arm = self.arm
        result: FloatArray = arm.others * worst + arm.inside * arm.odds * (tilt - worst)
        return result


def tilted(y: FloatArray, quantile: FloatArray, gamma: float) -> FloatArray:
    """R(y, q) = y/Γ + (1 − 1/Γ) q + (Γ − 1/Γ) (y − q)₊."""
    above = np.maximum(y - quantile, 0.0)
    result: FloatArray = y / gamma + (1 - 1 / gamma) * quantile + (gamma - 1 / gamma) * above
    return result


@dataclass(frozen=True, slots=True, eq=False)
class TwoValuedTail(Tail):
    """An outcome of zeros and ones, which its probability describes."""

    arm: Arm

    def worst(self, gamma: float, sign: float) -> tuple[FloatArray, FloatArray]:
        """Of sign · Y ∈ {0, sign}; the larger value has probability μ, or 1 − μ."""
        low = min(sign, 0.0)
        # A regressor may predict what is no probability; the worst of that would move backwards.
        mean = np.clip(self.arm.mean, 0.0, 1.0)
        larger = mean if sign > 0 else 1 - mean
        quantile = low + (larger > 1 / (1 + gamma)).astype(np.float64)
        return quantile, low + np.minimum(gamma * larger, 1 - (1 - larger) / gamma)


@dataclass(frozen=True, slots=True, eq=False)
class LocationScaleTail(Tail):
    """Y = μ(x) + σ(x) Z: the tail of Z, of all rows of the arm, serves everybody."""

    arm: Arm
    scale: FloatArray

    @classmethod
    def learn(
        cls, arm: Arm, learner: Any, folds: IntArray, rng: np.random.Generator, n_jobs: int | None
    ) -> LocationScaleTail:
        """Regress |Y − μ| on the columns, out of fold."""
        size = np.abs(arm.problem.y - arm.mean)
        nuisance = Nuisance("scale", size, learner, among=arm.inside)
        scale = crossfit(arm.problem.replace(supplied={}), [nuisance], folds, rng, n_jobs=n_jobs)[
            "scale"
        ]
        weights = arm.problem.weights * arm.inside
        typical = float(np.average(size, weights=weights))
        return cls(arm, np.maximum(scale, LEAST_SCALE * typical if typical > 0 else 1.0))

    def worst(self, gamma: float, sign: float) -> tuple[FloatArray, FloatArray]:
        """Quantile and mean beyond it, of Z put to each row's place and scale."""
        inside, problem = self.arm.inside, self.arm.problem
        location = sign * self.arm.mean
        z = ((sign * problem.y - location) / self.scale)[inside]
        weights = problem.weights[inside]
        cut = weighted_quantile(z, gamma / (1 + gamma), weights)
        excess = float(np.average(tilted(z, np.full_like(z, cut), gamma) - z, weights=weights))
        return location + self.scale * cut, location + self.scale * excess


@dataclass(frozen=True, slots=True, eq=False)
class LearntTail(Tail):
    """Conditional quantiles, and the means of R beyond them, by learners; fitted for every Γ."""

    arm: Arm
    quantile_learner: Any
    mean_learner: Any
    folds: IntArray
    seed: int
    n_jobs: int | None

    def worst(self, gamma: float, sign: float) -> tuple[FloatArray, FloatArray]:
        """Cross-fit the quantile, then R(Y, q) with q of each row out of fold."""
        rng = np.random.default_rng(self.seed)
        problem = self.arm.problem.replace(supplied={})
        y = sign * problem.y
        learner = clone(self.quantile_learner).set_params(quantile=gamma / (1 + gamma))

        def predicted(name: str, target: FloatArray, model: Any) -> FloatArray:
            nuisance = Nuisance(name, target, model, among=self.arm.inside)
            return crossfit(problem, [nuisance], self.folds, rng, n_jobs=self.n_jobs)[name]

        quantile = predicted("quantile", y, learner)
        return quantile, predicted("worst mean", tilted(y, quantile, gamma), self.mean_learner)


def weighted_quantile(values: FloatArray, level: float, weights: FloatArray) -> float:
    """Smallest value with at least this share of the weight at or below it.

    Examples
    --------
    >>> weighted_quantile(np.array([3.0, 1.0, 2.0]), 0.5, np.ones(3))
    2.0
    """
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    place = int(np.searchsorted(reached, level * reached[-1] * (1 - 1e-12)))
    return float(values[order[min(place, len(order) - 1)]])
