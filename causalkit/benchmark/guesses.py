"""Graphs that are guessed without a look at the data: no edge, all edges, edges at random.

A metric means little by itself. Where hardly any two variables are joined the empty graph has few
errors; where most are, the full one finds everything. So every leaderboard has these three rows.

>>> import numpy as np
>>> x = np.zeros((5, 3))
>>> GuessedGraph("full").fit(x).graph_
CPDAG with 3 nodes, 3 edges: x0 -- x1; x0 -- x2; x1 -- x2
>>> print(GuessedGraph("full", max_lag=1).fit(x).graph_.summary_graph().adjacency.mean())
1.0
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator

from causalkit._core.checks import check_choice, check_count, check_fraction
from causalkit._core.random import as_generator
from causalkit._core.series import as_series
from causalkit._core.table import as_table
from causalkit.discovery._setup import in_name_order
from causalkit.graph import ARROW, TAIL, CausalGraph, Kind, LaggedGraph
from causalkit.typing import Data, FloatArray, Name, RandomState

__all__ = ["GuessedGraph"]

_GUESSES = ("empty", "full", "random")


class GuessedGraph(BaseEstimator):
    """A graph over the columns of the data that takes no notice of their rows.

    Parameters
    ----------
    guess : {"empty", "full", "random"}
        No edge; an edge between all pairs, of no direction (of series, from all into all, at all
        lags but 0); or edges at random, in a random order of the variables (of series, forwards).
    max_lag : int, optional
        For series, how far back links reach. None for tables.
    share : float, default 0.2
        Of all pairs (of series, of all lagged links) that "random" joins.
    random_state : int, Generator or None, default None

    Attributes
    ----------
    graph_ : CausalGraph or LaggedGraph
        Of a table a DAG, or with "full" a CPDAG.
    scores_ : ndarray of shape (p, p)
        `[cause, effect]`: uniform numbers with "random", else all the same.

    Raises
    ------
    InputError
        If a setting is out of range.

    Notes
    -----
    **Assumes:** nothing, and learns nothing: it is what a method has to beat.

    Examples
    --------
    >>> x = np.zeros((5, 4))
    >>> len(GuessedGraph("random", share=1.0, random_state=0).fit(x).graph_.edges())
    6
    """

    graph_: CausalGraph | LaggedGraph
    scores_: FloatArray

    def __init__(
        self,
        guess: str = "empty",
        *,
        max_lag: int | None = None,
        share: float = 0.2,
        random_state: RandomState = None,
    ) -> None:
        self.guess = guess
        self.max_lag = max_lag
        self.share = share
        self.random_state = random_state

    def fit(self, X: Data, y: Any = None) -> Self:
        """Read the names of the columns, and guess.

        Parameters
        ----------
        X : DataFrame, 2-D ndarray, or dict of columns
        y : None
            Ignored; scikit-learn passes it.

        Returns
        -------
        self
        """
        del y
        check_choice(self.guess, "guess", _GUESSES)
        check_fraction(self.share, "share", closed=True)
        rng = as_generator(self.random_state)
        if self.max_lag is None:
            self._guess_table(as_table(X).names, rng)
        else:
            self._guess_series(as_series(X).names, check_count(self.max_lag, "max_lag"), rng)
        return self

    def _guess_table(self, shown: tuple[Name, ...], rng: np.random.Generator) -> None:
        names = in_name_order(shown)
        p, ends = len(names), np.zeros((len(names), len(names)), dtype=np.uint8)
        self.scores_ = np.zeros((p, p))
        if self.guess == "full":
            ends[~np.eye(p, dtype=np.bool_)] = TAIL
        elif self.guess == "random":
            place = rng.permutation(p)
            self.scores_ = rng.random((p, p))
            earlier, later = np.nonzero(place[:, None] < place)
            n_joined = round(self.share * len(earlier))
            joined = rng.permutation(len(earlier))[:n_joined]
            ends[earlier[joined], later[joined]] = ARROW
            ends[later[joined], earlier[joined]] = TAIL
        back = [names.index(name) for name in shown]
        kind = Kind.CPDAG if self.guess == "full" else Kind.DAG
        self.scores_ = self.scores_[np.ix_(back, back)]
        self.graph_ = CausalGraph(shown, ends[np.ix_(back, back)], kind)

    def _guess_series(
        self, shown: tuple[Name, ...], max_lag: int, rng: np.random.Generator
    ) -> None:
        names = in_name_order(shown)
        p = len(names)
        drawn = rng.random((max_lag + 1, p, p))
        drawn[0] = np.inf
        share = {"empty": 0.0, "full": 1.0, "random": self.share}[self.guess]
        linked = drawn < share
        back = np.ix_(range(max_lag + 1), *[[names.index(name) for name in shown]] * 2)
        linked, least = linked[back], drawn[back][1:].min(axis=0)
        self.scores_ = -least if self.guess == "random" else np.zeros((p, p))
        self.graph_ = LaggedGraph.from_marks(shown, linked * TAIL, linked * ARROW, Kind.DAG)
