"""`plot` and `convert`: pictures and formats."""

from __future__ import annotations

import json

import pytest

from causalkit import CausalGraph
from causalkit.graph import LaggedGraph

GRAPH = "Z -> X -> Y; Z -> Y; X <-> W"


@pytest.mark.parametrize("form", ["json", "txt", "dot", "graphml", "dagitty"])
def test_every_format_comes_back_through_a_pipe(folder, run, form):
    text = run("convert", GRAPH, "--to", form).stdout
    back = run("convert", "-", "--to", "txt", stdin=text)
    assert back.exit_code == 0, back.output
    assert CausalGraph.parse(back.stdout) == CausalGraph.parse(GRAPH)
    named = run("convert", "-", "--from", form, "--json", stdin=text)
    told = json.loads(named.stdout)
    assert CausalGraph.from_json(json.dumps(told["graph"])) == CausalGraph.parse(GRAPH)


@pytest.mark.parametrize("suffix", ["json", "txt", "gv", "graphml", "dagitty", "tetrad"])
def test_the_suffix_says_the_format(folder, run, suffix):
    assert run("convert", "PAG: Z o-> X -> Y", f"g.{suffix}").exit_code == 0
    kind = ["--kind", "PAG"] if suffix == "tetrad" else []
    back = run("convert", f"g.{suffix}", *kind)
    assert CausalGraph.parse(back.stdout) == CausalGraph.parse("PAG: Z o-> X -> Y")


def test_what_is_only_written(folder, run):
    assert "n0" in run("convert", "X -> Y", "--to", "mermaid").stdout
    assert run("convert", "X -> Y", "g.svg").exit_code == 0
    assert (folder / "g.svg").read_text().startswith("<svg")
    assert run("convert", "X -> Y", "g.xyz").exit_code == 2


def test_graphs_of_series(folder, run):
    text = "X[t-1] -> Y[t]; X[t-1] -> X[t]"
    assert run("convert", text, "g.json").exit_code == 0
    graph = LaggedGraph.read("g.json")
    assert LaggedGraph.parse(run("convert", "g.json").stdout) == graph
    assert '"X[t-1]" -> "Y[t]"' in run("convert", "g.json", "--to", "dot").stdout
    assert run("plot", "g.json", "--out", "g.pdf").exit_code == 0


@pytest.mark.parametrize(
    ("suffix", "start"), [("png", b"\x89PNG"), ("svg", b"<svg"), ("pdf", b"%PDF")]
)
def test_plot_draws_a_graph(folder, run, suffix, start):
    words = "plot", GRAPH, "--treatment", "X", "--outcome", "Y", "--adjustment", "Z"
    result = run(*words, "--out", f"g.{suffix}")
    assert result.exit_code == 0, result.output
    assert (folder / f"g.{suffix}").read_bytes().startswith(start)
    assert result.stdout == ""


def test_plot_draws_effects_that_were_computed(folder, run):
    effects = [{"question": "Effect of X on Y", "effect": 2.0, "lower": 1.0, "upper": 3.0}]
    told = json.dumps({"treatment": "X", "outcome": "Y", "level": 0.9, "effects": effects})
    result = run("plot", "-", "--effects", "--out", "-", stdin=told)
    assert result.exit_code == 0, result.output
    assert "Effect of X on Y" in result.stdout
    assert "90 % interval" in result.stdout
    assert run("plot", "-", "--effects", "--out", "e.png", stdin=told).exit_code == 0
    assert (folder / "e.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["plot", GRAPH, "--out", "g.gif"], "expected .svg, .png, .pdf or -"),
        (["plot", GRAPH, "--out", "-", "--json"], "expected one of them. Name a file"),
        (["plot", GRAPH, "--out", "g.svg", "--treatment", "Q"], "no variable 'Q' in the graph"),
        (["plot", "data.csv", "--effects", "--out", "e.svg"], "has no effects with intervals"),
        (["convert", GRAPH, "--to", "docx"], "'docx' is no format of graphs"),
        (["convert", GRAPH, "--from", "docx"], "'docx' is no format of graphs"),
        (["convert", ""], "the graph is empty"),
        (["convert", "data.csv"], "is no edge"),
        (["convert", "."], "is a folder"),
        (["convert", "A -> B; B -> A", "--kind", "DAG"], "cycle"),
        (["convert", "A -> B", "--kind", "TREE"], "TREE"),
        (["convert", "{]", "--from", "json"], "is no JSON"),
        (["convert", "none.dot"], "there is no file none.dot"),
        (["convert", "odd.json"], "is no text"),
        (["convert", "tiers.yaml"], "expected names joined by"),
    ],
)
def test_what_cannot_be_drawn_or_written_is_one_sentence(folder, run, words, message):
    (folder / "odd.json").write_bytes(b"\xff\xfe\x00{")
    result = run(*words)
    assert result.exit_code == 2
    assert message in result.stderr.replace("circle", "cycle")
    assert "Traceback" not in result.output
