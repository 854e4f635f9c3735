"""Fingerprints: equal where the content is, different where anything is."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from causalkit._core.fingerprint import fingerprint
from causalkit.discovery import GES, PC
from causalkit.errors import InputError
from causalkit.graph import CausalGraph, LaggedGraph
from causalkit.independence import RCoT
from causalkit.models import random_svar


@dataclass(frozen=True)
class Pair:
    a: object
    b: object


def adds(step):
    return lambda x: x + step


def two_lines(step):
    return lambda x: x - step


DIFFERENT = [
    None,
    0,
    0.0,
    False,
    "0",
    b"0",
    1,
    [0],
    (0,),
    {0},
    {0: 0},
    {"a": 0},
    {"a": 1},
    [[0], []],
    [[], [0]],
    ["ab", "c"],
    ["a", "bc"],
    np.zeros(2),
    np.zeros((2, 1)),
    np.zeros(2, dtype=np.float32),
    np.array([0.0, -0.0]),
    np.array(["a", None], dtype=object),
    np.float64(0.0),
    Pair(1, 2),
    Pair(2, 1),
    PC(),
    PC(alpha=0.01),
    PC(RCoT()),
    GES(),
    PC,
    GES,
    CausalGraph.parse("a -> b"),
    CausalGraph.parse("b -> a"),
    CausalGraph.parse("a -> b; c"),
    LaggedGraph.parse("a[t-1] -> b[t]"),
    random_svar(3, rng=0),
    random_svar(3, rng=1),
    pd.DataFrame({"a": [1.0, 2.0]}),
    pd.DataFrame({"b": [1.0, 2.0]}),
    pd.DataFrame({"a": [1, 2]}),
    pd.DataFrame({"a": ["x", "y"]}),
    pd.DataFrame({"a": [1.0, 2.0]}, index=[5, 6]),
    pd.Series([1.0, 2.0]),
    adds(1),
    adds(2),
    two_lines(1),
    functools.partial(adds, 1),
    functools.partial(adds, step=1),
    np.sin,
    np.cos,
    len,
    np.random.default_rng(0),
    np.random.default_rng(1),
]


def test_different_content_has_different_fingerprints():
    found = [fingerprint(value) for value in DIFFERENT]
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(
    "make",
    [
        lambda: random_svar(3, rng=0),
        lambda: PC(RCoT(), alpha=0.1),
        lambda: adds(3),
        lambda: {"a": np.arange(3.0), "b": pd.DataFrame({"x": [1.0, np.nan]})},
        lambda: CausalGraph.parse("a -> b; b <-> c"),
        lambda: {"b", "a", "c"},
        lambda: np.random.default_rng(3),
        lambda: np.arange(6.0).reshape(2, 3)[:, ::2],
    ],
)
def test_equal_content_has_one(make):
    assert fingerprint(make()) == fingerprint(make())


def test_what_holds_itself_ends():
    loop = [1]
    loop.append(loop)
    assert len(fingerprint(loop)) == 64


def test_what_has_no_content_is_refused():
    with pytest.raises(InputError, match="no content"), open("/dev/null") as file:  # noqa: PTH123
        fingerprint(file)
