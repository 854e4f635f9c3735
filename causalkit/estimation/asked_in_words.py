"""What an effect compares, and on what, in words that leave no sign open.

A treatment with the levels WT and KO is coded 0 and 1, and so is an outcome with the levels
control and case; which of them is 1 follows from the data (see :mod:`~causalkit._core.table`), and
turns the sign. So wherever an effect is said, the levels are:

>>> from causalkit.estimation import Effect
>>> facts = {"contrast": "gene: KO versus WT", "outcome": "P(status = case)"}
>>> effect = Effect(0.2, 0.05, 100, "OLS", details=facts)
>>> contrast_text(effect), outcome_text(effect)
('gene: KO versus WT', 'P(status = case)')

Zeros and ones, and what is true or false, need no such words. Estimators write `"contrast"` into
`Effect.details` (:func:`~causalkit.estimation.contrasts.contrast_in_words`), and what puts an
effect together writes `"outcome"` where the outcome has levels with names.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from causalkit._core.column_values import BOOLEAN, Levels
from causalkit.typing import Name

if TYPE_CHECKING:
    from causalkit.estimation.effect import Effect

__all__ = [
    "asked_in_common",
    "contrast_text",
    "outcome_facts",
    "outcome_in_words",
    "outcome_text",
    "question_of",
    "sides_of",
    "treatment_in_words",
]

_PLAIN: Final = ("1 versus 0", "1.0 versus 0.0", "True versus False")
"""Nobody takes the second of these for the first."""

_VERSUS: Final = " versus "


def outcome_in_words(name: Name, levels: Levels) -> str:
    """Name of the outcome; of two levels with names, the chance of that which is coded 1.

    Examples
    --------
    >>> outcome_in_words("status", ("control", "case")), outcome_in_words("income", None)
    ('P(status = case)', 'income')
    """
    if levels is None or len(levels) != 2 or levels == BOOLEAN:
        return str(name)
    return f"P({name} = {levels[1]})"


def outcome_facts(name: Name, levels: Levels) -> dict[str, str]:
    """What `Effect.details` say of the outcome: nothing, unless its levels have names."""
    words = outcome_in_words(name, levels)
    return {} if words == str(name) else {"outcome": words}


def treatment_in_words(name: Name, contrast: str) -> str:
    """Name of the treatment; where levels with names are compared, with them.

    Examples
    --------
    >>> treatment_in_words("gene", "gene: KO versus WT"), treatment_in_words("x", "x: 1 versus 0")
    ('gene (KO instead of WT)', 'x')
    """
    compared = _compared(name, contrast)
    return f"{name} ({compared})" if compared else str(name)


def contrast_text(effect: Effect) -> str:
    """What is compared, e.g. `"dose: high versus low"`; empty where nothing is."""
    words = effect.details.get("contrast", "")
    if isinstance(words, tuple):
        return f"{_asked(effect)[0]}: {words[1]}{_VERSUS}{words[0]}"
    return str(words)


def outcome_text(effect: Effect) -> str:
    """What the effect is on: the name of the outcome, or the chance of one of its levels."""
    return str(effect.details.get("outcome", _asked(effect)[1]))


def sides_of(effects: Iterable[Effect]) -> tuple[str, str]:
    """Treatment and outcome in words, of effects that ask the same; empty where unknown.

    What the graph alone implies was not estimated, and knows no levels.
    """
    effects = tuple(effects)
    effect = next((one for one in effects if not one.implied), effects[0])
    return treatment_in_words(_asked(effect)[0], contrast_text(effect)), outcome_text(effect)


def asked_in_common(effects: Iterable[Effect], reading: str) -> str:
    """Say what effects of a set share, as far as levels with names are compared; else nothing.

    `" of gene (KO instead of WT) on P(status = case)"` of alternatives, `" on P(status = case)"` of
    contrasts, `" of P(status = case)"` of means.
    """
    estimated = [effect for effect in effects if not effect.implied]
    plain = {_asked(effect) for effect in estimated}
    sides = {sides_of([effect]) for effect in estimated}
    outcomes = {outcome for _, outcome in sides}
    if len(plain) != 1 or len(outcomes) != 1:
        return ""
    (outcome,) = outcomes
    if reading == "alternatives":
        ((treatment, _),) = sides if len(sides) == 1 else plain
        return "" if {(treatment, outcome)} == plain else f" of {treatment} on {outcome}"
    if outcome == next(iter(plain))[1]:
        return ""
    return f" of {outcome}" if reading == "means" else f" on {outcome}"


def question_of(effect: Effect) -> str:
    """`Effect of X on Y`, as far as the names are known; of mediation, which part of it."""
    treatment, outcome = sides_of([effect])
    plain = _asked(effect)
    query = str(getattr(effect.estimand, "query", "effect"))
    part = hasattr(getattr(effect.estimand, "query", None), "mediators")
    asked = str(effect.details.get("question", "" if plain[0] and not part else query))
    if not asked or asked == f"effect of {plain[0]} on {plain[1]}":
        return f"Effect of {treatment} on {outcome}"
    asked = asked[0].upper() + asked[1:]
    named = [_compared(plain[0], contrast_text(effect)), "" if outcome == plain[1] else outcome]
    missing = [words for words in named if words and words not in asked]
    return f"{asked} ({', on '.join(missing)})" if missing else asked


def _asked(effect: Effect) -> tuple[str, str]:
    """Names of treatment and outcome, empty where they are not known."""
    if effect.problem is not None:
        return str(effect.problem.treatment), str(effect.problem.outcome)
    query = getattr(effect.estimand, "query", None)
    sides = getattr(query, "treatment", ()), getattr(query, "outcome", ())
    return ", ".join(map(str, sides[0])), ", ".join(map(str, sides[1]))


def _compared(name: Name, contrast: str) -> str:
    """Levels with names that a contrast in words compares; empty if there are none."""
    levels = contrast.removeprefix(f"{name}: ")
    if " − " in contrast:  # a difference of two effects or means
        return contrast
    if levels == contrast or _VERSUS not in levels or levels.partition(", ")[0] in _PLAIN:
        return ""
    return levels.replace(_VERSUS, " instead of ", 1)
