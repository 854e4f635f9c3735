"""`LearntEffects`: several contrasts over all graphs that may be right.

A treatment with levels a, b and c has two effects, b against a and c against a, and each has its
own honest interval. A graph that the data leave possible answers both at once: adjust for this,
adjust for that, or no effect, which is zero for every contrast. So the graphs, their weights and
their answers are the same for all contrasts, and for each there is one
:class:`~causalkit.workflow.LearntEffect`, read by its label or its place::

    learnt["b − a"].interval()      covers b against a, whichever of the graphs is right
    learnt.band()                   covers all contrasts at once

The band is the hull of the sup-t bands of the answers. If one of the answers is right, its own band
covers all contrasts that often, and the hull holds it: as for one interval, no correction for the
number of graphs is needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from causalkit._core.report import Report, Reported, format_value
from causalkit.errors import InputError
from causalkit.estimation import EffectSet
from causalkit.estimation.asked_in_words import sides_of
from causalkit.estimation.effect import Interval
from causalkit.typing import FloatArray, Name
from causalkit.workflow.learnt.graph_set import GraphSet
from causalkit.workflow.learnt.learnt_result import LearntEffect

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LearntEffects"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LearntEffects(Reported):
    """Several contrasts, each over all graphs that the data leave possible.

    Attributes
    ----------
    effects : tuple of LearntEffect
        One a contrast, of the same graphs, answers and weights.

    Examples
    --------
    >>> import pandas as pd
    >>> from causalkit.estimation import OLS
    >>> from causalkit.graph import CausalGraph
    >>> from causalkit.workflow import learnt_effect
    >>> rng = np.random.default_rng(0)
    >>> arm = rng.integers(3, size=300)
    >>> levels = pd.Categorical(np.array(list("abc"))[arm])
    >>> data = pd.DataFrame({"arm": levels, "y": arm + rng.normal(size=300)})
    >>> graphs = [CausalGraph.parse("arm -> y"), CausalGraph.parse("y -> arm")]
    >>> learnt = learnt_effect(data, "arm", "y", graphs=graphs, estimator=OLS(contrast="each"))
    >>> learnt.labels
    ('b − a', 'c − a')
    >>> 1 in learnt["b − a"].interval(), 2 in learnt["c − a"].interval()
    (True, True)
    """

    effects: tuple[LearntEffect, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """What each compares."""
        return tuple(effect.contrast for effect in self.effects)

    @property
    def treatment(self) -> Name:
        """What is set."""
        return self.effects[0].treatment

    @property
    def outcome(self) -> Name:
        """What it is to change."""
        return self.effects[0].outcome

    @property
    def _on(self) -> str:
        """The outcome in words, with the level whose chance is meant."""
        return sides_of(self.effects[0].alternatives)[1]

    @property
    def graphs(self) -> GraphSet:
        """Graphs that were kept."""
        return self.effects[0].graphs

    def interval(self, level: float = 0.95) -> Interval:
        """Hull of the intervals of all contrasts, as :meth:`EffectSet.interval` has it.

        Parameters
        ----------
        level : float

        Returns
        -------
        Interval
            The whole line if some graph leaves the effects open. It says between which numbers all
            effects lie; of one, ask that one: `learnt[label].interval()`.

        Notes
        -----
        **Assumes:** one of the kept graphs gives the right answer. It then covers each effect at
        least that often, and not all at once; :meth:`band` does.
        """
        own = [effect.interval(level) for effect in self.effects]
        return Interval(min(one.lower for one in own), max(one.upper for one in own), level)

    def band(self, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
        """Lower and upper ends that cover all contrasts at once, whichever graph is right.

        Parameters
        ----------
        level : float

        Returns
        -------
        tuple of two ndarrays of shape (k,)
            Infinite if some graph leaves the effects open.

        Raises
        ------
        InputError
            If an estimate has no influence, such as that of a bootstrap.

        Notes
        -----
        **Assumes:** one of the kept graphs gives the right answer. The ends are those of the hull
        of the answers' bands (:meth:`EffectSet.band`); an answer without an effect is zero.
        """
        first = self.effects[0].alternatives
        if first.n_open:
            endless = np.full(len(self), np.inf)
            return -endless, endless
        ends = []
        for k, answer in enumerate(first):
            if answer.implied:
                ends.append(np.full((2, len(self)), answer.value))
                continue
            members = tuple(effect.alternatives.effects[k] for effect in self.effects)
            ends.append(np.array(EffectSet(members, self.labels, reading="contrasts").band(level)))
        stacked = np.stack(ends)
        return stacked[:, 0].min(axis=0), stacked[:, 1].max(axis=0)

    def to_frame(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row a contrast and an alternative: weight, effect, error, interval."""
        import pandas as pd

        frames = {effect.contrast: effect.to_frame(level) for effect in self.effects}
        return pd.concat(frames, names=["contrast", "answer"])

    @property
    def sentence(self) -> str:
        """The result in one sentence."""
        said = (f"{e.contrast}: {_from_to(e.interval())}" for e in self.effects)
        return (
            f"{_counted(len(self), 'effect')} of {self.treatment} on {self._on} by "
            f"{_counted(len(self.effects[0].alternatives), 'answer')} of "
            f"{_counted(len(self.graphs), 'possible graph')} (95 % intervals {'; '.join(said)})"
        )

    def __len__(self) -> int:
        return len(self.effects)

    def __iter__(self) -> Iterator[LearntEffect]:
        return iter(self.effects)

    def __getitem__(self, which: int | str) -> LearntEffect:
        if isinstance(which, str) and which in self.labels:
            return self.effects[self.labels.index(which)]
        if not isinstance(which, str) and -len(self) <= which < len(self):
            return self.effects[which]
        raise InputError(
            f"there is no contrast {which!r} among {len(self)}; expected a position, or one of "
            f"{', '.join(map(repr, self.labels))}."
        )

    def _report(self) -> Report:
        first = self.effects[0]
        notes = ["Each interval covers its own effect; for all of them at once see band()."]
        if first._unidentified:
            notes = ["Some graphs leave the effects open, so nothing bounds them."]
        elif first.failures:
            notes = ["Some answers could not be estimated, so nothing bounds the effects."]
        notes += [f"Not estimated: {', '.join(which)}. {why}" for why, which in first._failed]
        for effect in self.effects:
            edge = effect.most_valuable_edge()
            if edge is not None:
                notes.append(
                    f"{effect.contrast}: to know which edge joins {edge[0]} and {edge[1]} would "
                    "narrow the interval most."
                )
        return Report(
            title=(
                f"{_counted(len(self), 'effect')} of {self.treatment} on {self._on}, the graph "
                "being learnt"
            ),
            facts=[
                (
                    "graphs",
                    f"{len(self.graphs)} possible, {_counted(len(first.alternatives), 'answer')}",
                ),
                ("no effect", f"in {first.probability('zero'):.0%} of their searches"),
            ],
            columns=("effect of", "weight", "answer", "effect", "95 % interval"),
            rows=[row for effect in self.effects for row in _rows(effect)],
            notes=notes,
        )


def _rows(effect: LearntEffect) -> Iterator[tuple[object, ...]]:
    """The interval over all graphs, and below it that of each answer."""
    yield effect.contrast, "", "any of these", "", _from_to(effect.interval())
    for row in effect._rows:
        yield "", *row


def _counted(n: int, what: str) -> str:
    return f"1 {what}" if n == 1 else f"{n} {what}s"


def _from_to(interval: Interval) -> str:
    return " to ".join(map(format_value, interval))
