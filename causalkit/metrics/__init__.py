"""How good is a learnt graph? Distances that count edges or wrong effects, and rankings."""

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
