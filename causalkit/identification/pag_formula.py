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

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from causalkit._core.checks import as_names
from causalkit.errors import GraphError, NotIdentifiableError
from causalkit.graph import ARROW, CIRCLE, TAIL, CausalGraph, Edge, Kind
from causalkit.graph.mag import mag_to_pag, visible
from causalkit.graph.separation import representative
from causalkit.identification._mixed import each
from causalkit.identification.criterion import check_kind, observed_mask
from causalkit.identification.functional import Derivation, FunctionalEstimand, Step
from causalkit.identification.general import identified
from causalkit.identification.query import EffectQuery, GraphLike, as_graph, listed
from causalkit.typing import BoolArray, Name, Names

__all__ = ["OpenPart", "identified_in_pag", "pag_formula"]


@dataclass(frozen=True, slots=True)
class OpenPart:
    """Why an effect is not identified in a PAG.

    `Q[wanted]` cannot be told from `Q[known]`: whatever could be set next shares a hidden cause
    with something that it may affect, in some member. `edges` join the two.
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
        If the graph is of another kind, or has edges of selection.
    InputError
        If names are unknown, have two roles or are not observed.

    Notes
    -----
    **Assumes:**

    - one member of the class is the true causal graph; hidden causes are allowed, selection is not.

    For a PAG the algorithm is sound and complete (Jaber et al. 2022). For a MAG
    it is sound.

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
    pag = _Pag.of(graph)
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
        If the PAG is not the class of a MAG.
    """
    try:
        member = representative(graph)
        whole = graph.kind is Kind.MAG or mag_to_pag(member) == graph
    except GraphError:
        whole = False
    if not whole:
        raise NotIdentifiableError(
            "the PAG is not the class of any MAG: some mark is wrong, or more is known than "
            "separations tell; expected a PAG as FCI finds it with an oracle. General "
            "identification has no proof for others; use adjustment, or make it complete with "
            "mag_to_pag() of a MAG that fits."
        )
    return member


# --- the graph as bit sets -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Pag:
    """Rows of bit sets: bit w of `rows[v]` says that v and w are joined in this way."""

    graph: CausalGraph
    circles: tuple[int, ...]
    """`v o-o w`"""
    spouses: tuple[int, ...]
    """`v <-> w`"""
    onward: tuple[int, ...]
    """`v o-o w`, `v o-> w` or `v -> w`: w may be an effect of v."""
    back: tuple[int, ...]
    """The same, read from w."""
    clouded: tuple[int, ...]
    """`v o-> w`, or `v -> w` that is not visible: a hidden cause may act on both."""
    clouding: tuple[int, ...]
    """The same, read from w."""

    @classmethod
    def of(cls, graph: CausalGraph) -> _Pag:
        at_far, at_near = graph.ends, graph.ends.T
        circles = (at_far == CIRCLE) & (at_near == CIRCLE)
        arrows = (at_far == ARROW) & (at_near != ARROW)
        onward = circles | arrows
        clouded = arrows & ~visible(graph)
        matrices = (circles, graph.bidirected, onward, onward.T, clouded, clouded.T)
        return cls(graph, *map(_rows, matrices))

    @property
    def all(self) -> int:
        return (1 << len(self.graph.nodes)) - 1

    def bits(self, names: tuple[Name, ...]) -> int:
        return sum(1 << k for k in self.graph.indices(names))

    def names(self, mask: int) -> tuple[Name, ...]:
        return tuple(self.graph.nodes[k] for k in each(mask))

    def buckets(self, within: int) -> Iterator[int]:
        """Yield the buckets of a sub-graph."""
        while within:
            found = _closure(self.circles, within & -within, within)
            yield found
            within &= ~found

    def possible_descendants(self, mask: int, within: int) -> int:
        return _closure(self.onward, mask, within)

    def possible_ancestors(self, mask: int, within: int) -> int:
        return _closure(self.back, mask, within)

    def pc_component(self, mask: int, within: int) -> int:
        """Nodes that share a hidden cause with one of these in some member, or are among them.

        A path of colliders over edges that are not visible: it may leave by such an edge, runs on
        over `<->`, and may end against one.
        """
        found = 0
        for node in each(mask):
            bit = 1 << node
            between = _closure(self.spouses, (bit | self.clouded[node]) & within, within)
            found |= between | _union(self.clouding, between) | self.circles[node]
        return found & within

    def region(self, mask: int, within: int) -> int:
        """The buckets of a sub-graph that the pc-component of a set meets."""
        return _closure(self.circles, self.pc_component(mask, within), within)


def _rows(matrix: BoolArray) -> tuple[int, ...]:
    rows = [0] * len(matrix)
    for i, j in np.argwhere(matrix).tolist():
        rows[i] |= 1 << j
    return tuple(rows)


def _union(rows: tuple[int, ...], mask: int) -> int:
    found = 0
    for node in each(mask):
        found |= rows[node]
    return found


def _closure(rows: tuple[int, ...], start: int, within: int) -> int:
    found = fresh = start & within
    while fresh:
        fresh = _union(rows, fresh) & within & ~found
        found |= fresh
    return found


# --- IDP -----------------------------------------------------------------------------------------


def _failure(
    pag: _Pag, wanted: int, known: int, steps: list[Step], seen: dict[tuple[int, int], None]
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
        seen[start] = None
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
        seen[start] = None
        return None
    return wanted, known


def _can_be_set(pag: _Pag, bucket: int, wanted: int, known: int) -> bool:
    """Whether a bucket that is not wanted can be set: `Q` of the others follows from `Q[known]`."""
    if bucket & wanted:
        return False
    affected = pag.possible_descendants(bucket, known)
    return not pag.pc_component(bucket, known) & affected & ~bucket


def _braced(pag: _Pag, mask: int) -> str:
    return "{" + ", ".join(map(str, pag.names(mask))) + "}"


# --- CIDP ----------------------------------------------------------------------------------------


def _settle(pag: _Pag, query: EffectQuery, steps: list[Step]) -> None:
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
    failure = _failure(pag, above, pag.all, steps, {})
    if failure is not None:
        raise _not_identified(pag, query, *failure)


def _seen_instead(pag: _Pag, x: int, y: int, z: int, steps: list[Step]) -> tuple[int, int]:
    """Condition on treatments that share a bucket with what matters, where rule 2 allows it."""
    again = True
    while again:
        again = False
        above = pag.possible_ancestors(y | z, pag.all & ~x)
        for bucket in pag.buckets(pag.all):
            moved = bucket & x
            split = bool(bucket & above and bucket & ~above)
            if split and moved and _rule_2(pag, moved, y, z, x & ~moved):
                x, z, again = x & ~moved, z | moved, True
                steps.append(Step("rule 2", f"setting {_braced(pag, moved)} is seeing it"))
                break
    return x, z


def _set_instead(pag: _Pag, x: int, y: int, z: int, steps: list[Step]) -> tuple[int, int]:
    """Set strata, a bucket at a time, where rule 2 allows it."""
    again = True
    while again:
        again = False
        for bucket in pag.buckets(pag.all):
            moved = bucket & z
            if moved and _rule_2(pag, moved, y, z & ~moved, x):
                x, z, again = x | moved, z & ~moved, True
                steps.append(Step("rule 2", f"seeing {_braced(pag, moved)} is setting it"))
    return x, z


def _rule_2(pag: _Pag, moved: int, y: int, z: int, held: int) -> bool:
    """Whether `P(y | do(held), do(moved), z) = P(y | do(held), moved, z)` in all members.

    Sufficient: no definite status path joins `moved` and y given `held` and z once edges with an
    arrow into `held` and visible edges out of `moved` are cut.
    """
    graph = pag.graph
    into, out = (np.zeros(len(graph.nodes), dtype=np.bool_) for _ in range(2))
    into[list(each(held))] = True
    out[list(each(moved))] = True
    cut = (graph.ends == ARROW) & into[None, :] | visible(graph) & out[:, None]
    ends = np.where(cut | cut.T, 0, graph.ends).astype(np.uint8)
    return not _connected(ends, moved, held | z) & y


def _connected(ends: np.ndarray, start: int, given: int) -> int:
    """Nodes that an open walk of definite status joins to `start`."""
    p = len(ends)
    parents = _rows((ends.T == ARROW) & (ends == TAIL))
    opened = _closure(parents, given, (1 << p) - 1)
    found, waiting = 0, [(u, v) for u in each(start) for v in np.flatnonzero(ends[u]).tolist()]
    seen = set(waiting)
    while waiting:
        u, v = waiting.pop()
        found |= 1 << v
        for w in np.flatnonzero(ends[v]).tolist():
            if w != u and (v, w) not in seen and _passes(ends, u, v, w, given, opened):
                seen.add((v, w))
                waiting.append((v, w))
    return found


def _passes(ends: np.ndarray, u: int, v: int, w: int, given: int, opened: int) -> bool:
    """Whether a triple has definite status and is open."""
    near, far = ends[u, v], ends[w, v]
    if near == far == ARROW:
        return bool(opened >> v & 1)
    definite = TAIL in (near, far) or (near == far == CIRCLE and ends[u, w] == 0)
    return definite and not given >> v & 1


# --- what stands in the way ----------------------------------------------------------------------


def _not_identified(pag: _Pag, query: EffectQuery, wanted: int, known: int) -> NotIdentifiableError:
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
        "if you know the hidden causes; or ask for all possible answers.",
        witness=(part,),
    )
