"""Trials of a pipeline on twins: worlds like the data in which the right answer is known.

A *world* is a graph that may be the right one, and a twin of the data fitted to it: a model that
draws tables like the data, and whose effect is known. A *trial* draws as many rows as the data have
from a world, runs the pipeline on them from the beginning, and keeps its estimate and its two
intervals, the one that takes the graph as given and the one that does not.

What is finished is written to a journal at once, a line each, so that a run that is killed can be
taken up again. Every world and every trial has random numbers of its own, which follow from the
seed and its place alone: how often a run was cut, and how many workers shared it, changes nothing.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final, TypeVar, cast

import numpy as np

from causalkit._core.random import draw_seed
from causalkit._core.table import as_table
from causalkit.errors import CausalkitError, InputError, NotIdentifiableError
from causalkit.estimation import Effect, EffectSet
from causalkit.graph import (
    ARROW,
    CausalGraph,
    Kind,
    class_size,
    latent_projection,
    meek_closure,
    members,
)
from causalkit.identification import pag_members
from causalkit.models import Twin
from causalkit.typing import Data, FloatArray
from causalkit.workflow.analysis import analyze
from causalkit.workflow.analysis_result import Analysis
from causalkit.workflow.certificates.trial_journal import Journal, Trial

__all__ = ["World", "random_member", "run_world"]

Item = TypeVar("Item")

_MOST_MEMBERS: Final = 1000
"""Members of a class that are listed to take one of them."""

_MOST_TRIES: Final = 100
_LONGEST_MESSAGE: Final = 200


@dataclass(frozen=True, slots=True)
class World:
    """A twin of the data on one graph.

    Attributes
    ----------
    number : int
    graph : CausalGraph
        The truth of this world; of a class of graphs one member.
    truth : float
        Its effect, by the same contrast as the estimate.
    truth_error : float
        Monte Carlo error of that; 0 where it is exact.
    has_effect : bool
        Whether the outcome comes after the treatment in the graph.
    auc : float
        How well classifiers tell its rows from the data: 0.5 for not at all, 1 for always.
    passed_over : int
        Graphs that were drawn before it and have no member, so that nothing can be drawn from them.
    """

    number: int
    graph: CausalGraph
    truth: float
    truth_error: float
    has_effect: bool
    auc: float
    passed_over: int = 0


# --- one world ------------------------------------------------------------------------------------


def run_world(
    analysis: Analysis,
    data: Data,
    number: int,
    replicates: int,
    level: float,
    seed: int,
    journal: Journal,
) -> tuple[World, list[Trial]]:
    """Draw a world, and run what is lacking of its trials.

    Parameters
    ----------
    analysis : Analysis
    data : DataFrame
        The variables of the analysis.
    number, replicates : int
        Which world, and how many trials it has.
    level : float
    seed : int
    journal : Journal

    Returns
    -------
    World, list of Trial
    """
    of_graph, of_fit, of_truth, of_auc = (
        np.random.default_rng([seed, 0, number, part]) for part in range(4)
    )
    graph, passed_over = _drawn_graph(analysis, data, of_graph)
    facts, trials = journal.read(number)
    lacking = [k for k in range(replicates) if k not in trials]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if facts is None or lacking:
            twin = Twin(graph, random_state=draw_seed(of_fit)).fit(data)
        if facts is None:
            truth, error = _truth(twin, analysis, data, of_truth)
            auc = _auc(twin, of_auc)
            facts = {"truth": truth, "truth_error": error, "auc": auc}
            journal.note(number, facts)
        for k in lacking:
            own = np.random.default_rng([seed, 1, number, k])
            drawn = twin.sample(rng=own, missing=twin.gaps_ is not None)
            drawn = drawn[list(data)]
            trials[k] = _trial(analysis, drawn, (number, k), level, draw_seed(own))
            journal.note(number, trials[k].to_row())
    has_effect = analysis.outcome in graph.descendants(analysis.treatment)
    world = World(number, graph, **facts, has_effect=has_effect, passed_over=passed_over)
    return world, [trials[k] for k in range(replicates)]


def _auc(twin: Twin, rng: np.random.Generator) -> float:
    """How well the rows of the twin are told from the data; NaN where these are too few."""
    try:
        return float(twin.fidelity(rng=rng, n_null=0).auc)
    except CausalkitError:
        return math.nan


def _trial(
    analysis: Analysis, drawn: Data, place: tuple[int, int], level: float, seed: int
) -> Trial:
    """The pipeline on one table: the same search, question and estimator, and no checks."""
    asked = ("graph", "discovery", "knowledge", "strategy", "estimator", "n_resamples")
    settings = {name: analysis.settings[name] for name in asked}
    trial = Trial(*place, status="answered")
    try:
        found = analyze(
            drawn, analysis.treatment, analysis.outcome, checks=(), random_state=seed, **settings
        )
    except NotIdentifiableError as error:
        return replace(trial, status="not identified", message=_first_line(error))
    except Exception as error:
        return replace(trial, status="failed", message=_first_line(error))
    given = _ends(found.effect, level)
    trial = replace(trial, estimate=_value(found.effect), given=given)
    if found.lost_graphs:
        message = found.graph_as_given[:_LONGEST_MESSAGE]
        return replace(trial, status="graph as given", message=message)
    lower, upper = given if found.learnt is None else found.interval(level)
    return replace(trial, honest=(float(lower), float(upper)))


def _first_line(error: Exception) -> str:
    line = next(iter(str(error).splitlines()), "")
    return f"{type(error).__name__}: {line}"[:_LONGEST_MESSAGE]


def _value(effect: Effect | EffectSet) -> float:
    return float(effect.value if isinstance(effect, Effect) else np.mean(effect.values))


def _ends(effect: Effect | EffectSet, level: float) -> tuple[float, float]:
    """Ends of the interval; of an effect that the graph implies, the point that it is."""
    if isinstance(effect, Effect) and effect.implied:
        return effect.value, effect.value
    lower, upper = effect.interval(level)
    return float(lower), float(upper)


# --- the truth of a world -------------------------------------------------------------------------


def _truth(
    twin: Twin, analysis: Analysis, data: Data, rng: np.random.Generator
) -> tuple[float, float]:
    """Effect of the twin, by the contrast of the estimate, and its Monte Carlo error."""
    if analysis.outcome not in twin.graph_.descendants(analysis.treatment):
        return 0.0, 0.0
    contrast, step = _contrast(analysis, data)
    found = twin.effect(analysis.treatment, analysis.outcome, contrast=contrast, rng=rng)
    return found.value / step, found.std_error / step


def _contrast(analysis: Analysis, data: Data) -> tuple[tuple[Any, Any], float]:
    """From what to what the treatment is set, and over how many of its units.

    A number goes over one standard deviation around its median, where the data are: one unit may be
    far more than they span.
    """
    asked = getattr(analysis.settings["estimator"], "contrast", None)
    if isinstance(asked, tuple):
        return (asked[0], asked[1]), 1.0
    table = as_table(data, columns=[analysis.treatment])
    levels = table.levels_of(analysis.treatment)
    column: FloatArray = np.asarray(table.column(analysis.treatment))
    values = np.unique(column[~np.isnan(column)])
    if levels is not None:
        return (levels[0], levels[1]), 1.0
    if len(values) == 2:
        return (float(values[0]), float(values[1])), 1.0
    middle, spread = float(np.nanmedian(column)), float(np.nanstd(column))
    return (middle - spread / 2, middle + spread / 2), spread


# --- the graph of a world -------------------------------------------------------------------------


def _drawn_graph(
    analysis: Analysis, data: Data, rng: np.random.Generator
) -> tuple[CausalGraph, int]:
    """A graph that a twin can have, and how many were passed over before it."""
    for k in range(_MOST_TRIES):
        graph = analysis.graph
        if analysis.learnt is not None:
            known = analysis.learnt.graphs.plausible
            graph = known.graphs[int(rng.choice(len(known), p=known.shares))]
        graph = cast("CausalGraph", graph)  # series are refused at the door
        hidden = [name for name in graph.nodes if name not in data]
        try:
            if hidden:
                graph = latent_projection(graph, [name for name in graph.nodes if name in data])
            return random_member(graph, rng), k
        except CausalkitError as error:
            if analysis.learnt is None:
                raise InputError(
                    f"no twin can be drawn on the graph: {error} Expected a graph with a member."
                ) from error
    raise InputError(
        f"{_MOST_TRIES} graphs were drawn from those that were learnt and none has a member; "
        "expected one that has. Learn with another algorithm or more data."
    )


def random_member(graph: CausalGraph, rng: np.random.Generator) -> CausalGraph:
    """A DAG (or ADMG) of a class of graphs, at random; any other graph as it is.

    Parameters
    ----------
    graph : CausalGraph
    rng : Generator

    Returns
    -------
    CausalGraph
        Of classes with at most 1000 members each is equally likely. Of larger ones edges are
        directed one by one, at random; of a larger PAG one of the first 1000 members is taken. A
        MAG is written as an ADMG: `<->` stands for a common cause that was not measured.

    Raises
    ------
    CausalkitError
        If the class has no member.
    """
    if graph.kind is Kind.CPDAG:
        if class_size(graph) <= _MOST_MEMBERS:
            return _any_of(members(graph), rng)
        while graph.undirected.any():
            tail, head = _any_of(iter(np.argwhere(graph.undirected)), rng)
            ends = np.array(graph.ends)
            ends[tail, head] = ARROW
            graph = meek_closure(CausalGraph(graph.nodes, ends, Kind.CPDAG))
        return CausalGraph(graph.nodes, graph.ends, Kind.DAG)
    if graph.kind is Kind.PAG:
        graph = _any_of(pag_members(graph), rng)
    if graph.kind not in (Kind.MAG, Kind.ADMG):
        return graph
    if graph.undirected.any():
        raise InputError("the graph has edges of selection; expected none, as twins draw all rows.")
    return CausalGraph(graph.nodes, graph.ends)  # a DAG, or an ADMG if there is a `<->`


def _any_of(found: Iterator[Item], rng: np.random.Generator) -> Item:
    listed = list(islice(found, _MOST_MEMBERS))
    if not listed:
        raise InputError("the class of graphs has no member; expected one.")
    return listed[int(rng.integers(len(listed)))]
