"""The command line: files in, files and text out, one sentence when something is wrong."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from causalkit import CausalGraph
from causalkit.cli.app import app, main

TIERS = "tiers:\n  - [age]\n  - [dose]\n  - [health]\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    age = rng.normal(size=400)
    dose = age + rng.normal(size=400)
    data = pd.DataFrame({"age": age, "dose": dose, "health": 2 * dose - age + rng.normal(size=400)})
    data.to_csv(tmp_path / "data.csv", index=False)
    data.to_parquet(tmp_path / "data.parquet")
    data.assign(note=[f"text {k}" for k in range(400)]).to_csv(tmp_path / "notes.csv", index=False)
    (tmp_path / "tiers.yaml").write_text(TIERS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str):
    return CliRunner().invoke(app, list(words), catch_exceptions=False)


@pytest.mark.parametrize("table", ["data.csv", "data.parquet"])
def test_analyze_answers_and_writes_the_report(folder, table):
    result = run(
        "analyze", table, "--treatment", "dose", "--outcome", "health", "--tiers", "tiers.yaml",
        "--estimator", "ols", "--report", "report.html", "--json", "--quiet",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert answer["effects"][0]["effect"] == pytest.approx(2, abs=0.3)
    assert "<svg" in (folder / "report.html").read_text()


def test_analyze_reads_a_graph(folder):
    CausalGraph.parse("age -> dose -> health; age -> health").save(folder / "graph.json")
    result = run(
        "analyze", "data.csv", "--treatment", "dose", "--outcome", "health",
        "--graph", "graph.json", "--estimator", "ols",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "Effect of dose on health" in result.stdout


@pytest.mark.parametrize("suffix", ["json", "dot", "graphml", "txt"])
def test_discover_writes_graphs_that_read_back(folder, suffix):
    result = run(
        "discover", "data.csv", "--method", "pc", "--tiers", "tiers.yaml", "--out", f"g.{suffix}"
    )
    assert result.exit_code == 0, result.output
    graph = CausalGraph.read(folder / f"g.{suffix}")
    assert graph.skeleton() == CausalGraph.parse(result.stdout).skeleton()


@pytest.mark.parametrize(
    ("suffix", "start"), [("png", b"\x89PNG"), ("svg", b"<"), ("pdf", b"%PDF")]
)
def test_discover_draws(folder, suffix, start):
    assert run("discover", "data.csv", "--out", f"g.{suffix}", "-q").exit_code == 0
    assert (folder / f"g.{suffix}").read_bytes().startswith(start)


def test_a_text_column_is_a_category_only_when_it_has_few_levels(folder):
    data = pd.read_csv("data.csv").assign(side=["left", "right"] * 200)
    data.to_csv("sides.csv", index=False)
    result = run("discover", "sides.csv")
    assert "'side' holds text; taken as a category with 2 levels" in result.stderr
    assert "side" in result.stdout
    assert "note" not in run("discover", "notes.csv", "--drop", "note").stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["discover", "nothing.csv"], "there is no file nothing.csv"),
        (["discover", "notes.csv"], "Leave it out with --drop note"),
        (["discover", "data.csv", "--drop", "agee"], "Did you mean 'age'"),
        (["discover", "tiers.yaml"], "expected .csv, .csv.gz, .tsv or .parquet"),
        (["discover", "data.csv", "--alpha", "2"], "strictly between 0 and 1"),
        (["discover", "data.csv", "--out", "graph.xyz"], "xyz"),
        (["analyze", "data.csv", "--treatment", "doze", "--outcome", "health"], "'dose'"),
    ],
)
def test_errors_are_one_sentence_and_status_two(folder, words, message, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["causalkit", *words])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    shown = capsys.readouterr().err
    assert message in shown
    assert "Traceback" not in shown


def test_it_starts_as_a_module_and_says_its_version():
    command = [sys.executable, "-m", "causalkit", "--version"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.startswith("causalkit ")
