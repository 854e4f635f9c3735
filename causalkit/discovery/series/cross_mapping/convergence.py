"""`CrossMapConvergence`: how cross maps improve with more moments to find neighbours among."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from causalkit._core.report import Report, Reported
from causalkit.graph.marks import show_name
from causalkit.typing import FloatArray, IntArray, Name

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["CrossMapConvergence"]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class CrossMapConvergence(Reported):
    """Skill of each cross map by the size of the library.

    Attributes
    ----------
    variables : tuple of names
    sizes : ndarray of int, shape (n_sizes,)
        Moments in the library.
    skill : ndarray of shape (n_sizes, p, p)
        `[size, cause, effect]`: correlation of the cause with its estimate from the effect, mean
        over libraries.
    lower, upper : ndarrays of shape (n_sizes, p, p)
        5 % and 95 % quantile over libraries.
    threshold : ndarray of shape (p, p)
        Skill with the largest library that a share `alpha` of the surrogates exceeds.
    skill_p_values, gain_p_values : ndarrays of shape (p, p)
        Share of surrogates with a skill as high, and with a skill that grows as much.
    alpha : float
    """

    variables: tuple[Name, ...]
    sizes: IntArray
    skill: FloatArray
    lower: FloatArray
    upper: FloatArray
    threshold: FloatArray
    skill_p_values: FloatArray
    gain_p_values: FloatArray
    alpha: float

    def pairs(self) -> tuple[tuple[Name, Name], ...]:
        """All (cause, effect), those with the highest skill first."""
        where = [(i, j) for i, j in np.argwhere(~np.isnan(self.skill[-1])).tolist()]
        where.sort(key=lambda pair: (-self.skill[-1][pair], pair))
        return tuple((self.variables[i], self.variables[j]) for i, j in where)

    def to_frame(self) -> pd.DataFrame:
        """One row a pair and size: cause, effect, library, skill, lower, upper."""
        import pandas as pd

        rows: list[tuple[Any, ...]] = []
        for cause, effect in self.pairs():
            i, j = self.variables.index(cause), self.variables.index(effect)
            for k, size in enumerate(self.sizes.tolist()):
                values = (self.skill[k, i, j], self.lower[k, i, j], self.upper[k, i, j])
                rows.append((cause, effect, size, *map(float, values)))
        columns = ["cause", "effect", "library", "skill", "lower", "upper"]
        return pd.DataFrame(rows, columns=columns)

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw the curves; see :func:`causalkit.plotting.plot_convergence`."""
        from causalkit.plotting import plot_convergence

        return plot_convergence(self, ax=ax, **style)

    def _report(self) -> Report:
        pairs = self.pairs()
        rows = []
        for cause, effect in pairs[:40]:
            i, j = self.variables.index(cause), self.variables.index(effect)
            ends = float(self.skill[0, i, j]), float(self.skill[-1, i, j])
            found = float(self.skill_p_values[i, j]), float(self.gain_p_values[i, j])
            rows.append((show_name(cause), show_name(effect), *ends, *found))
        small, large = int(self.sizes[0]), int(self.sizes[-1])
        notes = ["skill: correlation of the cause with its estimate from the effect."]
        if len(pairs) > 40:
            notes.append(f"{len(pairs) - 40} more pairs with less skill.")
        return Report(
            f"Cross maps from {small} to {large} moments",
            columns=(
                "cause", "effect", f"skill {small}", f"skill {large}", "p (skill)", "p (growth)",
            ),
            rows=rows,
            notes=notes,
        )  # fmt: skip
