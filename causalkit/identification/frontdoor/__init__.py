"""Front doors: effects through mediators that hidden causes do not reach.

Treatment and outcome may share a hidden cause, if all that the treatment does passes mediators that
do not share it: the effect on the mediators is seen, that of the mediators is seen given the
treatment, and one is chained to the other. `frontdoor.py` finds such sets, with covariates if need
be; `estimand.py` is the formula.
"""
