"""The graph, and what was intervened upon, from environments of which nobody says what was done.

An intervention replaces a few mechanisms and leaves the others alone. So with the right graph most
regressions of a variable on its causes are the same in all environments, and the few that are not
tell the targets. With a wrong graph far more of them change: if X -> Y and somebody sets X, then Y
given X is what it was, but both P(Y) and X given Y have changed. So graph and targets are found
together, as those that explain the rows with the fewest changes of mechanisms.

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> batch = np.repeat(["control", "drug"], 200)
>>> a = rng.normal(size=400)
>>> b = np.where(batch == "drug", 2.0, a) + rng.normal(size=400)
>>> data = {"a": a, "b": b, "c": b + rng.normal(size=400), "batch": batch}
>>> found = UnknownTargets("batch", observational="control").fit(data)
>>> dict(found.targets_)
{'control': (), 'drug': ('b',)}
>>> print(found.graph_)
CPDAG with 3 nodes, 2 edges: a -> b; b -> c
>>> found.explain("a", "b").direction
'intervention on b and not on a'
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from functools import partial
from math import log
from typing import Any, Self, cast

import numpy as np
from sklearn.utils.validation import check_is_fitted

from causalkit._core.checks import check_count, check_positive
from causalkit._core.parallel import check_jobs, one_thread
from causalkit._core.streams import is_stream
from causalkit._core.table import Table, column_names
from causalkit.discovery.base import DiscoveryAlgorithm, Explanation, note_columns, read_columns
from causalkit.discovery.changing._surrogate_columns import Context, split_table
from causalkit.discovery.interventions._environments import (
    Environments,
    check_columns,
    read_environments,
)
from causalkit.discovery.interventions._mechanism_score import LocalMechanisms
from causalkit.discovery.interventions.intervention_targets import (
    InterventionTargets,
    change_p_values,
)
from causalkit.discovery.knowledge import Knowledge
from causalkit.discovery.search._order_search import climb, from_starts
from causalkit.discovery.search._score_setup import ScoreSetup, set_up_search
from causalkit.discovery.search._score_trace import ScoreTrace
from causalkit.errors import InputError, TimeBudgetWarning
from causalkit.graph import CausalGraph
from causalkit.scores import Score
from causalkit.typing import BoolArray, Data, Name, RandomState

__all__ = ["UnknownTargets"]


class UnknownTargets(DiscoveryAlgorithm):
    """Learn a graph and the targets of interventions from rows of several environments.

    Parameters
    ----------
    environment : str or int, default "environment"
        Column that says under which condition a row was seen, as a label: text, number, boolean
        or category. At least two rows a label.
    observational : object, optional
        Label under which nothing was intervened upon. Left out, targets are relative to the
        mechanism that most environments share.
    penalty : float, default 2
        Weight of the penalty: a parent costs `penalty * log(n) / 2` units of log-likelihood, n
        being all rows, and so does each parameter of a mechanism that a target has of its own.
        Larger gives fewer edges and fewer targets.
    n_starts : int, default 3
        Random orders to begin with; the best result is taken.
    n_restarts : int, default 10
        How often the best order of each start is shaken and the search goes on from there.
    knowledge : Knowledge, optional
        Tiers, required and forbidden edges; obeyed to the letter.
    max_parents : int, optional
        Most parents of a variable; no limit if left out, but what the rows allow.
    random_state : int, Generator or None, default 0
        Source of the first orders and of the shakes.
    n_jobs : int, optional
        Threads that share the starts; never changes the result.
    max_seconds : float, optional
        Time budget. When it is spent the best graph so far is taken.

    Attributes
    ----------
    graph_ : CausalGraph
        Kind CPDAG, over all columns but the environment: the class of the best DAG found under the
        interventions found, less what the knowledge rules out.
    dag_ : CausalGraph
        The DAG itself.
    targets_ : InterventionTargets
        By environment the variables with a mechanism of their own; `targets_.test(environment,
        variable)` gives evidence and p-value, `targets_.to_frame()` all of them.
    score_ : float
        Of the DAG with its targets.
    order_ : tuple of names
        An order of the variables, causes first.
    by_knowledge_ : tuple of str
        What the knowledge decided and the score alone would not have.
    stopped_ : str or None
        What the time budget left undone.

    Notes
    -----
    **Assumes:**

    - one DAG for all environments, without hidden common causes, selection, or cycles;
    - an environment changes a few mechanisms and leaves the others exactly as they were; it may cut
      variables off from their causes or only change what these do, and each variable is left alone
      in `observational`, or else in two environments or more;
    - within an environment rows are independent draws;
    - each variable is a linear function of its causes plus Gaussian noise, with its own weights,
      mean and variance where it is a target and the same ones elsewhere;
    - that the search finds the highest score: not guaranteed, and more starts make it likelier.

    Then graph and targets are found as rows in each environment become many, the graph up to its
    interventional Markov equivalence class. Where all rows of several environments differ in the
    same way in every variable (batches, laboratories) the assumption of few targets fails.

    The score of a variable given parents is maximised over its targets one environment at a time,
    which is exact for two environments; with three to six the best of all sets was found in 96 to
    100 of 100 simulated questions. A variable that
    differs in all environments but one, none of which is known to be observational, is a target in
    all of them: which one is the usual one cannot be told.

    p-values are those of a test of the mechanism in the environment against the others, given the
    parents that were learnt: after the same rows chose the graph they are no longer exact, and
    targets are chosen by the score.

    Columns are taken in the order of their names, so permuted columns give the same graph.

    References
    ----------
    Squires, Wang and Uhler (2020), "Permutation-based causal structure learning with unknown
    intervention targets", UAI, doi:10.48550/arXiv.1910.09007 (the problem). Eaton and Murphy
    (2007), "Exact Bayesian structure learning from uncertain interventions", AISTATS. Mooij,
    Magliacane and Claassen (2020), "Joint causal inference from multiple contexts", JMLR 21(99):
    1-108. Chow (1960), "Tests of equality between sets of coefficients in two linear regressions",
    doi:10.2307/1910133 (the p-values).

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> day = np.repeat([1, 2, 3], 100)
    >>> x = rng.normal(size=300) * np.where(day == 2, 3.0, 1.0)
    >>> y = x + rng.normal(size=300) + np.where(day == 3, 4.0, 0.0)
    >>> found = UnknownTargets("day").fit({"x": x, "y": y, "day": day})
    >>> print(found.graph_)
    CPDAG with 2 nodes, 1 edge: x -> y
    >>> found.targets_[2], found.targets_[3]
    (('x',), ('y',))
    """

    dag_: CausalGraph
    targets_: InterventionTargets
    score_: float
    order_: tuple[Name, ...]
    stopped_: str | None
    trace_: ScoreTrace

    def __init__(
        self,
        environment: Name = "environment",
        *,
        observational: object = None,
        penalty: float = 2.0,
        n_starts: int = 3,
        n_restarts: int = 10,
        knowledge: Knowledge | None = None,
        max_parents: int | None = None,
        random_state: RandomState = 0,
        n_jobs: int | None = None,
        max_seconds: float | None = None,
    ) -> None:
        self.environment = environment
        self.observational = observational
        self.penalty = penalty
        self.n_starts = n_starts
        self.n_restarts = n_restarts
        self.knowledge = knowledge
        self.max_parents = max_parents
        self.random_state = random_state
        self.max_seconds = max_seconds
        self.n_jobs = n_jobs

    def fit(self, X: Data, y: Any = None) -> Self:
        """Learn the graph and the targets.

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
            If there is one environment only, one has a single row, or the data or settings cannot
            be used.
        UnknownVariableError
            If there is no such column.
        """
        del y
        if is_stream(X):
            read_columns(self, X)  # says what to do instead
        context = read_environments(X, self.environment, who="UnknownTargets")
        variables = split_table(X, context)
        note_columns(self, X, column_names(X))
        with one_thread():
            self._learn(variables, context)
        return self

    def _fit(self, table: Table) -> None:
        context = read_environments(table, self.environment, who="UnknownTargets")
        with one_thread():
            self._learn(split_table(table, context), context)

    def _learn(self, variables: Table, context: Context) -> None:
        check_jobs(self.n_jobs)
        check_columns(variables, who="UnknownTargets")
        setup = set_up_search(
            variables,
            _Mechanisms(context, _untouched(context.labels, self.observational), self.penalty),
            self.knowledge,
            skeleton=None,
            max_parents=self.max_parents,
            max_seconds=self.max_seconds,
        )
        n_restarts = check_count(self.n_restarts, "n_restarts", minimum=0)
        n_swaps = max(1, round(log(setup.n_nodes)))
        best, self.stopped_ = from_starts(
            partial(climb, n_restarts=n_restarts, n_swaps=n_swaps),
            setup,
            n_starts=self.n_starts,
            random_state=self.random_state,
            n_jobs=self.n_jobs,
        )
        self.order_ = tuple(setup.names[k] for k in best.order)
        self._conclude(setup, best.dag)
        if self.stopped_:
            warnings.warn(
                f"{self.stopped_}. The graph is the best one found so far; give it more seconds.",
                TimeBudgetWarning,
                stacklevel=4,
            )

    def _conclude(self, setup: ScoreSetup, dag: BoolArray) -> None:
        """Read the targets off the best graph, and the arrows off the targets."""
        local = cast(LocalMechanisms, setup.local)
        parents = [np.flatnonzero(column).tolist() for column in dag.T]
        split = [local.split(v, given) for v, given in enumerate(parents)]
        touched = np.array([one[1] for one in split]).T
        evidence = np.array([one[2] for one in split]).T
        if not local.untouched.any():  # which one differs from the rest cannot be told
            touched[:, touched.sum(axis=0) == len(touched) - 1] = True
        p_values = change_p_values(local.environments, dag, touched)
        self.trace_ = ScoreTrace(replace(setup, local=replace(local, targets=touched)), dag)
        self.graph_, self.dag_ = self.trace_.graph, self.trace_.member
        self.score_ = self.trace_.total()
        shown = [setup.names.index(name) for name in setup.shown]
        self.targets_ = InterventionTargets(
            local.environments.labels,
            setup.shown,
            tuple(tuple(setup.names[k] for k in parents[v]) for v in shown),
            touched[:, shown],
            evidence[:, shown],
            p_values[:, shown],
        )

    @property
    def by_knowledge_(self) -> tuple[str, ...]:
        """What the knowledge decided and the score alone would not have."""
        check_is_fitted(self, "trace_")
        return self.trace_.by_knowledge()

    def _explain(self, a: Name, b: Name) -> Explanation:
        return self.trace_.explain(a, b)


@dataclass(frozen=True, slots=True, eq=False)
class _Mechanisms(Score):
    """What the search maximises, for rows of known environments."""

    context: Context
    untouched: BoolArray
    penalty: float

    def bind(self, table: Table) -> LocalMechanisms:
        price = check_positive(self.penalty, "penalty") * 0.5 * log(table.n_rows)
        codes = np.asarray(self.context.surrogate.codes)
        moments = Environments.of(table.values, codes, self.context.labels)
        return LocalMechanisms(moments, self.untouched, price)


def _untouched(labels: tuple[object, ...], observational: object) -> BoolArray:
    """Which environment is known to be observational."""
    if observational is not None and observational not in labels:
        raise InputError(
            f"observational={observational!r} is no environment; expected one of "
            f"{', '.join(map(repr, labels[:12]))}, or None if there is none. Take a label of the "
            "column."
        )
    return np.array([observational is not None and label == observational for label in labels])
