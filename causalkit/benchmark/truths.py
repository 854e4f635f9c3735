"""What methods are compared on: anything that data can be drawn from, with a known truth.

A *model* for :func:`~causalkit.benchmark.compare` has a method `sample(n, rng=...)` that returns

- data (a frame, a dict of columns, a 2-D array), and then the model has a `graph` (or `graph_`); or
- a draw with `.data` and `.graph`, and perhaps a `.model` of its own.

The graph is a :class:`~causalkit.graph.CausalGraph` over columns of the data, or a
:class:`~causalkit.graph.LaggedGraph` over series. A *function* of a generator that returns such a
model stands for a family: each repeat gets a member of its own, such as
`lambda rng: random_svar(6, rng=rng)`.

For the task "effect" the truth must be known, too, from the first of these that is there:

- `treatment`, `outcome` and `truth`, of a model that is made for one question;
- `effects`, a mapping from (treatment, outcome) to a number;
- `effects(horizon)`, of a linear model of series, an array `[lag, cause, effect]` over its
  `variables`;
- `effect(treatment, outcome)`, of series with `horizon=lag`, which returns a number, or something
  with a `.value` and perhaps a `.std_error`, for one found by simulation. If it takes `rng`, it
  gets a seed.

Which effect is asked about: that of `treatment` on `outcome`, where the model has these two
attributes; else one drawn at random among those that are there and that the true graph identifies.

>>> truth = KnownTruth({"X": [0.1, 0.4, 0.2], "Y": [0.5, 0.1, 0.9]}, "X -> Y")
>>> truth.graph
DAG with 2 nodes, 1 edge: X -> Y
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from inspect import Parameter, signature
from typing import Any

import numpy as np

from causalkit._core.checks import check_count
from causalkit._core.random import as_generator
from causalkit.errors import InputError, NotIdentifiableError
from causalkit.graph import CausalGraph, Lagged, LaggedGraph
from causalkit.identification import identify
from causalkit.identification.query import as_graph
from causalkit.typing import Data, RandomState

__all__ = ["Drawn", "KnownTruth", "asked_effect", "draw", "effect_of"]

_TRIES = 20

AnyGraph = CausalGraph | LaggedGraph


@dataclass(frozen=True, slots=True, eq=False)
class KnownTruth:
    """A fixed data set of which the causes are known.

    Attributes
    ----------
    data : DataFrame, dict of columns or 2-D ndarray
        One row a unit, or a step.
    graph : CausalGraph, LaggedGraph or str
        Over its columns. Text with `[t]` in it is read as a graph of series.
    effects : mapping of (treatment, outcome) to float, optional
        Effects that are known.

    Raises
    ------
    InputError
        If the data have no rows that can be counted.

    Examples
    --------
    >>> data = {"X": np.arange(10.0), "Y": np.ones(10)}
    >>> KnownTruth(data, "X -> Y").sample(4, rng=0)["X"].shape
    (4,)
    """

    data: Data
    graph: AnyGraph
    effects: Mapping[Any, float] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.graph, str):
            reads = LaggedGraph.parse if "[t" in self.graph else CausalGraph.parse
            object.__setattr__(self, "graph", reads(self.graph))
        elif not isinstance(self.graph, LaggedGraph):
            object.__setattr__(self, "graph", as_graph(self.graph))
        _n_rows(self.data)

    def sample(self, n: int, rng: RandomState = None) -> Data:
        """Draw rows without replacement, in their order; of series, steps in a row.

        Parameters
        ----------
        n : int
            At most as many as there are.
        rng : int, Generator or None

        Returns
        -------
        As the data came.

        Raises
        ------
        InputError
            If there are fewer rows.
        """
        n_rows, n = _n_rows(self.data), check_count(n, "n")
        if n > n_rows:
            raise InputError(
                f"n={n}, and the data have {n_rows} rows; expected no more. Ask for fewer, "
                f"n_obs={n_rows} for all."
            )
        generator = as_generator(rng)
        if isinstance(self.graph, LaggedGraph):
            start = int(generator.integers(n_rows - n + 1))
            rows = np.arange(start, start + n)
        else:
            rows = np.sort(generator.choice(n_rows, n, replace=False))
        if isinstance(self.data, Mapping):
            return {name: np.asarray(column)[rows] for name, column in self.data.items()}
        return self.data.iloc[rows] if hasattr(self.data, "iloc") else self.data[rows]


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """Data, the graph behind them, and what knows the effects."""

    data: Data
    graph: AnyGraph
    source: Any


def draw(model: Any, n: int, seeds: np.random.SeedSequence) -> Drawn:
    """Draw data and truth from a model, or from a member of a family."""
    of_model, of_data = map(np.random.default_rng, seeds.spawn(2))
    if not hasattr(model, "sample"):
        if not callable(model):
            raise InputError(
                f"a model is a {type(model).__name__} without sample(n, rng=...); expected one to "
                "draw from, or a function of a generator that makes one. A fixed data set is "
                "KnownTruth(data, graph)."
            )
        model = model(of_model)
    found = model.sample(n, rng=of_data)
    if _is_draw(found):
        return Drawn(found.data, _as_truth(found.graph), _source(found, model))
    graph = getattr(model, "graph_", None) if not hasattr(model, "graph_") else model.graph_
    graph = graph if graph is not None else getattr(model, "graph", None)
    return Drawn(found, _as_truth(graph), model)


def _is_draw(found: Any) -> bool:
    if isinstance(found, (Mapping, np.ndarray, list)) or hasattr(found, "columns"):
        return False
    return hasattr(found, "data") and hasattr(found, "graph")


def _source(found: Any, model: Any) -> Any:
    """Whoever knows effects: the draw, its model, or the model that was asked."""
    for one in (found, getattr(found, "model", None)):
        if hasattr(one, "effect") or hasattr(one, "effects"):
            return one
    return model


def _as_truth(graph: Any) -> AnyGraph:
    if isinstance(graph, (CausalGraph, LaggedGraph)):
        return graph
    raise InputError(
        f"the true graph is a {type(graph).__name__}; expected a CausalGraph or a LaggedGraph, as "
        "`graph` of the model or of what it draws. Wrap data in KnownTruth(data, graph)."
    )


def asked_effect(drawn: Drawn, rng: np.random.Generator) -> tuple[Any, Any] | None:
    """Treatment and outcome of which the true graph identifies the effect; None if there are none.

    A pair that the source itself names is taken whether it is identified or not.
    """
    source = drawn.source
    if hasattr(source, "treatment") and hasattr(source, "outcome"):
        return source.treatment, source.outcome
    for k, (treatment, outcome) in enumerate(_candidates(drawn, rng)):
        if k == _TRIES:
            return None
        try:
            identify(drawn.graph, treatment, outcome)
        except NotIdentifiableError:
            continue
        return treatment, outcome
    return None


def _candidates(drawn: Drawn, rng: np.random.Generator) -> Iterator[tuple[Any, Any]]:
    graph, known = drawn.graph, getattr(drawn.source, "effects", None)
    pairs: list[tuple[Any, Any]]
    if isinstance(known, Mapping):
        pairs = list(known)
    elif isinstance(graph, LaggedGraph):
        names = graph.variables
        cells = np.argwhere(graph.directed[1:])
        pairs = [(Lagged(names[i], k + 1), Lagged(names[j], 0)) for k, i, j in cells if i != j]
    else:
        pairs = [
            (cause, effect)
            for cause in graph.nodes
            for effect in graph.nodes
            if cause != effect and effect in graph.descendants(cause)
        ]
    return (pairs[k] for k in rng.permutation(len(pairs)))


def effect_of(
    drawn: Drawn, treatment: Any, outcome: Any, rng: RandomState = None
) -> tuple[float, float]:
    """Return the true effect of one unit more of the treatment (of one step of it), and its error.

    Parameters
    ----------
    drawn : Drawn
    treatment, outcome : nodes of the graph
    rng : int, Generator or None
        Of a model that finds its effects by simulation, if it takes one.

    Returns
    -------
    value, std_error : float
        The error is zero unless the model says otherwise.

    Raises
    ------
    InputError
        If the model does not know.
    """
    source, graph = drawn.source, drawn.graph
    known = getattr(source, "effects", None)
    if hasattr(source, "treatment") and hasattr(source, "truth"):
        return _number(source.truth)
    if isinstance(known, Mapping):
        return float(known[treatment, outcome]), 0.0
    if isinstance(graph, LaggedGraph) and callable(known) and not hasattr(source, "effect"):
        past, now = graph.node(treatment), graph.node(outcome)
        names = tuple(getattr(source, "variables", graph.variables))
        return float(known(past.lag)[past.lag, names.index(past.name), names.index(now.name)]), 0.0
    if not hasattr(source, "effect"):
        raise InputError(
            f"a {type(source).__name__} does not know effects; expected effect(treatment, outcome) "
            'or a mapping `effects`. Leave the task "effect" out, or use another model.'
        )
    takes = signature(source.effect).parameters
    open_ended = any(one.kind is Parameter.VAR_KEYWORD for one in takes.values())
    settings: dict[str, Any] = {"rng": rng} if "rng" in takes or open_ended else {}
    if "contrast" in takes or open_ended:
        settings |= _contrast(drawn, treatment)
    if isinstance(graph, LaggedGraph):
        past, now = graph.node(treatment), graph.node(outcome)
        return _number(source.effect(past.name, now.name, horizon=past.lag, **settings))
    return _number(source.effect(treatment, outcome, **settings))


def _contrast(drawn: Drawn, treatment: Any) -> dict[str, tuple[float, float]]:
    """One unit more than the middle of the data: 0 and 1 may be far from them. Empty for levels."""
    graph, data = drawn.graph, drawn.data
    name = graph.node(treatment).name if isinstance(graph, LaggedGraph) else treatment
    try:
        column = np.asarray(data[name], dtype=np.float64)
    except (KeyError, IndexError, TypeError, ValueError):
        return {}
    middle = float(np.nanmedian(column))
    return {} if set(np.unique(column)) <= {0.0, 1.0} else {"contrast": (middle, middle + 1.0)}


def _number(truth: Any) -> tuple[float, float]:
    return float(getattr(truth, "value", truth)), float(getattr(truth, "std_error", 0.0))


def _n_rows(data: Any) -> int:
    if isinstance(data, Mapping) and data:
        return len(np.asarray(next(iter(data.values()))))
    if hasattr(data, "iloc") or (isinstance(data, np.ndarray) and data.ndim == 2):
        return len(data)
    raise InputError(
        f"the data are a {type(data).__name__}; expected a pandas DataFrame, a dict of columns or "
        "a 2-D array. Convert them."
    )
