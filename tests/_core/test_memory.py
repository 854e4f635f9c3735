"""A cache that is bounded by bytes."""

from __future__ import annotations

import pickle
from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from causalkit._core.memory import ByteCache, size_in_bytes


@dataclass
class Pair:
    one: np.ndarray
    two: tuple[np.ndarray, ...]


@settings(max_examples=50)
@given(steps=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 30)), max_size=40))
def test_it_holds_what_fits_and_was_asked_for_last(steps):
    cache, shadow = ByteCache(max_bytes=400), {}
    for key, size in steps:
        if size == 0:
            found = cache.get(key)
            assert (found is None) == (key not in shadow)
            if key in shadow:
                shadow[key] = shadow.pop(key)  # now the youngest
            continue
        value = np.zeros(size)
        assert cache.put(key, value) is value
        shadow.pop(key, None)
        if value.nbytes <= 400:
            shadow[key] = value
        while sum(v.nbytes for v in shadow.values()) > 400:
            del shadow[next(iter(shadow))]
        assert cache.n_bytes == sum(v.nbytes for v in shadow.values()) <= 400
        assert len(cache) == len(shadow)


def test_it_travels_empty():
    cache = ByteCache(max_bytes=10_000)
    cache.put("a", np.zeros(1000))
    copy = pickle.loads(pickle.dumps(cache))
    assert (len(copy), copy.max_bytes) == (0, 10_000)
    assert len(pickle.dumps(cache)) < 200


def test_sizes_add_up():
    a = np.zeros(10)
    assert size_in_bytes(a) == 80
    assert size_in_bytes((a, [a, a])) == 240
    assert size_in_bytes(Pair(a, (a,))) == 160
    assert 0 < size_in_bytes(3.0) < 100
