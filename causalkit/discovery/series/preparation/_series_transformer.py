"""What transformers of series share: reading frames, changing numbers, writing frames."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from causalkit._core.checks import as_names
from causalkit.discovery.base import note_columns
from causalkit.discovery.series.preparation._series_frames import (
    SeriesFrames,
    read_frames,
    unknown_subject,
    written,
)
from causalkit.errors import InputError, UnknownVariableError
from causalkit.typing import Data, FloatArray, IntArray, Name, Names

__all__ = ["PatternTransformer", "SeriesTransformer"]


class SeriesTransformer(TransformerMixin, BaseEstimator, ABC):
    """Base of what takes something out of series and puts it back.

    Attributes
    ----------
    names_ : tuple of names
        Series that are changed.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Names of all series; set if the data had names, all of them strings.
    """

    columns: Names | None
    panel: Name | None
    time: Name | None
    mask: Name | None

    names_: tuple[Name, ...]
    n_features_in_: int
    feature_names_in_: NDArray[Any]

    def fit(self, X: Data, y: Any = None) -> Self:
        """Learn what is to be taken out.

        Parameters
        ----------
        X : DataFrame, 2-D ndarray, or dict of columns; a list of them; or a 3-D ndarray
            One row a step, in the order of time.
        y : None
            Ignored.

        Returns
        -------
        self
        """
        del y
        frames = self._read(X)
        names = frames.series.names
        wanted = names if self.columns is None else as_names(self.columns)
        for name in wanted:
            if name not in names:
                raise UnknownVariableError.among(name, names)
        self.names_ = wanted
        note_columns(self, X, names)
        self._learn(frames, self._values(frames))
        return self

    def transform(self, X: Data) -> Data:
        """Take it out.

        Parameters
        ----------
        X : as in `fit`

        Returns
        -------
        The same data, of the same type, with other numbers in the series that are changed.
        """
        return self._apply(X, self._out)

    def inverse_transform(self, X: Data) -> Data:
        """Put it back.

        Parameters
        ----------
        X : as `transform` returns it

        Returns
        -------
        The same data, of the same type.
        """
        return self._apply(X, self._back)

    def _apply(self, X: Data, change: Any) -> Data:
        check_is_fitted(self, "names_")
        frames = self._read(X)
        for name in self.names_:
            if name not in frames.series.names:
                raise UnknownVariableError.among(name, frames.series.names)
        return written(X, self.names_, change(frames, self._values(frames)))

    def _read(self, X: Data) -> SeriesFrames:
        return read_frames(X, panel=self.panel, time=self.time, mask=self.mask)

    def _values(self, frames: SeriesFrames) -> FloatArray:
        table = frames.series.table.select(self.names_)
        for name, levels in zip(table.names, table.levels, strict=True):
            if levels is not None and len(levels) > 2:
                raise InputError(
                    f"series {name!r} is categorical with {len(levels)} levels; "
                    f"{type(self).__name__} expects numbers. Name the others as columns."
                )
        return np.array(table.values)

    @abstractmethod
    def _learn(self, frames: SeriesFrames, values: FloatArray) -> None: ...

    @abstractmethod
    def _out(self, frames: SeriesFrames, values: FloatArray) -> FloatArray: ...

    @abstractmethod
    def _back(self, frames: SeriesFrames, values: FloatArray) -> FloatArray: ...


class PatternTransformer(SeriesTransformer):
    """What is taken out is added again: a pattern over the steps of each subject."""

    def _learn(self, frames: SeriesFrames, values: FloatArray) -> None:
        self._check()
        self._fitted: dict[Hashable, tuple[Any, Any]] = {}
        for subject, label in enumerate(frames.labels):
            stamps = frames.stamps[subject]
            position = frames.positions(subject, stamps)
            part = values[frames.rows_of(subject)]
            self._fitted[label] = stamps, self._pattern(position, part)

    def _out(self, frames: SeriesFrames, values: FloatArray) -> FloatArray:
        return values - self._of(frames, values)

    def _back(self, frames: SeriesFrames, values: FloatArray) -> FloatArray:
        return values + self._of(frames, values)

    def _of(self, frames: SeriesFrames, values: FloatArray) -> FloatArray:
        result = np.empty_like(values)
        for subject, label in enumerate(frames.labels):
            if label not in self._fitted:
                raise unknown_subject(label, list(self._fitted))
            stamps, pattern = self._fitted[label]
            position = frames.positions(subject, stamps)
            result[frames.rows_of(subject)] = self._at(pattern, position)
        return result

    @abstractmethod
    def _check(self) -> None: ...

    @abstractmethod
    def _pattern(self, position: IntArray, values: FloatArray) -> Any: ...

    @abstractmethod
    def _at(self, pattern: Any, position: IntArray) -> FloatArray: ...
