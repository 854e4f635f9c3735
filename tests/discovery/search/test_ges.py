"""GES: what brute force does on four nodes, the true class of the population, and peers."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from causalkit._core.table import as_table
from causalkit.discovery import Knowledge
from causalkit.discovery.search._ges_search import backward, walk
from causalkit.discovery.search._score_setup import set_up_search
from causalkit.discovery.search.ges import GES
from causalkit.errors import InputError, NumericalError, TimeBudgetWarning
from causalkit.graph import CausalGraph, Edge, Kind, dag_to_cpdag
from causalkit.graph.generate import random_dag as sparse_dag
from causalkit.scores import DiscreteBIC, ExtendedBIC, GaussianBIC, LocalScore, Score
from tests.conftest import needs_recent_causal_learn
from tests.laws.test_score_search_laws import noisy_frame, obeys, population, random_knowledge
from tests.oracles import ges as oracle
from tests.oracles.discovery import class_by_enumeration, linear_data, random_dag

CLASSIC = {"phases": ("forward", "backward"), "repeat": "never"}
ROUNDS = {"phases": ("forward", "backward", "turning"), "repeat": "round"}
WAYS = {"default": {}, "classic": CLASSIC, "rounds": ROUNDS}

ORDERS = [
    (("forward",), "never"),
    (("backward",), "never"),
    (("turning",), "never"),
    (("forward", "backward"), "never"),
    (("forward", "backward", "turning"), "round"),
    (("backward", "turning", "forward"), "step"),
]

every_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())


class CalledBIC(Score):
    """The Gaussian score as compiled code sees one that is Python."""

    def bind(self, table):
        return CalledLocal(GaussianBIC(1.0).bind(table))


class CalledLocal(LocalScore):
    def __init__(self, inner):
        self.inner = inner

    @property
    def n_columns(self):
        return self.inner.n_columns

    def __call__(self, node, parents):
        return self.inner(node, parents)


class LopsidedBIC(Score):
    """A score that has likes and dislikes, so that Markov-equivalent graphs differ."""

    def bind(self, table):
        return LopsidedLocal(GaussianBIC(1.0).bind(table))


class LopsidedLocal(CalledLocal):
    def __call__(self, node, parents):
        return self.inner(node, parents) + sum(6.0 * np.sin(9 * node + 5 * a) for a in parents)


def fit_population(search, dag, seed) -> GES:
    search._fit(population(dag, np.random.default_rng(seed)))
    return search


# --- brute force ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def every_class():
    found = oracle.classes(4)
    assert len(found) == 185  # Gillispie and Perlman 2002, table 1
    return found


def drawn_problem(every, rng, known: bool):
    """Noise of mixed columns, a DAG to begin with, and knowledge that it obeys."""
    p = 4
    values = rng.normal(size=(30, p)) @ rng.normal(size=(p, p))
    names = tuple("abcd")
    listed = list(every.values())
    members = listed[rng.integers(len(listed))]
    dag = members[rng.integers(len(members))]
    allowed, required = np.ones((p, p), dtype=bool), np.zeros((p, p), dtype=bool)
    if known:
        required = dag & (rng.random((p, p)) < 0.3)
        allowed = ((rng.random((p, p)) < 0.7) | dag) & ~required.T
    pairs = [(i, j) for i in range(p) for j in range(p) if i != j]
    knowledge = Knowledge(
        required=[(names[i], names[j]) for i, j in pairs if required[i, j]],
        forbidden=[(names[i], names[j]) for i, j in pairs if not allowed[i, j]],
    )
    setup = set_up_search(
        as_table(dict(zip(names, values.T, strict=True))),
        GaussianBIC(rng.choice([0.05, 0.5, 1.0, 2.0])),
        knowledge,
        skeleton=None,
        max_parents=max(int(rng.integers(1, 6)), int(dag.sum(axis=0).max())),
        max_seconds=None,
    )
    return setup, dag


@pytest.mark.parametrize("known", [False, True], ids=["free", "knowledge"])
@pytest.mark.parametrize(("phases", "again"), ORDERS)
def test_each_step_is_the_best_there_is(every_class, phases, again, known):
    rng = np.random.default_rng(len(phases) + 10 * known)
    for _ in range(40):
        setup, dag = drawn_problem(every_class, rng, known)
        limits = setup.allowed, setup.required
        found = walk(setup, dag, phases, again=again)
        key, score = oracle.climb_classes(
            every_class,
            setup.local,
            dag,
            phases,
            again,
            lambda member, limits=limits: oracle.permitted(member, *limits),
            setup.max_parents,
        )
        assert oracle.class_key(found.dag) == key
        assert oracle.permitted(found.dag, *limits)
        assert oracle.total(setup.local, found.dag) == pytest.approx(score)


def test_deletions_can_be_had_alone(every_class):
    rng = np.random.default_rng(5)
    for _ in range(30):
        setup, dag = drawn_problem(every_class, rng, known=True)
        after = backward(setup, dag)
        assert oracle.permitted(after, setup.allowed, setup.required)
        assert not ((after | after.T) & ~(dag | dag.T)).any()
        assert oracle.total(setup.local, after) >= oracle.total(setup.local, dag) - 1e-9


# --- the population -------------------------------------------------------------------------------


@every_way
def test_with_all_rows_there_are_the_class_is_found(way):
    rng = np.random.default_rng(0)
    for k in range(80):
        p = int(rng.integers(2, 21))
        dag = sparse_dag(p, expected_degree=min(4.0, p - 1) * rng.random(), rng=rng)
        assert fit_population(GES(**way), dag, k).graph_ == dag_to_cpdag(dag)


@pytest.mark.slow
def test_with_all_rows_there_are_dense_classes_are_found():
    rng = np.random.default_rng(1)
    for k in range(300):
        dag = sparse_dag(int(rng.integers(8, 21)), expected_degree=4.0, rng=rng)
        assert fit_population(GES(), dag, k).graph_ == dag_to_cpdag(dag)


def test_published_classes_are_found(shared):
    content = json.loads((shared / "discovery_oracle" / "dag_cpdag_pag_60.json").read_text())
    for k, case in enumerate(content["cases"]):
        truth = CausalGraph.from_edges(case["nodes"], [Edge(a, b, "->") for a, b in case["edges"]])
        graph = fit_population(GES(), truth, k).graph_
        directed = [Edge(a, b, "->") for a, b in case["cpdag"]["directed"]]
        loose = [Edge(a, b, "--") for a, b in case["cpdag"]["undirected"]]
        assert graph == CausalGraph.from_edges(case["nodes"], directed + loose, Kind.CPDAG)


def test_no_dag_scores_higher_in_the_population():
    rng = np.random.default_rng(2)
    every = oracle.all_dags(4)
    assert len(every) == 543
    for k in range(10):
        dag = random_dag(rng, max_nodes=4, max_edges=6)
        if len(dag.nodes) < 4:
            continue
        fitted = fit_population(GES(), dag, k)
        local = fitted.trace_.setup.local
        assert fitted.score_ == pytest.approx(max(oracle.total(local, m) for m in every))


@every_way
def test_with_true_knowledge_the_class_within_it_is_found(way):
    rng = np.random.default_rng(3)
    for k in range(60):
        dag = random_dag(rng, max_nodes=6, max_edges=9)
        pairs = [(a, b) for a in dag.nodes for b in dag.nodes if a != b]
        true = [(a, b) for a, b in pairs if b in dag.children(a)]
        knowledge = Knowledge(
            required=[pair for pair in true if rng.random() < 0.3],
            forbidden=[pair for pair in pairs if pair not in true and rng.random() < 0.3],
        )
        fitted = fit_population(GES(knowledge=knowledge, **way), dag, k)
        forbidden = knowledge.forbidden_matrix(dag.nodes)
        assert fitted.graph_ == class_by_enumeration(dag, forbidden)


# --- knowledge and limits -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "seeds", [range(200), pytest.param(range(200, 1200), marks=pytest.mark.slow)]
)
def test_knowledge_is_never_violated(seeds):
    for seed in seeds:
        rng = np.random.default_rng(seed)
        frame = noisy_frame(seed, n=40)
        knowledge = random_knowledge(rng, list(frame.columns))
        way = list(WAYS.values())[seed % 3]
        fitted = GES(GaussianBIC(0.5), knowledge=knowledge, **way).fit(frame)
        assert obeys(fitted.graph_, knowledge)
        assert obeys(fitted.dag_, knowledge)
        assert dag_to_cpdag(fitted.dag_).skeleton() == fitted.graph_.skeleton()


@every_way
def test_no_member_has_too_many_parents(way):
    for seed in range(20):
        for most in (0, 1, 2):
            fitted = GES(GaussianBIC(0.1), max_parents=most, **way).fit(noisy_frame(seed))
            assert fitted.dag_.directed.sum(axis=0).max(initial=0) <= most


def test_a_search_may_begin_where_another_ended():
    frame = noisy_frame(4, n=300)
    fitted = GES().fit(frame)
    again = GES(initial=fitted.graph_).fit(frame)
    assert again.n_steps_ == 0
    assert again.graph_ == fitted.graph_
    dense = GES(GaussianBIC(0.1)).fit(frame).dag_
    assert GES(initial=dense).fit(frame).score_ >= ExtendedBIC().total(frame, dense)


def test_a_beginning_is_replaced_by_a_member_that_obeys():
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(50, 3)), columns=list("abc"))
    chain = CausalGraph.parse("a -> b -> c")
    early_c = GES(initial=chain, knowledge=Knowledge(tiers=["c", "b", "a"]), phases=["forward"])
    assert early_c.fit(frame).dag_ == CausalGraph.parse("c -> b -> a", kind="DAG").reordered("abc")


BEGINNINGS = {
    "other names": (CausalGraph.parse("a -> z"), {}, "expected the same names"),
    "another kind": (CausalGraph.parse("a <-> b; c"), {}, "kind DAG or CPDAG"),
    "no graph": ("a -> b", {}, "is a str"),
    "a collider": (
        CausalGraph.parse("a -> b <- c"),
        {"knowledge": Knowledge(tiers=["b", "a"])},
        "obeys the knowledge",
    ),
    "a required edge is not there": (
        CausalGraph.parse("a -> b; c"),
        {"knowledge": Knowledge(required=[("b", "c")])},
        "obeys the knowledge",
    ),
    "a new collider": (
        CausalGraph.parse("a -- b -- c"),
        {"knowledge": Knowledge(required=[("a", "b"), ("c", "b")])},
        "obeys the knowledge",
    ),
    "too many parents": (CausalGraph.parse("a -> b <- c"), {"max_parents": 1}, "at most 1"),
}


@pytest.mark.parametrize(("graph", "settings", "word"), BEGINNINGS.values(), ids=BEGINNINGS.keys())
def test_a_beginning_that_cannot_be_is_refused(graph, settings, word):
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(50, 3)), columns=list("abc"))
    with pytest.raises(InputError, match=word):
        GES(initial=graph, **settings).fit(frame)


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"phases": "forward"}, "phases='forward'"),
        ({"phases": ()}, "expected a sequence"),
        ({"phases": ["sideways"]}, "sideways"),
        ({"repeat": True}, "repeat"),
    ],
)
def test_strange_settings_are_refused(settings, word):
    with pytest.raises(InputError, match=word):
        GES(**settings).fit(noisy_frame(0))


def test_a_spent_budget_still_gives_a_class():
    values = np.random.default_rng(0).normal(size=(60, 150))
    with pytest.warns(TimeBudgetWarning, match="time was up after"):
        fitted = GES(GaussianBIC(0.05), max_seconds=0.01).fit(values)
    assert fitted.graph_.kind is Kind.CPDAG
    assert "time was up" in fitted.stopped_


# --- scores ---------------------------------------------------------------------------------------


@every_way
def test_a_score_in_python_gives_the_same(way):
    for seed in range(8):
        frame = noisy_frame(seed)
        native = GES(GaussianBIC(1.0), **way).fit(frame)
        called = GES(CalledBIC(), **way).fit(frame)
        assert called.graph_ == native.graph_
        assert called.score_ == pytest.approx(native.score_)


def test_categories_have_scores_too():
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 3, size=(2, 400))
    c = np.where(rng.random(400) < 0.8, (a + b) % 3, rng.integers(0, 3, 400))
    c = np.where(a == 2, np.minimum(c, 1), c)  # so that each cause shows by itself
    frame = pd.DataFrame({"a": a, "b": b, "c": c}).astype(str).astype("category")
    fitted = GES(DiscreteBIC()).fit(frame)
    best = max(oracle.total(fitted.trace_.setup.local, dag) for dag in oracle.all_dags(3))
    assert fitted.score_ == pytest.approx(best)


@every_way
def test_unequal_scores_of_equivalent_graphs_end_too(way):
    """Gains of steps between classes no longer add up to a score, but it rises all the same."""
    for seed in range(12):
        frame = noisy_frame(seed)
        names = list(frame.columns)
        fitted = GES(LopsidedBIC(), **way).fit(frame)
        nothing = CausalGraph.from_edges(names, [], Kind.DAG)
        assert fitted.score_ >= LopsidedBIC().total(frame, nothing)
        one_more = GES(LopsidedBIC(), initial=fitted.dag_, phases=["forward"]).fit(frame)
        assert one_more.score_ >= fitted.score_


# --- peers ----------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(3))
@needs_recent_causal_learn
def test_causal_learn_takes_the_same_steps(seed):
    ges = pytest.importorskip("causallearn.search.ScoreBased.GES")
    rng = np.random.default_rng(seed)
    values = linear_data(rng, sparse_dag(6, expected_degree=2.5, rng=rng), 400)
    theirs = ges.ges(values, "local_score_BIC_from_cov", lambda_value=0.5)["G"].graph
    classic = GES(GaussianBIC(1.0), **CLASSIC).fit(values)
    marks = np.where(theirs.T == 1, 2, np.where((theirs == -1) & (theirs.T == -1), 1, 0))
    into = classic.graph_.directed
    ours = np.where(into, 2, np.where(classic.graph_.undirected, 1, 0))
    same = (np.where(marks == 2, 2, marks * (marks == 1)) == ours).all()
    best = GES(GaussianBIC(1.0)).fit(values).score_
    assert same
    assert best >= classic.score_ - 1e-8


# --- odd tables -----------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:these columns are copies")
@every_way
def test_odd_tables_are_searched(way):
    rng = np.random.default_rng(0)
    x, z = rng.normal(size=(2, 60))
    twice = pd.DataFrame({"a": x, "b": x, "c": x + 1e-7 * z, "d": z, "e": 1e150 * (x + z)})
    fitted = GES(**way).fit(twice)
    assert fitted.graph_.adjacent("a")
    assert np.isfinite(fitted.score_)
    steps = rng.integers(0, 2, size=(40, 6)).astype(float)  # many ties
    again = GES(GaussianBIC(0.1), **way).fit(steps)
    assert GES(GaussianBIC(0.1), **way).fit(steps[:, ::-1].copy()).score_ == pytest.approx(
        again.score_, rel=0.05
    )
    assert len(GES(**way).fit(rng.normal(size=(8, 30))).graph_.nodes) == 30
    required = Knowledge(required=[("a", "d"), ("b", "d")])
    with pytest.raises(NumericalError, match="'a', 'b' of 'd' determine each other"):
        GES(knowledge=required, **way).fit(twice)
