"""Counterfactuals against their definition: response functions, one kind of unit at a time."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from causalkit.errors import GraphError, InputError, NotIdentifiableError, UnknownVariableError
from causalkit.graph import CausalGraph
from causalkit.identification.counterfactual._event import read_event
from causalkit.identification.counterfactual.counterfactual import (
    Counterfactual,
    CounterfactualProbability,
    identify_counterfactual,
)
from causalkit.identification.formulas.expression import Probability, Product, Ratio, Sum, Value
from causalkit.identification.general.functional import Hedge
from causalkit.identification.general.general import general_formula
from tests.identification import oracle
from tests.identification.units import Units, any_units, count_kinds, level, name, number

CLOSE = 1e-9
MOST_KINDS = 3000
X1, Y1 = Value("X"), Value("Y")


# --- the definition -----------------------------------------------------------------------------


def setting(do):
    """What a world sets, for `Units`."""
    return {
        name(item.outcome if isinstance(item, Counterfactual) else item): (
            setting(item.do) if isinstance(item, Counterfactual) else level(item)
        )
        for item in do
    }


def plain_event(event):
    return [(name(atom.outcome), setting(atom.do), level(atom.outcome)) for atom in event]


def values_of(nodes):
    return {s: level(s) for v in nodes for s in (v, Value(v), Value(v, 2))}


def more_levels(event):
    """Variables for which a third level could matter: with two, x' is all that is not x."""
    names = [name(s) for s in set().union(*(atom.symbols for atom in event))]
    settings = {name(s) for atom in event for s in atom.settings}
    return sorted(v for v in set(names) if names.count(v) > 1 or v in settings)


def follows(plain, event, given, rng, experiments):
    """The verdict without graphs; None if some of the models are too large."""
    skipped = False
    for wide in oracle.subsets(more_levels((*event, *given))):
        levels = dict.fromkeys(wide, 3)
        if count_kinds(plain, levels) > MOST_KINDS:
            skipped = True
            continue
        units = Units(plain, rng, levels)
        below = units.holds(plain_event(given))
        row = below & units.holds(plain_event(event))
        if not units.follows(row, below, experiments=experiments):
            return False
    return None if skipped else True


def check(plain, event, given, rng, *, experiments):
    """One query: the number is right, or two models with the same data differ in it."""
    asked = (plain, [*map(str, event)], [*map(str, given)], experiments)
    refused, found = None, None
    try:
        found = identify_counterfactual(plain.graph(), event, given, experiments=experiments)
    except (NotIdentifiableError, InputError) as error:
        refused = error
    if isinstance(refused, NotIdentifiableError):
        assert refused.witness, asked
        verdict = follows(plain, event, given, rng, experiments)
        assert not verdict, asked
        return "unchecked" if verdict is None else "not identified"
    units = any_units(plain, rng, MOST_KINDS)
    if isinstance(refused, InputError):
        assert "impossible" in str(refused), asked
        assert not units.holds(plain_event(given)).any(), asked
        return "impossible"
    truth = units.probability(plain_event(event), plain_event(given))
    value = number(found.formula, units.data(found.formula), values_of(plain.nodes))
    assert abs(value - truth) < CLOSE, (asked, str(found.formula))
    return "identified"


def famous_queries(graphs):
    """Effects on the treated, joint worlds, nested worlds: the verdicts in all these graphs."""
    rng = np.random.default_rng(0)
    v0, v1, v2 = "V0", "V1", "V2"
    other = Value(v0)
    queries = [
        ((Counterfactual(v2, (v0,)),), (Counterfactual(other),)),
        ((Counterfactual(v2, (v0,)), Counterfactual(v1, (other,))), ()),
        ((Counterfactual(v2, (v0, Counterfactual(v1, (other,)))),), ()),
        ((Counterfactual(v2, (v1,)),), (Counterfactual(v2), Counterfactual(Value(v1)))),
    ]
    seen = []
    for plain in graphs:
        for event, given in queries:
            seen += [check(plain, event, given, rng, experiments=e) for e in (False, True)]
    return seen


def test_a_sample_of_graphs_of_three_nodes():
    seen = famous_queries(oracle.all_admgs(3)[::4])
    assert seen.count("identified") > 40
    assert seen.count("not identified") > 40
    assert "unchecked" not in seen


@pytest.mark.slow
def test_all_graphs_of_three_nodes():
    assert "unchecked" not in famous_queries(oracle.all_admgs(3))


def random_symbol(rng, node):
    return node if rng.random() < 0.6 else Value(node)


def random_event(rng, nodes, size, worlds):
    """Parts in a few worlds, some of them nested."""
    event = []
    for _ in range(size):
        node = nodes[rng.integers(len(nodes))]
        do = tuple(s for s in worlds[rng.integers(len(worlds))] if name(s) != node)
        between = nodes[rng.integers(len(nodes))]
        inner = tuple(s for s in worlds[rng.integers(len(worlds))] if name(s) != between)
        if inner and between != node and rng.random() < 0.2:
            nested = Counterfactual(between, inner)
            do = (*(s for s in do if name(s) != between), nested)
        event.append(Counterfactual(random_symbol(rng, node), do))
    return tuple(event)


def random_checks(size, seed, trials):
    rng = np.random.default_rng(seed)
    seen = []
    while len(seen) < trials:
        plain = oracle.random_admg(rng, size, arcs=0.5, bows=0.3)
        if count_kinds(plain, {}) > 1200:
            continue
        worlds = [(), *(tuple(random_symbol(rng, v) for v in w) for w in picks(rng, plain, 2))]
        event = random_event(rng, plain.nodes, int(rng.integers(1, 4)), worlds)
        given = random_event(rng, plain.nodes, int(rng.integers(0, 3)), worlds)
        seen.append(check(plain, event, given, rng, experiments=bool(rng.integers(2))))
    return seen


def picks(rng, plain, count):
    return [[v for v in plain.nodes if rng.random() < 0.45] for _ in range(count)]


@pytest.mark.parametrize(("size", "trials"), [(2, 60), (3, 150), (4, 30)])
def test_random_queries(size, trials):
    seen = random_checks(size, size, trials)
    assert seen.count("identified") > trials // 3
    assert "not identified" in seen


@pytest.mark.slow
@pytest.mark.parametrize(("size", "trials"), [(3, 1000), (4, 300), (5, 25)])
def test_many_random_queries(size, trials):
    seen = random_checks(size, 10 + size, trials)
    assert seen.count("unchecked") < trials // 10


def test_hidden_variables_are_projected_out():
    rng = np.random.default_rng(5)
    agreed = 0
    for _ in range(60):
        plain = oracle.random_admg(rng, 5, bows=0.1)
        seen = sorted(str(v) for v in rng.permutation(list(plain.nodes))[:3])
        event = (Counterfactual(seen[2], (seen[0],)),)
        given = (Counterfactual(Value(seen[0])),)
        answers = []
        for graph, names in (
            (plain.graph(), seen),
            (oracle.projected(plain, seen).graph(), None),
        ):
            try:
                answer = identify_counterfactual(graph, event, given, observed=names)
                answers.append(str(answer.formula))
            except NotIdentifiableError as error:
                answers.append(error.witness)
        assert answers[0] == answers[1], (plain, seen)
        agreed += isinstance(answers[0], str)
    assert agreed > 20


def test_one_world_is_general_identification():
    rng = np.random.default_rng(6)
    for _ in range(80):
        plain = oracle.random_admg(rng, 5)
        x, y, _ = oracle.random_query(rng, plain.nodes)
        event = (Counterfactual(y[0], x),)
        try:
            equation = general_formula(plain.graph(), x, y).formula
        except NotIdentifiableError:
            with pytest.raises(NotIdentifiableError) as caught:
                identify_counterfactual(plain.graph(), event)
            assert isinstance(caught.value.witness[0], Hedge)
            continue
        formula = identify_counterfactual(plain.graph(), event).formula
        model = oracle.Model.draw(rng, plain, by_clique=True, weight=0.7)
        wanted = (*x, *y, *(s for s in equation.symbols | formula.symbols if s not in x + y))
        one, two = (
            oracle.spread(*oracle.value(f, plain.nodes, model.joint()), wanted, model.levels)
            for f in (equation, formula)
        )
        assert np.allclose(one, two, atol=CLOSE), (plain, x, y)


# --- what has been published --------------------------------------------------------------------


def agree(graph, event, given, published, *, experiments=False):
    """Our formula and the published one, on random models with this graph."""
    plain = oracle.Plain.read(CausalGraph.parse(graph))
    rng = np.random.default_rng(7)
    found = identify_counterfactual(graph, event, given, experiments=experiments)
    for _ in range(3):
        units = Units(plain, rng)
        values = values_of(plain.nodes)
        one, two = (number(f, units.data(f), values) for f in (found.expression, published))
        assert abs(one - two) < CLOSE
        atoms = [plain_event(read_event(CausalGraph.parse(graph), e)) for e in (event, given)]
        assert abs(one - units.probability(*atoms)) < CLOSE


def test_treated_by_the_back_door():
    """Shpitser & Pearl (2009), Effects of treatment on the treated, UAI."""
    published = Sum(("Z",), Product((Probability(("Y",), ("X", "Z")), Probability(("Z",), (X1,)))))
    agree("Z -> X -> Y; Z -> Y", "Y[X=x]", "X=x'", published)


def test_treated_by_the_front_door():
    published = Sum(("M",), Product((Probability(("Y",), (X1, "M")), Probability(("M",), ("X",)))))
    agree("X -> M -> Y; X <-> Y", "Y[X=x]", "X=x'", published)


SIDE = "X -> W -> Y; D -> Z -> Y; X <-> Y"


@pytest.mark.parametrize("experiments", [False, True])
def test_three_worlds(experiments):
    """Shpitser & Pearl (2008), JMLR 9, fig. 9a: P(y_x | x', z_d, d)."""
    inner = Product((Probability(("Y", X1), (), ("W", "Z")), Probability(("W",), (), ("X",))))
    published = Ratio(Sum(("W",), inner), Probability((X1,)))
    agree(SIDE, "Y[X=x]", "X=x', Z[D=d]=z, D=d", published, experiments=experiments)


@pytest.mark.parametrize(
    ("graph", "event", "given"),
    [
        ("X -> Y", "Y[X=x']=y'", "X=x, Y=y"),  # necessity; Pearl (2009), §9
        ("X -> Y", "Y[X=x]=y, Y[X=x']=y'", ""),  # necessity and sufficiency
        ("X -> Y; X <-> Y", "Y[X=x]", "X=x'"),
        (f"{SIDE}; X -> Y", "Y[X=x]", "X=x', Z[D=d]=z, D=d"),  # Tikka (2022), R Journal 14
        ("W -> R -> X -> Y; W <-> X; W <-> Y", "Y[X=x]", "X=x'"),  # the napkin has no ETT
        ("X -> M -> Y; X -> Y; M <-> Y", "Y[X=x, M[X=x']]", ""),
        ("X -> Z -> M -> Y; X -> Y; Z -> Y", "Y[X=x, M[X=x']]", ""),
    ],
)
def test_beyond_all_experiments(graph, event, given):
    plain = oracle.Plain.read(CausalGraph.parse(graph))
    rng = np.random.default_rng(8)
    atoms = [tuple(read_event(CausalGraph.parse(graph), e)) for e in (event, given)]
    for experiments in (False, True):
        with pytest.raises(NotIdentifiableError) as caught:
            identify_counterfactual(graph, event, given, experiments=experiments)
        assert all(isinstance(w, Counterfactual) for w in caught.value.witness)
        assert "not even from all experiments" in str(caught.value)
        assert not follows(plain, *atoms, rng, experiments)


def test_with_two_levels_experiments_may_say_more_by_subtraction():
    """X' is then all that is not x, which no formula for any number of levels can use."""
    plain = oracle.Plain.read(CausalGraph.parse("X -> Y; X <-> Y"))
    units = Units(plain, np.random.default_rng(5))
    truth = units.probability([("Y", {"X": 0}, 0), ("X", {}, 1)])
    trial, seen = units.table(("X",)).joint(["X", "Y"]), units.table().joint(["X", "Y"])
    assert truth == pytest.approx(trial[0, 0] / trial[0].sum() - seen[0, 0])
    with pytest.raises(NotIdentifiableError, match="all that is not x"):
        identify_counterfactual(plain.graph(), "Y[X=x], X=x'", experiments=True)


def test_experiments_help_where_observation_does_not():
    bow = "X -> Y; X <-> Y"
    with pytest.raises(NotIdentifiableError, match="experiments=True") as caught:
        identify_counterfactual(bow, "Y[X=x]")
    assert caught.value.witness == (Hedge(("X", "Y"), ("Y",)),)
    answer = identify_counterfactual(bow, "Y[X=x]", experiments=True)
    assert answer.formula == Probability(("Y",), (), ("X",))
    assert any(sentence.startswith("Experiments") for sentence in answer.assumptions)


# --- events that need no data, and the way they are written -------------------------------------


def test_consistency_and_what_cannot_be():
    bow = "X -> Y; X <-> Y"
    seen = identify_counterfactual(bow, "Y[X=x], X=x").formula
    assert seen == Probability(("Y", "X"))
    for event in ("Y[X=x]=y, Y[X=x]=y'", "X[X=x]=x'", "Y=y, Y=y'", "Y[X=x]=y, X=x, Y=y'"):
        assert str(identify_counterfactual(bow, event).formula) == "0", event
    assert identify_counterfactual(bow, "Y[X=x]", "Y[X=x], X=x'").formula == Product(())
    assert "differ" in identify_counterfactual(bow, "Y=y, Y=y'").assumptions[-1]


@pytest.mark.parametrize(
    ("text", "event"),
    [
        ("Y", Counterfactual("Y")),
        ("Y=y'", Counterfactual(Y1)),
        (" Y[X=x'] = y ", Counterfactual("Y", (X1,))),
        ("Y[X, M[X=x'']]=y'", Counterfactual(Y1, ("X", Counterfactual("M", (Value("X", 2),))))),
    ],
)
def test_events_are_read_as_they_print(text, event):
    graph = CausalGraph.parse("X -> M -> Y")
    assert list(read_event(graph, text)) == [event]
    assert list(read_event(graph, str(event))) == [event]
    assert list(read_event(graph, event)) == [event]


def test_names_that_are_no_letters():
    graph = CausalGraph.from_edges([1, "wage", "Two words"], [(1, "wage"), ("wage", "Two words")])
    assert list(read_event(graph, "wage[1]")) == [Counterfactual("wage", (1,))]
    assert list(read_event(graph, "wage=wage', 1")) == [
        Counterfactual(Value("wage")),
        Counterfactual(1),
    ]
    answer = identify_counterfactual(graph, [Counterfactual("Two words", ("wage",))])
    assert answer.formula == Probability(("Two words",), ("wage",))


def test_latex():
    asked = CounterfactualProbability(
        (Counterfactual("Y", ("X", Counterfactual("M", (X1,)))),), (Counterfactual(X1),)
    )
    assert asked.to_latex() == r"\mathrm{P}({Y}_{X=x, {M}_{X=x'}}=y \mid X=x')"


@pytest.mark.parametrize(
    ("event", "error"),
    [
        ("", InputError),
        (",", InputError),
        ("Y[X=x", InputError),
        ("Y[X=2]", InputError),
        ("Y=z", InputError),
        ("Q", UnknownVariableError),
        ("Y[Q]", UnknownVariableError),
        (Counterfactual("Y", ("Q",)), UnknownVariableError),
        ("Y[X=x, X=x']", InputError),
        ("Y[M[M=m]]", InputError),
        (Counterfactual("Y", (Counterfactual(Value("M"), ("X",)),)), InputError),
        (5, UnknownVariableError),
        (2.5, InputError),
        ([None], InputError),
        (None, InputError),
    ],
)
def test_what_cannot_be_read(event, error):
    with pytest.raises(error):
        identify_counterfactual("X -> M -> Y", event)


def test_other_refusals():
    with pytest.raises(InputError, match="impossible"):
        identify_counterfactual("X -> Y", "Y", given="X=x, X=x'")
    with pytest.raises(InputError, match="not among the observed"):
        identify_counterfactual("X -> M -> Y", "Y[M=m]", observed=["X", "Y"])
    with pytest.raises(GraphError, match="CPDAG"):
        identify_counterfactual("X -- Y", "Y[X=x]")


def test_one_name_needs_no_tuple_and_nothing_may_be_given():
    assert Counterfactual("Y", "dose") == Counterfactual("Y", ("dose",))
    answer = identify_counterfactual("dose -> Y", Counterfactual("Y", "dose"), given=None)
    assert str(answer.formula) == "P(Y=y | dose)"


def test_the_report_says_all():
    text = str(identify_counterfactual("X -> M -> Y; X <-> Y", "Y[X=x]", given="X=x'"))
    assert text.startswith("Probability of Y[X=x]=y given X=x'")
    assert "same hidden causes" in text


def test_a_long_chain_is_no_problem():
    names = [f"V{k}" for k in range(150)]
    graph = CausalGraph.from_edges(names, list(pairwise(names)))
    answer = identify_counterfactual(graph, "V149[V60=v60], V60=v60', V0=v0'")
    assert answer.formula.symbols == {"V149", "V60", Value("V60"), Value("V0")}
