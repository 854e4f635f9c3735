"""Replicates that are kept as they come, so that a long bootstrap can be killed and taken up again.

One file holds them, a line each (:mod:`~causalkit._core.journal`). Its first line says what all
others follow from: hashes of the data, the algorithm, how samples are drawn, and the seed. A file
that was begun with anything else is refused, because shares are counted over all lines.

Who calls is the one writer, in whatever process or on whatever machine a replicate was learnt.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from causalkit import __version__
from causalkit._core.fingerprint import fingerprint
from causalkit._core.journal import note_line, noted_lines
from causalkit.errors import InputError
from causalkit.graph import Kind
from causalkit.typing import IntArray

__all__ = ["Learnt", "ReplicateStore", "Sparse", "store_of"]

Sparse = tuple[IntArray, IntArray, NDArray[np.uint8]]
"""Rows, columns and marks of the cells with a mark."""

_FORMAT: Final = "causalkit.replicates"


@dataclass(frozen=True, slots=True)
class Learnt:
    """What came of one search: the marks of its graph and its kind, or why there is none."""

    marks: Sparse | None
    failure: str | None
    kind: Kind | None = None

    def to_row(self, number: int) -> dict[str, Any]:
        """All in plain values, with the number of the replicate."""
        marks = None if self.marks is None else [part.tolist() for part in self.marks]
        kind = None if self.kind is None else self.kind.name
        return {"number": number, "marks": marks, "failure": self.failure, "kind": kind}

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> Learnt:
        """Read a row back."""
        kind = None if row["kind"] is None else Kind[row["kind"]]
        if row["marks"] is None:
            return cls(None, row["failure"], kind)
        rows, columns, marks = row["marks"]
        cells = np.array(rows, dtype=np.intp), np.array(columns, dtype=np.intp)
        return cls((*cells, np.array(marks, dtype=np.uint8)), row["failure"], kind)


@dataclass(frozen=True, slots=True)
class ReplicateStore:
    """A file of replicates, and those that are in it, by number."""

    path: Path
    known: dict[int, Learnt] = field(default_factory=dict)

    @classmethod
    def open(cls, path: Path, follows_from: Mapping[str, str]) -> ReplicateStore:
        """Open a store, or begin one.

        Parameters
        ----------
        path : Path
        follows_from : mapping of str to str
            Hashes of all that a replicate follows from, but for its number.

        Raises
        ------
        InputError
            If the file is no store, or was begun with something else.
        """
        head = {"format": _FORMAT, **follows_from}
        if not _is_begun(path, head):
            note_line(path, head)
        first, *rows = noted_lines(path)
        other = [what for what in follows_from if first.get(what) != follows_from[what]]
        if other:
            raise InputError(
                f"store={str(path)!r} was begun with other {other[0]}; expected the same call. "
                "Take another path, or what it was begun with."
            )
        try:
            rows = [row for row in rows if row != head]  # it was whole, but for the end of its line
            return cls(path, {int(row["number"]): Learnt.of_row(row) for row in rows})
        except (ArithmeticError, LookupError, TypeError, ValueError):
            raise _no_store(path) from None

    def note(self, number: int, learnt: Learnt) -> None:
        """Keep a replicate."""
        note_line(self.path, learnt.to_row(number))


def _is_begun(path: Path, head: Mapping[str, str]) -> bool:
    """Whether the first line of a store is there, whole."""
    if path.is_dir():
        raise InputError(
            f"store={str(path)!r} is a folder; expected a file, there or not yet. Name one in it."
        )
    if not path.exists() or not path.stat().st_size:
        return False
    with path.open("rb") as file:
        line = file.readline()
    whole = line.endswith(b"\n")
    if whole and next(iter(noted_lines(path)), {}).get("format") == _FORMAT:
        return True
    if not json.dumps(dict(head)).encode().startswith(line.rstrip(b"\n")):  # torn, or not ours
        raise _no_store(path)
    return False


def _no_store(path: Path) -> InputError:
    return InputError(
        f"store={str(path)!r} holds something else than replicates; expected a file that Bootstrap "
        "has begun, or none yet. Take another path."
    )


def store_of(estimator: Any, plan: Any) -> ReplicateStore | None:
    """Open the store that a bootstrap names, if it names one.

    Parameters
    ----------
    estimator : Bootstrap
    plan : Plan
        Made of its algorithm and the data.

    Raises
    ------
    InputError
        If the seed is no integer, or the store belongs to another bootstrap.
    """
    if estimator.store is None:
        return None
    seed = estimator.random_state
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
        raise InputError(
            f"store was given and random_state={seed!r}; expected an integer, so that the same "
            "call finds its replicates again."
        )
    algorithm = clone(plan.algorithm)
    if "n_jobs" in algorithm.get_params(deep=False):
        algorithm.set_params(n_jobs=None)
    groups = [getattr(plan, what, None) for what in ("context", "clusters", "strata")]
    drawn: list[Any] = [estimator.resample, estimator.block_length]
    if estimator.resample == "tests":  # the noise of a test follows from how many hear it
        drawn.append(estimator.n_resamples)
    parts = {
        "versions of causalkit": [__version__],
        "data": [plan.data, *groups],
        "settings of the algorithm": [algorithm],
        "settings of resampling": drawn,
        "random_state": [int(seed)],
    }
    return ReplicateStore.open(
        Path(estimator.store), {what: fingerprint(value) for what, value in parts.items()}
    )
