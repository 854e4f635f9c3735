r"""Which method for which series? Discovery, and the effect by way of what was discovered.

    python benchmarks/synthetic_time_series.py --quick       two minutes
    python benchmarks/synthetic_time_series.py --jobs -1     all of it; continues where it stopped
    python benchmarks/synthetic_time_series.py --like my.csv twins of your series, too

CausalTime alone, with a graph of which station is near which as its hypothesis:

    python benchmarks/synthetic_time_series.py --like data.npy --graph graph.npy --log \
        --models CausalTime "CausalTime, series alone" --rows 1000 --repeats 5

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

import numpy as np
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
        self.graph, self.effects = self.model.graph, self.model.effects
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


class SeriesAlone:
    """CausalTime as its paper scores it: the series without residuals, against the hypothesis.

    What is drawn does not obey that graph; see :class:`causalkit.models.CausalTime`.
    """

    def __init__(self, model):
        self.model, self.graph = model, model.hypothesis_

    def sample(self, n, rng=None):
        """Draw, and leave the residual series out."""
        drawn = self.model.sample(n, rng=rng)
        return {name: drawn[name] for name in self.graph.variables}


def recorded(asked):
    """The series of `--like`."""
    if asked.like.suffix == ".npy":
        values = np.load(asked.like)
        data = pd.DataFrame(values, columns=[f"s{k}" for k in range(values.shape[1])])
    else:
        data = pd.read_csv(asked.like).select_dtypes("number")
    return np.log1p(data) if asked.log else data


def like(asked):
    """Models fitted to recorded series: twins, and CausalTime where torch is installed."""
    data, wanted = recorded(asked), set(asked.models or LIKE)
    found = {}
    if "twin" in wanted:
        found["twin"] = Twin(max_lag=MAX_LAG, random_state=0).fit(data)
    if "twin, PCMCI+" in wanted:
        learner = PCMCIPlus(max_lag=MAX_LAG)
        found["twin, PCMCI+"] = Twin(learner, max_lag=MAX_LAG, random_state=0).fit(data)
    if wanted & set(LIKE[2:]) and find_spec("torch") and find_spec("zuko"):
        graph = None if asked.graph is None else np.load(asked.graph).astype(int)
        settings = {"graph": graph, "max_lag": MAX_LAG, "missing": "carry", "random_state": 0}
        model = CausalTime("lstm", **settings).fit(data)
        found |= {"CausalTime": model, "CausalTime, series alone": SeriesAlone(model)}
    return found


LIKE = ("twin", "twin, PCMCI+", "CausalTime", "CausalTime, series alone")
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
        models = {**models, **like(asked)}
    run("Synthetic time series", methods, models, asked, size)


if __name__ == "__main__":
    main()
