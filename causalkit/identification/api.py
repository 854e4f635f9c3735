"""`identify`: from a graph and a question to a formula for data, or to what stands in the way.

A *strategy* is a function that turns a query into an estimand or says why it cannot. They are
listed in `STRATEGIES`; :func:`identify` returns the first answer, :func:`strategies` shows all.

>>> from causalkit.graph import CausalGraph
>>> graph = CausalGraph.parse("age -> dose -> health; age -> health")
>>> print(identify(graph, "dose", "health").expression)
E[health | do(dose)] = Σ_{age} E[health | dose, age] P(age)
>>> identify("dose -> health; dose <-> health", "dose", "health")
Traceback (most recent call last):
    ...
causalkit.errors.NotIdentifiableError: the effect of dose on health is not identified...
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from causalkit._core.checks import check_choice
from causalkit._core.report import Report, Reported
from causalkit.errors import NotIdentifiableError
from causalkit.graph import Kind
from causalkit.graph.separation import costs_of
from causalkit.identification._question import PlainQuestion, Question, ask
from causalkit.identification._strategies import AUTOMATIC, STRATEGIES, open_path
from causalkit.identification.estimand import Estimand
from causalkit.identification.instrument.estimand import nearby_instruments
from causalkit.identification.query import EffectQuery, GraphLike
from causalkit.typing import Name, Names

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["STRATEGIES", "Strategies", "Verdict", "identify", "strategies"]


def identify(
    graph: GraphLike,
    treatment: Names,
    outcome: Names,
    *,
    given: Names | None = (),
    observed: Names | None = None,
    strategy: str | None = None,
    max_adjustment_lag: int | None = None,
) -> Estimand:
    """Find a formula that computes the effect of treatment on outcome from data.

    Parameters
    ----------
    graph : CausalGraph, LaggedGraph, str or networkx graph
        DAG, ADMG, CPDAG (background knowledge in it is welcome; what Meek's rules add is added),
        MAG or PAG without edges of selection. A text with nodes such as `X[t-1]` is a graph of
        series; of a table with columns of such names, pass `CausalGraph.parse(text)`.
    treatment, outcome : name or names
        What is set, and what is looked at. Several treatments are set jointly. Of a graph of series
        nodes such as `"X[t-2]"` and `"Y"`, which is Y[t].
    given : name or names, optional
        For an effect within strata of these variables; none of them may be caused by treatment.
    observed : names, optional
        Variables that data has, if the graph has others too; left out, all.
    strategy : str, optional
        One of `STRATEGIES`: "no effect", "adjustment", "front-door", "general", "instrument",
        "compliers", "possible". Left out, the first that works of the first four: those that give
        one answer and assume nothing but the graph. "instrument" assumes a constant effect,
        "compliers" (the effect among those who follow the instrument) monotonicity; "possible"
        gives all answers that a class of graphs leaves open.
    max_adjustment_lag : int, optional
        For a graph of series, how far back to look for what to adjust for. Left out, as far as
        :mod:`~causalkit.identification.series.lagged` says.

    Returns
    -------
    Estimand
        NoEffectEstimand, AdjustmentEstimand, FrontdoorEstimand, FunctionalEstimand,
        InstrumentEstimand or PossibleEffects, by the strategy.

    Raises
    ------
    NotIdentifiableError
        If no strategy works. Its `witness` holds the open edges that decide (in a class of
        graphs), a :class:`Hedge`, or a path that cannot be blocked.
    InputError
        If names are unknown, have two roles, or are not observed; if `given` has a descendant of
        the treatment; or if a treatment comes after the outcome.
    GraphError
        If a MAG or PAG has edges of selection, or a class has no member.

    Notes
    -----
    **Assumes:**

    - the graph, or one member of the class, is the true causal graph: every common cause is in it,
      in an ADMG at least as `<->`,
    - of series, that it is the same at every step,
    - what the estimand lists under `assumptions`.

    The adjustment set is the one of least variance where theory knows it (the O-set), else the
    minimal set nearest to the outcome. General identification is complete: where it fails in a
    DAG, ADMG, CPDAG, MAG or PAG, no formula exists, and the error's witness proves it (in classes
    with `given`, where "not identified" may mean "not found", the error says so). Of series only
    adjustment is looked for.

    References
    ----------
    Perković, E., Textor, J., Kalisch, M., Maathuis, M. H. (2018). Complete graphical
    characterization and construction of adjustment sets in Markov equivalence classes of ancestral
    graphs. JMLR 18(220).

    Examples
    --------
    >>> identify("Z -> X -> Y; Z -> Y", "X", "Y").adjustment
    ('Z',)
    >>> possible = identify("X -- Y", "X", "Y", strategy="possible")
    >>> [str(answer.expression) for answer in possible]
    ['E[Y | do(X=x)] = E[Y | X=x]', 'E[Y | do(X=x)] = E[Y]']

    Of series, two steps on:

    >>> from causalkit.graph import LaggedGraph
    >>> series = LaggedGraph.parse("X[t-1] -> X[t] <- Z[t-1]; X[t-1] -> Y[t] <- Z[t-1]")
    >>> identify(series, "X[t-2]", "Y[t]").adjustment
    (Z[t-2], Z[t-1])
    """
    asked = ask(graph, treatment, outcome, given, observed, max_adjustment_lag)
    if strategy is not None:
        check_choice(strategy, "strategy", STRATEGIES)
        return STRATEGIES[strategy](asked)
    lacking: list[NotIdentifiableError] = []
    for name in AUTOMATIC if isinstance(asked, PlainQuestion) else AUTOMATIC[:2]:
        try:
            return STRATEGIES[name](asked)
        except NotIdentifiableError as error:
            lacking.append(error)
    proven = next(error for error in reversed(lacking) if error.witness)
    raise _with_ways_out(asked, proven)


def strategies(
    graph: GraphLike,
    treatment: Names,
    outcome: Names,
    *,
    given: Names | None = (),
    observed: Names | None = None,
    costs: Mapping[Name, float] | None = None,
    max_adjustment_lag: int | None = None,
) -> Strategies:
    """Try every strategy; say what each needs and assumes, or why it fails.

    The errors are those of :func:`identify`, except that a strategy that fails is a line of the
    table and no error.

    Parameters
    ----------
    graph, treatment, outcome, given, observed, max_adjustment_lag
        As for :func:`identify`.
    costs : mapping of name to float, optional
        What measuring a variable costs, zero or more; 1 where nothing is said. They are added up
        here, and choose nothing: the cheapest set to adjust for is
        :func:`~causalkit.identification.minimum_adjustment_set`.

    Returns
    -------
    Strategies
        A table; iterating yields one :class:`Verdict` a strategy.

    Notes
    -----
    **Assumes:**

    - the graph, or one member of the class, is the true causal graph.

    Examples
    --------
    >>> [verdict.strategy for verdict in strategies("Z -> X -> Y", "X", "Y") if verdict.applies]
    ['adjustment', 'general', 'instrument', 'compliers', 'possible']
    """
    asked = ask(graph, treatment, outcome, given, observed, max_adjustment_lag)
    costs_of(asked.facts.graph, costs)  # a wrong cost is an error, not a wrong sum
    verdicts = []
    for name, attempt in STRATEGIES.items():
        try:
            verdicts.append(Verdict(name, attempt(asked), "", costs or {}))
        except NotIdentifiableError as error:
            verdicts.append(Verdict(name, None, str(error)))
    return Strategies(asked.query, tuple(verdicts))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one strategy: an estimand, or the reason why there is none.

    Parameters
    ----------
    strategy : str
        Its name, as `identify(strategy=)` takes it.
    estimand : Estimand or None
        What it found.
    reason : str
        Why there is none; empty if there is one.
    costs : mapping of name to float
        What measuring each variable costs.
    """

    strategy: str
    estimand: Estimand | None
    reason: str
    costs: Mapping[Name, float] = field(default_factory=dict, hash=False)

    @property
    def applies(self) -> bool:
        """Whether the strategy gives an estimand."""
        return self.estimand is not None

    @property
    def uses(self) -> tuple[Name, ...]:
        """Variables that the formula needs besides treatment and outcome."""
        if self.estimand is None:
            return ()
        query = self.estimand.query
        answers = getattr(self.estimand, "alternatives", (self.estimand,))
        found = frozenset[Name]().union(*(one.expression.right.names for one in answers))
        found -= {*query.treatment, *query.outcome}
        return tuple(sorted(found, key=str))

    @property
    def cost(self) -> float:
        """What measuring these costs."""
        return sum(float(self.costs.get(name, 1.0)) for name in self.uses)

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What must be true for the formula to be the effect."""
        return () if self.estimand is None else self.estimand.assumptions


@dataclass(frozen=True, slots=True, repr=False)
class Strategies(Reported):
    """Verdicts on all strategies for one query.

    Parameters
    ----------
    query : EffectQuery
        What was asked.
    verdicts : tuple of Verdict
        One a strategy, in the order in which they are tried.
    """

    query: EffectQuery
    verdicts: tuple[Verdict, ...]

    def __iter__(self) -> Iterator[Verdict]:
        return iter(self.verdicts)

    def __len__(self) -> int:
        return len(self.verdicts)

    def __getitem__(self, strategy: str) -> Verdict:
        check_choice(strategy, "strategy", [v.strategy for v in self.verdicts])
        return next(v for v in self.verdicts if v.strategy == strategy)

    def to_frame(self) -> pd.DataFrame:
        """One row a strategy: whether it applies, what it uses and costs, its formula or reason."""
        import pandas as pd

        return pd.DataFrame(
            {
                "applies": [v.applies for v in self.verdicts],
                "uses": [v.uses for v in self.verdicts],
                "cost": [v.cost for v in self.verdicts],
                "formula": [str(v.estimand.expression) if v.estimand else "" for v in self],
                "reason": [v.reason for v in self.verdicts],
            },
            index=pd.Index([v.strategy for v in self.verdicts], name="strategy"),
        )

    def _report(self) -> Report:
        applied = [v for v in self.verdicts if v.estimand is not None]
        return Report(
            title=f"Strategies for the {self.query}",
            columns=("strategy", "applies", "uses", "cost", "formula"),
            rows=[
                (
                    v.strategy,
                    "yes" if v.applies else "no",
                    ", ".join(map(str, v.uses)),
                    v.cost if v.applies else "",
                    v.estimand and v.estimand.expression,
                )
                for v in self.verdicts
            ],
            notes=[
                *(f"{v.strategy}: {v.reason}" for v in self.verdicts if not v.applies),
                *(f"{v.strategy} assumes: {' '.join(v.assumptions)}" for v in applied),
            ],
        )


def _with_ways_out(asked: Question, error: NotIdentifiableError) -> NotIdentifiableError:
    """Say of an effect that is not identified which path is in the way, and of an instrument."""
    if asked.facts.graph.kind not in (Kind.DAG, Kind.ADMG) or not isinstance(asked, PlainQuestion):
        return error
    hints = [f"To begin with, {open_path(asked)[0]}."]
    instrument = nearby_instruments(asked.graph, asked.query, asked.observed)
    if instrument is not None:
        hints.append(f'{instrument} can serve: strategy="instrument", which assumes more.')
    hints.append("what_would_help lists what would identify it.")
    return NotIdentifiableError(" ".join((str(error), *hints)), witness=error.witness)
