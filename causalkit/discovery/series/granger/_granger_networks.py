"""The networks of neural Granger causality, many of them side by side in one tensor.

There are `n_sets` sets of networks: the first learns from all steps, each other one from all but a
run of them. Those of :class:`ComponentMLP` and :class:`ComponentLSTM` are one network an effect
(Tank et al.), of which the weights on the inputs are the first parameter, by cause, lag, network
and unit; that of :class:`ResidualMLP` forecasts all effects at once (Zhou et al.). Weights are
drawn by NumPy, so torch's own source of randomness is never touched.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np

__all__ = [
    "Component",
    "ComponentLSTM",
    "ComponentMLP",
    "Networks",
    "ResidualMLP",
    "Size",
    "shrink_groups",
    "shrink_nested",
]

_NOTHING: Final = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Size:
    """How many networks of what kind, and where.

    Attributes
    ----------
    n_sets : int
    n_series : int
    max_lag : int
    hidden_units : tuple of int
    torch : module
    device : str
    dtype : torch.dtype
    rng : numpy.random.Generator
    """

    n_sets: int
    n_series: int
    max_lag: int
    hidden_units: tuple[int, ...]
    torch: Any
    device: str
    dtype: Any
    rng: np.random.Generator

    def draw(self, *shape: int, spread: float) -> Any:
        """Normal weights."""
        return self.tensor(spread * self.rng.normal(size=shape)).requires_grad_()

    def fill(self, *shape: int, value: float = 0.0) -> Any:
        """Weights that begin as one number."""
        return self.tensor(np.full(shape, value)).requires_grad_()

    def tensor(self, array: Any) -> Any:
        """Numbers on the device."""
        return self.torch.tensor(array, dtype=self.dtype, device=self.device)


class Networks(ABC):
    """Sets of networks that forecast all series from their past."""

    size: Size
    parameters: list[Any]

    @abstractmethod
    def forecasts(self, past: Any) -> Any:
        """Forecasts of shape (n_sets, p, n) from a past of shape (n, p, max_lag)."""

    @abstractmethod
    def price(self, past: Any, penalty: float) -> Any:
        """The part of the objective that is smooth and no squared error, summed over networks."""

    @abstractmethod
    def norms(self, past: Any) -> Any:
        """How much each network reads of each cause, (n_sets, cause, effect)."""

    @abstractmethod
    def norms_by_lag(self, past: Any) -> Any:
        """The same of the first set by lag, (max_lag, cause, effect)."""


class Component(Networks):
    """One network for each effect; a cause of which all first weights are 0 is none."""

    def __init__(
        self, size: Size, n_columns: int, width: int, *, ridge: float, nested: bool
    ) -> None:
        p, n_networks = size.n_series, size.n_sets * size.n_series
        self.size, self.ridge, self.nested = size, ridge, nested
        self.n_networks = n_networks
        spread = 1.0 / np.sqrt(p * n_columns)
        self.parameters = [size.draw(p, n_columns, n_networks, width, spread=spread)]
        self.weights: list[Any] = []

    def price(self, past: Any, penalty: float) -> Any:  # noqa: ARG002 - that has a kink: `shrink`
        """Half the squares of later weights, lest they make up for small first ones."""
        return 0.5 * self.ridge * sum(weights.square().sum() for weights in self.weights)

    def shrink(self, sizes: Any) -> None:
        """Bring the first weights of each cause nearer to zero, in place."""
        (shrink_nested if self.nested else shrink_groups)(self.parameters[0], sizes)

    def norms(self, past: Any) -> Any:  # noqa: ARG002 - weights say it for all steps
        squares = self.parameters[0].square().sum(dim=(1, 3))
        return self._by_set(squares.sqrt())

    def _by_set(self, by_network: Any) -> Any:
        p = self.size.n_series
        return by_network.view(p, self.size.n_sets, p).transpose(0, 1)


class ComponentMLP(Component):
    """Perceptrons (cMLP): layers of tanh, and a line."""

    def __init__(self, size: Size, *, ridge: float, nested: bool) -> None:
        super().__init__(size, size.max_lag, size.hidden_units[0], ridge=ridge, nested=nested)
        widths = (*size.hidden_units, 1)
        biases = [size.draw(self.n_networks, 1, widths[0], spread=0.1)]
        for width, following in pairwise(widths):
            spread = 1.0 / np.sqrt(width)
            self.weights.append(size.draw(self.n_networks, width, following, spread=spread))
            biases.append(size.fill(self.n_networks, 1, following))
        self.biases = biases
        self.parameters += [*self.weights, *biases]

    def forecasts(self, past: Any) -> Any:
        torch, first = self.size.torch, self.parameters[0]
        n, n_columns = len(past), first.shape[0] * first.shape[1]
        units = past.reshape(n, n_columns) @ first.reshape(n_columns, -1)
        units = units.view(n, self.n_networks, -1).transpose(0, 1) + self.biases[0]
        for weights, bias in zip(self.weights, self.biases[1:], strict=True):
            units = torch.baddbmm(bias, torch.tanh(units), weights)
        return units.view(self.size.n_sets, self.size.n_series, n)

    def norms_by_lag(self, past: Any) -> Any:  # noqa: ARG002
        p = self.size.n_series
        return self.parameters[0][:, :, :p].square().sum(dim=3).sqrt().transpose(0, 1)


class ComponentLSTM(Component):
    """Networks with a memory (cLSTM), which is empty `max_lag` steps before the forecast."""

    def __init__(self, size: Size, *, ridge: float) -> None:
        width = size.hidden_units[0]
        super().__init__(size, 1, 4 * width, ridge=ridge, nested=False)
        spread = 1.0 / np.sqrt(width)
        self.weights = [
            size.draw(self.n_networks, width, 4 * width, spread=spread),
            size.draw(self.n_networks, width, 1, spread=spread),
        ]
        opens = np.repeat([0.0, 1.0, 0.0, 0.0], width)  # at first nothing is forgotten
        bias = size.tensor(np.tile(opens, (self.n_networks, 1, 1))).requires_grad_()
        self.biases = [bias, size.fill(self.n_networks, 1, 1)]
        self.parameters += [*self.weights, *self.biases]

    def forecasts(self, past: Any) -> Any:
        torch, n = self.size.torch, len(past)
        p, _, n_networks, four = self.parameters[0].shape
        first = self.parameters[0].view(p, n_networks * four)
        memory = state = None
        for step in range(self.size.max_lag - 1, -1, -1):
            gates = (past[:, :, step] @ first).view(n, n_networks, four).transpose(0, 1)
            gates = gates + self.biases[0]
            if state is not None:
                gates = torch.baddbmm(gates, state, self.weights[0])
            opened, kept, new, told = gates.chunk(4, dim=2)
            fresh = torch.sigmoid(opened) * torch.tanh(new)
            memory = fresh if memory is None else torch.sigmoid(kept) * memory + fresh
            state = torch.sigmoid(told) * torch.tanh(memory)
        said = torch.baddbmm(self.biases[1], state, self.weights[1])
        return said.view(self.size.n_sets, p, n)

    def norms_by_lag(self, past: Any) -> Any:
        """Mean absolute derivatives: weights on inputs serve all lags."""
        torch, read = self.size.torch, past.detach().requires_grad_()
        with torch.enable_grad():
            said = self.forecasts(read)[0].sum(dim=1)
            slopes = [torch.autograd.grad(one, read, retain_graph=True)[0] for one in said]
        return torch.stack([slope.abs().mean(dim=0) for slope in slopes], dim=2).transpose(0, 1)


class ResidualMLP(Networks):
    """One perceptron for all effects: a line, and units to which each further layer adds its tanh.

    The absolute derivatives of what it says by what it reads are priced, (n, p, p * max_lag) of
    them. They are exact, as products of the layers from the last to the first: `p` rows a step,
    fewer than the inputs.
    """

    def __init__(self, size: Size, *, squared: bool, n_priced: int = 16) -> None:
        self.size, self.squared, self.n_priced = size, squared, n_priced
        n_columns, width = size.n_series * size.max_lag, size.hidden_units[0]
        sets, spread = size.n_sets, 1.0 / np.sqrt(width)
        self.first = (
            size.draw(sets, n_columns, width, spread=1.0 / np.sqrt(n_columns)),
            size.fill(sets, 1, width),
        )
        self.blocks = [
            (size.draw(sets, width, width, spread=0.5 * spread), size.fill(sets, 1, width))
            for _ in size.hidden_units[1:]
        ]
        self.last = (
            size.draw(sets, width, size.n_series, spread=0.5 * spread),
            size.fill(sets, 1, size.n_series),
        )
        self.straight = size.fill(sets, n_columns, size.n_series)
        layers = (self.first, *self.blocks, self.last)
        self.parameters = [self.straight, *(part for layer in layers for part in layer)]

    def forecasts(self, past: Any) -> Any:
        return self._forward(past)[0].transpose(1, 2)

    def _forward(self, past: Any) -> tuple[Any, list[Any]]:
        """Forecasts (n_sets, n, p), and the slopes of tanh in each layer."""
        torch = self.size.torch
        rows = past.reshape(len(past), -1).expand(self.size.n_sets, -1, -1)
        units = torch.tanh(torch.baddbmm(self.first[1], rows, self.first[0]))
        slopes = [1.0 - units.square()]
        for weights, bias in self.blocks:
            bent = torch.tanh(torch.baddbmm(bias, units, weights))
            slopes.append(1.0 - bent.square())
            units = units + bent
        bent = torch.baddbmm(self.last[1], units, self.last[0])
        return torch.baddbmm(bent, rows, self.straight), slopes

    def jacobian(self, past: Any) -> Any:
        """Derivatives of shape (n_sets, n, effect, cause, max_lag)."""
        _, slopes = self._forward(past)
        sets, n, width = slopes[0].shape
        p = self.size.n_series
        chain = self.last[0].transpose(1, 2)[:, None].expand(sets, n, p, width)
        for (weights, _), slope in zip(self.blocks[::-1], slopes[:0:-1], strict=True):
            bent = (chain * slope[:, :, None]).reshape(sets, n * p, width)
            chain = chain + (bent @ weights.transpose(1, 2)).view(sets, n, p, width)
        bent = (chain * slopes[0][:, :, None]).reshape(sets, n * p, width)
        found = (bent @ self.first[0].transpose(1, 2)).view(sets, n, p, -1)
        return (found + self.straight.transpose(1, 2)[:, None]).view(sets, n, p, p, -1)

    def price(self, past: Any, penalty: float) -> Any:
        """Of a few steps at a time, which change from call to call."""
        size = self.size
        rows = size.rng.integers(len(past), size=self.n_priced)
        derivatives = self.jacobian(past[size.torch.tensor(rows, device=size.device)])
        sizes = 0.5 * derivatives.square() if self.squared else derivatives.abs()
        return penalty * sizes.mean(dim=1).sum()

    def norms(self, past: Any) -> Any:
        """Mean absolute derivative at the lag where it is largest."""
        return self._means(past).amax(dim=3).transpose(1, 2)

    def norms_by_lag(self, past: Any) -> Any:
        return self._means(past)[0].permute(2, 1, 0)

    def _means(self, past: Any) -> Any:
        """Mean absolute derivatives (n_sets, effect, cause, max_lag)."""
        parts = past.split(256)
        return sum(self.jacobian(part).abs().sum(dim=1) for part in parts) / len(past)


def shrink_groups(first: Any, sizes: Any) -> None:
    """Solve min |w - first|² / 2 + size |w| for the weights of each cause in each network.

    Parameters
    ----------
    first : tensor of shape (p, lags, networks, units)
        Changed in place.
    sizes : tensor of shape (p, 1, networks, 1)
    """
    norms = first.square().sum(dim=(1, 3), keepdim=True).sqrt()
    first.mul_((1.0 - sizes / (norms + _NOTHING)).clamp_(min=0.0))


def shrink_nested(first: Any, sizes: Any) -> None:
    """Solve the same with size times the sum over l of the norms of all lags from l on.

    Groups that lie within each other are shrunk one after the other, the innermost first (Jenatton
    et al. 2011, doi:10.5555/1953048.2021074).
    """
    for lag in range(first.shape[1] - 1, -1, -1):
        shrink_groups(first[:, lag:], sizes)
