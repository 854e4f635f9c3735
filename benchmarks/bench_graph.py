"""Graph algorithms beside networkx and causal-learn: `python benchmarks/bench_graph.py [n_nodes]`.

Every row is the best of a few runs on the same graphs, conversion to the peer's graph type not
counted. Ours run on a fresh graph (cold) so that nothing is answered from a cache.
"""

from __future__ import annotations

import sys
from itertools import pairwise
from time import process_time

import networkx as nx
import numpy as np

from benchmarks.tables import head, row
from causalkit.graph import (
    CausalGraph,
    Edge,
    Kind,
    class_size,
    consistent_extension,
    dag_to_cpdag,
    is_separated,
    meek_closure,
    minimal_separator,
    random_dag,
)


def best(job, prepare=lambda: (), repeat=5):
    times = []
    for _ in range(repeat):
        arguments = prepare()
        start = process_time()
        job(*arguments)
        times.append(process_time() - start)
    return 1000 * min(times)


def show(what, ours, peer=None, name=None):
    row(what, f"{ours:.2f}", peer and f"{peer:.2f}", peer and f"{peer / ours:.1f}", name)


def fresh(graph):
    return CausalGraph(graph.nodes, graph.ends, graph.kind)


def separation(size, rng):
    dag = random_dag(size, expected_degree=4.0, rng=rng)
    peer = nx.DiGraph([(e.left, e.right) for e in dag.edges()])
    peer.add_nodes_from(dag.nodes)
    queries = []
    for _ in range(20):
        x, y, *rest = rng.choice(dag.nodes, 2 + size // 20, replace=False).tolist()
        queries.append((x, y, set(rest)))

    def ours(graph):
        return [is_separated(graph, x, y, z) for x, y, z in queries]

    def theirs():
        return [nx.is_d_separator(peer, {x}, {y}, z) for x, y, z in queries]

    assert ours(dag) == theirs()
    show("20 separations, degree 4", best(ours, lambda: (fresh(dag),)), best(theirs), "networkx")
    x, y, _ = next(q for q in queries if not is_separated(dag, q[0], q[1]))

    def minimal(graph):
        return minimal_separator(graph, x, y)

    def minimal_peer():
        return nx.find_minimal_d_separator(peer, {x}, {y})

    show(
        "1 minimal separator", best(minimal, lambda: (fresh(dag),)), best(minimal_peer), "networkx"
    )


def classes(size, rng):
    dag = random_dag(size, expected_degree=4.0, rng=rng)
    cpdag = dag_to_cpdag(dag)
    show(
        "dag_to_cpdag, degree 4", best(dag_to_cpdag, lambda: (fresh(dag),)), *causallearn_cpdag(dag)
    )
    show("consistent extension of it", best(consistent_extension, lambda: (fresh(cpdag),)))
    show("class size of it", best(class_size, lambda: (fresh(cpdag),)))
    chain = [Edge(a, b, "--") for a, b in pairwise(range(1, size))]
    path = CausalGraph.from_edges(range(size), [Edge(0, 1, "->"), *chain], Kind.CPDAG)
    show("Meek closure of a path (one edge a round)", best(meek_closure, lambda: (fresh(path),)))
    dense = random_dag(size // 4, expected_degree=size / 8, rng=rng)
    show(
        f"dag_to_cpdag, {size // 4} nodes, half of all edges", best(dag_to_cpdag, lambda: (dense,))
    )


def causallearn_cpdag(dag):
    """causal-learn's dag2cpdag; above 100 nodes it takes minutes, so it is left out."""
    if len(dag.nodes) > 100:
        return None, None
    from causallearn.graph.Dag import Dag
    from causallearn.graph.GraphNode import GraphNode
    from causallearn.utils.DAG2CPDAG import dag2cpdag

    nodes = [GraphNode(name) for name in dag.nodes]
    peer = Dag(nodes)
    for i, j in np.argwhere(dag.directed).tolist():
        peer.add_directed_edge(nodes[i], nodes[j])
    return best(lambda: dag2cpdag(peer), repeat=2), "causal-learn"


def main():
    sizes = [int(text) for text in sys.argv[1:]] or [20, 100, 1000]
    for size in sizes:
        rng = np.random.default_rng(0)
        head("task", "causalkit, ms", "peer, ms", "ratio", "peer", title=f"{size} nodes")
        separation(size, rng)
        classes(size, rng)


if __name__ == "__main__":
    main()
