"""Fitting a mechanism for a number: by a family that is named, or by the one that predicts best.

======================  ============================================================
family                  y =
======================  ============================================================
``"linear"``            a line of the causes + noise
``"spline"``            a line, a penalised curve of each cause + noise
``"boosting"``          a line, boosted trees on its residuals + noise
``"location-scale"``    one of these + a scale that is a curve of the causes × noise
``"level"``             one of these + noise whose law goes with the level of the mean
``"quantile"``          a quantile that noise names, by a forest
======================  ============================================================

``"auto"`` decides by rows that were held out (folds of rows, or blocks if they are given). First
the mean: of line, curves and trees, the simplest whose squared error is within one standard error
of the least. Then the scale: constant, unless the normal log-likelihood of the rows is better by
more than two standard errors where it may vary. Standard errors are those of differences between
two families on the same rows, so a family is not kept because errors are large for both.

References
----------
Breiman, Friedman, Olshen & Stone (1984), "Classification and Regression Trees", section 3.4.3 (the
rule of one standard error). doi:10.1201/9781315139470
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, cast

import numpy as np

from causalkit._core.checks import check_choice
from causalkit.errors import InputError
from causalkit.models.mechanisms.additive import Additive, Linear, LocationScale
from causalkit.models.mechanisms.base import Function, Mechanism, Noise
from causalkit.models.mechanisms.function_fitting import (
    fit_line,
    fit_log_scale,
    fit_spline,
    fit_trees,
)
from causalkit.models.mechanisms.functions import Bounded, Encoded
from causalkit.models.mechanisms.noise_fitting import NoiseKind, fit_noise
from causalkit.typing import FloatArray, IntArray

__all__ = ["FAMILIES", "FittedMechanism", "fit_mechanism"]

FAMILIES: Final = ("auto", "linear", "spline", "boosting", "location-scale", "level", "quantile")
_MEANS: Final = ("linear", "spline", "boosting")
_FOLDS: Final = 5
_FEWEST_FOR_TREES: Final = 100
_FEWEST_FOR_SCALE: Final = 60
_MOST_TO_CHOOSE: Final = 10_000
"""Rows that families are compared on: more would tell them apart no better."""


@dataclass(frozen=True, slots=True, eq=False)
class FittedMechanism:
    """A mechanism, and how it was chosen.

    Attributes
    ----------
    mechanism : Mechanism
    family : str
        Asked for or chosen; "location-scale (spline)" names the mean too.
    losses : dict of str to float
        Mean held-out loss of each family that was tried: squared error over the variance of the
        target for means; for scales, negative normal log-likelihood ("constant scale",
        "varying scale").
    """

    mechanism: Mechanism
    family: str
    losses: Mapping[str, float] = field(default_factory=dict)


def fit_mechanism(
    causes: FloatArray,
    y: FloatArray,
    *,
    family: str = "auto",
    noise: str = "auto",
    n_levels: Sequence[int] | None = None,
    folds: IntArray | None = None,
    rng: np.random.Generator,
) -> FittedMechanism:
    """Fit how a number comes about from its causes and noise.

    Parameters
    ----------
    causes : ndarray of shape (n, k)
    y : ndarray of shape (n,)
    family : {"auto", "linear", "spline", "boosting", "location-scale", "level", "quantile"}
    noise : str
        Kind of noise; see :func:`causalkit.models.mechanisms.noise_fitting.fit_noise`. Not used by
        "level" and "quantile", which have noise of their own.
    n_levels : sequence of int, optional
        Levels of each cause, 0 for a number. Causes with three and more become indicators.
    folds : ndarray of int, shape (n,), optional
        Fold of each row, such as a block of time; drawn at random if left out.
    rng : Generator
        Draws folds and grows trees.

    Returns
    -------
    FittedMechanism
        Bijective.

    Raises
    ------
    InputError
        If the family is not known or there are fewer than 3 rows.

    Notes
    -----
    **Assumes:** the causes are all there are, and noise is independent of them.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(400, 1))
    >>> y = np.sin(2 * x[:, 0]) + 0.5 * rng.normal(size=400)
    >>> fit_mechanism(x, y, rng=rng).family
    'spline'
    """
    check_choice(family, "mechanism", FAMILIES)
    if len(y) < 3:
        raise InputError(f"there are {len(y)} row(s); expected at least 3. Bring more rows.")
    counts = np.array([c if c > 2 else 0 for c in n_levels or ()], dtype=np.intp)
    if counts.any():
        inner = Encoded(_root(y, noise), counts)
        found = fit_mechanism(
            inner.encode(causes), y, family=family, noise=noise, folds=folds, rng=rng
        )
        return FittedMechanism(Encoded(found.mechanism, counts), found.family, found.losses)
    if not causes.shape[1] or np.ptp(y) == 0:
        if causes.shape[1]:
            flat = Additive(Linear(np.zeros(causes.shape[1]), float(y[0])), _noise_of(y, noise))
            return FittedMechanism(flat, "linear")
        return FittedMechanism(_root(y, noise), "linear" if family == "auto" else family)
    return _Fit(causes, y, noise, folds, rng).fit(family)


def _root(y: FloatArray, noise: str) -> Additive:
    return Additive(Linear(np.zeros(0), float(y.mean())), _noise_of(y - y.mean(), noise))


def _noise_of(residuals: FloatArray, kind: str) -> Noise:
    return fit_noise(residuals, cast(NoiseKind, kind))


class _Fit:
    """Fits to the same rows, and held-out predictions made when first asked for."""

    def __init__(
        self,
        causes: FloatArray,
        y: FloatArray,
        noise: str,
        folds: IntArray | None,
        rng: np.random.Generator,
    ) -> None:
        self.causes, self.y, self.noise_kind, self.rng = causes, y, noise, rng
        n = len(y)
        if folds is None:
            folds = rng.permutation(n) % min(_FOLDS, n)
        self.rows = np.arange(n)[:: -(-n // _MOST_TO_CHOOSE)]
        self.folds = np.asarray(folds)[self.rows]
        self._held_out: dict[str, FloatArray] = {}

    def fit(self, family: str) -> FittedMechanism:
        """Fit the family, or choose one."""
        losses: dict[str, float] = {}
        if family == "quantile":
            from causalkit.models.mechanisms.quantiles import fit_quantiles

            return FittedMechanism(fit_quantiles(self.causes, self.y, rng=self.rng), family)
        mean = family if family in _MEANS else self._choose_mean(losses)
        if family == "level":
            return FittedMechanism(self._by_level(mean), f"level ({mean})", losses)
        varies = family == "location-scale"
        if family == "auto":
            varies = self._scale_varies(mean, losses)
        title = f"location-scale ({mean})" if varies else mean
        return FittedMechanism(self._build(mean, varies=varies), title, losses)

    def held_out(self, mean: str) -> FloatArray:
        """Predictions of the rows that are compared, each by a fit to the other folds."""
        if mean not in self._held_out:
            x, y = self.causes[self.rows], self.y[self.rows]
            if mean == "boosting":
                found = self.held_out("linear") + _trees_held_out(x, y, self.folds, self.rng)
            else:
                found, fitter = np.empty(len(y)), _FITTERS[mean]
                for k in np.unique(self.folds):
                    out = self.folds == k
                    found[out] = fitter(x[~out], y[~out])[0](x[out])
            self._held_out[mean] = found
        return self._held_out[mean]

    def _choose_mean(self, losses: dict[str, float]) -> str:
        """Return the simplest family within one standard error of the best."""
        y, spread = self.y[self.rows], float(self.y.var())
        tried = _MEANS if len(y) >= _FEWEST_FOR_TREES else _MEANS[:2]
        errors = {mean: (y - self.held_out(mean)) ** 2 / spread for mean in tried}
        losses.update({mean: float(error.mean()) for mean, error in errors.items()})
        best = min(tried, key=losses.__getitem__)
        for mean in tried:
            gain = errors[mean] - errors[best]
            if gain.mean() <= gain.std() / np.sqrt(len(y)):
                return mean
        return best

    def _scale_varies(self, mean: str, losses: dict[str, float]) -> bool:
        """Whether rows are likelier, by more than two standard errors, if the scale may vary."""
        residuals = self.y[self.rows] - self.held_out(mean)
        n = len(residuals)
        if n < _FEWEST_FOR_SCALE or np.ptp(residuals) <= 1e-9 * np.ptp(self.y):
            return False
        x = self.causes[self.rows]
        constant, varying = np.empty(n), np.empty(n)
        for k in np.unique(self.folds):
            out = self.folds == k
            own = residuals[out]
            constant[out] = _surprise(own, np.log(residuals[~out].std()))
            varying[out] = _surprise(own, fit_log_scale(x[~out], residuals[~out])(x[out]))
        losses["constant scale"] = float(constant.mean())
        losses["varying scale"] = float(varying.mean())
        gain = constant - varying
        return bool(gain.mean() > 2 * gain.std() / np.sqrt(n))

    def _build(self, mean: str, *, varies: bool) -> Mechanism:
        """Fit to all rows."""
        function, residuals, where = self._mean(mean, None)
        if not varies:
            return Additive(function, _noise_of(residuals, self.noise_kind))
        log_scale: Bounded = fit_log_scale(where, residuals)
        if mean != "boosting":  # rows of small scale say more about the mean
            function, residuals, where = self._mean(mean, np.exp(-2 * log_scale(self.causes)))
            log_scale = fit_log_scale(where, residuals)
        standard = residuals / np.exp(log_scale(where))
        return LocationScale(function, log_scale, _noise_of(standard, self.noise_kind))

    def _by_level(self, mean: str) -> Mechanism:
        """Fit a mean, and the law of its residuals by level."""
        from causalkit.models.mechanisms.levels import fit_level_noise

        function, residuals, where = self._mean(mean, None)
        fitted = self.held_out(mean) if mean == "boosting" else function(where)
        return fit_level_noise(function, fitted, residuals)

    def _mean(
        self, mean: str, weights: FloatArray | None
    ) -> tuple[Function, FloatArray, FloatArray]:
        """Fit the function; return honest residuals of some rows, and their causes."""
        if mean == "boosting":
            residuals = self.y[self.rows] - self.held_out(mean)
            return fit_trees(self.causes, self.y, self.rng), residuals, self.causes[self.rows]
        function, df = _FITTERS[mean](self.causes, self.y, weights)
        n = len(self.y)
        spread = np.sqrt(n / max(n - df, 1.0))  # the fit has taken df of the n squares
        return function, (self.y - function(self.causes)) * spread, self.causes


_FITTERS: Final[Mapping[str, Callable[..., tuple[Function, float]]]] = {
    "linear": fit_line,
    "spline": fit_spline,
}


def _trees_held_out(
    causes: FloatArray, y: FloatArray, folds: IntArray, rng: np.random.Generator
) -> FloatArray:
    """Held-out predictions of trees on the residuals of a line, their number the same in all."""
    from causalkit._core.random import draw_seed
    from causalkit.estimation.nuisances.boosting import BoostedRegressor

    line, _ = fit_line(causes, y)
    x = np.ascontiguousarray(causes)
    splits = [(folds != k, folds == k) for k in np.unique(folds)]
    learner = BoostedRegressor(start="mean", random_state=draw_seed(rng))
    predict = learner.fitted(x, y - line(x), np.ones(len(y)), splits, {})
    found = np.empty(len(y))
    for k, (_, out) in enumerate(splits):
        found[out] = predict(k, x[out])
    return found


def _surprise(residuals: FloatArray, log_scale: FloatArray) -> FloatArray:
    """Negative normal log-likelihood of each, up to a constant."""
    surprise: FloatArray = log_scale + 0.5 * (residuals / np.exp(log_scale)) ** 2
    return surprise
