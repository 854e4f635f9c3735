"""IDP and CIDP: a formula exactly if all graphs behind a PAG agree, and then the true effect."""

from __future__ import annotations

import json
from itertools import combinations, permutations, product

import numpy as np
import pytest

from causalkit.errors import GraphError, InputError, NotIdentifiableError, UnknownVariableError
from causalkit.graph import CausalGraph, Edge, Kind, visible_edges
from causalkit.graph.mag import dag_to_mag, mag_to_pag
from causalkit.identification.classes.pag import OpenPart, pag_formula
from causalkit.identification.general.general import general_formula
from tests.identification.graphs import generator
from tests.identification.oracle import (
    Model,
    Plain,
    conditional_follows,
    margin,
    projected,
    random_query,
    spread,
    subsets,
    value,
)
from tests.oracles.hidden_adjustment import is_valid_by_definition
from tests.oracles.mag import random_case

SEEDS = [pytest.param(seed, marks=[pytest.mark.slow] if seed >= 12 else []) for seed in range(60)]

SHAPES = [(1, 1, 0), (2, 1, 0), (1, 2, 0), (1, 1, 1), (1, 1, 2), (2, 1, 1)]
"""How many treatments, outcomes and conditions."""


# --- everything behind a PAG ----------------------------------------------------------------------


def classes(nodes, skeleton):
    """All MAGs without selection on these adjacencies, by their PAG."""
    found = {}
    for symbols in product(("->", "<-", "<->"), repeat=len(skeleton)):
        edges = [Edge(*pair, symbol) for pair, symbol in zip(skeleton, symbols, strict=True)]
        try:
            mag = CausalGraph.from_edges(nodes, edges, Kind.MAG)
            pag = mag_to_pag(mag)
        except GraphError:
            continue  # not ancestral, or not maximal
        found.setdefault(str(pag), (pag, []))[1].append(mag)
    return list(found.values())


def graphs_of(mag):
    """The MAG read as an ADMG, and with as many hidden causes behind its edges as fit."""
    edges = list(mag.edges())
    open_pairs = [
        (e.left, e.right)
        for e in edges
        if e.symbol == "->" and (e.left, e.right) not in visible_edges(mag)
    ]
    found, most = [CausalGraph.from_edges(mag.nodes, edges, "ADMG")], []
    for pairs in sorted(subsets(open_pairs, 1), key=len, reverse=True):
        if any(set(pairs) <= set(other) for other in most):
            continue
        bows = [Edge(a, b, "<->") for a, b in pairs]
        graph = CausalGraph.from_edges(mag.nodes, [*edges, *bows], "ADMG")
        if dag_to_mag(graph) == mag:
            most.append(pairs)
            found.append(graph)
    return found


def random_pag(rng, size):
    """A PAG with everything behind it, larger classes as often as small ones."""
    nodes = "ABCDE"[:size]
    density = rng.uniform(0.3, 1.0)
    skeleton = [pair for pair in combinations(nodes, 2) if rng.random() < density][:6]
    found = classes(nodes, skeleton)
    pag, mags = found[int(rng.integers(len(found)))]
    return pag, [graph for mag in mags for graph in graphs_of(mag)]


def numbers(formula, joint, names, query):
    """The formula over the axes of the query; at the first value of what does not matter."""
    treatment, outcome, given = query
    axes, array = value(formula, names, joint)
    kept = (*treatment, *given, *outcome)
    extra = tuple(0 if s not in kept else slice(None) for s in axes)
    left = tuple(s for s in axes if s in kept)
    return spread(left, array[extra], kept, dict(zip(names, joint.shape, strict=True)))


def all_agree(rng, graphs, query):
    """Whether every graph has a formula, and all of them the same one."""
    treatment, outcome, given = query
    if not all(conditional_follows(Plain.read(graph), *query) for graph in graphs):
        return False
    formulas = {general_formula(g, treatment, outcome, given=given).formula for g in graphs}
    for k in rng.permutation(len(graphs))[:4]:
        model = Model.draw(rng, Plain.read(graphs[k]), most_levels=2)
        names, joint = model.plain.nodes, model.joint()
        found = [numbers(formula, joint, names, query) for formula in formulas]
        if not all(np.allclose(found[0], other, rtol=0, atol=1e-8) for other in found):
            return False
    return True


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("size", [3, 4])
def test_a_formula_is_found_exactly_if_all_graphs_agree(seed, size):
    rng = generator(seed)
    pag, graphs = random_pag(rng, size)
    for _ in range(6):
        counts = rng.choice([shape for shape in SHAPES if sum(shape) <= size])
        query = treatment, outcome, given = random_query(rng, pag.nodes, *counts)
        if not all_agree(rng, graphs, query):
            with pytest.raises(NotIdentifiableError) as caught:
                pag_formula(pag, treatment, outcome, given=given)
            assert isinstance(caught.value.witness[0], OpenPart)
            continue
        found = pag_formula(pag, treatment, outcome, given=given)
        for k in rng.permutation(len(graphs))[:3]:
            model = Model.draw(rng, Plain.read(graphs[k]), most_levels=2)
            got = numbers(found.formula, model.joint(), model.plain.nodes, query)
            np.testing.assert_allclose(got, model.effect(*query), rtol=0, atol=1e-8)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_formula_is_the_effect_where_variables_are_hidden(seed):
    rng = generator(seed)
    dag, latent, _ = random_case(rng)
    seen = tuple(v for v in dag.nodes if v not in latent)
    if len(seen) < 2:
        return
    pag = mag_to_pag(dag_to_mag(dag, latent=latent))
    model = Model.draw(rng, Plain.read(dag), most_levels=2)
    joint = margin(model.joint(), model.plain.nodes, seen)
    for treatment, outcome in list(permutations(seen, 2))[:12]:
        given = tuple(v for v in seen if v not in (treatment, outcome) and rng.random() < 0.2)
        query = (treatment,), (outcome,), given
        try:
            found = pag_formula(pag, treatment, outcome, given=given)
        except NotIdentifiableError:
            continue
        got = numbers(found.formula, joint, seen, query)
        np.testing.assert_allclose(got, model.effect(*query), rtol=0, atol=1e-8)


@pytest.mark.parametrize("seed", SEEDS)
def test_it_finds_what_adjustment_finds(seed):
    rng = generator(1000 + seed)
    dag, latent, _ = random_case(rng, 6)
    if len(dag) - len(latent) < 2:
        return
    pag = mag_to_pag(dag_to_mag(dag, latent=latent))
    for x, y in permutations(pag.nodes, 2):
        others = set(pag.nodes) - {x, y}
        if any(is_valid_by_definition(pag, {x}, {y}, set(z)) for z in subsets(others)):
            pag_formula(pag, x, y)


@pytest.mark.parametrize("seed", SEEDS)
def test_hidden_variables_that_the_pag_knows_of(seed):
    rng = generator(seed)
    pag, graphs = random_pag(rng, 4)
    query = treatment, outcome, _ = random_query(rng, pag.nodes)
    seen = tuple(v for v in pag.nodes if v in (*treatment, *outcome) or rng.random() < 0.5)
    try:
        found = pag_formula(pag, treatment, outcome, observed=seen)
    except NotIdentifiableError:
        return
    model = Model.draw(rng, Plain.read(graphs[-1]), most_levels=2)
    assert conditional_follows(projected(Plain.read(graphs[0]), seen), *query)
    joint = margin(model.joint(), model.plain.nodes, seen)
    got = numbers(found.formula, joint, seen, query)
    np.testing.assert_allclose(got, model.effect(*query), rtol=0, atol=1e-8)


# --- published graphs -----------------------------------------------------------------------------

FIGURES = [
    # Jaber, Zhang & Bareinboim (2018, 2019): the running example, and three that fail.
    (
        "X1 -> Y1; X2 -> Y2; X1 <-> X2; X1 <-> Y3; X2 <-> Y1; Y2 <-> Y3; Y4 o-> Y3; Y4 o-o Y5; "
        "Y5 o-> Y1",
        ["X1", "X2"],
        ["Y1", "Y2", "Y3", "Y4", "Y5"],
        [],
        True,
    ),
    ("X o-o Y", "X", "Y", [], False),
    ("X -> Y2; X <-> Y1; Y1 <-> Y2; V o-> X", "X", ["Y1", "Y2"], [], False),
    (
        "X1 <-> X2; X1 <-> Y3; X1 -> Y1; X2 -> Y2; X2 <-> Y1; Y2 <-> Y3; Y3 <-> Y4; Y1 <-> Y4",
        ["X1", "X2"],
        ["Y1", "Y2", "Y3", "Y4"],
        [],
        False,
    ),
    # Jaber, Zhang & Bareinboim (NeurIPS 2019): conditional effects where the joint one fails.
    ("X o-o Z; Z o-o Y", "X", "Y", ["Z"], True),
    ("X o-o Z; W o-o Z; Y o-o Z; X o-o W; Y o-o W", "X", "Y", ["Z", "W"], True),
    ("X o-> Z1; Z2 o-> Z1; Z1 -> Y; Z2 -> Y", "X", "Y", ["Z1", "Z2"], True),
    ("X o-> Z1; W o-> Z1; Z1 -> Y; Z2 -> Y; Z2 o-o W", "X", "Y", ["Z1", "Z2"], True),
    # Jaber, Ribeiro, Zhang & Bareinboim (2022).
    (
        "W -> Z; Z -> Y; A -> Y; A o-> W; A o-> X1; X2 o-> X1; X2 o-> W; X1 o-o W",
        ["W", "X1", "X2"],
        "Y",
        ["Z"],
        True,
    ),
    (
        "B -> Y; E -> Y; C -> Y; A o-> E; A o-> C; B o-> E; B o-> C; C o-o E",
        "C",
        "Y",
        ["B", "E"],
        True,
    ),
]


@pytest.mark.parametrize(("edges", "treatment", "outcome", "given", "identified"), FIGURES)
def test_published_figures(edges, treatment, outcome, given, identified):
    if identified:
        pag_formula(f"PAG: {edges}", treatment, outcome, given=given)
        return
    with pytest.raises(NotIdentifiableError) as caught:
        pag_formula(f"PAG: {edges}", treatment, outcome, given=given)
    assert str(caught.value.witness[0]).startswith("Q[")


def test_published_adjustment_cases_are_identified(shared):
    cases = json.loads((shared / "identification" / "pag_adjustment.json").read_text())["cases"]
    left, right = ({"tail": "", "arrow": sign, "circle": "o"} for sign in "<>")
    for case in cases:
        edges = [
            Edge(a, b, f"{left[at_a]}-{right[at_b]}") for a, b, at_a, at_b in case["graph"]["edges"]
        ]
        pag = CausalGraph.from_edges(case["graph"]["nodes"], edges, "PAG")
        if any(query["valid"] for query in case["queries"]):
            pag_formula(pag, case["x"], case["y"])


def test_treatments_over_time_where_no_set_adjusts():
    dag = CausalGraph.parse(
        "A -> S; B -> S; S -> M; M -> T; T -> Y; C -> M; D -> T; S -> Y; M -> Y"
    )
    pag = mag_to_pag(dag_to_mag(dag))
    others = set(pag.nodes) - {"S", "T", "Y"}
    assert not any(is_valid_by_definition(pag, {"S", "T"}, {"Y"}, set(z)) for z in subsets(others))
    found = pag_formula(pag, ["S", "T"], "Y")
    model = Model.draw(generator(3), Plain.read(dag), most_levels=2)
    query = ("S", "T"), ("Y",), ()
    got = numbers(found.formula, model.joint(), model.plain.nodes, query)
    np.testing.assert_allclose(got, model.effect(*query), rtol=0, atol=1e-9)
    assert "one for all" in {step.rule for step in found.derivation.steps}


# --- a single MAG, and what is refused ------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_in_a_mag_the_formula_holds_in_all_its_graphs(seed):
    rng = generator(seed)
    pag, graphs = random_pag(rng, 4)
    mag = dag_to_mag(graphs[int(rng.integers(len(graphs)))])
    behind = graphs_of(mag)
    for treatment, outcome in permutations(mag.nodes, 2):
        query = (treatment,), (outcome,), ()
        try:
            found = pag_formula(mag, treatment, outcome)
        except NotIdentifiableError:
            with pytest.raises(NotIdentifiableError):
                pag_formula(pag, treatment, outcome)
            continue
        model = Model.draw(rng, Plain.read(behind[-1]), most_levels=2)
        got = numbers(found.formula, model.joint(), model.plain.nodes, query)
        np.testing.assert_allclose(got, model.effect(*query), rtol=0, atol=1e-8)


def test_what_is_open_is_shown():
    with pytest.raises(NotIdentifiableError) as caught:
        pag_formula("PAG: A o-o X; X o-o Y", "X", "Y")
    (part,) = caught.value.witness
    assert "Y" in part.wanted
    assert any({"X", "Y"} == {edge.left, edge.right} for edge in part.edges)


@pytest.mark.parametrize("pag", ["PAG: A -> X; X o-o Y", "PAG: A o-> X; B o-> X; X o-> Y"])
def test_an_incomplete_pag_is_refused(pag):
    with pytest.raises(NotIdentifiableError, match="not the class of any MAG"):
        pag_formula(pag, "X", "Y")


@pytest.mark.parametrize(
    ("graph", "treatment", "outcome", "error"),
    [
        ("X -> Y", "X", "Y", GraphError),
        ("CPDAG: X -- Y", "X", "Y", GraphError),
        ("PAG: X o-- Y", "X", "Y", GraphError),
        ("MAG: A -> Y; B -> X; X <-> A; A <-> B; B <-> Y", "X", "Y", GraphError),
        ("PAG: X o-o Y", "X", "Q", UnknownVariableError),
        ("PAG: X o-o Y", "X", "X", InputError),
        ("PAG: X o-o Y", "X", [], InputError),
    ],
)
def test_errors(graph, treatment, outcome, error):
    with pytest.raises(error):
        pag_formula(graph, treatment, outcome)
