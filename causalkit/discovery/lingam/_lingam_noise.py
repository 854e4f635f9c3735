"""Is the noise what LiNGAM needs? Where it may be Gaussian, data say nothing about a direction.

Any causal order leaves residuals that are uncorrelated; only the right one leaves residuals that
are independent, if no two of them are Gaussian. So the residuals of the learnt model are tested,
and an edge between two variables whose noise passes for Gaussian is in doubt.
"""

from __future__ import annotations

import warnings
from functools import cache
from itertools import combinations
from math import sqrt
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.stats import chi2

from causalkit._core.table import Table
from causalkit.discovery.knowledge import Knowledge
from causalkit.errors import AssumptionWarning
from causalkit.graph.marks import show_name
from causalkit.independence import HSIC, CITest
from causalkit.typing import BoolArray, FloatArray, Name

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["doubts", "noise_dependence", "noise_of", "normality_p_values", "warn_of_doubts"]

_ALPHA: Final = 0.05


def noise_of(values: FloatArray, weights: FloatArray) -> FloatArray:
    """Residuals of standardised columns as rows with mean 0 and variance 1, shape (p, n)."""
    noise: FloatArray = np.array((values - values @ weights).T, order="C")
    noise -= noise.mean(axis=1, keepdims=True)
    noise /= noise.std(axis=1, keepdims=True)
    return noise


def normality_p_values(noise: FloatArray) -> FloatArray:
    """P-values of the hypothesis that the noise is Gaussian, by what the pairwise measure sees.

    Parameters
    ----------
    noise : ndarray of shape (p, n)
        Rows with mean 0 and variance 1.

    Notes
    -----
    With z = mean log cosh u and mean u exp(-u²/2), each less its value for a Gaussian and over its
    standard error, z'z is chi-squared with 2 degrees of freedom. That mean and variance of u are
    estimated lowers the standard errors: to first order, z averages what is left of the functions
    after regression on u and u².
    """
    from causalkit.discovery.lingam._lingam_kernels import shapes_of

    centre, spread = _gaussian_shapes()
    z = (shapes_of(noise) - centre) / spread * sqrt(noise.shape[1])
    p_values: FloatArray = chi2.sf((z**2).sum(axis=1), 2)
    return p_values


@cache
def _gaussian_shapes() -> tuple[FloatArray, FloatArray]:
    """Means of the two functions of a Gaussian, and standard deviations given u and u²."""
    u, weight = np.polynomial.hermite_e.hermegauss(150)
    weight = weight / weight.sum()
    functions = np.array([np.log(np.cosh(u)), u * np.exp(-(u**2) / 2)])
    basis = np.array([np.ones_like(u), u, (u**2 - 1.0) / sqrt(2.0)])  # orthonormal
    slopes = (functions * weight) @ basis.T
    return slopes[:, 0], np.sqrt(((functions - slopes @ basis) ** 2) @ weight)


def doubts(
    edges: BoolArray, p_values: FloatArray, names: tuple[Name, ...], known: Knowledge
) -> tuple[tuple[Name, Name], ...]:
    """Edges (cause, effect) of which both variables may have Gaussian noise, unless it is known."""
    gaussian = p_values > _ALPHA
    pairs = np.argwhere(edges & gaussian & gaussian[:, None]).tolist()
    found = ((names[i], names[j]) for i, j in pairs)
    return tuple((cause, effect) for cause, effect in found if known.allows(effect, cause))


def noise_dependence(
    noise: FloatArray, names: tuple[Name, ...], test: CITest | None
) -> pd.DataFrame:
    """P-values of the independence of any two columns of noise, by HSIC if no test is given."""
    import pandas as pd

    noise.flags.writeable = False
    bound = (HSIC() if test is None else test).bind(Table(names, noise, (None,) * len(names)))
    p_values = np.full((len(names),) * 2, np.nan)
    for i, j in combinations(range(len(names)), 2):
        p_values[i, j] = p_values[j, i] = bound(i, j).p_value
    index = pd.Index(names, dtype=object)
    return pd.DataFrame(p_values, index=index, columns=index)


def warn_of_doubts(
    doubtful: tuple[tuple[Name, Name], ...], n_edges: int, who: str, instead: str = "PC"
) -> None:
    """Say which edges have a direction that is a guess, and what to use instead."""
    if not doubtful:
        return
    a, b = map(show_name, doubtful[0])
    warnings.warn(
        f"{len(doubtful)} of {n_edges} edges join variables whose noise cannot be told from "
        f"Gaussian, such as {a} -> {b}; {who} expects noise that is not Gaussian, of all variables "
        f"but one, and without it the directions are a guess. Use {instead}, which leaves such "
        "edges undirected, or bring more rows. See doubtful_ for each.",
        AssumptionWarning,
        stacklevel=4,
    )
