"""Functions of causes: additive splines, a line with boosted trees on it, and levels as indicators.

All are frozen values that hold arrays and nothing else, so a fitted model can be written to a file
and read without the library that fitted it. Both curves are lines far out: a spline beyond its last
knots, trees everywhere beyond their last cuts. A model that is run on after the data end, or that
an intervention takes out of their range, then goes on as a linear one does.

>>> step = TreesFunction(
...     slopes=np.array([1.0]), intercept=0.0,
...     column=np.array([[0, -1, -1]], dtype=np.int16), cut=np.array([[0.5, 0.0, 0.0]]),
...     child=np.array([[1, 0, 0]], dtype=np.int16), leaf=np.array([[0.0, -1.0, 1.0]]),
... )
>>> step(np.array([[0.0], [1.0]]))
array([-1.,  2.])
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from causalkit.models.mechanisms.base import Function, Mechanism
from causalkit.typing import FloatArray, IntArray

__all__ = ["Bounded", "Encoded", "SplineFunction", "TreesFunction", "natural_basis"]


@dataclass(frozen=True, slots=True, eq=False)
class SplineFunction:
    """A line, and a natural cubic spline of each of some causes, summed.

    Attributes
    ----------
    slopes : ndarray of shape (k,)
    intercept : float
    curved : ndarray of int, shape (c,)
        Which causes have a curve.
    knots : ndarray of shape (c, m)
        Of each of them, increasing.
    heights : ndarray of shape (c, m - 2)
        Coefficients of :func:`natural_basis`.

    Examples
    --------
    >>> line = SplineFunction(
    ...     np.array([2.0]), 1.0, np.zeros(0, dtype=np.intp), np.zeros((0, 3)), np.zeros((0, 1))
    ... )
    >>> line(np.array([[3.0]]))
    array([7.])
    """

    slopes: FloatArray
    intercept: float
    curved: IntArray
    knots: FloatArray
    heights: FloatArray

    def __call__(self, causes: FloatArray) -> FloatArray:
        """Value of rows of shape (n, k), shape (n,)."""
        total: FloatArray = causes @ self.slopes + self.intercept
        for which, knots, heights in zip(self.curved, self.knots, self.heights, strict=True):
            total += natural_basis(causes[:, which], knots) @ heights
        return total


def natural_basis(x: FloatArray, knots: FloatArray) -> FloatArray:
    """Cubic pieces that join smoothly at the knots and are lines beyond the first and last.

    Parameters
    ----------
    x : ndarray of shape (n,)
    knots : ndarray of shape (m,)
        Increasing, three or more.

    Returns
    -------
    ndarray of shape (n, m - 2)
        With 1 and x they span all natural cubic splines. In units of the squared range of the
        knots, so that their size is that of x.

    References
    ----------
    Hastie, Tibshirani & Friedman (2009), "The Elements of Statistical Learning", section 5.2.1.
    doi:10.1007/978-0-387-84858-7

    Examples
    --------
    >>> natural_basis(np.array([0.0, 3.0]), np.array([0.0, 1.0, 2.0]))
    array([[0.],
           [3.]])
    """
    width = knots[-1] - knots[0]
    above = np.maximum((x[:, None] - knots) / width, 0.0)
    above = above * above * above
    last = (above[:, -2] - above[:, -1]) / (knots[-1] - knots[-2])
    pieces: FloatArray = (above[:, :-2] - above[:, -1:]) / (knots[-1] - knots[:-2])
    pieces -= last[:, None]
    pieces *= width * width
    return pieces


@dataclass(frozen=True, slots=True, eq=False)
class TreesFunction:
    """A line, and boosted trees on top of it.

    Attributes
    ----------
    slopes : ndarray of shape (k,)
    intercept : float
    column : ndarray of int16, shape (n_trees, n_nodes)
        Cause that a node asks about; −1 at a leaf.
    cut : ndarray of shape (n_trees, n_nodes)
        Largest value that goes left.
    child : ndarray of int16, shape (n_trees, n_nodes)
        Where the left goes; the right is the next.
    leaf : ndarray of shape (n_trees, n_nodes)
        What a leaf adds.
    """

    slopes: FloatArray
    intercept: float
    column: NDArray[np.int16]
    cut: FloatArray
    child: NDArray[np.int16]
    leaf: FloatArray

    def __call__(self, causes: FloatArray) -> FloatArray:
        """Value of rows of shape (n, k), shape (n,)."""
        total: FloatArray = causes @ self.slopes + self.intercept
        if len(self.column):
            from causalkit.models.mechanisms import _tree_function_kernels

            rows = np.ascontiguousarray(causes, dtype=np.float64)
            _tree_function_kernels.add_trees(
                rows, self.column, self.cut, self.child, self.leaf, total
            )
        return total


@dataclass(frozen=True, slots=True, eq=False)
class Bounded:
    """A function that stays within bounds.

    Attributes
    ----------
    function : Function
    lower, upper : float
    """

    function: Function
    lower: float
    upper: float

    def __call__(self, causes: FloatArray) -> FloatArray:
        """Value of rows of shape (n, k), shape (n,)."""
        within: FloatArray = np.clip(self.function(causes), self.lower, self.upper)
        return within


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """A mechanism to which some causes come as indicators of their levels.

    Attributes
    ----------
    mechanism : Mechanism
        Of the encoded causes.
    n_levels : ndarray of int, shape (k,)
        Levels of each cause, of which all but the first have an indicator; 0 for a number.

    Examples
    --------
    >>> from causalkit.models.mechanisms.additive import Additive, Linear
    >>> from causalkit.models.noise import Normal
    >>> inner = Additive(Linear(np.array([1.0, 5.0])), Normal())
    >>> Encoded(inner, np.array([3])).value(np.array([[0.0], [1.0], [2.0]]), np.zeros(3))
    array([0., 1., 5.])
    """

    mechanism: Mechanism
    n_levels: IntArray

    @property
    def bijective(self) -> bool:
        """As that of the encoded causes."""
        return self.mechanism.bijective

    def encode(self, causes: FloatArray) -> FloatArray:
        """Causes with indicators for levels, shape (n, k')."""
        blocks = [
            (causes[:, [j]] == np.arange(1, count)).astype(np.float64) if count else causes[:, [j]]
            for j, count in enumerate(self.n_levels)
        ]
        return np.hstack(blocks) if blocks else causes

    def draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw noise of n rows."""
        return self.mechanism.draw(n, rng)

    def value(self, causes: FloatArray, noise: FloatArray) -> FloatArray:
        """Value given the encoded causes."""
        return self.mechanism.value(self.encode(causes), noise)

    def noise(self, causes: FloatArray, value: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Noise given the encoded causes."""
        return self.mechanism.noise(self.encode(causes), value, rng)
