"""Which edges are right? Counts of what differs between a true graph and a learnt one.

Two graphs over the same nodes, matched by name, are compared pair of nodes by pair of nodes.
:func:`shd` is the number of pairs that differ in any way, :func:`compare_graphs` says in which, and
how well adjacencies and marks were found:

>>> truth = "A -> B -> C; D -> C; A -> D"
>>> learnt = "A -> B -> C; C -> D; B -> D"
>>> shd(truth, learnt)
3
>>> compare_graphs(truth, learnt)
Learnt DAG against a true DAG
─────────────────────────────
<BLANKLINE>
nodes                        4
structural Hamming distance  3 of 6 pairs
missing                      1
extra                        1
reversed                     1
edges, true: learnt          ->: -> 2, <- 1, none 1; none: -> 1
<BLANKLINE>
            precision  recall    F1  right  false  missed
─────────────────────────────────────────────────────────
adjacency        0.75    0.75  0.75      3      1       1
arrowheads        0.5     0.5   0.5      2      2       2

Compare like with like. PC, GES and their kin return a class of DAGs (CPDAG), FCI and its kin a
class of MAGs (PAG): hold them against the class of the truth, `truth.to_cpdag()`, since data cannot
tell more. An edge of a CPDAG counts as `--` where its direction is undecided. Graphs of different
kinds are compared mark by mark, as they print.

Graphs of series are compared link by link, whatever the order of the series and the longest lag:

>>> from causalkit.graph import LaggedGraph
>>> truth = LaggedGraph.parse("X[t-1] -> X[t]; X[t-2] -> Y[t]; Y[t] -> Z[t]")
>>> shd(truth, LaggedGraph.parse("X[t-1] -> X[t]; X[t-1] -> Y[t]; Z[t] -> Y[t]"))
3

Where there is nothing to be right about, nothing is wrong: precision is 1 if nothing was claimed,
recall is 1 if there was nothing to find. So averages over many graphs never meet 0/0.

References
----------
Tsamardinos, I., Brown, L. E., Aliferis, C. F. (2006), "The max-min hill-climbing Bayesian network
structure learning algorithm". Machine Learning 65. https://doi.org/10.1007/s10994-006-6889-7
"""

from __future__ import annotations

from dataclasses import dataclass

from causalkit._core.checks import check_choice
from causalkit._core.report import Report, Reported
from causalkit.errors import InputError
from causalkit.graph import ARROW, TAIL, CausalGraph, Kind, LaggedGraph
from causalkit.identification.query import as_graph
from causalkit.metrics._matching import AnyGraph, matched_in_time
from causalkit.metrics._pair_marks import Pairs, confusion, decided, openness
from causalkit.typing import BoolArray

__all__ = ["Detection", "StructureScore", "compare_graphs", "shd"]


def shd(truth: AnyGraph, learnt: AnyGraph, *, reversal: int = 1) -> int:
    """Structural Hamming distance: the number of pairs of nodes whose edges differ.

    Parameters
    ----------
    truth, learnt : CausalGraph, str or networkx graph; or LaggedGraph
        Graphs of any kind over the same nodes, or series.
    reversal : {1, 2}
        What a reversed edge (`->` for `<-`) counts: one change, or, as some papers have it, two (a
        missing and an extra edge). Every other difference counts 1, as does a bow for one edge.

    Returns
    -------
    int
        Between 0 and p (p - 1) / 2, or of series p (p - 1) / 2 + max_lag p²; up to twice that with
        `reversal=2`. Among graphs of one kind it is a metric.

    Raises
    ------
    InputError
        If the nodes or series differ.

    Examples
    --------
    >>> shd("A -> B -> C", "B -> A; B -> C; A -> C")
    2
    >>> shd("A -> B -> C", "B -> A; B -> C; A -> C", reversal=2)
    3
    """
    check_choice(reversal, "reversal", (1, 2))
    true, other, _ = matched_in_time(truth, learnt)
    pairs = Pairs.of(true, other)
    return int(pairs.differ.sum()) + (reversal - 1) * int(pairs.reversed.sum())


@dataclass(frozen=True, slots=True)
class Detection:
    """How well something was found.

    Attributes
    ----------
    true_positives, false_positives, false_negatives : int
        Found and there; found but not there; there but not found.
    """

    true_positives: int
    false_positives: int
    false_negatives: int

    @property
    def precision(self) -> float:
        """Share of what was found that is there; 1 if nothing was found."""
        found = self.true_positives + self.false_positives
        return self.true_positives / found if found else 1.0

    @property
    def recall(self) -> float:
        """Share of what is there that was found; 1 if there is nothing."""
        there = self.true_positives + self.false_negatives
        return self.true_positives / there if there else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of the two, `2 tp / (2 tp + fp + fn)`; 1 if nothing is there or found."""
        total = 2 * self.true_positives + self.false_positives + self.false_negatives
        return 2 * self.true_positives / total if total else 1.0


@dataclass(frozen=True, slots=True, repr=False)
class StructureScore(Reported):
    """A learnt graph beside the true one, pair of nodes by pair of nodes.

    Attributes
    ----------
    kinds : tuple of two Kind
        Of the true and of the learnt graph.
    n_nodes, n_pairs : int
        Nodes, and pairs of them that may be joined: of series, those with an end at t.
    missing, extra : int
        Pairs that are adjacent in the true graph only, or in the learnt one only.
    reversed : int
        `->` where `<-` is true.
    unoriented : int
        Edges of which the learnt graph leaves an end open (`--` in a CPDAG, `o` in a PAG) that the
        true graph decides; the other end agrees or is left open as well.
    overoriented : int
        The other way round: the learnt graph decides what the true graph leaves open.
    other : int
        Any other difference between two edges, such as `->` for `<->`.
    adjacency, arrowheads, tails : Detection
        Of adjacent pairs; of arrowheads; of tails that mean something (those of an undecided `--`
        do not). An arrowhead counts as false, too, where there is no edge in the true graph.
    confusion : tuple of (str, str, int)
        True edge, learnt edge as read in the direction of the true one, and how often; `"none"` is
        no edge, and pairs without an edge in both graphs are left out.
    """

    kinds: tuple[Kind, Kind]
    n_nodes: int
    n_pairs: int
    missing: int
    extra: int
    reversed: int
    unoriented: int
    overoriented: int
    other: int
    adjacency: Detection
    arrowheads: Detection
    tails: Detection
    confusion: tuple[tuple[str, str, int], ...]

    @property
    def shd(self) -> int:
        """Structural Hamming distance, a reversed edge counting 1."""
        edges = self.reversed + self.unoriented + self.overoriented + self.other
        return self.missing + self.extra + edges

    def to_dict(self) -> dict[str, float]:
        """All numbers by name, a row of a table of results."""
        names = ("missing", "extra", "reversed", "unoriented", "overoriented", "other")
        numbers: dict[str, float] = {"shd": self.shd}
        numbers |= {name: getattr(self, name) for name in names}
        for what in ("adjacency", "arrowheads", "tails"):
            found: Detection = getattr(self, what)
            numbers |= {f"{what}_{rate}": getattr(found, rate) for rate in _RATES}
        return numbers

    def _report(self) -> Report:
        true, learnt = (kind.name for kind in self.kinds)
        facts: list[tuple[str, object]] = [
            ("nodes", self.n_nodes),
            (
                "structural Hamming distance",
                f"{self.shd} of {self.n_pairs} pairs",
            ),
        ]
        always = ("missing", "extra", "reversed")
        facts += [(name, getattr(self, name)) for name in always]
        rarely = ("unoriented", "overoriented", "other")
        facts += [(name, getattr(self, name)) for name in rarely if getattr(self, name)]
        if self.confusion:
            facts.append(("edges, true: learnt", self._confusion_line()))
        found = {"adjacency": self.adjacency, "arrowheads": self.arrowheads}
        if {Kind.MAG, Kind.PAG} & set(self.kinds):
            found["tails"] = self.tails
        rows = [
            (
                what,
                *(round(getattr(each, rate), 3) for rate in _RATES),
                each.true_positives,
                each.false_positives,
                each.false_negatives,
            )
            for what, each in found.items()
        ]
        columns = ("", "precision", "recall", "F1", "right", "false", "missed")
        article = "an" if true.startswith(("A", "M")) else "a"
        return Report(
            f"Learnt {learnt} against {article} true {true}", facts, columns=columns, rows=rows
        )

    def _confusion_line(self) -> str:
        by_truth: dict[str, list[str]] = {}
        for true, learnt, count in self.confusion:
            by_truth.setdefault(true, []).append(f"{learnt} {count}")
        return "; ".join(f"{true}: {', '.join(found)}" for true, found in by_truth.items())


_RATES = ("precision", "recall", "f1")


def compare_graphs(truth: AnyGraph, learnt: AnyGraph, *, nodes: str = "same") -> StructureScore:
    """Say in which ways a learnt graph differs from the true one.

    Parameters
    ----------
    truth, learnt : CausalGraph, str or networkx graph; or LaggedGraph
        Graphs of any kind over the same nodes, or series.
    nodes : {"same", "common"}
        "same" refuses graphs over different nodes. "common" compares the edges among the nodes that
        both have, of graphs that are not of series: what is known from the literature is seldom
        about all columns of a table. Paths by way of other nodes count for nothing; of DAGs and
        ADMGs, :func:`~causalkit.graph.latent_projection` keeps them.

    Returns
    -------
    StructureScore

    Raises
    ------
    InputError
        If the nodes or series differ, or "common" finds fewer than two nodes that both have.

    Examples
    --------
    A list of edges from the literature, against a graph over other variables, too:

    >>> known = [("raf", "mek"), ("mek", "erk"), ("pka", "erk"), ("pka", "raf")]
    >>> literature = CausalGraph.from_edges(["raf", "mek", "erk", "pka"], known)
    >>> learnt = CausalGraph.parse("raf -> mek -> erk; akt -> erk; pka -> mek")
    >>> score = compare_graphs(literature, learnt, nodes="common")
    >>> score.n_nodes, score.adjacency.true_positives, score.missing, score.extra
    (4, 2, 2, 1)

    >>> truth = CausalGraph.parse("A -> C <- B; C -> D", kind="CPDAG")
    >>> score = compare_graphs(truth, CausalGraph.parse("A -- C; C -- D; B -- D", kind="CPDAG"))
    >>> score.missing, score.extra, score.unoriented
    (1, 1, 2)
    >>> score.adjacency.precision, score.arrowheads.recall
    (0.6666666666666666, 0.0)
    """
    check_choice(nodes, "nodes", ("same", "common"))
    if nodes == "common":
        truth, learnt = _on_common_nodes(truth, learnt)
    true, other, n_pairs = matched_in_time(truth, learnt)
    pairs = Pairs.of(true, other)
    return StructureScore(
        kinds=(true.kind, other.kind),
        n_nodes=len(true),
        n_pairs=n_pairs,
        missing=int((pairs.in_truth & ~pairs.in_learnt).sum()),
        extra=int((pairs.in_learnt & ~pairs.in_truth).sum()),
        reversed=int(pairs.reversed.sum()),
        **openness(true, other, pairs),
        adjacency=_detection(pairs.in_truth, pairs.in_learnt),
        arrowheads=_detection(true.ends & ARROW > 0, other.ends & ARROW > 0),
        tails=_detection(decided(true) & TAIL > 0, decided(other) & TAIL > 0),
        confusion=confusion(pairs),
    )


def _on_common_nodes(truth: AnyGraph, learnt: AnyGraph) -> tuple[CausalGraph, CausalGraph]:
    """The edges among the nodes that both graphs have."""
    if isinstance(truth, LaggedGraph) or isinstance(learnt, LaggedGraph):
        raise InputError(
            'nodes="common" with graphs of series; expected graphs of variables without time. '
            "Write both over the same series."
        )
    one, other = as_graph(truth), as_graph(learnt)
    common = [name for name in one.nodes if name in set(other.nodes)]
    if len(common) < 2:
        raise InputError(
            f"the graphs have {len(common)} node(s) in common; expected two or more. Spell names "
            "alike in both."
        )
    return one.subgraph(common), other.subgraph(common)


def _detection(truth: BoolArray, learnt: BoolArray) -> Detection:
    hits = int((truth & learnt).sum())
    return Detection(hits, int(learnt.sum()) - hits, int(truth.sum()) - hits)
