"""One mechanism drawn at random, given a pilot sample of its causes.

What is drawn is felt: a function of several causes is drawn again until each of them takes part in
a fair share of its variance, so that every edge of the graph is a real one. With a pilot sample at
hand the mechanism is brought to standard units as well (:mod:`.standardised` says why).

>>> rng = np.random.default_rng(0)
>>> causes = rng.standard_normal((2000, 2))
>>> made = MechanismDraw("gaussian-process", "gaussian", (0.5, 2.0))(causes, [0, 0], 0, rng)
>>> made.bijective
True
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from causalkit.models.mechanisms.additive import Additive, LocationScale
from causalkit.models.mechanisms.base import Function, Mechanism, Noise
from causalkit.models.mechanisms.heads import Logistic, Ordinal, Softmax
from causalkit.models.mechanisms.post_nonlinear import (
    InverseSinh,
    Leaky,
    PostNonlinear,
    SignedPower,
)
from causalkit.models.mechanisms.tables import Table
from causalkit.models.noise import Laplace, Normal, Student, Uniform
from causalkit.models.random_models.functions import (
    Coded,
    Family,
    felt_shares,
    random_function,
    stretched,
)
from causalkit.models.random_models.standardised import rescaled
from causalkit.typing import FloatArray, IntArray

__all__ = ["MechanismDraw", "draw_noise"]

_TRIES: Final = 20
_DISTORTIONS: Final = (SignedPower(1 / 3), SignedPower(1.5), InverseSinh(3.0), Leaky(0.2))
_FELT: Final = 0.08  # mean standard deviation of probabilities over the levels of a cause
_STEEP: Final = 2.0  # standard deviation of an index, next to logistic noise of 1.8
_MOST_CELLS: Final = 4096
_PROBE: Final = 1000  # rows that a function is tried on
_FAMILIES: Final[dict[str, tuple[Family, ...]]] = {
    "linear": ("linear",),
    "gaussian-process": ("gaussian-process",),
    "mlp": ("mlp",),
    "post-nonlinear": ("gaussian-process",),
    "location-scale": ("gaussian-process",),
    "discrete": ("linear",),
    "mixed": ("linear", "gaussian-process", "mlp"),
}


def draw_noise(kind: str, rng: np.random.Generator) -> Noise:
    """Noise of variance one of a kind of `ModelSpec`; "mixed" picks one of the others."""
    kinds = ("gaussian", "laplace", "uniform", "student")
    chosen = kinds[rng.integers(len(kinds))] if kind == "mixed" else kind
    if chosen == "student":
        return Student(5.0, float(np.sqrt(3 / 5)))
    if chosen == "laplace":
        return Laplace()
    return Uniform() if chosen == "uniform" else Normal()


@dataclass(frozen=True, slots=True)
class MechanismDraw:
    """How mechanisms of one specification are drawn.

    Attributes
    ----------
    mechanism, noise : str
    weights : tuple of float
        As in `ModelSpec`.
    """

    mechanism: str
    noise: str
    weights: tuple[float, float]

    def __call__(
        self,
        causes: FloatArray,
        cause_levels: Sequence[int],
        n_levels: int,
        rng: np.random.Generator,
    ) -> Mechanism:
        """Draw a mechanism.

        Parameters
        ----------
        causes : ndarray of shape (n, k)
            Pilot sample of the causes.
        cause_levels : sequence of int
            Levels of each cause; 0 for a continuous one.
        n_levels : int
            Levels of the variable; 0 if it is continuous.
        rng : Generator

        Returns
        -------
        Mechanism
            In units of its own: noise of variance one.
        """
        levels = np.asarray(cause_levels, dtype=np.intp)
        if n_levels:
            return self._discrete(causes, levels, n_levels, rng)
        noise = draw_noise(self.noise, rng)
        mean = self.function(causes, levels, rng)
        if self.mechanism == "location-scale" and len(levels):
            log_scale = stretched(self._felt("gaussian-process", causes, levels, rng), 0.5, 0.0)
            return LocationScale(mean, log_scale, noise)
        if self.mechanism == "post-nonlinear" and len(levels):
            return _bent(Additive(mean, noise), causes, rng)
        return Additive(mean, noise)

    def _discrete(
        self, causes: FloatArray, levels: IntArray, n_levels: int, rng: np.random.Generator
    ) -> Mechanism:
        """A table where the causes are few and discrete, else a head on random functions."""
        if (levels > 0).all() and np.prod(levels, dtype=np.float64) * n_levels <= _MOST_CELLS:
            return _random_table(levels, n_levels, rng)
        family = self._family(rng)
        if n_levels == 2:
            return Logistic(stretched(self._felt(family, causes, levels, rng), _STEEP, 0.0))
        if rng.random() < 0.5:
            cuts = _STEEP * np.linspace(-1.0, 1.0, n_levels - 1)
            return Ordinal(stretched(self._felt(family, causes, levels, rng), _STEEP, 0.0), cuts)
        return Softmax(
            tuple(
                stretched(self._felt(family, causes, levels, rng), _STEEP, 0.0)
                for _ in range(n_levels)
            )
        )

    def _family(self, rng: np.random.Generator) -> Family:
        families = _FAMILIES[self.mechanism]
        return families[rng.integers(len(families))]

    def function(self, causes: FloatArray, levels: IntArray, rng: np.random.Generator) -> Function:
        """Draw the mean; a nonlinear one has mean 0 and a drawn standard deviation per cause.

        A sum of k slopes grows with k by itself. A nonlinear function of k causes in standard units
        would not, and lines explain less of it: so a variable with many causes would be predicted
        worse than one with many effects, and R² would fall along paths.
        """
        family, k = self._family(rng), len(levels)
        if not levels.any() and (family == "linear" or not k):
            return random_function(family, k, rng=rng, weights=self.weights)
        felt = self._felt(family, causes, levels, rng)
        size = float(np.sqrt(k)) if family == "linear" else float(k)
        return stretched(felt, size * float(rng.uniform(*self.weights)), 0.0)

    def _felt(
        self, family: Family, causes: FloatArray, levels: IntArray, rng: np.random.Generator
    ) -> Function:
        """Of mean 0 and variance 1 over the first rows of the pilot, with every cause felt."""
        probe = causes[:_PROBE]
        best, most = None, -1.0
        for _ in range(_TRIES):
            function = random_function(family, len(levels), rng=rng, weights=self.weights)
            if levels.any():
                function = Coded(function, _scores(levels, rng), levels)
            least = felt_shares(function, probe).min()
            if least > most:
                best, most = function, float(least)
            if least * len(levels) >= 0.2:
                break
        value = best(probe)  # type: ignore[misc]
        spread = float(value.std())
        return stretched(best, 1 / spread, -float(value.mean()) / spread)  # type: ignore[arg-type]


def _bent(inner: Additive, causes: FloatArray, rng: np.random.Generator) -> Mechanism:
    """An increasing function of the mechanism in standard units; none that lacks a variance."""
    spread = float(inner.value(causes, inner.draw(len(causes), rng)).std())
    standard = rescaled(inner, 0.0, spread)
    if not isinstance(standard, Additive):
        return standard
    distortion = _DISTORTIONS[rng.integers(len(_DISTORTIONS))]
    return PostNonlinear(distortion, standard.mean, standard.noise_model)


def _random_table(levels: IntArray, n_levels: int, rng: np.random.Generator) -> Table:
    """Probabilities of random configurations, none below 0.1 / n_levels, with every cause felt."""
    best, most = np.empty(0), -1.0
    for _ in range(_TRIES):
        drawn = 0.9 * rng.dirichlet(np.ones(n_levels), size=tuple(levels)) + 0.1 / n_levels
        least = min((float(drawn.std(axis=j).mean()) for j in range(len(levels))), default=1.0)
        if least > most:
            best, most = drawn, least
        if least >= _FELT:
            break
    return Table(best)


def _scores(levels: IntArray, rng: np.random.Generator) -> FloatArray:
    """A number for each level of each discrete cause, of mean 0 and variance 1 over levels."""
    scores = np.zeros((len(levels), int(levels.max())))
    for j in np.flatnonzero(levels):
        drawn = np.linspace(-1.0, 1.0, levels[j]) + 0.2 * rng.standard_normal(levels[j])
        drawn = rng.permutation(drawn - drawn.mean())
        scores[j, : levels[j]] = drawn / drawn.std()
    return scores
