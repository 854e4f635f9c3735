"""How strongly the instruments move the treatment: `FirstStage`.

Two-stage least squares divides by what the instruments explain of the treatment. Where that is
little, the estimate leans towards the ordinary regression and its interval covers too rarely. How
little is told by F statistics of the first stage:

* the **F statistic** (Wald) of the hypothesis that no instrument matters, by the same kind of
  standard error as the effect;
* the **effective F** of Montiel Olea and Pflueger, π'π / tr(Σ) in orthonormal instruments, Σ the
  covariance of π̂. It is the right yardstick for rows that are not alike; with one instrument both
  are the same, and with homoskedastic errors both are the classical F.

`critical_value` is what the effective F should exceed for the bias to be, in the worst case, below
a tenth of that of a badly biased estimate. It is conservative (23.1 for one instrument); the rule
of thumb that :class:`~causalkit.errors.WeakInstrumentWarning` follows is 10.

References
----------
Montiel Olea, J. L., Pflueger, C. (2013). A robust test for weak instruments. Journal of Business &
Economic Statistics 31(3), 358-369. doi:10.1080/00401706.2013.806694
Staiger, D., Stock, J. H. (1997), "Instrumental variables regression with weak instruments",
Econometrica 65(3), 557-586. doi:10.2307/2171753
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from causalkit._core.checks import check_fraction
from causalkit._core.report import Report, Reported, format_value
from causalkit.errors import InputError, WeakInstrumentWarning
from causalkit.estimation.inference import Asymptotic
from causalkit.estimation.instruments.partialled import Partialled, covariance_of_means
from causalkit.estimation.problem import Problem
from causalkit.typing import FloatArray

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["FirstStage", "effective_f_threshold", "first_stage_of"]

LEAST_F = 10.0
"""Rule of thumb of Staiger and Stock."""


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class FirstStage(Reported):
    """Regression of the treatment on the instruments, given the adjustment columns.

    Attributes
    ----------
    treatment : str or int
    names : tuple of str
        The instruments.
    coefficients, std_errors : ndarray of shape (n_instruments,)
        Of the instruments; of collinear ones the shortest solution.
    n_instruments : int
        Without collinear ones.
    effective_f : float
    critical_value : float
        What `effective_f` exceeds, at 5 %, if the worst bias is below a tenth.
    f_statistic : float
        Of the hypothesis that no instrument matters.
    p_value : float
        Of that hypothesis.
    partial_r2 : float
        Share of the treatment's variance, given the adjustment columns, that they explain.
    """

    treatment: Any
    names: tuple[str, ...]
    coefficients: FloatArray
    std_errors: FloatArray
    n_instruments: int
    effective_f: float
    critical_value: float
    f_statistic: float
    p_value: float
    partial_r2: float

    @property
    def weak(self) -> bool:
        """Whether the effective F is below 10."""
        return not self.effective_f >= LEAST_F

    @property
    def sentence(self) -> str:
        """The result in one sentence."""
        judged = f", weak (below {LEAST_F:g})" if self.weak else ""
        return f"First stage of {self.treatment}: effective F {self.effective_f:.4g}{judged}"

    def warning(self) -> WeakInstrumentWarning | None:
        """What is given as a warning, if there is cause."""
        if not self.weak:
            return None
        shown = ", ".join(map(repr, self.names[:5])) + (", …" if len(self.names) > 5 else "")
        return WeakInstrumentWarning(
            f"the instrument(s) {shown} hardly move {self.treatment!r}: effective first-stage F "
            f"{self.effective_f:.3g}; expected {LEAST_F:g} or more for estimate and interval to "
            "be trusted. Use weak_instrument_set(effect), which holds whatever their strength."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row an instrument with coefficient, std_error and t."""
        import pandas as pd

        columns = {
            "coefficient": self.coefficients,
            "std_error": self.std_errors,
            "t": self.coefficients / self.std_errors,
        }
        return pd.DataFrame(columns, index=list(self.names))

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw the coefficients with their intervals."""
        from causalkit.estimation.effect import Effect
        from causalkit.plotting import plot_effects

        found = zip(self.names, self.coefficients, self.std_errors, strict=True)
        shown = {name: Effect(float(b), float(se), 0, "first stage") for name, b, se in found}
        return plot_effects(shown, ax=ax, **style)

    def _report(self) -> Report:
        rows = [
            (name, float(b), float(se), float(b / se))
            for name, b, se in zip(self.names, self.coefficients, self.std_errors, strict=True)
        ]
        return Report(
            title=self.sentence,
            facts=[
                ("effective F", self.effective_f),
                ("critical value", f"{format_value(self.critical_value)} (worst bias 10 %)"),
                ("F statistic", self.f_statistic),
                ("p-value", self.p_value),
                ("partial R²", self.partial_r2),
            ],
            columns=("instrument", "coefficient", "std. error", "t"),
            rows=rows,
        )


def first_stage_of(
    part: Partialled, problem: Problem, inference: Asymptotic, *, covariance: str = "HC1"
) -> FirstStage:
    """Regress the treatment on the instruments.

    Parameters
    ----------
    part : Partialled
    problem : Problem
    inference : Asymptotic
    covariance : {"HC1", "HC0", "classical"}
        Kind of standard error.
    """
    from scipy.special import fdtrc

    pi = part.pi
    fitted = part.Z @ pi
    left = part.t - fitted
    spread, explained, unexplained = (part.mean(c**2) for c in (part.t, fitted, left))
    if unexplained < 1e-11 * spread:
        raise InputError(
            f"the instruments {part_names(problem)} determine {problem.treatment!r} without error; "
            "expected instruments that move it among other things. If the treatment has no other "
            "cause, it needs no instrument: use OLS()."
        )
    K, n_parameters = part.n_instruments, part.n_exogenous + part.n_instruments
    n = inference.count(problem)
    df = max(n - n_parameters, 1) if problem.groups is None else problem.n_groups - 1
    if covariance == "classical":
        sigma = unexplained / df * np.eye(K)
    else:
        counted = n_parameters if covariance == "HC1" else 0
        sigma = covariance_of_means(part.Z * left[:, None], problem, inference, counted)
    wald = float(pi @ np.linalg.lstsq(sigma, pi, rcond=None)[0])
    f_statistic = wald / np.linalg.matrix_rank(sigma, hermitian=True)
    variances = np.einsum("jk,kl,jl->j", part.into, sigma, part.into)
    return FirstStage(
        treatment=problem.treatment,
        names=problem.others["z"].names,
        coefficients=part.t_unit * (part.into @ pi),
        std_errors=part.t_unit * np.sqrt(variances),
        n_instruments=K,
        effective_f=float(pi @ pi / np.trace(sigma)),
        critical_value=effective_f_threshold(sigma),
        f_statistic=float(f_statistic),
        p_value=float(fdtrc(K, df, f_statistic)),
        partial_r2=explained / spread,
    )


def effective_f_threshold(
    covariance: FloatArray, *, bias: float = 0.1, alpha: float = 0.05
) -> float:
    """Critical value of the effective F, in its simple conservative form.

    Parameters
    ----------
    covariance : ndarray of shape (K, K)
        Of the first-stage coefficients of orthonormal instruments, at any scale.
    bias : float
        The worst bias that is accepted, relative to that of an uninformative first stage.
    alpha : float
        Probability to exceed the value although the bias is larger.

    Returns
    -------
    float

    Notes
    -----
    Where the bias is at its limit, the effective F is close to a noncentral chi-square over its
    degrees of freedom, matched in mean and variance (Patnaik); its upper quantile is the value.

    Examples
    --------
    One instrument, table 1 of the paper:

    >>> [round(effective_f_threshold(np.eye(1), bias=tau), 2) for tau in (0.05, 0.1, 0.2)]
    [37.42, 23.11, 15.06]
    """
    from scipy.special import chndtrix

    check_fraction(bias, "bias")
    check_fraction(alpha, "alpha")
    x = 1 / bias
    trace, squares = float(np.trace(covariance)), float(np.sum(covariance**2))
    largest = float(np.linalg.eigvalsh(covariance)[-1])
    df = trace**2 * (1 + 2 * x) / (squares + 2 * x * trace * largest)
    return float(chndtrix(1 - alpha, df, df * x)) / df


def part_names(problem: Problem) -> str:
    """Names of the instruments, the first ones if there are many."""
    names = problem.others["z"].names
    return ", ".join(map(repr, names[:5])) + (", …" if len(names) > 5 else "")
