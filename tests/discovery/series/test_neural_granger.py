"""NeuralGranger and JacobianGranger: arithmetic, optima, laws, truths, and life without torch."""

from __future__ import annotations

import doctest
import pickle
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

from causalkit._core import deep
from causalkit._core.series import as_series
from causalkit.discovery.series._lagged_design import blocked_folds, lagged_design
from causalkit.discovery.series.granger import _granger_networks as nets
from causalkit.discovery.series.granger import _granger_training as training
from causalkit.discovery.series.granger import jacobian_granger, neural_granger
from causalkit.discovery.series.granger.jacobian_granger import JacobianGranger
from causalkit.discovery.series.granger.neural_granger import NeuralGranger
from causalkit.errors import InputError, NumericalError
from tests.oracles import neural_granger as oracle

QUICK = [
    NeuralGranger(2, hidden_units=(5,), n_steps=8, n_folds=2, random_state=0),
    NeuralGranger(2, hidden_units=(4, 3), n_steps=8, n_folds=2, hierarchical=True, random_state=0),
    NeuralGranger(2, network="lstm", hidden_units=(3,), n_steps=5, n_folds=2, random_state=0),
    JacobianGranger(2, hidden_units=8, n_layers=2, n_steps=10, n_folds=2, random_state=0),
]
every = pytest.mark.parametrize("algorithm", QUICK, ids=["mlp", "nested", "lstm", "jacobian"])
both = pytest.mark.parametrize("kind", [NeuralGranger, JacobianGranger])


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="needs the extra deep: make test-deep")


def some_series(n=150, p=3, seed=0):
    """The first series drives the second at lag 1, the second the third at lag 2; curved."""
    x = np.random.default_rng(seed).normal(size=(n, p))
    for t in range(2, n):
        x[t, 1] += 2.0 * np.tanh(2.0 * x[t - 1, 0])
        x[t, 2] += 0.7 * x[t - 2, 1] ** 2
    return x


def size_of(torch, *, n_sets=2, p=3, max_lag=2, hidden=(4,), seed=0):
    rng = np.random.default_rng(seed)
    return nets.Size(n_sets, p, max_lag, hidden, torch, "cpu", torch.float64, rng)


def numbers(tensor):
    return tensor.detach().numpy()


# --- arithmetic -----------------------------------------------------------------------------------


@pytest.mark.deep
@pytest.mark.parametrize("hidden", [(4,), (3, 2)], ids=str)
def test_perceptrons_say_what_loops_say(torch, hidden):
    made = nets.ComponentMLP(size_of(torch, hidden=hidden), ridge=0.3, nested=False)
    past = np.random.default_rng(1).normal(size=(6, 3, 2))
    said = numbers(made.forecasts(torch.tensor(past)))
    for number in range(6):
        weights = [numbers(layer)[number] for layer in made.weights]
        bias, *shifts = (numbers(shift)[number] for shift in made.biases)
        first = numbers(made.parameters[0])[:, :, number]
        slow = oracle.perceptron(past, first, list(zip(weights, shifts, strict=True)), bias)
        assert np.allclose(said[number // 3, number % 3], slow)
        norms = np.linalg.norm(first, axis=(1, 2))
        assert np.allclose(numbers(made.norms(None))[number // 3, :, number % 3], norms)
        if number < 3:
            lags = np.linalg.norm(first, axis=2).T
            assert np.allclose(numbers(made.norms_by_lag(None))[:, :, number], lags)
    squares = sum(np.square(numbers(layer)).sum() for layer in made.weights)
    assert float(numbers(made.price(None, 9.0))) == pytest.approx(0.15 * squares)


@pytest.mark.deep
def test_memories_say_what_loops_say(torch):
    made = nets.ComponentLSTM(size_of(torch, max_lag=4), ridge=0.1)
    past = np.random.default_rng(1).normal(size=(5, 3, 4))
    said = numbers(made.forecasts(torch.tensor(past)))

    def network(number, past):
        inputs = numbers(made.parameters[0])[:, 0, number]
        recurrent, last = (numbers(layer)[number] for layer in made.weights)
        bias, shift = (numbers(layer)[number, 0] for layer in made.biases)
        return oracle.long_memory(past, [inputs, recurrent, bias, last[:, 0], shift[0]])

    for number in range(6):
        assert np.allclose(said[number // 3, number % 3], network(number, past))
    by_lag, step = numbers(made.norms_by_lag(torch.tensor(past))), 1e-6
    for lag, cause, effect in np.ndindex(4, 3, 3):
        more, less = past.copy(), past.copy()
        more[:, cause, lag] += step
        less[:, cause, lag] -= step
        slopes = (network(effect, more) - network(effect, less)) / (2 * step)
        assert by_lag[lag, cause, effect] == pytest.approx(np.abs(slopes).mean(), abs=1e-7)


@pytest.mark.deep
@pytest.mark.parametrize("hidden", [(5,), (5, 5, 5)], ids=str)
def test_jacobians_are_those_of_autograd(torch, hidden):
    made = nets.ResidualMLP(size_of(torch, hidden=hidden), squared=False, n_priced=400)
    rng = np.random.default_rng(1)
    for part in made.parameters:  # none of them zero, as some are at first
        part.data.copy_(torch.tensor(rng.normal(size=part.shape) / 2))
    past = torch.tensor(rng.normal(size=(4, 3, 2)))
    slow = torch.autograd.functional.jacobian(made.forecasts, past)  # (sets, p, n, n, p, lags)
    found = made.jacobian(past)
    for row in range(4):
        assert torch.allclose(found[:, row], slow[:, :, row, row])
    means = found.abs().mean(dim=1)
    assert torch.allclose(made.norms(past), means.amax(dim=3).transpose(1, 2))
    assert torch.allclose(made.norms_by_lag(past)[1, 2, 0], means[0, 0, 2, 1])
    one = past[:1].expand(4, -1, -1)  # whatever is drawn, it is this
    slow = 0.7 * found[:, 0].abs().sum()
    assert torch.allclose(made.price(one, 0.7), slow)
    made.squared = True
    assert torch.allclose(made.price(one, 0.7), 0.35 * found[:, 0].square().sum())


@pytest.mark.deep
@pytest.mark.parametrize("size", [0.0, 0.4, 1.1, 50.0])
def test_shrinkage_solves_its_problem(torch, size):
    v = np.random.default_rng(3).normal(size=(2, 3, 2, 4))  # causes, lags, networks, units
    sizes = torch.tensor(size * np.array([[1.0, 0.5], [2.0, 1.0]])[:, None, :, None])
    plain, nested = torch.tensor(v), torch.tensor(v)
    nets.shrink_groups(plain, sizes)
    nets.shrink_nested(nested, sizes)
    for cause, network in np.ndindex(2, 2):
        group, here = v[cause, :, network], float(sizes[cause, 0, network, 0])
        kept = max(0.0, 1.0 - here / np.linalg.norm(group))
        assert np.allclose(plain[cause, :, network], kept * group)
        slow = oracle.nested_shrinkage(group, here)
        assert np.allclose(nested[cause, :, network], slow, atol=1e-8)
        lags = nested[cause, :, network].numpy().any(axis=1)
        assert (np.diff(lags.astype(int)) <= 0).all()  # no lag without the shorter ones


@pytest.mark.deep
def test_the_descent_ends_where_the_objective_is_stationary(torch):
    size = size_of(torch, n_sets=3, p=3, max_lag=2)
    design = lagged_design(as_series(some_series(80)), 2, n_steps=40, who="a test")
    steps = training.Steps.of(design, blocked_folds(design.rows, 2, 2), size)
    made = nets.ComponentMLP(size, ridge=0.05, nested=False)
    descent = training.Descent(made)
    for rate in np.geomspace(0.05, 1e-6, 1500):
        descent.step(steps, 1000, 0.2, rate)
    value = training._objective(made, steps, 1000, 0.2)
    pulls, *rest = map(numbers, torch.autograd.grad(value, made.parameters))
    first = numbers(made.parameters[0])
    norms = np.linalg.norm(first, axis=(1, 3))
    assert 0 < np.count_nonzero(norms) < norms.size
    for cause, network in np.ndindex(norms.shape):
        pull, weights = pulls[cause, :, network], first[cause, :, network]
        if norms[cause, network]:
            wanted = -0.2 * weights / norms[cause, network]
            assert np.allclose(pull, wanted, atol=2e-3)
        else:
            assert np.linalg.norm(pull) <= 0.2 + 2e-3
    assert all(np.abs(part).max() < 2e-3 for part in rest)


@pytest.mark.deep
def test_steps_are_judged_by_networks_that_have_not_seen_them(torch):
    size = size_of(torch, n_sets=4)
    design = lagged_design(as_series(some_series(60)), 2, n_steps=40, who="a test")
    folds = blocked_folds(design.rows, 3, 2)
    steps = training.Steps.of(design, folds, size)
    made = nets.ComponentMLP(size, ridge=0.0, nested=False)
    past = design.past.reshape(-1, 3, 2).copy()
    for withheld, which in ((None, []), ((1, None), [0, 1]), ((2, 2), [1])):
        seen = past.copy()
        if withheld is not None:
            seen[:, withheld[0], which] = 0.0
        said = numbers(made.forecasts(torch.tensor(seen)))
        found = steps.errors(made, withheld)
        for k, (train, test) in enumerate(folds, 1):
            assert np.allclose(found[test], (said[k].T[test] - design.now[test]) ** 2)
            assert not set(np.flatnonzero(steps.learnt[k])) & set(test)
            assert set(np.flatnonzero(steps.learnt[k])) == set(train)
    assert np.array_equal(numbers(steps.past), past)  # nothing was withheld for good


# --- the path -------------------------------------------------------------------------------------


@pytest.mark.deep
def test_none_and_too_much_of_a_penalty(torch):
    x = some_series()
    free = NeuralGranger(2, penalty=0.0, n_steps=10, n_folds=2, random_state=0).fit(x)
    assert free.penalty_ == 0.0
    assert (free.strengths_[1:] > 0).all()
    assert free.penalties_[0] == 0.0
    for algorithm in (NeuralGranger, JacobianGranger):
        none = algorithm(2, penalty=1e6, n_steps=20, n_folds=2, random_state=0).fit(x)
        assert not none.graph_.edges()
        assert none.penalties_.tolist() == [1e6]
        assert none.loss_ == pytest.approx(1.0, abs=0.2)
    assert not NeuralGranger(2, penalty=1e6, n_steps=5, random_state=0).fit(x).scores_.any()


@pytest.mark.deep
def test_the_choice_forecasts_best_and_the_path_ends_with_nothing(torch):
    found = NeuralGranger(2, n_steps=15, random_state=0).fit(some_series())
    losses = found.losses_.mean(axis=1)
    assert found.penalty_ == found.penalties_[np.argmin(losses)]
    assert np.array_equal(found.loss_, found.losses_[np.argmin(losses)])
    assert losses[-1] == pytest.approx(1.0, abs=0.1)  # forecasts are the mean
    assert np.isnan(found.strengths_[0]).all()
    drawn = found.graph_.directed
    assert (found.strengths_[drawn] > 0).all()
    assert np.array_equal(np.isnan(found.p_values_[1]), ~drawn.any(axis=0))
    for pair in np.argwhere(drawn.any(axis=0)):
        lags, p_values = drawn[1:, pair[0], pair[1]], found.p_values_[1:, pair[0], pair[1]]
        assert np.array_equal(lags, p_values <= max(0.05, p_values.min()))


@pytest.mark.deep
def test_a_rate_that_is_too_large_is_told(torch):
    with pytest.raises(NumericalError, match="learning_rate"):
        NeuralGranger(1, learning_rate=1e30, n_steps=5).fit(some_series())


# --- laws -----------------------------------------------------------------------------------------


@pytest.mark.deep
@every
def test_order_units_and_containers_do_not_matter(torch, algorithm):
    data = pd.DataFrame(some_series(), columns=list("bca"))
    found = clone(algorithm).fit(data)
    order = [2, 0, 1]
    same = clone(algorithm).fit(pl.from_pandas(data[["a", "b", "c"]]))
    assert np.array_equal(same.scores_, found.scores_[np.ix_(order, order)])
    assert np.array_equal(same.p_values_, found.p_values_[:, order][:, :, order], equal_nan=True)
    assert np.array_equal(same.losses_, found.losses_[:, order])
    units = clone(algorithm).fit(data * [4.0, 2.0**30, 0.5])
    assert np.array_equal(units.scores_, found.scores_)
    assert pickle.loads(pickle.dumps(found)).graph_ == found.graph_


@pytest.mark.deep
@every
def test_the_seed_is_all_the_chance_there_is_and_torch_is_left_alone(torch, algorithm):
    x = some_series(80)
    before = torch.get_num_threads(), torch.get_default_dtype()
    torch.manual_seed(1)
    state = torch.get_rng_state()
    one = clone(algorithm).fit(x)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    with torch.inference_mode(), torch.device("meta"):
        same = clone(algorithm).fit(x)
    assert np.array_equal(one.scores_, same.scores_)
    assert (torch.get_num_threads(), torch.get_default_dtype()) == before
    other = clone(algorithm).set_params(random_state=1).fit(x)
    assert not np.array_equal(one.scores_, other.scores_)


@pytest.mark.deep
@every
def test_borders_are_never_bridged(torch, algorithm):
    x = some_series(121)
    holed = x.copy()
    holed[60] = np.nan
    apart = clone(algorithm).fit([x[:60], x[61:]])
    assert apart.n_obs_ == 58 + 58
    assert np.array_equal(clone(algorithm).fit(holed).scores_, apart.scores_)
    names = ["x0", "x1", "x2"]
    panel = pd.DataFrame(np.delete(x, 60, axis=0), columns=names).assign(who=[1] * 60 + [2] * 60)
    framed = clone(algorithm).set_params(panel="who").fit(panel)
    assert np.array_equal(framed.scores_, apart.scores_)
    counted = pd.DataFrame(x, columns=names).assign(on=np.arange(121) < 80)
    masked = clone(algorithm).set_params(mask="on").fit(counted)
    assert np.array_equal(masked.scores_, clone(algorithm).fit(counted[names][:80]).scores_)


@pytest.mark.deep
def test_long_series_are_seen_by_batches(torch):
    x = some_series(400)
    small = clone(QUICK[0]).set_params(batch_size=50, n_steps=20, n_folds=3).fit(x)
    assert np.isfinite(small.scores_).all()
    assert small.graph_.directed[1, 0, 1]


@pytest.mark.deep
@every
def test_explain(torch, algorithm):
    x = some_series(200)
    found = clone(algorithm).set_params(n_steps=15).fit({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2]})
    there = found.explain("a[t-1]", "b")
    assert there.edge == "a[t-1] -> b[t]"
    assert "with a withheld" in there.adjacency
    assert "larger" in there.adjacency
    assert "lag 1 alone" in there.adjacency
    assert there.direction == "what comes first is the cause"
    assert found.explain("b[t-1]", "a").edge == "no edge"
    assert "within a step" in found.explain("a", "b").adjacency
    with pytest.raises(InputError):
        found.explain("a[t-3]", "b")


@pytest.mark.deep
def test_what_is_not_read_is_told(torch):
    said = clone(QUICK[0]).set_params(penalty=1e6).fit(some_series()).explain("x0[t-1]", "x1")
    assert "reads nothing of x0" in said.adjacency


# --- truths ---------------------------------------------------------------------------------------


@pytest.mark.deep
def test_the_graph_of_curved_relations_with_lags(torch):
    for algorithm in (NeuralGranger, JacobianGranger):
        found = algorithm(2, n_steps=20, alpha=0.01, random_state=0).fit(some_series(300))
        assert [str(edge) for edge in found.graph_.edges()] == [
            "x0[t-1] -> x1[t]",
            "x1[t-2] -> x2[t]",
        ]


@pytest.mark.deep
@pytest.mark.parametrize(
    ("algorithm", "name", "least"),
    [
        (NeuralGranger(1, n_steps=15, random_state=0), "lorenz96/F_10_T_500_dataset_1", 0.98),
        (NeuralGranger(3, n_steps=15, random_state=0), "var/S_30_T_500_dataset_1", 0.97),
        (JacobianGranger(1, n_steps=25, random_state=0), "lorenz96/F_40_T_500_dataset_1", 0.98),
    ],
    ids=["mlp-lorenz", "mlp-var", "jacobian-lorenz"],
)
def test_links_of_the_reference_data_rank_first(torch, shared, algorithm, name, least):
    data = np.load(shared / f"lorenz96_var_sru/{name}.npz")
    found = clone(algorithm).fit(data["X_np"].T)
    off = ~np.eye(10, dtype=bool)
    assert roc_auc_score(data["Gref"].T[off] > 0, found.scores_[off]) > least


@pytest.mark.deep
def test_memories_rank_links_too(torch, shared):
    data = np.load(shared / "lorenz96_var_sru/lorenz96/F_40_T_500_dataset_2.npz")
    found = NeuralGranger(2, network="lstm", n_steps=6, n_folds=2, random_state=0)
    found.fit(data["X_np"].T)
    off = ~np.eye(10, dtype=bool)
    assert roc_auc_score(data["Gref"].T[off] > 0, found.scores_[off]) > 0.9


@pytest.mark.slow
@pytest.mark.deep
def test_noise_has_hardly_any_causes(torch):
    for algorithm in (NeuralGranger, JacobianGranger):
        n_links = 0
        for seed in range(10):
            x = np.random.default_rng(seed).normal(size=(300, 6))
            for t in range(1, 300):
                x[t] += 0.9 * x[t - 1]
            found = algorithm(2, random_state=0).fit(x).graph_.directed.any(axis=0)
            n_links += int((found & ~np.eye(6, dtype=bool)).sum())
        assert n_links <= 0.05 * 10 * 30


# --- hostile input --------------------------------------------------------------------------------


@pytest.mark.deep
@every
def test_hostile_series_are_refused(torch, algorithm):
    x = some_series(60)
    hostile = [
        (np.column_stack([x, np.ones(60)]), "hold one value only"),
        (x[:30], "needs 40 steps"),
        (np.where(np.arange(60)[:, None] % 3, x, np.nan), "needs 40 steps"),
        (x[:, :1], "at least 2"),
        (pd.DataFrame(x).astype(str) + "x", "text|categor|number"),
    ]
    for series, words in hostile:
        with pytest.raises(InputError, match=words):
            clone(algorithm).fit(series)
    with pytest.raises(InputError, match="needs 40 steps"):
        clone(algorithm).set_params(max_lag=50).fit(x)
    with pytest.raises(InputError, match=r"folds leave|folds"):
        clone(algorithm).set_params(max_lag=15, n_folds=2).fit(x)


@pytest.mark.deep
def test_copies_and_huge_values_do_no_harm(torch):
    x = some_series(100)
    both_ = np.column_stack([x, x[:, 0], 1e200 * x[:, 2]])
    for algorithm in QUICK:
        found = clone(algorithm).fit(both_)
        assert np.isfinite(found.scores_).all()
        assert np.isfinite(found.gains_).all()


@both
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"penalty": "aic"}, "penalty='aic'"),
        ({"penalty": -1.0}, "penalty=-1"),
        ({"n_folds": 1}, "n_folds=1"),
        ({"n_steps": 0}, "n_steps=0"),
        ({"alpha": 1.0}, "alpha=1"),
        ({"learning_rate": 0.0}, "learning_rate=0"),
        ({"batch_size": 1}, "batch_size=1"),
    ],
    ids=str,
)
def test_settings_out_of_range_are_refused(kind, settings, words):
    with pytest.raises(InputError, match=words):  # with or without torch
        kind(**settings).fit(some_series())


@pytest.mark.deep
@pytest.mark.parametrize(
    ("algorithm", "words"),
    [
        (NeuralGranger(network="gru"), "network='gru'"),
        (NeuralGranger(hidden_units=()), "hidden_units="),
        (NeuralGranger(hidden_units=(0,)), "hidden_units=0"),
        (NeuralGranger(network="lstm", hierarchical=True), "network='mlp'"),
        (NeuralGranger(network="lstm", hidden_units=(5, 5)), "network='mlp'"),
        (NeuralGranger(ridge=-1), "ridge=-1"),
        (NeuralGranger(max_lag=0), "max_lag"),
        (NeuralGranger(random_state="x"), "random_state"),
        (JacobianGranger(norm="l3"), "norm='l3'"),
        (JacobianGranger(hidden_units=0), "hidden_units=0"),
        (JacobianGranger(n_layers=0), "n_layers=0"),
        (JacobianGranger(device="nowhere"), "cannot be used.*RegressionGranger"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_other_settings_out_of_range_are_refused(torch, algorithm, words):
    with pytest.raises(InputError, match=words):
        algorithm.fit(some_series())


# --- without torch --------------------------------------------------------------------------------


@both
def test_without_torch_the_way_out_is_told(kind, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr(deep, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"not installed.*'deep'.*pip install.*RegressionGranger"):
        kind().fit(some_series())


@pytest.mark.deep
@pytest.mark.parametrize("module", [neural_granger, jacobian_granger])
def test_examples_in_the_docs_hold(torch, module):
    """They are skipped where torch is missing, so they are run here."""
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    tried = SimpleNamespace(n=0)
    for test in doctest.DocTestFinder().find(module):
        for example in test.examples:
            example.options.pop(doctest.SKIP, None)
            tried.n += 1
        assert runner.run(test).failed == 0
    assert tried.n >= 6
