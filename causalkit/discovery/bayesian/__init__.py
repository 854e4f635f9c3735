"""How likely each edge is: order MCMC, and the exact posterior of small tables."""
