"""Quantiles and tail means of an outcome that is seen for some rows only.

At a level d the distribution of the potential outcome is a weighted one,

    F(u) = mean(aᵢ 1{Yᵢ ≤ u} + kᵢ) / mean(sᵢ),

where aᵢ is the inverse probability of the level (zero for other rows), and kᵢ adds back what a
prediction g of 1{Y ≤ u} knows about the rows that were not seen; sᵢ = 1. For compliers, aᵢ has the
sign of the instrument and mean(sᵢ) is their share. In both cases

    ψᵢ = aᵢ 1{Yᵢ ≤ θ} + kᵢ − τ sᵢ,        φᵢ = −ψᵢ / (f(θ) mean(s)),

with f the density of the potential outcome. The derivative of mean(ψ) in g is zero, so g may be
learnt at *one* point u near θ rather than at all of them (Kallus, Mao & Uehara 2024): at the
quantile that the weights give alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from causalkit.errors import NumericalError
from causalkit.typing import FloatArray

__all__ = ["OutcomeLaw"]


@dataclass(frozen=True, slots=True, eq=False)
class OutcomeLaw:
    """The law of a potential outcome as weights on the rows that show it.

    Attributes
    ----------
    y, weights : ndarray of shape (n,)
        Outcome and sample weights.
    counts : ndarray of shape (n,)
        a; zero for rows that do not show it, negative for some where compliers are meant.
    total : ndarray of shape (n,)
        s; its mean is the share of the population that is meant.
    name : str
        Of the level, for messages.
    """

    y: FloatArray
    weights: FloatArray
    counts: FloatArray
    total: FloatArray
    name: str

    @property
    def share(self) -> float:
        """mean(s)."""
        return float(np.average(self.total, weights=self.weights))

    def quantile(self, probability: float, correction: FloatArray | None = None) -> float:
        """Solve mean(ψ) = 0; without a correction by weights alone.

        Parameters
        ----------
        probability : float
            τ.
        correction : ndarray of shape (n,), optional
            k.
        """
        seen = np.flatnonzero(self.counts * self.weights)
        order = seen[np.argsort(self.y[seen], kind="stable")]
        scaled = self.weights / self.weights.sum()
        steps = np.cumsum(scaled[order] * self.counts[order])
        share = self.share
        if correction is None:
            # By weights alone a law need not end at one; its own end is what counts as all.
            steps, share = steps * np.sign(share), abs(float(steps[-1]))
            wanted = probability * share
        else:
            wanted = (probability * share - float(scaled @ correction)) * np.sign(share)
            steps = steps * np.sign(share)
        # Negative counts make dips; sorting the steps is the nearest law without any.
        place = int(np.searchsorted(np.sort(steps), wanted - 1e-12))
        if place >= len(order) or wanted <= 0:
            raise NumericalError(
                f"the {probability:g} quantile at {self.name} lies beyond the outcomes that were "
                "seen there; expected a quantile that the data hold. Ask for one nearer the "
                "middle, or use other learners."
            )
        return float(self.y[order[place]])

    def density(self, at: float) -> float:
        """Density of the potential outcome, by a Gaussian kernel of Silverman's width."""
        mass = self.weights * self.counts / (self.weights.sum() * self.share)
        seen = self.counts != 0
        y, mass = self.y[seen], mass[seen]
        size = float(np.sum(mass)) ** 2 / float(np.sum(mass**2))
        low, high = np.quantile(y, (0.25, 0.75))
        narrow = min(float(y.std()), float(high - low) / 1.349) or float(y.std())
        width = 0.9 * narrow * float(max(size, 1.0) ** -0.2)
        found = float(mass @ np.exp(-0.5 * ((y - at) / width) ** 2)) / (np.sqrt(2 * np.pi) * width)
        if not found > 0:
            raise NumericalError(
                f"no density of the outcome at {self.name} can be seen around {at:.4g}, which a "
                "standard error of a quantile needs; expected outcomes near it. Ask for one nearer "
                "the middle, or bring a stronger instrument."
            )
        return float(found)

    def beyond(self, at: float) -> tuple[float, float]:
        """How many rows those up to a value, and those above it, are worth with their weights."""
        mass = self.weights * np.maximum(self.counts, 0.0)
        below, above = (
            float(np.sum(side) ** 2 / np.sum(side**2)) if side.any() else 0.0
            for side in (mass[self.y <= at], mass[self.y > at])
        )
        return below, above

    def of_quantile(self, probability: float, correction: FloatArray) -> tuple[float, FloatArray]:
        """Quantile and the influence of each unweighted row."""
        value = self.quantile(probability, correction)
        psi = self.counts * (self.y <= value) + correction - probability * self.total
        psi = psi - np.average(psi, weights=self.weights)
        return value, -psi / (self.density(value) * self.share)

    def of_mean(self, target: FloatArray, correction: FloatArray) -> tuple[float, FloatArray]:
        """Mean of a function of the outcome, and the influence of each unweighted row."""
        parts = self.counts * target + correction
        value = float(np.average(parts, weights=self.weights)) / self.share
        return value, (parts - value * self.total) / self.share
