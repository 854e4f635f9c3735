"""Whether predictions of nuisances are good enough, and the effect with better ones.

Intervals from orthogonal moments hold if the learners come close to the truth. If they do not,
nothing in the interval shows it: it is as narrow as ever, around the wrong number. So the residuals
are screened, on 4,000 rows where there are more: whether they are correlated with curves of a
column, or with products of those of two (:mod:`causalkit.estimation.nuisances.left_over`). The
p-value of the screen is the one that is reported.

Where it is suspicious, the residuals of all folds but one are smoothed over the columns that stand
out, and it is seen how well that, d(x), predicts the residuals r of the fold that was left out
(:mod:`causalkit.estimation.nuisances.residual_smooths`). Σ r d / Σ d² tells by how much to shrink
d, and (Σ r d)² / (Σ d² Σ r²) what share of the rest was missed. Where the screen sees nothing, but
the target itself differs between the cells of two columns, curves and surfaces are fitted to it as
a second opinion (:mod:`causalkit.estimation.nuisances.second_opinion`). What three columns do
together only is not looked for. Nor are boosted trees fitted: they see little more, and take long.

If structure was missed, the effect is computed once more, from all rows, with d put back. What the
difference says :class:`~causalkit.estimation.nuisances.quality.Nuisances` judges.

References
----------
Chernozhukov et al. (2018), "Double/debiased machine learning for treatment and structural
parameters", Econometrics Journal 21, C1-C68. doi:10.1111/ectj.12097
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from sklearn.base import is_classifier

from causalkit.errors import CausalkitError
from causalkit.estimation.nuisances.crossfitting import Nuisance
from causalkit.estimation.nuisances.left_over import Curves, Screened, curves_of, screen
from causalkit.estimation.nuisances.quality import NuisanceQuality, Nuisances, is_assessed
from causalkit.estimation.nuisances.residual_smooths import Bins, Smooth, bins_of, fit_smooths
from causalkit.estimation.nuisances.second_opinion import second_opinion
from causalkit.estimation.problem import Problem
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["assess"]

_LENIENT = 0.1
"""Level at which residuals are smoothed, and mended once a nuisance was found to miss something."""

_DECISIVE = 0.001
"""Level at which no second opinion is asked for."""

_FEWEST_ROWS, _MOST_ROWS = 100, 4000
_TINY = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Rows that are looked at, and what is known of their columns."""

    everyone: FloatArray
    allowed: BoolArray
    which: IntArray
    curves: Curves
    bins: dict[int, Bins] = field(default_factory=dict)
    codes: dict[int, IntArray] = field(default_factory=dict)

    def coded(self, columns: Sequence[int]) -> list[IntArray]:
        """Bins of all rows of the problem, by column."""
        for c in columns:
            if c not in self.codes:
                column = np.ascontiguousarray(self.everyone[:, c])
                self.bins[c] = bins_of(column[self.which])
                self.codes[c] = self.bins[c].codes(column)
        return [self.codes[c] for c in columns]


@dataclass(frozen=True, slots=True)
class _Probe:
    """What was left over: the share that is known, its p-value, and it at all rows (or None)."""

    share: float = np.nan
    p_value: float = np.nan
    correction: Callable[[], FloatArray] | None = None


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
    """Judge the predictions of all nuisances; None within `unassessed`.

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
    if not is_assessed():
        return None
    parts: list[NuisanceQuality] = []
    probes: dict[str, _Probe] = {}
    looked: _Rows | None = None
    for nuisance in nuisances:
        found = predictions[nuisance.name]
        rows = problem.weights > 0
        if nuisance.among is not None:
            rows = rows & nuisance.among
        learner = chosen.get(nuisance.name, type(nuisance.learner).__name__)
        if nuisance.name in problem.supplied:
            learner = "supplied"
        looked = _rows(nuisance.seen(problem), rows, looked)
        probe = _Probe()
        if looked is not None:
            known = found if found.ndim == 1 else found[:, -1]
            probe = _probe(problem, looked, _left_over(nuisance, found), known, folds)
        probes[nuisance.name] = probe
        parts.append(_judge(problem, nuisance, found, rows, learner, probe))
    judged = Nuisances(tuple(parts))
    if not judged.missing or not std_error > 0:
        return judged
    put_back = dict(predictions)
    for nuisance in nuisances:
        probe = probes[nuisance.name]
        if probe.p_value < _LENIENT and probe.correction is not None:
            correction = probe.correction()
            put_back[nuisance.name] = _mend(nuisance, predictions[nuisance.name], correction)
    try:
        value, error = mended(put_back)
    except CausalkitError:  # e.g. nothing is left of the treatment
        return judged
    targets = {id(nuisance.target) for nuisance in nuisances if nuisance.name in judged.missing}
    shift, chance = (value - effect) / std_error, error / std_error
    return Nuisances(judged.parts, value, shift, chance, len(targets) > 1)


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
    zeros_and_ones = bool(((y == 0) | (y == 1)).all())
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


def _rows(everyone: FloatArray, allowed: BoolArray, before: _Rows | None) -> _Rows | None:
    """Rows to look at, those of the nuisance before if they are the same; None if too few."""
    if (
        before is not None
        and before.everyone is everyone
        and np.array_equal(before.allowed, allowed)
    ):
        return before
    which = np.flatnonzero(allowed)
    if len(which) < _FEWEST_ROWS or everyone.shape[1] == 0:
        return None
    if len(which) > _MOST_ROWS:
        which = np.sort(np.random.default_rng(0).choice(which, _MOST_ROWS, replace=False))
    return _Rows(everyone, allowed, which, curves_of(everyone[which]))


def _probe(
    problem: Problem, rows: _Rows, residual: FloatArray, known: FloatArray, folds: IntArray
) -> _Probe:
    """Screen what is left over; see how much of it other folds know, or surfaces of the target."""
    which = rows.which
    r, w, f = residual[which], problem.weights[which], folds[which]
    if np.ptp(r) == 0:
        return _Probe()
    groups = None if problem.groups is None else problem.groups[which]
    seen = screen(rows.curves, w * r, groups)
    if (f == f[0]).all():
        return _Probe(0.0, seen.p_value)
    found = _smoothed(rows, seen, r, w, folds) if seen.p_value < _LENIENT else None
    if seen.p_value < _DECISIVE:
        return found or _Probe(0.0, seen.p_value)
    X = rows.everyone
    opinion = (
        None
        if groups is not None
        else second_opinion(X[which], r + known[which], known[which], w, f)
    )
    p_value = seen.p_value if opinion is None else min(2 * min(seen.p_value, opinion.p_value), 1.0)
    if opinion is None or opinion.p_value > seen.p_value:
        return _Probe(0.0, p_value) if found is None else replace(found, p_value=p_value)

    def correction() -> FloatArray:
        beyond = np.zeros(len(folds))
        for fold in np.unique(folds):
            there = np.flatnonzero(folds == fold)
            beyond[there] = opinion.beyond(int(fold), X[there], known[there])
        return beyond

    return _Probe(opinion.share, p_value, correction)


def _smoothed(
    rows: _Rows, seen: Screened, r: FloatArray, w: FloatArray, folds: IntArray
) -> _Probe | None:
    """How much of the residuals of each fold the others know; None if nothing."""
    which = rows.which
    columns = sorted({c for pair in seen.named for c in pair})
    coded = dict(zip(columns, rows.coded(columns), strict=True))
    codes = {c: code[which] for c, code in coded.items()}
    smooths = fit_smooths(seen.named, rows.bins, codes, r, w, folds[which])
    away = _looked_up(smooths, codes, folds[which])
    total, size = float((w * r) @ away), float(w @ away**2)
    if not (size > 0 and total > 0):
        return None
    shrunk, share = min(total / size, 1.0), total**2 / (size * float(w @ r**2))
    return _Probe(share, seen.p_value, lambda: shrunk * _looked_up(smooths, coded, folds))


def _looked_up(
    smooths: Mapping[int, Sequence[Smooth]], codes: Mapping[int, IntArray], folds: IntArray
) -> FloatArray:
    """What the other folds know, at each row."""
    away = np.zeros(len(folds))
    for fold, parts in smooths.items():
        there = np.flatnonzero(folds == fold)
        for smooth in parts:
            away[there] += smooth.at([codes[c][there] for c in smooth.columns])
    return away


def _mend(nuisance: Nuisance, predicted: FloatArray, correction: FloatArray) -> FloatArray:
    """Predictions with what was missed put back; probabilities stay probabilities."""
    if predicted.ndim == 1:
        better = predicted + correction
        if np.isin(nuisance.target, (0.0, 1.0)).all():
            better = np.clip(better, 0.0, 1.0)
        return better
    last = np.clip(predicted[:, -1] + correction, 0.0, 1.0)
    others = predicted[:, :-1]
    left = others.sum(axis=1)
    scale = np.divide(1 - last, left, out=np.zeros_like(last), where=left > 0)
    return np.column_stack([others * scale[:, None], last])
