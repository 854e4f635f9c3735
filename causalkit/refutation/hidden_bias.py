"""`HiddenBias`: what hidden common causes of any strength would do to one estimate.

The arithmetic is told in :mod:`~causalkit.refutation.omitted_variable`; here it meets an estimate
with its standard error, prints as a table, and draws as contours. It needs no data: a printed
regression table is enough (:meth:`HiddenBias.from_regression`).

>>> bias = HiddenBias.from_regression(0.09731582, 0.02325654, df=783)
>>> print(f"{bias.adjusted(r2_outcome=0.12, r2_treatment=0.01):.3f}")
0.075
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import optimize, stats

from causalkit._core.checks import check_fraction
from causalkit._core.report import Report, Reported, format_value
from causalkit.errors import InputError
from causalkit.estimation.effect import Interval
from causalkit.estimation.inference import standard_error
from causalkit.refutation.omitted_variable import check_df, equal_strength, joint_strength
from causalkit.typing import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Benchmark", "HiddenBias"]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A hidden common cause as strong as something measured.

    Attributes
    ----------
    label : str
        E.g. "1 × income".
    r2_outcome, r2_treatment : float
        Its strength.
    shift : float
        By how much the estimate moves when the measured column is left out.
    """

    label: str
    r2_outcome: float
    r2_treatment: float
    shift: float = np.nan


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class HiddenBias(Reported):
    """What hidden common causes of any strength would do to an estimate.

    Attributes
    ----------
    estimate, std_error : float
        As estimated, without a hidden cause.
    bias_scale : float
        S in: bias = √(r2_outcome · r2_treatment / (1 − r2_treatment)) · S.
    df : float or None
        Residual degrees of freedom of a linear regression; None for other methods.
    formula : str
        Which arithmetic applies, in words.
    benchmarks : tuple of Benchmark
    influence, scale_influence : ndarray of shape (n,) or None
        Influence of each row on the estimate and on `bias_scale`; with them the standard error of
        a bound is exact to first order.
    spread : callable or None
        From such an influence to a standard error, as the design of the data has it.
    interval_df : float or None
        Degrees of freedom of intervals; None for a normal distribution.

    Examples
    --------
    >>> bias = HiddenBias.from_regression(0.09731582, 0.02325654, df=783)
    >>> print(f"{bias.robustness_value():.3f}")
    0.139
    >>> print(f"{bias.adjusted(r2_outcome=0.1, r2_treatment=0.1):.4f}")
    0.0287
    """

    estimate: float
    std_error: float
    bias_scale: float
    df: float | None = None
    formula: str = "linear regression"
    benchmarks: tuple[Benchmark, ...] = ()
    influence: FloatArray | None = None
    scale_influence: FloatArray | None = None
    spread: Callable[[FloatArray], float] = standard_error
    interval_df: float | None = None

    @classmethod
    def from_regression(
        cls,
        estimate: float,
        std_error: float,
        *,
        df: float,
        benchmarks: Sequence[Benchmark] = (),
    ) -> HiddenBias:
        """From a printed regression table: coefficient, classical standard error, residual df."""
        check_df(df, minimum=1)
        if not std_error > 0:
            raise InputError(f"std_error={std_error!r}; expected a positive number.")
        return cls(
            estimate,
            std_error,
            std_error * np.sqrt(df),
            df,
            benchmarks=tuple(benchmarks),
            interval_df=df - 1,
        )

    def bias(self, r2_outcome: float, r2_treatment: float) -> float:
        """Return the largest absolute bias that a hidden common cause of this strength can do."""
        check_fraction(r2_outcome, "r2_outcome", closed=True)
        check_fraction(r2_treatment, "r2_treatment", closed=True)
        return joint_strength(r2_outcome, r2_treatment) * self.bias_scale

    def bounds(self, r2_outcome: float, r2_treatment: float) -> tuple[float, float]:
        """Return the least and the largest effect compatible with such a hidden cause."""
        bias = self.bias(r2_outcome, r2_treatment)
        return self.estimate - bias, self.estimate + bias

    def adjusted(self, r2_outcome: float, r2_treatment: float) -> float:
        """Return the estimate after the hidden cause, acting against it, is accounted for."""
        sign = np.sign(self.estimate) or 1.0
        return float(self.estimate - sign * self.bias(r2_outcome, r2_treatment))

    def interval(self, r2_outcome: float, r2_treatment: float, level: float = 0.95) -> Interval:
        """Return the interval around :meth:`adjusted`.

        Parameters
        ----------
        r2_outcome, r2_treatment : float
            Strength of the hidden cause.
        level : float

        Notes
        -----
        **Assumes:**

        * for a linear regression, that the standard error shrinks with the leftover variation of
          the outcome and grows with the loss of that of the treatment, which is exact for the
          classical standard error and an approximation for a robust one;
        * for other methods, that the rows (or clusters) are many enough for a normal limit.
        """
        check_fraction(level, "level")
        centre = self.adjusted(r2_outcome, r2_treatment)
        half = self._quantile(level) * self._std_error(r2_outcome, r2_treatment)
        return Interval(centre - half, centre + half, level)

    def robustness_value(self, *, reduction: float = 1.0, alpha: float | None = None) -> float:
        """Return the strength, the same for both, at which the estimate is brought down.

        Parameters
        ----------
        reduction : float
            Share of the estimate to be explained away; 1 brings it to zero.
        alpha : float, optional
            If given, the strength at which the `1 - alpha` interval reaches the reduced estimate.
        """
        if reduction <= 0:
            raise InputError(
                f"reduction={reduction!r}; expected a positive share of the estimate, "
                "1 for all of it."
            )
        if alpha is not None:
            check_fraction(alpha, "alpha")
        if self.bias_scale == 0:
            return 1.0 if self.estimate else 0.0
        goal = reduction * abs(self.estimate)
        if alpha is None:
            return equal_strength(goal / self.bias_scale, 0.0)
        quantile = self._quantile(1 - alpha)
        if self.df is not None:
            # At equal strengths the two factors of the standard error cancel.
            half = quantile * self.std_error * np.sqrt(self.df / (self.df - 1))
            return equal_strength(goal / self.bias_scale, half / self.bias_scale)
        return self._solve_strength(goal, quantile)

    def partial_r2(self) -> float:
        """Share of the leftover variation of the outcome that the treatment explains.

        A hidden cause that explained *all* of the leftover outcome would have to explain at least
        this share of the treatment to bring the estimate to zero.
        """
        f2 = (self.estimate / self.bias_scale) ** 2
        return float(f2 / (1 + f2))

    def contours(
        self, *, limit: float | None = None, n_points: int = 61
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the adjusted estimate over a grid of strengths.

        Returns
        -------
        r2_treatment : ndarray of shape (n_points,)
        r2_outcome : ndarray of shape (n_points,)
        adjusted : ndarray of shape (n_points, n_points)
            Rows follow `r2_outcome`, columns `r2_treatment`.
        """
        grid = np.linspace(0, self._limit() if limit is None else limit, n_points)
        strength = np.sqrt(np.outer(grid, grid / (1 - grid)))
        sign = np.sign(self.estimate) or 1.0
        return grid, grid.copy(), self.estimate - sign * strength * self.bias_scale

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw the adjusted estimate over strengths, with the benchmarks as points."""
        from causalkit.plotting.sensitivity import plot_hidden_bias

        return plot_hidden_bias(self, ax, **style)

    # --- inside --------------------------------------------------------------------------------

    def _limit(self) -> float:
        shown = [max(b.r2_outcome, b.r2_treatment) for b in self.benchmarks]
        return float(min(0.95, 1.4 * max([self.robustness_value(), 0.05, *shown])))

    def _quantile(self, level: float) -> float:
        if self.interval_df is None:
            return float(stats.norm.ppf(0.5 + level / 2))
        return float(stats.t.ppf(0.5 + level / 2, self.interval_df))

    def _std_error(self, r2_outcome: float, r2_treatment: float) -> float:
        if self.df is not None:
            ratio = (1 - r2_outcome) / (1 - r2_treatment) if r2_treatment < 1 else np.inf
            return float(self.std_error * np.sqrt(ratio * self.df / (self.df - 1)))
        if self.influence is None or self.scale_influence is None:
            return self.std_error
        sign = np.sign(self.estimate) or 1.0
        k = sign * joint_strength(r2_outcome, r2_treatment)
        if not np.isfinite(k):
            return np.inf
        return self.spread(self.influence - k * self.scale_influence)

    def _solve_strength(self, goal: float, quantile: float) -> float:
        """Where goal − bias(r, r) − quantile · s.e.(r, r) crosses zero."""

        def gap(r: float) -> float:
            return goal - self.bias(r, r) - quantile * self._std_error(r, r)

        if gap(0.0) <= 0:
            return 0.0
        top = 1 - 1e-9
        return 1.0 if gap(top) > 0 else float(optimize.brentq(gap, 0.0, top, xtol=1e-12))

    def _report(self) -> Report:
        rows = [
            (
                b.label,
                b.r2_outcome,
                b.r2_treatment,
                self.adjusted(b.r2_outcome, b.r2_treatment),
                *self.interval(b.r2_outcome, b.r2_treatment),
            )
            for b in self.benchmarks
        ]
        value, sure = self.robustness_value(), self.robustness_value(alpha=0.05)
        return Report(
            title=f"Hidden common causes against an estimate of {format_value(self.estimate)}",
            facts=[
                ("formula", self.formula),
                ("robustness value", f"{value:.1%} (estimate to zero)"),
                ("at 95 %", f"{sure:.1%} (interval to zero)"),
            ],
            columns=("a hidden cause like", "r2 outcome", "r2 treatment", "effect", "from", "to")
            if rows
            else (),
            rows=rows,
            notes=[
                "A hidden common cause that explains less than the robustness value of what is "
                "left of both treatment and outcome cannot bring the estimate to zero. Whether "
                "there is a stronger one, no data can say."
            ],
        )
