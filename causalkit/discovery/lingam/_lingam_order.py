"""Causal orders of a linear model with noise that is not Gaussian: by races of pairs, and by ICA.

Both take standardised columns, and both obey what is known: among the variables that are left, some
may be first (:func:`may_be_first`), and only these are asked.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from causalkit._core.random import draw_seed
from causalkit.discovery.knowledge import Knowledge
from causalkit.errors import ConvergenceWarning, NumericalError
from causalkit.typing import BoolArray, FloatArray, IntArray, Name

__all__ = ["Limits", "may_be_first", "order_by_ica", "order_by_pairs"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What is known about edges, by position.

    Attributes
    ----------
    forbidden, required : ndarray of bool, shape (p, p)
        Of edges i -> j.
    is_none : bool
        Whether nothing is known.
    """

    forbidden: BoolArray
    required: BoolArray
    is_none: bool

    @classmethod
    def of(cls, knowledge: Knowledge, names: tuple[Name, ...]) -> Limits:
        """Write names as positions."""
        forbidden = knowledge.forbidden_matrix(names)
        required = knowledge.required_matrix(names)
        return cls(forbidden, required, not (forbidden.any() or required.any()))


def may_be_first(left: IntArray, limits: Limits) -> IntArray:
    """Variables that may come first among those left, if all edges obey.

    Follow the edges that are not forbidden. Whoever is reached by a variable that it cannot reach
    comes after it, and so does the effect of a required edge. Among tiers that is their order.
    """
    if limits.is_none:
        return left
    among = np.ix_(left, left)
    allowed = ~limits.forbidden[among]
    n_blocks, block = connected_components(csr_array(allowed), connection="strong")
    entered = np.zeros(n_blocks, dtype=np.bool_)
    entered[block[(allowed & (block[:, None] != block)).any(axis=0)]] = True
    first: IntArray = left[~entered[block] & ~limits.required[among].any(axis=0)]
    return first


def order_by_pairs(
    columns: FloatArray, correlations: FloatArray, limits: Limits
) -> tuple[IntArray, FloatArray]:
    """DirectLiNGAM: one variable after the other, by the pairwise measure.

    Parameters
    ----------
    columns : ndarray of shape (p, n)
        With mean 0 and variance 1; given away.
    correlations : ndarray of shape (p, p)
        Of the columns; given away.

    Returns
    -------
    order : ndarray of int, shape (p,)
    gains : ndarray of shape (p, p)
        `[i, j]`: by how many nats i -> j explained i and j better than j -> i when the first of
        them was placed.
    """
    from causalkit.discovery.lingam import _lingam_kernels as kernels

    p = len(columns)
    race = kernels.new_race(columns, correlations)
    order, gains, left = np.empty(p, dtype=np.intp), np.zeros((p, p)), np.arange(p)
    for place in range(p):
        runners = may_be_first(left, limits)
        kernels.start_race(race, left)
        kernels.run_race(race, left, runners)
        root = kernels.first_of(race, left, runners)
        kernels.remove(race, left, root)
        order[place], left = root, left[left != root]
        gains[root, left], gains[left, root] = race.gains[root, left], race.gains[left, root]
    return order, gains


def order_by_ica(
    values: FloatArray, limits: Limits, rng: np.random.Generator, max_iter: int
) -> IntArray:
    """ICA-LiNGAM: unmix the noise, pair each of it with a variable, drop what is weak.

    Parameters
    ----------
    values : ndarray of shape (n, p)
        With mean 0 and variance 1.

    Raises
    ------
    NumericalError
        If ICA breaks down.
    """
    W = _unmixing(values, rng, max_iter)
    with np.errstate(divide="ignore"):
        cost = np.minimum(1.0 / np.abs(W), 1e100)
    source, variable = linear_sum_assignment(cost)
    W = W[source[np.argsort(variable)]]
    # x = Bx + e and Wx = e up to scale, so B = I - W with rows scaled to 1 on the diagonal.
    strength = np.abs(W / np.diagonal(W)[:, None]).T
    np.fill_diagonal(strength, 0.0)
    strength[limits.forbidden] = 0.0
    p = len(strength)
    weakest = np.sort(strength[~np.eye(p, dtype=np.bool_)])
    # A graph without the k weakest edges is acyclic for all k from some k on: halve the interval.
    low, high = p * (p - 1) // 2, p * (p - 1)
    while low < high:
        middle = (low + high) // 2
        if len(_order_along(strength > weakest[middle - 1], limits)) == p:
            high = middle
        else:
            low = middle + 1
    return _order_along(strength > weakest[low - 1], limits)


def _unmixing(values: FloatArray, rng: np.random.Generator, max_iter: int) -> FloatArray:
    from sklearn.decomposition import FastICA
    from sklearn.exceptions import ConvergenceWarning as NotConverged

    ica = FastICA(whiten="unit-variance", max_iter=max_iter, random_state=draw_seed(rng))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            W = np.asarray(ica.fit(values).components_)
        except (ValueError, np.linalg.LinAlgError) as error:
            raise NumericalError(
                f"independent component analysis broke down ({error}); expected columns that can "
                "be unmixed. Use DirectLiNGAM, which needs no iteration."
            ) from error
    if any(issubclass(note.category, NotConverged) for note in caught):
        warnings.warn(
            f"independent component analysis did not converge in {max_iter} steps, so another "
            "random_state may give another graph; expected noise that is clearly not Gaussian. "
            "Give it more steps (max_iter), or use DirectLiNGAM.",
            ConvergenceWarning,
            stacklevel=6,
        )
    return W


def _order_along(edges: BoolArray, limits: Limits) -> IntArray:
    """An order in which causes come before effects; it ends where the edges run in a circle."""
    held = edges | limits.required
    order, left = [], np.arange(len(edges))
    while len(left):
        first = may_be_first(left, limits)
        first = first[~held[np.ix_(left, first)].any(axis=0)]
        if not len(first):
            break
        order.append(int(first[0]))
        left = left[left != first[0]]
    return np.array(order, dtype=np.intp)
