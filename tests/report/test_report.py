"""The page stands alone, and the code in it gives the same answer again."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

import causalkit as ck
from causalkit.discovery import PC, Knowledge
from causalkit.estimation import AIPW, OLS, Powers
from causalkit.refutation import DataSubset, PlaceboTreatment

VOID = {"meta", "br", "hr", "img", "link", "input", "path", "use", "rect", "circle", "stop"}


class Page(HTMLParser):
    """Collects tags, text and addresses, and checks that tags close."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [v for k, v in attrs if k in ("src", "href") and v]
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
    assert page.tags.count("svg") == 2
    assert "script" not in page.tags
    assert all(address.startswith("#") for address in page.addresses), "nothing is fetched"
    text = " ".join(" ".join(page.words).split())
    for part in ("Answer", "Graph", "assumed", "Effect", "Challenges", "Data", "Run it again"):
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
