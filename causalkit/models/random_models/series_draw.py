"""`Links`, what drives what in a model of series, and `SeriesDraw`, what is drawn from one.

A draw holds the data as an analyst would get them, and beside them the truth: the graph of what is
in the data, the graph of all there is, who is hidden, who changes, and when.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from causalkit._core.report import Report, Reported
from causalkit.graph import LaggedGraph
from causalkit.typing import FloatArray, IntArray, Name

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Links", "SeriesDraw"]


@dataclass(frozen=True, slots=True, eq=False)
class Links:
    """What drives what: one entry a link.

    Attributes
    ----------
    causes, effects, lags : ndarrays of int, shape (m,)
    weights : ndarray of shape (n_regimes, m)
        One row where there are no regimes. A weight of zero: no link in that regime.
    shapes : ndarray of int, shape (m,)
        0 for a line, 1 for Σ height · tanh(frequency · x + phase), 2 for the same with cos.
    parameters : ndarray of shape (m, k, 3)
        Heights, frequencies and phases; not read where the shape is a line.
    """

    causes: IntArray
    effects: IntArray
    lags: IntArray
    weights: FloatArray
    shapes: IntArray
    parameters: FloatArray

    @property
    def are_linear(self) -> bool:
        """Whether all of them are lines."""
        return not self.shapes.any()

    def by_lag(self, p: int) -> FloatArray:
        """Weights, shape (n_regimes, max_lag + 1, p, p): `[regime, lag, cause, effect]`."""
        n_lags = int(self.lags.max(initial=0)) + 1
        table = np.zeros((len(self.weights), n_lags, p, p))
        for row, weights in zip(table, self.weights, strict=True):
            np.add.at(row, (self.lags, self.causes, self.effects), weights)
        return table


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SeriesDraw(Reported):
    """Series and the truth about them.

    Attributes
    ----------
    data : DataFrame
        One row a step: the observed series, then known drivers, and a column of subjects if there
        are several (then the subjects are stacked, each in the order of time).
    graph : LaggedGraph
        Over the columns of the data but subjects; an ADMG where hidden series confound them.
    full_graph : LaggedGraph
        DAG over all series, hidden ones too.
    labels : ndarray of int, shape (n_rows,), or None
        Regime of each row.
    changing : tuple of names
        Series whose mechanism is not the same in all regimes, at all times or for all subjects.
    hidden : DataFrame
        Series that are not in the data; no columns if there are none.
    panel : str or None
        Name of the column of subjects.
    """

    data: pd.DataFrame
    graph: LaggedGraph
    full_graph: LaggedGraph
    labels: IntArray | None
    changing: tuple[Name, ...]
    hidden: pd.DataFrame
    panel: str | None = None

    def to_frame(self) -> pd.DataFrame:
        """Return the data."""
        return self.data

    def _report(self) -> Report:
        facts: list[tuple[str, object]] = [
            ("rows", len(self.data)),
            ("columns", ", ".join(map(str, self.data.columns))),
            ("graph", str(self.graph)),
        ]
        if self.hidden.shape[1]:
            facts.append(("hidden", ", ".join(map(str, self.hidden.columns))))
        if self.changing:
            facts.append(("changing", ", ".join(map(str, self.changing))))
        if self.labels is not None:
            facts.append(("regimes", len(np.unique(self.labels))))
        return Report("Series drawn from a model", facts)
