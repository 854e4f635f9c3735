"""Environments: mechanisms that are others in another domain, and interventions drawn at random.

Three ways to act on a variable, in the words of the literature:

* *hard* (perfect): it is set to values that do not depend on its causes;
* *shift*: an amount is added to what it would have been;
* *soft* (imperfect): it keeps its causes and gets another mechanism.

A domain with other mechanisms is a soft intervention by nature. What is acted upon has the same
name everywhere, a *target*, and is part of the truth.

>>> drawn_targets(["a", "b", "c"], 3, 1, np.random.default_rng(0))
(('c',), ('a',), ('b',))

References
----------
Eberhardt and Scheines (2007), "Interventions and causal inference", doi:10.1086/525638.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from causalkit.errors import InputError
from causalkit.models.mechanisms.additive import Additive, Linear
from causalkit.models.mechanisms.base import Mechanism
from causalkit.models.mechanisms.tables import Table
from causalkit.models.noise import Normal
from causalkit.models.random_models.mechanism_draws import MechanismDraw
from causalkit.models.random_models.standardised import rescaled
from causalkit.typing import FloatArray, Name

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "KINDS",
    "Act",
    "Detached",
    "acted_mechanism",
    "changed_mechanism",
    "check_shift",
    "drawn_targets",
    "even_sizes",
    "stacked",
]

Act = Literal["hard", "shift", "soft"]
KINDS: Final = ("hard", "shift", "soft")


def changed_mechanism(
    draw: MechanismDraw,
    causes: FloatArray,
    cause_levels: Sequence[int],
    n_levels: int,
    rng: np.random.Generator,
    *,
    spread: float,
) -> Mechanism:
    """Another mechanism of the same causes, with another mean and variance if it is continuous.

    Parameters
    ----------
    draw : MechanismDraw
    causes : ndarray of shape (n, k)
        Pilot sample.
    cause_levels : sequence of int
    n_levels : int
        As :class:`MechanismDraw` takes them.
    rng : Generator
    spread : float
        Standard deviation of the variable before.

    Returns
    -------
    Mechanism
        The mean moves by 0.5 to 1.5 of those standard deviations up or down, and the standard
        deviation by a factor from 0.6 to 1.7.
    """
    mechanism = draw(causes, cause_levels, n_levels, rng)
    if n_levels:
        return mechanism
    value = mechanism.value(causes, mechanism.draw(len(causes), rng))
    moved = float(rng.choice((-1.0, 1.0)) * rng.uniform(0.5, 1.5))
    unit = float(value.std()) / (spread * float(np.exp(rng.uniform(-0.5, 0.5))))
    return rescaled(mechanism, float(value.mean()) - moved * spread * unit, unit)


def drawn_targets(
    names: Sequence[Name], n_environments: int, n_targets: int, rng: np.random.Generator
) -> tuple[tuple[Name, ...], ...]:
    """Targets of each environment: every variable is taken once before any is taken again."""
    if not 1 <= n_targets <= len(names):
        raise InputError(
            f"n_targets={n_targets}; expected a number from 1 to {len(names)}, the number of "
            "observed variables."
        )
    queue: list[Name] = []
    found = []
    for _ in range(n_environments):
        taken = queue[:n_targets]
        queue = queue[n_targets:]
        if len(taken) < n_targets:
            again = [names[k] for k in rng.permutation(len(names)).tolist()]
            more = [name for name in again if name not in taken][: n_targets - len(taken)]
            queue = [name for name in again if name not in more]
            taken += more
        found.append(tuple(name for name in names if name in taken))
    return tuple(found)


def acted_mechanism(
    kind: Act,
    mechanism: Mechanism,
    n_levels: int,
    rng: np.random.Generator,
    *,
    spread: float,
    strength: float,
) -> Mechanism:
    """Mechanism of a variable that somebody sets or shifts.

    Parameters
    ----------
    kind : {"hard", "shift"}
    mechanism : Mechanism
        As it was.
    n_levels : int
        0 if it is continuous.
    rng : Generator
    spread : float
        Standard deviation of the variable before.
    strength : float
        How far it moves, in standard deviations.

    Returns
    -------
    Mechanism
        Hard: independent normal values `strength` standard deviations off, up or down, with the
        spread as before; or levels that are equally likely. Shift: as before plus an amount.
    """
    moved = float(rng.choice((-1.0, 1.0))) * strength * spread
    if kind == "shift":
        return rescaled(mechanism, -moved, 1.0)
    if n_levels:
        return Detached(Table(np.full(n_levels, 1.0 / n_levels)))
    return Detached(Additive(Linear(np.zeros(0), moved), Normal(spread)))


def check_shift(targets: Sequence[Name], n_levels: Mapping[Name, int]) -> None:
    """Refuse to shift variables that are discrete."""
    discrete = [name for name in targets if n_levels[name]]
    if discrete:
        raise InputError(
            f"kind='shift' and discrete target(s) {', '.join(map(repr, discrete))}; expected "
            "continuous ones, since levels cannot be added to. Take kind='hard' or kind='soft'."
        )


@dataclass(frozen=True, slots=True, eq=False)
class Detached:
    """A mechanism without causes in a place where there are some.

    Attributes
    ----------
    mechanism : Mechanism
        Of no causes.
    """

    mechanism: Mechanism

    @property
    def bijective(self) -> bool:
        """As it is without causes."""
        return self.mechanism.bijective

    def draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw noise of n rows."""
        return self.mechanism.draw(n, rng)

    def value(self, causes: FloatArray, noise: FloatArray) -> FloatArray:
        """Value whatever the causes, shape (n,)."""
        return self.mechanism.value(causes[:, :0], noise)

    def noise(self, causes: FloatArray, value: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Noise that gives a value."""
        return self.mechanism.noise(causes[:, :0], value, rng)


def even_sizes(n: int, parts: int) -> list[int]:
    """As many rows in each part, one more in the first ones if that cannot be."""
    return [n // parts + (k < n % parts) for k in range(parts)]


def stacked(parts: Sequence[pd.DataFrame], column: str, *, first: int = 0) -> pd.DataFrame:
    """Rows of all parts, and a first column that says which they are from."""
    import pandas as pd

    labels = np.repeat(np.arange(first, first + len(parts)), [len(part) for part in parts])
    stacked = pd.concat(parts, ignore_index=True)
    stacked.insert(0, column, labels)
    return stacked
