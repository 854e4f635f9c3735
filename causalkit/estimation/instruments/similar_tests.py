"""Tests of an effect whose size does not depend on how strong the instruments are.

Under the hypothesis θ = θ₀ the vector g = δ − θ₀ π has mean zero, whatever the first stage π. What
is left of π, once its covariance with g is taken out, is D, independent of g. From

    AR = g' S⁻¹ g            all K directions of g                              χ²(K)
    LM = (D' S⁻¹ g)² / D' S⁻¹ D     only the direction that D points to         χ²(1)
    r  = D' Ψ⁻¹ D            how strong the first stage looks at θ₀

with S and Ψ the covariance matrices of g and D, follow three tests: Anderson and Rubin's AR,
Kleibergen's K (= LM), and the conditional likelihood ratio,

    CLR = ½ (AR − r + √((AR − r)² + 4 r LM)),

which is AR where r is small and LM where it is large. Given r it is distributed as the same
function of independent χ²(1) and χ²(K−1), so its p-value is an integral over one of them. With
homoskedastic errors this is Moreira's test; else it is Kleibergen's version of it.

All statistics depend on the *direction* of (1, −θ₀) only, so the whole line, infinity included, is
a half circle of angles.

References
----------
Anderson, T. W., Rubin, H. (1949), "Estimation of the parameters of a single equation in a complete
system of stochastic equations", Ann. Math. Stat. 20(1), 46-63. doi:10.1214/aoms/1177730090
Moreira, M. J. (2003). Econometrica 71(4), 1027-1048. doi:10.1111/1468-0262.00438
Kleibergen, F. (2005). Econometrica 73(4), 1103-1123. doi:10.1111/j.1468-0262.2005.00610.x
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from causalkit.typing import FloatArray

__all__ = ["ReducedForm", "SimilarTest", "conditional_p_value"]

_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(64)
_ANGLES = (_NODES + 1) * np.pi / 4
_ANGLE_WEIGHTS = _NODE_WEIGHTS * np.pi / 4
_FAR = 9.0
"""A standard normal is beyond it with probability 2e-19."""


@dataclass(frozen=True, slots=True, eq=False)
class ReducedForm:
    """Reduced form and first stage in units in which their errors are alike and uncorrelated.

    Attributes
    ----------
    coefficients : ndarray of shape (K, 2)
        (δ, π) times the inverse root of the average 2 × 2 covariance of their errors.
    covariance : ndarray of shape (2, 2, K, K)
        Of the columns of `coefficients`.
    root : ndarray of shape (2, 2)
        Lower triangular: (δ, π) = coefficients @ root'.
    unit : float
        Of the effect.
    df : float or None
        Degrees of freedom of the covariance; None for infinitely many.
    alike : bool
        Whether errors were taken to be homoskedastic.
    """

    coefficients: FloatArray
    covariance: FloatArray
    root: FloatArray
    unit: float
    df: float | None
    alike: bool

    @classmethod
    def of(
        cls,
        delta: FloatArray,
        pi: FloatArray,
        covariance: FloatArray,
        *,
        unit: float,
        df: float | None,
        alike: bool,
    ) -> ReducedForm:
        """Standardise (δ, π) with their covariance, of shape (2K, 2K)."""
        K = len(pi)
        blocks = covariance.reshape(2, K, 2, K).transpose(0, 2, 1, 3)
        root = np.linalg.cholesky(np.trace(blocks, axis1=2, axis2=3) / K)
        inverse = np.linalg.inv(root)
        return cls(
            coefficients=np.column_stack([delta, pi]) @ inverse.T,
            covariance=np.einsum("ac,bd,cdkl->abkl", inverse, inverse, blocks),
            root=root,
            unit=unit,
            df=df,
            alike=alike,
        )

    @property
    def n_instruments(self) -> int:
        """K."""
        return len(self.coefficients)

    def angle(self, theta: FloatArray) -> FloatArray:
        """Angles of effects: the direction of (1, −θ) in standard units."""
        directions = np.stack([np.ones_like(theta), -theta / self.unit], axis=-1) @ self.root
        return np.arctan2(directions[..., 1], directions[..., 0])

    def effect(self, angle: float) -> float:
        """Effect at an angle, infinite where the direction has no first component."""
        first, second = np.linalg.solve(self.root.T, [np.cos(angle), np.sin(angle)])
        return float(-second / first * self.unit) if first else np.inf

    def moments(self) -> tuple[float, float, float]:
        """Smallest and largest squared length of g over all angles, and the angle of the first."""
        size = np.sqrt(self.covariance[0, 0, 0, 0])
        _, lengths, directions = np.linalg.svd(np.vstack([self.coefficients, np.zeros(2)]) / size)
        most, least = (float(length**2) for length in lengths)
        return least, most, float(np.arctan2(directions[1, 1], directions[1, 0]))

    def statistics(self, angle: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """AR, the signed root of LM, and r at angles, each of shape (m,)."""
        along = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
        across = np.stack([-along[:, 1], along[:, 0]], axis=-1)
        g, h = along @ self.coefficients.T, across @ self.coefficients.T
        S, C, V = (
            np.einsum("ma,mb,abkl->mkl", one, other, self.covariance)
            for one, other in ((along, along), (across, along), (across, across))
        )
        # cov(h, g) S⁻¹, with the transposes that numpy's solver asks for.
        into = np.linalg.solve(S, C.transpose(0, 2, 1)).transpose(0, 2, 1)
        D = h - np.einsum("mkl,ml->mk", into, g)
        psi = V - into @ C.transpose(0, 2, 1)
        g_weighed, D_weighed = (np.linalg.solve(S, x[:, :, None])[:, :, 0] for x in (g, D))
        ar = np.sum(g * g_weighed, axis=1)
        length = np.sum(D * D_weighed, axis=1)
        # Without a D to point anywhere the direction is that of g.
        root = np.divide(
            np.sum(D * g_weighed, axis=1), np.sqrt(length), out=np.sqrt(ar), where=length > 0
        )
        r = np.sum(D * np.linalg.solve(psi, D[:, :, None])[:, :, 0], axis=1)
        return ar, root, np.maximum(r, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class SimilarTest:
    """One of the tests, on given data.

    Attributes
    ----------
    form : ReducedForm
    kind : {"AR", "CLR", "K"}
    """

    form: ReducedForm
    kind: str

    def p_value(self, theta: FloatArray) -> FloatArray:
        """P-values of effects, shape (m,)."""
        return self.at(self.form.angle(theta))

    def at(self, angle: FloatArray) -> FloatArray:
        """P-values at angles, shape (m,)."""
        ar, root, r = self.form.statistics(angle)
        lm = np.minimum(root**2, ar)
        K, df = self.form.n_instruments, self.form.df
        if self.kind == "AR" or K == 1:
            return _tail(ar, K, df)
        if self.kind == "K":
            return _tail(lm, 1, df)
        return conditional_p_value(_likelihood_ratio(ar, lm, r), r, K)

    def margin(self, angle: FloatArray, alpha: float) -> FloatArray:
        """How far a test at level α is from rejecting, positive where it does not, shape (m,)."""
        if self.kind == "CLR" and self.form.n_instruments > 1:
            return self.at(angle) - alpha
        ar, root, _ = self.form.statistics(angle)
        found: FloatArray = self.limit(alpha) - (root**2 if self.kind == "K" else ar)
        return found

    def limit(self, alpha: float) -> float:
        """Critical value of AR or K."""
        from scipy.special import chdtri, fdtri

        K, df = 1 if self.kind == "K" else self.form.n_instruments, self.form.df
        return float(chdtri(K, alpha) if df is None else K * fdtri(K, df, 1 - alpha))


def conditional_p_value(statistic: FloatArray, rank: FloatArray, n_instruments: int) -> FloatArray:
    """P-value of the conditional likelihood ratio, given the strength of the first stage.

    Parameters
    ----------
    statistic : ndarray of shape (m,)
    rank : ndarray of shape (m,)
        r, the statistic that is conditioned on.
    n_instruments : int
        K, at least 2.

    Returns
    -------
    ndarray of shape (m,)

    Notes
    -----
    With q₁ ~ χ²(1) and q₂ ~ χ²(K−1), CLR ≤ c exactly if q₁ (r + c)/c + q₂ ≤ r + c. Integrated over
    the root of q₁ = c sin² ψ, the integrand is smooth; roots beyond 9 do not occur.

    Examples
    --------
    Without a first stage it is Anderson and Rubin's test, with a strong one Kleibergen's:

    >>> from scipy.stats import chi2
    >>> weak, strong = conditional_p_value(np.array([4.0, 4.0]), np.array([0.0, 1e8]), 3)
    >>> bool(abs(weak - chi2.sf(4, 3)) < 1e-8), bool(abs(strong - chi2.sf(4, 1)) < 1e-6)
    (True, True)
    """
    from scipy.special import chdtr

    c, r = statistic[:, None], rank[:, None]
    largest = np.minimum(np.sqrt(c), _FAR)
    x = largest * np.sin(_ANGLES)
    density = np.sqrt(2 / np.pi) * np.exp(-(x**2) / 2)
    left = np.cos(_ANGLES) ** 2  # 1 − x²/c, computed without cancellation where it can be
    left = np.where(largest < _FAR, left, 1 - x**2 / np.maximum(c, _FAR**2))
    inside = chdtr(n_instruments - 1, (r + c) * left)
    accepted = (density * inside * largest * np.cos(_ANGLES)) @ _ANGLE_WEIGHTS
    tail: FloatArray = np.clip(1 - accepted, 0.0, 1.0)
    return tail


def _likelihood_ratio(ar: FloatArray, lm: FloatArray, r: FloatArray) -> FloatArray:
    gap = ar - r
    root = np.sqrt(gap**2 + 4 * r * lm)
    ratio: FloatArray = (gap + root) / 2
    # Where the first stage is strong, two large numbers nearly cancel; this form does not.
    strong = gap < 0
    ratio[strong] = 2 * (r * lm)[strong] / (root - gap)[strong]
    return ratio


def _tail(statistic: FloatArray, K: int, df: float | None) -> FloatArray:
    """Upper tail of χ²(K), or with `df` of K times an F."""
    from scipy.special import chdtrc, fdtrc

    tail: FloatArray = chdtrc(K, statistic) if df is None else fdtrc(K, df, statistic / K)
    return tail
