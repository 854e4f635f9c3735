"""The estimating equations of LIML and of two-step GMM, solved on what adjustment leaves.

LIML is the k-class estimator whose κ makes (1, −θ) the direction of outcome and treatment in which
the instruments explain least, relative to what they leave: an eigenvalue of two 2 × 2 matrices.

GMM keeps the adjustment columns among its moments, since with unequal variances the best weights
trade them against the instruments. In orthonormal columns A = (Q, Z) their derivative is
G = diag(I, π), and with S the covariance of the moments at a first estimate

    β̂ = (G'S⁻¹G)⁻¹ G'S⁻¹ A'y,        J = ḡ'S⁻¹ḡ at β̂,

which is χ²(K − 1) if all instruments are valid.

References
----------
Anderson & Rubin (1949), "Estimation of the parameters of a single equation in a complete system of
stochastic equations", Annals of Mathematical Statistics 20(1), 46-63. doi:10.1214/aoms/1177730090
Hansen (1982), "Large sample properties of generalized method of moments estimators", Econometrica
50(4), 1029-1054. doi:10.2307/1912775
"""

from __future__ import annotations

import numpy as np

from causalkit.estimation.inference import Asymptotic
from causalkit.estimation.instruments.partialled import Partialled, covariance_of_means
from causalkit.estimation.instruments.specification import AGREE, SpecificationTest, chi_square
from causalkit.estimation.problem import Problem
from causalkit.typing import FloatArray

__all__ = ["liml_kappa", "two_step"]

_SINGULAR = 1e13
"""Condition number beyond which an inverse is made of rounding errors."""


def liml_kappa(part: Partialled) -> float:
    """Smallest root κ of |W₁ − κ W₀| = 0, at least 1."""
    both = np.column_stack([part.y, part.t])
    left = both - part.Z @ np.column_stack([part.delta, part.pi])
    weighted = part.share[:, None]
    outer, inner = both.T @ (weighted * both), left.T @ (weighted * left)
    if part.n_instruments == 1 or not np.linalg.cond(inner) < 1 / np.finfo(float).eps:
        return 1.0
    roots: FloatArray = np.linalg.eigvals(np.linalg.solve(inner, outer)).real
    return max(float(roots.min()), 1.0)


def two_step(
    part: Partialled, problem: Problem, inference: Asymptotic
) -> tuple[float, FloatArray, SpecificationTest | None] | None:
    """Estimate, influence and Hansen's J; None if the moments' covariance has no inverse."""
    A = np.hstack([part.Q, part.Z])
    k, pi = part.n_exogenous, part.pi
    G = np.zeros((A.shape[1], k + 1))
    G[:k, :k], G[k:, k] = np.eye(k), pi
    h = np.concatenate([np.zeros(k), part.delta])
    u = part.y - part.t * float(pi @ part.delta / (pi @ pi))
    S = covariance_of_means(A * u[:, None], problem, inference)
    if problem.groups is not None:  # its factor is for standard errors, not for a quadratic form
        S *= 1 - 1 / problem.n_groups
    if not np.linalg.cond(S) < _SINGULAR:
        return None
    weighed = np.linalg.solve(S, G)
    into = np.linalg.solve(G.T @ weighed, weighed.T)
    beta = into @ h
    u = part.y - part.Q @ beta[:k] - part.t * beta[k]
    gap = A.T @ (part.share * u)
    agree = None
    if part.n_instruments > 1:
        J = float(gap @ np.linalg.solve(S, gap))
        agree = chi_square("Hansen J", AGREE, J, part.n_instruments - 1)
    return float(beta[k]), (A @ into[k]) * u, agree
