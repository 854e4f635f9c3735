"""Series that are seen less often than they move: every k-th step, or means of k steps.

**Every k-th step.** What is left is a latent projection: steps between are hidden, so effects come
together in one step that took several, and what drove two series in between makes them confounded
now. :func:`~causalkit.models.random_models.series_projection.project_series` finds that exactly, up
to the longest lag asked for. For a linear model :meth:`Resampled.effects` is exact, too: the total
effects at the lags that are seen.

**Means of k steps.** A mean causes nothing by itself, so there is no graph of means to be exact
about. `graph` says between which blocks of k steps some link runs: what one gets by setting all
steps of a block. It is exact in that sense, and it may ask for arrows within a block in both
directions; then there is no such graph, and an error says so. Data on means need not have the
independences that this graph reads: means are an ARMA process, and their noise is not independent
over blocks.

>>> from causalkit.models.random_models.series import random_series
>>> model = random_series("linear", n_series=2, max_lag=1, links=0.5, step_links=0.0, rng=0)
>>> print(model.graph)
DAG of 2 series, lags to 1, 3 edges: x0[t-1] -> x0[t]; x0[t-1] -> x1[t]; x1[t-1] -> x1[t]
>>> print(Resampled(model, 2).graph)
ADMG of 2 series, lags to 1, 4 edges: x0[t] <-> x1[t]; x0[t-1] -> x0[t]; x0[t-1] -> x1[t];
x1[t-1] -> x1[t]
>>> print(Resampled(model, 2, "mean").graph)
DAG of 2 series, lags to 1, 4 edges: x0[t] -> x1[t]; x0[t-1] -> x0[t]; x0[t-1] -> x1[t];
x1[t-1] -> x1[t]

References
----------
Gong et al. (2015), "Discovering temporal causal relations from subsampled data", PMLR 37:
1898-1906. Hyttinen et al. (2016), "Causal discovery from subsampled time series data by constraint
optimization", PMLR 52: 216-227.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from causalkit._core.checks import check_choice, check_count
from causalkit.errors import CycleError, InputError
from causalkit.graph import Kind, LaggedGraph
from causalkit.graph._validity import topological_order
from causalkit.graph.marks import ARROW, TAIL
from causalkit.models.random_models.series_draw import SeriesDraw
from causalkit.models.random_models.series_model import SeriesModel
from causalkit.models.random_models.series_projection import project_series
from causalkit.typing import FloatArray, Name, RandomState

if TYPE_CHECKING:
    from causalkit.models.truth import Truth

__all__ = ["Resampled"]


_NO_EFFECTS: Final = (
    "effects over steps are known of a SeriesModel seen every k-th step; expected "
    'how="skip". Ask the model for effects over its own steps.'
)


class _Model(Protocol):
    @property
    def variables(self) -> tuple[Name, ...]: ...
    @property
    def graph(self) -> LaggedGraph: ...
    def sample(self, n_steps: int, rng: RandomState = None) -> SeriesDraw: ...


@dataclass(frozen=True, slots=True, eq=False)
class Resampled:
    """A model whose series are seen less often than they move.

    Attributes
    ----------
    model : SeriesModel, Lorenz96 or CoupledLogisticMaps
    every : int
        Steps of the model for one that is seen.
    how : {"skip", "mean"}
        See every k-th step, or means of k steps.
    """

    model: _Model
    every: int = 2
    how: str = "skip"

    def __post_init__(self) -> None:
        check_count(self.every, "every")
        check_choice(self.how, "how", ("skip", "mean"))
        if isinstance(self.model, SeriesModel) and self.model.drivers:
            raise InputError(
                "the model has seasons or a trend, which are functions of its own steps; expected "
                "one without. Draw it without, or sample it as it is."
            )

    @property
    def variables(self) -> tuple[Name, ...]:
        """All series, hidden ones too."""
        return self.model.variables

    @property
    def full_graph(self) -> LaggedGraph:
        """Graph of the model, over its own steps, hidden series among them."""
        return self.model.full_graph if isinstance(self.model, SeriesModel) else self.model.graph

    @property
    def graph(self) -> LaggedGraph:
        """Graph of the series and steps that are seen; see the module for what is exact.

        Raises
        ------
        CycleError
            If series drive each other within blocks of which means are taken.
        """
        whole = self.full_graph
        seen = [name for name in whole.variables if name not in self._latents]
        if self.how == "skip":
            return project_series(whole, seen, every=self.every)
        return _projected_blocks(_blocks(whole, self.every), seen)

    @property
    def _latents(self) -> tuple[Name, ...]:
        return self.model.latents if isinstance(self.model, SeriesModel) else ()

    def effects(self, horizon: int) -> FloatArray:
        """Total effects over the steps that are seen, of a linear model: exact for "skip".

        Parameters
        ----------
        horizon : int
            Longest lag, in steps that are seen.

        Returns
        -------
        ndarray of shape (horizon + 1, p, p)
            `[lag, cause, effect]`, of one unit more for one step of the model.

        Raises
        ------
        InputError
            If means are taken, or the model knows no effects.
        NumericalError
            If the model is not linear.
        """
        if self.how == "mean" or not isinstance(self.model, SeriesModel):
            raise InputError(_NO_EFFECTS)
        return self.model.effects(horizon * self.every)[:: self.every]

    def effect(
        self, cause: Name, effect: Name, *, horizon: int, rng: RandomState = None, **settings: Any
    ) -> Truth:
        """Effect of setting a series at a step that is seen; see :meth:`SeriesModel.effect`.

        Raises
        ------
        InputError
            If means are taken, or the model knows no effects.
        """
        if self.how == "mean" or not isinstance(self.model, SeriesModel):
            raise InputError(_NO_EFFECTS)
        return self.model.effect(cause, effect, horizon=horizon * self.every, rng=rng, **settings)

    def sample(self, n_steps: int, rng: RandomState = None, **settings: Any) -> SeriesDraw:
        """Draw series of so many steps that are seen.

        Parameters
        ----------
        n_steps : int
        rng : int, Generator or None
        **settings
            Of the model's `sample`.

        Returns
        -------
        SeriesDraw
            Labels of regimes are those of the step that is seen, or the last one of a block.
        """
        n_steps = check_count(n_steps, "n_steps")
        drawn = self.model.sample(n_steps * self.every, rng, **settings)
        last = np.arange(len(drawn.data)) % self.every == self.every - 1
        data, hidden = (self._seen(table, last) for table in (drawn.data, drawn.hidden))
        if drawn.panel:
            data[drawn.panel] = drawn.data[drawn.panel].to_numpy()[last]
        return replace(
            drawn,
            data=data,
            hidden=hidden,
            graph=self.graph,
            full_graph=self.full_graph,
            labels=None if drawn.labels is None else drawn.labels[last],
        )

    def _seen(self, table: Any, last: np.ndarray[Any, Any]) -> Any:
        if self.how == "skip" or not table.shape[1]:
            return table[last].reset_index(drop=True)
        block = np.arange(len(table)) // self.every
        return table.groupby(block).mean().reset_index(drop=True)


def _blocks(graph: LaggedGraph, every: int) -> LaggedGraph:
    """Links between blocks of steps: one where any step of a block drives any of the other."""
    p, longest = len(graph.variables), -(-graph.max_lag // every)
    linked = np.zeros((longest + 1, p, p), dtype=np.bool_)
    for lag in range(graph.max_lag + 1):
        for step in range(every):  # of the effect, counted from the end of its block
            linked[(lag + step) // every] |= graph.directed[lag]
    np.fill_diagonal(linked[0], False)  # what a block does to itself
    if topological_order(linked[0]) is None:
        raise CycleError(
            f"series drive each other within {every} steps, so means of them have no acyclic "
            'graph; expected series that do not. Draw a model with acyclic=True, or how="skip".'
        )
    return LaggedGraph.from_marks(graph.variables, linked * TAIL, linked * ARROW, Kind.DAG)


def _projected_blocks(graph: LaggedGraph, seen: list[Name]) -> LaggedGraph:
    if len(seen) == len(graph.variables):
        return graph
    return project_series(graph, seen, max_lag=graph.max_lag)
