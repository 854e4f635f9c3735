"""Slow and obvious: identification by definition, and interventions in models that are known.

Nothing here shares code with `causalkit.identification`. There are three independent verdicts on
"does P(y | do(x)) follow from the graph and the distribution of what is observed":

* `hedge`, by trying all pairs of sets of nodes (Shpitser & Pearl, AAAI 2006, Theorem 4);
* `factors_follow`, the district factors of Tian (PhD thesis, 2002; Huang & Valtorta 2006);
* `moves_alone`, with no theory of graphs: in a random model, is there a direction in the space of
  parameters along which what is observed stays and the effect moves?

and one truth for numbers: `Model`, discrete tables with every hidden cause as a variable of its
own, where an intervention drops the factor of what is set.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, combinations

import numpy as np

from causalkit.graph import CausalGraph, Edge
from causalkit.identification.formulas.expression import (
    Equation,
    Expectation,
    Probability,
    Product,
    Ratio,
    Sum,
    Value,
)


def subsets(items, least=0):
    items = list(items)
    sizes = range(least, len(items) + 1)
    return chain.from_iterable(combinations(items, size) for size in sizes)


# --- graphs as lists of pairs -------------------------------------------------------------------


@dataclass(frozen=True)
class Plain:
    """An ADMG: names in causal order, arcs `(a, b)` for a -> b, bows `(a, b)` for a <-> b."""

    nodes: tuple
    arcs: tuple
    bows: tuple

    @classmethod
    def read(cls, graph):
        arcs = tuple((e.left, e.right) for e in graph.edges() if e.symbol == "->")
        bows = tuple((e.left, e.right) for e in graph.edges() if e.symbol == "<->")
        left, order = list(graph.nodes), []
        while left:
            first = next(v for v in left if not any(b == v and a in left for a, b in arcs))
            left.remove(first)
            order.append(first)
        return cls(tuple(order), arcs, bows)

    def graph(self):
        edges = [Edge(a, b, "->") for a, b in self.arcs] + [Edge(a, b, "<->") for a, b in self.bows]
        return CausalGraph.from_edges(self.nodes, edges, "ADMG" if self.bows else "DAG")

    def parents(self, node):
        return [a for a in self.nodes if (a, node) in self.arcs]

    def ancestors(self, of, within=None, into_cut=()):
        """Of `of` and with it, in the sub-graph on `within`, without arcs into `into_cut`."""
        within = set(self.nodes if within is None else within)
        found = set(of) & within
        while True:
            more = {
                a for a, b in self.arcs if b in found and a in within and b not in into_cut
            } - found
            if not more:
                return frozenset(found)
            found |= more

    def district(self, node, within):
        found = {node}
        while True:
            touched = [
                set(bow) for bow in self.bows if set(bow) <= set(within) and found & set(bow)
            ]
            more = set().union(*touched) - found
            if not more:
                return frozenset(found)
            found |= more

    def districts(self, within):
        return {self.district(node, within) for node in within}


def all_admgs(size):
    """Every ADMG on `size` nodes whose arcs run forward along V0, V1, …"""
    nodes = tuple(f"V{k}" for k in range(size))
    pairs = list(combinations(nodes, 2))
    return [Plain(nodes, arcs, bows) for arcs in subsets(pairs) for bows in subsets(pairs)]


def random_admg(rng, size, arcs=0.45, bows=0.3):
    nodes = tuple(f"V{k}" for k in range(size))
    pairs = list(combinations(nodes, 2))
    return Plain(
        nodes,
        tuple(pair for pair in pairs if rng.random() < arcs),
        tuple(pair for pair in pairs if rng.random() < bows),
    )


def random_query(rng, nodes, treatments=1, outcomes=1, given=0):
    chosen = [str(v) for v in rng.permutation(list(nodes))]
    ends = np.cumsum([treatments, outcomes, given])
    return tuple(tuple(chosen[a:b]) for a, b in zip([0, *ends[:-1]], ends, strict=True))


def projected(plain, seen):
    """Hide nodes one by one: what went through a node goes past it."""
    arcs, bows = set(plain.arcs), {frozenset(bow) for bow in plain.bows}
    for gone in set(plain.nodes) - set(seen):
        children = [b for a, b in arcs if a == gone]
        parents = [a for a, b in arcs if b == gone]
        spouses = [v for bow in bows if gone in bow for v in bow - {gone}]
        arcs = {pair for pair in arcs if gone not in pair}
        arcs |= {(a, b) for a in parents for b in children}
        bows = {bow for bow in bows if gone not in bow}
        bows |= {frozenset(pair) for pair in combinations(children, 2)}
        bows |= {frozenset((a, b)) for a in spouses for b in children if a != b}
    nodes = tuple(v for v in plain.nodes if v in seen)
    order = {v: k for k, v in enumerate(nodes)}
    return Plain(nodes, tuple(arcs), tuple(tuple(sorted(bow, key=order.get)) for bow in bows))


# --- verdicts -----------------------------------------------------------------------------------


def hedge(plain, treatment, outcome):
    """Two R-rooted C-forests, the smaller without treatments, R above the outcome; or None.

    On a set of nodes F there is a forest with roots R exactly if all of F are ancestors of R inside
    F; it is a C-forest if F hangs together by <->. A larger R makes forests easier, so of all R the
    largest allowed is tried: the nodes of the smaller forest above the outcome.
    """
    x = set(treatment)
    above = plain.ancestors(outcome, into_cut=x)
    together = [
        frozenset(nodes)
        for nodes in subsets(plain.nodes, 1)
        if plain.district(nodes[0], nodes) == set(nodes)
    ]
    smaller = [nodes for nodes in together if not nodes & x]
    for large in together:
        if not large & x:
            continue
        for small in smaller:
            roots = small & above
            if small < large and roots and rooted(plain, roots, small, large):
                return large, small, roots
    return None


def rooted(plain, roots, *forests):
    return all(plain.ancestors(roots, nodes) == nodes for nodes in forests)


def is_hedge(plain, treatment, outcome, large, small):
    """Whether two sets of nodes that somebody calls a hedge are one, read from the definition."""
    x, large, small = set(treatment), frozenset(large), frozenset(small)
    roots = small & plain.ancestors(outcome, into_cut=x)
    return (
        small < large
        and bool(large & x)
        and not small & x
        and bool(roots)
        and all(plain.district(next(iter(s)), s) == s for s in (large, small))
        and rooted(plain, roots, small, large)
    )


def factors_follow(plain, treatment, outcome):
    """Whether Q of every district of An(Y) in G without X follows from Q of a district of G."""
    rest = [v for v in plain.nodes if v not in treatment]
    above = plain.ancestors(outcome, rest)

    def follows(wanted, known):
        needed = plain.ancestors(wanted, known)
        if needed == wanted:
            return True
        if needed == known:
            return False
        return follows(wanted, plain.district(next(iter(wanted)), needed))

    return all(
        follows(part, plain.district(next(iter(part)), plain.nodes))
        for part in plain.districts(above)
    )


def separated(plain, a, b, given, into_cut=(), out_cut=()):
    """m-separation without arrows into `into_cut` and arcs out of `out_cut`: moral ancestors."""
    arcs = [(u, v) for u, v in plain.arcs if v not in into_cut and u not in out_cut]
    arcs += [((u, v), w) for u, v in plain.bows for w in (u, v) if not {u, v} & set(into_cut)]
    found = {*a, *b, *given}
    while more := {u for u, v in arcs if v in found} - found:
        found |= more
    families = [{u for u, w in arcs if w == v} | {v} for v in found]
    reached = set(a)
    while more := (
        set().union(*(f for f in families if (f - set(given)) & reached)) - reached - set(given)
    ):
        reached |= more
    return not reached & set(b)


def conditional_follows(plain, treatment, outcome, given):
    """Whether P(y | do(x), z) follows: by any split of z into what may be set and what is seen."""
    for acted in subsets(given):
        seen = [z for z in given if z not in acted]
        may_be_set = separated(
            plain, outcome, acted, [*treatment, *seen], into_cut=treatment, out_cut=acted
        )
        if may_be_set and factors_follow(plain, (*treatment, *acted), (*outcome, *seen)):
            return True
    return False


# --- numbers ------------------------------------------------------------------------------------


def maximal_cliques(plain):
    """Sets of nodes all joined by <->, none within another, at least a pair."""
    joined = {frozenset(bow) for bow in plain.bows}
    found = [
        frozenset(nodes)
        for nodes in subsets(plain.nodes, 2)
        if all(frozenset(pair) in joined for pair in combinations(nodes, 2))
    ]
    return [nodes for nodes in found if not any(nodes < other for other in found)]


@dataclass
class Model:
    """Tables P(node | parents, hidden causes) and P(hidden cause); axes are named."""

    plain: Plain
    levels: dict
    tables: dict  # node or hidden cause: (names of the axes, its own last; array)

    @classmethod
    def draw(cls, rng, plain, *, by_clique=False, most_levels=3, hidden_levels=None, weight=1.0):
        """Random tables; a hidden cause for each <->, or for each clique of them."""
        shared = maximal_cliques(plain) if by_clique else [frozenset(bow) for bow in plain.bows]
        hidden = {("hidden", *sorted(map(str, nodes))): nodes for nodes in shared}
        levels = {v: int(rng.integers(2, most_levels + 1)) for v in plain.nodes}
        levels |= {u: hidden_levels or int(rng.integers(2, 4)) for u in hidden}
        axes = {u: (u,) for u in hidden}
        for v in plain.nodes:
            causes = [u for u, nodes in hidden.items() if v in nodes]
            axes[v] = (*plain.parents(v), *causes, v)
        tables = {}
        for v, names in axes.items():
            shape = [levels[a] for a in names]
            tables[v] = names, rng.dirichlet(np.full(shape[-1], weight), size=shape[:-1])
        return cls(plain, levels, tables)

    def joint(self, set_to=()):
        """P(observed), or with `set_to` P(all else | do(set_to)) for each of their values."""
        factors = [table for v, table in self.tables.items() if v not in set_to]
        where = {v: k for k, v in enumerate(self.levels)}
        operands = []
        for names, array in factors:
            operands += [array, [where[a] for a in names]]
        for v in set_to:  # a value that enters no other factor still has its axis
            operands += [np.ones(self.levels[v]), [where[v]]]
        return np.einsum(*operands, [where[v] for v in self.plain.nodes], optimize="greedy")

    def effect(self, treatment, outcome, given=()):
        """P(outcome | do(treatment), given), axes in the order treatment, given, outcome."""
        kept = (*treatment, *given, *outcome)
        joint = margin(self.joint(set_to=treatment), self.plain.nodes, kept)
        last = tuple(range(len(kept) - len(outcome), len(kept)))
        return joint / joint.sum(last, keepdims=True)


def margin(array, names, kept):
    """Sum out all axes but `kept`, in that order."""
    where = {v: k for k, v in enumerate(names)}
    return np.einsum(array, list(range(len(names))), [where[v] for v in kept])


# --- models that move ---------------------------------------------------------------------------


def moved(model, change):
    """A model with some change of its free parameters; the last of a distribution makes up."""
    tables, at = {}, 0
    for v, (names, array) in model.tables.items():
        free = array[..., :-1]
        step = change[at : at + free.size].reshape(free.shape)
        at += free.size
        last = array[..., -1:] - step.sum(-1, keepdims=True)
        tables[v] = names, np.concatenate([free + step, last], axis=-1)
    return Model(model.plain, model.levels, tables)


def slopes(model, treatment, outcome, given=()):
    """Derivatives of P(observed) and of the effect; complex steps are exact to rounding."""
    n_free = sum(array[..., :-1].size for _, array in model.tables.values())
    step = 1e-30
    seen, asked = [], []
    for k in range(n_free):
        other = moved(model, 1j * step * np.eye(n_free)[k])
        seen.append(other.joint().imag.ravel() / step)
        asked.append(other.effect(treatment, outcome, given).imag.ravel() / step)
    return np.array(seen).T, np.array(asked).T


def unseen_slope(model, treatment, outcome, given=()):
    """How the effect moves along directions that leave P(observed): the largest part of it."""
    seen, asked = slopes(model, treatment, outcome, given)
    _, sizes, directions = np.linalg.svd(seen, full_matrices=True)
    unseen = directions[np.sum(sizes > 1e-9 * sizes[0]) :]
    along = asked @ unseen.T @ unseen
    return along[np.argmax(np.linalg.norm(along, axis=1))]


def small_model(rng, plain, hidden_levels):
    return Model.draw(rng, plain, most_levels=2, hidden_levels=hidden_levels, weight=2.0)


def moves_alone(plain, treatment, outcome, given=(), *, rng, hidden_levels=4):
    """Whether some change of a random model leaves P(observed) and changes the effect.

    At a random (regular) point, a direction that no derivative of P(observed) sees belongs to a
    curve of models with one P(observed); if the effect has a slope along it, it is not identified.
    """
    model = small_model(rng, plain, hidden_levels)
    return bool(np.abs(unseen_slope(model, treatment, outcome, given)).max(initial=0.0) > 1e-6)


def two_models(plain, treatment, outcome, *, rng, hidden_levels=3):
    """Two models with one P(observed) and two effects: the proof that an effect is not identified.

    Walk along the unseen direction, and come back to the same P(observed) by Newton's steps.
    """
    first = small_model(rng, plain, hidden_levels)
    direction = unseen_slope(first, treatment, outcome)
    size = 0.1 / np.abs(direction).max()
    while True:
        other = moved(first, size * direction)
        for _ in range(8):
            off = (other.joint() - first.joint()).ravel()
            other = moved(other, -np.linalg.pinv(slopes(other, treatment, outcome)[0], 1e-6) @ off)
        if all(array.min() > 0 for _, array in other.tables.values()):
            return first, other
        size /= 2


# --- formulas, read literally -------------------------------------------------------------------


def value(expression, names, joint):
    """Axes and numbers of a formula without `do`; levels of a variable are 0, 1, …"""
    size = dict(zip(names, joint.shape, strict=True))

    def of(symbol):
        return symbol.name if isinstance(symbol, Value) else symbol

    def table(symbols):
        """P of symbols that may name one variable twice."""
        bare = tuple(dict.fromkeys(of(s) for s in symbols))
        return bare, margin(joint, names, bare)

    def look(piece):
        if isinstance(piece, Equation):
            return look(piece.right)
        if isinstance(piece, Probability):
            assert not piece.do
            assert len({of(s) for s in (*piece.of, *piece.given)}) == len(piece.of + piece.given)
            top = table((*piece.of, *piece.given))[1]
            bottom = top.sum(tuple(range(len(piece.of))), keepdims=True)
            return (*piece.of, *piece.given), top / bottom
        if isinstance(piece, Expectation):
            assert not piece.do
            (outcome,) = piece.of
            axes, inner = look(Probability(piece.of, piece.given))
            return axes[1:], np.tensordot(np.arange(size[outcome]), inner, 1)
        if isinstance(piece, Product):
            return multiply([look(factor) for factor in piece.factors])
        if isinstance(piece, Ratio):
            axes, bottom = look(piece.bottom)
            return multiply([look(piece.top), (axes, 1 / bottom)])
        assert isinstance(piece, Sum), piece
        axes, body = look(piece.body)
        count = np.prod([size[of(s)] for s in piece.over if s not in axes], initial=1.0)
        kept = tuple(s for s in axes if s not in piece.over)
        where = {s: k for k, s in enumerate(axes)}
        return kept, count * np.einsum(body, list(where.values()), [where[s] for s in kept])

    def multiply(pieces):
        where = {}
        operands = []
        for axes, array in pieces:
            operands += [array, [where.setdefault(s, len(where)) for s in axes]]
        operands.append(list(where.values()))
        return tuple(where), np.einsum(*operands) if pieces else np.array(1.0)

    return look(expression)


def spread(axes, array, wanted, size):
    """An array with axes `axes` over all of `wanted`; constant along those it lacks."""
    assert set(axes) <= set(wanted), (axes, wanted)
    present = [v for v in wanted if v in axes]
    ordered = np.transpose(array, [axes.index(v) for v in present])
    shape = [size[v] if v in axes else 1 for v in wanted]
    return np.broadcast_to(ordered.reshape(shape), [size[v] for v in wanted])


def expectation(effect):
    """Means over the last axis of probabilities, levels 0, 1, …"""
    return effect @ np.arange(effect.shape[-1])
