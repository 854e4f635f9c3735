"""`SeveralEffects`: many questions about one table, answered from the same nuisances.

The mean outcome at each of five levels, or the effect on nine quantiles, need the same propensities
and nearly the same regressions. A *member* is the estimator with one question asked; the members'
nuisances are cross-fitted together, once, on the same folds, and each member makes its own moment
of the predictions. So every effect is what its member would give alone with the same folds, keeps
that member for refutation, and their influences are of the same rows: bands and contrasts follow.
"""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from causalkit._core.checks import check_count
from causalkit._core.random import as_generator
from causalkit.errors import InputError
from causalkit.estimation.base import Solution
from causalkit.estimation.effect import Effect
from causalkit.estimation.effect_set import EffectSet
from causalkit.estimation.inference import Bootstrap
from causalkit.estimation.nuisances.crossfitting import crossfit
from causalkit.estimation.orthogonal.base import OrthogonalEstimator
from causalkit.estimation.problem import Problem
from causalkit.typing import FloatArray

__all__ = ["SeveralEffects"]


class SeveralEffects(OrthogonalEstimator):
    """Base of orthogonal estimators that answer several questions at once.

    An estimator writes `_members(problem)`, and `_nuisances` and `_moment` (or `_part`) for one
    question.
    """

    reading: ClassVar[str] = "contrasts"
    """How the set is read, as in :class:`~causalkit.estimation.EffectSet`."""

    @abstractmethod
    def _members(self, problem: Problem) -> Sequence[tuple[str, SeveralEffects]]:
        """Labels, and this estimator with one question each."""

    def _names(self, problem: Problem) -> set[str]:
        return {
            name
            for _, member in self._members(problem)
            for nuisance in member._nuisances(problem)
            for name in nuisance.names
        }

    def answer(self, problem: Problem) -> Effect | EffectSet:
        """Return one effect if one is asked for, else a set."""
        self._check(problem)
        members = self._members(problem)
        if len(members) == 1:
            return self.solve(problem)
        if isinstance(self._inference(), Bootstrap):
            effects = tuple(member.solve(problem) for _, member in members)
        else:
            rng = as_generator(getattr(self, "random_state", None))
            estimators = [member for _, member in members]
            with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
                solutions = _solve_together(estimators, problem, rng)
            said = {str(alert): alert for part in solutions for alert in part.alerts}
            for alert in said.values():
                warnings.warn(alert, stacklevel=3)
            effects = tuple(
                member.effect_of(problem, solution)
                for member, solution in zip(estimators, solutions, strict=True)
            )
        return EffectSet(effects, tuple(label for label, _ in members), reading=self.reading)

    def _solve(self, problem: Problem, rng: np.random.Generator) -> Solution:
        members = self._members(problem)
        if len(members) > 1:
            raise InputError(
                f"{type(self).__name__} asks {len(members)} questions here; expected one. Take one "
                "of the effects of the set that fit gives, or set the estimator to one question."
            )
        return _solve_together([self], problem, rng)[0]


def _solve_together(
    members: Sequence[SeveralEffects], problem: Problem, rng: np.random.Generator
) -> list[Solution]:
    """Cross-fit the nuisances of all members once a repeat; one solution a member."""
    first = members[0]
    check_count(first.n_folds, "n_folds", minimum=2)
    check_count(first.n_repeats, "n_repeats")
    own = [member._nuisances(problem) for member in members]
    nuisances = {nuisance.name: nuisance for wanted in own for nuisance in wanted}
    prepared: dict[Any, Any] = {}
    repeats: list[list[tuple[float, FloatArray, dict[str, Any]]]] = [[] for _ in members]
    for stream in rng.spawn(first.n_repeats):
        folds = first._folds(problem, stream)
        predictions = crossfit(
            problem,
            list(nuisances.values()),
            folds,
            stream,
            n_jobs=first.n_jobs,
            prepared=prepared,
        )
        for member, found, wanted in zip(members, repeats, own, strict=True):
            value, scores, details = member._part(problem, predictions, folds, stream)
            kept = {name: predictions[name] for nuisance in wanted for name in nuisance.names}
            facts = {
                **details,
                "folds": folds,
                "predictions": kept,
                "chosen": dict(prepared.get("chosen", {})),
            }
            found.append((value, scores, facts))
    return [
        member._aggregate(problem, wanted, found)
        for member, wanted, found in zip(members, own, repeats, strict=True)
    ]
