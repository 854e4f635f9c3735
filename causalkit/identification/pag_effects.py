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
Malinsky, D., Spirtes, P. (2017). Estimating bounds on causal effects in high-dimensional and
possibly confounded systems. International Journal of Approximate Reasoning 88.
https://doi.org/10.1016/j.ijar.2017.06.005
Wang, T.-Z., Qin, T., Zhou, Z.-H. (2023). Estimating possible causal effects with latent variables
via adjustment. ICML, PMLR 202.
Zhang, J. (2008). On the completeness of orientation rules for causal discovery in the presence of
latent confounders and selection bias. https://doi.org/10.1016/j.artint.2008.08.001
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from causalkit._core.checks import as_names
from causalkit._core.report import Report
from causalkit.errors import GraphError, InputError, NotIdentifiableError
from causalkit.graph import ARROW, CIRCLE, TAIL, CausalGraph, Kind
from causalkit.graph.mag import Marks, apply_rules, mag_to_pag, unshielded_colliders
from causalkit.graph.separation import representative
from causalkit.graph.walks import mask_of
from causalkit.identification._sentences import about_graph, estimand_report
from causalkit.identification.adjustment import minimal_adjustment_set
from causalkit.identification.criterion import check_kind, observed_mask
from causalkit.identification.equivalence_class import possibly_caused, undecided
from causalkit.identification.estimand import AdjustmentEstimand, Estimand, NoEffectEstimand
from causalkit.identification.expression import Equation, Expression, Symbol
from causalkit.identification.possible import PossibleEffects
from causalkit.identification.query import EffectQuery, GraphLike, as_graph, listed
from causalkit.typing import IntArray, Name, Names

__all__ = ["OpenEstimand", "Splits", "pag_effects", "pag_members", "possible_in_pag"]

_MOST_CLASSES: Final = 10_000

Mark: TypeAlias = tuple[int, int]
"""(i, j): the mark at j's end of the edge between i and j."""


@dataclass(frozen=True, slots=True, repr=False)
class OpenEstimand(Estimand):
    """The treatment may cause the outcome, and no formula says how much.

    Parameters
    ----------
    query : EffectQuery
        What is asked.
    graph : CausalGraph
        The class of graphs in whose members the effect is not identified.
    reason : str
        Why not.
    """

    query: EffectQuery
    graph: CausalGraph
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


@dataclass(frozen=True, slots=True)
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


_Answer: TypeAlias = AdjustmentEstimand | NoEffectEstimand | OpenEstimand


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
        What is set, one variable, and what is looked at.
    given : name or names, optional
        Strata; none of them may be affected by the treatment.
    observed : names, optional
        Variables that data has; left out, all.

    Returns
    -------
    PossibleEffects
        One alternative for each distinct answer: an AdjustmentEstimand, a NoEffectEstimand or an
        :class:`OpenEstimand`, which says that in these members nothing is identified. `classes`
        holds for each the sub-classes that it is the answer for: PAGs with more marks decided.

    Raises
    ------
    NotIdentifiableError
        If the PAG is not the class of a MAG, or there are more than 10,000 sub-classes to look at.
    GraphError
        If the graph is of another kind, or has edges of selection.
    InputError
        If names are unknown, have two roles or are not observed, if there are several treatments,
        or if `given` may be affected by the treatment.

    Notes
    -----
    **Assumes:**

    - one member of the class is the true causal graph; hidden causes are allowed, selection is not.

    Each sub-class has members, together they are the class, and every adjustment set is valid in
    all members of its sub-classes. LV-IDA lists the members one by one; here they come in groups.
    Where `OpenEstimand` says that no set adjusts although every first edge is visible, another
    formula may exist.

    References
    ----------
    Malinsky, D., Spirtes, P. (2017). https://doi.org/10.1016/j.ijar.2017.06.005

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
    splits = Splits.of(graph)
    observed_mask(graph, query, observed)
    if len(query.treatment) > 1:
        raise InputError(
            f"there are {len(query.treatment)} treatments; expected one. Ask for the effects of "
            "each, or for the joint effect by pag_formula()."
        )
    late = possibly_caused(graph, mask_of(graph, query.treatment)) & mask_of(graph, query.given)
    if late.any():
        names = listed(tuple(graph.nodes[k] for k in np.flatnonzero(late)))
        raise InputError(
            f"given has {names}, which treatment may change; expected variables that it does not "
            "cause. Leave them out."
        )
    found: dict[object, _Answer] = {}
    classes: dict[object, list[CausalGraph]] = {}
    for finer, answer in splits.settled(query, observed):
        key = answer.adjustment if isinstance(answer, AdjustmentEstimand) else type(answer)
        found.setdefault(key, answer)
        classes.setdefault(key, []).append(finer)
    return PossibleEffects(
        query,
        tuple(found.values()),  # type: ignore[arg-type]
        graph,
        tuple(tuple(classes[key]) for key in found),
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


@dataclass(frozen=True, slots=True)
class Splits:
    """How to decide marks of a PAG so that members are left."""

    graph: CausalGraph
    """What to split: a PAG, or a MAG, in which nothing is left to decide."""
    whole: CausalGraph
    """The class of all equivalent MAGs."""
    fertile: dict[bytes, bool] = field(default_factory=dict)
    """Marks that were looked at, and whether a member has them."""

    @classmethod
    def of(cls, graph: CausalGraph) -> Splits:
        """Check that a graph is the class of a MAG.

        Raises
        ------
        GraphError
            If it is of another kind, or has edges of selection.
        NotIdentifiableError
            If no MAG has this class.
        """
        if graph.kind not in (Kind.PAG, Kind.MAG):
            raise GraphError(
                f"the graph is a {graph.kind.name}; expected a PAG or a MAG. For a CPDAG ask "
                'identify(..., strategy="possible").'
            )
        check_kind(graph)
        splits = cls(graph, mag_to_pag(graph) if graph.kind is Kind.MAG else graph)
        if not splits.is_sound(splits.whole.ends):
            raise NotIdentifiableError(
                "the PAG is not the class of any MAG: some mark is wrong, or more is known than "
                "separations tell; expected a PAG as FCI finds it with an oracle. Make it complete "
                "with mag_to_pag() of a MAG that fits."
            )
        return splits

    def as_pag(self, ends: Marks) -> CausalGraph:
        """A sub-class as a graph."""
        return CausalGraph(self.graph.nodes, ends, Kind.PAG)

    def is_sound(self, ends: Marks) -> bool:
        """Whether the plainest completion of these marks is a member."""
        try:
            return mag_to_pag(representative(self.as_pag(ends))) == self.whole
        except GraphError:
            return False

    def both_ways(self, ends: Marks, mark: Mark) -> list[Marks]:
        """Decide a mark for tail and for arrow; keep what has members."""
        found = (self._decided(ends, mark, kind) for kind in (TAIL, ARROW))
        return [marks for marks in found if self._has_member(marks)]

    def _decided(self, ends: Marks, mark: Mark, kind: int) -> Marks:
        """Set a mark and apply the rules; a path that now discriminates is none of a collider."""
        marks = np.array(ends)
        marks[mark] = kind
        if kind == TAIL and marks[mark[::-1]] == CIRCLE:
            marks[mark[::-1]] = ARROW  # there is no selection
        apply_rules(marks, _no_collider, selection=False)
        return marks

    def _has_member(self, ends: Marks) -> bool:
        key = ends.tobytes()
        if key not in self.fertile:
            self.fertile[key] = self._look_for_member(ends)
        return self.fertile[key]

    def _look_for_member(self, ends: Marks) -> bool:
        tails = ends == TAIL
        colliders = unshielded_colliders(self.whole.ends)  # which all members share
        if (tails & tails.T).any() or (unshielded_colliders(ends) != colliders).any():
            return False
        if self.is_sound(ends):
            return True
        circles = np.argwhere(ends == CIRCLE)
        if not len(circles):
            return False
        mark = (int(circles[0, 0]), int(circles[0, 1]))
        return any(self._has_member(self._decided(ends, mark, kind)) for kind in (TAIL, ARROW))

    def settled(
        self, query: EffectQuery, observed: tuple[Name, ...] | None
    ) -> Iterator[tuple[CausalGraph, _Answer]]:
        """Yield sub-classes that have one answer, with it."""
        waiting, n_found = [np.array(self.graph.ends)], 0
        while waiting:
            ends = waiting.pop()
            finer = self.as_pag(ends)
            found = self.mark_or_answer(finer, query, observed)
            if isinstance(found, tuple):
                waiting += self.both_ways(ends, found)
                continue
            n_found += 1
            if n_found > _MOST_CLASSES:
                raise NotIdentifiableError(
                    f"the {query} has more than {_MOST_CLASSES:,} sub-classes to look at; expected "
                    "fewer. Decide some edges at the treatment by background knowledge."
                )
            yield finer, found

    def mark_or_answer(
        self, graph: CausalGraph, query: EffectQuery, observed: tuple[Name, ...] | None
    ) -> Mark | _Answer:
        """The answer in a sub-class, or a mark that it hangs on."""
        found = _hinge_at_treatment(graph, query)
        if found is not None:
            return found
        circles: list[Mark] = [(i, j) for i, j in np.argwhere(graph.ends == CIRCLE).tolist()]
        if circles and not self.is_sound(graph.ends):
            return circles[0]
        if not _may_cause(graph, query):
            return NoEffectEstimand(query, graph)
        best = minimal_adjustment_set(
            graph, query.treatment, query.outcome, include=query.given, observed=observed
        )
        if best is not None:
            adjustment = tuple(name for name in graph.nodes if name in best)
            choice = "a minimal set, the one nearest to the outcome"
            return AdjustmentEstimand(query, adjustment, graph, choice)
        if circles:
            return circles[0]
        return OpenEstimand(query, graph, "no set of observed covariates blocks all other paths")


def _hinge_at_treatment(graph: CausalGraph, query: EffectQuery) -> Mark | OpenEstimand | None:
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
    """Whether a possibly causal path leads from the treatment to the outcome."""
    (x,), y = graph.indices(query.treatment), mask_of(graph, query.outcome)
    into = (graph.ends[:, x] & ARROW) > 0
    steps = _forward(graph.ends)
    steps[:, into] = False
    return bool((_reached(steps, -1, x) & y).any())


def _forward(ends: Marks) -> NDArray[np.bool_]:
    """Steps that a possibly causal path may take."""
    forward: NDArray[np.bool_] = (ends != 0) & (ends.T != ARROW) & (ends != TAIL)
    return forward


def _no_collider(_: Marks, paths: IntArray) -> tuple[IntArray, NDArray[np.int8]]:
    """A path that discriminates only since a mark was decided is no collider's (Wang et al.)."""
    return paths, np.zeros(len(paths), dtype=np.int8)


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


def _could_stop(ends: Marks, cause: int, start: int, goal: NDArray[np.bool_]) -> Mark | None:
    """A circle on a possibly causal path from `start`, None if a path is causal for sure."""
    forward = _forward(ends)
    sure = (ends == ARROW) & (ends.T == TAIL)
    if goal[_reached(sure, cause, start)].any():
        return None
    before = _reached(forward, cause, start)
    for i, j in np.argwhere(forward & ~sure).tolist():
        if before[i] and j != cause and goal[_reached(forward, cause, j)].any():
            return (j, i) if ends[j, i] == CIRCLE else (i, j)
    return None


def _reached(steps: NDArray[np.bool_], barred: int, start: int) -> NDArray[np.bool_]:
    """Mask of what steps lead to from `start`, without entering `barred`."""
    found = np.zeros(len(steps), dtype=np.bool_)
    found[start] = True
    waiting = [start]
    while waiting:
        for v in np.flatnonzero(steps[waiting.pop()] & ~found).tolist():
            if v != barred:
                found[v] = True
                waiting.append(v)
    return found
