"""Laws of all searches for the graph with the highest score."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.utils.estimator_checks import check_estimator

from causalkit._core.moments import Moments
from causalkit.discovery import BOSS, FLOP, GES, PC, ExactSearch, GRaSP, HillClimb, Knowledge
from causalkit.errors import InputError, TimeBudgetWarning
from causalkit.graph import CausalGraph, Kind, dag_to_cpdag, members
from causalkit.scores import ExtendedBIC, GaussianBIC
from tests.laws.test_discovery_laws import OTHER_WORDS
from tests.oracles.discovery import class_by_enumeration, linear_data, random_dag

SEARCHES = {
    "FLOP": FLOP(),
    "BOSS": BOSS(),
    "GRaSP": GRaSP(),
    "GES": GES(),
    "HillClimb": HillClimb(),
    "ExactSearch": ExactSearch(),
}

CONSISTENT = {name: search for name, search in SEARCHES.items() if name != "HillClimb"}
PATIENT = {name: SEARCHES[name] for name in ("FLOP", "BOSS", "GRaSP")}

every_search = pytest.mark.parametrize("search", SEARCHES.values(), ids=SEARCHES.keys())
every_consistent_search = pytest.mark.parametrize(
    "search", CONSISTENT.values(), ids=CONSISTENT.keys()
)
every_patient_search = pytest.mark.parametrize("search", PATIENT.values(), ids=PATIENT.keys())


def noisy_frame(seed: int, n: int = 80) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    values = linear_data(rng, random_dag(rng, max_nodes=8, max_edges=16), n)
    return pd.DataFrame(values, columns=[f"v{k}" for k in rng.permutation(values.shape[1])])


def population(dag: CausalGraph, rng: np.random.Generator, n: float = 1e12) -> Moments:
    """Moments of so many rows that nothing is left to chance."""
    p = len(dag.nodes)
    weights = dag.directed * rng.uniform(0.4, 1.2, (p, p)) * rng.choice([-1, 1], (p, p))
    mixing = np.linalg.inv(np.eye(p) - weights)
    ones, none = np.ones(p), np.zeros(p)
    gram = n * mixing.T @ mixing
    return Moments(
        dag.nodes, (None,) * p, int(n), n, n, none, none, (gram + gram.T) / 2,
        np.zeros(p, dtype=np.intp), -ones, ones,
    )  # fmt: skip


def random_knowledge(rng: np.random.Generator, names: list[str]) -> Knowledge:
    """Statements that do not contradict each other, and care nothing for the truth."""
    while True:
        n_required, n_forbidden = rng.integers(0, 3), rng.integers(0, 7)
        n_pairs = n_required + n_forbidden if len(names) > 1 else 0
        pairs = [tuple(rng.choice(names, 2, replace=False).tolist()) for _ in range(n_pairs)]
        tiers = rng.integers(0, 3, len(names)) if rng.random() < 0.4 else np.full(len(names), 9)
        levels = [[v for v, t in zip(names, tiers, strict=True) if t == k] for k in range(3)]
        try:
            return Knowledge(
                tiers=[level for level in levels if level],
                required=pairs[:n_required],
                forbidden=pairs[n_required:],
                closed_tiers=bool(rng.random() < 0.2),
            )
        except InputError:
            continue


def obeys(graph: CausalGraph, knowledge: Knowledge) -> bool:
    forbidden = knowledge.forbidden_matrix(graph.nodes)
    required = knowledge.required_matrix(graph.nodes)
    loose = graph.undirected & (forbidden | forbidden.T)
    return (
        not (graph.directed & forbidden).any()
        and not loose.any()
        and not (required & ~graph.directed).any()
    )


@every_search
def test_knowledge_is_never_violated(search):
    for seed in range(200):
        frame, rng = noisy_frame(seed, n=40), np.random.default_rng(seed)
        knowledge = random_knowledge(rng, list(frame.columns))
        fitted = clone(search).set_params(knowledge=knowledge).fit(frame)
        assert obeys(fitted.graph_, knowledge), knowledge
        assert obeys(fitted.dag_, knowledge), knowledge
        assert fitted.dag_.kind is Kind.DAG
        assert fitted.dag_ in set(members(fitted.graph_))


@every_consistent_search
def test_with_all_rows_there_are_the_class_is_found(search):
    rng = np.random.default_rng(0)
    for _ in range(70):
        dag = random_dag(rng, max_nodes=8, max_edges=14)
        fitted = clone(search)
        fitted._fit(population(dag, rng))
        assert fitted.graph_ == dag_to_cpdag(dag)


@every_consistent_search
def test_with_true_knowledge_the_class_within_it_is_found(search):
    rng = np.random.default_rng(1)
    for _ in range(30):
        dag = random_dag(rng, max_nodes=6, max_edges=9)
        causal = dag.nodes if not len(dag.nodes) else [*dag.nodes]
        order = {v: len(dag.ancestors(v)) for v in causal}
        early = [v for v in causal if order[v] <= 1]
        late = [v for v in causal if order[v] > 1 and not set(dag.descendants(v)) & set(early)]
        knowledge = Knowledge(tiers=[t for t in (early, late) if t])
        fitted = clone(search).set_params(knowledge=knowledge)
        fitted._fit(population(dag, rng))
        forbidden = knowledge.forbidden_matrix(dag.nodes)
        assert fitted.graph_ == class_by_enumeration(dag, forbidden)


@every_search
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_neither_columns_rows_nor_units_matter(search, seed):
    frame, rng = noisy_frame(seed), np.random.default_rng(seed)
    graph = clone(search).fit(frame).graph_
    shuffled = frame[rng.permutation(frame.columns)].sample(frac=1.0, random_state=seed)
    units = rng.choice([-1.0, 1.0], frame.shape[1]) * 10.0 ** rng.integers(-6, 7, frame.shape[1])
    other = clone(search).fit(shuffled).graph_
    assert other == graph
    assert other.nodes == tuple(shuffled.columns)
    assert clone(search).fit(frame * units + 3).graph_ == graph


@every_search
def test_containers_agree_and_stay_untouched(search):
    frame = noisy_frame(3)
    values = frame.to_numpy(copy=True)
    graph = clone(search).fit(frame).graph_
    assert clone(search).fit(pl.from_pandas(frame)).graph_ == graph
    assert clone(search).fit(frame.to_dict("list")).graph_ == graph
    assert (frame.to_numpy() == values).all()


@every_search
def test_the_same_number_gives_the_same_graph_and_threads_change_nothing(search):
    frame = noisy_frame(5)
    one = clone(search).fit(frame)
    assert clone(search).fit(frame).score_ == one.score_
    if "n_jobs" in search.get_params():
        assert clone(search).set_params(n_jobs=2).fit(frame).score_ == one.score_


@every_search
def test_the_score_is_that_of_the_graph_and_explanations_tell_it(search):
    frame = noisy_frame(7)
    fitted = clone(search).fit(frame)
    score = ExtendedBIC()
    assert fitted.score_ == pytest.approx(score.total(frame, fitted.dag_))
    for member in members(fitted.graph_):
        assert score.total(frame, member) == pytest.approx(fitted.score_)
    again = pickle.loads(pickle.dumps(fitted))
    for i, a in enumerate(frame.columns):
        for b in frame.columns[i + 1 :]:
            said = again.explain(a, b)
            assert said == fitted.explain(a, b)
            assert ("lower" in said.adjacency) == (said.edge != "no edge")


@every_search
def test_only_pairs_of_the_skeleton_are_joined(search):
    frame = noisy_frame(9, n=300)
    skeleton = PC(alpha=0.2).fit(frame).graph_
    graph = clone(search).set_params(skeleton=skeleton).fit(frame).graph_
    where = [graph.index(v) for v in skeleton.nodes]
    assert not ((graph.ends[np.ix_(where, where)] > 0) & (skeleton.ends == 0)).any()


@every_search
def test_parents_are_as_many_as_allowed(search):
    frame = noisy_frame(11, n=300)
    dag = clone(search).set_params(max_parents=1).fit(frame).dag_
    assert dag.directed.sum(axis=0).max() <= 1


@every_patient_search
def test_a_spent_budget_still_gives_a_graph(search):
    frame = noisy_frame(13)
    many = {k: 10**4 for k in ("n_starts", "n_restarts") if k in search.get_params()}
    with pytest.warns(TimeBudgetWarning, match="time was up"):
        fitted = clone(search).set_params(max_seconds=0.001, **many).fit(frame)
    assert fitted.graph_.kind is Kind.CPDAG
    assert "time was up" in fitted.stopped_


HOSTILE = {
    "a constant column": ({"a": [1.0] * 9, "b": range(9)}, "constant"),
    "missing cells": ({"a": [1.0, np.nan, 3.0, 2.0], "b": [1.0, 2.0, 4.0, 3.0]}, "missing"),
    "categories": (
        pd.DataFrame({"a": pd.Categorical(list("xyzxyz")), "b": range(6)}),
        "categorical",
    ),
    "two rows": ({"a": [1.0, 2.0], "b": [2.0, 1.0]}, "rows"),
}


@every_search
@pytest.mark.parametrize(("data", "word"), HOSTILE.values(), ids=HOSTILE.keys())
def test_what_cannot_be_scored_is_refused(search, data, word):
    with pytest.raises(InputError, match=word):
        clone(search).fit(data)


@pytest.mark.filterwarnings("ignore:these columns are copies")
@every_search
def test_odd_tables_are_searched(search):
    rng = np.random.default_rng(0)
    x = rng.normal(size=50)
    twice = pd.DataFrame({"a": x, "b": x, "c": rng.normal(size=50), "d": 1e200 * x**3})
    assert "b" in clone(search).fit(twice).graph_.adjacent("a")
    wide = rng.normal(size=(10, 15))
    assert len(clone(search).fit(wide).graph_.nodes) == 15
    assert clone(search).fit({"only": [1.0, 2.0, 4.0]}).graph_.nodes == ("only",)
    assert clone(search).fit(
        pd.DataFrame(rng.normal(size=(30, 2)), columns=[7, 3])
    ).graph_.nodes == (7, 3)


ONE_WORD = {"check_n_features_in_after_fitting": "`score` is a setting here, as the field has it"}


@every_search
def test_scikit_learn_is_content(search):
    checks = check_estimator(
        search, expected_failed_checks=OTHER_WORDS | ONE_WORD, on_skip=None, on_fail=None
    )
    failed = {c["check_name"]: c["exception"] for c in checks if c["status"] == "failed"}
    assert not failed


@every_search
def test_the_penalty_is_in_units_of_the_bic(search):
    # Two variables whose correlation is worth just over the BIC's price of an edge.
    rng = np.random.default_rng(0)
    n = 400
    x, e = rng.normal(size=(2, n))
    x, e = x - x.mean(), e - e.mean()
    e -= x * (x @ e) / (x @ x)
    for penalty, factor, n_edges in [(1.0, 1.1, 1), (1.0, 0.9, 0), (2.0, 2.1, 1), (2.0, 1.9, 0)]:
        gain = factor * np.log(n) / n  # -log(1 - r^2)
        r = np.sqrt(1 - np.exp(-gain))
        y = r * x / x.std() + np.sqrt(1 - r**2) * e / e.std()
        graph = clone(search).set_params(score=GaussianBIC(penalty)).fit({"x": x, "y": y}).graph_
        assert len(graph.edges()) == n_edges


@pytest.mark.parametrize(
    ("search", "words"),
    [
        (GRaSP(depth=0), "depth=0"),
        (BOSS(n_starts=0), "n_starts=0"),
        (FLOP(n_restarts=-1), "n_restarts=-1"),
        (FLOP(random_state="x"), "random_state='x'"),
        (FLOP(max_parents=-1), "max_parents=-1"),
        (FLOP(max_seconds=0), "max_seconds=0"),
        (FLOP(score=GaussianBIC), "with parentheses"),
        (FLOP(score=GaussianBIC(penalty=0)), "penalty=0"),
        (FLOP(skeleton=["a"]), "expected a CausalGraph"),
        (FLOP(knowledge=["a"]), "expected Knowledge"),
    ],
    ids=repr,
)
def test_settings_out_of_range_are_refused(search, words):
    with pytest.raises(InputError, match=words):
        search.fit(noisy_frame(1))
