"""The whole report: laws, edges, and what it says."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from matplotlib.figure import Figure

from causalkit.errors import InputError
from causalkit.models.fidelity import assess_fidelity

from .processes import CHAIN, autoregression

NAMES = ["a", "b", "c"]
FEW = {"classifiers": ("logistic", "quadratic"), "n_null": 1, "max_windows": 300}


def frames(n=500, seed=0, **noise):
    rng = np.random.default_rng(seed)
    return [pd.DataFrame(autoregression(n, CHAIN, rng, **noise), columns=NAMES) for _ in range(2)]


def same(one, other, tolerance=0.0):
    first, second = one.figures(), other.figures()
    assert first.keys() == second.keys()
    for key, value in first.items():
        assert second[key] == pytest.approx(value, abs=tolerance, nan_ok=True), key
    np.testing.assert_allclose(one.to_frame(), other.to_frame(), atol=tolerance)


def test_the_same_seed_gives_the_same_report_and_inputs_stay_as_they_are():
    real, synthetic = frames()
    before = real.copy(), synthetic.copy()
    same(assess_fidelity(real, synthetic, **FEW), assess_fidelity(real, synthetic, **FEW))
    pd.testing.assert_frame_equal(real, before[0])
    pd.testing.assert_frame_equal(synthetic, before[1])


def test_containers_and_the_order_of_columns_change_nothing():
    real, synthetic = frames()
    expected = assess_fidelity(real, synthetic, **FEW)
    same(expected, assess_fidelity(pl.from_pandas(real), synthetic[["c", "a", "b"]], **FEW))
    plain = assess_fidelity(real.to_numpy(), [synthetic.to_numpy()], **FEW)
    assert plain.figures() == expected.figures()


def test_units_change_nothing():
    real, synthetic = frames()
    scale, shift = np.array([1e-3, 2.0, 1e4]), np.array([5.0, -1.0, 1e3])
    other = assess_fidelity(real * scale + shift, synthetic * scale + shift, **FEW)
    same(assess_fidelity(real, synthetic, **FEW), other, 1e-6)


def test_figures_of_the_same_process_are_those_of_halves_of_the_real_data():
    report = assess_fidelity(*frames(2000), **FEW)
    assert report.grade == "hardly told from real data"
    for name, usual in report.real_errors.items():
        assert report.figures()[name] < 2 * usual + 0.02
    assert report.usefulness.ratio == pytest.approx(1.0, abs=0.1)
    assert report.copies.near < 0.15
    assert report.discrepancy.p_value > 0.01


def test_wider_noise_is_told_and_said():
    real, _ = frames(800)
    _, synthetic = frames(800, seed=1)
    report = assess_fidelity(real, 2.0 * synthetic, **FEW)
    assert report.grade == "easily told from real data"
    assert report.discrepancy.p_value < 0.02
    assert "distributions of single variables" in repr(report)
    np.testing.assert_allclose(report.to_frame()["sd_ratio"], 2.0, atol=0.5)


def test_missing_cells_are_judged_by_themselves():
    real, synthetic = frames(900)
    rng = np.random.default_rng(0)
    holed = real.mask(rng.random(real.shape) < 0.03)
    report = assess_fidelity(holed, synthetic, window=4, **FEW)
    assert report.two_sample.interval[0] < 0.55  # as filled holes would not be
    assert report.missingness.rates[0] == pytest.approx(holed.isna().mean().to_numpy())
    assert any("Missing cells: 3." in sentence for sentence in report.sentences)


def test_copies_are_said():
    real, _ = frames(600)
    report = assess_fidelity(real, real.iloc[100:400], **FEW)
    assert report.copies.identical == 1.0
    assert report.grade == "copied from the real data, at least in part"
    assert any(sentence.startswith("Copies: 100%") for sentence in report.sentences)
    training = frames(600, seed=3)[0]
    held_out = assess_fidelity(real, training.iloc[50:350], reference=training, **FEW)
    assert held_out.copies.identical == 1.0


def table(n, seed, effect=1.0):
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 3, size=n)
    value = effect * group + rng.normal(size=n)
    flag = value > 1.0
    names = pd.Categorical(np.array(["u", "v", "w"])[group])
    return pd.DataFrame({"group": names, "value": value, "flag": flag, "one": 1.0})


def test_a_table_with_categories_and_a_constant():
    quick = {"window": 1, "classifiers": ("logistic_squares", "boosting"), "n_null": 1}
    report = assess_fidelity(table(500, 0), table(400, 1), **quick)
    assert report.grade == "hardly told from real data"
    assert report.constants == ("one",)
    assert not report.is_series
    assert "Constant in the real data: one." in report.sentences
    apart = assess_fidelity(table(500, 0), table(400, 1, effect=-1.0), **quick)
    assert apart.auc > 0.75


def test_many_short_series_are_taken_as_such():
    rng = np.random.default_rng(0)
    real = np.stack([autoregression(40, CHAIN, rng) for _ in range(20)])
    synthetic = np.stack([autoregression(25, CHAIN, rng) for _ in range(30)])
    report = assess_fidelity(real, synthetic, window=4, **FEW)
    assert report.n_rows == (800, 750)
    assert report.auc < 0.65
    long = pd.DataFrame(real.reshape(-1, 3), columns=NAMES).assign(who=np.repeat(range(20), 40))
    other = pd.DataFrame(synthetic.reshape(-1, 3), columns=NAMES)
    named = assess_fidelity(long, other.assign(who=np.repeat(range(30), 25)), panel="who",
                            window=4, **FEW)  # fmt: skip
    assert named.figures() == report.figures()


def test_without_a_null_the_rest_stands():
    report = assess_fidelity(*frames(), **{**FEW, "n_null": 0})
    assert np.isnan(report.null_auc)
    assert np.isnan(report.two_sample.null_range).all()
    assert "other real ones" not in repr(report)


def test_slow_series_come_with_a_caution():
    rng = np.random.default_rng(2)
    slow = [autoregression(400, np.array([[0.98]]), rng) for _ in range(2)]
    report = assess_fidelity(*slow, **FEW)
    assert any("the real stretch is short" in sentence for sentence in report.sentences)


def test_a_report_prints_tabulates_and_draws_itself():
    real, synthetic = frames()
    report = assess_fidelity(real, synthetic, **FEW)
    text = repr(report)
    assert text.startswith("Synthetic data: ")
    assert all(len(line) <= 100 for line in text.splitlines())
    assert report.to_frame().index.tolist() == NAMES
    assert "<table" in report._repr_html_()
    axes = report.plot(Figure().subplots(2, 2))
    assert axes[1].get_title().startswith("told from real data: AUC")
    (single,) = report.plot(Figure().subplots())
    assert len(single.lines) == 2
    rows = assess_fidelity(real, synthetic, window=1, **FEW)
    assert rows.plot(Figure().subplots(2, 2))[3].get_title() == "correlations"
    with pytest.raises(InputError, match="one, for the overlay, or 4"):
        report.plot(Figure().subplots(1, 3))


def test_one_series_is_enough():
    rng = np.random.default_rng(4)
    one, other = (autoregression(300, np.array([[0.5]]), rng) for _ in range(2))
    report = assess_fidelity(one, other, **FEW)
    assert np.isnan(report.dependence.correlation_error)
    assert report.overlay.real.shape[1] == 2
    assert assess_fidelity(one, other, window=1, **FEW).overlay.explained == (1.0, 0.0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"window": 0}, "window=0"),
        ({"window": 60}, "complete windows of 60"),
        ({"n_null": -1}, "n_null=-1"),
        ({"classifiers": ("forest",)}, "expected one or several of 'boosting'"),
        ({"classifiers": ()}, "expected one or several of"),
        ({"max_windows": 3}, "max_windows=3"),
        ({"reference": [[np.nan, 1.0, 1.0]] * 9}, "no complete window"),
    ],
)
def test_what_cannot_be_used_is_said(settings, message):
    real, synthetic = (frame.to_numpy() for frame in frames(120))
    if "reference" in settings:
        settings = {"reference": np.array(settings["reference"])}
    with pytest.raises(InputError, match=message):
        assess_fidelity(real, synthetic, **settings)
