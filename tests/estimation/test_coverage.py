"""Intervals cover: 500 data sets each, where the assumptions hold."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PATH = Path(__file__).parents[2] / "benchmarks" / "bench_coverage.py"


@pytest.mark.parametrize(
    "design", ["OLS", "OLS, clustered", "g-computation", "IPW", "AIPW", "AIPW, survey", "PLR"]
)
def test_95_percent_intervals_cover(design):
    spec = importlib.util.spec_from_file_location("bench_coverage", PATH)
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    row = benchmark.coverage(design, 500)
    assert 0.92 <= row["coverage"] <= 0.97
    assert abs(row["bias"]) < 0.25 * row["spread"]
