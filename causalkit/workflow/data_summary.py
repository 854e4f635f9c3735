"""What a report says of the data: a row a column, and a fingerprint to recognise them by."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from causalkit._core.table import Table

__all__ = ["fingerprint_of", "summaries_of"]


def summaries_of(table: Table) -> Iterator[dict[str, Any]]:
    """One row a column: what a reader checks first; of two levels, how many have the second."""
    for name in table.names:
        column = table.column(name)
        seen = column[~np.isnan(column)]
        levels = table.levels_of(name)
        row: dict[str, Any] = {
            "name": name,
            "kind": table.kind(name),
            "missing": int(len(column) - len(seen)),
            "mean": None,
            "sd": None,
            "min": None,
            "max": None,
            "levels": None,
            "level": None,
            "share": None,
        }
        if table.kind(name) == "categorical":
            row["levels"] = ", ".join(map(str, levels or ()))
        elif len(seen):
            row |= {"mean": seen.mean(), "sd": seen.std(), "min": seen.min(), "max": seen.max()}
        if levels is not None and len(levels) == 2 and len(seen):
            row |= {"level": str(levels[1]), "share": seen.mean()}
        yield row


def fingerprint_of(table: Table) -> str:
    """SHA-256 of names and values."""
    digest = hashlib.sha256(repr(table.names).encode())
    digest.update(np.ascontiguousarray(table.values).tobytes())
    return digest.hexdigest()
