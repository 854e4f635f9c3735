"""Weighting and matching: make the arms alike, then compare.

A row that was unlikely to be treated and was stands for many like it. Weights by the inverse of
that probability make each arm look like everybody; so do weights that are chosen for the balance
itself, and rows paired with those most like them. `balance` shows what was reached, before and
after.

======================================  ======================================================
what do I have?                         what do I take?
======================================  ======================================================
a propensity that is logistic           `ipw.py`
means that have to agree exactly        `balancing.py`: EntropyBalancing, CBPS
curves that have to agree too           `kernel_balancing.py`
pairs wanted, to look at                `matching.py`
the question whether arms overlap       `overlap.py`, in `effect.details["overlap"]`
======================================  ======================================================
"""
