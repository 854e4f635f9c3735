"""Edges between changing variables: curves against equations, directions against the truth."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from causalkit._core.table import as_table
from causalkit.discovery.changing import _change_curves
from causalkit.discovery.changing._change_curves import changing_conditional
from causalkit.discovery.changing._independent_change import Changes, _visit, orient_changes
from causalkit.discovery.changing._surrogate import Surrogate
from causalkit.graph import CausalGraph, members
from causalkit.independence.kernel_matrices import blocks_of, joined
from causalkit.models import random_changing_model
from tests.oracles import changes as dense

PAIR = CausalGraph.parse("x0 -> x1")
WHAT = (
    ("intercept",),
    ("noise",),
    ("coefficient",),
    ("function",),
    ("coefficient", "noise"),
    ("coefficient", "noise", "function", "intercept"),
)


def blocks(data, names=None):
    return blocks_of(as_table(data, columns=names), who="this test")


def drawn(model, n, rng):
    data = model.sample(n, rng=rng)
    place = data.pop(model.surrogate)
    surrogate = Surrogate(codes=place) if model.n_domains else Surrogate(time=place)
    return blocks(data), surrogate


def pair(what, seed, *, n=1200, **settings):
    model = random_changing_model(2, graph=PAIR, changing=1.0, what=what, rng=seed, **settings)
    return drawn(model, n, seed)


def verdict(both, surrogate, *, edge=(0, 1), rng=0, **settings):
    (found,) = orient_changes(both, [[edge]], [(), ()], surrogate, rng=rng, **settings)
    return found


# --- curves --------------------------------------------------------------------------------------


def surrogate_of(kind, n=90):
    codes = np.arange(n) % 5 if kind != "time" else None
    time = np.random.default_rng(1).permutation(n) / 7.0 if kind != "domain" else None
    return Surrogate(codes, time)


@pytest.fixture
def exact(monkeypatch):
    """Factors to machine precision, with no limit on their size."""
    monkeypatch.setattr(_change_curves, "_TOLERANCE", 1e-12)
    monkeypatch.setattr(_change_curves, "_RANK", None)
    monkeypatch.setattr(_change_curves, "_FEATURES", 1_000_000)


@pytest.mark.parametrize("kind", ["domain", "time", "both"])
@pytest.mark.parametrize("n_causes", [0, 1, 2])
def test_curves_have_the_gram_matrix_of_the_equations(exact, monkeypatch, kind, n_causes):
    monkeypatch.setattr(_change_curves, "_TIME_WIDTHS", (0.6,))
    surrogate, rng = surrogate_of(kind), np.random.default_rng(0)
    values = rng.normal(size=(90, 3))
    values[:, 2] += np.sin(values[:, 0]) * np.cos(np.arange(90) / 20)
    held = blocks(values)
    causes = joined(held[:n_causes]) if n_causes else None
    fitted = changing_conditional(held[2], causes, surrogate)
    expected = dense.gram_of_change(
        held[2].numbers,
        None if causes is None else causes.numbers,
        dense.kernel_of_surrogate(surrogate.codes, surrogate.time, fitted.time_width),
        fitted.shared_ridge,
        fitted.ridge,
    )
    rows = np.concatenate(surrogate.points())
    curve = fitted.curve()
    assert len(curve) == len(rows)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(curve @ curve.T, expected[np.ix_(rows, rows)], atol=1e-5 * scale)


def test_rough_factors_give_nearly_the_curve_of_exact_ones(monkeypatch):
    both, surrogate = pair(("coefficient", "noise"), 3, n=600)
    rough = Changes(both, surrogate).gram((1, (0,)))
    monkeypatch.setattr(_change_curves, "_TOLERANCE", 1e-10)
    monkeypatch.setattr(_change_curves, "_RANK", None)
    fine = Changes(both, surrogate).gram((1, (0,)))
    assert np.vdot(rough, fine) > 0.99


def test_ridges_maximise_the_likelihood_of_a_gaussian_process(monkeypatch):
    rng = np.random.default_rng(0)
    parts = [rng.normal(size=(20, 3)), rng.normal(size=(15, 3))]
    targets = [p @ rng.normal(size=(3, 2)) + rng.normal(size=(len(p), 2)) for p in parts]
    kernel = np.zeros((35, 35))
    kernel[:20, :20], kernel[20:, 20:] = parts[0] @ parts[0].T, parts[1] @ parts[1].T
    found = []
    for ridge in (0.2, 1.0, 7.0):
        monkeypatch.setattr(_change_curves, "_RIDGES", np.array([ridge]))
        ours = _change_curves._best_ridge(parts, targets).evidence
        found.append(ours - dense.log_likelihood(kernel, np.vstack(targets), ridge))
    assert np.ptp(found) < 1e-8  # equal up to a constant


def test_weights_are_repeated_rows():
    both, surrogate = pair(("coefficient",), 0, n=300)
    fitted = changing_conditional(both[1], both[0], surrogate)
    weights = np.random.default_rng(0).integers(0, 3, 300).astype(float)
    again = np.repeat(np.arange(300), weights.astype(int))
    repeated = type(fitted)(
        fitted.x[again],
        fitted.y[again],
        fitted.t[again],
        tuple(Surrogate(codes=surrogate.codes[again]).domains()),
        fitted.points,
        fitted.root,
        fitted.shared_ridge,
        fitted.ridge,
        None,
    )
    for one, other in zip(fitted.directions(weights), repeated.directions(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-8)


@pytest.mark.parametrize(("n", "gaussian"), [(450, True), (90, False)])
def test_dependence_is_that_of_the_equations(n, gaussian):
    """With a Gaussian kernel of the points, unless there are few rows a domain."""
    both, surrogate = pair(("noise",), 1, n=n, n_domains=30)
    grams = []
    for effect, causes in ((0, None), (1, both[0])):
        curve = changing_conditional(both[effect], causes, surrogate).curve()
        grams.append(curve @ curve.T)
    if gaussian:
        grams = [dense.gaussianised(gram) for gram in grams]
    ours = Changes(both, surrogate).dependence([(0, ()), (1, (0,))])
    assert ours == pytest.approx(dense.dependence(*grams), rel=1e-8)


def test_points_are_domains_or_times_spread_evenly():
    time = np.repeat(np.arange(400.0), 2)[::-1].copy()
    (rows,) = Surrogate(time=time).points()
    assert len(rows) == 100
    assert (np.diff(time[rows]) > 0).all()
    assert time[rows[0]] == 0
    assert time[rows[-1]] == 399
    by_domain = Surrogate(codes=np.array([1, 0, 1, 2])).points()
    assert [rows.tolist() for rows in by_domain] == [[1], [0], [3]]
    crowd = Surrogate(codes=np.arange(3000) % 1500)
    assert crowd.n_domains == 1500
    assert len(np.concatenate(crowd.points())) == 500
    both = Surrogate(codes=np.arange(60) % 3, time=np.arange(60.0)).points()
    assert [len(rows) for rows in both] == [20, 20, 20]


# --- directions of a pair ------------------------------------------------------------------------


def share_right(what, seeds, **settings):
    found = [verdict(*pair(what, seed, **settings), edge=(1, 0)) for seed in seeds]
    return np.mean([said.cause == 0 for said in found])


@pytest.mark.parametrize("what", WHAT, ids="+".join)
def test_pairs_over_thirty_domains_are_mostly_right(what):
    assert share_right(what, range(8), n_domains=30) >= 7 / 8


@pytest.mark.slow
@pytest.mark.parametrize("n", [300, 1500])
def test_two_hundred_pairs_over_thirty_domains(n):
    right = [share_right(what, range(40), n=n, n_domains=30) for what in WHAT]
    assert np.mean(right) >= 0.85


@pytest.mark.slow
def test_drifting_pairs_are_mostly_right():
    right = [share_right(what, range(15), n=800, drift=3.0) for what in WHAT]
    assert np.mean(right) >= 0.8


def test_swapped_columns_and_edges_give_the_same_verdict():
    both, surrogate = pair(("coefficient",), 5, n_domains=30)
    plain = verdict(both, surrogate)
    for found, names in (
        (verdict(both, surrogate, edge=(1, 0)), (0, 1)),
        (verdict(both[::-1], surrogate), (1, 0)),
    ):
        assert (names[found.cause], names[found.effect]) == (plain.cause, plain.effect)
        assert found.statistic == pytest.approx(plain.statistic, rel=1e-9)
        assert found.reverse_statistic == pytest.approx(plain.reverse_statistic, rel=1e-9)


def test_names_of_domains_and_order_of_rows_do_not_matter():
    both, surrogate = pair(("intercept", "noise"), 2, n_domains=30)
    rng = np.random.default_rng(0)
    rows = rng.permutation(both[0].n_rows)
    moved = [block.rows(rows) for block in both]
    relabelled = Surrogate(codes=rng.permutation(30)[surrogate.codes[rows]])
    one, other = verdict(both, surrogate), verdict(moved, relabelled)
    assert (one.cause, one.effect) == (other.cause, other.effect)
    assert one.statistic == pytest.approx(other.statistic, abs=0.05)
    assert one.reverse_statistic == pytest.approx(other.reverse_statistic, abs=0.05)


def test_p_values_of_independent_changes_are_not_small():
    """The true direction of an edge is a true null hypothesis; so is any pair of lone variables."""
    p_values = []
    for seed in range(60):
        both, surrogate = pair(("coefficient", "noise"), seed, n=450, n_domains=30)
        p_values.append(Changes(both, surrogate).p_value([(0, ()), (1, (0,))], 99, _rng(seed)))
    assert np.mean(np.array(p_values) <= 0.1) <= 0.2  # 0.1 + 2.6 standard errors
    assert 0.35 <= np.mean(p_values) <= 0.75


def test_two_variables_without_an_effect_have_no_preferred_order():
    """Both change, neither causes the other: directions are coin tosses, and few are decided."""
    apart = CausalGraph(("x0", "x1"), np.zeros((2, 2)), "DAG")
    said = []
    for seed in range(30):
        model = random_changing_model(
            2, graph=apart, changing=1.0, what=("intercept", "noise"), rng=seed
        )
        said.append(verdict(*drawn(model, 300, seed), n_permutations=99))
    assert 0.2 <= np.mean([found.cause == 0 for found in said]) <= 0.8
    assert np.mean([found.decided for found in said]) <= 0.4


def test_two_samples_a_domain_decide_next_to_nothing():
    """Exchangeable data with two rows an environment, where published CD-NOD is near chance."""
    found = [
        verdict(*pair(("function",), seed, n=160, n_domains=80), edge=(1, 0)) for seed in range(16)
    ]
    assert 0.25 <= np.mean([said.cause == 0 for said in found]) <= 0.95
    assert np.mean([said.decided for said in found]) <= 0.15
    assert not any(said.decided and said.cause == 1 for said in found)


def test_two_domains_say_nothing():
    found = verdict(*pair(("intercept",), 0, n=400, n_domains=2))
    assert (found.statistic, found.reverse_statistic, found.gap) == (0, 0, 0)
    assert found.p_value == found.reverse_p_value == 1
    assert not found.decided


def test_a_margin_and_a_level_make_verdicts_rarer():
    both, surrogate = pair(("coefficient",), 5, n_domains=30)
    assert verdict(both, surrogate).decided
    assert not verdict(both, surrogate, margin=1.0).decided
    assert not verdict(both, surrogate, alpha=0.001).decided  # below 1 / (permutations + 1)


def test_known_causes_stand_on_the_right_of_every_conditional():
    """Z causes both and changes: given Z the pair is X -> Y."""
    graph = CausalGraph.parse("z -> x; z -> y; x -> y")
    right = 0
    for seed in range(8):
        model = random_changing_model(
            3, graph=graph, changing=1.0, what=("coefficient", "noise"), rng=seed
        )
        held, surrogate = drawn(model, 1500, seed)
        x, y, z = (graph.index(name) for name in "xyz")
        known = [(), (), ()]
        known[x] = known[y] = (z,)
        (said,) = orient_changes(held, [[(y, x)]], known, surrogate, rng=0)
        right += said.cause == x
    assert right >= 7


def test_categories_and_blocks_of_columns_are_compared_too():
    rng = np.random.default_rng(0)
    site = np.repeat(np.arange(30), 40)
    shift = rng.uniform(-2, 2, (2, 30))[:, site]
    x = shift[0] + rng.normal(size=1200)
    level = (x + shift[1] + rng.normal(size=1200) > 0).astype(float)
    import pandas as pd

    table = {"x": x, "g": pd.Categorical(np.where(level > 0, "yes", "no"))}
    said = verdict(blocks(table), Surrogate(codes=site))
    assert said.decided
    assert (said.cause, said.effect) == (0, 1)


def test_permutations_are_reproducible():
    both, surrogate = pair(("noise",), 4, n=450)
    assert verdict(both, surrogate, rng=3) == verdict(both, surrogate, rng=3)


def test_a_verdict_speaks_with_names():
    said = verdict(*pair(("coefficient",), 5)).named(["dose", "reply"])
    assert (said.cause, said.effect) == ("dose", "reply")
    assert "dose -> reply" in said.sentence()
    assert "reply -> dose" in said.sentence()


# --- groups --------------------------------------------------------------------------------------

CHORDAL = (
    [(0, 1)],
    [(0, 1), (1, 2), (2, 3)],
    [(0, 1), (1, 2), (0, 2)],
    [(0, 1), (0, 2), (0, 3), (0, 4)],
    [(0, 1), (1, 2), (0, 2), (2, 3), (1, 3), (3, 4)],
    list(combinations(range(4), 2)),
)


@pytest.mark.parametrize("edges", CHORDAL, ids=len)
def test_all_members_of_a_group_are_visited(edges):
    """Each DAG of the undirected class once, whatever the statistics are."""
    p = 1 + max(map(max, edges))
    graph = CausalGraph.parse("; ".join(f"v{i} -- v{j}" for i, j in edges))
    expected = {
        frozenset(
            (graph.nodes.index(a), graph.nodes.index(b)) for a in graph.nodes for b in d.children(a)
        )
        for d in members(graph)
    }
    rename = [graph.nodes.index(f"v{k}") for k in range(p)]
    rng = np.random.default_rng(0)
    visited = _visit(edges, lambda _: float(rng.random()))
    found = {
        frozenset((rename[c], rename[effect]) for effect, causes in dag for c in causes)
        for dag in visited
    }
    assert found == expected
    assert len(visited) == len(expected)


def test_long_groups_stop_at_a_limit():
    path = [(k, k + 1) for k in range(300)]
    visited = _visit(path, lambda dag: float(len(dict(dag)[0])))
    assert len(visited) == 200


def accuracy_of_groups(graph, seeds, n, **settings):
    edges = [(graph.index(e.left), graph.index(e.right)) for e in graph.edges()]
    right = []
    for seed in seeds:
        model = random_changing_model(
            len(graph.nodes), graph=graph, changing=1.0, rng=seed, **settings
        )
        held, surrogate = drawn(model, n, seed)
        said = orient_changes(held, [edges], [()] * len(held), surrogate, rng=seed)
        assert len(said) == len(edges)
        right += [(found.cause, found.effect) in edges for found in said]
    return np.mean(right)


def test_three_joined_variables_are_mostly_directed_right():
    graph = CausalGraph.parse("b -> c; b -> a; c -> a")
    assert accuracy_of_groups(graph, range(8), 1200, n_domains=30) >= 0.85


@pytest.mark.slow
def test_four_joined_variables_are_mostly_directed_right():
    graph = CausalGraph.parse("d -> b; d -> c; d -> a; b -> c; b -> a; c -> a")
    assert accuracy_of_groups(graph, range(20), 2000, n_domains=40) >= 0.8


def test_verdicts_come_clearest_first():
    graph = CausalGraph.parse("a -> b; c -> d")
    model = random_changing_model(4, graph=graph, changing=1.0, rng=0, n_domains=30)
    held, surrogate = drawn(model, 900, 0)
    said = orient_changes(held, [[(0, 1)], [(2, 3)]], [()] * 4, surrogate, rng=0)
    keys = [(not found.decided, -found.gap) for found in said]
    assert keys == sorted(keys)
    assert orient_changes(held, [], [()] * 4, surrogate) == []


# --- hostile tables ------------------------------------------------------------------------------


def test_a_copy_of_a_column_decides_nothing_and_breaks_nothing():
    rng = np.random.default_rng(0)
    site = np.repeat(np.arange(20), 10)
    x = rng.normal(size=20)[site] + rng.normal(size=200)
    said = verdict(blocks({"a": x, "b": 3 * x + 1}), Surrogate(codes=site))
    assert np.isfinite([said.statistic, said.reverse_statistic]).all()
    assert said.statistic == pytest.approx(said.reverse_statistic, rel=1e-6)
    assert not said.decided


@pytest.mark.parametrize("rows", [4, 6])
def test_tiny_tables(rows):
    rng = np.random.default_rng(0)
    held = blocks(rng.normal(size=(rows, 2)))
    for surrogate in (Surrogate(codes=np.arange(rows)), Surrogate(time=np.arange(rows) * 1e9)):
        said = verdict(held, surrogate)
        assert 0 <= said.p_value <= 1


def test_huge_values_ties_and_unequal_domains():
    rng = np.random.default_rng(0)
    site = np.repeat(np.arange(12), np.arange(1, 13) ** 2)
    x = np.round(rng.normal(size=12)[site] + rng.normal(size=len(site)))
    y = 1e12 * (x + rng.standard_t(1.5, len(site)))
    said = verdict(blocks({"x": x, "y": y}), Surrogate(codes=site))
    assert np.isfinite(said.statistic)


def _rng(seed):
    return np.random.default_rng(seed)
