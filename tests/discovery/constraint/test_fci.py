from __future__ import annotations

import json
import threading
import time
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib import parallel_config
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from causalkit.discovery import PC, Knowledge
from causalkit.discovery.constraint import _latent_triples, fci
from causalkit.discovery.constraint.fci import FCI, RFCI
from causalkit.errors import (
    InputError,
    KnowledgeWarning,
    TimeBudgetWarning,
    UnknownVariableError,
)
from causalkit.graph import ARROW, CIRCLE, TAIL, CausalGraph, Kind, random_admg
from causalkit.graph import random_dag as sparse_dag
from causalkit.graph.mag import dag_to_mag, mag_to_pag
from causalkit.graph.separation import representative
from causalkit.independence import BoundTest, CITest, FisherZ, Oracle
from tests.oracles import pag
from tests.oracles.discovery import linear_data, nodes_of, random_dag
from tests.oracles.mag import (
    all_classes,
    ancestral_graphs,
    independences,
    is_maximal,
    random_case,
    union,
)

RULES = ("standard", "conservative", "majority", "max-p")

FARTHER = "x1 -> x0; x0 <-> x3; x0 -> x4; x1 -> x2; x2 -> x3; x2 <-> x4"
"""x3 and x4 are separated by the other three nodes, which are no neighbours of either alone."""


def learn(truth, algorithm=FCI, **settings):
    if isinstance(truth, str):
        truth = CausalGraph.parse(truth)
    return algorithm(Oracle(truth), **settings).fit(nodes_of(truth))


def check_true(graph, mag):
    """Every mark of the graph is that of the MAG; `above[i, j]`: i is an ancestor of j."""
    assert graph.nodes == mag.nodes
    above = np.array([[a in mag.ancestors(b) for b in mag.nodes] for a in mag.nodes])
    assert not ((graph.ends == ARROW) & above.T).any()
    assert not ((graph.ends == TAIL) & ~above.T).any()


# --- with an oracle: exactly the class -------------------------------------------------------


def test_finds_the_whole_class():
    rng = np.random.default_rng(0)
    for _ in range(200):
        dag, latent, _ = random_case(rng, 10)
        mag = dag_to_mag(dag, latent)
        observed = nodes_of(mag)
        fci = FCI(Oracle(dag)).fit(observed)
        assert fci.graph_ == mag_to_pag(mag)
        assert not fci.conflicts_
        assert not fci.ambiguous_


def test_finds_the_whole_class_when_people_are_selected():
    rng = np.random.default_rng(1)
    for _ in range(120):
        dag, latent, selection = random_case(rng, 10, select=True)
        mag = dag_to_mag(dag, latent, selection)
        fci = learn(mag, selection_bias=True)
        assert fci.graph_ == mag_to_pag(mag)
        assert not fci.conflicts_


@pytest.mark.parametrize("rule", RULES[1:])
def test_finds_the_whole_class_by_every_rule(rule):
    rng = np.random.default_rng(2)
    for _ in range(60):
        mag = dag_to_mag(random_admg(int(rng.integers(4, 8)), rng=rng, expected_degree=1.5))
        assert learn(mag, collider_rule=rule).graph_ == mag_to_pag(mag)


def test_finds_the_union_of_all_members():
    """All classes over four nodes, by looking at every graph."""
    for members in all_classes(4):
        assert learn(members[-1], selection_bias=True).graph_ == union(members)


def test_finds_the_published_pags(shared):
    """R pcalg's dag2pag; Tetrad's and causal-learn's differ from it in up to a sixth of these."""
    content = json.loads((shared / "discovery_oracle" / "dag_cpdag_pag_60.json").read_text())
    marks = {"tail": TAIL, "arrow": ARROW, "circle": CIRCLE}
    for case in content["cases"]:
        if case["p"] * case["expected_degree"] >= 75:  # the oracle is slow on dense graphs
            continue
        dag = CausalGraph.from_edges(case["nodes"], map(tuple, case["edges"]), Kind.DAG)
        graph = (
            FCI(Oracle(dag))
            .fit({n: [0.0, 1.0] for n in sorted(set(dag.nodes) - set(case["latent"]))})
            .graph_
        )
        ends = np.zeros(graph.ends.shape, dtype=np.uint8)
        for a, b, at_a, at_b in case["pag"]:
            i, j = graph.indices((a, b))
            ends[j, i], ends[i, j] = marks[at_a], marks[at_b]
        assert (graph.ends == ends).all(), case["id"]


def more_around(rng, core: str, n_more: int) -> CausalGraph:
    """A graph with `core` among the causes of other nodes, so that its relations stay."""
    graph = CausalGraph.parse(core)
    names = [*graph.nodes, *(f"y{k}" for k in range(n_more))]
    text = core
    for k, name in enumerate(names[len(graph.nodes) :], start=len(graph.nodes)):
        for cause in rng.permutation(names[:k])[: rng.integers(1, 3)]:
            text += f"; {cause} -> {name}"
    return CausalGraph.parse(text)


def test_sets_farther_away_are_found():
    truth = CausalGraph.parse(FARTHER)
    assert set(learn(truth).separators_["x3", "x4"].given) == {"x0", "x1", "x2"}
    assert learn(truth).graph_ == mag_to_pag(truth)
    rng = np.random.default_rng(3)
    for _ in range(40):
        truth = more_around(rng, FARTHER, int(rng.integers(1, 7)))
        assert learn(truth).graph_ == mag_to_pag(truth)


def test_blocks_are_those_of_networkx():
    import networkx as nx

    from causalkit.discovery.constraint._fci_kernels import blocks

    rng = np.random.default_rng(14)
    for _ in range(60):
        p = int(rng.integers(1, 16))
        joined = np.triu(rng.random((p, p)) < rng.uniform(0.05, 0.4), 1)
        joined |= joined.T
        source, near = np.nonzero(joined)
        starts = np.searchsorted(source, np.arange(p + 1))
        number = blocks(starts, source, near)
        ours = {}
        for edge in zip(number.tolist(), source.tolist(), near.tolist(), strict=True):
            ours.setdefault(edge[0], set()).add(frozenset(edge[1:]))
        theirs = nx.biconnected_component_edges(nx.Graph(joined.astype(int)))
        expected = {frozenset(frozenset(edge) for edge in found) for found in theirs}
        assert {frozenset(found) for found in ours.values()} == expected


def test_sides_that_are_asked_are_those_of_slow_walks():
    from causalkit.discovery.constraint._fci_kernels import farther_sets
    from causalkit.discovery.constraint._orientation import unshielded_triples
    from causalkit.graph._pag_kernels import neighbours

    rng = np.random.default_rng(15)
    n_asked = 0
    for _ in range(120):
        p = int(rng.integers(2, 10))
        ends = pag.random_marks(rng, p, rng.uniform(0.2, 0.6))
        triples = unshielded_triples(ends > 0)
        open_ones = triples[rng.random(len(triples)) < rng.choice([0.0, 0.3, 1.0])]
        a, k, b = open_ones.T
        strength = rng.normal(size=(p, p)).round(1)
        source, near, sets, size, link = farther_sets(
            ends,
            *neighbours(ends),
            np.sort((a * p + k) * p + b),
            strength,
            np.zeros(1, dtype=np.bool_),
        )
        members = [set(np.flatnonzero(row).tolist()) for row in sets]
        ours = dict(zip(zip(source.tolist(), near.tolist(), strict=True), members, strict=True))
        assert ours == pag.sides_to_ask(ends, set(map(tuple, open_ones.tolist())), strength)
        assert size.tolist() == [len(found) for found in members]
        for i, found, most in zip(source, members, link, strict=True):
            assert most == np.abs(strength[i, list(found)]).max()
        n_asked += len(source)
    assert n_asked > 200


def test_surest_statements_are_those_of_slow_comparison():
    from causalkit.discovery.constraint._fci_kernels import keep_surest
    from causalkit.discovery.constraint._orientation import unshielded_triples

    rng = np.random.default_rng(16)
    never, n_changed = np.zeros(1, dtype=np.bool_), 0
    for _ in range(200):
        p = int(rng.integers(3, 10))
        ends = pag.random_marks(rng, p, rng.uniform(0.2, 0.6))
        if rng.random() < 0.5:
            ends[ends > 0] = CIRCLE
        triples = rng.permutation(unshielded_triples(ends > 0))
        verdict = rng.choice([-1, 0, 1], size=len(triples)).astype(np.int8)
        kept = verdict.copy()
        keep_surest(ends, triples, kept, never)
        assert kept.tolist() == pag.agreeing(ends, triples.tolist(), verdict.tolist())
        n_changed += (kept != verdict).sum()
    assert n_changed > 100


def test_order_of_search_is_bounded():
    truth = CausalGraph.parse(FARTHER)
    fci = learn(truth, max_order=2)
    assert fci.graph_.edges_between("x3", "x4")
    assert max(len(found.given) for found in fci.separators_.values()) <= 2


# --- RFCI ------------------------------------------------------------------------------------


def test_rfci_says_nothing_wrong():
    rng = np.random.default_rng(4)
    for n_more in (0, 2, 5):
        for _ in range(15):
            truth = more_around(rng, FARTHER, n_more)
            mag, rfci = dag_to_mag(truth), learn(truth, RFCI)
            assert (rfci.graph_.adjacency | ~mag.adjacency).all()
            assert rfci.graph_.edges_between("x3", "x4"), "this edge falls in FCI only"
            check_true(rfci.graph_, mag)
            assert not rfci.conflicts_


def test_rfci_mostly_finds_what_fci_finds():
    rng = np.random.default_rng(5)
    same = 0
    for _ in range(60):
        dag, latent, _ = random_case(rng, 10)
        mag = dag_to_mag(dag, latent)
        graph = learn(mag, RFCI).graph_
        check_true(graph, mag)
        same += graph == mag_to_pag(mag)
    assert same >= 58


def test_rfci_cuts_links_that_a_separating_set_cuts():
    truth = CausalGraph.parse(
        "x0 -> x4; x0 -> x5; x0 -> x6; x0 -> x7; x1 -> x3; x1 -> x4; x1 <-> x6; x1 -> x7; x1 -> x8;"
        "x2 <-> x3; x6 -> x2; x2 <-> x8; x3 -> x4; x3 -> x5; x3 -> x7; x3 -> x8; x4 <-> x6;"
        "x5 <-> x6; x5 -> x8; x6 -> x7; x6 -> x8"
    )
    first = learn(truth, PC).graph_.adjacency
    rfci = learn(truth, RFCI)
    mag = dag_to_mag(truth)
    assert (first & ~rfci.graph_.adjacency).sum() == 2
    assert (rfci.graph_.adjacency | ~mag.adjacency).all()
    check_true(rfci.graph_, mag)


# --- with data: what comes out is a class ----------------------------------------------------


def noise(rng, max_nodes=8, max_edges=16, n=None):
    dag = random_dag(rng, max_nodes=max_nodes, max_edges=max_edges)
    values = linear_data(rng, dag, n or int(rng.integers(12, 80)))
    return values + 0.5 * rng.normal(size=values.shape)


@pytest.mark.parametrize("algorithm", [FCI, RFCI])
def test_noisy_data_still_give_a_class(algorithm):
    """Without ambiguous triples the graph is the complete PAG of some MAG."""
    rng = np.random.default_rng(7)
    n_conflicts = 0
    for _ in range(150):
        fitted = algorithm(alpha=float(rng.choice([0.05, 0.3]))).fit(noise(rng, 9, 22))
        graph = CausalGraph(fitted.graph_.nodes, fitted.graph_.ends, Kind.PAG)
        assert mag_to_pag(representative(graph)) == graph
        n_conflicts += len(fitted.conflicts_)
    assert n_conflicts > 0, "the data were meant to be contradictory"


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("select", [False, True])
def test_some_mag_has_all_the_marks(rule, select):
    """By trying all ancestral graphs with this skeleton."""
    rng = np.random.default_rng(8)
    for _ in range(12):
        graph = (
            FCI(alpha=0.3, collider_rule=rule, selection_bias=select).fit(noise(rng, 5, 7)).graph_
        )
        known = graph.ends != CIRCLE
        assert any(
            (member.ends[known] == graph.ends[known]).all()
            and is_maximal(member, independences(member))
            for member in ancestral_graphs(
                graph.nodes, [tuple(sorted(pair)) for pair in graph.skeleton()]
            )
        )


def test_a_ring_without_a_collider_is_selection_or_a_contradiction():
    ring = CausalGraph.parse("MAG: a -- b -- c -- d -- a")
    assert {edge.symbol for edge in learn(ring, selection_bias=True).graph_.edges()} == {"--"}
    fci = learn(ring)
    assert "is drawn, although" in fci.conflicts_[0]
    assert mag_to_pag(representative(fci.graph_)) == fci.graph_


def test_more_rows_bring_the_truth_nearer():
    rng = np.random.default_rng(9)
    wrong = {50: 0, 1000: 0, 50_000: 0}
    for _ in range(20):
        dag = sparse_dag(10, expected_degree=2.5, rng=rng)
        hidden = rng.permutation(dag.nodes)[:2].tolist()
        pag = mag_to_pag(dag_to_mag(dag, hidden))
        data = pd.DataFrame(linear_data(rng, dag, 50_000), columns=dag.nodes)[list(pag.nodes)]
        for n in wrong:
            wrong[n] += (FCI(alpha=0.01).fit(data[:n]).graph_.ends != pag.ends).sum()
    assert wrong[50] > wrong[1000] > wrong[50_000]


def test_skeleton_agrees_with_causal_learn_where_variables_are_hidden(shared, capsys):
    """On rows and graphs that came with causal-learn."""
    from causallearn.search.ConstraintBased.FCI import fci as peer

    folder = shared / "discovery_reference_data"
    for number, case in enumerate(json.loads((folder / "fci_cases.json").read_text()), start=1):
        data = pd.read_csv(folder / f"fci_data_{number}.csv.gz", sep=None, engine="python")
        data = data[[name for name in case["nodes"] if name not in case["latent"]]]
        theirs = peer(data.to_numpy(), "fisherz", 0.01, show_progress=False)[0].graph != 0
        assert (FCI(alpha=0.01).fit(data).graph_.adjacency == theirs).all()
    capsys.readouterr()  # it prints


# --- knowledge -------------------------------------------------------------------------------


def test_a_tier_licenses_an_arrow_and_no_tail():
    """causal-learn writes `a -> b` here, although a hidden common cause is as likely."""
    fci = learn("a -> b", knowledge=Knowledge(tiers=[["a"], ["b"]]))
    assert fci.graph_.to_text() == "a o-> b"
    assert fci.explain("a", "b").direction == (
        "arrow at b: knowledge, b is in a later tier than a; "
        "circle at a: members of the class differ"
    )
    fci = learn("a -> b", knowledge=Knowledge(required=[("a", "b")]))
    assert fci.graph_.to_text() == "PAG: a -> b"


def test_selection_makes_knowledge_license_less():
    tiers = Knowledge(tiers=[["a"], ["b"]])
    assert learn("a -> b", knowledge=tiers, selection_bias=True).graph_.to_text() == "a o-o b"
    truth = CausalGraph.parse("MAG: c -> a; d -> a; a <-> b; e -> b; f -> b")
    assert learn(truth).graph_ == mag_to_pag(truth)
    graph = learn("c -> a <- d; b -> a", knowledge=tiers, selection_bias=True).graph_
    assert str(graph.edges_between("a", "b")[0]) == "a <-> b"
    required = Knowledge(required=[("a", "b")])
    assert learn("a -> b", knowledge=required, selection_bias=True).graph_.to_text() == "b o-- a"


def test_pairs_cut_by_knowledge_make_no_colliders():
    """Without a test there is no separating set, and without a set no collider."""
    never = Knowledge(forbidden=[("a", "b"), ("b", "a")])
    fci = learn("a -> k -> b; a -> b", knowledge=never)
    assert fci.graph_.to_text() == "a o-o k; k o-o b"
    assert fci.ambiguous_ == (("a", "k", "b"),)
    assert "forbidden" in fci.explain("a", "b").adjacency
    fci = learn("a -> k <- b", knowledge=never)
    assert fci.graph_.to_text() == "a o-> k; b o-> k"


def test_knowledge_leaves_exactly_the_members_that_obey_it():
    rng = np.random.default_rng(10)
    for members in all_classes(4):
        members = [member for member in members if not member.undirected.any()]
        if not members:
            continue
        truth = members[rng.integers(len(members))]
        order = [truth.nodes[k] for k in truth.order]
        cut = int(rng.integers(1, 4))
        knowledge = Knowledge(tiers=[order[:cut], order[cut:]])
        forbidden = knowledge.forbidden_matrix(truth.nodes)
        left = [member for member in members if not (member.directed & forbidden).any()]
        assert learn(truth, knowledge=knowledge).graph_ == union(left)


@pytest.mark.parametrize("algorithm", [FCI, RFCI])
def test_true_knowledge_adds_only_truth(algorithm):
    rng = np.random.default_rng(11)
    for _ in range(80):
        dag, latent, _ = random_case(rng, 10)
        mag = dag_to_mag(dag, latent)
        pag = mag_to_pag(mag)
        edges = [(e.left, e.right) for e in mag.edges() if e.symbol == "->"]
        order = [mag.nodes[k] for k in mag.order]
        cut = int(rng.integers(0, len(order) + 1))
        never = [
            (a, b) for a in order for b in order
            if a != b and (a, b) not in edges and rng.random() < 0.2
            and ((b, a) in edges or b not in mag.adjacent(a))
        ]  # fmt: skip
        knowledge = Knowledge(
            [tier for tier in (order[:cut], order[cut:]) if tier] if rng.random() < 0.5 else [],
            [edge for edge in edges if rng.random() < 0.2],
            never,
        )
        fci = learn(mag, algorithm, knowledge=knowledge)
        assert not fci.conflicts_
        assert (fci.graph_.adjacency == mag.adjacency).all() or algorithm is RFCI
        check_true(fci.graph_, mag)
        known = pag.ends != CIRCLE
        if algorithm is FCI and not never:
            assert (fci.graph_.ends[known] == pag.ends[known]).all()


def true_knowledge(rng, mag):
    """Edges that are there, directions that are not, and tiers that follow the order."""
    order = [mag.nodes[k] for k in mag.order]
    cut = int(rng.integers(1, len(order)))
    tiers = [order[:cut], order[cut:]] if rng.random() < 0.4 else []
    earlier = {name: rank for rank, tier in enumerate(tiers) for name in tier}
    share, share_never = rng.choice([0, 0.1, 0.3, 0.6]), rng.choice([0.1, 0.3, 0.6])
    edges = [(e.left, e.right) for e in mag.edges() if e.symbol == "->"]
    never = [(b, a) for a, b in edges if rng.random() < share_never]
    for edge in mag.edges():
        if edge.symbol == "<->" and rng.random() < share_never:  # both ways would mean no edge
            pair = edge.left, edge.right
            never.append(tuple(sorted(pair, key=lambda name: -earlier.get(name, 0))))
    return Knowledge(tiers, [edge for edge in edges if rng.random() < share], never)


def check_knowledge_adds_only_truth(algorithm, seed):
    rng = np.random.default_rng(seed)
    p = int(rng.integers(5, 8))
    dag = sparse_dag(p, expected_degree=float(rng.uniform(1.5, p - 1)), rng=rng)
    mag = dag_to_mag(dag, rng.permutation(dag.nodes)[: rng.integers(1, 3)].tolist())
    fitted = learn(mag, algorithm, knowledge=true_knowledge(rng, mag))
    assert not fitted.conflicts_
    check_true(fitted.graph_, mag)
    plain = learn(mag, algorithm).graph_.ends
    assert ((fitted.graph_.ends == plain) | (plain == CIRCLE)).all()
    assert (fitted.graph_.adjacency == mag.adjacency).all() or algorithm is RFCI


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), algorithm=st.sampled_from([FCI, RFCI]))
def test_true_knowledge_is_never_called_a_contradiction(seed, algorithm):
    check_knowledge_adds_only_truth(algorithm, seed)


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", [FCI, RFCI])
def test_true_knowledge_is_never_called_a_contradiction_in_many_graphs(algorithm):
    for seed in range(1500):
        check_knowledge_adds_only_truth(algorithm, seed)


@pytest.mark.parametrize("algorithm", [FCI, RFCI])
def test_a_required_edge_may_close_a_ring_of_circles(algorithm):
    """c -> e, and a, c, e joined by circles: directed e -> a -> c, these would make a cycle."""
    truth = CausalGraph.parse(
        "b -> a; c -> a; a -> d; e -> a; a -> f; b -> c; b -> d; b -> e; c -> d; c -> e; c -> f;"
        "e -> d; f -> d"
    )
    mag = dag_to_mag(truth, "b")
    for required, forbidden in (("ce", "fa"), ("ce", None), (None, "fa")):
        knowledge = Knowledge(
            required=[tuple(required)] if required else [],
            forbidden=[tuple(forbidden)] if forbidden else [],
        )
        fitted = learn(mag, algorithm, knowledge=knowledge)
        assert not fitted.conflicts_
        check_true(fitted.graph_, mag)
        assert str(fitted.graph_.edges_between("a", "f")[0]) == (
            "a o-> f" if forbidden else "a o-o f"
        )


@pytest.mark.parametrize("algorithm", [FCI, RFCI])
@pytest.mark.parametrize("rule", RULES)
def test_knowledge_is_obeyed_on_noise(algorithm, rule):
    rng = np.random.default_rng(12)
    names = [f"x{k}" for k in range(6)]
    for _ in range(12):
        order = rng.permutation(names).tolist()
        pairs = [(a, b) for i, a in enumerate(order) for b in order[i + 1 :]]
        required = [pair for pair in pairs if rng.random() < 0.15]
        forbidden = [
            (a, b) for a in names for b in names
            if a != b and (a, b) not in required and rng.random() < 0.3
        ]  # fmt: skip
        tiers = [order[:3], order[3:]] if rng.random() < 0.5 else []
        knowledge = Knowledge(tiers, required, forbidden)
        values = rng.normal(size=(30, 6)) + 0.7 * rng.normal(size=(30, 1))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", KnowledgeWarning)
            fitted = algorithm(alpha=0.2, knowledge=knowledge, collider_rule=rule).fit(values)
        graph = CausalGraph(names, fitted.graph_.ends, Kind.PAG)
        never = knowledge.forbidden_matrix(names)
        assert (graph.ends[never.T & graph.adjacency] == ARROW).all()
        assert not (graph.adjacency & never & never.T).any()
        assert (graph.directed | ~knowledge.required_matrix(names)).all()


def test_a_required_edge_stays_and_is_reported():
    rng = np.random.default_rng(0)
    data = {"a": rng.normal(size=200), "b": rng.normal(size=200), "c": rng.normal(size=200)}
    with pytest.warns(KnowledgeWarning, match="in 1 place"):
        fci = FCI(alpha=0.01, knowledge=Knowledge(required=[("b", "a")])).fit(data)
    assert str(fci.graph_.edges()[0]) == "b -> a"
    assert "b -> a is required and stays" in fci.conflicts_[0]
    assert "required" in fci.explain("a", "b").adjacency


def test_knowledge_that_contradicts_a_collider_is_reported():
    with pytest.warns(KnowledgeWarning):
        fci = learn("a -> c <- b", knowledge=Knowledge(required=[("c", "a")]))
    assert fci.graph_.edges_between("a", "c")[0].left == "c"
    assert "a *-> c <-* b is not drawn" in fci.conflicts_[0]
    assert "the knowledge contradicts it" in fci.conflicts_[0]


# --- laws ------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), algorithm=st.sampled_from([FCI, RFCI]))
def test_neither_the_order_of_columns_nor_their_names_matter(seed, algorithm):
    rng = np.random.default_rng(seed)
    values = noise(rng, n=80)
    frame = pd.DataFrame(values, columns=[f"v{k}" for k in range(values.shape[1])])
    one = algorithm(alpha=0.1).fit(frame)
    other = algorithm(alpha=0.1).fit(frame[rng.permutation(frame.columns)])
    assert one.graph_ == other.graph_
    assert one.n_tests_ == other.n_tests_
    assert one.conflicts_ == other.conflicts_
    renamed = frame.set_axis(rng.permutation(list("abcdefgh")[: frame.shape[1]]), axis=1)
    assert (algorithm(alpha=0.1).fit(renamed).graph_.ends == one.graph_.ends).all()


@pytest.mark.parametrize("algorithm", [FCI, RFCI])
def test_n_jobs_and_containers_do_not_matter(algorithm):
    values = noise(np.random.default_rng(5), 8, 16, 80)
    frame = pd.DataFrame(values, columns=[f"x{k}" for k in range(values.shape[1])])
    one = algorithm(alpha=0.1).fit(frame)
    with parallel_config("threading"):
        assert algorithm(alpha=0.1, n_jobs=2).fit(frame).graph_ == one.graph_
    for data in (pl.from_pandas(frame), frame.to_dict("list"), values):
        assert algorithm(alpha=0.1).fit(data).graph_ == one.graph_
    assert clone(one).get_params() == one.get_params()


# --- explain ---------------------------------------------------------------------------------


def test_explain_names_what_set_each_mark():
    truth = "a -> c <- b; c -> d; u -> e; u -> c"
    dag = CausalGraph.parse(truth)
    fci = FCI(Oracle(dag)).fit({name: [0.0, 1.0] for name in "abcde"})
    told = fci.explain("a", "c")
    assert told.edge == "a o-> c"
    assert "arrow at c: collider a *-> c <-* b, as {} separates a and b without c" in told.direction
    assert "circle at a: members of the class differ" in told.direction
    told = fci.explain("c", "d")
    assert told.direction == (
        "arrow at d: rule 1, otherwise a new collider would arise; "
        "tail at c: rule 1, otherwise a new collider would arise"
    )
    assert fci.explain("a", "d").adjacency == "independent given {c}"
    assert fci.explain("a", "b").test.p_value == 1.0
    frame = fci.trace_.to_frame()
    assert len(frame) == 10
    assert frame.set_index(["a", "b"]).loc[("c", "d"), "edge"] == "c -> d"


def test_explain_names_the_discriminating_path():
    truth = CausalGraph.parse("t -> a <-> b; a -> c; b -> c")
    fci = learn(truth)
    assert "rule 4, discriminating path t, a, b, c" in fci.explain("b", "c").direction
    assert "{a, b}, which has b in it, separates t and c" in fci.explain("b", "c").direction
    truth = CausalGraph.parse("t -> a <-> b; a -> c; b <-> c")
    assert "separates t and c without b" in learn(truth).explain("b", "c").direction


def test_explain_needs_a_fit_and_two_variables():
    with pytest.raises(NotFittedError):
        FCI().explain("a", "b")
    fci = learn("a -> b")
    with pytest.raises(InputError, match="expected two variables"):
        fci.explain("a", "a")
    with pytest.raises(UnknownVariableError):
        fci.explain("a", "z")


# --- time budget -----------------------------------------------------------------------------


@dataclass(frozen=True)
class SlowOracle(CITest):
    """An oracle that takes a while for each answer."""

    graph: CausalGraph
    seconds: float

    def bind(self, table):
        return SlowBound(Oracle(self.graph).bind(table), self.seconds)


@dataclass(frozen=True)
class SlowBound(BoundTest):
    """Its answers are the oracle's."""

    oracle: BoundTest
    seconds: float

    def __call__(self, i, j, given=()):
        time.sleep(self.seconds)
        return self.oracle(i, j, given)


@pytest.mark.parametrize("algorithm", [FCI, RFCI])
def test_an_interrupted_search_says_nothing_wrong(algorithm):
    rng = np.random.default_rng(13)
    n_stopped = n_marks = 0
    for _ in range(12):
        dag, latent, _ = random_case(rng, 9)
        mag = dag_to_mag(dag, latent)
        test = SlowOracle(mag, 0.0005)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TimeBudgetWarning)
            fitted = algorithm(test, max_seconds=float(rng.uniform(0.005, 0.05))).fit(nodes_of(mag))
        check_true(fitted.graph_, mag)
        assert (fitted.graph_.adjacency | ~mag.adjacency).all()
        n_stopped += fitted.stopped_ is not None
        n_marks += (fitted.graph_.ends[fitted.graph_.adjacency] != CIRCLE).sum()
    assert n_stopped > 3
    assert n_marks > 0


@contextmanager
def flag_after(seconds):
    """A flag that is raised after a while, or at once."""
    flag = np.array([seconds == 0])
    timer = threading.Timer(seconds, flag.fill, (True,))
    timer.start()
    try:
        yield flag
    finally:
        timer.cancel()


@pytest.mark.parametrize("algorithm", [FCI, RFCI])
def test_marks_that_were_drawn_in_time_are_true(algorithm, monkeypatch):
    """The search is complete, and the flag is raised somewhere in the orientation."""
    rng = np.random.default_rng(17)
    dag = sparse_dag(20, expected_degree=2.5, rng=rng)
    mag = dag_to_mag(dag, rng.permutation(dag.nodes)[:3].tolist())
    full = learn(mag, algorithm).graph_
    n_unfinished = n_marks = 0
    for seconds in [0, *np.geomspace(1e-4, 0.1, 8), 600]:
        monkeypatch.setattr(fci, "flag_when_up", lambda _, s=seconds: flag_after(s))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            fitted = learn(mag, algorithm)
        graph = CausalGraph(full.nodes, fitted.graph_.ends, Kind.PAG)
        drawn = (graph.ends != CIRCLE) & graph.adjacency
        if algorithm is FCI:
            assert (graph.ends[drawn] == full.ends[drawn]).all()
        check_true(graph, mag)
        if fitted.stopped_:
            assert "time was up while marks were drawn" in fitted.stopped_
            assert [w.category for w in caught] == [TimeBudgetWarning]
            assert not (graph.ends == TAIL).any()
            n_marks += drawn.sum()
        else:
            assert graph == full
            assert not caught
        fitted.explain(*mag.nodes[:2])
        n_unfinished += fitted.stopped_ is not None
    assert 0 < n_unfinished < 10


@pytest.mark.parametrize("algorithm", [FCI, RFCI])
def test_knowledge_is_obeyed_even_if_the_time_is_up(algorithm, monkeypatch):
    knowledge = Knowledge(required=[("a", "c")], forbidden=[("c", "d")])
    truth = CausalGraph.parse("a -> c <- b; c <- d")
    monkeypatch.setattr(fci, "flag_when_up", lambda _: flag_after(0))
    with pytest.warns(TimeBudgetWarning, match="while marks were drawn"):
        fitted = learn(truth, algorithm, knowledge=knowledge)
    assert fitted.graph_ == CausalGraph.parse("PAG: a -> c; b o-o c; d o-> c")


@pytest.mark.parametrize("algorithm", [FCI, RFCI])
def test_too_many_triples_are_not_listed(algorithm, monkeypatch):
    monkeypatch.setattr(_latent_triples, "_SECONDS", 1e9)
    truth = CausalGraph.parse("a -> c <- b; c -> d")
    with pytest.warns(TimeBudgetWarning, match="before colliders were judged"):
        fitted = learn(truth, algorithm, max_seconds=60)
    assert fitted.graph_.to_text() == "a o-o c; c o-o b; c o-o d"
    assert "the time was up before colliders were judged" in fitted.stopped_
    assert learn(truth, algorithm).graph_ == mag_to_pag(truth)


def test_triples_are_counted_from_a_few_nodes():
    rng = np.random.default_rng(18)
    for p in (1, 2, 7, 15):  # all nodes are looked at
        joined = np.triu(rng.random((p, p)) < 0.5, 1)
        joined |= joined.T
        found = SimpleNamespace(adjacency=joined, record=SimpleNamespace(p=p))
        expected = sum(
            joined[a, k] and joined[b, k] and not joined[a, b]
            for k in range(p)
            for a in range(p)
            for b in range(a)
        )
        assert _latent_triples._about_triples(found) == pytest.approx(expected)


def test_a_generous_budget_changes_nothing():
    values = noise(np.random.default_rng(19), 9, 20, 100)
    for algorithm in (FCI, RFCI):
        timed = algorithm(alpha=0.1, max_seconds=600).fit(values)
        assert timed.stopped_ is None
        assert timed.graph_ == algorithm(alpha=0.1).fit(values).graph_


# --- hostile data ----------------------------------------------------------------------------


def test_one_and_two_columns():
    graph = FCI().fit({"only": [1.0, 2.0, 3.0, 5.0]}).graph_
    assert graph.nodes == ("only",)
    assert graph.kind is Kind.PAG
    x = np.arange(20.0)
    assert FCI().fit({1: x, 2: x + np.sin(x)}).graph_.to_text() == "1 o-o 2"


@pytest.mark.filterwarnings("ignore::causalkit.errors.RedundantColumnsWarning")
def test_copies_stay_joined():
    rng = np.random.default_rng(0)
    x = rng.normal(size=300)
    data = {"x": x, "copy": 2 * x + 1, "y": x + rng.normal(size=300), "z": rng.normal(size=300)}
    fci = FCI(alpha=0.01).fit(data)
    assert fci.graph_.edges_between("x", "copy")
    assert fci.n_untestable_ > 0


def test_fewer_rows_than_columns():
    values = np.random.default_rng(1).normal(size=(8, 15))
    for algorithm in (FCI, RFCI):
        graph = algorithm(alpha=0.2).fit(values).graph_
        assert mag_to_pag(representative(graph)) == graph


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({"a": [1.0, np.nan, 2.0, 4.0, 5.0], "b": [1.0, 2.0, 3.0, 5.0, 4.0]}, "missing"),
        ({"a": [1.0] * 5, "b": [1.0, 2.0, 3.0, 5.0, 4.0]}, "one value only"),
    ],
)
def test_bad_columns_are_named(data, problem):
    with pytest.raises(InputError, match=problem):
        FCI().fit(data)


@pytest.mark.parametrize(
    "setting",
    [{"alpha": 0}, {"max_order": -1}, {"collider_rule": "best"}, {"max_seconds": 0}],
)
def test_bad_settings(setting):
    with pytest.raises(InputError, match=next(iter(setting))):
        FCI(**setting).fit({"a": [1.0, 2, 4, 3, 5], "b": [1.0, 3, 2, 5, 4]})
    with pytest.raises(InputError, match="expected a conditional-independence test"):
        FCI(FisherZ).fit({"a": [1.0, 2, 4, 3, 5], "b": [1.0, 3, 2, 5, 4]})
