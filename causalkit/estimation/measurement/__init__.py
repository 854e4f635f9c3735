"""Outcomes that a model predicted, and what that does to an effect."""
