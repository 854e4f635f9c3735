"""Linear nuisances from products by cell: the same numbers as fits that read the rows."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LassoCV, LinearRegression, LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from causalkit.errors import ConvergenceWarning, InputError, NumericalError
from causalkit.estimation import AIPW, PLR, Bootstrap, Powers
from causalkit.estimation.nuisances import gram
from causalkit.estimation.nuisances.crossfitting import Nuisance, assign_folds
from causalkit.estimation.nuisances.gram import CellMoments
from causalkit.estimation.nuisances.gram_learners import GramOLS
from causalkit.estimation.nuisances.linear_fits import inner_folds
from causalkit.estimation.nuisances.penalised import GramLasso, GramRidge
from causalkit.estimation.problem import Problem

from .simulations import binary, linear

WEIGHTS_ARE_REPEATS = [
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weight_equivalence_on_sparse_data",
]
LEARNERS = [GramOLS(), GramRidge(), GramLasso()]


def table(rng, n=240, k=6, weights=False):
    """A continuous problem with columns of several scales and offsets."""
    X, t, y = linear(n, rng, k=k)
    X = X * np.geomspace(0.1, 10, k) + np.linspace(-3, 30, k)
    w = rng.integers(0, 4, n).astype(float) if weights else None
    return Problem(y, t, X, sample_weight=w)


def predictions(learner, problem, folds, among=None, seed=5):
    nuisances = [Nuisance(name, getattr(problem, name), learner, among=among) for name in "yt"]
    found = learner.predict_out_of_fold(
        problem, nuisances, folds, seeds=[seed, seed + 1], prepared={}, n_jobs=None
    )
    return [parts[0] for parts in found]


def splits(hands, train):
    """Inner folds as scikit-learn takes them: positions among the training rows."""
    own = hands[train]
    return [(np.flatnonzero(own != j), np.flatnonzero(own == j)) for j in np.unique(own)]


# --- products ------------------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("wide", [False, True])
def test_a_pooled_cell_has_the_moments_of_its_rows(rng, monkeypatch, weighted, wide):
    if wide:
        monkeypatch.setattr(gram, "_WIDE", 1)
    X = rng.normal(size=(500, 5)) * [1, 1e-6, 1e6, 1, 1] + [0, 1, 0, 1e7, 0]
    Y, cells = rng.normal(size=(500, 2)), rng.integers(-1, 6, 500)
    w = rng.uniform(0.5, 2, 500) if weighted else np.ones(500)
    parts = CellMoments.of(X, Y, cells, 6, w if weighted else None)
    whole = parts.without(2)
    used = (cells >= 0) & (cells != 2)
    rows, share = np.hstack([X, Y])[used], w[used] / w[used].sum()
    mean = share @ rows
    centred = rows - mean
    np.testing.assert_allclose(whole.weight, w[used].sum())
    np.testing.assert_allclose(whole.mean, mean, rtol=1e-12, atol=1e-12)
    expected = (centred.T * w[used]) @ centred
    size = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    np.testing.assert_allclose(whole.gram / size, expected / size, atol=1e-9)


def test_merged_blocks_are_the_whole(rng):
    X, Y, cells = rng.normal(size=(100, 3)), rng.normal(size=(100, 1)), rng.integers(0, 4, 100)
    cells[:40] = np.minimum(cells[:40], 2)  # one cell is empty in the first block
    first, second = (CellMoments.of(X[r], Y[r], cells[r], 4) for r in (slice(40), slice(40, 100)))
    whole, merged = CellMoments.of(X, Y, cells, 4), first.merged(second)
    np.testing.assert_allclose(merged.mean, whole.mean, atol=1e-14)
    np.testing.assert_allclose(merged.gram, whole.gram, atol=1e-12)


def test_what_is_left_out_takes_no_digits_from_the_rest(rng):
    """A cell that holds nearly all variation is never subtracted from a total."""
    X, cells = rng.normal(size=(200, 1)), np.repeat([0, 1], 100)
    X[:100] *= 1e9
    left = CellMoments.of(X, X, cells, 2).without(0)
    np.testing.assert_allclose(left.gram[0, 0], 100 * np.var(X[100:]), rtol=1e-12)


# --- agreement with fits on the rows --------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
def test_least_squares_are_those_of_scikit_learn(rng, weighted):
    problem = table(rng, weights=weighted)
    folds = assign_folds(4, rng, problem.n_obs)
    for target, found in zip(
        (problem.y, problem.t), predictions(GramOLS(), problem, folds), strict=True
    ):
        for fold in range(4):
            train = folds != fold
            model = LinearRegression().fit(problem.X[train], target[train], problem.weights[train])
            expected = model.predict(problem.X[~train])
            np.testing.assert_allclose(found[~train], expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_lasso_is_that_of_scikit_learn_in_every_fold(rng, standardize, weighted):
    problem = table(rng, weights=weighted)
    folds = assign_folds(3, rng, problem.n_obs)
    penalties = np.geomspace(1.0, 1e-3, 30)
    learner = GramLasso(penalties=penalties, standardize=standardize, tolerance=1e-18)
    found = predictions(learner, problem, folds)
    used = problem.weights > 0
    hands = inner_folds(folds, used, None, np.random.default_rng(5), 5)
    for fold in range(3):
        train = (folds != fold) & used
        scaler = StandardScaler(with_std=standardize)
        weights = problem.weights[train] if weighted else None
        Z = scaler.fit_transform(problem.X[train], sample_weight=weights)
        for target, predicted in zip((problem.y, problem.t), found, strict=True):
            model = LassoCV(
                alphas=penalties, cv=splits(hands, train), tol=1e-12, max_iter=10**6
            ).fit(Z, target[train], weights)
            expected = model.predict(scaler.transform(problem.X[folds == fold]))
            np.testing.assert_allclose(predicted[folds == fold], expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("standardize", [False, True])
def test_the_path_and_the_choice_are_those_of_scikit_learn(rng, standardize):
    X, _, y = linear(150, rng, k=8)
    scaler = StandardScaler(with_std=standardize)
    X = X * np.arange(1, 9)
    used, zero = np.ones(150, dtype=bool), np.zeros(150, dtype=np.intp)
    hands = inner_folds(zero, used, None, np.random.default_rng(1), 5)
    ours = GramLasso(standardize=standardize, tolerance=1e-18, random_state=1).fit(X, y)
    model = LassoCV(cv=splits(hands, used), tol=1e-12, max_iter=10**6)
    model.fit(scaler.fit_transform(X), y)
    np.testing.assert_allclose(ours.penalty_, model.alpha_, rtol=1e-10)
    scale = scaler.scale_ if standardize else 1.0
    np.testing.assert_allclose(ours.coef_, model.coef_ / scale, atol=1e-8)
    np.testing.assert_allclose(ours.predict(X), model.predict(scaler.transform(X)), atol=1e-6)


@pytest.mark.parametrize("weighted", [False, True])
def test_ridge_is_that_of_scikit_learn(rng, weighted):
    problem = table(rng, weights=weighted)
    folds = assign_folds(3, rng, problem.n_obs)
    grid = [3.0, 0.1, 0.001]
    found = predictions(GramRidge(penalties=grid, standardize=False), problem, folds)
    hands = inner_folds(folds, problem.weights > 0, None, np.random.default_rng(5), 5)

    def fitted(rows, target, penalty):
        w = problem.weights[rows]
        return Ridge(alpha=penalty * w.sum()).fit(problem.X[rows], target[rows], w)

    for fold in range(3):
        train = (folds != fold) & (problem.weights > 0)
        for target, predicted in zip((problem.y, problem.t), found, strict=True):
            losses = []
            for penalty in grid:
                loss = 0.0
                for hand in range(5):
                    held, rest = train & (hands == hand), train & (hands != hand)
                    off = target[held] - fitted(rest, target, penalty).predict(problem.X[held])
                    loss += problem.weights[held] @ off**2
                losses.append(loss)
            best = fitted(train, target, grid[int(np.argmin(losses))])
            expected = best.predict(problem.X[folds == fold])
            np.testing.assert_allclose(predicted[folds == fold], expected, rtol=0, atol=1e-10)


def test_the_lasso_is_at_its_minimum(rng):
    """Of one penalty, the conditions of optimality: definition, not another program."""
    X, _, y = linear(100, rng, k=30, noise=3.0)
    model = GramLasso(penalties=[0.5], tolerance=1e-20, standardize=False).fit(X, y)
    pull = (X - X.mean(0)).T @ (y - model.predict(X)) / 100
    on = model.coef_ != 0
    assert 0 < on.sum() < 30
    np.testing.assert_allclose(pull[on], 0.5 * np.sign(model.coef_[on]), atol=1e-9)
    assert (np.abs(pull[~on]) <= 0.5).all()


@pytest.mark.parametrize("estimator", [PLR, AIPW])
@pytest.mark.parametrize("learner", [GramOLS(), GramRidge(penalties=[0.01])], ids=str)
def test_all_folds_at_once_are_one_fit_after_another(rng, estimator, learner):
    class OneByOne(type(learner)):
        predict_out_of_fold = property()  # not for `hasattr`

    X, t, y = binary(300, rng)
    other = LogisticRegression() if estimator is AIPW else learner
    slow = LogisticRegression() if estimator is AIPW else OneByOne(**learner.get_params())
    w = rng.integers(1, 3, 300)
    effects = [
        estimator(first, second, random_state=3).fit(X, y, t=t, sample_weight=w).effect_
        for first, second in ((learner, other), (OneByOne(**learner.get_params()), slow))
    ]
    assert effects[0].value == pytest.approx(effects[1].value, abs=1e-10)
    assert effects[0].std_error == pytest.approx(effects[1].std_error, abs=1e-10)


# --- awkward columns ------------------------------------------------------------------------------


@pytest.mark.parametrize("learner", LEARNERS, ids=str)
def test_collinear_constant_and_odd_columns_do_no_harm(rng, learner):
    n = 300
    X, t, y = linear(n, rng)
    lone = np.zeros(n)
    lone[0] = 1.0  # constant outside the fold of this row
    odd = [X[:, 0] * 1e-9, X[:, 1] * 1e9, X[:, 2] + 1e7, np.full(n, 0.1), lone, X.sum(axis=1)]
    more = np.column_stack([X, *odd])
    effect = PLR(learner, learner, random_state=0).fit(more, y, t=t).effect_
    assert 2 in effect.interval(0.999)


def test_units_do_not_matter(rng):
    X, t, y = linear(300, rng)
    shift, scale = np.array([1e5, -3.0, 0.0]), np.array([1e-8, 1e6, 3.0])
    for learner in LEARNERS:
        plr = PLR(learner, learner, random_state=0)
        plain, moved = (plr.fit(Z, y, t=t).effect_.value for Z in (X, X * scale + shift * scale))
        assert moved == pytest.approx(plain, rel=1e-8)


def test_more_columns_than_rows(rng):
    X = rng.normal(size=(60, 200))
    t = X[:, 0] + rng.normal(size=60)
    y = 2 * t + X[:, 0] + rng.normal(size=60)
    for learner in LEARNERS:
        effect = PLR(learner, learner, random_state=0).fit(X, y, t=t).effect_
        assert np.isfinite(effect.value)
        assert np.isfinite(effect.std_error)


# --- how they are used ----------------------------------------------------------------------------


@pytest.mark.parametrize("learner", LEARNERS, ids=str)
def test_reproducible_clonable_and_for_any_number_of_workers(rng, learner):
    X, t, y = linear(200, rng)
    plr = PLR(clone(learner), clone(learner), n_repeats=2, random_state=4)
    first = plr.fit(X, y, t=t).effect_
    again = clone(plr).set_params(n_jobs=2).fit(X, y, t=t).effect_
    assert (first.value, first.std_error) == (again.value, again.std_error)
    assert repr(learner) == f"{type(learner).__name__}()"


@pytest.mark.parametrize("learner", [GramRidge(), GramLasso()], ids=str)
def test_inner_folds_keep_clusters_whole(rng, learner):
    groups = np.repeat(np.arange(40), 5)
    hands = inner_folds(np.zeros(200, dtype=np.intp), np.ones(200, bool), groups, rng, 5)
    assert all(len(np.unique(hands[groups == g])) == 1 for g in range(40))
    X, t, y = linear(200, rng)
    effect = PLR(learner, learner, random_state=0).fit(X, y, t=t, groups=groups).effect_
    assert 2 in effect.interval(0.999)


def test_inner_folds_are_even_in_every_fold(rng):
    folds = assign_folds(3, rng, 100)
    hands = inner_folds(folds, np.ones(100, dtype=bool), None, rng, 5)
    sizes = [np.bincount(hands[folds == fold], minlength=5) for fold in range(3)]
    assert all(np.ptp(size) <= 1 for size in sizes)


@pytest.mark.parametrize("learner", [GramOLS, GramRidge, GramLasso])
def test_expanded_features_are_columns_like_others(rng, learner):
    X, t, y = linear(200, rng)
    inside, outside = learner(features=Powers(2)), learner()
    Z = Powers(2).fit_transform(X)
    own, given = (PLR(each, each, random_state=0, n_repeats=2) for each in (inside, outside))
    expected = given.fit(Z, y, t=t).effect_.value
    assert own.fit(X, y, t=t).effect_.value == pytest.approx(expected, rel=1e-12)
    if learner is not GramOLS:
        inside.set_params(random_state=0)
        outside.set_params(random_state=0)
    np.testing.assert_allclose(inside.fit(X, y).predict(X), outside.fit(Z, y).predict(Z))


def test_predictions_elsewhere(rng):
    X, t, y = linear(100, rng)
    problem, folds = Problem(y, t, X), assign_folds(5, rng, 100)
    D = np.column_stack([t, X])
    there = np.column_stack([t + 1, X])
    nuisance = Nuisance("y", y, GramOLS(), features=D, at={"more": there})
    ((here, more),) = GramOLS().predict_out_of_fold(
        problem, [nuisance], folds, seeds=[0], prepared={}, n_jobs=None
    )
    for fold in range(5):
        model = LinearRegression().fit(D[folds != fold], y[folds != fold])
        np.testing.assert_allclose(more[folds == fold], model.predict(there[folds == fold]))
        np.testing.assert_allclose(here[folds == fold], model.predict(D[folds == fold]))


def test_a_matrix_is_read_as_a_table_is_and_copied(rng):
    X, t, y = linear(100, rng)
    plr = PLR(GramOLS(), GramOLS(), random_state=0)
    matrix = plr.fit(X, y, t=t).effect_
    for other in (X.astype(object), np.asfortranarray(X), dict(zip("abc", X.T, strict=True))):
        assert plr.fit(other, y, t=t).effect_.value == matrix.value
    X[:] = 0.0
    assert matrix.problem.X.any()
    assert matrix.problem.adjustment == ("x0", "x1", "x2")


@pytest.mark.parametrize("learner", LEARNERS, ids=str)
def test_resampled_clusters_and_rare_arms_are_learnt_from(rng, learner):
    X, t, y = linear(60, rng)
    boot = PLR(learner, learner, random_state=0, inference=Bootstrap(5, random_state=0))
    assert np.isfinite(boot.fit(X, y, t=t, groups=np.arange(60) // 6).effect_.std_error)
    arm = (np.arange(60) % 10 == 0).astype(float)  # six rows
    aipw = AIPW(learner, LogisticRegression(C=1e-3), n_folds=3, random_state=0)
    assert np.isfinite(aipw.fit(X, y + arm, t=arm).effect_.std_error)


def test_learners_with_other_settings_are_kept_apart(rng):
    problem = table(rng)
    folds = assign_folds(3, rng, problem.n_obs)
    weak, strong = GramRidge(penalties=[1e-6]), GramRidge(penalties=[10.0])
    nuisances = [Nuisance("a", problem.y, weak), Nuisance("b", problem.y, strong)]
    (a,), (b,) = weak.predict_out_of_fold(
        problem, nuisances, folds, seeds=[0, 1], prepared={}, n_jobs=None
    )
    assert a.std() > 2 * b.std()


@pytest.mark.parametrize(
    "learner",
    [
        GramLasso(penalties=[0.1, -1.0]),
        GramLasso(penalties=[[0.1]]),
        GramRidge(penalties=[]),
        GramLasso(n_penalties=0),
        GramLasso(n_folds=1),
        GramLasso(smallest=2.0),
        GramLasso(tolerance=0.0),
        GramOLS(features="squares"),
    ],
    ids=str,
)
def test_settings_without_meaning_are_refused(rng, learner):
    X, t, y = linear(100, rng)
    with pytest.raises(InputError):
        PLR(learner, GramOLS()).fit(X, y, t=t)
    with pytest.raises(InputError):
        learner.fit(X, y)


def test_a_search_that_is_cut_short_says_so(rng):
    X, t, y = linear(100, rng)
    X = np.column_stack([X, X @ np.ones(3) + 1e-3 * rng.normal(size=100)])
    learner = GramLasso(max_sweeps=1)
    with pytest.warns(ConvergenceWarning, match="max_sweeps"):
        PLR(learner, learner, random_state=0).fit(X, y, t=t)


def test_squares_that_overflow_are_refused(rng):
    X, _, y = linear(100, rng)
    with pytest.raises(NumericalError, match="Rescale"):
        GramOLS().fit(X * 1e200, y)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@pytest.mark.parametrize("learner", LEARNERS, ids=str)
def test_scikit_learn_finds_nothing_wrong(learner):
    inner = "repeated rows fall into other inner folds than weighted ones"
    known = {} if isinstance(learner, GramOLS) else dict.fromkeys(WEIGHTS_ARE_REPEATS, inner)
    check_estimator(learner, expected_failed_checks=known)
