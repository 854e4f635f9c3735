"""Series seen less often: graphs by brute force, effects and draws by the equations."""

from __future__ import annotations

import numpy as np
import pytest

from causalkit.errors import CycleError, GraphError, InputError, UnknownVariableError
from causalkit.graph import Kind, LaggedGraph, latent_projection
from causalkit.models.random_models.dynamics import Lorenz96
from causalkit.models.random_models.resampling import Resampled
from causalkit.models.random_models.series import random_series
from causalkit.models.random_models.series_projection import project_series


def projection_by_unrolling(graph, observed, every, max_lag):
    """Unroll far enough, hide what is hidden, and take the edges that end at t."""
    window = every * max_lag + 12
    seen = [
        node
        for node in graph.unroll(window).nodes
        if node.name in observed and node.lag % every == 0
    ]
    # an end of the window that lies too near is no cause of confounding that is not there
    flat = latent_projection(graph.unroll(window), seen)
    found = set()
    for edge in flat.edges():
        late, early = sorted((edge.left, edge.right), key=lambda node: node.lag)
        if late.lag == 0 and early.lag <= every * max_lag:
            left, right = edge.left, edge.right
            names = (left.name, left.lag // every), (right.name, right.lag // every)
            found.add((frozenset(names) if edge.symbol == "<->" else names, edge.symbol))
    return found


def edges_of(graph):
    found = set()
    for edge in graph.edges():
        names = (edge.left.name, edge.left.lag), (edge.right.name, edge.right.lag)
        found.add((frozenset(names) if edge.symbol == "<->" else names, edge.symbol))
    return found


@pytest.mark.parametrize("every", [1, 2, 3])
@pytest.mark.parametrize("seed", range(6))
def test_projections_are_those_of_a_long_window(every, seed):
    rng = np.random.default_rng(seed)
    model = random_series("linear", n_series=3, max_lag=2, links=1.0, step_links=0.7, rng=rng)
    graph = model.graph
    weights = model.links.by_lag(3)[0].copy()
    for k in range(3):  # some series without a memory
        weights[1, k, k] *= rng.random() < 0.5
    graph = LaggedGraph.from_marks(
        graph.variables, (weights != 0) * 1, (weights != 0) * 2, Kind.DAG
    )
    observed = graph.variables[: 2 + seed % 2]
    found = project_series(graph, observed, every=every, max_lag=2)
    assert edges_of(found) == projection_by_unrolling(graph, observed, every, 2)


def test_nothing_hidden_changes_nothing():
    graph = random_series("linear", n_series=4, max_lag=3, rng=0).graph
    assert project_series(graph) == graph


def test_a_chain_of_hidden_links_within_a_step():
    graph = LaggedGraph.parse("A[t] -> U[t]; U[t] -> V[t]; V[t] -> B[t]; A[t-1] -> A[t]")
    assert str(project_series(graph, ["A", "B"])).endswith("A[t] -> B[t]; A[t-1] -> A[t]")


def test_effects_of_every_kth_step_are_powers():
    model = random_series("linear", n_series=4, max_lag=1, step_links=0, rng=0)
    slope = model.effects(1)[1]
    effects = Resampled(model, 3).effects(2)
    np.testing.assert_allclose(effects[1], np.linalg.matrix_power(slope, 3), atol=1e-12)
    np.testing.assert_allclose(effects[2], np.linalg.matrix_power(slope, 6), atol=1e-12)


def test_the_effect_of_setting_a_step_that_is_seen():
    model = random_series("linear", n_series=3, max_lag=2, rng=1)
    seen = Resampled(model, 2)
    truth = seen.effect("x0", "x1", horizon=2)
    assert truth.exact
    assert truth.value == pytest.approx(seen.effects(2)[2, 0, 1], abs=1e-10)
    with pytest.raises(InputError, match="skip"):
        Resampled(model, 2, "mean").effect("x0", "x1", horizon=1)


def test_effects_are_on_causes_that_the_graph_connects():
    """A total effect of a subsampled VAR(1) that is not zero needs a directed path."""
    model = random_series("linear", n_series=5, max_lag=1, step_links=0, rng=3)
    seen = Resampled(model, 2)
    effect, linked = seen.effects(1)[1] != 0, seen.graph.directed[1]
    np.testing.assert_array_equal(effect, linked)


def test_draws_are_rows_or_means_of_the_draw_of_the_model():
    model = random_series("regimes", n_series=3, n_latents=1, acyclic=True, rng=0)
    whole = model.sample(60, rng=5)
    skipped, means = (Resampled(model, 3, how).sample(20, rng=5) for how in ("skip", "mean"))
    np.testing.assert_array_equal(skipped.data, whole.data[2::3])
    np.testing.assert_array_equal(skipped.labels, whole.labels[2::3])
    np.testing.assert_allclose(means.data, whole.data.to_numpy().reshape(20, 3, -1).mean(axis=1))
    np.testing.assert_allclose(
        means.hidden["u0"], whole.hidden["u0"].to_numpy().reshape(20, 3).mean(axis=1)
    )
    assert means.graph.variables == ("x0", "x1", "x2")


def test_subjects_stay_apart():
    model = random_series("panel", n_series=2, n_subjects=3, acyclic=True, rng=0)
    whole = model.sample(10, rng=1)
    means = Resampled(model, 5, "mean").sample(2, rng=1).data
    assert means["subject"].tolist() == [0, 0, 1, 1, 2, 2]
    expected = whole.data.groupby(np.arange(30) // 5)["x0"].mean()
    np.testing.assert_allclose(means["x0"], expected)


def test_blocks_are_linked_where_any_of_their_steps_are():
    graph = LaggedGraph.parse("X[t-1] -> X[t]; X[t-3] -> Y[t]; Y[t-1] -> Y[t]")

    class Model:
        variables = graph.variables

    Model.graph = graph
    blocks = Resampled(Model(), 3, "mean").graph
    assert str(blocks).endswith("X[t-1] -> X[t]; X[t-1] -> Y[t]; Y[t-1] -> Y[t]")
    blocks = Resampled(Model(), 2, "mean").graph
    assert blocks.summary_graph().lags("X", "Y") == (1, 2)


def test_what_cannot_be_is_refused():
    model = random_series("linear", n_series=2, links=1.0, step_links=0, rng=0)
    with pytest.raises(CycleError, match="acyclic"):
        _ = Resampled(Lorenz96(5), 2, "mean").graph
    with pytest.raises(InputError, match="how"):
        Resampled(model, 2, "sum")
    with pytest.raises(InputError, match="trend"):
        Resampled(random_series("seasonal", rng=0), 2)
    with pytest.raises(InputError, match="every"):
        Resampled(model, 2, "mean").effects(1)
    with pytest.raises(UnknownVariableError):
        project_series(model.graph, ["y"])
    with pytest.raises(InputError, match="observed"):
        project_series(model.graph, [])
    with pytest.raises(GraphError, match="DAG"):
        project_series(LaggedGraph.parse("X[t] <-> Y[t]"))
