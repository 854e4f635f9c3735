"""What would help: the least that has to be measured, tried or known to identify an effect.

An effect that is not identified comes with a proof, a hedge, and the proof says where to look. A
hedge lives on hidden common causes, and stays one until at least one of *its* hidden causes is
measured; so the search for the smallest set of measurements branches over those only, and need not
try all subsets. Experiments are tried one variable at a time, with the observations at hand. In a
class of graphs it is edges that are open, and orienting them is what helps.

>>> print(what_would_help("X -> M -> Y; X <-> M; M -> Y; X <-> Y", "X", "Y").measurements)
(('the hidden cause of X and M',),)

References
----------
Shpitser, I., Pearl, J. (2006). Identification of joint interventional distributions in recursive
semi-Markovian causal models. AAAI (hedges).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from causalkit._core.checks import as_names, check_count
from causalkit._core.report import Report, Reported
from causalkit.errors import NotIdentifiableError
from causalkit.graph import CausalGraph, Edge, Kind
from causalkit.identification.classes.deciding import what_decides
from causalkit.identification.general.experiments import Sample, identify_from
from causalkit.identification.general.functional import FunctionalEstimand, Hedge
from causalkit.identification.general.general import identified
from causalkit.identification.query import EffectQuery, GraphLike, as_graph, listed
from causalkit.typing import Name, Names

__all__ = ["Remedies", "what_would_help"]

_Unit: TypeAlias = "Name | Edge"
"""Something that could be measured: a hidden node, or the cause behind a `<->`."""


@dataclass(frozen=True, slots=True, repr=False)
class Remedies(Reported):
    """What would identify an effect.

    Attributes
    ----------
    query : EffectQuery
        What is asked.
    identified : bool
        Whether nothing is needed.
    measurements : tuple of tuples of str
        The smallest sets of hidden causes or variables that would do; empty if none was found.
    experiments : tuple of names
        Variables any one of which, set in an experiment beside the observations, would do.
    orientations : tuple of tuples of Edge
        In a class of graphs, the smallest sets of edges whose orientation decides.
    """

    query: EffectQuery
    identified: bool
    measurements: tuple[tuple[str, ...], ...] = ()
    experiments: tuple[Name, ...] = ()
    orientations: tuple[tuple[Edge, ...], ...] = ()

    def _report(self) -> Report:
        rows = [("measure", listed(one)) for one in self.measurements]
        rows += [("set in an experiment", str(name)) for name in self.experiments]
        rows += [
            ("find out the direction of", listed(tuple(map(str, e)))) for e in self.orientations
        ]
        note = "Nothing is needed: it is identified." if self.identified else ""
        if not rows and not self.identified:
            note = "Nothing was found that is small enough; see bound_effect, or use an instrument."
        return Report(
            title=f"What would identify the {self.query}",
            columns=("any one of", "") if rows else (),
            rows=rows,
            notes=[note] if note else [],
        )


def what_would_help(
    graph: GraphLike,
    treatment: Names,
    outcome: Names,
    *,
    given: Names | None = (),
    observed: Names | None = None,
    max_size: int = 3,
) -> Remedies:
    """Find the smallest measurements, single experiments or orientations that identify an effect.

    Parameters
    ----------
    graph : CausalGraph, str or networkx graph
        DAG or ADMG; hidden causes are nodes that are not `observed`, or `<->`. Of a CPDAG or PAG
        the orientations that decide are looked for, by
        :func:`~causalkit.identification.what_decides`.
    treatment, outcome : name or names
        What is set, and what is looked at.
    given : name or names, optional
        Strata.
    observed : names, optional
        Variables that data has; left out, all.
    max_size : int
        Largest number of measurements to look for; with 0, only experiments are.

    Returns
    -------
    Remedies

    Raises
    ------
    InputError
        If names are unknown, have two roles or are not observed, or `max_size` is no count.
    GraphError
        If the graph is a MAG.

    Notes
    -----
    **Assumes:**

    - the graph is right, and what is measured is measured without error.

    All smallest sets of measurements with at most `max_size` members are found. Experiments on
    the treatment itself are left out: they answer the question directly.

    Examples
    --------
    >>> remedies = what_would_help("Z -> X -> Y; X <-> Z <-> Y", "X", "Y")
    >>> remedies.measurements
    (('the hidden cause of Z and X',), ('the hidden cause of Z and Y',))
    >>> remedies.experiments
    ('Z',)
    >>> learnt = "A -- X; X -> Y; A -> Y; B -> Y"
    >>> [list(map(str, edges)) for edges in what_would_help(learnt, "X", "Y").orientations]
    [['A -- X']]
    """
    check_count(max_size, "max_size", minimum=0)
    whole = as_graph(graph)
    query = EffectQuery.within(whole, treatment, outcome, given)
    if whole.kind in (Kind.CPDAG, Kind.PAG):
        deciding = what_decides(whole, treatment, outcome, given=given, observed=observed)
        settled = deciding.edges == ((),)
        return Remedies(query, settled, orientations=() if settled else deciding.edges)
    seen = whole.nodes if observed is None else as_names(observed)
    verdict = _try(whole, query, seen)
    if isinstance(verdict, FunctionalEstimand):
        return Remedies(query, identified=True)
    return Remedies(
        query,
        identified=False,
        measurements=tuple(_measurements(whole, query, seen, max_size)),
        experiments=tuple(_experiments(whole, query, seen, verdict)),
    )


def _try(
    graph: CausalGraph, query: EffectQuery, observed: tuple[Name, ...]
) -> FunctionalEstimand | Hedge:
    try:
        return identified(graph, query, observed)
    except NotIdentifiableError as error:
        (hedge,) = error.witness
        if isinstance(hedge, Hedge):
            return hedge
        raise


def _measurements(
    graph: CausalGraph, query: EffectQuery, observed: tuple[Name, ...], max_size: int
) -> Iterator[tuple[str, ...]]:
    """All smallest sets, by breadth: each failed set is extended by what its own hedge lives on."""
    level: dict[frozenset[_Unit], None] = {frozenset(): None}
    for _ in range(max_size + 1):
        following: dict[frozenset[_Unit], None] = {}
        found: list[frozenset[_Unit]] = []
        for units in level:
            verdict = _try(*_measured(graph, query, observed, units))
            if isinstance(verdict, FunctionalEstimand):
                found.append(units)
            else:
                for unit in _behind(graph, verdict, observed):
                    if unit not in units:
                        following[units | {unit}] = None
        if found:
            yield from sorted(tuple(sorted(map(_words, units))) for units in found)
            return
        level = following


def _measured(
    graph: CausalGraph, query: EffectQuery, observed: tuple[Name, ...], units: frozenset[_Unit]
) -> tuple[CausalGraph, EffectQuery, tuple[Name, ...]]:
    """The graph and the observed variables once these units are measured."""
    edges = {unit for unit in units if isinstance(unit, Edge)}
    hidden = tuple(unit for unit in units if not isinstance(unit, Edge))
    causes = {edge: _fresh(graph, edge) for edge in edges}
    kept = [edge for edge in graph.edges() if edge not in edges]
    for edge, cause in causes.items():
        kept += [Edge(cause, edge.left, "->"), Edge(cause, edge.right, "->")]
    names = tuple(causes.values())
    extended = CausalGraph.from_edges((*graph.nodes, *names), kept, kind=Kind.ADMG)
    return extended, query, (*observed, *hidden, *names)


def _fresh(graph: CausalGraph, edge: Edge) -> str:
    name = _words(edge)
    while name in graph.nodes:
        name += "'"
    return name


def _behind(graph: CausalGraph, hedge: Hedge, observed: tuple[Name, ...]) -> Iterator[_Unit]:
    """What may be measured to break a hedge: hidden nodes and hidden causes that reach into it."""
    hidden = set(graph.nodes) - set(observed)
    reached, fresh = set(hedge.outer) & set(graph.nodes), set(hedge.outer) & set(graph.nodes)
    while fresh:
        above = graph.parents(tuple(fresh)) & hidden
        fresh = set(above) - reached
        reached |= fresh
    yield from (name for name in graph.nodes if name in reached & hidden)
    for edge in graph.edges():
        if edge.symbol == "<->" and {edge.left, edge.right} <= reached:
            yield edge


def _experiments(
    graph: CausalGraph, query: EffectQuery, observed: tuple[Name, ...], hedge: Hedge
) -> Iterator[Name]:
    """Variables of the hedge that would do: it stays one in experiments on any other variable."""
    for name in graph.nodes:
        if name not in hedge.outer or name in (*query.treatment, *query.outcome, *query.given):
            continue
        samples = [Sample(), Sample(do=(name,))]
        try:
            identify_from(
                graph,
                query.treatment,
                query.outcome,
                given=query.given,
                samples=samples,
                observed=observed,
            )
        except NotIdentifiableError:
            continue
        yield name


def _words(unit: _Unit) -> str:
    if isinstance(unit, Edge):
        return f"the hidden cause of {unit.left} and {unit.right}"
    return str(unit)
