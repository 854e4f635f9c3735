"""Models that data can be drawn from, with their exact truth: fitted, drawn at random, or given.

**Fitted to your data.** :class:`StructuralCausalModel` (tables) and :class:`TemporalCausalModel`
(series): mechanisms on a graph, interventions, counterfactuals, effects. :class:`Twin` finds graph
and mechanisms itself and draws data that look like yours; :func:`assess_fidelity` says how alike
they are. :class:`CausalTime` does so with networks (extra `deep`).

**Drawn at random.** :func:`random_model` (tables), :func:`random_series`, :func:`effect_task`
(textbook effects); :func:`random_changing_model` (mechanisms that differ between domains) and
:func:`random_svar`.

**What comes in between.** Layers of :func:`observe`: missing cells, errors, outliers, rounding.

What a model is made of is in :mod:`causalkit.models.mechanisms` and :mod:`causalkit.models.noise`.
"""

from causalkit.models.causaltime import CausalTime, DiscriminativeScore, weak_discriminative_score
from causalkit.models.fidelity import FidelityReport, assess_fidelity
from causalkit.models.interventions import Hold, Policy, Shift
from causalkit.models.observation import (
    Censoring,
    Dropouts,
    MeasurementError,
    Missing,
    MissingPattern,
    Observed,
    ObservedModel,
    Outliers,
    Rounding,
    ZeroInflation,
    fit_missingness,
    observe,
)
from causalkit.models.random_models import (
    ChangePoints,
    ChangingModel,
    CoupledLogisticMaps,
    Draw,
    Drift,
    EffectTask,
    Lorenz96,
    MarkovRegimes,
    ModelSpec,
    RandomModel,
    Resampled,
    Season,
    SeriesDraw,
    SeriesModel,
    SeriesSpec,
    Trend,
    effect_task,
    random_changing_model,
    random_model,
    random_series,
)
from causalkit.models.structural.structural_model import StructuralCausalModel
from causalkit.models.structural_var import StructuralVAR, bent, random_svar
from causalkit.models.temporal.temporal_model import TemporalCausalModel
from causalkit.models.truth import Truth
from causalkit.models.twin import Twin

__all__ = [
    "CausalTime",
    "Censoring",
    "ChangePoints",
    "ChangingModel",
    "CoupledLogisticMaps",
    "DiscriminativeScore",
    "Draw",
    "Drift",
    "Dropouts",
    "EffectTask",
    "FidelityReport",
    "Hold",
    "Lorenz96",
    "MarkovRegimes",
    "MeasurementError",
    "Missing",
    "MissingPattern",
    "ModelSpec",
    "Observed",
    "ObservedModel",
    "Outliers",
    "Policy",
    "RandomModel",
    "Resampled",
    "Rounding",
    "Season",
    "SeriesDraw",
    "SeriesModel",
    "SeriesSpec",
    "Shift",
    "StructuralCausalModel",
    "StructuralVAR",
    "TemporalCausalModel",
    "Trend",
    "Truth",
    "Twin",
    "ZeroInflation",
    "assess_fidelity",
    "bent",
    "effect_task",
    "fit_missingness",
    "observe",
    "random_changing_model",
    "random_model",
    "random_series",
    "random_svar",
    "weak_discriminative_score",
]
