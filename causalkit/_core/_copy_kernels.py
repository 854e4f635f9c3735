"""Copies of arrays, entry by entry.

`to[:] = values` would do, but numba compiles with it a message about shapes that do not fit, which
takes longer than many a kernel.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from causalkit._core.jit import inner_kernel

__all__ = ["copy", "copy_matrix"]


@inner_kernel
def copy(values: NDArray[Any], to: NDArray[Any]) -> None:
    """Copy as many entries as there are values."""
    for k in range(len(values)):
        to[k] = values[k]


@inner_kernel
def copy_matrix(values: NDArray[Any], to: NDArray[Any]) -> None:
    """Copy a matrix into one of the same shape."""
    for i in range(values.shape[0]):
        for j in range(values.shape[1]):
            to[i, j] = values[i, j]
