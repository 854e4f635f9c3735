"""Weights that balance exactly: the mathematics behind entropy balancing and CBPS.

Features f of the adjustment columns (a constant among them) shall have the same weighted sums in an
arm as in those whom it stands for. Weights that do so are functions of one index η = f'λ, and the
condition for them is the gradient of a convex loss: so balance is found by Newton's method, and if
it exists, exactly one weight a row gives it. Two losses:

    entropy        D e^η − T η                     w = e^η, balances arm D with target T
    covariate      D (e^-η − η) + C (e^η + η)      w = 1 + e^∓η, balances arm D with arm C

Where the iteration runs away there is no balance: the target's means lie outside what any weights
can reach in the arm, and the column that is furthest off is named.

References
----------
Hainmueller (2012), "Entropy balancing for causal effects: a multivariate reweighting method to
produce balanced samples in observational studies", Political Analysis 20, 25-46.
doi:10.1093/pan/mpr025
Zhao (2019), Annals of Statistics 47, 965-993. doi:10.1214/18-AOS1698
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from causalkit.errors import NumericalError
from causalkit.estimation._glm import basis_of
from causalkit.typing import FloatArray

__all__ = ["Loss", "calibrate", "covariate_loss", "entropy_loss", "exponential", "minimise"]

_MAX_STEPS = 200
_TOLERANCE = 1e-10
_ROUNDING = 1e-12  # gains in the loss below it cannot be told from rounding; Newton's are trusted
_LARGEST_WEIGHT = 1e13  # of what no rows that exist can stand for
_LARGEST_INDEX = 500.0  # the exponential of more is out of range


class Loss(NamedTuple):
    """A convex loss of the index, row by row: its value, slope and curvature."""

    value: Callable[[FloatArray], FloatArray]
    slope: Callable[[FloatArray], FloatArray]
    curve: Callable[[FloatArray], FloatArray]


def exponential(index: FloatArray) -> FloatArray:
    """Exponential of the index, kept in range: rows of other arms may lie far out."""
    return np.asarray(np.exp(np.minimum(index, _LARGEST_INDEX)), dtype=np.float64)


def entropy_loss(arm: FloatArray, target: FloatArray) -> Loss:
    """Σ_arm e^η f = Σ_target f."""
    return Loss(
        value=lambda eta: arm * exponential(eta) - target * eta,
        slope=lambda eta: arm * exponential(eta) - target,
        curve=lambda eta: arm * exponential(eta),
    )


def covariate_loss(treated: FloatArray, control: FloatArray) -> Loss:
    """Σ_treated f / π = Σ_control f / (1 − π), with logit π = η."""
    return Loss(
        value=lambda eta: treated * (exponential(-eta) - eta) + control * (exponential(eta) + eta),
        slope=lambda eta: -treated * (exponential(-eta) + 1) + control * (exponential(eta) + 1),
        curve=lambda eta: treated * exponential(-eta) + control * exponential(eta),
    )


def calibrate(
    loss: Loss, features: FloatArray, weights: FloatArray, names: Sequence[str], arm: str
) -> tuple[FloatArray, FloatArray]:
    """Minimise Σ w loss(f'λ).

    Parameters
    ----------
    loss : Loss
    features : ndarray of shape (n, k)
        Without the constant, which is added.
    weights : ndarray of shape (n,)
    names : sequence of str
        Of the features, for the message.
    arm : str
        Which arm is weighted, for the message.

    Returns
    -------
    index : ndarray of shape (n,)
    basis : ndarray of shape (n, rank)
        Orthonormal under the weights; spans the features and the constant.

    Raises
    ------
    NumericalError
        If no weights balance all features.
    """
    design = np.hstack([np.ones((len(features), 1)), features])
    basis = design @ basis_of(design, weights).into
    share = weights / weights.sum()
    index, found = minimise(loss, basis, share, np.zeros(basis.shape[1]))
    if found:
        return index, basis
    raise NumericalError(
        f"no weights of {arm} balance {_furthest(loss, features, share, index, names)}: its mean "
        "where it is wanted lies beyond what rows of that arm can make up. Balance fewer columns "
        "or powers, drop rows without counterparts, or ask for another target."
    )


def minimise(
    loss: Loss, basis: FloatArray, share: FloatArray, penalty: FloatArray
) -> tuple[FloatArray, bool]:
    """Minimise Σ share loss(basis λ) + λ' diag(penalty) λ / 2 by damped Newton steps.

    Returns
    -------
    index : ndarray of shape (n,)
        basis λ, where the iteration ended.
    found : bool
        Whether that is the minimum.
    """
    point = np.zeros(basis.shape[1])
    index = basis @ point
    for _ in range(_MAX_STEPS):
        gradient = basis.T @ (share * loss.slope(index)) + penalty * point
        hessian = (basis * (share * loss.curve(index))[:, None]).T @ basis + np.diag(penalty)
        hessian[np.diag_indices_from(hessian)] += 1e-13 * max(float(np.trace(hessian)), 1e-300)
        step = np.asarray(np.linalg.lstsq(hessian, gradient, rcond=None)[0], dtype=np.float64)
        if np.abs(gradient).max() < _TOLERANCE:
            return index, True
        point = _damped(loss, basis, share, penalty, point, step, gradient)
        index = basis @ point
        if not loss.curve(index).max() < _LARGEST_WEIGHT:
            return index, False
    return index, False


def _damped(
    loss: Loss,
    basis: FloatArray,
    share: FloatArray,
    penalty: FloatArray,
    point: FloatArray,
    step: FloatArray,
    gradient: FloatArray,
) -> FloatArray:
    """One Newton step, halved until the loss falls."""

    def total(at: FloatArray) -> float:
        return float(share @ loss.value(basis @ at) + penalty @ at**2 / 2)

    start, size, slope = total(point), 1.0, float(gradient @ step)
    if slope < _ROUNDING * (1 + abs(start)):
        return point - step
    while size > 1e-10:
        new = point - size * step
        if total(new) <= start - 1e-4 * size * slope:
            return new
        size /= 2
    return point


def _furthest(
    loss: Loss, features: FloatArray, share: FloatArray, index: FloatArray, names: Sequence[str]
) -> str:
    """The feature whose balance is furthest off, in its standard deviations."""
    if not names:
        return "the arms"
    slope = loss.slope(np.clip(index, -30.0, 30.0))
    spread = np.sqrt(np.maximum(share @ (features - share @ features) ** 2, 1e-300))
    off = np.abs((share * slope) @ (features - share @ features)) / spread
    return repr(names[int(np.argmax(off))])
