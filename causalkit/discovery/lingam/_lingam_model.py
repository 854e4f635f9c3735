"""From a causal order to a linear model: what all LiNGAM algorithms do once they have one."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Final

import numpy as np
from sklearn.utils.validation import check_is_fitted

from causalkit._core.parallel import one_thread
from causalkit._core.table import Table, as_table
from causalkit.discovery._columns import standardised
from causalkit.discovery._setup import as_knowledge, in_name_order
from causalkit.discovery.base import DiscoveryAlgorithm, Explanation
from causalkit.discovery.knowledge import Knowledge
from causalkit.discovery.lingam._lingam_noise import (
    doubts,
    noise_dependence,
    noise_of,
    normality_p_values,
    warn_of_doubts,
)
from causalkit.discovery.lingam._lingam_order import Limits
from causalkit.discovery.lingam._lingam_weights import (
    as_pruning,
    check_not_determined,
    edge_weights,
    in_units,
)
from causalkit.discovery.lingam.lingam_effects import EffectMatrix
from causalkit.graph import ARROW, TAIL, CausalGraph, Kind
from causalkit.graph.marks import show_name
from causalkit.independence import CITest
from causalkit.typing import BoolArray, Data, FloatArray, IntArray, Name

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LinearNonGaussian"]


class LinearNonGaussian(DiscoveryAlgorithm):
    """What the algorithms share once they have an order: edges, coefficients, doubts.

    A subclass writes `_find_order(values, correlations, limits)`.
    """

    order_: tuple[Name, ...]
    coefficients_: EffectMatrix
    noise_p_values_: dict[Name, float]
    doubtful_: tuple[tuple[Name, Name], ...]

    knowledge: Knowledge | None
    prune: str | None
    alpha: float
    min_effect: float

    def _fit(self, table: Table) -> None:
        who = type(self).__name__
        known = as_knowledge(self.knowledge)
        pruning = as_pruning(self.prune, self.alpha, self.min_effect, table.n_rows)
        names = in_name_order(table.names)
        limits = Limits.of(known, names)
        with one_thread():  # as in a worker of a bootstrap, so that no digit depends on it
            ordered = table.select(names)
            values = standardised(ordered, who)
            correlations = values.T @ values / len(values)
            check_not_determined(correlations, names, who)
            order, gains = self._find_order(values, correlations.copy(), limits)
            edges, weights = edge_weights(correlations, order, limits, pruning)
            p_values = normality_p_values(noise_of(values, weights))
        self.order_ = tuple(names[k] for k in order)
        self._keep(names, table, edges, weights, gains)
        by_name = dict(zip(names, p_values.tolist(), strict=True))
        self.noise_p_values_ = {name: by_name[name] for name in table.names}
        self.doubtful_ = doubts(edges, p_values, names, known)
        warn_of_doubts(self.doubtful_, int(edges.sum()), who)

    @abstractmethod
    def _find_order(
        self, values: FloatArray, correlations: FloatArray, limits: Limits
    ) -> tuple[IntArray, FloatArray | None]:
        """Return the order, causes first, and what the pairs gain by it, if that is known.

        `values` has mean 0 and variance 1; the matrix of correlations is given away.
        """

    def _keep(
        self,
        names: tuple[Name, ...],
        table: Table,
        edges: BoolArray,
        weights: FloatArray,
        gains: FloatArray | None,
    ) -> None:
        """Write what was learnt in the order of the data, in its units."""
        shown = table.names
        where = {name: k for k, name in enumerate(names)}
        place = [where[name] for name in shown]
        among = np.ix_(place, place)
        ends = np.zeros(edges.shape, dtype=np.uint8)
        ends[edges], ends[edges.T] = ARROW, TAIL
        self.graph_ = CausalGraph._of(shown, ends[among], Kind.DAG)
        self._weights = weights[among]
        self._gains = None if gains is None else gains[among]
        self.coefficients_ = EffectMatrix(shown, in_units(self._weights, table.values))

    def total_effects(self) -> EffectMatrix:
        """Total effects of all variables on all others, in the units of the data.

        Returns
        -------
        EffectMatrix
            Sums over all directed paths of the products of their coefficients.
        """
        check_is_fitted(self, "graph_")
        return self.coefficients_.total()

    def residual_p_values(self, X: Data, test: CITest | None = None) -> pd.DataFrame:
        """Test whether the noise of any two variables is independent, as the model claims.

        Small p-values speak of a hidden common cause, of a wrong direction or of a relation that
        is not linear.

        Parameters
        ----------
        X : DataFrame, 2-D ndarray, or dict of columns
            The data that the model was fitted to, or new rows of it.
        test : CITest, optional
            Of independence; :class:`~causalkit.independence.HSIC` if left out.

        Returns
        -------
        DataFrame of shape (n_variables, n_variables)
            P-values; NaN on the diagonal.

        Raises
        ------
        UnknownVariableError
            If a variable of the graph is not in the data.
        """
        check_is_fitted(self, "graph_")
        names = self.graph_.nodes
        values = as_table(X, columns=names).values
        values = values - values.mean(axis=0)
        return noise_dependence(values - values @ self.coefficients_.values, names, test)

    def _explain(self, a: Name, b: Name) -> Explanation:
        if self.order_.index(a) > self.order_.index(b):
            first, second = b, a
        else:
            first, second = a, b
        known = as_knowledge(self.knowledge)
        edges = self.graph_.edges_between(a, b)
        reason = known.why_forbidden(first, second)
        i, j = self.graph_.indices((first, second))
        weight = self._weights[i, j]
        size = (
            f"one unit of {show_name(first)} adds {self.coefficients_.of(first, second):.3g} to "
            f"{show_name(second)}, which is {weight:.3g} standard deviations for one"
        )
        if (first, second) in known.required:
            why = f"knowledge: {show_name(first)} -> {show_name(second)} is required; {size}"
        elif edges:
            why = f"{_CHOSEN[self.prune]}: {size}"
        elif reason is not None:
            why = f"{show_name(first)} comes before {show_name(second)}, and knowledge: {reason}"
        else:
            why = f"{_LEFT_OUT[self.prune]} {show_name(first)} out of the causes of "
            why += f"{show_name(second)}, before which it comes"
        return Explanation(
            (a, b),
            str(edges[0]) if edges else "no edge",
            why,
            self._why_directed(first, second, known) if edges else None,
        )

    def _why_directed(self, first: Name, second: Name, known: Knowledge) -> str:
        reason = known.why_forbidden(second, first)
        if reason is not None:
            return f"knowledge: {reason}"
        at = [self.order_.index(name) + 1 for name in (first, second)]
        said = f"place {at[0]} and place {at[1]} of {len(self.order_)} in the causal order"
        if self._gains is not None:
            gain = self._gains[self.graph_.index(first), self.graph_.index(second)]
            better = "better" if gain >= 0 else "worse"
            given = f"given the {at[0] - 1} before them, " if at[0] > 1 else ""
            said += (
                f"; {given}this direction explains the two {better} than the other one, by "
                f"{abs(gain):.3g} nats a row"
            )
        if (first, second) in self.doubtful_:
            said += "; but the noise of both may be Gaussian, so this is a guess"
        return said


_CHOSEN: Final = {
    "adaptive_lasso": "the adaptive lasso kept it",
    "tests": "a t-test in the regression on all variables before kept it",
    None: "every variable is joined to all before it",
}
_LEFT_OUT: Final = {
    "adaptive_lasso": "the adaptive lasso left",
    "tests": "a t-test, or min_effect, left",
    None: "min_effect left",
}
