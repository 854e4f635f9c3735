"""Guesses: they claim what they say, in every order of the columns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from causalkit.benchmark.guesses import GuessedGraph
from causalkit.errors import InputError
from causalkit.graph import Kind

FRAME = pd.DataFrame(np.zeros((5, 6)), columns=list("abcdef"))


def test_empty_and_full_are_that():
    assert not GuessedGraph("empty").fit(FRAME).graph_.edges()
    full = GuessedGraph("full").fit(FRAME).graph_
    assert full.kind is Kind.CPDAG
    assert len(full.skeleton()) == 15
    assert not full.directed.any()
    series = GuessedGraph("full", max_lag=3).fit(FRAME).graph_
    assert series.directed[1:].all()
    assert not series.directed[0].any()
    assert not GuessedGraph("empty", max_lag=2).fit(FRAME).graph_.edges()


def test_chance_finds_the_share_that_it_is_given():
    for share in (0.0, 0.4, 1.0):
        found = GuessedGraph("random", share=share, random_state=0).fit(FRAME).graph_
        assert len(found.edges()) == round(share * 15)
    wide = np.zeros((5, 30))
    lagged = GuessedGraph("random", max_lag=3, share=0.3, random_state=1).fit(wide).graph_
    assert abs(lagged.directed[1:].mean() - 0.3) < 4 * np.sqrt(0.21 / 2700)


def test_edges_at_random_point_both_ways_equally_often():
    backwards = 0
    for seed in range(60):
        found = GuessedGraph("random", share=0.5, random_state=seed).fit(FRAME).graph_
        backwards += int(np.tril(found.directed).sum())
    assert abs(backwards / 480 - 0.5) < 4 * 0.5 / np.sqrt(480)  # 8 of 15 pairs, 60 times


@pytest.mark.parametrize("max_lag", [None, 2])
def test_links_rank_as_the_graph_has_them_and_order_does_not_matter(max_lag):
    guess = GuessedGraph("random", max_lag=max_lag, share=0.3, random_state=3)
    found = clone(guess).fit(FRAME)
    order = [4, 2, 0, 1, 5, 3]
    other = clone(guess).fit(FRAME.iloc[:, order])
    assert found.graph_ == other.graph_
    assert np.array_equal(found.scores_[np.ix_(order, order)], other.scores_)
    if max_lag is not None:
        there = found.graph_.directed[1:].any(axis=0)
        assert found.scores_[there].min() > found.scores_[~there].max()


def test_what_is_out_of_range_is_refused():
    for wrong in ({"guess": "nothing"}, {"share": 1.5}, {"max_lag": 0}):
        with pytest.raises(InputError):
            GuessedGraph(**wrong).fit(FRAME)
