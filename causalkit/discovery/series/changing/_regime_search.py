"""Which step is in which regime: predictions by regime, and the best assignment to them.

The two halves of the search take turns. Given the regimes, a linear prediction of each series is
fitted within each of them. Given the predictions, each step goes where it is predicted best, though
with no more than so many transitions; the best such assignment is found by dynamic programming over
(step, regime, transitions used), so it is exact.

What is made small is the sum over series of the logarithm of the noise variance. Weights of one by
the noise are its tangent, so each half makes it smaller, and series of any scale count alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["Design", "assign", "costs_of", "random_regimes", "search_regimes"]

_RIDGE = 1e-3
_MOST_TURNS = 50


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """Steps to be told apart, and what may predict them.

    Attributes
    ----------
    columns : ndarray of shape (n, 1 + m)
        One, and the lagged columns `lag * p + k` in standard units.
    p : int
        Series; the first p lagged columns are what is predicted.
    first : ndarray of int
        Numbers of the steps at which a subject begins.
    """

    columns: FloatArray
    p: int
    first: IntArray

    @classmethod
    def of(cls, lagged: FloatArray, p: int, subject: IntArray) -> Design:
        """Put lagged columns into standard units."""
        size = np.abs(lagged).max(axis=0)
        scaled = lagged / np.where(size > 0, size, 1.0)
        scaled = scaled - scaled.mean(axis=0)
        spread = scaled.std(axis=0)
        scaled /= np.where(spread > 0, spread, 1.0)
        first = np.flatnonzero(np.diff(subject, prepend=subject[0] - 1))
        return cls(np.column_stack([np.ones(len(lagged)), scaled]), p, first)

    @property
    def n(self) -> int:
        """Number of steps."""
        return len(self.columns)

    def coefficients(self, rows: BoolArray, causes: BoolArray) -> FloatArray:
        """Predict series from columns by least squares, with a little ridge.

        Parameters
        ----------
        rows : ndarray of bool, shape (n,)
        causes : ndarray of bool, shape (m, p)
            Which columns predict which series.

        Returns
        -------
        ndarray of shape (1 + m, p)
        """
        x = self.columns[rows]
        gram = x.T @ x / max(len(x), 1)
        found = np.zeros((len(gram), self.p))
        for causes_of, group in _same_columns(causes):
            where = np.concatenate(([0], 1 + causes_of))
            part = gram[np.ix_(where, where)] + _RIDGE * np.eye(len(where))
            found[np.ix_(where, group)] = np.linalg.solve(part, gram[np.ix_(where, 1 + group)])
        return found

    def squares(self, coefficients: FloatArray) -> FloatArray:
        """Squared errors of a prediction, shape (n, p)."""
        errors: FloatArray = (self.columns[:, 1 : 1 + self.p] - self.columns @ coefficients) ** 2
        return errors


def _same_columns(causes: BoolArray) -> list[tuple[IntArray, IntArray]]:
    """Causes, and all series that have just these."""
    groups: dict[bytes, list[int]] = {}
    for j in range(causes.shape[1]):
        groups.setdefault(causes[:, j].tobytes(), []).append(j)
    return [(np.flatnonzero(causes[:, js[0]]), np.array(js)) for js in groups.values()]


def assign(costs: FloatArray, max_transitions: int, first: IntArray) -> tuple[IntArray, FloatArray]:
    """Assign each step to a regime at the least cost, with few transitions.

    Parameters
    ----------
    costs : ndarray of shape (n_problems, n, n_regimes)
        Several problems are solved side by side.
    max_transitions : int
        Transitions of each subject.
    first : ndarray of int
        Steps at which a subject begins.

    Returns
    -------
    regimes : ndarray of int, shape (n_problems, n)
    total : ndarray of float, shape (n_problems,)
    """
    regimes = np.empty(costs.shape[:2], dtype=np.intp)
    total = np.zeros(len(costs))
    for start, stop in zip(first.tolist(), [*first[1:].tolist(), costs.shape[1]], strict=True):
        regimes[:, start:stop], cost = _best_path(costs[:, start:stop], max_transitions)
        total += cost
    return regimes, total


def _best_path(costs: FloatArray, max_transitions: int) -> tuple[IntArray, FloatArray]:
    """The same for one subject; `best[r, c, k]`: least cost so far in regime k after c changes."""
    n_problems, n, n_regimes = costs.shape
    problem = np.arange(n_problems)
    best = np.full((n_problems, max_transitions + 1, n_regimes), np.inf)
    best[:, 0] = costs[:, 0]
    came_from = np.empty((n, n_problems, max_transitions + 1, n_regimes), dtype=np.int16)
    stay = np.broadcast_to(np.arange(n_regimes, dtype=np.int16), best.shape)
    for t in range(1, n):
        came_from[t] = stay
        if max_transitions and n_regimes > 1:
            order = np.argsort(best[:, :-1], axis=2)[:, :, :2]
            from_, second = order[:, :, :1], order[:, :, 1:]
            other = np.where(from_ == stay[:, 1:], second, from_)  # the best one that is not k
            moved = np.take_along_axis(best[:, :-1], other, axis=2)
            better = moved < best[:, 1:]
            came_from[t, :, 1:][better] = other[better]
            best[:, 1:] = np.where(better, moved, best[:, 1:])
        best += costs[:, t, None]
    flat = best.reshape(n_problems, -1).argmin(axis=1)
    changes, regime = np.divmod(flat, n_regimes)
    total = best[problem, changes, regime]
    path = np.empty((n_problems, n), dtype=np.intp)
    for t in range(n - 1, -1, -1):
        path[:, t] = regime
        if t:
            before = came_from[t, problem, changes, regime].astype(np.intp)
            changes = changes - (before != regime)
            regime = before
    return path, total


def random_regimes(
    n: int, n_regimes: int, max_transitions: int, first: IntArray, rng: np.random.Generator
) -> IntArray:
    """Draw a begin: stretches of random length in random regimes."""
    found = np.empty(n, dtype=np.intp)
    for start, stop in zip(first.tolist(), [*first[1:].tolist(), n], strict=True):
        n_changes = min(max_transitions, stop - start - 1)
        changes = rng.choice(np.arange(start + 1, stop), n_changes, replace=False)
        stretch = np.searchsorted(np.sort(changes), np.arange(start, stop), side="right")
        turn = rng.integers(0, n_regimes)
        steps = rng.integers(1, max(n_regimes, 2), size=n_changes)
        found[start:stop] = ((turn + np.concatenate(([0], np.cumsum(steps)))) % n_regimes)[stretch]
    return found


def search_regimes(
    design: Design,
    n_regimes: int,
    max_transitions: int,
    starts: Sequence[np.random.Generator],
) -> tuple[IntArray, FloatArray]:
    """Let predictions from all lags and assignments take turns, from many random begins at once.

    Returns
    -------
    regimes : ndarray of int, shape (n_starts, n)
    noise : ndarray of float, shape (n_starts,)
        Share of the variance that is noise, the geometric mean over series; the less the better.
    """
    causes = np.ones((design.columns.shape[1] - 1, design.p), dtype=np.bool_)
    causes[: design.p] = False  # the past predicts
    regimes = np.stack(
        [random_regimes(design.n, n_regimes, max_transitions, design.first, s) for s in starts]
    )
    noise = np.full(len(regimes), np.inf)
    running = np.arange(len(regimes))
    for _ in range(_MOST_TURNS):
        if not len(running):
            break
        turns = [
            costs_of(design, regimes[r], n_regimes, [causes] * n_regimes, starts[r])
            for r in running.tolist()
        ]
        noise[running] = [of_begin for _, of_begin in turns]
        again, _ = assign(np.stack([costs for costs, _ in turns]), max_transitions, design.first)
        same = (again == regimes[running]).all(axis=1)
        regimes[running] = again
        running = running[~same]
    return regimes, noise


def costs_of(
    design: Design,
    regimes: IntArray,
    n_regimes: int,
    causes: Sequence[BoolArray],
    rng: np.random.Generator,
) -> tuple[FloatArray, float]:
    """Errors of each step in each regime, and the noise that is left with the regimes given.

    A regime that has lost almost all its steps begins anew with a random stretch of them.

    Returns
    -------
    costs : ndarray of shape (n, n_regimes)
        Squared errors in units of the noise, summed over series.
    noise : float
        Geometric mean over series of its share of the variance.
    """
    squares = []
    for k in range(n_regimes):
        rows = regimes == k
        if rows.sum() <= 2 + causes[k].sum(axis=0).max():
            rows = np.zeros(design.n, dtype=np.bool_)
            length = max(design.n // (2 * n_regimes), 1)
            start = rng.integers(0, design.n - length + 1)
            rows[start : start + length] = True
        squares.append(design.squares(design.coefficients(rows, causes[k])))
    own = np.take_along_axis(np.stack(squares), regimes[None, :, None], axis=0)[0]
    noise = np.maximum(own.mean(axis=0), 1e-12)
    costs: FloatArray = np.stack([(each / noise).sum(axis=1) for each in squares], axis=1)
    return costs, float(np.exp(np.log(noise).mean()))
