"""`falsify_graph`: does a graph agree with data better than the same graph with other names does.

A DAG implies that each variable is independent of everything that it does not cause, given its
parents (the local Markov property, which implies all else). With enough data some of these
independencies always fail: no graph is exactly right. So how many may? Give the nodes other names,
at random. If the graph is any good, its own names should do far better than most others: the
p-value is the share of relabelled graphs that have no more violations. A graph that says nearly the
same under any names (few implied independencies, or a star without orientation) cannot be judged
that way, which the share of relabelled graphs in its own Markov equivalence class shows.

A graph that passes is better than *random relabellings*, and no more. Which edges are missing is
told by the violated independencies, and which could go by the edges whose ends are independent
given the other parents.

References
----------
Eulig, Mastakouri, Blöbaum, Hardt & Janzing (2023), "Toward falsifying causal graphs using a
permutation-based test". doi:10.48550/arXiv.2305.09565
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from causalkit._core.checks import check_count, check_fraction
from causalkit._core.random import as_generator
from causalkit._core.report import Report, Reported, format_value
from causalkit._core.table import as_table
from causalkit.errors import InputError
from causalkit.graph.equivalence import consistent_extension
from causalkit.graph.graph import CausalGraph
from causalkit.graph.marks import Kind
from causalkit.identification.query import GraphLike, as_graph
from causalkit.independence.base import BoundTest, CITest
from causalkit.independence.fisher_z import FisherZ
from causalkit.refutation.base import FAILS, NOT_INFORMATIVE, PASSES, Verdict
from causalkit.refutation.relabelled_graphs import implied_pairs, relabellings, same_class, tested
from causalkit.typing import Data, FloatArray, Name, RandomState

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["Falsification", "Independence", "falsify_graph"]

MOST_VIOLATIONS_SHOWN = 8
"""In the printed report; `to_frame` has all."""


MOST_BY_CHANCE = 3.0
"""Times the violations expected of a right graph that are not put down to chance."""


@dataclass(frozen=True, slots=True)
class Independence:
    """An implied independence, and what the data say of it.

    Attributes
    ----------
    node, other : name
        Said to be independent …
    given : tuple of names
        … given these.
    p_value : float
        NaN where the test has nothing to say.
    """

    node: Name
    other: Name
    given: tuple[Name, ...]
    p_value: float

    def __str__(self) -> str:
        given = f" | {', '.join(map(str, self.given))}" if self.given else ""
        return f"{self.node} ⫫ {self.other}{given}"


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Falsification(Reported):
    """What came of holding a graph against data.

    Attributes
    ----------
    verdict : {"passes", "fails", "not informative"}
    sentence : str
        What to make of it.
    implied : tuple of Independence
        What the graph implies of each node and each other that is no effect of it.
    violated : tuple of Independence
        Those that the data reject, the clearest first.
    removable : tuple of (parent, child, p_value)
        Edges whose ends are not found dependent given the other parents.
    p_value : float
        Share of relabelled graphs with no more violations.
    p_equivalent : float
        Share of relabelled graphs in the graph's own equivalence class.
    baseline : ndarray of shape (n_permutations,)
        Share of violations of each relabelled graph.
    alpha : float
        Level of each test of independence.
    """

    verdict: Verdict
    sentence: str
    implied: tuple[Independence, ...]
    violated: tuple[Independence, ...]
    removable: tuple[tuple[Name, Name, float], ...]
    p_value: float
    p_equivalent: float
    baseline: FloatArray
    alpha: float

    @property
    def share_violated(self) -> float:
        """Violated, of all implied; 0 if nothing is implied."""
        return len(self.violated) / max(1, len(self.implied))

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each implied independence: node, other, given, p_value, violated."""
        import pandas as pd

        rows = [(i.node, i.other, i.given, i.p_value, i.p_value < self.alpha) for i in self.implied]
        return pd.DataFrame(rows, columns=["node", "other", "given", "p_value", "violated"])

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw its violations among those of relabelled graphs, see `plot_falsification`."""
        from causalkit.plotting.falsification import plot_falsification

        return plot_falsification(self, ax=ax, **style)

    def _report(self) -> Report:
        shown = self.violated[:MOST_VIOLATIONS_SHOWN]
        notes = [self.sentence]
        if len(self.violated) > len(shown):
            notes.append(f"{len(self.violated) - len(shown)} more violations: see .to_frame().")
        if self.removable:
            edges = ", ".join(f"{a} -> {b}" for a, b, _ in self.removable)
            notes.append(f"Not needed, as far as the data show: {edges}.")
        return Report(
            title=f"Graph against data: {self.verdict}",
            facts=[
                ("violated", f"{len(self.violated)} of {len(self.implied)} independencies"),
                ("by chance", f"{self.alpha * len(self.implied):.3g} expected of a right graph"),
                ("with other names", f"{np.mean(self.baseline):.0%} violated on average"),
                ("p-value", format_value(self.p_value)),
                ("same class", f"{self.p_equivalent:.1%} of relabelled graphs"),
            ],
            columns=("violated", "p-value") if shown else (),
            rows=[(str(independence), independence.p_value) for independence in shown],
            notes=notes,
        )


def falsify_graph(
    graph: GraphLike,
    data: Data,
    *,
    test: CITest | None = None,
    alpha: float = 0.05,
    permutation_alpha: float = 0.05,
    n_permutations: int = 200,
    random_state: RandomState = 0,
) -> Falsification:
    """Hold a graph against data, and against itself with other names.

    Parameters
    ----------
    graph : CausalGraph, str or networkx graph
        A DAG, or the CPDAG of a class of them. All its nodes are columns of the data.
    data : table
        Other columns are ignored.
    test : CITest, optional
        Of conditional independence; Fisher's z if left out, which is for numbers and linear
        dependence. Tests that take seconds want fewer permutations.
    alpha : float
        An independence is violated if its p-value is below it.
    permutation_alpha : float
        Of the verdict.
    n_permutations : int
        Relabelled graphs; all of them, if there are no more.
    random_state : int, Generator or None, default 0

    Returns
    -------
    Falsification
        "passes" if at most this share of relabelled graphs does as well, "fails" if more do,
        "not informative" if more than that share is of the graph's own class.

    Raises
    ------
    InputError
        If the graph is of another kind, or some node is no column.

    Notes
    -----
    **Assumes:**

    - rows are independent draws, and the test is right for columns of this kind;
    - no hidden common cause of two nodes: one shows as violations, although the edges are right;
    - the graph was not learnt from the same data, which makes it better than it is.

    References
    ----------
    Eulig et al. (2023), "Toward falsifying causal graphs using a permutation-based test",
    doi:10.48550/arXiv.2305.09565

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> a, b = rng.normal(size=(2, 500))
    >>> c = a + b + rng.normal(size=500)
    >>> data = {"a": a, "b": b, "c": c, "d": c + rng.normal(size=500)}
    >>> data["e"] = data["d"] + rng.normal(size=500)
    >>> falsify_graph(CausalGraph.parse("a -> c <- b; c -> d -> e"), data, random_state=0).verdict
    'passes'
    >>> wrong = falsify_graph(CausalGraph.parse("a -> d <- b; d -> e -> c"), data, random_state=0)
    >>> wrong.verdict
    'fails'
    """
    check_fraction(alpha, "alpha")
    check_fraction(permutation_alpha, "permutation_alpha")
    check_count(n_permutations, "n_permutations")
    dag = _as_dag(graph)
    bound = (FisherZ() if test is None else test).bind(as_table(data, columns=dag.nodes))
    pairs, sets = implied_pairs(dag.directed)
    orders, everything = relabellings(len(dag), n_permutations, as_generator(random_state))
    p_values = tested(bound, pairs, sets, np.vstack([np.arange(len(dag)), orders]))
    shares = (p_values < alpha).mean(axis=1) if len(pairs) else np.zeros(len(p_values))
    own, baseline = shares[0], shares[1:]
    as_good = int(np.count_nonzero(baseline <= own + 1e-12))
    alike = sum(same_class(dag.directed, order) for order in orders)
    chance = 0 if everything else 1  # the graph itself is one of all, but not of those drawn
    p_value = (as_good + chance) / (len(orders) + chance)
    p_equivalent = alike / len(orders)
    implied = tuple(
        Independence(
            dag.nodes[i],
            dag.nodes[j],
            tuple(dag.nodes[k] for k in given[given >= 0]),
            float(p),
        )
        for (i, j), given, p in zip(pairs, sets, p_values[0], strict=True)
    )
    violated = sorted((i for i in implied if i.p_value < alpha), key=lambda i: i.p_value)
    verdict, sentence = _words(
        len(implied), len(violated), p_value, p_equivalent, permutation_alpha, alpha
    )
    return Falsification(
        verdict,
        sentence,
        implied,
        tuple(violated),
        _removable(dag, bound, alpha),
        p_value,
        p_equivalent,
        baseline,
        alpha,
    )


# --- edges, words ---------------------------------------------------------------------------------


def _removable(
    dag: CausalGraph, bound: BoundTest, alpha: float
) -> tuple[tuple[Name, Name, float], ...]:
    """Edges whose ends are not found dependent given the child's other parents."""
    edges = np.argwhere(dag.directed)
    if not len(edges):
        return ()
    widest = int(dag.directed.sum(axis=0).max())
    sets = np.full((len(edges), widest), -1, dtype=np.intp)
    for row, (parent, child) in enumerate(edges):
        others = np.setdiff1d(np.flatnonzero(dag.directed[:, child]), [parent])
        sets[row, : len(others)] = others
    _, p_values, _ = bound.given_own(np.ascontiguousarray(edges), sets)
    return tuple(
        (dag.nodes[i], dag.nodes[j], float(p))
        for (i, j), p in zip(edges, p_values, strict=True)
        if p >= alpha
    )


def _words(
    n_implied: int,
    n_violated: int,
    p_value: float,
    p_equivalent: float,
    permutation_alpha: float,
    alpha: float,
) -> tuple[Verdict, str]:
    if not n_implied:
        return NOT_INFORMATIVE, (
            "The graph implies no independence: any data agree with it, so none can speak for it."
        )
    if p_equivalent > permutation_alpha:
        sentence = (
            f"{p_equivalent:.0%} of the graphs with other names imply the same as this one: names "
            "matter too little for a comparison with them."
        )
        if n_violated > MOST_BY_CHANCE * max(1.0, alpha * n_implied):
            sentence += (
                f" But {n_violated} of {n_implied} implied independencies are violated, many more "
                f"than the {alpha * n_implied:.2g} that chance gives a right graph: as drawn, it "
                "does not agree with the data."
            )
        return NOT_INFORMATIVE, sentence
    share = f"{p_value:.1%} of the graphs with other names do as well or better"
    if p_value > permutation_alpha:
        return FAILS, (
            f"{n_violated} of {n_implied} implied independencies are violated, and {share}: the "
            "graph is hardly better than chance. Look at the violated independencies for missing "
            "edges or hidden common causes."
        )
    rest = "Passing does not show that the graph is right, only that its names matter."
    found = f"{n_violated} of {n_implied} implied independencies are violated; {share}."
    if n_violated > MOST_BY_CHANCE * max(1.0, alpha * n_implied):
        found = (
            f"The graph does better than with other names ({share}), but {n_violated} of "
            f"{n_implied} implied independencies are violated where chance gives a right graph "
            f"{alpha * n_implied:.2g}: as drawn, it does not agree with the data."
        )
    if n_violated:
        rest = f"Those violated show where to look: an edge or a hidden cause is missing. {rest}"
    return PASSES, f"{found} {rest}"


def _as_dag(given: GraphLike) -> CausalGraph:
    graph = as_graph(given)
    if len(graph) < 2:
        raise InputError("the graph has fewer than two nodes; expected one that relates some.")
    if graph.kind is Kind.CPDAG:
        return consistent_extension(graph)
    if graph.kind is not Kind.DAG:
        raise InputError(
            f"the graph is of kind {graph.kind.value}; expected a DAG or a CPDAG, whose implied "
            "independencies hold given parents. Draw hidden common causes as edges, or judge a "
            "DAG among the observed variables."
        )
    return graph
