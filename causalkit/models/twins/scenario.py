"""Scenarios: draws from a model that are harder to read, with a truth that says how.

Series are hidden after they were drawn, so what they share with the others is real confounding;
mechanisms differ between stretches of time; cells are missing. Each changes what a method may hope
for, and `Scenario` keeps what is true: the graph with all series and the names of those hidden, the
MAG over those that are seen, which series have mechanisms that change, and when.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from causalkit._core.checks import check_count
from causalkit._core.random import as_generator
from causalkit.errors import InputError, UnknownVariableError
from causalkit.graph import LaggedGraph
from causalkit.models.interventions import Intervention
from causalkit.models.temporal.temporal_model import TemporalCausalModel
from causalkit.typing import IntArray, Name, RandomState

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Regime", "Scenario"]


@dataclass(frozen=True, slots=True, eq=False)
class Regime:
    """A stretch of time in which some mechanisms differ.

    Attributes
    ----------
    n_steps : int
    do : mapping of name to number, Hold, Shift or Policy
        What is done to the mechanisms; windows of its own count from its first step.
    """

    n_steps: int
    do: Mapping[Name, Intervention]


@dataclass(frozen=True, slots=True, eq=False)
class Scenario:
    """A model whose draws are hidden in part, cut, or drawn under changing mechanisms.

    Attributes
    ----------
    model : TemporalCausalModel
    regimes : tuple of Regime
        One after the other.
    latents : tuple of names
    missing : object with `apply(data, rng)`, or None
    """

    model: TemporalCausalModel
    regimes: tuple[Regime, ...]
    latents: tuple[Name, ...] = ()
    missing: Any = None

    @classmethod
    def of(
        cls,
        model: TemporalCausalModel,
        n_steps: int,
        latents: tuple[Name, ...],
        missing: Any,
        regimes: Sequence[Regime | tuple[int, Mapping[Name, Intervention]]],
    ) -> Scenario:
        """Check the parts; without regimes it is one of `n_steps`.

        Raises
        ------
        InputError
            If a name is unknown, nothing is left to see, or `missing` cannot be applied.
        """
        variables = model.graph_.variables
        for name in latents:
            if name not in variables:
                raise UnknownVariableError.among(name, variables, where="the twin (latent)")
        if len(latents) == len(variables):
            raise InputError("all series are latent; expected one at least that is seen.")
        if missing is not None and not hasattr(missing, "apply"):
            raise InputError(
                f"missing is a {type(missing).__name__}; expected a value with apply(data, rng)."
            )
        parts = [part if isinstance(part, Regime) else Regime(*part) for part in regimes]
        for part in parts:
            check_count(part.n_steps, "n_steps of a regime")
        return cls(model, tuple(parts) or (Regime(n_steps, {}),), latents, missing)

    @property
    def graph(self) -> LaggedGraph:
        """Over all series, the latent ones too."""
        return self.model.graph_

    @property
    def observed(self) -> tuple[Name, ...]:
        """Series that are seen."""
        return tuple(name for name in self.graph.variables if name not in self.latents)

    @property
    def changing(self) -> tuple[Name, ...]:
        """Series whose mechanisms are not the same in all regimes."""
        touched = {name for part in self.regimes for name in part.do}
        return tuple(name for name in self.graph.variables if name in touched)

    @property
    def labels(self) -> IntArray:
        """Number of the regime of each step, shape (n_steps,)."""
        return np.repeat(np.arange(len(self.regimes)), [part.n_steps for part in self.regimes])

    def mag(self, max_lag: int | None = None) -> LaggedGraph:
        """MAG over the series that are seen; of many series it takes long.

        Parameters
        ----------
        max_lag : int, optional
            How far back; as far as the graph if left out.
        """
        from causalkit.graph.lagged_latent import lagged_mag

        lags = self.graph.max_lag if max_lag is None else check_count(max_lag, "max_lag")
        return lagged_mag(self.graph, self.observed, lags)

    def sample(self, rng: RandomState = None) -> pd.DataFrame:
        """Draw the series that are seen, all regimes one after the other.

        Parameters
        ----------
        rng : int, Generator or None

        Returns
        -------
        DataFrame
        """
        import pandas as pd

        *streams, holes = as_generator(rng).spawn(len(self.regimes) + 1)
        lags, parts, past = self.graph.max_lag, [], None
        for part, stream in zip(self.regimes, streams, strict=True):
            do = None if not part.do else part.do
            parts.append(self.model.sample(part.n_steps, rng=stream, do=do, start=past))
            past = pd.concat(parts, ignore_index=True).iloc[-lags:] if lags else None
        data = pd.concat(parts, ignore_index=True)[list(self.observed)]
        if self.missing is None:
            return data
        cut = self.missing.apply(data, holes)
        seen: pd.DataFrame = getattr(cut, "data", cut)
        return seen
