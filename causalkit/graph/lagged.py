"""`Lagged`: a variable so many steps ago, as a node and as the name of a column.

>>> Lagged("rain", 2)
rain[t-2]
>>> Lagged("rain", 2).name, Lagged("rain", 2).lag, Lagged("rain")
('rain', 2, rain[t])

It is a string, so it goes wherever a name goes: into a graph, a column of a frame, a file. What is
read back from there, or typed by hand, is the same node:

>>> Lagged("rain", 2) == "rain[t-2]", as_lagged("rain[t-2]").lag
(True, 2)
"""

from __future__ import annotations

import re
from typing import Any, Final

import numpy as np

from causalkit.errors import InputError
from causalkit.typing import Name

__all__ = ["Lagged", "as_lagged", "has_step"]

_LAGGED: Final = re.compile(r"(?P<name>.*)\[t(?:-(?P<lag>[1-9][0-9]{0,8}))?\]", re.DOTALL)
_INTEGER: Final = re.compile(r"-?(0|[1-9][0-9]{0,999})", re.ASCII)  # as a graph's text has it


class Lagged(str):
    """A variable at a time step: `Lagged("X", 1)` is X one step ago and prints as `X[t-1]`.

    Parameters
    ----------
    name : str or int
        The variable.
    lag : int, default 0
        Steps back from t.

    Attributes
    ----------
    name : str or int
    lag : int

    Examples
    --------
    >>> Lagged("X", 1).shifted(2)
    X[t-3]
    """

    name: Name
    lag: int

    def __new__(cls, name: Name, lag: int = 0) -> Lagged:  # noqa: D102
        if isinstance(name, np.integer):
            name = int(name)
        if isinstance(name, (bool, Lagged)) or not isinstance(name, (str, int)):
            raise InputError(
                f"Lagged got {name!r} as the variable; expected the name of a column, a string or "
                "an integer. Write e.g. Lagged('X', 1)."
            )
        if isinstance(lag, bool) or not isinstance(lag, (int, np.integer)) or lag < 0:
            raise InputError(
                f"lag={lag!r}; expected how many steps ago, an integer from 0. The past has a "
                "positive lag: Lagged('X', 1) is X[t-1]."
            )
        return cls._of(name, int(lag))

    @classmethod
    def _of(cls, name: Name, lag: int) -> Lagged:
        """Build without a check."""
        node = super().__new__(cls, f"{name}[t-{lag}]" if lag else f"{name}[t]")
        node.name, node.lag = name, lag
        return node

    def shifted(self, steps: int) -> Lagged:
        """Return the same variable so many steps earlier; later if negative."""
        return Lagged(self.name, self.lag + steps)

    def __repr__(self) -> str:
        return str(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return Lagged, (self.name, self.lag)


def has_step(node: object) -> bool:
    """Whether a text is a variable at a time, such as "X[t-1]" or "X[t]"."""
    return isinstance(node, str) and _LAGGED.fullmatch(node) is not None


def as_lagged(node: object, variables: tuple[Name, ...] | None = None) -> Lagged:
    """Read a node of a lagged graph: `Lagged("X", 1)`, `"X[t-1]"`, `("X", 1)`, or X for X[t].

    Parameters
    ----------
    node : Lagged, str, int, or tuple of (name, lag)
        A lag may be given as a negative number of steps too: `("X", -1)` is X[t-1].
    variables : tuple of names, optional
        Names there are; one of them that looks like `X[t-1]` is read as a name.

    Raises
    ------
    InputError
        If it is none of these.
    """
    if isinstance(node, Lagged):
        return node
    if isinstance(node, tuple) and len(node) == 2 and isinstance(node[1], (int, np.integer)):
        return Lagged(node[0], abs(int(node[1])))
    if isinstance(node, (str, int, np.integer)) and not isinstance(node, bool):
        if variables is not None and node in variables:
            return Lagged(node)  # type: ignore[arg-type]
        found = _LAGGED.fullmatch(node) if isinstance(node, str) else None
        if found is None:
            return Lagged(node)  # type: ignore[arg-type]
        name: Name = found["name"]
        is_integer = _INTEGER.fullmatch(found["name"]) and name != "-0"
        if is_integer and not (variables and name in variables):
            name = int(name)
        return Lagged(name, int(found["lag"] or 0))
    raise InputError(
        f"{node!r} is no variable at a time; expected e.g. 'X[t-1]', Lagged('X', 1) or ('X', 1), "
        "or 'X' for X[t]."
    )
