"""Slow and obvious answers about interventions: enumeration of DAGs, of targets, least squares."""

from __future__ import annotations

from itertools import product

import numpy as np
from scipy import stats

from causalkit.graph import CausalGraph, Kind
from tests.oracles import graphs
from tests.oracles.ges import all_dags, class_key


def mutilated(dag: np.ndarray, target) -> np.ndarray:
    """Nothing points into the target any more."""
    cut = dag.copy()
    cut[:, list(target)] = False
    return cut


def interventional_key(dag: np.ndarray, targets) -> tuple:
    """Classes of the mutilated graphs: equal for equivalent DAGs (Hauser & Bühlmann, Thm. 10)."""
    return tuple(class_key(mutilated(dag, target)) for target in [(), *targets])


def separations_key(dag: np.ndarray, targets) -> tuple:
    """Separations in the mutilated graphs, by enumeration of paths."""
    keys = []
    for target in [(), *targets]:
        graph = as_graph(mutilated(dag, target))
        keys.append(frozenset(graphs.independences(graph, graph.nodes)))
    return tuple(keys)


def as_graph(dag: np.ndarray) -> CausalGraph:
    names = "ABCDEFGH"[: len(dag)]
    edges = [(names[i], names[j]) for i, j in np.argwhere(dag).tolist()]
    return CausalGraph.from_edges(names, edges, Kind.DAG)


def interventional_classes(p: int, targets, key=interventional_key) -> list:
    """Each DAG over p nodes with the union of all that are equivalent to it."""
    by_key: dict = {}
    for dag in all_dags(p):
        by_key.setdefault(key(dag, targets), []).append(dag)
    pairs = []
    for held in by_key.values():
        whole = graphs.union([as_graph(dag) for dag in held])
        pairs += [(as_graph(dag), whole) for dag in held]
    return pairs


# --- mechanisms that change -----------------------------------------------------------------------


def rest_of(y: np.ndarray, Z: np.ndarray) -> tuple[float, int]:
    """Residual sum of squares of a regression with intercept, and its rank without that."""
    design = np.column_stack([np.ones(len(y)), Z])
    weights, _, rank, _ = np.linalg.lstsq(design, y, rcond=None)
    left = y - design @ weights
    return float(left @ left), int(rank) - 1


def log_likelihood(n: int, rest: float) -> float:
    return -0.5 * n * np.log(rest / n)


def mechanism_score(values, codes, node, parents, touched, price) -> float:
    """Score of a node whose mechanism is its own where it is touched, by least squares."""
    y, Z = values[:, node], values[:, list(parents)]
    pool = ~touched[codes]
    total = log_likelihood(pool.sum(), rest_of(y[pool], Z[pool])[0]) - price * len(parents)
    for e in np.flatnonzero(touched):
        here = codes == e
        n = here.sum()
        centred = y[here] - y[here].mean()
        own = log_likelihood(n, centred @ centred) - 2 * price
        rest, rank = rest_of(y[here], Z[here])
        if rank > 0 and n > rank + 2:
            own = max(own, log_likelihood(n, rest) - (rank + 2) * price)
        total += own
    return total


def best_targets(values, codes, node, parents, untouched, price) -> tuple[float, np.ndarray]:
    """The best of all sets of environments, one by one."""
    found = []
    for bits in product([False, True], repeat=codes.max() + 1):
        touched = np.array(bits)
        if (touched & untouched).any() or touched.all():
            continue
        if (~touched[codes]).sum() < 2 * (len(parents) + 1):
            continue
        found.append(
            (mechanism_score(values, codes, node, parents, touched, price), touched.tolist())
        )
    score, touched = max(found)
    return score, np.array(touched)


def chow_p_value(values, here, others, node, parents) -> float:
    """Two-sided predictive test of one mechanism, by least squares."""
    both = here | others
    y, Z = values[:, node], values[:, list(parents)]
    rest, whole = rest_of(y[others], Z[others])[0], rest_of(y[both], Z[both])[0]
    n, df = here.sum(), others.sum() - len(parents) - 1
    law = stats.f(n, df)
    ratio = (whole - rest) / n / (rest / df)
    return 2 * min(law.cdf(ratio), law.sf(ratio))


# --- invariance -----------------------------------------------------------------------------------


def invariance_p_value(y, Z, codes) -> float:
    """Welch's and the F-test on residuals of least squares, each environment against the rest."""
    design = np.column_stack([np.ones(len(y)), Z])
    left = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    labels = np.unique(codes)
    found = []
    for e in labels[:1] if len(labels) == 2 else labels:
        one, two = left[codes == e], left[codes != e]
        law = stats.f(len(one) - 1, len(two) - 1)
        ratio = one.var(ddof=1) / two.var(ddof=1)
        found.append(stats.ttest_ind(one, two, equal_var=False).pvalue)
        found.append(2 * min(law.cdf(ratio), law.sf(ratio)))
    return min(1.0, len(found) * min(found))
