"""Kernels say as plain Python what they say compiled, and keep to their arrays.

Compiled code does not look whether an index is one of the array; Python does. (It also warns where
whole numbers run over, as those of random streams are meant to.)
"""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pandas as pd

from causalkit.discovery import (
    BOSS,
    FCI,
    FLOP,
    GES,
    GIES,
    DirectLiNGAM,
    ExactSearch,
    GRaSP,
    HillClimb,
    ParceLiNGAM,
    UnknownTargets,
)
from causalkit.scores import (
    BDeu,
    ConditionalGaussianBIC,
    DegenerateGaussianBIC,
    DiscreteBIC,
    NodeAverage,
)

ON_NUMBERS = (
    FLOP(n_restarts=2),
    BOSS(n_starts=1),
    GRaSP(n_starts=1),
    GES(),
    GES(phases=("forward", "backward", "turning"), repeat="round"),
    HillClimb(),
    ExactSearch(),
    GES(NodeAverage()),
    FCI(selection_bias=True),
    DirectLiNGAM(),
    ParceLiNGAM(),
)
ON_CATEGORIES = (
    FLOP(BDeu(), n_restarts=1),
    GES(DiscreteBIC()),
    HillClimb(BDeu()),
    FLOP(DegenerateGaussianBIC(), n_restarts=1),
    GES(ConditionalGaussianBIC()),
)
ON_CONDITIONS = (
    GIES({0: (), 1: "b"}, regime="seen"),
    UnknownTargets(environment="seen", n_restarts=1, n_starts=1),
)


def graphs() -> list[str]:
    """What each algorithm learns from a small table."""
    rng = np.random.default_rng(3)
    values = rng.uniform(-1, 1, size=(80, 5))
    for k in range(1, 4):
        values[:, k] += values[:, k - 1] + 0.5 * values[:, k // 2]
    numbers = pd.DataFrame(values, columns=list("abcde"))
    levels = {name: pd.cut(numbers[name], 3, labels=list("xyz")) for name in "abcd"}
    seen = numbers.assign(seen=np.arange(80) // 40)
    seen.loc[40:, "b"] = 2 * rng.normal(size=40)
    fitted = [algorithm.fit(numbers) for algorithm in ON_NUMBERS]
    fitted += [algorithm.fit(pd.DataFrame(levels)) for algorithm in ON_CATEGORIES]
    fitted += [algorithm.fit(seen) for algorithm in ON_CONDITIONS]
    return [f"{type(one).__name__}: {one.graph_}" for one in fitted]


def test_kernels_say_the_same_as_plain_python():
    plain = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.laws.test_plain_kernels"],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert plain.returncode == 0, plain.stderr[-2000:]
    assert plain.stdout.splitlines() == graphs()


if __name__ == "__main__":
    sys.stdout.write("\n".join(graphs()) + "\n")
