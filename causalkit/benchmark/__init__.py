"""How hard is a benchmark? What beats it without any search."""

from causalkit.benchmark.baselines import LaggedCorrelation, LagOne, RandomLinks
from causalkit.benchmark.sortability import SortedRegression, r2_sortability, varsortability

__all__ = [
    "LagOne",
    "LaggedCorrelation",
    "RandomLinks",
    "SortedRegression",
    "r2_sortability",
    "varsortability",
]
