"""Tests that use, for each question, the rows that this question may use.

:class:`~causalkit.independence.missing.TestwiseDeletion` and
:class:`~causalkit.independence.zero_inflated.ZeroDeletion` differ only in which rows a column
spoils, and share what is here: for Fisher's z compiled code on packed bit masks, for any other test
a small table for each set of columns.

Rows that are usable for the same sets of columns form a group. With few patterns of missing cells
there are few groups, each is reduced once to its means and products, and the time of a test does
not depend on the number of rows.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from math import erfc, sqrt
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from causalkit._core.checks import check_rows, refuse_constant
from causalkit._core.table import Table
from causalkit.errors import FewRowsWarning, InputError, NumericalError, UnknownVariableError
from causalkit.independence.base import BoundTest, CITest
from causalkit.independence.fisher_z import FisherZ
from causalkit.independence.search import CIResult, Search
from causalkit.typing import BoolArray, FloatArray, Name

__all__ = [
    "TINY",
    "BoundOnRows",
    "BoundOnTables",
    "Groups",
    "InContext",
    "bind_on_rows",
    "check_observed",
    "standardised",
    "warn_of_thin_pairs",
]

TINY: Final = 1e-10  # as in FisherZ: a share of variance that is rounding
_FEW_ROWS: Final = 30
_BYTES: Final = 2**26  # most memory that grouped products may take
_TABLES: Final = 32  # sub-tables that are kept

Mask = NDArray[np.uint64]


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """Rows by what they may be used for, reduced to moments; columns are centred and scaled.

    Attributes
    ----------
    spoilt_end, spoilt_given : ndarrays of uint64, shape (g, ceil(p / 64))
        Bit c: not usable where column c is tested, where it is conditioned on.
    counts : ndarray of shape (g,)
    means, lows, highs : ndarrays of shape (p, g)
    grams : ndarray of shape (p, p, g), or (0, 0, 0) where each group is one row
    """

    spoilt_end: Mask
    spoilt_given: Mask
    counts: FloatArray
    means: FloatArray
    lows: FloatArray
    highs: FloatArray
    grams: FloatArray

    @classmethod
    def of(
        cls, values: FloatArray, end: BoolArray, given: BoolArray, *, joined: bool = True
    ) -> Groups:
        """Group the rows of `values` (n, p) by the columns that they are spoilt for.

        Rows stay apart if there are too many patterns, or where `joined` is False.
        """
        scaled = standardised(values)
        spoilt_end, spoilt_given = _packed(end), _packed(given)
        both = np.ascontiguousarray(np.hstack([spoilt_end, spoilt_given]))
        _, first, group = np.unique(
            both.view([("", f"V{both.shape[1] * 8}")]).ravel(),
            return_index=True,
            return_inverse=True,
        )
        (n, p), n_groups = values.shape, len(first)
        if not joined or 3 * n_groups > n or n_groups * p * p * 8 > _BYTES:
            columns = np.ascontiguousarray(scaled.T)
            no_grams = np.empty((0, 0, 0))
            return cls(spoilt_end, spoilt_given, np.ones(n), columns, columns, columns, no_grams)
        means, lows, highs = (np.empty((p, n_groups)) for _ in range(3))
        grams = np.empty((p, p, n_groups))
        order = np.argsort(group, kind="stable")
        counts = np.bincount(group, minlength=n_groups)
        for g, rows in enumerate(np.split(order, np.cumsum(counts)[:-1])):
            block = scaled[rows]
            lows[:, g], highs[:, g] = block.min(axis=0), block.max(axis=0)
            means[:, g] = block.mean(axis=0)
            centred = block - means[:, g]
            grams[:, :, g] = centred.T @ centred
        weights = counts.astype(np.float64)
        return cls(spoilt_end[first], spoilt_given[first], weights, means, lows, highs, grams)


@dataclass(frozen=True, slots=True, eq=False)
class BoundOnRows(BoundTest):
    """Fisher's z on the usable rows of each question."""

    groups: Groups
    releases_gil: ClassVar[bool] = True

    def __call__(self, i: int, j: int, given: Sequence[int] = ()) -> CIResult:
        """Test columns i and j given other columns on the rows that these columns leave."""
        search, reason = self._search(i, j, given, len(given), -1.0, ())
        if search.result is not None:
            return search.result
        why = (
            "the columns are never seen together in enough rows",
            f"they share fewer than {len(given) + 4} usable rows",
            "a column is constant on the rows they share",
            "on the rows they share, the set holds a redundant column or determines one of the two",
        )[reason]
        raise NumericalError(
            f"columns {i} and {j} cannot be tested given columns {tuple(given)}: {why}; expected "
            "at least |given| + 4 shared rows on which each column adds something. Condition on "
            "fewer columns, or impute with MultipleImputation."
        )

    def first_separator(
        self,
        i: int,
        j: int,
        pool: Sequence[int],
        order: int,
        alpha: float,
        *,
        asked: Collection[int] = (),
    ) -> Search:
        """Look for the first subset of `pool` that separates i and j, in compiled code."""
        return self._search(i, j, pool, order, -float(ndtri(alpha / 2)), asked)[0]

    def _search(
        self,
        i: int,
        j: int,
        pool: Sequence[int],
        order: int,
        cutoff: float,
        asked: Collection[int],
    ) -> tuple[Search, int]:
        from causalkit.independence._deletion_kernels import weakest_on_rows

        old = np.array([k in asked for k in pool], dtype=np.bool_)
        of = self.groups
        given, statistic, n_used, found, n_tests, n_untestable, reason = weakest_on_rows(
            of.spoilt_end, of.spoilt_given, of.counts, of.means, of.lows, of.highs, of.grams,
            i, j, np.array(pool, dtype=np.intp), order, old, cutoff, TINY,
        )  # fmt: skip
        if n_tests == 0:
            return Search(False, (), None, 0, n_untestable), reason
        result = CIResult(statistic, erfc(abs(statistic) / sqrt(2.0)), n_used)
        chosen = tuple(given.tolist())
        return Search(bool(found), chosen, result, n_tests, n_untestable), reason


@dataclass(frozen=True, slots=True, eq=False)
class BoundOnTables(BoundTest):
    """Any test, bound anew to the usable rows of each set of columns.

    Attributes
    ----------
    inner : CITest
    table : Table
    end, given : ndarrays of bool, shape (n, n_columns)
        Cells that spoil their row where the column is tested, where it is conditioned on.
    """

    inner: CITest
    table: Table
    end: BoolArray
    given: BoolArray
    _bound: OrderedDict[Any, BoundTest | None] = field(default_factory=OrderedDict, repr=False)

    def __call__(self, i: int, j: int, given: Sequence[int] = ()) -> CIResult:
        """Test variables i and j given others on the rows that their columns leave."""
        nodes = self.inner.nodes(self.table.names)
        asked = tuple(nodes[k] for k in (i, j, *given))
        columns = self.inner.columns(asked)
        conditions = self.table.indices(self.inner.columns(asked[2:]))
        ends = [k for k in self.table.indices(columns) if k not in conditions]
        # Where both roles spoil the same rows, permutations of the columns share a table.
        key = frozenset(ends), frozenset(conditions)
        if self.end is self.given:
            key = frozenset((*ends, *conditions)), frozenset()
        if key not in self._bound:
            spoilt = np.any(self.end[:, ends], axis=1) | np.any(self.given[:, conditions], axis=1)
            names = sorted(columns, key=self.table.index)
            test, table = self.inner.about(asked), self.table.select(names)
            self._bound[key] = _bind(test, table.rows(np.flatnonzero(~spoilt)))
            if len(self._bound) > _TABLES:
                self._bound.popitem(last=False)
        bound = self._bound[key]
        if bound is None:
            raise NumericalError(
                f"columns {i} and {j} cannot be tested given columns {tuple(given)}: on the rows "
                "they share a column is constant, or there are too few; expected enough rows that "
                "vary. Condition on fewer columns, or impute with MultipleImputation."
            )
        inside = self.inner.about(asked).nodes(tuple(sorted(columns, key=self.table.index)))
        one, two, *rest = (inside.index(node) for node in asked)
        return bound(one, two, rest)


def _bind(test: CITest, table: Table) -> BoundTest | None:
    try:
        return test.bind(table) if table.n_rows else None
    except UnknownVariableError:  # which no choice of rows explains
        raise
    except (InputError, NumericalError):  # what binds to whole columns fails on these rows
        return None


@dataclass(frozen=True, slots=True)
class InContext(CITest):
    """A test that looks at all columns, whichever are asked about: others tell of missing cells.

    Attributes
    ----------
    inner : CITest
    names : tuple of names
        All columns.
    """

    inner: CITest
    names: tuple[Name, ...]

    def bind(self, table: Table) -> BoundTest:
        """Bind the inner test."""
        return self.inner.bind(table)

    def nodes(self, names: tuple[Name, ...]) -> tuple[Name, ...]:
        """Names of the variables of the inner test."""
        return self.inner.nodes(names)

    def columns(self, nodes: tuple[Name, ...]) -> tuple[Name, ...]:
        """All columns, those that are asked about first."""
        asked = self.inner.columns(nodes)
        return (*asked, *(name for name in self.names if name not in asked))


def bind_on_rows(test: CITest, table: Table, end: BoolArray, given: BoolArray) -> BoundTest:
    """Bind `test` so that each question uses the rows that its columns do not spoil."""
    if test == FisherZ():
        return BoundOnRows(Groups.of(table.values, end, given))
    return BoundOnTables(test, table, end, given)


def check_observed(table: Table, test: CITest, *, who: str) -> None:
    """Refuse columns that no choice of rows makes useful, and kinds of columns `test` refuses.

    Raises
    ------
    InputError
        If a column has no observed cell, is constant where observed, or `test` cannot use it.
    """
    if not callable(getattr(test, "bind", None)) or isinstance(test, type):
        raise InputError(
            f"{who} got test={test!r}; expected a conditional-independence test such as FisherZ(). "
            "Pass an instance, with parentheses, or leave it out."
        )
    check_rows(table, 4, who=who)
    observed = ~table.missing
    empty = [table.names[k] for k in np.flatnonzero(~observed.any(axis=0))]
    if empty:
        raise InputError(
            f"column(s) {', '.join(map(repr, empty))} have no observed value; {who} needs some in "
            "each column. Leave them out."
        )
    low, high = np.nanmin(table.values, axis=0), np.nanmax(table.values, axis=0)
    refuse_constant([table.names[k] for k in np.flatnonzero(low == high)], who=who)
    # What the test says about kinds of columns it should say now, not by calling them untestable.
    filled = table.values.copy()
    for k in np.flatnonzero(~observed.all(axis=0)):
        known = filled[observed[:, k], k]
        filled[~observed[:, k], k] = np.resize(known, table.n_rows - len(known))
    test.bind(Table(table.names, filled, table.levels))


def warn_of_thin_pairs(table: Table, end: BoolArray) -> None:
    """Say which pairs of columns are seen together in few rows."""
    seen = (~end).astype(np.float64)
    shared = np.asarray(seen.T @ seen)
    p = table.n_columns
    rows, columns = np.triu_indices(p, 1)
    few = shared[rows, columns] < min(_FEW_ROWS, table.n_rows)
    if not few.any():
        return
    worst = int(np.argmin(shared[rows, columns]))
    a, b = table.names[rows[worst]], table.names[columns[worst]]
    warnings.warn(
        f"{int(few.sum())} of {len(rows)} pairs of columns are seen together in fewer than "
        f"{_FEW_ROWS} rows; the fewest are {a!r} and {b!r}: {int(shared[rows, columns][worst])}. "
        "Tests on so few rows miss most dependences; a pair that cannot be tested stays joined.",
        FewRowsWarning,
        stacklevel=4,
    )


def standardised(values: FloatArray) -> FloatArray:
    """Columns on a scale of one, whatever their units; missing cells become 0."""
    size = np.nanmax(np.abs(values), axis=0)
    scaled = np.ldexp(values, -np.frexp(size)[1])  # by a power of two, so that no digit is lost
    scaled = scaled - np.nanmean(scaled, axis=0)
    scaled /= np.nanmax(np.abs(scaled), axis=0)
    return np.asarray(np.nan_to_num(scaled), dtype=np.float64)


def _packed(mask: BoolArray) -> Mask:
    """Rows of a mask as bits of 64-bit words."""
    packed = np.packbits(mask, axis=1, bitorder="little")
    padded = np.zeros((len(mask), -(-mask.shape[1] // 64) * 8), dtype=np.uint8)
    padded[:, : packed.shape[1]] = packed
    return np.asarray(padded.view("<u8"), dtype=np.uint64)
