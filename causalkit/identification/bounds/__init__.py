"""Bounds: what discrete data say of effects that no formula gives."""
