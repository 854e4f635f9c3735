"""`SeriesSpec`: what a random model of series should be like, all its settings in one value.

>>> SeriesSpec(n_series=3, shape="tanh", regimes="markov").changes
True
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from causalkit._core.checks import check_choice, check_count, check_fraction, check_positive
from causalkit.errors import InputError
from causalkit.typing import Name

__all__ = ["SeriesSpec"]

_NOISES: Final = ("gaussian", "laplace", "uniform", "student", "mixture")
_SHAPES: Final = ("linear", "tanh", "waves")
_WHAT: Final = ("coefficient", "noise", "level")


@dataclass(frozen=True, slots=True)
class SeriesSpec:
    """What a random model of series should be like.

    Attributes
    ----------
    n_series : int
        Series that are seen.
    max_lag : int
    links, step_links : float
        Links between series, from the past and within a step, for each series there is.
    memory, strength : tuple of float
        Least and largest weight of a series on itself, and of a link in size.
    shape : {"linear", "tanh", "waves"}
        Of the links between series.
    noise : {"gaussian", "laplace", "uniform", "student", "mixture"}
        All of variance one. Student: four degrees of freedom; mixture: one in ten is large.
    regimes : {"markov", "change-points"} or None
        Regimes last 100 steps in the mean, or are equally long.
    n_regimes : int
    drift : float or None
        Periods of the quickest wave of a drift.
    changing : float or collection of names
        Share of the series whose parameters change, or which.
    what : tuple of {"coefficient", "noise", "level"}
        What changes. Noise does not drift.
    season : float or None
        Its period, in steps.
    trend : bool
    show_drivers : bool
        Whether season and trend are columns of the data; if not, they are hidden common causes.
    n_latents : int
        Further series that are not in the data. Each drives itself and two of those seen, and
        nothing drives it.
    n_subjects : int
    heterogeneity : float
        Standard deviation of the logarithm of what weights of a subject are multiplied by (cut at
        two of them), and half that of its levels.
    every : int
        Steps of the model for one that is seen; see :class:`Resampled`.
    how : {"skip", "mean"}
    acyclic : bool
        Whether no two series drive each other, not even over time.
    standardize : bool
        Whether series have mean 0 and standard deviation 1, exactly where the model is linear and
        up to the error of a pilot sample elsewhere, so that variances tell nothing of the graph.
    """

    n_series: int = 5
    max_lag: int = 2
    links: float = 1.0
    step_links: float = 1 / 3
    memory: tuple[float, float] = (0.3, 0.7)
    strength: tuple[float, float] = (0.25, 0.5)
    shape: str = "linear"
    noise: str = "gaussian"
    regimes: str | None = None
    n_regimes: int = 2
    drift: float | None = None
    changing: float | tuple[Name, ...] = 0.5
    what: tuple[str, ...] = _WHAT
    season: float | None = None
    trend: bool = False
    show_drivers: bool = True
    n_latents: int = 0
    n_subjects: int = 1
    heterogeneity: float = 0.2
    every: int = 1
    how: str = "skip"
    acyclic: bool = False
    standardize: bool = True

    def __post_init__(self) -> None:
        for what in ("n_series", "max_lag", "n_regimes", "n_subjects", "every"):
            check_count(getattr(self, what), what)
        check_count(self.n_latents, "n_latents", minimum=0)
        check_choice(self.shape, "shape", _SHAPES)
        check_choice(self.noise, "noise", _NOISES)
        check_choice(self.how, "how", ("skip", "mean"))
        check_choice(self.regimes, "regimes", (None, "markov", "change-points"))
        for one in self.what:
            check_choice(one, "what", _WHAT)
        self._check_numbers()
        self._check_changes()

    def _check_numbers(self) -> None:
        for what in ("memory", "strength"):
            low, high = getattr(self, what)
            if not 0 <= low <= high < (0.98 if what == "memory" else np.inf):
                raise InputError(
                    f"{what}={(low, high)!r}; expected two numbers from 0, the smaller one first"
                    + (", below 0.98." if what == "memory" else ".")
                )
        for what in ("links", "step_links", "heterogeneity"):
            if not 0 <= getattr(self, what) < np.inf:
                raise InputError(f"{what}={getattr(self, what)!r}; expected a number from 0.")
        if self.strength[0] == 0:
            raise InputError("strength begins at 0, and a link of weight 0 is none; raise it.")
        for what in ("season", "drift"):
            if getattr(self, what) is not None:
                check_positive(getattr(self, what), what)
        if isinstance(self.changing, (int, float)):
            check_fraction(self.changing, "changing", closed=True)

    def _check_changes(self) -> None:
        if self.regimes is not None and self.drift is not None:
            raise InputError("regimes and drift are both asked for; expected one. Leave one out.")
        needed = {"coefficient", "level"} if self.drift is not None else set(_WHAT)
        moves = self.regimes is not None or self.drift is not None
        if moves and not needed & set(self.what):
            raise InputError(
                f"what={self.what!r}, and parameters should change; expected one of "
                f"{', '.join(map(repr, sorted(needed)))}. Name what changes."
            )
        if self.n_latents and self.n_series < 2:
            raise InputError(
                f"n_latents={self.n_latents} with n_series={self.n_series}; a hidden series drives "
                "two others. Ask for two series or more."
            )

    @property
    def changes(self) -> bool:
        """Whether links are not the same at all times and for all subjects."""
        moves = self.regimes is not None or self.drift is not None
        return moves or (self.n_subjects > 1 and self.heterogeneity > 0)
