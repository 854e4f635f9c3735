"""The race for the first variable in causal order.

Two exponentials for each row of each residual are nearly all that a LiNGAM search costs. They are
taken by one short polynomial and five squarings, which processors do eight rows at a time; and a
pair is asked about only while its answer can still matter (see :class:`Race`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from causalkit._core.jit import inner_kernel, kernel, sums_kernel
from causalkit.typing import FloatArray, IntArray

__all__ = [
    "Race",
    "first_of",
    "new_race",
    "remove",
    "run_race",
    "shapes_of",
    "start_race",
]

_CHUNK = 1000  # factors of at most 2 each, whose product is a number still
_LAST = 24.0  # exp(-24) is nothing to a mean
_LOG_2 = 0.6931471805599453

# Hyvärinen (1998): negentropy by two expectations, and the first of them for a Gaussian.
_K1, _K2, _GAUSSIAN = 79.047, 7.4129, 0.37457

_SLACK = 1.0 + 1e-9  # more than the order of additions can do to a sum
_HINT = 1e-6


@sums_kernel
def _decay(y: float) -> float:
    """exp(-y) for y in [0, 24], to 5e-12: a polynomial for exp(-y / 32), five times squared."""
    v = 1.2676062184660157e-12 - 4.586191927081956e-15 * y
    v = v * y - 2.480729757250756e-10
    v = v * y + 3.97348679057868e-08
    v = v * y - 5.086258652841756e-06
    v = v * y + 0.00048828124452671384
    v = v * y - 0.03124999999764358
    v = v * y + 0.9999999999998515
    v *= v
    v *= v
    v *= v
    v *= v
    return v * v


@sums_kernel
def _shapes(x: FloatArray, y: FloatArray, r: float) -> tuple[float, float, float, float]:
    """Mean log cosh and mean u exp(-u²/2) of x given y, then of y given x; r correlates them.

    log cosh u = |u| + log(1 + exp(-2|u|)) - log 2, and logarithms are taken of products.
    """
    n, scale = len(x), 1.0 / np.sqrt(max(1.0 - r * r, 1e-15))
    size_x, bend_x, lean_x, size_y, bend_y, lean_y = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for start in range(0, n, _CHUNK):
        factors_x, factors_y = 1.0, 1.0
        for t in range(start, min(start + _CHUNK, n)):
            u, v = (x[t] - r * y[t]) * scale, (y[t] - r * x[t]) * scale
            a, b = abs(u), abs(v)
            size_x += a
            size_y += b
            factors_x *= 1.0 + _decay(min(2.0 * a, _LAST))
            factors_y *= 1.0 + _decay(min(2.0 * b, _LAST))
            lean_x += u * _decay(min(0.5 * u * u, _LAST))
            lean_y += v * _decay(min(0.5 * v * v, _LAST))
        bend_x += np.log(factors_x)
        bend_y += np.log(factors_y)
    return (
        (size_x + bend_x) / n - _LOG_2,
        lean_x / n,
        (size_y + bend_y) / n - _LOG_2,
        lean_y / n,
    )


@sums_kernel
def _product(x: FloatArray, y: FloatArray) -> float:
    total = 0.0
    for t in range(len(x)):
        total += x[t] * y[t]
    return total


@inner_kernel
def _entropy(bend: float, lean: float) -> float:
    """Differential entropy of a variable with variance 1, less that of a Gaussian."""
    return -_K1 * (bend - _GAUSSIAN) ** 2 - _K2 * lean**2


@kernel
def shapes_of(columns: FloatArray) -> FloatArray:
    """Mean log cosh and mean u exp(-u²/2) of rows with mean 0 and variance 1, shape (p, 2)."""
    shapes = np.empty((len(columns), 2))
    for i in range(len(columns)):
        shapes[i, 0], shapes[i, 1], _, _ = _shapes(columns[i], columns[i], 0.0)
    return shapes


class Race(NamedTuple):
    """Which of the variables that are left comes first, asking about as few pairs as can be.

    DirectLiNGAM charges a variable i, for each j that speaks against it, the square of the
    difference by which j -> i explains the two better than i -> j. Charges only grow. So once all
    pairs of one variable are known, whoever has been charged more than it is out of the race, with
    most of its pairs never asked about; the winner is the same.

    Attributes
    ----------
    columns : ndarray of shape (p, n)
        Variables as rows: residuals given those already placed, with mean 0 and variance 1.
    entropies : ndarray of shape (p,)
        Of these.
    gains : ndarray of shape (p, p)
        `[i, j]`: by how many nats i -> j explains the two better than j -> i; NaN if not asked.
    residual_entropies : ndarray of shape (p, p)
        `[i, j]`: of j given i.
    before : ndarray of shape (p, p)
        Gains as of an earlier race, if any: where to look first.
    correlations : ndarray of shape (p, p)
        Of the columns, updated by formula: a hint, too.
    charges : ndarray of shape (p,)
    n_open : ndarray of int, shape (p,)
        Pairs not asked about.
    """

    columns: FloatArray
    entropies: FloatArray
    gains: FloatArray
    residual_entropies: FloatArray
    before: FloatArray
    correlations: FloatArray
    charges: FloatArray
    n_open: IntArray


@kernel
def new_race(columns: FloatArray, correlations: FloatArray) -> Race:
    """All variables, as rows with mean 0 and variance 1; both arrays are given away."""
    p = len(columns)
    shapes, entropies = shapes_of(columns), np.empty(p)
    for i in range(p):
        entropies[i] = _entropy(shapes[i, 0], shapes[i, 1])
    gains, residuals, before = np.empty((p, p)), np.empty((p, p)), np.full((p, p), np.nan)
    charges, n_open = np.zeros(p), np.zeros(p, dtype=np.intp)
    return Race(columns, entropies, gains, residuals, before, correlations, charges, n_open)


@kernel
def start_race(race: Race, left: IntArray) -> None:
    """Forget what was asked about the variables in `left`."""
    for i in left:
        race.charges[i] = 0.0
        race.n_open[i] = len(left) - 1
        for j in left:
            race.gains[i, j] = np.nan


@kernel
def run_race(race: Race, left: IntArray, runners: IntArray) -> None:
    """Ask until the race is decided: all about the runner that looks best, then whoever leads."""
    favourite = _favourite(race, left, runners)
    for j in left:
        if j != favourite:
            _ask(race, favourite, j)
    bound = race.charges[favourite]
    while True:
        leader, least = -1, bound * _SLACK
        for i in runners:
            if race.n_open[i] and race.charges[i] <= least:
                leader, least = i, race.charges[i]
        if leader < 0:
            return
        _ask(race, leader, _worst_for(race, left, leader))
        if race.n_open[leader] == 0:
            bound = min(bound, race.charges[leader])


@inner_kernel
def _ask(race: Race, i: int, j: int) -> None:
    """Compare i -> j with j -> i, and charge the one that explains less."""
    x, y = race.columns[i], race.columns[j]
    bend_i, lean_i, bend_j, lean_j = _shapes(x, y, _product(x, y) / len(x))
    of_i, of_j = _entropy(bend_i, lean_i), _entropy(bend_j, lean_j)
    gain = (race.entropies[j] + of_i) - (race.entropies[i] + of_j)
    race.gains[i, j], race.gains[j, i] = gain, -gain
    race.residual_entropies[j, i], race.residual_entropies[i, j] = of_i, of_j
    race.charges[i] += min(gain, 0.0) ** 2
    race.charges[j] += min(-gain, 0.0) ** 2
    race.n_open[i] -= 1
    race.n_open[j] -= 1


@inner_kernel
def _favourite(race: Race, left: IntArray, runners: IntArray) -> int:
    """The runner with the least charges by what was known before."""
    best, least = -1, np.inf
    for i in runners:
        charge = 0.0
        for j in left:
            if j != i and race.before[i, j] < 0.0:
                charge += race.before[i, j] ** 2
        if best < 0 or charge < least:
            best, least = i, charge
    return best


@inner_kernel
def _worst_for(race: Race, left: IntArray, i: int) -> int:
    """Whoever is most likely to speak against i, of those not asked yet."""
    worst, most = -1, -np.inf
    for j in left:
        if j == i or not np.isnan(race.gains[i, j]):
            continue
        square = race.correlations[i, j] ** 2
        before = race.before[i, j]
        if np.isnan(before):
            hint = _HINT * square
        elif before < 0.0:
            hint = before**2
        else:
            hint = square - 2.0  # spoke for i; the more, the clearer the two hang together
        if worst < 0 or hint > most:
            worst, most = j, hint
    return worst


@kernel
def first_of(race: Race, left: IntArray, runners: IntArray) -> int:
    """The winner. Charges are added up in one order, whatever the order of the questions."""
    best, least = -1, np.inf
    for i in runners:
        if race.n_open[i]:
            continue
        charge = 0.0
        for j in left:
            if j != i:
                charge += min(race.gains[i, j], 0.0) ** 2
        if best < 0 or charge < least:
            best, least = i, charge
    return best


@kernel
def remove(race: Race, left: IntArray, root: int) -> None:
    """Take out of the others what `root` explains; all pairs with it are known."""
    for i in left:
        for j in left:
            if not np.isnan(race.gains[i, j]):
                race.before[i, j] = race.gains[i, j]
    for j in left:
        if j != root:
            _take_out(race.columns[j], race.columns[root])
            race.entropies[j] = race.residual_entropies[root, j]
    R = race.correlations
    for i in left:
        for j in left:
            if i != root and j != root and i < j:
                scale = (1.0 - R[i, root] ** 2) * (1.0 - R[j, root] ** 2)
                R[i, j] = (R[i, j] - R[i, root] * R[j, root]) / np.sqrt(max(scale, 1e-30))
                R[j, i] = R[i, j]


@sums_kernel
def _take_out(y: FloatArray, x: FloatArray) -> None:
    """Put the residual of y given x in the place of y, with mean 0 and variance 1."""
    n = len(y)
    r = _product(x, y) / n
    total, squares = 0.0, 0.0
    for t in range(n):
        y[t] -= r * x[t]
        total += y[t]
        squares += y[t] * y[t]
    mean = total / n
    scale = 1.0 / np.sqrt(squares / n - mean * mean)
    for t in range(n):
        y[t] = (y[t] - mean) * scale
