"""How well each nuisance was predicted, and whether the effect would change with a better one.

Intervals from orthogonal moments hold if the learners come close to the truth. If they do not,
nothing in the interval shows it: it is as narrow as ever, around the wrong number. So three things
are said of every nuisance, all from predictions out of fold: the loss, the share of variation that
is explained, and the slope of the target on its prediction (1 if well calibrated).

And one thing is tested. A cheap screen asks whether the residuals are correlated with curves of a
column, or products of those of two (:mod:`causalkit.estimation.nuisances.left_over`). Only if it is
suspicious, two flexible learners are fitted in the same folds: boosted trees that start from lines,
curves, products and surfaces, and a smooth of the residuals over the columns that the screen
named. If where one differs from the prediction, d(x), it knows what was left over of rows that
neither has seen, structure was missed:

    T = Σ rᵢ d(xᵢ) / √Σ (rᵢ d(xᵢ))²   is about standard normal if E[r | x] = 0.

The smallest p-value of the screen and the two counts, times three. What was missed need not
matter, as the moment forgives errors in one nuisance. So the effect is computed once more with
the missed part put back; if that moves it by more than half a standard error (with a bias of that
size an interval of 95 % covers 92 %), and by more than a gain in precision would, or if no
nuisance is free of it, a :class:`~causalkit.errors.NuisanceWarning` says so.

References
----------
Shah & Peters (2020), Annals of Statistics 48, 1514-1538 (products of residuals and predictions).
doi:10.1214/19-AOS1857
Chernozhukov et al. (2018), Econometrics Journal 21, C1-C68. doi:10.1111/ectj.12097
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import is_classifier

from causalkit._core.report import Report, Reported, format_value
from causalkit.errors import CausalkitError, NuisanceWarning
from causalkit.estimation.nuisances.boosting import BoostedRegressor
from causalkit.estimation.nuisances.crossfitting import Nuisance
from causalkit.estimation.nuisances.left_over import screen, smoothed
from causalkit.estimation.problem import Problem
from causalkit.typing import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["NuisanceQuality", "Nuisances", "assess", "unassessed"]

_ALPHA = 0.05
"""Level at which structure counts as missed, for all nuisances together."""

_LENIENT = 0.1
"""Level at which a nuisance is mended as well, once another was found to miss something."""

_LEAST_SHARE = 0.005
"""Less than this, though significant, biases little."""

_SUSPICIOUS = 0.05
"""Level of the screen at which flexible learners are fitted."""

_CHANCES = 3
"""P-values of which the smallest counts: of the screen and of two learners."""

_MATTERS, _BY_CHANCE = 0.5, 2.0
_FEWEST_ROWS, _MOST_ROWS = 100, 4000
_TREES = 60
_TINY = 1e-6

_ASSESSING: ContextVar[bool] = ContextVar("assessing", default=True)


@contextmanager
def unassessed() -> Iterator[None]:
    """Leave the nuisances unassessed within the block: of resamples nobody reads it."""
    token = _ASSESSING.set(False)
    try:
        yield
    finally:
        _ASSESSING.reset(token)


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
        Share of the left-over variance that a flexible learner predicts; NaN if it was not tried.
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
        """Name and share explained, and what was missed."""
        text = f"{self.name} {format_value(round(self.explained, 3))}"
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
        moved = abs(self.shift) > max(_MATTERS, _BY_CHANCE * self.chance)
        unprotected = len(self.parts) > 1 and len(self.missing) == len(self.parts)
        if not moved and not unprotected:
            return None
        missed = ", ".join(
            f"{q.name} ({q.missed:.0%} of what {q.learner} left over)"
            for q in self.parts
            if q.name in self.missing
        )
        return NuisanceWarning(
            f"the learners miss structure that a flexible learner finds in rows it has not seen: "
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


_Knowing = Callable[[int, FloatArray, FloatArray], FloatArray]
"""From a fold, rows and what was predicted of them, what is known beyond that."""


@dataclass(frozen=True, slots=True, eq=False)
class _Probe:
    """What a flexible learner knows beyond another, at all rows of the problem."""

    share: float
    p_value: float
    correction: Callable[[], FloatArray]


def assess(
    problem: Problem,
    nuisances: Sequence[Nuisance],
    predictions: Mapping[str, FloatArray],
    folds: IntArray,
    mended: Callable[[Mapping[str, FloatArray]], tuple[float, float]],
    effect: float,
    std_error: float,
    chosen: Mapping[str, str],
) -> Nuisances | None:
    """Judge the predictions of all nuisances; None within :func:`unassessed`.

    Parameters
    ----------
    problem : Problem
    nuisances : sequence of Nuisance
    predictions : mapping of str to ndarray
    folds : ndarray of int, shape (n,)
    mended : callable
        Effect from other predictions, and the standard error of its difference from `effect`.
    effect, std_error : float
        From these predictions.
    chosen : mapping of str to str
        What a learner that chooses has chosen, by nuisance.
    """
    if not _ASSESSING.get():
        return None
    parts: list[NuisanceQuality] = []
    probes: dict[str, _Probe] = {}
    for nuisance in nuisances:
        found = predictions[nuisance.name]
        rows = problem.weights > 0
        if nuisance.among is not None:
            rows = rows & nuisance.among
        learner = chosen.get(nuisance.name, type(nuisance.learner).__name__)
        if nuisance.name in problem.supplied:
            learner = "supplied"
        probe = _probe(problem, nuisance, found, rows, folds)
        probes[nuisance.name] = probe
        parts.append(_judge(problem, nuisance, found, rows, learner, probe))
    judged = Nuisances(tuple(parts))
    if not judged.missing or not std_error > 0:
        return judged
    put_back = dict(predictions)
    for nuisance in nuisances:
        probe = probes[nuisance.name]
        if probe.p_value < _LENIENT:
            put_back[nuisance.name] = _mend(nuisance, predictions[nuisance.name], probe)
    try:
        value, error = mended(put_back)
    except CausalkitError:  # e.g. nothing is left of the treatment
        return judged
    return Nuisances(judged.parts, value, (value - effect) / std_error, error / std_error)


def _judge(
    problem: Problem,
    nuisance: Nuisance,
    predicted: FloatArray,
    rows: BoolArray,
    learner: str,
    probe: _Probe,
) -> NuisanceQuality:
    """Loss, share explained and calibration on the rows it may be judged on."""
    w, y, found = problem.weights[rows], nuisance.target[rows], predicted[rows]
    several = found.ndim == 2
    zeros_and_ones = bool(np.isin(y, (0.0, 1.0)).all())
    log_loss = several or (zeros_and_ones and is_classifier(nuisance.learner))
    if several:
        indicators = (y[:, None] == np.arange(found.shape[1])).astype(np.float64)
    else:
        indicators = y[:, None]
        found = found[:, None]
    means = np.average(indicators, axis=0, weights=w)
    if log_loss:
        measure = "log loss"
        loss, reference = (_log_loss(indicators, p, w) for p in (found, means[None, :]))
        explained = 1 - loss / reference if reference > 0 else np.nan
    else:
        measure = "RMSE"
        squares, reference = (
            float(np.average((indicators[:, 0] - p) ** 2, weights=w))
            for p in (found[:, 0], means[0])
        )
        loss, explained = np.sqrt(squares), 1 - squares / reference if reference > 0 else np.nan
    slope = _slope(indicators[:, -1], found[:, -1], w)
    return NuisanceQuality(
        nuisance.name,
        learner,
        measure,
        float(loss),
        float(explained),
        slope,
        int(rows.sum()),
        probe.share,
        probe.p_value,
    )


def _log_loss(indicators: FloatArray, probability: FloatArray, w: FloatArray) -> float:
    p = np.clip(probability, _TINY, 1 - _TINY)
    terms = indicators * np.log(p)
    if indicators.shape[1] == 1:
        terms = terms + (1 - indicators) * np.log(1 - p)
    return float(-np.average(terms.sum(axis=1), weights=w))


def _slope(y: FloatArray, predicted: FloatArray, w: FloatArray) -> float:
    """Slope of the target on its prediction."""
    away = predicted - np.average(predicted, weights=w)
    spread = float(w @ away**2)
    if spread <= 1e-12 * float(w @ predicted**2):
        return np.nan
    return float((w * away) @ y) / spread


def _left_over(nuisance: Nuisance, predicted: FloatArray) -> FloatArray:
    """Target less prediction; of classes, for the last one."""
    if predicted.ndim == 1:
        return nuisance.target - predicted
    last = predicted.shape[1] - 1
    left: FloatArray = (nuisance.target == last) - predicted[:, last]
    return left


def _probe(
    problem: Problem,
    nuisance: Nuisance,
    predicted: FloatArray,
    rows: BoolArray,
    folds: IntArray,
) -> _Probe:
    """Screen what is left over; if it is suspicious, test whether a flexible learner knows it."""
    everyone, residual = nuisance.seen(problem), _left_over(nuisance, predicted)
    which = np.flatnonzero(rows)
    if len(which) < _FEWEST_ROWS or everyone.shape[1] == 0 or np.ptp(residual[which]) == 0:
        return _Probe(np.nan, np.nan, lambda: np.zeros(len(residual)))
    if len(which) > _MOST_ROWS:
        which = np.sort(np.random.default_rng(0).choice(which, _MOST_ROWS, replace=False))
    r, f, w = residual[which], folds[which], problem.weights[which]
    X = np.ascontiguousarray(everyone[which])
    groups = None if problem.groups is None else problem.groups[which]
    seen = screen(X, w * r, groups)
    if seen.p_value >= _SUSPICIOUS or not seen.columns:
        return _Probe(0.0, seen.p_value, lambda: np.zeros(len(residual)))
    fitted = predicted if predicted.ndim == 1 else predicted[:, -1]
    found = []
    for learner in (_trees(X, r, fitted[which], w, f), _smooth(X, r, f, seen.columns)):
        away = np.zeros(len(which))
        for fold in np.unique(f):
            away[f == fold] = learner(fold, X[f == fold], fitted[which][f == fold])
        found.append((*_strength(w * r * away, groups), away, learner))
    z, total, away, learner = max(found, key=lambda one: one[0])
    size = float(w @ away**2)
    strength = float(np.clip(total / size, 0, 1)) if size > 0 else 0.0

    def correction() -> FloatArray:
        everywhere = np.empty(len(residual))
        for fold in np.unique(folds):
            there = folds == fold
            everywhere[there] = strength * learner(fold, everyone[there], fitted[there])
        return everywhere

    share = max(total, 0.0) ** 2 / (size * float(w @ r**2)) if size > 0 else 0.0
    p = min(_CHANCES * min(seen.p_value, NormalDist().cdf(-z)), 1.0)
    return _Probe(share, p, correction)


def _strength(product: FloatArray, groups: IntArray | None) -> tuple[float, float]:
    """Sum of the products of residuals and predictions, studentised and plain."""
    if groups is not None:
        summed: FloatArray = np.bincount(groups, weights=product).astype(np.float64)
        product = summed
    total, spread = float(product.sum()), float(np.sqrt((product**2).sum()))
    return (total / spread if spread > 0 else 0.0), total


def _trees(
    X: FloatArray, r: FloatArray, fitted: FloatArray, w: FloatArray, folds: IntArray
) -> _Knowing:
    """Fit boosted trees to the target; what they know beyond a prediction."""
    labels = np.unique(folds)
    splits = [(folds != fold, folds == fold) for fold in labels]
    learner = BoostedRegressor(max_rounds=_TREES, random_state=0)
    mean = learner.fitted(X, r + fitted, w, splits, {})
    place = {fold: k for k, fold in enumerate(labels.tolist())}
    return lambda fold, rows, known: mean(place[int(fold)], rows) - known


def _smooth(X: FloatArray, r: FloatArray, folds: IntArray, columns: tuple[int, ...]) -> _Knowing:
    """Smooth the residuals of the other folds over the columns that the screen named."""
    named, rng = list(columns), np.random.default_rng(0)
    smooths = {
        int(fold): smoothed(X[folds != fold][:, named], r[folds != fold], rng)
        for fold in np.unique(folds)
    }
    return lambda fold, rows, _: smooths[int(fold)](rows[:, named])


def _mend(nuisance: Nuisance, predicted: FloatArray, probe: _Probe) -> FloatArray:
    """Predictions with what was missed put back; probabilities stay probabilities."""
    if predicted.ndim == 1:
        better = predicted + probe.correction()
        if np.isin(nuisance.target, (0.0, 1.0)).all():
            better = np.clip(better, 0.0, 1.0)
        return better
    last = np.clip(predicted[:, -1] + probe.correction(), 0.0, 1.0)
    others = predicted[:, :-1]
    left = others.sum(axis=1)
    scale = np.divide(1 - last, left, out=np.zeros_like(last), where=left > 0)
    return np.column_stack([others * scale[:, None], last])
