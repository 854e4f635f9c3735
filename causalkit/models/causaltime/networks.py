"""Networks that read their own causes only, one for each series, side by side in one tensor.

Network i forecasts series i from the last `max_lag` steps of those series that its own column of a
mask lets in. What the mask leaves out is multiplied by zero before anything else happens to it, and
no network sees what goes on in another. So a change of what is left out changes no bit of the
forecast: the mask is the graph. (With `sharing="decoder"` the later layers of all networks have the
same weights; what flows through them is still each network's own.)

A forecast is a line through what is let in, plus what layers of tanh (`"mlp"`) or a memory that
runs through the window (`"lstm"`) add to it. The line begins as ridge regression and the rest at
zero, so that descent starts from a linear model and is not the worse for being stopped early.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from causalkit.typing import BoolArray, FloatArray

__all__ = ["NETWORKS", "Network", "Tensors", "as_mask", "first_weights", "forecast", "masked"]

NETWORKS: Final = ("lstm", "mlp")

Tensors = dict[str, Any]
"""Weights by name; the first axis is the network, of length 1 for weights that all share."""


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """Networks as they were left by descent.

    Attributes
    ----------
    kind : {"lstm", "mlp"}
    mask : ndarray of bool, shape (max_lag, p, p)
        `[lag - 1, cause, effect]`: whether the network of the effect reads the cause.
    weights : mapping of str to ndarray
        By name; the first axis is the effect, of length 1 for weights that all share.
    """

    kind: str
    mask: BoolArray
    weights: Mapping[str, NDArray[np.float32]]

    def tensors(self, torch: Any, device: str) -> Tensors:
        """Put the weights on a device, those that are masked multiplied by the mask."""
        weights = {name: torch.tensor(held, device=device) for name, held in self.weights.items()}
        return masked(self.kind, weights, as_mask(torch, self.mask, device))


def as_mask(torch: Any, mask: BoolArray, device: str) -> Any:
    """Put a mask on a device, effects first: shape (p, max_lag, p)."""
    return torch.tensor(mask.transpose(2, 0, 1).astype(np.float32), device=device)


def first_weights(
    kind: str,
    mask: BoolArray,
    line: FloatArray,
    *,
    hidden_units: int,
    shared: bool,
    rng: np.random.Generator,
) -> dict[str, NDArray[np.float32]]:
    """Draw the weights from which descent starts.

    Parameters
    ----------
    kind : {"lstm", "mlp"}
    mask : ndarray of bool, shape (max_lag, p, p)
    line : ndarray of shape (p, max_lag * p)
        Slopes of the linear forecast of each effect.
    hidden_units : int
    shared : bool
        Whether later layers are the same for all.
    rng : numpy.random.Generator

    Returns
    -------
    dict of str to ndarray
    """
    n_lags, p, _ = mask.shape
    h, several = hidden_units, 1 if shared else p
    reads = np.maximum(mask.sum(axis=(0, 1)), 1)  # causes and lags that each network reads
    per_step = np.maximum(mask.any(axis=0).sum(axis=0), 1)
    weights = {"line": line, "level": np.zeros((p, 1))}
    if kind == "mlp":
        spread = 1.0 / np.sqrt(reads)[:, None, None]
        weights["first"] = spread * rng.normal(size=(p, n_lags * p, h))
        weights["first_bias"] = 0.1 * rng.normal(size=(p, 1, h))
    else:
        spread = 1.0 / np.sqrt(per_step)[:, None, None]
        weights["first"] = spread * rng.normal(size=(p, p, 4 * h))
        opens = np.repeat([0.0, 1.0, 0.0, 0.0], h)  # at first nothing is forgotten
        weights["first_bias"] = np.tile(opens, (p, 1, 1))
        weights["recurrent"] = rng.normal(size=(p, h, 4 * h)) / np.sqrt(h)
    weights["second"] = rng.normal(size=(several, h, h)) / np.sqrt(h)
    weights["second_bias"] = np.zeros((several, 1, h))
    weights["last"] = np.zeros((several, h, 1))
    return {name: held.astype(np.float32) for name, held in weights.items()}


def masked(kind: str, weights: Tensors, mask: Any) -> Tensors:
    """Multiply what reads the past by the mask, shape (p, max_lag, p)."""
    p, n_lags, _ = mask.shape
    flat = mask.reshape(p, n_lags * p)
    if kind == "mlp":
        first = weights["first"] * flat[:, :, None]
    else:  # one copy for each lag, (p, max_lag, p, 4 h), unless all lags are read alike
        alike = bool((mask == mask[:, :1]).all())
        first = weights["first"][:, None] * (mask[:, :1] if alike else mask)[..., None]
    return {**weights, "line": weights["line"] * flat, "first": first}


def forecast(torch: Any, kind: str, weights: Tensors, past: Any) -> Any:
    """Forecast all series.

    Parameters
    ----------
    torch : module
    kind : {"lstm", "mlp"}
    weights : dict
        As :func:`masked` returns them.
    past : tensor of shape (n, max_lag, p) or (p, n, max_lag, p)
        The last step first; one for all networks, or one for each.

    Returns
    -------
    tensor of shape (n, p)
    """
    units = (_perceptron if kind == "mlp" else _memory)(torch, weights, past)
    units = torch.tanh(units @ weights["second"] + weights["second_bias"])
    straight = past.flatten(-2) @ weights["line"][:, :, None]
    return (straight + units @ weights["last"]).squeeze(2).T + weights["level"].T


def _perceptron(torch: Any, weights: Tensors, past: Any) -> Any:
    """First hidden layer, (p, n, h)."""
    return torch.tanh(past.flatten(-2) @ weights["first"] + weights["first_bias"])


def _memory(torch: Any, weights: Tensors, past: Any) -> Any:
    """State after the window, (p, n, h); it is empty before it."""
    memory = state = None
    first = weights["first"]
    for lag in range(past.shape[-2] - 1, -1, -1):
        reading = first[:, min(lag, first.shape[1] - 1)]
        gates = past[..., lag, :] @ reading + weights["first_bias"]
        if state is not None:
            gates = gates + state @ weights["recurrent"]
        opened, kept, new, told = gates.chunk(4, dim=2)
        fresh = torch.sigmoid(opened) * torch.tanh(new)
        memory = fresh if memory is None else torch.sigmoid(kept) * memory + fresh
        state = torch.sigmoid(told) * torch.tanh(memory)
    return state
