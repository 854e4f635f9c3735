"""Answers of tests drawn again: their law, that each is computed once, and what is refused."""

from __future__ import annotations

import pickle
from collections import Counter
from dataclasses import dataclass, field
from math import erfc, sqrt
from threading import Lock

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest, norm
from sklearn.base import clone

from causalkit.discovery import FLOP, GFCI, PC, RFCI, Bootstrap, Knowledge
from causalkit.discovery.changing.cdnod import CDNOD
from causalkit.discovery.constraint.false_discovery import FalseDiscoveryControl
from causalkit.discovery.constraint.fci import FCI
from causalkit.discovery.resampling._perturbed import Questions
from causalkit.discovery.series.momentary.pcmci import PCMCI
from causalkit.errors import CausalkitWarning, InputError, NumericalError
from causalkit.graph import CausalGraph, dag_to_cpdag
from causalkit.independence import (
    KCI,
    BoundTest,
    CIResult,
    CITest,
    Clustered,
    FisherZ,
    GSquare,
    Oracle,
    TestwiseDeletion,
)

DAG = CausalGraph.parse("a -> c; b -> c; c -> d; a -> e; d -> e")


def rows(n=300, seed=0, weight=0.25):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, n))
    c = weight * a + 0.6 * b + rng.normal(size=n)
    d = 0.5 * c + rng.normal(size=n)
    e = 0.3 * d - weight * a + rng.normal(size=n)
    return pd.DataFrame({"a": a, "b": b, "c": c, "d": d, "e": e})


class Bound(BoundTest):
    """Answers of a function, counted."""

    def __init__(self, answer, counts):
        self.answer, self.counts, self.lock = answer, counts, Lock()

    def __call__(self, i, j, given=()):
        with self.lock:
            self.counts[frozenset((i, j)), frozenset(given)] += 1
        return self.answer(i, j, given)


@dataclass(frozen=True)
class Counted(CITest):
    """A test by a function of the bound test `inner`, whose questions are counted."""

    inner: CITest = field(default_factory=FisherZ)
    answer: object = None
    counts: Counter = field(default_factory=Counter)

    def bind(self, table):
        inner = self.inner.bind(table)
        return Bound(self.answer or inner, self.counts)

    def __deepcopy__(self, memo):
        return self


def always(p_value):
    """The same answer to every question."""
    return lambda *question: CIResult(1.0, p_value, 300)  # noqa: ARG005


# --- the law -------------------------------------------------------------------------------------


def test_a_replicate_hears_the_statistic_with_noise():
    table = rows()
    p_value = FisherZ().test(table, "a", "c", given="b").p_value
    asked = Questions(Bound(always(p_value), Counter()), 600, 1)
    heard = [asked.drawn(0, 2, (1,), which) for which in range(600)]
    assert all(r.p_value == erfc(r.statistic / sqrt(2)) and r.n_used == 300 for r in heard)
    z = np.array([r.statistic for r in heard])
    centre = norm.isf(p_value / 2)
    folded = lambda x: norm.cdf(x - centre) - norm.cdf(-x - centre)  # noqa: E731 -- |N(z, 1)|
    assert kstest(z, folded).pvalue > 0.001
    assert asked.answer(0, 2, (1,)).p_value == p_value


def test_one_question_has_one_answer_and_two_have_two():
    asked = Questions(Bound(always(0.5), Counter()), 3000, 7)
    same = [(0, 3, (1, 2)), (3, 0, (2, 1)), (0, 3, [np.int64(2), 1])]
    assert len({asked.drawn(*question, 5) for question in same}) == 1
    others = [(0, 3, (1, 2)), (0, 3, ()), (0, 3, (1,)), (0, 1, ()), (0, 1, (0,)), (1, 2, (0, 3))]
    noise = np.array(
        [asked._noise_of((i, j, tuple(given))) for i, j, given in others]
    )  # one row a question
    assert np.abs(np.corrcoef(noise) - np.eye(len(others))).max() < 4.5 / sqrt(3000)
    again = Questions(asked.bound, 30, 7)._noise_of((0, 3, (1, 2)))
    assert (again == noise[0][:30]).all()  # fewer replicates, or an empty cache: the same noise


def test_shares_of_p_one_are_those_of_noise_alone():
    """With z = 0 a test at alpha rejects in a share alpha of the replicates, unlike "rows"."""
    boot = Bootstrap(
        PC(Counted(answer=always(1.0)), alpha=0.3), 200, resample="tests", random_state=2
    )
    share = boot.fit(rows()[["a", "b"]]).frequencies_.of("a", "b")["--"]
    assert abs(share - 0.3) < 4 * sqrt(0.3 * 0.7 / 200)


@pytest.mark.parametrize("weight", [0.0, 0.12])
def test_shares_of_a_pair_are_those_of_the_normal_distribution(weight):
    """Two variables and one test: the closed form, P(|N(z, 1)| > the critical value)."""
    table = rows(weight=weight)[["a", "c"]]
    boot = Bootstrap(PC(alpha=0.05), 250, resample="tests", random_state=0).fit(table)
    z = norm.isf(FisherZ().test(table, "a", "c").p_value / 2)
    cut = norm.isf(0.025)
    expected = norm.sf(cut - z) + norm.cdf(-cut - z)
    share = boot.frequencies_.of("a", "c")["--"]
    assert abs(share - expected) < 4 * sqrt(expected * (1 - expected) / 250)


def test_what_is_decided_stays_decided():
    table = rows()[["a", "b", "c"]]
    for p_value in (0.0, float("nan")):
        boot = Bootstrap(
            PC(Counted(answer=always(p_value))), 20, resample="tests", random_state=0
        ).fit(table)
        assert set(boot.replicates_) == {boot.algorithm_.graph_}
        assert len(boot.graph_.edges()) == 3


@pytest.mark.parametrize("search", [PC, FCI, RFCI])
def test_with_an_oracle_every_replicate_is_the_truth(search):
    algorithm = search(Oracle(DAG))
    boot = Bootstrap(algorithm, 5, resample="tests", random_state=0).fit(rows())
    assert set(boot.replicates_) == {clone(algorithm).fit(rows()).graph_}
    if search is PC:
        assert boot.graph_ == dag_to_cpdag(DAG)


def test_edges_come_back_about_as_often_as_with_gaussian_matrices():
    """On correlations the two differ in the dependence between questions only."""
    table, shares = rows(400), {}
    for resample in ("gaussian", "tests"):
        boot = Bootstrap(PC(), 100, resample=resample, random_state=0).fit(table)
        shares[resample] = boot.replicates_.joined()
    error = sqrt(2 * 0.25 / 100)
    assert np.abs(shares["tests"] - shares["gaussian"]).max() < 3 * error


# --- each is computed once -----------------------------------------------------------------------


@pytest.mark.parametrize("n_jobs", [None, 3])
def test_each_question_is_computed_once(n_jobs):
    counted, table = Counted(), rows()
    plain = Bootstrap(PC(), 15, resample="tests", random_state=0).fit(table)
    algorithm = PC(counted, collider_rule="majority", n_jobs=n_jobs)
    boot = Bootstrap(algorithm, 15, resample="tests", n_jobs=n_jobs, random_state=0).fit(table)
    assert set(counted.counts.values()) == {1}
    assert boot.algorithm_.test is counted
    assert boot.algorithm_.graph_ == PC(collider_rule="majority").fit(table).graph_
    same = clone(boot).set_params(algorithm=PC(Counted())).fit(table)
    assert list(same.replicates_) == list(plain.replicates_)  # compiled or not


def test_a_kernel_test_costs_a_few_searches():
    table = rows(80)[["a", "b", "c"]]
    counted = Counted(KCI())
    boot = Bootstrap(PC(counted), 25, resample="tests", random_state=0).fit(table)
    assert len(counted.counts) <= 6  # three pairs, given nothing or the third
    assert boot.algorithm_.graph_ == PC(KCI()).fit(table).graph_
    assert len(set(boot.replicates_)) > 1


def test_a_set_that_cannot_be_tested_is_asked_once():
    def answer(i, j, given=()):
        if given:
            raise NumericalError("the set determines a variable.")
        return CIResult(1.0, 0.04, 50)

    counted = Counted(answer=answer)
    boot = Bootstrap(PC(counted), 40, resample="tests", random_state=0).fit(rows())
    assert set(counted.counts.values()) == {1}
    assert boot.failures_ == {}
    assert boot.algorithm_.n_untestable_ > 0


def test_a_test_that_fails_fails_once_for_all():
    def answer(i, j, given=()):
        raise ValueError("no memory.")

    questions = Questions(Bound(answer, Counter()), 3, 0)
    for which in range(2):
        with pytest.raises(ValueError, match="no memory"):
            questions.drawn(0, 1, (), which)
    assert sum(questions.bound.counts.values()) == 1
    assert len(pickle.loads(pickle.dumps(Questions(FisherZ(), 3, 0)))) == 0


# --- settings ------------------------------------------------------------------------------------


def test_knowledge_is_obeyed_in_every_replicate():
    known = Knowledge(required=[("a", "b")], forbidden=[("c", "d"), ("d", "c")])
    boot = Bootstrap(PC(knowledge=known), 20, resample="tests", random_state=0)
    with pytest.warns(CausalkitWarning):
        boot.fit(rows())
    assert boot.frequencies_.of("a", "b") == {"->": 1.0, "none": 0.0}
    assert boot.frequencies_.of("c", "d")["none"] == 1.0


@pytest.mark.parametrize("test", [TestwiseDeletion(), Clustered(FisherZ(), "e")])
def test_settings_around_a_test_stay_as_they_are(test):
    table = rows().assign(e=np.repeat(np.arange(30), 10))
    if isinstance(test, TestwiseDeletion):
        table = table.mask(np.random.default_rng(1).random(table.shape) < 0.1)
    boot = Bootstrap(PC(test), 10, resample="tests", random_state=0).fit(table)
    assert boot.graph_.nodes == test.nodes(tuple(table.columns))
    assert boot.algorithm_.graph_ == PC(test).fit(table).graph_


def test_false_discovery_control_hears_it_too():
    boot = Bootstrap(FalseDiscoveryControl(PC()), 10, resample="tests", random_state=0)
    boot.fit(rows())
    assert boot.algorithm_.algorithm.test is boot.algorithm_.algorithm_.test is None
    assert boot.failures_ == {}


def test_it_travels_and_explains():
    table = (rows() > 0).astype(float)
    for test in (GSquare(), Counted()):
        boot = Bootstrap(PC(test), 8, resample="tests", random_state=0).fit(table)
        assert "of 8 replicates" in boot.explain("c", "d").adjacency
    back = pickle.loads(pickle.dumps(Bootstrap(PC(KCI()), 4, resample="tests").fit(rows(60))))
    assert back.explain("c", "d").test is not None


@pytest.mark.parametrize(
    "search", [FLOP(), GFCI(), CDNOD(domain="e"), PCMCI(), FalseDiscoveryControl(GFCI())]
)
def test_a_search_that_does_not_decide_by_tests_is_refused(search):
    with pytest.raises(InputError, match="expected PC, FCI or RFCI"):
        Bootstrap(search, 3, resample="tests").fit(rows(40).assign(e=[1, 2] * 20))


@pytest.mark.parametrize("setting", [{"clusters": "e"}, {"strata": "e"}, {"block_length": 3}])
def test_settings_of_rows_are_refused(setting):
    table = rows(40).assign(e=[1, 2] * 20)
    with pytest.raises(InputError, match="draws no rows"):
        Bootstrap(PC(), 3, resample="tests", **setting).fit(table)


def test_rows_that_nobody_holds_are_refused(tmp_path):
    rows(40).to_parquet(tmp_path / "rows.parquet")
    with pytest.raises(InputError, match="never held"):
        Bootstrap(PC(), 3, resample="tests").fit(tmp_path / "rows.parquet")
