"""Bounds hold in every model of the graph, and models reach them where they say so."""

from itertools import product

import networkx as nx
import numpy as np
import pytest
from scipy.optimize import linprog

from causalkit.errors import GraphError, InputError, UnknownVariableError
from causalkit.graph import CausalGraph
from causalkit.identification.bounds.bounds import bound_effect
from causalkit.identification.bounds.causation import bound_causation
from causalkit.identification.bounds.closed import instrument_bounds, natural_bounds
from causalkit.identification.formulas.evaluation import ProbabilityTable
from tests.identification.graphs import generator, random_admg

INSTRUMENT = "Z -> X -> Y; X <-> Y"
BOW = "X -> Y; X <-> Y"


class Model:
    """A random model of an ADMG with one hidden cause for each `<->`, summed by brute force."""

    def __init__(self, graph, rng, levels=2, hidden=2, sharpness=0.4):
        self.graph, self.levels = graph, levels
        self.order = [graph.nodes[k] for k in graph.order]
        bows = [e for e in graph.edges() if str(e).count("<->")]
        self.causes = {bow: rng.dirichlet(np.ones(hidden)) for bow in bows}
        self.inputs, self.tables = {}, {}
        for node in self.order:
            parents = sorted(graph.parents(node), key=self.order.index)
            above = [bow for bow in bows if node in (bow.left, bow.right)]
            shape = (levels,) * len(parents) + (hidden,) * len(above)
            self.inputs[node] = (parents, above)
            self.tables[node] = rng.dirichlet(np.full(levels, sharpness), size=shape)

    def worlds(self):
        """Yield hidden causes with their probability."""
        for drawn in product(*(range(len(p)) for p in self.causes.values())):
            chosen = dict(zip(self.causes, drawn, strict=True))
            yield chosen, np.prod([self.causes[bow][u] for bow, u in chosen.items()])

    def joint(self, do=None):
        """The distribution of all nodes in the order `self.order`, after an intervention."""
        do, values = do or {}, np.zeros((self.levels,) * len(self.order))
        for chosen, chance in self.worlds():
            for where in np.ndindex(values.shape):
                at = dict(zip(self.order, where, strict=True))
                piece = chance
                for node in self.order:
                    if node in do:
                        piece *= at[node] == do[node]
                        continue
                    parents, above = self.inputs[node]
                    row = (*(at[p] for p in parents), *(chosen[bow] for bow in above))
                    piece *= self.tables[node][(*row, at[node])]
                values[where] += piece
        return values

    def table(self):
        return ProbabilityTable(self.joint(), self.order)

    def mean(self, outcome, do):
        return ProbabilityTable(self.joint(do), self.order).joint([outcome]) @ range(self.levels)


def whole_program(graph, joint, objective):
    """Ends of a query by one distribution over the functions of all nodes, from the definition.

    For a graph with one hidden cause of everything. `objective(answer)` is the value of one unit,
    where `answer(do)` runs it.
    """
    order = [graph.nodes[k] for k in graph.order]
    parents = {v: sorted(graph.parents(v), key=order.index) for v in order}
    size = {v: joint.shape[k] for k, v in enumerate(order)}
    functions = []
    for v in order:
        rows = list(product(*(range(size[p]) for p in parents[v])))
        functions.append(
            [dict(zip(rows, out, strict=True)) for out in product(range(size[v]), repeat=len(rows))]
        )
    columns, values = [], []
    for unit in product(*functions):

        def answer(do, unit=unit):
            at = {}
            for v, function in zip(order, unit, strict=True):
                at[v] = do[v] if v in do else function[tuple(at[p] for p in parents[v])]
            return at

        cell = np.zeros(joint.shape)
        cell[tuple(answer({}).values())] = 1
        columns.append(cell.ravel())
        values.append(objective(answer))
    rows, cost = np.array(columns).T, np.array(values, dtype=float)
    low = linprog(cost, A_eq=rows, b_eq=joint.ravel())
    high = linprog(-cost, A_eq=rows, b_eq=joint.ravel())
    return low.fun, -high.fun


def effect_of(outcome, high, low):
    return lambda answer: answer(high)[outcome] - answer(low)[outcome]


class Units:
    """A random model whose hidden causes are shared by all that `<->` joins, unit by unit.

    Each node is a random function of its parents, of one hidden cause for each set of nodes that
    are joined each to each, and of one of its own. A unit is a value of all hidden causes.
    """

    def __init__(self, graph, rng, hidden=2, own=3):
        self.order = [graph.nodes[k] for k in graph.order]
        shared = [tuple(c) for c in nx.find_cliques(nx.from_numpy_array(graph.bidirected))]
        cliques = [[graph.nodes[k] for k in c] for c in shared if len(c) > 1]
        sizes = [hidden] * len(cliques) + [own] * len(graph)
        chances = [rng.dirichlet(np.ones(n)) for n in sizes]
        parents = {v: sorted(graph.parents(v), key=self.order.index) for v in self.order}
        reads = {
            v: [k for k, c in enumerate(cliques) if v in c] + [len(cliques) + at]
            for at, v in enumerate(self.order)
        }
        functions = {
            v: rng.integers(0, 2, (2,) * len(parents[v]) + tuple(sizes[k] for k in reads[v]))
            for v in self.order
        }
        self.units = []
        for unit in product(*(range(n) for n in sizes)):

            def answer(do, unit=unit):
                at = {}
                for v in self.order:
                    where = (*(at[p] for p in parents[v]), *(unit[k] for k in reads[v]))
                    at[v] = do[v] if v in do else int(functions[v][where])
                return at

            weight = np.prod([p[u] for p, u in zip(chances, unit, strict=True)])
            self.units.append((weight, answer))

    def table(self):
        values = np.zeros((2,) * len(self.order))
        for weight, answer in self.units:
            values[tuple(answer({}).values())] += weight
        return ProbabilityTable(values, self.order)

    def mean(self, query):
        return sum(weight * query(answer) for weight, answer in self.units)


def necessary(x, y):
    def query(answer):
        at = answer({})
        return bool(at[x] and at[y] and not answer({x: 0})[y])

    return query


def sufficient(x, y):
    def query(answer):
        at = answer({})
        return bool(not at[x] and not at[y] and answer({x: 1})[y])

    return query


def both(x, y):
    return lambda answer: bool(answer({x: 1})[y] and not answer({x: 0})[y])


def random_iv_table(rng, levels=2, defiers=True):
    """A table that an instrument with so many levels allows."""
    takes = list(product((0, 1), repeat=levels))
    kept = [defiers or list(x_type) == sorted(x_type) for x_type in takes for _ in range(4)]
    types = rng.dirichlet(np.full(2**levels * 4, 0.3)) * kept
    types /= types.sum()
    chances = rng.dirichlet(np.ones(levels))
    values = np.zeros((levels, 2, 2))
    for q, (x_type, y_type) in zip(types, product(takes, product((0, 1), repeat=2)), strict=True):
        for z in range(levels):
            x = x_type[z]
            values[z, x, y_type[x]] += chances[z] * q
    return ProbabilityTable(values, ["Z", "X", "Y"])


def ends(found):
    return found.lower, found.upper


class TestPublished:
    def test_cholestyramine(self):
        # Balke & Pearl (1997); Pearl, Causality (2009), 8.2.4
        values = [[[0.919, 0.081], [0, 0]], [[0.315, 0.073], [0.139, 0.473]]]
        table = ProbabilityTable(values, ["Z", "X", "Y"])
        assert ends(bound_effect(INSTRUMENT, "X", "Y", table)) == pytest.approx((0.392, 0.780))
        assert ends(instrument_bounds(table, "Z", "X", "Y")) == pytest.approx((0.392, 0.780))

    def test_vitamin_a(self):
        # Balke & Pearl (1997), table 1; the digits are those of Palmer et al. (2011)
        table = ProbabilityTable([[[74, 11514], [0, 0]], [[34, 2385], [12, 9663]]], ["Z", "X", "Y"])
        expected = {None: (-0.1946228, 0.0053937), 0: (0.9936141,) * 2, 1: (0.7989912, 0.9990078)}
        for contrast, published in expected.items():
            for found in (
                bound_effect(INSTRUMENT, "X", "Y", table, contrast=contrast),
                instrument_bounds(table, "Z", "X", "Y", contrast=contrast),
            ):
                assert ends(found) == pytest.approx(published, abs=1e-6)

    def test_instrument_with_three_levels(self):
        # Homocysteine and heart disease by genotype, Palmer et al. (2011), Stata Journal 11(3)
        chances = [0.83, 0.05, 0.11, 0.01, 0.88, 0.06, 0.05, 0.01, 0.72, 0.05, 0.20, 0.03]
        table = ProbabilityTable(np.reshape(chances, (3, 2, 2)), ["Z", "X", "Y"])
        expected = {None: (-0.09, 0.74), 0: (0.06, 0.12), 1: (0.03, 0.80)}
        for contrast, published in expected.items():
            for found in (
                bound_effect(INSTRUMENT, "X", "Y", table, contrast=contrast),
                instrument_bounds(table, "Z", "X", "Y", contrast=contrast),
            ):
                assert ends(found) == pytest.approx(published, abs=1e-8)

    def test_confounded_treatment(self):
        # Sachs et al. (2023), section 6.1: p11 + p00 - 1 to 1 - p10 - p01
        table = ProbabilityTable([[0.3, 0.2], [0.1, 0.4]], ["X", "Y"])
        assert ends(bound_effect(BOW, "X", "Y", table)) == pytest.approx((-0.3, 0.7))

    def test_a_drug_that_killed_whom_it_chose(self):
        # Tian & Pearl (2000), section 4.1: necessity is 1 for those who took the drug on their own
        seen = ProbabilityTable([[972, 28], [998, 2]], ["X", "Y"])
        found = bound_causation(BOW, "X", "Y", seen, trials={1: 0.016, 0: 0.014})
        assert ends(found.necessity) == pytest.approx((1, 1), abs=1e-7)


class TestClosedForms:
    @pytest.mark.parametrize("times", [40, pytest.param(400, marks=pytest.mark.slow)])
    def test_programs_equal_the_instrument_formula(self, times):
        rng = generator(1)
        for k in range(times):
            table = random_iv_table(rng, levels=2 + k % 2)
            contrast = (None, 0, 1)[k % 3]
            program = bound_effect(INSTRUMENT, "X", "Y", table, contrast=contrast)
            formula = instrument_bounds(table, "Z", "X", "Y", contrast=contrast)
            assert ends(program) == pytest.approx(ends(formula), abs=1e-7)
            assert program.sharp

    def test_programs_equal_natural_bounds_without_an_instrument(self):
        rng = generator(2)
        for k in range(32):
            shape = ((2, 2), (3, 2), (2, 3), (3, 3))[k % 4]
            values = rng.dirichlet(np.ones(np.prod(shape))).reshape(shape)
            table = ProbabilityTable(values, ["X", "Y"])
            contrast, level = ((0, 1), 1)[k % 2], (None, 1)[k % 5 == 0]
            options = {"contrast": contrast, "level": level}
            program = bound_effect(BOW, "X", "Y", table, **options)
            formula = natural_bounds(table, "X", "Y", **options)
            assert ends(program) == pytest.approx(ends(formula), abs=1e-7)

    def test_natural_bounds_by_hand(self):
        table = ProbabilityTable([[0.3, 0.2], [0.1, 0.4]], ["X", "Y"], [("a", "b"), (0, 10)])
        wide = natural_bounds(table, "X", "Y", contrast="b", outcome_range=(-10, 20))
        assert ends(wide) == pytest.approx((4 - 5, 4 + 10))

    @pytest.mark.parametrize("levels", [2, 3])
    def test_formula_and_program_refuse_the_same_tables(self, levels):
        rng = generator(3)
        refused = 0
        for _ in range(40):
            values = rng.dirichlet(np.full(4, 0.35), size=levels).reshape(levels, 2, 2)
            table = ProbabilityTable(values, ["Z", "X", "Y"])
            try:
                formula = instrument_bounds(table, "Z", "X", "Y")
            except InputError:
                refused += 1
                with pytest.raises(InputError, match="contradicts the graph"):
                    bound_effect(INSTRUMENT, "X", "Y", table)
            else:
                program = bound_effect(INSTRUMENT, "X", "Y", table)
                assert ends(program) == pytest.approx(ends(formula), abs=1e-7)
        assert 5 < refused < 38

    def test_causation_equals_tian_and_pearl(self):
        rng = generator(4)
        for _ in range(20):
            model = Model(CausalGraph.parse(BOW), rng, hidden=3)
            seen = model.joint()
            if seen.min() < 1e-3:
                continue
            with_x, without = (model.mean("Y", {"X": x}) for x in (1, 0))
            found = bound_causation(BOW, "X", "Y", model.table(), trials={1: with_x, 0: without})
            p = seen[:, 1].sum()
            both = (
                max(0, with_x - without, p - without, with_x - p),
                min(
                    with_x,
                    1 - without,
                    seen[1, 1] + seen[0, 0],
                    with_x - without + seen[1, 0] + seen[0, 1],
                ),
            )
            necessity = (
                max(0, (p - without) / seen[1, 1]),
                min(1, (1 - without - seen[0, 0]) / seen[1, 1]),
            )
            sufficiency = (
                max(0, (with_x - p) / seen[0, 0]),
                min(1, (with_x - seen[1, 1]) / seen[0, 0]),
            )
            assert ends(found.both) == pytest.approx(both, abs=1e-6)
            assert ends(found.necessity) == pytest.approx(necessity, abs=1e-5)
            assert ends(found.sufficiency) == pytest.approx(sufficiency, abs=1e-5)

    def test_causation_without_confounding(self):
        # Tian & Pearl (2000), theorem 4: under exogeneity and, with monotonicity, a point
        table = ProbabilityTable([[0.35, 0.15], [0.2, 0.3]], ["X", "Y"])
        free = bound_causation("X -> Y", "X", "Y", table)
        assert ends(free.both) == pytest.approx((0.3, 0.6))
        assert ends(free.necessity) == pytest.approx((0.5, 1.0))
        assert ends(free.sufficiency) == pytest.approx((3 / 7, 6 / 7))
        rising = bound_causation("X -> Y", "X", "Y", table, monotone=[("X", "Y")])
        assert ends(rising.both) == pytest.approx((0.3, 0.3))
        assert ends(rising.necessity) == pytest.approx((0.5, 0.5))


class TestDefinition:
    """One hidden cause of all nodes: the program over functions of all nodes is the definition."""

    GRAPHS = (
        "X -> Y; X <-> Y",
        "M -> X -> Y; M -> Y; M <-> X; M <-> Y; X <-> Y",
        "X -> M -> Y; X <-> M; M <-> Y; X <-> Y",
        "X -> W; X -> Y; X <-> Y; X <-> W; W <-> Y",
        "W -> X -> Y; W <-> X; W <-> Y; X <-> Y",
    )

    @pytest.mark.parametrize("text", GRAPHS)
    def test_effects(self, text):
        graph, rng = CausalGraph.parse(text), generator(5)
        query = effect_of("Y", {"X": 1}, {"X": 0})
        for _ in range(4):
            values = rng.dirichlet(np.full(2 ** len(graph), 0.4)).reshape((2,) * len(graph))
            order = [graph.nodes[k] for k in graph.order]
            found = bound_effect(text, "X", "Y", ProbabilityTable(values, order))
            expected = whole_program(graph, values, query)
            assert ends(found) == pytest.approx(expected, abs=1e-7)
            assert found.sharp

    @pytest.mark.parametrize("text", GRAPHS[:4])
    def test_causation(self, text):
        graph, rng = CausalGraph.parse(text), generator(6)
        order = [graph.nodes[k] for k in graph.order]
        values = rng.dirichlet(np.ones(2 ** len(graph))).reshape((2,) * len(graph))
        table = ProbabilityTable(values, order)
        found = bound_causation(text, "X", "Y", table)
        seen = table.joint(["X", "Y"])

        for bounds, query, share in (
            (found.necessity, necessary("X", "Y"), seen[1, 1]),
            (found.sufficiency, sufficient("X", "Y"), seen[0, 0]),
            (found.both, both("X", "Y"), 1),
        ):
            expected = np.array(whole_program(graph, values, query)) / share
            assert ends(bounds) == pytest.approx(expected, abs=1e-6)

    def test_three_levels(self):
        graph, rng = CausalGraph.parse(BOW), generator(7)
        values = rng.dirichlet(np.ones(9)).reshape(3, 3)
        found = bound_effect(BOW, "X", "Y", ProbabilityTable(values, ["X", "Y"]), contrast=(0, 2))
        expected = whole_program(graph, values, effect_of("Y", {"X": 2}, {"X": 0}))
        assert ends(found) == pytest.approx(expected, abs=1e-7)

    def test_tables_with_empty_cells(self):
        graph, rng = CausalGraph.parse(self.GRAPHS[1]), generator(8)
        for _ in range(8):
            values = rng.dirichlet(np.full(8, 0.5)) * (rng.random(8) < 0.6)
            values = (values / values.sum()).reshape(2, 2, 2)
            found = bound_effect(graph, "X", "Y", ProbabilityTable(values, ["M", "X", "Y"]))
            expected = whole_program(graph, values, effect_of("Y", {"X": 1}, {"X": 0}))
            assert ends(found) == pytest.approx(expected, abs=1e-7)

    def test_a_treatment_that_never_occurs_in_a_stratum(self):
        # no hidden causes: outside the empty stratum a formula, inside anything from 0 to 1
        values = np.array([[[0.2, 0.1], [0.0, 0.0]], [[0.1, 0.2], [0.1, 0.3]]])
        table = ProbabilityTable(values, ["Z", "X", "Y"])
        found = bound_effect("Z -> X -> Y; Z -> Y", "X", "Y", table)
        in_one = 0.7 * (0.75 - 2 / 3)
        assert ends(found) == pytest.approx((in_one - 0.3 / 3, in_one + 0.3 * 2 / 3))
        assert found.sharp


class TestModels:
    """Whatever the model, its effect is within; where graph and data determine it, it is met."""

    @pytest.mark.parametrize("times", [45, pytest.param(600, marks=pytest.mark.slow)])
    def test_effects_of_random_models_are_within(self, times):
        rng, open_cases = generator(9), 0
        for k in range(times):
            graph = random_admg(rng, 3 + k % 2 + (k % 7 == 6), 0.55, 0.35)
            model = Model(graph, rng)
            x, y = model.order[k % 2], model.order[-1 - k % 2]
            found = bound_effect(graph, x, y, model.table())
            truth = model.mean(y, {x: 1}) - model.mean(y, {x: 0})
            assert found.lower - 1e-7 <= truth <= found.upper + 1e-7
            open_cases += found.width > 1e-6
        assert open_cases > times // 5

    @pytest.mark.parametrize("times", [12, pytest.param(150, marks=pytest.mark.slow)])
    def test_causation_in_random_models_is_within(self, times):
        rng, sharp = generator(19), 0
        for k in range(times):
            graph = random_admg(rng, 3, 0.7, 0.4)
            units = Units(graph, rng)
            x, y = units.order[0], units.order[1 + k % 2]
            table = units.table()
            found = bound_causation(graph, x, y, table)
            seen = table.joint([x, y])
            for bounds, query, share in (
                (found.necessity, necessary(x, y), seen[1, 1]),
                (found.sufficiency, sufficient(x, y), seen[0, 0]),
                (found.both, both(x, y), 1.0),
            ):
                if share > 1e-3:
                    truth = units.mean(query) / share
                    assert bounds.lower - 1e-6 <= truth <= bounds.upper + 1e-6
                    sharp += bounds.sharp
        assert sharp > times // 2

    @pytest.mark.parametrize("times", [15, pytest.param(250, marks=pytest.mark.slow)])
    def test_causes_shared_by_many_are_allowed(self, times):
        rng = generator(20)
        for k in range(times):
            graph = random_admg(rng, 3 + k % 2, 0.6, 0.5)
            units = Units(graph, rng, hidden=3, own=2)
            x, y = (str(v) for v in rng.permutation(graph.nodes)[:2])
            found = bound_effect(graph, x, y, units.table())
            truth = units.mean(effect_of(y, {x: 1}, {x: 0}))
            assert found.lower - 1e-7 <= truth <= found.upper + 1e-7

    def test_what_is_known_downstream_scales_the_bounds(self):
        rng = generator(21)
        text = "Z -> X -> M -> Y; X <-> M"
        for _ in range(8):
            trial = random_iv_table(rng).values
            heals = rng.random(2)
            values = np.stack([trial * (1 - heals), trial * heals], axis=-1)
            found = bound_effect(text, "X", "Y", ProbabilityTable(values, ["Z", "X", "M", "Y"]))
            part = instrument_bounds(ProbabilityTable(trial, ["Z", "X", "M"]), "Z", "X", "M")
            expected = sorted((heals[1] - heals[0]) * end for end in ends(part))
            assert ends(found) == pytest.approx(expected, abs=1e-7)
            assert found.sharp

    @pytest.mark.parametrize(
        "text",
        [
            "X -> M -> Y; X <-> Y",
            "Z -> X -> Y; Z -> Y",
            "W1 -> W2 -> X -> Y; W1 <-> X; W1 <-> Y",
            "A -> X -> B -> Y; A <-> B; X <-> Y",
            "X -> Y; Z -> Y; Z <-> X",
        ],
    )
    def test_identified_effects_are_points(self, text):
        rng = generator(11)
        for _ in range(5):
            model = Model(CausalGraph.parse(text), rng, sharpness=1.0)
            found = bound_effect(text, "X", "Y", model.table())
            truth = model.mean("Y", {"X": 1}) - model.mean("Y", {"X": 0})
            assert ends(found) == pytest.approx((truth, truth), abs=1e-7)
            assert found.sharp

    def test_given_and_joint_treatments(self):
        rng = generator(12)
        text = "W -> A -> B; W -> B; A -> Y; B -> Y; W -> Y; B <-> Y; A <-> B"
        for _ in range(10):
            model = Model(CausalGraph.parse(text), rng, sharpness=1.0)
            table = model.table()
            at = {"A": 1, "B": 0}
            under = ProbabilityTable(model.joint(at), model.order).joint(["W", "Y"])
            found = bound_effect(text, ["A", "B"], "Y", table, contrast=at, given={"W": 1})
            truth = under[1, 1] / under[1].sum()
            assert found.lower - 1e-7 <= truth <= found.upper + 1e-7
            alone = [
                bound_effect(text, ["A", "B"], "Y", table, contrast=at, given={"W": w})
                for w in (0, 1)
            ]
            everybody = bound_effect(text, ["A", "B"], "Y", table, contrast=at)
            share = table.joint(["W"])
            assert everybody.lower == pytest.approx(share @ [b.lower for b in alone], abs=1e-7)
            assert everybody.upper == pytest.approx(share @ [b.upper for b in alone], abs=1e-7)

    def test_a_confounded_instrument_is_as_good_as_a_random_one(self):
        rng = generator(13)
        for _ in range(20):
            table = random_iv_table(rng)
            confounded = bound_effect("Z -> X -> Y; X <-> Y; Z <-> X", "X", "Y", table)
            random = bound_effect(INSTRUMENT, "X", "Y", table)
            assert ends(confounded) == pytest.approx(ends(random), abs=1e-7)
            assert confounded.sharp

    def test_covariates_cut_the_program(self):
        # within strata of C the bounds are those of an instrument, and they average
        rng, text = generator(14), "C -> Z; C -> X; C -> Y; Z -> X -> Y; X <-> Y"
        strata = [random_iv_table(rng) for _ in range(3)]
        share = rng.dirichlet(np.ones(3))
        values = np.stack([p * t.values for p, t in zip(share, strata, strict=True)])
        found = bound_effect(text, "X", "Y", ProbabilityTable(values, ["C", "Z", "X", "Y"]))
        parts = np.array([ends(instrument_bounds(t, "Z", "X", "Y")) for t in strata])
        assert ends(found) == pytest.approx(share @ parts, abs=1e-7)
        assert found.sharp
        assert "48 response types" in found.method

    def test_hidden_nodes_are_projected(self):
        rng = generator(15)
        table = random_iv_table(rng)
        drawn = bound_effect(
            "Z -> X -> Y; U -> X; U -> Y", "X", "Y", table, observed=["Z", "X", "Y"]
        )
        assert ends(drawn) == pytest.approx(ends(bound_effect(INSTRUMENT, "X", "Y", table)))

    def test_levels_that_never_occur_say_nothing(self):
        rng = generator(22)
        for _ in range(5):
            table = random_iv_table(rng)
            values = np.insert(table.values, 1, 0.0, axis=0)
            wider = ProbabilityTable(values, ["Z", "X", "Y"])
            found = bound_effect(INSTRUMENT, "X", "Y", wider)
            assert ends(found) == pytest.approx(ends(bound_effect(INSTRUMENT, "X", "Y", table)))
        never = ProbabilityTable([[0.3, 0.7], [0, 0]], ["X", "Y"])
        assert ends(bound_effect(BOW, "X", "Y", never, contrast=1)) == pytest.approx((0, 1))
        assert ends(bound_effect("X -> Y", "X", "Y", never, contrast=1)) == pytest.approx((0, 1))

    def test_variables_that_cannot_matter_need_no_column(self):
        table = ProbabilityTable([[0.3, 0.2], [0.1, 0.4]], ["X", "Y"])
        found = bound_effect("X -> Y -> V; X <-> Y; X -> T", "X", "Y", table)
        assert ends(found) == pytest.approx((-0.3, 0.7))


class TestMonotone:
    def test_no_defiers_is_no_gain_where_the_table_allows_it(self):
        # Balke & Pearl (1997), section 3: the bounds are those of the table without defiers
        rng = generator(16)
        for _ in range(15):
            table = random_iv_table(rng, defiers=False)
            free = bound_effect(INSTRUMENT, "X", "Y", table)
            tight = bound_effect(INSTRUMENT, "X", "Y", table, monotone=[("Z", "X")])
            assert ends(tight) == pytest.approx(ends(free), abs=1e-7)

    def test_a_treatment_that_never_harms(self):
        graph, rng = CausalGraph.parse(BOW), generator(17)
        values = rng.dirichlet(np.ones(4)).reshape(2, 2)
        found = bound_effect(
            graph, "X", "Y", ProbabilityTable(values, ["X", "Y"]), monotone=[("X", "Y")]
        )
        assert ends(found) == pytest.approx((0, values[0, 0] + values[1, 1]), abs=1e-8)

    def test_an_assumption_elsewhere_is_checked_too(self):
        table = ProbabilityTable(np.full((2, 2, 2), [[[0.2, 0.3]], [[0.3, 0.2]]]), ["Z", "X", "Y"])
        text = "Z -> X -> Y; Z -> Y; X <-> Y"
        falls = ProbabilityTable(
            np.einsum("zx,y->zxy", [[0.1, 0.4], [0.4, 0.1]], [0.5, 0.5]), ["Z", "X", "Y"]
        )
        assert bound_effect(text, "X", "Y", table, monotone=[("Z", "X")]).sharp
        with pytest.raises(InputError, match="contradicts"):
            bound_effect(text, "X", "Y", falls, monotone=[("Z", "X")])


class TestErrors:
    TABLE = ProbabilityTable([[0.3, 0.2], [0.1, 0.4]], ["X", "Y"])

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"contrast": (0, 7)}, "no level 7"),
            ({"contrast": (0, 1, 1)}, "one, or a pair"),
            ({"contrast": (1, 1)}, "with itself"),
            ({"contrast": {"Z": 1}}, "each of X"),
            ({"level": 5}, "no level 5"),
            ({"monotone": [("Y", "X")]}, "no edge"),
            ({"monotone": ["XY"]}, "pairs of names"),
            ({"monotone": [3]}, "pairs of names"),
            ({"monotone": 3}, "pairs of names"),
            ({"given": {"Y": 1}}, "both"),
            ({"given": "Y"}, "expected a mapping"),
            ({"tolerance": -1}, "from 0 on"),
            ({"tolerance": "small"}, "from 0 on"),
            ({"observed": ["X"]}, "no variable 'Y'"),
        ],
    )
    def test_options(self, options, message):
        with pytest.raises(InputError, match=message):
            bound_effect(BOW, "X", "Y", self.TABLE, **options)

    def test_graphs_and_names(self):
        with pytest.raises(UnknownVariableError):
            bound_effect(BOW, "X", "Q", self.TABLE)
        with pytest.raises(UnknownVariableError):
            bound_effect(BOW + "; Z -> X", "X", "Y", self.TABLE)
        with pytest.raises(GraphError):
            bound_effect("X -- Y", "X", "Y", self.TABLE)
        with pytest.raises(InputError, match="causes 'W'"):
            bound_effect("X -> W; X -> Y", "X", "Y", self.TABLE, given={"W": 1})
        with pytest.raises(InputError, match="2 outcomes"):
            bound_effect("X -> W; X -> Y", "X", ["W", "Y"], self.TABLE)

    def test_words_have_no_mean(self):
        table = ProbabilityTable(
            [[0.3, 0.2], [0.1, 0.4]], ["X", "Y"], [("no", "yes"), ("ill", "well")]
        )
        with pytest.raises(InputError, match="level="):
            bound_effect(BOW, "X", "Y", table)
        found = bound_effect(BOW, "X", "Y", table, level="well")
        assert ends(found) == pytest.approx((-0.3, 0.7))
        assert found.quantity == "P(Y=well | do(X=yes)) - P(Y=well | do(X=no))"

    def test_too_many_types(self):
        names = ["A", "B", "X", "Y"]
        table = ProbabilityTable(np.full((4,) * 4, 1 / 256), names)
        text = "A -> X; B -> X; A -> Y; B -> Y; X -> Y; X <-> Y; A <-> X; B <-> Y"
        with pytest.raises(InputError, match="ways together"):
            bound_effect(text, "X", "Y", table, contrast=(0, 1))

    def test_sampling_error_can_be_tolerated(self):
        rng = generator(18)
        values = rng.dirichlet(np.full(4, 0.2), size=2).reshape(2, 2, 2)
        values[0], values[1] = [[0.9, 0.05], [0.03, 0.02]], [[0.03, 0.9], [0.05, 0.02]]
        table = ProbabilityTable(values, ["Z", "X", "Y"])
        with pytest.raises(InputError, match="contradicts"):
            bound_effect(INSTRUMENT, "X", "Y", table)
        found = bound_effect(INSTRUMENT, "X", "Y", table, tolerance=0.5)
        assert 0 < found.gap < 0.5
        assert not found.sharp
        assert "from what is assumed" in repr(found)

    @pytest.mark.parametrize("times", [4, pytest.param(40, marks=pytest.mark.slow)])
    def test_samples_give_bounds_or_a_clear_error(self, times):
        rng = generator(23)
        for k in range(times):
            graph = random_admg(rng, 3 + k % 2, 0.5, 0.35)
            model = Model(graph, rng)
            counts = rng.multinomial(100, model.joint().ravel()).reshape((2,) * len(graph))
            table = ProbabilityTable(counts, model.order)
            x, y = model.order[0], model.order[-1]
            found = bound_effect(graph, x, y, table, tolerance=1.0)
            assert -1 <= found.lower <= found.upper <= 1
            caused = bound_causation(graph, x, y, table, tolerance=1.0)
            assert 0 <= caused.both.lower <= caused.both.upper <= 1
            if found.gap > 0:
                with pytest.raises(InputError, match="contradicts the graph"):
                    bound_effect(graph, x, y, table)
            else:
                assert ends(bound_effect(graph, x, y, table)) == ends(found)

    def test_closed_forms(self):
        with pytest.raises(InputError, match="expects 2"):
            instrument_bounds(
                ProbabilityTable(np.full((2, 3, 2), 1 / 12), ["Z", "X", "Y"]), "Z", "X", "Y"
            )
        with pytest.raises(InputError, match="Widen"):
            natural_bounds(self.TABLE, "X", "Y", outcome_range=(0.5, 1))
        with pytest.raises(InputError, match="expected a pair"):
            natural_bounds(self.TABLE, "X", "Y", outcome_range=3)
        with pytest.raises(InputError, match="expected a pair"):
            natural_bounds(self.TABLE, "X", "Y", outcome_range=("low", 1))
        with pytest.raises(InputError, match="with itself"):
            natural_bounds(self.TABLE, "X", "Y", contrast=(1, 1))
        with pytest.raises(InputError, match="both"):
            natural_bounds(self.TABLE, "X", "X")

    def test_causation(self):
        with pytest.raises(InputError, match="contradict"):
            bound_causation(BOW, "X", "Y", self.TABLE, trials={1: 0.1})
        with pytest.raises(InputError, match="from 0 to 1"):
            bound_causation(BOW, "X", "Y", self.TABLE, trials={1: 1.1})
        with pytest.raises(InputError, match="expected one treatment, and a pair"):
            bound_causation(BOW, "X", "Y", self.TABLE, contrast=(1,))


class TestResults:
    def test_printing_and_frames(self):
        table = ProbabilityTable([[0.3, 0.2], [0.1, 0.4]], ["X", "Y"])
        found = bound_effect(BOW, "X", "Y", table)
        text = repr(found)
        assert "lower" in text
        assert "Assumes:" in text
        assert "8 response types" in text
        assert found.to_frame().loc[found.quantity, "sharp"]
        assert not found.excludes(0)
        assert found.excludes(0.8)
        both = bound_causation(BOW, "X", "Y", table)
        assert list(both.to_frame()["of"]) == ["necessity", "sufficiency", "both"]
        assert "probabilities of causation" in repr(both)

    def test_data_count_as_frequencies(self):
        data = {"X": [0, 0, 0, 1, 1, 1], "Y": [0, 0, 1, 0, 1, 1]}
        found = bound_effect(BOW, "X", "Y", data)
        assert ends(found) == pytest.approx((-1 / 3, 2 / 3))

    def test_nobody_has_cause_and_event(self):
        table = ProbabilityTable([[0.3, 0.2], [0.5, 0.0]], ["X", "Y"])
        found = bound_causation(BOW, "X", "Y", table)
        assert np.isnan(found.necessity.lower)
        assert not found.necessity.excludes(0.5)
        assert 0 <= found.both.lower <= found.both.upper <= 0.3 + 1e-9
