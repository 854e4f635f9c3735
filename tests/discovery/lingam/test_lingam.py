"""DirectLiNGAM and ICALiNGAM: the published result, the laws, the complaints."""

from __future__ import annotations

import pickle
import warnings
from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest
from sklearn.base import clone
from sklearn.linear_model import LassoLarsIC
from sklearn.utils.estimator_checks import check_estimator

from causalkit.discovery import Bootstrap, Knowledge
from causalkit.discovery.lingam import _lasso_kernels, _lingam_kernels
from causalkit.discovery.lingam._lingam_noise import normality_p_values
from causalkit.discovery.lingam._lingam_order import Limits, may_be_first, order_by_pairs
from causalkit.discovery.lingam._lingam_weights import Pruning, edge_weights
from causalkit.discovery.lingam.lingam import DirectLiNGAM, ICALiNGAM
from causalkit.errors import (
    CausalkitError,
    CausalkitWarning,
    InputError,
    NumericalError,
    UnknownVariableError,
)
from causalkit.graph import CausalGraph, Kind
from tests.oracles import lingam as oracle
from tests.oracles.discovery import random_dag
from tests.oracles.graphs import dags

NOISES = ("laplace", "uniform", "skewed")
ALGORITHMS = {"direct": DirectLiNGAM(), "ica": ICALiNGAM(random_state=0)}
every_algorithm = pytest.mark.parametrize("algorithm", ALGORITHMS.values(), ids=ALGORITHMS)
seeds = st.integers(0, 10**6)


def table(rng, dag, n, noise="laplace"):
    return pd.DataFrame(oracle.non_gaussian_data(rng, dag, n, noise), columns=list(dag.nodes))


def some_dag(rng, p, degree=2.0):
    share = min(1.0, degree / (p - 1))
    names = [f"v{k}" for k in range(p)]
    order = rng.permutation(names).tolist()
    pairs = [(a, b) for k, a in enumerate(order) for b in order[k + 1 :] if rng.random() < share]
    return CausalGraph.from_edges(names, pairs, Kind.DAG)


def quietly(algorithm, data):
    """Fit without the complaint about Gaussian noise."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CausalkitWarning)
        return clone(algorithm).fit(data)


# --- the published result -------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(seed=seeds, noise=st.sampled_from((*NOISES, "gaussian")), p=st.integers(2, 8))
def test_the_race_has_the_winner_of_the_full_comparison(seed, noise, p):
    rng = np.random.default_rng(seed)
    frame = table(rng, some_dag(rng, p, 3.0), int(rng.integers(p + 12, 250)), noise)
    found = quietly(DirectLiNGAM(), frame)
    assert list(found.order_) == [f"v{k}" for k in oracle.direct_order(frame.to_numpy())]


def test_of_many_variables_too():
    rng = np.random.default_rng(5)
    frame = table(rng, some_dag(rng, 24, 4.0), 300)
    found = quietly(DirectLiNGAM(), frame)
    expected = oracle.direct_order(frame.to_numpy())
    assert list(found.order_) == [f"v{k}" for k in expected]


def test_gains_are_those_of_the_definition():
    rng = np.random.default_rng(2)
    values = table(rng, some_dag(rng, 5), 200).to_numpy()
    columns = np.ascontiguousarray(((values - values.mean(0)) / values.std(0)).T)
    limits = Limits.of(Knowledge(), tuple(range(5)))
    order, gains = order_by_pairs(columns.copy(), np.corrcoef(columns), limits)
    root = order[0]
    for j in order[1:]:
        assert gains[root, j] == pytest.approx(oracle.gain(columns[root], columns[j]), abs=1e-8)
        assert gains[j, root] == -gains[root, j]


@pytest.mark.parametrize("seed", range(4))
def test_causal_learn_has_the_same_order_and_edges(seed):
    from causallearn.search.FCMBased.lingam import DirectLiNGAM as Theirs

    rng = np.random.default_rng(seed)
    frame = table(rng, some_dag(rng, 7), 400, NOISES[seed % 3])
    frame = (frame - frame.mean()) / frame.std(ddof=0)  # the units matter to their lasso
    theirs = Theirs()
    theirs.fit(frame.to_numpy())
    ours = quietly(DirectLiNGAM(), frame)
    assert list(ours.order_) == [f"v{k}" for k in theirs.causal_order_]
    expected = np.asarray(theirs.adjacency_matrix_).T != 0
    assert ours.graph_.directed.tolist() == expected.tolist()


@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0])
def test_the_exponentials_are_exact_enough(scale):
    rng = np.random.default_rng(0)
    u = scale * rng.standard_t(2, size=(3, 2501))
    bend, lean = _lingam_kernels.shapes_of(u).T
    a = np.abs(u)
    exact = np.mean(a + np.log1p(np.exp(-2 * a)) - np.log(2), axis=1)
    np.testing.assert_allclose(bend, exact, rtol=1e-13, atol=1e-10)
    np.testing.assert_allclose(
        lean, np.mean(u * np.exp(-(u**2) / 2), axis=1), atol=1e-10 * max(1, scale)
    )


@settings(max_examples=40, deadline=None)
@given(seed=seeds)
def test_the_lasso_is_scikit_learns(seed):
    rng = np.random.default_rng(seed)
    k = int(rng.integers(1, 12))
    n = int(rng.integers(k + 10, 150))
    X = rng.normal(size=(n, k)) @ rng.normal(size=(k, k))
    y = X @ (rng.normal(size=k) * (rng.random(k) < 0.5)) + rng.normal(size=n) * 2
    X, y = X - X.mean(0), (y - y.mean()) / y.std()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = LassoLarsIC(criterion="bic").fit(X, y)
    gram, cross = X.T @ X / n, X.T @ y / n
    floor = 1 - cross @ np.linalg.solve(gram, cross)
    ours = _lasso_kernels.lasso_choice(gram, cross, n, floor, float(n - k - 1))
    assert ours.tolist() == (theirs.coef_ != 0).tolist()


def test_tests_are_those_of_least_squares():
    import statsmodels.api as sm

    rng = np.random.default_rng(1)
    values = table(rng, some_dag(rng, 6), 60).to_numpy()
    limits, order = Limits.of(Knowledge(), tuple(range(6))), np.arange(6)
    correlations = np.corrcoef(values.T)
    edges, _ = edge_weights(correlations, order, limits, Pruning("tests", 0.2, 0.0, 60))
    for k in range(1, 6):
        p_values = sm.OLS(values[:, k], sm.add_constant(values[:, :k])).fit().pvalues[1:]
        assert edges[:k, k].tolist() == (p_values < 0.2).tolist()


@every_algorithm
@pytest.mark.parametrize("noise", NOISES)
def test_recovers_the_graph_and_the_coefficients(algorithm, noise):
    rng = np.random.default_rng(3)
    dag = some_dag(rng, 8)
    names, n = dag.nodes, 4000
    values = oracle.non_gaussian_data(rng, dag, n, noise)
    found = quietly(algorithm, pd.DataFrame(values, columns=list(names)))
    assert found.graph_ == dag
    for j, name in enumerate(names):
        parents = dag.indices(dag.parents(name))
        X = np.column_stack([np.ones(n), values[:, parents]])
        slopes = np.linalg.lstsq(X, values[:, j], rcond=None)[0][1:]
        np.testing.assert_allclose(found.coefficients_.values[parents, j], slopes, atol=1e-8)


@pytest.mark.slow
@every_algorithm
def test_recovers_nearly_all_edges_of_many_graphs(algorithm):
    rng = np.random.default_rng(0)
    wrong = total = 0
    for k in range(30):
        dag = some_dag(rng, 15, 3.0)
        found = quietly(algorithm, table(rng, dag, 3000, NOISES[k % 3]))
        wrong += int((found.graph_.directed != dag.directed).sum())
        total += int(dag.directed.sum())
    assert wrong < 0.03 * total


# --- laws -----------------------------------------------------------------------------------------


@every_algorithm
@settings(max_examples=10, deadline=None)
@given(seed=seeds)
def test_neither_order_nor_units_of_columns_matter(algorithm, seed):
    rng = np.random.default_rng(seed)
    frame = table(rng, some_dag(rng, 6), 300)
    one = quietly(algorithm, frame)
    shuffled = frame[rng.permutation(frame.columns)]
    other = quietly(algorithm, shuffled)
    assert other.graph_ == one.graph_
    assert other.order_ == one.order_
    assert other.graph_.nodes == tuple(shuffled.columns)
    among = one.graph_.indices(other.graph_.nodes)
    assert (other.coefficients_.values == one.coefficients_.values[np.ix_(among, among)]).all()
    units = rng.choice([-1.0, 1.0], 6) * 10.0 ** rng.integers(-4, 5, 6)
    moved = quietly(algorithm, frame * units + rng.normal(size=6) * np.abs(units))
    assert moved.graph_ == one.graph_
    np.testing.assert_allclose(
        moved.coefficients_.values, one.coefficients_.values * units / units[:, None], rtol=1e-6
    )


@every_algorithm
def test_containers_agree_and_stay_untouched(algorithm):
    rng = np.random.default_rng(1)
    frame = table(rng, some_dag(rng, 5), 300)
    values = frame.to_numpy(copy=True)
    values.flags.writeable = False
    one = quietly(algorithm, frame)
    for data in (pl.from_pandas(frame), frame.to_dict("list"), values):
        other = quietly(algorithm, data)
        assert (other.graph_.ends == one.graph_.ends).all()
        assert (other.coefficients_.values == one.coefficients_.values).all()
    assert (frame.to_numpy() == values).all()


def random_knowledge(rng, names):
    tiers = []
    if rng.random() < 0.5:
        held = rng.permutation(names)[: int(rng.integers(0, len(names) + 1))].tolist()
        cut = int(rng.integers(0, len(held) + 1))
        tiers = [held[:cut], held[cut:]]
    pairs = [(a, b) for a in names for b in names if a != b]
    required = [pairs[k] for k in rng.permutation(len(pairs))[: int(rng.integers(0, 3))]]
    forbidden = [pairs[k] for k in rng.permutation(len(pairs))[: int(rng.integers(0, 8))]]
    return {"tiers": tiers, "required": required, "forbidden": forbidden}


@every_algorithm
@settings(max_examples=40, deadline=None)
@given(seed=seeds, prune=st.sampled_from(["adaptive_lasso", "tests", None]))
def test_knowledge_is_obeyed_to_the_letter(algorithm, seed, prune):
    rng = np.random.default_rng(seed)
    frame = table(rng, some_dag(rng, 5), 80)
    said = random_knowledge(rng, list(frame.columns))
    try:
        knowledge = Knowledge(**said)
    except CausalkitError:
        return  # which contradicts itself
    least = float(rng.choice([0.0, 0.2]))
    setting = clone(algorithm).set_params(knowledge=knowledge, prune=prune, min_effect=least)
    found = quietly(setting, frame)
    arrows = {(edge.left, edge.right) for edge in found.graph_.edges()}
    assert set(knowledge.required) <= arrows
    assert all(knowledge.allows(*arrow) for arrow in arrows)
    where = {name: k for k, name in enumerate(found.order_)}
    assert all(where[a] < where[b] for a, b in arrows)
    if prune is None and least == 0.0:
        missing = {(a, b) for a in where for b in where if where[a] < where[b]} - arrows
        assert not any(knowledge.allows(*pair) for pair in missing)


@settings(max_examples=60, deadline=None)
@given(dag=dags(2, 5), seed=seeds)
def test_no_order_of_a_graph_that_obeys_is_ruled_out(dag, seed):
    rng = np.random.default_rng(seed)
    absent = [(a, b) for a in dag.nodes for b in dag.nodes if a != b and b not in dag.children(a)]
    banned = [pair for pair in absent if rng.random() < 0.6]
    arrows = [(edge.left, edge.right) for edge in dag.edges()]
    required = [pair for pair in arrows if rng.random() < 0.3]
    limits = Limits.of(Knowledge(forbidden=banned, required=required), dag.nodes)
    left = np.arange(len(dag.nodes))
    while len(left):
        sources = left[~dag.directed[np.ix_(left, left)].any(axis=0)]
        possible = np.intersect1d(may_be_first(left, limits), sources)
        assert len(possible)
        left = left[left != rng.choice(possible)]


def test_tiers_order_what_the_data_would_order_otherwise():
    rng = np.random.default_rng(0)
    x, e = rng.laplace(size=(2, 500))
    data = {"x": x, "y": x + e}
    found = DirectLiNGAM(knowledge=Knowledge(tiers=["y", "x"])).fit(data)
    assert str(found.graph_).endswith("y -> x")
    only = DirectLiNGAM(knowledge=Knowledge(forbidden=[("x", "y")])).fit(data)
    assert only.graph_ == found.graph_  # nothing else can join the two
    assert only.explain("x", "y").direction == "knowledge: x -> y is forbidden"


def test_smaller_effects_than_asked_for_are_dropped():
    rng = np.random.default_rng(0)
    frame = table(rng, some_dag(rng, 6, 4.0), 400)
    for least in (0.15, 0.5):
        found = quietly(DirectLiNGAM(min_effect=least, prune=None), frame)
        spread = frame.std().to_numpy()
        size = np.abs(found.coefficients_.values) * spread[:, None] / spread
        assert (size[found.graph_.directed] >= least).all()


@every_algorithm
def test_is_a_well_behaved_estimator(algorithm):
    rng = np.random.default_rng(0)
    frame = table(rng, some_dag(rng, 4), 200)
    fitted = quietly(algorithm, frame)
    assert pickle.loads(pickle.dumps(fitted)).graph_ == fitted.graph_
    assert fitted.fit(frame).graph_ == fitted.graph_
    with pytest.raises(UnknownVariableError):
        fitted.explain("v0", "nobody")


@pytest.mark.slow
@every_algorithm
def test_scikit_learn_is_content(algorithm):
    from tests.laws.test_discovery_laws import OTHER_WORDS

    expected = OTHER_WORDS | {"check_fit2d_1feature": "a single column is refused"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CausalkitWarning)
        checks = check_estimator(
            algorithm, expected_failed_checks=expected, on_skip=None, on_fail=None
        )
    report = [SimpleNamespace(**check) for check in checks]
    failed = {check.check_name: check.exception for check in report if check.status == "failed"}
    assert not failed


def test_bootstrap_takes_it():
    rng = np.random.default_rng(0)
    x, e = rng.laplace(size=(2, 200))
    boot = Bootstrap(DirectLiNGAM(), n_resamples=10, random_state=0).fit({"x": x, "y": x + e})
    assert boot.frequencies_.of("x", "y")["->"] >= 0.9


# --- noise that is Gaussian -----------------------------------------------------------------------


def test_p_values_of_normality_are_uniform():
    rng = np.random.default_rng(0)
    for n in (100, 1000):
        noise = rng.normal(size=(1500, n))
        noise -= noise.mean(axis=1, keepdims=True)
        noise /= noise.std(axis=1, keepdims=True)
        p_values = normality_p_values(noise)
        assert kstest(p_values, "uniform").statistic < 0.06
        assert 0.025 < np.mean(p_values < 0.05) < 0.075


@every_algorithm
def test_gaussian_noise_brings_a_warning(algorithm):
    rng = np.random.default_rng(0)
    x, e, f = rng.normal(size=(3, 1000))
    data = {"x": x, "y": x + e, "z": x + np.sign(f) * f**2}
    with pytest.warns(CausalkitWarning, match="cannot be told from Gaussian, such as"):
        found = clone(algorithm).fit(data)
    assert [set(pair) for pair in found.doubtful_] == [{"x", "y"}]
    assert found.noise_p_values_["z"] < 1e-6 < 0.05 < found.noise_p_values_["x"]
    assert list(found.noise_p_values_) == ["x", "y", "z"]
    assert "this is a guess" in found.explain("x", "y").direction
    known = clone(algorithm).set_params(knowledge=Knowledge(tiers=["x", ["y", "z"]]))
    assert known.fit(data).doubtful_ == ()  # and no warning


def test_other_noise_brings_none():
    rng = np.random.default_rng(0)
    for noise in NOISES:
        assert DirectLiNGAM().fit(table(rng, some_dag(rng, 5), 1500, noise)).doubtful_ == ()


def test_residuals_are_independent_unless_causes_are_hidden():
    rng = np.random.default_rng(0)
    hidden, a, b, c = rng.exponential(size=(4, 800))
    clean = pd.DataFrame({"a": a, "b": a + b, "c": b + c})
    found = quietly(DirectLiNGAM(), clean)
    p_values = found.residual_p_values(clean)
    upper = p_values.to_numpy()[np.triu_indices(3, 1)]
    assert (upper > 0.01).all()
    assert list(p_values.index) == list(p_values.columns) == ["a", "b", "c"]
    joint = pd.DataFrame({"a": a + hidden, "b": b + hidden, "c": c})
    p_values = quietly(DirectLiNGAM(), joint).residual_p_values(joint)
    assert p_values.loc["a", "b"] < 0.01 < p_values.loc["a", "c"]


# --- explanations ---------------------------------------------------------------------------------


def test_explanations_say_why():
    rng = np.random.default_rng(0)
    a, b, c = rng.laplace(size=(3, 1000))
    data = {"a": a, "b": a + b, "c": a + b + c}
    found = DirectLiNGAM().fit(data)
    edge = found.explain("b", "a")
    assert edge.edge == "a -> b"
    assert "adaptive lasso kept it: one unit of a adds 0.97" in edge.adjacency
    assert found.coefficients_.of("a", "b") == pytest.approx(0.97, abs=0.01)
    assert "place 1 and place 2 of 3 in the causal order" in edge.direction
    assert "explains the two better than the other one, by" in edge.direction
    none = found.explain("c", "a")
    assert none.edge == "no edge"
    assert none.adjacency.startswith("the adaptive lasso left a out of the causes of c")
    known = DirectLiNGAM(knowledge=Knowledge(required=[("a", "c")], forbidden=[("a", "b")]))
    known.fit(data)
    assert known.explain("a", "c").adjacency.startswith("knowledge: a -> c is required; one unit")
    assert "knowledge: a -> b is forbidden" in known.explain("a", "b").adjacency + str(
        known.explain("a", "b").direction
    )


# --- hostile tables -------------------------------------------------------------------------------


@every_algorithm
def test_refuses_what_it_cannot_use(algorithm):
    rng = np.random.default_rng(0)
    a, b, e = rng.laplace(size=(3, 100))
    refused = [
        ({"a": a, "b": pd.Categorical(list("abcd") * 25)}, InputError, "'b' is categorical"),
        ({"a": a, "b": np.where(b > 2, np.nan, b)}, InputError, "missing values"),
        ({"a": a, "b": np.ones(100)}, InputError, "'b' hold one value"),
        ({"a": a, "b": b, "c": a}, NumericalError, "linear combinations"),
        ({"a": a, "b": b, "c": a + b}, NumericalError, "linear combinations"),
        ({"a": a, "b": b, "c": a + 1e-6 * e}, NumericalError, "a, c are linear combinations"),
        ({"a": a}, InputError, "1 column"),
        (rng.laplace(size=(10, 9)), InputError, "needs at least 11 rows"),
        ({"a": a, "b": np.full(100, "x")}, InputError, "'b'"),
    ]
    for data, error, message in refused:
        with pytest.raises(error, match=message):
            clone(algorithm).fit(data)


@every_algorithm
@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"prune": "lasso"}, "prune='lasso'"),
        ({"alpha": 0}, "alpha=0"),
        ({"min_effect": -1}, "min_effect=-1"),
        ({"min_effect": "big"}, "min_effect='big'"),
        ({"knowledge": {"tiers": []}}, "expected Knowledge"),
    ],
)
def test_refuses_settings_without_meaning(algorithm, setting, message):
    data = np.random.default_rng(0).laplace(size=(50, 3))
    with pytest.raises(InputError, match=message):
        clone(algorithm).set_params(**setting).fit(data)


def test_ica_refuses_settings_of_its_own():
    data = np.random.default_rng(0).laplace(size=(50, 3))
    with pytest.raises(InputError, match="max_iter"):
        ICALiNGAM(max_iter=0).fit(data)
    with pytest.raises(InputError, match="random_state"):
        ICALiNGAM(random_state="one").fit(data)


def test_says_when_ica_does_not_converge():
    data = np.random.default_rng(0).normal(size=(100, 6))
    with pytest.warns(CausalkitWarning) as caught:
        ICALiNGAM(max_iter=1, random_state=0).fit(data)
    assert any("did not converge in 1 steps" in str(note.message) for note in caught)


@every_algorithm
def test_odd_tables_give_a_model(algorithm):
    rng = np.random.default_rng(0)
    dag = some_dag(rng, 4)
    values = oracle.non_gaussian_data(rng, dag, 300)
    far = values.copy()
    far[0] = 1e6
    odd = [
        values * 1e200,
        values * 1e-200,
        values + 1e9,
        np.round(values),
        (values > 0).astype(float) + np.arange(4) * (values[:, :1] > 1),
        far + rng.normal(size=far.shape),
        pd.DataFrame(values, columns=[3, 1, 2, 0]),
        pd.DataFrame(values, columns=[3, "b", 2, "a"]),
        values[:11],
    ]
    for data in odd:
        found = quietly(algorithm, data)
        assert found.graph_.kind is Kind.DAG
        assert np.isfinite(found.coefficients_.values).all()
        assert set(found.order_) == set(found.graph_.nodes)


def test_unrelated_columns_have_hardly_an_edge():
    rng = np.random.default_rng(0)
    edges = sum(
        int(DirectLiNGAM().fit(rng.laplace(size=(1000, 6))).graph_.directed.sum())
        for _ in range(20)
    )
    assert edges <= 12  # of 300


def test_random_tables_of_any_density_give_an_order():
    rng = np.random.default_rng(0)
    for _ in range(15):
        dag = random_dag(rng, max_nodes=7, max_edges=20)
        if len(dag.nodes) < 2:
            continue
        found = quietly(DirectLiNGAM(), table(rng, dag, 150))
        assert CausalGraph(found.graph_.nodes, found.graph_.ends, Kind.DAG) == found.graph_
