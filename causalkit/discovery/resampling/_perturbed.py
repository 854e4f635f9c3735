"""The answers of tests drawn again, instead of rows: each question is put to the data once.

A search by tests sees the data through p-values only. On other rows of the same world the statistic
z of a test would have been another one, about z + N(0, 1). So a replicate need not have rows of its
own: it hears, to each question that it asks, the answer of all rows with noise added. A test that
gave p has |z| = Φ⁻¹(1 - p/2), and replicate r hears

    z_r = |z| + noise(r, question),    p_r = 2 (1 - Φ(|z_r|))

(Chang, Guo and Malinsky 2026). The noise is a fixed function of the replicate and of the question
{x, y} | S, so what is asked twice has one answer, whoever asks and in whatever order. All
replicates share the answers of all rows, so a hundred searches cost about as many tests as a few.

There the critical value is made smaller, too, the more so the more replicates there are, so that
one of them errs nowhere. Here it is that of the search: choose a larger `alpha` to shrink it.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from math import erfc, isfinite, sqrt
from threading import Lock
from typing import Any, ClassVar, Final, Self, TypeAlias

import numpy as np
from scipy.special import ndtri
from sklearn.base import clone

from causalkit._core.memory import ByteCache
from causalkit._core.table import Table
from causalkit.discovery._setup import as_test
from causalkit.discovery.base import DiscoveryAlgorithm
from causalkit.discovery.constraint.false_discovery import FalseDiscoveryControl
from causalkit.discovery.constraint.fci import FCI, RFCI
from causalkit.discovery.constraint.pc import PC
from causalkit.discovery.resampling._plans import Plan, TablePlan
from causalkit.errors import InputError, NumericalError
from causalkit.independence import BoundTest, CIResult, CITest
from causalkit.independence.search import Screen
from causalkit.typing import FloatArray, Name

__all__ = ["Questions", "by_tests", "decides_by_tests"]

_ROOT_TWO: Final = sqrt(2.0)
_NOISE_BYTES: Final = 2**26
_BY_TESTS: Final = (PC, FCI, RFCI)
"""Searches whose every decision is one of tests."""

Question: TypeAlias = tuple[int, int, tuple[int, ...]]
_Outcome: TypeAlias = CIResult | str  # or why there is no answer


class Questions:
    """Questions to a bound test, each put to the data once, and the answers that replicates hear.

    Threads may ask at the same time. A copy is the same object.

    Parameters
    ----------
    bound : BoundTest
    n_draws : int
        Number of replicates.
    seed : int
        Of the noise.
    """

    def __init__(self, bound: BoundTest, n_draws: int, seed: int) -> None:
        self.bound, self.n_draws, self.seed = bound, n_draws, seed
        self._outcomes: dict[Question, Future[_Outcome]] = {}
        self._noise = ByteCache(_NOISE_BYTES)
        self._lock = Lock()

    def answer(self, i: int, j: int, given: Sequence[int]) -> CIResult:
        """Answer of all rows."""
        return self._answer(_question(i, j, given))

    def drawn(self, i: int, j: int, given: Sequence[int], which: int) -> CIResult:
        """Answer that replicate `which` hears; `statistic` is |z|.

        An answer without an error has no noise: that of an oracle, which rests on no rows, and one
        of p = 0. Nor has one that is no number.
        """
        question = _question(i, j, given)
        found = self._answer(question)
        if found.n_used == 0 or not found.p_value > 0:
            return found
        z = -float(ndtri(min(found.p_value, 1.0) / 2)) + float(self._noise_of(question)[which])
        if not isfinite(z):
            return found
        return CIResult(abs(z), erfc(abs(z) / _ROOT_TWO), found.n_used)

    def __len__(self) -> int:
        return len(self._outcomes)

    def _answer(self, question: Question) -> CIResult:
        with self._lock:
            held = self._outcomes.get(question)
            is_new = held is None
            if held is None:
                held = self._outcomes[question] = Future()
        if is_new:
            i, j, given = question
            try:
                held.set_result(self.bound(i, j, given))
            except NumericalError as error:
                held.set_result(str(error))
            except BaseException as error:  # nobody may wait for it for ever
                held.set_exception(error)
                raise
        outcome = held.result()
        if isinstance(outcome, str):
            raise NumericalError(outcome)
        return outcome

    def _noise_of(self, question: Question) -> FloatArray:
        """Noise of all replicates."""
        found: FloatArray | None = self._noise.get(question)
        if found is None:
            i, j, given = question
            # With its size in front, no set is the beginning of another.
            rng = np.random.default_rng([self.seed, len(given), i, j, *given])
            found = self._noise.put(question, rng.standard_normal(self.n_draws))
        return found

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __getstate__(self) -> dict[str, Any]:
        held = list(self._outcomes.items())
        done = {asked: it.result() for asked, it in held if it.done() and it.exception() is None}
        return {"of": (self.bound, self.n_draws, self.seed), "done": done}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(*state["of"])  # type: ignore[misc]
        for question, outcome in state["done"].items():
            held = self._outcomes[question] = Future()
            held.set_result(outcome)


def _question(i: int, j: int, given: Sequence[int]) -> Question:
    """Nothing hangs on which of the two comes first, or on the order of the set."""
    return min(int(i), int(j)), max(int(i), int(j)), tuple(sorted(map(int, given)))


@dataclass(frozen=True, slots=True)
class _Recorded(BoundTest):
    """The answers of all rows, remembered."""

    remembers: ClassVar[bool] = True  # so that jobs share them

    questions: Questions

    def __call__(self, i: int, j: int, given: Sequence[int] = ()) -> CIResult:
        """Ask, or remember."""
        return self.questions.answer(i, j, given)

    def screen(self, alpha: float) -> Screen | None:
        """Ask about all pairs at once, as the test itself does."""
        return self.questions.bound.screen(alpha)


@dataclass(frozen=True, slots=True)
class _Drawn(BoundTest):
    """What one replicate hears."""

    remembers: ClassVar[bool] = True

    questions: Questions
    which: int

    def __call__(self, i: int, j: int, given: Sequence[int] = ()) -> CIResult:
        """Ask, or remember, and add the noise."""
        return self.questions.drawn(i, j, given, self.which)


@dataclass(frozen=True, slots=True)
class _Answered(CITest):
    """A test that is bound already: a search that binds it gets `bound`."""

    inner: CITest
    bound: BoundTest

    def bind(self, table: Table) -> BoundTest:  # noqa: ARG002
        """Return what was bound to the same table."""
        return self.bound

    def nodes(self, names: tuple[Name, ...]) -> tuple[Name, ...]:
        """Names of the variables of `inner`."""
        return self.inner.nodes(names)

    def columns(self, nodes: tuple[Name, ...]) -> tuple[Name, ...]:
        """Columns that `inner` needs."""
        return self.inner.columns(nodes)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


def by_tests(
    estimator: Any, plan: Plan, streams: Sequence[np.random.Generator], last: np.random.Generator
) -> tuple[DiscoveryAlgorithm, list[tuple[Any, ...]]]:
    """Fit to all rows, and say what each replicate is to learn from.

    Parameters
    ----------
    estimator : Bootstrap
        Its settings are checked.
    plan : Plan
    streams : sequence of Generator
        One a replicate.
    last : Generator
        For the fit on all rows, and for the noise.

    Returns
    -------
    algorithm : DiscoveryAlgorithm
        Fitted to all rows.
    jobs : list of (algorithm, data, nodes, stream)
        Arguments of `learn`.

    Raises
    ------
    InputError
        If the algorithm does not decide by tests, or rows would have to be drawn.
    """
    plan = _checked(estimator, plan)
    own = _searcher(plan.algorithm).test
    test = as_test(own)
    seed = int(last.spawn(1)[0].integers(2**63))
    questions = Questions(test.bind(plan.data), len(streams), seed)
    if questions.bound.releases_gil:  # compiled: asked level by level it is quicker
        fitted = plan.fit_on_all(last)
    else:
        known = _with_test(plan.algorithm, _Answered(test, _Recorded(questions)))
        fitted = replace(plan, algorithm=known).fit_on_all(last)
        _give_back(fitted, own)
    nodes = plan.names(fitted)
    jobs = []
    for which, stream in enumerate(streams):
        heard = _with_test(plan.algorithm, _Answered(test, _Drawn(questions, which)))
        jobs.append((heard, plan.data, nodes, stream))
    return fitted, jobs


def decides_by_tests(algorithm: Any) -> bool:
    """Whether all that an algorithm decides follows from tests of rows, as "tests" asks for."""
    return type(_searcher(algorithm)) in _BY_TESTS


def _checked(estimator: Any, plan: Plan) -> TablePlan:
    name = type(plan.algorithm).__name__
    if not isinstance(plan, TablePlan) or not decides_by_tests(plan.algorithm):
        raise InputError(
            f'resample="tests" draws the answers of tests again, and {name} does not decide by '
            "tests of rows alone; expected PC, FCI or RFCI, or one of these within "
            "FalseDiscoveryControl. Leave resample out, which draws rows or blocks of time."
        )
    for what in ("clusters", "strata", "block_length"):
        if getattr(estimator, what) is not None:
            raise InputError(
                f'{what} with resample="tests", which draws no rows; expected it left out. If rows '
                "depend on each other, let the test say so, as Clustered(FisherZ(), column) does."
            )
    if not isinstance(plan.data, Table):
        raise InputError(
            'the data are read by blocks and never held, and resample="tests" asks them again and '
            'again; expected resample="gaussian", which draws correlation matrices. Use it, or '
            "load the rows first."
        )
    return plan


def _searcher(algorithm: Any) -> Any:
    """Return the algorithm that asks the tests."""
    while isinstance(algorithm, FalseDiscoveryControl):
        algorithm = algorithm.algorithm
    return algorithm


def _with_test(algorithm: DiscoveryAlgorithm, test: CITest) -> DiscoveryAlgorithm:
    copy: DiscoveryAlgorithm = clone(algorithm)
    _searcher(copy).set_params(test=test)
    return copy


def _give_back(fitted: Any, test: CITest | None) -> None:
    """Let fitted algorithms have the test that they came with."""
    _searcher(fitted).set_params(test=test)
    if isinstance(fitted, FalseDiscoveryControl):
        _give_back(fitted.algorithm_, test)
