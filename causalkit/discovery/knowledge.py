"""What is known before the data speak: order in time, causes that must be, causes that cannot be.

>>> knowledge = Knowledge(
...     tiers=[["age", "sex"], ["dose"], ["pressure"]],
...     required=[("dose", "pressure")],
...     forbidden=[("age", "sex"), ("sex", "age")],
... )
>>> knowledge.why_forbidden("pressure", "age")
'pressure is in a later tier than age'
>>> knowledge.allows("age", "pressure")
True

A variable of a later tier never causes one of an earlier tier. Names in no tier are free. Knowledge
is obeyed to the letter by every algorithm that takes it, so it is checked for contradictions when
it is made, not when a search fails on it. An algorithm reports where the data disagree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from reprlib import Repr
from typing import Any

import numpy as np

from causalkit._core.checks import as_names
from causalkit.errors import InputError, UnknownVariableError
from causalkit.graph.marks import show_name
from causalkit.typing import BoolArray, Name, Names

__all__ = ["Knowledge"]

_KEYS = ("tiers", "required", "forbidden", "closed_tiers")


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Background knowledge about directed edges.

    Parameters
    ----------
    tiers : sequence of names, or of collections of names
        From the earliest to the latest: no edge runs from a later tier to an earlier one.
    required : iterable of (cause, effect)
        Edges that are there, whatever the data say.
    forbidden : iterable of (cause, effect)
        Edges that are not there. A pair that is forbidden in both directions is not adjacent.
    closed_tiers : True or collection of int
        Tiers, counted from 0, without edges among their own members; True closes all.

    Raises
    ------
    InputError
        If the statements contradict each other.

    Examples
    --------
    >>> Knowledge(required=[("a", "b"), ("b", "a")])
    Traceback (most recent call last):
        ...
    causalkit.errors.InputError: the required edges run in a circle: a -> b -> a; expected no ...
    """

    tiers: tuple[tuple[Name, ...], ...] = ()
    required: tuple[tuple[Name, Name], ...] = ()
    forbidden: tuple[tuple[Name, Name], ...] = ()
    closed_tiers: tuple[int, ...] = ()

    def __init__(
        self,
        tiers: Iterable[Names] = (),
        required: Iterable[Sequence[Name]] = (),
        forbidden: Iterable[Sequence[Name]] = (),
        closed_tiers: bool | Iterable[int] = (),
    ) -> None:
        levels = _as_tiers(tiers)
        keep = object.__setattr__
        keep(self, "tiers", levels)
        keep(self, "required", _as_edges(required, "required"))
        keep(self, "forbidden", _as_edges(forbidden, "forbidden"))
        keep(self, "closed_tiers", _as_closed(closed_tiers, len(levels)))
        self._check()

    # --- in and out -------------------------------------------------------------------------------

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Knowledge:
        """Build from a mapping with the constructor's argument names as keys.

        Examples
        --------
        >>> Knowledge.from_dict({"tiers": [["a"], ["b", "c"]]}).tiers
        (('a',), ('b', 'c'))
        """
        if not isinstance(content, Mapping):
            raise InputError(
                f"knowledge is a {type(content).__name__}; expected a mapping with the keys "
                f"{', '.join(_KEYS)}. Write e.g. `tiers: [[age], [dose, weight]]`."
            )
        strange = [key for key in content if key not in _KEYS]
        if strange:
            raise InputError(
                f"knowledge has the key(s) {', '.join(map(repr, strange))}; expected "
                f"{', '.join(_KEYS)}. Rename or remove them."
            )
        return cls(**{key: value or () for key, value in content.items()})

    @classmethod
    def from_yaml(cls, path: str | Path) -> Knowledge:
        """Read a YAML (or JSON) file with the constructor's argument names as keys.

        Raises
        ------
        InputError
            If the file cannot be read as such.
        """
        import yaml

        try:
            content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
            # ValueError: no UTF-8, or a date or a number that Python does not have.
            raise InputError(
                f"cannot read knowledge from {str(path)!r}: {error}; expected a YAML file with the "
                f"keys {', '.join(_KEYS)}. Check the path and the indentation."
            ) from None
        return cls.from_dict({} if content is None else content)

    def to_dict(self) -> dict[str, list[Any]]:
        """Return plain lists, for YAML or JSON; `from_dict` reads them back."""
        return {
            "tiers": [list(tier) for tier in self.tiers],
            "required": [list(edge) for edge in self.required],
            "forbidden": [list(edge) for edge in self.forbidden],
            "closed_tiers": list(self.closed_tiers),
        }

    # --- questions --------------------------------------------------------------------------------

    @property
    def names(self) -> tuple[Name, ...]:
        """Variables that are spoken of, each once."""
        tiered = [name for tier in self.tiers for name in tier]
        paired = [name for edge in (*self.required, *self.forbidden) for name in edge]
        return tuple(dict.fromkeys([*tiered, *paired]))

    def allows(self, cause: Name, effect: Name) -> bool:
        """Whether `cause -> effect` is not ruled out."""
        return self.why_forbidden(cause, effect) is None

    def why_forbidden(self, cause: Name, effect: Name) -> str | None:
        """Say which statement rules out `cause -> effect`; None if none does."""
        if (effect, cause) in self.required:
            return f"{show_name(effect)} -> {show_name(cause)} is required"
        return self._why_banned(cause, effect)

    def forbidden_matrix(self, names: Sequence[Name]) -> BoolArray:
        """Matrix of edges `i -> j` that are ruled out by any statement.

        Parameters
        ----------
        names : sequence of names
            Variables in the order of the rows and columns.

        Returns
        -------
        ndarray of bool, shape (n_names, n_names)

        Raises
        ------
        UnknownVariableError
            If the knowledge speaks of a variable that is not among `names`.
        """
        where = self._positions(names)
        tier = np.array([self._tier_of.get(name, -1) for name in names])
        placed = (tier[:, None] >= 0) & (tier >= 0)
        same_closed = (tier[:, None] == tier) & np.isin(tier, self.closed_tiers)
        matrix: BoolArray = placed & ((tier[:, None] > tier) | same_closed)
        for cause, effect in self.forbidden:
            matrix[where[cause], where[effect]] = True
        for cause, effect in self.required:
            matrix[where[effect], where[cause]] = True
        np.fill_diagonal(matrix, False)
        return matrix

    def required_matrix(self, names: Sequence[Name]) -> BoolArray:
        """Matrix of edges `i -> j` that are required; see :meth:`forbidden_matrix`."""
        where = self._positions(names)
        matrix = np.zeros((len(names), len(names)), dtype=np.bool_)
        for cause, effect in self.required:
            matrix[where[cause], where[effect]] = True
        return matrix

    # --- inside -----------------------------------------------------------------------------------

    @property
    def _tier_of(self) -> dict[Name, int]:
        return {name: level for level, tier in enumerate(self.tiers) for name in tier}

    def _why_banned(self, cause: Name, effect: Name) -> str | None:
        if (cause, effect) in self.forbidden:
            return f"{show_name(cause)} -> {show_name(effect)} is forbidden"
        tier = self._tier_of
        earlier, later = tier.get(effect), tier.get(cause)
        if earlier is None or later is None:
            return None
        if later > earlier:
            return f"{show_name(cause)} is in a later tier than {show_name(effect)}"
        if later == earlier and later in self.closed_tiers and cause != effect:
            return f"{show_name(cause)} and {show_name(effect)} share a closed tier"
        return None

    def _positions(self, names: Sequence[Name]) -> dict[Name, int]:
        where = {name: k for k, name in enumerate(names)}
        for name in self.names:
            if name not in where:
                raise UnknownVariableError.among(name, names)
        return where

    def _check(self) -> None:
        placed = [name for tier in self.tiers for name in tier]
        twice = sorted({str(name) for name in placed if placed.count(name) > 1})
        if twice:
            raise InputError(
                f"name(s) {', '.join(map(repr, twice))} stand in more than one tier; expected each "
                "name in one tier at most. Remove all places but one."
            )
        self._check_circle()
        for cause, effect in self.required:
            reason = self._why_banned(cause, effect)
            if reason:
                raise InputError(
                    f"{show_name(cause)} -> {show_name(effect)} is required, but {reason}; "
                    "expected statements that agree. Drop one of the two."
                )

    def _check_circle(self) -> None:
        import networkx as nx

        graph = nx.DiGraph(list(self.required))
        if not nx.is_directed_acyclic_graph(graph):
            circle = [cause for cause, _ in nx.find_cycle(graph)]
            shown = " -> ".join(show_name(name) for name in [*circle, circle[0]])
            raise InputError(
                f"the required edges run in a circle: {shown}; expected no directed cycle. Drop "
                "one of them."
            )


def _as_tiers(tiers: Iterable[Names]) -> tuple[tuple[Name, ...], ...]:
    if isinstance(tiers, (str, Mapping, Set)) or not isinstance(tiers, Iterable):
        raise InputError(
            f"tiers={_short(tiers)}; expected a sequence of tiers, first to last, each a name or "
            "several. Write e.g. tiers=[['age', 'sex'], ['dose']]."
        )
    levels: list[tuple[Name, ...]] = []
    for tier in tiers:
        if isinstance(tier, Mapping):
            raise InputError(
                f"tiers holds the mapping {_short(tier)}; expected a name or a sequence of names. "
                "Write e.g. tiers=[['age', 'sex'], ['dose']]."
            )
        names: list[Any] = [tier] if isinstance(tier, str) else _listed(tier)
        for name in names:
            _check_name(name, "tiers")
        levels.append(as_names(names))
    return tuple(levels)


def _as_edges(edges: Iterable[Sequence[Name]], what: str) -> tuple[tuple[Name, Name], ...]:
    pairs: list[tuple[Name, Name]] = []
    if isinstance(edges, (str, Mapping)) or not isinstance(edges, Iterable):
        raise InputError(
            f"{what}={_short(edges)}; expected a sequence of pairs (cause, effect). Write e.g. "
            f"{what}=[('dose', 'pressure')]."
        )
    for edge in edges:
        pair = [] if isinstance(edge, (str, Mapping, Set)) else _listed(edge)
        if len(pair) != 2 or pair[0] == pair[1]:
            raise InputError(
                f"{what} holds {_short(edge)}; expected pairs (cause, effect) of two different "
                f"names. Write e.g. {what}=[('dose', 'pressure')]."
            )
        for name in pair:
            _check_name(name, what)
        pairs.append((pair[0], pair[1]))
    return tuple(dict.fromkeys(pairs))


def _listed(names: object) -> list[Any]:
    return list(names) if isinstance(names, Iterable) else [names]


def _check_name(name: object, what: str) -> None:
    if isinstance(name, bool) or not isinstance(name, (str, int, np.integer)):
        raise InputError(
            f"{what} names {_short(name)}, a {type(name).__name__}; expected strings or integers, "
            "as the columns are called. Quote it if it comes from a YAML file."
        )


def _as_closed(closed: bool | Iterable[int], n_tiers: int) -> tuple[int, ...]:
    if isinstance(closed, bool):
        return tuple(range(n_tiers)) if closed else ()
    if isinstance(closed, str) or not isinstance(closed, Iterable):
        raise InputError(
            f"closed_tiers={_short(closed)}; expected a collection of positions, such as [0], or "
            "True for all tiers."
        )
    given = list(closed)
    strange = [level for level in given if isinstance(level, bool) or level not in range(n_tiers)]
    if strange:
        raise InputError(
            f"closed_tiers holds {_short(strange[0])}; expected positions of tiers, from 0 to "
            f"{n_tiers - 1}, or True for all. There are {n_tiers} tiers."
        )
    return tuple(sorted(set(given)))


def _short(value: object) -> str:
    """Show a value; of one that is nested without end, as aliases in YAML can make it, some."""
    shown = Repr()
    shown.maxstring = shown.maxother = 200
    return shown.repr(value)
