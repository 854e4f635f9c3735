"""NOTEARS-MLP and DAGMA-MLP: gradients, minima, knowledge, and the same numbers through torch."""

from __future__ import annotations

import contextlib
import io
import pickle
import sys
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.base import clone

from causalkit._core import deep
from causalkit.discovery import NOTEARS, Bootstrap, Knowledge
from causalkit.discovery.continuous._acyclicity import exponential
from causalkit.discovery.continuous._networks import Networks, residual_variances
from causalkit.discovery.continuous.neural_models import DAGMAMLP, NOTEARSMLP
from causalkit.errors import (
    AssumptionWarning,
    CausalkitWarning,
    ConvergenceWarning,
    InputError,
    NumericalError,
)
from causalkit.graph import CausalGraph, Kind, random_dag
from causalkit.metrics import shd
from tests.oracles.continuous import circles, slope, split_minimum
from tests.oracles.networks import expected, lagrangian

SMALL = [NOTEARSMLP(hidden_units=(3,)), DAGMAMLP(hidden_units=(3,))]
every_algorithm = pytest.mark.parametrize("algorithm", SMALL, ids=lambda a: type(a).__name__)
every_shape = pytest.mark.parametrize("hidden", [(1,), (4,), (3, 2), (2, 3, 2)], ids=str)


def chain(n=150, seed=0):
    """a -> b -> c, curved, with a slope."""
    rng = np.random.default_rng(seed)
    a, e, f = rng.normal(size=(3, n))
    b = 2 * np.tanh(2 * a) + e / 2
    return pd.DataFrame({"c": np.exp(b / 2) + f / 2, "a": a, "b": b})


def published(seed, n_nodes=10, degree=4.0, n=1000):
    """The design "MLP" of the paper: ER graphs, random networks of 100 units, noise of one size."""
    rng = np.random.default_rng(seed)
    dag = random_dag(n_nodes, expected_degree=degree, rng=rng)
    values = pd.DataFrame(index=range(n), columns=list(dag.nodes), dtype=float)
    left = list(dag.nodes)
    while left:
        node = next(v for v in left if not dag.parents(v) & set(left))
        left.remove(node)
        causes = sorted(dag.parents(node))
        first, last = (
            rng.uniform(0.5, 2, shape) * rng.choice([-1, 1], shape)
            for shape in ((len(causes), 100), 100)
        )
        of_causes = expit(values[causes].to_numpy() @ first) @ last if causes else 0.0
        values[node] = of_causes + rng.normal(size=n)
    return values, dag


def networks_of(hidden, compute=residual_variances, p=4, n=12, seed=0):
    rng = np.random.default_rng(seed)
    free = ~np.eye(p, dtype=bool)
    free[0, 1] = free[3, 2] = False
    return Networks(rng.normal(size=(n, p)), free, free.copy(), hidden, 500, compute)


def learn(algorithm, data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CausalkitWarning)
        return clone(algorithm).fit(data)


def priced(rho, alpha):
    def price(squares):
        h, gradient = exponential(squares)
        return 0.5 * rho * h * h + alpha * h, (rho * h + alpha) * gradient

    return price


def half_sum(variances):
    return 0.5 * variances.sum(), np.full(len(variances), 0.5)


# --- arithmetic -----------------------------------------------------------------------------------


@every_shape
def test_networks_say_what_a_walk_through_them_says(hidden):
    networks = networks_of(hidden)
    x = 2 * networks.start(np.random.default_rng(1))
    layers = networks.layers(x)
    assert (networks.joined(layers) == x).all()
    assert not layers[0][0][~networks.free].any()
    said = [[expected(layers, row, j) for j in range(4)] for row in networks.values]
    variances, _ = residual_variances(layers, networks.values)
    assert variances == pytest.approx(((networks.values - said) ** 2).mean(axis=0))
    without = networks.joined([(layers[0][0], layers[0][1]), *layers[1:]])
    assert np.array_equal(without, x)
    norms = np.linalg.norm(layers[0][0], axis=2)
    assert np.sqrt(networks.squares(x)) == pytest.approx(norms)
    assert exponential(networks.squares(x))[0] == pytest.approx(circles(norms))


@every_shape
def test_value_and_gradient_are_those_of_the_paper(hidden):
    networks = networks_of(hidden)
    x = networks.start(np.random.default_rng(2))
    smooth = networks.smooth(half_sum, priced(3.0, 0.7), 0.05)
    value, gradient = smooth(x)
    oracle = lagrangian(
        networks.layers(x), networks.values, penalty=0.0, ridge=0.05, rho=3.0, alpha=0.7
    )
    assert value == pytest.approx(oracle)
    assert np.allclose(gradient, slope(lambda z: smooth(z)[0], x), rtol=1e-5, atol=1e-6)


def test_large_numbers_saturate_without_a_warning():
    networks = networks_of((3,))
    x = 1e6 * networks.start(np.random.default_rng(0))
    variances, pull = residual_variances(networks.layers(x), networks.values)
    assert np.isfinite(variances).all()
    assert np.isfinite(networks.joined(pull(np.ones(4)))).all()


def test_minima_are_as_deep_as_those_of_the_published_search():
    networks = networks_of((3,), p=4, n=60)
    start = networks.start(np.random.default_rng(0))
    smooth = networks.smooth(half_sum, priced(1.0, 0.0), 0.01)
    prices = np.zeros(len(start))
    prices[: 3 * int(networks.free.sum())] = 0.01
    published_one = split_minimum(smooth, start, prices)
    found = networks.search(smooth, start, 0.01)
    assert found.converged
    theirs = smooth(published_one)[0] + prices @ np.abs(published_one)
    assert found.value == pytest.approx(smooth(found.x)[0] + prices @ np.abs(found.x))
    assert found.value <= 1.01 * theirs


# --- recovery -------------------------------------------------------------------------------------


def test_curves_in_their_own_units_give_the_graph():
    for algorithm in (NOTEARSMLP, DAGMAMLP):
        found = learn(algorithm(hidden_units=(5,), standardize=False), chain())
        assert found.graph_ == CausalGraph.parse("a -> b; b -> c")
        assert found.converged_
        assert found.acyclicity_ < 1e-3


def test_a_bend_without_a_slope_is_found():
    x, e = np.random.default_rng(0).normal(size=(2, 300))
    before = NOTEARSMLP(hidden_units=(4,), knowledge=Knowledge(tiers=["x", "y"]))
    found = learn(before, {"x": x, "y": x**2 + e / 2})
    assert found.graph_ == CausalGraph.parse("x -> y")
    assert abs(np.corrcoef(x, x**2 + e / 2)[0, 1]) < 0.1


def test_nothing_is_found_where_nothing_is():
    rng = np.random.default_rng(0)
    for algorithm in SMALL:
        found = learn(algorithm, rng.normal(size=(500, 4)))
        assert not found.graph_.edges()
        assert np.isnan(found.varsortability_)


@pytest.mark.slow
def test_on_the_published_design_networks_err_less_than_lines():
    wrong = np.zeros(3)
    for seed in range(3):
        data, dag = published(seed)
        for k, algorithm in enumerate((NOTEARSMLP, DAGMAMLP, NOTEARS)):
            wrong[k] += shd(dag, learn(algorithm(standardize=False), data).graph_)
    assert wrong[:2].max() < 0.7 * wrong[2]


@pytest.mark.slow
def test_dagma_goes_as_deep_as_its_authors_program():
    nonlinear = pytest.importorskip("dagma.nonlinear", reason="dagma is the peer")
    torch = pytest.importorskip("torch")
    data, _ = published(0, n_nodes=5, n=300)
    values = ((data - data.mean()) / data.std(ddof=0)).to_numpy()
    before = torch.get_default_dtype()
    try:
        torch.manual_seed(0)
        model = nonlinear.DagmaMLP(dims=[5, 10, 1])
        with contextlib.redirect_stderr(io.StringIO()):
            nonlinear.DagmaNonlinear(model).fit(
                values.copy(), warm_iter=4000, max_iter=6000, lr=0.002, w_threshold=0.0
            )
        with torch.no_grad():
            left = ((model(torch.from_numpy(values)) - torch.from_numpy(values)) ** 2).mean(0).sum()
            weights = [model.fc1.weight, *(layer.weight for layer in model.fc2)]
            theirs = 2.5 * float(left.log()) + 0.02 * float(weights[0].abs().sum())
            theirs += 0.0025 * float(sum((part**2).sum() for part in weights))
    finally:
        torch.set_default_dtype(before)
    kept = []
    algorithm = DAGMAMLP()
    search = Networks.search

    def watched(self, smooth, start, penalty):
        kept.append(search(self, smooth, start, penalty))
        return kept[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Networks, "search", watched)
        learn(algorithm, data)
    assert kept[-1].value <= theirs + 0.05


# --- laws -----------------------------------------------------------------------------------------


@every_algorithm
def test_neither_units_nor_order_nor_container_matter(algorithm):
    data = chain(100)
    found = learn(algorithm, data)
    assert found.graph_.kind is Kind.DAG
    assert not found.weights_.flags.writeable
    assert ((found.weights_ > 0) == found.graph_.directed).all()
    assert (learn(algorithm, data).weights_ == found.weights_).all()
    units = pd.Series(2.0 ** np.arange(-2, 1), index=data.columns)
    for same in (data * units, data * 2.0**600, data.iloc[::-1]):
        assert learn(algorithm, same).graph_ == found.graph_
    turned = learn(algorithm, data[["a", "b", "c"]])
    assert turned.graph_ == found.graph_
    assert turned.graph_.nodes == ("a", "b", "c")
    assert learn(algorithm, pl.from_pandas(data)).graph_ == found.graph_
    numbered = learn(algorithm, data.set_axis([2, 0, 1], axis=1))
    assert (numbered.graph_.ends == found.graph_.ends).all()
    assert pickle.loads(pickle.dumps(found)).graph_ == found.graph_


@settings(max_examples=3, deadline=None)
@given(st.integers(0, 10**6))
def test_knowledge_is_obeyed(seed):
    rng = np.random.default_rng(seed)
    data = pd.DataFrame(rng.normal(size=(60, 5)) @ rng.normal(size=(5, 5)), columns=[*"abcde"])
    names = [str(name) for name in rng.permutation(data.columns)]
    knowledge = Knowledge(
        tiers=[names[:2], names[2:4], names[4:]],
        required=[(names[0], names[4]), (names[1], names[2])],
        forbidden=[(names[0], names[2]), (names[3], names[4])],
    )
    for algorithm in SMALL:
        found = learn(algorithm.set_params(knowledge=knowledge, threshold=0.1), data)
        algorithm.set_params(knowledge=None, threshold=0.3)
        directed = found.graph_.directed
        ruled = knowledge.forbidden_matrix(tuple(data.columns))
        assert not (directed & ruled).any()
        assert not found._optimum[ruled].any()
        assert (directed >= knowledge.required_matrix(tuple(data.columns))).all()
        assert "is required" in found.explain(names[0], names[4]).adjacency


def test_the_seed_is_all_the_chance_there_is():
    data = chain(80)
    state = np.random.get_state()[1].tolist()  # noqa: NPY002
    one, other = (learn(DAGMAMLP(hidden_units=(3,), random_state=s), data) for s in (5, 6))
    assert np.random.get_state()[1].tolist() == state  # noqa: NPY002
    assert (one.weights_ != other.weights_).any()


def test_a_bootstrap_refits_it():
    boot = Bootstrap(DAGMAMLP(hidden_units=(2,)), 3, random_state=0)
    found = learn(boot, chain(60))
    assert found.graph_.nodes == ("c", "a", "b")


def test_explanations_and_warnings():
    data = chain(100)
    said = learn(SMALL[0], data).explain("a", "b")
    assert "exceeds the threshold of 0.3; weight" in said.adjacency
    with pytest.warns(ConvergenceWarning, match="max_iter=1 steps"):
        clone(SMALL[1]).set_params(max_iter=1).fit(data)
    with pytest.warns(AssumptionWarning, match="order alone gives away the directions"):
        clone(SMALL[1]).set_params(standardize=False).fit(data * [3, 1, 2])


# --- hostile tables and settings ------------------------------------------------------------------


@every_algorithm
def test_hostile_tables_are_refused(algorithm):
    data = chain(60)
    wide = np.random.default_rng(0).normal(size=(12, 20))
    hostile = [
        (data.mask(data > 1.5), InputError, "missing"),
        (data.assign(a=1.0), InputError, "a"),
        (data.assign(a=data["b"]), NumericalError, "linear combinations"),
        (data.head(5), InputError, "row"),
        (wide, InputError, "row"),
        (data[["a"]], InputError, "1 column"),
        (data.assign(a=pd.Categorical(list("xyz") * 20)), InputError, "3 levels"),
        (data.assign(a="text"), InputError, "text"),
        (data.assign(a=np.inf), InputError, "a"),
    ]
    for table, error, words in hostile:
        with pytest.raises(error, match=words):
            clone(algorithm).fit(table)
    with pytest.raises(InputError, match="needs all rows"):
        clone(algorithm).fit(pl.from_pandas(data).lazy())
    with pytest.raises(NumericalError, match="standardize=True"):
        clone(algorithm).set_params(standardize=False).fit(data * 1e100)


@pytest.mark.parametrize(
    ("algorithm", "words"),
    [
        (NOTEARSMLP(penalty=-1), "penalty=-1"),
        (NOTEARSMLP(ridge="x"), "ridge='x'"),
        (DAGMAMLP(threshold=np.nan), "threshold=nan"),
        (DAGMAMLP(hidden_units=()), "hidden_units="),
        (DAGMAMLP(hidden_units=5), "hidden_units=5"),
        (DAGMAMLP(hidden_units="ab"), "hidden_units='ab'"),
        (DAGMAMLP(hidden_units=(0,)), "hidden_units=0"),
        (DAGMAMLP(path=[]), "path is empty"),
        (NOTEARSMLP(max_iter=0), "max_iter=0"),
        (NOTEARSMLP(random_state="x"), "random_state='x'"),
        (NOTEARSMLP(knowledge=["a"]), "nowledge"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_settings_out_of_range_are_refused(algorithm, words):
    with pytest.raises(InputError, match=words):
        algorithm.fit(chain(40))


# --- torch ----------------------------------------------------------------------------------------


def test_torch_is_asked_for_only_with_a_device(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert learn(NOTEARSMLP(hidden_units=(2,), max_iter=20), chain(40)).graph_ is not None
    monkeypatch.setattr(deep, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"extra 'deep'.*pip install.*device=None"):
        NOTEARSMLP(device="cpu").fit(chain(40))


@pytest.mark.deep
@every_shape
def test_torch_finds_the_same_gradients(hidden):
    pytest.importorskip("torch", reason="needs the extra deep: make test-deep")
    from causalkit.discovery.continuous._torch_networks import on_device

    here, there = networks_of(hidden), networks_of(hidden, on_device("cpu", "a test"))
    x = 2 * here.start(np.random.default_rng(3))
    loss, price = half_sum, priced(2.0, 0.5)
    one, other = (networks.smooth(loss, price, 0.03)(x) for networks in (here, there))
    assert one[0] == pytest.approx(other[0], rel=1e-12)
    assert np.allclose(one[1], other[1], rtol=1e-9, atol=1e-12)


@pytest.mark.deep
@every_algorithm
def test_torch_finds_the_same_graph_and_leaves_no_trace(algorithm):
    torch = pytest.importorskip("torch", reason="needs the extra deep: make test-deep")
    data = chain()
    n_threads, state = torch.get_num_threads(), torch.get_rng_state()
    here = learn(algorithm, data)
    with torch.inference_mode(), torch.device("meta"):
        there = learn(clone(algorithm).set_params(device="cpu"), data)
    assert there.graph_ == here.graph_
    assert np.allclose(there.weights_, here.weights_, rtol=0.05, atol=0.02)
    assert pickle.loads(pickle.dumps(there)).graph_ == there.graph_
    assert torch.get_num_threads() == n_threads
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_default_dtype() == torch.float32
    assert torch.is_grad_enabled()


@pytest.mark.deep
@pytest.mark.parametrize("device", ["nowhere", "meta", 3.5], ids=str)
def test_devices_that_cannot_be_used_are_refused(device):
    pytest.importorskip("torch", reason="needs the extra deep: make test-deep")
    with pytest.raises(InputError, match="cannot be used"):
        NOTEARSMLP(device=device).fit(chain(40))
