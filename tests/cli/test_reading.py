"""Tables as they come: saved by others, damaged, piped."""

from __future__ import annotations

import gzip
import json
import os

import pandas as pd
import polars as pl
import pytest

from causalkit._core.table import as_table
from causalkit.cli.reading import read_table

ROWS = "1.5,2.5,3.5\n2.5,1.5,0.5\n" * 3


def test_the_same_table_however_it_was_saved(folder, run):
    data = pd.read_csv("data.csv")
    data.to_csv("bom.csv", index=False, encoding="utf-8-sig")
    data.to_csv("quoted.CSV", index=False, quoting=1)
    data.to_csv("counted.csv")
    data.to_csv("tabs.tsv.gz", index=False, sep="\t")
    data.to_csv("signs.csv", index=False, sep=";", decimal=",")
    data.to_parquet("data.parquet")
    expected = run("discover", "data.csv", "-q").stdout
    for name in ("bom.csv", "quoted.CSV", "tabs.tsv.gz", "data.parquet"):
        assert run("discover", name, "-q").stdout == expected
    assert run("discover", "counted.csv", "--drop", "Unnamed: 0", "-q").stdout == expected
    words = "discover", "signs.csv", "--separator", ";", "--decimal", ",", "-q"
    assert run(*words).stdout == expected


def test_standard_input_and_pipes_are_read_by_how_they_begin(folder, run):
    text = (folder / "data.csv").read_bytes()
    pd.read_csv("data.csv").to_parquet("data.parquet")
    expected = run("discover", "data.csv", "-q").stdout
    for content in (text, gzip.compress(text), (folder / "data.parquet").read_bytes()):
        assert run("discover", "-", "-q", stdin=content).stdout == expected
    tabs = text.replace(b",", b"\t")
    assert run("discover", "-", "--separator", "tab", "-q", stdin=tabs).stdout == expected
    reading, writing = os.pipe()
    os.write(writing, b"\n".join(text.splitlines()[:100]))
    os.close(writing)
    assert "age" in run("discover", f"/dev/fd/{reading}", "-q").stdout
    os.close(reading)
    assert "standard input is empty" in run("discover", "-", stdin=b"").stderr


def test_categories_have_the_order_that_the_file_declares_or_that_of_text(folder):
    cells = ["control", "case"] * 3
    kinds = {"text": pl.String, "loose": pl.Categorical, "fixed": pl.Enum(cells[:2])}
    columns = {name: pl.Series(cells, dtype=kind) for name, kind in kinds.items()}
    pl.DataFrame(columns).write_parquet(folder / "polars.parquet")
    ours = pd.DataFrame({"ours": pd.Categorical(cells, categories=cells[:2])})
    ours.to_parquet(folder / "pandas.parquet")
    for name in ("polars.parquet", "pandas.parquet"):
        table = as_table(read_table(folder / name))
        for column in table.names:
            expected = cells[:2] if column in ("fixed", "ours") else ["case", "control"]
            assert list(table.levels_of(column)) == expected, column


def test_a_text_column_is_a_category_only_when_it_has_few_levels(folder, run):
    data = pd.read_csv("data.csv").assign(side=["left", "right"] * 200)
    data.to_csv("sides.csv", index=False)
    result = run("discover", "sides.csv")
    assert "'side' holds text; taken as a category with 2 levels" in result.stderr
    assert "side" in result.stdout
    data.assign(note=[f"text {k}" for k in range(400)]).to_csv("notes.csv", index=False)
    assert "Leave it out with --drop note" in run("discover", "notes.csv").stderr
    assert "note" not in run("discover", "notes.csv", "--drop", "note").stdout


def test_waves_are_categories_where_the_question_names_them(folder, run):
    data = pd.read_csv("data.csv").assign(wave=["2020-01", "2021-01"] * 200)
    data["season"] = ["2019-20"] * 200 + ["2020-21"] * 200
    days = pd.date_range("2024-01-01", periods=400).strftime("%Y-%m-%d")
    data.assign(day=days).to_csv("waves.csv", index=False)
    words = "estimate", "waves.csv", "--treatment", "dose", "--outcome", "health"
    told = run(*words, "--adjust-for", "age,wave,season", "--estimator", "ols", "--json")
    assert json.loads(told.stdout)["effects"][0]["effect"] == pytest.approx(2, abs=0.2)
    assert "'wave' holds text; taken as a category with 2 levels" in told.stderr
    assert "'day' holds dates" in run(*words, "--adjust-for", "age,day").stderr
    said = run("discover", "waves.csv", "--drop", "day").stderr
    assert "'wave' holds dates" in said
    assert "'season'" not in said


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("x,y\n" + ROWS, "has 2 name(s), the first row 3 values"),
        ("x,y,y\n" + ROWS, "'y' more than once"),
        (",x,y\n" + ROWS, "column 1 of odd.csv has no name"),
        ("x,y,z\n" + ROWS.replace("\n", ",\n"), "the first row 4 values"),
        ("x;y;z\n" + ROWS.replace(",", ";"), "Say --separator ';'"),
        ("x\ty\tz\n" + ROWS.replace(",", "\t"), "Say --separator tab"),
        ("x;y;z\n" + ROWS.replace(",", ";").replace(".", ","), "--decimal ,"),
        ("x,y,z\n1,2,3\n1,2,3,4\n", "cannot be read as CSV"),
        ("", "odd.csv is empty"),
        ("x,y,z\n", "no rows"),
        ("x" * 200_000 + ",y\n1,2\n", "field larger than field limit"),
        (b"x,y\n1,2\n\xff\xfe,3\n", "expected UTF-8 text"),
        (bytes(range(256)) * 20, "expected UTF-8 text"),
        (b"x,y\n\x00,\x00\n", ""),
        ('"x,y\n1,2\n', ""),
        (",".join(f"c{k}" for k in range(300)) + "\n" + ",".join("1" * 300), "300 column(s)"),
    ],
)
def test_a_file_that_is_no_table_is_one_sentence(folder, run, content, message):
    raw = content if isinstance(content, bytes) else content.encode()
    (folder / "odd.csv").write_bytes(raw)
    result = run("discover", "odd.csv", "-q")
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.startswith("causalkit: ")
    assert result.stderr.count("\n") == 1
    assert len(result.stderr) < 700


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nothing.csv"], "there is no file nothing.csv"),
        (["."], "is a folder"),
        (["tiers.yaml"], "expected .csv, .csv.gz, .tsv or .parquet"),
        (["broken.csv.gz"], "cannot be read as CSV"),
        (["broken.parquet"], "cannot be read as Parquet"),
        (["data.csv", "--drop", "agee"], "Did you mean 'age'"),
        (["data.csv", "--alpha", "2"], "strictly between 0 and 1"),
        (["data.csv", "--method", "gess"], "Did you mean ges?"),
        (["data.csv", "--method", "ges", "--alpha", "0.1"], "--alpha with --method ges"),
        (["data.csv", "--method", "pc", "--score", "bge"], "expected it with ges, flop,"),
        (["data.csv", "--method", "notears", "--test", "rank"], "--test with --method notears"),
        (["data.csv", "--separator", ";;"], "expected one sign"),
        (["data.csv", "--decimal", ";"], "expected . or ,"),
        (["data.csv", "--tiers", "none.yaml"], "there is no file none.yaml"),
        (["data.csv", "--tiers", "data.csv"], "knowledge"),
        (["data.csv", "--out", "graph.xyz"], "xyz"),
        (["data.csv", "--out", "nowhere/graph.json"], "nowhere/graph.json: No such file"),
        (["data.csv", "--test", "rank", "--jobs", "0"], "n_jobs"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(folder, run, words, message):
    (folder / "broken.csv.gz").write_text("x,y\n1,2\n")
    (folder / "broken.parquet").write_text("x,y\n1,2\n")
    result = run("discover", *words, "-q")
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.startswith("causalkit: ")
    assert result.stderr.count("\n") == 1


def test_all_columns_that_cannot_be_read_are_said_at_once(folder, run):
    data = pd.read_csv("data.csv")
    days = pd.date_range("2024-01-01", periods=20).strftime("%Y-%m-%d")
    data = data.assign(note=[f"text {k}" for k in range(400)], code=[f"c {k}" for k in range(400)])
    data.assign(**{"last visit": list(days) * 20}).to_csv("notes.csv", index=False)
    said = run("discover", "notes.csv").stderr
    assert "'note' holds text with 400" in said
    assert "'code' holds text with 400" in said
    assert "'last visit' holds dates" in said
    assert "Leave them out with --drop note --drop code --drop 'last visit'; of series" in said
