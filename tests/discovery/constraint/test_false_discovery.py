"""False discovery rates of skeletons: the step-up rule, and what it promises."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control
from sklearn.base import clone

from causalkit.discovery import PC, Knowledge
from causalkit.discovery.constraint.false_discovery import (
    FalseDiscoveryControl,
    edge_p_values,
    n_within,
)
from causalkit.discovery.constraint.fci import FCI
from causalkit.discovery.local.local_pc import LocalPC
from causalkit.discovery.search.exact import ExactSearch
from causalkit.errors import InputError, KnowledgeWarning
from causalkit.independence import GSquare
from tests.discovery.resampling.test_stability import frame
from tests.oracles import resampling as slow


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(0, 1), max_size=12), st.floats(0.01, 0.9), st.integers(0, 9))
def test_the_step_up_rule_is_that_of_benjamini_and_hochberg(p_values, rate, more):
    m = max(len(p_values) + more, 1)
    k = n_within(np.array(p_values), rate / m)
    assert k == slow.benjamini_hochberg(p_values, rate / m * m, m)
    adjusted = false_discovery_control([*p_values, *[1.0] * (m - len(p_values))])
    near = np.isclose(adjusted, rate, rtol=1e-9)
    if not near.any():
        assert k == (adjusted <= rate).sum()


@pytest.mark.parametrize("algorithm", [PC(), FCI(), PC(collider_rule="majority")], ids=str)
@pytest.mark.parametrize("method", ["BH", "BY"])
@pytest.mark.parametrize("seed", range(4))
def test_all_edges_meet_the_bound_of_their_own_number(algorithm, method, seed):
    data, _ = frame(seed, n=120, p=9)
    search = FalseDiscoveryControl(algorithm, rate=0.1, method=method).fit(data)
    k = len(search.graph_.edges())
    price = sum(1 / m for m in range(1, 37)) if method == "BY" else 1
    assert search.n_hypotheses_ == 36
    assert len(search.p_values_) == k
    assert all(p <= 0.1 * k / 36 / price * (1 + 1e-9) for p in search.p_values_.values())
    same = clone(algorithm).set_params(alpha=search.alpha_).fit(data)
    assert same.graph_ == search.graph_
    assert search.explain("v0", "v1").edge == same.explain("v0", "v1").edge


def test_by_keeps_no_more_than_bh_and_columns_may_come_in_any_order():
    data, _ = frame(1, n=100, p=10)
    bh = FalseDiscoveryControl(PC(), rate=0.2).fit(data)
    by = FalseDiscoveryControl(PC(), rate=0.2, method="BY").fit(data)
    assert by.alpha_ < bh.alpha_
    assert FalseDiscoveryControl(PC(), rate=0.2).fit(data[data.columns[::-1]]).graph_ == bh.graph_


def test_p_values_are_the_largest_of_all_tests_that_were_made():
    data, _ = frame(3, n=200, p=5, degree=3.0)
    pc = PC(alpha=0.2).fit(data)
    told = pc.trace_.to_frame()
    for pair, p in edge_p_values(pc).items():
        row = told[[{a, b} == pair for a, b in zip(told["a"], told["b"], strict=True)]]
        assert p == pytest.approx(row["p_value"].item())
        assert p <= 0.2


def test_required_and_forbidden_pairs_are_no_hypotheses():
    data, _ = frame(2, p=5)
    knowledge = Knowledge(required=[("v0", "v1")], forbidden=[("v2", "v3"), ("v3", "v2")])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", KnowledgeWarning)
        search = FalseDiscoveryControl(PC(knowledge=knowledge)).fit(data)
    assert search.n_hypotheses_ == 8
    assert frozenset(("v0", "v1")) not in search.p_values_
    assert search.graph_.edges_between("v0", "v1")


def test_only_the_last_search_is_heard_and_its_conflicts_are_listed(monkeypatch):
    data, _ = frame(2, n=200, p=8, degree=2.0)
    fitted = []
    learn = PC._fit

    def fit(search, table):
        learn(search, table)
        fitted.append(search.alpha)
        warnings.warn(f"search {len(fitted)}", KnowledgeWarning, stacklevel=2)

    monkeypatch.setattr(PC, "_fit", fit)
    with pytest.warns(KnowledgeWarning) as heard:
        search = FalseDiscoveryControl(PC(), rate=0.1).fit(data)
    assert len(fitted) > 1
    assert [str(warning.message) for warning in heard] == [f"search {len(fitted)}"]
    assert search.conflicts_ == search.algorithm_.conflicts_


def test_what_has_no_tests_is_refused():
    data, _ = frame(0)
    for settings_ in (
        {"algorithm": ExactSearch()},
        {"algorithm": PC},
        {"rate": 0},
        {"method": "B"},
    ):
        with pytest.raises(InputError):
            FalseDiscoveryControl(PC()).set_params(**settings_).fit(data)
    with pytest.raises(InputError, match="no record"):
        edge_p_values(ExactSearch().fit(data))
    assert FalseDiscoveryControl(PC(GSquare())).fit((data > 0).astype(float)).p_values_


@pytest.mark.slow
@pytest.mark.parametrize("degree", [0.0, 1.5])
def test_the_realised_rate_is_no_larger_than_the_nominal_one(degree):
    """200 tables, strong edges, so that no true edge is cut before it can separate others."""
    rates = []
    for seed in range(200):
        data, dag = frame(seed, n=2000, p=15, degree=degree)
        found = FalseDiscoveryControl(PC(), rate=0.1).fit(data).graph_
        n_false = slow.skeletons_differ(found, dag)
        rates.append(n_false / max(len(found.edges()), 1))
    assert np.mean(rates) <= 0.1 + 2 * np.std(rates) / np.sqrt(200)


def test_searches_without_a_record_of_all_pairs_are_not_supported():
    with pytest.raises(InputError, match="does not support LocalPC"):
        FalseDiscoveryControl(LocalPC("x2")).fit(np.random.default_rng(0).normal(size=(60, 3)))
