"""What curves and quantiles are made of: a kernel density, and local polynomials.

**Density.** The treatment given the covariates is taken as A = r(X) + s(X) ε, with ε of any shape
that does not depend on X. Its density is that of the standardised residuals, smoothed by a Gaussian
kernel (Silverman's width) on a fine grid and read off by interpolation.

**Local polynomials.** At a dose a the pseudo-outcomes are regressed on powers of (A − a)/h with
weights K((A − a)/h). The intercept is the curve at a, and it is linear in the pseudo-outcomes: the
weights of each row are all that an influence needs.

**Width.** h is the width that is best for a local *linear* fit (Fan & Gijbels, section 4.2). The
curve itself is local *quadratic* at that h: the bias of the linear fit, which is of the order of
its standard error, is estimated and removed, and the interval counts the noise of that as well
(robust bias correction with equal widths).

References
----------
Fan & Gijbels (1996), Local Polynomial Modelling and Its Applications.
Calonico, Cattaneo & Farrell (2018), JASA 113, 767-779. doi:10.1080/01621459.2017.1285776
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from causalkit.errors import NumericalError
from causalkit.typing import FloatArray, IntArray

__all__ = ["KernelDensity", "best_width", "interpolation", "local_fit"]

_N_CELLS = 1024
_REACH = 4.0
"""Widths beyond which a Gaussian kernel is nothing."""

_SINGULAR = 1e10
_GAUSSIAN = 0.776
"""Their constant C for the intercept of a local linear fit with a Gaussian kernel."""

_NARROWEST, _WIDEST = 0.5, 4.0
"""Times n^-1/5 standard deviations: between few rows and nearly a line."""

_LEAST_LEFT = 0.1
"""Of a residual, where a single row nearly determines the fit."""


@dataclass(frozen=True, slots=True, eq=False)
class KernelDensity:
    """Density of weighted numbers, tabulated.

    Attributes
    ----------
    grid, density : ndarray of shape (m,)
    """

    grid: FloatArray
    density: FloatArray

    @classmethod
    def of(cls, residuals: FloatArray, weights: FloatArray) -> KernelDensity:
        """Smooth with a Gaussian kernel of Silverman's width.

        Parameters
        ----------
        residuals, weights : ndarray of shape (n,)

        Raises
        ------
        NumericalError
            If all are equal.
        """
        shares = weights / weights.sum()
        spread = float(np.sqrt(shares @ (residuals - shares @ residuals) ** 2))
        low, high = np.quantile(residuals[weights > 0], (0.25, 0.75))
        size = 1 / float(np.sum(shares**2))
        narrow = min(spread, float(high - low) / 1.349) or spread
        width = 0.9 * narrow * size**-0.2
        if not width > 0:
            raise NumericalError(
                "the treatment is predicted without error from the adjustment columns, so no row "
                "could have had another dose; expected doses that vary given them. Adjust for "
                "fewer columns."
            )
        ends = residuals.min() - _REACH * width, residuals.max() + _REACH * width
        grid = np.linspace(*ends, _N_CELLS)
        step = grid[1] - grid[0]
        counts = _shared(residuals, grid, shares)
        offsets = np.arange(-int(_REACH * width / step) - 1, int(_REACH * width / step) + 2) * step
        kernel = np.exp(-0.5 * (offsets / width) ** 2)
        smooth = np.convolve(counts, kernel / kernel.sum(), mode="same") / step
        return cls(grid, smooth)

    def at(self, residuals: FloatArray) -> FloatArray:
        """Density at residuals of any shape; zero far outside."""
        found = np.interp(residuals, self.grid, self.density, left=0.0, right=0.0)
        return np.asarray(found)


def _shared(values: FloatArray, grid: FloatArray, weights: FloatArray) -> FloatArray:
    """Weights dealt to the two neighbouring points of an even grid, shape (m,)."""
    place = (values - grid[0]) / (grid[1] - grid[0])
    low = np.clip(place.astype(np.intp), 0, len(grid) - 2)
    upper = np.clip(place - low, 0.0, 1.0)
    counts = np.bincount(low, weights=weights * (1 - upper), minlength=len(grid))
    counts += np.bincount(low + 1, weights=weights * upper, minlength=len(grid))
    return np.asarray(counts)


def interpolation(values: FloatArray, grid: FloatArray) -> tuple[IntArray, FloatArray]:
    """Left neighbour on a sorted grid, and how far on the way to the right one, of each value."""
    low = np.clip(np.searchsorted(grid, values, side="right") - 1, 0, len(grid) - 2)
    share = (values - grid[low]) / (grid[low + 1] - grid[low])
    return low, np.clip(share, 0.0, 1.0)


def local_fit(
    doses: FloatArray, outcomes: FloatArray, weights: FloatArray, at: float, width: float
) -> tuple[float, FloatArray, FloatArray]:
    """Local quadratic fit at a dose.

    Parameters
    ----------
    doses, outcomes, weights : ndarray of shape (n,)
    at, width : float

    Returns
    -------
    value : float
        Intercept: Σ wᵢ κᵢ yᵢ.
    counts : ndarray of shape (n,)
        κ, what a row of weight one counts; Σ wᵢ κᵢ = 1.
    residuals : ndarray of shape (n,)
        Of the fit, as if the row were left out (HC3).
    """
    u = (doses - at) / width
    kernel = np.exp(-0.5 * u**2)
    powers = np.vander(u, 3, increasing=True)
    gram = powers.T @ ((weights * kernel)[:, None] * powers)
    if np.linalg.cond(gram) > _SINGULAR:
        raise NumericalError(
            f"around dose {at:.4g} there are too few different doses for a curve; expected many "
            "within its width. Give `doses` where there are data, or a larger width; if there are "
            "only a few, call them levels with .astype('category') and use PotentialOutcomes()."
        )
    inverse = np.linalg.inv(gram)
    counts = kernel * (powers @ inverse[0])
    coefficients = inverse @ (powers.T @ (weights * kernel * outcomes))
    hat = weights * kernel * np.einsum("ij,jk,ik->i", powers, inverse, powers)
    residuals = (outcomes - powers @ coefficients) / np.maximum(1 - hat, _LEAST_LEFT)
    return float(coefficients[0]), counts, residuals


def best_width(
    doses: FloatArray, outcomes: FloatArray, weights: FloatArray, ends: tuple[float, float]
) -> float:
    """Width of the local linear fit with the least integrated squared error, by Fan and Gijbels.

    h⁵ = C⁵ σ² |ends| / Σ m″(Aᵢ)², with the noise σ² and the curvature m″ of a polynomial of degree
    four fitted to all rows (their section 4.2). Cross-validation would aim at the same h but
    scatter around it much more, which the intervals would not know.

    Parameters
    ----------
    doses, outcomes, weights : ndarray of shape (n,)
    ends : pair of float
        Between which the curve is wanted.
    """
    shares = weights / weights.sum()
    centre = shares @ doses
    spread = float(np.sqrt(shares @ (doses - centre) ** 2))
    size = 1 / float(np.sum(shares**2))
    u = (doses - centre) / spread
    powers = np.vander(u, 5, increasing=True)
    root = np.sqrt(shares)
    coefficients = np.linalg.lstsq(root[:, None] * powers, root * outcomes, rcond=None)[0]
    noise = float(shares @ (outcomes - powers @ coefficients) ** 2)
    bend = 2 * coefficients[2] + 6 * coefficients[3] * u + 12 * coefficients[4] * u**2
    inside = (doses >= ends[0]) & (doses <= ends[1])
    curvature = size * float(shares[inside] @ bend[inside] ** 2)
    usual = size**-0.2
    length = (ends[1] - ends[0]) / spread
    with np.errstate(divide="ignore"):
        width = _GAUSSIAN * float(np.divide(noise * length, curvature)) ** 0.2
    return spread * float(np.clip(width, _NARROWEST * usual, _WIDEST * usual))
