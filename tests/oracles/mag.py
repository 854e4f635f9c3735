"""MAGs and their classes by looking at every graph and every path."""

from __future__ import annotations

from functools import cache
from itertools import combinations, permutations, product

import numpy as np

from causalkit.errors import GraphError
from causalkit.graph import CIRCLE, CausalGraph, Edge, Kind
from tests.oracles.graphs import is_separated, subsets

SYMBOLS = ("->", "<-", "<->", "--")


def independences(graph: CausalGraph, over=None, always=frozenset()) -> frozenset:
    """All (pair, given) that the graph separates, `always` being conditioned on throughout."""
    nodes = graph.nodes if over is None else over
    return frozenset(
        (pair, given)
        for pair in combinations(nodes, 2)
        for given in subsets(set(nodes) - set(pair))
        if is_separated(graph, *pair, given | always)
    )


def ancestral_graphs(nodes: str, skeleton) -> list[CausalGraph]:
    """All ancestral graphs with these adjacencies, maximal or not."""
    found = []
    for symbols in product(SYMBOLS, repeat=len(skeleton)):
        edges = [Edge(*pair, symbol) for pair, symbol in zip(skeleton, symbols, strict=True)]
        try:
            found.append(CausalGraph.from_edges(nodes, edges, Kind.MAG))
        except GraphError:
            continue
    return found


def is_maximal(graph: CausalGraph, separated: frozenset) -> bool:
    """Whether every pair without an edge has a separating set."""
    pairs = {pair for pair, _ in separated}
    joined = graph.skeleton()
    return all(
        pair in pairs for pair in combinations(graph.nodes, 2) if frozenset(pair) not in joined
    )


def classes(nodes: str, skeleton) -> list[list[CausalGraph]]:
    """All MAGs with these adjacencies, equivalent ones together."""
    by_model: dict[frozenset, list[CausalGraph]] = {}
    for graph in ancestral_graphs(nodes, skeleton):
        model = independences(graph)
        if is_maximal(graph, model):
            by_model.setdefault(model, []).append(graph)
    return list(by_model.values())


@cache
def all_classes(n_nodes: int) -> list[list[CausalGraph]]:
    """All classes of MAGs over the first letters, up to the names of the nodes."""
    nodes = "ABCDE"[:n_nodes]
    skeletons = [sorted(chosen) for chosen in subsets(list(combinations(nodes, 2)))]
    seen: set[tuple] = set()
    found = []
    for skeleton in skeletons:
        renamings = [dict(zip(nodes, order, strict=True)) for order in permutations(nodes)]
        copies = [
            tuple(sorted(tuple(sorted((new[a], new[b]))) for a, b in skeleton)) for new in renamings
        ]
        if seen.isdisjoint(copies):
            found += classes(nodes, skeleton)
        seen.update(copies)
    return found


def union(members: list[CausalGraph]) -> CausalGraph:
    """The PAG of a class: a circle where two members differ."""
    ends = members[0].ends.copy()
    for member in members[1:]:
        ends[member.ends != ends] = CIRCLE
    return CausalGraph(members[0].nodes, ends, Kind.PAG)


def mag_by_definition(dag: CausalGraph, latent, selection) -> CausalGraph:
    """Adjacent if no set separates; a tail at an ancestor of the other or of the selection."""
    observed = [n for n in dag.nodes if n not in {*latent, *selection}]
    chosen = frozenset(selection)
    edges = []
    for a, b in combinations(observed, 2):
        others = set(observed) - {a, b}
        if any(is_separated(dag, a, b, given | chosen) for given in subsets(others)):
            continue
        left = "-" if a in dag.ancestors({b, *chosen}) else "<"
        right = "-" if b in dag.ancestors({a, *chosen}) else ">"
        symbol = {"--": "--", "->": "->", "<-": "<-", "<>": "<->"}[left + right]
        edges.append(Edge(a, b, symbol))
    return CausalGraph.from_edges(observed, edges, Kind.MAG)


def is_visible(mag: CausalGraph, a, b) -> bool:
    """By listing every collider path that ends with an arrow at a and runs through parents of b."""
    arrow = {(e.left, e.right) for e in mag.edges() if e.symbol.endswith(">")}
    arrow |= {(e.right, e.left) for e in mag.edges() if e.symbol == "<->"}
    parents, far = mag.parents(b), set(mag.nodes) - mag.adjacent(b) - {b}

    def backwards(node, visited):
        for before in mag.nodes:
            if before in visited or (before, node) not in arrow:
                continue
            if before in far:
                return True
            on_path = before in parents and (node, before) in arrow
            if on_path and backwards(before, visited | {before}):
                return True
        return False

    return backwards(a, {a, b})


def random_case(rng: np.random.Generator, max_nodes: int = 7, *, select: bool = False):
    """A random DAG with some hidden, and perhaps some selected, variables."""
    p = int(rng.integers(2, max_nodes + 1))
    names = [f"x{k}" for k in range(p)]
    order = rng.permutation(names).tolist()
    density = rng.uniform(0.2, 0.8)
    edges = [pair for pair in combinations(order, 2) if rng.random() < density]
    dag = CausalGraph.from_edges(names, edges, Kind.DAG)
    role = rng.permutation(names).tolist()
    n_latent = int(rng.integers(0, max(1, p // 2)))
    n_chosen = int(rng.integers(0, max(1, p // 3))) if select else 0
    return dag, role[:n_latent], role[n_latent : n_latent + n_chosen]
