"""`OrthogonalEstimator`: cross-fitted nuisances in an orthogonal moment.

Two hooks make an estimator: which nuisances, and which moment they enter. Folds, repeats, learners,
seeds, and how good the predictions were, are here, once for all.

References
----------
Chernozhukov et al. (2018), "Double/debiased machine learning for treatment and structural
parameters", Econometrics Journal 21, C1-C68. doi:10.1111/ectj.12097
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from sklearn.base import clone

from causalkit._core.checks import check_count
from causalkit.errors import InputError
from causalkit.estimation.base import EffectEstimator, Solution
from causalkit.estimation.moments import LinearScore
from causalkit.estimation.nuisances.assessment import assess
from causalkit.estimation.nuisances.crossfitting import Nuisance, assign_folds, crossfit
from causalkit.estimation.nuisances.quality import Nuisances
from causalkit.estimation.problem import Problem
from causalkit.typing import FloatArray, IntArray

__all__ = ["OrthogonalEstimator"]


class OrthogonalEstimator(EffectEstimator):
    """An estimator with cross-fitted nuisances in a Neyman-orthogonal moment.

    Two hooks make one: `_nuisances(problem)` says what is to be predicted from the adjustment
    columns, and `_moment(problem, predictions, …)` turns the out-of-fold predictions into a linear
    score. Everything else (folds, repeats, learners, seeds) is here.

    Repeats with other folds are aggregated by the median, and the standard error includes the
    spread between repeats (Chernozhukov et al. 2018, definition 3.3).
    """

    n_folds: int
    n_repeats: int
    n_jobs: int | None

    later: ClassVar[tuple[str, ...]] = ()
    """How names of nuisances begin that are made of others' predictions."""

    @abstractmethod
    def _nuisances(self, problem: Problem) -> Sequence[Nuisance]:
        """What is to be predicted."""

    @abstractmethod
    def _moment(
        self,
        problem: Problem,
        predictions: Mapping[str, FloatArray],
        folds: IntArray,
        rng: np.random.Generator,
    ) -> tuple[LinearScore, dict[str, Any]]:
        """Linear score, and facts for `details`."""

    def _names(self, problem: Problem) -> set[str]:
        """What predictions are called."""
        single = self
        if getattr(self, "contrast", None) == "each" and problem.levels is not None:
            single = clone(self).set_params(contrast=problem.levels[:2])
        return {name for nuisance in single._nuisances(problem) for name in nuisance.names}

    def _check_supplied(self, problem: Problem) -> None:
        known = self._names(problem)
        strange = [
            name
            for name in problem.supplied
            if name not in known and not name.startswith(self.later)
        ]
        if strange:
            raise InputError(
                f"supplied holds {', '.join(map(repr, strange))}, which nothing in "
                f"{type(self).__name__} is called; expected some of "
                f"{', '.join(map(repr, sorted(known)[:8]))}. Correct the name, or leave it out."
            )

    def _strata(self, problem: Problem) -> FloatArray | None:
        """What folds are balanced by: the levels of a discrete treatment."""
        return None if problem.levels is None else problem.t

    def _alerts(self, details: Mapping[str, Any]) -> tuple[Warning, ...]:  # noqa: ARG002
        return ()

    def _crossfitted(self) -> str:
        """How, in words."""
        repeats = f", median of {self.n_repeats} repeats" if self.n_repeats > 1 else ""
        return f"cross-fitted in {self.n_folds} folds{repeats}"

    def _solve(self, problem: Problem, rng: np.random.Generator) -> Solution:
        check_count(self.n_folds, "n_folds", minimum=2)
        check_count(self.n_repeats, "n_repeats")
        nuisances = self._nuisances(problem)
        prepared: dict[Any, Any] = {}
        repeats = [
            self._once(problem, nuisances, child, prepared) for child in rng.spawn(self.n_repeats)
        ]
        return self._aggregate(problem, nuisances, repeats)

    def _aggregate(
        self,
        problem: Problem,
        nuisances: Sequence[Nuisance],
        repeats: Sequence[tuple[float, FloatArray, dict[str, Any]]],
    ) -> Solution:
        """Median over repeats of value, scores and facts."""
        values = np.array([value for value, _, _ in repeats])
        theta = float(np.median(values))
        scores = self._median_scores(values, [s for _, s, _ in repeats], problem)
        details: dict[str, Any] = {
            **repeats[0][2],
            "folds": np.array([facts["folds"] for _, _, facts in repeats]),
            "learners": {n.name: str(n.learner) for n in nuisances},
            "repeats": values,
        }
        if len(repeats) > 1:
            details["repeat_predictions"] = tuple(facts["predictions"] for _, _, facts in repeats)
        alerts = self._alerts(details)
        judged = self._judge(problem, nuisances, repeats[0])
        if judged is not None:
            details["nuisances"] = judged
            warning = judged.warning(repeats[0][0])
            alerts = (*alerts, warning) if warning else alerts
        return Solution(theta, scores, details=details, alerts=alerts)

    def _judge(
        self,
        problem: Problem,
        nuisances: Sequence[Nuisance],
        repeat: tuple[float, FloatArray, dict[str, Any]],
    ) -> Nuisances | None:
        """How well the nuisances were predicted, and what the effect would be if better."""
        value, scores, facts = repeat
        folds, rng = facts["folds"], np.random.default_rng(0)

        def mended(predictions: Mapping[str, FloatArray]) -> tuple[float, float]:
            better, others, _ = self._part(problem, predictions, folds, rng)
            return better, self.spread(self.influence(problem, others - scores), problem)[0]

        return assess(
            problem,
            nuisances,
            facts["predictions"],
            folds,
            mended,
            value,
            self.spread(self.influence(problem, scores), problem)[0],
            facts.get("chosen", {}),
        )

    def _once(
        self,
        problem: Problem,
        nuisances: Sequence[Nuisance],
        rng: np.random.Generator,
        prepared: dict[Any, Any],
    ) -> tuple[float, FloatArray, dict[str, Any]]:
        folds = self._folds(problem, rng)
        predictions = crossfit(
            problem, nuisances, folds, rng, n_jobs=self.n_jobs, prepared=prepared
        )
        value, scores, details = self._part(problem, predictions, folds, rng)
        details["folds"] = folds
        details["predictions"] = dict(predictions)
        details["chosen"] = dict(prepared.get("chosen", {}))
        return value, scores, details

    def _part(
        self,
        problem: Problem,
        predictions: Mapping[str, FloatArray],
        folds: IntArray,
        rng: np.random.Generator,
    ) -> tuple[float, FloatArray, dict[str, Any]]:
        """Value, scores and facts of one repeat; a score that is not linear writes this instead."""
        score, details = self._moment(problem, predictions, folds, rng)
        value, scores = score.solve(problem.weights)
        return value, scores, details

    def _folds(self, problem: Problem, rng: np.random.Generator) -> IntArray:
        """Stretches of time where rows are steps, else rows (or clusters) at random."""
        if problem.steps is not None and problem.groups is None:
            return problem.steps.folds(self.n_folds, rng)
        if problem.second_groups is not None:
            kinds = (problem.groups, problem.second_groups)
            parts = [assign_folds(self.n_folds, rng, problem.n_obs, groups=kind) for kind in kinds]
            blocks = parts[0] * self.n_folds + parts[1]
            codes: IntArray = np.unique(blocks, return_inverse=True)[1].reshape(-1)
            return codes
        return assign_folds(
            self.n_folds, rng, problem.n_obs, strata=self._strata(problem), groups=problem.groups
        )

    def _median_scores(
        self, values: FloatArray, scores: list[FloatArray], problem: Problem
    ) -> FloatArray:
        """Mean influence over the repeats, scaled to the median squared error about the median."""
        if len(values) == 1:
            return scores[0]

        def squared_error(phi: FloatArray) -> float:
            return self.spread(self.influence(problem, phi), problem)[0] ** 2

        squares = [squared_error(phi) for phi in scores]
        target = float(np.median(np.array(squares) + (values - np.median(values)) ** 2))
        mean: FloatArray = np.mean(scores, axis=0)
        size = squared_error(mean)
        if size > 0:  # an outcome without noise has an effect without error
            mean *= np.sqrt(target / size)
        return mean
