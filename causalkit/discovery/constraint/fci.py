"""FCI and RFCI: discovery where common causes may be hidden, and who is observed may be selected.

What can be learnt then is a partial ancestral graph (PAG). Its marks speak about ancestors: an
arrow at B says that B is no cause of A, direct or by way of others; a tail at A, that A is a cause
of B; a circle, that the data cannot tell. `A <-> B` has a hidden common cause.

Four steps. *Skeleton*: cut pairs that some set of neighbours separates, as PC does. *Farther sets*:
with hidden variables the set may lie farther away, so pairs that are still joined are asked again
about their Possible-D-SEP sets. *Colliders*: in a - k - b with a and b cut, arrows meet in k if k
was not needed to separate a from b. *Closure*: ten rules draw all further marks that follow. RFCI
leaves the second step out and instead tests what its orientations rest on; it is faster on large
dense graphs, and may leave a few edges more.

>>> from causalkit.graph import CausalGraph
>>> from causalkit.independence import Oracle
>>> truth = CausalGraph.parse("rain -> wet <- tap; gene -> wet; gene -> ill; wet -> slip <- oil")
>>> observed = {name: [0.0, 1.0] for name in truth.nodes if name != "gene"}
>>> fci = FCI(Oracle(truth)).fit(observed)
>>> print(fci.graph_)
PAG with 6 nodes, 5 edges: rain o-> wet; tap o-> wet; ill o-> wet; wet -> slip; oil o-> slip
>>> for mark in fci.explain("slip", "wet").direction.split("; "):
...     print(mark)
tail at wet: rule 1, otherwise a new collider would arise
arrow at slip: collider oil *-> slip <-* wet, as {} separates oil and wet without slip (p = 1)
"""

from __future__ import annotations

import warnings
from abc import abstractmethod

import numpy as np

from causalkit._core.moments import Moments
from causalkit._core.parallel import one_thread
from causalkit._core.table import Table
from causalkit.discovery._deadline import flag_when_up
from causalkit.discovery._setup import Setup, as_knowledge, reads_moments, set_up, warn_of
from causalkit.discovery.base import DiscoveryAlgorithm, Explanation
from causalkit.discovery.constraint._colliders import Judgement
from causalkit.discovery.constraint._conflicts import Conflicts
from causalkit.discovery.constraint._discriminating_paths import judge_by_separators
from causalkit.discovery.constraint._latent_triples import judge_latent
from causalkit.discovery.constraint._orientation import AMBIGUOUS, COLLIDER, Statements
from causalkit.discovery.constraint._pag_orientation import (
    Closed,
    Oriented,
    close,
    orient,
)
from causalkit.discovery.constraint._pag_trace import PagTrace
from causalkit.discovery.constraint._possible_d_sep import search_farther
from causalkit.discovery.constraint._rfci import Links
from causalkit.discovery.constraint._skeleton import Bounds, Skeleton, find_skeleton
from causalkit.discovery.constraint._trace import Traced
from causalkit.discovery.knowledge import Knowledge
from causalkit.errors import TimeBudgetWarning
from causalkit.graph import CausalGraph, Kind
from causalkit.graph.mag import Marks
from causalkit.independence import CITest
from causalkit.typing import BoolArray, Name

__all__ = ["FCI", "RFCI"]


class LatentSearch(Traced, DiscoveryAlgorithm):
    """What FCI, RFCI and GFCI share: settings, and telling what was found."""

    n_tests_: int
    n_untestable_: int
    stopped_: str | None
    trace_: PagTrace

    def __init__(
        self,
        test: CITest | None = None,
        *,
        alpha: float = 0.05,
        max_order: int | None = None,
        collider_rule: str = "standard",
        selection_bias: bool = False,
        knowledge: Knowledge | None = None,
        n_jobs: int | None = None,
        max_seconds: float | None = None,
    ) -> None:
        self.test = test
        self.alpha = alpha
        self.max_order = max_order
        self.collider_rule = collider_rule
        self.selection_bias = selection_bias
        self.knowledge = knowledge
        self.n_jobs = n_jobs
        self.max_seconds = max_seconds

    def _needs_rows(self) -> bool:
        return not reads_moments(self.test)

    def _fit(self, table: Table | Moments) -> None:
        setup = set_up(
            table,
            self.test,
            self.knowledge,
            alpha=self.alpha,
            collider_rule=self.collider_rule,
            max_order=self.max_order,
            n_jobs=self.n_jobs,
            max_seconds=self.max_seconds,
        )
        limits = {"alpha": setup.alpha, "max_order": setup.max_order}
        how = {"n_jobs": setup.n_jobs, "clock": setup.clock}
        cuts = self._limits(table, setup)
        with one_thread(not setup.bound.releases_gil):  # as in a worker
            found = find_skeleton(setup.bound, cuts, **limits, **how)  # type: ignore[arg-type]
            with flag_when_up(setup.clock) as stop:
                judged, oriented = self._orient(found, setup, cuts, stop)
        required = _required_yet_independent(found, setup)
        self.graph_ = CausalGraph._of(setup.shown, _as_shown(oriented.ends, setup), Kind.PAG)
        self.n_tests_, self.n_untestable_ = found.n_tests, found.n_untestable
        self.stopped_ = self._undone(found, oriented)
        known = as_knowledge(self.knowledge)
        self.trace_ = self._told(
            PagTrace(
                setup.names, found, judged, oriented, setup.bounds, required, self.graph_, known
            )
        )
        warn_of(found, self.trace_.on_knowledge)
        if self.stopped_ and not found.stopped:
            warnings.warn(
                f"{self.stopped_}. Give it more seconds.",
                TimeBudgetWarning,
                stacklevel=3,
            )

    def _limits(self, table: Table | Moments, setup: Setup) -> Bounds:  # noqa: ARG002
        """Pairs that the search among neighbours joins in any case, or never."""
        return _cuts_only(setup.bounds)

    def _undone(self, found: Skeleton, oriented: Oriented) -> str | None:
        """What the time budget left undone, in words."""
        if not oriented.unfinished:
            return found.stopped
        late = "the time was up while marks were drawn: circles stay where others might follow"
        return f"{found.stopped}; {late}" if found.stopped else late

    def _told(self, trace: PagTrace) -> PagTrace:
        """What `explain` reads."""
        return trace

    @abstractmethod
    def _orient(
        self, found: Skeleton, setup: Setup, cuts: Bounds, stop: BoolArray
    ) -> tuple[Judgement, Oriented]:
        """What comes after the search among neighbours."""

    def _explain(self, a: Name, b: Name) -> Explanation:
        return self.trace_.explain(a, b)


class FCI(LatentSearch):
    """Learn a PAG from conditional-independence tests, common causes hidden or not.

    Parameters
    ----------
    test : CITest, optional
        Conditional-independence test; :class:`~causalkit.independence.FisherZ` if left out.
    alpha : float, default 0.05
        Two variables are cut apart if a p-value exceeds `alpha`. Smaller gives fewer edges.
    max_order : int, optional
        Largest conditioning set, in both searches; no limit if left out. The second search may
        take exponential time on dense graphs, so set one (2 to 4) there.
    collider_rule : {"standard", "conservative", "majority", "max-p"}
        Which separating sets decide about a collider: those as small as the first one found, of
        which none may hold it; all of them unanimously; most of them; or the one with the largest
        p-value.
    selection_bias : bool, default False
        Whether being in the data may depend on the variables. If so, edges may be `--` or `o--`,
        and knowledge about directions licenses less.
    knowledge : Knowledge, optional
        Tiers, required and forbidden edges.
    n_jobs : int, optional
        Parallel jobs; never changes the result.
    max_seconds : float, optional
        Time budget. When it is spent no more questions are asked: pairs not yet asked about stay
        joined, and only marks that rest on nothing missing are drawn. The orientation may
        take a tenth more (0.1 s at least); what is not drawn by then stays a circle, and tails are
        left out. See `stopped_`.

    Attributes
    ----------
    graph_ : CausalGraph
        Kind PAG. There is a MAG that has all its marks.
    separators_ : mapping of frozenset of two names to Separation
        For pairs that a test cut apart; `separators_["a", "b"]` works too.
    n_tests_ : int
        Tests carried out.
    n_untestable_ : int
        Conditioning sets that the test could not handle. Such a set counts as unable to separate.
    conflicts_ : tuple of str
        Where answers contradict each other or the knowledge, and what was done.
    ambiguous_ : tuple of (name, name, name)
        Triples a - k - b about which the tests say nothing, or do not agree; no mark rests on them.
    stopped_ : str or None
        What the time budget left undone.

    Notes
    -----
    **Assumes:**

    - the true graph, hidden variables included, is acyclic;
    - nobody's being observed depends on the variables, unless `selection_bias`;
    - every independence comes from the graph (faithfulness) and the test finds it;
    - the assumptions of the test.

    With an oracle for the test the result is the PAG of the true graph, with all marks that are the
    same in every graph of its class. Columns are taken in the order of their names, so permuted
    columns give the same graph. Where the answers contradict each other, equally close ways out are
    chosen between by name (seen in one of 600 small noisy tables, with "majority").

    Knowledge speaks of the MAG, in which causes by way of hidden variables count as direct. That B
    is in a later tier than A, or that B -> A is forbidden, makes the mark at B an arrow and says
    nothing about the mark at A. With `selection_bias` B may be a cause of being selected, so the
    arrow is drawn only where A has one; a required edge then has a tail, and perhaps no arrow.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> a, b, hidden = rng.normal(size=(3, 2000))
    >>> c = a + hidden + rng.normal(size=2000)
    >>> d = b + hidden + rng.normal(size=2000)
    >>> fci = FCI(alpha=0.01).fit({"a": a, "b": b, "c": c, "d": d})
    >>> print(fci.graph_)
    PAG with 4 nodes, 3 edges: a o-> c; b o-> d; c <-> d

    References
    ----------
    Spirtes, Glymour and Scheines (2000), "Causation, Prediction, and Search". Zhang (2008), "On the
    completeness of orientation rules for causal discovery in the presence of latent confounders and
    selection bias", doi:10.1016/j.artint.2008.08.001. Colombo, Maathuis, Kalisch and Richardson
    (2012), "Learning high-dimensional directed acyclic graphs with latent and selection variables",
    doi:10.1214/11-AOS940. Colombo and Maathuis (2014), "Order-independent constraint-based causal
    structure learning", JMLR 15: 3921-3962.
    """

    def _orient(
        self, found: Skeleton, setup: Setup, cuts: Bounds, stop: BoolArray
    ) -> tuple[Judgement, Oriented]:
        judged = judge_latent(found, setup, cuts, stop)
        select, marks = self.selection_bias, None
        if found.stopped is None:
            sure = sure_statements(found, judged, setup)
            marks = close(found.adjacency, sure, setup.bounds, None, selection=select, stop=stop)
            if search_farther(found, setup, marks, stop) or found.stopped is not None:
                judged, marks = judge_latent(found, setup, cuts, stop), None
            elif marks.asked or sure is not judged.statements:
                marks = None  # surer than need be
        return judged, _oriented(found, judged, setup, selection=select, stop=stop, closed=marks)


class RFCI(LatentSearch):
    """Learn a PAG without the second search of FCI.

    Parameters
    ----------
    test, alpha, max_order, collider_rule, selection_bias, knowledge, n_jobs, max_seconds
        As for :class:`FCI`.

    Attributes
    ----------
    graph_ : CausalGraph
        Kind PAG. All its marks hold in the PAG that FCI looks for, where it has these edges too;
        it may have a few more edges and more circles.
    separators_, n_tests_, n_untestable_, conflicts_, ambiguous_, stopped_
        As for :class:`FCI`.

    Notes
    -----
    **Assumes:** what :class:`FCI` assumes.

    Before a triple is oriented, both its links are tested given the set that separates its ends; a
    link that fails is cut. Links of discriminating paths are tested likewise. All triples are
    looked at before anything is cut, so the result does not depend on their order.

    Examples
    --------
    >>> from causalkit.graph import CausalGraph
    >>> from causalkit.independence import Oracle
    >>> truth = CausalGraph.parse("a -> c <- hidden -> d <- b")
    >>> rfci = RFCI(Oracle(truth)).fit({name: [0.0, 1.0] for name in "abcd"})
    >>> print(rfci.graph_)
    PAG with 4 nodes, 3 edges: a o-> c; b o-> d; c <-> d

    References
    ----------
    Colombo, Maathuis, Kalisch and Richardson (2012), "Learning high-dimensional directed acyclic
    graphs with latent and selection variables", doi:10.1214/11-AOS940.
    """

    def _orient(
        self, found: Skeleton, setup: Setup, cuts: Bounds, stop: BoolArray
    ) -> tuple[Judgement, Oriented]:
        links = Links(found, setup)
        while True:
            if found.stopped is None:
                links.confirm_triples()
            judged = judge_latent(found, setup, cuts, stop)
            oriented = _oriented(found, judged, setup, selection=self.selection_bias, stop=stop)
            done = found.stopped is not None or oriented.unfinished
            if done or not links.confirm_paths(oriented.paths.values()):
                return judged, oriented


def _cuts_only(bounds: Bounds) -> Bounds:
    """Knowledge that limits the search: pairs that are not adjacent, and pairs that are.

    A direction does not: a node that is no cause of i may still lie on its side of a separating
    set, as a cause of the other one.
    """
    return bounds if bounds.is_none else Bounds(bounds.absent, bounds.required)


def _oriented(
    found: Skeleton,
    judged: Judgement,
    setup: Setup,
    *,
    selection: bool,
    stop: BoolArray,
    closed: Closed | None = None,
) -> Oriented:
    judge = judge_by_separators(found) if found.stopped is None else None
    return orient(
        found.adjacency,
        judged.statements,
        setup.bounds,
        judge,
        selection=selection,
        stop=stop,
        closed=closed,
    )


def sure_statements(found: Skeleton, judged: Judgement, setup: Setup) -> Statements:
    """Statements that are right whatever edges still fall; the same object if all are."""
    statements = judged.statements
    # A node of a smallest separating set is an ancestor in any case, so only colliders are tested.
    doubtful = Links(found, setup).doubtful(statements, COLLIDER)
    if not doubtful:
        return statements
    verdict = statements.verdict.copy()
    verdict[doubtful] = AMBIGUOUS
    return Statements(statements.triples, verdict, statements.p_value)


def _as_shown(ends: Marks, setup: Setup) -> Marks:
    """Marks with the nodes in the order of the data."""
    place = {name: k for k, name in enumerate(setup.names)}
    order = np.array([place[name] for name in setup.shown], dtype=np.intp)
    return ends[order[:, None], order]


def _required_yet_independent(found: Skeleton, setup: Setup) -> list[tuple[int, int, float]]:
    if setup.bounds.is_none:
        return []
    conflicts = Conflicts(setup.names)
    conflicts.note_required(found, setup.bounds, setup.alpha)
    return conflicts.required
