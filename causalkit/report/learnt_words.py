"""What the effect over all possible graphs says, in sentences for the first page of a report.

All counts are about the graphs that were kept: those that the data leave possible. What is said of
shares is said of the searches whose graph was kept, since the others found graphs that the data
rule out. Three cases have words of their own, since a reader would take them for something else: an
interval of zero width, because every graph says zero; no bounds, because in some graphs nothing
that was measured tells the effect; and no bounds, because an answer could not be estimated.
"""

from __future__ import annotations

import math
from typing import Any, Final

from causalkit.report.interval_picture import Bar

__all__ = ["all_say_zero", "parts_of", "percent", "share_without_effect", "why_longer", "why_open"]

_ALIKE: Final = 0.1
"""Share of its length by which an interval may be longer and still be called about the same."""


def parts_of(learnt: Any) -> tuple[Any, ...]:
    """The effects over all graphs, one a contrast; they share graphs, answers and weights."""
    return tuple(getattr(learnt, "effects", (learnt,)))


def all_say_zero(learnt: Any) -> bool:
    """Whether every graph that was kept says that there is no effect."""
    alternatives = parts_of(learnt)[0].alternatives
    return not alternatives.n_open and all(effect.implied for effect in alternatives)


def why_open(learnt: Any) -> str:
    """What takes the bounds away, as the end of a sentence on some of the possible graphs."""
    part = parts_of(learnt)[0]
    if not part.failures:
        return "could be anything"
    if part._unidentified:
        return "could be anything, and in some it could not be estimated"
    return "could not be estimated"


def percent(share: float) -> str:
    """A share, rounded, but never to none or all if it is neither."""
    if 0 < share < 0.01:
        return "less than 1%"
    return "more than 99%" if 0.99 < share < 1 else f"{share:.0%}"


def share_without_effect(learnt: Any) -> str:
    """How much of what is possible has no effect."""
    part = parts_of(learnt)[0]
    if all_say_zero(learnt):
        return "Every graph that the data leave possible says that there is no effect."
    if not any(effect.implied for effect in part.alternatives):
        return "No graph that the data leave possible says that there is no effect."
    share = percent(part.probability("zero"))
    return (
        f"Of the searches whose graph the data leave possible, {share} found that there is no "
        "effect (a class of graphs that has several answers counts in equal parts)."
    )


def why_longer(analysis: Any, pairs: tuple[tuple[Bar, ...], ...]) -> str:
    """What makes the honest intervals longer than those that take the learnt graph as right.

    Parameters
    ----------
    analysis : Analysis
        With the effect over all graphs.
    pairs : tuple of (Bar, Bar)
        Of each effect the honest interval and the other.
    """
    honest, given = pairs[0]
    learnt = analysis.learnt
    n_graphs, n_answers = len(learnt.graphs), len(parts_of(learnt)[0].alternatives)
    possible = f"the {n_graphs} graphs that the data leave possible"
    if math.isinf(given.length):
        return "Already the graph that was learnt leaves open how large the effect is."
    if analysis.graph not in learnt.graphs.graphs:
        return (
            "The second takes as known the graph that was learnt, and the graphs that the data "
            "leave possible do not include it. Rely on the first."
        )
    if n_graphs == 1:
        return (
            "The two are the same: of the graphs that were gone over, the data leave only the "
            "learnt one possible."
        )
    if all_say_zero(learnt):
        return f"The two say the same, as do all of {possible}."
    if math.isinf(honest.length):
        return (
            "The second takes the one graph that was learnt as known. The first allows for "
            f"{possible}: in some of them the effect {why_open(learnt)}."
        )
    if math.isnan(given.lower):
        return (
            "The learnt graph says zero by itself. Other graphs that the data leave possible do "
            f"not; the interval goes over all {n_graphs}."
        )
    if all(first.length <= (1 + _ALIKE) * second.length for first, second in pairs):
        return f"The two are about the same: {possible} give nearly the same answer."
    return (
        "The second is shorter because it takes the one graph that was learnt as known. The first "
        f"allows for {possible}, which give {n_answers} different answers. Rely on the first."
    )
