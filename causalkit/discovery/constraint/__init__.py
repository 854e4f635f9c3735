"""By tests: PC, FCI and RFCI, and GFCI, which lets a search by score go before.

Independences leave their mark on a graph twice: two variables that some set separates are not
joined, and where arrows meet in the middle of three, the set that separates the outer two is
without it. Everything else follows by rules. Tests err, so every answer is kept with its evidence:
the strongest consistent ones are drawn, the others listed as conflicts, and `explain` can tell why.

===========================================  =================================================
what do I have?                              what do I take?
===========================================  =================================================
no hidden common causes                      `pc.py`: a CPDAG
hidden common causes                         `fci.py`: a PAG; RFCI where it is large and dense
the same, and many tests in a row to doubt   `gfci.py`: a score's graph, then FCI's questions
a bound on the share of false edges          `false_discovery.py`
===========================================  =================================================

The steps have files of their own: `_skeleton` (who is joined), `_colliders` (what the tests say
about three), `_orientation` and `_pag_orientation` (what follows), `_conflicts` (what gave way).
"""
