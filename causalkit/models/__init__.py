"""Models that data can be drawn from, with their exact truth.

:func:`random_changing_model` draws a graph with nonlinear mechanisms, some of which differ between
domains or drift over time: what :class:`~causalkit.discovery.CDNOD` is made for.
:func:`random_svar` draws series that drive each other over lags and within a step.
"""

from causalkit.models.random_models import ChangingModel, random_changing_model
from causalkit.models.structural_var import StructuralVAR, bent, random_svar

__all__ = ["ChangingModel", "StructuralVAR", "bent", "random_changing_model", "random_svar"]
