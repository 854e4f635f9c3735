"""How much a network's forecast owes to each series: expected gradients.

What a forecast owes to an input is its slope there times how far the input is from another draw of
it, averaged over such draws and over the way between the two. This is what DeepSHAP approximates,
and like Shapley values the shares of all inputs add up to what the forecast differs by.

References
----------
Erion, Janizek, Sturmfels, Lundberg and Lee (2021), "Improving performance of deep learning models
with axiomatic attribution priors and expected gradients", Nature Machine Intelligence 3,
doi:10.1038/s42256-021-00343-w.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["Forecast", "attributions", "mean_slopes", "most_important"]

_MOST_ROWS: Final = 256

Forecast = Callable[[Any], Any]
"""From a past of shape (p, n, max_lag, p), one for each network, to forecasts of shape (n, p)."""


def attributions(
    torch: Any, forecasts: Forecast, past: Any, rng: np.random.Generator, *, n_draws: int = 16
) -> FloatArray:
    """Mean absolute share of each input in each forecast.

    Parameters
    ----------
    torch : module
    forecasts : callable
    past : tensor of shape (n, max_lag, p)
        Windows, of which some are explained by the difference from others.
    rng : numpy.random.Generator
    n_draws : int
        Other windows for each that is explained.

    Returns
    -------
    ndarray of shape (p, p)
        `[cause, effect]`, summed over lags; in standard deviations of the effect.
    """
    rows = _some(len(past), rng)
    explained = past[torch.tensor(rows, device=past.device)]
    n, total = len(explained), torch.zeros(1, device=past.device)
    for _ in range(n_draws):
        others = past[torch.tensor(rng.integers(len(past), size=n), device=past.device)]
        way = torch.tensor(rng.random((n, 1, 1)), dtype=past.dtype, device=past.device)
        slopes = _slopes(torch, forecasts, others + way * (explained - others))
        total = total + slopes * (explained - others)
    shares = (total / n_draws).abs().mean(dim=1)  # (effect, lag, cause)
    return np.asarray(shares.sum(dim=1).T.cpu(), dtype=np.float64)


def mean_slopes(torch: Any, forecasts: Forecast, past: Any, rng: np.random.Generator) -> FloatArray:
    """Mean absolute slope of each forecast by each input, `[lag - 1, cause, effect]`."""
    rows = torch.tensor(_some(len(past), rng), device=past.device)
    slopes = _slopes(torch, forecasts, past[rows]).abs().mean(dim=1)
    return np.asarray(slopes.permute(1, 2, 0).cpu(), dtype=np.float64)


def _some(n: int, rng: np.random.Generator) -> IntArray:
    return np.sort(rng.permutation(n)[:_MOST_ROWS])


def _slopes(torch: Any, forecasts: Forecast, past: Any) -> Any:
    """Derivatives of each forecast, (effect, n, max_lag, cause)."""
    # Each network reads a copy of its own, so one pass tells the slopes of all of them.
    read = past.detach().repeat(past.shape[2], 1, 1, 1).requires_grad_()
    return torch.autograd.grad(forecasts(read).sum(), read)[0]


def most_important(shares: FloatArray, sparsity: float) -> BoolArray:
    """Keep each series' own past and the most important pairs of different series.

    Shares are compared after those in one effect are brought to sum one, as in the paper.

    Parameters
    ----------
    shares : ndarray of shape (p, p)
        `[cause, effect]`.
    sparsity : float
        Share of the pairs of different series that are left out.

    Returns
    -------
    ndarray of bool, shape (p, p)
    """
    p = len(shares)
    size = shares.sum(axis=0)
    relative = shares / np.where(size > 0, size, 1.0)
    others = ~np.eye(p, dtype=np.bool_)
    n_kept = round((1.0 - sparsity) * p * (p - 1))
    ranks = np.argsort(np.argsort(-relative[others], kind="stable"), kind="stable")
    kept = np.eye(p, dtype=np.bool_)
    kept[others] = ranks < n_kept
    return kept
