"""What is learnt from windows, step by step: networks, then the noise that they leave.

Networks behind a mask start from the best line through what the mask lets in and learn from squared
errors. Once the full and the causal networks are there, what the full ones leave over is the noise,
and what lies between the two is the residual; flows learn the one given the other. Forecasts of all
windows are made once, since networks do not change any more by then.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np

from causalkit.models.causaltime.descent import Schedule, descend
from causalkit.models.causaltime.flow import NoiseFlow, first_flow, masked_flow, normal_of
from causalkit.models.causaltime.importance import Forecast
from causalkit.models.causaltime.networks import (
    Network,
    Tensors,
    as_mask,
    first_weights,
    forecast,
    masked,
)
from causalkit.models.causaltime.windows import Windows, linear_forecasts
from causalkit.typing import BoolArray, FloatArray

__all__ = ["Learner"]

_PART: Final = 4096
_LOG_ROOT: Final = 0.5 * float(np.log(2.0 * np.pi))


@dataclass(frozen=True, slots=True, eq=False)
class Learner:
    """Windows on a device, and how networks learn from them.

    Attributes
    ----------
    torch, zuko : modules
    device : str
    windows : Windows
    past, now, seen : tensors
        Of the windows; the past is held within the range that is learnt from.
    kind : {"lstm", "mlp"}
    hidden_units : int
    shared : bool
    schedule : Schedule
    """

    torch: Any
    zuko: Any
    device: str
    windows: Windows
    past: Any
    now: Any
    seen: Any
    kind: str
    hidden_units: int
    shared: bool
    schedule: Schedule

    @classmethod
    def of(
        cls,
        modules: tuple[Any, Any],
        device: str,
        windows: Windows,
        network: tuple[str, int, bool],
        schedule: Schedule,
    ) -> Learner:
        """Put windows on a device."""
        torch, zuko = modules
        held = np.clip(windows.past, windows.low, windows.high)
        past, now, seen = (
            torch.tensor(array.astype(np.float32), device=device)
            for array in (held, windows.now, windows.seen)
        )
        return cls(torch, zuko, device, windows, past, now, seen, *network, schedule)

    def network(self, mask: BoolArray, rng: np.random.Generator) -> tuple[Network, FloatArray]:
        """Train networks behind a mask; return them and their mean squared errors."""
        first = first_weights(
            self.kind,
            mask,
            linear_forecasts(self.windows, mask),
            hidden_units=self.hidden_units,
            shared=self.shared,
            rng=rng,
        )
        weights, loss = self._descend(
            first, partial(self._squares, as_mask(self.torch, mask, self.device)), rng
        )
        return Network(self.kind, mask, weights), loss

    def _descend(self, first: Any, losses: Any, rng: np.random.Generator) -> Any:
        rows = self.windows.learnt, self.windows.judged
        return descend(self.torch, first, losses, rows, self.schedule, self.device, rng)

    def _squares(self, mask: Any, weights: Tensors, rows: Any) -> tuple[Any, Any]:
        said = forecast(self.torch, self.kind, masked(self.kind, weights, mask), self.past[rows])
        seen = self.seen[rows]
        return ((self.now[rows] - said).square() * seen).sum(dim=0), seen.sum(dim=0)

    def judging(self) -> Any:
        """Pasts of the windows that judge."""
        return self.past[self.torch.tensor(self.windows.judged, device=self.device)]

    def forecaster(self, network: Network) -> Forecast:
        """Return what forecasts all series from pasts, within the range that was learnt from."""
        return partial(forecast, self.torch, network.kind, network.tensors(self.torch, self.device))

    def forecasts(self, network: Network) -> Any:
        """Forecast all windows, (n, p)."""
        forecasts = self.forecaster(network)
        with self.torch.no_grad():
            return self.torch.cat([forecasts(part) for part in self.past.split(_PART)])

    def noise(
        self, causal: Network, full: Network, rng: np.random.Generator
    ) -> tuple[NoiseFlow, FloatArray, FloatArray]:
        """Train the flows on what the full networks leave over.

        Returns
        -------
        flow : NoiseFlow
        loss : ndarray of shape (p,)
            Mean negative log-likelihood on steps that judge, of series in their own units.
        correlation : ndarray of shape (p, p)
            Of the normal numbers of different series there: what independent noise leaves out.
        """
        said = self.forecasts(full)
        residual, noise = said - self.forecasts(causal), self.now - said
        left = np.where(self.windows.seen, noise.cpu().numpy(), np.nan)[self.windows.learnt]
        spread = np.maximum(np.sqrt(np.nanmean(left * left, axis=0)), 1e-6)
        mask = as_mask(self.torch, causal.mask, self.device)

        def losses(weights: Tensors, rows: Any) -> tuple[Any, Any]:
            normal, log_slope = normal_of(
                self.torch,
                self.zuko,
                masked_flow(weights, mask),
                self.past[rows],
                residual[rows],
                noise[rows],
            )
            seen = self.seen[rows]
            unlikely = 0.5 * normal.square() + _LOG_ROOT - log_slope
            return (unlikely * seen).sum(dim=0), seen.sum(dim=0)

        weights, loss = self._descend(first_flow(causal.mask, spread, rng), losses, rng)
        flow = NoiseFlow(causal.mask, weights, np.ones(len(spread)))
        rows = self.torch.tensor(self.windows.judged, device=self.device)
        with self.torch.no_grad():
            normal, _ = normal_of(
                self.torch,
                self.zuko,
                flow.tensors(self.torch, self.device),
                self.past[rows],
                residual[rows],
                noise[rows],
            )
        seen = self.windows.seen[self.windows.judged]
        numbers = np.where(seen, normal.cpu().numpy().astype(np.float64), 0.0)
        products, both = numbers.T @ numbers, seen.astype(float).T @ seen.astype(float)
        covariance = products / np.maximum(both, 1.0)
        scale = np.sqrt(np.diag(covariance))
        flow = NoiseFlow(causal.mask, weights, scale)
        return flow, loss, covariance / np.outer(scale, scale)
