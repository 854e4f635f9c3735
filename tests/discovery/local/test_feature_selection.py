from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

from causalkit.discovery.local.feature_selection import MarkovBoundarySelector
from causalkit.discovery.local.markov_boundary import MarkovBoundary
from causalkit.errors import InputError, NumericalError
from causalkit.independence import Clustered, FisherZ, Grouped, Weighted


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(400, 12)), columns=[f"f{k}" for k in range(12)])
    frame["f1"] += frame["f0"]
    return frame


@pytest.fixture
def y(frame):
    return frame["f0"] + frame["f5"] + np.random.default_rng(1).normal(size=400)


# Everything is refused as it should be; the checks only want scikit-learn's own words for it.
OTHER_WORDS = {
    "check_complex_data": "complex numbers are refused, naming the column",
    "check_dtype_object": "cells that are no numbers are refused with InputError, not TypeError",
    "check_estimators_empty_data_messages": "a table without columns is refused",
    "check_estimator_sparse_tag": "sparse matrices are refused",
    "check_estimator_sparse_array": "sparse matrices are refused",
    "check_estimator_sparse_matrix": "sparse matrices are refused",
    "check_fit2d_1sample": "a single row is refused, because y does not vary",
}


@pytest.mark.filterwarnings("ignore:No features were selected")
def test_scikit_learn_is_content():
    checks = check_estimator(
        MarkovBoundarySelector(), expected_failed_checks=OTHER_WORDS, on_skip=None, on_fail=None
    )
    report = [SimpleNamespace(**check) for check in checks]
    assert not {c.check_name: c.exception for c in report if c.status == "failed"}


def test_selects_the_boundary_and_nothing_else(frame, y):
    selector = MarkovBoundarySelector(alpha=0.01).fit(frame, y)
    boundary = MarkovBoundary("y", alpha=0.01).fit(frame.assign(y=y)).boundary_
    assert set(selector.get_feature_names_out()) == set(boundary) == {"f0", "f5"}
    assert selector.get_support(indices=True).tolist() == [0, 5]
    assert (selector.transform(frame) == frame[["f0", "f5"]].to_numpy()).all()
    assert selector.search_.boundary_ == boundary


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_frames_come_out_as_asked(frame, y, container):
    selector = MarkovBoundarySelector(alpha=0.01).set_output(transform=container)
    data = frame if container == "pandas" else pl.from_pandas(frame)
    target = y if container == "pandas" else pl.Series(y.to_numpy())
    chosen = selector.fit_transform(data, target)
    assert type(chosen).__module__.partition(".")[0] == container
    assert list(chosen.columns) == ["f0", "f5"]


def test_lives_in_a_pipeline_and_under_cross_validation(frame, y):
    frame["rare"] = 0.0
    frame.loc[frame.index[:3], "rare"] = 1.0  # constant within some folds
    model = make_pipeline(MarkovBoundarySelector(), LinearRegression())
    assert cross_val_score(model, frame, y, cv=4).mean() > 0.5
    grid = {"markovboundaryselector__alpha": [0.01, 0.2]}
    assert GridSearchCV(model, grid, cv=3).fit(frame, y).best_score_ > 0.5
    classes = np.where(y > 0, "ill", "well")
    model = make_pipeline(MarkovBoundarySelector(), LogisticRegression())
    assert cross_val_score(model, frame, classes, cv=4).mean() > 0.75


def test_the_test_follows_from_the_data(frame, y):
    from causalkit.independence.degenerate_gaussian import DegenerateGaussian
    from causalkit.independence.g_square import GSquare

    rng = np.random.default_rng(2)
    three = pd.cut(y, [-np.inf, -1, 1, np.inf], labels=["low", "middle", "high"])
    assert MarkovBoundarySelector().fit(frame, y > 0).test_ == FisherZ()
    for target in (three, three.astype(str), three.cat.codes.to_numpy()):
        selector = MarkovBoundarySelector(alpha=0.01).fit(frame, target)
        assert selector.test_ == DegenerateGaussian()
        assert set(selector.get_feature_names_out()) == {"f0", "f5"}
    counts = pd.DataFrame({k: rng.choice(list("abc"), 400) for k in "pqr"}).astype("category")
    copied = np.where(rng.random(400) < 0.7, counts["q"], rng.choice(list("abc"), 400))
    selector = MarkovBoundarySelector(alpha=0.01).fit(counts, copied)
    assert selector.test_ == GSquare()
    assert selector.get_feature_names_out().tolist() == ["q"]


def test_integers_are_classes_if_there_are_few(frame, y):
    assert MarkovBoundarySelector().fit(frame, np.round(y * 100).astype(int)).test_ == FisherZ()
    few = np.round(y).astype(int)
    assert MarkovBoundarySelector().fit(frame, few.astype(float)).test_ == FisherZ()
    assert MarkovBoundarySelector().fit(frame, few).test_ != FisherZ()
    with_objects = few.astype(object)
    assert MarkovBoundarySelector().fit(frame, with_objects).test_ != FisherZ()


def test_two_classes_in_any_spelling_give_the_same_features(frame, y):
    yes = (y > 0).to_numpy()
    words = np.where(yes, "b", "a")
    numbers = [yes, yes.astype(int), yes.astype(float), yes.astype(object)]
    spellings = [*numbers, words, pd.Series(words).astype("category")]
    supports = [MarkovBoundarySelector().fit(frame, s).get_support() for s in spellings]
    assert all((s == supports[0]).all() for s in supports)
    assert supports[0].any()


def test_hostile_targets_and_features(frame, y):
    selector = MarkovBoundarySelector()
    with pytest.raises(InputError, match="requires y to be passed"):
        selector.fit(frame)
    with pytest.raises(InputError, match="one value only"):
        selector.fit(frame, np.ones(400))
    for hole in (np.nan, np.inf, None):
        target = y.astype(object)
        target.iloc[3] = hole
        with pytest.raises(InputError, match="missing or infinite"):
            selector.fit(frame, target)
    with pytest.raises(NumericalError, match="leak and y determine each other"):
        selector.fit(frame.assign(leak=-y), y)
    with pytest.raises(InputError, match="missing values"):
        selector.fit(frame.mask(frame > 2.5), y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        selector.fit(frame, y[:10])
    constant = frame.assign(always=1.0)
    assert not selector.fit(constant, y).get_support()[-1]
    assert not selector.fit(constant[["always"]], y).get_support().any()


def test_a_feature_may_be_called_y(frame, y):
    selector = MarkovBoundarySelector(alpha=0.01).fit(frame.rename(columns={"f0": "y"}), y)
    assert selector.get_feature_names_out().tolist() == ["y", "f5"]
    assert selector.search_.target == "y_"


def test_lists_and_integer_names(frame, y):
    as_lists = MarkovBoundarySelector(alpha=0.01).fit(frame.to_numpy().tolist(), y.tolist())
    assert as_lists.get_support(indices=True).tolist() == [0, 5]
    numbered = frame.set_axis(range(12), axis=1)
    assert clone(as_lists).fit(numbered, y).get_support(indices=True).tolist() == [0, 5]


def test_nothing_to_select_is_said(frame):
    noise = np.random.default_rng(3).normal(size=400)
    selector = MarkovBoundarySelector(alpha=1e-6).fit(frame, noise)
    with pytest.warns(UserWarning, match="No features were selected"):
        assert selector.transform(frame).shape == (400, 0)


def test_groups_are_kept_together_and_clusters_never(frame, y):
    frame = frame.assign(cl=np.arange(len(frame)) // 2, w=1.0)
    test = Weighted(Clustered(Grouped(FisherZ(), {"y": ["f5", "f7"]}), "cl"), "w")
    selector = MarkovBoundarySelector(test, alpha=0.01).fit(frame, y)
    assert selector.get_feature_names_out().tolist() == ["f0", "f5", "f7"]
    assert set(selector.search_.boundary_) == {"f0", "y"}
    only = Clustered(FisherZ(), "cl")
    constant = frame[["cl"]].assign(f0=1.0)
    assert not MarkovBoundarySelector(only).fit(constant, y).support_.any()
    with pytest.raises(InputError, match="no column but 'cl'"):
        MarkovBoundarySelector(only).fit(frame[["cl"]], y)
