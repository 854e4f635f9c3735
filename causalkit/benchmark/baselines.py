"""What beats a method for series that should not: lagged correlation, the last step, and chance.

A method that claims to find causes should rank links better than a table of correlations with the
past does. Series that remember, or that share a driver, make correlations everywhere; where these
baselines do well, the benchmark is easy.

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> x = rng.normal(size=(200, 3))
>>> x[2:, 1] += x[:-2, 0]
>>> print(LaggedCorrelation(max_lag=2).fit(x).graph_.summary_graph())
3 series, 1 link: x0 -> x1 (2)
>>> print(LagOne().fit(x).graph_.summary_graph())
3 series, 0 links
"""

from __future__ import annotations

import numpy as np

from causalkit._core.checks import check_fraction
from causalkit._core.random import as_generator
from causalkit._core.series import Series
from causalkit.discovery._setup import in_name_order
from causalkit.discovery.base import Explanation
from causalkit.discovery.series._lagged_design import lagged_design
from causalkit.discovery.series._lagged_links import explained, lagged_dag, unasked
from causalkit.discovery.series.base import SeriesAlgorithm
from causalkit.graph import Lagged
from causalkit.graph.marks import show_name
from causalkit.typing import FloatArray, Name, RandomState

__all__ = ["LagOne", "LaggedCorrelation", "RandomLinks"]

_FEWEST = 10


class LaggedCorrelation(SeriesAlgorithm):
    """Links where a series correlates with the past of another, whatever the reason.

    Parameters
    ----------
    max_lag : int, default 1
        Steps into the past.
    alpha : float, default 0.01
        Level of the test of each correlation, as if steps were independent.
    panel, time, mask : str or int, optional
        Columns that tell subjects apart, that say when, and that say which steps count.

    Attributes
    ----------
    graph_ : LaggedGraph
    strengths_, p_values_ : ndarrays of shape (max_lag + 1, n_series, n_series)
        `[lag, cause, effect]`: correlations and p-values; NaN at lag 0.
    scores_ : ndarray of shape (n_series, n_series)
        `[cause, effect]`: the largest correlation in size.

    Raises
    ------
    InputError
        If there are fewer than 2 series or 10 steps, or a series is constant or categorical.

    Notes
    -----
    **Assumes:** nothing that would make these links causal. It is what a method has to beat.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(1).normal(size=(100, 2))
    >>> LaggedCorrelation().fit(x).scores_.shape
    (2, 2)
    """

    strengths_: FloatArray
    p_values_: FloatArray
    scores_: FloatArray

    def __init__(
        self,
        max_lag: int = 1,
        *,
        alpha: float = 0.01,
        panel: Name | None = None,
        time: Name | None = None,
        mask: Name | None = None,
    ) -> None:
        self.max_lag = max_lag
        self.alpha = alpha
        self.panel = panel
        self.time = time
        self.mask = mask

    def _fit(self, series: Series) -> None:
        check_fraction(self.alpha, "alpha")
        n_steps = max(_FEWEST, self._n_fitted(len(series.names)) + 3)
        design = lagged_design(series, self.max_lag, n_steps=n_steps, who=type(self).__name__)
        self.n_obs_ = len(design.rows)
        self.strengths_ = unasked(self.max_lag, design.n_series)
        self.p_values_ = self.strengths_.copy()
        for j, now in enumerate(design.now.T):
            found, p_values = self._associations(design.past, now)
            shape = (design.n_series, self.max_lag)
            self.strengths_[1:, :, j] = found.reshape(shape).T
            self.p_values_[1:, :, j] = p_values.reshape(shape).T
        self.scores_ = np.abs(self.strengths_[1:]).max(axis=0)
        self.graph_ = lagged_dag(series.names, self.p_values_ <= self.alpha)

    def _n_fitted(self, n_series: int) -> int:  # noqa: ARG002
        """Coefficients that are fitted at once."""
        return 1

    def _associations(self, past: FloatArray, now: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Correlations of a series with columns of the past, and p-values."""
        from scipy.stats import pearsonr

        found = [pearsonr(column, now) for column in past.T]
        return np.array([r.statistic for r in found]), np.array([r.pvalue for r in found])

    def _explain(self, past: Lagged, now: Lagged) -> Explanation:
        i, j = self.graph_.index(past.name), self.graph_.index(now.name)
        why = (
            f"the {self._what} of {past} and {now} is {self.strengths_[past.lag, i, j]:.3g} "
            f"(p = {self.p_values_[past.lag, i, j]:.3g}, alpha = {self.alpha:g})"
        )
        return explained(self.graph_, past, now, why)

    _what = "correlation"


class LagOne(LaggedCorrelation):
    """A regression of each series on the last step of all, and on nothing earlier.

    Parameters
    ----------
    alpha : float, default 0.01
        Level of the t-test of each coefficient.
    panel, time, mask : str or int, optional
        Columns that tell subjects apart, that say when, and that say which steps count.

    Attributes
    ----------
    graph_ : LaggedGraph
    strengths_, p_values_ : ndarrays of shape (2, n_series, n_series)
        `[lag, cause, effect]`: partial correlations given the last step of all others.
    scores_ : ndarray of shape (n_series, n_series)
        `[cause, effect]`: their size.

    Raises
    ------
    InputError
        As :class:`LaggedCorrelation`, or if there are more series than steps.

    Notes
    -----
    **Assumes:** that nothing lasts longer than a step, relations are linear and no driver is
    missing. Where it does as well as a method with many lags, these add nothing.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(1).normal(size=(100, 2))
    >>> LagOne().fit(x).strengths_.shape
    (2, 2, 2)
    """

    _what = "partial correlation"

    def __init__(
        self,
        *,
        alpha: float = 0.01,
        panel: Name | None = None,
        time: Name | None = None,
        mask: Name | None = None,
    ) -> None:
        super().__init__(1, alpha=alpha, panel=panel, time=time, mask=mask)

    def _n_fitted(self, n_series: int) -> int:
        return n_series

    def _associations(self, past: FloatArray, now: FloatArray) -> tuple[FloatArray, FloatArray]:
        from scipy.stats import t as student

        n, p = past.shape
        freedom = n - p - 1
        inverse = np.linalg.pinv(past.T @ past, hermitian=True)
        slopes = inverse @ (past.T @ now)
        rest = now - past @ slopes
        t = slopes / np.sqrt(np.diag(inverse) * (rest @ rest) / freedom)
        return t / np.sqrt(t**2 + freedom), 2.0 * student.sf(np.abs(t), freedom)


class RandomLinks(SeriesAlgorithm):
    """Links drawn at random: what a metric is worth without any knowledge.

    Parameters
    ----------
    max_lag : int, default 1
        Steps into the past.
    share : float, default 0.2
        Of the possible links.
    panel, time, mask : str or int, optional
        Columns that are no series.
    random_state : int, Generator or None, default None

    Attributes
    ----------
    graph_ : LaggedGraph
    scores_ : ndarray of shape (n_series, n_series)
        `[cause, effect]`: uniform numbers.

    Raises
    ------
    InputError
        If there are fewer than 2 series or 10 steps, or a series is constant or categorical.

    Notes
    -----
    **Assumes:** nothing, and learns nothing.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(1).normal(size=(100, 3))
    >>> len(RandomLinks(share=0.5, random_state=0).fit(x).graph_.edges()) > 0
    True
    """

    scores_: FloatArray

    def __init__(
        self,
        max_lag: int = 1,
        *,
        share: float = 0.2,
        panel: Name | None = None,
        time: Name | None = None,
        mask: Name | None = None,
        random_state: RandomState = None,
    ) -> None:
        self.max_lag = max_lag
        self.share = share
        self.random_state = random_state
        self.panel = panel
        self.time = time
        self.mask = mask

    def _fit(self, series: Series) -> None:
        check_fraction(self.share, "share")
        design = lagged_design(series, self.max_lag, n_steps=_FEWEST, who="RandomLinks")
        ordered = in_name_order(series.names)
        back = [ordered.index(name) for name in series.names]
        p = len(back)
        drawn = as_generator(self.random_state).random((self.max_lag, p, p))[:, back][:, :, back]
        self.scores_ = drawn.max(axis=0)
        self.n_obs_ = len(design.rows)
        links = np.concatenate([np.zeros((1, p, p)), drawn]) > 1.0 - self.share
        self.graph_ = lagged_dag(series.names, links)

    def _explain(self, past: Lagged, now: Lagged) -> Explanation:
        why = f"{show_name(past.name)} and {show_name(now.name)} were left to chance"
        return explained(self.graph_, past, now, why)
