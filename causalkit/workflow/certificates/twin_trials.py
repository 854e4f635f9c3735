"""Trials of a pipeline on twins: worlds like the data in which the right answer is known.

A *world* is a graph that may be the right one, and a twin of the data fitted to it: a model that
draws tables or series like the data, and whose effect is known. A *trial* draws as many rows as the
data have from a world, runs the pipeline on them from the beginning, and keeps its estimate and its
two intervals, the one that takes the graph as given and the one that does not.

What is finished is written to a journal at once, a line each, so that a run that is killed can be
taken up again. Every world and every trial has random numbers of its own, which follow from the
seed and its place alone: how often a run was cut, and how many workers shared it, changes nothing.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from causalkit._core.random import draw_seed
from causalkit.errors import CausalkitError, NotIdentifiableError
from causalkit.estimation import Effect, EffectSet
from causalkit.graph import CausalGraph, LaggedGraph
from causalkit.models import Twin
from causalkit.typing import Data
from causalkit.workflow.analysis import analyze
from causalkit.workflow.analysis_result import Analysis
from causalkit.workflow.certificates.drawn_graphs import drawn_graph, may_affect
from causalkit.workflow.certificates.trial_journal import Journal, Trial
from causalkit.workflow.certificates.twin_draws import Draws

__all__ = ["World", "run_world"]

_ASKED: Final = (
    *("graph", "discovery", "knowledge", "strategy", "estimator", "n_resamples"),
    *("clusters", "panel", "time"),
)
"""Settings of the analysis that each trial has."""

_LONGEST_MESSAGE: Final = 200


@dataclass(frozen=True, slots=True)
class World:
    """A twin of the data on one graph.

    Attributes
    ----------
    number : int
    graph : CausalGraph or LaggedGraph
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
        Graphs that were drawn before it and have no member that a twin can have.
    """

    number: int
    graph: CausalGraph | LaggedGraph
    truth: float
    truth_error: float
    has_effect: bool
    auc: float
    passed_over: int = 0


# --- one world ------------------------------------------------------------------------------------


def run_world(
    analysis: Analysis,
    draws: Draws,
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
    draws : RowDraws or StepDraws
        The data of the analysis, and how data like them are drawn.
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
    graph, passed_over = drawn_graph(analysis, draws.names, of_graph)
    has_effect = may_affect(graph, analysis.treatment, analysis.outcome)
    facts, trials = journal.read(number)
    lacking = [k for k in range(replicates) if k not in trials]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if facts is None or lacking:
            twin = draws.twin(graph, draw_seed(of_fit))
        if facts is None:
            truth, error = draws.truth(twin, analysis, of_truth) if has_effect else (0.0, 0.0)
            auc = _auc(twin, of_auc)
            facts = {"truth": truth, "truth_error": error, "auc": auc}
            journal.note(number, facts)
        for k in lacking:
            own = np.random.default_rng([seed, 1, number, k])
            drawn = draws.sample(twin, own)
            trials[k] = _trial(analysis, drawn, (number, k), level, draw_seed(own))
            journal.note(number, trials[k].to_row())
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
    settings = {name: analysis.settings[name] for name in _ASKED}
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
