"""Adjacency matrices, and the conventions in which they are written.

The same numbers mean different graphs to different libraries, so the convention has a name:

=====================  =====================================================================
"row-causes-column"    ours, networkx, gCastle: `matrix[i, j]` is nonzero for `i -> j`
"column-causes-row"    LiNGAM and structural equations (`x = B x + e`): `matrix[i, j]` is
                       nonzero for `j -> i`; NaN at both ends is `i <-> j`
"causal-learn"         `matrix[i, j]` is the mark at **i**: -1 tail, 1 arrow, 2 circle (and
                       4, 5 at the two ends of a bow)
"pcalg-cpdag"          `matrix[i, j]` is 1 for an arrow or an open end at **i**
"pcalg-pag"            `matrix[i, j]` is the mark at **j**: 1 circle, 2 arrow, 3 tail
=====================  =====================================================================

>>> from causalkit.graph import CausalGraph
>>> matrix = [[0, 1], [0, 0]]
>>> print(CausalGraph.from_adjacency(matrix))
DAG with 2 nodes, 1 edge: x0 -> x1
>>> print(CausalGraph.from_adjacency(matrix, convention="column-causes-row"))
DAG with 2 nodes, 1 edge: x1 -> x0
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from causalkit._core.checks import check_choice
from causalkit.errors import CycleError, GraphError
from causalkit.graph.graph import CausalGraph
from causalkit.graph.marks import ARROW, CIRCLE, TAIL, Kind, show_name
from causalkit.typing import FloatArray, Name

__all__ = ["Convention", "from_adjacency", "plain_name", "says_cpdag", "to_adjacency"]

Convention: TypeAlias = Literal[
    "row-causes-column", "column-causes-row", "causal-learn", "pcalg-cpdag", "pcalg-pag"
]
_CONVENTIONS: tuple[Convention, ...] = (
    "row-causes-column",
    "column-causes-row",
    "causal-learn",
    "pcalg-cpdag",
    "pcalg-pag",
)

# Marks by the numbers that stand for them; causal-learn has two more for the ends of a bow.
_CAUSALLEARN = {-1: TAIL, 1: ARROW, 2: CIRCLE, 4: TAIL | ARROW, 5: ARROW}
_PCALG = {1: CIRCLE, 2: ARROW, 3: TAIL}


def from_adjacency(
    matrix: Any,
    names: Iterable[Name] | None = None,
    *,
    convention: Convention = "row-causes-column",
    kind: Kind | str | None = None,
) -> CausalGraph:
    """Read a matrix whose entries say which nodes are joined.

    Parameters
    ----------
    matrix : array-like of shape (n_nodes, n_nodes)
        An array, a nested list, a SciPy sparse matrix, or a data frame whose columns (and index)
        are the names. Where entries are weights, every nonzero weight is an edge: set small ones to
        zero first.
    names : iterable of str or int, optional
        Node names; left out, those of the frame, else `"x0", "x1", …`.
    convention : str
        How the matrix is to be read; see :mod:`causalkit.graph.adjacency`.
    kind : Kind or str, optional
        Left out, the plainest kind. In the first two conventions entries at both `[i, j]` and
        `[j, i]` are `i -- j` with `kind="CPDAG"`, and a cycle otherwise.

    Raises
    ------
    GraphError
        If the matrix is not square, holds numbers that its convention does not have, or the edges
        make no such graph.

    Examples
    --------
    >>> from causalkit.graph import CausalGraph
    >>> B = [[0, 0], [1.5, 0]]  # x1 = 1.5 x0 + noise
    >>> print(CausalGraph.from_adjacency(B, convention="column-causes-row"))
    DAG with 2 nodes, 1 edge: x0 -> x1
    """
    check_choice(convention, "convention", _CONVENTIONS)
    values, found = _read_matrix(matrix)
    if names is None:
        names = found if found is not None else [f"x{k}" for k in range(len(values))]
    nodes = tuple(map(plain_name, names))
    if len(nodes) != len(values):
        raise GraphError(
            f"{len(nodes)} name(s) for {len(values)} rows; expected one name a row of the matrix."
        )
    if values.diagonal().any():
        name = nodes[int(np.flatnonzero(values.diagonal())[0])]
        raise GraphError(
            f"the diagonal is not zero at {show_name(name)}; expected no edge from a node to "
            "itself. Set the diagonal to zero (np.fill_diagonal)."
        )
    if convention == "causal-learn":
        ends = _decode(values.T, _CAUSALLEARN, convention)
    elif convention == "pcalg-pag":
        ends = _decode(values, _PCALG, convention)
    else:
        rows = values if convention == "row-causes-column" else values.T
        mutual = "--" if convention == "pcalg-cpdag" or says_cpdag(kind) else "cycle"
        ends = _from_entries(rows, nodes, mutual, hidden=convention == "column-causes-row")
    return CausalGraph(nodes, ends, kind)


def to_adjacency(
    graph: CausalGraph, *, convention: Convention = "row-causes-column"
) -> NDArray[np.int8]:
    """Write a matrix; rows and columns are in the order of `graph.nodes`.

    Parameters
    ----------
    graph : CausalGraph
    convention : str
        How the matrix is to be read; see :mod:`causalkit.graph.adjacency`. The first two and
        "pcalg-cpdag" have only `->` and, in a CPDAG, `--`; "pcalg-pag" has no bows.

    Returns
    -------
    array of int8, shape (n_nodes, n_nodes)

    Raises
    ------
    GraphError
        If the graph has edges that the convention cannot say.

    Examples
    --------
    >>> from causalkit.graph import CausalGraph
    >>> CausalGraph.parse("X -> Y -> Z").to_adjacency()
    array([[0, 1, 0],
           [0, 0, 1],
           [0, 0, 0]], dtype=int8)
    """
    check_choice(convention, "convention", _CONVENTIONS)
    if convention == "causal-learn":
        return _encode_causallearn(graph)
    if convention == "pcalg-pag":
        single = np.isin(graph.ends, (0, TAIL, ARROW, CIRCLE))
        if not single.all():
            raise _inexpressible(graph, convention, "bows", "Use 'causal-learn'.")
        return _encode(graph.ends, _PCALG)
    open_ends = graph.undirected.any()
    if (
        graph.bidirected.any()
        or (graph.ends & CIRCLE).any()
        or (open_ends and graph.kind is not Kind.CPDAG)
    ):
        raise _inexpressible(
            graph, convention, "edges other than -> (and -- in a CPDAG)", "Use 'causal-learn'."
        )
    rows = (graph.directed | graph.undirected).astype(np.int8)
    return rows if convention == "row-causes-column" else np.ascontiguousarray(rows.T)


def _read_matrix(matrix: Any) -> tuple[FloatArray, list[Name] | None]:
    """Values, and the names that a frame carries."""
    names = list(matrix.columns) if hasattr(matrix, "columns") else None
    if names is not None and hasattr(matrix, "loc"):  # pandas: rows have names as well
        if set(matrix.index) == set(names):
            matrix = matrix.loc[names]
        elif list(matrix.index) != list(range(len(matrix))):
            raise GraphError(
                f"the rows are named {list(matrix.index)[:6]}, the columns {names[:6]}; expected "
                "the same names. Set the index to the columns' names."
            )
    if hasattr(matrix, "toarray"):
        matrix = matrix.toarray()
    try:
        values = np.array(matrix, dtype=np.float64)
    except (TypeError, ValueError):
        raise GraphError(
            f"cannot read a {type(matrix).__name__} as numbers; expected a square array of them."
        ) from None
    if values.size == 0:
        values = values.reshape(0, 0)
    if values.ndim != 2 or values.shape[0] != values.shape[1]:
        raise GraphError(
            f"the adjacency matrix has shape {values.shape}; expected as many rows as columns."
        )
    return values, names


def _from_entries(
    rows: FloatArray, nodes: tuple[Name, ...], mutual: str, *, hidden: bool
) -> NDArray[np.uint8]:
    """Marks from entries at [cause, effect]; NaN is a hidden common cause, if `hidden`."""
    unknown = np.isnan(rows)
    if unknown.any() and not (hidden and (unknown == unknown.T).all()):
        i, j = np.argwhere(unknown)[0]
        raise GraphError(
            f"the entry [{i}, {j}] is NaN; expected numbers. Only 'column-causes-row' (LiNGAM) has "
            "NaN, at both [i, j] and [j, i], for a hidden common cause."
        )
    entry = (rows != 0) & ~unknown
    both = entry & entry.T
    if both.any() and mutual == "cycle":
        a, b = (show_name(nodes[k]) for k in np.argwhere(both)[0])
        raise CycleError(
            f"the matrix has entries for both {a} -> {b} and {b} -> {a}; expected no cycle. Pass "
            "kind='CPDAG' if they stand for an edge whose direction is open."
        )
    ends = np.zeros(rows.shape, dtype=np.uint8)
    ends[entry] |= ARROW
    ends[entry.T & ~both] |= TAIL
    ends[both] = TAIL
    ends[unknown] |= ARROW
    return ends


def _decode(values: FloatArray, code: dict[int, int], convention: str) -> NDArray[np.uint8]:
    foreign = ~np.isin(values, [0, *code])
    if foreign.any():
        raise GraphError(
            f"the matrix holds {values[foreign][0]:g}; expected 0, "
            f"{', '.join(map(str, sorted(code)))} in the convention {convention!r}."
        )
    ends = np.zeros(values.shape, dtype=np.uint8)
    for number, mark in code.items():
        ends[values == number] = mark
    return ends


def _encode(ends: NDArray[np.uint8], code: dict[int, int]) -> NDArray[np.int8]:
    values = np.zeros(ends.shape, dtype=np.int8)
    for number, mark in code.items():
        values[ends == mark] = number
    return values


def _encode_causallearn(graph: CausalGraph) -> NDArray[np.int8]:
    """The mark at i stands at [i, j]; a bow X -> Y, X <-> Y has 4 at X and 5 at Y."""
    ends = graph.ends
    double = ends == (TAIL | ARROW)
    values = _encode(ends, {-1: TAIL, 1: ARROW, 2: CIRCLE})
    values[double] = 4
    values[double.T] = 5
    return np.ascontiguousarray(values.T)


def _inexpressible(graph: CausalGraph, convention: str, what: str, advice: str) -> GraphError:
    return GraphError(
        f"the convention {convention!r} cannot say {what}, and this {graph.kind.name} has some; "
        f"expected a graph without. {advice}"
    )


def plain_name(name: Any) -> Name:
    """NumPy's integers and strings as Python's; what is no name is refused by the graph."""
    plain: Name = int(name) if isinstance(name, np.integer) else name
    return str(plain) if isinstance(plain, np.str_) else plain


def says_cpdag(kind: Kind | str | None) -> bool:
    """Tell whether the caller asked for a CPDAG."""
    return kind is Kind.CPDAG or (isinstance(kind, str) and kind.upper() == "CPDAG")
