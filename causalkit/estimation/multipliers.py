"""Multiplier bootstrap: the joint distribution of estimates without estimating again.

The influence φ of each row (or cluster) on the estimates is multiplied with a random weight ξ of
mean 0 and variance 1, and Σ ξᵢφᵢ/n scatters as θ̂ − θ does. With normal weights these sums are,
given the data, exactly normal with the covariance that
:func:`~causalkit.estimation.simultaneous.joint_covariance` computes, so they are drawn as such, at
no cost. Other weights keep more of the skewness of φ: "rademacher" (±1), "mammen" (two points,
third moment 1), "exponential" (the Bayesian bootstrap, less its mean).

References
----------
Chernozhukov, Chetverikov & Kato (2013), "Gaussian approximations and multiplier bootstrap for
maxima of sums of high-dimensional random vectors", Annals of Statistics 41, 2786-2819.
doi:10.1214/13-AOS1161
Mammen (1993), "Bootstrap and wild bootstrap for high dimensional linear models", Annals of
Statistics 21, 255-285. doi:10.1214/aos/1176349025
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from causalkit._core.checks import check_choice, check_count, check_fraction
from causalkit._core.random import as_generator
from causalkit._core.report import Report, Reported
from causalkit.errors import InputError
from causalkit.estimation.effect import Effect
from causalkit.estimation.inference import Asymptotic, cluster_sums
from causalkit.estimation.series.serial import HAC
from causalkit.estimation.simultaneous import (
    correlation_of,
    joint_covariance,
    normal_draws,
    shared_rows,
    step_down,
)
from causalkit.typing import FloatArray, IntArray, RandomState

if TYPE_CHECKING:
    from causalkit.estimation.effect_set import EffectSet

__all__ = ["MultiplierDraws", "multiplier_bootstrap"]

_Multipliers: TypeAlias = NDArray[np.float32]
_Law: TypeAlias = Callable[[tuple[int, int], np.random.Generator], _Multipliers]

_BLOCK = 250_000
"""Multipliers that are held at a time, so that they stay in the cache."""


def _rademacher(shape: tuple[int, int], rng: np.random.Generator) -> _Multipliers:
    return _two_points(shape, 0.5, -1.0, 1.0, rng)


def _mammen(shape: tuple[int, int], rng: np.random.Generator) -> _Multipliers:
    root = np.sqrt(5.0)
    return _two_points(shape, (root + 1) / (2 * root), (1 - root) / 2, (1 + root) / 2, rng)


def _exponential(shape: tuple[int, int], rng: np.random.Generator) -> _Multipliers:
    weights = rng.standard_exponential(shape, dtype=np.float32)
    weights -= 1
    return weights


def _two_points(
    shape: tuple[int, int], p_low: float, low: float, high: float, rng: np.random.Generator
) -> _Multipliers:
    # Sixteen random bits decide, so the probability is exact to 1.5e-5.
    size = shape[0] * shape[1]
    words = rng.integers(2**64, size=-(-size // 4), dtype=np.uint64)
    bits = words.view(np.uint16)[:size].reshape(shape)
    weights: _Multipliers = (bits >= round(p_low * 65536)).astype(np.float32)
    weights *= np.float32(high - low)
    weights += np.float32(low)
    return weights


_WEIGHTS: dict[str, _Law | None] = {
    "normal": None,  # drawn from their covariance
    "rademacher": _rademacher,
    "mammen": _mammen,
    "exponential": _exponential,
}


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class MultiplierDraws(Reported):
    """Multiplier bootstrap of one effect or several.

    Attributes
    ----------
    labels : tuple of str
    values, std_errors : ndarray of shape (k,)
    draws : ndarray of shape (n_draws, k)
        Of (θ̂* − θ̂) / s.e.
    weights : str
        Law of the multipliers.
    """

    labels: tuple[str, ...]
    values: FloatArray
    std_errors: FloatArray
    draws: FloatArray
    weights: str

    def critical_value(self, level: float = 0.95) -> float:
        """Quantile of the largest absolute t-value: standard errors to either side of the band."""
        check_fraction(level, "level")
        return float(np.quantile(np.abs(self.draws).max(axis=1), level))

    def band(self, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
        """Lower and upper ends that cover all effects at once."""
        half = self.critical_value(level) * self.std_errors
        return self.values - half, self.values + half

    def adjusted_p_values(self, null: float = 0.0) -> FloatArray:
        """Romano and Wolf's p-values; of one effect its bootstrap p-value."""
        return step_down((self.values - null) / self.std_errors, self.draws)

    def _report(self) -> Report:
        rows = zip(
            self.labels,
            self.values.tolist(),
            self.std_errors.tolist(),
            *(ends.tolist() for ends in self.band()),
            self.adjusted_p_values().tolist(),
            strict=True,
        )
        return Report(
            title=f"Multiplier bootstrap, {len(self.draws)} draws, {self.weights} weights",
            columns=("effect of", "effect", "std. error", "band from", "to", "adjusted p"),
            rows=list(rows),
            notes=["The band (95 %) covers all effects at once; p-values are adjusted likewise."],
        )


def multiplier_bootstrap(
    effects: Effect | EffectSet | Sequence[Effect],
    *,
    n_draws: int = 500,
    weights: str = "normal",
    random_state: RandomState = 0,
) -> MultiplierDraws:
    """Draw the joint distribution of estimates by multiplying influences with random weights.

    Parameters
    ----------
    effects : Effect, EffectSet or sequence of Effect
        Of the same rows; clusters are multiplied as a whole.
    n_draws : int
    weights : {"normal", "rademacher", "mammen", "exponential"}
        Law of the multipliers.
    random_state : int, Generator or None, default 0

    Returns
    -------
    MultiplierDraws

    Raises
    ------
    InputError
        If an effect has no influence or a standard error of zero, or the weights do not suit the
        dependence: with HAC or two kinds of clusters only "normal" does.

    Notes
    -----
    **Assumes:** rows (or clusters) are independent, and the estimates are asymptotically linear.

    Examples
    --------
    >>> from causalkit.estimation import OLS
    >>> rng = np.random.default_rng(0)
    >>> t, noise = rng.normal(size=(2, 200))
    >>> effect = OLS().fit(None, t + noise, t=t).effect_
    >>> draws = multiplier_bootstrap(effect, random_state=0)
    >>> bool(1.8 < draws.critical_value() < 2.2)
    True
    """
    check_count(n_draws, "n_draws", minimum=2)
    law = _WEIGHTS[check_choice(weights, "weights", tuple(_WEIGHTS))]
    labels = getattr(effects, "labels", None)
    listed = [effects] if isinstance(effects, Effect) else list(effects)
    errors = np.array([effect.std_error for effect in listed])
    rng = as_generator(random_state)
    influences, inference = shared_rows(listed)
    if not (errors > 0).all():
        raise InputError(
            "an effect has standard error zero, so there is nothing to draw; expected effects that "
            "vary from sample to sample. Leave it out."
        )
    if law is None:
        draws = normal_draws(correlation_of(joint_covariance(listed)[0]), n_draws, rng)
    else:
        groups = _independent_units(listed[0], inference, weights)
        sums = cluster_sums(influences / errors, groups) / len(influences)
        draws = _multiplied(sums, n_draws, law, rng)
    return MultiplierDraws(
        labels=tuple(labels or (effect.method for effect in listed)),
        values=np.array([effect.value for effect in listed]),
        std_errors=errors,
        draws=draws,
        weights=weights,
    )


def _multiplied(
    sums: FloatArray,
    n_draws: int,
    law: _Law,
    rng: np.random.Generator,
) -> FloatArray:
    """Σ ξ_g S_g for each draw, a block of rows at a time."""
    rows = max(1, _BLOCK // n_draws)
    draws = np.zeros((n_draws, sums.shape[1]))
    for start in range(0, len(sums), rows):
        block = sums[start : start + rows].astype(np.float32)
        draws += law((n_draws, len(block)), rng) @ block
    return draws


def _independent_units(effect: Effect, inference: Asymptotic, weights: str) -> IntArray | None:
    """What may be multiplied on its own: clusters, or rows (None)."""
    problem = effect.problem
    if problem is None:
        return None
    if problem.second_groups is not None or (isinstance(inference, HAC) and problem.groups is None):
        raise InputError(
            f"weights={weights!r} multiply independent rows or clusters, and these effects allow "
            "for dependence over time or two kinds of clusters. Use weights='normal', which are "
            "drawn from the covariance."
        )
    return problem.groups
