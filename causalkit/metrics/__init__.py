"""How good is a learnt graph? Distances that count edges or wrong effects, and rankings.

>>> truth = "A -> B -> C; A -> C"
>>> shd(truth, "A -> B -> C"), sid(truth, "A -> B -> C")
(1, 1)

Compare like with like: data cannot tell the members of a class of graphs apart, so hold what PC or
GES learnt against the class of the truth, `truth.to_cpdag()`. What counts depends on what the graph
is for.

===============================  ===============================================================
which edges are right?           :func:`shd` (pairs of nodes that differ), :func:`compare_graphs`
                                 (in what they differ; precision and recall)
which effects would be wrong?    :func:`sid` (DAGs, by parents), :func:`sid_bounds` (a class: its
                                 best and worst member), :func:`parent_aid`, :func:`ancestor_aid`,
                                 :func:`oset_aid` (DAGs and classes, by what is adjusted for)
is the confidence worth much?    :func:`auroc`, :func:`auprc` of a matrix of confidences; the
                                 second does not flatter where edges are rare
===============================  ===============================================================

The truth comes first: most of these are not symmetric.
"""

from causalkit.metrics.intervention import ancestor_aid, oset_aid, parent_aid, sid, sid_bounds
from causalkit.metrics.ranking import auprc, auroc
from causalkit.metrics.structure import Detection, StructureScore, compare_graphs, shd

__all__ = [
    "Detection",
    "StructureScore",
    "ancestor_aid",
    "auprc",
    "auroc",
    "compare_graphs",
    "oset_aid",
    "parent_aid",
    "shd",
    "sid",
    "sid_bounds",
]
