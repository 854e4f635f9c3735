"""Tables such as are handed in by mistake: odd types, odd names, odd shapes; and bytes of CSV.

What is read must be a sound :class:`Table`; what asks it next (codes, indicators, units, complete
rows) must answer or refuse as well. No warning of another library may come out.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from random import Random
from tempfile import gettempdir
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

from causalkit._core.checks import check_complete, check_rows, check_varies
from causalkit._core.columns import codes_of, indicators_of, standardized
from causalkit._core.table import Table, as_table, with_columns
from causalkit.cli.reading import read_table
from causalkit.errors import CausalkitError, CausalkitWarning
from tools.fuzz.mutation import damage_bytes

__all__ = ["check", "generate"]

NUMBERS = (
    *(0, 1, -1, 2, 3.5, -0.0, 1e-320, 1e300, -1e308, 5e-324, 2**53 + 1, 10**18, 10**30, 10**400),
    *(float("nan"), float("inf"), float("-inf"), True, False, np.float32(1.5), np.int8(-3)),
)
OBJECTS = (
    *(
        None,
        pd.NA,
        pd.NaT,
        "",
        "a",
        "1",
        b"x",
        "NaN",
        Decimal("1.5"),
        Decimal("NaN"),
        Decimal("sNaN"),
    ),
    *(Fraction(1, 3), 1j, complex("nan"), date(2020, 1, 1), datetime(1, 1, 1), timedelta(3)),
    *([], [1, 2], (1,), {}, {"a": 1}, {1}, np.array([1.0, 2.0]), np.array(3), object, len, ...),
    *(
        np.datetime64("NaT", "ns"),
        np.str_("x"),
        pd.Timestamp("2020-01-01"),
        pd.Interval(0, 1),
        pd.Period("2020"),
    ),
)
NAMES = (
    *("x", "y", "z", "a b", "", " ", "Unnamed: 0", 0, 1, -1, 10**20, np.int64(3), np.str_("s")),
    *(None, True, 1.5, float("nan"), ("a", "b"), b"x", pd.NA, pd.NaT, date(2020, 1, 1), "\ud800"),
)
PANDAS = (
    *("Int64", "Float32", "boolean", "string", "category", "datetime64[ns]", "timedelta64[s]"),
    *(
        "Sparse[float]",
        "object",
        "float16",
        "complex128",
        "UInt8",
        "period[D]",
        "str",
        "int8[pyarrow]",
    ),
)
POLARS = (
    *(pl.Int128, pl.UInt8, pl.Float32, pl.Boolean, pl.String, pl.Categorical, pl.Date, pl.Datetime),
    *(pl.Duration, pl.Time, pl.Binary, pl.Null, pl.Object, pl.Decimal(10, 2), pl.List(pl.Int8)),
    *(pl.Array(pl.Float64, 2), pl.Struct({"a": pl.Int8}), pl.Enum(["a", "b"])),
)
ARROW = (
    *(pa.int8(), pa.float16(), pa.bool_(), pa.string(), pa.large_string(), pa.date32(), pa.null()),
    *(pa.decimal128(9, 2), pa.list_(pa.int8()), pa.time64("us"), pa.duration("s"), pa.binary()),
    *(
        pa.dictionary(pa.int8(), pa.string()),
        pa.timestamp("ns", "UTC"),
        pa.struct([("a", pa.int8())]),
    ),
)
ARRAYS = ("f2", "f4", "f8", "g", "i1", "u8", "c16", "?", "O", "U3", "S2", "M8[D]", "m8[s]", "V2")
CELLS = (
    *("1", "2", "3.5", "-1e5", "1e999", "", "NA", "nan", "a", "b", "true", "2024-01-01", '"a,b"'),
    *('"', "1;2", "1,5", " 7 ", "\t", "'", "#", "\x00", "ü", "0x10", "1_000", "9" * 40, "inf"),
)


def generate(rng: Random, number: int) -> tuple[str, Any]:
    """Name of the container, and the data; one in five is a text file."""
    del number
    if rng.random() < 0.2:
        return "text file", _csv(rng)
    while True:  # what the library itself refuses to build is no input of ours
        name, build = rng.choice(_BUILDERS)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return name, build(rng)
        except KeyboardInterrupt:
            raise
        except BaseException:  # polars panics with one
            continue


def check(container: str, data: Any) -> str:
    """Read the data; say what came of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", CausalkitWarning)
        try:
            if container == "text file":
                data = _read_bytes(data)
            table = as_table(data)
        except CausalkitError as error:
            return type(error).__name__
        _check_sound(table)
        asked = sum(_answers(ask) for ask in _questions(table, data))
    return f"read, {asked} of {_N_QUESTIONS} questions answered"


def _check_sound(table: Table) -> None:
    values = table.values
    if values.ndim != 2 or values.dtype != np.float64 or np.isinf(values).any():
        raise TypeError(f"no matrix of finite numbers: {values!r}")
    if len(set(table.names)) != table.n_columns or table.n_columns != len(table.levels):
        raise ValueError(f"names {table.names!r}")
    for name, levels in zip(table.names, table.levels, strict=True):
        column = table.column(name)
        top = np.nanmax(column, initial=-1)
        if levels is not None and top >= len(levels):
            raise ValueError(f"codes to {top} among {levels!r}")


_N_QUESTIONS = 6


def _questions(table: Table, data: Any) -> list[Callable[[], Any]]:
    def whole() -> Table:
        return check_complete(table, who="the fuzzer")

    return [
        whole,
        lambda: codes_of(whole(), who="the fuzzer", kind="test"),
        lambda: indicators_of(whole()),
        lambda: standardized(whole().values),
        lambda: check_varies(check_rows(table, 2, who="it") or whole(), table.names, who="it"),
        lambda: with_columns(data, {table.names[0]: np.zeros(table.n_rows)}),
    ]


def _answers(ask: Callable[[], Any]) -> bool:
    try:
        ask()
    except CausalkitError:
        return False
    return True


# --- containers -----------------------------------------------------------------------------------


def _cells(rng: Random, n: int) -> list[Any]:
    way = rng.randrange(6)
    if way == 0:
        return [rng.choice(NUMBERS[:12]) for _ in range(n)]
    if way == 1:
        return [rng.choice(NUMBERS) for _ in range(n)]
    if way == 2:
        return [rng.choice(OBJECTS) for _ in range(n)]
    if way == 3:
        return [rng.choice(("a", "b", "c", None)) for _ in range(n)]
    if way == 4:
        return [rng.choice((*OBJECTS, *NUMBERS)) for _ in range(n)]
    return [rng.gauss(0, 1) for _ in range(n)]


def _size(rng: Random) -> tuple[int, int]:
    return rng.choice((0, 1, 2, 3, 5, 12)), rng.choice((0, 1, 1, 2, 3))


def _names(rng: Random, p: int) -> list[Any]:
    if rng.random() < 0.6:
        return ["x", "y", "z"][:p]
    return [rng.choice(NAMES) for _ in range(p)]


def _pandas_column(rng: Random, n: int) -> pd.Series:
    cells = _cells(rng, n)
    if rng.random() < 0.5:
        return pd.Series(cells, dtype=rng.choice(PANDAS))
    return (
        pd.Series(cells, dtype=object).infer_objects() if rng.random() < 0.5 else pd.Series(cells)
    )


def _pandas(rng: Random) -> pd.DataFrame:
    n, p = _size(rng)
    frame = pd.concat([_pandas_column(rng, n) for _ in range(p)], axis=1) if p else pd.DataFrame()
    frame.columns = _names(rng, p)
    if rng.random() < 0.1:
        frame.index = [rng.choice(NAMES) for _ in range(n)]
    return frame.iloc[:, 0] if p and rng.random() < 0.05 else frame


def _polars(rng: Random) -> Any:
    n, p = _size(rng)
    names = [str(name) for name in _names(rng, p)]
    columns = []
    for name in names:
        kind = rng.choice(POLARS) if rng.random() < 0.7 else None
        columns.append(pl.Series(name, _cells(rng, n), dtype=kind, strict=False))
    frame = pl.DataFrame(columns)
    return frame.lazy() if rng.random() < 0.03 else frame


def _arrow(rng: Random) -> pa.Table:
    n, p = _size(rng)
    plain = [cell for cell in _cells(rng, n) if not isinstance(cell, np.generic)]
    column = pa.array(plain, type=rng.choice(ARROW) if rng.random() < 0.7 else None)
    return pa.table([column] * p, names=[str(name) for name in _names(rng, p)])


def _array(rng: Random) -> np.ndarray:
    n, p = _size(rng)
    shape = rng.choice(((n, p), (n, p), (n, p), (n,), (), (n, p, 2), (p,)))
    size = int(np.prod(shape))
    found = np.empty(size, dtype=object)
    found[:] = _cells(rng, size)
    array = found.astype(rng.choice(ARRAYS)).reshape(shape)
    way = rng.randrange(12)
    if way == 0:
        return np.ma.masked_array(array, mask=[rng.random() < 0.4 for _ in range(size)])
    if way == 1:
        return np.rec.fromarrays([array], names="x")
    if way == 2:
        return array[::-1, ::2] if array.ndim == 2 else array
    if way == 3:
        return np.asarray(array, dtype=array.dtype.newbyteorder())
    return np.matrix(array) if way == 4 else array


def _mapping(rng: Random) -> dict[Any, Any]:
    n, p = _size(rng)

    def column() -> Any:
        ways: tuple[Callable[[], Any], ...] = (
            lambda: _cells(rng, n),
            lambda: tuple(_cells(rng, n)),
            lambda: _array(rng),
            lambda: _pandas_column(rng, n),
            lambda: pl.Series(_cells(rng, n), strict=False),
            lambda: pa.array(_cells(rng, n)),
            lambda: pd.Categorical(["a", "b", None] * n),
            lambda: pd.Index(_cells(rng, n)),
            lambda: rng.choice((*OBJECTS, *NUMBERS)),
            lambda: (cell for cell in _cells(rng, n)),
            lambda: range(n),
            lambda: pd.DataFrame({"a": range(n)}),
        )
        return rng.choice(ways)()

    return {name: column() for name in _names(rng, p)}


def _anything(rng: Random) -> Any:
    n, p = _size(rng)
    rows = [_cells(rng, p) for _ in range(n)]
    ways: tuple[Callable[[], Any], ...] = (
        lambda: rows,
        lambda: rng.choice((*OBJECTS, *NUMBERS)),
        lambda: iter(rows),
        lambda: pl.Series(_cells(rng, n), strict=False),
        lambda: pa.array(_cells(rng, n)),
        lambda: pd.DataFrame({"a": [1.0]}).groupby("a"),
        lambda: "data.csv",
        lambda: Path("data.csv"),
        lambda: pd.DataFrame,
        lambda: memoryview(b"abc"),
    )
    return rng.choice(ways)()


_BUILDERS: list[tuple[str, Callable[[Random], Any]]] = [
    ("pandas", _pandas),
    ("pandas", _pandas),
    ("polars", _polars),
    ("arrow", _arrow),
    ("array", _array),
    ("mapping", _mapping),
    ("mapping", _mapping),
    ("anything", _anything),
]


# --- text files -----------------------------------------------------------------------------------


def _csv(rng: Random) -> bytes:
    n, p = rng.choice((0, 1, 2, 5, 20)), rng.randrange(1, 5)
    calm = rng.random() < 0.6
    cells = CELLS[:5] if calm else CELLS
    heads = ("x", "y", "z", "w", "a b", "", "Unnamed: 0", "Unnamed: x", "x", '"a,b"', "1", "nan")
    lines = [",".join(rng.sample(heads[: 4 if calm else None], p))]
    lines += [",".join(rng.choice(cells) for _ in range(p)) for _ in range(n)]
    end = rng.choice(("\n", "\n", "\r\n", "\r"))
    data = (end.join(lines) + end).encode("utf-8")
    data = rng.choice((b"", b"", b"", b"\xef\xbb\xbf", b"\xff\xfe", b"PAR1", b"\x1f\x8b")) + data
    return data if rng.random() < 0.4 else damage_bytes(rng, data)


_SCRATCH = Path(gettempdir()) / f"fuzz-{id(object()):x}.csv"


def _read_bytes(data: bytes) -> pd.DataFrame:
    _SCRATCH.write_bytes(data)
    try:
        return read_table(_SCRATCH)
    finally:
        _SCRATCH.unlink(missing_ok=True)
