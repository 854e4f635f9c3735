"""Curved mechanisms and noise: two variables at a time, or a whole order.

If an effect is a curve of its cause plus noise, then the other way round there is hardly ever such
a model. So two variables, which have no third one to be independent given, still tell cause from
effect; and in many variables, the one that leaves independent residuals comes last.

======================================  ======================================================
what do I have?                         what do I take?
======================================  ======================================================
two variables                           `pairwise.py`: `direction` asks several, and may abstain
two, and a model in mind                `noise_models.py` (ANM, LOCI), which tests can refute;
                                        `asymmetries.py` (scores, which only prefer)
a table, curves and additive noise      `additive_noise.py`: CAM (many columns), RESIT, SCORE
a distortion on top of that             `post_nonlinear.py`: PNL
======================================  ======================================================
"""
