r"""Evaluating formulas: from a table of probabilities to the numbers that a formula stands for.

A :class:`ProbabilityTable` holds the joint distribution of some discrete variables, as published;
discrete data are read as their relative frequencies. Every symbol of a formula becomes an axis, a
probability an array over its symbols, a product broadcasts, and a sum removes an axis. Sums run
over one variable after the other, that with the smallest intermediate array first, so a formula of
many variables does not need the array of all of them at once.

Smoking, tar and cancer of Jacobs, Kissinger & Zanasi (2019). Cancer is seen in 81 % of the smokers,
and in 75 % if everybody is made to smoke:

>>> from causalkit.identification import general_formula
>>> table = ProbabilityTable(
...     [[[0.5, 0.1], [0.01, 0.02]], [[0.1, 0.05], [0.02, 0.2]]],
...     names=("S", "T", "C"),
...     levels=(("smokes", "does not"), ("tar", "none"), (1, 0)),
... )
>>> formula = general_formula("S -> T -> C; S <-> C", "S", "C").expression
>>> round(formula.evaluate(table).at({"S": "smokes"}), 3)
0.747

References
----------
Jacobs, B., Kissinger, A., Zanasi, F. (2019). Causal inference by string diagram surgery. FoSSaCS.
https://doi.org/10.1007/978-3-030-17127-8_18
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np

from causalkit._core.checks import as_names
from causalkit.errors import InputError, OverlapWarning, UnknownVariableError
from causalkit.identification.formulas.expression import (
    Difference,
    Equation,
    Expectation,
    Expression,
    Probability,
    Product,
    Ratio,
    Sum,
    Symbol,
    name_of,
)
from causalkit.identification.formulas.tables import Counts, ProbabilityTable
from causalkit.identification.formulas.values import Values, numeric
from causalkit.typing import Data, FloatArray, Name, Names

if TYPE_CHECKING:
    pass

__all__ = ["ProbabilityTable", "Source", "Tables", "Values", "evaluate"]

_MOST_CELLS = 50_000_000


@dataclass(frozen=True, slots=True)
class Source:
    """Where a distribution comes from: a population, and what an experiment set in it.

    Parameters
    ----------
    domain : str
        The population; empty for the one that is asked about.
    do : name or names
        What was set; empty for data that were only observed.
    """

    domain: str = ""
    do: Names = frozenset()

    def __post_init__(self) -> None:
        object.__setattr__(self, "do", frozenset(as_names(self.do)))


Tables: TypeAlias = "ProbabilityTable | Counts | Data | Mapping[Source, ProbabilityTable | Data]"
"""One table, or one for each source that the formula names."""


def evaluate(expression: Expression, table: Tables, *, weight: Name | None = None) -> Values:
    """Compute a formula from a joint distribution of discrete variables.

    Parameters
    ----------
    expression : Expression
        Without a do, unless `table` has an experiment that it asks for. Of an equation, the right
        side.
    table : ProbabilityTable, DataFrame, dict of columns, or mapping of Source to these
        The distribution. Data stand for their relative frequencies; every column that the formula
        uses is taken as discrete. An experiment on X holds a column of X, at any frequencies.
    weight : name, optional
        Column of `table` that holds counts or probabilities of its rows.

    Returns
    -------
    Values

    Raises
    ------
    UnknownVariableError
        If a variable is not in the table.
    InputError
        If cells are missing, or a table of all combinations of values is too large.

    Warns
    -----
    OverlapWarning
        If the formula conditions on what never occurs: those numbers are NaN.

    Notes
    -----
    An equation may have a symbol on its right that its left does not have, at whose every value it
    says the same. Its values are then averaged, by how often they occur if data tell.

    Examples
    --------
    >>> from causalkit.identification import identify
    >>> formula = identify("Z -> X -> Y; Z -> Y", "X", "Y").expression
    >>> cells = {"Z": [0, 0, 1, 1], "X": [0, 1, 0, 1], "Y": [0, 1, 1, 1], "n": [30, 10, 20, 40]}
    >>> formula.evaluate(cells, weight="n").at({"X": 0})
    0.6
    """
    sources = _Sources.read(table, weight)
    if isinstance(expression, Equation):
        found = _value(expression.right, sources)
        extra = frozenset(found.symbols) - expression.left.symbols
        if isinstance(expression.left, Expectation):
            extra -= frozenset(expression.left.of)
        found = _averaged(found, extra, sources)
        wanted = dict.fromkeys((*_order(expression.left), *found.symbols))
        order = tuple(symbol for symbol in wanted if symbol in found.symbols)
        found = _Array(order, _aligned(found, order))
    else:
        found = _value(expression, sources)
    if np.isnan(found.numbers).any():
        share = float(np.isnan(found.numbers).mean())
        warnings.warn(
            f"{share:.0%} of the values of the formula are unknown (NaN): it conditions on "
            "combinations of values that the table does not have (positivity). Merge rare levels, "
            "or ask about values that occur.",
            OverlapWarning,
            stacklevel=3,
        )
    levels = tuple(sources.levels(name_of(symbol)) for symbol in found.symbols)
    return Values(found.symbols, levels, found.numbers)


# --- arrays with named axes ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Array:
    symbols: tuple[Symbol, ...]
    numbers: FloatArray


class _Joint(Protocol):
    """What a source must tell."""

    @property
    def names(self) -> tuple[Name, ...]:
        """Its variables."""

    def levels_of(self, name: Name) -> tuple[Any, ...]:
        """Values of a variable."""

    def joint(self, names: Sequence[Name]) -> FloatArray:
        """Probabilities of all combinations of their values."""


@dataclass(frozen=True, slots=True)
class _Sources:
    tables: Mapping[Source, _Joint]

    @classmethod
    def read(cls, table: Tables, weight: Name | None) -> _Sources:
        if isinstance(table, Mapping) and table and all(isinstance(k, Source) for k in table):
            return cls({source: _joint(one, weight) for source, one in table.items()})
        return cls({Source(): _joint(table, weight)})

    def find(self, source: Source, asked: Expression) -> _Joint:
        if source not in self.tables:
            what = (
                f"an experiment that sets {sorted(map(str, as_names(source.do)))}"
                if source.do
                else "data"
            )
            where = f" from {source.domain!r}" if source.domain else ""
            raise InputError(
                f"the formula has {asked}, which needs {what}{where}; expected a mapping of Source "
                "to a table with it. Pass evaluate({Source(domain, do): table, ...})."
            )
        return self.tables[source]

    def levels(self, name: Name) -> tuple[Any, ...]:
        known = [table for table in self.tables.values() if name in table.names]
        if not known:
            names = [n for table in self.tables.values() for n in table.names]
            raise UnknownVariableError.among(name, dict.fromkeys(names), where="the table")
        levels = known[0].levels_of(name)
        for table in known[1:]:
            if table.levels_of(name) != levels:
                raise InputError(
                    f"{name!r} has levels {list(levels)} in one table and "
                    f"{list(table.levels_of(name))} in another; expected the same. Give "
                    "categories that list all levels."
                )
        return levels


def _joint(table: Any, weight: Name | None) -> _Joint:
    return table if isinstance(table, (ProbabilityTable, Counts)) else Counts.of(table, weight)


def _value(expression: Expression, sources: _Sources) -> _Array:
    match expression:
        case Probability():
            return _probability(expression, sources)
        case Expectation(of, given, do, domain):
            if len(of) != 1:
                raise InputError(f"{expression} is the mean of several variables; expected one.")
            mean = _probability(Probability(of, given, do, domain), sources)
            symbols = mean.symbols[1:]
            weights = numeric(of[0], sources.levels(of[0]))
            return _Array(symbols, np.tensordot(weights, mean.numbers, axes=(0, 0)))
        case Product(factors):
            return _multiply([_value(factor, sources) for factor in factors])
        case Sum(over, body):
            factors = body.factors if isinstance(body, Product) else (body,)
            return _eliminate([_value(f, sources) for f in factors], over, sources)
        case Ratio(top, bottom):
            return _pairwise(_value(top, sources), _value(bottom, sources), _divide)
        case Difference(left, right):
            return _pairwise(_value(left, sources), _value(right, sources), np.subtract)
        case Equation():
            return _value(expression.right, sources)
    raise InputError(f"{expression} has no value; expected a formula of probabilities.")


def _probability(asked: Probability, sources: _Sources) -> _Array:
    table = sources.find(Source(asked.domain, frozenset(map(name_of, asked.do))), asked)
    known = (*asked.given, *asked.do)
    symbols = (*asked.of, *known)
    for symbol in symbols:
        sources.levels(name_of(symbol))
        if name_of(symbol) not in table.names:
            raise UnknownVariableError.among(name_of(symbol), table.names, where="the table")
    joint = table.joint([name_of(symbol) for symbol in symbols])
    if known:
        axes = tuple(range(len(asked.of)))
        joint = _divide(joint, joint.sum(axis=axes, keepdims=True))
    return _Array(symbols, joint)


def _pairwise(a: _Array, b: _Array, apply: Callable[..., FloatArray]) -> _Array:
    symbols = tuple(dict.fromkeys((*a.symbols, *b.symbols)))
    return _Array(symbols, apply(_aligned(a, symbols), _aligned(b, symbols)))


def _divide(top: FloatArray, bottom: FloatArray) -> FloatArray:
    """Quotient, unknown where the bottom is zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found: FloatArray = np.where(bottom > 0, top / bottom, np.nan)
    return found


def _aligned(array: _Array, symbols: tuple[Symbol, ...]) -> FloatArray:
    """Transpose and widen to these axes."""
    order = [array.symbols.index(symbol) for symbol in symbols if symbol in array.symbols]
    shape = iter(array.numbers.transpose(order).shape)
    full = [next(shape) if symbol in array.symbols else 1 for symbol in symbols]
    return array.numbers.transpose(order).reshape(full)


def _multiply(arrays: Iterable[_Array]) -> _Array:
    """Product; what has probability zero stays zero whatever it is multiplied by."""
    return reduce(_times, arrays, _Array((), np.ones(())))


def _times(a: _Array, b: _Array) -> _Array:
    symbols = tuple(dict.fromkeys((*a.symbols, *b.symbols)))
    left, right = _aligned(a, symbols), _aligned(b, symbols)
    shape = np.broadcast_shapes(left.shape, right.shape)
    cells = int(np.prod(shape, dtype=np.float64))
    if cells > _MOST_CELLS:
        raise InputError(
            f"the formula needs a table of {cells:,} combinations of values; expected at most "
            f"{_MOST_CELLS:,}. Merge levels, or use an estimator that models the variables."
        )
    numbers = left * right
    return _Array(symbols, np.where((left == 0) | (right == 0), 0.0, numbers))


def _eliminate(arrays: list[_Array], over: tuple[Symbol, ...], sources: _Sources) -> _Array:
    """Sum over symbols one by one, the cheapest first."""

    def cost(symbol: Symbol) -> float:
        around = {s for a in arrays if symbol in a.symbols for s in a.symbols}
        return float(np.prod([len(sources.levels(name_of(s))) for s in around], dtype=np.float64))

    left = set(over)
    while left:
        symbol = min(sorted(left, key=str), key=cost)
        left.remove(symbol)
        tied = _multiply(a for a in arrays if symbol in a.symbols)
        arrays = [a for a in arrays if symbol not in a.symbols]
        if symbol in tied.symbols:
            k = tied.symbols.index(symbol)
            rest = tied.symbols[:k] + tied.symbols[k + 1 :]
            arrays.append(_Array(rest, tied.numbers.sum(axis=k)))
        else:
            arrays.append(_Array((), np.array(float(len(sources.levels(name_of(symbol)))))))
    return _multiply(arrays)


def _averaged(array: _Array, extra: frozenset[Symbol], sources: _Sources) -> _Array:
    """Average over symbols that say nothing, leaving out values that never occur."""
    over = tuple(symbol for symbol in array.symbols if symbol in extra)
    if not over:
        return array
    sizes = [len(sources.levels(name_of(symbol))) for symbol in over]
    weights = _Array(over, np.full(sizes, 1.0))
    if Source() in sources.tables and {name_of(s) for s in over} <= set(
        sources.tables[Source()].names
    ):
        weights = _probability(Probability(over), sources)
    known = _Array(array.symbols, np.where(np.isnan(array.numbers), 0.0, 1.0))
    filled = _Array(array.symbols, np.nan_to_num(array.numbers))
    top = _eliminate([filled, weights], over, sources)
    bottom = _eliminate([known, weights], over, sources)
    return _Array(top.symbols, _divide(top.numbers, _aligned(bottom, top.symbols)))


def _order(expression: Expression) -> Iterator[Symbol]:
    if isinstance(expression, (Expectation, Probability)):
        yield from (*expression.of, *expression.given, *expression.do)
