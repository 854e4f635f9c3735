"""Every container says the same thing; every unreadable one says why."""

from __future__ import annotations

import decimal
from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from numpy.testing import assert_array_equal

from causalkit._core.table import as_table
from causalkit.errors import InputError, UnknownVariableError

COLUMNS = {
    "number": [1.5, 2.0, np.nan, 4.0],
    "count": [3, 1, 2, 3],
    "flag": [True, False, True, True],
    "region": ["south", "north", "south", "east"],
}


def pandas_frame() -> pd.DataFrame:
    return pd.DataFrame(COLUMNS).astype({"region": "category"})


CONTAINERS = {
    "pandas": pandas_frame,
    "polars": lambda: pl.DataFrame(COLUMNS).with_columns(pl.col("region").cast(pl.Categorical)),
    "pyarrow": lambda: pa.table(
        {
            name: pa.array(v).dictionary_encode() if name == "region" else pa.array(v)
            for name, v in COLUMNS.items()
        }
    ),
    "dict": lambda: {name: pandas_frame()[name] for name in COLUMNS},
}


@pytest.mark.parametrize("make", CONTAINERS.values(), ids=CONTAINERS.keys())
def test_every_container_reads_the_same(make):
    table = as_table(make())
    assert table.names == ("number", "count", "flag", "region")
    assert_array_equal(table.column("number"), COLUMNS["number"])
    assert_array_equal(table.column("flag"), [1, 0, 1, 1])
    assert_array_equal(table.column("region"), [2, 1, 2, 0])
    assert table.levels_of("region") == ("east", "north", "south")
    assert [table.kind(name) for name in table.names] == [
        "numeric",
        "numeric",
        "boolean",
        "categorical",
    ]
    assert_array_equal(np.argwhere(table.missing), [[2, 0]])


def test_declared_order_of_levels_is_kept_and_absent_levels_are_not():
    sizes = pd.Categorical(["big", "small", None], categories=["small", "mid", "big"], ordered=True)
    table = as_table({"size": pd.Series(sizes)})
    assert table.levels_of("size") == ("small", "big")
    assert_array_equal(table.column("size"), [1, 0, np.nan])
    enum = pl.Series(["big", "small", None], dtype=pl.Enum(["small", "mid", "big"]))
    assert as_table(pl.DataFrame({"size": enum})).levels_of("size") == ("small", "big")


def test_the_order_of_levels_is_the_declared_one_where_there_is_one_and_else_the_alphabet():
    cells, declared = ["case", "control", "case"], ["control", "unseen", "case"]
    codes = pa.array([1, 0, 1])
    obeyed = {
        "pandas": pd.DataFrame({"s": pd.Categorical(cells, categories=declared)}),
        "of a dict": {"s": pd.Categorical(cells, categories=declared)},
        "marked": {"s": pd.Series(pd.Categorical(cells, categories=declared, ordered=True))},
        "Enum": pl.DataFrame({"s": pl.Series(cells, dtype=pl.Enum(declared))}),
        "Arrow": pa.table(
            {"s": pa.DictionaryArray.from_arrays(codes, ["control", "case"], ordered=True)}
        ),
    }
    for made, data in obeyed.items():
        assert as_table(data).levels_of("s") == ("control", "case"), made
        assert_array_equal(as_table(data).column("s"), [1, 0, 1], made)
    backwards = ["control", "case", "control"]
    by_alphabet = {
        "pandas sorts": pd.DataFrame({"s": backwards}).astype("category"),
        "Categorical": pl.DataFrame({"s": pl.Series(backwards, dtype=pl.Categorical)}),
        "Arrow, not marked": pa.table({"s": pa.array(backwards).dictionary_encode()}),
    }
    for made, data in by_alphabet.items():
        assert as_table(data).levels_of("s") == ("case", "control"), made
        assert_array_equal(as_table(data).column("s"), [1, 0, 1], made)


def test_integer_names_are_kept_and_arrays_get_names():
    assert as_table(pd.DataFrame({0: [1, 2], 7: [3, 4]})).names == (0, 7)
    assert as_table(pd.DataFrame(np.eye(2), columns=np.arange(2))).names == (0, 1)
    assert as_table(np.eye(3)).names == ("x0", "x1", "x2")


def test_missing_values_of_every_dialect_become_nan():
    frame = pd.DataFrame(
        {
            "nullable": pd.array([1, None, 3], dtype="Int64"),
            "objects": pd.Series([1, None, 2.5], dtype=object),
            "flags": pd.Series([True, None, False], dtype=object),
            "money": pd.Series([decimal.Decimal("1.5"), None, decimal.Decimal(2)], dtype=object),
        }
    )
    table = as_table(frame)
    assert table.missing[1].all()
    assert not table.missing[[0, 2]].any()
    assert table.kind("flags") == "boolean"
    assert table.column("money")[0] == 1.5


def test_input_is_untouched_and_the_table_is_read_only():
    values = np.arange(6.0).reshape(3, 2)
    before = values.copy()
    table = as_table(values)
    with pytest.raises(ValueError, match="read-only"):
        table.values[0, 0] = 9
    values[0, 0] = 100
    assert table.values[0, 0] == before[0, 0]


def test_design_makes_indicators_of_all_levels_but_one():
    matrix, labels = as_table(pandas_frame()).design(["region", "flag", "count"])
    assert labels == ("region=north", "region=south", "flag", "count")
    assert_array_equal(matrix[:, 0], [0, 1, 0, 0])
    assert_array_equal(matrix[:, 1], [1, 0, 1, 0])
    nothing, none = as_table(pandas_frame()).design([])
    assert nothing.shape == (4, 0)
    assert none == ()


def test_only_the_columns_asked_for_are_read():
    frame = pandas_frame().assign(note=["free", "text", "is", "fine"])
    assert as_table(frame, columns=["flag"]).names == ("flag",)
    with pytest.raises(UnknownVariableError, match="Did you mean 'flag'"):
        as_table(frame, columns=["flg"])


def test_select_and_rows_keep_levels():
    table = as_table(pandas_frame())
    part = table.select(["region", "count"]).rows(np.array([3, 0]))
    assert part.names == ("region", "count")
    assert_array_equal(part.column("region"), [0, 2])
    assert part.levels_of("region") == ("east", "north", "south")


BAD = {
    "duplicated": (pd.DataFrame([[1, 2]], columns=["a", "a"]), "'a' occur more than once"),
    "text": (pd.DataFrame({"s": ["a", "b"]}), r"column 's' holds text .*astype\('category'\)"),
    "polars text": (pl.DataFrame({"s": ["a"]}), "column 's' holds text"),
    "mixed": (pd.DataFrame({"s": [1, "b"]}), "column 's' holds text"),
    "dates": (pd.DataFrame({"d": pd.to_datetime(["2020-01-01"])}), "Turn them into numbers"),
    "infinite": (pd.DataFrame({"a": [1, np.inf]}), "1 infinite value.* row 1"),
    "no columns": (pd.DataFrame(), "no columns"),
    "no rows": (pd.DataFrame({"a": []}), "no rows"),
    "one dimension": (np.ones(3), r"reshape\(-1, 1\)"),
    "a duration beyond Python's": (
        pa.table({"t": pa.array([2**53 + 1, 0], pa.duration("s"))}),
        "column 't' holds dates or times",
    ),
    "a date beyond Python's": (
        pl.DataFrame({"t": pl.Series([10**18, None]).cast(pl.Datetime("us"))}),
        "column 't' holds dates or times",
    ),
    "a list": ([1, 2], "cannot read a list as a table.* Convert it first"),
    "what holds a table": (
        SimpleNamespace(data=pd.DataFrame({"a": [1]})),
        "cannot read a SimpleNamespace as a table.* Take its .data",
    ),
    "lazy": (pl.LazyFrame({"a": [1]}), "collect"),
    "ragged": ({"a": [1, 2], "b": [1]}, "differ in length"),
    "complex": (np.array([[1 + 2j]]), "complex128"),
    "tuple names": (pd.DataFrame({("a", "b"): [1]}), "Rename the columns"),
    "nested": (pl.DataFrame({"l": [[1, 2]]}), "List"),
    "a struct": (pl.DataFrame({"s": [{"x": 1}]}), "holds Struct.* Convert it"),
    "ragged cells": ({"a": [[1], [2, 3]]}, "column 'a' .* different lengths"),
    "a long integer": ({"a": [10**400, 1]}, "beyond the largest float"),
    "pyarrow duplicated": (pa.table([[1], [2]], names=["a", "a"]), "'a' occur more than once"),
    "rows in doubt": (
        {"a": pd.Series([1, 2], index=[5, 6]), "b": pd.Series([1, 2], index=[6, 5])},
        "different row labels",
    ),
}


@pytest.mark.parametrize(("data", "message"), BAD.values(), ids=BAD.keys())
def test_what_cannot_be_read_says_why(data, message):
    with pytest.raises(InputError, match=message):
        as_table(data)


def test_what_a_mask_hides_is_missing():
    masked = np.ma.masked_array([[1.0, 999.0], [2.0, 3.0]], mask=[[0, 1], [0, 0]])
    expected = [[1, np.nan], [2, 3]]
    assert_array_equal(as_table(masked).values, expected)
    assert_array_equal(as_table({"a": masked[:, 0], "b": masked[:, 1]}).values, expected)
    whole = np.ma.masked_array([7, 999], mask=[False, True])
    assert_array_equal(as_table({"a": whole}).column("a"), [7, np.nan])


def test_a_pandas_array_in_a_dict_keeps_its_type():
    data = {"group": pd.Categorical(["1", "0", None]), "n": pd.array([1, None, 3], dtype="Int64")}
    for table in (as_table(data), as_table(pd.DataFrame(data))):
        assert table.levels == (("0", "1"), None)
        assert_array_equal(table.values, [[1, 1], [0, np.nan], [np.nan, 3]])


def test_an_arrow_dictionary_within_pandas_is_a_category():
    arrow = pa.table({"a": pa.array(["y", "x", None]).dictionary_encode()})
    table = as_table(arrow.to_pandas(types_mapper=pd.ArrowDtype))
    assert table.levels_of("a") == ("x", "y")
    assert_array_equal(table.column("a"), [1, 0, np.nan])


def test_wide_integers_are_numbers():
    assert_array_equal(
        as_table(pl.DataFrame({"a": pl.Series([1, 2], dtype=pl.Int128)})).values.T, [[1, 2]]
    )


def test_names_are_plain_strings():
    (name,) = as_table({np.str_("a"): [1]}).names
    assert type(name) is str
    with pytest.raises(UnknownVariableError, match="no variable"):
        as_table({"a": [1]}, columns=[["a"]])


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_text_is_read_where_it_only_says_where_a_row_comes_from(missing):
    data = {"batch": ["b", "", missing, "b"], "x": [1, 2, 3, 4]}
    for given in (data, pd.DataFrame(data), pd.DataFrame(data).astype({"batch": object})):
        table = as_table(given, labels=["batch", "nobody"])
        assert table.levels == (("", "b"), None)
        assert np.array_equal(table.column("batch"), [1.0, 0.0, np.nan, 1.0], equal_nan=True)
        with pytest.raises(InputError, match="text"):
            as_table(given, labels=["x"])
    assert as_table({"batch": [2, 1], "x": [1, 2]}, labels=["batch"]).levels == (None, None)
    with pytest.raises(InputError, match="'batch'"):
        as_table({"batch": [1, "b"], "x": [1, 2]}, labels=["batch"])


def test_an_ordered_arrow_column_without_chunks_has_no_rows():
    ordered = pa.dictionary(pa.int8(), pa.string(), ordered=True)
    with pytest.raises(InputError, match="no rows"):
        as_table(pa.table({"a": pa.chunked_array([], type=ordered)}))


@pytest.mark.parametrize("make", [lambda d: d, pl.from_pandas, pa.Table.from_pandas, dict])
def test_all_columns_of_text_are_said_at_once(make):
    days = pd.date_range("2024-01-01", periods=60).strftime("%Y-%m-%d")
    data = pd.DataFrame({"x": range(60), "sex": "f", "area": "north", "seen": days})
    data = data.assign(id=[f"P{k}" for k in range(60)], side=pd.Categorical(["a", "b"] * 30))
    with pytest.raises(InputError) as refused:
        as_table(make(data))
    said = str(refused.value)
    assert "text in 'sex', 'area';" in said
    assert "dict.fromkeys(['sex', 'area'], 'category')" in said
    assert "more than 50 different values in 'id'" in said
    assert "dates written as text in 'seen'" in said
    assert "time='seen'" in said
    as_table(make(data.drop(columns=["id", "seen"])), labels=["sex", "area"])
    with pytest.raises(InputError, match=r"column 'seen' holds dates written .* time='seen'"):
        as_table(make(data[["x", "seen"]]))


def test_the_advice_on_many_columns_of_text_converts_all_of_them():
    data = pd.DataFrame({f"t{k}": ["a", "b"] for k in range(30)})
    with pytest.raises(InputError, match="'t11' and 18 more") as refused:
        as_table(data)
    advice = str(refused.value).partition("all at once: ")[2].partition(" (pandas)")[0]
    assert len(as_table(eval(advice)).names) == 30
