"""Which level is which: an effect says what it compares, and of which level it is the chance."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.testing import assert_allclose

from causalkit import identify
from causalkit.estimation import AIPW, OLS, Effect, FixedEffects, GComputation, PotentialOutcomes
from causalkit.refutation import NegativeControlOutcome

N = 400


@pytest.fixture(scope="module")
def people():
    """The exposed are cases more often; what is knocked out has less IL6."""
    rng = np.random.default_rng(0)
    exposed = rng.integers(0, 2, N)
    case = rng.random(N) < 0.3 + 0.3 * exposed
    knocked_out = rng.random(N) < 0.5
    return pd.DataFrame(
        {
            "exposed": exposed,
            "status": np.where(case, "case", "control"),
            "gene": np.where(knocked_out, "KO", "WT"),
            "arm": rng.choice(["a", "b", "c"], N),
            "z": rng.normal(size=N),
            "IL6": rng.normal(size=N) - knocked_out,
        }
    ).astype(dict.fromkeys(["status", "gene", "arm"], "category"))


def declared(people, **order):
    """The same table with categories in this order."""
    return people.assign(
        **{name: people[name].cat.set_categories(levels) for name, levels in order.items()}
    )


def effect(data, question, estimator=None):
    treatment, outcome = question.split(" -> ")
    return identify(question, treatment, outcome).estimate(data, estimator or OLS())


@pytest.mark.parametrize("ordered", [False, True])
def test_the_declared_order_decides_the_sign_and_the_level_is_named(people, ordered):
    rate = people.assign(case=people["status"] == "case").groupby("exposed")["case"].mean()
    data = declared(people, status=["control", "case"])
    data["status"] = data["status"].cat.set_categories(["control", "case"], ordered=ordered)
    found = effect(data, "exposed -> status")
    assert_allclose(found.value, rate[1] - rate[0])
    assert found.sentence.startswith("Effect of exposed on P(status = case): 0.")
    assert ("outcome", "P(status = case)") in found._report().facts
    row = found.to_frame().iloc[0]
    assert (row["contrast"], row["outcome"]) == ("exposed: 1 versus 0", "P(status = case)")
    by_alphabet = effect(people, "exposed -> status")
    assert_allclose(by_alphabet.value, -found.value)
    assert by_alphabet.sentence.startswith("Effect of exposed on P(status = control): -0.")


@pytest.mark.parametrize("estimator", [OLS(), GComputation(), AIPW(n_folds=2, random_state=0)])
def test_the_levels_of_a_treatment_are_named_in_sentence_and_row(people, estimator):
    for levels, of in ((["WT", "KO"], "KO instead of WT"), (["KO", "WT"], "WT instead of KO")):
        found = effect(declared(people, gene=levels), "gene -> IL6", estimator)
        assert found.sentence.startswith(f"Effect of gene ({of}) on IL6: ")
        assert (found.value < 0) == (of == "KO instead of WT")
        row = found.to_frame()
        assert row["contrast"].item() == f"gene: {of.replace('instead of', 'versus')}"
        assert row.index[0] == f"Effect of gene ({of}) on IL6"


def test_zeros_and_ones_and_numbers_need_no_levels(people):
    for data in (people, people.assign(exposed=people["exposed"].astype(bool))):
        assert effect(data, "exposed -> IL6").sentence.startswith("Effect of exposed on IL6: ")
        assert effect(data, "z -> exposed").sentence.startswith("Effect of z on exposed: ")
    two = effect(people.assign(exposed=people["exposed"] + 1), "exposed -> IL6")
    assert two.sentence.startswith("Effect of exposed (2 instead of 1) on IL6: ")
    far = effect(people, "z -> IL6", OLS(contrast=(-1, 2)))
    assert far.sentence.startswith("Effect of z (2 instead of -1) on IL6: ")


def test_sets_name_the_level_of_the_outcome_and_their_members_the_rest(people):
    found = effect(people, "arm -> status", OLS(contrast="each"))
    assert found.sentence.startswith("2 effects on P(status = control): ")
    assert found[0].sentence.startswith("Effect of arm (b instead of a) on P(status = control): ")
    gap = found.difference(1, 0)
    assert gap.sentence.startswith("Effect of arm ((c − a) − (b − a)) on P(status = control): ")
    assert list(found.to_frame()["contrast"]) == ["arm: b versus a", "arm: c versus a"]
    means = effect(people, "gene -> status", PotentialOutcomes(n_folds=2, random_state=0))
    assert means.sentence.startswith("2 mean outcomes of P(status = control): ")
    assert means[0].sentence.startswith("Mean of P(status = control) if gene = KO: ")
    either = identify(
        "gene -- z; z -- status; gene -> status", "gene", "status", strategy="possible"
    )
    either = either.estimate(people, OLS())
    assert either.sentence.startswith(
        f"One of {len(either)} possible effects of gene (WT instead of KO) on P(status = control): "
    )


def test_clusters_and_their_degrees_of_freedom_stand_beside_the_effect(people):
    village = np.arange(N) % 20
    asked = identify("gene -> IL6", "gene", "IL6")
    row = asked.estimate(people, OLS(), clusters=village).to_frame().iloc[0]
    assert (row["clusters"], row["df"]) == (20, 19)
    assert row["method"] == "OLS, HC1 standard error; clustered"
    crossed = np.column_stack([village, np.arange(N) // 40])
    assert asked.estimate(people, OLS(), clusters=crossed).to_frame()["clusters"].item() == (
        "20 and 10"
    )
    alone = Effect(1.0, 0.5, 10, "by hand").to_frame().iloc[0]
    assert alone["clusters"] is None
    assert np.isnan(alone["df"])


def test_an_effect_of_a_file_and_one_of_a_panel_name_their_levels(people, tmp_path):
    path = tmp_path / "people.parquet"
    ordered = declared(people, status=["control", "case"], gene=["WT", "KO"])
    for name in ("status", "gene"):
        ordered[name] = ordered[name].cat.as_ordered()
    pq.write_table(pa.Table.from_pandas(ordered), path)
    for data in (path, ordered):
        found = effect(data, "gene -> status")
        assert found.sentence.startswith("Effect of gene (KO instead of WT) on P(status = case): ")
        assert found.details["outcome"] == "P(status = case)"
    panel = FixedEffects().fit(
        None,
        people["IL6"],
        t=people["gene"],
        unit=np.arange(N) // 10,
        time=np.arange(N) % 10,
    )
    assert panel.effect_.sentence.startswith("Effect of gene (WT instead of KO) on IL6: ")


def test_another_outcome_brings_its_own_levels(people):
    found = effect(people, "exposed -> status")
    control = NegativeControlOutcome(people["gene"])
    _, problem, _ = control._arranged(found, found.problem, np.random.default_rng(0))
    assert problem.outcome_levels == ("KO", "WT")
