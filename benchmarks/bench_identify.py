"""Identification beside DoWhy and pgmpy: `python benchmarks/bench_identify.py [limit in seconds]`.

Total effects in random DAGs of expected degree 4, the treatment an ancestor of the outcome; the
same graphs and pairs for all, conversion not counted. A peer that is not installed is left out. A
call that takes longer than the limit is stopped and counted as such. DoWhy is asked for its
automatic identifier (back door by its default search, front door, instruments) with the default and
with the efficient back-door set; pgmpy for a minimal set. causalkit is asked for `identify` (the
O-set, with formula), for the nearest minimal set, for the first 50 minimal sets, and for `identify`
in the CPDAG, where the other two have no answer.
"""

from __future__ import annotations

import logging
import sys
import warnings
from itertools import islice
from time import process_time

import networkx as nx
import numpy as np

from benchmarks.tables import head, row
from benchmarks.time_limit import TooLongError, processor_limit
from causalkit.errors import NotIdentifiableError
from causalkit.graph import CausalGraph, random_dag
from causalkit.identification import identify, minimal_adjustment_set, minimal_adjustment_sets

SIZES = (50, 200, 1000)
N_PAIRS = 5


def draw(size, rng):
    """A DAG and pairs (treatment, outcome) with a causal path between them."""
    graph = random_dag(size, expected_degree=4.0, rng=rng)
    pairs = []
    while len(pairs) < N_PAIRS:
        x, y = (graph.nodes[k] for k in rng.choice(size, 2, replace=False))
        if y in graph.descendants(x) and graph.parents(x):
            pairs.append((x, y))
    return graph, pairs


def answer_or_reason(graph, x, y):
    try:
        return identify(graph, x, y)
    except NotIdentifiableError:
        return None


def ours(graph):
    cpdag = graph.to_cpdag()
    # Fresh graphs, so that no derived matrix is at hand already.
    return {
        "causalkit identify": lambda x, y: identify(fresh(graph), x, y),
        "causalkit minimal set": lambda x, y: minimal_adjustment_set(fresh(graph), x, y),
        "causalkit 50 minimal sets": lambda x, y: list(
            islice(minimal_adjustment_sets(fresh(graph), x, y), 50)
        ),
        "causalkit identify, CPDAG": lambda x, y: answer_or_reason(fresh(cpdag), x, y),
    }


def fresh(graph):
    return CausalGraph(graph.nodes, graph.ends, graph.kind)


def dowhy_calls(graph):
    from dowhy.causal_identifier import BackdoorAdjustment, EstimandType
    from dowhy.causal_identifier.auto_identifier import identify_effect_auto

    nodes = list(graph.nodes)
    dag = digraph(graph)

    def job(method):
        return lambda x, y: identify_effect_auto(
            dag, [x], [y], nodes, EstimandType.NONPARAMETRIC_ATE, backdoor_adjustment=method
        )

    return {
        "dowhy automatic": job(BackdoorAdjustment.BACKDOOR_DEFAULT),
        "dowhy efficient": job(BackdoorAdjustment.BACKDOOR_EFFICIENT),
    }


def pgmpy_calls(graph):
    from pgmpy.base import DAG
    from pgmpy.identification import Adjustment

    edges = [(edge.left, edge.right) for edge in graph.edges()]

    def job(x, y):
        dag = DAG(ebunch=edges, roles={"exposures": x, "outcomes": y})
        return Adjustment(variant="minimal").identify(dag)

    return {"pgmpy minimal": job}


def digraph(graph):
    found = nx.DiGraph([(edge.left, edge.right) for edge in graph.edges()])
    found.add_nodes_from(graph.nodes)
    return found


def timed(job, pairs, limit):
    seconds, stopped, failed = [], 0, 0
    for x, y in pairs:
        start = process_time()
        try:
            with processor_limit(limit):
                job(x, y)
        except TooLongError:
            stopped += 1
        except Exception:
            failed += 1
        seconds.append(process_time() - start)
    return np.median(seconds), max(seconds), stopped, failed


def main(limit=20.0):
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    head("nodes", "call", "median ms", "worst ms", "stopped", "failed")
    missing = set()
    for size in SIZES:
        graph, pairs = draw(size, np.random.default_rng(size))
        for source in (ours, dowhy_calls, pgmpy_calls):
            try:
                jobs = source(graph)
            except ImportError as error:
                missing.add(error.name)
                continue
            for name, job in jobs.items():
                middle, worst, stopped, failed = timed(job, pairs, limit)
                times = f"{1000 * middle:.2f}", f"{1000 * worst:.2f}"
                row(size, name, *times, f"{stopped}/{N_PAIRS}", f"{failed}/{N_PAIRS}")
    for name in sorted(missing):
        print(f"{name} is not installed: left out")


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
