"""Noise from residuals: as they were, smoothed, or by a formula where one fits better.

Residuals drawn again as they are repeat themselves, and a classifier that sees a value twice knows
a copy. So the usual noise is `Smoothed`: a residual and a little normal noise, shrunk so that the
variance stays. Its bandwidth is 0.9 min(s, q / 1.349) m^(-1/5), with standard deviation s and
interquartile range q of m residuals (Silverman 1986), s alone where q is zero.

Smoothed residuals end where the largest one does, so a tail that is heavy calls for a formula:
Student's t by maximum likelihood, or a mixture of two or three normal distributions by EM.
``kind="auto"`` compares all of them by the density of residuals that were held out, and leaves
`Smoothed` for a normal, a Student or a mixture, in this order, only where the next is better than
the last choice by more than one standard error.

All noise has mean zero: residuals are centred first, and what was their mean belongs to the mean
of the mechanism.

References
----------
Silverman (1986), Density Estimation for Statistics and Data Analysis, Chapman & Hall.
doi:10.1201/9781315140919
Dempster, Laird & Rubin (1977), J. Royal Statistical Society B 39, 1-22.
doi:10.1111/j.2517-6161.1977.tb01600.x
Lange, Little & Taylor (1989), J. American Statistical Association 84, 881-896.
doi:10.1080/01621459.1989.10478852
"""

from __future__ import annotations

from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import digamma, gammaln

from causalkit._core.checks import check_choice
from causalkit.errors import InputError
from causalkit.models.mechanisms.base import Noise
from causalkit.models.noise import Empirical, Laplace, Mixture, Normal, Smoothed, Student, Uniform
from causalkit.typing import FloatArray

__all__ = ["NoiseKind", "fit_noise", "log_density", "rule_of_thumb"]

NoiseKind = Literal["auto", "empirical", "smoothed", "normal", "student", "mixture"]

_FEWEST: Final = 40
"""Residuals from which a formula is looked at."""

_FOLDS: Final = 3
_MOST_HELD_OUT: Final = 900
_MOST_GAIN: Final = 5.0
"""Of one residual: else one far out, where smoothing sees nothing, were all of the error."""

_LEAST_DF, _MOST_DF = 2.5, 100.0
"""A variance that few residuals do not blow up, and next to normal."""

_MOST_GROUPS: Final = 250
_EM_STEPS, _LAST_STEPS = 200, 4
_LEAST_SCALE: Final = 0.02
"""Scale of a part, in standard deviations: likelihood has no bound where it vanishes."""

_BLOCK: Final = 1 << 20


def fit_noise(residuals: ArrayLike, kind: NoiseKind = "auto") -> Noise:
    """Fit noise of mean zero to residuals.

    Parameters
    ----------
    residuals : array of shape (m,)
        Centred here.
    kind : {"auto", "empirical", "smoothed", "normal", "student", "mixture"}
        "auto": `Smoothed`, unless the held-out log density of a formula is higher by more than
        one standard error; a mixture has to be better than Student's t by as much. Student's t
        has 2.5 to 100 degrees of freedom, so that its variance is finite; a mixture has
        two or three parts, by BIC.

    Returns
    -------
    Noise
        `Normal(0.0)` where all residuals are the same.

    Raises
    ------
    InputError
        If residuals are missing, infinite, or none.

    Examples
    --------
    >>> residuals = np.random.default_rng(0).standard_t(3, size=4000)
    >>> noise = fit_noise(residuals)
    >>> type(noise).__name__, bool(2 < noise.df < 4)
    ('Student', True)
    """
    check_choice(kind, "kind", get_args(NoiseKind))
    r = np.asarray(residuals, dtype=np.float64)
    if r.ndim != 1 or not r.size or not np.isfinite(r).all():
        raise InputError(
            f"residuals have shape {r.shape} and {int((~np.isfinite(r)).sum())} cell(s) that are "
            "missing or infinite; expected finite numbers of shape (m,). Leave out the others."
        )
    r = r - r.mean()
    if np.ptp(r) <= 1e-12 * max(1.0, float(np.abs(np.asarray(residuals)).max())):
        return Normal(0.0)
    return _choose(r) if kind == "auto" else _fit(r, kind)


def rule_of_thumb(residuals: FloatArray) -> float:
    """Bandwidth of smoothed residuals: 0.9 min(s, q / 1.349) m^(-1/5).

    Parameters
    ----------
    residuals : ndarray of shape (m,)

    Returns
    -------
    float

    Examples
    --------
    >>> round(rule_of_thumb(np.array([-1.0, 0.0, 1.0])), 3)
    0.536
    """
    low, high = np.quantile(residuals, (0.25, 0.75))
    spread = float(residuals.std())
    if high > low:
        spread = min(spread, float(high - low) / 1.349)
    return float(0.9 * spread * len(residuals) ** -0.2)


def log_density(noise: Noise, values: ArrayLike) -> FloatArray:
    """Log density of noise.

    Parameters
    ----------
    noise : Noise
        Any of :mod:`causalkit.models.noise` but `Empirical`, which has none.
    values : array of shape (n,)

    Returns
    -------
    ndarray of shape (n,)

    Raises
    ------
    InputError
        If the noise has no density.

    Examples
    --------
    >>> float(np.exp(log_density(Uniform(1 / np.sqrt(3)), [0.5])[0]).round(6))
    0.5
    """
    x = np.asarray(values, dtype=np.float64)
    scale = getattr(noise, "scale", 1.0)
    if scale > 0:
        match noise:
            case Normal():
                return _normal(x, 0.0, noise.scale)
            case Laplace():
                b = noise.scale / np.sqrt(2)
                fallen: FloatArray = -np.abs(x) / b - np.log(2 * b)
                return fallen
            case Uniform():
                edge = noise.scale * np.sqrt(3)
                inside: FloatArray = np.where(np.abs(x) <= edge, -np.log(2 * edge), -np.inf)
                return inside
            case Student():
                return _student(x, noise.df, noise.scale)
            case Mixture():
                return _of_parts(x, np.log(noise.shares), noise.means, noise.scales)
            case Smoothed() if noise.bandwidth > 0:
                shrink = np.sqrt(noise.variance / (noise.variance + noise.bandwidth**2))
                centres, m = shrink * noise.residuals, len(noise.residuals)
                width = np.array([shrink * noise.bandwidth])
                return _of_parts(x, np.array([-np.log(m)]), centres, width)
            case _:
                pass
    raise InputError(
        f"{type(noise).__name__} has no density; expected one of Normal, Laplace, Uniform, "
        "Student, Mixture and Smoothed with a scale above 0. Fit it with another `kind`."
    )


def _normal(x: FloatArray, mean: float, scale: float) -> FloatArray:
    result: FloatArray = -0.5 * ((x - mean) / scale) ** 2 - np.log(scale * np.sqrt(2 * np.pi))
    return result


def _student(x: FloatArray, df: float, scale: float) -> FloatArray:
    constant = gammaln((df + 1) / 2) - gammaln(df / 2) - 0.5 * np.log(df * np.pi) - np.log(scale)
    result: FloatArray = constant - (df + 1) / 2 * np.log1p((x / scale) ** 2 / df)
    return result


def _of_parts(
    x: FloatArray, log_shares: FloatArray, means: FloatArray, scales: FloatArray
) -> FloatArray:
    """Log density of a mixture of normal distributions, in blocks of rows."""
    rows = max(_BLOCK // len(means), 1)
    terms = log_shares - np.log(scales * np.sqrt(2 * np.pi))
    found = np.empty(len(x))
    for k in range(0, len(x), rows):
        logs = (x[k : k + rows, None] - means) / scales
        logs *= logs
        logs *= -0.5
        logs += terms
        highest = logs.max(axis=1)
        logs -= highest[:, None]
        found[k : k + rows] = highest + np.log(np.exp(logs, out=logs).sum(axis=1))
    return found


# --- which kind -----------------------------------------------------------------------------------


def _choose(r: FloatArray) -> Noise:
    """Smoothed residuals, or the simplest formula that held-out residuals prefer by an error."""
    n = len(r)
    if n < _FEWEST:
        return _fit(r, "smoothed")
    fold = np.arange(n) % _FOLDS
    densities: dict[NoiseKind, list[FloatArray]]
    densities = {"smoothed": [], "normal": [], "student": [], "mixture": []}
    for k in range(_FOLDS):
        seen, held = r[fold != k], r[fold == k]
        if not np.ptp(seen) > 0:
            return _fit(r, "smoothed")
        held = held[:: -(-len(held) * _FOLDS // _MOST_HELD_OUT)]
        for kind, parts in densities.items():
            parts.append(log_density(_fit(seen, kind), held))
    best: NoiseKind = "smoothed"
    for kind, parts in densities.items():
        gain = np.concatenate(parts) - np.concatenate(densities[best])
        gain = np.clip(gain, -_MOST_GAIN, _MOST_GAIN)
        if gain.mean() > gain.std(ddof=1) / np.sqrt(len(gain)):
            best = kind
    return _fit(r, best)


def _fit(r: FloatArray, kind: NoiseKind) -> Noise:
    """Noise of one kind from residuals that vary."""
    r = r - r.mean()
    match kind:
        case "empirical":
            return Empirical(r)
        case "normal":
            return Normal(float(r.std()))
        case "student":
            return _fit_student(r)
        case "mixture":
            return _fit_mixture(r)
        case _:
            return Smoothed(r, rule_of_thumb(r))


def _fit_student(r: FloatArray) -> Student:
    """Maximum likelihood over the logarithms of scale and degrees of freedom."""
    from scipy.optimize import minimize

    unit = float(r.std())
    x = r / unit

    def loss(at: FloatArray) -> tuple[float, FloatArray]:
        scale, df = np.exp(at)
        z = (x / scale) ** 2
        weight = (df + 1) * z / (df + z)
        by_scale = 1 - weight.mean()
        by_df = -0.5 * (
            digamma((df + 1) / 2)
            - digamma(df / 2)
            - 1 / df
            - np.log1p(z / df).mean()
            + weight.mean() / df
        )
        return -float(_student(x, df, scale).mean()), np.array([by_scale, df * by_df])

    bounds = [(np.log(1e-6), np.log(10.0)), (np.log(_LEAST_DF), np.log(_MOST_DF))]
    start = np.log([0.7, 5.0])
    found = minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B", tol=1e-12)
    scale, df = np.exp(found.x)
    return Student(float(df), float(scale * unit))


def _fit_mixture(r: FloatArray) -> Mixture:
    """EM from two starts for two and three parts each; the lowest BIC."""
    unit = float(r.std())
    x = np.sort(r) / unit
    # EM walks on means of groups of neighbours, and goes its last steps on all residuals.
    edges = np.linspace(0, len(x), min(len(x), _MOST_GROUPS) + 1).astype(np.intp)
    sizes = np.diff(edges).astype(np.float64)
    groups = np.add.reduceat(x, edges[:-1]) / sizes
    found: list[tuple[float, tuple[FloatArray, FloatArray, FloatArray]]] = []
    for m in (2, 3):
        even = np.full(m, 1 / m)
        spots = np.quantile(x, (np.arange(m) + 0.5) / m)
        starts = [(even, spots, np.full(m, 0.7)), (even, np.zeros(m), np.geomspace(0.3, 2.0, m))]
        for start in starts:
            parts = _em(groups, sizes, start, _EM_STEPS)
            parts = _em(x, np.ones(len(x)), parts, _LAST_STEPS)
            shares, means, scales = parts
            fit = float(_of_parts(x, np.log(shares), means, scales).sum())
            found.append(((3 * m - 2) * np.log(len(x)) - 2 * fit, parts))
    shares, means, scales = min(found, key=lambda pair: pair[0])[1]
    return Mixture(shares, (means - shares @ means) * unit, scales * unit)


def _em(
    x: FloatArray,
    sizes: FloatArray,
    start: tuple[FloatArray, FloatArray, FloatArray],
    n_steps: int,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Steps of EM for normal parts: shares, means, scales."""
    shares, means, scales = start
    total, before = sizes.sum(), -np.inf
    for _ in range(n_steps):
        density = shares / scales * np.exp(-0.5 * ((x[:, None] - means) / scales) ** 2)
        sums = np.maximum(density.sum(axis=1), np.finfo(float).tiny)
        own = density * (sizes / sums)[:, None]
        weight = np.maximum(own.sum(axis=0), 1e-10 * total)
        shares = weight / weight.sum()
        means = own.T @ x / weight
        squares = (own * (x[:, None] - means) ** 2).sum(axis=0) / weight
        scales = np.maximum(np.sqrt(squares), _LEAST_SCALE)
        fit = float(sizes @ np.log(sums))
        if fit - before < 1e-7 * total:
            break
        before = fit
    return shares, means, scales
