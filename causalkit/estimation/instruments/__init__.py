"""Instrumental variables: two-stage least squares and its kin, and what a weak instrument does."""
