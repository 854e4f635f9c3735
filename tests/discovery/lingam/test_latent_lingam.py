"""ParceLiNGAM: an order as far as no hidden cause stands against it."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone

from causalkit.discovery.lingam.latent_lingam import ParceLiNGAM
from causalkit.errors import CausalkitWarning, InputError, NumericalError
from causalkit.graph import Kind
from causalkit.independence import HSIC, FisherZ


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
