"""`GroupLassoGranger`: which series drive which, where there are more lags than steps.

A vector autoregression of p series with L lags has pL coefficients an equation; with a hundred
series and five lags that is more than most series have steps, and no F test exists. The group lasso
(Yuan and Lin) instead looks for few causes: of each effect it minimises

    mean squared error / 2 + penalty * sum over causes of the norm of the cause's lags

and a norm, unlike a square, takes all lags of a cause to zero at once. From a large penalty to a
small one causes enter one after the other (and may leave again). How many are enough is judged at
each point of that path by a refit without penalty: the extended BIC asks the fit to pay for the
coefficients and, in addition, for the choice among many causes (Chen and Chen).

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> x = rng.normal(size=(150, 60))
>>> x[2:, 1] += 0.8 * x[:-2, 0]
>>> found = GroupLassoGranger(max_lag=3).fit(x)
>>> print(found.graph_.summary_graph())
60 series, 1 link: x0 -> x1 (2)
"""

from __future__ import annotations

from typing import Final

import numpy as np

from causalkit._core.checks import check_choice, check_count, check_positive
from causalkit._core.parallel import check_jobs, run
from causalkit._core.random import as_generator
from causalkit._core.series import Series
from causalkit.discovery._setup import in_name_order
from causalkit.discovery.base import Explanation
from causalkit.discovery.series._lagged_design import (
    LaggedDesign,
    blocked_folds,
    lagged_design,
)
from causalkit.discovery.series._lagged_links import explained, lagged_dag, unasked
from causalkit.discovery.series.base import SeriesAlgorithm
from causalkit.discovery.series.granger._group_lasso import GroupFit, Products, fit_target
from causalkit.graph import Lagged
from causalkit.graph.marks import show_name
from causalkit.typing import BoolArray, FloatArray, IntArray, Name, RandomState

__all__ = ["GroupLassoGranger"]

_RULES: Final = ("ebic", "bic", "cv")
_FEWEST: Final = 20


class GroupLassoGranger(SeriesAlgorithm):
    """Granger causes by the group lasso, for many series.

    Parameters
    ----------
    max_lag : int, default 3
        Steps into the past.
    penalty : {"ebic", "bic", "cv"} or float, default "ebic"
        How many causes an effect has: what the (extended) BIC of the refit prefers, or the fewest
        that predict blocks of steps left out as well as any, up to one standard error. A number is
        the penalty itself: a cause is let in where the correlation of its lags with what is not yet
        explained, per square root of the number of lags, exceeds it.
    hierarchical : bool, default False
        Penalise nested groups of lags, so that a cause gets the lags up to some lag of its own
        (Nicholson et al.). Better where `max_lag` is larger than it need be.
    n_folds : int, default 5
        Blocks of "cv".
    n_subsamples : int, default 0
        Pairs of complementary halves to fit again (stability selection). `scores_` are then the
        shares of the halves in which a link was found.
    panel, time, mask : str or int, optional
        Columns that tell subjects apart, that say when, and that say which steps count.
    random_state : int, Generator or None, default 0
        For the halves.
    n_jobs : int, optional
        Effects, or halves, that are worked on side by side.

    Attributes
    ----------
    graph_ : LaggedGraph
        A DAG with edges from the past. Of a cause that was chosen, the lags whose refitted
        coefficients pay for themselves (a squared t-value above the log of the number of steps),
        and the one with the largest t-value anyway.
    scores_ : ndarray of shape (n_series, n_series)
        `[cause, effect]`: twice the log-likelihood that the lags of the cause add to the other
        causes that were chosen, in the refit; or shares, see `n_subsamples`.
    strengths_ : ndarray of shape (max_lag + 1, n_series, n_series)
        `[lag, cause, effect]`, refitted coefficients in standard deviations of both; 0 for causes
        not chosen, NaN at lag 0.
    errors_ : ndarray of shape (max_lag + 1, n_series, n_series)
        Standard errors of `strengths_` as if the causes had been known beforehand.
    coefficients_ : ndarray of shape (max_lag, n_series, n_series)
        `[lag - 1, cause, effect]`, in units of effect per unit of cause.
    penalties_ : ndarray of shape (n_series,)
        What was chosen for each effect.

    Raises
    ------
    InputError
        If there are fewer than 2 series or 20 steps, a series is constant or categorical, or a
        setting is out of range.

    Notes
    -----
    **Assumes:**

    - no series that drives two others is missing;
    - effects come later than causes, by one step at least and `max_lag` at most;
    - relations are linear and the same at all times;
    - each series has few causes, and those are not linear combinations of others' lags.

    There are no p-values: coefficients that were chosen because they are large are too large for
    their standard errors. Lags of a cause are penalised in an orthonormal basis, so scale and units
    do not matter, and neither does the way that lags are combined (with `hierarchical` the lags
    themselves are penalised).

    References
    ----------
    Yuan and Lin (2006), "Model selection and estimation in regression with grouped variables",
    doi:10.1111/j.1467-9868.2005.00532.x. Lozano, Abe, Liu and Rosset (2009), "Grouped graphical
    Granger modeling for gene expression regulatory networks discovery",
    doi:10.1093/bioinformatics/btp199. Simon and Tibshirani (2012), "Standardization and the group
    lasso penalty", doi:10.5705/ss.2011.075. Chen and Chen (2008), "Extended Bayesian information
    criteria for model selection with large model spaces", doi:10.1093/biomet/asn034. Nicholson,
    Wilms, Bien and Matteson (2020), "High dimensional forecasting via interpretable vector
    autoregression", JMLR 21(166). Shah and Samworth (2013), "Variable selection with error control:
    another look at stability selection", doi:10.1111/j.1467-9868.2011.01034.x.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> x = rng.normal(size=(400, 3))
    >>> for t in range(1, 400):
    ...     x[t, 1] += 0.5 * x[t - 1, 0] + 0.4 * x[t - 1, 1]
    >>> found = GroupLassoGranger(max_lag=2).fit({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2]})
    >>> print(found.graph_)
    DAG of 3 series, lags to 2, 2 edges: a[t-1] -> b[t]; b[t-1] -> b[t]
    """

    scores_: FloatArray
    coefficients_: FloatArray
    strengths_: FloatArray
    errors_: FloatArray
    penalties_: FloatArray

    def __init__(
        self,
        max_lag: int = 3,
        *,
        penalty: str | float = "ebic",
        hierarchical: bool = False,
        n_folds: int = 5,
        n_subsamples: int = 0,
        panel: Name | None = None,
        time: Name | None = None,
        mask: Name | None = None,
        random_state: RandomState = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.max_lag = max_lag
        self.penalty = penalty
        self.hierarchical = hierarchical
        self.n_folds = n_folds
        self.n_subsamples = n_subsamples
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.panel = panel
        self.time = time
        self.mask = mask

    def _fit(self, series: Series) -> None:
        if isinstance(self.penalty, str):
            check_choice(self.penalty, "penalty", _RULES)
        else:
            check_positive(self.penalty, "penalty")
        check_count(self.n_folds, "n_folds", minimum=2)
        check_count(self.n_subsamples, "n_subsamples", minimum=0)
        check_jobs(self.n_jobs)
        # Groups are visited in the order of their names, whatever the order of the columns.
        names = in_name_order(series.names)
        design = lagged_design(
            series.select(names), self.max_lag, n_steps=_FEWEST, who="GroupLassoGranger"
        )
        products, folds = self._products(design)
        jobs = [(products, target, self.penalty, folds) for target in range(len(names))]
        fits = run(
            fit_target, jobs, n_jobs=self.n_jobs, threads=True, steady=True, label="group lasso"
        )
        shares = self._shares(design) if self.n_subsamples else None
        self._keep(series.names, design, fits, shares)

    def _products(
        self, design: LaggedDesign, rows: IntArray | None = None
    ) -> tuple[Products, tuple[tuple[Products, Products], ...]]:
        """Products of these rows, and of the folds that they are cut into."""

        def of(part: IntArray | None) -> Products:
            return Products.of(design, nested=self.hierarchical, rows=part)

        if self.penalty != "cv":
            return of(rows), ()
        here = np.arange(len(design.rows)) if rows is None else rows
        cuts = blocked_folds(design.rows[here], self.n_folds, self.max_lag)
        return of(rows), tuple((of(here[train]), of(here[test])) for train, test in cuts)

    def _shares(self, design: LaggedDesign) -> FloatArray:
        """Share of half-samples in which each cause is chosen, shape (p, p)."""
        streams = as_generator(self.random_state).spawn(self.n_subsamples)
        found = run(
            self._chosen_in_halves,
            [(design, stream) for stream in streams],
            n_jobs=self.n_jobs,
            threads=True,
            steady=True,
            label="stability selection",
        )
        shares: FloatArray = np.mean(found, axis=0)
        return shares

    def _chosen_in_halves(self, design: LaggedDesign, rng: np.random.Generator) -> FloatArray:
        """Mean of what is chosen in two halves, each of them every other block, at random."""
        n, p = len(design.rows), design.n_series
        length = max(self.max_lag + 1, round(n ** (1 / 3)))
        n_pairs = -(-n // (2 * length))
        flips = np.stack([rng.permutation(2) for _ in range(n_pairs)]).ravel()
        half = np.repeat(flips, length)[:n]
        counts = np.zeros((p, p))
        for which in (0, 1):
            products, folds = self._products(design, np.flatnonzero(half == which))
            for target in range(p):
                fit = fit_target(products, target, self.penalty, folds)
                counts[:, target] += _causes(fit, p)
        return counts / 2.0

    def _keep(
        self,
        names: tuple[Name, ...],
        design: LaggedDesign,
        fits: list[GroupFit],
        shares: FloatArray | None,
    ) -> None:
        p, n_lags = design.n_series, design.max_lag
        ordered = in_name_order(names)
        back = np.array([ordered.index(name) for name in names])
        across = np.ix_(np.arange(n_lags), back, back)

        def by_lag(columns: list[FloatArray]) -> FloatArray:
            whole = unasked(n_lags, p)
            whole[1:] = np.stack(columns).reshape(p, p, n_lags).transpose(2, 1, 0)[across]
            return whole

        self.strengths_ = by_lag([fit.coefficients for fit in fits])
        self.errors_ = by_lag([fit.errors for fit in fits])
        scale = design.scale[back]
        self.coefficients_ = self.strengths_[1:] * (scale[None, :] / scale[:, None])
        self.penalties_ = np.array([fits[k].penalty for k in back])
        scores = np.stack([fit.gains for fit in fits], axis=1) if shares is None else shares
        self.scores_ = scores[np.ix_(back, back)]
        self.n_obs_ = len(design.rows)
        self.graph_ = lagged_dag(names, _links(self.strengths_, self.errors_, self.n_obs_))

    def _explain(self, past: Lagged, now: Lagged) -> Explanation:
        i, j = self.graph_.index(past.name), self.graph_.index(now.name)
        cause, effect = show_name(past.name), show_name(now.name)
        strength, error = self.strengths_[past.lag, i, j], self.errors_[past.lag, i, j]
        if self.n_subsamples:
            worth = f"it was chosen in {self.scores_[i, j]:.0%} of the half-samples"
        else:
            worth = f"its lags add {self.scores_[i, j]:.3g} to twice the log-likelihood"
        if not np.nan_to_num(self.strengths_[:, i, j]).any():
            why = f"{cause} is not among the causes chosen for {effect}; {worth}"
        else:
            verdict = "" if self.graph_.directed[past.lag, i, j] else ", too small to keep"
            why = (
                f"{cause} is among the causes chosen for {effect}; {worth}; the coefficient at lag "
                f"{past.lag} is {strength:.3g} ± {error:.2g} standard deviations{verdict}"
            )
        return explained(self.graph_, past, now, f"{why} (penalty {self.penalties_[j]:.3g})")


def _causes(fit: GroupFit, p: int) -> BoolArray:
    """Whether each series is among the causes chosen, shape (p,)."""
    chosen: BoolArray = (fit.coefficients != 0.0).reshape(p, -1).any(axis=1)
    return chosen


def _links(strengths: FloatArray, errors: FloatArray, n: int) -> BoolArray:
    """Lags that pay for themselves, and the best one of each cause that was chosen."""
    squares = np.zeros_like(strengths)
    np.divide(strengths, errors, out=squares, where=np.nan_to_num(errors) > 0.0)
    squares **= 2
    best = squares.max(axis=0)
    links: BoolArray = (squares > np.log(n)) | ((squares == best) & (best > 0.0))
    return links
