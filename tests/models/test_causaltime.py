"""CausalTime: exactness, arithmetic, truths, reproducibility, the weak score, and refusals."""

from __future__ import annotations

import doctest
import importlib
import pickle
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from causalkit._core import deep
from causalkit._core.deep import with_gradients
from causalkit._core.series import as_series
from causalkit.errors import InputError, NumericalError
from causalkit.graph import Kind, LaggedGraph
from causalkit.models.causaltime import (
    CausalTime,
    DiscriminativeScore,
    causal_time,
    descent,
    flow,
    importance,
    networks,
    score,
    weak_discriminative_score,
)
from causalkit.models.causaltime.hypothesis import read_hypothesis
from causalkit.models.causaltime.windows import linear_forecasts, read_windows
from causalkit.models.interventions import Hold, Policy, Shift

NAMES = ("a", "b", "c")
CHAIN = np.array([[1, 1, 0], [0, 1, 1], [0, 0, 1]])
"""a -> b -> c, each on itself too."""
QUICK = {"hidden_units": 6, "epochs": 6, "max_lag": 2, "random_state": 0}
kinds = pytest.mark.parametrize("kind", ["mlp", "lstm"])


def some_series(n=500, seed=0, noise=0.5):
    """The chain: a drives b by a curve at lag 1, and the spread of b; b drives c at lag 2."""
    rng = np.random.default_rng(seed)
    e = rng.normal(size=(n + 50, 3)) * noise
    x = np.zeros((n + 50, 3))
    for t in range(2, n + 50):
        x[t, 0] = 0.6 * x[t - 1, 0] + e[t, 0]
        x[t, 1] = 0.4 * x[t - 1, 1] + np.tanh(2 * x[t - 1, 0]) + e[t, 1] * np.exp(x[t - 1, 0])
        x[t, 2] = 0.3 * x[t - 1, 2] + 0.6 * x[t - 2, 1] + e[t, 2]
    return pd.DataFrame(x[50:], columns=NAMES)


@pytest.fixture(scope="module")
def torch():
    pytest.importorskip("zuko", reason="needs the extra deep: make test-deep")
    return pytest.importorskip("torch", reason="needs the extra deep: make test-deep")


@pytest.fixture(scope="module")
def fitted(torch):
    """One of each kind, of the chain."""
    return {
        kind: CausalTime(kind, graph=CHAIN, **QUICK).fit(some_series())
        for kind in networks.NETWORKS
    }


def running_of(model, torch):
    return model.dynamics_.on(torch, flow.load_zuko("a test"), "cpu")


def some_state(torch, n=7, max_lag=2, p=3, seed=0):
    rng = np.random.default_rng(seed)
    shapes = (n, max_lag, p), (n, p), (n, p)
    return [torch.tensor(rng.normal(size=shape).astype(np.float32)) for shape in shapes]


# --- exactness ------------------------------------------------------------------------------------


@pytest.mark.deep
@kinds
def test_what_is_no_parent_changes_no_bit_and_every_parent_does(torch, fitted, kind):
    """Of a series: its past by the mask, its own residual; for every cell of the 2p-node graph."""
    model = fitted[kind]
    running, (past, residual, normal) = running_of(model, torch), some_state(torch)
    links = np.asarray(model.graph_.directed)
    with torch.no_grad():
        before = running.series(past, residual, normal)
        for cause in range(3):
            for lag in (1, 2):
                other = past.clone()
                other[:, lag - 1, cause] += 0.37
                changed = (running.series(other, residual, normal) != before).any(dim=0)
                assert changed.tolist() == links[lag, cause, :3].tolist()
            other = residual.clone()
            other[:, cause] += 0.37
            changed = (running.series(past, other, normal) != before).any(dim=0)
            assert changed.tolist() == links[1, 3 + cause, :3].tolist()
            other = normal.clone()
            other[:, cause] += 0.37
            changed = (running.series(past, residual, other) != before).any(dim=0)
            assert changed.tolist() == [k == cause for k in range(3)]


@pytest.mark.deep
@kinds
def test_links_of_single_lags_are_kept_apart(torch, kind):
    graph = LaggedGraph.parse("a[t-2] -> a; a[t-1] -> b; b[t-1] -> b; b[t-2] -> c", max_lag=2)
    model = CausalTime(kind, graph=graph, **{**QUICK, "epochs": 2}).fit(some_series(200))
    assert model.hypothesis_ == LaggedGraph(NAMES, graph.edges(), max_lag=2)
    running, (past, residual, normal) = running_of(model, torch), some_state(torch)
    with torch.no_grad():
        before = running.series(past, residual, normal)
        for lag, cause in np.ndindex(2, 3):
            other = past.clone()
            other[:, lag, cause] -= 0.5
            changed = (running.series(other, residual, normal) != before).any(dim=0)
            assert changed.tolist() == model.hypothesis_.directed[lag + 1, cause].tolist()


@pytest.mark.deep
@kinds
def test_the_residual_reads_everything(torch, fitted, kind):
    running, (past, _, _) = running_of(fitted[kind], torch), some_state(torch)
    with torch.no_grad():
        before = running.residual(past)
        for lag, cause in np.ndindex(2, 3):
            other = past.clone()
            other[:, lag, cause] += 0.37
            assert (running.residual(other) != before).any(dim=0).all()


@pytest.mark.deep
def test_the_graph_has_the_blocks_of_the_paper(fitted):
    model = fitted["mlp"]
    graph = model.graph_
    assert graph.kind is Kind.DAG
    assert graph.variables == (*NAMES, "a_residual", "b_residual", "c_residual")
    links = np.asarray(graph.directed)
    assert links.shape == (3, 6, 6)
    assert (links[1:, :3, :3] == CHAIN.astype(bool)).all()
    assert not links[0, :, :3].any()
    assert (links[1, 3:, :3] == np.eye(3, dtype=bool)).all()
    assert not links[2, 3:, :3].any()
    assert links[:2, :3, 3:].all()
    assert not links[2, :, 3:].any()
    assert not links[:, 3:, 3:].any()
    assert model.observed_graph_.directed[1:].all()
    assert not model.observed_graph_.directed[0].any()


@pytest.mark.deep
@kinds
def test_strengths_are_where_the_edges_are(fitted, kind):
    model = fitted[kind]
    assert ((model.strengths_ > 0) == np.asarray(model.graph_.directed)).all()


@pytest.mark.deep
@kinds
def test_what_is_drawn_obeys_the_equations_and_the_residual_is_fed_back(torch, fitted, kind):
    """From the columns that were drawn: the noise that is left is the one that went in."""
    model, n = fitted[kind], 60
    drawn = model.sample(n, rng=5, burn_in=30)
    mean, scale = model.dynamics_.mean, model.dynamics_.scale
    x = (drawn[list(NAMES)].to_numpy() - mean) / scale
    r = drawn[[f"{name}_residual" for name in NAMES]].to_numpy() / scale
    normal = np.random.default_rng(5).standard_normal((30 + n, 3)) * model.dynamics_.noise.spread
    past = np.stack([x[1 : n - 1], x[: n - 2]], axis=1).astype(np.float32)
    running = running_of(model, torch)
    with torch.no_grad():
        before = torch.tensor(past)
        told = running.residual(before).numpy()
        assert np.allclose(told, r[1 : n - 1], atol=1e-5)
        args = (
            torch.tensor(r[1 : n - 1].astype(np.float32)),
            torch.tensor(normal[32:].astype(np.float32)),
        )
        assert np.allclose(running.series(before, *args).numpy(), x[2:], atol=1e-4)
        forgotten = running.series(before, torch.zeros_like(args[0]), args[1]).numpy()
    assert np.abs(forgotten - x[2:]).max() > 1e-3


@pytest.mark.deep
def test_shared_decoders_share_weights_and_nothing_else(torch):
    model = CausalTime("lstm", graph=CHAIN, sharing="decoder", **QUICK).fit(some_series(250))
    assert len(model.dynamics_.causal.weights["second"]) == 1
    running, (past, residual, normal) = running_of(model, torch), some_state(torch)
    with torch.no_grad():
        before = running.series(past, residual, normal)
        for cause in range(3):
            other = past.clone()
            other[:, :, cause] += 1.0
            changed = (running.series(other, residual, normal) != before).any(dim=0)
            assert changed.tolist() == CHAIN[cause].astype(bool).tolist()


# --- arithmetic -----------------------------------------------------------------------------------


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def slow_forecast(kind, w, mask, past, effect):
    """One window, one network, by loops."""
    n_lags = len(mask)
    read = past * mask[:, :, effect]
    said = float(w["level"][effect, 0] + read.ravel() @ w["line"][effect])
    if kind == "mlp":
        units = np.tanh(read.ravel() @ w["first"][effect] + w["first_bias"][effect, 0])
    else:
        h = w["recurrent"].shape[1]
        memory = units = np.zeros(h)
        for lag in range(n_lags - 1, -1, -1):
            gates = read[lag] @ w["first"][effect] + units @ w["recurrent"][effect]
            opened, kept, new, told = (gates + w["first_bias"][effect, 0]).reshape(4, h)
            memory = sigmoid(kept) * memory + sigmoid(opened) * np.tanh(new)
            units = sigmoid(told) * np.tanh(memory)
    units = np.tanh(units @ w["second"][effect] + w["second_bias"][effect, 0])
    return said + float(units @ w["last"][effect][:, 0])


@pytest.mark.deep
@kinds
def test_networks_say_what_loops_say(torch, kind):
    rng = np.random.default_rng(0)
    mask, line = rng.random((3, 4, 4)) < 0.5, rng.normal(size=(4, 12))
    weights = networks.first_weights(kind, mask, line, hidden_units=5, shared=False, rng=rng)
    weights["last"] = rng.normal(size=(4, 5, 1)).astype(np.float32)
    past = rng.normal(size=(6, 3, 4)).astype(np.float32)
    ready = networks.Network(kind, mask, weights).tensors(torch, "cpu")
    said = networks.forecast(torch, kind, ready, torch.tensor(past)).numpy()
    slow = [[slow_forecast(kind, weights, mask, one, k) for k in range(4)] for one in past]
    assert np.allclose(said, slow, atol=1e-5)


def some_flow(torch, seed=0, p=3, max_lag=2):
    rng = np.random.default_rng(seed)
    weights = flow.first_flow(np.ones((max_lag, p, p), dtype=bool), np.full(p, 0.7), rng)
    weights["last"] = 0.5 * rng.normal(size=weights["last"].shape)
    return {name: torch.tensor(held, dtype=torch.float64) for name, held in weights.items()}


@pytest.mark.deep
def test_the_flow_begins_as_normal_noise(torch):
    rng, zuko = np.random.default_rng(0), flow.load_zuko("a test")
    first = flow.first_flow(np.ones((2, 3, 3), dtype=bool), np.array([0.5, 1.0, 2.0]), rng)
    weights = {name: torch.tensor(held) for name, held in first.items()}
    past, residual, normal = some_state(torch)
    noise = flow.noise_of(torch, zuko, weights, past, residual, normal)
    assert np.allclose(noise, normal * torch.tensor([0.5, 1.0, 2.0]), atol=1e-5)


@pytest.mark.deep
def test_the_flow_is_a_density(torch):
    """It inverts itself, its Jacobian is that of differences, and it integrates to one."""
    zuko, weights = flow.load_zuko("a test"), some_flow(torch)
    past, residual, normal = (part.double() for part in some_state(torch))
    noise = flow.noise_of(torch, zuko, weights, past, residual, normal)
    back, log_slope = flow.normal_of(torch, zuko, weights, past, residual, noise)
    assert np.allclose(back, normal, atol=1e-9)
    step = 1e-6
    near, _ = flow.normal_of(torch, zuko, weights, past, residual, noise + step)
    assert np.allclose((near - back) / step, log_slope.exp(), rtol=1e-3, atol=1e-4)
    grid = torch.linspace(-60, 60, 60001, dtype=torch.float64)
    one = [part[:1].expand(len(grid), *part.shape[1:]) for part in (past, residual)]
    bent, slope = flow.normal_of(torch, zuko, weights, *one, grid[:, None].expand(-1, 3))
    density = torch.exp(-0.5 * bent.square() - 0.5 * np.log(2 * np.pi) + slope)
    assert np.allclose(density.sum(dim=0) * float(grid[1] - grid[0]), 1.0, atol=1e-4)


@pytest.mark.deep
def test_shares_of_a_linear_forecast_have_a_closed_form(torch):
    """Slope times the distance from the mean of other windows."""
    rng = np.random.default_rng(0)
    past = torch.tensor(rng.normal(size=(200, 2, 3)))
    slopes = torch.tensor(rng.normal(size=(2, 3, 3)))

    def linear(read):
        return torch.einsum("enlc,lce->ne", read, slopes)

    with with_gradients(torch):
        assert np.allclose(importance.mean_slopes(torch, linear, past, rng), slopes.abs())
        found = importance.attributions(torch, linear, past, rng, n_draws=300)
    away = (past - past.mean(dim=0)).abs().mean(dim=0)
    assert np.allclose(found, (slopes.abs() * away[:, :, None]).sum(dim=0), rtol=0.05)


def test_the_most_important_pairs_are_kept_and_own_pasts():
    shares = np.array([[9.0, 0.4, 0.1], [0.0, 0.6, 0.2], [1.0, 0.0, 0.7]])
    kept = importance.most_important(shares, 4 / 6)
    assert kept.tolist() == [[True, True, False], [False, True, True], [False, False, True]]
    assert importance.most_important(shares, 0.0).all()
    assert (importance.most_important(shares, 1.0) == np.eye(3, dtype=bool)).all()
    # In the relative terms of each effect: 0.1 of all that moves a is less than 0.2 of c.
    assert importance.most_important(shares, 1 / 6)[2, 0]


# --- windows --------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [150, 400, 3000])
@pytest.mark.parametrize("max_lag", [1, 5])
@pytest.mark.parametrize("share", [0.2, 0.4])
def test_windows_that_judge_share_no_step_with_those_learnt_from(n, max_lag, share):
    series = as_series(some_series(n))
    windows = read_windows(series, max_lag, missing="drop", share=share, who="a test")
    rows = series.usable(max_lag)
    steps = [
        {int(row) - lag for row in rows[part] for lag in range(max_lag + 1)}
        for part in (windows.learnt, windows.judged)
    ]
    assert not steps[0] & steps[1]
    assert len(windows.judged) == pytest.approx(share * len(rows), rel=0.2)
    assert len(windows.learnt) > (0.8 - share) * len(rows)


def test_windows_with_gaps():
    """Dropped, nothing is filled in; carried, what is missing is no target, nor reached over."""
    frame = some_series(300)
    frame.iloc[40, 1] = frame.iloc[41, 1] = frame.iloc[90, 0] = np.nan
    frame.iloc[0, 2] = np.nan
    values, scaled = frame.to_numpy(), {}
    for missing in ("drop", "carry"):
        series = as_series(frame)
        windows = read_windows(series, 2, missing=missing, share=0.2, who="a test")
        now = windows.now * windows.scale + windows.mean
        past = windows.past * windows.scale + windows.mean
        scaled[missing] = now, past, windows.seen
    now, past, seen = scaled["drop"]
    whole = [t for t in range(2, 300) if not np.isnan(values[t - 2 : t + 1]).any()]
    assert seen.all()
    assert np.allclose(now, values[whole])
    assert np.allclose(past, np.stack([values[[t - lag for t in whole]] for lag in (1, 2)], axis=1))
    now, past, seen = scaled["carry"]
    assert len(now) == 297  # the first cell of c has nothing before it to be carried
    assert np.allclose(now[seen], values[3:][seen])
    assert seen.sum() == 3 * 297 - 3
    assert np.allclose(past[42 - 3, :, 1], values[39, 1])


def test_lines_are_least_squares_of_what_is_let_in():
    windows = read_windows(as_series(some_series()), 2, missing="drop", share=0.2, who="a test")
    mask = np.repeat(CHAIN[None].astype(bool), 2, axis=0)
    lines = linear_forecasts(windows, mask, ridge=0.0)
    assert np.array_equal((lines != 0).T, mask.reshape(6, 3))
    X = windows.past[windows.learnt].reshape(-1, 6)
    left = windows.now[windows.learnt] - X @ lines.T
    assert np.abs((X.T @ left)[mask.reshape(6, 3)]).max() < 1e-8


# --- truths ---------------------------------------------------------------------------------------


@pytest.mark.deep
@kinds
def test_importance_finds_the_chain(torch, kind):
    model = CausalTime(kind, sparsity=4 / 6, **QUICK).fit(some_series())
    assert (model.hypothesis_.directed[1:] == CHAIN.astype(bool)).all()
    assert model.importance_.shape == (3, 3)


@pytest.mark.deep
def test_networks_learn_the_curve_and_noise_its_spread(torch):
    """Errors come near those of the truth; the spread of b follows exp(a), that of c does not."""
    data = some_series(2500, seed=3)
    settings = {**QUICK, "epochs": 25, "hidden_units": 12}
    model = CausalTime("mlp", graph=CHAIN, **settings).fit(data)
    best = 0.25 / data.var().to_numpy()[[0, 2]]
    assert np.allclose(model.full_loss_[[0, 2]], best, rtol=0.15)
    assert np.allclose(model.causal_loss_[[0, 2]], best, rtol=0.15)
    running, zuko = running_of(model, torch), flow.load_zuko("a test")
    rng, spreads = np.random.default_rng(0), []
    for level in (-1.0, 1.0):
        past = torch.zeros((4000, 2, 3))
        past[:, 0, 0] = (level - model.dynamics_.mean[0]) / model.dynamics_.scale[0]
        drawn = torch.tensor(rng.standard_normal((4000, 3)).astype(np.float32))
        with torch.no_grad():
            noise = flow.noise_of(
                torch, zuko, running.noise_weights, past, torch.zeros((4000, 3)), drawn
            )
        spreads.append(noise.numpy().std(axis=0))
    ratio = spreads[1] / spreads[0]
    assert ratio[1] == pytest.approx(np.exp(2.0), rel=0.35)
    assert ratio[2] == pytest.approx(1.0, abs=0.25)
    drawn = model.sample(500, 8, rng=1, residuals=False)
    assert np.allclose(drawn[list(NAMES)].std() / data.std(), 1.0, atol=0.2)
    off = np.abs(drawn[list(NAMES)].corr().to_numpy() - data.corr().to_numpy())
    assert off.max() < 0.12


# --- drawing --------------------------------------------------------------------------------------


@pytest.mark.deep
@kinds
def test_the_same_seed_gives_the_same_bytes(torch, fitted, kind, tmp_path):
    state = torch.random.get_rng_state()
    again = CausalTime(kind, graph=CHAIN, **QUICK).fit(some_series())
    drawn = fitted[kind].sample(40, 2, rng=3)
    assert again.sample(40, 2, rng=3).equals(drawn)
    assert pickle.loads(pickle.dumps(again)).sample(40, 2, rng=3).equals(drawn)
    assert clone(again).fit(some_series()).sample(40, 2, rng=3).equals(drawn)
    assert not fitted[kind].sample(40, 2, rng=4).equals(drawn)
    again.save(tmp_path / "model.npz")
    read = CausalTime.load(tmp_path / "model.npz")
    assert read.sample(40, 2, rng=3).equals(drawn)
    assert read.graph_ == again.graph_
    assert (read.strengths_ == again.strengths_).all()
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.deep
@kinds
def test_nothing_that_is_drawn_is_a_real_step_and_no_chain_is_another(fitted, kind):
    real = some_series().to_numpy()
    drawn = fitted[kind].sample(200, 3, rng=0, residuals=False)
    assert list(drawn.columns) == ["chain", *NAMES]
    assert drawn["chain"].tolist() == [0] * 200 + [1] * 200 + [2] * 200
    steps = drawn[list(NAMES)].to_numpy()
    apart = np.abs(steps[:, None] - real[None]).max(axis=2)
    assert apart.min() > 0
    among_real = np.abs(real[::2, None] - real[None, 1::2]).max(axis=2)
    # Drawn steps lie no nearer to real ones than real ones lie to each other.
    assert np.median(apart[:, ::2].min(axis=1)) > 0.7 * np.median(among_real.min(axis=1))
    chains = steps.reshape(3, 200, 3)
    assert abs(np.corrcoef(chains[0, :, 0], chains[1, :, 0])[0, 1]) < 0.5
    assert (np.ptp(chains[:, 0], axis=0) > 0).all()


@pytest.mark.deep
def test_no_chain_runs_away(torch):
    """A random walk: its line has slope one, and its range holds it."""
    walk = np.random.default_rng(0).normal(size=(300, 2)).cumsum(axis=0)
    model = CausalTime("mlp", graph=np.ones((2, 2)), **QUICK).fit(walk)
    drawn = model.sample(3000, rng=0, residuals=False)
    assert (drawn.abs().max().to_numpy() < 3 * np.abs(walk).max(axis=0)).all()


@pytest.mark.deep
def test_gaps_subjects_and_names_are_read(torch):
    frame = some_series(300)
    frame.iloc[::17, 1] = np.nan
    frame["who"] = np.repeat(["p", "q"], 150)
    settings = {**QUICK, "epochs": 2}
    model = CausalTime("mlp", graph=CHAIN, panel="who", missing="carry", **settings).fit(frame)
    assert model.feature_names_in_.tolist() == list(NAMES)
    assert np.isfinite(model.sample(20, rng=0).to_numpy()).all()
    dropped = CausalTime("mlp", graph=CHAIN, panel="who", **settings).fit(frame)
    assert dropped.n_obs_ < model.n_obs_


# --- interventions --------------------------------------------------------------------------------


@pytest.mark.deep
@kinds
def test_what_is_done_acts_on_descendants_only_and_from_its_step_on(fitted, kind):
    """With residuals held at zero, of which `hypothesis_` is the graph: bit by bit."""
    model = fitted[kind]
    cut = dict.fromkeys([f"{name}_residual" for name in NAMES], 0.0)
    plain = model.sample(30, 2, rng=0, do=cut, residuals=False)
    set_b = model.sample(
        30, 2, rng=0, do={**cut, "b": Hold(1.25, start=10, stop=12)}, residuals=False
    )
    step = np.tile(np.arange(30), 2)
    assert (set_b["b"][(step >= 10) & (step < 12)] == 1.25).all()
    assert set_b["a"].equals(plain["a"])
    assert set_b[step < 10].equals(plain[step < 10])
    same = (set_b == plain).to_numpy()
    assert same[step == 10, 3].all()  # c follows a step later
    assert not same[step == 11, 3].any()
    # With residuals all series follow, and none before.
    plain, set_b = (
        model.sample(30, rng=0, do=do) for do in (None, {"b": Hold(1.25, start=10, stop=12)})
    )
    assert set_b[:10].equals(plain[:10])
    assert not (set_b == plain).to_numpy()[11].any()


@pytest.mark.deep
def test_shifts_and_policies(fitted):
    model = fitted["mlp"]
    plain = model.sample(20, 3, rng=0)
    moved = model.sample(20, 3, rng=0, do={"b": Shift(0.5, start=19)})
    assert np.allclose(moved["b"][19::20], plain["b"][19::20] + 0.5, atol=1e-6)
    rule = Policy(lambda seen: (seen["a"] > seen["c"]).astype(float), given=("a", "c"))
    decided = model.sample(20, 3, rng=0, do={"b": rule})
    assert (decided["b"] == (decided["a"] > decided["c"])).all()
    with pytest.raises(InputError, match="depends on it"):
        model.sample(5, do={"a": Policy(lambda seen: seen["b_residual"], given=("b_residual",))})
    with pytest.raises(InputError, match="returned shape"):
        model.sample(5, 2, do={"a": Policy(lambda seen: np.zeros(len(seen) + 6), given=("b",))})


@pytest.mark.deep
def test_effects_agree_with_what_is_drawn(torch, fitted):
    """Two seeds agree; a is near its curve; a variable is what it is set to."""
    model = fitted["mlp"]
    truth = model.effect("a", "b", contrast=(-0.5, 0.5), n_chains=400, rng=1)
    other = model.effect("a", "b", contrast=(-0.5, 0.5), n_chains=400, rng=2)
    assert not truth.exact
    assert truth.agrees(other.value, std_error=other.std_error)
    assert truth.value == pytest.approx(2 * np.tanh(1.0), rel=0.35)
    assert model.effect("a", "b", horizon=0, n_chains=10).value == 0.0
    assert model.effect("a", "a", horizon=0, contrast=(2, 5), n_chains=10).value == 3.0
    held = model.effect("a", "a", horizon=3, contrast=(2, 5), sustained=True, n_chains=10)
    assert held.value == 3.0
    residual = model.effect("c_residual", "c", contrast=(0.0, 0.25), n_chains=50)
    assert residual.value == pytest.approx(0.25, abs=0.1)


# --- the hypothesis -------------------------------------------------------------------------------


def test_a_hypothesis_is_read_in_the_order_of_the_data():
    graph = LaggedGraph.parse("c[t-1] -> a; a[t-2] -> b; b[t-1] -> b")
    mask = read_hypothesis(graph, NAMES, 3)
    assert np.argwhere(mask).tolist() == [[0, 1, 1], [0, 2, 0], [1, 0, 1]]
    pairs = read_hypothesis(graph.summary_graph(), NAMES, 2)
    assert (pairs == [[0, 1, 0], [0, 1, 0], [1, 0, 0]]).all()
    assert (read_hypothesis(pairs[0], NAMES, 2) == pairs).all()


@pytest.mark.parametrize(
    ("graph", "words"),
    [
        ("a -> b; c[t-1] -> c", "edges within a step.*Twin"),
        ("a[t-4] -> b; c[t-1] -> c", "lags up to 4.*max_lag=4"),
        ("a[t-1] -> b", "the same series"),
        ("a[t-1] <-> b; c", "ADMG.*expected a DAG"),
        (np.eye(2), r"matrix of zeros and ones of shape \(3, 3\)"),
        (0.5 * np.eye(3), "zeros and ones"),
        ("a nonsense", "expected a LaggedGraph"),
        (LaggedGraph.parse("a[t-1] <-> b; c").summary_graph(), "arrows only"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_hypothesis_that_does_not_fit_is_refused(graph, words):
    if isinstance(graph, str) and "nonsense" not in graph:
        graph = LaggedGraph.parse(graph)
    with pytest.raises(InputError, match=words):
        read_hypothesis(graph, NAMES, 2)


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"network": "gru"}, "'lstm', 'mlp'"),
        ({"sharing": "all"}, "'none', 'decoder'"),
        ({"missing": "fill"}, "'drop', 'carry'"),
        ({"max_lag": 0}, "max_lag=0"),
        ({"validation": 0.9}, "0.5 at most"),
        ({"sparsity": 1.5}, "sparsity"),
        ({"ridge": -1.0}, "ridge"),
        ({"max_lag": 80}, "expected 40.*smaller max_lag"),
    ],
    ids=str,
)
def test_settings_out_of_range_are_refused(settings, words):
    with pytest.raises(InputError, match=words):
        CausalTime(**settings).fit(some_series(150))


def test_series_that_cannot_be_learnt_from_are_refused():
    frame = some_series(150)
    with pytest.raises(InputError, match="at least 2"):
        CausalTime().fit(frame[["a"]])
    with pytest.raises(InputError, match="one value only"):
        CausalTime().fit(frame.assign(d=1.0))
    with pytest.raises(InputError, match=r"a_residual.*Rename"):
        CausalTime().fit(frame.assign(a_residual=frame["b"]))
    frame.iloc[::3, 0] = np.nan
    with pytest.raises(InputError, match="missing='carry'"):
        CausalTime().fit(frame)


@pytest.mark.deep
def test_a_value_beyond_all_others_is_an_error(torch):
    """In a block that judges; the range that was learnt from does not tell of it."""
    data = some_series(150)
    data.iloc[75, 0] = 1e30
    with pytest.raises(NumericalError, match="far outside all others"):
        CausalTime("mlp", graph=CHAIN, **QUICK).fit(data)


@pytest.mark.deep
def test_units_do_not_matter(torch):
    data = some_series(200)
    models = [
        CausalTime("mlp", graph=CHAIN, **{**QUICK, "epochs": 2}).fit(data * scale)
        for scale in (1.0, 2.0**300, 2.0**-300)
    ]
    drawn = [model.sample(20, rng=0).to_numpy() for model in models]
    assert np.array_equal(drawn[1], drawn[0] * 2.0**300)
    assert np.array_equal(drawn[2], drawn[0] * 2.0**-300)


@pytest.mark.deep
def test_adam_takes_the_steps_that_it_is_known_for(torch):
    start = np.random.default_rng(0).normal(size=5)
    mine, peers = (torch.tensor(start, requires_grad=True) for _ in range(2))
    adam, peer = (
        descent.Adam(torch, [mine], ridge=0.1),
        torch.optim.Adam([peers], lr=0.05, weight_decay=0.1),
    )
    for _ in range(30):
        adam.step((mine.exp() - mine).sum(), 0.05)
        peer.zero_grad()
        (peers.exp() - peers).sum().backward()
        peer.step()
    assert np.allclose(mine.detach(), peers.detach(), atol=1e-8)


def test_without_torch_or_zuko_the_way_out_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr(deep, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"not installed.*'deep'.*pip install.*Twin"):
        CausalTime().fit(some_series(150))
    with pytest.raises(InputError, match=r"not installed.*'deep'.*fidelity"):
        weak_discriminative_score(some_series(150), some_series(150))
    monkeypatch.setattr(flow, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"zuko, which is not installed.*pip install"):
        flow.load_zuko("CausalTime")


# --- the weak score -------------------------------------------------------------------------------


@pytest.mark.deep
def test_the_weak_score_tells_what_is_unlike_and_not_what_is_alike(torch):
    kind = {"window": 6, "n_repeats": 2}
    real, alike = some_series(600, seed=0), some_series(600, seed=1)
    near = weak_discriminative_score(real, alike, **kind)
    assert isinstance(near, DiscriminativeScore)
    assert near.value < 0.15
    assert near == weak_discriminative_score(real, alike[["c", "a", "b"]], **kind)
    noise = pd.DataFrame(np.random.default_rng(0).normal(size=(600, 3)), columns=NAMES)
    far = weak_discriminative_score(real, 3 * noise, **kind)
    assert far.value > 0.35
    assert far.to_frame()["auc"].tolist() == list(far.aucs)
    assert far.to_frame()["score"].mean() == pytest.approx(far.value)
    assert len(far.aucs) == 2
    assert "test is weak" in repr(far)


@pytest.mark.deep
def test_chains_are_scored_with_their_borders(torch, fitted):
    drawn = fitted["mlp"].sample(150, 4, rng=0, residuals=False)
    found = weak_discriminative_score(
        some_series(), drawn, window=5, n_repeats=1, epochs=1, panel="chain"
    )
    assert found.n_synthetic == 4 * 146
    assert found.n_real == 496
    assert np.isnan(found.std_error)


def test_windows_left_out_share_no_step_with_others():
    rows, rng = np.arange(9, 500), np.random.default_rng(0)
    for _ in range(20):
        train, test = score._split(rows, 10, 0.2, rng)
        assert np.abs(train[:, None] - test[None]).min() >= 10
        assert 60 < len(test) < 140
        assert len(train) > 250


@pytest.mark.deep
def test_what_cannot_be_scored_is_refused(torch):
    real = some_series(150)
    with pytest.raises(InputError, match="residuals=False"):
        weak_discriminative_score(real, real.rename(columns={"a": "z"}))
    with pytest.raises(InputError, match="windows of 60 steps"):
        weak_discriminative_score(real, real, window=60)


@pytest.mark.deep
@pytest.mark.parametrize("module", [causal_time, score])
def test_examples_in_the_docs_hold(torch, module):
    """They are skipped where torch is missing, so they are run here."""
    runner, n_tried = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE), 0
    for test in doctest.DocTestFinder().find(importlib.import_module(module.__name__)):
        if test.name == module.__name__:
            continue  # a sketch
        for example in test.examples:
            example.options.pop(doctest.SKIP, None)
            n_tried += 1
        assert runner.run(test).failed == 0
    assert n_tried >= 3
