"""Frozen values of this package as files: arrays as in `numpy.savez`, the rest as JSON among them.

Mechanisms, noises and graphs are dataclasses of arrays and numbers, so one pair of functions writes
and reads all of them. The file is a zip archive of arrays; one of them, `__value__`, is the JSON
text that says how the others go together, with a version. Nothing in it is code: reading builds
dataclasses of `causalkit.models` from their fields and runs nothing else.

>>> from io import BytesIO
>>> from causalkit.models.noise import Normal
>>> file = BytesIO()
>>> write_value({"noise": Normal(2.0), "at": np.arange(3.0)}, file, kind="example")
>>> _ = file.seek(0)
>>> read_value(file, kind="example")
{'noise': Normal(scale=2.0), 'at': array([0., 1., 2.])}
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from functools import singledispatch
from importlib import import_module
from os import PathLike
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any, Final
from zipfile import BadZipFile

import numpy as np

from causalkit.errors import CausalkitError, InputError
from causalkit.graph import CausalGraph, LaggedGraph

__all__ = ["read_value", "whole", "write_value"]

_VERSION: Final = 1
_HOME: Final = "causalkit.models."
_TEXT: Final = "__value__"

_DAMAGED: Final = (
    *(ValueError, LookupError, TypeError, AttributeError, ArithmeticError, EOFError, OSError),
    *(RuntimeError, MemoryError, SyntaxError, TokenError, zlib.error, BadZipFile, struct.error),
)
"""What numpy, zipfile and json raise of a file that is none of ours; an archive that is encrypted,
or compressed in a way that nobody knows, is a RuntimeError, and so is JSON that nests too deep."""

File = str | PathLike[str] | IO[bytes]


def write_value(value: Any, file: File, *, kind: str) -> None:
    """Write a value of dataclasses, arrays, graphs, numbers, texts, tuples, lists and dicts.

    Parameters
    ----------
    value : object
    file : str, path or binary file
    kind : str
        What it is, for who reads it.

    Raises
    ------
    InputError
        If a part of it is a Python function or an object of another kind.
    """
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    tree = {"format": "causalkit", "version": _VERSION, "kind": kind, "value": _tree(value, arrays)}
    text = np.frombuffer(json.dumps(tree).encode(), dtype=np.uint8)
    if isinstance(file, str | PathLike):
        with Path(file).open("wb") as opened:
            np.savez(opened, **{_TEXT: text}, **arrays)  # type: ignore[arg-type]
    else:
        np.savez(file, **{_TEXT: text}, **arrays)  # type: ignore[arg-type]


def read_value(file: File, *, kind: str) -> Any:
    """Read what :func:`write_value` wrote.

    Parameters
    ----------
    file : str, path or binary file
    kind : str
        What is expected.

    Returns
    -------
    object

    Raises
    ------
    InputError
        If the file is none of these, of a later version, or of another kind.
    """
    with _opened(file) as opened, whole(file):
        with np.load(opened, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        tree = json.loads(arrays[_TEXT].tobytes())
        version, found = int(tree["version"]), str(tree["kind"])
    if version > _VERSION:
        raise InputError(
            f"{file} is of version {version}; expected {_VERSION} or less. Update causalkit."
        )
    if found != kind:
        raise InputError(f"{file} holds a {found}; expected a {kind}. Read it with {found}.load().")
    with whole(file):
        return _value(tree["value"], arrays)


@contextmanager
def whole(file: File) -> Iterator[None]:
    """Say of whatever goes wrong while a file is read that the file is to blame.

    Raises
    ------
    InputError
        If anything goes wrong that is not an error of causalkit already.
    """
    try:
        yield
    except CausalkitError:
        raise
    except _DAMAGED as error:
        raise InputError(
            f"{file} was not written by causalkit, or is damaged ({type(error).__name__}); expected"
            " a file of a model. Give the path that save() wrote to."
        ) from None


@contextmanager
def _opened(file: File) -> Iterator[IO[bytes]]:
    """Open a path; a file that is open stays so."""
    if isinstance(file, str | PathLike):
        with Path(file).open("rb") as opened:
            yield opened
    else:
        yield file


# --- out -----------------------------------------------------------------------------------------


@singledispatch
def _tree(value: Any, arrays: dict[str, np.ndarray[Any, Any]]) -> Any:
    """Write a value as JSON; arrays go into `arrays`."""
    if is_dataclass(value) and type(value).__module__.startswith(_HOME):
        parts = {field.name: _tree(getattr(value, field.name), arrays) for field in fields(value)}
        return {"class": f"{type(value).__module__}:{type(value).__name__}", "fields": parts}
    what = "a Python function" if callable(value) else f"a {type(value).__name__}"
    raise InputError(
        f"{value!r} is {what}, which cannot be written to a file; expected arrays, numbers and the "
        "mechanisms of causalkit. Save the model before a policy is applied, and apply it again."
    )


@_tree.register(type(None))
@_tree.register(bool)
@_tree.register(int)
@_tree.register(float)
@_tree.register(str)
def _plain(value: Any, arrays: dict[str, np.ndarray[Any, Any]]) -> Any:  # noqa: ARG001
    return value


@_tree.register(np.generic)
def _scalar(value: Any, arrays: dict[str, np.ndarray[Any, Any]]) -> Any:
    return _tree(value.item(), arrays)


@_tree.register(np.ndarray)
def _array(value: Any, arrays: dict[str, np.ndarray[Any, Any]]) -> Any:
    if value.dtype.hasobject:
        raise InputError(
            "an array of Python objects cannot be written to a file; expected numbers or texts."
        )
    key = f"a{len(arrays)}"
    arrays[key] = value
    return {"array": key}


@_tree.register(tuple)
@_tree.register(list)
def _sequence(value: Any, arrays: dict[str, np.ndarray[Any, Any]]) -> Any:
    kind = "tuple" if isinstance(value, tuple) else "list"
    return {kind: [_tree(part, arrays) for part in value]}


@_tree.register(Mapping)
def _mapping(value: Any, arrays: dict[str, np.ndarray[Any, Any]]) -> Any:
    return {"dict": [[_tree(k, arrays), _tree(v, arrays)] for k, v in value.items()]}


@_tree.register(CausalGraph)
def _graph(value: Any, arrays: dict[str, np.ndarray[Any, Any]]) -> Any:
    return {
        "graph": [_tree(value.nodes, arrays), _tree(value.ends, arrays), value.kind.name],
    }


@_tree.register(LaggedGraph)
def _lagged_graph(value: Any, arrays: dict[str, np.ndarray[Any, Any]]) -> Any:  # noqa: ARG001
    return {"lagged graph": value.to_json()}


# --- in ------------------------------------------------------------------------------------------


def _value(tree: Any, arrays: Mapping[str, np.ndarray[Any, Any]]) -> Any:
    """Read what `_tree` wrote."""
    if not isinstance(tree, dict):
        return tree
    if "class" in tree:
        parts = {name: _value(part, arrays) for name, part in tree["fields"].items()}
        return _class(tree["class"])(**parts)
    ((kind, content),) = tree.items()
    if kind == "array":
        return arrays[content]
    if kind == "dict":
        return {_value(k, arrays): _value(v, arrays) for k, v in content}
    if kind == "graph":
        return CausalGraph(_value(content[0], arrays), _value(content[1], arrays), content[2])
    if kind == "lagged graph":
        return LaggedGraph.from_json(content)
    sequence = [_value(part, arrays) for part in content]
    return tuple(sequence) if kind == "tuple" else sequence


def _class(name: str) -> Any:
    """Dataclass of this package by its module and name; nothing else is looked up."""
    module, _, own = name.partition(":")
    try:
        found = getattr(import_module(module), own) if module.startswith(_HOME) else None
    except (ImportError, AttributeError):
        found = None
    ours = isinstance(found, type) and is_dataclass(found) and found.__module__ == module
    if not ours:
        raise InputError(
            f"the file holds a {name}, which this version of causalkit does not know; expected a "
            "mechanism or noise of causalkit.models. Read it with the version that wrote it."
        )
    return found
