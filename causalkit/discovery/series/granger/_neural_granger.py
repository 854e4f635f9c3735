"""What the neural Granger algorithms share: a path of penalties, a choice on it, and evidence.

Penalties rise from next to nothing, and networks are trained on under each from what they were
under the one before. That is done at once for all steps and for all but each of some runs of steps.
The runs left out choose the penalty and say what a link is worth: a network that reads noise does
no better for it on steps that it has not seen, so it loses nothing when that input is withheld.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, Final

import numpy as np

from causalkit._core.checks import check_count, check_fraction, check_positive
from causalkit._core.deep import check_device, load_torch, with_gradients
from causalkit._core.random import as_generator
from causalkit._core.series import Series
from causalkit.discovery._setup import in_name_order
from causalkit.discovery.base import Explanation
from causalkit.discovery.continuous._continuous_algorithm import check_not_negative
from causalkit.discovery.series._lagged_design import (
    LaggedDesign,
    blocked_folds,
    lagged_design,
)
from causalkit.discovery.series._lagged_links import explained, unasked
from causalkit.discovery.series.base import SeriesAlgorithm
from causalkit.discovery.series.granger._granger_links import links_at_lags
from causalkit.discovery.series.granger._granger_networks import Networks, Size
from causalkit.discovery.series.granger._granger_training import Path, Schedule, Steps, follow
from causalkit.discovery.series.granger._loss_comparison import (
    compared,
    gains,
    in_words,
    times_of,
)
from causalkit.errors import InputError
from causalkit.graph import Lagged
from causalkit.graph.marks import show_name
from causalkit.typing import BoolArray, FloatArray, IntArray, RandomState

__all__ = ["NeuralSeriesAlgorithm"]

_FEWEST: Final = 40
_INSTEAD: Final = "use RegressionGranger, which asks the same question without torch"


class NeuralSeriesAlgorithm(SeriesAlgorithm):
    """Base of the algorithms that ask networks which pasts they read."""

    _least: ClassVar[float] = 0.0
    """Norms of at most this size count as nothing."""

    penalty: float | str
    alpha: float
    n_folds: int
    n_steps: int
    learning_rate: float
    batch_size: int
    random_state: RandomState
    device: str

    scores_: FloatArray
    strengths_: FloatArray
    gains_: FloatArray
    pair_p_values_: FloatArray
    p_values_: FloatArray
    loss_: FloatArray
    penalty_: float
    penalties_: FloatArray
    losses_: FloatArray

    def _fit(self, series: Series) -> None:
        who = type(self).__name__
        schedule = self._schedule()
        torch = load_torch(who, instead=_INSTEAD)
        # Columns in the order of their names, so that the order in the data cannot matter.
        names = in_name_order(series.names)
        design = lagged_design(series.select(names), self.max_lag, n_steps=_FEWEST, who=who)
        folds = self._folds(design)
        back = np.array([names.index(name) for name in series.names])
        times = times_of(design.rows, series.follows)
        device = check_device(self.device, who, instead=_INSTEAD)
        with with_gradients(torch):
            size = Size(
                len(folds) + 1,
                design.n_series,
                design.max_lag,
                self._widths(),
                torch,
                device,
                torch.float32,
                as_generator(self.random_state),
            )
            networks, steps = self._networks(size), Steps.of(design, folds, size)
            path = follow(networks, steps, schedule)
            best = int(np.argmin(path.losses.mean(axis=1))) if self.penalty == "cv" else 0
            path.restore(networks, best)
            self._keep(series, path, best, back, networks.norms_by_lag(steps.past))
            self._judge(networks, steps, path.norms[best, 0], times, back)
        self.n_obs_ = len(design.rows)
        self.graph_ = links_at_lags(
            series.names,
            self._accepted,
            self.p_values_[1:],
            self.alpha,
            np.arange(design.n_series)[:, None],
        )

    def _schedule(self) -> Schedule:
        """Check settings."""
        path = self._path()
        if self.penalty != "cv":
            if isinstance(self.penalty, str):
                raise InputError(
                    f"penalty={self.penalty!r}; expected 'cv', for the one that forecasts best on "
                    "steps left out, or a number that is not negative."
                )
            here = check_not_negative(self.penalty, "penalty")
            path = (here, *(penalty for penalty in path if penalty > here))
        check_count(self.n_folds, "n_folds", minimum=2)
        check_fraction(self.alpha, "alpha")
        return Schedule(
            path,
            check_count(self.n_steps, "n_steps"),
            check_positive(self.learning_rate, "learning_rate"),
            check_count(self.batch_size, "batch_size", minimum=2),
        )

    def _folds(self, design: LaggedDesign) -> list[tuple[IntArray, IntArray]]:
        folds = blocked_folds(design.rows, self.n_folds, self.max_lag)
        fewest = min(len(train) for train, _ in folds)
        if fewest < _FEWEST // 4:
            raise InputError(
                f"{len(folds)} folds leave {fewest} of {len(design.rows)} steps to learn from in "
                f"one of them; expected {_FEWEST // 4} at least. Use another n_folds, a smaller "
                "max_lag, or longer series."
            )
        return folds

    def _keep(self, series: Series, path: Path, best: int, back: IntArray, by_lag: Any) -> None:
        """What the path says, in the order of the columns."""
        p, within = len(series.names), np.ix_(back, back)
        self.penalties_, self.losses_ = path.penalties, path.losses[:, back]
        self.penalty_, self.loss_ = float(path.penalties[best]), self.losses_[best]
        # A larger norm, or one that outlasts larger penalties, in networks of other steps too.
        self.scores_ = path.norms[best:].mean(axis=(0, 1))[within]
        self.strengths_ = unasked(self.max_lag, p)
        lags = np.ix_(np.arange(self.max_lag), back, back)
        self.strengths_[1:] = by_lag.detach().cpu().numpy().astype(np.float64)[lags]

    def _judge(
        self, networks: Networks, steps: Steps, read: FloatArray, times: IntArray, back: IntArray
    ) -> None:
        """What is lost on steps left out where a cause, or a lag of it, is withheld."""
        p, n_lags = len(back), self.max_lag
        within, full = np.ix_(back, back), steps.errors(networks)
        p_values, worth = np.empty((p, p)), np.empty((p, p))
        for cause in range(p):
            without = steps.errors(networks, (cause, None))
            p_values[cause] = compared(without - full, times)
            worth[cause] = gains(without, full)
        self.gains_, self.pair_p_values_ = worth[within], p_values[within]
        accepted: BoolArray = (p_values <= self.alpha) & (read > self._least)
        by_lag = unasked(n_lags, p)
        for cause in np.flatnonzero(accepted.any(axis=1)).tolist():
            there = accepted[cause]
            for lag in range(1, n_lags + 1):
                found = p_values[cause]
                if n_lags > 1:
                    found = compared(steps.errors(networks, (cause, lag)) - full, times)
                by_lag[lag, cause, there] = found[there]
        self._accepted = accepted[within]
        self.p_values_ = by_lag[np.ix_(np.arange(n_lags + 1), back, back)]

    def _explain(self, past: Lagged, now: Lagged) -> Explanation:
        i, j = self.graph_.index(past.name), self.graph_.index(now.name)
        cause, effect = show_name(past.name), show_name(now.name)
        why = (
            f"with {cause} withheld, the squared errors of the networks for {effect} on steps left "
            f"out are {in_words(self.gains_[i, j])} (p = {self.pair_p_values_[i, j]:.3g})"
        )
        if not np.nan_to_num(self.strengths_[:, i, j]).any():
            why = f"the network for {effect} reads nothing of {cause}; {why}"
        alone = self.p_values_[past.lag, i, j]
        if self.max_lag > 1 and not np.isnan(alone):
            why += f"; with lag {past.lag} alone withheld, p = {alone:.3g}"
        return explained(self.graph_, past, now, f"{why}; penalty {self.penalty_:.3g}")

    @abstractmethod
    def _path(self) -> tuple[float, ...]:
        """Penalties from next to nothing to too much."""

    @abstractmethod
    def _widths(self) -> tuple[int, ...]:
        """Check and return the widths of the hidden layers."""

    @abstractmethod
    def _networks(self, size: Size) -> Networks:
        """Make the networks."""
