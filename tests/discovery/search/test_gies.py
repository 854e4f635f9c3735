"""GIES: what brute force does on four nodes, the class of exact moments, knowledge, the peer."""

from __future__ import annotations

import pickle
from functools import partial
from itertools import pairwise

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from causalkit._core.table import as_table
from causalkit.discovery import FLOP, GES, Bootstrap, Knowledge, StabilitySelection
from causalkit.discovery.search import _ges_kernels as kernels
from causalkit.discovery.search._ges_search import walk
from causalkit.discovery.search._score_setup import set_up_search
from causalkit.discovery.search.gies import GIES
from causalkit.errors import InputError, TimeBudgetWarning, UnknownVariableError
from causalkit.graph import CausalGraph, Edge, Kind, interventional_class, members, random_dag
from causalkit.scores import GaussianBIC, InterventionalBIC, LocalScore, Score
from tests.laws.test_score_search_laws import obeys, random_knowledge
from tests.oracles import ges as oracle
from tests.oracles.interventional import interventional_key

PUBLISHED = {"phases": ("forward", "backward", "turning"), "repeat": "round"}
WAYS = {"default": {}, "published": PUBLISHED}
ORDERS = [
    (("forward",), "never"),
    (("backward",), "never"),
    (("turning",), "never"),
    (("forward", "backward", "turning"), "round"),
    (("backward", "turning", "forward"), "step"),
]

every_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())


class CalledInterventional(Score):
    """The interventional score as compiled code sees one that is Python."""

    def __init__(self, inner):
        self.inner = inner

    def nodes(self, names):
        return self.inner.nodes(names)

    def columns(self, nodes):
        return self.inner.columns(nodes)

    def bind(self, table):
        return CalledLocal(self.inner.bind(table))


class CalledLocal(LocalScore):
    def __init__(self, inner):
        self.inner = inner

    @property
    def n_columns(self):
        return self.inner.n_columns

    @property
    def targets(self):
        return self.inner.targets

    def __call__(self, node, parents):
        return self.inner(node, parents)


# --- data -----------------------------------------------------------------------------------------


def drawn_targets(rng, p):
    """What was touched in each condition; every node is left alone in some."""
    while True:
        n_conditions, most = int(rng.integers(2, 5)), max(1, p // 2)
        upon = [
            tuple(sorted(rng.choice(p, int(rng.integers(1, most + 1)), replace=False).tolist()))
            for _ in range(n_conditions)
        ]
        upon = [(), *upon[1:]] if rng.random() < 0.6 else upon
        if not set.intersection(*map(set, upon)):
            return upon


def exact(dag, upon, rng):
    """Rows whose moments under each condition are exactly those that the DAG has."""
    p = len(dag.nodes)
    n = 2 * p + 6  # or so many parents are refused
    weights = dag.directed * rng.uniform(0.4, 1.2, (p, p)) * rng.choice([-1, 1], (p, p))
    return tabled(dag, upon, [exact_part(weights, touched, rng, n) for touched in upon])


def exact_part(weights, touched, rng, n):
    p = len(weights)
    noise = rng.normal(size=(n, p))
    noise = np.sqrt(n) * np.linalg.qr(noise - noise.mean(axis=0))[0]
    left, here = weights.copy(), list(touched)
    left[:, here] = 0
    scale, shift = np.ones(p), np.zeros(p)
    scale[here], shift[here] = rng.uniform(0.5, 2, len(here)), 2 * rng.normal(size=len(here))
    return (noise * scale + shift) @ np.linalg.inv(np.eye(p) - left)


def tabled(dag, upon, parts):
    frame = pd.DataFrame(np.vstack(parts), columns=list(dag.nodes))
    frame["regime"] = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    return frame, {k: tuple(dag.nodes[v] for v in touched) for k, touched in enumerate(upon)}


def noisy(seed, n=30, p=6):
    """Few rows a condition of a DAG, and the targets."""
    rng = np.random.default_rng(seed)
    dag = random_dag(p, expected_degree=min(3.0, p - 1), rng=rng)
    upon = drawn_targets(rng, p)
    weights = dag.directed * rng.uniform(0.4, 1.2, (p, p)) * rng.choice([-1, 1], (p, p))
    parts = []
    for touched in upon:
        left = weights.copy()
        left[:, list(touched)] = 0
        noise = rng.normal(size=(n, p))
        noise[:, list(touched)] *= 2
        parts.append(noise @ np.linalg.inv(np.eye(p) - left))
    return dag, *tabled(dag, upon, parts)


def edgeless(names):
    return CausalGraph.from_edges(names, [], Kind.DAG)


# --- brute force ----------------------------------------------------------------------------------

FAMILIES = (
    [(), (0,)],
    [(), (1, 2)],
    [(0,), (1,)],
    [(), (0,), (3,)],
    [(0, 1), (2, 3)],
    [(), (0, 1, 2), (1, 3)],
)


@pytest.fixture(scope="module")
def every_class():
    """Members of every class over four nodes, by the targets."""
    return [oracle.classes(4, partial(interventional_key, targets=t)) for t in FAMILIES]


def drawn_problem(every_class, rng, known):
    which = rng.integers(len(FAMILIES))
    every, upon, names, p = every_class[which], FAMILIES[which], tuple("abcd"), 4
    parts = [rng.normal(size=(15, p)) @ rng.normal(size=(p, p)) for _ in upon]
    frame, targets = tabled(edgeless(names), upon, parts)
    listed = list(every.values())
    equals = listed[rng.integers(len(listed))]
    dag = equals[rng.integers(len(equals))]
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
        as_table(frame),
        InterventionalBIC(targets, "regime", rng.choice([0.05, 0.5, 1.0, 2.0, 50.0])),
        knowledge,
        skeleton=None,
        max_parents=max(int(rng.integers(1, 6)), int(dag.sum(axis=0).max())),
        max_seconds=None,
    )
    return setup, dag, every, partial(interventional_key, targets=upon)


@pytest.mark.parametrize("known", [False, True], ids=["free", "knowledge"])
@pytest.mark.parametrize(("phases", "again"), ORDERS)
def test_each_step_is_the_best_there_is(every_class, phases, again, known):
    rng = np.random.default_rng(len(phases) + 10 * known)
    for _ in range(40):
        setup, dag, every, key_of = drawn_problem(every_class, rng, known)
        permits = partial(oracle.permitted, allowed=setup.allowed, required=setup.required)
        found = walk(setup, dag, phases, again=again)
        key, score = oracle.climb_classes(
            every, setup.local, dag, phases, again, permits, setup.max_parents, key_of
        )
        assert key_of(found.dag) == key
        assert permits(found.dag)
        assert oracle.total(setup.local, found.dag) == pytest.approx(score)


@pytest.fixture
def walked(monkeypatch):
    """Walk, and see which class the compiled search ended with."""
    held, search = [], kernels.search

    def spy(state, cls, *rest):
        held.append(cls)
        return search(state, cls, *rest)

    monkeypatch.setattr(kernels, "search", spy)

    def go(setup, dag, phases, again):
        walk(setup, dag, phases, again=again)
        return held.pop()

    return go


def marks_of(cls):
    return np.where(cls.mark == 2, 2, np.where(cls.mark > 0, 1, 0))


def test_every_dag_is_labelled_as_its_class(every_class, walked):
    rng = np.random.default_rng(0)
    for upon, every in zip(FAMILIES, every_class, strict=True):
        frame, targets = tabled(edgeless("abcd"), upon, [rng.normal(size=(9, 4)) for _ in upon])
        score = InterventionalBIC(targets, "regime")
        setup = set_up_search(
            as_table(frame), score, None, skeleton=None, max_parents=None, max_seconds=None
        )
        for equals in every.values():
            union = np.any(equals, axis=0)
            expected = np.where(union & ~union.T, 2, np.where(union | union.T, 1, 0))
            for dag in equals:
                assert (marks_of(walked(setup, dag, (), "never")) == expected).all()


def test_labels_after_many_steps_are_those_of_the_class(walked):
    for seed in range(60):
        _, frame, targets = noisy(seed, n=25, p=4 + seed % 9)
        score = InterventionalBIC(targets, "regime", (0.2, 1.0, 2.0)[seed % 3])
        setup = set_up_search(
            as_table(frame), score, None, skeleton=None, max_parents=4, max_seconds=None
        )
        for phases, again in ORDERS:
            names = setup.names
            begin = np.triu(np.ones((len(names), len(names)), dtype=bool), 1)
            begin &= np.cumsum(begin, axis=0) <= 4
            cls = walked(setup, begin, phases, again)
            dag = CausalGraph(names, np.where(cls.dag, 2, 0) | np.where(cls.dag.T, 1, 0), Kind.DAG)
            assert (marks_of(cls) == interventional_class(dag, targets).reordered(names).ends).all()


# --- exact moments --------------------------------------------------------------------------------


def population(seed, max_nodes=8):
    rng = np.random.default_rng(seed)
    p = int(rng.integers(2, max_nodes + 1))
    dag = random_dag(p, expected_degree=min(4.0, p - 1) * rng.random(), rng=rng)
    frame, targets = exact(dag, drawn_targets(rng, p), rng)
    return dag, frame, targets


@pytest.mark.parametrize(
    ("way", "n"),
    [({}, 220), (PUBLISHED, 40), pytest.param({}, 2000, marks=pytest.mark.slow)],
    ids=["default", "published", "many"],
)
def test_with_exact_moments_the_class_is_nearly_always_found(way, n):
    """GIES need not arrive (Wang et al. 2017), so a few classes may be missed."""
    n_right = 0
    for seed in range(n):
        dag, frame, targets = population(seed)
        fitted = GIES(targets, regime="regime", penalty=1e-8, **way).fit(frame)
        truth = fitted.score.total(frame, dag)
        right = fitted.graph_ == interventional_class(dag, targets)
        n_right += right
        assert fitted.score_ <= truth + 1e-9 * abs(truth)
        assert right or fitted.score_ < truth
    assert n_right >= 0.95 * n


def test_of_the_true_class_no_step_leads_away():
    for seed in range(100):
        dag, frame, targets = population(seed, max_nodes=10)
        truth = interventional_class(dag, targets)
        fitted = GIES(targets, regime="regime", penalty=1e-8, initial=truth).fit(frame)
        assert fitted.n_steps_ == 0
        assert fitted.graph_ == truth


def test_with_true_knowledge_the_members_that_obey_it_are_found():
    n_right = 0
    for seed in range(40):
        dag, frame, targets = population(seed, max_nodes=6)
        rng = np.random.default_rng(seed)
        true = [(a, b) for b in dag.nodes for a in dag.parents(b)]
        known = Knowledge(required=[pair for pair in true if rng.random() < 0.5])
        fitted = GIES(targets, regime="regime", penalty=1e-8, knowledge=known).fit(frame)
        whole = members(interventional_class(dag, targets))
        n_right += set(members(fitted.graph_)) == {one for one in whole if obeys(one, known)}
    assert n_right >= 38


# --- one search under two names -------------------------------------------------------------------


@every_way
def test_it_is_ges_with_the_interventional_score(way):
    for seed in range(20):
        _, frame, targets = noisy(seed)
        ours = GIES(targets, regime="regime", penalty=1.0, **way).fit(frame)
        theirs = GES(InterventionalBIC(targets, "regime", 1.0), **way).fit(frame)
        assert (ours.graph_, ours.dag_, ours.score_) == (theirs.graph_, theirs.dag_, theirs.score_)
        assert ours.n_steps_ == theirs.n_steps_


@every_way
def test_without_targets_it_is_ges_to_the_last_bit(way):
    for seed in range(20):
        _, frame, targets = noisy(seed)
        for nothing in (dict.fromkeys(targets, ()), dict.fromkeys(targets, frame.columns[:0])):
            ours = GIES(nothing, regime="regime", **way).fit(frame)
            plain = GES(GaussianBIC(), **way).fit(frame.drop(columns="regime"))
            assert (ours.graph_, ours.dag_, ours.score_) == (plain.graph_, plain.dag_, plain.score_)
            assert ours.n_steps_ == plain.n_steps_


@every_way
def test_a_score_in_python_gives_the_same(way):
    for seed in range(10):
        _, frame, targets = noisy(seed, n=20, p=5)
        native = GES(InterventionalBIC(targets, "regime"), **way).fit(frame)
        called = GES(CalledInterventional(InterventionalBIC(targets, "regime")), **way).fit(frame)
        assert called.graph_ == native.graph_
        assert called.score_ == pytest.approx(native.score_)


# --- knowledge and limits -------------------------------------------------------------------------


def test_knowledge_is_never_violated():
    for seed in range(200):
        _, frame, targets = noisy(seed, n=12, p=3 + seed % 6)
        rng, names = np.random.default_rng(seed), frame.columns.drop("regime").tolist()
        knowledge = random_knowledge(rng, names)
        way = list(WAYS.values())[seed % 2]
        search = GIES(targets, regime="regime", penalty=0.5, knowledge=knowledge, **way)
        fitted = search.fit(frame)
        assert obeys(fitted.graph_, knowledge), knowledge
        assert obeys(fitted.dag_, knowledge), knowledge
        free = interventional_class(fitted.dag_, targets)
        assert free.skeleton() == fitted.graph_.skeleton()
        assert not (free.directed & ~fitted.graph_.directed).any()


def test_an_arrow_that_the_rows_would_turn_round_is_said_to_be_known():
    """Interventions direct the edge, and the other way: no class tells that from what is known."""
    rng = np.random.default_rng(0)
    x, noise = rng.normal(size=(2, 400))
    touched = np.arange(400) >= 200
    frame = pd.DataFrame({"x": x, "y": np.where(touched, 2 * noise, x + noise), "r": touched})
    targets = {False: (), True: "y"}
    assert GIES(targets, regime="r").fit(frame).by_knowledge_ == ()
    agreed = Knowledge(forbidden=[("y", "x")])
    assert GIES(targets, regime="r", knowledge=agreed).fit(frame).by_knowledge_ == ()
    turned = GIES(targets, regime="r", knowledge=Knowledge(required=[("y", "x")])).fit(frame)
    score = turned.score.bind(as_table(frame, labels=("r",)))
    gain = score(1, [0]) + score(0, []) - score(1, []) - score(0, [1])
    assert (
        f"y -> x: the direction known; the score would be {gain:.4g} higher"
        in (turned.by_knowledge_[0])
    )


def test_pairs_and_parents_are_limited():
    for seed in range(10):
        _, frame, targets = noisy(seed)
        names = frame.columns.drop("regime").tolist()
        few = CausalGraph.from_edges(names, [Edge(*pair, "--") for pair in pairwise(names)])
        graph = GIES(targets, regime="regime", penalty=0.1, skeleton=few).fit(frame).graph_
        assert graph.skeleton() <= few.skeleton()
        dag = GIES(targets, regime="regime", penalty=0.1, max_parents=1).fit(frame).dag_
        assert dag.directed.sum(axis=0).max() <= 1


def test_a_beginning_may_be_of_a_larger_class():
    """Knowledge may choose another member of an observational class to begin with."""
    _, frame, targets = noisy(0, p=3)
    a, b, c = frame.columns[:3]
    chain = CausalGraph.parse(f"{a} -- {b} -- {c}")
    for tiers in ([a, b, c], [c, b, a]):
        search = GIES({**targets, 1: a}, regime="regime", initial=chain)
        fitted = search.set_params(knowledge=Knowledge(tiers=tiers)).fit(frame)
        assert obeys(fitted.dag_, Knowledge(tiers=tiers))


def test_a_spent_budget_still_gives_a_class():
    _, frame, targets = noisy(1, n=200, p=60)
    with pytest.warns(TimeBudgetWarning, match="time was up after"):
        fitted = GIES(targets, regime="regime", penalty=0.05, max_seconds=0.01).fit(frame)
    assert fitted.graph_ == interventional_class(fitted.dag_, targets)


# --- tables ---------------------------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_neither_columns_rows_nor_units_matter(seed):
    _, frame, targets = noisy(seed)
    rng, names = np.random.default_rng(seed), frame.columns.drop("regime")
    graph = GIES(targets, regime="regime").fit(frame).graph_
    shuffled = frame[rng.permutation(frame.columns)].sample(frac=1.0, random_state=seed)
    other = GIES(targets, regime="regime").fit(shuffled).graph_
    assert other == graph
    assert other.nodes == tuple(name for name in shuffled.columns if name != "regime")
    units = rng.choice([-1.0, 1.0], len(names)) * 10.0 ** rng.integers(-6, 7, len(names))
    scaled = frame.assign(**{name: frame[name] * u for name, u in zip(names, units, strict=True)})
    assert GIES(targets, regime="regime").fit(scaled).graph_ == graph


def test_tables_and_targets_come_in_several_shapes():
    _, frame, targets = noisy(2)
    fitted = GIES(targets, regime="regime").fit(frame)
    graph = fitted.graph_
    assert GIES(targets, regime="regime").fit(pl.from_pandas(frame)).graph_ == graph
    labels = {k: f"condition {k}" for k in targets}
    named = frame.assign(regime=frame["regime"].map(labels).astype("category"))
    by_label = {labels[k]: list(names) for k, names in targets.items()}
    assert GIES(by_label, regime="regime").fit(named).graph_ == graph
    by_row = [targets[k] for k in frame["regime"]]
    assert GIES(by_row).fit(frame.drop(columns="regime")).graph_ == graph
    where = {name: k for k, name in enumerate(frame.columns)}
    numbered = {k: [where[name] for name in names] for k, names in targets.items()}
    integers = GIES(numbered, regime=where["regime"]).fit(frame.rename(columns=where))
    assert (integers.graph_.ends == graph.ends).all()
    again = pickle.loads(pickle.dumps(clone(fitted).fit(frame)))
    assert again.graph_ == graph
    assert again.explain(*graph.nodes[:2]) == fitted.explain(*graph.nodes[:2])
    assert "targets" in repr(again)


@pytest.mark.filterwarnings("ignore:these columns are copies")
def test_odd_tables_are_searched():
    rng = np.random.default_rng(0)
    x, z = rng.normal(size=(2, 60))
    regime = np.arange(60) % 3
    data = {"a": x, "b": x, "c": x + 1e-7 * z, "d": z, "e": 1e150 * (x + z), "regime": regime}
    fitted = GIES({0: (), 1: "a", 2: ("d", "e")}, regime="regime").fit(data)
    assert np.isfinite(fitted.score_)
    assert fitted.graph_.adjacent("a")
    fixed = {**data, "a": np.where(regime == 1, 5.0, x)}  # held at one value where it is set
    assert np.isfinite(GIES({0: (), 1: "a", 2: "d"}, regime="regime").fit(fixed).score_)
    ties = rng.integers(0, 2, size=(60, 5)).astype(float)
    tied = pd.DataFrame(ties, columns=list("abcde")).assign(regime=regime)
    assert len(GIES({0: "a", 1: "b", 2: ()}, regime="regime", penalty=0.1).fit(tied).graph_) == 5
    wide = pd.DataFrame(rng.normal(size=(12, 30)))
    assert len(GIES([()] * 6 + [3] * 6).fit(wide).graph_.nodes) == 30


WRONG = {
    "an unknown target": ({0: (), 1: "z"}, UnknownVariableError, "'z'"),
    "an unknown condition": ({0: ()}, InputError, "says nothing of 1"),
    "never left alone": ({0: "a", 1: "a"}, InputError, "intervened upon in all rows"),
    "no mapping": (["a"] * 20, InputError, "expected a mapping"),
}


@pytest.mark.parametrize(("targets", "error", "word"), WRONG.values(), ids=WRONG.keys())
def test_targets_that_cannot_be_are_refused(targets, error, word):
    values = np.random.default_rng(0).normal(size=(20, 2))
    frame = pd.DataFrame(values, columns=["a", "b"]).assign(regime=np.arange(20) % 2)
    with pytest.raises(error, match=word):
        GIES(targets, regime="regime").fit(frame)


# --- confidence -----------------------------------------------------------------------------------


def chain_with_an_intervention():
    rng = np.random.default_rng(0)
    drug = np.arange(400) >= 200
    a = np.where(drug, 2.0, 0.0) + rng.normal(size=400)
    b = a + rng.normal(size=400)
    return {"a": a, "b": b, "c": b + rng.normal(size=400), "drug": drug}


def test_rows_are_drawn_again_within_their_conditions():
    search = GIES({False: (), True: "a"}, regime="drug")
    data, expected = chain_with_an_intervention(), CausalGraph.parse("a -> b -> c", kind="CPDAG")
    for wrapped in (
        Bootstrap(search, 20, random_state=0),
        Bootstrap(FLOP(InterventionalBIC({False: (), True: "a"}, "drug")), 10, random_state=0),
        StabilitySelection(search, 10, random_state=0),
    ):
        assert wrapped.fit(data).graph_ == expected
    shares = [
        Bootstrap(search, 20, random_state=0, **within).fit(data).frequencies_.matrix()
        for within in ({}, {"strata": "drug"})
    ]
    assert (shares[0] == shares[1]).all()


def test_targets_by_row_cannot_be_drawn_again():
    data = chain_with_an_intervention()
    by_row = GIES([("a",) if drug else () for drug in data.pop("drug")])
    with pytest.raises(InputError, match="name it as regime"):
        Bootstrap(by_row, 5).fit(data)


# --- peers ----------------------------------------------------------------------------------------


def test_scores_are_as_high_as_those_of_gies():
    gies = pytest.importorskip("gies", reason="needs the peer gies")
    for seed in range(12):
        _, frame, targets = noisy(seed, n=60)
        names = list(frame.columns.drop("regime"))
        parts = [part[names] for _, part in frame.groupby("regime")]
        parts = [(part - part.mean()).to_numpy() for part in parts]
        upon = [[names.index(name) for name in targets[k]] for k in targets]
        data = pd.DataFrame(np.vstack(parts), columns=names).assign(regime=frame["regime"])
        ours = GIES(targets, regime="regime", penalty=1, **PUBLISHED).fit(data)
        theirs = gies.fit_bic(parts, upon)[1]
        score = gies.scores.GaussIntL0Pen(parts, upon)
        assert score.full_score(ours.dag_.directed.astype(int)) >= theirs - 1e-6 * abs(theirs)
