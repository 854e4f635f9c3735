"""Which method for which series? Discovery, and the effect by way of what was discovered.

    python benchmarks/synthetic_time_series.py --quick       two minutes
    python benchmarks/synthetic_time_series.py --jobs -1     all of it; continues where it stopped
    python benchmarks/synthetic_time_series.py --like my.csv twins of your series, too

Models: linear and bent SVARs, heavy tails, regimes, change points, drift, seasons, latent series,
subsampling and aggregation, missing cells, Lorenz-96 and coupled logistic maps; with `--like` the
twins of recorded series, and with torch CausalTime fitted to them. Where a model has one effect of
one series on another, the effect by way of the learnt graph is held against it.
"""

from __future__ import annotations

import os
import sys

if "numpy" not in sys.modules:  # or it is too late
    for library in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
        os.environ[f"{library}_NUM_THREADS"] = "1"

from importlib.util import find_spec

import pandas as pd

from benchmarks.leaderboards import Size, options, run
from causalkit.discovery import (
    DYNOTEARS,
    LPCMCI,
    PCMCI,
    TSICD,
    Granger,
    GroupLassoGranger,
    PCMCIPlus,
    RegressionGranger,
    SpectralGranger,
    TransferEntropy,
    VARLiNGAM,
)
from causalkit.models import CausalTime, Missing, Twin, random_series

MAX_LAG = 2
METHODS = {
    "PCMCI": PCMCI(max_lag=MAX_LAG),
    "PCMCI+": PCMCIPlus(max_lag=MAX_LAG),
    "LPCMCI": LPCMCI(max_lag=MAX_LAG),
    "TS-ICD": TSICD(max_lag=MAX_LAG),
    "Granger": Granger(MAX_LAG),
    "group lasso": GroupLassoGranger(MAX_LAG),
    "regression": RegressionGranger(max_lag=MAX_LAG),
    "spectral": SpectralGranger(),
    "transfer entropy": TransferEntropy(max_lag=MAX_LAG),
    "VAR-LiNGAM": VARLiNGAM(max_lag=MAX_LAG),
    "DYNOTEARS": DYNOTEARS(max_lag=MAX_LAG),
}
QUICK = ("PCMCI", "PCMCI+", "LPCMCI", "Granger", "VAR-LiNGAM")


class WithHoles:
    """A family of models some of whose cells are missing at random."""

    def __init__(self, share):
        self.share = share

    def __call__(self, rng):
        self.model = random_series("linear", n_series=5, max_lag=MAX_LAG, rng=rng)
        self.graph = self.model.graph
        return self

    def sample(self, n, rng=None):
        """Draw, and take cells away."""
        drawn = self.model.sample(n, rng=rng)
        return Missing("MCAR", self.share).apply(drawn.data, rng=rng).data


def series(kind, **settings):
    """A family: each data set gets a model of its own."""
    return lambda rng: random_series(kind, n_series=5, max_lag=MAX_LAG, rng=rng, **settings)


MODELS = {
    "linear": series("linear"),
    "linear, Laplace": series("linear", noise="laplace"),
    "bent": series("nonlinear"),
    "heavy tails": series("heavy-tailed"),
    "regimes": series("regimes"),
    "change points": series("change-points"),
    "drift": series("drift"),
    "season and trend": series("seasonal"),
    "latent": series("latent"),
    "subsampled": series("subsampled"),
    "aggregated": series("aggregated"),
    "missing cells": lambda rng: WithHoles(0.1)(rng),
    "Lorenz-96": lambda rng: random_series("lorenz96", n_series=5, rng=rng),
    "logistic maps": lambda rng: random_series("logistic-maps", n_series=5, rng=rng),
}


def like(path):
    """Models fitted to recorded series: twins, and CausalTime where torch is installed."""
    data = pd.read_csv(path).select_dtypes("number")
    found = {
        "twin": Twin(max_lag=MAX_LAG, random_state=0).fit(data),
        "twin, PCMCI+": Twin(PCMCIPlus(max_lag=MAX_LAG), max_lag=MAX_LAG, random_state=0).fit(data),
    }
    if find_spec("torch") and find_spec("zuko"):
        found["CausalTime"] = CausalTime("mlp", max_lag=MAX_LAG, random_state=0).fit(data)
    return found


QUICK_MODELS = ("linear", "bent", "regimes", "latent", "logistic maps")


def main() -> None:
    """Run it."""
    asked = options(__doc__, "synthetic_time_series")
    methods, models = METHODS, MODELS
    size = Size((200, 500, 2000), 20, 120.0)
    if asked.quick:
        methods = {name: METHODS[name] for name in QUICK}
        models = {name: MODELS[name] for name in QUICK_MODELS}
        size = Size((300,), 3, 10.0)
    if asked.like is not None:
        models = {**models, **like(asked.like)}
    run("Synthetic time series", methods, models, asked, size)


if __name__ == "__main__":
    main()
