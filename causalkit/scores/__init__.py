"""Scores of graphs: what score-based discovery maximises.

A score says how well a graph accounts for the data, less what its parameters cost. It is a sum over
the variables, each given its parents, so a search that changes an edge computes one term or two
again; and it is the same for all graphs of a Markov equivalence class, or nearly, since data cannot
tell these apart.

Which score fits the table?

=========================  =========================================================
numbers, roughly Gaussian  :class:`GaussianBIC` (quick, the default), :class:`BGe`
                           (Bayesian, also with fewer rows than columns); with many
                           variables :class:`ExtendedBIC`
categories                 :class:`BDeu` (Bayesian), :class:`DiscreteBIC`
numbers and categories     :class:`DegenerateGaussianBIC` (quick),
                           :class:`ConditionalGaussianBIC` (variances and slopes that
                           differ between levels)
dependence of any shape    :class:`KernelMarginal`, :class:`KernelCV` (more edges)
known interventions        :class:`InterventionalBIC`
missing cells              :class:`NodeAverage`
=========================  =========================================================

Settings are values, `GaussianBIC(penalty=1)`; bound to a table (:meth:`Score.bind`) they become a
:class:`LocalScore`, which a search asks for one variable and its parents at a time.
"""

from causalkit.scores.base import LocalScore, Score
from causalkit.scores.bayesian_gaussian import BGe
from causalkit.scores.discrete import BDeu, DiscreteBIC
from causalkit.scores.gaussian import ExtendedBIC, GaussianBIC
from causalkit.scores.interventional import InterventionalBIC
from causalkit.scores.kernel import KernelCV, KernelMarginal
from causalkit.scores.missing import NodeAverage
from causalkit.scores.mixed import ConditionalGaussianBIC, DegenerateGaussianBIC

__all__ = [
    "BDeu",
    "BGe",
    "ConditionalGaussianBIC",
    "DegenerateGaussianBIC",
    "DiscreteBIC",
    "ExtendedBIC",
    "GaussianBIC",
    "InterventionalBIC",
    "KernelCV",
    "KernelMarginal",
    "LocalScore",
    "NodeAverage",
    "Score",
]
