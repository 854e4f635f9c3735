"""What mediation asks: contrasts between worlds in which parts of an effect are switched on.

The treatment x is compared with the reference x'. A mediator that is left in the world of the
other value carries no part of the effect::

    total               E[Y under x]                         - E[Y under x']
    natural direct      E[Y under x, M as under x']          - E[Y under x']
    natural indirect    E[Y under x', M as under x]          - E[Y under x']
    total direct        E[Y under x]                         - E[Y under x', M as under x]
    total indirect      E[Y under x]                         - E[Y under x, M as under x']
    controlled direct   E[Y under x, M set to m]             - E[Y under x', M set to m]

so that total = natural direct + total indirect = natural indirect + total direct. An effect along
some paths switches single paths on: on them the treatment passes on x, on all others x'.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from causalkit.identification.counterfactual._event import (
    Counterfactual,
    CounterfactualMean,
    CounterfactualProbability,
)
from causalkit.identification.counterfactual._worlds import Setting, World
from causalkit.identification.formulas.expression import (
    Difference,
    Expectation,
    Expression,
    Probability,
    Symbol,
    Value,
    name_of,
)
from causalkit.identification.query import EffectQuery, listed
from causalkit.typing import Name

__all__ = ["EFFECTS", "Along", "AlongEdges", "AlongPaths", "MediationQuery", "PathQuery"]

_ARMS: Final = {
    "total": ((False, False), (True, True)),
    "natural direct": ((False, True), (True, True)),
    "natural indirect": ((True, False), (True, True)),
    "total direct": ((False, False), (True, False)),
    "total indirect": ((False, False), (False, True)),
}
"""Whether the treatment, and then the mediators, are at the reference; on either side."""

EFFECTS: Final = (*_ARMS, "controlled direct")


@dataclass(frozen=True, slots=True)
class MediationQuery(EffectQuery):
    """A part of the effect of the treatment, by the role of the mediators.

    Parameters
    ----------
    treatment, outcome, given : tuple of names
        As in :class:`EffectQuery`, with one outcome.
    mediators : tuple of names
        What carries the indirect part.
    effect : str
        Which part, one of `EFFECTS`.
    """

    mediators: tuple[Name, ...] = ()
    effect: str = "natural direct"

    @property
    def arms(self) -> tuple[Counterfactual, Counterfactual]:
        """The outcome in the two worlds that are compared."""
        plain, other = self.treatment, tuple(Value(name) for name in self.treatment)
        outcome = self.outcome[0]
        if self.effect == "controlled direct":
            left, right = ((*values, *self.mediators) for values in (plain, other))
            return Counterfactual(outcome, left), Counterfactual(outcome, right)

        def arm(reference: bool, mediated: bool) -> Counterfactual:
            own, theirs = (other if switch else plain for switch in (reference, mediated))
            nested = tuple(Counterfactual(m, theirs) for m in self.mediators)
            return Counterfactual(outcome, own if own == theirs else (*own, *nested))

        (left_arm, right_arm) = _ARMS[self.effect]
        return arm(*left_arm), arm(*right_arm)

    @property
    def expression(self) -> Difference:
        """The contrast of two means."""
        left, right = (_mean(arm, self.given) for arm in self.arms)
        return Difference(left, right)

    @property
    def distribution(self) -> Difference:
        """The contrast of two probabilities, of the outcome at one value."""
        left, right = (_at(arm, self.given) for arm in self.arms)
        return Difference(left, right)

    def __str__(self) -> str:
        treatment, outcome = listed(self.treatment), listed(self.outcome)
        given = f" given {listed(self.given)}" if self.given else ""
        by = "not through" if "indirect" not in self.effect else "through"
        way = "" if self.effect == "total" else f", {by} {listed(self.mediators)}"
        return f"{self.effect} effect of {treatment} on {outcome}{way}{given}"


def _mean(arm: Counterfactual, given: tuple[Symbol, ...]) -> Expression:
    """A mean in one world is an ordinary one, unless it is known what was in another."""
    do = tuple(item for item in arm.do if not isinstance(item, Counterfactual))
    if len(do) == len(arm.do) and not given and not isinstance(arm.outcome, Value):
        return Expectation((arm.outcome,), do=do)
    return CounterfactualMean(arm, given)


def _at(arm: Counterfactual, given: tuple[Name, ...]) -> CounterfactualProbability:
    return CounterfactualProbability((arm,), tuple(Counterfactual(name) for name in given))


@dataclass(frozen=True, slots=True)
class PathQuery(EffectQuery):
    """The effect along some causal paths, by one outcome.

    Parameters
    ----------
    treatment, outcome, given : tuple of names
        As in :class:`EffectQuery`, with one outcome.
    along : tuple of str
        The paths, or the edges of all paths that count.
    """

    along: tuple[str, ...] = ()

    @property
    def expression(self) -> Difference:
        """The contrast of two means."""
        return Difference(self._along, _mean(self._reference, self.given))

    @property
    def distribution(self) -> Difference:
        """The contrast of two probabilities, of the outcome at one value."""
        return Difference(replace(self._along, mean=False), _at(self._reference, self.given))

    @property
    def _along(self) -> Along:
        other = tuple(map(Value, self.treatment))
        return Along(self.outcome[0], self.along, self.treatment, other, self.given)

    @property
    def _reference(self) -> Counterfactual:
        return Counterfactual(self.outcome[0], tuple(map(Value, self.treatment)))

    def __str__(self) -> str:
        given = f" given {listed(self.given)}" if self.given else ""
        treatment, outcome = listed(self.treatment), listed(self.outcome)
        return f"effect of {treatment} on {outcome} along {' and '.join(self.along)}{given}"


@dataclass(frozen=True, slots=True, repr=False)
class Along(Expression):
    """`E[Y[X=x along X -> M -> Y, else X=x']]`: the treatment is on along some paths only.

    Without `mean`, the probability that the outcome has one value.
    """

    of: Name
    along: tuple[str, ...]
    active: tuple[Symbol, ...]
    reference: tuple[Symbol, ...]
    given: tuple[Symbol, ...] = ()
    mean: bool = True

    @property
    def symbols(self) -> frozenset[Symbol]:
        """Both values of the treatment, what is given, and the outcome if it has a value."""
        value = () if self.mean else (self.of,)
        return frozenset((*self.active, *self.reference, *self.given, *value))

    @property
    def names(self) -> frozenset[Name]:
        """All variables that it speaks of, an averaged one too."""
        return frozenset(map(name_of, self.symbols | {self.of}))

    def to_text(self) -> str:
        """One line of plain text."""
        on, off = (Probability(s).to_text()[len("P(") : -1] for s in (self.active, self.reference))
        head = self._plain.to_text()
        mark = head[:2]
        name, bar, given = head[2:-1].partition(" | ")
        variable, sign, value = name.partition("=")
        world = f"{variable}[{on} along {'; '.join(self.along)}, else {off}]"
        return f"{mark}{world}{sign}{value}{bar}{given}{head[-1]}"

    def to_latex(self) -> str:
        """LaTeX for math mode."""
        start = len(r"\mathrm{P}(")
        on, off = (Probability(s).to_latex()[start:-1] for s in (self.active, self.reference))
        head = self._plain.to_latex()
        name, bar, given = head[start:-1].partition(r" \mid ")
        variable, sign, value = name.partition("=")
        steps = ([_tex(step) for step in path.split(" -> ")] for path in self.along)
        paths = "; ".join(r" \to ".join(path) for path in steps)
        world = rf"{{{variable}}}_{{{on} \text{{ along }} {paths}, \text{{ else }} {off}}}"
        return f"{head[:start]}{world}{sign}{value}{bar}{given}{head[-1]}"

    @property
    def _plain(self) -> Expression:
        """The same without worlds."""
        if self.mean:
            return Expectation((self.of,), self.given)
        return Probability((self.of,), self.given)


def _tex(name: str) -> str:
    return Expectation((name,)).to_latex()[len(r"\mathrm{E}[") : -1]


@dataclass(frozen=True, slots=True)
class AlongPaths(World):
    """A node as seen from the end of some paths: they carry the active value, all others do not.

    Parameters
    ----------
    paths : frozenset of tuple of int
        Paths from the treatment to the node whose world this is.
    values : tuple of (node, active, reference)
        The treatments.
    """

    paths: frozenset[tuple[int, ...]]
    values: tuple[tuple[int, Symbol, Symbol], ...]

    def source(self, node: int, child: int | None, /) -> Symbol | World:
        """A treatment is active if a path starts with it; others see the paths up to them."""
        if child is None:
            return self
        before = frozenset(p[:-1] for p in self.paths if len(p) > 1 and p[-2] == node)
        for treated, active, reference in self.values:
            if treated == node:
                return active if (node,) in before else reference
        return AlongPaths(before, self.values)


@dataclass(frozen=True, slots=True)
class AlongEdges(World):
    """The world in which some edges pass on the active value, and all others the reference."""

    edges: frozenset[tuple[int, int]]
    values: tuple[tuple[int, Symbol, Symbol], ...]

    def source(self, node: int, child: int | None, /) -> Symbol | World:
        """What an edge that is on passes on is of this world, else of the reference."""
        if child is None:
            return self
        on = (node, child) in self.edges
        for treated, active, reference in self.values:
            if treated == node:
                return active if on else reference
        return self if on else Setting(tuple((n, reference) for n, _, reference in self.values))
