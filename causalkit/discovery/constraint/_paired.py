"""Is k a collider in a - k - b? Compare the set that separated a and b with and without k.

If k is a collider, taking it into the set joins a and b; if it is none, taking it out does. So of
two sets that differ in k alone one separates and the other does not, and with enough rows their
p-values p and p' are far apart. With few rows the search may have stopped at the wrong one: the set
without k passes the level by a hair because the links are weak, while with k it would have passed
by far. The larger p-value decides, and how far the two are apart says how clear the answer is::

    (log p - log p') / (1 + s)        s: size of the set that was found

For Gaussian and count statistics the logarithm of a small p-value is close to minus half the
statistic, so the numerator is a likelihood ratio of the two readings. The larger the set, the more
sets were tried before it, and the less it means that one of them passed.

A large p-value alone says much less: under independence 0.1 is as likely as 0.9, and k may hardly
matter to either. On random Gaussian graphs of 50 to 200 nodes with 1000 rows, graphs were nearer to
the truth by a tenth (degree 2) to three tenths (degree 4) in SHD than by the first set and its
p-value; ``python -m benchmarks orientation`` measures it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from causalkit._core.parallel import run
from causalkit.discovery.constraint._evidence import Evidence
from causalkit.discovery.constraint._orientation import AMBIGUOUS, COLLIDER, NOT_COLLIDER
from causalkit.discovery.constraint._skeleton import Clock, Skeleton
from causalkit.independence import BoundTest, CIResult
from causalkit.typing import FloatArray, IntArray

__all__ = ["Turned", "compare_pairs"]

_LEAST_P = 1e-300  # p-values below this are not told apart
_N_CHUNKS = 64  # jobs; a constant, so that n_jobs cannot matter

Judged: TypeAlias = tuple[IntArray, NDArray[np.int8], FloatArray, IntArray, FloatArray]
"""Triples; verdicts, the p-value behind each, the set that differs from that one in k alone (padded
with -1), and room for how clear each verdict is."""

TestAnswers: TypeAlias = tuple[FloatArray, FloatArray, IntArray]


@dataclass(frozen=True, slots=True)
class Turned:
    """Triples about which the other set decided, and what the test said given that set.

    Attributes
    ----------
    triples : ndarray of int, shape (m, 3)
    sets : ndarray of int, shape (m, widest)
        Padded with -1.
    answers : ndarrays of shape (m,)
        Statistics, p-values, rows used.
    """

    triples: IntArray
    sets: IntArray
    answers: TestAnswers

    def evidence(self, triple: tuple[int, int, int]) -> Evidence | None:
        """What decided about one triple."""
        for row in np.flatnonzero((self.triples == triple).all(axis=1)).tolist():
            statistic, p_value, n_used = (answer[row].item() for answer in self.answers)
            given = self.sets[row]
            return Evidence(tuple(given[given >= 0].tolist()), CIResult(statistic, p_value, n_used))
        return None


def compare_pairs(
    bound: BoundTest,
    found: Skeleton,
    judged: Judged,
    *,
    max_order: int | None,
    n_jobs: int | None,
    clock: Clock,
) -> Turned:
    """Ask each triple once more, and turn verdicts where the other set separates better.

    A verdict stays as it is and counts as the least clear if the other set is larger than
    `max_order` or the time is up.

    Parameters
    ----------
    bound : BoundTest
    found : Skeleton
        Its counts are raised.
    judged : arrays
        Verdicts and p-values are changed, and how clear they are is written.
    max_order, n_jobs : int, optional
    clock : Clock
    """
    triples, verdict, p_value, others, clarity = judged
    size = (others >= 0).sum(axis=1)
    may_ask = verdict != AMBIGUOUS
    if max_order is not None:
        may_ask &= size <= max_order
    rows = np.flatnonzero(may_ask)
    asked = triples[rows]
    answers = _ask(bound, asked[:, ::2].copy(), others[rows], n_jobs, clock)
    other = answers[1]
    rows = rows[: len(other)]
    n_untestable = int(np.isnan(other).sum())
    found.n_untestable += n_untestable
    found.n_tests += len(rows) - n_untestable
    other = np.nan_to_num(other)  # what cannot be tested cannot separate, here as in the search
    before, drawn = p_value[rows], verdict[rows] == COLLIDER
    logs = np.log(np.maximum((before, other), _LEAST_P))
    clarity[rows] = np.abs(logs[0] - logs[1]) / (size[rows] + np.where(drawn, 0, 2))
    turns = other > before
    turned = rows[turns]
    verdict[turned] = np.where(drawn[turns], NOT_COLLIDER, COLLIDER)
    p_value[turned] = other[turns]
    said = answers[0][turns], other[turns], answers[2][turns]
    return Turned(triples[turned], others[turned], said)


def _ask(
    bound: BoundTest, pairs: IntArray, sets: IntArray, n_jobs: int | None, clock: Clock
) -> TestAnswers:
    """Answers to all questions, or to the first ones if the time is up before."""
    if bound.releases_gil or not len(pairs):  # too quick to be worth a job
        return bound.given_own(pairs, sets)
    size = -(-len(pairs) // _N_CHUNKS)
    chunks = [(bound, pairs[s : s + size], sets[s : s + size]) for s in range(0, len(pairs), size)]
    parts = run(
        _given_own,
        chunks,
        n_jobs=n_jobs,
        label="colliders",
        threads=bound.remembers,
        steady=True,
        until=clock.is_up,
    )
    if not parts:
        return np.empty(0), np.empty(0), np.empty(0, dtype=np.intp)
    statistic, p_value, n_used = (np.concatenate(part) for part in zip(*parts, strict=True))
    return statistic, p_value, n_used


def _given_own(bound: BoundTest, pairs: IntArray, sets: IntArray) -> TestAnswers:
    return bound.given_own(pairs, sets)
