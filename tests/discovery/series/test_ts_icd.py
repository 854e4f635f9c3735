"""TS-ICD: fewer tests than LPCMCI, whatever lags come first."""

from __future__ import annotations

import numpy as np
import pytest

from causalkit.discovery.series.latent.lpcmci import LPCMCI
from causalkit.discovery.series.latent.ts_icd import TSICD
from causalkit.errors import InputError
from causalkit.graph.lagged_latent import lagged_pag, lagged_projection
from causalkit.independence import Oracle
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


def test_an_unknown_order_is_refused() -> None:
    with pytest.raises(InputError, match="order"):
        TSICD(order="backwards").fit(simulate(50))
