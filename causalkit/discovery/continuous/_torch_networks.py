"""The networks of `_networks.py` on another device, where torch finds the gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from causalkit._core.deep import check_device, load_torch, with_gradients
from causalkit.discovery.continuous._networks import Layers, Pull, Variances
from causalkit.typing import FloatArray

__all__ = ["on_device"]


def on_device(device: str, who: str) -> Variances:
    """Return what computes residual variances there; the table is moved once."""
    torch, place = load_torch(who), check_device(device, who)
    kept: dict[int, tuple[FloatArray, Any]] = {}

    def tensor(array: FloatArray) -> Any:
        return torch.tensor(array, dtype=torch.float64, device=place)

    def variances(layers: Layers, values: FloatArray) -> tuple[FloatArray, Pull]:
        n, p = values.shape
        with with_gradients(torch):
            if id(values) not in kept:
                kept.clear()
                kept[id(values)] = values, tensor(values)
            table = kept[id(values)][1]
            free = [tensor(part).requires_grad_() for layer in layers for part in layer]
            units = torch.addmm(free[1].flatten(), table, free[0].reshape(p, -1)).view(n, p, -1)
            for weights, bias in zip(free[2::2], free[3::2], strict=True):
                units = torch.einsum("npm,pmo->npo", torch.sigmoid(units), weights) + bias
            found = (units[:, :, 0] - table).square().mean(dim=0)

        def pull(slope: FloatArray) -> Layers:
            with with_gradients(torch):
                gradients = torch.autograd.grad(found, free, tensor(slope))
            arrays = [np.array(gradient.cpu().numpy()) for gradient in gradients]
            return list(zip(arrays[::2], arrays[1::2], strict=True))

        return found.detach().cpu().numpy(), pull

    return variances
