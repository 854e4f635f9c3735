"""Linear nuisances: penalties for all folds from one set of products, beside fits on the rows.

    python benchmarks/bench_nuisances.py [--largest 1000000] [--repeats 5]

1. Partially linear regression with lasso nuisances: 20 columns, 5 folds, 100 penalties, 5 inner
   folds, by causalkit's `GramLasso` and by DoubleML, econml and dml-rs (where it is installed) with
   theirs; "assessed" is causalkit's default, which also tests whether the nuisances miss anything,
   as the others do not. Each is timed in CPU seconds, in one process and one thread, in turn, best
   of all repeats, so that a busy machine slows all of them alike.
2. The same learner of scikit-learn in causalkit and in a bare loop over the same folds: overhead,
   without and with that assessment.
3. Wide tables: 500 columns, 1000 rows, lasso by `GramLasso` and by `LassoCV` in the bare loop.
4. A million rows of 50 columns: seconds, and the largest memory of a fresh process (Linux) beyond
   what it held before, in units of the data (float64, columns and outcome and treatment).
5. 500 draws of the multiplier bootstrap of an effect of 10,000 rows.
6. The same as 4 from Parquet files that are never in memory, of that many rows and a quarter.
"""

from __future__ import annotations

import argparse
import gc
import subprocess
import sys
import time
import warnings
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from sklearn.base import clone
from sklearn.linear_model import LassoCV, LinearRegression
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.tables import head, row
from causalkit.estimation import PLR
from causalkit.estimation.multipliers import multiplier_bootstrap
from causalkit.estimation.nuisances.crossfitting import assign_folds
from causalkit.estimation.nuisances.gram_learners import GramOLS
from causalkit.estimation.nuisances.penalised import GramLasso, GramRidge
from causalkit.estimation.nuisances.quality import unassessed

N_FOLDS = 5


def draw(n, d, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    t = X @ (0.7 ** np.arange(d)) + rng.normal(size=n)
    y = 0.5 * t + X @ (0.7 ** np.arange(d)[::-1]) + rng.normal(size=n)
    return X, t, y


def ours(X, t, y):
    with unassessed():
        return assessed(X, t, y)


def assessed(X, t, y):
    return within(GramLasso(), X, t, y)


def double_ml(X, t, y):
    import doubleml

    data = doubleml.DoubleMLData.from_arrays(X, y, t)
    fitted = doubleml.DoubleMLPLR(data, LassoCV(cv=5), LassoCV(cv=5), n_folds=N_FOLDS).fit()
    return fitted.coef[0], fitted.se[0]


def econml(X, t, y):
    from econml.dml import LinearDML

    model = LinearDML(model_y=LassoCV(cv=5), model_t=LassoCV(cv=5), cv=N_FOLDS, random_state=0)
    inference = model.fit(y, t, X=None, W=X).ate_inference()
    return float(np.ravel(inference.mean_point)[0]), float(np.ravel(inference.stderr_mean)[0])


def dml_rs(X, t, y):
    import dml_rs

    lasso = dml_rs.LassoCV(alphas=100, cv=5)
    fitted = dml_rs.PLR(lasso, lasso, n_folds=N_FOLDS).fit(X, y, t)
    return float(np.ravel(fitted.coef_)[0]), float(np.ravel(fitted.se_)[0])


def bare(learner, X, t, y, folds):
    """A loop over the folds, and residuals on residuals."""
    off = []
    for target in (y, t):
        predicted = np.empty(len(y))
        for fold in range(N_FOLDS):
            test = folds == fold
            model = clone(learner).fit(X[~test], target[~test])
            predicted[test] = model.predict(X[test])
        off.append(target - predicted)
    u, v = off
    theta = (u @ v) / (v @ v)
    return theta, np.sqrt(np.sum((v * (u - theta * v)) ** 2)) / (v @ v)


def within(learner, X, t, y):
    effect = PLR(learner, learner, random_state=0).fit(X, y, t=t).effect_
    return effect.value, effect.std_error


def alone(learner, X, t, y):
    with unassessed():
        return within(learner, X, t, y)


def race(jobs, repeats):
    """CPU seconds, best of all repeats, and answers of each job, run in turn."""
    best, answers = dict.fromkeys(jobs, np.inf), {}
    for _ in range(repeats):
        for name, job in jobs.items():
            gc.collect()
            with warnings.catch_warnings(), threadpool_limits(1):
                warnings.simplefilter("ignore")
                start = time.process_time()
                answers[name] = job()
                best[name] = min(best[name], time.process_time() - start)
    return best, answers


def lasso_table(sizes, repeats):
    libraries = {
        "causalkit": ours,
        "assessed": assessed,
        "DoubleML": double_ml,
        "econml": econml,
        "dml-rs": dml_rs,
    }
    modules = {"DoubleML": "doubleml", "econml": "econml", "dml-rs": "dml_rs"}
    there = {k: v for k, v in libraries.items() if find_spec(modules.get(k, "causalkit"))}
    warm = draw(300, 20)
    race({k: partial(job, *warm) for k, job in there.items()}, 1)  # imports and compilation
    head("n", "library", "seconds", "ratio", "effect (s.e.)", title="Lasso nuisances, 20 columns")
    for n in sizes:
        X, t, y = draw(n, 20)
        best, answers = race({k: partial(job, X, t, y) for k, job in there.items()}, repeats)
        for name, seconds in best.items():
            value, error = answers[name]
            ratio = seconds / best["causalkit"]
            row(n, name, f"{seconds:.4f}", f"{ratio:.1f}", f"{value:.4f} ({error:.4f})")


def overhead_table(sizes, repeats):
    names = "n", "learner", "bare loop, seconds", "PLR adds", "and its assessment"
    head(*names, title="The same learner of scikit-learn in PLR and in a bare loop")
    for n in sizes:
        X, t, y = draw(n, 20)
        for learner in (LassoCV(cv=5), LinearRegression()):
            plr = PLR(learner, learner, random_state=0)
            folds = plr.fit(X, y, t=t).effect_.details["folds"][0]
            jobs = {
                "bare": partial(bare, learner, X, t, y, folds),
                "unassessed": partial(alone, learner, X, t, y),
                "PLR": partial(within, learner, X, t, y),
            }
            best, _ = race(jobs, repeats)
            shares = [best[job] / best["bare"] - 1 for job in ("unassessed", "PLR")]
            name = type(learner).__name__
            row(n, name, f"{best['bare']:.4f}", *map("{:+.1%}".format, shares))


def wide_table(repeats):
    head("learner", "seconds", "effect (s.e.)", title="Wide, 1000 rows of 500 columns")
    X, t, y = draw(1000, 500)
    learners = {"GramOLS": GramOLS(), "GramRidge": GramRidge(), "GramLasso": GramLasso()}
    jobs = {k: partial(alone, learner, X, t, y) for k, learner in learners.items()}
    folds = assign_folds(N_FOLDS, np.random.default_rng(0), 1000)
    jobs["LassoCV, bare"] = partial(bare, LassoCV(cv=5), X, t, y, folds)
    best, answers = race(jobs, repeats)
    for name, seconds in best.items():
        row(name, f"{seconds:.3f}", "{:.4f} ({:.4f})".format(*answers[name]))


LARGE = """
import resource, sys, time
import numpy as np
from benchmarks.bench_nuisances import alone, draw
from benchmarks.tables import row
from causalkit.estimation.nuisances.gram_learners import GramOLS
from causalkit.estimation.nuisances.penalised import GramLasso, GramRidge
from causalkit.estimation.nuisances.quality import unassessed
learner = {"GramOLS": GramOLS, "GramRidge": GramRidge, "GramLasso": GramLasso}[sys.argv[1]]()
alone(learner, *draw(1000, 50))  # compiles, or loads what was compiled
X, t, y = draw(int(sys.argv[2]), 50)
largest = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
before, start, used = largest(), time.perf_counter(), time.process_time()
value, error = alone(learner, X, t, y)
wall, cpu = time.perf_counter() - start, time.process_time() - used
size = X.nbytes + t.nbytes + y.nbytes
row(sys.argv[1], f"{cpu:.2f}", f"{wall:.2f}", f"{(largest() - before) / size:.2f}",
    f"{value:.4f} ({error:.4f})")
"""


def large_table(n):
    names = "learner", "seconds", "by the clock", "memory beyond the data / data", "effect (s.e.)"
    head(*names, title=f"{n} rows of 50 columns")
    for name in ("GramOLS", "GramRidge", "GramLasso"):
        subprocess.run(
            [sys.executable, "-c", LARGE, name, str(n)],
            check=True,
            cwd=Path(__file__).resolve().parents[1],
        )


def multiplier_table(repeats):
    head("weights", "seconds", title="Multiplier bootstrap, 500 draws, 10000 rows")
    X, t, y = draw(10_000, 20)
    effect = PLR(GramLasso(), GramLasso(), random_state=0).fit(X, y, t=t).effect_
    laws = ("normal", "rademacher", "mammen", "exponential")
    jobs = {law: partial(multiplier_bootstrap, effect, weights=law, random_state=0) for law in laws}
    best, _ = race(jobs, repeats)
    for law, seconds in best.items():
        row(law, f"{seconds:.4f}")


STREAMED = """
import resource, sys, time
import causalkit as ck
from benchmarks.tables import row
from causalkit.estimation import OLS, PLR
from causalkit.estimation.nuisances.penalised import GramLasso
from causalkit.estimation.out_of_core import estimate_streamed
edges = "; ".join(f"x{k} -> t; x{k} -> y" for k in range(50))
estimand = ck.identify(ck.CausalGraph.parse(edges + "; t -> y"), "t", "y")
estimators = {"OLS": OLS(), "GramLasso": PLR(GramLasso(), GramLasso(), random_state=0)}
estimator = estimators[sys.argv[1]]
estimate_streamed(estimand, sys.argv[2], estimator)  # compiles, or loads what was compiled
largest = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
before, start, used = largest(), time.perf_counter(), time.process_time()
effect = estimate_streamed(estimand, sys.argv[3], estimator)
wall, cpu = time.perf_counter() - start, time.process_time() - used
row(sys.argv[1], effect.n_obs, f"{cpu:.2f}", f"{wall:.2f}",
    f"{(largest() - before) / 2**20:.0f}", f"{largest() / 2**20:.0f}",
    f"{effect.value:.4f} ({effect.std_error:.4f})")
"""


def write(path, n):
    """A Parquet file, a group of rows at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    writer = None
    for seed in range(-(-n // 50_000)):
        X, t, y = draw(min(50_000, n), 50, seed)
        table = pa.table({**{f"x{k}": X[:, k] for k in range(50)}, "t": t, "y": y})
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    writer.close()


def streamed_table(n):
    memory = "MiB more", "MiB in all"
    names = "estimator", "rows", "seconds", "by the clock", *memory, "effect (s.e.)"
    head(*names, title="Parquet files, 50 columns")
    with TemporaryDirectory() as folder:
        paths = [f"{folder}/{rows}.parquet" for rows in (10_000, n // 4, n)]
        for path, rows in zip(paths, (10_000, n // 4, n), strict=True):
            write(path, rows)
        for name in ("OLS", "GramLasso"):
            for path in paths[1:]:
                subprocess.run(
                    [sys.executable, "-c", STREAMED, name, paths[0], path],
                    check=True,
                    cwd=Path(__file__).resolve().parents[1],
                )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--largest", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    lasso_table([1000, 10_000, 100_000], options.repeats)
    overhead_table([10_000, 100_000], options.repeats)
    wide_table(min(options.repeats, 3))
    large_table(options.largest)
    multiplier_table(options.repeats)
    streamed_table(options.largest)


if __name__ == "__main__":
    main()
