"""`weak_instrument_set`: a confidence set that covers whatever the strength of the instruments.

The interval of two-stage least squares takes the first stage as known. Where instruments are weak
it may miss the effect most of the time, and no F statistic says for sure that it will not. The
sets here come from tests whose size does not depend on the first stage (see
:mod:`~causalkit.estimation.instruments.similar_tests`): the effects that are not rejected. They are
about as long as the usual interval where instruments are strong, so nothing is lost by them.

Which one: with one instrument all are the same. With several, **CLR** is the most powerful, **AR**
also rejects where instruments contradict each other, and **K** can have spurious pieces.

References
----------
Andrews, I., Stock, J. H., Sun, L. (2019). Weak instruments in instrumental variables regression.
Annual Review of Economics 11, 727-753. doi:10.1146/annurev-economics-080218-025643
"""

from __future__ import annotations

from typing import Any

import numpy as np

from causalkit._core.checks import check_choice, check_fraction
from causalkit.errors import InputError, NumericalError
from causalkit.estimation.effect import Effect
from causalkit.estimation.inference import Asymptotic
from causalkit.estimation.instruments.confidence_set import ConfidenceSet
from causalkit.estimation.instruments.first_stage import LEAST_F, FirstStage
from causalkit.estimation.instruments.inversion import invert
from causalkit.estimation.instruments.linear import GMM, LIML, TwoStageLeastSquares
from causalkit.estimation.instruments.partialled import (
    Partialled,
    covariance_of_means,
    orthonormal,
    partial_out,
)
from causalkit.estimation.instruments.similar_tests import ReducedForm, SimilarTest
from causalkit.estimation.problem import Problem
from causalkit.typing import FloatArray

__all__ = ["first_stage_strength", "weak_instrument_set"]


def first_stage_strength(effect: object) -> tuple[float, bool] | None:
    """Return the F statistic of the first stage, and whether it is weak; None without one."""
    details = effect.details if isinstance(effect, Effect) else {}
    found = details.get("first_stage")
    strength = found.effective_f if isinstance(found, FirstStage) else details.get("first_stage_f")
    return None if strength is None else (float(strength), not strength >= LEAST_F)


def weak_instrument_set(effect: Effect, test: str = "CLR", *, level: float = 0.95) -> ConfidenceSet:
    """Return the effects that a test does not reject whose size holds for weak instruments.

    Parameters
    ----------
    effect : Effect
        From :class:`TwoStageLeastSquares`, :class:`LIML`, :class:`GMM` or `PLIV`. Its weights,
        clusters and kind of standard error are those of the set.
    test : {"CLR", "AR", "K"}
        Conditional likelihood ratio, Anderson-Rubin, Kleibergen's K.
    level : float
        Between 0 and 1.

    Returns
    -------
    ConfidenceSet

    Raises
    ------
    InputError
        If the effect does not come from instruments.
    NumericalError
        If there are too few rows or clusters for the covariance of the moments.

    Notes
    -----
    **Assumes:** what the estimator assumes, but for the strength of the instruments.

    References
    ----------
    Andrews, D. W. K., Moreira, M. J., Stock, J. H. (2006). Optimal two-sided invariant similar
    tests for instrumental variables regression. Econometrica 74(3), 715-752.
    doi:10.1111/j.1468-0262.2006.00680.x

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> z, hidden = rng.normal(size=(2, 1000))
    >>> t = z + hidden + rng.normal(size=1000)
    >>> y = 2 * t + 3 * hidden + rng.normal(size=1000)
    >>> effect = TwoStageLeastSquares().fit(None, y, t=t, z=z).effect_
    >>> found = weak_instrument_set(effect)
    >>> found.is_bounded, 2.0 in found, 0.0 in found
    (True, True, False)
    """
    check_choice(test, "test", ("CLR", "AR", "K"))
    check_fraction(level, "level")
    if not isinstance(effect, Effect):
        raise InputError(
            f"got {type(effect).__name__}; expected one Effect, such as "
            "TwoStageLeastSquares().fit(X, y, t=t, z=z).effect_. Pass the effect_ of an estimator."
        )
    problem, estimator = effect.problem, effect.estimator
    given = effect.details.get("partialled")
    if problem is None or estimator is None or (given is None and not _linear(estimator)):
        raise InputError(
            f"the effect is by {effect.method!r}; expected one by TwoStageLeastSquares(), LIML(), "
            "GMM() or PLIV(). Estimate it with instruments first."
        )
    part = (
        _of_residuals(given, problem)
        if given is not None
        else partial_out(problem, getattr(estimator, "features", None))
    )
    kind = getattr(estimator, "covariance", "HC0")
    form = _reduced_form(part, problem, estimator._asymptotic(), kind)
    similar = SimilarTest(form, test)
    return ConfidenceSet(
        intervals=invert(similar, level),
        level=level,
        test=similar,
        treatment=problem.treatment,
        outcome=problem.outcome,
        estimate=effect.value,
        n_obs=effect.n_obs,
    )


def _linear(estimator: object) -> bool:
    return isinstance(estimator, (TwoStageLeastSquares, LIML, GMM))


def _of_residuals(given: Any, problem: Problem) -> Partialled:
    """What a cross-fitted estimator left of outcome, treatment and instruments, centred."""
    share = problem.weights / problem.weights.sum()
    y, t = (np.asarray(given[name], dtype=np.float64) for name in ("y", "t"))
    z = np.asarray(given["z"], dtype=np.float64).reshape(len(y), -1)
    y, t, z = y - share @ y, t - share @ t, z - share @ z
    Z, into = orthonormal(z, problem.weights)
    units = [float(np.abs(column).max()) or 1.0 for column in (y, t)]
    return Partialled(
        y / units[0], t / units[1], Z, np.ones((len(y), 1)), share, into, units[0], units[1]
    )


def _reduced_form(
    part: Partialled, problem: Problem, inference: Asymptotic, kind: str
) -> ReducedForm:
    """Coefficients of outcome and treatment on the instruments, with their covariance."""
    delta, pi, K = part.delta, part.pi, part.n_instruments
    left = np.column_stack([part.y - part.Z @ delta, part.t - part.Z @ pi])
    n_parameters = part.n_exogenous + K
    n = inference.count(problem)
    df = n - n_parameters if problem.groups is None else problem.n_groups - 1.0
    if df < 1:
        raise NumericalError(
            f"{n:g} rows leave nothing to judge {n_parameters} coefficients by; expected more rows "
            "than adjustment columns and instruments. Use fewer of them."
        )
    covariance: FloatArray
    if kind == "classical":
        omega = left.T @ (part.share[:, None] * left) / df
        covariance = np.asarray(np.kron(omega, np.eye(K)), dtype=np.float64)
    else:
        rows = np.hstack([part.Z * left[:, [0]], part.Z * left[:, [1]]])
        counted = n_parameters if kind == "HC1" else 0
        covariance = covariance_of_means(rows, problem, inference, counted)
        # over time the covariance itself rests on few numbers, and says on how many
        one = inference.influence(problem, rows[:, 0])
        df = inference.spread(one, problem, float(df))[1] or df
    _check_covariance(covariance, problem)
    return ReducedForm.of(
        delta, pi, covariance, unit=part.unit, df=float(df), alike=kind == "classical"
    )


def _check_covariance(covariance: FloatArray, problem: Problem) -> None:
    """Refuse one without inverse: too few clusters, or an outcome without noise."""
    size = np.sqrt(np.diag(covariance))
    if not (size > 0).all() or not (
        np.linalg.cond(covariance / np.outer(size, size)) < 1 / np.finfo(float).eps
    ):
        raise NumericalError(
            f"the covariance of {len(covariance)} moments has no inverse, from "
            f"{problem.n_groups} rows or clusters; expected more of them than twice the "
            "instruments, and errors in both stages. Use fewer instruments."
        )
