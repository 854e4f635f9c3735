"""Pseudo-outcomes of a dose-response curve: what hidden nuisances leave of a row's outcome.

ξ = (Y − μ(X, A)) ϖ(A) / π(A | X) + m(A) has mean E[Y(a)] among rows with dose a. The averages
ϖ(a) = E[π(a | X)] and m(a) = E[μ(X, a)] are computed at the doses of a support and interpolated.

The average slope comes along: (μ(X, A + s) − μ(X, A − s)) / 2s, corrected for what μ misses by the
ratios π(A ∓ s | X) / π(A | X), which say how common a row would be had doses been moved by s. It is
orthogonal for the finite step s as it stands, so nothing need be differentiated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from causalkit.estimation.orthogonal._smoothing import KernelDensity
from causalkit.estimation.problem import Problem
from causalkit.typing import FloatArray

__all__ = ["PseudoOutcomes", "WithDose", "pseudo_outcomes"]

_MOST_CAPPED = 0.05
_LEAST_EFFECTIVE = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class WithDose:
    """A dose and the covariates side by side, made when rows of them are asked for.

    Fifty doses would otherwise hold the covariates fifty times.

    Attributes
    ----------
    dose : float or ndarray of shape (n,)
    X : ndarray of shape (n, k)
    """

    dose: FloatArray | float
    X: FloatArray

    @property
    def shape(self) -> tuple[int, int]:
        """Of the array it stands for."""
        return len(self.X), self.X.shape[1] + 1

    @property
    def ndim(self) -> int:
        """Two, as of any table."""
        return 2

    def __len__(self) -> int:
        return len(self.X)

    def __getitem__(self, rows: Any) -> FloatArray:
        X = self.X[rows]
        dose = np.broadcast_to(self.dose, (len(self.X),))[rows]
        return np.column_stack([dose, X])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> FloatArray:
        return np.asarray(self[:], dtype=dtype)


@dataclass(frozen=True, slots=True, eq=False)
class PseudoOutcomes:
    """Pseudo-outcomes of one repeat, and what they rest on.

    Attributes
    ----------
    outcomes : ndarray of shape (n,)
        ξ.
    surface : ndarray of shape (n, m)
        μ(x_j, a_g) − m(a_g).
    support : ndarray of shape (m,)
        a_g.
    slope : pair of float and ndarray of shape (n,)
        Average slope, and its influences.
    facts : dict
    """

    outcomes: FloatArray
    surface: FloatArray
    support: FloatArray
    slope: tuple[float, FloatArray]
    facts: dict[str, Any]

    @property
    def notes(self) -> list[str]:
        """What is wrong with the overlap, in words."""
        capped, effective = self.facts["share_capped"], self.facts["share_effective"]
        if capped > _MOST_CAPPED:
            return [f"{capped:.1%} of the rows had a dose that was nearly impossible."]
        if effective < _LEAST_EFFECTIVE:
            return [
                f"Weighted for their doses, the rows are worth {effective:.1%} of their number."
            ]
        return []


def pseudo_outcomes(
    problem: Problem,
    predictions: Mapping[str, FloatArray],
    support: FloatArray,
    *,
    scale: FloatArray,
    step: float,
    max_weight: float,
) -> PseudoOutcomes:
    """Make pseudo-outcomes of cross-fitted predictions.

    Parameters
    ----------
    problem : Problem
    predictions : mapping
        "outcome", the same "at dose g", "at more" and "at less", and "treatment".
    support : ndarray of shape (m,)
    scale : ndarray of shape (n,)
        Scatter of the dose given the covariates.
    step : float
        Of the average slope.
    max_weight : float
        Bound on ratios of densities.
    """
    w, t, centre = problem.weights, problem.t, predictions["treatment"]
    density = KernelDensity.of((t - centre) / scale, w)

    def given_x(dose: FloatArray | float) -> FloatArray:
        return density.at((dose - centre) / scale) / scale

    own = np.maximum(given_x(t), np.finfo(float).tiny)
    marginal = np.array([np.average(given_x(dose), weights=w) for dose in support])
    ratio = np.interp(t, support, marginal) / own
    capped = ratio > max_weight
    ratio = np.minimum(ratio, max_weight)
    surface = np.column_stack([predictions[f"outcome at dose {g}"] for g in range(len(support))])
    mean = np.average(surface, axis=0, weights=w)
    residual = problem.y - predictions["outcome"]
    less, more = (np.minimum(given_x(t + s) / own, max_weight) for s in (-step, step))
    slopes = predictions["outcome at more"] - predictions["outcome at less"]
    slopes = (slopes + residual * (less - more)) / (2 * step)
    slope = float(np.average(slopes, weights=w))
    facts = {
        "share_capped": float(np.average(capped, weights=w)),
        "share_effective": float(np.sum(w * ratio) ** 2 / np.sum(w * ratio**2)) / problem.n_obs,
    }
    return PseudoOutcomes(
        outcomes=residual * ratio + np.interp(t, support, mean),
        surface=surface - mean,
        support=support,
        slope=(slope, slopes - slope),
        facts=facts,
    )
