"""What is known of the variables: rows, or only their covariance matrix.

Both are brought into one form, correlations and standard deviations, so that what is computed from
them does not depend on units. Variables that the data lack are hidden ones of the graph; columns
that the graph lacks are not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from numbers import Real

import numpy as np

from causalkit._core.checks import check_complete, check_rows, check_varies
from causalkit._core.column_values import BOOLEAN
from causalkit._core.moments import Moments, check_two_levels
from causalkit._core.table import as_table, column_names
from causalkit.errors import InputError
from causalkit.graph import CausalGraph
from causalkit.typing import Data, FloatArray, Name

__all__ = ["Sample", "sample_of_matrix", "sample_of_rows"]


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """What is known of the variables.

    Attributes
    ----------
    names : tuple of names
    correlation : ndarray of shape (p, p)
    scale : ndarray of shape (p,)
        Standard deviations.
    n_obs : float
        Rows; infinite for a population.
    rows : ndarray of shape (n_obs, p), optional
        As they came.
    mean : ndarray of shape (p,), optional
        Of the rows.
    ones : mapping of name to level
        What counts as 1 in a column of two levels with names.
    """

    names: tuple[Name, ...]
    correlation: FloatArray
    scale: FloatArray
    n_obs: float
    rows: FloatArray | None = None
    mean: FloatArray | None = None
    ones: Mapping[Name, object] = field(default_factory=dict)

    def blocks(self, size: int) -> Iterator[FloatArray]:
        """Rows in standard units, at most `size` at a time."""
        if self.rows is None or self.mean is None:
            return
        for start in range(0, len(self.rows), size):
            yield (self.rows[start : start + size] - self.mean) / self.scale


def sample_of_rows(graph: CausalGraph, data: Data) -> Sample:
    """Read the columns that the graph has.

    Parameters
    ----------
    graph : CausalGraph
    data : table

    Raises
    ------
    InputError
        If there are fewer than two, or one cannot be used.
    """
    names = _shared(graph, column_names(data))
    table = check_complete(as_table(data, columns=names), who="effects_matrix")
    for name, levels in zip(table.names, table.levels, strict=True):
        check_two_levels(name, levels or ())
    check_rows(table, 3, who="effects_matrix")
    check_varies(table, names, who="effects_matrix")
    moments = Moments.of(table.values, names=table.names, levels=table.levels)
    scale = np.ldexp(np.sqrt(np.diagonal(moments.gram) / table.n_rows), moments.exponents)
    correlation = moments.correlations()
    ones = {
        name: levels[1]
        for name, levels in zip(table.names, table.levels, strict=True)
        if levels is not None and levels != BOOLEAN
    }
    return Sample(names, correlation, scale, table.n_rows, table.values, moments.mean, ones)


def sample_of_matrix(graph: CausalGraph, data: Data, n_obs: float, covariance: str) -> Sample:
    """Read a covariance matrix.

    Parameters
    ----------
    graph : CausalGraph
    data : array or frame
        An array is in the order of the nodes.
    n_obs : float
    covariance : str
        Kind of the standard errors that are asked for.

    Raises
    ------
    InputError
        If the matrix is no covariance matrix, or the errors need rows.
    """
    if covariance != "classical":
        raise InputError(
            f"covariance={covariance!r} needs rows, and a covariance matrix was given (n_obs="
            f'{n_obs!r}); expected "classical". Leave covariance out, or bring the rows.'
        )
    if not (isinstance(n_obs, Real) and not isinstance(n_obs, bool) and n_obs >= 3):
        raise InputError(f"n_obs={n_obs!r}; expected a number of rows, at least 3, or math.inf.")
    if isinstance(data, (np.ndarray, list, tuple)):
        matrix, columns = _numbers(data), graph.nodes
    else:
        table = as_table(data)
        matrix, columns = np.asarray(table.values), table.names
    p = len(columns)
    if matrix.shape != (p, p):
        raise InputError(
            f"the covariance matrix has the shape {matrix.shape}; expected {(p, p)}, in the order "
            f"of the {p} variables. Leave n_obs out if these are rows."
        )
    names = _shared(graph, columns)
    where = [columns.index(name) for name in names]
    matrix = matrix[np.ix_(where, where)]
    variances = np.diagonal(matrix)
    ok = np.isfinite(matrix).all() and (variances > 0).all()
    scale = np.sqrt(np.where(variances > 0, variances, 1.0))
    correlation = matrix / np.outer(scale, scale)
    ok = ok and np.allclose(correlation, correlation.T, rtol=0, atol=1e-8)
    if not (ok and np.linalg.eigvalsh(correlation)[0] > -1e-8 * p):
        raise InputError(
            "the matrix is no covariance matrix; expected finite numbers, a symmetric matrix, "
            "variances above zero and no negative eigenvalue. Leave n_obs out if these are rows."
        )
    correlation = (correlation + correlation.T) / 2
    return Sample(names, correlation, scale, float(n_obs))


def _numbers(data: object) -> FloatArray:
    try:
        return np.asarray(data, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(
            "the covariance matrix does not consist of rows of numbers; expected an array or a "
            "frame. Leave n_obs out if these are data."
        ) from None


def _shared(graph: CausalGraph, columns: tuple[Name, ...]) -> tuple[Name, ...]:
    """Nodes that the data have, in the order of the graph."""
    there = set(columns)
    names = tuple(name for name in graph.nodes if name in there)
    if len(names) < 2:
        shown = [", ".join(map(repr, known[:6])) or "none" for known in (graph.nodes, columns)]
        raise InputError(
            f"data and graph have {len(names)} variable(s) in common; expected at least two. The "
            f"graph has {shown[0]}, the data have {shown[1]}. Rename the columns."
        )
    return names
