"""How likely each edge is: order MCMC, and the exact posterior of small tables.

One best graph hides how many others explain the rows nearly as well. A posterior over graphs says
how probable an edge, a path or a whole set of parents is. There are too many graphs to sum over,
but given an order of the variables each chooses its parents on its own, so that sums over all
graphs of an order are products of small sums.

===========================  =================================================================
what do I have?              what do I take?
===========================  =================================================================
few columns                  `posterior.py`: `ExactPosterior`, the sum over all orders
more                         `order_mcmc.py`: `OrderMCMC`, a random walk over orders
questions about the graphs   `graph_posterior.py`: `GraphPosterior`, which both return
===========================  =================================================================
"""
