"""How long do a hundred simulations of a refuter take, here and in DoWhy?

    python benchmarks/bench_refutation.py                  ours, all estimators
    python benchmarks/bench_refutation.py --peer           DoWhy, where it is installed
    python benchmarks/bench_refutation.py --rows 100000

10,000 rows, 5 covariates, a linear outcome; CPU seconds of one thread (the best of three), so that
other work on the machine matters little. "one by one" is the same check with every refit made from
the start, which gives the same numbers to rounding. DoWhy needs none of this package, and is
measured in an environment of its own; its "random common cause" and "data subset" are the same
questions, its placebo is asked with `placebo_type="permute"`.
"""

from __future__ import annotations

import argparse
import logging
import time
import warnings

import numpy as np

REPEATS, SIMULATIONS = 3, 100


def table(n_rows, *, binary=False):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 5))
    t = X[:, 0] + rng.normal(size=n_rows)
    if binary:
        t = (t > 0).astype(float)
    return X, t + X.sum(axis=1) + rng.normal(size=n_rows), t


def cpu_seconds(job):
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        job()
        times.append(time.process_time() - start)
    return min(times)


def ours(n_rows):
    from causalkit.estimation import OLS, GComputation
    from causalkit.refutation import (
        DataSubset,
        PlaceboTreatment,
        RandomCommonCause,
        refits,
        refute,
    )

    checks = [
        PlaceboTreatment(),
        RandomCommonCause(n_simulations=SIMULATIONS),
        DataSubset(),
    ]
    designs = {
        "OLS, continuous treatment": (OLS(), False),
        "OLS, two arms": (OLS(), True),
        "g-computation, two arms": (GComputation(), True),
    }
    batched = refits.prepare_linear
    for label, (estimator, binary) in designs.items():
        X, y, t = table(n_rows, binary=binary)
        effect = estimator.fit(X, y, t=t).effect_
        for check in checks:

            def job(effect=effect, check=check):
                refute(effect, check, n_simulations=SIMULATIONS, random_state=0)

            quick = cpu_seconds(job)
            refits.prepare_linear = lambda _: None
            slow = cpu_seconds(job)
            refits.prepare_linear = batched
            print(f"{label:28s} {check.name:22s} {quick:8.3f} s    one by one {slow:7.3f} s")


def peers(n_rows):
    import dowhy
    import pandas as pd

    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    X, y, t = table(n_rows)
    data = pd.DataFrame(X, columns=[f"x{k}" for k in range(5)]).assign(t=t, y=y)
    causes = [f"x{k}" for k in range(5)]
    model = dowhy.CausalModel(data, treatment="t", outcome="y", common_causes=causes)
    estimand = model.identify_effect(proceed_when_unidentifiable=True)
    estimate = model.estimate_effect(estimand, method_name="backdoor.linear_regression")
    refuters = {
        "placebo treatment": ("placebo_treatment_refuter", {"placebo_type": "permute"}),
        "random common cause": ("random_common_cause", {}),
        "data subset": ("data_subset_refuter", {"subset_fraction": 0.5}),
    }
    for label, (name, options) in refuters.items():

        def job(name=name, options=options):
            model.refute_estimate(
                estimand, estimate, method_name=name, num_simulations=SIMULATIONS, **options
            )

        print(f"{'DoWhy ' + dowhy.__version__:28s} {label:22s} {cpu_seconds(job):8.3f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--peer", action="store_true")
    arguments = parser.parse_args()
    (peers if arguments.peer else ours)(arguments.rows)


if __name__ == "__main__":
    main()
