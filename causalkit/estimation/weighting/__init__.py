"""Weighting and matching: make the arms alike, then compare."""
