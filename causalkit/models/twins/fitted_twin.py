"""What fitting a twin takes and what it leaves, the same for series and for tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from causalkit.discovery.series.preparation.outages import Outage
from causalkit.graph import CausalGraph, LaggedGraph
from causalkit.models.observation.pattern import MissingPattern
from causalkit.models.structural.structural_model import StructuralCausalModel
from causalkit.models.temporal.temporal_model import TemporalCausalModel
from causalkit.models.twins.column_forms import ColumnForm
from causalkit.models.twins.gaps import GapPattern
from causalkit.typing import Name, RandomState

__all__ = ["FittedTwin", "TwinSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TwinSettings:
    """Settings of a `Twin`, checked."""

    max_lag: int
    mechanism: str | Mapping[Name, Any]
    noise: str
    is_fast: bool
    lag_zero: str
    outages: str
    season: tuple[int, ...] | None
    panel: Name | None
    time: Name | None
    random_state: RandomState

    @property
    def is_quick(self) -> bool:
        """Whether mechanisms are ours to choose, among the quick ones."""
        return self.is_fast and isinstance(self.mechanism, str) and self.mechanism == "auto"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class FittedTwin:
    """Model and truth of a twin, and how its columns are recorded."""

    model: TemporalCausalModel | StructuralCausalModel
    graph: LaggedGraph | CausalGraph
    forms: dict[Name, ColumnForm]
    gaps: GapPattern | MissingPattern | None
    n_rows: int
    outages: tuple[Outage, ...] = ()
    copies: Mapping[Name, Name] = field(default_factory=dict)
