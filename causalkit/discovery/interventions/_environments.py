"""Rows of several environments, as what regressions need of each: sizes, means, cross-products.

Columns are centred and scaled by what is typical within an environment, so that an extreme one
costs the others no digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from causalkit._core.checks import as_names, check_complete, check_varies
from causalkit._core.table import Table
from causalkit.discovery.changing._surrogate_columns import Context, read_context
from causalkit.errors import InputError
from causalkit.typing import BoolArray, Data, FloatArray, IntArray, Name

__all__ = ["Environments", "check_columns", "read_environments"]


@dataclass(frozen=True, slots=True, eq=False)
class Environments:
    """Moments of each environment, of columns in units of their own.

    Attributes
    ----------
    labels : tuple
        What the K environments are called.
    n : ndarray of shape (K,)
        Rows of each.
    means : ndarray of shape (K, p)
    grams : ndarray of shape (K, p, p)
        Products of deviations from the environment's own means.
    centre, scale : ndarrays of shape (p,)
        A value x is `centre + scale * standard`.
    """

    labels: tuple[object, ...]
    n: FloatArray
    means: FloatArray
    grams: FloatArray
    centre: FloatArray
    scale: FloatArray

    @property
    def n_rows(self) -> int:
        """Rows of all environments."""
        return int(self.n.sum())

    def pooled(self, which: BoolArray, columns: Sequence[int]) -> tuple[float, FloatArray]:
        """Rows of these environments together, and products of deviations of these columns."""
        here = np.asarray(columns, dtype=np.intp)
        n, means = self.n[which], self.means[which][:, here]
        grams = self.grams[which][:, here[:, None], here]
        shifts = means - n @ means / n.sum()
        return float(n.sum()), grams.sum(axis=0) + (shifts.T * n) @ shifts

    @classmethod
    def of(cls, values: FloatArray, codes: IntArray, labels: tuple[object, ...]) -> Environments:
        """Compute the moments of complete columns, shape (n_rows, p)."""
        order = np.argsort(codes, kind="stable")
        parts = np.split(values[order], np.cumsum(np.bincount(codes))[:-1])
        same = np.array([(part == part[0]).all(axis=0) for part in parts])
        spread = np.array([part.std(axis=0) for part in parts])
        scale = _typical(np.where(same, 0.0, spread), values)
        centre = np.median(values, axis=0)
        standard = [(part - centre) / scale for part in parts]
        means = np.array([part.mean(axis=0) for part in standard])
        # Of a constant the deviations may be rounding.
        deviations = [
            np.where(held, 0.0, part - mean)
            for part, mean, held in zip(standard, means, same, strict=True)
        ]
        grams = np.array([d.T @ d for d in deviations])
        n = np.array([len(part) for part in parts], dtype=np.float64)
        return cls(labels, n, means, grams, centre, scale)


def _typical(spread: FloatArray, values: FloatArray) -> FloatArray:
    """Median deviation within the environments in which a column varies, else the overall one."""
    scale = np.ones(values.shape[1])
    for k, column in enumerate(spread.T):
        found = np.median(column[column > 0]) if (column > 0).any() else values[:, k].std()
        scale[k] = found if found > 0 else 1.0
    return scale


def read_environments(data: Data, environment: Name, *, who: str) -> Context:
    """Read the column that says which environment a row comes from.

    Raises
    ------
    InputError
        If it is not one name, or the column has gaps, one label, or labels of a single row.
    UnknownVariableError
        If there is no such column.
    """
    names = as_names(environment)
    if len(names) != 1:
        raise InputError(
            f"environment={environment!r}; {who} expected the name of the column that says which "
            "environment a row comes from. Name one column."
        )
    return read_context(data, names[0], None)


def check_columns(table: Table, *, who: str) -> None:
    """Check that cells are complete, and columns numeric, boolean or of two levels."""
    for name, levels in zip(table.names, table.levels, strict=True):
        if levels is not None and len(levels) > 2:
            raise InputError(
                f"column {name!r} is categorical with {len(levels)} levels; {who} expected "
                "numeric, boolean or two-level columns. Encode it as such, or leave it out."
            )
    check_complete(table, who=who)
    check_varies(table, table.names, who=who)
