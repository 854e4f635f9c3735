"""Did the generator repeat what it was trained on.

The nearest training window of each synthetic window is found, at every step and not only at some,
so that no copied stretch goes unseen. How near is too near is said by other real data: windows that
were held out have a nearest training window too. Of a generator that copies, many synthetic windows
are the same as a training window or nearer to one than nearly all held-out ones.

Where no training data are given, the real data are halved by blocks, and each half plays the
training data once while the other one is held out. Equal windows are all found that way; of those
that are merely near, about half are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from causalkit.models.fidelity.mean_discrepancy import squared_distances
from causalkit.models.fidelity.paired_samples import Windows, spaced
from causalkit.typing import FloatArray, IntArray

__all__ = ["NEAR", "Copies", "look_for_copies"]

NEAR: Final = 0.05
"""Share of held-out windows that are by definition too near to a training window."""

_MOST_WINDOWS: Final = 500
_CHUNK: Final = 2048
_SAME: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Copies:
    """How near synthetic windows are to training windows, beside held-out real ones.

    Attributes
    ----------
    identical : float
        Share of synthetic windows that equal a training window.
    identical_real : float
        The same of held-out real windows: data that are rounded repeat themselves.
    near : float
        Share of synthetic windows that are nearer to a training window than 95% of the held-out
        ones; .05 is what new real data would have.
    closer : float
        Chance that of one synthetic and one held-out window the synthetic one is nearer to the
        training data; .5 is ideal, far below it the synthetic data lie elsewhere.
    """

    identical: float
    identical_real: float
    near: float
    closer: float


def look_for_copies(
    synthetic: Windows, training: Windows, held_out: Windows | None = None
) -> Copies:
    """Compare distances to the nearest training window.

    Parameters
    ----------
    synthetic : Windows
        At most 500 are looked at, evenly spread.
    training : Windows
        All that there are.
    held_out : Windows, optional
        Real windows that the generator never saw. Left out, the training windows are halved.
    """
    asked = spaced(synthetic, _MOST_WINDOWS).flat()
    if held_out is not None:
        away = _nearest(asked, training.flat())
        return _judged(away, _nearest(spaced(held_out, _MOST_WINDOWS).flat(), training.flat()))
    halves = _halves(training)
    found = [_nearest(asked, half.flat()) for half in halves]
    real = [
        _nearest(spaced(halves[1 - k], _MOST_WINDOWS // 2).flat(), halves[k].flat()) for k in (0, 1)
    ]
    parts = [_judged(away, kept) for away, kept in zip(found, real, strict=True)]
    return Copies(
        float((np.minimum(*found) <= _SAME).mean()),
        float((np.concatenate(real) <= _SAME).mean()),
        float(np.mean([part.near for part in parts])),
        float(np.mean([part.closer for part in parts])),
    )


def _halves(windows: Windows) -> tuple[Windows, Windows]:
    odd = windows.block % 2 == 1
    return windows.take(np.flatnonzero(~odd)), windows.take(np.flatnonzero(odd))


def _judged(synthetic: FloatArray, real: FloatArray) -> Copies:
    ordered = np.sort(real)
    near = float(ordered[int(NEAR * len(ordered))])
    above = len(ordered) - 0.5 * (
        np.searchsorted(ordered, synthetic, "left") + np.searchsorted(ordered, synthetic, "right")
    )
    # ties at the border, as of rounded data, count by as much as real ones have beyond 5%
    beyond = float((ordered < near).mean())
    tied = float((ordered == near).mean())
    share = float((synthetic < near).mean()) + float((synthetic == near).mean()) * min(
        1.0, max(0.0, (NEAR - beyond) / tied)
    )
    return Copies(
        float((synthetic <= _SAME).mean()),
        float((real <= _SAME).mean()),
        share,
        float(above.mean()) / len(ordered),
    )


def _nearest(rows: FloatArray, training: FloatArray) -> FloatArray:
    """Distance of each row to the nearest training row, exact to rounding."""
    best = np.full(len(rows), np.inf)
    where: IntArray = np.zeros(len(rows), dtype=np.intp)
    for start in range(0, len(training), _CHUNK):
        distance = squared_distances(rows, training[start : start + _CHUNK])
        at = distance.argmin(axis=1)
        found = distance[np.arange(len(rows)), at]
        nearer = found < best
        best[nearer], where[nearer] = found[nearer], at[nearer] + start
    # the expanded square loses digits where it is small, so the winner is measured again
    return np.asarray(np.sqrt(((rows - training[where]) ** 2).sum(axis=1)))
