"""Noise that explains a table: what is kept of each row while its variables are changed.

A counterfactual takes three steps. *Abduct*: which noise gave this row? *Act*: change the model.
*Predict*: run the changed model with the same noise. Where value and causes determine the noise
(the mechanism is bijective), the answer is a number. Where they do not, as for a class or a count,
the noise is drawn from what the row leaves possible, and so is the answer.

>>> noises = Noises(("X", "Y"), (np.zeros(2), np.array([0.5, -0.5])))
>>> noises["Y"]
array([ 0.5, -0.5])
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from causalkit._core.report import Report, Reported
from causalkit.errors import UnknownVariableError
from causalkit.typing import FloatArray, Name

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Noises"]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Noises(Reported):
    """Noise of each variable for some rows.

    Attributes
    ----------
    names : tuple of names
        All nodes of the model, latent ones included.
    values : tuple of ndarray
        Of each node; the first axis is the row.
    exact : bool
        Whether the rows determine all of it; if not, some was drawn.
    """

    names: tuple[Name, ...]
    values: tuple[FloatArray, ...]
    exact: bool = True

    def __getitem__(self, name: Name) -> FloatArray:
        if name not in self.names:
            raise UnknownVariableError.among(name, self.names, where="the noise")
        return self.values[self.names.index(name)]

    def __len__(self) -> int:
        return len(self.values[0]) if self.values else 0

    def to_frame(self) -> pd.DataFrame:
        """Return a column a variable; where noise is a vector, one for each part of it."""
        import pandas as pd

        columns: dict[Name, FloatArray] = {}
        for name, value in zip(self.names, self.values, strict=True):
            if value.ndim == 1:
                columns[name] = value
                continue
            flat = value.reshape(len(value), -1)
            columns |= {f"{name}[{k}]": flat[:, k] for k in range(flat.shape[1])}
        return pd.DataFrame(columns)

    def _report(self) -> Report:
        rows = [
            (str(name), float(np.mean(value)), float(np.std(value)))
            for name, value in zip(self.names, self.values, strict=True)
        ]
        known = "determined by the rows" if self.exact else "partly drawn from what they leave open"
        return Report(
            f"Noise of {len(self):,} rows",
            facts=[("known", known)],
            columns=("variable", "mean", "sd"),
            rows=rows,
        )
