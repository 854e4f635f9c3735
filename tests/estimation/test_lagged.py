"""Effects over time from raw series: the design, its borders, and standard errors over time."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pandas as pd
import polars as pl
import pytest
import statsmodels.api as sm
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import LinearRegression

from causalkit.errors import CausalkitError, InputError, UnknownVariableError
from causalkit.estimation import (
    AIPW,
    HAC,
    OLS,
    PLR,
    Bootstrap,
    Effect,
    EffectSet,
    MovingBlocks,
    Steps,
    estimate_response,
)
from causalkit.graph import LaggedGraph
from causalkit.identification import identify, sustained
from causalkit.models import StructuralVAR
from causalkit.workflow.responses import impulse_response
from tests.oracles.effects_over_time import total_effect

# Z confounds X and Y and drives itself; X drives itself; Y does not, but its noise U does.
NAMES = ("X", "Y", "Z", "U")
WEIGHTS = np.zeros((2, 4, 4))
WEIGHTS[1][[0, 2, 3], [0, 2, 3]] = 0.5, 0.6, 0.7
WEIGHTS[1][[0, 2], 1] = 0.4, 0.5
WEIGHTS[0][[2, 3], [0, 1]] = 0.5, 1.0
MODEL = StructuralVAR(NAMES, WEIGHTS)
GRAPH = MODEL.graph
SEEN = NAMES[:3]


def drawn(n=400, seed=0):
    return pd.DataFrame(MODEL.sample(n, rng=seed))[list(SEEN)]


def asked(lag=1, outcome="Y"):
    return identify(GRAPH, f"X[t-{lag}]", outcome, observed=SEEN)


def normal_equations(frame, y, columns):
    """Coefficients with an intercept, by least squares."""
    X = np.column_stack([np.ones(len(frame)), frame[columns]])
    return np.linalg.lstsq(X, frame[y], rcond=None)[0][1:]


def shifted(frame, nodes):
    """Columns `X[t-2]` by shifting a frame, rows with holes dropped."""
    return pd.DataFrame({str(v): frame[v.name].shift(v.lag) for v in nodes}).dropna()


# --- the design -----------------------------------------------------------------------------------


@pytest.mark.parametrize("lag", [1, 2, 3])
def test_the_effect_is_the_coefficient_in_the_shifted_frame(lag):
    estimand, frame = asked(lag), drawn()
    nodes = (*estimand.query.outcome, *estimand.query.treatment, *estimand.adjustment)
    design = shifted(frame, nodes)
    effect = estimand.estimate(frame)
    expected = normal_equations(design, "Y[t]", [str(v) for v in nodes[1:]])[0]
    assert effect.value == pytest.approx(expected)
    assert effect.n_obs == len(design) == effect.details["steps"]
    assert effect.details["longest_lag"] == max(v.lag for v in nodes)
    assert effect.problem.treatment == f"X[t-{lag}]"


def test_treatments_together_move_by_the_sum_of_their_coefficients():
    estimand, frame = identify(GRAPH, ["X[t-3]", "X[t-1]"], "Y", observed=SEEN), drawn()
    graph = LaggedGraph.parse("X[t-1] -> Y; X[t-2] -> Y; Z[t-1] -> Y; Z[t-1] -> X; X[t-1] -> X")
    estimand = identify(graph, sustained("X", 2, 1), "Y")
    nodes = (*estimand.query.outcome, *estimand.query.treatment, *estimand.adjustment)
    design = shifted(frame, nodes)
    coefficients = normal_equations(design, "Y[t]", [str(v) for v in nodes[1:]])
    effect = estimand.estimate(frame)
    assert effect.value == pytest.approx(coefficients[:2].sum())
    assert "X[t-2] and X[t-1] together" in repr(effect)
    nonlinear = estimand.estimate(frame, PLR(LinearRegression(), LinearRegression(), n_folds=5))
    assert nonlinear.value == pytest.approx(effect.value, abs=2 * effect.std_error)


def test_rows_never_reach_over_a_border():
    frame = drawn(60)
    frame.loc[20, "X"] = np.nan
    frame.loc[40, "Z"] = np.nan
    assert asked(2).estimate(frame).n_obs < 60 - 2 - 2 * 2
    frame["U"] = np.nan  # a series that is not needed may have holes
    nodes = (*asked(1).query.outcome, *asked(1).query.treatment, *asked(1).adjustment)
    assert asked(1).estimate(frame).n_obs == len(shifted(frame, nodes)) - _bridged(frame, nodes)
    dated = drawn(60)
    dated["day"] = np.r_[0:30, 35:65]
    whole, gap = asked(1).estimate(dated[list(SEEN)]), asked(1).estimate(dated, time="day")
    assert gap.n_obs == whole.n_obs - asked(1).estimate(dated).details["longest_lag"]
    assert gap.details["unbroken_runs"] == 2


def _bridged(frame, nodes):
    """Rows whose cells are there although a cell between them, which is not needed, is missing."""
    reach = max(v.lag for v in nodes)
    names = sorted({v.name for v in nodes})
    whole = frame[names].notna().all(axis=1)
    complete = whole.rolling(reach + 1).sum() == reach + 1
    return len(shifted(frame, nodes)) - int(complete.sum())


def test_subjects_by_column_by_list_and_by_array_are_the_same():
    parts = [drawn(50, seed) for seed in range(3)]
    panel = pd.concat([part.assign(id=k) for k, part in enumerate(parts)])
    estimand = identify(
        LaggedGraph.parse("X[t-1] -> Y; Z[t-1] -> Y; Z[t-1] -> X; X[t-1] -> X"), "X[t-1]", "Y"
    )
    effect = estimand.estimate(panel, panel="id")
    assert effect.n_obs == 147
    assert estimand.estimate(parts).value == effect.value
    assert estimand.estimate(pl.DataFrame(panel), panel="id").value == effect.value
    by_number = LaggedGraph.parse("x0[t-1] -> x1; x2[t-1] -> x1; x2[t-1] -> x0; x0[t-1] -> x0")
    stacked = np.stack([part.to_numpy() for part in parts])
    numbered = identify(by_number, "x0[t-1]", "x1")
    assert numbered.estimate(stacked).value == pytest.approx(effect.value)
    integers = LaggedGraph([0, 1, 2], [((0, 1), 1), ((2, 1), 1), ((2, 1), 0), ((0, 1), 0)])
    framed = pd.DataFrame(drawn(50).to_numpy())
    alone = estimand.estimate(drawn(50)).value
    assert identify(integers, "0[t-1]", 1).estimate(framed).value == pytest.approx(alone)


def test_units_and_the_order_of_columns_change_nothing():
    frame, estimand = drawn(), asked(2)
    effect = estimand.estimate(frame)
    other = pd.DataFrame({"Y": 5 + 3 * frame["Y"], "Z": frame["Z"] / 1e6, "X": 10 * frame["X"]})
    scaled = estimand.estimate(other)
    assert scaled.value == pytest.approx(0.3 * effect.value)
    assert scaled.std_error == pytest.approx(0.3 * effect.std_error)
    assert scaled.p_value() == pytest.approx(effect.p_value())
    huge = estimand.estimate(frame * 1e200)
    assert huge.value == pytest.approx(effect.value)
    assert huge.std_error == pytest.approx(effect.std_error)


def test_no_effect_and_possible_effects():
    none = identify(GRAPH, "Y[t-1]", "X", observed=SEEN).estimate(drawn())
    assert (none.value, none.implied) == (0.0, True)
    graph = LaggedGraph.parse("X -- Z; X[t-1] -> Y; Z[t-1] -> Y")
    either = identify(graph, "X[t-1]", "Y", strategy="possible").estimate(drawn())
    assert isinstance(either, EffectSet)
    assert either.labels == ("given nothing", "given Z[t-1]")


# --- standard errors ------------------------------------------------------------------------------


def serial_problem(n=300, seed=3):
    effect = asked(1).estimate(drawn(n, seed), OLS(inference=HAC()))
    return effect.problem


@pytest.mark.parametrize("lags", [0, 1, 7])
def test_newey_west_is_that_of_statsmodels(lags):
    problem = serial_problem()
    effect = OLS(inference=HAC(kernel="Bartlett", bandwidth=lags)).solve(problem)
    X = sm.add_constant(np.column_stack([problem.t, problem.X]))
    theirs = sm.OLS(problem.y, X).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": True}
    )
    assert effect.std_error == pytest.approx(theirs.bse[1])
    assert effect.value == pytest.approx(theirs.params[1])


def test_cosines_are_projections():
    problem = serial_problem(200)
    effect = OLS(inference=HAC(bandwidth=6)).solve(problem)
    n, phi = problem.n_obs, effect.influence
    time = (np.arange(n) + 0.5) / n
    waves = np.sqrt(2 / n) * np.cos(np.pi * np.arange(1, 7)[:, None] * time)
    assert effect.std_error**2 == pytest.approx(np.mean((waves @ phi) ** 2) / n)
    assert effect.df == 6
    assert effect.details["bandwidth"] == 6
    default = OLS(inference=HAC()).solve(problem)
    assert default.details["bandwidth"] == int(0.41 * n ** (2 / 3))


def test_lags_are_counted_in_time_and_stop_at_borders():
    """Against an array of all places, zero where no row is."""
    rng = np.random.default_rng(5)
    place = np.sort(rng.choice(60, 40, replace=False)) + 1000 * (np.arange(40) >= 23)
    parts = rng.normal(size=(40, 2))
    dense = np.zeros((1100, 2))
    dense[place] = parts
    expected = dense.T @ dense
    for lag in (1, 2, 3):
        crossed = dense[lag:].T @ dense[:-lag]
        expected += (1 - lag / 4) * (crossed + crossed.T)
    shuffled = rng.permutation(40)
    found, df, lags = HAC(kernel="Bartlett", bandwidth=3).covariance(
        parts[shuffled], place[shuffled]
    )
    np.testing.assert_allclose(found, expected)
    assert (df, lags) == (20.0, 3)


def test_the_bandwidth_grows_with_correlation():
    rng = np.random.default_rng(6)
    place, noise = np.arange(2000), rng.normal(size=(2000, 1))
    slow = noise.copy()
    for k in range(1, 2000):
        slow[k] += 0.8 * slow[k - 1]
    bandwidths = [HAC(kernel="Bartlett").covariance(x, place)[2] for x in (noise, slow)]
    # Andrews (1991), (6.2) and (6.4): 1.1447 (4 rho^2 / (1 - rho^2)^2 n)^(1/3)
    assert bandwidths[0] <= 4
    assert bandwidths[1] == pytest.approx(1.1447 * (4 * 0.64 / 0.36**2 * 2000) ** (1 / 3), rel=0.15)


def test_blocks_of_time_give_a_like_standard_error():
    problem = serial_problem(500)
    over_time = OLS(inference=HAC()).solve(problem).std_error
    blocks = OLS(inference=MovingBlocks(300, random_state=0, block_length=20)).solve(problem)
    assert blocks.std_error == pytest.approx(over_time, rel=0.35)
    rows, stretch = MovingBlocks(block_length=20).drawn(problem, np.random.default_rng(0))
    assert len(rows) == 500 - problem.steps.reach
    assert (np.diff(rows.reshape(-1)[:20]) == 1).all()
    assert (stretch == rows // 20).all()


def test_clusters_are_subjects():
    parts = [drawn(12, seed).assign(id=f"s{seed}") for seed in range(40)]
    panel = pd.concat(parts)
    estimand = asked(1)
    effect = estimand.estimate(panel, panel="id", clusters="id")
    problem = effect.problem
    X = sm.add_constant(np.column_stack([problem.t, problem.X]))
    theirs = sm.OLS(problem.y, X).fit(cov_type="cluster", cov_kwds={"groups": problem.groups})
    assert effect.std_error == pytest.approx(theirs.bse[1])
    assert effect.df == 39


# --- cross-fitting --------------------------------------------------------------------------------


class Spy(RegressorMixin, BaseEstimator):
    """Predicts the mean, and keeps the first columns of what it saw."""

    seen: ClassVar[list] = []

    def fit(self, X, y):
        Spy.seen.append(["fit", X[:, 0].copy()])
        self.mean_ = y.mean()
        return self

    def predict(self, X):
        Spy.seen.append(["predict", X[:, 0].copy()])
        return np.full(len(X), self.mean_)


@pytest.mark.filterwarnings("ignore::causalkit.errors.NuisanceWarning")
def test_a_learner_never_sees_a_neighbour_of_what_it_predicts():
    frame = pd.DataFrame({"X": drawn()["X"], "Y": drawn()["Y"], "Z": np.arange(400.0)})
    graph = LaggedGraph.parse("X[t-1] -> Y; Z[t-1] -> Y; Z[t-1] -> X")
    Spy.seen = []
    effect = identify(graph, "X[t-1]", "Y").estimate(
        frame, PLR(Spy(), Spy(), n_folds=4, random_state=0)
    )
    pairs = list(zip(Spy.seen[::2], Spy.seen[1::2], strict=True))
    assert len(pairs) == 8
    for (_, learnt), (_, predicted) in pairs:
        nearest = np.abs(learnt[:, None] - predicted).min()
        assert nearest > effect.problem.steps.reach
        assert len(learnt) >= 400 - 100 - 2 - 4 * effect.problem.steps.reach
    folds = effect.details["folds"][0]
    assert (np.diff(folds) != 0).sum() in (3, 4)
    assert np.ptp(np.bincount(folds)) <= 1


def test_machine_learning_of_series():
    frame = drawn(1500)
    effect = asked(1).estimate(frame, PLR(LinearRegression(), LinearRegression(), random_state=0))
    least_squares = asked(1).estimate(frame)
    assert effect.value == pytest.approx(least_squares.value, abs=least_squares.std_error)
    assert effect.std_error == pytest.approx(least_squares.std_error, rel=0.3)
    assert effect.details["standard error"] == "HAC (cosines)"
    binary = frame.assign(X=(frame["X"] > frame["Z"].shift(1)).astype(int))
    graph = LaggedGraph.parse("X[t-1] -> Y; Z[t-1] -> Y; Z[t-1] -> X")
    assert identify(graph, "X[t-1]", "Y").estimate(binary, AIPW(random_state=0)).std_error > 0
    twice = asked(1).estimate(frame, PLR(LinearRegression(), LinearRegression(), n_repeats=2))
    assert twice.value == pytest.approx(effect.value, abs=effect.std_error)


def test_steps_know_their_neighbours():
    steps = Steps(np.array([5, 3, 4, 100]), 1)
    assert steps.near(np.array([True, False, False, False])).tolist() == [True, False, True, False]
    assert steps.rank.tolist() == [2, 0, 1, 3]
    assert not steps.near(np.zeros(4, dtype=bool)).any()
    with pytest.raises(InputError, match="folds"):
        steps.folds(5, np.random.default_rng(0))


# --- responses ------------------------------------------------------------------------------------


def test_a_response_is_a_list_of_effects():
    frame = drawn(500)
    response = impulse_response(GRAPH, "X", "Y", frame, horizon=4, observed=SEEN)
    singles = [identify(GRAPH, f"X[t-{h}]" if h else "X", "Y", observed=SEEN) for h in range(5)]
    assert response.values[0] == response.std_errors[0] == 0
    assert response[0].implied
    for h in range(1, 5):
        effect = singles[h].estimate(frame)
        assert response.values[h] == effect.value == response[h].value
        assert response.std_errors[h] == pytest.approx(effect.std_error, rel=0.25)
    same = impulse_response(
        GRAPH,
        "X",
        "Y",
        frame,
        OLS(inference=HAC(kernel="Bartlett", bandwidth=5)),
        horizon=4,
        observed=SEEN,
    )
    np.testing.assert_allclose(same.std_errors[1:], [same[h].std_error for h in range(1, 5)])
    assert len(response) == 5
    assert "after" in repr(response)
    assert list(response.to_frame().columns)[:2] == ["effect", "std_error"]
    with pytest.raises(CausalkitError):
        impulse_response(GRAPH, "X", "Y", frame[["X", "Y"]], observed=SEEN)


def test_bands_lie_between_pointwise_and_bonferroni():
    response = impulse_response(GRAPH, "X", "Y", drawn(500), horizon=6, observed=SEEN)
    half = response.interval()[1] - response.values
    band = response.band()[1] - response.values
    union = response.interval(1 - 0.05 / 6)[1] - response.values
    assert (half[1:] < band[1:]).all()
    assert (band[1:] < 1.01 * union[1:]).all()
    assert response.critical_value(0.99) > response.critical_value(0.9)


def test_a_cumulative_response_sums_the_pulses():
    response = impulse_response(GRAPH, "X", "Y", drawn(300), horizon=3, observed=SEEN)
    summed = response.cumulative()
    np.testing.assert_allclose(summed.values, np.cumsum(response.values))
    assert summed.std_errors[2] ** 2 == pytest.approx(response.covariance[:3, :3].sum())
    assert summed.sentence.startswith("Response of Y, summed up, to a pulse of X: largest after")
    with pytest.raises(InputError, match="pulse"):
        summed.cumulative()


def test_a_response_that_the_graph_rules_out_is_none():
    nothing = impulse_response(GRAPH, "Y", "X", drawn(300), horizon=0, observed=SEEN)
    assert nothing.sentence == "Response of X to a pulse of Y: none at any horizon"


@pytest.mark.parametrize("kind", ["pulse", "sustained"])
def test_responses_come_near_the_truth(kind):
    response = impulse_response(
        GRAPH, "X", "Y", drawn(20_000, 8), horizon=4, kind=kind, observed=SEEN
    )
    doses = [[h] if kind == "pulse" else range(h + 1) for h in range(5)]
    truth = [total_effect(WEIGHTS, [(0, lag) for lag in lags], 1) for lags in doses]
    np.testing.assert_allclose(response.values, truth, atol=0.06)
    assert (np.abs(response.values - truth) <= 4 * response.std_errors).all()
    if kind == "pulse":
        np.testing.assert_allclose(truth, MODEL.effects(4)[:, 0, 1])


def test_responses_of_subjects():
    parts = [drawn(15, seed).assign(id=seed) for seed in range(40)]
    response = impulse_response(
        GRAPH, "X", "Y", pd.concat(parts), horizon=2, observed=SEEN, panel="id", clusters="id"
    )
    singles = [effect.std_error for effect in response.effects[1:]]
    np.testing.assert_allclose(response.std_errors[1:], singles)
    assert response.df == 39


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "options", "error", "says"),
    [
        (lambda d: d.iloc[:4], {}, InputError, "needs"),
        (lambda d: d[["X", "Y"]], {}, UnknownVariableError, "'Z'"),
        (lambda d: d.assign(X=1.0), {}, InputError, "one value only"),
        (lambda d: d.assign(Y=2.0), {}, InputError, "one value only"),
        (lambda d: d.assign(Z=d["X"].shift(0)), {}, CausalkitError, "."),
        (lambda d: d.assign(Z="text"), {}, InputError, "Z"),
        (lambda d: d.where(d.index.to_series() % 2 == 0), {}, InputError, "missing cell"),
        (lambda d: d.assign(s=1), {"time": "s"}, InputError, "s"),
        (lambda d: d, {"clusters": "Z"}, InputError, "clusters=panel"),
        (lambda d: d, {"sample_weight": "Z"}, InputError, "weights"),
        (lambda d: d, {"panel": "who"}, UnknownVariableError, "who"),
    ],
)
def test_bad_series_are_refused(change, options, error, says):
    graph = LaggedGraph.parse("X[t-1] -> Y; Z -> Y; Z -> X; X[t-1] -> X; Z[t-1] -> Y")
    estimand = identify(graph, "X[t-1]", "Y")
    frame = change(drawn(60))
    if "Z" in frame and frame["Z"].equals(frame["X"]):
        estimand = identify(LaggedGraph.parse("X[t-1] -> Y; Z[t-1] -> Y; Z -> X"), "X[t-1]", "Y")
    with pytest.raises(error, match=says):
        estimand.estimate(frame, **options)


def test_bad_questions_about_responses_are_refused():
    frame = drawn(100)
    with pytest.raises(InputError, match="LaggedGraph"):
        impulse_response("X -> Y", "X", "Y", frame)
    with pytest.raises(InputError, match="two different series"):
        impulse_response(GRAPH, "X[t-1]", "Y", frame)
    with pytest.raises(InputError, match="two different series"):
        impulse_response(GRAPH, "X", "X", frame)
    with pytest.raises(InputError, match="no bootstrap"):
        estimate_response([asked(1)], frame, OLS(inference=Bootstrap(10)))
    possible = identify(LaggedGraph.parse("X -- Y"), "X", "Y", strategy="possible")
    with pytest.raises(InputError, match="one answer at each"):
        estimate_response([possible], frame)
    with pytest.raises(InputError, match="needs"):
        impulse_response(GRAPH, "X", "Y", frame[:20], horizon=20, observed=SEEN)
    with pytest.raises(InputError, match="for series"):
        identify("X -> Y", "X", "Y").estimate(frame, time="Z")
    with pytest.raises(InputError, match="kernel"):
        HAC(kernel="Parzen")


# --- coverage -------------------------------------------------------------------------------------


def covered(seed, n, lag):
    effect = asked(lag).estimate(drawn(n, seed))
    truth = MODEL.effects(lag)[lag, 0, 1]
    by_rows = asked(lag).estimate(drawn(n, seed), OLS(inference=None)).estimator
    rows = OLS().solve(effect.problem)
    assert isinstance(effect, Effect)
    assert by_rows.inference == HAC()
    return truth in effect.interval(), truth in rows.interval()


@pytest.mark.slow
@pytest.mark.parametrize("lag", [1, 2])
def test_intervals_cover_where_noise_is_correlated(lag):
    hits = np.array([covered(seed, 400, lag) for seed in range(500)]).mean(axis=0)
    assert 0.92 <= hits[0] <= 0.98  # Monte Carlo error: one point
    if lag == 1:
        assert hits[1] < 0.91  # rows as if they were independent


@pytest.mark.slow
def test_bands_cover_the_whole_curve():
    hits = []
    truth = MODEL.effects(5)[:, 0, 1]
    for seed in range(300):
        response = impulse_response(GRAPH, "X", "Y", drawn(400, seed), horizon=5, observed=SEEN)
        lower, upper = response.band()
        hits.append(bool(((lower <= truth) & (truth <= upper)).all()))
    assert 0.90 <= np.mean(hits) <= 0.985
