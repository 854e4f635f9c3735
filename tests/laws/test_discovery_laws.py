"""Laws of all discovery algorithms. A new algorithm is added to ALGORITHMS and must obey them."""

from __future__ import annotations

import pickle
from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib import parallel_config
from sklearn.base import clone
from sklearn.utils.estimator_checks import check_estimator

from causalkit.discovery import PC
from causalkit.discovery.constraint.fci import FCI, RFCI
from causalkit.graph import CausalGraph
from tests.oracles.discovery import linear_data, random_dag

ALGORITHMS = {
    f"PC-{rule}": PC(alpha=0.1, collider_rule=rule)
    for rule in ("paired", "standard", "conservative", "majority", "max-p")
} | {
    "FCI": FCI(alpha=0.1),
    "FCI-majority": FCI(alpha=0.1, collider_rule="majority", selection_bias=True),
    "RFCI": RFCI(alpha=0.1),
}

every_algorithm = pytest.mark.parametrize("algorithm", ALGORITHMS.values(), ids=ALGORITHMS.keys())


def noisy_frame(seed: int) -> pd.DataFrame:
    """Few rows and many weak edges, so that the answers contradict each other."""
    rng = np.random.default_rng(seed)
    dag = random_dag(rng, max_nodes=8, max_edges=16)
    values = linear_data(rng, dag, 80)
    values += 0.5 * rng.normal(size=values.shape)
    return pd.DataFrame(values, columns=[f"v{k}" for k in rng.permutation(values.shape[1])])


def learn(algorithm, data) -> CausalGraph:
    return clone(algorithm).fit(data).graph_


@every_algorithm
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_order_of_columns_does_not_matter(algorithm, seed):
    frame = noisy_frame(seed)
    shuffled = frame[np.random.default_rng(seed).permutation(frame.columns)]
    one, other = clone(algorithm).fit(frame), clone(algorithm).fit(shuffled)
    assert one.graph_ == other.graph_
    assert other.graph_.nodes == tuple(shuffled.columns)
    assert one.n_tests_ == other.n_tests_
    assert one.conflicts_ == other.conflicts_


@every_algorithm
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_neither_do_the_names(algorithm, seed):
    frame = noisy_frame(seed)
    renamed = np.random.default_rng(seed).permutation(list("abcdefgh")[: frame.shape[1]]).tolist()
    one, other = learn(algorithm, frame), learn(algorithm, frame.set_axis(renamed, axis=1))
    assert (one.ends == other.ends).all()


@every_algorithm
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_units_do_not_matter(algorithm, seed):
    frame, rng = noisy_frame(seed), np.random.default_rng(seed)
    units = rng.choice([-1.0, 1.0], frame.shape[1]) * 10.0 ** rng.integers(-6, 7, frame.shape[1])
    assert learn(algorithm, frame * units) == learn(algorithm, frame)


@every_algorithm
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_order_of_rows_does_not_matter(algorithm, seed):
    frame = noisy_frame(seed)
    assert learn(algorithm, frame.sample(frac=1.0, random_state=seed)) == learn(algorithm, frame)


@every_algorithm
def test_containers_agree_and_stay_untouched(algorithm):
    frame = noisy_frame(3)
    values = frame.to_numpy(copy=True)
    values.flags.writeable = False
    graph = learn(algorithm, frame)
    containers = [pl.from_pandas(frame), pa.Table.from_pandas(frame), frame.to_dict("list")]
    for data in containers:
        assert learn(algorithm, data) == graph
    assert (learn(algorithm, values).ends == graph.ends).all()
    assert (frame.to_numpy() == values).all()


@every_algorithm
def test_n_jobs_does_not_matter(algorithm):
    frame = noisy_frame(5)
    serial = clone(algorithm).fit(frame)
    with parallel_config("threading"):
        parallel = clone(algorithm).set_params(n_jobs=2).fit(frame)
    assert parallel.graph_ == serial.graph_
    assert parallel.n_tests_ == serial.n_tests_
    assert dict(parallel.separators_) == dict(serial.separators_)


@pytest.mark.slow
def test_processes_agree_with_one_process():
    frame = noisy_frame(5)
    assert PC(n_jobs=2).fit(frame).graph_ == PC().fit(frame).graph_


@every_algorithm
def test_is_a_well_behaved_estimator(algorithm):
    twin = clone(algorithm)
    assert twin.get_params() == algorithm.get_params()
    frame = noisy_frame(2)
    fitted = clone(algorithm)
    assert fitted.fit(frame) is fitted
    assert fitted.n_features_in_ == frame.shape[1]
    assert list(fitted.feature_names_in_) == list(frame.columns)
    fitted.fit(frame.to_numpy())
    assert not hasattr(fitted, "feature_names_in_")
    again = pickle.loads(pickle.dumps(fitted))
    assert again.graph_ == fitted.graph_
    assert again.explain("x0", "x1").edge == fitted.explain("x0", "x1").edge


# Everything is refused as it should be; the checks only want scikit-learn's own words for it.
OTHER_WORDS = {
    "check_complex_data": "complex numbers are refused, naming the column",
    "check_dtype_object": "cells that are no numbers are refused with InputError, not TypeError",
    "check_estimators_empty_data_messages": "a table without columns is refused",
    "check_estimator_sparse_tag": "sparse matrices are refused",
    "check_estimator_sparse_array": "sparse matrices are refused",
    "check_estimator_sparse_matrix": "sparse matrices are refused",
    "check_fit2d_1sample": "a single row is refused",
}


@pytest.mark.parametrize("algorithm", [PC(), FCI(), RFCI()], ids=["PC", "FCI", "RFCI"])
def test_scikit_learn_is_content(algorithm):
    checks = check_estimator(
        algorithm, expected_failed_checks=OTHER_WORDS, on_skip=None, on_fail=None
    )
    report = [SimpleNamespace(**check) for check in checks]
    failed = {check.check_name: check.exception for check in report if check.status == "failed"}
    assert not failed
