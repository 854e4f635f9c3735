"""One set of compiler flags for every kernel; the only importer of numba.

Importing numba costs half a second, so a module of kernels (`_<name>_kernels.py`) is imported by
its caller inside the function that needs it. Each kernel is compiled at its first call and cached
on disk; `NUMBA_DISABLE_JIT=1` runs it as plain Python.
"""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from types import ModuleType
from typing import Any, Final, TypeVar

import llvmlite.binding
import numba
import numba.experimental.function_type  # types call-backs; numba itself may load it too late
from numba.core.codegen import JITCodeLibrary
from numba.core.event import Event, Listener, register
from numba.core.registry import cpu_target
from numba.extending import overload

__all__ = ["call_back", "inner_kernel", "kernel", "kernel_for", "question", "sums_kernel"]

Kernel = TypeVar("Kernel", bound=Callable[..., object])

# Some parts of numba have types and others not, by its version.
_types: Any = numba.types
_config: Any = numba.config
_CodeLibrary: Any = JITCodeLibrary

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


def question(function: Kernel) -> Kernel:
    """Make a function that kernels may call and that is another one for each kind of argument.

    What it does for a kind of its first argument, a `NamedTuple`, is said by :func:`kernel_for`;
    the body of the function itself is never run.
    """
    answers: dict[type, Callable[..., Any]] = {}

    @wraps(function)
    def ask(first: Any, *rest: Any) -> Any:
        return answers[type(first)](first, *rest)

    ask.answers = answers  # type: ignore[attr-defined]
    asked: Any = ask
    return asked  # type: ignore[no-any-return]


def kernel_for(asked: Callable[..., Any], kind: type) -> Callable[[Kernel], Kernel]:
    """Compile a function as the answer to a question whose first argument is a `kind`.

    Kernels that ask the question are compiled for each kind of their argument.
    """

    def register_one(function: Kernel) -> Kernel:
        def choose(first: Any, *_: Any) -> Kernel | None:
            of_kind = getattr(first, "instance_class", None) is kind
            return function if of_kind else None

        options: Any = {**_FLAGS, "cache": False}  # it is compiled into its callers
        overload(asked, jit_options=options, strict=False)(choose)
        asked.answers[kind] = function  # type: ignore[attr-defined]
        _stamp(function)
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

    def __call__(self, *arguments: int) -> int:
        return int(self._held(*arguments))

    def __wrapper_address__(self) -> int:
        return ctypes.cast(self._held, ctypes.c_void_p).value or 0

    def signature(self) -> Any:
        whole = [_types.int64] * self._n_arguments
        return _types.int64(*whole)


def _compile_later(function: Kernel, **more: Any) -> Kernel:
    compiled: Any = numba.njit(**_FLAGS, **more)(function)
    if not _config.DISABLE_JIT:
        _compile_once_for_integers(compiled)
    kept = getattr(getattr(compiled, "_cache", None), "_cache_file", None)
    if kept is not None and hasattr(kept, "_source_stamp"):
        kept._source_stamp = _stamp(function)
    kernel_: Kernel = compiled
    return kernel_


def _compile_once_for_integers(compiled: Any) -> None:
    """Take whole numbers of kernels that call as int64: one code for 1, for int32, and for both."""
    find = compiled.get_call_template

    def get_call_template(args: Any, kws: Any) -> Any:
        return find([_widened(a) for a in args], {name: _widened(a) for name, a in kws.items()})

    compiled.get_call_template = get_call_template


def _widened(kind: Any) -> Any:
    plain = _types.unliteral(kind)
    if isinstance(plain, _types.Integer) and plain.bitwidth < 64:
        return _types.int64
    return plain


_STAMPS: Final[dict[str, tuple[float, int]]] = {}
"""By module of kernels: when it, or one that it builds on, changed, and how long they are."""


def _stamp(function: Any) -> tuple[float, int]:
    """Say of what state of the sources a kernel is.

    numba looks whether the file of a kernel has changed, but not the files of the kernels that are
    compiled into it.
    """
    here, scope = function.__module__, getattr(function, "__globals__", {})
    if here not in _STAMPS:
        own = Path(function.__code__.co_filename).stat()
        below = {
            getattr(value, "__name__" if isinstance(value, ModuleType) else "__module__", None)
            for value in scope.values()
        }
        parts = [_STAMPS[name] for name in below if name in _STAMPS]
        changed = max([own.st_mtime, *(part[0] for part in parts)])
        _STAMPS[here] = changed, own.st_size + sum(part[1] for part in parts)
    return _STAMPS[here]


# --- how numba compiles ---------------------------------------------------------------------------


class _Watch(Listener):
    """Know what numba compiles now, and stop the search for garbage while it is a kernel of ours.

    The compiler makes millions of small objects, hardly any of them garbage, and each full search
    walks through all that is loaded: a tenth of the time. Only one thread at a time compiles.
    """

    def __init__(self) -> None:
        self._is_inner: list[bool] = []
        self._depth = 0
        self._was_on = False

    @property
    def is_inner(self) -> bool:
        """Whether it is an inner kernel."""
        return bool(self._is_inner) and self._is_inner[-1]

    @contextmanager
    def of_whole(self) -> Iterator[None]:
        """Something else for a while."""
        self._is_inner.append(False)
        try:
            yield
        finally:
            self._is_inner.pop()

    def on_start(self, event: Event) -> None:
        if not _is_ours(event):  # some dispatchers of others have no options
            self._is_inner.append(False)
            return
        options = event.data["dispatcher"].targetoptions
        self._is_inner.append(options.get("no_cpython_wrapper", False))
        if self._depth == 0:
            self._was_on = gc.isenabled()
            gc.disable()
        self._depth += 1

    def on_end(self, event: Event) -> None:
        self._is_inner.pop()
        if not _is_ours(event):
            return
        self._depth -= 1
        if self._depth == 0 and self._was_on:
            gc.enable()


def _is_ours(event: Event) -> bool:
    return str(event.data["dispatcher"].py_func.__module__).startswith("causalkit.")


_WATCH: Final = _Watch()
register("numba:compile", _WATCH)  # type: ignore[no-untyped-call]


class _Library(_CodeLibrary):
    """Code of a function; of an inner kernel, only what is linked into the kernels that call it.

    numba optimises every function and makes machine code of it, and does so again, with all that it
    calls, for each function that calls it. Nobody runs an inner kernel by itself, so that work is
    left to the kernels that have an entry for Python: they compile in half the time.
    """

    def __init__(self, codegen: Any, name: str) -> None:
        super().__init__(codegen, name)
        self._is_inner = _WATCH.is_inner

    def _optimize_final_module(self) -> None:
        if not self._is_inner:
            super()._optimize_final_module()

    def _finalize_final_module(self) -> None:
        if self._is_inner:
            self._finalize_dynamic_globals()
            self._finalized = True
        else:
            super()._finalize_final_module()

    def serialize_using_object_code(self) -> Any:
        if self._is_inner:
            return self.serialize_using_bitcode()
        return super().serialize_using_object_code()

    @classmethod
    def _unserialize(cls, codegen: Any, state: Any) -> Any:
        name, kind, data = state
        if kind != "bitcode":
            with _WATCH.of_whole():
                return super()._unserialize(codegen, state)
        inner = cls(codegen, name)
        inner._is_inner = True
        inner._final_module = llvmlite.binding.parse_bitcode(data)
        inner._finalize_final_module()
        return inner


_KNOWN: Final = ((0, 60), (0, 69))
"""First version of numba whose insides are known, and first that is not: that one goes its way."""


def _compile_inner_kernels_once() -> None:
    version = tuple(int(part) for part in numba.__version__.split(".")[:2])
    if _config.DISABLE_JIT or not _KNOWN[0] <= version < _KNOWN[1]:
        return
    codegen = cpu_target.target_context.codegen()
    set_env = codegen.set_env

    def set_env_if_there(name: str, environment: Any) -> None:
        if codegen._engine.get_global_value_address(name):  # inner kernels have none
            set_env(name, environment)

    codegen._library_class, codegen.set_env = _Library, set_env_if_there


_compile_inner_kernels_once()
