"""causal-learn's algorithms behind our interface: they recover, refuse, and leave no trace."""

from __future__ import annotations

import pickle
import random
import sys
from itertools import product

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.utils.estimator_checks import check_estimator

from causalkit.discovery import Knowledge
from causalkit.discovery import external_latent as latent_module
from causalkit.discovery.external import ANM, ExactSearch, GRaSP
from causalkit.discovery.external_latent import CAMUV, GIN, RCD
from causalkit.errors import CausalkitError, InputError, NumericalError
from causalkit.graph import (
    CausalGraph,
    Kind,
    consistent_extension,
    dag_to_cpdag,
    meek_closure,
    random_dag,
)
from tests.oracles.discovery import linear_data
from tests.oracles.graphs import dags


def table(dag, rng, n=10_000):
    return pd.DataFrame(linear_data(rng, dag, n), columns=dag.nodes)


def cubes(rng, shape):
    return rng.normal(size=shape) ** 3


def confounded(rng, n=300):
    """Linear, far from Gaussian: a and b share a hidden cause, a -> c, b -> d."""
    hidden, a, b, c, d = cubes(rng, (5, n))
    a, b = a + hidden, b + hidden
    return {"a": a, "b": b, "c": a + c, "d": b + d}


def indicators(rng, n=400):
    """Two hidden variables, the first a cause of the second, with three indicators each."""
    noise = rng.uniform(-1, 1, size=(8, n))
    first = noise[6]
    second = first + noise[7]
    columns = [first, second] * 3
    return {name: v + 0.3 * e for name, v, e in zip("abcdef", columns, noise[:6], strict=True)}


def curved(rng, n=200):
    x = rng.uniform(-2, 2, size=n)
    return {"x": x, "y": np.exp(x) + rng.normal(size=n)}


# --- recovery where the assumptions hold ----------------------------------------------------------


def test_grasp_finds_the_class():
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(12):
        dag = random_dag(7, expected_degree=2.0, rng=rng)
        found += GRaSP(random_state=1).fit(table(dag, rng)).graph_ == dag_to_cpdag(dag)
    assert found >= 11


def bic(values, graph):
    """By least squares, lower is better."""
    n = len(values)
    total = 0.0
    for j, name in enumerate(graph.nodes):
        parents = graph.indices(graph.parents(name))
        X = np.column_stack([np.ones(n), values[:, parents]])
        residual = values[:, j] - X @ np.linalg.lstsq(X, values[:, j], rcond=None)[0]
        total += n * np.log(residual @ residual / n) + len(parents) * np.log(n)
    return total


@pytest.mark.parametrize("method", ["astar", "dp"])
def test_exact_search_finds_the_class_or_one_that_scores_better(method):
    rng = np.random.default_rng(3)
    found = 0
    for _ in range(8):
        dag = random_dag(6, expected_degree=2.0, rng=rng)
        frame = table(dag, rng)
        graph = ExactSearch(method=method).fit(frame).graph_
        found += graph == dag_to_cpdag(dag)
        values = frame.to_numpy()
        assert bic(values, consistent_extension(graph)) <= bic(values, dag) + 1e-6
    assert found >= 6


def all_dags(names):
    pairs = [(a, b) for k, b in enumerate(names) for a in names[:k]]
    for states in product((None, 0, 1), repeat=len(pairs)):
        edges = [p[:: 1 - 2 * s] for p, s in zip(pairs, states, strict=True) if s is not None]
        try:
            yield CausalGraph.from_edges(names, edges, Kind.DAG)
        except CausalkitError:
            continue


@settings(max_examples=8, deadline=None)
@given(dag=dags(4, 4), seed=st.integers(0, 10**6), known=st.integers(0, 2))
def test_exact_search_is_exact_and_obeys_knowledge(dag, seed, known):
    rng = np.random.default_rng(seed)
    frame = table(dag, rng, n=60)
    pairs = rng.permutation([(a, b) for a in "ABCD" for b in "ABCD" if a != b])[: known + 1]
    banned = [tuple(map(str, pair)) for pair in pairs[1:]]
    required = [tuple(map(str, pairs[0]))] if known else []
    knowledge = Knowledge(required=required, forbidden=[p for p in banned if p not in required])

    def obeys(candidate):
        arrows = {(e.left, e.right) for e in candidate.edges()}
        return not arrows & set(banned) - set(required) and set(required) <= arrows

    every = [candidate for candidate in all_dags("ABCD") if obeys(candidate)]
    scores = [bic(frame.to_numpy(), candidate) for candidate in every]
    best = [c for c, s in zip(every, scores, strict=True) if s < min(scores) + 1e-6]
    for method in ("astar", "dp"):
        found = ExactSearch(method=method, knowledge=knowledge).fit(frame).graph_
        assert found == class_of(best)


def class_of(members):
    """Directed where all members agree."""
    ends = np.bitwise_or.reduce([member.ends for member in members])
    ends = np.where(ends == 3, 1, ends)
    return meek_closure(CausalGraph(members[0].nodes, ends, Kind.CPDAG))


def test_anm_tells_cause_from_effect():
    rng = np.random.default_rng(5)
    right = [str(ANM().fit(curved(rng)).graph_).endswith("x -> y") for _ in range(4)]
    assert sum(right) >= 3


def test_anm_says_what_it_cannot_tell():
    rng = np.random.default_rng(1)
    x, e = rng.normal(size=(2, 150))
    linear = ANM().fit({"x": x, "y": x + e})
    assert str(linear.graph_).endswith("x -- y")
    assert min(linear.p_values_.values()) > 0.05
    apart = ANM(alpha=0.01).fit({"x": x, "y": e})
    assert not apart.graph_.edges()
    assert apart.explain("x", "y").edge == "no edge"
    assert "x -> y (p = " in linear.explain("x", "y").direction


def test_rcd_draws_hidden_common_causes():
    truth = CausalGraph.parse("a <-> b; a -> c; b -> d")
    rng = np.random.default_rng(0)
    assert sum(RCD().fit(confounded(rng)).graph_ == truth for _ in range(3)) >= 2


def test_gin_finds_hidden_variables_and_their_order():
    gin = GIN().fit(indicators(np.random.default_rng(2)))
    assert gin.clusters_ == (("a", "c", "e"), ("b", "d", "f"))
    assert gin.latents_ == ("L1", "L2")
    assert gin.graph_.children("L1") == {"a", "c", "e", "L2"}
    assert gin.graph_.nodes == (*"abcdef", "L1", "L2")


def test_gin_keeps_clear_of_the_names_of_columns():
    data = indicators(np.random.default_rng(2))
    gin = GIN().fit({f"L{k}": column for k, column in enumerate(data.values())})
    assert gin.latents_ == ("LL1", "LL2")


def test_camuv_draws_hidden_common_causes():
    pytest.importorskip("pygam", reason="CAMUV smooths with pygam")
    rng = np.random.default_rng(0)
    x = rng.uniform(-2, 2, size=300)
    hidden = rng.normal(size=300)
    noise = rng.normal(size=(3, 300))
    data = {
        "x": x,
        "y": x**2 + 0.3 * noise[0],
        "v": hidden**2 + 0.3 * noise[1],
        "w": np.sin(2 * hidden) + 0.3 * noise[2],
    }
    expected = CausalGraph.parse("x -> y; v <-> w", kind="ADMG")
    assert CAMUV(max_explanatory=1).fit(data).graph_ == expected


def test_camuv_says_what_it_needs(monkeypatch):
    monkeypatch.setattr(latent_module, "find_spec", lambda _: None)
    with pytest.raises(InputError, match="pip install pygam"):
        CAMUV().fit(confounded(np.random.default_rng(0)))


# --- laws of all ----------------------------------------------------------------------------------

ALGORITHMS = {
    "GRaSP": (GRaSP(random_state=0), confounded),
    "ExactSearch": (ExactSearch(), confounded),
    "RCD": (RCD(), confounded),
    "GIN": (GIN(), indicators),
    "ANM": (ANM(), curved),
}

every_algorithm = pytest.mark.parametrize(
    ("algorithm", "simulate"), ALGORITHMS.values(), ids=ALGORITHMS.keys()
)


@every_algorithm
def test_leaves_no_trace_and_repeats_itself(algorithm, simulate, capfd):
    frame = pd.DataFrame(simulate(np.random.default_rng(4), 120))
    before = frame.copy()
    random.seed(7)
    np.random.seed(7)  # noqa: NPY002
    expected = random.random(), np.random.random()  # noqa: NPY002
    random.seed(7)
    np.random.seed(7)  # noqa: NPY002
    fitted = clone(algorithm).fit(frame)
    assert (random.random(), np.random.random()) == expected  # noqa: NPY002
    assert capfd.readouterr() == ("", "")
    assert "causallearn.search.ScoreBased.CALM" not in sys.modules  # sets torch's default dtype
    assert frame.equals(before)
    random.seed(8)
    again = clone(algorithm).fit(frame)
    assert again.graph_ == fitted.graph_
    assert pickle.loads(pickle.dumps(fitted)).graph_ == fitted.graph_


@every_algorithm
def test_columns_units_and_containers_do_not_matter(algorithm, simulate):
    rng = np.random.default_rng(4)
    frame = pd.DataFrame(simulate(rng, 120))
    graph = clone(algorithm).fit(frame).graph_
    shuffled = frame[rng.permutation(frame.columns)]
    permuted = clone(algorithm).fit(shuffled).graph_
    assert permuted == graph
    assert permuted.nodes[: frame.shape[1]] == tuple(shuffled.columns)
    units = 10.0 ** rng.integers(-9, 10, frame.shape[1])
    assert clone(algorithm).fit(frame * units).graph_ == graph
    assert clone(algorithm).fit(frame * 1e300).graph_ == graph
    assert clone(algorithm).fit(pl.from_pandas(frame)).graph_ == graph
    array = clone(algorithm).fit(frame.to_numpy()).graph_
    assert (array.ends == graph.ends).all()


@every_algorithm
def test_explains_honestly(algorithm, simulate):
    frame = pd.DataFrame(simulate(np.random.default_rng(4), 120))
    fitted = clone(algorithm).fit(frame)
    a, b = fitted.graph_.nodes[:2]
    said = fitted.explain(a, b)
    assert said.pair == (a, b)
    assert said.test is None
    if not isinstance(algorithm, ANM):
        assert f"causal-learn's {type(algorithm).__name__}; there is no record" in said.adjacency
    with pytest.raises(InputError, match="expected two variables"):
        fitted.explain(a, a)


@pytest.mark.parametrize("kind", [GRaSP, ExactSearch, RCD, CAMUV, GIN, ANM])
def test_unknown_settings_are_refused(kind):
    with pytest.raises(TypeError, match=r"alhpa|takes no arguments"):
        kind(alhpa=0.2)


# Refused as it should be; the checks only want scikit-learn's own words for it.
OTHER_WORDS = {
    "check_complex_data": "complex numbers are refused, naming the column",
    "check_dtype_object": "cells that are no numbers are refused with InputError, not TypeError",
    "check_estimators_empty_data_messages": "a table without columns is refused",
    "check_estimator_sparse_tag": "sparse matrices are refused",
    "check_estimator_sparse_array": "sparse matrices are refused",
    "check_estimator_sparse_matrix": "sparse matrices are refused",
    "check_fit2d_1sample": "a single row is refused",
    "check_fit2d_1feature": "a single column is refused",
}


@pytest.mark.parametrize("algorithm", [GRaSP(random_state=0), RCD()], ids=["GRaSP", "RCD"])
def test_scikit_learn_is_content(algorithm):
    checks = check_estimator(
        algorithm, expected_failed_checks=OTHER_WORDS, on_skip=None, on_fail=None
    )
    assert not [check for check in checks if check["status"] == "failed"]


@every_algorithm
def test_hostile_tables_are_refused(algorithm, simulate):
    frame = pd.DataFrame(simulate(np.random.default_rng(4), 60))
    a, b = frame.columns[:2]
    hostile = [
        (frame.assign(**{b: frame[b].where(frame.index != 3)}), InputError, "missing"),
        (frame.assign(**{a: 1.0}), InputError, "one value only"),
        (frame.assign(**{a: 2 * frame[b] + 1}), NumericalError, "linear combinations"),
        (frame.head(3), InputError, "rows"),
        (frame[[a]], InputError, "1 column"),
        (frame.assign(**{a: pd.Categorical(list("xyz") * 20)}), InputError, "3 levels"),
        (frame.assign(**{a: "text"}), InputError, "text"),
    ]
    for data, error, words in hostile:
        with pytest.raises(error, match=words):
            clone(algorithm).fit(data)


def test_more_columns_than_rows_are_refused():
    wide = np.random.default_rng(0).normal(size=(25, 30))
    with pytest.raises(InputError, match="25 row"):
        GRaSP().fit(wide)


@pytest.mark.parametrize(
    ("algorithm", "words"),
    [
        (GRaSP(penalty=0), "penalty=0"),
        (GRaSP(depth=0), "depth=0"),
        (GRaSP(random_state="x"), "random_state='x'"),
        (ExactSearch(method="greedy"), "method='greedy'"),
        (ExactSearch(max_parents=-1), "max_parents=-1"),
        (ExactSearch(knowledge={"tiers": []}), "knowledge is a dict"),
        (
            ExactSearch(max_parents=1, knowledge=Knowledge(required=[("a", "c"), ("b", "c")])),
            "c has 2 required parents",
        ),
        (RCD(alpha=2), "alpha=2"),
        (RCD(max_explanatory=0), "max_explanatory=0"),
        (CAMUV(alpha=0), "alpha=0"),
        (ANM(alpha=1.5), "alpha=1.5"),
        (ANM(), "expects 2"),
    ],
    ids=repr,
)
def test_settings_out_of_range_are_refused(algorithm, words):
    with pytest.raises(InputError, match=words):
        algorithm.fit(confounded(np.random.default_rng(0), 50))


def test_too_many_columns_for_an_exact_search():
    with pytest.raises(InputError, match="at most 20"):
        ExactSearch().fit(np.random.default_rng(0).normal(size=(40, 21)))


def test_the_penalty_is_in_units_of_the_bic():
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
        graph = GRaSP(penalty=penalty, random_state=0).fit({"x": x, "y": y}).graph_
        assert len(graph.edges()) == n_edges


def test_knowledge_is_named_as_a_reason():
    data = confounded(np.random.default_rng(0))
    knowledge = Knowledge(required=[("d", "b")], forbidden=[("a", "b"), ("b", "a")])
    search = ExactSearch(knowledge=knowledge).fit(data)
    assert search.explain("b", "d").direction == "knowledge: d -> b is required"
    assert search.explain("a", "b").adjacency.startswith("knowledge: a -> b is forbidden")
