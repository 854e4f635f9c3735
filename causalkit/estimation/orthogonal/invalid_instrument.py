"""`InvalidInstrument`: an instrument that touches the outcome directly, repaired by spread.

An instrument z must reach the outcome through the treatment alone. Where it does not, its effect on
the mean of the outcome mixes two paths. Its effect on the *spread* may not: if z changes how much
the treatment varies, and if neither treatment nor instrument interact with the hidden cause, then
among rows alike in X

    Cov(t, y | z, X) = β(X) Var(t | z, X) + ρ(X)

with ρ(X), what the hidden cause does to both, the same for either value of z. So

    β(X) = [Cov(t,y|1,X) − Cov(t,y|0,X)] / [Var(t|1,X) − Var(t|0,X)] = δ_C(X) / δ_V(X),

and the average effect E[β(X)] has the influence function, with residuals ỹ, t̃ on (z, X),

    β(X) + (2z−1)/f(z|X) · [t̃ (ỹ − β(X) t̃) − ρ(X)] / δ_V(X)  −  E[β(X)].

Each nuisance may be given a list of learners, of which one is selected: the effect is insensitive
to one nuisance as long as the others are right, so a combination is preferred whose effect moves
least when one of its learners is swapped for another (*mixed minimax*).

References
----------
Sun, Cui & Tchetgen Tchetgen (2022), "Selective machine learning of the average treatment effect
with an invalid instrumental variable", J. Machine Learning Research 23.
doi:10.48550/arXiv.1907.11882
Cui & Tchetgen Tchetgen (2024), "Selective machine learning of doubly robust functionals",
Biometrika 111, 517-535. doi:10.1093/biomet/asad055
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, ClassVar

import numpy as np

from causalkit._core.checks import check_choice, check_fraction
from causalkit.errors import InputError
from causalkit.estimation.contrasts import contrast_in_words
from causalkit.estimation.inference import Asymptotic, Bootstrap
from causalkit.estimation.moments import LinearScore, aipw
from causalkit.estimation.nuisances.crossfitting import Nuisance, crossfit
from causalkit.estimation.nuisances.learners import check_learner, class_learner, mean_learner
from causalkit.estimation.nuisances.quality import Nuisances
from causalkit.estimation.orthogonal.base import OrthogonalEstimator
from causalkit.estimation.orthogonal.compliers import binary_instrument
from causalkit.estimation.orthogonal.instrumented import weak_instruments, weakness
from causalkit.estimation.problem import Problem
from causalkit.estimation.weighting.ipw import check_clip
from causalkit.typing import FloatArray, IntArray, RandomState

__all__ = ["InvalidInstrument"]

_ROLES = ("outcome", "treatment", "instrument", "spread")


class InvalidInstrument(OrthogonalEstimator):
    """Average effect from an instrument with a direct effect, by how it moves the spread.

    The instrument is given to `fit` as `z`, one column of two values.

    Parameters
    ----------
    outcome_learner, treatment_learner : scikit-learn regressor or classifier, or a list, optional
        Predict outcome and treatment at each value of the instrument.
    instrument_learner : scikit-learn classifier, or a list, optional
        Predicts the probability of the instrument.
    spread_learner : scikit-learn regressor, or a list, optional
        Predicts squares and products of residuals at each value of the instrument. Ridge
        regression by default, since these are noisy and their differences divide. The variance of
        a binary treatment is taken from its probability.
    constant_effect : bool
        Whether the effect is the same at all covariates. Then averages are divided instead of an
        average of quotients taken, which is much more stable; where the effect varies, the result
        weights it by δ_V(X).
    least_difference : float
        Differences δ_V(X) smaller than this share of the treatment's variance are moved to it.
    n_folds, n_repeats : int
        Folds of the cross-fitting, balanced over the instrument; repeats with other folds,
        aggregated by the median.
    clip : float
        Probabilities of the instrument outside [clip, 1 − clip] are moved to the bound.
    inference : Asymptotic or Bootstrap, optional
    random_state : int, Generator or None
    n_jobs : int, optional

    Notes
    -----
    **Assumes:**

    - given the covariates, the instrument is independent of the hidden cause;
    - the hidden cause adds to the outcome, and adds to the treatment: it interacts with neither
      the treatment nor the instrument in either;
    - the variance of the treatment differs between the two values of the instrument, at all
      covariates (`effect.details["first_stage_f"]` tests that it does on average).

    The instrument may have any direct effect on the outcome. From lists, every combination is
    tried and `details["selected"]` says which one is taken: the one with the least of the largest
    squared changes of the effect when one learner is swapped (`details["pseudo_risk"]`). The
    standard error does not count the selection.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression, LogisticRegression
    >>> rng = np.random.default_rng(0)
    >>> X, z, hidden = rng.normal(size=(3000, 1)), rng.integers(2, size=3000), rng.normal(size=3000)
    >>> t = z + X[:, 0] + hidden + (0.5 + 2 * z) * rng.normal(size=3000)
    >>> y = 1.5 * t + 0.9 * z + X[:, 0] + hidden + rng.normal(size=3000)
    >>> linear = LinearRegression()
    >>> spread = InvalidInstrument(linear, linear, LogisticRegression(), linear, random_state=0)
    >>> effect = spread.fit(X, y, t=t, z=z).effect_
    >>> bool(1.5 in effect.interval(0.99))
    True
    """

    treatments: ClassVar[tuple[str, ...]] = ("binary", "continuous")
    instead: ClassVar[str] = "two of its levels only"
    needs: ClassVar[tuple[str, ...]] = ("z",)
    later: ClassVar[tuple[str, ...]] = ("covariance ", "variance ")

    def __init__(
        self,
        outcome_learner: Any = None,
        treatment_learner: Any = None,
        instrument_learner: Any = None,
        spread_learner: Any = None,
        *,
        constant_effect: bool = False,
        least_difference: float = 0.1,
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
        self.spread_learner = spread_learner
        self.constant_effect = constant_effect
        self.least_difference = least_difference
        self.n_folds = n_folds
        self.n_repeats = n_repeats
        self.clip = clip
        self.inference = inference
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _method(self) -> str:
        what = "constant effect" if self.constant_effect else "average effect"
        return f"invalid instrument, by spread ({what}), {self._crossfitted()}"

    def _check(self, problem: Problem) -> None:
        super()._check(problem)
        check_clip(self.clip)
        check_fraction(self.least_difference, "least_difference")
        check_choice(self.constant_effect, "constant_effect", (True, False))
        z = binary_instrument(problem, self)
        for value in (0, 1):
            if (z == value).sum() < 2:
                raise InputError(
                    f"fewer than two rows have {'the larger' if value else 'the smaller'} value of "
                    f"{problem.others['z'].names[0]!r}; expected at least two with each. Bring "
                    "more rows."
                )

    def _strata(self, problem: Problem) -> FloatArray:
        return binary_instrument(problem, self)

    def _candidates(self, problem: Problem) -> dict[str, list[Any]]:
        """Learners of each role, checked."""
        given = {role: getattr(self, f"{role}_learner") for role in _ROLES}
        lists = {
            role: list(learner) if isinstance(learner, (list, tuple)) else [learner]
            for role, learner in given.items()
        }
        for role, learners in lists.items():
            if not learners:
                raise InputError(
                    f"{role}_learner is an empty list; expected at least one learner. Leave it "
                    "out for the default."
                )
        return {
            "outcome": [mean_learner(g, "outcome_learner", problem.y) for g in lists["outcome"]],
            "treatment": [
                mean_learner(g, "treatment_learner", problem.t) for g in lists["treatment"]
            ],
            "instrument": [class_learner(g, "instrument_learner") for g in lists["instrument"]],
            "spread": [_spread_learner(g) for g in lists["spread"]],
        }

    def _nuisances(self, problem: Problem) -> Sequence[Nuisance]:
        z, candidates = binary_instrument(problem, self), self._candidates(problem)
        arms = (("without", z == 0), ("with", z == 1))
        found = [
            Nuisance(f"instrument {k}", z, learner)
            for k, learner in enumerate(candidates["instrument"])
        ]
        for role, column in (("outcome", problem.y), ("treatment", problem.t)):
            found += [
                Nuisance(f"{role} {arm} {k}", column, learner, among=among)
                for k, learner in enumerate(candidates[role])
                for arm, among in arms
            ]
        return found

    def _moment(
        self,
        problem: Problem,
        predictions: Mapping[str, FloatArray],
        folds: IntArray,
        rng: np.random.Generator,
    ) -> tuple[LinearScore, dict[str, Any]]:
        z, candidates = binary_instrument(problem, self), self._candidates(problem)
        left = {
            f"{role} {k}": column
            - np.where(z == 1, predictions[f"{role} with {k}"], predictions[f"{role} without {k}"])
            for role, column in (("outcome", problem.y), ("treatment", problem.t))
            for k in range(len(candidates[role]))
        }
        second = crossfit(
            problem,
            self._second_stage(problem, z, left, candidates),
            folds,
            rng,
            n_jobs=self.n_jobs,
        )
        everything = {**predictions, **second}
        combinations = list(product(*(range(len(candidates[role])) for role in _ROLES)))
        scores = [
            self._score(problem, z, left, everything, combination) for combination in combinations
        ]
        values = np.array([score.solve(problem.weights)[0] for score, _ in scores])
        risks = _pseudo_risks(combinations, values)
        best = int(np.argmin(risks))
        score, strength = scores[best]
        chosen = dict(zip(_ROLES, combinations[best], strict=True))
        details = {
            "contrast": contrast_in_words(problem),
            "selected": {role: str(candidates[role][k]) for role, k in chosen.items()},
            "combination": combinations[best],
            "candidates": dict(zip(combinations, values.tolist(), strict=True)),
            "pseudo_risk": float(risks[best]),
            "first_stage_f": strength,
            "notes": weakness(strength),
        }
        return score, details

    def _judge(
        self,
        problem: Problem,
        nuisances: Sequence[Nuisance],
        repeat: tuple[float, FloatArray, dict[str, Any]],
    ) -> Nuisances | None:
        """Judge what was selected, not all candidates."""
        taken = dict(zip(_ROLES, repeat[2]["combination"], strict=True))
        return super()._judge(
            problem,
            [
                nuisance
                for nuisance in nuisances
                if nuisance.name.endswith(f" {taken[nuisance.name.split()[0]]}")
            ],
            repeat,
        )

    def _second_stage(
        self,
        problem: Problem,
        z: FloatArray,
        left: Mapping[str, FloatArray],
        candidates: Mapping[str, list[Any]],
    ) -> list[Nuisance]:
        """Regressions of products of residuals, and of squares, at each value of z."""
        targets = {
            f"{i} {j}": left[f"treatment {j}"] * left[f"outcome {i}"]
            for i in range(len(candidates["outcome"]))
            for j in range(len(candidates["treatment"]))
        }
        products = {f"covariance {key}": target for key, target in targets.items()}
        if problem.levels is None:
            products |= {
                f"variance {j}": left[f"treatment {j}"] ** 2
                for j in range(len(candidates["treatment"]))
            }
        return [
            Nuisance(f"{name} {arm} {k}", target, learner, among=z == value)
            for name, target in products.items()
            for k, learner in enumerate(candidates["spread"])
            for arm, value in (("without", 0), ("with", 1))
        ]

    def _score(
        self,
        problem: Problem,
        z: FloatArray,
        left: Mapping[str, FloatArray],
        found: Mapping[str, FloatArray],
        combination: tuple[int, ...],
    ) -> tuple[LinearScore, float]:
        """Score of one combination of learners, and how surely z moves the variance."""
        i, j, k, s = combination
        covariance = [found[f"covariance {i} {j} {arm} {s}"] for arm in ("without", "with")]
        if problem.levels is None:
            variance = [found[f"variance {j} {arm} {s}"] for arm in ("without", "with")]
        else:
            shares = [found[f"treatment {arm} {j}"] for arm in ("without", "with")]
            variance = [p * (1 - p) for p in shares]
        p_with = np.clip(found[f"instrument {k}"], self.clip, 1 - self.clip)
        t_left, y_left = left[f"treatment {j}"], left[f"outcome {i}"]
        on_covariance, on_variance = (
            aipw(column, z, 1 - z, with_, without, p_with, 1 - p_with).b
            for column, (without, with_) in (
                (t_left * y_left, covariance),
                (t_left**2, variance),
            )
        )
        strength = self._strength(problem, on_variance)
        if self.constant_effect:
            return LinearScore(-on_variance, on_covariance), strength
        least = self.least_difference * float(np.var(problem.t))
        difference = variance[1] - variance[0]
        sign = np.where(difference < 0, -1.0, 1.0)
        difference = sign * np.maximum(np.abs(difference), least)
        beta = (covariance[1] - covariance[0]) / difference
        # The score's quotient, linearised: what each row adds to δ_C less β(X) times to δ_V.
        moved = on_covariance - beta * on_variance
        return LinearScore(-np.ones_like(z), beta + moved / difference), strength

    def _strength(self, problem: Problem, on_variance: FloatArray) -> float:
        """Squared t statistic of the instrument's average effect on the variance."""
        mean, influence = LinearScore(-np.ones_like(on_variance), on_variance).solve(
            problem.weights
        )
        error, _ = self.spread(self.influence(problem, influence), problem)
        return float((mean / error) ** 2) if error > 0 else float("inf")

    def _alerts(self, details: Mapping[str, Any]) -> tuple[Warning, ...]:
        return weak_instruments(details)


def _pseudo_risks(combinations: Sequence[tuple[int, ...]], values: FloatArray) -> FloatArray:
    """Of each combination, the largest squared change when one of its learners is swapped."""
    codes = np.array(combinations)
    swapped = (codes[:, None, :] != codes[None, :, :]).sum(axis=2) <= 1
    changes = (values[:, None] - values[None, :]) ** 2
    risks: FloatArray = np.where(swapped, changes, 0.0).max(axis=1)
    return risks


def _spread_learner(given: Any) -> Any:
    """Return the learner given, checked, or ridge regression on standardised columns."""
    if given is None:
        from sklearn.linear_model import RidgeCV
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        given = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-2, 4, 13)))
    return check_learner(given, "spread_learner", discrete=False, regression_allowed=True)
