"""Counterfactual events: how they are written, read and printed.

A part of an event is a variable at a value in a world, `Y[X=x]=y`; in the brackets is what that
world sets. A value is the name in lower case, a prime makes it another one; left out, it is the
plain one, so that `Y[X]` is `Y[X=x]=y`. In the brackets may stand a counterfactual in its turn:
`Y[X=x, M[X=x']]` sets M to what it would have been under x'.

>>> from causalkit.graph import CausalGraph
>>> graph = CausalGraph.parse("X -> M -> Y; X -> Y")
>>> [str(part) for part in read_event(graph, "Y[X, M[X=x']], X=x''")]
["Y[X=x, M[X=x']]=y", "X=x''"]
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from causalkit.errors import InputError, UnknownVariableError
from causalkit.graph import CausalGraph
from causalkit.identification.formulas.expression import (
    Expectation,
    Expression,
    Probability,
    Symbol,
    Value,
    name_of,
)
from causalkit.typing import Name

__all__ = [
    "Counterfactual",
    "CounterfactualMean",
    "CounterfactualProbability",
    "Event",
    "read_event",
]


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """A variable has a value in the world where others are set.

    Parameters
    ----------
    outcome : name or Value
        The variable at its value y; `Value("Y")` is another value y'.
    do : name, Value or Counterfactual, or a tuple of these
        What is set, and to which value; a counterfactual sets its outcome to what that would be in
        its own world. Empty for the actual world.

    Examples
    --------
    >>> print(Counterfactual("Y", (Value("X"),)))
    Y[X=x']=y
    >>> print(Counterfactual("Y", ("X", Counterfactual("M", (Value("X"),)))))
    Y[X=x, M[X=x']]=y
    """

    outcome: Symbol
    do: tuple[Symbol | Counterfactual, ...] = ()

    def __post_init__(self) -> None:
        if isinstance(self.do, (str, int, Value, Counterfactual)):
            object.__setattr__(self, "do", (self.do,))

    @property
    def symbols(self) -> frozenset[Symbol]:
        """Values that it speaks of."""
        return frozenset({self.outcome}) | self.settings

    @property
    def settings(self) -> frozenset[Symbol]:
        """Values that are set, in its own world or one nested in it."""
        found: frozenset[Symbol] = frozenset()
        for item in self.do:
            found |= item.settings if isinstance(item, Counterfactual) else {item}
        return found

    def variable(self) -> str:
        """The variable with its world, without its value."""
        inside = ", ".join(
            item.variable() if isinstance(item, Counterfactual) else _plain((item,))
            for item in self.do
        )
        name = Expectation((name_of(self.outcome),)).to_text()[2:-1]
        return f"{name}[{inside}]" if inside else name

    def variable_latex(self) -> str:
        """The same in LaTeX, the world as a subscript."""
        inside = ", ".join(
            item.variable_latex() if isinstance(item, Counterfactual) else _tex((item,))
            for item in self.do
        )
        name = Expectation((name_of(self.outcome),)).to_latex()[len(r"\mathrm{E}[") : -1]
        return f"{{{name}}}_{{{inside}}}" if inside else name

    def to_latex(self) -> str:
        """LaTeX for math mode."""
        value = _tex((self.outcome,))
        return f"{self.variable_latex()}={value.split('=', 1)[-1]}" if self.do else value

    def __str__(self) -> str:
        value = _plain((self.outcome,))
        return f"{self.variable()}={value.split('=', 1)[-1]}" if self.do else value


def _plain(symbols: tuple[Symbol, ...]) -> str:
    """`X=x'`, as probabilities print it."""
    return Probability(symbols).to_text()[len("P(") : -1]


def _tex(symbols: tuple[Symbol, ...]) -> str:
    return Probability(symbols).to_latex()[len(r"\mathrm{P}(") : -1]


Event: TypeAlias = "str | Counterfactual | Symbol | Iterable[str | Counterfactual | Symbol]"
"""Text such as `"Y[X=x], X=x'"`, or its parts."""


@dataclass(frozen=True, slots=True, repr=False)
class CounterfactualProbability(Expression):
    """`P(event | given)` across worlds."""

    event: tuple[Counterfactual, ...]
    given: tuple[Counterfactual, ...] = ()

    @property
    def symbols(self) -> frozenset[Symbol]:
        """All values."""
        return frozenset[Symbol]().union(*(atom.symbols for atom in (*self.event, *self.given)))

    def to_text(self) -> str:
        """One line of plain text."""
        bar = f" | {', '.join(map(str, self.given))}" if self.given else ""
        return f"P({', '.join(map(str, self.event))}{bar})"

    def to_latex(self) -> str:
        """LaTeX for math mode."""
        event, given = (
            ", ".join(a.to_latex() for a in atoms) for atoms in (self.event, self.given)
        )
        bar = rf" \mid {given}" if given else ""
        return rf"\mathrm{{P}}({event}{bar})"


@dataclass(frozen=True, slots=True, repr=False)
class CounterfactualMean(Expression):
    """`E[outcome in a world | given]`; the value of the outcome is what is averaged."""

    of: Counterfactual
    given: tuple[Symbol, ...] = ()

    @property
    def symbols(self) -> frozenset[Symbol]:
        """Values that are set or given."""
        return self.of.settings.union(self.given)

    @property
    def names(self) -> frozenset[Name]:
        """All variables that it speaks of, the averaged one too."""
        return frozenset(map(name_of, self.symbols | {self.of.outcome}))

    def to_text(self) -> str:
        """One line of plain text."""
        return f"E[{self.of.variable()}{f' | {_plain(self.given)}' if self.given else ''}]"

    def to_latex(self) -> str:
        """LaTeX for math mode."""
        given = rf" \mid {_tex(self.given)}" if self.given else ""
        return rf"\mathrm{{E}}[{self.of.variable_latex()}{given}]"


def read_event(graph: CausalGraph, event: Event | None) -> Iterator[Counterfactual]:
    """Yield the parts of an event, checked against the graph.

    Raises
    ------
    InputError
        If text cannot be read, a name is unknown, or a variable is set twice.
    """
    parts: Iterable[Any] = () if event is None else (event,)
    if isinstance(event, Iterable) and not isinstance(event, str):
        parts = event
    for part in parts:
        if isinstance(part, str):
            for text in _split(part):
                yield _checked(graph, _parsed(graph, text))
        elif isinstance(part, Counterfactual):
            yield _checked(graph, part)
        else:
            yield _checked(graph, Counterfactual(part))


def _split(text: str) -> Iterator[str]:
    """Cut at commas outside brackets."""
    depth, start = 0, 0
    for k, sign in enumerate(text):
        depth += (sign == "[") - (sign == "]")
        if sign == "," and depth == 0:
            yield text[start:k]
            start = k + 1
    if text.strip():
        yield text[start:]


def _parsed(graph: CausalGraph, text: str) -> Counterfactual:
    """Read `Y[X=x, M[X=x']]=y'`; without `=`, the value is the plain one."""
    head, bracket, rest = text.partition("[")
    inside, closing, tail = rest.rpartition("]") if bracket else ("", "", "")
    name, _, value = f"{head}{tail}".partition("=")
    variable = {str(node): node for node in graph.nodes}.get(name.strip())
    if variable is None and name.strip() and bool(bracket) == bool(closing):
        raise UnknownVariableError.among(name.strip(), graph.nodes, where="the graph")
    plain = value.strip().rstrip("'")
    fits = not value.strip() or plain == str(variable).lower()
    if variable is None or bool(bracket) != bool(closing) or not fits:
        raise InputError(
            f"{text.strip()!r} cannot be read; expected a variable, what is set in brackets, and a "
            "value that is the name in lower case, with primes for other values, as in "
            '"Y[X=x\']=y". Write it so, or pass a Counterfactual.'
        )
    primes = len(value.strip()) - len(plain)
    do = (_parsed(graph, part) for part in _split(inside))
    symbol = Value(variable, primes) if primes else variable
    return Counterfactual(symbol, tuple(a if a.do else a.outcome for a in do))


def _checked(graph: CausalGraph, event: Counterfactual) -> Counterfactual:
    """Raise unless all names are known and each variable is set at most once."""
    inner = [item for item in event.do if isinstance(item, Counterfactual)]
    names: list[Name] = [
        name_of(item.outcome if isinstance(item, Counterfactual) else item) for item in event.do
    ]
    graph.indices((name_of(event.outcome), *names))
    if len(set(names)) < len(names):
        raise InputError(f"{event} sets a variable twice; expected one value each. Take one away.")
    for item in inner:
        _checked(graph, item)
        if isinstance(item.outcome, Value) or name_of(item.outcome) in map(name_of, item.settings):
            raise InputError(
                f"{item} inside {event} is a fixed value; expected a variable that its own world "
                "leaves open. Set the variable to that value instead."
            )
    return event
