"""`estimate_streamed`: an effect from a table that is never in memory.

Least squares, and partially linear regression with linear nuisances, ask of the rows only products
of columns. A file, a query or a dask DataFrame is read three times by blocks, and each block is
forgotten:

1. columns are checked: missing or infinite cells, text, columns that do not vary;
2. products by cell (outer and inner fold) give the coefficients of every fold, and, as a quadratic
   form in the products of the rows left out, the effect θ = Σ u v / Σ v², where u and v are what is
   left of outcome and treatment;
3. Σ v² (u − θ v)² gives the robust standard error; the sums of step 2 are taken once more from the
   rows themselves, and have to agree.

The fold of a row follows from its number and the seed, so it is the same in every reading, and the
same rows in memory with the same folds give the same numbers. The influence of each row is not
kept, and neither are the rows: such an effect can be reported, but not bootstrapped or refitted.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import clone

from causalkit._core.checks import check_choice, check_count
from causalkit._core.random import as_generator
from causalkit._core.sources import container
from causalkit._core.streams import is_stream
from causalkit.errors import InputError, NumericalError
from causalkit.estimation.base import EffectEstimator
from causalkit.estimation.effect import Effect
from causalkit.estimation.inference import Asymptotic
from causalkit.estimation.nuisances.gram_learners import GramOLS
from causalkit.estimation.nuisances.linear_fits import warn_if_restless
from causalkit.estimation.nuisances.penalised import GramLasso, GramRidge
from causalkit.estimation.orthogonal.partially_linear import PLR
from causalkit.estimation.problem import explained_away
from causalkit.estimation.reading import asked
from causalkit.estimation.regression import OLS
from causalkit.estimation.streamed_rows import Reading
from causalkit.estimation.streamed_sums import Recipe, Sums, fit_folds, left_over, products_of
from causalkit.graph.lagged_graph import LaggedGraph
from causalkit.identification.estimand import AdjustmentEstimand
from causalkit.typing import Data, Name, RandomState

__all__ = ["estimate_streamed"]

_ROWS_A_FOLD = 10
"""Folds by chance of so many rows each are not empty."""

_NOTHING_LEFT = 1e-10
"""A treatment with less of its variance left than this is a combination of the columns."""

_LEAST_VARIANCE = 0.01
"""With less of it left, the user hears of it."""


def estimate_streamed(
    estimand: Any,
    data: Data,
    estimator: EffectEstimator | None = None,
    *,
    sample_weight: Name | None = None,
    random_state: RandomState = None,
) -> Effect:
    """Estimate an effect by adjustment from a table that is read by blocks.

    Parameters
    ----------
    estimand : AdjustmentEstimand
        With one treatment and one outcome.
    data : str, path, or container
        A Parquet or CSV file, a folder or a glob of Parquet files; a pyarrow Dataset or
        ParquetFile, a DuckDB relation, a polars LazyFrame, a dask DataFrame.
    estimator : OLS or PLR, optional
        `OLS()`, or `PLR` whose learners are `GramOLS`, `GramRidge` or `GramLasso`; their
        `features` must be None: columns are expanded in the query. By default PLR with two
        `GramLasso()`, and OLS where there is nothing to adjust for.
    sample_weight : str or int, optional
        Column of weights.
    random_state : int, Generator or None
        For an estimator whose own is None.

    Returns
    -------
    Effect
        Without `influence` and without `problem`.

    Raises
    ------
    InputError
        If a column cannot be used, the estimator needs the rows, or rows change between readings.
    NumericalError
        If nothing of the treatment is left after adjustment.

    Notes
    -----
    **Assumes:**

    - no hidden common cause of treatment and outcome beyond the adjustment columns;
    - outcome and treatment are linear in them, and the effect is the same for everybody;
    - rows are independent, and come in the same order in each reading.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import pyarrow as pa
    >>> import pyarrow.parquet
    >>> import causalkit as ck
    >>> rng = np.random.default_rng(0)
    >>> Z = rng.normal(size=500)
    >>> X = Z + rng.normal(size=500)
    >>> table = pa.table({"Z": Z, "X": X, "Y": 2 * X + Z + rng.normal(size=500)})
    >>> estimand = ck.identify(ck.CausalGraph.parse("Z -> X -> Y; Z -> Y"), "X", "Y")
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "table.parquet"
    ...     pa.parquet.write_table(table, path)
    ...     effect = estimate_streamed(estimand, path, ck.estimation.OLS())
    >>> bool(2 in effect.interval(0.99)), effect.influence is None
    (True, True)
    """
    _check_data(data)
    if not isinstance(estimand, AdjustmentEstimand) or isinstance(estimand.graph, LaggedGraph):
        raise InputError(
            f"{type(estimand).__name__} cannot be estimated by blocks; expected one by "
            "adjustment, of a graph without steps. Read the rows that are needed into memory."
        )
    treatment, outcome = asked(estimand)
    adjustment = tuple(estimand.adjustment)
    if estimator is None:
        estimator = PLR(GramLasso(), GramLasso()) if adjustment else OLS()
    chosen = _checked_estimator(estimator)
    reading = Reading.of(data, outcome, treatment, adjustment, sample_weight)
    n, n_folds = reading.moments.n_rows, getattr(chosen, "n_folds", 1)
    if n < _ROWS_A_FOLD * n_folds and n_folds > 1:
        raise InputError(
            f"there are {n} rows for {n_folds} folds; expected at least {_ROWS_A_FOLD} a fold "
            "where they follow from row numbers. Use estimate() on the rows in memory."
        )
    own = getattr(chosen, "random_state", None)
    key = int(as_generator(random_state if own is None else own).integers(2**62))
    effect = _read_again(reading, Recipe(chosen if adjustment else OLS(), key), chosen)
    for alert in chosen._alerts(effect.details) if isinstance(chosen, PLR) else ():
        warnings.warn(alert, stacklevel=2)
    return replace(effect, estimand=estimand)


def _read_again(reading: Reading, recipe: Recipe, chosen: Any) -> Effect:
    """Second reading for the models of all folds, third for the effect and its error."""
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is refused by name
        products = products_of(reading, recipe)
        fits, n_coefficients = fit_folds(products, recipe)
        left = left_over(products, fits)
    warn_if_restless(fits)
    total = np.diagonal(products.shaped(-1).pooled().gram)[-2:]
    share = float(left[1, 1] / total[1])
    if not share > _NOTHING_LEFT:
        raise explained_away(reading.treatment, reading.moments.n_rows, n_coefficients)
    sums = Sums.of(reading, recipe, fits, left[0, 1] / left[1, 1])
    sums.check(left, total)
    unit, contrast = reading.contrast(two_valued=sums.two_valued)
    factor, df, facts = _of_sample(chosen, sums.n_weighted, n_coefficients, share)
    uv, vv = sums.products[:, 1]
    return Effect(
        value=float(unit * uv / vv),
        std_error=float(unit * math.sqrt(factor * sums.squares) / vv),
        n_obs=reading.moments.n_rows,
        method=f"{chosen._method()}; read by blocks",
        details={"contrast": contrast, **reading.outcome_facts, **facts},
        df=df,
        estimator=chosen,
    )


# --- what can be done without the rows ---------------------------------------------------------


def _check_data(data: Data) -> None:
    if container(data) == "reader":
        raise InputError(
            "a RecordBatchReader can be read once only, and an effect takes three readings. Pass "
            "the file, the Dataset or the query that it reads from."
        )
    if not is_stream(data):
        raise InputError(
            f"data is a {type(data).__name__}; expected a path, a pyarrow Dataset or ParquetFile, "
            "a DuckDB relation, a polars LazyFrame or a dask DataFrame. Use estimate() for a table "
            "in memory."
        )


def _checked_estimator(estimator: EffectEstimator) -> Any:
    """Return the OLS or PLR, if products of columns are all that it asks for."""
    chosen: Any = clone(estimator)
    inference = getattr(chosen, "inference", None)
    lacking = None
    if inference is not None and inference != Asymptotic():
        lacking = f"inference={inference} needs the influence of each row"
    elif type(chosen) is OLS:
        if chosen.features is not None or chosen.contrast is not None:
            lacking = "features and contrast have to be None"
        elif chosen.covariance not in ("HC0", "HC1"):
            lacking = f"covariance={chosen.covariance!r} needs the leverage of each row"
    elif type(chosen) is PLR:
        lacking = _lacking_of_plr(chosen)
    else:
        lacking = "it is neither OLS nor PLR"
    if lacking is not None:
        raise InputError(
            f"{estimator} cannot read a table by blocks: {lacking}; expected OLS(), or PLR with "
            "GramOLS(), GramRidge() or GramLasso(). Or read the rows that are needed into memory."
        )
    return chosen


def _lacking_of_plr(plr: PLR) -> str | None:
    check_count(plr.n_folds, "n_folds", minimum=2)
    check_choice(plr.score, "score", ("partialling-out", "IV-type"))
    if plr.n_repeats != 1 or plr.score != "partialling-out":
        return 'n_repeats has to be 1 and score "partialling-out"'
    for learner in (plr.outcome_learner, plr.treatment_learner):
        if not isinstance(learner, (GramOLS, GramRidge, GramLasso)):
            return f"the learner {learner} needs the rows"
        if learner.features is not None:
            return "features have to be columns of the source"
        learner.check()
    return None


def _of_sample(
    chosen: Any, n_weighted: int, n_coefficients: int, share: float
) -> tuple[float, float | None, dict[str, Any]]:
    """Small-sample factor of the variance, degrees of freedom, and facts for `details`."""
    if isinstance(chosen, PLR):
        notes = []
        if share < _LEAST_VARIANCE:
            notes = [f"Only {share:.2%} of the treatment's variance is left after adjustment."]
        learners = {
            "outcome": str(chosen.outcome_learner),
            "treatment": str(chosen.treatment_learner),
        }
        facts = {"treatment_variance_left": share, "notes": notes, "learners": learners}
        return 1.0, None, facts
    df = float(n_weighted - n_coefficients)
    if df <= 0:
        raise NumericalError(
            f"there are {n_weighted} rows for {n_coefficients} coefficients; expected more rows. "
            "Adjust for fewer columns."
        )
    factor = n_weighted / df if chosen.covariance == "HC1" else 1.0
    return factor, df, {"n_coefficients": n_coefficients, "covariance": chosen.covariance}
