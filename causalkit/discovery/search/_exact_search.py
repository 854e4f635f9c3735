"""The best DAG of all, by dynamic programming over sets of nodes.

Sets of parents that score no higher than one of their subsets are left out. What then may cause
what falls into groups, within which nodes may cause each other either way (the strongly connected
components); each is searched on its own, with all nodes of earlier groups at hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from causalkit._core.progress import track
from causalkit.discovery.search._families import Family, n_sets, score_family
from causalkit.discovery.search._score_setup import ScoreSetup
from causalkit.errors import InputError
from causalkit.scores._states import State
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["Choices", "best_dag", "check_enumerable", "choices_of"]

_MOST_SETS: Final = 2**28
"""Sets of parents, of all nodes together."""

_MOST_BITS: Final = 62
"""Candidates of a node: sets are bits of a whole number."""

_LARGEST_GROUP: Final = 23
"""Nodes that may all cause each other: their tables take 0.8 GB."""

_ELSE: Final = (
    "Set max_parents, give a skeleton or tiers, or use GES, FLOP or BOSS, which search greedily."
)


@dataclass(frozen=True, slots=True, eq=False)
class Choices:
    """Sets of parents of a node that may be the best choice, smaller ones first.

    Attributes
    ----------
    masks : ndarray of int
        Bits of nodes, required parents left out.
    scores : ndarray
    """

    masks: IntArray
    scores: FloatArray

    @classmethod
    def of(cls, family: Family, scores: FloatArray) -> Choices:
        """Those that score higher than their subsets."""
        if scores[0] == -np.inf:  # required parents determine each other: no set is any better
            return cls(np.zeros(1, dtype=np.intp), np.zeros(1))
        return cls(*family.undominated(scores))

    def among(self, before: int) -> int:
        """Bits of the best set of parents among these nodes."""
        fits = (self.masks & ~before) == 0
        return int(self.masks[fits][np.argmax(self.scores[fits])])


def check_enumerable(setup: ScoreSetup, who: str) -> None:
    """Check that all sets of parents can be listed.

    Raises
    ------
    InputError
        If there are too many.
    """
    free = (setup.allowed & ~setup.required).sum(axis=0)
    left = setup.max_parents - setup.required.sum(axis=0)
    counts = [n_sets(int(c), int(k)) for c, k in zip(free, left, strict=True)]
    if setup.n_nodes > _MOST_BITS or sum(counts) > _MOST_SETS:
        raise InputError(
            f"the data have {setup.n_nodes} columns with {sum(counts):.2g} sets of parents; {who} "
            f"expects at most {_MOST_BITS} columns and {_MOST_SETS:.2g} sets. {_ELSE}"
        )


def choices_of(setup: ScoreSetup, state: State, stop: BoolArray) -> list[Choices] | None:
    """List the choices of each node; None if the time is up."""
    found = []
    for v in track(range(setup.n_nodes), total=setup.n_nodes, label="sets of parents"):
        family = Family.of(setup, v)
        found.append(Choices.of(family, score_family(setup, state, family, stop)[0]))
        if stop[0]:
            return None
    return found


def best_dag(setup: ScoreSetup, choices: list[Choices], stop: BoolArray) -> BoolArray | None:
    """Find the DAG with the highest score; None if the time is up.

    Returns
    -------
    ndarray of bool, shape (p, p), or None
        `dag[i, j]` is `i -> j`.
    """
    p, before = setup.n_nodes, 0
    dag = setup.required.copy()
    for group in _groups(setup.required, choices):
        order = _order_of(group, setup.required, choices, stop)
        if order is None:
            return None
        for v in order:
            chosen = choices[v].among(before)
            dag[:, v] |= (chosen >> np.arange(p)) & 1 == 1
            before |= 1 << v
    return dag


def _groups(required: BoolArray, choices: list[Choices]) -> list[list[int]]:
    """Nodes that may cause each other either way, earlier groups first."""
    p = len(choices)
    reach = required | np.eye(p, dtype=np.bool_)
    for v, choice in enumerate(choices):
        reach[:, v] |= (np.bitwise_or.reduce(choice.masks) >> np.arange(p)) & 1 == 1
    for k in range(p):
        reach |= reach[:, [k]] & reach[k]
    both = reach & reach.T
    # Whatever a group can reach is reached by more nodes than the group itself.
    heads = sorted({int(row.argmax()) for row in both}, key=lambda v: int(reach[:, v].sum()))
    return [np.flatnonzero(both[v]).tolist() for v in heads]


def _order_of(
    group: list[int], required: BoolArray, choices: list[Choices], stop: BoolArray
) -> list[int] | None:
    from causalkit.discovery.search import _exact_kernels as kernels

    m, members = len(group), np.array(group, dtype=np.intp)
    if m > _LARGEST_GROUP:
        raise InputError(
            f"{m} columns may all cause each other, as far as the scores of their sets of parents "
            f"say; an exact search expects at most {_LARGEST_GROUP} such. {_ELSE}"
        )
    tables = np.empty((m, 1 << (m - 1)))
    place = {v: k for k, v in enumerate(group)}
    for k, v in enumerate(group):
        own = sum(1 << place[a] for a in np.flatnonzero(required[:, v]).tolist() if a in place)
        kernels.best_within(choices[v].masks, choices[v].scores, members, k, tables[k], stop)
        if own:  # without its required parents before it, a node cannot be placed
            closed = (own & ((1 << k) - 1)) | (own >> (k + 1) << k)
            tables[k, (np.arange(1 << (m - 1)) & closed) != closed] = -np.inf
    order = np.zeros(m, dtype=np.intp)
    kernels.best_order(tables, order, stop)
    return None if stop[0] else [group[k] for k in order.tolist()]
