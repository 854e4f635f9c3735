"""Direct and total effects of a linear model.

A coefficient of a linear acyclic model says by how much j changes if i is raised by one and all
other causes of j are held. The total effect adds up all directed paths from i to j, each the
product of its coefficients: it says by how much j changes if i is raised by one and nothing is
held. With the coefficients in a matrix B it is the entry of (I - B)⁻¹.

>>> import numpy as np
>>> direct = EffectMatrix(("a", "b", "c"), np.array([[0, 2, 1], [0, 0, 3], [0, 0, 0.0]]))
>>> direct.total().of("a", "c")  # 1 + 2 * 3
7.0
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from causalkit._core.report import Report, Reported
from causalkit.errors import UnknownVariableError
from causalkit.graph.marks import show_name
from causalkit.typing import FloatArray, Name

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["EffectMatrix", "positions"]

_SHOWN: Final = 20


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class EffectMatrix(Reported):
    """Effects of each variable on each other one, in the units of the data.

    Attributes
    ----------
    names : tuple of names
        Of rows and columns.
    values : ndarray of shape (p, p)
        `values[i, j]` is the effect of i on j: units of j for one unit of i. Read-only.
    title : str
        What kind of effects they are.
    """

    names: tuple[Name, ...]
    values: FloatArray
    title: str = "Direct effects"

    def __post_init__(self) -> None:
        self.values.flags.writeable = False

    def of(self, cause: Name, effect: Name) -> float:
        """Effect of `cause` on `effect`; 0 if there is none.

        Raises
        ------
        UnknownVariableError
            If there is no such variable.
        """
        i, j = positions(self.names, cause, effect)
        return float(self.values[i, j])

    def total(self) -> EffectMatrix:
        """Sum over all directed paths, if these are direct effects; 0 of a variable on itself."""
        eye = np.eye(len(self.names))
        found, power = eye, np.array(self.values)
        # (I - B)⁻¹ = (I + B)(I + B²)(I + B⁴)…; where no path leads, the sums are exactly 0.
        for _ in range(len(eye).bit_length()):
            found, power = found + found @ power, power @ power
        return EffectMatrix(self.names, found - eye, "Total effects")

    def to_frame(self) -> pd.DataFrame:
        """Causes as rows, effects as columns."""
        import pandas as pd

        index = pd.Index(self.names, dtype=object)
        return pd.DataFrame(self.values.copy(), index=index, columns=index)

    def _report(self) -> Report:
        pairs = np.argwhere(self.values != 0)
        shown = [
            [show_name(self.names[i]), show_name(self.names[j]), float(self.values[i, j])]
            for i, j in pairs[:_SHOWN].tolist()
        ]
        more = len(pairs) - len(shown)
        notes = [f"… and {more} more" if more > 0 else "All others are 0."]
        return Report(self.title, columns=["cause", "effect", "value"], rows=shown, notes=notes)


def positions(names: tuple[Name, ...], *wanted: Name) -> list[int]:
    """Where these names stand, each of which must be there."""
    for name in wanted:
        if name not in names:
            raise UnknownVariableError.among(name, names)
    return [names.index(name) for name in wanted]
