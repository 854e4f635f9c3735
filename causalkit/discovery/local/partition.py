"""Local discovery by partitioning: what to adjust for, without learning a graph.

Around a treatment and an outcome every other variable plays one of a few roles, and a handful of
tests given few variables tells many of them apart. A cause of the outcome alone is independent of
the treatment until the outcome is given. An instrument is independent of the outcome once the
treatment is given. And a confounder gives itself away beside an instrument: the two are independent
until the treatment, where their arrows meet, is given. The number of tests grows with the square of
the number of variables at most, hidden variables are allowed, and no variable has to be known to
come before the treatment.

>>> from causalkit.graph import CausalGraph
>>> from causalkit.independence import Oracle
>>> truth = CausalGraph.parse("draft -> war <- age -> wage; war -> wage; school -> wage -> car")
>>> ldp = LDP("war", "wage", Oracle(truth)).fit({name: [0.0, 1.0] for name in truth.nodes})
>>> ldp.adjustment_, ldp.witness_
(('age',), 'draft')
>>> for name, role in ldp.roles_.items():
...     print(f"{name}: {role}")
draft: instrument
age: confounder
school: cause of the outcome
car: affected
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from causalkit.discovery._setup import as_test
from causalkit.discovery.base import read_columns
from causalkit.discovery.local._inquiry import Inquiry, open_inquiry
from causalkit.errors import InputError, NotIdentifiableError
from causalkit.graph import CausalGraph, Kind
from causalkit.graph.marks import show_name
from causalkit.independence import CITest
from causalkit.typing import Data, IntArray, Name

__all__ = ["LDP"]

UNRELATED: Final = "unrelated"
CAUSE: Final = "cause of the outcome"
INSTRUMENT: Final = "instrument"
CONFOUNDER: Final = "confounder"
SIDE: Final = "beside the treatment"
AFFECTED: Final = "affected"


class LDP(BaseEstimator):
    """Find an adjustment set for one treatment and one outcome by sorting variables into roles.

    Parameters
    ----------
    treatment, outcome : str or int
        Two columns, or what the test calls groups of columns.
    test : CITest, optional
        Conditional-independence test; :class:`~causalkit.independence.FisherZ` if left out.
    alpha : float, default 0.05
        Level of the tests.
    n_jobs : int, optional
        Parallel jobs, for slow tests; never changes the result.

    Attributes
    ----------
    adjustment_ : tuple of names, or None
        A set that is valid for adjustment, with a witness for it; None if no witness was found,
        which does not mean that there is no valid set.
    witness_ : name or None
        A variable that is associated with the outcome given the set, and no longer so once the
        treatment is given, too. None also if treatment and outcome are independent given the set:
        then there is no effect.
    roles_ : dict of name to str
        "confounder", "instrument", "cause of the outcome" (and not associated with the treatment),
        "unrelated" to both, "beside the treatment" (associated with the outcome through the
        treatment if at all: its effects, and instruments that could not be told from them), and
        "affected" for what was recognised as none of these: colliders, mediators, effects of the
        outcome, and confounders that no instrument reveals.
    n_tests_, n_untestable_ : int
        Tests carried out, and questions to which the test had no answer.
    n_features_in_ : int
        Number of columns seen.
    feature_names_in_ : ndarray of str
        Their names; set if the data had names, all of them strings.

    Raises
    ------
    UnknownVariableError
        If treatment or outcome is not a column.
    InputError
        If they are one, or the test takes one of them for no variable (a column within a group, of
        weights, of clusters).

    Notes
    -----
    **Assumes:**

    - the outcome is no cause of the treatment, also not through others;
    - the true graph is acyclic, and there is no selection;
    - every independence comes from the graph (faithfulness) and the test finds it;
    - the assumptions of the test.

    Hidden common causes are allowed. With perfect tests a variable that is called confounder or
    instrument comes before the treatment; so does the witness, and then its two associations prove
    the set valid (Entner et al. 2013, Theorem 1). The other roles are right under the conditions of
    Maasch et al. (2024), who give this partition, but the answer does not rest on them. What it
    takes is an instrument that is independent of the confounders.

    It differs from their algorithm in two lines. That a cause of the outcome is *independent* of a
    variable given treatment and outcome is not asked: with perfect tests it adds nothing, and with
    data it depends on finding an association through two colliders. And variables that are
    associated with the treatment alone stay in play, so that an absent effect is recognised.

    References
    ----------
    Maasch, Pan, Gupta, Kuleshov, Gan and Wang (2024), "Local discovery by partitioning:
    polynomial-time causal discovery around exposure-outcome pairs", PMLR 244: 2350-2382. Entner,
    Hoyer and Spirtes (2013), "Data-driven covariate selection for nonparametric estimation of
    causal effects", PMLR 31: 256-264.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> draft, age, noise = rng.normal(size=(3, 1000))
    >>> war = draft + age + rng.normal(size=1000)
    >>> wage = 0.5 * war - age + rng.normal(size=1000)
    >>> data = {"draft": draft, "age": age, "war": war, "wage": wage, "noise": noise}
    >>> ldp = LDP("war", "wage", alpha=0.01).fit(data)
    >>> ldp.adjustment_
    ('age',)
    >>> from causalkit.identification import identify
    >>> identify(ldp.to_graph(), "war", "wage").adjustment
    ('age',)
    """

    adjustment_: tuple[Name, ...] | None
    witness_: Name | None
    roles_: Mapping[Name, str]
    n_tests_: int
    n_untestable_: int
    n_features_in_: int
    feature_names_in_: NDArray[Any]

    def __init__(
        self,
        treatment: Name,
        outcome: Name,
        test: CITest | None = None,
        *,
        alpha: float = 0.05,
        n_jobs: int | None = None,
    ) -> None:
        self.treatment = treatment
        self.outcome = outcome
        self.test = test
        self.alpha = alpha
        self.n_jobs = n_jobs

    def fit(self, X: Data, y: Any = None) -> Self:
        """Sort the columns into roles, and look for a witness.

        Parameters
        ----------
        X : DataFrame, 2-D ndarray, or dict of columns, n_rows by n_variables
            One row a unit; treatment and outcome are among the columns.
        y : None
            Ignored; scikit-learn passes it.

        Returns
        -------
        self
        """
        del y
        table = read_columns(self, X)
        if self.treatment == self.outcome:
            raise InputError(
                f"treatment and outcome are both {self.outcome!r}; expected two variables. Name "
                "another outcome."
            )
        inquiry = open_inquiry(self, table, (self.treatment, self.outcome))
        names = inquiry.names
        pair = names.index(self.treatment), names.index(self.outcome)
        sorting = _Sorting(inquiry, *pair)
        roles = sorting.roles()
        before = [k for k, role in roles.items() if role == CONFOUNDER]
        instruments = [k for k, role in roles.items() if role == INSTRUMENT]
        valid, witness = sorting.certificate(before, instruments)
        shown = as_test(self.test).nodes(table.names)
        by_name = {names[k]: role for k, role in roles.items()}
        self.roles_ = {name: by_name[name] for name in shown if name in by_name}
        found = tuple(name for name, role in self.roles_.items() if role == CONFOUNDER)
        self.adjustment_ = found if valid else None
        self.witness_ = None if witness is None else names[witness]
        self.n_tests_, self.n_untestable_ = inquiry.n_tests, inquiry.n_untestable
        return self

    def to_graph(self) -> CausalGraph:
        """Draw what `identify` needs to know: the adjustment set as the common causes.

        Returns
        -------
        CausalGraph
            Kind DAG. Members of the set cause treatment and outcome, instruments the treatment.
            Adjusting in it is what was proven; as a picture of the causes it is a stand-in.

        Raises
        ------
        NotIdentifiableError
            If no adjustment set was found.
        """
        check_is_fitted(self, "roles_")
        t, y = self.treatment, self.outcome
        if self.adjustment_ is None:
            raise NotIdentifiableError(
                f"no variable proves an adjustment set for the effect of {show_name(t)} on "
                f"{show_name(y)}; expected an instrument that is independent of the confounders. "
                "Bring more columns or rows, or learn a graph with PC or LocalPC."
            )
        instruments = [name for name, role in self.roles_.items() if role == INSTRUMENT]
        edges = [(name, t) for name in (*instruments, *self.adjustment_)]
        edges += [(name, y) for name in (*self.adjustment_, t)]
        return CausalGraph.from_edges((*instruments, *self.adjustment_, t, y), edges, Kind.DAG)


class _Sorting:
    """The tests, by column number: x is the treatment, y the outcome."""

    def __init__(self, inquiry: Inquiry, x: int, y: int) -> None:
        self.inquiry, self.x, self.y = inquiry, x, y
        self._known: dict[tuple[int, int, tuple[int, ...]], float] = {}

    def roles(self) -> dict[int, str]:
        """Role of each column but the two."""
        inquiry, x, y, alpha = self.inquiry, self.x, self.y, self.inquiry.alpha
        others = inquiry.others(x, (y,))
        with_x, with_y = inquiry.p_values(x, (), others), inquiry.p_values(y, (), others)
        with_x_given_y = inquiry.p_values(x, (y,), others)
        with_y_given_x = inquiry.p_values(y, (x,), others)
        unrelated = (with_x > alpha) & (with_y > alpha)
        cause = ~unrelated & (with_x > alpha) & (with_x_given_y <= alpha)  # meets x in y
        # With no effect there is nothing of the outcome beside the treatment, either.
        side = (with_x <= alpha) & ((with_y > alpha) | (with_y_given_x > alpha))
        roles = dict.fromkeys(others[unrelated].tolist(), UNRELATED)
        roles |= dict.fromkeys(others[cause].tolist(), CAUSE)
        roles |= dict.fromkeys(others[side].tolist(), SIDE)
        rest = self._not_after(others[~(unrelated | cause | side)], others[cause])
        mixed = [k for k in rest if self._through_x(k, rest)]
        roles |= self._beside_instruments([k for k in rest if k not in mixed], mixed, roles)
        return {k: roles.get(k, AFFECTED) for k in others.tolist()}

    def _not_after(self, columns: IntArray, causes: IntArray) -> list[int]:
        """Columns that no cause of the outcome shows to lie behind the outcome."""
        listed = causes.tolist()
        return [k for k in columns.tolist() if not any(self._dependent(c, k) for c in listed)]

    def _through_x(self, column: int, rest: list[int]) -> bool:
        """Whether the outcome is reached through the treatment and other columns of the rest."""
        given = (self.x, *(k for k in rest if k != column))
        return self._dependent(self.y, column) and self._independent(self.y, column, given)

    def _beside_instruments(
        self, rest: list[int], mixed: list[int], roles: Mapping[int, str]
    ) -> dict[int, str]:
        """Columns that meet each other in the treatment: instruments, and confounders."""
        sides = [k for k, role in roles.items() if role == SIDE]
        confounders: set[int] = set()
        open_ones: set[int] = set()  # instruments, or confounders that act through others
        for k in rest:
            meeting = [v for v in (*mixed, *sides) if self._meet_in_x(v, k)]
            open_ones.update(meeting)
            if meeting:
                confounders.add(k)
        first = set(confounders)
        for k in mixed:  # what is independent of something before x is not after x
            if k not in open_ones and any(self._independent(v, k) for v in open_ones):
                confounders.add(k)
        confounders |= {v for v in open_ones if any(self._dependent(v, k) for k in first)}
        found = dict.fromkeys(sorted(open_ones - confounders), INSTRUMENT)
        return found | dict.fromkeys(sorted(confounders), CONFOUNDER)

    def certificate(
        self, confounders: list[int], instruments: list[int]
    ) -> tuple[bool, int | None]:
        """Whether the confounders are a valid adjustment set, and the column that proves it.

        Entner et al. (2013), rule 1: w and y dependent given Z, independent given Z and x; and
        rule 2, no effect: x and y independent given Z.
        """
        for w in instruments:
            if self._dependent(w, self.y, tuple(confounders)) and self._independent(
                w, self.y, (*confounders, self.x)
            ):
                return True, w
        return self._independent(self.x, self.y, tuple(confounders)), None

    def _meet_in_x(self, one: int, other: int) -> bool:
        return self._independent(one, other) and self._dependent(one, other, (self.x,))

    def _independent(self, i: int, j: int, given: tuple[int, ...] = ()) -> bool:
        return self._p_value(i, j, given) > self.inquiry.alpha

    def _dependent(self, i: int, j: int, given: tuple[int, ...] = ()) -> bool:
        return self._p_value(i, j, given) <= self.inquiry.alpha

    def _p_value(self, i: int, j: int, given: tuple[int, ...]) -> float:
        """NaN, which is neither large nor small, if the test has nothing to say."""
        key = min(i, j), max(i, j), given
        if key not in self._known:
            result = self.inquiry.test(key[0], key[1], given)
            self._known[key] = np.nan if result is None else result.p_value
        return self._known[key]
