"""`datasets`: what comes with the package."""

from __future__ import annotations

import json

import pandas as pd

from causalkit import CausalGraph, datasets


def test_all_are_listed(folder, run):
    names = [line.split()[0] for line in run("datasets").stdout.splitlines()]
    assert names == [*datasets.available(), *datasets.available_networks()]
    told = json.loads(run("datasets", "--json").stdout)["datasets"]
    assert [one["name"] for one in told] == names
    assert told[0]["columns"]


def test_one_is_described_and_written(folder, run):
    assert "jtrain2" in run("datasets", "jtrain2").stdout
    told = run("datasets", "sachs", "--out", "s.csv", "--truth", "s.json", "--json")
    pd.testing.assert_frame_equal(pd.read_csv("s.csv"), datasets.load("sachs"), check_dtype=False)
    assert CausalGraph.read("s.json") == datasets.true_graph("sachs")
    assert json.loads(told.stdout)["graph"]["kind"] == "DAG"


def test_networks_are_drawn_from(folder, run):
    words = "datasets", "asia", "--rows", "50", "--seed", "3", "--out"
    assert run(*words, "a.parquet").exit_code == 0
    assert pd.read_parquet("a.parquet").shape == (50, 8)
    printed = run(*words, "-")
    assert printed.stdout.splitlines()[0] == ",".join(pd.read_parquet("a.parquet").columns)


def test_what_is_not_there(folder, run):
    for words, message in (
        (["datasets", "sacs"], "sachs"),
        (["datasets", "card", "--truth", "c.json"], "unknown"),
        (["datasets", "--out", "c.csv"], "expected its name"),
        (["datasets", "card", "--out", "c.doc"], "expected a name in .csv"),
        (["datasets", "card", "--out", "-", "--json"], "Name a file"),
    ):
        result = run(*words)
        assert result.exit_code == 2
        assert message in result.stderr
