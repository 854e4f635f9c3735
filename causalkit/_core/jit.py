"""One set of compiler flags for every kernel; the only importer of numba.

Importing numba costs half a second, so a module of kernels (`_<name>_kernels.py`) is imported by
its caller inside the function that needs it. Each kernel is compiled at its first call and cached
on disk; `NUMBA_DISABLE_JIT=1` runs it as plain Python.
"""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable
from typing import Any, Final, TypeVar

import numba
from numba.core.event import Event, Listener, register
from numba.extending import overload

__all__ = ["call_back", "inner_kernel", "kernel", "kernel_for", "sums_kernel"]

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
    return _compile_later(function)


def sums_kernel(function: Kernel) -> Kernel:
    """Compile `function`, of which the sums may be taken in any order, as BLAS takes them."""
    # In their order they are no work for the lanes of a processor. NaN keeps its meaning.
    return _compile_later(function, fastmath={"reassoc", "contract", "nsz"})


def inner_kernel(function: Kernel) -> Kernel:
    """Compile `function`, which kernels alone call: it has no entry for Python, and none to build.

    Called from Python it would jump to nowhere, so ``tests/test_architecture.py`` looks for that.
    """
    return _compile_later(function, no_cpython_wrapper=True)


def kernel_for(question: Callable[..., Any], kind: type) -> Callable[[Kernel], Kernel]:
    """Compile a function as what `question` means where its first argument is a `kind`.

    Kernels that ask the question are compiled for each kind of their argument, a `NamedTuple`.
    """

    def register_one(function: Kernel) -> Kernel:
        def choose(first: Any, *_: Any) -> Kernel | None:
            of_kind = getattr(first, "instance_class", None) is kind
            return function if of_kind else None

        overload(question, jit_options=_FLAGS, strict=False)(choose)  # type: ignore[arg-type]
        return function

    return register_one


def call_back(function: Callable[..., int], n_arguments: int) -> Any:
    """Make a Python function of whole numbers, and to one, something that a kernel can call.

    Arrays travel as addresses. No exception must leave the function: there is nobody to take it.
    """
    return _CallBack(function, n_arguments)


class _CallBack(numba.types.WrapperAddressProtocol):
    def __init__(self, function: Callable[..., int], n_arguments: int) -> None:
        self._n_arguments = n_arguments
        whole = [ctypes.c_int64] * n_arguments
        self._held = ctypes.CFUNCTYPE(ctypes.c_int64, *whole)(function)

    def __wrapper_address__(self) -> int:
        return ctypes.cast(self._held, ctypes.c_void_p).value or 0

    def signature(self) -> Any:
        whole = [numba.types.int64] * self._n_arguments
        return numba.types.int64(*whole)


def _compile_later(function: Kernel, **more: Any) -> Kernel:
    compiled: Kernel = numba.njit(**_FLAGS, **more)(function)
    return compiled


class _NoCollector(Listener):
    """Stop the search for garbage while a kernel of ours is compiled.

    The compiler makes millions of small objects, hardly any of them garbage, and each full search
    walks through all that is loaded: a tenth of the time. Only one thread at a time compiles.
    """

    def __init__(self) -> None:
        self._depth = 0
        self._was_on = False

    def on_start(self, event: Event) -> None:
        if not _is_ours(event):
            return
        if self._depth == 0:
            self._was_on = gc.isenabled()
            gc.disable()
        self._depth += 1

    def on_end(self, event: Event) -> None:
        if not _is_ours(event):
            return
        self._depth -= 1
        if self._depth == 0 and self._was_on:
            gc.enable()


def _is_ours(event: Event) -> bool:
    return str(event.data["dispatcher"].py_func.__module__).startswith("causalkit.")


_LISTENER: Final = _NoCollector()
register("numba:compile", _LISTENER)  # type: ignore[no-untyped-call]
