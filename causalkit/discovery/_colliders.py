"""What the tests say about each unshielded triple: is it a collider, or not.

All rules look at sets that separate a and b and ask how many of them hold k. They differ in which
sets they look at and what share they call decisive:

============  ==========================================  =====================================
standard      the first set found                         without k: collider
max-p         of all sets, the one with largest p-value   without k: collider
conservative  all sets that separate                      none: collider; all: not; else ambiguous
majority      all sets that separate                      less than half: collider; more: not
============  ==========================================  =====================================

"All sets" are subsets of the neighbours of a and of those of b. Where knowledge rather than a test
took the edge between a and b away, a separating set is looked for here, because without one the
triple would be guessed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Final

from causalkit._core.parallel import run
from causalkit.discovery._orientation import Statement, Triple, unshielded_triples
from causalkit.discovery._skeleton import Evidence, Skeleton, Task, in_chunks, pools
from causalkit.errors import NumericalError
from causalkit.independence import BoundTest
from causalkit.typing import BoolArray

__all__ = ["COLLIDER_RULES", "judge_triples"]

COLLIDER_RULES: Final = ("standard", "conservative", "majority", "max-p")

Answer = tuple[list[Evidence], int, int]


def judge_triples(
    bound: BoundTest,
    found: Skeleton,
    forbidden: BoolArray,
    *,
    rule: str,
    alpha: float,
    max_order: int | None,
    n_jobs: int | None,
) -> list[Statement]:
    """Return a statement about every unshielded triple, strongest evidence first.

    Tests that this takes are counted in `found`. Strong is a separation with a large p-value;
    between statements with the same separation, the one about the stronger links.
    """
    triples = unshielded_triples(found.adjacency)
    pairs = sorted({(a, b) for a, _, b in triples})
    separators: dict[tuple[int, int], list[Evidence]] = {}
    if rule == "standard":
        separators = {pair: [found.separators[pair]] for pair in pairs if pair in found.separators}
    tasks = [(*pair, *pools(found, forbidden, *pair)) for pair in pairs if pair not in separators]
    chunks = [(bound, alpha, rule, max_order, chunk) for chunk in in_chunks(tasks)] if tasks else []
    answers = run(_ask_chunk, chunks, n_jobs=n_jobs, label="colliders")
    for (a, b, *_), (listed, n_tests, n_untestable) in zip(
        tasks, (answer for part in answers for answer in part), strict=True
    ):
        found.n_tests += n_tests
        found.n_untestable += n_untestable
        first = found.separators.get((a, b))
        if first is not None and all(first.given != other.given for other in listed):
            listed.append(first)  # found among neighbours that were lost since
        separators[a, b] = _best(listed) if rule == "max-p" else listed
        if first is None and listed:
            found.separators[a, b] = _best(listed)[0]
    statements = [_judge(triple, separators[triple[0], triple[2]], rule) for triple in triples]
    return sorted(statements, key=lambda statement: _weakness(statement, found))


def _judge(triple: Triple, separators: Sequence[Evidence], rule: str) -> Statement:
    _, k, _ = triple
    without = [evidence for evidence in separators if k not in evidence.given]
    share = 1 - len(without) / len(separators) if separators else None
    collider: bool | None = None
    if share in (0, 1):
        collider = share == 0
    elif share is not None and rule == "majority" and share != 0.5:
        collider = share < 0.5
    if collider is None:
        return Statement(triple, None)
    agreeing = without if collider else [e for e in separators if k in e.given]
    return Statement(triple, collider, _best(agreeing)[0])


def _best(separators: Sequence[Evidence]) -> list[Evidence]:
    """The separation with the largest p-value; among equals the smallest set, then the first."""
    if not separators:
        return []
    return [
        min(
            separators,
            key=lambda e: (-e.result.p_value, abs(e.result.statistic), len(e.given), e.given),
        )
    ]


def _weakness(statement: Statement, found: Skeleton) -> tuple[bool, float, int, int, Triple]:
    a, k, b = statement.triple
    links = sorted((int(found.rank[a, k]), int(found.rank[b, k])))
    p_value = statement.evidence.result.p_value if statement.evidence else 0.0
    return statement.collider is None, -p_value, links[1], links[0], statement.triple


def _ask_chunk(
    bound: BoundTest, alpha: float, rule: str, max_order: int | None, tasks: Sequence[Task]
) -> list[Answer]:
    return [_ask(bound, alpha, rule, max_order, *task) for task in tasks]


def _ask(
    bound: BoundTest,
    alpha: float,
    rule: str,
    max_order: int | None,
    a: int,
    b: int,
    one: list[int],
    two: list[int],
) -> Answer:
    """List the sets that separate a and b (`standard`: only the first)."""
    listed: list[Evidence] = []
    n_tests = n_untestable = 0
    for given in _subsets(one, two, max_order):
        try:
            result = bound(a, b, given)
        except NumericalError:
            n_untestable += 1
            continue
        n_tests += 1
        if result.p_value > alpha:
            listed.append(Evidence(given, result))
            if rule == "standard":
                break
    return listed, n_tests, n_untestable


def _subsets(one: list[int], two: list[int], max_order: int | None) -> Iterator[tuple[int, ...]]:
    """Subsets of either list by size, each once."""
    largest = max(len(one), len(two))
    known = frozenset(one)
    for order in range(1 + (largest if max_order is None else min(largest, max_order))):
        yield from combinations(one, order)
        yield from (given for given in combinations(two, order) if not known.issuperset(given))
