"""Edges drawn by how sure they are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_rgb, to_rgba
from matplotlib.figure import Figure

from causalkit.discovery.resampling.edge_frequencies import count_edges
from causalkit.errors import InputError
from causalkit.graph import CausalGraph
from causalkit.plotting import graph_svg, plot_graph
from causalkit.plotting._confidence import shade

GRAPH = CausalGraph.parse("a -> b; b -> c; a -> c")


def lines(confidence, graph=GRAPH):
    ax = plot_graph(graph, Figure().add_subplot(), confidence=confidence)
    return ax, [patch for patch in ax.patches if patch.get_label() == "_edge"]


def lightness(color):
    return float(np.array(to_rgb(color)) @ [0.2126, 0.7152, 0.0722])


@given(st.floats(0, 1), st.floats(0, 1))
def test_surer_is_never_lighter(one, other):
    low, high = sorted((one, other))
    assert lightness(shade(low)) >= lightness(shade(high))


def test_surer_edges_are_wider_and_darker():
    shares = {("a", "b"): 0.2, ("c", "b"): 0.6, ("a", "c"): 1.0}  # either way round
    _, drawn = lines(shares)
    by_width = sorted(drawn, key=lambda line: line.get_linewidth())
    shown = [lightness(line.get_edgecolor()) for line in by_width]
    assert shown == sorted(shown, reverse=True)
    assert len({line.get_linewidth() for line in drawn}) == 3


def test_frequencies_give_darkness_by_the_pair_and_width_by_the_edge():
    turned = CausalGraph.parse("b -> a; b -> c; a -> c").reordered(GRAPH.nodes)
    frequencies = count_edges(GRAPH, [GRAPH.ends, turned.ends])
    ax, drawn = lines(frequencies)
    assert len({line.get_linewidth() for line in drawn}) == 2
    assert {line.get_edgecolor() for line in drawn} == {to_rgba(shade(1.0))}  # all always joined
    own = frequencies.plot(Figure().add_subplot())
    assert len(own.patches) == len(ax.patches)
    assert "how often joined; wide: this way" in [text.get_text() for text in own.texts]


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 12))
def test_the_scale_lies_below_the_nodes_and_within_the_axes(n):
    graph = CausalGraph.from_edges(range(n), [(k, k + 1) for k in range(n - 1)])
    ax, _ = lines({(k, k + 1): 0.5 for k in range(n - 1)}, graph)
    bars = [patch for patch in ax.patches if patch.get_label() == "_scale"]
    nodes = [patch for patch in ax.patches if patch.get_label() == "_node"]
    assert max(b.get_y() + b.get_height() for b in bars) < min(node.get_y() for node in nodes)
    (left, right), (bottom, _) = ax.get_xlim(), ax.get_ylim()
    assert all(left <= b.get_x() and b.get_x() + b.get_width() <= right for b in bars)
    assert all(bottom <= text.get_position()[1] for text in ax.texts)


def test_without_confidence_nothing_changes():
    ax, _ = lines(None)
    assert not [patch for patch in ax.patches if patch.get_label() == "_scale"]
    assert "confidence" in graph_svg(GRAPH, confidence=dict.fromkeys([*"x"], 1.0) | _all_sure())


def _all_sure():
    return {(edge.left, edge.right): 1.0 for edge in GRAPH.edges()}


@pytest.mark.parametrize("wrong", [{}, {("a", "b"): 2.0}, {("a", "b"): "high"}, 0.7, "high"])
def test_what_is_no_confidence_is_refused(wrong):
    with pytest.raises(InputError):
        lines(wrong)
