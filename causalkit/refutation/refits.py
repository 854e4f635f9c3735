"""Estimating again under changed data: the loop that most checks share.

Every refit runs the whole estimator, propensities and outcome models included, on the changed
arrays, with a stream of its own that was spawned before dispatch: `n_jobs` never changes a number.
Nothing of the original fit is reused, since a stale nuisance would test nothing.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from sklearn.base import clone

from causalkit._core.parallel import run
from causalkit._core.random import draw_seed
from causalkit.errors import CausalkitError, CausalkitWarning
from causalkit.estimation.base import EffectEstimator
from causalkit.estimation.effect import Effect
from causalkit.estimation.inference import Bootstrap
from causalkit.estimation.nuisances.quality import unassessed
from causalkit.estimation.problem import Problem
from causalkit.refutation.base import (
    Challenge,
    Verdict,
    beyond_reach,
    not_informative,
    not_zero,
)
from causalkit.refutation.linear_refits import LinearRefits, prepare_linear
from causalkit.typing import FloatArray, IntArray

__all__ = ["Change", "RefitCheck", "Refits", "again", "paths_of", "refit", "shuffled_rows"]

Change = Callable[[Problem, np.random.Generator], Problem]

MAX_FAILURES = 0.25
"""Share of refits that may fail before a check gives up."""


def paths_of(problem: Problem) -> IntArray | None:
    """Rows of a panel, shape (n_units, n_times), each unit in order of time; None if no such table.

    What follows a unit through time (a treatment that begins and stays) is not to be torn apart.
    """
    if "unit" not in problem.others:
        return None
    units = problem.others["unit"].codes
    times = problem.others["time"].codes if "time" in problem.others else np.zeros_like(units)
    counts = np.bincount(units)
    counts = counts[counts > 0]
    if counts.min() != counts.max():
        return None
    return np.lexsort((times, units)).reshape(len(counts), -1)


def shuffled_rows(problem: Problem, rng: np.random.Generator) -> IntArray:
    """Rows in random order: steps of series keep theirs and start elsewhere, units stay whole."""
    paths = paths_of(problem)
    if paths is not None:
        rows = np.empty(problem.n_obs, dtype=np.intp)
        rows[paths.ravel()] = paths[rng.permutation(len(paths))].ravel()
        return rows
    if problem.steps is not None and problem.groups is None:
        return problem.steps.turned(rng)
    return rng.permutation(problem.n_obs)


@dataclass(frozen=True, slots=True, eq=False)
class Refits:
    """Estimates under challenge.

    Attributes
    ----------
    values, std_errors : ndarray of shape (n_succeeded,)
    n_failed : int
    reason : str
        First error, if any refit failed.
    """

    values: FloatArray
    std_errors: FloatArray
    n_failed: int
    reason: str

    @property
    def trouble(self) -> str:
        """Why the refits cannot be used; empty if they can."""
        total = len(self.values) + self.n_failed
        if self.n_failed <= MAX_FAILURES * total and len(self.values) > 1:
            return ""
        return (
            f"{self.n_failed} of {total} refits failed, so nothing can be said. The first: "
            f"{self.reason}"
        )


class RefitCheck(ABC):
    """A check that estimates again on changed data; a new one writes `_change` and `_judge`."""

    __slots__ = ()

    portion: ClassVar[float] = 1.0
    """How many of the simulations given to `refute` the check takes, unless it has a number."""

    reads_columns: ClassVar[bool] = True
    """Whether its change reads or changes values of the adjustment columns, or adds any but noise.
    If not, linear models are estimated again without starting again."""

    expects_zero: ClassVar[bool] = False
    """Whether the effect is zero on the changed data; the mean outcome under a treatment is not."""

    n_simulations: int | None

    @property
    @abstractmethod
    def name(self) -> str:
        """The check, in words."""

    @property
    @abstractmethod
    def question(self) -> str:
        """What it asks."""

    @abstractmethod
    def _change(self, problem: Problem, rng: np.random.Generator) -> Change | str:
        """What is changed; or, in words, why the check does not apply."""

    @abstractmethod
    def _judge(self, effect: Effect, refits: Refits) -> Challenge:
        """What came of it."""

    def _found(
        self,
        refits: Refits,
        words: tuple[Verdict, str],
        *,
        null: str,
        p_value: float,
        power: float,
        details: dict[str, object],
    ) -> Challenge:
        """What a test of all refits says: their mean and spread, and the verdict in words."""
        return Challenge(
            self.name,
            self.question,
            *words,
            null=null,
            estimate=float(refits.values.mean()),
            std_error=float(refits.values.std(ddof=1)),
            p_value=p_value,
            power=power,
            draws=refits.values,
            details={**details, "failed_refits": refits.n_failed},
        )

    def challenge(
        self,
        effect: Effect,
        *,
        n_simulations: int,
        rng: np.random.Generator,
        n_jobs: int | None = None,
    ) -> Challenge:
        """Put the question to `effect`."""
        reason = beyond_reach(effect)
        if reason or effect.problem is None:
            return not_informative(self, reason)
        if self.expects_zero and (reason := not_zero(effect)):
            return not_informative(self, reason)
        if effect.problem.supplied:
            return not_informative(
                self,
                "Its nuisances were supplied from elsewhere and cannot be learnt again on changed "
                "data: challenge an effect whose estimator has learners.",
            )
        change = self._change(effect.problem, rng)
        if isinstance(change, str):
            return not_informative(self, change)
        refits = again(
            effect,
            change,
            n_simulations=self.n_simulations or max(2, int(n_simulations * self.portion)),
            rng=rng,
            n_jobs=n_jobs,
            label=self.name,
            reads_columns=self.reads_columns,
        )
        if refits.trouble:
            return not_informative(self, refits.trouble)
        return self._judge(effect, refits)


def again(
    effect: Effect,
    change: Change,
    *,
    n_simulations: int,
    rng: np.random.Generator,
    n_jobs: int | None,
    label: str,
    reads_columns: bool = True,
) -> Refits:
    """Estimate again on `n_simulations` changed copies of the effect's arrays.

    Parameters
    ----------
    effect : Effect
        With problem and estimator.
    change : callable (problem, rng) -> problem
        A module-level function or a partial of one, so that processes can run it.
    n_simulations : int
    rng : Generator
    n_jobs : int or None
    label : str
        Of the progress bar.
    reads_columns : bool
        Whether the change reads or changes values of the adjustment columns.
    """
    streams = rng.spawn(n_simulations)
    quick: list[tuple[float, float] | None] = [None] * n_simulations
    linear = None if reads_columns else prepare_linear(effect)
    if linear is not None:
        quick = [_quick(linear, change, stream) for stream in streams]
    jobs = [
        (effect.estimator, effect.problem, change, stream)
        for stream, found in zip(streams, quick, strict=True)
        if found is None
    ]
    refitted = iter(run(_changed, jobs, n_jobs=n_jobs, label=label) if jobs else [])
    results = [next(refitted) if found is None else found for found in quick]
    good = [r for r in results if not isinstance(r, str)]
    reasons = [r for r in results if isinstance(r, str)]
    values, std_errors = np.array(good, dtype=np.float64).reshape(-1, 2).T
    return Refits(values, std_errors, len(reasons), reasons[0] if reasons else "")


def refit(
    estimator: Any, problem: Problem, rng: np.random.Generator | None, *, keep_seed: bool = False
) -> Effect:
    """Estimate with a fresh seed; a bootstrap gives way to the influence function.

    `keep_seed` leaves an estimator's own integer seed as it is, so that folds are the same.

    A bootstrap within each simulation would multiply the cost by its resamples, and checks that
    compare with the original estimate use its own standard error anyway.
    """
    fresh: EffectEstimator = clone(estimator)
    parameters = fresh.get_params(deep=False)
    seeded = isinstance(parameters.get("random_state"), int)
    if "random_state" in parameters and not (keep_seed and seeded) and rng is not None:
        fresh.set_params(random_state=draw_seed(rng))
    if isinstance(parameters.get("inference"), Bootstrap):
        fresh.set_params(inference=None)
    with warnings.catch_warnings(), unassessed():
        # What there is to warn about was said when the estimate was made.
        warnings.simplefilter("ignore", CausalkitWarning)
        return fresh.solve(problem)


def _quick(
    linear: LinearRefits, change: Change, rng: np.random.Generator
) -> tuple[float, float] | None:
    """Value and standard error; None, with the stream as it was, where it has to be refitted."""
    before = rng.bit_generator.state
    found = linear.solve(change(linear.light, rng))
    if found is None:
        rng.bit_generator.state = before
    return found


def _changed(
    estimator: Any, problem: Problem, change: Change, rng: np.random.Generator
) -> tuple[float, float] | str:
    """Value and standard error, or the error in words."""
    try:
        effect = refit(estimator, change(problem, rng), rng)
    except (CausalkitError, ValueError, np.linalg.LinAlgError) as error:
        return str(error) or type(error).__name__
    return effect.value, effect.std_error
