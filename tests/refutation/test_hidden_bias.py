"""Arithmetic of omitted-variable bias: an identity, published figures, a peer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalkit.errors import InputError
from causalkit.refutation import (
    Benchmark,
    HiddenBias,
    benchmark_strength,
    partial_r2,
    robustness_value,
)

# Cinelli & Hazlett (2020), section 5 and table 1: directly harmed → attitude to peace, Darfur;
# decimals from the tests of the authors' R package sensemakr.
ESTIMATE, STD_ERROR, DF = 0.09731582, 0.02325654, 783
FEMALE = (0.12464092, 0.00916429)  # strength of a hidden cause once as strong as "female"
ADJUSTED = {  # times: r2 outcome, r2 treatment, estimate, s.e., lower, upper
    1: (0.12464092, 0.00916429, 0.07522027, 0.02187333, 0.03228297, 0.11815758),
    2: (0.24932406, 0.01832857, 0.05291517, 0.02035006, 0.01296804, 0.09286231),
    3: (0.37405047, 0.02749286, 0.03039602, 0.01867006, -0.00625328, 0.06704533),
}

shares = st.floats(0.001, 0.9)


def darfur() -> HiddenBias:
    return HiddenBias.from_regression(ESTIMATE, STD_ERROR, df=DF)


def test_published_robustness_values():
    t = ESTIMATE / STD_ERROR
    assert partial_r2(t, DF) == pytest.approx(0.02187309, abs=1e-7)
    assert robustness_value(t, DF) == pytest.approx(0.138776, abs=1e-6)
    assert robustness_value(t, DF, alpha=0.05) == pytest.approx(0.07625797, abs=1e-7)
    # The rounded table of the paper: 0.097 (0.023) gives 13.9 %, 7.6 %, 2.2 %.
    assert round(100 * robustness_value(0.097 / 0.0232, 783), 1) == 13.9


def test_published_robustness_values_from_the_value():
    bias = darfur()
    assert bias.partial_r2() == pytest.approx(0.02187309, abs=1e-7)
    assert bias.robustness_value() == pytest.approx(0.138776, abs=1e-6)
    assert bias.robustness_value(alpha=0.05) == pytest.approx(0.07625797, abs=1e-7)


@pytest.mark.parametrize("times", ADJUSTED)
def test_published_adjusted_estimates(times):
    r2_outcome, r2_treatment, estimate, std_error, lower, upper = ADJUSTED[times]
    bias = darfur()
    assert bias.adjusted(r2_outcome, r2_treatment) == pytest.approx(estimate, abs=1e-7)
    interval = bias.interval(r2_outcome, r2_treatment)
    assert tuple(interval) == pytest.approx((lower, upper), abs=1e-6)
    assert bias._std_error(r2_outcome, r2_treatment) == pytest.approx(std_error, abs=1e-7)


@pytest.mark.parametrize("times", ADJUSTED)
def test_published_benchmarks_from_the_partial_r2_of_female(times):
    r2_treatment = FEMALE[1] / (1 + FEMALE[1])
    tie = r2_treatment**2 / (1 - r2_treatment) ** 2
    ratio = FEMALE[0] * (1 - tie) / (1 + np.sqrt(tie)) ** 2
    r2_outcome = ratio / (1 + ratio)
    assert r2_outcome == pytest.approx(0.109, abs=0.001)  # printed in the paper
    found = benchmark_strength(r2_outcome, r2_treatment, times=times)
    assert found == pytest.approx(ADJUSTED[times][:2], abs=1e-6)


def regression(design, target):
    coefficients, *_ = np.linalg.lstsq(design, target, rcond=None)
    residual = target - design @ coefficients
    variance = residual @ residual / (len(target) - design.shape[1])
    std_errors = np.sqrt(variance * np.diag(np.linalg.inv(design.T @ design)))
    return coefficients, std_errors, residual


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(12, 80),
    on_treatment=st.floats(-3, 3),
    on_outcome=st.floats(-3, 3),
)
def test_the_bias_and_the_standard_error_are_identities(seed, n, on_treatment, on_outcome):
    """With the sample's own R², leaving U out moves OLS exactly as the formula says."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([np.ones(n), rng.normal(size=(n, 2))])
    U = rng.normal(size=n) + X[:, 1]
    t = X[:, 1] + on_treatment * U + rng.normal(size=n)
    y = t - X[:, 2] + on_outcome * U + rng.normal(size=n)
    short, short_errors, y_left = regression(np.column_stack([t, X]), y)
    long, long_errors, y_last = regression(np.column_stack([t, X, U]), y)
    t_left = regression(X, t)[2]
    t_last = regression(np.column_stack([X, U]), t)[2]
    r2_outcome = 1 - y_last @ y_last / (y_left @ y_left)
    r2_treatment = 1 - t_last @ t_last / (t_left @ t_left)
    bias = HiddenBias.from_regression(short[0], short_errors[0], df=n - 4)
    assert bias.bias(r2_outcome, r2_treatment) == pytest.approx(
        abs(short[0] - long[0]), rel=1e-6, abs=1e-9
    )
    assert bias._std_error(r2_outcome, r2_treatment) == pytest.approx(long_errors[0], rel=1e-6)


@given(t=st.floats(-30, 30).filter(bool), df=st.integers(5, 5000), reduction=st.floats(0.1, 2))
def test_at_the_robustness_value_the_estimate_is_reduced_as_asked(t, df, reduction):
    bias = HiddenBias.from_regression(t, 1.0, df=df)
    r = bias.robustness_value(reduction=reduction)
    assert r == pytest.approx(robustness_value(t, df, reduction=reduction))
    assert bias.adjusted(r, r) == pytest.approx((1 - reduction) * t, abs=1e-6 * abs(t) + 1e-9)


@given(t=st.floats(2.5, 30), df=st.integers(200, 5000), alpha=st.floats(0.01, 0.2))
def test_at_the_robustness_value_the_interval_touches_zero(t, df, alpha):
    bias = HiddenBias.from_regression(t, 1.0, df=df)
    r = bias.robustness_value(alpha=alpha)
    assert r == pytest.approx(robustness_value(t, df, alpha=alpha))
    if r > 0:
        assert bias.interval(r, r, level=1 - alpha).lower == pytest.approx(0, abs=1e-6 * t)


@settings(deadline=None, max_examples=15)
@given(t=st.floats(40, 400), df=st.integers(5, 20))
def test_an_extreme_robustness_value_is_the_least_strength_that_suffices(t, df):
    """Search: no pair of strengths below it brings the interval to zero, one at it does."""
    bias = HiddenBias.from_regression(t, 1.0, df=df)
    r = bias.robustness_value(alpha=0.05)
    grid = np.linspace(0, 1, 200)
    assert min(bias.interval(x * r, r).lower for x in grid) == pytest.approx(0, abs=0.02 * t)
    assert all(bias.interval(0.99 * x * r, 0.99 * r).lower > 0 for x in grid)


@given(r2_outcome=shares, r2_treatment=shares, more=st.floats(0.0001, 0.09))
def test_stronger_causes_do_more_harm(r2_outcome, r2_treatment, more):
    bias = darfur()
    worse = bias.bias(r2_outcome + more, r2_treatment + more)
    assert worse > bias.bias(r2_outcome, r2_treatment)
    lower, upper = bias.bounds(r2_outcome, r2_treatment)
    assert (lower + upper) / 2 == pytest.approx(ESTIMATE)


@given(scale=st.floats(-1e6, 1e6).filter(lambda a: abs(a) > 1e-6), r=shares)
def test_units_do_not_matter(scale, r):
    rescaled = HiddenBias.from_regression(scale * ESTIMATE, abs(scale) * STD_ERROR, df=DF)
    assert rescaled.robustness_value() == pytest.approx(darfur().robustness_value())
    assert rescaled.adjusted(r, r) == pytest.approx(scale * darfur().adjusted(r, r), rel=1e-6)


def test_extremes():
    bias = darfur()
    assert bias.bias(0.0, 1.0) == 0
    assert bias.bias(0.5, 1.0) == np.inf
    assert HiddenBias.from_regression(0.0, 1.0, df=10).robustness_value() == 0
    assert robustness_value(1.0, 100, alpha=0.05) == 0
    assert benchmark_strength(0.0, 0.0) == (0.0, 0.0)
    assert benchmark_strength(1.0, 0.2)[0] == 1.0


def test_contours_are_the_adjusted_estimates():
    bias = darfur()
    r2_treatment, r2_outcome, adjusted = bias.contours(limit=0.4, n_points=5)
    for i, a in enumerate(r2_outcome):
        for j, b in enumerate(r2_treatment):
            assert adjusted[i, j] == pytest.approx(bias.adjusted(a, b))


def test_it_prints_and_draws():
    import matplotlib as mpl

    mpl.use("Agg")
    marked = HiddenBias.from_regression(
        ESTIMATE, STD_ERROR, df=DF, benchmarks=[Benchmark("female", *FEMALE)]
    )
    assert "13.9%" in repr(marked)
    assert "female" in repr(marked)
    assert "<table" in marked._repr_html_()
    axes = marked.plot()
    assert any("female" in text.get_text() for text in axes.texts)
    mpl.pyplot.close("all")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: robustness_value(2.0, 0), "degrees of freedom"),
        (lambda: robustness_value(2.0, 1, alpha=0.05), "degrees of freedom"),
        (lambda: robustness_value(2.0, 10, alpha=5), "alpha=5"),
        (lambda: robustness_value(2.0, 10, reduction=0), "reduction=0"),
        (lambda: darfur().robustness_value(reduction=-1), "reduction=-1"),
        (lambda: darfur().bias(1.2, 0.1), "r2_outcome=1.2"),
        (lambda: darfur().interval(0.1, -0.1), "r2_treatment=-0.1"),
        (lambda: HiddenBias.from_regression(1.0, 0.0, df=10), "std_error=0.0"),
        (lambda: benchmark_strength(0.1, 0.6), "Ask for less"),
        (lambda: benchmark_strength(0.1, 0.1, times=0), "times=0"),
    ],
)
def test_errors_say_what_to_do(call, message):
    with pytest.raises(InputError, match=message):
        call()


@pytest.mark.filterwarnings("ignore:divide by zero")
def test_it_agrees_with_sensemakr():
    sensemakr = pytest.importorskip("sensemakr")
    for t, df in [(4.18, 783), (2.2, 50), (90.0, 8), (1.5, 300)]:
        for alpha in (1.0, 0.05):
            theirs = sensemakr.robustness_value(t_statistic=t, dof=df, alpha=alpha)
            ours = robustness_value(t, df, alpha=None if alpha == 1 else alpha)
            assert ours == pytest.approx(float(theirs.iloc[0]), abs=1e-12)


def test_benchmark_strengths_agree_with_sensemakr():
    sensemakr = pytest.importorskip("sensemakr")
    for r2_outcome, r2_treatment, times in [(0.2, 0.1, 1), (0.2, 0.1, 2), (0.01, 0.3, 1.5)]:
        theirs = sensemakr.ovb_partial_r2_bound(
            r2dxj_x=r2_treatment, r2yxj_dx=r2_outcome, kd=times, ky=times
        )
        expected = theirs[["r2yz_dx", "r2dz_x"]].to_numpy()[0]
        ours = benchmark_strength(r2_outcome, r2_treatment, times=times)
        assert ours == pytest.approx(tuple(expected), rel=1e-10)
