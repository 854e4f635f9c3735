"""Cause or effect? One question, asked of one algorithm or of several: :func:`direction`.

Two variables that depend on each other have no conditional independences to read a graph off. What
is left is *how* they depend: a mechanism that has nothing to do with its cause leaves traces, and
each algorithm knows one. The tests of a model (:mod:`~causalkit.discovery.functional.noise_models`)
can refute a way; the scores (:mod:`~causalkit.discovery.functional.asymmetries`) only prefer one.
On real pairs the best of them are right in some two of three cases, so all of them may abstain, and
say so.

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> x = rng.normal(size=300)
>>> found = direction({"x": x, "y": x**3 / 5 + x + rng.normal(size=300)}, "x", "y")
>>> found.verdict, found.decided
('x -> y', True)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sklearn.base import clone

from causalkit._core.table import as_table
from causalkit.discovery.functional._pairwise import Direction, Pair, PairwiseAlgorithm
from causalkit.discovery.functional._residual_test import Side
from causalkit.discovery.functional.asymmetries import IGCI, RECI, PairwiseLiNGAM
from causalkit.discovery.functional.noise_models import ANM, LOCI
from causalkit.errors import InputError
from causalkit.typing import Data, Name

__all__ = ["PairwiseEnsemble", "direction"]

_Sides = tuple[Side, Side]


class PairwiseEnsemble(PairwiseAlgorithm):
    """Several algorithms on one pair: models decide if they can, else all of them vote.

    The rule has two steps and no weights that were fitted to anything.

    1. The models that can be refuted are asked in their order, by default the most general first,
       because it is the last to refute a true way. Models that are refuted both ways are silent.
       The first that is possible one way only decides, unless a more general one that is possible
       both ways leans the other way: a special model is easily misled by what it does not know.
    2. If none does, the verdict is "undecided", and it leans as the most general model does that is
       not silent. If all are, the algorithms vote: each with the p-value of one way minus that of
       the other, from -1 to 1, so that a score that may differ by chance has little weight, and a
       refuted model none.

    Parameters
    ----------
    algorithms : sequence of pairwise algorithms, optional
        `LOCI()`, `ANM()`, `PairwiseLiNGAM()`, `IGCI()`, `RECI()` if left out. Their own `alpha` is
        not used.
    alpha : float, default 0.05
        Level of all tests.

    Attributes
    ----------
    graph_ : CausalGraph
        Kind CPDAG, over the two columns: no edge if the variables are independent, `->` if
        decided, else `--`.
    direction_ : Direction
        The same with all numbers: those of the model that decided, or leant. After a vote, the
        scores are the votes, and the p-values those of the first model.
    p_values_ : dict of (name, name) to float
        By (cause, effect).
    votes_ : tuple of Direction
        What each algorithm says by itself.

    Notes
    -----
    **Assumes:**

    - for a decision: the most general model that is not refuted holds the true way, with what it
      assumes; then it is mistaken about as often as it refutes the truth, `alpha`;
    - for a leaning: that most traces are not misleading.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=300)
    >>> ensemble = PairwiseEnsemble().fit({"x": x, "y": np.tanh(2 * x) + rng.normal(size=300) / 4})
    >>> print(ensemble.graph_)
    CPDAG with 2 nodes, 1 edge: x -> y
    >>> [vote.method for vote in ensemble.votes_]
    ['LOCI()', 'ANM()', 'PairwiseLiNGAM()', 'IGCI()', 'RECI()']
    """

    votes_: tuple[Direction, ...]

    def __init__(
        self, algorithms: Sequence[PairwiseAlgorithm] | None = None, *, alpha: float = 0.05
    ) -> None:
        self.algorithms = algorithms
        self.alpha = alpha

    def _members(self) -> list[PairwiseAlgorithm]:
        if self.algorithms is None:
            return [LOCI(), ANM(), PairwiseLiNGAM(), IGCI(), RECI()]
        return list(self.algorithms)

    def _check_settings(self) -> None:
        if isinstance(self.algorithms, (str, PairwiseAlgorithm)):
            raise InputError(
                f"algorithms={self.algorithms!r}; expected a sequence of algorithms. Write e.g. "
                "algorithms=[ANM(), LOCI()]."
            )
        members = self._members()
        if not members:
            raise InputError("algorithms is empty; expected at least one algorithm such as ANM().")
        for member in members:
            _as_pairwise(member)._check_settings()

    def _judge(self, pair: Pair) -> _Sides:
        members = [clone(member) for member in self._members()]
        self.votes_ = tuple(member._direct(pair, self.alpha) for member in members)
        sides = [_sides(vote, pair.names[0]) for vote in self.votes_]
        models = [both for member, both in zip(members, sides, strict=True) if member._is_model()]
        return _by_models(models, self.alpha) or _by_votes(sides, models)

    def _hypothesis(self) -> str:
        return "the model that decided, or else leans"


def _by_models(models: Sequence[_Sides], alpha: float) -> _Sides | None:
    """Step 1 and the first half of step 2; None if all models are refuted both ways."""
    general: _Sides | None = None
    for both in models:
        one, two = (side.p_value >= alpha for side in both)
        if not (one or two):
            continue
        if general is None:
            general = both
        if one != two:
            return both if one == (general[0].score >= general[1].score) else general
    return general


def _by_votes(sides: Sequence[_Sides], models: Sequence[_Sides]) -> _Sides:
    votes = sum(one.p_value - two.p_value for one, two in sides)
    # Nothing is decided: the first model holds neither way, or there is none.
    one, two = (side.p_value for side in models[0]) if models else (1.0, 1.0)
    return Side(votes, one), Side(-votes, two)


def _sides(vote: Direction, first: Name) -> _Sides:
    """The numbers of `first` -> the other one, then those of the reverse."""
    this = Side(vote.score, vote.p_value)
    other = Side(vote.reverse_score, vote.reverse_p_value)
    return (this, other) if vote.cause == first else (other, this)


def _as_pairwise(method: Any) -> PairwiseAlgorithm:
    if not isinstance(method, PairwiseAlgorithm):
        raise InputError(
            f"{method!r} is no algorithm for pairs; expected one such as ANM() or LOCI(). Pass an "
            "instance, with parentheses."
        )
    return method


def direction(
    data: Data, x: Name, y: Name, *, algorithm: PairwiseAlgorithm | None = None
) -> Direction:
    """Say which of two variables is the cause of the other one, or that it cannot be told.

    Parameters
    ----------
    data : DataFrame, 2-D ndarray, or dict of columns
        One row a unit; columns other than the two are not read.
    x, y : name
        The variables.
    algorithm : ANM, LOCI, PNL, IGCI, RECI, PairwiseLiNGAM or PairwiseEnsemble, optional
        An ensemble of all but PNL if left out. It is not changed.

    Returns
    -------
    Direction
        With the way it leans, whether that is decided, scores and p-values of both ways.

    Raises
    ------
    InputError
        If the columns are not two columns of numbers with at least 20 rows, ten different values
        each, and none missing.
    NumericalError
        If one column is a linear function of the other.
    UnknownVariableError
        If the data have no such column.

    Notes
    -----
    **Assumes:**

    - one of the two causes the other one: a hidden common cause, or selection, can make either way
      look possible;
    - what the algorithm assumes of mechanism and noise.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x, noise = rng.normal(size=(2, 400))
    >>> data = {"x": x, "y": np.sin(2 * x) + noise / 4, "z": x + noise}
    >>> direction(data, "y", "x").verdict
    'x -> y'
    >>> direction(data, "x", "z").verdict  # linear and Gaussian
    'undecided'
    >>> direction(data, "x", "y", algorithm=LOCI(by="likelihood"))
    Direction: x -> y
    ─────────────────
    method  LOCI(by='likelihood')
    rows    400
    alpha   0.05
    <BLANKLINE>
    ...
    """
    chosen = PairwiseEnsemble() if algorithm is None else clone(_as_pairwise(algorithm))
    return chosen.fit(as_table(data, columns=(x, y))).direction_
