r"""Variables and their values in a formula, and how they are written.

A variable stands for its value x by its name alone; `Value("X")` is another value of it, x'. In
print the value is the name in lower case, and a name that is in lower case already stands for both,
as is usual. Names are quoted if they would run into the signs of the formula, and in LaTeX a letter
with a number gets a subscript, a longer word stands upright:

>>> plain_set(("Z", "wage", Value("X")))
"Z=z, wage, X=x'"
>>> print(tex_set(("X1", "dose")))
X_{1}=x_{1}, \mathrm{dose}
>>> plain_name("blood pressure")
'"blood pressure"'
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from causalkit.graph.lagged import Lagged
from causalkit.typing import Name

__all__ = [
    "Symbol",
    "Value",
    "name_of",
    "plain_bar",
    "plain_domain",
    "plain_name",
    "plain_set",
    "tex_bar",
    "tex_domain",
    "tex_name",
    "tex_set",
    "tex_value",
    "value_of",
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


def value_of(symbol: Symbol) -> Name:
    """The value of a variable: its name in lower case, with primes if it is another one."""
    if isinstance(symbol, Value):
        value = value_of(symbol.name)
        marks = _primes(symbol)
        if isinstance(value, Lagged):
            return Lagged(f"{value.name}{marks}", value.lag)
        return f"{value}{marks}"
    if isinstance(symbol, Lagged):
        return Lagged(str(value_of(symbol.name)), symbol.lag)
    return str(symbol).lower()


def _primes(symbol: Value) -> str:
    return "'" * symbol.primes


def _step(name: Lagged) -> str:
    return f"[t-{name.lag}]" if name.lag else "[t]"


# --- text ----------------------------------------------------------------------------------------


def plain_name(name: Name) -> str:
    """The name, quoted if it would run into the signs of the formula."""
    if isinstance(name, Lagged):
        return f"{plain_name(name.name)}{_step(name)}"
    text = str(name)
    return text if text.replace("_", "a").replace(".", "a").isalnum() else f'"{text}"'


def plain_set(symbols: tuple[Symbol, ...]) -> str:
    """`X=x, Z=z'`; a name that is its own lower case stands alone."""
    return ", ".join(map(_plain_symbol, symbols))


def _plain_symbol(symbol: Symbol) -> str:
    if isinstance(symbol, Value):
        return f"{plain_name(symbol.name)}={plain_name(value_of(symbol.name))}{_primes(symbol)}"
    name, value = plain_name(symbol), value_of(symbol)
    return name if value == str(symbol) else f"{name}={plain_name(value)}"


def plain_bar(given: tuple[Symbol, ...], do: tuple[Symbol, ...]) -> str:
    """What stands behind the bar, the bar included: ` | do(X=x), Z=z`."""
    parts = ([f"do({plain_set(do)})"] if do else []) + ([plain_set(given)] if given else [])
    return f" | {', '.join(parts)}" if parts else ""


def plain_domain(domain: str) -> str:
    """The population, raised; nothing for the only one."""
    return f"^{{{domain}}}" if domain else ""


# --- LaTeX ---------------------------------------------------------------------------------------

_TEX_SIGNS = {
    "\\": r"\backslash ",
    "^": r"\wedge ",
    "~": r"\sim ",
    " ": r"\ ",
    "<": r"\lt ",
    ">": r"\gt ",
    **{sign: f"\\{sign}" for sign in "_{}%&#$"},
}


def tex_name(name: Name) -> str:
    """A letter in italics, a letter with a number as a subscript, longer words upright."""
    if isinstance(name, Lagged):
        return rf"{{{tex_name(name.name)}}}_{{{_step(name)[1:-1]}}}"
    text = str(name)
    if text.isdigit() or (len(text) == 1 and text.isalpha()):
        return text
    if text[:1].isalpha() and text[1:].isdigit():
        return f"{text[0]}_{{{text[1:]}}}"
    return rf"\mathrm{{{''.join(_TEX_SIGNS.get(sign, sign) for sign in text)}}}"


def tex_set(symbols: tuple[Symbol, ...]) -> str:
    """The same as :func:`plain_set`, in LaTeX."""
    return ", ".join(map(_tex_symbol, symbols))


def _tex_symbol(symbol: Symbol) -> str:
    name = symbol.name if isinstance(symbol, Value) else symbol
    same = not isinstance(symbol, Value) and value_of(name) == str(name)
    return tex_name(name) if same else f"{tex_name(name)}={tex_value(symbol)}"


def tex_value(symbol: Symbol) -> str:
    """The value of a variable in LaTeX."""
    if isinstance(symbol, Value):
        return tex_name(value_of(symbol.name)) + _primes(symbol)
    return tex_name(value_of(symbol))


def tex_bar(given: tuple[Symbol, ...], do: tuple[Symbol, ...]) -> str:
    """The same as :func:`plain_bar`, in LaTeX."""
    parts = [rf"\mathrm{{do}}({tex_set(do)})"] if do else []
    parts += [tex_set(given)] if given else []
    return rf" \mid {', '.join(parts)}" if parts else ""


def tex_domain(domain: str) -> str:
    """The same as :func:`plain_domain`, in LaTeX."""
    return f"^{{{tex_name(domain)}}}" if domain else ""
