"""`analyze`: from a table to an answer with its graph, its assumptions and its challenges.

The chain is four calls that anybody can make by hand, and `Analysis` keeps what each returned::

    search    = FLOP(knowledge=knowledge).fit(data)                 discover
    estimand  = identify(search.graph_, treatment, outcome)         identify
    effect    = estimand.estimate(data, estimator)                  estimate
    challenges = effect.refute()                                    challenge

What is decided here is kept in `Analysis.decisions`, each decision with its reason; what changes
how the answer is to be read, and what search and estimator warned about, is in its `notes`. If a
class of graphs leaves the effect open (an edge that is not oriented decides it), the answer is the
set of effects that the class allows; of a PAG it may hold members in which nothing is identified
(`n_open`). And where the graph was learnt from the same rows, `effect.interval()` takes it as given
and is too short by an unknown amount; `Analysis.interval()` goes over all graphs that the data
leave possible (:func:`~causalkit.workflow.learnt_effect`) and admits both uncertainties.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

from causalkit._core.table import column_names
from causalkit.discovery import Knowledge
from causalkit.discovery.base import DiscoveryAlgorithm
from causalkit.discovery.series.base import SeriesAlgorithm
from causalkit.errors import CausalkitWarning
from causalkit.estimation import EffectEstimator
from causalkit.graph import LaggedGraph
from causalkit.identification.query import GraphLike
from causalkit.refutation import refute
from causalkit.typing import Data, Name
from causalkit.workflow.analysis_result import Analysis
from causalkit.workflow.asked import check_names, settings_of
from causalkit.workflow.data_summary import fingerprint_of, summaries_of
from causalkit.workflow.decisions import about_challenges, about_estimate
from causalkit.workflow.dropouts import dropout_note
from causalkit.workflow.identified import estimand_of
from causalkit.workflow.redundant_columns import redundant_columns_note
from causalkit.workflow.rows_alike import rows_alike_note
from causalkit.workflow.searching import (
    Searched,
    effect_over_graphs,
    few_rows_note,
    searched_graph,
)
from causalkit.workflow.series_analysis import (
    graph_with_steps,
    is_of_series,
    nodes_asked,
    searched_series,
)

__all__ = ["analyze"]

_ESTIMATION: Final = (
    *("estimator", "clusters", "sample_weight", "random_state"),
    *("panel", "time", "mask"),
)
"""Settings that the estimate has, too."""

_Found = TypeVar("_Found")


def analyze(
    data: Data,
    treatment: Name,
    outcome: Name,
    *,
    graph: GraphLike | LaggedGraph | None = None,
    discovery: DiscoveryAlgorithm | SeriesAlgorithm | None = None,
    knowledge: Knowledge | None = None,
    strategy: str | None = None,
    estimator: EffectEstimator | None = None,
    checks: Iterable[Any] | None = None,
    clusters: Any = None,
    sample_weight: Any = None,
    n_resamples: int = 100,
    panel: Name | None = None,
    time: Name | None = None,
    mask: Name | None = None,
    random_state: int | None = 0,
    n_jobs: int | None = None,
) -> Analysis:
    """Discover, identify, estimate and challenge the effect of `treatment` on `outcome`.

    Parameters
    ----------
    data : DataFrame (pandas, polars, pyarrow), 2-D array or dict of columns, n_rows rows
        Or series, if the graph has steps: one row a step, a list of frames, or a 3-D array.
    treatment, outcome : str or int
        Column names. Of series nodes, such as `"X[t-1]"` and `"Y"`, which is Y[t].
    graph : CausalGraph, LaggedGraph, str or networkx graph, optional
        What is known already. Left out, the graph is learnt from the data. A text with nodes such
        as `X[t-1]` is a graph of series, unless these are columns of the data.
    discovery : DiscoveryAlgorithm or SeriesAlgorithm, optional
        How to learn it. Left out, `FLOP(knowledge=knowledge)` where all columns are numbers with
        more than two values, the more accurate of the two there, else `PC(test, alpha=0.01, …)`
        with a test that fits the columns.
    knowledge : Knowledge, optional
        Tiers, required and forbidden edges, for the default discovery.
    strategy : str, optional
        How to identify the effect; see :func:`~causalkit.identification.identify`. Left out, all
        that assume nothing but the graph are tried; "instrument" and "compliers" assume more.
    estimator : EffectEstimator, optional
        Left out, chosen by what was identified and the kind of treatment (see
        :func:`causalkit.estimation.estimate`).
    checks : iterable of refutation checks, optional
        Left out, all that apply.
    clusters, sample_weight : column name or array of shape (n_rows,), optional
        Groups of dependent rows, and weights of rows, of which the estimate takes account. A search
        does so by a test such as `Clustered(FisherZ(), "school")`, or a note says that it did not.
    n_resamples : int, default 100
        If the graph is learnt, how often each search is repeated to see which graphs the data leave
        possible; 0 for not at all. Tests that are slow are slow as often.
    panel, time, mask : str or int, optional
        For series, the columns that tell subjects apart, hold the time, and say which rows count as
        "now"; left out, those of the algorithm. For an estimator of panels, with a graph of the
        columns of a row, those of units and of periods.
    random_state : int, optional
        Seed of everything that is drawn. The default repeats; None does not.
    n_jobs : int, optional
        Parallel workers; never changes a number.

    Returns
    -------
    Analysis
        Of a treatment with categories it has one effect for each level against the first, and
        `interval(contrast=...)` is that of one of them.

    Raises
    ------
    InputError
        If the arguments contradict each other or the data cannot be used.
    NotIdentifiableError
        If the effect does not follow from the graph, and the graph is not a class of graphs of
        which members would answer: each one of a CPDAG, some of a PAG.

    Notes
    -----
    **Assumes:**

    - the graph is right, or the assumptions of the discovery algorithm hold (for FLOP and PC: no
      hidden common causes, no selection, no cycles, faithfulness, a score or a test that suits the
      data);
    - what the estimand lists: consistency, positivity, no hidden confounding beyond the graph;
    - with a learnt graph, `effect.interval()` does not include the uncertainty about the graph, and
      `interval()` does, if one of the graphs in `learnt` gives the right answer.

    Examples
    --------
    >>> import numpy as np
    >>> import causalkit as ck
    >>> rng = np.random.default_rng(0)
    >>> age = rng.normal(size=500)
    >>> dose = age + rng.normal(size=500)
    >>> health = 2 * dose - age + rng.normal(size=500)
    >>> data = {"age": age, "dose": dose, "health": health}
    >>> graph = ck.CausalGraph.parse("age -> dose -> health; age -> health")
    >>> analysis = ck.analyze(data, "dose", "health", graph=graph, checks=[])
    >>> lower, upper = analysis.effect.interval()
    >>> lower < 2 < upper
    True
    """
    settings = settings_of(
        {
            "graph": graph_with_steps(graph, data),
            "discovery": discovery,
            "knowledge": knowledge,
            "strategy": strategy,
            "estimator": estimator,
            "checks": checks,
            "clusters": clusters,
            "sample_weight": sample_weight,
            "n_resamples": n_resamples,
            "random_state": random_state,
            "panel": panel,
            "time": time,
            "mask": mask,
        }
    )
    return _chain(data, treatment, outcome, settings, n_jobs)


def _chain(
    data: Data, treatment: Name, outcome: Name, settings: Mapping[str, Any], n_jobs: int | None
) -> Analysis:
    """Take the four steps, and write down what was decided and said at each."""
    searched, said = _heard(lambda: _searched(data, treatment, outcome, settings))
    treatment, outcome = nodes_asked(searched, treatment, outcome)
    variables, algorithm = searched.variables, searched.algorithm
    estimand, notes, tried = estimand_of(
        searched.graph, treatment, outcome, variables, algorithm, settings["strategy"]
    )
    of_estimate = {name: settings[name] for name in _ESTIMATION}
    effect, more = _heard(lambda: estimand.estimate(data, **of_estimate))
    said += more
    over = effect_over_graphs(data, searched, estimand, effect, settings, n_jobs)
    redundant = () if algorithm is None else redundant_columns_note(variables)
    alike = rows_alike_note(settings, algorithm)
    held_fixed = getattr(estimand, "adjustment", None) or ()
    dropouts = dropout_note(variables, (treatment, outcome, *held_fixed), algorithm)
    challenges = refute(
        effect, settings["checks"], random_state=settings["random_state"], n_jobs=n_jobs
    )
    return Analysis(
        treatment=treatment,
        outcome=outcome,
        graph=searched.graph,
        discovery=algorithm,
        estimand=estimand,
        effect=effect,
        learnt=over.learnt,
        challenges=challenges,
        notes=(
            *notes,
            *over.notes,
            *alike,
            *few_rows_note(variables.n_rows),
            *redundant,
            *dropouts,
            *said,
        ),
        decisions=(
            *searched.decisions,
            *tried,
            *about_estimate(effect, settings),
            *over.decisions,
            *about_challenges(challenges, settings),
        ),
        graph_as_given=over.failure,
        settings=settings,
        data_summary=tuple(summaries_of(variables)),
        n_rows=variables.n_rows,
        fingerprint=fingerprint_of(variables),
    )


def _searched(data: Data, treatment: Name, outcome: Name, settings: Mapping[str, Any]) -> Searched:
    """The graph, of a table or of series, given or learnt."""
    if is_of_series(settings, data, treatment, outcome):
        return searched_series(data, settings, treatment, outcome)
    check_names(settings, column_names(data), treatment, outcome)
    return searched_graph(data, settings)


def _heard(step: Callable[[], _Found]) -> tuple[_Found, list[str]]:
    """What a step finds; and its warnings, which are let out, and causalkit's own written down."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        found = step()
    said = []
    for warning in heard:
        warnings.warn(warning.message, warning.category, stacklevel=4)  # at the call of `analyze`
        if issubclass(warning.category, CausalkitWarning):
            said.append(f"{warning.category.__name__}: {warning.message}")
    return found, said
