"""Markov boundaries by asking: four ways to find the columns that make the others irrelevant.

All work on column numbers and put their questions to an
:class:`~causalkit.discovery.local._inquiry.Inquiry`.

============  =====================================================================================
fbed          Add the strongest candidate and drop those that are independent now; when none is
              left, begin again with all; end when a run adds nothing. Then drop what the rest makes
              superfluous. The dropping makes runs short, the new runs make up for it.
iamb          Add the strongest candidate until all are independent; then drop.
inter-iamb    The same, dropping after each addition: smaller sets, hence more powerful tests.
hiton         Neighbours first: who is dependent given every subset of the others; then the other
              parents of children. Many tests given few columns, where the others take few tests
              given many.
============  =====================================================================================

The first three condition on the whole boundary, so they need rows (for tables of counts, very many)
where it is large; hiton needs time where neighbourhoods are large.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from causalkit.discovery.local._inquiry import Inquiry, Move, Standing
from causalkit.independence import CIResult
from causalkit.typing import IntArray

__all__ = ["METHODS", "find_boundary"]


def find_boundary(inquiry: Inquiry, target: int, method: str) -> list[int]:
    """Find the columns given which the target is independent of all others.

    Parameters
    ----------
    inquiry : Inquiry
        Test and levels; counts what is asked.
    target : int
        A column.
    method : str
        One of METHODS.

    Returns
    -------
    list of int
        In the order in which they joined.

    Raises
    ------
    NumericalError
        If a column is a copy of the target.
    """
    return METHODS[method](inquiry, target)


# --- growing and shrinking ----------------------------------------------------------------------


def _fbed(inquiry: Inquiry, target: int) -> list[int]:
    members: list[int] = []
    while True:
        before = len(members)
        _grow(inquiry, target, members, drop_early=True)
        if len(members) == before:
            break
    _shrink(inquiry, target, members)
    return members


def _iamb(inquiry: Inquiry, target: int) -> list[int]:
    members: list[int] = []
    _grow(inquiry, target, members, drop_early=False)
    _shrink(inquiry, target, members)
    return members


def _inter_iamb(inquiry: Inquiry, target: int) -> list[int]:
    members: list[int] = []
    seen: set[frozenset[int]] = set()
    while frozenset(members) not in seen:  # noisy tests may lead round in a circle
        seen.add(frozenset(members))
        if not _join_strongest(inquiry, target, members, inquiry.others(target, members)):
            break
        _shrink(inquiry, target, members)
    return members


def _grow(inquiry: Inquiry, target: int, members: list[int], *, drop_early: bool) -> None:
    candidates = inquiry.others(target, members)
    while found := _join_strongest(inquiry, target, members, candidates):
        if drop_early:
            candidates = found.dependent
        candidates = candidates[candidates != members[-1]]


def _join_strongest(
    inquiry: Inquiry, target: int, members: list[int], candidates: IntArray
) -> Standing | None:
    """Add the strongest candidate; None if all are independent, or the set would be too large."""
    if len(members) > inquiry.max_order or len(candidates) == 0:
        return None
    found = inquiry.standing(target, members, candidates)
    if len(found.by_strength) == 0:
        return None
    best = int(found.by_strength[0])
    test = float(found.statistic[0]), float(found.p_value[0])
    inquiry.moves.append(Move(target, best, True, tuple(members), *test))
    members.append(best)
    return found


def _shrink(inquiry: Inquiry, target: int, members: list[int]) -> None:
    """Drop the weakest member while the others make it superfluous."""
    while members:
        results = [inquiry.test(target, k, [m for m in members if m != k]) for k in members]
        weakest = max(range(len(members)), key=lambda t: _weakness(results[t]))
        result = results[weakest]
        if result is None or result.p_value <= inquiry.alpha:
            return
        column = members.pop(weakest)
        inquiry.note(target, column, False, members, result)


def _weakness(result: CIResult | None) -> tuple[float, float]:
    return (-1.0, 0.0) if result is None else (result.p_value, -abs(result.statistic))


# --- neighbours first ---------------------------------------------------------------------------


def _hiton(inquiry: Inquiry, target: int) -> list[int]:
    near = _neighbours(inquiry, target)
    members = list(near)
    for middle in near:
        for column in _neighbours(inquiry, middle):
            if column == target or column in members:
                continue
            apart = _separator_of(inquiry, target, column)
            if apart is None or middle in apart:
                continue
            given = (*apart, middle)
            result = inquiry.test(target, column, given)
            if result is not None and result.p_value <= inquiry.entry:
                inquiry.note(target, column, True, given, result)
                members.append(column)
    return members


def _neighbours(inquiry: Inquiry, target: int) -> list[int]:
    """Columns that no set separates from the target, looking from either side.

    From one side, a descendant may look like one: what separates the two need not lie near the
    target. From its own side it does not.
    """
    one_way = _one_sided(inquiry, target)
    return [k for k, apart in one_way.items() if apart is None and _joined(inquiry, k, target)]


def _joined(inquiry: Inquiry, one: int, other: int) -> bool:
    found = _one_sided(inquiry, one)
    return other in found and found[other] is None


def _separator_of(inquiry: Inquiry, one: int, other: int) -> tuple[int, ...] | None:
    for a, b in ((one, other), (other, one)):
        found = _one_sided(inquiry, a)
        if b not in found:
            return ()  # independent given nothing
        apart = found[b]
        if apart is not None:
            return apart
    return None


def _one_sided(inquiry: Inquiry, target: int) -> dict[int, tuple[int, ...] | None]:
    """Semi-interleaved HITON-PC: each dependent column, and what separates it from the target."""
    if target not in inquiry._near:
        found: dict[int, tuple[int, ...] | None] = {}
        members: list[int] = []
        standing = inquiry.standing(target, (), inquiry.others(target))
        tests = zip(standing.statistic.tolist(), standing.p_value.tolist(), strict=True)
        for column, test in zip(standing.by_strength.tolist(), tests, strict=True):
            found[column] = inquiry.separator(target, column, members)  # against those within
            if found[column] is None:
                inquiry.moves.append(Move(target, column, True, (), *test))
                members.append(column)
        for column in members[::-1]:  # and in the end each against all
            rest = [k for k in members if k != column]
            found[column] = inquiry.separator(target, column, rest)
            if found[column] is not None:
                members.remove(column)
        inquiry._near[target] = found
    return inquiry._near[target]


METHODS: Mapping[str, Callable[[Inquiry, int], list[int]]] = {
    "fbed": _fbed,
    "iamb": _iamb,
    "inter-iamb": _inter_iamb,
    "hiton": _hiton,
}
