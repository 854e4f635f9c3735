"""Whatever is passed in, the answer is an answer or an error of ours that says what to do."""

from __future__ import annotations

import inspect
from itertools import islice, pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalkit import identification
from causalkit.errors import CausalkitError, GraphError, InputError, NotIdentifiableError
from causalkit.graph import CausalGraph, Edge, Kind, random_dag
from causalkit.identification import NoEffectEstimand, identify, strategies
from causalkit.identification.general.experiments import Sample
from causalkit.identification.general.general import general_formula
from tests.strategies import HOSTILE, mixed_graphs

SKIPPED = ("table", "data")
"""Required arguments that are no names; functions with these have fuzz tests of their own."""


OTHER = {"samples": lambda fill: [Sample(), Sample(do=fill)]}
"""How to make required arguments that are not names from names."""


def questions():
    """Every public function of a graph, a treatment and an outcome, with its other arguments."""
    found = {"general_formula": (general_formula, [])}
    for name in identification.__all__:
        function = getattr(identification, name)
        if not inspect.isfunction(function):
            continue
        first, *rest = inspect.signature(function).parameters.values()
        names = [first.name, *(p.name for p in rest)]
        if names[:3] != ["graph", "treatment", "outcome"] or set(names) & set(SKIPPED):
            continue
        needed = [p for p in rest[2:] if p.default is p.empty]
        found[name] = function, needed
    return found


QUESTIONS = questions()
ALL = pytest.mark.parametrize("name", QUESTIONS)


def ask(name, graph, treatment, outcome, fill, **options):
    """Call, read the answer to its end (or the first few of many), and let our errors pass."""
    function, needed = QUESTIONS[name]
    positional = [fill for p in needed if p.kind is not p.KEYWORD_ONLY]
    named = {p.name: fill for p in needed if p.kind is p.KEYWORD_ONLY}
    try:
        named |= {key: OTHER[key](fill) for key in named if key in OTHER}
    except CausalkitError as error:
        return error
    known = set(inspect.signature(function).parameters) - {p.name for p in needed}
    named |= {key: value for key, value in options.items() if key in known}
    try:
        answer = function(graph, treatment, outcome, *positional, **named)
        if inspect.isgenerator(answer):
            answer = list(islice(answer, 5))
        str(answer)
        if hasattr(answer, "expression"):
            answer.expression.to_latex()
    except CausalkitError as error:
        answer = error
    if isinstance(answer, CausalkitError):
        assert len(str(answer)) > 20
    return answer


def test_the_usual_questions_are_among_those_tried():
    assert {"identify", "strategies", "is_adjustment_set", "general_formula"} <= set(QUESTIONS)


NOT_NAMES = [
    None,
    3.5,
    float("nan"),
    object(),
    b"X",
    True,
    {},
    {"X": 1},
    [["X"]],
    [None],
    ("X", 2.5),
]
SHAPES = [(), [], set(), ("X", "X"), ["X", "Y"], {"X"}, iter(["X"]), np.array(["X"]), "", "X,Y", 0]


@ALL
@pytest.mark.parametrize("graph", ["Z -> X -> Y; X <-> Y", "X -- Y", "X o-> Y"])
def test_arguments_of_any_type(name, graph):
    for thing in [*NOT_NAMES, *SHAPES]:
        for x, y, fill in (
            (thing, "Y", ()),
            ("X", thing, ()),
            (thing, thing, ()),
            ("X", "Y", thing),
        ):
            ask(name, graph, x, y, fill)
        for option in ("given", "observed", "include", "forbidden", "mediators"):
            ask(name, graph, "X", "Y", (), **{option: thing})


@ALL
def test_graphs_of_any_type(name):
    cyclic = nx.DiGraph([("X", "Y"), ("Y", "X")])
    odd = nx.DiGraph([((1, 2), "Y"), ("X", "Y")])
    multi = nx.MultiDiGraph([("X", "Y"), ("X", "Y")])
    plain = nx.Graph([("X", "Y")])
    things = [
        None,
        3,
        "",
        " ",
        ";",
        "X",
        "X -> X",
        "X -> Y -> X",
        "X ->",
        "-> Y",
        "X => Y",
        "X -> Y;;",
    ]
    things += [
        "digraph { X -> Y }",
        "X <- Y; X -> Y; X <-> Y",
        "dag { X -> Y }",
        "X\n->\nY",
        "\x00",
    ]
    things += [
        cyclic,
        odd,
        multi,
        plain,
        nx.DiGraph(),
        [],
        {},
        {"X": ["Y"]},
        np.eye(2),
        [("X", "Y")],
    ]
    things += [CausalGraph.parse("X"), CausalGraph.from_edges([], [], "DAG")]
    for graph in things:
        ask(name, graph, "X", "Y", ())


@ALL
@settings(max_examples=25, deadline=None)
@given(text=st.one_of(HOSTILE.map(str), st.text('XYZ-<>o;:{}[]() \n"', max_size=20)))
def test_text_that_is_no_graph(name, text):
    ask(name, text, "X", "Y", ())


@st.composite
def graphs_with_names(draw):
    graph = draw(mixed_graphs(HOSTILE))
    known = st.sampled_from(graph.nodes) if graph.nodes else HOSTILE
    some = st.lists(st.one_of(known, known, known, HOSTILE), max_size=3)
    return (graph, *(draw(some) for _ in range(5)))


@ALL
@settings(max_examples=30, deadline=None)
@given(drawn=graphs_with_names())
def test_any_graph_with_any_names(name, drawn):
    graph, x, y, fill, w, seen = drawn
    ask(name, graph, x, y, fill)
    ask(name, graph, x[:1], y[:1], fill, given=w)
    ask(name, graph, x[:1], y[:1], fill, given=w, observed=[*seen, *x[:1], *y[:1], *w])


@ALL
def test_roles_that_exclude_each_other(name):
    graph = "Z -> X -> Y; Z -> Y"
    for x, y, options in (
        ("X", "X", {}),
        (("X", "Y"), "Y", {}),
        ("X", "Y", {"given": "X"}),
        ("X", "Y", {"given": "Y"}),
        ("X", "nobody", {}),
        ("X", "Y", {"observed": ["X"]}),
        ("X", "Y", {"observed": ["X", "Y", "nobody"]}),
        ((), "Y", {}),
        ("X", (), {}),
    ):
        if set(options) <= set(inspect.signature(QUESTIONS[name][0]).parameters):
            found = ask(name, graph, x, y, (), **options)
            assert isinstance(found, (InputError, GraphError)), (name, x, y, options)


@pytest.mark.parametrize(
    "graph", ["Y -> X", "Y -> X; X <-> Y", "X; Y", "X -> Z; Y -> Z", "X <-> Y"]
)
def test_no_causal_path_is_an_effect_of_exactly_zero(graph):
    assert isinstance(identify(graph, "X", "Y"), NoEffectEstimand)
    formula = general_formula(graph, "X", "Y").expression.right
    assert "X" not in formula.symbols
    assert any(v.strategy == "no effect" and v.applies for v in strategies(graph, "X", "Y"))


@pytest.mark.parametrize("kind", list(Kind))
def test_empty_and_one_node_graphs(kind):
    for nodes in ([], ["X"], ["X", "Y"]):
        graph = CausalGraph.from_edges(nodes, [], kind)
        for name in QUESTIONS:
            ask(name, graph, "X", "Y", ())


# --- large graphs -------------------------------------------------------------------------------


def chain(size, reach):
    """V0 -> V1 -> …, with a hidden cause of every two nodes `reach` steps apart."""
    names = [f"V{k}" for k in range(size)]
    edges = [Edge(a, b, "->") for a, b in pairwise(names)]
    edges += [Edge(a, b, "<->") for a, b in zip(names, names[reach:], strict=False)]
    return CausalGraph.from_edges(names, edges, "ADMG")


@pytest.mark.parametrize("reach", [2, 3])
def test_long_chains_of_hidden_causes(reach):
    graph = chain(60, reach)
    for x, y in (("V0", "V59"), ("V30", "V59"), ("V58", "V59"), ("V59", "V0")):
        for question in (general_formula, identify):
            try:
                answer = question(graph, x, y).expression
            except NotIdentifiableError as error:
                answer = error
            assert len(str(answer)) > 20


@ALL
def test_large_sparse_graphs(name):
    dag = random_dag(200, expected_degree=3.0, rng=np.random.default_rng(0))
    x, y = dag.nodes[5], dag.nodes[-5]
    ask(name, dag, x, y, ())
    bows = [Edge(dag.nodes[k], dag.nodes[k + 7], "<->") for k in range(0, 190, 9)]
    ask(name, CausalGraph.from_edges(dag.nodes, [*dag.edges(), *bows], "ADMG"), x, y, ())


@ALL
def test_a_long_chain(name):
    names = [f"V{k}" for k in range(200)]
    graph = CausalGraph.from_edges(names, list(pairwise(names)), "DAG")
    ask(name, graph, "V0", "V199", ())
