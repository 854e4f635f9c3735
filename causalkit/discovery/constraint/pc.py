"""PC: from conditional independences to the class of DAGs that explain them.

Three steps. *Skeleton*: cut every pair of variables that some set of others makes independent.
*Colliders*: in a - k - b with a and b cut, arrows meet in k if k was not needed to separate a from
b. *Closure*: Meek's rules direct what else has one direction in all DAGs with these colliders.

What is returned is always a class of DAGs: finite data give answers that contradict each other, and
PC then keeps the strongest consistent ones and lists the others in `conflicts_`. Nothing depends on
the order of the columns, and nothing that is known (:class:`~causalkit.discovery.Knowledge`) is
overruled.

>>> from causalkit.graph import CausalGraph
>>> from causalkit.independence import Oracle
>>> truth = CausalGraph.parse("rain -> wet <- sprinkler; wet -> slippery")
>>> pc = PC(Oracle(truth)).fit({name: [0.0, 1.0] for name in truth.nodes})
>>> print(pc.graph_)
CPDAG with 4 nodes, 3 edges: rain -> wet; sprinkler -> wet; wet -> slippery
>>> pc.explain("wet", "slippery").direction
'Meek rule 1 with rain: otherwise a new collider would arise'
"""

from __future__ import annotations

import numpy as np

from causalkit._core.moments import Moments
from causalkit._core.parallel import one_thread
from causalkit._core.table import Table
from causalkit.discovery._setup import as_knowledge, reads_moments, set_up, warn_of
from causalkit.discovery.base import DiscoveryAlgorithm, Explanation
from causalkit.discovery.constraint._colliders import judge_triples
from causalkit.discovery.constraint._conflicts import Conflicts
from causalkit.discovery.constraint._orientation import settle
from causalkit.discovery.constraint._skeleton import find_skeleton
from causalkit.discovery.constraint._trace import Trace, Traced
from causalkit.discovery.knowledge import Knowledge
from causalkit.graph import ARROW, CausalGraph, Kind
from causalkit.graph.meek import class_marks
from causalkit.independence import CITest
from causalkit.typing import Name

__all__ = ["PC"]


class PC(Traced, DiscoveryAlgorithm):
    """Learn the Markov equivalence class of a DAG from conditional-independence tests.

    Parameters
    ----------
    test : CITest, optional
        Conditional-independence test; :class:`~causalkit.independence.FisherZ` if left out.
    alpha : float, default 0.05
        Two variables are cut apart if a p-value exceeds `alpha`. Smaller gives fewer edges.
    max_order : int, optional
        Largest conditioning set; no limit if left out. A hub with d neighbours takes up to
        d * 2^d tests without a limit, so set one (2 to 4) if there are hubs beyond 20.
    collider_rule : {"paired", "standard", "conservative", "majority", "max-p"}
        Which separating sets decide about a collider k: the first one found, with k and without
        (one more test a triple); the first one found, as in textbooks; or of all sets the
        unanimous vote, the majority, or the one with the largest p-value.
    knowledge : Knowledge, optional
        Tiers, required and forbidden edges.
    n_jobs : int, optional
        Parallel jobs; never changes the result.
    max_seconds : float, optional
        Time budget. When it is spent no more questions are asked: pairs not yet asked about stay
        joined, `stopped_` says what was left undone, and a warning is given.

    Attributes
    ----------
    graph_ : CausalGraph
        Kind CPDAG. Closed under Meek's rules and never empty of members.
    separators_ : mapping of frozenset of two names to Separation
        For pairs that a test cut apart; `separators_["a", "b"]` works too.
    n_tests_ : int
        Tests carried out.
    n_untestable_ : int
        Conditioning sets that the test could not handle (redundant columns, too few rows). Such a
        set counts as unable to separate.
    conflicts_ : tuple of str
        Where answers contradict each other or the knowledge, and what was done.
    ambiguous_ : tuple of (name, name, name)
        Triples a - k - b on which the tests do not agree; they are read as no colliders.
    stopped_ : str or None
        What the time budget left undone.
    trace_ : Trace
        All of it: `trace_.to_frame()` has one row for each pair of variables, with the test, the
        set, the p-value and the rule or the piece of knowledge that decided.

    Notes
    -----
    **Assumes:**

    - no hidden common causes and no selection;
    - the true graph is acyclic;
    - every independence comes from the graph (faithfulness) and the test finds it;
    - the assumptions of the test.

    Columns are taken in the order of their names, so permuted columns give the same graph to the
    last bit. Ties between equally strong pieces of evidence go by name, nothing else does.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> a, b = rng.normal(size=(2, 2000))
    >>> c = a + b + rng.normal(size=2000)
    >>> pc = PC(alpha=0.01).fit({"a": a, "b": b, "c": c})
    >>> print(pc.graph_)
    CPDAG with 3 nodes, 2 edges: a -> c; b -> c
    >>> pc.separators_["a", "b"].given
    ()

    References
    ----------
    Spirtes, Glymour and Scheines (2000), "Causation, Prediction, and Search".
    Colombo and Maathuis (2014), "Order-independent constraint-based causal structure learning",
    JMLR 15: 3921-3962. Ramsey, Zhang and Spirtes (2006), "Adjacency-faithfulness and conservative
    causal inference", UAI. Ramsey (2016), "Improving accuracy and scalability of the PC algorithm
    by maximizing p-value", doi:10.48550/arXiv.1610.00378. Meek (1995), "Causal inference and causal
    explanation with background knowledge", UAI.
    """

    n_tests_: int
    n_untestable_: int
    stopped_: str | None
    trace_: Trace

    def __init__(
        self,
        test: CITest | None = None,
        *,
        alpha: float = 0.05,
        max_order: int | None = None,
        collider_rule: str = "paired",
        knowledge: Knowledge | None = None,
        n_jobs: int | None = None,
        max_seconds: float | None = None,
    ) -> None:
        self.test = test
        self.alpha = alpha
        self.max_order = max_order
        self.collider_rule = collider_rule
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
        bound, bounds = setup.bound, setup.bounds
        limits = {"alpha": setup.alpha, "max_order": setup.max_order}
        how = {"n_jobs": setup.n_jobs, "clock": setup.clock}
        conflicts = Conflicts(setup.names)
        with one_thread(not bound.releases_gil):  # as in a worker, so n_jobs changes no digit
            found = find_skeleton(bound, bounds, **limits, **how)  # type: ignore[arg-type]
            if not bounds.is_none:
                conflicts.note_required(found, bounds, setup.alpha)
                conflicts.break_cycles(found, bounds)
            judged = judge_triples(bound, found, bounds, rule=setup.rule, **limits, **how)  # type: ignore[arg-type]
        known = np.zeros_like(found.adjacency)
        if not bounds.is_none:
            known = found.adjacency & bounds.forbidden.T
        settled = settle(known, judged.statements)
        conflicts.note_dropped(judged, settled, known, bound, setup.alpha)
        ends = class_marks(found.adjacency, settled.arrows, sound=True)
        self.graph_ = CausalGraph._of(setup.names, ends, Kind.CPDAG).reordered(setup.shown)
        self.n_tests_, self.n_untestable_ = found.n_tests, found.n_untestable
        self.stopped_ = found.stopped
        known_before = as_knowledge(self.knowledge)
        self.trace_ = Trace(
            setup.names, found, judged, settled, ends == ARROW, conflicts, self.graph_, known_before
        )
        warn_of(found, conflicts.on_knowledge)

    def _explain(self, a: Name, b: Name) -> Explanation:
        return self.trace_.explain(a, b)
