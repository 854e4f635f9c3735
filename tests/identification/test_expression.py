"""Formulas as text and LaTeX."""

from __future__ import annotations

import pytest

from causalkit.identification import (
    Equation,
    Expectation,
    Probability,
    Product,
    Sum,
    identify,
)


def test_the_adjustment_formula():
    formula = identify("Z -> X -> Y; Z -> Y", "X", "Y").expression
    assert str(formula) == "E[Y | do(X=x)] = Σ_{z} E[Y | X=x, Z=z] P(Z=z)"
    assert formula._repr_latex_().startswith("$")
    assert r"\sum_{z}" in formula.to_latex()


def test_nothing_to_adjust_for_is_no_sum():
    assert str(identify("X -> Y", "X", "Y").expression) == "E[Y | do(X=x)] = E[Y | X=x]"


def test_conditional_effects_weight_within_the_stratum():
    formula = identify("Z -> X -> Y; Z -> Y; W -> Y", "X", "Y", given="W").expression
    assert str(formula) == "E[Y | do(X=x), W=w] = Σ_{z} E[Y | X=x, Z=z, W=w] P(Z=z | W=w)"


def test_several_outcomes_are_a_distribution():
    formula = identify("X -> Y; X -> V", "X", ["Y", "V"]).expression
    assert str(formula) == "P(Y=y, V=v | do(X=x)) = P(Y=y, V=v | X=x)"


@pytest.mark.parametrize(
    ("name", "latex"),
    [
        ("X", "X"),
        ("X1", "X_{1}"),
        (7, "7"),
        ("blood pressure", r"\mathrm{blood\ pressure}"),
        ("log_wage", r"\mathrm{log\_wage}"),
        ("50% {off} $1 & #2", r"\mathrm{50\%\ \{off\}\ \$1\ \&\ \#2}"),
        (r"a\b", r"\mathrm{a\backslash b}"),
        ("<script>", r"\mathrm{\lt script\gt }"),
        ("a^2~b", r"\mathrm{a\wedge 2\sim b}"),
    ],
)
def test_names_are_escaped_in_latex(name, latex):
    assert Expectation((name,)).to_latex() == rf"\mathrm{{E}}[{latex}]"


def test_names_with_signs_are_quoted_in_text():
    assert str(Probability(("blood pressure", "age"))) == 'P("blood pressure", age)'
    assert str(Probability(("a|b",))) == 'P("a|b")'


def test_sums_within_products_get_brackets():
    inner = Sum(("Z",), Probability(("Z",)))
    assert str(Product((inner, Probability(("X",))))) == "(Σ_{z} P(Z=z)) P(X=x)"
    assert r"\left(" in Product((inner, inner)).to_latex()


def test_expressions_are_values():
    assert Equation(Probability(("A",)), Probability(("A",))) == Equation(
        Probability(("A",)), Probability(("A",))
    )
    assert len({Sum(("Z",), Probability(("Z",))), Sum(("Z",), Probability(("Z",)))}) == 1
