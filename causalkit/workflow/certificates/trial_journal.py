"""Trials that are kept as they come, so that a run that is killed can be taken up again.

Each world has a file of its own, to which one worker writes: first what is known of the world, then
a line a trial, as soon as it is done. Whatever ends the run, what was finished is there; the line
that was being written is torn, is not read, and its trial runs again. The name of a file begins
with a hash of all that its lines follow from, so that several runs may share a folder.

>>> from tempfile import TemporaryDirectory
>>> with TemporaryDirectory() as folder:
...     journal = Journal(Path(folder), "abc")
...     journal.note(0, Trial(0, 7, "answered", 1.0, (0.0, 2.0), (-1.0, 3.0)).to_row())
...     journal.read(0)[1][7].honest
(-1.0, 3.0)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from causalkit._core.journal import note_line, noted_lines
from causalkit.errors import InputError

__all__ = ["Journal", "Trial"]


@dataclass(frozen=True, slots=True)
class Trial:
    """What the pipeline said of one table that was drawn.

    Attributes
    ----------
    world, number : int
    status : {"answered", "graph as given", "not identified", "failed"}
        "graph as given": there is an estimate, and going over other graphs, which was asked for,
        failed, so that there is no interval that does not take the graph as given.
    estimate : float
        Of several possible effects their mean; NaN where there is no answer.
    given : tuple of two floats
        Interval that takes the graph as given.
    honest : tuple of two floats
        Interval that does not; NaN where there is none.
    message : str
        Of what was raised.
    """

    world: int
    number: int
    status: str
    estimate: float = math.nan
    given: tuple[float, float] = (math.nan, math.nan)
    honest: tuple[float, float] = (math.nan, math.nan)
    message: str = ""

    def to_row(self) -> dict[str, Any]:
        """Return all fields by name."""
        return asdict(self)

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> Trial:
        """Read a row back.

        Raises
        ------
        InputError
            If it has other fields.
        """
        try:
            ends = {side: tuple(row[side]) for side in ("given", "honest")}
            return cls(**{**row, **ends})
        except (KeyError, TypeError):
            raise InputError(
                f"the store has a trial with the fields {', '.join(map(repr, row))}; expected "
                "those of this version. Take another folder."
            ) from None


@dataclass(frozen=True, slots=True)
class Journal:
    """Lines of one world, in a file of a folder; without a folder nothing is kept.

    Attributes
    ----------
    folder : Path or None
    key : str
        Hash of all that the lines follow from.
    """

    folder: Path | None
    key: str = ""

    def read(self, world: int) -> tuple[dict[str, Any] | None, dict[int, Trial]]:
        """Return what is known of a world, and its trials by number."""
        facts: dict[str, Any] | None = None
        trials: dict[int, Trial] = {}
        path = self._path(world)
        for row in () if path is None else noted_lines(path):
            if "truth" in row:
                facts = row
            elif isinstance(row.get("number"), int):
                trials[row["number"]] = Trial.of_row(row)
        return facts, trials

    def note(self, world: int, row: Mapping[str, Any]) -> None:
        """Write one line."""
        path = self._path(world)
        if path is not None:
            note_line(path, row)

    def _path(self, world: int) -> Path | None:
        return None if self.folder is None else self.folder / f"{self.key[:16]}-{world:04d}.jsonl"
