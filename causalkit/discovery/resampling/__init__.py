"""How sure a learnt edge is: Bootstrap, stability selection.

One graph from one table says nothing about how it would look on other rows. So it is learnt again,
from rows drawn again in the way that they depend on each other: one by one, whole clusters, blocks
of time; or with the answers of the tests drawn again. Any algorithm can be wrapped.

====================================  ========================================================
what do I want?                       what do I take?
====================================  ========================================================
how often each edge comes back        `stability.py`: `Bootstrap`, with a graph of the votes
a bound on the number of false edges  `stability_selection.py`: halves of the rows
====================================  ========================================================
"""
