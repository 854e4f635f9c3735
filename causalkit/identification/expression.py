r"""Formulas as small trees that print as text and as LaTeX.

An estimand is a promise: the causal quantity on the left, with its `do`, equals the formula on the
right, which has none and so can be computed from data. The pieces are `Expectation`, `Probability`,
`Product`, `Sum` (over the values of variables) and `Equation`:

>>> right = Sum(("Z",), Product((Expectation(("Y",), given=("X", "Z")), Probability(("Z",)))))
>>> formula = Equation(Expectation(("Y",), do=("X",)), right)
>>> print(formula)
E[Y | do(X=x)] = Σ_{z} E[Y | X=x, Z=z] P(Z=z)
>>> print(formula.to_latex())
\mathrm{E}[Y \mid \mathrm{do}(X=x)] = \sum_{z} \mathrm{E}[Y \mid X=x, Z=z] \, \mathrm{P}(Z=z)

A value is written as the variable in lower case. Variables that are in lower case already stand for
both, as is usual: `E[wage | do(school)]`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from causalkit.graph.lagged import Lagged
from causalkit.typing import Name

__all__ = ["Equation", "Expectation", "Expression", "Probability", "Product", "Sum"]


class Expression(ABC):
    """A piece of a formula; `str()` is text, `to_latex()` is LaTeX without dollar signs."""

    __slots__ = ()

    @abstractmethod
    def to_text(self) -> str:
        """One line of plain text."""

    @abstractmethod
    def to_latex(self) -> str:
        """LaTeX for math mode."""

    def __str__(self) -> str:
        return self.to_text()

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.to_latex()}$"


@dataclass(frozen=True, slots=True)
class Expectation(Expression):
    """`E[of | do(do), given]`."""

    of: tuple[Name, ...]
    given: tuple[Name, ...] = ()
    do: tuple[Name, ...] = ()

    def to_text(self) -> str:
        """One line of plain text."""
        names = ", ".join(map(_plain, self.of))
        return f"E[{names}{_bar(self.given, self.do)}]"

    def to_latex(self) -> str:
        """LaTeX for math mode."""
        names = ", ".join(map(_tex, self.of))
        return rf"\mathrm{{E}}[{names}{_tex_bar(self.given, self.do)}]"


@dataclass(frozen=True, slots=True)
class Probability(Expression):
    """`P(of | do(do), given)`: a probability, or a density."""

    of: tuple[Name, ...]
    given: tuple[Name, ...] = ()
    do: tuple[Name, ...] = ()

    def to_text(self) -> str:
        """One line of plain text."""
        return f"P({_set(self.of)}{_bar(self.given, self.do)})"

    def to_latex(self) -> str:
        """LaTeX for math mode."""
        return rf"\mathrm{{P}}({_tex_set(self.of)}{_tex_bar(self.given, self.do)})"


@dataclass(frozen=True, slots=True)
class Product(Expression):
    """Factors side by side."""

    factors: tuple[Expression, ...]

    def to_text(self) -> str:
        """One line of plain text."""
        return " ".join(_wrapped(f, f.to_text(), "(", ")") for f in self.factors)

    def to_latex(self) -> str:
        """LaTeX for math mode."""
        return r" \, ".join(_wrapped(f, f.to_latex(), r"\left(", r"\right)") for f in self.factors)


@dataclass(frozen=True, slots=True)
class Sum(Expression):
    """Sum (or integral) over the values of some variables."""

    over: tuple[Name, ...]
    body: Expression

    def to_text(self) -> str:
        """One line of plain text."""
        return f"Σ_{{{', '.join(_value(name) for name in self.over)}}} {self.body.to_text()}"

    def to_latex(self) -> str:
        """LaTeX for math mode."""
        return rf"\sum_{{{', '.join(_tex(_value(name)) for name in self.over)}}} " + (
            self.body.to_latex()
        )


@dataclass(frozen=True, slots=True)
class Equation(Expression):
    """`left = right`: what is asked, and how to compute it."""

    left: Expression
    right: Expression

    def to_text(self) -> str:
        """One line of plain text."""
        return f"{self.left.to_text()} = {self.right.to_text()}"

    def to_latex(self) -> str:
        """LaTeX for math mode."""
        return f"{self.left.to_latex()} = {self.right.to_latex()}"


def _wrapped(factor: Expression, text: str, left: str, right: str) -> str:
    return f"{left}{text}{right}" if isinstance(factor, Sum) else text


def _plain(name: Name) -> str:
    """The name, quoted if it would run into the signs of the formula."""
    if isinstance(name, Lagged):
        return f"{_plain(name.name)}{_step(name)}"
    text = str(name)
    return text if text.replace("_", "a").replace(".", "a").isalnum() else f'"{text}"'


def _step(name: Lagged) -> str:
    return f"[t-{name.lag}]" if name.lag else "[t]"


def _value(name: Name) -> str:
    """The value of a variable: its name in lower case."""
    if isinstance(name, Lagged):
        return Lagged(_value(name.name), name.lag)
    return str(name).lower()


def _set(names: tuple[Name, ...]) -> str:
    """`X=x, Z=z`; a name that is its own lower case stands alone."""
    return ", ".join(
        _plain(n) if _value(n) == str(n) else f"{_plain(n)}={_plain(_value(n))}" for n in names
    )


def _bar(given: tuple[Name, ...], do: tuple[Name, ...]) -> str:
    parts = ([f"do({_set(do)})"] if do else []) + ([_set(given)] if given else [])
    return f" | {', '.join(parts)}" if parts else ""


def _tex_set(names: tuple[Name, ...]) -> str:
    return ", ".join(
        _tex(n) if _value(n) == str(n) else f"{_tex(n)}={_tex(_value(n))}" for n in names
    )


def _tex_bar(given: tuple[Name, ...], do: tuple[Name, ...]) -> str:
    parts = [rf"\mathrm{{do}}({_tex_set(do)})"] if do else []
    parts += [_tex_set(given)] if given else []
    return rf" \mid {', '.join(parts)}" if parts else ""


_TEX_SIGNS = {
    "\\": r"\backslash ",
    "^": r"\wedge ",
    "~": r"\sim ",
    " ": r"\ ",
    **{sign: f"\\{sign}" for sign in "_{}%&#$"},
}


def _tex(name: Name) -> str:
    """A letter in italics, a letter with a number as a subscript, longer words upright."""
    if isinstance(name, Lagged):
        return rf"{{{_tex(name.name)}}}_{{{_step(name)[1:-1]}}}"
    text = str(name)
    if text.isdigit() or (len(text) == 1 and text.isalpha()):
        return text
    if text[:1].isalpha() and text[1:].isdigit():
        return f"{text[0]}_{{{text[1:]}}}"
    return rf"\mathrm{{{''.join(_TEX_SIGNS.get(sign, sign) for sign in text)}}}"
