"""`recommend`: which algorithm suits my data? Try them on data of the same kind with a known graph.

A *twin* is a model fitted to the data: what it draws looks like them, and its graph is known. An
algorithm that recovers the graphs of many twins is a better bet for the data themselves. Two things
would spoil such a test, and are dealt with:

- a twin needs a graph, and one that an algorithm has found flatters that algorithm. So twins come
  from the graphs of several algorithms, none counts for the algorithm whose graph it has, and each
  has partners in which a share of the edges was moved elsewhere at random;
- rankings on few graphs are noise, and the data come from none of the twins but from a world of
  their own. So the twins are weighed at random many times (the Bayesian bootstrap), each time one
  of them stands for that world, and the share of times that an algorithm is best there says how
  sure the choice is. Twins of halves of the data bring in what the sample leaves open.

>>> from causalkit.discovery import Granger
>>> from causalkit.benchmark.baselines import LagOne
>>> from causalkit.models import random_svar
>>> twins = {f"twin {k}": random_svar(4, max_lag=2, rng=k) for k in range(4)}
>>> data = twins["twin 0"].sample(200, rng=9)
>>> found = recommend(data, {"Granger": Granger(2), "plain": LagOne()}, twins=twins, n_repeats=2)
>>> found.best
'Granger'

Twins that do not look like the data prove nothing about them: see `fidelity()` of those in `twins`.

References
----------
Rubin (1981), "The Bayesian bootstrap", Annals of Statistics 9, doi:10.1214/aos/1176345338.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from causalkit._core.checks import check_count
from causalkit._core.progress import say
from causalkit._core.random import as_generator, draw_seed
from causalkit._core.report import Report, Reported
from causalkit.benchmark.leaderboard import compare
from causalkit.benchmark.methods import read_methods
from causalkit.benchmark.results import Leaderboard
from causalkit.benchmark.tasks import MEASURES
from causalkit.benchmark.twin_making import n_rows_of, twins_of
from causalkit.benchmark.twin_standings import (
    by_twin,
    noise_of_draws,
    one_more,
    own_advantage_of,
    standings,
)
from causalkit.errors import InputError
from causalkit.typing import Data, RandomState

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["Recommendation", "recommend"]

_DRAWS: Final = 4000
_CLEAR, _LIKELY = 0.9, 0.6


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Recommendation(Reported):
    """Which algorithm recovers twins of the data best.

    Attributes
    ----------
    methods : tuple of str
        The best first.
    scores : tuple of float
        How much better a method is than the average of all, in the measure (more is better), over
        twins that are not its own.
    std_errors : tuple of float
        Over twins.
    probabilities : tuple of float
        That the method is best of all on one more model, which is to the twins as they are to each
        other; not that it is best on average over them, which many twins make certain.
    measure : str
    own_advantage : float
        How much better methods are on twins of their own graph than elsewhere; NaN if there are no
        such twins. These do not count.
    origins : mapping of str to str
        By twin: whose graph it has; "" for a graph that none of the methods found.
    twins : mapping of str to model
    board : Leaderboard
        All results, baselines among them.
    problems : tuple of str
        Twins that could not be made, and why.
    """

    methods: tuple[str, ...]
    scores: tuple[float, ...]
    std_errors: tuple[float, ...]
    probabilities: tuple[float, ...]
    measure: str
    own_advantage: float
    origins: Mapping[str, str]
    twins: Mapping[str, Any]
    board: Leaderboard
    problems: tuple[str, ...] = ()

    @property
    def best(self) -> str:
        """The method that is best on average over twins."""
        return self.methods[0]

    def to_frame(self) -> pd.DataFrame:
        """One row a method: its score, the standard error, and the probability of being best."""
        import pandas as pd

        columns = {
            "score": self.scores,
            "score_se": self.std_errors,
            "probability": self.probabilities,
        }
        return pd.DataFrame(columns, index=pd.Index(self.methods, name="method"))

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw the scores with their 95 % intervals over twins."""
        from causalkit.plotting.leaderboard import plot_intervals

        label = f"{self.measure}: better than the average method by"
        return plot_intervals(self.methods, self.scores, self.std_errors, ax, label=label, **style)

    def sentences(self) -> tuple[str, ...]:
        """What to make of it, in plain words."""
        sure, best = self.probabilities[0], self.best
        if sure >= _CLEAR:
            said = f"{best} recovers data like yours best (probability {sure:.0%})."
        elif sure >= _LIKELY:
            said = f"{best} probably recovers data like yours best ({sure:.0%})"
            said += f", then {self.methods[1]} ({self.probabilities[1]:.0%})."
        else:
            shares = ", ".join(
                f"{name} {share:.0%}"
                for name, share in zip(self.methods[:3], self.probabilities[:3], strict=False)
            )
            said = f"No method is clearly best on data like yours: {shares}. Take any of these, or "
            said += "compare what they agree on."
        found = [said, self._beside_baselines()]
        if np.isfinite(self.own_advantage):
            found.append(
                f"On twins of its own graph a method is better by {self.own_advantage:.3g} in "
                f"{self.measure} than elsewhere; these twins do not count for it."
            )
        if all(origin for origin in self.origins.values()):
            found.append("All twins have a graph that one of the methods found.")
        return (*found, *self.problems)

    def _beside_baselines(self) -> str:
        """On how many twins a baseline is as good as the best method."""
        names = (self.best, *sorted(self.board.baselines))
        mean = by_twin(self.board, names, self.measure)
        rivals = mean[:, 1:]
        as_good = rivals >= mean[:, :1] - 1e-12
        n = int(as_good.any(axis=1).sum())
        if not n:
            return f"On all {len(mean)} twins {self.best} is better than every baseline."
        often = names[1 + int(as_good.sum(axis=0).argmax())]
        return (
            f"On {n} of {len(mean)} twins a baseline that knows next to nothing is as good as "
            f"{self.best}, most often {often!r}: mind what data like yours can tell."
        )

    def _report(self) -> Report:
        own = sum(bool(origin) for origin in self.origins.values())
        return Report(
            f"Recommended: {self.best}",
            facts=[
                ("twins", f"{len(self.origins)}, of which {own} have a graph that a method found"),
                ("measure", self.measure),
            ],
            columns=("method", "score", "± s.e.", "probably best"),
            rows=[
                (name, round(score, 4), round(error, 4), round(share, 3))
                for name, score, error, share in zip(
                    self.methods, self.scores, self.std_errors, self.probabilities, strict=True
                )
            ],
            notes=self.sentences(),
        )


def recommend(
    data: Data,
    methods: Mapping[str, Any] | None = None,
    *,
    max_lag: int | None = None,
    twins: Mapping[str, Any] | None = None,
    n_halves: int = 1,
    n_rewired: int = 1,
    measure: str = "shd",
    n_obs: int | None = None,
    n_repeats: int = 3,
    store: str | PathLike[str] | None = None,
    random_state: RandomState = 0,
    n_jobs: int | None = None,
    time_limit: float | None = None,
    progress: bool = False,
) -> Recommendation:
    """Build twins of data and say which algorithm recovers their graphs best, and how surely.

    Parameters
    ----------
    data : DataFrame, dict of columns, or 2-D ndarray
    methods : mapping of str to algorithm or callable, optional
        Two at least. Left out, a few that differ in what they assume: for tables PC, GES, BOSS and
        DirectLiNGAM, for series Granger, PCMCI, PCMCIPlus and VARLiNGAM.
    max_lag : int, optional
        Says that rows are steps of series, and how far back causes reach. None: rows are units.
    twins : mapping of str to model, optional
        Models to use for twins, see :mod:`causalkit.benchmark.truths`. Left out, a
        :class:`~causalkit.models.twin.Twin` is fitted to the data on the graph that each method
        finds, the same to halves of the data, and to each of these on `n_rewired` graphs where
        half of the edges lie elsewhere.
    n_halves : int, default 1
        For each method: random halves of the rows; of series, stretches of half the steps.
    n_rewired : int, default 1
        For each graph that was found.
    measure : str, default "shd"
        See :data:`causalkit.benchmark.tasks.MEASURES`.
    n_obs : int, optional
        Rows that twins draw; left out, as many as the data have.
    n_repeats : int, default 3
        Data sets of each twin.
    store, n_jobs, random_state, time_limit, progress
        As in :func:`~causalkit.benchmark.compare`.

    Returns
    -------
    Recommendation

    Raises
    ------
    InputError
        If there are fewer than two methods, no twin can be made, or a setting is out of range.

    Notes
    -----
    **Assumes:**

    - twins are like the data where it matters to the methods, and the model behind the data is to
      the twins as they are to each other: no farther from them all;
    - differences between methods are about the same on all twins, so that leaving out a method's
      own twins does not change whom it is compared with.

    With the defaults each method gives four twins, and all methods and baselines meet each of them
    `n_repeats` times: with four methods 16 twins and 432 runs, about ten minutes on one core for
    six series of 2,000 steps. `n_halves=0, n_rewired=0, n_repeats=1` is a twelfth of that.
    """
    rng = as_generator(random_state)
    seed = random_state if isinstance(random_state, int) else draw_seed(rng)
    entrants = read_methods(_usual(max_lag) if methods is None else methods)
    good = next((m.best for m in MEASURES if m.name == measure and m.task == "discovery"), "")
    if len(entrants) < 2 or not good:
        raise InputError(
            f"there are {len(entrants)} methods and measure={measure!r}; expected two methods at "
            "least, and a measure of discovery that has a good end, such as 'shd' or 'f1'."
        )
    if twins is None:
        check_count(n_halves, "n_halves", minimum=0)
        check_count(n_rewired, "n_rewired", minimum=0)
        if progress:
            n_twins = len(entrants) * (1 + n_halves) * (1 + n_rewired)
            say(f"fitting {n_twins} twins, seconds to a minute each")
        made, origins, problems = twins_of(data, entrants, max_lag, n_halves, n_rewired, rng)
    else:
        made, problems = dict(twins), ()
        origins = dict.fromkeys(map(str, made), "")
    board = compare(
        {method.name: method.learner for method in entrants},
        made,
        tasks="discovery",
        n_obs=n_rows_of(data) if n_obs is None else n_obs,
        n_repeats=n_repeats,
        store=store,
        n_jobs=n_jobs,
        random_state=seed,
        time_limit=time_limit,
        progress=progress,
    )
    return _judged(board, [m.name for m in entrants], measure, origins, made, problems, rng)


def _usual(max_lag: int | None) -> dict[str, Any]:
    from causalkit import discovery as d

    if max_lag is None:
        found = (d.PC(), d.GES(), d.BOSS(), d.DirectLiNGAM())
    else:
        lag = check_count(max_lag, "max_lag")
        found = (
            d.Granger(lag),
            d.PCMCI(max_lag=lag),
            d.PCMCIPlus(max_lag=lag),
            d.VARLiNGAM(max_lag=lag),
        )
    return {type(algorithm).__name__: algorithm for algorithm in found}


# --- verdict --------------------------------------------------------------------------------------


def _judged(
    board: Leaderboard,
    names: list[str],
    measure: str,
    origins: Mapping[str, str],
    twins: Mapping[str, Any],
    problems: tuple[str, ...],
    rng: np.random.Generator,
) -> Recommendation:
    values = by_twin(board, names, measure)
    own = np.array([[origins[model] == name for name in names] for model in board.models])
    counts = ~own
    weights = rng.dirichlet(np.ones(len(values)), size=_DRAWS)
    standing = standings(values, counts, np.full((1, len(values)), 1.0 / len(values)))[0]
    drawn = standings(values, counts, weights)
    noise = noise_of_draws(board, names, measure)
    worlds = drawn + one_more(values, counts, standing, weights, noise, rng)
    top = worlds >= worlds.max(axis=1, keepdims=True) - 1e-9
    shares = (top / top.sum(axis=1, keepdims=True)).mean(axis=0)
    order = np.lexsort((-shares, -standing))
    return Recommendation(
        methods=tuple(names[j] for j in order),
        scores=tuple(standing[order].tolist()),
        std_errors=tuple(drawn.std(axis=0)[order].tolist()),
        probabilities=tuple(shares[order].tolist()),
        measure=measure,
        own_advantage=own_advantage_of(values, counts, standing),
        origins=dict(origins),
        twins=dict(twins),
        board=board,
        problems=problems,
    )
