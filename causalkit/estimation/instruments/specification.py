"""What two-stage least squares can be asked about itself: `SpecificationTest`.

* **Do the instruments agree?** With more instruments than treatments each subset gives an estimate
  of its own. :func:`sargan` (equal variances) and Hansen's J (any) ask whether they differ by more
  than chance. A small p-value says that some instrument is not valid, or that those whom different
  instruments move differ in their effects. A large one does not say that all are valid.
* **Was an instrument needed?** :func:`endogeneity` adds the residual of the first stage to the
  regression of the outcome (Wu, Hausman). If its coefficient is zero, ordinary least squares and
  two-stage least squares estimate the same, the former more precisely.

References
----------
Sargan, J. D. (1958). Econometrica 26(3), 393-415. doi:10.2307/1907619
Hansen, L. P. (1982), "Large sample properties of generalized method of moments estimators",
Econometrica 50(4), 1029-1054. doi:10.2307/1912775
Wu, D.-M. (1973). Econometrica 41(4), 733-750. doi:10.2307/1914093
Hausman, J. A. (1978). Econometrica 46(6), 1251-1271. doi:10.2307/1913827
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from causalkit._core.report import Report, Reported, format_value
from causalkit.estimation.inference import Asymptotic
from causalkit.estimation.instruments.partialled import Partialled, covariance_of_means
from causalkit.estimation.problem import Problem
from causalkit.typing import FloatArray

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["AGREE", "SpecificationTest", "chi_square", "endogeneity", "sargan"]

AGREE = "all instruments agree"


@dataclass(frozen=True, slots=True, repr=False)
class SpecificationTest(Reported):
    """A statistic with its null distribution.

    Attributes
    ----------
    name : str
    null : str
        The hypothesis, in words.
    statistic : float
    df : float
        Degrees of freedom.
    p_value : float
    df_denominator : float or None
        Of an F statistic.
    """

    name: str
    null: str
    statistic: float
    df: float
    p_value: float
    df_denominator: float | None = None

    @property
    def sentence(self) -> str:
        """The result in one line."""
        return (
            f"{self.name}: {format_value(self.statistic)}, p = {format_value(self.p_value)} "
            f"(null: {self.null})"
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row with statistic, df, df_denominator and p_value."""
        import pandas as pd

        row = {
            "statistic": self.statistic,
            "df": self.df,
            "df_denominator": self.df_denominator,
            "p_value": self.p_value,
        }
        return pd.DataFrame([row], index=[self.name])

    def _report(self) -> Report:
        return Report(
            title=self.sentence,
            columns=("statistic", "df", "p-value"),
            rows=[(self.statistic, self.df, self.p_value)],
        )


def chi_square(name: str, null: str, statistic: float, df: int) -> SpecificationTest:
    """Return a test whose statistic is chi-square under the null."""
    from scipy.special import chdtrc

    return SpecificationTest(name, null, statistic, df, float(chdtrc(df, statistic)))


def sargan(part: Partialled, residuals: FloatArray, n_obs: float) -> SpecificationTest:
    """Test that instruments agree, for errors of equal variance: n R² of residuals on instruments.

    Parameters
    ----------
    part : Partialled
    residuals : ndarray of shape (n,)
        y − θ t, adjustment columns taken out.
    n_obs : float
    """
    explained = part.on_instruments(residuals)
    statistic = n_obs * float(explained @ explained) / part.mean(residuals**2)
    return chi_square("Sargan", AGREE, statistic, part.n_instruments - 1)


def endogeneity(
    part: Partialled, problem: Problem, inference: Asymptotic, *, covariance: str = "HC1"
) -> SpecificationTest | None:
    """Test that ordinary least squares would do; None if there are too few rows to tell.

    Parameters
    ----------
    part : Partialled
    problem : Problem
    inference : Asymptotic
    covariance : {"HC1", "HC0", "classical"}
    """
    from scipy.special import fdtrc

    n, n_parameters = inference.count(problem), part.n_exogenous + 2
    df = n - n_parameters if problem.groups is None else problem.n_groups - 1.0
    if df < 1:
        return None
    # y on the treatment and the residual of its first stage; of the latter, what the former leaves.
    v = part.t - part.Z @ part.pi
    r = v - part.t * (part.mean(part.t * v) / part.mean(part.t**2))
    slope, spread = part.mean(r * part.y), part.mean(r**2)
    if not spread > 0:
        return None
    rho = slope / spread
    u = part.y - rho * r
    u = u - part.t * (part.mean(part.t * u) / part.mean(part.t**2))
    if covariance == "classical":
        variance = part.mean(u**2) / df / spread
    else:
        counted = n_parameters if covariance == "HC1" else 0
        rows = (r * u / spread)[:, None]
        variance = float(covariance_of_means(rows, problem, inference, counted)[0, 0])
    if not variance > 0:
        return None
    statistic = float(rho**2 / variance)
    null = f"{problem.treatment} shares no hidden cause with {problem.outcome}"
    p_value = float(fdtrc(1, df, statistic))
    return SpecificationTest("Wu-Hausman", null, statistic, 1, p_value, float(df))
