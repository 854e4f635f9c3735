"""Estimators with machine-learned nuisances in orthogonal moments.

Each says which regressions it needs (`_nuisances`) and which score they enter (`_moment`); folds,
repeats, learners, seeds and the judgement of the fits are in `base.py`, once for all. The scores
are *Neyman orthogonal*: a small error of a nuisance moves the effect by its square only.

========================================  ====================================================
what do I have?                           what do I take?
========================================  ====================================================
a treatment with levels                   `interactive.py` (AIPW); every level's mean:
                                          `potential_outcomes.py`; quantiles: `quantiles.py`
a dose                                    `partially_linear.py` (PLR): a slope;
                                          `dose_response.py`: a curve
an instrument                             `instrumented.py` (PLIV), `compliers.py` (LATE); one
                                          with a direct effect: `invalid_instrument.py`
mediators that carry all of the effect    `frontdoor_effect.py`, `linear_frontdoor.py`
mediators that carry a part               `natural_effects.py`
outcomes that are seen of some rows       `selected.py`
========================================  ====================================================
"""
