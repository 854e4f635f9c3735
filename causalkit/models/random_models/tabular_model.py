"""`RandomModel`: a model of a table that was drawn at random, and the data it draws.

It holds what is true in full: the DAG over observed and latent variables, every mechanism, who is
seen, what differs between domains. From this follow the graph over the observed variables, effects,
and data in which somebody acts on variables; `Draw` says of each draw what was done.

>>> from causalkit.models import random_model
>>> model = random_model(n_nodes=4, n_latents=1, rng=0)
>>> len(model.dag.nodes), len(model.graph.nodes), model.graph.kind.name
(5, 4, 'ADMG')
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from causalkit._core.checks import as_names, check_choice, check_count, check_positive
from causalkit._core.random import as_generator
from causalkit._core.report import Report, Reported
from causalkit.errors import InputError
from causalkit.graph import CausalGraph, dag_to_mag, latent_projection
from causalkit.graph.marks import ARROW, TAIL, Kind
from causalkit.models.mechanisms.base import Mechanism
from causalkit.models.random_models.building import PILOT, other_mechanisms
from causalkit.models.random_models.drawn_data import Draw
from causalkit.models.random_models.environments import (
    KINDS,
    Act,
    acted_mechanism,
    check_shift,
    drawn_targets,
    even_sizes,
    stacked,
)
from causalkit.models.random_models.selection import Selection, seen_rows
from causalkit.models.random_models.specification import ModelSpec
from causalkit.models.structural.structural_model import StructuralCausalModel
from causalkit.models.truth import Truth
from causalkit.typing import Name, Names, RandomState

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RandomModel"]

_SEEN: Final = "seen"


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class RandomModel(Reported):
    """A model drawn at random.

    Attributes
    ----------
    spec : ModelSpec
    dag : CausalGraph
        Kind DAG, over the observed variables and then the latent ones.
    latents : tuple of names
    mechanisms : mapping of name to Mechanism
        Of the first domain.
    n_levels : mapping of name to int
        Levels of each variable, which are 0, 1, …; 0 for a continuous one.
    selection : Selection or None
        Which units are seen.
    changes : tuple of mapping of name to Mechanism
        What is different in each domain after the first.
    """

    spec: ModelSpec
    dag: CausalGraph
    latents: tuple[Name, ...]
    mechanisms: Mapping[Name, Mechanism]
    n_levels: Mapping[Name, int]
    selection: Selection | None = None
    changes: tuple[Mapping[Name, Mechanism], ...] = ()

    @property
    def observed(self) -> tuple[Name, ...]:
        """Names of the columns."""
        return tuple(name for name in self.dag.nodes if name not in self.latents)

    @property
    def graph(self) -> CausalGraph:
        """The truth over the observed variables: a DAG, or an ADMG if latent ones confound them.

        It answers questions about interventions in the whole population. Of dependence among the
        units that are seen under `selection`, :attr:`mag` is the truth.
        """
        return latent_projection(self.dag, self.observed) if self.latents else self.dag

    @property
    def mag(self) -> CausalGraph:
        """The MAG over the observed variables, latent ones and selection taken into account."""
        if self.selection is None:
            return dag_to_mag(self.dag, latent=self.latents)
        p = len(self.dag.nodes)
        ends = np.zeros((p + 1, p + 1), dtype=np.uint8)
        ends[:p, :p] = self.dag.ends
        causes = self.dag.indices(self.selection.causes)
        ends[causes, p], ends[p, causes] = ARROW, TAIL
        whole = CausalGraph((*self.dag.nodes, _SEEN), ends, Kind.DAG)
        return dag_to_mag(whole, latent=self.latents, selection=_SEEN)

    @property
    def structural(self) -> StructuralCausalModel:
        """The same as a structural causal model: of the whole population, in the first domain."""
        return StructuralCausalModel.from_mechanisms(self.dag, self.mechanisms, self.latents)

    @property
    def changed(self) -> Mapping[int, tuple[Name, ...]]:
        """Variables with another mechanism than in domain 0, by domain."""
        found: dict[int, tuple[Name, ...]] = {0: ()} if self.changes else {}
        for k, change in enumerate(self.changes, start=1):
            found[k] = tuple(name for name in self.dag.nodes if name in change)
        return MappingProxyType(found)

    def in_domain(self, domain: int) -> RandomModel:
        """Return the model of one domain alone; domain 0 is the first.

        Raises
        ------
        InputError
            If there is no such domain.
        """
        domain = check_choice(domain, "domain", range(len(self.changes) + 1))
        change = self.changes[domain - 1] if domain else {}
        return replace(self, mechanisms={**self.mechanisms, **change}, changes=())

    def effect(self, treatment: Name, outcome: Name, **settings: Any) -> Truth:
        """Average effect in the whole population of the first domain.

        Parameters
        ----------
        treatment, outcome : name
        **settings
            As :meth:`StructuralCausalModel.effect` takes them.

        Returns
        -------
        Truth
            Exact if what lies between is linear, else with its Monte Carlo error.

        Examples
        --------
        >>> from causalkit.models import random_model
        >>> model = random_model(n_nodes=3, degree=2.0, rng=0)
        >>> cause, effect = model.dag.nodes[model.dag.order[0]], model.dag.nodes[model.dag.order[2]]
        >>> model.effect(cause, effect).exact
        True
        """
        return self.structural.effect(treatment, outcome, **settings)

    # --- data ------------------------------------------------------------------------------------

    def sample(self, n: int, *, rng: RandomState = None) -> Draw:
        """Draw rows.

        Parameters
        ----------
        n : int
            Rows in all. With several domains, as many of each (the first ones have one more if
            that cannot be), and a column `domain` says which.
        rng : int, Generator or None

        Returns
        -------
        Draw
            The data, and what is true of them.
        """
        n, generator = check_count(n, "n"), as_generator(rng)
        if not self.changes:
            return Draw(self._rows(n, generator), self.graph, self)
        streams = generator.spawn(len(self.changes) + 1)
        parts = [
            self.in_domain(k)._rows(size, stream)
            for k, (size, stream) in enumerate(
                zip(even_sizes(n, len(streams)), streams, strict=True)
            )
        ]
        return Draw(stacked(parts, "domain"), self.graph, self, "domain", self.changed)

    def sample_interventions(
        self,
        n: int,
        targets: Sequence[Names] | None = None,
        *,
        kind: Act = "hard",
        n_environments: int = 3,
        n_targets: int = 1,
        strength: float = 2.0,
        observational: bool = True,
        rng: RandomState = None,
    ) -> Draw:
        """Draw rows of several environments, in which somebody acts on variables.

        Parameters
        ----------
        n : int
            Rows in all, spread evenly.
        targets : sequence of names, optional
            What is acted upon in each environment; drawn at random if left out.
        kind : {"hard", "shift", "soft"}
            Set to independent random values around `strength` standard deviations up or down;
            shifted by as much; or with another mechanism of the same causes.
        n_environments, n_targets : int
            If targets are drawn: how many environments with interventions, and targets in each.
        strength : float, default 2
        observational : bool, default True
            Whether environment 0 is one in which nobody acts.
        rng : int, Generator or None

        Returns
        -------
        Draw
            The data have a column `environment`; `Draw.targets` says what was acted upon in each.
            In the first domain, if there are several.

        Raises
        ------
        InputError
            If there are more environments than rows, or a discrete variable should be shifted.
        NumericalError
            If hardly any unit is seen, with selection, after an intervention.
        UnknownVariableError
            If a target is not observed.

        Examples
        --------
        >>> from causalkit.models import random_model
        >>> model = random_model(n_nodes=4, rng=0)
        >>> draw = model.sample_interventions(400, n_environments=2, rng=0)
        >>> list(draw.data.columns)
        ['environment', 'x0', 'x1', 'x2', 'x3']
        """
        n, generator = check_count(n, "n"), as_generator(rng)
        kind = check_choice(kind, "kind", KINDS)
        check_positive(strength, "strength")
        if targets is None:
            count = check_count(n_environments, "n_environments")
            chosen = drawn_targets(self.observed, count, n_targets, generator)
        else:
            chosen = tuple(self._as_targets(names) for names in targets)
        if kind == "shift":
            check_shift([name for names in chosen for name in names], self.n_levels)
        acts = ((), *chosen) if observational else chosen
        if not acts or len(acts) > n:
            raise InputError(
                f"n={n} rows and {len(acts)} environments; expected at least one environment, and "
                "a row for each. Ask for more rows, or name targets."
            )
        pilot = self.structural.sample(PILOT, generator, with_latents=True)
        streams = generator.spawn(len(acts))
        parts = [
            self._acted(names, kind, strength, pilot, stream)._rows(size, stream)
            for names, size, stream in zip(acts, even_sizes(n, len(acts)), streams, strict=True)
        ]
        labels = range(0 if observational else 1, len(chosen) + 1)
        named = MappingProxyType(dict(zip(labels, acts, strict=True)))
        data = stacked(parts, "environment", first=labels[0])
        return Draw(data, self.graph, self, "environment", named)

    def _as_targets(self, names: Names) -> tuple[Name, ...]:
        observed = self.graph
        return tuple(observed.nodes[observed.index(name)] for name in as_names(names))

    def _acted(
        self,
        targets: tuple[Name, ...],
        kind: Act,
        strength: float,
        pilot: pd.DataFrame,
        rng: np.random.Generator,
    ) -> RandomModel:
        """The model in which somebody acts on these variables."""
        if kind == "soft":
            return self._with(
                other_mechanisms(self.spec, self.dag, self.n_levels, targets, pilot, rng)
            )
        return self._with(
            {
                name: acted_mechanism(
                    kind,
                    self.mechanisms[name],
                    self.n_levels[name],
                    rng,
                    spread=float(pilot[name].std()),
                    strength=strength,
                )
                for name in targets
            }
        )

    def _with(self, mechanisms: Mapping[Name, Mechanism]) -> RandomModel:
        """The model with some mechanisms replaced, in one domain."""
        return replace(self, mechanisms={**self.mechanisms, **mechanisms}, changes=())

    def _rows(self, n: int, rng: np.random.Generator) -> pd.DataFrame:
        """Rows of units that are seen, discrete variables as integers."""
        model = self.structural
        if self.selection is None:
            rows = model.sample(n, rng)
        else:
            rows = seen_rows(model, self.selection, self.spec.selection or 1.0, n, rng)
        discrete = [name for name in self.observed if self.n_levels[name]]
        return rows.astype(dict.fromkeys(discrete, np.int64)) if discrete else rows

    def _report(self) -> Report:
        spec = self.spec
        facts: list[tuple[str, object]] = [
            ("observed variables", len(self.observed)),
            ("edges among them", f"{len(self.graph.edges())} ({spec.graph})"),
            ("mechanisms", f"{spec.mechanism}, {spec.noise} noise"),
            ("standard units", "while it is built" if spec.standardize else "no"),
        ]
        if self.latents:
            facts.append(("latent variables", len(self.latents)))
        if self.selection is not None:
            by = ", ".join(map(str, self.selection.causes))
            facts.append(("share seen", f"{spec.selection} by {by}"))
        if not self.changes:
            return Report("Random model", facts)
        rows = [(k, ", ".join(map(str, names)) or "–") for k, names in self.changed.items()]
        return Report("Random model", facts, ("domain", "other mechanisms"), rows)
