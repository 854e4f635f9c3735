"""What sites agree on before they share sums: columns, units, and frequencies of waves.

The design says how a row turns into features, alike at all sites, and no row is needed to make one:

>>> design = FeatureDesign.from_ranges({"age": (0, 100), "height": (50, 220)})
>>> len(design.features({"age": [30.0, 50.0], "height": [181.0, 169.0]}))
2
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Final

import numpy as np

from causalkit._core.checks import as_names, check_complete, check_count, check_rows
from causalkit._core.column_values import Levels
from causalkit._core.table import Table, as_table
from causalkit.errors import InputError
from causalkit.independence.random_features import cosines, draw_frequencies
from causalkit.typing import Data, FloatArray, IntArray, Name

__all__ = ["FeatureDesign"]

_WIDTHS: Final = (0.5, 1.0, 2.0)
_LARGEST: Final = 1e150
_FARTHEST: Final = 1e6
"""Scales from the centre, beyond which a number is taken to be in other units."""


@dataclass(frozen=True, slots=True, eq=False)
class FeatureDesign:
    """Features that all sites compute alike.

    Attributes
    ----------
    names : tuple of str or int
        Columns.
    centres, scales : ndarrays of shape (n_columns,)
        What is taken from numbers, and by what they are divided.
    levels : tuple
        For each column None, or the levels of a category, each of which has an indicator.
    frequencies : ndarray of shape (n_columns, m)
        Each wave is a cosine and a sine; they travel with the design.
    """

    names: tuple[Name, ...]
    centres: FloatArray
    scales: FloatArray
    levels: tuple[Levels, ...]
    frequencies: FloatArray

    @classmethod
    def from_ranges(
        cls,
        ranges: Mapping[Name, tuple[float, float]],
        levels: Mapping[Name, Sequence[object]] | None = None,
        *,
        n_features: int = 12,
        random_state: int = 0,
    ) -> FeatureDesign:
        """Agree on what is known beforehand: where most numbers lie, and which levels there are.

        Parameters
        ----------
        ranges : mapping of name to (low, high)
            Of numeric columns; the range counts as four standard deviations.
        levels : mapping of name to sequence, optional
            Of categories: strings, numbers or booleans.
        n_features : int, default 12
            Waves of each number.
        random_state : int, default 0
            Seed of the frequencies, which are drawn for each column by its name.

        Raises
        ------
        InputError
            If a range is empty, a category has fewer than two levels, or a column is both.
        """
        known = {} if levels is None else levels
        for what, held in (("ranges", ranges), ("levels", known)):
            if not isinstance(held, Mapping):
                raise InputError(
                    f"{what} is a {type(held).__name__}; expected a dict with one entry for each "
                    "column. Write e.g. FeatureDesign.from_ranges({'age': (0, 100)})."
                )
        for name, span in ranges.items():
            if name in known or not _is_range(span):
                raise InputError(
                    f"column {name!r} has range {span!r}; expected two numbers, the smaller one "
                    "first, of a column that is no category. Give each column one line."
                )
        names = (*ranges, *known)
        centres = [low / 2.0 + high / 2.0 for low, high in ranges.values()] + [0.0] * len(known)
        scales = [high / 4.0 - low / 4.0 for low, high in ranges.values()] + [1.0] * len(known)
        listed = (*(None for _ in ranges), *(_listed(k, v) for k, v in known.items()))
        return cls._drawn(names, centres, scales, listed, n_features, random_state)

    @classmethod
    def from_data(cls, data: Data, *, n_features: int = 12, random_state: int = 0) -> FeatureDesign:
        """Agree on the units of a table that all may see, e.g. a public or simulated one.

        Parameters
        ----------
        data : DataFrame, 2-D ndarray, or dict of columns
        n_features, random_state : int
            As of :meth:`from_ranges`.
        """
        table = check_complete(as_table(data), who="FeatureDesign")
        check_rows(table, 2, who="FeatureDesign")
        with np.errstate(over="ignore", invalid="ignore"):  # refused below
            spread, means = table.values.std(axis=0), table.values.mean(axis=0)
        return cls._drawn(
            table.names,
            [0.0 if held else c for c, held in zip(means, table.levels)],  # noqa: B905
            [1.0 if held or not s > 0 else s for s, held in zip(spread, table.levels)],  # noqa: B905
            table.levels,
            n_features,
            random_state,
        )

    @classmethod
    def _drawn(
        cls,
        names: Sequence[Name],
        centres: Sequence[float],
        scales: Sequence[float],
        levels: tuple[Levels, ...],
        n_features: int,
        random_state: int,
    ) -> FeatureDesign:
        m = check_count(n_features, "n_features")
        check_count(random_state, "random_state", minimum=0)
        for name, held in zip(names, levels, strict=True):
            if held is not None and (
                not all(isinstance(v, (str, int, float)) and v == v for v in held)  # no NaN
                or len(set(held)) < 2
            ):
                raise InputError(
                    f"column {name!r} has levels {held!r}; expected at least two different "
                    "strings, numbers or booleans. Name the levels that may occur anywhere."
                )
        for name, scale in zip(names, scales, strict=True):
            if not 1.0 / _LARGEST < scale < _LARGEST:
                raise InputError(
                    f"the scale of column {name!r} is {scale:.3g}; expected one between "
                    f"{1.0 / _LARGEST:g} and {_LARGEST:g}. Change its unit."
                )
        widths = np.resize(_WIDTHS, m)
        waves = [draw_frequencies(name, m, random_state, "design") / widths for name in names]
        return cls(
            as_names(names),
            np.array(centres, dtype=float),
            np.array(scales, dtype=float),
            levels,
            np.array(waves).reshape(len(names), m),
        )

    @property
    def starts(self) -> IntArray:
        """Features of column k are `starts[k]:starts[k + 1]`."""
        own = 1 + 2 * self.frequencies.shape[1]
        sizes = [own if levels is None else len(levels) for levels in self.levels]
        return np.concatenate([[0], np.cumsum(sizes)]).astype(np.intp)

    def features(self, data: Data) -> FloatArray:
        """Turn rows into features, shape (n_rows, n_features).

        Raises
        ------
        InputError
            If cells are missing, a category has a level that was not agreed on, or a column is of
            another kind or of another order of magnitude than agreed.
        """
        table = check_complete(as_table(data, columns=self.names), who="FeatureDesign")
        return np.hstack([self._column(table, k) for k in range(len(self.names))])

    def _column(self, table: Table, k: int) -> FloatArray:
        name, agreed = self.names[k], self.levels[k]
        column, levels = table.column(name), table.levels_of(name)
        if (agreed is None) != (levels is None):
            kinds = ("numbers", "levels") if agreed is None else ("levels", "numbers")
            raise InputError(
                f"column {name!r} was agreed to hold {kinds[0]} and holds {kinds[1]}; expected the "
                "same kind at all sites. Convert the column, or agree on another design."
            )
        if agreed is None or levels is None:
            numbers = column / self.scales[k] - self.centres[k] / self.scales[k]
            farthest = float(np.abs(numbers).max())
            if not farthest < _FARTHEST:
                raise InputError(
                    f"column {name!r} is up to {farthest:.3g} units of {self.scales[k]:.3g} away "
                    f"from {self.centres[k]:.3g}, as agreed; expected numbers of that order. Use "
                    "the units that were agreed on."
                )
            angles = numbers[:, None] * self.frequencies[k]
            waves = np.hstack([cosines(angles), cosines(angles - np.pi / 2.0)])
            return np.column_stack([numbers, waves / np.sqrt(self.frequencies.shape[1])])
        strange = [level for level in levels if level not in agreed]
        if strange:
            raise InputError(
                f"column {name!r} has level(s) {strange!r} that were not agreed on; expected "
                f"{agreed!r}. Agree on a design with all levels."
            )
        places = np.array([agreed.index(level) for level in levels])
        return np.asarray(places[column.astype(np.intp), None] == np.arange(len(agreed)), float)

    def agrees_with(self, other: FeatureDesign) -> bool:
        """Whether both give the same features."""
        mine, others = ((d.centres, d.scales, d.frequencies) for d in (self, other))
        return (self.names, self.levels) == (other.names, other.levels) and all(
            np.array_equal(a, b) for a, b in zip(mine, others, strict=True)
        )


def _is_range(span: object) -> bool:
    """Whether these are two finite numbers, the smaller one first."""
    if not isinstance(span, Sequence | np.ndarray) or len(span) != 2:
        return False
    low, high = span
    numbers = isinstance(low, Real) and isinstance(high, Real)
    return numbers and -np.inf < low < high < np.inf


def _listed(name: Name, levels: object) -> tuple[object, ...]:
    """Levels of a category as a tuple of plain values."""
    if isinstance(levels, str) or not isinstance(levels, Iterable):
        raise InputError(
            f"column {name!r} has levels {levels!r}; expected a list of them. Name the levels that "
            "may occur anywhere."
        )
    return tuple(v.item() if isinstance(v, np.generic) else v for v in levels)
