"""How like real data synthetic data are: one fair test, and what is off.

:func:`assess_fidelity` compares a table or series of a generator with the real ones and returns a
:class:`FidelityReport`: whether classifiers can tell windows of one from windows of the other,
which distributions, correlations and spectra differ, whether what is learnt from the synthetic data
holds on real ones, and whether the training data were copied.
"""

from causalkit.models.fidelity.assessment import assess_fidelity
from causalkit.models.fidelity.copies import Copies
from causalkit.models.fidelity.dependence import Dependence, Spectrum
from causalkit.models.fidelity.marginals import Marginals
from causalkit.models.fidelity.mean_discrepancy import Discrepancy
from causalkit.models.fidelity.missingness import Missingness
from causalkit.models.fidelity.report import FidelityReport, Overlay
from causalkit.models.fidelity.two_sample import TwoSample
from causalkit.models.fidelity.usefulness import Usefulness

__all__ = [
    "Copies",
    "Dependence",
    "Discrepancy",
    "FidelityReport",
    "Marginals",
    "Missingness",
    "Overlay",
    "Spectrum",
    "TwoSample",
    "Usefulness",
    "assess_fidelity",
]
