"""Exact search: no DAG that the knowledge allows scores higher."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from causalkit._core.table import as_table
from causalkit.discovery import FLOP, GES, HillClimb, Knowledge
from causalkit.discovery.search._families import Family, n_sets, score_family
from causalkit.discovery.search._score_setup import set_up_search
from causalkit.discovery.search.exact import ExactSearch
from causalkit.errors import InputError, NumericalError, TimeBudgetWarning, UnknownVariableError
from causalkit.graph import CausalGraph, dag_to_cpdag, random_dag
from causalkit.scores import BDeu, BGe, DiscreteBIC, ExtendedBIC, GaussianBIC
from tests.oracles import posterior as oracle
from tests.oracles.discovery import linear_data
from tests.oracles.graphs import dags

NAMES = "ABCDEFGH"


def gaussian(p, rng, n=80):
    return pd.DataFrame(
        linear_data(rng, random_dag(p, expected_degree=min(3.0, p - 1), rng=rng), n),
        columns=list(NAMES[:p]),
    )


def categories(p, rng, n=80):
    hidden = rng.integers(0, 3, size=(n, 2))
    noise = rng.integers(0, 3, size=(n, p))
    mixed = np.where(rng.random((n, p)) < 0.5, noise, hidden[:, rng.integers(0, 2, p)])
    return pd.DataFrame(mixed, columns=list(NAMES[:p]))


MAKERS = {"GaussianBIC": (gaussian, GaussianBIC(1.0)), "BDeu": (categories, BDeu())}
KINDS = pytest.mark.parametrize(("make", "score"), MAKERS.values(), ids=MAKERS.keys())


def random_knowledge(p, rng):
    """Required edges along an order, and forbidden ones beside them."""
    order = rng.permutation(list(NAMES[:p])).tolist()
    required = [pair for pair in combinations(order, 2) if rng.random() < 0.2]
    others = [(a, b) for a in order for b in order if a != b and (a, b) not in required]
    return Knowledge(required=required, forbidden=[p for p in others if rng.random() < 0.25])


def arrays_of(knowledge, names):
    required = knowledge.required_matrix(names)
    allowed = ~knowledge.forbidden_matrix(names) | required
    return required, allowed


def table_of(frame, score, knowledge=None, max_parents=None):
    """Local scores as Python gives them, one set after the other."""
    p = frame.shape[1]
    required, allowed = arrays_of(knowledge or Knowledge(), tuple(frame.columns))
    local = score.bind(as_table(frame))
    return oracle.local_scores(local, p, required, allowed, max_parents)


# --- the optimum ----------------------------------------------------------------------------------


@KINDS
@settings(max_examples=8, deadline=None)
@given(p=st.integers(2, 5), seed=st.integers(0, 10**6), known=st.booleans(), most=st.integers(0, 5))
def test_no_dag_scores_higher(make, score, p, seed, known, most):
    rng = np.random.default_rng(seed)
    frame = make(p, rng)
    knowledge = random_knowledge(p, rng) if known else None
    required, allowed = arrays_of(knowledge or Knowledge(), tuple(frame.columns))
    most = max(most, int(required.sum(axis=0).max()))
    table = table_of(frame, score, knowledge, most)
    every = oracle.all_dags(p)
    scores = oracle.scores_of(every, table)
    search = ExactSearch(score, knowledge=knowledge, max_parents=most).fit(frame)
    found = search.dag_.directed
    assert search.score_ == pytest.approx(scores.max(), abs=1e-8)
    assert score.total(frame, search.dag_) == pytest.approx(scores.max(), abs=1e-8)
    assert (found >= required).all()
    assert (found <= allowed).all()
    assert found.sum(axis=0).max() <= most
    best = oracle.matrices(every[scores > scores.max() - 1e-8])
    if most >= p - 1:  # all that share the score are members of one class here
        ever, always = best.any(axis=0), best.all(axis=0)
        assert (search.graph_.directed == always).all()
        assert (search.graph_.adjacency == (ever | ever.T)).all()


@pytest.mark.slow
@KINDS
@pytest.mark.parametrize("seed", range(3))
def test_no_dag_of_six_nodes_scores_higher(make, score, seed):
    frame = make(6, np.random.default_rng(seed))
    table = table_of(frame, score)
    codes = oracle.codes_of_all_dags(6)
    assert len(codes) == 3_781_503
    total = sum(table[v, codes >> (6 * v) & 63] for v in range(6))
    assert ExactSearch(score).fit(frame).score_ == pytest.approx(total.max(), abs=1e-8)


@KINDS
def test_no_order_of_seven_nodes_has_better_parents(make, score):
    frame = make(7, np.random.default_rng(0))
    best = oracle.best_by_orders(table_of(frame, score, max_parents=3))
    assert ExactSearch(score, max_parents=3).fit(frame).score_ == pytest.approx(best, abs=1e-8)


def test_groups_that_tiers_make_are_searched_on_their_own():
    rng = np.random.default_rng(2)
    names = [f"x{k}" for k in range(28)]  # together they are more than an exact search can take
    values = linear_data(rng, random_dag(28, expected_degree=2.0, rng=rng), 300)
    frame = pd.DataFrame(values, columns=names)
    tiers = [names[k : k + 4] for k in range(0, 28, 4)]
    search = ExactSearch(knowledge=Knowledge(tiers=tiers), max_parents=2).fit(frame)
    local, total = ExtendedBIC().bind(as_table(frame)), 0.0
    for k in range(7):  # each tier by its orders, with all earlier nodes at hand
        p, before = 4, range(4 * k)
        table = np.full((p, 2**p), -np.inf)
        for v in range(p):
            for inner in oracle.subsets_of(set(range(p)) - {v}):
                beside = [4 * k + u for u in inner]
                outer = [c for m in range(3 - len(inner)) for c in combinations(before, m)]
                scores = [local(4 * k + v, [*c, *beside]) for c in outer]
                table[v, sum(1 << u for u in inner)] = max(scores, default=-np.inf)
        total += oracle.best_by_orders(table)
    assert search.score_ == pytest.approx(total, abs=1e-7)


@pytest.mark.parametrize("p", [5, 8])
def test_causal_learn_finds_no_better_graph(p):
    from causallearn.search.ScoreBased.ExactSearch import bic_exact_search

    score = GaussianBIC(penalty=1.0)
    for seed in range(3):
        frame = gaussian(p, np.random.default_rng(seed), n=200)
        frame -= frame.mean()  # it fits no constants
        found, _ = bic_exact_search(frame.to_numpy(), search_method="astar")
        edges = [(NAMES[i], NAMES[j]) for i, j in zip(*np.nonzero(found), strict=True)]
        theirs = CausalGraph.from_edges(frame.columns, edges, "DAG")
        ours = ExactSearch(score).fit(frame)
        assert ours.score_ == pytest.approx(score.total(frame, theirs), abs=1e-6)
        assert ours.graph_ == dag_to_cpdag(theirs)


@settings(max_examples=10, deadline=None)
@given(dag=dags(2, 6), seed=st.integers(0, 10**6))
def test_many_rows_lead_to_the_class(dag, seed):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(linear_data(rng, dag, 3000), columns=dag.nodes)
    search = ExactSearch().fit(frame)
    assert search.score_ >= ExtendedBIC().total(frame, dag) - 1e-8


# --- sets of parents ------------------------------------------------------------------------------


def setup_of(frame, score, **more):
    settings_ = {"skeleton": None, "max_parents": None, "max_seconds": None} | more
    knowledge = settings_.pop("knowledge", None)
    return set_up_search(as_table(frame), score, knowledge, **settings_)


@pytest.mark.parametrize(
    "score", [GaussianBIC(), BGe(), BDeu(), DiscreteBIC()], ids=["kernel", "gains", "bdeu", "bic"]
)
@pytest.mark.parametrize("most", [1, 2, 3, 6])
def test_every_set_has_its_score(score, most):
    frame = gaussian(7, np.random.default_rng(1))
    if isinstance(score, BDeu | DiscreteBIC):
        frame = (frame > 0).astype(int) + (frame > 1)
    setup = setup_of(frame, score, knowledge=Knowledge(required=[("B", "A")]), max_parents=most)
    family = Family.of(setup, 0, np.array([2, 4, 5]), np.array([3, 6]))
    with setup.state() as state:
        scores, wider = score_family(setup, state, family, np.zeros(1, dtype=bool))
    table, beyond = np.full(8, -np.inf), np.full((2, 8), -np.inf)
    family.by_bits(scores, table)
    family.by_bits(wider, beyond)
    assert family.n_sets == n_sets(3, most - 1)
    for mask in range(8):
        chosen = [1, *(u for k, u in enumerate([2, 4, 5]) if mask >> k & 1)]
        for extra, found in zip([[], [3], [6]], [table, *beyond], strict=True):
            parents = [*chosen, *extra]
            want = setup.local(0, parents) if len(parents) <= most else -np.inf
            assert found[mask] == pytest.approx(want, abs=1e-8)


@settings(max_examples=30, deadline=None)
@given(c=st.integers(0, 7), most=st.integers(0, 8), seed=st.integers(0, 10**6))
def test_sets_that_a_subset_beats_are_dropped(c, most, seed):
    rng = np.random.default_rng(seed)
    candidates = np.sort(rng.choice(12, c, replace=False)).astype(np.intp)
    family = Family(15, np.empty(0, np.intp), candidates, np.empty(0, np.intp), most)
    scores = rng.integers(0, 12, family.n_sets).astype(float)  # with ties
    by_size = [s for k in range(min(c, most) + 1) for s in combinations(candidates.tolist(), k)]
    by_size.sort(key=lambda s: (len(s), s[::-1]))  # the last member decides first
    value = dict(zip(by_size, scores, strict=True))
    want = [s for s in by_size if not any(value[t] >= value[s] for t in by_size if set(t) < set(s))]
    masks, kept = family.undominated(scores)
    assert masks.tolist() == [sum(1 << u for u in s) for s in want]
    assert kept.tolist() == [value[s] for s in want]


# --- laws -----------------------------------------------------------------------------------------


def test_columns_units_and_containers_do_not_matter():
    rng = np.random.default_rng(4)
    frame = gaussian(6, rng)
    graph = ExactSearch().fit(frame).graph_
    shuffled = frame[rng.permutation(frame.columns)]
    permuted = ExactSearch().fit(shuffled).graph_
    assert permuted == graph
    assert permuted.nodes == tuple(shuffled.columns)
    units = 10.0 ** rng.integers(-9, 10, frame.shape[1])
    assert ExactSearch().fit(frame * units).graph_ == graph
    assert ExactSearch().fit(pl.from_pandas(frame)).graph_ == graph
    assert (ExactSearch().fit(frame.to_numpy()).graph_.ends == graph.ends).all()
    assert clone(ExactSearch(max_parents=2)).fit(frame).graph_.nodes == tuple(frame.columns)


def test_knowledge_and_skeleton_are_named_as_reasons():
    frame = gaussian(4, np.random.default_rng(5))
    knowledge = Knowledge(required=[("D", "B")], forbidden=[("A", "B"), ("B", "A")])
    search = ExactSearch(knowledge=knowledge).fit(frame)
    assert search.explain("B", "D").direction == "knowledge: D -> B is required"
    assert search.explain("A", "B").adjacency.startswith("knowledge: A -> B is forbidden")
    skeleton = CausalGraph.parse("A -- B; C; D")
    search = ExactSearch(skeleton=skeleton).fit(frame)
    assert search.explain("C", "D").adjacency == "the skeleton does not join them"
    assert all({e.left, e.right} == {"A", "B"} for e in search.graph_.edges())


# --- hostile tables -------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::causalkit.errors.RedundantColumnsWarning")
def test_copies_of_columns_are_no_parents_together():
    frame = gaussian(4, np.random.default_rng(6))
    doubled = frame.assign(E=frame["A"] * 2 + 1, F=frame["A"] - frame["B"])
    search = ExactSearch().fit(doubled)
    assert np.isfinite(search.score_)
    required = Knowledge(required=[("A", "C"), ("E", "C")])
    for search in (ExactSearch, FLOP, GES, HillClimb):
        with pytest.raises(NumericalError, match="'A', 'E' of 'C' determine each other"):
            search(knowledge=required).fit(doubled)


def test_few_rows_limit_the_parents():
    frame = gaussian(7, np.random.default_rng(7), n=5)
    assert ExactSearch().fit(frame).dag_.directed.sum(axis=0).max() <= 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f.assign(A=1.0), "one value only"),
        (lambda f: f.assign(A=f["A"].where(f.index != 3)), "missing"),
        (lambda f: f.assign(A=pd.Categorical(list("xyzw") * 20)), "4 levels"),
        (lambda f: f.head(2), "rows"),
    ],
)
def test_hostile_tables_are_refused(change, words):
    with pytest.raises(InputError, match=words):
        ExactSearch().fit(change(gaussian(4, np.random.default_rng(8))))


def test_one_column_is_a_graph():
    assert len(ExactSearch().fit({"a": [1.0, 2.0, 4.0, 3.0]}).graph_) == 1


@pytest.mark.parametrize(
    ("search", "words"),
    [
        (ExactSearch(max_parents=-1), "max_parents=-1"),
        (ExactSearch(knowledge={"tiers": []}), "knowledge is a dict"),
        (ExactSearch(GaussianBIC), "with parentheses"),
        (ExactSearch(max_seconds=0), "max_seconds=0"),
        (
            ExactSearch(max_parents=1, knowledge=Knowledge(required=[("A", "C"), ("B", "C")])),
            "'C' has 2 required parents",
        ),
    ],
    ids=repr,
)
def test_settings_out_of_range_are_refused(search, words):
    with pytest.raises(InputError, match=words):
        search.fit(gaussian(4, np.random.default_rng(9)))


def test_what_would_take_too_long_is_refused_at_once():
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match=r"30 columns with 1.6e\+10 sets of parents.*GES, FLOP"):
        ExactSearch().fit(rng.normal(size=(100, 30)))
    common = rng.normal(size=(60, 1))
    with pytest.raises(InputError, match=r"columns may all cause each other.*at most 23"):
        ExactSearch(max_parents=1).fit(common + rng.normal(size=(60, 26)))


def test_the_time_budget_leaves_a_graph():
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 21)))
    with pytest.warns(TimeBudgetWarning, match="before all graphs had been compared"):
        search = ExactSearch(max_seconds=0.01).fit(frame)
    assert search.stopped_
    assert search.graph_.nodes == tuple(range(21))


def test_unknown_names_are_told():
    search = ExactSearch().fit(gaussian(3, np.random.default_rng(1)))
    with pytest.raises(UnknownVariableError, match="'Z'"):
        search.explain("A", "Z")
