"""Counterfactuals and mediation: questions about several worlds at once.

"Would she have recovered without it?" and "how much of the effect goes through the liver?" compare
one unit with itself in another world. No experiment shows both worlds, yet some such probabilities
follow from data, because worlds that differ in one action have most variables in common.

=======================================  =====================================================
what do I have?                          what do I take?
=======================================  =====================================================
an event across worlds                   `counterfactual.py`: `identify_counterfactual`
mediators, or single paths               `mediation.py`: `identify_mediation`,
                                         `identify_path_effect`
the choice of covariates for that        `covariates.py`: `mediation_covariates`
=======================================  =====================================================
"""
