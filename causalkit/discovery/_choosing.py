"""The choice among candidates: the first that is within its measured limits.

A candidate is within limits if it was measured at as many rows and columns, ends in time there, and
has a graph nearer to the truth than one without edges. One that ends in time on dense graphs, too,
goes before one that does so only on sparse ones. If none is within limits, the first that may end
in time is taken, else the quickest, and what that means is said in plain words.

>>> from causalkit.discovery.constraint.pc import PC
>>> found = choose([Candidate(PC(), "PC", "Tests are quick.")], [], (1000, 20), max_seconds=60.0)
>>> found.algorithm, found.within_limits
(PC(), True)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from causalkit._core.report import format_value
from causalkit.discovery._candidates import Candidate
from causalkit.discovery._measured_limits import Reach, reach_of
from causalkit.discovery.base import DiscoveryAlgorithm
from causalkit.discovery.series.base import SeriesAlgorithm

__all__ = ["Choice", "choose", "in_words"]


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen, why, and what else there is."""

    algorithm: DiscoveryAlgorithm | SeriesAlgorithm
    reasons: tuple[str, ...]
    alternatives: dict[str, str]
    seconds: float
    within_limits: bool


def choose(
    candidates: Sequence[Candidate],
    others: Sequence[Candidate],
    size: tuple[int, int],
    *,
    max_seconds: float,
) -> Choice:
    """Take the first candidate that is within limits; else the quickest, and say so."""
    n, p = size
    reaches = [reach_of(one.limit, n=n, p=p) for one in candidates]
    best = _first_within(reaches, max_seconds)
    within = best is not None
    if best is None:
        times = np.array([reach.seconds for reach in reaches])
        times[np.isnan(times)] = np.inf
        best = int(
            np.argmax(times <= max_seconds) if times.min() <= max_seconds else times.argmin()
        )
    one, reach = candidates[best], reaches[best]
    reasons = [_why_not(candidates[k], reaches[k], max_seconds) for k in range(best)]
    reasons += [f"{one.code}: {one.why}", *_about_reach(one, reach)]
    if not within:
        reasons.append(_beyond(one, reach, max_seconds))
    elif reach.seconds_if_dense > max_seconds:
        reasons.append(
            "Where columns have 6 neighbours, not 2, it was measured to take longer than "
            f"{format_value(max_seconds)} s."
        )
    algorithm = one.algorithm
    may_last = reach.seconds_if_dense > max_seconds or reach.p > reach.most_columns
    if may_last and hasattr(algorithm, "max_seconds"):
        algorithm.set_params(max_seconds=float(max_seconds))
        reasons.append(f"max_seconds={max_seconds:g} stops it there, with what it has found.")
    rest = [*candidates[best + 1 :], *others]
    alternatives = dict(_alternatives(rest, one.code, size, max_seconds))
    return Choice(algorithm, tuple(reasons), alternatives, float(reach.seconds), within)


def _first_within(reaches: Sequence[Reach], max_seconds: float) -> int | None:
    """The first that ends in time on dense graphs, too; else the first that does on sparse ones."""
    fits = [k for k, reach in enumerate(reaches) if _is_within(reach, max_seconds)]
    dense = [k for k in fits if reaches[k].seconds_if_dense <= max_seconds]
    return next(iter([*dense, *fits]), None)


def _is_within(reach: Reach, max_seconds: float) -> bool:
    return reach.is_measured and reach.seconds <= max_seconds and reach.beats_empty


def _why_not(one: Candidate, reach: Reach, max_seconds: float) -> str:
    """Why an algorithm that would suit the data better is not suggested."""
    if not reach.is_measured:
        return f"{one.code} suits the data, but {reach.outside()}."
    if not reach.seconds_if_dense <= max_seconds:
        return (
            f"{one.code} suits the data, but may take longer than {format_value(max_seconds)} s "
            f"({in_words(reach.seconds)} where columns have 2 neighbours)."
        )
    return f"{one.code} suits the data, but did not beat a graph without edges at this size."


def _about_reach(one: Candidate, reach: Reach) -> list[str]:
    if not reach.ratio_by_degree:
        return [f"The limits of {one.code} were not measured."]
    n, p = reach.size
    ratios = " and ".join(
        f"{ratio:.2f} (columns with {degree} neighbours)"
        for degree, ratio in reach.ratio_by_degree.items()
    )
    seen = f"measured on data that suit it ({reach.model}"
    seen += f"; not on data like these, but on {one.beside})" if one.beside else ")"
    return [
        f"On one processor {in_words(reach.seconds)}; {seen}. With {n:,} rows of {p} columns its "
        f"error was {ratios} of that of a graph without edges."
    ]


def _beyond(one: Candidate, reach: Reach, max_seconds: float) -> str:
    """That no algorithm is known to do, in plain words, and what may help."""
    what = reach.outside()
    if not what and reach.seconds > max_seconds:
        what = f"the quickest takes {in_words(reach.seconds)}"
    if not what:
        what = "at this size its graph was no nearer to the truth than one without edges"
    advice = "Take fewer series."
    if reach.has_many_rows:
        advice = (
            "More rows do no harm to the graph, but the time is a guess: try some of them first."
        )
    elif reach.has_few_rows:
        advice = "Bring more rows, or take what it finds as a guess."
    elif not isinstance(one.algorithm, SeriesAlgorithm):
        advice = (
            "Take fewer columns, or look around one variable only, with "
            "ck.discovery.LocalPC(target)."
        )
    return (
        f"No algorithm for such data is within its measured limits with {reach.n:,} rows of "
        f"{reach.p:,} columns: {what}. {advice}"
    )


def _alternatives(
    others: Iterable[Candidate], chosen: str, size: tuple[int, int], max_seconds: float
) -> Iterable[tuple[str, str]]:
    """Others that end in time, or nearly; of several with one reason the first."""
    n, p = size
    said = set()
    for one in others:
        reach = reach_of(one.limit, n=n, p=p)
        if one.code != chosen and one.why not in said and reach.seconds <= 10 * max_seconds:
            said.add(one.why)
            yield one.code, f"{one.why} {in_words(reach.seconds).capitalize()}."


def in_words(seconds: float) -> str:
    """Seconds, roughly."""
    if np.isnan(seconds):
        return "time unknown"
    if np.isinf(seconds):
        return "too long to be measured"
    if seconds < 1:
        return "less than a second"
    if seconds < 120:
        return f"about {seconds:.0f} s"
    return f"about {seconds / 60:,.0f} minutes"
