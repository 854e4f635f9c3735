"""Effects in a system of mechanisms: sums of products of slopes where linear, else two runs.

Where every node on a directed path from treatment to outcome is linear in its causes and adds its
noise, one unit of the treatment moves the outcome by the sum over paths of the products of slopes,
in every row. Elsewhere the model is run twice with the same noise, once with each value of the
treatment, and the difference is averaged: what the two runs share cancels, so its Monte Carlo error
is that of the effect and not of the outcome.

Natural effects (Pearl 2001) let the mediators of each row take the value that they would have with
the other value of the treatment: with Y(t, m) the outcome,

    direct   Y(b, M(a)) − Y(a, M(a))          indirect   Y(a, M(b)) − Y(a, M(a)).

References
----------
Wright (1934), Annals of Mathematical Statistics 5, 161-215. doi:10.1214/aoms/1177732676
Pearl (2001), "Direct and indirect effects", UAI, 411-420.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from causalkit.errors import InputError
from causalkit.models.interventions import Hold, Policy, Shift
from causalkit.models.mechanisms.additive import Additive, Linear
from causalkit.models.mechanisms.base import Mechanism
from causalkit.models.structural._ancestral import System
from causalkit.models.structural._intervened import Shifted
from causalkit.models.structural.latent_factors import Coupled
from causalkit.models.truth import Truth, mean_truth
from causalkit.typing import BoolArray, FloatArray

__all__ = ["EffectQuestion", "answer_question", "linear_slope"]

_BATCH = 20_000
_FEWEST = 100

Range = tuple[float, float]
"""From where (included) to where (not included, unless they are equal)."""


@dataclass(frozen=True, slots=True, eq=False)
class EffectQuestion:
    """An effect that is asked for, by positions of nodes.

    Attributes
    ----------
    treatment, outcome : int
    contrast : tuple of two interventions
    kind : {"total", "direct", "indirect"}
    mediators : tuple of int
        Of natural effects.
    given : dict of int to (float, float)
        Ranges that natural values lie in, of the rows that it is the effect for.
    words : str
    """

    treatment: int
    outcome: int
    contrast: tuple[Hold | Shift | Policy, Hold | Shift | Policy]
    kind: str
    mediators: tuple[int, ...]
    given: Mapping[int, Range]
    words: str


def answer_question(
    system: System, question: EffectQuestion, n: int, rng: np.random.Generator
) -> Truth:
    """Answer in closed form if there is one, else by runs with n rows in all.

    Parameters
    ----------
    system : System
    question : EffectQuestion
    n : int
        Rows drawn.
    rng : Generator

    Returns
    -------
    Truth

    Raises
    ------
    InputError
        If fewer than 100 of the rows are as given.
    """
    low, high = (_number(side) for side in question.contrast)
    if low is not None and high is not None:
        slope = linear_slope(system, question.treatment, question.outcome)
        if slope is not None and question.kind != "total":
            direct = linear_slope(system, question.treatment, question.outcome, question.mediators)
            slope = direct if question.kind == "direct" or direct is None else slope - direct
        if slope is not None:
            return Truth(slope * (high - low), question=question.words)
    return _by_runs(system, question, n, rng)


def linear_slope(
    system: System, treatment: int, outcome: int, blocked: Collection[int] = ()
) -> float | None:
    """What one unit of a node adds to another one in every row; None if that is not linear.

    Parameters
    ----------
    system : System
    treatment, outcome : int
        Positions of nodes.
    blocked : collection of int
        Nodes that do not pass it on.

    Returns
    -------
    float or None
    """
    name = system.dag.nodes[treatment]
    between = system.above([outcome]) & set(system.dag.indices(system.dag.descendants(name)))
    gained = np.zeros(len(system.mechanisms))
    gained[treatment] = 1.0
    for k in system.dag.order.tolist():
        if k == treatment or k not in between:
            continue
        slopes, passed = _slopes(system.mechanisms[k]), gained[system.parents(k)]
        if slopes is None or passed[len(slopes) :].any():
            return None
        if k not in blocked:
            gained[k] = slopes @ passed[: len(slopes)]
    return float(gained[outcome])


def _slopes(mechanism: Mechanism) -> FloatArray | None:
    """Slopes of a linear mechanism, those of factors (which come last) left out."""
    while isinstance(mechanism, Shifted | Coupled):
        mechanism = mechanism.mechanism
    if isinstance(mechanism, Additive) and isinstance(mechanism.mean, Linear):
        return mechanism.mean.slopes
    return None


def _number(side: Hold | Shift | Policy) -> float | None:
    if isinstance(side, Hold) and np.ndim(side.value) == 0:
        return float(side.value)
    return None


def _by_runs(system: System, question: EffectQuestion, n: int, rng: np.random.Generator) -> Truth:
    n_batches = -(-n // _BATCH)
    sizes = [n // n_batches + (k < n % n_batches) for k in range(n_batches)]
    found = [
        _differences(system, question, size, stream)
        for size, stream in zip(sizes, rng.spawn(n_batches), strict=True)
    ]
    differences = np.concatenate(found)
    if question.given and len(differences) < _FEWEST:
        raise InputError(
            f"{len(differences)} of {n} rows drawn are as `given` says; expected at least "
            f"{_FEWEST}. Draw more rows (n=), or give wider ranges."
        )
    return mean_truth(differences, question.words)


def _differences(
    system: System, question: EffectQuestion, n: int, rng: np.random.Generator
) -> FloatArray:
    """Outcome of one run minus the other, of rows that are as given."""
    treatment, outcome = question.treatment, question.outcome
    name = system.dag.nodes[treatment]
    low, high = (system.after({name: side}) for side in question.contrast)
    targets = {outcome, *question.mediators}
    needed = low.above(targets) | high.above(targets)
    asked = system.above(question.given) if question.given else frozenset[int]()
    noise = system.draw(n, rng, needed | asked)
    rows = _as_given(system, question, noise, n)
    if not rows.all():
        noise = tuple(None if part is None else part[rows] for part in noise)
        n = int(rows.sum())
    if n == 0:
        return np.zeros(0)
    first, second = low.values(noise, n, needed), high.values(noise, n, needed)
    if question.kind == "direct":
        second = _nested(high, question, first, noise, n)
    elif question.kind == "indirect":
        second = _nested(low, question, second, noise, n)
    difference: FloatArray = second[outcome] - first[outcome]
    return difference


def _nested(
    system: System,
    question: EffectQuestion,
    other: FloatArray,
    noise: tuple[FloatArray | None, ...],
    n: int,
) -> FloatArray:
    """Run with the mediators as they were in another run."""
    held = {system.dag.nodes[k]: Hold(other[k]) for k in question.mediators}
    nested = system.after(held)
    return nested.values(noise, n, nested.above([question.outcome]))


def _as_given(
    system: System, question: EffectQuestion, noise: tuple[FloatArray | None, ...], n: int
) -> BoolArray:
    rows = np.ones(n, dtype=np.bool_)
    if not question.given:
        return rows
    natural = system.values(noise, n, system.above(question.given))
    for k, (low, high) in question.given.items():
        rows &= (natural[k] >= low) & ((natural[k] < high) | (natural[k] == low))
    return rows
