"""PC on categories: the compiled search is the plain one, and no further off than a peer's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import polars as pl
import pytest

from causalkit.datasets import DiscreteNetwork, load_network
from causalkit.discovery import PC
from causalkit.errors import InputError
from causalkit.graph import ARROW, dag_to_cpdag
from causalkit.independence.base import BoundTest, CITest
from causalkit.independence.g_square import ChiSquare, GSquare
from tests.oracles.discrete import categories


@dataclass(frozen=True)
class Plain(CITest):
    """A test whose compiled searches are hidden: one question after the other."""

    test: CITest

    def bind(self, table):
        return PlainBound(self.test.bind(table))


@dataclass(frozen=True, eq=False)
class PlainBound(BoundTest):
    bound: BoundTest

    def __call__(self, i, j, given=()):
        return self.bound(i, j, given)


def mixed_table(seed, n=600):
    rng = np.random.default_rng(seed)
    codes = categories(rng, n, rng.choice([2, 3, 4], 9))
    codes = np.column_stack([codes, codes[:, 0] | (codes[:, 1] > 0)])
    return pd.DataFrame(codes, columns=[*"abcdefghij"])


def marks_of_causal_learn(frame):
    """1 for an arrowhead and -1 for a tail at the second node of [a, b]."""
    from causallearn.search.ConstraintBased.PC import pc

    codes = np.column_stack([frame[name].cat.codes for name in frame])
    return pc(codes, 0.01, "gsq", stable=True, show_progress=False).G.graph.T.astype(int)


def marks_of(graph):
    return np.where(graph.ends == ARROW, 1, np.where(graph.ends != 0, -1, 0))


def distance(marks, truth):
    """Pairs whose edge is missing, spare, or differently directed."""
    differ = marks != marks_of(truth)
    return int(np.triu(differ | differ.T).sum())


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("test", [GSquare(), ChiSquare(freedom="plain", min_per_cell=3.0)])
def test_the_compiled_search_is_the_plain_one(test, seed):
    frame = mixed_table(seed)
    fast = PC(test, alpha=0.05).fit(frame)
    slow = PC(Plain(test), alpha=0.05).fit(frame)
    assert fast.graph_ == slow.graph_
    assert (fast.n_tests_, fast.n_untestable_) == (slow.n_tests_, slow.n_untestable_)
    assert dict(fast.separators_) == dict(slow.separators_)
    for a, b in [("a", "b"), ("a", "j"), ("c", "h")]:
        assert str(fast.explain(a, b)) == str(slow.explain(a, b))


def test_jobs_containers_and_the_order_of_columns_do_not_matter():
    frame = mixed_table(5).astype("category")
    first = PC(GSquare()).fit(frame)
    assert PC(GSquare(), n_jobs=2).fit(frame).graph_ == first.graph_
    assert PC(GSquare()).fit(pl.from_pandas(frame)).graph_ == first.graph_
    turned = PC(GSquare()).fit(frame[frame.columns[::-1]])
    assert turned.graph_.reordered(first.graph_.nodes) == first.graph_


@pytest.mark.parametrize("rule", ["paired", "standard", "majority"])
def test_no_further_from_the_truth_than_a_peer(rule):
    asia = load_network("asia")
    truth = dag_to_cpdag(asia.graph)
    ours, theirs = [], []
    for seed in range(4):
        frame = asia.sample(5000, rng=seed)
        pc = PC(GSquare(), alpha=0.01, collider_rule=rule).fit(frame)
        ours.append(distance(marks_of(pc.graph_), truth))
        theirs.append(distance(marks_of_causal_learn(frame), truth))
    assert sum(ours) <= sum(theirs)


def test_what_a_set_determines_stays_joined():
    """In asia `either` is `tub or lung`: given both, nothing can be asked about it."""
    frame = load_network("asia").sample(5000, rng=0)
    pc = PC(GSquare(), alpha=0.01).fit(frame)
    assert pc.n_untestable_ > 0
    assert pc.graph_.edges_between("lung", "either")
    assert pc.graph_.edges_between("tub", "either")


def test_a_pair_that_cannot_be_tested_stays_joined_and_says_so():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"id": np.arange(60) % 30, "place": np.arange(60) // 2})
    frame = frame.astype("category").assign(flag=rng.integers(0, 2, 60))
    pc = PC(GSquare()).fit(frame)
    assert pc.graph_.edges_between("id", "place")
    assert "no set could be tested" in str(pc.explain("id", "place"))
    assert pc.n_untestable_ > 0


def test_columns_that_say_nothing_are_refused():
    frame = mixed_table(0).assign(k=1)
    with pytest.raises(InputError, match="'k' hold one value"):
        PC(GSquare()).fit(frame)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sachs", "child", "insurance"])
def test_published_networks(shared, name):
    text = (shared / "bayesian_networks" / f"{name}.bif").read_text()
    network = DiscreteNetwork.from_bif(text)
    truth = dag_to_cpdag(network.graph)
    ours, theirs = [], []
    for seed in range(3):
        frame = network.sample(5000, rng=seed)
        pc = PC(GSquare(), alpha=0.01, collider_rule="majority").fit(frame)
        ours.append(distance(marks_of(pc.graph_), truth))
        theirs.append(distance(marks_of_causal_learn(frame), truth))
    assert sum(ours) <= sum(theirs)
