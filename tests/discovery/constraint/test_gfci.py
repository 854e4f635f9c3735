from __future__ import annotations

import pickle
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib import parallel_config
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import check_estimator

from causalkit._core.table import as_table
from causalkit.discovery import (
    BOSS,
    FLOP,
    GES,
    PC,
    ExactSearch,
    GRaSP,
    Knowledge,
)
from causalkit.discovery.constraint._orientation import unshielded_triples
from causalkit.discovery.constraint._searched_dag import SearchedDAG, in_order
from causalkit.discovery.constraint.fci import FCI, RFCI
from causalkit.discovery.constraint.gfci import GFCI
from causalkit.discovery.search._score_search import Found, ScoreSearch
from causalkit.errors import InputError, KnowledgeWarning, TimeBudgetWarning
from causalkit.graph import ARROW, CIRCLE, TAIL, CausalGraph, Kind
from causalkit.graph import random_dag as sparse_dag
from causalkit.graph.mag import dag_to_mag, mag_to_pag
from causalkit.graph.separation import representative
from causalkit.independence import FisherZ, GSquare, Oracle, Weighted
from causalkit.scores import BDeu, GaussianBIC, InterventionalBIC
from tests.discovery.constraint.test_fci import (
    FARTHER,
    SlowOracle,
    check_true,
    noise,
    true_knowledge,
)
from tests.laws.test_discovery_laws import OTHER_WORDS, noisy_frame
from tests.laws.test_score_search_laws import ONE_WORD, population, random_knowledge
from tests.oracles.discovery import linear_data, nodes_of
from tests.oracles.mag import random_case

SEARCHES = {
    "BOSS": BOSS(n_starts=1),
    "FLOP": FLOP(n_restarts=0),
    "GRaSP": GRaSP(),
    "GES": GES(),
    "ExactSearch": ExactSearch(),
}

every_search = pytest.mark.parametrize("search", SEARCHES.values(), ids=SEARCHES.keys())


class AnyOrder(ScoreSearch):
    """The DAG without a needless edge in which causes come in some order, read off the truth."""

    def __init__(
        self, truth=None, seed=0, score=None, knowledge=None, skeleton=None, max_parents=None,
        max_seconds=None,
    ):  # fmt: skip
        self.truth, self.seed, self.score, self.knowledge = truth, seed, score, knowledge
        self.skeleton, self.max_parents, self.max_seconds = skeleton, max_parents, max_seconds

    def _search(self, setup):
        return Found(sparse_for_order(self.truth.reordered(setup.names), self.seed))


def sparse_for_order(truth, seed):
    p = len(truth.nodes)
    ask = Oracle(truth).bind(as_table(nodes_of(truth)))
    order, dag = np.random.default_rng(seed).permutation(p).tolist(), np.zeros((p, p), dtype=bool)
    for n, b in enumerate(order):
        for a in order[:n]:
            rest = [k for k in order[:n] if k != a]
            dag[a, b] = ask(a, b, rest).p_value < 0.5
    return dag


def rows_of(graph, n=20):
    """A table with these columns; what is in it does not matter to an oracle."""
    values = np.random.default_rng(0).normal(size=(n, len(graph.nodes)))
    return dict(zip(graph.nodes, values.T, strict=True))


def limit(dag, rng, observed, selected=()):
    """Moments of so many rows that nothing is left to chance, of people who were selected."""
    moments = population(dag, rng, 1e16)
    gram, keep, on = moments.gram, dag.indices(observed), dag.indices(selected)
    if len(on):  # normal variables given others are normal, with this covariance
        gram = gram - gram[:, on] @ np.linalg.solve(gram[np.ix_(on, on)], gram[on])
    gram = gram[np.ix_(keep, keep)]
    return replace(moments.select(observed), gram=(gram + gram.T) / 2)


def learn(moments, algorithm=None, **settings):
    fitted = clone(algorithm or GFCI()).set_params(**settings)
    fitted._fit(moments)
    return fitted


# --- in the limit: exactly the class ---------------------------------------------------------


def test_a_dag_for_any_order_is_right_about_what_it_parts():
    """And what it joins without need lies in a triangle."""
    rng = np.random.default_rng(0)
    n_needless = n_triples = 0
    for seed in range(150):
        dag, latent, selected = random_case(rng, 9, select=bool(seed % 2))
        mag = dag_to_mag(dag, latent, selected)
        arrows = sparse_for_order(mag, seed)
        found = SearchedDAG.of(CausalGraph.from_adjacency(arrows, mag.nodes), mag.nodes)
        assert not (mag.adjacency & ~found.joined).any()
        needless = found.joined & ~mag.adjacency
        assert not (needless & found.sure).any()
        triples = unshielded_triples(mag.adjacency)
        triples = triples[found.knows(triples)]
        a, k, b = triples.T
        colliders = (mag.ends[a, k] == ARROW) & (mag.ends[b, k] == ARROW)
        assert (found.judge(triples) == colliders).all()
        n_needless, n_triples = n_needless + needless.sum(), n_triples + len(triples)
    assert n_needless > 200
    assert n_triples > 100


@pytest.mark.parametrize("select", [False, True])
def test_any_order_leads_to_the_class(select):
    rng = np.random.default_rng(1)
    for seed in range(60):
        dag, latent, selected = random_case(rng, 10, select=select)
        mag = dag_to_mag(dag, latent, selected)
        gfci = GFCI(AnyOrder(mag, seed), Oracle(mag), selection_bias=select).fit(rows_of(mag))
        assert gfci.graph_ == mag_to_pag(mag)
        assert not gfci.conflicts_
        assert not gfci.ambiguous_


@every_search
def test_with_all_rows_there_are_the_class_is_found(search):
    rng = np.random.default_rng(2)
    for _ in range(25):
        dag, latent, _ = random_case(rng, 10)
        mag = dag_to_mag(dag, latent)
        gfci = learn(limit(dag, rng, mag.nodes), GFCI(search))
        assert gfci.graph_ == mag_to_pag(mag)
        assert not gfci.conflicts_


def test_with_all_rows_of_selected_people_the_class_is_found():
    rng = np.random.default_rng(3)
    for _ in range(40):
        dag, latent, selected = random_case(rng, 9, select=True)
        mag = dag_to_mag(dag, latent, selected)
        gfci = learn(limit(dag, rng, mag.nodes, selected), selection_bias=True)
        assert gfci.graph_ == mag_to_pag(mag)
        assert not gfci.conflicts_


@pytest.mark.slow
def test_with_all_rows_there_are_the_class_is_found_in_larger_graphs():
    rng = np.random.default_rng(4)
    for _ in range(60):
        dag = sparse_dag(20, expected_degree=float(rng.uniform(1, 4)), rng=rng)
        mag = dag_to_mag(dag, rng.permutation(dag.nodes)[:4].tolist())
        gfci = learn(limit(dag, rng, mag.nodes))
        assert gfci.graph_ == mag_to_pag(mag)


def test_sets_farther_away_are_found_if_asked_for():
    mag = CausalGraph.parse(FARTHER)
    n_left = 0
    for seed in range(40):
        search, rows = AnyOrder(mag, seed), rows_of(mag)
        assert GFCI(search, Oracle(mag)).fit(rows).graph_ == mag_to_pag(mag)
        graph = GFCI(search, Oracle(mag), farther_sets=False).fit(rows).graph_
        n_left += (graph.adjacency != mag.adjacency).any()
    assert n_left > 0


# --- with data -------------------------------------------------------------------------------


def test_noisy_data_still_give_a_class():
    rng = np.random.default_rng(5)
    n_conflicts = n_unknown = 0
    for _ in range(80):
        fitted = GFCI(alpha=float(rng.choice([0.05, 0.3]))).fit(noise(rng, 9, 22))
        n_conflicts += len(fitted.conflicts_)
        n_unknown += len(fitted.ambiguous_)
        graph = CausalGraph(fitted.graph_.nodes, fitted.graph_.ends, Kind.PAG)
        assert fitted.ambiguous_ or mag_to_pag(representative(graph)) == graph
    assert n_conflicts > 0, "the data were meant to be contradictory"
    assert n_unknown == 0


def hidden_tables(seeds, n, p=15, n_hidden=2):
    for seed in seeds:
        rng = np.random.default_rng(seed)
        dag = sparse_dag(p, expected_degree=2.5, rng=rng)
        mag = dag_to_mag(dag, rng.permutation(dag.nodes)[:n_hidden].tolist())
        yield pd.DataFrame(linear_data(rng, dag, n), columns=dag.nodes)[list(mag.nodes)], mag


def test_more_rows_bring_the_truth_nearer():
    wrong = {50: 0, 1000: 0, 50_000: 0}
    for data, mag in hidden_tables(range(12), 50_000):
        for n in wrong:
            graph = GFCI(alpha=0.01).fit(data[:n]).graph_
            wrong[n] += (graph.ends != mag_to_pag(mag).ends).sum()
    assert wrong[50] > wrong[1000] > wrong[50_000]


def test_arrows_are_right_more_often_than_those_of_fci():
    """On 20 tables; the share is that of arrows into no ancestor."""
    right, drawn = {FCI: 0, GFCI: 0}, {FCI: 0, GFCI: 0}
    for data, mag in hidden_tables(range(20), 1000):
        above = np.array([[a in mag.ancestors(b) for b in mag.nodes] for a in mag.nodes])
        for kind in right:
            arrows = kind(alpha=0.01).fit(data).graph_.ends == ARROW
            right[kind] += (arrows & ~above.T).sum()
            drawn[kind] += arrows.sum()
    assert right[GFCI] / drawn[GFCI] > right[FCI] / drawn[FCI]


# --- knowledge -------------------------------------------------------------------------------


def test_true_knowledge_adds_only_truth():
    rng = np.random.default_rng(6)
    for _ in range(60):
        p = int(rng.integers(5, 9))
        dag = sparse_dag(p, expected_degree=float(rng.uniform(1.5, 4)), rng=rng)
        mag = dag_to_mag(dag, rng.permutation(dag.nodes)[: rng.integers(1, 3)].tolist())
        gfci = learn(limit(dag, rng, mag.nodes), knowledge=true_knowledge(rng, mag))
        plain = mag_to_pag(mag).ends
        assert not gfci.conflicts_
        check_true(gfci.graph_, mag)
        assert (gfci.graph_.adjacency == mag.adjacency).all()
        assert ((gfci.graph_.ends == plain) | (plain == CIRCLE)).all()


def test_knowledge_is_never_violated():
    n_said = 0
    for seed in range(120):
        frame, rng = noisy_frame(seed)[:40], np.random.default_rng(seed)
        names = list(frame.columns)
        knowledge = random_knowledge(rng, names)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", KnowledgeWarning)
            gfci = GFCI(alpha=0.2, knowledge=knowledge).fit(frame)
        graph = CausalGraph(names, gfci.graph_.ends, Kind.PAG)
        never = knowledge.forbidden_matrix(names)
        assert (graph.ends[never.T & graph.adjacency] == ARROW).all()
        assert not (graph.adjacency & never & never.T).any()
        assert (graph.directed | ~knowledge.required_matrix(names)).all()
        for a, b in [*knowledge.required, *knowledge.forbidden]:
            n_said += "knowledge" in str(gfci.explain(a, b))
    assert n_said > 50


@pytest.mark.parametrize("algorithm", [FCI, RFCI, GFCI])
def test_knowledge_is_never_violated_when_people_are_selected(algorithm):
    """The first seeds once cut a required edge, or drew a forbidden one."""
    n_said = 0
    for seed in [694, 1598, 4383, 50, 100135, 100179, *range(60)]:
        frame, rng = noisy_frame(seed), np.random.default_rng(seed)
        frame, names = frame[: int(rng.integers(12, 80))], list(frame.columns)
        knowledge = random_knowledge(rng, names)
        fitted = algorithm(
            alpha=float(rng.choice([0.01, 0.1, 0.4])),
            max_order=[None, 0, 1, 2][rng.integers(4)],
            knowledge=knowledge,
            selection_bias=True,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", KnowledgeWarning)
            fitted.fit(frame)
        graph = CausalGraph(names, fitted.graph_.ends, Kind.PAG)
        never, always = knowledge.forbidden_matrix(names), knowledge.required_matrix(names)
        assert not (graph.adjacency & never & never.T).any()
        assert not (graph.directed & never).any()
        assert (graph.ends[never.T & (graph.ends.T == ARROW)] == ARROW).all()
        assert (graph.ends.T[always] == TAIL).all()
        n_said += len(knowledge.required) + len(knowledge.forbidden)
    assert n_said > 50


def test_the_search_is_told_of_orders_only():
    names = ("a", "b", "c", "d")
    never = [("a", "b"), ("b", "a")]
    known = Knowledge([["a", "b"], ["c"]], [("a", "c")], [*never, ("d", "a")], closed_tiers=True)
    told = in_order(known, names)
    assert told == Knowledge([["a", "b"], ["c"]], [("a", "c")], [("d", "a")])
    circle = Knowledge(required=[("a", "b")], forbidden=[("c", "b"), ("d", "c"), ("a", "d")])
    assert in_order(circle, names) == Knowledge(required=[("a", "b")])
    through = Knowledge([["a"], ["b"]], [("b", "c"), ("c", "a")])
    assert in_order(through, names) == Knowledge(required=[("b", "c"), ("c", "a")])


def test_knowledge_of_pairs_apart_does_not_mislead_the_search():
    """x and b are not adjacent, but have to be where the cause of a and b is hidden."""
    dag = CausalGraph.parse("x -> a; h -> a; h -> b; y -> b")
    never = Knowledge(
        tiers=[["x", "y"], ["a"], ["b"]],
        forbidden=[("x", "b"), ("b", "x"), ("x", "y"), ("y", "x")],
    )
    gfci = learn(limit(dag, np.random.default_rng(0), ("x", "y", "a", "b")), knowledge=never)
    assert "b" in gfci.search_.graph_.adjacent("x")
    assert gfci.graph_ == CausalGraph.parse("PAG: x o-> a; y o-> b; a <-> b")


def test_knowledge_of_the_search_is_its_own():
    frame = noisy_frame(4)
    first, second = frame.columns[:2]
    own = Knowledge(forbidden=[(first, second)])
    gfci = GFCI(BOSS(knowledge=own), knowledge=Knowledge([[first]])).fit(frame)
    assert gfci.search_.knowledge == own
    assert GFCI(knowledge=Knowledge([[first]])).fit(frame).search_.knowledge == Knowledge([[first]])


# --- laws ------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_neither_columns_rows_nor_units_matter(seed):
    frame, rng = noisy_frame(seed), np.random.default_rng(seed)
    one = GFCI(alpha=0.1).fit(frame)
    shuffled = frame[rng.permutation(frame.columns)]
    other = GFCI(alpha=0.1).fit(shuffled)
    assert other.graph_ == one.graph_
    assert other.graph_.nodes == tuple(shuffled.columns)
    assert other.n_tests_ == one.n_tests_
    assert other.conflicts_ == one.conflicts_
    rows = frame.sample(frac=1.0, random_state=seed)
    assert GFCI(alpha=0.1).fit(rows).graph_ == one.graph_
    units = rng.choice([-1.0, 1.0], frame.shape[1]) * 10.0 ** rng.integers(-6, 7, frame.shape[1])
    assert GFCI(alpha=0.1).fit(frame * units + 3).graph_ == one.graph_


def test_containers_agree_and_stay_untouched(tmp_path):
    frame = noisy_frame(3)
    values = frame.to_numpy(copy=True)
    graph = GFCI(alpha=0.1).fit(frame).graph_
    frame.to_parquet(tmp_path / "rows.parquet")
    for data in (pl.from_pandas(frame), frame.to_dict("list"), tmp_path / "rows.parquet"):
        assert GFCI(alpha=0.1).fit(data).graph_ == graph
    assert (frame.to_numpy() == values).all()


def test_n_jobs_does_not_matter_and_the_search_has_them_too():
    frame = noisy_frame(5)
    one = GFCI(alpha=0.1).fit(frame)
    with parallel_config("threading"):
        two = GFCI(alpha=0.1, n_jobs=2).fit(frame)
    assert two.graph_ == one.graph_
    assert two.n_tests_ == one.n_tests_
    assert two.search_.n_jobs == 2
    assert GFCI(BOSS(n_jobs=1), n_jobs=2).fit(frame).search_.n_jobs == 1


def test_settings_of_the_search_are_settings_and_it_stays_untouched():
    gfci = GFCI(BOSS(), knowledge=Knowledge([["v0"]]), max_seconds=60)
    gfci.set_params(search__n_starts=2, search__score=GaussianBIC(penalty=1))
    gfci.fit(noisy_frame(6))
    assert gfci.search_.n_starts == 2
    assert gfci.search_.max_seconds == 30
    assert gfci.search.knowledge is None
    assert not hasattr(gfci.search, "graph_")
    again = pickle.loads(pickle.dumps(gfci))
    assert again.graph_ == gfci.graph_
    assert again.explain("v0", "v1") == gfci.explain("v0", "v1")


def test_scikit_learn_is_content():
    checks = check_estimator(
        GFCI(), expected_failed_checks=OTHER_WORDS | ONE_WORD, on_skip=None, on_fail=None
    )
    failed = {c["check_name"]: c["exception"] for c in checks if c["status"] == "failed"}
    assert not failed


# --- explain ---------------------------------------------------------------------------------


def test_explain_names_the_search_and_the_tests():
    rng = np.random.default_rng(0)
    dag = CausalGraph.parse("x -> a; h -> a; h -> b; y -> b; b -> c")
    gfci = learn(limit(dag, rng, ("x", "y", "a", "b", "c")))
    assert gfci.graph_ == mag_to_pag(dag_to_mag(dag, "h"))
    assert gfci.explain("x", "y").adjacency.startswith("the search does not join them: ")
    assert "would change the score by -" in gfci.explain("x", "y").adjacency
    assert gfci.explain("x", "y").test is None
    told = gfci.explain("b", "c")
    assert told.adjacency.startswith("the search joins them (without b -> c the score would be ")
    assert told.direction == (
        "arrow at c: rule 1, otherwise a new collider would arise; "
        "tail at b: rule 1, otherwise a new collider would arise"
    )
    assert len(gfci.separators_) == 1
    (pair,) = gfci.separators_
    assert gfci.explain(*pair).adjacency == "independent without conditioning on anything"
    marks = "; ".join(str(gfci.explain(*p).direction) for p in ("ab", "xa", "yb"))
    assert "as it is one in the search's graph (score " in marks
    assert "as {} separates " in marks
    assert len(gfci.trace_.to_frame()) == 10


def test_explain_names_the_discriminating_path():
    truth = CausalGraph.parse("t -> a <-> b; a -> c; b -> c")
    said = set()
    for seed in range(24):
        gfci = GFCI(AnyOrder(truth, seed), Oracle(truth)).fit(rows_of(truth))
        assert gfci.graph_ == mag_to_pag(truth)
        said.add(gfci.explain("b", "c").direction)
    assert any("rule 4, discriminating path t, a, b, c: {a, b}, which has b" in one for one in said)
    assert any("t, a, b, c: as in the search's graph" in one for one in said)


def test_what_the_search_says_and_cannot_hold_is_told():
    dag = CausalGraph.parse("a -> k <- b")
    with pytest.warns(KnowledgeWarning):
        gfci = learn(
            limit(dag, np.random.default_rng(0), ("a", "k", "b")),
            GFCI(BOSS(knowledge=Knowledge()), knowledge=Knowledge(required=[("k", "a")])),
        )
    (said,) = gfci.conflicts_
    assert said.startswith("a *-> k <-* b is not drawn, although it is one in the search's graph")
    assert said.endswith("the knowledge contradicts it")
    dag = CausalGraph.parse("a <- k -> b")
    with pytest.warns(KnowledgeWarning):
        gfci = learn(
            limit(dag, np.random.default_rng(0), ("a", "k", "b")),
            GFCI(BOSS(knowledge=Knowledge()), knowledge=Knowledge([["a", "b"], ["k"]])),
        )
    assert gfci.graph_ == CausalGraph.parse("PAG: a o-> k; b o-> k")
    assert "is drawn, although it is none in the search's graph" in gfci.conflicts_[0]


def test_explain_needs_a_fit():
    with pytest.raises(NotFittedError):
        GFCI().explain("a", "b")


# --- time budget -----------------------------------------------------------------------------


def test_a_spent_budget_still_gives_a_graph():
    frame = noisy_frame(13)
    search = FLOP(n_restarts=10**7)
    with pytest.warns(TimeBudgetWarning, match="search by score: the time was up") as caught:
        gfci = GFCI(search, alpha=0.1, max_seconds=1).fit(frame)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert gfci.stopped_.startswith("the search by score: the time was up after")
    assert gfci.graph_.kind is Kind.PAG
    timed = GFCI(alpha=0.1, max_seconds=600).fit(frame)
    assert timed.stopped_ is None
    assert timed.graph_ == GFCI(alpha=0.1).fit(frame).graph_


def test_an_interrupted_search_says_nothing_wrong():
    rng = np.random.default_rng(14)
    n_stopped = 0
    for seed in range(10):
        dag, latent, _ = random_case(rng, 9)
        mag = dag_to_mag(dag, latent)
        test = SlowOracle(mag, 0.0005)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TimeBudgetWarning)
            seconds = float(rng.uniform(0.003, 0.03))
            gfci = GFCI(AnyOrder(mag, seed), test, max_seconds=seconds).fit(rows_of(mag))
        check_true(gfci.graph_, mag)
        assert (gfci.graph_.adjacency | ~mag.adjacency).all()
        n_stopped += gfci.stopped_ is not None
    assert n_stopped > 2


# --- hostile data ----------------------------------------------------------------------------


def test_one_and_two_columns():
    graph = GFCI().fit({"only": [1.0, 2.0, 3.0, 5.0]}).graph_
    assert graph.nodes == ("only",)
    x = np.arange(20.0)
    assert GFCI().fit({1: x, 2: x + np.sin(x)}).graph_.to_text() == "1 o-o 2"


@pytest.mark.filterwarnings("ignore::causalkit.errors.RedundantColumnsWarning")
def test_copies_stay_joined():
    rng = np.random.default_rng(0)
    x = rng.normal(size=300)
    data = {"x": x, "copy": 2 * x + 1, "y": x + rng.normal(size=300), "z": 1e200 * x**3}
    gfci = GFCI(alpha=0.01).fit(data)
    assert gfci.graph_.edges_between("x", "copy")


def test_fewer_rows_than_columns():
    values = np.random.default_rng(1).normal(size=(8, 15))
    graph = GFCI(alpha=0.2).fit(values).graph_
    assert mag_to_pag(representative(graph)) == graph


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({"a": [1.0, np.nan, 2.0, 4.0, 5.0], "b": [1.0, 2.0, 3.0, 5.0, 4.0]}, "missing"),
        ({"a": [1.0] * 5, "b": [1.0, 2.0, 3.0, 5.0, 4.0]}, "one value only"),
        ({"a": [1.0, 2.0], "b": [2.0, 1.0]}, "rows"),
    ],
)
def test_bad_columns_are_named(data, problem):
    with pytest.raises(InputError, match=problem):
        GFCI().fit(data)


@pytest.mark.parametrize(
    ("gfci", "words"),
    [
        (GFCI(PC()), "search=PC"),
        (GFCI(BOSS), "with parentheses"),
        (GFCI(BOSS(n_starts=0)), "n_starts=0"),
        (GFCI(test=FisherZ), "expected a conditional-independence test"),
        (GFCI(alpha=0), "alpha"),
        (GFCI(max_order=-1), "max_order"),
        (GFCI(max_seconds=0), "max_seconds"),
        (GFCI(knowledge=["a"]), "expected Knowledge"),
    ],
    ids=repr,
)
def test_bad_settings(gfci, words):
    with pytest.raises(InputError, match=words):
        gfci.fit(noisy_frame(1))


def test_categories_need_a_score_and_a_test_for_them():
    rng = np.random.default_rng(2)
    a, b, h = rng.integers(0, 2, (3, 4000))
    c, d = (2 * a + h + (rng.random(4000) < 0.1)) % 3, (2 * b + h + (rng.random(4000) < 0.1)) % 3
    frame = pd.DataFrame({"a": a, "b": b, "c": c, "d": d}).astype("category")
    gfci = GFCI(BOSS(BDeu()), GSquare(), alpha=0.01).fit(frame)
    assert gfci.graph_ == CausalGraph.parse("PAG: a o-> c; b o-> d; c <-> d")
    with pytest.raises(InputError, match="categorical"):
        GFCI(test=GSquare()).fit(frame)


def test_columns_that_only_the_test_reads_are_kept_from_the_score():
    frame = noisy_frame(8)
    weighted = frame.assign(w=1.0)
    gfci = GFCI(test=Weighted(FisherZ(), "w"), alpha=0.1).fit(weighted)
    assert gfci.graph_ == GFCI(alpha=0.1).fit(frame).graph_
    regime = InterventionalBIC(regime="w", targets={0: []})
    with pytest.raises(InputError, match="w is a variable for the test and not for the score"):
        GFCI(BOSS(regime)).fit(frame.assign(w=np.arange(len(frame)) % 2))
