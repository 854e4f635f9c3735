"""NOTEARS, DAGMA and GOLEM: gradients, minima, directed acyclic graphs, and honesty about units."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.utils.estimator_checks import check_estimator

from causalkit.discovery import Knowledge
from causalkit.discovery.continuous._acyclicity import (
    by_determinant,
    by_exponential,
    without_circles,
)
from causalkit.discovery.continuous._continuous_model import Problem
from causalkit.discovery.continuous._continuous_objectives import barrier, lagrangian, likelihood
from causalkit.discovery.continuous._l1_search import minimise
from causalkit.discovery.continuous.linear_models import DAGMA, GOLEM, NOTEARS
from causalkit.errors import (
    AssumptionWarning,
    CausalkitWarning,
    ConvergenceWarning,
    InputError,
    NumericalError,
    UnknownVariableError,
)
from causalkit.graph import Kind, random_dag
from tests.oracles.continuous import circles, slope, sorted_share, split_minimum

ALGORITHMS = [NOTEARS(), DAGMA(), GOLEM(), GOLEM(equal_variances=True)]
every_algorithm = pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda a: str(a)[:30])


def simulated(seed, n_nodes=8, degree=2.0, n=3000):
    """Linear, with Gaussian noise of variance 1, in units that give the order away."""
    rng = np.random.default_rng(seed)
    dag = random_dag(n_nodes, expected_degree=degree, rng=rng)
    shape = (n_nodes, n_nodes)
    weights = dag.directed * rng.uniform(0.6, 1.5, shape) * rng.choice([-1, 1], shape)
    noise = rng.normal(size=(n, n_nodes))
    data = pd.DataFrame(noise @ np.linalg.inv(np.eye(n_nodes) - weights), columns=dag.nodes)
    return data, dag, weights


def learn(algorithm, data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CausalkitWarning)
        return clone(algorithm).fit(data)


def problem_of(p, seed=0):
    rng = np.random.default_rng(seed)
    free = ~np.eye(p, dtype=bool)
    free[0, 1] = False
    x = 0.3 * rng.normal(size=free.sum())
    ones = np.ones(len(x))
    return Problem(np.cov(rng.normal(size=(p, 3 * p))), free, ones, x, ones, 500)


# --- arithmetic -----------------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 4))
def test_acyclicity_counts_walks_in_circles(seed, p):
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(p, p)) * (rng.random((p, p)) < 0.4)
    np.fill_diagonal(weights, 0.0)
    value, gradient = by_exponential(weights)
    assert value == pytest.approx(circles(weights), abs=1e-9)
    assert np.allclose(
        gradient, slope(lambda W: by_exponential(W)[0], weights), atol=1e-4, rtol=1e-4
    )
    triangle = np.triu(weights)
    assert by_exponential(triangle)[0] == pytest.approx(0.0, abs=1e-12)
    assert by_determinant(triangle, 0.7)[0] == pytest.approx(0.0, abs=1e-12)
    bound = 1.01 * max(np.abs(np.linalg.eigvals(weights**2)))
    inside, gradient = by_determinant(weights, bound + 0.1)
    assert inside >= -1e-12
    numeric = slope(lambda W: by_determinant(W, bound + 0.1)[0], weights)
    assert np.allclose(gradient, numeric, rtol=1e-3, atol=1e-3 * max(1, abs(gradient).max()))
    if bound > 1e-3:
        assert by_determinant(weights, 0.9 * bound / 1.01)[0] == np.inf


@pytest.mark.parametrize(
    "make",
    [
        lambda p: lagrangian(p, 7.0, 0.3),
        lambda p: barrier(p, 0.1, 2.0),
        lambda p: likelihood(p, 5.0, equal=True),
        lambda p: likelihood(p, 5.0, equal=False),
    ],
    ids=["lagrangian", "barrier", "equal", "unequal"],
)
def test_gradients_are_those_of_the_values(make):
    problem = problem_of(5)
    smooth = make(problem)
    value, gradient = smooth(problem.start)
    assert np.isfinite(value)
    numeric = slope(lambda x: smooth(x)[0], problem.start)
    assert np.allclose(gradient, numeric, rtol=1e-5, atol=1e-5)


def test_the_likelihood_is_that_of_gaussian_rows():
    from scipy.stats import multivariate_normal

    rng = np.random.default_rng(0)
    rows = rng.normal(size=(40, 4)) @ rng.normal(size=(4, 4))
    covariance = rows.T @ rows / 40
    free = np.triu(np.ones((4, 4), dtype=bool), 1)
    x = rng.normal(size=6)
    problem = Problem(covariance, free, np.ones(6), x, np.ones(6), 10)
    weights = problem.weights(x)
    variances = ((rows - rows @ weights) ** 2).mean(axis=0)
    inverse = np.linalg.inv(np.eye(4) - weights)
    model = multivariate_normal(np.zeros(4), inverse.T @ np.diag(variances) @ inverse)
    exact = -model.logpdf(rows).mean()
    found = likelihood(problem, 5.0, equal=False)(x)[0]
    assert found + 2 + 2 * np.log(2 * np.pi) == pytest.approx(exact)


def test_the_search_finds_the_minimum_of_the_lasso():
    from sklearn.linear_model import Lasso

    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 12)) @ rng.normal(size=(12, 12))
    y = X[:, :3].sum(axis=1) + rng.normal(size=200)

    def smooth(x):
        rest = y - X @ x
        return 0.5 * rest @ rest / 200, -X.T @ rest / 200

    penalty = np.full(12, 0.4)
    found = minimise(smooth, np.zeros(12), penalty, max_iter=5000, tolerance=1e-14)
    lasso = Lasso(alpha=0.4, fit_intercept=False, tol=1e-12, max_iter=100_000).fit(X, y)
    assert found.converged
    assert np.allclose(found.x, lasso.coef_, atol=1e-5)
    assert ((found.x == 0) == (lasso.coef_ == 0)).all()
    assert np.allclose(split_minimum(smooth, np.zeros(12), penalty), found.x, atol=1e-4)


def test_the_search_stays_where_the_function_is_finite():
    def smooth(x):  # -log(1 - x) + ..., infinite from 1 on
        if x[0] >= 1:
            return np.inf, x
        return float(-np.log(1 - x[0]) - 20 * x[0]), np.array([1 / (1 - x[0]) - 20])

    found = minimise(smooth, np.zeros(1), np.zeros(1), max_iter=200, tolerance=1e-14)
    assert found.x[0] == pytest.approx(0.95, abs=1e-5)


@given(st.integers(0, 10**6), st.integers(2, 8))
def test_circles_are_cut_and_nothing_else(seed, p):
    rng = np.random.default_rng(seed)
    edges = rng.random((p, p)) < 0.5
    np.fill_diagonal(edges, False)
    required = np.triu(rng.random((p, p)) < 0.2, 1)
    weights = rng.normal(size=(p, p))
    kept = without_circles(weights, edges | required, required)
    assert circles(kept.astype(float)) == 0.0
    assert (kept <= (edges | required)).all()
    assert (kept >= required).all()
    assert (without_circles(weights, np.triu(edges), required) == (np.triu(edges))).all()


# --- recovery -------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", [NOTEARS(), DAGMA(), GOLEM(equal_variances=True)], ids=str)
def test_equal_noise_in_its_own_units_gives_the_graph(algorithm):
    right = 0
    for seed in range(5):
        data, dag, weights = simulated(seed, n_nodes=6)
        found = learn(clone(algorithm).set_params(standardize=False), data)
        assert found.converged_
        right += found.graph_ == dag
        if found.graph_ == dag:
            assert np.allclose(found.coefficients_.values, weights, atol=0.12)
    assert right >= 4


def test_on_standardised_data_the_likelihood_errs_less_than_least_squares():
    from causalkit.metrics import shd

    wrong = np.zeros(2)
    for seed in range(10):
        data, dag, _ = simulated(seed, n_nodes=5, degree=1.5, n=1000)
        for k, algorithm in enumerate((GOLEM(), DAGMA())):
            wrong[k] += shd(dag.to_cpdag(), learn(algorithm, data).graph_.to_cpdag())
    assert wrong[0] < wrong[1]


def test_two_variables_are_joined_however_even_the_two_directions_are():
    rng = np.random.default_rng(0)
    x, e = rng.normal(size=(2, 1000))
    for algorithm in ALGORITHMS:
        graph = learn(algorithm, {"x": x, "y": x + e}).graph_
        assert len(graph.edges()) == 1
        assert str(graph.to_cpdag().edges()[0]) == "x -- y"


def test_dagma_goes_as_deep_as_its_authors_program():
    dagma = pytest.importorskip("dagma.linear", reason="dagma is the peer")
    data, _, _ = simulated(0, n_nodes=10, degree=3.0)
    values = ((data - data.mean()) / data.std(ddof=0)).to_numpy()
    covariance = values.T @ values / len(values)

    def objective(weights):
        rest = np.eye(10) - weights
        return 0.5 * np.trace(rest.T @ covariance @ rest) + 0.03 * np.abs(weights).sum()

    theirs = dagma.DagmaLinear("l2").fit(values.copy(), lambda1=0.03, w_threshold=0.0)
    ours = learn(DAGMA(), data)._optimum
    assert objective(ours) <= objective(theirs) + 0.01


# --- laws -----------------------------------------------------------------------------------------


@every_algorithm
def test_neither_units_nor_order_nor_container_matter(algorithm):
    data, _, _ = simulated(3, n_nodes=5, n=500)
    found = learn(algorithm, data)
    assert found.graph_.kind is Kind.DAG
    assert not found.weights_.flags.writeable
    assert ((found.weights_ != 0) <= found.graph_.directed).all()
    units = pd.Series(10.0 ** np.arange(-2, 3), index=data.columns)
    scaled = learn(algorithm, data * units + 3.0)
    assert scaled.graph_ == found.graph_
    assert np.allclose(scaled.weights_, found.weights_, atol=5e-3)
    expected = found.coefficients_.values * units.to_numpy() / units.to_numpy()[:, None]
    assert np.allclose(scaled.coefficients_.values, expected, rtol=1e-4)
    assert learn(algorithm, data * 1e200).graph_ == found.graph_
    shuffled = data[np.random.default_rng(0).permutation(data.columns)]
    again = learn(algorithm, shuffled)
    assert again.graph_ == found.graph_
    assert again.graph_.nodes == tuple(shuffled.columns)
    frame = pl.from_pandas(data)
    for form in (frame, frame.lazy(), frame.to_arrow()):
        assert learn(algorithm, form).graph_ == found.graph_
    assert pickle.loads(pickle.dumps(found)).graph_ == found.graph_


def test_coefficients_are_least_squares_along_the_graph():
    data, _, _ = simulated(4)
    found = learn(DAGMA(), data)
    for j, name in enumerate(data.columns):
        causes = np.flatnonzero(found.graph_.directed[:, j])
        X = np.column_stack([np.ones(len(data)), data.to_numpy()[:, causes]])
        slopes = np.linalg.lstsq(X, data[name].to_numpy(), rcond=None)[0][1:]
        assert np.allclose(found.coefficients_.values[causes, j], slopes)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 10**6))
def test_knowledge_is_obeyed(seed):
    rng = np.random.default_rng(seed)
    data, _, _ = simulated(seed, n_nodes=6, n=300)
    names = [str(name) for name in rng.permutation(data.columns)]
    knowledge = Knowledge(
        tiers=[names[:2], names[2:4], names[4:]],
        required=[(names[0], names[5]), (names[1], names[2])],
        forbidden=[(names[0], names[2]), (names[4], names[5]), (names[5], names[4])],
    )
    for algorithm in (NOTEARS(), DAGMA(), GOLEM()):
        found = learn(clone(algorithm).set_params(knowledge=knowledge, threshold=0.25), data)
        directed = found.graph_.directed
        assert not (directed & knowledge.forbidden_matrix(data.columns)).any()
        assert (directed >= knowledge.required_matrix(data.columns)).all()
        why = found.explain(names[0], names[5])
        assert "is required" in why.adjacency
        assert "is required" in (why.direction or "")


def test_required_edges_bear_no_penalty():
    data, _, _ = simulated(1, n_nodes=3, n=500)
    a, b, c = data.columns
    known = Knowledge(tiers=[a, b, c], required=[(a, b), (a, c), (b, c)])
    found = learn(NOTEARS(penalty=10.0, threshold=9.0, knowledge=known), data)
    scaled = (data - data.mean()) / data.std(ddof=0)
    assert len(found.graph_.edges()) == 3
    assert found.weights_[0, 1] == pytest.approx(np.corrcoef(scaled[a], scaled[b])[0, 1], abs=1e-3)


def test_units_that_give_the_order_away_bring_a_warning():
    data, _, _ = simulated(0)
    with pytest.warns(AssumptionWarning, match="order alone gives away the directions"):
        found = DAGMA(standardize=False).fit(data)
    expected = sorted_share(np.asarray(found.graph_.directed), data.var().to_numpy())
    assert found.varsortability_ == pytest.approx(expected)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        DAGMA().fit(data)


@every_algorithm
def test_a_search_that_was_stopped_brings_a_warning(algorithm):
    data, _, _ = simulated(0, n=300)
    with pytest.warns(ConvergenceWarning, match="max_iter=1 steps"):
        found = clone(algorithm).set_params(max_iter=1).fit(data)
    assert not found.converged_
    assert found.graph_.kind is Kind.DAG


def test_explanations_say_why():
    data, _, _ = simulated(0)
    found = learn(DAGMA(), data)
    edge = found.graph_.edges()[0]
    said = found.explain(edge.right, edge.left)
    assert said.edge == str(edge)
    assert "exceeds the threshold of 0.3; weight" in said.adjacency
    assert "the weight of the opposite direction is" in said.direction
    apart = next(
        (a, b)
        for a in data.columns
        for b in data.columns
        if a < b and not found.graph_.edges_between(a, b)
    )
    assert "the largest weight between them is" in found.explain(*apart).adjacency
    known = Knowledge(forbidden=[apart, apart[::-1]])
    none = learn(DAGMA(knowledge=known), data).explain(*apart)
    assert none.adjacency.startswith("knowledge: ")


# --- hostile tables and settings ------------------------------------------------------------------


@every_algorithm
def test_hostile_tables_are_refused(algorithm):
    data, _, _ = simulated(0, n_nodes=4, n=60)
    a, b, *_ = data.columns
    hostile = [
        (data.mask(data > 1.5), InputError, "missing"),
        (data.assign(**{a: 1.0}), InputError, "one value only"),
        (data.assign(**{a: data[b]}), NumericalError, "linear combinations"),
        (data.head(2), InputError, "row"),
        (data[[a]], InputError, "1 column"),
        (data.assign(**{a: pd.Categorical(list("xyz") * 20)}), InputError, "3 or more levels"),
        (data.assign(**{a: "text"}), InputError, "text"),
    ]
    for table, error, words in hostile:
        with pytest.raises(error, match=words):
            clone(algorithm).fit(table)


def test_more_columns_than_rows():
    data, _, _ = simulated(0, n_nodes=12, n=8)
    for algorithm in (NOTEARS(), DAGMA()):
        assert learn(algorithm, data).graph_.kind is Kind.DAG
    with pytest.raises(InputError, match="at least 14 rows"):
        GOLEM().fit(data)


def test_units_that_cannot_be_squared_are_refused_where_they_are_kept():
    data, _, _ = simulated(0, n_nodes=3, n=50)
    with pytest.raises(NumericalError, match="standardize=True"):
        DAGMA(standardize=False).fit(data * 1e100)


@pytest.mark.parametrize(
    ("algorithm", "words"),
    [
        (NOTEARS(penalty=-1), "penalty=-1"),
        (DAGMA(threshold=np.nan), "threshold=nan"),
        (DAGMA(path=[(1.0,)]), "path="),
        (DAGMA(path=[]), "path is empty"),
        (DAGMA(path=[(0.0, 1.0)]), "path="),
        (GOLEM(acyclicity_penalty="x"), "acyclicity_penalty='x'"),
        (GOLEM(max_iter=0), "max_iter=0"),
        (NOTEARS(random_state="x"), "random_state='x'"),
        (NOTEARS(knowledge=["a"]), "nowledge"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_settings_out_of_range_are_refused(algorithm, words):
    data, _, _ = simulated(0, n_nodes=3, n=50)
    with pytest.raises(InputError, match=words):
        algorithm.fit(data)
    with pytest.raises(UnknownVariableError):
        DAGMA(knowledge=Knowledge(required=[("x0", "nobody")])).fit(data)


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


def test_scikit_learn_is_content():
    checks = check_estimator(
        DAGMA(), expected_failed_checks=OTHER_WORDS, on_skip=None, on_fail=None
    )
    assert not [check for check in checks if check["status"] == "failed"]
