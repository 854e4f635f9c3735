"""Models that data can be drawn from, with their exact truth: fitted, drawn at random, or given.

A structural causal model gives each variable a mechanism: its value, from its causes and its own
noise. Whoever has one can draw data, act on a variable and draw again, ask what would have been
(the same noise, another action), and compute every effect. So a model is two things: an answer, if
it was fitted and its assumptions hold, and a judge, if it is known, of methods that only see data.

===================================  =============================================================
I have, or want                      take
===================================  =============================================================
a graph and a table                  :class:`StructuralCausalModel`: effects, interventions,
                                     counterfactuals
a graph and series                   :class:`TemporalCausalModel`; links and weights that are
                                     known: :class:`StructuralVAR`
data, and no graph                   :class:`Twin`: finds graph and mechanisms, and draws data
                                     that look like mine; :func:`assess_fidelity` says how alike
                                     (:class:`CausalTime` does it with networks, extra `deep`)
any table, to test a method          :func:`random_model`; mechanisms that differ between domains:
                                     :func:`random_changing_model`
any series, with one difficulty      :func:`random_series`, :func:`random_svar`,
                                     :class:`Lorenz96`, :class:`CoupledLogisticMaps`
an effect of textbook difficulty     :func:`effect_task`
data that are worse than the model   :func:`observe`: missing cells, errors, outliers, rounding;
                                     holes as in my data: :func:`fit_missingness`
an action                            a number, :class:`Hold`, :class:`Shift` or :class:`Policy`
===================================  =============================================================

Whatever answers does so with a :class:`Truth`: exact, or with its Monte Carlo error.

>>> model = random_model(n_nodes=4, rng=0)
>>> draw = model.sample(500, rng=1)
>>> draw.data.shape, draw.graph.kind.name
((500, 4), 'DAG')

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
