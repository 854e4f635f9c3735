"""Numbers of formulas: published tables, counts of data, and what happens where data are empty."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

from causalkit.errors import InputError, NotIdentifiableError, OverlapWarning, UnknownVariableError
from causalkit.identification import (
    Difference,
    Expectation,
    Probability,
    ProbabilityTable,
    Product,
    Ratio,
    Sum,
    Value,
    evaluate,
    general_formula,
    identify,
)
from tests.identification.oracle import Model, Plain, random_admg, random_query, value

SMOKING = ProbabilityTable(
    [[[0.5, 0.1], [0.01, 0.02]], [[0.1, 0.05], [0.02, 0.2]]],
    names=("S", "T", "C"),
    levels=(("yes", "no"), ("yes", "no"), (1, 0)),
)


@pytest.mark.parametrize(
    ("smokes", "seen", "set_to"), [("yes", 0.810, 0.747), ("no", 0.324, 0.458)]
)
def test_smoking_and_cancer_of_jacobs_kissinger_and_zanasi(smokes, seen, set_to):
    effect = general_formula("S -> T -> C; S <-> C", "S", "C").expression.evaluate(SMOKING)
    assert round(effect.at({"S": smokes}), 3) == set_to
    alone = Probability(("C",), ("S",)).evaluate(SMOKING)
    assert round(alone.at({"S": smokes, "C": 1}), 3) == seen


def test_elimination_agrees_with_a_literal_reading():
    rng = np.random.default_rng(5)
    done = 0
    while done < 40:
        plain = random_admg(rng, 5)
        treatment, outcome, _ = random_query(rng, plain.nodes)
        try:
            answer = general_formula(plain.graph(), treatment, outcome)
        except NotIdentifiableError:  # the verdicts have tests of their own
            continue
        model = Model.draw(rng, plain)
        joint = model.joint()
        axes, numbers = value(answer.formula, plain.nodes, joint)
        found = answer.formula.evaluate(ProbabilityTable(joint, plain.nodes))
        order = [axes.index(symbol) for symbol in found.symbols]
        np.testing.assert_allclose(found.numbers, numbers.transpose(order), atol=1e-12)
        done += 1


def make_data(n=400):
    rng = np.random.default_rng(0)
    z = rng.integers(0, 3, n)
    x = rng.binomial(1, 0.2 + 0.2 * z)
    return pd.DataFrame({"Z": z, "X": x, "Y": rng.binomial(1, 0.3 + 0.2 * x + 0.1 * z)})


def standardised(data, x):
    """The adjustment formula by group means."""
    within = data[x == data.X].groupby("Z").Y.mean()
    share = data.Z.value_counts(normalize=True)
    return float((within * share).sum())


@pytest.mark.parametrize("form", [lambda d: d, pl.from_pandas, lambda d: d.to_dict("list")])
def test_data_stand_for_their_relative_frequencies(form):
    data = make_data()
    effect = identify("Z -> X -> Y; Z -> Y", "X", "Y").expression.evaluate(form(data))
    for x in (0, 1):
        assert effect.at({"X": x}) == pytest.approx(standardised(data, x), abs=1e-12)


def test_weights_are_repeated_rows():
    data = make_data(60)
    formula = identify("Z -> X -> Y; Z -> Y", "X", "Y").expression
    counts = data.groupby(["Z", "X", "Y"]).size().reset_index(name="n")
    plain, weighted = formula.evaluate(data), formula.evaluate(counts, weight="n")
    np.testing.assert_allclose(plain.numbers, weighted.numbers)


def test_text_categories_and_booleans_keep_their_names():
    data = pd.DataFrame(
        {
            "X": pd.Categorical(["drug", "none", "drug", "none"], categories=["none", "drug"]),
            "Y": [True, False, True, True],
        }
    )
    found = Probability(("Y",), ("X",)).evaluate(data)
    assert found.at({"X": "drug", "Y": True}) == 1
    assert found.at({"X": "none"}).mean("Y").at({}) == 0.5
    assert list(found.to_frame().columns) == ["Y", "X", "value"]


def test_integer_names():
    table = ProbabilityTable(np.full((2, 2), 0.25), (0, 1))
    assert Probability((1,), (0,)).evaluate(table).at({0: 1, 1: 0}) == 0.5


def test_the_napkin_says_the_same_at_every_value_of_what_is_arbitrary():
    rng = np.random.default_rng(1)
    graph = "W -> R -> X -> Y; W <-> X; W <-> Y"
    answer = general_formula(graph, "X", "Y")
    assert answer.arbitrary == ("R",)
    model = Model.draw(rng, Plain.read(answer.graph))
    table = ProbabilityTable(model.joint(), model.plain.nodes)
    by_value = answer.formula.evaluate(table)
    k = by_value.symbols.index("R")
    assert np.ptp(by_value.numbers, axis=k).max() < 1e-12
    assert "R" not in answer.expression.evaluate(table).symbols


def test_what_never_occurs_is_unknown_and_said_so():
    data = {"Z": [0, 0, 1, 1], "X": [0, 1, 0, 0], "Y": [0, 1, 1, 0]}
    formula = identify("Z -> X -> Y; Z -> Y", "X", "Y").expression
    with pytest.warns(OverlapWarning, match="conditions on combinations"):
        effect = formula.evaluate(data)
    assert np.isnan(effect.at({"X": 1}))
    assert effect.at({"X": 0}) == 0.25


def test_zero_times_unknown_is_zero():
    data = {"Z": [0, 0, 1, 1], "Y": [0, 1, 1, 0]}
    table = ProbabilityTable([[1, 1], [0, 0]], ("Z", "Y"))
    assert Probability(("Y",)).evaluate(data).at({"Y": 1}) == 0.5
    total = Sum(("Z",), Product((Probability(("Y",), ("Z",)), Probability(("Z",)))))
    assert total.evaluate(table).at({"Y": 1}) == 0.5


def test_differences_and_ratios():
    table = ProbabilityTable([[3, 1], [1, 3]], ("X", "Y"))
    other = Value("X")
    step = Difference(Expectation(("Y",), ("X",)), Expectation(("Y",), (other,)))
    assert str(step) == "E[Y | X=x] - E[Y | X=x']"
    found = evaluate(step, table)
    np.testing.assert_allclose(found.numbers, [[0, -0.5], [0.5, 0]])
    assert list(found.to_frame().columns) == ["X", "X'", "value"]
    ratio = Ratio(Probability(("X", "Y")), Probability(("X",)))
    np.testing.assert_allclose(evaluate(ratio, table).numbers, [[0.75, 0.25], [0.25, 0.75]])


def test_a_long_chain_never_needs_the_joint_table():
    names = [f"V{k}" for k in range(30)]
    graph = " -> ".join(names) + "; V0 <-> V29"
    formula = general_formula(graph, "V0", "V29").expression
    rng = np.random.default_rng(0)
    data = {name: rng.integers(0, 2, 2000) for name in names}
    assert 0 < formula.evaluate(data).at({"V0": 1}) < 1


def test_bad_tables_say_what_is_wrong():
    with pytest.raises(InputError, match="axes"):
        ProbabilityTable([[1, 2]], ("X",))
    with pytest.raises(InputError, match="negative"):
        ProbabilityTable([1, -1], ("X",))
    with pytest.raises(InputError, match="negative"):
        ProbabilityTable([np.nan, 1], ("X",))
    with pytest.raises(InputError, match="repeat"):
        ProbabilityTable([[1, 2]], ("X", "X"))
    with pytest.raises(InputError, match="levels"):
        ProbabilityTable([1, 2], ("X",), [("a",)])
    with pytest.raises(InputError, match="missing cells"):
        Probability(("X",)).evaluate({"X": [1.0, np.nan]})
    with pytest.raises(UnknownVariableError, match="W"):
        Probability(("W",)).evaluate({"X": [1, 2]})
    with pytest.raises(InputError, match="numbers"):
        Expectation(("X",)).evaluate(pd.DataFrame({"X": pd.Categorical(["a", "b"])}))
    wide = {f"V{k}": np.arange(400.0) for k in range(4)}
    with pytest.raises(InputError, match="Merge levels"):
        Probability(tuple(wide)).evaluate(wide)
    with pytest.raises(InputError, match="weight"):
        Probability(("X",)).evaluate({"X": [1, 2], "n": [-1, 2]}, weight="n")


def test_looking_up_what_is_not_there():
    found = Probability(("Y",), ("X",)).evaluate({"X": [0, 1], "Y": [0, 1]})
    with pytest.raises(InputError, match="no level"):
        found.at({"X": 7})
    with pytest.raises(UnknownVariableError):
        found.at({"W": 1})
    with pytest.raises(InputError, match="expected a mapping"):
        found.at(7)
    with pytest.raises(UnknownVariableError):
        found.mean("W")


def test_large_answers_print_their_beginning():
    rng = np.random.default_rng(0)
    data = {"X": rng.integers(0, 30, 5000), "Y": rng.integers(0, 30, 5000)}
    assert "more rows" in str(Probability(("X", "Y")).evaluate(data))
    assert "X" in str(SMOKING) or "S" in str(SMOKING)
