"""`reduced_form`: an effect by an instrument, challenged where it can be challenged.

An effect θ that rests on an instrument z is a ratio r/f: what z does to the outcome (the *reduced
form* r), over what z does to the treatment (the *first stage* f). Both are effects of z by
adjustment, so everything that can be asked of an adjustment can be asked of them, and θ is zero
exactly where r is. A cause of z and the outcome that was left out, or another way from z to the
outcome, shows in r.

The bound of omitted variables carries over to θ itself. For a supposed θ the outcome y − θt owes
nothing to z but what is left out: its reduced form r − θf is no more than k·S(θ), with k from the
two shares that the hidden cause explains and S(θ) = sd(leftover of y − θt) · ν. That is a quadratic
inequality in θ, as for the confidence sets of Anderson & Rubin: an interval, or all but an
interval, or everything (:func:`instrument_sensitivity`).

References
----------
Cinelli & Hazlett (2025), "An omitted variable bias framework for sensitivity analysis of
instrumental variables". Biometrika 112, asaf004. doi:10.1093/biomet/asaf004
Chernozhukov, Cinelli, Newey, Sharma & Syrgkanis (2022), "Long story short: omitted variable bias in
causal machine learning", doi:10.3386/w30302
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone

from causalkit._core.checks import check_fraction
from causalkit.errors import InputError
from causalkit.estimation.base import Solution
from causalkit.estimation.effect import Effect
from causalkit.estimation.instruments.linear import GMM, LIML, TwoStageLeastSquares
from causalkit.estimation.moments import aipw, partialling_out
from causalkit.estimation.orthogonal.compliers import LATE, binary_instrument
from causalkit.estimation.orthogonal.instrumented import PLIV
from causalkit.estimation.orthogonal.interactive import AIPW
from causalkit.estimation.orthogonal.partially_linear import PLR
from causalkit.estimation.problem import Problem
from causalkit.estimation.regression import OLS
from causalkit.refutation.leftovers import Leftovers, estimator_of, leftovers_of, problem_of
from causalkit.refutation.omitted_variable import joint_strength
from causalkit.typing import FloatArray

__all__ = ["has_reduced_form", "instrument_sensitivity", "reduced_form"]

LINEAR = (TwoStageLeastSquares, LIML, GMM)


def has_reduced_form(effect: Effect) -> bool:
    """Whether the effect is a ratio of two effects of one instrument."""
    problem = effect.problem
    if problem is None or "z" not in problem.others:
        return False
    one = problem.others["z"].values.shape[1] == 1
    return one and isinstance(effect.estimator, (PLIV, LATE, *LINEAR))


def reduced_form(effect: Effect) -> Effect:
    """Return the effect of the instrument on the outcome, behind an effect by one instrument.

    Parameters
    ----------
    effect : Effect
        Of PLIV, LATE, TwoStageLeastSquares, LIML or GMM, with one instrument.

    Returns
    -------
    Effect
        Of PLR, AIPW or OLS, with the same learners and, where there are any, the same predictions.
        All checks of an adjustment apply to it.

    Raises
    ------
    InputError
        If the effect does not rest on one instrument.

    Notes
    -----
    **Assumes:** what the effect does of the instrument given the adjustment columns; not that the
    instrument acts through the treatment alone.

    Examples
    --------
    >>> import numpy as np
    >>> from causalkit.estimation.instruments.linear import TwoStageLeastSquares
    >>> rng = np.random.default_rng(0)
    >>> z, hidden = rng.normal(size=(2, 500))
    >>> t = z + hidden + rng.normal(size=500)
    >>> y = 2 * t + 3 * hidden + rng.normal(size=500)
    >>> effect = TwoStageLeastSquares().fit(None, y, t=t, z=z).effect_
    >>> reduced_form(effect).refute(random_state=0)["placebo treatment"].verdict
    'passes'
    """
    return _stage(effect, first=False)


def instrument_sensitivity(
    effect: Effect, r2_outcome: float, r2_instrument: float
) -> tuple[tuple[float, float], ...]:
    """Bound an effect by one instrument, if something that moves it and the outcome was left out.

    Parameters
    ----------
    effect : Effect
        Of PLIV, LATE, TwoStageLeastSquares, LIML or GMM, with one instrument.
    r2_outcome : float
        Share that it explains of what is left of the outcome (less the treatment's part of it).
    r2_instrument : float
        Share that it explains of what is left of the instrument.

    Returns
    -------
    tuple of (lower, upper)
        Effects compatible with it: one interval, or two that reach to infinity (the first stage
        itself could be owed to what was left out), or the whole line.

    Notes
    -----
    **Assumes:** the hidden cause is no effect of the instrument. Bounds are those of the estimates;
    sampling error comes on top: see `sensitivity(reduced_form(effect))`.

    References
    ----------
    Cinelli & Hazlett (2025), "An omitted variable bias framework for sensitivity analysis of
    instrumental variables", Biometrika 112, asaf004. doi:10.1093/biomet/asaf004

    Examples
    --------
    >>> import numpy as np
    >>> from causalkit.estimation.instruments.linear import TwoStageLeastSquares
    >>> rng = np.random.default_rng(0)
    >>> z, hidden = rng.normal(size=(2, 5000))
    >>> t = z + hidden + rng.normal(size=5000)
    >>> y = 2 * t + 3 * hidden + rng.normal(size=5000)
    >>> effect = TwoStageLeastSquares().fit(None, y, t=t, z=z).effect_
    >>> ((low, high),) = instrument_sensitivity(effect, 0.02, 0.02)
    >>> 1.8 < low < 2 < high < 2.2
    True
    """
    check_fraction(r2_outcome, "r2_outcome", closed=True)
    check_fraction(r2_instrument, "r2_instrument", closed=True)
    k = joint_strength(r2_outcome, r2_instrument)
    if np.isinf(k):
        return ((-np.inf, np.inf),)
    stages = _Stages.of(effect)
    yy, yt, tt = stages.scales
    # (r − θf)² ≤ k² S²(θ), as a θ² + 2 b θ + c ≤ 0.
    a = stages.first**2 - k**2 * tt
    b = -(stages.reduced * stages.first - k**2 * yt)
    c = stages.reduced**2 - k**2 * yy
    # b² − a c, with what cancels left out.
    gap = stages.reduced**2 * tt - 2 * stages.reduced * stages.first * yt + stages.first**2 * yy
    return _solutions(a, b, c, k**2 * gap + k**4 * (yt**2 - yy * tt))


def _solutions(a: float, b: float, c: float, gap: float) -> tuple[tuple[float, float], ...]:
    """Where a θ² + 2 b θ + c ≤ 0, with gap = b² − a c."""
    root = max(gap, 0.0) ** 0.5
    if a == 0:
        if b == 0:
            return ((-np.inf, np.inf),) if c <= 0 else ()
        end = -c / (2 * b)
        return ((-np.inf, end),) if b > 0 else ((end, np.inf),)
    ends = sorted(((-b - root) / a, (-b + root) / a))
    if a > 0:
        return ((ends[0], ends[1]),)
    if gap <= 0:
        return ((-np.inf, np.inf),)
    return ((-np.inf, ends[0]), (ends[1], np.inf))


@dataclass(frozen=True, slots=True)
class _Stages:
    """Reduced form, first stage, and S² of the outcome, of both together and of the treatment."""

    reduced: float
    first: float
    scales: tuple[float, float, float]

    @classmethod
    def of(cls, effect: Effect) -> _Stages:
        """S²(θ) is quadratic in θ, so that its values at three outcomes say all."""
        stages = [_stage(effect, first=first) for first in (False, True)]
        own = [_scale(stage) for stage in stages]
        both = _scale(_stage(effect, first=False, added=1.0))
        cross = (both - own[0] - own[1]) / 2
        return cls(stages[0].value, stages[1].value, (own[0], cross, own[1]))


def _scale(stage: Effect) -> float:
    left: Leftovers = leftovers_of(stage)
    return left.sigma2 * left.nu2


# --- stages --------------------------------------------------------------------------------------


def _stage(effect: Effect, *, first: bool, added: float = 0.0) -> Effect:
    """Effect of the instrument on the outcome (plus `added` times the treatment), or on the latter.

    From the predictions of the effect, so that all stages rest on the same.
    """
    if not has_reduced_form(effect):
        raise InputError(
            f"the effect was estimated by {effect.method}; expected one by a single instrument: of "
            "PLIV, LATE, TwoStageLeastSquares, LIML or GMM. Challenge one instrument at a time."
        )
    problem, estimator = problem_of(effect), estimator_of(effect)
    share_y, share_t = (0.0, 1.0) if first else (1.0, added)
    y = share_y * problem.y + share_t * problem.t
    z = problem.others["z"]
    plain = problem.replace(
        y=y,
        t=z.values[:, 0],
        levels=None,
        treatment=z.names[0],
        outcome=problem.treatment if first else problem.outcome,
        outcome_levels=problem.levels if first else problem.outcome_levels,
        others={},
        supplied={},
    )
    if isinstance(estimator, PLIV):
        return _partially_linear(effect, estimator, plain, share_y, share_t)
    if isinstance(estimator, LATE):
        return _interactive(effect, estimator, plain, share_y, share_t)
    options = {"features": getattr(estimator, "features", None), "inference": estimator.inference}
    if getattr(estimator, "covariance", None) in ("HC0", "HC1"):
        options["covariance"] = estimator.covariance
    return OLS(**options).solve(plain)


def _partially_linear(
    effect: Effect, pliv: PLIV, plain: Problem, share_y: float, share_t: float
) -> Effect:
    """Residuals on residuals: PLR with the instrument for a treatment."""
    found = effect.details["predictions"]
    y_hat = share_y * found["outcome"] + share_t * found["treatment"]
    z_hat = found[f"instrument {plain.treatment}"]
    outcome = pliv.outcome_learner if share_y else pliv.treatment_learner
    plr = PLR(outcome, pliv.instrument_learner, **_common(pliv))
    value, scores = partialling_out(plain.y, plain.t, y_hat, z_hat).solve(plain.weights)
    predictions = {"outcome": y_hat, "treatment": z_hat}
    return plr.effect_of(plain, Solution(value, scores, details=_facts(effect, predictions)))


def _interactive(
    effect: Effect, late: LATE, plain: Problem, share_y: float, share_t: float
) -> Effect:
    """AIPW with the instrument for a treatment."""
    found, z = effect.details["predictions"], binary_instrument(problem_of(effect), late)
    takers = {"without": np.zeros_like(z), "with": np.ones_like(z)}
    without, with_ = (
        share_y * found[f"outcome_{key}"] + share_t * found.get(f"treatment_{key}", takers[key])
        for key in ("without", "with")
    )
    raw: FloatArray = found["instrument"]
    p = np.clip(raw, late.clip, 1 - late.clip)
    levels = tuple(np.unique(plain.t).tolist())
    plain = plain.replace(t=z, levels=levels)
    outcome = late.outcome_learner if share_y else late.treatment_learner
    estimator = AIPW(outcome, late.instrument_learner, clip=late.clip, **_common(late))
    score = aipw(plain.y, z, 1 - z, with_, without, p, 1 - p)
    value, scores = score.solve(plain.weights)
    predictions = {
        "outcome_control": without,
        "outcome_treated": with_,
        "treatment": np.column_stack([1 - raw, raw]),
    }
    return estimator.effect_of(plain, Solution(value, scores, details=_facts(effect, predictions)))


def _common(estimator: PLIV | LATE) -> dict[str, Any]:
    """Settings that both have."""
    names = ("n_folds", "n_repeats", "inference", "random_state", "n_jobs")
    fresh = clone(estimator)
    return {name: getattr(fresh, name) for name in names}


def _facts(effect: Effect, predictions: dict[str, FloatArray]) -> dict[str, Any]:
    return {"predictions": predictions, "folds": effect.details["folds"]}
