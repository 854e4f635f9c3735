"""What the continuous algorithms share: moments in, weights out, and from weights to a DAG.

A subclass writes `_minimise(problem)`, which returns weights and whether its search converged. All
of it works on the covariance matrix, so the number of rows costs nothing.
"""

from __future__ import annotations

import warnings
from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from causalkit._core.checks import (
    check_complete,
    check_count,
    check_rows,
    refuse_constant,
)
from causalkit._core.moments import Moments, check_two_levels
from causalkit._core.parallel import one_thread
from causalkit._core.random import as_generator
from causalkit._core.table import Table
from causalkit.discovery._setup import as_knowledge, in_name_order
from causalkit.discovery.base import DiscoveryAlgorithm, Explanation
from causalkit.discovery.continuous._acyclicity import by_exponential, without_circles
from causalkit.discovery.continuous._l1_search import Minimum, Smooth, minimise
from causalkit.discovery.continuous._order_alignment import order_alignment
from causalkit.discovery.knowledge import Knowledge
from causalkit.discovery.lingam._lingam_weights import check_not_determined
from causalkit.discovery.lingam.lingam_effects import EffectMatrix
from causalkit.errors import CausalkitWarning, InputError, NumericalError
from causalkit.graph import ARROW, TAIL, CausalGraph, Kind
from causalkit.graph.marks import show_name
from causalkit.typing import BoolArray, FloatArray, Name, RandomState

__all__ = ["LinearContinuous", "Problem", "check_not_negative", "read_correlations"]

_START = 1e-3
"""Size of the first weights, in standard deviations."""

_SHAKE = 0.01
"""By what share of itself, about, each weight is changed before a minimisation."""

_SORTED = 0.9
"""Share of directed paths that variances sort, from which on a warning is given."""

_RANGE = 1e60
"""Standard deviations beyond it, or below its inverse, are no numbers to calculate with."""


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """What is to be minimised; arrays are by position in the order of the names.

    Attributes
    ----------
    covariance : ndarray of shape (p, p)
        Correlations, if data are standardised.
    free : ndarray of bool, shape (p, p)
        Weights that may differ from 0.
    penalised : ndarray of shape (n_free,)
        1 where the l1 penalty counts; 0 for required edges.
    start : ndarray of shape (n_free,)
    shake : ndarray of shape (n_free,)
        Factors near 1.
    max_iter : int
    """

    covariance: FloatArray
    free: BoolArray
    penalised: FloatArray
    start: FloatArray
    shake: FloatArray
    max_iter: int

    def weights(self, x: FloatArray) -> FloatArray:
        """Free weights as a matrix."""
        matrix = np.zeros_like(self.covariance)
        matrix[self.free] = x
        return matrix

    def residuals(self, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Variances of x - xW, and half their gradients with respect to W."""
        rest = np.eye(len(weights)) - weights
        product = self.covariance @ rest
        return np.einsum("ij,ij->j", rest, product), -product

    def least_squares(self, weights: FloatArray) -> tuple[float, FloatArray]:
        """Half the sum of the variances of x - xW, and its gradient."""
        variances, gradient = self.residuals(weights)
        return 0.5 * float(variances.sum()), gradient

    def search(
        self, smooth: Smooth, start: FloatArray, penalty: float, tolerance: float = 1e-9
    ) -> Minimum:
        """Minimise a function of the free weights, plus the penalty on their size."""
        # The two directions of an edge may be tied, which is a saddle; a shake tips the balance.
        return minimise(
            smooth,
            start * self.shake,
            penalty * self.penalised,
            max_iter=self.max_iter,
            tolerance=tolerance,
        )


class LinearContinuous(DiscoveryAlgorithm):
    """Base of the algorithms that look for a DAG in the space of weights."""

    knowledge: Knowledge | None
    threshold: float
    standardize: bool
    max_iter: int
    random_state: RandomState

    weights_: FloatArray
    coefficients_: EffectMatrix
    acyclicity_: float
    n_cut_: int
    converged_: bool
    varsortability_: float

    def _needs_rows(self) -> bool:
        return False

    def _fit(self, table: Table | Moments) -> None:
        who = type(self).__name__
        threshold = check_not_negative(self.threshold, "threshold")
        max_iter = check_count(self.max_iter, "max_iter")
        rng = as_generator(self.random_state)
        knowledge = as_knowledge(self.knowledge)
        names = in_name_order(table.names)
        forbidden, required = knowledge.forbidden_matrix(names), knowledge.required_matrix(names)
        with one_thread():
            correlations, spread = read_correlations(
                table, names, self._least_rows(len(names)), who
            )
            scale = np.ones_like(spread) if self.standardize else _in_range(spread, who)
            free = ~forbidden
            np.fill_diagonal(free, False)
            noise = rng.standard_normal((2, *free.shape))
            problem = Problem(
                correlations * scale * scale[:, None],
                free,
                np.where(required[free], 0.0, 1.0),
                (_START * noise[0] * scale / scale[:, None])[free],
                1.0 + _SHAKE * noise[1][free],
                max_iter,
            )
            weights, self.converged_ = self._minimise(problem)
            self.acyclicity_ = max(by_exponential(weights)[0], 0.0)
        large = (np.abs(weights) > threshold) | required
        edges = without_circles(weights, large, required)
        self.n_cut_ = int(large.sum() - edges.sum())
        self._keep(names, table.names, edges, weights, _least_squares(correlations, edges, spread))
        self.varsortability_ = order_alignment(edges, spread)
        self._warn(who)

    def _least_rows(self, n_columns: int) -> int:
        del n_columns
        return 3

    @abstractmethod
    def _minimise(self, problem: Problem) -> tuple[FloatArray, bool]:
        """Return the weights, shape (p, p), and whether the search for them converged."""

    def _keep(
        self,
        names: tuple[Name, ...],
        shown: tuple[Name, ...],
        edges: BoolArray,
        weights: FloatArray,
        coefficients: FloatArray,
    ) -> None:
        """Write what was learnt in the order of the data."""
        where = {name: k for k, name in enumerate(names)}
        place = [where[name] for name in shown]
        among = np.ix_(place, place)
        ends = (edges * ARROW + edges.T * TAIL).astype(np.uint8)
        self.graph_ = CausalGraph._of(shown, ends[among], Kind.DAG)
        self._optimum = weights[among]
        self.weights_ = np.where(edges, weights, 0.0)[among]
        self.weights_.flags.writeable = False
        self.coefficients_ = EffectMatrix(shown, coefficients[among])

    def _warn(self, who: str) -> None:
        if not self.converged_:
            warnings.warn(
                f"{who} did not converge in max_iter={self.max_iter} steps; expected weights that "
                "no longer change. Give it more steps, or a larger penalty.",
                CausalkitWarning,
                stacklevel=4,
            )
        if not self.standardize and self.varsortability_ >= _SORTED:
            warnings.warn(
                f"in the units of these data, variances rise along {self.varsortability_:.0%} of "
                f"the directed paths that {who} found, so their order alone gives away the "
                "directions; expected directions that units do not decide. Unless all variables "
                "are measured on one scale and their noise has one variance, set "
                "standardize=True.",
                CausalkitWarning,
                stacklevel=4,
            )

    def _explain(self, a: Name, b: Name) -> Explanation:
        knowledge = as_knowledge(self.knowledge)
        edges = self.graph_.edges_between(a, b)
        first, second = (edges[0].left, edges[0].right) if edges else (a, b)
        i, j = self.graph_.indices((first, second))
        there, back = self._optimum[i, j], self._optimum[j, i]
        if not edges:
            reasons = [
                reason
                for reason in (knowledge.why_forbidden(a, b), knowledge.why_forbidden(b, a))
                if reason is not None
            ]
            if len(reasons) == 2:
                return Explanation((a, b), "no edge", f"knowledge: {'; '.join(reasons)}")
            largest = max(abs(there), abs(back))
            why = f"the largest weight between them is {largest:.3g}, and the threshold is "
            why += f"{self.threshold:.3g}"
            if largest > self.threshold:
                why += "; the edge lay on a circle, of which it was the weakest that could go"
            return Explanation((a, b), "no edge", why)
        if (first, second) in knowledge.required:
            why = f"knowledge: {show_name(first)} -> {show_name(second)} is required"
        else:
            why = f"its weight exceeds the threshold of {self.threshold:.3g}"
        return Explanation(
            (a, b),
            str(edges[0]),
            f"{why}; weight {there:.3g}",
            self._why_directed(first, second, back, knowledge),
        )

    def _why_directed(self, first: Name, second: Name, back: float, knowledge: Knowledge) -> str:
        reason = knowledge.why_forbidden(second, first)
        if reason is not None:
            return f"knowledge: {reason}"
        said = f"the weight of the opposite direction is {back:.3g}"
        if self.graph_.to_cpdag().undirected[self.graph_.index(first), self.graph_.index(second)]:
            said += "; other DAGs of the same equivalence class have it the other way round"
        return said


def read_correlations(
    table: Table | Moments, names: tuple[Name, ...], least_rows: int, who: str
) -> tuple[FloatArray, FloatArray]:
    """Correlations, and standard deviations; checked."""
    if table.n_columns < 2:
        raise InputError(
            f"the data have {table.n_columns} column(s); {who} needs at least 2. Bring more "
            "variables."
        )
    if isinstance(table, Table):
        for name, levels in zip(table.names, table.levels, strict=True):
            check_two_levels(name, levels or ())
        check_complete(table, who=who)
        table = Moments.of(table.values, names=table.names, levels=table.levels)
    check_rows(table, least_rows, who=who)
    refuse_constant(table.constant, who=who)
    moments = table.select(names)
    correlations = moments.correlations()
    if moments.n_rows > len(names):
        check_not_determined(correlations, names, who)
    spread = np.sqrt(np.diagonal(moments.gram) / moments.weight)
    return correlations, np.ldexp(spread, moments.exponents)


def _in_range(spread: FloatArray, who: str) -> FloatArray:
    if spread.max() > _RANGE or spread.min() < 1.0 / _RANGE:
        raise NumericalError(
            f"standard deviations run from {spread.min():.3g} to {spread.max():.3g}; {who} expects "
            "numbers that can be squared where columns keep their units. Use standardize=True."
        )
    return spread


def _least_squares(correlations: FloatArray, edges: BoolArray, spread: FloatArray) -> FloatArray:
    """Regressions of each variable on its parents, in the units of the data."""
    found = np.zeros_like(correlations)
    for j in range(len(edges)):
        causes = np.flatnonzero(edges[:, j])
        among = correlations[np.ix_(causes, causes)]
        found[causes, j] = np.linalg.lstsq(among, correlations[causes, j], rcond=None)[0]
    return found * (spread / spread[:, None])


def check_not_negative(value: float, what: str) -> float:
    """Return `value` if it is a finite number of at least 0."""
    ok = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    if ok and 0 <= value < np.inf:
        return float(value)
    raise InputError(f"{what}={value!r}; expected a number of at least 0.")
