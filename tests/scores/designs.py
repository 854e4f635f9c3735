"""Tables that every score can read, and every score with a table of its own."""

from __future__ import annotations

import numpy as np
import pandas as pd

from causalkit.scores import (
    BDeu,
    BGe,
    ConditionalGaussianBIC,
    DegenerateGaussianBIC,
    DiscreteBIC,
    ExtendedBIC,
    GaussianBIC,
    InterventionalBIC,
    KernelCV,
    KernelMarginal,
    NodeAverage,
)

NAMES = tuple("ABCDE")


def numbers(rng: np.random.Generator, n: int) -> pd.DataFrame:
    X = rng.normal(size=(n, 5))
    for k in range(1, 5):
        X[:, k] += X[:, :k] @ rng.normal(size=k)
    return pd.DataFrame(X, columns=NAMES)


def categories(rng: np.random.Generator, n: int) -> pd.DataFrame:
    X = numbers(rng, n)
    return pd.DataFrame(
        {
            name: pd.Categorical(pd.qcut(X[name] + rng.normal(size=n), k, labels=list("pqrs"[:k])))
            for name, k in zip(NAMES, (2, 3, 4, 2, 3), strict=True)
        }
    )


def mixed(rng: np.random.Generator, n: int) -> pd.DataFrame:
    frame = numbers(rng, n)
    frame["B"] = frame["B"] > 0
    frame["D"] = pd.Categorical(pd.qcut(frame["D"], 3, labels=["low", "mid", "high"]))
    return frame


SCORES = {
    "gaussian": (GaussianBIC(), numbers),
    "extended": (ExtendedBIC(), numbers),
    "bge": (BGe(), numbers),
    "bdeu": (BDeu(), categories),
    "discrete": (DiscreteBIC(), categories),
    "degenerate": (DegenerateGaussianBIC(), mixed),
    "conditional": (ConditionalGaussianBIC(), mixed),
    "kernel-marginal": (KernelMarginal(), mixed),
    "kernel-cv": (KernelCV(), mixed),
    "interventional": (InterventionalBIC([()] * 200), numbers),
    "node-average": (NodeAverage(DegenerateGaussianBIC()), mixed),
}

EQUIVALENT = [name for name in SCORES if not name.startswith("kernel")]
"""Scores that are equal on Markov-equivalent graphs."""
