"""Whole graphs by nonlinearity: each variable is a curve of its causes plus independent noise.

Where relations are not linear, a model with additive noise holds in the causal order only, so a
DAG can be learnt, not just a class of them. All three find an order first, then cut edges:

* :class:`RESIT` takes away one sink after the other: the variable whose noise, given all others,
  depends least on them. It needs no more than independence.
* :class:`SCORE` finds a leaf by the curvature of the log-density: constant along a leaf, if its
  noise is Gaussian. Quick.
* :class:`CAM` adds the edge that raises the likelihood of additive curves most, until none does.
  The quickest.

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> a = rng.normal(size=400)
>>> b = np.sin(2 * a) + rng.normal(size=400) / 3
>>> c = b**2 + rng.normal(size=400) / 3
>>> print(CAM().fit({"a": a, "b": b, "c": c}).graph_)
DAG with 3 nodes, 2 edges: a -> b; b -> c
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.spatial.distance import pdist, squareform

from causalkit._core.checks import check_choice, check_positive
from causalkit.discovery.functional._additive_model import AdditiveModel
from causalkit.discovery.functional._additive_noise import (
    AdditiveNoiseAlgorithm,
    edges_by_regression,
)
from causalkit.discovery.functional._additive_search import add_greedily
from causalkit.discovery.functional._causal_order import leaves_first
from causalkit.discovery.functional._post_nonlinear import PostNonlinearFit, normal_scores
from causalkit.discovery.functional._residual_test import block_of
from causalkit.discovery.knowledge import Knowledge
from causalkit.independence.bound_kernel import BoundHSIC
from causalkit.independence.kernel_matrices import Block, factor, joined, median_distance
from causalkit.independence.landmarks import SetSmoother, spread_rows
from causalkit.typing import BoolArray, FloatArray

__all__ = ["CAM", "RESIT", "SCORE"]

_LANDMARKS: Final = 100
_SCORE_ROWS: Final = 1000


class RESIT(AdditiveNoiseAlgorithm):
    """Regression with subsequent independence test: take away one sink after the other.

    Of the variables that are left, each is regressed on all others, by a Gaussian process. The one
    whose residual depends least on the others is a sink, and comes last. Then each variable tries
    to do without each of its predecessors.

    Parameters
    ----------
    alpha : float, default 0.05
        An edge stays if its p-value falls below.
    mechanism : {"additive", "post-nonlinear"}
        "additive": noise is added to a smooth function of all causes. "post-nonlinear": it is added
        to a sum of curves, one of each cause, and an increasing function distorts the whole. Then
        nothing but the ranks of the columns matters.
    pruning : {"independence", "regression"}
        "independence" keeps an edge if without it the residual depends on some predecessor, as
        published; the edges into a variable whose noise is not additive all stay. "regression"
        keeps it if the curve of the cause is significant among additive ones (F test), for
        "post-nonlinear" once the distortion has been undone.
    knowledge : Knowledge, optional
        Tiers, required and forbidden edges, all of them obeyed.

    Attributes
    ----------
    graph_ : CausalGraph
        Kind DAG.
    order_ : tuple of names
        A causal order, causes first.
    p_values_ : dict of (name, name) to float
        By (cause, effect), for each edge that the order allows and knowledge leaves open: of the
        test that the effect does without it.

    Notes
    -----
    **Assumes:**

    - each variable is a smooth function of its causes plus noise that is independent of them; with
      "post-nonlinear", an increasing function of a sum of curves and such noise;
    - functions are not linear, or noise is not Gaussian; "post-nonlinear" has more exceptions, see
      :class:`~causalkit.discovery.functional.post_nonlinear.PNL`;
    - no hidden common causes and no selection, and the true graph is acyclic;
    - for "regression": functions are sums of curves of one cause each, with noise of one spread;
    - rows are independent draws from one distribution.

    Independence of a residual and several variables is tested one variable at a time, and the
    smallest p-value multiplied by their number. There must be four rows for each column, 20 at
    least. With p columns, p(p + 1)/2 regressions find the order.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> a = rng.normal(size=300)
    >>> b = np.sin(2 * a) + rng.normal(size=300) / 3
    >>> resit = RESIT().fit({"b": b, "a": a, "c": np.exp(b) + a**2 + rng.normal(size=300) / 3})
    >>> print(resit.graph_)
    DAG with 3 nodes, 3 edges: a -> b; b -> c; a -> c
    >>> resit.order_
    ('a', 'b', 'c')

    References
    ----------
    Peters, Mooij, Janzing, Schölkopf (2014), "Causal discovery with continuous additive noise
    models", JMLR 15, doi:10.48550/arXiv.1309.6779. Keropyan, Strieder, Drton (2023), "Rank-based
    causal discovery for post-nonlinear models", AISTATS, doi:10.48550/arXiv.2302.12341.
    """

    def __init__(
        self,
        *,
        alpha: float = 0.05,
        mechanism: str = "additive",
        pruning: str = "independence",
        knowledge: Knowledge | None = None,
    ) -> None:
        self.alpha = alpha
        self.mechanism = mechanism
        self.pruning = pruning
        self.knowledge = knowledge

    def _check_settings(self) -> None:
        check_choice(self.mechanism, "mechanism", _LEFT)
        check_choice(self.pruning, "pruning", ("independence", "regression"))

    def _learn(
        self, values: FloatArray, forbidden: BoolArray, required: BoolArray
    ) -> tuple[list[int], dict[tuple[int, int], float]]:
        if self.mechanism == "post-nonlinear":
            values = np.column_stack([normal_scores(column) for column in values.T])
        noise = _Noise(values, _LEFT[self.mechanism])

        def height(left: list[int], candidates: list[int]) -> FloatArray:
            others = [[j for j in left if j != k] for k in candidates]
            return np.array(
                [noise.dependence(k, rest)[0] for k, rest in zip(candidates, others, strict=True)]
            )

        order = leaves_first(values.shape[1], height, forbidden, required)
        if self.pruning == "regression" and self.mechanism == "post-nonlinear":
            return order, _edges_by_straightened_regression(values, order, forbidden, required)
        if self.pruning == "regression":
            return order, edges_by_regression(AdditiveModel(values), order, forbidden, required)
        p_values = {}
        for k, effect in enumerate(order):
            before = causes = [j for j in order[:k] if not forbidden[j, effect]]
            for cause in [j for j in causes if not required[j, effect]]:
                rest = [j for j in causes if j != cause]
                p_value = noise.dependence(effect, before, given=rest)[1]
                p_values[cause, effect] = p_value
                if p_value >= self.alpha:
                    causes = rest
        return order, p_values


class _Noise:
    """What regressions leave, and whether it depends on variables."""

    def __init__(
        self, values: FloatArray, left: Callable[[FloatArray, Block, FloatArray], FloatArray]
    ) -> None:
        self.values, self._left = values, left
        self.blocks = [block_of(column) for column in values.T]
        self.factors = [factor(block, median_distance(block)) for block in self.blocks]

    def dependence(
        self, k: int, on: Sequence[int], given: Sequence[int] | None = None
    ) -> tuple[float, float]:
        """Strength of the dependence of the residual of k, given these or all, and its p-value."""
        left = self.values[:, k]
        known = list(on if given is None else given)
        if known:
            block = joined([self.blocks[j] for j in known])
            left = self._left(self.values[:, known], block, left)
        block = block_of(left)
        kernels = [*(self.factors[j] for j in on), factor(block, median_distance(block))]
        bound = BoundHSIC.of_factors(kernels)
        screen = bound.screen(0.5)
        strength = 0.0 if screen is None else float(screen.strength[-1, :-1].max())
        p_value = min(bound(j, len(on)).p_value for j in range(len(on)))
        return strength, min(1.0, len(on) * p_value)


def _left_of_sum(_: FloatArray, causes: Block, effect: FloatArray) -> FloatArray:
    left = SetSmoother(causes, _LANDMARKS).residuals(effect[:, None]).values
    return np.asarray(left[:, 0])


def _left_of_distortion(causes: FloatArray, _: Block, effect: FloatArray) -> FloatArray:
    return PostNonlinearFit(causes, effect).residuals


_LEFT: Final[dict[str, Callable[[FloatArray, Block, FloatArray], FloatArray]]] = {
    "additive": _left_of_sum,
    "post-nonlinear": _left_of_distortion,
}


def _edges_by_straightened_regression(
    values: FloatArray, order: Sequence[int], forbidden: BoolArray, required: BoolArray
) -> dict[tuple[int, int], float]:
    """F tests of the edges into each variable, after its distortion has been undone."""
    p_values = {}
    for k, effect in enumerate(order):
        causes = [j for j in order[:k] if not forbidden[j, effect]]
        if causes:
            straight = values.copy()
            straight[:, effect] = PostNonlinearFit(values[:, causes], values[:, effect]).transformed
            straight = (straight - straight.mean(axis=0)) / straight.std(axis=0)
            tests = AdditiveModel(straight).f_tests(effect, causes)
            for cause, p_value in zip(causes, tests, strict=True):
                if not required[cause, effect]:
                    p_values[cause, effect] = float(p_value)
    return p_values


class SCORE(AdditiveNoiseAlgorithm):
    """A leaf is where the log-density curves the same everywhere.

    With additive Gaussian noise, the second derivative of the log-density along a leaf is constant,
    minus one over the variance of its noise; along any other variable the functions of its effects
    bend it. Derivatives are estimated by Stein's identity in a Gaussian kernel, and the variable
    whose second derivative varies least is taken away as a leaf. Then additive regressions on all
    predecessors cut edges.

    Parameters
    ----------
    alpha : float, default 0.001
        An edge stays if its p-value falls below.
    ridge : float, default 0.001
        Of both kernel regressions.
    knowledge : Knowledge, optional
        Tiers, required and forbidden edges, all of them obeyed.

    Attributes
    ----------
    graph_ : CausalGraph
        Kind DAG.
    order_ : tuple of names
        A causal order, causes first.
    p_values_ : dict of (name, name) to float
        By (cause, effect), for each edge that the order allows and knowledge leaves open: of the
        test that the effect does without it.

    Notes
    -----
    **Assumes:**

    - each variable is a smooth nonlinear function of its causes plus independent Gaussian noise;
    - no hidden common causes and no selection, and the true graph is acyclic;
    - for cutting edges: functions are sums of curves of one cause each;
    - rows are independent draws from one distribution.

    Variances of second derivatives are compared relative to the squares of their means, so that
    units do not matter; as published, columns with little noise look less like leaves.

    The order is read off 1000 rows at most, spread over the table, because it takes one
    decomposition of a matrix of rows by rows for each column. There must be four rows for each
    column, 20 at least.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> a = rng.normal(size=400)
    >>> b = np.sin(2 * a) + rng.normal(size=400) / 3
    >>> score = SCORE().fit({"c": b**2 + rng.normal(size=400) / 3, "b": b, "a": a})
    >>> print(score.graph_)
    DAG with 3 nodes, 2 edges: b -> c; a -> b
    >>> score.order_
    ('a', 'b', 'c')

    References
    ----------
    Rolland, Cevher, Kleindessner, Russell, Janzing, Schölkopf, Locatello (2022), "Score matching
    enables causal discovery of nonlinear additive noise models", ICML,
    doi:10.48550/arXiv.2203.04413.
    """

    def __init__(
        self, *, alpha: float = 0.001, ridge: float = 0.001, knowledge: Knowledge | None = None
    ) -> None:
        self.alpha = alpha
        self.ridge = ridge
        self.knowledge = knowledge

    def _check_settings(self) -> None:
        check_positive(self.ridge, "ridge")

    def _learn(
        self, values: FloatArray, forbidden: BoolArray, required: BoolArray
    ) -> tuple[list[int], dict[tuple[int, int], float]]:
        some = values[spread_rows(len(values), _SCORE_ROWS)]

        def height(left: list[int], candidates: list[int]) -> FloatArray:
            curvature = second_derivatives(some[:, left], self.ridge)
            relative = curvature.var(axis=0) / curvature.mean(axis=0) ** 2
            return np.asarray(relative[[left.index(k) for k in candidates]])

        order = leaves_first(values.shape[1], height, forbidden, required)
        return order, edges_by_regression(AdditiveModel(values), order, forbidden, required)


def second_derivatives(X: FloatArray, ridge: float) -> FloatArray:
    """∂²/∂x_j² of the log-density at each row, shape (n_rows, d), by Stein's identity.

    Rolland et al. (2022), equations 11 and 13: with G = -(K + ridge)⁻¹⟨∇, K⟩ the gradient, the
    second derivatives are (K + ridge)⁻¹⟨∇²diag, K⟩ - G².
    """
    apart = pdist(X)
    square = float(np.median(apart[apart > 0.0])) ** 2
    K = squareform(np.exp(-(apart**2) / (2.0 * square)))
    K[np.diag_indices(len(K))] = 1.0
    total, KX = K.sum(axis=1)[:, None], K @ X
    first = (X * total - KX) / square
    second = (X * X * total - 2.0 * X * KX + K @ (X * X)) / square**2 - total / square
    K[np.diag_indices(len(K))] += ridge
    root = cho_factor(K, overwrite_a=True)
    return np.asarray(cho_solve(root, second) - cho_solve(root, first) ** 2)


class CAM(AdditiveNoiseAlgorithm):
    """Causal additive model: add the edge that raises the likelihood most, then cut.

    Parameters
    ----------
    alpha : float, default 0.001
        An edge stays if its p-value falls below.
    knowledge : Knowledge, optional
        Tiers, required and forbidden edges, all of them obeyed.

    Attributes
    ----------
    graph_ : CausalGraph
        Kind DAG.
    order_ : tuple of names
        A causal order, causes first.
    p_values_ : dict of (name, name) to float
        By (cause, effect), for each edge that was added: of the test that the effect does without
        it.

    Notes
    -----
    **Assumes:**

    - each variable is a sum of smooth nonlinear curves, one of each cause, plus independent
      Gaussian noise;
    - no hidden common causes and no selection, and the true graph is acyclic;
    - rows are independent draws from one distribution.

    Edges are added as long as the gain in likelihood exceeds the penalty of the BIC for one more
    curve. There must be four rows for each column, 20 at least. Rows are read once, then all is
    done in products of sums; 50 variables take seconds.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> a, b = rng.normal(size=(2, 400))
    >>> data = {"c": np.sin(2 * a) + b**2 / 2 + rng.normal(size=400) / 3, "b": b, "a": a}
    >>> print(CAM().fit(data).graph_)
    DAG with 3 nodes, 2 edges: b -> c; a -> c

    References
    ----------
    Bühlmann, Peters, Ernest (2014), "CAM: Causal additive models, high-dimensional order search and
    penalized regression", Annals of Statistics 42(6), doi:10.1214/14-AOS1260.
    """

    def __init__(self, *, alpha: float = 0.001, knowledge: Knowledge | None = None) -> None:
        self.alpha = alpha
        self.knowledge = knowledge

    def _learn(
        self, values: FloatArray, forbidden: BoolArray, required: BoolArray
    ) -> tuple[list[int], dict[tuple[int, int], float]]:
        model = AdditiveModel(values)
        chosen = add_greedily(model, forbidden, required)
        p_values = {}
        for effect, column in enumerate(chosen.T):
            causes = np.flatnonzero(column).tolist()
            for cause, p_value in zip(causes, model.f_tests(effect, causes), strict=True):
                if not required[cause, effect]:
                    p_values[cause, effect] = float(p_value)
        order = leaves_first(len(chosen), lambda _, last: np.zeros(len(last)), forbidden, chosen)
        return order, p_values
