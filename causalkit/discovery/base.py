"""What every discovery algorithm shares: `fit`, `graph_`, and an answer to "why?".

An algorithm is a scikit-learn estimator. `fit(X)` reads the table once, `graph_` is what was learnt
and `explain(a, b)` says why two variables are joined or not and what directed the edge. A new
algorithm derives from :class:`DiscoveryAlgorithm`, writes `_fit(table)` (set `graph_`) and
`_explain(a, b)`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from causalkit._core.report import Report, Reported
from causalkit._core.table import Table, as_table
from causalkit.errors import InputError
from causalkit.graph import CausalGraph
from causalkit.graph.marks import show_name
from causalkit.typing import Data, Name

__all__ = ["DiscoveryAlgorithm", "Explanation", "Separation", "Separations"]


@dataclass(frozen=True, slots=True, repr=False)
class Separation(Reported):
    """A test between two variables given others.

    Attributes
    ----------
    pair : tuple of two names
        The variables tested.
    given : tuple of names
        The conditioning set.
    statistic, p_value : float
        The test's answer.
    n_used : int
        Rows that the answer rests on.
    """

    pair: tuple[Name, Name]
    given: tuple[Name, ...]
    statistic: float
    p_value: float
    n_used: int

    def sentence(self) -> str:
        """Write the test as `a, b given {c}: p = 0.41`."""
        a, b = map(show_name, self.pair)
        return f"{a}, {b} given {show_set(self.given)}: p = {self.p_value:.3g}"

    def _report(self) -> Report:
        return Report(
            "Test of " + " and ".join(map(show_name, self.pair)),
            facts=[
                ("given", show_set(self.given)),
                ("statistic", self.statistic),
                ("p-value", self.p_value),
                ("rows used", self.n_used),
            ],
        )


class Separations(Mapping[frozenset[Name], Separation]):
    """Separating sets by unordered pair; `separations["a", "b"]` reads like a sentence."""

    __slots__ = ("_by_pair",)

    def __init__(self, separations: Mapping[frozenset[Name], Separation]) -> None:
        self._by_pair = dict(separations)

    def __getitem__(self, pair: frozenset[Name] | tuple[Name, Name]) -> Separation:
        return self._by_pair[frozenset(pair)]

    def __contains__(self, pair: object) -> bool:
        return isinstance(pair, (frozenset, tuple, set)) and frozenset(pair) in self._by_pair

    def __iter__(self) -> Iterator[frozenset[Name]]:
        return iter(self._by_pair)

    def __len__(self) -> int:
        return len(self._by_pair)

    def __repr__(self) -> str:
        return "{" + "; ".join(found.sentence() for found in self._by_pair.values()) + "}"


@dataclass(frozen=True, slots=True, repr=False)
class Explanation(Reported):
    """Why two variables are joined or not, and what directed the edge.

    Attributes
    ----------
    pair : tuple of two names
        The variables asked about.
    edge : str
        The edge as it prints, or "no edge".
    adjacency : str
        Why there is an edge, or none.
    direction : str or None
        Why it points as it does; None without an edge.
    test : Separation or None
        The test that separated the two, else the one that came closest to it.
    """

    pair: tuple[Name, Name]
    edge: str
    adjacency: str
    direction: str | None = None
    test: Separation | None = None

    def _report(self) -> Report:
        facts: list[tuple[str, object]] = [("edge", self.edge), ("why", self.adjacency)]
        if self.direction is not None:
            facts.append(("direction", self.direction))
        if self.test is not None:
            facts += [
                ("test", self.test.sentence()),
                ("statistic", self.test.statistic),
                ("rows used", self.test.n_used),
            ]
        a, b = map(show_name, self.pair)
        return Report(f"{a} and {b}", facts=facts)


class DiscoveryAlgorithm(BaseEstimator, ABC):
    """Base of the algorithms that learn a graph from a table.

    Attributes
    ----------
    graph_ : CausalGraph
        What was learnt, over the columns in the order of the data.
    n_features_in_ : int
        Number of columns seen.
    feature_names_in_ : ndarray of str
        Their names; set if the data had names, all of them strings.
    """

    graph_: CausalGraph
    n_features_in_: int
    feature_names_in_: NDArray[Any]

    def fit(self, X: Data, y: Any = None) -> Self:
        """Learn the graph.

        Parameters
        ----------
        X : DataFrame, 2-D ndarray, or dict of columns, n_rows by n_variables
            One row a unit.
        y : None
            Ignored; scikit-learn passes it.

        Returns
        -------
        self
        """
        del y
        table = as_table(X)
        self.n_features_in_ = table.n_columns
        if hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        if not isinstance(X, np.ndarray) and all(isinstance(name, str) for name in table.names):
            self.feature_names_in_ = np.array(table.names, dtype=object)
        self._fit(table)
        return self

    def explain(self, a: Name, b: Name) -> Explanation:
        """Say why `a` and `b` are joined or not, and what directed the edge.

        Parameters
        ----------
        a, b : str or int
            Two variables.

        Returns
        -------
        Explanation

        Raises
        ------
        UnknownVariableError
            If the graph has no such variable.
        InputError
            If the two are one.
        """
        check_is_fitted(self, "graph_")
        self.graph_.indices((a, b))
        if a == b:
            raise InputError(f"a and b are both {a!r}; expected two variables. Name another one.")
        return self._explain(a, b)

    @abstractmethod
    def _fit(self, table: Table) -> None:
        """Learn from the table and set `graph_`."""

    @abstractmethod
    def _explain(self, a: Name, b: Name) -> Explanation:
        """Answer `explain` for two different nodes."""


def show_set(names: tuple[Name, ...]) -> str:
    """Write names as a set: `{a, b}`, `{}` if empty."""
    return "{" + ", ".join(map(show_name, names)) + "}"
