"""Slow and obvious tests on counts: one dictionary of counts for each stratum."""

from __future__ import annotations

from collections import Counter, defaultdict
from math import log, prod

import numpy as np
from scipy.stats import chi2


def strata(codes: np.ndarray, i: int, j: int, given=()) -> dict[tuple, Counter]:
    """Counts of (x, y) within every combination of levels of `given` that occurs."""
    found: dict[tuple, Counter] = defaultdict(Counter)
    for row in codes.tolist():
        found[tuple(row[k] for k in given)][row[i], row[j]] += 1
    return found


def counts_test(
    codes: np.ndarray, i: int, j: int, given=(), *, pearson=False, plain=False, min_per_cell=1.0
) -> tuple[float, int, float] | None:
    """Statistic, degrees of freedom and p-value; None if the set cannot be tested."""
    levels = [len(set(column)) for column in codes.T.tolist()]
    tables = strata(codes, i, j, given)
    if len(codes) < min_per_cell * len(tables) * levels[i] * levels[j]:
        return None
    statistic, freedom = 0.0, 0
    for table in tables.values():
        xs, ys = Counter(), Counter()
        for (x, y), count in table.items():
            xs[x] += count
            ys[y] += count
        for x in xs:
            for y in ys:
                seen, expected = table[x, y], xs[x] * ys[y] / xs.total()
                if pearson:
                    statistic += (seen - expected) ** 2 / expected
                elif seen:
                    statistic += 2 * seen * log(seen / expected)
        freedom += (len(xs) - 1) * (len(ys) - 1)
    if freedom == 0:
        return None
    if plain:
        freedom = (levels[i] - 1) * (levels[j] - 1) * prod(levels[k] for k in given)
    return statistic, freedom, float(chi2.sf(statistic, freedom))


def categories(rng: np.random.Generator, n: int, levels) -> np.ndarray:
    """Codes of shape (n, p): every column leans on the sum of the two before it."""
    columns: list[np.ndarray] = []
    for size in levels:
        noise = rng.integers(0, size, n)
        pull = sum(columns[-2:], np.zeros(n, dtype=int)) % size
        columns.append(np.where(rng.random(n) < 0.4, pull, noise))
    return np.column_stack(columns)
