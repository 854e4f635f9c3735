"""Weights of untreated units, and of periods before treatment, that make a stand-in.

*Synthetic control*: units are weighted so that their outcomes before treatment equal those of the
treated. *Synthetic differences in differences*: they need only run parallel to them, weights are
spread over more units (a ridge), and periods before treatment are weighted too, so that for the
untreated they differ from the periods after by a constant.

Outcomes are given as a matrix with one line a unit: the controls first, the mean of the treated
units last; the periods before treatment come first. Then with unit weights ω, which sum to one, and
period weights λ

    effect = (ȳ_after − λ·y_before) of the treated − Σ ω (the same of each control)

with λ = 0 for synthetic control.

References
----------
Abadie, Diamond & Hainmueller (2010), "Synthetic control methods for comparative case studies:
estimating the effect of California's tobacco control program", JASA 105, 493-505.
doi:10.1198/jasa.2009.ap08746
Arkhangelsky, Athey, Hirshberg, Imbens & Wager (2021), "Synthetic difference-in-differences",
American Economic Review 111, 4088-4118. doi:10.1257/aer.20190159
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from causalkit.estimation.panel.simplex import simplex_least_squares
from causalkit.typing import FloatArray

__all__ = ["Block", "Weights", "control_weights", "difference_weights"]

_SLIGHT = 1e-6
"""Ridge in units of the noise, which only makes weights unique."""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Outcomes of one start of treatment.

    Attributes
    ----------
    controls : ndarray of shape (n_controls, n_periods)
    treated : ndarray of shape (n_treated, n_periods)
    n_before : int
        Periods before treatment.
    """

    controls: FloatArray
    treated: FloatArray
    n_before: int

    @property
    def path(self) -> FloatArray:
        """Mean outcome of the treated, shape (n_periods,)."""
        mean: FloatArray = self.treated.mean(axis=0)
        return mean

    @property
    def noise(self) -> float:
        """Spread of the controls' changes from one period to the next, before treatment."""
        changes = np.diff(self.controls[:, : self.n_before], axis=1)
        return float(changes.std(ddof=1)) if changes.size > 1 else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """Of the controls, ω, and of the periods before treatment, λ.

    Attributes
    ----------
    units : ndarray of shape (n_controls,)
    periods : ndarray of shape (n_before,)
        Zeros for synthetic control.
    """

    units: FloatArray
    periods: FloatArray

    def gap(self, block: Block) -> FloatArray:
        """Treated less its stand-in, in each period, shape (n_periods,)."""
        difference = block.path - self.units @ block.controls
        gap: FloatArray = difference - self.periods @ difference[: block.n_before]
        return gap

    def effect(self, block: Block) -> float:
        """Mean gap after treatment."""
        return float(self.gap(block)[block.n_before :].mean())

    def without(self, control: int) -> Weights:
        """The others keep their proportions; if they had no weight they share it evenly."""
        left = np.delete(self.units, control)
        total = left.sum()
        even = np.full(len(left), 1 / len(left))
        return Weights(left / total if total > 0 else even, self.periods)


def control_weights(block: Block) -> Weights:
    """Weights of synthetic control."""
    before = block.n_before
    units = simplex_least_squares(
        block.controls[:, :before].T,
        block.path[:before],
        ridge=before * (_SLIGHT * block.noise) ** 2,
    )
    return Weights(units, np.zeros(before))


def difference_weights(block: Block) -> Weights:
    """Weights of synthetic differences in differences."""
    before, controls = block.n_before, block.controls
    n_cells = block.treated.shape[0] * (controls.shape[1] - before)
    ridge = before * np.sqrt(n_cells) * block.noise**2
    # About means over periods (over controls): an intercept takes up a constant distance.
    past, target = controls[:, :before].T, block.path[:before]
    units = simplex_least_squares(past - past.mean(axis=0), target - target.mean(), ridge=ridge)
    past, target = controls[:, :before], controls[:, before:].mean(axis=1)
    periods = simplex_least_squares(
        past - past.mean(axis=0),
        target - target.mean(),
        ridge=len(controls) * (_SLIGHT * block.noise) ** 2,
    )
    return Weights(units, periods)
