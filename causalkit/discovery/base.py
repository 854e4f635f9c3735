"""What every discovery algorithm shares: `fit`, `graph_`, and an answer to "why?".

An algorithm is a scikit-learn estimator. `fit(X)` reads the table once, `graph_` is what was learnt
and `explain(a, b)` says why two variables are joined or not and what directed the edge. A new
algorithm derives from :class:`DiscoveryAlgorithm`, writes `_fit(table)` (set `graph_`) and
`_explain(a, b)`.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from os import PathLike
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from causalkit._core.moments import Moments
from causalkit._core.redundancy import copied_columns, named_groups
from causalkit._core.report import Report, Reported
from causalkit._core.streams import is_stream, moments_of
from causalkit._core.table import Table, as_table
from causalkit.discovery.constraint._evidence import Evidence, Pair
from causalkit.errors import InputError, RedundantColumnsWarning
from causalkit.graph import CausalGraph, LaggedGraph
from causalkit.graph.lagged_template import in_template
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
    """Separating sets by unordered pair; `separations["a", "b"]` reads like a sentence.

    Parameters
    ----------
    names : tuple of names
        What the variables are called, by number.
    evidence : mapping
        By pair of numbers (i < j): the set and the test's answer. Looked up when asked for.
    """

    __slots__ = ("_evidence", "_names")

    def __init__(self, names: tuple[Name, ...], evidence: Mapping[Pair, Evidence]) -> None:
        self._names, self._evidence = names, evidence

    def __getitem__(self, pair: frozenset[Name] | tuple[Name, Name]) -> Separation:
        if isinstance(pair, str) or not isinstance(pair, Iterable) or len(list(pair)) != 2:
            raise InputError(
                f"{pair!r} is no pair of variables; expected two names. Write e.g. "
                "separators_['a', 'b']."
            )
        try:
            i, j = sorted(self._names.index(name) for name in pair)
            return named(self._names, (i, j), self._evidence[i, j])
        except (KeyError, ValueError):
            raise KeyError(pair) from None

    def __iter__(self) -> Iterator[frozenset[Name]]:
        return (frozenset((self._names[i], self._names[j])) for i, j in self._evidence)

    def __len__(self) -> int:
        return len(self._evidence)

    def __repr__(self) -> str:
        shown = [found.sentence() for found in islice(self.values(), 21)]
        if len(shown) > 20:
            shown[20:] = [f"… ({len(self)} in all)"]
        return "{" + "; ".join(shown) + "}"


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
            One row a unit. Where the test only asks for correlations, also a path to Parquet or CSV
            files, a polars LazyFrame, a DuckDB relation, a pyarrow Dataset or a dask DataFrame,
            which are read once, by blocks, and never held.
        y : None
            Ignored; scikit-learn passes it.

        Returns
        -------
        self
        """
        del y
        labels = self._labels()
        rows = self._needs_rows()
        table = read_columns(self, X, labels) if rows else read_moments(self, X, labels)
        self._fit(table)
        if isinstance(table, Table):
            _warn_of_copies(table, labels)
        return self

    def _labels(self) -> tuple[Name, ...]:
        """Columns that are no variables, of which text is read as categories."""
        return ()

    def _needs_rows(self) -> bool:
        """Whether the rows are needed, rather than their moments."""
        return True

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
        return self._explain(*nodes_asked(self.graph_, a, b))

    @abstractmethod
    def _fit(self, table: Any) -> None:
        """Learn from the table, or its moments unless `_needs_rows()`, and set `graph_`."""

    @abstractmethod
    def _explain(self, a: Name, b: Name) -> Explanation:
        """Answer `explain` for two different nodes."""


def _warn_of_copies(table: Table, labels: tuple[Name, ...]) -> None:
    """Name columns that are copies of each other; no algorithm tells which of them is a cause."""
    groups = copied_columns(table.select([n for n in table.names if n not in labels]))
    if groups:
        warnings.warn(
            f"these columns are copies of each other, or as good as: {named_groups(groups)}. No "
            "search can tell which of them is a cause, and edges around them mean nothing. Keep "
            "one of each group.",
            RedundantColumnsWarning,
            stacklevel=3,
        )


def nodes_asked(graph: CausalGraph | LaggedGraph, a: Any, b: Any) -> tuple[Name, Name]:
    """Two different nodes of a graph; of series, the earlier one first and the later one at t.

    Raises
    ------
    UnknownVariableError
        If the graph has no such variable.
    InputError
        If the two are one, or farther apart than the longest lag.
    """
    if isinstance(graph, CausalGraph):
        a, b = (graph.nodes[k] for k in (graph.index(a), graph.index(b)))
        if a == b:
            raise InputError(f"a and b are both {a!r}; expected two variables. Name another one.")
        return a, b
    past, now = in_template(graph.node(a), graph.node(b))
    if past == now:
        raise InputError(f"a and b are both {now}; expected two nodes. Name another one.")
    if past.lag > graph.max_lag:
        raise InputError(
            f"{past} and {now} are {past.lag} steps apart; expected {graph.max_lag} at most, as "
            "far as the lags were looked for. Fit with a larger max_lag."
        )
    return past, now


def read_columns(estimator: Any, X: Data, labels: tuple[Name, ...] = ()) -> Table:
    """Read the table, and note its columns on the estimator as scikit-learn does."""
    if is_stream(X):
        how = "from a file" if isinstance(X, (str, PathLike)) else f"as a {type(X).__name__}"
        raise InputError(
            f"the data are read by blocks, {how}, and this {type(estimator).__name__} needs all "
            "rows; expected rows that are in memory. Call .collect(), .compute() or "
            "pandas.read_parquet() first, or use PC or FCI with a test on correlations such as "
            "FisherZ."
        )
    table = as_table(X, labels=labels)
    note_columns(estimator, X, table.names)
    return table


def read_moments(estimator: Any, X: Data, labels: tuple[Name, ...] = ()) -> Table | Moments:
    """Read the table, or only its moments where the rows are read by blocks."""
    if not is_stream(X):
        return read_columns(estimator, X, labels)
    moments = moments_of(X, n_jobs=getattr(estimator, "n_jobs", None))
    note_columns(estimator, X, moments.names)
    return moments


def note_columns(estimator: Any, X: Data, names: tuple[Name, ...]) -> None:
    """Note the columns on the estimator as scikit-learn does."""
    estimator.n_features_in_ = len(names)
    if hasattr(estimator, "feature_names_in_"):
        del estimator.feature_names_in_
    if not isinstance(X, np.ndarray) and all(isinstance(name, str) for name in names):
        estimator.feature_names_in_ = np.array(names, dtype=object)


def named(names: tuple[Name, ...], pair: Pair, evidence: Evidence) -> Separation:
    """Write numbers as names."""
    result = evidence.result
    return Separation(
        (names[pair[0]], names[pair[1]]),
        tuple(names[k] for k in sorted(evidence.given)),
        result.statistic,
        result.p_value,
        result.n_used,
    )


def show_set(names: tuple[Name, ...]) -> str:
    """Write names as a set: `{a, b}`, `{}` if empty."""
    return "{" + ", ".join(map(show_name, names)) + "}"
