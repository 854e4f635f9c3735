"""Scenarios: draws from a model that are harder to read, with a truth that says how.

Variables are hidden after they were drawn, so what they share with the others is real confounding;
mechanisms differ between stretches of time, or, in a table, between environments (sites, studies);
cells are missing. Each changes what a method may hope for, and `Scenario` keeps what is true: the
graph with all variables and the names of those hidden, the MAG over those that are seen, which
variables have mechanisms that change, and in which steps or rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from causalkit._core.checks import check_count
from causalkit._core.random import as_generator
from causalkit.errors import InputError, UnknownVariableError
from causalkit.graph import CausalGraph, LaggedGraph, dag_to_mag
from causalkit.models.interventions import Intervention
from causalkit.models.observation.observed import Observed
from causalkit.models.structural.structural_model import StructuralCausalModel
from causalkit.models.temporal.temporal_model import TemporalCausalModel
from causalkit.typing import IntArray, Name, RandomState

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Regime", "Scenario"]


@dataclass(frozen=True, slots=True, eq=False)
class Regime:
    """A stretch of time, or an environment of a table, in which some mechanisms differ.

    Attributes
    ----------
    n_steps : int
        Of a table: rows.
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
    model : TemporalCausalModel or StructuralCausalModel
    regimes : tuple of Regime
        One after the other.
    latents : tuple of names
    missing : object with `apply(data, rng)`, or None
        It sees the latent variables too: they may be what makes cells missing.
    """

    model: TemporalCausalModel | StructuralCausalModel
    regimes: tuple[Regime, ...]
    latents: tuple[Name, ...] = ()
    missing: Any = None

    @classmethod
    def of(
        cls,
        model: TemporalCausalModel | StructuralCausalModel,
        n_steps: int,
        latents: tuple[Name, ...],
        missing: Any,
        regimes: Sequence[Regime | tuple[int, Mapping[Name, Intervention]]],
    ) -> Scenario:
        """Check the parts; without regimes it is one of `n_steps`.

        Raises
        ------
        InputError
            If nothing is left to see, or `missing` cannot be applied.
        UnknownVariableError
            If a name is no variable.
        """
        variables = _variables(model.graph_)
        for name in latents:
            if name not in variables:
                raise UnknownVariableError.among(name, variables, where="the twin (latent)")
        if set(latents) == set(variables):
            what = "series" if isinstance(model.graph_, LaggedGraph) else "columns"
            raise InputError(
                f"all {what} are latent; expected one at least that is seen. Hide fewer."
            )
        if missing is not None and not hasattr(missing, "apply"):
            raise InputError(
                f"missing is a {type(missing).__name__}; expected a value with apply(data, rng)."
            )
        parts = [part if isinstance(part, Regime) else Regime(*part) for part in regimes]
        for part in parts:
            check_count(part.n_steps, "n_steps of a regime")
            for name in part.do:
                if name not in variables:
                    raise UnknownVariableError.among(name, variables, where="the twin (regimes)")
        return cls(model, tuple(parts) or (Regime(n_steps, {}),), latents, missing)

    @property
    def graph(self) -> LaggedGraph | CausalGraph:
        """Over all variables, the latent ones too, where nothing is done."""
        return self.model.graph_

    @property
    def observed(self) -> tuple[Name, ...]:
        """Series or columns that are seen."""
        return tuple(name for name in _variables(self.graph) if name not in self.latents)

    @property
    def changing(self) -> tuple[Name, ...]:
        """Variables whose mechanisms are not the same in all regimes."""
        first = self.regimes[0].do
        return tuple(
            name
            for name in _variables(self.graph)
            if not all(_is_same(part.do.get(name), first.get(name)) for part in self.regimes)
        )

    @property
    def labels(self) -> IntArray:
        """Number of the regime of each step or row, shape (n_steps,)."""
        return np.repeat(np.arange(len(self.regimes)), [part.n_steps for part in self.regimes])

    def mag(self, max_lag: int | None = None) -> LaggedGraph | CausalGraph:
        """MAG over the variables that are seen; of many series it takes long.

        Parameters
        ----------
        max_lag : int, optional
            Of series: how far back; as far as the graph if left out.

        Returns
        -------
        LaggedGraph or CausalGraph
            Of a regime in which nothing is held or decided by a policy; what is done there takes
            edges away.

        Raises
        ------
        InputError
            If a lag is asked for of a table.
        """
        if isinstance(self.model, StructuralCausalModel):
            if max_lag is not None:
                raise InputError(
                    f"max_lag={max_lag!r}, and this is the twin of a table, which has no lags; "
                    "expected None. Leave it out."
                )
            return dag_to_mag(self.model.dag_, latent=(*self.latents, *self.model.latents_))
        from causalkit.graph.lagged_latent import lagged_mag

        lags = self.model.graph_.max_lag if max_lag is None else check_count(max_lag, "max_lag")
        return lagged_mag(self.model.graph_, self.observed, lags)

    def sample(self, rng: RandomState = None, *, label: Name | None = None) -> pd.DataFrame:
        """Draw the variables that are seen, all regimes one after the other.

        Parameters
        ----------
        rng : int, Generator or None
        label : name, optional
            Of a first column with :attr:`labels`, as methods for several environments read it.

        Returns
        -------
        DataFrame

        Raises
        ------
        InputError
            If a variable has the name of the label.
        """
        if label in _variables(self.graph):
            raise InputError(
                f"label={label!r} is a variable; expected another name. Choose one that is free."
            )
        *streams, holes = as_generator(rng).spawn(len(self.regimes) + 1)
        data = self._drawn(streams)
        if self.missing is not None:
            cut = self.missing.apply(data, holes)
            data = cut.data if isinstance(cut, Observed) else cut
        data = data[list(self.observed)]
        if label is not None:
            data.insert(0, label, self.labels)
        return data

    def _drawn(self, streams: Sequence[np.random.Generator]) -> pd.DataFrame:
        """All variables: series go on from regime to regime, rows of a table are new ones."""
        import pandas as pd

        parts: list[pd.DataFrame] = []
        past: pd.DataFrame | None = None
        for part, stream in zip(self.regimes, streams, strict=True):
            do = part.do or None
            if isinstance(self.model, StructuralCausalModel):
                parts.append(self.model.sample(part.n_steps, stream, do=do))
                continue
            lags = self.model.graph_.max_lag
            parts.append(self.model.sample(part.n_steps, rng=stream, do=do, start=past))
            past = pd.concat(parts, ignore_index=True).iloc[-lags:] if lags else None
        return pd.concat(parts, ignore_index=True)


def _is_same(one: Intervention | None, other: Intervention | None) -> bool:
    numbers = isinstance(one, Real) and isinstance(other, Real)
    return one is other or (numbers and one == other)


def _variables(graph: LaggedGraph | CausalGraph) -> tuple[Name, ...]:
    return graph.variables if isinstance(graph, LaggedGraph) else graph.nodes
