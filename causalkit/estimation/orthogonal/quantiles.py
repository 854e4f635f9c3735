"""`QuantileEffects`: what a treatment does to the low, the middle and the high outcomes.

An average effect may hide that a programme lifts the poorest and nobody else. The effect on the
τ-quantile is the difference of the τ-quantiles of the two potential outcomes, each estimated from
an orthogonal moment with learners for the propensity and for the chance of an outcome below the
quantile; :mod:`~causalkit.estimation.orthogonal._outcome_laws` has the moment. It is a statement
about two distributions: no unit need change by that much.

With a binary instrument `z`, treatment may be confounded, and the effect is that on compliers.
Instead of quantiles, means of the tail above them can be compared (conditional value at risk).

References
----------
Firpo (2007), "Efficient semiparametric estimation of quantile treatment effects", Econometrica 75,
259-276. doi:10.1111/j.1468-0262.2007.00738.x
Kallus, Mao & Uehara (2024), "Localized debiased machine learning", JMLR 25(16), 1-59.
Frölich & Melly (2013), "Unconditional quantile treatment effects under endogeneity", JBES 31,
346-357. doi:10.1080/07350015.2013.803869
Rockafellar & Uryasev (2002), "Conditional value-at-risk for general loss distributions", J. Banking
& Finance 26, 1443-1471. doi:10.1016/S0378-4266(02)00271-6
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, cast

import numpy as np
from sklearn.base import clone

from causalkit._core.checks import check_choice
from causalkit.errors import AssumptionWarning, InputError, NumericalError, OverlapWarning
from causalkit.estimation.contrasts import contrast_of
from causalkit.estimation.inference import Asymptotic, Bootstrap
from causalkit.estimation.nuisances.crossfitting import Nuisance, crossfit
from causalkit.estimation.nuisances.learners import class_learner, mean_learner
from causalkit.estimation.orthogonal._outcome_laws import OutcomeLaw
from causalkit.estimation.orthogonal.several import SeveralEffects
from causalkit.estimation.problem import Problem
from causalkit.estimation.weighting.ipw import check_clip
from causalkit.typing import FloatArray, IntArray, RandomState

__all__ = ["QuantileEffects"]

_MOST_CLIPPED = 0.05
_MOST_TIED = 0.05
"""Share of rows with one outcome above which its quantiles are steps, not numbers."""

_LEAST_BEYOND = 5.0
"""Rows beyond a quantile, as their weights count them, below which its 95 % intervals covered 83 to
89 % of the time (400 and 1,000 rows)."""

_LEAST_COMPLIERS = 0.02


class QuantileEffects(SeveralEffects):
    """Effect of a discrete treatment on quantiles of the outcome, cross-fitted.

    Parameters
    ----------
    outcome_learner : scikit-learn classifier or regressor, optional
        Predicts whether the outcome is below a quantile; for tail means a regressor.
    treatment_learner : scikit-learn classifier, optional
        Predicts the treatment; with an instrument, the instrument.
    quantiles : float or sequence of float
        Between 0 and 1.
    measure : {"quantile", "tail mean"}
        Compare quantiles, or means of the outcomes above them (conditional value at risk).
    level : object, optional
        The quantiles at this level alone, instead of a difference.
    contrast : (control, treated), optional
        Levels to compare; needed for more than two.
    n_folds, n_repeats : int
        Folds, balanced over the arms; repeats with other folds, aggregated by the median.
    clip : float
        Probabilities outside [clip, 1 − clip] are moved to the bound.
    inference : Asymptotic or Bootstrap, optional
    random_state : int, Generator or None
        Folds, and every learner whose own random_state is None.
    n_jobs : int, optional
        All fits run in parallel; the numbers do not depend on it.

    Attributes
    ----------
    effect_ : EffectSet
        One effect a quantile; with one quantile an Effect. `details["potential"]` holds the values
        at both levels.

    Notes
    -----
    **Assumes:**

    - no hidden common cause of treatment and outcome beyond the adjustment columns; or, with `z`,
      none of instrument and outcome, an instrument that acts through the treatment only and moves
      nobody against its direction;
    - every row could have had either treatment (or value of the instrument);
    - an outcome with a density that is positive at the quantile;
    - the errors of the two learners multiply to less than n^-1/2.

    The point at which the outcome learner works is one number for all folds, taken from all rows.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=2000)
    >>> t = (rng.random(2000) < 1 / (1 + np.exp(-x))).astype(int)
    >>> y = x + (1 + t) * rng.normal(size=2000)
    >>> logit = LogisticRegression()
    >>> effects = QuantileEffects(logit, logit, quantiles=(0.1, 0.5, 0.9), random_state=0)
    >>> spread = effects.fit({"x": x}, y, t=t).effect_
    >>> [bool(effect.p_value() < 0.01) for effect in spread]
    [True, False, True]
    """

    treatments: ClassVar[tuple[str, ...]] = ("binary", "categorical")
    instead: ClassVar[str] = "DoseResponse() or PLR(), which take a continuous treatment"
    takes: ClassVar[tuple[str, ...]] = ("z",)
    later: ClassVar[tuple[str, ...]] = ("outcome_",)

    def __init__(
        self,
        outcome_learner: Any = None,
        treatment_learner: Any = None,
        *,
        quantiles: float | Sequence[float] = (0.25, 0.5, 0.75),
        measure: str = "quantile",
        level: object = None,
        contrast: tuple[object, object] | None = None,
        n_folds: int = 5,
        n_repeats: int = 1,
        clip: float = 0.01,
        inference: Asymptotic | Bootstrap | None = None,
        random_state: RandomState = None,
        n_jobs: int | None = None,
    ) -> None:
        self.outcome_learner = outcome_learner
        self.treatment_learner = treatment_learner
        self.quantiles = quantiles
        self.measure = measure
        self.level = level
        self.contrast = contrast
        self.n_folds = n_folds
        self.n_repeats = n_repeats
        self.clip = clip
        self.inference = inference
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _method(self) -> str:
        what = "quantiles" if self.measure == "quantile" else "tail means"
        return f"orthogonal moments for {what}, {self._crossfitted()}"

    # --- what is asked ---------------------------------------------------------------------------

    def _check(self, problem: Problem) -> None:
        check_choice(self.measure, "measure", ("quantile", "tail mean"))
        self._probabilities()
        super()._check(problem)
        check_clip(self.clip)
        if problem.binary_outcome:
            raise InputError(
                f"outcome {problem.outcome!r} has two values, and quantiles are one or the other; "
                "expected a numeric outcome. Use AIPW(), whose effect is a difference of risks."
            )
        if "z" not in problem.others:
            return
        z = problem.others["z"].values
        if z.shape[1] != 1 or len(np.unique(z)) != 2 or problem.kind != "binary":
            raise InputError(
                f"z has {z.shape[1]} column(s) with {len(np.unique(z))} values, and treatment "
                f"{problem.treatment!r} is {problem.kind}; expected one instrument of two values "
                "and a binary treatment. Cut it in two."
            )

    def _probabilities(self) -> tuple[float, ...]:
        try:
            asked = np.unique(np.asarray(self.quantiles, dtype=np.float64).reshape(-1))
        except (TypeError, ValueError):
            asked = np.empty(0)
        if not len(asked) or not ((asked > 0) & (asked < 1)).all():
            raise InputError(
                f"quantiles={self.quantiles!r}; expected one number or more strictly between 0 and "
                "1, such as (0.1, 0.5, 0.9)."
            )
        return tuple(asked.tolist())

    def _compared(self, problem: Problem) -> Sequence[int]:
        if self.level is None:
            return contrast_of(problem, self.contrast)
        levels = cast("tuple[object, ...]", problem.levels)
        if self.level not in levels:
            raise InputError(
                f"level={self.level!r}: treatment {problem.treatment!r} has no such level; "
                f"expected one of {levels}."
            )
        return (levels.index(self.level),)

    def _members(self, problem: Problem) -> Sequence[tuple[str, SeveralEffects]]:  # noqa: ARG002
        what = "quantile" if self.measure == "quantile" else "tail"
        return [
            (f"{tau:g} {what}", clone(self).set_params(quantiles=tau))
            for tau in self._probabilities()
        ]

    # --- nuisances and moments -------------------------------------------------------------------

    def _nuisances(self, problem: Problem) -> Sequence[Nuisance]:
        learner = class_learner(self.treatment_learner, "treatment_learner")
        if "z" not in problem.others:
            levels = cast("tuple[object, ...]", problem.levels)
            return [Nuisance("treatment", problem.t, learner, n_classes=len(levels))]
        z = _two_values(problem)
        took = mean_learner(None, "outcome_learner", problem.t)
        if self.measure == "quantile":
            took = mean_learner(self.outcome_learner, "outcome_learner", problem.t)
        return [
            Nuisance("instrument", z, learner),
            Nuisance("treatment_off", problem.t, took, among=z == 0),
            Nuisance("treatment_on", problem.t, took, among=z == 1),
        ]

    def _part(
        self,
        problem: Problem,
        predictions: Mapping[str, FloatArray],
        folds: IntArray,
        rng: np.random.Generator,
    ) -> tuple[float, FloatArray, dict[str, Any]]:
        (tau,) = self._probabilities()
        levels = cast("tuple[object, ...]", problem.levels)
        found, clipped, beyond = {}, 0.0, np.inf
        for code in self._compared(problem):
            laws = self._local_law if "z" in problem.others else self._law
            law, share = laws(problem, predictions, code)
            clipped = max(clipped, share)
            start = law.quantile(tau)
            below, above = law.beyond(start)
            beyond = min(beyond, above, below if self.measure == "quantile" else above)
            target = (problem.y <= start).astype(np.float64)
            if self.measure == "tail mean":
                target = start + np.maximum(problem.y - start, 0.0) / (1 - tau)
            correction = self._correction(problem, predictions, target, code, folds, rng)
            found[levels[code]] = (
                law.of_quantile(tau, correction)
                if self.measure == "quantile"
                else law.of_mean(target, correction)
            )
        values = {level: value for level, (value, _) in found.items()}
        scores = [score for _, score in found.values()]
        details = {**self._facts(problem, values, clipped, predictions), "rows_beyond": beyond}
        numbers = list(values.values())
        if len(numbers) == 1:
            return numbers[0], scores[0], details
        return numbers[1] - numbers[0], scores[1] - scores[0], details

    def _law(
        self, problem: Problem, predictions: Mapping[str, FloatArray], code: int
    ) -> tuple[OutcomeLaw, float]:
        """Law of the outcome at a level; share of rows clipped."""
        raw = predictions["treatment"][:, code]
        inside = (problem.t == code).astype(np.float64)
        counts = inside / np.clip(raw, self.clip, 1 - self.clip)
        counts /= np.average(counts, weights=problem.weights)
        name = f"{problem.treatment} = {cast('tuple[object, ...]', problem.levels)[code]}"
        law = OutcomeLaw(problem.y, problem.weights, counts, np.ones(problem.n_obs), name)
        return law, float(np.average(raw < self.clip, weights=problem.weights))

    def _local_law(
        self, problem: Problem, predictions: Mapping[str, FloatArray], code: int
    ) -> tuple[OutcomeLaw, float]:
        """The same of compliers."""
        inside = (problem.t == code).astype(np.float64)
        signed, on, off = self._instrument(problem, predictions, code)
        took = [predictions["treatment_on"], predictions["treatment_off"]]
        c_on, c_off = took if code == 1 else [1 - p for p in took]
        sign = 1.0 if code == 1 else -1.0
        total = sign * (c_on - c_off + on * (inside - c_on) - off * (inside - c_off))
        name = f"{problem.treatment} = {cast('tuple[object, ...]', problem.levels)[code]}"
        law = OutcomeLaw(problem.y, problem.weights, signed * inside, total, name)
        if abs(law.share) < _LEAST_COMPLIERS:
            raise NumericalError(
                f"the instrument moves {abs(law.share):.1%} of the rows into treatment; expected "
                f"at least {_LEAST_COMPLIERS:.0%}, since all is divided by that. Bring a stronger "
                "instrument."
            )
        raw = predictions["instrument"]
        outside = (raw < self.clip) | (raw > 1 - self.clip)
        return law, float(np.average(outside, weights=problem.weights))

    def _instrument(
        self, problem: Problem, predictions: Mapping[str, FloatArray], code: int
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Signed inverse probabilities of the instrument, and those of both its values."""
        z = _two_values(problem)
        p = np.clip(predictions["instrument"], self.clip, 1 - self.clip)
        on, off = z / p, (1 - z) / (1 - p)
        on, off = (part / np.average(part, weights=problem.weights) for part in (on, off))
        return (on - off) * (1.0 if code == 1 else -1.0), on, off

    def _correction(
        self,
        problem: Problem,
        predictions: Mapping[str, FloatArray],
        target: FloatArray,
        code: int,
        folds: IntArray,
        rng: np.random.Generator,
    ) -> FloatArray:
        """k: what a prediction of the target adds for rows that do not show it."""
        learner = mean_learner(self.outcome_learner, "outcome_learner", target)
        (tau,) = self._probabilities()
        level = cast("tuple[object, ...]", problem.levels)[code]
        inside = problem.t == code
        name = f"outcome_{level} at {tau:g}"
        if "z" not in problem.others:
            nuisance = Nuisance(name, target, learner, among=inside)
            g = crossfit(problem, [nuisance], folds, rng, n_jobs=self.n_jobs)[name]
            law, _ = self._law(problem, predictions, code)
            return np.asarray(g * (1 - law.counts))
        z = _two_values(problem)
        shown = np.where(inside, target, 0.0)
        both = [
            Nuisance(f"{name}, off", shown, learner, among=z == 0),
            Nuisance(f"{name}, on", shown, learner, among=z == 1),
        ]
        found = crossfit(problem, both, folds, rng, n_jobs=self.n_jobs)
        g_off, g_on = (found[nuisance.name] for nuisance in both)
        _, on, off = self._instrument(problem, predictions, code)
        sign = 1.0 if code == 1 else -1.0
        return np.asarray(sign * (g_on * (1 - on) - g_off * (1 - off)))

    # --- what is told ----------------------------------------------------------------------------

    def _facts(
        self,
        problem: Problem,
        values: dict[object, float],
        clipped: float,
        predictions: Mapping[str, FloatArray],
    ) -> dict[str, Any]:
        (tau,) = self._probabilities()
        what = f"the {tau:g} quantile" if self.measure == "quantile" else f"the tail above {tau:g}"
        among = " among compliers" if "z" in problem.others else ""
        names = [f"{level}" for level in values]
        question = f"Effect of {problem.treatment} on {what} of {problem.outcome}{among}"
        if len(names) == 1:
            question = f"{what[0].upper()}{what[1:]} of {problem.outcome}{among}"
            question += f" if {problem.treatment} = {names[0]}"
        notes = []
        if clipped > _MOST_CLIPPED:
            notes.append(f"{clipped:.1%} of the rows had almost no chance of one of the arms.")
        details: dict[str, Any] = {
            "question": question,
            "contrast": f"{problem.treatment}: {' versus '.join(reversed(names))}",
            "potential": values,
            "share_clipped": clipped,
            "notes": notes,
        }
        most = np.bincount(np.unique(problem.y, return_inverse=True)[1].reshape(-1)).max()
        if self.measure == "quantile" and most > _MOST_TIED * problem.n_obs:
            details["tied"] = float(most) / problem.n_obs
        if "z" in problem.others:
            law, _ = self._local_law(problem, predictions, 1)
            details["share_compliers"] = law.share
        return details

    def _alerts(self, details: Mapping[str, Any]) -> tuple[Warning, ...]:
        alerts: list[Warning] = [
            OverlapWarning(
                f"{note} Expected rows that could have been in either. Restrict the data to "
                "comparable rows, or adjust for fewer columns."
            )
            for note in details["notes"]
        ]
        if details["rows_beyond"] < _LEAST_BEYOND:
            alerts.append(
                AssumptionWarning(
                    f"{details['question']}: at one of the levels, rows beyond it are worth "
                    f"{details['rows_beyond']:.1f} rows; expected at least {_LEAST_BEYOND:g}, with "
                    "fewer the interval is too short. Ask for a quantile nearer the middle, or "
                    "bring more rows."
                )
            )
        if "tied" in details:
            alerts.append(
                AssumptionWarning(
                    f"{details['tied']:.0%} of the rows share one outcome; expected an outcome "
                    "with a density. Quantiles there jump, and their intervals mean little: "
                    'compare means, or measure="tail mean".'
                )
            )
        return tuple(alerts)


def _two_values(problem: Problem) -> FloatArray:
    """The instrument as zeros and ones."""
    z = problem.others["z"].values[:, 0]
    return np.asarray((z == z.max()).astype(np.float64))
