"""Moments of a table that is never in memory.

`moments_of("table.parquet")` reads a block, boils it down to its :class:`Moments` and forgets it;
while blocks are worked on the next is being read. What a block may cost is fixed in bytes, so
neither the number of rows nor that of columns changes the memory by much. On a dask cluster each
partition becomes moments where it lies, and only those travel.

Blocks are cut by size and merged in their order, so the number of workers never changes a number.
Nothing is dropped: missing and infinite cells are counted to the end and then refused, by column.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from causalkit._core.column_values import (
    BOOLEAN,
    DeclaredLevels,
    Levels,
    sorted_levels,
    unreadable,
)
from causalkit._core.frames import checked_names
from causalkit._core.moments import Moments, check_two_levels, merge
from causalkit._core.parallel import check_jobs, one_thread
from causalkit._core.sources import container, source_of
from causalkit.errors import InputError, UnknownVariableError
from causalkit.typing import Data, FloatArray, IntArray, Name

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["blocks_of", "is_stream", "moments_of"]

_BLOCK_CELLS: Final = 2**22
"""32 MiB of floats: three or four blocks are in memory at a time."""

_BLOCK_ROWS: Final = 4096

_WIDE: Final = 256
"""Columns from which on one product at a time is taken, by all cores."""

_FAN_IN: Final = 8


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """What is known of some of the rows; `moments` are None where there are none to speak of."""

    moments: Moments | None
    missing: IntArray
    infinite: IntArray


def is_stream(data: object) -> bool:
    """Whether `data` are read by blocks: a path, a query, a pyarrow Dataset, a dask DataFrame.

    Examples
    --------
    >>> is_stream("table.parquet"), is_stream({"a": [1, 2]})
    (True, False)
    """
    return container(data) is not None


def moments_of(
    data: Data, *, columns: Iterable[Name] | None = None, n_jobs: int | None = None
) -> Moments:
    """Read `data` once, by blocks, and return the moments of its columns.

    Parameters
    ----------
    data : str, path, or container
        A Parquet or CSV file, a folder or a glob of Parquet files; a pyarrow Dataset, ParquetFile
        or RecordBatchReader (which is then used up); a DuckDB relation, a polars LazyFrame, a dask
        DataFrame.
    columns : iterable of names, optional
        Read only these columns; the others may then hold anything.
    n_jobs : int, optional
        Threads that work on blocks while others read; -1 takes all cores, None is two. With 256
        columns and more there is one, whose products take all cores. On a dask DataFrame dask
        decides.

    Returns
    -------
    Moments

    Raises
    ------
    InputError
        If there is no such file, or it cannot be read; if there are no rows; if cells are missing
        or infinite; if a column is text, a date, nested, or a category with more than two levels.
    UnknownVariableError
        If `columns` names a column that is not there.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import pyarrow as pa
    >>> import pyarrow.parquet
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "table.parquet"
    ...     pa.parquet.write_table(pa.table({"a": [1.0, 2.0, 3.0], "b": [3.0, 2.0, 1.0]}), path)
    ...     moments = moments_of(path)
    >>> moments.n_rows, moments.mean.tolist(), moments.correlations()[0].round(9).tolist()
    (3, [2.0, 2.0], [1.0, -1.0])
    """
    check_jobs(n_jobs)
    if container(data) == "dask":
        return _checked(*_of_dask(data, columns))
    source = source_of(data)
    names = _chosen(source.names, columns)
    rows = max(_BLOCK_CELLS // len(names), _BLOCK_ROWS)
    workers = _workers(n_jobs, len(names))
    total: _Part | None = None
    batches = source.batches([str(name) for name in names], rows)
    # Reading takes all cores as it is; threads within a small product would only wait for them.
    # And a product by several threads is another in its last digit.
    with closing(batches), one_thread(len(names) < _WIDE):
        for part in _beside(_part, ((b, names) for b in _blocks(batches, rows)), workers):
            total = part if total is None else _merged(total, part)
    return _checked(names, total)


def blocks_of(data: Data, columns: Sequence[Name]) -> Iterator[tuple[list[Any], list[Levels]]]:
    """Read `data` again by blocks, after `moments_of` found nothing wrong with these columns.

    Parameters
    ----------
    data : path or container
        As for :func:`moments_of`; partitions of a dask DataFrame come one after the other.
    columns : sequence of names

    Yields
    ------
    columns : list of ndarray
        One array a column, all of one length.
    levels : list
        What stands behind the codes in this block, as in :class:`Moments`.
    """
    names = tuple(columns)
    if container(data) == "dask":
        frames = (part.compute() for part in data[list(names)].partitions)
        found = ([_batch_of_frame(frame, names)] for frame in frames if len(frame))
        yield from (_decoded_all(names, batches) for batches in found)
        return
    rows = max(_BLOCK_CELLS // len(names), _BLOCK_ROWS)
    with closing(source_of(data).batches([str(name) for name in names], rows)) as batches:
        yield from (_decoded_all(names, block) for block in _blocks(batches, rows))


def _workers(n_jobs: int | None, p: int) -> int:
    if p >= _WIDE:
        return 1
    if n_jobs is None:
        return 2
    return int(n_jobs) if n_jobs > 0 else max((os.cpu_count() or 1) + 1 + int(n_jobs), 1)


def _chosen(names: tuple[Name, ...], columns: Iterable[Name] | None) -> tuple[Name, ...]:
    wanted = names if columns is None else tuple(dict.fromkeys(columns))
    for name in wanted:
        if name not in names:
            raise UnknownVariableError.among(name, names)
    if not wanted:
        raise InputError("the data have no columns; expected at least one named column.")
    return wanted


def _checked(names: Sequence[Name], total: _Part | None) -> Moments:
    """Moments of complete, finite rows."""
    if total is not None and total.missing.any():
        raise InputError(
            f"{_columns_with('missing values (NaN or null)', names, total.missing)}; tables that "
            "are read by blocks need complete rows. Impute them, or filter those rows out if they "
            "are missing at random."
        )
    if total is not None and total.infinite.any():
        raise InputError(
            f"{_columns_with('infinite values', names, total.infinite)}; expected finite numbers. "
            "Replace them, or filter those rows out."
        )
    if total is None or total.moments is None:
        raise InputError("the data have no rows; expected at least one. Check the query or filter.")
    return total.moments


def _columns_with(what: str, names: Sequence[Name], counts: IntArray) -> str:
    where = np.flatnonzero(counts).tolist()
    shown = ", ".join(f"{names[k]!r} ({counts[k]})" for k in where[:8])
    return f"{len(where)} column(s) have {what}: {shown}{', …' if len(where) > 8 else ''}"


# --- reading and working side by side -----------------------------------------------------------


def _blocks(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[list[pa.RecordBatch]]:
    """Batches by the block: of one kind, and about as many as make up the rows.

    Half the rows are enough, so that batches of nearly the right size need not be joined.
    """
    waiting: list[pa.RecordBatch] = []
    n = 0
    for batch in batches:
        if batch.num_rows == 0:
            continue
        if waiting and not _are_alike(batch, waiting[0]):
            yield waiting
            waiting, n = [], 0
        waiting.append(batch)
        n += batch.num_rows
        if 2 * n >= rows:
            yield waiting
            waiting, n = [], 0
    if waiting:
        yield waiting


def _are_alike(a: pa.RecordBatch, b: pa.RecordBatch) -> bool:
    """Whether batches can be joined: pyarrow would join lists of ordered levels to any list."""
    import pyarrow as pa

    return a.schema == b.schema and all(
        a.column(k).dictionary.equals(b.column(k).dictionary)
        for k, kind in enumerate(a.schema.types)
        if pa.types.is_dictionary(kind) and kind.ordered
    )


def _beside(
    job: Callable[..., _Part], arguments: Iterable[tuple[Any, ...]], workers: int
) -> Iterator[_Part]:
    """Call `job` in threads while this one draws the next arguments; results come in order.

    `_core.parallel.run` wants all arguments at once, and these are blocks that must not all be
    there.
    """
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[_Part]] = deque()
        for one in arguments:
            waiting.append(pool.submit(job, *one))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


# --- one block ------------------------------------------------------------------------------------


def _part(batches: Sequence[pa.RecordBatch], names: tuple[Name, ...]) -> _Part:
    """Moments of a block, unless cells are missing or infinite; those are counted."""
    missing, infinite = np.zeros((2, len(names)), dtype=np.intp)
    if not batches:
        return _Part(None, missing, infinite)
    columns, levels = _decoded_all(names, batches)
    with np.errstate(invalid="ignore"):
        moments = Moments.of_columns(columns, names=names, levels=levels)
    # The smallest and the largest value tell whether any is not a finite number.
    for k in np.flatnonzero(~np.isfinite(moments.minimum + moments.maximum)):
        missing[k], infinite[k] = np.isnan(columns[k]).sum(), np.isinf(columns[k]).sum()
    return _Part(None if missing.any() or infinite.any() else moments, missing, infinite)


def _decoded_all(
    names: tuple[Name, ...], batches: Sequence[pa.RecordBatch]
) -> tuple[list[Any], list[Levels]]:
    """All columns of a block, and their levels."""
    decoded = [_decoded(name, [b.column(k) for b in batches]) for k, name in enumerate(names)]
    return [values for values, _ in decoded], [levels for _, levels in decoded]


def _merged(a: _Part, b: _Part) -> _Part:
    missing, infinite = a.missing + b.missing, a.infinite + b.infinite
    if a.moments is None or b.moments is None:
        return _Part(a.moments or b.moments, missing, infinite)
    return _Part(merge(a.moments, b.moments), missing, infinite)


def _decoded(name: Name, chunks: Sequence[pa.Array]) -> tuple[np.ndarray[Any, Any], Levels]:
    """One column as numbers, NaN where a cell is missing, and its levels."""
    import pyarrow as pa

    column = chunks[0] if len(chunks) == 1 else pa.concat_arrays(chunks)
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _codes(name, column)
    levels: Levels = BOOLEAN if pa.types.is_boolean(kind) else None
    if levels is not None:
        column = column.cast(pa.uint8())
    elif pa.types.is_null(kind) or pa.types.is_decimal(kind):
        column = column.cast(pa.float64())
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        raise _refused(name, column)
    return column.to_numpy(zero_copy_only=False), levels


def _codes(name: Name, column: pa.DictionaryArray) -> tuple[FloatArray, Levels]:
    """Codes of a category among the levels that occur: in declared order if any, else sorted."""
    cells = column.dictionary
    known = column.is_valid().to_numpy(zero_copy_only=False)
    codes = column.indices.fill_null(0).to_numpy(zero_copy_only=False).astype(np.intp)
    there = np.flatnonzero(np.bincount(codes[known], minlength=len(cells)))
    present = {int(k): cells[k].as_py() for k in there.tolist()}
    levels: tuple[object, ...] = tuple(sorted_levels(set(present.values()) - {None}))
    if column.type.ordered:
        levels = DeclaredLevels.among({*levels}, cells.to_pylist())
    check_two_levels(name, levels)
    table = np.full(max(len(cells), 1), np.nan)
    for k, level in present.items():
        if level is not None:
            table[k] = levels.index(level)
    return np.where(known, table[codes], np.nan), levels


def _refused(name: Name, column: pa.Array) -> InputError:
    import pyarrow as pa

    kind = str(column.type)
    text = kind.startswith(("string", "large_string")) and not pa.types.is_nested(column.type)
    return unreadable(name, "str" if text else kind, column.drop_null()[:3].to_pylist())


# --- partitions on a cluster ----------------------------------------------------------------------


def _of_dask(data: Any, columns: Iterable[Name] | None) -> tuple[tuple[Name, ...], _Part]:
    """Moments of each partition, merged in a tree; only these travel."""
    from dask.delayed import delayed

    names = _chosen(tuple(checked_names(list(data.columns))), columns)
    frames = data[list(names)].to_delayed()
    parts = [delayed(_part_of_frame)(frame, names) for frame in frames]
    while len(parts) > 1:
        parts = [
            delayed(_merged_all)(parts[k : k + _FAN_IN]) for k in range(0, len(parts), _FAN_IN)
        ]
    return names, parts[0].compute()


def _merged_all(parts: Sequence[_Part]) -> _Part:
    total = parts[0]
    for part in parts[1:]:
        total = _merged(total, part)
    return total


def _part_of_frame(frame: Any, names: tuple[Name, ...]) -> _Part:
    """Moments of one partition, a pandas frame."""
    return _part([_batch_of_frame(frame, names)] if len(frame) else [], names)


def _batch_of_frame(frame: Any, names: tuple[Name, ...]) -> pa.RecordBatch:
    import pyarrow as pa

    arrays = []
    for k, name in enumerate(names):
        try:
            arrays.append(pa.Array.from_pandas(_marked(frame.iloc[:, k])))
        except (pa.ArrowException, TypeError) as error:
            raise InputError(
                f"column {name!r} cannot be read ({error}); expected numbers, booleans or "
                "categories. Convert it, or leave the column out."
            ) from None
    return pa.RecordBatch.from_arrays(
        [a.combine_chunks() if isinstance(a, pa.ChunkedArray) else a for a in arrays],
        names=[str(name) for name in names],
    )


def _marked(column: Any) -> Any:
    """A pandas column, whose list of categories counts as an order, as elsewhere."""
    return column.cat.as_ordered() if hasattr(column, "cat") else column
