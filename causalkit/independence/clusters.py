"""Rows that come in clusters: pupils in schools, visits of patients, clicks of users.

Two pupils of one school have more in common than the model explains, so a thousand pupils of ten
schools are not a thousand independent rows. Tests that take them for such see effects everywhere:
with 20 rows a cluster and an intra-cluster correlation of one half, Fisher's z at 5 % rejects true
independences in four cases out of ten.

The remedy leaves the estimate as it is and looks at its variance. With u and v the residuals of x
and y given S, independence says that u * v averages zero; the sums of u * v over clusters are
independent of each other whatever goes on within, so they are put to the one-sample t test (for
blocks, Hotelling's T²)::

    t = mean(sums) / sqrt(var(sums) / (G - |S|)),   G clusters, G - |S| - 1 degrees of freedom

With one row a cluster it is a test that does not mind unequal variances or unequal weights
(White's, for a partial correlation). It answers from the rows, n at a time, so it is slower than
the tests that look at correlations only.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from math import copysign, sqrt
from typing import Final

import numpy as np
from scipy.special import fdtrc, stdtr

from causalkit._core.checks import check_complete
from causalkit._core.columns import standardized
from causalkit._core.table import Table
from causalkit.errors import FewRowsWarning, InputError, NumericalError
from causalkit.independence.base import BoundTest
from causalkit.independence.embedding import Embedding
from causalkit.independence.search import CIResult
from causalkit.typing import FloatArray, IntArray, Name

__all__ = ["BoundClustered", "cluster_numbers"]

_TINY: Final = 1e-10
"""Share of a column's variance that counts as none: what is left is rounding."""

_FEW_CLUSTERS: Final = 5


@dataclass(frozen=True, slots=True, eq=False)
class BoundClustered(BoundTest):
    """Rows, sorted by cluster.

    Attributes
    ----------
    values : ndarray of shape (n_rows, q)
        Standardized columns, times the roots of the weights.
    root : ndarray of shape (n_rows,)
        Roots of the weights, which sum to one.
    starts : ndarray of int, shape (p + 1,)
        Variable k is columns `starts[k]:starts[k + 1]`.
    begins : ndarray of int, shape (G,)
        First row of each cluster.
    """

    values: FloatArray
    root: FloatArray
    starts: IntArray
    begins: IntArray

    @classmethod
    def of(cls, embedding: Embedding) -> BoundClustered:
        """Sort the rows of an embedding that has clusters."""
        clusters = embedding.clusters
        if clusters is None:
            clusters = np.arange(embedding.n_rows)
        order = np.argsort(clusters, kind="stable")
        _, begins = np.unique(clusters[order], return_index=True)
        weights = embedding.weights
        share = np.full(len(order), 1.0) if weights is None else weights
        root = np.sqrt(share / share.sum())
        unit = standardized(embedding.values, weights)
        return cls(
            np.asfortranarray((unit * root[:, None])[order]),
            root[order],
            embedding.starts,
            begins.astype(np.intp),
        )

    def __call__(self, i: int, j: int, given: Sequence[int] = ()) -> CIResult:
        """Test variables i and j given other variables."""
        basis = self.root[:, None]
        for k in given:
            basis = np.hstack([basis, np.linalg.qr(_left_over(self._block(k), basis))[0]])
        x, y = (_left_over(self._block(k), basis) for k in (min(i, j), max(i, j)))
        if not x.shape[1] or not y.shape[1]:
            raise NumericalError(
                f"variables {i} and {j} cannot be tested given variables {tuple(given)}, which "
                "determine one of the two; expected a set that leaves something over. Leave the "
                "redundant variable out."
            )
        products = (x[:, :, None] * y[:, None, :]).reshape(len(x), -1)
        return self._judge(np.add.reduceat(products, self.begins), basis.shape[1] - 1)

    def _judge(self, sums: FloatArray, n_given: int) -> CIResult:
        """Hotelling's T² of cluster sums (G, d); Student's t, with its sign, if d = 1."""
        mean = sums.mean(axis=0)
        centred = sums - mean
        scale = np.sqrt((centred**2).mean(axis=0))
        varies = scale > _TINY * np.abs(sums).max(axis=0)
        unit = centred[:, varies] / scale[varies]
        sizes, axes = np.linalg.eigh(unit.T @ unit / len(sums))
        kept = sizes > _TINY
        d, n_clusters = int(kept.sum()), len(sums)
        rest = n_clusters - n_given  # residuals have lost |S| directions: at worst |S| clusters
        if d == 0 or rest <= d:
            raise NumericalError(
                f"{n_clusters} clusters cannot test {d} product(s) of residuals given {n_given} "
                f"columns; expected at least {n_given + max(d, 1) + 1} clusters that differ. "
                "Condition on fewer columns, or use finer clusters."
            )
        along = (mean[varies] / scale[varies]) @ axes[:, kept] / np.sqrt(sizes[kept])
        squared = (rest - 1) * float(along @ along)
        if d == 1:
            t = copysign(sqrt(squared), float(mean[varies][0]))
            return CIResult(t, min(1.0, 2.0 * float(stdtr(rest - 1, -abs(t)))), len(self.root))
        p_value = float(fdtrc(d, rest - d, squared * (rest - d) / (d * (rest - 1))))
        return CIResult(squared, p_value, len(self.root))

    def _block(self, k: int) -> FloatArray:
        return self.values[:, self.starts[k] : self.starts[k + 1]]


def _left_over(block: FloatArray, basis: FloatArray) -> FloatArray:
    """Residuals of the columns that are no combination of the basis and of each other."""
    rest = block - basis @ (basis.T @ block)
    rest -= basis @ (basis.T @ rest)  # twice is enough (Kahan and Parlett)
    kept: list[int] = []
    known = np.empty((len(rest), 0))
    for c in range(rest.shape[1]):
        new = rest[:, c] - known @ (known.T @ rest[:, c])
        length = float(new @ new)
        if length > _TINY:
            kept.append(c)
            known = np.column_stack([known, new / sqrt(length)])
    return rest[:, kept]


def cluster_numbers(table: Table, name: Name) -> IntArray:
    """Number the clusters that a column names, from 0 on.

    Raises
    ------
    InputError
        If cells are missing or there is one cluster only.

    Warns
    -----
    FewRowsWarning
        If there are fewer than five.
    """
    check_complete(table.select([name]), who="Clustered")
    _, numbers = np.unique(table.column(name), return_inverse=True)
    if numbers.max() == 0:
        raise InputError(
            f"column {name!r} puts all rows into one cluster; expected several, and some ten to "
            "be of use. Name the column that says which rows belong together."
        )
    n_clusters = int(numbers.max()) + 1
    if n_clusters < _FEW_CLUSTERS:
        warnings.warn(
            f"column {name!r} makes {n_clusters} clusters only, so tests have "
            f"{n_clusters - 1} degrees of freedom at most and miss nearly all dependences; that "
            "they find none says nothing. Use finer clusters, or bring more of them: some ten "
            "more than columns that are conditioned on.",
            FewRowsWarning,
            stacklevel=2,
        )
    return np.asarray(numbers, dtype=np.intp)
