"""The few type names that signatures share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["BoolArray", "Data", "FloatArray", "IntArray", "Name", "Names", "RandomState"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
BoolArray: TypeAlias = NDArray[np.bool_]

Name: TypeAlias = str | int
"""What a column or a node may be called."""

Names: TypeAlias = Name | Iterable[Name]
"""One name, or several."""

Data: TypeAlias = Any
"""A pandas, polars or pyarrow frame, a 2-D NumPy array, or a dict of columns."""

RandomState: TypeAlias = int | np.random.Generator | np.random.SeedSequence | None
