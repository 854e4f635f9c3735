"""Bidirected edges as latent factors: what two noises share, made a variable of its own.

`a <-> b` says that something unobserved moves both. Here it is a standard normal factor U for each
clique of such edges (two variables or more that are all joined by them). The noise r of a variable
is brought to a normal score, and that score is a sum of factors and of noise of its own,

    r = Q(z),    z = Σ λ U + sqrt(1 − Σ λ²) e,    e, U standard normal,

with Q the quantiles of the residuals. So the law of each variable given its causes stays as it was
fitted, the noises of two variables are correlated as their residuals are, and nothing is shared
that is not listed as a latent variable.

Residuals show the noise only where a variable is regressed on causes that do not share its factors:
where no variable that it is joined to by `<->` is an ancestor of it. Elsewhere (`X -> Y, X <-> Y`)
the regression is confounded, and such a graph is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from causalkit.errors import InputError
from causalkit.graph import CausalGraph
from causalkit.graph.marks import Kind
from causalkit.models.mechanisms.additive import Additive, Linear
from causalkit.models.mechanisms.base import Mechanism
from causalkit.models.mechanisms.levels import centred_curves, score_knots, steady_curve
from causalkit.models.noise import Normal
from causalkit.models.structural._ancestral import System
from causalkit.typing import BoolArray, FloatArray, Name

__all__ = ["Coupled", "check_regressions", "couple", "draw_factors"]

_MOST_SHARED = 0.98
"""Of the variance of a score by factors, at most: no variable is determined by the others."""

_START = 0.7
_WORST = 0.15
"""Largest difference to a correlation that is left."""


@dataclass(frozen=True, slots=True, eq=False)
class Coupled:
    """A mechanism whose noise is a monotone function of latent factors and of noise of its own.

    Attributes
    ----------
    mechanism : Mechanism
        Bijective; of all causes but the factors.
    loadings : ndarray of shape (f,)
        Of the factors, which are the last f causes. Their squares sum to less than one.
    scores, quantiles : ndarray of shape (m,)
        Normal scores and the noise that has them, both increasing; lines between and beyond.

    Examples
    --------
    >>> inner = Additive(Linear(np.array([2.0])), Normal())
    >>> line = np.array([-1.0, 1.0])
    >>> mechanism = Coupled(inner, np.array([0.6]), line, line)
    >>> mechanism.value(np.array([[1.0, 0.5]]), np.array([1.0])).round(6)
    array([3.1])
    """

    mechanism: Mechanism
    loadings: FloatArray
    scores: FloatArray
    quantiles: FloatArray

    @property
    def bijective(self) -> bool:
        """As the mechanism without factors."""
        return self.mechanism.bijective

    @property
    def own(self) -> float:
        """Standard deviation of the score given the factors."""
        return float(np.sqrt(1 - self.loadings @ self.loadings))

    def draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw standard normal noise, shape (n,)."""
        return rng.standard_normal(n)

    def value(self, causes: FloatArray, noise: FloatArray) -> FloatArray:
        """Value given causes and factors, the last causes."""
        k = causes.shape[1] - len(self.loadings)
        score = causes[:, k:] @ self.loadings + self.own * noise
        return self.mechanism.value(causes[:, :k], _along(score, self.scores, self.quantiles))

    def noise(self, causes: FloatArray, value: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Noise of its own."""
        k = causes.shape[1] - len(self.loadings)
        score = self.score(causes[:, :k], value, rng)
        return (score - causes[:, k:] @ self.loadings) / self.own

    def score(self, causes: FloatArray, value: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Normal score of the whole noise, given the causes without factors."""
        return _along(self.mechanism.noise(causes, value, rng), self.quantiles, self.scores)


def _along(x: FloatArray, at: FloatArray, values: FloatArray) -> FloatArray:
    """Interpolate between increasing points, and go on as lines beyond them."""
    k = np.clip(np.searchsorted(at, x) - 1, 0, len(at) - 2)
    slope = (values[k + 1] - values[k]) / (at[k + 1] - at[k])
    found: FloatArray = values[k] + slope * (x - at[k])
    return found


def check_regressions(graph: CausalGraph) -> None:
    """Raise an error where latent variables confound the regression on causes."""
    for name in (graph.nodes[k] for k in np.flatnonzero(graph.bidirected.any(axis=0))):
        found = graph.spouses(name) & graph.ancestors(name)
        if found:
            other = min(found, key=str)
            raise InputError(
                f"{other!r} causes {name!r} and shares a latent variable with it ({other} <-> "
                f"{name}), so a regression does not show the mechanism; expected a graph in which "
                "no ancestor of a variable is joined to it by '<->'. Bring the common cause, or "
                "write the model down with from_mechanisms(..., latents=...)."
            )


def couple(
    graph: CausalGraph,
    mechanisms: Sequence[Mechanism],
    values: FloatArray,
    rng: np.random.Generator,
) -> tuple[System, tuple[Name, ...]]:
    """Add a factor for each clique of bidirected edges to mechanisms that were fitted without.

    Parameters
    ----------
    graph : CausalGraph
        An ADMG that :func:`check_regressions` accepts.
    mechanisms : sequence of Mechanism
        One for each node.
    values : ndarray of shape (n, p)
        What they were fitted to.
    rng : Generator
        Of mechanisms that draw their noise, which are refused.

    Returns
    -------
    system : System
        Over the nodes, then the factors.
    factors : tuple of names
    """
    cliques = _cliques(graph)
    if not cliques:
        dag = CausalGraph.from_edges(graph.nodes, _directed_edges(graph), Kind.DAG)
        return System(dag, tuple(mechanisms)), ()
    joined = sorted({k for clique in cliques for k in clique})
    curves: dict[int, tuple[FloatArray, FloatArray]] = {}
    scores = np.empty((len(values), len(joined)))
    for column, k in enumerate(joined):
        mechanism, name = mechanisms[k], graph.nodes[k]
        if not mechanism.bijective:
            raise InputError(
                f"{name!r} is joined by '<->' and takes few values; expected a number, whose noise "
                "can be coupled. Write its latent variable down with from_mechanisms()."
            )
        causes = values[:, np.flatnonzero(graph.directed[:, k])]
        residuals = mechanism.noise(causes, values[:, k], rng)
        at = score_knots(len(residuals))
        curve = steady_curve(residuals, at, float(residuals.std()))
        curves[k] = at, centred_curves(curve[None], at)[0]
        scores[:, column] = _along(residuals, curves[k][1], at)
    pattern = np.array([[k in clique for clique in cliques] for k in joined])
    loadings = _loadings(np.corrcoef(scores, rowvar=False), pattern)
    factors = tuple(_factor_names(graph, cliques))
    coupled = list(mechanisms)
    for row, k in zip(loadings, joined, strict=True):
        own = np.array([k in clique for clique in cliques])
        coupled[k] = Coupled(mechanisms[k], row[own], *curves[k])
    root = Additive(Linear(np.zeros(0)), Normal())
    edges = _directed_edges(graph)
    edges += [
        (factor, graph.nodes[k])
        for factor, clique in zip(factors, cliques, strict=True)
        for k in sorted(clique)
    ]
    dag = CausalGraph.from_edges((*graph.nodes, *factors), edges, Kind.DAG)
    return System(dag, (*coupled, *[root] * len(factors))), factors


def draw_factors(
    system: System, values: FloatArray, factors: Sequence[int], rng: np.random.Generator
) -> FloatArray:
    """Draw factors from what the other variables leave open.

    Parameters
    ----------
    system : System
        As :func:`couple` makes it.
    values : ndarray of shape (p, n)
        Of all nodes; the rows of the factors are not read.
    factors : sequence of int
        Positions of the factors.
    rng : Generator

    Returns
    -------
    ndarray of shape (len(factors), n)
        Scores are sums of factors and noise, all normal, so the factors are normal given them.

    Raises
    ------
    InputError
        If a latent variable is no factor.
    """
    place = {k: column for column, k in enumerate(factors)}
    rows, scores, own = [], [], []
    for k, mechanism in enumerate(system.mechanisms):
        parents = system.parents(k).tolist()
        shared = [j for j in parents if j in place]
        if not shared:
            continue
        if not isinstance(mechanism, Coupled) or len(shared) != len(mechanism.loadings):
            raise InputError(
                f"{system.dag.nodes[shared[0]]!r} is latent, and what it was cannot be told from "
                "the rows; expected a column of it. Draw rows with sample(with_latents=True)."
            )
        row = np.zeros(len(place))
        row[[place[j] for j in shared]] = mechanism.loadings
        rows.append(row)
        own.append(mechanism.own**2)
        causes = values[[j for j in parents if j not in place]].T
        scores.append(mechanism.score(causes, values[k], rng))
    loadings = np.array(rows).reshape(-1, len(place))
    weighed = loadings / np.array(own)[:, None]
    spread = np.linalg.inv(np.eye(len(place)) + loadings.T @ weighed)
    mean = spread @ weighed.T @ np.array(scores).reshape(len(rows), -1)
    root = np.linalg.cholesky(spread)
    drawn: FloatArray = mean + root @ rng.standard_normal((len(place), values.shape[1]))
    return drawn


def _directed_edges(graph: CausalGraph) -> list[tuple[Name, Name]]:
    rows, columns = np.nonzero(graph.directed)
    return [(graph.nodes[i], graph.nodes[j]) for i, j in zip(rows, columns, strict=True)]


def _factor_names(graph: CausalGraph, cliques: Sequence[frozenset[int]]) -> list[Name]:
    """`latent_a_b`, and more underscores where there is such a variable."""
    names: list[Name] = []
    for clique in cliques:
        name = "_".join(["latent", *(str(graph.nodes[k]) for k in sorted(clique))])
        while name in graph or name in names:
            name += "_"
        names.append(name)
    return names


def _cliques(graph: CausalGraph) -> list[frozenset[int]]:
    """Largest sets of nodes that are all joined by bidirected edges (Bron & Kerbosch 1973)."""
    joined = {k: set(np.flatnonzero(row).tolist()) for k, row in enumerate(graph.bidirected)}
    found: list[frozenset[int]] = []

    def grow(clique: frozenset[int], open_nodes: set[int], closed: set[int]) -> None:
        if not open_nodes and not closed and len(clique) > 1:
            found.append(clique)
        for k in sorted(open_nodes):
            grow(clique | {k}, open_nodes & joined[k], closed & joined[k])
            open_nodes = open_nodes - {k}
            closed = closed | {k}

    grow(frozenset(), set(joined), set())
    return sorted(found, key=sorted)


def _loadings(correlation: FloatArray, pattern: BoolArray) -> FloatArray:
    """Loadings, zero outside the pattern, whose products are nearest to the correlations."""
    from scipy.optimize import minimize

    weights = (pattern.astype(np.float64) @ pattern.T > 0) & ~np.eye(len(pattern), dtype=bool)
    start = np.zeros(pattern.shape)
    for f in range(pattern.shape[1]):
        own = np.flatnonzero(pattern[:, f])
        lead = np.linalg.eigh(correlation[np.ix_(own, own)])[1][:, -1]
        start[own, f] = np.where(lead < 0, -_START, _START)

    def squashed(flat: FloatArray) -> tuple[FloatArray, FloatArray]:
        raw = flat.reshape(pattern.shape) * pattern
        return raw, np.sqrt(1 + (raw**2).sum(axis=1, keepdims=True))

    def loss(flat: FloatArray) -> tuple[float, FloatArray]:
        raw, length = squashed(flat)
        found = np.sqrt(_MOST_SHARED) * raw / length
        miss = (found @ found.T - correlation) * weights
        slope = 4 * miss @ found * np.sqrt(_MOST_SHARED)
        slope = slope / length - raw * (slope * raw).sum(axis=1, keepdims=True) / length**3
        return float((miss**2).sum()), (slope * pattern).ravel()

    raw, length = squashed(minimize(loss, start.ravel(), jac=True, method="L-BFGS-B").x)
    found: FloatArray = np.sqrt(_MOST_SHARED) * raw / length
    worst = float(np.abs((found @ found.T - correlation) * weights).max())
    if worst > _WORST:
        raise InputError(
            f"latent factors miss a correlation between noises by {worst:.2f}; expected a graph "
            f"whose '<->' allow for it, within {_WORST}. Write the latent variables down with "
            "from_mechanisms(..., latents=...)."
        )
    return found
