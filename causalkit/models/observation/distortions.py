"""Values that are written down wrongly: noise, outliers, zeros, rounding, and limits.

Each is a frozen value with `apply(data, rng)`. `columns` says which columns it meets, all that hold
numbers if left out. A cell that it wrote another value into is `changed`.

>>> import numpy as np
>>> data = {"dose": np.linspace(0, 10, 5)}
>>> Censoring(upper=6.0).apply(data).data["dose"].tolist()
[0.0, 2.5, 5.0, 6.0, 6.0]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from causalkit._core.checks import check_fraction, check_positive
from causalkit._core.random import as_generator
from causalkit.errors import InputError
from causalkit.models.mechanisms.base import Noise
from causalkit.models.noise import Normal
from causalkit.models.observation.missing import chances
from causalkit.models.observation.observed import (
    Observed,
    as_observed,
    numbers,
    setting,
    wanted,
)
from causalkit.typing import BoolArray, Data, FloatArray, Name, Names, RandomState

__all__ = [
    "Censoring",
    "Dropouts",
    "MeasurementError",
    "Outliers",
    "Rounding",
    "ZeroInflation",
]

Setting = float | Mapping[Name, float]
Change = Callable[[FloatArray, float], FloatArray]


def _changed(
    data: Data | Observed, columns: Names | None, amount: Setting, change: Change
) -> Observed:
    """Change the columns for which there is an amount."""
    seen = as_observed(data)
    if columns is None and isinstance(amount, Mapping):
        columns = tuple(amount)
    values: dict[Name, FloatArray] = {}
    flags: dict[Name, BoolArray] = {}
    for name in wanted(seen, columns, numeric=True):
        size = setting(amount, name)
        if size is None:
            raise InputError(f"no setting is given for {name!r}; expected one for each column.")
        before = numbers(seen, name)
        values[name] = change(before, size)
        flags[name] = (values[name] != before) & ~np.isnan(before)
    return seen.with_values(values, flags)


def _check(amount: Setting, what: str, check: Callable[[float, str], float]) -> None:
    for one in amount.values() if isinstance(amount, Mapping) else [amount]:
        check(one, what)


def _check_share(value: float, what: str) -> float:
    return check_fraction(value, what, closed=True)


@dataclass(frozen=True, slots=True)
class MeasurementError:
    """Noise that is added, independent of everything.

    Attributes
    ----------
    reliability : float or dict of column to float
        Share of the variance of what is seen that is no error, above 0 and 1 at most.
    columns : name or names, optional
    noise : Noise
        Its law; the scale follows from the reliability.
    """

    reliability: Setting = 0.8
    columns: Names | None = None
    noise: Noise = field(default_factory=Normal)

    def __post_init__(self) -> None:
        _check(self.reliability, "reliability", _check_share)
        _check(self.reliability, "reliability", check_positive)
        if not 0 < self.noise.variance < np.inf:
            raise InputError(f"{self.noise!r} has no finite variance; expected noise that has.")

    def apply(self, data: Data | Observed, rng: RandomState = None) -> Observed:
        """Add errors."""
        generator = as_generator(rng)

        def change(values: FloatArray, reliability: float) -> FloatArray:
            size = np.nanstd(values) * np.sqrt((1 - reliability) / reliability)
            drawn = self.noise.draw(len(values), generator) / np.sqrt(self.noise.variance)
            noisy: FloatArray = values + size * drawn
            return noisy

        return _changed(data, self.columns, self.reliability, change)


@dataclass(frozen=True, slots=True)
class Outliers:
    """A few values that are far off, to either side.

    Attributes
    ----------
    share : float or dict of column to float
    size : float
        Least distance that is added, in standard deviations; the largest is twice that.
    columns : name or names, optional
    """

    share: Setting = 0.01
    size: float = 5.0
    columns: Names | None = None

    def __post_init__(self) -> None:
        _check(self.share, "share", _check_share)
        check_positive(self.size, "size")

    def apply(self, data: Data | Observed, rng: RandomState = None) -> Observed:
        """Put outliers in."""
        generator = as_generator(rng)

        def change(values: FloatArray, share: float) -> FloatArray:
            n = len(values)
            hit = generator.random(n) < share
            far = generator.uniform(self.size, 2 * self.size, n) * generator.choice((-1, 1), n)
            moved: FloatArray = np.where(hit, values + far * np.nanstd(values), values)
            return moved

        return _changed(data, self.columns, self.share, change)


@dataclass(frozen=True, slots=True)
class ZeroInflation:
    """Values that are written down as zero, whatever they are.

    Attributes
    ----------
    share : float or dict of column to float
    columns : name or names, optional
    """

    share: Setting = 0.2
    columns: Names | None = None

    def __post_init__(self) -> None:
        _check(self.share, "share", _check_share)

    def apply(self, data: Data | Observed, rng: RandomState = None) -> Observed:
        """Put zeros in."""
        generator = as_generator(rng)

        def change(values: FloatArray, share: float) -> FloatArray:
            return np.where(generator.random(len(values)) < share, 0.0, values)

        return _changed(data, self.columns, self.share, change)


@dataclass(frozen=True, slots=True)
class Dropouts:
    """Values that are written down as zero where they are low: counts of genes in single cells.

    P(zero) = expit(a - strength · z), z being the standardised value, and a such that the expected
    share of zeros in these data is `share`.

    Attributes
    ----------
    share : float or dict of column to float
    strength : float
    columns : name or names, optional
    """

    share: Setting = 0.2
    strength: float = 2.0
    columns: Names | None = None

    def __post_init__(self) -> None:
        _check(self.share, "share", _check_share)
        check_positive(self.strength, "strength")

    def apply(self, data: Data | Observed, rng: RandomState = None) -> Observed:
        """Put zeros in."""
        generator = as_generator(rng)

        def change(values: FloatArray, share: float) -> FloatArray:
            spread = np.nanstd(values)
            z = np.nan_to_num((values - np.nanmean(values)) / (spread if spread > 0 else 1.0))
            hit = generator.random(len(values)) < chances(-self.strength * z, share)
            return np.where(hit, 0.0, values)

        return _changed(data, self.columns, self.share, change)


@dataclass(frozen=True, slots=True)
class Rounding:
    """Values that are written down in steps, the nearest one.

    Attributes
    ----------
    step : float or dict of column to float
    columns : name or names, optional
    """

    step: Setting = 1.0
    columns: Names | None = None

    def __post_init__(self) -> None:
        _check(self.step, "step", check_positive)

    def apply(
        self,
        data: Data | Observed,
        rng: RandomState = None,  # noqa: ARG002
    ) -> Observed:
        """Round."""

        def change(values: FloatArray, step: float) -> FloatArray:
            rounded: FloatArray = np.round(values / step) * step
            return rounded

        return _changed(data, self.columns, self.step, change)


@dataclass(frozen=True, slots=True)
class Censoring:
    """Values beyond a limit are written down as the limit.

    Attributes
    ----------
    lower, upper : float or None
        Limits.
    lower_share, upper_share : float
        Instead: the shares of the values that lie beyond a limit.
    columns : name or names, optional
    """

    lower: float | None = None
    upper: float | None = None
    lower_share: float = 0.0
    upper_share: float = 0.0
    columns: Names | None = None

    def __post_init__(self) -> None:
        for limit, share in ((self.lower, self.lower_share), (self.upper, self.upper_share)):
            if not 0 <= share < 1 or (share and limit is not None):
                raise InputError(
                    f"limit={limit!r} and share={share!r}; expected one of them, a share from 0 "
                    "and below 1."
                )
        if self.lower_share + self.upper_share >= 1:
            raise InputError("lower_share and upper_share leave nothing; expected less than 1.")
        if self.lower is not None and self.upper is not None and self.lower > self.upper:
            raise InputError(f"lower={self.lower!r} lies above upper={self.upper!r}; swap them.")

    def apply(
        self,
        data: Data | Observed,
        rng: RandomState = None,  # noqa: ARG002
    ) -> Observed:
        """Cut at the limits."""

        def change(values: FloatArray, _: float) -> FloatArray:
            low = -np.inf if self.lower is None else self.lower
            high = np.inf if self.upper is None else self.upper
            if self.lower_share:
                low = np.nanquantile(values, self.lower_share)
            if self.upper_share:
                high = np.nanquantile(values, 1 - self.upper_share)
            return np.clip(values, low, high)

        return _changed(data, self.columns, 0.0, change)
