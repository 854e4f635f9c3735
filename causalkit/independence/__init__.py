"""Conditional-independence tests: the questions that constraint-based discovery asks.

Which test fits the table?

=========================  =========================================================
numbers, roughly Gaussian  :class:`FisherZ` (or :class:`PartialCorrelation` for few rows)
monotone transformations   :class:`RankZ`; heavy tails or outliers: :class:`RobustZ`
categories                 :class:`GSquare`, :class:`ChiSquare`
numbers and categories     :class:`DegenerateGaussian` (fast), :class:`ConditionalGaussian`,
                           :class:`LikelihoodRatio` (regressions)
dependence of any shape    :class:`KCI` (kernels; :class:`HSIC` given nothing), :class:`RCoT`
                           (quick for many rows), :class:`GCM` (residuals of any regression),
                           :class:`CMIknn` (nearest neighbours)
sites that share no rows   :class:`FeatureTest` on a :class:`FederatedSummary`
missing cells              :class:`TestwiseDeletion`, :class:`MissingnessCorrection`,
                           :class:`MultipleImputation`
zeros that are dropouts    :class:`ZeroDeletion`
weights, clusters, groups  :class:`Weighted`, :class:`Clustered`, :class:`Grouped`
a known graph              :class:`Oracle`
=========================  =========================================================
"""

from causalkit.independence.base import BoundTest, CITest
from causalkit.independence.composed import Clustered, Weighted
from causalkit.independence.conditional_gaussian import ConditionalGaussian
from causalkit.independence.degenerate_gaussian import DegenerateGaussian
from causalkit.independence.feature_design import FeatureDesign
from causalkit.independence.federated import FeatureTest, FederatedSummary
from causalkit.independence.fisher_z import FisherZ
from causalkit.independence.g_square import ChiSquare, GSquare
from causalkit.independence.gcm import GCM
from causalkit.independence.grouped import Grouped
from causalkit.independence.imputed import MultipleImputation
from causalkit.independence.kernel import HSIC, KCI
from causalkit.independence.knn import CMIknn
from causalkit.independence.likelihood_ratio import LikelihoodRatio
from causalkit.independence.missing import TestwiseDeletion
from causalkit.independence.missing_causes import MissingnessCauses, causes_of_missingness
from causalkit.independence.missing_correction import MissingnessCorrection
from causalkit.independence.oracle import Oracle
from causalkit.independence.partial_correlation import PartialCorrelation
from causalkit.independence.rank import RankZ
from causalkit.independence.rcot import RCIT, RCoT
from causalkit.independence.robust import RobustZ
from causalkit.independence.search import Answers, CIResult, Level, Screen, Search
from causalkit.independence.zero_inflated import ZeroDeletion

__all__ = [
    "GCM",
    "HSIC",
    "KCI",
    "RCIT",
    "Answers",
    "BoundTest",
    "CIResult",
    "CITest",
    "CMIknn",
    "ChiSquare",
    "Clustered",
    "ConditionalGaussian",
    "DegenerateGaussian",
    "FeatureDesign",
    "FeatureTest",
    "FederatedSummary",
    "FisherZ",
    "GSquare",
    "Grouped",
    "Level",
    "LikelihoodRatio",
    "MissingnessCauses",
    "MissingnessCorrection",
    "MultipleImputation",
    "Oracle",
    "PartialCorrelation",
    "RCoT",
    "RankZ",
    "RobustZ",
    "Screen",
    "Search",
    "TestwiseDeletion",
    "Weighted",
    "ZeroDeletion",
    "causes_of_missingness",
]
