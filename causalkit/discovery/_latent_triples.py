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

from causalkit.discovery._colliders import Judgement, judge_triples
from causalkit.discovery._evidence import Evidence
from causalkit.discovery._orientation import AMBIGUOUS, COLLIDER, NOT_COLLIDER, Statements
from causalkit.discovery._setup import Setup
from causalkit.discovery._skeleton import Bounds, Skeleton
from causalkit.independence import CIResult
from causalkit.typing import BoolArray, IntArray

__all__ = ["judge_latent", "separators_of"]


def judge_latent(found: Skeleton, setup: Setup, cuts: Bounds) -> Judgement:
    """Statements about unshielded triples; after an interrupted search only the safe ones."""
    judged = judge_triples(
        setup.bound,
        found,
        cuts,
        rule=setup.rule,
        alpha=setup.alpha,
        max_order=setup.max_order,
        n_jobs=setup.n_jobs,
        clock=setup.clock,
    )
    if found.stopped is not None:
        return replace(judged, statements=_only_licensed(found, judged.statements))
    return _look_again(found, judged, setup) if setup.rule == "standard" else judged


def _look_again(found: Skeleton, judged: Judgement, setup: Setup) -> Judgement:
    """Withdraw colliders k for which a set with k separates as well, and is as small.

    No such set exists if k is a collider, so where two sets disagree one of the answers is wrong;
    what the set with k says is the more cautious of the two.
    """
    statements = judged.statements
    verdict, p_value = statements.verdict.copy(), statements.p_value.copy()
    chosen = dict(judged.chosen)
    rows = np.flatnonzero(verdict == COLLIDER)
    for at, given in separators_of(found, statements.triples[rows]):
        row = int(rows[at])
        a, k, b = statements.triples[row].tolist()
        other = _with_middle(found, setup, (a, k, b), len(given))
        if other is not None:
            verdict[row], p_value[row] = NOT_COLLIDER, other.result.p_value
            chosen[a, k, b] = other
    order = np.argsort(-p_value, kind="stable")  # unknown ones, which have none, stay last
    again = Statements(statements.triples[order], verdict[order], p_value[order])
    return replace(judged, statements=again, chosen=chosen)


def _with_middle(
    found: Skeleton, setup: Setup, triple: tuple[int, int, int], order: int
) -> Evidence | None:
    """The set with the largest p-value among those of this size that hold k and separate."""
    a, k, b = triple
    sets: dict[tuple[int, ...], None] = {}
    for side, other in ((a, b), (b, a)):
        pool = np.flatnonzero(found.adjacency[side])
        rest = pool[(pool != other) & (pool != k)].tolist()
        sets |= dict.fromkeys((k, *given) for given in combinations(rest, order - 1))
    if not sets:
        return None
    given = np.array(list(sets), dtype=np.intp)
    statistic, p_value, n_used = setup.bound.given_each(a, b, given)
    untestable = np.isnan(p_value)
    found.n_tests += int((~untestable).sum())
    found.n_untestable += int(untestable.sum())
    best = int(np.argmax(np.where(untestable, -1.0, p_value)))
    if not p_value[best] > setup.alpha:
        return None
    result = CIResult(float(statistic[best]), float(p_value[best]), int(n_used[best]))
    return Evidence(tuple(given[best].tolist()), result)


def separators_of(found: Skeleton, triples: IntArray) -> Iterator[tuple[int, frozenset[int]]]:
    """Rows of triples (a, k, b), and the set that separates a and b where it is not empty."""
    sets = found.record.separating_sets()
    codes = triples[:, 0] * found.record.p + triples[:, 2]
    at = np.searchsorted(sets.keys, codes)
    known = np.flatnonzero(np.append(sets.keys, -1)[at] == codes)
    for row in known[np.diff(sets.starts)[at[known]] > 0].tolist():
        members = sets.members[sets.starts[at[row]] : sets.starts[at[row] + 1]]
        yield row, frozenset(members.tolist())


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
