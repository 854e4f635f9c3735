"""Effects in models of series: two runs with the same noise, and what was done as the difference.

Where all links are lines that never change, the difference is the same whatever the noise, so one
pair of runs gives it exactly. Elsewhere it is averaged over pairs, each with a past of its own.

>>> from causalkit.models.random_models.series import random_series
>>> model = random_series("linear", n_series=3, rng=0)
>>> truth = effect_in_series(model, "x0", "x0", horizon=1)
>>> truth.exact, bool(abs(truth.value - model.effects(1)[1, 0, 0]) < 1e-12)
(True, True)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from causalkit._core.checks import check_count
from causalkit._core.random import as_generator, draw_seed
from causalkit.errors import InputError, NumericalError, UnknownVariableError
from causalkit.models.interventions import Hold
from causalkit.models.random_models.schedules import MarkovRegimes
from causalkit.models.truth import Truth
from causalkit.typing import FloatArray, Name, RandomState

if TYPE_CHECKING:
    from causalkit.models.random_models.series_model import SeriesModel

__all__ = ["effect_in_series"]

_PAST = 200


def effect_in_series(
    model: SeriesModel,
    cause: Name,
    effect: Name,
    *,
    horizon: int,
    contrast: tuple[float, float] = (0.0, 1.0),
    sustained: bool = False,
    n_draws: int = 1000,
    rng: RandomState = None,
) -> Truth:
    """Mean of a series some steps after another is set to one value instead of another.

    Parameters
    ----------
    model : SeriesModel
    cause, effect : str or int
        Series, hidden ones too.
    horizon : int
        Steps from the first at which the cause is set to the one that is looked at.
    contrast : tuple of float
        The mean under the second value minus the mean under the first; in units of the data.
    sustained : bool
        Set it for all these steps, and not for the first one only.
    n_draws : int
        Pairs of runs, unless the answer is exact.
    rng : int, Generator or None

    Returns
    -------
    Truth
        In units of the data. Of several subjects the mean; of Markov regimes the mean over those
        that the first step may be in.

    Raises
    ------
    UnknownVariableError
        If a series is not in the model.
    InputError
        If `n_draws` is below two.
    NumericalError
        If an effect depends on when it starts: drift, change points, or seasons with bent links.
    """
    horizon = check_count(horizon, "horizon", minimum=0)
    for name in (cause, effect):
        if name not in model.variables:
            raise UnknownVariableError.among(name, model.variables, where="the series")
    if not all(np.isfinite(value) for value in contrast):
        raise InputError(f"contrast={contrast!r}; expected two finite numbers.")
    is_exact = model.is_linear
    if not is_exact:
        _refuse_dated(model)
        n_draws = check_count(n_draws, "n_draws", minimum=2)
    stop = None if sustained else 1
    before = _PAST + model.max_lag
    actions = [
        model.interventions({cause: Hold(value, start=0, stop=stop)}, horizon + 1, before)
        for value in contrast
    ]
    generator = as_generator(rng)
    n_subjects = max(len(model.subject_weights), 1)
    differences = np.empty(1 if is_exact else n_subjects * -(-n_draws // n_subjects))
    j = model.variables.index(effect)
    for k in range(len(differences)):
        seed, subject = draw_seed(generator), k % n_subjects
        ends = [_end(model, horizon, before, seed, subject, action)[j] for action in actions]
        differences[k] = (ends[1] - ends[0]) / model.scaling[1][j]
    error = 0.0 if is_exact else float(differences.std(ddof=1) / np.sqrt(len(differences)))
    how = "held" if sustained else "set once"
    question = f"effect of {cause}, {how}, on {effect} {horizon} step(s) later"
    n_used = 0 if is_exact else len(differences)
    return Truth(float(differences.mean()), error, is_exact, question, n_used)


def _end(
    model: SeriesModel,
    horizon: int,
    before: int,
    seed: int,
    subject: int,
    action: tuple[FloatArray, FloatArray],
) -> FloatArray:
    values, _ = model.run(horizon + 1, before, np.random.default_rng(seed), subject, *action)
    last: FloatArray = values[-1]
    return last


def _refuse_dated(model: SeriesModel) -> None:
    dated = model.regimes is not None and not isinstance(model.regimes, MarkovRegimes)
    bent_seasons = bool(model.drivers) and not model.links.are_linear
    if dated or model.drift is not None or bent_seasons:
        raise NumericalError(
            "an effect depends on when it starts: parameters drift or have change points, or "
            "seasons meet bent links; expected none of these. Compare samples with do={...} and "
            "the same rng instead."
        )
