"""`refute` and its table: every effect, every kind of data, the same numbers every time."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import causalkit as ck
from causalkit.errors import InputError
from causalkit.estimation import OLS, Effect, EffectSet
from causalkit.refutation import (
    Challenge,
    Challenges,
    Check,
    DataSubset,
    DummyOutcome,
    EValue,
    HiddenCommonCause,
    PlaceboTreatment,
    RandomCommonCause,
    default_checks,
    refute,
)
from tests.refutation.designs import fitted, light_aipw, linear_design


@pytest.fixture(scope="module")
def effect() -> Effect:
    return fitted(OLS(), linear_design(np.random.default_rng(0), n=300))


@pytest.fixture(scope="module")
def challenges(effect) -> Challenges:
    return refute(effect, random_state=0)


def test_every_default_check_answers(challenges):
    assert [c.name for c in challenges] == [check.name for check in default_checks()]
    assert len(challenges) == 6
    for challenge in challenges:
        assert challenge.verdict in ("passes", "fails", "not informative")
        assert challenge.sentence.endswith((".", ")"))
        assert challenge.question.endswith("?")


def test_the_table(challenges):
    frame = challenges.to_frame()
    assert list(frame.index) == [c.name for c in challenges]
    assert frame["p_value"].dtype == "float64"
    text = repr(challenges)
    assert challenges.summary in text
    assert "placebo treatment" in challenges._repr_html_()
    assert "passes" in repr(challenges["placebo treatment"])
    assert challenges[0] is challenges["placebo treatment"]
    with pytest.raises(InputError, match="no check is called"):
        _ = challenges["tarot"]


def test_the_verdict_is_the_worst():
    def of(*verdicts):
        return Challenges(
            tuple(Challenge(v, "?", v, "s.") for v in verdicts), Effect(1.0, 1.0, 5, "by hand")
        )

    assert of("passes", "fails", "not informative").verdict == "fails"
    assert of("passes", "not informative").verdict == "passes"
    assert of("not informative").verdict == "not informative"
    assert [c.name for c in of("passes", "fails").failed] == ["fails"]
    assert "1 fail: fails" in of("passes", "fails").summary


def test_it_draws(challenges):
    import matplotlib as mpl

    mpl.use("Agg")
    axes = challenges.plot()
    assert len(axes.get_yticks()) == 4
    mpl.pyplot.close("all")


def test_the_same_seed_gives_the_same_numbers_and_n_jobs_changes_none():
    effect = fitted(light_aipw(), linear_design(np.random.default_rng(1), n=200))
    checks = [PlaceboTreatment(), DataSubset(), HiddenCommonCause()]
    serial, again, parallel = (
        refute(effect, checks, n_simulations=4, random_state=7, n_jobs=jobs).to_frame()
        for jobs in (None, None, 2)
    )
    pd.testing.assert_frame_equal(serial, again)
    pd.testing.assert_frame_equal(serial, parallel)
    other = refute(effect, checks, n_simulations=4, random_state=8).to_frame()
    assert not serial.equals(other)


def test_the_data_are_not_touched(effect):
    arrays = [effect.problem.y, effect.problem.t, effect.problem.X]
    before = [a.copy() for a in arrays]
    refute(effect, n_simulations=3, random_state=0)
    assert all(np.array_equal(a, b) for a, b in zip(arrays, before, strict=True))


def test_sugar_on_the_effect(effect):
    direct = refute(effect, [PlaceboTreatment(n_simulations=3)], random_state=0)
    sugar = effect.refute(PlaceboTreatment(n_simulations=3), random_state=0)
    pd.testing.assert_frame_equal(direct.to_frame(), sugar.to_frame())
    both = effect.refute(PlaceboTreatment(n_simulations=3), EValue(), random_state=0)
    assert len(both) == 2


def test_each_member_of_a_set_is_challenged(effect):
    both = EffectSet(
        (effect, Effect(0.0, np.nan, 300, "implied by the graph")), ("given Z", "none")
    )
    found = refute(both, [PlaceboTreatment(n_simulations=3), EValue()], random_state=0)
    assert len(found) == 4
    assert found[0].name == "placebo treatment, given Z"
    assert found[2].verdict == "not informative"
    assert "implied by the graph" in found[2].sentence


def test_an_effect_that_is_not_estimated_is_not_challenged():
    data = {"X": [0, 1] * 20, "M": [0, 1, 1, 0] * 10, "Y": [0, 0, 1, 1, 1] * 8}
    by_formula = refute(ck.identify("X -> M -> Y; X <-> Y", "X", "Y").estimate(data))
    assert by_formula.summary == "none of 6 checks is informative"
    assert all("formula" in c.sentence for c in by_formula)
    implied = refute(Effect(0.0, np.nan, 300, "implied by the graph"))
    assert implied.verdict == "not informative"
    assert all("challenge the graph" in c.sentence for c in implied)
    bare = refute(Effect(1.0, 0.5, 300, "by hand"))
    assert all("no data" in c.sentence for c in bare)


def test_clusters_weights_and_levels_are_fine():
    rng = np.random.default_rng(2)
    X, y, t = linear_design(rng, n=300)
    groups = np.repeat(np.arange(60), 5)
    clustered = OLS().fit(X, y, t=t, groups=groups, sample_weight=rng.random(300) + 0.5).effect_
    assert refute(clustered, n_simulations=10, random_state=0)["data subset"].draws.size == 10
    dose = pd.Series(pd.Categorical(rng.choice(["none", "low", "high"], size=300)), name="dose")
    y = y + (dose == "high").to_numpy()
    several = OLS(contrast="each").fit(X, y, t=dose).effect_
    found = refute(several, [PlaceboTreatment(), HiddenCommonCause()], random_state=0)
    assert len(found) == 4
    assert not any(c.verdict == "fails" for c in found if c.name.startswith("placebo"))


def test_hostile_tables_are_survived():
    rng = np.random.default_rng(3)
    X, y, t = linear_design(rng, n=120)
    doubled = np.column_stack([X, X[:, 0], np.full(120, 3.0), 1e9 * X[:, 1]])
    found = refute(fitted(OLS(), (doubled, 1e8 * y, t)), n_simulations=4, random_state=0)
    plain = refute(fitted(OLS(), (X, y, t)), n_simulations=4, random_state=0)
    for name in ("placebo treatment", "data subset"):
        assert found[name].verdict == plain[name].verdict
    tiny = fitted(OLS(), linear_design(rng, n=9))
    assert len(refute(tiny, n_simulations=4, random_state=0)) == 6


@pytest.mark.parametrize(
    ("checks", "message"),
    [
        (PlaceboTreatment, r"Did you mean PlaceboTreatment\(\)"),
        ("placebo", "is not a check"),
        ([None], "is not a check"),
    ],
)
def test_what_is_no_check(effect, checks, message):
    with pytest.raises(InputError, match=message):
        refute(effect, checks)


def test_what_is_no_effect():
    with pytest.raises(InputError, match="expected an Effect"):
        refute(3.0)
    with pytest.raises(InputError, match="n_simulations=1"):
        refute(Effect(1.0, 0.5, 300, "by hand"), n_simulations=1)


def test_a_check_of_ones_own(effect):
    class Sceptic:
        name = "sceptic"
        question = "Really?"

        def challenge(self, *_, **__):
            return Challenge(self.name, self.question, "fails", "Never convinced.")

    assert isinstance(Sceptic(), Check)
    assert refute(effect, Sceptic()).verdict == "fails"


def test_checks_are_values():
    assert DataSubset(share=0.7) == DataSubset(share=0.7)
    assert len({DummyOutcome(), DummyOutcome(), RandomCommonCause()}) == 2


def test_a_measured_column_that_explains_too_much_is_no_yardstick():
    rng = np.random.default_rng(100)
    z = rng.normal(size=300)
    t = z + rng.normal(size=300)
    y = 2 * t + z + rng.normal(size=300)
    effect = OLS().fit({"z": z}, y, t=t).effect_
    challenge = refute(effect, HiddenCommonCause())[0]
    assert challenge.verdict == "not informative"
    assert "too strong a yardstick" in challenge.sentence
    assert challenge.details["robustness_value"] > 0.7


def test_a_fragile_answer_is_not_a_failed_test():
    rng = np.random.default_rng(15)
    X = rng.normal(size=(800, 1))
    t = 0.6 * X[:, 0] + rng.normal(size=800)
    effect = OLS().fit(X, 0.1 * t + 0.5 * X[:, 0] + rng.normal(size=800), t=t).effect_
    challenges = refute(effect, [PlaceboTreatment(), HiddenCommonCause()], random_state=0)
    assert challenges["hidden common cause"].fails
    assert challenges.verdict != "fails"
    assert "fragile: hidden common cause" in challenges.summary
