"""`LearntEffect`: one effect over all graphs that may be right, and what its width is made of.

Each answer that some graph gives has its own estimate and interval. The interval of all of them is
their hull, which covers as often as the right answer's own interval does, if the right answer is
among them. How much of it comes from not knowing the graph, and which edge would narrow it most,
can be asked, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import norm

from causalkit._core.report import Report, Reported, format_value
from causalkit.errors import InputError
from causalkit.estimation import Effect, EffectSet
from causalkit.estimation.asked_in_words import sides_of
from causalkit.estimation.effect import Interval
from causalkit.graph import CausalGraph, LaggedGraph
from causalkit.typing import FloatArray, IntArray, Name
from causalkit.workflow.learnt.averaging import averaged_interval
from causalkit.workflow.learnt.graph_set import GraphSet

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LearntEffect"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LearntEffect(Reported):
    """One effect, over all graphs that the data leave possible.

    Attributes
    ----------
    treatment, outcome : str or int
        Of series nodes, such as X[t-1] and Y[t].
    alternatives : EffectSet
        One effect for each different answer; `alternatives.n_open` counts answers that no data
        give, because the effect is not identified there.
    weights : ndarray of shape (k,)
        Share of the searches, of those whose graph was kept, that lead to each; with the open ones
        they add up to one. Where one class of graphs has several answers, they have equal parts of
        its share.
    graphs : GraphSet
        Those that were kept.
    worlds : tuple of CausalGraph, or of LaggedGraph
        The graphs, classes with several answers split into the sub-classes that have one.
    answer_of : ndarray of int, shape (n_worlds,)
        Which alternative holds in each; -1 where the effect is not identified, -2 where its
        answer could not be estimated. Both are open.
    world_weights : ndarray of shape (n_worlds,)
        Shares of the worlds.
    failures : mapping of str to str
        Answers that could not be estimated, and why; they are open, too.
    contrast : str
        What is compared, if it is one of several (:class:`~causalkit.workflow.LearntEffects`).
    """

    treatment: Name
    outcome: Name
    alternatives: EffectSet
    weights: FloatArray
    graphs: GraphSet
    worlds: tuple[CausalGraph | LaggedGraph, ...]
    answer_of: IntArray
    world_weights: FloatArray
    failures: Mapping[str, str] = field(default_factory=dict)
    contrast: str = ""

    def interval(self, level: float = 0.95, *, covers: str = "effect") -> Interval:
        """Hull of the intervals of all alternatives: structural and sampling uncertainty together.

        Parameters
        ----------
        level : float
        covers : {"effect", "set"}
            Whether it covers the true effect that often, or all alternatives at once.

        Returns
        -------
        Interval
            The whole line if some graph leaves the effect open.

        Notes
        -----
        **Assumes:** one of the kept graphs gives the right answer. How often that is so on data
        like yours, :func:`~causalkit.workflow.certify` measures.
        """
        return self.alternatives.interval(level, covers=covers)

    def pieces(self, level: float = 0.95) -> tuple[Interval, ...]:
        """The union of the intervals, as disjoint pieces from left to right.

        It covers as often as the hull, and shows where between two answers nothing lies.

        Parameters
        ----------
        level : float
        """
        if self.alternatives.n_open:
            return (self.interval(level),)
        merged: list[list[float]] = []
        for lower, upper in sorted(self.ends(level).tolist()):
            if merged and lower <= merged[-1][1]:
                merged[-1][1] = max(merged[-1][1], upper)
            else:
                merged.append([lower, upper])
        return tuple(Interval(lower, upper, level) for lower, upper in merged)

    def averaged(self, level: float = 0.95) -> Interval:
        """Equal-tailed interval of all alternatives, mixed by their weights.

        Shorter than the hull, since what is improbable is cut off.

        Parameters
        ----------
        level : float

        Returns
        -------
        Interval
            The whole line if answers that are open have more weight than a tail.

        Notes
        -----
        **Assumes:** the weights are probabilities, as those of a posterior over graphs are. It then
        holds the effect with probability `level`, over graphs and data together: a credible
        interval. Shares of searches on resamples are no probabilities, and how often it then covers
        nothing promises.

        References
        ----------
        Hoeting, Madigan, Raftery and Volinsky (1999), Statistical Science 14, 382-417.
        doi:10.1214/ss/1009212519
        """
        effects = self.alternatives
        return averaged_interval(
            effects.values,
            effects.std_errors,
            [effect.implied for effect in effects],
            self.weights / self.world_weights.sum(),
            level,
        )

    def ends(self, level: float = 0.95) -> FloatArray:
        """Ends of the interval of each alternative, shape (k, 2); of "no effect", zero twice."""
        return np.array([_ends(effect, level) for effect in self.alternatives])

    @property
    def value(self) -> float:
        """Mean of the alternatives by their weights; of those that are open nothing is known."""
        return float(self._shares @ self.alternatives.values)

    def probability(self, sign: str) -> float:
        """Share of the searches whose graph was kept, and of chance within each, with this sign.

        Parameters
        ----------
        sign : {"positive", "negative", "zero"}
            Zero: the graph has no causal path from treatment to outcome.

        Notes
        -----
        A summary of what searches on resamples would have said, not a posterior probability. Where
        the effect is open it has no sign, so the three need not add up to one.
        """
        total = 0.0
        for share, effect in zip(self.weights, self.alternatives, strict=True):
            if sign == "zero":
                total += share * effect.implied
            elif sign in ("positive", "negative"):
                if not effect.implied:
                    sure = float(np.copysign(np.inf, effect.value))
                    z = effect.value / effect.std_error if effect.std_error > 0 else sure
                    total += share * float(norm.cdf(z if sign == "positive" else -z))
            else:
                raise InputError(f"sign={sign!r}; expected 'positive', 'negative' or 'zero'.")
        return float(total)

    def variance(self) -> dict[str, float]:
        """Variance of the answer, in two parts: "structural", between graphs, and "sampling".

        Returns
        -------
        dict
            Their sum is the variance of an answer drawn by the weights and then from its own
            normal distribution. The first is infinite where some graph leaves the effect open.
        """
        values, errors = self.alternatives.values, self.alternatives.std_errors
        between = float(self._shares @ (values - self.value) ** 2)
        if self.alternatives.n_open:
            between = float("inf")
        within = float(self._shares @ np.nan_to_num(errors) ** 2)
        return {"structural": between, "sampling": within}

    def value_of_edges(self, level: float = 0.95) -> pd.DataFrame:
        """What it would be worth to know, of each pair of variables, which edge joins them.

        Parameters
        ----------
        level : float

        Returns
        -------
        DataFrame
            One row a pair whose edge differs between the worlds, the most valuable first: the edge
            most often found and its share, the mean length of the interval once the edge were
            known (over what it might turn out to be), and by how much shorter that is than now.
        """
        from causalkit.workflow.learnt.edge_values import value_of_edges

        return value_of_edges(self, level)

    def most_valuable_edge(self, level: float = 0.95) -> tuple[Name, Name] | None:
        """Pair of variables whose edge to ask about, or to decide by an experiment, first.

        Parameters
        ----------
        level : float

        Returns
        -------
        tuple of two names, or None
            None if no edge matters, or if none stands out: of searches drawn again from those that
            were made, the one that comes first would often be another. `value_of_edges` has all.
        """
        from causalkit.workflow.learnt.edge_values import standing_out

        best = standing_out(self, level)
        return None if best is None else (best["a"], best["b"])

    def to_frame(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row an alternative: weight, effect, error, interval."""
        frame = self.alternatives.to_frame(level)
        frame.insert(0, "weight", self.weights)
        return frame

    @property
    def sentence(self) -> str:
        """The result in one sentence."""
        smallest, largest = map(format_value, self.alternatives.range)
        return (
            f"{self._question}: {smallest} to {largest} by "
            f"{len(self.alternatives)} answers of {len(self.graphs)} possible graphs "
            f"(95 % interval {_from_to(self.interval())})"
        )

    @property
    def _question(self) -> str:
        treatment, outcome = sides_of(self.alternatives)
        if self.contrast:
            treatment = f"{self.treatment} ({self.contrast})"
        return f"Effect of {treatment} on {outcome}"

    @property
    def _unidentified(self) -> bool:
        """Whether there are graphs in which no data give the effect."""
        return bool((self.answer_of == -1).any())

    @property
    def _failed(self) -> list[tuple[str, list[str]]]:
        """Why answers could not be estimated, and which."""
        found: dict[str, list[str]] = {}
        for label, why in self.failures.items():
            found.setdefault(why, []).append(label)
        return list(found.items())

    @property
    def _shares(self) -> FloatArray:
        shares: FloatArray = self.weights / self.weights.sum()
        return shares

    def _report(self) -> Report:
        spread = self.variance()
        total = sum(spread.values())
        between = spread["structural"]
        share = 1.0 if np.isinf(between) else between / total if total > 0 else 0.0
        edge = self.most_valuable_edge()
        notes = []
        if self._unidentified:
            notes.append("Some graphs leave the effect open, so nothing bounds it.")
        elif self.failures:
            notes.append("Some answers could not be estimated, so nothing bounds the effect.")
        notes += [f"Not estimated: {', '.join(which)}. {why}" for why, which in self._failed]
        if edge is not None:
            pair = " and ".join(map(str, edge))
            notes.append(f"To know which edge joins {pair} would narrow the interval most.")
        return Report(
            title=f"{self._question}, the graph being learnt",
            facts=[
                ("graphs", f"{len(self.graphs)} possible, {len(self.alternatives)} answer(s)"),
                ("95 % interval", _from_to(self.interval())),
                ("no effect", f"in {self.probability('zero'):.0%} of their searches"),
                ("uncertainty", f"{share:.0%} of the variance is between graphs"),
            ],
            columns=("weight", "answer", "effect", "95 % interval"),
            rows=self._rows,
            notes=notes,
        )

    @property
    def _rows(self) -> list[tuple[object, ...]]:
        """The answers with most weight, for a table."""
        return [
            (
                f"{self.weights[k]:.2f}",
                self.alternatives.labels[k],
                effect.value,
                "–" if effect.implied else _from_to(effect.interval()),
            )
            for k, effect in list(enumerate(self.alternatives))[:8]
        ]


def _from_to(interval: Interval) -> str:
    return " to ".join(map(format_value, interval))


def _ends(effect: Effect, level: float) -> tuple[float, float]:
    """Ends of the interval; of an effect that the graph implies, the point that it is."""
    if effect.implied:
        return effect.value, effect.value
    lower, upper = effect.interval(level)
    return lower, upper
