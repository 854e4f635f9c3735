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
from causalkit.estimation import AIPW, OLS, Powers
from causalkit.refutation import Challenges, DataSubset, DummyOutcome, PlaceboTreatment
from causalkit.report.interval_picture import Bar, draw_intervals
from causalkit.report.summary import summary_of

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
        checks=[PlaceboTreatment(n_simulations=20), DataSubset(n_simulations=20)],
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


def test_a_certificate_is_shown_where_there_is_one():
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    data = pd.DataFrame({"x": x, "y": x + rng.normal(size=200)})
    graph = ck.CausalGraph.parse("x -> y")
    analysis = ck.analyze(data, "x", "y", graph=graph, estimator=OLS(), checks=[])
    certificate = ck.certify(analysis, data, twins=2, replicates=3)
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
    assert page.count('role="img"') == 3
    assert '<title id="intervals-title">Intervals for the effect of t on y</title>' in page
    own = page[page.index("<h3>Decisions") : page.index("<h3>Graph")]
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
    assert "searches" in summary.sureness[0] or "search" in summary.sureness[0]


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
