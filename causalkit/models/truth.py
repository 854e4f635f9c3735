"""`Truth`: an effect as the model itself has it, and how exactly it is known.

A model that data are drawn from knows its effects. Where the mechanisms between treatment and
outcome are linear and add their noise, the effect is a sum of products of slopes and known exactly.
Elsewhere it is the mean difference of two runs of the model with the same noise, and known up to a
Monte Carlo error that more draws make smaller. A `Truth` says which of the two it is, so that a
benchmark can tell the bias of an estimator from the error of the yardstick.

>>> truth = Truth(2.0, std_error=0.01, exact=False, question="effect of X on Y")
>>> truth.agrees(2.03), truth.agrees(2.5)
(True, False)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from causalkit._core.report import Report, Reported
from causalkit.typing import FloatArray

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Truth"]

_ROUNDING = 1e-10


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Truth(Reported):
    """An effect in a model.

    Attributes
    ----------
    value : float
    std_error : float
        Monte Carlo standard error; 0 if exact.
    exact : bool
        Whether the value comes from a closed form.
    question : str
        What it is the value of, in words.
    n_draws : int
        Rows that were drawn for it; 0 if exact.

    Examples
    --------
    >>> Truth(0.5, 0.0, exact=True, question="effect of X on Y")
    effect of X on Y
    ────────────────
    value  0.5
    known  exactly
    """

    value: float
    std_error: float = 0.0
    exact: bool = True
    question: str = "effect"
    n_draws: int = 0

    def __float__(self) -> float:
        return float(self.value)

    def agrees(self, value: float, *, std_error: float = 0.0, within: float = 4.0) -> bool:
        """Whether another number agrees with the truth.

        Parameters
        ----------
        value : float
        std_error : float, default 0
            Of that number.
        within : float, default 4
            Standard errors of the difference that are allowed, beyond rounding.

        Returns
        -------
        bool
        """
        error = within * float(np.hypot(self.std_error, std_error))
        return abs(value - self.value) <= error + _ROUNDING * max(1.0, abs(self.value))

    def to_frame(self) -> pd.DataFrame:
        """Return one row: question, value, std_error, exact, n_draws."""
        import pandas as pd

        return pd.DataFrame(
            {
                "question": [self.question],
                "value": [self.value],
                "std_error": [self.std_error],
                "exact": [self.exact],
                "n_draws": [self.n_draws],
            }
        )

    def _report(self) -> Report:
        facts: list[tuple[str, object]] = [("value", self.value)]
        if self.exact:
            facts.append(("known", "exactly"))
        else:
            facts += [
                ("Monte Carlo error", self.std_error),
                ("known", f"from {self.n_draws:,} rows drawn"),
            ]
        return Report(self.question, facts=facts)


def mean_truth(differences: FloatArray, question: str) -> Truth:
    """Mean of differences between runs with the same noise, shape (n,), and its error."""
    n = len(differences)
    error = float(differences.std(ddof=1) / np.sqrt(n)) if n > 1 else float("inf")
    return Truth(float(differences.mean()), error, exact=False, question=question, n_draws=n)
