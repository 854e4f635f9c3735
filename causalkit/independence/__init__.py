"""Conditional-independence tests: the questions that constraint-based discovery asks."""

from causalkit.independence.base import BoundTest, CIResult, CITest, Search
from causalkit.independence.fisher_z import FisherZ
from causalkit.independence.oracle import Oracle

__all__ = ["BoundTest", "CIResult", "CITest", "FisherZ", "Oracle", "Search"]
