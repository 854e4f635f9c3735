"""Panels: the same units again and again, before and after treatment."""
