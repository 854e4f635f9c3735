"""The graphs of a posterior, as a set to go over.

Searches on resamples say which graphs are possible; a posterior says how probable each is. Both are
a set of graphs with shares, so an effect is taken over either in the same way. What differs is the
meaning of the shares: those of a posterior are probabilities given the prior, so answers may be
averaged by them, and need not all be covered.

The graphs are the sampled DAGs themselves rather than their classes. The answers of a class would
get equal parts of its probability; its DAGs need not, since a prior over orders prefers some, and
several may give one answer. To ask a DAG is quicker besides.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from causalkit.discovery.bayesian.graph_posterior import GraphPosterior
from causalkit.errors import InputError
from causalkit.graph import ARROW, TAIL, CausalGraph, Kind
from causalkit.workflow.learnt.graph_set import GraphSet

__all__ = ["graphs_of_posterior"]

_LEFT_OUT: Final = 0.001
"""Probability of all graphs together that are left out."""


def graphs_of_posterior(posterior: GraphPosterior) -> GraphSet:
    """List the DAGs of a posterior, the most probable first.

    Parameters
    ----------
    posterior : GraphPosterior
        Such as `OrderMCMC().fit(data).posterior_`.

    Returns
    -------
    GraphSet
        Its shares are their probabilities; none is screened. The least probable are left out that
        have less than 0.1 % together, and `searches` says how many.

    Raises
    ------
    InputError
        If it is no posterior.

    Notes
    -----
    **Assumes:** what the posterior does: no hidden common causes, a score that suits the data, the
    prior, and of a sample that it is long enough. A graph that was not drawn has no share.

    Examples
    --------
    >>> import numpy as np
    >>> from causalkit.discovery import ExactPosterior
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=100)
    >>> data = {"x": x, "y": x + rng.normal(size=100)}
    >>> found = graphs_of_posterior(ExactPosterior(random_state=0).fit(data).posterior_)
    >>> sorted(map(str, found.graphs)), found.shares.round(1)
    (['DAG with 2 nodes, 1 edge: x -> y', 'DAG with 2 nodes, 1 edge: y -> x'], array([0.5, 0.5]))
    """
    if not isinstance(posterior, GraphPosterior):
        raise InputError(
            f"{posterior!r} is no posterior of graphs; expected a GraphPosterior. Pass posterior_ "
            "of a fitted OrderMCMC or ExactPosterior."
        )
    order = np.argsort(-posterior.weights, kind="stable")
    reached = np.cumsum(posterior.weights[order])
    n_kept = 1 + int(np.searchsorted(reached, reached[-1] * (1 - _LEFT_OUT)))
    order = order[: min(n_kept, len(order))]
    shares = posterior.weights[order]
    label, n_left_out = "draws from a posterior", len(reached) - len(order)
    if n_left_out:
        rest = 1 - shares.sum() / reached[-1]
        label += f" ({n_left_out} graphs with {rest:.2%} of it left out)"
    dags = posterior.dags()[order]
    ends = (np.where(dags, ARROW, 0) + np.where(dags.transpose(0, 2, 1), TAIL, 0)).astype(np.uint8)
    return GraphSet(
        graphs=tuple(CausalGraph(posterior.nodes, marks, Kind.DAG) for marks in ends),
        shares=shares / shares.sum(),
        scores=posterior.scores[order],
        window=math.inf,
        searches=((label, round(posterior.effective_size)),),
    )
