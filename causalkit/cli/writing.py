"""Tables that the command line writes: to a file by its suffix, or to standard output."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from causalkit.cli.running import json_asked
from causalkit.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["check_table_name", "is_stdout", "write_table"]

_SEPARATORS: Final = {".csv": ",", ".csv.gz": ",", ".tsv": "\t", ".tsv.gz": "\t"}
_PARQUET: Final = (".parquet", ".pq")


def is_stdout(path: Path | None) -> bool:
    """Whether standard output is meant; it has room for one document.

    Raises
    ------
    InputError
        If `--json` was asked for, too.
    """
    if str(path) != "-":
        return False
    if json_asked():
        raise InputError(
            "standard output is asked for the data and, with --json, for the answer; expected one "
            "of them. Name a file."
        )
    return True


def check_table_name(path: Path) -> None:
    """Refuse a file whose suffix does not say how to write it, before the work is done."""
    if not is_stdout(path) and _suffix(path) not in (*_SEPARATORS, *_PARQUET):
        raise InputError(
            f"the data would go to {path}; expected a name in .csv, .csv.gz, .tsv or .parquet, or "
            "- for standard output."
        )


def write_table(data: pd.DataFrame, path: Path) -> None:
    """Write a table."""
    if is_stdout(path):
        sys.stdout.write(data.to_csv(index=False, lineterminator="\n"))
        sys.stdout.flush()
    elif _suffix(path) in _PARQUET:
        data.to_parquet(path)
    else:
        data.to_csv(path, index=False, sep=_SEPARATORS[_suffix(path)])


def _suffix(path: Path) -> str:
    suffixes = path.suffixes[-2:] if path.suffix.lower() == ".gz" else [path.suffix]
    return "".join(suffixes).lower()
