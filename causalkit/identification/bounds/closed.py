r"""Bounds in closed form: with no assumption at all, and with an instrument.

Of the units that had treatment x the outcome under x was seen. For the others it may be anything in
its range, so with outcomes from l to u::

    E[Y 1(X=x)] + l P(X≠x)  <=  E[Y | do(x)]  <=  E[Y 1(X=x)] + u P(X≠x)

An instrument Z, as good as randomised and of no influence on Y but through X, says the same in each
of its strata, and more: what is seen in one stratum limits what can be hidden in another. With
binary treatment and outcome, p(y, x | z) in strata i and j gives ::

    P(Y=1 | do(x))  <=  p(1, x | i) + p(X≠x | i)
    P(Y=1 | do(x))  <=  p(0, X≠x | i) + p(1, x | i) + p(1, x | j) + p(1, X≠x | j)

and lower ends by swapping the levels of Y. These are the bounds of Balke and Pearl. Probabilities
under two treatments do not restrict each other, so a difference has the differences of their ends.
:func:`~causalkit.identification.bounds.bounds.bound_effect` finds the same, and takes other graphs.

References
----------
Robins (1989), "The analysis of randomized and non-randomized AIDS treatment trials using a new
approach to causal inference in longitudinal studies". Manski (1990), "Nonparametric bounds on
treatment effects", American Economic Review 80(2). Richardson, Robins (2014), "ACE bounds; SEMs
with equilibrium conditions", doi:10.1214/14-STS485.
"""

from __future__ import annotations

from itertools import permutations
from numbers import Real
from typing import Any, Final

import numpy as np

from causalkit.errors import InputError
from causalkit.identification._sentences import consistency
from causalkit.identification.bounds._question import (
    POPULATION,
    Setting,
    assigned,
    contrasted,
    scored,
)
from causalkit.identification.bounds.bounds import Bounds, mean_text
from causalkit.identification.formulas.evaluation import ProbabilityTable
from causalkit.identification.query import check_roles
from causalkit.typing import Data, FloatArray, Name

__all__ = ["instrument_bounds", "natural_bounds"]

_ROUNDING: Final = 1e-9
"""By so much ends may be reversed by arithmetic."""


def natural_bounds(
    table: ProbabilityTable | Data,
    treatment: Name,
    outcome: Name,
    *,
    contrast: Any = None,
    level: Any = None,
    outcome_range: tuple[float, float] | None = None,
) -> Bounds:
    """Bound an effect without any assumption about hidden causes.

    Parameters
    ----------
    table : ProbabilityTable, DataFrame or dict of columns
        The distribution of treatment and outcome, both discrete.
    treatment, outcome : name
        What is set, and what is looked at.
    contrast : pair of levels, or level, optional
        `(a, b)` compares treatment b with treatment a; a single level asks for the outcome under
        it alone. Left out, the higher against the lower level of a treatment that has two.
    level : optional
        A level of the outcome whose probability is meant. Left out, the mean of the outcome.
    outcome_range : pair of float, optional
        Between what the outcome always is. Left out, its lowest and highest level in the table.

    Returns
    -------
    Bounds

    Raises
    ------
    InputError
        If names or levels are unknown, or the range does not hold all levels.

    Notes
    -----
    **Assumes:**

    - consistency, and that the outcome stays in its range,
    - that the table is the distribution of the population.

    References
    ----------
    Manski, C. F. (1990). Nonparametric bounds on treatment effects. American Economic Review 80(2),
    319-323.

    Examples
    --------
    >>> from causalkit.identification.formulas.evaluation import ProbabilityTable
    >>> seen = ProbabilityTable([[0.3, 0.2], [0.1, 0.4]], names=["X", "Y"])
    >>> found = natural_bounds(seen, "X", "Y")
    >>> print(f"{found.lower:.1f} to {found.upper:.1f}")
    -0.3 to 0.7
    """
    check_roles(treatment=(treatment,), outcome=(outcome,))
    table = ProbabilityTable.of(table, (treatment, outcome))
    settings = contrasted(table, (treatment,), contrast)
    weights = scored(table, outcome, level)
    low, high = _checked_range(outcome, weights, outcome_range)
    ends = []
    for setting in settings:
        seen = table.values[setting[treatment]]
        unseen = 1.0 - seen.sum()
        ends.append(float(seen @ weights) + unseen * np.array([low, high]))
    range_text = f"{outcome} is always from {low:g} to {high:g}."
    assumptions = (range_text, consistency(str(treatment)), POPULATION)
    return _result(table, outcome, level, settings, ends, assumptions)


def instrument_bounds(
    table: ProbabilityTable | Data,
    instrument: Name,
    treatment: Name,
    outcome: Name,
    *,
    contrast: Any = None,
    level: Any = None,
) -> Bounds:
    """Bound the effect of a binary treatment on a binary outcome by an instrument.

    Parameters
    ----------
    table : ProbabilityTable, DataFrame or dict of columns
        The distribution of the three variables.
    instrument : name
        Discrete, with any number of levels.
    treatment, outcome : name
        What is set, and what is looked at; each with two levels.
    contrast : pair of levels, or level, optional
        `(a, b)` compares treatment b with treatment a; a single level asks for the outcome under
        it alone. Left out, the higher against the lower level.
    level : optional
        The level of the outcome whose probability is meant. Left out, the mean of the outcome.

    Returns
    -------
    Bounds

    Raises
    ------
    InputError
        If names or levels are unknown, treatment or outcome has not two levels, or the table
        contradicts the assumptions.

    Notes
    -----
    **Assumes:**

    - the instrument shares no hidden cause with treatment or outcome,
    - it acts on the outcome through the treatment only,
    - the table is the distribution of the population.

    References
    ----------
    Balke, A., Pearl, J. (1997). Bounds on treatment effects from studies with imperfect compliance.
    JASA 92(439), 1171-1176. https://doi.org/10.1080/01621459.1997.10474074
    Pearl, J. (1995). On the testability of causal models with latent and instrumental variables.
    UAI, 435-443.

    Examples
    --------
    Vitamin A supplements given at random to villages (Z), taken by children (X), who survived (Y):

    >>> from causalkit.identification.formulas.evaluation import ProbabilityTable
    >>> counts = [[[74, 11514], [0, 0]], [[34, 2385], [12, 9663]]]
    >>> villages = ProbabilityTable(counts, names=["Z", "X", "Y"])
    >>> found = instrument_bounds(villages, "Z", "X", "Y")
    >>> print(f"{found.lower:.4f} to {found.upper:.4f}")
    -0.1946 to 0.0054
    """
    check_roles(instrument=(instrument,), treatment=(treatment,), outcome=(outcome,))
    table = ProbabilityTable.of(table, (instrument, treatment, outcome))
    for name in (treatment, outcome):
        if len(table.levels_of(name)) != 2:
            raise InputError(
                f"{name!r} has {len(table.levels_of(name))} levels; instrument_bounds() expects 2. "
                "Use bound_effect() with the graph 'Z -> X -> Y; X <-> Y'."
            )
    settings = contrasted(table, (treatment,), contrast)
    weights = scored(table, outcome, level)
    occurs = table.values[table.values.sum(axis=(1, 2)) > 0]
    strata = occurs / occurs.sum(axis=(1, 2), keepdims=True)
    chances = [_chances(strata, x) for x in (0, 1)]
    for x, (low, high) in enumerate(chances):
        if low > high + _ROUNDING:
            event = assigned(table, {outcome: 1})
            raise InputError(
                f"the table contradicts the instrument: P({event} | "
                f"do({assigned(table, {treatment: x})})) would be at least {low:.3g} and at most "
                f"{high:.3g}. Expected {instrument!r} to act on {outcome!r} through {treatment!r} "
                "only, and to share no cause with them; use a graph in which it does not."
            )
    scores = weights[0] + np.diff(weights) * np.array(chances)
    ends = [np.sort(scores[setting[treatment]]) for setting in settings]
    assumptions = (
        f"Instrument: {instrument} shares no hidden cause with {treatment} or {outcome}, and acts "
        f"on {outcome} through {treatment} only.",
        consistency(str(treatment)),
        POPULATION,
    )
    return _result(table, outcome, level, settings, ends, assumptions)


def _chances(strata: FloatArray, x: int) -> tuple[float, float]:
    """The least and the largest probability of the second level of Y under do(x)."""
    return 1.0 - _most(strata[..., ::-1], x), _most(strata, x)


def _most(strata: FloatArray, x: int) -> float:
    """The largest probability of the second level of Y under do(x), from P(x, y | z)."""
    here, other = strata[:, x], strata[:, 1 - x]
    alone = here[:, 1] + other.sum(axis=1)
    pairs = [
        other[i, 0] + here[i, 1] + here[j, 1] + other[j, 1]
        for i, j in permutations(range(len(strata)), 2)
    ]
    return float(min([*alone, *pairs]))


def _checked_range(
    outcome: Name, weights: FloatArray, outcome_range: tuple[float, float] | None
) -> tuple[float, float]:
    low, high = float(weights.min()), float(weights.max())
    if outcome_range is None:
        return low, high
    pair = isinstance(outcome_range, (tuple, list)) and len(outcome_range) == 2
    pair = pair and all(isinstance(end, Real) for end in outcome_range)
    if not (pair and outcome_range[0] <= low and high <= outcome_range[1]):
        raise InputError(
            f"outcome_range is {outcome_range}, and {outcome!r} goes from {low:g} to {high:g}; "
            "expected a pair with all levels between. Widen it."
        )
    return float(outcome_range[0]), float(outcome_range[1])


def _result(
    table: ProbabilityTable,
    outcome: Name,
    level: Any,
    settings: tuple[Setting, ...],
    ends: list[FloatArray],
    assumptions: tuple[str, ...],
) -> Bounds:
    """One mean, or the difference of two, the second minus the first."""
    quantity = " - ".join(mean_text(table, outcome, level, s) for s in reversed(settings))
    low, high = ends[-1] if len(ends) == 1 else ends[1] - ends[0][::-1]
    return Bounds(quantity, float(low), float(high), True, assumptions, "closed form")
