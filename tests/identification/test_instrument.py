"""Instruments against path lists, linear models, exact compliers, and published cases."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError
from itertools import combinations, pairwise

import numpy as np
import pytest

from causalkit.errors import GraphError, InputError, NotIdentifiableError, UnknownVariableError
from causalkit.estimation import TwoStageLeastSquares
from causalkit.graph import CausalGraph, Edge
from causalkit.graph.lagged_graph import LaggedGraph
from causalkit.graph.separation import minimal_separator
from causalkit.identification.formulas.evaluation import ProbabilityTable
from causalkit.identification.formulas.expression import Product, Value
from causalkit.identification.instrument._formulas import Covariance, Inverse
from causalkit.identification.instrument._rank import independent_rows
from causalkit.identification.instrument.estimand import nearby_instruments
from causalkit.identification.instrument.instrument import (
    Instrument,
    InstrumentEstimand,
    conditioning_set,
    instrument_estimand,
    instrumental_set,
    instruments,
    is_instrument,
    optimal_instruments,
)
from causalkit.identification.query import EffectQuery
from tests.identification.graphs import generator, pick, random_admg, random_dag
from tests.oracles.adjustment import LinearModel, descendants, is_causal, paths, subsets

EFFECT = EffectQuery(("X",), ("Y",))


def others(graph, *used):
    return [name for name in graph.nodes if name not in used]


def some_graph(rng, k, sizes=(4, 6)):
    size = int(rng.integers(sizes[0], sizes[1] + 1))
    return random_dag(rng, size, 0.45) if k % 2 else random_admg(rng, size, 0.35, 0.25)


def ancestors(graph, *names):
    """Nodes that have one of the names as a descendant."""
    return {v for v in graph.nodes if descendants(graph, v) & set(names)}


def effects_between(graph, x, y):
    """What the nodes on causal paths cause, path by path and step by step."""
    return [
        descendants(graph, step[1])
        for path in paths(graph, x, y)
        if is_causal(path)
        for step in path
    ]


# --- the definition, read word for word ---------------------------------------------------------


def all_instruments(graph, x, y):
    """Every (Z, W) that the definition of Brito & Pearl accepts, by listing all paths."""
    below = {v: descendants(graph, v) for v in graph.nodes}
    causal = [path for path in paths(graph, x, y) if is_causal(path)]
    first = {path[0][:2] for path in causal}
    barred = below[y].union(*(below[step[1]] for path in causal for step in path))

    def is_open(path, given):
        return all(
            bool(below[a[1]] & given) if a[3] == b[2] == ">" else a[1] not in given
            for a, b in pairwise(path)
        )

    def is_cut(step):
        a, b, near, far = step
        forward, backward = (near, far) == ("-", ">"), (near, far) == (">", "-")
        return (forward and (a, b) in first) or (backward and (b, a) in first)

    found = set()
    for z in set(graph.nodes) - barred - {x}:
        to_x = list(paths(graph, z, x))
        to_y = [p for p in paths(graph, z, y) if not any(is_cut(step) for step in p)]
        for w in subsets(v for v in graph.nodes if v not in barred and v not in (x, z)):
            if any(is_open(p, w) for p in to_x) and not any(is_open(p, w) for p in to_y):
                found.add((z, w))
    return found


def partial(model, a, b, given):
    """Partial covariances of the variables a (rows) and b (columns) given others."""
    cov = model.cov
    a, b, g = ([model.where[v] for v in names] for names in (a, b, given))
    rest = cov[np.ix_(a, g)] @ np.linalg.solve(cov[np.ix_(g, g)], cov[np.ix_(g, b)])
    return cov[np.ix_(a, b)] - rest


SEEDS = [*range(6), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(6, 80))]


@pytest.mark.parametrize("seed", SEEDS)
def test_listed_instruments_are_those_of_the_definition(seed):
    rng = generator([1, seed])
    for k in range(30):
        graph = some_graph(rng, k)
        (x,), (y,) = pick(rng, graph)
        hidden = {v for v in others(graph, x, y) if k % 3 == 0 and rng.random() < 0.25}
        seen = set(graph.nodes) - hidden
        truth = {(z, w) for z, w in all_instruments(graph, x, y) if {z, *w} <= seen}
        found = instruments(graph, x, y, observed=seen)
        # Some instrument is found exactly if there is one.
        assert bool(found) == bool(truth), (graph, x, y, hidden)
        sizes = [len(one.given) for one in found]
        assert sizes == sorted(sizes)
        for one in found:
            w = frozenset(one.given)
            assert (one.name, w) in truth
            assert not any(z == one.name and smaller < w for z, smaller in truth)
        # Each variable that causes of it and of the outcome make an instrument is listed.
        for z in {z for z, _ in truth} - {one.name for one in found}:
            causes = ancestors(graph, z, y)
            assert not any(name == z and w <= causes for name, w in truth), (graph, x, y, z)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_ratio_of_covariances_is_the_effect_exactly_for_instruments(seed):
    rng = generator([2, seed])
    for k in range(12):
        graph = some_graph(rng, k, sizes=(4, 5))
        (x,), (y,) = pick(rng, graph)
        truth = all_instruments(graph, x, y)
        model = LinearModel(graph, rng)
        tau = model.effect([x], y)[0]
        for z in others(graph, x, y):
            for w in subsets(others(graph, x, y, z)):
                accepted = is_instrument(graph, x, y, z, w)
                assert accepted == ((z, w) in truth), (graph, x, y, z, w)
                to_x, to_y = partial(model, [z], [x, y], w)[0]
                right = abs(to_x) > 1e-9 and abs(to_y - tau * to_x) < 1e-9
                if accepted or abs(tau) > 1e-9:  # zero is found by sets that are no instruments
                    assert accepted == right, (graph, x, y, z, w)


@pytest.mark.parametrize("seed", range(4))
def test_what_is_included_stays_in(seed):
    rng = generator([3, seed])
    for k in range(20):
        graph = some_graph(rng, k)
        (x,), (y,) = pick(rng, graph)
        truth = all_instruments(graph, x, y)
        kept = str(rng.choice(others(graph, x, y)))
        barred = {y}.union(*(effects_between(graph, x, y)))
        if kept in barred or kept in descendants(graph, y):
            with pytest.raises(InputError, match="cannot be held fixed"):
                instruments(graph, x, y, include=kept)
            continue
        for z in others(graph, x, y, kept):
            causes = ancestors(graph, z, y, kept)
            sets = {w for name, w in truth if name == z and kept in w and w <= causes}
            found = conditioning_set(graph, x, y, z, include=kept)
            assert (found is None) == (not sets), (graph, x, y, z, kept)
            if found is not None:
                assert found in sets
                assert not any(w < found for w in sets)


# --- several treatments -------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_sets_of_instruments_solve_for_joint_effects_in_linear_models(seed):
    rng = generator([4, seed])
    for k in range(12):
        graph = some_graph(rng, k, sizes=(5, 6))
        xs, (y,) = pick(rng, graph, 2, 1)
        model = LinearModel(graph, rng)
        tau = model.effect(xs, y)
        accepted = False
        for zs in combinations(others(graph, *xs, y), 2):
            for w in subsets(others(graph, *xs, y, *zs)):
                to_x, to_y = partial(model, zs, xs, w), partial(model, zs, [y], w)[:, 0]
                full = np.linalg.matrix_rank(to_x, tol=1e-8) == 2
                right = full and np.allclose(to_x @ tau, to_y, atol=1e-9)
                verdict = is_instrument(graph, xs, y, zs, w)
                assert right or not verdict, (graph, xs, y, zs, w)
                accepted |= verdict
                if right and (np.abs(tau) > 1e-9).all():
                    assert verdict, (graph, xs, y, zs, w)
        found = instrumental_set(graph, xs, y)
        assert (found is not None) == accepted, (graph, xs, y)
        if found is not None:
            assert is_instrument(graph, xs, y, found.names, found.given)


@pytest.mark.parametrize("seed", range(5))
def test_treks_tell_the_rank_of_every_block_of_a_covariance_matrix(seed):
    rng = generator([5, seed])
    for k in range(20):
        graph = some_graph(rng, k)
        cov = LinearModel(graph, rng).cov
        for _ in range(8):
            rows, columns = (rng.permutation(len(cov))[: rng.integers(1, 5)] for _ in range(2))
            rank = np.linalg.matrix_rank(cov[np.ix_(rows, columns)], tol=1e-9)
            chosen = independent_rows(graph, rows.tolist(), columns.tolist())
            assert len(chosen) == rank, (graph, rows, columns)
            assert np.linalg.matrix_rank(cov[np.ix_(chosen, columns)], tol=1e-9) == rank


def test_two_instruments_that_move_both_treatments_alike_are_not_enough():
    graph = "Z1 -> M; Z2 -> M; M -> X1 -> Y; M -> X2 -> Y; X1 <-> Y; X2 <-> Y"
    assert not is_instrument(graph, ["X1", "X2"], "Y", ["Z1", "Z2"])
    assert instrumental_set(graph, ["X1", "X2"], "Y") is None
    assert is_instrument(graph + "; Z2 -> X2", ["X1", "X2"], "Y", ["Z1", "Z2"])


def test_a_treatment_may_be_caused_by_another_on_its_way_to_the_outcome():
    graph = "Z1 -> X1 -> M -> Y; M -> X2 -> Y; X1 <-> Y; X2 <-> Y; Z2 -> X2"
    model = LinearModel(CausalGraph.parse(graph), generator(9))
    assert is_instrument(graph, ["X1", "X2"], "Y", ["Z1", "Z2"])
    to_x, to_y = (partial(model, ["Z1", "Z2"], v, []) for v in (["X1", "X2"], ["Y"]))
    assert np.linalg.solve(to_x, to_y[:, 0]) == pytest.approx(model.effect(["X1", "X2"], "Y"))


def test_a_common_conditioning_set_is_found():
    graph = "Z1 -> X1 -> Y; Z2 -> X2 -> Y; W -> Z1; W -> Z2; W -> Y; X1 <-> Y; X2 <-> Y; X1 <-> X2"
    found = instrumental_set(graph, ["X1", "X2"], "Y")
    assert (found.names, found.given) == (("Z1", "Z2"), ("W",))
    assert str(found) == "Z1 and Z2 given W"
    hidden = [v for v in CausalGraph.parse(graph).nodes if v != "W"]
    assert instrumental_set(graph, ["X1", "X2"], "Y", observed=hidden) is None


def variance(model, x, y, zs, w, tau):
    """Asymptotic variance of two-stage least squares, times n: of what the effect leaves of Y,
    by what the instruments move in X."""
    of_x, xy, of_y = (partial(model, [a], [b], w)[0, 0] for a, b in ((x, x), (x, y), (y, y)))
    unmoved = partial(model, [x], [x], [*w, *zs])[0, 0]
    return (of_y - 2 * tau * xy + tau**2 * of_x) / (of_x - unmoved)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_other_instruments_have_less_variance_in_every_model(seed):
    rng = generator([8, seed])
    for k in range(25):
        graph = some_graph(rng, 0 if k % 4 else 1, sizes=(4, 5))
        (x,), (y,) = pick(rng, graph)
        best = optimal_instruments(graph, x, y)
        if best is None:
            continue
        assert is_instrument(graph, x, y, best.names, best.given)
        models = [LinearModel(graph, rng) for _ in range(60)]
        effects = [model.effect([x], y)[0] for model in models]

        def variances(zs, w, x=x, y=y, models=models, effects=effects):
            pairs = zip(models, effects, strict=True)
            return np.array([variance(model, x, y, zs, w, tau) for model, tau in pairs])

        least = variances(best.names, best.given)
        before = set(graph.nodes) - descendants(graph, x)
        truth = {(z, w) for z, w in all_instruments(graph, x, y) if {z, *w} <= before}
        for w in {w for _, w in truth}:
            for zs in subsets(z for z, given in truth if given == w):
                if zs:
                    other = variances(sorted(zs), sorted(w))
                    assert (least <= other * (1 + 1e-9)).any(), (graph, x, y, zs, w)


def test_the_optimal_instruments_of_a_published_graph():
    # After Henckel et al. (2024).
    graph = "a -> b; a -> x; b -> c; x -> y; c <-> y; x <-> y"
    found = optimal_instruments(graph, "x", "y")
    assert (found.names, found.given) == (("a",), ("b", "c"))
    assert optimal_instruments(graph, "x", "y", observed=["x", "y", "b"]).names == ("b",)
    assert optimal_instruments("x <- a; y", "x", "y") is None  # no effect
    assert optimal_instruments("x -> y; x <-> y; z", "x", "y") is None


def test_an_instrument_may_help_another_one():
    graph = "B -> A; A <-> X; X -> Y; X <-> Y"
    found = optimal_instruments(graph, "X", "Y")
    assert found.names == ("B", "A")
    assert not is_instrument(graph, "X", "Y", "B")


def test_one_treatment_may_have_several_instruments():
    graph = "Z1 -> X -> Y; Z2 -> X; X <-> Y; V"
    assert is_instrument(graph, "X", "Y", ["Z1", "Z2"])
    assert is_instrument(graph, "X", "Y", ["Z1", "V"])  # V is of no use, and does no harm
    assert not is_instrument(graph, "X", "Y", "V")
    estimand = instrument_estimand(graph, EFFECT)
    assert estimand.also == ("Z2",)
    assert estimand.used == ("Z1", "Z2")
    assert all("Z1 and Z2" in text for text in estimand.assumptions[:3])


def test_the_formula_of_several_instruments_is_that_of_two_stages():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(400, 2))
    hidden = rng.normal(size=400)
    x = z @ [1.0, 0.5] + hidden + rng.normal(size=400)
    y = 2 * x + hidden + rng.normal(size=400)
    estimand = instrument_estimand("Z1 -> X -> Y; Z2 -> X; X <-> Y", EFFECT)
    found = estimand.estimate(
        {"Z1": z[:, 0], "Z2": z[:, 1], "X": x, "Y": y}, TwoStageLeastSquares()
    )
    columns = {"Z1": z[:, 0], "Z2": z[:, 1], "X": x, "Y": y}

    def value(part):  # the printed formula, worked out
        if isinstance(part, Covariance):
            left, right = (
                np.column_stack([columns[n] for n in side]) for side in (part.left, part.right)
            )
            return (left - left.mean(axis=0)).T @ (right - right.mean(axis=0)) / len(left)
        if isinstance(part, Inverse):
            return np.linalg.inv(value(part.of))
        if isinstance(part, Product):
            return np.linalg.multi_dot([value(one) for one in part.factors])
        return value(part.top) / value(part.bottom)

    np.testing.assert_allclose(value(estimand.expression.right), found.value)


# --- compliers ----------------------------------------------------------------------------------


class Thresholds:
    """Binary nodes that are 1 where parents and noise pass a threshold: monotone, and enumerated.

    Parents have positive weights, so that setting one of them to 1 lowers nothing.
    """

    def __init__(self, graph, rng):
        self.graph = graph
        self.order = [graph.nodes[k] for k in graph.order]
        bows = [edge for edge in graph.edges() if edge.symbol == "<->"]
        sizes = [3] * len(self.order) + [2] * len(bows)
        states = np.indices(sizes).reshape(len(sizes), -1)
        shares = [rng.dirichlet(np.full(size, 3.0)) for size in sizes]
        self.units = np.prod([p[s] for p, s in zip(shares, states, strict=True)], axis=0)
        self.noise = {}
        for k, v in enumerate(self.order):
            own = np.array([-9.0, rng.uniform(-1, 0), 9.0])[states[k]]
            for bow, state in zip(bows, states[len(self.order) :], strict=True):
                if v in (bow.left, bow.right):
                    own = own + rng.choice([-1, 1]) * rng.uniform(0.5, 1) * state
            self.noise[v] = own
        arcs = [edge for edge in graph.edges() if edge.symbol == "->"]
        self.weight = {(edge.left, edge.right): rng.uniform(0.3, 1) for edge in arcs}

    def values(self, **do):
        found = {}
        for v in self.order:
            pushed = sum(w * found[a] for (a, b), w in self.weight.items() if b == v)
            free = (self.noise[v] + pushed > 0).astype(int)
            found[v] = np.full(len(self.units), do[v]) if v in do else free
        return found

    def table(self):
        joint, values = np.zeros((2,) * len(self.order)), self.values()
        np.add.at(joint, tuple(values[v] for v in self.order), self.units)
        return ProbabilityTable(joint, names=self.order, levels=((0, 1),) * len(self.order))

    def effect_among_compliers(self, z, x, y):
        moved = (self.values(**{z: 1})[x] - self.values(**{z: 0})[x]) * self.units
        assert (moved >= 0).all()
        gain = self.values(**{x: 1})[y] - self.values(**{x: 0})[y]
        return (gain * moved).sum() / moved.sum() if moved.sum() > 1e-9 else None


@pytest.mark.filterwarnings("ignore::causalkit.errors.OverlapWarning")  # 0/0 where z = z'
@pytest.mark.parametrize("seed", SEEDS)
def test_the_ratio_is_exactly_the_effect_among_compliers(seed):
    rng = generator([6, seed])
    for k in range(15):
        graph = some_graph(rng, k, sizes=(3, 5))
        (x,), (y,) = pick(rng, graph)
        model = Thresholds(graph, rng)
        table = model.table()
        for z in others(graph, x, y):
            sets = {
                w
                for w in subsets(others(graph, x, y, z))
                if is_instrument(graph, x, y, z, w, target="compliers")
            }
            found = conditioning_set(graph, x, y, z, target="compliers")
            assert (found in sets and not any(w < found for w in sets)) if sets else found is None
            truth = model.effect_among_compliers(z, x, y) if sets else None
            for w in sets if truth is not None else ():
                assert is_instrument(graph, x, y, z, w)
                given = tuple(v for v in graph.nodes if v in w)
                query = EffectQuery((x,), (y,))
                estimand = InstrumentEstimand(query, (z,), given, graph, "compliers")
                ratio = estimand.expression.right.evaluate(table)
                assert set(ratio.symbols) == {z, Value(z)}
                numbers = ratio.numbers if ratio.symbols[0] == z else ratio.numbers.T
                assert numbers[1, 0] == pytest.approx(truth, abs=1e-9), (graph, x, y, z, w)


@pytest.mark.parametrize(
    ("graph", "name", "given"),
    [
        ("P <- Z -> X -> Y; X <-> Y", "P", ()),  # only a proxy of what moves X
        ("X -> Y; X -> P", "P", ()),  # an effect of X
        ("Z -> X -> Y; X <-> Y; C -> Z; C -> X", "Z", ()),  # a common cause of Z and X
        ("Z -> X -> Y; X <-> Y; Z -> E", "Z", ("E",)),  # an effect of Z is held fixed
    ],
)
def test_no_compliers_of_what_does_not_move_the_treatment_by_itself(graph, name, given):
    assert is_instrument(graph, "X", "Y", name, given)
    assert not is_instrument(graph, "X", "Y", name, given, target="compliers")


def test_compliers_hold_the_common_cause_of_the_first_stage_fixed():
    graph = "Z -> X -> Y; X <-> Y; C -> Z; C -> X"
    assert conditioning_set(graph, "X", "Y", "Z") == frozenset()
    assert conditioning_set(graph, "X", "Y", "Z", target="compliers") == {"C"}


# --- named cases --------------------------------------------------------------------------------


def test_published_graphs(shared):
    cases = json.loads((shared / "identification" / "admg_cases.json").read_text())["cases"]
    cases = [c for c in cases if "conditional_instruments_minimal" in c["expected"]]
    assert len(cases) > 50
    for case in cases:
        drawn, hidden = case["graph"], case["graph"]["latent"]
        graph = CausalGraph.from_edges(drawn["nodes"], [Edge(*e) for e in drawn["edges"]])
        seen = [v for v in drawn["nodes"] if v not in hidden]
        (x,), (y,) = case["treatment"], case["outcome"]
        expected = case["expected"]
        truth = {(z, frozenset(w)) for z, w in expected["conditional_instruments_minimal"]}
        minimal = set()
        for z in (v for v in seen if v not in (x, y)):
            free = [v for v in seen if v not in (x, y, z)]
            valid = [w for w in subsets(free) if is_instrument(graph, x, y, z, w)]
            minimal |= {(z, w) for w in valid if not any(v < w for v in valid)}
        assert minimal == truth, case["id"]
        found = {(i.name, frozenset(i.given)) for i in instruments(graph, x, y, observed=seen)}
        assert found == {(z, frozenset(w)) for z, w in expected["dagitty_instruments"]}, case["id"]


def test_a_hidden_instrument_is_none():
    graph, seen = "Z -> X -> Y; X <-> Y", ["X", "Y"]
    assert not is_instrument(graph, "X", "Y", "Z", observed=seen)
    assert instruments(graph, "X", "Y", observed=seen) == ()
    with pytest.raises(NotIdentifiableError, match="no other variable is observed"):
        instrument_estimand(graph, EFFECT, seen)


def test_the_observed_cause_of_a_hidden_instrument_is_one():
    found = instruments("Z0 -> Z -> X -> Y; X <-> Y", "X", "Y", observed=["Z0", "X", "Y"])
    assert found == (Instrument("Z0", ()),)


def test_an_instrument_that_is_valid_only_within_strata():
    graph = "W -> Z -> X -> Y; W -> Y; X <-> Y"
    assert not is_instrument(graph, "X", "Y", "Z")
    assert instruments(graph, "X", "Y") == (Instrument("Z", ("W",)),)
    assert instruments(graph, "X", "Y", observed=["Z", "X", "Y"]) == ()


def test_an_instrument_that_is_independent_of_the_treatment_until_something_is_held_fixed():
    # van der Zander et al. (2015): conditional, not ancestral; then another one exists.
    graph = "Z -> W <- U -> X -> Y; X <-> Y"
    assert not is_instrument(graph, "X", "Y", "Z")
    assert is_instrument(graph, "X", "Y", "Z", given="W")
    assert conditioning_set(graph, "X", "Y", "Z") is None
    assert {one.name for one in instruments(graph, "X", "Y")} == {"W", "U"}


@pytest.mark.parametrize(
    ("graph", "verdict"),
    [
        ("Z -> X -> M -> Y; X -> Y; X <-> Y; X <-> M", True),  # the total effect of both paths
        ("Z -> X -> M -> Y; Z -> M; X <-> Y", False),  # exclusion fails half way
        ("Z -> X -> Y; Z <-> Y; X <-> Y", False),
        ("X -> Y; Z <-> X; X <-> Y", True),  # no cause of X, yet associated with it
        ("X -> Y -> Z; X <-> Y", False),
        ("X -> Y; X <-> Y; Z", False),
    ],
)
def test_textbook_instruments(graph, verdict):
    assert is_instrument(graph, "X", "Y", "Z") == verdict


def test_a_graph_of_two_hundred_nodes_is_searched():
    rng = generator(7)
    graph = random_admg(rng, 200, 0.02, 0.002)
    order = [graph.nodes[k] for k in graph.order]
    found = instruments(graph, order[100], order[-5])
    assert found
    for one in found[::10]:
        assert is_instrument(graph, order[100], order[-5], one.name, one.given)


# --- estimands ----------------------------------------------------------------------------------


def test_the_estimand_states_formula_and_assumptions():
    estimand = instrument_estimand("Z -> X -> Y; X <-> Y; W -> Z; W -> Y", EFFECT)
    assert str(estimand.expression) == ("∂E[Y | do(X=x)]/∂x = [Cov(Z, Y | W)] / [Cov(Z, X | W)]")
    assert estimand.expression.to_latex() == (
        r"\frac{\partial}{\partial x} \mathrm{E}[Y \mid \mathrm{do}(X=x)] = "
        r"\frac{\mathrm{Cov}(Z, Y \mid W)}{\mathrm{Cov}(Z, X \mid W)}"
    )
    assert estimand.expression.symbols == {"X", "W"}
    text = " ".join(estimand.assumptions)
    for word in ("Relevance", "Exclusion", "No confounding", "Constant effect", "Consistency"):
        assert word in text
    assert "Monotonicity" not in text
    assert "hold fixed  W" in str(estimand)
    with pytest.raises(FrozenInstanceError):
        estimand.given = ()


def test_the_estimand_of_compliers_needs_no_constant_effect():
    graph = "Z -> X -> Y; X <-> Y; W -> Z; W -> Y"
    estimand = instrument_estimand(graph, EFFECT, target="compliers")
    assert str(estimand.expression.left) == "(E[Y | do(X=x)] - E[Y | do(X=x')]) among compliers"
    assert "Σ_{w}" in str(estimand.expression.right)
    assert r"\mathrm{compliers}" in estimand.expression.to_latex()
    text = " ".join(estimand.assumptions)
    assert "Monotonicity: Z moves everybody's X, which is 0 or 1, the same way if at all" in text
    assert "Constant" not in text


def test_the_estimand_of_several_treatments_inverts_a_matrix():
    graph = "Z1 -> X1 -> Y; Z1 -> X2 -> Y; Z2 -> X2; X1 <-> Y; X2 <-> Y"
    estimand = instrument_estimand(graph, EffectQuery(("X1", "X2"), ("Y",)))
    assert str(estimand.expression) == (
        "∂E[Y | do(X1=x1, X2=x2)]/∂(x1, x2) = Cov((Z1, Z2), (X1, X2))⁻¹ Cov((Z1, Z2), Y)"
    )
    assert r"^{-1}" in estimand.expression.to_latex()
    assert estimand.expression.symbols == {"X1", "X2"}
    assert "independent ways" in estimand.assumptions[0]


def test_a_conditional_effect_keeps_its_strata():
    query = EffectQuery(("X",), ("Y",), ("S",))
    estimand = instrument_estimand("Z -> X -> Y; X <-> Y; S -> Y", query)
    assert estimand.given == ("S",)
    among = instrument_estimand("Z -> X -> Y; X <-> Y; S -> Y", query, target="compliers")
    assert "Σ" not in str(among.expression)


@pytest.mark.parametrize(
    ("graph", "target", "message"),
    [
        ("Z -> X -> Y; Z -> Y; X <-> Y", "everyone", "nothing blocks the path Z -> Y"),
        ("X -> Y; X <-> Y; Z", "everyone", "Z is not associated with X"),
        ("X -> Y; X <-> Y; Z -> W <- X; W <-> Y", "everyone", "not associated with X"),
        ("X -> M -> Y; X <-> Y; M -> D", "everyone", "D is on the way from X to Y, or"),
        ("X -> Y -> D; X <-> Y", "everyone", "D is an effect of Y"),
        ("A -> X -> Y; A <-> Y; B <-> Y; C <-> Y; D <-> Y", "everyone", "1 others"),
        ("Z -> X -> Y; Z -> M -> Y; X <-> Y", "compliers", "Z -> M -> Y goes past X"),
        ("X -> Y; X <-> Y; Z <-> X", "compliers", "Z is no cause of X"),
        ("Z -> X -> Y; X <-> Y; Z <-> X", "compliers", "nothing blocks the path Z <-> X"),
    ],
)
def test_refusals_say_which_condition_fails(graph, target, message):
    with pytest.raises(NotIdentifiableError, match=message) as caught:
        instrument_estimand(graph, EFFECT, target=target)
    assert ("path" in message or "past" in message) <= bool(caught.value.witness)


@pytest.mark.parametrize("target", ["everyone", "compliers"])
def test_the_estimand_takes_the_first_instrument_of_the_list(target):
    rng = generator([31, 0])
    for k in range(150):
        graph = some_graph(rng, k)
        (x,), (y,) = pick(rng, graph)
        listed = instruments(graph, x, y, target=target)
        try:
            found = instrument_estimand(graph, EffectQuery((x,), (y,)), target=target)
        except NotIdentifiableError:
            assert not listed
        else:
            assert (found.instruments, found.given) == ((listed[0].name,), listed[0].given)


def test_a_hint_takes_few_searches_and_is_an_instrument(monkeypatch):
    rng, searches = generator([32, 0]), []
    monkeypatch.setattr(
        "causalkit.identification.instrument._problem.minimal_separator",
        lambda *a, **b: searches.append(a) or minimal_separator(*a, **b),
    )
    for k in range(150):
        graph = some_graph(rng, k)
        (x,), (y,) = pick(rng, graph)
        searches.clear()
        found = nearby_instruments(graph, EffectQuery((x,), (y,)), None)
        assert len(searches) <= graph.adjacency[graph.index(x)].sum()
        assert found is None or is_instrument(graph, x, y, found.name, found.given)
    two = "Z1 -> X1 -> Y; Z1 -> X2 -> Y; Z2 -> X2; X1 <-> Y; X2 <-> Y"
    query = EffectQuery(("X1", "X2"), ("Y",))
    assert str(nearby_instruments(CausalGraph.parse(two), query, None)) == "Z1 and Z2"
    for given, outcome in ((("D",), ("Y",)), ((), ("Y", "D"))):
        query = EffectQuery(("X",), outcome, given)
        assert nearby_instruments(CausalGraph.parse("Z -> X -> Y -> D"), query, None) is None


def test_refusals_of_several_treatments():
    query = EffectQuery(("X1", "X2"), ("Y",))
    with pytest.raises(NotIdentifiableError, match="Z moves only some of X1 and X2"):
        instrument_estimand("Z -> X1 -> Y; Z -> X2 -> Y; X1 <-> Y; X2 <-> Y", query)


@pytest.mark.parametrize(
    ("graph", "query", "message"),
    [
        ("Z -- X -> Y", EFFECT, "the graph is a CPDAG"),
        (LaggedGraph.parse("X[t-1] -> Y[t]"), EFFECT, "of series"),
        ("Z -> X -> Y; X -> V", EffectQuery(("X",), ("Y", "V")), "2 outcomes"),
        ("Z -> X; Y -> D", EffectQuery(("X",), ("Y",), ("D",)), "D cannot be held fixed"),
    ],
)
def test_what_instruments_do_not_speak_of_is_a_strategy_that_does_not_apply(graph, query, message):
    with pytest.raises(NotIdentifiableError, match=message):
        instrument_estimand(graph, query)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: is_instrument("Z -> X -> Y", "X", "Y", "V"), UnknownVariableError, "'V'"),
        (lambda: is_instrument("Z -> X -> Y", "X", "Y", "X"), InputError, "both"),
        (lambda: is_instrument("Z -> X -> Y", "X", "Y", "Z", given="Z"), InputError, "both"),
        (lambda: is_instrument("Z -> X -> Y", "X", "Y", []), InputError, "empty"),
        (lambda: is_instrument("Z -> X -> Y", "X", ["Y", "Z"], "Z"), InputError, "outcomes"),
        (lambda: is_instrument("Z -- X -> Y", "X", "Y", "Z"), GraphError, "CPDAG"),
        (lambda: instruments("Z -> X -> Y", "X", "Y", target="all"), InputError, "target"),
        (lambda: instruments("Z -> X -> Y", ["X", "Z"], "Y"), InputError, "2 treatments"),
        (lambda: instruments("Z -> X -> Y", "X", "Y", observed=["Z", "Y"]), InputError, "'X'"),
        (lambda: instruments("Z -> X -> Y; X -> Y", "X", "Y", include="Y"), InputError, "both"),
        (lambda: conditioning_set("Z -> X -> Y", "X", "Y", ["Z", "X"]), InputError, "2 variab"),
        (
            lambda: is_instrument("A -> X -> Y; B -> X", "X", "Y", ["A", "B"], target="compliers"),
            InputError,
            "2 instruments",
        ),
        (
            lambda: is_instrument("A -> X; B -> X", ["A", "B"], "X", "C", target="compliers"),
            InputError,
            "2 treatments",
        ),
        (lambda: InstrumentEstimand(EFFECT, (), (), CausalGraph.parse("X -> Y")), InputError, "0"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
