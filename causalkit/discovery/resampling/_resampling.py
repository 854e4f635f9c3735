"""How rows are drawn again: one by one, in clusters, in blocks of time, within strata, by halves.

What is drawn are *units*: rows, or whole clusters. Units are drawn within strata, as many as the
stratum has, so that the mix of strata stays what it is. Series are drawn in overlapping blocks of
consecutive rows, so that a row keeps its neighbours. Where only moments are at hand, a new Gram
matrix is drawn from the Wishart distribution around the old one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from causalkit._core.checks import check_choice, check_count
from causalkit._core.column_values import is_missing
from causalkit._core.moments import Moments
from causalkit._core.series import Series
from causalkit._core.table import Table, as_table
from causalkit.errors import InputError, UnknownVariableError
from causalkit.independence import CITest, Clustered
from causalkit.typing import Data, FloatArray, IntArray, Name

__all__ = [
    "RESAMPLES",
    "Gaussian",
    "Sampler",
    "Units",
    "cluster_column",
    "is_within",
    "labels_of",
    "raw_column",
    "sampler_of",
]

RESAMPLES: Final = ("rows", "blocks", "subsample", "gaussian", "tests")


@dataclass(frozen=True, slots=True)
class Units:
    """What is drawn: rows or clusters, by stratum.

    Attributes
    ----------
    starts, rows : ndarrays of int, shapes (m + 1,) and (n_rows,)
        `rows[starts[u]:starts[u + 1]]` are the rows of unit u.
    strata : tuple of ndarrays of int
        Units of each stratum.
    runs : ndarray of int, shape (m,), optional
        Which unbroken stretch of time a unit is in, ascending; no block reaches over two of them.
    """

    starts: IntArray
    rows: IntArray
    strata: tuple[IntArray, ...]
    runs: IntArray | None = None

    @classmethod
    def of(cls, n_rows: int, clusters: IntArray | None, strata: IntArray | None) -> Units:
        """Collect rows into units and units into strata; both are given as numbers from 0 on."""
        unit = np.arange(n_rows) if clusters is None else clusters
        rows = np.argsort(unit, kind="stable")
        starts = np.searchsorted(unit[rows], np.arange(unit.max() + 2))
        if strata is None:
            return cls(starts, rows, (np.arange(len(starts) - 1),))
        home = strata[rows[starts[:-1]]]
        if (strata != home[unit]).any():
            raise InputError(
                "some clusters have rows in several strata; expected each cluster within one. "
                "Leave strata out, or make clusters that do not cross them."
            )
        return cls(starts, rows, tuple(np.flatnonzero(home == s) for s in range(home.max() + 1)))

    def expand(self, units: IntArray) -> IntArray:
        """Rows of these units, a unit as often as it is listed."""
        sizes = self.starts[units + 1] - self.starts[units]
        ends = np.cumsum(sizes)
        within = np.arange(sizes.sum()) - np.repeat(ends - sizes, sizes)
        rows: IntArray = self.rows[np.repeat(self.starts[units], sizes) + within]
        return rows

    def again(self, rng: np.random.Generator) -> IntArray:
        """Rows of as many units as there are, drawn with replacement."""
        return self.expand(np.concatenate([rng.choice(held, len(held)) for held in self.strata]))

    def check_halves(self) -> None:
        """Refuse a stratum that cannot be halved.

        Raises
        ------
        InputError
        """
        if min(map(len, self.strata)) < 2:
            raise InputError(
                "a stratum has one row or cluster only and cannot be halved; expected at least two "
                "of them in each stratum, and some ten to be of use. Merge strata, or leave them "
                "out."
            )

    def halves(self, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
        """Rows of two disjoint halves of the units; an odd one is in neither."""
        mixed = [rng.permutation(held) for held in self.strata]
        first = np.concatenate([held[: len(held) // 2] for held in mixed])
        second = np.concatenate([held[len(held) // 2 : len(held) // 2 * 2] for held in mixed])
        return self.expand(first), self.expand(second)

    def blocks(self, rng: np.random.Generator, length: int) -> IntArray:
        """Blocks of consecutive rows until each stratum is as long as it was."""
        found = [held[self._in_blocks(held, rng, length)] for held in self.strata]
        return self.expand(np.concatenate(found))

    def _in_blocks(self, held: IntArray, rng: np.random.Generator, length: int) -> IntArray:
        """Places of blocks: a stretch is taken in proportion to its rows, then one within it."""
        runs = np.zeros(len(held), dtype=np.intp) if self.runs is None else self.runs[held]
        first = np.concatenate(([0], np.flatnonzero(np.diff(runs)) + 1))
        sizes = np.diff([*first, len(held)])
        blocks = np.minimum(sizes, length)
        n_blocks = ceil(len(held) / blocks.min())
        share = sizes / blocks
        which = rng.choice(len(sizes), n_blocks, p=share / share.sum())
        begins = first[which] + rng.integers(0, (sizes - blocks + 1)[which])
        ends = np.cumsum(blocks[which])
        within = np.arange(ends[-1]) - np.repeat(ends - blocks[which], blocks[which])
        places: IntArray = (np.repeat(begins, blocks[which]) + within)[: len(held)]
        return places


@dataclass(frozen=True, slots=True)
class Sampler:
    """A way to draw the rows of a table again.

    Attributes
    ----------
    resample : str
    units : Units
    length : int
        Rows of a block.
    labels : name, optional
        Column of cluster labels, for a test that reads them: a cluster that is drawn twice gets two
        labels. Taken for one of twice the size, it would make a test too careful.
    """

    resample: str
    units: Units
    length: int = 1
    labels: Name | None = None

    def draw(self, rng: np.random.Generator) -> IntArray:
        """Positions of the rows drawn."""
        if self.resample == "blocks":
            return self.units.blocks(rng, self.length)
        if self.resample == "subsample":
            return self.units.halves(rng)[0]
        return self.units.again(rng)

    def sample(self, data: Any, rng: np.random.Generator) -> Table | Series:
        """Draw a table, or series with other steps as "now"."""
        rows = self.draw(rng)
        if isinstance(data, Series):
            return data.resampled(rows)
        drawn: Table = data.rows(rows)
        return drawn if self.labels is None else _tell_copies_apart(drawn, self.labels, rows)


def _tell_copies_apart(drawn: Table, labels: Name, rows: IntArray) -> Table:
    """Label the copies of a cluster as clusters; the k-th copy has the k-th copy of its rows."""
    order = np.argsort(rows, kind="stable")
    held = rows[order]
    copy = np.empty(len(rows), dtype=np.intp)
    copy[order] = np.arange(len(rows)) - np.searchsorted(held, held)
    at = drawn.index(labels)
    known, label = np.unique(drawn.values[:, at], return_inverse=True)
    values = drawn.values.copy(order="F")
    values[:, at] = label.reshape(-1) + copy * len(known)
    values.flags.writeable = False
    levels = (*drawn.levels[:at], None, *drawn.levels[at + 1 :])
    return Table(drawn.names, values, levels)


@dataclass(frozen=True, slots=True)
class Gaussian:
    """Gram matrices of Gaussian rows with the covariance of the data.

    Attributes
    ----------
    root : ndarray of shape (p, p)
        `root @ root.T` is the covariance.
    """

    root: FloatArray

    @classmethod
    def of(cls, moments: Moments) -> Gaussian:
        """Take the root of the covariance; redundant columns are welcome."""
        scale = np.sqrt(np.diagonal(moments.gram))
        scale = np.where(scale > 0, scale, 1.0)
        sizes, axes = np.linalg.eigh(moments.gram / scale / scale[:, None])
        root = axes * np.sqrt(np.clip(sizes, 0.0, None)) * scale[:, None]
        return cls(root / np.sqrt(moments.n_effective))

    def sample(self, moments: Moments, rng: np.random.Generator) -> Moments:
        """Draw the moments of as many rows; the means stay, which no correlation looks at."""
        p, freedom = len(self.root), moments.n_effective - 1.0
        if freedom > p:
            # Bartlett (1933): the triangular root of a Wishart matrix, p² numbers for n rows.
            noise = np.tril(rng.normal(size=(p, p)), -1)
            np.fill_diagonal(noise, np.sqrt(rng.chisquare(freedom - np.arange(p))))
        else:
            noise = rng.normal(size=(p, int(freedom)))
        half = self.root @ noise
        gram = half @ half.T
        return replace(moments, gram=(gram + gram.T) / 2)


def sampler_of(
    data: Table | Moments,
    resample: str,
    block_length: int | None,
    clusters: IntArray | None,
    strata: IntArray | None,
    labels: Name | None = None,
) -> Sampler | Gaussian:
    """Check how rows are to be drawn; `labels` is the column of clusters that the test reads."""
    check_choice(resample, "resample", RESAMPLES)
    grouped = clusters is not None or strata is not None
    if block_length is not None and resample != "blocks":
        raise InputError(
            f"block_length={block_length!r} with resample={resample!r}; expected it with "
            'resample="blocks" only. Leave one of the two out.'
        )
    if resample == "gaussian":
        if grouped:
            raise InputError(
                'resample="gaussian" draws independent rows; expected neither clusters nor strata. '
                'Use resample="rows" for these.'
            )
        moments = data
        if isinstance(moments, Table):
            moments = Moments.of(moments.values, names=moments.names, levels=moments.levels)
        return Gaussian.of(moments)
    if isinstance(data, Moments):
        raise InputError(
            f"the data are read by blocks and never held, so rows cannot be drawn again as "
            f'resample={resample!r} asks; expected resample="gaussian", which draws correlation '
            "matrices. Use it, or load the rows first."
        )
    if resample == "blocks" and clusters is not None:
        raise InputError(
            'resample="blocks" with clusters; expected one of the two. Use strata for blocks '
            "within each series, clusters to draw whole series."
        )
    if block_length is not None:
        check_count(block_length, "block_length")
    length = block_length or ceil(data.n_rows ** (1 / 3))
    units = Units.of(data.n_rows, clusters, strata)
    if resample == "subsample":
        units.check_halves()
    if labels is not None and (clusters is None or not is_within(data.column(labels), clusters)):
        labels = None  # what is drawn is not made of whole clusters, so there are no copies of them
    return Sampler(resample, units, length, labels)


def cluster_column(test: CITest) -> Name | None:
    """Column that tells a test which rows belong together."""
    while not isinstance(test, Clustered):
        inner = getattr(test, "inner", None)
        if inner is None:
            return None
        test = inner
    return test.column


def is_within(labels: FloatArray | IntArray, clusters: IntArray) -> bool:
    """Whether all rows with one label are in one cluster."""
    pairs = np.unique(np.column_stack((labels, clusters)), axis=0)
    return len(pairs) == len(np.unique(labels))


def labels_of(data: Data, given: Name | ArrayLike | None, what: str) -> IntArray | None:
    """Labels of the rows as numbers from 0 on: an array, or a column of any type, text too."""
    if given is None:
        return None
    labels = raw_column(data, given) if isinstance(given, (str, int)) else np.asarray(given)
    if labels.ndim != 1:
        raise InputError(f"{what} has shape {labels.shape}; expected one label a row.")
    listed = labels.tolist()
    n_missing = sum(map(is_missing, listed))
    if n_missing:
        raise InputError(
            f"{n_missing} label(s) of {what} are missing; expected one a row. Drop these rows, or "
            "give them labels."
        )
    if labels.dtype == object:  # 1 and "1" are two labels
        labels = np.array([f"{type(label).__name__} {label}" for label in listed])
    return np.unique(labels, return_inverse=True)[1].reshape(-1).astype(np.intp)


def raw_column(data: Data, name: Name) -> NDArray[Any]:
    """One column as it comes: text and dates too."""
    if isinstance(data, (np.ndarray, Table)):
        return as_table(data, columns=[name]).column(name)
    # A pyarrow table's `.columns` are the data themselves, a dict has none.
    known: Any = getattr(data, "column_names", getattr(data, "columns", data))
    if name not in list(known):
        raise UnknownVariableError.among(name, known)
    return np.asarray(data[name])
