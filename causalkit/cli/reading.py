"""Tables that the command line reads: CSV, TSV and Parquet, from a file, a pipe or standard input.

A CSV file cannot say which of its text columns are categories, so here, and only here, a text
column with few levels is taken for one, and that is said aloud. A header that does not match its
rows is refused, never realigned.
"""

from __future__ import annotations

import csv
import gzip
import shlex
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from causalkit.cli.running import remark
from causalkit.cli.unread_times import as_dates, check_unread_times, holds_dates
from causalkit.errors import InputError, UnknownVariableError
from causalkit.typing import Name

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["column_named", "columns_named", "read_table"]

_MOST_LEVELS: Final = 50
_SEPARATORS: Final = {".csv": ",", ".csv.gz": ",", ".txt": ",", ".tsv": "\t", ".tsv.gz": "\t"}
_PARQUET: Final = (".parquet", ".pq")
_OTHER_SEPARATORS: Final = (";", "\t", "|", ",")
_NAMELESS: Final = "Unnamed: "  # what pandas calls a column without a name, before its position
_GZIP, _PARQUET_MARK = b"\x1f\x8b", b"PAR1"
_SHOWN: Final = 200
"""Letters of what somebody else wrote that go into a sentence."""


@dataclass(frozen=True, slots=True)
class _Source:
    """Where a table comes from: how to open it from its beginning, and how it is written."""

    name: str
    opened: Callable[[], IO[bytes]]
    separator: str | None  # None is Parquet
    zipped: bool = False


def read_table(
    path: Path,
    *,
    drop: Sequence[str] | None = (),
    only: Callable[[Sequence[Name]], Sequence[Name]] | None = None,
    labels: Iterable[str | None] = (),
    dates: str | None = None,
    subject: str | None = None,
    steps: bool = False,
    complete: bool = False,
    separator: str | None = None,
    decimal: str = ".",
) -> pd.DataFrame:
    """Read a table; what is decided on the way is remarked.

    Parameters
    ----------
    path : Path
        `-` is standard input.
    drop : sequence of str
        Columns to leave out.
    only : function of all names, optional
        Says which columns are needed, if not all are: others are left out. A name that is an
        integer stands for a column whose name has these digits.
    labels : iterable of str or None
        Columns of labels, of which there may be any number.
    dates : str, optional
        A column of numbers, or of dates that may be written as text.
    subject : str, optional
        A column that tells series apart.
    steps : bool
        Whether rows are steps of series. Then `dates` must be named if a column that is not needed
        holds times, and these are not one step apart.
    complete : bool
        Whether rows with an empty cell are left out.
    separator, decimal : str
        Of a text file; left out, by its name, and a point.

    Returns
    -------
    DataFrame

    Raises
    ------
    InputError
        If there is no such file, it cannot be read, or a column cannot be used.
    """
    source = _source(path, separator)
    try:
        if source.separator is None:
            data = _read_parquet(source)
        else:
            data = _read_text(source, source.separator, decimal)
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{source.name} cannot be read as Parquet ({_short(error)}). Write the file again, or "
            "bring CSV."
        ) from None
    data = data.drop(columns=[column_named(name, data, source.name) for name in drop or ()])
    if only is not None:
        by_text = {str(name): name for name in only(tuple(data.columns))}
        if steps and dates is None:
            unread = data[[name for name in data.columns if str(name) not in by_text]]
            of = None if subject is None else data[column_named(subject, data, source.name)]
            check_unread_times(unread, of, source.name)
        data = data[[name for name in data.columns if str(name) in by_text]]
        data = data.rename(columns={name: by_text[str(name)] for name in data.columns})
    _check_names(data, source.name)
    if dates is not None and dates in data.columns:
        data[dates] = _as_dates(data[dates], source.name)
    data = _with_categories(data, set(labels), named=only is not None)
    return _complete(data, source.name) if complete else data


def column_named(text: str, data: Any, where: str = "the data") -> Name:
    """The column that is meant by a text: names that are numbers are typed as text, too.

    Raises
    ------
    UnknownVariableError
    """
    by_text: dict[str, Name] = {str(name): name for name in data}
    if text not in by_text:
        raise UnknownVariableError.among(text, by_text.values(), where=where)
    return by_text[text]


def columns_named(texts: Sequence[str] | None, data: Any, where: str = "the data") -> list[Name]:
    """The columns that are meant by texts, each a name or several with commas."""
    known = {str(name) for name in data}
    found: list[Name] = []
    for text in texts or ():
        words = [text] if text in known else [word.strip() for word in text.split(",")]
        found += [column_named(word, data, where) for word in words if word]
    return list(dict.fromkeys(found))


# --- where it comes from ----------------------------------------------------------------------


def _source(path: Path, separator: str | None) -> _Source:
    """Find out how a table is written: by the name of a file, by the first bytes of a stream."""
    sign = _sign(separator)
    if str(path) == "-":
        return _of_bytes("standard input", sys.stdin.buffer.read(), sign)
    if path.is_dir():
        raise InputError(f"{path} is a folder; expected a CSV or Parquet file. Name the file.")
    if path.is_fifo() or path.is_char_device():  # such as <(zcat data.csv.gz)
        return _of_bytes(str(path), path.read_bytes(), sign)
    if not path.is_file():
        raise InputError(
            f"there is no file {path}; expected a CSV or Parquet file, or - for standard input."
        )
    suffix = "".join(path.suffixes[-2:] if path.suffix.lower() == ".gz" else [path.suffix]).lower()
    if suffix in _PARQUET:
        return _Source(str(path), lambda: path.open("rb"), None)
    if suffix not in _SEPARATORS:
        raise InputError(
            f"{path} ends in {suffix or 'nothing'}; expected .csv, .csv.gz, .tsv or .parquet."
        )
    if not path.stat().st_size:
        raise InputError(f"{path} is empty; expected a header line and rows.")
    sign = sign or _SEPARATORS[suffix]
    return _Source(str(path), lambda: path.open("rb"), sign, suffix.endswith(".gz"))


def _of_bytes(name: str, content: bytes, separator: str | None) -> _Source:
    if not content:
        raise InputError(f"{name} is empty; expected a header line and rows.")
    if content.startswith(_PARQUET_MARK):
        return _Source(name, lambda: BytesIO(content), None)
    zipped = content.startswith(_GZIP)
    return _Source(name, lambda: BytesIO(content), separator or ",", zipped)


def _sign(separator: str | None) -> str | None:
    if separator is None:
        return None
    sign = {"tab": "\t", "\\t": "\t"}.get(separator.lower(), separator)
    if len(sign) != 1:
        raise InputError(f"--separator {separator!r}; expected one sign, such as ';', or tab.")
    return sign


def _read_parquet(source: _Source) -> pd.DataFrame:
    """Read Parquet; categories that were written without an order are put into that of text."""
    import pandas as pd
    import pyarrow.parquet as pq

    with source.opened() as stream:
        data = pd.read_parquet(stream)
    with source.opened() as stream:
        by_pandas = b"pandas" in (pq.read_schema(stream).metadata or {})
    for name in () if by_pandas else data.select_dtypes("category").columns.tolist():
        levels = data[name].cat
        if not levels.ordered:
            data[name] = levels.reorder_categories(sorted(levels.categories))
    return data


# --- text -------------------------------------------------------------------------------------


def _read_text(source: _Source, separator: str, decimal: str) -> pd.DataFrame:
    """Read a text table; a header that does not match its rows is refused, never realigned."""
    import pandas as pd

    if decimal not in (".", ","):
        raise InputError(f"--decimal {decimal!r}; expected . or ,")
    try:
        with source.opened() as stream:
            lines = _lines(stream, zipped=source.zipped)
            header, *first = islice(csv.reader(lines, delimiter=separator), 2)
        _check_header(header, first[0] if first else [], separator, source.name)
        with source.opened() as stream:
            return pd.read_csv(
                stream,
                sep=separator,
                decimal=decimal,
                encoding="utf-8-sig",
                compression="gzip" if source.zipped else None,
            )
    except InputError:
        raise
    except (ValueError, csv.Error, OSError, EOFError, zlib.error) as error:
        # pandas' own errors and UnicodeDecodeError are ValueErrors.
        raise InputError(
            f"{source.name} cannot be read as CSV ({_short(error)}); expected UTF-8 text with a "
            "header line and as many values in each row. Open the file and mend that line."
        ) from None


def _lines(stream: IO[bytes], *, zipped: bool) -> Iterable[str]:
    """Lines of text as they come."""
    raw: Any = gzip.GzipFile(fileobj=stream) if zipped else stream
    for number, line in enumerate(raw):
        yield line.decode("utf-8-sig" if number == 0 else "utf-8")


def _check_header(header: list[str], first: list[str], separator: str, name: str) -> None:
    twice = sorted(text for text, times in Counter(header).items() if text and times > 1)
    if twice:
        raise InputError(
            f"the header of {name} has the name(s) {_short(', '.join(map(repr, twice)))} more than "
            "once; expected each name once. Rename or remove the copies."
        )
    only = header[0] if len(header) == 1 else ""
    other = next((sign for sign in _OTHER_SEPARATORS if sign in only and sign != separator), None)
    if other is not None:
        raise InputError(
            f"the header of {name} is one name, {_short(repr(only))}, and holds {other!r}; "
            f"expected names separated by {separator!r}. Say --separator "
            f"{'tab' if other == chr(9) else repr(other)}, and --decimal , if numbers have commas."
        )
    if len(first) > len(header):  # pandas would take the first column for row labels
        raise InputError(
            f"the header of {name} has {len(header)} name(s), the first row {len(first)} values; "
            "expected as many. Name every column, and remove separators at the ends of lines."
        )


# --- columns ----------------------------------------------------------------------------------


def _check_names(data: pd.DataFrame, where: str) -> None:
    for name in data.columns:
        place = str(name).removeprefix(_NAMELESS)
        if place != str(name) and place.isascii() and place.isdecimal() and len(place) < 10:
            raise InputError(
                f"column {int(place) + 1} of {where} has no name in "
                "the header; expected a name for each column. Name it, or, if it only counts the "
                f"rows, leave it out with --drop '{name}'."
            )


def _as_dates(column: pd.Series[Any], where: str) -> pd.Series[Any]:
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column):
        return column
    try:
        return as_dates(column)
    except (ValueError, TypeError, UserWarning, FutureWarning) as error:
        raise InputError(
            f"column {column.name!r} of {where} cannot be read as dates ({_short(error)}); expected"
            " numbers or dates in one format, such as 2024-03-01. Rewrite the column."
        ) from None


def _with_categories(
    data: pd.DataFrame, labels: Collection[str | None], *, named: bool
) -> pd.DataFrame:
    """Take text for categories; dates only where few were `named` in a question, such as waves."""
    import pandas as pd

    text = [
        name
        for name in data.columns
        if pd.api.types.is_object_dtype(data[name]) or pd.api.types.is_string_dtype(data[name])
    ]
    refused = {name: data[name].nunique() for name in text if name not in labels}
    beyond = [name for name, n in refused.items() if n > _MOST_LEVELS]
    dated = [name for name in (beyond if named else refused) if holds_dates(data[name])]
    many = [name for name in beyond if name not in dated]
    if many or dated:
        raise _neither_numbers_nor_levels({name: refused[name] for name in many}, dated)
    for name in text:
        remark(f"{name!r} holds text; taken as a category with {data[name].nunique()} levels")
    return data.astype(dict.fromkeys(text, "category"))


def _complete(data: pd.DataFrame, where: str) -> pd.DataFrame:
    whole = data.dropna()
    if len(whole) == 0:
        raise InputError(
            f"no row of {where} is complete; expected some. Drop columns that are mostly empty."
        )
    if len(whole) < len(data):
        n_left_out = len(data) - len(whole)
        remark(f"{n_left_out} of {len(data)} rows have an empty cell, and are left out")
    return whole


def _neither_numbers_nor_levels(many: dict[str, int], dated: Sequence[str]) -> InputError:
    """All columns of text that are no categories, at once, and how to go on without them."""
    said = [f"column {name!r} holds text with {n} different values" for name, n in many.items()]
    said += [f"column {name!r} holds dates" for name in dated]
    drop = " ".join(f"--drop {shlex.quote(str(name))}" for name in (*many, *dated))
    way = f"Leave {'it' if len(said) == 1 else 'them'} out with {drop}"
    if dated:
        way += f"; of series, say --time {shlex.quote(str(dated[0]))} instead"
    return InputError(
        f"{'; '.join(said)}; expected numbers, or categories with at most {_MOST_LEVELS} levels. "
        f"{way}."
    )


def _short(said: object) -> str:
    """The beginning of what another library says, in one line."""
    text = " ".join(str(said).split())
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
