"""Causal discovery: from a table, and what is known already, to a graph.

:class:`PC` and :class:`FCI` read a graph off conditional independences (see
:mod:`causalkit.independence` for the test that fits the table); FCI and :class:`RFCI` allow for
hidden common causes. :class:`CDNOD` reads rows from several domains, or from a long time, and takes
what changes between them as evidence; :class:`CausalDeFinetti` needs but two rows of each of many
environments. :class:`MarkovBoundary`, :class:`LocalPC` and :class:`LDP`
look only around a variable or an effect, for tables too wide for a whole graph.
:class:`Bootstrap`, :class:`StabilitySelection` and :class:`FalseDiscoveryControl` say how sure a
learnt edge is.
"""

from causalkit.discovery._independent_change import ChangeVerdict
from causalkit.discovery.base import DiscoveryAlgorithm, Explanation, Separation
from causalkit.discovery.boss import BOSS
from causalkit.discovery.cdnod import CDNOD
from causalkit.discovery.changing import ChangingVariables
from causalkit.discovery.de_finetti import CausalDeFinetti, SinkTest
from causalkit.discovery.driving_force import DrivingForce
from causalkit.discovery.edge_frequencies import EdgeFrequencies
from causalkit.discovery.exact import ExactSearch
from causalkit.discovery.external import CAMUV, GIN, RCD
from causalkit.discovery.false_discovery import FalseDiscoveryControl, edge_p_values
from causalkit.discovery.fci import FCI, RFCI
from causalkit.discovery.feature_selection import MarkovBoundarySelector
from causalkit.discovery.flop import FLOP
from causalkit.discovery.ges import GES
from causalkit.discovery.grasp import GRaSP
from causalkit.discovery.hill_climb import HillClimb
from causalkit.discovery.knowledge import Knowledge
from causalkit.discovery.latent_lingam import ParceLiNGAM
from causalkit.discovery.lingam import DirectLiNGAM, ICALiNGAM
from causalkit.discovery.lingam_bootstrap import (
    BootstrapEffect,
    BootstrapEffects,
    bootstrap_effects,
)
from causalkit.discovery.lingam_effects import EffectMatrix
from causalkit.discovery.local import LocalPC
from causalkit.discovery.markov_boundary import MarkovBoundary, Step
from causalkit.discovery.noise_models import ANM
from causalkit.discovery.partition import LDP
from causalkit.discovery.pc import PC
from causalkit.discovery.stability import Bootstrap
from causalkit.discovery.stability_selection import StabilitySelection

__all__ = [
    "ANM",
    "BOSS",
    "CAMUV",
    "CDNOD",
    "FCI",
    "FLOP",
    "GES",
    "GIN",
    "LDP",
    "PC",
    "RCD",
    "RFCI",
    "Bootstrap",
    "BootstrapEffect",
    "BootstrapEffects",
    "CausalDeFinetti",
    "ChangeVerdict",
    "ChangingVariables",
    "DirectLiNGAM",
    "DiscoveryAlgorithm",
    "DrivingForce",
    "EdgeFrequencies",
    "EffectMatrix",
    "ExactSearch",
    "Explanation",
    "FalseDiscoveryControl",
    "GRaSP",
    "HillClimb",
    "ICALiNGAM",
    "Knowledge",
    "LocalPC",
    "MarkovBoundary",
    "MarkovBoundarySelector",
    "ParceLiNGAM",
    "Separation",
    "SinkTest",
    "StabilitySelection",
    "Step",
    "bootstrap_effects",
    "edge_p_values",
]
