"""Weights of sets of parents, ready to be summed over all those that an order allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from causalkit._core.progress import track
from causalkit.discovery.search._families import Family, score_family
from causalkit.discovery.search._score_setup import ScoreSetup
from causalkit.errors import InputError
from causalkit.scores._states import State
from causalkit.typing import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    from causalkit.discovery.bayesian._parent_table_kernels import ParentTables

__all__ = ["candidates_of", "check_room", "parent_tables"]

_BYTES: Final = 2**31


def candidates_of(setup: ScoreSetup, node: int, n_candidates: int) -> IntArray:
    """Choose the nodes that may best cause a node, by steps: each the best beside those before.

    So a node that says nothing new beside its parents comes after one that does, and the spouses
    of a node, of use once their common child was chosen, come late.
    """
    free = np.flatnonzero(setup.allowed[:, node] & ~setup.required[:, node]).tolist()
    if len(free) <= n_candidates:
        return np.array(free, dtype=np.intp)
    given = np.flatnonzero(setup.required[:, node]).tolist()
    chosen: list[int] = []
    while len(chosen) < n_candidates:
        gains = np.full(len(free), -np.inf)
        if len(given) < setup.local.most_parents:
            gains = np.nan_to_num(setup.local.gains(node, given, free), nan=-np.inf)
        best = free.pop(int(np.argmax(gains)))
        chosen.append(best)
        if np.max(gains) > -np.inf:
            given.append(best)
    return np.sort(np.array(chosen, dtype=np.intp))


def check_room(setup: ScoreSetup, n_candidates: int, n_outside: int, advice: str) -> None:
    """Check that the tables fit into memory.

    Raises
    ------
    InputError
        If they do not.
    """
    n_bytes = 16.0 * setup.n_nodes * (1 + n_outside) * 2.0**n_candidates
    if n_bytes > _BYTES:
        raise InputError(
            f"sets of up to {n_candidates} candidates of each of {setup.n_nodes} columns need "
            f"{n_bytes / 2**30:.3g} GB; expected at most {_BYTES / 2**30:.3g}. {advice}"
        )


def parent_tables(
    setup: ScoreSetup,
    state: State,
    candidates: list[IntArray],
    outside: list[IntArray],
    price: FloatArray,
    stop: BoolArray,
) -> tuple[ParentTables, FloatArray]:
    """Score the sets of parents of all nodes, less a price by number of parents; sum them up.

    Returns
    -------
    tables : ParentTables
        Weights are scores less the highest one of the node.
    highest : ndarray of shape (p,)
        That score.
    """
    from causalkit.discovery.bayesian._parent_table_kernels import ParentTables, sum_subsets

    p = setup.n_nodes
    required = [np.flatnonzero(setup.required[:, v]) for v in range(p)]
    lists = _filled(required), _filled(candidates), _filled(outside)
    shape = (p, 1 + lists[2].shape[1], 1 << lists[1].shape[1])
    weight = np.full(shape, -np.inf)
    highest = np.zeros(p)
    for v in track(range(p), total=p, label="sets of parents"):
        family = Family.of(setup, v, candidates[v], outside[v])
        scores, wider = score_family(setup, state, family, stop)
        n_parents = len(required[v]) + family.sizes
        family.by_bits(scores - price[n_parents], weight[v, 0])
        priced = wider - price[np.minimum(n_parents + 1, p - 1)]
        family.by_bits(priced, weight[v, 1 : 1 + len(outside[v])])
        highest[v] = weight[v].max()
        weight[v] -= highest[v]
    total = weight.copy()
    for table in total.reshape(-1, shape[2]):
        sum_subsets(table)
    return ParentTables(*lists, weight, total), highest


def _filled(lists: list[IntArray]) -> IntArray:
    table = np.full((len(lists), max(map(len, lists))), -1, dtype=np.intp)
    for row, some in zip(table, lists, strict=True):
        row[: len(some)] = some
    return table
