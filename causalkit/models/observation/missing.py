"""`Missing`: cells that are not there, at random, because of values, or in blocks of time.

Which cells are missing is drawn; that they are missing has causes, which are known:

* MCAR: none.
* MAR: values of columns that are always seen (`drivers`).
* MNAR: the value itself, or those of columns that have holes, too.
* blocks: none, but a hole goes on: `length` steps in the mean, and so long in the next column, too,
  if they fail `together`.

P(missing) = expit(a + strength · z), z being the mean of the standardised drivers times the root of
their number. The constant a is solved for, so the expected share of holes in these data is `share`.

>>> import numpy as np
>>> data = np.random.default_rng(0).normal(size=(1000, 2))
>>> seen = Missing("MNAR", 0.3, columns=[0]).apply(data, rng=0)
>>> bool(seen.truth[0][seen.missing[0]].mean() > 0.5), seen.causes
(True, {0: (0,)})

References
----------
Rubin (1976), "Inference and missing data", doi:10.1093/biomet/63.3.581. Mohan, Pearl (2021),
"Graphical models for processing missing data", doi:10.1080/01621459.2021.1874961.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from causalkit._core.checks import as_names, check_choice
from causalkit._core.random import as_generator
from causalkit.errors import InputError
from causalkit.models.observation.observed import (
    Observed,
    as_observed,
    numbers,
    setting,
    wanted,
)
from causalkit.typing import BoolArray, Data, FloatArray, Name, Names, RandomState

__all__ = ["Missing", "chances"]


@dataclass(frozen=True, slots=True)
class Missing:
    """Cells that are missing.

    Attributes
    ----------
    kind : {"MCAR", "MAR", "MNAR", "blocks"}
    share : float or dict of column to float
        Of the cells of each column.
    columns : name or names, optional
        Columns with holes. Left out: those of `share` if it is a dict, else all but the drivers.
    drivers : name or names, or dict of column to these, optional
        What makes cells missing. Left out with MAR: half of the columns are always seen, and each
        other column has one of them as its driver, drawn at random. With MNAR: the column itself.
    strength : float
        How much a standard deviation of the drivers does to the log odds; negative: low values are
        missing.
    length : float
        Steps that a block lasts in the mean.
    together : bool
        Whether blocks are the same in all columns.

    Raises
    ------
    InputError
        If a setting is out of range or of no meaning for the kind.
    """

    kind: str = "MCAR"
    share: float | Mapping[Name, float] = 0.1
    columns: Names | None = None
    drivers: Names | Mapping[Name, Names] | None = None
    strength: float = 2.0
    length: float = 10.0
    together: bool = False

    def __post_init__(self) -> None:
        check_choice(self.kind, "kind", ("MCAR", "MAR", "MNAR", "blocks"))
        shares = self.share.values() if isinstance(self.share, Mapping) else [self.share]
        for share in shares:
            if not 0 <= share < 1:
                raise InputError(f"share={share!r}; expected a number from 0, below 1.")
            if self.kind == "blocks" and share > self.length * (1 - share):
                raise InputError(
                    f"share={share!r} with blocks of length={self.length!r}; expected so long "
                    "blocks that a step lies between them. Raise length, or lower the share."
                )
        if not self.length >= 1:
            raise InputError(f"length={self.length!r}; expected steps, at least 1.")
        if not np.isfinite(self.strength):
            raise InputError(f"strength={self.strength!r}; expected a finite number.")
        if self.drivers is not None and self.kind in ("MCAR", "blocks"):
            raise InputError(
                f"kind={self.kind!r} with drivers={self.drivers!r}; nothing makes these cells "
                'missing. Leave drivers out, or ask for "MAR" or "MNAR".'
            )
        if self.together and (self.kind != "blocks" or isinstance(self.share, Mapping)):
            raise InputError("together=True is for blocks with one share; expected both.")

    def apply(self, data: Data | Observed, rng: RandomState = None) -> Observed:
        """Make cells missing.

        Parameters
        ----------
        data : DataFrame, dict of columns, 2-D ndarray or Observed
        rng : int, Generator or None

        Returns
        -------
        Observed

        Raises
        ------
        InputError
            If a driver has holes and cells should be missing at random, or no column is left.
        """
        seen, generator = as_observed(data), as_generator(rng)
        causes = self._causes(seen, generator)
        holes: dict[Name, BoolArray] = {}
        n = len(seen.data)
        for name in causes:
            share = setting(self.share, name)
            if share is None:
                raise InputError(f"share says nothing of {name!r}; expected a share of its cells.")
            if self.kind == "blocks":
                first = next(iter(holes.values()), None) if self.together else None
                holes[name] = _blocks(n, share, self.length, generator) if first is None else first
            else:
                chance = chances(_score(seen, causes[name], n) * self.strength, share)
                holes[name] = generator.random(n) < chance
        return seen.with_holes(holes, causes)

    def _causes(self, seen: Observed, rng: np.random.Generator) -> dict[Name, tuple[Name, ...]]:
        """By column with holes: what makes its cells missing."""
        named = self.columns
        if named is None and isinstance(self.share, Mapping):
            named = tuple(self.share)
        if named is None and isinstance(self.drivers, Mapping):
            named = tuple(self.drivers)
        holed = wanted(seen, named, numeric=False)
        if self.kind in ("MCAR", "blocks"):
            return dict.fromkeys(holed, ())
        if self.kind == "MNAR" and self.drivers is None:
            return {name: (name,) for name in wanted(seen, holed, numeric=True)}
        found = self._with_drivers(seen, holed, named is not None, rng)
        for name, drivers in found.items():
            for driver in drivers:
                hollow = driver in found or seen.missing[driver].any()
                if self.kind == "MAR" and hollow:
                    raise InputError(
                        f"{driver!r} makes cells of {name!r} missing and has holes itself; cells "
                        'missing at random have drivers that are always seen. Ask for "MNAR", or '
                        "name other drivers."
                    )
        if not found:
            raise InputError("no column is left to have holes; expected one that is no driver.")
        return found

    def _with_drivers(
        self, seen: Observed, holed: tuple[Name, ...], is_named: bool, rng: np.random.Generator
    ) -> dict[Name, tuple[Name, ...]]:
        if isinstance(self.drivers, Mapping):
            each = {}
            for name in holed:
                if name not in self.drivers:
                    raise InputError(f"drivers says nothing of {name!r}; expected its drivers.")
                each[name] = wanted(seen, self.drivers[name], numeric=True)
            return each
        if self.drivers is not None:
            drivers = wanted(seen, as_names(self.drivers), numeric=True)
            keep_all = is_named or self.kind == "MNAR"
            return {name: drivers for name in holed if keep_all or name not in drivers}
        whole = [
            name
            for name in wanted(seen, None, numeric=True)
            if not seen.missing[name].any() and not (is_named and name in holed)
        ]
        if not whole or (not is_named and len(seen.data.columns) < 2):
            raise InputError(
                "no column without holes is left to make cells of others missing; expected one. "
                'Name fewer columns, or ask for "MCAR".'
            )
        if not is_named:
            places = np.sort(rng.permutation(len(whole))[: max(1, len(whole) // 2)])
            whole = [whole[k] for k in places]
            holed = tuple(name for name in holed if name not in whole)
        return {name: (whole[int(rng.integers(len(whole)))],) for name in holed}


def chances(score: FloatArray, share: float) -> FloatArray:
    """expit(a + score) with the a at which they are `share` in the mean."""
    if share in (0.0, 1.0):
        return np.full(len(score), share)
    low, high = -np.abs(score).max() - 40.0, np.abs(score).max() + 40.0
    for _ in range(80):
        middle = (low + high) / 2
        too_many = (0.5 * (1 + np.tanh((middle + score) / 2))).mean() > share
        low, high = (low, middle) if too_many else (middle, high)
    chance: FloatArray = 0.5 * (1 + np.tanh((low + score) / 2))
    return chance


def _score(seen: Observed, drivers: tuple[Name, ...], n: int) -> FloatArray:
    total = np.zeros(n)
    for driver in drivers:
        values = numbers(seen, driver)
        spread = np.nanstd(values)
        if not spread > 0:
            raise InputError(f"{driver!r} is constant, so it makes nothing missing; name another.")
        total += np.nan_to_num((values - np.nanmean(values)) / spread)
    total /= np.sqrt(max(len(drivers), 1))
    return total


def _blocks(n: int, share: float, length: float, rng: np.random.Generator) -> BoolArray:
    """Draw a chain of gaps and what is between them, both of geometric length, from any time on."""
    if share == 0:
        return np.zeros(n, dtype=np.bool_)
    between = length * (1 - share) / share
    rounds = int(n / (length + between)) + 2
    is_gap = bool(rng.random() < share)
    parts, total = [], 0
    while total < n:
        runs = np.empty((rounds, 2), dtype=np.int64)
        runs[:, 0] = rng.geometric(1 / length if is_gap else 1 / between, rounds)
        runs[:, 1] = rng.geometric(1 / between if is_gap else 1 / length, rounds)
        parts.append(np.repeat(np.tile([is_gap, not is_gap], rounds), runs.ravel()))
        total += int(runs.sum())
    return np.concatenate(parts)[:n]
