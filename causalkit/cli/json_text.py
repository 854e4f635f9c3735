"""JSON that every reader takes: one document, no NaN, no infinity, keys that stay.

JSON has no NaN and no infinity; what is not a finite number is `null`. Numbers of numpy are
numbers, tuples and sets are lists, and anything else is its text. Letters beyond ASCII are escaped,
so that the encoding of a terminal or a pipe does not matter.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Set
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from causalkit.graph import CausalGraph, LaggedGraph

__all__ = ["as_json_text", "graph_values", "records_of"]


def as_json_text(values: Any) -> str:
    """Write values as JSON.

    Examples
    --------
    >>> print(as_json_text({"effect": float("nan"), "rows": (1, 2)}))
    {
      "effect": null,
      "rows": [
        1,
        2
      ]
    }
    """
    return json.dumps(_plain(values), indent=2, allow_nan=False)


def records_of(frame: pd.DataFrame, index: str | None = None) -> list[dict[str, Any]]:
    """Rows of a table as mappings; with `index`, the labels of the rows under that key."""
    if index is not None:
        frame = frame.rename_axis(index).reset_index()
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


def graph_values(graph: CausalGraph | LaggedGraph) -> Any:
    """A graph as its `.json` file has it, so that it can be taken out and read as one."""
    return json.loads(graph.to_json())


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):  # of numpy: an array or a number
        value = value.tolist()
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Set):
        return sorted((_plain(item) for item in value), key=str)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return str(value)
