"""ParceLiNGAM: an order as far as no hidden cause stands against it."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from causalkit.discovery import Knowledge
from causalkit.discovery.lingam.latent_lingam import ParceLiNGAM
from causalkit.errors import CausalkitError, CausalkitWarning, InputError, NumericalError
from causalkit.graph import ARROW, Kind
from causalkit.independence import HSIC, FisherZ
from tests.discovery.lingam.test_lingam import random_knowledge


def confounded(seed, n=500, shared=2.0):
    """a and b share a hidden cause; a -> c <- b, c -> d <- b."""
    rng = np.random.default_rng(seed)
    hidden, a, b, c, d = rng.exponential(size=(5, n))
    a, b = a + shared * hidden, b + shared * hidden
    c = a + b + c
    return pd.DataFrame({"a": a, "b": b, "c": c, "d": c - b + d})


def learn(data, **settings):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CausalkitWarning)
        return ParceLiNGAM(**settings).fit(data)


def test_what_shares_a_hidden_cause_stays_undecided():
    found = [learn(confounded(seed)) for seed in range(8)]
    right = [m for m in found if (m.undecided_, m.order_) == (("a", "b"), ("c", "d"))]
    assert len(right) >= 6
    for model in right:
        edges = set(map(str, model.graph_.edges()))
        assert edges >= {"a o-o b", "a -> c", "b -> c", "b -> d", "c -> d"}
        assert model.graph_.kind is Kind.PAG
        assert np.isnan(model.coefficients_.of("a", "b"))
        assert np.isnan(model.coefficients_.of("b", "a"))
        assert model.coefficients_.of("c", "d") == pytest.approx(1, abs=0.15)
        assert model.coefficients_.of("d", "c") == model.coefficients_.of("c", "a") == 0.0


def test_without_hidden_causes_all_are_ordered():
    rng = np.random.default_rng(1)
    found = []
    for _ in range(8):
        a, b, c = rng.exponential(size=(3, 500))
        b = a + b
        found.append(learn({"c": c + b, "b": b, "a": a}).order_)
    assert found.count(("a", "b", "c")) >= 6


@pytest.mark.parametrize("seed", range(3))
def test_causal_learn_has_the_same_order(seed):
    from causallearn.search.FCMBased.lingam import BottomUpParceLiNGAM as Theirs

    frame = confounded(seed, 250)
    theirs = Theirs()
    theirs.fit(frame.to_numpy())
    ours = learn(frame)
    block, *rest = theirs._causal_order
    assert {"abcd"[k] for k in block} == set(ours.undecided_)
    assert ["abcd"[k] for k in rest] == list(ours.order_)


def test_neither_order_nor_units_of_columns_matter():
    frame = confounded(0)
    one = learn(frame)
    other = learn(frame[["d", "b", "c", "a"]] * [10.0, -1.0, 1e-3, 5.0] + 7.0)
    assert other.graph_ == one.graph_
    assert other.order_ == one.order_
    assert other.undecided_ == tuple(reversed(one.undecided_))
    assert other.coefficients_.of("c", "d") == pytest.approx(
        one.coefficients_.of("c", "d") * 10 / 1e-3
    )
    assert learn(pl.from_pandas(frame)).graph_ == one.graph_
    assert learn(frame.to_dict("list")).p_values_ == one.p_values_


def test_explanations_say_why():
    found = learn(confounded(0))
    block = found.explain("a", "b")
    assert (block.edge, block.direction) == ("a o-o b", "undecided")
    assert "of {a, b} none has a residual that is independent of the others" in block.adjacency
    edge = found.explain("d", "c")
    assert edge.edge == "c -> d"
    assert "one unit of c adds 1" in edge.adjacency
    assert "independent of all before it (p = " in edge.direction
    assert "adaptive lasso left a out of the causes of d" in found.explain("a", "d").adjacency


def test_alpha_decides_how_much_is_left_undecided():
    frame = confounded(2)
    sizes = [len(learn(frame, alpha=alpha).undecided_) for alpha in (1e-12, 0.1, 0.999)]
    assert sizes == sorted(sizes)


def test_gaussian_noise_brings_a_warning():
    rng = np.random.default_rng(0)
    x, e = rng.normal(size=(2, 500))
    with pytest.warns(CausalkitWarning, match="cannot be told from Gaussian"):
        found = ParceLiNGAM().fit({"x": x, "y": x + e})
    assert [set(pair) for pair in found.doubtful_] == [{"x", "y"}]


def test_refuses_what_it_cannot_use():
    frame = confounded(0, 60)
    with pytest.raises(InputError, match="alpha=2"):
        ParceLiNGAM(alpha=2).fit(frame)
    with pytest.raises(InputError, match="expected a conditional-independence test"):
        ParceLiNGAM("hsic").fit(frame)
    with pytest.raises(InputError, match="missing values"):
        ParceLiNGAM().fit(frame.where(frame > 0.5))
    with pytest.raises(NumericalError, match="linear combinations"):
        ParceLiNGAM().fit(frame.assign(e=frame["a"] - frame["b"]))
    with pytest.raises(InputError, match="1 column"):
        ParceLiNGAM().fit(frame[["a"]])


def test_the_test_can_be_chosen():
    frame = confounded(0)
    assert learn(frame, test=HSIC()).graph_ == learn(frame).graph_
    # Residuals are uncorrelated with what they are residuals of, in any order.
    assert learn(frame, test=FisherZ()).undecided_ == ()
    assert clone(ParceLiNGAM(HSIC(), alpha=0.2)).alpha == 0.2


# --- knowledge -----------------------------------------------------------------------------------


def test_knowledge_of_nothing_changes_nothing():
    frame = confounded(0)
    one, other = learn(frame), learn(frame, knowledge=Knowledge(tiers=[["a", "b"]]))
    assert other.graph_ == one.graph_
    assert other.p_values_ == one.p_values_


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_knowledge_is_obeyed_to_the_letter(seed):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.exponential(size=(50, 5)) @ rng.normal(size=(5, 5)))
    frame = frame.set_axis(list("vwxyz"), axis=1)
    try:
        knowledge = Knowledge(**random_knowledge(rng, list("vwxyz")))
    except CausalkitError:
        return  # which contradicts itself
    test = FisherZ() if rng.random() < 0.3 else None  # by which all may come last
    found = learn(frame, test=test, knowledge=knowledge, alpha=float(rng.choice([0.01, 0.5])))
    graph = found.graph_
    never = knowledge.forbidden_matrix(graph.nodes)
    assert not (graph.adjacency & never & never.T).any()
    assert (graph.ends[never.T & graph.adjacency] == ARROW).all()
    assert (graph.directed | ~knowledge.required_matrix(graph.nodes)).all()
    place = {name: k for k, name in enumerate((*found.undecided_, *found.order_))}
    n_open = len(found.undecided_)
    for cause, effect in np.argwhere(graph.directed).tolist():
        a, b = graph.nodes[cause], graph.nodes[effect]
        assert place[a] < max(place[b], n_open)
    for i, a in enumerate(graph.nodes):
        for b in graph.nodes[i + 1 :]:
            assert found.explain(a, b).adjacency
            told = found.explain(a, b)
            one_way = knowledge.allows(a, b) != knowledge.allows(b, a)
            if told.direction is not None and one_way:
                assert told.direction.startswith("knowledge: ")
    above = np.linalg.matrix_power(np.eye(5, dtype=int) + graph.directed, 5) > 0
    assert not ((graph.ends == ARROW) & above.T).any()


def test_true_tiers_order_what_stays_undecided():
    frame = confounded(0)
    assert learn(frame).undecided_ == ("a", "b")
    known = learn(frame, knowledge=Knowledge(tiers=["a", ["b", "c", "d"]]))
    assert str(known.graph_.edges_between("a", "b")[0]) == "a o-> b"
    assert known.explain("a", "b").direction == "knowledge: b is in a later tier than a"
    assert known.order_ == ("c", "d")
    must = learn(frame, knowledge=Knowledge(required=[("a", "b")], forbidden=[("b", "d")]))
    assert str(must.graph_.edges_between("a", "b")[0]) == "a -> b"
    assert not must.graph_.edges_between("b", "d")
    assert must.explain("b", "d").adjacency == "knowledge: b -> d is forbidden"
    apart = learn(frame, knowledge=Knowledge(forbidden=[("a", "b"), ("b", "a")]))
    assert not apart.graph_.edges_between("a", "b")
    assert "is forbidden" in apart.explain("a", "b").adjacency
    kept = learn(frame, knowledge=Knowledge(required=[("a", "d")]))
    assert kept.explain("a", "d").adjacency.startswith("knowledge: a -> d is required: one unit")


def test_only_who_may_come_last_is_asked():
    frame = confounded(0)
    wrong = learn(frame, knowledge=Knowledge(tiers=[["c", "d"], ["a", "b"]]))
    assert wrong.order_ == () or set(wrong.order_) <= {"a", "b"}
    assert "none that may come last has a residual" in wrong.explain("a", "b").adjacency
    with pytest.raises(InputError, match="expected Knowledge"):
        ParceLiNGAM(knowledge={"tiers": []}).fit(frame)
