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
from causalkit.errors import InputError, NotIdentifiableError
from causalkit.graph import LaggedGraph

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
        "--graph", "graph.json", "--estimator", "ols", "--decisions",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "Effect of dose on health" in result.stdout
    assert "identification: adjustment, for age\n" in result.stdout


@pytest.mark.parametrize("suffix", ["json", "dot", "graphml", "txt"])
def test_discover_writes_graphs_that_read_back(folder, suffix):
    result = run(
        "discover", "data.csv", "--method", "pc", "--tiers", "tiers.yaml", "--out", f"g.{suffix}"
    )
    assert result.exit_code == 0, result.output
    graph = CausalGraph.read(folder / f"g.{suffix}")
    assert graph.skeleton() == CausalGraph.parse(result.stdout).skeleton()


@pytest.mark.parametrize(
    "method", ["pcmci", "pcmci-plus", "lpcmci", "ts-icd", "granger", "var-lingam"]
)
def test_series_writes_a_graph_that_reads_back(folder, method):
    rng = np.random.default_rng(1)
    x, y = rng.laplace(size=(2, 2, 300))
    y[:, 2:] += x[:, :-2]
    frame = pd.DataFrame({
        "site": np.repeat(["north", "south"], 300), "x": x.ravel(), "y": y.ravel(),
        "day": np.tile(pd.date_range("2020-01-01", periods=300).astype(str), 2),
    })  # fmt: skip
    frame.to_csv(folder / "series.csv", index=False)
    words = "series", "series.csv", "--method", method, "--max-lag", "2", "--panel", "site"
    result = run(*words, "--time", "day", "--out", "graph.json", "--alpha", "0.001")
    assert result.exit_code == 0, result.output
    graph = LaggedGraph.read(folder / "graph.json")
    assert LaggedGraph.parse(result.stdout, max_lag=2).adjacency.sum() == graph.adjacency.sum()
    assert graph.adjacency[2, 0, 1]
    assert "steps used" in result.stderr
    told = run(*words, "--time", "day", "--json", "--quiet")
    assert json.loads(told.stdout)["max_lag"] == 2


def test_series_are_looked_at(folder):
    frame = pd.DataFrame(np.random.default_rng(2).normal(size=(200, 2)).cumsum(axis=0))
    frame.columns = ["a", "b"]
    frame.to_csv(folder / "walks.csv", index=False)
    result = run("series", "walks.csv", "--diagnose")
    assert "unit root" in result.stdout
    assert json.loads(run("series", "walks.csv", "--diagnose", "--json").stdout)["data"]


def test_discover_reads_domains_and_dates_for_cdnod(folder):
    rng = np.random.default_rng(0)
    town = np.repeat(np.arange(60), 12)
    moved = 2 * rng.normal(size=60)[town] + rng.normal(size=720)
    frame = pd.DataFrame({
        "town": [f"town {k}" for k in town], "x": moved, "y": moved + rng.normal(size=720),
        "day": pd.date_range("2020-01-01", periods=720).astype(str),
    })  # fmt: skip
    frame.to_csv(folder / "towns.csv", index=False)
    words = "discover", "towns.csv", "--method", "cdnod"
    found = run(*words, "--domain", "town", "--drop", "day")
    assert found.exit_code == 0, found.output
    assert "x -> y" in found.stdout
    assert "changing with town: x (p = " in found.output
    few = frame[::6].assign(y=lambda f: f["x"] ** 2)
    few.to_csv(folder / "few.csv", index=False)
    found = run("discover", "few.csv", "--test", "kernel", "--drop", "town", "--drop", "day", "-q")
    assert "x -- y" in found.stdout
    frame["x"] += np.linspace(0, 9, 720)
    frame["y"] += np.linspace(0, 9, 720)
    frame.to_csv(folder / "days.csv", index=False)
    found = run("discover", "days.csv", "--method", "cdnod", "--time", "day", "--drop", "town")
    assert "x -> y" in found.stdout
    with pytest.raises(InputError, match="cannot be read as dates"):
        run(*words, "--time", "town", "--drop", "day")
    with pytest.raises(InputError, match="with cdnod only"):
        run("discover", "data.csv", "--domain", "age")


def test_discover_asks_the_test_and_the_method_that_fit_the_table(folder):
    rng = np.random.default_rng(1)
    rain = rng.integers(0, 3, 600)
    wet = np.where(rng.random(600) < 0.8, rain, rng.integers(0, 3, 600))
    words = np.array(["a", "b", "c"])
    counts = pd.DataFrame({"rain": words[rain], "wet": words[wet], "coin": rng.choice(words, 600)})
    counts.to_csv(folder / "counts.csv", index=False)
    assert run("discover", "counts.csv", "--test", "g-square", "-q").stdout.count("--") == 1
    assert run("discover", "counts.csv", "--test", "mixed", "-q").stdout.count("--") == 1
    latent = run("discover", "counts.csv", "--test", "g-square", "--method", "fci", "-q")
    assert "rain o-o wet" in latent.stdout
    data = pd.read_csv(folder / "data.csv")
    data.loc[::7, "age"] = np.nan
    data.to_csv(folder / "holes.csv", index=False)
    assert "age" in run("discover", "holes.csv", "--test", "missing", "-q").stdout


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


ROWS = "1.5,2.5,3.5\n2.5,1.5,0.5\n" * 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("x,y\n" + ROWS, "has 2 name(s), the first row 3 values"),
        ("x,y,y\n" + ROWS, "'y' more than once"),
        (",x,y\n" + ROWS, "column 1 of odd.csv has no name"),
        ("x,y,z\n" + ROWS.replace("\n", ",\n"), "the first row 4 values"),
        ("x;y;z\n" + ROWS.replace(",", ";"), "holds ';'"),
        ("x;y;z\n" + ROWS.replace(",", ";").replace(".", ","), "holds ';'"),
        ("x,y,z\n1,2,3\n1,2,3,4\n", "cannot be read as CSV"),
        ("", "cannot be read as CSV"),
        ("x,y,z\n", "no rows"),
    ],
)
def test_a_header_that_does_not_match_is_refused(folder, content, message, capsys, monkeypatch):
    (folder / "odd.csv").write_text(content)
    monkeypatch.setattr(sys, "argv", ["causalkit", "discover", "odd.csv", "-q"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_the_same_table_however_it_was_saved(folder):
    data = pd.read_csv("data.csv")
    data.to_csv("bom.csv", index=False, encoding="utf-8-sig")
    data.to_csv("quoted.CSV", index=False, quoting=1)
    data.to_csv("counted.csv")
    data.to_csv("tabs.tsv.gz", index=False, sep="\t")
    expected = run("discover", "data.csv", "-q").stdout
    for name in ("bom.csv", "quoted.CSV", "tabs.tsv.gz"):
        assert run("discover", name, "-q").stdout == expected
    assert run("discover", "counted.csv", "--drop", "Unnamed: 0", "-q").stdout == expected


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("broken.csv.gz", ["discover", "broken.csv.gz"]),
        ("broken.parquet", ["discover", "broken.parquet"]),
        ("broken.txt", ["discover", "data.csv", "-q", "--out", "nowhere/graph.json"]),
        ("broken.txt", ["discover", "data.csv", "-q", "--jobs", "0"]),
    ],
)
def test_files_that_cannot_be_used_are_one_sentence(folder, name, words, capsys, monkeypatch):
    (folder / name).write_text("x,y\n1,2\n")
    monkeypatch.setattr(sys, "argv", ["causalkit", *words])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    shown = capsys.readouterr().err
    assert shown.startswith("causalkit: ")
    assert shown.count("\n") == 1


def test_it_starts_as_a_module_and_says_its_version():
    command = [sys.executable, "-m", "causalkit", "--version"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.startswith("causalkit ")


def test_identify_needs_no_data(folder):
    result = run("identify", "X -> M -> Y; X <-> Y", "X", "Y")
    assert result.exit_code == 0
    assert "P(M=m | X=x)" in result.stdout
    everything = run("identify", "Z -> X -> Y; Z -> Y", "X", "Y", "--observed", "X,Y", "--all")
    assert "hedge" in everything.stdout
    CausalGraph.parse("Z -> X -> Y; Z -> Y").save(folder / "graph.json")
    assert "adjust for" in run("identify", "graph.json", "X", "Y").stdout
    strata = run("identify", "graph.json", "X", "Y", "--given", "Z", "--strategy", "general")
    assert "E[Y | do(X=x), Z=z]" in strata.stdout


def test_identify_says_what_is_wrong(folder):
    with pytest.raises(InputError, match="no file"):
        run("identify", "nowhere.json", "X", "Y")
    with pytest.raises(NotIdentifiableError, match="hedge"):
        run("identify", "X -> Y; X <-> Y", "X", "Y")


def test_a_strategy_and_a_warning_are_sentences(folder):
    rng = np.random.default_rng(1)
    lottery, hidden = rng.normal(size=(2, 400))
    served = 0.05 * lottery + hidden + rng.normal(size=400)
    wage = 2 * served + hidden + rng.normal(size=400)
    pd.DataFrame({"lottery": lottery, "served": served, "wage": wage}).to_csv("iv.csv", index=False)
    CausalGraph.parse("lottery -> served -> wage; served <-> wage").save("iv.json")
    code = "from causalkit.cli.app import main; main()"
    words = ["analyze", "iv.csv", "--treatment", "served", "--outcome", "wage"]
    words += ["--graph", "iv.json", "--strategy", "instrument", "--json", "--quiet"]
    result = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=True
    )
    notes = json.loads(result.stdout)["notes"]
    assert [note.split(":")[0] for note in notes] == ["WeakInstrumentWarning"]
    assert result.stderr.startswith("causalkit: WeakInstrumentWarning: ")
    assert "app.py" not in result.stderr
