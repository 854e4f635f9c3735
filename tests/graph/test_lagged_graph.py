"""Graphs of series: what is written is read back, and repeating edges over time is all there is."""

from __future__ import annotations

import pickle
from itertools import combinations, pairwise, product

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalkit.errors import CycleError, GraphError, InputError, UnknownVariableError
from causalkit.graph import CausalGraph, Edge, Kind, Lagged, LaggedGraph, is_separated
from causalkit.graph.lagged import as_lagged
from tests.strategies import HOSTILE, PLAIN, lagged_graphs

# --- nodes ----------------------------------------------------------------------------------------


@settings(deadline=None)
@given(HOSTILE, st.integers(0, 50))
def test_a_node_knows_its_name_and_lag_and_survives_pickling(name, lag):
    node = Lagged(name, lag)
    assert (node.name, node.lag) == (name, lag)
    again = pickle.loads(pickle.dumps(node))
    assert again == node
    assert (again.name, again.lag) == (name, lag)
    assert hash(node) == hash(str(node))
    assert node.shifted(2) == Lagged(name, lag + 2)
    assert as_lagged((name, -lag)) == node


@settings(deadline=None)
@given(st.one_of(PLAIN, st.integers(-(10**9), 10**9)), st.integers(0, 50))
def test_a_node_is_read_as_it_prints(name, lag):
    read = as_lagged(str(Lagged(name, lag)))
    assert (read.name, read.lag) == (name, lag)


def test_a_name_that_looks_like_a_node_is_read_as_the_name_it_is():
    assert as_lagged("X[t-1]", ("X[t-1]", "Y")).lag == 0
    assert as_lagged("X[t-1][t-2]") == Lagged("X[t-1]", 2)
    assert as_lagged("7[t-1]").name == 7
    assert as_lagged("7[t-1]", ("7",)).name == "7"
    assert as_lagged("X[t-0]").name == "X[t-0]"  # no node prints like that
    assert as_lagged(np.int64(3)).name == 3


@pytest.mark.parametrize(
    "bad", [("X", -1), ("X", 1.0), ("X", True), (True, 1), (2.5, 1), (None, 0)]
)
def test_what_is_no_node_is_refused(bad):
    with pytest.raises(InputError, match="Lagged\\('X', 1\\)"):
        Lagged(*bad)


def test_the_future_is_no_node():
    with pytest.raises(InputError, match="how many steps ago"):
        Lagged("X", 1).shifted(-2)
    with pytest.raises(InputError, match="no variable at a time"):
        as_lagged(2.5)


# --- round trips ----------------------------------------------------------------------------------


@settings(deadline=None)
@given(lagged_graphs())
def test_text_is_read_back(graph):
    read = LaggedGraph.parse(graph.to_text(), max_lag=graph.max_lag)
    assert read == graph
    assert read.max_lag == graph.max_lag


@settings(deadline=None)
@given(lagged_graphs(names=st.one_of(st.integers(-5, 99), PLAIN)))
def test_integer_names_are_read_back(graph):
    assert LaggedGraph.parse(graph.to_text()) == graph


@settings(deadline=None)
@given(lagged_graphs(names=HOSTILE))
def test_any_names_survive_every_form_that_keeps_them(graph):
    marks = graph.template.ends
    n_lags, p = graph.max_lag + 1, len(graph.variables)
    ends = marks[:, :p].reshape(n_lags, p, p)
    starts = marks[:p].reshape(p, n_lags, p).transpose(1, 2, 0)
    again = [
        pickle.loads(pickle.dumps(graph)),
        LaggedGraph.from_networkx(graph.to_networkx()),
        LaggedGraph.from_marks(graph.variables, starts, ends, graph.kind),
        LaggedGraph(graph.variables, graph.edges(), max_lag=graph.max_lag, kind=graph.kind),
    ]
    if all(as_lagged(str(Lagged(name))).name == name for name in graph.variables):
        # in text, digits are an integer, as they are for CausalGraph
        again.append(LaggedGraph.parse(graph.to_text(), max_lag=graph.max_lag))
    for other in again:
        assert other == graph
        assert hash(other) == hash(graph)
        assert other.max_lag == graph.max_lag
        assert set(other.variables) == set(graph.variables)


@settings(deadline=None)
@given(lagged_graphs(names=HOSTILE, kinds=(Kind.DAG, Kind.CPDAG, Kind.MAG, Kind.PAG)))
def test_tigramite_arrays_are_read_back(graph):
    array = graph.to_tigramite()
    assert LaggedGraph.from_tigramite(array, graph.variables, graph.kind) == graph
    turned = np.vectorize(lambda text: text[::-1].translate(str.maketrans("<>", "><")))
    assert np.array_equal(array[:, :, 0], turned(array[:, :, 0]).T)


def test_tigramite_arrays_tell_their_kind():
    array = np.full((2, 2, 2), "", dtype="<U3")
    array[0, 1, 1] = "-->"
    assert LaggedGraph.from_tigramite(array).kind is Kind.DAG
    array[0, 1, 0] = array[1, 0, 0] = "o-o"
    assert str(LaggedGraph.from_tigramite(array)).endswith("x0[t] -- x1[t]; x0[t-1] -> x1[t]")
    array[0, 1, 0] = array[1, 0, 0] = "x-x"  # contradictions are open edges
    assert LaggedGraph.from_tigramite(array).kind is Kind.CPDAG
    array[0, 1, 0], array[1, 0, 0] = "<->", "<->"
    assert LaggedGraph.from_tigramite(array).kind is Kind.PAG


def test_networkx_graphs_over_nodes_at_times_are_read():
    graph = nx.DiGraph([(("X", -1), ("Y", 0)), (("X", -2), ("X", -1))])
    assert LaggedGraph.from_networkx(graph) == LaggedGraph.parse("X[t-1] -> Y[t]; X[t-1] -> X[t]")
    graph = nx.DiGraph([("X[t-1]", "Y[t]")])
    assert LaggedGraph.from_networkx(graph) == LaggedGraph.parse("X[t-1] -> Y[t]")


# --- a value --------------------------------------------------------------------------------------


@settings(deadline=None)
@given(lagged_graphs(kinds=(Kind.DAG,)), st.randoms())
def test_the_order_of_series_and_the_reach_are_no_part_of_a_graph(graph, random):
    names = list(graph.variables)
    random.shuffle(names)
    other = LaggedGraph(names, graph.edges(), max_lag=graph.max_lag + 2)
    assert other == graph
    assert hash(other) == hash(graph)
    assert other.max_lag == graph.max_lag + 2
    assert LaggedGraph([*names, "one more"], graph.edges()) != graph


def test_graphs_differ_by_kind_and_by_edges():
    graph = LaggedGraph.parse("X[t-1] -> Y[t]")
    assert graph != LaggedGraph.parse("X[t-1] -> Y[t]", kind="PAG")
    assert graph != LaggedGraph.parse("X[t-2] -> Y[t]")
    assert graph != "X[t-1] -> Y[t]"


def test_graphs_cannot_be_changed():
    graph = LaggedGraph.parse("X[t-1] -> Y[t]")
    with pytest.raises(AttributeError, match="immutable"):
        graph.max_lag = 3
    with pytest.raises(AttributeError, match="immutable"):
        del graph.template
    with pytest.raises(ValueError, match="read-only"):
        graph.directed[0, 0, 0] = True


# --- structure ------------------------------------------------------------------------------------


@settings(deadline=None)
@given(lagged_graphs())
def test_arrays_edges_and_questions_say_the_same(graph):
    directed = {(e.left, e.right) for e in graph.edges() if e.symbol == "->"}
    joined = {frozenset((e.left, e.right)) for e in graph.edges()}
    assert int(graph.directed.sum()) == len(directed)
    for lag, i, j in product(range(graph.max_lag + 1), *[range(len(graph.variables))] * 2):
        past, now = Lagged(graph.variables[i], lag), Lagged(graph.variables[j])
        assert graph.directed[lag, i, j] == ((past, now) in directed)
        assert graph.adjacency[lag, i, j] == (frozenset((past, now)) in joined)
        if past != now:
            between = graph.edges_between(past, now)
            assert between == graph.edges_between(now.shifted(3), past.shifted(3))
            assert bool(between) == graph.adjacency[lag, i, j]
    for name in graph.variables:
        assert graph.parents(name) == {a for a, b in directed if b == Lagged(name)}
        near = {node for pair in joined if Lagged(name) in pair for node in pair}
        assert graph.adjacent(name) == near - {Lagged(name)}


@settings(deadline=None, max_examples=60)
@given(lagged_graphs(), st.integers(0, 5))
def test_unrolling_repeats_each_edge_at_each_step(graph, window):
    expected = {
        (e.left.shifted(s), e.symbol, e.right.shifted(s))
        for e in graph.edges()
        for s in range(window + 1)
        if max(e.left.lag, e.right.lag) + s <= window
    }
    unrolled = graph.unroll(window)
    assert unrolled.kind is graph.kind
    assert {(e.left, e.symbol, e.right) for e in unrolled.edges()} == expected
    assert set(unrolled.nodes) == {
        Lagged(name, lag) for name in graph.variables for lag in range(window + 1)
    }


@settings(deadline=None)  # imports networkx
@given(lagged_graphs())
def test_the_summary_forgets_lags_and_nothing_else(graph):
    summary = graph.summary_graph()
    assert np.array_equal(summary.adjacency, graph.directed.any(axis=0))
    for i, cause in enumerate(graph.variables):
        for j, effect in enumerate(graph.variables):
            lags = np.flatnonzero(graph.directed[:, i, j]).tolist()
            assert list(summary.lags(cause, effect)) == lags
    matrix = summary.adjacency & ~np.eye(len(graph.variables), dtype=bool)
    assert summary.has_cycle == (not nx.is_directed_acyclic_graph(nx.DiGraph(matrix)))
    for name in graph.variables:
        named = {node.name for node in graph.parents(name)} - {name}
        assert summary.parents(name) == named
    assert summary.to_networkx().number_of_edges() == len(summary.links)
    assert pickle.loads(pickle.dumps(summary)) == summary


def test_a_summary_without_circles_is_a_graph():
    graph = LaggedGraph.parse("X[t-1] -> X[t]; X[t-2] -> Y[t]; Y[t] -> Z[t]")
    assert graph.summary_graph().to_graph() == CausalGraph.parse("X -> Y -> Z")
    with pytest.raises(CycleError, match="circle"):
        LaggedGraph.parse("X[t-1] -> Y[t]; Y[t-1] -> X[t]").summary_graph().to_graph()


# --- the class ------------------------------------------------------------------------------------


def colliders(graph: LaggedGraph, window: int) -> set[tuple[str, frozenset[str]]]:
    """Unshielded colliders of the graph over time, by their definition."""
    dag = graph.unroll(window)
    return {
        (k, frozenset((a, b)))
        for k in dag.nodes
        for a, b in combinations(dag.parents(k), 2)
        if a not in dag.adjacent(b)
    }


def class_by_enumeration(graph: LaggedGraph) -> LaggedGraph:
    """Turn the edges within a step in all ways; what all equivalent graphs agree on is directed.

    Graphs are equivalent if they have the same unshielded colliders (Verma and Pearl).
    """
    window = 2 * graph.max_lag + 1
    wanted = colliders(graph, window)
    past = [e for e in graph.edges() if e.left.lag]
    step = [e for e in graph.edges() if not e.left.lag]
    seen: set[Edge] = set()
    for turns in product((False, True), repeat=len(step)):
        turned = [
            Edge(e.right, e.left, "->") if turn else e for e, turn in zip(step, turns, strict=True)
        ]
        try:
            other = LaggedGraph(graph.variables, past + turned, kind="DAG")
        except CycleError:
            continue
        if colliders(other, window) == wanted:
            seen.update(turned)
    edges = [
        e if Edge(e.right, e.left, "->") not in seen else Edge(e.left, e.right, "--") for e in step
    ]
    return LaggedGraph(graph.variables, past + edges, kind="CPDAG")


@settings(max_examples=100, deadline=None)
@given(lagged_graphs(names=st.sampled_from("ABCD"), kinds=(Kind.DAG,), max_lag=2))
def test_the_class_is_what_equivalent_graphs_agree_on(graph):
    assert graph.to_cpdag() == class_by_enumeration(graph)


def test_equivalent_graphs_have_the_same_separations():
    graph = LaggedGraph.parse("X[t-1] -> X[t]; X[t] -> Y[t]; Z[t] -> W[t]")
    other = LaggedGraph.parse("X[t-1] -> X[t]; X[t] -> Y[t]; W[t] -> Z[t]")
    third = LaggedGraph.parse("X[t-1] -> X[t]; Y[t] -> X[t]; Z[t] -> W[t]")
    assert graph.to_cpdag() == other.to_cpdag() != third.to_cpdag()
    assert is_separated(graph.unroll(3), "X[t-1]", "Y[t]", ["X[t]"])
    assert not is_separated(third.unroll(3), "X[t-1]", "Y[t]", ["X[t]"])


@pytest.mark.parametrize("text", ["X[t] <-> Y[t]", "X[t-1] o-> Y[t]", "X[t] -- Y[t]"])
def test_only_dags_have_a_class(text):
    with pytest.raises(GraphError, match="to_cpdag"):
        LaggedGraph.parse(text).to_cpdag()


# --- what is no graph of series -------------------------------------------------------------------


@pytest.mark.parametrize("text", ["Y[t] -> X[t-1]", "X[t-1] -- Y[t]", "X[t-1] o-o Y[t]"])
def test_nothing_runs_into_the_past(text):
    with pytest.raises(GraphError, match=r"the later one causes the earlier one.*Turn the edge"):
        LaggedGraph.parse(text)
    array = np.full((2, 2, 2), "", dtype="<U3")
    array[0, 1, 1] = {"->": "<--", "--": "---", "o-o": "o-o"}[text.split()[1]]
    with pytest.raises(GraphError, match="the later one causes the earlier one"):
        LaggedGraph.from_tigramite(array, ["X", "Y"])


def test_circles_within_a_step_are_refused_and_others_are_welcome():
    with pytest.raises(CycleError):
        LaggedGraph.parse("X[t] -> Y[t]; Y[t] -> X[t]", kind="DAG")
    with pytest.raises(GraphError):
        LaggedGraph(["X"], [("X[t-1]", "X[t-1]")])
    LaggedGraph.parse("X[t-1] -> Y[t]; Y[t] -> X[t]")


def test_errors_name_what_is_wrong():
    graph = LaggedGraph.parse("X[t-1] -> Y[t]")
    with pytest.raises(UnknownVariableError, match="'Z'"):
        graph.parents("Z")
    with pytest.raises(UnknownVariableError, match="list of series"):
        LaggedGraph(["X"], [("X[t-1]", "Y")])
    with pytest.raises(GraphError, match="lag of 3; expected 2"):
        LaggedGraph(["X"], [("X[t-3]", "X")], max_lag=2)
    with pytest.raises(GraphError, match="is no edge"):
        LaggedGraph(["X", "Y"], [Edge("X[t-1]", "Y", "=>")])
    with pytest.raises(InputError, match="shape"):
        LaggedGraph.from_tigramite(np.zeros((2, 3), dtype="<U3"))
    array = np.full((2, 2, 2), "", dtype="<U3")
    array[0, 1, 1] = "=>>"
    with pytest.raises(InputError, match=r"entry \[0, 1, 1\] is '=>>'"):
        LaggedGraph.from_tigramite(array)
    bow = LaggedGraph.parse("X[t-1] -> Y[t]; X[t-1] <-> Y[t]")
    with pytest.raises(GraphError, match="joined twice"):
        bow.to_tigramite()


def test_a_graph_of_nothing():
    graph = LaggedGraph([])
    assert graph.edges() == ()
    assert graph.max_lag == 0
    assert len(graph.unroll(3)) == 0
    assert graph.summary_graph().links == ()
    assert pickle.loads(pickle.dumps(graph)) == graph


def test_printing_stays_short():
    names = [f"s{k}" for k in range(60)]
    graph = LaggedGraph(names, [((a, 1), b) for a, b in pairwise(names)])
    assert str(graph).endswith("; …")
    assert len(str(graph)) < 2000
    assert str(graph.summary_graph()).endswith("; …")


def test_parents_of_a_node_of_the_past_are_so_many_steps_earlier():
    graph = LaggedGraph.parse("X[t-2] -> Y[t]; Z[t] -> Y[t]; Y[t] -- W[t]")
    assert graph.parents("Y[t-1]") == {Lagged("X", 3), Lagged("Z", 1)}
    assert graph.parents("Y[t-5]") == {Lagged("X", 7), Lagged("Z", 5)}
    assert graph.adjacent("Y[t-1]") == {Lagged("X", 3), Lagged("Z", 1), Lagged("W", 1)}


def test_a_graph_of_many_edges_is_printed_on_several_lines():
    names = [f"sensor {k}" for k in range(12)]
    graph = LaggedGraph(names, [((name, 1), name) for name in names])
    lines = str(graph).splitlines()
    assert len(lines) > 3
    assert max(map(len, lines)) <= 100
    assert all("->" in line and not line.startswith("->") for line in lines)
    assert " ".join(lines).count(";") == 11


def test_edges_are_a_table():
    graph = LaggedGraph.parse("PAG: X[t-2] o-> Y[t]; Z[t] -> Y[t]; Z[t-1] <-> X[t]")
    frame = graph.to_frame()
    rows = set(frame.itertuples(index=False, name=None))
    assert rows == {("X", "Y", 2, "o->"), ("Z", "Y", 0, "->"), ("Z", "X", 1, "<->")}
    assert list(LaggedGraph(["X"]).to_frame().columns) == ["cause", "effect", "lag", "edge"]
