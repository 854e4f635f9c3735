"""Dummy outcome: is confounding by the adjusted columns really removed? See by a made-up outcome.

Keep treatment and covariates, and replace the outcome by one made from the covariates alone, m(X) +
shuffled residuals. The treatment is still confounded with it, exactly through the columns that were
adjusted for, but its effect is zero. An estimator that adjusts too rigidly (a straight line for a
curve), or forgets a column, finds an effect, and fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
from scipy import stats

from causalkit._core.checks import check_fraction
from causalkit._core.parallel import one_thread
from causalkit._core.random import draw_seed
from causalkit._core.report import format_value
from causalkit.estimation.effect import Effect
from causalkit.estimation.problem import Problem
from causalkit.refutation.base import (
    FAILS,
    NOT_INFORMATIVE,
    PASSES,
    Challenge,
    Verdict,
)
from causalkit.refutation.refits import Change, RefitCheck, Refits, shuffled_rows
from causalkit.typing import FloatArray, IntArray

__all__ = ["DummyOutcome", "surrogate_mean", "with_dummy_outcome"]


@dataclass(frozen=True, slots=True)
class DummyOutcome(RefitCheck):
    """Ask whether the adjustment removes the confounding that the adjusted columns can do.

    Parameters
    ----------
    n_simulations : int, optional
        Outcomes made; None takes half of what `refute` was given. Their average is judged, and ten
        are enough to average out the residuals.
    alpha : float
        Chance that a sound analysis fails, at most; far less for estimators that model the outcome.

    Notes
    -----
    **Assumes:** the surrogate m(X), a cross-fitted linear regression plus boosting where that
    predicts better, resembles what the outcome really owes to the covariates. A two-level outcome
    is drawn from cross-fitted probabilities instead.

    All simulations share rows, treatment and covariates, so their average keeps the part of the
    sampling error that comes from them. It is compared with a whole standard error, which makes the
    check conservative.
    """

    reads_columns: ClassVar[bool] = False
    expects_zero: ClassVar[bool] = True
    portion: ClassVar[float] = 0.5

    n_simulations: int | None = None
    alpha: float = 0.05

    def __post_init__(self) -> None:
        check_fraction(self.alpha, "alpha")

    @property
    def name(self) -> str:
        """The check, in words."""
        return "dummy outcome"

    @property
    def question(self) -> str:
        """What it asks."""
        return (
            "Does the method find an effect on an outcome that depends on the adjusted columns "
            "only?"
        )

    def _change(self, problem: Problem, rng: np.random.Generator) -> Change | str:
        if problem.X.shape[1] == 0:
            return "Nothing is adjusted for, so there is no adjustment that could be too weak."
        return partial(with_dummy_outcome, mean=surrogate_mean(problem, rng))

    def _judge(self, effect: Effect, refits: Refits) -> Challenge:
        std_error = float(np.sqrt(np.mean(refits.std_errors**2)))
        bias = float(refits.values.mean())
        z = bias / std_error
        p_value = float(2 * stats.norm.sf(abs(z)))
        cut, size = stats.norm.isf(self.alpha / 2), abs(effect.value) / std_error
        power = float(stats.norm.sf(cut - size) + stats.norm.cdf(-cut - size))
        share = f"{abs(bias / effect.value):.0%} of the estimate" if effect.value else "not zero"
        words = self._words(bias, z, p_value, power, share)
        return self._found(
            refits,
            words,
            null="the effect on an outcome made from the covariates alone is estimated as zero",
            p_value=p_value,
            power=power,
            details={
                "alternative": "leftover confounding as large as the estimate",
                "outcomes_made": len(refits.values),
                "mean_z": z,
            },
        )

    def _words(
        self, bias: float, z: float, p_value: float, power: float, share: str
    ) -> tuple[Verdict, str]:
        found = (
            "An outcome that the treatment cannot have changed gets an effect of "
            f"{format_value(bias)} ({abs(z):.1f} standard errors"
        )
        if p_value < self.alpha:
            return FAILS, (
                f"{found}, {share}): the adjustment leaves confounding by the measured columns in. "
                "Use a more flexible estimator (AIPW, PLR, or OLS with powers), and compare."
            )
        if power < 0.5:
            return NOT_INFORMATIVE, (
                "No leftover confounding was found, but some as large as the estimate itself would "
                f"probably go unnoticed (power {power:.0%}): the estimate is small compared with "
                "its noise."
            )
        return PASSES, (
            f"{found}): the measured columns are adjusted for well enough. Columns that were not "
            "measured are not tested."
        )


def with_dummy_outcome(problem: Problem, rng: np.random.Generator, *, mean: FloatArray) -> Problem:
    """Replace y by mean + shuffled residuals, or by coin flips for a two-level outcome."""
    if problem.binary_outcome:
        return problem.replace(y=(rng.random(problem.n_obs) < mean).astype(np.float64))
    left = problem.y - mean
    return problem.replace(y=mean + left[shuffled_rows(problem, rng)])


def surrogate_mean(problem: Problem, rng: np.random.Generator, n_folds: int = 5) -> FloatArray:
    """What y owes to X, each row predicted by a model that did not see it; shape (n,).

    Rows must not see themselves: a prediction fitted to its own row would carry some of that row's
    treatment effect, and the dummy outcome would not be free of it.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    fold = rng.permutation(np.arange(problem.n_obs) % n_folds)
    if problem.steps is not None:
        fold = problem.steps.folds(n_folds, rng)
    if "unit" in problem.others:
        units = problem.others["unit"].codes
        fold = rng.permutation(np.arange(units.max() + 1) % n_folds)[units]
    if problem.groups is not None:
        fold = rng.permutation(np.arange(problem.groups.max() + 1) % n_folds)[problem.groups]
    X, y, seed = problem.X, problem.y, draw_seed(rng)
    settings: dict[str, Any] = {
        "max_iter": 60,
        "max_leaf_nodes": 8,
        "early_stopping": False,
        "random_state": seed,
    }
    if problem.binary_outcome:
        linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        boosting = HistGradientBoostingClassifier(**settings)
    else:
        linear, boosting = LinearRegression(), HistGradientBoostingRegressor(**settings)
    plain = _out_of_fold(linear, X, y, fold)
    # On what a straight line leaves: where the line is right, boosting finds next to nothing.
    start = 0.0 if problem.binary_outcome else plain
    with one_thread():
        boosted = start + _out_of_fold(boosting, X, y - start, fold)
    better = np.mean((y - boosted) ** 2) < np.mean((y - plain) ** 2)
    return boosted if better else plain


def _out_of_fold(learner: Any, X: FloatArray, y: FloatArray, fold: IntArray) -> FloatArray:
    predictions = np.empty_like(y)
    for k in np.unique(fold):
        inside = fold == k
        if np.ptp(y[~inside]) == 0:
            predictions[inside] = y[~inside][0]
            continue
        learner.fit(X[~inside], y[~inside])
        if hasattr(learner, "predict_proba"):
            predictions[inside] = learner.predict_proba(X[inside])[:, 1]
        else:
            predictions[inside] = learner.predict(X[inside])
    return predictions
