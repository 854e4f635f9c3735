"""One set of compiler flags for every kernel; the only importer of numba.

Importing numba costs half a second, so a module of kernels (`_<name>_kernels.py`) is imported by
its caller inside the function that needs it. Each kernel is compiled at its first call and cached
on disk; `NUMBA_DISABLE_JIT=1` runs it as plain Python.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

__all__ = ["kernel", "sums_kernel"]

Kernel = TypeVar("Kernel", bound=Callable[..., object])

# No fastmath: it assumes away NaN and reorders sums, and a p-value is not worth that.
_FLAGS: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    "no_cfunc_wrapper": True,  # nobody calls a kernel from C; a tenth of the compile time
}


def kernel(function: Kernel) -> Kernel:
    """Compile `function` at its first call."""
    compile_later: Any = numba.njit(**_FLAGS)
    compiled: Kernel = compile_later(function)
    return compiled


def sums_kernel(function: Kernel) -> Kernel:
    """Compile `function`, of which the sums may be taken in any order, as BLAS takes them."""
    # In their order they are no work for the lanes of a processor. NaN keeps its meaning.
    compile_later: Any = numba.njit(**_FLAGS, fastmath={"reassoc", "contract", "nsz"})
    compiled: Kernel = compile_later(function)
    return compiled
