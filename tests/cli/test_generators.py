"""`generate` and `compare` on the command line."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from causalkit.graph import CausalGraph, LaggedGraph


def test_a_random_table_and_its_twin(folder, run):
    run("generate", "a.csv", "--columns", 4, "--rows", 300, "--truth", "a.json", "-q")
    data, graph = pd.read_csv("a.csv"), CausalGraph.read("a.json")
    assert data.shape == (300, 4)
    assert tuple(data) == graph.nodes
    run("generate", "b.csv", "--like", "a.csv", "--graph", "a.json", "--rows", 50, "-q")
    assert pd.read_csv("b.csv").shape == (50, 4)
    told = json.loads(run("generate", "c.tsv", "--rows", 20, "--json").stdout)
    assert CausalGraph.from_json(json.dumps(told["graph"])).nodes == tuple(
        pd.read_csv("c.tsv", sep="\t")
    )


def test_data_go_into_a_pipe(folder, run):
    told = run("generate", "-", "--rows", 200, "--columns", 3, "-q")
    found = run("discover", "-", "--json", "-q", stdin=told.stdout)
    assert json.loads(found.stdout)["graph"]["nodes"] == told.stdout.splitlines()[0].split(",")


def test_random_series_and_who_finds_their_links(folder, run):
    words = "generate", "a.csv", "--kind", "linear", "--max-lag", 2, "--columns", 3, "--rows", 200
    run(*words, "--truth", "a.json", "-q")
    assert LaggedGraph.read("a.json").max_lag <= 2
    first = (folder / "a.csv").read_bytes()
    run(*words, "-q")
    assert (folder / "a.csv").read_bytes() == first
    words = "compare", "--max-lag", 2, "--columns", 3, "--repeats", 2, "--methods", "granger"
    said = run(*words, "--store", "cells", "-q")
    assert "Granger" in said.stdout
    assert run(*words, "--store", "cells", "-q").stdout == said.stdout
    told = json.loads(run(*words, "--store", "cells", "--strict", "--json").stdout)
    assert told["best"] == "Granger"
    assert {row["method"] for row in told["summary"]} > {"Granger"}


def test_strict_asks_for_more_than_the_baselines(folder, run):
    words = "compare", "--columns", 6, "--repeats", 3, "--methods", "boss", "--strict", "-q"
    assert run(*words, "--rows", 2000).exit_code == 0
    assert run(*words, "--rows", 8).exit_code == 5


@pytest.mark.slow
def test_a_twin_says_how_like_the_data_it_is(folder, run):
    words = "generate", "b.csv", "--like", "data.csv", "--graph", "graph.txt", "--fidelity", "-q"
    assert "real" in run(*words).stdout
    assert json.loads(run(*words, "--json").stdout)["fidelity"]["grade"]


@pytest.mark.slow
def test_recommend_by_twins_of_a_file(folder, run):
    words = "compare", "data.csv", "--methods", "pc,ges", "--repeats", 1, "--json", "-q"
    told = json.loads(run(*words).stdout)
    assert told["best"] == told["recommendation"][0]["method"]
    assert told["notes"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("generate", "a.csv", "--fidelity"), "without --like"),
        (("generate", "a.txt"), "expected a name in .csv, .csv.gz, .tsv or .parquet"),
        (("generate", "a.csv", "--kind", "wild"), "wild"),
        (("generate", "a.csv", "--rows", "0"), "0"),
        (("generate", "-", "--json"), "Name a file"),
        (("compare", "--methods", "Nobody"), "--methods 'Nobody' is not known"),
        (("compare", "none.csv"), "there is no file none.csv"),
    ],
)
def test_what_cannot_be_done_is_said(folder, run, words, message):
    result = run(*words, "-q")
    assert result.exit_code == 2
    assert message in result.stderr


def test_tests_fit_the_columns_of_the_file(folder, run):
    rng = np.random.default_rng(0)
    site, x = rng.choice(list("abc"), 200), rng.normal(size=200)
    pd.DataFrame({"site": site, "x": x, "y": x + (site == "a")}).to_csv("mix.csv", index=False)
    told = run("compare", "mix.csv", "--methods", "pc,fci", "--repeats", 1, "--json")
    assert told.exit_code == 0, told.output
    assert "test: DegenerateGaussian(), for numbers and categories" in told.stderr
