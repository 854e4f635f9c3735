"""`Draw`: data from a random model, with what is true of them.

A draw is what a benchmark needs in one value: the data, the graph over what is observed, who was
acted upon or changed in which environment, and the model, which knows every effect. It also says
how easily its graph is guessed from variances or from R² alone:

>>> from causalkit.models.random_models.tabular import random_model
>>> draw = random_model(n_nodes=10, rng=0).sample(500, rng=0)
>>> abs(draw.varsortability - 0.5) < 0.3
True
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from causalkit._core.report import Report, Reported
from causalkit.graph import CausalGraph
from causalkit.models.truth import Truth
from causalkit.typing import FloatArray, Name

if TYPE_CHECKING:
    import pandas as pd

    from causalkit.models.random_models.tabular_model import RandomModel

__all__ = ["Draw"]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Draw(Reported):
    """Data from a random model, and the truth about them.

    Attributes
    ----------
    data : DataFrame
        The observed variables; discrete ones as integers 0, 1, …. If rows come from several
        environments, a column says from which.
    graph : CausalGraph
        Over the observed variables: a DAG, or an ADMG if latent ones confound them.
    model : RandomModel
    environment : str or None
        Column that says which domain or environment a row is from.
    targets : mapping of label to tuple of names
        Variables with another mechanism in each of them; empty without environments.

    References
    ----------
    Reisach, Seiler and Weichwald (2021), "Beware of the simulated DAG!", NeurIPS,
    doi:10.48550/arXiv.2102.13647. Reisach, Tami, Seiler, Chambaz and Weichwald (2023), "A
    scale-invariant sorting criterion to find a causal order in additive noise models", NeurIPS,
    doi:10.48550/arXiv.2303.18211.
    """

    data: pd.DataFrame
    graph: CausalGraph
    model: RandomModel
    environment: str | None = None
    targets: Mapping[int, tuple[Name, ...]] = field(default_factory=lambda: MappingProxyType({}))

    def effect(self, treatment: Name, outcome: Name, **settings: Any) -> Truth:
        """Average effect in the model, as :meth:`RandomModel.effect`."""
        return self.model.effect(treatment, outcome, **settings)

    def to_frame(self) -> pd.DataFrame:
        """Return the data."""
        return self.data

    @property
    def varsortability(self) -> float:
        """Share of the directed paths along which the variance rises; 1/2 says nothing.

        Of directed edges among the observed variables; NaN without any.
        """
        return self._aligned(self._values().var(axis=0))

    @property
    def r2_sortability(self) -> float:
        """Share of the directed paths along which R² given all others rises; 1/2 says nothing.

        NaN without directed edges, with fewer rows than variables, or if a variable is constant or
        determined by others.
        """
        values = self._values()
        if len(values) <= values.shape[1] + 1 or not np.ptp(values, axis=0).all():
            return float("nan")
        correlations = np.atleast_2d(np.corrcoef(values, rowvar=False))
        try:
            explained = 1.0 - 1.0 / np.diagonal(np.linalg.inv(correlations))
        except np.linalg.LinAlgError:
            return float("nan")
        return self._aligned(explained)

    def _values(self) -> FloatArray:
        values: FloatArray = self.data[list(self.graph.nodes)].to_numpy(dtype=np.float64)
        return values

    def _aligned(self, numbers: FloatArray) -> float:
        from causalkit.discovery.continuous._order_alignment import order_alignment

        return order_alignment(self.graph.directed, np.maximum(numbers, np.finfo(np.float64).tiny))

    def _report(self) -> Report:
        spec = self.model.spec
        facts: list[tuple[str, object]] = [
            ("rows", len(self.data)),
            ("graph", f"{self.graph.kind.name}, {len(self.graph.edges())} edges"),
            ("mechanisms", f"{spec.mechanism}, {spec.noise} noise"),
        ]
        if len(self.graph.nodes) <= 200:
            facts += [
                ("varsortability", self.varsortability),
                ("R²-sortability", self.r2_sortability),
            ]
        if self.model.latents:
            facts.append(("latent variables", len(self.model.latents)))
        if self.model.selection is not None:
            facts.append(("selection by", ", ".join(map(str, self.model.selection.causes))))
        if not self.targets:
            return Report("Draw from a random model", facts)
        rows = [(label, ", ".join(map(str, names)) or "–") for label, names in self.targets.items()]
        return Report("Draw from a random model", facts, (str(self.environment), "targets"), rows)
