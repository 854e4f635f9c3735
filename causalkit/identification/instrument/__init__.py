"""Instruments: what moves the treatment, and the outcome through it only.

A hidden cause of treatment and outcome leaves nothing to adjust for; an instrument goes around it,
perhaps only with some covariates held fixed. `instrument.py` asks whether one is, finds all, sets
of them for several treatments, and those with the smallest variance; `estimand.py` is the formula,
which needs one more assumption than the graph (a constant effect, or monotonicity).
"""
