"""The surrogate C: which domain a row comes from, when it was taken, or both.

CD-NOD gives the unobserved reasons of change one visible stand-in, the domain index or the time.
Two rows share what they know of a mechanism as far as their surrogates are alike: rows of one
domain fully and rows of two domains not at all (delta kernel), rows of two times the less the
farther these are apart (Gaussian kernel). With both, the kernels multiply.

Curves over C are compared at few *points*: one row a domain, or rows spread evenly over the ranks
of time. A curve is as smooth as its kernel, so more points would say nothing new.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from causalkit.typing import FloatArray, IntArray

__all__ = ["Surrogate"]

_MOST_POINTS = 100
_MOST_DOMAINS = 500


@dataclass(frozen=True, slots=True, eq=False)
class Surrogate:
    """Domain and time of each row; at least one of them.

    Attributes
    ----------
    codes : ndarray of int, shape (n_rows,), or None
        Domain of each row, numbered 0, 1, … without a gap.
    time : ndarray of shape (n_rows,), or None
        Time of each row, in any unit and any order.
    """

    codes: IntArray | None = None
    time: FloatArray | None = None

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        known = self.codes if self.codes is not None else self.time
        return 0 if known is None else len(known)

    @property
    def n_domains(self) -> int:
        """Number of domains; 1 if only the time is known."""
        return 1 if self.codes is None else int(self.codes.max()) + 1

    def domains(self) -> Iterator[IntArray]:
        """Rows of each domain in turn; all rows if only the time is known."""
        if self.codes is None:
            yield np.arange(self.n_rows)
            return
        order = np.argsort(self.codes, kind="stable")
        ends = np.cumsum(np.bincount(self.codes, minlength=self.n_domains))[:-1]
        yield from np.split(order, ends)

    def standard_time(self) -> FloatArray | None:
        """Time with mean 0 and standard deviation 1, the unit of all widths."""
        if self.time is None:
            return None
        centred = self.time - self.time.mean()
        scale = centred.std()
        standard: FloatArray = centred / scale if scale > 0 else centred
        return standard

    def points(self) -> list[IntArray]:
        """Rows at which curves over C are compared, by domain, in the order of time.

        Of more than 500 domains these are evenly spaced ones; the others have no point.
        """
        if self.time is None:
            which = np.linspace(0, self.n_domains - 1, min(_MOST_DOMAINS, self.n_domains))
            chosen = set(which.round().astype(np.intp).tolist())
            return [rows[: int(k in chosen)] for k, rows in enumerate(self.domains())]
        most = max(2, min(_MOST_POINTS, _MOST_DOMAINS // self.n_domains))
        return [_spread(rows, self.time[rows], most) for rows in self.domains()]


def _spread(rows: IntArray, time: FloatArray, most: int) -> IntArray:
    """At most so many rows of different times, evenly spaced among the ranks of time."""
    _, first = np.unique(time, return_index=True)
    where = np.unique(np.linspace(0, len(first) - 1, min(most, len(first))).round().astype(np.intp))
    return rows[first[where]]
