"""What invariance says of the causes of one variable: sets, p-values, intervals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from causalkit._core.report import Report, Reported, format_value
from causalkit.discovery.base import show_set
from causalkit.discovery.interventions._invariance import Fit, columns_of
from causalkit.errors import UnknownVariableError
from causalkit.graph.marks import show_name
from causalkit.typing import Name

__all__ = ["InvariantParents", "InvariantSet", "PlausibleParent", "conclude", "hitting_sets"]

_SHOWN = 8


@dataclass(frozen=True, slots=True)
class InvariantSet:
    """A set of predictors, and how alike environments are given it.

    Attributes
    ----------
    variables : tuple of names
    p_value : float
        Of residuals that have the same law in all environments.
    """

    variables: tuple[Name, ...]
    p_value: float

    def __str__(self) -> str:
        return f"{show_set(self.variables)} (p = {self.p_value:.3g})"


@dataclass(frozen=True, slots=True, repr=False)
class PlausibleParent(Reported):
    """Whether a variable is a cause, and what that rests on.

    Attributes
    ----------
    variable : str or int
    is_parent : bool
        Whether all accepted sets contain it.
    p_value : float
        The largest of all sets without it: of its being no cause. 1 if no set is accepted.
    rival : InvariantSet
        That set.
    interval : tuple of two floats, or None
        For its weight in the linear equation of the target; None if the regression is not linear,
        the variable has several columns, or no set is accepted.
    """

    variable: Name
    is_parent: bool
    p_value: float
    rival: InvariantSet
    interval: tuple[float, float] | None

    def _report(self) -> Report:
        if self.is_parent:
            why = "every accepted set contains it"
        else:
            why = "it is not in every accepted set, or none is accepted"
        verdict = "a cause" if self.is_parent else "not shown to be a cause"
        return Report(
            f"{show_name(self.variable)}: {verdict}",
            facts=[
                ("why", why),
                ("p-value of no cause", self.p_value),
                ("best set without it", str(self.rival)),
                ("weight", _show_interval(self.interval)),
            ],
        )


@dataclass(frozen=True, slots=True, repr=False)
class InvariantParents(Reported):
    """Causes of a target that invariance shows.

    Attributes
    ----------
    target : str or int
    alpha : float
    parents : tuple of names
        In all accepted sets.
    predictors : tuple of PlausibleParent
        One for each candidate.
    sets : tuple of InvariantSet
        All sets that were tested, those with large p-values first.
    defining_sets : tuple of tuples of names
        Where `parents` is empty and the empty set is not accepted: smallest sets that meet all
        accepted ones. Each holds a cause, at the level `1 - alpha` for all of them.
    """

    target: Name
    alpha: float
    parents: tuple[Name, ...]
    predictors: tuple[PlausibleParent, ...]
    sets: tuple[InvariantSet, ...]
    defining_sets: tuple[tuple[Name, ...], ...]

    @property
    def accepted(self) -> tuple[InvariantSet, ...]:
        """Sets given which environments may be alike."""
        return tuple(one for one in self.sets if one.p_value > self.alpha)

    @property
    def is_rejected(self) -> bool:
        """Whether no set is accepted, so that some assumption does not hold."""
        return not self.accepted

    def explain(self, variable: Name) -> PlausibleParent:
        """Say why a variable is a cause, or is not shown to be one.

        Raises
        ------
        UnknownVariableError
            If it is no candidate.
        """
        for one in self.predictors:
            if one.variable == variable:
                return one
        known = [one.variable for one in self.predictors]
        raise UnknownVariableError.among(variable, known, where="the candidates")

    def _report(self) -> Report:
        accepted = self.accepted
        facts: list[tuple[str, object]] = [
            ("shown to be causes", show_set(self.parents)),
            ("accepted sets", f"{len(accepted)} of {len(self.sets)} at level {self.alpha:g}"),
        ]
        notes = []
        if self.is_rejected:
            notes.append(
                "No set leaves residuals that are alike in all environments: something was done to "
                f"the target itself, a common cause is hidden, {show_name(self.target)} is no such "
                "function of its causes, or a cause is missing among the candidates."
            )
        elif not self.parents:
            listed = "; ".join(map(show_set, self.defining_sets[:_SHOWN]))
            notes.append(
                f"At least one cause is in each of: {listed}."
                if listed
                else "Environments may be alike given nothing, so nothing is shown. Environments "
                "that differ more would say more."
            )
        rows = [
            (
                show_name(one.variable),
                "yes" if one.is_parent else "",
                one.p_value,
                _show_interval(one.interval),
            )
            for one in self.predictors
        ]
        columns = ("variable", "cause", "p-value", "weight")
        return Report(f"Causes of {show_name(self.target)}", facts, columns, rows, notes)


def hitting_sets(sets: Iterable[frozenset[int]]) -> list[frozenset[int]]:
    """Smallest sets that meet all of these; none if one of these is empty.

    Returns
    -------
    list of frozenset of int
        None of them contains another; the small ones first.
    """
    listed = sorted(set(sets), key=lambda one: (len(one), sorted(one)))
    least: list[frozenset[int]] = []
    for one in listed:  # whatever meets a set meets its supersets
        if not any(held <= one for held in least):
            least.append(one)
    found: list[frozenset[int]] = [frozenset()]
    for one in least:
        met = [held for held in found if held & one]
        longer = {held | {v} for held in found if not held & one for v in one}
        found = met + [new for new in longer if not any(held <= new for held in met)]
    return sorted(found, key=lambda one: (len(one), sorted(one)))


def conclude(
    target: Name,
    names: tuple[Name, ...],
    blocks: Sequence[Sequence[int]],
    chosen: Sequence[tuple[int, ...]],
    fits: Sequence[Fit],
    alpha: float,
) -> InvariantParents:
    """Draw the conclusions from the tests of sets of numbered candidates."""
    sets = [InvariantSet(tuple(names[v] for v in one), fit.p_value) for one, fit in
            zip(chosen, fits, strict=True)]  # fmt: skip
    accepted = [(one, fit) for one, fit in zip(chosen, fits, strict=True) if fit.p_value > alpha]
    shared = set(range(len(names))).intersection(*(set(one) for one, _ in accepted))
    shared = shared if accepted else set()
    predictors = []
    for v, name in enumerate(names):
        rival = max(
            (held for one, held in zip(chosen, sets, strict=True) if v not in one),
            key=lambda held: held.p_value,
        )
        interval = _interval(v, blocks, accepted, alpha) if accepted else None
        p_value = rival.p_value if accepted else 1.0
        predictors.append(PlausibleParent(name, v in shared, p_value, rival, interval))
    defining: tuple[tuple[Name, ...], ...] = ()
    if accepted and not shared and all(one for one, _ in accepted):
        met = hitting_sets(frozenset(one) for one, _ in accepted)
        defining = tuple(tuple(names[v] for v in sorted(one)) for one in met)
    return InvariantParents(
        target,
        alpha,
        tuple(names[v] for v in sorted(shared)),
        tuple(predictors),
        tuple(sorted(sets, key=lambda one: -one.p_value)),
        defining,
    )


def _interval(
    v: int,
    blocks: Sequence[Sequence[int]],
    accepted: Sequence[tuple[tuple[int, ...], Fit]],
    alpha: float,
) -> tuple[float, float] | None:
    """Hull of the intervals of all accepted sets; zero for those without the variable."""
    from scipy.stats import t

    if len(blocks[v]) != 1 or any(one and not len(fit.weights) for one, fit in accepted):
        return None
    low, high = np.inf, -np.inf
    for one, fit in accepted:
        middle = half = 0.0
        if v in one:
            at = columns_of(blocks, one).index(blocks[v][0])
            middle, error = float(fit.weights[at]), float(fit.std_errors[at])
            half = float(t.ppf(1 - alpha / 2, fit.df) * error) if fit.df > 0 else np.inf
        low, high = min(low, middle - half), max(high, middle + half)
    return low, high


def _show_interval(interval: tuple[float, float] | None) -> str:
    if interval is None:
        return "–"
    return f"{format_value(interval[0])} to {format_value(interval[1])}"
