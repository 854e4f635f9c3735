"""Around one variable, or one effect: Markov boundaries, LocalPC, LDP.

A table may be too wide for a graph of everything, and the question is about one variable. Its
*Markov boundary* (causes, effects, and the other causes of these effects) makes all other columns
irrelevant to it; a local search asks about the boundary, and on outwards no farther than it must.

=====================================  =======================================================
what do I have?                        what do I take?
=====================================  =======================================================
a target to predict or explain         `markov_boundary.py`; in a scikit-learn pipeline
                                       `feature_selection.py`
a target whose causes are wanted       `local_pc.py`: parents, children, and what stays open
a treatment and an outcome             `partition.py`: LDP sorts the columns into roles, and
                                       gives an adjustment set with its certificate
=====================================  =======================================================
"""
