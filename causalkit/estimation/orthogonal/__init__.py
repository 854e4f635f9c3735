"""Estimators with machine-learned nuisances in orthogonal moments."""
