"""Markov boundaries: the columns that say everything about one variable that the others can say.

The Markov boundary of a target is the smallest set of columns given which all others are irrelevant
to it. If a DAG explains the table, the boundary is what stands around the target in it: its direct
causes, its direct effects, and the other direct causes of these effects. Nothing else helps to
predict the target, so the boundary is at once the best selection of features and the first step of
discovery around one variable in tables too wide for a graph of everything.

>>> from causalkit.graph import CausalGraph
>>> from causalkit.independence import Oracle
>>> truth = CausalGraph.parse("far -> cause -> target -> effect <- partner; target -> other")
>>> nodes = {name: [0.0, 1.0] for name in truth.nodes}
>>> sorted(MarkovBoundary("target", Oracle(truth)).fit(nodes).boundary_)
['cause', 'effect', 'other', 'partner']

With :class:`~causalkit.independence.FisherZ` a table of 50,000 columns and 1000 rows takes a few
seconds, mostly for reading it: each step asks about all columns at once. Any other test works too,
one question a column.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from causalkit._core.checks import check_choice
from causalkit._core.report import Report, Reported
from causalkit.discovery.base import read_columns, show_set
from causalkit.discovery.local._boundary import METHODS, find_boundary
from causalkit.discovery.local._inquiry import Inquiry, Move, open_inquiry
from causalkit.graph.marks import show_name
from causalkit.independence import CITest
from causalkit.typing import Data, Name

__all__ = ["BoundaryStep", "MarkovBoundary"]


@dataclass(frozen=True, slots=True, repr=False)
class BoundaryStep(Reported):
    """A column that was added to a boundary or dropped from it, and why.

    Attributes
    ----------
    target : name
        Whose boundary it is.
    column : name
        What was added or dropped.
    added : bool
        True if it was added.
    given : tuple of names
        What was held fixed in the test that decided.
    statistic, p_value : float
        The test's answer.
    """

    target: Name
    column: Name
    added: bool
    given: tuple[Name, ...]
    statistic: float
    p_value: float

    def sentence(self) -> str:
        """Write the step as `+ a given {b}: p = 0.0003`."""
        sign = "+" if self.added else "-"
        return (
            f"{sign} {show_name(self.column)} given {show_set(self.given)}: p = {self.p_value:.3g}"
        )

    def _report(self) -> Report:
        return Report(
            f"{show_name(self.column)} {'added to' if self.added else 'dropped from'} the boundary "
            f"of {show_name(self.target)}",
            facts=[
                ("given", show_set(self.given)),
                ("statistic", self.statistic),
                ("p-value", self.p_value),
            ],
        )


class MarkovBoundary(BaseEstimator):
    """Find the columns given which a target is independent of all others.

    Parameters
    ----------
    target : str or int
        A column, or what the test calls a group of columns.
    test : CITest, optional
        Conditional-independence test; :class:`~causalkit.independence.FisherZ` if left out.
    method : {"fbed", "iamb", "inter-iamb", "hiton"}
        "fbed" adds the strongest column and drops the irrelevant ones as it goes. "iamb" asks
        everybody again after each addition; "inter-iamb" drops members in between, too, which keeps
        conditioning sets small (good for tables of counts). "hiton" looks for neighbours by asking
        about subsets, then for the other causes of effects: more tests, given fewer columns.
    alpha : float, default 0.05
        Level of the tests.
    familywise : bool, default True
        Whether a column has to win against chance in as many trials as there are columns
        (Bonferroni): it joins if p <= alpha / (number of candidates). False lets it join if
        p <= alpha; in a wide table that lets in strangers, about one for every 1 / alpha columns.
        Members are dropped if p > alpha either way.
    max_order : int, optional
        Largest conditioning set; no limit if left out. "hiton" asks about up to 2^d sets for d
        neighbours without it; in the others it limits the size of the boundary.
    n_jobs : int, optional
        Parallel jobs, for slow tests; never changes the result.

    Attributes
    ----------
    boundary_ : tuple of names
        The boundary, strongest dependence first.
    p_values_ : dict of name to float
        In the same order, the p-value of each member given the other members; NaN if the test has
        nothing to say. They were selected to be small.
    trace_ : tuple of BoundaryStep
        What was added and dropped, in order.
    n_tests_ : int
        Tests carried out.
    n_untestable_ : int
        Questions to which the test had no answer (redundant columns, too few rows).
    n_features_in_ : int
        Number of columns seen.
    feature_names_in_ : ndarray of str
        Their names; set if the data had names, all of them strings.

    Raises
    ------
    InputError
        If the target is the only variable, the test takes it for no variable (a column within a
        group, of weights, of clusters), or a setting is none.
    UnknownVariableError
        If the target is not a column.
    NumericalError
        If a column is a copy of the target (correlation of size 1), which would hide everything
        else.

    Notes
    -----
    **Assumes:**

    - rows are independent draws, and the assumptions of the test;
    - every independence comes from a graph (faithfulness) and the test finds it. "fbed", "iamb"
      and "inter-iamb" find the boundary even with hidden common causes, where it reaches further
      (through chains of colliders); "hiton" then finds only the part described above.

    Being in the boundary is not being a cause: effects and their other causes are in it, too.
    :class:`~causalkit.discovery.LocalPC` tells them apart as far as data can.

    Among columns that are copies of each other one is kept, the first by name where nothing else
    decides. Columns are taken in the order of their names.

    References
    ----------
    Borboudakis and Tsamardinos (2019), "Forward-backward selection with early dropping", JMLR
    20(8). Tsamardinos, Aliferis and Statnikov (2003), "Algorithms for large scale Markov blanket
    discovery", FLAIRS. Aliferis, Statnikov, Tsamardinos, Mani and Koutsoukos (2010), "Local causal
    and Markov blanket induction for causal discovery and feature selection for classification",
    JMLR 11: 171-234. Peña, Nilsson, Björkegren and Tegnér (2007), "Towards scalable and data
    efficient learning of Markov boundaries", doi:10.1016/j.ijar.2006.06.008.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> data = {f"x{k}": rng.normal(size=500) for k in range(300)}
    >>> data["y"] = data["x3"] - 0.5 * data["x7"] + rng.normal(size=500)
    >>> data["effect"] = data["y"] + data["x9"] + rng.normal(size=500)
    >>> found = MarkovBoundary("y").fit(data)
    >>> found.boundary_
    ('effect', 'x3', 'x9', 'x7')
    >>> found.trace_[1].sentence()
    '+ x3 given {effect}: p = ...'
    """

    boundary_: tuple[Name, ...]
    p_values_: Mapping[Name, float]
    trace_: tuple[BoundaryStep, ...]
    n_tests_: int
    n_untestable_: int
    n_features_in_: int
    feature_names_in_: NDArray[Any]

    def __init__(
        self,
        target: Name,
        test: CITest | None = None,
        *,
        method: str = "fbed",
        alpha: float = 0.05,
        familywise: bool = True,
        max_order: int | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.target = target
        self.test = test
        self.method = method
        self.alpha = alpha
        self.familywise = familywise
        self.max_order = max_order
        self.n_jobs = n_jobs

    def fit(self, X: Data, y: Any = None) -> Self:
        """Find the boundary.

        Parameters
        ----------
        X : DataFrame, 2-D ndarray, or dict of columns, n_rows by n_variables
            One row a unit; the target is one of the columns.
        y : None
            Ignored; scikit-learn passes it.

        Returns
        -------
        self
        """
        del y
        method = check_choice(self.method, "method", METHODS)
        table = read_columns(self, X)
        inquiry = open_inquiry(
            self, table, (self.target,), familywise=self.familywise, max_order=self.max_order
        )
        names, target = inquiry.names, inquiry.names.index(self.target)
        members = find_boundary(inquiry, target, method)
        moves = [move for move in inquiry.moves if move.target == target]
        self.trace_ = tuple(_named(move, names) for move in moves)
        strength = {k: _strength(inquiry, target, k, members) for k in members}
        ordered = sorted(members, key=lambda k: (*strength[k], k))
        self.boundary_ = tuple(names[k] for k in ordered)
        self.p_values_ = {names[k]: strength[k][1] for k in ordered}
        self.n_tests_, self.n_untestable_ = inquiry.n_tests, inquiry.n_untestable
        return self


def _strength(
    inquiry: Inquiry, target: int, column: int, members: list[int]
) -> tuple[bool, float, float]:
    """Whether the dependence given the other members is unknown, its p-value, minus its size."""
    result = inquiry.test(target, column, [k for k in members if k != column])
    if result is None:
        return True, np.nan, 0.0
    return False, result.p_value, -abs(result.statistic)


def _named(move: Move, names: tuple[Name, ...]) -> BoundaryStep:
    given = tuple(names[k] for k in move.given)
    return BoundaryStep(
        names[move.target], names[move.column], move.joins, given, move.statistic, move.p_value
    )
