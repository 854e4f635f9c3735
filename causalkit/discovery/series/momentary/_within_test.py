"""Partial correlations on panels in which subjects, and times, may be conditions.

Which subject a row belongs to stands for all that is constant in a subject, and its time for all
that is common to the subjects at that time, observed or not. To condition on a subject is to take
its mean away from every column (Frisch, Waugh and Lovell), so each of the four ways to condition
(on neither, on one, on both) has a covariance matrix of its own, and a test picks the matrix.
Whether a column depends on the subject is an F test: what do the means of subjects explain beyond
the rest?
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np
from scipy.special import fdtrc, stdtr

from causalkit.errors import NumericalError
from causalkit.independence import BoundTest, CIResult
from causalkit.typing import FloatArray, IntArray

__all__ = ["WithinTest"]

_TINY: Final = 1e-10
_ROUNDS: Final = 1000


@dataclass(frozen=True, slots=True, eq=False)
class WithinTest(BoundTest):
    """Columns `lag * p + k`; some nodes k are labels of rows, others are constant in them.

    Attributes
    ----------
    covariances : dict
        By the set of labels that is taken out: the covariance matrix of the columns.
    freedom : dict
        By the same set: how many means were taken out.
    n : int
        Rows.
    p : int
        Nodes of a step.
    labels : dict
        By node: which label it is.
    fixed : dict
        By node that is constant under a label: that label.
    """

    covariances: dict[frozenset[str], FloatArray]
    freedom: dict[frozenset[str], int]
    n: int
    p: int
    labels: dict[int, str]
    fixed: dict[int, str]

    @classmethod
    def of(
        cls,
        values: FloatArray,
        groups: dict[str, IntArray],
        p: int,
        labels: dict[int, str],
        fixed: dict[int, str],
    ) -> WithinTest:
        """Compute the covariance matrices.

        Parameters
        ----------
        values : ndarray of shape (n, m)
            Lagged columns; those of labels hold anything.
        groups : dict of str to ndarray of int, shape (n,)
            By label: the group of each row, from 0.
        """
        largest = np.abs(values).max(axis=0)  # or squares overflow, or vanish
        unit = values / np.where(largest > 0, largest, 1.0)
        unit -= unit.mean(axis=0)
        spread = unit.std(axis=0)
        unit /= np.where(spread > 0, spread, 1.0)
        covariances, freedom = {}, {}
        names = sorted(groups)
        for chosen in ([], *([name] for name in names), names if len(names) == 2 else []):
            left = _without_means(unit, [groups[name] for name in chosen])
            covariances[frozenset(chosen)] = left.T @ left / len(left)
            freedom[frozenset(chosen)] = sum(int(groups[name].max()) for name in chosen)
        return cls(covariances, freedom, len(values), p, labels, fixed)

    def same_under(self, label: str) -> IntArray:
        """Nodes that do not vary within the groups of a label, though nobody said so."""
        own = [k for k in range(self.p) if k not in self.labels and self.fixed.get(k) != label]
        left = np.diagonal(self.covariances[frozenset({label})])[own]
        whole = np.diagonal(self.covariances[frozenset()])[own]
        return np.array(own, dtype=np.intp)[left <= _TINY * whole]

    def __call__(self, i: int, j: int, given: Sequence[int] = ()) -> CIResult:
        """Test columns i and j given other columns."""
        out = frozenset(self.labels[c % self.p] for c in given if c % self.p in self.labels)
        columns = self._columns(given, out)
        for one, other in ((i, j), (j, i)):
            if one % self.p in self.labels:
                return self._of_label(self.labels[one % self.p], other, columns, out)
        r = self._partial(i, j, columns, out)
        left = self.n - 2 - self.freedom[out] - len(columns)
        if left <= 0 or r is None:
            raise NumericalError(
                f"columns {i} and {j} have no partial correlation given columns {tuple(given)}: "
                "too few rows, or one of them is determined by the set; expected columns that each "
                "add something. Condition on fewer columns."
            )
        t = abs(r) * sqrt(left / max((1.0 - r) * (1.0 + r), 1e-300))
        return CIResult(r, float(min(1.0, 2.0 * stdtr(left, -t))), self.n)

    def _columns(self, given: Sequence[int], out: frozenset[str]) -> list[int]:
        """Conditions that are columns, each once; what a label says already is none."""
        columns: dict[int, None] = {}
        for c in given:
            label = self.fixed.get(c % self.p)
            if c % self.p not in self.labels and label not in out:
                columns[c % self.p if label == "subject" else c] = None
        return list(columns)

    def _of_label(self, label: str, column: int, given: list[int], out: frozenset[str]) -> CIResult:
        """Test whether the means of a label's groups explain a column beyond the rest."""
        node = column % self.p
        before, after = self.covariances[out], self.covariances[out | {label}]
        kept = [c for c in given if self.fixed.get(c % self.p) != label]
        rest = _residual(before, column, given)
        own = _residual(after, column, kept)
        more = self.freedom[out | {label}] - self.freedom[out] - (len(given) - len(kept))
        left = self.n - 1 - self.freedom[out | {label}] - len(kept)
        if node in self.labels or self.fixed.get(node) == label or more <= 0 or left <= 0:
            raise NumericalError(
                f"the means of the {label} cannot be tested here; expected a column that varies "
                f"within each {label}, and more groups than conditions."
            )
        if own <= _TINY * self.covariances[frozenset()][column, column]:
            raise NumericalError("the conditions determine the column; expected fewer of them.")
        ratio = max(rest - own, 0.0) / more / (own / left)
        share = sqrt(max(1.0 - own / rest, 0.0)) if rest > 0 else 0.0
        return CIResult(share, float(fdtrc(more, left, ratio)), self.n)

    def _partial(self, i: int, j: int, given: list[int], out: frozenset[str]) -> float | None:
        covariance = self.covariances[out]
        both = covariance[np.ix_([i, j], [i, j])]
        if given:
            inner = covariance[np.ix_(given, given)]
            outer = covariance[np.ix_(given, [i, j])]
            both = both - outer.T @ np.linalg.lstsq(inner, outer, rcond=_TINY)[0]
        left, raw = np.diagonal(both), np.diagonal(self.covariances[frozenset()])[[i, j]]
        if (left <= _TINY * raw).any():
            return None
        return float(np.clip(both[0, 1] / np.sqrt(left[0] * left[1]), -1.0, 1.0))


def _residual(covariance: FloatArray, column: int, given: list[int]) -> float:
    """Variance that is left of a column."""
    left = float(covariance[column, column])
    if given:
        outer = covariance[given, column]
        inner = covariance[np.ix_(given, given)]
        left -= float(outer @ np.linalg.lstsq(inner, outer, rcond=_TINY)[0])
    return left


def _without_means(values: FloatArray, groups: list[IntArray]) -> FloatArray:
    """Take the means of all groups away; of two kinds in turn, until nothing changes."""
    left = values.copy()
    for _ in range(_ROUNDS if len(groups) > 1 else 1):
        largest = 0.0
        for group in groups:
            sizes = np.bincount(group).astype(np.float64)
            sums = np.zeros((len(sizes), values.shape[1]))
            np.add.at(sums, group, left)
            means = sums / sizes[:, None]
            left -= means[group]
            largest = max(largest, float(np.abs(means).max()))
        if largest < 1e-10:
            break
    return left
