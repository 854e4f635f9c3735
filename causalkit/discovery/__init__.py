"""Causal discovery: from a table, and what is known already, to a graph."""

from causalkit.discovery.base import DiscoveryAlgorithm, Explanation, Separation
from causalkit.discovery.knowledge import Knowledge
from causalkit.discovery.pc import PC

__all__ = ["PC", "DiscoveryAlgorithm", "Explanation", "Knowledge", "Separation"]
