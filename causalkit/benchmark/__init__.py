"""How hard is a benchmark? What beats it without any search."""

from causalkit.benchmark.sortability import SortedRegression, r2_sortability, varsortability

__all__ = ["SortedRegression", "r2_sortability", "varsortability"]
