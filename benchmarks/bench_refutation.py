"""How long do a hundred simulations of a refuter take, here and in DoWhy?

    python benchmarks/bench_refutation.py [--rows 100000] [--only ours|peers]

10,000 rows, 5 covariates, a linear outcome; CPU seconds of one thread (the best of three), so that
other work on the machine matters little. "one by one" is the same check with every refit made from
the start, which gives the same numbers to rounding. DoWhy's "random common cause" and "data
subset" are the same questions, its placebo is asked with `placebo_type="permute"`; with `--only` it
can be measured in an environment of its own, where this package is not installed.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np

if __package__ in (None, ""):  # where the package is not installed
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.tables import head, row

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
            row("causalkit", label, check.name, f"{quick:.3f}", f"{slow:.3f}")


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

        row("DoWhy", "linear regression", label, f"{cpu_seconds(job):.3f}", None)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--only", choices=("ours", "peers"))
    asked = parser.parse_args()
    head("library", "estimator", "check", "seconds", "one by one")
    if asked.only != "peers":
        ours(asked.rows)
    if asked.only != "ours" and find_spec("dowhy"):
        peers(asked.rows)


if __name__ == "__main__":
    main()
