"""What the algorithms share that find a causal order first and cut edges then.

An algorithm writes `_learn(values, forbidden, required)`, which returns an order that obeys the
required edges, and a p-value for each edge that it does not take for granted one way or the other.
An edge is kept if its p-value falls below `alpha`, or if it is required.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Final

import numpy as np

from causalkit._core.checks import check_fraction
from causalkit._core.parallel import one_thread
from causalkit._core.table import Table
from causalkit.discovery._columns import standardised
from causalkit.discovery._setup import as_knowledge, in_name_order
from causalkit.discovery.base import DiscoveryAlgorithm, Explanation
from causalkit.discovery.functional._additive_model import AdditiveModel
from causalkit.discovery.knowledge import Knowledge
from causalkit.graph import Kind
from causalkit.graph.adjacency import from_adjacency
from causalkit.graph.marks import show_name
from causalkit.typing import BoolArray, FloatArray, Name

__all__ = ["AdditiveNoiseAlgorithm", "edges_by_regression"]

_FEWEST_ROWS: Final = 20
_ROWS_PER_COLUMN: Final = 4


class AdditiveNoiseAlgorithm(DiscoveryAlgorithm):
    """Base of the algorithms that find an order and cut edges.

    Attributes
    ----------
    graph_ : CausalGraph
        Kind DAG.
    order_ : tuple of names
        A causal order, causes first.
    p_values_ : dict of (name, name) to float
        By (cause, effect), for each edge that the order allows and knowledge leaves open: of the
        test that the effect does without it.
    """

    alpha: float
    knowledge: Knowledge | None
    order_: tuple[Name, ...]
    p_values_: dict[tuple[Name, Name], float]

    def _fit(self, table: Table) -> None:
        who = type(self).__name__
        alpha = check_fraction(self.alpha, "alpha")
        self._check_settings()
        names = in_name_order(table.names)
        least = max(_FEWEST_ROWS, _ROWS_PER_COLUMN * table.n_columns)
        values = standardised(table.select(names), who, least_rows=least)
        values = values[np.lexsort(values.T[::-1])]  # so that the order of rows says nothing
        known = as_knowledge(self.knowledge)
        forbidden, required = known.forbidden_matrix(names), known.required_matrix(names)
        with one_thread():
            order, p_values = self._learn(values, forbidden, required)
        keep = required.copy()
        for pair, p_value in p_values.items():
            keep[pair] = p_value < alpha
        self.order_ = tuple(names[k] for k in order)
        self.p_values_ = {(names[i], names[j]): p for (i, j), p in p_values.items()}
        self.graph_ = from_adjacency(keep, names, kind=Kind.DAG).reordered(table.names)

    def _check_settings(self) -> None:
        """Check the settings other than `alpha`."""
        return

    @abstractmethod
    def _learn(
        self, values: FloatArray, forbidden: BoolArray, required: BoolArray
    ) -> tuple[list[int], dict[tuple[int, int], float]]:
        """Find the order, and the p-values of the edges that are neither required nor forbidden."""

    def _explain(self, a: Name, b: Name) -> Explanation:
        edges = self.graph_.edges_between(a, b)
        known = as_knowledge(self.knowledge)
        first, second = sorted((a, b), key=self.order_.index)
        p_value = self.p_values_.get((first, second))
        shown = f"{show_name(first)} -> {show_name(second)}"
        tested = f"p = {p_value:.3g} without {shown}" if p_value is not None else ""
        ruled = known.why_forbidden(first, second)
        if not edges:
            why = tested or (f"knowledge: {ruled}" if ruled else f"{shown} adds nothing")
            return Explanation((a, b), "no edge", why)
        how = f"{show_name(first)} comes before {show_name(second)} in order_"
        other = known.why_forbidden(second, first)
        return Explanation(
            (a, b),
            str(edges[0]),
            tested or f"knowledge: {shown} is required",
            f"knowledge: {other}" if other else how,
        )


def edges_by_regression(
    model: AdditiveModel, order: Sequence[int], forbidden: BoolArray, required: BoolArray
) -> dict[tuple[int, int], float]:
    """F tests of all edges that the order and knowledge allow."""
    p_values = {}
    for k, effect in enumerate(order):
        causes = [j for j in order[:k] if not forbidden[j, effect]]
        for cause, p_value in zip(causes, model.f_tests(effect, causes), strict=True):
            if not required[cause, effect]:
                p_values[cause, effect] = float(p_value)
    return p_values
