"""`SyntheticStudy`: what stands in for the treated, how well it fits, and how unusual the gap is.

The placebo question: had a control been treated instead, with all else the same, how large would
its "effect" have been? The spread of these is the standard error; and the treated unit is unusual
if its gap grew more after treatment than theirs, in root mean square.

The conformal question: were the effect θ in every period after treatment, then without it the gaps
would look alike before and after. θ is in the interval unless the gaps after treatment are among
the largest of all stretches of as many periods.

References
----------
Abadie, Diamond & Hainmueller (2010), "Synthetic control methods for comparative case studies:
estimating the effect of California's tobacco control program", JASA 105, 493-505.
doi:10.1198/jasa.2009.ap08746
Chernozhukov, Wüthrich & Zhu (2021), "An exact and robust conformal inference method for
counterfactual and synthetic controls", JASA 116, 1849-1864. doi:10.1080/01621459.2021.1920957
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from causalkit._core.checks import check_fraction
from causalkit._core.report import Report, Reported, format_value
from causalkit.errors import InputError, NumericalError
from causalkit.estimation.effect import Interval
from causalkit.estimation.panel.synthetic_weights import Block, Weights, control_weights
from causalkit.typing import FloatArray

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["SyntheticStudy"]

_GRID = 201
"""Effects that are tried for a conformal interval, from one end to the other."""

_REACH = 8.0
"""How far they reach from the estimate, in standard errors."""


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class SyntheticStudy(Reported):
    """Treated units, controls, and the weights that make a stand-in of them.

    Attributes
    ----------
    block : Block
        Outcomes of controls and treated.
    weights : Weights
    controls : tuple
        Labels of the controls.
    periods : tuple
        Labels of the periods.
    std_error : float
    placebo_ratios : ndarray of shape (n_placebos,)
        Root mean squared gap after treatment over that before, of each placebo; empty if none.
    outcome : str
    """

    block: Block
    weights: Weights
    controls: tuple[object, ...]
    periods: tuple[object, ...]
    std_error: float
    placebo_ratios: FloatArray
    outcome: str

    @property
    def value(self) -> float:
        """Mean gap after treatment."""
        return self.weights.effect(self.block)

    @property
    def gap(self) -> FloatArray:
        """Treated less stand-in in each period, shape (n_periods,)."""
        return self.weights.gap(self.block)

    @property
    def misfit(self) -> float:
        """Root mean squared gap before treatment, about its mean where levels may differ."""
        return misfit(self.block, self.weights)

    def placebo_p_value(self) -> float:
        """Share of placebos, and the treated itself, whose gap grew at least as much.

        Raises
        ------
        InputError
            If the standard error came without placebos.
        """
        if len(self.placebo_ratios) == 0:
            raise InputError(
                "there are no placebos to compare with; expected a fit with std_error='placebo'."
            )
        own = growth(self.block, self.weights)
        return float((1 + (self.placebo_ratios >= own).sum()) / (1 + len(self.placebo_ratios)))

    def conformal_p_value(self, effect: float) -> float:
        """Share of cyclic shifts of time that leave gaps as large as those after treatment.

        Parameters
        ----------
        effect : float
            Supposed effect in every period after treatment.
        """
        if self.weights.periods.any():
            raise InputError(
                "conformal intervals are for synthetic control, which weights no periods; expected "
                "a fit of SyntheticControl()."
            )
        block, n_periods = self.block, len(self.periods)
        null = block.treated.copy()
        null[:, block.n_before :] -= effect
        whole = Block(block.controls, null, n_periods)
        sizes = np.abs(control_weights(whole).gap(whole))
        n_after = n_periods - block.n_before
        shifted = np.array([np.roll(sizes, shift)[-n_after:].sum() for shift in range(n_periods)])
        # The shift by nothing is among them; ties of rounding count as ties.
        return float((shifted >= shifted[0] * (1 - 1e-12)).mean())

    def conformal_interval(self, level: float = 0.95) -> Interval:
        """Constant effects after treatment that permutations of time do not reject.

        Parameters
        ----------
        level : float

        Returns
        -------
        Interval
            An end is infinite where nothing that was tried is rejected; with fewer than
            1/(1 − level) periods both are.

        Raises
        ------
        NumericalError
            If all that was tried is rejected.

        Notes
        -----
        **Assumes:** the gaps between treated and synthetic control, with all periods used to find
        the weights, are stationary and weakly dependent over time. For synthetic control only.
        """
        check_fraction(level, "level")
        reach = _REACH * max(self.std_error, self.misfit)
        tried = self.value + reach * np.linspace(-1, 1, _GRID)
        # A p-value of just 1 − level keeps the effect, whatever rounding makes of it.
        least = 1 - level - 1e-9
        kept = [theta for theta in tried if self.conformal_p_value(theta) > least]
        if not kept:
            raise NumericalError(
                f"at level {level:g} no effect that is the same in every period is in keeping with "
                "the gaps; expected gaps of a constant size after treatment. Look at `gap`, or "
                "choose a higher level."
            )
        lower = -np.inf if kept[0] == tried[0] else float(kept[0])
        upper = np.inf if kept[-1] == tried[-1] else float(kept[-1])
        return Interval(lower, upper, level)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a control with its weight, the heaviest first."""
        import pandas as pd

        frame = pd.DataFrame({"unit": self.controls, "weight": self.weights.units})
        return frame.sort_values("weight", ascending=False, kind="stable").reset_index(drop=True)

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw the treated and their stand-in over time."""
        from causalkit.plotting.panel import plot_synthetic

        return plot_synthetic(self, ax=ax, **style)

    def _report(self) -> Report:
        heavy = self.to_frame().head(8)
        rows = [(str(u), float(w)) for u, w in zip(heavy["unit"], heavy["weight"], strict=True)]
        before = self.block.n_before
        notes = [f"{int((self.weights.units > 0).sum())} of {len(self.controls)} controls count."]
        if self.weights.periods.any():
            counted = [
                f"{self.periods[k]} ({format_value(self.weights.periods[k])})"
                for k in np.flatnonzero(self.weights.periods > 5e-4)
            ]
            notes.append(f"Periods before that count: {', '.join(counted)}.")
        return Report(
            title=f"A stand-in for the treated: gap of {format_value(self.value)} afterwards",
            facts=[
                ("treated units", self.block.treated.shape[0]),
                ("treated from", self.periods[before]),
                ("periods", f"{before} before, {len(self.periods) - before} after"),
                ("gap before", f"{format_value(self.misfit)} (root mean square)"),
            ],
            columns=("control", "weight"),
            rows=[row for row in rows if row[1] > 0],
            notes=notes,
        )


def misfit(block: Block, weights: Weights) -> float:
    """Root mean squared gap before treatment; about its mean if periods are weighted."""
    before = weights.gap(block)[: block.n_before]
    centre = before.mean() if weights.periods.any() else 0.0
    return float(np.sqrt(np.mean((before - centre) ** 2)))


def growth(block: Block, weights: Weights) -> float:
    """Root mean squared gap after treatment over that before."""
    after = weights.gap(block)[block.n_before :]
    return float(np.sqrt(np.mean(after**2)) / max(misfit(block, weights), np.finfo(float).tiny))
