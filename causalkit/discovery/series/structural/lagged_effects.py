"""Direct and total effects of a linear model of series, step by step.

The coefficient of X, l steps ago, on Y says by how much Y changes if X was one unit higher l steps
ago and all other causes of Y are held. The total effect adds up all paths through time: it says by
how much Y changes if X was one unit higher at that step alone, and nothing else is held.

>>> import numpy as np
>>> now, before = np.array([[0, 2.0], [0, 0]]), np.array([[0.5, 0], [0, 0.1]])
>>> direct = LaggedEffects(("X", "Y"), np.array([now, before]))
>>> direct.of("X[t-1]", "Y")
0.0
>>> direct.total(2).of("X[t-1]", "Y")  # X[t-1] -> X[t] -> Y[t], and X[t-1] -> Y[t-1] -> Y[t]
1.2
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from causalkit._core.checks import check_count
from causalkit._core.report import Report, Reported
from causalkit.discovery.lingam.lingam_effects import EffectMatrix
from causalkit.errors import InputError, UnknownVariableError
from causalkit.graph import Lagged
from causalkit.graph.lagged import as_lagged
from causalkit.graph.lagged_template import in_template, lagged_nodes
from causalkit.typing import FloatArray, Name

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LaggedEffects"]

_SHOWN: Final = 20


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LaggedEffects(Reported):
    """Effects of each series on each other one, now and later, in the units of the data.

    Attributes
    ----------
    names : tuple of names
        Of the series.
    values : ndarray of shape (max_lag + 1, p, p)
        `values[l, i, j]` is the effect of i on j, l steps later: units of j for one unit of i.
        Read-only.
    title : str
        What kind of effects they are.
    """

    names: tuple[Name, ...]
    values: FloatArray
    title: str = "Direct effects"

    def __post_init__(self) -> None:
        self.values.flags.writeable = False

    @property
    def max_lag(self) -> int:
        """Longest lag."""
        return len(self.values) - 1

    def of(self, cause: object, effect: object) -> float:
        """Effect of one node on another; 0 if there is none, or if the cause comes later.

        Parameters
        ----------
        cause, effect : Lagged, str, int, or (name, lag)
            Nodes such as `"X[t-1]"` and `"Y[t]"`; `"Y"` is Y[t]. Only the steps between them count.

        Raises
        ------
        UnknownVariableError
            If there is no such series.
        InputError
            If they are farther apart than effects were calculated for.
        """
        a, b = as_lagged(cause, self.names), as_lagged(effect, self.names)
        for node in (a, b):
            if node.name not in self.names:
                raise UnknownVariableError.among(node.name, self.names)
        past, now = in_template(a, b)
        if past.lag > self.max_lag:
            raise InputError(
                f"{past} and {now} are {past.lag} steps apart; expected {self.max_lag} at most, as "
                "far as there are effects. Ask for total effects up to a longer horizon."
            )
        if a.lag < b.lag:
            return 0.0
        i, j = self.names.index(a.name), self.names.index(b.name)
        return float(self.values[past.lag, i, j])

    def total(self, horizon: int) -> LaggedEffects:
        """Sum over all directed paths through time, if these are direct effects.

        Parameters
        ----------
        horizon : int
            Steps ahead.

        Returns
        -------
        LaggedEffects
            `values[h, i, j]`: by how much j changes h steps after i is raised by one unit at one
            step alone (the impulse response). 0 of a series on itself within the step.

        Notes
        -----
        With x_t = Σ x_{t-l} B_l + e_t, in rows, the effects T_h solve T_0 = (I - B_0)⁻¹ and
        T_h = (Σ T_{h-l} B_l) T_0, the sum over lags from 1.
        """
        horizon = check_count(horizon, "horizon", minimum=0)
        eye = np.eye(len(self.names))
        within = EffectMatrix(self.names, np.array(self.values[0])).total().values + eye
        found = np.zeros((horizon + 1, *within.shape))
        found[0] = within
        for h in range(1, horizon + 1):
            for lag in range(1, min(h, self.max_lag) + 1):
                found[h] += found[h - lag] @ self.values[lag]
            found[h] = found[h] @ within
        found[0] -= eye
        return LaggedEffects(self.names, found, "Total effects")

    def to_frame(self) -> pd.DataFrame:
        """Causes `X[t], Y[t], …, X[t-1], …` as rows, effects at t as columns."""
        import pandas as pd

        nodes = lagged_nodes(self.names, self.max_lag)
        values = self.values.reshape(len(nodes), len(self.names)).copy()
        columns = pd.Index(list(nodes[: len(self.names)]), dtype=object)
        return pd.DataFrame(values, index=pd.Index(list(nodes), dtype=object), columns=columns)

    def _report(self) -> Report:
        found = np.argwhere(self.values != 0)
        shown = [
            [
                str(Lagged(self.names[i], lag)),
                str(Lagged(self.names[j])),
                float(self.values[lag, i, j]),
            ]
            for lag, i, j in found[:_SHOWN].tolist()
        ]
        more = len(found) - len(shown)
        notes = [f"… and {more} more" if more > 0 else "All others are 0."]
        return Report(self.title, columns=["cause", "effect", "value"], rows=shown, notes=notes)
