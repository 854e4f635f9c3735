"""A drawing that leaves nodes out still has every path that is, or could be made, open."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from causalkit.errors import InputError, UnknownVariableError
from causalkit.graph import (
    ARROW,
    CausalGraph,
    Kind,
    Lagged,
    dag_to_cpdag,
    dag_to_mag,
    mag_to_pag,
)
from causalkit.graph.lagged import as_lagged
from causalkit.graph.marks import SYMBOLS
from causalkit.plotting import focus_on, graph_svg, plot_graph
from tests.strategies import lagged_graphs

NAMES = st.sampled_from("ABCDEFGH")


def open_paths(graph, start, end, given):
    """Nodes of each path from `start` to `end` that `given` leaves open, by trying all."""
    above = graph.ancestors(sorted(given)) if given else frozenset()
    steps = {name: [] for name in graph.nodes}
    for edge in graph.edges():
        left, right = SYMBOLS[edge.symbol]
        steps[edge.left].append((edge.right, left, right))
        steps[edge.right].append((edge.left, right, left))

    def go(path, into):
        here = path[-1]
        if here == end:
            yield set(path)
            return
        for there, at_here, at_there in steps[here]:
            if there in path:
                continue
            collides = into == ARROW and at_here == ARROW
            if len(path) > 1 and (here not in above if collides else here in given):
                continue
            yield from go([*path, there], at_there)

    return list(go([start], None))


def sparse(rng, latent=True):
    """Seven or eight nodes with few edges, so that many hang on one other node."""
    names = rng.permutation(list("ABCDEFGH"))[: rng.integers(7, 9)].tolist()
    pairs = [(a, b) for k, a in enumerate(names) for b in names[k + 1 :]]
    edges = [(a, b, "->") for a, b in pairs if rng.random() < 0.28]
    edges += [(a, b, "<->") for a, b in pairs if latent and rng.random() < 0.1]
    return CausalGraph.from_edges(sorted(names), edges)


def check(graph, whole, rng):
    """Every open path of `graph`, given some of the nodes kept of `whole`, is kept."""
    start, end, *others = rng.permutation(whole.nodes).tolist()
    keep = others[: rng.integers(3)]
    found = focus_on(whole, start, end, keep=keep, max_nodes=int(rng.choice([1, 30])))
    kept = set(found.graph.nodes)
    assert {start, end, *keep} <= kept
    assert found.graph == whole.subgraph(kept)
    assert set(found.left_out) == set(whole.nodes) - kept
    assert bool(found.sentence) == bool(found.left_out)
    rest = sorted(kept - {start, end})
    for given_too in (set(), set(keep), {name for name in rest if rng.random() < 0.4}):
        for path in open_paths(graph, start, end, given_too):
            assert path <= kept, (str(whole), start, end, keep, path)


def test_all_open_paths_are_kept():
    rng = np.random.default_rng(0)
    for _ in range(150):
        graph = sparse(rng)
        check(graph, graph, rng)


def test_all_open_paths_of_every_member_are_kept():
    rng = np.random.default_rng(1)
    for _ in range(30):
        dag = sparse(rng, latent=False)
        cpdag = dag_to_cpdag(dag)
        check(dag, cpdag, rng)
        hidden, selected = dag.nodes[:2], dag.nodes[2 : rng.integers(2, 4)]
        mag = dag_to_mag(dag, latent=hidden, selection=selected)
        check(mag, mag, rng)
        if not selected:
            check(mag, mag_to_pag(mag), rng)


@settings(max_examples=25, deadline=None)
@given(lagged_graphs(NAMES, kinds=(Kind.DAG, Kind.ADMG), max_lag=2), st.data())
def test_of_series_all_ancestors_at_any_step_are_kept(graph, data):
    cause = Lagged(data.draw(st.sampled_from(graph.variables)), 1)
    effect = Lagged(data.draw(st.sampled_from(graph.variables)))
    found = focus_on(graph, cause, effect)
    kept = found.graph.variables
    assert found.left_out == tuple(name for name in graph.variables if name not in kept)
    inside = {e for e in graph.edges() if {e.left.name, e.right.name} <= set(kept)}
    assert set(found.graph.edges()) == inside
    assert (found.graph.kind, found.graph.max_lag) == (graph.kind, graph.max_lag)
    above = graph.unroll(4 * len(graph.variables)).ancestors([cause, effect])
    assert {node.name for node in map(as_lagged, above)} == set(kept)


def test_what_hangs_on_one_variable_goes_where_ancestors_are_many():
    graph = CausalGraph.parse("A -> B -> X -> Y; Z -> X; Z -> Y; C -> Y; Y -> D")
    assert set(focus_on(graph, "X", "Y").left_out) == {"D"}
    few = focus_on(graph, "X", "Y", max_nodes=4)
    assert set(few.graph.nodes) == {"X", "Y", "Z"}
    assert few.sentence.startswith("4 of 7 variables are left out: no path between X and Y")
    assert set(focus_on(graph, "X", "Y", keep="A", max_nodes=4).left_out) == {"B", "C", "D"}
    assert focus_on(CausalGraph.parse("X -> Y"), "X", "Y").sentence == ""


def test_bad_questions():
    graph = CausalGraph.parse("X -> Y")
    with pytest.raises(UnknownVariableError):
        focus_on(graph, "X", "Q")
    with pytest.raises(InputError, match="no treatment or no outcome"):
        plot_graph(graph, Figure().add_subplot(), focus=True)
    with pytest.raises(InputError, match="max_nodes"):
        focus_on(graph, "X", "Y", max_nodes=0)


def forty():
    """A chain of ten causes, and thirty effects of its end; names are integers, zero too."""
    chain = list(pairwise(range(10)))
    return CausalGraph.from_edges(range(40), [*chain, *product([9], range(10, 40))])


def test_a_large_graph_is_drawn_in_part_and_says_so():
    def shown(**options):
        ax = plot_graph(forty(), Figure().add_subplot(), **options)
        return [text.get_text() for text in ax.texts]

    part = shown(treatment=0, outcome=9)
    assert part[-10:] == [str(k) for k in range(10)]
    note = " ".join(part[:-10])
    assert note == focus_on(forty(), 0, 9).sentence
    assert note.startswith("30 of 40 variables are left out")
    assert len(shown(treatment=0)) == len(shown(treatment=0, outcome=9, focus=False)) == 40


def test_the_sentence_stands_below_the_drawing_and_inside_it():
    figure = Figure(figsize=(9, 4))
    ax = plot_graph(forty(), figure.add_axes((0, 0, 1, 1)), treatment=0, outcome=9)
    figure.draw_without_rendering()
    low = min(patch.get_window_extent().y0 for patch in ax.patches)
    outer = ax.get_window_extent()
    for text in ax.texts[:-10]:
        inner = text.get_window_extent()
        assert inner.y1 <= low
        assert outer.x0 <= inner.x0
        assert inner.x1 <= outer.x1
        assert outer.y0 <= inner.y0


def test_svg_names_its_parts_and_keeps_its_size_if_asked():
    graph = CausalGraph.parse("X -> Y; X <-> Y")
    svg = graph_svg(graph)
    for part in ("node-0", "node-1-name", "edge-0-0-1", "edge-0-0-1-b", "edge-1-0-1-a"):
        assert svg.count(f'id="{part}"') == 1
    wide = CausalGraph.from_edges(range(25), list(pairwise(range(25))))
    widths = [
        float(graph_svg(wide, shrink=shrink).split('width="')[1].split("pt")[0])
        for shrink in (True, False)
    ]
    assert widths[0] == pytest.approx(13 * 72)
    assert widths[1] > 1.5 * widths[0]
