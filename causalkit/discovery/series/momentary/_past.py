"""The past of each series, and questions given the pasts of both ends, for any test.

PCMCI asks in two steps. First, which columns of the past does each series depend on, given those
that matter to it most (`select_past`)? Few are left. Then, are i, some steps ago, and j independent
given both their pasts (`Questions.momentary`)? What is common to both because each remembers its
own past is thereby out of the way, and with it the reason why tests on series find too much.

Tests on correlations answer from compiled code (:mod:`._pcmci_kernels`); all others are asked in
batches, which jobs may share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from causalkit._core.parallel import run
from causalkit.independence import BoundTest
from causalkit.independence.blocks import BoundCorrelation
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["Asked", "Past", "Questions"]

_N_CHUNKS: Final = 64  # jobs; a constant, so that n_jobs cannot matter


@dataclass(slots=True)
class Past:
    """Columns of the past that are left for each series, and what became of the others.

    Attributes
    ----------
    chosen : ndarray of int, shape (p, m)
        `chosen[j, :sizes[j]]` are the columns left for series j, strongest first.
    sizes : ndarray of int, shape (p,)
    statistic, p_value : ndarrays of float, shape (p, m)
        Of the last test of each candidate: of one that is gone, the test that separated it.
    before : ndarray of int, shape (p, m, order)
        By what it was separated; padded with -1.
    n_tests, n_untestable : int
    """

    chosen: IntArray
    sizes: IntArray
    statistic: FloatArray
    p_value: FloatArray
    before: IntArray
    n_tests: int = 0
    n_untestable: int = 0

    def of(self, j: int) -> IntArray:
        """Columns left for series j, strongest first."""
        return self.chosen[j, : self.sizes[j]]

    def given(self, lag: int, i: int, j: int) -> list[int]:
        """Both pasts: what is left for j, and for i as it was `lag` steps ago."""
        p = len(self.sizes)
        own = [column for column in self.of(j).tolist() if column != lag * p + i]
        return list(dict.fromkeys([*own, *(self.of(i) + lag * p).tolist()]))


@dataclass(frozen=True, slots=True)
class Asked:
    """Answers about links in the order of the questions.

    Attributes
    ----------
    found : ndarray of bool, shape (m,)
        Whether a set separates the link.
    given : ndarray of int, shape (m, order)
        That set, or the one that came closest, beside both pasts; -1 where there is none.
    statistic, p_value : ndarrays of float, shape (m,)
    n_tests, n_untestable : int
    """

    found: BoolArray
    given: IntArray
    statistic: FloatArray
    p_value: FloatArray
    n_tests: int
    n_untestable: int


@dataclass(frozen=True, slots=True)
class Questions:
    """A bound test on lagged columns, and how it is asked.

    Attributes
    ----------
    bound : BoundTest
        Columns `lag * p + k`, to twice the longest lag of a link.
    p, max_lag : int
    alpha : float
        Level of `separate`.
    n_jobs : int or None
    """

    bound: BoundTest
    p: int
    max_lag: int
    n_jobs: int | None = None

    # --- the past of each series -----------------------------------------------------------------

    def select_past(
        self, candidates: BoolArray, kept: BoolArray, alpha: float, max_order: int | None
    ) -> Past:
        """Leave each series the columns of the past that its strongest others do not explain.

        Parameters
        ----------
        candidates, kept : ndarrays of bool, shape (p, (max_lag + 1) * p)
            Columns that may drive each series, and those among them that do.
        alpha : float
            A column is cut if a p-value exceeds it.
        max_order : int, optional
            Largest set.
        """
        p, m = candidates.shape
        most = int(candidates.sum(axis=1).max(initial=0))
        order = max(most - 1 if max_order is None else min(max_order, most - 1), 0)
        if isinstance(self.bound, BoundCorrelation):
            return self._select_linear(self.bound, candidates, kept, alpha, order)
        chosen = [np.flatnonzero(row) for row in candidates]
        statistic, p_value = np.full((p, m), np.nan), np.full((p, m), np.nan)
        weakest, largest_p = np.full((p, m), np.inf), np.zeros((p, m))
        before = np.full((p, m, order), -1, dtype=np.intp)
        past = Past(np.full((p, m), -1), np.zeros(p, dtype=np.intp), statistic, p_value, before)
        for q in range(order + 1):
            pairs, sets = self._strongest_others(chosen, q)
            if not len(pairs):
                break
            found, p_found = self.ask(pairs, sets)
            columns, targets = pairs.T
            past.n_tests += int((~np.isnan(p_found)).sum())
            past.n_untestable += int(np.isnan(p_found).sum())
            statistic[targets, columns], p_value[targets, columns] = found, p_found
            sure = np.where(np.isnan(p_found), np.inf, np.abs(found))
            weakest[targets, columns] = np.minimum(weakest[targets, columns], sure)
            least = np.maximum(largest_p[targets, columns], np.nan_to_num(p_found))
            largest_p[targets, columns] = least
            before[targets, columns, :q] = sets
            cut = (p_found > alpha) & ~kept[targets, columns]
            gone = np.zeros((p, m), dtype=np.bool_)
            gone[targets[cut], columns[cut]] = True
            for j in range(p):
                rest = chosen[j][~gone[j, chosen[j]]]
                chosen[j] = rest[np.lexsort((rest, -weakest[j, rest], largest_p[j, rest]))]
        for j in range(p):
            past.chosen[j, : len(chosen[j])], past.sizes[j] = chosen[j], len(chosen[j])
        return past

    @staticmethod
    def _strongest_others(chosen: Sequence[IntArray], q: int) -> tuple[IntArray, IntArray]:
        """Pairs (column, series), each with the q strongest other columns of that series."""
        pairs, sets = [], []
        for j, columns in enumerate(chosen):
            if len(columns) > q:
                for at, column in enumerate(columns.tolist()):
                    pairs.append((column, j))
                    sets.append(np.delete(columns[: q + 1], min(at, q)))
        found = np.array(sets, dtype=np.intp).reshape(len(sets), q)
        return np.array(pairs, dtype=np.intp).reshape(-1, 2), found

    def _select_linear(
        self,
        bound: BoundCorrelation,
        candidates: BoolArray,
        kept: BoolArray,
        alpha: float,
        order: int,
    ) -> Past:
        from causalkit.discovery.series.momentary._pcmci_kernels import select_conditions

        p, m = candidates.shape
        chosen, sizes = np.full((p, m), -1, dtype=np.intp), np.zeros(p, dtype=np.intp)
        strength, partials = np.zeros((p, m)), np.full((p, m), 2.0)
        orders, before = np.zeros((p, m), dtype=np.intp), np.full((p, m, order), -1, dtype=np.intp)
        counts = np.zeros(2, dtype=np.intp)
        cutoffs = bound.cutoffs(alpha, order)
        select_conditions(
            bound.fisher.corr, candidates, kept, cutoffs, order,
            chosen, sizes, strength, partials, orders, before, counts,
        )  # fmt: skip
        statistic, p_value = bound.judge_partials(partials, orders)
        return Past(chosen, sizes, statistic, p_value, before, *counts.tolist())

    # --- given both pasts ------------------------------------------------------------------------

    def momentary(self, past: Past, asked: BoolArray) -> tuple[FloatArray, FloatArray]:
        """Ask pairs given both pasts.

        Parameters
        ----------
        past : Past
        asked : ndarray of bool, shape (n_lags, p, p)
            `[lag, i, j]`: ask about i, `lag` steps ago, and j.

        Returns
        -------
        statistic, p_value : ndarrays of shape (n_lags, p, p)
            NaN where nothing was asked, or the test has nothing to say.
        """
        if isinstance(self.bound, BoundCorrelation):
            from causalkit.discovery.series.momentary._pcmci_kernels import momentary

            partials = np.full(asked.shape, 2.0)
            orders = np.zeros(asked.shape, dtype=np.intp)
            momentary(self.bound.fisher.corr, past.chosen, past.sizes, asked, partials, orders)
            return self.bound.judge_partials(partials, orders)
        links = np.argwhere(asked)
        answers = self.ask_links(past, links, np.empty((len(links), 0), dtype=np.intp))
        statistic, p_value = np.full(asked.shape, np.nan), np.full(asked.shape, np.nan)
        statistic[asked], p_value[asked] = answers
        return statistic, p_value

    def ask_links(
        self, past: Past, links: IntArray, sets: IntArray
    ) -> tuple[FloatArray, FloatArray]:
        """Ask about links (lag, i, j) given both pasts and a set of each link's own.

        Parameters
        ----------
        past : Past
        links : ndarray of int, shape (m, 3)
        sets : ndarray of int, shape (m, widest)
            Columns, padded with -1.
        """
        given = [
            [*past.given(*link), *(column for column in own if column >= 0)]
            for link, own in zip(links.tolist(), sets.tolist(), strict=True)
        ]
        padded = np.full((len(given), max(map(len, given), default=0)), -1, dtype=np.intp)
        for row, columns in enumerate(given):
            padded[row, : len(columns)] = columns
        pairs = np.column_stack((links[:, 0] * self.p + links[:, 1], links[:, 2]))
        return self.ask(pairs, padded)

    def separate(
        self,
        past: Past,
        links: IntArray,
        near: Sequence[IntArray],
        order: int,
        alpha: float,
    ) -> Asked:
        """Look for `order` neighbours in the same step that separate a link, given both pasts.

        Parameters
        ----------
        past : Past
        links : ndarray of int, shape (m, 3)
            Rows (lag, i, j).
        near : sequence of ndarrays of int
            Neighbours of each series within the step, strongest first.
        order : int
        alpha : float
        """
        m = len(links)
        given, found = np.full((m, order), -1, dtype=np.intp), np.zeros(m, dtype=np.bool_)
        if isinstance(self.bound, BoundCorrelation):
            from causalkit.discovery.series.momentary._pcmci_kernels import separate_level

            starts = np.concatenate(([0], np.cumsum([len(one) for one in near]))).astype(np.intp)
            flat = np.concatenate([*near, np.empty(0, dtype=np.intp)]).astype(np.intp)
            partials, orders = np.full(m, 2.0), np.zeros(m, dtype=np.intp)
            counts = np.zeros(2, dtype=np.intp)
            cutoffs = self.bound.cutoffs(alpha, 2 * int(past.sizes.max(initial=0)) + order + 1)
            separate_level(
                self.bound.fisher.corr, past.chosen, past.sizes, links, starts, flat, order,
                cutoffs, given, partials, orders, found, counts,
            )  # fmt: skip
            statistic, p_value = self.bound.judge_partials(partials, orders)
            return Asked(found, given, statistic, p_value, *counts.tolist())
        statistic, p_value = np.full(m, np.nan), np.full(m, np.nan)
        n_tests = n_untestable = 0
        waiting = [iter(_subsets(near[j], lag * self.p + i, order)) for lag, i, j in links.tolist()]
        open_rows = np.arange(m)
        while len(open_rows):  # each link that is not yet separated asks its next set
            asked = [(row, next(waiting[row], None)) for row in open_rows.tolist()]
            asked = [(row, subset) for row, subset in asked if subset is not None]
            open_rows = np.array([row for row, _ in asked], dtype=np.intp)
            if not len(open_rows):
                break
            sets = np.array([subset for _, subset in asked], dtype=np.intp).reshape(
                len(asked), order
            )
            said, p_said = self.ask_links(past, links[open_rows], sets)
            n_tests += int((~np.isnan(p_said)).sum())
            n_untestable += int(np.isnan(p_said).sum())
            better = ~(p_said <= np.nan_to_num(p_value[open_rows], nan=-1.0)) & ~np.isnan(p_said)
            rows = open_rows[better]
            statistic[rows], p_value[rows], given[rows] = said[better], p_said[better], sets[better]
            found[rows] = p_said[better] > alpha
            open_rows = open_rows[~found[open_rows]]
        return Asked(found, given, statistic, p_value, n_tests, n_untestable)

    def ask(self, pairs: IntArray, sets: IntArray) -> tuple[FloatArray, FloatArray]:
        """Test each pair of columns given its own set, in parallel where that pays."""
        if self.bound.releases_gil or not len(pairs):
            statistic, p_value, _ = self.bound.given_own(pairs, sets)
            return statistic, p_value
        size = -(-len(pairs) // _N_CHUNKS)
        chunks = [
            (self.bound, pairs[s : s + size], sets[s : s + size])
            for s in range(0, len(pairs), size)
        ]
        parts = run(
            _given_own,
            chunks,
            n_jobs=self.n_jobs,
            label="tests",
            threads=self.bound.remembers,
            steady=True,
        )
        statistic, p_value, _ = (np.concatenate(part) for part in zip(*parts, strict=True))
        return statistic, p_value


def _given_own(
    bound: BoundTest, pairs: IntArray, sets: IntArray
) -> tuple[FloatArray, FloatArray, IntArray]:
    return bound.given_own(pairs, sets)


def _subsets(pool: IntArray, without: int, order: int) -> list[tuple[int, ...]]:
    from itertools import combinations

    return list(combinations([column for column in pool.tolist() if column != without], order))
