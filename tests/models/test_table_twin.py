"""Twins of tables: holes, numbers with few values, and scenarios."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from causalkit.errors import InputError, UnknownVariableError
from causalkit.graph import CausalGraph
from causalkit.models import Missing, Shift, StructuralCausalModel, Twin, fit_missingness

GRAPH = CausalGraph.parse("g -> x; z -> x; x -> y; z -> y")
RATES = {"a": 0.05, "b": 0.2, "c": 0.6}
N = 2000


@pytest.fixture(scope="module")
def holed():
    """Cells of x are missing by group, those of y by z; y depends on x with slope 1."""
    rng = np.random.default_rng(0)
    g = rng.choice(list(RATES), size=N, p=[0.5, 0.3, 0.2])
    z = rng.normal(size=N)
    x = z + (g == "b") + rng.normal(size=N)
    y = x - z + rng.normal(size=N)
    frame = pd.DataFrame({"g": pd.Categorical(g), "z": z, "x": x, "y": y})
    frame.loc[rng.random(N) < pd.Series(g).map(RATES), "x"] = np.nan
    frame.loc[rng.random(N) < 1 / (1 + np.exp(1 - 1.5 * z)), "y"] = np.nan
    return frame


@pytest.fixture(scope="module")
def twin(holed):
    return Twin(GRAPH, random_state=0).fit(holed)


# --- missing cells --------------------------------------------------------------------------------


def test_missing_rates_by_group_and_by_value_are_those_of_the_data(twin, holed):
    drawn = twin.sample(20_000, rng=1, missing=True)
    groups = {
        "x": (holed["g"], drawn["g"]),
        "y": tuple(pd.cut(frame["z"], [-9, -1, 0, 1, 9]) for frame in (holed, drawn)),
    }
    for name, (real, synthetic) in groups.items():
        rate = holed[name].isna().groupby(real, observed=True).agg(["mean", "size"])
        again = drawn[name].isna().groupby(synthetic, observed=True).agg(["mean", "size"])
        error = np.sqrt(rate["mean"] * (1 - rate["mean"]) * (1 / rate["size"] + 1 / again["size"]))
        assert ((rate["mean"] - again["mean"]).abs() < 4 * error).all(), name
    assert not drawn[["g", "z"]].isna().any(axis=None)
    assert not twin.sample(200, rng=0).isna().any(axis=None)
    assert set(twin.gaps_.causes["x"]) == {"g", "z"}


def test_mechanisms_are_those_of_the_rows_in_which_their_cells_are_seen(twin, holed):
    """Given its causes, whether y is missing has nothing to do with it: least squares is right."""
    seen = holed[["x", "z", "y"]].dropna()
    X = np.column_stack([np.ones(len(seen)), seen[["z", "x"]]])
    slopes = np.linalg.lstsq(X, seen["y"], rcond=None)[0]
    model = StructuralCausalModel(GRAPH, mechanism="linear", noise="normal", missing="drop").fit(
        holed
    )
    assert model.effect("x", "y").value == pytest.approx(slopes[2], abs=1e-8)
    assert twin.effect("x", "y").value == pytest.approx(1.0, abs=0.15)
    roots = model.mechanisms_["z"].mean.intercept
    assert roots == pytest.approx(holed["z"].mean())
    with pytest.raises(InputError, match='missing="drop"'):
        StructuralCausalModel(GRAPH).fit(holed)


def test_latent_factors_are_coupled_by_complete_rows(holed):
    graph = CausalGraph.parse("z -> x; z -> y; x <-> y")
    rows = holed.drop(columns="g")
    model = StructuralCausalModel(graph, mechanism="linear", noise="normal", missing="drop")
    model = model.fit(rows)
    assert len(model.latents_) == 1
    none = rows.assign(x=rows["x"].where(rows["y"].isna()))
    with pytest.raises(InputError, match="have no hole"):
        model.set_params(graph=graph).fit(none)


def test_what_is_no_cause_changes_no_bit_of_a_twin_with_holes(twin):
    plain, done = (twin.sample(300, rng=1, do=do) for do in (None, {"x": Shift(2.0)}))
    assert plain[["g", "z"]].equals(done[["g", "z"]])
    np.testing.assert_allclose(done["x"] - plain["x"], 2.0)
    again = twin.model_.counterfactual(plain, {"x": Shift(0.0)}, rng=0)
    np.testing.assert_allclose(again["y"], plain["y"], atol=1e-9)


def test_a_fidelity_report_looks_at_the_holes(twin):
    report = twin.fidelity(rng=0, n_null=0, classifiers=["logistic"], max_windows=400)
    rates = report.missingness.rates
    assert np.abs(rates[0] - rates[1]).max() < 0.04
    assert report.two_sample.aucs["logistic"] < 0.56


def test_a_graph_is_learnt_from_a_table_with_holes():
    rng = np.random.default_rng(1)
    x = rng.exponential(size=1500)
    y = 2 * x + rng.exponential(size=1500)
    table = pd.DataFrame({"y": y, "x": x})
    table.loc[rng.random(1500) < 0.2, "y"] = np.nan
    twin = Twin(max_lag=0, random_state=0).fit(table)
    assert twin.graph_ == CausalGraph.parse("x -> y")
    assert twin.sample(2000, rng=0, missing=True)["y"].isna().mean() == pytest.approx(0.2, abs=0.05)
    with pytest.raises(InputError, match="no value"):
        Twin(GRAPH.subgraph(["x", "y"])).fit(table.assign(y=np.nan))


def test_levels_of_categories_and_booleans_make_cells_missing():
    rng = np.random.default_rng(2)
    table = pd.DataFrame(
        {
            "site": rng.choice(list("abcde"), size=2000),
            "old": rng.random(2000) < 0.5,
            "x": rng.normal(size=2000),
            "name": [f"n{k}" for k in range(2000)],
        }
    )
    chance = np.where(table["site"] == "d", 0.8, 0.1) + 0.15 * table["old"]
    table.loc[rng.random(2000) < chance, "x"] = np.nan
    pattern = fit_missingness(table, time=False)
    assert set(pattern.causes["x"]) == {"site", "old"}
    whole = table.assign(x=0.0)
    holes = pattern.apply(pd.concat([whole] * 4, ignore_index=True), rng=0).data["x"].isna()
    by = pd.concat([table[["site", "old"]]] * 4, ignore_index=True)
    real = table["x"].isna().groupby([table["site"], table["old"]]).agg(["mean", "size"])
    drawn = holes.groupby([by["site"], by["old"]]).mean()
    error = np.sqrt(real["mean"] * (1 - real["mean"]) / real["size"] * 1.25)
    assert ((real["mean"] - drawn).abs() < 4 * error).all()


def test_a_column_with_holes_may_make_cells_of_others_missing():
    """Where z is seen, its value decides whether x is; where it is not, a coin does."""
    rng = np.random.default_rng(5)
    z, x, w = rng.normal(size=(3, 4000))
    hole = rng.random(4000) < 0.15
    chance = np.where(hole, 0.5, np.where(z > 0, 0.7, 0.1))
    table = pd.DataFrame(
        {
            "z": np.where(hole, np.nan, z),
            "x": np.where(rng.random(4000) < chance, np.nan, x),
            "w": w,
        }
    )
    pattern = fit_missingness(table, time=False)
    assert pattern.causes["x"] == ("z",)
    fresh = pd.DataFrame({"z": rng.normal(size=20_000), "x": 0.0, "w": 0.0})
    drawn = pattern.apply(fresh, rng=1).data
    assert drawn["z"].isna().mean() == pytest.approx(hole.mean(), abs=0.01)
    for low, high in ((-9, -0.2), (0.2, 9)):
        rates = [
            frame["x"].isna()[frame["z"].between(low, high)].mean() for frame in (table, drawn)
        ]
        assert rates[1] == pytest.approx(rates[0], abs=0.03)
    rates = [frame["x"].isna()[frame["z"].isna()].mean() for frame in (table, drawn)]
    assert rates[1] == pytest.approx(rates[0], abs=0.03)


# --- numbers with few values ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def schooling():
    """Years of school heap at 12 and 16; jobs are counts."""
    rng = np.random.default_rng(3)
    home = rng.normal(size=1500)
    school = np.select(
        [home + rng.logistic(size=1500) > cut for cut in (2, 0, -1)], [16.0, 12.0, 10.0], 8.0
    )
    odd = rng.random(1500) < 0.15
    school[odd] += rng.choice([-1.0, 1.0], size=int(odd.sum()))
    wage = 0.2 * school + 0.5 * home + rng.normal(size=1500)
    return pd.DataFrame({"home": home, "school": school, "wage": wage})


@pytest.mark.parametrize("budget", ["fast", pytest.param("best", marks=pytest.mark.slow)])
def test_heaps_are_kept_and_so_is_dependence(schooling, budget):
    graph = CausalGraph.parse("home -> school -> wage; home -> wage")
    twin = Twin(graph, budget=budget, random_state=0).fit(schooling)
    drawn = twin.sample(20_000, rng=0)
    real, again = (frame["school"].value_counts(normalize=True) for frame in (schooling, drawn))
    assert 0.5 * real.sub(again, fill_value=0).abs().sum() < 0.04
    ranks = [frame.corr("spearman").loc["home", "school"] for frame in (schooling, drawn)]
    assert ranks[1] == pytest.approx(ranks[0], abs=0.06)
    losses = twin.model_.validation_["school"]
    assert twin.model_.families_["school"] == min(losses, key=losses.get)
    rounded = min(loss for family, loss in losses.items() if family.startswith("rounded"))
    assert min(losses.values()) < rounded - 0.2


def test_a_twin_with_few_values_can_be_asked_and_stored(schooling, tmp_path):
    graph = CausalGraph.parse("home -> school -> wage; home -> wage")
    twin = Twin(graph, random_state=0).fit(schooling)
    again = twin.model_.counterfactual(schooling, {"home": Shift(0.0)}, rng=0)
    np.testing.assert_allclose(again, schooling, atol=1e-9)
    more = twin.effect("home", "school", contrast=(-1.0, 1.0), n=20_000, rng=0)
    drawn = [twin.sample(20_000, rng=k, do={"home": 2.0 * k - 1}) for k in (0, 1)]
    gap = drawn[1]["school"].mean() - drawn[0]["school"].mean()
    error = np.sqrt(sum(frame["school"].var() / 20_000 for frame in drawn))
    assert more.agrees(gap, std_error=error)
    twin.model_.save(tmp_path / "twin.npz")
    read = StructuralCausalModel.load(tmp_path / "twin.npz").sample(50, rng=1)
    assert read.equals(twin.model_.sample(50, rng=1))


def test_few_values_with_holes_and_causes_that_are_categories():
    rng = np.random.default_rng(6)
    site = rng.choice(list("abc"), size=900)
    age = np.round(30 + 5.0 * (site == "b") + 3 * rng.normal(size=900))
    size = np.where(rng.random(900) < 1 / (1 + np.exp(32 - age)), 2.0, 1.0)
    frame = pd.DataFrame({"site": pd.Categorical(site), "age": age, "size": size})
    frame.loc[rng.random(900) < 0.2, "age"] = np.nan
    twin = Twin(CausalGraph.parse("site -> age -> size"), random_state=0).fit(frame)
    drawn = twin.sample(9000, rng=0)
    assert set(drawn["size"]) == {1.0, 2.0}
    assert set(drawn["age"]) <= set(frame["age"].dropna())
    means = [one["age"].groupby(one["site"], observed=True).mean() for one in (frame, drawn)]
    assert (means[0] - means[1]).abs().max() < 0.8
    shares = [(one["size"] == 2).groupby(one["age"] > 32).mean() for one in (frame.dropna(), drawn)]
    assert (shares[0] - shares[1]).abs().max() < 0.07


def test_numbers_that_pile_up_do_so_because_of_their_causes():
    """Who works depends on health; a pile without causes is as large as in the data."""
    rng = np.random.default_rng(7)
    health, gift = rng.normal(size=(2, 1200))
    gift = np.where(gift < -0.3, 0.0, np.exp(gift))
    works = rng.random(1200) < 1 / (1 + np.exp(-1 - 2 * health))
    pay = np.where(works, 20 + 2 * health + gift + rng.normal(size=1200), 0.0)
    frame = pd.DataFrame({"health": health, "gift": gift, "pay": pay})
    twin = Twin(CausalGraph.parse("health -> pay; gift -> pay"), random_state=0).fit(frame)
    drawn = twin.sample(10_000, rng=0)
    bins = [-9, -0.7, 0, 0.7, 9]
    idle = [(one["pay"] == 0).groupby(pd.cut(one["health"], bins)).mean() for one in (frame, drawn)]
    assert (idle[0] - idle[1]).abs().max() < 0.07
    assert (drawn["gift"] == 0).mean() == pytest.approx((gift == 0).mean(), abs=0.02)
    assert drawn["pay"][drawn["pay"] > 0].min() > 5
    again = twin.model_.counterfactual(frame, {"health": Shift(0.0)}, rng=0)
    np.testing.assert_allclose(again[frame.columns], frame, atol=1e-9)


def test_a_mechanism_that_was_asked_for_is_left_alone(schooling):
    graph = CausalGraph.parse("home -> school -> wage; home -> wage")
    twin = Twin(graph, mechanism={"school": "linear"}, noise="normal", random_state=0).fit(
        schooling
    )
    assert twin.model_.families_["school"] == "linear"


def test_a_column_that_others_determine_has_no_forest():
    rng = np.random.default_rng(0)
    school, years = rng.integers(8, 19, size=300) * 1.0, rng.integers(0, 40, size=300) * 1.0
    table = {"school": school, "years": years, "age": school + years + 6}
    graph = CausalGraph.parse("school -> age; years -> age")
    drawn = Twin(graph, budget="best", random_state=0).fit(table).sample(500, rng=0)
    assert (drawn["age"] == drawn["school"] + drawn["years"] + 6).mean() > 0.97


# --- scenarios ------------------------------------------------------------------------------------


def test_a_scenario_of_a_table_hides_columns_and_knows_the_mag():
    rng = np.random.default_rng(4)
    u = rng.normal(size=800)
    x, y = u + rng.normal(size=800), u + rng.normal(size=800)
    table = pd.DataFrame({"u": u, "x": x, "y": y, "w": x + rng.normal(size=800)})
    twin = Twin(CausalGraph.parse("u -> x; u -> y; x -> w"), random_state=0).fit(table)
    scene = twin.scenario(latent="u")
    assert scene.mag() == CausalGraph.parse("x <-> y; x -> w", kind="MAG")
    assert scene.graph == twin.graph_
    assert scene.observed == ("x", "y", "w")
    assert scene.sample(rng=0).shape == (800, 3)
    holes = twin.scenario(latent="u", missing=Missing("MNAR", 0.3, columns="y", drivers="u"))
    seen = holes.sample(rng=0)
    assert list(seen.columns) == ["x", "y", "w"]
    assert seen["y"].isna().mean() == pytest.approx(0.3, abs=0.06)
    gap = seen["x"][seen["y"].isna()].mean() - seen["x"][seen["y"].notna()].mean()
    assert gap > 0.5  # the hidden cause of x makes cells of y missing
    with pytest.raises(InputError, match="no lags"):
        scene.mag(1)
    with pytest.raises(InputError, match="all columns are latent"):
        twin.scenario(latent=["u", "x", "y", "w"])
    with pytest.raises(UnknownVariableError):
        twin.scenario(regimes=[(10, {"q": 1.0})])


def test_environments_of_a_table_have_labels_and_other_mechanisms(twin):
    regimes = [(400, {}), (300, {"x": Shift(3.0)}), (300, {"z": 1.0, "x": Shift(3.0)})]
    scene = twin.scenario(missing="data", regimes=regimes)
    data = scene.sample(rng=0, label="site")
    assert set(scene.changing) == {"z", "x"}
    assert data["site"].tolist() == [0] * 400 + [1] * 300 + [2] * 300
    assert data["x"][400:700].mean() - data["x"][:400].mean() == pytest.approx(3, abs=0.6)
    assert (data["z"][700:] == 1).all()
    assert data["x"].isna().any()
    assert data.equals(scene.sample(rng=0, label="site"))
    assert scene.labels.tolist() == data["site"].tolist()
    held = twin.scenario(regimes=[(50, {"z": 1.0}), (50, {"z": 1.0})])
    assert held.changing == ()
    with pytest.raises(InputError, match="label='x'"):
        scene.sample(label="x")
