"""Direct edges between changing variables: independent mechanisms change independently.

If X causes Y, what moves P(X) from domain to domain says nothing of what moves P(Y | X). Factored
the other way round, P(Y) and P(X | Y) are both moved by both, so their curves over the surrogate
depend on each other. A direction, or a whole DAG over a group of variables, is therefore judged by
the dependence among the changes of its mechanisms:

    Δ(DAG) = Σ over pairs of its mechanisms of ⟨M̃₁, M̃₂⟩ / (‖M̃₁‖ ‖M̃₂‖),

with M the Gaussian kernel of the points of a curve
(:mod:`~causalkit.discovery.changing._change_curves`), its width the median distance, and M̃ the
same U-centred: the diagonal is left out, and rows and columns are centred so that a term estimates
without bias (Székely and Rizzo). Smaller is better; independent changes give about 0.

Points are estimated, those of both mechanisms from the same rows. Their errors are uncorrelated and
yet dependent, and with many domains of few rows each a Gaussian kernel sees just that: on two rows
a domain it prefers the wrong direction, and refutes true ones at any level. There M is the plain
inner product of points, which sees correlated changes only; then it is the weaker of the two, but
with many domains strong enough.

A group is what undirected edges hang together. All its DAGs that make no new collider are compared:
they can be reached from one another by reversing covered edges (Chickering), and are visited from
the best on, as far as a limit. An edge has two statistics, the smallest Δ with either direction, so
it is seen in the best light that the rest of the group can throw on it. The paper peels off one
sink at a time, by the dependence between P(sink | rest) and the joint distribution of the rest; in
simulations of three variables that missed the sink more often, because a joint distribution of
several variables is hard to embed, while the mechanisms of a DAG stay small.

The p-value of a direction asks whether its changes are independent, by moving the curves of its
mechanisms against each other: domains are permuted, time is shifted and reversed. A direction is
taken if the changes in the other one are dependent; else nothing is said. A slow drift looks much
the same after most shifts, so its p-values are rough, and somewhat too small.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from causalkit._core.parallel import one_thread
from causalkit._core.random import as_generator
from causalkit._core.report import format_value
from causalkit.discovery.changing._change_curves import changing_conditional
from causalkit.discovery.changing._surrogate import Surrogate
from causalkit.graph.marks import show_name
from causalkit.independence.kernel_matrices import Block, joined
from causalkit.typing import FloatArray, IntArray, Name, RandomState

__all__ = ["ChangeVerdict", "Changes", "orient_changes"]

Mechanism = tuple[int, tuple[int, ...]]
"""A variable and its causes, sorted."""

_MOST_DAGS = 200
_MANY_DOMAINS = 64


@dataclass(frozen=True, slots=True)
class ChangeVerdict:
    """Which way an edge points, as far as changes tell.

    Attributes
    ----------
    cause, effect : int, or a name
        The better direction, whether it was good enough or not.
    statistic, reverse_statistic : float
        Dependence among the changes of mechanisms in this direction, and in the other one: the
        smaller of the two is `statistic`. For a pair each is at most 1, and about 0 for independent
        changes; for a larger group a sum over pairs of mechanisms. NaN if the reverse was not
        reached.
    p_value, reverse_p_value : float
        Whether changes are independent in this direction, and in the other one.
    decided : bool
        Whether the edge should be directed: the reverse is refuted, by a margin.
    """

    cause: Name
    effect: Name
    statistic: float
    reverse_statistic: float
    p_value: float
    reverse_p_value: float
    decided: bool

    def named(self, names: Sequence[Name]) -> ChangeVerdict:
        """Return the same with names instead of positions."""
        return replace(self, cause=names[int(self.cause)], effect=names[int(self.effect)])

    def sentence(self) -> str:
        """Both statistics, and what follows from them."""
        this, other = (
            f"{show_name(a)} -> {show_name(b)} {format_value(height)} (p = {format_value(p)})"
            for a, b, height, p in (
                (self.cause, self.effect, self.statistic, self.p_value),
                (self.effect, self.cause, self.reverse_statistic, self.reverse_p_value),
            )
        )
        said = "changes depend less on each other" if self.decided else "too near to call"
        return f"dependence of changes {this}, {other}: {said}" + " this way" * self.decided

    @property
    def gap(self) -> float:
        """Difference of the two statistics; 0 if the reverse was not reached."""
        difference = self.reverse_statistic - self.statistic
        return 0.0 if np.isnan(difference) else difference


def orient_changes(
    blocks: Sequence[Block],
    groups: Sequence[Sequence[tuple[int, int]]],
    parents: Sequence[Sequence[int]],
    surrogate: Surrogate,
    *,
    alpha: float = 0.1,
    margin: float = 0.0,
    n_permutations: int = 199,
    rng: RandomState = None,
) -> list[ChangeVerdict]:
    """Compare the directions of undirected edges between changing variables.

    Parameters
    ----------
    blocks : sequence of Block
        All variables.
    groups : sequence of sequences of pairs of int
        Undirected edges, one sequence for each group that hangs together.
    parents : sequence of sequences of int
        Known causes of each variable; they stand on the right of every conditional.
    surrogate : Surrogate
    alpha : float
        An edge is decided if the changes in the reverse direction depend on each other at this
        level, …
    margin : float
        … and the two statistics differ by more than this.
    n_permutations : int
    rng : RandomState

    Returns
    -------
    list of ChangeVerdict
        One for each edge, the clearest first.

    Notes
    -----
    **Assumes:**

    - mechanisms change independently of each other, and enough: with two domains the two directions
      of an edge cannot be told apart;
    - hidden common causes, if any, are functions of the surrogate.

    References
    ----------
    Huang et al. (2020), "Causal discovery from heterogeneous/nonstationary data", JMLR 21(89).
    Székely and Rizzo (2014), "Partial distance correlation with methods for dissimilarities",
    doi:10.1214/14-AOS1255. Chickering (1995), "A transformational characterization of equivalent
    Bayesian network structures", UAI.
    """
    changes = Changes(blocks, surrogate)
    streams = as_generator(rng).spawn(len(groups))
    with one_thread():
        verdicts = [
            verdict
            for edges, stream in zip(groups, streams, strict=True)
            for verdict in _judge(changes, edges, parents, alpha, margin, n_permutations, stream)
        ]
    return sorted(verdicts, key=lambda found: (not found.decided, -found.gap))


class Changes:
    """Curves of mechanisms over the surrogate; each is fitted once.

    Parameters
    ----------
    blocks : sequence of Block
        All variables.
    surrogate : Surrogate
    """

    def __init__(self, blocks: Sequence[Block], surrogate: Surrogate) -> None:
        self.blocks = blocks
        self.surrogate = surrogate
        self._gaussian = _sees_shapes(surrogate)
        self._grams: dict[Mechanism, FloatArray] = {}
        self._dependences: dict[tuple[Mechanism, Mechanism], float] = {}

    def gram(self, mechanism: Mechanism) -> FloatArray:
        """U-centred kernel of the curve's points, with norm 1 (0 if nothing changes)."""
        found = self._grams.get(mechanism)
        if found is None:
            effect, causes = mechanism
            given = joined([self.blocks[cause] for cause in causes]) if causes else None
            fitted = changing_conditional(self.blocks[effect], given, self.surrogate)
            found = self._grams[mechanism] = _u_centred(fitted.curve(), self._gaussian)
        return found

    def dependence(self, mechanisms: Sequence[Mechanism]) -> float:
        """Δ of a hypothesis: the sum over pairs of its mechanisms."""
        total = 0.0
        for k, one in enumerate(mechanisms):
            for other in mechanisms[:k]:
                pair = (min(one, other), max(one, other))
                if pair not in self._dependences:
                    self._dependences[pair] = float(np.vdot(self.gram(pair[0]), self.gram(pair[1])))
                total += self._dependences[pair]
        return total

    def p_value(
        self, mechanisms: Sequence[Mechanism], n_permutations: int, rng: np.random.Generator
    ) -> float:
        """Share of rearranged curves that depend on each other as much as the curves do."""
        grams = [self.gram(mechanism) for mechanism in mechanisms]
        sizes = [len(rows) for rows in self.surrogate.points() if len(rows)]
        observed, as_much = self.dependence(mechanisms) - 1e-12, 1
        for _ in range(n_permutations):
            moved = [grams[0]]
            for gram in grams[1:]:
                places = _rearranged(sizes, rng)
                moved.append(gram[np.ix_(places, places)])
            drawn = sum(np.vdot(a, b) for k, a in enumerate(moved) for b in moved[:k])
            as_much += bool(drawn >= observed)
        return as_much / (n_permutations + 1)


def _sees_shapes(surrogate: Surrogate) -> bool:
    """Whether errors of points are small enough, and points few enough, for a Gaussian kernel."""
    if surrogate.time is not None:
        return True
    rows = float(np.median([len(rows) for rows in surrogate.domains()]))
    return surrogate.n_domains <= min(_MANY_DOMAINS, 4 * rows)


def _u_centred(curve: FloatArray, gaussian: bool) -> FloatArray:
    """Kernel of the points without bias, with norm 1; 0 if too few points or none moves."""
    n = len(curve)
    moved = curve - curve.mean(axis=0)
    kernel = moved @ moved.T
    size = float(np.linalg.norm(kernel))
    if n < 4 or not size > 1e-12 * max(1.0, float(np.linalg.norm(curve)) ** 2):
        return np.zeros_like(kernel)
    kernel /= size
    if gaussian:
        squares = np.diag(kernel)
        distance = np.maximum(squares[:, None] + squares - 2 * kernel, 0.0)
        apart = distance[np.tril_indices(n, -1)]
        kernel = np.exp(-distance / (2 * (float(np.median(apart)) or float(apart.mean()))))
    np.fill_diagonal(kernel, 0.0)
    sums = kernel.sum(axis=0) / (n - 2)
    kernel += sums.sum() / (n - 1) - sums - sums[:, None]
    np.fill_diagonal(kernel, 0.0)
    norm = np.linalg.norm(kernel)
    centred: FloatArray = kernel / norm if norm > 0 else kernel
    return centred


def _rearranged(sizes: Sequence[int], rng: np.random.Generator) -> IntArray:
    """Points with their domains permuted, each kept in one piece, then shifted in a circle."""
    ends = np.cumsum(sizes)
    pieces = [np.arange(end - size, end) for end, size in zip(ends, sizes, strict=True)]
    places = np.concatenate([pieces[k] for k in rng.permutation(len(pieces))])
    places = np.roll(places, rng.integers(len(places)))
    return places[::-1] if rng.random() < 0.5 else places


# --- groups --------------------------------------------------------------------------------------

_Dag = tuple[Mechanism, ...]
"""One mechanism for each variable of a group, sorted; causes are those within the group."""


def _judge(
    changes: Changes,
    edges: Sequence[tuple[int, int]],
    parents: Sequence[Sequence[int]],
    alpha: float,
    margin: float,
    n_permutations: int,
    rng: np.random.Generator,
) -> Iterator[ChangeVerdict]:
    """Verdicts on all edges of a group."""

    def whole(dag: _Dag) -> list[Mechanism]:
        return [(v, tuple(sorted({*causes, *parents[v]}))) for v, causes in dag]

    visited = _visit(edges, lambda dag: changes.dependence(whole(dag)))
    p_values: dict[_Dag, float] = {}

    def p_value(dag: _Dag | None) -> float:
        if dag is None:
            return float("nan")
        if dag not in p_values:
            p_values[dag] = changes.p_value(whole(dag), n_permutations, rng)
        return p_values[dag]

    for edge in edges:
        ways = [edge, edge[::-1]]
        best = [_best(visited, *way) for way in ways]
        height = [float("nan") if dag is None else visited[dag] for dag in best]
        if best[0] is None or height[1] < height[0]:
            ways, best, height = ways[::-1], best[::-1], height[::-1]
        p, reverse_p = (p_value(dag) for dag in best)
        (cause, effect), _ = ways
        verdict = ChangeVerdict(cause, effect, height[0], height[1], p, reverse_p, False)
        refuted = verdict.reverse_p_value <= alpha and verdict.gap > margin
        yield replace(verdict, decided=refuted)


def _best(visited: dict[_Dag, float], cause: int, effect: int) -> _Dag | None:
    """DAG with the smallest statistic among those in which this edge points so."""
    having = [dag for dag in visited if cause in dict(dag)[effect]]
    return min(having, key=visited.__getitem__, default=None)


def _visit(
    edges: Sequence[tuple[int, int]], statistic: Callable[[_Dag], float]
) -> dict[_Dag, float]:
    """DAGs of the group without a new collider, and their statistics, from the best on."""
    first = _without_colliders(edges)
    visited = {first: statistic(first)}
    waiting = [(visited[first], first)]
    while waiting:
        _, dag = heapq.heappop(waiting)
        for neighbour in _one_reversal_away(dag):
            if neighbour in visited:
                continue
            if len(visited) == _MOST_DAGS:
                return visited
            visited[neighbour] = statistic(neighbour)
            heapq.heappush(waiting, (visited[neighbour], neighbour))
    return visited


def _one_reversal_away(dag: _Dag) -> Iterator[_Dag]:
    """DAGs with one covered edge reversed: its ends have the same other causes."""
    causes_of = dict(dag)
    for effect, causes in dag:
        for cause in causes:
            rest = tuple(other for other in causes if other != cause)
            if rest == causes_of[cause]:
                turned = {**causes_of, effect: rest, cause: tuple(sorted((*rest, effect)))}
                yield tuple(sorted(turned.items()))


def _without_colliders(edges: Sequence[tuple[int, int]]) -> _Dag:
    """Direct the edges along a maximum cardinality search, which makes no collider."""
    near: dict[int, set[int]] = {}
    for i, j in edges:
        near.setdefault(i, set()).add(j)
        near.setdefault(j, set()).add(i)
    causes: dict[int, tuple[int, ...]] = {}
    while len(causes) < len(near):
        left = [v for v in sorted(near) if v not in causes]
        following = max(left, key=lambda v: len(near[v] & causes.keys()))
        causes[following] = tuple(sorted(near[following] & causes.keys()))
    return tuple(sorted(causes.items()))
