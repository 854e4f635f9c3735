"""`RegimeLinks`: which links are the same in all regimes, and which are not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from causalkit._core.report import Report, Reported
from causalkit.errors import UnknownVariableError
from causalkit.graph import Lagged, LaggedGraph
from causalkit.graph.lagged import as_lagged
from causalkit.graph.lagged_template import in_template, lagged_nodes
from causalkit.typing import BoolArray, FloatArray, Name

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RegimeLinks", "edge_of", "links_of", "number_of"]

_SHOWN: Final = 30


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class RegimeLinks(Reported):
    """Links by regime, read from the earlier node to the later one.

    Attributes
    ----------
    variables : tuple of names
        The series.
    regimes : tuple
        Labels.
    pairs : tuple of (Lagged, Lagged)
        Pairs that some regime joins, the shorter lags first.
    symbols : tuple of tuple of str
        For each pair what joins it in each regime, "none" if nothing does.
    strengths : ndarray of shape (n_pairs, n_regimes)
        What the algorithm says of the strength of the link, in the direction of the edge, or else
        from the first to the second node; NaN where it says nothing.

    Notes
    -----
    A sign is that of the statistic that the algorithm keeps. Partial correlations and coefficients
    have one; measures that cannot be negative (information, gains of a forecast) do not, and with
    them no link turns.
    """

    variables: tuple[Name, ...]
    regimes: tuple[Any, ...]
    pairs: tuple[tuple[Lagged, Lagged], ...]
    symbols: tuple[tuple[str, ...], ...]
    strengths: FloatArray

    @property
    def differing(self) -> tuple[tuple[Lagged, Lagged], ...]:
        """Pairs that are not joined in the same way in all regimes, or whose links turn."""
        return tuple(self.pairs[k] for k in np.flatnonzero(self._edges_differ() | self._turns()))

    @property
    def turning(self) -> tuple[tuple[Lagged, Lagged], ...]:
        """Pairs whose link is positive in one regime and negative in another."""
        return tuple(self.pairs[k] for k in np.flatnonzero(self._turns()))

    def _edges_differ(self) -> BoolArray:
        return np.array([len(set(found)) > 1 for found in self.symbols], dtype=np.bool_)

    def _turns(self) -> BoolArray:
        """Signs count where something joins the two; elsewhere they are noise."""
        joined = [[symbol != "none" for symbol in found] for found in self.symbols]
        there = np.array(joined, dtype=np.bool_).reshape(self.strengths.shape)
        up, down = there & (self.strengths > 0), there & (self.strengths < 0)
        return np.array(up.any(axis=1) & down.any(axis=1), dtype=np.bool_)

    def of(self, cause: object, effect: object) -> dict[Any, str]:
        """What joins two nodes in each regime, read from the earlier one, or from the first.

        Raises
        ------
        UnknownVariableError
            If there is no such series.
        """
        nodes = as_lagged(cause, self.variables), as_lagged(effect, self.variables)
        for node in nodes:
            if node.name not in self.variables:
                raise UnknownVariableError.among(node.name, self.variables)
        wanted = in_template(*nodes)
        for (a, b), found in zip(self.pairs, self.symbols, strict=True):
            if {a, b} == set(wanted):
                forwards = a == wanted[0]
                return {k: _read(s, forwards) for k, s in zip(self.regimes, found, strict=True)}
        return dict.fromkeys(self.regimes, "none")

    def to_frame(self) -> pd.DataFrame:
        """One row for each pair that some regime joins.

        Returns
        -------
        DataFrame
            Columns `a`, `b`, `differs`, `turns` (the sign changes, so it differs), and for each
            regime its edge and its strength.
        """
        import pandas as pd

        columns: dict[str, Any] = {
            "a": pd.Series([a for a, _ in self.pairs], dtype=object),  # nodes, not plain strings
            "b": pd.Series([b for _, b in self.pairs], dtype=object),
            "differs": self._edges_differ() | self._turns(),
            "turns": self._turns(),
        }
        for k, regime in enumerate(self.regimes):
            columns[str(regime)] = [found[k] for found in self.symbols]
            columns[f"strength, {regime}"] = self.strengths[:, k]
        return pd.DataFrame(columns)

    def _report(self) -> Report:
        differing = set(self.differing)
        order = sorted(range(len(self.pairs)), key=lambda k: self.pairs[k] not in differing)
        rows = [
            [*self.pairs[k], *(_shown(*cell) for cell in self._cells(k))] for k in order[:_SHOWN]
        ]
        more = len(self.pairs) - _SHOWN
        return Report(
            f"Links in {len(self.regimes)} regimes",
            facts=[
                ("links that differ", f"{len(differing)} of {len(self.pairs)}"),
                ("of which change sign", len(self.turning)),
            ],
            columns=["a", "b", *map(str, self.regimes)],
            rows=rows,
            notes=[f"… and {more} links more"] if more > 0 else [],
        )

    def _cells(self, k: int) -> list[tuple[str, float]]:
        return list(zip(self.symbols[k], self.strengths[k].tolist(), strict=True))


def _shown(symbol: str, strength: float) -> str:
    return symbol if np.isnan(strength) else f"{symbol} ({strength:.2g})"


def links_of(graphs: Mapping[Any, LaggedGraph], algorithms: Mapping[Any, Any]) -> RegimeLinks:
    """Lay graphs of the same series side by side."""
    variables = next(iter(graphs.values())).variables
    longest = max(graph.max_lag for graph in graphs.values())
    p, nodes = len(variables), lagged_nodes(variables, longest)
    pairs, symbols, strengths = [], [], []
    for past in range(len(nodes)):
        for now in range(p):
            if past < p and past >= now:  # within a step, each pair once
                continue
            a, b = nodes[past], nodes[now]
            found = tuple(edge_of(graph, a, b) for graph in graphs.values())
            if set(found) != {"none"}:
                pairs.append((a, b))
                symbols.append(found)
                cells = zip(graphs, found, strict=True)
                strengths.append([_strength(algorithms[k], a, b, edge) for k, edge in cells])
    held = np.array(strengths, dtype=np.float64).reshape(len(pairs), len(graphs))
    return RegimeLinks(variables, tuple(graphs), tuple(pairs), tuple(symbols), held)


def _strength(algorithm: Any, a: Lagged, b: Lagged, edge: str) -> float:
    """Strength of a link, read as its edge runs; within a step that may be from b to a."""
    ways = [(b, a), (a, b)] if edge == "<-" else [(a, b), (b, a)]
    ways = ways if a.lag == 0 else [(a, b)]
    found = [number_of(algorithm, "strengths_", *way) for way in ways]
    return next((value for value in found if not np.isnan(value)), float("nan"))


def edge_of(graph: LaggedGraph, a: Lagged, b: Lagged) -> str:
    """Return what joins two nodes, read from the first on; "none" if nothing does."""
    edges = graph.edges_between(a, b)
    return " & ".join(_read(edge.symbol, edge.left == a) for edge in edges) or "none"


def _read(symbol: str, forwards: bool) -> str:
    """The symbol as it reads from the other end, if need be."""
    if forwards:
        return symbol
    return symbol[::-1].translate(str.maketrans("<>", "><"))


def number_of(algorithm: Any, what: str, a: Lagged, b: Lagged) -> float:
    """Return what a fitted algorithm holds about a link, by lag, cause and effect; NaN if nothing.

    Parameters
    ----------
    algorithm : SeriesAlgorithm or None
    what : {"strengths_", "p_values_"}
    a, b : Lagged
        The earlier node, and the one at t.
    """
    found = getattr(algorithm, what, None)
    if found is None or np.ndim(found) != 3 or a.lag >= len(found):
        return float("nan")
    graph: LaggedGraph = algorithm.graph_
    return float(found[a.lag, graph.index(a), graph.index(b)])
