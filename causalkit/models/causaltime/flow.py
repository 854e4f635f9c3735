"""Noise by a conditional normalising flow, one for each series, trained by likelihood.

The noise of a series is a standard normal number that a monotone map makes into what the networks
left over. The map is a rational-quadratic spline, stretched and shifted, and all its numbers come
from a small network that reads the *parents* of that series and nothing else: the past that the
mask lets in, and the residual of the step before. So spread and shape may depend on the causes,
noise of different series is independent, and no edge is added that the graph does not have.

The map is exact in both directions and its Jacobian is known, so descent is on the likelihood
itself. What was learnt from is fitted a little too closely; the spread of the normal numbers is
therefore set so that steps which judge have spread one.

References
----------
Durkan, Bekasov, Murray and Papamakarios (2019), "Neural spline flows", Advances in Neural
Information Processing Systems 32, arXiv:1906.04032. Splines are those of zuko (Rozet and others).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from causalkit.errors import InputError
from causalkit.models.causaltime.networks import Tensors, as_mask
from causalkit.typing import BoolArray, FloatArray

__all__ = ["NoiseFlow", "first_flow", "load_zuko", "masked_flow", "noise_of", "normal_of"]

_BINS: Final = 8
_WIDTH: Final = 16
_REACH: Final = 6.0
"""The spline bends from minus this to this; beyond, it is a line."""


def load_zuko(who: str) -> Any:
    """Import zuko's transforms, or say how to get them.

    Raises
    ------
    InputError
        If zuko is not installed.
    """
    if find_spec("zuko") is None:
        raise InputError(
            f"{who} learns its noise with zuko, which is not installed; expected the extra 'deep'. "
            "Install it: pip install 'causalkit-toolkit[deep]'."
        )
    return import_module("zuko.transforms")


@dataclass(frozen=True, slots=True, eq=False)
class NoiseFlow:
    """Flows as they were left by descent.

    Attributes
    ----------
    mask : ndarray of bool, shape (max_lag, p, p)
        `[lag - 1, cause, effect]`: whether the noise of the effect may depend on the cause.
    weights : mapping of str to ndarray
        By name; the first axis is the effect.
    spread : ndarray of shape (p,)
        Standard deviation of the normal numbers.
    """

    mask: BoolArray
    weights: Mapping[str, NDArray[np.float32]]
    spread: FloatArray

    def tensors(self, torch: Any, device: str) -> Tensors:
        """Put the weights on a device, those that read the past multiplied by the mask."""
        weights = {name: torch.tensor(held, device=device) for name, held in self.weights.items()}
        return masked_flow(weights, as_mask(torch, self.mask, device))


def first_flow(
    mask: BoolArray, spread: FloatArray, rng: np.random.Generator
) -> dict[str, NDArray[np.float32]]:
    """Draw the weights from which descent starts: normal noise of this spread, whatever the causes.

    Parameters
    ----------
    mask : ndarray of bool, shape (max_lag, p, p)
    spread : ndarray of shape (p,)
        Standard deviation of what is left over.
    rng : numpy.random.Generator

    Returns
    -------
    dict of str to ndarray
    """
    n_lags, p, _ = mask.shape
    reads = 1.0 + mask.sum(axis=(0, 1))
    size = (1.0 / np.sqrt(reads))[:, None, None]
    last_bias = np.zeros((p, 1, 3 * _BINS + 1))
    last_bias[:, 0, 1] = np.log(spread)
    weights = {
        "first": size * rng.normal(size=(p, n_lags * p, _WIDTH)),
        "left": size * rng.normal(size=(p, 1, _WIDTH)),
        "first_bias": 0.1 * rng.normal(size=(p, 1, _WIDTH)),
        "last": np.zeros((p, _WIDTH, 3 * _BINS + 1)),
        "last_bias": last_bias,
    }
    return {name: held.astype(np.float32) for name, held in weights.items()}


def masked_flow(weights: Tensors, mask: Any) -> Tensors:
    """Multiply what reads the past by the mask, shape (p, max_lag, p)."""
    return {**weights, "first": weights["first"] * mask.reshape(len(mask), -1, 1)}


def _map(torch: Any, zuko: Any, weights: Tensors, past: Any, residual: Any) -> tuple[Any, Any, Any]:
    """Shift and log-stretch, (p, n), and the spline; the context is the parents of each series."""
    flat = past.reshape(len(past), -1)
    units = flat @ weights["first"] + residual.T[:, :, None] * weights["left"]
    units = torch.tanh(units + weights["first_bias"])
    said = units @ weights["last"] + weights["last_bias"]
    shift, stretch, *knots = said.split([1, 1, _BINS, _BINS, _BINS - 1], dim=2)
    spline = zuko.MonotonicRQSTransform(*knots, bound=_REACH)
    return shift.squeeze(2), stretch.squeeze(2), spline


def normal_of(
    torch: Any, zuko: Any, weights: Tensors, past: Any, residual: Any, noise: Any
) -> tuple[Any, Any]:
    """Map noise to normal numbers.

    Parameters
    ----------
    torch, zuko : modules
    weights : dict
        As :func:`masked_flow` returns them.
    past : tensor of shape (n, max_lag, p)
    residual, noise : tensors of shape (n, p)

    Returns
    -------
    normal, log_slope : tensors of shape (n, p)
        What was mapped, and the log of the derivative of the map.
    """
    shift, stretch, spline = _map(torch, zuko, weights, past, residual)
    bent, log_slope = spline.call_and_ladj((noise.T - shift) * torch.exp(-stretch))
    return bent.T, (log_slope - stretch).T


def noise_of(torch: Any, zuko: Any, weights: Tensors, past: Any, residual: Any, normal: Any) -> Any:
    """Map normal numbers of shape (n, p) to noise: the inverse of :func:`normal_of`."""
    shift, stretch, spline = _map(torch, zuko, weights, past, residual)
    return (shift + torch.exp(stretch) * spline.inv(normal.T)).T
