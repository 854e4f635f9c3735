"""Causal de Finetti: every arrow, from two rows of each of many environments.

From rows of one distribution, X -> Y and Y -> X look alike. Let there be many environments, each
with its own mechanism for X and its own for Y given X, chosen independently of each other. Rows of
one environment then share what is particular to it, and two of them tell the direction. Under
X -> Y, with rows 1 and 2 of the same environment::

    particular to X ──▶ X1 ──▶ Y1 ◀── particular to Y
          └───────────▶ X2 ──▶ Y2 ◀────────┘

Y1 and X2 are joined by way of X1 only, so ``Y1 is independent of X2 given X1``. The other way
round, X1 and Y2 are *not* independent given Y1, because Y1 is a collider between X1 and what is
particular to Y. The same holds among many variables: j causes none of the others exactly if j in
row 1 is independent of every other variable in row 2 given all the others in row 1. So layers are
peeled off from the last effect to the first cause, and no class is left: the graph is a DAG.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np

from causalkit._core.checks import as_names, check_count, check_fraction, check_varies
from causalkit._core.parallel import check_jobs, one_thread, run
from causalkit._core.report import Report, Reported
from causalkit._core.streams import is_stream
from causalkit._core.table import Table, column_names
from causalkit.discovery._setup import as_test, in_name_order
from causalkit.discovery.base import (
    DiscoveryAlgorithm,
    Explanation,
    Separations,
    named,
    note_columns,
    read_columns,
    show_set,
)
from causalkit.discovery.changing._exchangeable import pair_rows
from causalkit.discovery.changing._surrogate_columns import Context, read_context, split_table
from causalkit.discovery.constraint._skeleton import Bounds, Skeleton, find_skeleton
from causalkit.discovery.constraint._trace import why_apart, why_joined
from causalkit.discovery.knowledge import Knowledge
from causalkit.errors import InputError, NumericalError
from causalkit.graph import ARROW, TAIL, CausalGraph, Kind
from causalkit.graph.marks import show_name
from causalkit.independence import KCI, BoundTest, CITest, GSquare
from causalkit.typing import Data, Name

__all__ = ["CausalDeFinetti", "SinkTest"]

_NOTHING: Final = Knowledge()
_FEWEST: Final = 4


@dataclass(frozen=True, slots=True, repr=False)
class SinkTest(Reported):
    """Whether a variable causes none of those that were left.

    Attributes
    ----------
    variable : str or int
    others : tuple of names
        The variables that were left beside it.
    against : str or int
        The one of these, in another row, on which it depends most.
    p_value : float
        Given the others in its own row; the smallest over all `others`, times their number.
    """

    variable: Name
    others: tuple[Name, ...]
    against: Name
    p_value: float

    def _report(self) -> Report:
        return Report(
            f"Does {show_name(self.variable)} cause any of {show_set(self.others)}?",
            facts=[
                ("p-value of no", self.p_value),
                ("depends most on", f"{show_name(self.against)} in another row"),
            ],
        )


class CausalDeFinetti(DiscoveryAlgorithm):
    """Learn a DAG from two or more rows of each of many environments.

    Parameters
    ----------
    group : str or int, default "environment"
        Column that says which environment a row comes from, as a label. Each has two rows or more.
    test : CITest, optional
        :class:`~causalkit.independence.KCI` if left out, and
        :class:`~causalkit.independence.GSquare` if all variables are categories. It should see any
        dependence: traces of a mechanism need not be correlations.
    alpha : float, default 0.05
        A p-value above it is an independence.
    max_order : int, optional
        Largest conditioning set in the search for edges; no limit if left out.
    n_jobs : int, optional
        Parallel jobs; never changes the result.

    Attributes
    ----------
    graph_ : CausalGraph
        Kind DAG, over all columns but the group.
    layers_ : tuple of tuples of names
        From the causes to the effects; no edge runs within a layer or against their order.
    sink_tests_ : tuple of SinkTest
        What the layers rest on, in the order of the tests.
    separators_ : mapping of frozenset of two names to Separation
        For pairs without an edge that a test cut apart.
    n_environments_ : int
        Independent lines that tests had.

    Notes
    -----
    **Assumes:**

    - environments are independent draws, and rows within one are exchangeable: their order says
      nothing;
    - the same DAG in all of them, with no hidden common causes within a row;
    - mechanisms change independently of each other: what is particular to an environment in the
      cause says nothing about the effect given the cause;
    - all mechanisms do change, and every independence comes from this (faithfulness);
    - the assumptions of the test.

    Up to three pairs of rows of an environment are used, in the order of the data, each pair both
    ways round; p-values of one question are merged by their geometric mean. First come the
    layers; edges between them are then found as in :class:`~causalkit.discovery.PC`, among rows of
    different environments, where each pair is cut by a set of variables of earlier layers.

    Layers need tests given all variables that are left, so many variables need many environments.

    One model of even strength hides all directions: a linear Gaussian one in which what is
    particular to an environment is the same share of the noise of every variable. Then rows 1 and 2
    have the same correlations, however the arrows point.

    References
    ----------
    Guo, Tóth, Schölkopf and Huszár (2023), "Causal de Finetti: On the identification of invariant
    causal structure in exchangeable data", NeurIPS, doi:10.48550/arXiv.2203.15756.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> hospital = np.repeat(np.arange(200), 2)
    >>> level, effect = rng.normal(size=(2, 200)).repeat(2, axis=1)
    >>> dose = level + rng.normal(size=400)
    >>> relief = dose + 2 * effect + rng.normal(size=400)
    >>> data = {"hospital": hospital, "dose": dose, "relief": relief}
    >>> found = CausalDeFinetti("hospital").fit(data)
    >>> print(found.graph_)
    DAG with 2 nodes, 1 edge: dose -> relief
    """

    layers_: tuple[tuple[Name, ...], ...]
    sink_tests_: tuple[SinkTest, ...]
    separators_: Separations
    n_environments_: int

    def __init__(
        self,
        group: Name = "environment",
        *,
        test: CITest | None = None,
        alpha: float = 0.05,
        max_order: int | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.group = group
        self.test = test
        self.alpha = alpha
        self.max_order = max_order
        self.n_jobs = n_jobs

    def fit(self, X: Data, y: Any = None) -> Self:
        """Learn the graph.

        Parameters
        ----------
        X : DataFrame, 2-D ndarray, or dict of columns, n_rows by n_columns
            Variables and the column of the environment, one row a unit.
        y : None
            Ignored; scikit-learn passes it.

        Returns
        -------
        self

        Raises
        ------
        InputError
            If there are fewer than 4 environments, one has one row only, or the data or settings
            cannot be used.
        """
        del y
        if is_stream(X):
            read_columns(self, X)  # says what to do instead
        context = self._environments(X)
        variables = split_table(X, context)
        note_columns(self, X, column_names(X))
        with (
            one_thread()
        ):  # as in a worker: products by several threads differ in their last digits
            self._learn(variables, context)
        return self

    def _fit(self, table: Table) -> None:
        context = self._environments(table)
        with one_thread():
            self._learn(split_table(table, context), context)

    def _environments(self, data: Data) -> Context:
        if len(as_names(self.group)) != 1:
            raise InputError(
                f"group={self.group!r}; expected the name of the column that says which "
                "environment a row comes from. Name one column."
            )
        return read_context(data, as_names(self.group)[0], None)

    def _learn(self, variables: Table, context: Context) -> None:
        alpha = check_fraction(self.alpha, "alpha")
        if self.max_order is not None:
            check_count(self.max_order, "max_order", minimum=0)
        check_jobs(self.n_jobs)
        table = variables.select(in_name_order(variables.names))
        check_varies(table, table.names, who="CausalDeFinetti")
        test = _default_test(table) if self.test is None else as_test(self.test)
        sides = pair_rows(context.surrogate)
        self.n_environments_ = len(sides.one[0])
        if self.n_environments_ < _FEWEST:
            raise InputError(
                f"there are {self.n_environments_} environments in {self.group!r}; expected at "
                f"least {_FEWEST}, and some hundred to be of use. Bring more environments."
            )
        peeling = _Peeling(table.names, sides.across(test, table), alpha, self.n_jobs)
        layers = peeling.layers()
        self.sink_tests_ = tuple(peeling.tests)
        self.layers_ = tuple(tuple(table.names[k] for k in layer) for layer in layers)
        place = np.empty(table.n_columns, dtype=np.intp)
        for number, layer in enumerate(layers):
            place[layer] = number
        forbidden = place[:, None] >= place
        bounds = Bounds(forbidden, np.zeros_like(forbidden))
        self._found = find_skeleton(
            sides.within(test, table),
            bounds,
            alpha=alpha,
            max_order=self.max_order,
            n_jobs=self.n_jobs,
        )
        self._names = table.names
        self.separators_ = Separations(table.names, self._found.separators)
        self.graph_ = _directed(table.names, self._found, forbidden).reordered(variables.names)

    def _explain(self, a: Name, b: Name) -> Explanation:
        i, j = sorted((self._names.index(a), self._names.index(b)))
        edges = self.graph_.edges_between(a, b)
        listed = self._found.closest if edges else self._found.separators
        evidence = listed.get((i, j))
        test = named(self._names, (i, j), evidence) if evidence else None
        place = {name: k for k, layer in enumerate(self.layers_) for name in layer}
        if not edges:
            same = place[a] == place[b]
            why = "in one layer: neither causes the other" if same else None
            return Explanation(
                (a, b), "no edge", why or why_apart(a, b, test, _NOTHING), None, test
            )
        cause, effect = (a, b) if place[a] < place[b] else (b, a)
        why = why_joined(a, b, test, _NOTHING)
        return Explanation((a, b), str(edges[0]), why, self._why_later(cause, effect), test)

    def _why_later(self, cause: Name, effect: Name) -> str:
        """Why the effect was peeled off before the cause."""
        last = next(
            t for t in reversed(self.sink_tests_) if t.variable == effect and cause in t.others
        )
        left = {effect, *last.others}
        rival = next(
            t for t in self.sink_tests_ if {t.variable, *t.others} == left and t.variable == cause
        )
        shown = show_name(cause), show_name(effect)
        first = f"of {show_set(tuple(sorted(left, key=self._names.index)))}, {shown[1]} "
        if last.p_value <= self.alpha:
            return (
                f"{first}comes closest to causing none of the others (p = {last.p_value:.3g}; "
                f"{shown[0]}: p = {rival.p_value:.3g})"
            )
        if rival.p_value <= self.alpha:
            second = f"{shown[0]} does cause some"
        else:
            second = f"{shown[0]} may cause none either, but the two are joined"
        return (
            f"{first}causes none of the others (p = {last.p_value:.3g}); {second} "
            f"(p = {rival.p_value:.3g})"
        )


class _Peeling:
    """Layers from the last to the first, on columns `k` of one row and `p + k` of another."""

    def __init__(
        self, names: tuple[Name, ...], bound: BoundTest, alpha: float, n_jobs: int | None
    ) -> None:
        self.names, self.bound, self.alpha, self.n_jobs = names, bound, alpha, n_jobs
        self.tests: list[SinkTest] = []

    def layers(self) -> list[list[int]]:
        """Layers from the first to the last; within one, in the order of names."""
        left, found = list(range(len(self.names))), []
        while len(left) > 1:
            layer = self._sinks(left)
            found.append(sorted(layer))
            left = [k for k in left if k not in layer]
        return [*([left] if left else []), *found[::-1]]

    def _sinks(self, left: list[int]) -> list[int]:
        """Variables that cause none of the others, and are not joined to each other."""
        p_values = self._ask(left)
        first, *others = sorted(left, key=lambda k: (-p_values[k], k))
        layer = [first]
        for k in others:
            if p_values[k] <= self.alpha:
                break
            # Two effects of the same causes are independent given all that is left.
            if all(self._p(k, m, [c for c in left if c not in (k, m)]) > self.alpha for m in layer):
                layer.append(k)
        return layer

    def _ask(self, left: list[int]) -> dict[int, float]:
        """Ask of each variable whether it is a sink."""
        p = len(self.names)
        questions = [(j, k, [c for c in left if c != j]) for j in left for k in left if k != j]
        calls = [(self.bound, j, p + k, given) for j, k, given in questions]
        answers = run(_p_value, calls, n_jobs=self.n_jobs, label="layers", steady=True)
        p_values = {}
        for j in left:
            mine = {k: a for (i, k, _), a in zip(questions, answers, strict=True) if i == j}
            against = min(mine, key=lambda k: (mine[k], k))
            p_values[j] = min(1.0, len(mine) * mine[against])
            others = tuple(self.names[k] for k in mine)
            self.tests.append(SinkTest(self.names[j], others, self.names[against], p_values[j]))
        return p_values

    def _p(self, i: int, j: int, given: list[int]) -> float:
        return _p_value(self.bound, i, j, given)


def _p_value(bound: BoundTest, i: int, j: int, given: list[int]) -> float:
    """0 where the test has nothing to say: what cannot be shown independent is not."""
    try:
        return bound(i, j, given).p_value
    except NumericalError:
        return 0.0


def _default_test(table: Table) -> CITest:
    return KCI() if any(levels is None for levels in table.levels) else GSquare()


def _directed(names: tuple[Name, ...], found: Skeleton, forbidden: Any) -> CausalGraph:
    """All edges that are left, from earlier to later layers."""
    forth = found.adjacency & ~forbidden
    ends = np.where(forth, ARROW, 0) + np.where(forth.T, TAIL, 0)
    return CausalGraph._of(names, ends.astype(np.uint8), Kind.DAG)
