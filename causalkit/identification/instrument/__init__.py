"""Instruments: what moves the treatment, and the outcome through it only."""
