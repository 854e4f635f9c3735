r"""Counterfactual graphs: variables of several worlds at once, and the formula of what they do.

A **world** says where each variable takes the values of its parents from: in the actual world from
the parents themselves, under `do(x)` the value x, in a nested counterfactual the value that the
parent has in yet another world. All worlds share their hidden causes. A **copy** of a variable is
one of its answers, to given values of its parents; two worlds in which the parents have the same
values have one copy between them. Walking down the graph and merging copies on the way gives the
counterfactual graph (Shpitser & Pearl's *make-cg*; the exclusion operator of Correa et al.):

>>> from causalkit.graph import CausalGraph
>>> from causalkit.identification.formulas.expression import Value
>>> mixed = Mixed.of(CausalGraph.parse("X -> Y; Z -> X; Z -> Y; X <-> Y"))
>>> x, y = mixed.where["X"], mixed.where["Y"]
>>> treated, actual = Setting(((x, "X"),)), Setting()
>>> atoms = (Atom(y, treated, "Y"), Atom(x, actual, Value("X")))
>>> for piece in pieces_of(mixed, merged(mixed, atoms, {})):
...     print(sorted(mixed.names(piece.nodes)), piece.conflict() is not None)
['Z'] False
['X', 'Y'] True

The probability of the whole is the sum, over values that nobody fixed, of the product over its
**pieces**, the districts of the copies. A piece is the Q-factor of its variables if it asks for
each variable at one value only, be it as an answer or as the input of another copy. Otherwise the
same hidden causes would have to be seen under two conditions at once, which no data show, and the
probability is not identified (Correa, Lee & Bareinboim, Theorem 3). Above, Y answers to X=x while
X is x', and a hidden cause drives both.

References
----------
Shpitser, I., Pearl, J. (2008). Complete identification methods for the causal hierarchy. Journal of
Machine Learning Research 9, 1941-1979.
Correa, J., Lee, S., Bareinboim, E. (2021). Nested counterfactual identification from arbitrary
surrogate experiments. NeurIPS 34.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from causalkit.identification.formulas.expression import Expression, Probability, Symbol
from causalkit.identification.general.factors import observational
from causalkit.identification.general.functional import Hedge
from causalkit.identification.general.general import identified_factor
from causalkit.identification.general.mixed import Mixed, each

__all__ = [
    "Atom",
    "Conflict",
    "Copy",
    "Fresh",
    "Known",
    "Numbers",
    "Piece",
    "Setting",
    "World",
    "hidden_path",
    "merged",
    "pieces_of",
]


class World(ABC):
    """Where variables take values from; a frozen value, equal worlds are one."""

    __slots__ = ()

    @abstractmethod
    def source(self, node: int, child: int | None, /) -> Symbol | World:
        """A fixed value, or the world in which to look up `node` when `child` asks for it.

        `child` is None when the node itself is looked at.
        """


@dataclass(frozen=True, slots=True)
class Setting(World):
    """Some variables are set: to a value, or to what they are in another world."""

    fixed: tuple[tuple[int, Symbol | World], ...] = ()

    def source(self, node: int, _child: int | None, /) -> Symbol | World:
        """What the node is set to, else its own value in this world."""
        for other, value in self.fixed:
            if other == node:
                return value
        return self


class Atom(NamedTuple):
    """One event: a node, in a world, has a value."""

    node: int
    world: World
    value: Symbol


@dataclass(frozen=True, slots=True)
class Fresh:
    """A value that nobody fixed, to be summed over; numbered by the copy that has it."""

    node: int
    number: int


Known: TypeAlias = "Symbol | Fresh"
"""What is known of a value."""

Inputs: TypeAlias = tuple[tuple[int, Known], ...]
Numbers: TypeAlias = dict[tuple[int, Inputs], int]
"""Numbers of copies; shared by graphs that are to be compared."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A variable's answer to given values of its parents."""

    node: int
    inputs: Inputs
    value: Known


def merged(mixed: Mixed, atoms: Iterable[Atom], numbers: Numbers) -> tuple[Copy, ...] | None:
    """Copies that the event speaks of, and their ancestors; causes first.

    Returns
    -------
    tuple of Copy or None
        None if the event is impossible: one copy would have two values.
    """
    own: dict[int, list[Atom]] = {}
    for atom in atoms:
        found = atom.world.source(atom.node, None)
        if isinstance(found, World):
            own.setdefault(atom.node, []).append(Atom(atom.node, found, atom.value))
        elif found != atom.value:
            return None
    values: dict[tuple[int, World], Known] = {}
    copies: list[Copy] = []
    for node, worlds in sorted(_needed(mixed, own).items()):
        seen: dict[Inputs, Known] = {}
        inputs = {world: _inputs(mixed, node, world, values) for world in worlds}
        for atom in own.get(node, ()):
            if seen.setdefault(inputs[atom.world], atom.value) != atom.value:
                return None
        for world, asked in inputs.items():
            if asked not in seen:
                seen[asked] = Fresh(node, numbers.setdefault((node, asked), len(numbers)))
            values[node, world] = seen[asked]
        copies += sorted((Copy(node, asked, value) for asked, value in seen.items()), key=repr)
    return tuple(copies)


def _needed(mixed: Mixed, own: dict[int, list[Atom]]) -> dict[int, dict[World, None]]:
    """Worlds in which each node is looked up; effects hand it on to their causes."""
    needed: dict[int, dict[World, None]] = {
        node: {atom.world: None for atom in atoms} for node, atoms in own.items()
    }
    for node in range(len(mixed.nodes) - 1, -1, -1):
        for world in needed.get(node, ()):
            for parent in each(mixed.parents[node]):
                source = world.source(parent, node)
                if isinstance(source, World):
                    needed.setdefault(parent, {})[source] = None
    return needed


def _inputs(
    mixed: Mixed, node: int, world: World, values: dict[tuple[int, World], Known]
) -> Inputs:
    found: list[tuple[int, Known]] = []
    for parent in each(mixed.parents[node]):
        source = world.source(parent, node)
        known = values[parent, source] if isinstance(source, World) else source
        found.append((parent, known))
    return tuple(found)


class Conflict(NamedTuple):
    """Two copies that share hidden causes and need two values of one variable."""

    node: int
    first: Copy
    second: Copy
    piece: Piece


@dataclass(frozen=True, slots=True)
class Piece:
    """A district of copies: they hang together by hidden causes."""

    copies: tuple[Copy, ...]

    @property
    def nodes(self) -> int:
        """Variables that it has copies of."""
        return _bits(copy.node for copy in self.copies)

    @property
    def fresh(self) -> frozenset[Fresh]:
        """Values to be summed over, of its own copies or of their inputs."""
        return frozenset(v for _, v in self.known() if isinstance(v, Fresh))

    def known(self) -> Iterable[tuple[int, Known]]:
        """Every variable with every value at which the piece speaks of it."""
        for copy in self.copies:
            yield copy.node, copy.value
            yield from copy.inputs

    def conflict(self) -> Conflict | None:
        """Find two copies that need two values of one variable, if there are any."""
        first: dict[int, tuple[Known, Copy]] = {}
        for copy in self.copies:
            for node, value in ((copy.node, copy.value), *copy.inputs):
                before = first.setdefault(node, (value, copy))
                if before[0] != value:
                    return Conflict(node, before[1], copy, self)
        return None

    def factor(self, mixed: Mixed, *, experiments: bool) -> Expression | Hedge:
        """Q-factor of its variables, as an experiment or from observation, at bare names."""
        members = self.nodes
        if experiments:
            outside = mixed.parents_of(members) & ~members
            return Probability(mixed.names(members), (), mixed.names(outside))
        above = mixed.ancestors(members, mixed.all)
        known = observational(mixed, above, mixed.district(members, above))
        found = identified_factor(mixed, members, known)
        return found if isinstance(found, Hedge) else found.formula()


def pieces_of(mixed: Mixed, copies: Sequence[Copy]) -> list[Piece]:
    """Districts of a counterfactual graph; all copies of a variable are in one."""
    districts = mixed.districts(_bits(copy.node for copy in copies))
    return [Piece(tuple(c for c in copies if part >> c.node & 1)) for part in districts]


def hidden_path(mixed: Mixed, conflict: Conflict) -> str:
    """Shortest chain of hidden causes between the variables of two copies, as text."""
    start, end = conflict.first.node, conflict.second.node
    before: dict[int, int] = {start: start}
    queue = [start]
    for node in queue:
        for spouse in each(mixed.spouses[node] & conflict.piece.nodes):
            if spouse not in before:
                before[spouse] = node
                queue.append(spouse)
    path = [end]
    while path[-1] != start:
        path.append(before[path[-1]])
    return " <-> ".join(str(mixed.nodes[node]) for node in path[::-1])


def _bits(nodes: Iterable[int]) -> int:
    found = 0
    for node in nodes:
        found |= 1 << node
    return found
