"""The whole chain in one call, and the answer that admits that the graph was learnt.

:func:`analyze` discovers, identifies, estimates, challenges and reports. If it had to learn the
graph, other graphs might be right: :func:`possible_graphs` finds those that the data leave
possible, :func:`learnt_effect` gives the effect over all of them, with an interval for both
uncertainties and the edge that would be most worth knowing. Whether such an interval covers on data
like yours, :func:`certify` tries on twins of them.

:func:`effects_matrix` has all pairs at once, for a graph that is known.
"""

from causalkit.workflow.analysis import analyze
from causalkit.workflow.analysis_result import Analysis
from causalkit.workflow.certificates.certificate import Certificate
from causalkit.workflow.certificates.certification import certify
from causalkit.workflow.certificates.monte_carlo import MonteCarlo
from causalkit.workflow.decisions import Decision
from causalkit.workflow.learnt.graph_learning import possible_graphs
from causalkit.workflow.learnt.graph_set import GraphSet
from causalkit.workflow.learnt.learnt_contrasts import LearntEffects
from causalkit.workflow.learnt.learnt_result import LearntEffect
from causalkit.workflow.learnt.over_graphs import learnt_effect
from causalkit.workflow.pairs.effect_matrix import EffectsMatrix, PairEffect
from causalkit.workflow.pairs.pairwise_effects import effects_matrix
from causalkit.workflow.responses import impulse_response

__all__ = [
    "Analysis",
    "Certificate",
    "Decision",
    "EffectsMatrix",
    "GraphSet",
    "LearntEffect",
    "LearntEffects",
    "MonteCarlo",
    "PairEffect",
    "analyze",
    "certify",
    "effects_matrix",
    "impulse_response",
    "learnt_effect",
    "possible_graphs",
]
