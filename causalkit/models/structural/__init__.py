"""Structural causal models of tables: mechanisms on a graph."""
