"""Posteriors over graphs: the sums are those over all DAGs, and the draws have those shares."""

from __future__ import annotations

from itertools import permutations
from math import comb, log

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalkit._core.table import as_table
from causalkit.discovery import Knowledge
from causalkit.discovery.bayesian._convergence import effective_size, r_hat
from causalkit.discovery.bayesian._linear_extension_kernels import count_orders
from causalkit.discovery.bayesian._parent_tables import candidates_of, parent_tables
from causalkit.discovery.bayesian.order_mcmc import OrderMCMC
from causalkit.discovery.bayesian.posterior import ExactPosterior
from causalkit.errors import (
    CausalkitWarning,
    InputError,
    NumericalError,
    TimeBudgetWarning,
    UnknownVariableError,
)
from causalkit.graph import CausalGraph, Edge, Kind, dag_to_cpdag
from causalkit.scores import BGe, GaussianBIC
from tests.discovery.search.test_exact import (
    KINDS,
    arrays_of,
    categories,
    gaussian,
    random_knowledge,
    setup_of,
    table_of,
)
from tests.oracles import posterior as oracle
from tests.oracles.discovery import linear_data
from tests.oracles.graphs import dags

SIGMAS = 4.5
"""Standard errors: one comparison of 150,000 errs by more."""


def within(found, wanted, n):
    """Whether shares of n independent draws can be those of the probabilities."""
    error = np.sqrt(wanted * (1 - wanted) / n)
    return (np.abs(found - wanted) <= SIGMAS * error + 2.0 / n).all()


def edges_of(every, weight):
    return np.tensordot(weight, every.astype(float), axes=1)


# --- exact ----------------------------------------------------------------------------------------


@KINDS
@settings(max_examples=8, deadline=None)
@given(
    p=st.integers(2, 5),
    seed=st.integers(0, 10**6),
    known=st.booleans(),
    most=st.integers(1, 5),
    prior=st.sampled_from(["orders", "sizes"]),
)
def test_sums_over_orders_are_those_over_all_dags(make, score, p, seed, known, most, prior):
    rng = np.random.default_rng(seed)
    frame = make(p, rng, n=40)
    knowledge = random_knowledge(p, rng) if known else None
    most = max(most, int(arrays_of(knowledge or Knowledge(), tuple(frame))[0].sum(axis=0).max()))
    table = table_of(frame, score, knowledge, most)
    if prior == "sizes":
        table = table - [log(comb(p - 1, min(m.bit_count(), p - 1))) for m in range(2**p)]
    every, weight = oracle.posterior(table, "orders")
    exact = ExactPosterior(
        score, prior=prior, knowledge=knowledge, max_parents=most, n_samples=50, random_state=seed
    ).fit(frame)
    found = exact.posterior_.edge_probabilities()
    np.testing.assert_allclose(found, edges_of(every, weight), atol=1e-9)
    best = oracle.scores_of(oracle.all_dags(p), table)
    which = np.argmin([(dag != exact.dag_.directed).any() for dag in every])
    assert best[which] == pytest.approx(best.max(), abs=1e-8)
    assert exact.score_ == pytest.approx(score.total(frame, exact.dag_), abs=1e-8)
    required, allowed = arrays_of(knowledge or Knowledge(), tuple(frame.columns))
    drawn = exact.posterior_.dags()
    assert (drawn >= required).all()
    assert (drawn <= allowed).all()
    assert drawn.sum(axis=1).max() <= most


@pytest.mark.parametrize("prior", ["orders", "sizes", "uniform"])
def test_draws_have_the_shares_of_all_dags(prior):
    frame = gaussian(4, np.random.default_rng(3), n=15)
    table = table_of(frame, BGe())
    if prior == "sizes":
        table = table - [log(comb(3, min(mask.bit_count(), 3))) for mask in range(16)]
    every, weight = oracle.posterior(table, "uniform" if prior == "uniform" else "orders")
    posterior = ExactPosterior(prior=prior, n_samples=20_000, random_state=1).fit(frame).posterior_
    n = posterior.effective_size
    assert 2000 < n <= 20_000
    number = {dag.tobytes(): k for k, dag in enumerate(every)}
    shares = np.zeros(len(every))
    shares[[number[dag.tobytes()] for dag in posterior.dags()]] = posterior.weights
    assert within(shares, weight, n)
    assert within(posterior.edges, edges_of(every, weight), n)
    ancestors = np.array([oracle.ancestors(dag) for dag in every])
    assert within(posterior.ancestor_probabilities(), edges_of(ancestors, weight), n)
    found = dict(zip(map(bytes, posterior.packed), posterior.scores, strict=True))
    local = BGe().bind(as_table(frame))
    for dag, score in zip(posterior.dags()[:10], posterior.scores[:10], strict=True):
        parents = [np.flatnonzero(dag[:, v]).tolist() for v in range(4)]
        assert score == pytest.approx(sum(local(v, parents[v]) for v in range(4)), abs=1e-8)
    assert len(found) == len(posterior.weights)


def test_shares_of_whole_graphs_and_of_statements():
    frame = gaussian(4, np.random.default_rng(3), n=15)
    every, weight = oracle.posterior(table_of(frame, BGe()), "orders")
    posterior = ExactPosterior(n_samples=20_000, random_state=1).fit(frame).posterior_
    graphs = [
        CausalGraph.from_edges("ABCD", [("ABCD"[i], "ABCD"[j]) for i, j in np.argwhere(dag)], "DAG")
        for dag in every
    ]
    classes: dict = {}
    for graph, share in zip(graphs, weight, strict=True):
        classes[dag_to_cpdag(graph)] = classes.get(dag_to_cpdag(graph), 0.0) + share
    best = max(zip(graphs, weight, strict=True), key=lambda pair: pair[1])
    assert within(posterior.probability(best[0]), best[1], 20_000)
    for graph, share in posterior.classes(5):
        assert graph.kind is Kind.CPDAG
        assert posterior.probability(graph) == pytest.approx(share)
        assert within(share, classes[graph], 20_000)
    holds = every[:, 0, 1] & (every[:, 2, 3] | every[:, 3, 2])
    assert within(posterior.probability("A -> B; C -- D"), weight[holds].sum(), 20_000)
    exact = weight[every[:, 0, 1]].sum()
    assert posterior.probability("A -> B") == pytest.approx(exact, abs=1e-9)
    assert posterior.share(Edge("A", "B", "->")) == posterior.probability("B <- A")


@settings(max_examples=40, deadline=None)
@given(dag=dags(1, 7))
def test_orders_of_a_dag_are_counted(dag):
    assert count_orders(np.ascontiguousarray(dag.directed)) == oracle.count_orders(dag.directed)


# --- orders, restricted to candidates -------------------------------------------------------------


def restricted(frame, score, n_candidates, knowledge=None):
    """Local scores of the sets that a walk knows of: candidates, and one node more."""
    setup = setup_of(frame, score, knowledge=knowledge)
    table = table_of(frame, score, knowledge)
    p = len(table)
    for v in range(p):
        held = {*candidates_of(setup, v, n_candidates).tolist()}
        held |= set(np.flatnonzero(setup.required[:, v]).tolist())
        for mask in range(2**p):
            if len({u for u in range(p) if mask >> u & 1} - held) > 1:
                table[v, mask] = -np.inf
    return table


@pytest.mark.parametrize("known", [False, True])
def test_sums_given_an_order_are_those_over_its_dags(known):
    from causalkit.discovery.bayesian._parent_table_kernels import edges_within

    rng = np.random.default_rng(5)
    frame = gaussian(6, rng, n=30)
    knowledge = Knowledge(required=[("A", "B"), ("C", "E")], forbidden=[("F", "A")])
    knowledge = knowledge if known else None
    setup = setup_of(frame, BGe(), knowledge=knowledge)
    table = restricted(frame, BGe(), 2, knowledge)
    free = setup.allowed & ~setup.required
    candidates = [candidates_of(setup, v, 2) for v in range(6)]
    outside = [np.setdiff1d(np.flatnonzero(free[:, v]), candidates[v]) for v in range(6)]
    with setup.state() as state:
        tables, _ = parent_tables(setup, state, candidates, outside, np.zeros(6), np.zeros(1, bool))
    masks = np.arange(64)
    for order in [range(6), (0, 2, 3, 5, 1, 4), (2, 0, 1, 4, 5, 3)]:
        rank = np.empty(6, dtype=np.intp)
        rank[list(order)] = np.arange(6)
        found, wanted = np.empty((6, 6)), np.zeros((6, 6))
        edges_within(tables, rank, found)
        for v in range(6):
            before = sum(1 << u for u in range(6) if rank[u] < rank[v])
            weight = np.exp(table[v] - table[v].max()) * ((masks & ~before) == 0)
            for u in range(6):
                wanted[u, v] = weight[masks >> u & 1 == 1].sum() / weight.sum()
        np.testing.assert_allclose(found, wanted, atol=1e-12)


@pytest.mark.parametrize("n_candidates", [1, 3, 10])
def test_a_walk_comes_to_the_sums_over_all_orders(n_candidates):
    frame = gaussian(5, np.random.default_rng(n_candidates), n=25)
    wanted = oracle.edges_by_orders(restricted(frame, BGe(), n_candidates))
    walk = OrderMCMC(n_candidates=n_candidates, n_samples=1500, random_state=0).fit(frame)
    agrees(walk, wanted)
    assert (walk.convergence_.outside > 0) == (n_candidates < 4)


def agrees(walk, wanted):
    """Edges within what their effective size allows, and the sampled DAGs with them."""
    found = walk.posterior_
    size = np.minimum(walk.convergence_.edge_size, 6000)
    assert size.min() > 100
    error = np.abs(found.edges - wanted)
    assert (error <= SIGMAS * np.sqrt(wanted * (1 - wanted) / size) + 2 / size).all()
    shares = np.tensordot(found.weights, found.dags().astype(float), axes=1)
    error = np.abs(shares - wanted)
    assert (error <= SIGMAS * np.sqrt(wanted * (1 - wanted) / size) + 2 / size).all()


@pytest.mark.parametrize("seed", range(3))
def test_a_walk_over_eight_variables_agrees_with_the_exact_sums(seed):
    frame = gaussian(8, np.random.default_rng(seed), n=60)
    exact = ExactPosterior(n_samples=10).fit(frame)
    walk = OrderMCMC(n_samples=1000, random_state=seed).fit(frame)
    agrees(walk, exact.posterior_.edges)
    assert walk.score_ == pytest.approx(exact.score_, abs=1e-8)
    assert walk.convergence_.outside == 0
    assert walk.convergence_.score_r_hat < 1.05


@pytest.mark.slow
@KINDS
@pytest.mark.parametrize("seed", range(3))
def test_a_long_walk_agrees_with_the_exact_sums(make, score, seed):
    frame = make(8, np.random.default_rng(seed), n=50)
    knowledge = random_knowledge(8, np.random.default_rng(seed))
    for known in (None, knowledge):
        exact = ExactPosterior(score, knowledge=known, n_samples=10).fit(frame)
        walk = OrderMCMC(score, knowledge=known, n_samples=8000, random_state=1).fit(frame)
        size = walk.convergence_.edge_size
        P = exact.posterior_.edges
        error = np.abs(walk.posterior_.edges - P)
        assert (error <= SIGMAS * np.sqrt(P * (1 - P) / size) + 2 / size).all()


def test_a_walk_visits_orders_as_often_as_they_are_likely():
    """With the table of four nodes all 24 orders are known, so are the shares of the places."""
    frame = gaussian(4, np.random.default_rng(2), n=12)
    table = table_of(frame, BGe())
    weight = np.exp(table - table.max(axis=1, keepdims=True))
    masks, wanted, whole = np.arange(16), np.zeros((4, 4)), 0.0
    for order in permutations(range(4)):
        before = np.cumsum([0, *(1 << v for v in order[:-1])])
        sums = [weight[v, (masks & ~b) == 0].sum() for v, b in zip(order, before, strict=True)]
        whole += np.prod(sums)
        wanted[list(order), range(4)] += np.prod(sums)
    from causalkit.discovery.bayesian._order_mcmc_kernels import walk

    setup = setup_of(frame, BGe())
    free = [np.flatnonzero(setup.allowed[:, v]) for v in range(4)]
    with setup.state() as state:
        tables, _ = parent_tables(
            setup, state, free, [np.empty(0, int)] * 4, np.zeros(4), np.zeros(1, bool)
        )
    n, rng = 6000, np.random.default_rng(0)
    ranks, scores, edges = np.zeros((n, 4), np.intp), np.empty(n), np.empty((n, 4, 4))
    uniforms = rng.random(((10 + n - 1) * 4, 3))
    walk(tables, np.arange(4), uniforms, 10, 1, ranks, scores, edges, np.zeros(1, bool))
    at = (ranks[:, :, None] == np.arange(4)).astype(float)
    size = effective_size(at[None])
    P = wanted / whole
    assert (np.abs(at.mean(axis=0) - P) <= SIGMAS * np.sqrt(P * (1 - P) / size)).all()


# --- have the chains converged? -------------------------------------------------------------------


def test_the_effective_size_of_an_autoregression_is_known():
    for phi in (0.0, 0.6, 0.9, -0.4):
        noise = np.random.default_rng(0).normal(size=(4, 3000, 20))  # twenty quantities
        chains = noise.copy()
        chains[:, 0] /= np.sqrt(1 - phi**2)
        for t in range(1, 3000):
            chains[:, t] += phi * chains[:, t - 1]
        wanted = 12_000 * (1 - phi) / (1 + phi)
        assert effective_size(chains).mean() == pytest.approx(wanted, rel=0.08)
        assert r_hat(chains) == pytest.approx(np.ones(20), abs=0.02)


def test_chains_that_differ_are_seen():
    rng = np.random.default_rng(0)
    apart = rng.normal(size=(4, 500)) + np.array([[0.0], [0.0], [0.0], [2.0]])
    assert r_hat(apart) > 1.2
    assert effective_size(apart) < 40
    drift = rng.normal(size=(4, 500)) + np.linspace(0, 3, 500)
    assert r_hat(drift) > 1.2
    still = np.ones((4, 500, 2))
    still[0, :, 1] = 0
    assert r_hat(still).tolist() == [1.0, np.inf]
    assert effective_size(still)[0] == 2000
    assert np.isnan(r_hat(apart[:, :3]))
    assert np.isnan(effective_size(apart[:, :3]))


def test_a_walk_that_is_too_short_warns():
    frame = pd.DataFrame(linear_data(np.random.default_rng(0), _chain(14), 2000))
    with pytest.warns(CausalkitWarning, match="have not come to agree"):
        OrderMCMC(n_samples=5, burn_in=0, n_candidates=3, random_state=0).fit(frame)


def _chain(p):
    return CausalGraph.from_edges(range(p), [(k, k + 1) for k in range(p - 1)], "DAG")


# --- laws -----------------------------------------------------------------------------------------

UNEVEN = pytest.mark.filterwarnings("ignore:the chains have not come to agree")
"""Short walks may say so."""

QUICK = {"n_samples": 60, "random_state": 3}
ALGORITHMS = pytest.mark.parametrize(
    "algorithm",
    [ExactPosterior(**QUICK), OrderMCMC(burn_in=20, n_candidates=3, **QUICK)],
    ids=["exact", "walk"],
)


@UNEVEN
@ALGORITHMS
def test_columns_units_and_containers_do_not_matter(algorithm):
    rng = np.random.default_rng(4)
    frame = gaussian(5, rng, n=60)
    fitted = algorithm.fit(frame)
    graph, posterior = fitted.graph_, fitted.posterior_
    shuffled = frame[rng.permutation(frame.columns)]
    again = algorithm.fit(shuffled)
    assert again.graph_ == graph
    where = [posterior.nodes.index(name) for name in again.posterior_.nodes]
    np.testing.assert_allclose(again.posterior_.edges, posterior.edges[np.ix_(where, where)])
    assert again.posterior_.nodes == again.graph_.nodes == tuple(shuffled.columns)
    units = 10.0 ** rng.integers(-9, 10, frame.shape[1])
    for data in (frame * units, pl.from_pandas(frame), frame.to_numpy(), dict(frame)):
        found = algorithm.fit(data).posterior_
        np.testing.assert_allclose(found.edges, posterior.edges, atol=1e-8)
        assert (found.packed == posterior.packed).all()


@UNEVEN
def test_workers_and_chains_do_not_change_a_number():
    frame = gaussian(6, np.random.default_rng(0))
    one, two = (OrderMCMC(n_jobs=k, **QUICK).fit(frame).posterior_ for k in (None, 2))
    assert same(one, two)


def same(one, other):
    return all((getattr(one, k) == getattr(other, k)).all() for k in ("edges", "packed", "weights"))


@UNEVEN
@pytest.mark.slow
def test_workers_that_share_nothing_do_not_change_a_number():
    frame = gaussian(6, np.random.default_rng(0))
    one = OrderMCMC(**QUICK).fit(frame).posterior_
    with joblib.parallel_config("loky", n_jobs=2):
        two = OrderMCMC(**QUICK).fit(frame).posterior_
    assert same(one, two)


@UNEVEN
@ALGORITHMS
def test_knowledge_is_obeyed(algorithm):
    frame = gaussian(6, np.random.default_rng(1))
    knowledge = Knowledge(tiers=[["A", "B"], ["C", "D", "E", "F"]], required=[("E", "C")])
    posterior = algorithm.__class__(knowledge=knowledge, **QUICK).fit(frame).posterior_
    required, allowed = arrays_of(knowledge, posterior.nodes)
    assert (posterior.dags() >= required).all()
    assert (posterior.dags() <= allowed).all()
    assert posterior.probability("E -> C") == 1.0
    assert (posterior.edges[~allowed] == 0).all()
    for graph in (posterior.consensus(), *(found for found, _ in posterior.classes())):
        assert not (graph.directed & ~allowed).any()
        assert graph.parents("C") >= {"E"}


@UNEVEN
@ALGORITHMS
def test_an_explanation_has_the_probabilities(algorithm):
    frame = gaussian(4, np.random.default_rng(2))
    fitted = algorithm.fit(frame)
    said = fitted.explain("B", "A")
    there, back = (fitted.posterior_.probability(text) for text in ("B -> A", "A -> B"))
    assert f"probability of B -> A {there:.3g}, of A -> B {back:.3g}" in said.adjacency


# --- the result -----------------------------------------------------------------------------------


def test_a_posterior_draws_graphs_and_sums_them_up():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 400))
    c = a + b + rng.normal(size=400)
    data = {"a": a, "b": b, "c": c, "d": c + rng.normal(size=400)}
    posterior = ExactPosterior(random_state=0).fit(data).posterior_
    truth = CausalGraph.parse("a -> c <- b; c -> d")
    assert posterior.consensus() == dag_to_cpdag(truth)
    assert posterior.classes(1)[0][0] == dag_to_cpdag(truth)
    drawn = posterior.sample(500, rng=1)
    assert posterior.sample(500, rng=1) == drawn
    assert np.mean([graph == truth for graph in drawn]) == pytest.approx(
        posterior.probability(truth), abs=0.1
    )
    frame = posterior.to_frame()
    assert list(frame.columns) == ["a", "b", "adjacent", "->", "<-"]
    np.testing.assert_allclose(frame["->"] + frame["<-"], frame["adjacent"])
    assert frame["adjacent"].is_monotonic_decreasing
    assert posterior.consensus(threshold=1.0).skeleton() <= truth.skeleton()
    assert "Posterior over DAGs with 4 nodes" in repr(posterior)
    assert "all orders alike" in posterior._repr_html_()
    ancestors = posterior.ancestor_probabilities()
    assert (ancestors >= posterior.edges - 0.05).all()
    assert not np.diagonal(ancestors).any()
    posterior.edge_probabilities()[:] = 2.0
    assert posterior.edges.max() <= 1.0


def test_statements_that_make_no_sense_are_refused():
    posterior = ExactPosterior(**QUICK).fit(gaussian(3, np.random.default_rng(0))).posterior_
    for statement, words in [
        ("A <-> B", "no statement about DAGs"),
        ("A", "has no edge"),
        (7, "is a int"),
        (CausalGraph.parse("A -> B"), "with 2 nodes"),
        (CausalGraph.parse("A <-> B; C"), "ADMG"),
    ]:
        with pytest.raises(InputError, match=words):
            posterior.probability(statement)
    with pytest.raises(UnknownVariableError, match="'Z'"):
        posterior.probability("A -> Z")
    with pytest.raises(InputError, match="threshold=2"):
        posterior.consensus(2)
    with pytest.raises(InputError, match="n=0"):
        posterior.sample(0)


# --- hostile tables -------------------------------------------------------------------------------


@UNEVEN
@ALGORITHMS
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f.assign(A=1.0), "one value only"),
        (lambda f: f.assign(A=f["A"].where(f.index != 3)), "missing"),
        (lambda f: f.assign(A=pd.Categorical(list("xyzw") * 20)), "4 levels"),
    ],
)
def test_hostile_tables_are_refused(algorithm, change, words):
    with pytest.raises(InputError, match=words):
        algorithm.fit(change(gaussian(4, np.random.default_rng(8))))


@UNEVEN
@ALGORITHMS
@pytest.mark.filterwarnings("ignore::causalkit.errors.RedundantColumnsWarning")
def test_copies_and_few_rows_have_a_posterior(algorithm):
    frame = gaussian(4, np.random.default_rng(6))
    doubled = frame.assign(E=frame["A"] * 2 + 1)
    posterior = algorithm.fit(doubled).posterior_
    assert posterior.probability("A -- E") == pytest.approx(1.0)
    few = algorithm.fit(gaussian(7, np.random.default_rng(7), n=5)).posterior_
    assert np.isfinite(few.edges).all()
    assert algorithm.fit(categories(4, np.random.default_rng(0))).posterior_.edges.max() <= 1
    one = algorithm.fit({"x": [1.0, 2.0, 4.0, 3.0]}).posterior_
    assert one.packed.shape[0] == 1


def test_required_copies_cannot_be_scored():
    frame = gaussian(3, np.random.default_rng(6))
    doubled = frame.assign(E=frame["A"] * 2 + 1)
    known = Knowledge(required=[("A", "C"), ("E", "C")])
    with pytest.raises(NumericalError, match="'A', 'E' of 'C' determine each other"):
        ExactPosterior(GaussianBIC(1.0), knowledge=known).fit(doubled)


@pytest.mark.parametrize(
    ("algorithm", "words"),
    [
        (ExactPosterior(prior="flat"), "prior='flat'"),
        (ExactPosterior(n_samples=0), "n_samples=0"),
        (ExactPosterior(BGe), "with parentheses"),
        (OrderMCMC(n_candidates=0), "n_candidates=0"),
        (OrderMCMC(n_chains=0), "n_chains=0"),
        (OrderMCMC(burn_in=-1), "burn_in=-1"),
        (OrderMCMC(thinning=0), "thinning=0"),
        (OrderMCMC(n_jobs=0), "n_jobs=0"),
        (OrderMCMC(random_state="x"), "random_state='x'"),
    ],
    ids=repr,
)
def test_settings_out_of_range_are_refused(algorithm, words):
    with pytest.raises(InputError, match=words):
        algorithm.fit(gaussian(4, np.random.default_rng(9)))


def test_what_would_take_too_much_is_refused_at_once():
    wide = np.random.default_rng(0).normal(size=(100, 40))
    with pytest.raises(InputError, match=r"at most 20.*Use OrderMCMC"):
        ExactPosterior().fit(wide)
    with pytest.raises(InputError, match="at most 20"):
        OrderMCMC(prior="uniform").fit(wide)
    with pytest.raises(InputError, match="Take fewer candidates"):
        OrderMCMC(n_candidates=25).fit(wide)


@UNEVEN
def test_the_time_budget_shortens_the_walk():
    frame = gaussian(6, np.random.default_rng(0))
    OrderMCMC(n_samples=10, random_state=0).fit(frame)  # compiled by then
    with pytest.warns(TimeBudgetWarning, match="the time was up after"):
        walk = OrderMCMC(n_samples=10**6, max_seconds=1.0, random_state=0).fit(frame)
    assert walk.convergence_.n_draws < 10**6
    slow = pd.DataFrame(np.random.default_rng(0).normal(size=(50, 14)))
    with pytest.raises(InputError, match="the time was up"):
        ExactPosterior(max_seconds=0.01).fit(slow)
    with pytest.raises(InputError, match="the time was up"):
        OrderMCMC(max_seconds=0.01, n_candidates=13).fit(slow)


def test_weights_that_leave_little_are_warned_of():
    frame = linear_data(np.random.default_rng(0), _chain(9), 30)
    with pytest.warns(CausalkitWarning, match="uniform prior"):
        ExactPosterior(prior="uniform", random_state=0).fit(frame)
