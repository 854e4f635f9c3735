"""Covariate adjustment: which sets are valid, which one to take, and why one is not."""
