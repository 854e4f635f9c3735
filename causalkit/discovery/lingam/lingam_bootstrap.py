"""How far resampled rows scatter the total effects of a linear model.

A LiNGAM gives an order, edges and coefficients, and each of them may differ on other rows.
:func:`bootstrap_effects` learns the model again and again and keeps its total effects, which say
how large an effect is and how often there is one, in this direction or in the other.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import ArrayLike

from causalkit._core.checks import check_choice, check_count, check_fraction
from causalkit._core.random import as_generator
from causalkit._core.report import Report, Reported
from causalkit._core.table import Table
from causalkit.discovery.base import DiscoveryAlgorithm
from causalkit.discovery.lingam.lingam_effects import EffectMatrix, positions
from causalkit.discovery.resampling._replicates import learner, replicate
from causalkit.discovery.resampling._resampling import Gaussian, Sampler, sampler_of
from causalkit.discovery.resampling._wrapped import check_algorithm, inner_test, read_grouped
from causalkit.errors import CausalkitError, InputError, NumericalError, ResamplingWarning
from causalkit.graph.marks import show_name
from causalkit.typing import Data, FloatArray, IntArray, Name, RandomState

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BootstrapEffect", "BootstrapEffects", "bootstrap_effects"]

_SHOWN: Final = 20
_RESAMPLES: Final = ("rows", "blocks", "subsample")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class BootstrapEffect(Reported):
    """Total effect of one variable on another, as resampled rows scatter it.

    Attributes
    ----------
    treatment, outcome : str or int
    estimate : float
        On all rows.
    median, low, high : float
        Of the resamples; `low` and `high` hold `level` of them between them.
    level : float
    forwards, backwards, none : float
        Shares of the resamples with an effect of the treatment on the outcome, of the outcome on
        the treatment, and with neither. They add up to one.
    draws : ndarray of shape (n_resamples,)
        One effect of the treatment on the outcome for each resample.
    """

    treatment: Name
    outcome: Name
    estimate: float
    median: float
    low: float
    high: float
    level: float
    forwards: float
    backwards: float
    none: float
    draws: FloatArray

    def _report(self) -> Report:
        a, b = show_name(self.treatment), show_name(self.outcome)
        return Report(
            f"Total effect of {a} on {b}",
            facts=[
                ("on all rows", self.estimate),
                ("median of resamples", self.median),
                (f"{self.level:.0%} of them", f"from {self.low:.4g} to {self.high:.4g}"),
                (f"{a} acts on {b}", f"{self.forwards:.1%}"),
                (f"{b} acts on {a}", f"{self.backwards:.1%}"),
                ("neither", f"{self.none:.1%}"),
                ("resamples", len(self.draws)),
            ],
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class BootstrapEffects(Reported):
    """Total effects of all variables on all others, for each resample.

    Attributes
    ----------
    estimate : EffectMatrix
        On all rows.
    draws : ndarray of shape (n_resamples, p, p)
        Total effects `[r, i, j]` of i on j in resample r.
    failures : mapping of int to str
        Resamples that gave no model, and why; they are not among the draws.
    """

    estimate: EffectMatrix
    draws: FloatArray
    failures: Mapping[int, str] = field(default_factory=dict)

    def of(self, treatment: Name, outcome: Name, level: float = 0.95) -> BootstrapEffect:
        """Total effect of the one on the other, with percentile interval and shares.

        Raises
        ------
        UnknownVariableError
            If there is no such variable.
        InputError
            If the two are one, or `level` is no share.
        """
        names = self.estimate.names
        i, j = positions(names, treatment, outcome)
        level = check_fraction(level, "level")
        if i == j:
            raise InputError(
                f"treatment and outcome are both {treatment!r}; expected two variables. Name "
                "another one."
            )
        draws = self.draws[:, i, j]
        low, median, high = np.quantile(draws, [(1 - level) / 2, 0.5, (1 + level) / 2])
        forwards = float(np.mean(draws != 0))
        backwards = float(np.mean(self.draws[:, j, i] != 0))
        return BootstrapEffect(
            names[i],
            names[j],
            float(self.estimate.values[i, j]),
            float(median),
            float(low),
            float(high),
            level,
            forwards,
            backwards,
            max(0.0, 1.0 - forwards - backwards),
            draws,
        )

    def to_frame(self, level: float = 0.95) -> pd.DataFrame:
        """One row for each ordered pair with an effect in some resample, the surest first.

        Returns
        -------
        DataFrame
            Columns `treatment`, `outcome`, `share`, `estimate`, `median`, `low`, `high`.
        """
        import pandas as pd

        names = self.estimate.names
        found = [self.of(names[i], names[j], level) for i, j in self._ranked().tolist()]
        columns = ("treatment", "outcome", "forwards", "estimate", "median", "low", "high")
        table = {column: [getattr(one, column) for one in found] for column in columns}
        return pd.DataFrame(table).rename(columns={"forwards": "share"})

    def _ranked(self) -> IntArray:
        """Pairs with an effect in some resample, the most frequent first."""
        share = np.mean(self.draws != 0, axis=0)
        pairs = np.argwhere(share > 0)
        ranked: IntArray = pairs[np.argsort(-share[pairs[:, 0], pairs[:, 1]], kind="stable")]
        return ranked

    def _report(self) -> Report:
        names, pairs = self.estimate.names, self._ranked()
        found = [self.of(names[i], names[j]) for i, j in pairs[:_SHOWN].tolist()]
        rows = [
            [show_name(e.treatment), show_name(e.outcome), e.forwards, e.estimate, e.low, e.high]
            for e in found
        ]
        more = len(pairs) - len(rows)
        return Report(
            f"Total effects in {len(self.draws)} resamples",
            columns=["treatment", "outcome", "share", "estimate", "2.5 %", "97.5 %"],
            rows=rows,
            notes=[f"… and {more} pairs more"] if more > 0 else [],
        )


def bootstrap_effects(
    algorithm: DiscoveryAlgorithm,
    data: Data,
    *,
    n_resamples: int = 200,
    resample: str = "rows",
    block_length: int | None = None,
    clusters: Name | ArrayLike | None = None,
    strata: Name | ArrayLike | None = None,
    random_state: RandomState = 0,
    n_jobs: int | None = None,
) -> BootstrapEffects:
    """Learn a linear model from many resamples, and collect its total effects.

    Parameters
    ----------
    algorithm : DirectLiNGAM, ICALiNGAM
        It is copied and left as it is.
    data : DataFrame, 2-D ndarray, or dict of columns, n_rows by n_variables
    n_resamples : int, default 200
    resample : {"rows", "blocks", "subsample"}
        As in :class:`~causalkit.discovery.Bootstrap`, and so are the next three.
    block_length : int, optional
    clusters, strata : name or array-like of shape (n_rows,), optional
    random_state : int, Generator or None, default 0
    n_jobs : int, optional
        Parallel resamples; never changes the result.

    Returns
    -------
    BootstrapEffects
        `of(treatment, outcome)` sums up one of them.

    Raises
    ------
    InputError
        If the algorithm has no total effects, or the settings do not fit the data.
    NumericalError
        If all resamples fail.

    Notes
    -----
    **Assumes:**

    - rows (or clusters, or long blocks of a stationary series) are independent draws;
    - the assumptions of the algorithm. Resampling shows what chance does to order and
      coefficients; what a hidden common cause does is the same in all resamples.

    An effect is 0 in a resample of which the graph has no directed path, so the draws are a mixture
    of a lump at 0 and a curve, and an interval may begin or end at exactly 0.

    Examples
    --------
    >>> import numpy as np
    >>> from causalkit.discovery import DirectLiNGAM
    >>> rng = np.random.default_rng(0)
    >>> x, e = rng.laplace(size=(2, 300))
    >>> found = bootstrap_effects(
    ...     DirectLiNGAM(), {"x": x, "y": 2 * x + e}, n_resamples=20, random_state=0
    ... )
    >>> effect = found.of("x", "y")
    >>> bool(1.8 < effect.low < effect.high < 2.2), effect.forwards
    (True, 1.0)

    References
    ----------
    Efron and Tibshirani (1993), "An Introduction to the Bootstrap", chapter 13,
    doi:10.1201/9780429246593.
    """
    algorithm = check_algorithm(algorithm, "bootstrap_effects")
    if not hasattr(algorithm, "total_effects"):
        raise InputError(
            f"{type(algorithm).__name__} learns no total effects; expected a linear model such as "
            "DirectLiNGAM(). Use Bootstrap for the graph alone."
        )
    n = check_count(n_resamples, "n_resamples")
    check_choice(resample, "resample", _RESAMPLES)
    reader = SimpleNamespace(algorithm=algorithm, clusters=clusters, strata=strata)
    table, _, cluster, stratum = read_grouped(reader, data, inner_test(algorithm))
    sampler = sampler_of(table, resample, block_length, cluster, stratum)
    *streams, last = as_generator(random_state).spawn(n + 1)
    fitted: Any = learner(algorithm, last)
    fitted._fit(table)
    jobs = [(algorithm, table, sampler, stream) for stream in streams]
    learnt = replicate(_one, algorithm, jobs, n_jobs=n_jobs, label="bootstrap")
    draws, failures = _sort_out(learnt)
    return BootstrapEffects(fitted.total_effects(), draws, failures)


def _one(
    algorithm: DiscoveryAlgorithm,
    table: Table,
    sampler: Sampler | Gaussian,
    rng: np.random.Generator,
) -> FloatArray | str:
    fitted: Any = learner(algorithm, rng)
    try:
        fitted._fit(sampler.sample(table, rng))  # type: ignore[arg-type]
    except CausalkitError as error:
        return f"{type(error).__name__}: {error}"
    values: FloatArray = fitted.total_effects().values
    return values


def _sort_out(learnt: list[FloatArray | str]) -> tuple[FloatArray, dict[int, str]]:
    failures = {k: one for k, one in enumerate(learnt) if isinstance(one, str)}
    if len(failures) == len(learnt):
        raise NumericalError(
            f"all {len(learnt)} resamples failed, the first one with {failures[0]} Expected "
            "samples on which the algorithm works as on the data; bring more rows or fewer columns."
        )
    if failures:
        warnings.warn(
            f"{len(failures)} of {len(learnt)} resamples failed and count in no share, the first "
            f"one with {next(iter(failures.values()))} See failures for each.",
            ResamplingWarning,
            stacklevel=3,
        )
    draws = np.array([one for one in learnt if not isinstance(one, str)])
    draws.flags.writeable = False
    return draws, failures
