"""The report on synthetic data: a frozen value that prints, tabulates and draws itself.

Its headline is the AUC of the best classifier beside that of real data against real data; its other
figures say what is off, each beside the same figure between two halves of the real data, which is
what their length alone makes of a perfect generator.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from causalkit._core.report import Report, Reported, format_value
from causalkit.models.fidelity.copies import Copies
from causalkit.models.fidelity.dependence import Dependence
from causalkit.models.fidelity.marginals import Marginals
from causalkit.models.fidelity.mean_discrepancy import Discrepancy
from causalkit.models.fidelity.missingness import Missingness
from causalkit.models.fidelity.two_sample import TwoSample
from causalkit.models.fidelity.usefulness import Usefulness
from causalkit.models.fidelity.verdicts import grade, sentences
from causalkit.typing import FloatArray, Name

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["FidelityReport", "Overlay", "errors_of"]

_FEWEST_BLOCKS: Final = 4
_PERMUTATIONS: Final = 200
_DOTS: Final = 500
_MOST_ROWS_SHOWN: Final = 12


@dataclass(frozen=True, slots=True, eq=False)
class Overlay:
    """Windows of both sides on the first two principal components of the real ones.

    Attributes
    ----------
    real, synthetic : ndarray of shape (n, 2)
        At most 500 windows of each.
    explained : tuple of float
        Share of the real variance along each component.
    """

    real: FloatArray
    synthetic: FloatArray
    explained: tuple[float, float]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class FidelityReport(Reported):
    """How like the real data the synthetic data are; from :func:`assess_fidelity`.

    Attributes
    ----------
    names : tuple of names
        Variables.
    n_rows : tuple of int
        Real and synthetic rows.
    window : int
        Steps of a window; 1 of a table.
    block : int
        Rows of a block of the real data.
    memory : float
        Steps that the median real series remembers (integrated autocorrelation time).
    two_sample : TwoSample
        What classifiers made of it.
    discrepancy : Discrepancy
        Maximum mean discrepancy.
    marginals : Marginals
    dependence : Dependence
        Correlations, also over lags, and spectra.
    usefulness : Usefulness
        Train on synthetic, test on real.
    copies : Copies
    missingness : Missingness
    overlay : Overlay
        For the picture.
    real_errors : Mapping of str to float
        Errors between two halves of the real data, by the names of :meth:`figures`: what the
        length of the data makes of a perfect generator, or rather more, as halves are short.
    constants : tuple of names
        Variables that have one value in the real data.
    """

    names: tuple[Name, ...]
    n_rows: tuple[int, int]
    window: int
    block: int
    memory: float
    two_sample: TwoSample
    discrepancy: Discrepancy
    marginals: Marginals
    dependence: Dependence
    usefulness: Usefulness
    copies: Copies
    missingness: Missingness
    overlay: Overlay
    real_errors: Mapping[str, float]
    constants: tuple[Name, ...]

    @property
    def is_series(self) -> bool:
        """Whether windows of several steps were compared."""
        return self.window > 1

    @property
    def auc(self) -> float:
        """The highest area under the ROC curve of any classifier; .5 is ideal."""
        return self.two_sample.auc

    @property
    def null_auc(self) -> float:
        """The same of real data against real data."""
        return self.two_sample.null_auc

    @property
    def grade(self) -> str:
        """One phrase for the whole, such as "close to real data"."""
        return grade(self)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What a reader should know, the most important first."""
        return sentences(self)

    def figures(self) -> dict[str, float]:
        """Return the headline figures by name, for a table of several reports."""
        copies = self.copies
        return {
            "auc": self.auc,
            "auc_low": self.two_sample.interval[0],
            "auc_high": self.two_sample.interval[1],
            "null_auc": self.null_auc,
            **{f"auc_{name}": value for name, value in self.two_sample.aucs.items()},
            "mmd": self.discrepancy.value,
            "mmd_p_value": self.discrepancy.p_value,
            **errors_of(self.marginals, self.dependence),
            "usefulness": self.usefulness.ratio,
            "identical": copies.identical,
            "near": copies.near,
            "missing_rate_error": self.missingness.rate_error,
        }

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each variable: its distances, errors, usefulness and missing cells."""
        import pandas as pd

        return pd.DataFrame(self._columns(), index=pd.Index(self.names, name="variable"))

    def plot(self, ax: Axes | Sequence[Axes] | None = None, **style: Any) -> tuple[Axes, ...]:
        """Draw overlay, classifiers, margins and autocorrelations, see `plot_fidelity`."""
        from causalkit.plotting.fidelity import plot_fidelity

        return plot_fidelity(self, ax, **style)

    def _columns(self) -> dict[str, FloatArray]:
        spectra = [np.nan if s is None else s.distance for s in self.dependence.spectra]
        return {
            "distance": self.marginals.distance,
            "wasserstein": self.marginals.wasserstein,
            "shift": self.marginals.shift,
            "sd_ratio": self.marginals.sd_ratio,
            "autocorrelation_error": self.dependence.autocorrelation_error,
            "spectrum_distance": np.array(spectra, dtype=np.float64),
            "usefulness": self.usefulness.ratios,
            "missing_real": self.missingness.rates[0],
            "missing_synthetic": self.missingness.rates[1],
        }

    def _report(self) -> Report:
        columns = self._columns()
        shown = ["distance", "wasserstein", "sd_ratio"]
        shown += ["autocorrelation_error"] if self.is_series else []
        shown += ["usefulness"]
        order = np.argsort(-np.nan_to_num(columns["distance"]), kind="stable")[:_MOST_ROWS_SHOWN]
        test, errors, usual = self.two_sample, self.figures(), self.real_errors

        def beside(name: str) -> str:
            return f"{format_value(errors[name])} (halves of real {format_value(usual[name])})"

        facts: list[tuple[str, object]] = [
            ("rows", f"{self.n_rows[0]:,} real, {self.n_rows[1]:,} synthetic"),
            ("AUC", ", ".join(f"{k.replace('_', ' ')} {v:.3f}" for k, v in test.aucs.items())),
            ("real and real", ", ".join(f"{v:.3f}" for v in test.null_aucs.values())),
            ("MMD²", f"{self.discrepancy.value:.4f} (p = {self.discrepancy.p_value:.3f})"),
            ("distributions", beside("marginal_distance")),
            ("correlations", beside("correlation_error")),
        ]
        if self.is_series:
            facts += [
                ("autocorrelations", beside("autocorrelation_error")),
                ("over lags", beside("cross_correlation_error")),
                ("spectra", beside("spectrum_error")),
            ]
        notes = list(self.sentences)
        if len(self.names) > len(order):
            notes.append(f"{len(self.names) - len(order)} more variables: see .to_frame().")
        return Report(
            title=f"Synthetic data: {self.grade}",
            facts=facts,
            columns=["variable", *(name.replace("_", " ") for name in shown)],
            rows=[
                [str(self.names[k]), *(float(columns[name][k]) for name in shown)]
                for k in order.tolist()
            ],
            notes=notes,
        )


def errors_of(marginals: Marginals, dependence: Dependence) -> dict[str, float]:
    """Errors that two halves of the real data have too, by name."""
    return {
        "marginal_distance": _mean(marginals.distance),
        "wasserstein": _mean(marginals.wasserstein),
        "correlation_error": dependence.correlation_error,
        "autocorrelation_error": _mean(dependence.autocorrelation_error),
        "cross_correlation_error": dependence.cross_correlation_error,
        "spectrum_error": dependence.spectrum_error,
    }


def _mean(values: FloatArray) -> float:
    there = values[~np.isnan(values)]
    return float(there.mean()) if len(there) else float("nan")
