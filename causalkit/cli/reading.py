"""Files that the command line reads: tables and background knowledge.

A CSV file cannot say which of its text columns are categories, so here, and only here, a text
column with few levels is taken for one, and that is said aloud.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from causalkit.discovery import Knowledge
from causalkit.errors import InputError, UnknownVariableError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["read_knowledge", "read_table"]

_MOST_LEVELS = 50


def read_table(path: Path, *, drop: Sequence[str] = ()) -> tuple[pd.DataFrame, list[str]]:
    """Read a CSV or Parquet file.

    Returns
    -------
    data : DataFrame
    remarks : list of str
        What was decided on the way, to be shown to the user.
    """
    import pandas as pd

    if not path.exists():
        raise InputError(f"there is no file {path}; expected a CSV or Parquet file.")
    suffix = "".join(path.suffixes[-2:]) if path.suffix == ".gz" else path.suffix
    if suffix in (".csv", ".csv.gz", ".tsv", ".txt"):
        try:
            data = pd.read_csv(path, sep="\t" if suffix == ".tsv" else ",")
        except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
            raise InputError(
                f"{path} cannot be read as CSV ({error}); expected a header line and as many "
                "values in each row. Open the file and mend that line."
            ) from None
    elif suffix in (".parquet", ".pq"):
        data = pd.read_parquet(path)
    else:
        raise InputError(
            f"{path} ends in {suffix or 'nothing'}; expected .csv, .csv.gz, .tsv or .parquet."
        )
    for name in drop:
        if name not in data.columns:
            raise UnknownVariableError.among(name, data.columns, where=str(path))
    data = data.drop(columns=list(drop))
    return _with_categories(data)


def _with_categories(data: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    import pandas as pd

    text = [
        name
        for name in data.columns
        if pd.api.types.is_object_dtype(data[name]) or pd.api.types.is_string_dtype(data[name])
    ]
    remarks = []
    for name in text:
        levels = data[name].nunique()
        if levels > _MOST_LEVELS:
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
