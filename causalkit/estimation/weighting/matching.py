"""`Matching`: compare each row with its nearest neighbours in the other arm.

The missing potential outcome of a row is taken from the M nearest rows of the other arm, with
replacement and with ties. In more than one column neighbours are not near enough: the bias that is
left goes down no faster than n^(-1/k), so a regression of the outcome on the columns, fitted to the
matched rows, moves each neighbour's outcome to where the row is (Abadie & Imbens 2011).

The standard error is that of Abadie & Imbens (2006): how often a row is used as a neighbour, times
the outcome's variance near it, which is estimated from its nearest rows of the same arm. The
bootstrap is not valid for matching (Abadie & Imbens 2008), and is refused.

References
----------
Abadie & Imbens (2006), "Large sample properties of matching estimators for average treatment
effects", Econometrica 74, 235-267. doi:10.1111/j.1468-0262.2006.00655.x
Abadie & Imbens (2008), "On the failure of the bootstrap for matching estimators", Econometrica 76,
1537-1557. doi:10.3982/ECTA6474
Abadie & Imbens (2011), "Bias-corrected matching estimators for average treatment effects", J.
Business & Economic Statistics 29, 1-11. doi:10.1198/jbes.2009.07333
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from causalkit._core.checks import check_choice, check_count, check_positive
from causalkit.errors import InputError
from causalkit.estimation._glm import FAMILIES, fit_glm, standardised
from causalkit.estimation.base import EffectEstimator, Solution
from causalkit.estimation.contrasts import Arms, contrast_in_words
from causalkit.estimation.features import expanded
from causalkit.estimation.inference import Asymptotic, Bootstrap
from causalkit.estimation.problem import Problem
from causalkit.estimation.weighting.neighbours import Neighbours, nearest
from causalkit.typing import BoolArray, FloatArray

__all__ = ["Matching"]

_APART = 1e6  # columns to be matched exactly are stretched by this much


class Matching(EffectEstimator):
    """Nearest-neighbour matching with replacement, bias correction and Abadie–Imbens errors.

    Parameters
    ----------
    n_matches : int
        Neighbours of each row, more where distances tie.
    metric : {"mahalanobis", "scaled", "propensity"}
        Distance: in units of the columns' covariance, of their variances, or of the log odds of
        a logistic propensity.
    target : {"ATE", "ATT"}
        Average over everyone, or over the treated.
    contrast : (control, treated) or "each", optional
    exact : sequence of str
        Adjustment columns in which neighbours must agree, as they are called in
        `effect.problem.adjustment`.
    caliper : float, optional
        Largest distance of a neighbour; rows without any are left out, and the effect is that of
        the others.
    bias_correction : bool
        Regress the matched outcomes on the columns, and move neighbours by what it says.
    features : transformer, optional
        Expands the columns of that regression, e.g. `Powers(2)`.
    inference : Asymptotic, optional
        The standard error of Abadie and Imbens; a bootstrap of matches is not valid.

    Notes
    -----
    **Assumes:**

    - no hidden common cause of treatment and outcome beyond the adjustment columns;
    - every row could have had either treatment;
    - rows are independent. Clusters and weights are refused.

    Effects on the treated of several levels, matched with the same controls, share the noise of
    these; their difference counts it (400 data sets of 450 rows, one neighbour: mean standard error
    0.184, spread 0.183).

    With `metric="propensity"` the standard error takes the propensity as known, which for the ATE
    is conservative (Abadie & Imbens 2016).

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> Z = rng.normal(size=(500, 2))
    >>> t = rng.random(500) < 1 / (1 + np.exp(-Z[:, 0]))
    >>> y = t + Z[:, 0] ** 2 + rng.normal(size=500)
    >>> effect = Matching().fit(Z, y, t=t).effect_
    >>> bool(1 in effect.interval(0.99))
    True
    """

    treatments: ClassVar[tuple[str, ...]] = ("binary", "categorical")
    instead: ClassVar[str] = "OLS(), GComputation() or PLR(), which take a continuous treatment"

    def __init__(
        self,
        n_matches: int = 1,
        *,
        metric: str = "mahalanobis",
        target: str = "ATT",
        contrast: tuple[object, object] | str | None = None,
        exact: tuple[str, ...] = (),
        caliper: float | None = None,
        bias_correction: bool = True,
        features: Any = None,
        inference: Asymptotic | None = None,
    ) -> None:
        self.n_matches = n_matches
        self.metric = metric
        self.target = target
        self.contrast = contrast
        self.exact = exact
        self.caliper = caliper
        self.bias_correction = bias_correction
        self.features = features
        self.inference = inference

    def _method(self) -> str:
        corrected = ", bias corrected" if self.bias_correction else ""
        return (
            f"{self.metric} matching with {self.n_matches} neighbour(s){corrected}, {self.target}"
        )

    def _check(self, problem: Problem) -> None:
        super()._check(problem)
        check_count(self.n_matches, "n_matches")
        check_choice(self.metric, "metric", ("mahalanobis", "scaled", "propensity"))
        if self.caliper is not None:
            check_positive(self.caliper, "caliper")
        if isinstance(self.inference, Bootstrap):
            raise InputError(
                "the bootstrap is not valid for matching (Abadie & Imbens 2008); expected "
                "inference=None. The standard error is that of Abadie & Imbens."
            )
        if problem.groups is not None or problem.sample_weight is not None:
            raise InputError(
                "Matching got clusters or sample weights; expected independent, unweighted rows, "
                "for which its standard error is made. Use EntropyBalancing() or AIPW()."
            )
        if problem.X.shape[1] == 0:
            raise InputError(
                "there are no adjustment columns to match on; expected at least one. Use OLS() for "
                "the difference in means."
            )
        unknown = [name for name in self.exact if name not in problem.adjustment]
        if unknown:
            raise InputError(
                f"exact={tuple(self.exact)!r}: there is no adjustment column {unknown[0]!r}; "
                f"expected some of {problem.adjustment}."
            )

    def _solve(self, problem: Problem, rng: np.random.Generator) -> Solution:  # noqa: ARG002
        arms = Arms.of(problem, self.contrast)
        ins = (arms.control > 0, arms.treated > 0)
        points = self._coordinates(problem, ins[1])
        wanted = ins[1] if self.target == "ATT" else np.ones(problem.n_obs, dtype=bool)
        found = [
            None if self.target == "ATT" and k == 1 else self._nearest(points, arm, wanted & ~arm)
            for k, arm in enumerate(ins)
        ]
        kept = wanted.copy()
        for arm, neighbours in zip(ins, found, strict=True):
            if neighbours is not None:
                kept[wanted & ~arm] &= neighbours.count > 0
        if kept.sum() < 2:
            raise InputError(
                f"caliper={self.caliper!r} and exact={tuple(self.exact)!r} leave {int(kept.sum())} "
                "matched rows; expected at least two. Widen the caliper."
            )
        if not kept.all() and (self.caliper is not None or self.exact):
            found = [
                None if near is None else self._nearest(points, arm, kept & ~arm)
                for arm, near in zip(ins, found, strict=True)
            ]
        return self._put_together(problem, arms, points, kept, int((wanted & ~kept).sum()), found)

    def _nearest(self, points: FloatArray, pool: BoolArray, asking: BoolArray) -> Neighbours:
        caliper = np.inf if self.caliper is None else float(self.caliper)
        if self.exact:
            caliper = min(caliper, _APART / 1e3)
        return nearest(points[asking], points[pool], self.n_matches, caliper=caliper)

    def _put_together(
        self,
        problem: Problem,
        arms: Arms,
        points: FloatArray,
        kept: BoolArray,
        n_dropped: int,
        found: list[Neighbours | None],
    ) -> Solution:
        """Impute what is missing, average, and put Abadie–Imbens errors together."""
        n_kept = int(kept.sum())
        potential, weights = np.empty((2, problem.n_obs)), np.zeros(problem.n_obs)
        spread, pull = np.zeros((2, problem.n_obs))
        ins = (arms.control > 0, arms.treated > 0)
        for k, (arm, neighbours) in enumerate(zip(ins, found, strict=True)):
            potential[k] = problem.y
            weights[kept & arm] += 1
            if neighbours is None:
                continue
            uses, squares = neighbours.uses()
            potential[k, kept & ~arm] = self._imputed(problem, arm, kept & ~arm, neighbours, uses)
            weights[arm] += uses
            own = 2 * uses * kept[arm]
            apart = self._apart(problem, points, arm)
            spread[arm] = np.maximum(uses**2 + own - squares, 0) * apart**2
            pull[arm] = (2 * k - 1) * uses * apart
        gain = np.where(kept, potential[1] - potential[0], 0.0)
        value = float(gain.sum() / n_kept)
        differs = np.where(kept, gain - value, 0.0)
        split = _by_owner if self.target == "ATT" else _by_sign
        notes = []
        if n_dropped:
            notes = [
                f"{n_dropped} row(s) have no neighbour near enough and are left out: the effect "
                "is that of the others."
            ]
        return Solution(
            value=value,
            scores=split(differs, spread, pull) * problem.n_obs / n_kept,
            details={
                "contrast": contrast_in_words(problem, arms.codes),
                "weights": weights,
                "potential_outcomes": potential,
                "matched": kept,
                "neighbours": tuple(found),
                "rows_without_match": n_dropped,
                "notes": notes,
            },
        )

    def _imputed(
        self,
        problem: Problem,
        arm: BoolArray,
        asking: BoolArray,
        neighbours: Neighbours,
        uses: FloatArray,
    ) -> FloatArray:
        """Mean outcome of the neighbours, moved to where the row is."""
        outcome = neighbours.mean(problem.y[arm])
        if not self.bias_correction:
            return outcome
        Z = standardised(expanded(self.features, problem), problem.weights)
        D = np.hstack([np.ones((problem.n_obs, 1)), Z])
        root = np.sqrt(uses)[:, None]
        slopes = np.linalg.lstsq(root * D[arm], root[:, 0] * problem.y[arm], rcond=None)[0]
        fitted = D @ slopes
        moved: FloatArray = outcome + fitted[asking] - neighbours.mean(fitted[arm])
        return moved

    def _apart(self, problem: Problem, points: FloatArray, arm: BoolArray) -> FloatArray:
        """How far outcomes of an arm are from those near them; squared, their variance there."""
        near = nearest(points[arm], points[arm], self.n_matches, alone=True)
        y, count = problem.y[arm], near.count
        distance = np.sqrt(count / (count + 1)) * (y - np.nan_to_num(near.mean(y)))
        return np.asarray(np.where(count > 0, distance, 0.0), dtype=np.float64)

    def _coordinates(self, problem: Problem, treated: BoolArray) -> FloatArray:
        """Coordinates whose Euclidean distance is the metric."""
        Z = standardised(problem.X, problem.weights)
        columns = [problem.adjustment.index(name) for name in self.exact]
        fixed = Z[:, columns] * _APART
        if self.metric == "propensity":
            D = np.hstack([np.ones((problem.n_obs, 1)), Z])
            fit = fit_glm(
                D,
                treated.astype(np.float64),
                FAMILIES["binomial"],
                problem.weights,
                what=f"treatment {problem.treatment!r}",
                advice='Match on the columns: metric="mahalanobis".',
            )
            odds = D @ fit.basis.into @ fit.coefficients
            return np.hstack([(odds / max(odds.std(), 1e-300))[:, None], fixed])
        if self.metric == "mahalanobis":
            left, sizes, _ = np.linalg.svd(Z, full_matrices=False)
            kept = sizes > sizes.max(initial=0.0) * 1e-9
            # Rounded, so that rows that are equal stay equal.
            Z = np.round(left[:, kept] * np.sqrt(problem.n_obs), 10)
        return np.hstack([Z, fixed])


def _by_sign(differs: FloatArray, spread: FloatArray, pull: FloatArray) -> FloatArray:
    """Scores with the squares of Abadie & Imbens, and the sign of the way that a row pulls.

    There are two independent parts: how effects differ, and noise of what rows were used for. Which
    way a row pulls matters where several effects are compared.
    """
    scores: FloatArray = np.where(differs + pull < 0, -1.0, 1.0) * np.sqrt(differs**2 + spread)
    return scores


def _by_owner(differs: FloatArray, spread: FloatArray, pull: FloatArray) -> FloatArray:
    """The same for the treated: all noise of a control is with the control.

    The differences of the treated hold some of it. Moved to the controls, what effects of several
    treatments against one control have in common is Σ uses · uses · variance, as it should be, and
    each has the variance that it had.
    """
    whole, noise, seen = float(np.sum(differs**2 + spread)), pull @ pull, differs @ differs
    if noise > whole:
        return np.asarray(pull * np.sqrt(whole / noise), dtype=np.float64)
    scale = np.sqrt((whole - noise) / seen) if seen > 0 else 0.0
    return np.asarray(scale * differs + pull, dtype=np.float64)
