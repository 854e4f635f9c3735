"""Nuisances: what must be predicted although nobody asks about it, and how well it was.

The outcome given covariates and the treatment given covariates enter every orthogonal score. They
are predicted out of fold (`crossfitting.py`), by learners of yours or by those that are made for it
here, and the predictions are judged (`assessment.py`), because an interval does not show that a
learner missed something: it is as narrow as ever, around the wrong number.

=======================================  =====================================================
what do I have?                          what do I take?
=======================================  =====================================================
no idea                                  nothing: `automatic.py` begins with curves and keeps
                                         them unless trees are clearly better
many rows, smooth relations              `curves.py`: lines, curves, products
many rows, any relations                 `boosting.py`: columns binned once for all folds
many columns, linear                     `gram_learners.py`, `penalised.py`: products summed
                                         once, every fold fitted from them
=======================================  =====================================================
"""
