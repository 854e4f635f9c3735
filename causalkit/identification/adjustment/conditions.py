"""Why a set of covariates is an adjustment set, or why not.

`is_adjustment_set` answers yes or no. Here each condition of the criterion is looked at on its own,
and where one fails, a path says why: the undecided edge, the way on which the treatment affects a
covariate, the path that stays open.

>>> print(adjustment_conditions("A -> M <- B; A -> X -> Y; B -> Y", "X", "Y", "M"))
Adjusting for M: effect of X on Y
─────────────────────────────────
<BLANKLINE>
valid  no
<BLANKLINE>
condition               holds  because
────────────────────────────────────────────────────────────
amenable                yes
no forbidden covariate  yes
paths blocked           no     X <- A -> M <- B -> Y is open

References
----------
Perković, E., Textor, J., Kalisch, M., Maathuis, M. H. (2018). Complete graphical characterization
and construction of adjustment sets in Markov equivalence classes of ancestral graphs. JMLR 18(220).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from causalkit._core.checks import as_names
from causalkit._core.report import Report, Reported
from causalkit.graph import Edge, Kind
from causalkit.graph.walks import POSSIBLE_DESCENDANTS, POSSIBLE_DESCENDANTS_PAG, find_walk
from causalkit.identification.adjustment._question import ask_about
from causalkit.identification.adjustment.criterion import Frame
from causalkit.identification.query import EffectQuery, GraphLike, listed
from causalkit.typing import BoolArray, Name, Names

__all__ = ["AdjustmentConditions", "adjustment_conditions"]


@dataclass(frozen=True, slots=True, repr=False)
class AdjustmentConditions(Reported):
    """Which conditions of the adjustment criterion a set of covariates meets.

    Parameters
    ----------
    query : EffectQuery
        What is asked.
    given : tuple of names
        The covariates.
    undecided : tuple of Edge
        Edges that the effect depends on; amenability holds if there are none.
    affected : tuple of (name, str)
        Covariates that must not be adjusted for, each with a causal path that says why.
    unusable : tuple of names
        Covariates that data does not have, or that were not to be used.
    open_path : str or None
        A shortest non-causal path that stays open; in a class of graphs, of one member.
    """

    query: EffectQuery
    given: tuple[Name, ...]
    undecided: tuple[Edge, ...]
    affected: tuple[tuple[Name, str], ...]
    unusable: tuple[Name, ...]
    open_path: str | None

    @property
    def amenable(self) -> bool:
        """Condition 0: no path that may be causal starts with an undecided edge."""
        return not self.undecided

    @property
    def permitted(self) -> bool:
        """Condition 1: no covariate is affected by the treatment on its way to the outcome."""
        return not self.affected

    @property
    def blocking(self) -> bool:
        """Condition 2: every non-causal path is blocked."""
        return self.open_path is None

    @property
    def valid(self) -> bool:
        """Whether the covariates are an adjustment set, and all of them can be used."""
        return self.amenable and self.permitted and self.blocking and not self.unusable

    def _report(self) -> Report:
        edges = ", ".join(map(str, self.undecided))
        rows: list[tuple[str, bool, str]] = [
            ("amenable", self.amenable, f"{edges} undecided"),
            (
                "no forbidden covariate",
                self.permitted,
                "; ".join(path for _, path in self.affected),
            ),
            ("paths blocked", self.blocking, f"{self.open_path} is open"),
        ]
        if self.unusable:
            rows.append(("covariates usable", False, f"not {listed(self.unusable)}"))
        return Report(
            title=f"Adjusting for {listed(self.given) or 'nothing'}: {self.query}",
            facts=[("valid", "yes" if self.valid else "no")],
            columns=("condition", "holds", "because"),
            rows=[(what, "yes" if ok else "no", "" if ok else why) for what, ok, why in rows],
        )


def adjustment_conditions(
    graph: GraphLike,
    treatment: Names,
    outcome: Names,
    given: Names | None = (),
    *,
    observed: Names | None = None,
    forbidden: Names | None = (),
) -> AdjustmentConditions:
    """Say which conditions of the adjustment criterion a set meets, and why others fail.

    Parameters
    ----------
    graph : CausalGraph, LaggedGraph, str or networkx graph
        Of any kind; in a class of graphs the set has to be valid in every member.
    treatment, outcome : name or names
        What is set, and what is looked at.
    given : name or names
        The covariates to adjust for; may be empty.
    observed : names, optional
        Variables that data has.
    forbidden : name or names, optional
        Covariates never to be used.

    Returns
    -------
    AdjustmentConditions
        Its `valid` is the answer of :func:`~causalkit.identification.is_adjustment_set`.

    Raises
    ------
    InputError
        If names are unknown, or a variable has two roles.
    GraphError
        If a MAG or PAG has edges of selection, or a class has no member.

    Notes
    -----
    **Assumes:**

    - the graph (or one member of the class) is the true causal graph.

    Examples
    --------
    >>> found = adjustment_conditions("Z -> X -> M -> Y; Z -> Y; M -> D", "X", "Y", ["D"])
    >>> found.valid, found.affected, found.open_path
    (False, (('D', 'X -> M -> D'),), 'X <- Z -> Y')
    """
    query, facts, mask = ask_about(graph, treatment, outcome, given, observed, forbidden)
    nodes = facts.graph.nodes
    affected = np.flatnonzero(mask & facts.forbidden).tolist()
    barred = np.flatnonzero(mask & ~facts.allowed & ~facts.forbidden).tolist()
    walk = facts.open_walk(mask)
    return AdjustmentConditions(
        query,
        tuple(as_names(given)),
        facts.undecided,
        tuple((nodes[v], _causal_path(facts, v)) for v in affected),
        tuple(nodes[v] for v in barred),
        None if walk is None else walk.show(facts.member),
    )


def _causal_path(facts: Frame, v: int) -> str:
    """A possibly causal path from the treatment to a node, through a causal path to the outcome."""
    goal = _only(v, facts.treatment)
    table = POSSIBLE_DESCENDANTS_PAG if facts.graph.kind is Kind.PAG else POSSIBLE_DESCENDANTS
    treated = [x for x, first in facts.first_steps.tolist() if first == v]
    if treated:
        return f"{facts.graph.nodes[treated[0]]} -> {facts.graph.nodes[v]}"
    walk = find_walk(facts.graph, facts.first_nodes, goal, table)
    if walk is None:
        raise RuntimeError("a node is forbidden and nothing leads to it: please report it")
    x = next(x for x, first in facts.first_steps.tolist() if first == walk.nodes[0])
    return f"{facts.graph.nodes[x]} -> {walk.show(facts.graph)}"


def _only(v: int, like: BoolArray) -> BoolArray:
    mask = np.zeros_like(like)
    mask[v] = True
    return mask
