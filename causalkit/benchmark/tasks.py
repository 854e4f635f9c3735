"""How well was it done? The numbers of one method on one data set, by task.

**discovery** holds the learnt graph against the true one. All methods are measured by the same
yardstick, the true graph itself, so what a class of graphs leaves open counts as not found; beside
it stands `shd_class`, where both are brought to their equivalence classes. A learnt MAG or PAG is
held against the MAG of the truth. There are no bounds on the structural intervention distance where
some node has more than six undirected edges: finding them would take longer than any method.

**effect** asks whether the answer in the end is right: identify one effect in the learnt graph,
estimate it from the same rows, and compare with the truth. A graph in which the effect is not
identified gives no answer, which is a result of its own; a graph that says there is no effect says
zero, for certain. A model may ask for an effect that its true graph does not identify. That is a
trap: the right answer is none, no error is counted, and the measure "trapped" says who fell for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from causalkit.benchmark.methods import Learnt
from causalkit.benchmark.sortability import r2_sortability, varsortability
from causalkit.benchmark.truths import AnyGraph, Drawn
from causalkit.errors import CausalkitError, InputError
from causalkit.estimation import estimate
from causalkit.graph import (
    CausalGraph,
    Kind,
    LaggedGraph,
    SummaryGraph,
    dag_to_mag,
    mag_to_pag,
)
from causalkit.identification import identify
from causalkit.identification.estimand import NoEffectEstimand
from causalkit.metrics import (
    ancestor_aid,
    auprc,
    auroc,
    compare_graphs,
    oset_aid,
    parent_aid,
    shd,
    sid_bounds,
)
from causalkit.typing import BoolArray, Data

__all__ = ["MEASURES", "TASKS", "Measure", "score_discovery", "score_effect", "sortabilities"]

TASKS: Final = ("discovery", "effect")

_MOST_OPEN: Final = 6  # undirected edges at a node: bounds over cliques of more take seconds


@dataclass(frozen=True, slots=True)
class Measure:
    """A column of results, and how to read it.

    Attributes
    ----------
    name : str
    task : str
    best : {"low", "high", ""}
        Which end is good; "" for facts that are neither.
    says : str
        In a few words.
    """

    name: str
    task: str
    best: str
    says: str


MEASURES: Final = tuple(
    Measure(*row)
    for row in (
        ("shd", "discovery", "low", "pairs whose edge differs from the true one"),
        ("shd_class", "discovery", "low", "the same between equivalence classes"),
        ("f1", "discovery", "high", "F1 of adjacencies"),
        ("precision", "discovery", "high", "share of the edges found that are there"),
        ("recall", "discovery", "high", "share of the edges there that are found"),
        ("arrow_precision", "discovery", "high", "share of the arrowheads found that are there"),
        ("arrow_recall", "discovery", "high", "share of the arrowheads there that are found"),
        ("summary_f1", "discovery", "high", "F1 of which series drives which, whatever the lag"),
        ("auroc", "discovery", "high", "area under the ROC curve of confidences"),
        ("auprc", "discovery", "high", "area under the precision-recall curve of confidences"),
        ("prevalence", "discovery", "", "share of ordered pairs with an edge: AUPRC of a guess"),
        ("sid_lower", "discovery", "low", "structural intervention distance, best member"),
        ("sid_upper", "discovery", "low", "structural intervention distance, worst member"),
        ("parent_aid", "discovery", "low", "effects that adjusting for parents gets wrong"),
        ("ancestor_aid", "discovery", "low", "effects that adjusting for ancestors gets wrong"),
        ("oset_aid", "discovery", "low", "effects that adjusting for O-sets gets wrong"),
        ("varsortability", "discovery", "", "share of paths along which the variance rises"),
        ("r2_sortability", "discovery", "", "share of paths along which R2 rises"),
        ("error", "effect", "", "estimate less truth: its mean is the bias"),
        ("absolute_error", "effect", "low", "size of the error"),
        ("covered", "effect", "high", "whether the 95 % interval holds the truth"),
        ("width", "effect", "low", "width of the interval"),
        ("no_effect", "effect", "", "whether the graph says that there is no effect"),
        ("identified", "effect", "", "whether the true graph identifies the effect"),
        ("trapped", "effect", "low", "whether an effect was answered that is not identified"),
        ("truth", "effect", "", "the true effect"),
        ("truth_error", "effect", "", "its Monte Carlo standard error, 0 if it is exact"),
    )
)


# --- discovery ------------------------------------------------------------------------------------


def score_discovery(truth: AnyGraph, learnt: Learnt) -> dict[str, float]:
    """Numbers of a learnt graph, and of confidences in edges, beside the true graph."""
    found: dict[str, float] = {}
    graph = learnt.graph
    if isinstance(truth, LaggedGraph):
        if isinstance(graph, LaggedGraph):
            found |= _structure(truth, graph)
        if isinstance(graph, (LaggedGraph, SummaryGraph)):
            found |= _summary(truth, graph)
    elif graph is not None:
        graph = _same_nodes(truth, graph)
        found |= _structure(truth, graph) | _interventions(truth, graph)
    if learnt.scores is not None:
        found |= _ranking(truth, learnt)
    if graph is not None and not found:
        raise InputError(
            f"a {type(graph).__name__} was learnt of {type(truth).__name__}; expected a graph of "
            "the same kind. Use methods for series on series, and for tables on tables."
        )
    return found


def _same_nodes(truth: CausalGraph, learnt: Any) -> CausalGraph:
    """The part over the true graph's nodes, where data have columns that are no variables."""
    if not isinstance(learnt, CausalGraph):
        raise InputError(
            f"a {type(learnt).__name__} was learnt and the truth is a graph of a table; expected a "
            "CausalGraph. Compare methods for series on series."
        )
    more = set(learnt.nodes) > set(truth.nodes)
    return learnt.subgraph(truth.nodes) if more else learnt


def _structure(truth: Any, learnt: Any) -> dict[str, float]:
    yardstick, classes = truth, _classes(truth, learnt)
    if isinstance(truth, CausalGraph) and learnt.kind in (Kind.MAG, Kind.PAG):
        yardstick = dag_to_mag(truth)
    score = compare_graphs(yardstick, learnt)
    found: dict[str, float] = {
        "shd": score.shd,
        "f1": score.adjacency.f1,
        "precision": score.adjacency.precision,
        "recall": score.adjacency.recall,
        "arrow_precision": score.arrowheads.precision,
        "arrow_recall": score.arrowheads.recall,
    }
    if classes is not None:
        found["shd_class"] = shd(*classes)
    return found


def _classes(truth: Any, learnt: Any) -> tuple[Any, Any] | None:
    """Equivalence classes of both; None where there is no such class to compare."""
    plain = (Kind.DAG, Kind.CPDAG)
    if truth.kind in plain and learnt.kind in plain:
        of_both = (g.to_cpdag() if g.kind is Kind.DAG else g for g in (truth, learnt))
        return next(of_both), next(of_both)
    if isinstance(truth, CausalGraph) and learnt.kind in (Kind.MAG, Kind.PAG):
        return mag_to_pag(truth), learnt if learnt.kind is Kind.PAG else mag_to_pag(learnt)
    return None


def _interventions(truth: CausalGraph, learnt: CausalGraph) -> dict[str, float]:
    """Distances that count wrong effects, where nothing is hidden."""
    if truth.kind is not Kind.DAG or learnt.kind not in (Kind.DAG, Kind.CPDAG):
        return {}
    found: dict[str, float] = {}
    distances: Mapping[str, Callable[[Any, Any], int]] = {
        "parent_aid": parent_aid,
        "ancestor_aid": ancestor_aid,
        "oset_aid": oset_aid,
    }
    try:
        for name, distance in distances.items():
            found[name] = distance(truth, learnt)
        if int(learnt.undirected.sum(axis=0).max(initial=0)) <= _MOST_OPEN:
            found["sid_lower"], found["sid_upper"] = sid_bounds(truth, learnt)
    except CausalkitError:  # a class without a member, or too dense for bounds: no such number
        return found
    return found


def _summary(truth: LaggedGraph, learnt: LaggedGraph | SummaryGraph) -> dict[str, float]:
    links = _links(truth)
    other = learnt.summary_graph() if isinstance(learnt, LaggedGraph) else learnt
    where = [other.variables.index(name) for name in truth.variables]
    found = other.adjacency[np.ix_(where, where)] & ~np.eye(len(where), dtype=np.bool_)
    total = int(links.sum() + found.sum())
    return {"summary_f1": 2.0 * int((links & found).sum()) / total if total else 1.0}


def _links(truth: AnyGraph) -> BoolArray:
    """Ordered pairs of different variables of which one causes the other directly."""
    if isinstance(truth, LaggedGraph):
        links = truth.summary_graph().adjacency.copy()
    else:
        links = truth.directed.copy()
    np.fill_diagonal(links, False)
    return links


def _ranking(truth: AnyGraph, learnt: Learnt) -> dict[str, float]:
    scores, nodes = learnt.scores, None if hasattr(learnt.scores, "loc") else learnt.names
    links = _links(truth)
    return {
        "auroc": auroc(truth, scores, nodes=nodes),
        "auprc": auprc(truth, scores, nodes=nodes),
        "prevalence": float(links.sum()) / max(links.size - len(links), 1),
    }


def sortabilities(data: Data, truth: AnyGraph) -> dict[str, float]:
    """How easily the order of a table can be read off variances and R²; empty if it cannot be."""
    if not isinstance(truth, CausalGraph) or truth.kind is not Kind.DAG:
        return {}
    try:
        return {
            "varsortability": varsortability(data, truth),
            "r2_sortability": r2_sortability(data, truth),
        }
    except CausalkitError:  # categories, gaps or too few rows: there is no such number
        return {}


# --- effect ---------------------------------------------------------------------------------------


def score_effect(
    drawn: Drawn,
    asked: tuple[Any, Any],
    true_effect: tuple[float, float],
    graph: Any,
    estimator: Any,
    rng: np.random.Generator,
    *,
    identified: bool = True,
) -> dict[str, float]:
    """Identify an effect in a graph, estimate it, and hold it against the truth.

    Raises
    ------
    NotIdentifiableError
        If the graph does not identify it.
    """
    if not isinstance(graph, type(drawn.graph)):
        raise InputError(
            f"a {type(graph).__name__} says nothing of effects here; expected a "
            f"{type(drawn.graph).__name__}. Leave the method out of this task."
        )
    estimand = identify(graph, *asked)
    found = estimate(estimand, drawn.data, estimator, random_state=rng)
    if not identified:
        return {"identified": 0.0, "trapped": 1.0}
    value, (truth, truth_error) = float(found.value), true_effect  # type: ignore[union-attr]
    lower = upper = value
    if not isinstance(estimand, NoEffectEstimand):
        lower, upper = found.interval(0.95)
    return {
        "identified": 1.0,
        "truth": truth,
        "truth_error": truth_error,
        "error": value - truth,
        "absolute_error": abs(value - truth),
        "covered": float(lower <= truth <= upper),
        "width": upper - lower,
        "no_effect": float(isinstance(estimand, NoEffectEstimand)),
    }
