"""Overlap: whether each row could have had the other treatment.

Adjustment compares treated and control rows that look alike. Where the probability of one arm is
near zero there is nothing to compare with, and an estimator either leans on a model or on a few
rows with enormous weights. The report shows the propensities by arm, how many had to be clipped,
and the *effective sample size* (Σw)²/Σw² of the inverse-propensity weights: how many equally
weighted rows would be as informative.

References
----------
Crump, Hotz, Imbens & Mitnik (2009), "Dealing with limited overlap in estimation of average
treatment effects", Biometrika 96, 187-199. doi:10.1093/biomet/asn055
Kish (1965), Survey Sampling.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from causalkit._core.report import Report, Reported
from causalkit.errors import OverlapWarning
from causalkit.estimation.problem import Problem
from causalkit.typing import BoolArray, FloatArray

__all__ = ["Overlap", "arms_overlap", "overlap_of", "separating_column"]

_QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
_MOST_CLIPPED = 0.05
_FEW = 5  # rows that a column tells apart by chance


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Overlap(Reported):
    """Propensities by arm.

    Attributes
    ----------
    arms : tuple of str
        Control, treated.
    n_rows : tuple of int
        Rows in each arm.
    quantiles : ndarray of shape (2, 7)
        Of the probability of being treated (among the two arms), at 0, 5, 25, 50, 75, 95, 100 %.
    effective : tuple of float
        Effective sample size of each arm.
    share_clipped : float
        Share of rows whose propensity was moved to the bound `clip`.
    clip : float
    treated_only : bool
        Whether the controls stand in for the treated only: the effect on the treated.
    least_effective : float
        Share of an arm that its effective sample size should reach.
    """

    arms: tuple[str, str]
    n_rows: tuple[int, int]
    quantiles: FloatArray
    effective: tuple[float, float]
    share_clipped: float
    clip: float
    treated_only: bool = False
    least_effective: float = 0.1

    @property
    def disjoint(self) -> bool:
        """Whether every treated row is likelier to be treated than any control row."""
        return bool(self.quantiles[1, 0] > self.quantiles[0, -1])

    @property
    def problem(self) -> str | None:
        """What is wrong, in words; None if nothing is."""
        if self.disjoint:
            return (
                "treated and control rows do not overlap at all: the adjustment columns tell them "
                "apart without error, so the effect is extrapolated, not estimated"
            )
        if self.share_clipped > _MOST_CLIPPED:
            return (
                f"{self.share_clipped:.1%} of the rows had almost no chance of one of the arms "
                f"(propensity beyond {self.clip:g})"
            )
        expected = list(self.n_rows)
        if self.treated_only:
            # Controls unlike the treated have no weight and are not missed.
            expected[0] = min(expected)
        shares = [e / n for e, n in zip(self.effective, expected, strict=True)]
        worst = int(np.argmin(shares))
        if shares[worst] < self.least_effective:
            return (
                f"the {self.n_rows[worst]} rows of arm {self.arms[worst]} weigh as little as "
                f"{self.effective[worst]:.0f} equally weighted ones"
            )
        return None

    @property
    def notes(self) -> list[str]:
        """What to print below an effect: a line if overlap is poor."""
        return [f"Overlap: {self.problem}."] if self.problem else []

    def warning(self) -> OverlapWarning | None:
        """Return the warning to give, None if overlap is fine."""
        if self.problem is None:
            return None
        treated = "" if self.treated_only else "Ask for the effect on the treated (target='ATT'), "
        advice = f"{treated}restrict the data to comparable rows, or adjust for fewer columns"
        return OverlapWarning(
            f"{self.problem}. Expected arms that could have been exchanged. "
            f"{advice[0].upper()}{advice[1:]}; see effect.details['overlap']."
        )

    def _report(self) -> Report:
        columns = ("arm", "rows", "effective", *(f"{q:.0%}" for q in _QUANTILES))
        rows = [
            (self.arms[k], self.n_rows[k], self.effective[k], *self.quantiles[k]) for k in (0, 1)
        ]
        verdict = f"Poor overlap: {self.problem}." if self.problem else "Overlap is fine."
        return Report(
            title="Overlap: probability of treatment, by arm",
            facts=[("clipped", f"{self.share_clipped:.1%} of rows, at {self.clip:g}")],
            columns=columns,
            rows=rows,
            notes=[verdict],
        )


def overlap_of(
    raw_treated: FloatArray,
    raw_control: FloatArray,
    in_treated: BoolArray,
    in_control: BoolArray,
    arms: tuple[str, str],
    *,
    clip: float,
    treated_only: bool = False,
    weights: FloatArray | None = None,
    least_effective: float = 0.1,
) -> Overlap:
    """Summarise propensities before clipping.

    Parameters
    ----------
    raw_treated, raw_control : ndarray of shape (n,)
        Estimated probability of each arm.
    in_treated, in_control : ndarray of bool, shape (n,)
        Who is in which arm.
    arms : pair of str
        Names of control and treated arm.
    clip : float
        Probabilities outside [clip, 1 − clip] are moved to the bound.
    treated_only : bool
        Whether the effect on the treated is asked for: then only a high propensity hurts.
    weights : ndarray of shape (n,), optional
    least_effective : float
        Share of an arm that its effective sample size should reach.
    """
    treated, control = (np.clip(p, clip, 1 - clip) for p in (raw_treated, raw_control))
    w = np.ones(len(treated)) if weights is None else weights
    arm_weights = (
        (w * treated / control)[in_control] if treated_only else (w / control)[in_control],
        w[in_treated] if treated_only else (w / treated)[in_treated],
    )
    outside = raw_control < clip
    if not treated_only:
        outside |= raw_treated < clip
    among_two = raw_treated / np.maximum(raw_treated + raw_control, np.finfo(float).tiny)
    return Overlap(
        arms=arms,
        n_rows=(int(in_control.sum()), int(in_treated.sum())),
        quantiles=np.array(
            [np.quantile(among_two[m], _QUANTILES) for m in (in_control, in_treated)]
        ),
        effective=(_effective(arm_weights[0]), _effective(arm_weights[1])),
        share_clipped=float(np.average(outside, weights=w)),
        clip=clip,
        treated_only=treated_only,
        least_effective=least_effective,
    )


def arms_overlap(
    problem: Problem,
    probabilities: FloatArray,
    codes: tuple[int, int],
    *,
    clip: float,
    treated_only: bool = False,
) -> Overlap:
    """Summarise the propensities of a contrast.

    Parameters
    ----------
    problem : Problem
    probabilities : ndarray of shape (n, n_levels)
        Estimated probability of every level, not clipped.
    codes : tuple of int
        Positions of control and treated among the levels.
    clip, treated_only
        As of :func:`overlap_of`.
    """
    control, treated = codes
    levels = problem.levels or ()
    return overlap_of(
        probabilities[:, treated],
        probabilities[:, control],
        problem.t == treated,
        problem.t == control,
        (f"{levels[control]}", f"{levels[treated]}"),
        clip=clip,
        treated_only=treated_only,
        weights=problem.weights,
    )


def _effective(weights: FloatArray) -> float:
    scaled = weights / weights.max()
    return float(scaled.sum() ** 2 / np.sum(scaled**2))


def separating_column(X: FloatArray, in_control: BoolArray, in_treated: BoolArray) -> int | None:
    """Find a column whose values tell the arms apart without error; None if there is none.

    Parameters
    ----------
    X : ndarray of shape (n, k)
    in_control, in_treated : ndarray of bool, shape (n,)
    """
    if min(in_control.sum(), in_treated.sum()) < _FEW or X.shape[1] == 0:
        return None
    control, treated = X[in_control], X[in_treated]
    apart = (control.max(axis=0) < treated.min(axis=0)) | (
        treated.max(axis=0) < control.min(axis=0)
    )
    return int(apart.argmax()) if apart.any() else None
