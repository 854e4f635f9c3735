"""Causal discovery from series: what drives what, and how many steps later."""
