"""What a joint distribution says about each district of a graph, in numbers.

Variables that hidden causes tie together form a district D. What the graph lets data say about it
is how D answers when everything else is set::

    Q[D](d | inputs) = P(D = d | do(inputs)),       inputs: the parents of D outside of it

P is the product of these over all districts, and no other fact ties one district to another. Inside
a district smaller sets T may be known too: an effect of D may be summed away, and what is left may
fall apart into districts of its own. Those that are reached so are the intrinsic sets, and any
effect that follows from graph and data is made of their Q[T].

A kernel Q[T] is an array with one axis for each variable of the graph, of length 1 if it does not
depend on it. Where conditions never occur, what is not known is NaN: a hole.

References
----------
Tian, Pearl (2002), "A general identification condition for causal effects", AAAI. Richardson,
Evans, Robins, Shpitser (2023), "Nested Markov properties for acyclic directed mixed graphs",
doi:10.1214/22-AOS2253.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from causalkit.identification.general.mixed import Mixed, each
from causalkit.typing import FloatArray

__all__ = ["intrinsic_sets", "is_clique", "prefixes"]


def prefixes(mixed: Mixed, joint: FloatArray, district: int) -> Iterator[tuple[int, FloatArray]]:
    """Yield (T, Q[T]) for the first one, two, ... nodes T of a district; last, the district.

    A node is asked only given its Markov pillow, the part of its past that the graph says matters,
    so that chance dependences of a sample on the rest do not enter.
    """
    kernel: FloatArray = np.ones((1,) * joint.ndim)
    done = 0
    for i in each(district):
        past = (2 << i) - 1
        kernel = _times(kernel, _given(joint, i, _pillow(mixed, i, past)))
        done |= 1 << i
        yield done, kernel


def intrinsic_sets(mixed: Mixed, district: int, kernel: FloatArray) -> dict[int, FloatArray]:
    """All intrinsic sets of a district with their kernels, from the kernel of the district."""
    found = {district: kernel}
    waiting = [district]
    while waiting:
        whole = waiting.pop()
        for i in each(whole):
            rest = whole & ~(1 << i)
            if not rest or mixed.children[i] & whole:
                continue
            margin = found[whole].sum(axis=i, keepdims=True)
            for part in mixed.districts(rest):
                if part not in found:
                    found[part] = _of_part(mixed, margin, rest, part)
                    waiting.append(part)
    return found


def is_clique(mixed: Mixed, mask: int) -> bool:
    """Whether hidden causes join every two nodes of a set."""
    return all(mask & ~(1 << i) & ~mixed.spouses[i] == 0 for i in each(mask))


def _of_part(mixed: Mixed, kernel: FloatArray, whole: int, part: int) -> FloatArray:
    """Q[part] from Q[whole], `part` being a district of the sub-graph of `whole`."""
    result: FloatArray = np.ones((1,) * kernel.ndim)
    for i in each(part):
        past = whole & ((2 << i) - 1)
        later = tuple(each(whole & ~past))
        so_far = kernel.sum(axis=later, keepdims=True)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = so_far / so_far.sum(axis=i, keepdims=True)
        result = _times(result, _mean_over(ratio, ~(_pillow(mixed, i, past) | 1 << i)))
    return result


def _pillow(mixed: Mixed, i: int, past: int) -> int:
    """What i depends on among `past` (and inputs): its district there, and the parents of that."""
    district = mixed.district(1 << i, past)
    return (district | mixed.parents_of(district)) & ~(1 << i)


def _given(joint: FloatArray, i: int, pillow: int) -> FloatArray:
    """P(i | pillow), NaN where the condition never occurs."""
    others = tuple(k for k in range(joint.ndim) if not (pillow | 1 << i) >> k & 1)
    margin = joint.sum(axis=others, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(margin / margin.sum(axis=i, keepdims=True))


def _times(known: FloatArray, factor: FloatArray) -> FloatArray:
    """The product, where nothing times a hole is nothing."""
    return np.where(known == 0, 0.0, known * factor)


def _mean_over(kernel: FloatArray, mask: int) -> FloatArray:
    """The mean over variables that the kernel does not depend on in theory; holes are left out."""
    axes = tuple(k for k in range(kernel.ndim) if mask >> k & 1)
    known = np.isfinite(kernel)
    total = np.where(known, kernel, 0.0).sum(axis=axes, keepdims=True)
    with np.errstate(invalid="ignore"):
        return np.asarray(total / known.sum(axis=axes, keepdims=True))
