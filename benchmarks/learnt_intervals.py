"""Intervals of effects in learnt graphs: how often they cover, as a row of a table.

Tables and series ask the same of each data set: does the interval of each method hold the true
effect, how long is it, how many graphs does the answer go over, and how long did it take?
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.tables import row

# Of one data set: by method, whether the interval covers and its length; seconds; graphs.
Answer = tuple[dict[str, tuple[bool, float]], float, int]


def show_intervals(design: str, n_rows: int, answers: Sequence[Answer]) -> None:
    """Print a row: coverage with its Monte Carlo error and median length, graphs, seconds."""
    found = [methods for methods, _, _ in answers]
    shown = []
    for name in found[0]:
        covered = np.array([methods[name][0] for methods in found], dtype=float)
        error = covered.std(ddof=1) / np.sqrt(len(covered))
        length = np.median([methods[name][1] for methods in found])
        shown.append(f"{100 * covered.mean():.1f} ± {100 * error:.1f}, {length:.2f}")
    _, seconds, graphs = zip(*answers, strict=True)
    row(design, n_rows, *shown, f"{np.median(graphs):.0f}", f"{np.median(seconds):.1f}")
