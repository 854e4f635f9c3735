"""By score: FLOP, BOSS, GRaSP over orders, GES over classes, hill climbing, exact search.

A score says what a graph costs: how badly each variable is predicted by its parents, and how many
parameters that takes. It is a sum over variables, so a search pays for what it changes only, and
graphs that no data tell apart have the same score. What differs is where one walks.

=======================================  =====================================================
what do I have?                          what do I take?
=======================================  =====================================================
a table of whatever score                `flop.py`: orders, shaken whenever it is stuck; others
                                         that walk over orders: `boss.py`, `grasp.py`
the wish for a class at each step        `ges.py`: greedy equivalence search
known interventions                      `gies.py`, or orders with `InterventionalBIC`
up to 23 columns                         `exact.py`: the best graph of all
a graph to begin with                    `hill_climb.py`, or `ges.py` (`initial=`)
=======================================  =====================================================
"""
