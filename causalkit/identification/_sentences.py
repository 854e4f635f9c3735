"""Sentences that estimands share: what is assumed, and what a printed estimand looks like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from causalkit._core.report import Report
from causalkit.graph import CausalGraph, Kind
from causalkit.graph.lagged_graph import LaggedGraph

if TYPE_CHECKING:
    from causalkit.identification.estimand import Estimand

__all__ = ["about_graph", "bulleted", "consistency", "estimand_report", "kind_words"]


def about_graph(graph: CausalGraph | LaggedGraph) -> str:
    """What the graph must be right about."""
    sentence = _RIGHT[graph.kind]
    if isinstance(graph, LaggedGraph):
        sentence += " It is the same at every step, and so are the effects (stationarity)."
        if graph.kind in (Kind.MAG, Kind.PAG):
            sentence += (
                f" No edge with a lag above {graph.max_lag} is missing: something observed "
                "separates variables that are further apart. Hidden causes of a series with a "
                "memory can make edges of any length, which a longer max_lag leaves weaker."
            )
    return sentence


_RIGHT: Final = {
    Kind.DAG: "The graph is right: every common cause of its variables, and every direct cause "
    "among them, is in it.",
    Kind.ADMG: "The graph is right: every direct cause is an edge, and every hidden common cause "
    "is drawn as <->.",
    Kind.CPDAG: "The class of graphs is right: no hidden common causes (causal sufficiency), and "
    "independences in the data are those of the graph (Markov and faithful). It holds in every DAG "
    "of the class.",
    Kind.MAG: "The graph is right: its arrows and tails say what is an ancestor of what, and "
    "nothing separates variables that are joined. Hidden common causes are allowed, selection is "
    "not.",
    Kind.PAG: "The class of graphs is right: independences in the data are those of the graph "
    "(Markov and faithful), and data were not selected. Hidden common causes are allowed. It holds "
    "in every graph of the class.",
}


def consistency(treatment: str) -> str:
    """That setting a treatment is what observing it was."""
    return (
        f"Consistency: setting {treatment} does what observing {treatment} did, in one version, "
        "and no unit's treatment changes another unit's outcome."
    )


def kind_words(graph: CausalGraph | LaggedGraph) -> str:
    """Kind and size of a graph."""
    if isinstance(graph, LaggedGraph):
        size = f"of {len(graph.variables)} series, lags to {graph.max_lag}"
    else:
        size = f"with {len(graph.nodes)} nodes"
    return f"{graph.kind.name} {size}, {len(graph.edges())} edges"


def bulleted(sentences: tuple[str, ...]) -> list[str]:
    """Sentences as lines of a list."""
    return [f"• {sentence}" for sentence in sentences]


def estimand_report(estimand: Estimand, facts: list[tuple[str, object]]) -> Report:
    """The query as the title, facts, and the assumptions below."""
    title = str(estimand.query)
    return Report(
        title=title[0].upper() + title[1:],
        facts=[*facts, ("graph", kind_words(estimand.graph))],
        notes=["Assumes:", *bulleted(estimand.assumptions)],
    )
