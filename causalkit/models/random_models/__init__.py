"""Models drawn at random, with their exact truth."""

from causalkit.models.random_models.changing import ChangingModel, random_changing_model

__all__ = ["ChangingModel", "random_changing_model"]
