"""What is said of the predictions of nuisances: how good they are, and whether that matters.

Of every nuisance the loss, the share of variation that is explained and the slope of the target on
its prediction (1 if well calibrated), all from predictions out of fold; and whether structure was
missed, as :mod:`causalkit.estimation.nuisances.assessment` finds out.

What was missed need not matter, as an orthogonal moment forgives errors in one nuisance. A
:class:`~causalkit.errors.NuisanceWarning` comes if the effect with the missed part put back is
another by more than half a standard error (with a bias of that size an interval of 95 % covers
92 %), and by more than a gain in precision would make it, unless several targets were missed, which
no nuisance protects from; or if no nuisance is free of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from causalkit._core.report import Report, Reported, format_value
from causalkit.errors import NuisanceWarning

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["NuisanceQuality", "Nuisances", "is_assessed", "unassessed"]

_ALPHA = 0.05
"""Level at which structure counts as missed, for all nuisances together."""

_LEAST_SHARE = 0.005
"""Less than this, though significant, biases little."""

_MATTERS, _BY_CHANCE = 0.5, 2.0
"""Standard errors, and times a gain in precision, by which a shift of the effect matters."""

_ASSESSING: ContextVar[bool] = ContextVar("assessing", default=True)


@contextmanager
def unassessed() -> Iterator[None]:
    """Leave the nuisances unassessed within the block: of resamples nobody reads it."""
    token = _ASSESSING.set(False)
    try:
        yield
    finally:
        _ASSESSING.reset(token)


def is_assessed() -> bool:
    """Whether nuisances are assessed: not within :func:`unassessed`."""
    return _ASSESSING.get()


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class NuisanceQuality(Reported):
    """How well one nuisance was predicted, out of fold.

    Attributes
    ----------
    name : str
    learner : str
    measure : {"RMSE", "log loss"}
    loss : float
    explained : float
        1 less the ratio of the loss (squared, for RMSE) to that of the mean: R² for a number,
        McFadden's for a probability. Negative if the mean predicts better.
    calibration : float
        Slope of the target on its prediction; NaN if the prediction is one number.
    n_obs : int
        Rows it was judged on.
    missed : float
        Share of the left-over variance that a smooth of one or two columns predicts in rows it
        has not seen; NaN if it was not tried.
    p_value : float
        Of the hypothesis that nothing was missed.
    """

    name: str
    learner: str
    measure: str
    loss: float
    explained: float
    calibration: float
    n_obs: int
    missed: float = np.nan
    p_value: float = np.nan

    @property
    def sentence(self) -> str:
        """Name and share explained, whether the mean is better, and what was missed."""
        text = f"{self.name}: {format_value(round(self.explained, 3))}"
        if self.explained < 0:
            text += " (worse than the mean)"
        if self.p_value < _ALPHA and self.missed >= _LEAST_SHARE:
            text += f" (missed {self.missed:.0%} of the rest)"
        return text

    def _report(self) -> Report:
        return Nuisances((self,))._report()


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Nuisances(Reported):
    """How well all nuisances of an effect were predicted.

    Attributes
    ----------
    parts : tuple of NuisanceQuality
    effect_mended : float
        The effect with what was missed put back; NaN if nothing was missed.
    shift : float
        By how many standard errors that moves it.
    chance : float
        By how many standard errors it would move if only precision were gained: better predictions
        of the outcome of an experiment move an estimate that was right, to one that is closer.
    several : bool
        Whether structure was missed of several targets (outcome and treatment), so that errors
        multiply and no nuisance protects from the other's.

    Examples
    --------
    >>> part = NuisanceQuality("outcome", "Ridge()", "RMSE", 1.02, 0.41, 0.99, 500, 0.0, 0.6)
    >>> Nuisances((part,))["outcome"].explained
    0.41
    """

    parts: tuple[NuisanceQuality, ...]
    effect_mended: float = np.nan
    shift: float = np.nan
    chance: float = np.nan
    several: bool = False

    @property
    def sentence(self) -> str:
        """Share explained of each."""
        return ", ".join(part.sentence for part in self.parts)

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the nuisances in which structure was missed."""
        level = _ALPHA / max(len(self.parts), 1)
        return tuple(q.name for q in self.parts if q.p_value < level and q.missed >= _LEAST_SHARE)

    def warning(self, effect: float) -> NuisanceWarning | None:
        """Return a warning if what was missed matters for the effect."""
        by_chance = 0.0 if self.several else _BY_CHANCE * self.chance
        moved = abs(self.shift) > max(_MATTERS, by_chance)
        unprotected = len(self.parts) > 1 and len(self.missing) == len(self.parts)
        if not moved and not unprotected:
            return None
        missed = ", ".join(
            f"{q.name} ({q.missed:.0%} of what {q.learner} left over)"
            for q in self.parts
            if q.name in self.missing
        )
        return NuisanceWarning(
            f"the learners miss structure that a smooth finds in rows it has not seen: "
            f"{missed}. With it put back the effect would be {format_value(self.effect_mended)} "
            f"instead of {format_value(effect)}, {abs(self.shift):.1f} standard errors away; "
            "expected predictions that leave nothing over. Its interval is too sure of itself: "
            "use learners that find curves and interactions (the default ones, or a forest), "
            "bring more rows, or compare effect.details['nuisances'] for several learners."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row a nuisance."""
        import pandas as pd

        names = NuisanceQuality.__slots__
        rows = [{name: getattr(part, name) for name in names} for part in self.parts]
        return pd.DataFrame(rows).set_index("name")

    def __iter__(self) -> Iterator[NuisanceQuality]:
        return iter(self.parts)

    def __len__(self) -> int:
        return len(self.parts)

    def __getitem__(self, name: str) -> NuisanceQuality:
        return next(part for part in self.parts if part.name == name)

    def _report(self) -> Report:
        return Report(
            title="Nuisances, out of fold",
            columns=("nuisance", "learner", "loss", "", "explained", "slope", "missed", "p-value"),
            rows=[
                (
                    q.name,
                    q.learner,
                    q.loss,
                    q.measure,
                    q.explained,
                    q.calibration,
                    q.missed,
                    q.p_value,
                )
                for q in self.parts
            ],
        )
