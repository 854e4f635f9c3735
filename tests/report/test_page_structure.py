"""The page can be heard, walked through with a keyboard, and read on a phone and on paper."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pytest

import causalkit as ck
from causalkit.estimation import OLS
from causalkit.graph import CausalGraph, LaggedGraph
from causalkit.plotting import GraphStyle, focus_on, graph_svg
from causalkit.report.pictures import as_part_of_a_page, responsive_graph

VOID = {"meta", "br", "hr", "img", "link", "input"}


class Tree(HTMLParser):
    """Elements as (tag, attributes, text, tags around it), in the order in which they are read."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[dict] = []
        self.open: list[dict] = []
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag, attrs, closed=False):
        around = tuple(element["tag"] for element in self.open)
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), (tag, names)
        element = {"tag": tag, "around": around, "text": "", **dict(attrs)}
        element["parent"] = self.open[-1] if self.open else None
        self.elements.append(element)
        if tag not in VOID and not closed:
            self.open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs, closed=True)

    def handle_endtag(self, tag):
        assert self.open.pop()["tag"] == tag

    def handle_data(self, data):
        for element in self.open:
            element["text"] += data

    def all(self, *tags):
        return [element for element in self.elements if element["tag"] in tags]


def above(element):
    """Elements around this one."""
    while element["parent"] is not None:
        element = element["parent"]
        yield element


def table(graph, n=200):
    rng = np.random.default_rng(0)
    columns = {}
    for k in graph.order:
        name = graph.nodes[k]
        causes = sum((columns[cause] for cause in sorted(graph.parents(name))), np.zeros(n))
        columns[name] = 0.5 * causes + rng.normal(size=n)
    return {name: columns[name] for name in graph.nodes}


def large_graph():
    """Forty variables: a chain with common causes, and much that follows from its end."""
    edges = [(f"x{k}", f"x{k + 1}") for k in range(9)] + [("c <1>", "x3"), ("c <1>", "x9")]
    edges += [("x9", f'y "{k}"') for k in range(29)]
    return CausalGraph.from_edges(dict.fromkeys(name for edge in edges for name in edge), edges)


@pytest.fixture(scope="module")
def large():
    graph = large_graph()
    return ck.analyze(table(graph), "x3", "x9", graph=graph, estimator=OLS(), checks=[])


@pytest.fixture(scope="module")
def series():
    rng = np.random.default_rng(0)
    data = dict(zip("xyz", rng.normal(size=(3, 80)), strict=True))
    graph = LaggedGraph.parse("x[t-1] -> y[t]; z[t-1] -> y[t]; z[t-1] -> x[t]")
    return ck.analyze(data, "x[t-1]", "y", graph=graph, estimator=OLS(), checks=[])


@pytest.fixture(scope="module", params=["large", "series"])
def tree(request):
    return Tree(request.getfixturevalue(request.param).to_html())


def test_ids_are_unique_and_all_that_is_pointed_at_is_there(tree):
    ids = Counter(element["id"] for element in tree.elements if "id" in element)
    assert set(ids.values()) == {1}
    for element in tree.elements:
        for key in ("aria-labelledby", "aria-describedby"):
            assert set(element.get(key, "").split()) <= ids.keys()
        for key in ("href", "src"):
            target = element.get(key, "#technical")
            assert target.startswith("#"), "nothing is fetched"
            assert target[1:] in ids
    page = "".join(f"{element.get('style', '')} {element['text']}" for element in tree.elements)
    assert set(re.findall(r"url\(#([^)]+)\)", page)) <= ids.keys()
    assert not re.search(r"url\((?!#)|@import", page)
    assert not tree.all("script", "link", "iframe", "img", "object")


def test_headings_landmarks_and_the_language(tree):
    levels = [int(heading["tag"][1]) for heading in tree.all("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    (page,) = tree.all("html")
    assert page["lang"] == "en"
    assert len(tree.all("main")) == 1
    assert all(nav["aria-label"] for nav in tree.all("nav"))
    assert all("aria-labelledby" in section for section in tree.all("section"))
    first = next(element for element in tree.elements if element["tag"] == "a")
    assert first["href"] == "#technical"
    anchors = [a["href"][1:] for a in tree.all("a") if "nav" in a["around"]]
    headings = [h["id"] for h in tree.all("h3") if "id" in h]
    assert anchors == headings


def test_tables_have_captions_and_heads(tree):
    tables = tree.all("table")
    assert len(tables) == len(tree.all("caption"))
    assert all(caption["text"].strip() for caption in tree.all("caption"))
    assert all(head.get("scope") in ("col", "row") for head in tree.all("th"))
    wide = [t for t in tables if "facts" not in t.get("class", "")]
    for one in wide:
        assert "scroll" in one["parent"]["class"]


def test_what_scrolls_can_be_reached_and_has_a_name(tree):
    boxes = [e for e in tree.elements if "scroll" in (e.get("class") or "") or e["tag"] == "pre"]
    assert boxes
    for box in boxes:
        assert (box["role"], box["tabindex"]) == ("region", "0")
        assert box["aria-label"].strip()


def test_pictures_have_a_name_and_words(tree):
    for svg in tree.all("svg"):
        labels = svg["aria-labelledby"].split()
        inside = {e["id"]: e["text"] for e in tree.elements if e.get("id") in labels}
        assert all(text.strip() for text in inside.values())
        assert svg["role"] in ("img", "group")
        if svg["role"] == "img":
            assert not any("tabindex" in e for e in tree.elements if svg in above(e))


def test_a_large_graph_is_shown_in_part_with_all_of_it_at_hand(large):
    page = large.to_html()
    found = focus_on(large.graph, "x3", "x9", keep=large.estimand.adjustment)
    assert len(found.left_out) == 29
    tree = Tree(page)
    text = " ".join(" ".join(element["text"].split()) for element in tree.all("figcaption"))
    assert found.sentence in text
    (left,) = (p["text"] for p in tree.all("p") if p["text"].startswith("Left out"))
    assert left == f"Left out: {', '.join(found.left_out)}."
    boxes = Counter(
        element["aria-label"].split(":")[0].split(",")[0]
        for element in tree.all("g")
        if element.get("tabindex") == "0"
    )
    assert boxes == Counter([*found.graph.nodes, *large.graph.nodes])
    formats = {h["text"] for h in tree.all("h4") if "details" in h["around"]}
    assert formats == {"Edges", "DOT", "Mermaid", "JSON"}
    texts = [pre["text"] for pre in tree.all("pre") if "details" in pre["around"]]
    assert texts[0] == large.graph.to_text()
    assert texts[1:3] == [large.graph.to_dot(), large.graph.to_mermaid()]
    assert CausalGraph.from_json(texts[3]) == large.graph


def test_of_many_series_those_are_shown_that_bear_on_the_effect():
    rng = np.random.default_rng(0)
    names = [f"s{k}" for k in range(14)]
    data = dict(zip(names, rng.normal(size=(14, 60)), strict=True))
    text = "; ".join(f"s{k}[t-1] -> s{k + 1}[t]" for k in range(13))
    graph = LaggedGraph.parse(text)
    analysis = ck.analyze(data, "s2[t-1]", "s3", graph=graph, estimator=OLS(), checks=[])
    page = analysis.to_html()
    assert "10 of 14 series are left out" in page
    assert "Left out: s4, s5, s6, s7, s8, s9, s10, s11, s12, s13." in page
    tree = Tree(page)
    part, whole = (svg for svg in tree.all("svg") if "by steps" in svg["text"])
    written = [
        {e["text"] for e in tree.all("text") if svg in above(e)} & set(names)
        for svg in (part, whole)
    ]
    assert written == [set(names[:4]), set(names)]


def test_a_touched_node_leaves_its_own_edges_and_neighbours():
    graph = CausalGraph.parse("PAG: A o-> B; C <-> B; C -- D; E")
    roles = {"treatment": ("A",), "outcome": ("B",), "adjustment": ()}
    svg = responsive_graph(graph, roles, name="g", title="Graph")
    tree = Tree(svg)
    said = [e["aria-label"] for e in tree.all("g") if "tabindex" in e]
    assert said == [
        "A, treatment: causes, or shares a hidden cause with, B",
        "B, outcome: is caused by, or shares a hidden cause with, A; shares a hidden cause with C",
        "C: shares a hidden cause with B; is joined, without an arrow, to D",
        "D: is joined, without an arrow, to C",
        "E: joined to nothing",
    ]
    classes = [set((e.get("class") or "").split()) for e in tree.all("g")]
    edges = {frozenset(found - {"edge"}) for found in classes if "edge" in found}
    assert edges == {frozenset(pair) for pair in (("n0", "n1"), ("n1", "n2"), ("n2", "n3"))}
    (style,) = tree.all("style")
    rules = style["text"].split("\n")
    assert len(rules) == len(graph)
    assert rules[1].startswith("#g:has(.node.n1:is(:hover,:focus)) :is(.edge:not(.n1),")
    near = re.search(r"\.node:not\(([^)]*)\)", rules[1])[1]
    assert near == ".n1,.n0,.n2"


def test_pictures_share_no_ids_and_no_style():
    svg = graph_svg(CausalGraph.parse("A o-> B"))
    page = "".join(
        as_part_of_a_page(svg, name=name, title="<a>", text="b & c") for name in ("p", "q")
    )
    tree = Tree(page)
    ids = [element["id"] for element in tree.elements if "id" in element]
    assert len(ids) == len(set(ids))
    assert not tree.all("style", "metadata")
    assert [title["text"] for title in tree.all("title")] == ["<a>", "<a>"]
    assert "xlink" not in page


def test_names_that_no_format_can_tell_apart_do_not_stop_the_page():
    graph = CausalGraph.from_edges([1, "1", "y"], [(1, "1"), ("1", "y")])
    analysis = ck.analyze(table_of(graph), "1", "y", graph=graph, estimator=OLS(), checks=[])
    assert "which are one name in Graphviz" in analysis.to_html()


def table_of(graph):
    rng = np.random.default_rng(1)
    return dict(zip(graph.nodes, rng.normal(size=(len(graph), 100)), strict=True))


# --- colours and paper ----------------------------------------------------------------------------


def contrast(one: str, other: str) -> float:
    """Ratio of luminances, as the Web Content Accessibility Guidelines define it."""
    light = []
    for color in (one, other):
        rgb = np.array([int(color[k : k + 2], 16) for k in (1, 3, 5)]) / 255
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        light.append(float(linear @ [0.2126, 0.7152, 0.0722]))
    low, high = sorted(light)
    return (high + 0.05) / (low + 0.05)


def test_words_and_lines_stand_out(series):
    (style, *_) = Tree(series.to_html()).all("style")
    colors = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", style["text"]))
    grounds = ("#ffffff", colors["page"], colors["warm"])
    for ground in grounds:
        assert min(contrast(colors[c], ground) for c in ("ink", "quiet", "accent")) >= 4.5
    assert min(contrast(colors[c], "#ffffff") for c in ("good", "bad", "unsure")) >= 4.5
    look = GraphStyle()
    for fill in (look.node_color, look.treatment_color, look.outcome_color, look.adjustment_color):
        assert contrast(look.text_color, fill) >= 7
    for line in (look.border_color, look.edge_color, look.hidden_color):
        assert contrast(line, look.ground_color) >= 3


def test_paper_has_rules_of_its_own(series):
    (style, *_) = Tree(series.to_html()).all("style")
    paper = style["text"].split("@media print")[1]
    assert re.search(r"tr, figure, pre[^{]*\{ break-inside: avoid", paper)
    assert re.search(r"thead \{ display: table-header-group", paper)
    assert re.search(r"nav, \.skip \{ display: none", paper)
