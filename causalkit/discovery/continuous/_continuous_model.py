"""What the linear algorithms share: moments in, weights out.

A subclass writes `_minimise(problem)`, which returns weights and whether its search converged. All
of it works on the covariance matrix, so the number of rows costs nothing.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from causalkit._core.checks import check_complete, check_rows, refuse_constant
from causalkit._core.moments import Moments, check_two_levels
from causalkit._core.parallel import one_thread
from causalkit._core.table import Table
from causalkit.discovery.continuous._continuous_algorithm import (
    ContinuousAlgorithm,
    check_range,
    warn_of_search,
)
from causalkit.discovery.continuous._l1_search import Minimum, Smooth, minimise
from causalkit.discovery.lingam._lingam_weights import check_not_determined
from causalkit.discovery.lingam.lingam_effects import EffectMatrix
from causalkit.errors import InputError
from causalkit.typing import BoolArray, FloatArray, Name

__all__ = ["LinearContinuous", "Problem", "read_correlations"]

_START = 1e-3
"""Size of the first weights, in standard deviations."""

_SHAKE = 0.01
"""By what share of itself, about, each weight is changed before a minimisation."""


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """What is to be minimised; arrays are by position in the order of the names.

    Attributes
    ----------
    covariance : ndarray of shape (p, p)
        Correlations, if data are standardised.
    free : ndarray of bool, shape (p, p) or (p, k)
        Weights that may differ from 0. With fewer columns, only the first k are effects.
    penalised : ndarray of shape (n_free,)
        1 where the l1 penalty counts; 0 for required edges.
    start : ndarray of shape (n_free,)
    shake : ndarray of shape (n_free,)
        Factors near 1.
    max_iter : int
    """

    covariance: FloatArray
    free: BoolArray
    penalised: FloatArray
    start: FloatArray
    shake: FloatArray
    max_iter: int

    def weights(self, x: FloatArray) -> FloatArray:
        """Free weights as a matrix."""
        matrix = np.zeros(self.free.shape)
        matrix[self.free] = x
        return matrix

    def residuals(self, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Variances of x - xW, and half their gradients with respect to W."""
        rest = np.eye(*weights.shape) - weights
        product = self.covariance @ rest
        return np.einsum("ij,ij->j", rest, product), -product

    def least_squares(self, weights: FloatArray) -> tuple[float, FloatArray]:
        """Half the sum of the variances of x - xW, and its gradient."""
        variances, gradient = self.residuals(weights)
        return 0.5 * float(variances.sum()), gradient

    def search(
        self, smooth: Smooth, start: FloatArray, penalty: float, tolerance: float = 1e-9
    ) -> Minimum:
        """Minimise a function of the free weights, plus the penalty on their size."""
        # The two directions of an edge may be tied, which is a saddle; a shake tips the balance.
        return minimise(
            smooth,
            start * self.shake,
            penalty * self.penalised,
            max_iter=self.max_iter,
            tolerance=tolerance,
        )


class LinearContinuous(ContinuousAlgorithm):
    """Base of the algorithms whose weights are coefficients."""

    coefficients_: EffectMatrix

    def _needs_rows(self) -> bool:
        return False

    def _fit(self, table: Table | Moments) -> None:
        who = type(self).__name__
        setting = self._set_up(table.names)
        names, free = setting.names, setting.free
        with one_thread():
            correlations, spread = read_correlations(
                table, names, self._least_rows(len(names)), who
            )
            scale = np.ones_like(spread) if self.standardize else check_range(spread, who)
            noise = setting.rng.standard_normal((2, *free.shape))
            problem = Problem(
                correlations * scale * scale[:, None],
                free,
                np.where(setting.required[free], 0.0, 1.0),
                (_START * noise[0] * scale / scale[:, None])[free],
                1.0 + _SHAKE * noise[1][free],
                setting.max_iter,
            )
            weights, self.converged_ = self._minimise(problem)
        edges = self._conclude(setting, weights, spread)
        coefficients = setting.shown(_least_squares(correlations, edges, spread))
        self.coefficients_ = EffectMatrix(self.graph_.nodes, coefficients)
        warn_of_search(self, who)

    def _least_rows(self, n_columns: int) -> int:
        del n_columns
        return 3

    @abstractmethod
    def _minimise(self, problem: Problem) -> tuple[FloatArray, bool]:
        """Return the weights, shape (p, p), and whether the search for them converged."""


def read_correlations(
    table: Table | Moments, names: tuple[Name, ...], least_rows: int, who: str
) -> tuple[FloatArray, FloatArray]:
    """Correlations, and standard deviations; checked."""
    if table.n_columns < 2:
        raise InputError(
            f"the data have {table.n_columns} column(s); {who} needs at least 2. Bring more "
            "variables."
        )
    if isinstance(table, Table):
        for name, levels in zip(table.names, table.levels, strict=True):
            check_two_levels(name, levels or ())
        check_complete(table, who=who)
        table = Moments.of(table.values, names=table.names, levels=table.levels)
    check_rows(table, least_rows, who=who)
    refuse_constant(table.constant, who=who)
    moments = table.select(names)
    correlations = moments.correlations()
    if moments.n_rows > len(names):
        check_not_determined(correlations, names, who)
    spread = np.sqrt(np.diagonal(moments.gram) / moments.weight)
    return correlations, np.ldexp(spread, moments.exponents)


def _least_squares(correlations: FloatArray, edges: BoolArray, spread: FloatArray) -> FloatArray:
    """Regressions of each variable on its parents, in the units of the data."""
    found = np.zeros_like(correlations)
    for j in range(len(edges)):
        causes = np.flatnonzero(edges[:, j])
        among = correlations[np.ix_(causes, causes)]
        found[causes, j] = np.linalg.lstsq(among, correlations[causes, j], rcond=None)[0]
    return found * (spread / spread[:, None])
