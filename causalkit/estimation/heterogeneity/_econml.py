"""EconML's side of the house: seeds in every nuisance, its warnings and errors in our words.

EconML takes `random_state` for itself and leaves that of the nuisance learners alone, so that a
seeded estimator still gives another answer each time; learners are seeded here before they go in.
Its estimators can be neither cloned nor printed, so ours build a new one at each fit.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from causalkit._core.parallel import one_thread
from causalkit.errors import (
    AssumptionWarning,
    CausalkitError,
    ConvergenceWarning,
    NumericalError,
)
from causalkit.estimation.problem import Problem
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["effects_and_errors", "fit_econml", "splits_of"]

_FEW_ROWS = 20_000

_OF_THEIR_AVERAGE = "`ate_`"
"""What a forest says of its own average effect, which is not used here."""


def splits_of(folds: IntArray) -> list[tuple[IntArray, IntArray]]:
    """Folds as scikit-learn lists them: rows to fit on, rows to predict."""
    return [(np.flatnonzero(folds != k), np.flatnonzero(folds == k)) for k in np.unique(folds)]


def fit_econml(model: Any, problem: Problem, within: BoolArray, *, controls: bool) -> Any:
    """Fit a model of EconML, and say its warnings and errors in our words.

    Parameters
    ----------
    model : estimator of EconML
    problem : Problem
    within : ndarray of bool, shape (k,)
        Columns of `problem.X` that modify the effect.
    controls : bool
        Whether the model adjusts for the other columns beside the modifiers.
    """
    options: dict[str, Any] = {"X": problem.X[:, within]}
    if controls and not within.all():
        options["W"] = problem.X[:, ~within]
    if "z" in problem.others:
        options["Z"] = problem.others["z"].values
    if problem.sample_weight is not None:
        options["sample_weight"] = problem.sample_weight
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            with one_thread(problem.n_obs <= _FEW_ROWS):
                model.fit(problem.y, problem.t, **options)
        except CausalkitError:
            raise
        except Exception as error:
            raise NumericalError(
                f"EconML's {type(model).__name__} failed on {problem.n_obs} rows: "
                f"{str(error).rstrip('.')}. Use other learners, fewer folds, or more rows."
            ) from error
    _say_again(type(model).__name__, heard)
    return model


def effects_and_errors(
    model: Any, X: FloatArray, contrast: tuple[int, int], *, errors: bool
) -> tuple[FloatArray, FloatArray | None]:
    """Effects at X of the second level against the first, and their standard errors if wanted."""
    options = {"T0": contrast[0], "T1": contrast[1]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        values = np.asarray(model.effect(X, **options), dtype=np.float64).reshape(len(X))
        std_errors = None
        if errors:
            found = model.effect_inference(X, **options).stderr
            std_errors = np.asarray(found, dtype=np.float64).reshape(len(X))
    if not np.isfinite(values).all():
        raise NumericalError(
            f"EconML's {type(model).__name__} predicts effects that are not finite; expected "
            "finite numbers. Rescale the columns, or use other learners."
        )
    return values, std_errors


def _say_again(name: str, heard: list[warnings.WarningMessage]) -> None:
    """Give each warning that concerns the user once, as one of our classes."""
    said: set[str] = set()
    for warning in heard:
        text = " ".join(str(warning.message).split())
        about_itself = issubclass(warning.category, (DeprecationWarning, FutureWarning))
        if about_itself or _OF_THEIR_AVERAGE in text or text in said:
            continue
        said.add(text)
        slow = "onverge" in text or "onvergence" in warning.category.__name__
        kind = ConvergenceWarning if slow else AssumptionWarning
        warnings.warn(kind(f"EconML's {name} says: {text}"), stacklevel=4)
