"""`identify`, `estimate` and `analyze`: graphs and tables in, effects out."""

from __future__ import annotations

import html
import json
import re
import shlex

import numpy as np
import pandas as pd
import pytest

from causalkit import CausalGraph
from causalkit.cli.running import Status
from causalkit.estimation import OLS
from causalkit.identification import identify

ASKED = "--treatment", "dose", "--outcome", "health"


def test_identify_needs_no_data(folder, run):
    result = run("identify", "X -> M -> Y; X <-> Y", "X", "Y")
    assert result.exit_code == 0
    assert "P(M=m | X=x)" in result.stdout
    everything = run("identify", "Z -> X -> Y; Z -> Y", "X", "Y", "--observed", "X,Y", "--all")
    assert "hedge" in everything.stdout
    CausalGraph.parse("Z -> X -> Y; Z -> Y").save("graph.json")
    assert "adjust for" in run("identify", "graph.json", "X", "Y").stdout
    strata = run("identify", "graph.json", "X", "Y", "--given", "Z", "--strategy", "general")
    assert "E[Y | do(X=x), Z=z]" in strata.stdout


def test_identify_as_json(folder, run):
    told = json.loads(run("identify", "graph.txt", "dose", "health", "--json").stdout)
    assert told["estimand"]["adjustment"] == ["age"]
    assert told["treatment"] == ["dose"]
    told = json.loads(run("identify", "0 -> 1; 2 -> 0; 2 -> 1", 0, 1, "--json").stdout)
    assert told["estimand"]["adjustment"] == [2]
    told = json.loads(run("identify", "graph.txt", "dose", "health", "--all", "--json").stdout)
    by_name = {row["strategy"]: row for row in told["strategies"]}
    assert by_name["adjustment"]["estimand"]["adjustment"] == ["age"]
    assert by_name["instrument"]["estimand"] is None
    told = json.loads(
        run("identify", "X -- Y", "X", "Y", "--strategy", "possible", "--json").stdout
    )
    assert len(told["estimand"]["alternatives"]) == 2
    told = json.loads(run("identify", "X[t-1] -> Y; Z[t-1] -> X[t]; Z[t-2] -> Y", "X[t-1]", "Y",
                          "--json").stdout)  # fmt: skip
    assert told["estimand"]["adjustment"]


def test_what_is_not_identified_has_a_status_of_its_own(folder, run):
    result = run("identify", "X -> Y; X <-> Y", "X", "Y", "--json")
    assert result.exit_code == Status.NOT_IDENTIFIED == 3
    told = json.loads(result.stdout)
    assert (told["format"], told["kind"], told["status"]) == (
        "causalkit.error", "NotIdentifiableError", 3
    )  # fmt: skip
    assert "hedge" in told["witness"][0]
    assert result.stderr.startswith("causalkit: the effect of X on Y is not identified")
    graph = "dose -> health; dose <-> health"
    assert run("estimate", "data.csv", *ASKED, "--graph", graph).exit_code == 3
    assert run("analyze", "data.csv", *ASKED, "--graph", graph).exit_code == 3


@pytest.mark.parametrize(
    "options", [["--graph", "graph.txt"], ["--adjust-for", "age"], ["--graph", "-"]]
)
def test_estimate_by_a_graph_or_by_columns(folder, run, options):
    graph = "age -> dose -> health; age -> health"
    words = "estimate", "data.csv", *ASKED, *options, "--estimator", "ols"
    told = json.loads(run(*words, "--level", "0.9", "--json", stdin=graph).stdout)
    (effect,) = told["effects"]
    data = pd.read_csv("data.csv")
    X = np.column_stack([np.ones(400), data["dose"], data["age"]])
    slope = np.linalg.lstsq(X, data["health"].to_numpy(), rcond=None)[0][1]
    assert effect["effect"] == pytest.approx(slope)
    width = effect["upper"] - effect["lower"]
    assert width / effect["std_error"] == pytest.approx(2 * 1.6487, abs=1e-3)
    assert "90 % interval" in run(*words, "--level", "0.9", stdin=graph).stdout


@pytest.mark.parametrize("estimator", ["ols", "g-computation", "ipw", "matching", "cbps"])
def test_estimators_of_a_treatment_with_two_values(folder, run, estimator):
    rng = np.random.default_rng(3)
    age = rng.normal(size=1000)
    dose = rng.random(1000) < 1 / (1 + np.exp(-age))
    health = 2 * dose - age + 0.5 * rng.normal(size=1000)
    pd.DataFrame({"age": age, "dose": dose * 1, "health": health}).to_csv("two.csv", index=False)
    words = "estimate", "two.csv", *ASKED, "--adjust-for", "age", "--estimator", estimator
    (effect,) = json.loads(run(*words, "--json").stdout)["effects"]
    assert effect["lower"] - 0.2 < 2 < effect["upper"] + 0.2


@pytest.fixture
def lottery(folder):
    rng = np.random.default_rng(1)
    drawn, hidden = rng.normal(size=(2, 800))
    served = drawn + hidden + rng.normal(size=800)
    wage = 2 * served + 2 * hidden + rng.normal(size=800)
    site = np.repeat([f"site {k}" for k in range(100)], 8)
    frame = pd.DataFrame({"lottery": drawn, "served": served, "wage": wage, "site": site})
    frame.assign(weight=1.0).to_csv("iv.csv", index=False)
    return "estimate", "iv.csv", "--treatment", "served", "--outcome", "wage"


@pytest.mark.parametrize("estimator", ["2sls", "liml", "gmm"])
def test_estimate_by_an_instrument(run, lottery, estimator):
    words = (*lottery, "--estimator", estimator, "--clusters", "site", "--weights", "weight")
    told = json.loads(run(*words, "--instrument", "lottery", "--json").stdout)
    assert told["effects"][0]["effect"] == pytest.approx(2, abs=0.25)
    assert told["estimand"]["type"] == "InstrumentEstimand"
    graph = "lottery -> served -> wage; served <-> wage"
    drawn = json.loads(run(*words, "--graph", graph, "--strategy", "instrument", "--json").stdout)
    assert drawn["effects"] == told["effects"]


def test_a_front_door_follows_from_the_graph(folder, run):
    rng = np.random.default_rng(5)
    hidden = rng.normal(size=1500)
    x = (hidden + rng.normal(size=1500) > 0) * 1
    m = (rng.random(1500) < 0.2 + 0.6 * x) * 1
    y = (rng.random(1500) < 0.2 + 0.4 * m + 0.2 * (hidden > 0)) * 1
    pd.DataFrame({"x": x, "m": m, "y": y}).to_csv("door.csv", index=False)
    told = json.loads(
        run("estimate", "door.csv", "--treatment", "x", "--outcome", "y",
            "--graph", "x -> m -> y; x <-> y", "--json").stdout
    )  # fmt: skip
    assert told["estimand"]["type"] == "FrontdoorEstimand"
    assert told["effects"][0]["effect"] == pytest.approx(0.24, abs=0.1)


def test_estimate_leaves_out_what_the_graph_does_not_name(folder, run):
    data = pd.read_csv("data.csv").assign(note=[f"text {k}" for k in range(400)])
    data.to_csv("notes.csv", index=False)
    graph = "age -> dose -> health; age -> health; age <- genes -> diet"
    words = "estimate", "notes.csv", *ASKED, "--graph", graph, "--estimator", "ols"
    told = run(*words)
    assert told.exit_code == 0, told.output
    assert "taken as unmeasured: genes, diet" in told.stderr


def test_names_that_are_numbers(folder, run):
    pd.read_csv("data.csv").set_axis(["0", "1", "2"], axis=1).to_csv("ints.csv", index=False)
    asked = "estimate", "ints.csv", "--treatment", "1", "--outcome", "2", "--estimator", "ols"
    drawn = json.loads(run(*asked, "--graph", "0 -> 1 -> 2; 0 -> 2", "--json").stdout)
    typed = json.loads(run(*asked, "--adjust-for", "0", "--json").stdout)
    assert drawn["effects"] == typed["effects"]
    (folder / "order.yaml").write_text("tiers: [[0], [1], [2]]")
    found = run("discover", "ints.csv", "--tiers", "order.yaml", "-q").stdout
    assert CausalGraph.parse(found).nodes == (0, 1, 2)


def test_text_is_read_by_the_alphabet_and_every_answer_names_the_levels(folder, run):
    rng = np.random.default_rng(0)
    case = rng.random(300) < 0.5
    frame = pd.DataFrame({"status": np.where(case, "case", "control")})
    frame["gene"] = np.where(rng.random(300) < 0.3 + 0.4 * case, "KO", "WT")
    frame.to_csv("genes.csv", index=False)
    words = "genes.csv", "--treatment", "gene", "--outcome", "status", "--graph", "gene -> status"
    asked = "Effect of gene (WT instead of KO) on P(status = control)"
    assert f"{asked}: 0." in run("estimate", *words, "--estimator", "ols").stdout
    for command in ("estimate", "analyze"):
        told = json.loads(run(command, *words, "--estimator", "ols", "--json").stdout)
        (row,) = told["effects"]
        assert (told["level"], row["question"]) == (0.95, asked)
        assert (row["contrast"], row["outcome"]) == ("gene: WT versus KO", "P(status = control)")
    told = run("estimate", *words, "--estimator", "ols", "--level", "0.9").stdout
    assert "90 % interval: 0." in told


def test_effects_over_time(folder, run):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 600))
    y[1:] += 2 * x[:-1]
    pd.DataFrame({"x": x, "y": y}).to_csv("steps.csv", index=False)
    told = run("estimate", "steps.csv", "--treatment", "x[t-1]", "--outcome", "y",
               "--graph", "x[t-1] -> y[t]", "--json")  # fmt: skip
    assert json.loads(told.stdout)["effects"][0]["effect"] == pytest.approx(2, abs=0.2)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "expected one of them. Of an experiment say --graph 'dose -> health'"),
        (["--graph", "graph.txt", "--adjust-for", "age"], "Drop one of them"),
        (["--adjust-for", "aage"], "Did you mean 'age'"),
        (["--adjust-for", "dose"], "'dose' has two roles"),
        (["--adjust-for", "age", "--estimator", "olss"], "Did you mean ols?"),
        (["--adjust-for", "age", "--clusters", "side"], "no variable 'side'"),
        (["--graph", "nowhere.json"], "there is no file nowhere.json"),
        (["--graph", "age -> dose"], "no variable 'health' in the graph"),
    ],
)
def test_a_question_that_cannot_be_asked(folder, run, words, message):
    result = run("estimate", "data.csv", *ASKED, *words)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""


def test_analyze_answers_and_writes_the_report(folder, run):
    result = run(
        "analyze", "data.csv", *ASKED, "--tiers", "tiers.yaml", "--estimator", "ols",
        "--report", "report.html", "--json", "--quiet", "--resamples", "3",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert answer["format"] == "causalkit.analyze"
    assert answer["effects"][0]["effect"] == pytest.approx(2, abs=0.3)
    assert answer["report"] == "report.html"
    assert "<svg" in (folder / "report.html").read_text()


def test_analyze_reads_a_graph(folder, run):
    words = "analyze", "data.csv", *ASKED, "--graph", "graph.txt", "--estimator", "ols"
    result = run(*words, "--decisions", "--strict")
    assert result.exit_code == 0, result.output
    assert "Effect of dose on health" in result.stdout
    assert "identification: adjustment, for age\n" in result.stdout
    refused = run(*words, "--tiers", "tiers.yaml", "--alpha", "0.1")
    assert "both --graph and --alpha, --tiers were given" in refused.stderr


@pytest.fixture
def without_checks(monkeypatch):
    """For tests that are about something else: no check is made unless it is named."""
    monkeypatch.setattr("causalkit.refutation.api.default_checks", tuple)


def test_analyze_learns_as_it_is_told(folder, run, without_checks):
    words = "analyze", "data.csv", *ASKED, "--tiers", "tiers.yaml", "--estimator", "ols"
    told = json.loads(run(*words, "--alpha", "0.01", "--resamples", "0", "--json").stdout)
    assert told["graph"]["learnt_by"] == "PC"
    again = run("identify", "-", "dose", "health", stdin=json.dumps(told))
    assert "adjust for  age" in again.stdout


def test_strict_ends_with_a_status_of_its_own(folder, run, monkeypatch, without_checks):
    from causalkit.refutation import Challenges

    monkeypatch.setattr(Challenges, "verdict", "fails")
    words = "analyze", "data.csv", *ASKED, "--graph", "graph.txt", "--estimator", "ols", "-q"
    assert run(*words).exit_code == 0
    result = run(*words, "--strict")
    assert result.exit_code == Status.CHECK_FAILED == 5
    assert "Effect of dose on health" in result.stdout


@pytest.fixture
def lost_days(folder):
    """Of 600 days a quarter was lost; y follows x a day later, by 2."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 600))
    y[1:] += 2 * x[:-1]
    day = pd.date_range("2024-01-01", periods=600).strftime("%Y-%m-%d")
    kept = rng.random(600) > 0.25
    data = pd.DataFrame({"day": day, "x": x, "y": y, "count": np.arange(600), "site": "a"})
    data.to_csv("whole.csv", index=False)
    data[kept].to_csv("lost.csv", index=False)
    return "--treatment", "x[t-1]", "--outcome", "y", "--graph", "x[t-1] -> y[t]"


def test_lags_reach_over_no_gap_that_an_unread_column_tells_of(lost_days, run, without_checks):
    for command in ("estimate", "analyze"):
        refused = run(command, "lost.csv", *lost_days)
        assert refused.exit_code == 2
        assert "column 'day' of lost.csv looks like times" in refused.stderr
    assert "column 'count'" in run("estimate", "lost.csv", *lost_days, "--drop", "day").stderr
    assert "'day'" in run("estimate", "lost.csv", *lost_days, "--panel", "site").stderr
    for more in (["lost.csv", "--time", "day"], ["lost.csv", "--time", "count"], ["whole.csv"]):
        told = run("estimate", *more, *lost_days, "--json")
        assert json.loads(told.stdout)["effects"][0]["effect"] == pytest.approx(2, abs=0.15)
    data = pd.read_csv("lost.csv").drop(columns="count")
    data["day"] = pd.to_datetime(data["day"]).dt.strftime("%d.%m.%Y")  # 01.02. is in February
    data.to_csv("points.csv", index=False)
    told = run("estimate", "points.csv", *lost_days, "--time", "day", "--json")
    assert json.loads(told.stdout)["effects"][0]["effect"] == pytest.approx(2, abs=0.15)
    data.loc[5, "day"] = np.nan
    data.to_csv("points.csv", index=False)
    assert "looks like times" in run("estimate", "points.csv", *lost_days).stderr
    weak = run("estimate", "lost.csv", *lost_days, "--drop", "day", "--drop", "count", "--json")
    assert json.loads(weak.stdout)["effects"][0]["effect"] < 1.7


@pytest.mark.parametrize(
    "cells",
    [
        pd.date_range("2024-01-01", periods=600).strftime("%Y-%m-%dT00:00:00Z"),
        pd.date_range("2024-01-01", periods=600, tz="Europe/Berlin"),  # a day in March has 23 hours
        pd.date_range("2024-01-01", periods=600, tz="Europe/Berlin").astype(str),
        pd.date_range("2024-01-01", periods=600).date,
        pd.period_range("1870Q1", periods=600, freq="Q"),
    ],
    ids=["Z", "zone", "offsets", "date32", "quarters"],
)
def test_dates_that_nobody_named_are_read_however_they_are_kept(lost_days, run, cells):
    data = pd.read_csv("whole.csv").assign(day=cells).drop(columns=["count", "site"])
    kept = np.random.default_rng(1).random(600) > 0.25
    data.to_parquet("whole.parquet")
    data[kept].to_parquet("lost.parquet")
    words = *lost_days, "--estimator", "ols", "--json"
    told = run("estimate", "whole.parquet", *words)
    assert json.loads(told.stdout)["effects"][0]["effect"] == pytest.approx(2, abs=0.15)
    assert "in steps of unequal length" in run("estimate", "lost.parquet", *words).stderr
    told = run("estimate", "lost.parquet", *words, "--time", "day")
    assert json.loads(told.stdout)["effects"][0]["effect"] == pytest.approx(2, abs=0.15)


def test_dates_that_cannot_be_read_are_not_called_unequal(lost_days, run):
    data = pd.read_csv("whole.csv").drop(columns="count")
    data.loc[3, "day"] = "2024-01-04 12:00"
    data.to_csv("mixed.csv", index=False)
    said = run("estimate", "mixed.csv", *lost_days).stderr
    assert "cannot be read in one format" in said
    assert "unequal" not in said
    assert run("estimate", "mixed.csv", *lost_days, "--drop", "day").exit_code == 0


def test_clusters_of_two_kinds(folder, run):
    rng = np.random.default_rng(0)
    firm, year = np.repeat(np.arange(40), 10), np.tile(np.arange(10), 40)
    data = pd.read_csv("data.csv").assign(firm=firm, year=year)
    data["health"] += rng.normal(size=40)[firm] + rng.normal(size=10)[year]
    data.to_csv("cross.csv", index=False)
    words = "estimate", "cross.csv", *ASKED, "--adjust-for", "age", "--estimator", "ols"
    both = run(*words, "--clusters", "firm", "--clusters", "year")
    assert "clustered, 40 and 10 clusters" in both.stdout
    estimand = identify(CausalGraph.parse("age -> dose -> health; age -> health"), "dose", "health")
    effect = estimand.estimate(data, OLS(), clusters=("firm", "year"))
    told = json.loads(run(*words, "--clusters", "firm", "--clusters", "year", "--json").stdout)
    assert told["effects"][0]["std_error"] == pytest.approx(effect.std_error)
    three = run(*words, "--clusters", "firm", "--clusters", "year", "--clusters", "age")
    assert "--clusters was given 3 times" in three.stderr


@pytest.fixture
def three_sites(folder):
    """A dose whose three levels differ by 1 and 3 in health; some ages were not asked."""
    rng = np.random.default_rng(0)
    site = rng.choice(["inner city", "north", "south"], 300)
    health = pd.Series(site).map({"inner city": 0.0, "north": 1, "south": 3}).to_numpy()
    age = np.where(rng.random(300) < 0.1, np.nan, rng.normal(size=300))
    data = {"site": site, "age": age, "health": health + 0.1 * rng.normal(size=300)}
    pd.DataFrame(data).to_csv("sites.csv", index=False)
    return "sites.csv", "--treatment", "site", "--outcome", "health"


def test_two_of_several_levels_are_compared(run, three_sites, without_checks):
    words = "estimate", *three_sites, "--graph", "site -> health", "--estimator", "ols"
    asked = run(*words).stderr
    assert "Say --contrast 'inner city,north', control first, or --contrast each" in asked
    for command in ("estimate", "analyze"):
        told = run(command, *words[1:], "--contrast", "north, south", "--json")
        assert json.loads(told.stdout)["effects"][0]["effect"] == pytest.approx(2, abs=0.1)
    each = json.loads(run(*words, "--contrast", "each", "--json").stdout)
    assert [row["effect"] for row in each["effects"]] == pytest.approx([1, 3], abs=0.1)
    assert "no level 'west'" in run(*words, "--contrast", "north,west").stderr
    assert "expected two levels" in run(*words, "--contrast", "north").stderr
    assert "without --estimator" in run(*words[:-2], "--contrast", "north,south").stderr
    assert "which has no use" in run(*words[:-1], "plr", "--contrast", "north,south").stderr


@pytest.mark.parametrize(
    ("levels", "typed"),
    [
        (("none, sham", "5 (low)"), "none, sham,5 (low)"),
        (("none, sham", "5 (low)"), "none, sham, 5 (low)"),
        ((" s0", " s1"), " s0, s1"),
        (("a,b", "c,d"), "a,b,c,d"),
    ],
)
def test_levels_with_commas_blanks_or_brackets(run, three_sites, levels, typed):
    data = pd.read_csv("sites.csv")
    data["site"] = data["site"].map(dict(zip(("north", "south"), levels, strict=True)))
    data.fillna({"site": "0 (other)"}).to_csv("sites.csv", index=False)
    words = "estimate", *three_sites, "--graph", "site -> health", "--estimator", "ols", "--json"
    told = run(*words, "--contrast", typed)
    assert json.loads(told.stdout)["effects"][0]["effect"] == pytest.approx(2, abs=0.1)


def test_levels_that_a_comma_does_not_tell_apart(run, three_sites):
    data = pd.read_csv("sites.csv")
    data["site"] = np.resize(["a", "b,c", "a,b", "c"], len(data))
    data.to_csv("sites.csv", index=False)
    words = "estimate", *three_sites, "--graph", "site -> health", "--estimator", "ols"
    assert "Rename one" in run(*words, "--contrast", "a,b,c").stderr


def test_levels_that_are_numbers(folder, run):
    data = pd.read_csv("data.csv").assign(dose=np.arange(400) % 2, on=np.arange(400) % 2 == 1)
    data["health"] += 5 * data["dose"]
    data.to_csv("two.csv", index=False)
    for name, levels in (("dose", "1,0"), ("on", "True,False")):
        words = "--treatment", name, "--outcome", "health", "--graph", f"{name} -> health"
        told = run("estimate", "two.csv", *words, "--estimator", "ols", "--contrast", levels,
                   "--json")  # fmt: skip
        assert json.loads(told.stdout)["effects"][0]["effect"] < -4


def test_rows_with_an_empty_cell_are_left_out_if_one_says_so(run, three_sites, lost_days):
    words = "estimate", *three_sites, "--adjust-for", "age", "--estimator", "ols"
    words = (*words, "--contrast", "north,south")
    assert "leave out what is incomplete with --complete-rows" in run(*words).stderr
    told = run(*words, "--complete-rows")
    assert "rows have an empty cell, and are left out" in told.stderr
    assert "Effect of site" in told.stdout
    refused = run("estimate", "lost.csv", *lost_days, "--time", "day", "--complete-rows")
    assert "steps of series follow each other" in refused.stderr


def test_the_report_has_the_command_that_made_it(folder, run, without_checks):
    pd.read_csv("data.csv").assign(note="x").to_csv("my data.csv", index=False)
    words = ["analyze", "my data.csv", *ASKED, "--graph", "age -> dose -> health; age -> health"]
    words += ["--estimator", "ols", "--drop", "note", "--decisions", "--report", "again.html"]
    first = run(*words)
    page = html.unescape((folder / "again.html").read_text())
    typed = next(line for line in page.splitlines() if "causalkit analyze" in line)
    again = shlex.split(re.sub(r"<[^>]*>", "", typed).strip())
    assert again[0] == "causalkit"
    assert "pd.read_csv" not in page
    assert run(*again[1:]).stdout == first.stdout
    assert sorted(again[1:]) == sorted(words)
