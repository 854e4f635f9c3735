"""How strong a hidden common cause would have to be: arithmetic of omitted-variable bias.

Somebody says: "you did not measure U, which drives both treatment and outcome". No data can refute
that, but arithmetic can say how strong such a U would have to be. Its strength is two numbers:

* `r2_outcome` — the share of the variation of the outcome, left over after treatment and adjustment
  columns, that U would explain;
* `r2_treatment` — the share of the variation of the treatment, left over after the adjustment
  columns, that U would explain.

Leaving U out then moves the estimate by exactly, at worst,

    |bias| = √( r2_outcome · r2_treatment / (1 − r2_treatment) ) · S,    S = sd(y⊥) / sd(t⊥),

where y⊥ and t⊥ are those leftovers. For a linear regression this is algebra (Cinelli & Hazlett
2020); with machine-learned nuisances the same bound holds with another S and, for a discrete
treatment, `r2_treatment` is the share of the precision of the inverse-propensity weights (of the
Riesz representer) that U would add (Chernozhukov et al. 2022).

The *robustness value* is the strength, the same for both, at which the estimate (or its interval)
reaches zero. It needs a yardstick, and the best one is in the data: what if U were as strong as the
strongest column that *was* measured? :func:`benchmark_strength` answers that.

>>> t_statistic, df = 0.09731582 / 0.02325654, 783      # war damage and peace in Darfur
>>> print(f"{robustness_value(t_statistic, df):.3f}")
0.139
>>> print(f"{robustness_value(t_statistic, df, alpha=0.05):.3f}")
0.076

References
----------
Cinelli & Hazlett (2020), "Making sense of sensitivity: extending omitted variable bias". JRSS-B 82,
39-67. doi:10.1111/rssb.12348
Chernozhukov, Cinelli, Newey, Sharma & Syrgkanis (2022), "Long story short: omitted variable bias in
causal machine learning". NBER working paper 30302. doi:10.3386/w30302
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from causalkit._core.checks import check_fraction
from causalkit.errors import InputError

__all__ = [
    "benchmark_strength",
    "check_df",
    "equal_strength",
    "joint_strength",
    "partial_r2",
    "robustness_value",
]


def partial_r2(t_statistic: float, df: float) -> float:
    """Share of leftover variation that a regressor explains, from its t statistic.

    Parameters
    ----------
    t_statistic : float
        Coefficient over its classical (homoskedastic) standard error.
    df : float
        Residual degrees of freedom.

    Returns
    -------
    float
        Partial R², between 0 and 1.

    Examples
    --------
    >>> print(f"{partial_r2(4.184, 783):.4f}")
    0.0219
    """
    check_df(df)
    return t_statistic**2 / (t_statistic**2 + df)


def robustness_value(
    t_statistic: float, df: float, *, reduction: float = 1.0, alpha: float | None = None
) -> float:
    """Strength that a hidden common cause needs to bring an OLS estimate down.

    Parameters
    ----------
    t_statistic : float
        Coefficient over its classical standard error.
    df : float
        Residual degrees of freedom.
    reduction : float
        Share of the estimate to be explained away; 1 brings it to zero.
    alpha : float, optional
        If given, the strength at which the estimate, reduced that far, is no longer significant at
        this level. Without it, the strength at which the point estimate is reduced that far.

    Returns
    -------
    float
        Share between 0 and 1 of the leftover variation of treatment and of outcome. Weaker
        confounders (both shares below it) cannot do it.

    References
    ----------
    Cinelli & Hazlett (2020), "Making sense of sensitivity: extending omitted variable bias",
    sections 4.1-4.2. doi:10.1111/rssb.12348

    Examples
    --------
    >>> print(f"{robustness_value(4.184, 783, reduction=0.5):.3f}")
    0.072
    """
    check_df(df, minimum=1 if alpha is not None else 0)
    if reduction <= 0:
        raise InputError(
            f"reduction={reduction!r}; expected a positive share of the estimate, 1 for all of it."
        )
    f = reduction * abs(t_statistic) / np.sqrt(df)
    critical = 0.0
    if alpha is not None:
        check_fraction(alpha, "alpha")
        critical = float(stats.t.ppf(1 - alpha / 2, df - 1)) / np.sqrt(df - 1)
    return equal_strength(f, critical)


def benchmark_strength(
    r2_outcome: float, r2_treatment: float, *, times: float = 1.0
) -> tuple[float, float]:
    """Strength of a hidden common cause that is `times` as strong as a measured one, for OLS.

    Parameters
    ----------
    r2_outcome : float
        Partial R² of the measured column with the outcome, given treatment and other columns.
    r2_treatment : float
        Partial R² of the measured column with the treatment, given the other columns.
    times : float
        How many times as strong, for both.

    Returns
    -------
    r2_outcome, r2_treatment : float
        Of the hidden one; not above 1.

    Raises
    ------
    InputError
        If the hidden one would explain more of the treatment than there is.

    References
    ----------
    Cinelli & Hazlett (2020), "Making sense of sensitivity: extending omitted variable bias",
    section 4.4 and appendix B. doi:10.1111/rssb.12348
    """
    check_fraction(r2_outcome, "r2_outcome", closed=True)
    check_fraction(r2_treatment, "r2_treatment", closed=True)
    if times <= 0:
        raise InputError(f"times={times!r}; expected a positive number, 1 for just as strong.")
    strength = times * r2_treatment / (1 - r2_treatment) if r2_treatment < 1 else np.inf
    if strength >= 1:
        raise InputError(
            f"a hidden cause {times:g} times as strong as one that explains {r2_treatment:.0%} of "
            "the treatment would explain all of it; expected times < "
            f"{(1 - r2_treatment) / max(r2_treatment, 1e-300):.3g}. Ask for less."
        )
    # Partial R² of the measured column with the hidden one, given treatment: conditioning on the
    # treatment, a collider of the two, ties them together.
    tie = times * r2_treatment**2 / ((1 - times * r2_treatment) * (1 - r2_treatment))
    if tie >= 1 or r2_outcome >= 1:
        return 1.0, strength
    eta = (np.sqrt(times) + np.sqrt(tie)) / np.sqrt(1 - tie)
    return min(1.0, float(eta**2 * r2_outcome / (1 - r2_outcome))), strength


def joint_strength(r2_outcome: float, r2_treatment: float) -> float:
    """Return √(r2_outcome · r2_treatment / (1 − r2_treatment)), with 0 · ∞ = 0."""
    if r2_outcome == 0 or r2_treatment == 0:
        return 0.0
    if r2_treatment == 1:
        return float(np.inf)
    return float(np.sqrt(r2_outcome * r2_treatment / (1 - r2_treatment)))


def equal_strength(f: float, critical: float) -> float:
    """Solve r / √(1−r) = f − critical for r.

    For f > 1/critical the interval reaches zero soonest with r2_outcome below r, since a stronger
    tie to the outcome would make it narrower; r is then the treatment's share at that optimum.
    """
    left = f - critical
    if left <= 0:
        return 0.0
    if critical > 0 and f > 1 / critical:
        return float((f**2 - critical**2) / (1 + f**2))
    return float((np.sqrt(left**4 + 4 * left**2) - left**2) / 2)


def check_df(df: float, *, minimum: float = 0) -> None:
    """Refuse residual degrees of freedom that leave nothing to judge by."""
    if not df > minimum:
        raise InputError(
            f"df={df!r}; expected residual degrees of freedom above {minimum:g}: more rows than "
            "coefficients. Adjust for fewer columns."
        )
