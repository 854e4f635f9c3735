"""What the tests of a search said, kept as arrays and read pair by pair.

A search on thousands of variables answers millions of questions, and a reader asks about ten of
them. So the answers stay as they came, one block of arrays for each level, and a pair is looked up
by bisection when somebody wants to know. Where all marginal tests were made at once not even those
are stored: the test is asked again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import TypeAlias

import numpy as np

from causalkit.errors import NumericalError
from causalkit.independence import Answers, BoundTest, CIResult
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["Evidence", "EvidenceView", "Pair", "Record", "SeparatingSets", "evidence_in"]

Pair: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A conditioning set and the test's answer given that set."""

    given: tuple[int, ...]
    result: CIResult


@dataclass(frozen=True, slots=True)
class SeparatingSets:
    """The sets that separated pairs, as arrays; marginal ones of a screen are not among them.

    Attributes
    ----------
    keys : ndarray of int, shape (m,)
        `i * p + j` of each pair, ascending.
    starts, members : ndarrays of int, shapes (m + 1,) and (k,)
        `members[starts[row]:starts[row + 1]]` is the set.
    p_value : ndarray of float, shape (m,)
    """

    keys: IntArray
    starts: IntArray
    members: IntArray
    p_value: FloatArray


@dataclass(slots=True)
class Record:
    """Questions and answers of a search, level by level.

    Attributes
    ----------
    bound : BoundTest
        The test that was asked.
    p : int
        Number of variables.
    kept, absent : ndarrays of bool, shape (p, p)
        Pairs that knowledge keeps or cuts.
    alpha : float
        Level of the tests.
    screened : bool
        Whether all marginal tests were made at once, and are not stored.
    blocks : list of (keys, Answers)
        A level each; keys are `i * p + j`, ascending.
    later : dict
        SeparatingSets of pairs that were asked about after the search.
    """

    bound: BoundTest
    p: int
    kept: BoolArray
    absent: BoolArray
    alpha: float
    screened: bool
    blocks: list[tuple[IntArray, Answers]] = field(default_factory=list)
    later: dict[Pair, Evidence] = field(default_factory=dict)
    _sets: tuple[int, SeparatingSets] | None = field(default=None, repr=False)

    @property
    def n_rows(self) -> int:
        """Rows behind a marginal test of a screen."""
        pairs = combinations(range(self.p), 2)
        found = (marginal for pair in pairs if (marginal := self._marginal(*pair)) is not None)
        first = next(found, None)
        return 0 if first is None else first.result.n_used

    def _marginal(self, i: int, j: int) -> Evidence | None:
        """The test of two variables given nothing, asked again; None if it has nothing to say."""
        try:
            return Evidence((), self.bound(i, j))
        except NumericalError:
            return None

    @property
    def widest(self) -> int:
        """Size of the largest set that was asked about in a level."""
        return max((answers.given.shape[1] for _, answers in self.blocks), default=0)

    def add(self, pairs: IntArray, answers: Answers) -> None:
        """Keep the answers about pairs in ascending order."""
        self.blocks.append((pairs[:, 0] * self.p + pairs[:, 1], answers))

    def evidence(self, pair: Pair, *, separated: bool) -> Evidence | None:
        """The evidence that separated a pair, or that came closest to it."""
        i, j = pair
        best = self.later.get(pair)
        if self.screened and not self.absent[i, j]:
            marginal = self._marginal(i, j)
            if marginal and (marginal.result.p_value > self.alpha or not separated):
                best = marginal
        for keys, answers in self.blocks:
            row = int(np.searchsorted(keys, i * self.p + j))
            if row == len(keys) or keys[row] != i * self.p + j:
                continue
            if np.isnan(answers.p_value[row]) or (separated and not answers.separated[row]):
                continue
            if best is None or answers.p_value[row] > best.result.p_value:
                best = evidence_in(answers, row)
        return best

    def separated_pairs(self) -> Iterator[Pair]:
        """Pairs that a test cut apart, ascending within a level."""
        if self.screened:
            screen = self.bound.screen(self.alpha)
            if screen is not None:
                apart = ~(screen.dependent | self.kept | self.absent)
                yield from map(tuple, np.argwhere(np.triu(apart, 1)).tolist())
        for keys, answers in self.blocks:
            for key in keys[answers.separated].tolist():
                pair = divmod(key, self.p)
                if not self.kept[pair]:
                    yield pair
        yield from self.later

    def asked_pairs(self) -> Iterator[Pair]:
        """Pairs about which some test said something."""
        seen: set[int] = set()
        if self.screened:
            pairs = np.argwhere(np.triu(~self.absent, 1))
            pairs = pairs[~np.isnan(self.bound.marginals(pairs)[1])]
            seen.update((pairs[:, 0] * self.p + pairs[:, 1]).tolist())
            yield from map(tuple, pairs.tolist())
        for keys, answers in self.blocks:
            new = set(keys[~np.isnan(answers.p_value)].tolist()) - seen
            seen |= new
            yield from (divmod(key, self.p) for key in sorted(new))

    def separating_sets(self) -> SeparatingSets:
        """All sets that separated a pair, as arrays."""
        if self._sets is None or self._sets[0] < len(self.blocks):
            self._sets = len(self.blocks), self._collect_sets()
        return self._sets[1]

    def _collect_sets(self) -> SeparatingSets:
        rows = [np.flatnonzero(answers.separated) for _, answers in self.blocks]
        taken = list(zip(self.blocks, rows, strict=True))
        none = np.empty(0, dtype=np.intp)
        keys = np.concatenate([none, *(keys[row] for (keys, _), row in taken)])
        sizes = np.repeat(
            [answers.given.shape[1] for _, answers in self.blocks], [len(row) for row in rows]
        ).astype(np.intp)
        sets = np.full((len(keys), self.widest), -1, dtype=np.intp)
        begin = 0
        for (_, answers), row in taken:
            sets[begin : begin + len(row), : answers.given.shape[1]] = answers.given[row]
            begin += len(row)
        p_value = np.concatenate(
            [np.empty(0), *(answers.p_value[row] for (_, answers), row in taken)]
        )
        order = np.argsort(keys, kind="stable")
        starts = np.zeros(len(keys) + 1, dtype=np.intp)
        np.cumsum(sizes[order], out=starts[1:])
        sets = sets[order]
        return SeparatingSets(keys[order], starts, sets[sets >= 0], p_value[order])


@dataclass(frozen=True, slots=True)
class EvidenceView(Mapping[Pair, Evidence]):
    """A record as a mapping from pairs (i < j) to what separated them, or came closest to it."""

    record: Record
    separated: bool

    def __getitem__(self, pair: Pair) -> Evidence:
        i, j = pair
        hidden = self.separated and self.record.kept[i, j]
        evidence = None if hidden else self.record.evidence(pair, separated=self.separated)
        if evidence is None:
            raise KeyError(pair)
        return evidence

    def __iter__(self) -> Iterator[Pair]:
        record = self.record
        return record.separated_pairs() if self.separated else record.asked_pairs()

    def __len__(self) -> int:
        return sum(1 for _ in self)


def evidence_in(answers: Answers, row: int) -> Evidence:
    """One row of answers."""
    result = CIResult(
        float(answers.statistic[row]), float(answers.p_value[row]), int(answers.n_used[row])
    )
    return Evidence(tuple(answers.given[row].tolist()), result)
