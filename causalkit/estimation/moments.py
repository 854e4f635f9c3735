"""Linear scores ψ(W; θ, η) = ψ_a θ + ψ_b: one equation, one solution, one influence function.

Every estimator with machine-learned nuisances η here solves E[ψ] = 0 for a score that is *Neyman
orthogonal*: its expectation does not move, to first order, when η is a little wrong, which is why
slow learners may be plugged in. Then

    θ̂ = −Σψ_b / Σψ_a,        φᵢ = −ψᵢ(θ̂) / mean(ψ_a).

A new estimator is a new pair (ψ_a, ψ_b).

References
----------
Chernozhukov, Chetverikov, Demirer, Duflo, Hansen, Newey & Robins (2018), "Double/debiased machine
learning for treatment and structural parameters", Econometrics Journal 21, C1-C68.
doi:10.1111/ectj.12097
Robins, Rotnitzky & Zhao (1994), "Estimation of regression coefficients when some regressors are not
always observed", JASA 89, 846-866. doi:10.1080/01621459.1994.10476818
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from causalkit.errors import NumericalError
from causalkit.typing import FloatArray

__all__ = ["LinearScore", "aipw", "aipw_treated", "partialling_out", "partially_linear_iv"]


@dataclass(frozen=True, slots=True, eq=False)
class LinearScore:
    """ψ = ψ_a θ + ψ_b, one entry a row.

    Attributes
    ----------
    a, b : ndarray of shape (n,)
    """

    a: FloatArray
    b: FloatArray

    def solve(self, weights: FloatArray) -> tuple[float, FloatArray]:
        """Return θ̂ and the influence φ of each unweighted row, shape (n,)."""
        slope = float(np.average(self.a, weights=weights))
        if abs(slope) <= 1e-12 * float(np.abs(self.a).max(initial=0.0)) or not np.isfinite(slope):
            raise NumericalError(
                "the estimating equation does not depend on the effect: nothing of the treatment "
                "is left after adjustment. Adjust for fewer columns, or use simpler learners."
            )
        theta = -float(np.average(self.b, weights=weights)) / slope
        return theta, -(self.a * theta + self.b) / slope


def aipw(
    y: FloatArray,
    in_treated: FloatArray,
    in_control: FloatArray,
    outcome_treated: FloatArray,
    outcome_control: FloatArray,
    p_treated: FloatArray,
    p_control: FloatArray,
) -> LinearScore:
    """Average effect over everyone: ψ_b = g₁ − g₀ + D₁(y−g₁)/m₁ − D₀(y−g₀)/m₀, ψ_a = −1."""
    b = (
        outcome_treated
        - outcome_control
        + in_treated * (y - outcome_treated) / p_treated
        - in_control * (y - outcome_control) / p_control
    )
    return LinearScore(-np.ones_like(y), b)


def aipw_treated(
    y: FloatArray,
    in_treated: FloatArray,
    in_control: FloatArray,
    outcome_control: FloatArray,
    p_treated: FloatArray,
    p_control: FloatArray,
    share_treated: float,
) -> LinearScore:
    """Average effect on the treated: ψ_b = (D₁ − D₀ m₁/m₀)(y−g₀)/P(D₁), ψ_a = −D₁/P(D₁)."""
    odds = p_treated / p_control
    b = (in_treated - in_control * odds) * (y - outcome_control) / share_treated
    return LinearScore(-in_treated / share_treated, b)


def partialling_out(
    y: FloatArray, t: FloatArray, y_hat: FloatArray, t_hat: FloatArray
) -> LinearScore:
    """Robinson's score: ψ = (y − l − θ v) v with l = E[y|x], v = t − E[t|x]."""
    v = t - t_hat
    return LinearScore(-v * v, v * (y - y_hat))


def partially_linear_iv(
    y: FloatArray, t: FloatArray, base_hat: FloatArray, t_hat: FloatArray
) -> LinearScore:
    """IV-type score: ψ = (y − g − θ t) v with g = E[y − θ t|x], v = t − E[t|x] as instrument."""
    v = t - t_hat
    return LinearScore(-v * t, v * (y - base_hat))


def aipw_overlap(
    y: FloatArray,
    in_treated: FloatArray,
    in_control: FloatArray,
    outcome_treated: FloatArray,
    outcome_control: FloatArray,
    p_treated: FloatArray,
) -> LinearScore:
    """Average effect under overlap weights e(1−e): ψ = (D₁ − e)(y − l − θ(D₁ − e)).

    l = e g₁ + (1−e) g₀ is the outcome given x in both arms together, since the weighted effect is
    E[Cov(D, Y | x)] / E[Var(D | x)]. Rows of other arms count zero; e is the chance of the treated
    arm among the two.
    """
    together = in_treated + in_control
    v = together * (in_treated - p_treated)
    outcome = p_treated * outcome_treated + (1 - p_treated) * outcome_control
    return LinearScore(-v * v, v * (y - outcome))
