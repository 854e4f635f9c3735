"""Every estimator of an effect × every kind of bad input: a clear error, or what the table says.

The table is `docs/explanation/bad_input.md`; its rows are the kinds below, and its second column is
what is asserted here. No estimator that is exported may be missing.
"""

from __future__ import annotations

import inspect
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, LogisticRegression

from causalkit import estimation
from causalkit.errors import CausalkitError, CausalkitWarning
from causalkit.estimation import EffectEstimator, EffectSet
from causalkit.estimation.measurement.predicted_outcome import LinearCalibration

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "bad_input.md"
BASES = {"EffectEstimator", "OrthogonalEstimator", "ConditionalEffectEstimator", "SeveralEffects"}
LABELS = np.linspace(-1, 1, 40)


NO_COVARIATES = {"SyntheticControl", "SyntheticDiD"}


def cheap(cls):
    """The estimator with linear learners in the place of its default ones."""
    regress, classify = LinearRegression(), LogisticRegression()
    binary = not issubclass(cls, (estimation.PLR, estimation.PLIV, estimation.PanelPLR))
    numeric = cls.treatments == ("continuous",) or cls.__name__ == "LinearFrontDoor"
    settings = {
        "treatment_learner": classify if binary and not numeric else regress,
        "instrument_learner": classify if binary else regress,
        "mediator_learner": regress if numeric else classify,
        "selection_learner": classify,
        "random_state": 0,
        "n_trees": 8,
        "correction": LinearCalibration().fit(LABELS, 0.5 * LABELS + 0.1 * LABELS**2),
    }
    known = inspect.signature(cls).parameters
    learners = {name: regress for name in known if name.endswith("_learner")}
    return cls(**learners | {name: given for name, given in settings.items() if name in known})


ESTIMATORS = {
    name: cls
    for name in estimation.__all__
    if inspect.isclass(cls := getattr(estimation, name))
    and issubclass(cls, EffectEstimator)
    and name not in BASES
}


def cross_section(rng):
    n = 240
    X = rng.normal(size=(n, 2))
    z = rng.integers(2, size=n).astype(float)
    t = (rng.random(n) < 1 / (1 + np.exp(-0.5 * X[:, 0] - 1.5 * z + 0.7))).astype(float)
    m = t + rng.normal(size=n)
    y = t + m + X[:, 0] + rng.normal(size=n)
    return pd.DataFrame(
        {
            "x0": X[:, 0],
            "x1": X[:, 1],
            "t": t,
            "y": y,
            "z": z,
            "mediators": m,
            "selected": np.where(np.arange(n) % 7 == 0, 0.0, 1.0),
            "predicted": 0.6 * y + rng.normal(size=n),
            "labelled": (np.arange(n) % 3 == 0).astype(float),
        }
    )


def panel(rng):
    """Thirty units, eight periods; ten are treated from the fifth on, ten from the seventh."""
    unit, time = np.repeat(np.arange(30), 8), np.tile(np.arange(8), 30)
    start = np.where(unit < 10, 4, np.where(unit < 20, 6, 99))
    t = (time >= start).astype(float)
    x = np.repeat(rng.normal(size=(30, 2)), 8, axis=0)
    y = t + 0.3 * time + np.repeat(rng.normal(size=30), 8) + 0.5 * rng.normal(size=240)
    return pd.DataFrame({"x0": x[:, 0], "x1": x[:, 1], "t": t, "y": y, "unit": unit, "time": time})


def good(cls, rng):
    frame = panel(rng) if "unit" in cls.needs else cross_section(rng)
    if cls.treatments == ("continuous",):
        frame["t"] = frame["x0"] + rng.normal(size=len(frame))
    if cls.__name__ == "DifferenceInDifferences" or cls.__name__ == "CrossSectionDiD":
        late = frame["time"] >= 4
        frame["time"] = late.astype(int)
        frame["t"] = ((frame["unit"] < 10) & late).astype(float)
        if cls.__name__ == "DifferenceInDifferences":
            frame = frame.drop_duplicates(["unit", "time"]).reset_index(drop=True)
    if cls.__name__.startswith("Synthetic"):
        frame["t"] = ((frame["unit"] < 3) & (frame["time"] >= 5)).astype(float)
    return frame


def covariates(kind):
    """A kind that is about covariates, which not all take."""

    def checked(cls, frame):
        if cls.__name__ in NO_COVARIATES:
            pytest.skip("takes no covariates, and says so")
        kind(cls, frame)

    return checked


def ask(cls, frame, columns=("x0", "x1"), **options):
    """The effect, or effects, as finite numbers; with the warnings that came."""
    estimator = cheap(cls)
    roles = {role: frame[role] for role in cls.needs}
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        X = None if cls.__name__ in NO_COVARIATES else frame[list(columns)]
        effect = estimator.fit(X, frame["y"], t=frame["t"], **roles, **options).effect_
    effects = list(effect) if isinstance(effect, EffectSet) else [effect]
    values = np.array([(e.value, e.std_error) for e in effects])
    assert np.isfinite(values).all()
    foreign = [w for w in heard if not issubclass(w.category, CausalkitWarning)]
    assert not foreign, foreign[0].message
    return values, [w.category for w in heard]


def refuse(cls, frame, word, **options):
    """A clear error that names `word`."""
    with pytest.raises(CausalkitError) as caught:
        ask(cls, frame, **options)
    text = str(caught.value)
    assert word in text, text
    assert len(text) > 40
    assert not isinstance(caught.value.__cause__, (TypeError, KeyError, IndexError))


def spoil(column, value, row=3):
    def kind(cls, frame):
        frame = frame.astype({column: float})
        frame.loc[row, column] = value
        refuse(cls, frame, column)

    return kind


def text_in_covariates(cls, frame):
    frame["x1"] = np.where(frame["x1"] > 0, "high", "low").astype(object)
    refuse(cls, frame, "x1")


def categories(cls, frame):
    codes = np.where(frame["x1"] > 0, "high", "low")
    numbers, _ = ask(cls, frame.assign(x1=(codes == "low").astype(float)))
    values, _ = ask(cls, frame.assign(x1=pd.Categorical(codes)))
    np.testing.assert_allclose(values, numbers, rtol=1e-6, atol=1e-8)


def one_arm(cls, frame):
    refuse(cls, frame.assign(t=1.0), "t")


def attempt(cls, frame):
    """What is answered and the warnings heard, or None and the words of the refusal."""
    try:
        return ask(cls, frame)
    except CausalkitError as error:
        return None, str(error)


def refused_or_warned(found, heard):
    return len(heard) > 40 if found is None else any(issubclass(w, CausalkitWarning) for w in heard)


def one_treated_row(cls, frame):
    if "binary" not in cls.treatments:
        pytest.skip("the treatment has no arms")
    last = int(frame.index[frame["t"] == 1][-1])
    answer = attempt(cls, frame.assign(t=(frame.index == last).astype(float)))
    # One treated unit in one period is what synthetic controls are for.
    assert cls.__name__.startswith("Synthetic") or refused_or_warned(*answer)


def separated(cls, frame):
    if "binary" not in cls.treatments or "unit" in cls.needs:
        pytest.skip("the treatment has no arms, or is decided by time")
    apart = np.where(frame["t"] == 1, 1.0, -1.0) * (1 + frame["x1"].abs())
    assert refused_or_warned(*attempt(cls, frame.assign(x1=apart)))


def collinear(cls, frame):
    try:
        ask(cls, frame.assign(x2=2 * frame["x0"] - 3), columns=("x0", "x1", "x2"))
    except CausalkitError as error:
        if "x2" not in str(error):
            raise


def duplicate_names(cls, frame):
    refuse(cls, frame, "x0", columns=("x0", "x0"))


def another_order(cls, frame):
    estimator, roles = cheap(cls), {role: frame[role] for role in cls.needs}
    mixed = frame.sample(frac=1, random_state=0)
    with pytest.raises(CausalkitError, match="t has the row labels of y in another order"):
        estimator.fit(frame[["x0", "x1"]], frame["y"], t=mixed["t"], **roles)


def negative_weights(cls, frame):
    refuse(cls, frame, "weights", sample_weight=np.r_[-1.0, np.ones(len(frame) - 1)])


def one_cluster(cls, frame):
    refuse(cls, frame, "cluster", groups=np.zeros(len(frame)))


def constant_outcome(cls, frame):
    refuse(cls, frame.assign(y=1.0), "y")


def empty_role(cls, frame):
    if not cls.needs:
        pytest.skip("no further columns")
    for role in cls.needs:
        spoiled = frame.astype({role: float})
        spoiled.loc[3, role] = np.nan
        refuse(cls, spoiled, role)


def missing_role(cls, frame):
    if not cls.needs:
        pytest.skip("no further columns")
    with pytest.raises(CausalkitError, match=cls.needs[0]):
        cheap(cls).fit(frame[["x0"]], frame["y"], t=frame["t"])


def strange_role(cls, frame):
    roles = {role: frame[role] for role in cls.needs}
    with pytest.raises(CausalkitError, match="horoscope"):
        cheap(cls).fit(frame[["x0"]], frame["y"], t=frame["t"], horoscope=frame["x1"], **roles)


def few_rows(cls, frame):
    found, words = attempt(cls, frame.iloc[:3].reset_index(drop=True))
    assert found is None
    assert len(words) > 40


def huge_values(cls, frame):
    if any(name.endswith("_learner") for name in inspect.signature(cls).parameters):
        pytest.skip("a matter of the learner")
    plain, _ = ask(cls, frame)
    found, words = attempt(cls, frame.assign(x0=frame["x0"] * 1e150))
    if found is None:
        assert len(words) > 40
    else:
        np.testing.assert_allclose(found, plain, rtol=0.5, atol=0.5)


KINDS = {
    "NaN in a covariate": covariates(spoil("x1", np.nan)),
    "infinity in a covariate": covariates(spoil("x1", np.inf)),
    "NaN in the treatment": spoil("t", np.nan),
    "NaN in the outcome": spoil("y", np.nan),
    "infinity in the outcome": spoil("y", np.inf),
    "text in a covariate": covariates(text_in_covariates),
    "a categorical covariate": covariates(categories),
    "a treatment with one arm": one_arm,
    "one treated row": one_treated_row,
    "a covariate that separates the arms": separated,
    "collinear covariates": covariates(collinear),
    "two columns of one name": covariates(duplicate_names),
    "pandas rows in another order": another_order,
    "a negative weight": negative_weights,
    "one cluster": one_cluster,
    "a constant outcome": constant_outcome,
    "NaN in an instrument, mediator, unit, …": empty_role,
    "no instrument, mediator, unit, …": missing_role,
    "a column with a role that means nothing": strange_role,
    "three rows": few_rows,
    "values of 1e150": covariates(huge_values),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ESTIMATORS)
def test_bad_input_is_refused_or_handled_as_stated(name, kind):
    cls = ESTIMATORS[name]
    KINDS[kind](cls, good(cls, np.random.default_rng(5)))


def test_the_page_lists_every_kind():
    rows = [line.split("|")[1].strip() for line in PAGE.read_text().splitlines() if "|" in line]
    assert set(KINDS) <= set(rows)


def test_no_estimator_is_missing():
    assert len(ESTIMATORS) > 20
    for name, cls in ESTIMATORS.items():
        assert clone(cheap(cls)).get_params(deep=False).keys(), name
