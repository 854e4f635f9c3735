"""causal-learn's algorithms behind our interface: they recover, refuse, and leave no trace."""

from __future__ import annotations

import pickle
import random
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import check_estimator

from causalkit.discovery import external
from causalkit.discovery.external import CAMUV, GIN, RCD
from causalkit.errors import InputError, NumericalError
from causalkit.graph import (
    CausalGraph,
)
from tests.oracles.discovery import linear_data


def table(dag, rng, n=10_000):
    return pd.DataFrame(linear_data(rng, dag, n), columns=dag.nodes)


def cubes(rng, shape):
    return rng.normal(size=shape) ** 3


def confounded(rng, n=300):
    """Linear, far from Gaussian: a and b share a hidden cause, a -> c, b -> d."""
    hidden, a, b, c, d = cubes(rng, (5, n))
    a, b = a + hidden, b + hidden
    return {"a": a, "b": b, "c": a + c, "d": b + d}


def indicators(rng, n=400):
    """Two hidden variables, the first a cause of the second, with three indicators each."""
    noise = rng.uniform(-1, 1, size=(8, n))
    first = noise[6]
    second = first + noise[7]
    columns = [first, second] * 3
    return {name: v + 0.3 * e for name, v, e in zip("abcdef", columns, noise[:6], strict=True)}


# --- recovery where the assumptions hold ----------------------------------------------------------


def test_rcd_draws_hidden_common_causes():
    truth = CausalGraph.parse("a <-> b; a -> c; b -> d")
    rng = np.random.default_rng(0)
    assert sum(RCD().fit(confounded(rng)).graph_ == truth for _ in range(3)) >= 2


def test_gin_finds_hidden_variables_and_their_order():
    gin = GIN().fit(indicators(np.random.default_rng(2)))
    assert gin.clusters_ == (("a", "c", "e"), ("b", "d", "f"))
    assert gin.latents_ == ("L1", "L2")
    assert gin.graph_.children("L1") == {"a", "c", "e", "L2"}
    assert gin.graph_.nodes == (*"abcdef", "L1", "L2")


def test_gin_keeps_clear_of_the_names_of_columns():
    data = indicators(np.random.default_rng(2))
    gin = GIN().fit({f"L{k}": column for k, column in enumerate(data.values())})
    assert gin.latents_ == ("LL1", "LL2")


def test_camuv_draws_hidden_common_causes():
    pytest.importorskip("pygam", reason="CAMUV smooths with pygam")
    rng = np.random.default_rng(0)
    x = rng.uniform(-2, 2, size=300)
    hidden = rng.normal(size=300)
    noise = rng.normal(size=(3, 300))
    data = {
        "x": x,
        "y": x**2 + 0.3 * noise[0],
        "v": hidden**2 + 0.3 * noise[1],
        "w": np.sin(2 * hidden) + 0.3 * noise[2],
    }
    expected = CausalGraph.parse("x -> y; v <-> w", kind="ADMG")
    assert CAMUV(max_explanatory=1).fit(data).graph_ == expected


def test_camuv_says_what_it_needs(monkeypatch):
    monkeypatch.setattr(external, "find_spec", lambda _: None)
    with pytest.raises(InputError, match="pip install pygam"):
        CAMUV().fit(confounded(np.random.default_rng(0)))


# --- laws of all ----------------------------------------------------------------------------------

ALGORITHMS = {
    "RCD": (RCD(), confounded),
    "GIN": (GIN(), indicators),
}

every_algorithm = pytest.mark.parametrize(
    ("algorithm", "simulate"), ALGORITHMS.values(), ids=ALGORITHMS.keys()
)


@every_algorithm
def test_leaves_no_trace_and_repeats_itself(algorithm, simulate, capfd):
    frame = pd.DataFrame(simulate(np.random.default_rng(4), 120))
    before = frame.copy()
    random.seed(7)
    np.random.seed(7)  # noqa: NPY002
    expected = random.random(), np.random.random()  # noqa: NPY002
    random.seed(7)
    np.random.seed(7)  # noqa: NPY002
    fitted = clone(algorithm).fit(frame)
    assert (random.random(), np.random.random()) == expected  # noqa: NPY002
    assert capfd.readouterr() == ("", "")
    assert "causallearn.search.ScoreBased.CALM" not in sys.modules  # sets torch's default dtype
    assert frame.equals(before)
    random.seed(8)
    again = clone(algorithm).fit(frame)
    assert again.graph_ == fitted.graph_
    assert pickle.loads(pickle.dumps(fitted)).graph_ == fitted.graph_


@every_algorithm
def test_columns_units_and_containers_do_not_matter(algorithm, simulate):
    rng = np.random.default_rng(4)
    frame = pd.DataFrame(simulate(rng, 120))
    graph = clone(algorithm).fit(frame).graph_
    shuffled = frame[rng.permutation(frame.columns)]
    permuted = clone(algorithm).fit(shuffled).graph_
    assert permuted == graph
    assert permuted.nodes[: frame.shape[1]] == tuple(shuffled.columns)
    units = 10.0 ** rng.integers(-9, 10, frame.shape[1])
    assert clone(algorithm).fit(frame * units).graph_ == graph
    assert clone(algorithm).fit(frame * 1e300).graph_ == graph
    assert clone(algorithm).fit(pl.from_pandas(frame)).graph_ == graph
    array = clone(algorithm).fit(frame.to_numpy()).graph_
    assert (array.ends == graph.ends).all()


@every_algorithm
def test_explains_honestly(algorithm, simulate):
    frame = pd.DataFrame(simulate(np.random.default_rng(4), 120))
    fitted = clone(algorithm).fit(frame)
    a, b = fitted.graph_.nodes[:2]
    said = fitted.explain(a, b)
    assert said.pair == (a, b)
    assert said.test is None
    assert f"causal-learn's {type(algorithm).__name__}; there is no record" in said.adjacency
    with pytest.raises(InputError, match="expected two variables"):
        fitted.explain(a, a)


@pytest.mark.parametrize("kind", [RCD, CAMUV, GIN])
def test_unknown_settings_are_refused(kind):
    with pytest.raises(TypeError, match=r"alhpa|takes no arguments"):
        kind(alhpa=0.2)


# Refused as it should be; the checks only want scikit-learn's own words for it.
OTHER_WORDS = {
    "check_complex_data": "complex numbers are refused, naming the column",
    "check_dtype_object": "cells that are no numbers are refused with InputError, not TypeError",
    "check_estimators_empty_data_messages": "a table without columns is refused",
    "check_estimator_sparse_tag": "sparse matrices are refused",
    "check_estimator_sparse_array": "sparse matrices are refused",
    "check_estimator_sparse_matrix": "sparse matrices are refused",
    "check_fit2d_1sample": "a single row is refused",
    "check_fit2d_1feature": "a single column is refused",
}


@pytest.mark.parametrize("algorithm", [RCD()], ids=["RCD"])
def test_scikit_learn_is_content(algorithm):
    checks = check_estimator(
        algorithm, expected_failed_checks=OTHER_WORDS, on_skip=None, on_fail=None
    )
    assert not [check for check in checks if check["status"] == "failed"]


@every_algorithm
def test_hostile_tables_are_refused(algorithm, simulate):
    frame = pd.DataFrame(simulate(np.random.default_rng(4), 60))
    a, b = frame.columns[:2]
    hostile = [
        (frame.assign(**{b: frame[b].where(frame.index != 3)}), InputError, "missing"),
        (frame.assign(**{a: 1.0}), InputError, "one value only"),
        (frame.assign(**{a: 2 * frame[b] + 1}), NumericalError, "linear combinations"),
        (frame.head(3), InputError, "rows"),
        (frame[[a]], InputError, "1 column"),
        (frame.assign(**{a: pd.Categorical(list("xyz") * 20)}), InputError, "3 levels"),
        (frame.assign(**{a: "text"}), InputError, "text"),
    ]
    for data, error, words in hostile:
        with pytest.raises(error, match=words):
            clone(algorithm).fit(data)


def test_more_columns_than_rows_are_refused():
    wide = np.random.default_rng(0).normal(size=(25, 30))
    with pytest.raises(InputError, match="25 row"):
        RCD().fit(wide)


@pytest.mark.parametrize(
    ("algorithm", "words"),
    [
        (RCD(alpha=2), "alpha=2"),
        (RCD(max_explanatory=0), "max_explanatory=0"),
        (CAMUV(alpha=0), "alpha=0"),
    ],
    ids=repr,
)
def test_settings_out_of_range_are_refused(algorithm, words):
    with pytest.raises(InputError, match=words):
        algorithm.fit(confounded(np.random.default_rng(0), 50))
