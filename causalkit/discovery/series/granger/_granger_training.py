"""Networks along a path of penalties, and what they lose where an input is withheld."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from causalkit.discovery.series._lagged_design import LaggedDesign
from causalkit.discovery.series.granger._granger_networks import Component, Networks, Size
from causalkit.errors import NumericalError
from causalkit.typing import FloatArray, IntArray

__all__ = ["Path", "Schedule", "Steps", "follow"]

_FIRST: Final = 10
"""Times as many steps for the first penalty as for another."""
_SLOWEST: Final = 0.1
"""Share of the learning rate that is left at the end of a penalty."""
_PART: Final = 2000
"""Steps that are forecast at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """What the networks see.

    Attributes
    ----------
    past : tensor of shape (n, p, max_lag)
    now : tensor of shape (n, p)
    learnt : tensor of shape (n_sets, n)
        1 where a set may learn from a step, else 0.
    judge : ndarray of int, shape (n,)
        The set that has not learnt from a step, nor from one within `max_lag` steps of it.
    """

    past: Any
    now: Any
    learnt: Any
    judge: IntArray

    @classmethod
    def of(cls, design: LaggedDesign, folds: list[tuple[IntArray, IntArray]], size: Size) -> Steps:
        """Put the design on the device; set k + 1 learns from what fold k trains with."""
        n, p = design.now.shape
        learnt, judge = np.zeros((size.n_sets, n)), np.zeros(n, dtype=np.intp)
        learnt[0] = 1.0
        for k, (train, test) in enumerate(folds, 1):
            learnt[k, train], judge[test] = 1.0, k
        past = design.past.reshape(n, p, design.max_lag)
        return cls(size.tensor(past), size.tensor(design.now), size.tensor(learnt), judge)

    def errors(
        self, networks: Networks, withheld: tuple[int, int | None] | None = None
    ) -> FloatArray:
        """Squared errors of all effects on steps not learnt from, shape (n, p).

        Parameters
        ----------
        networks : Networks
        withheld : (cause, lag), optional
            What the networks see the mean of instead; all lags if `lag` is None.
        """
        torch, found, first = networks.size.torch, [], 0
        with torch.no_grad():
            for past, now in zip(self.past.split(_PART), self.now.split(_PART), strict=True):
                if withheld is not None:
                    past = past.clone()
                    cause, lag = withheld
                    past[:, cause, slice(None) if lag is None else lag - 1] = 0.0
                said = networks.forecasts(past).cpu().numpy()
                judge = self.judge[first : first + len(past)]
                of_judge = said[judge, :, np.arange(len(past))]
                found.append((of_judge - now.cpu().numpy()).astype(np.float64) ** 2)
                first += len(past)
        return np.concatenate(found)


@dataclass(frozen=True, slots=True)
class Schedule:
    """How to descend.

    Attributes
    ----------
    penalties : tuple of float
        Ascending.
    n_steps : int
        For each penalty; ten times as many for the first.
    learning_rate : float
        At the start of each penalty; it falls to a tenth.
    batch_size : int
        Steps of the series that one step of the descent looks at.
    """

    penalties: tuple[float, ...]
    n_steps: int
    learning_rate: float
    batch_size: int

    def rates(self, *, first: bool) -> Iterator[float]:
        """Learning rates for one penalty."""
        n = self.n_steps * (_FIRST if first else 1)
        return (self.learning_rate * (1.0 - (1.0 - _SLOWEST) * k / n) for k in range(n))


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """What networks were at each penalty.

    Attributes
    ----------
    penalties : ndarray of shape (k,)
        Those up to the first under which nothing is read.
    norms : ndarray of shape (k, n_sets, p, p)
        `[penalty, set, cause, effect]`.
    losses : ndarray of shape (k, p)
        Mean squared errors on steps not learnt from.
    kept : list of lists of tensors
        Parameters.
    """

    penalties: FloatArray
    norms: FloatArray
    losses: FloatArray
    kept: list[list[Any]]

    def restore(self, networks: Networks, k: int) -> None:
        """Make the networks what they were."""
        with networks.size.torch.no_grad():
            for parameter, value in zip(networks.parameters, self.kept[k], strict=True):
                parameter.copy_(value)


def follow(networks: Networks, steps: Steps, schedule: Schedule) -> Path:
    """Train under each penalty in turn, from what was learnt under the one before it.

    Parameters
    ----------
    networks : Networks
        Changed in place.
    steps : Steps
    schedule : Schedule

    Raises
    ------
    NumericalError
        If errors overflow.
    """
    torch = networks.size.torch
    descent = Descent(networks)
    norms, losses, kept = [], [], []
    for k, penalty in enumerate(schedule.penalties):
        for rate in schedule.rates(first=k == 0):
            descent.step(steps, schedule.batch_size, penalty, rate)
        with torch.no_grad():
            norms.append(networks.norms(steps.past).cpu().numpy().astype(np.float64))
        losses.append(steps.errors(networks).mean(axis=0))
        if not np.isfinite(losses[-1]).all():
            raise NumericalError(
                f"the networks diverged at learning_rate={schedule.learning_rate}; expected errors "
                "that are finite. Use a smaller learning_rate, such as a tenth of it."
            )
        kept.append([parameter.detach().clone() for parameter in networks.parameters])
        if not norms[-1].any():
            break
    penalties = np.array(schedule.penalties[: len(norms)])
    return Path(penalties, np.array(norms), np.array(losses), kept)


class Descent:
    """Adam, with one size of step for all weights of a group, and groups that can reach zero.

    Adam divides by the root of a mean square of each gradient. Where a group of weights has one
    such root in common, the step that follows for the penalty, min |w - v|² / 2η + penalty |w|, is
    a shrinkage, and at a fixed point the (sub)gradient of the objective is zero as it should be.
    """

    first_decay: Final = 0.9
    second_decay: Final = 0.999

    def __init__(self, networks: Networks) -> None:
        self.networks, self.n_steps = networks, 0
        zeros = networks.size.torch.zeros_like
        self.means = [zeros(parameter) for parameter in networks.parameters]
        self.squares = [self._pooled(k, zeros(mean)) for k, mean in enumerate(self.means)]

    def _pooled(self, k: int, squares: Any) -> Any:
        """One mean for each group of the first parameter."""
        if k == 0 and isinstance(self.networks, Component):
            return squares.mean(dim=(1, 3), keepdim=True)
        return squares

    def step(self, steps: Steps, batch_size: int, penalty: float, rate: float) -> None:
        """Take one step on the objective under a penalty."""
        networks = self.networks
        torch = networks.size.torch
        value = _objective(networks, steps, batch_size, penalty)
        gradients = torch.autograd.grad(value, networks.parameters)
        self.n_steps += 1
        warm = 1.0 - self.first_decay**self.n_steps
        warmer = 1.0 - self.second_decay**self.n_steps
        with torch.no_grad():
            for k, gradient in enumerate(gradients):
                mean, square = self.means[k], self.squares[k]
                mean.lerp_(gradient, 1.0 - self.first_decay)
                square.lerp_(self._pooled(k, gradient.square()), 1.0 - self.second_decay)
                sizes = rate / ((square / warmer).sqrt_() + 1e-8)
                networks.parameters[k].sub_(sizes * mean / warm)
                if k == 0 and isinstance(networks, Component):
                    networks.shrink(penalty * sizes)


def _objective(networks: Networks, steps: Steps, batch_size: int, penalty: float) -> Any:
    """Half the mean squared errors and the smooth part of the price, over some of the steps."""
    past, now, learnt = steps.past, steps.now, steps.learnt
    if len(past) > batch_size:
        size = networks.size
        drawn = size.rng.permutation(len(past))[:batch_size]
        rows = size.torch.tensor(drawn, device=size.device)
        past, now, learnt = past[rows], now[rows], learnt[:, rows]
    errors = (networks.forecasts(past) - now.T).square().sum(dim=1)
    weights = learnt / learnt.sum(dim=1, keepdim=True).clamp(min=1.0)
    return 0.5 * (errors * weights).sum() + networks.price(past, penalty)
