"""Who does best, on what, and is that much? Leaderboards, baselines, and how hard a benchmark is.

:func:`compare` holds methods against models whose truth is known; :func:`recommend` does so on
twins of your data.
"""

from causalkit.benchmark.baselines import LaggedCorrelation, LagOne, RandomLinks
from causalkit.benchmark.guesses import GuessedGraph
from causalkit.benchmark.leaderboard import compare
from causalkit.benchmark.recommendation import Recommendation, recommend
from causalkit.benchmark.results import Leaderboard
from causalkit.benchmark.sortability import SortedRegression, r2_sortability, varsortability
from causalkit.benchmark.summary import RankTest
from causalkit.benchmark.truths import KnownTruth

__all__ = [
    "GuessedGraph",
    "KnownTruth",
    "LagOne",
    "LaggedCorrelation",
    "Leaderboard",
    "RandomLinks",
    "RankTest",
    "Recommendation",
    "SortedRegression",
    "compare",
    "r2_sortability",
    "recommend",
    "varsortability",
]
