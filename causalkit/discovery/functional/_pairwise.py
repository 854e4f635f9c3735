"""What the algorithms that tell cause from effect of two variables share.

Such an algorithm writes one hook, `_judge(pair)`: how well its model fits each way, and a p-value
of the hypothesis that this way is possible. From there on all is the same: x and y that are
independent are not joined at all; a way is *decided* if it is possible and the other one is not;
else the algorithm abstains and only says which way it leans.

Two kinds of p-values fill the hook. A *model* is tested each way by whether its residual is
independent of its cause (:mod:`~causalkit.discovery.functional._residual_test`); both ways may be
possible, or neither. A *score* is higher one way or the other (:func:`score_sides`), and the
question is whether by more than chance: rows are left out in groups to see how much the difference
varies, and the p-value of the way with the lower score is that of a difference this large.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from scipy.special import stdtr

from causalkit._core.checks import check_fraction
from causalkit._core.parallel import one_thread
from causalkit._core.report import Report, Reported, format_value
from causalkit._core.table import Table
from causalkit.discovery._columns import standardised
from causalkit.discovery._setup import in_name_order
from causalkit.discovery.base import DiscoveryAlgorithm, Explanation
from causalkit.discovery.functional._residual_test import Side, hsic
from causalkit.errors import InputError
from causalkit.graph import CausalGraph, Edge, Kind
from causalkit.graph.marks import show_name
from causalkit.typing import FloatArray, Name

__all__ = [
    "Direction",
    "Pair",
    "PairwiseAlgorithm",
    "Side",
    "compared",
    "score_sides",
]

_FEWEST_ROWS: Final = 20
_FEWEST_VALUES: Final = 10
_GROUPS: Final = 20


class Pair(NamedTuple):
    """Two columns in the order of their names, in units of standard deviations; rows by value."""

    names: tuple[Name, Name]
    x: FloatArray
    y: FloatArray
    independence_p_value: float


@dataclass(frozen=True, slots=True, repr=False)
class Direction(Reported):
    """Which of two variables is the cause, as far as an algorithm can tell.

    Attributes
    ----------
    cause, effect : name
        The way it leans, whether it is sure or not.
    decided : bool
        Whether it commits itself: the two depend on each other, this way is possible, and the
        other one is not.
    score, reverse_score : float
        How well each way fits, more is better, in units of the algorithm.
    p_value, reverse_p_value : float
        Of the hypothesis that the way is possible; below `alpha` it is not.
    independence_p_value : float
        Of the hypothesis that the two are independent, by a kernel test.
    alpha : float
        Level of all three.
    method : str
        The algorithm, with its settings.
    n_used : int
        Rows.
    """

    cause: Name
    effect: Name
    decided: bool
    score: float
    reverse_score: float
    p_value: float
    reverse_p_value: float
    independence_p_value: float
    alpha: float
    method: str
    n_used: int

    @property
    def verdict(self) -> str:
        """Return "x -> y" if decided, else "undecided", or "independent"."""
        if self.decided:
            return f"{show_name(self.cause)} -> {show_name(self.effect)}"
        return "undecided" if self.independence_p_value < self.alpha else "independent"

    def sentence(self) -> str:
        """What was found, and why."""
        a, b = show_name(self.cause), show_name(self.effect)
        if self.verdict == "independent":
            return (
                f"{a} and {b} look independent (p = {format_value(self.independence_p_value)}): "
                "there is nothing to direct."
            )
        this, other = (format_value(p) for p in (self.p_value, self.reverse_p_value))
        if self.decided:
            return f"{a} -> {b} is possible (p = {this}), {b} -> {a} is not (p = {other})."
        said = "both ways are" if self.p_value >= self.alpha else "neither way is"
        return (
            f"{said} possible: {a} -> {b} (p = {this}), {b} -> {a} (p = {other}). It leans towards "
            f"{a} -> {b}, which decides nothing."
        )

    def _report(self) -> Report:
        ways = (
            (f"{show_name(self.cause)} -> {show_name(self.effect)}", self.score, self.p_value),
            (
                f"{show_name(self.effect)} -> {show_name(self.cause)}",
                self.reverse_score,
                self.reverse_p_value,
            ),
        )
        return Report(
            f"Direction: {self.verdict}",
            facts=[("method", self.method), ("rows", self.n_used), ("alpha", self.alpha)],
            columns=("way", "score", "p-value"),
            rows=ways,
            notes=[self.sentence()],
        )


class PairwiseAlgorithm(DiscoveryAlgorithm):
    """Base of the algorithms that tell cause from effect of two variables.

    Attributes
    ----------
    graph_ : CausalGraph
        Kind CPDAG, over the two columns: no edge if they are independent, `->` if decided, else
        `--`.
    direction_ : Direction
        What was found.
    p_values_ : dict of (name, name) to float
        By (cause, effect), of the hypothesis that this way is possible.
    """

    alpha: float
    direction_: Direction
    p_values_: dict[tuple[Name, Name], float]

    def _fit(self, table: Table) -> None:
        alpha = check_fraction(self.alpha, "alpha")
        self._check_settings()
        with one_thread():
            pair = _pair_of(table, type(self).__name__)
            self.direction_ = found = self._direct(pair, alpha)
        values = {
            (found.cause, found.effect): found.p_value,
            (found.effect, found.cause): found.reverse_p_value,
        }
        a, b = table.names
        self.p_values_ = {way: values[way] for way in ((a, b), (b, a))}
        edges = []
        if found.verdict != "independent":
            edges.append(Edge(found.cause, found.effect, "->" if found.decided else "--"))
        self.graph_ = CausalGraph.from_edges(table.names, edges, Kind.CPDAG)

    def _direct(self, pair: Pair, alpha: float) -> Direction:
        """Judge both ways and choose."""
        (a, b), sides = pair.names, self._judge(pair)
        possible = [side.p_value >= alpha for side in sides]
        forwards = possible[0] if possible[0] != possible[1] else sides[0].score >= sides[1].score
        if not forwards:
            (a, b), sides = (b, a), sides[::-1]
        dependent = pair.independence_p_value < alpha
        return Direction(
            a,
            b,
            dependent and possible[0] != possible[1],
            *(sides[0].score, sides[1].score, sides[0].p_value, sides[1].p_value),
            independence_p_value=pair.independence_p_value,
            alpha=alpha,
            method=str(self),
            n_used=len(pair.x),
        )

    def _check_settings(self) -> None:
        """Check the settings other than `alpha`."""
        return

    @abstractmethod
    def _judge(self, pair: Pair) -> tuple[Side, Side]:
        """Judge x -> y and y -> x."""

    def _is_model(self) -> bool:
        """Whether it can refute both ways, rather than only prefer one."""
        return False

    def _explain(self, a: Name, b: Name) -> Explanation:
        edges = self.graph_.edges_between(a, b)
        if not edges:
            return Explanation((a, b), "no edge", "a kernel test finds the two independent")
        first, second = (
            f"{show_name(cause)} -> {show_name(effect)} (p = {p_value:.3g})"
            for (cause, effect), p_value in self.p_values_.items()
        )
        return Explanation(
            (a, b),
            str(edges[0]),
            "a kernel test finds the two dependent",
            f"{self._hypothesis()}: {first}, {second}, at alpha = {self.alpha:g}",
        )

    def _hypothesis(self) -> str:
        """What the p-values are p-values of."""
        return f"{type(self).__name__} finds it at least as good"


def _pair_of(table: Table, who: str) -> Pair:
    if table.n_columns != 2:
        raise InputError(
            f"the data have {table.n_columns} column(s); {who} expects 2. Ask about one pair at a "
            "time, e.g. with direction(data, 'x', 'y')."
        )
    names = in_name_order(table.names)
    x, y = standardised(table.select(names), who, least_rows=_FEWEST_ROWS).T
    for name, column in zip(names, (x, y), strict=True):
        n_values = len(np.unique(column))
        if n_values < _FEWEST_VALUES:
            raise InputError(
                f"column {name!r} has {n_values} different values; {who} expects at least "
                f"{_FEWEST_VALUES}, as curves and residuals need. Bring the numbers behind the "
                "levels, or direct this edge by PC with other variables."
            )
    rows = np.lexsort((np.abs(x - y), x + y))  # so that the order of rows and columns says nothing
    x, y = np.ascontiguousarray(x[rows]), np.ascontiguousarray(y[rows])
    return Pair((names[0], names[1]), x, y, hsic(x, y).p_value)


def score_sides(score: Callable[[FloatArray, FloatArray], float], pair: Pair) -> tuple[Side, Side]:
    """Compare a score of both ways, by leaving out one twentieth of the rows at a time.

    Parameters
    ----------
    score : callable
        Of (cause, effect); more is better.
    pair : Pair
    """
    x, y = pair.x, pair.y
    forwards, backwards = score(x, y), score(y, x)
    groups = np.random.default_rng(0).permutation(len(x)) % _GROUPS  # rows are in order
    without = [groups != k for k in range(_GROUPS)]
    differences = np.array([score(x[kept], y[kept]) - score(y[kept], x[kept]) for kept in without])
    # The delete-a-group jackknife: variance (g-1)/g Σ (d_k - mean)².
    error = np.sqrt((_GROUPS - 1.0) * float(differences.var()))
    return compared(forwards, backwards, error, _GROUPS - 1.0)


def compared(forwards: float, backwards: float, error: float, df: float) -> tuple[Side, Side]:
    """Two scores whose difference has this standard error, with so many degrees of freedom."""
    gap = abs(forwards - backwards)
    worse = 1.0 if gap == 0.0 else 2.0 * float(stdtr(df, -gap / error)) if error > 0.0 else 0.0
    sides = Side(forwards, 1.0), Side(backwards, worse)
    return sides if forwards >= backwards else (Side(forwards, worse), Side(backwards, 1.0))
