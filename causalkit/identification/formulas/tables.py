"""Joint distributions of discrete variables: published ones, and those counted in data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from causalkit._core.report import Report, Reported
from causalkit._core.table import as_table, column_names
from causalkit.errors import InputError, UnknownVariableError
from causalkit.typing import Data, FloatArray, IntArray, Name

__all__ = ["Counts", "ProbabilityTable"]

_MOST_CELLS = 50_000_000
_TO_ONE = 1e-6


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class ProbabilityTable(Reported):
    """The joint distribution of discrete variables.

    Parameters
    ----------
    values : array-like, one axis a variable
        Probabilities (they sum to one) or counts (they are divided by their sum).
    names : sequence of names
        Variables, in the order of the axes.
    levels : sequence of sequences, optional
        Values of each variable along its axis; left out, 0, 1, 2, …

    Raises
    ------
    InputError
        If shapes do not fit, names repeat, or a value is negative or not a number.

    Examples
    --------
    >>> table = ProbabilityTable([[30, 10], [20, 40]], names=("X", "Y"))
    >>> table.joint(["Y"])
    array([0.5, 0.5])
    """

    values: FloatArray
    names: tuple[Name, ...]
    levels: tuple[tuple[Any, ...], ...]

    def __init__(
        self,
        values: ArrayLike,
        names: Sequence[Name],
        levels: Sequence[Sequence[Any]] | None = None,
    ) -> None:
        array = np.array(values, dtype=np.float64)
        names = tuple(names)
        if array.ndim != len(names):
            raise InputError(
                f"the table has {array.ndim} axes and {len(names)} names; expected one an axis."
            )
        if len(set(names)) < len(names):
            raise InputError(f"names repeat: {list(names)}; expected one axis a variable.")
        found = tuple(map(tuple, levels)) if levels is not None else _counted(array.shape)
        if tuple(map(len, found)) != array.shape or any(len(set(ls)) < len(ls) for ls in found):
            raise InputError(
                f"levels of sizes {[len(ls) for ls in found]} do not fit a table of shape "
                f"{array.shape}; expected one level, named once, for each position."
            )
        total = float(array.sum()) if array.size else 0.0
        if not (np.isfinite(array).all() and (array >= 0).all() and total > 0):
            raise InputError(
                "the table holds negative values, NaN, or nothing but zeros; expected "
                "probabilities or counts."
            )
        array /= 1.0 if abs(total - 1) < _TO_ONE else total
        array.flags.writeable = False
        for field, value in (("values", array), ("names", names), ("levels", found)):
            object.__setattr__(self, field, value)

    @classmethod
    def of(
        cls,
        table: ProbabilityTable | Data,
        names: Sequence[Name] | None = None,
        weight: Name | None = None,
    ) -> ProbabilityTable:
        """Read discrete data, or another table, as the joint distribution of `names`.

        Parameters
        ----------
        table : ProbabilityTable, DataFrame or dict of columns
            Data stand for their relative frequencies.
        names : sequence of names, optional
            Variables to keep, in this order; left out, all.
        weight : name, optional
            Column with counts or probabilities of the rows.
        """
        source = table if isinstance(table, ProbabilityTable) else Counts.of(table, weight)
        wanted = tuple(source.names if names is None else names)
        return cls(source.joint(wanted), wanted, [source.levels_of(name) for name in wanted])

    def levels_of(self, name: Name) -> tuple[Any, ...]:
        """Values of a variable."""
        return self.levels[self._axis(name)]

    def joint(self, names: Sequence[Name]) -> FloatArray:
        """Joint probabilities of some variables, axes in this order."""
        axes = [self._axis(name) for name in names]
        rest = tuple(k for k in range(len(self.names)) if k not in axes)
        kept = [k for k in range(len(self.names)) if k not in rest]
        summed: FloatArray = self.values.sum(axis=rest)
        return summed.transpose([kept.index(axis) for axis in axes])

    def _axis(self, name: Name) -> int:
        if name not in self.names:
            raise UnknownVariableError.among(name, self.names, where="the table")
        return self.names.index(name)

    def _report(self) -> Report:
        return Report(
            title="Probability table",
            columns=("variable", "levels"),
            rows=[
                (name, ", ".join(map(str, ls)))
                for name, ls in zip(self.names, self.levels, strict=True)
            ],
        )


def _counted(shape: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(range(size)) for size in shape)


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """Discrete data as a distribution; only the margins that are asked for are counted."""

    names: tuple[Name, ...]
    data: Data
    weights: FloatArray | None
    read: dict[Name, tuple[IntArray, tuple[Any, ...]]]

    @classmethod
    def of(cls, data: Data, weight: Name | None) -> Counts:
        """Take data; columns are read when they are asked for."""
        names = tuple(name for name in column_names(data) if name != weight)
        weights = None
        if weight is not None:
            weights = as_table(data, columns=[weight]).column(weight)
            if not ((weights >= 0).all() and weights.sum() > 0):
                raise InputError(
                    f"weight {weight!r} holds negative or missing values, or only zeros; expected "
                    "a count or probability for each row."
                )
        return cls(names, data, weights, {})

    def levels_of(self, name: Name) -> tuple[Any, ...]:
        """Values of a variable."""
        return self._column(name)[1]

    def joint(self, names: Sequence[Name]) -> FloatArray:
        """Relative frequencies of the combinations of values of some variables, one at least."""
        columns = [self._column(name) for name in names]
        shape = tuple(len(levels) for _, levels in columns)
        cells = float(np.prod(shape, dtype=np.float64))
        if cells > _MOST_CELLS:
            raise InputError(
                f"{', '.join(map(str, names))} have {cells:,.0f} combinations of values; expected "
                f"at most {_MOST_CELLS:,}. Merge levels, or cut numbers into classes."
            )
        where = columns[0][0]
        for (codes, _), size in zip(columns[1:], shape[1:], strict=True):
            where = where * size + codes
        counts = np.bincount(where, weights=self.weights, minlength=int(cells)).astype(np.float64)
        found: FloatArray = (counts / counts.sum()).reshape(shape)
        return found

    @property
    def n_rows(self) -> int:
        """Number of rows, or of cells if folded; known once a column was read."""
        return len(next(iter(self.read.values()))[0]) if self.read else 0

    def folded(self, names: Sequence[Name]) -> tuple[Counts, IntArray]:
        """Merge equal rows: the distinct ones, and which of them each row is."""
        columns = [self._column(name) for name in names]
        codes, row = np.unique(
            np.column_stack([codes for codes, _ in columns]), axis=0, return_inverse=True
        )
        read = {
            name: (np.ascontiguousarray(codes[:, k]), levels)
            for k, (name, (_, levels)) in enumerate(zip(names, columns, strict=True))
        }
        return Counts(tuple(names), self.data, None, read), row.reshape(-1)

    def weighted(self, weights: FloatArray) -> Counts:
        """The same rows with other weights."""
        return replace(self, weights=weights)

    def _column(self, name: Name) -> tuple[IntArray, tuple[Any, ...]]:
        if name not in self.read:
            table = as_table(self.data, columns=[name])
            values, levels = table.column(name), table.levels_of(name)
            if np.isnan(values).any():
                raise InputError(
                    f"column {name!r} has {int(np.isnan(values).sum())} missing cells; expected "
                    "none. Drop those rows, or fill them in."
                )
            found: tuple[Any, ...]
            if levels is None:
                distinct, codes = np.unique(values, return_inverse=True)
                found = tuple(int(v) if float(v).is_integer() else float(v) for v in distinct)
            else:
                codes, found = values.astype(np.int64), levels
            self.read[name] = (codes.astype(np.int64).reshape(-1), found)
        return self.read[name]
