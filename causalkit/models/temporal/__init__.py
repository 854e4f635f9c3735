"""Structural causal models of series: the same mechanisms at every step.

What a series depends on, within the step and some steps ago, does not change, and neither does how.
Chains are run step by step from a past: freely, under an intervention, or again with the noise of a
recorded series; where everything is linear, effects follow from the weights alone.
"""
