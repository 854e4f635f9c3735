"""Hidden variables behind their indicators: ranks, tetrads, FOFC, RLCD, HCA.

Test items, sensors and questionnaires measure something that is in no column. In a linear model all
that passes through k hidden variables has covariances of rank k, so hidden variables show
themselves in what is seen, by how many there are between two sets of columns.

=========================================  ===================================================
what do I have?                            what do I take?
=========================================  ===================================================
items, each of one hidden variable         `tetrad_clusters.py`: FOFC finds which share one
clusters that may be spoilt                `pure_clusters.py`: `purify`
hidden variables anywhere in the graph     `rlcd.py`: RLCD
several environments                       `latent_capabilities.py`: HCA gives them an order
one set of columns, one question           `latent_rank.py`, `tetrads.py`: the tests behind it
=========================================  ===================================================
"""
