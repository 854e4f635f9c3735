"""CD-NOD: what differs between sites or drifts over time tells causes from effects.

Rows that come from several domains, or from a long time, do not follow one distribution. That is
usually treated as a nuisance. CD-NOD makes it a source of information: mechanisms that change leave
traces that no single distribution holds. The unobserved reasons of change have one visible
stand-in, the *surrogate* C: the label of the domain, the time, or both.

*Phase I* searches the skeleton over the variables and C. A variable that stays joined to C has a
mechanism that changes. Because C may stand in the conditioning sets, two variables that move
together only because both change with C are cut apart: confounders that are functions of C do no
harm.

*Phase II a* directs. Nothing causes C, so its edges point away from it, colliders and Meek's rules
follow as in :class:`~causalkit.discovery.PC`. A change that reaches a variable only through another
one shows which of the two comes first.

*Phase II b* compares. Mechanisms of different variables change independently of each other, so if X
causes Y, then P(X) and P(Y | X) move independently from domain to domain, while P(Y) and P(X | Y),
into which both changes enter, move together. The direction in which the changes depend less is
drawn, unless the two are too near to call.

*Phase III* shows the change itself: :meth:`CDNOD.driving_force` reduces the moves of a variable's
conditional distribution to a curve over domains or time.

>>> from causalkit.graph import CausalGraph
>>> from causalkit.independence import Oracle
>>> truth = CausalGraph.parse("site -> dose -> outcome")
>>> rows = {"site": [0, 0, 1, 1], "dose": [0.0, 1.0, 0.0, 1.0], "outcome": [0.0, 1.0, 1.0, 0.0]}
>>> found = CDNOD(Oracle(truth), domain="site", independent_changes=False).fit(rows)
>>> print(found.graph_)
CPDAG with 2 nodes, 1 edge: dose -> outcome
>>> list(found.changing_)
['dose']
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any, Self

from sklearn.utils.validation import check_is_fitted

from causalkit._core.checks import check_fraction
from causalkit._core.random import as_generator
from causalkit._core.streams import is_stream
from causalkit._core.table import Table, column_names
from causalkit.discovery._setup import as_knowledge, as_test
from causalkit.discovery.base import (
    DiscoveryAlgorithm,
    Explanation,
    note_columns,
    read_columns,
)
from causalkit.discovery.changing._change_directions import (
    Directions,
    Rows,
    compare_rows,
    direct_by_changes,
)
from causalkit.discovery.changing._change_trace import ChangeTrace
from causalkit.discovery.changing._independent_change import ChangeVerdict
from causalkit.discovery.changing._surrogate_columns import (
    Context,
    know_surrogate,
    read_context,
    split_table,
)
from causalkit.discovery.changing._surrogate_tests import attach, read_sums
from causalkit.discovery.changing.changing_variables import ChangingVariables
from causalkit.discovery.changing.driving_force import (
    DrivingForce,
    check_causes,
    recover_driving_force,
)
from causalkit.discovery.constraint._skeleton import Clock
from causalkit.discovery.constraint._trace import Traced
from causalkit.discovery.constraint.pc import PC
from causalkit.discovery.knowledge import Knowledge
from causalkit.errors import InputError, KnowledgeWarning, TimeBudgetWarning
from causalkit.graph import CausalGraph
from causalkit.independence import CITest, FederatedSummary
from causalkit.independence.kernel import KCI
from causalkit.independence.kernel_matrices import joined
from causalkit.typing import Data, Name, Names, RandomState

__all__ = ["CDNOD"]


class CDNOD(Traced, DiscoveryAlgorithm):
    """Learn a graph from rows whose mechanisms differ between domains or drift over time.

    Parameters
    ----------
    test : CITest, optional
        Conditional-independence test; :class:`~causalkit.independence.KCI` if left out, which sees
        changes of any kind. A linear test (:class:`~causalkit.independence.FisherZ`) is quicker and
        sees changes of means; see the notes.
    domain : name, optional
        Column that says from which site, study or regime a row comes. Its values are labels,
        whatever their type.
    time : name, optional
        Column of numbers, dates or durations. Mechanisms are taken to change smoothly with it. Only
        its values count: rows may come in any order.
    alpha : float, default 0.05
        Two variables are cut apart if a p-value exceeds `alpha`; so are a variable and the
        surrogate.
    max_order : int, optional
        Largest conditioning set; no limit if left out.
    collider_rule : {"paired", "standard", "conservative", "majority", "max-p"}
        As for :class:`PC`.
    knowledge : Knowledge, optional
        Tiers, required and forbidden edges. The surrogate may be spoken of by the name of its
        column (`"site & date"` if there are two): a forbidden edge from it says that a mechanism
        does not change.
    independent_changes : bool, default True
        Whether edges that phase II a leaves undirected are directed by comparing how mechanisms
        change.
    change_alpha : float, default 0.2
        Such an edge is directed if, with the other direction, independence of the changes is
        refuted at this level, which there are seldom domains enough to do at 0.05. At 1 the smaller
        dependence decides alone; smaller values leave more edges undirected. With four to seven
        domains a quarter of what 0.2 directs is reversed, with ten and more one in twelve: take
        0.05 where a wrong arrow costs more than none.
    include_surrogate : bool, default False
        Whether the surrogate is a node of `graph_` too. :class:`Bootstrap` then says how often each
        mechanism was found to change, in `frequencies_`.
    random_state : int, Generator or None, default 0
        For the permutations of phase II b.
    n_jobs : int, optional
        Parallel jobs; never changes the result.
    max_seconds : float, optional
        Time budget. When it is spent no more questions are asked: pairs not yet asked about stay
        joined, edges not yet compared stay undirected, and `stopped_` says so.

    Attributes
    ----------
    graph_ : CausalGraph
        Over the variables, and the surrogate if it is included; kind CPDAG.
    surrogate_graph_ : CausalGraph
        The same with the surrogate, into which no edge points.
    surrogate_ : str or int
        Its node: the name of the column, or of both, as in `"site & date"`.
    changing_ : ChangingVariables
        Variables whose mechanism changes, each with the test that came closest to saying no.
    directions_ : tuple of ChangeVerdict
        What phase II b compared: both statistics of each edge, and what was made of them.
    separators_ : mapping of frozenset of two names to Separation
    n_tests_, n_untestable_ : int
    conflicts_ : tuple of str
    ambiguous_ : tuple of (name, name, name)
    stopped_ : str or None
        As of :class:`PC`, the surrogate included.
    trace_ : ChangeTrace
        All of it: `trace_.to_frame()` has one row for each pair.

    Notes
    -----
    **Assumes:**

    - rows are independent given the surrogate: those of one domain are separate draws, and a series
      does not remember its past. One that does looks as if its mechanism changed, because its
      neighbouring values are alike as those of a drift are; take its past out first;
    - hidden common causes, if any, are functions of the surrogate (pseudo causal sufficiency), and
      nothing selects the rows;
    - within one domain, or at one time, the graph is acyclic, and it is the same in all of them;
    - every independence comes from the graph that has the surrogate as a cause of what changes
      (faithfulness), and the test finds it;
    - for phase II b: mechanisms of different variables change independently of each other, and
      there are enough domains, or enough drift, to see it: with two domains there is nothing to
      compare, some 20 are of use;
    - the assumptions of the test.

    *Linear tests* read the surrogate as a block of columns, indicators of all domains but the first
    and Legendre polynomials of the time up to degree 4, and so see means that move, given the
    others. A coefficient that changes its sign at a mean of zero they do not see.

    *Missing cells* are the business of the test, e.g.
    :class:`~causalkit.independence.TestwiseDeletion`; phase II b compares rows that are complete in
    the variables concerned. The surrogate itself has to be complete. Tests that measure what they
    read, such as :class:`~causalkit.independence.MissingnessCorrection`, take a time or two
    domains, and refuse more.

    Columns are taken in the order of their names, so permuted columns give the same graph.

    Examples
    --------
    >>> import numpy as np
    >>> from causalkit.independence import FisherZ
    >>> rng = np.random.default_rng(0)
    >>> site = np.repeat(np.arange(10), 60)
    >>> dose = rng.normal(size=10)[site] + rng.normal(size=600)
    >>> data = {"site": site, "dose": dose, "outcome": dose + rng.normal(size=600)}
    >>> found = CDNOD(FisherZ(), domain="site", alpha=0.01).fit(data)
    >>> print(found.surrogate_graph_)
    CPDAG with 3 nodes, 2 edges: dose -> outcome; site -> dose
    >>> found.explain("dose", "outcome").direction
    'phase II a: Meek rule 1 with site: otherwise a new collider would arise'

    References
    ----------
    Huang, Zhang, Zhang, Ramsey, Sanchez-Romero, Glymour and Schölkopf (2020), "Causal discovery
    from heterogeneous/nonstationary data", JMLR 21(89): 1-53. Zhang, Huang, Zhang, Glymour and
    Schölkopf (2017), "Causal discovery from nonstationary/heterogeneous data: skeleton estimation
    and orientation determination", IJCAI, doi:10.24963/ijcai.2017/187.
    """

    surrogate_graph_: CausalGraph
    surrogate_: Name
    changing_: ChangingVariables
    directions_: tuple[ChangeVerdict, ...]
    n_tests_: int
    n_untestable_: int
    stopped_: str | None
    trace_: ChangeTrace
    _context: Context
    _rows: Rows | None

    def __init__(
        self,
        test: CITest | None = None,
        *,
        domain: Name | None = None,
        time: Name | None = None,
        alpha: float = 0.05,
        max_order: int | None = None,
        collider_rule: str = "paired",
        knowledge: Knowledge | None = None,
        independent_changes: bool = True,
        change_alpha: float = 0.2,
        include_surrogate: bool = False,
        random_state: RandomState = 0,
        n_jobs: int | None = None,
        max_seconds: float | None = None,
    ) -> None:
        self.test = test
        self.domain = domain
        self.time = time
        self.alpha = alpha
        self.max_order = max_order
        self.collider_rule = collider_rule
        self.knowledge = knowledge
        self.independent_changes = independent_changes
        self.change_alpha = change_alpha
        self.include_surrogate = include_surrogate
        self.n_jobs = n_jobs
        self.max_seconds = max_seconds
        self.random_state = random_state

    def fit(self, X: Data, y: Any = None) -> Self:
        """Learn the graph, what changes, and how.

        Parameters
        ----------
        X : DataFrame, 2-D ndarray, or dict of columns, n_rows by n_columns
            Variables and the columns of the surrogate, one row a unit. Or a
            :class:`~causalkit.independence.FederatedSummary` of several sites, which is its own
            test; the domain is then called `domain`, or "domain". Comparing changes takes rows, so
            phases II b and III are left out.
        y : None
            Ignored; scikit-learn passes it.

        Returns
        -------
        self

        Raises
        ------
        InputError
            If the surrogate's columns cannot say where or when a row was seen, the data cannot be
            read, or the settings do not fit.
        """
        del y
        if isinstance(X, FederatedSummary):
            note_columns(self, dict.fromkeys(X.design.names), X.design.names)
            context, test, table = read_sums(X, self.test, self.domain, self.time)
            self._learn(context, test, table, has_rows=False)
            return self
        if is_stream(X):
            read_columns(self, X)  # says what to do instead
        context = read_context(X, self.domain, self.time)
        variables = split_table(X, context)
        note_columns(self, X, column_names(X))
        self._learn(context, *self._reading(variables, context), has_rows=True)
        return self

    def _fit(self, table: Table) -> None:
        context = read_context(table, self.domain, self.time)
        variables = split_table(table, context)
        self._learn(context, *self._reading(variables, context), has_rows=True)

    def _reading(self, variables: Table, context: Context) -> tuple[CITest, Table]:
        return attach(KCI() if self.test is None else as_test(self.test), variables, context)

    def _learn(self, context: Context, test: CITest, table: Table, *, has_rows: bool) -> None:
        clock, node = Clock.start(self.max_seconds), context.node
        names = tuple(name for name in test.nodes(table.names) if name != node)
        search = PC(
            test,
            alpha=self.alpha,
            max_order=self.max_order,
            collider_rule=self.collider_rule,
            knowledge=know_surrogate(as_knowledge(self.knowledge), names, context),
            n_jobs=self.n_jobs,
            max_seconds=self.max_seconds,
        )
        self._search(search, table, node)
        graph = search.graph_.reordered(search.trace_.names)  # so that columns may be permuted
        beside = test.columns(())
        columns = {
            name: tuple(held for held in test.columns((name,)) if held not in beside)
            for name in names
        }
        self._context = context
        self._rows = Rows(table, columns, context.surrogate) if has_rows else None
        alpha = check_fraction(self.change_alpha, "change_alpha", closed=True)
        rng = as_generator(self.random_state)
        directions = Directions(graph)
        if self._rows is not None and self.independent_changes:  # phase II b
            asked = compare_rows(self._rows, graph.nodes, alpha, rng)
            directions = direct_by_changes(graph, node, asked, clock.is_up)
        directions = replace(directions, graph=directions.graph.reordered(search.graph_.nodes))
        self.directions_ = directions.comparisons
        self.trace_ = trace = ChangeTrace(search.trace_, node, directions)
        self.surrogate_graph_, self.surrogate_ = trace.graph, node
        self.graph_ = trace.graph if self.include_surrogate else trace.graph.subgraph(names)
        changing = trace.graph.children(node)
        self.changing_ = ChangingVariables(
            node, tuple(trace.change(name) for name in names if name in changing)
        )
        self.n_tests_, self.n_untestable_ = search.n_tests_, search.n_untestable_
        self.stopped_ = search.stopped_ or directions.stopped
        if directions.stopped and not search.stopped_:  # of which the search has warned
            warnings.warn(
                f"{directions.stopped}. More edges are undirected than a full comparison would "
                "leave; give it more seconds, or independent_changes=False to leave phase II b "
                "out.",
                TimeBudgetWarning,
                stacklevel=3,
            )

    def _search(self, search: PC, table: Table, node: Name) -> None:
        """Phases I and II a, and their warnings as far as they concern the user."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            search._fit(table)
        conflicts, k = search.trace_.conflicts, search.trace_.names.index(node)
        if conflicts.judged is not None:
            # That two changes are uncorrelated over the domains there are says nothing against it:
            # the surrogate causes both.
            middle = conflicts.judged.statements.triples[:, 1]
            conflicts.dropped = [held for held in conflicts.dropped if middle[held[0]] != k]
        for note in caught:
            if note.category is not KnowledgeWarning or conflicts.on_knowledge:
                warnings.warn(note.message, note.category, stacklevel=4)

    def driving_force(
        self,
        variable: Name,
        n_components: int = 1,
        *,
        parents: Names | None = None,
        n_bootstraps: int = 0,
    ) -> DrivingForce:
        """Show how the mechanism of a variable moves over domains or time (phase III).

        Parameters
        ----------
        variable : str or int
            One of `changing_`.
        n_components : int, default 1
            Directions of change to be told apart.
        parents : name or names, optional
            Its causes; those in the graph if left out.
        n_bootstraps : int, default 0
            Samples for a 95 % band around the curve.

        Returns
        -------
        DrivingForce
            A point for each domain or time; `.plot()` draws it.

        Raises
        ------
        InputError
            If the mechanism was not found to change, or it is not known whether a neighbour is a
            cause.
        UnknownVariableError
            If there is no such variable.

        Notes
        -----
        **Assumes:** `parents` are all direct causes but for functions of the surrogate. Known up to
        an invertible transformation: sign and scale mean nothing.

        Examples
        --------
        >>> import numpy as np
        >>> from causalkit.independence import FisherZ
        >>> rng = np.random.default_rng(0)
        >>> year = np.arange(500.0)
        >>> price = 3 * np.sin(year / 100) + rng.normal(size=500)
        >>> found = CDNOD(FisherZ(), time="year").fit({"year": year, "price": price})
        >>> force = found.driving_force("price")
        >>> bool(abs(np.corrcoef(force.curve[:, 0], np.sin(year / 100))[0, 1]) > 0.9)
        True
        """
        check_is_fitted(self, "trace_")
        if self._rows is None:
            raise InputError(
                "the graph was learnt from sums, which do not say how a mechanism moves; expected "
                "rows. Fit the rows of one site, or of all sites where they may be pooled."
            )
        variable, causes = check_causes(self.surrogate_graph_, self.changing_, variable, parents)
        blocks, surrogate, rows = self._rows.complete([variable, *causes])
        return recover_driving_force(
            blocks[0],
            joined(blocks[1:]) if causes else None,
            surrogate,
            variable=variable,
            parents=causes,
            labels=self._context.labels_of(rows),
            times=self._context.times_of(rows),
            n_components=n_components,
            n_bootstraps=n_bootstraps,
            rng=self.random_state,
        )

    def explain(self, a: Name, b: Name) -> Explanation:
        """Say why `a` and `b` are joined or not, and which phase directed the edge.

        Parameters
        ----------
        a, b : str or int
            Two variables, or a variable and the surrogate.

        Returns
        -------
        Explanation

        Raises
        ------
        UnknownVariableError
            If the graph has no such variable.
        InputError
            If the two are one.
        """
        check_is_fitted(self, "trace_")
        nodes = self.surrogate_graph_.nodes
        a, b = (nodes[self.surrogate_graph_.index(name)] for name in (a, b))
        if a == b:
            raise InputError(f"a and b are both {a!r}; expected two variables. Name another one.")
        return self._explain(a, b)

    def _explain(self, a: Name, b: Name) -> Explanation:
        return self.trace_.explain(a, b)
