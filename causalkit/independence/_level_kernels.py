"""How a compiled test goes through a level: sides, candidates by strength, subsets in turn.

These are the steps of :meth:`~causalkit.independence.BoundTest.separate`, as kernels; a compiled
test calls them so that it asks the same questions in the same order as any other test.
"""

from __future__ import annotations

from causalkit._core.jit import inner_kernel
from causalkit.typing import FloatArray, IntArray

__all__ = [
    "advance",
    "goes_first",
    "holds",
    "is_stronger",
    "longest",
    "pool_of",
    "sort_by_strength",
]


@inner_kernel
def holds(values: IntArray, start: int, stop: int, value: int) -> bool:
    """Whether a sorted stretch of `values` holds `value`."""
    while start < stop:
        middle = (start + stop) // 2
        if values[middle] < value:
            start = middle + 1
        elif values[middle] > value:
            stop = middle
        else:
            return True
    return False


@inner_kernel
def longest(starts: IntArray) -> int:
    """Size of the longest stretch."""
    largest = 0
    for i in range(len(starts) - 1):
        if starts[i + 1] - starts[i] > largest:
            largest = starts[i + 1] - starts[i]
    return largest


@inner_kernel
def goes_first(
    strength: FloatArray, starts: IntArray, candidates: IntArray, i: int, j: int
) -> bool:
    """Whether i has fewer candidates than j; equals go by their strongest link, then by number."""
    n_i = starts[i + 1] - starts[i] - holds(candidates, starts[i], starts[i + 1], j)
    n_j = starts[j + 1] - starts[j] - holds(candidates, starts[j], starts[j + 1], i)
    if n_i != n_j:
        return bool(n_i < n_j)
    top_i, top_j = 0.0, 0.0
    for at in range(starts[i], starts[i + 1]):
        if candidates[at] != j and abs(strength[i, candidates[at]]) > top_i:
            top_i = abs(strength[i, candidates[at]])
    for at in range(starts[j], starts[j + 1]):
        if candidates[at] != i and abs(strength[j, candidates[at]]) > top_j:
            top_j = abs(strength[j, candidates[at]])
    return top_i >= top_j


@inner_kernel
def pool_of(
    strength: FloatArray,
    starts: IntArray,
    candidates: IntArray,
    i: int,
    j: int,
    only_new: bool,
    pool: IntArray,
    weak: FloatArray,
    strong: FloatArray,
) -> int:
    """Write the candidates on the side of i and how strong their weaker and stronger links are.

    With `only_new`, those that are on the side of j as well are left out.
    """
    size = 0
    for at in range(starts[i], starts[i + 1]):
        k = candidates[at]
        if k != j and not (only_new and holds(candidates, starts[j], starts[j + 1], k)):
            one, other = abs(strength[i, k]), abs(strength[j, k])
            pool[size], weak[size], strong[size] = k, one, other
            if other < one:
                weak[size], strong[size] = other, one
            size += 1
    return size


@inner_kernel
def is_stronger(weak: FloatArray, strong: FloatArray, one: int, other: int) -> bool:
    """Whether candidate `one` is asked before `other`."""
    if weak[one] != weak[other]:
        return bool(weak[one] > weak[other])
    return bool(strong[one] > strong[other] or (strong[one] == strong[other] and one < other))


@inner_kernel
def sort_by_strength(pool: IntArray, weak: FloatArray, strong: FloatArray, size: int) -> None:
    """Sort candidates, strongest first; equals keep their order."""
    for at in range(1, size):
        k, one, two = pool[at], weak[at], strong[at]
        to = at
        while to > 0 and (weak[to - 1] < one or (weak[to - 1] == one and strong[to - 1] < two)):
            pool[to], weak[to], strong[to] = pool[to - 1], weak[to - 1], strong[to - 1]
            to -= 1
        pool[to], weak[to], strong[to] = k, one, two


@inner_kernel
def advance(where: IntArray, size: int) -> int:
    """Step to the next prefix that leaves room for one more; the first member that moved, or -1."""
    depth = len(where)
    start = depth - 1
    while start >= 0 and where[start] == size - depth - 1 + start:
        start -= 1
    if start >= 0:
        where[start] += 1
        for t in range(start + 1, depth):
            where[t] = where[t - 1] + 1
    return start
