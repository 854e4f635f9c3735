"""What the tests say about each unshielded triple: is it a collider, or not.

All rules look at sets that separate a and b and ask how many of them hold k. They differ in which
sets they look at and what share they call decisive:

============  ==========================================  =====================================
standard      the first set found                         without k: collider
paired        that set, with k and without                larger p-value without k: collider
max-p         of all sets, the one with largest p-value   without k: collider
conservative  all sets that separate                      none: collider; all: not; else ambiguous
majority      all sets that separate                      less than half: collider; more: not
============  ==========================================  =====================================

Where statements contradict each other, those that are clearest hold. *Paired* and *max-p* compare
the set that decided with the one that differs from it in k alone (:mod:`._paired`), *majority* goes
by the share of the sets that agree, and the other two by the p-value of the set that decided.

"All sets" are subsets of the neighbours of a and of those of b. Where knowledge rather than a test
took the edge between a and b away, a separating set is looked for here, because without one the
triple would be guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, combinations, islice
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from causalkit._core.parallel import run
from causalkit.discovery.constraint._evidence import Evidence, Pair, evidence_in
from causalkit.discovery.constraint._orientation import (
    AMBIGUOUS,
    COLLIDER,
    NOT_COLLIDER,
    Statements,
    unshielded_triples,
)
from causalkit.discovery.constraint._paired import Turned, compare_pairs
from causalkit.discovery.constraint._skeleton import Bounds, Clock, Skeleton
from causalkit.independence import BoundTest, CIResult, Level
from causalkit.typing import FloatArray, IntArray

__all__ = ["COLLIDER_RULES", "Judgement", "Told", "judge_triples"]

COLLIDER_RULES: Final = ("paired", "standard", "conservative", "majority", "max-p")

_N_CHUNKS = 64  # jobs; a constant, so that n_jobs cannot matter
_BATCH = 4096  # sets that are tested together

Answer: TypeAlias = tuple[list[Evidence], int, int]
Told: TypeAlias = Callable[[IntArray], NDArray[np.int8]]
"""Verdicts about triples, shape (m, 3), that are known without a test; else AMBIGUOUS."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """Statements about all unshielded triples, and what they rest on.

    Attributes
    ----------
    statements : Statements
        Strongest first.
    found : Skeleton
        Where the separating set of a pair is looked up.
    chosen : dict
        By triple (a, k, b): the evidence that decided, where it is not the first set found.
    turned : Turned, optional
        Triples about which the first set with k or without it decided.
    """

    statements: Statements
    found: Skeleton
    chosen: dict[tuple[int, int, int], Evidence] = field(default_factory=dict)
    turned: Turned | None = None

    def evidence(self, row: int) -> Evidence | None:
        """The separation of a and b that decided about a triple; None if the tests disagree."""
        if self.statements.verdict[row] == AMBIGUOUS:
            return None
        a, k, b = self.statements.triples[row].tolist()
        if (a, k, b) in self.chosen:
            return self.chosen[a, k, b]
        second = self.turned.evidence((a, k, b)) if self.turned else None
        return second or self.found.separators.get((a, b))


def judge_triples(
    bound: BoundTest,
    found: Skeleton,
    bounds: Bounds,
    *,
    rule: str,
    alpha: float,
    max_order: int | None,
    n_jobs: int | None,
    clock: Clock,
    told: Told | None = None,
) -> Judgement:
    """Return a statement about every unshielded triple, strongest evidence first.

    Tests that this takes are counted in `found`. Between statements that are equally strong by the
    rule, the one with the larger p-value comes first, then the one about the stronger links. What
    is `told` about triples without a test is no longer asked, and comes after what was tested.
    """
    triples = unshielded_triples(found.adjacency)
    nothing = np.full(len(triples), AMBIGUOUS, dtype=np.int8)
    verdict = nothing if told is None else told(triples)
    p_value = np.full(len(triples), np.nan)
    others = np.full((len(triples), found.record.widest + 1), -1, dtype=np.intp)
    open_rows = np.arange(len(triples))
    listed: dict[Pair, list[Evidence]] = {}
    chosen: dict[tuple[int, int, int], Evidence] = {}
    turned: Turned | None = None
    if rule in ("paired", "standard"):
        _by_first_set(bound, found, triples, verdict, p_value, others)
        open_rows = np.flatnonzero(verdict == AMBIGUOUS)
    if len(open_rows):
        pairs = np.unique(triples[open_rows][:, [0, 2]], axis=0)
        listed = _list_separators(
            bound, found, bounds, pairs, (rule, alpha, max_order, n_jobs, clock)
        )
        chosen, others = _by_all_sets(triples, open_rows, listed, rule, verdict, p_value, others)
    clarity = np.zeros(len(triples))
    if rule in ("paired", "max-p"):
        turned = compare_pairs(
            bound,
            found,
            (triples, verdict, p_value, others, clarity),
            max_order=max_order,
            n_jobs=n_jobs,
            clock=clock,
        )
        chosen = {triple: one for triple, one in chosen.items() if not turned.evidence(triple)}
    elif rule == "majority":
        clarity = _shares(triples, listed)
    order = _clearest_first(found, triples, verdict, p_value, clarity)
    statements = Statements(triples[order], verdict[order], p_value[order])
    return Judgement(statements, found, chosen, turned)


def _at_least(sets: IntArray, width: int) -> IntArray:
    """The same sets with room for so many members."""
    return np.pad(sets, ((0, 0), (0, max(width - sets.shape[1], 0))), constant_values=-1)


def _by_first_set(
    bound: BoundTest,
    found: Skeleton,
    triples: IntArray,
    verdict: NDArray[np.int8],
    p_value: FloatArray,
    others: IntArray,
) -> None:
    """Judge by the set that separated a pair, where one did; `others` differ from it in k alone."""
    from causalkit.discovery.constraint._collider_kernels import judge_by_sets

    record = found.record
    for keys, said in record.blocks:
        answers = said.separated, said.given, said.p_value
        judge_by_sets(triples, record.p, keys, *answers, verdict, p_value, others)
    if record.screened:
        rest = np.flatnonzero(verdict == AMBIGUOUS)
        rest = rest[~record.absent[triples[rest, 0], triples[rest, 2]]]
        marginal = bound.marginals(triples[rest][:, ::2])[1]
        rest, marginal = rest[marginal > record.alpha], marginal[marginal > record.alpha]
        verdict[rest], p_value[rest], others[rest, 0] = COLLIDER, marginal, triples[rest, 1]


def _by_all_sets(
    triples: IntArray,
    open_rows: IntArray,
    listed: dict[Pair, list[Evidence]],
    rule: str,
    verdict: NDArray[np.int8],
    p_value: FloatArray,
    others: IntArray,
) -> tuple[dict[tuple[int, int, int], Evidence], IntArray]:
    """Judge by the sets listed: what decided, and the `others`, wider where a set needs room."""
    chosen: dict[tuple[int, int, int], Evidence] = {}
    for row in open_rows.tolist():
        a, k, b = triples[row].tolist()
        evidence, verdict[row] = _judge(k, listed[a, b], rule)
        if evidence is not None:
            chosen[a, k, b], p_value[row] = evidence, evidence.result.p_value
            other = sorted({k}.symmetric_difference(evidence.given))
            others = _at_least(others, len(other))
            others[row, : len(other)] = other
    return chosen, others


def _clearest_first(
    found: Skeleton,
    triples: IntArray,
    verdict: NDArray[np.int8],
    p_value: FloatArray,
    clarity: FloatArray,
) -> IntArray:
    a, k, b = triples.T
    one, other = np.abs(found.strength[a, k]), np.abs(found.strength[b, k])
    weak, strong = np.minimum(one, other), np.maximum(one, other)
    unsure = verdict == AMBIGUOUS
    by_p, by_clarity = (np.where(unsure, 0.0, -what) for what in (p_value, clarity))
    return np.lexsort((b, k, a, -strong, -weak, by_p, by_clarity, unsure))


def _shares(triples: IntArray, listed: dict[Pair, list[Evidence]]) -> FloatArray:
    """By how much the sets that speak for a verdict outnumber the others, as a share of all."""
    result = np.zeros(len(triples))
    for row, (a, k, b) in enumerate(triples.tolist()):
        sets = listed[a, b]
        holding = sum(k in evidence.given for evidence in sets)
        result[row] = abs(2 * holding - len(sets)) / max(len(sets), 1)
    return result


def _judge(k: int, separators: Sequence[Evidence], rule: str) -> tuple[Evidence | None, int]:
    """The deciding evidence and the verdict."""
    without = [evidence for evidence in separators if k not in evidence.given]
    holding = [evidence for evidence in separators if k in evidence.given]
    share = len(holding) / len(separators) if separators else 0.5
    if share in (0, 1) or (rule == "majority" and share != 0.5):
        return (_best(without), COLLIDER) if share < 0.5 else (_best(holding), NOT_COLLIDER)
    return None, AMBIGUOUS


def _best(separators: Sequence[Evidence]) -> Evidence:
    """The separation with the largest p-value; among equals the smallest set, then the first."""
    return min(
        separators,
        key=lambda e: (-e.result.p_value, abs(e.result.statistic), len(e.given), e.given),
    )


def _list_separators(
    bound: BoundTest,
    found: Skeleton,
    bounds: Bounds,
    pairs: IntArray,
    limits: tuple[str, float, int | None, int | None, Clock],
) -> dict[Pair, list[Evidence]]:
    """For each pair the sets that speak about it; new ones are counted and recorded in `found`."""
    from causalkit.discovery.constraint._skeleton_kernels import neighbours_of

    rule, alpha, max_order, n_jobs, clock = limits
    level = Level(0, pairs, *neighbours_of(bounds.candidates(found.adjacency)), found.strength)
    size = -(-len(pairs) // _N_CHUNKS)
    chunks = [
        (bound, level.part(start, start + size), rule, alpha, max_order)
        for start in range(0, len(pairs), size)
    ]
    answers = run(
        _ask_chunk,
        chunks,
        n_jobs=n_jobs,
        label="colliders",
        threads=bound.remembers,
        steady=not bound.releases_gil,
        until=clock.is_up,
    )
    asked = [answer for part in answers for answer in part]
    if len(asked) < len(pairs):
        found.stopped = found.stopped or (
            f"the time was up while colliders were judged: {len(asked)} of {len(pairs)} pairs were "
            "asked, the triples of the others are ambiguous"
        )
    listed: dict[Pair, list[Evidence]] = {(a, b): [] for a, b in pairs.tolist()}
    for (a, b), (evidence, n_tests, n_untestable) in zip(listed, asked, strict=False):
        found.n_tests += n_tests
        found.n_untestable += n_untestable
        first = found.separators.get((a, b))
        if first is not None and all(first.given != other.given for other in evidence):
            evidence.append(first)  # found among neighbours that were lost since
        if first is None and evidence:
            found.record.later[a, b] = _best(evidence)
        listed[a, b] = [_best(evidence)] if rule == "max-p" and evidence else evidence
    return listed


def _ask_chunk(
    bound: BoundTest, level: Level, rule: str, alpha: float, max_order: int | None
) -> list[Answer]:
    parts = (level.part(row, row + 1) for row in range(len(level)))
    if rule in ("paired", "standard"):
        return [_first_separator(bound, part, alpha, max_order) for part in parts]
    return [_all_separators(bound, part, alpha, max_order) for part in parts]


def _first_separator(bound: BoundTest, level: Level, alpha: float, max_order: int | None) -> Answer:
    """The smallest set that separates the one pair of a level, first one first."""
    n_tests = n_untestable = 0
    for order in _orders(level, max_order):
        answers = bound.separate(replace(level, order=order), alpha)
        n_tests += answers.n_tests
        n_untestable += answers.n_untestable
        if answers.separated[0]:
            return [evidence_in(answers, 0)], n_tests, n_untestable
    return [], n_tests, n_untestable


def _all_separators(bound: BoundTest, level: Level, alpha: float, max_order: int | None) -> Answer:
    """All sets that separate the one pair of a level."""
    a, b = level.pairs[0].tolist()
    listed: list[Evidence] = []
    n_tests = n_untestable = 0
    for sets in _subsets(*level.pools(a, b), _orders(level, max_order)):
        statistic, p_value, n_used = bound.given_each(a, b, sets)
        n_untestable += int(np.isnan(p_value).sum())
        n_tests += int((~np.isnan(p_value)).sum())
        for row in np.flatnonzero(p_value > alpha).tolist():
            result = CIResult(float(statistic[row]), float(p_value[row]), int(n_used[row]))
            listed.append(Evidence(tuple(sets[row].tolist()), result))
    return listed, n_tests, n_untestable


def _orders(level: Level, max_order: int | None) -> range:
    """Sizes of the sets that the one pair of a level has."""
    largest = max(map(len, level.pools(*level.pairs[0].tolist())))
    return range(1 + (largest if max_order is None else min(largest, max_order)))


def _subsets(one: list[int], two: list[int], orders: range) -> Iterator[IntArray]:
    """Subsets of either list by size, each once, some at a time: arrays (m, order)."""
    known = frozenset(one)
    for order in orders:
        new = (given for given in combinations(two, order) if not known.issuperset(given))
        every = chain(combinations(one, order), new if order else ())
        while batch := list(islice(every, _BATCH)):
            yield np.array(batch, dtype=np.intp).reshape(len(batch), order)
