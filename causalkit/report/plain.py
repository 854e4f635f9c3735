"""Effects and analyses as plain values: what `--json` prints.

Each effect is a mapping that can be read alone: what was asked, which levels were compared, the
number with its interval, how it was estimated, and whatever else the estimator tells of itself,
such as the first stage of instruments. Columns of rows (influences, predictions) are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from numbers import Real
from typing import Any, Final

from causalkit._core.json_values import as_json_values
from causalkit.estimation import Effect, EffectSet
from causalkit.estimation.asked_in_words import question_of

__all__ = ["effect_values", "to_plain"]

_LEVEL: Final = 0.95

_MOST_CELLS: Final = 50
"""A longer array is about rows, not about the effect."""

_TOLD: Final = ("question", "contrast", "outcome", "clusters")
"""Details that have a key of their own."""


def effect_values(effect: Effect | EffectSet, level: float = _LEVEL) -> list[dict[str, Any]]:
    """Return one mapping an effect, JSON-ready.

    Parameters
    ----------
    effect : Effect or EffectSet
    level : float
        Of the intervals.

    Returns
    -------
    list of dict
        The columns of `effect.to_frame(level)`, and the question, the label of a member of a set,
        the columns that were adjusted for (None where no columns are), those with other roles, and
        details.
    """
    several = isinstance(effect, EffectSet)
    members = effect.effects if isinstance(effect, EffectSet) else (effect,)
    labels = effect.labels if isinstance(effect, EffectSet) else ("",)
    return [
        {
            "question": question_of(one),
            **({"label": label} if several else {}),
            **_records(one.to_frame(level))[0],
            "adjusted_for": _adjusted_for(one),
            "roles": {} if one.problem is None else _roles(one.problem),
            "details": _plain(
                {key: value for key, value in one.details.items() if key not in _TOLD}
            ),
        }
        for label, one in zip(labels, members, strict=True)
    ]


def _adjusted_for(effect: Effect) -> list[str] | None:
    found = None if effect.problem is None else effect.problem.adjustment
    found = getattr(effect.estimand, "adjustment", None) if found is None else found
    return None if found is None else list(map(str, found))


def _roles(problem: Any) -> dict[str, list[str]]:
    """Names of the columns with further roles, such as instruments."""
    return {
        "instruments" if role == "z" else role: list(map(str, columns.names))
        for role, columns in problem.others.items()
    }


def _plain(values: Mapping[Any, Any]) -> dict[str, Any]:
    """What of a mapping are numbers and words, or made of few of them."""
    found = {str(key): _plain_value(value) for key, value in values.items()}
    return {key: value for key, value in found.items() if value is not ...}


def _plain_value(value: Any) -> Any:
    """A value as JSON has it; `...` for what is about rows, or is no value."""
    if hasattr(value, "tolist"):
        value = value.tolist() if value.size <= _MOST_CELLS else ...
    if value is None or isinstance(value, (str, bool, Real)):
        return as_json_values(value)
    if isinstance(value, Mapping):
        return _plain(value) or (... if value else {})
    if isinstance(value, (list, tuple)):
        parts = [_plain_value(part) for part in value[: _MOST_CELLS + 1]]
        return ... if len(parts) > _MOST_CELLS or ... in parts else parts
    if is_dataclass(value):
        told = {"sentence": value.sentence} if hasattr(value, "sentence") else {}
        return _plain(told | {each.name: getattr(value, each.name) for each in fields(value)})
    return ...


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
        "level": _LEVEL,
        "effects": effect_values(analysis.effect),
        **_intervals(analysis, None),
        "contrasts": [
            {"contrast": label, **_intervals(analysis, contrast)}
            for contrast, label in enumerate(analysis.contrasts)
        ],
        "graph_as_given": analysis.graph_as_given,
        "over_graphs": None if analysis.learnt is None else _over_graphs(analysis.learnt),
        "challenges": _records(analysis.challenges.to_frame().reset_index()),
        "notes": list(analysis.notes),
        "decisions": [asdict(decision) for decision in analysis.decisions],
        "fingerprint": analysis.fingerprint,
    }


def _intervals(analysis: Any, contrast: int | None) -> dict[str, Any]:
    """Both, of one contrast or the hulls of all."""
    return {
        "interval_given_graph": as_json_values([*analysis._interval(_LEVEL, contrast, given=True)]),
        "interval": as_json_values([*analysis._interval(_LEVEL, contrast)]),
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
        "effects": _records(learnt.to_frame().rename_axis("answer").reset_index()),
        "variance": as_json_values(learnt.variance()),
        "most_valuable_edge": as_json_values(learnt.most_valuable_edge()),
    }


def _records(frame: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = as_json_values(frame.to_dict(orient="records"))
    return found
