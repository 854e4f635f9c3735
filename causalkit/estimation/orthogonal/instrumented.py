"""`PLIV`: instruments move the treatment, any learners do the adjusting, one coefficient.

A hidden common cause of treatment and outcome spoils every adjustment. *Instruments* z repair it:
they move the treatment, they reach the outcome through the treatment alone, and given the
adjustment columns they share no cause with the outcome. With y = θ t + g(X) + ε, E[ε | z, X] = 0,
what is left of y, t and z after prediction from X takes the place of the columns in two-stage least
squares. First-order errors of the learners do not reach θ.

How strong the instruments are is in `effect.details["first_stage_f"]`; a weak one makes the
interval unreliable, and a warning says so.

References
----------
Chernozhukov et al. (2018), "Double/debiased machine learning for treatment and structural
parameters", Econometrics Journal 21, C1-C68. doi:10.1111/ectj.12097
Staiger & Stock (1997), "Instrumental variables regression with weak instruments", Econometrica 65,
557-586. doi:10.2307/2171753
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from causalkit.errors import NumericalError, WeakInstrumentWarning
from causalkit.estimation.contrasts import contrast_in_words
from causalkit.estimation.inference import Asymptotic, Bootstrap
from causalkit.estimation.instruments.first_stage import LEAST_F
from causalkit.estimation.moments import LinearScore
from causalkit.estimation.nuisances.crossfitting import Nuisance
from causalkit.estimation.nuisances.learners import mean_learner
from causalkit.estimation.orthogonal.base import OrthogonalEstimator
from causalkit.estimation.problem import Problem
from causalkit.typing import FloatArray, IntArray, RandomState

__all__ = ["PLIV", "weak_instruments", "weakness"]

"""Below it, nominal 95 % intervals may cover far less (Staiger & Stock 1997)."""


class PLIV(OrthogonalEstimator):
    """Partially linear regression with instruments, by double machine learning.

    Instruments are given to `fit` as `z`, one column or several.

    Parameters
    ----------
    outcome_learner : scikit-learn regressor or classifier, optional
        Predicts the outcome from the adjustment columns.
    treatment_learner : scikit-learn regressor or classifier, optional
        Predicts the treatment from them.
    instrument_learner : scikit-learn regressor or classifier, optional
        Predicts each instrument from them; a classifier needs instruments of two values.
    n_folds, n_repeats : int
        Folds of the cross-fitting; repeats with other folds, aggregated by the median.
    inference : Asymptotic or Bootstrap, optional
    random_state : int, Generator or None
        Folds, and every learner whose own random_state is None.
    n_jobs : int, optional
        All fits run in parallel; the numbers do not depend on it.

    Notes
    -----
    **Assumes:**

    - given the adjustment columns, the instruments share no cause with the outcome;
    - they reach the outcome through the treatment alone;
    - they move the treatment, and strongly (`effect.details["first_stage_f"]`);
    - the effect is linear in the treatment and the same for everyone; where it varies, the result
      weights rows by how much the instruments move them;
    - the errors of the outcome and the treatment learner, multiplied by that of the instrument
      learner, are less than n^-1/2.

    With several instruments, what is left of the treatment is projected on what is left of the
    instruments: two-stage least squares of residuals. `details["partialled"]` keeps the residuals
    "y" (n,), "t" (n,) and "z" (n, k) of the first repeat.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LassoCV
    >>> rng = np.random.default_rng(0)
    >>> X, z, hidden = rng.normal(size=(600, 2)), rng.normal(size=600), rng.normal(size=600)
    >>> t = z + X[:, 0] + hidden + rng.normal(size=600)
    >>> y = 0.5 * t + X[:, 0] - 2 * hidden + rng.normal(size=600)
    >>> pliv = PLIV(LassoCV(), LassoCV(), LassoCV(), random_state=0)
    >>> effect = pliv.fit(X, y, t=t, z=z).effect_
    >>> bool(0.5 in effect.interval(0.99))
    True
    """

    treatments: ClassVar[tuple[str, ...]] = ("binary", "continuous")
    instead: ClassVar[str] = "two of its levels only, or a number in their place"
    needs: ClassVar[tuple[str, ...]] = ("z",)

    def __init__(
        self,
        outcome_learner: Any = None,
        treatment_learner: Any = None,
        instrument_learner: Any = None,
        *,
        n_folds: int = 5,
        n_repeats: int = 1,
        inference: Asymptotic | Bootstrap | None = None,
        random_state: RandomState = None,
        n_jobs: int | None = None,
    ) -> None:
        self.outcome_learner = outcome_learner
        self.treatment_learner = treatment_learner
        self.instrument_learner = instrument_learner
        self.n_folds = n_folds
        self.n_repeats = n_repeats
        self.inference = inference
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _method(self) -> str:
        return f"partially linear regression with instruments, {self._crossfitted()}"

    def _nuisances(self, problem: Problem) -> Sequence[Nuisance]:
        outcome = mean_learner(self.outcome_learner, "outcome_learner", problem.y)
        treatment = mean_learner(self.treatment_learner, "treatment_learner", problem.t)
        instruments = problem.others["z"]
        return [
            Nuisance("outcome", problem.y, outcome),
            Nuisance("treatment", problem.t, treatment),
            *(
                Nuisance(
                    f"instrument {name}",
                    column,
                    mean_learner(self.instrument_learner, "instrument_learner", column),
                )
                for name, column in zip(instruments.names, instruments.values.T, strict=True)
            ),
        ]

    def _moment(
        self,
        problem: Problem,
        predictions: Mapping[str, FloatArray],
        folds: IntArray,  # noqa: ARG002
        rng: np.random.Generator,  # noqa: ARG002
    ) -> tuple[LinearScore, dict[str, Any]]:
        z, names = problem.others["z"].values, problem.others["z"].names
        predicted = np.column_stack([predictions[f"instrument {name}"] for name in names])
        y_left = problem.y - predictions["outcome"]
        t_left, z_left = problem.t - predictions["treatment"], z - predicted
        self._check_left(problem, z_left)
        index = z_left[:, 0]
        if z.shape[1] > 1:
            index = _projection(t_left, z_left, problem.weights)
        strength = self._first_stage(problem, t_left, z_left)
        details = {
            "contrast": contrast_in_words(problem),
            "instruments": names,
            "first_stage_f": strength,
            "partialled": {"y": y_left, "t": t_left, "z": z_left},
            "notes": weakness(strength),
        }
        return LinearScore(-index * t_left, index * y_left), details

    def _check_left(self, problem: Problem, z_left: FloatArray) -> None:
        columns = problem.others["z"]
        for name, column, left in zip(columns.names, columns.values.T, z_left.T, strict=True):
            if np.std(left) < 1e-10 * np.std(column):
                raise NumericalError(
                    f"instrument {name!r} is predicted without error from the adjustment columns, "
                    "so nothing of it is left; expected an instrument that varies given them. "
                    "Leave out the columns that determine it."
                )

    def _first_stage(self, problem: Problem, t_left: FloatArray, z_left: FloatArray) -> float:
        """Robust F statistic: all instruments have coefficient zero in the first stage."""
        w = problem.weights
        gram = (z_left * w[:, None]).T @ z_left / w.sum()
        slopes = np.linalg.lstsq(gram, (z_left * w[:, None]).T @ t_left / w.sum(), rcond=None)[0]
        scores = (z_left * (t_left - z_left @ slopes)[:, None]) @ np.linalg.pinv(gram)
        covariance = self._covariance(problem, scores)
        rank = max(int(np.linalg.matrix_rank(gram, hermitian=True)), 1)
        inverse = np.linalg.pinv(covariance, rcond=1e-10, hermitian=True)
        return float(slopes @ inverse @ slopes) / rank

    def _covariance(self, problem: Problem, scores: FloatArray) -> FloatArray:
        """Of several estimates, from the scores of each and of their sums: any design of rows."""
        influences = [self.influence(problem, column) for column in scores.T]

        def variance(influence: FloatArray) -> float:
            return self.spread(influence, problem)[0] ** 2

        k = len(influences)
        covariance = np.diag([variance(influence) for influence in influences])
        for i in range(k):
            for j in range(i):
                both = variance(influences[i] + influences[j])
                covariance[i, j] = (both - covariance[i, i] - covariance[j, j]) / 2
                covariance[j, i] = covariance[i, j]
        return covariance

    def _alerts(self, details: Mapping[str, Any]) -> tuple[Warning, ...]:
        return weak_instruments(details)


def _projection(t_left: FloatArray, z_left: FloatArray, weights: FloatArray) -> FloatArray:
    """Fitted values of the first stage, with an intercept."""
    design = np.column_stack([np.ones(len(t_left)), z_left])
    root = np.sqrt(weights)
    slopes = np.linalg.lstsq(design * root[:, None], t_left * root, rcond=None)[0]
    fitted: FloatArray = design @ slopes
    return fitted


def weakness(strength: float) -> list[str]:
    """Return what to print about the first stage: nothing if it is strong."""
    if strength >= LEAST_F:
        return []
    return [f"Weak instruments: the first-stage F statistic is {strength:.3g}."]


def weak_instruments(details: Mapping[str, Any]) -> tuple[Warning, ...]:
    """Return the warning that a weak first stage deserves."""
    strength = details["first_stage_f"]
    if strength >= LEAST_F:
        return ()
    return (
        WeakInstrumentWarning(
            f"the instruments hardly move the treatment: first-stage F {strength:.3g}; expected "
            f"{LEAST_F:g} or more for the interval to be trusted. Bring a stronger instrument, "
            "or use a confidence set that holds for weak ones."
        ),
    )
