"""Causal discovery from series: what drives what, and how many steps later.

In series the past comes first, so an arrow from an earlier step to a later one needs no proof of
its direction. What needs care is memory: two series that remember themselves look alike by chance,
unless the own past of both is held fixed. Rows may be steps of one series, of several subjects
(`panel`), with gaps and dates (`time`); see :func:`~causalkit.discovery.diagnose_series` first.

================  ============================================================================
`preparation`     what the series look like, and what makes them stationary
`momentary`       PCMCI, PCMCI+ (links within a step), J-PCMCI+ (several subjects, contexts)
`latent`          LPCMCI, TS-ICD: hidden common causes
`granger`         does the past of one help to predict the other? Regressions, groups, any
                  learner, networks, frequencies, information
`structural`      VARLiNGAM, DYNOTEARS: a linear model, links within a step directed
`cross_mapping`   CCM, MXMap: parts of one dynamical system with little noise
`changing`        links that come and go: regimes, given or learnt, and windows that slide
================  ============================================================================
"""
