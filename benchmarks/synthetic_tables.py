"""Which method for which table? Discovery, and the effect by way of what was discovered.

    python benchmarks/synthetic_tables.py --quick            two minutes
    python benchmarks/synthetic_tables.py --jobs -1          all of it; continues where it stopped

Models: random graphs with linear, bent, mixed and discrete mechanisms, some with latent causes, and
the textbook tasks of effects (back door, front door, instrument, bow) whose answer is exact. Each
method learns a graph; the effect of a treatment on an outcome is identified in that graph and
estimated, and held against the truth, beside the same with the true graph.
"""

from __future__ import annotations

import os
import sys

if "numpy" not in sys.modules:  # or it is too late
    for library in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
        os.environ[f"{library}_NUM_THREADS"] = "1"

from sklearn.base import clone

from benchmarks.leaderboards import Size, options, run
from causalkit.discovery import (
    BOSS,
    CAM,
    FCI,
    FLOP,
    GES,
    GFCI,
    PC,
    RFCI,
    DirectLiNGAM,
    GRaSP,
    HillClimb,
)
from causalkit.independence import DegenerateGaussian, RankZ
from causalkit.models import effect_task, random_model
from causalkit.scores import DegenerateGaussianBIC


class WithLevels:
    """An algorithm that is told which columns are levels: models write them as whole numbers."""

    def __init__(self, algorithm):
        self.algorithm = algorithm

    def __call__(self, data):
        """Learn from a frame."""
        codes = {name: "category" for name, column in data.items() if column.dtype.kind in "iub"}
        return clone(self.algorithm).fit(data.astype(codes))


METHODS = {
    "PC": PC(alpha=0.01),
    "PC, ranks": PC(RankZ(), alpha=0.01),
    "PC, mixed": WithLevels(PC(DegenerateGaussian(), alpha=0.01)),
    "FCI": FCI(alpha=0.01),
    "RFCI": RFCI(alpha=0.01),
    "GES": GES(),
    "GES, mixed": WithLevels(GES(DegenerateGaussianBIC())),
    "BOSS": BOSS(),
    "GRaSP": GRaSP(),
    "FLOP": FLOP(),
    "HillClimb": HillClimb(),
    "GFCI": GFCI(),
    "DirectLiNGAM": DirectLiNGAM(),
    "CAM": CAM(),
}
QUICK = ("PC", "FCI", "GES", "BOSS", "DirectLiNGAM")


def table(mechanism, **settings):
    """A family: each data set gets a model of its own."""
    return lambda rng: random_model(n_nodes=8, mechanism=mechanism, rng=rng, **settings)


def task(kind, **settings):
    """A family of effect tasks.

    With an effect of 1 covariates would be independent of the treatment given the outcome: no graph
    that entails the independences is the true one, and there would be nothing to learn.
    """
    return lambda rng: effect_task(kind, effect=2.0, rng=rng, **settings)


MODELS = {
    "linear": table("linear"),
    "linear, Laplace": table("linear", noise="laplace"),
    "scale-free": table("linear", graph="scale-free"),
    "Gaussian process": table("gaussian-process"),
    "MLP": table("mlp"),
    "post-nonlinear": table("post-nonlinear"),
    "location and scale": table("location-scale"),
    "mixed": table("mixed"),
    "discrete": table("discrete"),
    "two latents": table("linear", n_latents=2),
    "back door": task("backdoor"),
    "back door, bent": task("backdoor", nonlinear=0.5, heterogeneity=0.5),
    "back door, little overlap": task("backdoor", overlap=0.2),
    "front door": task("frontdoor"),
    "instrument": task("instrument"),
    "bow": task("bow"),
}
QUICK_MODELS = ("linear", "Gaussian process", "two latents", "back door")


def main() -> None:
    """Run it."""
    asked = options(__doc__, "synthetic_tables")
    methods, models = METHODS, MODELS
    size = Size((200, 1000, 5000), 20, 120.0)
    if asked.quick:
        methods = {name: METHODS[name] for name in QUICK}
        models = {name: MODELS[name] for name in QUICK_MODELS}
        size = Size((500,), 3, 10.0)
    run("Synthetic tables", methods, models, asked, size)


if __name__ == "__main__":
    main()
