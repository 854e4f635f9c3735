"""`TransferEntropy`: the nats of y's next step that are in the past of x and nowhere else.

Transfer entropy (Schreiber) is the information that the past of x has about y now for someone who
knows what y itself remembers: a conditional mutual information, so that no shape of the relation is
assumed, and zero exactly if x does not help. In linear Gaussian series it is half of Geweke's
measure of Granger causality. For more than two series the other causes of y belong among what is
known, or every indirect cause looks like a direct one; they are found greedily, the most
informative lag first.

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> x = rng.normal(size=(300, 2))
>>> x[1:, 1] *= 0.3 + x[:-1, 0] ** 2
>>> print(TransferEntropy(max_lag=1).fit(x).graph_.summary_graph())
2 series, 1 link: x0 -> x1 (1)

Here x0 changes nothing but the variance of x1, which no regression would see.

**Series that remember.** Nearest neighbours compare steps with nearly the same past. In a slow
series nearly is not enough: within a neighbourhood y still follows its past, x too moves slowly,
and the two look related. Of two independent autoregressions of 300 steps with a coefficient of 0.95
the plain test at a level of 5 % links 10 to 15 % (and 30 % with fewer neighbours). Yet I(x; y | z)
does not change if any function of z is taken away from x or y, so a linear regression on z goes
first, for both; then it is 5 to 7 %. Where more is remembered than `max_lag` steps nothing helps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from causalkit._core.checks import check_count, check_fraction
from causalkit._core.parallel import check_jobs, run
from causalkit._core.series import Series
from causalkit._core.table import Table
from causalkit.discovery._setup import in_name_order
from causalkit.discovery.base import Explanation, show_set
from causalkit.discovery.series._lagged_design import LaggedDesign, lagged_design
from causalkit.discovery.series._lagged_links import explained, lagged_dag, unasked
from causalkit.discovery.series.base import SeriesAlgorithm
from causalkit.errors import InputError, NumericalError
from causalkit.graph import Lagged
from causalkit.graph.marks import show_name
from causalkit.independence import CIResult, CMIknn
from causalkit.typing import FloatArray, Name

__all__ = ["TransferEntropy"]

_FEWEST: Final = 40
_NOTHING: Final = 1e-9


class TransferEntropy(SeriesAlgorithm):
    """Transfer entropy between series, by nearest neighbours, with local permutations.

    Parameters
    ----------
    test : CMIknn, optional
        Estimate and permutations. Its smallest p-value, 1 / (n_permutations + 1), is also the level
        at which causes are taken up.
    max_lag : int, default 1
        Steps into the past.
    conditional : bool, default True
        Whether causes that were found count as known when others are judged. Without it series are
        taken two by two.
    max_known : int, default 5
        Most lags that are known at once; neighbours are far apart in many dimensions.
    alpha : float, default 0.05
        Level of the test of each link.
    panel, time, mask : str or int, optional
        Columns that tell subjects apart, that say when, and that say which steps count.
    n_jobs : int, optional
        Effects that are worked on side by side.

    Attributes
    ----------
    graph_ : LaggedGraph
        A DAG with the links of which the p-value is at most `alpha`.
    p_values_ : ndarray of shape (max_lag + 1, n_series, n_series)
        `[lag, cause, effect]`, given the other known causes; NaN at lag 0, and where these leave
        nothing of the cause or the effect.
    strengths_ : ndarray of shape (max_lag + 1, n_series, n_series)
        The transfer entropies in nats, as they are estimated: at true independence they are near
        zero, or somewhat below.
    scores_ : ndarray of shape (n_series, n_series)
        `[cause, effect]`: the largest over lags.
    known_ : dict of str or int to tuple of Lagged
        For each series what was taken as known about it, in the order in which it was found.

    Raises
    ------
    InputError
        If there are fewer than 2 series or 40 steps, a series is constant or categorical, or a
        setting is out of range.

    Notes
    -----
    **Assumes:**

    - no series that drives two others is missing;
    - effects come later than causes, by one step at least and `max_lag` at most, and what a series
      remembers of itself goes back no further;
    - relations are the same at all times;
    - a cause shows by itself at some point of the search (two causes that only matter together, as
      in an exclusive or, are not found).

    For each effect, its own lags are taken up while one adds something, then those of all others;
    a lag is taken up if its p-value is at most `alpha` by the number of candidates, or the smallest
    that the permutations allow. Then every link is tested given what is known but itself. These
    p-values are those of single tests, each at its own level.

    References
    ----------
    Schreiber (2000), "Measuring information transfer", doi:10.1103/PhysRevLett.85.461. Faes, Nollo
    and Porta (2011), "Information-based detection of nonlinear Granger causality in multivariate
    processes via a nonuniform embedding technique", doi:10.1103/PhysRevE.83.051112. Novelli,
    Wollstadt, Mediano, Wibral and Lizier (2019), "Large-scale directed network inference with
    multivariate transfer entropy and hierarchical statistical testing", doi:10.1162/netn_a_00092.
    Runge (2018), "Conditional independence testing based on a nearest-neighbor estimator of
    conditional mutual information", AISTATS, PMLR 84: 938-947. Barnett, Barrett and Seth (2009),
    "Granger causality and transfer entropy are equivalent for Gaussian variables",
    doi:10.1103/PhysRevLett.103.238701.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(2)
    >>> x = rng.normal(size=(300, 3))
    >>> for t in range(1, 300):
    ...     x[t, 1] += 1.5 * np.sin(2 * x[t - 1, 0])
    ...     x[t, 2] += 1.5 * np.abs(x[t - 1, 1])
    >>> found = TransferEntropy().fit({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2]})
    >>> print(found.graph_)
    DAG of 3 series, lags to 1, 2 edges: a[t-1] -> b[t]; b[t-1] -> c[t]
    """

    p_values_: FloatArray
    strengths_: FloatArray
    scores_: FloatArray
    known_: dict[Name, tuple[Lagged, ...]]

    def __init__(
        self,
        test: CMIknn | None = None,
        *,
        max_lag: int = 1,
        conditional: bool = True,
        max_known: int = 5,
        alpha: float = 0.05,
        panel: Name | None = None,
        time: Name | None = None,
        mask: Name | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.test = test
        self.max_lag = max_lag
        self.conditional = conditional
        self.max_known = max_known
        self.alpha = alpha
        self.n_jobs = n_jobs
        self.panel = panel
        self.time = time
        self.mask = mask

    def _fit(self, series: Series) -> None:
        test = CMIknn() if self.test is None else self.test
        if not isinstance(test, CMIknn):
            raise InputError(
                f"test={test!r}; expected CMIknn(), which estimates information. Other tests of "
                "independence go with PCMCI."
            )
        check_count(self.max_known, "max_known", minimum=0)
        check_fraction(self.alpha, "alpha")
        check_jobs(self.n_jobs)
        names = in_name_order(series.names)
        design = lagged_design(
            series.select(names), self.max_lag, n_steps=_FEWEST, who="TransferEntropy"
        )
        asked = [
            (Question(design, names, j, test), self.alpha, self.max_known, self.conditional)
            for j in range(len(names))
        ]
        found = run(_about, asked, n_jobs=self.n_jobs, threads=True, label="transfer entropy")
        p, back = len(names), [names.index(name) for name in series.names]
        self.p_values_, self.strengths_ = unasked(self.max_lag, p), unasked(self.max_lag, p)
        for j, (_, results) in enumerate(found):
            effect = series.names.index(names[j])
            for k, result in enumerate(results):
                where = 1 + k % self.max_lag, back.index(k // self.max_lag), effect
                self.strengths_[where] = np.nan if result is None else result.statistic
                self.p_values_[where] = np.nan if result is None else result.p_value
        self.known_ = {
            name: tuple(asked[k][0].node(c) for c in found[k][0])
            for name, k in zip(series.names, back, strict=True)
        }
        self.scores_ = np.nan_to_num(self.strengths_, nan=0.0).max(axis=0)
        self.n_obs_ = len(design.rows)
        self.graph_ = lagged_dag(series.names, self.p_values_ <= self.alpha)

    def _explain(self, past: Lagged, now: Lagged) -> Explanation:
        i, j = self.graph_.index(past.name), self.graph_.index(now.name)
        nats, p_value = self.strengths_[past.lag, i, j], self.p_values_[past.lag, i, j]
        known = show_set(tuple(k for k in self.known_[now.name] if k != past))
        if np.isnan(p_value):
            why = f"{known} leave nothing of {show_name(past)} or {show_name(now)} to be tested"
        else:
            why = (
                f"{past} has {nats:.3g} nats about {now} given {known} (p = {p_value:.3g}, "
                f"alpha = {self.alpha:g})"
            )
        return explained(self.graph_, past, now, why)


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """What lags of the past tell about one series.

    Attributes
    ----------
    design : LaggedDesign
    names : tuple of names
    effect : int
    test : CMIknn
    """

    design: LaggedDesign
    names: tuple[Name, ...]
    effect: int
    test: CMIknn

    def node(self, column: int) -> Lagged:
        """Name a column of the past."""
        i, lag = divmod(column, self.design.max_lag)
        return Lagged(self.names[i], lag + 1)

    def ask(self, columns: list[int], given: list[int], test: CMIknn) -> list[CIResult | None]:
        """Test these columns of the past given others; None where nothing is left of one."""
        effect = Lagged(self.names[self.effect])
        past = self.design.past
        left = _without(
            np.column_stack([self.design.now[:, self.effect], past[:, columns]]), past[:, given]
        )
        alive = left.std(axis=0) > _NOTHING
        if not alive[0]:
            return [None] * len(columns)
        nodes = [effect, *(self.node(c) for c in columns)]
        kept = np.flatnonzero(alive)
        names = (*(nodes[k] for k in kept), *(f"given {self.node(c)}" for c in given))
        values = np.asfortranarray(np.hstack([left[:, kept], past[:, given]]))
        bound = test.bind(Table(names, values, (None,) * len(names)))
        known = range(len(kept), len(names))
        results: list[CIResult | None] = [None] * len(columns)
        for place, k in enumerate(kept.tolist()[1:], start=1):
            try:
                results[k - 1] = bound(0, place, known)
            except NumericalError:
                continue
        return results

    def take_up(
        self, known: list[int], candidates: list[int], alpha: float, most: int
    ) -> list[int]:
        """Add the most informative candidate to what is known while it is significant."""
        glance = replace(self.test, n_permutations=1, stop_after=None)
        level = max(alpha / max(len(candidates), 1), 1.0 / (self.test.n_permutations + 1))
        while len(known) < most:
            open_ones = [c for c in candidates if c not in known]
            seen = [
                (result.statistic, -c)
                for c, result in zip(open_ones, self.ask(open_ones, known, glance), strict=True)
                if result is not None
            ]
            if not seen:
                break
            best = -max(seen)[1]
            (result,) = self.ask([best], known, self.test)
            if result is None or result.p_value > level * (1.0 + _NOTHING):
                break
            known = [*known, best]
        return known


def _about(
    question: Question, alpha: float, most: int, conditional: bool
) -> tuple[list[int], list[CIResult | None]]:
    """What is known about an effect, and a test of each lag of each series given it."""
    own = question.design.lags_of(question.effect)
    everyone = list(range(question.design.past.shape[1]))
    known = question.take_up([], everyone[own], alpha, most)
    if conditional:
        known = question.take_up(known, everyone, alpha, most)
    new = [c for c in everyone if c not in known]
    results: dict[int, CIResult | None] = dict(
        zip(new, question.ask(new, known, question.test), strict=True)
    )
    for c in known:
        results |= {c: question.ask([c], [k for k in known if k != c], question.test)[0]}
    return known, [results[c] for c in everyone]


def _without(columns: FloatArray, given: FloatArray) -> FloatArray:
    """Residuals of linear regressions; of what is given all of, nothing but zero."""
    if not given.shape[1]:
        return columns
    slopes = np.linalg.lstsq(given, columns, rcond=None)[0]
    left: FloatArray = columns - given @ slopes
    return left
