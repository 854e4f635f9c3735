"""Slow and obvious answers about graphs: definitions, paths and enumeration, nothing clever."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, combinations, product

import networkx as nx
import numpy as np
from hypothesis import strategies as st

from causalkit.graph import CausalGraph, Edge, Kind
from causalkit.typing import Name

# --- graphs to try ------------------------------------------------------------------------------


@st.composite
def dags(draw: st.DrawFn, min_nodes: int = 1, max_nodes: int = 6) -> CausalGraph:
    """DAGs over the first letters, whose order says nothing about causes."""
    names = "ABCDEFGHIJ"[: draw(st.integers(min_nodes, max_nodes))]
    order = draw(st.permutations(names))
    edges = [pair for pair in combinations(order, 2) if draw(st.booleans())]
    return CausalGraph.from_edges(names, edges, Kind.DAG)


@st.composite
def admgs(draw: st.DrawFn, min_nodes: int = 1, max_nodes: int = 6) -> CausalGraph:
    """ADMGs, bows included."""
    dag = draw(dags(min_nodes, max_nodes))
    bidirected = [Edge(*p, "<->") for p in combinations(dag.nodes, 2) if draw(st.booleans())]
    return CausalGraph.from_edges(dag.nodes, [*dag.edges(), *bidirected], Kind.ADMG)


def subsets(items) -> list[frozenset]:
    """All subsets, small ones first."""
    items = list(items)
    sizes = range(len(items) + 1)
    return [frozenset(c) for c in chain.from_iterable(combinations(items, k) for k in sizes)]


# --- ancestors and separation by the definition -------------------------------------------------


def descendants(graph: CausalGraph, name: Name) -> set[Name]:
    """By depth-first search over the edge list, the node included."""
    found, waiting = {name}, [name]
    while waiting:
        node = waiting.pop()
        new = {e.right for e in graph.edges() if e.symbol == "->" and e.left == node} - found
        found |= new
        waiting += new
    return found


def _marked_paths(graph: CausalGraph, x: Name, y: Name) -> Iterator[list[tuple[Name, str, str]]]:
    """Every path as (node, mark by which it is entered, mark by which it is left)."""
    at = {}
    for edge in graph.edges():
        left, right = edge.symbol[0], edge.symbol[-1]
        at.setdefault(edge.left, []).append((edge.right, left, right))
        at.setdefault(edge.right, []).append((edge.left, right, left))

    def walk(node, inner, visited, entered):
        for nxt, leave, enter in at.get(node, []):
            here = [*inner, (node, entered, leave)] if entered else inner
            if nxt == y:
                yield here
            elif nxt not in visited:
                yield from walk(nxt, here, visited | {nxt}, enter)

    yield from walk(x, [], {x}, "")


def is_separated(graph: CausalGraph, x: Name, y: Name, given) -> bool:
    """m-separation by the definition: no path on which every inner node is open."""
    given = set(given)

    def open_at(node, entered, left):
        if entered in "<>" and left in "<>":
            return bool(descendants(graph, node) & given)
        return node not in given

    return not any(all(open_at(*v) for v in path) for path in _marked_paths(graph, x, y))


def canonical_dag(graph: CausalGraph) -> nx.DiGraph:
    """networkx DAG with one hidden parent of both ends for each `<->`."""
    dag = nx.DiGraph()
    dag.add_nodes_from(graph.nodes)
    for number, edge in enumerate(graph.edges()):
        if edge.symbol == "->":
            dag.add_edge(edge.left, edge.right)
        else:
            dag.add_edges_from([(("hidden", number), edge.left), (("hidden", number), edge.right)])
    return dag


def minimal_separators(graph, x, y, include=frozenset(), within=None, separated=is_separated):
    """All separators between include and within of which no node outside include can go."""
    pool = set(graph.nodes if within is None else within) - {x, y} - set(include)
    found = [s | include for s in subsets(pool) if separated(graph, x, y, s | include)]
    return {s for s in found if not any(t < s for t in found)}


# --- equivalence by enumeration -----------------------------------------------------------------


def _arrows(graph: CausalGraph) -> list[tuple[Name, Name]]:
    return [(e.left, e.right) for e in graph.edges() if e.symbol == "->"]


def _unshielded(arrows, skeleton) -> set[tuple[frozenset, Name]]:
    into: dict[Name, set[Name]] = {}
    for cause, effect in arrows:
        into.setdefault(effect, set()).add(cause)
    pairs = ((frozenset(pair), c) for c, causes in into.items() for pair in combinations(causes, 2))
    return {(pair, c) for pair, c in pairs if pair not in skeleton}


def colliders(graph: CausalGraph) -> set[tuple[frozenset, Name]]:
    """Unshielded colliders among directed edges."""
    return _unshielded(_arrows(graph), graph.skeleton())


def _dags(graph: CausalGraph, wanted: set) -> list[CausalGraph]:
    """All DAGs that orient the undirected edges of `graph` with exactly these colliders."""
    skeleton, fixed = graph.skeleton(), _arrows(graph)
    loose = [(e.left, e.right) for e in graph.edges() if e.symbol == "--"]
    found = []
    for flips in product((False, True), repeat=len(loose)):
        turned = [(b, a) if flip else (a, b) for (a, b), flip in zip(loose, flips, strict=True)]
        arrows = fixed + turned
        right = _unshielded(arrows, skeleton) == wanted
        if right and nx.is_directed_acyclic_graph(nx.DiGraph(arrows)):
            found.append(CausalGraph.from_edges(graph.nodes, arrows, Kind.DAG))
    return found


def members(graph: CausalGraph) -> list[CausalGraph]:
    """All DAGs with the adjacencies, arrows and unshielded colliders of a PDAG."""
    return _dags(graph, colliders(graph))


def equivalent_dags(dag: CausalGraph) -> list[CausalGraph]:
    """All DAGs with the same skeleton and the same unshielded colliders."""
    bare = [Edge(e.left, e.right, "--") for e in dag.edges()]
    return _dags(CausalGraph.from_edges(dag.nodes, bare, Kind.CPDAG), colliders(dag))


def union(graphs: list[CausalGraph]) -> CausalGraph:
    """The class of these DAGs: directed where all agree, undirected where they differ."""
    arrows = [{(e.left, e.right) for e in graph.edges()} for graph in graphs]
    common = set.intersection(*arrows)
    loose = {frozenset(pair) for pair in set.union(*arrows) - common}
    edges = [Edge(*pair, "->") for pair in common] + [Edge(*pair, "--") for pair in loose]
    return CausalGraph.from_edges(graphs[0].nodes, edges, Kind.CPDAG)


def cpdag_by_enumeration(dag: CausalGraph) -> CausalGraph:
    """The CPDAG, from every member of the class."""
    return union(equivalent_dags(dag))


# --- hidden variables by the definition ---------------------------------------------------------


def mag_by_definition(graph: CausalGraph, observed) -> CausalGraph:
    """Adjacent where no observed set separates; marks from who is an ancestor of whom."""
    names = [name for name in graph.nodes if name in set(observed)]
    edges = []
    for a, b in combinations(names, 2):
        others = set(names) - {a, b}
        if not any(is_separated(graph, a, b, given) for given in subsets(others)):
            down, up = b in descendants(graph, a), a in descendants(graph, b)
            edges.append(
                Edge(a, b, "->") if down else Edge(b, a, "->") if up else Edge(a, b, "<->")
            )
    return CausalGraph.from_edges(names, edges, Kind.MAG)


def independences(graph: CausalGraph, observed, separated=is_separated) -> set:
    """Every separated (pair, given) among the observed."""
    return {
        (frozenset(pair), given)
        for pair in combinations(sorted(observed), 2)
        for given in subsets(set(observed) - set(pair))
        if separated(graph, *pair, given)
    }


def random_pdag(rng: np.random.Generator, dag: CausalGraph, n_known: int) -> CausalGraph:
    """The CPDAG of a DAG in which a few undirected edges are oriented as in the DAG, not closed."""
    edges = list(cpdag_by_enumeration(dag).edges())
    loose = [k for k, edge in enumerate(edges) if edge.symbol == "--"]
    for k in rng.permutation(loose)[:n_known].tolist():
        edges[k] = dag.edges_between(edges[k].left, edges[k].right)[0]
    return CausalGraph.from_edges(dag.nodes, edges, Kind.CPDAG)
