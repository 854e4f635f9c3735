"""A folder with a table whose truth is known, and a way to run commands in it."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
from typer.main import get_command
from typer.testing import CliRunner

from causalkit.cli.app import app

command_of = cache(get_command)
"""Typer would make all commands anew for each that is run, which takes longer than most of them."""


@pytest.fixture
def run(monkeypatch):
    """Run a command in this process; what it did not mean to raise is raised."""
    monkeypatch.setattr("typer.testing._get_command", command_of, raising=False)

    def invoke(*words: object, stdin: bytes | str | None = None):
        return CliRunner().invoke(app, list(map(str, words)), input=stdin, catch_exceptions=False)

    return invoke


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Of 400 rows age -> dose -> health <- age; dose has the effect 2."""
    rng = np.random.default_rng(0)
    age = rng.normal(size=400)
    dose = age + rng.normal(size=400)
    data = pd.DataFrame({"age": age, "dose": dose, "health": 2 * dose - age + rng.normal(size=400)})
    data.to_csv(tmp_path / "data.csv", index=False)
    (tmp_path / "tiers.yaml").write_text("tiers:\n  - [age]\n  - [dose]\n  - [health]\n")
    (tmp_path / "graph.txt").write_text("age -> dose -> health; age -> health\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path
