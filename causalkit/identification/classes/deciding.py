r"""What would have to be known: the fewest edges of a class that decide about an effect.

Where members of a class differ in an effect, background knowledge may settle it: that age comes
before smoking, that a trial came before its result. Which knowledge would be enough? A set of edges
**decides** if, whatever way they turn out to be oriented, all members that are left agree on the
effect. :func:`what_decides` finds the smallest such sets, by trying them.

>>> print(what_decides("CPDAG: X -- A; A -- B; B -- Y", "X", "Y"))
What decides the effect of X on Y
─────────────────────────────────
<BLANKLINE>
   these edges together
───────────────────────
1  X -- A
<BLANKLINE>
Any one of these sets is enough, whatever way its edges are oriented. No smaller one is.

In a class of DAGs there always is such a set, if data have all variables. Else, and in a PAG, there
need not be: if a hidden cause may still act on treatment and outcome once all marks are known, no
orientation helps, and only more variables, or an instrument, would.

References
----------
Guo, F. R., Perković, E. (2021). Minimal enumeration of all possible total effects in a Markov
equivalence class. AISTATS, PMLR 130.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np

from causalkit._core.checks import as_names
from causalkit._core.report import Report, Reported
from causalkit.errors import GraphError, InputError, NotIdentifiableError
from causalkit.graph import CIRCLE, CausalGraph, Edge, Kind
from causalkit.graph.chordal import components
from causalkit.graph.equivalence import consistent_extension, meek_closure
from causalkit.graph.walks import mask_of
from causalkit.identification.adjustment.criterion import check_kind, observed_mask
from causalkit.identification.classes._pag_splits import Splits
from causalkit.identification.classes.cpdag import identified_in_class
from causalkit.identification.classes.equivalence_class import decide, undecided
from causalkit.identification.classes.lv_ida import mark_or_answer, settled
from causalkit.identification.classes.open_estimand import OpenEstimand
from causalkit.identification.classes.pag import identified_in_pag
from causalkit.identification.query import EffectQuery, GraphLike, as_graph
from causalkit.typing import Name, Names

__all__ = ["Deciding", "what_decides"]

_MOST_TRIES: Final = 2_000

Edges = tuple[Edge, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Deciding(Reported):
    """Sets of edges whose orientation decides about an effect.

    Parameters
    ----------
    query : EffectQuery
        What is asked.
    graph : CausalGraph
        The class of graphs.
    edges : tuple of tuples of Edge
        Each set decides on its own. Holds the empty set alone if the effect is identified already,
        and nothing if no orientation decides.
    smallest : bool
        Whether all sets of that size were tried, and all smaller ones. If not, there is one set, of
        which no edge can be left out.
    """

    query: EffectQuery
    graph: CausalGraph
    edges: tuple[Edges, ...]
    smallest: bool = True

    def __iter__(self) -> Iterator[Edges]:
        return iter(self.edges)

    def __len__(self) -> int:
        return len(self.edges)

    def _report(self) -> Report:
        if self.edges == ((),):
            note = "Nothing has to be decided: the effect is identified."
        elif not self.edges:
            note = "No orientation decides: hidden causes may be behind an edge in any case."
        else:
            least = "No smaller one is." if self.smallest else "Smaller ones were not all tried."
            note = f"Any one of these sets is enough, whatever way its edges are oriented. {least}"
        rows = [(k + 1, ", ".join(map(str, edges))) for k, edges in enumerate(self.edges) if edges]
        return Report(
            title=f"What decides the {self.query}",
            columns=("", "these edges together") if rows else (),
            rows=rows,
            notes=[note],
        )


def what_decides(
    graph: GraphLike,
    treatment: Names,
    outcome: Names,
    *,
    given: Names | None = (),
    observed: Names | None = None,
) -> Deciding:
    """Find the smallest sets of edges whose orientation decides about an effect.

    Parameters
    ----------
    graph : CausalGraph, str or networkx graph
        A CPDAG, with or without background knowledge, or a complete PAG.
    treatment, outcome : name or names
        What is set, and what is looked at. In a PAG one treatment.
    given : name or names, optional
        Strata.
    observed : names, optional
        Variables that data has; left out, all.

    Returns
    -------
    Deciding
        All smallest sets. If there are more than 2,000 candidates to try, one set of which no edge
        can be left out.

    Raises
    ------
    NotIdentifiableError
        If a PAG is not the class of a MAG.
    GraphError
        If the graph is no class, or has no member.
    InputError
        If names are unknown, have two roles or are not observed, or a PAG is asked about several
        treatments.

    Notes
    -----
    **Assumes:**

    - one member of the class is the true causal graph.

    In a PAG, an effect counts as decided if adjustment identifies it or it is zero.

    Examples
    --------
    >>> for edges in what_decides("CPDAG: A -- X; X -- Y; A -- Y", "X", "Y"):
    ...     print(*edges, sep=" and ")
    A -- X and X -- Y
    >>> list(what_decides("PAG: X o-o Y", "X", "Y"))
    []
    """
    whole = as_graph(graph)
    query = EffectQuery.within(whole, treatment, outcome, given)
    names = None if observed is None else as_names(observed)
    if whole.kind is Kind.CPDAG:
        return _in_cpdag(whole, query, names)
    if whole.kind is Kind.PAG:
        return _in_pag(whole, query, names)
    raise GraphError(
        f"the graph is a {whole.kind.name}; expected a class of graphs, CPDAG or PAG. In a single "
        "graph every edge is decided; ask identify()."
    )


def _in_cpdag(
    graph: CausalGraph, query: EffectQuery, observed: tuple[Name, ...] | None
) -> Deciding:
    observed_mask(graph, query, observed)
    consistent_extension(graph)
    closed = meek_closure(graph)
    known: dict[bytes, bool] = {}

    def agree(finer: CausalGraph) -> bool:
        key = finer.ends.tobytes()
        if key not in known:
            known[key] = _is_identified(finer, query, observed)
        return known[key]

    if agree(closed):
        return Deciding(query, closed, ((),))
    at = set(closed.indices(query.treatment))
    near = {k for part in components(closed.undirected) if at & set(part) for k in part}
    candidates = [
        edge for edge in closed.edges() if edge.symbol == "--" and closed.index(edge.left) in near
    ]
    x = mask_of(closed, query.treatment)
    enough = undecided(closed, x, mask_of(closed, (*query.outcome, *query.given)))

    def decides(edges: Edges) -> bool:
        return all(agree(finer) for finer in _oriented(closed, edges))

    return _smallest(query, closed, candidates, tuple(enough), decides)


def _is_identified(
    graph: CausalGraph, query: EffectQuery, observed: tuple[Name, ...] | None
) -> bool:
    try:
        identified_in_class(graph, query, observed)
    except NotIdentifiableError:
        return False
    return True


def _oriented(graph: CausalGraph, edges: Edges) -> Iterator[CausalGraph]:
    """Sub-classes, one for each way in which these edges can be oriented."""
    loose = next((e for e in edges if graph.edges_between(e.left, e.right)[0].symbol == "--"), None)
    if loose is None:
        yield graph
        return
    yield from _oriented(decide(graph, loose.left, loose.right), edges)
    yield from _oriented(decide(graph, loose.right, loose.left), edges)


def _in_pag(graph: CausalGraph, query: EffectQuery, observed: tuple[Name, ...] | None) -> Deciding:
    check_kind(graph)
    if len(query.treatment) > 1:
        raise InputError(
            f"there are {len(query.treatment)} treatments; expected one in a PAG. Ask about each."
        )
    splits = Splits.of(graph)
    try:
        identified_in_pag(graph, query, observed)
    except NotIdentifiableError:
        pass
    else:
        return Deciding(query, graph, ((),))
    finer = []
    for sub_class, answer in settled(splits, query, observed):
        if isinstance(answer, OpenEstimand):
            return Deciding(query, graph, ())
        finer.append(sub_class)
    candidates = [edge for edge in graph.edges() if "o" in edge.symbol]

    def decides(edges: Edges) -> bool:
        pairs = [(graph.index(edge.left), graph.index(edge.right)) for edge in edges]
        waiting = [np.array(graph.ends)]
        while waiting:
            ends = waiting.pop()
            marks = [m for i, j in pairs for m in ((i, j), (j, i)) if ends[m] == CIRCLE]
            if marks:
                waiting += splits.both_ways(ends, marks[0])
            elif isinstance(mark_or_answer(splits, splits.as_pag(ends), query, observed), tuple):
                return False
        return True

    enough = tuple(edge for edge in candidates if any(edge not in one.edges() for one in finer))
    return _smallest(query, graph, candidates, enough, decides)


def _smallest(
    query: EffectQuery,
    graph: CausalGraph,
    candidates: list[Edge],
    enough: Edges,
    decides: Callable[[Edges], bool],
) -> Deciding:
    """All smallest sets that decide; if `enough` does not, none does."""
    if not decides(enough):
        return Deciding(query, graph, ())
    n_tried = 0
    for size in range(1, len(enough) + 1):
        found = []
        for edges in combinations(candidates, size):
            n_tried += 1
            if n_tried > _MOST_TRIES:
                return Deciding(query, graph, (_without_idle(enough, decides),), smallest=False)
            if decides(edges):
                found.append(edges)
        if found:
            return Deciding(query, graph, tuple(found))
    raise RuntimeError("edges that decide were found not to decide: please report it")


def _without_idle(edges: Edges, decides: Callable[[Edges], bool]) -> Edges:
    """Leave edges out one by one, as long as the others decide."""
    for edge in edges:
        fewer = tuple(other for other in edges if other != edge)
        if decides(fewer):
            edges = fewer
    return edges
