"""`DoseResponse`: the mean outcome at each dose of a continuous treatment, doubly robust.

Kennedy, Ma, McHugh & Small (2017) turn a curve with hidden nuisances into a plain regression. The
*pseudo-outcome* of a row,

    ξ = (Y − μ(X, A)) ϖ(A) / π(A | X) + m(A),

with the outcome μ, the density π of the dose given the covariates, and their averages over
covariates ϖ(a) = E[π(a | X)], m(a) = E[μ(X, a)], has mean E[Y(a)] among rows with dose a if either
μ or π is right. So ξ is regressed on A, by local polynomials whose width the data choose.

Here μ and the mean of the dose are cross-fitted with any learners, and π is the density of what is
left of the dose. The curve is debiased: see :mod:`~causalkit.estimation.orthogonal._smoothing`
for why its intervals may use the width that predicts best. They hold the noise of the average m as
well, which all doses share; the band over the curve follows from the same influences.

References
----------
Kennedy, Ma, McHugh & Small (2017), "Non-parametric methods for doubly robust estimation of
continuous treatment effects", JRSS B 79, 1229-1245. doi:10.1111/rssb.12212
Takatsu & Westling (2024), Debiased inference for a covariate-adjusted regression function, JRSS B.
Colangelo & Lee (2020), "Double debiased machine learning nonparametric inference with continuous
treatments". doi:10.48550/arXiv.2004.03036
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from sklearn.base import clone

from causalkit._core.checks import check_choice, check_positive
from causalkit._core.random import as_generator
from causalkit.errors import InputError, OverlapWarning
from causalkit.estimation.base import Solution
from causalkit.estimation.effect import Effect
from causalkit.estimation.effect_set import EffectSet
from causalkit.estimation.inference import Asymptotic, Bootstrap
from causalkit.estimation.nuisances.crossfitting import Nuisance, crossfit
from causalkit.estimation.nuisances.learners import mean_learner
from causalkit.estimation.orthogonal._pseudo_outcomes import (
    PseudoOutcomes,
    WithDose,
    pseudo_outcomes,
)
from causalkit.estimation.orthogonal._smoothing import best_width, interpolation, local_fit
from causalkit.estimation.orthogonal.base import OrthogonalEstimator
from causalkit.estimation.orthogonal.dose_curve import DoseResponseCurve
from causalkit.estimation.problem import Problem
from causalkit.typing import FloatArray, IntArray, RandomState

__all__ = ["DoseResponse"]

_N_DOSES = 25
_ENDS = (0.05, 0.95)
"""Quantiles of the dose between which the curve is drawn: beyond are too few rows."""

_N_SUPPORT = 50
_STEP = 0.2
_LEAST_VARIANCE = 0.05
"""Of the mean squared residual of the dose: no row is taken to be surer than that."""


class DoseResponse(OrthogonalEstimator):
    """Mean outcome as a function of a continuous treatment, doubly robust and cross-fitted.

    Parameters
    ----------
    outcome_learner : scikit-learn regressor or classifier, optional
        Predicts the outcome from the dose and the adjustment columns.
    treatment_learner : scikit-learn regressor, optional
        Predicts the dose from the adjustment columns.
    doses : sequence of float, optional
        Where the curve is wanted; by default 25 doses from the 5 to the 95 % quantile.
    width : float, optional
        Of the local regression, in units of the dose; by default one chosen from the curvature and
        the noise of the pseudo-outcomes.
    scatter : {"constant", "varying"}
        Whether the scatter of the dose around its mean is the same for all covariates, or is
        predicted too, by the same learner.
    step : float, optional
        Of the average slope (Y(A + step) − Y(A − step)) / 2 step; a fifth of the dose's standard
        deviation by default.
    max_weight : float
        Ratios ϖ/π above it are cut; a row that is typical has ratio 1.
    n_folds, n_repeats : int
        Folds of the cross-fitting; repeats with other folds, aggregated by the median.
    inference : Asymptotic, optional
    random_state : int, Generator or None
        Folds, and every learner whose own random_state is None.
    n_jobs : int, optional
        All fits run in parallel; the numbers do not depend on it.

    Attributes
    ----------
    effect_ : DoseResponseCurve
        With one dose, an Effect.

    Notes
    -----
    **Assumes:**

    - no hidden common cause of dose and outcome beyond the adjustment columns;
    - every row could have had every dose of the curve;
    - the curve is smooth;
    - either the outcome is predicted consistently, or mean and scatter of the dose are and the
      shape of its residuals does not depend on the covariates; for intervals, both, with errors
      that multiply to less than (n · width)^-1/2.

    Intervals are those of a debiased curve at a width that is chosen by the data; its own noise is
    not counted.

    Examples
    --------
    >>> from sklearn.ensemble import HistGradientBoostingRegressor
    >>> from sklearn.linear_model import LinearRegression
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=800)
    >>> a = 0.5 * x + rng.normal(size=800)
    >>> y = np.sin(a) + x + rng.normal(size=800)
    >>> trees = HistGradientBoostingRegressor(max_iter=50, max_leaf_nodes=8)
    >>> dose = DoseResponse(trees, LinearRegression(), doses=(-1.0, 0.0, 1.0), random_state=0)
    >>> curve = dose.fit({"x": x}, y, t=a).effect_
    >>> bool(2 * np.sin(1) in curve.between(1.0, -1.0).interval(0.99))
    True
    """

    treatments: ClassVar[tuple[str, ...]] = ("continuous",)
    instead: ClassVar[str] = "PotentialOutcomes() or AIPW(), which take levels"
    later: ClassVar[tuple[str, ...]] = ("treatment_variance",)

    def __init__(
        self,
        outcome_learner: Any = None,
        treatment_learner: Any = None,
        *,
        doses: Sequence[float] | None = None,
        width: float | None = None,
        scatter: str = "constant",
        step: float | None = None,
        max_weight: float = 50.0,
        n_folds: int = 5,
        n_repeats: int = 1,
        inference: Asymptotic | None = None,
        random_state: RandomState = None,
        n_jobs: int | None = None,
    ) -> None:
        self.outcome_learner = outcome_learner
        self.treatment_learner = treatment_learner
        self.doses = doses
        self.width = width
        self.scatter = scatter
        self.step = step
        self.max_weight = max_weight
        self.n_folds = n_folds
        self.n_repeats = n_repeats
        self.inference = inference
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _method(self) -> str:
        return f"doubly robust dose response, local quadratic, {self._crossfitted()}"

    def _check(self, problem: Problem) -> None:
        super()._check(problem)
        check_choice(self.scatter, "scatter", ("constant", "varying"))
        check_positive(self.max_weight, "max_weight")
        for value, what in ((self.width, "width"), (self.step, "step")):
            if value is not None:
                check_positive(value, what)
        if isinstance(self._inference(), Bootstrap):
            raise InputError(
                "a curve has intervals from influences, and its width would change from resample "
                "to resample; expected inference=None or Asymptotic(). Leave the bootstrap out."
            )
        self._doses(problem)

    def _doses(self, problem: Problem) -> FloatArray:
        """Where the curve is wanted, sorted."""
        t = problem.t[problem.weights > 0]
        if self.doses is None:
            low, high = np.quantile(t, _ENDS)
            return np.linspace(float(low), float(high), _N_DOSES)
        try:
            doses = np.unique(np.asarray(self.doses, dtype=np.float64).reshape(-1))
        except (TypeError, ValueError):
            doses = np.empty(0)
        if not len(doses) or not np.isfinite(doses).all():
            raise InputError(f"doses={self.doses!r}; expected one finite number or more.")
        if doses[0] < t.min() or doses[-1] > t.max():
            raise InputError(
                f"doses from {doses[0]:.4g} to {doses[-1]:.4g} are asked for, but "
                f"{problem.treatment!r} goes from {t.min():.4g} to {t.max():.4g}; expected doses "
                "among those that occur. Nothing can be learnt beyond."
            )
        return doses

    def answer(self, problem: Problem) -> Effect | EffectSet:
        """Return the curve, or one mean if one dose is asked for."""
        self._check(problem)
        doses = self._doses(problem)
        if len(doses) == 1:
            return self.solve(problem)
        rng = as_generator(self.random_state)
        nuisances, repeats = self._repeats(problem, rng)
        width = self._width(problem, doses, repeats)
        members = [clone(self).set_params(doses=(float(dose),), width=width) for dose in doses]
        solutions = [self._at(float(dose), width, problem, repeats) for dose in doses]
        slope = self._slope(problem, nuisances, repeats)
        for alert in slope.alerts:
            warnings.warn(alert, stacklevel=3)
        return DoseResponseCurve(
            effects=tuple(
                member.effect_of(problem, solution)
                for member, solution in zip(members, solutions, strict=True)
            ),
            labels=tuple(f"{dose:.4g}" for dose in doses),
            reading="means",
            doses=doses,
            width=width,
            average_slope=_slope_effect(self.effect_of(problem, slope), self._step(problem)),
        )

    def _solve(self, problem: Problem, rng: np.random.Generator) -> Solution:
        doses = self._doses(problem)
        if len(doses) > 1:
            raise InputError(
                f"a curve of {len(doses)} doses is asked for, where one number is needed; expected "
                "one dose. Take one of the curve's effects, or set doses=(dose,)."
            )
        nuisances, repeats = self._repeats(problem, rng)
        width = self._width(problem, doses, repeats)
        found = self._at(float(doses[0]), width, problem, repeats)
        slope = self._slope(problem, nuisances, repeats)
        return replace(found, alerts=slope.alerts)

    def _slope(
        self, problem: Problem, nuisances: Sequence[Nuisance], repeats: Sequence[PseudoOutcomes]
    ) -> Solution:
        """The average slope; what is to be said of all predictions is said with it."""
        found = self._aggregate(
            problem, nuisances, [(*pseudo.slope, pseudo.facts) for pseudo in repeats]
        )
        kept = found.details["predictions"]
        few = {name: kept[name] for name in ("outcome", "treatment")}
        return replace(found, details={**found.details, "predictions": few})

    def _part(
        self,
        problem: Problem,
        predictions: Mapping[str, FloatArray],
        folds: IntArray,
        rng: np.random.Generator,
    ) -> tuple[float, FloatArray, dict[str, Any]]:
        """Average slope from predictions."""
        pseudo = self._pseudo(problem, predictions, self._support(problem), folds, rng)
        return (*pseudo.slope, {})

    def _pseudo(
        self,
        problem: Problem,
        predictions: Mapping[str, FloatArray],
        support: FloatArray,
        folds: IntArray,
        rng: np.random.Generator,
    ) -> PseudoOutcomes:
        residual = problem.t - predictions["treatment"]
        return pseudo_outcomes(
            problem,
            predictions,
            support,
            scale=self._scale(problem, residual, folds, rng),
            step=self._step(problem),
            max_weight=self.max_weight,
        )

    def _step(self, problem: Problem) -> float:
        if self.step is not None:
            return self.step
        centre = np.average(problem.t, weights=problem.weights)
        return _STEP * float(
            np.sqrt(np.average((problem.t - centre) ** 2, weights=problem.weights))
        )

    def _width(
        self, problem: Problem, doses: FloatArray, repeats: Sequence[PseudoOutcomes]
    ) -> float:
        if self.width is not None:
            return self.width
        low, high = np.quantile(problem.t[problem.weights > 0], _ENDS)
        ends = min(float(low), float(doses[0])), max(float(high), float(doses[-1]))
        widths = [
            best_width(problem.t, pseudo.outcomes, problem.weights, ends) for pseudo in repeats
        ]
        return float(np.median(widths))

    def _repeats(
        self, problem: Problem, rng: np.random.Generator
    ) -> tuple[Sequence[Nuisance], list[PseudoOutcomes]]:
        nuisances, support = self._nuisances(problem), self._support(problem)
        prepared: dict[Any, Any] = {}
        repeats = []
        for stream in rng.spawn(self.n_repeats):
            folds = self._folds(problem, stream)
            predictions = crossfit(
                problem, nuisances, folds, stream, n_jobs=self.n_jobs, prepared=prepared
            )
            pseudo = self._pseudo(problem, predictions, support, folds, stream)
            pseudo.facts.update(
                folds=folds,
                predictions=predictions,
                chosen=dict(prepared.get("chosen", {})),
                notes=pseudo.notes,
            )
            repeats.append(pseudo)
        return nuisances, repeats

    def _support(self, problem: Problem) -> FloatArray:
        """Doses between which the averages over covariates are interpolated."""
        t = problem.t[problem.weights > 0]
        return np.unique(np.quantile(t, np.linspace(0, 1, _N_SUPPORT)))

    def _nuisances(self, problem: Problem) -> Sequence[Nuisance]:
        outcome = mean_learner(self.outcome_learner, "outcome_learner", problem.y)
        treatment = mean_learner(self.treatment_learner, "treatment_learner", problem.t)
        step = self._step(problem)

        at: dict[str, Any] = {
            f"dose {g}": WithDose(float(dose), problem.X)
            for g, dose in enumerate(self._support(problem))
        }
        at["more"] = WithDose(problem.t + step, problem.X)
        at["less"] = WithDose(problem.t - step, problem.X)
        features = WithDose(problem.t, problem.X)[:]
        return [
            Nuisance("outcome", problem.y, outcome, features=features, at=at),
            Nuisance("treatment", problem.t, treatment),
        ]

    def _scale(
        self, problem: Problem, residual: FloatArray, folds: IntArray, rng: np.random.Generator
    ) -> FloatArray:
        """Scatter of the dose given the covariates."""
        squares = residual**2
        overall = float(np.average(squares, weights=problem.weights))
        if self.scatter == "constant" or problem.X.shape[1] == 0:
            return np.full(problem.n_obs, np.sqrt(overall))
        learner = mean_learner(self.treatment_learner, "treatment_learner", squares)
        nuisance = Nuisance("treatment_variance", squares, learner)
        found = crossfit(problem, [nuisance], folds, rng, n_jobs=self.n_jobs)
        variance = np.maximum(found["treatment_variance"], _LEAST_VARIANCE * overall)
        return np.asarray(np.sqrt(variance))

    def _at(
        self,
        dose: float,
        width: float,
        problem: Problem,
        repeats: Sequence[PseudoOutcomes],
    ) -> Solution:
        """Mean outcome at a dose, with the influence of each row."""
        w, values, found = problem.weights, [], []
        for pseudo in repeats:
            value, counts, residuals = local_fit(problem.t, pseudo.outcomes, w, dose, width)
            low, share = interpolation(problem.t, pseudo.support)
            n_support = len(pseudo.support)
            average = np.bincount(low, weights=w * counts * (1 - share), minlength=n_support)
            average += np.bincount(low + 1, weights=w * counts * share, minlength=n_support)
            scores = w.sum() * counts * residuals + pseudo.surface @ average
            scores -= np.average(scores, weights=w)
            values.append(value)
            found.append(scores)
        first = repeats[0]
        details = {
            "question": f"Mean of {problem.outcome_in_words} if {problem.treatment} = {dose:.4g}",
            "contrast": f"everybody at {problem.treatment} = {dose:.4g}",
            "width": width,
            "notes": first.notes,
            "share_capped": first.facts["share_capped"],
            "share_effective": first.facts["share_effective"],
            "folds": np.array([pseudo.facts["folds"] for pseudo in repeats]),
            "repeats": np.array(values),
        }
        scores = self._median_scores(np.array(values), found, problem)
        return Solution(float(np.median(values)), scores, details=details)

    def _alerts(self, details: Mapping[str, Any]) -> tuple[Warning, ...]:
        return tuple(
            OverlapWarning(
                f"{note} Expected rows that could have had other doses. Ask for fewer doses, or "
                "adjust for fewer columns."
            )
            for note in details["notes"]
        )


def _slope_effect(effect: Effect, step: float) -> Effect:
    """The average slope, which nothing can refit alone."""
    if effect.problem is None:
        return effect
    treatment, outcome = effect.problem.treatment, effect.problem.outcome
    details = {
        **effect.details,
        "question": f"Average slope of {outcome} in {treatment}",
        "contrast": f"one unit more of {treatment}, from steps of {step:.4g} to either side",
    }
    return replace(effect, details=details, estimator=None)
