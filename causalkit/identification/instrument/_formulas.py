r"""Pieces of formulas that only instruments need: covariances, slopes, and who complies.

>>> print(Ratio(Covariance(("Z",), ("Y",), ("W",)), Covariance(("Z",), ("X",), ("W",))))
[Cov(Z, Y | W)] / [Cov(Z, X | W)]
>>> print(Slope(Expectation(("Y",), do=("X",)), ("X",)))
∂E[Y | do(X=x)]/∂x
"""

from __future__ import annotations

from dataclasses import dataclass

from causalkit.identification.formulas.expression import (
    Difference,
    Expectation,
    Expression,
    Probability,
    Product,
    Ratio,
    Sum,
    Symbol,
    Value,
)
from causalkit.identification.formulas.symbols import plain_name, tex_name, value_of
from causalkit.typing import Name

__all__ = [
    "AmongCompliers",
    "Covariance",
    "Inverse",
    "Slope",
    "covariance_ratio",
    "wald_ratio",
]


def _text(names: tuple[Name, ...]) -> str:
    """Several names in brackets, one without."""
    words = ", ".join(plain_name(name) for name in names)
    return f"({words})" if len(names) > 1 else words


def _latex(names: tuple[Name, ...]) -> str:
    words = ", ".join(tex_name(name) for name in names)
    return f"({words})" if len(names) > 1 else words


@dataclass(frozen=True, slots=True, repr=False)
class Covariance(Expression):
    """`Cov(left, right | given)`: a number, or a matrix if there are several names.

    Given a variable means within its strata; in a linear model these covariances are the same in
    all strata, and are those of residuals.
    """

    left: tuple[Name, ...]
    right: tuple[Name, ...]
    given: tuple[Name, ...] = ()

    @property
    def symbols(self) -> frozenset[Symbol]:
        """The strata that it is a covariance of."""
        return frozenset(self.given)

    @property
    def names(self) -> frozenset[Name]:
        """All variables that it speaks of."""
        return frozenset((*self.left, *self.right, *self.given))

    def to_text(self) -> str:
        """One line of plain text."""
        given = f" | {', '.join(map(plain_name, self.given))}" if self.given else ""
        return f"Cov({_text(self.left)}, {_text(self.right)}{given})"

    def to_latex(self) -> str:
        """LaTeX for math mode."""
        given = ", ".join(map(tex_name, self.given))
        bar = rf" \mid {given}" if given else ""
        return rf"\mathrm{{Cov}}({_latex(self.left)}, {_latex(self.right)}{bar})"


@dataclass(frozen=True, slots=True, repr=False)
class Inverse(Expression):
    """The inverse of a matrix."""

    of: Expression

    @property
    def parts(self) -> tuple[Expression, ...]:
        """The matrix."""
        return (self.of,)

    def to_text(self) -> str:
        """One line of plain text."""
        return f"{self.of.to_text()}⁻¹"

    def to_latex(self) -> str:
        """LaTeX for math mode."""
        return f"{self.of.to_latex()}^{{-1}}"


@dataclass(frozen=True, slots=True, repr=False)
class Slope(Expression):
    """How much `of` grows with the values of `by`, one number for each."""

    of: Expression
    by: tuple[Name, ...]

    @property
    def parts(self) -> tuple[Expression, ...]:
        """What grows."""
        return (self.of,)

    def to_text(self) -> str:
        """One line of plain text."""
        return f"∂{self.of.to_text()}/∂{_text(tuple(map(value_of, self.by)))}"

    def to_latex(self) -> str:
        """LaTeX for math mode."""
        at = _latex(tuple(map(value_of, self.by)))
        return rf"\frac{{\partial}}{{\partial {at}}} {self.of.to_latex()}"


@dataclass(frozen=True, slots=True, repr=False)
class AmongCompliers(Expression):
    """A quantity among the units whose treatment follows the instrument."""

    of: Expression

    @property
    def parts(self) -> tuple[Expression, ...]:
        """The quantity."""
        return (self.of,)

    def to_text(self) -> str:
        """One line of plain text."""
        return f"({self.of.to_text()}) among compliers"

    def to_latex(self) -> str:
        """LaTeX for math mode."""
        return rf"\left({self.of.to_latex()}\right)_{{\mathrm{{compliers}}}}"


def covariance_ratio(
    instruments: tuple[Name, ...],
    treatment: tuple[Name, ...],
    outcome: tuple[Name, ...],
    given: tuple[Name, ...],
) -> Expression:
    """`Cov(Z, Y | W) / Cov(Z, X | W)`; with several treatments, the same for matrices.

    With more instruments than treatments, of what the instruments predict of the treatment: two
    stages of least squares.
    """
    top: Expression = Covariance(instruments, outcome, given)
    bottom: Expression = Covariance(instruments, treatment, given)
    if len(instruments) > len(treatment):
        spread = Inverse(Covariance(instruments, instruments, given))
        first = Covariance(treatment, instruments, given)
        top, bottom = Product((first, spread, top)), Product((first, spread, bottom))
    return Ratio(top, bottom) if len(treatment) == 1 else Product((Inverse(bottom), top))


def wald_ratio(
    instrument: Name,
    treatment: tuple[Name, ...],
    outcome: tuple[Name, ...],
    over: tuple[Name, ...],
    within: tuple[Name, ...],
) -> Expression:
    """What the instrument moves in the outcome, by what it moves in the treatment.

    Both are averaged over the values of `over` within strata of `within` (Frölich 2007).
    """

    def moved(what: tuple[Name, ...]) -> Expression:
        change = Difference(
            Expectation(what, (instrument, *over, *within)),
            Expectation(what, (Value(instrument), *over, *within)),
        )
        return Sum(over, Product((change, Probability(over, within)))) if over else change

    return Ratio(moved(outcome), moved(treatment))
