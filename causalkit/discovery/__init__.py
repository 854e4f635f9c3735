"""Causal discovery: from a table, and what is known already, to a graph.

Data leave traces of the graph that made them: independences (*tests*), the price of each set of
parents (*scores*), the shape of noise (*asymmetries*), and what stays the same when something else
changes (*interventions*, domains, time). Each family trusts one kind of trace, under assumptions
that its docstring lists. Most traces are shared by several graphs: then the answer is a class (a
CPDAG, or a PAG if causes may be hidden), whose open edges stay open. :class:`Knowledge` (tiers,
forbidden and required edges) goes into all of them, and `explain(a, b)` of what was fitted says why
an edge is there or not.

===================================  ===============================================================
what do I have?                      what do I take?
===================================  ===============================================================
a table, and no idea                 :func:`suggest`: what suits these columns, and why
no hidden common causes              :class:`PC` (tests); :class:`FLOP`, :class:`BOSS`,
                                     :class:`GRaSP`, :class:`GES` (scores);
                                     :class:`ExactSearch` for few columns
hidden common causes                 :class:`FCI`, :class:`RFCI`, :class:`GFCI`
one variable of a wide table         :class:`MarkovBoundary`, :class:`LocalPC`; an adjustment set:
                                     :class:`LDP`
linear, noise not Gaussian           :class:`DirectLiNGAM`, :class:`ICALiNGAM`,
                                     :class:`ParceLiNGAM` and :class:`RCD` (hidden causes)
curves with additive noise           :class:`CAM`, :class:`RESIT`, :class:`SCORE`;
                                     :class:`CAMUV` (hidden causes); :class:`PNL` (distorted);
                                     two variables: :func:`direction`
indicators of hidden variables       :class:`FOFC`, :class:`RLCD`, :class:`GIN`, :class:`HCA`
several sites, or a long time        :class:`CDNOD`, :class:`CausalDeFinetti`
interventions                        :class:`GIES`; targets unknown: :class:`UnknownTargets`; causes
                                     of one variable: :class:`InvariantPrediction`
series                               :class:`PCMCI`, :class:`PCMCIPlus` (links within a step),
                                     :class:`JPCMCIPlus` (several subjects), :class:`LPCMCI` and
                                     :class:`TSICD` (hidden causes), :class:`VARLiNGAM`,
                                     :class:`DYNOTEARS`; look at them first: :func:`diagnose_series`
series, "does it help to predict?"   :class:`Granger`, :class:`GroupLassoGranger` (many series),
                                     :class:`RegressionGranger`, :class:`TransferEntropy` (curves),
                                     :class:`NeuralGranger`, :class:`JacobianGranger` (networks),
                                     :class:`SpectralGranger` (frequencies)
coupled dynamical systems            :class:`CCM`, :class:`MXMap`
links that change over time          :class:`Regimes`, :class:`LearntRegimes`,
                                     :class:`SlidingWindows`
the question how sure an edge is     :class:`Bootstrap`, :class:`StabilitySelection`,
                                     :class:`FalseDiscoveryControl`; :class:`OrderMCMC` and
                                     :class:`ExactPosterior` (probabilities)
===================================  ===============================================================

:class:`NOTEARS`, :class:`DAGMA`, :class:`GOLEM` and their networks are here to be compared with.
Tests live in :mod:`causalkit.independence`, scores in :mod:`causalkit.scores`.
"""

from causalkit.discovery.base import DiscoveryAlgorithm, Explanation, Separation
from causalkit.discovery.bayesian._convergence import Convergence
from causalkit.discovery.bayesian.graph_posterior import GraphPosterior
from causalkit.discovery.bayesian.order_mcmc import OrderMCMC
from causalkit.discovery.bayesian.posterior import ExactPosterior
from causalkit.discovery.changing._independent_change import ChangeVerdict
from causalkit.discovery.changing.cdnod import CDNOD
from causalkit.discovery.changing.changing_variables import ChangingVariables
from causalkit.discovery.changing.de_finetti import CausalDeFinetti, SinkTest
from causalkit.discovery.changing.driving_force import DrivingForce
from causalkit.discovery.constraint.false_discovery import FalseDiscoveryControl, edge_p_values
from causalkit.discovery.constraint.fci import FCI, RFCI
from causalkit.discovery.constraint.gfci import GFCI
from causalkit.discovery.constraint.pc import PC
from causalkit.discovery.continuous.linear_models import DAGMA, GOLEM, NOTEARS
from causalkit.discovery.continuous.neural_models import DAGMAMLP, NOTEARSMLP
from causalkit.discovery.external import CAMUV, GIN, RCD
from causalkit.discovery.functional._pairwise import Direction
from causalkit.discovery.functional.additive_noise import CAM, RESIT, SCORE
from causalkit.discovery.functional.asymmetries import IGCI, RECI, PairwiseLiNGAM
from causalkit.discovery.functional.noise_models import ANM, LOCI
from causalkit.discovery.functional.pairwise import PairwiseEnsemble, direction
from causalkit.discovery.functional.post_nonlinear import PNL
from causalkit.discovery.interventions.intervention_targets import InterventionTargets, TargetTest
from causalkit.discovery.interventions.invariant_parents import (
    InvariantParents,
    InvariantSet,
    PlausibleParent,
)
from causalkit.discovery.interventions.invariant_prediction import InvariantPrediction
from causalkit.discovery.interventions.unknown_targets import UnknownTargets
from causalkit.discovery.knowledge import Knowledge
from causalkit.discovery.latent.latent_capabilities import HCA
from causalkit.discovery.latent.latent_rank import CrossRanks, RankResult, cross_rank, rank_test
from causalkit.discovery.latent.pure_clusters import PureClusters, purify
from causalkit.discovery.latent.rlcd import RLCD
from causalkit.discovery.latent.tetrad_clusters import FOFC
from causalkit.discovery.latent.tetrads import TetradResult, tetrad_test
from causalkit.discovery.lingam.latent_lingam import ParceLiNGAM
from causalkit.discovery.lingam.lingam import DirectLiNGAM, ICALiNGAM
from causalkit.discovery.lingam.lingam_bootstrap import (
    BootstrapEffect,
    BootstrapEffects,
    bootstrap_effects,
)
from causalkit.discovery.lingam.lingam_effects import EffectMatrix
from causalkit.discovery.local.feature_selection import MarkovBoundarySelector
from causalkit.discovery.local.local_pc import LocalPC
from causalkit.discovery.local.markov_boundary import BoundaryStep, MarkovBoundary
from causalkit.discovery.local.partition import LDP
from causalkit.discovery.resampling.edge_frequencies import EdgeFrequencies
from causalkit.discovery.resampling.stability import Bootstrap
from causalkit.discovery.resampling.stability_selection import StabilitySelection
from causalkit.discovery.search.boss import BOSS
from causalkit.discovery.search.exact import ExactSearch
from causalkit.discovery.search.flop import FLOP
from causalkit.discovery.search.ges import GES
from causalkit.discovery.search.gies import GIES
from causalkit.discovery.search.grasp import GRaSP
from causalkit.discovery.search.hill_climb import HillClimb
from causalkit.discovery.series.base import SeriesAlgorithm
from causalkit.discovery.series.changing._regime_links import RegimeLinks
from causalkit.discovery.series.changing.learnt_regimes import LearntRegimes
from causalkit.discovery.series.changing.regimes import Regimes
from causalkit.discovery.series.changing.sliding_windows import LinkOverTime, SlidingWindows
from causalkit.discovery.series.cross_mapping.ccm import CCM
from causalkit.discovery.series.cross_mapping.convergence import CrossMapConvergence
from causalkit.discovery.series.cross_mapping.mxmap import MXMap
from causalkit.discovery.series.granger.granger import Granger
from causalkit.discovery.series.granger.group_lasso_granger import GroupLassoGranger
from causalkit.discovery.series.granger.jacobian_granger import JacobianGranger
from causalkit.discovery.series.granger.neural_granger import NeuralGranger
from causalkit.discovery.series.granger.regression_granger import RegressionGranger
from causalkit.discovery.series.granger.spectral_granger import SpectralGranger
from causalkit.discovery.series.granger.transfer_entropy import TransferEntropy
from causalkit.discovery.series.latent.lpcmci import LPCMCI
from causalkit.discovery.series.latent.ts_icd import TSICD
from causalkit.discovery.series.momentary.jpcmci_plus import JPCMCIPlus
from causalkit.discovery.series.momentary.pcmci import PCMCI
from causalkit.discovery.series.momentary.pcmci_plus import PCMCIPlus
from causalkit.discovery.series.preparation.diagnostics import diagnose_series
from causalkit.discovery.series.preparation.series_diagnosis import (
    SeriesDiagnosis,
    SeriesDiagnostics,
)
from causalkit.discovery.series.preparation.transformers import Deseasonalize, Detrend, Differencing
from causalkit.discovery.series.structural.dynotears import DYNOTEARS
from causalkit.discovery.series.structural.lagged_effects import LaggedEffects
from causalkit.discovery.series.structural.var_lingam import VARLiNGAM
from causalkit.discovery.suggestion import Suggestion, suggest

__all__ = [
    "ANM",
    "BOSS",
    "CAM",
    "CAMUV",
    "CCM",
    "CDNOD",
    "DAGMA",
    "DAGMAMLP",
    "DYNOTEARS",
    "FCI",
    "FLOP",
    "FOFC",
    "GES",
    "GFCI",
    "GIES",
    "GIN",
    "GOLEM",
    "HCA",
    "IGCI",
    "LDP",
    "LOCI",
    "LPCMCI",
    "NOTEARS",
    "NOTEARSMLP",
    "PC",
    "PCMCI",
    "PNL",
    "RCD",
    "RECI",
    "RESIT",
    "RFCI",
    "RLCD",
    "SCORE",
    "TSICD",
    "Bootstrap",
    "BootstrapEffect",
    "BootstrapEffects",
    "BoundaryStep",
    "CausalDeFinetti",
    "ChangeVerdict",
    "ChangingVariables",
    "Convergence",
    "CrossMapConvergence",
    "CrossRanks",
    "Deseasonalize",
    "Detrend",
    "Differencing",
    "DirectLiNGAM",
    "Direction",
    "DiscoveryAlgorithm",
    "DrivingForce",
    "EdgeFrequencies",
    "EffectMatrix",
    "ExactPosterior",
    "ExactSearch",
    "Explanation",
    "FalseDiscoveryControl",
    "GRaSP",
    "Granger",
    "GraphPosterior",
    "GroupLassoGranger",
    "HillClimb",
    "ICALiNGAM",
    "InterventionTargets",
    "InvariantParents",
    "InvariantPrediction",
    "InvariantSet",
    "JPCMCIPlus",
    "JacobianGranger",
    "Knowledge",
    "LaggedEffects",
    "LearntRegimes",
    "LinkOverTime",
    "LocalPC",
    "MXMap",
    "MarkovBoundary",
    "MarkovBoundarySelector",
    "NeuralGranger",
    "OrderMCMC",
    "PCMCIPlus",
    "PairwiseEnsemble",
    "PairwiseLiNGAM",
    "ParceLiNGAM",
    "PlausibleParent",
    "PureClusters",
    "RankResult",
    "RegimeLinks",
    "Regimes",
    "RegressionGranger",
    "Separation",
    "SeriesAlgorithm",
    "SeriesDiagnosis",
    "SeriesDiagnostics",
    "SinkTest",
    "SlidingWindows",
    "SpectralGranger",
    "StabilitySelection",
    "Suggestion",
    "TargetTest",
    "TetradResult",
    "TransferEntropy",
    "UnknownTargets",
    "VARLiNGAM",
    "bootstrap_effects",
    "cross_rank",
    "diagnose_series",
    "direction",
    "edge_p_values",
    "purify",
    "rank_test",
    "suggest",
    "tetrad_test",
]
