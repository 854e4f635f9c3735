"""Drawings of series: every edge once in full, no line through a node, no lags on top of others."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from causalkit.errors import InputError, UnknownVariableError
from causalkit.graph import ARROW, CIRCLE, Lagged, LaggedGraph
from causalkit.graph.marks import SYMBOLS
from causalkit.plotting import (
    GraphStyle,
    graph_svg,
    plot_convergence,
    plot_lagged_graph,
    plot_summary_graph,
)
from causalkit.plotting._canvas import points_along
from causalkit.plotting._lagged_drawing import LaggedDrawing, _along
from causalkit.plotting._summary_drawing import SummaryDrawing, _lags_of, _reading_order

SVG = "{http://www.w3.org/2000/svg}"
PALE = GraphStyle().faint_color


def patches(ax, label):
    return [patch for patch in ax.patches if patch.get_label() == label]


def strong(ax, label):
    found = patches(ax, label)
    return [patch for patch in found if to_hex(patch.get_edgecolor()) != PALE]


@st.composite
def lagged_graphs(draw, max_series=6, max_lag=4):
    p, longest = draw(st.integers(1, max_series)), draw(st.integers(0, max_lag))
    names = draw(
        st.lists(st.text(min_size=1, max_size=12), min_size=p, max_size=p, unique=True)
        if draw(st.booleans())
        else st.just([f"S{k}" for k in range(p)])
    )
    cells = [(i, lag, j) for i in range(p) for lag in range(longest + 1) for j in range(p)]
    chosen = draw(st.lists(st.sampled_from(cells), max_size=12, unique=True))
    edges = [(Lagged(names[i], lag), Lagged(names[j])) for i, lag, j in chosen if lag > 0 or i < j]
    return LaggedGraph(names, edges)


@settings(max_examples=30, deadline=None)
@given(lagged_graphs())
def test_each_edge_stands_at_each_step_where_it_fits(graph):
    ax = plot_lagged_graph(graph, Figure().add_subplot())
    steps = max((edge.left.lag for edge in graph.edges()), default=0)
    assert len(patches(ax, "_node")) == len(graph.variables) * (steps + 1)
    assert len(strong(ax, "_edge")) == len(graph.edges())
    copies = sum(steps - edge.left.lag + 1 for edge in graph.edges())
    assert len(patches(ax, "_edge")) == len(patches(ax, "_arrow")) == copies
    assert len(ax.texts) == len(graph.variables) + steps + 1


@settings(max_examples=30, deadline=None)
@given(lagged_graphs(max_series=5, max_lag=3))
def test_no_line_runs_through_a_node(graph):
    window = max((edge.left.lag for edge in graph.edges()), default=0)
    drawing = LaggedDrawing(graph, GraphStyle(), window)
    places = {
        (i, lag): drawing.place(i, lag)
        for i in range(len(graph.variables))
        for lag in range(window + 1)
    }
    _, right, bottom, top = drawing.limits()
    for curve in drawing.curves:
        points = _along(drawing.place(*curve.start), curve.control, drawing.place(*curve.end))
        for node, place in places.items():
            if node not in (curve.start, curve.end):
                assert np.linalg.norm(points - place, axis=1).min() > 5.5
        assert points[:, 0].max() <= right
        assert points[:, 1].max() <= top
        assert points[:, 1].min() >= bottom


def test_no_line_leaves_the_picture():
    links = "; ".join(f"{a}[t-{k}] -> {b}[t]" for k in (1, 2, 3) for a in "ABC" for b in "ABC")
    drawing = LaggedDrawing(LaggedGraph.parse(links), GraphStyle(), 3, None)
    left, right, bottom, top = drawing.limits()
    lines = np.concatenate([_along(*drawing._points(curve, 0)) for curve in drawing.curves])
    assert left < lines[:, 0].min() < lines[:, 0].max() < right
    assert bottom < lines[:, 1].min() < lines[:, 1].max() < top


def test_marks_of_all_kinds():
    pag = LaggedGraph.parse("X[t-1] o-> Y[t]; Y[t] o-o Z[t]; X[t-1] -> X[t]; Z[t-1] <-> X[t]")
    ax = plot_lagged_graph(pag, Figure().add_subplot())
    marks = [mark for edge in pag.edges() for mark in SYMBOLS[edge.symbol]]
    copies = 1 + 1  # the edge within a step stands at both
    assert len(patches(ax, "_circle")) == marks.count(CIRCLE) - 2 + 2 * copies
    assert len(patches(ax, "_arrow")) == marks.count(ARROW)
    dashed = [edge for edge in patches(ax, "_edge") if edge.get_linestyle() != "solid"]
    assert len(dashed) == 1
    cpdag = LaggedGraph.parse("X[t-1] -> Y[t] -- Z[t]")
    assert len(patches(plot_lagged_graph(cpdag, Figure().add_subplot()), "_arrow")) == 1


def test_roles_windows_and_strengths():
    graph = LaggedGraph.parse("X[t-1] -> Y[t]; X[t] -> Z[t]")
    ax = plot_lagged_graph(
        graph, Figure().add_subplot(), window=3, treatment=("X", 2), outcome="Y",
        adjustment=["X[t-3]", Lagged("Z", 1)],
    )  # fmt: skip
    look = GraphStyle()
    fills = [to_hex(node.get_facecolor()) for node in patches(ax, "_node")]
    assert len(fills) == 12
    assert fills[2] == look.treatment_color
    assert fills[4] == look.outcome_color
    assert fills[3] == fills[9] == look.adjustment_color
    strengths = np.full((2, 3, 3), np.nan)
    strengths[1, 0, 1], strengths[0, 0, 2] = 0.8, -0.4
    ax = plot_lagged_graph(graph, Figure().add_subplot(), strengths=strengths)
    within, lagged = strong(ax, "_edge")
    assert lagged.get_linewidth() > within.get_linewidth()
    (red, _, blue, _), (red_2, _, blue_2, _) = lagged.get_edgecolor(), within.get_edgecolor()
    assert blue > red
    assert red_2 > blue_2
    assert "strength" in [text.get_text() for text in ax.texts]


def test_what_a_lagged_drawing_refuses():
    graph = LaggedGraph.parse("X[t-1] -> Y[t]")
    with pytest.raises(InputError, match="window=4"):
        graph.plot(Figure().add_subplot(), outcome="X[t-4]")
    with pytest.raises(UnknownVariableError):
        graph.plot(Figure().add_subplot(), outcome="W")
    with pytest.raises(InputError, match="no style"):
        graph.plot(Figure().add_subplot(), colour="red")
    for wrong in (np.ones((2, 2)), np.ones((1, 2, 2)), [["a"]], np.ones((2, 3, 3))):
        with pytest.raises(InputError, match="shape"):
            graph.plot(Figure().add_subplot(), strengths=wrong)
    with pytest.raises(InputError, match="window"):
        graph.plot(Figure().add_subplot(), window=-1)


# --- summary graphs -------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(lagged_graphs())
def test_a_summary_shows_each_link_with_its_lags(lagged):
    graph = lagged.summary_graph()
    ax = plot_summary_graph(graph, Figure().add_subplot())
    links = [link for link in graph.links if link.left != link.right]
    loops = [link for link in graph.links if link.left == link.right]
    assert len(patches(ax, "_edge")) == len(patches(ax, "_arrow")) == len(links)
    assert len(patches(ax, "_node")) == len(graph.variables)
    texts = [text.get_text() for text in ax.texts]
    assert len(texts) == len(graph.variables) + len(loops) + len(links)
    assert sorted(texts[len(texts) - len(links) :]) == sorted(map(_lags_of, links))


@settings(max_examples=30, deadline=None)
@given(lagged_graphs(max_series=5, max_lag=2))
def test_lags_stand_on_their_own_line_and_apart(lagged):
    drawing = SummaryDrawing(lagged.summary_graph(), GraphStyle())
    tags = drawing._tags()
    for number, tag in enumerate(tags):
        course = points_along(drawing._line(number).path)
        assert np.linalg.norm(course - tag.center, axis=1).min() < 4.0
        for other in tags[:number]:
            apart = np.abs(tag.center - other.center)
            assert (apart > tag.half + other.half - 0.5).any()


def test_few_links_run_backwards():
    graph = LaggedGraph.parse(
        "A[t-1] -> B[t]; B[t-1] -> C[t]; C[t-1] -> D[t]; D[t-1] -> B[t]; A[t-1] -> D[t]"
    ).summary_graph()
    where = {name: k for k, name in enumerate(graph.variables)}
    place = _reading_order(graph.links, where)
    back = [x for x in graph.links if place[where[x.left]] > place[where[x.right]]]
    assert [str(link) for link in back] in (["D -> B (1)"], ["C -> D (1)"], ["B -> C (1)"])
    acyclic = LaggedGraph.parse("C[t-1] -> B[t]; B[t-1] -> A[t]; C[t-1] -> A[t]").summary_graph()
    order = _reading_order(acyclic.links, {name: k for k, name in enumerate(acyclic.variables)})
    assert [acyclic.variables[k] for k in np.argsort(order)] == ["C", "B", "A"]


def test_ranges_of_lags_loops_and_both_directions():
    text = "X[t-1] -> X[t]; X[t-2] -> X[t]; X[t-1] -> Y[t]; X[t-2] -> Y[t]; X[t-3] -> Y[t]; "
    graph = LaggedGraph.parse(text + "X[t-5] -> Y[t]; Y[t-4] -> X[t]").summary_graph()
    ax = graph.plot(Figure().add_subplot(), treatment="X")
    assert [text.get_text() for text in ax.texts] == ["X", "Y", "↻ 1, 2", "1–3, 5", "4"]
    assert to_hex(patches(ax, "_node")[0].get_facecolor()) == GraphStyle().treatment_color
    with pytest.raises(UnknownVariableError):
        graph.plot(Figure().add_subplot(), treatment="Z")
    scores = np.array([[0.0, 0.9], [0.1, 0.0]])
    wide, narrow = patches(graph.plot(Figure().add_subplot(), strengths=scores), "_edge")
    assert wide.get_linewidth() > narrow.get_linewidth()
    lags = np.zeros((6, 2, 2))
    lags[5, 0, 1] = -0.9
    assert "−0.9" in [
        x.get_text() for x in graph.plot(Figure().add_subplot(), strengths=lags).texts
    ]
    with pytest.raises(InputError, match="shape"):
        graph.plot(Figure().add_subplot(), strengths=np.ones((3, 2, 2)))


def test_notebooks_show_a_drawing():
    graph = LaggedGraph.parse("X[t-1] -> Y[t]; Y[t-2] -> X[t]")
    for one in (graph, graph.summary_graph()):
        text = one._repr_svg_()
        assert text == graph_svg(one)
        assert {"X", "Y"} <= {"".join(node.itertext()) for node in ET.fromstring(text).iter()}
    assert LaggedGraph([str(k) for k in range(60)], max_lag=1)._repr_svg_() is None
    assert LaggedGraph([], []).summary_graph()._repr_svg_() is not None
    assert graph.plot().figure.get_size_inches()[0] > 1
    import matplotlib.pyplot as plt

    plt.close("all")


# --- convergence ----------------------------------------------------------------------------------


def test_convergence_draws_lines_bands_and_names():
    from causalkit.discovery.series.cross_mapping.convergence import CrossMapConvergence

    skill = np.full((3, 3, 3), np.nan)
    for k, (i, j) in enumerate([(0, 1), (1, 0), (0, 2)]):
        skill[:, i, j] = np.array([0.1, 0.2, 0.3]) + 0.001 * k
    p_values = np.full((3, 3), 0.5)
    p_values[0, 1] = 0.01
    threshold = np.full((3, 3), 0.2)
    sizes = np.array([10, 50, 100])
    names = ("a", "b", "$c")
    curves = CrossMapConvergence(
        names, sizes, skill, skill - 0.05, skill + 0.05, threshold, p_values, p_values, 0.05
    )
    ax = curves.plot(Figure().add_subplot())
    texts = {text.get_text(): text for text in ax.texts}
    assert set(texts) == {"a → b", "b → a", "a → $c"}
    heights = sorted(text.get_position()[1] for text in ax.texts)
    assert np.diff(heights).min() > 0.01
    solid = [
        line for line in ax.lines if len(line.get_xdata()) == 3 and line.get_linestyle() == "-"
    ]
    assert len(solid) == 1
    only = plot_convergence(curves, Figure().add_subplot(), pairs=[("b", "a")], linewidth=5)
    assert len(only.texts) == 1
    assert only.lines[0].get_linewidth() == 5
    with pytest.raises(InputError, match="pair"):
        curves.plot(Figure().add_subplot(), pairs=["ab"])
    with pytest.raises(UnknownVariableError):
        curves.plot(Figure().add_subplot(), pairs=[("a", "z")])
    assert len(curves.to_frame()) == 9
