"""General identification beside peers: `python -m benchmarks.bench_identification [part ...]`.

Parts: `verdicts` (is the effect identified, and is the formula right: named graphs, random ADMGs,
chains with many hidden causes), `speed` (one query, by size), `backdoor` (one adjustment set, by
size). All tools get the same graphs; building their own graph objects is not timed. A formula is
right if its value, from the exact joint distribution of a random discrete model, is the effect in
that model. Times are of the processor, in ms; `speed` takes the best of three. A peer that is not
installed is left out; a call over the limit is stopped.
"""

from __future__ import annotations

import logging
import sys
import warnings
from importlib import import_module
from time import process_time

import numpy as np

from benchmarks.identification_peers import (
    LARGEST,
    TOOLS,
    UNKNOWN,
    CannotAskError,
    dowhy_default,
    readable,
)
from benchmarks.tables import head, row
from benchmarks.time_limit import TooLongError, processor_limit
from causalkit.graph import CausalGraph, random_dag
from causalkit.identification.formulas.expression import Equation, Expectation, Value
from tests.identification import oracle
from tests.identification.famous import FAMOUS

LIMIT = 20.0
CLOSE = 1e-9
N_RANDOM = 300


# --- is it right ------------------------------------------------------------------------------


def is_right(formula, model, x, y):
    """Whether the value of a formula is the effect in this model."""
    mean = isinstance(formula, Equation) and isinstance(formula.left, Expectation)
    wanted = x if mean else (*x, *y)
    effect = model.effect(x, y)
    axes, numbers = oracle.value(formula, model.plain.nodes, model.joint())
    free = tuple(s for s in axes if s not in wanted)
    size = {s: model.levels[s.name if isinstance(s, Value) else s] for s in (*free, *wanted)}
    found = oracle.spread(axes, numbers, (*free, *wanted), size)
    return np.abs(found - (oracle.expectation(effect) if mean else effect)).max() < CLOSE


# Peers that were asked for and are not installed.
MISSING: set[str] = set()


# --- parts --------------------------------------------------------------------------------------


def installed():
    for name, (prepare, module) in TOOLS.items():
        try:
            import_module(module)
        except ImportError as error:
            MISSING.add(error.name)
            continue
        yield name, prepare


def limited(job, *args, limit=LIMIT):
    start = process_time()
    with processor_limit(limit):
        return job(*args), process_time() - start


def named_cases():
    for case in FAMOUS:
        if not case.given:
            plain = oracle.Plain.read(CausalGraph.parse(case.graph))
            yield case.name, plain, case.treatment, case.outcome, case.follows


def random_cases(rng):
    for k in range(N_RANDOM):
        plain = oracle.random_admg(rng, 6, 0.5, 0.35)
        x, y, _ = oracle.random_query(rng, plain.nodes)
        yield f"random {k}", plain, x, y, oracle.factors_follow(plain, x, y)


def chain_cases(rng):
    """V0 -> … -> V5 with many hidden causes: few adjustment sets, many quotients."""
    for k in range(N_RANDOM):
        drawn = oracle.random_admg(rng, 6, 0.1, 0.25)
        arcs = dict.fromkeys((*zip(drawn.nodes, drawn.nodes[1:], strict=False), *drawn.arcs))
        plain = oracle.Plain(drawn.nodes, tuple(arcs), drawn.bows)
        x, y = plain.nodes[int(rng.integers(2, 5))], plain.nodes[5]
        yield f"chain {k}", plain, (x,), (y,), oracle.factors_follow(plain, (x,), (y,))


def verdicts():
    for title, cases in (
        ("named", list(named_cases())),
        ("random", list(random_cases(np.random.default_rng(2026)))),
        ("random, chains", list(chain_cases(np.random.default_rng(2027)))),
    ):
        no = sum(not case[-1] for case in cases)
        names = "tool", "asked", "false yes", "false no", "right formula", "wrong", "errors"
        head(
            *(*names, "median ms", "where"),
            title=f"{len(cases)} {title} queries, {no} of them not identified",
        )
        for name, prepare in installed():
            judge(name, prepare, cases, named=title == "named")


def judge(name, prepare, cases, *, named):
    counts = dict.fromkeys(("asked", "yes", "no", "right", "wrong", "errors"), 0)
    seconds, notes = [], []
    for k, (what, plain, x, y, follows) in enumerate(cases):
        try:
            ask = prepare(plain)  # kept, as what pyAgrum answers points into it
            found, spent = limited(ask, x, y)
        except CannotAskError:
            continue
        except Exception as error:
            counts["errors"] += 1
            notes.append(f"{what}: {type(error).__name__}")
            continue
        counts["asked"] += 1
        seconds.append(spent)
        counts["yes"] += found is not None and not follows
        counts["no"] += found is None and follows
        if (found is None) == follows:
            notes.append(f"{what}: says {'no' if found is None else 'yes'}")
        formula = None if found is None or not follows else readable(name, found, plain.nodes)
        if formula is not None and formula is not UNKNOWN:
            model = oracle.Model.draw(np.random.default_rng(k), plain)
            good = is_right(formula, model, x, y)
            counts["right" if good else "wrong"] += 1
            if not good:
                notes.append(f"{what}: wrong formula")
    shown = "; ".join(notes if named else notes[:3])
    row(name, *counts.values(), f"{1000 * np.median(seconds):.3f}", shown)


def speed():
    head("tool", "nodes", "median ms", "worst ms", "stopped", title="One query")
    for size in (10, 20, 50, 100):
        cases = list(large_cases(size, np.random.default_rng(size)))
        for name, prepare in installed():
            if size > LARGEST.get(name, size):
                continue
            seconds, stopped = [], 0
            for plain, x, y in cases:
                try:
                    seconds.append(min(limited(prepare(plain), x, y)[1] for _ in range(3)))
                except TooLongError:
                    stopped += 1
                    seconds.append(LIMIT)
                except CannotAskError:
                    continue
            times = f"{1000 * np.median(seconds):.2f}", f"{1000 * max(seconds):.2f}"
            row(name, size, *times, f"{stopped}/{len(cases)}")


def large_cases(size, rng, queries=10):
    """ADMGs with 3 arcs and 1 bow an end, none isolated; the treatment causes the outcome."""
    while queries:
        plain = oracle.random_admg(rng, size, 3 / (size - 1), 1 / (size - 1))
        touched = {v for pair in plain.arcs + plain.bows for v in pair}
        y = plain.nodes[int(rng.integers(size // 2, size))]
        causes = sorted(plain.ancestors([y]) - {y})
        if len(touched) == size and causes:
            queries -= 1
            yield plain, (str(rng.choice(causes)),), (y,)


def backdoor():
    head("search", "nodes", "median ms", "worst ms", "stopped", title="One adjustment set")
    for size in (100, 1000, 10_000):
        for name, (build, most) in SEARCHES.items():
            if size > most:
                continue
            rng = np.random.default_rng(size)
            seconds, stopped = [], 0
            for _ in range(5):
                graph, x, y = dag_and_pair(size, rng)
                try:
                    seconds.append(limited(build(graph), x, y)[1])
                except TooLongError:
                    stopped += 1
                    seconds.append(LIMIT)
                except ImportError as error:
                    MISSING.add(error.name)
                    break
            if seconds:
                times = f"{1000 * np.median(seconds):.2f}", f"{1000 * max(seconds):.2f}"
                row(name, size, *times, f"{stopped}/5")


def dag_and_pair(size, rng):
    graph = random_dag(size, expected_degree=4.0, rng=rng)
    while True:
        y = graph.nodes[int(rng.integers(size))]
        causes = sorted(v for v in graph.ancestors(y) - {y} if graph.parents(v))
        if causes:
            return graph, str(rng.choice(causes)), y


def our_minimal(graph):
    from causalkit.identification import minimal_adjustment_set

    return lambda x, y: minimal_adjustment_set(graph, x, y)


def our_optimal(graph):
    from causalkit.identification import optimal_adjustment_set

    return lambda x, y: optimal_adjustment_set(graph, x, y)


def pydagitty_canonical(graph):
    from pydagitty import DAG, Node

    nodes = {v: Node(v) for v in graph.nodes}
    arrows = [nodes[edge.left] >> nodes[edge.right] for edge in graph.edges()]
    dag = DAG(nodes=nodes.values(), paths=arrows)

    def search(x, y):
        return dag.adjustment_sets(exposure=nodes[x], outcome=nodes[y], mode="canonical")

    return search


def dowhy_search(graph):
    arcs = tuple((edge.left, edge.right) for edge in graph.edges())
    ask = dowhy_default(oracle.Plain(graph.nodes, arcs, ()))
    return lambda x, y: ask((x,), (y,))


SEARCHES = {
    "causalkit minimal set": (our_minimal, 10_000),
    "causalkit optimal set": (our_optimal, 10_000),
    "pydagitty canonical set": (pydagitty_canonical, 1000),
    "DoWhy default": (dowhy_search, 1000),
}
"""Name: how to prepare a search, and the largest graph that it is given."""

PARTS = {"verdicts": verdicts, "speed": speed, "backdoor": backdoor}


def main(parts):
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    for part in parts or PARTS:
        PARTS[part]()
    for name in sorted(MISSING):
        print(f"{name} is not installed: left out")


if __name__ == "__main__":
    main(sys.argv[1:])
