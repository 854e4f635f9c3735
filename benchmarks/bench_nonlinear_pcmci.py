"""Nonlinear PCMCI+: its tests beside tigramite's GPDC and CMIknn, and whole searches.

    python benchmarks/bench_nonlinear_pcmci.py [tests] [power] [search]
                                               [--tables 200] [--peer-tables 100] [--graphs 5]

One thread each. `tests` asks the same questions about the lagged columns of one nonlinear series of
five variables. Our time is that of all questions divided by their number, what they share (binding,
features of each column) included; a peer's is the median of a question, and what it computes once
for each number of rows (its null distribution) is outside the clock. A peer gets fewer questions
where it is slow, and none where fewer conditions took longer than `--patience`.

`power` has the share of tables in which independence is rejected at 5 %, with its Monte Carlo
error, in the designs of `draw`; tigramite's CMIknn draws 100 surrogates there instead of 500, and
is asked about short tables and one condition only.

`search` runs PCMCI+ at alpha = 0.01 on random structural VARs, mildly nonlinear ("bent") or
strongly ("hump"), and compares links between series (with their lag, whatever the direction within
a step) with the truth. It also checks that `n_jobs` changes nothing; tigramite's CMIknn would take
hours. Tigramite is left out where it is not installed; GPDC needs dcor too.
"""

from __future__ import annotations

import argparse
import os
import sys

if "numpy" not in sys.modules:  # or it is too late
    for library in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
        os.environ[f"{library}_NUM_THREADS"] = "1"

import importlib.util
import warnings
from time import perf_counter, process_time

import numpy as np

from causalkit._core.series import as_series
from causalkit._core.table import as_table
from causalkit.discovery import PCMCIPlus
from causalkit.discovery.series._lagged_test import bind_lagged
from causalkit.graph import Kind, LaggedGraph
from causalkit.independence import GCM, RCIT, CMIknn, FisherZ, RCoT
from causalkit.models import bent, random_svar

ALPHA = 0.05
STEPS, SIZES, LAGS = (200, 500, 1000), (0, 1, 3, 5), 2
OURS = {"RCoT": RCoT(), "RCIT": RCIT(), "GCM": GCM(), "CMIknn": CMIknn(), "FisherZ": FisherZ()}


def hump(x):
    """Rise and fall again, so that no line says anything."""
    return 3.0 * np.exp(-x * x) - 1.5


def peer_tests(n_surrogates=None):
    """Tigramite's tests by name, as they come, but for one thread."""
    found = {}
    if importlib.util.find_spec("tigramite") is None:
        print("(tigramite is not installed)")
        return found
    if importlib.util.find_spec("dcor") is None:
        print("(dcor is not installed: no GPDC)")
    else:
        from tigramite.independence_tests.gpdc import GPDC

        found["tigramite GPDC"] = GPDC
    from tigramite.independence_tests.cmiknn import CMIknn as Neighbours

    how = {} if n_surrogates is None else {"sig_samples": n_surrogates}
    found["tigramite CMIknn"] = lambda: Neighbours(workers=1, **how)
    return found


def asked_of(peer, table, i, j, given):
    """P-value of a peer's test on columns of a table."""
    left, right = table[:, [i]].copy(), table[:, [j]].copy()
    given = table[:, list(given)].copy() if len(given) else None
    return float(peer.run_test_raw(left, right, given)[1])


# --- a test at a time -----------------------------------------------------------------------------


def questions(values, size, number, rng):
    """Links into a series of now, each given the strongest lagged columns but itself."""
    reach, p = 2 * LAGS, values.shape[1]
    columns = as_series(values).lagged(reach)
    strength = np.abs(np.corrcoef(columns.T))
    asked = []
    while len(asked) < number:
        i, j = int(rng.integers(p * (LAGS + 1))), int(rng.integers(p))
        if i != j:
            near = np.maximum(strength[i], strength[j])
            near[[i, j]] = -1.0
            near[:p] = -1.0  # conditions are of the past
            asked.append((i, j, tuple(np.argsort(-near)[:size].tolist())))
    return columns, asked


def ours_per_test(test, values, asked, repeats=5):
    """Time of a question in milliseconds, all that they share included: median of the repeats."""
    series, times = as_series(values), []
    for _ in range(repeats + 1):
        begun = process_time()
        bound = bind_lagged(test, series, 2 * LAGS, who="this benchmark")
        for question in asked:
            bound(*question)
        times.append((process_time() - begun) / len(asked))
    return 1000 * np.median(times[1:])


def peers_per_test(peer, columns, asked, longest=8.0):
    """Median time of a question in milliseconds."""
    times = []
    for question in asked:
        begun = process_time()
        asked_of(peer, columns, *question)
        times.append(process_time() - begun)
        if sum(times) > longest:
            break
    return 1000 * np.median(times)


RATIOS = "GPDC / RCoT | GPDC / GCM | CMIknn, peer / ours"


def tests_table(n_questions, patience):
    peers = {name: make() for name, make in peer_tests().items()}
    for peer in peers.values():  # compiled code
        columns = np.random.default_rng(0).normal(size=(50, 3))
        asked_of(peer, columns, 0, 1, [2])
    failed = {}
    print(f"\nMilliseconds a test, {n_questions} questions about one series\n")
    print("| steps | given |", " | ".join([*OURS, *peers]), "|", RATIOS, "|")
    print("| --- " * (5 + len(OURS) + len(peers)) + "|")
    for n in STEPS:
        model = random_svar(5, max_lag=LAGS, function=hump, rng=n)
        values = np.column_stack(list(model.sample(n + 2 * LAGS, rng=n).values()))
        slow = set()
        for size in SIZES:
            rng = np.random.default_rng(size)
            columns, asked = questions(values, size, n_questions, rng)
            took = {name: ours_per_test(test, values, asked) for name, test in OURS.items()}
            for name, peer in peers.items():
                if name in slow:
                    took[name] = np.nan
                    continue
                try:
                    asked_of(peer, columns, *asked[0][:2], ())  # the null distribution for n rows
                    took[name] = peers_per_test(peer, columns, asked)
                except Exception as error:  # a peer that fails is left out, and named
                    took[name] = np.nan
                    failed[f"{name} failed: {type(error).__name__}: {error}"] = None
                if not took[name] <= 1000 * patience:
                    slow.add(name)
            cells = " | ".join(f"{one:.3g}" for one in took.values()).replace("nan", "–")
            gauss = took.get("tigramite GPDC", np.nan)
            near = took.get("tigramite CMIknn", np.nan)
            ratios = gauss / took["RCoT"], gauss / took["GCM"], near / took["CMIknn"]
            shown = " | ".join(f"{ratio:.3g}" for ratio in ratios).replace("nan", "–")
            print(f"| {n} | {size} | {cells} | {shown} |", flush=True)
    print(*failed, sep="\n")


# --- level and power ------------------------------------------------------------------------------

NULLS = ("curves", "spread")
STRENGTHS = {
    "rising": (0.2, 0.4),
    "even": (0.4, 0.8),
    "product": (0.3, 0.5),
    "noise": (0.15, 0.3),
}
"""Of what X, a step ago, does to Y."""


def driven(what, x, c, u, noise):
    """The part of Y that is new in a step; u is the confounder."""
    if what == "rising":
        return c * np.tanh(2.0 * x) + noise
    if what == "even":
        return c * 1.5 * (np.exp(-x * x) - 0.6) + noise
    if what == "product":
        return c * x * u + noise
    return np.exp(c * x) * noise if what == "noise" else noise


def draw(n, size, what, strength, seed):
    """Columns X[t-1], Y[t] and the set: `size` is 1 or 3.

    Z drives X a step later and Y two steps later, both through curves; given three, X and Y
    remember themselves as well and the set holds their pasts too. "spread" is a null in which Z
    moves the spread of both, so that residuals depend on each other without X driving Y.
    """
    kind = (*NULLS, *STRENGTHS).index(what)
    rng = np.random.default_rng([kind, n, size, round(1000 * strength), seed])
    steps = n + 60
    e1, e2, e3 = rng.normal(size=(3, steps))
    x, y, z = np.zeros((3, steps))
    memory = 0.5 if size == 3 else 0.0
    for t in range(2, steps):
        z[t] = 0.6 * z[t - 1] + 0.8 * e3[t]
        scale = np.exp(0.7 * z[t - 1]) if what == "spread" else 1.0
        before = np.exp(0.7 * z[t - 2]) if what == "spread" else 1.0
        x[t] = memory * np.tanh(x[t - 1]) + np.cos(1.5 * z[t - 1]) + scale * e1[t]
        own = x[t - 1] - memory * np.tanh(x[t - 2]) - np.cos(1.5 * z[t - 2])
        new = before * driven(what, own, strength, z[t - 2], e2[t])
        y[t] = memory * np.tanh(y[t - 1]) + np.cos(1.5 * z[t - 2]) + new
    now = np.arange(steps - n, steps)
    given = [z[now - 2], x[now - 2], y[now - 1]][:size]
    return np.column_stack([x[now - 1], y[now], *given])


def share(p_value, n, size, what, strength, n_tables):
    tables = (draw(n, size, what, strength, seed) for seed in range(n_tables))
    found = np.mean([p_value(table) < ALPHA for table in tables])
    return f"{100 * found:.0f} ± {100 * np.sqrt(found * (1 - found) / n_tables):.0f}"


def power_table(n_tables, n_peer_tables, sizes, steps):
    ours = {
        name: (
            lambda table, test=test: (
                test.bind(as_table(table))(0, 1, range(2, table.shape[1])).p_value
            ),
            n_tables,
        )
        for name, test in OURS.items()
    }
    peers = {}
    for name, make in peer_tests(n_surrogates=100).items():
        peer = make()

        def p_value(table, peer=peer):
            return asked_of(peer, table, 0, 1, range(2, table.shape[1]))

        peers[name] = (p_value, n_peer_tables if "GPDC" in name else n_peer_tables // 2)
    rows = [(null, 0.0) for null in NULLS]
    rows += [(what, c) for what, strengths in STRENGTHS.items() for c in strengths]
    for n in steps:
        for size in sizes:
            methods = dict(ours) | peers
            if n > 300 or size > 1:
                methods.pop("tigramite CMIknn", None)  # hours
            named = [f"{name} ({number})" for name, (_, number) in methods.items()]
            print(f"\nRejected at 5 %, percent (of so many tables): {n} steps, {size} given\n")
            print("| design |", " | ".join(named), "|")
            print("| --- " * (1 + len(named)) + "|")
            for what, c in rows:
                label = f"null, {what}" if what in NULLS else f"{what} {c}"
                cells = [share(p, n, size, what, c, number) for p, number in methods.values()]
                print(f"| {label} |", " | ".join(cells), "|", flush=True)


# --- whole searches -------------------------------------------------------------------------------


def ours_found(test, n_jobs):
    def search(values):
        found = PCMCIPlus(test, max_lag=LAGS, alpha=0.01, n_jobs=n_jobs).fit(values)
        return found.graph_, found.n_tests_, found.p_values_

    return search


def tigramite_found(make):
    def search(values):
        from tigramite import data_processing
        from tigramite.pcmci import PCMCI

        test, n_asked = make(), 0
        kind = type(test)

        def counted(self, *args, **how):
            nonlocal n_asked
            n_asked += 1
            return kind.run_test(self, *args, **how)

        test.__class__ = type("Counted", (kind,), {"run_test": counted})
        peer = PCMCI(data_processing.DataFrame(values), test, verbosity=0)
        found = peer.run_pcmciplus(tau_max=LAGS, pc_alpha=0.01)
        return LaggedGraph.from_tigramite(found["graph"], kind=Kind.CPDAG), n_asked, None

    return search


def links_of(graph, p):
    joined = np.zeros((LAGS + 1, p, p), dtype=bool)
    joined[: graph.max_lag + 1] = graph.adjacency
    joined[0] = np.triu(joined[0])
    joined[1][np.diag_indices(p)] = False  # memory is found by everybody
    return joined


def search_table(n_graphs, n_steps=500, p=5):
    searches = {
        f"{name}, n_jobs={n_jobs}": ours_found(OURS[name], n_jobs)
        for name in ("RCoT", "GCM", "CMIknn", "FisherZ")
        for n_jobs in ((1, 2) if name in ("RCoT", "GCM") else (1,))
    }
    searches |= {name: tigramite_found(make) for name, make in peer_tests().items()}
    for function in (bent, hump):
        models = [
            random_svar(p, max_lag=LAGS, function=function, rng=seed) for seed in range(n_graphs)
        ]
        tables = [np.column_stack(list(m.sample(n_steps, rng=1).values())) for m in models]
        truths = [links_of(model.graph, p) for model in models]
        print(f"\nPCMCI+, {function.__name__}: {p} series, {n_steps} steps, {LAGS} lags\n")
        print("| test | seconds (median) | tests (mean) | F1 of links | graphs |")
        print("| --- | --- | --- | --- | --- |")
        first = {}
        for name, search in searches.items():
            if name == "tigramite CMIknn":
                continue
            search(tables[0][:100, :2])  # compiled code and workers
            seconds, tests, scores = [], [], []
            for number, (values, truth) in enumerate(zip(tables, truths, strict=True)):
                begun = perf_counter()
                graph, n_tests, p_values = search(values)
                seconds.append(perf_counter() - begun)
                found = links_of(graph, p)
                tests.append(n_tests)
                scores.append(2 * (found & truth).sum() / max(1, found.sum() + truth.sum()))
                if p_values is not None:
                    before = first.setdefault((name.partition(",")[0], number), p_values)
                    np.testing.assert_array_equal(before, p_values)
            error = np.std(scores, ddof=1) / np.sqrt(n_graphs) if n_graphs > 1 else np.nan
            print(
                f"| {name} | {np.median(seconds):.3g} | {np.mean(tests):.0f} "
                f"| {np.mean(scores):.3f} ± {error:.3f} | {n_graphs} |",
                flush=True,
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("parts", nargs="*", choices=["tests", "power", "search", []])
    parser.add_argument("--tables", type=int, default=200)
    parser.add_argument("--peer-tables", type=int, default=100)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1, 3])
    parser.add_argument("--steps", type=int, nargs="+", default=[200, 500])
    parser.add_argument("--graphs", type=int, default=5)
    parser.add_argument("--questions", type=int, default=30)
    parser.add_argument("--patience", type=float, default=10.0, help="seconds for a peer's test")
    asked = parser.parse_args()
    parts = asked.parts or ["tests", "power", "search"]
    warnings.simplefilter("ignore")
    if "tests" in parts:
        tests_table(asked.questions, asked.patience)
    if "power" in parts:
        power_table(asked.tables, asked.peer_tables, asked.sizes, asked.steps)
    if "search" in parts:
        search_table(asked.graphs)


if __name__ == "__main__":
    main()
