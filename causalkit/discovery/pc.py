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

import warnings

import numpy as np

from causalkit._core.checks import check_choice, check_count, check_fraction
from causalkit._core.table import Table
from causalkit.discovery._colliders import COLLIDER_RULES, judge_triples
from causalkit.discovery._conflicts import Conflicts
from causalkit.discovery._orientation import settle
from causalkit.discovery._skeleton import Bounds, find_skeleton
from causalkit.discovery._trace import Trace
from causalkit.discovery.base import DiscoveryAlgorithm, Explanation, Separations
from causalkit.discovery.knowledge import Knowledge
from causalkit.errors import InputError, KnowledgeWarning
from causalkit.graph import ARROW, TAIL, CausalGraph, Kind
from causalkit.graph.equivalence import close_under_meek
from causalkit.independence import CITest, FisherZ
from causalkit.typing import BoolArray, Name

__all__ = ["PC"]


class PC(DiscoveryAlgorithm):
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
    collider_rule : {"standard", "conservative", "majority", "max-p"}
        Which separating sets decide about a collider: the first one found, all of them
        unanimously, most of them, or the one with the largest p-value. All but the first take
        more tests and err less.
    knowledge : Knowledge, optional
        Tiers, required and forbidden edges.
    n_jobs : int, optional
        Parallel jobs; pays for slow tests, and never changes the result.

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

    separators_: Separations
    n_tests_: int
    n_untestable_: int
    conflicts_: tuple[str, ...]
    ambiguous_: tuple[tuple[Name, Name, Name], ...]

    def __init__(
        self,
        test: CITest | None = None,
        *,
        alpha: float = 0.05,
        max_order: int | None = None,
        collider_rule: str = "standard",
        knowledge: Knowledge | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.test = test
        self.alpha = alpha
        self.max_order = max_order
        self.collider_rule = collider_rule
        self.knowledge = knowledge
        self.n_jobs = n_jobs

    def _fit(self, table: Table) -> None:
        alpha = check_fraction(self.alpha, "alpha")
        rule = check_choice(self.collider_rule, "collider_rule", COLLIDER_RULES)
        if self.max_order is not None:
            check_count(self.max_order, "max_order", minimum=0)
        names = tuple(sorted(table.names, key=lambda name: (isinstance(name, str), name)))
        bounds = _bounds(self.knowledge, names)
        bound = _as_test(self.test).bind(table.select(names))
        limits = {"alpha": alpha, "max_order": self.max_order, "n_jobs": self.n_jobs}
        found = find_skeleton(bound, bounds, **limits)  # type: ignore[arg-type]
        conflicts = Conflicts(names)
        conflicts.note_required(found, bounds, alpha)
        conflicts.break_cycles(found, bounds)
        statements = judge_triples(bound, found, bounds.forbidden, rule=rule, **limits)  # type: ignore[arg-type]
        known = found.adjacency & bounds.forbidden.T
        arrows, kept, dropped = settle(known, statements)
        conflicts.note_dropped(dropped, known)
        directed, undirected = close_under_meek(arrows, found.adjacency & ~(arrows | arrows.T))
        self.graph_ = _as_cpdag(names, directed, undirected).reordered(table.names)
        self.n_tests_, self.n_untestable_ = found.n_tests, found.n_untestable
        self.conflicts_ = tuple(conflicts.sentences)
        self._trace = Trace(names, found, arrows, directed, kept)
        self.separators_ = self._trace.separations()
        self.ambiguous_ = tuple(
            (names[a], names[k], names[b])
            for a, k, b in sorted(s.triple for s in statements if s.collider is None)
        )
        if conflicts.on_knowledge:
            warnings.warn(
                f"the data contradict the knowledge in {conflicts.on_knowledge} place(s); the "
                "knowledge was obeyed. See conflicts_ for each.",
                KnowledgeWarning,
                stacklevel=3,
            )

    def _explain(self, a: Name, b: Name) -> Explanation:
        return self._trace.explain(a, b, self.graph_, self.knowledge or Knowledge())


def _as_test(test: CITest | None) -> CITest:
    if test is None:
        return FisherZ()
    if isinstance(test, type) or not callable(getattr(test, "bind", None)):
        raise InputError(
            f"test={test!r}; expected a conditional-independence test such as FisherZ(). Pass an "
            "instance, with parentheses, or leave it out."
        )
    return test


def _bounds(knowledge: Knowledge | None, names: tuple[Name, ...]) -> Bounds:
    if knowledge is None:
        knowledge = Knowledge()
    if not isinstance(knowledge, Knowledge):
        raise InputError(
            f"knowledge is a {type(knowledge).__name__}; expected Knowledge(tiers=…, required=…, "
            "forbidden=…). Knowledge.from_dict reads a dict."
        )
    return Bounds(knowledge.forbidden_matrix(names), knowledge.required_matrix(names))


def _as_cpdag(names: tuple[Name, ...], directed: BoolArray, undirected: BoolArray) -> CausalGraph:
    ends = np.zeros(directed.shape, dtype=np.uint8)
    ends[directed], ends[directed.T], ends[undirected] = ARROW, TAIL, TAIL
    return CausalGraph(names, ends, Kind.CPDAG)
