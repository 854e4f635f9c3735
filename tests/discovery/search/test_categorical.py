"""Searches by score on categories: beside an exact search and a greedy one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from causalkit.datasets import load_network
from causalkit.discovery import BOSS, FLOP, GES, ExactSearch, GRaSP, HillClimb, Knowledge
from causalkit.graph import dag_to_cpdag
from causalkit.scores import BDeu, DiscreteBIC
from tests.laws.test_score_search_laws import obeys

SEARCHES = {"FLOP": FLOP, "BOSS": BOSS, "GRaSP": GRaSP}
each_search = pytest.mark.parametrize("search", SEARCHES.values(), ids=SEARCHES)


def sample(name, n, seed):
    frame = load_network(name).sample(n, rng=seed).astype("category")
    return frame[[c for c in frame if frame[c].nunique() > 1]]


@each_search
@pytest.mark.parametrize("score", [BDeu(), DiscreteBIC()], ids=["bdeu", "bic"])
def test_on_few_variables_the_best_score_of_all_is_hardly_missed(search, score):
    for seed in range(4):
        data = sample("asia", 500, seed)
        best = ExactSearch(score).fit(data).score_
        found = search(score, **({} if search is FLOP else {"n_starts": 20})).fit(data)
        assert score.total(data, found.graph_) == pytest.approx(found.score_, rel=1e-9)
        assert best - 1 < found.score_ <= best + 1e-9 * abs(best)


@each_search
def test_no_search_over_orders_ends_below_a_greedy_one(search):
    for seed in range(2):
        data = sample("alarm", 800, seed)
        greedy = GES(BDeu()).fit(data).score_
        assert search(BDeu()).fit(data).score_ >= greedy - 1e-7 * abs(greedy)


@pytest.mark.parametrize("search", [BOSS, GRaSP])
def test_threads_change_nothing(search):
    data = sample("alarm", 300, 0)
    one, two = (search(BDeu(), n_starts=3, n_jobs=jobs).fit(data) for jobs in (1, 2))
    assert one.graph_ == two.graph_
    assert one.score_ == two.score_


@each_search
def test_knowledge_is_obeyed(search):
    data = sample("asia", 1000, 0)
    known = Knowledge(
        tiers=[["asia", "smoke"], ["lung", "tub", "bronc"], ["either"], ["xray", "dysp"]],
        required=[("smoke", "dysp")],
        forbidden=[("either", "dysp")],
    )
    found = search(BDeu(), knowledge=known).fit(data)
    assert obeys(found.dag_, known)


@pytest.mark.parametrize("search", [FLOP, GES, HillClimb])
@pytest.mark.filterwarnings("ignore::causalkit.errors.RedundantColumnsWarning")
def test_hundreds_of_levels_and_copies_of_columns(search):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 300, 2000)
    data = {"x": x, "y": np.where(rng.random(2000) < 0.9, x % 2, 0), "z": x % 3, "w": x % 3}
    found = search(DiscreteBIC()).fit(pd.DataFrame(data).astype("category"))
    assert found.graph_.adjacent("z") >= {"w"}
    assert np.isfinite(found.score_)


@pytest.mark.slow
def test_many_rows_lead_to_no_less_than_the_true_class():
    network = load_network("asia")
    data = network.sample(200_000, rng=1)
    true = DiscreteBIC().total(data, dag_to_cpdag(network.graph))
    for search in SEARCHES.values():
        assert search(DiscreteBIC()).fit(data).score_ >= true - 1e-9 * abs(true)
