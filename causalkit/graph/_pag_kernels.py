"""The hot loops of :mod:`causalkit.graph.mag`: the orientation rules of a PAG.

Marks are those of :class:`~causalkit.graph.CausalGraph`: `ends[i, j]` is the mark at j's end of the
edge between i and j. Neighbours come as lists: `near[starts[i]:starts[i + 1]]` are those of i.

Rules are evaluated in rounds. Within a round all of them look at the marks as they were when it
began, so no answer depends on the order of the nodes; where one rule wants an arrow and another one
a tail (contradictory answers of tests), the arrow is taken. `unclear` lists the unshielded triples
about which nothing is known, as ascending codes `(a * p + k) * p + b` with a < b; no rule reads
them as "no collider".

Neither clock nor lock can be reached from here. So whoever gives the loops a time budget raises a
flag in the array `stop` from another thread, and they look at it node by node: what they have found
by then is drawn, and holds.

Paths of rules 5, 9 and 10 are searched as walks in which consecutive nodes are unshielded. A walk
serves as well as a path: along it each arrow forces the next one just the same.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from causalkit._core.jit import inner_kernel, kernel
from causalkit.typing import BoolArray, IntArray

__all__ = [
    "close",
    "is_clear",
    "neighbours",
]

Marks: TypeAlias = NDArray[np.uint8]

_TAIL, _ARROW, _CIRCLE = 1, 2, 4


@kernel
def neighbours(ends: Marks) -> tuple[IntArray, IntArray]:
    """Neighbours of each node, one node after the other: starts (p + 1,), near (n_ends,)."""
    p = len(ends)
    starts = np.zeros(p + 1, dtype=np.intp)
    near = np.empty(np.count_nonzero(ends), dtype=np.intp)
    for i in range(p):
        starts[i + 1] = starts[i]
        for j in range(p):
            if ends[i, j] != 0:
                near[starts[i + 1]] = j
                starts[i + 1] += 1
    return starts, near


@inner_kernel
def is_clear(unclear: IntArray, a: int, k: int, b: int, p: int) -> bool:
    """Whether something is known about the triple a, k, b."""
    code = (min(a, b) * p + k) * p + max(a, b)
    start, stop = 0, len(unclear)
    while start < stop:
        middle = (start + stop) // 2
        if unclear[middle] < code:
            start = middle + 1
        elif unclear[middle] > code:
            stop = middle
        else:
            return False
    return True


# --- rules 1 to 3, 6 and 7: arrows and tails that spread -----------------------------------------


@inner_kernel
def _arrow_rule(
    ends: Marks, starts: IntArray, near: IntArray, unclear: IntArray, i: int, j: int
) -> int:
    """The rule by which i *-o j becomes i *-> j, 0 if none."""
    p = len(ends)
    if ends[j, i] == _CIRCLE:
        for at in range(starts[i], starts[i + 1]):  # k *-> i o-* j: no new collider
            k = near[at]
            unshielded = k != j and ends[k, j] == 0
            if unshielded and ends[k, i] == _ARROW and is_clear(unclear, k, i, j, p):
                return 1
    for at in range(starts[j], starts[j + 1]):
        k = near[at]
        if ends[k, j] != _ARROW or k == i or ends[i, k] == 0:
            continue
        if ends[i, k] == _ARROW and (ends[k, i] == _TAIL or ends[j, k] == _TAIL):
            return 2  # i -> k *-> j or i *-> k -> j
        if ends[k, i] != _CIRCLE:
            continue
        for other in range(at + 1, starts[j + 1]):  # k *-> j <-* m, k *-o i o-* m
            m = near[other]
            meets = m != i and ends[m, j] == _ARROW and ends[m, i] == _CIRCLE
            if meets and ends[k, m] == 0 and is_clear(unclear, k, i, m, p):
                return 3
    return 0


@inner_kernel
def _tail_rule(
    ends: Marks, starts: IntArray, near: IntArray, unclear: IntArray, i: int, j: int
) -> int:
    """The rule by which i *-o j becomes i *-- j, 0 if none."""
    p = len(ends)
    for at in range(starts[j], starts[j + 1]):
        k = near[at]
        if k == i:
            continue
        if ends[k, j] == _TAIL and ends[j, k] == _TAIL:  # k -- j o-* i
            return 6
        if ends[k, i] != 0 or not is_clear(unclear, k, j, i, p):
            continue
        if ends[k, j] == _ARROW:  # k *-> j o-* i, unshielded
            return 1
        if ends[k, j] == _CIRCLE and ends[j, k] == _TAIL:  # k --o j o-* i, unshielded
            return 7
    return 0


@inner_kernel
def _spread(
    ends: Marks,
    starts: IntArray,
    near: IntArray,
    unclear: IntArray,
    reason: Marks,
    stop: BoolArray,
) -> None:
    """Apply rules 1, 2, 3, 6 and 7 until none applies; `reason` learns which rule set a mark."""
    size = len(near)
    rows, columns = np.empty(size, dtype=np.intp), np.empty(size, dtype=np.intp)
    marks, rules = np.empty(size, dtype=np.uint8), np.empty(size, dtype=np.uint8)
    while True:
        n_new = 0
        for i in range(len(ends)):
            if stop[0]:
                break
            for at in range(starts[i], starts[i + 1]):
                j = near[at]
                if ends[i, j] != _CIRCLE:
                    continue
                mark, rule = _ARROW, _arrow_rule(ends, starts, near, unclear, i, j)
                if rule == 0:
                    mark, rule = _TAIL, _tail_rule(ends, starts, near, unclear, i, j)
                if rule > 0:
                    rows[n_new], columns[n_new], marks[n_new], rules[n_new] = i, j, mark, rule
                    n_new += 1
        for new in range(n_new):
            ends[rows[new], columns[new]] = marks[new]
            reason[rows[new], columns[new]] = rules[new]
        if n_new == 0:
            return


# --- rule 4: discriminating paths ----------------------------------------------------------------


@inner_kernel
def _discriminating_paths(
    ends: Marks, starts: IntArray, near: IntArray, stop: BoolArray
) -> IntArray:
    """Shortest discriminating paths (t, …, a, b, c) for b with a circle at b on b o-* c.

    Every node between t and b is a collider and a parent of c; t and c are not adjacent.

    Returns
    -------
    ndarray of int, shape (m, 5)
        t, a, b, c, and how many nodes lie between t and b; for given a, b, c one row for each t.
    """
    p = len(ends)
    found, n_found = np.empty((8, 5), dtype=np.intp), 0
    queue, depth = np.empty(p, dtype=np.intp), np.empty(p, dtype=np.intp)
    seen = np.full(p, -1, dtype=np.intp)
    search = 0
    for b in range(p):
        for to in range(starts[b], starts[b + 1]):
            c = near[to]
            if ends[c, b] != _CIRCLE or stop[0]:
                continue
            for by in range(starts[b], starts[b + 1]):
                a = near[by]
                if ends[b, a] != _ARROW or ends[a, c] != _ARROW or ends[c, a] != _TAIL:
                    continue
                seen[a] = seen[b] = seen[c] = search
                queue[0], depth[0] = a, 1
                head, tail = 0, 1
                while head < tail:
                    v = queue[head]
                    for at in range(starts[v], starts[v + 1]):
                        t = near[at]
                        if seen[t] == search or ends[t, v] != _ARROW:
                            continue
                        if ends[t, c] == 0:
                            seen[t] = search
                            if n_found == len(found):
                                found = np.concatenate((found, np.empty_like(found)))
                            found[n_found, 0], found[n_found, 1] = t, a
                            found[n_found, 2], found[n_found, 3] = b, c
                            found[n_found, 4] = depth[head]
                            n_found += 1
                        elif ends[v, t] == _ARROW and ends[t, c] == _ARROW and ends[c, t] == _TAIL:
                            seen[t] = search
                            queue[tail], depth[tail] = t, depth[head] + 1
                            tail += 1
                    head += 1
                search += 1
    return found[:n_found]


# --- rule 5: circle paths that close -------------------------------------------------------------


@inner_kernel
def _is_circle(ends: Marks, i: int, j: int) -> bool:
    return bool(ends[i, j] == _CIRCLE and ends[j, i] == _CIRCLE)


@inner_kernel
def _closes(
    ends: Marks,
    starts: IntArray,
    near: IntArray,
    unclear: IntArray,
    i: int,
    j: int,
    seen: IntArray,
    search: int,
    queue: IntArray,
) -> bool:
    """Whether i o-o j is part of an unshielded circle walk that closes."""
    p = len(ends)
    head, tail = 0, 1
    queue[0, 0], queue[0, 1] = i, j
    while head < tail:
        u, v = queue[head]
        head += 1
        for at in range(starts[v], starts[v + 1]):
            w = near[at]
            if w == u or seen[at] == search or ends[u, w] != 0 or not _is_circle(ends, v, w):
                continue
            if not is_clear(unclear, u, v, w, p):
                continue
            if w == i:  # … v o-o i o-o j: the last corner must be unshielded, too
                if ends[v, j] == 0 and v != j and is_clear(unclear, v, i, j, p):
                    return True
                continue
            seen[at] = search
            queue[tail, 0], queue[tail, 1] = v, w
            tail += 1
    return False


@inner_kernel
def _circle_cycles(
    ends: Marks,
    starts: IntArray,
    near: IntArray,
    unclear: IntArray,
    reason: Marks,
    stop: BoolArray,
) -> int:
    """Apply rule 5 once; how many edges became undirected."""
    size = len(near)
    seen, queue = np.full(size, -1, dtype=np.intp), np.empty((size + 1, 2), dtype=np.intp)
    hit, n_hit = np.empty((size, 2), dtype=np.intp), 0
    for i in range(len(ends)):
        if stop[0]:
            break
        for at in range(starts[i], starts[i + 1]):
            j = near[at]
            if i > j or not _is_circle(ends, i, j):
                continue
            if _closes(ends, starts, near, unclear, i, j, seen, at, queue):
                hit[n_hit, 0], hit[n_hit, 1] = i, j
                n_hit += 1
    for row in range(n_hit):
        i, j = hit[row]
        ends[i, j] = ends[j, i] = _TAIL
        reason[i, j] = reason[j, i] = 5
    return n_hit


# --- rules 8 to 10: tails behind arrows ----------------------------------------------------------


@inner_kernel
def _walk_on(
    ends: Marks,
    starts: IntArray,
    near: IntArray,
    unclear: IntArray,
    i: int,
    j: int,
    seen: IntArray,
    search: int,
    queue: IntArray,
    reached: BoolArray,
) -> None:
    """Mark the nodes that unshielded possibly directed walks i, j, … reach."""
    p = len(ends)
    reached[:] = False
    reached[j] = True
    head, tail = 0, 1
    queue[0, 0], queue[0, 1] = i, j
    while head < tail:
        u, v = queue[head]
        head += 1
        for at in range(starts[v], starts[v + 1]):
            w = near[at]
            if w == u or seen[at] == search or ends[u, w] != 0:
                continue
            if ends[w, v] == _ARROW or ends[v, w] == _TAIL or not is_clear(unclear, u, v, w, p):
                continue
            seen[at] = search
            reached[w] = True
            queue[tail, 0], queue[tail, 1] = v, w
            tail += 1


@inner_kernel
def _rule_8(ends: Marks, starts: IntArray, near: IntArray, a: int, c: int) -> bool:
    """Whether a -> b -> c or a --o b -> c for some b."""
    for at in range(starts[a], starts[a + 1]):
        b = near[at]
        if (
            ends[b, a] == _TAIL
            and ends[a, b] != _TAIL
            and ends[b, c] == _ARROW
            and ends[c, b] == _TAIL
        ):
            return True
    return False


@inner_kernel
def _rule_9_or_10(
    ends: Marks,
    starts: IntArray,
    near: IntArray,
    unclear: IntArray,
    a: int,
    c: int,
    reached: BoolArray,
) -> int:
    """The rule that makes a o-> c a tail at a, 0 if none; `reached[k]` is for the first step k."""
    p = len(ends)
    first, last = starts[a], starts[a + 1]
    leads = np.zeros(last - first, dtype=np.bool_)  # to a parent of c
    for at in range(first, last):
        b = near[at]
        if b == c or not reached[at - first].any():
            continue
        if ends[b, c] == 0 and reached[at - first, c] and is_clear(unclear, b, a, c, p):
            return 9
        for into in range(starts[c], starts[c + 1]):
            q = near[into]
            if reached[at - first, q] and ends[q, c] == _ARROW and ends[c, q] == _TAIL:
                leads[at - first] = True
    for one in range(first, last):
        for other in range(one + 1, last):
            b, d = near[one], near[other]
            both = leads[one - first] and leads[other - first]
            if both and ends[b, d] == 0 and is_clear(unclear, b, a, d, p):
                return 10
    return 0


@inner_kernel
def _settle_tails(
    ends: Marks,
    starts: IntArray,
    near: IntArray,
    unclear: IntArray,
    reason: Marks,
    stop: BoolArray,
) -> int:
    """Apply rules 8, 9 and 10 once; how many tails were set."""
    p, size = len(ends), len(near)
    widest = 0
    for i in range(p):
        widest = max(widest, starts[i + 1] - starts[i])
    reached = np.zeros((widest, p), dtype=np.bool_)
    seen, queue = np.full(size, -1, dtype=np.intp), np.empty((size + 1, 2), dtype=np.intp)
    hit, rules, n_hit = np.empty((size, 2), dtype=np.intp), np.empty(size, dtype=np.uint8), 0
    for a in range(p):
        if stop[0]:
            break
        known = False  # what walks from a reach
        for to in range(starts[a], starts[a + 1]):
            c = near[to]
            if ends[c, a] != _CIRCLE or ends[a, c] != _ARROW:
                continue
            rule = 8 if _rule_8(ends, starts, near, a, c) else 0
            if rule == 0 and not known:
                known = True
                for at in range(starts[a], starts[a + 1]):
                    b = near[at]
                    row = reached[at - starts[a]]
                    if ends[b, a] == _ARROW or ends[a, b] == _TAIL:
                        row[:] = False
                    else:
                        _walk_on(ends, starts, near, unclear, a, b, seen, at, queue, row)
            if rule == 0:
                rule = _rule_9_or_10(ends, starts, near, unclear, a, c, reached)
            if rule > 0:
                hit[n_hit, 0], hit[n_hit, 1], rules[n_hit] = c, a, rule
                n_hit += 1
    for row in range(n_hit):
        c, a = hit[row]
        ends[c, a], reason[c, a] = _TAIL, rules[row]
    return n_hit


# --- all together --------------------------------------------------------------------------------


@kernel
def close(
    ends: Marks,
    starts: IntArray,
    near: IntArray,
    unclear: IntArray,
    reason: Marks,
    selection: bool,
    ask: bool,
    told: bool,
    stop: BoolArray,
) -> IntArray:
    """Apply all rules but the fourth until none applies, or until the fourth has a question.

    Parameters
    ----------
    ends, starts, near, unclear, reason
        Marks, neighbours, what is not known; `reason` learns which rule set a mark.
    selection : bool
        Whether rule 5 may be used.
    ask : bool
        Whether discriminating paths are looked for.
    told : bool
        Whether this goes on after a question whose answer set no mark.
    stop : ndarray of bool, shape (1,)
        Raised from outside when the time is up.

    Returns
    -------
    ndarray of int, shape (m, 5)
        Discriminating paths that are to be judged; if there is none, the marks are closed.
    """
    while not stop[0]:
        if not told:
            _spread(ends, starts, near, unclear, reason, stop)
            if ask:
                paths = _discriminating_paths(ends, starts, near, stop)
                if len(paths) > 0:
                    return paths
        told = False
        if selection and _circle_cycles(ends, starts, near, unclear, reason, stop) > 0:
            continue
        if _settle_tails(ends, starts, near, unclear, reason, stop) == 0:
            break
    return np.empty((0, 5), dtype=np.intp)
