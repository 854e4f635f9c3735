"""The effect when the graph was learnt: an interval that admits it.

After discovery, the usual interval is that of the effect *given* the graph. Where the graph is
wrong it is an interval around something else: with a weak confounder that a search overlooks, 95 %
intervals have been seen to cover in 4 of 100 data sets, and splitting the sample does not help,
because the second half does not make the graph of the first half right.

`learnt_effect` asks the question of every graph that the data leave possible
(:func:`~causalkit.workflow.possible_graphs`). Each graph gives one or several answers (adjust for
this, adjust for that, no effect), each different answer is estimated once, by the estimator that
you choose, and the interval is the hull of all their intervals. If one of the graphs is right in
what matters, namely which answer is valid, the interval covers as often as that answer's own.

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> ability = rng.normal(size=1000)
>>> school = 0.1 * ability + rng.normal(size=1000)
>>> wage = 0.5 * school + 0.8 * ability + rng.normal(size=1000)
>>> data = {"ability": ability, "school": school, "wage": wage}
>>> answer = learnt_effect(data, "school", "wage", n_resamples=20, random_state=0)
>>> lower, upper = answer.interval()
>>> bool(lower < 0.5 < upper)
True
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import norm

from causalkit._core.report import Report, Reported, format_value
from causalkit._core.table import as_table, column_names
from causalkit.discovery import Knowledge
from causalkit.discovery.base import DiscoveryAlgorithm
from causalkit.errors import CausalkitError, InputError
from causalkit.estimation import Effect, EffectEstimator, EffectSet
from causalkit.estimation.effect import Interval
from causalkit.graph import CausalGraph
from causalkit.typing import Data, FloatArray, IntArray, Name, RandomState
from causalkit.workflow.learnt.answers import Answer, answers_of
from causalkit.workflow.learnt.graph_set import GraphSet, possible_graphs

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LearntEffect", "learnt_effect"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LearntEffect(Reported):
    """One effect, over all graphs that the data leave possible.

    Attributes
    ----------
    treatment, outcome : str or int
    alternatives : EffectSet
        One effect for each different answer; `alternatives.n_open` counts answers that no data
        give, because the effect is not identified there.
    weights : ndarray of shape (k,)
        Share of the searches, of those whose graph was kept, that lead to each; with the open ones
        they add up to one. Where one class of graphs has several answers, they have equal parts of
        its share.
    graphs : GraphSet
        Those that were kept.
    worlds : tuple of CausalGraph
        The graphs, classes with several answers split into the sub-classes that have one.
    answer_of : ndarray of int, shape (n_worlds,)
        Which alternative holds in each; -1 where it is open.
    world_weights : ndarray of shape (n_worlds,)
        Shares of the worlds.
    failures : mapping of str to str
        Answers that could not be estimated, and why; they are open, too.
    """

    treatment: Name
    outcome: Name
    alternatives: EffectSet
    weights: FloatArray
    graphs: GraphSet
    worlds: tuple[CausalGraph, ...]
    answer_of: IntArray
    world_weights: FloatArray
    failures: Mapping[str, str] = field(default_factory=dict)

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

    def ends(self, level: float = 0.95) -> FloatArray:
        """Ends of the interval of each alternative, shape (k, 2); of "no effect", zero twice."""
        return np.array([_ends(effect, level) for effect in self.alternatives])

    @property
    def value(self) -> float:
        """Mean of the alternatives by their weights; of those that are open nothing is known."""
        return float(self._shares @ self.alternatives.values)

    def probability(self, sign: str) -> float:
        """Share of the kept graphs' searches, and of chance within each, with this sign.

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
            None if no edge matters.
        """
        frame = self.value_of_edges(level)
        if not len(frame) or not frame["gain"].iloc[0] > 0:
            return None
        return frame["a"].iloc[0], frame["b"].iloc[0]

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
            f"Effect of {self.treatment} on {self.outcome}: {smallest} to {largest} by "
            f"{len(self.alternatives)} answers of {len(self.graphs)} possible graphs "
            f"(95 % interval {_from_to(self.interval())})"
        )

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
        if self.alternatives.n_open:
            notes.append("Some graphs leave the effect open, so nothing bounds it.")
        notes += [f"Not estimated: {label}. {why}" for label, why in self.failures.items()]
        if edge is not None:
            pair = " and ".join(map(str, edge))
            notes.append(f"To know which edge joins {pair} would narrow the interval most.")
        return Report(
            title=f"Effect of {self.treatment} on {self.outcome}, the graph being learnt",
            facts=[
                ("graphs", f"{len(self.graphs)} possible, {len(self.alternatives)} answers"),
                ("95 % interval", _from_to(self.interval())),
                ("no effect", f"in {self.probability('zero'):.0%} of their searches"),
                ("uncertainty", f"{share:.0%} of the variance is between graphs"),
            ],
            columns=("weight", "answer", "effect", "95 % interval"),
            rows=[
                (
                    f"{self.weights[k]:.2f}",
                    self.alternatives.labels[k],
                    effect.value,
                    "–" if effect.implied else _from_to(effect.interval()),
                )
                for k, effect in list(enumerate(self.alternatives))[:8]
            ],
            notes=notes,
        )


def learnt_effect(
    data: Data,
    treatment: Name,
    outcome: Name,
    *,
    graphs: GraphSet | Sequence[CausalGraph] | DiscoveryAlgorithm | None = None,
    knowledge: Knowledge | None = None,
    strategy: str | None = None,
    estimator: EffectEstimator | None = None,
    clusters: Any = None,
    sample_weight: Any = None,
    n_resamples: int = 200,
    window: float = 2.0,
    random_state: RandomState = None,
    n_jobs: int | None = None,
) -> LearntEffect:
    """Estimate an effect over all graphs that the data leave possible.

    Parameters
    ----------
    data : DataFrame, 2-D ndarray, or dict of columns, n_rows by n_variables
    treatment, outcome : str or int
        Column names.
    graphs : GraphSet, sequence of CausalGraph, or DiscoveryAlgorithm, optional
        Graphs to go over, of equal weight if plain; or how to learn them. Left out, the search of
        :func:`~causalkit.workflow.analyze`.
    knowledge : Knowledge, optional
        For the default search.
    strategy : str, optional
        How to identify; see :func:`~causalkit.identification.identify`.
    estimator : EffectEstimator, optional
        Left out, chosen by each estimand.
    clusters, sample_weight : column name or array of shape (n_rows,), optional
        Of the estimation; a column named here is also left out of the graphs that are learnt.
    n_resamples, window
        As in :func:`~causalkit.workflow.possible_graphs`.
    random_state : int, Generator or None
    n_jobs : int, optional
        Parallel searches; never changes a number.

    Returns
    -------
    LearntEffect

    Notes
    -----
    **Assumes:**

    - what :func:`~causalkit.workflow.possible_graphs` assumes, and that among the graphs it keeps
      there is one that gives the right answer;
    - for each answer, what its estimand and the estimator assume.

    Each alternative has its own interval of the level asked for, and their hull misses the true
    effect at most as often as the right answer's own interval does, and where the right answer is
    not among them. No correction for their number is needed. With few resamples it is not among
    them more often: 100 are not too many.
    """
    if knowledge is not None and graphs is not None:
        raise InputError(
            "knowledge was given beside graphs; expected it inside: in the algorithm, as "
            "PC(knowledge=...), or in the graphs."
        )
    if isinstance(graphs, GraphSet):
        found = graphs
    elif graphs is None or isinstance(graphs, DiscoveryAlgorithm):
        beside = {name for name in (clusters, sample_weight) if isinstance(name, (str, int))}
        kept = [name for name in column_names(data) if name not in beside]
        found = possible_graphs(
            as_table(data, columns=kept),
            graphs,
            knowledge=knowledge,
            n_resamples=n_resamples,
            window=window,
            random_state=random_state,
            n_jobs=n_jobs,
        )
    else:
        listed = _listed(graphs)
        equal = np.full(len(listed), 1 / len(listed))
        found = GraphSet(listed, equal, np.full(len(listed), np.nan))
    found = found.plausible
    columns = set(column_names(data))
    observed = tuple(name for name in found.graphs[0].nodes if name in columns)
    asked: dict[Any, Answer] = {}
    total: dict[Any, float] = {}
    answers, weights = [], []
    for graph, share in zip(found.graphs, found.shares, strict=True):
        for answer in answers_of(graph, treatment, outcome, observed, strategy):
            weight = float(share * answer.part)
            answers.append(answer)
            weights.append(weight)
            if answer.estimand is not None:
                asked.setdefault(answer.key, answer)
                total[answer.key] = total.get(answer.key, 0.0) + weight
    if not asked:
        raise InputError(
            f"none of the {len(found)} possible graphs identifies the effect of {treatment!r} on "
            f"{outcome!r}; expected one that does. See identify() on one of them for why."
        )
    settings = {
        "clusters": clusters,
        "sample_weight": sample_weight,
        "random_state": random_state,
    }
    effects, failures = {}, {}
    for key in sorted(asked, key=lambda key: -total[key]):
        try:
            effects[key] = _estimated(asked[key], data, estimator, settings)
        except CausalkitError as error:
            failures[asked[key].label] = str(error)
    if not effects:
        raise InputError(f"no answer could be estimated: {failures}")
    place = {key: k for k, key in enumerate(effects)}
    answer_of = np.array([place.get(answer.key, -1) for answer in answers])
    return LearntEffect(
        treatment=treatment,
        outcome=outcome,
        alternatives=EffectSet(
            tuple(effects.values()),
            tuple(asked[key].label for key in effects),
            n_open=int((answer_of < 0).any()),
        ),
        weights=np.array([total[key] for key in effects]),
        graphs=found,
        worlds=tuple(answer.world for answer in answers),
        answer_of=answer_of,
        world_weights=np.array(weights),
        failures=failures,
    )


def _listed(graphs: Any) -> tuple[CausalGraph, ...]:
    found = tuple(graphs) if isinstance(graphs, Sequence) else ()
    if not found or not all(isinstance(graph, CausalGraph) for graph in found):
        raise InputError(
            f"graphs={graphs!r}; expected a GraphSet, one or more CausalGraphs over the columns, "
            "or a discovery algorithm for tables such as PC()."
        )
    if len({frozenset(graph.nodes) for graph in found}) > 1:
        raise InputError(
            "the graphs have different nodes; expected the same in all. Write a variable without "
            "an edge as a node, as in 'X -> Y; C'."
        )
    return found


def _estimated(
    answer: Answer, data: Data, estimator: EffectEstimator | None, settings: dict[str, Any]
) -> Effect:
    if answer.estimand is None:
        raise InputError("nothing identifies it.")
    found = answer.estimand.estimate(data, estimator, **settings)
    if isinstance(found, EffectSet):
        raise InputError(
            f"the estimator gives {len(found)} effects for one answer; expected one number. Choose "
            "a treatment with two levels or a number, and an estimator of one contrast."
        )
    return found


def _from_to(interval: Interval) -> str:
    return " to ".join(map(format_value, interval))


def _ends(effect: Effect, level: float) -> tuple[float, float]:
    """Ends of the interval; of an effect that the graph implies, the point that it is."""
    if effect.implied:
        return effect.value, effect.value
    lower, upper = effect.interval(level)
    return lower, upper
