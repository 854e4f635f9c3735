"""An analysis as plain values: what `--json` prints."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import numpy as np

__all__ = ["to_plain"]


def to_plain(analysis: Any) -> dict[str, Any]:
    """Return the answer of an :class:`~causalkit.workflow.Analysis` as JSON-ready values."""
    return {
        "treatment": analysis.treatment,
        "outcome": analysis.outcome,
        "n_rows": analysis.n_rows,
        "graph": {
            "kind": analysis.graph.kind.name,
            "text": analysis.graph.to_text(),
            "learnt_by": None if analysis.discovery is None else type(analysis.discovery).__name__,
        },
        "estimand": {
            "type": type(analysis.estimand).__name__,
            "expression": str(analysis.estimand.expression),
            "assumptions": list(analysis.estimand.assumptions),
        },
        "effects": _records(analysis.effect.to_frame()),
        "interval_given_graph": list(map(_plain, analysis.effect.interval())),
        "interval": list(map(_plain, analysis._interval())),
        "graph_as_given": analysis.graph_as_given,
        "over_graphs": None if analysis.learnt is None else _over_graphs(analysis.learnt),
        "challenges": _records(analysis.challenges.to_frame()),
        "notes": list(analysis.notes),
        "decisions": [asdict(decision) for decision in analysis.decisions],
        "fingerprint": analysis.fingerprint,
    }


def _over_graphs(learnt: Any) -> dict[str, Any]:
    """The effect over all graphs that the data leave possible."""
    return {
        "n_graphs": len(learnt.graphs),
        "answers": list(learnt.alternatives.labels),
        "effects": _records(learnt.to_frame()),
        "share_without_effect": learnt.probability("zero"),
        "variance": {part: _plain(value) for part, value in learnt.variance().items()},
        "most_valuable_edge": _plain(learnt.most_valuable_edge()),
    }


def _records(frame: Any) -> list[dict[str, Any]]:
    return [
        {str(key): _plain(value) for key, value in row.items()}
        for row in frame.reset_index(drop=True).to_dict(orient="records")
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, (tuple, list, frozenset, set)):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return str(value)
