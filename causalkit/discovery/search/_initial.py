"""The DAG with which a search begins that changes one edge at a time."""

from __future__ import annotations

import numpy as np

from causalkit.discovery.search._score_setup import ScoreSetup
from causalkit.errors import GraphError, InputError
from causalkit.graph import CausalGraph, Kind, consistent_extension
from causalkit.graph.marks import show_name
from causalkit.graph.meek import close_under_meek, extend, makes_collider, pairs_of
from causalkit.typing import BoolArray

__all__ = ["initial_dag", "permitted_member"]


def initial_dag(setup: ScoreSetup, initial: CausalGraph | None) -> BoolArray:
    """DAG that obeys the knowledge: the required edges, or a member of a given class.

    Parameters
    ----------
    setup : ScoreSetup
    initial : CausalGraph or None
        A DAG, which is taken as it is if it obeys the knowledge, or a CPDAG.

    Returns
    -------
    ndarray of bool, shape (p, p)
        A copy.

    Raises
    ------
    InputError
        If the graph is of another kind or has other nodes, or no member of its class obeys the
        knowledge and the limit of parents.
    """
    if initial is None:
        return setup.required.copy()
    if not isinstance(initial, CausalGraph) or initial.kind not in (Kind.DAG, Kind.CPDAG):
        shown = initial.kind.name if isinstance(initial, CausalGraph) else type(initial).__name__
        raise InputError(
            f"initial is a {shown}; expected a CausalGraph of kind DAG or CPDAG. The graph_ or the "
            "dag_ of another search is one."
        )
    if set(initial.nodes) != set(setup.names):
        raise InputError(
            f"initial has the nodes {_shown(initial.nodes)} and the table {_shown(setup.names)}; "
            "expected the same names. Rename them, or take initial.subgraph(names)."
        )
    dag = np.array(consistent_extension(initial).reordered(setup.names).directed)
    allowed, required = setup.allowed, setup.required
    if (dag & ~allowed).any() or (required & ~dag).any():
        member = permitted_member(setup, dag)
        if member is None:
            raise InputError(
                "no member of the class of initial obeys the knowledge and the skeleton; expected "
                "a graph that contradicts nothing known. Leave initial out, or correct one of them."
            )
        dag = member
    if dag.sum(axis=0).max(initial=0) > setup.max_parents:
        raise InputError(
            f"initial gives a variable {dag.sum(axis=0).max()} parents; expected at most "
            f"{setup.max_parents}. Raise max_parents, bring more rows, or leave initial out."
        )
    return dag


def permitted_member(
    setup: ScoreSetup, dag: BoolArray, seen: BoolArray | None = None
) -> BoolArray | None:
    """Member of the class of a DAG that obeys the knowledge, if there is one.

    `seen` are arrows of the DAG that all members share because interventions tell.
    """
    joined = dag | dag.T
    arrows = pairs_of(dag)
    into = makes_collider(len(dag), arrows)
    colliders = np.zeros_like(dag)
    colliders[arrows[0][into], arrows[1][into]] = True
    known = colliders if seen is None else colliders | seen
    known = known | (joined & (setup.required | ~setup.allowed.T))
    if (known & ~setup.allowed).any() or (setup.required & ~joined).any():
        return None
    try:
        member = extend(*close_under_meek(known, joined & ~known & ~known.T))
    except GraphError:
        return None
    if member is None:
        return None
    ends = pairs_of(member)
    met = makes_collider(len(dag), ends)
    same = met.sum() == into.sum() and colliders[ends[0][met], ends[1][met]].all()
    return member if same else None


def _shown(names: tuple[str | int, ...]) -> str:
    listed = ", ".join(show_name(name) for name in names[:6])
    return listed + (", ..." if len(names) > 6 else "")
