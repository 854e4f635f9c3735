"""The first page of a report: what a decision maker reads.

Everything on it is said in words and follows from the results: the question, the answer with the
interval that admits what is not known, the interval beside it that takes the graph as given and why
the two differ, what the graph rests on, the strongest reasons for doubt, and what would help most.
Doubts are ranked by what they would do to the answer: first what takes the bounds away, then what
speaks against the estimate, then what would move it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from causalkit._core.report import format_value
from causalkit.identification._sentences import about_graph
from causalkit.report.interval_picture import Bar, draw_intervals

__all__ = ["Doubt", "Summary", "summary_of"]

_MOST_DOUBTS: Final = 3
_MOST_BARS: Final = 8

_ALIKE: Final = 0.1
"""Share of its length by which an interval may be longer and still be called about the same."""

_OFTEN: Final = 0.05
"""Share of searches without an effect from which it is a reason for doubt."""

_GIVEN: Final = "with the graph taken as right"
_HONEST: Final = "over all possible graphs"


@dataclass(frozen=True, slots=True)
class Doubt:
    """One reason for doubt: what it is in a few words, and what the analysis says of it."""

    headline: str
    text: str


@dataclass(frozen=True, slots=True)
class Summary:
    """The first page.

    Attributes
    ----------
    question, compared, answer : str
        What is asked, which values of the treatment are compared, and the answer in one sentence.
    intervals : tuple of (str, str)
        What each interval is, and from where to where it goes.
    why_different : str
        One plain sentence on the two intervals, or on the one there is.
    warning : str
        Said in a box: what makes the interval too short. Empty if nothing does.
    picture : str
        SVG, or empty if there is no interval to draw.
    sureness : tuple of str
        How sure the answer is, and what the graph rests on.
    doubts : tuple of Doubt
    help : str
        What would help most.
    """

    question: str
    compared: str
    answer: str
    intervals: tuple[tuple[str, str], ...]
    why_different: str
    warning: str
    picture: str
    sureness: tuple[str, ...]
    doubts: tuple[Doubt, ...]
    help: str


def summary_of(analysis: Any) -> Summary:
    """Return the first page of an :class:`~causalkit.workflow.Analysis`."""
    bars = _bars(analysis)[:_MOST_BARS]
    return Summary(
        question=f"What does {analysis.treatment} do to {analysis.outcome}?",
        compared=_compared(analysis),
        answer=_answer(analysis),
        intervals=tuple((bar.label, bar.words) for bar in bars),
        why_different=_why_different(analysis, bars),
        warning=_warning(analysis),
        picture=draw_intervals(bars, f"effect of {analysis.treatment} on {analysis.outcome}"),
        sureness=tuple(_sureness(analysis)),
        doubts=tuple(_doubts(analysis))[:_MOST_DOUBTS],
        help=_help(analysis),
    )


# --- question and answer --------------------------------------------------------------------------


def _compared(analysis: Any) -> str:
    """What the effect compares; of several, each of them."""
    effects = getattr(analysis.effect, "effects", (analysis.effect,))
    contrasts = (effect.details.get("contrast") for effect in effects)
    return "; ".join(dict.fromkeys(text for text in contrasts if isinstance(text, str)))


def _answer(analysis: Any) -> str:
    """The answer in one sentence, with the interval that admits most."""
    treatment, outcome = analysis.treatment, analysis.outcome
    lower, upper = analysis._interval()
    if getattr(analysis.effect, "reading", "alternatives") != "alternatives":
        return f"There are {analysis.effect.sentence}; each has its own interval below."
    if math.isnan(lower):
        return f"{treatment} has no effect on {outcome}, if the graph is right; nothing estimated."
    if math.isinf(lower) or math.isinf(upper):
        return (
            f"The data do not bound the effect of {treatment} on {outcome}: in some of the graphs "
            "that they leave possible it could be anything."
        )
    span = f"{format_value(lower)} to {format_value(upper)} (95 % interval)"
    if lower > 0 or upper < 0:
        verb = "raises" if lower > 0 else "lowers"
        return f"{treatment} {verb} {outcome}: the effect is {span}."
    return (
        f"It is not settled whether {treatment} changes {outcome}: the effect may be anything from "
        f"{span}, and zero is in it."
    )


# --- intervals ------------------------------------------------------------------------------------


def _bars(analysis: Any) -> tuple[Bar, ...]:
    """The honest interval first; of effects that are no alternatives one each."""
    effect = analysis.effect
    if getattr(effect, "reading", "alternatives") != "alternatives":
        return tuple(
            Bar.of(label, member.interval(), member.value, honest=False)
            for label, member in zip(effect.labels, effect.effects, strict=True)
        )
    values = [member.value for member in getattr(effect, "effects", (effect,))]
    middle = values[0] if len(values) == 1 and not getattr(effect, "n_open", 0) else math.nan
    given = Bar.of(_GIVEN, effect.interval(), middle, honest=False)
    if analysis.learnt is None:
        return (given,)
    return (Bar.of(_HONEST, analysis._interval(), math.nan, honest=True), given)


def _why_different(analysis: Any, bars: tuple[Bar, ...]) -> str:
    if analysis.learnt is None:
        if analysis.discovery is None:
            return "The graph was given. If it is wrong where it matters, so is the interval."
        return ""
    honest, given = bars
    n_graphs, n_answers = len(analysis.learnt.graphs), len(analysis.learnt.alternatives)
    if math.isinf(given.length):
        return "Already the graph that was learnt leaves open how large the effect is."
    if n_graphs == 1:
        return "The two are the same: every search found the same graph."
    if math.isnan(given.lower):
        return (
            "The learnt graph says zero by itself. Other graphs that the data leave possible do "
            f"not; the interval goes over all {n_graphs}."
        )
    if math.isinf(honest.length):
        return (
            "The second takes the one graph that was learnt as known. Among the "
            f"{n_graphs} graphs that the data leave possible, some leave the effect open."
        )
    if honest.length <= (1 + _ALIKE) * given.length:
        return (
            f"The two are about the same: the {n_graphs} graphs that the data leave possible give "
            "nearly the same answer."
        )
    return (
        "The second is shorter because it takes the one graph that was learnt as known. The first "
        f"allows for the {n_graphs} graphs that the data leave possible, which give {n_answers} "
        "different answers. Rely on the first."
    )


def _warning(analysis: Any) -> str:
    """What makes the interval too short; the note says it in full."""
    if not analysis.graph_as_given:
        return ""
    reason = analysis.graph_as_given.rstrip(".")
    return (
        "The graph was learnt from these data, and the interval takes it as given, so it is too "
        f"short by an unknown amount ({reason})."
    )


# --- how sure, and why not ------------------------------------------------------------------------


def _sureness(analysis: Any) -> Iterator[str]:
    if analysis.learnt is not None:
        zero = analysis.learnt.probability("zero")
        yield "No search found a graph without an effect." if zero == 0 else _no_effect(zero)
    if analysis.discovery is None:
        yield "The graph was given, not learnt from the data."
    else:
        name = type(analysis.discovery).__name__
        yield f"The graph was learnt by {name} from {format_value(analysis.n_rows)} rows."
    yield f"It rests on this. {about_graph(analysis.graph)}"


def _no_effect(share: float) -> str:
    return (
        f"{share:.0%} of what the searches found says that there is no effect (a class of graphs "
        "that has several answers counts in equal parts)."
    )


def _doubts(analysis: Any) -> Iterator[Doubt]:
    """Reasons for doubt, the strongest first."""
    effect, learnt = analysis.effect, analysis.learnt
    if getattr(effect, "n_open", 0) or (learnt is not None and learnt.alternatives.n_open):
        yield Doubt(
            "Some possible graphs leave the effect open",
            "In them nothing that was measured says how large it is.",
        )
    if analysis.graph_as_given:
        yield Doubt(
            "Other graphs were not gone over",
            "Other rows would have given other graphs, and their answers are not in the interval.",
        )
    for challenge in analysis.challenges.failed:
        if challenge.is_test:
            yield Doubt(f"A check fails: {challenge.name}", challenge.sentence)
    zero = 0.0 if learnt is None else learnt.probability("zero")
    if zero > (_OFTEN if 0 in effect.interval() else 0):  # or it is this that decides
        yield Doubt("There may be no effect at all", f"{zero:.0%} of what was found has none.")
    yield from _warned(analysis)
    for challenge in analysis.challenges.failed:
        if not challenge.is_test:
            yield Doubt(f"The answer is fragile: {challenge.name}", challenge.sentence)
    yield from _ever_there(analysis)


def _warned(analysis: Any) -> Iterator[Doubt]:
    """What the notes say: warnings of the estimator by their kind, and the rest."""
    for note in analysis.notes:
        name, colon, text = note.partition(": ")
        if colon and name.endswith("Warning") and name.isidentifier():
            yield Doubt(_HEADLINES.get(name, "A step warns"), text)
    for note in analysis.notes:
        for words, headline in _NOTED.items():
            if words in note:
                yield Doubt(headline, note)


_HEADLINES: Final = {
    "KnowledgeWarning": "The data contradict what was given as known",
    "TimeBudgetWarning": "A search was stopped before its end",
    "FewRowsWarning": "There are few rows",
    "OverlapWarning": "Some units have almost nobody to be compared with",
    "NuisanceWarning": "The models behind the estimate miss something",
    "WeakInstrumentWarning": "The instruments are weak",
    "AssumptionWarning": "The data do not look as the method assumes",
}

_NOTED: Final = {
    "does not orient": "The graph does not say which way some edges go",
    "which rules it out": "The learnt graph fits worse than others",
    "ambiguous": "The tests contradict each other",
    "rows only": "There are few rows",
}
"""What is looked for in a note, and its headline."""


def _ever_there(analysis: Any) -> Iterator[Doubt]:
    """What no data can rule out."""
    hidden = [c for c in analysis.challenges if c.name.startswith("hidden common cause")]
    if hidden and hidden[0].passes:
        yield Doubt("A hidden common cause would move it", hidden[0].sentence)
    if not len(analysis.challenges):
        yield Doubt("Nothing was checked", "No check was made of this estimate.")
    if len(analysis.estimand.assumptions) > 1:
        yield Doubt("It rests on what cannot be tested", analysis.estimand.assumptions[0])


def _help(analysis: Any) -> str:
    if analysis.learnt is not None and analysis.learnt.alternatives.n_open:
        return (
            "To rule out the graphs that leave the effect open, by knowledge or by measuring more: "
            "see the notes below."
        )
    if analysis.learnt is not None:
        edges = analysis.learnt.value_of_edges()
        if len(edges) and edges["gain"].iloc[0] > 0:
            best, now = edges.iloc[0], analysis._interval().width
            length = "nothing bounds it now"
            if math.isfinite(now):
                length = f"it is {format_value(now)} now"
            return (
                f"To know which edge joins {best['a']} and {best['b']}, from an expert or an "
                f"experiment: the interval would then be {format_value(best['length_if_known'])} "
                f"long on average ({length})."
            )
    elif analysis.graph_as_given:
        if not analysis.lost_graphs:
            return "To go over other graphs: run the analysis again with n_resamples=100."
        return "To remove what kept other graphs from being gone over: see the notes below."
    elif getattr(analysis.effect, "n_open", 0) or len(getattr(analysis.effect, "effects", "")) > 1:
        return "To know the direction of the edges that the graph leaves open: see the notes below."
    return (
        "More rows of the same kind: four times as many halve the interval, if the graph is right."
    )
