"""`ConditionalEffects`: an effect for each row, with how sure we are of each.

The intervals are *pointwise*: each covers the effect at its own row's modifiers with the stated
probability, not all of them at once. And they are intervals of the model that was fitted: a model
that cannot follow the true effects gives narrow intervals around wrong ones. How far to believe
them is a question for held-out rows: :func:`~causalkit.estimation.rank_weighted_effect`,
:func:`~causalkit.estimation.calibrate_effects` and :func:`~causalkit.estimation.group_effects`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from causalkit._core.checks import check_fraction
from causalkit._core.report import Report, Reported
from causalkit.errors import InputError, UnknownVariableError
from causalkit.estimation.effect import quantile
from causalkit.typing import FloatArray, IntArray

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["ConditionalEffects"]

_QUANTILES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class ConditionalEffects(Reported):
    """Effects of a treatment, one a row.

    Attributes
    ----------
    values : ndarray of shape (n,)
    std_errors : ndarray of shape (n,) or None
        None where there are none; `why_none` says why.
    modifiers : ndarray of shape (n, m)
        Encoded effect modifiers.
    names : tuple of str
        Columns of `modifiers`.
    question : str
        E.g. "Effect of training on earnings".
    method : str
    why_none : str
        Why there are no standard errors, and what would give them.
    folds : ndarray of int, shape (n,), or None
        If each row was predicted by a model that had not seen it: the fold that it was in.
    rows : ndarray of int, shape (n,), or None
        If only some of the rows were predicted: their positions among all of them.

    Examples
    --------
    >>> effects = ConditionalEffects(
    ...     np.array([0.5, 2.0]), np.array([0.25, 0.5]), np.array([[0.0], [1.0]]), ("age",)
    ... )
    >>> effects.interval(0.95).round(2)
    array([[0.01, 0.99],
           [1.02, 2.98]])
    """

    values: FloatArray
    std_errors: FloatArray | None
    modifiers: FloatArray
    names: tuple[str, ...]
    question: str = "Effect"
    method: str = ""
    why_none: str = ""
    folds: IntArray | None = None
    rows: IntArray | None = None

    def __len__(self) -> int:
        return len(self.values)

    def interval(self, level: float = 0.95) -> FloatArray:
        """Pointwise intervals, shape (n, 2).

        Parameters
        ----------
        level : float

        Raises
        ------
        InputError
            If there are no standard errors.
        """
        check_fraction(level, "level")
        if self.std_errors is None:
            raise InputError(
                f"there are no intervals: {self.why_none or 'no standard errors were given'}"
            )
        half = quantile(0.5 + level / 2, None) * self.std_errors
        return np.column_stack([self.values - half, self.values + half])

    def column(self, name: str) -> FloatArray:
        """Values of one modifier, shape (n,)."""
        if name not in self.names:
            raise UnknownVariableError.among(name, self.names, where="the modifiers")
        values: FloatArray = self.modifiers[:, self.names.index(name)]
        return values

    def to_frame(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row a row: modifiers, effect, and std_error, lower, upper if there are any."""
        import pandas as pd

        frame = pd.DataFrame(self.modifiers, columns=list(self.names))
        found = {"effect": self.values}
        if self.std_errors is not None:
            ends = self.interval(level)
            found |= {"std_error": self.std_errors, "lower": ends[:, 0], "upper": ends[:, 1]}
        for label, values in found.items():
            frame.insert(len(frame.columns), label, values, allow_duplicates=True)
        return frame

    def plot(self, ax: Axes | None = None, *, by: str | None = None, **style: Any) -> Axes:
        """Draw effects from smallest to largest, or against one modifier.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
        by : str, optional
            A modifier.
        **style
            Passed on to the dots.
        """
        from causalkit.plotting.heterogeneity import plot_effect_dependence, plot_sorted_effects

        if by is None:
            return plot_sorted_effects(self, ax=ax, **style)
        return plot_effect_dependence(self, by, ax=ax, **style)

    def _report(self) -> Report:
        cuts = np.quantile(self.values, _QUANTILES)
        notes = ["Intervals are pointwise: each for its own row, not for all at once."]
        if self.std_errors is None:
            notes = [f"No intervals: {self.why_none}"] if self.why_none else []
        else:
            lower, upper = self.interval().T
            notes.append(
                f"95 % intervals above zero: {np.mean(lower > 0):.0%} of the rows; below zero: "
                f"{np.mean(upper < 0):.0%}."
            )
        return Report(
            title=f"{self.question}: {len(self)} conditional effects",
            facts=[
                ("method", self.method or "–"),
                ("differs by", ", ".join(self.names)),
                ("predicted", "in sample" if self.folds is None else "out of fold"),
            ],
            columns=("quantile", "effect"),
            rows=[(f"{q:.0%}", value) for q, value in zip(_QUANTILES, cuts, strict=True)],
            notes=notes,
        )
