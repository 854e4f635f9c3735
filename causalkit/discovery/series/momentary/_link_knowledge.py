"""Knowledge about series as arrays over lags: which links there are, and which there cannot be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from causalkit.discovery.knowledge import Knowledge
from causalkit.errors import InputError, UnknownVariableError
from causalkit.graph import Lagged
from causalkit.graph._validity import topological_order
from causalkit.graph.lagged import as_lagged
from causalkit.typing import BoolArray, Name

__all__ = ["LinkBounds"]


@dataclass(frozen=True, slots=True)
class LinkBounds:
    """What is known about links.

    Attributes
    ----------
    names : tuple of names
    forbidden, required : ndarrays of bool, shape (max_lag + 1, p, p)
        `[lag, i, j]`: i, `lag` steps ago, does not cause j; or does. Nothing causes itself within
        a step.
    knowledge : Knowledge
    """

    names: tuple[Name, ...]
    forbidden: BoolArray
    required: BoolArray
    knowledge: Knowledge

    @classmethod
    def of(cls, knowledge: Knowledge, names: tuple[Name, ...], max_lag: int) -> LinkBounds:
        """Read knowledge about series, for all lags, or about nodes.

        Raises
        ------
        UnknownVariableError
            If it names a series that is not there.
        InputError
            If a required cause comes after its effect, or before `max_lag`, or statements about
            series and about nodes contradict each other.
        """
        p = len(names)
        forbidden = np.zeros((max_lag + 1, p, p), dtype=np.bool_)
        required = np.zeros_like(forbidden)
        forbidden[0] = np.eye(p, dtype=np.bool_)
        where = {name: k for k, name in enumerate(names)}
        tier = {name: level for level, held in enumerate(knowledge.tiers) for name in held}
        for name in tier:
            if name not in where:
                raise UnknownVariableError.among(name, names)
        for a, level in tier.items():
            for b, other in tier.items():
                closed = level == other and level in knowledge.closed_tiers and a != b
                if level > other or closed:
                    forbidden[:, where[a], where[b]] = True
        for pair in knowledge.forbidden:
            forbidden[cls._cells(pair, where, max_lag, "forbidden")] = True
        for pair in knowledge.required:
            lag, i, j = cls._cells(pair, where, max_lag, "required")
            if isinstance(lag, slice):
                raise InputError(
                    f"{pair[0]} -> {pair[1]} is required between two series; expected two nodes, "
                    "because a cause acts at some lag and not at all of them. Write e.g. "
                    f"({pair[0]}[t-1], {pair[1]}[t])."
                )
            required[lag, i, j] = True
            if lag == 0:
                forbidden[0, j, i] = True
        _check_agreement(names, forbidden, required)
        return cls(names, forbidden, required, knowledge)

    @staticmethod
    def _cells(
        pair: tuple[Name, Name], where: dict[Name, int], max_lag: int, what: str
    ) -> tuple[int | slice, int, int]:
        if pair[0] in where and pair[1] in where:
            return slice(None), where[pair[0]], where[pair[1]]
        cause, effect = (as_lagged(node, tuple(where)) for node in pair)
        for node in (cause, effect):
            if node.name not in where:
                raise UnknownVariableError.among(node.name, where)
        lag = cause.lag - effect.lag
        if not 0 <= lag <= max_lag:
            raise InputError(
                f"{cause} -> {effect} is {what}, a lag of {lag}; expected one from 0 to max_lag = "
                f"{max_lag}. Change the statement, or max_lag."
            )
        return lag, where[cause.name], where[effect.name]

    def candidates(self) -> BoolArray:
        """`[j, column]`: columns of the past that may drive series j."""
        n_lags, p, _ = self.forbidden.shape
        allowed = ~self.forbidden
        allowed[0] = False
        return np.ascontiguousarray(allowed.reshape(n_lags * p, p).T)

    def kept(self) -> BoolArray:
        """`[j, column]`: columns of the past that do drive series j."""
        n_lags, p, _ = self.required.shape
        required = self.required.copy()
        required[0] = False
        return np.ascontiguousarray(required.reshape(n_lags * p, p).T)

    def why(self, past: Lagged, now: Lagged) -> str | None:
        """Say what is known about a link; None if nothing is."""
        i, j = self.names.index(past.name), self.names.index(now.name)
        if self.required[past.lag, i, j]:
            return f"{past} -> {now} is required"
        if past.lag == 0 and self.required[0, j, i]:
            return f"{now} -> {past} is required"
        closed = self.forbidden[past.lag, i, j] and (past.lag or self.forbidden[0, j, i])
        if not closed:
            return None
        told = self.knowledge.why_forbidden(past.name, now.name)
        return told or f"{past} -> {now} is forbidden"


def _check_agreement(names: tuple[Name, ...], forbidden: BoolArray, required: BoolArray) -> None:
    """Refuse what `Knowledge` could not see, because the same node has several names."""
    for lag, i, j in np.argwhere(required & forbidden)[:1].tolist():
        raise InputError(
            f"{Lagged(names[i], lag)} -> {Lagged(names[j])} is required, and another statement "
            "rules it out; expected statements that agree. Drop one of the two."
        )
    if topological_order(required[0]) is None:
        raise InputError(
            "the edges required within a step run in a circle; expected no directed cycle. Drop "
            "one of them."
        )
