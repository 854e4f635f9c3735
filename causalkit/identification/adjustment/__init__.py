"""Covariate adjustment: which sets are valid, which one to take, and why one is not.

Adjusting for a set of covariates gives the effect if it blocks every path that is not causal and
touches none that is. Many sets do; they differ in what they cost and in how precise they are.

=======================================  =====================================================
what do I want?                          what do I take?
=======================================  =====================================================
"is this set valid?", and why not        `sets.py`: `is_adjustment_set`; `conditions.py`
the smallest variance                    `sets.py`: `optimal_adjustment_set`
few columns, or cheap ones               `choices.py`: `minimum_adjustment_set`
all that are not larger than needed      `sets.py`: `minimal_adjustment_sets`
=======================================  =====================================================

`criterion.py` has the criterion itself, for DAGs, CPDAGs, MAGs and PAGs alike.
"""
