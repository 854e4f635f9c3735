r"""Counterfactual queries: what would have been, for units of which we know what was.

"Would this patient have recovered without the drug, given that she took it and did not?" speaks of
two worlds at once, and no experiment shows both for one patient. Still, some such probabilities
follow from experiments, or from data that were only observed, because worlds that differ little
have most variables in common. An event is written as it is spoken, worlds in brackets::

    Y[X=x]                  Y is y had X been x
    Y[X=x], X=x'            and X is in fact another value, x'
    Y[X=x, M[X=x']]         had X been x, but M what it would have been under x' (nested)

>>> treated = identify_counterfactual("Z -> X -> Y; Z -> Y", "Y[X=x]", given="X=x'")
>>> print(treated.expression)
P(Y[X=x]=y | X=x') = Σ_{z} P(Y=y | Z=z, X=x) P(Z=z | X=x')

A name alone, or in lower case after `=`, is the value x; each prime makes it a different value. The
formula holds where values that are written differently do differ.

The method is complete: it merges what the worlds have in common (ID*, IDC*), and what is left is
identified unless hidden causes drive two variables that are asked about under conditions that
exclude each other; that pair is the witness. Complete means for variables with any number of
levels. If X has two, then x' is all that is not x, and experiments may say more by subtraction:
P(Y[X=x]=y, X=x') = P(Y=y | do(X=x)) - P(Y=y, X=x), whatever the graph.

References
----------
Shpitser, I., Pearl, J. (2008). Complete identification methods for the causal hierarchy. Journal of
Machine Learning Research 9, 1941-1979.
Correa, J., Lee, S., Bareinboim, E. (2021). Nested counterfactual identification from arbitrary
surrogate experiments. NeurIPS 34.
"""

from __future__ import annotations

from dataclasses import dataclass

from causalkit._core.checks import as_names
from causalkit._core.report import Report
from causalkit.errors import InputError, NotIdentifiableError
from causalkit.graph import CausalGraph
from causalkit.graph.latent import latent_projection
from causalkit.identification._sentences import about_graph, consistency, estimand_report
from causalkit.identification.adjustment.criterion import observed_mask
from causalkit.identification.counterfactual._event import (
    Counterfactual,
    CounterfactualMean,
    CounterfactualProbability,
    Event,
    read_event,
)
from causalkit.identification.counterfactual._formula import Zero, fresh_symbols, probability
from causalkit.identification.counterfactual._worlds import (
    Atom,
    Conflict,
    Copy,
    Fresh,
    Setting,
    World,
    hidden_path,
)
from causalkit.identification.estimand import Estimand
from causalkit.identification.formulas.expression import Equation, Expression, Symbol, name_of
from causalkit.identification.general.functional import Hedge
from causalkit.identification.general.mixed import Mixed
from causalkit.identification.query import EffectQuery, GraphLike, as_graph, listed
from causalkit.typing import Names

__all__ = [
    "Counterfactual",
    "CounterfactualEstimand",
    "CounterfactualMean",
    "CounterfactualProbability",
    "CounterfactualQuery",
    "Event",
    "as_atom",
    "as_setting",
    "explained",
    "hedged",
    "identify_counterfactual",
]


@dataclass(frozen=True, slots=True)
class CounterfactualQuery(EffectQuery):
    """The probability of an event that may join several worlds.

    The treatment is all that is set in some world; outcome and given are the variables of the event
    and of the condition.
    """

    event: tuple[Counterfactual, ...] = ()
    condition: tuple[Counterfactual, ...] = ()

    @property
    def expression(self) -> CounterfactualProbability:
        """The probability, worlds in brackets."""
        return CounterfactualProbability(self.event, self.condition)

    def __str__(self) -> str:
        given = f" given {', '.join(map(str, self.condition))}" if self.condition else ""
        return f"probability of {', '.join(map(str, self.event))}{given}"


@dataclass(frozen=True, slots=True, repr=False)
class CounterfactualEstimand(Estimand):
    """The probability of a counterfactual event is a formula of distributions on record.

    Parameters
    ----------
    query : CounterfactualQuery
        What is asked.
    formula : Expression
        Of the data, or of experiments.
    graph : CausalGraph
        The graph in which it holds.
    experiments : bool
        Whether the formula uses experiments.
    """

    query: CounterfactualQuery
    formula: Expression
    graph: CausalGraph
    experiments: bool = False

    @property
    def expression(self) -> Equation:
        """The probability = the formula."""
        return Equation(self.query.expression, self.formula)

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What must be true for the formula to be the probability, one plain sentence each."""
        found = [about_graph(self.graph)]
        if isinstance(self.formula, Zero):
            return (*found, "Values that are written differently differ.")
        found.append("Positivity: every combination of values that the formula asks for occurs.")
        if self.experiments:
            found.append("Experiments: each P(... | do(...)) of the formula is known, same units.")
        if self.query.treatment:
            found.append(consistency(listed(self.query.treatment)))
        found.append("One unit has the same hidden causes in every world that the query speaks of.")
        return tuple(found)

    def _report(self) -> Report:
        return estimand_report(self, [("formula", self.expression)])


def identify_counterfactual(
    graph: GraphLike,
    event: Event,
    given: Event | None = (),
    *,
    observed: Names | None = None,
    experiments: bool = False,
) -> CounterfactualEstimand:
    """Identify the probability of an event across worlds, or show why no formula does.

    Parameters
    ----------
    graph : CausalGraph, str or networkx graph
        A DAG or an ADMG.
    event : str, Counterfactual, or several
        For example `"Y[X=x], X=x'"`.
    given : str, Counterfactual, or several, optional
        What is known of the same units.
    observed : names, optional
        Variables that data has; the others are hidden. Left out, all.
    experiments : bool
        Whether to answer with distributions of experiments, P(... | do(...)), all of which are then
        taken as known, or from observation alone.

    Returns
    -------
    CounterfactualEstimand

    Raises
    ------
    NotIdentifiableError
        Its `witness` is the pair of counterfactuals that no data show together, or the
        :class:`~causalkit.identification.Hedge` if experiments would answer and observation
        does not.
    GraphError
        If the graph is not a DAG or ADMG.
    InputError
        If text cannot be read, names are unknown or not observed, or `given` is impossible.

    Notes
    -----
    **Assumes:**

    - the graph is right, every hidden common cause is in it, as a node or as `<->`;
    - a structural model: in every world a unit has the same hidden causes;
    - values that are written differently differ.

    A refusal is for variables with any number of levels; of a variable with two, x' is all that is
    not x, which may add a formula with experiments (see the module).

    References
    ----------
    Shpitser, I., Pearl, J. (2007). What counterfactuals can be tested. UAI.
    Shpitser, I., Pearl, J. (2008). Complete identification methods for the causal hierarchy.
    Journal of Machine Learning Research 9, 1941-1979.

    Examples
    --------
    >>> front_door = "X -> M -> Y; X <-> Y"
    >>> print(identify_counterfactual(front_door, "Y[X=x]", given="X=x'").expression)
    P(Y[X=x]=y | X=x') = Σ_{m} P(Y=y | X=x', M=m) P(M=m | X=x)

    Whether a drug is necessary for recovery is another matter:

    >>> identify_counterfactual("X -> Y", "Y[X=x']=y'", given="X=x, Y=y")
    Traceback (most recent call last):
    ...
    causalkit.errors.NotIdentifiableError: ...
    """
    whole = as_graph(graph)
    atoms, condition = tuple(read_event(whole, event)), tuple(read_event(whole, given))
    query = _query(atoms, condition)
    seen = observed_mask(whole, query, None if observed is None else as_names(observed))
    shown = whole if seen.all() else latent_projection(whole, whole.names(seen.nonzero()[0]))
    mixed = Mixed.of(shown)
    above, below = (tuple(as_atom(mixed, a) for a in part) for part in (atoms, condition))
    taken = query.expression.symbols
    found = probability(mixed, above, below, experiments=experiments, taken=taken)
    if found is None:
        raise InputError(
            f"given {', '.join(map(str, condition))} is impossible: one variable would have two "
            "values. Expected a condition that some unit meets; take part of it away."
        )
    if isinstance(found, Expression):
        return CounterfactualEstimand(query, found, whole, experiments)
    if isinstance(found, Conflict):
        raise _conflicting(query, mixed, found)
    best = probability(mixed, above, below, experiments=True, taken=taken)
    raise hedged(str(query), found, by_experiments=isinstance(best, Expression))


def _query(
    atoms: tuple[Counterfactual, ...], condition: tuple[Counterfactual, ...]
) -> CounterfactualQuery:
    if not atoms:
        raise InputError('the event is empty; expected one such as "Y[X=x]".')
    treatment, outcome, given = (
        tuple(dict.fromkeys(map(name_of, symbols)))
        for symbols in (
            [s for atom in (*atoms, *condition) for s in sorted(atom.settings, key=str)],
            [atom.outcome for atom in atoms],
            [atom.outcome for atom in condition],
        )
    )
    return CounterfactualQuery(treatment, outcome, given, atoms, condition)


def as_atom(mixed: Mixed, event: Counterfactual) -> Atom:
    """Translate to nodes of a graph."""
    world = as_setting(mixed, event.do)
    return Atom(mixed.where[name_of(event.outcome)], world, event.outcome)


def as_setting(mixed: Mixed, do: tuple[Symbol | Counterfactual, ...]) -> Setting:
    """Translate what is set."""
    fixed: dict[int, Symbol | World] = {}
    for item in do:
        if isinstance(item, Counterfactual):
            fixed[mixed.where[name_of(item.outcome)]] = as_setting(mixed, item.do)
        else:
            fixed[mixed.where[name_of(item)]] = item
    return Setting(tuple(sorted(fixed.items(), key=lambda pair: pair[0])))


# --- why not ------------------------------------------------------------------------------------


def explained(
    mixed: Mixed, conflict: Conflict, taken: frozenset[Symbol]
) -> tuple[str, tuple[Counterfactual, Counterfactual]]:
    """Say in words why two copies cannot be seen together, and which counterfactuals they are."""
    values = fresh_symbols(mixed, [conflict.piece], taken)

    def shown(copy: Copy) -> Counterfactual:
        inputs = (values[v] if isinstance(v, Fresh) else v for _, v in copy.inputs)
        value = values[copy.value] if isinstance(copy.value, Fresh) else copy.value
        return Counterfactual(value, tuple(inputs))

    first, second = shown(conflict.first), shown(conflict.second)
    name = mixed.nodes[conflict.node]
    if conflict.first.node == conflict.second.node:
        why = f"it asks for {first} and {second} of one unit, which shows only one of them"
    else:
        why = (
            f"hidden causes tie {hidden_path(mixed, conflict)}, so {first} and {second} do not "
            f"come apart, and they need two values of {name} in one unit"
        )
    return why, (first, second)


def _conflicting(
    query: CounterfactualQuery, mixed: Mixed, conflict: Conflict
) -> NotIdentifiableError:
    why, pair = explained(mixed, conflict, query.expression.symbols)
    return NotIdentifiableError(
        f"the {query} is not identified, not even from all experiments: {why}. Measure the hidden "
        "causes, assume more (such as a monotone effect, or that x' is all that is not x), or ask "
        "for bounds.",
        witness=pair,
    )


def hedged(what: str, hedge: Hedge, *, by_experiments: bool) -> NotIdentifiableError:
    """Say which hidden causes observation cannot see through, and whether experiments would."""
    way_out = (
        "Experiments would answer it: pass experiments=True to see which."
        if by_experiments
        else "Measure the hidden causes, or ask for bounds."
    )
    return NotIdentifiableError(
        f"the {what} is not identified from observation: hidden causes tie {listed(hedge.outer)} "
        f"together, and the share of {listed(hedge.inner)} cannot be told from it ({hedge}). "
        f"{way_out}",
        witness=(hedge,),
    )
