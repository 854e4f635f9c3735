"""Structural causal models of series: the same mechanisms at every step."""
