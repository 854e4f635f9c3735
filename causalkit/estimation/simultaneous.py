"""Several effects of one data set at once: covariance, bands, families of tests.

Twenty intervals of 95 % miss one effect on average. A *band* misses none of them, in 95 % of
samples: its half-width is c standard errors, where c is the quantile of max_k |t_k|. The t_k are
jointly normal with the correlation of the estimates, and that follows from their influences φ on
the same rows, without refitting anything:

    Cov(θ̂_j, θ̂_k) = Σ_g (Σ_{i∈g} φ_ij)(Σ_{i∈g} φ_ik) / n².

*Romano and Wolf's* p-values control the chance of any false rejection, like Holm's, but know that
correlated tests are fewer than they look: the largest |t| is compared with the maximum over all,
the second with the maximum over the rest, and so on down.

References
----------
Romano & Wolf (2005), "Exact and approximate stepdown methods for multiple hypothesis testing", JASA
100, 94-108. doi:10.1198/016214504000000539
Romano & Wolf (2016), "Efficient computation of adjusted p-values for resampling-based stepdown
multiple testing", Statistics & Probability Letters 113, 38-40. doi:10.1016/j.spl.2016.02.012
Montiel Olea & Plagborg-Møller (2019), "Simultaneous confidence bands: theory, implementation, and
an application to SVARs", J. Applied Econometrics 34, 1-17. doi:10.1002/jae.2656
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from causalkit._core.checks import check_choice, check_fraction
from causalkit._core.report import Report, Reported, format_value
from causalkit.errors import InputError
from causalkit.estimation.effect import Effect, quantile
from causalkit.estimation.inference import Asymptotic
from causalkit.estimation.series.serial import HAC
from causalkit.typing import FloatArray

__all__ = [
    "JointTest",
    "adjust_p_values",
    "correlation_of",
    "joint_covariance",
    "normal_draws",
    "shared_rows",
    "step_down",
    "studentized_draws",
    "sup_quantile",
    "wald_test",
]

_N_DRAWS = 50_000


def shared_rows(effects: Sequence[Effect]) -> tuple[FloatArray, Asymptotic]:
    """Influences side by side, shape (n, k), and the inference that reads them.

    Parameters
    ----------
    effects : sequence of Effect

    Raises
    ------
    InputError
        If an effect has no influence, or they are not of the same rows, clusters and inference.
    """
    for number, effect in enumerate(effects):
        if effect.influence is None or (effect.problem is None and "clusters" in effect.details):
            raise InputError(
                f"effect {number} ({effect.method}) has no influence of each row that a joint "
                f"statement could use: {_why_none(effect)}."
            )
    sizes = {len(effect.influence) for effect in effects if effect.influence is not None}
    if len(sizes) > 1:
        raise InputError(
            f"the effects rest on different rows ({', '.join(map(str, sorted(sizes)))} of them); a "
            "joint statement needs the same. Estimate all of them on the same table."
        )
    if not all(_same_design(effects[0], effect) for effect in effects[1:]):
        raise InputError(
            "the effects have different clusters, or different kinds of inference (HAC and other); "
            "a joint statement needs the same. Estimate all of them alike."
        )
    columns = [effect.influence for effect in effects if effect.influence is not None]
    return np.column_stack(columns), _inference(effects[0])


def _why_none(effect: Effect) -> str:
    """Why an effect has no influence, and the way out."""
    if effect.implied:
        return "it follows from the graph alone. Leave it out"
    if effect.problem is not None:
        return "a bootstrap keeps none. Estimate with inference=None"
    if effect.estimator is not None:
        return "a table that is read by blocks keeps none. Estimate from rows in memory"
    return "its clusters were not kept. Estimate without clusters, or by another estimator"


def joint_covariance(effects: Sequence[Effect]) -> tuple[FloatArray, float | None]:
    """Covariance matrix of the estimates, shape (k, k), and its degrees of freedom.

    Parameters
    ----------
    effects : sequence of Effect
        Of the same rows.
    """
    influences, inference = shared_rows(effects)
    errors = np.array([effect.std_error for effect in effects])
    scale = np.where(errors > 0, errors, 1.0)
    problem = effects[0].problem
    known = [effect.df for effect in effects if effect.df is not None]
    df = min(known) if known else None
    parts = influences / scale
    if problem is None:
        covariance = parts.T @ parts
    elif isinstance(inference, HAC) and problem.groups is None:
        place = np.arange(len(parts)) if problem.steps is None else problem.steps.place
        covariance = inference.covariance(parts, place)[0]
    else:
        covariance = inference.joint(parts, problem)
    # The standard errors are those of the effects themselves, whatever is rounded or truncated.
    spread = np.sqrt(np.diag(covariance))
    into = np.divide(errors, spread, out=np.zeros_like(errors), where=spread > 0)
    return covariance * np.outer(into, into), df


def studentized_draws(
    covariance: FloatArray, df: float | None = None, n_draws: int = _N_DRAWS
) -> FloatArray:
    """Draw the t-statistics of all estimates under the null, shape (n_draws, k).

    The stream is fixed, so that what is read off them is a function of the covariance. With degrees
    of freedom they are those of a multivariate Student distribution.

    Parameters
    ----------
    covariance : ndarray of shape (k, k)
    df : float, optional
    n_draws : int
    """
    rng = np.random.default_rng(0)
    draws = normal_draws(correlation_of(covariance), n_draws, rng)
    if df is not None:
        draws /= np.sqrt(rng.chisquare(df, size=n_draws) / df)[:, None]
    return draws


def sup_quantile(covariance: FloatArray, level: float = 0.95, df: float | None = None) -> float:
    """Quantile of max_k |t_k|: standard errors to either side that make a band.

    Parameters
    ----------
    covariance : ndarray of shape (k, k)
    level : float
    df : float, optional

    Examples
    --------
    One effect needs the usual 1.96, two independent ones Šidák's 2.24:

    >>> round(sup_quantile(np.eye(1)), 2), round(sup_quantile(np.eye(2)), 1)
    (1.96, 2.2)
    """
    check_fraction(level, "level")
    alone = quantile(0.5 + level / 2, df)
    free = np.count_nonzero(np.diag(covariance))
    if free < 2:
        return alone
    largest = np.abs(studentized_draws(covariance, df)).max(axis=1)
    # Between one test and Bonferroni's, whatever the draws are.
    bonferroni = quantile(1 - (1 - level) / (2 * free), df)
    return min(max(alone, float(np.quantile(largest, level))), bonferroni)


def step_down(statistics: FloatArray, draws: FloatArray) -> FloatArray:
    """Romano and Wolf's adjusted p-values.

    Parameters
    ----------
    statistics : ndarray of shape (k,)
        t-statistics of the hypotheses.
    draws : ndarray of shape (n_draws, k)
        The same under the nulls, jointly.

    Returns
    -------
    p_values : ndarray of shape (k,)
        At least 1 / (n_draws + 1) each (Romano & Wolf 2016).
    """
    seen, drawn = np.abs(statistics), np.abs(draws)
    order = np.argsort(-seen, kind="stable")
    # Column j holds the maximum over the hypotheses that are not yet decided.
    remaining = np.maximum.accumulate(drawn[:, order[::-1]], axis=1)[:, ::-1]
    exceeding = (remaining >= seen[order]).sum(axis=0)
    adjusted = np.empty(len(seen))
    adjusted[order] = np.maximum.accumulate((1 + exceeding) / (1 + len(drawn)))
    return adjusted


def adjust_p_values(p_values: FloatArray, method: str) -> FloatArray:
    """Bonferroni's or Holm's p-values, which hold under any dependence.

    Parameters
    ----------
    p_values : ndarray of shape (k,)
    method : {"holm", "bonferroni"}

    Examples
    --------
    >>> [round(float(p), 2) for p in adjust_p_values(np.array([0.01, 0.04, 0.03]), "holm")]
    [0.03, 0.06, 0.06]
    """
    check_choice(method, "method", ("holm", "bonferroni"))
    k = len(p_values)
    if method == "bonferroni":
        return np.minimum(1.0, k * p_values)
    order = np.argsort(p_values, kind="stable")
    adjusted = np.empty(k)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate((k - np.arange(k)) * p_values[order]))
    return adjusted


@dataclass(frozen=True, slots=True, repr=False)
class JointTest(Reported):
    """A Wald test of several effects at once.

    Attributes
    ----------
    statistic : float
        W = (θ̂ − θ₀)ᵀ V⁻¹ (θ̂ − θ₀).
    n_restrictions : int
        Rank of the covariance V: how many effects are not implied by the others.
    df : float or None
        With degrees of freedom W / `n_restrictions` is compared with Fisher's F, else W with χ².
    p_value : float
    null : float
    """

    statistic: float
    n_restrictions: int
    df: float | None
    p_value: float
    null: float = 0.0

    def _report(self) -> Report:
        law = f"F({self.n_restrictions}, {self.df:g})" if self.df else f"χ²({self.n_restrictions})"
        return Report(
            title=f"All effects are {self.null:g}: p = {format_value(self.p_value)}",
            facts=[("Wald statistic", self.statistic), ("compared with", law)],
        )


def wald_test(
    values: FloatArray, covariance: FloatArray, df: float | None = None, null: float = 0.0
) -> JointTest:
    """Test that all values equal `null`.

    Parameters
    ----------
    values : ndarray of shape (k,)
    covariance : ndarray of shape (k, k)
        May be singular: restrictions that follow from others are not counted.
    df : float, optional
    null : float
    """
    from scipy.special import chdtrc, fdtrc

    errors = np.sqrt(np.diag(covariance))
    free = errors > 0
    if not free.any():
        raise InputError(
            "no effect has a standard error above zero; a joint test needs at least one. Compare "
            "the values themselves."
        )
    t = (values - null)[free] / errors[free]
    roots, directions = np.linalg.eigh(correlation_of(covariance)[np.ix_(free, free)])
    kept = roots > len(t) * 1e-10 * roots[-1]
    statistic = float(np.sum((directions.T[kept] @ t) ** 2 / roots[kept]))
    rank = int(kept.sum())
    p = chdtrc(rank, statistic) if df is None else fdtrc(rank, df, statistic / rank)
    return JointTest(statistic, rank, df, float(p), null)


def correlation_of(covariance: FloatArray) -> FloatArray:
    """Covariance over the products of standard errors; zero where one is zero."""
    errors = np.sqrt(np.diag(covariance))
    scale = np.where(errors > 0, errors, 1.0)
    return np.asarray(covariance / np.outer(scale, scale))


def normal_draws(covariance: FloatArray, n_draws: int, rng: np.random.Generator) -> FloatArray:
    """Rows of mean zero with this covariance, shape (n_draws, k)."""
    roots, directions = np.linalg.eigh(covariance)
    into = directions * np.sqrt(np.maximum(roots, 0))
    return np.asarray(rng.standard_normal((n_draws, len(roots))) @ into.T)


def _inference(effect: Effect) -> Asymptotic:
    """How influences are read: rows, clusters, or steps of series."""
    kept = effect.details.get("inference")
    if isinstance(kept, Asymptotic):
        return kept
    return Asymptotic() if effect.estimator is None else effect.estimator._asymptotic()


def _same_design(one: Effect, other: Effect) -> bool:
    """Whether both have the same clusters and steps, read alike."""
    if (one.problem is None) != (other.problem is None):
        return False
    readings = (_inference(one), _inference(other))
    if readings[0] != readings[1] and any(isinstance(reading, HAC) for reading in readings):
        return False
    if one.problem is None or other.problem is None:
        return True
    pairs = (
        (one.problem.groups, other.problem.groups),
        (one.problem.second_groups, other.problem.second_groups),
    )
    return all(
        (a is None) == (b is None) and (a is None or b is None or np.array_equal(a, b))
        for a, b in pairs
    )
