"""A table that is read by blocks gives the numbers of the same table in memory."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.linear_model import Lasso, LassoCV
from sklearn.preprocessing import StandardScaler

import causalkit as ck
from causalkit._core import streams
from causalkit.errors import InputError, NumericalError, OverlapWarning, UnknownVariableError
from causalkit.estimation import AIPW, OLS, PLR, Asymptotic, Bootstrap, Powers
from causalkit.estimation.nuisances.gram_learners import GramOLS
from causalkit.estimation.nuisances.penalised import GramLasso, GramRidge
from causalkit.estimation.out_of_core import estimate_streamed
from causalkit.estimation.streamed_rows import row_folds

from .simulations import linear

GRAPH = ck.CausalGraph.parse("A -> T; A -> Y; B -> T; B -> Y; C -> T; C -> Y; T -> Y")
ESTIMAND = ck.identify(GRAPH, "T", "Y")
ADJUSTMENT = list(ESTIMAND.adjustment)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Tables of some hundred rows come in several blocks."""
    monkeypatch.setattr(streams, "_BLOCK_CELLS", 1)
    monkeypatch.setattr(streams, "_BLOCK_ROWS", 128)


def columns(rng, n=600, offset=0.0):
    X, t, y = linear(n, rng)
    A, B, C = X.T * [[1.0], [100.0], [0.01]] + offset
    return {"A": A, "B": B, "C": C, "T": t, "Y": y, "W": rng.integers(0, 4, n).astype(float)}


def saved(folder, data, name="table.parquet"):
    pq.write_table(pa.table(data), folder / name, row_group_size=100)
    return folder / name


def key_of(seed):
    return int(np.random.default_rng(seed).integers(2**62))


def in_memory(estimator, data, folds=None, weights=None):
    """The estimator on the rows, with these folds."""
    if folds is not None:
        dealt = type("Dealt", (PLR,), {"_folds": lambda *_: folds, "__init__": PLR.__init__})
        estimator = dealt(**estimator.get_params(deep=False))
    X = np.column_stack([data[name] for name in ADJUSTMENT])
    return estimator.fit(X, data["Y"], t=data["T"], sample_weight=weights).effect_


def same(streamed, effect):
    assert streamed.value == pytest.approx(effect.value, rel=1e-8)
    assert streamed.std_error == pytest.approx(effect.std_error, rel=1e-8)
    assert streamed.n_obs == effect.n_obs
    assert streamed.df == effect.df
    assert streamed.details["contrast"] == effect.details["contrast"].replace(" t", " T").replace(
        "t:", "T:"
    )
    assert streamed.influence is None


# --- the same numbers -----------------------------------------------------------------------------


@pytest.mark.parametrize("covariance", ["HC0", "HC1"])
@pytest.mark.parametrize("weighted", [False, True])
def test_least_squares(rng, tmp_path, covariance, weighted):
    data = columns(rng, offset=1000.0)
    ols = OLS(covariance=covariance)
    weights = {"sample_weight": "W"} if weighted else {}
    streamed = estimate_streamed(ESTIMAND, saved(tmp_path, data), ols, **weights)
    same(streamed, in_memory(ols, data, weights=data["W"] if weighted else None))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("learner", [GramOLS(), GramRidge(penalties=[0.02])], ids=str)
def test_partially_linear_regression(rng, tmp_path, learner, weighted):
    data = columns(rng)
    plr = PLR(learner, learner, n_folds=4, random_state=3)
    weights = {"sample_weight": "W"} if weighted else {}
    streamed = estimate_streamed(ESTIMAND, saved(tmp_path, data), plr, **weights)
    hands = learner.n_hands
    folds = row_folds(0, 600, key_of(3), 4, hands) // hands
    same(streamed, in_memory(plr, data, folds, data["W"] if weighted else None))


def test_a_lasso_with_its_own_inner_folds(rng, tmp_path):
    data = columns(rng)
    grid = np.geomspace(1, 1e-3, 20)
    learners = [GramLasso(penalties=grid, n_folds=k, tolerance=1e-18) for k in (5, 3)]
    streamed = estimate_streamed(
        ESTIMAND, saved(tmp_path, data), PLR(*learners, n_folds=3, random_state=1)
    )
    cells = row_folds(0, 600, key_of(1), 3, 15)
    folds, hands = cells // 15, cells % 15
    Z = np.column_stack([data[name] for name in ADJUSTMENT])
    off = []
    for target, k in ((data["Y"], 5), (data["T"], 3)):
        left = np.empty(600)
        for fold in range(3):
            train, own = folds != fold, hands[folds != fold] % k
            inner = [(np.flatnonzero(own != j), np.flatnonzero(own == j)) for j in range(k)]
            scaler = StandardScaler().fit(Z[train])
            path = LassoCV(alphas=grid, cv=inner, tol=1e-12, max_iter=10**6)
            path.fit(scaler.transform(Z[train]), target[train])
            errors = path.mse_path_ @ [len(held) for _, held in inner]  # folds are uneven here
            model = Lasso(alpha=path.alphas_[errors.argmin()], tol=1e-12, max_iter=10**6)
            model.fit(scaler.transform(Z[train]), target[train])
            left[~train] = target[~train] - model.predict(scaler.transform(Z[~train]))
        off.append(left)
    u, v = off
    theta = (u @ v) / (v @ v)
    assert streamed.value == pytest.approx(theta, abs=1e-8)
    error = np.sqrt(np.sum((v * (u - theta * v)) ** 2)) / (v @ v)
    assert streamed.std_error == pytest.approx(error, rel=1e-7)


@pytest.mark.parametrize("values", [(0.0, 1.0), (1.0, 3.0), (False, True), ("no", "yes")])
@pytest.mark.parametrize("estimator", [OLS(), PLR(GramOLS(), GramOLS(), random_state=0)], ids=str)
def test_a_treatment_of_two_values_is_compared(rng, tmp_path, values, estimator):
    data = columns(rng, n=400)
    on = (data["T"] > 0).astype(int)
    on[:150] = 1  # the first block knows one level only
    coded = {**data, "T": [values[k] for k in on]}
    if values == ("no", "yes"):
        coded["T"] = pa.array(coded["T"]).dictionary_encode()
    streamed = estimate_streamed(ESTIMAND, saved(tmp_path, coded), estimator)
    data["T"] = pd.Series(np.array(values)[on], dtype="category" if values[0] == "no" else None)
    folds = row_folds(0, 400, key_of(0), 5) if isinstance(estimator, PLR) else None
    same(streamed, in_memory(estimator, data, folds))


def test_the_order_of_categories_gives_the_sign(rng, tmp_path):
    t = np.sort(rng.integers(0, 2, 600))  # the first blocks hold one category only
    declared = pd.Categorical.from_codes(2 - 2 * t, ["z", "k", "a"], ordered=True)
    data = pd.DataFrame({"T": declared, "Y": rng.normal(size=600) + 2 * t})
    data.to_parquet(tmp_path / "table.parquet", row_group_size=100)
    effect = OLS().fit(None, data["Y"], t=data["T"]).effect_
    assert effect.value == pytest.approx(-2, abs=0.3)
    assert effect.details["contrast"] == "T: a versus z"
    estimand = ck.identify(ck.CausalGraph.parse("T -> Y"), "T", "Y")
    same(estimate_streamed(estimand, tmp_path / "table.parquet", OLS()), effect)


def test_without_anything_to_adjust_for(rng, tmp_path):
    estimand = ck.identify(ck.CausalGraph.parse("T -> Y"), "T", "Y")
    data, path = columns(rng), saved(tmp_path, columns(np.random.default_rng(20240229)))
    plr = PLR(GramOLS(), GramOLS(), random_state=0)
    for estimator in (None, OLS(), plr):
        effect = (estimator or OLS()).fit(None, data["Y"], t=data["T"]).effect_
        same(estimate_streamed(estimand, path, estimator), effect)


def test_every_container_gives_the_same(rng, tmp_path):
    dd, duckdb, pl = (pytest.importorskip(m) for m in ("dask.dataframe", "duckdb", "polars"))
    data = columns(rng, n=300)
    path, table = saved(tmp_path, data), pa.table(data)
    pd.DataFrame(data).to_csv(tmp_path / "table.csv", index=False)
    containers = [
        path,
        str(tmp_path / "table.csv"),
        pq.ParquetFile(path),
        duckdb.from_arrow(table),
        pl.scan_parquet(path),
        dd.from_pandas(pd.DataFrame(data), npartitions=3),
    ]
    plr = PLR(GramLasso(), GramLasso(), random_state=0)
    effects = [estimate_streamed(ESTIMAND, container, plr) for container in containers]
    for effect in effects[1:]:
        assert effect.value == pytest.approx(effects[0].value, rel=1e-9)
        assert effect.std_error == pytest.approx(effects[0].std_error, rel=1e-9)


def test_an_outcome_without_noise(rng, tmp_path):
    """What is left of it is rounding, which differs from one reading to the next."""
    data = columns(rng)
    data["Y"] = 3 * data["A"] + data["B"] + 2 * data["T"]
    effect = estimate_streamed(ESTIMAND, saved(tmp_path, data), OLS())
    assert effect.value == pytest.approx(2, abs=1e-9)
    data["Y"] = 3 * data["A"] + data["B"]
    effect = estimate_streamed(ESTIMAND, saved(tmp_path, data), OLS())
    assert effect.value == pytest.approx(0, abs=1e-9)


def test_how_rows_are_cut_does_not_matter(rng, tmp_path, monkeypatch):
    path = saved(tmp_path, columns(rng))
    first = estimate_streamed(ESTIMAND, path, random_state=0)
    monkeypatch.setattr(streams, "_BLOCK_ROWS", 1000)
    again = estimate_streamed(ESTIMAND, path, random_state=0)
    assert again.value == pytest.approx(first.value, rel=1e-10)
    assert first.estimator.outcome_learner.get_params() == GramLasso().get_params()
    assert "read by blocks" in first.method


def test_folds_follow_from_the_number_of_the_row():
    cells = row_folds(0, 30_000, key=5, n_folds=5, n_hands=4)
    assert (row_folds(777, 100, key=5, n_folds=5, n_hands=4) == cells[777:877]).all()
    assert (row_folds(0, 100, key=6, n_folds=5, n_hands=4) != cells[:100]).any()
    counts = np.bincount(cells, minlength=20)
    assert ((counts - 1500) ** 2 / 1500).sum() < 45  # chi-square with 19 degrees, p = 0.0007
    pairs = np.bincount(20 * cells[:-1] + cells[1:], minlength=400)
    assert ((pairs - 75) ** 2 / 75).sum() < 500  # 399 degrees


# --- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "estimator",
    [
        AIPW(),
        PLR(),
        PLR(GramOLS(), LassoCV()),
        PLR(GramOLS(features=Powers(2)), GramOLS()),
        PLR(GramOLS(), GramOLS(), n_repeats=3),
        PLR(GramOLS(), GramOLS(), score="IV-type"),
        PLR(GramLasso(n_folds=1), GramOLS()),
        OLS(covariance="HC3"),
        OLS(features=Powers(2)),
        OLS(contrast=(0, 1)),
        OLS(inference=Bootstrap()),
        OLS(inference=Asymptotic(weights="frequency")),
    ],
    ids=str,
)
def test_what_needs_the_rows_is_refused(rng, tmp_path, estimator):
    with pytest.raises(InputError):
        estimate_streamed(ESTIMAND, saved(tmp_path, columns(rng, n=50)), estimator)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"A": np.nan}, InputError, "'A'"),
        ({"Y": np.inf}, InputError, "'Y'"),
        ({"T": "text"}, InputError, "'T'"),
        ({"T": 1.0}, InputError, "treatment 'T' holds one value"),
        ({"Y": 1.0}, InputError, "outcome 'Y' holds one value"),
        ({"W": -1.0}, InputError, "negative"),
        ({"B": None}, UnknownVariableError, "'B'"),
    ],
    ids=str,
)
def test_bad_columns_are_named(rng, tmp_path, change, error, words):
    data = columns(rng, n=300)
    for name, value in change.items():
        if value is None:
            del data[name]
        elif isinstance(value, float) and np.isfinite(value) and value > 0:
            data[name] = np.full(300, value)
        else:
            data[name] = [value, *data[name][1:]] if value != "text" else ["a", "b"] * 150
    with pytest.raises(error, match=words):
        estimate_streamed(ESTIMAND, saved(tmp_path, data), OLS(), sample_weight="W")


def test_a_determined_treatment_is_refused_and_a_nearly_determined_one_warned_of(rng, tmp_path):
    data = columns(rng)
    data["T"] = data["A"] + data["B"]
    plr = PLR(GramOLS(), GramOLS(), random_state=0)
    with pytest.raises(NumericalError, match="linear combination"):
        estimate_streamed(ESTIMAND, saved(tmp_path, data), plr)
    data["T"] = data["T"] + rng.normal(size=600)
    with pytest.warns(OverlapWarning, match="variance is left"):
        estimate_streamed(ESTIMAND, saved(tmp_path, data), plr)


def test_what_can_be_read_once_or_is_in_memory_is_refused(rng):
    table = pa.table(columns(rng, n=50))
    for data, words in ((table.to_reader(), "once"), (table, "estimate()")):
        with pytest.raises(InputError, match=words.replace("(", r"\(").replace(")", r"\)")):
            estimate_streamed(ESTIMAND, data)


def test_other_estimands_are_refused(rng, tmp_path):
    path = saved(tmp_path, columns(rng, n=50))
    front_door = ck.CausalGraph.parse("A -> B -> Y; A <-> Y")
    within = ck.identify(GRAPH, "T", "Y", given=["A"])
    for estimand, words in (
        (ck.identify(front_door, "A", "Y"), "by blocks"),
        (within, "strata"),
    ):
        with pytest.raises(InputError, match=words):
            estimate_streamed(estimand, path)


def test_rows_that_change_between_readings_are_noticed(rng, tmp_path, monkeypatch):
    path, turn = saved(tmp_path, columns(rng)), iter(range(10))
    read = streams.source_of

    def other_order(data):
        return read(data if next(turn) < 2 else saved(tmp_path, columns(rng), "other.parquet"))

    monkeypatch.setattr(streams, "source_of", other_order)
    with pytest.raises(InputError, match="Sort the query"):
        estimate_streamed(ESTIMAND, path, PLR(GramOLS(), GramOLS(), random_state=0))


def test_weights_need_a_column_of_their_own(rng, tmp_path):
    with pytest.raises(InputError, match="two roles"):
        estimate_streamed(ESTIMAND, saved(tmp_path, columns(rng)), sample_weight="A")


def test_too_few_rows_for_the_folds(tmp_path, rng):
    plr = PLR(GramOLS(), GramOLS(), n_folds=2, random_state=0)
    data = {name: values[:2] for name, values in columns(rng).items()}
    path = saved(tmp_path, data)
    with pytest.raises(InputError, match="2 rows for 2 folds"):
        estimate_streamed(ESTIMAND, path, plr)
    data = {name: values[:5] for name, values in columns(rng).items()}
    with pytest.raises(NumericalError, match="5 rows for 5 coefficients"):
        estimate_streamed(ESTIMAND, saved(tmp_path, data), OLS())
