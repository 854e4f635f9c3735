"""Separation: against path enumeration, networkx, hidden variables, and published queries."""

from __future__ import annotations

import json
from itertools import combinations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalkit.errors import GraphError, InputError, UnknownVariableError
from causalkit.graph import (
    CausalGraph,
    Edge,
    Kind,
    dag_to_cpdag,
    is_separated,
    latent_projection,
    members,
    minimal_separator,
    minimal_separators,
    random_admg,
    random_dag,
)
from causalkit.graph.separation import representative
from tests.oracles import graphs as oracle

# networkx 3.2 has the older name only.
is_d_separator = getattr(nx, "is_d_separator", None) or nx.d_separated


def random_query(rng, nodes):
    x, y = rng.choice(len(nodes), 2, replace=False)
    given = [n for k, n in enumerate(nodes) if k not in (x, y) and rng.random() < 0.35]
    return nodes[x], nodes[y], given


@pytest.mark.parametrize("seed", range(10))
def test_agrees_with_networkx_on_dags_and_admgs_with_bows(seed):
    rng = np.random.default_rng(seed)
    for _ in range(10):
        size = int(rng.integers(2, 12))
        for graph in (
            random_dag(size, expected_degree=min(3.0, size - 1), rng=rng),
            random_admg(size, expected_degree=min(2.0, size - 1), bidirected_degree=1.0, rng=rng),
        ):
            peer = oracle.canonical_dag(graph)
            for _ in range(15):
                x, y, z = random_query(rng, graph.nodes)
                assert is_separated(graph, x, y, z) == is_d_separator(peer, {x}, {y}, set(z))


@given(oracle.admgs(min_nodes=2, max_nodes=5), st.integers(0, 2**32 - 1))
@settings(max_examples=100, deadline=None)
def test_is_the_definition(graph, seed):
    x, y, z = random_query(np.random.default_rng(seed), graph.nodes)
    assert is_separated(graph, x, y, z) == oracle.is_separated(graph, x, y, z)


@given(oracle.dags(min_nodes=4, max_nodes=8), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_sets_are_separated_if_all_pairs_are_and_sides_can_be_swapped(graph, seed):
    role = np.random.default_rng(seed).integers(0, 3, len(graph.nodes))
    role[:2] = [0, 1]
    x, y, z = ([n for n, r in zip(graph.nodes, role, strict=True) if r == k] for k in range(3))
    pairwise = all(is_separated(graph, a, b, z) for a in x for b in y)
    assert is_separated(graph, x, y, z) == is_separated(graph, y, x, z) == pairwise


def test_published_queries(shared):
    cases = json.loads((shared / "identification/m_separation.json").read_text())["cases"]
    for case in cases:
        edges = [Edge(*edge) for edge in case["graph"]["edges"]]
        graph = CausalGraph.from_edges(case["graph"]["nodes"], edges)
        for query in case["queries"]:
            found = is_separated(graph, query["x"], query["y"], query["Z"])
            assert found == query["separated"], (case["id"], query)


@given(oracle.dags(min_nodes=2, max_nodes=5), st.integers(0, 2**32 - 1))
@settings(max_examples=50, deadline=None)
def test_a_class_answers_as_each_of_its_members(dag, seed):
    rng = np.random.default_rng(seed)
    for graph in (dag_to_cpdag(dag), oracle.random_pdag(rng, dag, 1)):
        x, y, z = random_query(rng, dag.nodes)
        answers = {oracle.is_separated(member, x, y, z) for member in members(graph)}
        assert answers == {is_separated(graph, x, y, z)}


@pytest.mark.parametrize("seed", range(15))
def test_a_mag_separates_as_the_dag_behind_it(seed):
    rng = np.random.default_rng(seed)
    dag = random_dag(7, expected_degree=2.5, rng=rng)
    observed = sorted(rng.permutation(dag.nodes)[:5].tolist())
    mag = oracle.mag_by_definition(dag, observed)
    for x, y in combinations(observed, 2):
        for z in oracle.subsets(set(observed) - {x, y}):
            assert is_separated(mag, x, y, z) == is_separated(dag, x, y, z)


def test_selection_edges_are_never_colliders():
    mag = CausalGraph.parse("A -- B -- C; C -> D", kind="MAG")
    assert not is_separated(mag, "A", "D")
    assert is_separated(mag, "A", "D", "B")
    assert [set(s) for s in minimal_separators(mag, "A", "D")] == [{"B"}, {"C"}]


def pag_of(case):
    signs = {"arrow": ("<", ">"), "tail": ("-", "-"), "circle": ("o", "o")}
    hidden = set(case["latent"])
    edges = []
    for a, b, at_a, at_b in case["pag"]:
        symbol = f"{signs[at_a][0]}-{signs[at_b][1]}".replace("---", "--")
        symbol = {"--": "--", "-->": "->", "<--": "<-"}.get(symbol, symbol)
        edges.append(Edge(a, b, symbol))
    return CausalGraph.from_edges([n for n in case["nodes"] if n not in hidden], edges, Kind.PAG)


def test_a_pag_separates_as_the_dag_behind_it(shared):
    cases = json.loads((shared / "discovery_oracle/dag_cpdag_pag_60.json").read_text())["cases"]
    rng = np.random.default_rng(0)
    for case in cases:
        dag = CausalGraph.from_edges(case["nodes"], map(tuple, case["edges"]), Kind.DAG)
        pag = pag_of(case)
        if len(pag.nodes) < 2:
            continue
        for _ in range(20):
            x, y, z = random_query(rng, pag.nodes)
            assert is_separated(pag, x, y, z) == is_separated(dag, x, y, z), case["id"]


def test_partly_undirected_edges_of_a_pag_lose_their_circle():
    member = representative(CausalGraph.parse("A --o B; B --o C", kind="PAG"))
    assert member == CausalGraph.parse("A -> B -> C", kind="MAG")


@pytest.mark.parametrize("seed", range(60))
def test_minimal_separators_are_those_of_brute_force(seed):
    rng = np.random.default_rng(seed)
    size = int(rng.integers(3, 8))
    graph = random_admg(size, expected_degree=2.0, bidirected_degree=0.6, rng=rng)
    if seed % 3 == 0:
        graph = dag_to_cpdag(random_dag(size, expected_degree=2.0, rng=rng))
    x, y, _ = random_query(rng, graph.nodes)
    others = [n for n in graph.nodes if n not in (x, y)]
    include = frozenset(n for n in others if rng.random() < 0.15)
    within = include | {n for n in others if rng.random() < 0.7}
    for limits in ({}, {"within": within}, {"within": within, "include": include}):
        found = list(minimal_separators(graph, x, y, **limits))
        assert len(found) == len(set(found))
        wanted = oracle.minimal_separators(graph, x, y, **limits, separated=is_separated)
        assert set(found) == wanted
        one = minimal_separator(graph, x, y, **limits)
        assert one in wanted if wanted else one is None


@pytest.mark.parametrize("seed", range(20))
def test_minimal_separators_of_sets(seed):
    rng = np.random.default_rng(seed)
    graph = random_dag(7, expected_degree=2.0, rng=rng)
    nodes = rng.permutation(graph.nodes).tolist()
    x, y, pool = nodes[:2], nodes[2:4], nodes[4:]
    separators = [s for s in oracle.subsets(pool) if is_separated(graph, x, y, s)]
    wanted = {s for s in separators if not any(t < s for t in separators)}
    assert set(minimal_separators(graph, x, y)) == wanted


def test_the_nearest_separator_comes_first():
    chain = CausalGraph.from_edges(range(6), [(k, k + 1) for k in range(5)])
    assert list(minimal_separators(chain, 0, 5)) == [{1}, {2}, {3}, {4}]
    assert list(minimal_separators(chain, 5, 0)) == [{4}, {3}, {2}, {1}]


def test_many_separators_are_listed_lazily():
    rows = [(f"a{k}", f"b{k}") for k in range(40)]
    edges = [e for a, b in rows for e in (("X", a), (a, b), (b, "Y"))]
    names = ["X", "Y", *(name for row in rows for name in row)]
    graph = CausalGraph.from_edges(names, edges)
    first = next(minimal_separators(graph, "X", "Y"))  # one of 2^40
    assert first == {a for a, _ in rows}


def test_hiding_a_variable_changes_no_separation_among_the_others():
    graph = CausalGraph.parse("U -> A -> B -> C; U -> C; C -> D; A -> D")
    hidden = latent_projection(graph, ["A", "B", "C", "D"])
    pairs = combinations("ABCD", 2)
    for x, y in pairs:
        for z in oracle.subsets(set("ABCD") - {x, y}):
            assert is_separated(graph, x, y, z) == is_separated(hidden, x, y, z)


class TestErrors:
    graph = CausalGraph.parse("A -> B -> C; 1 -> C")

    def test_integer_names(self):
        assert is_separated(self.graph, 1, "A")
        assert not is_separated(self.graph, 1, "A", given=["C"])

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (((), "A"), "x is empty"),
            (("A", []), "y is empty"),
            (("A", ["A", "B"]), "x and y share 'A'"),
            (("A", "B", ["B"]), "y and given share 'B'"),
            (("A", "B", "A"), "x and given share 'A'"),
        ],
    )
    def test_empty_and_overlapping_sets(self, arguments, says):
        with pytest.raises(InputError, match=says):
            is_separated(self.graph, *arguments)

    def test_unknown_names(self):
        with pytest.raises(UnknownVariableError, match="Did you mean 'A'"):
            is_separated(self.graph, "AA", "B")

    def test_include_must_be_within(self):
        with pytest.raises(InputError, match="include has 'B'"):
            minimal_separator(self.graph, "A", "C", include="B", within=[1])
        with pytest.raises(InputError, match="y and include share 'C'"):
            minimal_separators(self.graph, "A", "C", include="C")

    def test_a_class_without_members(self):
        ring = CausalGraph.parse("A -- B -- C -- D -- A", kind="CPDAG")
        with pytest.raises(GraphError, match="no DAG"):
            is_separated(ring, "A", "C")
        with pytest.raises(GraphError, match="complete PAG"):
            is_separated(CausalGraph.parse("A o-o B o-o C o-o D o-o A"), "A", "C")

    def test_a_pag_that_is_not_ancestral(self):
        pag = CausalGraph.parse("A o-> B; B -> C; C <-> A", kind="PAG")
        with pytest.raises(GraphError, match="no member"):
            is_separated(pag, "A", "C")


def test_an_equal_class_listed_in_another_order_separates_alike():
    chain = CausalGraph.parse("A -- B; B -- C; C -- D")
    other = chain.reordered("DBAC")
    assert chain == other
    for graph in (chain, other, chain):
        assert is_separated(graph, "A", "D", given="B")
        assert not is_separated(graph, "A", "B", given="C")
