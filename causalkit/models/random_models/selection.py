"""Selection: units that are seen with a probability that depends on their own values.

Where two variables decide together who is in the data, they are dependent among those who are,
though neither causes the other and nothing causes both (Berkson's bias). The rule here is logistic,

    P(seen | x) = 1 / (1 + exp(-(intercept + slopes · x))),

with the intercept such that the wanted share of all units is seen. The graph that remains true of
the rows seen is a MAG: see :attr:`RandomModel.mag`.

>>> rule = Selection(("a", "b"), np.array([2.0, 2.0]), intercept=0.0)
>>> rule.probability(np.array([[0.0, 0.0], [9.0, 9.0]])).round(2)
array([0.5, 1. ])

References
----------
Hernán, Hernández-Díaz and Robins (2004), "A structural approach to selection bias",
doi:10.1097/01.ede.0000135174.63482.43.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from causalkit.errors import NumericalError
from causalkit.typing import FloatArray, Name

if TYPE_CHECKING:
    import pandas as pd

    from causalkit.models.structural.structural_model import StructuralCausalModel

__all__ = ["Selection", "draw_selection", "seen_rows"]

_BLOCKS: Final = 100  # of units, until enough of them are seen


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """Which units are seen.

    Attributes
    ----------
    causes : tuple of names
        What it depends on.
    slopes : ndarray of shape (k,)
    intercept : float
    """

    causes: tuple[Name, ...]
    slopes: FloatArray
    intercept: float

    def probability(self, values: FloatArray) -> FloatArray:
        """Probability that units with these values of `causes`, shape (n, k), are seen."""
        seen: FloatArray = _logistic(values @ self.slopes + self.intercept)
        return seen


def draw_selection(
    causes: tuple[Name, ...], pilot: FloatArray, share: float, rng: np.random.Generator
) -> Selection:
    """Draw a rule by which a share of all units is seen.

    Parameters
    ----------
    causes : tuple of names
    pilot : ndarray of shape (n, k)
        Sample of their values.
    share : float
        Of the units that are seen.
    rng : Generator

    Returns
    -------
    Selection
        With slopes of ±2 standard deviations of each cause.
    """
    signs = rng.choice((-1.0, 1.0), size=len(causes))
    slopes = 2.0 * signs / pilot.std(axis=0)
    scores = pilot @ slopes
    low, high = -float(scores.max()) - 50.0, -float(scores.min()) + 50.0
    for _ in range(80):  # the mean probability rises with the intercept
        middle = (low + high) / 2
        if float(_logistic(scores + middle).mean()) < share:
            low = middle
        else:
            high = middle
    return Selection(causes, slopes, (low + high) / 2)


def seen_rows(
    model: StructuralCausalModel,
    selection: Selection,
    share: float,
    n: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Draw units until n of them are seen.

    Parameters
    ----------
    model : StructuralCausalModel
    selection : Selection
    share : float
        Of the units that are seen before anything is done to them.
    n : int
    rng : Generator

    Returns
    -------
    DataFrame of n rows

    Raises
    ------
    NumericalError
        If hardly any unit is seen.
    """
    import pandas as pd

    parts: list[pd.DataFrame] = []
    got = 0
    for _ in range(_BLOCKS):
        block = model.sample(int(1.1 * (n - got) / share) + 20, rng)
        values = block[list(selection.causes)].to_numpy(dtype=np.float64)
        seen = block[rng.random(len(block)) < selection.probability(values)]
        parts.append(seen)
        got += len(seen)
        if got >= n:
            return pd.concat(parts, ignore_index=True).iloc[:n]
    raise NumericalError(
        f"{got} of {n} rows were seen, since so few units are after what was done to "
        f"{', '.join(map(repr, selection.causes))}; expected more. Act on other variables, or less."
    )


def _logistic(x: FloatArray) -> FloatArray:
    value: FloatArray = 0.5 * (1.0 + np.tanh(0.5 * x))
    return value
