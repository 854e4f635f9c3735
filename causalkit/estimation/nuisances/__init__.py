"""Nuisances: what must be predicted although nobody asks about it, and how well it was."""
