"""What a look at series found: one :class:`SeriesDiagnosis` each, and all of them together.

A verdict is what two tests say that disagree on the null: ADF rejects a unit root, KPSS rejects
stationarity. Where both agree the series is stationary or wanders; where both reject, its level
shifts; where neither does, it is too short to tell. `advice` says in sentences what may help.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from causalkit._core.report import Report, Reported
from causalkit.graph.marks import show_name
from causalkit.typing import FloatArray, Name

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SeriesDiagnosis", "SeriesDiagnostics"]


@dataclass(frozen=True, slots=True, repr=False)
class SeriesDiagnosis(Reported):
    """What one series looks like, over its longest run without a gap.

    Attributes
    ----------
    name : str or int
    n_steps, n_missing : int
        Steps of the longest run, and missing cells in all.
    verdict : str
        "stationary"; "trend" (stationary around one); "unit root" (wanders off and does not come
        back); "shifts" (neither, as with a level that jumps, or a memory that lasts very long);
        "undecided" (too short to tell); "outages" (some cells look as if nobody had measured them,
        see `outages`); "constant"; or "categories".
    differencing : int
        Suggested order of differences: 0, 1 or 2.
    adf_p_value : float
        Of a unit root (augmented Dickey-Fuller, with a constant).
    kpss_p_value : float
        Of stationarity (KPSS, with a constant), cut to between 0.01 and 0.1.
    ljung_box_p_value : float
        Of no memory: no autocorrelation up to lag 10.
    autocorrelation : float
        Of neighbouring steps.
    period : int or None
        Steps after which the series comes again, if it does so significantly.
    period_p_value : float
        Of no period.
    outages : tuple of str
        Codes that stand where nothing was measured, and stretches in which the series is stuck at
        the last value. The tests take straight lines there.
    """

    name: Name
    n_steps: int
    n_missing: int
    verdict: str
    differencing: int = 0
    adf_p_value: float = np.nan
    kpss_p_value: float = np.nan
    ljung_box_p_value: float = np.nan
    autocorrelation: float = np.nan
    period: int | None = None
    period_p_value: float = np.nan
    outages: tuple[str, ...] = ()

    def _report(self) -> Report:
        return Report(
            f"Series {show_name(self.name)}",
            facts=[
                ("verdict", self.verdict),
                ("steps", self.n_steps),
                ("missing", self.n_missing),
                ("ADF (unit root)", self.adf_p_value),
                ("KPSS (stationary)", self.kpss_p_value),
                ("Ljung-Box (no memory)", self.ljung_box_p_value),
                ("autocorrelation", self.autocorrelation),
                ("period", self.period),
                ("outages", "; ".join(self.outages) or None),
            ],
        )


@dataclass(frozen=True, slots=True, repr=False)
class SeriesDiagnostics(Reported):
    """What series look like, each and together.

    Attributes
    ----------
    series : tuple of SeriesDiagnosis
    n_rows, n_subjects : int
    n_gaps : int
        Places where a step is missing between two rows.
    n_incomplete : int
        Rows with a missing cell.
    lags : dict of str to int
        Lags of a VAR of all series by "aic", "bic", "hqic" and "fpe"; empty if none can be fitted.
    lag_criteria : dict of str to ndarray of shape (cap + 1,)
        The criteria themselves, by number of lags.
    n_usable : int
        Rows with all lags that BIC asks for.
    advice : tuple of str
    """

    series: tuple[SeriesDiagnosis, ...]
    n_rows: int
    n_subjects: int
    n_gaps: int
    n_incomplete: int
    lags: dict[str, int]
    lag_criteria: dict[str, FloatArray]
    n_usable: int
    advice: tuple[str, ...]

    def __getitem__(self, name: Name) -> SeriesDiagnosis:
        """Return what one series looks like."""
        for one in self.series:
            if one.name == name:
                return one
        raise KeyError(name)

    def to_frame(self) -> pd.DataFrame:
        """Return a row a series."""
        import pandas as pd

        fields = SeriesDiagnosis.__dataclass_fields__
        return pd.DataFrame(
            [{field: getattr(one, field) for field in fields} for one in self.series]
        ).set_index("name")

    def _report(self) -> Report:
        lags = ", ".join(f"{name} {lag}" for name, lag in self.lags.items())
        return Report(
            f"Diagnosis of {len(self.series)} series",
            facts=[
                ("rows", self.n_rows),
                ("subjects", self.n_subjects),
                ("gaps between rows", self.n_gaps),
                ("rows with missing cells", self.n_incomplete),
                ("lags", lags or None),
            ],
            columns=["series", "verdict", "ADF", "KPSS", "Ljung-Box", "period"],
            rows=[
                (
                    show_name(one.name),
                    one.verdict,
                    one.adf_p_value,
                    one.kpss_p_value,
                    one.ljung_box_p_value,
                    one.period,
                )
                for one in self.series
            ],
            notes=[f"• {sentence}" for sentence in self.advice],
        )
