"""Causes that help to predict: by regressions, groups, any learner, frequencies, information."""
