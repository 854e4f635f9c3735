"""What tests and documented examples share: a seed that is left open is the same in every run.

Users leave seeds open, so do some tests; but what fails must fail again.
"""

from __future__ import annotations

from itertools import count
from typing import Any

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def _open_seeds_repeat(monkeypatch: pytest.MonkeyPatch) -> None:
    """Number the streams without a seed, instead of asking the system for one."""
    numbers, plain = count(20_000), np.random.default_rng

    def numbered(seed: Any = None) -> np.random.Generator:
        return plain(next(numbers) if seed is None else seed)

    monkeypatch.setattr(np.random, "default_rng", numbered)
    np.random.seed(0)  # noqa: NPY002 (the stream that libraries share)
