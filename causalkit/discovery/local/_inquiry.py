"""What a search around one variable asks, and the tally of it.

Searches of this kind put three questions to a test: which of many columns depend on the target
given the same few (*standing*, the hot one: all columns in one sweep), whether one column does, and
which subset of a pool separates two. An :class:`Inquiry` holds the test with its levels, counts the
answers, and remembers each move, so that `explain` and `trace_` can tell why a column is in or out.
A column that determines the target is refused here: given it, nothing else could say more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from causalkit._core.checks import check_choice, check_count, check_fraction
from causalkit._core.table import Table
from causalkit.discovery._setup import as_test, in_name_order
from causalkit.errors import InputError, NumericalError, UnknownVariableError
from causalkit.graph.marks import show_name
from causalkit.independence import BoundTest, CIResult, CITest
from causalkit.independence.sweep import Sweep, bind_wide, sweep_of
from causalkit.typing import FloatArray, IntArray, Name

__all__ = ["Inquiry", "Move", "Standing", "open_inquiry"]


@dataclass(frozen=True, slots=True)
class Move:
    """A column joins or leaves, and the test that made it.

    Attributes
    ----------
    target, column : int
    joins : bool
    given : tuple of int
    statistic, p_value : float
    """

    target: int
    column: int
    joins: bool
    given: tuple[int, ...]
    statistic: float
    p_value: float


@dataclass(frozen=True, slots=True)
class Standing:
    """How candidates stand to a target, given some columns.

    Attributes
    ----------
    dependent : ndarray of int
        Candidates that depend on it, ascending.
    by_strength : ndarray of int
        The same, strongest first.
    statistic, p_value : ndarrays of float
        In the order of `by_strength`.
    """

    dependent: IntArray
    by_strength: IntArray
    statistic: FloatArray
    p_value: FloatArray


@dataclass(slots=True)
class Inquiry:
    """A test, the levels at which it decides, and the tally of what was asked.

    Attributes
    ----------
    bound : BoundTest
    names : tuple of names
        What columns are called.
    alpha : float
        Level at which a column leaves: p > alpha.
    entry : float
        Level at which a column joins: p <= entry.
    max_order : int
        Largest conditioning set.
    n_jobs : int or None
        Never changes the result.
    """

    bound: BoundTest
    names: tuple[Name, ...]
    alpha: float
    entry: float
    max_order: int
    n_jobs: int | None = None
    n_tests: int = 0
    n_untestable: int = 0
    moves: list[Move] = field(default_factory=list)
    _sweeps: dict[int, Sweep] = field(default_factory=dict)
    _near: dict[int, dict[int, tuple[int, ...] | None]] = field(default_factory=dict)

    def standing(self, target: int, given: Sequence[int], candidates: IntArray) -> Standing:
        """Ask about all candidates, given the same columns, and sort them by strength."""
        statistic, p_value = self._ask(target, given, candidates)
        if not given:
            self._refuse_copies(target, candidates[np.isinf(statistic)])
        kept = np.flatnonzero(p_value <= self.entry)  # NaN is not
        order = kept[np.lexsort((-np.abs(statistic[kept]), p_value[kept]))]
        return Standing(candidates[kept], candidates[order], statistic[order], p_value[order])

    def p_values(self, target: int, given: Sequence[int], candidates: IntArray) -> FloatArray:
        """Ask about all candidates, given the same columns; NaN where there is no answer."""
        return self._ask(target, given, candidates)[1]

    def others(self, target: int, members: Sequence[int] = ()) -> IntArray:
        """All columns but these, ascending."""
        mask = np.ones(len(self.names), dtype=np.bool_)
        mask[[target, *members]] = False
        return np.flatnonzero(mask)

    def test(self, target: int, column: int, given: Sequence[int]) -> CIResult | None:
        """Ask one question; None if the test has nothing to say."""
        try:
            result = self.bound(target, column, given)
        except NumericalError:
            self.n_untestable += 1
            return None
        self.n_tests += 1
        return result

    def separator(self, target: int, column: int, pool: Sequence[int]) -> tuple[int, ...] | None:
        """Find a subset of `pool` that separates the two, smallest first."""
        for order in range(min(len(pool), self.max_order) + 1):
            found = self.bound.first_separator(target, column, pool, order, self.alpha)
            self.n_tests += found.n_tests
            self.n_untestable += found.n_untestable
            if found.separated:
                self.note(target, column, False, found.given, found.result)
                return found.given
        return None

    def note(
        self, target: int, column: int, joins: bool, given: Sequence[int], result: CIResult | None
    ) -> None:
        """Remember a move."""
        if result is not None:
            test = result.statistic, result.p_value
            self.moves.append(Move(target, column, joins, tuple(given), *test))

    def _ask(
        self, target: int, given: Sequence[int], candidates: IntArray
    ) -> tuple[FloatArray, FloatArray]:
        if target not in self._sweeps:
            self._sweeps = {target: sweep_of(self.bound, target, n_jobs=self.n_jobs)}
        statistic, p_value = self._sweeps[target].ask(given, candidates)
        tested = int((~np.isnan(p_value)).sum())
        self.n_tests += tested
        self.n_untestable += len(candidates) - tested
        return statistic, p_value

    def _refuse_copies(self, target: int, copies: IntArray) -> None:
        if len(copies) == 0:
            return
        shown = ", ".join(show_name(self.names[k]) for k in copies.tolist()[:8])
        name = show_name(self.names[target])
        raise NumericalError(
            f"{shown} and {name} determine each other (correlation of size 1), so that nothing "
            f"else can say more about {name}; expected no copies among the columns, in whatever "
            "unit. Leave the copy out."
        )


class Asking(Protocol):
    """A search with a test, and levels at which it decides."""

    test: CITest | None
    alpha: float
    n_jobs: int | None


def open_inquiry(
    search: Asking,
    table: Table,
    targets: tuple[Name, ...],
    *,
    familywise: bool = False,
    max_order: int | None = None,
) -> Inquiry:
    """Check settings and targets, and bind the test to the columns in the order of their names.

    Parameters
    ----------
    search : Asking
        Its test and level.
    table : Table
    targets : tuple of names
        Columns that will be asked about; each has to be a variable of the test.
    familywise : bool
        Whether the level of joining is divided by the number of candidates.
    max_order : int, optional
        Largest conditioning set.
    """
    level = check_fraction(search.alpha, "alpha")
    check_choice(familywise, "familywise", (True, False))
    if max_order is not None:
        check_count(max_order, "max_order", minimum=0)
    test = as_test(search.test)
    columns = in_name_order(table.names)
    names = test.nodes(columns)
    for target in targets:
        _check_node(target, test, names, columns)
    if len(names) < 2:
        raise InputError(
            f"the data have no column but the target {names[0]!r} that is a variable; expected "
            "columns among which to look. Bring the other variables."
        )
    bound = bind_wide(test, table, columns)
    entry = level / (len(names) - 1) if familywise else level
    largest = len(names) if max_order is None else max_order
    return Inquiry(bound, names, level, entry, largest, search.n_jobs)


def _check_node(
    asked: Name, test: CITest, nodes: tuple[Name, ...], columns: tuple[Name, ...]
) -> None:
    """Refuse what is no variable to the test."""
    if asked in nodes:
        return
    if asked not in columns:
        raise UnknownVariableError.among(asked, tuple(dict.fromkeys((*nodes, *columns))))
    if asked in test.columns(()):
        raise InputError(
            f"column {asked!r} tells the test how rows count or belong together and is no "
            "variable; expected another column. Name one, or use a test that does not use this one."
        )
    group = next(node for node in nodes if asked in test.columns((node,)))
    raise InputError(
        f"column {asked!r} is part of the group {group!r} and no variable of its own; expected a "
        f"variable of the test. Name {group!r}, or take the column out of the group."
    )
