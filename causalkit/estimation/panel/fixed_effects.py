"""`FixedEffects`: least squares with an indicator of every unit, of every period, or both.

    y_it = θ t_it + x_it'β + α_i + δ_t + ε_it

Nobody wants the α and δ, and there may be thousands. Outcome, treatment and columns are therefore
replaced by what is left of them after regression on the indicators (Frisch, Waugh & Lovell). For
units alone that is the deviation from the unit's mean. For units and periods, α is eliminated by
means and δ solves one small linear system, exactly, however unbalanced the panel is.

With effects that differ between units treated at different times, θ is a weighted average whose
weights may be negative, and are not shares of the treated where none is (Goodman-Bacon 2021). `fit`
warns of treatment that starts at several times and stays; use `GroupTimeEffects` there.

References
----------
Mundlak (1978), "On the pooling of time series and cross section data", Econometrica 46, 69-85.
doi:10.2307/1913646
Arellano (1987), "Computing robust standard errors for within-groups estimators", Oxford Bulletin of
Economics and Statistics 49, 431-434. doi:10.1111/j.1468-0084.1987.mp49004006.x
Goodman-Bacon (2021), "Difference-in-differences with variation in treatment timing", J.
Econometrics 225, 254-277. doi:10.1016/j.jeconom.2021.03.014
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from causalkit._core.checks import check_choice
from causalkit.errors import AssumptionWarning, InputError, NumericalError
from causalkit.estimation._glm import basis_of, idle_columns, idle_note
from causalkit.estimation.base import EffectEstimator, Solution
from causalkit.estimation.contrasts import contrast_in_words
from causalkit.estimation.effect import Effect
from causalkit.estimation.inference import Asymptotic, Bootstrap
from causalkit.estimation.inference import few_clusters as few_clusters_in_all
from causalkit.estimation.panel.structure import (
    Panel,
    clustered_by_unit,
    few_clusters,
)
from causalkit.estimation.problem import Problem
from causalkit.typing import FloatArray, IntArray

__all__ = ["FixedEffects", "without_effects"]

_MOST_LEVELS = 5_000
"""Of the smaller of two sets of effects, whose indicators make a dense square system."""

_ROUNDING = 1e-20
"""Share of a column's mean square below which what is left of it is rounding error."""


class FixedEffects(EffectEstimator):
    """Regression on the treatment with fixed effects of units, periods or both.

    Parameters
    ----------
    effects : {"unit", "both", "time"}
        What has an effect of its own: each unit, each unit and each period ("two-way"), or each
        period.
    inference : Asymptotic or Bootstrap, optional

    Notes
    -----
    `fit` takes `unit` and `time` beside the treatment. Several rows of one unit and period are
    welcome; they share the effects of both, and a note counts them. Another names columns that add
    nothing to the fixed effects. Standard errors are clustered by unit unless `groups` are given;
    their small-sample factor counts treatment, columns and periods, but units only if clusters cut
    across them.

    **Assumes:**

    - no hidden common cause of treatment and outcome beyond the adjustment columns, what is
      constant about a unit, and (with "both") what happens to all units in a period;
    - the outcome is linear in treatment and columns, and the effect is the same for all units and
      periods; else a weighted average, for staggered adoption with negative weights;
    - what is left of the outcome does not change later treatment (strict exogeneity).

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> unit, time = np.repeat(np.arange(50), 4), np.tile(np.arange(4), 50)
    >>> alpha = rng.normal(size=50)[unit]
    >>> t = alpha + rng.normal(size=200)
    >>> y = 2 * t + 5 * alpha + time + rng.normal(size=200)
    >>> effect = FixedEffects(effects="both").fit(None, y, t=t, unit=unit, time=time).effect_
    >>> bool(2 in effect.interval(0.99))
    True
    """

    treatments: ClassVar[tuple[str, ...]] = ("binary", "continuous")
    instead: ClassVar[str] = "one indicator of the treatment at a time"
    needs: ClassVar[tuple[str, ...]] = ("unit", "time")

    def __init__(
        self, *, effects: str = "unit", inference: Asymptotic | Bootstrap | None = None
    ) -> None:
        self.effects = effects
        self.inference = inference

    def _method(self) -> str:
        words = {"unit": "units", "time": "periods", "both": "units and periods"}
        return f"regression with fixed effects of {words[self.effects]}"

    def _check(self, problem: Problem) -> None:
        super()._check(problem)
        check_choice(self.effects, "effects", ("unit", "both", "time"))

    def solve(self, problem: Problem) -> Effect:
        """Estimate on arrays that are already checked, clustered by unit."""
        self._check_roles(problem.others)
        if problem.groups is None:
            problem = clustered_by_unit(problem)
        return super().solve(problem)

    def _solve(self, problem: Problem, rng: np.random.Generator) -> Solution:  # noqa: ARG002
        w, panel = problem.weights, _panel(problem)
        labels = {"unit": (panel.unit,), "time": (panel.time,), "both": (panel.unit, panel.time)}
        # In units of the largest value squares neither overflow nor vanish.
        columns = np.column_stack([problem.y, problem.t, problem.X])
        size = np.maximum(np.abs(columns).max(axis=0), np.finfo(float).tiny)
        left, n_second = without_effects(columns / size, labels[self.effects], w)
        n_units = _counted_units(panel.unit, problem.groups, problem.second_groups)
        n_absorbed = {
            "unit": n_units,
            "time": panel.n_periods,
            "both": n_units + n_second,
        }[self.effects]
        y, t, X = left[:, 0], left[:, 1], left[:, 2:]
        share = w / w.sum()
        Q = X @ basis_of(X, w).into if X.any() else X[:, :0]
        v, u = (column - Q @ (Q.T @ (share * column)) for column in (t, y))
        total, remaining = share @ (columns[:, 1] / size[1]) ** 2, share @ v**2
        if not remaining > 1e-11 * total:
            raise NumericalError(
                f"treatment {problem.treatment!r} does not vary beyond its fixed effects and the "
                "adjustment columns; expected a treatment that changes within units over time. "
                "Leave out the columns that determine it, or choose other effects."
            )
        theta = float(share @ (v * u) / remaining)
        unit = float(size[0] / size[1])
        staggered = _staggered(problem, panel, v) if self.effects == "both" else ()
        return Solution(
            value=theta * unit,
            scores=v * (u - theta * v) / remaining * unit,
            n_parameters=1 + Q.shape[1] + n_absorbed,
            alerts=(
                *(
                    few_clusters(w * v**2, problem.groups, "the treatment")
                    or few_clusters_in_all(problem)
                ),
                *staggered,
            ),
            details={
                "contrast": contrast_in_words(problem),
                "units": panel.n_units,
                "periods": panel.n_periods,
                "n_coefficients": 1 + Q.shape[1],
                "treatment_variance_left": float(remaining / total),
                "notes": (
                    *self._held_fixed(problem),
                    *_idle(problem, X, Q.shape[1]),
                    *_repeated(panel),
                ),
            },
        )

    def _held_fixed(self, problem: Problem) -> tuple[str, ...]:
        """What the effects stand for, which no graph of the columns says."""
        unit, time = (problem.others[role].names[0] for role in ("unit", "time"))
        of_units, of_periods = (
            f"all that is constant about each {unit}",
            f"all that is common to everybody in one {time}",
        )
        held = {
            "unit": f"{of_units} is",
            "time": f"{of_periods} is",
            "both": f"{of_units} and {of_periods} are",
        }[self.effects]
        return (f"Beside what it is adjusted for, {held} held fixed, known or not.",)


def _panel(problem: Problem) -> Panel:
    """Where each row stands; copies of a unit share its effect, which changes nothing of it."""
    unit, time = problem.others["unit"].codes, problem.others["time"]
    codes = np.unique(unit, return_inverse=True)[1].reshape(-1).astype(np.intp)
    return Panel(codes, time.codes, time.levels or (), problem.weights)


def _staggered(problem: Problem, panel: Panel, left: FloatArray) -> tuple[Warning, ...]:
    """Warn of a treatment that comes to stay, at several times: early starters are then controls.

    What each treated row's effect weighs in the estimate is what is left of its treatment (de
    Chaisemartin & D'Haultfœuille 2020, doi:10.1257/aer.20181169).
    """
    treated = problem.t == problem.t.max()
    if len(np.unique(problem.t)) != 2:
        return ()
    start = np.full(panel.n_units, panel.n_periods)
    np.minimum.at(start, panel.unit[treated], panel.time[treated])
    stays = bool((treated == (panel.time >= start[panel.unit])).all())
    starts = np.unique(start[(start > 0) & (start < panel.n_periods)])
    if not stays or len(starts) < 2:
        return ()
    negative = float(np.mean(left[treated] < 0))
    consequence = (
        f"the effects of {negative:.0%} of the treated rows count with a negative weight. If "
        "effects differ,"
        if negative
        else "where effects grow or fade with time, the estimate is not their average over the "
        "treated rows. Unless effects are all the same,"
    )
    return (
        AssumptionWarning(
            f"{problem.treatment!r} starts at {len(starts)} different times and stays; with fixed "
            "effects of units and periods, early starters are then controls of later ones: "
            f"{consequence} use GroupTimeEffects()."
        ),
    )


def _idle(problem: Problem, left: FloatArray, rank: int) -> tuple[str, ...]:
    """Name columns of which the fixed effects and the other columns leave nothing."""
    if rank == left.shape[1]:
        return ()
    names = [problem.adjustment[k] for k in idle_columns(left, problem.weights)]
    return idle_note(names, "the fixed effects and the other columns")


def _repeated(panel: Panel) -> tuple[str, ...]:
    """Count rows that have the unit and the period of another row."""
    cells = panel.unit * panel.n_periods + panel.time
    n_rows = len(cells) - len(np.unique(cells))
    if not n_rows:
        return ()
    return (
        f"{n_rows} row(s) have the unit and the period of another row: right where several were "
        "seen, such as workers of one firm, and wrong where rows were entered twice.",
    )


def _counted_units(unit: IntArray, *kinds: IntArray | None) -> int:
    """Effects that the small-sample factor counts: a constant where units lie within clusters.

    Of two kinds of clusters, units within either of them are enough.
    """
    n_units = int(unit.max()) + 1
    within = (
        len(set(zip(unit.tolist(), groups.tolist(), strict=True))) == n_units
        for groups in kinds
        if groups is not None
    )
    return 1 if any(within) else n_units


def without_effects(
    columns: FloatArray, labels: tuple[IntArray, ...], weights: FloatArray
) -> tuple[FloatArray, int]:
    """Residuals of columns on indicators of one or two sets of labels.

    Parameters
    ----------
    columns : ndarray of shape (n, k)
    labels : tuple of one or two ndarray of int, shape (n,)
    weights : ndarray of shape (n,)

    Returns
    -------
    residuals : ndarray of shape (n, k)
        A column that the indicators explain is exactly zero.
    n_second : int
        Indicators of the second set that add something to the first; 0 if there is one set.

    Examples
    --------
    >>> unit, time = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    >>> y = np.array([1.0, 2.0, 5.0, 8.0])
    >>> left, _ = without_effects(y[:, None], (unit, time), np.ones(4))
    >>> left[:, 0]
    array([ 0.5, -0.5, -0.5,  0.5])
    """
    left = columns - _means(columns, labels[0], weights)
    n_second = 0
    if len(labels) == 2:
        left, n_second = _without_second(left, labels, weights)
    share = weights / weights.sum()
    scale = share @ columns**2
    left[:, ~(share @ left**2 > _ROUNDING * scale)] = 0.0
    return left, n_second


def _means(columns: FloatArray, label: IntArray, weights: FloatArray) -> FloatArray:
    total = np.bincount(label, weights=weights)
    w = np.where(total[label] > 0, weights, 1.0)
    total = np.bincount(label, weights=w)
    sums = np.column_stack([np.bincount(label, weights=w * column) for column in columns.T])
    means: FloatArray = (sums / total[:, None])[label]
    return means


def _without_second(
    left: FloatArray, labels: tuple[IntArray, ...], weights: FloatArray
) -> tuple[FloatArray, int]:
    """Take the second set out of columns that are already about the means of the first.

    With B the weights of the cells and N their sums over the first set, the effects δ of the second
    solve (diag(n) − B'N⁻¹B) δ = sums of the columns over the second set.
    """
    from scipy.sparse import csr_array

    first, second = labels
    n_first, n_second = int(first.max()) + 1, int(second.max()) + 1
    if n_second > _MOST_LEVELS:
        raise InputError(
            f"there are {n_second} periods; expected at most {_MOST_LEVELS} beside the effects of "
            "units. Use coarser periods, or exchange `unit` and `time`."
        )
    B = csr_array((weights, (first, second)), shape=(n_first, n_second))
    totals = np.asarray(B.sum(axis=1)).reshape(-1)
    inverse = np.divide(1.0, totals, out=np.zeros(n_first), where=totals > 0)
    scaled = csr_array(B * inverse[:, None])
    system = np.diag(np.bincount(second, weights=weights, minlength=n_second))
    system = system - (B.T @ scaled).toarray()
    sums = np.column_stack(
        [np.bincount(second, weights=weights * column, minlength=n_second) for column in left.T]
    )
    effects, _, rank, _ = np.linalg.lstsq(system, sums, rcond=1e-12)
    # The indicators of the second set, about the means of the first, times their effects.
    result: FloatArray = left - (effects[second] - (scaled @ effects)[first])
    return result, int(rank)
