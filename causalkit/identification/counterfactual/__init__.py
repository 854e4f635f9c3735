"""Counterfactuals and mediation: questions about several worlds at once."""
