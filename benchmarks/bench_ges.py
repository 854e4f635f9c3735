"""GES step by step or phase by phase, and what tabu lists and restarts add to hill climbing.

    python -m benchmarks ges
    python benchmarks/bench_ges.py [--sizes 10 20 50 100] [--degrees 2 4 8] [--seeds 10]
                                    [--penalty 2]

Tables, judgement and columns are those of `bench_discovery_score.py`; peers are there too. The
first row is the default of GES, to which ratios and leads refer.
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np

from benchmarks.bench_discovery_constraint import linear_data
from benchmarks.bench_discovery_score import measure, own, report
from causalkit.discovery import GES, HillClimb

ROUND = {"phases": ("forward", "backward", "turning"), "repeat": "round"}
ONCE = {"phases": ("forward", "backward"), "repeat": "never"}
NO_TURNS = {"phases": ("backward", "forward"), "repeat": "step"}

WAYS = {
    "GES": own(lambda score: GES(score)),
    "GES, no turns": own(lambda score: GES(score, **NO_TURNS)),
    "GES, rounds": own(lambda score: GES(score, **ROUND)),
    "GES, forward, backward": own(lambda score: GES(score, **ONCE)),
    "HillClimb": own(lambda score: HillClimb(score)),
    "HillClimb, 10 tabu": own(lambda score: HillClimb(score, n_tabu=10)),
    "HillClimb, 100 tabu": own(lambda score: HillClimb(score, n_tabu=100)),
    "HillClimb, 20 restarts": own(lambda score: HillClimb(score, n_restarts=20)),
    "HillClimb, 200 restarts": own(lambda score: HillClimb(score, n_restarts=200)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 20, 50, 100])
    parser.add_argument("--degrees", type=int, nargs="+", default=[2, 4, 8])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--penalty", type=float, default=2.0)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    ready = {name: prepare(options.penalty) for name, prepare in WAYS.items()}
    small, _ = linear_data(6, 2, 0)
    for call in ready.values():
        call(small)
    for degree in options.degrees:
        for size in options.sizes:
            what = size, degree, options.seeds, options.penalty, np.inf, set()
            report(measure(ready, *what), size, degree)


if __name__ == "__main__":
    main()
