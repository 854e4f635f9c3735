r"""General identification in a PAG: what follows although causes are hidden and edges are open.

A PAG stands for all graphs, hidden variables and all, that data cannot tell apart. An effect is
identified if all of them have the same formula for it. The IDP algorithm (Jaber et al. 2022) finds
out without looking at members. It thinks in groups of nodes:

* a **bucket** hangs together by `o-o`: what is in it, no member orders as another one does,
* the **pc-component** of a node are those that share a hidden cause with it in some member: joined
  to it by an edge that is not visible, or by a path of colliders over such edges.

As in a known graph, `Q[T]` is the distribution of T if everything else were set, and the effect is
a sum over `Q[D]`, D being the possible ancestors of the outcome once the treatment is cut off. Two
steps lead from `Q[V]`, the data, to `Q[D]`::

    set a bucket B of T     allowed if none of its possible effects is in its pc-component
    split C into regions    Q[C] = Q[R] Q[R'] / Q[R ∩ R'],  R the buckets that B's component meets

If neither is possible, two members differ in the effect; nobody can do better. If they are, all
members agree, and so the formula of a single one is that of all: it is worked out in the member
that has the fewest hidden causes.

>>> pag = "PAG: A o-> S; B o-> S; S -> M; S -> Y; M -> T; M -> Y; C o-> M; T -> Y; D o-> T"
>>> print(pag_formula(pag, ["S", "T"], "Y").expression)  # no set adjusts for both
E[Y | do(S=s, T=t)] = Σ_{c, m} E[Y | S=s, M=m, T=t] P(M=m | C=c, S=s) P(C=c)

An effect within strata may be identified although the joint one is not (CIDP): treatments that
share a bucket with what matters are exchanged for observations, and strata for treatments, where
rule 2 of the do-calculus for PAGs allows it.

References
----------
Jaber, A., Ribeiro, A. H., Zhang, J., Bareinboim, E. (2022). Causal identification under Markov
equivalence: calculus, algorithm, and completeness. NeurIPS 35. Jaber, A., Zhang, J., Bareinboim, E.
(2019). Causal identification under Markov equivalence: completeness results. ICML, PMLR 97. Zhang,
J. (2008). Causal reasoning with ancestral graphs. JMLR 9.
"""

from __future__ import annotations

from dataclasses import dataclass

from causalkit._core.checks import as_names
from causalkit.errors import GraphError, NotIdentifiableError
from causalkit.graph import CausalGraph, Edge, Kind
from causalkit.graph.mag import mag_to_pag
from causalkit.graph.separation import representative
from causalkit.identification.adjustment.criterion import check_kind, observed_mask
from causalkit.identification.classes._pag_sets import PagSets, rule_2
from causalkit.identification.general.functional import Derivation, FunctionalEstimand, Step
from causalkit.identification.general.general import identified
from causalkit.identification.query import EffectQuery, GraphLike, as_graph, listed
from causalkit.typing import Name, Names

__all__ = ["OpenPart", "identified_in_pag", "pag_formula"]


@dataclass(frozen=True, slots=True)
class OpenPart:
    """Why an effect is not identified in a PAG.

    `Q[wanted]` cannot be told from `Q[known]`: whatever could be set next shares a hidden cause
    with something that it may affect, in some member. `edges` join the two.

    Parameters
    ----------
    wanted, known : tuple of names
        The districts of `Q[wanted]` and `Q[known]`.
    edges : tuple of Edge
        Those whose marks leave it open.
    """

    wanted: tuple[Name, ...]
    known: tuple[Name, ...]
    edges: tuple[Edge, ...]

    def __str__(self) -> str:
        wanted, known = (", ".join(map(str, part)) for part in (self.wanted, self.known))
        return f"Q[{wanted}] within Q[{known}]"


def pag_formula(
    graph: GraphLike,
    treatment: Names,
    outcome: Names,
    *,
    given: Names | None = (),
    observed: Names | None = None,
) -> FunctionalEstimand:
    """Identify an effect in a PAG, by IDP, or one within strata, by CIDP.

    Parameters
    ----------
    graph : CausalGraph, str or networkx graph
        A PAG without edges of selection, complete: the class of a MAG, no more and no less. A MAG
        is taken too; it stands for the graphs that have it.
    treatment, outcome : name or names
        What is set, and what is looked at.
    given : name or names, optional
        Strata, `P(y | do(x), given)`; they may be affected by the treatment.
    observed : names, optional
        Variables that data has, if the graph is about others too. Left out, all.

    Returns
    -------
    FunctionalEstimand
        The formula, with its derivation.

    Raises
    ------
    NotIdentifiableError
        If members differ in the effect; `witness` then holds an :class:`OpenPart`. Or if the PAG is
        not the class of a MAG, so that nothing can be proved from it.
    GraphError
        If the graph is of another kind, has edges of selection, or is a MAG that is not maximal.
    InputError
        If names are unknown, have two roles or are not observed.

    Notes
    -----
    **Assumes:**

    - one member of the class is the true causal graph; hidden causes are allowed, selection is not.

    For a PAG the algorithm is sound and complete (Jaber et al. 2022). For a MAG it is sound. Hidden
    variables that the graph knows of are marginalised in the member that answers for all.

    Examples
    --------
    >>> pag = "PAG: X o-> A; B o-> A; A -> Y; B -> Y"
    >>> print(pag_formula(pag, "X", "Y", given=["A", "B"]).expression)
    E[Y | do(X=x), A=a, B=b] = E[Y | B=b, A=a]
    >>> pag_formula("PAG: X o-o Y", "X", "Y")
    Traceback (most recent call last):
    ...
    causalkit.errors.NotIdentifiableError: the effect of X on Y is not the same in all graphs...
    """
    whole = as_graph(graph)
    query = EffectQuery.within(whole, treatment, outcome, given)
    return identified_in_pag(whole, query, None if observed is None else as_names(observed))


def identified_in_pag(
    graph: CausalGraph, query: EffectQuery, observed: tuple[Name, ...] | None
) -> FunctionalEstimand:
    """Do the work of :func:`pag_formula` for a checked query."""
    if graph.kind not in (Kind.PAG, Kind.MAG):
        raise GraphError(
            f"the graph is a {graph.kind.name}; expected a PAG or a MAG. Use general_formula() for "
            "a DAG or ADMG and class_formula() for a CPDAG."
        )
    check_kind(graph)
    observed_mask(graph, query, observed)
    member = _member(graph)
    pag = PagSets.of(graph)
    steps: list[Step] = []
    _settle(pag, query, steps)
    admg = CausalGraph(member.nodes, member.ends, Kind.ADMG)
    found = identified(admg, query, observed)
    steps.append(Step("one for all", f"members agree, so one of them answers: {admg}"))
    derivation = Derivation(query, (*steps, *found.derivation.steps))
    return FunctionalEstimand(query, found.formula, graph, derivation)


def _member(graph: CausalGraph) -> CausalGraph:
    """A MAG of the class.

    Raises
    ------
    NotIdentifiableError
        If a PAG is not the class of a MAG.
    GraphError
        If a MAG is not maximal.
    """
    if graph.kind is Kind.MAG:
        mag_to_pag(graph)  # complains if it is not maximal
        return graph
    try:
        member = representative(graph)
        is_whole = mag_to_pag(member) == graph
    except GraphError:
        is_whole = False
    if not is_whole:
        raise NotIdentifiableError(
            "the PAG is not the class of any MAG: some mark is wrong, or more is known than "
            "separations tell; expected a PAG as FCI finds it with an oracle. Of others only "
            "adjustment can tell, where all first edges of causal paths are directed and visible. "
            "Make it complete with mag_to_pag() of a MAG that fits."
        )
    return member


# --- IDP -----------------------------------------------------------------------------------------


def _failure(
    pag: PagSets, wanted: int, known: int, steps: list[Step], seen: set[tuple[int, int]]
) -> tuple[int, int] | None:
    """Try to get `Q[wanted]` from `Q[known]`; return the pair at which that fails, if it does.

    Pairs in `seen` are known to succeed.
    """
    start = (wanted, known)
    while wanted and wanted != known and (wanted, known) not in seen:
        bucket = next((b for b in pag.buckets(known) if _can_be_set(pag, b, wanted, known)), 0)
        if not bucket:
            break
        known &= ~bucket
        what = f"set {_braced(pag, bucket)}: no hidden cause joins it to what it may affect"
        steps.append(Step("bucket", what))
    else:
        seen.add(start)
        return None
    for bucket in pag.buckets(wanted):
        region = pag.region(bucket, wanted)
        if region == wanted:
            continue
        rest = pag.region(wanted & ~region, wanted)
        parts = (region, rest, region & rest)
        shown = ", ".join(f"Q{_braced(pag, part)}" for part in parts if part)
        steps.append(Step("regions", f"Q{_braced(pag, wanted)} from {shown}"))
        for part in parts:
            failure = _failure(pag, part, known, steps, seen)
            if failure is not None:
                return failure
        seen.add(start)
        return None
    return wanted, known


def _can_be_set(pag: PagSets, bucket: int, wanted: int, known: int) -> bool:
    """Whether a bucket that is not wanted can be set: `Q` of the others follows from `Q[known]`."""
    if bucket & wanted:
        return False
    affected = pag.possible_descendants(bucket, known)
    return not pag.pc_component(bucket, known) & affected & ~bucket


def _braced(pag: PagSets, mask: int) -> str:
    return "{" + ", ".join(map(str, pag.names(mask))) + "}"


# --- CIDP ----------------------------------------------------------------------------------------


def _settle(pag: PagSets, query: EffectQuery, steps: list[Step]) -> None:
    """Find out whether all members agree; the steps say why.

    Raises
    ------
    NotIdentifiableError
        If they do not.
    """
    x, y, z = (pag.bits(names) for names in (query.treatment, query.outcome, query.given))
    if z:
        x, z = _seen_instead(pag, x, y, z, steps)
        x, z = _set_instead(pag, x, y, z, steps)
    above = pag.possible_ancestors(y | z, pag.all & ~x)
    steps.append(Step("ancestors", f"what may matter to the outcome: {_braced(pag, above)}"))
    failure = _failure(pag, above, pag.all, steps, set())
    if failure is not None:
        raise _not_identified(pag, query, *failure)


def _seen_instead(pag: PagSets, x: int, y: int, z: int, steps: list[Step]) -> tuple[int, int]:
    """Condition on treatments that share a bucket with what matters, where rule 2 allows it."""
    again = True
    while again:
        again = False
        above = pag.possible_ancestors(y | z, pag.all & ~x)
        for bucket in pag.buckets(pag.all):
            moved = bucket & x
            split = bool(bucket & above and bucket & ~above)
            if split and moved and rule_2(pag, moved, y, z, x & ~moved):
                x, z, again = x & ~moved, z | moved, True
                steps.append(Step("rule 2", f"setting {_braced(pag, moved)} is seeing it"))
                break
    return x, z


def _set_instead(pag: PagSets, x: int, y: int, z: int, steps: list[Step]) -> tuple[int, int]:
    """Set strata, a bucket at a time, where rule 2 allows it."""
    again = True
    while again:
        again = False
        for bucket in pag.buckets(pag.all):
            moved = bucket & z
            if moved and rule_2(pag, moved, y, z & ~moved, x):
                x, z, again = x | moved, z & ~moved, True
                steps.append(Step("rule 2", f"seeing {_braced(pag, moved)} is setting it"))
    return x, z


# --- what stands in the way ----------------------------------------------------------------------


def _not_identified(
    pag: PagSets, query: EffectQuery, wanted: int, known: int
) -> NotIdentifiableError:
    edges: dict[Edge, None] = {}
    for bucket in pag.buckets(known):
        if bucket & ~wanted:
            bad = pag.pc_component(bucket, known) & pag.possible_descendants(bucket, known)
            group = pag.names(bucket | bad)
            where = set(pag.names(bucket & ~wanted))
            edges.update(
                (edge, None)
                for edge in pag.graph.subgraph(group).edges()
                if where & {edge.left, edge.right}
            )
    part = OpenPart(pag.names(wanted), pag.names(known), tuple(edges))
    shown = ", ".join(map(str, part.edges[:6])) + (", …" if len(edges) > 6 else "")
    return NotIdentifiableError(
        f"the {query} is not the same in all graphs of the {pag.graph.kind.name}: how "
        f"{listed(part.wanted)} would behave cannot be told from data, because of what may be "
        f"behind {shown}. Measure more variables, so that an edge becomes visible; draw an ADMG, "
        'if you know the hidden causes; or ask for all possible answers: strategy="possible".',
        witness=(part,),
    )
