from __future__ import annotations

import numpy as np
import pytest

from causalkit._core.moments import Moments
from causalkit._core.table import as_table
from causalkit.errors import InputError
from causalkit.scores import BGe
from tests.oracles import scores


def standardised(rng, n, p):
    X = rng.normal(size=(n, p)) @ rng.normal(size=(p, p))
    return (X - X.mean(axis=0)) / X.std(axis=0)


@pytest.mark.parametrize(("n", "p"), [(50, 5), (4, 6), (300, 8)])
@pytest.mark.parametrize(("am", "aw"), [(1.0, None), (0.3, 14.5)])
def test_equals_the_published_formula_and_predicting_row_by_row(n, p, am, aw):
    rng = np.random.default_rng(n)
    X = standardised(rng, n, p)
    bound = BGe(am=am, aw=aw).bind(as_table(X))
    degrees = p + am + 1 if aw is None else aw
    for size in range(p):
        node, *rest = rng.permutation(p).tolist()
        parents = rest[:size]
        found = bound(node, parents)
        assert found == pytest.approx(scores.bge(X, node, parents, am, degrees), rel=1e-9)
        family = scores.bge_by_prediction(X, [*parents, node], am, degrees)
        given = scores.bge_by_prediction(X, parents, am, degrees) if parents else 0.0
        assert found == pytest.approx(family - given, rel=1e-8)


def test_moments_are_enough():
    X = np.random.default_rng(0).normal(size=(100, 4)) * [1, 10, 1e6, 1e-6]
    from_rows, from_moments = BGe().bind(as_table(X)), BGe().bind_moments(Moments.of(X))
    assert from_moments(0, [1, 3]) == pytest.approx(from_rows(0, [1, 3]), rel=1e-12)


def test_with_more_columns_than_rows_a_cause_still_stands_out():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 60))
    X[:, 0] = 2 * X[:, 1] + rng.normal(size=30)
    gains = BGe().bind(as_table(X)).gains(0, [], range(1, 60))
    assert gains.argmax() == 0
    assert gains[0] > 5


def test_settings_are_checked():
    X = np.random.default_rng(0).normal(size=(10, 3))
    with pytest.raises(InputError, match="am=0"):
        BGe(am=0).bind(as_table(X))
    with pytest.raises(InputError, match=r"expected more than 4"):
        BGe(aw=4).bind(as_table(X))
