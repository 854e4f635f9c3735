"""A short text that stands for the content of a value: equal content, equal text, on any machine.

A table of results that is to be continued must know whether a result that it has is the one that is
asked for. Names do not tell: the same name may stand for another setting tomorrow. So results are
filed under a hash of what they follow from: arrays by their bytes, estimators by their class and
attributes, frozen values by their fields, functions by their code and what they enclose.

>>> from causalkit.discovery import PC
>>> fingerprint(PC(alpha=0.01)) == fingerprint(PC(alpha=0.01))
True
>>> fingerprint(PC(alpha=0.01)) == fingerprint(PC(alpha=0.05))
False

What is not seen: the code of classes and of functions that a function calls. After a change there,
take another store.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from hashlib import sha256
from os import PathLike, fspath
from typing import Any

import numpy as np

from causalkit.errors import InputError

__all__ = ["fingerprint"]


def fingerprint(value: object) -> str:
    """Return a hash of the content of a value.

    Parameters
    ----------
    value : object
        Numbers, text, arrays, frames, containers, frozen values, estimators, graphs, functions.

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    InputError
        If the value has no content that can be read, such as an open file.

    Examples
    --------
    >>> len(fingerprint({"a": 1.0}))
    64
    """
    return _digest(value, frozenset()).hex()


def _digest(value: object, above: frozenset[int]) -> bytes:
    """Hash of a value; `above` are the objects that it is part of."""
    if id(value) in above:
        return b"itself"
    kind, parts = _content(value)
    total = sha256(kind.encode())
    below = above | {id(value)}
    for part in parts:
        found = part if isinstance(part, bytes) else _digest(part, below)
        total.update(len(found).to_bytes(8, "little") + found)
    return total.digest()


def _content(value: Any) -> tuple[str, Iterator[Any]]:
    """What kind of thing it is, and its parts, of which bytes are final."""
    if value is None or isinstance(value, (bool, int, float, complex, str)):
        return type(value).__name__, iter([repr(value).encode()])
    if isinstance(value, bytes):
        return "bytes", iter([value])
    for kinds, read in _READERS:
        if isinstance(value, kinds):
            return read(value)
    if type(value).__module__.partition(".")[0] == "pandas" and hasattr(value, "to_numpy"):
        return _of_pandas(value)
    return _of_object(value)


def _of_array(value: Any) -> tuple[str, Iterator[Any]]:
    array = np.asarray(value)
    if array.dtype.hasobject:
        return f"array {array.shape}", iter(array.ravel().tolist())
    return f"array {array.dtype.str} {array.shape}", iter([np.ascontiguousarray(array).tobytes()])


def _of_mapping(value: Any) -> tuple[str, Iterator[Any]]:
    return "mapping", (part for item in value.items() for part in item)


def _of_sequence(value: Any) -> tuple[str, Iterator[Any]]:
    return _name(type(value)), iter(value)


def _of_set(value: Any) -> tuple[str, Iterator[Any]]:
    return "set", iter(sorted(_digest(part, frozenset()) for part in value))


def _of_function(value: Any) -> tuple[str, Iterator[Any]]:
    enclosed = [_cell(cell) for cell in value.__closure__ or ()]
    return "function", iter([value.__code__, value.__defaults__, value.__kwdefaults__, enclosed])


def _cell(cell: Any) -> object:
    try:
        return cell.cell_contents
    except ValueError:  # the function refers to a name that has no value yet
        return None


def _of_code(value: Any) -> tuple[str, Iterator[Any]]:
    return "code", iter([value.co_code, value.co_consts, value.co_names])


def _of_partial(value: Any) -> tuple[str, Iterator[Any]]:
    return "partial", iter([value.func, value.args, value.keywords])


def _of_method(value: Any) -> tuple[str, Iterator[Any]]:
    return "method", iter([value.__func__, value.__self__])


def _of_named(value: Any) -> tuple[str, Iterator[Any]]:
    return "named", iter([_name(value).encode()])


def _of_enum(value: Any) -> tuple[str, Iterator[Any]]:
    return "enum", iter([_name(type(value)).encode(), value.name])


def _of_path(value: Any) -> tuple[str, Iterator[Any]]:
    return "path", iter([fspath(value)])


def _of_pandas(value: Any) -> tuple[str, Iterator[Any]]:
    columns = [value[name] for name in value.columns] if hasattr(value, "columns") else [value]
    head = [list(map(str, getattr(value, "columns", ()))), value.index.to_numpy()]
    parts = [part for column in columns for part in (str(column.dtype), column.to_numpy())]
    return "frame", iter([*head, *parts])


def _of_object(value: Any) -> tuple[str, Iterator[Any]]:
    """Fields of a frozen value, attributes of any other, or what pickle would take."""
    kind = _name(type(value))
    if is_dataclass(value):
        return kind, (getattr(value, f.name) for f in fields(value))
    try:
        reduced = value.__reduce_ex__(4)
    except (TypeError, AttributeError) as error:
        raise InputError(
            f"a {type(value).__name__} has no content that can be read ({error}); expected a model "
            "and methods made of numbers, arrays and settings. Keep it out of them, or compare "
            "without a store."
        ) from error
    state = getattr(value, "__dict__", None)
    if state is not None and not _pickles_itself(type(value)):
        return kind, (part for name in sorted(state) for part in (name, state[name]))
    if isinstance(reduced, str):
        return "named", iter([reduced])
    return kind, iter([list(part) if hasattr(part, "__next__") else part for part in reduced])


def _pickles_itself(kind: type) -> bool:
    return any("__reduce__" in vars(base) for base in kind.__mro__[:-1])


def _name(value: Any) -> str:
    name = getattr(value, "__qualname__", getattr(value, "__name__", type(value).__name__))
    return f"{getattr(value, '__module__', '')}.{name}"


_READERS: tuple[tuple[Any, Callable[[Any], tuple[str, Iterator[Any]]]], ...] = (
    ((np.ndarray, np.generic), _of_array),
    (Enum, _of_enum),
    (Mapping, _of_mapping),
    ((list, tuple), _of_sequence),
    ((set, frozenset), _of_set),
    (types.FunctionType, _of_function),
    (types.CodeType, _of_code),
    (functools.partial, _of_partial),
    (types.MethodType, _of_method),
    ((type, types.ModuleType, types.BuiltinFunctionType, np.ufunc), _of_named),
    (PathLike, _of_path),
)
