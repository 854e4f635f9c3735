"""A table read by blocks has the moments of the table in memory, whatever brings it."""

from __future__ import annotations

import datetime as dt
import decimal
import gzip
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from causalkit._core import row_sums, streams
from causalkit._core.moments import Moments
from causalkit._core.streams import is_stream, moments_of
from causalkit._core.table import as_table
from causalkit.errors import InputError, UnknownVariableError

N = 1000


def dask_frame(frame, npartitions):
    import dask.dataframe

    return dask.dataframe.from_pandas(frame, npartitions=npartitions)


def small_table():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(N, 3)) @ rng.uniform(-1, 1, (3, 3)) + [0, 1e6, -5]
    return pa.table(
        {
            "a": values[:, 0],
            "b": values[:, 1],
            "c": values[:, 2].astype(np.float32),
            "count": rng.integers(-3, 9, N),
            "flag": values[:, 0] > 0,
        }
    )


def in_memory(data):
    table = as_table(data)
    return Moments.of(table.values, names=table.names, levels=table.levels)


def assert_same(found, expected):
    assert found.names == expected.names
    assert found.levels == expected.levels
    assert found.n_rows == expected.n_rows
    assert_allclose(found.correlations(), expected.correlations(), rtol=0, atol=1e-13)
    assert_allclose(found.mean, expected.mean, rtol=1e-13, atol=1e-13)
    assert_array_equal(found.minimum, expected.minimum)
    assert_array_equal(found.maximum, expected.maximum)


@pytest.fixture
def few_rows_a_block(monkeypatch):
    monkeypatch.setattr(streams, "_BLOCK_CELLS", 1)
    monkeypatch.setattr(streams, "_BLOCK_ROWS", 64)
    monkeypatch.setattr(row_sums, "_TILE_CELLS", 1)
    monkeypatch.setattr(row_sums, "_TILE_ROWS", 8)


# --- containers ---------------------------------------------------------------------------------


def parquet(folder, table=None, name="table.parquet", **options):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(small_table() if table is None else table, path, **options)
    return path


def parquet_folder(folder):
    table = small_table()
    for k, start in enumerate(range(0, N, 300)):
        parquet(folder, table.slice(start, 300), f"part-{k}.parquet")
    (folder / "_SUCCESS").touch()
    (folder / "notes.txt").write_text("not data")
    return folder


def csv_file(folder, name="table.csv", separator=","):
    table = small_table()
    opened = gzip.open if name.endswith(".gz") else open
    with opened(folder / name, "wb") as file:
        pa.csv.write_csv(table, file, pa.csv.WriteOptions(delimiter=separator))
    return folder / name


CONTAINERS = {
    "path": parquet,
    "text": lambda folder: str(parquet(folder, row_group_size=90)),
    "uri": lambda folder: parquet(folder).as_uri(),
    "folder": parquet_folder,
    "glob": lambda folder: str(parquet_folder(folder) / "part-*.parquet"),
    "deep glob": lambda folder: str(
        parquet_folder(folder / "deep" / "er").parents[1] / "**/*.par*"
    ),
    "csv": csv_file,
    "csv.gz": lambda folder: csv_file(folder, "table.csv.gz"),
    "tsv": lambda folder: csv_file(folder, "table.tsv", "\t"),
    "dataset": lambda folder: ds.dataset(parquet(folder)),
    "dataset in memory": lambda _: ds.dataset(small_table()),
    "filtered dataset": lambda folder: ds.dataset(parquet(folder)).filter(pc.field("count") > -10),
    "open file": lambda folder: pq.ParquetFile(parquet(folder, row_group_size=300)),
    "reader": lambda _: small_table().to_reader(max_chunksize=17),
    "polars": lambda _: pl.from_arrow(small_table()).lazy(),
    "polars query": lambda folder: pl.scan_parquet(parquet(folder)).filter(pl.col("count") > -9),
    "dask": lambda _: dask_frame(small_table().to_pandas(), npartitions=11),
}


@pytest.mark.parametrize("make", CONTAINERS.values(), ids=CONTAINERS.keys())
def test_every_container_gives_the_moments_of_the_table(make, tmp_path, few_rows_a_block):
    data = make(tmp_path)
    assert is_stream(data)
    found = moments_of(data)
    table = small_table()
    if str(data).endswith(("csv", "csv.gz", "tsv")):  # single precision in decimal digits
        written = [float(str(cell)) for cell in table["c"].to_numpy()]
        table = table.set_column(2, "c", pa.array(written))
    expected = in_memory(table)
    assert_same(found, expected)


def test_a_duckdb_relation_is_read_and_can_be_read_again(few_rows_a_block):
    import duckdb

    table = small_table()
    with duckdb.connect() as connection:
        relation = connection.from_arrow(table)
        relation.create_view("rows_")
        for _ in range(2):
            assert_same(moments_of(relation), in_memory(table))
        query = connection.sql(
            'select a, a + b as "the ""sum", flag, count::hugeint as big, '
            "count::decimal(9, 2) as money, case when a > 0 then 'yes' else 'no' end::"
            "enum('no', 'yes') as word from rows_"
        )
        assert_same(
            moments_of(query, columns=["big", 'the "sum', "money"]),
            in_memory(
                {
                    "big": table["count"].to_numpy(),
                    'the "sum': table["a"].to_numpy() + table["b"].to_numpy(),
                    "money": table["count"].to_numpy(),
                }
            ),
        )
        words = moments_of(query, columns=["flag", "word"])
        assert words.levels == ((False, True), ("no", "yes"))
        assert_allclose(words.correlations(), 1.0)


def test_polars_without_batches_streams_through_a_file(monkeypatch, few_rows_a_block):
    monkeypatch.delattr(pl.LazyFrame, "collect_batches", raising=False)
    assert_same(moments_of(pl.from_arrow(small_table()).lazy()), in_memory(small_table()))


def test_a_dask_cluster_sends_moments_only():
    import distributed

    frame = small_table().to_pandas()
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster),
    ):
        found = moments_of(dask_frame(frame, npartitions=20))
    assert_same(found, in_memory(frame))


def test_what_is_in_memory_is_no_stream():
    table = small_table()
    frames = (table, table.to_pandas(), pl.from_arrow(table), {"a": [1]}, np.ones((2, 2)), None)
    assert not any(map(is_stream, frames))


@pytest.mark.parametrize("make", [parquet, CONTAINERS["csv"], CONTAINERS["polars"]])
def test_workers_never_change_a_number(make, tmp_path, few_rows_a_block):
    data = make(tmp_path)
    one, three = moments_of(data), moments_of(data, n_jobs=3)
    assert_array_equal(one.gram, three.gram)
    assert_array_equal(one.mean, three.mean)
    assert_array_equal(one.gram, moments_of(data, n_jobs=1).gram)
    with pytest.raises(InputError, match="n_jobs=0; expected a number of workers"):
        moments_of(data, n_jobs=0)


def test_workers_never_change_a_number_of_a_wide_table(tmp_path):
    values = np.random.default_rng(0).normal(size=(9000, 300))
    path = parquet(tmp_path, pa.table({f"v{k}": values[:, k] for k in range(300)}))
    assert_array_equal(moments_of(path).gram, moments_of(path, n_jobs=3).gram)


# --- types --------------------------------------------------------------------------------------


def test_columns_mean_what_they_mean_in_memory(tmp_path, few_rows_a_block):
    rng = np.random.default_rng(1)
    sizes = np.sort(rng.choice(["large", "small"], N))  # the first blocks hold one level only
    table = pa.table(
        {
            "half": rng.normal(size=N).astype(np.float16),
            "tiny": rng.integers(0, 255, N).astype(np.uint8),
            "huge": rng.integers(0, 2**63, N).astype(np.uint64) * 2,
            "money": pa.array([decimal.Decimal(k % 7) / 4 for k in range(N)], pa.decimal128(9, 2)),
            "flag": rng.random(N) > 0.3,
            "size": pa.array(sizes).dictionary_encode(),
            "backwards": pa.array(sizes[::-1]).dictionary_encode(),
            "coded": pa.DictionaryArray.from_arrays(rng.integers(0, 2, N), pa.array([20, 10])),
            "ordered": pa.DictionaryArray.from_arrays(
                np.sort(rng.integers(0, 2, N)), pa.array(["low", "high"]), ordered=True
            ),
        }
    )
    expected = in_memory(table)
    assert expected.levels[-1] == ("low", "high")  # a declared order is kept
    assert_same(moments_of(table.to_reader(max_chunksize=100)), expected)
    # Files with dictionaries of their own; Parquet has none of numbers.
    table = table.drop_columns(["coded"])
    parts = [table.slice(a, 200) for a in range(0, N, 200)]
    for k, part in enumerate(parts):
        shrunk = {
            name: part[name].combine_chunks().dictionary_decode().dictionary_encode()
            if name in ("size", "backwards")
            else part[name]
            for name in part.column_names
        }
        parquet(tmp_path / "parts", pa.table(shrunk), f"{k}.parquet")
    assert_same(moments_of(tmp_path / "parts"), expected.select(table.column_names))


def test_categories_of_polars_pandas_and_dask_agree(few_rows_a_block):
    rng = np.random.default_rng(2)
    cells = rng.choice(["no", "yes"], N)
    frame = pl.DataFrame({"x": rng.normal(size=N), "c": cells, "e": cells}).with_columns(
        pl.col("c").cast(pl.Categorical), pl.col("e").cast(pl.Enum(["yes", "no"]))
    )
    expected = in_memory(frame)
    assert expected.levels == (None, ("no", "yes"), ("yes", "no"))
    if hasattr(pl.LazyFrame, "collect_batches"):  # the files of older polars lose the order
        assert_same(moments_of(frame.lazy()), expected)
    pandas = pd.DataFrame(
        {
            "x": frame["x"].to_numpy(),
            "c": pd.Categorical(cells),
            "e": pd.Categorical(cells, categories=["yes", "no"]),
        }
    )
    assert_same(moments_of(dask_frame(pandas, npartitions=7)), expected)


def test_a_declared_order_holds_where_some_of_its_categories_are_unused(tmp_path, few_rows_a_block):
    cells = np.repeat(["a", "z", "a"], 100)  # in most blocks only one of them occurs
    declared = pd.Categorical(cells, categories=["z", "mid", "a"], ordered=True)
    y = np.random.default_rng(4).normal(size=300) - 2 * (cells == "a")
    frame = pd.DataFrame({"g": declared, "y": y})
    expected = in_memory(frame)
    assert expected.levels == (("z", "a"), None)
    assert expected.gram[0, 1] < 0
    frame.to_parquet(tmp_path / "whole.parquet", row_group_size=50)
    assert_same(moments_of(tmp_path / "whole.parquet"), expected)
    assert_same(moments_of(dask_frame(frame, npartitions=6)), expected)
    unordered = frame.assign(g=declared.as_unordered())
    assert_same(moments_of(dask_frame(unordered, npartitions=6)), expected)
    # A file may list what it holds; lists that contradict each other declare nothing.
    of_files = [["z", "a"], ["z", "mid", "a"]], [["z", "a"], ["a", "mid", "z"]]
    for k, (lists, levels) in enumerate(zip(of_files, [("z", "a"), ("a", "z")], strict=True)):
        for part, (start, listed) in enumerate(zip((0, 150), lists, strict=True)):
            piece = frame[start : start + 150]
            piece = piece.assign(g=piece["g"].cat.set_categories(listed, ordered=True))
            parquet(tmp_path / str(k), pa.Table.from_pandas(piece), f"{part}.parquet")
        assert moments_of(tmp_path / str(k)).levels == (levels, None)


def test_one_file_may_hold_integers_and_another_floats(tmp_path):
    parquet(tmp_path, pa.table({"a": [1, 2, 3], "b": [1.0, 0.0, 2.0]}), "1.parquet")
    parquet(tmp_path, pa.table({"b": [4, 5, 1], "a": [1.5, 2.5, 0.0]}), "2.parquet")
    expected = in_memory({"a": [1, 2, 3, 1.5, 2.5, 0], "b": [1.0, 0, 2, 4, 5, 1]})
    assert_same(moments_of(tmp_path), expected)


def test_a_number_in_csv_may_turn_into_a_fraction_later(tmp_path):
    rows = 3_000_000  # beyond the block from which the reader guesses types
    path = tmp_path / "late.csv"
    path.write_text("a,b\n" + "1,2\n" * rows + "1.5,2\n0,7\n")
    found = moments_of(path)
    assert found.n_rows == rows + 2
    assert_array_equal(found.maximum, [1.5, 7])


def test_folders_named_after_values_are_columns_as_pandas_reads_them(tmp_path):
    table = small_table()
    for year, start in ((2023, 0), (2024, 400)):
        parquet(tmp_path / f"year={year}", table.slice(start, 400).select(["a", "b"]))
    expected = in_memory(pd.read_parquet(tmp_path))
    assert expected.levels == (None, None, (2023, 2024))
    assert_same(moments_of(tmp_path), expected)
    assert_same(moments_of(f"{tmp_path}/year=*"), expected)
    assert_same(moments_of(tmp_path, columns=["year"]), expected.select(["year"]))
    assert moments_of(tmp_path / "year=2024").names == ("a", "b")


def test_row_labels_of_pandas_are_no_column(tmp_path):
    frame = small_table().to_pandas().set_index("count")
    frame.to_parquet(tmp_path / "labelled.parquet")
    expected = in_memory(pd.read_parquet(tmp_path / "labelled.parquet"))
    assert "count" not in expected.names
    assert_same(moments_of(tmp_path / "labelled.parquet"), expected)


def test_integer_names_of_dask_survive():
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(50, 3)))
    found = moments_of(dask_frame(frame, npartitions=3), columns=[2, 0])
    assert_same(found, in_memory(frame).select([2, 0]))


def test_wide_tables_and_empty_parts(tmp_path):
    values = np.random.default_rng(0).normal(size=(40, 600))
    table = pa.table({f"v{k}": values[:, k] for k in range(600)})
    path = parquet(tmp_path, pa.concat_tables([table.slice(0, 0), table]), row_group_size=7)
    assert_same(moments_of(path), in_memory(table))
    frame = dask_frame(small_table().to_pandas(), npartitions=5)
    kept = frame[frame["a"] > frame["a"].max().compute() - 1e-9]
    assert moments_of(kept).n_rows == 1


# --- what is refused ----------------------------------------------------------------------------


def test_missing_and_infinite_cells_are_counted_to_the_end(few_rows_a_block):
    table = small_table()
    holes, infinite = table["a"].to_numpy().copy(), table["b"].to_numpy().copy()
    holes[::100], infinite[5::500] = np.nan, [np.inf, -np.inf]
    nulls = pa.array(table["count"].to_pylist()[:-3] + [None] * 3)
    broken = table.set_column(0, "a", pa.array(holes)).set_column(3, "count", nulls)
    for data in broken.to_reader(max_chunksize=50), pl.from_arrow(broken).lazy():
        with pytest.raises(
            InputError, match=r"missing.*'a' \(10\), 'count' \(3\); .*complete rows"
        ):
            moments_of(data)
    with pytest.raises(InputError, match=r"'a' \(10\), 'count' \(3\)"):
        moments_of(dask_frame(broken.to_pandas(), npartitions=9))
    broken = table.set_column(1, "b", pa.array(infinite))
    with pytest.raises(InputError, match=r"infinite.*'b' \(2\); expected finite numbers"):
        moments_of(broken.to_reader(max_chunksize=50))
    assert moments_of(broken.to_reader(), columns=["a", "c"]).n_rows == N


def test_a_sum_beyond_the_range_is_no_infinity():
    values = np.array([1.7e308, 1.6e308, 1.7e308, -1.7e308])
    found = moments_of(pa.table({"a": values, "b": values[::-1]}).to_reader())
    assert np.isfinite(found.correlations()).all()
    assert_array_equal(found.maximum, 1.7e308)


STRANGE = {
    "text": (pa.array(["u", "v"]), "holds text .*categories"),
    "large text": (pa.array(["u", "v"], pa.large_string()), "holds text"),
    "dates": (pa.array([dt.date(2020, 1, 1)] * 2), "holds dates or times"),
    "nested": (pa.array([[1], [2, 3]]), "holds list"),
    "bytes": (pa.array([b"u", b"v"]), "holds binary"),
}


@pytest.mark.parametrize(("column", "message"), STRANGE.values(), ids=STRANGE.keys())
def test_what_is_no_number_is_refused_unless_it_is_left_out(column, message, tmp_path):
    path = parquet(tmp_path, pa.table({"x": [1.0, 2.0], "odd": column}))
    with pytest.raises(InputError, match=f"'odd' {message}"):
        moments_of(path)
    assert moments_of(path, columns=["x"]).names == ("x",)
    with pytest.raises(UnknownVariableError, match="no variable 'y'"):
        moments_of(path, columns=["y"])
    with pytest.raises(InputError, match="no columns"):
        moments_of(path, columns=[])


def test_a_third_level_is_refused_even_in_the_last_block(few_rows_a_block):
    cells = pa.array(["u", "v"] * 300 + ["w"]).dictionary_encode()
    with pytest.raises(InputError, match="'c' is categorical with 3 or more levels"):
        moments_of(pa.table({"c": cells}).to_reader(max_chunksize=64))


def test_text_and_odd_objects_in_dask_are_refused():
    frame = pd.DataFrame({"x": [1.0, 2.0], "t": ["u", "v"]})
    with pytest.raises(InputError, match="'t' holds text"):
        moments_of(dask_frame(frame, npartitions=1))


def test_names_must_be_there_and_differ(tmp_path):
    twice = pa.Table.from_arrays([pa.array([1.0])] * 2, names=["a", "a"])
    with pytest.raises(InputError, match="'a' occur more than once"):
        moments_of(parquet(tmp_path, twice))
    with pytest.raises(InputError, match="'a' occur more than once"):
        moments_of(twice.to_reader())
    with pytest.raises(InputError, match=r"column 2 of .* has no name"):
        moments_of(parquet(tmp_path, pa.table({"a": [1.0], "": [2.0]})))
    (tmp_path / "twice.csv").write_text("a,a\n1,2\n")
    with pytest.raises(InputError, match="'a' occur more than once"):
        moments_of(tmp_path / "twice.csv")


def test_paths_that_lead_nowhere_say_so(tmp_path):
    for path in (tmp_path / "none.parquet", f"{tmp_path}/none-*.parquet", "", "nonsense"):
        with pytest.raises(InputError, match="cannot be read: "):
            moments_of(path)
    with pytest.raises(InputError, match="folder without Parquet files"):
        moments_of(tmp_path)
    with pytest.raises(InputError, match="cannot be read"):
        moments_of((tmp_path / "none.parquet").as_uri())


def test_files_that_are_broken_say_so(tmp_path):
    path = parquet(tmp_path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InputError, match=r"table\.parquet cannot be read"):
        moments_of(path)
    (tmp_path / "words.xlsx").write_text("what is this?")
    with pytest.raises(InputError, match=r"words\.xlsx cannot be read"):
        moments_of(tmp_path / "words.xlsx")
    (tmp_path / "ragged.csv").write_text("a,b\n1,2\n3\n")
    with pytest.raises(InputError, match=r"ragged\.csv cannot be read"):
        moments_of(tmp_path / "ragged.csv")
    (tmp_path / "late.csv").write_text("a,b\n" + "1,2\n" * 2_000_000 + "1,word\n")
    with pytest.raises(InputError, match=r"late\.csv cannot be read.*word"):
        moments_of(tmp_path / "late.csv")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(InputError, match=r"empty\.csv cannot be read"):
        moments_of(tmp_path / "empty.csv")


def test_no_rows_and_files_that_do_not_match_are_refused(tmp_path):
    empty = small_table().slice(0, 0)
    for data in (parquet(tmp_path, empty), empty.to_reader(), pl.from_arrow(empty).lazy()):
        with pytest.raises(InputError, match="no rows"):
            moments_of(data)
    parquet(tmp_path / "two", pa.table({"a": [1.0], "b": [2.0]}), "1.parquet")
    parquet(tmp_path / "two", pa.table({"a": [1.0]}), "2.parquet")
    with pytest.raises(InputError, match=r"2\.parquet has no column 'b'"):
        moments_of(tmp_path / "two")


# --- memory -------------------------------------------------------------------------------------

MEASURE = """
import sys
import pyarrow.dataset, pyarrow.parquet
from causalkit._core.streams import moments_of

def peak():  # not ru_maxrss, which a process inherits from the one that started it
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

start = peak()
moments_of(sys.argv[1])
print((peak() - start) // 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the memory as Linux tells it")
@pytest.mark.parametrize("group", [3_000_000, 200_000], ids=["one row group", "many row groups"])
def test_memory_does_not_grow_with_the_file(group, tmp_path):
    path = tmp_path / "large.parquet"
    rng = np.random.default_rng(0)
    table = pa.table({f"v{k}": rng.normal(size=3_000_000) for k in range(30)})
    pq.write_table(table, path, row_group_size=group, use_dictionary=False)
    assert path.stat().st_size > 650 * 2**20
    root = Path(__file__).resolve().parents[2]
    run = [sys.executable, "-c", MEASURE, str(path)]
    megabytes = int(subprocess.run(run, cwd=root, capture_output=True, check=True).stdout)
    assert megabytes < 450


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
@pytest.mark.parametrize("wide", [1, 2])
def test_files_with_different_columns_are_refused_in_either_order(tmp_path, suffix, wide):
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(20, 4)), columns=list("abcd"))
    for k in (1, 2):
        part = table if k == wide else table[list("abc")]
        path = tmp_path / f"{k}.{suffix}"
        part.to_parquet(path) if suffix == "parquet" else part.to_csv(path, index=False)
    with pytest.raises(InputError, match=f"2.{suffix} has (a|no) column 'd'"):
        moments_of(tmp_path / f"*.{suffix}")


@pytest.mark.parametrize("path", ["", "  "])
def test_an_empty_path_is_not_the_current_folder(path):
    with pytest.raises(InputError, match="cannot be read: it is empty"):
        moments_of(path)


def test_queries_that_polars_cannot_run_say_so():
    frame = pl.LazyFrame({"a": [1.0, 2.0, 3.0], "s": ["1", "x", "3"]})
    with pytest.raises(InputError, match="the query cannot be run"):
        moments_of(frame.select("a", "nothing"))
    with pytest.raises(InputError, match="the query cannot be run"):
        moments_of(frame.select("a", pl.col("s").cast(pl.Float64)))
