"""Possible effects in a PAG against all of its MAGs, and the edges that decide."""

from __future__ import annotations

from itertools import combinations, permutations, product

import pytest

from causalkit.errors import GraphError, InputError, NotIdentifiableError, UnknownVariableError
from causalkit.graph import CIRCLE, CausalGraph, Edge, Kind
from causalkit.graph.equivalence import members
from causalkit.graph.mag import dag_to_mag, mag_to_pag
from causalkit.identification import (
    EffectQuery,
    PossibleEffects,
    identify,
    is_adjustment_set,
    minimal_adjustment_set,
    strategies,
)
from causalkit.identification.classes.deciding import what_decides
from causalkit.identification.classes.lv_ida import pag_effects, pag_members
from causalkit.identification.classes.open_estimand import OpenEstimand
from causalkit.identification.estimand import AdjustmentEstimand, NoEffectEstimand
from tests.identification.graphs import generator, pick, random_class
from tests.oracles.adjustment import is_valid_by_definition as is_valid_in_dag
from tests.oracles.adjustment import subsets
from tests.oracles.hidden_adjustment import directed, is_valid_by_definition, proper_paths
from tests.oracles.mag import random_case

SEEDS = [pytest.param(seed, marks=[pytest.mark.slow] if seed >= 8 else []) for seed in range(50)]


def random_pag(rng, size):
    """A PAG with its MAGs, larger classes more often."""
    nodes = "ABCDE"[:size]
    density = rng.uniform(0.3, 1.0)
    skeleton = [pair for pair in combinations(nodes, 2) if rng.random() < density][:6]
    found = {}
    for symbols in product(("->", "<-", "<->"), repeat=len(skeleton)):
        edges = [Edge(*pair, symbol) for pair, symbol in zip(skeleton, symbols, strict=True)]
        try:
            mag = CausalGraph.from_edges(nodes, edges, Kind.MAG)
            pag = mag_to_pag(mag)
        except GraphError:
            continue  # not ancestral, or not maximal
        found.setdefault(str(pag), (pag, []))[1].append(mag)
    classes = sorted(found.values(), key=lambda pair: len(pair[1]))
    return classes[int(max(rng.integers(len(classes), size=2)))]


def has_marks(mag, finer):
    ends = mag.reordered(finer.nodes).ends
    return bool(((finer.ends == CIRCLE) | (finer.ends == ends)).all())


def holds(answer, mag, x, y):
    """Whether an answer is right in one MAG, read from definitions."""
    causal = any(directed(mag, path) for path in proper_paths(mag, {x}, {y}))
    if isinstance(answer, NoEffectEstimand):
        return not causal
    if isinstance(answer, AdjustmentEstimand):
        return is_valid_by_definition(mag, {x}, {y}, set(answer.adjustment))
    others = set(mag.nodes) - {x, y}
    return causal and not any(
        is_valid_by_definition(mag, {x}, {y}, set(z)) for z in subsets(others)
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_all_members_are_listed_once(seed):
    rng = generator(seed)
    pag, mags = random_pag(rng, 5 if seed >= 8 else 4)
    listed = list(pag_members(pag))
    assert len(listed) == len(set(listed))
    assert set(listed) == set(mags)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_member_has_its_answer(seed):
    rng = generator(seed)
    pag, mags = random_pag(rng, 4)
    pairs = list(permutations(pag.nodes, 2))
    for k in rng.permutation(len(pairs))[:5]:
        x, y = pairs[k]
        try:
            possible = pag_effects(pag, x, y)
        except NotIdentifiableError:
            assert all(holds(OpenEstimand(None, pag, ""), mag, x, y) for mag in mags)
            continue
        n_answers = dict.fromkeys(mags, 0)
        for answer, classes in zip(possible, possible.classes, strict=True):
            for finer in classes:
                inside = [mag for mag in mags if has_marks(mag, finer)]
                assert inside
                for mag in inside:
                    n_answers[mag] += 1
                    assert holds(answer, mag, x, y)
        assert set(n_answers.values()) == {1}


@pytest.mark.parametrize("seed", SEEDS)
def test_larger_classes(seed):
    # The MAG of the true graph is a member, so one of the answers is right in it.
    rng = generator(seed)
    dag, latent, _ = random_case(rng, 8)
    seen = [v for v in dag.nodes if v not in latent]
    if len(seen) < 2:
        return
    mag = dag_to_mag(dag, latent=latent)
    pag = mag_to_pag(mag)
    x, y = (str(v) for v in rng.permutation(seen)[:2])
    try:
        possible = pag_effects(pag, x, y)
    except NotIdentifiableError:
        assert holds(OpenEstimand(None, pag, ""), mag, x, y)
        return
    right = [
        answer
        for answer, classes in zip(possible, possible.classes, strict=True)
        if any(has_marks(mag, finer) for finer in classes)
    ]
    assert len(right) == 1
    assert holds(right[0], mag, x, y)


def test_a_pair_is_open_or_has_no_effect():
    answers = {type(answer) for answer in pag_effects("PAG: X o-o Y", "X", "Y")}
    assert answers == {OpenEstimand, NoEffectEstimand}


def test_an_instrument_shows_that_nothing_confounds():
    possible = pag_effects("PAG: A o-> X; B o-> X; X -> Y", "X", "Y")
    (answer,) = possible
    assert answer.adjustment == ()
    assert possible.classes[0][0].kind is Kind.PAG


def test_an_open_effect_says_why():
    (answer,) = (a for a in pag_effects("PAG: X o-o Y", "X", "Y") if isinstance(a, OpenEstimand))
    assert "hidden cause" in answer.reason
    assert str(answer.expression) == "E[Y | do(X=x)] = ?"
    assert answer.expression.to_latex().endswith(r"\text{?}")
    assert "because" in str(answer)


def test_strata_are_part_of_every_set():
    pag = mag_to_pag(dag_to_mag(CausalGraph.parse("W -> Y; A -> X; B -> X; X -> Y; A -> Y")))
    for answer in pag_effects(pag, "X", "Y", given="W"):
        if isinstance(answer, AdjustmentEstimand):
            assert "W" in answer.adjustment
    with pytest.raises(InputError, match="may change"):
        pag_effects("PAG: A o-> X; B o-> X; X -> Y; Y -> W", "X", "Y", given="W")


def test_only_observed_covariates():
    pag = "PAG: A o-o Y; X o-o A; X o-o Y"
    for answer in pag_effects(pag, "X", "Y", observed=["X", "Y"]):
        if isinstance(answer, AdjustmentEstimand):
            assert answer.adjustment == ()


def test_a_mag_is_a_class_of_one():
    with pytest.raises(NotIdentifiableError, match="hidden cause"):
        pag_effects("MAG: X -> Y", "X", "Y")
    (answer,) = pag_effects("MAG: A -> X; X -> Y", "X", "Y")
    assert answer.adjustment == ()
    assert len(list(pag_members("MAG: X -> Y"))) == 1


@pytest.mark.parametrize(
    "function", [lambda g: pag_effects(g, "X", "Y"), lambda g: list(pag_members(g))]
)
def test_other_graphs_are_refused(function):
    for graph, error in [
        ("X -> Y", GraphError),
        ("CPDAG: X -- Y", GraphError),
        ("PAG: X o-- Y", GraphError),
        ("PAG: A -> X; X o-o Y", NotIdentifiableError),
    ]:
        with pytest.raises(error):
            function(graph)


@pytest.mark.parametrize(
    ("treatment", "outcome", "error"),
    [
        ("X", "Q", UnknownVariableError),
        ("X", "X", InputError),
        (["X", "A"], "Y", NotIdentifiableError),
    ],
)
def test_errors(treatment, outcome, error):
    with pytest.raises(error):
        pag_effects("PAG: X o-o Y; X o-o A", treatment, outcome)


def test_several_treatments_with_one_answer():
    pag = "PAG: A o-> S; B o-> S; S -> Y; C o-> T; D o-> T; T -> Y"
    (answer,) = pag_effects(pag, ["S", "T"], "Y")
    assert answer.adjustment == ()
    (answer,) = pag_effects(pag, ["S", "T"], "A")
    assert isinstance(answer, NoEffectEstimand)
    pag = "PAG: A o-> S; B o-> S; S -> M; S -> Y; M -> T; M -> Y; C o-> M; T -> Y; D o-> T"
    with pytest.raises(NotIdentifiableError, match="no set"):
        pag_effects(pag, ["S", "T"], "Y")


def test_what_needs_no_split_needs_no_complete_pag():
    # The edge A -> X is more than separations tell.
    (answer,) = pag_effects("PAG: A -> X; B o-> X; X -> Y", "X", "Y")
    assert answer.adjustment == ()


def test_too_many_classes_are_refused(monkeypatch):
    monkeypatch.setattr("causalkit.identification.classes.lv_ida._MOST_CLASSES", 1)
    with pytest.raises(NotIdentifiableError, match="sub-classes"):
        pag_effects("PAG: A o-o X; X o-o Y", "X", "Y")


# --- what decides ---------------------------------------------------------------------------------


def orientations(dags, pairs):
    """DAGs that orient these pairs alike, together."""
    groups = {}
    for dag in dags:
        groups.setdefault(tuple(b in dag.children(a) for a, b in pairs), []).append(dag)
    return groups.values()


def agree(dags, x, y):
    """Whether one adjustment set is valid in all members; one exists if a single effect agrees."""
    others = set(dags[0].nodes) - {x, y}
    return any(
        all(is_valid_in_dag(dag, (x,), (y,), set(z)) for dag in dags) for z in subsets(others)
    )


def no_effect(dags, x, y):
    return all(x not in dag.ancestors(y) for dag in dags)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_smallest_sets_that_decide_in_a_cpdag(seed):
    rng = generator(seed)
    while True:
        graph, dags = random_class(rng, 5, known=rng.choice([0.0, 0.3]))
        if 1 < len(dags) <= 24:
            break
    (x,), (y,) = pick(rng, graph)
    loose = [(e.left, e.right) for e in graph.edges() if e.symbol == "--"]
    wanted = set()
    for size in range(len(loose) + 1):
        wanted = {
            frozenset(map(frozenset, pairs))
            for pairs in combinations(loose, size)
            if all(
                no_effect(group, x, y) or agree(group, x, y) for group in orientations(dags, pairs)
            )
        }
        if wanted:
            break
    found = what_decides(graph, x, y)
    got = {frozenset(frozenset((e.left, e.right)) for e in edges) for edges in found}
    assert found.smallest
    assert got == wanted


@pytest.mark.parametrize("seed", SEEDS)
def test_what_decides_in_a_pag_leaves_one_answer(seed):
    rng = generator(seed)
    pag, mags = random_pag(rng, 4)
    for x, y in list(permutations(pag.nodes, 2))[:4]:
        found = what_decides(pag, x, y)
        if len(found) == 0:
            assert any(holds(OpenEstimand(None, pag, ""), mag, x, y) for mag in mags)
        for edges in found:
            groups = {}
            for mag in mags:
                key = tuple(str(mag.edges_between(e.left, e.right)) for e in edges)
                groups.setdefault(key, []).append(mag)
            for group in groups.values():
                none = all(holds(NoEffectEstimand(None, pag), mag, x, y) for mag in group)
                others = set(pag.nodes) - {x, y}
                assert none or any(
                    all(is_valid_by_definition(mag, {x}, {y}, set(z)) for mag in group)
                    for z in subsets(others)
                )


def test_identified_effects_need_no_decision():
    assert list(what_decides("CPDAG: X -> Y", "X", "Y")) == [()]
    assert "Nothing" in str(what_decides("PAG: A o-> X; B o-> X; X -> Y", "X", "Y"))


def test_no_orientation_decides_about_a_pair_in_a_pag():
    found = what_decides("PAG: X o-o Y", "X", "Y")
    assert len(found) == 0
    assert "No orientation" in str(found)


def test_no_orientation_shows_what_is_hidden():
    # Both ways to orient A -- X leave U behind.
    graph = "CPDAG: A -- X; X -> Y; A -> Y; U -> Y; U -> X; U -> A"
    assert [tuple(map(str, edges)) for edges in what_decides(graph, "X", "Y")] == [("A -- X",)]
    assert len(what_decides(graph, "X", "Y", observed=["A", "X", "Y"])) == 0


def test_joint_treatments_in_a_cpdag():
    found = what_decides("CPDAG: A -- B; B -- Y", ["A", "B"], "Y")
    assert [tuple(map(str, edges)) for edges in found] == [("B -- Y",)]


def test_one_set_where_there_are_too_many(monkeypatch):
    monkeypatch.setattr("causalkit.identification.classes.deciding._MOST_TRIES", 2)
    graph = CausalGraph.parse("CPDAG: A -- X; X -- Y; A -- Y; A -- B; X -- B; Y -- B")
    assert len(list(members(graph))) == 24
    found = what_decides(graph, "X", "Y")
    (edges,) = found
    assert not found.smallest
    assert "Smaller" in str(found)
    assert all(edge.symbol == "--" for edge in edges)


def test_what_decides_refuses_single_graphs():
    with pytest.raises(GraphError, match="every edge is decided"):
        what_decides("X -> Y", "X", "Y")
    with pytest.raises(InputError, match="expected one"):
        what_decides("PAG: X o-o Y; X o-o A", ["X", "A"], "Y")


# --- PAGs that no MAG has -------------------------------------------------------------------------


def test_a_pag_without_a_member_is_read_in_every_way():
    # Tests left the four triples of the ring open; the ring has no orientation without a collider.
    ring = "A o-o B; B o-o C; C o-o D; D o-o A"
    pag = f"PAG: {ring}; I o-> X; J o-> X; X -> Y"
    answer = identify(pag, "X", "Y")
    assert answer.adjustment == ()
    assert isinstance(identify(pag, "Y", "X"), NoEffectEstimand)
    with pytest.raises(NotIdentifiableError, match="not the class of any MAG"):
        identify(pag, "A", "C", strategy="possible")
    # Whether what A is given for blocks a path depends on how its circles are read.
    pag = f"PAG: {ring}; I o-> X; A o-> X; X -> Y; C o-> Y"
    with pytest.raises(NotIdentifiableError):
        identify(pag, "X", "Y", observed=["X", "Y", "B", "D"])
    assert [v.strategy for v in strategies(pag, "Y", "X") if v.applies][:1] == ["no effect"]


def test_triples_that_tests_left_open_are_read_in_every_way():
    # x1 - x3 - (x2, x4) is a collider, but the PAG does not say so.
    pag = "PAG: x1 o-o x3; x2 o-> x3; x2 o-> x4; x4 -> x3; x7 o-> x4; x5 o-o x7"
    truth = "MAG: x1 -> x3; x2 -> x3; x2 -> x4; x4 -> x3; x7 -> x4; x7 -> x5"
    assert not is_adjustment_set(truth, "x1", "x2", "x3")
    assert not is_adjustment_set(pag, "x1", "x2", "x3")
    with pytest.raises(NotIdentifiableError, match="each o is read as tail and as arrow"):
        identify(pag, "x1", "x2", strategy="adjustment")


def test_what_is_known_beyond_separations_does_no_harm():
    pag = mag_to_pag(
        dag_to_mag(CausalGraph.parse("I -> X; J -> X; A -> X; X -> Y; A -> Y; A -> B"))
    )
    assert minimal_adjustment_set(pag, "X", "Y") == {"A"}
    edges = [Edge(e.left, e.right, e.symbol.replace("o->", "->")) for e in pag.edges()]
    known = CausalGraph.from_edges(pag.nodes, edges, Kind.PAG)
    assert known != pag
    assert minimal_adjustment_set(known, "X", "Y") == {"A"}


def test_a_long_list_of_orientations_is_cut_in_print():
    star = dict.fromkeys("ABCDEFGH", "--")
    graphs = [
        CausalGraph.parse("CPDAG: Y; " + "; ".join(f"X {star[v]} {v}" for v in star))
        for star in (star, *({**star, v: "->"} for v in star))
    ]
    query = EffectQuery(("X",), ("Y",))
    answer = NoEffectEstimand(query, graphs[0])
    possible = PossibleEffects(query, (answer,), graphs[0], (tuple(graphs[1:]),))
    assert len(possible.orientations[0]) == 8
    assert "X -> A or X -> B or X -> C or …" in repr(possible)
