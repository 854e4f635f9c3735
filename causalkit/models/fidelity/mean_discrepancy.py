"""The maximum mean discrepancy: how far apart two clouds of windows are, and how far by chance.

With a Gaussian kernel k of median width the squared discrepancy is

    E k(x, x') + E k(y, y') - 2 E k(x, y),

0 only where both clouds have one distribution. Its unbiased estimate may fall below 0. Windows of a
series are not independent, so for the p-value whole blocks are exchanged between the two sides;
that costs next to nothing, as sums of the kernel over pairs of blocks are all it takes.

References
----------
Gretton, Borgwardt, Rasch, Schölkopf & Smola (2012), A kernel two-sample test, Journal of Machine
Learning Research 13:723-773. https://jmlr.org/papers/v13/gretton12a.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from causalkit.models.fidelity.paired_samples import Windows, spaced
from causalkit.typing import FloatArray

__all__ = ["Discrepancy", "mean_discrepancy", "squared_distances"]

_MOST_WINDOWS: Final = 500
_FAR: Final = 8.0


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """Distance between the distributions of real and synthetic windows.

    Attributes
    ----------
    value : float
        Squared maximum mean discrepancy, unbiased.
    p_value : float
        Share of exchanges of blocks with at least that much.
    width : float
        Of the kernel: the median distance between windows, in coded units.
    """

    value: float
    p_value: float
    width: float


def mean_discrepancy(
    real: Windows, synthetic: Windows, *, n_permutations: int, rng: np.random.Generator
) -> Discrepancy:
    """Compare windows by the kernel mean.

    Parameters
    ----------
    real, synthetic : Windows
        At most 500 of each are used, evenly spread.
    n_permutations : int
    rng : Generator
    """
    sides = [spaced(side, _MOST_WINDOWS) for side in (real, synthetic)]
    rows = np.clip(np.vstack([side.flat() for side in sides]), -_FAR, _FAR)
    block = np.concatenate([sides[0].block, sides[1].block + sides[0].n_blocks])
    distance = squared_distances(rows, rows)
    apart = distance[np.triu_indices(len(rows), 1)]
    median = float(np.median(apart))
    width = median if median > 0 else max(float(apart.mean()), 1e-300)
    kernel = np.exp(-distance / width)  # so that at the median distance it is 1 / e
    np.fill_diagonal(kernel, 0.0)
    n_blocks = int(block[-1]) + 1
    member = (block[:, None] == np.arange(n_blocks)).astype(np.float64)
    sums, sizes = member.T @ kernel @ member, member.sum(axis=0)
    observed = np.arange(n_blocks) < sides[0].n_blocks
    found = _discrepancies(observed[None].astype(np.float64), sums, sizes)[0]
    order = rng.permuted(np.tile(observed.astype(np.float64), (n_permutations, 1)), axis=1)
    null = _discrepancies(order, sums, sizes)
    p_value = (1 + int((null >= found - 1e-12).sum())) / (1 + n_permutations)
    return Discrepancy(float(found), p_value, float(np.sqrt(width)))


def squared_distances(rows: FloatArray, others: FloatArray) -> FloatArray:
    """Squared Euclidean distances of all pairs, shape (n, m)."""
    norms = (rows**2).sum(axis=1)[:, None] + (others**2).sum(axis=1)
    return np.asarray(np.maximum(norms - 2.0 * rows @ others.T, 0.0))


def _discrepancies(first: FloatArray, sums: FloatArray, sizes: FloatArray) -> FloatArray:
    """Of each way to choose the blocks of the first side, shape (n_ways, n_blocks)."""
    second = 1.0 - first
    n, m = first @ sizes, second @ sizes

    def mean(a: FloatArray, b: FloatArray, pairs: FloatArray) -> FloatArray:
        return np.asarray(((a @ sums) * b).sum(axis=1) / np.maximum(pairs, 1.0))

    return (
        mean(first, first, n * (n - 1))
        + mean(second, second, m * (m - 1))
        - 2.0 * mean(first, second, n * m)
    )
