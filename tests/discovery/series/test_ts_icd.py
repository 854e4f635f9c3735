"""TS-ICD: fewer tests than LPCMCI, whatever lags come first."""

from __future__ import annotations

import numpy as np
import pytest

from causalkit.discovery.series.latent.lpcmci import LPCMCI
from causalkit.discovery.series.latent.ts_icd import TSICD
from causalkit.errors import InputError
from causalkit.graph import LaggedGraph
from causalkit.graph.lagged_latent import lagged_pag, lagged_projection
from causalkit.independence import Oracle
from causalkit.models.structural_var import random_svar
from tests.discovery.series.test_lpcmci import blank, simulate
from tests.oracles.lagged_latent import hidden_and_observed, random_series_graph


def test_with_an_oracle_it_needs_no_more_tests_than_lpcmci_on_average() -> None:
    rng = np.random.default_rng(31)
    counts = []
    for _ in range(30):
        graph = random_series_graph(rng, 4, 2)
        _, observed = hidden_and_observed(rng, graph, 1)
        oracle = Oracle(lagged_projection(graph, 2))
        found = TSICD(oracle, max_lag=2).fit(blank(observed))
        counts.append((found.n_tests_, LPCMCI(oracle, max_lag=2).fit(blank(observed)).n_tests_))
    few, many = np.mean(counts, axis=0)
    assert few <= many


def test_which_lags_come_first_does_not_change_the_truth() -> None:
    rng = np.random.default_rng(32)
    for _ in range(30):
        graph = random_series_graph(rng, 3, 2)
        _, observed = hidden_and_observed(rng, graph, 1)
        oracle = Oracle(lagged_projection(graph, 2))
        found = TSICD(oracle, max_lag=2, order="short-first").fit(blank(observed))
        assert found.graph_ == lagged_pag(graph, observed, 2)


@pytest.mark.parametrize("n_preliminary", [1, 2])
def test_beginning_again_does_not_change_the_truth(n_preliminary: int) -> None:
    rng = np.random.default_rng(33)
    for _ in range(30):
        graph = random_series_graph(rng, int(rng.integers(3, 5)), 2)
        _, observed = hidden_and_observed(rng, graph, 1)
        oracle = Oracle(lagged_projection(graph, 2))
        found = TSICD(oracle, max_lag=2, n_preliminary=n_preliminary).fit(blank(observed))
        assert found.graph_ == lagged_pag(graph, observed, 2)


@pytest.mark.parametrize(
    ("text", "observed", "max_lag"),
    [
        (  # the one side of X1, X3 is not asked about, since X1 is known to be the cause
            "X1[t] -> X2[t]; X2[t] -> X3[t]; X0[t-1] -> X0[t]; X0[t-1] -> X1[t]; X1[t-1] -> X1[t];"
            "X2[t-1] -> X2[t]; X3[t-1] -> X3[t]",
            ["X1", "X2", "X3"],
            2,
        ),
        (
            "X0[t] -> X3[t]; X3[t] -> X2[t]; X1[t-1] -> X1[t]; X2[t-1] -> X0[t]; X3[t-1] -> X3[t];"
            "X3[t-2] -> X3[t]",
            ["X0", "X2", "X3"],
            2,
        ),
    ],
)
def test_known_causes_leave_no_pair_unasked(text: str, observed: list[str], max_lag: int) -> None:
    graph = LaggedGraph.parse(text)
    oracle = Oracle(lagged_projection(graph, max_lag))
    found = TSICD(oracle, max_lag=max_lag, n_preliminary=1).fit(blank(observed))
    assert found.graph_ == lagged_pag(graph, observed, max_lag)


@pytest.mark.slow
def test_known_parents_find_the_links_that_lpcmci_finds() -> None:
    # F1 of the links from the past between series of which a fifth is hidden, 30 models.
    scores = []
    for seed in range(30):
        model = random_svar(7, max_lag=2, rng=seed)
        names = [f"x{k}" for k in range(5)]
        truth = lagged_pag(model.graph, names, 2)
        drawn = model.sample(500, rng=seed)
        data = {name: drawn[name] for name in names}
        fitted = [
            LPCMCI(max_lag=2).fit(data),
            *(TSICD(max_lag=2, n_preliminary=k).fit(data) for k in (0, 1)),
        ]
        scores.append([f1_of_lagged_links(truth, one.graph_) for one in fitted])
    lpcmci, once, again = np.mean(scores, axis=0)
    assert again > once + 0.02
    assert again > lpcmci - 0.02


def f1_of_lagged_links(truth: LaggedGraph, learnt: LaggedGraph) -> float:
    """F1 of the pairs (earlier node, later series) of two series that are joined."""
    one, other = (
        {
            (edge.left, edge.right)
            for edge in graph.edges()
            if edge.left.lag and edge.left.name != edge.right.name
        }
        for graph in (truth, learnt)
    )
    return 2 * len(one & other) / max(1, len(one) + len(other))


@pytest.mark.parametrize("wrong", [{"order": "backwards"}, {"n_preliminary": -1}])
def test_settings_that_do_not_exist_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        TSICD(**wrong).fit(simulate(50))
