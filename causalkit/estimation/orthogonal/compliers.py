"""`LATE`: the effect on those whose treatment an instrument moves, with any learners.

An offer, a lottery, an encouragement z moves some units into treatment and leaves others as they
are. If it is as good as random given covariates, and does nothing else, then the effect of z on the
outcome is that of the treatment on the *compliers*, times their share, and the share is the effect
of z on the treatment. Both effects are estimated doubly robustly, as in AIPW; their ratio is the
average effect on compliers, of whatever form effects are.

References
----------
Imbens & Angrist (1994), "Identification and estimation of local average treatment effects",
Econometrica 62, 467-475. doi:10.2307/2951620
Frölich (2007), "Nonparametric IV estimation of local average treatment effects with covariates", J.
Econometrics 139, 35-75. doi:10.1016/j.jeconom.2006.06.004
Chernozhukov et al. (2018), "Double/debiased machine learning for treatment and structural
parameters", Econometrics Journal 21, C1-C68. doi:10.1111/ectj.12097
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from causalkit._core.checks import check_choice
from causalkit.errors import InputError
from causalkit.estimation.contrasts import contrast_in_words
from causalkit.estimation.inference import Asymptotic, Bootstrap
from causalkit.estimation.moments import LinearScore, aipw
from causalkit.estimation.nuisances.crossfitting import Nuisance
from causalkit.estimation.nuisances.learners import class_learner, mean_learner
from causalkit.estimation.orthogonal.base import OrthogonalEstimator
from causalkit.estimation.orthogonal.instrumented import weak_instruments, weakness
from causalkit.estimation.problem import Problem
from causalkit.estimation.weighting.ipw import check_clip
from causalkit.estimation.weighting.overlap import overlap_of
from causalkit.typing import FloatArray, IntArray, RandomState

__all__ = ["LATE", "binary_instrument"]


class LATE(OrthogonalEstimator):
    """Average effect among compliers: binary instrument, binary treatment, any learners.

    The instrument is given to `fit` as `z`; the larger of its two values is the one that moves
    units into treatment. If it moves them out of it, a note says so.

    Parameters
    ----------
    outcome_learner : scikit-learn regressor or classifier, optional
        Predicts the outcome at each value of the instrument.
    treatment_learner : scikit-learn classifier or regressor, optional
        Predicts the treatment at each value of the instrument.
    instrument_learner : scikit-learn classifier, optional
        Predicts the probability of the instrument.
    always_takers, never_takers : bool
        Whether some units take the treatment without the instrument, or refuse it despite of it.
        Where the design rules that out (only those with an offer can be treated), say so.
    n_folds, n_repeats : int
        Folds of the cross-fitting, balanced over instrument and treatment; repeats with other
        folds, aggregated by the median.
    clip : float
        Probabilities of the instrument outside [clip, 1 − clip] are moved to the bound.
    inference : Asymptotic or Bootstrap, optional
    random_state : int, Generator or None
    n_jobs : int, optional

    Notes
    -----
    **Assumes:**

    - given the adjustment columns, the instrument is as good as random;
    - it reaches the outcome through the treatment alone;
    - it moves some units, and all of them the same way: its larger value into treatment, or, where
      that is what the data say, out of it (no defiers);
    - every row could have had either value of the instrument (`effect.details["overlap"]`);
    - the errors of the instrument learner multiply with those of the others to less than n^-1/2.

    The effect is that on compliers, the share of units in `details["compliers"]`, and need not be
    that on others. It is right if the instrument learner is, or both others are.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression, LogisticRegression
    >>> rng = np.random.default_rng(0)
    >>> X, z, eager = rng.normal(size=(2000, 2)), rng.integers(2, size=2000), rng.random(2000)
    >>> t = (eager < 0.2 + 0.5 * z).astype(float)
    >>> y = 2 * t + X[:, 0] + 3 * eager + rng.normal(size=2000)
    >>> logistic = LogisticRegression()
    >>> late = LATE(LinearRegression(), logistic, logistic, random_state=0)
    >>> effect = late.fit(X, y, t=t, z=z).effect_
    >>> bool(2 in effect.interval(0.99))
    True
    """

    treatments: ClassVar[tuple[str, ...]] = ("binary",)
    instead: ClassVar[str] = "PLIV(), which takes a continuous treatment"
    needs: ClassVar[tuple[str, ...]] = ("z",)

    def __init__(
        self,
        outcome_learner: Any = None,
        treatment_learner: Any = None,
        instrument_learner: Any = None,
        *,
        always_takers: bool = True,
        never_takers: bool = True,
        n_folds: int = 5,
        n_repeats: int = 1,
        clip: float = 0.01,
        inference: Asymptotic | Bootstrap | None = None,
        random_state: RandomState = None,
        n_jobs: int | None = None,
    ) -> None:
        self.outcome_learner = outcome_learner
        self.treatment_learner = treatment_learner
        self.instrument_learner = instrument_learner
        self.always_takers = always_takers
        self.never_takers = never_takers
        self.n_folds = n_folds
        self.n_repeats = n_repeats
        self.clip = clip
        self.inference = inference
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _method(self) -> str:
        return f"local average treatment effect (compliers), {self._crossfitted()}"

    def _check(self, problem: Problem) -> None:
        super()._check(problem)
        check_clip(self.clip)
        z, t = binary_instrument(problem, self), problem.t
        for wanted, option, value, taken in (
            (self.always_takers, "always_takers", 0, 1),
            (self.never_takers, "never_takers", 1, 0),
        ):
            check_choice(wanted, option, (True, False))
            against = int(((z == value) & (t == taken)).sum())
            if against and not wanted:
                raise InputError(
                    f"{option}=False, but {against} row(s) are such; expected none. Leave the "
                    "option out."
                )
        for value in (0, 1):
            if (z == value).sum() < 2:
                raise InputError(
                    f"fewer than two rows have {'the larger' if value else 'the smaller'} value of "
                    f"{problem.others['z'].names[0]!r}; expected at least two with each. Bring "
                    "more rows."
                )

    def _strata(self, problem: Problem) -> FloatArray:
        return 2 * binary_instrument(problem, self) + problem.t

    def _nuisances(self, problem: Problem) -> Sequence[Nuisance]:
        z = binary_instrument(problem, self)
        outcome = mean_learner(self.outcome_learner, "outcome_learner", problem.y)
        treatment = mean_learner(self.treatment_learner, "treatment_learner", problem.t)
        nuisances = [
            Nuisance("outcome_without", problem.y, outcome, among=z == 0),
            Nuisance("outcome_with", problem.y, outcome, among=z == 1),
            Nuisance("instrument", z, class_learner(self.instrument_learner, "instrument_learner")),
        ]
        if self.always_takers:
            nuisances.append(Nuisance("treatment_without", problem.t, treatment, among=z == 0))
        if self.never_takers:
            nuisances.append(Nuisance("treatment_with", problem.t, treatment, among=z == 1))
        return nuisances

    def _moment(
        self,
        problem: Problem,
        predictions: Mapping[str, FloatArray],
        folds: IntArray,  # noqa: ARG002
        rng: np.random.Generator,  # noqa: ARG002
    ) -> tuple[LinearScore, dict[str, Any]]:
        z, raw = binary_instrument(problem, self), predictions["instrument"]
        p_with = np.clip(raw, self.clip, 1 - self.clip)
        treated_without = predictions.get("treatment_without", np.zeros_like(z))
        treated_with = predictions.get("treatment_with", np.ones_like(z))
        on_outcome, on_treatment = (
            aipw(column, z, 1 - z, with_, without, p_with, 1 - p_with).b
            for column, with_, without in (
                (problem.y, predictions["outcome_with"], predictions["outcome_without"]),
                (problem.t, treated_with, treated_without),
            )
        )
        name = problem.others["z"].names[0]
        overlap = overlap_of(
            raw,
            1 - raw,
            z == 1,
            z == 0,
            (f"{name} low", f"{name} high"),
            clip=self.clip,
            weights=problem.weights,
        )
        compliers, influence = LinearScore(-np.ones_like(z), on_treatment).solve(problem.weights)
        error, _ = self.spread(self.influence(problem, influence), problem)
        strength = (compliers / error) ** 2 if error > 0 else np.inf
        notes = [f"Overlap of the instrument: {overlap.problem}."] if overlap.problem else []
        if compliers < 0:
            notes.append(
                f"A higher {name} moves units out of the treatment: compliers are those who take "
                f"it at the lower value of {name}, and monotonicity says that nobody takes it at "
                "the higher value only."
            )
        details = {
            "contrast": f"{contrast_in_words(problem)}, among compliers",
            "compliers": abs(compliers),
            "first_stage_f": float(strength),
            "overlap": overlap,
            "share_clipped": overlap.share_clipped,
            "notes": [*weakness(strength), *notes],
        }
        return LinearScore(-on_treatment, on_outcome), details

    def _alerts(self, details: Mapping[str, Any]) -> tuple[Warning, ...]:
        poor = details["overlap"].warning()
        return (*weak_instruments(details), *((poor,) if poor else ()))


def binary_instrument(problem: Problem, estimator: object) -> FloatArray:
    """Return the one instrument as zeros and ones.

    Raises
    ------
    InputError
        If there are several columns, or more than two values.
    """
    columns = problem.others["z"]
    values = np.unique(columns.values)
    if columns.values.shape[1] != 1 or len(values) != 2:
        found = f"{columns.values.shape[1]} columns {columns.names[:4]}"
        if columns.values.shape[1] == 1:
            found = f"{len(values)} values"
        raise InputError(
            f"the instrument has {found}; {type(estimator).__name__} needs one column of two "
            "values. Use PLIV(), which takes several instruments of any kind, or recode it."
        )
    moved: FloatArray = (columns.values[:, 0] == values[1]).astype(np.float64)
    return moved
