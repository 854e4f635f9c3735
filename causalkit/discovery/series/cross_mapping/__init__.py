"""Coupled dynamical systems, by nearest neighbours in what delays rebuild of them."""
