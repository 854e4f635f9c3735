"""Twins of data for :func:`~causalkit.benchmark.recommend`, on graphs that could be the true one.

Nobody knows the true graph, so twins have several: the one that each method finds, one that it
finds in half of the data, and these with a share of their edges elsewhere. A half that is chosen at
random differs from the whole by as much as the whole differs from the truth: the variance of an
estimate from half of the rows around the estimate from all of them is that of the latter. So the
spread between these twins is about what the sample leaves open, in the graph and in its mechanisms.
Of series a half is a stretch of steps in a row.

>>> half_of({"x": np.arange(4.0)}, np.random.default_rng(0), in_a_row=True)
{'x': array([2., 3.])}

References
----------
McCarthy (1969), "Pseudo-replication: half samples", Review of the International Statistical
Institute 37, doi:10.2307/1402116.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from causalkit._core.random import draw_seed
from causalkit.benchmark.methods import Method, learn
from causalkit.benchmark.rewiring import rewired
from causalkit.errors import InputError
from causalkit.graph import CausalGraph, LaggedGraph
from causalkit.typing import Data

__all__ = ["half_of", "n_rows_of", "twins_of"]


def twins_of(
    data: Data,
    entrants: tuple[Method, ...],
    max_lag: int | None,
    n_halves: int,
    n_rewired: int,
    rng: np.random.Generator,
) -> tuple[dict[str, Any], dict[str, str], tuple[str, ...]]:
    """Twins by name, whose graph each has ("" for nobody's), and what went wrong.

    Raises
    ------
    InputError
        If no twin can be made.
    """
    made: dict[str, Any] = {}
    origins: dict[str, str] = {}
    problems: list[str] = []
    for method in entrants:
        name = f"twin of {method.name}"
        rows = {name: data} | {
            _numbered(f"{name}, half", k, n_halves): half_of(
                data, rng, in_a_row=max_lag is not None
            )
            for k in range(n_halves)
        }
        for label, part in rows.items():
            try:
                twin = _twin(part, _learnt(method, part, max_lag, rng), max_lag, rng)
                made[label], origins[label] = twin, method.name
                for k in range(n_rewired):
                    other = _numbered(f"{label}, rewired", k, n_rewired)
                    moved = rewired(twin.graph_, rng=rng)
                    made[other], origins[other] = _twin(part, moved, max_lag, rng), ""
            except Exception as error:  # what stops one twin must not stop the others
                problems.append(f"No {label}: {type(error).__name__}: {error}")
    if not made:
        raise InputError(
            "no twin could be made; expected one at least. Pass models as twins=, or other "
            f"methods. {problems[0]}"
        )
    return made, origins, tuple(problems)


def half_of(data: Data, rng: np.random.Generator, *, in_a_row: bool) -> Data:
    """Half of the rows at random in their order, or a stretch of as many in a row.

    Parameters
    ----------
    data : DataFrame, dict of columns, or 2-D ndarray
    rng : Generator
    in_a_row : bool

    Returns
    -------
    As the data came.
    """
    n = n_rows_of(data)
    if in_a_row:
        kept = int(rng.integers(n - n // 2 + 1)) + np.arange(n // 2)
    else:
        kept = np.sort(rng.choice(n, n // 2, replace=False))
    if isinstance(data, Mapping):
        return {name: np.asarray(column)[kept] for name, column in data.items()}
    if hasattr(data, "iloc"):
        return data.iloc[kept]
    return data[kept]


def n_rows_of(data: Data) -> int:
    """Rows of a frame, of a dict of columns or of an array."""
    return len(next(iter(data.values()))) if isinstance(data, Mapping) else len(data)


def _numbered(name: str, k: int, n: int) -> str:
    return f"{name} {k + 1}" if n > 1 else name


def _learnt(method: Method, data: Data, max_lag: int | None, rng: np.random.Generator) -> Any:
    kind = CausalGraph.parse("a") if max_lag is None else LaggedGraph.parse("a[t-1] -> a[t]")
    return learn(method, data, kind, rng).graph


def _twin(data: Data, graph: Any, max_lag: int | None, rng: np.random.Generator) -> Any:
    from causalkit.models.twin import Twin

    if not isinstance(graph, (CausalGraph, LaggedGraph)):
        raise InputError(
            f"what was learnt is a {type(graph).__name__}; expected a CausalGraph or LaggedGraph "
            "for a twin."
        )
    settings: dict[str, Any] = {} if max_lag is None else {"max_lag": max_lag}
    return Twin(graph=graph, random_state=draw_seed(rng), **settings).fit(data)
