"""Causes of one variable, with a confidence statement, from environments that differ.

Whatever was done elsewhere, a variable stays the same function of its direct causes plus the same
noise. So a set of predictors given which the target differs between environments is not the set of
its causes. Invariant causal prediction tests every set. The true one is rejected with probability
`alpha` at most, and what all sets that are not rejected have in common is therefore a subset of the
causes, with probability `1 - alpha` at least, without any assumption of faithfulness.

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> site = np.repeat(["north", "south"], 300)
>>> far = site == "south"
>>> cause = rng.normal(size=600) * np.where(far, 2.0, 1.0) + far
>>> target = 1.5 * cause + rng.normal(size=600)
>>> effect = target + rng.normal(size=600) * np.where(far, 3.0, 1.0)
>>> data = {"cause": cause, "target": target, "effect": effect, "site": site}
>>> found = InvariantPrediction("target", "site").fit(data)
>>> found.parents_
('cause',)
>>> found.explain("effect").is_parent
False
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from causalkit._core.checks import (
    as_names,
    check_complete,
    check_count,
    check_fraction,
    check_varies,
)
from causalkit._core.parallel import check_jobs, run
from causalkit._core.random import as_generator, draw_seed
from causalkit._core.streams import is_stream
from causalkit._core.table import Table, column_names
from causalkit.discovery.base import note_columns, read_columns
from causalkit.discovery.changing._surrogate_columns import split_table
from causalkit.discovery.interventions._candidates import by_forest, by_lasso, expanded, subsets
from causalkit.discovery.interventions._environments import Environments, read_environments
from causalkit.discovery.interventions._invariance import (
    Fit,
    Invariance,
    LinearInvariance,
    RankInvariance,
    columns_of,
)
from causalkit.discovery.interventions.invariant_parents import (
    InvariantParents,
    PlausibleParent,
    conclude,
)
from causalkit.errors import InputError, UnknownVariableError
from causalkit.typing import Data, FloatArray, Name, Names, RandomState

__all__ = ["InvariantPrediction"]


class InvariantPrediction(BaseEstimator):
    """Invariant causal prediction of a target from rows of several environments.

    Parameters
    ----------
    target : str or int
        The variable whose causes are asked for; numeric, or of two levels.
    environment : str or int, default "environment"
        Column that says under which condition a row was seen, as a label: text, number, boolean
        or category. At least two rows a label.
    alpha : float, default 0.05
        Level of each test, and so the probability that `parents_` holds a variable that is no
        cause.
    regressor : estimator, optional
        A scikit-learn regressor, for effects of other shapes: smooth ones such as
        `make_pipeline(SplineTransformer(extrapolation="linear"), RidgeCV())`, or
        `RandomForestRegressor(min_samples_leaf=5)`. Linear regression if left out.
    candidates : name or names, optional
        Variables that may be causes; all others if left out.
    max_candidates : int, default 8
        If more variables than these might be causes, only so many are tried: those that enter a
        lasso first, or that matter most to a random forest if there is a `regressor`.
    max_size : int, optional
        Most variables in a set; no limit if left out.
    random_state : int, Generator or None, default 0
        Deals out the rows to folds where there is a `regressor`, and seeds it.
    n_jobs : int, optional
        Workers that share the sets; never changes the result.

    Attributes
    ----------
    parents_ : tuple of names
        Variables that all accepted sets contain; empty if none is accepted.
    result_ : InvariantParents
        With p-values, intervals, sets, and defining sets.
    candidates_ : tuple of names
        The variables that were tried.
    intervals_ : dict
        For each candidate with a weight: the interval for it.
    p_values_ : dict
        For each candidate: of its being no cause.
    accepted_ : tuple of tuples of names
        Sets given which environments may be alike.

    Notes
    -----
    **Assumes:**

    - nothing was done to the target itself: environments change other variables, and its equation
      and noise are the same in all of them;
    - no hidden common cause of the target and its causes;
    - all direct causes are among the candidates and in no greater number than `max_size`;
      choosing `max_candidates` of them with the same rows must not lose one;
    - without `regressor`: the target is a linear function of its causes plus Gaussian noise that is
      independent of them. With it: any function plus such noise, and a regressor good enough that
      its errors do not differ between environments;
    - rows are independent draws.

    Then `parents_` holds nothing but causes with probability `1 - alpha`, and each interval holds
    the weight with probability `1 - 2 * alpha`. Nothing is said of variables left out: they may be
    causes that these environments do not set apart. Where `parents_` is empty, see
    `result_.defining_sets`.

    Residuals of one regression on all rows are compared, each environment with all others: means
    and variances by Welch's and the F-test, or, with a `regressor`, residuals of predictions across
    folds by Wilcoxon's and Levene's; Bonferroni's correction for their number makes the level
    conservative. The F-test takes heavy tails for differences, which shows less, not more. So does
    a regressor whose errors are larger where rows are few, as those of a forest are: environments
    that reach further then differ, and no set is accepted.

    An interval is the hull of those of all accepted sets, zero for sets without the variable.

    References
    ----------
    Peters, Bühlmann and Meinshausen (2016), "Causal inference by using invariant prediction:
    identification and confidence intervals", doi:10.1111/rssb.12167. Heinze-Deml, Peters and
    Meinshausen (2018), "Invariant causal prediction for nonlinear models",
    doi:10.1515/jci-2017-0016.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> e = np.repeat([0, 1], 200)
    >>> x = rng.normal(size=400) + 2 * e
    >>> found = InvariantPrediction("y").fit(
    ...     {"x": x, "y": 2 * x + rng.normal(size=400), "environment": e}
    ... )
    >>> print(found.result_)
    Causes of y
    ───────────
    <BLANKLINE>
    shown to be causes  {x}
    accepted sets       1 of 2 at level 0.05
    <BLANKLINE>
    variable  cause  ...p-value  weight
    ...
    """

    parents_: tuple[Name, ...]
    result_: InvariantParents
    candidates_: tuple[Name, ...]
    n_features_in_: int
    feature_names_in_: NDArray[Any]

    def __init__(
        self,
        target: Name,
        environment: Name = "environment",
        *,
        alpha: float = 0.05,
        regressor: Any = None,
        candidates: Names | None = None,
        max_candidates: int = 8,
        max_size: int | None = None,
        random_state: RandomState = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.target = target
        self.environment = environment
        self.alpha = alpha
        self.regressor = regressor
        self.candidates = candidates
        self.max_candidates = max_candidates
        self.max_size = max_size
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: Data, y: Any = None) -> Self:
        """Test all sets of candidates.

        Parameters
        ----------
        X : DataFrame, 2-D ndarray, or dict of columns, n_rows by n_columns
            Target, candidates, and the column of the environment, one row a unit.
        y : None
            Ignored; scikit-learn passes it.

        Returns
        -------
        self

        Raises
        ------
        InputError
            If there is one environment only, cells are missing, a column is constant, there are
            too many sets, or the settings cannot be used.
        UnknownVariableError
            If the target, the environment or a candidate is no column.
        """
        del y
        if is_stream(X):
            read_columns(self, X)  # says what to do instead
        alpha = check_fraction(self.alpha, "alpha")
        check_jobs(self.n_jobs)
        context = read_environments(X, self.environment, who="InvariantPrediction")
        table = split_table(X, context, self._columns(column_names(X), context.columns[0]))
        note_columns(self, X, column_names(X))
        target = as_names(self.target)[0]
        listed = tuple(name for name in table.names if name != target)
        check_complete(table, who="InvariantPrediction")
        check_varies(table, table.names, who="InvariantPrediction")
        outcome, codes = _outcome(table, target), np.asarray(context.surrogate.codes)
        rng = as_generator(self.random_state)
        self.candidates_ = kept = self._preselected(table, listed, outcome, rng)
        blocks, predictors = expanded(table, kept)
        test: Invariance
        if self.regressor is None:
            values = np.column_stack([predictors, outcome])
            test = LinearInvariance(Environments.of(values, codes, context.labels))
        else:
            test = RankInvariance(predictors, outcome, codes, _as_regressor(self.regressor))
        chosen = list(subsets(len(kept), self.max_size))
        jobs = [(test, columns_of(blocks, one), draw_seed(rng)) for one in chosen]
        fits = run(_ask, jobs, n_jobs=self.n_jobs, label="sets", steady=True)
        self.result_ = conclude(target, kept, blocks, chosen, fits, alpha)
        self.parents_ = self.result_.parents
        return self

    def _columns(self, known: tuple[Name, ...], environment: Name) -> tuple[Name, ...]:
        """Columns to read: the target, and all that may be candidates."""
        named = as_names(self.target)
        if len(named) != 1:
            raise InputError(
                f"target={self.target!r}; expected the name of one column. Fit once for each."
            )
        target = named[0]
        wanted = None if self.candidates is None else as_names(self.candidates)
        for name in (target, *(wanted or ())):
            if name not in known:
                raise UnknownVariableError.among(name, known)
        if target == environment:
            raise InputError(
                f"target and environment are both {target!r}; expected different columns. Name "
                "another one."
            )
        if wanted is None:
            return known
        strange = [name for name in wanted if name in (target, environment)]
        if strange:
            raise InputError(
                f"{strange[0]!r} is among the candidates, and is the target or the environment; "
                "expected other variables. Leave it out."
            )
        return (*wanted, target)

    def _preselected(
        self, table: Table, listed: tuple[Name, ...], outcome: FloatArray, rng: np.random.Generator
    ) -> tuple[Name, ...]:
        """All variables, or those that matter most."""
        most = check_count(self.max_candidates, "max_candidates")
        if len(listed) > most and self.candidates is None:
            blocks, predictors = expanded(table, listed)
            standard = (predictors - predictors.mean(axis=0)) / predictors.std(axis=0)
            importance = by_lasso if self.regressor is None else by_forest
            order = importance(standard, outcome, draw_seed(rng))
            owner = {c: v for v, block in enumerate(blocks) for c in block}
            first = list(dict.fromkeys(owner[c] for c in order))[:most]
            return tuple(listed[v] for v in sorted(first))
        return listed

    @property
    def intervals_(self) -> dict[Name, tuple[float, float]]:
        """For each candidate with a weight: the interval for it."""
        check_is_fitted(self, "result_")
        held = self.result_.predictors
        return {one.variable: one.interval for one in held if one.interval is not None}

    @property
    def p_values_(self) -> dict[Name, float]:
        """For each candidate: the p-value of its being no cause."""
        check_is_fitted(self, "result_")
        return {one.variable: one.p_value for one in self.result_.predictors}

    @property
    def accepted_(self) -> tuple[tuple[Name, ...], ...]:
        """Sets given which environments may be alike."""
        check_is_fitted(self, "result_")
        return tuple(one.variables for one in self.result_.accepted)

    def explain(self, variable: Name) -> PlausibleParent:
        """Say why a variable is a cause, or is not shown to be one.

        Raises
        ------
        UnknownVariableError
            If it is no candidate.
        """
        check_is_fitted(self, "result_")
        return self.result_.explain(variable)


def _ask(test: Invariance, columns: list[int], seed: int) -> Fit:
    return test(columns, seed)


def _outcome(table: Table, target: Name) -> FloatArray:
    levels = table.levels_of(target)
    if levels is not None and len(levels) > 2:
        raise InputError(
            f"target {target!r} is categorical with {len(levels)} levels; expected a numeric or "
            "two-level column. Compare two of the levels, or take another target."
        )
    return np.array(table.column(target))


def _as_regressor(regressor: Any) -> Any:
    if isinstance(regressor, type) or not hasattr(regressor, "predict"):
        raise InputError(
            f"regressor={regressor!r}; expected a scikit-learn regressor such as "
            "RandomForestRegressor(). Pass an instance, with parentheses, or leave it out."
        )
    return regressor
