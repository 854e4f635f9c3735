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
from typing import TYPE_CHECKING, TypeAlias

from causalkit.graph.lagged import Lagged
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


@dataclass(frozen=True, slots=True)
class Value:
    """Another value of a variable, `x'`, where its name alone stands for the value `x`.

    Parameters
    ----------
    name : str or int
        The variable.
    primes : int, default 1
        How many primes it is printed with; two different values have different numbers.
    """

    name: Name
    primes: int = 1


Symbol: TypeAlias = Name | Value
"""A variable at its value `x` (the name alone), or at another one (:class:`Value`)."""


def name_of(symbol: Symbol) -> Name:
    """The variable of a symbol."""
    return symbol.name if isinstance(symbol, Value) else symbol


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
        names = ", ".join(map(_plain, self.of))
        return f"E{_raised(self.domain)}[{names}{_bar(self.given, self.do)}]"

    def to_latex(self) -> str:
        """LaTeX for math mode."""
        names = ", ".join(map(_tex, self.of))
        return rf"\mathrm{{E}}{_tex_raised(self.domain)}[{names}{_tex_bar(self.given, self.do)}]"


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
        return f"P{_raised(self.domain)}({_set(self.of)}{_bar(self.given, self.do)})"

    def to_latex(self) -> str:
        """LaTeX for math mode."""
        inside = f"{_tex_set(self.of)}{_tex_bar(self.given, self.do)}"
        return rf"\mathrm{{P}}{_tex_raised(self.domain)}({inside})"


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
        return f"Σ_{{{', '.join(str(_value(name)) for name in self.over)}}} {body}"

    def to_latex(self) -> str:
        """LaTeX for math mode."""
        body = self.body.to_latex()
        body = rf"\left({body}\right)" if isinstance(self.body, Difference) else body
        return rf"\sum_{{{', '.join(map(_tex_value, self.over))}}} {body}"


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


def _plain(name: Name) -> str:
    """The name, quoted if it would run into the signs of the formula."""
    if isinstance(name, Lagged):
        return f"{_plain(name.name)}{_step(name)}"
    text = str(name)
    return text if text.replace("_", "a").replace(".", "a").isalnum() else f'"{text}"'


def _step(name: Lagged) -> str:
    return f"[t-{name.lag}]" if name.lag else "[t]"


def _value(symbol: Symbol) -> Name:
    """The value of a variable: its name in lower case, with primes if it is another one."""
    if isinstance(symbol, Value):
        value = _value(symbol.name)
        marks = "'" * symbol.primes
        if isinstance(value, Lagged):
            return Lagged(f"{value.name}{marks}", value.lag)
        return f"{value}{marks}"
    if isinstance(symbol, Lagged):
        return Lagged(str(_value(symbol.name)), symbol.lag)
    return str(symbol).lower()


def _set(symbols: tuple[Symbol, ...]) -> str:
    """`X=x, Z=z'`; a name that is its own lower case stands alone."""
    return ", ".join(map(_is, symbols))


def _is(symbol: Symbol) -> str:
    if isinstance(symbol, Value):
        return f"{_plain(symbol.name)}={_plain(_value(symbol.name))}{_primes(symbol)}"
    value = _value(symbol)
    return _plain(symbol) if value == str(symbol) else f"{_plain(symbol)}={_plain(value)}"


def _primes(symbol: Value) -> str:
    return "'" * symbol.primes


def _raised(domain: str) -> str:
    return f"^{{{domain}}}" if domain else ""


def _tex_raised(domain: str) -> str:
    return f"^{{{_tex(domain)}}}" if domain else ""


def _bar(given: tuple[Symbol, ...], do: tuple[Symbol, ...]) -> str:
    parts = ([f"do({_set(do)})"] if do else []) + ([_set(given)] if given else [])
    return f" | {', '.join(parts)}" if parts else ""


def _tex_set(symbols: tuple[Symbol, ...]) -> str:
    return ", ".join(map(_tex_is, symbols))


def _tex_is(symbol: Symbol) -> str:
    name = symbol.name if isinstance(symbol, Value) else symbol
    same = not isinstance(symbol, Value) and _value(name) == str(name)
    return _tex(name) if same else f"{_tex(name)}={_tex_value(symbol)}"


def _tex_value(symbol: Symbol) -> str:
    if isinstance(symbol, Value):
        return _tex(_value(symbol.name)) + _primes(symbol)
    return _tex(_value(symbol))


def _tex_bar(given: tuple[Symbol, ...], do: tuple[Symbol, ...]) -> str:
    parts = [rf"\mathrm{{do}}({_tex_set(do)})"] if do else []
    parts += [_tex_set(given)] if given else []
    return rf" \mid {', '.join(parts)}" if parts else ""


_TEX_SIGNS = {
    "\\": r"\backslash ",
    "^": r"\wedge ",
    "~": r"\sim ",
    " ": r"\ ",
    "<": r"\lt ",
    ">": r"\gt ",
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
