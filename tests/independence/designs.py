"""Tables for tests of independence: mixed columns with a known graph, and the tests that apply."""

from __future__ import annotations

import numpy as np
import pandas as pd

from causalkit._core.table import Table
from causalkit.graph import CausalGraph
from causalkit.independence.composed import Clustered, Weighted
from causalkit.independence.conditional_gaussian import ConditionalGaussian
from causalkit.independence.degenerate_gaussian import DegenerateGaussian
from causalkit.independence.fisher_z import FisherZ
from causalkit.independence.grouped import Grouped
from causalkit.independence.likelihood_ratio import LikelihoodRatio
from causalkit.independence.partial_correlation import PartialCorrelation
from causalkit.independence.rank import RankZ
from causalkit.independence.robust import RobustZ

NUMERIC = {
    "t": PartialCorrelation(),
    "normal scores": RankZ(),
    "spearman": RankZ("spearman"),
    "robust": RobustZ(),
}
MIXED = {
    "degenerate": DegenerateGaussian(),
    "conditional": ConditionalGaussian(),
    "regression": LikelihoodRatio(),
}
LINEAR = {"z": FisherZ(), "t": PartialCorrelation(), "normal scores": RankZ()}
PLAIN = NUMERIC | MIXED

TRUTH = CausalGraph.parse("region -> income <- age; income -> spending; spending -> owner")
"""Its class has one member but for nothing: every edge is directed by the collider."""


def quick_table(**columns: np.ndarray) -> Table:
    """A table without the detour of a frame: integers are categories, floats are numbers."""
    values, levels = [], []
    for column in columns.values():
        found, codes = np.unique(column, return_inverse=True)
        is_category = np.issubdtype(np.asarray(column).dtype, np.integer)
        levels.append(tuple(found.tolist()) if is_category else None)
        values.append(codes if is_category else column)
    return Table(
        tuple(columns), np.asfortranarray(np.column_stack(values), dtype=float), tuple(levels)
    )


def category(codes: np.ndarray, names: str = "abcdefgh") -> pd.Categorical:
    return pd.Categorical.from_codes(codes, list(names)[: int(codes.max()) + 1])


def mixed_frame(rng: np.random.Generator, n: int = 800) -> pd.DataFrame:
    """Rows of `TRUTH`: two categories, three numbers."""
    region = rng.integers(3, size=n)
    age = rng.normal(size=n)
    income = 1.2 * (region == 1) - 1.2 * (region == 2) + age + rng.normal(size=n)
    spending = income + rng.normal(size=n)
    owner = rng.random(n) < 1 / (1 + np.exp(-1.5 * spending))
    return pd.DataFrame(
        {
            "region": category(region),
            "age": age,
            "income": income,
            "spending": spending,
            "owner": owner,
        }
    )


def numeric_frame(rng: np.random.Generator, n: int = 120) -> pd.DataFrame:
    """Six dependent numbers."""
    values = rng.normal(size=(n, 6)) @ rng.normal(size=(6, 6)) + rng.normal(size=(n, 6))
    return pd.DataFrame(values, columns=list("abcdef"))


def weak_mixed_frame(rng: np.random.Generator, n: int = 200) -> pd.DataFrame:
    """Three numbers and three categories of 2 to 4 levels, all somewhat dependent."""
    numbers = rng.normal(size=(n, 6)) @ (np.eye(6) + 0.4 * rng.normal(size=(6, 6)))
    frame = {f"n{k}": numbers[:, k] for k in range(3)}
    for k, levels in enumerate((2, 3, 4)):
        cuts = np.quantile(numbers[:, 3 + k], np.arange(1, levels) / levels)
        frame[f"c{k}"] = category(np.searchsorted(cuts, numbers[:, 3 + k]))
    return pd.DataFrame(frame)


__all__ = [
    "LINEAR", "MIXED", "NUMERIC", "PLAIN", "TRUTH", "Clustered", "Grouped", "Weighted", "category",
    "mixed_frame", "numeric_frame", "quick_table", "weak_mixed_frame",
]  # fmt: skip
