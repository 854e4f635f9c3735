"""From what changes between domains or over time: CD-NOD, causal de Finetti.

Rows of several sites, or of a long time, do not follow one distribution. That is news, not a
nuisance: mechanisms change one at a time and independently of each other, so a change that reaches
a variable through another one only tells which of the two comes first.

======================================  ======================================================
what do I have?                         what do I take?
======================================  ======================================================
some sites with many rows, or a time    `cdnod.py`: graph, what changes, and which way
how a mechanism moves                   `driving_force.py`, by way of `CDNOD.driving_force`
many environments, few rows in each     `de_finetti.py`: a DAG, every arrow told
======================================  ======================================================
"""
