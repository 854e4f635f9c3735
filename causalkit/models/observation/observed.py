"""`Observed`: data as they are written down, and the truth about every cell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast, runtime_checkable

import numpy as np

from causalkit._core.checks import as_names
from causalkit._core.random import as_generator
from causalkit._core.report import Report, Reported
from causalkit.errors import InputError, UnknownVariableError
from causalkit.graph import CausalGraph, LaggedGraph
from causalkit.typing import BoolArray, Data, FloatArray, Name, Names, RandomState

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Layer",
    "Observed",
    "as_observed",
    "names_of",
    "numbers",
    "observe",
    "setting",
    "wanted",
]

Graph = TypeVar("Graph", CausalGraph, LaggedGraph)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Observed(Reported):
    """Data with holes and errors, and what they hide.

    Attributes
    ----------
    data : DataFrame
        What the analyst sees; NaN where a cell is missing.
    truth : DataFrame
        What was there.
    missing : DataFrame of bool
    changed : DataFrame of bool
        Cells that a layer wrote another value into: an error, an outlier, a zero, a limit.
    causes : dict of name to tuple of names
        By column with holes of a :class:`Missing` or :class:`MissingPattern`: the columns whose
        values make its cells missing. None, and they are missing completely at random.
    """

    data: pd.DataFrame
    truth: pd.DataFrame
    missing: pd.DataFrame
    changed: pd.DataFrame
    causes: Mapping[Name, tuple[Name, ...]]

    def missingness_graph(self, graph: Graph) -> Graph:
        """Add a node `R_x` for each column x with holes, caused by what makes its cells missing.

        Parameters
        ----------
        graph : CausalGraph or LaggedGraph
            Over the columns, or some of them. Lagged: causes of the same step.

        Raises
        ------
        UnknownVariableError
            If a cause is not in the graph.
        """
        if isinstance(graph, LaggedGraph):
            variables: tuple[Name, ...] = graph.variables
        else:
            variables = graph.nodes
        arrows: list[tuple[Name, Name]] = []
        for column, causes in self.causes.items():
            for cause in causes:
                if cause not in variables:
                    raise UnknownVariableError.among(cause, variables, where="the graph")
                arrows.append((cause, f"R_{column}"))
        nodes = (*variables, *(f"R_{column}" for column in self.causes))
        edges: list[Any] = [*graph.edges(), *arrows]
        if isinstance(graph, LaggedGraph):
            return LaggedGraph(nodes, edges, max_lag=graph.max_lag, kind=graph.kind)
        return CausalGraph.from_edges(nodes, edges, graph.kind)

    def to_frame(self) -> pd.DataFrame:
        """Return the data."""
        return self.data

    def _report(self) -> Report:
        missing, changed = self.missing.mean(), self.changed.mean()
        rows = [
            (str(name), f"{missing[name]:.1%}", f"{changed[name]:.1%}", self._why(name))
            for name in names_of(self.data)
        ]
        return Report(
            f"Data as they are seen, {len(self.data):,} rows",
            columns=("column", "missing", "changed", "missing because of"),
            rows=rows,
        )

    def _why(self, name: Name) -> str:
        return ", ".join(map(str, self.causes.get(name, ())))

    # --- for layers ------------------------------------------------------------------------------

    def with_holes(
        self, holes: Mapping[Name, BoolArray], causes: Mapping[Name, tuple[Name, ...]]
    ) -> Observed:
        """Return the same with further cells missing."""
        missing = self.missing.copy()
        for name, hole in holes.items():
            missing[name] = missing[name].to_numpy() | hole
        merged = dict(self.causes)
        for name, found in causes.items():
            merged[name] = tuple(dict.fromkeys((*merged.get(name, ()), *found)))
        return replace(self, data=self.data.mask(missing), missing=missing, causes=merged)

    def with_values(
        self, values: Mapping[Name, FloatArray], changed: Mapping[Name, BoolArray]
    ) -> Observed:
        """Return the same with other values in some cells; those that are missing stay so."""
        data, flags = self.data.copy(), self.changed.copy()
        for name, column in values.items():
            hole = self.missing[name].to_numpy()
            data[name] = np.where(hole, np.nan, column)
            flags[name] = flags[name].to_numpy() | (changed[name] & ~hole)
        return replace(self, data=data, changed=flags)


@runtime_checkable
class Layer(Protocol):
    """Something that comes between values and what is written down of them."""

    def apply(self, data: Data | Observed, rng: RandomState = None) -> Observed:
        """Apply to a frame, or on top of other layers."""


def observe(
    data: Data | Observed, layers: Layer | Iterable[Layer], *, rng: RandomState = None
) -> Observed:
    """Apply layers, one on another.

    Parameters
    ----------
    data : DataFrame, dict of columns, 2-D ndarray or Observed
    layers : Layer or iterable of Layer
        In the order in which they come: an error of measurement before it is rounded.
    rng : int, Generator or None

    Returns
    -------
    Observed

    Raises
    ------
    InputError
        If one of them is no layer.
    """
    generator = as_generator(rng)
    seen = as_observed(data)
    for layer in [layers] if isinstance(layers, Layer) else layers:
        if not isinstance(layer, Layer):
            raise InputError(
                f"{layer!r} is no layer; expected e.g. Missing('MCAR', 0.1). It needs apply()."
            )
        seen = layer.apply(seen, generator)
    return seen


def as_observed(data: Data | Observed) -> Observed:
    """Read data that nothing has been done to; holes that are there are missing already."""
    if isinstance(data, Observed):
        return data
    import pandas as pd

    frame = data.copy() if isinstance(data, pd.DataFrame) else pd.DataFrame(data)
    if not frame.columns.is_unique or not len(frame):
        raise InputError("the data have no rows, or two columns of one name; expected neither.")
    return Observed(frame, frame, frame.isna(), frame.isna() & False, {})


def names_of(frame: pd.DataFrame) -> tuple[Name, ...]:
    """Names of the columns."""
    return cast(tuple[Name, ...], tuple(frame.columns))


def wanted(seen: Observed, columns: Names | None, *, numeric: bool) -> tuple[Name, ...]:
    """Columns that are meant: those named, or all (`numeric`: that are numbers)."""
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    there = names_of(seen.data)
    names = there if columns is None else as_names(columns)
    for name in names:
        if name not in there:
            raise UnknownVariableError.among(name, there, where="the data")
    if not numeric:
        return names
    plain = [
        name
        for name in names
        if is_numeric_dtype(seen.data[name]) and not is_bool_dtype(seen.data[name])
    ]
    if columns is not None and len(plain) < len(names):
        others = ", ".join(repr(name) for name in names if name not in plain)
        raise InputError(f"{others} hold no numbers; expected columns that do. Leave them out.")
    return tuple(plain)


def numbers(seen: Observed, name: Name) -> FloatArray:
    """Values of a column, and where it is missing what was there."""
    column, truth = seen.data[name], seen.truth[name]
    filled = column.where(~seen.missing[name], truth)
    values = cast(FloatArray, filled.to_numpy(dtype=np.float64, na_value=np.nan))
    if np.isnan(values).all():
        raise InputError(f"column {name!r} has no value at all; expected some. Leave it out.")
    return values


def setting(value: float | Mapping[Name, float], name: Name) -> float | None:
    """Return what a setting is for a column; None if it is given for others only."""
    if isinstance(value, Mapping):
        found = value.get(name)
        return None if found is None else float(found)
    return float(value)
