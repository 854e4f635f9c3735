"""An analysis as plain values: what `--json` prints."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from causalkit._core.json_values import as_json_values

__all__ = ["to_plain"]


def to_plain(analysis: Any) -> dict[str, Any]:
    """Return the answer of an :class:`~causalkit.workflow.Analysis` as JSON-ready values.

    Parameters
    ----------
    analysis : Analysis

    Returns
    -------
    dict
        Of strings, numbers, lists and dicts; numbers that are not finite are None.
    """
    return {
        "treatment": as_json_values(analysis.treatment),
        "outcome": as_json_values(analysis.outcome),
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
        **_intervals(analysis, None),
        "contrasts": [
            {"contrast": label, **_intervals(analysis, contrast)}
            for contrast, label in enumerate(analysis.contrasts)
        ],
        "graph_as_given": analysis.graph_as_given,
        "over_graphs": None if analysis.learnt is None else _over_graphs(analysis.learnt),
        "challenges": _records(analysis.challenges.to_frame()),
        "notes": list(analysis.notes),
        "decisions": [asdict(decision) for decision in analysis.decisions],
        "fingerprint": analysis.fingerprint,
    }


def _intervals(analysis: Any, contrast: int | None) -> dict[str, Any]:
    """Both, of one contrast or the hulls of all."""
    return {
        "interval_given_graph": as_json_values(
            [*analysis._interval(contrast=contrast, given=True)]
        ),
        "interval": as_json_values([*analysis._interval(contrast=contrast)]),
    }


def _over_graphs(learnt: Any) -> dict[str, Any]:
    """The effect over all graphs that the data leave possible, or each of several contrasts."""
    several = getattr(learnt, "effects", None)
    first = learnt if several is None else several[0]
    return {
        "n_graphs": len(learnt.graphs),
        "answers": list(first.alternatives.labels),
        "share_without_effect": first.probability("zero"),
        "not_estimated": dict(first.failures),
        **(
            _one_over_graphs(learnt)
            if several is None
            else {"contrasts": {one.contrast: _one_over_graphs(one) for one in several}}
        ),
    }


def _one_over_graphs(learnt: Any) -> dict[str, Any]:
    return {
        "effects": _records(learnt.to_frame()),
        "variance": as_json_values(learnt.variance()),
        "most_valuable_edge": as_json_values(learnt.most_valuable_edge()),
    }


def _records(frame: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = as_json_values(frame.to_dict(orient="records"))
    return found
