"""Series that run on from their own past by what was learnt: causal part, residual and noise.

With `past` the steps up to t - 1, for each series i::

    x_i(t) = causal_i(past of its parents) + r_i(t - 1) + e_i(t)
    r_i(t) = full_i(all steps up to t) - causal_i(steps of its parents up to t)

Both are carried along: x feeds r, r feeds the next x, and the noise e is drawn anew at each step.
What networks read is held within the range that was learnt from. A forecast is bounded on a bounded
range, so series cannot run away, whatever the weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from causalkit.errors import InputError
from causalkit.graph import Kind, LaggedGraph
from causalkit.graph.marks import ARROW, TAIL
from causalkit.models.causaltime.actions import Actions
from causalkit.models.causaltime.flow import NoiseFlow, noise_of
from causalkit.models.causaltime.networks import Network, Tensors, forecast
from causalkit.typing import BoolArray, FloatArray, Name

__all__ = ["Dynamics", "Running", "exact_graph", "lagged_dag", "residual_names"]


@dataclass(frozen=True, slots=True, eq=False)
class Dynamics:
    """All that was learnt, in standard units of each series.

    Attributes
    ----------
    causal, full : Network
        With the hypothesised mask, and without one.
    noise : NoiseFlow
    low, high : ndarrays of shape (p,)
        Range that was learnt from.
    mean, scale : ndarrays of shape (p,)
        Of the series in the units of the data.
    """

    causal: Network
    full: Network
    noise: NoiseFlow
    low: FloatArray
    high: FloatArray
    mean: FloatArray
    scale: FloatArray

    def on(self, torch: Any, zuko: Any, device: str) -> Running:
        """Put it on a device."""
        bounds = (torch.tensor(b.astype(np.float32), device=device) for b in (self.low, self.high))
        return Running(
            torch,
            zuko,
            self,
            self.causal.tensors(torch, device),
            self.full.tensors(torch, device),
            self.noise.tensors(torch, device),
            *bounds,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Running:
    """The same as tensors on a device. A past has shape (n, max_lag, p), the last step first."""

    torch: Any
    zuko: Any
    learnt: Dynamics
    causal_weights: Tensors
    full_weights: Tensors
    noise_weights: Tensors
    low: Any
    high: Any

    def within(self, past: Any) -> Any:
        """Hold a past within the range that was learnt from."""
        return past.clamp(min=self.low, max=self.high)

    def causal(self, past: Any) -> Any:
        """Forecast from the parents, (n, p)."""
        return forecast(self.torch, self.learnt.causal.kind, self.causal_weights, self.within(past))

    def full(self, past: Any) -> Any:
        """Forecast from everything, (n, p)."""
        return forecast(self.torch, self.learnt.full.kind, self.full_weights, self.within(past))

    def residual(self, past: Any) -> Any:
        """What the parents leave unsaid of the forecast, (n, p)."""
        return self.full(past) - self.causal(past)

    def series(self, past: Any, residual: Any, normal: Any) -> Any:
        """Make the next step from the past, the residual, and standard normal numbers, (n, p)."""
        return self.causal(past) + residual + self._noise(past, residual, normal)

    def _noise(self, past: Any, residual: Any, normal: Any) -> Any:
        past = self.within(past)
        return noise_of(self.torch, self.zuko, self.noise_weights, past, residual, normal)

    def run(
        self, actions: Actions, n_steps: int, n_chains: int, burn_in: int, rng: np.random.Generator
    ) -> FloatArray:
        """Draw chains that begin at the mean, far before what is kept.

        The noise is the same whatever is done.

        Returns
        -------
        ndarray of shape (n_chains, n_steps, 2p)
            Series and residuals, in the units of the data.
        """
        learnt, (n_lags, p, _) = self.learnt, self.learnt.causal.mask.shape
        shift = np.concatenate((learnt.mean, np.zeros(p)))
        units = np.concatenate((learnt.scale, learnt.scale))
        past = self.torch.zeros((n_chains, n_lags, p), device=self.low.device)
        causal, residual = self.causal(past), self.residual(past)
        kept, values = np.empty((n_chains, n_steps, 2 * p)), np.empty((n_chains, 2 * p))

        def acted(step: int, drawn: Any, where: slice, *, residuals: bool) -> Any:
            values[:, where] = shift[where] + units[where] * drawn.cpu().numpy()
            if not actions.act(step, values, residuals=residuals):
                return drawn
            return self._tensor((values[:, where] - shift[where]) / units[where])

        for step in range(burn_in + n_steps):
            normal = self._tensor(learnt.noise.spread * rng.standard_normal((n_chains, p)))
            now = causal + residual + self._noise(past, residual, normal)
            now = acted(step, now, slice(0, p), residuals=False)
            past = self.torch.cat((now[:, None], past[:, :-1]), dim=1)
            causal = self.causal(past)
            residual = acted(step, self.full(past) - causal, slice(p, 2 * p), residuals=True)
            if step >= burn_in:
                kept[:, step - burn_in] = values
        return kept

    def _tensor(self, array: FloatArray) -> Any:
        return self.torch.tensor(array.astype(np.float32), device=self.low.device)


def lagged_dag(names: tuple[Name, ...], links: BoolArray) -> LaggedGraph:
    """Build a DAG from `links[lag, cause, effect]`, shape (max_lag + 1, p, p)."""
    return LaggedGraph.from_marks(names, links * TAIL, links * ARROW, Kind.DAG)


def exact_graph(
    names: tuple[Name, ...], residuals: tuple[Name, ...], mask: BoolArray
) -> LaggedGraph:
    """Build the graph of series and residual series, 2p of them.

    Parameters
    ----------
    names, residuals : tuples of p names
    mask : ndarray of bool, shape (max_lag, p, p)
        `[lag - 1, cause, effect]`.

    Returns
    -------
    LaggedGraph
        By blocks: x <- x is the mask; x_i <- r_i one step later; r <- x all of them, from the same
        step to `max_lag - 1` steps ago; r <- r nothing.
    """
    n_lags, p, _ = mask.shape
    links = np.zeros((n_lags + 1, 2 * p, 2 * p), dtype=np.bool_)
    links[1:, :p, :p] = mask
    links[1, p:, :p] = np.eye(p, dtype=np.bool_)
    links[:n_lags, :p, p:] = True
    return lagged_dag((*names, *residuals), links)


def residual_names(names: tuple[Name, ...]) -> tuple[Name, ...]:
    """Name the residual series.

    Raises
    ------
    InputError
        If series have these names, or that of the column that tells chains apart.
    """
    residuals = tuple(f"{name}_residual" for name in names)
    taken = sorted({*residuals, "chain"} & set(map(str, names)))
    if taken:
        raise InputError(
            f"series are called {taken}, as columns of what is drawn will be; expected other "
            "names. Rename them."
        )
    return residuals
