"""A cache that is bounded by bytes: what was not asked for longest goes first.

Tests that remember matrices cannot count entries, because one entry of 10,000 rows weighs more than
a thousand of 100. A cache travels empty: a worker process that receives a pickled copy of its owner
fills its own.

>>> import numpy as np
>>> cache = ByteCache(max_bytes=2000)
>>> for key in range(3):
...     _ = cache.put(key, np.zeros(100))
>>> cache.get(0) is None, cache.get(2).shape
(True, (100,))
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable
from dataclasses import fields, is_dataclass
from threading import Lock
from typing import Any, TypeVar

__all__ = ["ByteCache", "size_in_bytes"]

Value = TypeVar("Value")


class ByteCache:
    """Values by key, at most `max_bytes` of them.

    Parameters
    ----------
    max_bytes : int
        What all values together may weigh; a value that is heavier by itself is not kept.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.n_bytes = 0
        self._values: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable) -> Any:
        """Return the value, or None if it is not there (any more)."""
        with self._lock:
            found = self._values.get(key)
            if found is None:
                return None
            self._values.move_to_end(key)
            return found[0]

    def put(self, key: Hashable, value: Value) -> Value:
        """Keep a value, at the expense of those not asked for longest, and return it."""
        size = size_in_bytes(value)
        with self._lock:
            old = self._values.pop(key, None)
            self.n_bytes -= old[1] if old else 0
            if size <= self.max_bytes:
                self._values[key] = (value, size)
                self.n_bytes += size
            while self.n_bytes > self.max_bytes:
                _, (_, freed) = self._values.popitem(last=False)
                self.n_bytes -= freed
        return value

    def __len__(self) -> int:
        return len(self._values)

    def __reduce__(self) -> tuple[type[ByteCache], tuple[int]]:
        return type(self), (self.max_bytes,)


def size_in_bytes(value: Any) -> int:
    """Bytes of the arrays in a value: an array, a sequence, or a dataclass of such."""
    own = getattr(value, "nbytes", None)
    if own is not None:
        return int(own)
    if is_dataclass(value):
        return sum(size_in_bytes(getattr(value, field.name)) for field in fields(value))
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        return sum(map(size_in_bytes, value))
    return 64  # a number or a name, and its place in the table
