"""Prediction-powered inference: few labels, many predictions, and an interval that is honest.

A model predicts the outcome of every row (from images, text, a cheap survey), and the outcome
itself is known for some rows, drawn at random. Taking predictions for outcomes is biased however
many there are; the labelled rows alone are few. Both together,

    ŷᵢ λ + (labelled) · (yᵢ − λ ŷᵢ) / P(labelled),

have the mean of the outcome whatever the model is worth, and the more it is worth the smaller is
their variance. Put this *pseudo-outcome* in place of the outcome, and any estimator of an average
effect is prediction-powered. λ = 1 is the original proposal; with the λ that
minimises the variance of the effect (PPI++) large samples are never worse than their labelled rows.

What treatment and covariates explain of a column need not be drawn by labels: a line through the
labelled rows stands for it in all rows, and only what it leaves is divided by P(labelled). With
OLS, the labelled part is then OLS on the labelled rows, exactly.

References
----------
Angelopoulos, Bates, Fannjiang, Jordan & Zrnic (2023), "Prediction-powered inference", Science 382,
669-674. doi:10.1126/science.adi6000
Angelopoulos, Duchi & Zrnic (2023), "PPI++: efficient prediction-powered inference".
doi:10.48550/arXiv.2311.01453
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from sklearn.base import clone

from causalkit.errors import InputError
from causalkit.estimation.base import EffectEstimator, Solution
from causalkit.estimation.inference import Asymptotic, Bootstrap
from causalkit.estimation.orthogonal.quantiles import QuantileEffects
from causalkit.estimation.problem import Problem
from causalkit.estimation.regression import OLS
from causalkit.typing import FloatArray, RandomState

__all__ = ["PredictionPowered"]

_LEAST_LABELLED = 10
_LABELS_A_COLUMN = 5
"""Labelled rows for each column of the line through them; with fewer it would follow noise."""


class PredictionPowered(EffectEstimator):
    """Any estimator, for an outcome that is measured in few rows and predicted in all.

    Needs two more roles in `fit`: `predicted`, the model's outcome of every row, and `labelled`,
    one where the outcome was measured and zero elsewhere (there, `y` is not read and may be
    missing). From an estimand, name both columns, as in
    `estimand.estimate(data, PredictionPowered(), roles={"predicted": "map", "labelled": "known"})`.

    Parameters
    ----------
    estimator : EffectEstimator, optional
        Of an average effect: OLS (the default), GComputation without a family, IPW,
        EntropyBalancing, or AIPW and PLR with any regressors.
    tuning : {"variance", "none"} or float
        λ that minimises the variance; λ = 1; or a number.
    inference : Asymptotic or Bootstrap, optional
    random_state : int, Generator or None
        For the inner estimator.

    Notes
    -----
    **Assumes:**

    - what the inner estimator assumes;
    - labelled rows are drawn at random, within arms of the treatment if not overall;
    - the model that predicts was not trained on these labels (cross-fit it otherwise).

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> t = rng.integers(2, size=5000)
    >>> y = 0.5 * t + rng.normal(size=5000)
    >>> guess = 0.6 * y + 0.3 * rng.normal(size=5000)
    >>> known = rng.random(5000) < 0.1
    >>> measured = np.where(known, y, np.nan)
    >>> ppi = PredictionPowered().fit(None, measured, t=t, predicted=guess, labelled=known)
    >>> bool(0.5 in ppi.effect_.interval(0.99))
    True
    """

    needs: ClassVar[tuple[str, ...]] = ("predicted", "labelled")
    seen_by: ClassVar[str | None] = "labelled"

    def __init__(
        self,
        estimator: EffectEstimator | None = None,
        *,
        tuning: str | float = "variance",
        inference: Asymptotic | Bootstrap | None = None,
        random_state: RandomState = None,
    ) -> None:
        self.estimator = estimator
        self.tuning = tuning
        self.inference = inference
        self.random_state = random_state

    def _method(self) -> str:
        return f"prediction-powered {self._inner()._method()}"

    def _inner(self) -> EffectEstimator:
        inner = clone(self.estimator) if self.estimator is not None else OLS()
        open_ = inner.get_params(deep=False)
        if "random_state" in open_ and open_["random_state"] is None:
            inner.set_params(random_state=self.random_state)
        return inner

    def _check(self, problem: Problem) -> None:
        self._check_roles(problem.others)
        if self.estimator is not None and not isinstance(self.estimator, EffectEstimator):
            raise InputError(
                f"estimator={self.estimator!r}; expected an EffectEstimator such as OLS()."
            )
        if isinstance(self.estimator, QuantileEffects):
            raise InputError(
                "QuantileEffects() compares quantiles, and those of a prediction-powered outcome "
                "are not those of the outcome; expected an estimator of an average effect, such as "
                "OLS() or AIPW()."
            )
        self._inner()._check(_plain(problem, problem.y))
        inference = self._inference()
        if isinstance(inference, Asymptotic):
            inference.check(problem)
        if not isinstance(self.tuning, (int, float)) and self.tuning not in ("variance", "none"):
            raise InputError(
                f"tuning={self.tuning!r}; expected 'variance', 'none' or a number from 0 to 1."
            )
        labelled = problem.others["labelled"].values
        predicted = problem.others["predicted"].values
        if labelled.shape[1] != 1 or not np.isin(labelled, (0.0, 1.0)).all():
            raise InputError(
                "labelled holds other values than 0 and 1; expected one column that is 1 where the "
                "outcome was measured. Pass a boolean column."
            )
        if predicted.shape[1] != 1:
            raise InputError(
                f"predicted has {predicted.shape[1]} columns; expected one, the predicted outcome."
            )
        cells = problem.t if problem.levels is not None else np.zeros(problem.n_obs)
        for cell in np.unique(cells):
            known = int(
                np.count_nonzero(labelled[cells == cell, 0] * problem.weights[cells == cell])
            )
            if known < _LEAST_LABELLED:
                raise InputError(
                    f"{known} rows with {problem.treatment!r} at level {cell:g} are labelled; "
                    f"expected at least {_LEAST_LABELLED}. Measure more outcomes."
                )

    def _solve(self, problem: Problem, rng: np.random.Generator) -> Solution:
        labelled = problem.others["labelled"].values[:, 0]
        predicted = problem.others["predicted"].values[:, 0]
        shares = _shares(problem, labelled)
        inner = self._inner()
        seed = int(rng.integers(2**32))

        def solve(outcome: FloatArray) -> Solution:
            return inner._solve(_plain(problem, outcome), np.random.default_rng(seed))

        # A mean is linear in the outcome: labels alone, and what predictions add per unit.
        counts = labelled / shares
        design = _design(problem, labelled)
        lines = _lines(design, np.column_stack([problem.y, predicted]), problem.weights * counts)
        measured = lines[:, 0] + counts * (problem.y - lines[:, 0])
        guessed = (1 - counts) * (predicted - lines[:, 1])
        alone, gain = solve(measured), solve(guessed)
        weight = self._weight(problem, alone.scores, gain.scores)
        found = solve(measured + weight * guessed) if weight else alone
        known = np.count_nonzero(labelled * problem.weights)
        fitted = np.sqrt(known / (known - design.shape[1]))
        return Solution(
            found.value,
            fitted * found.scores,
            n_parameters=found.n_parameters,
            details={
                **{key: value for key, value in found.details.items() if key == "contrast"},
                "tuning": weight,
                "labelled_alone": alone.value,
                "notes": [f"Labelled: {int(labelled.sum())} of {problem.n_obs} rows."],
            },
        )

    def _weight(self, problem: Problem, alone: FloatArray, gain: FloatArray) -> float:
        """How much to trust the predictions."""
        if isinstance(self.tuning, (int, float)):
            return float(self.tuning)
        if self.tuning == "none":
            return 1.0
        sums = [
            part if problem.groups is None else np.bincount(problem.groups, weights=part)
            for part in (problem.weights * alone, problem.weights * gain)
        ]
        variance = float(sums[1] @ sums[1])
        return float(np.clip(-(sums[0] @ sums[1]) / variance, 0, 1)) if variance > 0 else 0.0


def _plain(problem: Problem, outcome: FloatArray) -> Problem:
    """The problem of the inner estimator."""
    return problem.replace(y=outcome, others={}, supplied={})


def _shares(problem: Problem, labelled: FloatArray) -> FloatArray:
    """Share of labelled rows, in each arm of a discrete treatment."""
    if problem.levels is None:
        return np.full(problem.n_obs, float(np.average(labelled, weights=problem.weights)))
    codes = problem.t.astype(np.intp)
    total = np.bincount(codes, weights=problem.weights)
    known = np.bincount(codes, weights=problem.weights * labelled)
    return np.asarray((known / total)[codes], dtype=np.float64)


def _design(problem: Problem, labelled: FloatArray) -> FloatArray:
    """Arms (or the dose), and the covariates if there are labels enough for so many."""
    if problem.levels is None:
        base = np.column_stack([np.ones(problem.n_obs), problem.t])
    else:
        base = (problem.t[:, None] == np.unique(problem.t)).astype(np.float64)
    columns = base.shape[1] + problem.X.shape[1]
    known = np.count_nonzero(labelled * problem.weights)
    return np.hstack([base, problem.X]) if known >= _LABELS_A_COLUMN * columns else base


def _lines(design: FloatArray, columns: FloatArray, weights: FloatArray) -> FloatArray:
    """Values in all rows of least squares fits to the labelled ones, shape (n, k)."""
    root = np.sqrt(weights)[:, None]
    slopes = np.linalg.lstsq(root * design, root * columns, rcond=None)[0]
    return np.asarray(design @ slopes, dtype=np.float64)
