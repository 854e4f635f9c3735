"""General identification: ID, IDC, several samples, and what would help where it fails.

Adjustment and front doors are special cases of one idea: the effect is a product over groups of
variables that hang together by hidden causes, and each factor is found in the data or is not. The
search is complete, so that "not identified" comes with a proof (a hedge).

=======================================  =====================================================
what do I have?                          what do I take?
=======================================  =====================================================
one distribution that was observed       `general.py`: `general_formula`
experiments, or other populations        `experiments.py`: `identify_from`
a hedge                                  `remedies.py`: `what_would_help`, what to measure, to
                                         set or to orient
=======================================  =====================================================
"""
