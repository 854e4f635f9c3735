"""Models drawn at random, with their exact truth: tables, series, and tasks of effects."""

from causalkit.models.random_models.calendar import Season, Trend
from causalkit.models.random_models.changing import ChangingModel, random_changing_model
from causalkit.models.random_models.drawn_data import Draw
from causalkit.models.random_models.dynamics import CoupledLogisticMaps, Lorenz96
from causalkit.models.random_models.resampling import Resampled
from causalkit.models.random_models.schedules import ChangePoints, Drift, MarkovRegimes
from causalkit.models.random_models.series import random_series
from causalkit.models.random_models.series_draw import SeriesDraw
from causalkit.models.random_models.series_model import SeriesModel
from causalkit.models.random_models.series_specification import SeriesSpec
from causalkit.models.random_models.specification import ModelSpec
from causalkit.models.random_models.tabular import random_model
from causalkit.models.random_models.tabular_model import RandomModel
from causalkit.models.random_models.tasks import EffectTask, effect_task

__all__ = [
    "ChangePoints",
    "ChangingModel",
    "CoupledLogisticMaps",
    "Draw",
    "Drift",
    "EffectTask",
    "Lorenz96",
    "MarkovRegimes",
    "ModelSpec",
    "RandomModel",
    "Resampled",
    "Season",
    "SeriesDraw",
    "SeriesModel",
    "SeriesSpec",
    "Trend",
    "effect_task",
    "random_changing_model",
    "random_model",
    "random_series",
]
