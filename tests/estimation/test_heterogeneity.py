"""Conditional effects: exactly EconML's, on tables with names, and nothing silently left out."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from joblib import parallel_config
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.preprocessing import PolynomialFeatures
from sklearn.tree import DecisionTreeRegressor

from causalkit.errors import AssumptionWarning, InputError, NumericalError, UnknownVariableError
from causalkit.estimation import (
    AIPW,
    DMLIV,
    PLR,
    Bootstrap,
    CausalForest,
    ConditionalEffectEstimator,
    ConditionalEffects,
    DomainAdaptationLearner,
    DRLearner,
    LinearDML,
    OrthoIV,
    SLearner,
    SparseLinearDML,
    TLearner,
    XLearner,
)
from tests.estimation.simulations import linear, three_arms

LINE, LOGIT, TREE = LinearRegression(), LogisticRegression(), DecisionTreeRegressor(max_depth=3)
BOTH = {"outcome_learner": LINE, "treatment_learner": LOGIT}
TREES = {"outcome_learner": TREE, "treatment_learner": LOGIT}

DISCRETE = {
    "LinearDML": LinearDML(n_folds=2, **BOTH, random_state=0),
    "LinearDML, squares": LinearDML(
        n_folds=2, **BOTH, featurizer=PolynomialFeatures(2, include_bias=False), random_state=0
    ),
    "SparseLinearDML": SparseLinearDML(n_folds=2, **BOTH, random_state=0),
    "CausalForest": CausalForest(n_folds=2, **BOTH, n_trees=20, min_leaf=7, random_state=0),
    "DRLearner": DRLearner(n_folds=2, **TREES, random_state=0),
    "DRLearner, sparse": DRLearner(n_folds=2, **BOTH, final="sparse", random_state=0),
    "DRLearner, forest": DRLearner(n_folds=2, **BOTH, final="forest", n_trees=20, random_state=0),
    "DRLearner, tree": DRLearner(n_folds=2, **BOTH, final=TREE, random_state=0),
    "SLearner": SLearner(TREE, random_state=0),
    "TLearner": TLearner(TREE, random_state=0),
    "XLearner": XLearner(TREE, LINE, LOGIT, random_state=0),
    "DomainAdaptationLearner": DomainAdaptationLearner(TREE, LINE, LOGIT, random_state=0),
}


def theirs(name, seed, folds):
    """EconML's own estimator, built by hand."""
    from econml import dml, dr, metalearners

    tree = clone(TREE).set_params(random_state=seed)
    logit = clone(LOGIT).set_params(random_state=seed)
    residual = {"model_y": LINE, "model_t": logit, "discrete_treatment": True, "cv": folds}
    residual["random_state"] = seed
    score = {"model_regression": LINE, "model_propensity": logit, "cv": folds}
    score |= {"random_state": seed, "min_propensity": 0.01}
    return {
        "LinearDML": lambda: dml.LinearDML(**residual),
        "LinearDML, squares": lambda: dml.LinearDML(
            featurizer=PolynomialFeatures(2, include_bias=False), **residual
        ),
        "SparseLinearDML": lambda: dml.SparseLinearDML(**residual),
        "CausalForest": lambda: dml.CausalForestDML(
            n_estimators=20, min_samples_leaf=7, n_jobs=1, **residual
        ),
        "DRLearner": lambda: dr.LinearDRLearner(**{**score, "model_regression": tree}),
        "DRLearner, sparse": lambda: dr.SparseLinearDRLearner(**score),
        "DRLearner, forest": lambda: dr.ForestDRLearner(n_estimators=20, n_jobs=1, **score),
        "DRLearner, tree": lambda: dr.DRLearner(model_final=tree, **score),
        "SLearner": lambda: metalearners.SLearner(overall_model=tree),
        "TLearner": lambda: metalearners.TLearner(models=tree),
        "XLearner": lambda: metalearners.XLearner(
            models=tree, cate_models=LINE, propensity_model=logit
        ),
        "DomainAdaptationLearner": lambda: metalearners.DomainAdaptationLearner(
            models=tree, final_models=LINE, propensity_model=logit
        ),
    }[name]()


def mild(n, rng, k=3):
    """Treatment that depends on one column a little, effect 1 + x₀."""
    X = rng.normal(size=(n, k))
    t = (rng.random(n) < 1 / (1 + np.exp(-0.4 * X[:, 0]))).astype(float)
    return X, t, t * (1 + X[:, 0]) + X[:, 0] + rng.normal(size=n)


@pytest.fixture
def without_average(monkeypatch):
    """Leave out the average effect, which takes half of the time and is tested by itself."""
    monkeypatch.setattr(ConditionalEffectEstimator, "solve", lambda self, p: self._check(p))


@pytest.fixture(scope="module")
def trial():
    return mild(240, np.random.default_rng(0), k=6)


@pytest.mark.parametrize("name", DISCRETE)
@pytest.mark.usefixtures("without_average")
def test_effects_and_intervals_are_those_of_econml(trial, name):
    X, t, y = trial
    ours = clone(DISCRETE[name]).fit(X, y, t=t)
    folds = getattr(ours.model_, "cv", None)
    seeds = [getattr(ours.model_, "random_state", None)]
    if seeds == [None]:  # meta-learners: EconML has no seed there, the learner was given one
        of = "overall_model" if name == "SLearner" else "models"
        learner = getattr(ours.model_, of)
        seeds = [(learner[0] if isinstance(learner, list) else learner).random_state]
    direct = theirs(name, seeds[0], folds)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a forest's own average, which few trees do not give
        direct.fit(y, t, X=X)
    assert_allclose(ours.predict(X), direct.effect(X), rtol=1e-10)
    if ours.effects_.std_errors is not None:
        lower, upper = direct.effect_interval(X, alpha=0.1)
        assert_allclose(ours.interval(X, 0.9), np.column_stack([lower, upper]), rtol=1e-8)
        assert_allclose(ours.effects_.interval(0.9), ours.interval(X, 0.9), rtol=1e-12)
    else:
        with pytest.raises(InputError, match="inference=Bootstrap"):
            ours.interval(X)


def instrumented(n, rng):
    X, z, hidden = rng.normal(size=(n, 2)), rng.normal(size=n), rng.normal(size=n)
    t = 2 * z + X[:, 0] + hidden + rng.normal(size=n)
    return X, z, t, t * (1 + X[:, 0]) - hidden + rng.normal(size=n)


@pytest.mark.parametrize("binary_instrument", [False, True])
def test_instrumented_effects_are_those_of_econml(rng, binary_instrument):
    from econml.iv import dml

    X, z, t, y = instrumented(300, rng)
    z = (z > 0).astype(float) if binary_instrument else z
    learner = LOGIT if binary_instrument else LINE
    ours = OrthoIV(LINE, LINE, learner, n_folds=2, random_state=0).fit(X, y, t=t, z=z)
    options = {"model_y_xw": LINE, "model_t_xw": LINE, "discrete_instrument": binary_instrument}
    options |= {"cv": ours.model_.cv, "random_state": 0}
    direct = dml.OrthoIV(model_z_xw=learner, **options).fit(y, t, Z=z, X=X)
    assert_allclose(ours.predict(X), direct.effect(X), rtol=1e-10)
    ends = np.column_stack(direct.effect_interval(X, alpha=0.05))
    assert_allclose(ours.interval(X), ends, rtol=1e-8)
    for final in (None, LINE):
        ours = DMLIV(LINE, LINE, final=final, n_folds=2, random_state=0).fit(X, y, t=t, z=z)
        options["cv"] = ours.model_.cv
        theirs = dml.NonParamDMLIV if final else dml.DMLIV
        extra = {"model_final": final} if final else {}
        direct = theirs(model_t_xwz=LINE, **extra, **options).fit(y, t, Z=z, X=X)
        assert_allclose(ours.predict(X), direct.effect(X), rtol=1e-10)
    assert ours.effect_.details["first_stage_f"] > 10


@pytest.mark.parametrize("name", ["CausalForest", "DRLearner, forest", "DRLearner, tree"])
def test_a_seed_decides_everything_and_n_jobs_nothing(trial, name):
    X, t, y = trial
    estimator = DISCRETE[name]
    first = clone(estimator).fit(X, y, t=t)
    with parallel_config(backend="threading"):
        again = clone(estimator).set_params(n_jobs=2).fit(X, y, t=t)
    other = clone(estimator).set_params(random_state=1).fit(X, y, t=t)
    assert_array_equal(first.predict(X), again.predict(X))
    assert first.effect_.value == again.effect_.value
    assert other.effect_.value != first.effect_.value
    assert repr(estimator).startswith(type(estimator).__name__)
    assert "object at 0x" not in repr(estimator)


def test_the_average_is_that_of_doubly_robust_scores(trial, rng):
    X, t, y = trial
    forest = clone(DISCRETE["CausalForest"]).fit(X, y, t=t)
    aipw = AIPW(LINE, LOGIT, n_folds=2, random_state=0).fit(X, y, t=t).effect_
    assert (forest.effect_.value, forest.effect_.std_error) == (aipw.value, aipw.std_error)
    assert forest.effect_.method == (
        "CausalForest (EconML), averaged by AIPW scores, cross-fitted in 2 folds, ATE"
    )
    assert "averaged by AIPW scores" in repr(forest.effect_)
    X, t, y = linear(200, rng)
    dml = LinearDML(LINE, LINE, random_state=0).fit(X, y, t=t)
    assert dml.effect_.value == PLR(LINE, LINE, random_state=0).fit(X, y, t=t).effect_.value
    assert dml.effect_.method.startswith(
        "LinearDML (EconML), averaged by partially linear regression (partialling-out), cross"
    )


def test_contrasts_of_three_arms(rng):
    X, t, y = three_arms(600, rng)
    t = pd.Categorical(t)
    dml = LinearDML(**BOTH, contrast=("a", "c"), random_state=0).fit(X, y, t=t)
    assert abs(dml.predict(X).mean() - 3) < 0.5
    assert abs(dml.effect_.value - 3) < 0.5
    with pytest.raises(InputError, match="contrast="):
        LinearDML(**BOTH).fit(X, y, t=t)


@pytest.fixture(scope="module")
def named():
    rng = np.random.default_rng(5)
    n = 300
    columns = {
        "age": rng.normal(size=n),
        "region": np.array(["north", "south", "west"])[rng.integers(3, size=n)],
        7: rng.normal(size=n),
    }
    t = rng.random(n) < 0.5
    y = t * (columns["age"] + (columns["region"] == "south")) + rng.normal(size=n)
    frame = pd.DataFrame(columns).astype({"region": "category"})
    return frame, t, y


@pytest.mark.usefixtures("without_average")
def test_tables_of_any_kind_and_columns_in_any_order(named):
    frame, t, y = named
    dml = LinearDML(**BOTH, n_folds=2, random_state=0).fit(
        frame, y, t=t, modifiers=["age", "region"]
    )
    assert dml.effects_.names == ("age", "region=south", "region=west")
    ours = dml.predict(frame)
    few = frame[frame.region != "north"].sample(40, random_state=0)[["region", "age"]]
    few["region"] = few.region.cat.remove_unused_categories()
    assert_allclose(dml.predict(few), pd.Series(ours, index=frame.index)[few.index].to_numpy())
    columns = {"age": frame["age"], "region": frame["region"]}
    assert_allclose(dml.predict(columns), ours)
    polars = pl.DataFrame({str(name): frame[name].to_list() for name in frame})
    polars = polars.cast({"region": pl.Categorical})
    again = LinearDML(**BOTH, n_folds=2, random_state=0).fit(
        polars, y, t=t, modifiers=["age", "region"]
    )
    assert_allclose(again.predict(polars), ours)
    table = LinearDML(**BOTH, n_folds=2, random_state=0).fit(
        frame[[7]], y, t=t, modifiers=frame[["age", "region"]]
    )
    assert_allclose(table.predict(frame), ours, atol=0.2)  # other folds of learners, same columns
    assert table.modifiers_.given == (7, "age", "region")


@pytest.mark.usefixtures("without_average")
def test_arrays_hold_the_modifiers_or_everything(named):
    frame, t, y = named
    X = frame[["age", 7]].to_numpy()
    dml = LinearDML(**BOTH, n_folds=2, random_state=0).fit(
        frame[["age", 7]], y, t=t, modifiers="age"
    )
    assert_allclose(dml.predict(X), dml.predict(X[:, :1]))
    assert_allclose(dml.predict(X), dml.predict(frame))
    with pytest.raises(InputError, match="3 column"):
        dml.predict(np.zeros((2, 3)))


@pytest.mark.usefixtures("without_average")
def test_what_was_not_fitted_is_refused(named):
    frame, t, y = named
    dml = LinearDML(**BOTH, n_folds=2, random_state=0).fit(frame, y, t=t)
    strange = frame.head(2).assign(region=pd.Categorical(["east", "north"]))
    with pytest.raises(InputError, match="'east'"):
        dml.predict(strange)
    with pytest.raises(UnknownVariableError, match="'age'"):
        dml.predict(frame.drop(columns="age"))
    with pytest.raises(InputError, match="'age' \\(1\\)"):
        dml.predict(frame.assign(age=[np.nan, *frame.age[1:]]))
    with pytest.raises(InputError, match="numbers were fitted"):
        dml.predict(frame.assign(age=frame.region))
    with pytest.raises(NotFittedError):
        LinearDML().predict(frame)
    with pytest.raises(UnknownVariableError, match="income"):
        LinearDML().fit(frame, y, t=t, modifiers="income")
    with pytest.raises(InputError, match="other values"):
        LinearDML().fit(np.ones((300, 1)), y, t=t, modifiers=np.zeros((300, 1)))
    with pytest.raises(InputError, match="by which the effect could differ"):
        LinearDML().fit(None, y, t=t)
    with pytest.raises(InputError, match="modifiers have 5"):
        LinearDML().fit(frame, y, t=t, modifiers={"a": np.arange(5)})


def test_what_a_method_cannot_do_is_refused(trial, rng):
    X, t, y = trial
    with pytest.raises(InputError, match="adjusts for the effect modifiers only"):
        TLearner(LINE).fit(X, y, t=t, modifiers=["x0"])
    with pytest.raises(InputError, match="sample weights"):
        SLearner(LINE).fit(X, y, t=t, sample_weight=np.ones(len(y)))
    with pytest.raises(InputError, match="is a classifier"):
        TLearner(LOGIT).fit(X, y, t=t)
    with pytest.raises(InputError, match="continuous"):
        DRLearner().fit(X, y, t=rng.normal(size=len(y)))
    with pytest.raises(InputError, match="Use 12"):
        CausalForest(**BOTH, n_trees=10).fit(X, y, t=t)
    with pytest.raises(InputError, match="final="):
        DRLearner(final="boosting").fit(X, y, t=t)
    with pytest.raises(InputError, match="clusters of two kinds"):
        LinearDML(**BOTH).fit(X, y, t=t, groups=rng.integers(9, size=(len(y), 2)))
    with pytest.raises(InputError, match="supplied="):
        LinearDML().fit(X, y, t=t, supplied={"treatment": t})
    with pytest.raises(InputError, match="got no z"):
        OrthoIV().fit(X, y, t=t)
    with pytest.raises(InputError, match="one instrument"):
        OrthoIV().fit(X, y, t=t, z=rng.normal(size=(len(y), 2)))
    with pytest.raises(InputError, match="missing values"):
        LinearDML().fit(np.where(X > 3, X, np.nan), y, t=t)
    with pytest.raises(InputError, match="n_folds"):
        LinearDML(**BOTH, n_folds=1).fit(X, y, t=t)


@pytest.mark.parametrize(
    "estimator", [LinearDML(LINE, LOGIT), DRLearner(LINE, LOGIT), OrthoIV(), DMLIV()]
)
def test_linear_effects_need_modifiers_of_their_own(trial, estimator):
    X, t, y = trial
    z = {"z": t + X[:, 0]} if estimator.needs else {}
    frame = pd.DataFrame(X[:, :2], columns=["a", "b"])
    for more, message in (
        (frame.assign(sum=frame.a + 3 * frame.b), "'sum' is constant or follows"),
        (frame.assign(sum=1.0), "'sum' is constant or follows"),
        (frame * 1e150, "Change its unit"),
    ):
        with pytest.raises(InputError, match=message):
            estimator.fit(more, y, t=t, **z)
    with pytest.raises(InputError, match="more rows than columns"):
        estimator.fit(X[:6], y[:6], t=np.tile([0, 1], 3), **({"z": y[:6]} if z else {}))


def test_what_econml_says_is_said_in_our_words(trial):
    X, t, y = trial
    with pytest.warns(AssumptionWarning, match="SparseLinearDML says: The number of features"):
        SparseLinearDML(**BOTH, n_folds=2, random_state=0).fit(X[:, :2], y, t=t)

    class Broken(LinearRegression):
        def predict(self, X):  # noqa: ARG002
            raise ValueError("out of order")

    with pytest.raises(NumericalError, match="out of order"):
        LinearDML(Broken(), LOGIT).fit(X, y, t=t)


@pytest.mark.usefixtures("without_average")
def test_clusters_need_a_bootstrap_of_clusters(rng):
    X, t, y = mild(120, rng)
    groups = np.repeat(np.arange(24), 5)
    t = np.repeat(t[:24], 5)
    y = y + 3 * np.repeat(rng.normal(size=24), 5) * t
    dml = LinearDML(**BOTH, n_folds=2, random_state=0).fit(X, y, t=t, groups=groups)
    for train, test in dml.model_.cv:
        assert not set(groups[train]) & set(groups[test])
    with pytest.raises(InputError, match="come in clusters"):
        dml.interval(X)
    assert "clusters" in repr(dml.effects_)
    bootstrap = Bootstrap(10, random_state=0)
    learner = XLearner(LINE, LINE, LOGIT, inference=bootstrap, random_state=0)
    clustered = clone(learner).fit(X, y, t=t, groups=groups)
    free = clone(learner).fit(X, y, t=t)
    assert_array_equal(clustered.predict(X), free.predict(X))
    assert clustered.effects_.std_errors.mean() > 1.3 * free.effects_.std_errors.mean()
    assert "10 resamples" in clustered.effects_.method
    again = clone(learner).set_params(inference=Bootstrap(10, random_state=0, n_jobs=2))
    with parallel_config(backend="threading"):
        again.fit(X, y, t=t, groups=groups)
    assert_array_equal(again.interval(X), clustered.interval(X))


@pytest.mark.usefixtures("without_average")
def test_weights_count_as_repeated_rows_in_the_linear_effects(rng):
    X, t, y = mild(150, rng)
    weights = rng.integers(1, 3, size=150)
    rows = np.repeat(np.arange(150), weights)
    one = LinearDML(LINE, LogisticRegression(C=1e9, tol=1e-10), n_folds=2, random_state=0)
    weighted = clone(one).fit(X, y, t=t, sample_weight=weights)
    from econml.dml import LinearDML as Theirs

    fold = np.zeros(150, dtype=int)
    fold[weighted.model_.cv[1][1]] = 1
    cv = [(np.flatnonzero(fold[rows] != k), np.flatnonzero(fold[rows] == k)) for k in (0, 1)]
    repeated = Theirs(
        model_y=LINE,
        model_t=LogisticRegression(C=1e9, tol=1e-10),
        discrete_treatment=True,
        cv=cv,
        random_state=0,
    ).fit(y[rows], t[rows], X=X[rows])
    assert_allclose(weighted.predict(X), repeated.effect(X), rtol=1e-4)


def test_out_of_fold_effects_have_not_seen_their_rows(rng):
    X, t, y = mild(200, rng)
    learner = TLearner(LINE, random_state=0)
    first = learner.predict_out_of_fold(X, y, t=t, n_parts=4)
    part = first.folds == 2
    other = learner.predict_out_of_fold(X, np.where(part, 100 * y, y), t=t, n_parts=4)
    assert_array_equal(first.values[part], other.values[part])
    assert (first.values[~part] != other.values[~part]).all()
    with parallel_config(backend="threading"):
        parallel = clone(learner).set_params(n_jobs=2).predict_out_of_fold(X, y, t=t, n_parts=4)
    assert_array_equal(first.values, parallel.values)
    with pytest.raises(InputError, match="no common formula"):
        first.interval()
    later = learner.predict_out_of_fold(X, y, t=t, n_parts=4, sequential=True)
    assert_array_equal(np.flatnonzero(first.folds > 0), later.rows)
    assert_array_equal(later.modifiers, X[later.rows])
    last = first.folds == 3
    changed = learner.predict_out_of_fold(
        X, np.where(first.folds >= 2, 100 * y, y), t=t, n_parts=4, sequential=True
    )
    same = later.values == changed.values
    assert_array_equal(same, ~last[later.rows])


@pytest.mark.usefixtures("without_average")
def test_a_binary_outcome_takes_a_classifier(rng):
    X, t, y = mild(300, rng)
    up = y > 0
    found = LinearDML(LOGIT, LOGIT, random_state=0).fit(X, up, t=t).effects_.values
    regressed = LinearDML(Ridge(), LOGIT, random_state=0).fit(X, up, t=t).effects_.values
    assert np.corrcoef(found, regressed)[0, 1] > 0.9


def test_effects_as_a_frame_and_as_text():
    effects = ConditionalEffects(
        np.array([1.0, -2.0]), np.array([0.1, 0.1]), np.array([[0.0], [1.0]]), ("effect",)
    )
    frame = effects.to_frame()
    assert list(frame.columns) == ["effect", "effect", "std_error", "lower", "upper"]
    assert "above zero: 50%" in repr(effects)
    assert len(effects) == 2
    with pytest.raises(UnknownVariableError):
        effects.column("age")
