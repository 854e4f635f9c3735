"""Hill climbing: brute force over four nodes, its laws, and what it promises."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone

from causalkit._core.table import as_table
from causalkit.discovery import PC, Knowledge
from causalkit.discovery.search._score_setup import set_up_search
from causalkit.discovery.search.ges import GES
from causalkit.discovery.search.hill_climb import HillClimb
from causalkit.errors import InputError, NumericalError, TimeBudgetWarning
from causalkit.graph import CausalGraph, Kind, dag_to_cpdag, members
from causalkit.scores import GaussianBIC
from causalkit.scores.interventional import InterventionalBIC
from tests.discovery.search.test_ges import CalledBIC
from tests.laws.test_score_search_laws import noisy_frame, obeys, population, random_knowledge
from tests.oracles import ges as oracle
from tests.oracles.discovery import linear_data, random_dag

WAYS = {
    "plain": {"n_tabu": 0},
    "tabu": {"n_tabu": 6},
    "restarts": {"n_tabu": 0, "n_restarts": 4},
}

every_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())


def problem(seed: int, p: int = 4):
    """Noise of mixed columns, with knowledge and a limit in every other case."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(25, p)) @ (np.eye(p) + 0.4 * rng.normal(size=(p, p)))
    frame = pd.DataFrame(values, columns=list("abcdefg"[:p]))
    score = GaussianBIC(rng.choice([0.1, 0.5, 1.0, 2.0]))
    knowledge = random_knowledge(rng, list(frame.columns)) if seed % 2 else Knowledge()
    required = knowledge.required_matrix(tuple(frame.columns))
    most = max(int(rng.integers(1, p)), int(required.sum(axis=0).max()))
    options = {"score": score, "knowledge": knowledge, "max_parents": most}
    setup = set_up_search(
        as_table(frame), score, knowledge, skeleton=None, max_parents=most, max_seconds=None
    )
    return frame, options, setup


# --- brute force ----------------------------------------------------------------------------------


@pytest.mark.parametrize("n_tabu", [0, 1, 5])
def test_each_move_is_the_best_there_is(n_tabu):
    for seed in range(80):
        frame, options, setup = problem(seed)
        fitted = HillClimb(n_tabu=n_tabu, **options).fit(frame)
        dag, score = oracle.climb_dags(
            setup.local,
            setup.required,
            lambda dag, setup=setup: oracle.permitted(dag, setup.allowed, setup.required),
            setup.max_parents,
            n_tabu,
        )
        assert fitted.score_ == pytest.approx(score)
        assert (fitted.trace_.dag == dag).all()


@every_way
def test_no_single_edge_would_raise_the_score(way):
    for seed in range(30):
        frame, options, setup = problem(seed, p=6)
        dag = HillClimb(**options, **way).fit(frame).trace_.dag
        now = oracle.total(setup.local, dag)
        for kind in ("forward", "backward", "turning"):
            for after in oracle.changes_of(dag, kind):
                fits = after.sum(axis=0).max() <= setup.max_parents
                if fits and oracle.permitted(after, setup.allowed, setup.required):
                    assert oracle.total(setup.local, after) <= now + 1e-8


def test_more_effort_never_lowers_the_score():
    gained = np.zeros(3)
    for seed in range(40):
        frame = noisy_frame(seed)
        plain = HillClimb(n_tabu=0).fit(frame).score_
        more = [HillClimb(**way).fit(frame).score_ - plain for way in WAYS.values()]
        assert min(more) >= -1e-8
        gained += np.array(more) > 1e-6
    assert (gained[1:] > 0).all()


# --- laws -----------------------------------------------------------------------------------------


@every_way
def test_neither_columns_rows_nor_units_matter(way):
    for seed in range(10):
        frame, rng = noisy_frame(seed), np.random.default_rng(seed)
        graph = HillClimb(**way).fit(frame).graph_
        shuffled = frame[rng.permutation(frame.columns)].sample(frac=1.0, random_state=seed)
        units = rng.choice([-1.0, 1.0], frame.shape[1]) * 10.0 ** rng.integers(
            -6, 7, frame.shape[1]
        )
        assert HillClimb(**way).fit(shuffled).graph_ == graph
        assert HillClimb(**way).fit(frame * units + 3).graph_ == graph


def test_containers_agree_and_stay_untouched():
    frame = noisy_frame(3)
    values = frame.to_numpy(copy=True)
    graph = HillClimb().fit(frame).graph_
    assert HillClimb().fit(pl.from_pandas(frame)).graph_ == graph
    assert HillClimb().fit(frame.to_dict("list")).graph_ == graph
    bare = HillClimb().fit(values[:, np.argsort(frame.columns)]).graph_
    assert (bare.ends == graph.reordered(sorted(frame.columns)).ends).all()
    assert (frame.to_numpy() == values).all()


@every_way
def test_knowledge_is_never_violated(way):
    for seed in range(100):
        frame, rng = noisy_frame(seed, n=40), np.random.default_rng(seed)
        knowledge = random_knowledge(rng, list(frame.columns))
        fitted = HillClimb(knowledge=knowledge, **way).fit(frame)
        assert obeys(fitted.graph_, knowledge)
        assert obeys(fitted.dag_, knowledge)
        assert fitted.dag_ in set(members(fitted.graph_))


@every_way
def test_a_score_in_python_gives_the_same(way):
    for seed in range(5):
        frame = noisy_frame(seed)
        native = HillClimb(GaussianBIC(1.0), **way).fit(frame)
        called = HillClimb(CalledBIC(), **way).fit(frame)
        assert called.dag_ == native.dag_


def test_the_same_number_gives_the_same_graph():
    frame = noisy_frame(5)
    one = clone(HillClimb(n_restarts=5, random_state=3)).fit(frame)
    assert HillClimb(n_restarts=5, random_state=3).fit(frame).dag_ == one.dag_
    assert one.n_restarts_ == 5


# --- what it promises -----------------------------------------------------------------------------


def test_trees_of_the_population_are_found():
    rng = np.random.default_rng(0)
    for k in range(40):
        p = int(rng.integers(2, 9))
        names = [f"v{i}" for i in range(p)]
        edges = [f"v{int(rng.integers(i))} -> v{i}" for i in range(1, p)]
        tree = CausalGraph.parse("; ".join([*names, *edges]), kind="DAG")
        search = HillClimb()
        search._fit(population(tree, np.random.default_rng(k)))
        assert search.graph_ == dag_to_cpdag(tree)


def test_it_goes_on_from_what_another_search_found():
    rng = np.random.default_rng(1)
    for _ in range(10):
        values = linear_data(rng, random_dag(rng, max_nodes=8, max_edges=16), 200)
        ges = GES().fit(values)
        assert HillClimb(initial=ges.dag_).fit(values).score_ >= ges.score_ - 1e-8


def test_with_a_skeleton_it_is_hybrid_search():
    frame = noisy_frame(9, n=300)
    skeleton = PC(alpha=0.1).fit(frame).graph_
    graph = HillClimb(skeleton=skeleton).fit(frame).graph_
    assert not (graph.adjacency & ~skeleton.adjacency).any()


def test_interventions_tell_members_of_a_class_apart():
    rng = np.random.default_rng(0)
    done = np.arange(600) >= 300
    a = np.where(done, 3 * rng.normal(size=600), rng.normal(size=600))
    frame = pd.DataFrame({"b": a + rng.normal(size=600), "a": a, "set": done})
    score = InterventionalBIC({False: (), True: "a"}, regime="set")
    assert HillClimb(score).fit(frame).dag_.directed.tolist() == [[False, False], [True, False]]


def test_a_spent_budget_still_gives_a_graph():
    frame = noisy_frame(13)
    with pytest.warns(TimeBudgetWarning, match="time was up after"):
        fitted = HillClimb(n_restarts=10**6, max_seconds=0.05).fit(frame)
    assert fitted.graph_.kind is Kind.CPDAG
    assert fitted.score_ >= HillClimb().fit(frame).score_ - 1e-8


@pytest.mark.parametrize("settings", [{"n_tabu": -1}, {"n_restarts": 1.5}, {"max_parents": -1}])
def test_strange_settings_are_refused(settings):
    with pytest.raises(InputError, match=next(iter(settings))):
        HillClimb(**settings).fit(noisy_frame(0))


@pytest.mark.filterwarnings("ignore:these columns are copies")
@every_way
def test_odd_tables_are_searched(way):
    rng = np.random.default_rng(0)
    x, z = rng.normal(size=(2, 60))
    twice = pd.DataFrame({"a": x, "b": x, "c": x + 1e-7 * z, "d": z, "e": 1e150 * (x + z)})
    assert HillClimb(**way).fit(twice).graph_.adjacent("a")
    assert len(HillClimb(**way).fit(rng.normal(size=(8, 30))).graph_.nodes) == 30
    assert HillClimb(**way).fit({"only": [1.0, 2.0, 4.0]}).graph_.nodes == ("only",)
    nothing = HillClimb(max_parents=0, **way).fit(twice)
    assert not nothing.graph_.adjacency.any()
    required = Knowledge(required=[("a", "d"), ("b", "d")])
    with pytest.raises(NumericalError, match="'a', 'b' of 'd' determine each other"):
        HillClimb(knowledge=required, **way).fit(twice)
