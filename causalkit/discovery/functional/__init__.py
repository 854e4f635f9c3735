"""Curved mechanisms and noise: two variables at a time, or a whole order."""
