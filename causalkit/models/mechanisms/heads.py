"""Binary, nominal and ordinal variables: an index of the causes, noise, and what it decides.

* `Logistic`: 1 if index + noise > 0, with logistic noise: P(1) = 1 / (1 + exp(-index)).
* `Ordinal`: how many cut points lie below index + noise, the proportional-odds model.
* `Softmax`: the level with the largest score + noise, with Gumbel noise for each level: P(k) is
  proportional to exp(score k).

Each draws the noise given what was observed exactly: logistic noise between the two bounds that
the level sets, or Gumbel noise under which that level wins
(:mod:`causalkit.models.mechanisms.tables`).

Where noise is one number (`Logistic`, `Ordinal`, and the counts of
:mod:`causalkit.models.mechanisms.counts`) a counterfactual is monotone: raise the index, and no
level falls. With Gumbel noise it is stable instead. Levels are codes 0, 1, 2, ... as floats.

References
----------
McCullagh (1980), J. Royal Statistical Society B 42, 109-142.
doi:10.1111/j.2517-6161.1980.tb01109.x
McFadden (1974), Conditional logit analysis of qualitative choice behavior, in: Zarembka (ed.),
Frontiers in Econometrics, 105-142.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from scipy.special import expit, log_expit, log_softmax

from causalkit.errors import InputError
from causalkit.models.mechanisms.base import Function
from causalkit.models.mechanisms.tables import largest, posterior_gumbel
from causalkit.typing import FloatArray, IntArray

__all__ = ["Logistic", "Ordinal", "Softmax", "truncated_logistic"]

_LEAST: Final = 1e-300
_MOST: Final = 1 - 2.0**-53


@dataclass(frozen=True, slots=True, eq=False)
class Logistic:
    """1 if index(causes) + logistic noise is above 0, else 0.

    Attributes
    ----------
    index : Function
        Log odds of a 1.

    Examples
    --------
    >>> from causalkit.models.mechanisms.additive import Linear
    >>> rng = np.random.default_rng(0)
    >>> cured = Logistic(Linear(np.array([2.0]), intercept=-1.0))
    >>> causes = np.ones((10_000, 1))
    >>> round(float(cured.value(causes, cured.draw(10_000, rng)).mean()), 2)  # 1 / (1 + e^-1)
    0.73
    """

    index: Function
    bijective: ClassVar[bool] = False
    n_levels: ClassVar[int] = 2

    def draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw logistic noise, shape (n,)."""
        return rng.logistic(size=n)

    def value(self, causes: FloatArray, noise: FloatArray) -> FloatArray:
        """0 or 1, shape (n,)."""
        return (noise > -self.index(causes)).astype(np.float64)

    def noise(self, causes: FloatArray, value: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Draw noise that gives these values."""
        one = _as_levels(value, 2) == 1
        cut = -self.index(causes)
        return truncated_logistic(np.where(one, cut, -np.inf), np.where(one, np.inf, cut), rng)

    def log_probability(self, causes: FloatArray, value: FloatArray) -> FloatArray:
        """Log probability of values of shape (n,)."""
        index = self.index(causes)
        logs: FloatArray = log_expit(np.where(_as_levels(value, 2) == 1, index, -index))
        return logs


@dataclass(frozen=True, slots=True, eq=False)
class Ordinal:
    """How many cut points lie below index(causes) + logistic noise.

    Attributes
    ----------
    index : Function
    cuts : ndarray of shape (K - 1,)
        Increasing.

    Examples
    --------
    >>> from causalkit.models.mechanisms.additive import Linear
    >>> rng = np.random.default_rng(0)
    >>> stars = Ordinal(Linear(np.array([1.0])), cuts=np.array([-1.0, 0.0, 1.0]))
    >>> causes, noise = np.zeros((4, 1)), np.array([-2.0, -0.5, 0.5, 2.0])
    >>> stars.value(causes, noise)
    array([0., 1., 2., 3.])
    >>> stars.value(causes + 1, noise)
    array([0., 2., 3., 3.])
    """

    index: Function
    cuts: FloatArray
    bijective: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.cuts.ndim != 1 or not len(self.cuts) or not (np.diff(self.cuts) >= 0).all():
            raise InputError(
                f"cuts={self.cuts!r}; expected one or more numbers in increasing order. Sort them."
            )

    @property
    def n_levels(self) -> int:
        """One more than cut points."""
        return len(self.cuts) + 1

    def draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw logistic noise, shape (n,)."""
        return rng.logistic(size=n)

    def value(self, causes: FloatArray, noise: FloatArray) -> FloatArray:
        """Levels, shape (n,)."""
        bounds = self.cuts - self.index(causes)[:, None]
        levels: FloatArray = (noise[:, None] > bounds).sum(axis=1).astype(np.float64)
        return levels

    def noise(self, causes: FloatArray, value: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Draw noise that gives these levels."""
        return truncated_logistic(*self._bounds(causes, value), rng)

    def log_probability(self, causes: FloatArray, value: FloatArray) -> FloatArray:
        """Log probability of levels of shape (n,)."""
        return log_between(*self._bounds(causes, value))

    def _bounds(self, causes: FloatArray, value: FloatArray) -> tuple[FloatArray, FloatArray]:
        level, index = _as_levels(value, self.n_levels), self.index(causes)
        cuts = np.concatenate([[-np.inf], self.cuts, [np.inf]])
        return cuts[level] - index, cuts[level + 1] - index


@dataclass(frozen=True, slots=True, eq=False)
class Softmax:
    """The level with the largest score(causes) + Gumbel noise.

    Attributes
    ----------
    scores : tuple of Function, length K
        Log probabilities up to a constant.

    Notes
    -----
    **Assumes:** for counterfactuals, that the noise is Gumbel; probabilities and interventions are
    the same whatever the noise.

    Examples
    --------
    >>> from causalkit.models.mechanisms.additive import Linear
    >>> rng = np.random.default_rng(0)
    >>> choice = Softmax((Linear(np.zeros(1)), Linear(np.ones(1)), Linear(np.zeros(1))))
    >>> causes = np.full((100_000, 1), np.log(2))  # the second level twice as likely
    >>> drawn = choice.value(causes, choice.draw(100_000, rng))
    >>> [round(float((drawn == level).mean()), 2) for level in range(3)]
    [0.25, 0.5, 0.25]
    """

    scores: tuple[Function, ...]
    bijective: ClassVar[bool] = False

    @property
    def n_levels(self) -> int:
        """As many as scores."""
        return len(self.scores)

    def draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw Gumbel noise, shape (n, K)."""
        return rng.gumbel(size=(n, len(self.scores)))

    def value(self, causes: FloatArray, noise: FloatArray) -> FloatArray:
        """Levels, shape (n,)."""
        return largest(self._at(causes), noise)

    def noise(self, causes: FloatArray, value: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Draw noise, shape (n, K), that gives these levels."""
        return posterior_gumbel(self._at(causes), value, rng)

    def log_probability(self, causes: FloatArray, value: FloatArray) -> FloatArray:
        """Log probability of levels of shape (n,)."""
        logs = log_softmax(self._at(causes), axis=1)
        found: FloatArray = logs[np.arange(len(value)), _as_levels(value, self.n_levels)]
        return found

    def _at(self, causes: FloatArray) -> FloatArray:
        return np.column_stack([score(causes) for score in self.scores])


def truncated_logistic(low: FloatArray, high: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Draw logistic noise above `low` and not above `high`.

    Parameters
    ----------
    low, high : ndarray of shape (n,)
        May be infinite.
    rng : Generator

    Returns
    -------
    ndarray of shape (n,)
    """
    # Far to the right a share is next to 1 and has lost its digits: there, the mirror image.
    mirrored = low > 0
    first, last = np.where(mirrored, -high, low), np.where(mirrored, -low, high)
    begin, end = expit(first), expit(last)
    share = np.clip(begin + (end - begin) * rng.random(len(low)), _LEAST, _MOST)
    drawn = np.log(share) - np.log1p(-share)
    drawn = np.where(mirrored, -drawn, drawn)
    inside: FloatArray = np.clip(drawn, np.nextafter(low, np.inf), high)
    return inside


def log_between(low: FloatArray, high: FloatArray) -> FloatArray:
    """Log probability that logistic noise lies between, shape (n,)."""
    mirrored = low > 0
    first, last = np.where(mirrored, -high, low), np.where(mirrored, -low, high)
    whole, rest = log_expit(last), log_expit(first)
    with np.errstate(divide="ignore"):
        found: FloatArray = whole + np.log(-np.expm1(np.minimum(rest - whole, 0.0)))
    return found


def _as_levels(value: FloatArray, n_levels: int) -> IntArray:
    with np.errstate(invalid="ignore"):
        levels = value.astype(np.intp)
    if ((levels != value) | (levels < 0) | (levels >= n_levels)).any():
        raise InputError(
            f"values from {value.min():g} to {value.max():g}; expected level codes 0 to "
            f"{n_levels - 1}. Recode the levels."
        )
    return levels
