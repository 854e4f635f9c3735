"""All pairs of variables at once, for a graph that is known.

The graph says of each pair what to adjust for (`pair_answers`), one covariance matrix has every
regression in it (`pair_samples`, `pair_regressions`), and p-values are corrected for their number
(`pairwise_effects`).
"""
