"""`KernelBalancing`: balance every smooth function of the adjustment columns, not only the means.

Smooth functions live in the space of a Gaussian kernel. For any f in it, weighting leaves a bias
of at most ‖f‖ · D, with D the distance between the mean features of the weighted arm and of its
target (a maximum mean discrepancy). Exact balance of all of it is not to be had; the weights here
trade D for evenness at the exchange rate that the data suggest:

1. the outcome within the arm is fitted in the kernel's space by ridge regression, the penalty λ
   chosen by leaving out one row at a time; λ is noise over the size of f;
2. the weights minimise the loss of entropy balancing with penalty λ/n on the same features;
3. what the weights do not balance is corrected by the fitted outcome: the estimate is
   mean(f̂) + mean of w (y − f̂), whose bias is the product of two small errors.

References
----------
Wong & Chan (2018), "Kernel-based covariate functional balancing for observational studies",
Biometrika 105, 199-213. doi:10.1093/biomet/asx069
Hirshberg & Wager (2021), "Augmented minimax linear estimation", Annals of Statistics 49, 3206-3227.
doi:10.1214/21-AOS2080
Hazlett (2020), "Kernel balancing: a flexible non-parametric weighting procedure for estimating
causal effects", Statistica Sinica 30, 1155-1189. doi:10.5705/ss.202017.0555
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from causalkit._core.kernel_matrices import Block, centred, factor
from causalkit.errors import InputError, NumericalError
from causalkit.estimation._glm import standardised
from causalkit.estimation.base import EffectEstimator, Solution
from causalkit.estimation.contrasts import Arms
from causalkit.estimation.inference import Asymptotic, Bootstrap
from causalkit.estimation.problem import Problem
from causalkit.estimation.weighting.balancing import balanced_solution
from causalkit.estimation.weighting.calibration import entropy_loss, exponential, minimise
from causalkit.typing import FloatArray

__all__ = ["KernelBalancing"]

_MAX_RANK = 150
_TOLERANCE = 1e-6
_PENALTIES = np.geomspace(1e-4, 1e3, 29)


class KernelBalancing(EffectEstimator):
    """Weights that balance smooth functions of the columns, with a regression for what is left.

    Parameters
    ----------
    target : {"ATE", "ATT"}
        Average over everyone, or over the treated.
    contrast : (control, treated) or "each", optional
    width : float, optional
        Of the kernel ``exp(−|x − x'|² / (2 width²))``, in standard deviations of the columns; the
        root of their number if left out.
    inference : Asymptotic or Bootstrap, optional

    Notes
    -----
    **Assumes:**

    - no hidden common cause of treatment and outcome beyond the adjustment columns;
    - the mean outcome of each arm is a smooth function of the columns, or the log odds of treatment
      are;
    - every row could have had either treatment.

    With 600 rows and two columns, 95 % intervals covered 96 % of the time under smooth bounded
    confounding, and 89 to 92 % where it is a product of normal columns, whose tails no rows can
    balance. Time grows with the rows times the square of 150.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> Z = rng.normal(size=(600, 2))
    >>> t = rng.random(600) < 1 / (1 + np.exp(-Z[:, 0] * Z[:, 1]))
    >>> y = t + 2 * Z[:, 0] * Z[:, 1] + rng.normal(size=600)
    >>> effect = KernelBalancing().fit(Z, y, t=t).effect_
    >>> bool(1 in effect.interval(0.99))
    True
    """

    treatments: ClassVar[tuple[str, ...]] = ("binary", "categorical")
    instead: ClassVar[str] = "OLS(), GComputation() or PLR(), which take a continuous treatment"

    def __init__(
        self,
        *,
        target: str = "ATE",
        contrast: tuple[object, object] | str | None = None,
        width: float | None = None,
        inference: Asymptotic | Bootstrap | None = None,
    ) -> None:
        self.target = target
        self.contrast = contrast
        self.width = width
        self.inference = inference

    def _method(self) -> str:
        return f"kernel balancing, {self.target}"

    def _check(self, problem: Problem) -> None:
        super()._check(problem)
        if self.width is not None and not self.width > 0:
            raise InputError(f"width={self.width!r}; expected a positive number, such as 1.0.")

    def _solve(self, problem: Problem, rng: np.random.Generator) -> Solution:  # noqa: ARG002
        arms, w = Arms.of(problem, self.contrast), problem.weights
        features = self._features(problem)
        wanted = arms.treated if self.target == "ATT" else np.ones(problem.n_obs)
        share = float(np.average(wanted, weights=w))
        means, scores, distances = [], [], []
        weights = np.zeros(problem.n_obs)
        for k, arm in enumerate((arms.control, arms.treated)):
            if self.target == "ATT" and k == 1:
                weight, fitted, left = arm, np.zeros(problem.n_obs), problem.y
            else:
                fitted, left, penalty = _ridge(features, problem.y, w * arm)
                weight = self._balanced(problem, arms, k, features, wanted, penalty)
            means.append(
                float(np.average(wanted * fitted + weight * (problem.y - fitted), weights=w))
                / share
            )
            # Residuals of left-out rows: those of fitted ones are too small.
            scores.append((wanted * (fitted - means[k]) + weight * left) / share)
            weights += weight
            distances.append(_distance(features, w * weight, w * wanted))
        solution = balanced_solution(
            problem, arms, weights, means[1] - means[0], _centred(scores, w)
        )
        before = _distance(features, w * arms.control, w * arms.treated)
        facts = {"discrepancy": (before, max(distances)), "components": features.shape[1]}
        return Solution(solution.value, solution.scores, details={**solution.details, **facts})

    def _balanced(
        self,
        problem: Problem,
        arms: Arms,
        k: int,
        features: FloatArray,
        wanted: FloatArray,
        penalty: float,
    ) -> FloatArray:
        """Weights of the rows of one arm, zero in the others."""
        arm = (arms.control, arms.treated)[k]
        basis = np.hstack([np.ones((problem.n_obs, 1)), features])
        prices = np.r_[0.0, np.full(features.shape[1], penalty / problem.n_obs)]
        share = problem.weights / problem.weights.sum()
        index, found = minimise(entropy_loss(arm, wanted), basis, share, prices)
        if not found:
            raise NumericalError(
                f"{arms.called(problem, k)} are so unlike those that they stand for that no "
                "weights balance them. Restrict the data to comparable rows, or adjust for fewer "
                "columns."
            )
        return arm * exponential(index)

    def _features(self, problem: Problem) -> FloatArray:
        """The columns and the kernel's features, centred, shape (n, k + rank)."""
        columns = standardised(problem.X, problem.weights)
        n, k = columns.shape
        if k == 0:
            return columns
        block = Block(np.ascontiguousarray(columns), np.zeros(n, dtype=np.intp), 1)
        width = np.sqrt(k) if self.width is None else self.width
        low_rank = factor(block, width, tolerance=_TOLERANCE, max_rank=min(_MAX_RANK, n))
        return np.hstack([columns, centred(low_rank)])


def _ridge(
    features: FloatArray, y: FloatArray, weights: FloatArray
) -> tuple[FloatArray, FloatArray, float]:
    """Ridge regression within an arm: values of all rows, residuals of left-out rows, penalty."""
    inside = weights > 0
    scale = weights[inside] / weights[inside].mean()
    centre = np.average(features[inside], axis=0, weights=scale)
    level = float(np.average(y[inside], weights=scale))
    root = np.sqrt(scale)[:, None]
    left, sizes, right = np.linalg.svd(root * (features[inside] - centre), full_matrices=False)
    aim = root[:, 0] * (y[inside] - level)
    inner = left.T @ aim
    best, penalty, residuals = np.inf, float(_PENALTIES[-1]), aim
    for tried in _PENALTIES:
        kept = sizes**2 / (sizes**2 + tried)
        leverage = np.minimum((left**2) @ kept + scale / scale.sum(), 1 - 1e-6)
        out = (aim - left @ (kept * inner)) / (1 - leverage)
        if out @ out < best:
            best, penalty, residuals = float(out @ out), float(tried), out
    slopes = right.T @ (sizes / (sizes**2 + penalty) * inner)
    fitted = level + (features - centre) @ slopes
    left_out = np.zeros_like(y)
    left_out[inside] = residuals / root[:, 0]
    return fitted, left_out, penalty


def _distance(features: FloatArray, some: FloatArray, others: FloatArray) -> float:
    """Distance between two weighted means of the features."""
    gap = np.average(features, axis=0, weights=some) - np.average(features, axis=0, weights=others)
    return float(np.linalg.norm(gap))


def _centred(scores: list[FloatArray], weights: FloatArray) -> FloatArray:
    """Influence of the difference, with mean zero."""
    difference = scores[1] - scores[0]
    return np.asarray(difference - np.average(difference, weights=weights), dtype=np.float64)
