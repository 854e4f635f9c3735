"""Natural effects: derivative of the mediation formula, linear products, what is forgiven."""

from __future__ import annotations

import itertools
import warnings
from contextvars import Context

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, LogisticRegression

from causalkit.errors import InputError, NuisanceWarning, OverlapWarning
from causalkit.estimation import AIPW, Bootstrap, PlugIn
from causalkit.estimation.nuisances.quality import unassessed
from causalkit.estimation.orthogonal.natural_effects import NaturalEffects
from causalkit.identification import identify_mediation


@pytest.fixture(autouse=True)
def _unassessed():
    """Most tests are of arithmetic, with learners as they come."""
    with unassessed():
        yield


SHAPE = (2, 2, 3, 2)  # x, t, m, y
CELLS = np.array(list(itertools.product(*map(range, SHAPE))))


class Discrete:
    """A distribution of (x, t, m, y), and everything that follows from it by summing."""

    def __init__(self, p):
        self.p = p
        self.m_given = p.sum(3) / p.sum((2, 3))[:, :, None]  # x, t, m
        self.t_given = p.sum((2, 3)) / p.sum((1, 2, 3))[:, None]  # x, t
        self.t_given_m = np.moveaxis(p.sum(3) / p.sum((1, 3))[:, None, :], 1, 2)  # x, m, t
        self.outcome = p[..., 1] / p.sum(3)  # x, t, m
        self.outcome_alone = p[..., 1].sum(2) / p.sum((2, 3))  # x, t

    def mean(self, a, b):
        """E[Y(a, M(b))] by the mediation formula."""
        return np.einsum("x,xm,xm->", self.p.sum((1, 2, 3)), self.m_given[:, b], self.outcome[:, a])

    def effects(self, crossed):
        middle = self.mean(*crossed)
        parts = [middle - self.mean(0, 0), self.mean(1, 1) - middle]
        return np.array([sum(parts), *(parts if crossed == (1, 0) else parts[::-1])])


KINDS = ("outcome", "treatment", "odds", "nested", "alone")


def some_distribution(rng):
    return Discrete(rng.dirichlet(np.full(np.prod(SHAPE), 3.0)).reshape(SHAPE))


def answer(truth, source, direct_at="control"):
    """Fit with each kind of nuisance from a distribution of its own."""
    x, t, m, y = CELLS.T
    a, b = (1, 0) if direct_at == "control" else (0, 1)
    supplied = {
        "treatment": source["treatment"].t_given[x],
        "treatment given mediators": source["odds"].t_given_m[x, m],
        "outcome given mediators": source["outcome"].outcome[x, a, m],
        "nested": (source["nested"].m_given[:, b] * source["outcome"].outcome[:, a]).sum(1)[x],
        "outcome 0": source["alone"].outcome_alone[x, 0],
        "outcome 1": source["alone"].outcome_alone[x, 1],
    }
    natural = NaturalEffects(clip=1e-9, direct_at=direct_at, random_state=0)
    return natural.fit(
        x[:, None],
        y,
        t=t,
        mediators=pd.DataFrame({"m": pd.Series(m).astype("category")}),
        sample_weight=truth.p.ravel(),
        supplied=supplied,
    ).effect_


@pytest.mark.parametrize(("direct_at", "crossed"), [("control", (1, 0)), ("treated", (0, 1))])
def test_the_influence_is_the_derivative_of_the_formula(rng, direct_at, crossed):
    truth = some_distribution(rng)
    effects = answer(truth, dict.fromkeys(KINDS, truth), direct_at)
    assert_allclose([e.value for e in effects], truth.effects(crossed), rtol=1e-10)
    scores = np.array([e.influence / (len(CELLS) * truth.p.ravel()) for e in effects])
    step = 1e-6
    for cell in (0, 7, 10, 17, 23):
        point = np.zeros(len(CELLS))
        point[cell] = 1
        moved = [
            Discrete((1 - e) * truth.p + e * point.reshape(SHAPE)).effects(crossed)
            for e in (-step, step)
        ]
        assert_allclose((moved[1] - moved[0]) / (2 * step), scores[:, cell], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("wrong", "forgiven"),
    [
        ("odds treatment", True),
        ("odds nested", True),
        ("outcome nested alone", True),
        ("outcome odds", False),
        ("outcome treatment", False),
        ("treatment nested", False),
    ],
)
def test_what_wrong_nuisances_do(rng, wrong, forgiven):
    truth = some_distribution(rng)
    source = {kind: some_distribution(rng) if kind in wrong else truth for kind in KINDS}
    found = answer(truth, source)["direct"].value
    error = abs(found - truth.effects((1, 0))[1])
    assert error < 1e-10 if forgiven else error > 1e-4


def linear(n, rng):
    """Two mediators; direct effect 1, indirect 0.8·1 − 0.4·0.5 = 0.6."""
    X = rng.normal(size=(n, 2))
    t = (rng.random(n) < 1 / (1 + np.exp(-0.5 * X[:, 0]))).astype(float)
    M = np.outer(t, [0.8, -0.4]) + X + rng.normal(size=(n, 2))
    y = t + M @ [1.0, 0.5] + X[:, 0] + rng.normal(size=n)
    return X, M, t, y


def test_linear_effects_are_products_of_coefficients(rng):
    X, M, t, y = linear(1500, rng)
    natural = NaturalEffects(LinearRegression(), LogisticRegression(), random_state=0)
    effects = natural.fit(X, y, t=t, mediators=M).effect_
    for label, truth in (("total", 1.6), ("direct", 1.0), ("indirect", 0.6)):
        assert abs(effects[label].value - truth) < 4 * effects[label].std_error < 0.6
    total, direct, indirect = effects
    assert_allclose(total.value, direct.value + indirect.value, rtol=1e-12)
    assert_allclose(total.influence, direct.influence + indirect.influence, atol=1e-9)
    aipw = AIPW(LinearRegression(), LogisticRegression(), random_state=0)
    assert_allclose(total.value, aipw.fit(X, y, t=t).effect_.value, atol=0.02)
    # An effect of the set answers for itself, with the same fits.
    again = direct.estimator.fit(X, y, t=t, mediators=M).effect_
    assert again.value == direct.value
    assert "natural direct effect" in again.method


def test_it_agrees_with_the_formula_on_frequencies(rng):
    n = 4000
    x = rng.integers(2, size=n)
    t = (rng.random(n) < 0.3 + 0.3 * x).astype(int)
    m = (rng.random(n) < 0.2 + 0.4 * t + 0.2 * x).astype(int)
    y = (rng.random(n) < 0.1 + 0.2 * t + 0.3 * m + 0.2 * x + 0.1 * t * m).astype(int)
    data = pd.DataFrame({"X": x, "T": t, "M": m, "Y": y})
    graph = "X -> T -> M -> Y; T -> Y; X -> M; X -> Y"
    natural = NaturalEffects(LinearRegression(), LogisticRegression(), random_state=0)
    # The formula's indirect effect is that at Y(0, ·): the direct one is then that at the treated.
    for part, direct_at in (("direct", "control"), ("indirect", "treated")):
        natural.set_params(part=part, direct_at=direct_at)
        effect = natural.fit(data[["X"]], data["Y"], t=data["T"], mediators=data["M"]).effect_
        formula = identify_mediation(graph, "T", "Y", "M", effect=f"natural {part}")
        exact = formula.estimate(data, PlugIn())
        assert abs(effect.value - exact.value) < 0.2 * exact.std_error
        assert_allclose(effect.std_error, exact.std_error, rtol=0.1)


def test_repeats_clusters_jobs_and_the_bootstrap(rng):
    X, M, t, y = linear(300, rng)
    natural = NaturalEffects(LinearRegression(), LogisticRegression(), n_folds=2, random_state=0)
    groups = rng.integers(40, size=300)
    several = clone(natural).set_params(n_repeats=3)
    one = several.fit(X, y, t=t, mediators=M, groups=groups).effect_
    with parallel_config(backend="threading"):
        two = several.set_params(n_jobs=2).fit(X, y, t=t, mediators=M, groups=groups).effect_
    assert [e.std_error for e in one] == [e.std_error for e in two]
    assert len(one["direct"].details["repeats"]) == 3
    plain = natural.fit(X, y, t=t, mediators=M).effect_["indirect"]
    boot = natural.set_params(inference=Bootstrap(10, random_state=0), part="indirect")
    assert_allclose(boot.fit(X, y, t=t, mediators=M).effect_.std_error, plain.std_error, rtol=0.5)


def test_what_it_refuses(rng):
    X, M, t, y = linear(100, rng)
    natural = NaturalEffects(LinearRegression(), LogisticRegression(), random_state=0)
    refused = [
        (natural, t, {}, "no mediators"),
        (natural, X[:, 0], {"mediators": M}, "cut a continuous treatment"),
        (clone(natural).set_params(part="half"), t, {"mediators": M}, "part"),
        (clone(natural).set_params(direct_at="both"), t, {"mediators": M}, "direct_at"),
        (clone(natural).set_params(contrast="each"), t, {"mediators": M}, "contrast"),
        (
            clone(natural).set_params(nested_learner=LogisticRegression()),
            t,
            {"mediators": M},
            "nes",
        ),
        (NaturalEffects(LogisticRegression()), t, {"mediators": M}, "Use a regressor"),
        (natural, t, {"mediators": np.where(M > 2, np.inf, M)}, "infinit"),
    ]
    for estimator, treatment, others, message in refused:
        with pytest.raises(InputError, match=message):
            estimator.fit(X, y, t=treatment, **others)


def test_mediators_that_give_the_treatment_away_are_not_silent(rng):
    X, _, t, _ = linear(400, rng)
    m = 5 * t + rng.normal(size=400)
    natural = NaturalEffects(LinearRegression(), LogisticRegression(), clip=1e-4, random_state=0)
    with pytest.warns(OverlapWarning, match="give the treatment away"):
        natural.fit(X, m + t + rng.normal(size=400), t=t, mediators=m)


def test_the_nuisances_are_assessed(rng):
    X, M, t, y = linear(400, rng)
    natural = NaturalEffects(LinearRegression(), LogisticRegression(), random_state=0)
    # Assessed, as outside these tests.
    effects = Context().run(lambda: natural.fit(X, y, t=t, mediators=M).effect_)
    judged = effects["total"].details["nuisances"]
    assert judged["outcome given mediators"].explained > judged["outcome 1"].explained > 0
    assert len(effects["direct"].details["nuisances"]) == len(judged) == 5


def test_missed_structure_is_said_once(rng):
    X, M, t, y = linear(800, rng)
    y = y + 4 * (X[:, 0] * X[:, 1] > 0) * (1 + t)
    t = np.where(rng.random(800) < 0.4, X[:, 0] * X[:, 1] > 0, t).astype(float)
    natural = NaturalEffects(LinearRegression(), LogisticRegression(), random_state=0)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        Context().run(lambda: natural.fit(X, y, t=t, mediators=M))
    assert [w.category for w in said] == [NuisanceWarning]
