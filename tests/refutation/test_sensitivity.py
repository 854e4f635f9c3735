"""`sensitivity`: the leftovers of each estimator, benchmarks, agreement with peers."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.preprocessing import PolynomialFeatures

from causalkit.errors import InputError, UnknownVariableError
from causalkit.estimation import AIPW, IPW, OLS, PLR, Asymptotic, Effect, GComputation, Powers
from causalkit.estimation.inference import standard_error
from causalkit.refutation import HiddenCommonCause, refute, sensitivity
from causalkit.refutation.leftovers import leftovers_of
from tests.refutation.designs import (
    continuous_design,
    fitted,
    light_aipw,
    light_plr,
    linear_design,
)


def residual(design, target):
    return target - design @ np.linalg.lstsq(design, target, rcond=None)[0]


# --- leftovers -----------------------------------------------------------------------------------


def test_ols_matches_the_formulas_on_a_regression_table():
    """The classical table of statsmodels (t statistic, df) gives the same robustness value."""
    import statsmodels.api as sm

    from causalkit.refutation import robustness_value

    X, y, t = continuous_design(np.random.default_rng(0))
    table = sm.OLS(y, sm.add_constant(np.column_stack([t, X]))).fit()
    bias = sensitivity(fitted(OLS(), (X, y, t)))
    assert bias.df == table.df_resid
    assert bias.bias_scale == pytest.approx(table.bse[1] * np.sqrt(table.df_resid))
    assert bias.robustness_value() == pytest.approx(
        robustness_value(table.tvalues[1], table.df_resid)
    )
    assert "exact" in bias.formula


@pytest.mark.parametrize("estimator", [OLS(), PLR(LinearRegression(), LinearRegression())])
def test_leaving_a_column_out_moves_the_estimate_by_the_formula(estimator):
    """Pretend a measured column was hidden: the true strengths give the true move."""
    X, y, t = continuous_design(np.random.default_rng(1), n=4000)
    short = fitted(estimator.set_params(), (X[:, 1:], y, t))
    long = fitted(OLS(), (X, y, t))
    one = np.ones((4000, 1))
    e_short = residual(np.hstack([one, t[:, None], X[:, 1:]]), y)
    e_long = residual(np.hstack([one, t[:, None], X]), y)
    v_short, v_long = (residual(np.hstack([one, Z]), t) for Z in (X[:, 1:], X))
    strengths = 1 - e_long.var() / e_short.var(), 1 - v_long.var() / v_short.var()
    bias = sensitivity(short, benchmarks=())
    assert bias.bias(*strengths) == pytest.approx(abs(short.value - long.value), rel=0.03)


@pytest.mark.parametrize("target", ["ATE", "ATT"])
def test_the_interactive_bound_holds_for_a_cause_that_was_hidden(target):
    """Strengths from the truth, bound ≥ actual bias of AIPW without the confounder U."""
    rng = np.random.default_rng(2)
    n = 40_000
    x, u = rng.normal(size=(2, n))
    logit = 0.5 * x + 0.7 * u
    p_long = 1 / (1 + np.exp(-logit))
    t = (rng.random(n) < p_long).astype(float)
    y = t * (1 + 0.3 * x) + x + 0.8 * u + rng.normal(size=n)
    learners = LinearRegression(), LogisticRegression(C=np.inf)
    short = fitted(AIPW(*learners, target=target, random_state=0), (x[:, None], y, t))
    long = fitted(AIPW(*learners, target=target, random_state=0), (np.c_[x, u], y, t))
    left, all_left = leftovers_of(short), leftovers_of(long)
    r2_outcome = 1 - all_left.sigma2 / left.sigma2
    r2_treatment = 1 - left.nu2 / all_left.nu2
    actual = abs(short.value - long.value)
    bound = sensitivity(short, benchmarks=()).bias(r2_outcome, r2_treatment)
    assert actual > 0.2
    assert actual <= bound <= 1.6 * actual


@pytest.mark.filterwarnings("ignore:the standard error rests on")
@pytest.mark.parametrize("estimator", [OLS(), light_plr()])
def test_few_clusters_have_the_interval_of_the_effect(estimator):
    data = continuous_design(np.random.default_rng(20), n=160)
    effect = fitted(estimator, data, groups=np.arange(160) // 20)
    assert tuple(sensitivity(effect, benchmarks=()).interval(0, 0)) == pytest.approx(
        tuple(effect.interval()), rel=0.01
    )


def test_a_bound_of_frequency_weighted_rows_is_that_of_the_repeated_rows():
    X, y, t = continuous_design(np.random.default_rng(21), n=100)
    counts = np.random.default_rng(22).integers(1, 50, size=100)
    plr = light_plr(inference=Asymptotic("frequency"))
    effect = fitted(plr, (X, y, t), sample_weight=counts)
    found = standard_error(sensitivity(effect, benchmarks=()).scale_influence)
    scores = np.repeat(leftovers_of(effect).scale_influence, counts)
    assert found == pytest.approx(standard_error(scores))
    ols = fitted(OLS(inference=Asymptotic("frequency")), (X, y, t), sample_weight=counts)
    assert sensitivity(ols, benchmarks=()).df == counts.sum() - 5


def test_scale_is_the_effects():
    """Units of the outcome scale the bias; a contrast of two doses, too."""
    X, y, t = continuous_design(np.random.default_rng(3))
    plain = sensitivity(fitted(OLS(), (X, y, t)))
    tens = sensitivity(fitted(OLS(), (X, 10 * y, t)))
    doses = sensitivity(fitted(OLS(contrast=(1.0, 4.0)), (X, y, t)))
    assert tens.bias_scale == pytest.approx(10 * plain.bias_scale)
    assert doses.bias_scale == pytest.approx(3 * plain.bias_scale)
    assert doses.robustness_value() == pytest.approx(plain.robustness_value())


def test_weights_are_repeated_rows():
    X, y, t = continuous_design(np.random.default_rng(4), n=200)
    w = np.random.default_rng(5).integers(1, 4, size=200)
    folded = sensitivity(fitted(OLS(), (X, y, t), sample_weight=w))
    rows = np.repeat(np.arange(200), w)
    repeated = sensitivity(fitted(OLS(), (X[rows], y[rows], t[rows])))
    assert folded.bias_scale == pytest.approx(repeated.bias_scale)
    assert folded.robustness_value() == pytest.approx(repeated.robustness_value())


@pytest.mark.parametrize("estimator", [IPW(), GComputation()])
def test_other_estimators_get_the_linear_approximation_and_say_so(estimator):
    data = linear_design(np.random.default_rng(6))
    effect = fitted(estimator, data)
    bias = sensitivity(effect)
    assert "approximation" in bias.formula
    assert bias.bias_scale == pytest.approx(sensitivity(fitted(OLS(), data)).bias_scale)
    assert (bias.estimate, bias.std_error) == (effect.value, effect.std_error)
    (found,) = refute(effect, HiddenCommonCause())
    assert "linear approximation" in found.sentence


def test_features_are_adjusted_for():
    X, y, t = continuous_design(np.random.default_rng(7))
    effect = fitted(OLS(features=Powers(2)), (X, y, t))
    expanded = np.hstack([np.ones((len(y), 1)), X, X**2])
    v = residual(expanded, t)
    e = residual(np.hstack([expanded, t[:, None]]), y)
    assert sensitivity(effect).bias_scale == pytest.approx(np.std(e) / np.std(v))
    poly = fitted(OLS(features=PolynomialFeatures(2)), (X, y, t))
    assert sensitivity(poly).df == 400 - 1 - 10


# --- benchmarks ----------------------------------------------------------------------------------


def test_benchmarks_of_ols_are_partial_r2():
    """Against partial R² from residuals on residuals, column by column."""
    from causalkit.refutation import benchmark_strength

    X, y, t = continuous_design(np.random.default_rng(8))
    bias = sensitivity(fitted(OLS(), (X, y, t)))
    assert {b.label for b in bias.benchmarks} == {"x0", "x1", "x2"}
    for b in bias.benchmarks:
        k = int(b.label[1])
        others = np.hstack([np.ones((400, 1)), np.delete(X, k, axis=1)])
        r_t = np.corrcoef(residual(others, t), residual(others, X[:, k]))[0, 1]
        with_t = np.hstack([others, t[:, None]])
        r_y = np.corrcoef(residual(with_t, y), residual(with_t, X[:, k]))[0, 1]
        assert (b.r2_outcome, b.r2_treatment) == pytest.approx(
            benchmark_strength(r_y**2, r_t**2), rel=1e-6
        )
        short = fitted(OLS(), (np.delete(X, k, axis=1), y, t))
        assert b.shift == pytest.approx(short.value - bias.estimate)
    harm = [bias.bias(b.r2_outcome, b.r2_treatment) for b in bias.benchmarks]
    assert harm == sorted(harm, reverse=True)


def test_categories_and_groups_are_one_benchmark():
    import pandas as pd

    rng = np.random.default_rng(9)
    frame = pd.DataFrame(
        {
            "region": pd.Categorical(rng.choice(list("abc"), size=500)),
            "age": rng.normal(size=500),
            "income": rng.normal(size=500),
        }
    )
    t = frame["age"].to_numpy() + rng.normal(size=500)
    y = t + (frame["region"] == "b").to_numpy() + rng.normal(size=500)
    effect = OLS().fit(frame, y, t=t).effect_
    labels = {b.label.split(" × ")[-1] for b in sensitivity(effect).benchmarks}
    assert labels == {"region", "age", "income"}
    (pair,) = sensitivity(effect, benchmarks=[("region", "income")]).benchmarks
    assert pair.label == "region & income"
    (one,) = sensitivity(effect, benchmarks="region=b").benchmarks
    assert one.r2_outcome <= pair.r2_outcome
    with pytest.raises(UnknownVariableError, match="income"):
        sensitivity(effect, benchmarks="incom")


def test_a_benchmark_too_strong_to_have_a_twin_is_scaled_down():
    rng = np.random.default_rng(10)
    x = rng.normal(size=300)
    t = 3 * x + rng.normal(size=300)
    y = t + x + rng.normal(size=300)
    (found,) = sensitivity(fitted(OLS(), (x[:, None], y, t))).benchmarks
    assert found.r2_treatment == pytest.approx(0.95)
    assert " × x0" in found.label


def test_only_the_leading_columns_are_refitted_unless_asked():
    data = continuous_design(np.random.default_rng(11), n=300, k=5)
    effect = fitted(light_plr(), data)
    assert len(sensitivity(effect, n_benchmarks=2).benchmarks) == 2
    assert len(sensitivity(effect, benchmarks=["x2", "x3", "x4"]).benchmarks) == 3
    leading = {b.label for b in sensitivity(effect, n_benchmarks=1).benchmarks}
    assert leading == {"x0"}


# --- DoubleML ------------------------------------------------------------------------------------


def same_folds(effect):
    folds = effect.details["folds"][0]
    rows = np.arange(len(folds))
    return [[(rows[folds != k], rows[folds == k]) for k in np.unique(folds)]]


def peer(kind, data, effect):
    """DoubleML with our folds and learners."""
    dml = pytest.importorskip("doubleml", exc_type=ImportError)

    X, y, t = data
    box = dml.DoubleMLData.from_arrays(X, y, t)
    if kind == "PLR":
        model = dml.DoubleMLPLR(box, LinearRegression(), LinearRegression())
    else:
        model = dml.DoubleMLIRM(box, LinearRegression(), LogisticRegression())
    model.set_sample_splitting(same_folds(effect))
    model.fit()
    return model


def weighted_lower_bound(kind, effect, w, k):
    """θ − kS with the rows weighted by w and the predictions as they are, from the definitions."""
    problem, found = effect.problem, effect.details["predictions"]
    y, t = problem.y, problem.t

    def mean(a):
        return np.average(a, weights=w)

    if kind == "PLR":
        v, u = t - found["treatment"], y - found["outcome"]
        theta = mean(v * u) / mean(v * v)
        return theta - k * np.sqrt(mean((u - theta * v) ** 2) / mean(v * v))
    m, g1, g0 = found["treatment"][:, 1], found["outcome_treated"], found["outcome_control"]
    alpha = t / m - (1 - t) / (1 - m)
    e = y - np.where(t == 1, g1, g0)
    nu2 = mean(2 * (1 / m + 1 / (1 - m)) - alpha**2)
    return mean(g1 - g0 + alpha * e) - k * np.sqrt(mean(e**2) * nu2)


@pytest.mark.parametrize("kind", ["PLR", "IRM"])
def test_influence_of_a_bound_is_its_derivative(kind):
    """Oracle: move the weight of one row a little, and see how the bound moves."""
    if kind == "PLR":
        effect = fitted(light_plr(), continuous_design(np.random.default_rng(16), n=120))
    else:
        effect = fitted(light_aipw(clip=0.0), linear_design(np.random.default_rng(16), n=120))
    bias, k = sensitivity(effect, benchmarks=()), 0.4
    moved = np.empty(120)
    for i in range(120):
        w = np.ones(120)
        ends = []
        for h in (1e-5, -1e-5):
            w[i] = 1 + h
            ends.append(weighted_lower_bound(kind, effect, w, k))
        moved[i] = 120 * (ends[0] - ends[1]) / 2e-5
    ours = bias.influence - k * bias.scale_influence
    assert effect.value - k * bias.bias_scale == pytest.approx(
        weighted_lower_bound(kind, effect, np.ones(120), k)
    )
    # The residual's own dependence on θ is of second order at the cross-fitted predictions.
    assert ours == pytest.approx(moved, abs=0.02 * np.abs(moved).max())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["PLR", "IRM"])
def test_bounds_and_robustness_values_agree_with_doubleml(kind):
    """Bounds, robustness value and standard errors of bounds.

    DoubleML 0.11 divides its scores by E[ψ_a] = −1 or −E[v²], which flips their sign, and then adds
    those of S: its lower bound has the standard error of the upper one, and the reverse. The test
    above shows which is right; here theirs is compared with ours of the other bound. Its intervals
    are one-sided.
    """
    if kind == "PLR":
        data = continuous_design(np.random.default_rng(13), n=600)
        effect = fitted(light_plr(), data)
    else:
        data = linear_design(np.random.default_rng(13), n=600)
        effect = fitted(light_aipw(), data)
    model = peer(kind, data, effect)
    assert effect.value == pytest.approx(model.coef[0], rel=1e-8)
    model.sensitivity_analysis(cf_y=0.04, cf_d=0.06, level=0.95)
    theirs = model.sensitivity_params
    bias = sensitivity(effect, benchmarks=())
    assert bias.bounds(0.04, 0.06) == pytest.approx(
        (theirs["theta"]["lower"][0], theirs["theta"]["upper"][0]), rel=1e-8
    )
    assert bias.robustness_value() == pytest.approx(theirs["rv"][0], abs=1e-5)
    k = np.sqrt(0.04 * 0.06 / 0.94)
    for end, sign in (("lower", 1), ("upper", -1)):
        ours = standard_error(bias.influence + sign * k * bias.scale_influence)
        assert ours == pytest.approx(theirs["se"][end][0], rel=1e-8)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["PLR", "IRM"])
def test_benchmarks_agree_with_doubleml(kind):
    gains = pytest.importorskip("doubleml.utils", exc_type=ImportError).gain_statistics

    if kind == "PLR":
        X, y, t = continuous_design(np.random.default_rng(14), n=600)
        estimator = light_plr()
    else:
        X, y, t = linear_design(np.random.default_rng(14), n=600)
        estimator = light_aipw()
    effect = fitted(estimator, (X, y, t))
    short = fitted(estimator, (X[:, 1:], y, t))
    theirs = gains(peer(kind, (X, y, t), effect), peer(kind, (X[:, 1:], y, t), short))
    (ours,) = sensitivity(effect, benchmarks="x0").benchmarks
    assert ours.r2_outcome == pytest.approx(float(theirs["cf_y"][0]), rel=1e-6)
    # Theirs for IRM is the gain in E[α²]; ours, in the propensity's squared error, is steadier.
    tolerance = 1e-6 if kind == "PLR" else 0.3
    assert ours.r2_treatment == pytest.approx(float(theirs["cf_d"][0]), rel=tolerance)
    assert ours.shift == pytest.approx(short.value - effect.value)


# --- verdicts ------------------------------------------------------------------------------------


def test_verdicts_of_the_check():
    rng = np.random.default_rng(15)
    X = rng.normal(size=(800, 2))
    t = 0.1 * X[:, 0] + rng.normal(size=800)
    sturdy = fitted(OLS(), (X, t + 0.2 * X[:, 0] + rng.normal(size=800), t))
    (found,) = refute(sturdy, HiddenCommonCause())
    assert found.passes
    assert "does not show that there is no hidden" in found.sentence
    (twenty,) = refute(sturdy, HiddenCommonCause(times=40, benchmark="x0"))
    assert twenty.fails
    t = 0.6 * X[:, 0] + rng.normal(size=800)
    flimsy = fitted(OLS(), (X, 0.1 * t + 0.5 * X[:, 0] + rng.normal(size=800), t))
    (found,) = refute(flimsy, HiddenCommonCause())
    assert found.fails
    assert "x0" in found.sentence
    null = fitted(OLS(), (X, rng.normal(size=800), rng.normal(size=800)))
    if 0 in null.interval():
        (found,) = refute(null, HiddenCommonCause())
        assert found.verdict == "not informative"
    alone = OLS().fit(None, t + rng.normal(size=800), t=t).effect_
    (found,) = refute(alone, HiddenCommonCause())
    assert found.verdict == "not informative"
    assert found.details["robustness_value"] > 0.3


def test_errors():
    with pytest.raises(InputError, match="no estimator"):
        sensitivity(Effect(1.0, 0.1, 10, "by hand"))
    with pytest.raises(InputError, match="times=0"):
        HiddenCommonCause(times=0)
    with pytest.raises(InputError, match="level=2"):
        HiddenCommonCause(level=2)


def test_a_misspelt_benchmark_is_an_error_and_too_few_rows_are_not():
    rng = np.random.default_rng(17)
    effect = fitted(OLS(), continuous_design(rng))
    with pytest.raises(UnknownVariableError, match="x9"):
        refute(effect, HiddenCommonCause(benchmark="x9"))
    few = fitted(OLS(), continuous_design(rng, n=6))
    (found,) = refute(few, HiddenCommonCause())
    assert found.verdict == "not informative"
    assert "degrees of freedom" in found.sentence


def test_more_columns_than_rows_are_fine_for_a_cross_fitted_effect():
    from sklearn.linear_model import Ridge

    rng = np.random.default_rng(18)
    X = rng.normal(size=(60, 80))
    t = X[:, 0] + rng.normal(size=60)
    y = t + X[:, 0] + rng.normal(size=60)
    effect = fitted(PLR(Ridge(30.0), Ridge(30.0), random_state=0), (X, y, t))
    bias = sensitivity(effect, n_benchmarks=2)
    assert [b.label for b in bias.benchmarks] in (["x0", "x1"], ["x1", "x0"])
