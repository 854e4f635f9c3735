"""What takes part in a comparison: an algorithm, a function of data, or a chain with an estimator.

- an object with `fit(data)` and then `graph_`, copied before each fit. Confidences in edges are
  ranked if it has them as `scores_`, `strengths_`, `posterior_` or `frequencies_`;
- a callable: `callable(data)` returns a graph (or text, or a networkx graph), an object with
  `graph_`, or a matrix of confidences `[cause, effect]` in the order of the columns, which is
  ranked and gives no graph. So anything joins, from whatever package;
- a pair (one of these, estimator): the estimator is used for effects in the graph that was learnt.

Beside them there are always methods that learn nothing or next to nothing (:func:`baselines_for`),
and for effects one that is told the true graph.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from sklearn.base import BaseEstimator, clone

from causalkit.benchmark.baselines import LaggedCorrelation, LagOne
from causalkit.benchmark.guesses import GuessedGraph
from causalkit.benchmark.sortability import SortedRegression
from causalkit.discovery import EdgeFrequencies, GraphPosterior
from causalkit.errors import InputError
from causalkit.estimation.base import EffectEstimator
from causalkit.estimation.plug_in import PlugIn
from causalkit.graph import CausalGraph, LaggedGraph, SummaryGraph
from causalkit.identification.query import as_graph
from causalkit.typing import Data, Name

__all__ = [
    "TRUE_GRAPH",
    "Learnt",
    "Method",
    "baselines_for",
    "learn",
    "oracles_for",
    "read_methods",
]

TRUE_GRAPH: Final = "true graph"
"""Name of the method that is told the graph; with an estimator of a chain, its class is added."""

Graph = CausalGraph | LaggedGraph | SummaryGraph


@dataclass(frozen=True, slots=True, eq=False)
class Method:
    """Who takes part.

    Attributes
    ----------
    name : str
    learner : estimator, callable or None
        None is told the true graph.
    estimator : EffectEstimator, PlugIn or None
        None leaves the choice to :func:`~causalkit.estimation.estimate`.
    told : bool
        Whether it is told how far back links reach and what share of pairs is joined, as baselines
        are.
    """

    name: str
    learner: Any
    estimator: EffectEstimator | PlugIn | None = None
    told: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Learnt:
    """What a method said: a graph, confidences `[cause, effect]` of `names`, or both."""

    graph: Graph | None
    scores: Any = None
    names: tuple[Name, ...] | None = None


def read_methods(methods: Mapping[str, Any]) -> tuple[Method, ...]:
    """Check methods, and name them.

    Raises
    ------
    InputError
        If one of them is none.
    """
    if not isinstance(methods, Mapping) or not methods:
        raise InputError(
            f"methods is a {type(methods).__name__}; expected a mapping from names to algorithms "
            'or callables, at least one. Write e.g. {"PC": PC(), "GES": GES()}.'
        )
    return tuple(_read(str(name), entry) for name, entry in methods.items())


def _read(name: str, entry: Any) -> Method:
    learner, estimator = entry if isinstance(entry, tuple) and len(entry) == 2 else (entry, None)
    learns = not isinstance(learner, type) and (hasattr(learner, "fit") or callable(learner))
    estimates = estimator is None or isinstance(estimator, (EffectEstimator, PlugIn))
    if not learns or not estimates:
        raise InputError(
            f"the method {name!r} is {entry!r:.80}; expected an algorithm with fit(data), a "
            "callable that takes data and returns a graph, or a pair (one of these, estimator). "
            "Pass an object such as PC(), not its class."
        )
    return Method(name, learner, estimator)


def baselines_for(truth: CausalGraph | LaggedGraph) -> tuple[Method, ...]:
    """Methods that are always there: three guesses, and what correlations or sorting say.

    They are told how far back links reach, and the random one how many there are.
    """
    guesses = [
        Method(guess, GuessedGraph(guess), told=True) for guess in ("empty", "full", "random")
    ]
    if isinstance(truth, LaggedGraph):
        plain = [
            Method("lagged correlation", LaggedCorrelation(), told=True),
            Method("lag one", LagOne()),
        ]
    else:
        plain = [
            Method("sorted by variance", SortedRegression("variance")),
            Method("sorted by R2", SortedRegression("r2")),
        ]
    return (*guesses, *plain)


def oracles_for(methods: tuple[Method, ...]) -> tuple[Method, ...]:
    """One method that is told the true graph for each estimator that the methods have."""
    found: dict[str, Method] = {}
    for method in methods:
        kind = "" if method.estimator is None else f", {type(method.estimator).__name__}"
        found.setdefault(TRUE_GRAPH + kind, Method(TRUE_GRAPH + kind, None, method.estimator))
    return tuple(found.values())


def learn(
    method: Method, data: Data, truth: CausalGraph | LaggedGraph, rng: np.random.Generator
) -> Learnt:
    """Let a method learn from data.

    Raises
    ------
    InputError
        If what it returns is no graph and no matrix.
    """
    if method.learner is None:
        return Learnt(truth)
    if hasattr(method.learner, "fit"):
        fitted = _copy(method.learner)
        fitted = _seeded(_told(fitted, truth) if method.told else fitted, rng)
        fitted.fit(data)
        return _from_fitted(fitted)
    return _from_answer(method.learner(data), truth)


def _copy(learner: Any) -> Any:
    if hasattr(learner, "get_params"):
        return clone(learner)
    from copy import deepcopy

    return deepcopy(learner)


def _told(learner: Any, truth: CausalGraph | LaggedGraph) -> Any:
    """Tell a baseline what methods are told by their settings."""
    facts = {
        "max_lag": max(truth.max_lag, 1) if isinstance(truth, LaggedGraph) else None,
        "share": _density(truth),
    }
    known = learner.get_params()
    return learner.set_params(**{name: facts[name] for name in facts if name in known})


def _density(truth: CausalGraph | LaggedGraph) -> float:
    """Share of the pairs (of series, of the lagged links) that the true graph joins."""
    if isinstance(truth, LaggedGraph):
        return float(truth.directed[1:].mean()) if truth.max_lag else 0.0
    p = len(truth.nodes)
    return float(truth.adjacency.sum()) / max(p * (p - 1), 1)


def _seeded(learner: Any, rng: np.random.Generator) -> Any:
    """Give a seed wherever the settings leave randomness open."""
    if not isinstance(learner, BaseEstimator):
        return learner
    open_ones = [
        name
        for name, value in sorted(learner.get_params(deep=True).items())
        if name.rpartition("__")[2] == "random_state" and value is None
    ]
    return learner.set_params(**{name: int(rng.integers(2**31)) for name in open_ones})


def _from_fitted(fitted: Any) -> Learnt:
    graph = getattr(fitted, "graph_", None)
    if not isinstance(graph, (CausalGraph, LaggedGraph, SummaryGraph)):
        raise InputError(
            f"{type(fitted).__name__} has a graph_ of {type(graph).__name__} after fit; expected a "
            "CausalGraph, LaggedGraph or SummaryGraph. Wrap it in a function that returns one."
        )
    return Learnt(graph, _confidences(fitted, graph), _names(graph))


def _confidences(fitted: Any, graph: Graph) -> Any:
    """Confidence in each pair, cause and effect, from what an algorithm knows; None if nothing.

    Its own scores; the size of its strengths, at the best lag; the probability of each edge; or the
    share of resamples that have it, an edge without a direction counting half for either.
    """
    for name in ("scores_", "strengths_"):
        found = getattr(fitted, name, None)
        if isinstance(found, np.ndarray) and found.ndim == 3:
            return np.fmax.reduce(np.abs(found), axis=0, initial=0.0)
        if found is not None:
            return found
    posterior = getattr(fitted, "posterior_", None)
    if isinstance(posterior, GraphPosterior):
        return posterior.edge_probabilities()
    shares = getattr(fitted, "frequencies_", None)
    if not isinstance(shares, EdgeFrequencies):
        return None
    if isinstance(graph, LaggedGraph):
        return (shares.by_lag("->") + shares.by_lag("--") / 2).max(axis=0)
    return shares.matrix("->") + shares.matrix("--") / 2


def _from_answer(answer: Any, truth: CausalGraph | LaggedGraph) -> Learnt:
    if hasattr(answer, "graph_"):
        return _from_fitted(answer)
    if isinstance(answer, (CausalGraph, LaggedGraph, SummaryGraph)):
        return Learnt(answer)
    if isinstance(answer, np.ndarray) or hasattr(answer, "loc"):
        return Learnt(None, answer)
    if isinstance(answer, str):
        reads: Callable[[str], Graph] = CausalGraph.parse
        return Learnt((LaggedGraph.parse if isinstance(truth, LaggedGraph) else reads)(answer))
    return Learnt(as_graph(answer))


def _names(graph: Graph) -> tuple[Name, ...]:
    return graph.nodes if isinstance(graph, CausalGraph) else graph.variables
