"""`PanelPLR`: any learners around one coefficient, with an unseen constant of each unit.

    y_it = θ t_it + g(x_it) + α_i + ε_it,        t_it = m(x_it) + γ_i + v_it

α_i and γ_i are what never changes about a unit; they may depend on its covariates and on each
other. Flexible learners cannot be given one indicator a unit, and taking unit means out of the
*inputs* of a curved g does not take α_i out. Three ways remain (Clarke & Polselli 2025):

* **correlated random effects.** The means x̄_i join the features of both learners (Mundlak), and
  the treatment residual loses what is left of its unit mean, so that it has nothing in common with
  any constant of the unit. With normal errors t̄_i as a feature of the treatment does the same.
* **first differences.** α_i drops out of y_it − y_i,t−1, whose prediction needs x_it and x_i,t−1.
* **within.** Everything is taken about its unit mean. Exact for a linear g only.

Folds keep units whole and standard errors are clustered by unit.

References
----------
Fuhr & Papies (2024), "Double machine learning meets panel data". doi:10.48550/arXiv.2409.01266
Clarke & Polselli (2025), "Double machine learning for static panel models with fixed effects",
Econometrics Journal utaf011. doi:10.1093/ectj/utaf011
Mundlak (1978), "On the pooling of time series and cross section data", Econometrica 46, 69-85.
doi:10.2307/1913646
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from causalkit._core.checks import check_choice
from causalkit.errors import InputError, NumericalError, OverlapWarning
from causalkit.estimation.base import Solution
from causalkit.estimation.effect import Effect
from causalkit.estimation.effect_set import EffectSet
from causalkit.estimation.inference import Asymptotic, Bootstrap
from causalkit.estimation.moments import LinearScore, partialling_out
from causalkit.estimation.nuisances.crossfitting import Nuisance
from causalkit.estimation.nuisances.learners import mean_learner
from causalkit.estimation.orthogonal.base import OrthogonalEstimator
from causalkit.estimation.panel.structure import (
    clustered_by_unit,
    panel_of,
    refuse_repeated_rows,
    spread_over_rows,
)
from causalkit.estimation.problem import Problem
from causalkit.typing import FloatArray, IntArray, RandomState

__all__ = ["PanelPLR"]

_RANDOM = "correlated random effects"
_NORMAL = "normal random effects"
_DIFFERENCES = "first differences"
_WITHIN = "within"

_LEAST_VARIANCE = 0.01
"""Share of the treatment's variance within units below which a warning is given."""


@dataclass(frozen=True, slots=True, eq=False)
class _Used:
    """A transformed problem, the rows it was made of, and how many units and lone rows."""

    problem: Problem
    rows: IntArray
    n_units: int
    n_lonely: int


class PanelPLR(OrthogonalEstimator):
    """Partially linear regression on panel data, with constants of the units.

    Parameters
    ----------
    outcome_learner, treatment_learner : scikit-learn regressor or classifier, optional
        Predict the outcome and the treatment; a classifier needs a binary treatment and one of the
        random effects approaches.
    approach : str
        "correlated random effects" (any distribution), "normal random effects" (treatments of a
        unit jointly normal given its covariates), "first differences" or "within".
    n_folds, n_repeats : int
        Folds of whole units; repeats with other folds, aggregated by the median.
    inference : Asymptotic or Bootstrap, optional
    random_state : int, Generator or None
    n_jobs : int, optional

    Notes
    -----
    `fit` takes `unit` and `time` beside the treatment: the labels of both, one a row.

    **Assumes:**

    - nothing that changes over time within a unit is a hidden common cause of treatment and
      outcome; what never changes may be (α_i), if it adds to the outcome;
    - for random effects, α_i depends on the covariates through their means over time; where α_i
      bends g itself, random effects are closest in simulations and differences and within are not;
    - neither past treatment nor past outcome changes what is observed later (strict exogeneity);
    - the effect is linear in the treatment and the same for all, else it is a weighted average;
    - the errors of the two learners multiply to less than n^-1/2.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> rng = np.random.default_rng(0)
    >>> unit, time = np.repeat(np.arange(100), 4), np.tile(np.arange(4), 100)
    >>> alpha = rng.normal(size=100)[unit]
    >>> t = alpha + rng.normal(size=400)
    >>> y = 0.5 * t + 2 * alpha + rng.normal(size=400)
    >>> learner = LinearRegression()
    >>> model = PanelPLR(learner, learner, random_state=0)
    >>> effect = model.fit(rng.normal(size=(400, 1)), y, t=t, unit=unit, time=time).effect_
    >>> bool(0.5 in effect.interval(0.99))
    True
    """

    treatments: ClassVar[tuple[str, ...]] = ("binary", "continuous")
    instead: ClassVar[str] = "one indicator of the treatment at a time"
    needs: ClassVar[tuple[str, ...]] = ("unit", "time")

    def __init__(
        self,
        outcome_learner: Any = None,
        treatment_learner: Any = None,
        *,
        approach: str = _RANDOM,
        n_folds: int = 5,
        n_repeats: int = 1,
        inference: Asymptotic | Bootstrap | None = None,
        random_state: RandomState = None,
        n_jobs: int | None = None,
    ) -> None:
        self.outcome_learner = outcome_learner
        self.treatment_learner = treatment_learner
        self.approach = approach
        self.n_folds = n_folds
        self.n_repeats = n_repeats
        self.inference = inference
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _method(self) -> str:
        return f"partially linear panel regression ({self.approach}), {self._crossfitted()}"

    def _check(self, problem: Problem) -> None:
        super()._check(problem)
        check_choice(self.approach, "approach", (_RANDOM, _NORMAL, _DIFFERENCES, _WITHIN))

    def answer(self, problem: Problem) -> Effect | EffectSet:
        """Estimate on data in which every unit has one row a period."""
        self._check_roles(problem.others)
        problem = clustered_by_unit(problem)
        refuse_repeated_rows(problem)
        return self.solve(problem)

    def solve(self, problem: Problem) -> Effect:
        """Estimate on arrays that are already checked, clustered by unit."""
        self._check_roles(problem.others)
        return super().solve(clustered_by_unit(problem))

    def _solve(self, problem: Problem, rng: np.random.Generator) -> Solution:
        used = self._transformed(problem)
        solution = super()._solve(used.problem, rng)
        unit = np.full(problem.n_obs, -1, dtype=np.intp)
        unit[used.rows] = np.arange(len(used.rows))
        scores = spread_over_rows(solution.scores, unit, used.problem.weights, problem.weights)
        notes = list(solution.details["notes"])
        if used.n_lonely:
            notes.append(f"{used.n_lonely} row(s) of units seen only once were left out.")
        details = {**solution.details, "notes": notes}
        details.update(units=used.n_units, rows_used=len(used.rows))
        return replace(solution, scores=scores, details=details)

    def _transformed(self, problem: Problem) -> _Used:
        """Rows, outcome, treatment and features of the approach; units seen once left out."""
        panel = panel_of(problem)
        lonely = panel.lonely
        if lonely.all():
            raise InputError(
                "every unit was seen only once, so nothing changes within units; expected several "
                "periods of the same units. Check the labels given as unit, or use PLR()."
            )
        rows = np.flatnonzero(~lonely)
        kept, panel = problem.rows(rows), panel.rows(rows)
        counts = panel.n_units, int(lonely.sum())
        # Units get their positions among those kept, copies in resamples their own.
        columns = replace(
            problem.others["unit"].rows(rows), values=panel.unit[:, None].astype(np.float64)
        )
        kept = kept.replace(others={**kept.others, "unit": columns})
        if self.approach in (_RANDOM, _NORMAL):
            X = np.hstack([kept.X, panel.unit_means(kept.X)])
            return _Used(kept.replace(X=X), rows, *counts)
        if self.approach == _WITHIN:
            y, t, X = (
                values - panel.unit_means(values) + np.average(values, axis=0, weights=kept.weights)
                for values in (kept.y, kept.t, kept.X)
            )
            return _Used(kept.replace(y=y, t=t, X=X, levels=None), rows, *counts)
        now, before = panel.previous_rows()
        if len(now) == 0:
            raise InputError(
                "no unit was seen in two successive periods, so there are no first differences; "
                'expected at least some. Use approach="correlated random effects".'
            )
        used = kept.rows(now).replace(
            y=kept.y[now] - kept.y[before],
            t=kept.t[now] - kept.t[before],
            X=np.hstack([kept.X[now], kept.X[before]]),
            levels=None,
        )
        return _Used(used, rows[now], *counts)

    def _nuisances(self, problem: Problem) -> Sequence[Nuisance]:
        treatment = mean_learner(self.treatment_learner, "treatment_learner", problem.t)
        outcome = mean_learner(self.outcome_learner, "outcome_learner", problem.y)
        features = None
        if self.approach == _NORMAL:
            features = np.column_stack([problem.X, panel_of(problem).unit_means(problem.t)])
        return [
            Nuisance("outcome", problem.y, outcome),
            Nuisance("treatment", problem.t, treatment, features=features),
        ]

    def _moment(
        self,
        problem: Problem,
        predictions: Mapping[str, FloatArray],
        folds: IntArray,  # noqa: ARG002
        rng: np.random.Generator,  # noqa: ARG002
    ) -> tuple[LinearScore, dict[str, Any]]:
        y, t, w = problem.y, problem.t, problem.weights
        t_hat, moving = predictions["treatment"], t
        if self.approach in (_RANDOM, _NORMAL):
            panel = panel_of(problem)
            moving = t - panel.unit_means(t)
        if self.approach == _RANDOM:
            t_hat = t_hat + panel.unit_means(t - t_hat)
        variance = np.average((moving - np.average(moving, weights=w)) ** 2, weights=w)
        # Compared with all of the treatment: what rounding leaves of a constant is no variance.
        if not variance > 1e-12 * np.average(t**2, weights=w):
            raise NumericalError(
                f"treatment {problem.treatment!r} does not change within units over time, so its "
                "effect cannot be told from what is constant about a unit. Compare units with "
                "PLR() or AIPW(), if nothing about them is hidden."
            )
        left = float(np.average((t - t_hat) ** 2, weights=w) / variance)
        if left < 1e-10:
            raise NumericalError(
                f"treatment {problem.treatment!r} is predicted without error within units; "
                "expected one that varies given the adjustment columns. Leave out the columns "
                "that determine it."
            )
        notes = []
        if left < _LEAST_VARIANCE:
            notes = [f"Only {left:.2%} of the treatment's variance within units is left."]
        details = {
            "contrast": f"one unit more of {problem.treatment}",
            "treatment_variance_left": left,
            "notes": notes,
        }
        return partialling_out(y, t, predictions["outcome"], t_hat), details

    def _alerts(self, details: Mapping[str, Any]) -> tuple[Warning, ...]:
        if not details["notes"]:
            return ()
        return (
            OverlapWarning(
                f"{details['notes'][0]} Expected treatment that varies given the adjustment "
                "columns. Adjust for fewer columns, or bring rows in which it varies freely."
            ),
        )
