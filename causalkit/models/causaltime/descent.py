"""Descent for many networks at once, each of which is kept as it was when it was best.

The parts of one objective that belong to different networks do not touch each other, so one run of
Adam trains all of them. What a network loses on the steps that judge is looked at after each round,
and each is kept as it was in its best round; the first candidate is the network before any descent.
Batches are drawn by NumPy, so torch's own source of randomness is never touched.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from causalkit.errors import NumericalError
from causalkit.models.causaltime.networks import Tensors
from causalkit.typing import FloatArray, IntArray

__all__ = ["Adam", "Losses", "Schedule", "descend"]

_PART: Final = 4096
"""Rows that are judged at once."""
_SLOWEST: Final = 0.1
"""Share of the learning rate that is left at the end."""

Losses = Callable[[Tensors, Any], tuple[Any, Any]]
"""From weights and rows: the sum of losses of each network, and how many it is a sum of."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast.

    Attributes
    ----------
    epochs : int
    patience : int
        Rounds without a better network, after which it ends.
    learning_rate : float
    batch_size : int
    ridge : float
        Price of squared weights.
    """

    epochs: int
    patience: int
    learning_rate: float
    batch_size: int
    ridge: float


class Adam:
    """Adam (Kingma and Ba 2015, arXiv:1412.6980), each weight with steps of its own size.

    Parameters
    ----------
    torch : module
    weights : list of tensors
        Changed in place.
    ridge : float
        Price of half their squares.
    """

    first_decay: Final = 0.9
    second_decay: Final = 0.999

    def __init__(self, torch: Any, weights: list[Any], *, ridge: float = 0.0) -> None:
        self.torch, self.weights, self.ridge, self.n_steps = torch, weights, ridge, 0
        self.means = [torch.zeros_like(held) for held in weights]
        self.squares = [torch.zeros_like(held) for held in weights]

    def step(self, loss: Any, rate: float) -> None:
        """Take one step down a loss."""
        gradients = self.torch.autograd.grad(loss, self.weights)
        self.n_steps += 1
        warm = 1.0 - self.first_decay**self.n_steps
        warmer = 1.0 - self.second_decay**self.n_steps
        with self.torch.no_grad():
            parts = zip(self.weights, gradients, self.means, self.squares, strict=True)
            for held, gradient, mean, square in parts:
                slope = gradient + self.ridge * held
                mean.lerp_(slope, 1.0 - self.first_decay)
                square.lerp_(slope.square(), 1.0 - self.second_decay)
                held.sub_(rate / warm * mean / ((square / warmer).sqrt_() + 1e-8))


def descend(
    torch: Any,
    weights: dict[str, NDArray[np.float32]],
    losses: Losses,
    rows: tuple[IntArray, IntArray],
    schedule: Schedule,
    device: str,
    rng: np.random.Generator,
) -> tuple[dict[str, NDArray[np.float32]], FloatArray]:
    """Train from first weights.

    Parameters
    ----------
    torch : module
    weights : dict of str to ndarray
    losses : callable
    rows : (learnt, judged)
    schedule : Schedule
    device : str
    rng : numpy.random.Generator

    Returns
    -------
    weights : dict of str to ndarray
    loss : ndarray of shape (p,)
        Of each network, on the rows that judge.

    Raises
    ------
    NumericalError
        If losses are not finite.
    """
    learnt, judged = (torch.tensor(part, device=device) for part in rows)
    held = {
        name: torch.tensor(array, device=device, requires_grad=True)
        for name, array in weights.items()
    }
    adam = Adam(torch, list(held.values()), ridge=schedule.ridge)
    best = {name: tensor.detach().clone() for name, tensor in held.items()}
    least, since = _judge(torch, losses, held, judged), 0
    separate = all(len(tensor) == len(least) for tensor in held.values())
    for epoch in range(schedule.epochs):
        rate = schedule.learning_rate * (1.0 - (1.0 - _SLOWEST) * epoch / schedule.epochs)
        order = torch.tensor(rng.permutation(len(learnt)), device=device)
        for part in learnt[order].split(schedule.batch_size):
            sums, counts = losses(held, part)
            adam.step((sums / counts.clamp(min=1)).sum(), rate)
        now = _judge(torch, losses, held, judged)
        better = now < least if separate else (now.sum() < least.sum()).expand(len(now))
        for name, tensor in held.items():
            which = better[: len(tensor)].view(-1, *[1] * (tensor.dim() - 1))
            best[name] = torch.where(which, tensor.detach(), best[name])
        least = torch.where(better, now, least)
        since = 0 if bool(better.any()) else since + 1
        if since >= schedule.patience:
            break
    if not bool(torch.isfinite(least).all()):
        raise NumericalError(
            "the loss of a network on steps that judge is not finite; expected a number. Look for "
            "values in the series that lie far outside all others."
        )
    return (
        {name: tensor.cpu().numpy() for name, tensor in best.items()},
        least.cpu().numpy().astype(np.float64),
    )


def _judge(torch: Any, losses: Losses, weights: Tensors, judged: Any) -> Any:
    """Mean loss of each network on the rows that judge."""
    with torch.no_grad():
        parts = [losses(weights, part) for part in judged.split(_PART)]
    counts = sum(count for _, count in parts)
    return sum(total for total, _ in parts) / counts.clamp(min=1)
