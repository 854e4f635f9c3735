"""Twins: their truth is exact, and what they draw looks like what they were fitted to."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from causalkit._core.series import as_series
from causalkit.errors import InputError, UnknownVariableError
from causalkit.graph import CausalGraph, LaggedGraph
from causalkit.models.interventions import Hold, Shift
from causalkit.models.structural_var import StructuralVAR, random_svar
from causalkit.models.temporal.temporal_model import TemporalCausalModel
from causalkit.models.twin import Twin
from causalkit.models.twins.column_forms import ColumnForm, measured
from causalkit.models.twins.ordered_search import discover_graph

LINKS = {
    "A[t-1] -> A[t]": 0.6,
    "A[t-1] -> B[t]": 0.7,
    "B[t] -> C[t]": 0.8,
    "C[t-2] -> C[t]": 0.4,
}


@pytest.fixture(scope="module")
def counts():
    """Positive, skewed, rounded, with gaps."""
    series = StructuralVAR.from_links(LINKS, noise="laplace").sample(2000, rng=0)
    frame = pd.DataFrame({name: np.round(np.exp(2 + 0.5 * x)) for name, x in series.items()})
    for start in range(100, 2000, 200):
        frame.iloc[start : start + 12, :2] = np.nan
    return frame


@pytest.fixture(scope="module")
def twin(counts):
    return Twin(max_lag=2, random_state=0).fit(counts)


def test_the_search_of_one_pass_finds_a_graph_that_is_there():
    missed = extra = 0
    for seed in range(3):
        svar = random_svar(10, max_lag=2, step_links=0.5, noise="laplace", rng=seed)
        found = discover_graph(as_series(svar.sample(3000, rng=0)), 2).directed
        missed += int((svar.graph.directed & ~found).sum())
        extra += int((found & ~svar.graph.directed).sum())
    assert missed == 0
    assert extra <= 12


def test_edges_within_the_step_are_added_where_noise_goes_together_and_only_there():
    svar = StructuralVAR.from_links(LINKS, noise="laplace")
    lagged = LaggedGraph.parse("A[t-1] -> A[t]; A[t-1] -> B[t]; C[t-2] -> C[t]")
    data = svar.sample(3000, rng=0)
    twin = Twin(lagged).fit(data)
    assert {(str(e.left), str(e.right)) for e in twin.graph_.edges() if e.left.lag == 0} == {
        ("B[t]", "C[t]")
    }
    assert np.abs(twin.model_.residual_correlation_ - np.eye(3)).max() < 0.06
    alone = Twin(lagged, lag_zero="none").fit(data)
    assert alone.graph_ == lagged
    assert np.abs(alone.model_.residual_correlation_ - np.eye(3)).max() > 0.3


def test_draws_lie_on_the_grid_and_within_bounds(twin, counts):
    drawn = twin.sample(500, rng=0)
    assert drawn.shape == (500, 3)
    assert (drawn == drawn.round()).all(axis=None)
    assert (drawn.min() >= counts.min()).all()
    assert (drawn.max() <= counts.max() * 1.1 + 1).all()
    assert {form.power for form in twin.forms_.values()} <= {0.0, 0.3, 0.5}


def test_draws_have_the_levels_and_correlations_of_the_data(twin, counts):
    drawn, real = np.log1p(twin.sample(2000, rng=0)), np.log1p(counts)
    assert np.abs(drawn.mean() - real.mean()).max() < 0.15
    assert np.abs(drawn.std() / real.std() - 1).max() < 0.15
    assert np.abs(drawn.corr() - real.corr()).to_numpy().max() < 0.08
    back = [frame["C"].autocorr(2) for frame in (drawn, real)]
    assert back[0] == pytest.approx(back[1], abs=0.08)


def test_missing_cells_come_as_in_the_data(twin, counts):
    drawn = twin.sample(2000, rng=0, missing=True)
    holes = drawn.isna()
    assert holes["A"].equals(holes["B"])
    assert not holes["C"].any()
    assert holes["A"].mean() == pytest.approx(counts["A"].isna().mean(), abs=0.02)
    assert not twin.sample(100, rng=0).isna().any(axis=None)


def test_only_parents_matter_bit_for_bit(twin):
    for name in twin.graph_.variables:
        nodes = set(twin.model_.causes_of(name))
        assert nodes == set(twin.graph_.parents(name))
    plain, done = (twin.sample(200, rng=1, do=do) for do in (None, {"C": Shift(3.0, start=5)}))
    assert plain[["A", "B"]].equals(done[["A", "B"]])
    assert not plain["C"].equals(done["C"])


def test_an_effect_is_that_of_draws_under_interventions(twin):
    truth = twin.effect("A", "C", horizon=1, contrast=(4.0, 12.0), n_chains=3000, rng=0)
    low, high = (
        twin.model_.sample(2, 3000, rng=seed, do={"A": Hold(value, start=0, stop=1)})[
            "C"
        ].to_numpy()[1::2]
        for value, seed in ((4.0, 1), (12.0, 2))
    )
    error = np.sqrt(low.var() / 3000 + high.var() / 3000)
    assert truth.agrees(high.mean() - low.mean(), std_error=error)
    assert truth.value > 0


def test_the_counterfactual_of_a_recorded_stretch_is_that_stretch(twin, counts):
    seen = counts.iloc[120:290].reset_index(drop=True)
    again = twin.model_.counterfactual(seen, {"A": Shift(0.0)}, rng=0)
    np.testing.assert_allclose(again, seen, atol=1e-6)


def test_the_same_seed_gives_the_same_twin_and_the_same_bytes(counts):
    one, other = (
        Twin(max_lag=1, random_state=3).fit(counts).sample(50, rng=4).to_numpy().tobytes()
        for _ in range(2)
    )
    assert one == other


@pytest.mark.parametrize(
    "form",
    [
        ColumnForm(0.0, 1.0, 1.0, 0.0, 0.0, 90.0),
        ColumnForm(0.3, 0.0, 0.25, 1.0, 1.0, 40.0),
        ColumnForm(0.5, 0.5, 0.0, 0.0, 0.0, 99.0),
        ColumnForm(),
    ],
)
def test_a_measured_value_comes_back_from_its_noise(form):
    rng = np.random.default_rng(0)
    inner = (
        TemporalCausalModel(max_lag=1, mechanism="linear", noise="normal")
        .fit({"X": rng.normal(size=100)})
        .mechanisms_["X"]
    )
    mechanism = measured(inner, form, (form,))
    causes = form.back(form.forward(rng.uniform(2, 30, size=(500, 1))))
    value = mechanism.value(causes, 3 * mechanism.draw(500, rng))
    again = mechanism.value(causes, mechanism.noise(causes, value, rng))
    np.testing.assert_allclose(again, value, atol=1e-9)
    np.testing.assert_allclose(form.back(form.forward(value)), value, atol=1e-9)


def test_a_scenario_hides_changes_and_deletes_and_says_so(twin):
    scene = twin.scenario(
        latent="A", missing="data", regimes=[(150, {}), (100, {"C": Shift(20.0)})]
    )
    data = scene.sample(rng=0)
    assert list(data.columns) == ["B", "C"]
    assert len(data) == 250
    assert scene.changing == ("C",)
    assert scene.labels.tolist() == [0] * 150 + [1] * 100
    assert data["C"][150:].mean() > data["C"][:150].mean() + 10
    assert "A" not in scene.mag().variables
    assert scene.graph == twin.graph_
    assert twin.scenario().sample(rng=0).shape == (2000, 3)
    with pytest.raises(InputError, match="all series are latent"):
        twin.scenario(latent=["A", "B", "C"])
    with pytest.raises(UnknownVariableError):
        twin.scenario(latent="Q")


def test_the_twin_of_a_table_is_a_structural_model():
    rng = np.random.default_rng(0)
    x = rng.exponential(size=2000)
    y = 2 * x + rng.exponential(size=2000)
    table = pd.DataFrame({"y": y, "x": x})
    found = Twin(max_lag=0, random_state=0).fit(table)
    assert found.graph_ == CausalGraph.parse("x -> y")
    assert found.discoverer_ == "ordered search"
    given = Twin(CausalGraph.parse("x -> y"), random_state=0).fit(table)
    assert given.effect("x", "y").value == pytest.approx(2, abs=0.1)
    assert given.discoverer_ is None
    assert given.sample(10, rng=0).shape == (10, 2)
    assert given.scenario().sample(rng=0).shape == (2000, 2)


def test_an_algorithm_may_find_the_graph(counts):
    from causalkit.discovery import PCMCI

    whole = counts.iloc[120:290]
    found = Twin(PCMCI(max_lag=1), lag_zero="none").fit(whole)
    assert found.discoverer_ == "PCMCI"
    assert found.graph_.max_lag <= 1


def test_a_fidelity_report_compares_the_two(twin, counts):
    report = twin.fidelity(rng=0, n_null=0, classifiers=["logistic"], max_windows=300)
    assert report.two_sample.aucs["logistic"] < 0.65


def test_what_cannot_be_read_is_refused(counts):
    with pytest.raises(InputError, match="graph is a int"):
        Twin(3).fit(counts)
    with pytest.raises(UnknownVariableError):
        Twin(LaggedGraph.parse("Q[t-1] -> A[t]")).fit(counts)
    with pytest.raises(InputError, match="name of a family"):
        Twin(mechanism={"A": 3.0}).fit(counts)
    with pytest.raises(InputError, match="budget"):
        Twin(budget="lavish").fit(counts)
    with pytest.raises(InputError, match="no value"):
        Twin().fit(counts.assign(D=np.nan))


def test_a_column_that_stands_still_does_so_as_often_in_the_twin():
    rng = np.random.default_rng(0)
    x = np.zeros(2500)
    for t in range(1, 2500):
        x[t] = x[t - 1] if rng.random() < 0.4 else 0.5 * x[t - 1] + rng.normal()
    found = Twin(max_lag=1, random_state=0).fit({"X": x})
    drawn = found.sample(2500, rng=1)["X"].to_numpy()
    assert np.mean(np.diff(drawn) == 0) == pytest.approx(np.mean(np.diff(x) == 0), abs=0.05)
    assert drawn.std() == pytest.approx(x.std(), rel=0.12)
    again = found.model_.counterfactual({"X": x}, {"X": Shift(0.0)}, rng=0)
    np.testing.assert_allclose(again["X"], x, atol=1e-9)


def test_two_categories_are_refused_with_the_numbers_to_write():
    x = np.random.default_rng(0).normal(size=100)
    valve = pd.Categorical(np.where(np.sin(np.arange(100)) > 0, "OPEN", "CLOSED"))
    with pytest.raises(InputError, match=r"data\['v'\].map\(\{'CLOSED': 0, 'OPEN': 1\}\)"):
        Twin(max_lag=1).fit(pd.DataFrame({"x": x, "v": valve}))
