"""NOTEARS, DAGMA, GOLEM: weights by gradient, here to be compared with.

"No walk in a circle" is a smooth equation in a matrix of weights, so the search for a graph becomes
the minimisation of a smooth function. Take the results as baselines: least squares favours arrows
from small to large variances, which simulated data have and real units do not mean. So columns are
standardised unless you say otherwise. `linear_models.py` has the linear ones,
`neural_models.py` those with a small network for each variable.
"""
