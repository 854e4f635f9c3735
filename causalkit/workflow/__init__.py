"""The whole chain in one call, and the answer that admits that the graph was learnt.

An analysis discovers a graph, identifies the effect in it, estimates it, and challenges the
estimate. :func:`analyze` does these four in a row, writes down what it decided at each, and keeps
what each step returned. If it had to learn the graph, other graphs might be right, and the usual
interval, which takes the graph as given, is too short by an unknown amount. So the question is put
to every graph that the data leave possible, and the interval goes over all their answers.

What do I have, and what do I take?

===============================  ===============================================================
a table and a question           :func:`analyze`, which learns the graph
the same, and a graph            :func:`analyze` with `graph=...`; series too, where treatment and
                                 outcome are nodes such as `"X[t-1]"` and `"Y"`
graphs, or an algorithm          :func:`learnt_effect`: the effect over all of them, with an
                                 interval for both uncertainties and the edge most worth knowing
a table, no question yet         :func:`possible_graphs`: what the data leave possible
a graph, and no one question     :func:`effects_matrix`: all pairs of variables at once
a graph of series                :func:`impulse_response`: effects after 0, 1, 2, … steps
an analysis that I doubt         :func:`certify`: whether such intervals cover, on twins of the data
===============================  ===============================================================

An answer prints as text; :meth:`Analysis.to_html` writes the report, :meth:`Analysis.to_dict` plain
values, :meth:`Analysis.code` the code that runs it again.
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
