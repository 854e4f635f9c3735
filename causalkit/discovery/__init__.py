"""Causal discovery: from a table, and what is known already, to a graph.

Where to begin? :func:`suggest` looks at the data and says which of these suits them, and why.

By *tests*: :class:`PC` and :class:`FCI` read a graph off conditional independences (see
:mod:`causalkit.independence` for the test that fits the table); FCI and :class:`RFCI` allow for
hidden common causes. :class:`CDNOD` reads rows from several domains, or from a long time, and takes
what changes between them as evidence; :class:`CausalDeFinetti` needs but two rows of each of many
environments. :class:`GFCI` lets a search by score go before FCI. :class:`MarkovBoundary`,
:class:`LocalPC` and :class:`LDP` look only around a variable or an effect, for tables too wide for
a whole graph. :class:`FOFC`, :class:`RLCD`, :class:`GIN` and :class:`HCA` find the hidden variables
behind their indicators.

By *scores* (see :mod:`causalkit.scores`): :class:`FLOP`, :class:`BOSS` and :class:`GRaSP` search
over orders of the variables, :class:`GES` over classes, :class:`HillClimb` over graphs;
:class:`ExactSearch` finds the best graph of all. :class:`OrderMCMC` and :class:`ExactPosterior` say
how likely each edge is. :class:`NOTEARS`, :class:`DAGMA` and :class:`GOLEM`, and
:class:`NOTEARSMLP` and :class:`DAGMAMLP` for curves, are here to be compared with.

By *interventions*: :class:`GIES`, or the searches over orders with
:class:`~causalkit.scores.InterventionalBIC`; :class:`UnknownTargets` where nobody knows what was
changed; :class:`InvariantPrediction` for the causes of one variable.

By *asymmetries* of noise: :class:`DirectLiNGAM` and :class:`ICALiNGAM` where everything is linear
and the noise is not Gaussian, :class:`CAM`, :class:`RESIT` and :class:`SCORE` where it is curved,
:func:`direction` for two variables, :class:`PNL` where something distorts what is measured.

*Series* that act on each other over lags: :class:`PCMCI`, :class:`PCMCIPlus` (links within a step
too), :class:`JPCMCIPlus` (several subjects),
:class:`LPCMCI` and :class:`TSICD` (hidden common causes); :class:`Granger` and its kin,
:class:`GroupLassoGranger` for many series, :class:`RegressionGranger` and :class:`TransferEntropy`
for curves, :class:`NeuralGranger` and :class:`JacobianGranger` with neural networks (the extra
'deep'), :class:`SpectralGranger` by frequency; :class:`VARLiNGAM` and :class:`DYNOTEARS`;
:class:`CCM` and :class:`MXMap` for coupled dynamical systems. :class:`Regimes`,
:class:`LearntRegimes` and :class:`SlidingWindows` let the links change; :func:`diagnose_series`
looks at series before anything is learnt.

:class:`Bootstrap`, :class:`StabilitySelection` and :class:`FalseDiscoveryControl` say how sure a
learnt edge is.
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
from causalkit.discovery.series.preparation.diagnostics import (
    SeriesDiagnosis,
    SeriesDiagnostics,
    diagnose_series,
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
