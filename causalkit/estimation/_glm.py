"""Generalised linear models with canonical links, as M-estimators: a fit, and rows' influence.

Maximum likelihood solves Σ wᵢ xᵢ (yᵢ − μ(xᵢ'β)) = 0. Newton's method finds β; the influence of row
i on β̂ is H⁻¹ xᵢ (yᵢ − μᵢ) with H = E[μ' x x'], whether or not the model is right. The columns are
first replaced by an orthonormal basis of their span, so scaling and collinear columns do no harm.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from causalkit.errors import NumericalError
from causalkit.typing import FloatArray

__all__ = [
    "FAMILIES",
    "Basis",
    "Family",
    "Fit",
    "basis_of",
    "fit_glm",
    "idle_columns",
    "idle_note",
    "standardised",
]

_MAX_STEPS = 100
_TOLERANCE = 1e-11
_ROUNDING = 1e-13


class Family(NamedTuple):
    """Mean μ(η) of a canonical link with its first and second derivative, and where it starts."""

    mean: Callable[[FloatArray], FloatArray]
    slope: Callable[[FloatArray], FloatArray]
    curve: Callable[[FloatArray], FloatArray]
    cumulant: Callable[[FloatArray], FloatArray]
    link: Callable[[float], float]


def _expit(eta: FloatArray) -> FloatArray:
    return 1 / (1 + np.exp(-np.clip(eta, -700, 700)))


def _logistic_slope(eta: FloatArray) -> FloatArray:
    p = _expit(eta)
    return p * (1 - p)


def _logistic_curve(eta: FloatArray) -> FloatArray:
    p = _expit(eta)
    return p * (1 - p) * (1 - 2 * p)


def _exp(eta: FloatArray) -> FloatArray:
    return np.exp(np.clip(eta, -700, 700))


FAMILIES: dict[str, Family] = {
    "gaussian": Family(
        mean=lambda eta: eta,
        slope=np.ones_like,
        curve=np.zeros_like,
        cumulant=lambda eta: eta**2 / 2,
        link=lambda mean: mean,
    ),
    "binomial": Family(
        mean=_expit,
        slope=_logistic_slope,
        curve=_logistic_curve,
        cumulant=lambda eta: np.logaddexp(0, eta),
        link=lambda mean: float(np.log(mean / (1 - mean))),
    ),
    "poisson": Family(
        mean=_exp, slope=_exp, curve=_exp, cumulant=_exp, link=lambda mean: float(np.log(mean))
    ),
}


@dataclass(frozen=True, slots=True, eq=False)
class Basis:
    """Map from columns to an orthonormal basis of what they span.

    Attributes
    ----------
    into : ndarray of shape (k, rank)
        `columns @ into` is orthonormal under the weights: its weighted mean square is the identity.
    """

    into: FloatArray

    @property
    def rank(self) -> int:
        """Dimension of the span."""
        return int(self.into.shape[1])


def basis_of(columns: FloatArray, weights: FloatArray) -> Basis:
    """Return the basis of the column space, collinear directions left out."""
    roots = np.sqrt(weights / weights.sum())[:, None]
    _, s, vt = np.linalg.svd(roots * columns, full_matrices=False)
    kept = s > s.max(initial=0.0) * 1e-11 * max(columns.shape)
    return Basis(vt[kept].T / s[kept])


def idle_columns(columns: FloatArray, weights: FloatArray) -> list[int]:
    """Positions of the columns that are combinations of those before them.

    Examples
    --------
    >>> x = np.array([1.0, 2.0, 4.0])
    >>> idle_columns(np.column_stack([np.ones(3), x, 1 - x, 0 * x]), np.ones(3))
    [2, 3]
    """
    roots = np.sqrt(weights / weights.sum())[:, None]
    triangle: FloatArray = np.asarray(np.linalg.qr(roots * columns, mode="r"))
    basis, idle = triangle[:, :0], list[int]()
    for k, column in enumerate(triangle.T):
        left = column - basis @ (basis.T @ column)
        left -= basis @ (basis.T @ left)  # twice is enough (Kahan and Parlett)
        if np.linalg.norm(left) <= 1e-9 * np.linalg.norm(column):
            idle.append(k)
        else:
            basis = np.column_stack([basis, left / np.linalg.norm(left)])
    return idle


def idle_note(names: Sequence[str], beyond: str) -> tuple[str, ...]:
    """What to say of columns that say nothing new; nothing if there are none."""
    if not names:
        return ()
    return (
        f"{', '.join(names)}: nothing is added to {beyond}, from which "
        f"{'this column follows' if len(names) == 1 else 'these columns follow'}; left out or not, "
        "the effect is the same.",
    )


def standardised(columns: FloatArray, weights: FloatArray) -> FloatArray:
    """Centre and scale; a constant column becomes zero."""
    if columns.shape[1] == 0:
        return columns
    # A first division keeps squares of huge values finite.
    columns = columns / np.maximum(np.abs(columns).max(axis=0), np.finfo(float).tiny)
    centred = columns - np.average(columns, axis=0, weights=weights)
    spread = np.sqrt(np.average(centred**2, axis=0, weights=weights))
    constant = spread <= 1e-13
    result: FloatArray = centred / np.where(constant, 1.0, spread)
    result[:, constant] = 0.0
    return result


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A fitted model.

    Attributes
    ----------
    coefficients : ndarray of shape (rank,)
        In the orthonormal basis.
    basis : Basis
    family : Family
    influence : ndarray of shape (n, rank)
        Influence of each row, were it unweighted, on the coefficients.
    """

    coefficients: FloatArray
    basis: Basis
    family: Family
    influence: FloatArray

    def into_basis(self, columns: FloatArray, *, what: str) -> FloatArray:
        """Other columns in the basis, refused where they leave the span the model was fitted on."""
        inside = columns @ self.basis.into
        # The pseudo-inverse of `into` maps back; what does not survive lies outside.
        back = inside @ np.linalg.pinv(self.basis.into)
        scale = max(1.0, float(np.abs(columns).max(initial=0.0)))
        if np.abs(back - columns).max(initial=0.0) > 1e-6 * scale:
            raise NumericalError(
                f"{what} cannot be predicted: the columns are collinear among the rows seen, but "
                "not in the prediction. Some adjustment column does not vary within an arm, or "
                "determines the treatment: leave it out, or set interactions=False."
            )
        return inside


def fit_glm(
    columns: FloatArray,
    y: FloatArray,
    family: Family,
    weights: FloatArray,
    *,
    what: str,
    advice: str,
) -> Fit:
    """Fit by Newton's method with step halving.

    Parameters
    ----------
    columns : ndarray of shape (n, k)
        With the intercept, if there is to be one.
    y : ndarray of shape (n,)
    family : Family
    weights : ndarray of shape (n,)
    what : str
        What is modelled, for the message.
    advice : str
        What to do where no model can be fitted.

    Raises
    ------
    NumericalError
        If a combination of columns predicts y without error, so the likelihood has no maximum.
    """
    basis = basis_of(columns, weights)
    Q, w = columns @ basis.into, weights / weights.sum()
    # Q has unit second moment, so projecting the constant link of the mean is the natural start.
    start = family.link(float(w @ y))
    beta = Q.T @ (w * start)

    def loss(b: FloatArray) -> float:
        eta = Q @ b
        return float(w @ (family.cumulant(eta) - y * eta))

    current = loss(beta)
    for _ in range(_MAX_STEPS):
        eta = Q @ beta
        gradient = Q.T @ (w * (y - family.mean(eta)))
        hessian = (Q * (w * family.slope(eta))[:, None]).T @ Q
        if _uninformative(hessian, family.slope(np.array([start]))[0]):
            raise _separated(what, advice)
        step = np.linalg.solve(hessian, gradient)
        decrement = float(gradient @ step)
        # Near the optimum the loss moves by less than it is exact; such steps are taken whole.
        allowed = current + _ROUNDING * max(1.0, abs(current))
        scale = 1.0
        while (proposed := loss(beta + scale * step)) > allowed and scale > 1e-6:
            scale /= 2
        beta, current = beta + scale * step, proposed
        if decrement <= _TOLERANCE**2 * max(1.0, abs(current)):
            break
    else:
        raise _separated(what, advice)
    eta = Q @ beta
    hessian = (Q * (w * family.slope(eta))[:, None]).T @ Q
    scores = Q * (y - family.mean(eta))[:, None]
    influence: FloatArray = np.linalg.solve(hessian, scores.T).T
    return Fit(beta, basis, family, influence)


def _uninformative(hessian: FloatArray, typical: float) -> bool:
    """Under separation the fitted variances, and with them the information, go to zero."""
    if not np.isfinite(hessian).all():
        return True
    return bool(np.linalg.eigvalsh(hessian)[0] < 1e-7 * typical)


def _separated(what: str, advice: str) -> NumericalError:
    return NumericalError(
        f"{what} is predicted without error for some rows by a combination of the columns, so the "
        f"model has no finite coefficients; expected columns that leave chance a part. {advice}"
    )
