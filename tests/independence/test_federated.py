"""Summaries of features: merging is pooling, and the test is that of explicit residuals."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.designs import draw
from causalkit.discovery import CDNOD, PC
from causalkit.errors import InputError, NumericalError, UnknownVariableError
from causalkit.independence.feature_design import FeatureDesign
from causalkit.independence.federated import FeatureTest, FederatedSummary
from tests.oracles import random_features as oracle

RIDGES = np.logspace(-4, 2, 19)


def rows_of(n=240, seed=0):
    rng = np.random.default_rng(seed)
    site = np.arange(n) % 4
    a = np.array([-2.0, -0.5, 0.5, 2.0])[site] + rng.normal(size=n)
    b = np.sin(a) + 0.5 * rng.normal(size=n)
    c = np.cos(b) + 0.5 * rng.normal(size=n)
    kind = pd.Categorical(rng.choice(list("uvw"), n))
    return pd.DataFrame({"a": a, "b": b, "c": c, "kind": kind, "site": site})


def summaries(frame, design):
    return [
        FederatedSummary.from_data(part, design, domain=int(site))
        for site, part in frame.groupby("site")
    ]


def test_merged_sites_answer_as_all_rows_do():
    frame = rows_of()
    design = FeatureDesign.from_data(frame[["a", "b", "c", "kind"]])
    one, *others = summaries(frame, design)
    merged = one.merge(*others)
    pooled = FederatedSummary.from_data(frame, design, by="site")
    assert merged.domains == pooled.domains == (0, 1, 2, 3)
    for asked in (("a", "b"), ("a", "c", "b"), ("b", "site", "a"), ("a", "kind", "b", "site")):
        x, y, *rest = asked
        mine, all_rows = (s.test(x, y, rest, domain="site") for s in (merged, pooled))
        assert mine.p_value == pytest.approx(all_rows.p_value, rel=1e-7)
        assert mine.statistic == pytest.approx(all_rows.statistic, rel=1e-7)
        assert mine.n_used == len(frame)


@given(st.permutations(range(4)), st.integers(1, 3))
@settings(max_examples=10, deadline=None)
def test_merging_is_addition_in_any_order(order, cut):
    frame = rows_of(60)
    design = FeatureDesign.from_data(frame[["a", "b"]], n_features=2)
    parts = [summaries(frame, design)[k] for k in order]
    left, right = parts[:cut], parts[cut:]
    nested = left[0].merge(*left[1:]).merge(right[0].merge(*right[1:]))
    assert nested.test("a", "b").p_value == pytest.approx(
        FederatedSummary.from_data(frame, design, domain="all").test("a", "b").p_value, rel=1e-7
    )
    count, total, outer = nested.domain_moments(nested.domains.index(2))
    F = design.features(frame[frame["site"] == 2])
    assert count == len(F)
    assert total == pytest.approx(F.sum(axis=0))
    assert outer == pytest.approx(F.T @ F)


@pytest.mark.parametrize("names", [("b",), ("b", "kind")])
def test_the_statistic_is_that_of_explicit_residuals(names):
    frame = rows_of(48)
    design = FeatureDesign.from_data(frame[["a", "b", "c", "kind"]], n_features=3)
    F, starts = design.features(frame), design.starts
    part = {name: F[:, starts[k] : starts[k + 1]] for k, name in enumerate(design.names)}
    Z = np.hstack([part[name] for name in names])
    (left, makers), (right, others) = (oracle.residuals(part[v], Z, RIDGES) for v in "ac")
    found = FederatedSummary.from_data(frame, design).test("a", "c", names)
    n = len(frame)
    assert found.statistic == pytest.approx(float(np.sum((left.T @ right) ** 2)) / n, rel=1e-6)

    # Degrees of freedom, from residual makers averaged over targets.
    squares = [
        sum(w * M @ M for w, M in zip(np.sum(R**2, axis=0) / np.sum(R**2), Ms, strict=True))
        for R, Ms in ((left, makers), (right, others))
    ]
    share = max(1.0, np.sum(squares[0] * squares[1]) * n / np.prod([np.trace(S) for S in squares]))
    sums = [
        [np.trace(np.linalg.matrix_power(R.T @ R, k)) for R in (left, right)] for k in (1, 2, 3)
    ]
    mean, variance, third = (
        c * np.prod(s) * (share / n) ** k
        for k, (c, s) in enumerate(zip((1, 2, 8), sums), 1)  # noqa: B905
    )
    expected = oracle.shifted_gamma(found.statistic * n, mean, variance, third)
    assert found.p_value == pytest.approx(expected, rel=1e-5)


def test_files_hold_everything(tmp_path):
    frame = rows_of(40)
    design = FeatureDesign.from_ranges(
        {"a": (-3, 3), "b": (-2, 2)}, {"kind": ["w", "v", "u"]}, n_features=4, random_state=7
    )
    summary = FederatedSummary.from_data(frame, design, by="site")
    summary.save(tmp_path / "oslo.sums")
    read = FederatedSummary.load(tmp_path / "oslo.sums")
    assert read.design.agrees_with(design)
    assert read.domains == summary.domains
    assert read.test("a", "kind", "b") == summary.test("a", "kind", "b")
    assert read.merge(summary).n_rows == 80
    assert "rows" in str(summary)
    (tmp_path / "other").write_text("no sums")
    with pytest.raises(InputError, match="no summary"):
        FederatedSummary.load(tmp_path / "other")
    np.savez(tmp_path / "array.npz", np.zeros(3))
    with pytest.raises(InputError, match="no summary"):
        FederatedSummary.load(tmp_path / "array.npz")


def test_what_was_not_agreed_on_is_refused():
    frame = rows_of(40)
    design = FeatureDesign.from_ranges({"a": (-3, 3)}, {"kind": ["u", "v"]})
    with pytest.raises(InputError, match=r"level\(s\) \['w'\]"):
        FederatedSummary.from_data(frame, design)
    with pytest.raises(InputError, match="numbers"):
        design.features(frame.assign(kind=1.0))
    with pytest.raises(UnknownVariableError):
        design.features(frame[["a"]])
    with pytest.raises(InputError, match="missing"):
        design.features(frame.assign(a=np.nan))
    with pytest.raises(InputError, match="range"):
        FeatureDesign.from_ranges({"a": (3, 3)})
    with pytest.raises(InputError, match="levels"):
        FeatureDesign.from_ranges({}, {"kind": ["u"]})
    own = FeatureDesign.from_data(frame[["a", "b"]])
    other = FeatureDesign.from_data(frame[["a", "b"]], random_state=1)
    one, two = (FederatedSummary.from_data(frame, d) for d in (own, other))
    with pytest.raises(InputError, match="different designs"):
        one.merge(two)
    with pytest.raises(UnknownVariableError):
        one.test("a", "nothing")
    with pytest.raises(InputError, match="overlap"):
        one.test("a", "b", "a")
    with pytest.raises(InputError, match="is a column"):
        one.bind(domain="a")


def test_copies_are_determined():
    frame = rows_of(60).assign(d=lambda held: held["kind"])
    columns = ["a", "kind", "d"]
    summary = FederatedSummary.from_data(frame, FeatureDesign.from_data(frame[columns]))
    with pytest.raises(NumericalError, match="determine"):
        summary.test("a", "kind", "d")


# --- hostile input -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ranges", "levels", "message"),
    [
        ({"a": 5}, None, "range 5"),
        ({"a": (1,)}, None, "expected two numbers"),
        ({"a": ("low", "high")}, None, "expected two numbers"),
        ({"a": (0, 1e-320)}, None, "Change its unit"),
        ({"a": (-1e308, 1e308)}, None, "Change its unit"),
        ([("a", (0, 1))], None, "expected a dict"),
        ({"a": (0, 1)}, {"g": "uv"}, "expected a list"),
        ({"a": (0, 1)}, {"g": 3}, "expected a list"),
        ({"a": (0, 1)}, {"g": [["u"], "v"]}, "at least two different"),
        ({"a": (0, 1)}, {"g": ["u", float("nan")]}, "at least two different"),
    ],
)
def test_a_design_is_checked(ranges, levels, message):
    with pytest.raises(InputError, match=message):
        FeatureDesign.from_ranges(ranges, levels)


def test_units_labels_and_kinds_are_checked_where_they_enter():
    rows = rows_of(60)[["a", "b"]]
    design = FeatureDesign.from_ranges({"a": (-4, 4), "b": (-2, 2)})
    with pytest.raises(InputError, match="units that were agreed on"):
        FederatedSummary.from_data(rows * 1e160, design)
    with pytest.raises(InputError, match="scale of column 'a' is inf"):
        FeatureDesign.from_data({"a": [1e300, -1e300]})
    with pytest.raises(InputError, match="expected the FeatureDesign"):
        FederatedSummary.from_data(rows, None)
    for domain in (None, 1.5, ("a",)):
        with pytest.raises(InputError, match="is no name"):
            FederatedSummary.from_data(rows, design, domain=domain)
    summary = FederatedSummary.from_data(rows, design, domain=np.int64(3))
    assert summary.domains == (3,)
    with pytest.raises(InputError, match=r"one.merge\(\*rest\)"):
        summary.merge([summary])
    with pytest.raises(InputError, match="expected at least 4"):
        FederatedSummary.from_data(rows[:1], design).test("a", "b")
    with pytest.raises(InputError, match="is no name"):
        summary.test(["a"], "b")
    with pytest.raises(InputError, match="expected a FederatedSummary"):
        FeatureTest(rows)


def test_a_spoilt_file_is_refused(tmp_path):
    frame = rows_of(60)[["a", "b"]]
    FederatedSummary.from_data(frame, FeatureDesign.from_data(frame)).save(tmp_path / "good")
    whole = (tmp_path / "good").read_bytes()
    for cut in range(0, len(whole), 997):
        for spoilt in (whole[:cut], whole[:cut] + bytes([whole[cut] ^ 255]) + whole[cut + 1 :]):
            (tmp_path / "bad").write_bytes(spoilt)
            with suppress(InputError):  # and no other; a byte may say nothing
                FederatedSummary.load(tmp_path / "bad")
    with np.load(tmp_path / "good") as file:
        held = {key: file[key] for key in file.files}
    for key, wrong in (
        ("counts", held["counts"][:0]), ("sums", held["sums"][:, 1:]),
        ("outers", np.nan * held["outers"]), ("frequencies", np.array(["a"])),
        ("centres", held["centres"][:1]), ("counts", -held["counts"]),
    ):  # fmt: skip
        np.savez(tmp_path / "bad.npz", **held | {key: wrong})
        with pytest.raises(InputError, match="holds no summary"):
            FederatedSummary.load(tmp_path / "bad.npz")


def names_only(names, site=None):
    rows = {name: [0.0, 1.0, 0.0, 1.0] for name in names}
    return rows if site is None else {**rows, site: [0, 0, 1, 1]}


def test_discovery_runs_on_sums():
    frame = rows_of(1200)
    design = FeatureDesign.from_data(frame[["a", "b", "c"]])
    one, *others = summaries(frame, design)
    summary = one.merge(*others)
    pc = PC(FeatureTest(summary), alpha=0.01).fit(names_only("abc"))
    assert str(pc.graph_) == "CPDAG with 3 nodes, 2 edges: a -- b; b -- c"
    test = FeatureTest(summary, domain="site")
    found = CDNOD(test, domain="site", alpha=0.01, independent_changes=False)
    found.fit(names_only("abc", "site"))
    assert str(found.graph_) == "CPDAG with 3 nodes, 2 edges: a -> b; b -> c"
    assert list(found.changing_) == ["a"]


@pytest.mark.parametrize(("design", "size"), [("nonlinear", 0), ("nonlinear", 1), ("linear", 3)])
def test_level(design, size):
    names = ["x", "y", *(f"z{k}" for k in range(size))]
    agreed = FeatureDesign.from_ranges(dict.fromkeys(names, (-2, 2)))
    p = []
    for seed in range(300):
        rows = pd.DataFrame(draw(design, 300, size, seed), columns=names)
        p.append(FederatedSummary.from_data(rows, agreed).test("x", "y", names[2:]).p_value)
    assert 0.015 < np.mean(np.array(p) < 0.05) < 0.09  # some three standard errors
