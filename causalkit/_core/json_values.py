"""Results as values that JSON has: text, numbers, true, false, null, lists and mappings.

JSON has no NaN and no infinity; what is not a finite number is `null`. Numbers of numpy are
numbers, tuples are lists, sets are sorted lists, and anything else is its text. What is written by
the command line and what `Analysis.to_dict` returns go through the one function here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Set
from numbers import Integral, Real
from typing import Any

__all__ = ["as_json_values"]


def as_json_values(value: Any) -> Any:
    """Return the same as values that `json.dumps(..., allow_nan=False)` takes.

    Examples
    --------
    >>> as_json_values({1: (float("nan"), {"b", "a"})})
    {'1': [None, ['a', 'b']]}
    """
    if hasattr(value, "tolist"):  # of numpy: an array or a number
        value = value.tolist()
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): as_json_values(item) for key, item in value.items()}
    if isinstance(value, Set):
        return sorted((as_json_values(item) for item in value), key=str)
    if isinstance(value, (list, tuple)):
        return [as_json_values(item) for item in value]
    return str(value)
