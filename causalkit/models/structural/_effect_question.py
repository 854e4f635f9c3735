"""Reading the question for an effect: names to positions, labels to codes, and what cannot be."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any

from causalkit._core.checks import as_names, check_choice
from causalkit.errors import InputError
from causalkit.models.structural._ancestral import as_intervention
from causalkit.models.structural._labels import Labels
from causalkit.models.structural.model_effects import EffectQuestion
from causalkit.typing import Name, Names

__all__ = ["effect_question"]

_WORDS = {
    "total": "effect",
    "direct": "natural direct effect",
    "indirect": "natural indirect effect",
}


def effect_question(
    labels: Labels,
    treatment: Name,
    outcome: Name,
    contrast: tuple[Any, Any],
    kind: str,
    mediators: Names | None,
    given: Mapping[Name, Any] | None,
) -> EffectQuestion:
    """Check a question and write it by positions; see `StructuralCausalModel.effect`."""
    check_choice(kind, "kind", tuple(_WORDS))
    dag = labels.dag
    t, y = dag.index(treatment), dag.index(outcome)
    if t == y:
        raise InputError(f"treatment and outcome are both {treatment!r}; expected two variables.")
    levels = labels.levels.get(dag.nodes[y])
    if levels is not None and len(levels) > 2:
        raise InputError(
            f"outcome {outcome!r} has {len(levels)} levels, of which there is no mean; expected "
            "numbers or two levels. Compare sample(do=...) instead."
        )
    if not isinstance(contrast, tuple | list) or len(contrast) != 2:
        raise InputError(f"contrast={contrast!r}; expected two values, such as (0, 1).")
    low, high = (as_intervention(treatment, labels.code(treatment, side)) for side in contrast)
    ranges = {dag.index(name): _range(labels, name, value) for name, value in (given or {}).items()}
    title = f"{_WORDS[kind]} of {treatment} on {outcome}"
    if given:
        title += f" given {', '.join(map(str, given))}"
    passing = _mediators(labels, treatment, outcome, mediators) if kind != "total" else ()
    return EffectQuestion(t, y, (low, high), kind, passing, ranges, title)


def _mediators(
    labels: Labels, treatment: Name, outcome: Name, mediators: Names | None
) -> tuple[int, ...]:
    dag = labels.dag
    if mediators is None:
        between = (dag.descendants(treatment) & dag.ancestors(outcome)) - {treatment, outcome}
        return tuple(dag.indices(sorted(between, key=str)))
    found = tuple(dag.indices(as_names(mediators)))
    if {dag.index(treatment), dag.index(outcome)} & set(found):
        raise InputError(
            "treatment or outcome is among mediators; expected other variables. Leave it out."
        )
    return found


def _range(labels: Labels, name: Name, wanted: Any) -> tuple[float, float]:
    if isinstance(wanted, tuple) and len(wanted) == 2:
        low, high = float(wanted[0]), float(wanted[1])
        if low > high:
            raise InputError(f"given[{name!r}]={wanted!r}; expected (low, high), low first.")
        return low, high
    value = labels.code(name, wanted)
    if not isinstance(value, Real):
        raise InputError(f"given[{name!r}]={wanted!r}; expected a value, a label or (low, high).")
    return float(value), float(value)
