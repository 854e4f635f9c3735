"""What all continuous algorithms share: settings, from weights to a DAG, and why.

An algorithm asks `_set_up(names)` for its checked settings, finds a matrix of weights, one a pair,
hands it to `_conclude(...)`, and ends with `warn_of_search(...)`.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from causalkit._core.checks import check_count
from causalkit._core.random import as_generator
from causalkit.discovery._setup import as_knowledge, in_name_order
from causalkit.discovery.base import DiscoveryAlgorithm, Explanation
from causalkit.discovery.continuous._acyclicity import by_exponential, without_circles
from causalkit.discovery.continuous._order_alignment import order_alignment
from causalkit.discovery.knowledge import Knowledge
from causalkit.errors import AssumptionWarning, ConvergenceWarning, InputError, NumericalError
from causalkit.graph import ARROW, TAIL, CausalGraph, Kind
from causalkit.graph.marks import show_name
from causalkit.typing import BoolArray, FloatArray, IntArray, Name, RandomState

__all__ = [
    "ContinuousAlgorithm",
    "Search",
    "Setting",
    "check_not_negative",
    "check_range",
    "warn_of_search",
]

_SORTED = 0.9
"""Share of directed paths that variances sort, from which on a warning is given."""

_RANGE = 1e60
"""Standard deviations beyond it, or below its inverse, are no numbers to calculate with."""


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """Checked settings; arrays are by position in the order of the names.

    Attributes
    ----------
    names : tuple of names
        In an order that does not depend on that of the columns.
    place : ndarray of int, shape (p,)
        Positions of the columns of the data among them.
    free : ndarray of bool, shape (p, p)
        Weights that may differ from 0.
    required : ndarray of bool, shape (p, p)
    threshold : float
    max_iter : int
    rng : numpy.random.Generator
    """

    names: tuple[Name, ...]
    place: IntArray
    free: BoolArray
    required: BoolArray
    threshold: float
    max_iter: int
    rng: np.random.Generator

    def shown(self, matrix: FloatArray) -> FloatArray:
        """Put rows and columns of a matrix in the order of the data."""
        return matrix[np.ix_(self.place, self.place)]


class Search(Protocol):
    """An algorithm that has come to rest."""

    standardize: bool
    max_iter: int
    converged_: bool
    varsortability_: float


class ContinuousAlgorithm(DiscoveryAlgorithm):
    """Base of the algorithms that look for a DAG in the space of weights."""

    knowledge: Knowledge | None
    threshold: float
    standardize: bool
    max_iter: int
    random_state: RandomState

    weights_: FloatArray
    acyclicity_: float
    n_cut_: int
    converged_: bool
    varsortability_: float

    def _set_up(self, columns: tuple[Name, ...]) -> Setting:
        knowledge = as_knowledge(self.knowledge)
        names = in_name_order(columns)
        free = ~knowledge.forbidden_matrix(names)
        np.fill_diagonal(free, False)
        where = {name: k for k, name in enumerate(names)}
        return Setting(
            names,
            np.array([where[name] for name in columns]),
            free,
            knowledge.required_matrix(names),
            check_not_negative(self.threshold, "threshold"),
            check_count(self.max_iter, "max_iter"),
            as_generator(self.random_state),
        )

    def _conclude(self, setting: Setting, weights: FloatArray, spread: FloatArray) -> BoolArray:
        """Make a DAG of the weights, and write what was learnt in the order of the data.

        Parameters
        ----------
        setting : Setting
        weights : ndarray of shape (p, p)
        spread : ndarray of shape (p,)
            Standard deviations, in the units of the data.

        Returns
        -------
        ndarray of bool, shape (p, p)
            The edges of the DAG, in the order of `setting.names`.
        """
        self.acyclicity_ = max(by_exponential(weights)[0], 0.0)
        large = (np.abs(weights) > setting.threshold) | setting.required
        edges = without_circles(weights, large, setting.required)
        self.n_cut_ = int(large.sum() - edges.sum())
        ends = (edges * ARROW + edges.T * TAIL).astype(np.uint8)
        shown = tuple(setting.names[k] for k in setting.place)
        self.graph_ = CausalGraph._of(shown, ends[np.ix_(setting.place, setting.place)], Kind.DAG)
        self._optimum = setting.shown(weights)
        self.weights_ = setting.shown(np.where(edges, weights, 0.0))
        self.weights_.flags.writeable = False
        self.varsortability_ = order_alignment(edges, spread)
        return edges

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


def warn_of_search(algorithm: Search, who: str) -> None:
    """Warn of a search that did not converge, and of directions that units decide."""
    if not algorithm.converged_:
        warnings.warn(
            f"{who} did not converge in max_iter={algorithm.max_iter} steps; expected weights that "
            "no longer change. Give it more steps, or a larger penalty.",
            ConvergenceWarning,
            stacklevel=4,
        )
    if not algorithm.standardize and algorithm.varsortability_ >= _SORTED:
        warnings.warn(
            f"in the units of these data, variances rise along {algorithm.varsortability_:.0%} of "
            f"the directed paths that {who} found, so their order alone gives away the "
            "directions; expected directions that units do not decide. Unless all variables "
            "are measured on one scale and their noise has one variance, set "
            "standardize=True.",
            AssumptionWarning,
            stacklevel=4,
        )


def check_range(spread: FloatArray, who: str) -> FloatArray:
    """Return standard deviations of which the squares are numbers."""
    if spread.max() > _RANGE or spread.min() < 1.0 / _RANGE:
        raise NumericalError(
            f"standard deviations run from {spread.min():.3g} to {spread.max():.3g}; {who} expects "
            "numbers that can be squared where columns keep their units. Use standardize=True."
        )
    return spread


def check_not_negative(value: float, what: str) -> float:
    """Return `value` if it is a finite number of at least 0."""
    ok = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    if ok and 0 <= value < np.inf:
        return float(value)
    raise InputError(f"{what}={value!r}; expected a number of at least 0.")
