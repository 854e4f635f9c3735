"""`discover` and `series`: tables in, graphs out."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from causalkit import CausalGraph
from causalkit.graph import LaggedGraph


@pytest.mark.parametrize("suffix", ["json", "dot", "graphml", "txt", "dagitty", "tetrad"])
def test_discover_writes_graphs_that_read_back(folder, run, suffix):
    result = run(
        "discover", "data.csv", "--method", "pc", "--tiers", "tiers.yaml", "--out", f"g.{suffix}"
    )
    assert result.exit_code == 0, result.output
    graph = CausalGraph.read(folder / f"g.{suffix}")
    assert graph.skeleton() == CausalGraph.parse(result.stdout).skeleton()


@pytest.mark.parametrize(
    ("suffix", "start"), [("png", b"\x89PNG"), ("svg", b"<"), ("pdf", b"%PDF")]
)
def test_discover_draws(folder, run, suffix, start):
    assert run("discover", "data.csv", "--out", f"g.{suffix}", "-q").exit_code == 0
    assert (folder / f"g.{suffix}").read_bytes().startswith(start)


def test_left_out_the_columns_choose_as_they_do_for_analyze(folder, run):
    told = json.loads(run("discover", "data.csv", "--json", "--tiers", "tiers.yaml").stdout)
    assert told["method"] == "FLOP"
    assert told["remarks"][0].startswith("FLOP: all columns are complete and numbers")
    assert told["graph"]["nodes"] == ["age", "dose", "health"]
    assert CausalGraph.parse(told["text"]) == CausalGraph.from_json(json.dumps(told["graph"]))
    assert json.loads(run("discover", "data.csv", "--json", "--test", "rank").stdout)["method"] == (
        "PC"
    )
    assert json.loads(run("discover", "data.csv", "--json", "--score", "bge").stdout)["method"] == (
        "GES"
    )


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("fci", ["--test", "robust"]),
        ("rfci", []),
        ("gfci", ["--alpha", "0.001"]),
        ("ges", ["--score", "bge"]),
        ("flop", ["--max-seconds", "60"]),
        ("boss", []),
        ("grasp", []),
        ("hill-climb", ["--score", "ebic"]),
        ("exact", ["--score", "bic"]),
        ("direct-lingam", []),
        ("notears", []),
    ],
)
def test_every_kind_of_method_sees_the_strongest_link(folder, run, method, options):
    told = run("discover", "data.csv", "--method", method, *options, "--json", "-q")
    assert told.exit_code == 0, told.output
    edges = json.loads(told.stdout)["graph"]["edges"]
    assert {"dose", "health"} in [{left, right} for left, _, right in edges]


def test_the_test_and_the_method_fit_the_table(folder, run):
    rng = np.random.default_rng(1)
    rain = rng.integers(0, 3, 600)
    wet = np.where(rng.random(600) < 0.8, rain, rng.integers(0, 3, 600))
    words = np.array(["a", "b", "c"])
    counts = pd.DataFrame({"rain": words[rain], "wet": words[wet], "coin": rng.choice(words, 600)})
    counts.to_csv("counts.csv", index=False)
    for test in ("g-square", "chi-square", "mixed"):
        assert run("discover", "counts.csv", "--test", test, "-q").stdout.count("--") == 1
    assert run("discover", "counts.csv", "--score", "bdeu", "-q").stdout.count("--") == 1
    latent = run("discover", "counts.csv", "--test", "g-square", "--method", "fci", "-q")
    assert "rain o-o wet" in latent.stdout
    data = pd.read_csv("data.csv")
    data.loc[::7, "age"] = np.nan
    data.to_csv("holes.csv", index=False)
    assert "age" in run("discover", "holes.csv", "--test", "missing", "-q").stdout
    curve = data[["dose"]][:120].assign(y=lambda f: f["dose"] ** 2)
    curve.to_csv("curve.csv", index=False)
    assert "dose -- y" in run("discover", "curve.csv", "--test", "kernel", "-q").stdout


def test_domains_and_dates_for_cdnod(folder, run):
    rng = np.random.default_rng(0)
    town = np.repeat(np.arange(60), 12)
    moved = 2 * rng.normal(size=60)[town] + rng.normal(size=720)
    frame = pd.DataFrame({
        "town": [f"town {k}" for k in town], "x": moved, "y": moved + rng.normal(size=720),
        "day": pd.date_range("2020-01-01", periods=720).astype(str),
    })  # fmt: skip
    frame.to_csv("towns.csv", index=False)
    words = "discover", "towns.csv", "--method", "cdnod"
    found = run(*words, "--domain", "town", "--drop", "day", "--json")
    assert json.loads(found.stdout)["text"] == "CPDAG: x -> y"
    assert list(json.loads(found.stdout)["changing"]) == ["x"]
    frame["x"] += np.linspace(0, 9, 720)
    frame["y"] += np.linspace(0, 9, 720)
    frame.to_csv("days.csv", index=False)
    found = run("discover", "days.csv", "--time", "day", "--drop", "town")
    assert "x -> y" in found.stdout
    assert "changing with day: x (p = " in found.stderr
    refused = run(*words, "--time", "town", "--drop", "day")
    assert refused.exit_code == 2
    assert "cannot be read as dates" in refused.stderr
    refused = run("discover", "data.csv", "--method", "pc", "--domain", "age")
    assert "expected it with cdnod only" in refused.stderr


@pytest.fixture
def sites(folder):
    rng = np.random.default_rng(1)
    x, y = rng.laplace(size=(2, 2, 300))
    y[:, 2:] += x[:, :-2]
    frame = pd.DataFrame({
        "site": np.repeat(["north", "south"], 300), "x": x.ravel(), "y": y.ravel(),
        "day": np.tile(pd.date_range("2020-01-01", periods=300).astype(str), 2),
    })  # fmt: skip
    frame.to_csv("series.csv", index=False)
    return "series", "series.csv", "--max-lag", "2", "--panel", "site", "--time", "day", "--method"


@pytest.mark.parametrize(
    "method",
    [
        "pcmci", "pcmci-plus", "jpcmci-plus", "lpcmci", "ts-icd", "granger", "spectral-granger",
        "var-lingam",
    ],
)  # fmt: skip
def test_series_write_a_graph_that_reads_back(folder, run, sites, method):
    result = run(*sites, method, "--out", "graph.json", "--alpha", "0.001")
    assert result.exit_code == 0, result.output
    graph = LaggedGraph.read("graph.json")
    assert LaggedGraph.parse(result.stdout, max_lag=2).adjacency.sum() == graph.adjacency.sum()
    assert graph.adjacency[2, 0, 1]
    assert "steps used" in result.stderr


def test_series_as_json(folder, run, sites):
    told = json.loads(run(*sites, "group-lasso-granger", "--json", "--quiet").stdout)
    assert (told["format"], told["max_lag"]) == ("causalkit.series", 2)
    assert LaggedGraph.from_json(json.dumps(told["graph"])).variables == ("x", "y")
    refused = run(*sites, "granger", "--test", "rank", "--json")
    assert refused.exit_code == 2
    assert "transfer-entropy" not in json.loads(refused.stdout)["message"].split(" only")[1]


def test_series_are_looked_at(folder, run):
    frame = pd.DataFrame(np.random.default_rng(2).normal(size=(200, 2)).cumsum(axis=0))
    frame.columns = ["a", "b"]
    frame.to_csv("walks.csv", index=False)
    assert "unit root" in run("series", "walks.csv", "--diagnose").stdout
    told = json.loads(run("series", "walks.csv", "--diagnose", "--json").stdout)
    assert [one["name"] for one in told["series"]] == ["a", "b"]
    assert told["advice"]


def test_suggest_says_what_and_why(folder, run):
    said = run("suggest", "data.csv", "--hidden-causes")
    assert said.exit_code == 0, said.output
    assert "Suggested: " in said.stdout
    told = json.loads(run("suggest", "data.csv", "--json", "--no-series").stdout)
    assert told["format"] == "causalkit.suggest"
    assert told["n_rows"] == 400
    assert told["reasons"][0] == "400 rows and 3 columns: numbers."
    refused = run("suggest", "data.csv", "--domain", "agee")
    assert refused.exit_code == 2
    assert "Did you mean 'age'" in refused.stderr


def test_searches_by_tests_get_the_test_that_fits_the_columns(folder, run):
    rng = np.random.default_rng(0)
    data = pd.read_csv("data.csv").assign(site=rng.choice(["a", "b", "c"], 400))
    data.to_csv("mixed.csv", index=False)
    data["age"] = data["age"].where(rng.random(400) > 0.1)
    data.to_csv("holes.csv", index=False)
    for method in ("pc", "fci", "rfci"):
        said = run("discover", "mixed.csv", "--method", method)
        assert "test: DegenerateGaussian(), for numbers and categories\n" in said.stderr
        assert said.exit_code == 0
        words = "discover", "holes.csv", "--method", method, "-q"
        fitting = run(*words)
        assert fitting.exit_code == 0, fitting.stderr
        for test in ("missing", "missing-mixed"):
            assert run(*words, "--test", test).stdout == fitting.stdout
        refused = run(*words, "--test", "mixed").stderr
        assert "Use --test missing-mixed, which takes the rows complete" in refused
    whole = run("discover", "holes.csv", "--test", "mixed", "--complete-rows")
    assert whole.exit_code == 0
    assert "rows have an empty cell, and are left out" in whole.stderr
