"""`SampleSelection`: an effect on everyone, with outcomes seen of some.

Wages are seen of those who work, scores of those who sit the exam. Let S say whose outcome is seen.
The effect of the treatment on everyone follows from those rows if S is understood:

* *at random*: given treatment and covariates, being seen says nothing about the outcome. Then seen
  rows stand in for the others like treated for untreated rows do, with p(t|x) · P(S=1|t,x) in the
  place of the propensity.
* *not at random*: something hidden moves both S and the outcome. An instrument z that moves S but
  not the outcome repairs it: rows with the same Π = P(S=1|t,x,z) are alike in what is hidden, so Π
  joins the covariates (a control function).

Both scores are those of AIPW with other propensities and columns. In the second, an error of Π
moves rows among columns: it would reach the effect to first order. With g_d(x, Π) the mean outcome
of arm d, the mean E[Y(d)] moves by E[∂g_d/∂Π · (1 − 1(t=d)/p(d|x,Π)) · (Π̂ − Π)], so the score gets
the term ∂g_d/∂Π · (1 − 1(t=d)/p(d|x,Π)) · (S − Π), which makes up for it.

References
----------
Bia, Huber & Lafférs (2024), "Double machine learning for sample selection models", J. Business &
Economic Statistics 42, 958-969. doi:10.1080/07350015.2023.2271071
Robins, Rotnitzky & Zhao (1994), "Estimation of regression coefficients when some regressors are not
always observed", JASA 89, 846-866. doi:10.1080/01621459.1994.10476818
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, cast

import numpy as np

from causalkit._core.checks import check_choice
from causalkit.errors import InputError, OverlapWarning
from causalkit.estimation.contrasts import contrast_in_words, contrast_of
from causalkit.estimation.inference import Asymptotic, Bootstrap
from causalkit.estimation.moments import LinearScore, aipw
from causalkit.estimation.nuisances.crossfitting import Nuisance, crossfit
from causalkit.estimation.nuisances.learners import class_learner, mean_learner
from causalkit.estimation.orthogonal.base import OrthogonalEstimator
from causalkit.estimation.orthogonal.nested import effective_share
from causalkit.estimation.problem import Problem
from causalkit.estimation.weighting.ipw import check_clip
from causalkit.estimation.weighting.overlap import arms_overlap
from causalkit.typing import FloatArray, IntArray, RandomState

__all__ = ["SampleSelection"]

_MOST_CLIPPED = 0.05

_STEP = 0.05
"""Half the distance over which slopes along the probability of being seen are taken."""


class SampleSelection(OrthogonalEstimator):
    """Average effect where the outcome is seen of some rows only, cross-fitted.

    `fit` is given `selected`, true or 1 where the outcome is seen; elsewhere `y` may be missing,
    and whatever it holds is not used. From an estimand, name the column:
    `estimand.estimate(data, SampleSelection(), roles={"selected": "works"})`.

    Parameters
    ----------
    outcome_learner : scikit-learn regressor or classifier, optional
        Predicts the outcome within an arm, from rows where it is seen.
    treatment_learner : scikit-learn classifier, optional
        Predicts the probability of each treatment.
    selection_learner : scikit-learn classifier, optional
        Predicts the probability of being seen, from covariates and treatment (and instruments).
    missing : {"at-random", "not-at-random"}
        Whether being seen depends on covariates and treatment only, or on something hidden too;
        the latter needs an instrument `z`.
    correct_selection : bool
        Not at random: whether the score makes up for errors of the selection learner, with slopes
        of the outcome learner along Π. False is the published score.
    contrast : (control, treated) or "each", optional
        Levels to compare; needed for more than two.
    n_folds, n_repeats : int
        Folds of the cross-fitting, balanced over arms and selection; repeats with other folds,
        aggregated by the median.
    clip : float
        Probabilities below it are moved to it.
    inference : Asymptotic or Bootstrap, optional
    random_state : int, Generator or None
    n_jobs : int, optional

    Notes
    -----
    **Assumes:**

    - no hidden common cause of treatment and outcome, given the covariates;
    - every row could have had either treatment, and could have been seen or not;
    - at random: given covariates and treatment, no hidden common cause of being seen and outcome;
    - not at random: the instrument moves who is seen, shares no cause with the outcome given
      covariates and treatment, and reaches it in no other way; being seen is decided by a
      threshold that adds up hidden and observed causes; and the effect does not vary with the
      hidden ones.

    At random, the estimate is right if the outcome learner is, or the other two are. Not at random,
    the outcome learner should be smooth in the probability Π of being seen, its last column.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression, LogisticRegression
    >>> rng = np.random.default_rng(0)
    >>> X, t = rng.normal(size=(2000, 2)), rng.integers(2, size=2000)
    >>> y = t + X[:, 0] + rng.normal(size=2000)
    >>> seen = rng.random(2000) < 1 / (1 + np.exp(-X[:, 0] - t))
    >>> y[~seen] = np.nan
    >>> logistic = LogisticRegression()
    >>> selection = SampleSelection(LinearRegression(), logistic, logistic, random_state=0)
    >>> effect = selection.fit(X, y, t=t, selected=seen).effect_
    >>> bool(1 in effect.interval(0.99))
    True
    """

    treatments: ClassVar[tuple[str, ...]] = ("binary", "categorical")
    instead: ClassVar[str] = "levels of it: cut a continuous treatment into a few"
    needs: ClassVar[tuple[str, ...]] = ("selected",)
    takes: ClassVar[tuple[str, ...]] = ("z",)
    identified: ClassVar[tuple[str, ...]] = ()  # z moves who is seen, not the treatment
    seen_by: ClassVar[str | None] = "selected"
    later: ClassVar[tuple[str, ...]] = ("treatment", "outcome_")

    def __init__(
        self,
        outcome_learner: Any = None,
        treatment_learner: Any = None,
        selection_learner: Any = None,
        *,
        missing: str = "at-random",
        correct_selection: bool = True,
        contrast: tuple[object, object] | str | None = None,
        n_folds: int = 5,
        n_repeats: int = 1,
        clip: float = 0.01,
        inference: Asymptotic | Bootstrap | None = None,
        random_state: RandomState = None,
        n_jobs: int | None = None,
    ) -> None:
        self.outcome_learner = outcome_learner
        self.treatment_learner = treatment_learner
        self.selection_learner = selection_learner
        self.missing = missing
        self.correct_selection = correct_selection
        self.contrast = contrast
        self.n_folds = n_folds
        self.n_repeats = n_repeats
        self.clip = clip
        self.inference = inference
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _method(self) -> str:
        return f"AIPW of a selected sample ({self.missing}), {self._crossfitted()}"

    def _check(self, problem: Problem) -> None:
        super()._check(problem)
        check_clip(self.clip)
        check_choice(self.missing, "missing", ("at-random", "not-at-random"))
        check_choice(self.correct_selection, "correct_selection", (True, False))
        instrumented = "z" in problem.others
        if instrumented != (self.missing == "not-at-random"):
            given = "an instrument z" if instrumented else "no instrument z"
            raise InputError(
                f"missing={self.missing!r} and {given}; expected z exactly where outcomes are "
                'missing not at random. Set missing="not-at-random", or give no z and put the '
                "column into X."
            )
        seen = problem.others["selected"].values[:, 0] == 1
        for code in contrast_of(problem, self.contrast):
            rows = int((seen & (problem.t == code)).sum())
            if rows < 2:
                level = cast("tuple[object, ...]", problem.levels)[code]
                raise InputError(
                    f"the outcome of {rows} row(s) with {problem.treatment!r} = {level!r} is seen; "
                    "expected at least two, and many more in practice. Bring more rows."
                )

    def _strata(self, problem: Problem) -> FloatArray:
        return 2 * problem.t + problem.others["selected"].values[:, 0]

    def _nuisances(self, problem: Problem) -> Sequence[Nuisance]:
        at_random = self.missing == "at-random"
        blocks = [problem.X, problem.t[:, None]]
        if not at_random:
            blocks.append(problem.others["z"].values)
        selection = Nuisance(
            "selection",
            problem.others["selected"].values[:, 0],
            class_learner(self.selection_learner, "selection_learner"),
            features=np.column_stack(blocks),
        )
        return [selection, *self._main(problem, problem.X)] if at_random else [selection]

    def _main(
        self, problem: Problem, features: FloatArray, at: Mapping[str, FloatArray] | None = None
    ) -> list[Nuisance]:
        """Treatment and outcome, from these columns; the outcome at other values of them too."""
        control, treated = contrast_of(problem, self.contrast)
        levels = cast("tuple[object, ...]", problem.levels)
        seen = problem.others["selected"].values[:, 0] == 1
        propensity = class_learner(self.treatment_learner, "treatment_learner")
        outcome = mean_learner(self.outcome_learner, "outcome_learner", problem.y)
        return [
            Nuisance("treatment", problem.t, propensity, n_classes=len(levels), features=features),
            *(
                Nuisance(
                    f"outcome_{arm}",
                    problem.y,
                    outcome,
                    among=seen & (problem.t == code),
                    features=features,
                    at=at or {},
                )
                for arm, code in (("control", control), ("treated", treated))
            ),
        ]

    def _moment(
        self,
        problem: Problem,
        predictions: Mapping[str, FloatArray],
        folds: IntArray,
        rng: np.random.Generator,
    ) -> tuple[LinearScore, dict[str, Any]]:
        contrast = contrast_of(problem, self.contrast)
        raw = predictions["selection"]
        sides = self._sides(raw)
        found = {**predictions, **self._given_selection(problem, raw, sides, folds, rng)}
        p_seen, seen = np.maximum(raw, self.clip), problem.others["selected"].values[:, 0]
        shares = np.clip(found["treatment"], self.clip, 1 - self.clip)
        p_control, p_treated = (shares[:, code] for code in contrast)
        if problem.kind == "binary":
            p_control = 1 - p_treated
        in_control, in_treated = (seen * (problem.t == code) for code in contrast)
        score = aipw(
            problem.y,
            in_treated,
            in_control,
            found["outcome_treated"],
            found["outcome_control"],
            p_treated * p_seen,
            p_control * p_seen,
        )
        if sides:
            surprise = seen - raw
            steepness = _steepness(problem, found, sides, contrast, (p_control, p_treated))
            score = LinearScore(score.a, score.b + steepness * surprise)
        overlap = arms_overlap(problem, found["treatment"], contrast, clip=self.clip)
        rows = seen == 1
        details = {
            "contrast": contrast_in_words(problem, contrast),
            "share_selected": float(np.average(seen, weights=problem.weights)),
            "effective_share": effective_share(1 / p_seen[rows], problem.weights[rows]),
            "share_hardly_seen": float(np.average(raw < self.clip, weights=problem.weights)),
            "overlap": overlap,
            "notes": overlap.notes,
        }
        return score, details

    def _sides(self, raw: FloatArray) -> dict[str, FloatArray]:
        """A little less and a little more than Π, between which slopes are taken; or nothing."""
        if self.missing == "at-random" or not self.correct_selection:
            return {}
        return {"less": np.maximum(raw - _STEP, 0.0), "more": np.minimum(raw + _STEP, 1.0)}

    def _given_selection(
        self,
        problem: Problem,
        raw: FloatArray,
        sides: Mapping[str, FloatArray],
        folds: IntArray,
        rng: np.random.Generator,
    ) -> Mapping[str, FloatArray]:
        """Not at random: treatment and outcome predicted with Π among the columns."""
        if self.missing == "at-random":
            return {}
        at = {key: np.column_stack([problem.X, side]) for key, side in sides.items()}
        main = self._main(problem, np.column_stack([problem.X, raw]), at)
        return crossfit(problem, main, folds, rng, n_jobs=self.n_jobs)

    def _alerts(self, details: Mapping[str, Any]) -> tuple[Warning, ...]:
        poor = details["overlap"].warning()
        alerts: list[Warning] = [poor] if poor else []
        hardly = details["share_hardly_seen"]
        if hardly > _MOST_CLIPPED:
            alerts.append(
                OverlapWarning(
                    f"{hardly:.1%} of the rows had almost no chance of being seen (below "
                    f"{self.clip:g}). Expected rows that could have been seen. Ask about units "
                    "like those that are, or leave out columns that decide who is seen."
                )
            )
        return tuple(alerts)


def _steepness(
    problem: Problem,
    found: Mapping[str, FloatArray],
    sides: Mapping[str, FloatArray],
    contrast: tuple[int, int],
    shares: tuple[FloatArray, FloatArray],
) -> FloatArray:
    """How much Π of a row moves the effect: ∂g/∂Π (1 − 1(t=d)/p(d)), treated less control."""
    control, treated = (
        (found[f"outcome_{arm} at more"] - found[f"outcome_{arm} at less"])
        / (sides["more"] - sides["less"])
        * (1 - (problem.t == code) / share)
        for arm, code, share in zip(("control", "treated"), contrast, shares, strict=True)
    )
    steepness: FloatArray = treated - control
    return steepness
