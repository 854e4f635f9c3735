"""Between tables and arrays: a row a node, levels as their positions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from causalkit._core.checks import check_complete
from causalkit._core.column_values import BOOLEAN
from causalkit._core.table import as_table
from causalkit.errors import InputError
from causalkit.graph import CausalGraph
from causalkit.models.interventions import Hold, Intervention, Policy, Shift
from causalkit.typing import Data, FloatArray, Name

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Labels"]


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """Which nodes there are, which of them are not observed, and what their levels are called."""

    dag: CausalGraph
    latents: tuple[Name, ...]
    levels: Mapping[Name, tuple[object, ...]]

    def values(self, data: Data, *, with_latents: bool) -> FloatArray:
        """Values of all nodes, shape (p, n), levels as in the model; NaN for what is not read."""
        names = [name for name in self.dag.nodes if with_latents or name not in self.latents]
        table = as_table(data, columns=names)
        check_complete(table, who="a counterfactual")
        values = np.full((len(self.dag.nodes), table.n_rows), np.nan)
        values[self.dag.indices(names)] = table.values.T
        for name, levels in zip(table.names, table.levels, strict=True):
            k = self.dag.index(name)
            known = self.levels.get(name)
            if levels in (known, None) or (known is None and levels == BOOLEAN):
                continue  # the same, or positions of levels
            if known is None or levels is None or not set(levels) <= set(known):
                raise InputError(
                    f"column {name!r} has levels {levels}, and the model knows {known}; expected "
                    "the same. Recode the column."
                )
            places = np.array([known.index(level) for level in levels], dtype=np.float64)
            values[k] = places[values[k].astype(np.intp)]
        return values

    def frame(self, values: FloatArray, *, with_latents: bool) -> pd.DataFrame:
        """Return values of shape (p, n) as columns, levels by their names."""
        import pandas as pd

        names = self.dag.nodes
        kept = [k for k, name in enumerate(names) if with_latents or name not in self.latents]
        frame = pd.DataFrame(
            (values if len(kept) == len(names) else values[kept]).T,
            columns=[names[k] for k in kept],
        )
        for name in frame.columns:
            levels: tuple[Any, ...] | None = self.levels.get(name)
            if levels is None:
                continue
            codes = frame[name].to_numpy()
            places = codes.astype(np.intp)
            if (places != codes).any() or places.min() < 0 or places.max() >= len(levels):
                raise InputError(
                    f"{name!r} has values that are no position of a level; expected 0 to "
                    f"{len(levels) - 1}. Hold a category at one of its levels, do not shift it."
                )
            if levels == BOOLEAN:
                frame[name] = places.astype(np.bool_)
            else:
                frame[name] = pd.Categorical.from_codes(places, categories=pd.Index(levels))
        return frame

    def coded(self, do: Mapping[Name, Any]) -> dict[Name, Intervention]:
        """Return interventions with labels as positions of levels."""
        if not isinstance(do, Mapping):
            raise InputError(f"do is a {type(do).__name__}; expected a dict, such as {{'X': 1.0}}.")
        return {name: self.code(name, what) for name, what in do.items()}

    def code(self, name: Name, what: Any) -> Any:
        """Return what is done to a variable, a label as the position of its level."""
        levels = self.levels.get(self.dag.nodes[self.dag.index(name)])
        if isinstance(what, Shift | Policy | np.ndarray):
            return what
        label = what.value if isinstance(what, Hold) else what
        if levels is None or isinstance(label, np.ndarray):
            return float(what) if isinstance(what, bool | np.bool_) else what
        if label in levels:
            code = float(levels.index(label))
        elif not isinstance(label, str) and label in range(len(levels)):
            code = float(label)
        else:
            raise InputError(
                f"{name!r} has no level {label!r}; expected one of {', '.join(map(repr, levels))}."
            )
        return Hold(code, what.start, what.stop) if isinstance(what, Hold) else code
