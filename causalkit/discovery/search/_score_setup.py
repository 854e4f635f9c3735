"""What score-based algorithms do before their search: check settings, order columns, bind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from causalkit._core.checks import check_count, check_positive
from causalkit._core.moments import Moments
from causalkit._core.table import Table
from causalkit.discovery._setup import as_knowledge, in_name_order
from causalkit.discovery.constraint._skeleton import Clock
from causalkit.discovery.knowledge import Knowledge
from causalkit.errors import InputError, NumericalError
from causalkit.graph import CausalGraph
from causalkit.scores import ExtendedBIC, LocalScore, Score
from causalkit.scores._states import State
from causalkit.typing import BoolArray, Name

__all__ = ["ScoreSetup", "as_score", "set_up_search"]


@dataclass(frozen=True, slots=True, eq=False)
class ScoreSetup:
    """A search that can begin; arrays are by position in `names`.

    Attributes
    ----------
    names : tuple of names
        In their own order, so that permuted columns give the same graph.
    shown : tuple of names
        In the order of the data.
    local : LocalScore
        On the columns in the first order.
    allowed : ndarray of bool, shape (p, p)
        `allowed[i, j]`: i may be a parent of j.
    required : ndarray of bool, shape (p, p)
        `required[i, j]`: i is a parent of j in any case.
    max_parents : int
    knowledge : Knowledge
    clock : Clock
        Runs since the beginning.
    idle : list, optional
        What the score remembers from one search of a fit to the next.
    """

    names: tuple[Name, ...]
    shown: tuple[Name, ...]
    local: LocalScore
    allowed: BoolArray
    required: BoolArray
    max_parents: int
    knowledge: Knowledge
    clock: Clock
    idle: list[Any] | None = None

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return len(self.names)

    @contextmanager
    def state(self) -> Iterator[State]:
        """Give what compiled searches ask of the score."""
        with self.local.state(self.idle) as state:
            yield state


def set_up_search(
    table: Table | Moments,
    score: Score | None,
    knowledge: Knowledge | None,
    *,
    skeleton: CausalGraph | None,
    max_parents: int | None,
    max_seconds: float | None,
) -> ScoreSetup:
    """Check the settings of an algorithm and bind its score to the table."""
    if max_parents is not None:
        check_count(max_parents, "max_parents", minimum=0)
    if max_seconds is not None:
        check_positive(max_seconds, "max_seconds")
    clock = Clock.start(max_seconds)
    score = as_score(score)
    shown = score.nodes(table.names)
    names = in_name_order(shown)
    known = as_knowledge(knowledge)
    forbidden, required = known.forbidden_matrix(names), known.required_matrix(names)
    allowed = ~forbidden & _joined(skeleton, names)
    np.fill_diagonal(allowed, False)
    columns = score.columns(names)
    ordered = table if columns == table.names else table.select(columns)
    bind: Any = score.bind if isinstance(ordered, Table) else score.bind_moments  # type: ignore[attr-defined]
    local: LocalScore = bind(ordered)
    limit = local.most_parents
    most = limit if max_parents is None else min(limit, max_parents)
    _check_room(required, most, names)
    _check_can_be_told_apart(local, required, names)
    return ScoreSetup(names, shown, local, allowed | required, required, most, known, clock)


def as_score(score: Score | None) -> Score:
    """Check a score; none is :class:`~causalkit.scores.ExtendedBIC`."""
    if score is None:
        return ExtendedBIC()
    if isinstance(score, type) or not callable(getattr(score, "bind", None)):
        raise InputError(
            f"score={score!r}; expected a score such as GaussianBIC(). Pass an instance, with "
            "parentheses, or leave it out."
        )
    return score


def _joined(skeleton: CausalGraph | None, names: tuple[Name, ...]) -> BoolArray:
    """Pairs that a graph joins; all of them without a graph."""
    p = len(names)
    if skeleton is None:
        return np.ones((p, p), dtype=np.bool_)
    if not isinstance(skeleton, CausalGraph):
        raise InputError(
            f"skeleton is a {type(skeleton).__name__}; expected a CausalGraph, whose adjacent "
            "pairs are the only ones that may be joined. PC().fit(data).graph_ is one."
        )
    where = [skeleton.index(name) for name in names]
    joined: BoolArray = skeleton.ends[np.ix_(where, where)] != 0
    return joined | joined.T


def _check_can_be_told_apart(
    local: LocalScore, required: BoolArray, names: tuple[Name, ...]
) -> None:
    """Refuse required causes that no regression can tell apart: any graph would score -inf."""
    for v in np.flatnonzero(required.any(axis=0)):
        causes = np.flatnonzero(required[:, v]).tolist()
        if np.isneginf(local(int(v), causes)):
            shown = ", ".join(repr(names[c]) for c in causes[:6])
            raise NumericalError(
                f"the required causes {shown} of {names[v]!r} determine each other in these rows; "
                "expected columns that can be told apart. Leave out columns that repeat others, or "
                "require fewer of these edges."
            )


def _check_room(required: BoolArray, most: int, names: tuple[Name, ...]) -> None:
    n_parents = required.sum(axis=0)
    full = np.flatnonzero(n_parents > most)
    if len(full):
        raise InputError(
            f"{names[full[0]]!r} has {n_parents[full[0]]} required parents, and at most {most} are "
            "allowed; expected no more. Raise max_parents, bring more rows, or require fewer."
        )
