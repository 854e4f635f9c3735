"""Conditional quantiles by a forest: the whole law of a variable depends on its causes.

A line is fitted first. The trees of a forest then cut the causes where the mean or the spread of
its residuals changes; each leaf holds the quantiles of its residuals as a strictly increasing curve
over normal scores (:mod:`causalkit.models.mechanisms.levels`), and a row takes the mean of the
curves of its leaves. A value is the line plus the residual at the score that the noise names, so
value and causes determine the noise, and counterfactuals keep a unit at its conditional quantile.

Trees are honest: a third of the rows grows a tree, another fills its leaves. From the last third
comes the calibration: its scores would be standard normal if the curves were right, so noise is
first mapped onto the scores that were seen. That corrects the spread and the tails overall, and
leaves to the leaves what differs between them.

References
----------
Meinshausen (2006), Journal of Machine Learning Research 7, 983-999 (quantile regression forests).
https://www.jmlr.org/papers/v7/meinshausen06a.html
Wager & Athey (2018), J. American Statistical Association 113, 1228-1242 (honesty).
doi:10.1080/01621459.2017.1319839
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, NamedTuple

import numpy as np

from causalkit._core.checks import check_count
from causalkit._core.random import as_generator, draw_seed
from causalkit.errors import InputError
from causalkit.models.mechanisms.additive import Linear
from causalkit.models.mechanisms.base import Function
from causalkit.models.mechanisms.levels import score_knots, steady_curve
from causalkit.typing import FloatArray, IntArray, RandomState

__all__ = ["QuantileForest", "fit_quantiles"]

_FEWEST_ROWS: Final = 60
_FEWEST_IN_LEAF: Final = 10
_SHARE_OF_COLUMNS: Final = 0.7


@dataclass(frozen=True, slots=True, eq=False)
class QuantileForest:
    """y = mean(causes) + the residual at a normal score, on the mean curve of a forest's leaves.

    Attributes
    ----------
    mean : Function
    column, child, curve : ndarray of int, shape (n_trees, n_nodes)
        What a node cuts, where rows go that are at most the cut (the others go to the next node),
        and which curve a leaf holds. A leaf is a node that is its own child.
    cut : ndarray of shape (n_trees, n_nodes)
        Infinite at a leaf.
    depth : ndarray of int, shape (n_trees,)
        Cuts on the longest way to a leaf.
    knots : ndarray of shape (K,)
        Scores, increasing.
    curves : ndarray of shape (n_leaves, K)
        Residuals at the knots, strictly increasing; linear in between and beyond.
    noise_knots, noise_scores : ndarray of shape (C,)
        Increasing; noise at a knot stands for this score.
    """

    mean: Function
    column: IntArray
    child: IntArray
    curve: IntArray
    cut: FloatArray
    depth: IntArray
    knots: FloatArray
    curves: FloatArray
    noise_knots: FloatArray
    noise_scores: FloatArray
    bijective: ClassVar[bool] = True

    def draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw standard normal noise, shape (n,)."""
        return rng.standard_normal(n)

    def value(self, causes: FloatArray, noise: FloatArray) -> FloatArray:
        """Add the residual that the noise names to the mean."""
        from causalkit.models.mechanisms import _quantiles_kernels as kernels

        scores = _along(noise, self.noise_knots, self.noise_scores)
        residuals = kernels.residuals_at(scores, self._leaves(causes), self.knots, self.curves)
        value: FloatArray = self.mean(causes) + residuals
        return value

    def noise(
        self,
        causes: FloatArray,
        value: FloatArray,
        rng: np.random.Generator,  # noqa: ARG002
    ) -> FloatArray:
        """Which noise names a residual."""
        return _along(self._scores(causes, value)[0], self.noise_scores, self.noise_knots)

    def log_density(self, causes: FloatArray, value: FloatArray) -> FloatArray:
        """Log density of values of shape (n,), given their causes."""
        scores, slope = self._scores(causes, value)
        noise = _along(scores, self.noise_scores, self.noise_knots)
        steps = np.diff(self.noise_scores) / np.diff(self.noise_knots)
        slope = slope * steps[_piece(scores, self.noise_scores)]
        logs: FloatArray = -0.5 * noise**2 - 0.5 * np.log(2 * np.pi) - np.log(slope)
        return logs

    def _leaves(self, causes: FloatArray) -> IntArray:
        from causalkit.models.mechanisms import _quantiles_kernels as kernels

        trees = self.column, self.child, self.curve, self.cut, self.depth
        return kernels.leaves_at(np.ascontiguousarray(causes), *trees)

    def _scores(self, causes: FloatArray, value: FloatArray) -> tuple[FloatArray, FloatArray]:
        from causalkit.models.mechanisms import _quantiles_kernels as kernels

        residuals = value - self.mean(causes)
        return kernels.scores_at(residuals, self._leaves(causes), self.knots, self.curves)


def fit_quantiles(
    causes: FloatArray,
    y: FloatArray,
    *,
    mean: Function | None = None,
    n_trees: int = 30,
    min_leaf: int = 20,
    rng: RandomState = None,
) -> QuantileForest:
    """Fit the conditional quantiles of a variable.

    Parameters
    ----------
    causes : ndarray of shape (n, k)
        k may be 0.
    y : ndarray of shape (n,)
    mean : Function, optional
        What the forest starts from; if left out, the line by least squares.
    n_trees : int
    min_leaf : int
        Rows that a leaf is grown on, at least.
    rng : int, Generator or None
        Which rows grow which tree, and the columns it looks at.

    Returns
    -------
    QuantileForest

    Raises
    ------
    InputError
        If there are fewer than 60 rows, a cell is missing, or y is a function of the mean.

    Examples
    --------
    >>> generator = np.random.default_rng(0)
    >>> x = generator.uniform(-1, 1, size=(3000, 1))
    >>> spread = np.where(x[:, 0] > 0, 2.0, 0.5)
    >>> fitted = fit_quantiles(x, x[:, 0] + spread * generator.normal(size=3000), rng=0)
    >>> at = np.repeat([[-0.5], [0.5]], 3000, axis=0)
    >>> drawn = fitted.value(at, fitted.draw(6000, generator)).reshape(2, -1)
    >>> low, high = drawn.std(axis=1)
    >>> bool(0.4 < low < 0.7), bool(1.8 < high < 2.2)
    (True, True)
    """
    n = len(causes)
    check_count(n_trees, "n_trees")
    check_count(min_leaf, "min_leaf", minimum=_FEWEST_IN_LEAF)
    if n < _FEWEST_ROWS or y.shape != (n,) or not (np.isfinite(y).all() and _finite(causes)):
        raise InputError(
            f"causes of shape {causes.shape} and y of shape {y.shape}; expected as many of both, "
            f"at least {_FEWEST_ROWS} rows, and no cell missing. Use Additive for fewer rows."
        )
    generator = as_generator(rng)
    start = _line(causes, y) if mean is None else mean
    residuals = y - start(causes)
    floor = float(residuals.std())
    if floor <= 1e-12 * (1 + float(np.abs(y).max())):
        raise InputError(
            "y is a function of its causes, without noise; expected residuals that vary. Use "
            "Additive with Normal(0.0)."
        )
    knots = score_knots(min_leaf)
    trees: list[_Tree] = []
    curves: list[FloatArray] = []
    outside: list[IntArray] = []
    for stream in generator.spawn(n_trees):
        parts = np.array_split(stream.permutation(n), 3)
        tree, own = _grow(causes, residuals, parts, min_leaf, knots, stream)
        trees.append(tree._replace(curve=tree.curve + sum(len(held) for held in curves)))
        curves.append(own)
        outside.append(parts[2])
    forest = QuantileForest(start, *_stacked(trees), knots, np.concatenate(curves), knots, knots)
    scores = _scores_outside(forest, causes, residuals, outside)
    noise_knots = score_knots(len(scores))
    noise_scores = steady_curve(scores, noise_knots, 1.0)
    return replace(forest, noise_knots=noise_knots, noise_scores=noise_scores)


class _Tree(NamedTuple):
    """Trees; arrays of shape (n_nodes,) for one, (n_trees, n_nodes) for several."""

    column: IntArray
    child: IntArray
    curve: IntArray
    cut: FloatArray
    depth: IntArray


def _grow(
    causes: FloatArray,
    residuals: FloatArray,
    parts: list[IntArray],
    min_leaf: int,
    knots: FloatArray,
    rng: np.random.Generator,
) -> tuple[_Tree, FloatArray]:
    """A tree that one part of the rows grows and another fills, and the curves of its leaves."""
    from causalkit.models.mechanisms import _quantiles_kernels as kernels

    tree = _cuts(causes[parts[0]], residuals[parts[0]], min_leaf, rng)
    alone = _stacked([tree])
    leaves = [kernels.leaves_at(causes[part], *alone)[:, 0] for part in parts[:2]]
    everyone = float(residuals.std())
    curves = np.empty((int(tree.curve.max()) + 1, len(knots)))
    for leaf in range(len(curves)):
        rows = parts[1][leaves[1] == leaf]
        if len(rows) < _FEWEST_IN_LEAF:
            rows = np.concatenate([rows, parts[0][leaves[0] == leaf]])
        curves[leaf] = steady_curve(residuals[rows], knots, everyone)
    return tree, curves


def _cuts(
    causes: FloatArray, residuals: FloatArray, min_leaf: int, rng: np.random.Generator
) -> _Tree:
    """Cut where the mean or the mean absolute size of residuals changes."""
    size = np.abs(residuals)
    scale = residuals.std(), size.std()
    if not causes.shape[1] or not min(scale) > 0:
        zero = np.zeros(1, dtype=np.intp)
        return _Tree(zero, zero, zero, np.full(1, np.inf), zero)
    from sklearn.tree import DecisionTreeRegressor

    targets = np.column_stack([residuals / scale[0], size / scale[1]])
    grown: Any = DecisionTreeRegressor(
        min_samples_leaf=min_leaf,
        max_features=_SHARE_OF_COLUMNS,
        random_state=draw_seed(rng),
    ).fit(causes, targets)
    nodes = grown.tree_
    # Siblings side by side, so that a row goes to one or to the next.
    order, depth, child = [0], [0], np.arange(nodes.node_count)
    for place in range(nodes.node_count):
        node = order[place]
        if nodes.children_left[node] >= 0:
            child[place] = len(order)
            order += [nodes.children_left[node], nodes.children_right[node]]
            depth += [depth[place] + 1] * 2
    is_leaf = child == np.arange(len(child))
    column = np.where(is_leaf, 0, nodes.feature[order]).astype(np.intp)
    curve = np.where(is_leaf, np.cumsum(is_leaf) - 1, 0).astype(np.intp)
    cut = np.where(is_leaf, np.inf, nodes.threshold[order])
    return _Tree(column, child.astype(np.intp), curve, cut, np.array([max(depth)]))


def _stacked(trees: list[_Tree]) -> _Tree:
    """Trees as arrays of shape (n_trees, n_nodes), filled up with leaves."""
    shape = len(trees), max(len(tree.column) for tree in trees)
    depth = np.concatenate([tree.depth for tree in trees])
    column, child, curve = (np.zeros(shape, dtype=np.intp) for _ in range(3))
    whole = _Tree(column, child, curve, np.zeros(shape), depth)
    for t, tree in enumerate(trees):
        for part, own in zip(whole[:4], tree[:4], strict=True):
            part[t, : len(own)] = own
    return whole


def _scores_outside(
    forest: QuantileForest, causes: FloatArray, residuals: FloatArray, outside: list[IntArray]
) -> FloatArray:
    """Scores of residuals by the trees that neither grew on them nor hold them."""
    leaves = forest._leaves(causes)
    total, count = np.zeros((len(causes), len(forest.knots))), np.zeros(len(causes))
    for t, rows in enumerate(outside):
        total[rows] += forest.curves[leaves[rows, t]]
        count[rows] += 1
    seen = np.flatnonzero(count)
    curves = total[seen] / count[seen, None]
    r = residuals[seen]
    piece = np.clip((curves <= r[:, None]).sum(axis=1) - 1, 0, len(forest.knots) - 2)
    rows = np.arange(len(seen))
    low, high = curves[rows, piece], curves[rows, piece + 1]
    left, right = forest.knots[piece], forest.knots[piece + 1]
    scores: FloatArray = left + (r - low) / (high - low) * (right - left)
    return scores


def _line(causes: FloatArray, y: FloatArray) -> Linear:
    """Least squares; the shortest slopes where causes are collinear."""
    centre = causes.mean(axis=0)
    slopes = np.linalg.lstsq(causes - centre, y - y.mean(), rcond=None)[0]
    return Linear(slopes, float(y.mean() - centre @ slopes))


def _finite(values: FloatArray) -> bool:
    return bool(np.isfinite(values).all())


def _piece(x: FloatArray, knots: FloatArray) -> IntArray:
    return np.clip(np.searchsorted(knots, x, side="right") - 1, 0, len(knots) - 2)


def _along(x: FloatArray, knots: FloatArray, heights: FloatArray) -> FloatArray:
    """A broken line through knots, that goes on beyond the outer ones."""
    k = _piece(x, knots)
    share = (x - knots[k]) / (knots[k + 1] - knots[k])
    value: FloatArray = heights[k] + share * (heights[k + 1] - heights[k])
    return value
