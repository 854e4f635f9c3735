r"""Possible effects in a PAG: an answer for every way in which its open edges may turn out.

Where the members of a class of MAGs differ in the effect of X on Y, the honest answer is a list.
LV-IDA (Malinsky & Spirtes) makes it by going through the members; they are too many, and most
differ in what is of no concern to the effect. Here a mark is decided only if the answer hangs on
it, and what follows from it is added by the rules for PAGs (Zhang; Wang et al.), so that a
sub-class is again a graph with circles. Two questions decide, for every edge at X that a causal
path may start with::

    X o-* V    is X a cause of V, or not?                     (the mark at X)
    X -> V     may a hidden cause act on both, or is the      (marks on collider paths into X,
               edge visible?                                   over parents of V)

In a sub-class that leaves none of it open there are three cases. X is no cause of Y. Or every first
edge is visible; then one adjustment set is right in all members, if any set is. Or an edge to what
X causes for sure is visible in no member; hidden causes may do what X seems to do, and no formula
gives the effect.

>>> possible = pag_effects("PAG: A o-o X; X o-o Y", "X", "Y")
>>> for answer in possible:
...     print(type(answer).__name__, answer.expression)
NoEffectEstimand E[Y | do(X=x)] = E[Y]
AdjustmentEstimand E[Y | do(X=x)] = E[Y | X=x]
OpenEstimand E[Y | do(X=x)] = ?

References
----------
Malinsky, D., Spirtes, P. (2017), "Estimating bounds on causal effects in high-dimensional and
possibly confounded systems". International Journal of Approximate Reasoning 88.
https://doi.org/10.1016/j.ijar.2017.06.005
Wang, T.-Z., Qin, T., Zhou, Z.-H. (2023). Estimating possible causal effects with latent variables
via adjustment. ICML, PMLR 202.
Zhang, J. (2008). On the completeness of orientation rules for causal discovery in the presence of
latent confounders and selection bias. https://doi.org/10.1016/j.artint.2008.08.001
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np

from causalkit._core.checks import as_names
from causalkit._core.report import Report
from causalkit.errors import GraphError, InputError, NotIdentifiableError
from causalkit.graph import ARROW, CIRCLE, TAIL, CausalGraph, Kind
from causalkit.graph.lagged_graph import LaggedGraph
from causalkit.graph.mag import Marks
from causalkit.graph.walks import mask_of
from causalkit.identification._sentences import about_graph, estimand_report
from causalkit.identification.adjustment.criterion import check_kind, observed_mask
from causalkit.identification.adjustment.sets import minimal_adjustment_set
from causalkit.identification.classes._pag_splits import Mark, Splits
from causalkit.identification.classes.equivalence_class import possibly_caused, undecided
from causalkit.identification.classes.possible import PossibleEffects
from causalkit.identification.estimand import AdjustmentEstimand, Estimand, NoEffectEstimand
from causalkit.identification.formulas.expression import Equation, Expression, Symbol
from causalkit.identification.query import EffectQuery, GraphLike, as_graph, listed
from causalkit.typing import BoolArray, Name, Names

__all__ = [
    "OpenEstimand",
    "hinge_at_treatment",
    "listed_by_answer",
    "mark_or_answer",
    "pag_effects",
    "pag_members",
    "possible_in_pag",
    "settled",
]

_MOST_CLASSES: Final = 10_000


@dataclass(frozen=True, slots=True, repr=False)
class OpenEstimand(Estimand):
    """The treatment may cause the outcome, and no adjustment set says how much.

    Parameters
    ----------
    query : EffectQuery
        What is asked.
    graph : CausalGraph or LaggedGraph
        The class of graphs that leaves it open.
    reason : str
        Why not.
    """

    query: EffectQuery
    graph: CausalGraph | LaggedGraph
    reason: str

    @property
    def expression(self) -> Equation:
        """The causal quantity, and a question mark."""
        return Equation(self.query.expression, _Unknown())

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What is assumed of the graph; nothing follows from it."""
        return (about_graph(self.graph),)

    def _report(self) -> Report:
        return estimand_report(self, [("formula", "none"), ("because", self.reason)])


@dataclass(frozen=True, slots=True, repr=False)
class _Unknown(Expression):
    """What no formula gives."""

    @property
    def symbols(self) -> frozenset[Symbol]:
        """None."""
        return frozenset()

    def to_text(self) -> str:
        """One line of plain text."""
        return "?"

    def to_latex(self) -> str:
        """LaTeX for math mode."""
        return r"\text{?}"


Answer: TypeAlias = AdjustmentEstimand | NoEffectEstimand | OpenEstimand


def pag_effects(
    graph: GraphLike,
    treatment: Names,
    outcome: Names,
    *,
    given: Names | None = (),
    observed: Names | None = None,
) -> PossibleEffects:
    """List the effects of one treatment that agree with a PAG.

    Parameters
    ----------
    graph : CausalGraph, str or networkx graph
        A complete PAG, the class of a MAG, without edges of selection. A MAG is a class of one.
    treatment, outcome : name or names
        What is set, and what is looked at. Of several treatments possible effects are listed only
        if there is one.
    given : name or names, optional
        Strata; none of them may be affected by the treatment.
    observed : names, optional
        Variables that data has; left out, all.

    Returns
    -------
    PossibleEffects
        One alternative for each distinct answer: an AdjustmentEstimand, a NoEffectEstimand or an
        :class:`OpenEstimand`, where adjustment does not identify the effect. `classes` holds for
        each the sub-classes that it is the answer for: PAGs with more marks decided.

    Raises
    ------
    NotIdentifiableError
        If adjustment identifies the effect in no member; or if it differs between members, and the
        PAG is not the class of a MAG, there are several treatments, or more than 10,000 sub-classes
        to look at.
    GraphError
        If the graph is of another kind, or has edges of selection.
    InputError
        If names are unknown, have two roles or are not observed, or if `given` may be affected by
        the treatment.

    Notes
    -----
    **Assumes:**

    - one member of the class is the true causal graph; hidden causes are allowed, selection is not.

    Each sub-class has members, together they are the class, and every adjustment set is valid in
    all members of its sub-classes. LV-IDA lists the members one by one; here they come in groups.
    Where `OpenEstimand` names an edge, no formula of any kind exists in these members; where it
    says that no set blocks, another formula may.

    References
    ----------
    Malinsky, D., Spirtes, P. (2017), "Estimating bounds on causal effects in high-dimensional and
    possibly confounded systems", https://doi.org/10.1016/j.ijar.2017.06.005

    Examples
    --------
    >>> possible = pag_effects("PAG: A o-> X; B o-> X; X -> Y", "X", "Y")
    >>> [str(answer.expression) for answer in possible]
    ['E[Y | do(X=x)] = E[Y | X=x]']
    """
    whole = as_graph(graph)
    query = EffectQuery.within(whole, treatment, outcome, given)
    return possible_in_pag(whole, query, None if observed is None else as_names(observed))


def possible_in_pag(
    graph: CausalGraph, query: EffectQuery, observed: tuple[Name, ...] | None
) -> PossibleEffects:
    """Do the work of :func:`pag_effects` for a checked query."""
    if graph.kind not in (Kind.PAG, Kind.MAG):
        raise GraphError(
            f"the graph is a {graph.kind.name}; expected a PAG or a MAG. For a CPDAG ask "
            'identify(..., strategy="possible").'
        )
    check_kind(graph)
    observed_mask(graph, query, observed)
    treatment = mask_of(graph, query.treatment)
    late = possibly_caused(graph, treatment) & mask_of(graph, query.given)
    if late.any():
        names = listed(tuple(graph.nodes[k] for k in np.flatnonzero(late)))
        raise InputError(
            f"given has {names}, which treatment may change; expected variables that it does not "
            "cause. Leave them out."
        )
    if not undecided(graph, treatment, mask_of(graph, query.outcome)):
        return listed_by_answer(query, graph, [(graph, _one_answer(graph, query, observed))])
    if len(query.treatment) > 1:
        raise NotIdentifiableError(
            f"possible effects of {listed(query.treatment)} together are not listed; expected one "
            "treatment, where a class of graphs leaves the effect open. Ask for each."
        )
    return listed_by_answer(query, graph, settled(Splits.of(graph), query, observed))


def listed_by_answer(
    query: EffectQuery,
    graph: CausalGraph | LaggedGraph,
    settled: Iterable[tuple[CausalGraph | LaggedGraph, Answer]],
) -> PossibleEffects:
    """Put sub-classes with the same answer together.

    Raises
    ------
    NotIdentifiableError
        If none has one.
    """
    found: dict[object, Any] = {}
    classes: dict[object, list[CausalGraph | LaggedGraph]] = {}
    for finer, answer in settled:
        key = answer.adjustment if isinstance(answer, AdjustmentEstimand) else type(answer)
        found.setdefault(key, answer)
        classes.setdefault(key, []).append(finer)
    if set(found) == {OpenEstimand}:
        raise NotIdentifiableError(
            f"the {query} is not identified by adjustment, whatever way open edges turn out: "
            f"{found[OpenEstimand].reason}. Measure more variables, or look for a formula of "
            "another kind."
        )
    return PossibleEffects(
        query, tuple(found.values()), graph, tuple(tuple(classes[key]) for key in found)
    )


def pag_members(graph: GraphLike) -> Iterator[CausalGraph]:
    """Iterate over all MAGs of a PAG, each once.

    Parameters
    ----------
    graph : CausalGraph, str or networkx graph
        A complete PAG, the class of a MAG, without edges of selection. A MAG is its own member.

    Yields
    ------
    CausalGraph
        Of kind MAG. There may be exponentially many; they come one by one.

    Raises
    ------
    NotIdentifiableError
        If the PAG is not the class of a MAG.
    GraphError
        If the graph is of another kind, or has edges of selection.

    Examples
    --------
    >>> [str(mag).partition(": ")[2] for mag in pag_members("PAG: A o-o B")]
    ['A <-> B', 'A -> B', 'B -> A']
    """
    whole = as_graph(graph)
    splits = Splits.of(whole)
    waiting = [np.array(whole.ends)]
    while waiting:
        ends = waiting.pop()
        circles = np.argwhere(ends == CIRCLE)
        if not len(circles):
            yield CausalGraph(whole.nodes, ends, Kind.MAG)
            continue
        i, j = circles[0].tolist()
        waiting += splits.both_ways(ends, (i, j))


# --- sub-classes ---------------------------------------------------------------------------------


def settled(
    splits: Splits, query: EffectQuery, observed: tuple[Name, ...] | None
) -> Iterator[tuple[CausalGraph, Answer]]:
    """Yield sub-classes that have one answer, with it."""
    waiting, n_found = [np.array(splits.graph.ends)], 0
    while waiting:
        ends = waiting.pop()
        finer = splits.as_pag(ends)
        found = mark_or_answer(splits, finer, query, observed)
        if isinstance(found, tuple):
            waiting += splits.both_ways(ends, found)
            continue
        n_found += 1
        if n_found > _MOST_CLASSES:
            raise NotIdentifiableError(
                f"the {query} has more than {_MOST_CLASSES:,} sub-classes to look at; expected "
                "fewer. Decide some edges at the treatment by background knowledge."
            )
        yield finer, found


def mark_or_answer(
    splits: Splits,
    graph: CausalGraph,
    query: EffectQuery,
    observed: tuple[Name, ...] | None,
) -> Mark | Answer:
    """The answer in a sub-class, or a mark that it hangs on."""
    found = hinge_at_treatment(graph, query)
    if found is not None:
        return found
    if not splits.is_sound(graph.ends):
        i, j = np.argwhere(graph.ends == CIRCLE)[0].tolist()
        return i, j  # the criterion asks a plain completion, which has to be a member
    return _one_answer(graph, query, observed)


def _one_answer(
    graph: CausalGraph, query: EffectQuery, observed: tuple[Name, ...] | None
) -> Answer:
    """The answer where every first edge of a causal path is visible."""
    if not _may_cause(graph, query):
        return NoEffectEstimand(query, graph)
    best = minimal_adjustment_set(
        graph, query.treatment, query.outcome, include=query.given, observed=observed
    )
    if best is None:
        why = "no set of observed covariates blocks all other paths in all of these graphs"
        return OpenEstimand(query, graph, why)
    adjustment = tuple(name for name in graph.nodes if name in best)
    choice = "a minimal set, the one nearest to the outcome"
    return AdjustmentEstimand(query, adjustment, graph, choice)


def hinge_at_treatment(graph: CausalGraph, query: EffectQuery) -> Mark | OpenEstimand | None:
    """A mark that decides about a first edge, or an edge that surely stands in the way; or none."""
    x, y = mask_of(graph, query.treatment), mask_of(graph, query.outcome)
    choice: Mark | None = None
    for edge in undecided(graph, x, y):
        i, j = graph.index(edge.left), graph.index(edge.right)
        if not x[i]:
            i, j = j, i
        if graph.ends[j, i] == CIRCLE:
            choice = choice or (j, i)
            continue
        mark = _could_show(graph.ends, i, j) or _could_stop(graph.ends, i, j, y)
        if mark is None:
            why = f"a hidden cause may act on both ends of {edge}, in every member"
            return OpenEstimand(query, graph, why)
        choice = choice or mark
    return choice


def _may_cause(graph: CausalGraph, query: EffectQuery) -> bool:
    """Whether a proper possibly causal path leads from a treatment to the outcome."""
    treatment, y = mask_of(graph, query.treatment), mask_of(graph, query.outcome)
    for x in np.flatnonzero(treatment).tolist():
        steps = _forward(graph.ends)
        steps[:, treatment | ((graph.ends[:, x] & ARROW) > 0)] = False
        if (_reached(steps, x) & y).any():
            return True
    return False


def _forward(ends: Marks) -> BoolArray:
    """Steps that a possibly causal path may take."""
    forward: BoolArray = (ends != 0) & (ends.T != ARROW) & (ends != TAIL)
    return forward


def _could_show(ends: Marks, cause: int, effect: int) -> Mark | None:
    """A circle that keeps `cause -> effect` from being visible, or None if nothing can show it.

    It hangs on a walk into the cause that begins far from the effect and runs through its parents.
    """
    reached: dict[int, Mark | None] = {cause: None}
    waiting = [cause]
    while waiting:
        at = waiting.pop(0)
        for v in np.flatnonzero(ends[at]).tolist():
            if v == effect or v in reached or ends[v, at] == TAIL:
                continue
            marks = [reached[at], (v, at)]
            if ends[v, effect]:
                if ends[at, v] == TAIL or ends[v, effect] == TAIL or ends[effect, v] == ARROW:
                    continue
                marks += [(at, v), (v, effect), (effect, v)]
            circle = next((m for m in marks if m is not None and ends[m] == CIRCLE), None)
            if not ends[v, effect]:
                return circle
            reached[v] = circle
            waiting.append(v)
    return None


def _could_stop(ends: Marks, cause: int, start: int, goal: BoolArray) -> Mark | None:
    """A circle on a possibly causal path from `start`, None if a path is causal for sure."""
    forward = _forward(ends)
    forward[:, cause] = False
    sure = forward & (ends == ARROW) & (ends.T == TAIL)
    if (_reached(sure, start) & goal).any():
        return None
    before = _reached(forward, start)
    for i, j in np.argwhere(forward & ~sure).tolist():
        if before[i] and (_reached(forward, j) & goal).any():
            return (j, i) if ends[j, i] == CIRCLE else (i, j)
    return None


def _reached(steps: BoolArray, start: int) -> BoolArray:
    """Mask of what steps lead to from `start`, itself included."""
    found = np.zeros(len(steps), dtype=np.bool_)
    found[start] = True
    waiting = [start]
    while waiting:
        fresh = steps[waiting.pop()] & ~found
        found |= fresh
        waiting += np.flatnonzero(fresh).tolist()
    return found
