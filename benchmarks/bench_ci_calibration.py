"""Whether tests of conditional independence keep their level, and what they find.

    python benchmarks/bench_ci_calibration.py [n_datasets]

Prints Markdown tables. The first has a row for each design and test: how often independence is
rejected at 5 % where it is true (the Monte Carlo error of a share p is √(p(1−p)/n_datasets)), and
where y depends on x with half and with the whole of the design's strength, given sets of 0, 1 and 3
variables. The second is PC on mixed tables beside peers, where they are installed.
"""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from causalkit._core.table import Table
from causalkit.discovery import PC
from causalkit.errors import NumericalError
from causalkit.graph import CausalGraph, dag_to_cpdag
from causalkit.independence import FisherZ
from causalkit.independence.composed import Clustered, Weighted
from causalkit.independence.conditional_gaussian import ConditionalGaussian
from causalkit.independence.degenerate_gaussian import DegenerateGaussian
from causalkit.independence.grouped import Grouped
from causalkit.independence.likelihood_ratio import LikelihoodRatio
from causalkit.independence.partial_correlation import PartialCorrelation
from causalkit.independence.rank import RankZ
from causalkit.independence.robust import RobustZ

SIZES = (0, 1, 3)
EFFECTS = (0.0, 0.5, 1.0)

NUMERIC = [FisherZ(), PartialCorrelation(), RankZ(), RankZ("spearman"), RobustZ()]
MIXED = [DegenerateGaussian(), ConditionalGaussian(), LikelihoodRatio()]


def table_of(columns, categories=()) -> Table:
    """Columns as a table; codes are 0, 1, … for categories."""
    levels, values = [], []
    for name, column in columns.items():
        if name in categories:
            found, column = np.unique(column, return_inverse=True)
            levels.append(tuple(found.tolist()))
        else:
            levels.append(None)
        values.append(column)
    matrix = np.asfortranarray(np.column_stack(values), dtype=float)
    return Table(tuple(columns), matrix, tuple(levels))


def linear(noise, n, strength, bend=lambda v: v):
    """x and y are sums of the set and noise; y of x too."""

    def design(rng, size, effect):
        e = noise(rng, n, size + 2)
        shared = e[:, 2:].sum(axis=1)
        x = shared + e[:, 0]
        y = shared + e[:, 1] + effect * strength * e[:, 0]
        columns = {"x": x, "y": y, **{f"z{k}": e[:, 2 + k] for k in range(size)}}
        return table_of({name: bend(column) for name, column in columns.items()})

    return design


def gauss(rng, n, p):
    return rng.normal(size=(n, p))


def t3(rng, n, p):
    return rng.standard_t(3, size=(n, p))


def elliptical_t3(rng, n, p):
    return rng.normal(size=(n, p)) / np.sqrt(rng.chisquare(3, size=(n, 1)) / 3)


def copula(n, strength):
    """Jointly Gaussian, then each axis bent."""
    return linear(gauss, n, strength, bend=np.exp)


def mixed(n, strength, x_kind, y_kind):
    """A set of a category and numbers; x and y follow logistic or linear regressions on it."""

    def draw(rng, score, kind):
        if kind == "number":
            return score + rng.normal(size=n)
        utilities = np.outer(score, [0.0, 0.5, 1.0]) + rng.gumbel(size=(n, 3))
        return utilities.argmax(axis=1)

    def design(rng, size, effect):
        columns = {f"z{k}": rng.normal(size=n) for k in range(size)}
        categories = set()
        if size:
            columns["z0"] = rng.integers(3, size=n)
            categories.add("z0")
        score = sum(columns.values(), np.zeros(n)) / np.sqrt(max(size, 1))
        x, y_score = draw(rng, score, x_kind), score
        y = draw(rng, y_score + effect * strength * (x - x.mean()), y_kind)
        categories |= {c for c, kind in (("x", x_kind), ("y", y_kind)) if kind == "category"}
        return table_of({"x": x, "y": y, **columns}, categories)

    return design


def clustered(n_clusters, size_of_cluster, strength):
    """Half of each noise is shared within clusters."""
    n = n_clusters * size_of_cluster

    def design(rng, size, effect):
        school = np.repeat(np.arange(n_clusters), size_of_cluster)

        def noise(rng, n, p):
            return (rng.normal(size=(n_clusters, p))[school] + rng.normal(size=(n, p))) / np.sqrt(2)

        table = linear(noise, n, strength)(rng, size, effect)
        return with_column(table, "school", school)

    return design


def weighted(n, strength, informative):
    """Weights that spread by a factor of ten, at random or with the size of the noise."""

    def design(rng, size, effect):
        e = gauss(rng, n, size + 2)
        drive = np.abs(e[:, 0]) + np.abs(e[:, 1]) if informative else rng.normal(size=n)
        table = linear(lambda *_: e, n, strength)(rng, size, effect)
        return with_column(with_column(table, "w", np.exp(0.7 * drive)), "row", np.arange(n))

    return design


def with_column(table, name, column):
    values = np.asfortranarray(np.column_stack([table.values, column]))
    return Table((*table.names, name), values, (*table.levels, None))


def grouped(n, strength):
    """x and y are two columns each."""

    def design(rng, size, effect):
        first = linear(gauss, n, strength)(rng, size, effect)
        more = rng.normal(size=(2, n))
        return with_column(with_column(first, "x2", more[0] + first.values[:, 0]), "y2", more[1])

    return design


class Ignoring:
    """A test that does not look at some columns."""

    def __init__(self, test, *names):
        self.test, self.names = test, names

    def bind(self, table):
        return self.test.bind(table.select([n for n in table.names if n not in self.names]))

    def __repr__(self):
        return f"{self.test!r}, blind to {', '.join(self.names)}"


GROUPS = {"x": ["x", "x2"], "y": ["y", "y2"]}
SCHOOL = Clustered(FisherZ(), "school")
W = Weighted(FisherZ(), "w")

DESIGNS = {
    "Gaussian, n=20": (linear(gauss, 20, 1.0), NUMERIC[:4]),
    "Gaussian, n=200": (linear(gauss, 200, 0.3), [*NUMERIC, *MIXED]),
    "bent axes, n=200": (copula(200, 0.3), NUMERIC),
    "t(3) noise, n=200": (linear(t3, 200, 0.3), NUMERIC),
    "elliptical t(3), n=200": (linear(elliptical_t3, 200, 0.3), NUMERIC),
    "two numbers, mixed set, n=200": (mixed(200, 0.3, "number", "number"), MIXED),
    "category and number, n=200": (mixed(200, 0.3, "category", "number"), MIXED),
    "two categories, n=200": (mixed(200, 0.8, "category", "category"), MIXED),
    "two categories, n=2000": (mixed(2000, 0.25, "category", "category"), MIXED),
    "15 clusters of 20": (clustered(15, 20, 0.4), [Ignoring(FisherZ(), "school"), SCHOOL]),
    "60 clusters of 10": (clustered(60, 10, 0.2), [Ignoring(FisherZ(), "school"), SCHOOL]),
    "random weights, n=200": (
        weighted(200, 0.4, informative=False),
        [Ignoring(W, "row"), Clustered(W, "row")],
    ),
    "weights with the noise, n=200": (
        weighted(200, 0.4, informative=True),
        [Ignoring(W, "row"), Clustered(W, "row")],
    ),
    "two columns each, n=200": (grouped(200, 0.3), [Grouped(FisherZ(), GROUPS)]),
}


def rejections(design, tests, size, effect, seeds):
    """Per test: rejections at 5 %, and data sets that it had something to say about."""
    counts = np.zeros((len(tests), 2))
    for seed in seeds:
        table = design(np.random.default_rng([size, int(10 * effect), seed]), size, effect)
        for row, test in enumerate(tests):
            try:
                p_value = test.bind(table)(0, 1, range(2, 2 + size)).p_value
            except NumericalError:
                continue
            counts[row] += p_value < 0.05, 1
    return counts


def calibration(n_datasets):
    """Print the table of all designs."""
    print(f"\nShare of {n_datasets} data sets in which independence is rejected at 5 %\n")
    print("| design | test |", " | ".join(f"null, {k} given" for k in SIZES), end=" | ")
    print(" | ".join(f"effect {e:g}, {k} given" for e in EFFECTS[1:] for k in SIZES), "|")
    print("| --- " * (2 + len(EFFECTS) * len(SIZES)) + "|")
    for label, (design, tests) in DESIGNS.items():
        cells = [
            rejections(design, tests, size, effect, range(n_datasets))
            for effect in EFFECTS
            for size in SIZES
        ]
        for row, test in enumerate(tests):
            shares = [f"{cell[row, 0] / max(cell[row, 1], 1):.3f}" for cell in cells]
            print(f"| {label} | `{test!r}` |", " | ".join(shares), "|", flush=True)


# --- PC on mixed tables ------------------------------------------------------------------------


def mixed_network(rng, p, n):
    """Rows of a random DAG with two edges a node; every other variable has three levels."""
    order = rng.permutation(p)
    frame, edges, numbers = {}, [], np.zeros((p, n))
    for position, k in enumerate(order.tolist()):
        parents = [int(a) for a in order[:position] if rng.random() < 2 / (p - 1)]
        edges += [(f"v{a}", f"v{k}") for a in parents]
        weights = rng.uniform(0.6, 1.2, len(parents)) * rng.choice([-1, 1], len(parents))
        score = weights @ numbers[parents] if parents else np.zeros(n)
        if k % 2:
            codes = (np.outer(score, [0, 1, 2]) + rng.gumbel(size=(n, 3))).argmax(axis=1)
            frame[f"v{k}"] = pd.Categorical.from_codes(codes, ["a", "b", "c"])
            numbers[k] = (codes - codes.mean()) / codes.std()
        else:
            numbers[k] = score + rng.normal(size=n)
            frame[f"v{k}"] = numbers[k]
    names = [f"v{k}" for k in range(p)]
    truth = CausalGraph.from_edges(names, edges)
    return pd.DataFrame(frame)[names], dag_to_cpdag(truth)


def as_matrix(graph):
    """True at [i, j] for i -> j, and at [j, i] too for i - j."""
    return graph.directed | graph.undirected


def distance(learnt, truth):
    """Structural Hamming distance: pairs whose edge differs."""
    differs = learnt != truth
    return int(np.triu(differs | differs.T, 1).sum())


def ours(test):
    return lambda frame: as_matrix(PC(test, alpha=0.01).fit(frame).graph_)


def andrey_pc(kind):
    from andrey import pc

    def learn(frame):
        marks = np.asarray(pc(frame, alpha=0.01, indep_test=kind).structure.to_numpy())
        return ((marks == 1) & (marks.T == 2)) | ((marks == 1) & (marks.T == 1))

    return learn


def pybnesian_pc():
    import pybnesian

    def learn(frame):
        found = pybnesian.PC().estimate(pybnesian.MutualInformation(frame), alpha=0.01)
        where = {name: k for k, name in enumerate(frame.columns)}
        matrix = np.zeros((len(where), len(where)), dtype=bool)
        for a, b in found.arcs():
            matrix[where[a], where[b]] = True
        for a, b in found.edges():
            matrix[where[a], where[b]] = matrix[where[b], where[a]] = True
        return matrix

    return learn


def learners():
    """Ours, and the peers that are installed."""
    found = {f"PC({test!r})": ours(test) for test in MIXED}
    for label, make in {
        "andrey, degenerate Gaussian": lambda: andrey_pc("degen_gauss"),
        "andrey, conditional Gaussian": lambda: andrey_pc("cond_gauss"),
        "pybnesian, mutual information": pybnesian_pc,
    }.items():
        try:
            found[label] = make()
        except ImportError:
            print(f"({label}: not installed)")
    return found


def networks(n_datasets, sizes=((10, 1000), (20, 2000), (50, 2000)), patience=60.0):
    """Print seconds and distance of PC on mixed tables; what has got too slow is left out."""
    print("\nPC on mixed tables, alpha = 0.01: median seconds, mean distance ± standard error\n")
    print("| learner |", " | ".join(f"p={p}, n={n}" for p, n in sizes), "|")
    print("| --- " * (1 + len(sizes)) + "|")
    warm, _ = mixed_network(np.random.default_rng(0), 6, 300)
    for label, learn in learners().items():
        cells, too_slow = [], False
        for p, n in sizes:
            seconds, distances, failed = [], [], 0
            for seed in range(0 if too_slow else n_datasets):
                frame, truth = mixed_network(np.random.default_rng([p, seed]), p, n)
                try:
                    if not seed:
                        learn(warm)
                    start = time.process_time()
                    learnt = learn(frame)
                except Exception:  # a peer may fail in any way
                    failed += 1
                    continue
                seconds.append(time.process_time() - start)
                distances.append(distance(learnt, as_matrix(truth)))
                if seconds[-1] > patience / 2:
                    break
            too_slow = too_slow or (bool(seconds) and max(seconds) > patience / 2)
            cells.append(cell(seconds, distances, failed))
        print(f"| `{label}` |", " | ".join(cells), "|", flush=True)


def cell(seconds, distances, failed):
    note = f" ({failed} failed)" if failed else ""
    if not seconds:
        return "–" + note
    error = np.std(distances, ddof=1) / np.sqrt(len(distances)) if len(distances) > 1 else np.nan
    return f"{np.median(seconds):.3f} s, {np.mean(distances):.1f} ± {error:.1f}{note}"


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    n_datasets = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    calibration(n_datasets)
    networks(max(3, n_datasets // 50))
