"""Intervals of what differs cover: 500 data sets each, where the assumptions hold.

95 % intervals of 500 data sets cover in 92 to 97 % of them; the share has a Monte Carlo standard
error of 1 percentage point.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm
from sklearn.linear_model import LinearRegression, LogisticRegression

from causalkit.estimation import (
    AIPW,
    Bootstrap,
    CausalForest,
    DRLearner,
    LinearDML,
    OrthoIV,
    PolicyTree,
    SparseLinearDML,
    TLearner,
    calibrate_effects,
    effect_scores,
    group_effects,
    policy_value,
    project_effects,
    rank_weighted_effect,
)

pytestmark = [
    pytest.mark.slow,
    # Of 500 data sets a few look by chance as if something were left over.
    pytest.mark.filterwarnings("ignore::causalkit.errors.NuisanceWarning"),
]

N_SETS = 500
LINE, LOGIT = LinearRegression(), LogisticRegression(solver="newton-cholesky")
BOTH = {"outcome_learner": LINE, "treatment_learner": LOGIT, "n_folds": 2, "random_state": 0}


def trial(n, rng, k=3, *, slope=1.0):
    """Effect 1 + slope x₀, outcome linear, propensity logistic."""
    X = rng.normal(size=(n, k))
    t = rng.random(n) < 1 / (1 + np.exp(-0.5 * X[:, 0]))
    return X, t, t * (1 + slope * X[:, 0]) + X[:, 0] - X[:, 1] + rng.normal(size=n)


def covered(find, truth):
    """Share of data sets in which each of the intervals that `find(rng)` gives holds its truth."""
    hits = []
    for rng in np.random.default_rng(0).spawn(N_SETS):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ends = np.atleast_2d(find(rng))
        hits.append((ends[:, 0] <= truth) & (truth <= ends[:, 1]))
    return np.mean(hits, axis=0)


def without_average(estimator):
    """The same estimator, which leaves out the average effect: half of the time."""
    kind = type(estimator)
    quick = type(kind.__name__, (kind,), {"solve": kind._check, "__init__": kind.__init__})
    return quick(**estimator.get_params(deep=False))


ESTIMATORS = {
    "LinearDML": (LinearDML(**BOTH), 3),
    "SparseLinearDML": (SparseLinearDML(**BOTH), 6),
    "DRLearner": (DRLearner(**BOTH), 3),
}


@pytest.mark.parametrize("name", ESTIMATORS)
def test_intervals_of_linear_effects_cover(name):
    estimator, k = without_average(ESTIMATORS[name][0]), ESTIMATORS[name][1]
    at = np.zeros((2, k))
    at[1, 0] = 1.0

    def find(rng):
        X, t, y = trial(500, rng, k)
        return estimator.fit(X, y, t=t).interval(at)

    share = covered(find, np.array([1.0, 2.0]))
    # Six shares, of which the largest may be a standard error beyond 97 %.
    assert ((share >= 0.92) & (share <= 0.98)).all(), share


def test_intervals_of_linear_effects_by_an_instrument_cover():
    estimator = without_average(OrthoIV(LINE, LINE, LINE, n_folds=2, random_state=0))

    def find(rng):
        X, z, hidden = rng.normal(size=(500, 2)), rng.normal(size=500), rng.normal(size=500)
        t = z + X[:, 1] + hidden + rng.normal(size=500)
        y = t * (1 + X[:, 0]) - 2 * hidden + rng.normal(size=500)
        return estimator.fit(X, y, t=t, z=z).interval(np.array([[0.0, 0.0], [1.0, 0.0]]))

    share = covered(find, np.array([1.0, 2.0]))
    assert ((share >= 0.92) & (share <= 0.97)).all(), share


@pytest.mark.parametrize("name", ["causal forest", "score forest"])
def test_intervals_of_forests_cover_where_the_effect_is_flat(name):
    options = {**BOTH, "n_trees": 48}
    estimator = without_average(
        CausalForest(**options) if name == "causal forest" else DRLearner(final="forest", **options)
    )

    def find(rng):
        X, t, y = trial(300, rng, slope=0.0)
        return estimator.fit(X, y, t=t).interval(np.array([[0.0, 0.0, 0.0], [0.5, 0.0, -0.5]]))

    share = covered(find, np.array([1.0, 1.0]))
    # A forest may cover more: its variance is that of small bags of trees, with their own noise.
    assert ((share >= 0.92) & (share <= 0.99)).all(), share


def test_the_bootstrap_of_clusters_covers():
    estimator = without_average(TLearner(LINE))
    groups = np.repeat(np.arange(60), 5)

    def find(rng):
        X = rng.normal(size=(300, 1))
        own = rng.normal(size=(2, 60))[:, groups]
        t = (rng.random(60) < 0.5)[groups]
        y = t * (1 + X[:, 0] + own[0]) + own[1] + rng.normal(size=300)
        estimator.set_params(inference=Bootstrap(20, random_state=int(rng.integers(2**31))))
        return estimator.fit(X, y, t=t, groups=groups).interval(np.zeros((1, 1)))

    share = covered(find, np.array([1.0]))
    # 20 resamples know a standard error to 16 %, which costs 1.5 percentage points.
    assert 0.905 <= share[0] <= 0.97, share


def scored(rng, slope=1.0, n=600):
    X, t, y = trial(n, rng, slope=slope)
    return X, effect_scores(AIPW(LINE, LOGIT, n_folds=2, random_state=0).fit(X, y, t=t).effect_)


def ranked_truths():
    """AUTOC, Qini and TOC(0.2) of an effect that is normal and ranks by itself."""

    def toc(q):
        return norm.pdf(norm.ppf(1 - q)) / q

    return quad(toc, 0, 1)[0], quad(lambda q: q * toc(q), 0, 1)[0], toc(0.2)


def test_what_is_said_of_rankings_and_lines_and_policies_covers():
    autoc, qini, top = ranked_truths()
    assert qini == pytest.approx(1 / (2 * np.sqrt(np.pi)))
    names = ["autoc", "qini", "toc", "slope", "calibrated mean", "spread", "policy"]

    def find(rng):
        X, scores = scored(rng)
        ranks = [rank_weighted_effect(X[:, 0], scores, weighting=w) for w in ("autoc", "qini")]
        line = project_effects(X, scores)
        calibrated = calibrate_effects(1 + X[:, 0], scores)
        return np.array(
            [
                *(tuple(rank.interval()) for rank in ranks),
                ranks[0].curve(joint=False)[3],
                tuple(line.interval("x0")),
                tuple(calibrated.interval("mean")),
                tuple(calibrated.interval("spread")),
                tuple(policy_value(X[:, 0] > -1, scores).gain_over(0).interval()),
            ]
        )

    policy = norm.cdf(1) + norm.pdf(1)
    share = covered(find, np.array([autoc, qini, top, 1.0, 1.0, 1.0, policy]))
    assert ((share >= 0.92) & (share <= 0.975)).all(), dict(zip(names, share, strict=True))


def test_bands_hold_at_once():
    hits = []
    shares = np.linspace(0, 1, 21)[1:]
    toc = norm.pdf(norm.ppf(1 - shares)) / shares
    for rng in np.random.default_rng(0).spawn(N_SETS):
        X, scores = scored(rng)
        found = group_effects(X[:, 0], scores)
        cuts = np.quantile(X[:, 0], [0.2, 0.4, 0.6, 0.8])
        ends = np.array([-np.inf, *cuts, np.inf])
        truth = 1 + -np.diff(norm.pdf(ends)) / np.diff(norm.cdf(ends))
        at = np.column_stack([np.linspace(-2, 2, 9), np.zeros(9), np.zeros(9)])
        bands = [
            (found.interval(), truth),
            (rank_weighted_effect(X[:, 0], scores).curve()[:-1], toc[:-1]),
            (project_effects(X, scores).band(at), 1 + at[:, 0]),
        ]
        hits.append([((b[:, 0] <= v) & (v <= b[:, 1])).all() for b, v in bands])
    share = np.mean(hits, axis=0)
    assert ((share >= 0.92) & (share <= 0.975)).all(), share


def test_where_nobody_gains_more_nothing_is_found():
    """Rejections at 5 %: of a fixed ranking, and of one that was learnt from the parts before."""
    found = []
    for rng in np.random.default_rng(0).spawn(N_SETS):
        X, t, y = trial(600, rng, slope=0.0)
        scores = effect_scores(AIPW(LINE, LOGIT, n_folds=2, random_state=0).fit(X, y, t=t).effect_)
        learner = TLearner(LINE, random_state=0)
        learnt = learner.predict_out_of_fold(X, y, t=t, sequential=True)
        tests = [
            rank_weighted_effect(X[:, 1], scores).p_value(),
            rank_weighted_effect(X[:, 1], scores, weighting="qini").p_value(),
            group_effects(X[:, 1], scores).heterogeneity_p_value,
            project_effects(X, scores).heterogeneity_p_value,
            rank_weighted_effect(learnt, scores).p_value(),
            group_effects(learnt, scores).heterogeneity_p_value,
            calibrate_effects(learnt, scores).p_value("spread", alternative="greater"),
        ]
        found.append(np.array(tests) < 0.05)
    share = np.mean(found, axis=0)
    # Seven shares: the furthest of them may be three Monte Carlo errors from 5 %.
    assert ((share[:-1] >= 0.02) & (share[:-1] <= 0.08)).all(), share
    assert share[-1] <= 0.075, share


def test_the_regret_stays_below_its_bound():
    """The best tree of depth one treats where x₀ > −1; its value is known."""
    kept = []
    for rng in np.random.default_rng(0).spawn(100):
        X, scores = scored(rng, n=300)
        tree = PolicyTree(max_depth=1, n_cuts=20, random_state=0).fit(X, scores)
        bound = tree.regret_bound(X, scores, n_draws=40)
        fresh = rng.normal(size=(20_000, 3))
        gain = np.mean((1 + fresh[:, 0]) * tree.predict(fresh))
        kept.append(norm.cdf(1) + norm.pdf(1) - gain <= bound)
    assert np.mean(kept) >= 0.95
