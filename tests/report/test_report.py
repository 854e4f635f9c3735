"""The page stands alone, and the code in it gives the same answer again."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import escape
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

import causalkit as ck
from causalkit._core.report import format_value
from causalkit.discovery import FCI, PC, Knowledge
from causalkit.estimation import (
    AIPW,
    OLS,
    Bootstrap,
    Effect,
    EffectSet,
    Powers,
    TwoStageLeastSquares,
)
from causalkit.graph import LaggedGraph
from causalkit.refutation import Challenges, DataSubset, DummyOutcome, PlaceboTreatment
from causalkit.report.interval_picture import Bar, draw_intervals
from causalkit.report.learnt_words import percent
from causalkit.report.plain import effect_values
from causalkit.report.summary import summary_of
from causalkit.workflow import GraphSet, LearntEffect

VOID = {"meta", "br", "hr", "img", "link", "input", "path", "use", "rect", "circle", "stop"}


class Page(HTMLParser):
    """Collects tags, text and addresses, and checks that tags close."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.addresses: list[str] = []
        self.headings: list[int] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [v for k, v in attrs if k in ("src", "href") and v]
        if tag in ("h1", "h2", "h3", "h4", "h5", "h6"):
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [v for k, v in attrs if k in ("src", "href") and v]

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def data(n: int = 300) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    z = rng.normal(size=n)
    t = (z + rng.normal(size=n) > 0).astype(int)
    return {"z <b>": z, "t": t, "y": t + z + rng.normal(size=n)}


@pytest.fixture(scope="module")
def analysis():
    return ck.analyze(
        data(),
        "t",
        "y",
        discovery=PC(alpha=0.05, knowledge=Knowledge(tiers=[["z <b>"], ["t"], ["y"]])),
        estimator=OLS(features=Powers(3)),
        checks=[PlaceboTreatment(n_simulations=10), DataSubset(n_simulations=10)],
        n_resamples=10,
        random_state=5,
    )


def test_the_page_is_one_file_with_everything_in_it(analysis, tmp_path):
    path = tmp_path / "report.html"
    analysis.to_html(path)
    page = Page(path.read_text(encoding="utf-8"))
    assert page.open == []
    assert page.tags.count("svg") == 3
    assert "script" not in page.tags
    assert all(address.startswith("#") for address in page.addresses), "nothing is fetched"
    text = " ".join(" ".join(page.words).split())
    parts = ("Answer", "How sure", "doubt", "help most", "Technical part", "Data", "Decisions")
    for part in (*parts, "Graph", "assumed", "Effect", "Challenges", "Run it again"):
        assert part in text
    for value in (analysis.effect.sentence, analysis.fingerprint, *analysis.estimand.assumptions):
        assert value in text
    assert "z <b>" in text, "names are escaped, not read as tags"


def test_the_code_in_the_report_gives_the_same_answer(analysis):
    scope = {"data": data()}
    exec(analysis.code(), scope)
    again = scope["analysis"]
    assert again.effect.value == analysis.effect.value
    assert again.graph == analysis.graph
    assert [c.estimate for c in again.challenges] == [c.estimate for c in analysis.challenges]


def test_the_code_carries_a_given_graph_and_learners():
    from sklearn.linear_model import LinearRegression, LogisticRegression

    graph = ck.CausalGraph.parse('"z <b>" -> t -> y; "z <b>" -> y')
    analysis = ck.analyze(
        data(),
        "t",
        "y",
        graph=graph,
        estimator=AIPW(LinearRegression(), LogisticRegression(C=10.0), n_folds=3, random_state=1),
        checks=[],
    )
    scope = {"data": data()}
    exec(analysis.code(), scope)
    assert scope["analysis"].effect.value == analysis.effect.value


def test_the_code_names_what_cannot_be_written():
    weights = np.ones(300)
    graph = ck.CausalGraph.parse('"z <b>" -> t -> y; "z <b>" -> y')
    analysis = ck.analyze(
        data(), np.str_("t"), "y", graph=graph, estimator=OLS(), checks=[], sample_weight=weights
    )
    scope = {"data": data(), "the_ndarray": weights}
    exec(analysis.code(), scope)
    assert scope["analysis"].effect.value == analysis.effect.value
    assert "'t'" in analysis.code().split("data")[1]


def test_the_code_has_no_seed_where_there_was_none():
    assert "random_state=None" in asked(graph=GIVEN, random_state=None).code()
    assert "random_state=7" in asked(graph=GIVEN, random_state=7).code()


@pytest.mark.parametrize(
    "value", [(1,), ("a", "b"), [1.5, None], float("inf"), np.float64(2), {"a": 1}, (), "x" * 90]
)
def test_sources_are_expressions(value):
    from causalkit.report.code import source_of

    text = source_of(value)
    found = eval(text, {"the_dict": value})
    assert found == value
    assert type(found) is type(value.item() if isinstance(value, np.generic) else value)


def test_plain_values_are_json(analysis):
    plain = json.loads(json.dumps(analysis.to_dict(), allow_nan=False))
    assert plain["effects"][0]["effect"] == analysis.effect.value
    assert plain["interval"] == pytest.approx(list(analysis.interval()))
    assert ck.CausalGraph.parse(plain["graph"]["text"], plain["graph"]["kind"]) == analysis.graph
    assert [c["verdict"] for c in plain["challenges"]] == [c.verdict for c in analysis.challenges]


def test_names_that_are_numpy_integers_are_json():
    table = pd.DataFrame(pairs()).set_axis(pd.Index([0, 1, 2]), axis=1)
    treatment, outcome = table.columns[1], table.columns[2]
    assert isinstance(treatment, np.int64)
    analysis = ck.analyze(table, treatment, outcome, checks=[], n_resamples=2)
    plain = json.loads(json.dumps(analysis.to_dict(), allow_nan=False))
    assert (plain["treatment"], plain["outcome"]) == (1, 2)


@pytest.mark.parametrize("text", ["x[t-1] -> x[t]; y[t-1] -> y[t]", "x[t]; y[t]"])
def test_the_drawing_holds_the_nodes_that_are_asked_about(text):
    x, y = np.random.default_rng(0).normal(size=(2, 60))
    graph = LaggedGraph.parse(text)
    analysis = ck.analyze({"x": x, "y": y}, "x[t-3]", "y", graph=graph, checks=[])
    assert analysis.graph.max_lag < 3
    page = Page(analysis.to_html())
    assert any("t−3" in words or "t-3" in words for words in page.words[10:])


def test_a_certificate_is_shown_where_there_is_one():
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    data = pd.DataFrame({"x": x, "y": x + rng.normal(size=200)})
    graph = ck.CausalGraph.parse("x -> y")
    analysis = ck.analyze(data, "x", "y", graph=graph, estimator=OLS(), checks=[])
    certificate = ck.certify(analysis, data, n_twins=2, n_replicates=3)
    page = analysis.to_html(certificate=certificate)
    assert "Does the interval cover?" in page
    assert certificate.sentence.split(" (")[0] in page
    assert "Does the interval cover?" not in analysis.to_html()


# --- the first page -------------------------------------------------------------------------------


def pairs(n: int = 300, slope: float = 1.0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    z = rng.normal(size=n)
    x = z + rng.normal(size=n)
    return {"z": z, "x": x, "y": slope * x + z + rng.normal(size=n)}


def asked(slope: float = 1.0, **options):
    options = {"estimator": OLS(), "checks": [], **options}
    return ck.analyze(pairs(slope=slope), "x", "y", **options)


GIVEN = "z -> x -> y; z -> y"


def test_headings_go_down_one_level_at_a_time(analysis):
    headings = Page(analysis.to_html()).headings
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(headings))


def test_pictures_and_tables_say_what_they_are(analysis):
    page = analysis.to_html()
    assert page.count("<svg") == 3
    assert '<title id="intervals-title">Intervals for the effect of t on y</title>' in page
    own = page[page.index(">Decisions</h3>") : page.index(">Graph</h3>")]
    assert "<th>" not in own
    for decision in analysis.decisions:
        assert escape(decision.choice) in own.replace("&#39;", "&#x27;")


@pytest.mark.parametrize(
    ("slope", "words"), [(1, "x raises y"), (-1, "x lowers y"), (0, "settled")]
)
def test_the_answer_says_which_way_or_that_it_is_not_settled(slope, words):
    summary = summary_of(asked(slope, graph=GIVEN))
    assert words in summary.answer
    lower, upper = asked(slope, graph=GIVEN).interval()
    assert f"{format_value(lower)} to {format_value(upper)}" in summary.answer
    assert summary.warning == ""
    assert len(summary.intervals) == 1


def test_both_intervals_are_shown_and_why_they_differ():
    knowledge = Knowledge(tiers=[["z", "x"], ["y"]])
    analysis = asked(knowledge=knowledge, n_resamples=10)
    summary = summary_of(analysis)
    honest, given = summary.intervals
    for (_, words), interval in (
        (honest, analysis.interval()),
        (given, analysis.effect.interval()),
    ):
        assert words.startswith(" to ".join(map(format_value, interval)))
    assert summary.why_different
    assert summary.warning == ""
    assert "the data leave possible" in summary.sureness[0]


def test_the_first_page_says_that_the_graph_is_taken_as_given():
    analysis = asked(n_resamples=0)
    summary = summary_of(analysis)
    assert "takes it as given, so it is too short" in summary.warning
    assert summary.doubts[0].headline == "Other graphs were not gone over"
    assert "n_resamples=100" in summary.help
    text = " ".join(analysis.to_html().split())
    assert text.index("Read with care") < text.index("Technical part")


def test_a_failed_check_comes_before_what_cannot_be_tested():
    sound = asked(graph=GIVEN, checks=[DummyOutcome()])
    broken = replace(sound.challenges[0], verdict="fails", sentence="It moves.")
    analysis = replace(sound, challenges=Challenges((broken,), sound.effect))
    first, *_, last = summary_of(analysis).doubts
    assert (first.headline, first.text) == ("A check fails: dummy outcome", "It moves.")
    assert last.headline == "It rests on what cannot be tested"
    assert len(summary_of(asked(n_resamples=0)).doubts) == 3


def test_what_nothing_bounds_is_said_and_not_drawn_as_bounded():
    rng = np.random.default_rng(2)
    a, x = rng.normal(size=(2, 500))
    x += a
    table = {"a": a, "x": x, "y": x + rng.normal(size=500)}
    options = {"discovery": FCI(), "estimator": OLS(), "checks": [], "n_resamples": 3}
    summary = summary_of(ck.analyze(table, "x", "y", **options))
    assert "do not bound the effect" in summary.answer
    assert summary.doubts[0].headline == "Some possible graphs leave the effect open"
    assert summary.picture == "" or "l14 -8" in summary.picture
    assert summary.intervals[0][1] == "no bounds"


def test_the_picture_has_its_intervals_to_scale():
    bars = (Bar("a", 1.0, 3.0, 2.0, honest=True), Bar("<b>", -1.0, np.inf, np.nan, honest=False))
    picture = draw_intervals(bars, "effect")
    assert "<b>" not in picture
    lines = [
        [float(x) for x in found]
        for found in re.findall(r'<line x1="(.*?)" y1=".*?" x2="(.*?)" y2', picture)
    ]
    zero, axis = lines[0][0], lines[1]
    unit = lines[-2][1] - lines[-2][0]
    assert unit / 2 == pytest.approx((lines[-2][0] - zero) / 1, abs=0.2)
    assert lines[-1][0] == pytest.approx(zero - unit / 2, abs=0.2)
    assert lines[-1][1] == pytest.approx(axis[1])
    assert picture.count("<path") == picture.count("<circle") == 1
    assert draw_intervals((Bar("a", -np.inf, np.inf, np.nan, honest=True),), "effect") == ""
    assert "no interval" in Bar("a", np.nan, np.nan, 0.0, honest=False).words


# --- what is said of the graphs -------------------------------------------------------------------


def learnt(*alternatives, answer_of, weights, failures=None):
    """One effect over graphs; with -1 and -2 in `answer_of`, some are open."""
    texts = ("x; y; w", "x -> y; w", "w -> x; y")[: len(answer_of)]
    worlds = tuple(map(ck.CausalGraph.parse, texts))
    share = np.full(len(worlds), 1 / len(worlds))
    return LearntEffect(
        treatment="x",
        outcome="y",
        alternatives=EffectSet(
            alternatives,
            tuple(f"answer {k}" for k in range(len(alternatives))),
            n_open=int(min(answer_of) < 0),
        ),
        weights=np.array(weights),
        graphs=GraphSet(worlds, share, np.zeros(len(worlds))),
        worlds=worlds,
        answer_of=np.array(answer_of),
        world_weights=share,
        failures=failures or {},
    )


ZERO, SOME = Effect(0.0, np.nan, 9, "graph"), Effect(1.0, 0.1, 9, "OLS")


def said(effect):
    """First page of an analysis with this effect over graphs, of which the learnt graph is one."""
    sound = asked(graph=GIVEN)
    graph = effect.graphs.graphs[0]
    return summary_of(replace(sound, graph=graph, discovery=PC(), learnt=effect))


def test_shares_are_of_the_searches_whose_graph_was_kept():
    none = said(learnt(SOME, answer_of=[0, 0], weights=[1.0]))
    assert none.sureness[0] == (
        "No graph that the data leave possible says that there is no effect."
    )
    some = said(learnt(SOME, ZERO, answer_of=[0, 1], weights=[0.6, 0.4]))
    assert "Of the searches whose graph the data leave possible, 40% found" in some.sureness[0]
    assert "no effect at all" in some.doubts[0].headline
    rare = said(learnt(SOME, ZERO, answer_of=[0, 1], weights=[1.0, 0.0]))
    assert "possible, 0% found" in rare.sureness[0]
    one = said(learnt(SOME, answer_of=[0], weights=[1.0]))
    assert "the data leave only the learnt one possible" in one.why_different
    assert [percent(x) for x in (0, 0.004, 0.5, 0.999, 1)] == [
        "0%",
        "less than 1%",
        "50%",
        "more than 99%",
        "100%",
    ]


def test_an_interval_of_zero_width_is_every_graph_saying_zero():
    forbidden = Knowledge(forbidden=[("x", "y"), ("y", "x")])
    rng = np.random.default_rng(1)
    table = {"x": rng.normal(size=200), "y": rng.normal(size=200), "z": rng.normal(size=200)}
    analysis = ck.analyze(table, "x", "y", knowledge=forbidden, checks=[], n_resamples=4)
    assert tuple(analysis.interval()) == (0, 0)
    page = summary_of(analysis)
    assert page.answer.startswith("Every graph that the data leave possible says that x has no")
    assert "anything" not in page.answer
    assert "do not" not in page.why_different
    assert page.intervals[0][1] == "0, no interval around it"
    assert page.sureness[0].startswith("Every graph")
    assert not any("at all" in doubt.headline for doubt in page.doubts)
    assert page.picture.count("<circle") == 2


def test_answers_that_could_not_be_estimated_are_on_the_page_with_their_reason():
    table = pd.DataFrame(pairs()).assign(x=(np.arange(300) == 5).astype(int))
    analysis = ck.analyze(table, "x", "y", checks=[], n_resamples=20, random_state=0)
    why = next(iter(analysis.learnt.failures.values()))
    assert "1 row has 'x' = 1" in why
    page = summary_of(analysis)
    assert "in some of the graphs that they leave possible it could not be" in page.answer
    assert "anything" not in page.answer
    assert "could not be estimated" in page.doubts[0].headline
    assert why in page.doubts[0].text
    assert any("could not be estimated" in note and why in note for note in analysis.notes)
    steps = {d.choice: d.reason for d in analysis.decisions if d.step == "uncertainty"}
    assert any(choice.startswith("not estimated: ") and steps[choice] == why for choice in steps)
    assert not any("leave it open" in choice for choice in steps)
    assert set(analysis.to_dict()["over_graphs"]["not_estimated"].values()) == {why}


def test_what_is_open_and_what_could_not_be_estimated_are_told_apart():
    failures = {"adjust for z": "Too few rows.", "adjust for w": "Too few rows."}
    page = said(learnt(SOME, answer_of=[0, -1], weights=[0.5]))
    assert page.answer.endswith("it could be anything.")
    assert page.doubts[0].headline == "Some possible graphs leave the effect open"
    failed = learnt(SOME, answer_of=[0, -2], weights=[0.5], failures=failures)
    assert said(failed).answer.endswith("it could not be estimated.")
    assert said(failed).doubts[0].text == "adjust for z, adjust for w: Too few rows."
    assert "leave the effect open" not in repr(failed)
    both = said(learnt(SOME, answer_of=[0, -1, -2], weights=[0.3], failures=failures))
    assert both.answer.endswith("it could be anything, and in some it could not be estimated.")
    assert "leave the effect open" in both.doubts[1].headline


def test_graphs_with_the_edge_that_is_asked_about_added_are_counted():
    graphs = tuple(map(ck.CausalGraph.parse, ("x; y", "x -> y")))
    found = GraphSet(graphs, np.array([1.0, 0.0]), np.zeros(2), 5.0, (("PC", 4),))
    assert "1 of all 2 was not found: the edge that is asked about was added." in repr(found)
    assert "not found" not in repr(replace(found, shares=np.array([0.5, 0.5])))


def test_a_page_and_json_say_which_level_is_which():
    rng = np.random.default_rng(1)
    village = np.repeat(np.arange(30), 10)
    gene, case = rng.random(300) < 0.5, rng.random(300) < 0.4
    people = pd.DataFrame(
        {
            "gene": pd.Categorical(np.where(gene, "KO", "WT"), categories=["WT", "KO"]),
            "status": pd.Categorical(
                np.where(case | gene, "case", "control"), categories=["control", "case"]
            ),
            "z": rng.normal(size=300),
            "village": village,
        }
    )
    analysis = ck.analyze(
        people,
        "gene",
        "status",
        graph="gene -> status; z -> status",
        estimator=OLS(),
        clusters="village",
        checks=[DummyOutcome(n_simulations=5)],
    )
    asked = "gene (KO instead of WT)", "P(status = case)"
    assert summary_of(analysis).answer.startswith(f"{asked[0]} raises {asked[1]}: the effect is ")
    assert f"Effect of {asked[0]} on {asked[1]}: 0." in repr(analysis)
    words = " ".join(" ".join(Page(analysis.to_html()).words).split())
    assert "status categorical: control, case" in words
    assert f"{format_value(100 * (case | gene).mean())} % case" in words
    told = json.loads(json.dumps(analysis.to_dict(), allow_nan=False))
    (row,) = told["effects"]
    assert row["question"] == f"Effect of {asked[0]} on {asked[1]}"
    assert (row["contrast"], row["outcome"]) == ("gene: KO versus WT", asked[1])
    assert (row["clusters"], row["df"], row["adjusted_for"]) == (30, 29, ["z"])
    assert row["method"].endswith("clustered")
    assert [check["check"] for check in told["challenges"]] == [analysis.challenges[0].name]


def test_json_has_what_instruments_say_of_themselves():
    rng = np.random.default_rng(2)
    hidden, u, v, noise = rng.normal(size=(4, 300))
    t = u + v + hidden + noise
    table = {"u": u, "v": v, "t": t, "y": t + hidden}
    estimand = ck.identify("u -> t -> y; v -> t; t <-> y", "t", "y", strategy="instrument")
    effect = estimand.estimate(table, TwoStageLeastSquares())
    (row,) = json.loads(json.dumps(effect_values(effect, 0.9), allow_nan=False))
    assert row["roles"] == {"instruments": ["u", "v"]}
    details = row["details"]
    assert details["first_stage"]["effective_f"] == effect.details["first_stage"].effective_f
    assert details["overidentification"]["name"] == "Hansen J"
    assert details["endogeneity"]["p_value"] == effect.details["endogeneity"].p_value
    assert (row["lower"], row["upper"]) == tuple(effect.interval(0.9))


def test_json_leaves_out_what_is_about_rows():
    data = {"t": np.arange(200) % 2, "y": np.random.default_rng(3).normal(size=200)}
    effect = OLS(inference=Bootstrap(60, random_state=0)).fit(None, data["y"], t=data["t"]).effect_
    (row,) = effect_values(effect)
    assert "resamples" in effect.details
    assert set(row["details"]) == {"n_coefficients", "covariance", "notes"} & set(effect.details)
    arm = pd.Series(["a", "b", "c"] * 66 + ["a", "b"], dtype="category")
    each = OLS(contrast="each").fit(None, data["y"], t=arm).effect_
    labels = [(row["label"], row["contrast"]) for row in effect_values(each)]
    assert labels == [("b − a", "t: b versus a"), ("c − a", "t: c versus a")]
