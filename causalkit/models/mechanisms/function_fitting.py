"""Fitting functions of causes: least squares, penalised splines, boosted trees on a line.

Each fitter takes causes (n, k) and a target (n,), and returns the function with its degrees of
freedom, so that the spread of its residuals can be corrected for what the fit has taken away.

*Splines.* Lines are not penalised; the curves are, by one ridge penalty on basis functions that are
scaled alike and free of lines. It minimises generalised cross-validation with degrees of freedom
counted 1.4 times, which guards against curves in noise (Kim & Gu 2004).

*Trees.* They grow on the residuals of the line; their number is the one with the lowest loss in
five folds of the rows. What is kept is arrays of cuts.

*Scales.* Squared residuals r² have mean exp(2 s(causes)); s is a line or a spline fitted by Fisher
scoring of the gamma likelihood (Smyth 1989), whose steps are least squares.

References
----------
Kim & Gu (2004), Journal of the Royal Statistical Society B 66, 337-356.
doi:10.1046/j.1369-7412.2003.05316.x
Smyth (1989), Journal of the Royal Statistical Society B 51, 47-60.
doi:10.1111/j.2517-6161.1989.tb01747.x
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np

from causalkit._core.random import draw_seed
from causalkit.models.mechanisms.additive import Linear
from causalkit.models.mechanisms.functions import (
    Bounded,
    SplineFunction,
    TreesFunction,
    natural_basis,
)
from causalkit.typing import FloatArray, IntArray

__all__ = ["Fitted", "fit_line", "fit_log_scale", "fit_spline", "fit_trees"]

_MOST_KNOTS, _FEWEST_KNOTS = 14, 4
_ROWS_A_KNOT = 15
_KNOTS_OF_SCALE = 6
_PENALTIES = 10.0 ** np.arange(-6.0, 6.01, 0.5)
_COUNTED = 1.4
_SCORING_STEPS = 6
_LARGEST_STEP = 3.0
_LEAST_SHARE = 1e-8

F = TypeVar("F", Linear, SplineFunction)

Fitted = tuple[F, float]
"""A function, and the degrees of freedom that its fit has used."""


def fit_line(
    causes: FloatArray, y: FloatArray, weights: FloatArray | None = None
) -> Fitted[Linear]:
    """Fit a line by least squares, the shortest one if several fit as well.

    Parameters
    ----------
    causes : ndarray of shape (n, k)
    y : ndarray of shape (n,)
    weights : ndarray of shape (n,), optional

    Returns
    -------
    function : Linear
    df : float
        Rank of the causes, and one.

    Examples
    --------
    >>> line, df = fit_line(np.arange(4.0)[:, None], np.array([1.0, 3.0, 5.0, 7.0]))
    >>> line.slopes.round(6), round(line.intercept, 6), df
    (array([2.]), 1.0, 2.0)
    """
    centre, scale = _units(causes)
    root = np.ones(len(y)) if weights is None else np.sqrt(weights)
    design = np.column_stack([np.ones(len(y)), (causes - centre) / scale]) * root[:, None]
    found, _, rank, _ = np.linalg.lstsq(design, y * root, rcond=1e-9)
    slopes = found[1:] / scale
    return Linear(slopes, float(found[0] - slopes @ centre)), float(rank)


def fit_spline(
    causes: FloatArray, y: FloatArray, weights: FloatArray | None = None
) -> Fitted[SplineFunction]:
    """Fit a line and a penalised natural cubic spline of each cause, summed.

    Parameters
    ----------
    causes : ndarray of shape (n, k)
        One with few values has no curve.
    y : ndarray of shape (n,)
    weights : ndarray of shape (n,), optional

    Returns
    -------
    function : SplineFunction
    df : float
        Effective degrees of freedom.

    Examples
    --------
    >>> x = np.linspace(-3, 3, 200)
    >>> curve, df = fit_spline(x[:, None], np.sin(x))
    >>> bool(np.abs(curve(x[:, None]) - np.sin(x)).max() < 0.02)
    True
    """
    return _Curves(causes, weights, _MOST_KNOTS).fit(y)


def fit_trees(causes: FloatArray, y: FloatArray, rng: np.random.Generator) -> TreesFunction:
    """Fit a line and boosted trees on its residuals.

    Parameters
    ----------
    causes : ndarray of shape (n, k)
    y : ndarray of shape (n,)
    rng : Generator
        For the folds that choose the number of trees.

    Returns
    -------
    TreesFunction

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(500, 1))
    >>> step = fit_trees(x, np.sign(x[:, 0]) + 0.1 * rng.normal(size=500), rng)
    >>> bool(abs(step(np.array([[0.5]]))[0] - 1) < 0.2)
    True
    """
    from causalkit.estimation.nuisances.boosting import BoostedRegressor

    line, _ = fit_line(causes, y)
    learner = BoostedRegressor(start="mean", random_state=draw_seed(rng))
    learner.fit(causes, y - line(causes))
    (model,), (n_trees,) = learner.models_, learner.n_rounds_
    grown = model.folds[0]
    column, cut = grown.trees.column[:n_trees], grown.trees.cut[:n_trees]
    cuts = np.zeros(column.shape)
    for j, edges in enumerate(learner.bins_.edges):
        asks = column == j
        cuts[asks] = edges[cut[asks]]  # a row goes right if more than `cut` edges are below it
    return TreesFunction(
        line.slopes,
        line.intercept + float(grown.intercept),
        column.copy(),
        cuts,
        grown.trees.child[:n_trees].copy(),
        grown.trees.value[:n_trees].copy(),
    )


def fit_log_scale(causes: FloatArray, residuals: FloatArray) -> Bounded:
    """Fit the logarithm of the scale of residuals as a spline of their causes.

    Parameters
    ----------
    causes : ndarray of shape (n, k)
    residuals : ndarray of shape (n,)

    Returns
    -------
    Bounded
        Within the values that it has on these rows, so that it is never extrapolated.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.uniform(-1, 1, size=(2000, 1))
    >>> found = fit_log_scale(x, np.exp(x[:, 0]) * rng.normal(size=2000))
    >>> bool(np.abs(found(x) - x[:, 0]).mean() < 0.1)
    True
    """
    squares = residuals**2
    floor = _LEAST_SHARE * max(float(squares.mean()), np.finfo(float).tiny)
    squares = np.maximum(squares, floor)
    curves = _Curves(causes, None, _KNOTS_OF_SCALE)
    curve, _ = curves.fit(np.log(squares))
    for _ in range(_SCORING_STEPS):
        raw = _within(curve(causes), squares)
        raw += np.log(np.mean(squares / np.exp(raw)))
        step = np.clip(squares / np.exp(raw) - 1, None, _LARGEST_STEP)
        curve, _ = curves.fit(raw + step)
    raw = _within(curve(causes), squares)
    shift = float(np.log(np.mean(squares / np.exp(raw))))
    half = replace(
        curve,
        slopes=curve.slopes / 2,
        intercept=(curve.intercept + shift) / 2,
        heights=curve.heights / 2,
    )
    return Bounded(half, float(raw.min() + shift) / 2, float(raw.max() + shift) / 2)


def _within(raw: FloatArray, squares: FloatArray) -> FloatArray:
    """Log-variances that are not so far out that no step could bring them back."""
    middle = float(np.log(squares.mean()))
    return np.clip(raw, middle - 9.0, middle + 5.0)


def _units(causes: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation of each cause; 1 for one that is constant."""
    centre, scale = causes.mean(axis=0), causes.std(axis=0)
    still = scale <= 1e-12 * (np.abs(centre) + np.finfo(float).tiny)
    return centre, np.where(still, 1.0, scale)


class _Curves:
    """Lines and penalised curves of some causes, made ready once for several targets."""

    def __init__(self, causes: FloatArray, weights: FloatArray | None, most_knots: int) -> None:
        self.causes, self.weights = causes, weights
        self.curved, self.knots = _knots(causes, most_knots)
        n = len(causes)
        self.root = np.ones(n) if weights is None else np.sqrt(weights)
        pairs = zip(self.curved, self.knots, strict=True)
        basis = [natural_basis(causes[:, j], own) for j, own in pairs]
        self.bent = np.hstack([np.empty((n, 0)), *basis])
        centre, scale = _units(causes)
        lines = np.column_stack([np.ones(n), (causes - centre) / scale]) * self.root[:, None]
        left, sizes, _ = np.linalg.svd(lines, full_matrices=False)
        self.space = left[:, sizes > 1e-9 * sizes[0]]
        bent = self.bent * self.root[:, None]
        free = bent - self.space @ (self.space.T @ bent)
        lengths = np.sqrt((free**2).sum(axis=0))
        solid = lengths > 1e-9 * np.sqrt((bent**2).sum(axis=0))
        self.units = np.where(solid, 1 / np.where(solid, lengths, 1.0), 0.0)
        self.free = free * self.units
        values, self.vectors = np.linalg.eigh(self.free.T @ self.free)
        top = max(float(values.max(initial=0.0)), np.finfo(float).tiny)
        self.values = np.where(values > 1e-10 * top, values, 0.0)

    def fit(self, y: FloatArray) -> Fitted[SplineFunction]:
        """Fit one target."""
        heights, used = self._heights(y * self.root)
        rest, _ = fit_line(self.causes, y - self.bent @ heights, self.weights)
        shape = (len(self.curved), self.knots.shape[1] - 2)
        function = SplineFunction(
            rest.slopes, rest.intercept, self.curved, self.knots, heights.reshape(shape)
        )
        return function, self.space.shape[1] + used

    def _heights(self, y: FloatArray) -> tuple[FloatArray, float]:
        """Coefficients and degrees of freedom of the curves, with lines taken out."""
        if not self.bent.shape[1]:
            return np.zeros(0), 0.0
        rest = y - self.space @ (self.space.T @ y)
        along = self.vectors.T @ (self.free.T @ rest)
        # An eigenvector carries `along`² / value of the sum of squares.
        solid = self.values > 0
        carried = np.where(solid, along**2 / np.where(solid, self.values, 1.0), 0.0)
        penalties = _PENALTIES * max(float(self.values.mean()), np.finfo(float).tiny)
        kept = self.values / (self.values + penalties[:, None])
        left = float(rest @ rest) - ((2 * kept - kept**2) * carried).sum(axis=1)
        used = kept.sum(axis=1)
        n_open = np.maximum(len(y) - _COUNTED * (self.space.shape[1] + used), 1.0)
        best = int(np.argmin(np.maximum(left, 0.0) / n_open**2))
        shrunk = np.where(solid, along / (self.values + penalties[best]), 0.0)
        heights: FloatArray = (self.vectors @ shrunk) * self.units
        return heights, float(used[best])


def _knots(causes: FloatArray, most: int) -> tuple[IntArray, FloatArray]:
    """Causes that have a curve, and the knots of each: evenly among the values that it has."""
    n = len(causes)
    m = min(most, max(n // _ROWS_A_KNOT, _FEWEST_KNOTS), max(int(3 * n**0.2), _FEWEST_KNOTS))
    shares = (np.arange(m) + 0.1) / (m - 0.8)
    curved, knots = [], []
    for j in range(causes.shape[1]):
        values = np.unique(causes[:, j])
        if len(values) > m:
            own = np.quantile(values, shares)
            if (np.diff(own) > 1e-9 * (own[-1] - own[0])).all():
                curved.append(j)
                knots.append(own)
    return np.array(curved, dtype=np.intp), np.array(knots).reshape(len(curved), m)
