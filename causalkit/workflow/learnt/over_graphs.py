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

A treatment with several levels has one such effect for each contrast
(:class:`~causalkit.workflow.LearntEffects`), over the same graphs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from causalkit._core.progress import track
from causalkit.discovery import Knowledge
from causalkit.discovery.base import DiscoveryAlgorithm
from causalkit.discovery.bayesian.graph_posterior import GraphPosterior
from causalkit.discovery.series.base import SeriesAlgorithm
from causalkit.errors import CausalkitError, InputError
from causalkit.estimation import Effect, EffectEstimator, EffectSet
from causalkit.graph import CausalGraph, LaggedGraph
from causalkit.typing import Data, Name, RandomState
from causalkit.workflow.learnt.answers import Answer, answers_of
from causalkit.workflow.learnt.beside import check_beside, names_in, plain_name
from causalkit.workflow.learnt.data_sources import Algorithm, Source, source_of, variables_of
from causalkit.workflow.learnt.graph_set import GraphSet
from causalkit.workflow.learnt.learnt_contrasts import LearntEffects
from causalkit.workflow.learnt.learnt_result import LearntEffect
from causalkit.workflow.learnt.posterior_graphs import graphs_of_posterior

__all__ = ["learnt_effect"]

Graphs: TypeAlias = (
    GraphSet
    | GraphPosterior
    | CausalGraph
    | LaggedGraph
    | Sequence[CausalGraph]
    | Sequence[LaggedGraph]
)
"""Graphs to go over, as they can be given."""

_Estimates: TypeAlias = dict[Any, Effect | EffectSet]
"""What was estimated for each answer, by its key."""


def learnt_effect(
    data: Data,
    treatment: Name,
    outcome: Name,
    *,
    graphs: Graphs | Algorithm | None = None,
    knowledge: Knowledge | None = None,
    strategy: str | None = None,
    estimator: EffectEstimator | None = None,
    clusters: Any = None,
    sample_weight: Any = None,
    n_resamples: int = 200,
    window: float = 1.0,
    panel: Name | None = None,
    time: Name | None = None,
    mask: Name | None = None,
    random_state: RandomState = 0,
    n_jobs: int | None = None,
) -> LearntEffect | LearntEffects:
    """Estimate an effect over all graphs that the data leave possible.

    Parameters
    ----------
    data : DataFrame, 2-D ndarray, or dict of columns, n_rows by n_variables
        Or series, if the graphs have lags: one row a step, a list of frames, or a 3-D array.
    treatment, outcome : str or int
        Column names. Of series nodes, such as `"X[t-1]"` and `"Y"`, which is Y[t].
    graphs : GraphSet, GraphPosterior, graph, sequence of graphs, or algorithm, optional
        Graphs to go over, of equal weight if plain; or how to learn them. Left out, the search of
        :func:`~causalkit.workflow.analyze`. With LaggedGraphs, or an algorithm for series such as
        :class:`~causalkit.discovery.PCMCIPlus`, the data are read as series.
    knowledge : Knowledge, optional
        For the default search.
    strategy : str, optional
        How to identify; see :func:`~causalkit.identification.identify`. A class of graphs that has
        no answer by it is split into sub-classes that have; where there is no causal path, the
        effect is zero without it.
    estimator : EffectEstimator, optional
        Left out, chosen by each estimand. With `contrast="each"`, as for a treatment with
        categories if left out, every level is compared with the first.
    clusters, sample_weight : column name or array of shape (n_rows,), optional
        Of the estimation; a column named here is also left out of the graphs that are learnt. Of
        series `clusters=panel` only, and no weights.
    n_resamples, window
        As in :func:`~causalkit.workflow.possible_graphs`.
    panel, time, mask : str or int, optional
        For series, the columns that tell subjects apart, hold the time, and say which rows count as
        "now"; left out, those of the algorithm.
    random_state : int, Generator or None, default 0
    n_jobs : int, optional
        Parallel searches; never changes a number.

    Returns
    -------
    LearntEffect, or LearntEffects
        The latter if the estimator gives several contrasts: one LearntEffect for each. Where no
        graph has an effect, none is compared, and it is one effect, zero.

    Raises
    ------
    InputError
        If the arguments contradict each other, no graph gives an answer that can be estimated, the
        estimator gives means instead of effects, or not the same contrasts for all answers.

    Notes
    -----
    **Assumes:**

    - what :func:`~causalkit.workflow.possible_graphs` assumes, and that among the graphs it keeps
      there is one that gives the right answer;
    - for each answer, what its estimand and the estimator assume;
    - that rows are independent and count alike where graphs are learnt: clusters and weights are
      those of the estimates only.

    Each alternative has its own interval of the level asked for, and their hull misses the true
    effect at most as often as the right answer's own interval does, and where the right answer is
    not among them. No correction for their number is needed. With few resamples it is not among
    them more often: 100 are not too many.

    Examples
    --------
    Of series:

    >>> import numpy as np
    >>> from causalkit.discovery import PCMCIPlus
    >>> x, y = np.random.default_rng(0).normal(size=(2, 300))
    >>> for t in range(1, 300):
    ...     x[t] += 0.5 * x[t - 1]
    ...     y[t] += 0.4 * y[t - 1] + 0.6 * x[t - 1]
    >>> search = PCMCIPlus(max_lag=2)
    >>> answer = learnt_effect(
    ...     {"x": x, "y": y}, "x[t-1]", "y", graphs=search, n_resamples=20, random_state=0
    ... )
    >>> bool(0.6 in answer.interval())
    True
    """
    if knowledge is not None and graphs is not None:
        raise InputError(
            "knowledge was given beside graphs; expected it inside: in the algorithm, as "
            "PC(knowledge=...), or in the graphs."
        )
    clusters, sample_weight = plain_name(clusters), plain_name(sample_weight)
    check_beside(names_in(clusters, sample_weight), treatment, outcome)
    roles = {"panel": panel, "time": time, "mask": mask}
    source = source_of(data, graphs, roles, clusters=clusters, sample_weight=sample_weight)
    if graphs is None or isinstance(graphs, (DiscoveryAlgorithm, SeriesAlgorithm)):
        found = source.learnt(
            graphs,
            {
                "knowledge": knowledge,
                "n_resamples": n_resamples,
                "window": window,
                "asked": (treatment, outcome),
                "random_state": random_state,
                "n_jobs": n_jobs,
            },
        )
    else:
        found = _listed(graphs)
    return _over(found.plausible, source, treatment, outcome, strategy, estimator, random_state)


def _over(
    found: GraphSet,
    source: Source,
    treatment: Name,
    outcome: Name,
    strategy: str | None,
    estimator: EffectEstimator | None,
    random_state: RandomState,
) -> LearntEffect | LearntEffects:
    """Ask each graph, and estimate each different answer once."""
    observed = source.observed(found.graphs[0])
    answers: list[Answer] = []
    weights: list[float] = []
    for graph, share in zip(found.graphs, found.shares, strict=True):
        own = answers_of(graph, treatment, outcome, observed, strategy)
        answers += own
        weights += [float(share * answer.part) for answer in own]
    asked, total = _different(answers, weights)
    if not asked:
        raise InputError(
            f"none of the {len(found)} possible graphs identifies the effect of {treatment!r} on "
            f"{outcome!r}; expected one that does. See identify() on one of them for why."
        )
    effects, failures = _estimates(asked, source, estimator, random_state)
    place = {key: k for k, key in enumerate(effects)}
    answer_of = np.array([-1 if a.estimand is None else place.get(a.key, -2) for a in answers])
    contrasts = _contrasts(asked, effects)
    learnt = tuple(
        LearntEffect(
            treatment=_node(found.graphs[0], treatment),
            outcome=_node(found.graphs[0], outcome),
            alternatives=EffectSet(
                tuple(e.effects[k] if isinstance(e, EffectSet) else e for e in effects.values()),
                tuple(asked[key].label for key in effects),
                n_open=int((answer_of < 0).any()),
            ),
            weights=np.array([total[key] for key in effects]),
            graphs=found,
            worlds=tuple(answer.world for answer in answers),
            answer_of=answer_of,
            world_weights=np.array(weights),
            failures=failures,
            contrast=contrast,
        )
        for k, contrast in enumerate(contrasts or ("",))
    )
    return learnt[0] if contrasts is None else LearntEffects(learnt)


def _different(
    answers: Sequence[Answer], weights: Sequence[float]
) -> tuple[dict[Any, Answer], dict[Any, float]]:
    """One answer of each key, the heaviest first, and the weight of all that are like it."""
    found: dict[Any, Answer] = {}
    total: dict[Any, float] = {}
    for answer, weight in zip(answers, weights, strict=True):
        if answer.estimand is not None:
            found.setdefault(answer.key, answer)
            total[answer.key] = total.get(answer.key, 0.0) + weight
    return {key: found[key] for key in sorted(found, key=lambda key: -total[key])}, total


def _estimates(
    asked: Mapping[Any, Answer],
    source: Source,
    estimator: EffectEstimator | None,
    random_state: RandomState,
) -> tuple[_Estimates, dict[str, str]]:
    """The estimate of each answer; and of those without one, why."""
    effects: _Estimates = {}
    failures = {}
    for key, answer in track(asked.items(), total=len(asked), label="answers"):
        if answer.estimand is None:
            continue
        try:
            effects[key] = source.effect(answer.estimand, estimator, random_state)
        except CausalkitError as error:
            failures[answer.label] = str(error)
    if not effects:
        said = " ".join(f"{label}: {why}" for label, why in failures.items())
        raise InputError(f"no answer could be estimated. {said}")
    return effects, failures


def _contrasts(asked: Mapping[Any, Answer], effects: _Estimates) -> tuple[str, ...] | None:
    """What is compared, the same for all answers; None if each is one number.

    An answer without an effect is zero whatever is compared, so it has no say.
    """
    kinds: dict[tuple[str, ...] | None, str] = {}
    for key, effect in effects.items():
        if not isinstance(effect, EffectSet):
            if not effect.implied:
                kinds.setdefault(None, asked[key].label)
        elif effect.reading == "contrasts":
            kinds.setdefault(effect.labels, asked[key].label)
        else:
            raise InputError(
                f"the estimator gives {len(effect)} {effect.reading} for one answer; expected "
                "effects, since a graph without an effect says nothing of means. Choose an "
                "estimator of effects, such as AIPW() or PLR()."
            )
    if len(kinds) > 1:
        said = "; ".join(
            f"{answer}: {'one effect' if labels is None else ', '.join(labels)}"
            for labels, answer in kinds.items()
        )
        raise InputError(
            f"the answers do not compare the same ({said}); expected the same contrasts of all. "
            "Name one estimator that suits every answer, of one contrast or of each."
        )
    return next(iter(kinds), None)


def _listed(graphs: Any) -> GraphSet:
    """Graphs as a set, of equal weight if they are plain."""
    if isinstance(graphs, GraphSet):
        return graphs
    if isinstance(graphs, GraphPosterior):
        return graphs_of_posterior(graphs)
    alone = isinstance(graphs, (CausalGraph, LaggedGraph))
    found = (graphs,) if alone else tuple(graphs) if isinstance(graphs, Sequence) else ()
    kinds = {type(graph) for graph in found}
    if kinds not in ({CausalGraph}, {LaggedGraph}):
        raise InputError(
            f"graphs={graphs!r}; expected a GraphSet, a GraphPosterior, one or more "
            "CausalGraphs over the columns or LaggedGraphs over the series, or a discovery "
            "algorithm such as PC() or PCMCIPlus()."
        )
    if len({frozenset(variables_of(graph)) for graph in found}) > 1:
        raise InputError(
            "the graphs have different nodes; expected the same in all. Write a variable without "
            "an edge as a node, as in 'X -> Y; C'."
        )
    share = np.full(len(found), 1 / len(found))
    return GraphSet(found, share, np.full(len(found), np.nan))


def _node(graph: CausalGraph | LaggedGraph, name: Name) -> Name:
    """What is asked about; of series Y is Y[t]."""
    return graph.node(name) if isinstance(graph, LaggedGraph) else name
