"""CausalTime: series by networks that read their own causes, with the exact graph of what they do.

:class:`CausalTime` learns from real series and draws new ones: each is a causal part that reads the
parents in a hypothesised graph, the residual that the parents leave unsaid, and noise by a
conditional normalising flow. Over series and residual series together the graph is exact.
:func:`weak_discriminative_score` is the test by which its paper judged such series.

Everything here computes with torch and zuko, of the extra 'deep', loaded when first needed.
"""

from causalkit.models.causaltime.causal_time import CausalTime
from causalkit.models.causaltime.score import DiscriminativeScore, weak_discriminative_score

__all__ = ["CausalTime", "DiscriminativeScore", "weak_discriminative_score"]
