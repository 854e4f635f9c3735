"""The algorithm that is fitted again and again: what it reads, what it knows, what its nodes are.

Most algorithms take every column for a variable. A test may reserve columns, a score the one that
says upon what was intervened, CD-NOD has a domain or a time, causal de Finetti and a search with
unknown targets environments, and rows have to be drawn with these: rows within their domains, or
environments as a whole. So such columns are read once, as labels or numbers that rows can be drawn
of.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np

from causalkit._core.moments import Moments
from causalkit._core.streams import is_stream
from causalkit._core.table import Table, as_table, column_names
from causalkit.discovery._setup import as_knowledge, as_test
from causalkit.discovery.base import DiscoveryAlgorithm, note_columns, read_moments
from causalkit.discovery.changing._surrogate_columns import (
    Context,
    know_surrogate,
    read_context,
    surrogate_node,
    whole_table,
)
from causalkit.discovery.changing.cdnod import CDNOD
from causalkit.discovery.changing.de_finetti import CausalDeFinetti
from causalkit.discovery.external import GIN
from causalkit.discovery.functional._pairwise import PairwiseAlgorithm
from causalkit.discovery.interventions._environments import read_environments
from causalkit.discovery.interventions.unknown_targets import UnknownTargets
from causalkit.discovery.knowledge import Knowledge
from causalkit.discovery.latent.latent_capabilities import HCA
from causalkit.discovery.latent.rlcd import RLCD
from causalkit.discovery.latent.tetrad_clusters import FOFC
from causalkit.discovery.local.local_pc import LocalPC
from causalkit.discovery.resampling._replicates import learner
from causalkit.discovery.resampling._resampling import is_within, labels_of
from causalkit.discovery.series.base import SeriesAlgorithm
from causalkit.errors import InputError
from causalkit.independence import CITest
from causalkit.scores import InterventionalBIC, Score
from causalkit.typing import Data, IntArray, Name

__all__ = [
    "check_algorithm",
    "directs_beyond_class",
    "draws_environments",
    "fit_on_all",
    "inner_test",
    "knowledge_of",
    "nodes_of",
    "read_grouped",
]


_WITH_HIDDEN: Final = (FOFC, GIN, HCA, RLCD)
"""Learn hidden variables behind the columns."""


def check_algorithm(algorithm: Any, who: str) -> DiscoveryAlgorithm:
    """Return the algorithm if it is one, and asks about all pairs."""
    if isinstance(algorithm, LocalPC):
        raise InputError(
            f"{who} got LocalPC, which looks around {algorithm.target!r} only, further in one "
            "sample than in another, so that a pair it did not ask about cannot be told from one "
            "without an edge; expected an algorithm that asks about all pairs. Use PC with the "
            "same test."
        )
    if isinstance(algorithm, DiscoveryAlgorithm):
        score = _score_of(algorithm)
        if isinstance(score, InterventionalBIC) and score.regime is None:
            raise InputError(
                f"{who} draws rows, and targets are given by row, so that what was intervened upon "
                "would be said of other rows; expected a column that says so of each. Put the "
                "condition into a column, and name it as regime."
            )
        if isinstance(_innermost(algorithm), _WITH_HIDDEN):
            raise InputError(
                f"{who} got {type(algorithm).__name__}, whose graph has hidden variables, and what "
                "they are called differs from sample to sample; expected a graph of the columns. "
                "Use an algorithm that returns one, such as FCI()."
            )
        return algorithm
    if isinstance(algorithm, SeriesAlgorithm):
        raise InputError(
            f"{who} got {type(algorithm).__name__}, which learns a graph of series; expected a "
            "discovery algorithm for rows, such as PC(). Bootstrap and StabilitySelection resample "
            "series, if they wrap the algorithm itself."
        )
    if callable(getattr(algorithm, "fit", None)) and not isinstance(algorithm, type):
        raise InputError(
            f"{who} got {type(algorithm).__name__}, which learns no graph; expected a discovery "
            "algorithm that does, such as PC(). Its graphs are what is compared."
        )
    raise InputError(
        f"{who} got algorithm={algorithm!r}; expected a discovery algorithm such as PC(). Pass an "
        "instance, with parentheses."
    )


def _innermost(algorithm: DiscoveryAlgorithm) -> DiscoveryAlgorithm:
    """Return the algorithm within all that wrap one."""
    while isinstance(inner := getattr(algorithm, "algorithm", None), DiscoveryAlgorithm):
        algorithm = inner
    return algorithm


def inner_test(algorithm: DiscoveryAlgorithm) -> CITest:
    """Return the test that says which columns are nodes; without one, all of them are."""
    return as_test(getattr(_innermost(algorithm), "test", None))


def _score_of(algorithm: DiscoveryAlgorithm) -> Score | None:
    """Return the score that is looked for the best of, if there is one."""
    score = getattr(_innermost(algorithm), "score", None)
    return score if isinstance(score, Score) else None


def _context_of(algorithm: DiscoveryAlgorithm, data: Data) -> Context | None:
    """Read where and when rows were seen, if the algorithm asks for that."""
    inner = _innermost(algorithm)
    if isinstance(inner, CausalDeFinetti):
        return inner._environments(data)
    if isinstance(inner, CDNOD):
        return read_context(data, inner.domain, inner.time)
    if isinstance(inner, UnknownTargets):
        return read_environments(data, inner.environment, who="UnknownTargets")
    return None


def nodes_of(
    algorithm: DiscoveryAlgorithm, names: tuple[Name, ...], context: Context | None
) -> tuple[Name, ...]:
    """Nodes of what the algorithm learns from a table of these columns."""
    test = inner_test(algorithm)
    if context is None:
        return (_score_of(algorithm) or test).nodes(names)
    variables = test.nodes(tuple(name for name in names if name not in context.columns))
    if getattr(_innermost(algorithm), "include_surrogate", False):
        return (*variables, surrogate_node(context.columns, names))
    return variables


def knowledge_of(
    algorithm: DiscoveryAlgorithm, nodes: tuple[Name, ...], context: Context | None
) -> Knowledge | None:
    """Return what the algorithm knew about these nodes; that nothing causes the surrogate, too."""
    known: Knowledge | None = getattr(algorithm, "knowledge", None)
    inner = _innermost(algorithm)
    if context is None or not isinstance(inner, CDNOD):
        return known
    variables = tuple(name for name in nodes if name != context.node)
    known = know_surrogate(as_knowledge(inner.knowledge), variables, context)
    banned = known.forbidden_matrix((*variables, context.node))[: len(nodes), : len(nodes)]
    listed = (*variables, context.node)
    return Knowledge(forbidden=[(listed[i], listed[j]) for i, j in np.argwhere(banned).tolist()])


def read_grouped(
    estimator: Any, X: Data, test: CITest
) -> tuple[Table | Moments, Context | None, IntArray | None, IntArray | None]:
    """Read the variables, where and when rows were seen, and which rows are drawn together.

    A column of labels is read only where the test needs it to say how rows count.
    """
    given = {"clusters": estimator.clusters, "strata": estimator.strata}
    if is_stream(X) or isinstance(X, Moments):
        for what, labels in given.items():
            if labels is not None:
                raise InputError(
                    f"{what} with data that are read by blocks; expected rows that are in memory. "
                    "Load them first."
                )
        return (X if isinstance(X, Moments) else read_moments(estimator, X)), None, None, None
    names = column_names(X)
    context = _context_of(estimator.algorithm, X)
    score = _score_of(estimator.algorithm)
    reserved = score.columns(()) if score else ()
    needed = (*test.columns(()), *reserved, *(context.columns if context else ()))
    if reserved and estimator.clusters is None and estimator.strata is None:
        given["strata"] = reserved[0]
    apart = [
        labels
        for labels in given.values()
        if isinstance(labels, (str, int)) and labels not in needed
    ]
    labels = {what: labels_of(X, held, what) for what, held in given.items()}
    kept = tuple(name for name in names if name not in apart)
    if context is None:
        table = as_table(X, columns=kept if apart else None, labels=reserved)
    else:
        table = whole_table(X, context, kept)
        context = replace(context, node=surrogate_node(context.columns, kept))
    for what, numbers in labels.items():
        if numbers is not None and len(numbers) != table.n_rows:
            raise InputError(
                f"{what} has {len(numbers)} labels and the data have {table.n_rows} rows; expected "
                "one label a row. Take both from the same table."
            )
    clusters, strata = labels["clusters"], labels["strata"]
    if clusters is not None and clusters.max() == 0:
        raise InputError(
            "all rows are in one cluster; expected several, and some twenty to be of use. Leave "
            "clusters out if the rows are independent."
        )
    note_columns(estimator, X, names)
    if context is not None:
        clusters, strata = _natural_units(estimator, context, clusters, strata)
    return table, context, clusters, strata


def directs_beyond_class(algorithm: DiscoveryAlgorithm) -> bool:
    """Whether edges are directed on other grounds than colliders and knowledge."""
    by_itself = isinstance(_innermost(algorithm), (CDNOD, PairwiseAlgorithm, UnknownTargets))
    return by_itself or isinstance(_score_of(algorithm), InterventionalBIC)


def draws_environments(algorithm: DiscoveryAlgorithm) -> bool:
    """Whether rows of an environment only make sense together."""
    return isinstance(_innermost(algorithm), CausalDeFinetti)


def _natural_units(
    estimator: Any, context: Context, clusters: IntArray | None, strata: IntArray | None
) -> tuple[IntArray | None, IntArray | None]:
    """Whole environments, or rows within their domains, unless something else is asked for."""
    codes = context.surrogate.codes
    if not draws_environments(estimator.algorithm):
        return clusters, codes if clusters is None and strata is None else strata
    if getattr(estimator, "resample", "rows") == "blocks":
        raise InputError(
            f'resample="blocks" cuts the environments in {context.columns[0]!r}, of which '
            "CausalDeFinetti compares whole ones; expected whole environments to be drawn. Use "
            'resample="rows" or "subsample", which draw them as clusters.'
        )
    if clusters is not None and codes is not None and not is_within(codes, clusters):
        raise InputError(
            f"clusters cut some of the environments in {context.columns[0]!r}, of which "
            "CausalDeFinetti compares whole ones; expected clusters that hold whole environments. "
            "Leave clusters out, which draws environments one by one, or name coarser ones."
        )
    return codes if clusters is None else clusters, strata


def fit_on_all(
    algorithm: DiscoveryAlgorithm,
    data: Table | Moments,
    context: Context | None,
    nodes: tuple[Name, ...],
    rng: np.random.Generator,
) -> DiscoveryAlgorithm:
    """Fit to all rows; what is wrong with the data or the settings comes out here."""
    if isinstance(data, Moments) and algorithm._needs_rows():
        raise InputError(
            f"{type(algorithm).__name__} needs all rows and there are only moments; expected an "
            "algorithm with a test on correlations such as FisherZ. Load the rows first."
        )
    fitted = learner(algorithm, rng)
    fitted._fit(data)
    if context is not None and isinstance(fitted, CDNOD):
        fitted._context = context  # which knows dates; in the table they are numbers
    extra = [name for name in fitted.graph_.nodes if name not in nodes]
    lost = [name for name in nodes if name not in fitted.graph_.nodes]
    if lost and not extra:
        raise InputError(
            f"{type(algorithm).__name__} returned a graph without {lost[0]!r}, …; expected one of "
            "all variables, so that samples can be compared. Use an algorithm that returns one."
        )
    if extra:
        raise InputError(
            f"{type(algorithm).__name__} returned nodes that are no columns ({extra[0]!r}, …), and "
            "what they are called differs from sample to sample; expected a graph of the columns. "
            "Use an algorithm that returns one."
        )
    return fitted
