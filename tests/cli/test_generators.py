"""`generate` and `compare` on the command line."""

from __future__ import annotations

import pandas as pd
import pytest
from typer.testing import CliRunner

from causalkit.cli.app import app
from causalkit.errors import InputError
from causalkit.graph import CausalGraph, LaggedGraph


def run(*words):
    """Output of a command; an error of it is raised."""
    return CliRunner().invoke(app, list(map(str, words)), catch_exceptions=False).output


def test_a_random_table_and_its_twin(tmp_path):
    out, truth, twin = tmp_path / "a.csv", tmp_path / "a.json", tmp_path / "b.csv"
    run("generate", out, "--columns", 4, "--rows", 300, "--truth", truth, "-q")
    data, graph = pd.read_csv(out), CausalGraph.read(truth)
    assert data.shape == (300, 4)
    assert tuple(data) == graph.nodes
    said = run("generate", twin, "--like", out, "--graph", truth, "--rows", 50, "-q", "--fidelity")
    assert pd.read_csv(twin).shape == (50, 4)
    assert "real" in said


def test_random_series_and_who_finds_their_links(tmp_path):
    out, truth = tmp_path / "a.csv", tmp_path / "a.json"
    words = ("generate", out, "--kind", "linear", "--max-lag", 2, "--columns", 3, "--rows", 200)
    run(*words, "--truth", truth, "-q")
    assert LaggedGraph.read(truth).max_lag <= 2
    first = out.read_bytes()
    run(*words, "-q")
    assert out.read_bytes() == first
    words = ("compare", "--max-lag", 2, "--columns", 3, "--repeats", 2, "--methods", "Granger")
    said = run(*words, "--store", tmp_path / "cells", "-q")
    assert "Granger" in said
    assert run(*words, "--store", tmp_path / "cells", "-q") == said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("generate", "a.csv", "--fidelity"), "without --like"),
        (("generate", "a.txt"), "expected a name in .csv or .parquet"),
        (("generate", "a.csv", "--kind", "wild"), "wild"),
        (("compare", "--methods", "Nobody"), "expected classes of causalkit.discovery"),
    ],
)
def test_what_cannot_be_done_is_said(words, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=message):
        run(*words, "-q")
