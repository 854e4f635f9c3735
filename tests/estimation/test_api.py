"""`estimate`: from graph and table to effect, and what it says when that cannot be."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import LinearRegression, LogisticRegression

from causalkit.errors import FewRowsWarning, InputError, UnknownVariableError
from causalkit.estimation import (
    AIPW,
    IPW,
    OLS,
    PLR,
    Bootstrap,
    Effect,
    EffectSet,
    FixedEffects,
    GComputation,
    SampleSelection,
    TwoStageLeastSquares,
    default_estimator,
    estimate,
    together,
)
from causalkit.estimation.problem import as_problem
from causalkit.graph import CausalGraph
from causalkit.identification import identify
from tests.estimation.simulations import binary, three_arms

GRAPH = CausalGraph.parse("Z -> X -> Y; Z -> Y; W -> Y")


@pytest.fixture
def data(rng):
    Z, t, y = binary(300, rng, k=2)
    return pd.DataFrame({"Z": Z[:, 0], "W": Z[:, 1], "X": t, "Y": y, "note": "text"})


def test_an_effect_from_graph_and_table(data):
    estimand = identify(GRAPH, "X", "Y")
    effect = estimate(estimand, data, OLS())
    by_hand = OLS().fit(data[list(estimand.adjustment)], data["Y"], t=data["X"]).effect_
    assert (effect.value, effect.std_error) == (by_hand.value, by_hand.std_error)
    assert effect.estimand is estimand
    assert effect.problem.adjustment == estimand.adjustment
    assert estimand.estimate(data, OLS()).value == effect.value
    for name in ("method", "contrast", "adjusted for", "rows", "p-value", "Effect of X on Y"):
        assert name in repr(effect)
    assert "<table" in effect._repr_html_()


def test_containers_and_unread_columns(data):
    estimand = identify(GRAPH, "X", "Y")
    expected = estimate(estimand, data, OLS())
    bad = data.assign(other=np.inf, when=pd.Timestamp("2020-01-01"))
    for same in (
        bad,
        pl.from_pandas(data),
        pa.table(data),
        {name: data[name].to_numpy() for name in ("Y", "X", "W", "Z")},
    ):
        assert estimate(estimand, same, OLS()).value == expected.value
    numbered = CausalGraph.parse("x0 -> x1 -> x2; x0 -> x2")
    array = data[["Z", "X", "Y"]].to_numpy()
    short = identify(numbered, "x1", "x2")
    by_array = estimate(short, array, OLS())
    assert_allclose(
        by_array.value, OLS().fit(array[:, :1], array[:, 2], t=array[:, 1]).effect_.value
    )
    integers = pd.DataFrame(array)
    graph = CausalGraph([0, 1, 2], numbered.ends)
    assert estimate(identify(graph, 1, 2), integers, OLS()).value == by_array.value


def test_clusters_and_weights_by_name_or_array(data, rng):
    estimand = identify(GRAPH, "X", "Y")
    data = data.assign(school=[f"s{k}" for k in rng.integers(20, size=300)], size=rng.random(300))
    expected = estimate(
        estimand, data, OLS(), clusters=data["school"], sample_weight=data["size"].to_numpy()
    )
    for frame in (data, pl.from_pandas(data), pa.table(data)):
        named = estimate(estimand, frame, OLS(), clusters="school", sample_weight="size")
        assert (named.value, named.std_error) == (expected.value, expected.std_error)
    categories = data.astype({"school": "category"})
    assert (
        estimate(estimand, categories, OLS(), clusters="school", sample_weight="size").std_error
        == expected.std_error
    )
    by_hand = (
        OLS()
        .fit(
            data[["Z", "W"]],
            data["Y"],
            t=data["X"],
            groups=data["school"],
            sample_weight=data["size"],
        )
        .effect_
    )
    assert_allclose(by_hand.std_error, expected.std_error, rtol=1e-12)
    for option in ("clusters", "sample_weight"):
        with pytest.raises(UnknownVariableError, match="skool"):
            estimate(estimand, data, OLS(), **{option: "skool"})
    with pytest.raises(InputError, match="2 cluster label"):
        estimate(estimand, data.assign(c=[None, None, *data["school"][2:]]), OLS(), clusters="c")


def test_the_default_follows_the_treatment(rng, data):
    X, t, y = binary(50, rng)
    assert isinstance(default_estimator(as_problem(X, y, t)), AIPW)
    assert isinstance(default_estimator(as_problem(X, y, X[:, 0])), PLR)
    assert isinstance(default_estimator(as_problem(None, y, t)), OLS)
    randomised = identify(CausalGraph.parse("X -> Y"), "X", "Y")
    means = data.groupby("X")["Y"].mean()
    assert_allclose(estimate(randomised, data).value, means[1] - means[0])


@pytest.mark.parametrize("treatment", ["X", "Z"])
def test_the_default_works_and_repeats(data, treatment):
    graph = CausalGraph.parse("W -> X -> Y; W -> Y; W -> Z -> Y")
    estimand = identify(graph, treatment, "Y")
    one = estimate(estimand, data, random_state=3)
    two = estimate(estimand, data, random_state=3)
    assert one.value == two.value
    assert one.std_error > 0


def test_the_random_state_goes_where_none_is(data):
    estimand = identify(GRAPH, "X", "Y")
    boot = OLS(inference=Bootstrap(20))
    one = estimate(estimand, data, boot, random_state=1)
    two = estimate(estimand, data, boot, random_state=1)
    assert one.std_error == two.std_error
    assert boot.inference.random_state is None
    own = PLR(LinearRegression(), LogisticRegression(), random_state=1)
    assert (
        estimate(estimand, data, own, random_state=2).value == estimate(estimand, data, own).value
    )


def test_no_effect_is_zero_by_the_graph(data):
    estimand = identify(CausalGraph.parse("Y -> X; Z -> X"), "X", "Y")
    effect = estimate(estimand, data)
    assert (effect.value, effect.influence) == (0.0, None)
    assert effect.implied
    assert np.isnan([effect.std_error, effect.p_value(), *effect.interval()]).all()
    assert "implied by the graph" in repr(effect)


def test_possible_effects_are_a_set(rng):
    Z = rng.normal(size=2000)
    X = Z + rng.normal(size=2000)
    Y = X + Z + rng.normal(size=2000)
    data = pd.DataFrame({"Z": Z, "X": X, "Y": Y})
    graph = CausalGraph.parse("Z -- X; X -- Y; Z -- Y")
    estimand = identify(graph, "X", "Y", strategy="possible")
    effects = estimate(estimand, data, OLS())
    assert isinstance(effects, EffectSet)
    assert len(effects) == len(estimand.alternatives)
    values = sorted(effect.value for effect in effects)
    # X causes Y or not, Z is a confounder or a mediator (or X causes both).
    slope = np.polyfit(X, Y, 1)[0]
    expected = sorted([0.0, OLS().fit(Z[:, None], Y, t=X).effect_.value, slope])
    assert_allclose(sorted(set(np.round(values, 9))), np.round(expected, 9))
    assert effects.range == (values[0], values[-1])
    estimated = [effect.interval(0.9) for effect in effects if not effect.implied]
    assert tuple(effects.interval(0.9)) == (0.0, max(interval.upper for interval in estimated))
    assert len(effects.to_frame()) == len(effects)
    assert "possible effects" in repr(effects)
    assert "no effect" in repr(effects)


def test_several_levels(rng):
    X, arm, y = three_arms(300, rng)
    data = pd.DataFrame({"Z": X[:, 0], "W": X[:, 1], "X": pd.Categorical(arm), "Y": y})
    estimand = identify(CausalGraph.parse("Z -> X -> Y; Z -> Y; W -> X; W -> Y"), "X", "Y")
    with pytest.raises(InputError, match=r"contrast=\('a', 'b'\).*contrast=\"each\""):
        estimate(estimand, data, OLS())
    each = estimate(estimand, data, OLS(contrast="each"))
    assert isinstance(each, EffectSet)
    assert each.estimand is estimand
    for bad in (("a", "z"), ("a", "a"), "a", ("a",)):
        with pytest.raises(InputError, match="contrast"):
            estimate(estimand, data, GComputation(contrast=bad))
    with pytest.raises(InputError, match="continuous"):
        estimate(estimand, data.assign(X=y), OLS(contrast="each"))


def test_categories_become_indicators(rng, data):
    region = rng.integers(3, size=300)
    data["Y"] += np.array([0, 5, 10])[region]
    data["Z"] = pd.Categorical(np.array(["n", "s", "w"])[region])
    effect = estimate(identify(GRAPH, "X", "Y"), data, OLS())
    assert "Z=s" in effect.problem.adjustment
    dummies = np.column_stack([region == 1, region == 2, data["W"]]).astype(float)
    by_hand = OLS().fit(dummies, data["Y"], t=data["X"]).effect_
    assert_allclose(effect.value, by_hand.value)


def test_levels_of_the_treatment(data):
    estimand = identify(GRAPH, "X", "Y")
    expected = estimate(estimand, data, OLS()).value
    for recoded, text in (
        (data["X"].astype(bool), "True versus False"),
        (pd.Categorical(np.where(data["X"] == 1, "yes", "no")), "yes versus no"),
        (data["X"] * 4 - 1, "3 versus -1"),
    ):
        effect = estimate(estimand, data.assign(X=recoded), OLS())
        assert_allclose(effect.value, expected)
        assert text in effect.details["contrast"]


def test_a_two_level_outcome_is_a_risk_difference(data):
    estimand = identify(GRAPH, "X", "Y")
    numbers = data.assign(Y=(data["Y"] > 0).astype(int))
    expected = estimate(estimand, numbers, IPW()).value
    # Levels are sorted: "ok" is 0, "sick" is 1.
    words = pd.Categorical(np.where(numbers["Y"], "sick", "ok"))
    for outcome in (numbers["Y"].astype(bool), words):
        assert_allclose(estimate(estimand, data.assign(Y=outcome), IPW()).value, expected)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"X": 1.0}, InputError, "one value only"),
        ({"Y": 2.0}, InputError, "one value only"),
        ({"Y": pd.Categorical(["a", "b", "c"] * 100)}, InputError, "3 levels"),
        ({"Z": "text"}, InputError, "column 'Z' holds"),
        ({"Z": np.nan}, InputError, "missing values.*'Z'"),
        ({"Y": np.inf}, InputError, "infinite"),
        ({"X": pd.Timestamp("2020-01-01")}, InputError, "column 'X' holds"),
    ],
)
def test_bad_columns_are_named(data, changes, error, message):
    with pytest.raises(error, match=message):
        estimate(identify(GRAPH, "X", "Y"), data.assign(**changes))


def test_bad_arguments_are_named(data):
    estimand = identify(GRAPH, "X", "Y")
    with pytest.raises(UnknownVariableError, match="'Z'"):
        estimate(estimand, data.drop(columns="Z"))
    with pytest.raises(InputError, match="not a class"):
        estimate(estimand, data, OLS)
    with pytest.raises(InputError, match="goes inside one"):
        estimate(estimand, data, LinearRegression())
    with pytest.raises(InputError, match="cannot estimate a CausalGraph"):
        estimate(GRAPH, data)
    with pytest.raises(InputError, match="IPW needs"):
        estimate(identify(GRAPH, "Z", "Y"), data, IPW())
    joint = identify(CausalGraph.parse("A -> Y; B -> Y"), ["A", "B"], "Y")
    with pytest.raises(InputError, match="2 treatments"):
        estimate(joint, data)
    with pytest.raises(InputError, match="rows"):
        OLS().fit(data[["Z"]][:10], data["Y"], t=data["X"])
    with pytest.raises(InputError):
        OLS().fit(data[["Z"]], data["Y"], t=data["X"][:10])
    with pytest.raises(InputError, match="missing"):
        OLS().fit(data[["Z"]], data["Y"], t=data["X"].where(data["Z"] > 0))


def test_the_world_where_the_truth_is_a_sum(rng):
    """A small discrete table: Σ_z P(z) (E[y|1,z] − E[y|0,z]), exactly."""
    cells = pd.DataFrame(
        [(z, x, y) for z in range(3) for x in (0, 1) for y in (0, 1)], columns=["Z", "X", "Y"]
    )
    counts = rng.integers(5, 60, size=12)
    data = cells.loc[cells.index.repeat(counts)].reset_index(drop=True)
    data["Z"] = pd.Categorical(data["Z"].map({0: "a", 1: "b", 2: "c"}))
    rates = data.groupby(["Z", "X"], observed=True)["Y"].mean().unstack()
    shares = data["Z"].value_counts(normalize=True)
    truth = float((shares * (rates[1] - rates[0])).sum())
    treated = data.loc[data["X"] == 1, "Z"].value_counts(normalize=True)
    truth_treated = float((treated * (rates[1] - rates[0])).sum())
    estimand = identify(CausalGraph.parse("Z -> X -> Y; Z -> Y"), "X", "Y")
    # Saturated models are no models: each formula is the sum itself.
    for target, expected in (("ATE", truth), ("ATT", truth_treated)):
        for estimator in (GComputation(target=target), IPW(target=target, clip=0.0)):
            assert_allclose(estimate(estimand, data, estimator).value, expected, rtol=1e-8)
    linear = GComputation(family="gaussian")
    assert_allclose(estimate(estimand, data, linear).value, truth, rtol=1e-8)
    # The efficient influence function of the saturated estimators is one and the same.
    influences = [estimate(estimand, data, e).influence for e in (GComputation(), linear)]
    assert_allclose(influences[0], influences[1], atol=1e-6)
    weighted = estimate(estimand, data, IPW(clip=0.0))
    n = len(data)
    factors = np.sqrt(n / (n - 6)), np.sqrt(n / (n - 3))
    assert_allclose(weighted.influence / factors[1], influences[0] / factors[0], atol=1e-6)


def test_effects_speak(data):
    effect = Effect(value=2.0, std_error=1.0, n_obs=10, method="by hand")
    assert 2.0 in effect.interval()
    assert effect.interval(0.9).width < effect.interval(0.99).width
    assert_allclose(effect.p_value(2.0), 1.0)
    assert_allclose(effect.p_value(0.0), 0.0455003, rtol=1e-6)
    frame = effect.to_frame()
    assert list(frame.columns) == [
        "effect", "std_error", "lower", "upper", "p_value", "n_obs", "method", "contrast",
        "outcome", "df", "clusters",
    ]  # fmt: skip
    with pytest.raises(InputError, match="level"):
        effect.interval(95)
    with pytest.raises(AttributeError):
        effect.value = 3.0
    with pytest.raises(InputError, match="labels"):
        EffectSet((effect,), ())


def test_the_import_is_light():
    """scikit-learn may bring pandas; the rest waits until it is asked for."""
    code = (
        "import sys, causalkit.estimation; "
        "print([m for m in ('econml', 'statsmodels', 'matplotlib', 'numba', 'causallearn')"
        " if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_units_of_the_treatment_do_not_matter(data, rng):
    x, z = rng.normal(size=(2, 200))
    y = x + z + rng.normal(size=200)
    effect = OLS().fit(z[:, None], y, t=x).effect_
    for scale in (1e300, 1e150, 1e-150, 1e-300):
        scaled = OLS().fit(z[:, None], y, t=x * scale).effect_
        assert_allclose(scaled.value * scale, effect.value, rtol=1e-9)
        assert_allclose(scaled.std_error * scale, effect.std_error, rtol=1e-9)


@pytest.mark.filterwarnings("ignore:the standard error rests on")
def test_labels_and_weights_that_cannot_be_read_are_named(data):
    estimand = identify(CausalGraph.parse("X -> Y; Z -> X"), "X", "Y")
    x = np.arange(6.0)
    table = pd.DataFrame({"X": x, "Y": x % 2, "Z": x})
    labels = pd.array(["a", None, "b", "b", "c", "c"], dtype="string")
    with pytest.raises(InputError, match="1 cluster label"):
        estimate(estimand, table, OLS(), clusters=labels)
    with pytest.raises(InputError, match="not all numbers"):
        estimate(estimand, table, OLS(), sample_weight=list("abcdef"))
    mixed = np.array([1, "1", 2, "2", 3, "3"], dtype=object)
    apart = estimate(estimand, table, OLS(), clusters=mixed)
    assert apart.problem.n_groups == 6


def test_few_clusters_are_said():
    rng = np.random.default_rng(0)
    t, y = rng.normal(size=(2, 120))
    with pytest.warns(FewRowsWarning, match=r"rests on 6\.0 clusters"):
        OLS().fit(None, y, t=t, groups=np.arange(120) % 6)
    lopsided = np.r_[np.zeros(100, dtype=int), np.arange(1, 21)]
    with pytest.warns(FewRowsWarning, match=r"rests on 1\.4 clusters"):
        OLS().fit(None, y, t=t, groups=lopsided)
    with pytest.warns(FewRowsWarning, match=r"rests on 5\.0 clusters"):  # the fewer of two kinds
        OLS().fit(None, y, t=t, groups=np.c_[np.arange(120) % 40, np.arange(120) % 5])
    OLS().fit(None, y, t=t, groups=np.arange(120) % 12)


def test_rows_in_another_order_are_refused(data):
    shuffled = data.sample(frac=1, random_state=0)
    with pytest.raises(InputError, match=r"t has the row labels of y in another order"):
        OLS().fit(data[["Z"]], data["Y"], t=shuffled["X"])
    with pytest.raises(InputError, match="X has the row labels"):
        OLS().fit(shuffled[["Z"]], data["Y"], t=data["X"])
    with pytest.raises(InputError, match="sample_weight has the row labels of y in another"):
        OLS().fit(data[["Z"]], data["Y"], t=data["X"], sample_weight=shuffled["Z"].abs())
    estimand = identify(CausalGraph.parse("Z -> X -> Y; Z -> Y"), "X", "Y")
    with pytest.raises(InputError, match="sample_weight has the row labels of data in another"):
        estimate(estimand, data, OLS(), sample_weight=shuffled["Z"].abs())
    late = data.iloc[50:]
    with pytest.raises(InputError, match="for some rows, and others for the rest"):
        OLS().fit(data[["Z"]].iloc[: len(late)], late["Y"], t=late["X"])
    moved = shuffled.reset_index(drop=True)
    same = [OLS().fit(d[["Z"]], d["Y"], t=d["X"]).effect_.value for d in (shuffled, moved)]
    assert same[0] == same[1]
    twice = data.set_index(np.zeros(len(data), dtype=int))  # labels that say nothing
    assert OLS().fit(twice[["Z"]], data["Y"], t=data["X"]).effect_.value == pytest.approx(same[0])


def test_the_outcome_is_no_covariate(data):
    for X in (data[["Z", "Y"]], data[["Z", "Y"]].to_numpy()):
        with pytest.raises(InputError, match="is the outcome 'Y' itself"):
            AIPW().fit(X, data["Y"], t=data["X"])


def test_tails_of_the_normal_are_not_rounded_to_zero():
    far = Effect(12.0, 1.0, 100, "by hand")
    assert far.p_value() == pytest.approx(3.553e-33, rel=1e-3)
    assert Effect(8.0, 1.0, 100, "by hand").p_value() == pytest.approx(1.2442e-15, rel=1e-3)


def test_what_no_estimand_brings_is_asked_for_in_its_own_words(data):
    estimand = identify(GRAPH, "X", "Y")
    for estimator, words in (
        (FixedEffects(), "panel=…, time=…"),
        (TwoStageLeastSquares(), "strategy='instrument'"),
        (SampleSelection(), r"roles=\{'selected': …\}"),
    ):
        with pytest.raises(InputError, match=words):
            estimate(estimand, data, estimator)


@pytest.mark.filterwarnings("ignore:the standard error rests on")
def test_a_list_of_two_names_is_a_pair(data, rng):
    estimand = identify(GRAPH, "X", "Y")
    both = data.assign(firm=rng.integers(20, size=300), year=rng.integers(9, size=300))
    pair = estimate(estimand, both, OLS(), clusters=("firm", "year"))
    assert estimate(estimand, both, OLS(), clusters=["firm", "year"]).std_error == pair.std_error


def test_reports_of_several_effects_say_how_each_was_estimated(data):
    X, y, t = data[["Z"]], data["Y"], data["X"]
    pair = together(
        {"plain": OLS().fit(X, y, t=t).effect_, "none": OLS().fit(None, y, t=t).effect_}
    )
    assert repr(pair).count("OLS, HC1") == 1
    assert pair.contrasts().sentence.startswith("1 effect: ")
    mixed = together({"plain": pair[0], "weighted": IPW().fit(X, y, t=t).effect_})
    assert "plain: OLS" in repr(mixed)
    assert "weighted: IPW" in repr(mixed)


def test_a_report_names_the_first_of_many_columns(rng):
    X = pd.DataFrame(rng.normal(size=(200, 60)))
    report = repr(OLS().fit(X, rng.normal(size=200), t=rng.integers(2, size=200)).effect_)
    assert "(60 columns)" in report
    assert report.count("\n") < 14
