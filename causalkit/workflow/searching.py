"""The graph of an analysis: given, or learnt and then gone over with all that may be right.

A graph that is given is taken as it is. Otherwise it is learnt from the columns that are variables
of the system (weights and clusters are not), and `effect_over_graphs` asks the question of every
graph that the data leave possible.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from sklearn.base import clone

from causalkit._core.table import Table, as_table, column_names
from causalkit.discovery.base import DiscoveryAlgorithm
from causalkit.discovery.series.base import SeriesAlgorithm
from causalkit.errors import (
    CausalkitError,
    CausalkitWarning,
    InputError,
    RedundantColumnsWarning,
)
from causalkit.estimation import Effect, EffectSet
from causalkit.graph import CausalGraph, LaggedGraph
from causalkit.identification import Estimand
from causalkit.typing import Data
from causalkit.workflow.asked import names_beside
from causalkit.workflow.dated_rows import warn_of_steps
from causalkit.workflow.decisions import Decision, about_data, about_graph, about_search
from causalkit.workflow.learnt.graph_learning import default_with_reason, possible_graphs
from causalkit.workflow.learnt.graph_set import GraphSet
from causalkit.workflow.learnt.learnt_contrasts import LearntEffects
from causalkit.workflow.learnt.learnt_result import LearntEffect
from causalkit.workflow.learnt.over_graphs import learnt_effect
from causalkit.workflow.notes import Note
from causalkit.workflow.rows_alike import columns_of_test, taken_alike

__all__ = [
    "OverGraphs",
    "Searched",
    "check_rows",
    "effect_over_graphs",
    "few_rows_note",
    "searched_graph",
]

_OF_EFFECT: Final = (
    "strategy",
    "estimator",
    "clusters",
    "sample_weight",
    "random_state",
    "panel",
    "time",
    "mask",
)
"""Settings that the effect over graphs has, too."""

_FEWEST: Final = 4
"""Rows from which a correlation has an interval (Fisher's z)."""

_FEW: Final = 30
"""Rows below which an answer is called a rough guess."""

_NAMED: Final = 5
"""Edges that are named, of those in which two graphs differ."""

_AS_GIVEN: Final = "interval() takes the graph as given"

_RISKY: Final = (
    "interval() takes the learnt graph as given, and is too short by an unknown amount: {why}."
)


@dataclass(frozen=True, slots=True)
class Searched:
    """A graph, and what it is about.

    Attributes
    ----------
    graph : CausalGraph or LaggedGraph
    variables : Table
        Its columns.
    algorithm : DiscoveryAlgorithm, SeriesAlgorithm or None
        The fitted one; None if the graph was given.
    decisions : tuple of Decision
    """

    graph: CausalGraph | LaggedGraph
    variables: Table
    algorithm: DiscoveryAlgorithm | SeriesAlgorithm | None
    decisions: tuple[Decision, ...]


def searched_graph(data: Data, settings: Mapping[str, Any]) -> Searched:
    """The graph that was given, or the one that is learnt."""
    columns, graph, discovery = column_names(data), settings["graph"], settings["discovery"]
    if graph is not None:
        kept = [name for name in graph.nodes if name in columns]
        variables = as_table(data, columns=kept)
        check_rows(variables)
        read = about_data(variables, columns, settings)
        return Searched(graph, variables, None, (*read, about_graph(graph, None)))
    asked_by_test = names_beside(settings) & columns_of_test(discovery, columns)
    beside = names_beside(settings) - asked_by_test
    labels = (*asked_by_test, *(() if discovery is None else discovery._labels()))
    variables = as_table(data, columns=[n for n in columns if n not in beside], labels=labels)
    check_rows(variables)
    warn_of_steps(data, variables)
    algorithm: DiscoveryAlgorithm
    if discovery is None:
        algorithm, why = default_with_reason(variables, settings["knowledge"])
    else:
        # A copy: an algorithm that is fitted again elsewhere must not change what is kept here.
        algorithm, why = clone(discovery), "given as `discovery`"
    with warnings.catch_warnings():  # a note says more of them
        warnings.simplefilter("ignore", RedundantColumnsWarning)
        graph = algorithm.fit(variables).graph_
    read = about_data(variables, columns, settings)
    chosen = (
        about_search(algorithm, why),
        *(Decision("discovery", *said) for said in taken_alike(settings, algorithm)),
        about_graph(graph, algorithm),
    )
    return Searched(graph, variables, algorithm, (*read, *chosen))


def check_rows(variables: Table) -> None:
    """Refuse so few rows that there is no interval around anything.

    Raises
    ------
    InputError
    """
    if variables.n_rows < _FEWEST:
        raise InputError(
            f"the data have {variables.n_rows} row(s); expected at least {_FEWEST}, and many more "
            "for an answer that is worth having. Bring more rows."
        )


def few_rows_note(n_rows: int) -> tuple[str, ...]:
    """What to think of an answer from few rows; nothing if there are enough."""
    if n_rows >= _FEW:
        return ()
    return (
        Note(
            f"The table has {n_rows} rows only. Intervals and checks rest on what is right for many"
            " rows, and a search among so few finds next to nothing: take the answer as a rough "
            "guess.",
            headline="There are few rows",
        ),
    )


@dataclass(frozen=True, slots=True)
class OverGraphs:
    """The effect over all graphs that the data leave possible; or why there is none.

    Attributes
    ----------
    learnt : LearntEffect, LearntEffects or None
    failure : str
        Why there is none although the graph was learnt; empty if there is, or it was given.
    notes : tuple of str
    decisions : tuple of Decision
    """

    learnt: LearntEffect | LearntEffects | None
    failure: str
    notes: tuple[str, ...]
    decisions: tuple[Decision, ...]


def effect_over_graphs(
    data: Data,
    searched: Searched,
    estimand: Estimand,
    effect: Effect | EffectSet,
    settings: Mapping[str, Any],
    n_jobs: int | None,
) -> OverGraphs:
    """The effect over all graphs that the data leave possible; or why there is none."""
    if searched.algorithm is None:
        why = "the graph was given, so no other graph is gone over"
        return OverGraphs(None, "", (), (Decision("uncertainty", _AS_GIVEN, why),))
    if not settings["n_resamples"]:
        failure = "n_resamples=0, so no search was repeated"
        why = "n_resamples=0: other rows would have given other graphs, and none is looked for"
        note = _RISKY.format(why="n_resamples=0, so no other graph was looked for")
        return OverGraphs(None, failure, (note,), (Decision("uncertainty", _AS_GIVEN, why),))
    query = estimand.query
    try:
        with warnings.catch_warnings():  # of the effect itself they have been heard
            warnings.simplefilter("ignore", CausalkitWarning)
            graphs = possible_graphs(
                data if isinstance(searched.graph, LaggedGraph) else searched.variables,
                clone(searched.algorithm),
                n_resamples=settings["n_resamples"],
                asked=(query.treatment[0], query.outcome[0]),
                random_state=settings["random_state"],
                n_jobs=n_jobs,
            )
            found = learnt_effect(
                data,
                query.treatment[0],
                query.outcome[0],
                graphs=graphs,
                **{name: settings[name] for name in _OF_EFFECT},
            )
    except CausalkitError as error:
        note = _RISKY.format(why=f"going over the other graphs failed ({_without_stop(error)})")
        why = "going over the graphs that the data leave possible failed; the notes say why"
        return OverGraphs(None, str(error), (note,), (Decision("uncertainty", _AS_GIVEN, why),))
    doubts = _doubts(estimand, effect, graphs, found)
    return OverGraphs(found, "", doubts, tuple(_about(graphs, found)))


def _about(graphs: GraphSet, found: LearntEffect | LearntEffects) -> Iterator[Decision]:
    """How many graphs were gone over, found by what, and which were kept; what failed in them."""
    searches = ", ".join(f"{label} on {n} resamples" for label, n in graphs.searches)
    first = found if isinstance(found, LearntEffect) else found[0]
    n_kept, n_answers = int(graphs.kept.sum()), len(first.alternatives)
    answers = "1 answer" if n_answers == 1 else f"{n_answers} different answers"
    if isinstance(found, LearntEffects):
        answers += f" for each of {len(found)} contrasts"
    if first.failures:
        answers += f" and {len(first.failures)} that could not be estimated"
    open_ones = ", and some leave it open" if first._unidentified else ""
    yield Decision(
        "uncertainty",
        f"interval() goes over {n_kept} of {len(graphs)} graphs, with {answers}" + open_ones,
        f"found by {searches}. {' '.join(graphs._report().notes)}",
    )
    for why, labels in first._failed:
        yield Decision("uncertainty", f"not estimated: {', '.join(labels)}", why)


def _doubts(
    estimand: Estimand,
    effect: Effect | EffectSet,
    graphs: GraphSet,
    found: LearntEffect | LearntEffects,
) -> tuple[str, ...]:
    """How the answer over graphs is to be read, beside the one graph that was learnt."""
    notes = [
        "The graph was learnt from the same rows. The interval of the effect takes it as given; "
        "interval() also goes over the other graphs that the data leave possible."
    ]
    if estimand.graph in graphs.graphs and estimand.graph not in found.graphs.graphs:
        notes.append(_on_worse_graph(estimand, effect, graphs, found))
    first = found if isinstance(found, LearntEffect) else found[0]
    notes += [
        "interval() has no bounds, since some of the graphs that the data leave possible ask for "
        f"what could not be estimated ({', '.join(labels)}): {why}"
        for why, labels in first._failed
    ]
    return tuple(notes)


def _on_worse_graph(
    estimand: Estimand,
    effect: Effect | EffectSet,
    graphs: GraphSet,
    found: LearntEffect | LearntEffects,
) -> str:
    """What the best graph has and the learnt one has not, and whether the answer moves by it."""
    place, best = graphs.graphs.index(estimand.graph), int(np.nanargmax(graphs.scores))
    below = float(graphs.scores[best] - graphs.scores[place])
    ours, theirs = (set(map(str, graphs.graphs[k].edges())) for k in (place, best))
    text = (
        f"The learnt graph scores {below:.3g} below the best that was found, in log-likelihood, so "
        f"it is not among those that interval() goes over. The best one has {_some(theirs - ours)} "
        f"instead of {_some(ours - theirs)}. "
    )
    stays = isinstance(found, LearntEffect) and isinstance(effect, Effect)
    if stays and effect.value in found.interval():  # type: ignore[union-attr]
        return text + (
            "The answer does not hang on it: the estimate from the learnt graph lies within "
            "interval()."
        )
    text += "Other graphs give another answer: read interval(), and look for a better search."
    return Note(text, headline="The learnt graph fits worse than others")


def _some(edges: set[str]) -> str:
    """A few edges by name, and the number of the others."""
    shown = ", ".join(sorted(edges)[:_NAMED])
    more = f" and {len(edges) - _NAMED} more" if len(edges) > _NAMED else ""
    return shown + more if edges else "nothing"


def _without_stop(error: Exception) -> str:
    return str(error).rstrip().rstrip(".")
