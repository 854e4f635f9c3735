"""Parts of effects against their definition, read off response functions."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from causalkit.errors import GraphError, InputError, NotIdentifiableError, UnknownVariableError
from causalkit.graph import CausalGraph
from causalkit.identification.counterfactual.covariates import mediation_covariates
from causalkit.identification.counterfactual.mediation import (
    EFFECTS,
    identify_mediation,
    identify_path_effect,
)
from causalkit.identification.formulas.evaluation import ProbabilityTable
from causalkit.identification.formulas.expression import (
    Difference,
    Expectation,
    Probability,
    Product,
    Sum,
    Value,
)
from causalkit.identification.general.functional import Hedge
from tests.identification import oracle
from tests.identification.units import Units, any_units, count_kinds, level, number

CLOSE = 1e-9
MOST_KINDS = 3000
TRIANGLE = "X -> M -> Y; X -> Y"
CONFOUNDED = f"{TRIANGLE}; C -> X; C -> M; C -> Y"


# --- the definitions: the treatment at x is level 0, at x' level 1 ------------------------------


def parts(units, effect, x, y, mediators):
    """The outcome of each kind of unit in the two worlds of an effect."""

    def nested(own, theirs):
        return units.potential(y, {x: own} | {m: {x: theirs} for m in mediators})

    def fixed(own):
        return units.potential(y, {x: own} | dict.fromkeys(mediators, 0))

    on, off = (units.potential(y, {x: value}) for value in (0, 1))
    return {
        "total": (on, off),
        "natural direct": (nested(0, 1), off),
        "natural indirect": (nested(1, 0), off),
        "total direct": (on, nested(1, 0)),
        "total indirect": (on, nested(0, 1)),
        "controlled direct": (fixed(0), fixed(1)),
    }[effect]


def along(units, x, y, active):
    """The outcome if x is passed on along `active` paths, and x' along all others."""

    def seen(node, onward):
        path = (node, *onward)
        if node == x:
            return np.full(units.count, 0 if path in active else 1)
        inputs = (seen(parent, path) for parent in units.plain.parents(node))
        return units.functions[node][(units.kind[node], *inputs)]

    return seen(y, ()), units.potential(y, {x: 1})


def causal_paths(plain, x, y):
    found, open_ends = [], [(x,)]
    while open_ends:
        path = open_ends.pop()
        found += [path] if path[-1] == y else []
        open_ends += [(*path, b) for a, b in plain.arcs if a == path[-1] != y]
    return sorted(found)


def values_of(nodes):
    return {s: level(s) for v in nodes for s in (v, Value(v))}


def follows(plain, worlds, x, given, rng, experiments):
    """The verdict without graphs; None if some of the models are too large."""
    skipped = False
    for levels in ({}, {x: 3}):  # with two levels, x' is all that is not x
        if count_kinds(plain, levels) > MOST_KINDS:
            skipped = True
            continue
        units = Units(plain, rng, levels)
        stratum = units.holds([(v, {}, 0) for v in given])
        left, right = worlds(units)
        row = (left.astype(float) - right) * stratum
        if not units.follows(row, stratum, experiments=experiments):
            return False
    return None if skipped else True


def check(plain, ask, worlds, x, y, given, rng, *, experiments):
    """One query: the number is right, or two models with the same data differ in it."""
    refused, found = None, None
    try:
        found = ask(plain.graph(), given=given, experiments=experiments)
    except NotIdentifiableError as error:
        refused = error
    if refused is not None:
        assert refused.witness
        verdict = follows(plain, worlds, x, given, rng, experiments)
        assert not verdict, (plain, x, y, given, experiments, str(refused))
        return "unchecked" if verdict is None else "not identified"
    units = any_units(plain, rng, MOST_KINDS)
    stratum = units.holds([(v, {}, 0) for v in given]) * units.weights
    left, right = worlds(units)
    formula = found.expression.right
    if found.formulas is None:
        assert (left == right).all()
    if y in formula.symbols:  # no mean: the probability of the first level
        left, right = left == 0, right == 0
    truth = (left.astype(float) - right) @ stratum / stratum.sum()
    value = number(formula, units.data(formula), values_of(plain.nodes))
    assert abs(value - truth) < CLOSE, (plain, str(found.expression), experiments)
    return "zero" if found.formulas is None else "identified"


def all_effects(graphs):
    """Every effect of the first node on the last, through those between, in all graphs."""
    rng = np.random.default_rng(0)
    seen = []
    for plain in graphs:
        x, *_, y = plain.nodes
        paths = causal_paths(plain, x, y)
        mediators = sorted({v for path in paths for v in path[1:-1]})
        for effect in EFFECTS if mediators else ():

            def ask(graph, effect=effect, x=x, y=y, mediators=mediators, **options):
                return identify_mediation(graph, x, y, mediators, effect=effect, **options)

            def worlds(units, effect=effect, x=x, y=y, mediators=mediators):
                return parts(units, effect, x, y, mediators)

            for experiments in (False, True):
                seen.append(check(plain, ask, worlds, x, y, (), rng, experiments=experiments))
    return seen


def test_all_effects_in_all_graphs_of_three_nodes():
    seen = all_effects(oracle.all_admgs(3))
    assert seen.count("identified") > 60
    assert seen.count("not identified") > 60
    assert "unchecked" not in seen


def random_mediation(rng, plain, x, y, paths):
    """A query about mediators: how to ask it, and what it means."""
    between = sorted({v for path in paths for v in path[1:-1]})
    mediators = [v for v in between if rng.random() < 0.7] or between[:1]
    effect = EFFECTS[rng.integers(len(EFFECTS))]
    return (
        lambda graph, **options: identify_mediation(
            graph, x, y, mediators, effect=effect, **options
        ),
        lambda units: parts(units, effect, x, y, mediators),
        mediators,
    )


def random_paths(rng, plain, x, y, paths):
    active = [path for path in paths if rng.random() < 0.6] or paths[:1]
    return (
        lambda graph, **options: identify_path_effect(graph, x, y, active, **options),
        lambda units: along(units, x, y, set(active)),
        (),
    )


def random_edges(rng, plain, x, y, paths):
    kept = sorted({*pairwise(paths[0]), *(arc for arc in plain.arcs if rng.random() < 0.6)})
    active = {path for path in paths if all(step in kept for step in pairwise(path))}
    return (
        lambda graph, **options: identify_path_effect(graph, x, y, edges=kept, **options),
        lambda units: along(units, x, y, active),
        (),
    )


def random_checks(size, seed, trials):
    rng = np.random.default_rng(seed)
    seen = []
    while len(seen) < trials:
        plain = oracle.random_admg(rng, size, arcs=0.65, bows=0.25)
        x, y = plain.nodes[rng.integers(size - 1)], plain.nodes[-1]
        paths = causal_paths(plain, x, y)
        if count_kinds(plain, {}) > MOST_KINDS or not paths:
            continue
        make = (random_mediation, random_paths, random_edges)[rng.integers(3)]
        if make is random_mediation and not any(len(path) > 2 for path in paths):
            continue
        ask, worlds, roles = make(rng, plain, x, y, paths)
        free = [v for v in plain.nodes if v not in (x, y, *roles)]
        given = (free[rng.integers(len(free))],) if free and rng.random() < 0.3 else ()
        options = {"experiments": bool(rng.integers(2))}
        seen.append(check(plain, ask, worlds, x, y, given, rng, **options))
    return seen


@pytest.mark.parametrize(("size", "trials"), [(3, 150), (4, 40)])
def test_random_effects(size, trials):
    seen = random_checks(size, size, trials)
    assert seen.count("identified") > trials // 3
    assert "not identified" in seen


@pytest.mark.slow
@pytest.mark.parametrize(("size", "trials"), [(3, 1000), (4, 300), (5, 80)])
def test_many_random_effects(size, trials):
    seen = random_checks(size, 10 + size, trials)
    assert seen.count("unchecked") < trials // 5


# --- what has been published --------------------------------------------------------------------


def enzyme():
    """Pearl (2012), The causal mediation formula, Prevention Science 13."""
    cure = {(1, 1): 0.80, (1, 0): 0.40, (0, 1): 0.30, (0, 0): 0.20}
    enzyme_given = {0: 0.40, 1: 0.75}
    table = np.zeros((2, 2, 2))
    for x, m in cure:
        share = enzyme_given[x] if m else 1 - enzyme_given[x]
        table[x, m] = 0.5 * share * np.array([1 - cure[x, m], cure[x, m]])
    return ProbabilityTable(table, ("X", "M", "Y"))


@pytest.mark.parametrize(
    ("effect", "published"),
    [("natural direct", 0.32), ("natural indirect", 0.035), ("total", 0.46)],
)
def test_the_enzyme_of_the_mediation_formula(effect, published):
    formula = identify_mediation(TRIANGLE, "X", "Y", "M", effect=effect).expression
    found = formula.evaluate(enzyme()).at({"X": 1, Value("X"): 0})
    assert found == pytest.approx(published, abs=1e-12)


def test_effects_add_up():
    rng = np.random.default_rng(1)
    units = Units(oracle.Plain.read(CausalGraph.parse(CONFOUNDED)), rng)
    values = values_of(units.plain.nodes)
    found = {}
    for effect in EFFECTS:
        formula = identify_mediation(CONFOUNDED, "X", "Y", "M", effect=effect).expression.right
        found[effect] = number(formula, units.data(), values)
    total = found["total"]
    assert found["natural direct"] + found["total indirect"] == pytest.approx(total)
    assert found["natural indirect"] + found["total direct"] == pytest.approx(total)


def refusal(ask):
    with pytest.raises(NotIdentifiableError) as caught:
        ask()
    return caught.value


@pytest.mark.parametrize(
    ("graph", "observed"), [(f"{TRIANGLE}; M <-> Y", None), (f"{TRIANGLE}; U -> M; U -> Y", "XMY")]
)
@pytest.mark.parametrize("effect", ["natural direct", "natural indirect"])
def test_a_hidden_cause_of_mediator_and_outcome(graph, observed, effect):
    """Pearl (2001): no natural effect follows if mediator and outcome are confounded."""
    names = None if observed is None else list(observed)
    error = refusal(lambda: identify_mediation(graph, "X", "Y", "M", effect=effect, observed=names))
    assert "M <-> Y" in str(error)
    assert "recanting district" in str(error)
    assert [atom.outcome for atom in error.witness] == ["M", "Y"]


def test_a_controlled_effect_needs_an_experiment_there():
    graph = f"{TRIANGLE}; M <-> Y"
    ask = {"effect": "controlled direct"}
    error = refusal(lambda: identify_mediation(graph, "X", "Y", "M", **ask))
    assert error.witness == (Hedge(("M", "Y"), ("Y",)),)
    answer = identify_mediation(graph, "X", "Y", "M", **ask, experiments=True)
    assert "do(X=x, M=m)" in str(answer.expression.right)


def test_recanting_witness():
    """Avin, Shpitser & Pearl (2005): Z is reached before the paths part."""
    graph = "X -> Z -> M -> Y; X -> Y; Z -> Y"
    error = refusal(lambda: identify_mediation(graph, "X", "Y", "M"))
    assert "Z is a recanting witness" in str(error)
    assert {atom.outcome for atom in error.witness} == {"Z", Value("Z")}
    assert identify_mediation(graph, "X", "Y", ["Z", "M"]).formulas is not None
    error = refusal(lambda: identify_path_effect(graph, "X", "Y", "X -> Z -> Y"))
    assert "Z is a recanting witness" in str(error)
    both = identify_path_effect(graph, "X", "Y", ["X -> Z -> Y", "X -> Z -> M -> Y"])
    assert both.formulas is not None


def test_recanting_district():
    """Shpitser (2013): no witness, and yet hidden causes betray one path to the other."""
    graph = "X -> A -> Y; X -> B -> Y; A <-> B"
    for path in ("X -> A -> Y", "X -> B -> Y"):
        error = refusal(lambda path=path: identify_path_effect(graph, "X", "Y", path))
        assert "A and B hold a recanting district" in str(error)
        assert "A <-> B" in str(error)
    assert identify_mediation(graph, "X", "Y", ["A", "B"], effect="total").formulas is not None


def test_no_effect_by_the_graph_alone():
    graph = "X -> M -> Y; M <-> Y"
    answer = identify_mediation(graph, "X", "Y", "M", effect="natural direct")
    assert str(answer.expression) == "E[Y[X=x, M[X=x']]] - E[Y | do(X=x')] = 0"
    assert len(answer.assumptions) == 1


def test_paths_skip_hidden_variables():
    graph = "X -> H -> Y; X -> M -> Y"
    answer = identify_path_effect(graph, "X", "Y", "X -> Y", observed=["X", "M", "Y"])
    shorter = identify_path_effect(TRIANGLE, "X", "Y", "X -> Y")
    assert str(answer.expression) == str(shorter.expression)


def test_experiments_are_offered_only_where_they_help():
    graph = f"{TRIANGLE}; X <-> Y; M <-> Y"
    error = refusal(lambda: identify_mediation(graph, "X", "Y", "M", effect="total direct"))
    assert "not even from all experiments" in str(error)
    error = refusal(lambda: identify_mediation(graph, "X", "Y", "M", effect="total"))
    assert "experiments=True" in str(error)


def test_several_treatments():
    rng = np.random.default_rng(2)
    graph = "A -> M -> Y; B -> M; A -> Y; B -> Y"
    answer = identify_mediation(graph, ["A", "B"], "Y", "M")
    units = Units(oracle.Plain.read(CausalGraph.parse(graph)), rng)
    off = {"A": 1, "B": 1}
    direct = units.potential("Y", {"A": 0, "B": 0, "M": off}) - units.potential("Y", off)
    formula = answer.expression.right
    found = number(formula, units.data(formula), values_of(units.plain.nodes))
    assert found == pytest.approx(direct @ units.weights)
    path = identify_path_effect(graph, ["A", "B"], "Y", ["A -> Y", "B -> Y"])
    other = number(path.expression.right, units.data(), values_of(units.plain.nodes))
    assert other == pytest.approx(found)


# --- how it reads, and what it refuses ----------------------------------------------------------


def test_reports():
    text = str(identify_mediation(CONFOUNDED, "X", "Y", "M", given="C"))
    assert text.startswith("Natural direct effect of X on Y, not through M given C")
    answer = identify_path_effect(TRIANGLE, "X", "Y", [("X", "M", "Y")])
    assert str(answer.query) == "effect of X on Y along X -> M -> Y"
    assert isinstance(answer.expression.left, Difference)
    assert r"X \to M \to Y" in answer.expression.to_latex()
    assert "same hidden causes in both worlds" in answer.assumptions[-1]
    given = identify_path_effect(CONFOUNDED, "X", "Y", "X -> Y", given="C").expression.left
    assert str(given) == "E[Y[X=x along X -> Y, else X=x'] | C=c] - E[Y[X=x'] | C=c]"


def test_a_contrast_of_probabilities_where_no_mean_can_be_written():
    twice = Product((Probability(("Y",), ("X",)), Probability(("B",), ("Y",))))
    mediated = identify_mediation(TRIANGLE, "X", "Y", "M")
    equation = replace(mediated, formulas=(twice, twice)).expression
    assert str(equation.left) == "P(Y[X=x, M[X=x']]=y) - P(Y[X=x']=y)"
    assert equation.right == Difference(twice, twice)
    path = identify_path_effect(TRIANGLE, "X", "Y", "X -> Y")
    equation = replace(path, formulas=(twice, twice)).expression
    assert str(equation.left) == "P(Y[X=x along X -> Y, else X=x']=y) - P(Y[X=x']=y)"
    assert r"\mathrm{P}({Y}_{X=x \text{ along } X \to Y, " in equation.to_latex()


def test_names_on_paths_are_written_as_elsewhere_in_latex():
    path = identify_path_effect("X1 -> a_b -> Y; X1 -> Y", "X1", "Y", "X1 -> a_b -> Y")
    along = r"X_{1}=x_{1} \text{ along } X_{1} \to \mathrm{a\_b} \to Y, \text{ else }"
    assert along in path.expression.to_latex()


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"effect": "direct"}, InputError, "natural direct"),
        ({"mediators": []}, InputError, "mediators is empty"),
        ({"mediators": "C"}, InputError, "on no causal path"),
        ({"mediators": "Q"}, UnknownVariableError, "'Q'"),
        ({"mediators": "X"}, InputError, "both treatment and mediators"),
        ({"outcome": ["Y", "C"]}, InputError, "2 outcomes"),
        ({"observed": ["X", "Y", "C"]}, InputError, "'M' is not among the observed"),
        ({"observed": ["X", "M", "C"]}, InputError, "'Y' is not among the observed"),
    ],
)
def test_refused_mediation(options, error, words):
    asked = {"treatment": "X", "outcome": "Y", "mediators": "M"} | options
    with pytest.raises(error, match=words):
        identify_mediation(CONFOUNDED, **asked)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({}, InputError, "either paths"),
        ({"paths": "X -> Y", "edges": [("X", "Y")]}, InputError, "either paths"),
        ({"paths": []}, InputError, "paths is empty"),
        ({"paths": "X"}, InputError, "is no path"),
        ({"paths": "X -> M"}, InputError, "does not lead"),
        ({"paths": "C -> X -> Y"}, InputError, "does not lead"),
        ({"paths": "X -> C -> Y"}, GraphError, "no edge X -> C"),
        ({"paths": "X -> Q -> Y"}, UnknownVariableError, "'Q'"),
        ({"edges": [("Y", "X")]}, GraphError, "no edge Y -> X"),
        ({"edges": [("X", "M", "Y")]}, InputError, "two names"),
        ({"edges": []}, InputError, "edges is empty"),
        ({"edges": 5}, InputError, "pairs of names"),
        ({"edges": "X -> Y"}, InputError, "pairs of names"),
        ({"edges": [("X", "M"), ("C", "Y")]}, InputError, "make up no path"),
        ({"edges": ["XY"]}, InputError, "no sequence of names"),
        ({"paths": 5}, InputError, "expected text"),
        ({"paths": (1, 2)}, InputError, "no sequence of names"),
        ({"paths": "X -> M -> Y", "observed": ["X", "Y", "C"]}, InputError, "without hidden"),
    ],
)
def test_refused_paths(options, error, words):
    with pytest.raises(error, match=words):
        identify_path_effect(CONFOUNDED, "X", "Y", **options)


def test_classes_of_graphs_are_refused():
    with pytest.raises(GraphError, match="CPDAG"):
        identify_mediation("X -> M -> Y; X -- C", "X", "Y", "M")


def test_covariates_make_natural_effects_averages_of_regressions():
    """On exact random models, with mediators and covariates as the search found them."""
    rng = np.random.default_rng(8)
    found = 0
    while found < 60:
        plain = oracle.random_admg(rng, int(rng.integers(4, 6)), arcs=0.6, bows=0.12)
        x, y = plain.nodes[rng.integers(2)], plain.nodes[-1]
        between = sorted({v for path in causal_paths(plain, x, y) for v in path[1:-1]})
        if not between or count_kinds(plain, {}) > MOST_KINDS:
            continue
        mediators = [v for v in between if rng.random() < 0.7] or between[:1]
        chosen = mediation_covariates(plain.graph(), x, y, mediators)
        if chosen is None:
            continue
        found += 1
        units = Units(plain, rng)
        covariates = sorted(chosen)
        inner = Product(
            (
                Expectation((y,), given=(x, *mediators, *covariates)),
                Probability(tuple(mediators), given=(Value(x), *covariates)),
                *((Probability(tuple(covariates)),) if covariates else ()),
            )
        )
        formula = Sum((*mediators, *covariates), inner)
        truth = parts(units, "natural direct", x, y, mediators)[0] @ units.weights
        value = number(formula, units.data(formula), values_of(plain.nodes))
        assert abs(value - truth) < CLOSE, (plain, x, mediators, covariates)


def test_covariates_of_mediation_are_refused_where_a_step_is_confounded():
    assert mediation_covariates(f"{TRIANGLE}; M <-> Y", "X", "Y", "M") is None
    assert mediation_covariates(CONFOUNDED, "X", "Y", "M", observed=["X", "M", "Y"]) is None
    assert mediation_covariates(CONFOUNDED, "X", "Y", "M") == {"C"}
    with pytest.raises(InputError, match="mediators is empty"):
        mediation_covariates(CONFOUNDED, "X", "Y", ())
