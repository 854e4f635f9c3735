"""What was decided between a table and an answer, each decision with its reason.

A decision has a step ("data", "discovery", "graph", "identification", "estimation", "uncertainty",
"challenges"), what was chosen, and why. The reasons are those of the code that decides: where an
algorithm or an estimator is chosen, the choice returns its reason; where a strategy fails, its
error is the reason; where the user decided, it says so. What changes how the answer is to be read
is no decision and stands in `Analysis.notes`.

>>> print(Decision("discovery", "PC(alpha=0.01)", "given as `discovery`"))
discovery: PC(alpha=0.01)
─────────────────────────
given as `discovery`
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from causalkit._core.report import Report, Reported
from causalkit._core.table import Table
from causalkit.discovery.base import DiscoveryAlgorithm
from causalkit.discovery.series.base import SeriesAlgorithm
from causalkit.estimation import HAC, Effect, EffectSet
from causalkit.graph import CausalGraph, Kind, LaggedGraph
from causalkit.refutation import Challenges
from causalkit.typing import Name
from causalkit.workflow.asked import names_beside

__all__ = [
    "Decision",
    "about_challenges",
    "about_data",
    "about_estimate",
    "about_graph",
    "about_search",
]

_SHOWN = 8
"""Names that are listed before the rest is counted."""

_OPEN = {
    Kind.CPDAG: "graphs that differ in the open edges fit the data alike",
    Kind.PAG: "a circle says that the data allow a tail and an arrow there",
}
"""Why a class of graphs has edges that are not oriented."""

_ROWS = {
    "clusters": "it holds the clusters: it says which rows depend on each other",
    "sample_weight": "it holds the weights: it says how much each row counts",
    "panel": "it holds the units, whose rows the estimator compares over time",
    "time": "it holds the periods, in which the estimator compares units",
}
"""Why a column is no variable of the system."""


_WITH_HOLES = {
    False: "an estimate that reads a column with empty cells stops and says so",
    True: "of the steps, the estimate uses those at which it sees all that it reads",
}
"""What an estimate makes of empty cells, in rows and in steps of series."""


@dataclass(frozen=True, slots=True, repr=False)
class Decision(Reported):
    """One decision on the way to an answer.

    Attributes
    ----------
    step : str
        Part of the chain: "data", "discovery", "graph", "identification", "estimation",
        "uncertainty" or "challenges".
    choice : str
        What was chosen.
    reason : str
        Why.
    """

    step: str
    choice: str
    reason: str

    def _report(self) -> Report:
        return Report(title=f"{self.step}: {self.choice}", notes=[self.reason])


def about_data(
    variables: Table,
    columns: Sequence[Name],
    settings: Mapping[str, Any],
    *,
    lasting: bool = False,
) -> Iterator[Decision]:
    """Which rows and columns are read, which are left out, and what becomes of empty cells.

    `lasting` says that the rows are steps of series.
    """
    given = settings["graph"] is not None
    beside = names_beside(settings) | {settings["panel"], settings["time"]}
    yield Decision(
        "data",
        f"all {variables.n_rows} rows of {variables.n_columns} columns",
        "these columns are nodes of the graph"
        if given
        else "every column is a variable of the system"
        + (", but for those that say how the rows were drawn" if names_beside(settings) else ""),
    )
    for role, why in _ROWS.items():
        named = isinstance(settings[role], (str, int)) and settings[role] not in variables.names
        if named and not (lasting and role in ("panel", "time")):
            yield Decision("data", f"{settings[role]} is no variable of the graph", why)
    left = [name for name in columns if name not in variables.names and name not in beside]
    if left:
        yield Decision("data", f"left out: {_listed(left)}", "the graph that was given has none")
    counts = variables.missing.sum(axis=0)
    if counts.any():
        holes = [f"{variables.names[k]} ({counts[k]})" for k in counts.nonzero()[0]]
        yield Decision(
            "data",
            f"empty cells are left empty: {_listed(holes)}",
            "no row is dropped and nothing is filled in. "
            + ("" if given else "The search takes them as they are; ")
            + _WITH_HOLES[lasting],
        )


def about_search(algorithm: DiscoveryAlgorithm | SeriesAlgorithm, reason: str) -> Decision:
    """Which search, and the level of its tests or its score."""
    known = algorithm.get_params(deep=False)
    parts = [f"alpha={known['alpha']:g}"] if isinstance(known.get("alpha"), float) else []
    parts += [f"{part}={known[part]!r}" for part in ("test", "score") if known.get(part)]
    knowledge = "; with the knowledge that was given" if known.get("knowledge") else ""
    name = type(algorithm).__name__
    return Decision("discovery", f"{name}({', '.join(parts)}){knowledge}", reason)


def about_graph(
    graph: CausalGraph | LaggedGraph, algorithm: DiscoveryAlgorithm | SeriesAlgorithm | None
) -> Decision:
    """Which kind of graph, and how much of it is open."""
    edges = graph.edges()
    n_open = sum(edge.symbol == "--" or "o" in edge.symbol for edge in edges)
    size = f"{len(graph.nodes)} variables"
    if isinstance(graph, LaggedGraph):
        size = f"{len(graph.variables)} series with lags to {graph.max_lag}"
    choice = f"{graph.kind.name} of {size}, {len(edges)} edges"
    reason = "given" if algorithm is None else f"what {type(algorithm).__name__} found"
    if n_open:
        choice += f", {n_open} of them open"
        reason += f"; {_OPEN.get(graph.kind, 'they have no direction')}"
    return Decision("graph", choice, reason)


# --- from estimand to challenges ------------------------------------------------------------------


def about_estimate(effect: Effect | EffectSet, settings: Mapping[str, Any]) -> Iterator[Decision]:
    """Which estimator, and which standard error."""
    members = effect.effects if isinstance(effect, EffectSet) else (effect,)
    ways: dict[tuple[str, str], Effect] = {}
    for member in members:
        if not member.implied:
            why = "given as `estimator`"
            if settings["estimator"] is None:
                why = str(member.details.get("chosen_because", "what the estimand asks for"))
            ways.setdefault((member.method, why), member)
    if not ways:
        yield Decision("estimation", "nothing is estimated", "the graph says what is known")
    for (method, why), member in ways.items():
        yield Decision("estimation", method, why)
        yield _about_error(member, settings)


def _about_error(effect: Effect, settings: Mapping[str, Any]) -> Decision:
    """Which standard error, and what it allows for."""
    inference = getattr(effect.estimator, "inference", None)
    own = getattr(settings["estimator"], "inference", None)
    if isinstance(inference, HAC) and own is None:
        why = "steps of series depend on each other, and the estimator has no other inference"
        return Decision("estimation", f"standard error by {inference!r}", why)
    if inference is not None:
        why = "set in the estimator"
        if getattr(settings["estimator"], "inference", None) is None:
            why = "no other was named, and steps of a series depend on each other"
        return Decision("estimation", f"standard error by {inference!r}", why)
    if settings["clusters"] is not None:
        why = "clusters were given: rows of one cluster may depend on each other"
        return Decision("estimation", "standard error clustered", why)
    if effect.problem is not None and effect.problem.groups is not None:
        unit = effect.problem.others["unit"].names[0]
        why = "rows of one unit may depend on each other, and no coarser clusters were given"
        return Decision("estimation", f"standard error clustered by {unit}", why)
    if effect.influence is None:
        return Decision("estimation", "standard error of the estimator", "it has one of its own")
    return Decision(
        "estimation",
        "standard error from the influence of each row",
        "no clusters were given, so rows are taken as independent; it allows for unequal variance",
    )


def about_challenges(challenges: Challenges, settings: Mapping[str, Any]) -> Iterator[Decision]:
    """Which checks were made, and which of them say nothing here."""
    given = settings["checks"] is not None
    if not len(challenges):
        yield Decision("challenges", "none", "`checks` is empty")
        return
    labels = getattr(challenges.effect, "labels", ())
    names = [_without(labels, challenge.name) for challenge in challenges]
    yield Decision(
        "challenges",
        ", ".join(dict.fromkeys(names)),
        "given as `checks`" if given else "all that refute() makes if none are named",
    )
    silent: dict[str, list[str]] = {}
    for name, challenge in zip(names, challenges, strict=True):
        if not (challenge.passes or challenge.fails):
            silent.setdefault(challenge.sentence, []).append(name)
    for sentence, names in silent.items():
        yield Decision("challenges", f"not informative: {_listed(dict.fromkeys(names))}", sentence)


def _without(labels: Iterable[str], name: str) -> str:
    """The name of a check without that of the effect, of several, which it challenges."""
    for label in labels:
        name = name.removesuffix(f", {label}")
    return name


def _listed(names: Iterable[Any]) -> str:
    """The first few, and how many there are."""
    known = [str(name) for name in names]
    shown = ", ".join(known[:_SHOWN])
    return shown if len(known) <= _SHOWN else f"{shown}, … ({len(known)})"
