from __future__ import annotations

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from causalkit.discovery import FCI, PC, Bootstrap, Knowledge
from causalkit.errors import (
    InputError,
    KnowledgeWarning,
    RedundantColumnsWarning,
    UnknownVariableError,
)
from causalkit.graph import CausalGraph, Edge, Kind
from causalkit.graph.equivalence import consistent_extension, is_equivalence_class, meek_closure
from causalkit.independence import KCI, BoundTest, CIResult, CITest, FisherZ, Oracle, RCoT
from tests.oracles.discovery import (
    class_by_enumeration,
    linear_data,
    nodes_of,
    random_dag,
    structural_distance,
)

RULES = ("paired", "standard", "conservative", "majority", "max-p")


def learn(truth, **settings):
    if isinstance(truth, str):
        truth = CausalGraph.parse(truth, kind="DAG")
    return PC(Oracle(truth), **settings).fit(nodes_of(truth))


# --- with an oracle: exactly the class -------------------------------------------------------


@pytest.mark.parametrize("rule", RULES)
def test_finds_the_whole_class_by_enumeration(rule):
    rng = np.random.default_rng(0)
    for _ in range(300):
        dag = random_dag(rng)
        pc = learn(dag, collider_rule=rule)
        assert pc.graph_ == class_by_enumeration(dag)
        assert not pc.conflicts_
        assert not pc.ambiguous_


@pytest.mark.parametrize("large", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_finds_the_published_classes(shared, large):
    content = json.loads((shared / "discovery_oracle" / "dag_cpdag_pag_60.json").read_text())
    for case in content["cases"]:
        if (case["p"] * case["expected_degree"] > 80) != large:  # one dense graph takes long
            continue
        dag = CausalGraph.from_edges(case["nodes"], map(tuple, case["edges"]), Kind.DAG)
        found = learn(dag).graph_
        edges = [Edge(a, b, "->") for a, b in case["cpdag"]["directed"]]
        edges += [Edge(a, b, "--") for a, b in case["cpdag"]["undirected"]]
        assert found == CausalGraph.from_edges(case["nodes"], edges, Kind.CPDAG), case["id"]


def true_knowledge(rng, dag):
    """Some things that are true of a DAG, of every sort that Knowledge can say."""
    order = [dag.nodes[k] for k in dag.order]
    cuts = np.sort(rng.integers(0, len(order) + 1, 2))
    tiers = [t for t in (order[: cuts[0]], order[cuts[0] : cuts[1]], order[cuts[1] :]) if t]
    tiers = [[name for name in tier if rng.random() < 0.7] for tier in tiers]
    edges = [(edge.left, edge.right) for edge in dag.edges()]
    others = [(a, b) for a in order for b in order if a != b and (a, b) not in edges]
    return Knowledge(
        tiers=tiers if rng.random() < 0.6 else [],
        required=[edge for edge in edges if rng.random() < 0.2],
        forbidden=[pair for pair in others if rng.random() < rng.choice([0.0, 0.2, 0.6])],
    )


@pytest.mark.parametrize("rule", RULES)
def test_knowledge_leaves_exactly_the_members_that_obey_it(rule):
    rng = np.random.default_rng(1)
    for _ in range(150):
        dag = random_dag(rng)
        knowledge = true_knowledge(rng, dag)
        pc = learn(dag, knowledge=knowledge, collider_rule=rule)
        assert pc.graph_ == class_by_enumeration(dag, knowledge.forbidden_matrix(dag.nodes))
        assert not pc.conflicts_
        assert not pc.ambiguous_


def test_separating_sets_separate():
    dag = CausalGraph.parse("a -> b -> c; a -> d -> c; c -> e")
    pc = learn(dag)
    assert set(pc.separators_["a", "c"].given) == {"b", "d"}
    assert pc.separators_["b", "d"].given == ("a",)
    assert frozenset("ae") in pc.separators_
    assert ("a", "b") not in pc.separators_
    assert len(pc.separators_) == 5


# --- with data -------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", RULES)
def test_noisy_data_still_give_a_class(rule):
    rng = np.random.default_rng(2)
    n_conflicts = 0
    for _ in range(60):
        dag = random_dag(rng, max_nodes=9, max_edges=20)
        n = int(rng.integers(8, 60))
        pc = PC(alpha=float(rng.choice([0.05, 0.3])), collider_rule=rule)
        pc.fit(linear_data(rng, dag, n))
        assert is_equivalence_class(pc.graph_)
        n_conflicts += len(pc.conflicts_)
    assert n_conflicts > 0, "the data were meant to be contradictory"


@pytest.mark.parametrize("rule", RULES)
def test_knowledge_is_obeyed_on_noise(rule):
    rng = np.random.default_rng(3)
    names = [f"x{k}" for k in range(7)]
    for _ in range(25):
        order = rng.permutation(names).tolist()
        pairs = [(a, b) for i, a in enumerate(order) for b in order[i + 1 :]]
        required = [pair for pair in pairs if rng.random() < 0.15]
        forbidden = [
            (a, b) for a in names for b in names
            if a != b and (a, b) not in required and rng.random() < 0.3
        ]  # fmt: skip
        tiers = [order[:3], order[3:]] if rng.random() < 0.5 else []
        knowledge = Knowledge(tiers, required, forbidden)
        values = rng.normal(size=(30, 7)) + 0.7 * rng.normal(size=(30, 1))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", KnowledgeWarning)
            graph = PC(alpha=0.2, knowledge=knowledge, collider_rule=rule).fit(values).graph_
        assert not (graph.directed & knowledge.forbidden_matrix(names)).any()
        assert not (graph.undirected & knowledge.forbidden_matrix(names)).any()
        assert (graph.directed | ~knowledge.required_matrix(names)).all()
        assert meek_closure(graph) == graph
        member = consistent_extension(graph)
        assert not (member.directed & knowledge.forbidden_matrix(names)).any()


def test_skeleton_agrees_with_causal_learn():
    from causallearn.search.ConstraintBased.PC import pc as peer

    rng = np.random.default_rng(4)
    for p, alpha in [(8, 0.05), (12, 0.01), (15, 0.05), (20, 0.001)]:
        dag = random_dag(rng, max_nodes=p, max_edges=2 * p)
        values = linear_data(rng, dag, 300)
        if values.shape[1] < 3:
            continue
        theirs = peer(values, alpha, "fisherz", stable=True, show_progress=False).G.graph != 0
        assert (PC(alpha=alpha).fit(values).graph_.adjacency == theirs).all()


@pytest.mark.slow
def test_skeleton_agrees_with_causal_learn_on_sixty_wider_tables():
    from causallearn.search.ConstraintBased.PC import pc as peer

    from causalkit.graph import random_dag as sparse_dag

    sizes = [(10, 24), (20, 20), (50, 14), (100, 2)]
    for p, seed in [(p, seed) for p, count in sizes for seed in range(count)]:
        rng = np.random.default_rng([p, seed])
        dag = sparse_dag(p, expected_degree=(2, 4)[seed % 2] if p < 100 else 2, rng=rng)
        values, alpha = linear_data(rng, dag, (300, 1000)[seed % 2]), (0.01, 0.05)[seed // 2 % 2]
        theirs = peer(values, alpha, "fisherz", stable=True, show_progress=False).G.graph != 0
        assert (PC(alpha=alpha).fit(values).graph_.adjacency == theirs).all(), (p, seed)


@pytest.mark.parametrize("rule", RULES)
def test_more_rows_bring_the_truth_nearer(rule):
    rng = np.random.default_rng(5)
    distances = {50: 0, 500: 0, 20_000: 0}
    for _ in range(15):
        dag = random_dag(rng, max_nodes=8, max_edges=10)
        values, truth = linear_data(rng, dag, 20_000), dag.to_cpdag()
        for n in distances:
            found = PC(alpha=0.01, collider_rule=rule).fit(values[:n]).graph_
            distances[n] += structural_distance(found, truth)
    assert distances[50] > distances[500] > distances[20_000]


def test_published_run_on_ten_thousand_rows(shared):
    """R pcalg's PC-stable at 0.05 on the same rows; at least its skeleton is the same."""
    folder = shared / "discovery_reference_data"
    data = pd.read_csv(folder / "linear_1.csv.gz", sep=None, engine="python")
    known = json.loads((folder / "reference_graphs.json").read_text())["linear_1"]
    expected = {frozenset((a, b)) for a, _, b in known["pcalg_pc_stable_lin1_0.05"]}
    assert PC(alpha=0.05).fit(data).graph_.skeleton() == expected


# --- contradictions --------------------------------------------------------------------------


def test_a_required_edge_stays_and_is_reported():
    rng = np.random.default_rng(0)
    data = {"a": rng.normal(size=200), "b": rng.normal(size=200), "c": rng.normal(size=200)}
    with pytest.warns(KnowledgeWarning, match="in 1 place"):
        pc = PC(alpha=0.01, knowledge=Knowledge(required=[("b", "a")])).fit(data)
    assert str(pc.graph_.edges()[0]) == "b -> a"
    assert "b -> a is required and stays" in pc.conflicts_[0]
    assert "required" in pc.explain("a", "b").adjacency


def test_a_forbidden_collider_is_reported():
    truth = CausalGraph.parse("a -> c <- b")
    with pytest.warns(KnowledgeWarning):
        pc = learn(truth, knowledge=Knowledge(forbidden=[("a", "c")]))
    assert {str(edge) for edge in pc.graph_.edges()} == {"c -> a", "b -- c"} or (
        pc.graph_.directed[pc.graph_.index("c"), pc.graph_.index("a")]
    )
    assert "a -> c <- b is not drawn" in pc.conflicts_[0]
    assert "test independent given {} (p = 1), which lacks c" in pc.conflicts_[0]
    assert "the knowledge contradicts that" in pc.conflicts_[0]


def test_a_required_collider_cannot_explain_a_dependence():
    """If c is an effect of both, then a and b depend on each other for another reason."""
    pc = learn("a -> c -> b", knowledge=Knowledge(required=[("a", "c"), ("b", "c")]))
    assert {str(edge) for edge in pc.graph_.edges()} == {"a -> c", "b -> c", "a -- b"}


def test_knowledge_that_directs_a_circle_costs_the_weakest_edge():
    rng = np.random.default_rng(1)
    a, b, c = rng.normal(size=(3, 500))
    data = {"a": a, "b": a + b, "c": 0.3 * a + a + b + c}
    knowledge = Knowledge(forbidden=[("a", "b"), ("b", "c"), ("c", "a")])
    with pytest.warns(KnowledgeWarning):
        pc = PC(alpha=0.05, knowledge=knowledge).fit(data)
    assert len(pc.graph_.edges()) == 2
    assert "the knowledge directs edges in a circle" in pc.conflicts_[0]


@pytest.mark.parametrize("search", [PC, FCI])
def test_true_tiers_are_not_called_contradicted_and_reversed_ones_are(search):
    tiers = [[f"v{k}" for k in range(start, start + 3)] for start in (0, 3, 6, 9)]
    warned = {"true": 0, "reversed": 0}
    for seed in range(20):
        rng = np.random.default_rng(seed)
        there, signs = rng.random((12, 12)) < 2 / 11, rng.choice([-1, 1], (12, 12))
        weights = np.triu(there * signs * rng.uniform(0.3, 1.0, (12, 12)), 1)
        noise = rng.normal(size=(1000, 12))
        rows = noise @ np.linalg.inv(np.eye(12) - weights)
        data = {f"v{k}": rows[:, k] for k in range(12)}
        for which, order in (("true", tiers), ("reversed", tiers[::-1])):
            with warnings.catch_warnings(record=True) as heard:
                warnings.simplefilter("always")
                search(alpha=0.01, knowledge=Knowledge(tiers=order)).fit(data)
            warned[which] += any(w.category is KnowledgeWarning for w in heard)
    assert warned["true"] <= 2
    assert warned["reversed"] >= 12


# --- hostile data ----------------------------------------------------------------------------


def test_one_column():
    graph = PC().fit({"only": [1.0, 2.0, 3.0, 5.0]}).graph_
    assert graph.nodes == ("only",)
    assert graph.kind is Kind.CPDAG


def test_copies_stay_joined_and_do_not_break_the_search():
    rng = np.random.default_rng(0)
    x = rng.normal(size=300)
    data = {"x": x, "copy": 3 * x - 2, "y": x + rng.normal(size=300), "z": rng.normal(size=300)}
    with pytest.warns(RedundantColumnsWarning, match="as good as: x and copy. No"):
        pc = PC().fit(data)
    assert pc.graph_.skeleton() == {
        frozenset(p) for p in [("x", "copy"), ("x", "y"), ("copy", "y")]
    }
    assert pc.n_untestable_ > 0


def test_more_columns_than_rows():
    pc = PC(alpha=0.01).fit(np.random.default_rng(0).normal(size=(12, 40)))
    assert is_equivalence_class(pc.graph_)


def test_tiny_tables():
    with pytest.raises(InputError, match="at least 4 rows"):
        PC().fit(np.eye(3))
    graph = PC(alpha=0.5).fit(np.random.default_rng(0).normal(size=(4, 3))).graph_
    assert is_equivalence_class(graph)


def test_integer_names_and_huge_values():
    rng = np.random.default_rng(0)
    values = linear_data(rng, CausalGraph.parse("x0 -> x2; x1 -> x2; x2 -> x3"), 2000)
    named = pd.DataFrame(values * 1e300, columns=[7, 3, 11, 2])
    graph = PC(alpha=0.001, knowledge=Knowledge([[7, 11], [3, 2]])).fit(named).graph_
    assert str(graph) == "CPDAG with 4 nodes, 3 edges: 7 -> 3; 11 -> 3; 3 -> 2"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"alpha": 0}, "alpha=0"),
        ({"alpha": 1.5}, "alpha=1.5"),
        ({"max_order": -1}, "max_order=-1"),
        ({"collider_rule": "maxp"}, "collider_rule='maxp'; expected one of 'paired'"),
        ({"test": FisherZ}, "with parentheses"),
        ({"test": "fisherz"}, "test='fisherz'"),
        ({"knowledge": {"tiers": []}}, "knowledge is a dict"),
    ],
)
def test_wrong_settings(settings, message):
    with pytest.raises(InputError, match=message):
        PC(**settings).fit(np.random.default_rng(0).normal(size=(20, 3)))


def test_unknown_settings_are_not_swallowed():
    with pytest.raises(TypeError):
        PC(alhpa=0.2)


def test_knowledge_about_a_column_that_is_not_there():
    with pytest.raises(UnknownVariableError, match="Did you mean 'x1'"):
        PC(knowledge=Knowledge(forbidden=[("x0", "x11")])).fit(
            np.eye(5)[:, :2] + np.arange(5)[:, None]
        )


# --- reasons ---------------------------------------------------------------------------------


def test_every_pair_is_explained():
    rng = np.random.default_rng(6)
    for seed in range(10):
        dag = random_dag(np.random.default_rng(seed), 7)
        pc = PC(alpha=0.1).fit(linear_data(rng, dag, 50))
        for a in pc.graph_.nodes:
            for b in pc.graph_.nodes:
                if a == b:
                    continue
                why = pc.explain(a, b)
                joined = bool(pc.graph_.edges_between(a, b))
                assert (why.direction is not None) == joined
                assert joined or pc.separators_[a, b] == why.test
                assert not joined or why.test.p_value <= 0.1
                assert "edge" in repr(why)


def test_reasons_name_the_rule_the_collider_and_the_knowledge():
    pc = learn("a -> c <- b; c -> d; d -> e", knowledge=Knowledge(tiers=[["d"], ["e"]]))
    assert pc.explain("a", "c").direction.startswith("collider a -> c <- b: {} separates a and b")
    assert pc.explain("d", "c").direction == (
        "Meek rule 1 with a: otherwise a new collider would arise"
    )
    assert pc.explain("e", "d").direction == "knowledge: e is in a later tier than d"
    assert pc.explain("a", "b").adjacency == "independent without conditioning on anything"
    assert pc.explain("a", "d").adjacency == "independent given {c}"
    assert learn("a -> b").explain("a", "b").direction.startswith("undecided")
    forbidden = Knowledge(forbidden=[("a", "b"), ("b", "a")])
    assert "forbidden" in learn("a -> c <- b", knowledge=forbidden).explain("a", "b").adjacency
    with pytest.raises(InputError, match="expected two variables"):
        pc.explain("a", "a")
    with pytest.raises(UnknownVariableError):
        pc.explain("a", "z")


def test_explain_needs_a_fit():
    from sklearn.exceptions import NotFittedError

    with pytest.raises(NotFittedError):
        PC().explain("a", "b")


def test_numpy_integers_name_columns_as_integers_do():
    rows = np.random.default_rng(0).normal(size=(100, 3))
    pc = PC().fit(pd.DataFrame(rows))
    assert str(pc.explain(np.int64(0), np.int64(1))) == str(pc.explain(0, 1))
    with pytest.raises(InputError, match="two variables"):
        pc.explain(np.int64(0), 0)


@pytest.mark.parametrize("key", [5, "ab", ("a",), ("a", "b", "c"), None])
def test_separators_are_asked_for_by_pair(key):
    pc = PC().fit(np.random.default_rng(0).normal(size=(100, 3)))
    with pytest.raises(InputError, match="no pair of variables"):
        pc.separators_[key]
    with pytest.raises(InputError, match="no pair of variables"):
        assert key in pc.separators_
    assert ("x0", "nothing") not in pc.separators_


@pytest.mark.parametrize("algorithm", [PC(), FCI()])
@pytest.mark.parametrize("name", ["separators_", "conflicts_", "ambiguous_"])
def test_what_was_learnt_is_not_there_before_fit(algorithm, name):
    assert not hasattr(algorithm, name)
    with pytest.raises(NotFittedError, match="not fitted"):
        getattr(algorithm, name)


class Threads(CITest):
    """A "test" whose answers are the threads that products of matrices may use."""

    def bind(self, table):  # noqa: ARG002
        return BoundThreads()


class BoundThreads(BoundTest):
    def __call__(self, i, j, given=()):  # noqa: ARG002
        from threadpoolctl import threadpool_info

        used = max(pool["num_threads"] for pool in threadpool_info())
        return CIResult(float(used), 0.01 if i else 0.9, 9)


@pytest.mark.parametrize("algorithm", [PC, FCI])
@pytest.mark.parametrize("collider_rule", ["standard", "max-p"])
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_products_are_made_by_one_thread_in_every_process(algorithm, collider_rule, n_jobs):
    from threadpoolctl import threadpool_limits

    rows = np.random.default_rng(0).normal(size=(9, 4))
    with threadpool_limits(2):
        found = algorithm(Threads(), collider_rule=collider_rule, n_jobs=n_jobs).fit(rows)
        inside = algorithm(Threads(), max_seconds=600, n_jobs=n_jobs).fit(rows)
        drawn = Bootstrap(algorithm(Threads()), 2, n_jobs=n_jobs, random_state=0).fit(rows)
    for fitted in (found, inside, drawn.algorithm_):
        assert set(fitted.trace_.to_frame()["statistic"]) == {1.0}


def test_jobs_change_no_digit():
    rng = np.random.default_rng(0)
    a, b, noise = rng.normal(size=(3, 320))
    c = np.sin(a) + b + noise
    rows = {"a": a, "b": b, "c": c, "d": c**2 + rng.normal(size=320)}
    for test in (KCI(), RCoT()):
        one, two = (PC(test, n_jobs=n_jobs).fit(rows).trace_.to_frame() for n_jobs in (None, 2))
        pd.testing.assert_frame_equal(one, two, check_exact=True)
