"""Response types: every way in which a variable may answer to its parents.

With finitely many levels, a hidden cause can do no more to a variable than choose its *response
type*, the function from the levels of its parents to its own. A binary treatment under a binary
instrument has four: never treated, complier, defier, always treated. Whatever the hidden causes of
a component are, all that data and effects see of them is one distribution over the joint types of
its variables, a point of a simplex. What data say about it, and what is asked, are linear in it.

References
----------
Balke, Pearl (1997), "Bounds on treatment effects from studies with imperfect compliance",
doi:10.1080/01621459.1997.10474074. Sachs, Jonzon, Sjölander, Gabriel (2023), "A general method for
deriving tight symbolic bounds on causal effects", doi:10.1080/10618600.2022.2071905.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log10, prod

import numpy as np

from causalkit.identification.general.mixed import Mixed, each
from causalkit.typing import IntArray

__all__ = ["ResponseTypes", "Values", "digits_of_types", "response_types"]

Values = Mapping[int, "int | IntArray"]
"""Levels of some nodes: one number, or one for each joint type."""


@dataclass(frozen=True, slots=True)
class ResponseTypes:
    """Joint response types of a component, numbered from 0 to `size`.

    Parameters
    ----------
    nodes : int
        The component, as a bit set.
    inputs : dict
        For each node the parents that its types answer to.
    tables : dict
        For each node an array of shape (types, levels of its inputs ...): the answers.
    strides : dict
        For each node, how many joint types pass before its own type changes.
    size : int
        How many joint types there are.
    """

    nodes: int
    inputs: dict[int, tuple[int, ...]]
    tables: dict[int, IntArray]
    strides: dict[int, int]
    size: int

    def type_of(self, node: int) -> IntArray:
        """The type of one node in each joint type, shape (size,)."""
        return np.arange(self.size) // self.strides[node] % len(self.tables[node])

    def respond(self, node: int, values: Values) -> IntArray:
        """What a node answers when its inputs have these levels, in each joint type."""
        answers = self.tables[node][(self.type_of(node), *(values[p] for p in self.inputs[node]))]
        return np.asarray(answers)

    def run(self, nodes: int, values: Values) -> dict[int, int | IntArray]:
        """Levels of all once those in `values` are set and `nodes` answer, causes first."""
        known = dict(values)
        for node in each(nodes):
            known[node] = self.respond(node, known)
        return known


def digits_of_types(mixed: Mixed, shape: tuple[int, ...], nodes: int, context: int) -> float:
    """The logarithm to base 10 of the number of joint types, parents in `context` being fixed."""
    total = 0.0
    for node in each(nodes):
        inputs = each(mixed.parents[node] & ~context)
        total += log10(shape[node]) * prod(shape[p] for p in inputs)
    return total


def response_types(
    mixed: Mixed,
    shape: tuple[int, ...],
    nodes: int,
    context: int,
    monotone: frozenset[tuple[int, int]],
) -> ResponseTypes:
    """List the types of a component, without those that go against a monotone effect."""
    inputs: dict[int, tuple[int, ...]] = {}
    tables: dict[int, IntArray] = {}
    strides: dict[int, int] = {}
    size = 1
    for node in each(nodes):
        inputs[node] = tuple(each(mixed.parents[node] & ~context))
        table = _all_functions(tuple(shape[p] for p in inputs[node]), shape[node])
        for axis, parent in enumerate(inputs[node]):
            if (parent, node) in monotone:
                rises = np.diff(table, axis=axis + 1) >= 0
                table = table[rises.all(axis=tuple(range(1, table.ndim)))]
        tables[node] = table
        strides[node] = size
        size *= len(table)
    return ResponseTypes(nodes, inputs, tables, strides, size)


def _all_functions(inputs: tuple[int, ...], levels: int) -> IntArray:
    """All functions of inputs with so many levels, shape (functions, *inputs)."""
    places = levels ** np.arange(prod(inputs), dtype=np.intp)
    digits = np.arange(levels ** prod(inputs), dtype=np.intp)[:, None] // places % levels
    return digits.reshape(-1, *inputs)
