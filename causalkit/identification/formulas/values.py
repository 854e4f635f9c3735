"""Numbers of a formula, one for each combination of values of its symbols."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from causalkit._core.report import Report, Reported
from causalkit.errors import InputError, UnknownVariableError
from causalkit.identification.formulas.expression import (
    Symbol,
    Value,
)
from causalkit.typing import FloatArray, Name

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Values", "numeric"]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Values(Reported):
    """Numbers of a formula: one for each combination of values of its symbols.

    Attributes
    ----------
    symbols : tuple of Symbol
        The axes.
    levels : tuple of tuple
        Values along each axis.
    numbers : ndarray
        One axis a symbol; NaN where data do not have what the formula conditions on.
    """

    symbols: tuple[Symbol, ...]
    levels: tuple[tuple[Any, ...], ...]
    numbers: FloatArray

    def at(self, values: Mapping[Symbol, Any]) -> Any:
        """Look up the number at some values; a table of the rest if symbols are left.

        Parameters
        ----------
        values : mapping of symbol to level
            For example `{"X": 1, "Y": "yes"}`; a second value of X has the key `Value("X")`.

        Returns
        -------
        float or Values

        Raises
        ------
        InputError
            If the formula does not depend on a variable, or it does not have the level.
        """
        if not isinstance(values, Mapping):
            raise InputError(f"values={values!r}; expected a mapping of variables to levels.")
        where: list[Any] = [slice(None)] * len(self.symbols)
        for name, level in values.items():
            if name not in self.symbols:
                raise UnknownVariableError.among(name, self.symbols, where="the formula")
            k = self.symbols.index(name)
            if level not in self.levels[k]:
                raise InputError(
                    f"{name!r} has no level {level!r}; expected one of {list(self.levels[k])}."
                )
            where[k] = self.levels[k].index(level)
        picked = self.numbers[tuple(where)]
        left = [k for k, index in enumerate(where) if isinstance(index, slice)]
        if not left:
            return float(picked)
        symbols, levels = zip(*((self.symbols[k], self.levels[k]) for k in left), strict=True)
        return Values(symbols, levels, picked)

    def mean(self, outcome: Name) -> Values:
        """Average the levels of a variable with these probabilities.

        Raises
        ------
        InputError
            If its levels are not numbers, or the formula does not depend on it.
        """
        if outcome not in self.symbols:
            raise UnknownVariableError.among(outcome, self.symbols, where="the formula")
        k = self.symbols.index(outcome)
        numbers = np.tensordot(self.numbers, numeric(outcome, self.levels[k]), axes=(k, 0))
        rest = [j for j in range(len(self.symbols)) if j != k]
        return Values(
            tuple(self.symbols[j] for j in rest), tuple(self.levels[j] for j in rest), numbers
        )

    def to_frame(self) -> pd.DataFrame:
        """One row for each combination of values, the number in the column `value`."""
        import pandas as pd

        columns = [_title(symbol) for symbol in self.symbols]
        index = pd.MultiIndex.from_product(self.levels, names=columns) if columns else None
        return pd.DataFrame({"value": self.numbers.ravel()}, index=index).reset_index(
            drop=index is None
        )

    def _report(self) -> Report:
        rows = [
            (*(self.levels[k][i] for k, i in enumerate(where)), float(self.numbers[where]))
            for where in list(np.ndindex(self.numbers.shape))[:_MOST_ROWS]
        ]
        left = self.numbers.size - len(rows)
        return Report(
            title="Values of a formula",
            columns=(*map(_title, self.symbols), "value"),
            rows=rows,
            notes=[f"{left:,} more rows; see to_frame()."] if left else [],
        )


_MOST_ROWS = 32


def numeric(name: Name, levels: tuple[Any, ...]) -> FloatArray:
    """Levels as numbers, for a mean.

    Raises
    ------
    InputError
        If they are none.
    """
    try:
        return np.asarray(levels, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(
            f"the mean of {name!r} is asked for, and its levels are {list(levels)[:5]}; expected "
            "numbers. Code them, or evaluate the distribution P(... | ...) instead."
        ) from None


def _title(symbol: Symbol) -> str:
    return f"{symbol.name}{chr(39) * symbol.primes}" if isinstance(symbol, Value) else str(symbol)
