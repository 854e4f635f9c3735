"""Drawings: causes on the left, every mark drawn, nothing on top of anything else."""

from __future__ import annotations

import json
import subprocess
import sys
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch

from causalkit.errors import InputError, UnknownVariableError
from causalkit.graph import ARROW, CIRCLE, CausalGraph, Kind
from causalkit.plotting import GraphStyle, graph_svg, plot_graph
from causalkit.plotting.layout import layered_layout
from tests.strategies import HOSTILE, PLAIN, mixed_graphs

SVG = "{http://www.w3.org/2000/svg}"


def drawn(graph, **options):
    return plot_graph(graph, Figure().add_subplot(), **options)


def patches(ax, label):
    return [patch for patch in ax.patches if patch.get_label() == label]


def boxes(ax, graph):
    """Per node: left, right, bottom, top of its box in data units."""
    found = [(b.get_x(), b.get_x() + b.get_width(), b.get_y(), b.get_y() + b.get_height())
             for b in patches(ax, "_node")]  # fmt: skip
    return dict(zip(graph.nodes, found, strict=True))


def count_marks(graph, mark):
    return int(np.count_nonzero(graph.ends & mark)) + sum(
        len(graph.edges_between(a, b)) == 2
        for k, a in enumerate(graph.nodes)
        for b in graph.nodes[:k]
        if mark == ARROW
    )


@settings(max_examples=25, deadline=None)
@given(mixed_graphs(HOSTILE, max_nodes=8))
def test_every_mark_edge_and_node_is_drawn_once(graph):
    ax = drawn(graph)
    assert len(patches(ax, "_arrow")) == count_marks(graph, ARROW)
    assert len(patches(ax, "_circle")) == count_marks(graph, CIRCLE)
    assert len(patches(ax, "_edge")) == len(graph.edges())
    assert len(patches(ax, "_node")) == len(ax.texts) == len(graph)


def test_bows_are_two_lines_and_hidden_causes_are_dashed():
    ax = drawn(CausalGraph.parse("X -> Y; X <-> Y"))
    solid, dashed = patches(ax, "_edge")
    assert len(patches(ax, "_arrow")) == 3
    assert solid.get_linestyle() in ("solid", "-")
    assert dashed.get_linestyle() not in ("solid", "-")
    assert solid.get_path().vertices.tolist() != dashed.get_path().vertices.tolist()
    assert not patches(drawn(CausalGraph.parse("X -- Y")), "_arrow")


@settings(max_examples=25, deadline=None)
@given(mixed_graphs(PLAIN, max_nodes=9))
def test_causes_stand_to_the_left_and_boxes_keep_apart(graph):
    found = boxes(drawn(graph), graph)
    for edge in graph.edges():
        if edge.symbol == "->":
            assert found[edge.left][1] < found[edge.right][0]
    names = list(found)
    for k, a in enumerate(names):
        for b in names[:k]:
            apart = (
                found[a][0] > found[b][1] or found[b][0] > found[a][1]
                or found[a][2] > found[b][3] or found[b][2] > found[a][3]
            )  # fmt: skip
            assert apart, (a, b)


def assert_lines_avoid_boxes(graph):
    ax = drawn(graph)
    found = boxes(ax, graph)
    for line in patches(ax, "_edge"):
        points = points_on(line)
        for left, right, bottom, top in found.values():
            inside = (points > [left + 0.1, bottom + 0.1]) & (points < [right - 0.1, top - 0.1])
            assert not inside.all(axis=1).any()


def points_on(line: PathPatch):
    """Many points on a path of straight and cubic pieces, by de Casteljau's formula."""
    t = np.linspace(0, 1, 60)[:, None]
    points, here = [], None
    for corners, code in line.get_path().iter_segments(simplify=False):
        corners = corners.reshape(-1, 2)
        if here is not None and code == line.get_path().LINETO:
            points.append(here + t * (corners[0] - here))
        elif here is not None:
            a, b, c = corners
            points.append(
                (1 - t) ** 3 * here + 3 * t * (1 - t) ** 2 * a + 3 * t**2 * (1 - t) * b + t**3 * c
            )
        here = corners[-1]
    return np.vstack(points)


@settings(max_examples=25, deadline=None)
@given(mixed_graphs(PLAIN, max_nodes=9))
def test_no_line_runs_through_a_box(graph):
    assert_lines_avoid_boxes(graph)


@pytest.mark.parametrize("seed", range(3))
def test_no_line_runs_through_a_box_in_large_graphs(seed):
    rng = np.random.default_rng(seed)
    upper = np.triu(rng.random((40, 40)), 1)
    graph = CausalGraph.from_adjacency((upper > 0.94).astype(int))
    assert_lines_avoid_boxes(graph)


def test_names_fit_into_their_boxes():
    names = ["x", "a name of several words that is quite long", "snake_case_name_of_some_length",
             "W" * 60, "iiii", "two\nlines", "$x$"]  # fmt: skip
    graph = CausalGraph.from_edges(names, [])
    figure = Figure(figsize=(12, 8))
    ax = plot_graph(graph, figure.add_axes((0, 0, 1, 1)))
    figure.draw_without_rendering()
    for text, box in zip(ax.texts, patches(ax, "_node"), strict=True):
        inner, outer = text.get_window_extent(), box.get_window_extent()
        assert outer.x0 <= inner.x0
        assert inner.x1 <= outer.x1
        assert outer.y0 <= inner.y0
        assert inner.y1 <= outer.y1


def test_a_diamond_has_no_crossing_and_a_chain_is_straight():
    sizes = np.full((4, 2), 20.0)
    chain = layered_layout(sizes, [(0, 1), (1, 2), (2, 3)], [])
    assert np.ptp(chain.centers[:, 1]) == pytest.approx(0, abs=1e-6)
    diamond = layered_layout(sizes, [(0, 1), (0, 2), (1, 3), (2, 3)], [])
    assert diamond.rank.tolist() == [0, 1, 1, 2]
    assert diamond.centers[0, 1] == pytest.approx(diamond.centers[3, 1], abs=0.5)


def test_an_untangled_order_is_found():
    """Two trees and a ladder can be drawn without crossings; whatever order they are listed in."""
    edges = [(0, 2), (1, 3), (2, 4), (3, 5), (4, 6), (5, 7), (0, 8), (1, 9)]
    rng = np.random.default_rng(0)
    for _ in range(10):
        to = rng.permutation(10)
        graph = CausalGraph.from_edges(range(10), [(int(to[a]), int(to[b])) for a, b in edges])
        lines = [points_on(line) for line in patches(drawn(graph), "_edge")]
        for k, one in enumerate(lines):
            for other in lines[:k]:
                assert np.abs(one[:, None] - other[None]).sum(axis=2).min() > 0.5


def test_the_sachs_network(shared):
    edges = json.loads((shared / "sachs/sachs_consensus.json").read_text())[
        "edges_17_bnlearn_repository"
    ]
    nodes = dict.fromkeys(name for edge in edges for name in edge)
    graph = CausalGraph.from_edges(nodes, map(tuple, edges))
    assert_lines_avoid_boxes(graph)
    assert len(patches(drawn(graph), "_arrow")) == 17


@pytest.mark.parametrize("text", ["", "X", "1; 2; 3", "PAG: A -- B", "A <-> B; B <-> C; A <-> C"])
def test_small_and_scattered_graphs(text):
    graph = CausalGraph.parse(text)
    ET.fromstring(graph_svg(graph))
    assert_lines_avoid_boxes(graph)


# --- SVG ----------------------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(mixed_graphs(HOSTILE, max_nodes=5))
def test_svg_is_one_element_and_the_same_at_every_call(graph):
    text = graph_svg(graph)
    assert text == graph_svg(graph) == graph._repr_svg_()
    assert ET.fromstring(text).tag == f"{SVG}svg"


def test_svg_keeps_names_as_text():
    names = ["X", "7", "$x_1$", "<b> & </b>", "漢字"]
    root = ET.fromstring(graph_svg(CausalGraph.from_edges(names, [])))
    assert [text.text for text in root.iter(f"{SVG}text")] == names


def test_svg_differs_between_processes_in_nothing():
    code = (
        "from causalkit.graph import CausalGraph; from causalkit.plotting import graph_svg;"
        "import hashlib; g = CausalGraph.parse('A o-> B; C o-> B; B -> D; D <-> E');"
        "print(hashlib.sha256(graph_svg(g).encode()).hexdigest())"
    )
    runs = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
        for _ in range(2)
    }
    assert len(runs) == 1


def test_svg_leaves_pyplot_alone():
    code = (
        "import sys; from causalkit.graph import CausalGraph;"
        "CausalGraph.parse('A -> B')._repr_svg_(); print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_notebook_shows_very_large_graphs_as_text():
    assert CausalGraph.from_edges(range(200), [])._repr_svg_() is None


# --- axes, roles, style, files ------------------------------------------------------------------


def test_a_figure_of_its_own_has_the_natural_size():
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    ax = CausalGraph.parse("X -> Y").plot()
    try:
        assert ax is plt.gca()
        width = ax.get_xlim()[1] - ax.get_xlim()[0]
        assert ax.figure.get_figwidth() * 72 == pytest.approx(width)
    finally:
        plt.close("all")


def test_names_scale_with_the_axes():
    sizes = []
    for inches in (2, 6):
        figure = Figure(figsize=(inches, inches))
        ax = plot_graph(CausalGraph.parse("X -> Y"), figure.add_axes((0, 0, 1, 1)))
        figure.draw_without_rendering()
        sizes.append(ax.texts[0].get_fontsize())
    assert sizes[1] == pytest.approx(3 * sizes[0])


def test_roles_are_coloured():
    from matplotlib.colors import to_rgba

    graph = CausalGraph.parse("Z -> X -> Y; Z -> Y; W")
    ax = drawn(graph, treatment="X", outcome="Y", adjustment=["Z"], treatment_color="#ff0000")
    fills = dict(zip(graph.nodes, (p.get_facecolor() for p in patches(ax, "_node")), strict=True))
    style = GraphStyle()
    assert fills == {
        "Z": to_rgba(style.adjustment_color), "X": to_rgba("#ff0000"),
        "Y": to_rgba(style.outcome_color), "W": to_rgba(style.node_color),
    }  # fmt: skip


def test_wrong_roles_and_styles():
    graph = CausalGraph.parse("X -> Y")
    with pytest.raises(UnknownVariableError, match="'Q'"):
        drawn(graph, treatment="Q")
    with pytest.raises(InputError, match="colour is no style"):
        drawn(graph, colour="red")


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_pictures_are_saved_and_do_not_change(tmp_path, suffix):
    graph = CausalGraph.parse("X o-> Y; Y <-> Z")
    assert graph.kind is Kind.PAG
    one, two = tmp_path / f"one{suffix}", tmp_path / f"two{suffix}"
    graph.save(one)
    graph.save(str(two))
    assert one.read_bytes() == two.read_bytes()
    assert len(one.read_bytes()) > 500
