"""Seasons of twins: found where they are and not where they are not, known exactly, and exact."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from causalkit.errors import InputError
from causalkit.graph import CausalGraph
from causalkit.models.interventions import Hold
from causalkit.models.mechanisms.additive import Additive, Linear
from causalkit.models.noise import Normal
from causalkit.models.structural_var import StructuralVAR, random_svar
from causalkit.models.twin import Twin
from causalkit.models.twins.column_forms import ColumnForm, measured
from causalkit.models.twins.repeats import Standing, StandingRule
from causalkit.models.twins.season_shapes import fit_shapes, plain_shapes
from causalkit.models.twins.season_tests import (
    TimedRows,
    find_periods,
    season_log_p_values,
    season_table,
)
from causalkit.models.twins.seasonal_mechanisms import behind_clocks

PERIOD = 12
LINKS = {"A[t-1] -> A[t]": 0.5, "A[t-1] -> B[t]": 0.6, "B[t-1] -> B[t]": 0.3, "C[t-1] -> C[t]": 0.4}
CLOCK = "season 12"


def timed(values):
    follows = np.arange(len(values)) > 0
    return TimedRows.of(values, np.arange(len(values)), follows)


def visitors(seed, n=1500, period=PERIOD):
    """Counts of two doors with busy and empty hours, and a series without a season."""
    noise = pd.DataFrame(StructuralVAR.from_links(LINKS).sample(n, rng=seed))
    rate = 2.0 + 2.5 * np.cos(2 * np.pi * np.arange(n) / period)
    rng = np.random.default_rng(seed)
    spread = 0.35 * noise / noise.std()
    return pd.DataFrame(
        {
            "A": rng.poisson(np.exp(rate + spread["A"])),
            "B": rng.poisson(np.exp(rate - 0.5 + spread["B"])),
            "C": noise["C"],
        }
    ).astype(float)


def waves(seed, n=1200, period=PERIOD):
    """The levels and spreads of A and B swing, that of C does not."""
    noise = pd.DataFrame(StructuralVAR.from_links(LINKS).sample(n, rng=seed))
    angle = 2 * np.pi * np.arange(n) / period
    swing, stretch = 2.0 * np.sin(angle), np.exp(0.6 * np.cos(angle))
    return noise.assign(A=swing + stretch * noise["A"], B=-swing + stretch * noise["B"])


@pytest.fixture(scope="module")
def counted():
    return Twin(max_lag=1, random_state=0).fit(visitors(0))


@pytest.fixture(scope="module")
def waved():
    return Twin(max_lag=1, random_state=0).fit(waves(0))


# --- the test ------------------------------------------------------------------------------------


def test_p_values_of_noise_are_uniform_whatever_its_memory():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(600, 400))
    for t in range(1, len(noise)):
        noise[t] += 0.8 * noise[t - 1]
    found = np.exp(season_log_p_values(timed(noise[100:]).without_trends(), 12))
    shares = [(found < level).mean() for level in (0.01, 0.05, 0.2)]
    assert shares[0] < 0.03  # the p-value of the best of three sets of waves is on the safe side
    assert shares[1] < 0.08
    assert 0.08 < shares[2] < 0.25


def test_a_table_is_the_mean_of_each_phase_where_all_waves_are_clear():
    shape = np.array([4.0, -1.0, 0.0, 2.0, -5.0])
    rng = np.random.default_rng(1)
    values = (np.tile(shape, 200) + 1e-3 * rng.normal(size=1000))[:, None]
    found = season_table(timed(values), 5)[:, 0]
    assert found == pytest.approx(shape - shape.mean(), abs=1e-3)


def test_blocks_of_several_series_are_in_phase():
    shape = np.sin(2 * np.pi * np.arange(8) / 8)
    time = np.concatenate([np.arange(3, 203), np.arange(6, 206)])
    rng = np.random.default_rng(2)
    values = (shape[time % 8] + 0.1 * rng.normal(size=400))[:, None]
    follows = np.arange(400) % 200 > 0
    table = season_table(TimedRows.of(values, time, follows), 8)[:, 0]
    assert table == pytest.approx(shape, abs=0.05)


def test_no_season_is_found_where_there_is_none():
    alarms = 0
    for seed in range(30):
        values = pd.DataFrame(random_svar(5, max_lag=2, rng=seed).sample(400, rng=seed)).to_numpy()
        alarms += bool(find_periods(timed(values)))
    assert alarms <= 1


@pytest.mark.slow
@pytest.mark.parametrize("n", [300, 1000, 3000])
def test_false_alarms_are_rare(n):
    alarms = 0
    for seed in range(100):
        values = pd.DataFrame(random_svar(6, max_lag=2, rng=seed).sample(n, rng=seed)).to_numpy()
        alarms += bool(find_periods(timed(values)))
    assert alarms <= 2


@pytest.mark.parametrize("period", [7, 24])
def test_a_season_is_found_and_neither_its_parts_nor_its_multiples(period):
    n = 40 * period
    phase = np.arange(n) % period
    rng = np.random.default_rng(period)
    shape = np.where(phase < period / 3, 1.5, 0.0)  # with several waves
    values = shape[:, None] + rng.normal(size=(n, 3))
    assert find_periods(timed(values)) == (period,)


def test_a_week_of_days_is_one_season():
    n = 20 * 28
    time = np.arange(n)
    day, week = np.sin(2 * np.pi * time / 4), np.where(time % 28 >= 20, -1.0, 0.4)
    values = 2 * day + 1.5 * week + np.random.default_rng(0).normal(size=n)
    assert find_periods(timed(values[:, None])) == (28,)


def test_a_trend_is_no_season():
    n = 600
    line = np.linspace(0, 30, n) + np.random.default_rng(0).normal(size=n)
    assert find_periods(timed(line[:, None])) == ()


@pytest.mark.parametrize(("n", "size"), [(1430, 3.0), (1440, 1.0)])
def test_the_edge_of_what_is_tried_is_no_season(n, size):
    time = np.arange(n)
    noise = np.random.default_rng(0).normal(size=n)
    found = find_periods(timed((size * np.sin(2 * np.pi * time / 144) + noise)[:, None]), (144,))
    assert found == (144,)
    slow = 3 * np.sin(2 * np.pi * time[:600] / 140) + noise[:600]  # longer than is tried
    assert find_periods(timed(slow[:, None])) == ()


def test_a_season_longer_than_four_hundred_steps_is_tried_if_it_is_of_the_calendar():
    wave = 2 * np.sin(2 * np.pi * np.arange(6000) / 1000)
    rows = timed((wave + np.random.default_rng(0).normal(size=6000))[:, None])
    assert find_periods(rows, (60, 1000)) == (1000,)


def test_turns_are_counted_across_gaps_of_known_length():
    time = np.arange(900)
    shape = np.sin(2 * np.pi * np.arange(60) / 60)
    values = shape[time % 60] + 0.2 * np.random.default_rng(0).normal(size=900)
    kept = np.ones(900, dtype=bool)
    kept[[5, 250, 251, 700]] = False
    kept[400:450] = False
    follows = np.diff(time[kept], prepend=-1) == 1
    follows[0] = False
    rows = TimedRows.of(values[kept, None], time[kept], follows, np.zeros(kept.sum(), dtype=int))
    assert len(rows.runs) == 1
    assert rows.turns(60) == 15
    assert len(rows.blocks(60)) == 13  # two turns lack too much
    assert season_table(rows, 60)[:, 0] == pytest.approx(shape, abs=0.25)
    others = np.cumsum(time[kept] == 450)  # now another subject begins there
    assert len(TimedRows.of(values[kept, None], time[kept], follows, others).runs) == 2


@pytest.mark.parametrize("season", ["detect", 24])
def test_a_dated_series_without_one_of_its_rows_has_a_twin(season):
    data = waves(3, 400, 24)
    data.index = pd.date_range("2024-01-01", periods=400, freq="h")
    twin = Twin(max_lag=1, season=season, random_state=0).fit(data.drop(data.index[[5, 200]]))
    assert list(twin.drivers_) == ["season 24"]


# --- shapes --------------------------------------------------------------------------------------


def test_scores_of_deviations_are_standard_normal_and_go_back_exactly():
    rng = np.random.default_rng(0)
    level = np.repeat([[0.0], [3.0]], 300, axis=0)
    deviation = np.exp(rng.normal(size=(600, 1))) * (1 + level)
    shapes = fit_shapes(level, deviation, np.array([True]))
    scores = shapes.forward(level, deviation)
    for part in (scores[:300], scores[300:]):
        assert part.mean() == pytest.approx(0.0, abs=0.05)
        assert part.std() == pytest.approx(1.0, abs=0.05)
    wide = np.array([[-50.0], [0.3], [500.0]])
    at = level[[0, 0, 599]]
    assert shapes.back(at, shapes.forward(at, wide)) == pytest.approx(wide, rel=1e-9)
    plain = plain_shapes(1)
    assert plain.forward(level, deviation) == pytest.approx(deviation, rel=1e-12)


# --- twins ---------------------------------------------------------------------------------------


def test_clocks_are_drivers_of_the_model_and_no_columns(counted, waved):
    for twin in (counted, waved):
        assert list(twin.drivers_) == [CLOCK]
        assert set(twin.drivers_[CLOCK]) >= {"A", "B"}
        assert twin.graph_.variables == ("A", "B", "C")
        assert twin.model_.graph_.variables == ("A", "B", "C", CLOCK)
        assert list(twin.sample(5, rng=0)) == ["A", "B", "C"]
    clock = twin.model_.sample(40, rng=0)[CLOCK].to_numpy()
    assert (np.diff(clock) % PERIOD == 1).all()
    starts = twin.model_.sample(1, n_chains=300, rng=0)[CLOCK]
    assert starts.nunique() == PERIOD


def test_means_spreads_and_empty_hours_are_those_of_the_data(counted, waved):
    drawn = waved.sample(240, n_chains=25, rng=1, at=0)
    real = waves(0)
    for name in ("A", "B"):
        for what in ("mean", "std"):
            both = [
                frame[name].groupby(np.arange(len(frame)) % PERIOD).agg(what).to_numpy()
                for frame in (drawn, real)
            ]
            assert both[0] == pytest.approx(both[1], abs=0.45)
    empty = [
        (frame["A"] == 0).groupby(np.arange(len(frame)) % PERIOD).mean().to_numpy()
        for frame in (counted.sample(240, n_chains=25, rng=1, at=0), visitors(0))
    ]
    assert empty[1].max() - empty[1].min() > 0.4
    assert empty[0] == pytest.approx(empty[1], abs=0.13)


def test_the_factual_is_its_own_counterfactual_and_nothing_else_is_moved(counted, waved):
    for twin, data in ((counted, visitors(0)), (waved, waves(0))):
        past = data.assign(**{CLOCK: np.arange(len(data)) % PERIOD}).iloc[:200].astype(float)
        again = twin.model_.counterfactual(past, {}, rng=0)
        assert again.to_numpy() == pytest.approx(past.to_numpy(), abs=1e-6)
        other = twin.model_.counterfactual(past, {"A": Hold(3.0, start=50, stop=60)}, rng=0)
        assert (other["C"].to_numpy() == again["C"].to_numpy()).all()
        assert (other["B"].to_numpy() != again["B"].to_numpy()).any()


def test_no_parent_no_change_bit_for_bit(counted):
    plain = counted.sample(300, rng=5)
    held = counted.sample(300, rng=5, do={"B": 1.0})
    assert plain["C"].to_numpy().tobytes() == held["C"].to_numpy().tobytes()
    for node, mechanism in counted.model_.mechanisms_.items():
        causes = counted.model_.causes_of(node)
        assert len(set(causes)) == len(causes)
        if node != CLOCK:
            row = np.full((1, len(causes)), 2.0)
            noise = mechanism.draw(1, np.random.default_rng(0))
            assert np.isfinite(mechanism.value(row, noise)).all()


def test_columns_are_moved_aside_for_the_clock():
    inner = Additive(Linear(np.array([0.5, 2.0])), Normal())
    form = ColumnForm(power=0.5, step=1.0, low=0.0)
    rule = StandingRule(1, np.array([[1, 1], [0, 1]]), np.array([[0.1, 0.9], [0.3, 0.6]]))
    plain = Standing(measured(inner, form, (form, form)), rule)
    tables = (np.zeros((4, 3)),)
    moved = behind_clocks(
        plain,
        np.array([0, 2]),
        np.array([1]),
        np.zeros(3),
        tables,
        tables,
        np.arange(3),
        plain_shapes(3),
    )
    rng = np.random.default_rng(0)
    causes = rng.poisson(4, size=(200, 2)).astype(float)
    with_clock = np.insert(causes, 1, rng.integers(4, size=200), axis=1)
    noise = plain.draw(200, rng)
    assert (moved.value(with_clock, noise) == plain.value(causes, noise)).all()


def test_effects_agree_with_draws_under_interventions(waved):
    truth = waved.effect("A", "B", horizon=1, contrast=(0.0, 2.0), n_chains=2000, rng=0)
    chains = 2000
    means = [
        waved.model_.sample(
            2, chains, 1, do={"A": Hold(value, start=0, stop=1)}, burn_in=100
        ).query("index % 2 == 1")["B"]
        for value in (0.0, 2.0)
    ]
    change = means[1].to_numpy() - means[0].to_numpy()
    error = np.hypot(truth.std_error, change.std() / np.sqrt(chains))
    assert abs(change.mean() - truth.value) < 4 * error
    assert truth.value > 0.5


def test_the_same_seed_gives_the_same_bytes_and_chains_are_each_their_own(waved):
    again = Twin(max_lag=1, random_state=0).fit(waves(0))
    assert (
        waved.sample(50, rng=3).to_numpy().tobytes() == again.sample(50, rng=3).to_numpy().tobytes()
    )
    both = waved.sample(30, n_chains=3, rng=0)
    assert list(both.columns) == ["chain", "A", "B", "C"]


def test_the_clock_starts_where_it_is_told(waved):
    high = waved.sample(4, n_chains=400, rng=0, at=3)  # the wave of A is highest
    low = waved.sample(4, n_chains=400, rng=0, at=9)
    assert high.iloc[::4]["A"].mean() - low.iloc[::4]["A"].mean() == pytest.approx(4.0, abs=0.6)


def test_scenarios_list_the_clock_among_what_is_hidden(waved):
    scene = waved.scenario(latent="C", regimes=[(20, {}), (30, {"A": 1.0})])
    assert scene.latents == ("C", CLOCK)
    assert scene.observed == ("A", "B")
    drawn = scene.sample(rng=0)
    assert drawn.shape == (50, 2)
    assert (drawn["A"].iloc[20:] == 1.0).all()


def test_a_season_is_given_left_out_or_found():
    data = waves(3, n=300)
    assert Twin(max_lag=1, season=None).fit(data).drivers_ == {}
    given = Twin(max_lag=1, season=[PERIOD, 5]).fit(data)
    assert "season 12" in given.drivers_
    assert not given.drivers_["season 5"]  # it was asked for, and drives nothing
    stamped = data.set_index(pd.date_range("2024-01-01", periods=len(data), freq="h"))
    stamped = stamped.drop(stamped.index[100:105])  # the clock runs on
    assert list(Twin(max_lag=1).fit(stamped).drivers_) == [CLOCK]
    twin = Twin(CausalGraph.parse("A -> B"), random_state=0).fit(data[["A", "B"]])
    assert twin.drivers_ == {}


def test_settings_that_cannot_be_are_refused():
    data = waves(0, n=200)
    for season in ("daily", 2.5, [0], [True]):
        with pytest.raises(InputError, match="season="):
            Twin(season=season).fit(data)
    with pytest.raises(InputError, match="full turns"):
        Twin(season=60).fit(data)
    with pytest.raises(InputError, match="rename"):
        Twin(season=12).fit(data.rename(columns={"C": CLOCK}))


def test_other_twins_are_what_they_were():
    data = pd.DataFrame(StructuralVAR.from_links(LINKS).sample(400, rng=0))
    found, without = (
        Twin(max_lag=1, season=season, random_state=0).fit(data).sample(50, rng=0).to_numpy()
        for season in ("detect", None)
    )
    assert found.tobytes() == without.tobytes()
