"""How often each refutation check fails: sound analyses (should be ≤ 5 %), and designed faults.

    python benchmarks/bench_calibration.py [n_datasets] [n_jobs]

Prints two tables in Markdown, one row a design and estimator, one column a check: the share of data
sets in which the check fails, and in brackets the share in which it is not informative. The Monte
Carlo error of a share p is √(p(1−p)/n_datasets). Boosting gets a tenth of the data sets, and its
rows are left out where that is fewer than ten.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from causalkit._core.parallel import run
from causalkit.estimation import AIPW, IPW, OLS, PLR, GComputation
from causalkit.refutation import (
    DataSubset,
    DummyOutcome,
    PlaceboTreatment,
    RandomCommonCause,
    refute,
)
from tests.refutation.designs import (
    Biased,
    Boastful,
    Forgetful,
    Gambling,
    continuous_design,
    curved_design,
    fitted,
    light_aipw,
    light_plr,
    linear_design,
)

CHECKS = [PlaceboTreatment(), DummyOutcome(), RandomCommonCause(), DataSubset()]

SOUND = {
    "linear, n=150": (linear_design, 150, [OLS(), IPW(), GComputation()]),
    "linear, n=400": (
        linear_design,
        400,
        [OLS(), IPW(), GComputation(), light_aipw(), light_plr()],
    ),
    "linear, n=2000": (linear_design, 2000, [OLS(), light_aipw()]),
    "continuous, n=400": (continuous_design, 400, [OLS(), light_plr()]),
    "linear, n=2000, boosting": (linear_design, 2000, [AIPW(), PLR()]),
}

FAULTY = {
    "linear, n=400": (
        linear_design,
        400,
        [Boastful(), Biased(), Forgetful(), Gambling()],
    ),
    "curved, n=800": (curved_design, 800, [OLS(), light_aipw()]),
}


def verdicts(design, n_rows, estimator, seed):
    """Verdict of each check on one data set."""
    warnings.simplefilter("ignore")
    if "random_state" in estimator.get_params():
        estimator = type(estimator)(**{**estimator.get_params(deep=False), "random_state": seed})
    effect = fitted(estimator, design(np.random.default_rng([42, seed]), n=n_rows))
    return [c.verdict for c in refute(effect, CHECKS, random_state=seed)]


def table(cases, n_datasets, n_jobs):
    """Print one Markdown table."""
    print("| design | estimator |", " | ".join(c.name for c in CHECKS), "|")
    print("| --- " * (2 + len(CHECKS)) + "|")
    for label, (design, n_rows, estimators) in cases.items():
        for estimator in estimators:
            count = n_datasets // 10 if "boosting" in label else n_datasets
            if count < 10:
                continue
            jobs = [(design, n_rows, estimator, seed) for seed in range(count)]
            found = np.array(run(verdicts, jobs, n_jobs=n_jobs))
            cells = [
                f"{np.mean(column == 'fails'):.3f} ({np.mean(column == 'not informative'):.2f})"
                for column in found.T
            ]
            name = type(estimator).__name__
            print(f"| {label} ({count}) | {name} |", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    n_datasets = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    n_jobs = int(sys.argv[2]) if len(sys.argv) > 2 else None
    print("\nSound analyses: share that fails (not informative)\n")
    table(SOUND, n_datasets, n_jobs)
    print("\nDesigned faults: share that fails (not informative)\n")
    table(FAULTY, n_datasets, n_jobs)
