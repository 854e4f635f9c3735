"""What all effect estimators share: `fit`, `solve`, and an `Effect` at the end.

An estimator is configured in its constructor and meets data in `fit(X, y, t=…)`, which checks and
encodes its input into a :class:`~causalkit.estimation.problem.Problem` and calls `solve`. `solve`
trusts the arrays and keeps nothing, so a bootstrap or a refutation calls it as often as it likes.

A new estimator writes `_solve(problem, rng) -> Solution`: the effect and the influence of each row,
as if rows were unweighted and independent. Weights, clusters, small samples and the bootstrap are
put on here. An estimator with machine-learned nuisances derives from
:class:`~causalkit.estimation.orthogonal.base.OrthogonalEstimator` and writes two hooks only.
"""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone

from causalkit._core.random import as_generator
from causalkit.errors import InputError, NumericalError, OverlapWarning
from causalkit.estimation.asked_in_words import outcome_facts
from causalkit.estimation.contrasts import contrast_of
from causalkit.estimation.effect import Effect
from causalkit.estimation.effect_set import EffectSet
from causalkit.estimation.inference import Asymptotic, Bootstrap, few_clusters
from causalkit.estimation.nuisances.quality import unassessed
from causalkit.estimation.problem import Problem, as_problem
from causalkit.estimation.unseen import read_flags, without_unseen
from causalkit.estimation.weighting.overlap import separating_column
from causalkit.typing import Data, FloatArray

__all__ = ["EffectEstimator", "Solution"]


_TARGETS = {
    "ATE": "everyone",
    "ATT": "the treated",
    "ATO": "those who could have been in either arm",
}


_CALLED = {
    **dict.fromkeys(("cluster", "clusters"), "groups"),
    **dict.fromkeys(("weight", "weights"), "sample_weight"),
    **dict.fromkeys(("panel", "entity"), "unit"),
}
"""What `fit` calls the columns that `estimate`, or other packages, call otherwise."""


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """What an estimator's arithmetic yields.

    Attributes
    ----------
    value : float
    scores : ndarray of shape (n,)
        Influence of each row, were it unweighted and independent.
    n_parameters : int
        Coefficients that the small-sample factor counts; 0 for no factor.
    details : mapping
        Facts for `Effect.details`; `"notes"` are printed.
    alerts : tuple of Warning
        Given once, not in each resample.
    df : float or None
        Degrees of freedom if rows are independent; None for the normal approximation.
    """

    value: float
    scores: FloatArray
    n_parameters: int = 0
    details: Mapping[str, Any] = field(default_factory=dict)
    alerts: tuple[Warning, ...] = ()
    df: float | None = None


class EffectEstimator(BaseEstimator):
    """Base of the estimators of an average effect.

    Attributes
    ----------
    effect_ : Effect
        After `fit`. An EffectSet after `contrast="each"`.
    """

    effect_: Effect | EffectSet

    treatments: ClassVar[tuple[str, ...]] = ("binary", "categorical", "continuous")
    """Kinds of treatment the estimator can handle."""

    instead: ClassVar[str] = "OLS() or GComputation()"
    """What to use for the other kinds."""

    targets: ClassVar[tuple[str, ...]] = ("ATE", "ATT")
    """Whose average effect `target` may ask for, where there is such a setting; also "ATO"."""

    needs: ClassVar[tuple[str, ...]] = ()
    """Roles of further columns without which there is no estimate, e.g. "z" for instruments."""

    takes: ClassVar[tuple[str, ...]] = ()
    """Roles of further columns that may be given."""

    identified: ClassVar[tuple[str, ...]] = ("z", "mediators")
    """Roles that decide what is estimated, so that only what was identified may bring them."""

    seen_by: ClassVar[str | None] = None
    """Role of the column that says where the outcome is seen, if it need not be everywhere."""

    def fit(
        self,
        X: Data | None,
        y: ArrayLike,
        *,
        t: ArrayLike,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        supplied: Mapping[str, ArrayLike] | None = None,
        **others: Data,
    ) -> Self:
        """Estimate the effect of `t` on `y`, adjusted for `X`.

        Parameters
        ----------
        X : table of shape (n, k), or None
            Columns to adjust for. Categories become indicators.
        y : array-like of shape (n,)
            Outcome, numeric or two-level. Where the estimator takes a column that says in which
            rows it is seen, it may be missing in the others.
        t : array-like of shape (n,)
            Treatment.
        sample_weight : array-like of shape (n,), optional
        groups : array-like of shape (n,) or (n, 2), optional
            Clusters: rows of one cluster may depend on each other, and share a fold. Two columns
            are clusters of two kinds that cross, such as firms and years.
        supplied : mapping of str to array-like of shape (n,), optional
            Nuisances that were predicted elsewhere, out of fold, by their names in
            `effect_.details["learners"]`.
        **others : table or array-like
            Columns with further roles, where the estimator needs them: instruments `z`,
            `mediators`, `unit` and `time` of a panel, `selected` or `labelled` (zeros and ones)
            where the outcome is seen.

        Returns
        -------
        self
            With `effect_`.
        """
        self._check_roles(others)
        if self.seen_by is not None:
            seen = read_flags(others[self.seen_by], self.seen_by)
            y = without_unseen(y, seen, self.seen_by)
            others = {**others, self.seen_by: seen.astype(np.float64)}
        problem = as_problem(
            X, y, t, sample_weight=sample_weight, groups=groups, others=others, supplied=supplied
        )
        answer = self.answer(problem)
        if problem.supplied:
            self._check_supplied(problem)
        self.effect_ = answer
        return self

    def _check_supplied(self, problem: Problem) -> None:
        """Refuse predictions that nothing here is called after."""

    def answer(self, problem: Problem) -> Effect | EffectSet:
        """Return one effect, or one for each level against the first (`contrast="each"`)."""
        if getattr(self, "contrast", None) != "each":
            return self.solve(problem)
        if problem.levels is None:
            raise InputError(
                f'contrast="each" needs a discrete treatment; {problem.treatment!r} is continuous. '
                "Leave the contrast out for the effect of one unit more."
            )
        base, *others = problem.levels
        effects = [
            clone(self).set_params(contrast=(base, level)).solve(problem) for level in others
        ]
        labels = tuple(f"{level} − {base}" for level in others)
        return EffectSet(tuple(effects), labels, reading="contrasts")

    def solve(self, problem: Problem) -> Effect:
        """Estimate on arrays that are already checked; keeps nothing on the estimator."""
        self._check(problem)
        rng = as_generator(getattr(self, "random_state", None))
        # What overflows is caught at the end, as a number that is not finite.
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            solution = self._solve(problem, rng)
        few = () if "unit" in self.needs else few_clusters(problem)  # panels count their own
        for alert in (*solution.alerts, *self._separation(problem, solution), *few):
            warnings.warn(alert, stacklevel=4)
        inference = self._inference()
        draws = None
        if isinstance(inference, Bootstrap):
            draws = inference.draws(problem, partial(_value, self))
        return self.effect_of(problem, solution, draws)

    def effect_of(
        self, problem: Problem, solution: Solution, draws: FloatArray | None = None
    ) -> Effect:
        """Put inference on a solution: from its scores, or from what resamples gave.

        Parameters
        ----------
        problem : Problem
        solution : Solution
        draws : ndarray of shape (n_resamples,), optional
            Effects in resamples.
        """
        effect = Effect(
            value=solution.value,
            std_error=np.nan,
            n_obs=problem.n_obs,
            method=self._method(),
            details={
                **solution.details,
                **outcome_facts(problem.outcome, problem.outcome_levels),
            },
            df=solution.df if problem.groups is None else problem.n_groups - 1,
            problem=problem,
            estimator=clone(self),
        )
        if draws is not None:
            details = {**effect.details, "resamples": draws}
            method = f"{effect.method}; bootstrap, {len(draws)} resamples"
            effect = replace(
                effect, std_error=float(draws.std(ddof=1)), details=details, method=method
            )
        else:
            influence = self.influence(problem, solution.scores, solution.n_parameters)
            std_error, df, facts = self._asymptotic().spread(influence, problem, effect.df)
            effect = replace(
                effect,
                std_error=std_error,
                influence=influence,
                df=df,
                method=effect.method if problem.groups is None else f"{effect.method}; clustered",
                details={**effect.details, **facts},
            )
        return self._finite(effect)

    @abstractmethod
    def _solve(self, problem: Problem, rng: np.random.Generator) -> Solution:
        """Effect and influence of each unweighted row."""

    @abstractmethod
    def _method(self) -> str:
        """The method in words."""

    def count(self, problem: Problem) -> float:
        """How many observations `problem` has, as the inference reads its weights."""
        return self._asymptotic().count(problem)

    def influence(self, problem: Problem, scores: FloatArray, n_parameters: int = 0) -> FloatArray:
        """Put weights and small-sample factors on scores, as on those of the effect itself."""
        return self._asymptotic().influence(problem, scores, n_parameters)

    def spread(self, influence: FloatArray, problem: Problem) -> tuple[float, float | None]:
        """Standard error, and its degrees of freedom, of what has this influence on each row."""
        df = None if problem.groups is None else problem.n_groups - 1.0
        return self._asymptotic().spread(influence, problem, df)[:2]

    def _asymptotic(self) -> Asymptotic:
        """What a formula assumes; a bootstrap reads weights as sampling weights."""
        inference = self._inference()
        return inference if isinstance(inference, Asymptotic) else Asymptotic()

    def _inference(self) -> Asymptotic | Bootstrap:
        inference = getattr(self, "inference", None)
        if inference is None:
            return Asymptotic()
        if isinstance(inference, (Asymptotic, Bootstrap)):
            return inference
        raise InputError(
            f"inference={inference!r}; expected None, Asymptotic(...) or Bootstrap(...), or for "
            "series HAC(...) or MovingBlocks(...)."
        )

    def _check_roles(self, given: Mapping[str, Any]) -> None:
        """Refuse roles that mean nothing here, and say which are missing."""
        name, known = type(self).__name__, (*self.needs, *self.takes)
        strange = [role for role in given if role not in known]
        if strange:
            what = f"only {', '.join(known)}" if known else "no further columns"
            called = {role: _CALLED[role] for role in strange if role in _CALLED}
            here = [
                f"{role}= is called {ours}= here"
                for role, ours in called.items()
                if ours in ("groups", "sample_weight", *known)
            ]
            raise InputError(
                f"{name} got {', '.join(f'{role}=' for role in strange)}; it takes {what}. "
                + (f"{'; '.join(here)}." if here else "Leave it out, or put covariates into X.")
            )
        missing = [role for role in self.needs if given.get(role) is None]
        if missing:
            raise InputError(
                f"{name} got no {' and no '.join(missing)}; expected "
                f"{', '.join(f'{role}=' for role in missing)} beside the treatment t."
            )

    def _check(self, problem: Problem) -> None:
        """Refuse what this estimator cannot answer, and name what can."""
        name = type(self).__name__
        self._check_roles(problem.others)
        if problem.kind not in self.treatments:
            levels = f" with levels {problem.levels[:5]}" if problem.levels else ""
            raise InputError(
                f"treatment {problem.treatment!r} is {problem.kind}{levels}; {name} needs a "
                f"{' or '.join(self.treatments)} one. Use {self.instead}."
            )
        if problem.supplied and not hasattr(self, "n_folds"):
            raise InputError(
                f"supplied holds predictions of {', '.join(problem.supplied)}, and {name} has no "
                "nuisances; expected an estimator that is cross-fitted, such as AIPW(). Leave them "
                "out."
            )
        inference = self._inference()
        if isinstance(inference, Asymptotic):
            inference.check(problem)
        target = getattr(self, "target", "ATE")
        if target not in self.targets:
            known = ", ".join(f"{name!r} ({_TARGETS[name]})" for name in self.targets)
            raise InputError(f"target={target!r}; expected {known}.")
        if target != "ATE" and problem.levels is None:
            raise InputError(
                f"the effect on {_TARGETS[target]} is asked for, but {problem.treatment!r} is "
                'continuous and has no treated group. Use target="ATE".'
            )
        if problem.levels is not None:
            for code in self._compared(problem):
                rows = int((problem.weights[problem.t == code] > 0).sum())
                if rows < 2:
                    raise InputError(
                        f"{rows or 'no'} row has {problem.treatment!r} = "
                        f"{problem.levels[code]!r}; expected at least two with each level, "
                        "since one has no spread. Bring more rows or another contrast."
                    )

    def _separation(self, problem: Problem, solution: Solution) -> tuple[Warning, ...]:
        """A warning where a column tells the arms apart, unless overlap was warned about."""
        warned = any(isinstance(alert, OverlapWarning) for alert in solution.alerts)
        codes = () if problem.levels is None else self._compared(problem)
        if warned or len(codes) != 2:
            return ()
        control, treated = (problem.t == code for code in codes)
        column = separating_column(problem.X, control, treated)
        if column is None:
            return ()
        return (
            OverlapWarning(
                f"column {problem.adjustment[column]!r} tells the arms of {problem.treatment!r} "
                "apart without error, so no row has a counterpart and the effect is extrapolated, "
                "not estimated. Expected arms that could have been exchanged. Leave the column out "
                "if it is a consequence of treatment, or bring rows that were not decided by it."
            ),
        )

    def _compared(self, problem: Problem) -> Sequence[int]:
        """Positions of the levels of a discrete treatment that the effect is about."""
        return contrast_of(problem, getattr(self, "contrast", None))

    def _finite(self, effect: Effect) -> Effect:
        if np.isfinite(effect.value) and np.isfinite(effect.std_error):
            return effect
        raise NumericalError(
            f"{type(self).__name__} gave effect {effect.value} with standard error "
            f"{effect.std_error}; expected finite numbers. There may be fewer rows than "
            "coefficients, or values so large that their squares overflow: rescale the columns "
            "or adjust for fewer."
        )


def _value(estimator: EffectEstimator, problem: Problem, rng: np.random.Generator) -> float:
    estimator._check(problem)
    with unassessed():
        return estimator._solve(problem, rng).value
