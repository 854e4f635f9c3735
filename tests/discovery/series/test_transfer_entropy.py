"""TransferEntropy: what is estimated, what is known, the laws, the level, and truths."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

from causalkit.discovery.series.granger.transfer_entropy import TransferEntropy
from causalkit.errors import InputError
from causalkit.independence import CMIknn, FisherZ

QUICK = CMIknn(n_permutations=99, stop_after=10)


def chain(seed, n=250):
    """x drives y drives z, by curves; w is alone."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4))
    for t in range(1, n):
        x[t, 0] += 0.5 * x[t - 1, 0]
        x[t, 1] += 2.0 * np.sin(1.5 * x[t - 1, 0])
        x[t, 2] += 1.5 * np.abs(x[t - 1, 1])
    return pd.DataFrame(x, columns=list("xyzw"))


# --- what is estimated ----------------------------------------------------------------------------


def test_a_link_is_a_test_of_residuals_given_what_is_known():
    frame = chain(0, n=120)
    found = TransferEntropy(QUICK, max_lag=2).fit(frame)
    values = (frame - frame[2:].mean()) / frame[2:].std(ddof=0)
    columns = {f"{name}[t-{lag}]": values[name].shift(lag) for name in "xyzw" for lag in (1, 2)}
    table = values.assign(**columns).iloc[2:]
    for effect in "xyzw":
        for k, cause in enumerate("xyzw"):
            for lag in (1, 2):
                past = f"{cause}[t-{lag}]"
                given = [str(node) for node in found.known_[effect] if node != past]
                both = table[[past, effect]]
                design = table[given].to_numpy()
                design = design - design.mean(axis=0)
                if given:
                    both = both - design @ np.linalg.lstsq(design, both, rcond=None)[0]
                asked = pd.concat([both.set_axis(["a", "b"], axis=1), table[given]], axis=1)
                expected = QUICK.test(asked, "a", "b", given=given).statistic
                strength = found.strengths_[lag, k, "xyzw".index(effect)]
                assert np.isclose(strength, expected, rtol=1e-6, atol=1e-9)


def test_of_gaussian_series_it_is_half_of_gewekes_measure():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(1500, 2))
    x[1:, 1] += 0.8 * x[:-1, 0]
    test = CMIknn(neighbors=6, n_permutations=19, stop_after=None)
    found = TransferEntropy(test, conditional=False).fit(x)
    assert np.isclose(found.strengths_[1, 0, 1], 0.5 * np.log(1.64), rtol=0, atol=0.05)
    assert np.isclose(found.strengths_[1, 1, 0], 0.0, rtol=0, atol=0.05)


# --- what is found --------------------------------------------------------------------------------


def test_what_is_indirect_is_found_two_by_two_only():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(300, 3))
    for t in range(1, 300):
        x[t, 1] += 2.0 * np.tanh(x[t - 1, 0])
        x[t, 2] += 1.5 * x[t - 1, 1]
    frame = pd.DataFrame(x, columns=list("xyz"))
    together = TransferEntropy(QUICK, max_lag=2, alpha=0.01).fit(frame)
    assert together.graph_.directed[1, 0, 1]
    assert together.graph_.directed[1, 1, 2]
    assert "y[t-1]" in together.known_["z"]
    assert not together.graph_.directed[:, 0, 2].any()
    by_pairs = TransferEntropy(QUICK, max_lag=2, alpha=0.01, conditional=False).fit(frame)
    assert by_pairs.graph_.directed[2, 0, 2]
    for name in "xyz":
        assert all(node.name == name for node in by_pairs.known_[name])


def test_explain():
    found = TransferEntropy(QUICK).fit(chain(3))
    there = found.explain("x[t-1]", "y")
    assert there.edge == "x[t-1] -> y[t]"
    assert "nats about y[t] given" in there.adjacency
    assert found.explain("w[t-1]", "y").edge == "no edge"
    assert "within a step" in found.explain("x", "y").adjacency


def test_a_copy_of_a_series_is_told_apart_by_nobody():
    frame = chain(4, n=150)
    frame["copy"] = frame["y"]
    found = TransferEntropy(QUICK).fit(frame)
    assert np.isfinite(found.scores_).all()
    assert np.isnan(found.p_values_[1]).any()  # given the one, nothing is left of the other
    i, j = np.argwhere(np.isnan(found.p_values_[1]))[0]
    names = [*frame.columns]
    assert "leave nothing" in found.explain(f"{names[i]}[t-1]", names[j]).adjacency


# --- laws -----------------------------------------------------------------------------------------


def test_order_units_libraries_and_jobs_do_not_matter():
    frame = chain(5, n=120)
    plain = TransferEntropy(QUICK, max_lag=2).fit(frame)
    order = [2, 0, 3, 1]
    scaled = (frame * [1e-6, 3.0, 1e7, 1.0])[[*"zxwy"]]
    for data in (scaled, pl.DataFrame(scaled.to_dict("list"))):
        other = TransferEntropy(QUICK, max_lag=2, n_jobs=2).fit(data)
        assert other.graph_ == plain.graph_
        assert np.allclose(other.scores_, plain.scores_[np.ix_(order, order)])
        assert np.allclose(other.p_values_, plain.p_values_[:, order][:, :, order], equal_nan=True)
        assert other.known_ == plain.known_


def test_gaps_and_subjects():
    frame = chain(6, n=140)
    holed = frame.copy()
    holed.loc[70, "z"] = np.nan
    apart = TransferEntropy(QUICK).fit(holed)
    assert apart.n_obs_ == 69 + 68
    parts = [frame[:70], frame[71:]]
    assert np.allclose(TransferEntropy(QUICK).fit(parts).scores_, apart.scores_)


@pytest.mark.parametrize(
    ("change", "settings_", "message"),
    [
        (lambda x: x.assign(flat=1.0), {}, "hold one value only"),
        (lambda x: x[:30], {}, "needs 40 steps"),
        (lambda x: x, {"max_lag": 70}, "needs 40 steps"),
        (lambda x: x[["x"]], {}, "at least 2"),
        (lambda x: x, {"test": FisherZ()}, "CMIknn"),
        (lambda x: x, {"alpha": 0}, "alpha"),
        (lambda x: x, {"max_known": -1}, "max_known"),
        (lambda x: x, {"n_jobs": 0}, "n_jobs"),
    ],
)
def test_what_cannot_be_used_is_refused(change, settings_, message):
    with pytest.raises(InputError, match=message):
        TransferEntropy(**settings_).fit(change(chain(0, n=100)))


def test_without_anything_known_a_test_is_unconditional():
    frame = chain(7, n=100)
    found = clone(TransferEntropy(QUICK, max_known=0)).fit(frame)
    assert set(found.known_.values()) == {()}


# --- the level, and a truth -----------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("conditional", [True, False])
def test_slow_independent_series_are_linked_no_more_often_than_alpha_says(conditional):
    p_values = []
    for seed in range(50):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(300, 2))
        for t in range(1, 300):
            x[t] += 0.95 * x[t - 1]
        found = TransferEntropy(conditional=conditional).fit(x)
        p_values += found.p_values_[1, [0, 1], [1, 0]].tolist()
    assert np.mean(np.array(p_values) <= 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 100)


@pytest.mark.slow
def test_chaos_of_the_reference_data(shared):
    data = np.load(shared / "lorenz96_var_sru/lorenz96/F_10_T_250_dataset_1.npz")
    found = TransferEntropy(QUICK).fit(data["X_np"].T)
    off = ~np.eye(10, dtype=bool)
    assert roc_auc_score(data["Gref"].T[off] > 0, found.scores_[off]) > 0.97
