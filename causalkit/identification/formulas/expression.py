r"""Formulas as small trees that print as text and as LaTeX.

An estimand is a promise: the causal quantity on the left, with its `do`, equals the formula on the
right, which has none and so can be computed from data. The pieces are `Expectation`, `Probability`,
`Product`, `Ratio`, `Difference`, `Sum` (over the values of variables) and `Equation`:

>>> right = Sum(("Z",), Product((Expectation(("Y",), given=("X", "Z")), Probability(("Z",)))))
>>> formula = Equation(Expectation(("Y",), do=("X",)), right)
>>> print(formula)
E[Y | do(X=x)] = Σ_{z} E[Y | X=x, Z=z] P(Z=z)
>>> print(formula.to_latex())
\mathrm{E}[Y \mid \mathrm{do}(X=x)] = \sum_{z} \mathrm{E}[Y \mid X=x, Z=z] \, \mathrm{P}(Z=z)

A value is written as the variable in lower case. Variables that are in lower case already stand for
both, as is usual: `E[wage | do(school)]`. A formula may need a second value of a variable beside
the first, as the front-door formula does; `Value` names it:

>>> other = Value("X")
>>> print(Sum((other,), Product((Probability(("Y",), (other, "M")), Probability((other,))))))
Σ_{x'} P(Y=y | X=x', M=m) P(X=x')

`expression.evaluate(table)` computes a formula from a table of probabilities, or from the relative
frequencies of discrete data; see :mod:`~causalkit.identification.formulas.evaluation`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from causalkit.identification.formulas.symbols import (
    Symbol,
    Value,
    name_of,
    plain_bar,
    plain_domain,
    plain_name,
    plain_set,
    tex_bar,
    tex_domain,
    tex_name,
    tex_set,
    tex_value,
    value_of,
)
from causalkit.typing import Name

if TYPE_CHECKING:
    from causalkit.identification.formulas.evaluation import Tables, Values

__all__ = [
    "Difference",
    "Equation",
    "Expectation",
    "Expression",
    "Probability",
    "Product",
    "Ratio",
    "Sum",
    "Symbol",
    "Value",
    "name_of",
]


class Expression(ABC):
    """A piece of a formula; `str()` is text, `to_latex()` is LaTeX without dollar signs."""

    __slots__ = ()

    @property
    def parts(self) -> tuple[Expression, ...]:
        """The formulas that this one is made of; none for a single quantity."""
        return ()

    @property
    def symbols(self) -> frozenset[Symbol]:
        """What the value of this piece depends on; what is summed over is not in it."""
        return frozenset[Symbol]().union(*(part.symbols for part in self.parts))

    @property
    def names(self) -> frozenset[Name]:
        """All variables that it speaks of, those that sums run over too."""
        own = frozenset(map(name_of, self.symbols))
        return own.union(*(part.names for part in self.parts))

    @abstractmethod
    def to_text(self) -> str:
        """One line of plain text."""

    @abstractmethod
    def to_latex(self) -> str:
        """LaTeX for math mode."""

    def evaluate(self, table: Tables, *, weight: Name | None = None) -> Values:
        """Compute the formula from a joint distribution of discrete variables.

        See :func:`~causalkit.identification.formulas.evaluation.evaluate`.
        """
        from causalkit.identification.formulas.evaluation import evaluate

        return evaluate(self, table, weight=weight)

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        return self.to_text()

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.to_latex()}$"


@dataclass(frozen=True, slots=True, repr=False)
class Expectation(Expression):
    """`E[of | do(do), given]`, in the population `domain`.

    Parameters
    ----------
    of : tuple of names
        Variables.
    given : tuple of Symbol
        What is conditioned on.
    do : tuple of Symbol
        What is set.
    domain : str
        The population; empty for the only one.
    """

    of: tuple[Name, ...]
    given: tuple[Symbol, ...] = ()
    do: tuple[Symbol, ...] = ()
    domain: str = ""

    @property
    def symbols(self) -> frozenset[Symbol]:
        """What it depends on: the conditions, not the variable that is averaged."""
        return frozenset(self.given) | frozenset(self.do)

    @property
    def names(self) -> frozenset[Name]:
        """All variables that it speaks of, the averaged one too."""
        return frozenset(map(name_of, (*self.of, *self.given, *self.do)))

    def to_text(self) -> str:
        """One line of plain text."""
        names = ", ".join(map(plain_name, self.of))
        return f"E{plain_domain(self.domain)}[{names}{plain_bar(self.given, self.do)}]"

    def to_latex(self) -> str:
        """LaTeX for math mode."""
        names = ", ".join(map(tex_name, self.of))
        return rf"\mathrm{{E}}{tex_domain(self.domain)}[{names}{tex_bar(self.given, self.do)}]"


@dataclass(frozen=True, slots=True, repr=False)
class Probability(Expression):
    """`P(of | do(do), given)`: a probability, or a density.

    `domain` names the population it belongs to, where there are several; empty for the only one.

    Parameters
    ----------
    of : tuple of Symbol
        Variables, or values of them.
    given : tuple of Symbol
        What is conditioned on.
    do : tuple of Symbol
        What is set.
    domain : str
        The population; empty for the only one.
    """

    of: tuple[Symbol, ...]
    given: tuple[Symbol, ...] = ()
    do: tuple[Symbol, ...] = ()
    domain: str = ""

    @property
    def symbols(self) -> frozenset[Symbol]:
        """Everything between the brackets."""
        return frozenset((*self.of, *self.given, *self.do))

    def to_text(self) -> str:
        """One line of plain text."""
        return f"P{plain_domain(self.domain)}({plain_set(self.of)}{plain_bar(self.given, self.do)})"

    def to_latex(self) -> str:
        """LaTeX for math mode."""
        inside = f"{tex_set(self.of)}{tex_bar(self.given, self.do)}"
        return rf"\mathrm{{P}}{tex_domain(self.domain)}({inside})"


@dataclass(frozen=True, slots=True, repr=False)
class Product(Expression):
    """Factors side by side.

    Parameters
    ----------
    factors : tuple of Expression
    """

    factors: tuple[Expression, ...]

    @property
    def parts(self) -> tuple[Expression, ...]:
        """The factors."""
        return self.factors

    def to_text(self) -> str:
        """One line of plain text; a product of nothing is 1."""
        return " ".join(_wrapped(f, f.to_text(), "(", ")") for f in self.factors) or "1"

    def to_latex(self) -> str:
        """LaTeX for math mode."""
        wrapped = (_wrapped(f, f.to_latex(), r"\left(", r"\right)") for f in self.factors)
        return r" \, ".join(wrapped) or "1"


@dataclass(frozen=True, slots=True, repr=False)
class Ratio(Expression):
    """`top / bottom`.

    Parameters
    ----------
    top, bottom : Expression
    """

    top: Expression
    bottom: Expression

    @property
    def parts(self) -> tuple[Expression, ...]:
        """Top and bottom."""
        return self.top, self.bottom

    def to_text(self) -> str:
        """One line of plain text."""
        return f"[{self.top.to_text()}] / [{self.bottom.to_text()}]"

    def to_latex(self) -> str:
        """LaTeX for math mode."""
        return rf"\frac{{{self.top.to_latex()}}}{{{self.bottom.to_latex()}}}"


@dataclass(frozen=True, slots=True, repr=False)
class Difference(Expression):
    """`left - right`.

    Parameters
    ----------
    left, right : Expression
    """

    left: Expression
    right: Expression

    @property
    def parts(self) -> tuple[Expression, ...]:
        """Both sides."""
        return self.left, self.right

    def to_text(self) -> str:
        """One line of plain text."""
        right = _wrapped(self.right, self.right.to_text(), "(", ")")
        return f"{self.left.to_text()} - {right}"

    def to_latex(self) -> str:
        """LaTeX for math mode."""
        right = _wrapped(self.right, self.right.to_latex(), r"\left(", r"\right)")
        return f"{self.left.to_latex()} - {right}"


@dataclass(frozen=True, slots=True, repr=False)
class Sum(Expression):
    """Sum (or integral) over the values of some variables.

    Parameters
    ----------
    over : tuple of Symbol
        What is summed out.
    body : Expression
    """

    over: tuple[Symbol, ...]
    body: Expression

    @property
    def parts(self) -> tuple[Expression, ...]:
        """The body."""
        return (self.body,)

    @property
    def symbols(self) -> frozenset[Symbol]:
        """What the body depends on and the sum does not run over."""
        return self.body.symbols - frozenset(self.over)

    def to_text(self) -> str:
        """One line of plain text."""
        body = self.body.to_text()
        body = f"({body})" if isinstance(self.body, Difference) else body
        return f"Σ_{{{', '.join(str(value_of(name)) for name in self.over)}}} {body}"

    def to_latex(self) -> str:
        """LaTeX for math mode."""
        body = self.body.to_latex()
        body = rf"\left({body}\right)" if isinstance(self.body, Difference) else body
        return rf"\sum_{{{', '.join(map(tex_value, self.over))}}} {body}"


@dataclass(frozen=True, slots=True, repr=False)
class Equation(Expression):
    """`left = right`: what is asked, and how to compute it.

    Parameters
    ----------
    left : Expression
        What is asked.
    right : Expression
        The formula that computes it.
    """

    left: Expression
    right: Expression

    @property
    def parts(self) -> tuple[Expression, ...]:
        """Both sides."""
        return self.left, self.right

    def to_text(self) -> str:
        """One line of plain text."""
        return f"{self.left.to_text()} = {self.right.to_text()}"

    def to_latex(self) -> str:
        """LaTeX for math mode."""
        return f"{self.left.to_latex()} = {self.right.to_latex()}"


def _wrapped(factor: Expression, text: str, left: str, right: str) -> str:
    return f"{left}{text}{right}" if isinstance(factor, (Difference, Sum)) else text
