"""Tensors on another device: the only importer of torch, which is an optional dependency.

Nothing here is loaded before somebody asks for a device. What torch keeps for the whole process,
its number of threads, is put back; its default type and device are neither changed nor relied on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, Final

from causalkit.errors import InputError

__all__ = ["check_device", "load_torch", "with_gradients"]


_NUMPY: Final = "leave device=None to compute with NumPy"


def load_torch(who: str, *, instead: str = _NUMPY) -> Any:
    """Import torch, or say how to get it; `instead` is the other way out."""
    if find_spec("torch") is None:
        raise InputError(
            f"{who} was to compute with torch, which is not installed; expected the extra 'deep'. "
            f"Install it: pip install 'causalkit-toolkit[deep]', or {instead}."
        )
    import torch

    return torch


def check_device(device: str, who: str, *, instead: str = _NUMPY) -> str:
    """Return `device` if tensors can be put there."""
    torch = load_torch(who, instead=instead)
    try:
        torch.zeros(1, dtype=torch.float64, device=device).cpu()
    except (AssertionError, RuntimeError, TypeError, ValueError, NotImplementedError) as error:
        said = (str(error).strip().splitlines() or ["no reason given"])[0]
        raise InputError(
            f"device={device!r} cannot be used ({said[:200]}); expected a device with numbers of "
            f"64 bits, such as 'cpu' or 'cuda'. Use one, or {instead}."
        ) from None
    return device


@contextmanager
def with_gradients(torch: Any) -> Iterator[None]:
    """Follow gradients, whatever the caller has set, on one thread of the processor."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as many as everywhere else: other numbers give other last digits
    try:
        with torch.inference_mode(False), torch.enable_grad():
            yield
    finally:
        torch.set_num_threads(n_threads)
