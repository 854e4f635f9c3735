"""Effects over time: the window, the sets, the classes, and the words."""

from __future__ import annotations

import pickle
from itertools import product

import numpy as np
import pytest

from causalkit.errors import GraphError, InputError, NotIdentifiableError, UnknownVariableError
from causalkit.graph import CausalGraph, Edge, Kind, LaggedGraph, dag_to_mag
from causalkit.graph.lagged import Lagged, as_lagged
from causalkit.graph.walks import m_connected, mask_of
from causalkit.identification import (
    AdjustmentEstimand,
    NoEffectEstimand,
    OpenEstimand,
    PossibleEffects,
    identify,
    is_adjustment_set,
    minimal_adjustment_set,
    minimal_adjustment_sets,
    optimal_adjustment_set,
    strategies,
    sustained,
)
from causalkit.identification.series.past import shared_past, window_with_past
from tests.oracles.effects_over_time import (
    covariance,
    graph_of,
    random_weights,
    regression,
    total_effect,
)

NAMES = ("A", "B", "C", "D")
LONG = 30


def random_graph(rng, p, max_lag, share, hidden=0.0):
    """A random DAG or, with `hidden`, ADMG of series."""
    place = rng.permutation(p)
    edges = []
    for symbol, chance in (("->", share), ("<->", hidden)):
        for lag, i, j in product(range(max_lag + 1), range(p), range(p)):
            if (lag or place[i] < place[j]) and rng.random() < chance:
                edges.append(Edge(Lagged(NAMES[i], lag), Lagged(NAMES[j]), symbol))
    kind = "ADMG" if hidden else "DAG"
    return LaggedGraph(NAMES[:p], edges, max_lag=max_lag, kind=kind)


def in_long_window(graph, treatment, outcome, given):
    return is_adjustment_set(graph.unroll(LONG), treatment, outcome, given)


# --- the window -----------------------------------------------------------------------------------


def test_a_window_that_knows_of_its_past_separates_as_a_long_one_does():
    rng = np.random.default_rng(0)
    opened = 0
    for trial in range(60):
        max_lag = int(rng.integers(1, 4))
        graph = random_graph(rng, 3, max_lag, 0.15, hidden=0.05 if trial % 2 else 0.0)
        depth = int(rng.integers(max_lag, 6)) + max_lag
        short, long = window_with_past(graph, depth), graph.unroll(36)
        without = graph.unroll(depth)
        usable = [x for x in short.nodes if x.lag <= depth - max_lag]
        for _ in range(4):
            drawn = [usable[k] for k in rng.permutation(len(usable))]
            given = drawn[1 : 1 + int(rng.integers(0, 6))]
            found = [
                m_connected(g, mask_of(g, drawn[0]), mask_of(g, given))
                for g in (short, long, without)
            ]
            for node in set(usable) - set(given):
                said = [
                    mask[g.index(node)]
                    for mask, g in zip(found, (short, long, without), strict=True)
                ]
                assert said[0] == said[1]
                opened += said[0] and not said[2]
    assert opened > 8  # a plain window would have missed these


def test_a_shared_past_is_found_however_far_back_it_lies():
    """A repeats every 5 steps, B every 7, and C drives one of each: they meet once in 35 steps."""
    graph = LaggedGraph.parse("A[t-5] -> A[t]; B[t-7] -> B[t]; C[t-1] -> A[t]; C[t-4] -> B[t]")
    shared = shared_past(graph)
    a, b = graph.index("A"), graph.index("B")
    far = graph.unroll(110)
    first = far.ancestors(Lagged("A"))
    for apart in range(8):  # A is so many steps later than B
        common = first & far.ancestors(Lagged("B", apart))
        assert shared[7 + apart, a, b] == bool(common)
        assert shared[7 - apart, b, a] == bool(common)
    assert shared[7:, a, b].all()


def test_validity_of_a_set_is_that_in_a_longer_window():
    rng = np.random.default_rng(1)
    valid = 0
    for trial in range(50):
        graph = random_graph(rng, 3, int(rng.integers(1, 3)), 0.2, hidden=0.06 * (trial % 2))
        x, y = Lagged("A", int(rng.integers(0, 3))), Lagged("B")
        pool = [Lagged(v, k) for v in graph.variables for k in range(6)]
        pool = [v for v in pool if v not in (x, y)]
        for _ in range(6):
            given = [pool[k] for k in rng.permutation(len(pool))[: int(rng.integers(0, 7))]]
            expected = in_long_window(graph, x, y, given)
            assert is_adjustment_set(graph, x, y, given) == expected
            valid += expected
    assert valid > 20


def test_answers_are_those_of_a_longer_window():
    rng = np.random.default_rng(2)
    kinds = []
    for trial in range(70):
        graph = random_graph(rng, 3, int(rng.integers(1, 3)), 0.2, hidden=0.08 * (trial % 2))
        y = Lagged("B")
        lag = int(rng.integers(0, 3))
        x = (Lagged("A", lag),) if trial % 3 else (Lagged("A", lag + 1), Lagged("A", lag))
        try:
            answer = identify(graph, x, y)
        except NotIdentifiableError:
            kinds.append("no")
            with pytest.raises(NotIdentifiableError):
                identify(graph, x, y, max_adjustment_lag=8 + 2 * graph.max_lag)
            continue
        kinds.append(type(answer).__name__)
        if isinstance(answer, AdjustmentEstimand):
            assert in_long_window(graph, answer.query.treatment, y, answer.adjustment)
            if not trial % 2 and len(answer.query.treatment) == 1:
                best = optimal_adjustment_set(graph.unroll(LONG), x, y)
                assert set(answer.adjustment) == best == optimal_adjustment_set(graph, x, y)
        else:
            assert not set(x) & graph.unroll(LONG).ancestors(y)
    assert min(kinds.count(kind) for kind in set(kinds)) > 4
    assert len(set(kinds)) == 3


# --- effects by algebra ---------------------------------------------------------------------------


def test_adjusting_gives_the_effect_of_the_model():
    """Population regressions against path sums, with hidden series and several treatments."""
    rng = np.random.default_rng(3)
    counts = {"one": 0, "several": 0, "hidden": 0}
    for trial in range(45):
        p = 4
        weights = random_weights(rng, p, int(rng.integers(1, 3)))
        graph, cov = graph_of(weights, NAMES), covariance(weights, 14)
        hidden = trial % 3 == 2
        doses = sustained("A", int(rng.integers(0, 3)), 0) if trial % 3 == 1 else ("A[t-1]",)
        try:
            answer = identify(graph, doses, "B", observed=NAMES[:3] if hidden else None)
        except NotIdentifiableError:
            continue
        truth = total_effect(weights, [(0, as_lagged(x).lag) for x in doses], 1)
        if isinstance(answer, NoEffectEstimand):
            assert truth == pytest.approx(0, abs=1e-12)
            continue
        nodes = [as_lagged(x) for x in (*answer.query.treatment, *answer.adjustment)]
        found = regression(cov, p, (1, 0), [(graph.index(x), x.lag) for x in nodes])
        assert found[: len(answer.query.treatment)].sum() == pytest.approx(truth, abs=1e-6)
        assert not (hidden and any(x.name == "D" for x in nodes))
        counts["hidden" if hidden else "one" if len(doses) == 1 else "several"] += 1
    assert min(counts.values()) > 3


def test_a_mag_of_series_identifies_what_holds_with_the_hidden_series():
    rng = np.random.default_rng(4)
    identified = 0
    while identified < 12:
        weights = random_weights(rng, 4, 1, share=0.3)
        graph = graph_of(weights, NAMES)
        mag = dag_to_mag(graph.unroll(9), latent=[Lagged("D", k) for k in range(10)])
        edges = [e for e in mag.edges() if Lagged(as_lagged(e.right).name) in (e.left, e.right)]
        if any(abs(as_lagged(e.left).lag - as_lagged(e.right).lag) > 3 for e in edges):
            continue  # of an endless memory
        lagged = LaggedGraph(NAMES[:3], edges, kind=Kind.MAG)
        if lagged.unroll(4) != mag.subgraph([Lagged(v, k) for v in NAMES[:3] for k in range(5)]):
            continue
        for lag in (1, 2):
            try:
                answer = identify(lagged, Lagged("A", lag), "B")
            except NotIdentifiableError:
                continue
            if isinstance(answer, NoEffectEstimand):
                assert total_effect(weights, [(0, lag)], 1) == pytest.approx(0, abs=1e-12)
            else:
                assert in_long_window(graph, Lagged("A", lag), Lagged("B"), answer.adjustment)
                identified += 1


# --- classes --------------------------------------------------------------------------------------


def members_of(cpdag):
    """All DAGs of series in a class, by turning every undirected edge of the template."""
    loose = [e for e in cpdag.edges() if e.symbol == "--"]
    fixed = [e for e in cpdag.edges() if e.symbol != "--"]
    for turn in product((False, True), repeat=len(loose)):
        turned = [
            Edge(e.right, e.left, "->") if swap else Edge(e.left, e.right, "->")
            for e, swap in zip(loose, turn, strict=True)
        ]
        try:
            member = LaggedGraph(cpdag.variables, [*fixed, *turned], max_lag=cpdag.max_lag)
        except GraphError:
            continue
        if member.to_cpdag() == cpdag:
            yield member


def within(member, coarse):
    return all(
        member.edges_between(e.left, e.right) == (e,) for e in coarse.edges() if e.symbol == "->"
    )


def test_possible_effects_are_those_of_the_members_each_in_one_class():
    rng = np.random.default_rng(5)
    several = 0
    for _ in range(150):
        shares = np.array([0.5, 0.06])[:, None, None]
        linked = rng.random((2, 4, 4)) < shares
        linked[0] = np.triu(linked[0], 1)
        order = np.ix_(*[rng.permutation(4)] * 2)
        cpdag = graph_of(linked[:, *order], NAMES).to_cpdag()
        x, y = Lagged("A", int(rng.integers(0, 3))), Lagged("B")
        possible = identify(cpdag, x, y, strategy="possible")
        assert isinstance(possible, PossibleEffects)
        several += len(possible) > 1
        members, counts = list(members_of(cpdag)), [0] * len(possible)
        for member in members:
            where = [
                k
                for k, classes in enumerate(possible.classes)
                for finer in classes
                if within(member, finer)
            ]
            assert len(where) == 1
            counts[where[0]] += 1
            answer = possible.alternatives[where[0]]
            if isinstance(answer, NoEffectEstimand):
                assert x not in member.unroll(LONG).ancestors(y)
            else:
                assert in_long_window(member, x, y, answer.adjustment)
        assert tuple(counts) == possible.n_members()
    assert several > 8


def test_an_edge_is_turned_alike_at_all_steps():
    """With X[t] -- W[t] at two treated steps there are two graphs of series, not four."""
    graph = LaggedGraph.parse("X -- W; X[t-1] -> Y; X[t-2] -> Y; W[t-1] -> Y; W[t-2] -> Y")
    with pytest.raises(NotIdentifiableError, match="depends on how these undirected edges"):
        identify(graph, sustained("X", 2, 1), "Y")
    possible = identify(graph, sustained("X", 2, 1), "Y", strategy="possible")
    assert possible.n_members() == (1, 1)
    assert [set(answer.adjustment) for answer in possible] == [set(), {"W[t-2]", "W[t-1]"}]
    assert "X -> W" in repr(possible).replace("[t]", "")


def test_in_a_pag_only_visible_edges_carry_effects():
    hidden = LaggedGraph.parse("PAG: X[t-1] o-> Y[t]")
    with pytest.raises(NotIdentifiableError, match="hidden cause of both its ends") as caught:
        identify(hidden, "X[t-1]", "Y")
    assert caught.value.witness == (Edge(Lagged("X", 1), Lagged("Y"), "o->"),)
    possible = identify(hidden, "X[t-1]", "Y", strategy="possible")
    assert {type(answer) for answer in possible} == {OpenEstimand, NoEffectEstimand}
    shown = LaggedGraph.parse("PAG: Z[t-1] o-> X[t]; X[t-1] -> Y[t]")
    answer = identify(shown, "X[t-1]", "Y")
    assert answer.adjustment == ()
    assert "Hidden common causes are allowed" in repr(answer)
    assert isinstance(identify(shown, "Y[t-1]", "X"), NoEffectEstimand)
    with pytest.raises(GraphError, match="selection"):
        identify(LaggedGraph.parse("MAG: X[t] -- Y[t]"), "X", "Y")


# --- words and refusals ---------------------------------------------------------------------------

CHAIN = LaggedGraph.parse("X[t-1] -> X; Z[t-1] -> X; X[t-1] -> Y; Z[t-1] -> Y; Z[t-1] -> Z")


def test_estimands_speak_of_steps():
    answer = identify(CHAIN, "X[t-2]", "Y")
    assert str(answer.query) == "effect of X[t-2] on Y[t]"
    assert answer.adjustment == ("Z[t-2]", "Z[t-1]")
    assert all(isinstance(node, Lagged) for node in answer.adjustment)
    assert str(answer.expression).startswith(
        "E[Y[t] | do(X[t-2]=x[t-2])] = Σ_{z[t-2], z[t-1]} E[Y[t]"
    )
    assert answer.query.expression.to_latex().endswith(r"do}({X}_{t-2}={x}_{t-2})]")
    assert "same at every step" in repr(answer)
    assert pickle.loads(pickle.dumps(answer)) == answer


def test_a_question_is_the_same_some_steps_earlier():
    assert identify(CHAIN, "X[t-5]", "Y[t-3]") == identify(CHAIN, ("X[t-2]"), "Y[t]")
    by_node = identify(CHAIN, Lagged("X", 2), Lagged("Y"))
    assert by_node == identify(CHAIN, "X[t-2]", "Y")


def test_the_criterion_and_its_sets_read_graphs_of_series():
    assert is_adjustment_set(CHAIN, "X[t-1]", "Y", "Z[t-1]")
    assert not is_adjustment_set(CHAIN, "X[t-1]", "Y", "X[t-2]")
    assert optimal_adjustment_set(CHAIN, "X[t-1]", "Y") == {"Z[t-1]"}
    assert minimal_adjustment_set(CHAIN, "X[t-1]", "Y") == {"Z[t-1]"}
    found = {frozenset(s) for s in minimal_adjustment_sets(CHAIN, "X[t-1]", "Y")}
    assert found == {frozenset({"Z[t-1]"}), frozenset({"Z[t-2]"})}
    table = strategies(CHAIN, "X[t-1]", "Y")
    assert [v.strategy for v in table if v.applies] == ["adjustment", "possible"]
    assert "unroll" in next(v.reason for v in table if v.strategy == "general")


def test_treatments_without_an_effect_of_their_own_are_left_out():
    answer = identify(CHAIN, sustained("X", 3), "Y")
    assert answer.query.treatment == ("X[t-1]",)
    assert sustained("X", 2) == ("X[t-2]", "X[t-1]", "X[t]")


def test_hidden_series_and_short_reach_are_obeyed():
    with pytest.raises(NotIdentifiableError, match="max_adjustment_lag"):
        identify(CHAIN, "X[t-1]", "Y", observed=["X", "Y"])
    with pytest.raises(NotIdentifiableError):
        identify(CHAIN, "X[t-1]", "Y", max_adjustment_lag=0)
    assert identify(CHAIN, "X[t-1]", "Y", observed=["X", "Y", "Z[t-1]"]).adjustment == ("Z[t-1]",)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "says"),
    [
        (("X", "Y[t-1]"), {}, InputError, "comes after the outcome"),
        (("X[t-1]", "W"), {}, UnknownVariableError, "'W'"),
        (("Q[t-2]", "Y"), {}, UnknownVariableError, "'Q'"),
        (("X[t-1]", "X[t-1]"), {}, InputError, "both treatment and outcome"),
        (([], "Y"), {}, InputError, "treatment is empty"),
        (("X[t-1]", ()), {}, InputError, "outcome is empty"),
        (("X[t-1]", "Y[t-1]", "Z"), {}, InputError, "given Z\\[t\\] comes after"),
        (("X[t-2]", "Y", "X[t-1]"), {}, InputError, "treatment may change"),
        (("X[t-1]", "Y"), {"observed": ["X", "Z"]}, InputError, "not among the observed"),
        (("X[t-1]", "Y"), {"max_adjustment_lag": -1}, InputError, "max_adjustment_lag"),
        (("X[t-9999]", "Y"), {}, InputError, "window"),
    ],
)
def test_bad_questions_are_refused(arguments, options, error, says):
    treatment, outcome, *given = arguments
    with pytest.raises(error, match=says):
        identify(CHAIN, treatment, outcome, given=given[0] if given else (), **options)


def test_a_plain_graph_has_no_lags():
    with pytest.raises(InputError, match="LaggedGraph"):
        identify(CausalGraph.parse("X -> Y"), "X", "Y", max_adjustment_lag=2)
    with pytest.raises(InputError, match="begins first"):
        sustained("X", 1, 3)


def test_integer_names_are_names():
    graph = LaggedGraph([0, 1], [((0, 1), 1), ((0, 1), 0)])
    assert identify(graph, "0[t-2]", 1).adjustment == ()


def test_a_text_with_steps_is_a_graph_of_series():
    text = "X[t-1] -> Y[t]; X[t-1] -> X[t]"
    found = identify(text, "X[t-1]", "Y")
    assert found.graph == LaggedGraph.parse(text)
    assert found.expression == identify(LaggedGraph.parse(text), "X[t-1]", "Y").expression
    plain = identify(CausalGraph.parse(text), "X[t-1]", "Y[t]")
    assert isinstance(plain.graph, CausalGraph)
