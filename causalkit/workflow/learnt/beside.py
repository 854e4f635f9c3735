"""Columns that stand beside the variables: clusters and weights, which say how rows were drawn.

They are no variables of the system, so no search looks at them, and neither may be the treatment or
the outcome of the question.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from causalkit.errors import InputError
from causalkit.typing import Name

__all__ = ["check_beside", "names_in", "plain_name"]


def plain_name(given: Any) -> Any:
    """The same, with numpy's integers as Python's, by which columns are known."""
    if isinstance(given, np.integer):
        return int(given)
    if isinstance(given, tuple):
        return tuple(map(plain_name, given))
    return given


def names_in(*given: Any) -> set[Name]:
    """Columns that are named as clusters or weights; arrays name none.

    Examples
    --------
    >>> sorted(names_in("firm", np.ones(3)))
    ['firm']
    >>> sorted(names_in(("firm", "year"), None))
    ['firm', 'year']
    """
    found: set[Name] = set()
    for one in map(plain_name, given):
        if isinstance(one, (str, int)):
            found.add(one)
        elif isinstance(one, (tuple, list)) and len(one) == 2:
            # Two texts in a list are two columns; two numbers in a list are labels of two rows.
            kinds = str if isinstance(one, list) else (str, int)
            if all(isinstance(name, kinds) for name in one):
                found.update(one)
    return found


def check_beside(beside: set[Name], treatment: Name, outcome: Name) -> None:
    """Refuse a question about clusters or weights.

    Raises
    ------
    InputError
    """
    for name in sorted(beside.intersection((treatment, outcome)), key=str):
        raise InputError(
            f"{name!r} is asked about and is also the clusters or the weights; expected "
            "another column. Copy it under a second name if it must serve as both."
        )
