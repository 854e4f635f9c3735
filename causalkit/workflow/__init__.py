"""The whole chain in one call, and the answer that admits that the graph was learnt.

:func:`analyze` discovers, identifies, estimates, challenges and reports. If it had to learn the
graph, other graphs might be right: :func:`possible_graphs` finds those that the data leave
possible, :func:`learnt_effect` gives the effect over all of them, with an interval for both
uncertainties and the edge that would be most worth knowing.
"""

from causalkit.workflow.analysis import Analysis, analyze
from causalkit.workflow.graph_set import GraphSet, possible_graphs
from causalkit.workflow.learnt_effect import LearntEffect, learnt_effect
from causalkit.workflow.responses import impulse_response

__all__ = [
    "Analysis",
    "GraphSet",
    "LearntEffect",
    "analyze",
    "impulse_response",
    "learnt_effect",
    "possible_graphs",
]
