"""Formulas: trees that print, an algebra that shortens them, and their values on tables."""
