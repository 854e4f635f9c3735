"""The paired rule of PC against the same in plain words, one question after the other."""

from __future__ import annotations

from math import log

import numpy as np
import pandas as pd
import pytest

from causalkit.discovery import PC
from causalkit.discovery.constraint._orientation import COLLIDER, NOT_COLLIDER
from causalkit.discovery.constraint._paired import compare_pairs
from causalkit.discovery.constraint._skeleton import Clock
from causalkit.errors import NumericalError
from causalkit.independence import FisherZ, GSquare
from causalkit.independence.base import BoundTest
from tests.oracles.discovery import linear_data, random_dag
from tests.oracles.discrete import categories


def gaussian_frame(seed):
    rng = np.random.default_rng(seed)
    values = linear_data(rng, random_dag(rng, 10, 16), 120)
    return pd.DataFrame(values, columns=[f"v{k}" for k in range(values.shape[1])])


def discrete_frame(seed):
    rng = np.random.default_rng(seed)
    codes = categories(rng, 400, rng.choice([2, 3], 8))
    codes = np.column_stack([codes, codes[:, 0] | (codes[:, 1] > 0)])  # some sets are untestable
    return pd.DataFrame(codes, columns=[*"abcdefghi"])


def in_words(test, frame, first, a, k, b):
    """Verdict and clarity of one triple."""
    given = set(first.given)
    other = given ^ {k}
    try:
        p_other = test.test(frame, a, b, given=sorted(other)).p_value
    except NumericalError:
        p_other = 0.0
    deciding = other if p_other > first.p_value else given
    logs = [log(max(p, 1e-300)) for p in (first.p_value, p_other)]
    verdict = NOT_COLLIDER if k in deciding else COLLIDER
    return verdict, abs(logs[0] - logs[1]) / (1 + len(given))


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(
    ("test", "frame_of"), [(FisherZ(), gaussian_frame), (GSquare(), discrete_frame)]
)
def test_verdicts_and_their_order(test, frame_of, seed):
    frame = frame_of(seed)
    pc = PC(test, alpha=0.05).fit(frame)
    statements = pc.trace_.judged.statements
    names = pc.trace_.names
    clarity = []
    for (a, k, b), verdict in zip(statements.triples.tolist(), statements.verdict, strict=True):
        first = pc.separators_[names[a], names[b]]
        wanted, clear = in_words(test, frame, first, names[a], names[k], names[b])
        assert verdict == wanted
        clarity.append(clear)
    assert (np.diff(clarity) <= 1e-6 * (1 + np.abs(clarity[1:]))).all()


def test_a_turned_verdict_names_the_set_that_decided():
    turned = 0
    for seed in range(40):
        pc = PC(alpha=0.05).fit(gaussian_frame(seed))
        judged = pc.trace_.judged
        for row, (_, k, _) in enumerate(judged.statements.triples.tolist()):
            evidence = judged.evidence(row)
            assert (k in evidence.given) == (judged.statements.verdict[row] == NOT_COLLIDER)
            assert evidence.result.p_value == judged.statements.p_value[row] > 0.05
        turned += len(judged.turned.triples)
    assert turned > 5


def test_no_set_is_larger_than_max_order():
    frame = gaussian_frame(3)
    pc = PC(alpha=0.05, max_order=0).fit(frame)
    assert pc.graph_ == PC(alpha=0.05, max_order=0, collider_rule="standard").fit(frame).graph_
    assert pc.n_tests_ == len(frame.columns) * (len(frame.columns) - 1) // 2


@pytest.mark.parametrize("frame_of", [gaussian_frame, discrete_frame])
def test_jobs_and_the_order_of_columns_do_not_matter(frame_of):
    test = FisherZ() if frame_of is gaussian_frame else GSquare()
    for seed in range(4):
        frame = frame_of(seed)
        pc = PC(test).fit(frame)
        assert PC(test, n_jobs=2).fit(frame).graph_ == pc.graph_
        turned = PC(test).fit(frame[frame.columns[::-1]]).graph_
        assert turned.reordered(pc.graph_.nodes) == pc.graph_


def test_nearer_to_the_truth_than_by_p_values_alone():
    """What the rule is for: on the same tables, fewer wrong edges in all."""
    from causalkit.graph import dag_to_cpdag
    from causalkit.graph.generate import random_dag as large_dag
    from tests.oracles.discovery import structural_distance

    wrong = {"paired": 0, "standard": 0}
    for seed in range(6):
        rng = np.random.default_rng(seed)
        dag = large_dag(40, expected_degree=3.0, rng=rng)
        values = linear_data(rng, dag, 1000)
        frame = pd.DataFrame(values, columns=list(dag.nodes))
        for rule in wrong:
            found = PC(alpha=0.01, collider_rule=rule).fit(frame).graph_
            wrong[rule] += structural_distance(found, dag_to_cpdag(dag))
    assert wrong["paired"] < wrong["standard"]


class Slow(BoundTest):
    """A test whose compiled answers are hidden."""

    def __init__(self, bound):
        self.bound = bound

    def __call__(self, i, j, given=()):
        return self.bound(i, j, given)


@pytest.mark.parametrize("is_up", [False, True])
def test_when_the_time_is_up_verdicts_stay(is_up):
    frame = gaussian_frame(5)
    found = PC(alpha=0.05, collider_rule="standard").fit(frame).trace_.judged
    said, record = found.statements, found.found.record
    verdict, p_value, clarity = said.verdict.copy(), said.p_value.copy(), np.zeros(len(said))
    others = np.full((len(said), record.widest + 1), -1)
    for row, (a, k, b) in enumerate(said.triples.tolist()):
        other = {k}.symmetric_difference(found.found.separators[a, b].given)
        others[row, : len(other)] = sorted(other)
    before = found.found.n_tests
    turned = compare_pairs(
        Slow(record.bound),
        found.found,
        (said.triples, verdict, p_value, others, clarity),
        max_order=None,
        n_jobs=None,
        clock=Clock(1.0 if is_up else None, 0.0),
    )
    assert (clarity > 0).any() != is_up
    assert (verdict != said.verdict).sum() == len(turned.triples)
    assert found.found.n_tests - before == (0 if is_up else len(said))
    if is_up:
        assert not len(turned.triples)
    else:
        answers = PC(alpha=0.05).fit(frame).trace_.judged
        assert len(answers.turned.triples) == len(turned.triples) > 0
