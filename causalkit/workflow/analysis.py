"""`analyze`: from a table to an answer with its graph, its assumptions and its challenges.

The chain is four calls that anybody can make by hand, and `Analysis` keeps what each returned::

    search    = FLOP(knowledge=knowledge).fit(data)                 discover
    estimand  = identify(search.graph_, treatment, outcome)         identify
    effect    = estimand.estimate(data, estimator)                  estimate
    challenges = effect.refute()                                    challenge

What is decided here, and what the estimator warned about, is said in `Analysis.notes`. If a class
of graphs leaves the effect open (an edge that is not oriented decides it), the answer is the set of
effects that the class allows; of a PAG it may hold members in which nothing is identified
(`n_open`). And where the graph was learnt from the same rows, `effect.interval()` takes it
as given and is too short by an unknown amount; `Analysis.interval()` goes over all graphs that the
data leave possible (:func:`~causalkit.workflow.learnt_effect`) and admits both uncertainties.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone

from causalkit._core.checks import check_count
from causalkit._core.report import Report, Reported
from causalkit._core.table import Table, as_table, column_names
from causalkit.discovery import Knowledge
from causalkit.discovery.base import DiscoveryAlgorithm
from causalkit.errors import (
    CausalkitError,
    CausalkitWarning,
    InputError,
    UnknownVariableError,
)
from causalkit.estimation import Effect, EffectEstimator, EffectSet
from causalkit.estimation.effect import Interval
from causalkit.graph import CausalGraph
from causalkit.identification import (
    Estimand,
)
from causalkit.identification.query import GraphLike, as_graph
from causalkit.refutation import Challenges, refute
from causalkit.typing import Data, Name
from causalkit.workflow.data_summary import fingerprint_of, summaries_of
from causalkit.workflow.identified import estimand_of
from causalkit.workflow.learnt.graph_set import default_algorithm, possible_graphs
from causalkit.workflow.learnt.over_graphs import LearntEffect, learnt_effect

if TYPE_CHECKING:
    import pandas as pd

    from causalkit.workflow.certificates.certificate import Certificate

__all__ = ["Analysis", "analyze"]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Analysis(Reported):
    """What the chain found, and what it was told.

    Attributes
    ----------
    treatment, outcome : str or int
    graph : CausalGraph
        Given or learnt.
    discovery : DiscoveryAlgorithm or None
        The fitted algorithm; None if the graph was given.
    estimand : Estimand
    effect : Effect or EffectSet
        Its interval takes the graph as given.
    learnt : LearntEffect or None
        The effect over all graphs that the data leave possible; None if the graph was given.
    challenges : Challenges
    notes : tuple of str
        Decisions that were made on the way and that change how the answer is to be read.
    settings : mapping
        The arguments of the call, for the code that reruns it.
    data_summary : tuple of mappings
        One a column: name, kind, missing cells, mean, standard deviation, minimum, maximum.
    n_rows : int
    fingerprint : str
        SHA-256 of names and values, to recognise the data again.
    """

    treatment: Name
    outcome: Name
    graph: CausalGraph
    discovery: DiscoveryAlgorithm | None
    estimand: Estimand
    effect: Effect | EffectSet
    learnt: LearntEffect | None
    challenges: Challenges
    notes: tuple[str, ...]
    settings: Mapping[str, Any]
    data_summary: tuple[Mapping[str, Any], ...]
    n_rows: int
    fingerprint: str

    def interval(self, level: float = 0.95) -> Interval:
        """Interval with structural and sampling uncertainty, if the graph was learnt.

        Parameters
        ----------
        level : float

        Returns
        -------
        Interval
            That of `learnt`; of a given graph, with `n_resamples=0`, or where `notes` say why there
            is no `learnt`, that of `effect`.
        """
        return (self.effect if self.learnt is None else self.learnt).interval(level)

    def to_html(
        self, path: str | Path | None = None, *, certificate: Certificate | None = None
    ) -> str:
        """Render one self-contained HTML page; write it to `path` if one is given.

        Parameters
        ----------
        path : str or Path, optional
        certificate : Certificate, optional
            Of this analysis, from :func:`~causalkit.workflow.certify`, to be shown in it.

        Returns
        -------
        str
            The page.
        """
        from causalkit.report import render

        page = render(self, certificate)
        if path is not None:
            Path(path).write_text(page, encoding="utf-8")
        return page

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as plain values that JSON can hold."""
        from causalkit.report import to_plain

        return to_plain(self)

    def code(self) -> str:
        """Python code that runs this analysis again on `data`."""
        from causalkit.report import rerun_code

        return rerun_code(self)

    def to_frame(self) -> pd.DataFrame:
        """Return the effect (or each possible effect) as a one-row-each table."""
        return self.effect.to_frame()

    def _repr_html_(self) -> str:
        return "".join(part._repr_html_() for part in (self.estimand, self.effect, self.challenges))

    def _report(self) -> Report:
        how = "given" if self.discovery is None else f"learnt by {type(self.discovery).__name__}"
        return Report(
            title=f"Effect of {self.treatment} on {self.outcome}",
            facts=[
                ("rows", self.n_rows),
                ("graph", f"{self.graph.kind.name}, {len(self.graph)} variables, {how}"),
                ("estimand", str(self.estimand.expression)),
                ("answer", self.effect.sentence),
                *([] if self.learnt is None else [("over graphs", self.learnt.sentence)]),
                ("challenges", self.challenges.summary),
            ],
            notes=self.notes,
        )


def analyze(
    data: Data,
    treatment: Name,
    outcome: Name,
    *,
    graph: GraphLike | None = None,
    discovery: DiscoveryAlgorithm | None = None,
    knowledge: Knowledge | None = None,
    strategy: str | None = None,
    estimator: EffectEstimator | None = None,
    checks: Iterable[Any] | None = None,
    clusters: Any = None,
    sample_weight: Any = None,
    n_resamples: int = 100,
    random_state: int | None = 0,
    n_jobs: int | None = None,
) -> Analysis:
    """Discover, identify, estimate and challenge the effect of `treatment` on `outcome`.

    Parameters
    ----------
    data : DataFrame (pandas, polars, pyarrow), 2-D array or dict of columns, n_rows rows
    treatment, outcome : str or int
        Column names.
    graph : CausalGraph, str or networkx graph, optional
        What is known already. Left out, the graph is learnt from the data.
    discovery : DiscoveryAlgorithm, optional
        How to learn it. Left out, `FLOP(knowledge=knowledge)` where all columns are numbers with
        more than two values, the more accurate of the two there, else `PC(alpha=0.01, …)`.
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
        Groups of dependent rows, and weights of rows.
    n_resamples : int, default 100
        If the graph is learnt, how often each search is repeated to see which graphs the data leave
        possible; 0 for not at all. Tests that are slow are slow as often.
    random_state : int, optional
        Seed of everything that is drawn. The default repeats; None does not.
    n_jobs : int, optional
        Parallel workers; never changes a number.

    Returns
    -------
    Analysis

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
    _check_arguments(graph, discovery, knowledge)
    graph = None if graph is None else as_graph(graph)
    settings = {
        "graph": graph,
        "discovery": discovery,
        "knowledge": knowledge,
        "strategy": strategy,
        "estimator": estimator,
        "checks": checks,
        "clusters": clusters,
        "sample_weight": sample_weight,
        "n_resamples": check_count(n_resamples, "n_resamples", minimum=2 if n_resamples else 0),
        "random_state": random_state,
    }
    columns = column_names(data)
    for name in (treatment, outcome):
        if name not in columns:
            raise UnknownVariableError.among(name, columns)
        if graph is not None and name not in graph.nodes:
            raise UnknownVariableError.among(name, graph.nodes, where="the graph")
    algorithm: DiscoveryAlgorithm | None = None
    if graph is None:
        # Clusters and weights say how the rows were drawn; they are no variables of the system.
        beside = {name for name in (clusters, sample_weight) if isinstance(name, (str, int))}
        _check_beside(beside, treatment, outcome)
        labels = () if discovery is None else discovery._labels()
        kept = [name for name in columns if name not in beside]
        variables = as_table(data, columns=kept, labels=labels)
        # A copy: an algorithm that is fitted again elsewhere must not change what is kept here.
        algorithm = (
            default_algorithm(variables, knowledge) if discovery is None else clone(discovery)
        )
        graph = algorithm.fit(variables).graph_
    else:
        variables = as_table(data, columns=[name for name in graph.nodes if name in columns])
    estimand, notes = estimand_of(graph, treatment, outcome, variables, algorithm, strategy)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        effect = estimand.estimate(
            data,
            estimator,
            clusters=clusters,
            sample_weight=sample_weight,
            random_state=random_state,
        )
    said = _passed_on(heard)
    learnt, why = None, list[str]()
    if algorithm is not None and n_resamples:
        learnt, why = _over_graphs(data, variables, algorithm, estimand, settings, n_jobs)
    return Analysis(
        treatment=treatment,
        outcome=outcome,
        graph=graph,
        discovery=algorithm,
        estimand=estimand,
        effect=effect,
        learnt=learnt,
        challenges=refute(effect, checks, random_state=random_state, n_jobs=n_jobs),
        notes=(*notes, *why, *said),
        settings=settings,
        data_summary=tuple(summaries_of(variables)),
        n_rows=variables.n_rows,
        fingerprint=fingerprint_of(variables),
    )


def _over_graphs(
    data: Data,
    variables: Table,
    algorithm: DiscoveryAlgorithm,
    estimand: Estimand,
    settings: Mapping[str, Any],
    n_jobs: int | None,
) -> tuple[LearntEffect | None, list[str]]:
    """The effect over all graphs that the data leave possible; or why there is none."""
    query = estimand.query
    try:
        with warnings.catch_warnings():  # of the effect itself they have been heard
            warnings.simplefilter("ignore", CausalkitWarning)
            graphs = possible_graphs(
                variables,
                clone(algorithm),
                n_resamples=settings["n_resamples"],
                random_state=settings["random_state"],
                n_jobs=n_jobs,
            )
            own = ("strategy", "estimator", "clusters", "sample_weight", "random_state")
            found = learnt_effect(
                data,
                query.treatment[0],
                query.outcome[0],
                graphs=graphs,
                **{name: settings[name] for name in own},
            )
    except CausalkitError as error:
        return None, [f"No interval over other possible graphs: {error}"]
    if estimand.graph in graphs.graphs and estimand.graph not in found.graphs.graphs:
        place = graphs.graphs.index(estimand.graph)
        below = float(np.nanmax(graphs.scores) - graphs.scores[place])
        return found, [
            f"The learnt graph itself scores {below:.3g} below the best that was found, in "
            "log-likelihood, which rules it out: read interval(), and look for a better search."
        ]
    return found, []


def _passed_on(heard: Iterable[warnings.WarningMessage]) -> list[str]:
    """Let out every warning of the estimation, and write down causalkit's own."""
    said = []
    for warning in heard:
        warnings.warn(warning.message, warning.category, stacklevel=3)
        if issubclass(warning.category, CausalkitWarning):
            said.append(f"{warning.category.__name__}: {warning.message}")
    return said


def _check_arguments(
    graph: Any, discovery: DiscoveryAlgorithm | None, knowledge: Knowledge | None
) -> None:
    """One source of the graph, and knowledge where it is used."""
    if graph is not None and (discovery is not None or knowledge is not None):
        raise InputError(
            "both a graph and a way to learn one were given; expected one of them. Leave out "
            "`graph`, or leave out `discovery` and `knowledge`."
        )
    if discovery is not None and knowledge is not None:
        raise InputError(
            "knowledge was given beside a discovery algorithm; expected it inside. "
            f"Write discovery={type(discovery).__name__}(knowledge=...)."
        )
    if discovery is not None and not isinstance(discovery, DiscoveryAlgorithm):
        raise InputError(
            f"discovery={discovery!r}; expected a discovery algorithm such as PC(alpha=0.01), an "
            "object, not a class or a name."
        )


def _check_beside(beside: set[str | int], treatment: Name, outcome: Name) -> None:
    for name in sorted(beside.intersection((treatment, outcome)), key=str):
        raise InputError(
            f"{name!r} is asked about and is also the clusters or the weights; expected "
            "another column. Copy it under a second name if it must serve as both."
        )
