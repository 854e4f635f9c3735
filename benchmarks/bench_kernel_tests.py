"""Nonparametric tests of conditional independence: level, power, speed; beside peers.

    python benchmarks/bench_kernel_tests.py [n_datasets] [part ...]

Parts are `level`, `power`, `speed`, `agreement`, `many`. Prints Markdown tables; designs are those
of `benchmarks/designs.py`. The Monte Carlo error of a share p is √(p(1−p)/n_datasets); slow tests
see a tenth of the tables in `level` and a fifth in `power`, so ask for 200 or more. Speeds are
medians of five tables in one process, after one that warms up, binding included; set
OMP_NUM_THREADS=1.
"""

from __future__ import annotations

import statistics
import sys
import time
import warnings
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.designs import DESIGNS, EFFECTS, draw
from causalkit._core.table import as_table
from causalkit.independence.gcm import GCM
from causalkit.independence.kernel import HSIC, KCI
from causalkit.independence.knn import CMIknn
from causalkit.independence.rcot import RCIT, RCoT

SIZES = (0, 1, 3)
ROWS = (300, 1000)


def ours(test):
    def p_value(data):
        return test.bind(as_table(data))(0, 1, range(2, data.shape[1])).p_value

    return p_value


def published_width(n, size):
    """What peers use: it is no setting of theirs."""
    return (1.2 if n < 200 else 0.7 if n < 1200 else 0.4) * np.sqrt(max(size, 1))


def as_published(data):
    width = published_width(len(data), data.shape[1] - 2)
    return ours(KCI(width=width, ridge=1e-3))(data)


# Name: a function of a table, and whether it is quick enough for thousands of tables.
TESTS = {
    "KCI": (ours(KCI(approximation="exact")), True),
    "KCI, spectral": (ours(KCI(null="spectral")), False),
    "KCI, as published": (as_published, True),
    "KCI, Nyström": (ours(KCI(approximation="nystrom")), True),
    "RCoT": (ours(RCoT()), True),
    "RCIT": (ours(RCIT()), True),
    "GCM": (ours(GCM()), True),
    "CMIknn": (ours(CMIknn()), False),
}
UNCONDITIONAL = {
    "HSIC": (ours(HSIC()), True),
    "HSIC, permutations": (ours(HSIC(null="permutation")), False),
}


def peers():
    """The same for other packages that are installed."""
    found = {}
    try:
        from causallearn.utils.cit import CIT
    except ImportError:
        print("(causal-learn is not installed)")
    else:
        for name in ("kci", "rcit"):

            def p_value(data, name=name):
                return float(CIT(data, name)(0, 1, list(range(2, data.shape[1]))))

            found[f"causal-learn {name.upper()}"] = (p_value, False)
    try:
        from andrey.core import ci_kernel
    except ImportError:
        print("(andrey-core is not installed)")
    else:
        makers = {
            "andrey KCI": ci_kernel.KCI,
            "andrey KCI, rank 100": lambda data: ci_kernel.KCI(data, rank=100),
            "andrey RCoT": ci_kernel.RCoT,
        }
        for name, maker in makers.items():

            def p_value(data, maker=maker):
                return float(maker(data)(0, 1, tuple(range(2, data.shape[1]))))

            found[name] = (p_value, "100" in name or "RCoT" in name)
    return found


def share(test, design, n, size, n_datasets, effect=None):
    """Share of tables in which independence is rejected at 5 %, in percent."""
    p_values = [test(draw(design, n, size, seed, effect)) for seed in range(n_datasets)]
    return 100 * np.mean(np.array(p_values) < 0.05)


def level(n_datasets):
    print(f"\nRejected at 5 % where independence is true, percent of {n_datasets} tables\n")
    columns = [(n, size, design) for n in ROWS for size in SIZES for design in DESIGNS]
    print("| test |", " | ".join(f"n={n}, {k} given, {d}" for n, k, d in columns), "|")
    print("| --- " * (1 + len(columns)) + "|")
    for name, (test, quick) in ({**TESTS, **UNCONDITIONAL} | peers()).items():
        cells = []
        for n, size, design in columns:
            if name in UNCONDITIONAL and size:
                cells.append("")
                continue
            several = n_datasets if quick else max(1, n_datasets // 10)
            cells.append(f"{share(test, design, n, size, several):.1f}")
        print(f"| {name} |", " | ".join(cells), "|", flush=True)


def power(n_datasets):
    print(f"\nRejected at 5 % where dependence is weak, percent of {n_datasets} nonlinear tables\n")
    columns = [(n, k, e) for n in (300, 500) for k in (1, 3) for e in EFFECTS if e]
    print("| test |", " | ".join(f"n={n}, {k} given, {e}" for n, k, e in columns), "|")
    print("| --- " * (1 + len(columns)) + "|")
    for name, (test, quick) in (TESTS | peers()).items():
        several = n_datasets if quick else max(1, n_datasets // 5)
        cells = [f"{share(test, 'nonlinear', n, k, several, e):.1f}" for n, k, e in columns]
        print(f"| {name} |", " | ".join(cells), "|", flush=True)


def seconds(test, tables):
    test(tables[0])
    took = []
    for table in tables[1:]:
        start = time.process_time()
        test(table)
        took.append(time.process_time() - start)
        if took[-1] > 10:
            break
    return statistics.median(took)


def speed(_):
    print("\nMilliseconds a test, nonlinear design\n")
    columns = [(500, 1), (1000, 1), (2000, 1), (500, 3), (1000, 3), (10_000, 3)]
    print("| test |", " | ".join(f"n={n}, {k} given" for n, k in columns), "|")
    print("| --- " * (1 + len(columns)) + "|")
    cubic = ("causal-learn KCI", "andrey KCI", "KCI, spectral", "CMIknn", "KCI, as published")
    square = ("KCI", "GCM")
    for name, (test, _quick) in (TESTS | peers()).items():
        cells = []
        for n, size in columns:
            if n == 10_000 and name in (*cubic, *square):
                cells.append("")
                continue
            tables = [draw("nonlinear", n, size, seed) for seed in range(6)]
            cells.append(f"{1000 * seconds(test, tables):.1f}")
        print(f"| {name} |", " | ".join(cells), "|", flush=True)


def agreement(n_datasets):
    """p-values of the published test at equal widths."""
    others = {name: test for name, (test, _) in peers().items() if name.endswith(" KCI")}
    print("\nMedian |difference| of p-values, KCI as published at the same widths\n")
    print("| peer | n=200, 1 given | n=500, 1 given | n=500, 3 given |")
    print("| --- " * 4 + "|")
    for name, test in others.items():
        cells = []
        for n, size in ((200, 1), (500, 1), (500, 3)):
            gaps = []
            for seed in range(max(5, n_datasets // 50)):
                data = draw("nonlinear", n, size, seed)
                swapped = data[:, [1, 0, *range(2, data.shape[1])]]
                p = as_published(data)
                gaps.append(min(abs(p - test(data)), abs(p - test(swapped))))
            cells.append(f"{statistics.median(gaps):.5f}")
        print(f"| {name} |", " | ".join(cells), "|", flush=True)


def many(_):
    """All tests of a search given one set share its regressions."""
    print("\nMilliseconds a test, all pairs of 12 columns given the same 2 others, n=500\n")
    data = np.random.default_rng(0).normal(size=(500, 14)) @ np.triu(np.ones((14, 14)))
    print("| test | one bound test for all | bound anew each time |")
    print("| --- | --- | --- |")
    for name in ("KCI", "KCI, Nyström", "RCoT"):
        test = {"KCI": KCI(approximation="exact"), "KCI, Nyström": KCI(approximation="nystrom")}
        setting = test.get(name, RCoT())
        pairs = [(i, j) for i in range(12) for j in range(i)]
        start = time.process_time()
        bound = setting.bind(as_table(data))
        for i, j in pairs:
            bound(i, j, (12, 13))
        shared = (time.process_time() - start) / len(pairs)
        alone = seconds(ours(setting), [data[:, [i, j, 12, 13]] for i, j in pairs[:6]])
        print(f"| {name} | {1000 * shared:.1f} | {1000 * alone:.1f} |", flush=True)


PARTS = {"level": level, "power": power, "speed": speed, "agreement": agreement, "many": many}


def main(arguments: list[str]) -> None:
    warnings.simplefilter("ignore")
    numbers = [int(a) for a in arguments if a.isdigit()]
    chosen = [a for a in arguments if a in PARTS] or list(PARTS)
    for name in chosen:
        PARTS[name](numbers[0] if numbers else 200)


if __name__ == "__main__":
    main(sys.argv[1:])
