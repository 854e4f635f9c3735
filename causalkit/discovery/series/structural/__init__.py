"""Structural models of series: VARLiNGAM, DYNOTEARS, and the effects that they imply."""
