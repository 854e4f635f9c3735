"""Models that data can be drawn from, with their exact truth.

:func:`random_changing_model` draws a graph with nonlinear mechanisms, some of which differ between
domains or drift over time: what :class:`~causalkit.discovery.CDNOD` is made for.
"""

from causalkit.models.random_models import ChangingModel, random_changing_model

__all__ = ["ChangingModel", "random_changing_model"]
