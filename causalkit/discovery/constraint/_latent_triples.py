"""What the tests say about triples where common causes may be hidden.

With hidden variables a wrong collider does more harm than in PC, because its arrows need not fit
into an acyclic order that would expose it. So the rule "standard" looks twice: k is called a
collider if the first set that separates a and b is without k, and no other set of that size that
separates them has k in it.

After an interrupted search some links between variables would still have fallen. Then only those
statements are kept that hold all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

import numpy as np

from causalkit.discovery._deadline import seconds_left
from causalkit.discovery._setup import Setup
from causalkit.discovery.constraint._colliders import Judgement, Told, judge_triples
from causalkit.discovery.constraint._evidence import Evidence
from causalkit.discovery.constraint._orientation import (
    AMBIGUOUS,
    COLLIDER,
    NOT_COLLIDER,
    Statements,
)
from causalkit.discovery.constraint._skeleton import Bounds, Skeleton
from causalkit.independence import CIResult
from causalkit.typing import BoolArray, IntArray

__all__ = ["judge_latent", "separators_of"]

_SECONDS = 3e-6  # that a triple takes until its marks are drawn, about
_N_MIDDLES = 20
_NOTHING = Statements(np.empty((0, 3), np.intp), np.empty(0, np.int8), np.empty(0))


def judge_latent(
    found: Skeleton, setup: Setup, cuts: Bounds, stop: BoolArray, told: Told | None = None
) -> Judgement:
    """Statements about unshielded triples; after an interrupted search only the safe ones.

    Nothing that is `told` without a test is safe then. Where there is no time to list the triples
    no statement is made, and `stop` is raised.
    """
    left = seconds_left(setup.clock)
    if left < np.inf and _about_triples(found) * _SECONDS > left:
        stop.fill(True)
        found.stopped = found.stopped or "the time was up before colliders were judged"
        return Judgement(_NOTHING, found)
    judged = judge_triples(
        setup.bound,
        found,
        cuts,
        rule=setup.rule,
        alpha=setup.alpha,
        max_order=setup.max_order,
        n_jobs=setup.n_jobs,
        clock=setup.clock,
        told=told,
    )
    if found.stopped is None and setup.rule == "standard":
        judged = _look_again(found, judged, setup)
    if found.stopped is not None:
        return replace(judged, statements=_only_licensed(found, judged.statements))
    return judged


def _about_triples(found: Skeleton) -> float:
    """About how many unshielded triples there are, from the middle nodes of a few of them."""
    middles = np.unique(np.linspace(0, found.record.p - 1, _N_MIDDLES).astype(np.intp))
    near = [np.flatnonzero(found.adjacency[k]) for k in middles]
    open_pairs = [(~found.adjacency[np.ix_(k, k)]).sum() - len(k) for k in near]
    return float(np.mean(open_pairs)) / 2 * found.record.p


def _look_again(found: Skeleton, judged: Judgement, setup: Setup) -> Judgement:
    """Withdraw colliders k for which a set with k separates as well, and is as small.

    No such set exists if k is a collider, so where two sets disagree one of the answers is wrong;
    what the set with k says is the more cautious of the two.
    """
    statements = judged.statements
    better: dict[int, Evidence] = {}
    for row, given in separators_of(found, statements, COLLIDER):
        if setup.clock.is_up():
            found.stopped = "the time was up while colliders were judged a second time"
            break
        a, k, b = statements.triples[row].tolist()
        other = _with_middle(found, setup, (a, k, b), len(given))
        if other is not None:
            better[row] = other
    if not better:
        return judged
    verdict, p_value = statements.verdict.copy(), statements.p_value.copy()
    chosen = dict(judged.chosen)
    for row, other in better.items():
        verdict[row], p_value[row] = NOT_COLLIDER, other.result.p_value
        a, k, b = statements.triples[row].tolist()
        chosen[a, k, b] = other
    order = np.argsort(-p_value, kind="stable")  # unknown ones, which have none, stay last
    again = Statements(statements.triples[order], verdict[order], p_value[order])
    return replace(judged, statements=again, chosen=chosen)


def _with_middle(
    found: Skeleton, setup: Setup, triple: tuple[int, int, int], order: int
) -> Evidence | None:
    """The set with the largest p-value among those of this size that hold k and separate."""
    a, k, b = triple
    sets: dict[tuple[int, ...], None] = {(k,): None}
    if order > 1:
        sets.clear()
        for side in (a, b):
            rest = np.flatnonzero(found.adjacency[side]).tolist()
            rest.remove(k)
            sets |= dict.fromkeys((k, *given) for given in combinations(rest, order - 1))
    if not sets:
        return None
    given = np.array(list(sets), dtype=np.intp)
    statistic, p_value, n_used = setup.bound.given_each(a, b, given)
    values = p_value.tolist()
    testable = [row for row, value in enumerate(values) if value == value]  # not NaN
    found.n_tests += len(testable)
    found.n_untestable += len(values) - len(testable)
    best = max(testable, key=values.__getitem__, default=-1)
    if best < 0 or values[best] <= setup.alpha:
        return None
    result = CIResult(float(statistic[best]), values[best], int(n_used[best]))
    return Evidence(tuple(given[best].tolist()), result)


def separators_of(
    found: Skeleton, statements: Statements, kind: int
) -> Iterator[tuple[int, list[int]]]:
    """Rows of statements of a kind on (a, k, b), and what separates a and b if it is not empty."""
    from causalkit.discovery.constraint._fci_kernels import separated_triples

    sets = found.record.separating_sets()
    where = statements.triples, statements.verdict, kind, found.record.p, sets.keys, sets.starts
    rows, at = separated_triples(*where)
    for row, one in zip(rows.tolist(), at.tolist(), strict=True):
        yield row, sets.members[sets.starts[one] : sets.starts[one + 1]].tolist()


def _only_licensed(found: Skeleton, statements: Statements) -> Statements:
    """Withdraw statements that rest on tests which an interrupted search did not make.

    What remains is sound by the lemma above without another test: k was the only node in the
    separating set, or nothing was, and k depends on a and on b given nothing.
    """
    a, k, b = statements.triples.T
    wanted = (statements.verdict == NOT_COLLIDER).astype(np.intp)
    tested = _tested_given_nothing(found)
    sure = (_sizes(found, a, b) == wanted) & tested[a, k] & tested[b, k]
    verdict = np.where(sure, statements.verdict, AMBIGUOUS).astype(np.int8)
    return Statements(statements.triples, verdict, statements.p_value)


def _sizes(found: Skeleton, a: IntArray, b: IntArray) -> IntArray:
    """Size of the set that separates each pair; -1 if no test did."""
    record, sets = found.record, found.record.separating_sets()
    marginal = record.screened & ~record.absent[a, b]
    sizes = np.where(marginal, 0, -1)
    codes = a * record.p + b
    rows = np.searchsorted(sets.keys, codes)
    known = np.append(sets.keys, -1)[rows] == codes
    sizes[known] = np.diff(sets.starts)[rows[known]]
    return sizes


def _tested_given_nothing(found: Skeleton) -> BoolArray:
    """Pairs that were tested given nothing."""
    p = found.record.p
    if found.record.screened:
        return np.ones((p, p), dtype=np.bool_)
    tested = np.zeros((p, p), dtype=np.bool_)
    for keys, answers in found.record.blocks[:1]:
        i, j = np.divmod(keys[: len(answers.separated)], p)
        tested[i, j] = tested[j, i] = True
    return tested
