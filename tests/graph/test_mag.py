from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalkit.errors import GraphError, InputError, UnknownVariableError
from causalkit.graph import CausalGraph, Kind, latent_projection, random_dag
from causalkit.graph.mag import dag_to_mag, mag_to_pag, visible_edges
from causalkit.graph.separation import is_separated, representative
from tests.oracles import graphs as slow
from tests.oracles.mag import (
    all_classes,
    classes,
    independences,
    is_visible,
    mag_by_definition,
    random_case,
    union,
)

MARKS = {"tail": 1, "arrow": 2, "circle": 4}


def published(nodes, rows, kind):
    where = {name: k for k, name in enumerate(nodes)}
    ends = np.zeros((len(nodes), len(nodes)), dtype=np.uint8)
    for a, b, at_a, at_b in rows:
        ends[where[b], where[a]], ends[where[a], where[b]] = MARKS[at_a], MARKS[at_b]
    return CausalGraph(nodes, ends, kind)


# --- dag_to_mag ------------------------------------------------------------------------------


@pytest.mark.parametrize("select", [False, True])
def test_mag_by_its_definition(select):
    rng = np.random.default_rng(0)
    for _ in range(120):
        dag, latent, selection = random_case(rng, 6, select=select)
        assert dag_to_mag(dag, latent, selection) == mag_by_definition(dag, latent, selection)


@settings(max_examples=60, deadline=None)
@given(slow.admgs(max_nodes=5))
def test_mag_of_an_admg_has_its_separations_and_ancestors(admg):
    mag = dag_to_mag(admg)
    assert independences(mag) == independences(admg)
    for name in admg.nodes:
        assert mag.ancestors(name) == admg.ancestors(name)


def test_hiding_in_two_steps_is_hiding_at_once():
    rng = np.random.default_rng(1)
    for _ in range(100):
        dag, latent, selection = random_case(rng, 9, select=True)
        observed = [name for name in dag.nodes if name not in latent]
        assert dag_to_mag(latent_projection(dag, observed), (), selection) == dag_to_mag(
            dag, latent, selection
        )


def test_a_dag_without_hidden_variables_is_its_own_mag():
    dag = random_dag(30, expected_degree=4.0, rng=0)
    mag = dag_to_mag(dag)
    assert mag.kind is Kind.MAG
    assert (mag.ends == dag.ends).all()


def test_bad_requests():
    dag = CausalGraph.parse("A -> B -> C")
    with pytest.raises(InputError, match="both latent and selection"):
        dag_to_mag(dag, "A", ["A", "B"])
    with pytest.raises(InputError, match="no variable is observed"):
        dag_to_mag(dag, ["A", "B"], "C")
    with pytest.raises(UnknownVariableError):
        dag_to_mag(dag, "Z")
    with pytest.raises(GraphError, match="got a CPDAG"):
        dag_to_mag(CausalGraph.parse("A -- B"))
    with pytest.raises(GraphError, match="got a PAG"):
        mag_to_pag(CausalGraph.parse("A o-> B"))
    with pytest.raises(GraphError, match="CPDAG"):
        visible_edges(CausalGraph.parse("A -- B"))


# --- mag_to_pag ------------------------------------------------------------------------------


@pytest.mark.parametrize("n_nodes", [1, 2, 3, 4])
def test_pag_is_the_union_of_all_members(n_nodes):
    """Every MAG over four nodes, selection included."""
    for members in all_classes(n_nodes):
        pag = union(members)
        for member in members:
            assert mag_to_pag(member) == pag


@pytest.mark.slow
def test_pag_is_the_union_of_all_members_on_five_nodes():
    rng = np.random.default_rng(0)
    pairs = [(a, b) for a in "ABCDE" for b in "ABCDE" if a < b]
    for _ in range(12):
        chosen = [pairs[k] for k in sorted(rng.permutation(10)[: rng.integers(4, 8)])]
        for members in classes("ABCDE", chosen):
            assert mag_to_pag(members[0]) == union(members)


def test_published_mags_and_pags(shared):
    """R pcalg's dag2pag, and brute force on the smaller half."""
    content = json.loads((shared / "discovery_oracle" / "dag_cpdag_pag_60.json").read_text())
    for case in content["cases"]:
        dag = CausalGraph.from_edges(case["nodes"], map(tuple, case["edges"]), Kind.DAG)
        mag = dag_to_mag(dag, case["latent"])
        assert mag == published(mag.nodes, case["mag"], Kind.MAG), case["id"]
        assert mag_to_pag(mag) == published(mag.nodes, case["pag"], Kind.PAG), case["id"]


def test_published_pags_of_thirteen_nodes(shared):
    content = (shared / "discovery_reference_data" / "fci_cases.json").read_text()
    for case in json.loads(content):
        dag = CausalGraph.from_edges(case["nodes"], map(tuple, case["edges"]), Kind.DAG)
        mag = dag_to_mag(dag, case["latent"])
        assert mag_to_pag(mag) == published(mag.nodes, case["pag"], Kind.PAG), case["id"]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), select=st.booleans())
def test_class_of_any_member_is_the_class(seed, select):
    dag, latent, selection = random_case(np.random.default_rng(seed), 14, select=select)
    pag = mag_to_pag(dag_to_mag(dag, latent, selection))
    assert mag_to_pag(representative(pag)) == pag


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_order_of_nodes_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    dag, latent, selection = random_case(rng, 12, select=True)
    mag = dag_to_mag(dag, latent, selection)
    shuffled = mag.reordered(rng.permutation(mag.nodes).tolist())
    assert mag_to_pag(shuffled) == mag_to_pag(mag)


def test_pag_answers_questions_about_separation():
    dag = CausalGraph.parse("A -> B -> D; U -> B; U -> C; E -> C -> D")
    mag = dag_to_mag(dag, "U")
    pag = mag_to_pag(mag)
    for (x, y), given_ in independences(mag):
        assert is_separated(pag, x, y, given_)


def test_graphs_that_are_not_maximal_are_refused():
    graph = CausalGraph.parse("MAG: A <-> B <-> C <-> D; B -> D; C -> A")
    with pytest.raises(GraphError, match="Add A <-> D"):
        mag_to_pag(graph)


def test_empty_and_lonely_graphs():
    for text in ("A", "A; B; C"):
        graph = CausalGraph.parse(text)
        assert mag_to_pag(graph).kind is Kind.PAG
        assert not mag_to_pag(graph).edges()


# --- visible edges ---------------------------------------------------------------------------


def test_visible_edges_by_listing_paths():
    rng = np.random.default_rng(3)
    for _ in range(150):
        dag, latent, selection = random_case(rng, 8, select=True)
        mag = dag_to_mag(dag, latent, selection)
        for graph in (mag, mag_to_pag(mag)):
            directed = {(e.left, e.right) for e in graph.edges() if e.symbol == "->"}
            expected = {edge for edge in directed if is_visible(graph, *edge)}
            assert visible_edges(graph) == expected


def test_visible_in_a_pag_is_visible_in_every_member():
    for members in all_classes(4):
        seen = visible_edges(mag_to_pag(members[0]))
        assert all(seen <= visible_edges(member) for member in members)


def test_visible_edges_of_graphs_that_show_their_hidden_causes():
    assert visible_edges(CausalGraph.parse("A -> B -> C; A <-> B")) == {("B", "C")}
    assert visible_edges(CausalGraph.parse("A -> B")) == {("A", "B")}
    assert visible_edges(CausalGraph.parse("MAG: A -> B")) == frozenset()
