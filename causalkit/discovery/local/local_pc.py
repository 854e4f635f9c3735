"""Discovery around one variable: which neighbours are causes, which are effects, what stays open.

For the effect of one treatment the whole graph is not needed. Given its direct causes, a treatment
is as good as randomised, so it is enough to know which neighbours of the treatment are causes. That
takes a look at its neighbours' neighbours, and as a rule not much further.

The search begins at the target and moves on along edges whose direction is still open. Of each node
it comes to it finds the Markov boundary, and within it the neighbours: those that no subset of the
boundary separates from the node. Then colliders and Meek's rules direct what follows, and it ends
when all edges at the target are directed or nothing more can be learnt about them.

>>> from causalkit.graph import CausalGraph
>>> from causalkit.independence import Oracle
>>> truth = CausalGraph.parse("d -> c -> b -> dose <- a -> health; dose -> level -> health")
>>> local = LocalPC("dose", Oracle(truth)).fit({name: [0.0, 1.0] for name in truth.nodes})
>>> local.parents_, local.children_, local.undecided_
(('b', 'a'), ('level',), ())
>>> local.explored_
('dose', 'a')
>>> print(local.graph_towards("health"))
CPDAG with 4 nodes, 5 edges: b -> dose; b -> health; a -> dose; dose -> health; a -> health
"""

from __future__ import annotations

from causalkit._core.table import Table
from causalkit.discovery._setup import as_test
from causalkit.discovery.base import (
    DiscoveryAlgorithm,
    Explanation,
    Separation,
    Separations,
    named,
    show_set,
)
from causalkit.discovery.local._inquiry import open_inquiry
from causalkit.discovery.local._region import Region
from causalkit.errors import InputError, UnknownVariableError
from causalkit.graph import CausalGraph, Edge, Kind
from causalkit.graph.marks import show_name
from causalkit.independence import CITest
from causalkit.typing import Name

__all__ = ["LocalPC"]


class LocalPC(DiscoveryAlgorithm):
    """Learn causes and effects of one variable, and no more of the graph than that takes.

    Parameters
    ----------
    target : str or int
        A column, or what the test calls a group of columns.
    test : CITest, optional
        Conditional-independence test; :class:`~causalkit.independence.FisherZ` if left out.
    alpha : float, default 0.05
        Level of the tests.
    familywise : bool, default True
        Whether a column joins a boundary only if it beats chance in as many trials as there are
        columns; see :class:`~causalkit.discovery.MarkovBoundary`.
    max_order : int, optional
        Largest conditioning set; no limit if left out. A boundary of d members takes up to d * 2^d
        tests without a limit, so set one (3 to 6) if there are hubs.
    n_jobs : int, optional
        Parallel jobs, for slow tests; never changes the result.

    Attributes
    ----------
    parents_, children_, undecided_ : tuples of names
        Direct causes of the target, direct effects, and neighbours that are one or the other: the
        class of graphs has members with either direction.
    graph_ : CausalGraph
        Kind CPDAG, over the explored nodes and their neighbours. Edges at explored nodes are there;
        edges between two unexplored ones are not known and not drawn. Everything at the target is
        as it would be in the CPDAG of the whole table.
    explored_ : tuple of names
        Nodes whose neighbours were looked for, in that order.
    boundary_ : tuple of names
        Markov boundary of the target.
    separators_ : mapping of frozenset of two names to Separation
        For pairs within a boundary that a subset of it separates.
    n_tests_, n_untestable_ : int
        Tests carried out, and questions to which the test had no answer.

    Raises
    ------
    UnknownVariableError
        If the target is not a column.
    InputError
        If it is the only variable, or the test takes it for none (a column within a group, of
        weights, of clusters).
    NumericalError
        If an explored column has a copy (correlation of size 1).

    Notes
    -----
    **Assumes:**

    - no hidden common causes and no selection;
    - the true graph is acyclic;
    - every independence comes from the graph (faithfulness) and the test finds it;
    - the assumptions of the test.

    Where one node finds the other a neighbour and the other disagrees, there is no edge.
    Contradictions between answers are settled for the stronger evidence, so that what is drawn has
    a DAG.

    References
    ----------
    Yin, Zhou, Wang, He, Zheng and Geng (2008), "Partial orientation and local structural learning
    of causal networks for prediction", PMLR 3: 93-105 (moving outwards until the target is
    settled). Wang, Zhou, Zhao and Geng (2014), "Discovering and orienting the edges connected to a
    target variable in a DAG via a sequential local learning approach",
    doi:10.1016/j.csda.2014.03.003 (neighbours within the boundary). Gupta, Childers and Lipton
    (2023), "Local causal discovery for estimating causal effects", PMLR 213: 408-447.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> a, b, c = rng.normal(size=(3, 2000))
    >>> dose = a + b + rng.normal(size=2000)
    >>> health = dose - 0.5 * a + c + rng.normal(size=2000)
    >>> local = LocalPC("dose").fit({"a": a, "b": b, "c": c, "dose": dose, "health": health})
    >>> local.parents_, local.children_
    (('a', 'b'), ('health',))

    What identification needs is a graph:

    >>> from causalkit.identification import identify
    >>> identify(local.graph_towards("health"), "dose", "health").adjustment
    ('a', 'b')
    """

    parents_: tuple[Name, ...]
    children_: tuple[Name, ...]
    undecided_: tuple[Name, ...]
    explored_: tuple[Name, ...]
    boundary_: tuple[Name, ...]
    separators_: Separations
    n_tests_: int
    n_untestable_: int

    def __init__(
        self,
        target: Name,
        test: CITest | None = None,
        *,
        alpha: float = 0.05,
        familywise: bool = True,
        max_order: int | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.target = target
        self.test = test
        self.alpha = alpha
        self.familywise = familywise
        self.max_order = max_order
        self.n_jobs = n_jobs

    def _fit(self, table: Table) -> None:
        inquiry = open_inquiry(
            self, table, (self.target,), familywise=self.familywise, max_order=self.max_order
        )
        names, target = inquiry.names, inquiry.names.index(self.target)
        region = Region(inquiry)
        region.explore(target)
        piece = region.oriented()
        while (following := piece.next_after(target)) is not None:
            region.explore(following)
            piece = region.oriented()
        shown = as_test(self.test).nodes(table.names)
        self._region, self._nodes = region, shown
        where = {name: k for k, name in enumerate(shown)}
        nodes = [names[k] for k in piece.nodes]
        graph = CausalGraph(nodes, piece.ends(), Kind.CPDAG)
        self.graph_ = graph.reordered(sorted(nodes, key=where.__getitem__))
        self.explored_ = tuple(names[k] for k in region.boundaries)
        self.boundary_ = tuple(names[k] for k in region.boundaries[target])
        self.separators_ = Separations(names, region.apart)
        for attribute, found in (
            ("parents_", self.graph_.parents(self.target)),
            ("children_", self.graph_.children(self.target)),
            ("undecided_", self.graph_.neighbors(self.target)),
        ):
            setattr(self, attribute, tuple(sorted(found, key=where.__getitem__)))
        self.n_tests_, self.n_untestable_ = inquiry.n_tests, inquiry.n_untestable

    def graph_towards(self, outcome: Name) -> CausalGraph:
        """Draw what `identify` needs to know for the effect of the target on an outcome.

        The causes and the undecided neighbours of the target as they were learnt, and the outcome
        as something that all of them may act on.

        Parameters
        ----------
        outcome : str or int
            Another column.

        Returns
        -------
        CausalGraph
            Kind CPDAG. If the outcome was found to cause the target, it is drawn so.

        Raises
        ------
        UnknownVariableError
            If the outcome is no variable.
        InputError
            If it is the target.

        Notes
        -----
        **Assumes:**

        - what :class:`LocalPC` assumes;
        - the outcome comes after the target: it is no cause of the target, also not through others.

        Neighbours that stay undecided leave more than one answer open:
        `identify(..., strategy="possible")` lists them (the local method of IDA; Maathuis, Kalisch
        and Bühlmann 2009, doi:10.1214/09-AOS685).
        """
        graph = self.graph_
        if outcome not in self._nodes:
            raise UnknownVariableError.among(outcome, self._nodes)
        if outcome == self.target:
            raise InputError(
                f"outcome and target are both {outcome!r}; expected two variables. Name another "
                "outcome."
            )
        before = (*self.parents_, *self.undecided_)
        if outcome in self.parents_:
            return graph.subgraph((*before, self.target))
        kept = [name for name in before if name != outcome] + [self.target]
        edges = [*graph.subgraph(kept).edges(), *(Edge(name, outcome, "->") for name in kept)]
        nodes = [name for name in graph.nodes if name in kept]
        return CausalGraph.from_edges([*nodes, outcome], edges, Kind.CPDAG)

    def _explain(self, a: Name, b: Name) -> Explanation:
        names = self._region.inquiry.names
        i, j = sorted((names.index(a), names.index(b)))
        edges = self.graph_.edges_between(a, b)
        evidence = self._region.evidence((i, j))
        test = named(names, (i, j), evidence) if evidence else None
        if not edges:
            return Explanation((a, b), "no edge", _why_apart(test, self, (a, b)), None, test)
        edge = str(edges[0])
        by = " and ".join(show_name(name) for name in (a, b) if name in self.explored_)
        why = f"no subset of the Markov boundary separates them, asked from {by}"
        direction = "undecided: the class has members with either direction"
        if edges[0].symbol == "->":
            direction = "colliders and Meek's rules allow no other"
        return Explanation((a, b), edge, why, direction)


def _why_apart(test: Separation | None, local: LocalPC, pair: tuple[Name, Name]) -> str:
    if not set(pair) & set(local.explored_):
        return "not known: neither of them was explored"
    if test is None:
        return "one is not in the Markov boundary of the other"
    return f"independent given {show_set(test.given)}"
