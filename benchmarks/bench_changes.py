"""Independent changes and driving forces: how often right, beside the published form and a peer.

    python benchmarks/bench_changes.py [--pairs 240] [--drifts 60]

Pairs x0 -> x1 in which both mechanisms change, from :mod:`causalkit.models`; the kinds of change
take turns, a quarter is linear, and columns are swapped in half of the pairs. "right" is the share
of all pairs in which the better direction is the true one, with its Monte-Carlo standard error;
"decided" those in which the other one was refuted at 0.1, and how many of them are right. "true
refuted" is the share of true directions with a p-value of 0.05 or less. *published* is the n x n
form with a Gaussian kernel of points and without a shared regression; *andrey* the measure of that
package (`pip install andrey-core`), both directions compared. One thread.
"""

from __future__ import annotations

import argparse
import itertools
from time import process_time

import numpy as np

from causalkit._core.parallel import one_thread
from causalkit._core.table import as_table
from causalkit.discovery.changing._independent_change import orient_changes
from causalkit.discovery.changing._surrogate import Surrogate
from causalkit.discovery.changing.driving_force import recover_driving_force
from causalkit.graph import CausalGraph
from causalkit.independence.kernel_matrices import blocks_of
from causalkit.models import random_changing_model

PAIR = CausalGraph.parse("x0 -> x1")
KINDS = (
    ("intercept",),
    ("noise",),
    ("coefficient",),
    ("function",),
    ("coefficient", "noise"),
    ("coefficient", "noise", "function", "intercept"),
)


def surrogate_of(place):
    whole = place.dtype.kind in "iu"
    return Surrogate(codes=place.astype(np.intp)) if whole else Surrogate(time=place)


def pair(seed, n, n_domains, drift):
    """Values with the cause first, and the surrogate column."""
    model = random_changing_model(
        2,
        graph=PAIR,
        changing=1.0,
        what=KINDS[seed % len(KINDS)],
        n_domains=n_domains,
        drift=drift,
        nonlinear=seed // len(KINDS) % 4 != 3,
        rng=seed,
    )
    data = model.sample(n, rng=10_000 + seed)
    return np.column_stack([data["x0"], data["x1"]]), data[model.surrogate]


def exchangeable(seed, n, n_domains, drift):
    """Laplace noise about environment means, a quadratic term in half of the environments."""
    del drift
    rng = np.random.default_rng(seed)
    place = np.sort(np.arange(n) % n_domains)
    centre, shift = rng.uniform(-1, 1, (2, n_domains))
    curved = rng.random(n_domains) < 0.5
    x = centre[place] + rng.laplace(size=n)
    y = rng.uniform(0.5, 1.5) * x + curved[place] * x**2 + shift[place] + rng.laplace(size=n)
    return np.column_stack([x, y]), place


def apart(seed, n, n_domains, drift):
    """No effect: two variables that change, each by itself."""
    del drift
    rng = np.random.default_rng(seed)
    place = np.sort(np.arange(n) % n_domains)
    moves = rng.uniform(-1, 1, (4, n_domains))
    return np.column_stack(
        [moves[k][place] + np.exp(moves[k + 2][place]) * rng.normal(size=n) for k in (0, 1)]
    ), place


# --- methods: is the first column the cause? ------------------------------------------------------


def ours(values, place):
    blocks = blocks_of(as_table(values), who="the benchmark")
    (said,) = orient_changes(blocks, [[(1, 0)]], [(), ()], surrogate_of(place), rng=0)
    p_values = said.p_value, said.reverse_p_value
    first = said.cause == 0
    return first, said.decided, *(p_values if first else p_values[::-1])


def published(values, place):
    """Eq. 15 with Gaussianised Gram matrices, width 0.5, ridge 0.1."""
    n = len(values)
    z = (values - values.mean(axis=0)) / values.std(axis=0)
    if place.dtype.kind in "iu":
        kernel_c = (place[:, None] == place).astype(float)
    else:
        kernel_c = gaussian((place - place.mean()) / place.std(), 0.3)
    kernels = [gaussian(z[:, k], 0.5) for k in (0, 1)]

    def statistic(x, y):
        shrunk = np.linalg.solve(kernel_c + 0.1 * np.eye(n), kernel_c)
        marginal = shrunk.T @ kernels[x] @ shrunk
        inverse = np.linalg.inv(kernels[x] * kernel_c + 0.1 * np.eye(n))
        cube = kernels[x] @ kernels[x] @ kernels[x]
        conditional = kernel_c @ (cube * (inverse @ kernels[y] @ inverse)) @ kernel_c
        a, b = gaussianised(marginal), gaussianised(conditional)
        return (a * b).sum() / (np.trace(a) * np.trace(b))

    return statistic(0, 1) < statistic(1, 0), True, np.nan, np.nan


def gaussian(column, width):
    return np.exp(-((column[:, None] - column) ** 2) / (2 * width**2))


def gaussianised(gram):
    squares = np.diag(gram)
    distance = np.maximum(squares[:, None] + squares - 2 * gram, 0)
    typical = np.median(distance[np.tril_indices(len(gram), -1)]) or distance.mean()
    kernel = np.exp(-distance / (2 * typical))
    means = kernel.mean(axis=0)
    return kernel - means - means[:, None] + means.mean()


def andrey(values, place):
    from andrey.constraint.cdnod import _ModuleDependence

    measure = _ModuleDependence(values, place)
    return measure(0, 1, []) < measure(1, 0, []), True, np.nan, np.nan


# --- tables --------------------------------------------------------------------------------------


def compare(title, draw, n_pairs, methods, *, n, n_domains=None, drift=None):
    drawn = [draw(seed, n, n_domains, drift) for seed in range(n_pairs)]
    for method in methods:
        answers, start = [], process_time()
        for k, (values, place) in enumerate(drawn):
            swapped = k // len(KINDS) % 2 == 1
            first, decided, p, reverse_p = method(values[:, ::-1] if swapped else values, place)
            answers.append((first != swapped, decided, reverse_p if swapped else p))
        seconds = (process_time() - start) / n_pairs
        right, decided, p = np.array(answers, dtype=float).T
        share, error = right.mean(), np.sqrt(right.mean() * (1 - right.mean()) / n_pairs)
        sure = decided > 0
        known = p[~np.isnan(p)]
        cells = [
            f"{title:<34}",
            f"{method.__name__:<9}",
            f"{share:.3f} ({error:.3f})",
            f"{sure.mean():.2f}" if len(known) else "   –",
            f"{right[sure].mean():.3f}" if sure.any() and len(known) else "    –",
            f"{np.mean(known <= 0.05):.3f}" if len(known) else "    –",
            f"{1000 * seconds:7.0f}",
        ]
        print(f"| {' | '.join(cells)} |", flush=True)


def compare_groups(n_groups):
    print("\n| joined variables, 30 domains x 50 | edges right (s.e.) | decided | of these right |")
    print("| --- | ---: | ---: | ---: |")
    for p in (3, 4):
        answers = []
        for seed in range(n_groups):
            order = np.random.default_rng(seed).permutation(p)
            edges = [
                (f"v{order[i]}", f"v{order[j]}") for i, j in itertools.combinations(range(p), 2)
            ]
            graph = CausalGraph.from_edges([f"v{k}" for k in range(p)], edges, "DAG")
            model = random_changing_model(
                p, graph=graph, changing=1.0, what=KINDS[seed % len(KINDS)], rng=seed
            )
            data = model.sample(1500, rng=seed)
            place = data.pop("domain")
            truth = {(graph.index(a), graph.index(b)) for a, b in edges}
            said = orient_changes(
                blocks_of(as_table(data), who="the benchmark"),
                [list(itertools.combinations(range(p), 2))],
                [()] * p,
                surrogate_of(place),
                rng=seed,
            )
            answers.append([((v.cause, v.effect) in truth, v.decided) for v in said])
        right, decided = np.array(answers, dtype=float).transpose(2, 0, 1)
        error = right.mean(axis=1).std() / np.sqrt(n_groups)
        sure = decided > 0
        print(
            f"| {p} | {right.mean():.3f} ({error:.3f}) | {decided.mean():.2f} "
            f"| {right[sure].mean():.3f} |",
            flush=True,
        )


def compare_forces(n_drifts):
    print("\n| driving force of x1, 1000 rows | median absolute r | lower quartile | share | s |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for title, settings in (
        ("drift of 1 period", {"drift": 1.0}),
        ("drift of 2 periods", {"drift": 2.0}),
        ("30 domains", {"n_domains": 30}),
    ):
        for what in KINDS:
            found, shares, start = [], [], process_time()
            for seed in range(n_drifts // len(KINDS)):
                model = random_changing_model(
                    2, graph=PAIR, changing=1.0, what=what, rng=seed, **settings
                )
                data = model.sample(1000, rng=seed)
                cause, effect = blocks_of(as_table(data, columns=["x0", "x1"]), who="the benchmark")
                force = recover_driving_force(
                    effect, cause, surrogate_of(data[model.surrogate]), variable="x1"
                )
                truth = model.driving("x1", force.times)
                found.append(abs(np.corrcoef(force.curve[:, 0], truth)[0, 1]))
                shares.append(force.share[0])
            seconds = (process_time() - start) / len(found)
            print(
                f"| {title}: {'+'.join(what)} | {np.median(found):.3f} "
                f"| {np.quantile(found, 0.25):.3f} | {np.mean(shares):.2f} | {seconds:.2f} |",
                flush=True,
            )


def compare_sizes():
    print("\n| rows | domains: pair [s] | time: pair [s] | driving force over time [s] |")
    print("| ---: | ---: | ---: | ---: |")
    for n in (1000, 5000, 20_000):
        cells = []
        for settings in ({"n_domains": 30, "drift": None}, {"n_domains": None, "drift": 2.0}):
            values, place = pair(2, n, **settings)
            start = process_time()
            ours(values, place)
            cells.append(f"{process_time() - start:.2f}")
        cause, effect = blocks_of(as_table(values), who="the benchmark")
        start = process_time()
        recover_driving_force(effect, cause, surrogate_of(place), variable="x1")
        print(f"| {n} | {' | '.join(cells)} | {process_time() - start:.2f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=240)
    parser.add_argument("--drifts", type=int, default=60)
    options = parser.parse_args()
    methods = [ours, published]
    try:
        import andrey as _  # noqa: F401
    except ImportError:
        pass
    else:
        methods.append(andrey)
    ours(*pair(0, 120, 30, None))
    print("| data | method | right (s.e.) | decided | of these right | true refuted | ms |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    m, few = options.pairs, max(1, options.pairs // 4)
    compare("30 domains x 10 rows", pair, m, methods, n=300, n_domains=30)
    compare("30 domains x 20 rows", pair, few, methods, n=600, n_domains=30)
    compare("30 domains x 40 rows", pair, m, methods[:1], n=1200, n_domains=30)
    compare("drift of 3 periods, 500 rows", pair, few, methods[:2], n=500, drift=3.0)
    compare("drift of 1 period, 500 rows", pair, few, methods[:2], n=500, drift=1.0)
    compare("exchangeable, 200 domains x 2", exchangeable, few, methods, n=400, n_domains=200)
    compare("no effect, 30 domains x 20", apart, few, methods, n=600, n_domains=30)
    compare_groups(few)
    compare_forces(options.drifts)
    compare_sizes()


if __name__ == "__main__":
    with one_thread():
        main()
