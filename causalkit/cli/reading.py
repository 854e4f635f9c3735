"""Files that the command line reads: tables, graphs and background knowledge.

A CSV file cannot say which of its text columns are categories, so here, and only here, a text
column with few levels is taken for one, and that is said aloud.
"""

from __future__ import annotations

import csv
import warnings
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from causalkit.discovery import Knowledge
from causalkit.errors import InputError, UnknownVariableError
from causalkit.graph import CausalGraph

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["read_graph", "read_knowledge", "read_table"]

_MOST_LEVELS = 50
_SEPARATORS = {".csv": ",", ".csv.gz": ",", ".txt": ",", ".tsv": "\t", ".tsv.gz": "\t"}
_OTHER_SEPARATORS = (";", "\t", "|", ",")
_NAMELESS = "Unnamed: "  # what pandas calls a column without a name, before its position


_GRAPHS = (".json", ".dot", ".graphml", ".txt")


def read_graph(text: str) -> CausalGraph:
    """Read a graph from a file, or from its text if it is not the name of one.

    Raises
    ------
    InputError
        If it looks like the name of a file, and there is none.
    """
    path = Path(text)
    if path.suffix not in _GRAPHS:
        return CausalGraph.parse(text)
    if not path.is_file():
        raise InputError(
            f"there is no file {text}; expected a graph in one of {', '.join(_GRAPHS)}, or the "
            "text of one, such as 'Z -> X -> Y; Z -> Y'."
        )
    return CausalGraph.read(path)


def read_table(
    path: Path, *, drop: Sequence[str] = (), labels: str | None = None, dates: str | None = None
) -> tuple[pd.DataFrame, list[str]]:
    """Read a CSV or Parquet file.

    Parameters
    ----------
    path : Path
    drop : sequence of str
        Columns to leave out.
    labels : str, optional
        A column of labels, of which there may be any number.
    dates : str, optional
        A column of numbers, or of dates that may be written as text.

    Returns
    -------
    data : DataFrame
    remarks : list of str
        What was decided on the way, to be shown to the user.
    """
    import pandas as pd

    if not path.is_file():
        raise InputError(f"there is no file {path}; expected a CSV or Parquet file.")
    suffix = "".join(path.suffixes[-2:] if path.suffix.lower() == ".gz" else [path.suffix]).lower()
    if suffix in _SEPARATORS:
        data = _read_text(path, _SEPARATORS[suffix])
    elif suffix in (".parquet", ".pq"):
        try:
            data = pd.read_parquet(path)
        except (OSError, ValueError) as error:
            raise InputError(
                f"{path} cannot be read as Parquet ({error}). Write the file again, or bring CSV."
            ) from None
    else:
        raise InputError(
            f"{path} ends in {suffix or 'nothing'}; expected .csv, .csv.gz, .tsv or .parquet."
        )
    for name in drop:
        if name not in data.columns:
            raise UnknownVariableError.among(name, data.columns, where=str(path))
    data = data.drop(columns=list(drop))
    for name in data.columns:
        if str(name).startswith(_NAMELESS):
            raise InputError(
                f"column {int(str(name).removeprefix(_NAMELESS)) + 1} of {path} has no name in the "
                "header; expected a name for each column. Name it, or, if it only counts the rows, "
                f"leave it out with --drop '{name}'."
            )
    text = dates in data.columns and not pd.api.types.is_numeric_dtype(data[dates])
    if text:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # pandas warns where it would guess cell by cell
                data[dates] = pd.to_datetime(data[dates])
        except (ValueError, TypeError, UserWarning) as error:
            raise InputError(
                f"column {dates!r} of {path} cannot be read as dates ({error}); expected numbers "
                "or dates in one format, such as 2024-03-01. Rewrite the column."
            ) from None
    return _with_categories(data, labels)


def _read_text(path: Path, separator: str) -> pd.DataFrame:
    """Read a text table; a header that does not match its rows is refused, never realigned."""
    import gzip

    import pandas as pd

    try:
        with (gzip.open if path.suffix.lower() == ".gz" else open)(
            path, "rt", encoding="utf-8-sig", newline=""
        ) as lines:
            rows = csv.reader(lines, delimiter=separator)
            header, first = next(rows, []), next(rows, [])
        data = pd.read_csv(
            path,
            sep=separator,
            encoding="utf-8-sig",
            compression="gzip" if path.suffix.lower() == ".gz" else None,
        )
    except (ValueError, csv.Error, OSError, EOFError, zlib.error) as error:
        # pandas' own errors and UnicodeDecodeError are ValueErrors.
        raise InputError(
            f"{path} cannot be read as CSV ({str(error).strip()}); expected UTF-8 text with a "
            "header line and as many values in each row. Open the file and mend that line."
        ) from None
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise InputError(
            f"the header of {path} has the name(s) {', '.join(map(repr, twice))} more than once; "
            "expected each name once. Rename or remove the copies."
        )
    other = next((sign for sign in _OTHER_SEPARATORS if sign in header[0]), None)
    if len(header) == 1 and other is not None and other != separator:
        raise InputError(
            f"the header of {path} is one name, {header[0]!r}, and holds {other!r}; expected names "
            f"separated by {separator!r}. Save the file with that separator (and decimal points)."
        )
    if len(first) > len(header):  # pandas would take the first column for row labels
        raise InputError(
            f"the header of {path} has {len(header)} name(s), the first row {len(first)} values; "
            "expected as many. Name every column, and remove separators at the ends of lines."
        )
    return data


def _with_categories(data: pd.DataFrame, labels: str | None) -> tuple[pd.DataFrame, list[str]]:
    import pandas as pd

    text = [
        name
        for name in data.columns
        if pd.api.types.is_object_dtype(data[name]) or pd.api.types.is_string_dtype(data[name])
    ]
    remarks = []
    for name in text:
        levels = data[name].nunique()
        if levels > _MOST_LEVELS and name != labels:
            raise InputError(
                f"column {name!r} holds text with {levels} different values; expected numbers, or "
                f"categories with at most {_MOST_LEVELS} levels. Leave it out with --drop {name}."
            )
        remarks.append(f"{name!r} holds text; taken as a category with {levels} levels")
    return data.astype(dict.fromkeys(text, "category")), remarks


def read_knowledge(path: Path | None) -> Knowledge | None:
    """Read tiers, required and forbidden edges from a YAML file."""
    if path is None:
        return None
    if not path.exists():
        raise InputError(f"there is no file {path}; expected a YAML file with `tiers:`.")
    return Knowledge.from_yaml(path)
