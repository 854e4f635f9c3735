"""The template of a graph over series: its nodes, and edges shifted so that they end at t.

What happens at every step is told once, by the edges that end at t. The template is the graph of
these edges over all series at t, then at t-1, and so on; an edge between nodes further in the past
is moved along until its later end is at t:

>>> lagged_nodes(("X", "Y"), 1)
(X[t], Y[t], X[t-1], Y[t-1])
>>> in_template(Lagged("Y", 2), Lagged("X", 5))
(X[t-3], Y[t])
>>> str(ending_at_t(("X[t-3]", "Y[t-1]"), ("X", "Y")))
'X[t-2] -> Y[t]'
"""

from __future__ import annotations

from typing import Any, Final

from causalkit.errors import GraphError, UnknownVariableError
from causalkit.graph.lagged import Lagged, as_lagged
from causalkit.graph.marks import ARROW, SYMBOLS, Edge
from causalkit.typing import Name

__all__ = ["ending_at_t", "in_template", "into_the_past", "lagged_nodes"]

_MOST_NODES: Final = 10_000
"""Of a template, whose matrix has as many rows and columns."""


def lagged_nodes(variables: tuple[Name, ...], max_lag: int) -> tuple[Lagged, ...]:
    """Nodes of a template: all variables at t, then at t-1, and so on."""
    n_nodes = (max_lag + 1) * len(variables)
    if n_nodes > _MOST_NODES:
        raise GraphError(
            f"{len(variables)} series with lags to {max_lag} make {n_nodes:,} nodes; expected "
            f"{_MOST_NODES:,} at most. Lags count steps: take longer steps."
        )
    if any(
        isinstance(name, (bool, Lagged)) or not isinstance(name, (str, int)) for name in variables
    ):
        variables = tuple(Lagged(name).name for name in variables)  # checks them
    return tuple(Lagged._of(name, lag) for lag in range(max_lag + 1) for name in variables)


def in_template(a: Lagged, b: Lagged) -> tuple[Lagged, Lagged]:
    """Shift two nodes so that the later one is at t; the earlier one comes first."""
    past, now = (a, b) if a.lag >= b.lag else (b, a)
    return past.shifted(-now.lag), now.shifted(-now.lag)


def ending_at_t(edge: Edge | tuple[Any, Any], variables: tuple[Name, ...]) -> Edge:
    """Read an edge between nodes of these series, and shift it so that its later end is at t."""
    left, right, symbol = (
        (edge.left, edge.right, edge.symbol) if isinstance(edge, Edge) else (*edge, "->")
    )
    a, b = as_lagged(left, variables), as_lagged(right, variables)
    for node in (a, b):
        if node.name not in variables:
            raise UnknownVariableError.among(node.name, variables, where="the list of series")
    if symbol not in SYMBOLS:
        raise GraphError(f"{symbol!r} is no edge; expected one of {', '.join(SYMBOLS)}.")
    at_a, at_b = SYMBOLS[symbol]
    if (a.lag > b.lag and at_b != ARROW) or (b.lag > a.lag and at_a != ARROW):
        raise into_the_past(Edge(a, b, symbol))
    steps = min(a.lag, b.lag)
    return Edge(a.shifted(-steps), b.shifted(-steps), symbol)


def into_the_past(edge: Edge) -> GraphError:
    """Say that an edge has no arrow at its later end."""
    return GraphError(
        f"{edge} does not rule out that the later one causes the earlier one; expected an arrow at "
        "the later end: ->, o-> or <->. Turn the edge, or check the lags."
    )
