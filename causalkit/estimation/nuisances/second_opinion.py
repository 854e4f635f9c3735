"""A second opinion on a target that hides in pairs of columns: what smooth surfaces know of it.

Where a target (less its lines) differs between the cells of two columns by more than chance, a
learner may have seen only a part of that, and left over too little in too many places for residuals
to show it. Then curves and surfaces are fitted to the target itself, in the same folds, and
it is seen whether meeting them halfway lowers the loss in the fold that was left out. Cutting into
cells costs a few milliseconds, and mostly that is all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from causalkit.estimation.nuisances.binning import bin_columns
from causalkit.estimation.nuisances.curves import terms_of
from causalkit.estimation.nuisances.pair_surfaces import striking_pairs
from causalkit.estimation.nuisances.starts import fit_starts
from causalkit.typing import FloatArray, IntArray

__all__ = ["Opinion", "second_opinion"]

_FEWEST_ROWS = 200


@dataclass(frozen=True, slots=True, eq=False)
class Opinion:
    """What surfaces know beyond a prediction.

    Attributes
    ----------
    share : float
        Of what the prediction left over.
    p_value : float
        That halfway to the surfaces the loss is not lower.
    beyond : callable
        From a fold, rows of shape (m, d) and their predictions to what is to be added.
    """

    share: float
    p_value: float
    beyond: Callable[[int, FloatArray, FloatArray], FloatArray]


def second_opinion(
    X: FloatArray, target: FloatArray, predicted: FloatArray, w: FloatArray, folds: IntArray
) -> Opinion | None:
    """Hold surfaces against a prediction; None if no pair of columns is worth one.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    target, predicted, w : ndarray of shape (n,)
        `predicted` out of fold.
    folds : ndarray of int, shape (n,)
    """
    from causalkit.estimation.nuisances._tree_kernels import N_COARSE

    labels = np.unique(folds)
    if len(X) < _FEWEST_ROWS or len(labels) < 2:
        return None
    X = np.ascontiguousarray(X)
    binned, lines = bin_columns(X).binned, np.column_stack([np.ones(len(X)), X])
    bent = target - lines @ np.linalg.lstsq(lines, target, rcond=None)[0]
    if not striking_pairs(w * bent, binned.coarse, N_COARSE):
        return None
    splits = [(folds != fold, folds == fold) for fold in labels]
    terms, starts = fit_starts(X, binned, terms_of(X), target, w, splits, False, None)
    if terms is None or not terms.surfaces:
        return None
    place = {int(fold): k for k, fold in enumerate(labels)}

    def differs(fold: int, rows: FloatArray, known: FloatArray) -> FloatArray:
        level, slopes = starts[place[fold]]
        away: FloatArray = level + terms.at(rows) @ slopes - known
        return away

    away = np.empty(len(X))
    for fold in labels:
        there = folds == fold
        away[there] = differs(int(fold), X[there], predicted[there])
    left = target - predicted
    gain = w * (left**2 - (left - away / 2) ** 2)
    spread = float(np.sqrt(((gain - gain.mean()) ** 2).sum()))
    total, size = float((w * left) @ away), float(w @ away**2)
    if not (spread > 0 and total > 0):
        return None
    strength = min(total / size, 1.0)
    return Opinion(
        total**2 / (size * float(w @ left**2)),
        NormalDist().cdf(-float(gain.sum()) / spread),
        lambda fold, rows, known: strength * differs(fold, rows, known),
    )
