r"""Effects that every DAG of a class agrees on, also where no adjustment set does the work.

In a CPDAG, with or without background knowledge (MPDAG), the effect of X on Y is the same in all
members unless a possibly causal path from X starts with an undirected edge (Perković 2020). That is
all: where it holds there is a formula, and where it does not, two members fit the same data and
differ in the effect. Adjustment is not as strong: of joint treatments such as X1 -> M -> X2 -> Y
<- M no set adjusts for all, the formula below does.

What a member says of nodes tied together by undirected edges, another one says in another order;
about the group as a whole they agree. Such a group, as far as it matters to the outcome, is a
**bucket**, and the members' truncated factorisations all read ::

    P(y | do(x)) = Σ Π P(bucket | its parents)      over the buckets of the ancestors of y without x

>>> graph = "CPDAG: X1 -> M -> X2 -> Y; X1 -> Y; M -> Y"
>>> print(class_formula(graph, ["X1", "X2"], "Y").expression)
E[Y | do(X1=x1, X2=x2)] = Σ_{m} E[Y | X1=x1, M=m, X2=x2] P(M=m | X1=x1)

An effect within strata may be the same in all members although the effect on everybody is not: what
is done to X may be exchanged for what is seen of it (rule 2 of do-calculus), if that is right in
every member. One member per way to orient the edges at the nodes concerned answers for all.

References
----------
Perković, E. (2020). Identifying causal effects in maximally oriented partially directed acyclic
graphs. UAI, PMLR 124. LaPlante, S., Perković, E. (2025). Identifying conditional causal effects in
MPDAGs. arXiv:2507.15842.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Final

import numpy as np

from causalkit._core.checks import as_names
from causalkit.errors import GraphError, NotIdentifiableError
from causalkit.graph import CausalGraph, Edge, Kind
from causalkit.graph.chordal import components
from causalkit.graph.equivalence import consistent_extension, meek_closure
from causalkit.graph.walks import mask_of
from causalkit.identification.adjustment.criterion import observed_mask
from causalkit.identification.classes.equivalence_class import decide, undecided
from causalkit.identification.formulas.algebra import distinct, product, quotient, summed
from causalkit.identification.formulas.expression import Expression, Probability, Symbol
from causalkit.identification.general.functional import Derivation, FunctionalEstimand, Step
from causalkit.identification.general.general import identified
from causalkit.identification.general.mixed import Mixed
from causalkit.identification.query import EffectQuery, GraphLike, as_graph, listed
from causalkit.typing import Name, Names

__all__ = ["class_formula", "identified_in_class"]

_MOST_ORIENTATIONS: Final = 2_000


def class_formula(
    graph: GraphLike,
    treatment: Names,
    outcome: Names,
    *,
    given: Names | None = (),
    observed: Names | None = None,
) -> FunctionalEstimand:
    """Identify an effect in a class of DAGs, joint and conditional effects among them.

    Parameters
    ----------
    graph : CausalGraph, str or networkx graph
        A CPDAG; background knowledge in it is welcome. A DAG is a class of one.
    treatment, outcome : name or names
        What is set, and what is looked at.
    given : name or names, optional
        Strata, `P(y | do(x), given)`; they may be affected by the treatment.
    observed : names, optional
        Variables that data has; the class is about all of them, hidden ones too. Left out, all.

    Returns
    -------
    FunctionalEstimand
        The formula, with its derivation.

    Raises
    ------
    NotIdentifiableError
        If members differ in the effect; `witness` then has the undirected edges that decide. If
        all agree and the formula cannot do without a hidden variable, `witness` is a
        :class:`~causalkit.identification.general.functional.Hedge` of one member.
    GraphError
        If the graph is no class of DAGs, or has no member.
    InputError
        If names are unknown, have two roles or are not observed.

    Notes
    -----
    **Assumes:**

    - one member of the class is the true causal graph; nothing that acts on two of its variables is
      missing from it.

    Without `given` the criterion is sound and complete (Perković 2020, Theorem 3.6), with hidden
    variables too: then one member, its hidden variables marginalised, answers for all, since they
    agree. With `given`, what is found is right, and in no class of four or five nodes that was
    tried was anything missed; completeness is not proved.

    Examples
    --------
    >>> print(class_formula("CPDAG: A -- B; A -> Y; B -> Y; X -> Y", "X", "Y").expression)
    E[Y | do(X=x)] = Σ_{a, b} E[Y | A=a, B=b, X=x] P(A=a, B=b)
    >>> class_formula("CPDAG: X -- Y", "X", "Y")
    Traceback (most recent call last):
    ...
    causalkit.errors.NotIdentifiableError: the effect of X on Y is not the same in all members...
    """
    whole = as_graph(graph)
    query = EffectQuery.within(whole, treatment, outcome, given)
    return identified_in_class(whole, query, None if observed is None else as_names(observed))


def identified_in_class(
    graph: CausalGraph, query: EffectQuery, observed: tuple[Name, ...] | None
) -> FunctionalEstimand:
    """Do the work of :func:`class_formula` for a checked query."""
    if graph.kind not in (Kind.CPDAG, Kind.DAG):
        raise GraphError(
            f"the graph is a {graph.kind.name}; expected a CPDAG, a class of DAGs. Use "
            "general_formula() for an ADMG and pag_formula() for a MAG or PAG."
        )
    seen = observed_mask(graph, query, observed)
    member = consistent_extension(graph)
    closed = meek_closure(graph)
    steps: list[Step] = []
    treatment, given = _settled(closed, query, steps)
    if not seen.all():
        found = identified(member, query, tuple(closed.nodes[k] for k in np.flatnonzero(seen)))
        why = Step("one for all", f"members agree, so one of them answers: {member}")
        derivation = Derivation(query, (*steps, why, *found.derivation.steps))
        return FunctionalEstimand(query, found.formula, closed, derivation)
    formula = _formula(closed, member, query, treatment, given, steps)
    steps.append(Step("result", "", formula))
    return FunctionalEstimand(query, formula, closed, Derivation(query, tuple(steps)))


# --- do members agree ----------------------------------------------------------------------------


def _settled(
    graph: CausalGraph, query: EffectQuery, steps: list[Step]
) -> tuple[tuple[Name, ...], tuple[Name, ...]]:
    """What to set and what to condition on so that all members agree.

    Raises
    ------
    NotIdentifiableError
        If they do not, and no exchange by rule 2 makes them.
    """
    treatment, given = query.treatment, query.given
    while True:
        asked = mask_of(graph, (*query.outcome, *given))
        edges = undecided(graph, mask_of(graph, treatment), asked)
        if not edges:
            return treatment, given
        for names in _to_exchange(treatment, edges) if query.given else ():
            kept = tuple(name for name in treatment if name not in names)
            if _seeing_is_setting(graph, names, query.outcome, kept, given):
                what = f"setting {listed(names)} is seeing {listed(names)} in every member"
                steps.append(Step("rule 2", what))
                treatment, given = kept, (*given, *names)
                break
        else:
            raise _members_differ(query, edges)


def _to_exchange(treatment: tuple[Name, ...], edges: list[Edge]) -> Iterator[tuple[Name, ...]]:
    """Sets of treatments to try rule 2 on: those at undecided edges, one by one and together."""
    at_edges = tuple(name for name in treatment if any(name == edge.left for edge in edges))
    for size in range(1, len(at_edges) + 1):
        yield from combinations(at_edges, size)


def _seeing_is_setting(
    graph: CausalGraph,
    moved: tuple[Name, ...],
    outcome: tuple[Name, ...],
    held: tuple[Name, ...],
    given: tuple[Name, ...],
) -> bool:
    """Whether rule 2 holds in all members: `moved` separated from the outcome in every one of them.

    Edges into `held` and out of `moved` are cut. If two members agree on all edges at these nodes,
    what is left of them is Markov equivalent: an unshielded collider that only one of them had
    would need a cycle through the edge that was cut.
    """
    for finer in _oriented_at(graph, {*moved, *held}):
        mixed = Mixed.of(consistent_extension(finer))
        start, goal, no_in = (mixed.bits(names) for names in (moved, outcome, held))
        known = no_in | mixed.bits(given)
        if mixed.connected(start, known, no_in=no_in, no_out=start) & goal:
            return False
    return True


def _oriented_at(graph: CausalGraph, names: set[Name]) -> Iterator[CausalGraph]:
    """Sub-classes in which no edge at these nodes is undirected; together they are the class."""
    waiting, n_found = [graph], 0
    while waiting:
        graph = waiting.pop()
        edge = next(
            (e for e in graph.edges() if e.symbol == "--" and names & {e.left, e.right}), None
        )
        if edge is not None:
            waiting.append(decide(graph, edge.left, edge.right))
            waiting.append(decide(graph, edge.right, edge.left))
            continue
        n_found += 1
        if n_found > _MOST_ORIENTATIONS:
            raise NotIdentifiableError(
                f"the undirected edges at {listed(tuple(sorted(names, key=str)))} can be oriented "
                f"in more than {_MOST_ORIENTATIONS:,} ways, too many to look at; expected fewer. "
                "Orient some of them by background knowledge."
            )
        yield graph


def _members_differ(query: EffectQuery, edges: list[Edge]) -> NotIdentifiableError:
    shown = ", ".join(map(str, edges[:6])) + (", …" if len(edges) > 6 else "")
    plural = "these undirected edges are" if len(edges) > 1 else "this undirected edge is"
    return NotIdentifiableError(
        f"the {query} is not the same in all members of the class: it depends on how {plural} "
        f"oriented: {shown}. Orient {'them' if len(edges) > 1 else 'it'} by background knowledge "
        "(e.g. which variable comes first in time), or ask for all possible answers with "
        'strategy="possible".',
        witness=tuple(edges),
    )


# --- the formula ---------------------------------------------------------------------------------


def _formula(
    graph: CausalGraph,
    member: CausalGraph,
    query: EffectQuery,
    treatment: tuple[Name, ...],
    given: tuple[Name, ...],
    steps: list[Step],
) -> Expression:
    """Σ Π P(bucket | parents), divided by its sum over the outcome if there are strata."""
    free = [name for name in graph.nodes if name not in treatment]
    wanted = (*query.outcome, *given)
    above = graph.subgraph(free).ancestors(wanted) | set(wanted)
    buckets = _buckets(graph, member, above)
    once = f" once {listed(treatment)} is set" if treatment else ""
    steps.append(Step("ancestors", f"of the outcome{once}: {_braced(graph, above)}"))
    factors: list[Expression] = []
    for bucket in buckets:
        parents = graph.parents(bucket) - set(bucket)
        names = tuple(name for name in graph.nodes if name in parents)
        factors.append(Probability(bucket, names))
        steps.append(Step("bucket", f"all members agree on {_braced(graph, bucket)}", factors[-1]))
    over = tuple(name for name in graph.nodes if name in above and name not in wanted)
    if given:
        factors = _touching(factors, set(query.outcome), {*query.outcome, *over})
    body = product(factors[::-1])
    formula = summed(over, body)
    if given:
        formula = quotient(formula, summed((*over, *query.outcome), body))
    return distinct(formula, formula.symbols.union(query.outcome, query.treatment, query.given))


def _buckets(
    graph: CausalGraph, member: CausalGraph, above: frozenset[Name] | set[Name]
) -> list[tuple[Name, ...]]:
    """Undirected components, as far as they lie in `above`, causes first."""
    place = {member.nodes[k]: at for at, k in enumerate(member.order.tolist())}
    found = []
    for part in components(graph.undirected):
        names = tuple(graph.nodes[k] for k in part if graph.nodes[k] in above)
        if names:
            found.append(tuple(sorted(names, key=place.__getitem__)))
    return sorted(found, key=lambda names: place[names[0]])


def _touching(factors: list[Expression], start: set[Name], ties: set[Name]) -> list[Expression]:
    """Factors that the variables of `ties` tie to `start`; the others cancel from a quotient."""
    reached: frozenset[Symbol] = frozenset(start)
    while True:
        kept = [factor for factor in factors if factor.symbols & reached]
        more = reached.union(*(factor.symbols & ties for factor in kept))
        if more == reached:
            return kept
        reached = more


def _braced(graph: CausalGraph, names: frozenset[Name] | set[Name] | tuple[Name, ...]) -> str:
    return "{" + ", ".join(str(name) for name in graph.nodes if name in names) + "}"
