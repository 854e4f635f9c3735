"""Inputs that nobody would write, thrown at the readers; see README.md in this folder."""
