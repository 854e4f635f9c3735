"""Outcomes that a model predicted, and what that does to an effect.

A prediction is not the outcome: its errors may differ between the arms, and it is shrunk towards
the mean, so an effect on predictions is another number than the effect. Any estimator can be
wrapped: with some rows labelled in the study itself by `prediction_powered.py`, which uses the
labels to correct and all rows for precision; with labels elsewhere only by `predicted_outcome.py`,
which undoes the shrinkage.
"""
