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
from causalkit.estimation.asked_in_words import contrast_text, sides_of
from causalkit.graph import LaggedGraph
from causalkit.identification._sentences import about_graph
from causalkit.report.interval_picture import Bar, draw_intervals
from causalkit.report.learnt_words import (
    all_say_zero,
    parts_of,
    percent,
    share_without_effect,
    why_longer,
    why_open,
)

__all__ = ["Doubt", "Summary", "summary_of"]

_MOST_DOUBTS: Final = 3
_MOST_BARS: Final = 8
_MOST_SAID: Final = 3
"""Effects that the answer says in words; of more, the intervals."""

_OFTEN: Final = 0.05
"""Share of kept graphs' searches without an effect from which it is a reason for doubt."""

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
    pairs = _pairs(analysis)
    shown = pairs[: _MOST_BARS // len(pairs[0])]
    bars = tuple(bar for pair in shown for bar in pair)
    rest = ""
    if len(shown) < len(pairs):
        rest = f"Shown are {len(shown)} of {len(pairs)} effects; the technical part has all."
    return Summary(
        question=f"What does {analysis.treatment} do to {analysis.outcome}?",
        compared=_compared(analysis),
        answer=_answer(analysis),
        intervals=tuple((bar.label, bar.words) for bar in bars),
        why_different=f"{_why_different(analysis, pairs)} {rest}".strip(),
        warning=_warning(analysis),
        picture=draw_intervals(bars, "effect of {} on {}".format(*_asked(analysis))),
        sureness=tuple(_sureness(analysis)),
        doubts=tuple(_doubts(analysis))[:_MOST_DOUBTS],
        help=_help(analysis),
    )


# --- question and answer --------------------------------------------------------------------------


def _compared(analysis: Any) -> str:
    """What the effect compares; of several, each of them."""
    effects = getattr(analysis.effect, "effects", (analysis.effect,))
    return "; ".join(dict.fromkeys(filter(None, map(contrast_text, effects))))


def _asked(analysis: Any) -> tuple[str, str]:
    """Treatment and outcome in words, with their levels where these have names."""
    parts = () if analysis.learnt is None else parts_of(analysis.learnt)
    effects = getattr(analysis.effect, "effects", (analysis.effect,))
    return sides_of((*effects, *(effect for part in parts for effect in part.alternatives)))


def _answer(analysis: Any) -> str:
    """The answer in words, with the interval that admits most; of a few effects each."""
    labels, whole = analysis.contrasts, analysis._interval()
    reading = getattr(analysis.effect, "reading", "alternatives")
    if reading == "means" or len(labels) > _MOST_SAID:
        known = f"{len(labels)} effects" if reading == "alternatives" else analysis.effect.sentence
        return f"There are {known}; each has its own interval below."
    if not labels or not math.isfinite(whole.width):
        return _said(analysis, _asked(analysis)[0], whole)
    return " ".join(
        _said(analysis, f"{analysis.treatment} ({label})", analysis._interval(contrast=k))
        for k, label in enumerate(labels)
    )


def _said(analysis: Any, treatment: str, interval: Any) -> str:
    """What an interval says of the effect, in one sentence."""
    (lower, upper), outcome, learnt = interval, _asked(analysis)[1], analysis.learnt
    if learnt is not None and all_say_zero(learnt):
        return (
            f"Every graph that the data leave possible says that {treatment} has no effect on "
            f"{outcome}; nothing was estimated."
        )
    if math.isnan(lower):
        return f"{treatment} has no effect on {outcome}, if the graph is right; nothing estimated."
    if math.isinf(lower) or math.isinf(upper):
        why = "could be anything" if learnt is None else why_open(learnt)
        return (
            f"The data do not bound the effect of {treatment} on {outcome}: in some of the graphs "
            f"that they leave possible it {why}."
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


def _pairs(analysis: Any) -> tuple[tuple[Bar, ...], ...]:
    """Of each effect the honest interval, if there is one, and that which takes the graph as given.

    Effects that are alternatives are one.
    """
    effect, labels = analysis.effect, analysis.contrasts
    if labels:
        several = getattr(effect, "reading", "alternatives") != "alternatives"
        values = effect.values if several else [getattr(effect, "value", math.nan)] * len(labels)
        return tuple(_pair(analysis, k, values[k]) for k in range(len(labels)))
    values = [member.value for member in getattr(effect, "effects", (effect,))]
    one = len(values) == 1 and not getattr(effect, "n_open", 0)
    return (_pair(analysis, None, values[0] if one else math.nan),)


def _pair(analysis: Any, contrast: int | None, value: float) -> tuple[Bar, ...]:
    name = "" if contrast is None else analysis.contrasts[contrast]
    interval = analysis._interval(contrast=contrast, given=True)
    if analysis.learnt is None:
        return (Bar.of(name or _GIVEN, interval, value, honest=False),)
    honest, given = (f"{name}, {kind}" if name else kind for kind in (_HONEST, _GIVEN))
    return (
        Bar.of(honest, analysis._interval(contrast=contrast), math.nan, honest=True),
        Bar.of(given, interval, value, honest=False),
    )


def _why_different(analysis: Any, pairs: tuple[tuple[Bar, ...], ...]) -> str:
    if analysis.learnt is None:
        if analysis.discovery is None:
            return "The graph was given. If it is wrong where it matters, so is the interval."
        return ""
    text = why_longer(analysis, pairs)
    return text if len(pairs) == 1 else f"Of each effect, {text[0].lower()}{text[1:]}"


def _warning(analysis: Any) -> str:
    """What makes the interval too short; the note says it in full."""
    if (analysis.weakness or "").startswith("weak"):
        return f"The instruments are {analysis.weakness}."
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
        yield share_without_effect(analysis.learnt)
    if analysis.discovery is None:
        yield "The graph was given, not learnt from the data."
    else:
        name = type(analysis.discovery).__name__
        yield f"The graph was learnt by {name} from {format_value(analysis.n_rows)} rows."
    yield f"It rests on this. {about_graph(analysis.graph)}"


def _doubts(analysis: Any) -> Iterator[Doubt]:
    """Reasons for doubt, the strongest first."""
    learnt = None if analysis.learnt is None else parts_of(analysis.learnt)[0]
    for why, labels in () if learnt is None else learnt._failed:
        text = f"{', '.join(labels)}: {why}"
        yield Doubt("In some possible graphs the effect could not be estimated", text)
    if getattr(analysis.effect, "n_open", 0) or (learnt is not None and learnt._unidentified):
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
    zero = 0.0 if learnt is None or all_say_zero(learnt) else learnt.probability("zero")
    given = [analysis._interval(contrast=k, given=True) for k in range(len(analysis.contrasts))]
    # Where an interval is free of zero, it is this that decides.
    if zero > (_OFTEN if all(0 in x for x in given or [analysis.effect.interval()]) else 0):
        text = f"Of the searches whose graph was kept, {percent(zero)} found none."
        yield Doubt("There may be no effect at all", text)
    yield from _warned(analysis)
    for challenge in analysis.challenges.failed:
        if not challenge.is_test:
            yield Doubt(f"The answer is fragile: {challenge.name}", challenge.sentence)
    yield from _ever_there(analysis)


def _warned(analysis: Any) -> Iterator[Doubt]:
    """Warnings of the steps by their kind, and notes that have a headline."""
    for note in analysis.notes:
        name, colon, text = note.partition(": ")
        if colon and name.endswith("Warning") and name.isidentifier():
            yield Doubt(_HEADLINES.get(name, "A step warns"), text)
    for note in analysis.notes:
        if headline := getattr(note, "headline", ""):
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


def _ever_there(analysis: Any) -> Iterator[Doubt]:
    """What no data can rule out."""
    hidden = [c for c in analysis.challenges if c.name.startswith("hidden common cause")]
    if hidden and hidden[0].passes:
        yield Doubt("A hidden common cause would move it", hidden[0].sentence)
    if not len(analysis.challenges):
        yield Doubt("Nothing was checked", "No check was made of this estimate.")
    testable = ("Relevance", "Positivity")  # data speak of these
    untestable = [a for a in analysis.estimand.assumptions if not a.startswith(testable)]
    if len(analysis.estimand.assumptions) > 1:
        yield Doubt("It rests on what cannot be tested", " ".join(untestable[:2]))


def _help(analysis: Any) -> str:
    parts = () if analysis.learnt is None else parts_of(analysis.learnt)
    alternatives = () if analysis.contrasts else getattr(analysis.effect, "effects", ())
    if parts and all_say_zero(analysis.learnt):
        return "To check what all graphs follow from: what is known, and what the search assumes."
    if parts and parts[0].failures and not parts[0]._unidentified:
        return (
            "To estimate what could not be estimated, or to rule out by knowledge the graphs that "
            "ask for it: see the notes below."
        )
    if parts and parts[0].alternatives.n_open:
        return (
            "To rule out the graphs that leave the effect open, by knowledge or by measuring more: "
            "see the notes below."
        )
    if parts:
        edges = [part.value_of_edges() for part in parts]
        gains = [frame["gain"].iloc[0] if len(frame) else 0.0 for frame in edges]
        most = max(range(len(parts)), key=gains.__getitem__)
        if gains[most] > 0:
            return _worth_knowing(parts[most], edges[most].iloc[0])
    elif analysis.graph_as_given:
        if not analysis.lost_graphs:
            return "To go over other graphs: run the analysis again with n_resamples=100."
        return "To remove what kept other graphs from being gone over: see the notes below."
    elif getattr(analysis.effect, "n_open", 0) or len(alternatives) > 1:
        return "To know the direction of the edges that the graph leaves open: see the notes below."
    if (analysis.weakness or "").startswith("weak"):
        return "A stronger instrument: with weak ones more rows of the same kind help little."
    return _more_rows(analysis)


def _more_rows(analysis: Any) -> str:
    """More of what is independent: rows, or the clusters or units that they come in."""
    effect = next(iter(getattr(analysis.effect, "effects", (analysis.effect,))))
    problem, more = effect.problem, "rows"
    if "clusters" in effect.details or getattr(problem, "groups", None) is not None:
        more = "clusters"
        if analysis.settings["clusters"] is None:
            more = "units"
        elif isinstance(analysis.graph, LaggedGraph):
            more = "subjects"
    elif isinstance(analysis.graph, LaggedGraph):
        more = "steps"
    text = f"More {more} of the same kind: four times as many halve the interval"
    if more in ("rows", "steps"):
        return f"{text}, if the graph is right."
    return f"{text}, if the graph is right. More rows of the same {more} help less, or not at all."


def _worth_knowing(learnt: Any, best: Any) -> str:
    """The edge worth most to know, or that none stands out."""
    width = learnt.interval().width
    now = f"it is {format_value(width)} now" if math.isfinite(width) else "nothing bounds it now"
    which = f" of {learnt.contrast}" if learnt.contrast else ""
    length = f"{format_value(best['length_if_known'])} long on average ({now})"
    if learnt.most_valuable_edge() is None:
        return (
            "No single edge stands out: any one of several, known from an expert or an experiment, "
            f"would leave the interval{which} about {length}. `value_of_edges()` lists them."
        )
    return (
        f"To know which edge joins {best['a']} and {best['b']}, from an expert or an experiment: "
        f"the interval{which} would then be {length}."
    )
