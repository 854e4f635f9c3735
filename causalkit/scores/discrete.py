"""Scores of categories: how often each level occurs in each configuration of the parents.

With N(j, k) rows in which the parents are in configuration j and the node at level k, N(j) in
configuration j, r levels and q configurations, the two scores are::

    BIC    Σ N(j, k) log(N(j, k) / N(j))  -  penalty * log(n) / 2 * (r - 1) q

    BDeu   Σ log Γ(a / q) / Γ(a / q + N(j))  +  Σ log Γ(a / rq + N(j, k)) / Γ(a / rq)

The second is a marginal likelihood: the probabilities of the levels are integrated out over a prior
that is worth `a` rows, spread evenly over all cells of the table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import isqrt, log
from typing import Any, Final

import numpy as np

from causalkit._core.checks import check_positive, check_varies
from causalkit._core.columns import codes_of
from causalkit._core.table import Table
from causalkit.scores._states import CELLS_PER_ROW, Counted, CountedState, Rule, State
from causalkit.scores.base import LocalScore, Score, check_no_holes, lent
from causalkit.typing import FloatArray

__all__ = ["BDeu", "DiscreteBIC"]

_FEW: Final = 4
_MOST: Final = 2**21
"""Sets of which the fit is kept: for one question, and for a search."""


@dataclass(frozen=True, slots=True)
class BDeu(Score):
    """Bayesian Dirichlet score, equivalent and uniform: the marginal likelihood of categories.

    Parameters
    ----------
    equivalent_sample_size : float, default 1
        How many rows the prior is worth. Larger gives more edges, because a prior that takes all
        configurations for equally likely finds chance differences between them worth a parameter.

    Notes
    -----
    **Assumes:**

    - rows are independent draws from one distribution;
    - the levels are all there is: a discretised column is scored as the bins that it was cut into;
    - before the data, any probabilities of the levels were about as likely (Dirichlet, the same in
      all configurations), and those of different configurations said nothing of each other;
    - no cell is missing.

    Columns are categories, booleans, or numbers with few values: at most 50 whole numbers or 10
    others. Levels that do not occur do not count. Markov-equivalent graphs have equal scores. All
    graphs are taken for equally likely beforehand.

    Examples
    --------
    >>> import numpy as np
    >>> rain = np.repeat([True, False], 40)
    >>> wet = np.repeat([True, False, True, False], [36, 4, 8, 32])
    >>> data = {"rain": rain, "wet": wet}
    >>> BDeu().local(data, "wet", ["rain"]) - BDeu().local(data, "wet") > 10
    True

    References
    ----------
    Heckerman, Geiger and Chickering (1995), "Learning Bayesian networks: the combination of
    knowledge and statistical data", doi:10.1007/BF00994016. Silander, Kontkanen and Myllymäki
    (2007), "On sensitivity of the MAP Bayesian network structure to the equivalent sample size
    parameter", UAI: 360-367.
    """

    equivalent_sample_size: float = 1.0

    def bind(self, table: Table) -> LocalCounts:
        """Check the table and number the levels.

        Raises
        ------
        InputError
            If cells are missing, or columns are constant or continuous.
        """
        size = check_positive(self.equivalent_sample_size, "equivalent_sample_size")
        return _bound(table, bayesian=True, strength=size, who="BDeu")


@dataclass(frozen=True, slots=True)
class DiscreteBIC(Score):
    """Bayesian information criterion of the frequencies of categories.

    Parameters
    ----------
    penalty : float, default 1
        Weight of the penalty: a parameter costs `penalty * log(n) / 2` units of log-likelihood, so
        1 is the BIC itself. Larger gives fewer edges.

    Notes
    -----
    **Assumes:**

    - rows are independent draws from one distribution;
    - the levels are all there is: a discretised column is scored as the bins that it was cut into;
    - no cell is missing.

    Parameters are those of all configurations of the parents, whether they occur or not, which
    keeps sets of many parents out. Columns are those of :class:`BDeu`. Markov-equivalent graphs
    have equal scores.

    Examples
    --------
    >>> import numpy as np
    >>> rain = np.repeat([True, False], 40)
    >>> wet = np.repeat([True, False, True, False], [36, 4, 8, 32])
    >>> data = {"rain": rain, "wet": wet}
    >>> gain = DiscreteBIC().local(data, "wet", ["rain"]) - DiscreteBIC().local(data, "wet")
    >>> round(gain, 2)  # half of G² less log(80) / 2
    19.84

    References
    ----------
    Schwarz (1978), "Estimating the dimension of a model", doi:10.1214/aos/1176344136. Koller and
    Friedman (2009), "Probabilistic Graphical Models", section 18.3.
    """

    penalty: float = 1.0

    def bind(self, table: Table) -> LocalCounts:
        """Check the table and number the levels.

        Raises
        ------
        InputError
            If cells are missing, or columns are constant or continuous.
        """
        price = check_positive(self.penalty, "penalty") * 0.5 * log(table.n_rows)
        return _bound(table, bayesian=False, strength=price, who="DiscreteBIC")


@dataclass(frozen=True, slots=True, eq=False)
class LocalCounts(LocalScore):
    """A table of categories that is ready to be counted, and what the score is."""

    data: Counted
    rule: Rule

    @property
    def n_columns(self) -> int:
        """Number of columns."""
        return len(self.data.levels)

    def __call__(self, node: int, parents: Sequence[int]) -> float:
        """Score a column given others, in compiled code."""
        from causalkit.scores._discrete_kernels import local_score

        given = np.array(parents, dtype=np.intp)
        return float(local_score(self._counted(_FEW), node, given, len(given)))

    def gains(self, node: int, parents: Sequence[int], candidates: Sequence[int]) -> FloatArray:
        """Change of the score as each of the candidates joins, in compiled code."""
        from causalkit.scores._discrete_kernels import gains_of_each

        out = np.empty(len(candidates))
        given, new = (np.array(some, dtype=np.intp) for some in (parents, candidates))
        gains_of_each(self._counted(_FEW), node, given, new, out)
        return out

    @contextmanager
    def state(self, idle: list[Any] | None = None) -> Iterator[State]:
        """Give the counts, with room for the fits of many sets; those in `idle` know some."""
        with lent(idle, lambda: self._counted(_MOST)) as counted:
            yield counted

    def _counted(self, n_kept: int) -> CountedState:
        p, n = self.data.codes.shape
        bits = np.random.SeedSequence(0).generate_state(2 * p + 2, np.uint64)
        kept = np.zeros((n_kept, 4), dtype=np.uint64)
        return CountedState(
            self.data,
            self.rule,
            np.asarray(bits, dtype=np.uint64).reshape(-1, 2),
            kept,
            kept.view(np.float64),
            np.empty((3, n), dtype=np.int32),
            np.empty((3, CELLS_PER_ROW * n), dtype=np.int32),
            np.zeros(2 * isqrt(n) + 1, dtype=np.int32),
            np.empty(p + 1, dtype=np.intp),
        )


def _bound(table: Table, *, bayesian: bool, strength: float, who: str) -> LocalCounts:
    check_no_holes(table, who=who)
    check_varies(table, table.names, who=who)
    codes, levels = codes_of(table, who=who, kind="score")
    return LocalCounts(Counted(codes, levels), Rule(bayesian, float(strength)))
