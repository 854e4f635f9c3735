"""What mediation refuses: unknown effects, mediators off the way, paths that are none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TypeAlias

from causalkit._core.checks import as_names
from causalkit.errors import GraphError, InputError
from causalkit.graph import CausalGraph
from causalkit.graph.latent import latent_projection
from causalkit.identification.adjustment.criterion import observed_mask
from causalkit.identification.counterfactual._mediation_query import (
    EFFECTS,
    MediationQuery,
    PathQuery,
)
from causalkit.identification.general.mixed import Mixed
from causalkit.identification.query import EffectQuery, listed
from causalkit.typing import Name, Names

__all__ = [
    "Paths",
    "check_between",
    "check_edges",
    "check_joined",
    "check_paths",
    "edges_of",
    "known_effect",
    "shown",
    "walks_of",
]

Paths: TypeAlias = "str | Iterable[str | Sequence[Name]]"
"""One path as text, or several as text or as sequences of names."""


def known_effect(effect: str) -> str:
    """Return the effect if there is such a one."""
    if effect not in EFFECTS:
        raise InputError(
            f"effect={effect!r}; expected one of {', '.join(map(repr, EFFECTS))}. For single paths "
            "use identify_path_effect()."
        )
    return effect


def shown(
    whole: CausalGraph, query: EffectQuery, observed: Names | None, extra: tuple[Name, ...]
) -> Mixed:
    """The graph over what is observed; the query and `extra` are in it."""
    if len(query.outcome) != 1:
        raise InputError(
            f"there are {len(query.outcome)} outcomes, {listed(query.outcome)}; expected one. Ask "
            "about each of them."
        )
    whole.indices(extra)
    seen = observed_mask(whole, query, None if observed is None else as_names(observed))
    for name in extra:
        if not seen[whole.index(name)]:
            raise InputError(
                f"{name!r} is not among the observed variables; expected mediators that data has, "
                "and paths without hidden variables. Add it to observed, or leave it out."
            )
    if seen.all():
        return Mixed.of(whole)
    return Mixed.of(latent_projection(whole, whole.names(seen.nonzero()[0])))


def check_between(mixed: Mixed, query: MediationQuery) -> None:
    """Every mediator is an effect of the treatment and a cause of the outcome."""
    below = mixed.descendants(mixed.bits(query.treatment), mixed.all)
    above = mixed.ancestors(mixed.bits(query.outcome), mixed.all)
    for name in query.mediators:
        if not mixed.bits([name]) & below & above:
            raise InputError(
                f"{name!r} is on no causal path from {listed(query.treatment)} to "
                f"{listed(query.outcome)}; expected mediators. Leave it out, or put it into given."
            )


def walks_of(graph: CausalGraph, paths: Paths) -> list[tuple[Name, ...]]:
    """Read paths, text or names."""
    names = {str(node): node for node in graph.nodes}

    def read(path: str | Sequence[Name]) -> tuple[Name, ...]:
        if isinstance(path, str):
            steps = [step.strip() for step in path.split("->")]
            return tuple(names.get(step, step) for step in steps)
        return _as_walk(path)

    if not isinstance(paths, Iterable):
        raise InputError(f'paths={paths!r}; expected text such as "X -> M -> Y", or several.')
    found = [read(path) for path in ([paths] if isinstance(paths, str) else paths)]
    if not found:
        raise InputError('paths is empty; expected at least one, such as "X -> M -> Y".')
    graph.indices([name for path in found for name in path])
    return list(dict.fromkeys(found))


def edges_of(edges: Iterable[tuple[Name, Name]]) -> list[tuple[Name, ...]]:
    """Read edges, pairs of names."""
    if isinstance(edges, str) or not isinstance(edges, Iterable):
        raise InputError(f'edges={edges!r}; expected pairs of names, such as [("X", "M")].')
    return list(map(_as_walk, edges))


def _as_walk(names: Sequence[Name]) -> tuple[Name, ...]:
    if isinstance(names, (tuple, list)):
        return tuple(names)
    raise InputError(
        f'{names!r} is no sequence of names; expected such as ("X", "M"). Put a single one into a '
        "list."
    )


def check_edges(mixed: Mixed, walks: list[tuple[int, ...]], *, single: bool) -> None:
    """Every step is an edge of the graph over what is observed; `single`: each walk is one step."""
    if not walks:
        raise InputError('edges is empty; expected at least one, such as ("X", "M").')
    for walk in walks:
        if len(walk) < 2 or (single and len(walk) > 2):
            names = ", ".join(str(mixed.nodes[node]) for node in walk)
            raise InputError(
                f"({names}) is no {'edge' if single else 'path'}; expected two names"
                f"{'' if single else ' at least'}. Write a path as text, such as 'X -> M -> Y'."
            )
        for tail, head in pairwise(walk):
            if not mixed.parents[head] >> tail & 1:
                raise GraphError(
                    f"there is no edge {mixed.nodes[tail]} -> {mixed.nodes[head]} between observed "
                    "variables; expected a causal path of the graph. Check the names and the order."
                )


def check_paths(mixed: Mixed, query: PathQuery, walks: list[tuple[int, ...]]) -> None:
    """Every path leads from a treatment to the outcome, past no other treatment."""
    treated, end = mixed.bits(query.treatment), mixed.where[query.outcome[0]]
    for walk in walks:
        past = any(treated >> node & 1 for node in walk[1:])
        if not treated >> walk[0] & 1 or walk[-1] != end or past:
            raise InputError(
                f"{' -> '.join(str(mixed.nodes[node]) for node in walk)} does not lead from "
                f"{listed(query.treatment)} to {listed(query.outcome)}, or leads through another "
                "treatment; expected a path between the two. Write it from end to end."
            )


def check_joined(mixed: Mixed, query: PathQuery, edges: list[tuple[int, ...]]) -> None:
    """The edges make up at least one path from a treatment to the outcome."""
    reached = mixed.bits(query.treatment)
    for tail, head in sorted(edges):  # causes first
        if reached >> tail & 1:
            reached |= 1 << head
    if not reached >> mixed.where[query.outcome[0]] & 1:
        raise InputError(
            f"edges {listed(query.along)} make up no path from {listed(query.treatment)} to "
            f"{listed(query.outcome)}, so nothing goes along them; expected all edges of the "
            "paths that count. Add those that are missing."
        )
