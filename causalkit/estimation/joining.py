"""`together`: effects of separate fits put side by side, for what they say jointly.

One call may estimate several effects (`contrast="each"`, `part="all"`), and then they come as an
:class:`~causalkit.estimation.EffectSet`. Effects of separate fits (several outcomes, treatments or
estimators) are made into one here. Each row's influence on each effect is known, so how the
estimates vary together follows, if all rest on the same rows: a band that covers all of them at
once, p-values that allow for their number, a test that there is no effect at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from causalkit.errors import InputError
from causalkit.estimation.effect import Effect
from causalkit.estimation.effect_set import EffectSet
from causalkit.estimation.simultaneous import shared_rows

__all__ = ["together"]


def together(
    effects: Mapping[str, Effect] | Sequence[Effect], labels: Sequence[str] | None = None
) -> EffectSet:
    """Put effects that were estimated from the same rows side by side, for joint statements.

    Parameters
    ----------
    effects : mapping of str to Effect, or sequence of Effect
        Of any treatments, outcomes and estimators, but of the same rows in the same order, with the
        same clusters.
    labels : sequence of str, optional
        Left out, the keys of the mapping, or what treatment and outcome are called.

    Returns
    -------
    EffectSet

    Raises
    ------
    InputError
        If an effect has no influence, or they do not rest on the same rows.

    Notes
    -----
    **Assumes:** row i is the same unit in all of them; their number is checked, not who they are.

    Examples
    --------
    >>> import numpy as np
    >>> from causalkit.estimation import OLS
    >>> rng = np.random.default_rng(0)
    >>> t, sleep, noise = rng.normal(size=(3, 300))
    >>> weight = 0.5 * t + noise
    >>> both = together(
    ...     {"sleep": OLS().fit(None, sleep, t=t).effect_,
    ...      "weight": OLS().fit(None, weight, t=t).effect_}
    ... )
    >>> [bool(p < 0.05) for p in both.adjusted_p_values()]
    [False, True]
    """
    if isinstance(effects, Mapping):
        labels = tuple(effects) if labels is None else labels
        effects = tuple(effects.values())
    if not effects or not all(isinstance(effect, Effect) for effect in effects):
        raise InputError(
            f"together got {type(effects[0]).__name__ if effects else 'nothing'}; expected Effects,"
            " as fit(...).effect_ gives. Take the members of an EffectSet: *effects.effects."
        )
    shared_rows(effects)
    if labels is None:
        labels = [_named(effect, number) for number, effect in enumerate(effects)]
    return EffectSet(tuple(effects), tuple(map(str, labels)), reading="contrasts")


def _named(effect: Effect, number: int) -> str:
    if effect.problem is None:
        return f"effect {number}"
    return f"{effect.problem.treatment} on {effect.problem.outcome}"
