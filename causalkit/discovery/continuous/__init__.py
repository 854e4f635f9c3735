"""NOTEARS, DAGMA, GOLEM: weights by gradient, here to be compared with."""
