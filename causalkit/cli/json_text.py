"""JSON that every reader takes: one document, no NaN, no infinity, keys that stay.

Values become such as JSON has by :mod:`~causalkit._core.json_values`. Letters beyond ASCII are
escaped, so that the encoding of a terminal or a pipe does not matter.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from causalkit._core.json_values import as_json_values

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
    return json.dumps(as_json_values(values), indent=2, allow_nan=False)


def records_of(frame: pd.DataFrame, index: str | None = None) -> list[dict[str, Any]]:
    """Rows of a table as mappings; with `index`, the labels of the rows under that key."""
    if index is not None:
        frame = frame.rename_axis(index).reset_index()
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


def graph_values(graph: CausalGraph | LaggedGraph) -> Any:
    """A graph as its `.json` file has it, so that it can be taken out and read as one."""
    return json.loads(graph.to_json())
