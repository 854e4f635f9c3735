"""Greedy search through equivalence classes with arrays of names removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Final

import numpy as np

from causalkit.discovery._deadline import flag_when_up
from causalkit.discovery.search._score_setup import ScoreSetup
from causalkit.scores import LocalScore
from causalkit.scores._states import GaussianState, Paths, State
from causalkit.typing import BoolArray, IntArray

__all__ = ["AGAIN", "PHASES", "Walk", "backward", "kin_of", "polish", "total", "walk"]

PHASES: Final = ("forward", "backward", "turning")
"""In the order of the kernels' kinds of steps."""

AGAIN: Final = ("step", "round", "never")
"""After what the first phase follows, in the kernels' order."""

_PAIRS: Final = 3
_EVEN: Final = 1e-8
"""Of how many pairs of columns the scores are compared, and as how much of them rounding counts."""


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """What a greedy search came to.

    Attributes
    ----------
    dag : ndarray of bool, shape (p, p)
        `dag[i, j]` is `i -> j`.
    n_steps : int
        Edges that were inserted, deleted or turned.
    stopped : bool
        Whether the time was up.
    """

    dag: BoolArray
    n_steps: int
    stopped: bool


def backward(setup: ScoreSetup, dag: BoolArray) -> BoolArray:
    """Delete edges from the class of a DAG, each time the one that gains most, while one gains.

    Parameters
    ----------
    setup : ScoreSetup
    dag : ndarray of bool, shape (p, p)
        `dag[i, j]` is `i -> j`; obeys the knowledge.

    Returns
    -------
    ndarray of bool, shape (p, p)
        As does this one.
    """
    return walk(setup, dag, ("backward",), again="never").dag


def polish(setup: ScoreSetup, dag: BoolArray) -> BoolArray:
    """Take steps of all kinds while one gains.

    A search over orders with a Gaussian score leaves few of them, for little: not worth compiling.
    """
    with setup.state() as state:
        if isinstance(state, GaussianState):
            return dag
    return walk(setup, dag, PHASES, again="round").dag


def walk(
    setup: ScoreSetup,
    dag: BoolArray,
    phases: Sequence[str],
    *,
    again: str,
) -> Walk:
    """Change the class of a DAG step by step while that gains.

    Where the score knows upon what was intervened, it is the class under these interventions.

    Parameters
    ----------
    setup : ScoreSetup
    dag : ndarray of bool, shape (p, p)
        Obeys the knowledge.
    phases : sequence of str
        Some of :data:`PHASES`.
    again : str
        One of :data:`AGAIN`: when to begin with the first phase again.
    """
    from causalkit.discovery.search import _ges_kernels as kernels
    from causalkit.discovery.search._ges_graph_kernels import Class, Room
    from causalkit.discovery.search._ges_step_kernels import Limits, Scratch

    p, allowed = setup.n_nodes, setup.allowed
    cls, room, kin = Class.of(p), Room.of(p), kin_of(setup)
    cls.dag[:], cls.kin[:] = dag, kin
    kinds = np.array([PHASES.index(phase) for phase in phases], dtype=np.intp)
    with setup.state() as state, flag_when_up(setup.clock) as stop:
        limits = Limits(
            allowed,
            allowed & ~allowed.T,
            setup.required | setup.required.T,
            bool((allowed & ~allowed.T).any()),
            _is_uneven(setup.local, state, kin),
            setup.max_parents,
        )
        n_saved = p if limits.restricted or limits.uneven else 0
        work = Scratch.of(Paths.of(state, setup.max_parents, p), p, n_saved)
        gains, when = kernels.Gains.of(p), AGAIN.index(again)
        n_steps = kernels.search(state, cls, room, limits, work, gains, kinds, when, stop)
        stopped = bool(stop[0])
    return Walk(cls.dag, int(n_steps), stopped)


def total(setup: ScoreSetup, dag: BoolArray) -> float:
    """Score of a DAG."""
    return float(sum(setup.local(v, np.flatnonzero(dag[:, v]).tolist()) for v in range(len(dag))))


def kin_of(setup: ScoreSetup) -> IntArray:
    """Number the nodes, shape (p,), those alike that interventions touch or spare together."""
    targets = setup.local.targets
    if targets is None:
        return np.zeros(setup.n_nodes, dtype=np.intp)
    kin: IntArray = np.unique(targets.T, axis=0, return_inverse=True)[1].reshape(-1)
    return kin.astype(np.intp)


def _is_uneven(local: LocalScore, state: State, kin: IntArray) -> bool:
    """Whether graphs of a class may score differently."""
    if isinstance(state, GaussianState):
        return len(set(zip(kin, state.group, strict=True))) > len(set(kin))
    listed = np.argsort(kin, kind="stable").tolist()
    for a, b in islice(((a, b) for a, b in pairwise(listed) if kin[a] == kin[b]), _PAIRS):
        forth, back = local(a, []) + local(b, [a]), local(b, []) + local(a, [b])
        if abs(forth - back) > _EVEN * (abs(forth) + abs(back)):
            return True
    return False
