"""Who does best, on what, and is that much? Leaderboards, baselines, and how hard a benchmark is.

A method can be held against the truth only where the truth is known: on models that somebody made,
or on *twins*, models fitted to real data. A ranking is worth what its rivals are worth, so guesses
and other baselines are in every leaderboard, and a benchmark that a sort by variance solves says
nothing about discovery.

===============================  ===============================================================
methods, and models              :func:`compare`: a :class:`Leaderboard` of means with intervals,
                                 and whether differences are more than chance (:class:`RankTest`)
my data: which method?           :func:`recommend`: the same on twins of these data
data with a known graph          :class:`KnownTruth`, as one of the models
is the benchmark easy?           :func:`varsortability`, :func:`r2_sortability`, and whether
                                 :class:`SortedRegression` wins
what must be beaten              :class:`GuessedGraph` (empty, full, random); of series
                                 :class:`LaggedCorrelation`, :class:`LagOne`, :class:`RandomLinks`
===============================  ===============================================================

How good one learnt graph is, is measured by :mod:`causalkit.metrics`.
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
