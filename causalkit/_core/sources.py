"""Tables that are read a block at a time: files, queries and clusters.

A :class:`Source` says what the columns are called and yields Arrow record batches of those asked
for. There is one for each container that need not be in memory:

- paths: a Parquet file, a folder or a glob of them (`"year=*/part-*.parquet"`), a CSV file;
- pyarrow: a Dataset, a ParquetFile, a RecordBatchReader (which can be read once);
- a DuckDB relation and a polars LazyFrame: the query runs while it is read.

Parquet is read through small buffers and by the batch, because a row group may be as large as the
file. The libraries are never imported here unless their object was brought, except pyarrow, which
reads the paths.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from causalkit._core.frames import checked_names
from causalkit.errors import InputError
from causalkit.typing import Name

if TYPE_CHECKING:
    import pyarrow as pa

    Batches: TypeAlias = Generator[pa.RecordBatch, None, None]

__all__ = ["Source", "container", "source_of"]

_MIB: Final = 2**20

_CONTAINERS: Final = {
    ("pyarrow", "Dataset"): "dataset",
    ("pyarrow", "ParquetFile"): "parquet",
    ("pyarrow", "RecordBatchReader"): "reader",
    ("duckdb", "DuckDBPyRelation"): "duckdb",
    ("_duckdb", "DuckDBPyRelation"): "duckdb",
    ("polars", "LazyFrame"): "polars",
    ("dask", "DataFrame"): "dask",
    ("dask_expr", "DataFrame"): "dask",
}

_SEPARATORS: Final = {".csv": ",", ".csv.gz": ",", ".tsv": "\t", ".tsv.gz": "\t"}
_PARQUET: Final = (".parquet", ".pq")


@dataclass(frozen=True, slots=True)
class Source:
    """Columns by name, and how to read some of them.

    Attributes
    ----------
    what : str
        What it is, for messages.
    names : tuple of str or int
        All columns.
    batches : callable
        `batches(names, rows)` yields record batches of these columns in this order, of about
        `rows` rows where the container leaves the choice.
    """

    what: str
    names: tuple[Name, ...]
    batches: Callable[[list[str], int], Batches]


def container(data: object) -> str | None:
    """What kind of container read by blocks `data` is, None if it is none."""
    if isinstance(data, (str, os.PathLike)):
        return "path"
    for kind in type(data).__mro__:
        found = _CONTAINERS.get((kind.__module__.partition(".")[0], kind.__name__))
        if found is not None:
            return found
    return None


def source_of(data: Any) -> Source:
    """Find out how to read `data`, a container other than a dask DataFrame.

    Raises
    ------
    InputError
        If there is no such file, it cannot be read, or its columns have no proper names.
    """
    openers: dict[str | None, Callable[[Any], Source]] = {
        "path": lambda path: _of_path(os.fspath(path)),
        "dataset": _of_dataset,
        "parquet": _of_parquet_file,
        "reader": _of_reader,
        "duckdb": _of_duckdb,
        "polars": _of_polars,
    }
    return openers[container(data)](data)


def _source(
    what: str, names: Sequence[Any], batches: Callable[[list[str], int], Batches]
) -> Source:
    checked = checked_names(names)
    if "" in checked:
        raise InputError(
            f"column {checked.index('') + 1} of {what} has no name; expected a name for each "
            "column. Name it, or leave it out."
        )

    def read(columns: list[str], rows: int) -> Batches:
        with _readable(what):
            yield from batches(columns, rows)

    return Source(what, tuple(checked), read)


@contextmanager
def _readable(what: str) -> Iterator[None]:
    """Say of what a library could not read that it was this source."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise InputError(
            f"{what} cannot be read ({str(error).strip()}); expected complete Parquet or CSV with "
            "the same columns throughout. Write it again, or leave the broken part out."
        ) from None


# --- paths -----------------------------------------------------------------------------------


def _of_path(text: str) -> Source:
    import pyarrow.dataset as ds
    import pyarrow.parquet as pq

    if not text.strip():
        raise InputError(
            "the path '' cannot be read: it is empty; expected a Parquet or CSV file, a folder or "
            "a pattern. Write '.' for the current folder."
        )
    if "://" in text:
        with _readable(text):
            dataset = ds.dataset(text, format="parquet", partitioning="hive")
            return _of_dataset(dataset, text, whole=True)
    files, base = _files(text)
    separators = {_SEPARATORS.get(_suffix(file)) for file in files}
    if len(separators) == 1 and None not in separators:
        return _of_csv(text, files, str(separators.pop()))
    with _readable(text):
        checked_names(pq.read_schema(files[0]).names)
        dataset = ds.dataset(
            [str(file) for file in files],
            format="parquet",
            partitioning=None if base is None else "hive",
            partition_base_dir=None if base is None else str(base),
        )
    return _of_dataset(dataset, text, whole=True)


def _files(text: str) -> tuple[list[Path], Path | None]:
    """Files that a path stands for, and the folder below which `name=value` folders are columns."""
    path = Path(text).expanduser().absolute()
    if path.is_file():
        return [path], None
    if path.is_dir():
        files, base = _parquet_below(path), path
        lacking = "it is a folder without Parquet files"
    else:
        plain = takewhile(lambda part: not glob.has_magic(part), path.parts)
        base = Path(*plain)
        found = sorted(base.glob(str(path.relative_to(base)))) if base != path else []
        files = [
            file for one in found for file in ([one] if one.is_file() else _parquet_below(one))
        ]
        lacking = "there is no such file or folder"
    if files:
        return list(dict.fromkeys(files)), base
    raise InputError(
        f"{text} cannot be read: {lacking}; expected a Parquet or CSV file, a folder of Parquet "
        "files, or a pattern such as 'folder/*.parquet'. Check the spelling and the current folder."
    )


def _parquet_below(folder: Path) -> list[Path]:
    """Parquet files in a folder and below it, but for hidden ones."""
    return sorted(
        file
        for file in folder.rglob("*")
        if file.suffix.lower() in _PARQUET
        and file.is_file()
        and not any(part[0] in "._" for part in file.relative_to(folder).parts)
    )


def _suffix(path: Path) -> str:
    last = path.suffixes[-2:] if path.suffix.lower() == ".gz" else path.suffixes[-1:]
    return "".join(last).lower()


def _of_csv(what: str, files: list[Path], separator: str) -> Source:
    import pyarrow as pa
    from pyarrow import csv

    parse = csv.ParseOptions(delimiter=separator)
    with _readable(what), csv.open_csv(str(files[0]), parse_options=parse) as first:
        schema = first.schema
    # The types of the first block need not be those of the file: 3 may be followed by 3.5.
    numbers = {
        field.name: pa.float64()
        for field in schema
        if pa.types.is_integer(field.type) or pa.types.is_null(field.type)
    }

    def batches(columns: list[str], rows: int) -> Batches:  # noqa: ARG001
        convert = csv.ConvertOptions(include_columns=columns, column_types=numbers)
        size = csv.ReadOptions(block_size=8 * _MIB)
        for file in files:
            with csv.open_csv(str(file), parse_options=parse) as header:
                _refuse_others(str(file), header.schema.names, schema.names)
                _refuse_lacking(str(file), header.schema.names, columns)
            with csv.open_csv(
                str(file), read_options=size, parse_options=parse, convert_options=convert
            ) as reader:
                yield from reader

    return _source(what, schema.names, batches)


# --- pyarrow ---------------------------------------------------------------------------------


def _of_dataset(dataset: Any, what: str = "the dataset", *, whole: bool = False) -> Source:
    """`whole` says that files may have no columns but those of the dataset."""
    import pyarrow.dataset as ds

    names = _without_index(dataset.schema)
    parquet = isinstance(getattr(dataset, "format", None), ds.ParquetFileFormat)
    if parquet:
        try:
            fragments = list(dataset.get_fragments())
        except ValueError:  # filtered: only the scanner knows which rows those are
            pass
        else:
            known = names if whole else None
            return _source(
                what, names, lambda c, rows: _fragment_batches(fragments, c, rows, known)
            )
    # Without these the scanner keeps what it has read until the end.
    buffered = ds.ParquetFragmentScanOptions(pre_buffer=False, use_buffered_stream=True)

    def batches(columns: list[str], rows: int) -> Batches:
        yield from dataset.to_batches(
            columns=columns,
            batch_size=rows,
            batch_readahead=1,
            fragment_readahead=1,
            fragment_scan_options=buffered if parquet else None,
        )

    return _source(what, names, batches)


def _without_index(schema: pa.Schema) -> list[str]:
    """Columns of the table; row labels that pandas stored beside them are none."""
    stored = (schema.pandas_metadata or {}).get("index_columns", [])
    index = {name for name in stored if isinstance(name, str)}
    return [name for name in schema.names if name not in index]


def _refuse_lacking(file: str, names: Sequence[str], wanted: Sequence[str]) -> None:
    """Refuse a file without a column that is to be read."""
    lacking = [name for name in wanted if name not in names]
    if lacking:
        raise InputError(
            f"{file} has no column {lacking[0]!r}, which the other files have; expected the same "
            "columns in all. Leave the file out, or read the columns that all have."
        )


def _refuse_others(file: str, names: Sequence[str], known: Collection[str]) -> None:
    """Refuse a file with a column that the first file does not have: it would be dropped."""
    others = [name for name in names if name not in known]
    if others:
        raise InputError(
            f"{file} has a column {others[0]!r}, which the first file does not have; expected the "
            "same columns in all. Leave the file out, or write the column in all or in none."
        )


def _fragment_batches(
    fragments: list[Any], columns: list[str], rows: int, known: Collection[str] | None
) -> Batches:
    import pyarrow.dataset as ds
    import pyarrow.parquet as pq

    buffer = min(max(64 * _MIB // len(columns), _MIB // 16), 4 * _MIB)
    for fragment in fragments:
        keys = ds.get_partition_keys(fragment.partition_expression)
        stored = [name for name in columns if name not in keys]
        with fragment.filesystem.open_input_file(fragment.path) as opened:
            file = pq.ParquetFile(opened, buffer_size=buffer, pre_buffer=False)
            _refuse_lacking(fragment.path, file.schema_arrow.names, stored)
            if known is not None:
                _refuse_others(fragment.path, _without_index(file.schema_arrow), known)
            for batch in _row_groups(file, stored, rows):
                yield _with_keys(batch, columns, keys) if keys else batch


def _with_keys(
    batch: pa.RecordBatch, columns: list[str], keys: dict[str, object]
) -> pa.RecordBatch:
    """Add the columns that folders such as `year=2024` stand for, as categories."""
    import pyarrow as pa

    codes = pa.array(np.zeros(batch.num_rows, dtype=np.int8))
    arrays = [
        pa.DictionaryArray.from_arrays(codes, pa.array([keys[name]]))
        if name in keys
        else batch.column(name)
        for name in columns
    ]
    return pa.RecordBatch.from_arrays(arrays, names=columns)


def _of_parquet_file(file: Any) -> Source:
    names = _without_index(file.schema_arrow)
    return _source(
        "the Parquet file", names, lambda columns, rows: _row_groups(file, columns, rows)
    )


def _row_groups(file: Any, columns: list[str], rows: int) -> Batches:
    # One at a time: asked for all, a file that reads ahead keeps what it has read.
    for group in range(file.num_row_groups):
        for batch in file.iter_batches(rows, row_groups=[group], columns=columns):
            yield batch.select(columns)


def _of_reader(reader: Any) -> Source:
    def batches(columns: list[str], rows: int) -> Batches:  # noqa: ARG001
        for batch in reader:
            yield batch.select(columns)

    return _source("the reader", reader.schema.names, batches)


# --- queries ---------------------------------------------------------------------------------


def _of_duckdb(relation: Any) -> Source:
    def batches(columns: list[str], rows: int) -> Batches:
        quoted = ('"' + name.replace('"', '""') + '"' for name in columns)
        query = relation.project(", ".join(quoted))
        read = getattr(query, "to_arrow_reader", None) or query.fetch_arrow_reader
        yield from read(rows)

    return _source("the relation", list(relation.columns), batches)


def _of_polars(frame: Any) -> Source:
    def batches(columns: list[str], rows: int) -> Batches:
        with _answered():
            query = frame.select(columns)
            if hasattr(query, "collect_batches"):
                for part in query.collect_batches(chunk_size=rows, maintain_order=True):
                    yield from part.to_arrow().to_batches()
                return
            with TemporaryDirectory() as folder:  # older polars streams into files only
                path = Path(folder) / "rows.parquet"
                query.sink_parquet(path)
                yield from _of_path(str(path)).batches(columns, rows)

    with _answered():
        names = frame.collect_schema().names()
    return _source("the query", names, batches)


@contextmanager
def _answered() -> Iterator[None]:
    """Say of a polars query that fails that it was the query."""
    from polars.exceptions import PolarsError

    try:
        yield
    except PolarsError as error:
        raise InputError(
            f"the query cannot be run ({str(error).strip().splitlines()[0]}); expected one that "
            ".collect() runs. Correct the column or the step that the message names."
        ) from None
