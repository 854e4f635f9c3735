"""Fitting all mechanisms of a graph: each variable on its causes, by the kind of its values.

A number gets an additive or location-scale mechanism (:mod:`~causalkit.models.mechanisms.fitting`).
What takes few values gets a mechanism whose noise is a draw among them:

* two levels, or a number that is 0 or 1: a logistic regression; a table, if all causes have levels
  too and there are ten rows for each configuration of them;
* a category: a table likewise, else a softmax regression;
* a count (whole numbers from 0 on, 3 to 50 different ones): Poisson or negative binomial.

Curves of the causes replace lines where held-out rows are likelier by more than one standard error
(logistic and softmax), or where the family ``"spline"`` is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from causalkit._core.checks import check_choice
from causalkit._core.random import as_generator
from causalkit._core.table import Table as Columns
from causalkit.errors import InputError, UnknownVariableError
from causalkit.graph import CausalGraph
from causalkit.models.mechanisms.base import Mechanism
from causalkit.models.mechanisms.fitting import FAMILIES, FittedMechanism, fit_mechanism
from causalkit.models.mechanisms.functions import Encoded
from causalkit.models.structural._ancestral import System
from causalkit.models.structural._intervened import Held
from causalkit.typing import BoolArray, FloatArray, IntArray, Name, RandomState

__all__ = ["FittedSystem", "fit_system"]

_OF_LEVELS: Final = ("table", "logistic", "softmax", "ordinal")
_KINDS: Final = (*FAMILIES, *_OF_LEVELS, "count")
_ROWS_A_CELL: Final = 10
_COUNTS: Final = (3, 50)
_FEWEST_SEEN: Final = 3
_FOLDS: Final = 5


@dataclass(frozen=True, slots=True, eq=False)
class FittedSystem:
    """Mechanisms in the order of the nodes, and by name how each was chosen."""

    mechanisms: tuple[Mechanism, ...]
    families: dict[Name, str]
    validation: dict[Name, dict[str, float]]


def fit_system(
    graph: CausalGraph,
    table: Columns,
    mechanism: str | Mapping[Name, str | Mechanism],
    noise: str,
    random_state: RandomState,
) -> FittedSystem:
    """Fit a mechanism for each node.

    Parameters
    ----------
    graph : CausalGraph
        A DAG.
    table : Table
        Columns, one a node, in the order of the nodes. A mechanism is fitted to the rows in which
        its variable and all its causes are seen.
    mechanism, noise, random_state
        See :class:`causalkit.models.StructuralCausalModel`.

    Returns
    -------
    FittedSystem

    Raises
    ------
    InputError
        If a family is not known, or does not fit the values of a variable; if hardly any row has a
        variable together with its causes.
    """
    asked = _asked(graph, mechanism)
    n_levels = np.array([_n_levels(table, k) for k in range(table.n_columns)], dtype=np.intp)
    streams = as_generator(random_state).spawn(len(graph.nodes))
    found: list[FittedMechanism] = []
    for k, (name, stream) in enumerate(zip(graph.nodes, streams, strict=True)):
        wanted = asked[name]
        if not isinstance(wanted, str):
            found.append(FittedMechanism(wanted, "given"))
            continue
        causes = np.flatnonzero(graph.directed[:, k])
        rows = _seen_rows(table, k, causes)
        target = _Target(
            name,
            table.values[:, causes][rows],
            table.values[rows, k],
            n_levels[causes],
            int(n_levels[k]),
        )
        labelled = table.levels[k] is not None
        found.append(_fit(target, wanted, noise, stream, labelled=labelled))
    system = System(graph, tuple(one.mechanism for one in found)).check()
    return FittedSystem(
        system.mechanisms,
        {name: one.family for name, one in zip(graph.nodes, found, strict=True)},
        {
            name: dict(one.losses)
            for name, one in zip(graph.nodes, found, strict=True)
            if one.losses
        },
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Target:
    """A variable and its causes; levels are counted, 0 for a number."""

    name: Name
    causes: FloatArray
    y: FloatArray
    n_levels_of_causes: IntArray
    n_levels: int


def _asked(
    graph: CausalGraph, mechanism: str | Mapping[Name, str | Mechanism]
) -> dict[Name, str | Mechanism]:
    if isinstance(mechanism, str):
        mechanism = dict.fromkeys(graph.nodes, mechanism)
    if not isinstance(mechanism, Mapping):
        raise InputError(
            f"mechanism is a {type(mechanism).__name__}; expected a family or a dict of them by "
            f"variable. Families are {', '.join(_KINDS)}."
        )
    for name, wanted in mechanism.items():
        if name not in graph:
            raise UnknownVariableError.among(name, graph.nodes, where="the graph")
        if isinstance(wanted, str):
            check_choice(wanted, f"mechanism[{name!r}]", _KINDS)
    return {name: mechanism.get(name, "auto") for name in graph.nodes}


def _seen_rows(table: Columns, k: int, causes: IntArray) -> BoolArray | slice:
    """Rows in which a variable and its causes are seen; all of them where nothing is missing."""
    missing = table.missing[:, [k, *causes.tolist()]]
    if not missing.any():
        return slice(None)
    seen = np.asarray(~missing.any(axis=1))
    if seen.sum() < _FEWEST_SEEN:
        raise InputError(
            f"{int(seen.sum())} row(s) have {table.names[k]!r} and its causes without a hole; "
            f"expected at least {_FEWEST_SEEN}. Leave out columns with many holes, or fill them."
        )
    return seen


def _n_levels(table: Columns, k: int) -> int:
    """Levels of a column, of a number that is 0 or 1 two, else 0."""
    levels = table.levels[k]
    if levels is not None:
        return max(len(levels), 1)
    column = table.values[:, k]
    column = column[~np.isnan(column)]
    return 2 if set(np.unique(column[:1000])) <= {0.0, 1.0} and _binary(column) else 0


def _binary(column: FloatArray) -> bool:
    values = np.unique(column)
    return len(values) == 2 and values[0] == 0 and values[1] == 1


def _fit(
    target: _Target, wanted: str, noise: str, rng: np.random.Generator, *, labelled: bool
) -> FittedMechanism:
    """Fit one variable by the family that is wanted, or by the kind of its values."""
    y, many = target.y, target.n_levels
    if wanted == "count" or (wanted == "auto" and not many and _is_count(y)):
        return _fit_count(target)
    as_number = wanted in FAMILIES and (not many or (wanted != "auto" and not labelled))
    if as_number:
        counts = tuple(target.n_levels_of_causes.tolist())
        return fit_mechanism(target.causes, y, family=wanted, noise=noise, n_levels=counts, rng=rng)
    if not many:
        raise InputError(
            f"mechanism[{target.name!r}] is {wanted!r}, and its values are numbers; expected "
            f"levels. Make it a category or a boolean, or choose among {', '.join(FAMILIES)}."
        )
    return _fit_levels(target, wanted, rng)


def _fit_levels(target: _Target, wanted: str, rng: np.random.Generator) -> FittedMechanism:
    if target.n_levels == 1:
        return FittedMechanism(Held(0.0), "constant")
    family, index = wanted, "linear"
    if wanted in FAMILIES:
        if wanted not in ("auto", "linear", "spline"):
            raise InputError(
                f"mechanism[{target.name!r}] is {wanted!r}, and its values are levels; expected "
                f"auto, linear, spline, {', '.join(_OF_LEVELS)}. Choose one of them."
            )
        index = wanted if wanted != "auto" else "linear"
        family = "logistic" if target.n_levels == 2 else "softmax"
        if wanted == "auto" and _table_is_enough(target):
            family = "table"
    if family == "logistic" and target.n_levels != 2:
        raise InputError(
            f"mechanism[{target.name!r}] is 'logistic', and it has {target.n_levels} levels; "
            "expected two. Choose 'softmax', 'ordinal' or 'table'."
        )
    if family == "table":
        from causalkit.models.mechanisms.tables import fit_table

        _check_levels_of_causes(target)
        sizes = (*target.n_levels_of_causes.tolist(), target.n_levels)
        return FittedMechanism(fit_table(target.causes, target.y, sizes), "table")
    causes, encoded = _indicators(target)
    losses: dict[str, float] = {}
    if wanted == "auto" and causes.shape[1]:
        index, losses = _choose_index(family, causes, target, rng)
    head = _head(family, index, target.n_levels)(causes, target.y)
    title = family if index == "linear" else f"{family} (spline)"
    return FittedMechanism(encoded(head), title, losses)


def _head(family: str, index: str, n_levels: int) -> Callable[[FloatArray, FloatArray], Any]:
    from causalkit.models.mechanisms import head_fitting as heads

    bent: Any = index
    if family == "logistic":
        return lambda causes, y: heads.fit_logistic(causes, y, index=bent)
    if family == "ordinal":
        return lambda causes, y: heads.fit_ordinal(causes, y, n_levels, index=bent)
    return lambda causes, y: heads.fit_softmax(causes, y, n_levels, index=bent)


def _fit_count(target: _Target) -> FittedMechanism:
    from causalkit.models.mechanisms.count_fitting import fit_count

    causes, encoded = _indicators(target)
    return FittedMechanism(encoded(fit_count(causes, target.y)), "count")


def _is_count(y: FloatArray) -> bool:
    values = np.unique(y)
    few = _COUNTS[0] <= len(values) <= _COUNTS[1]
    return bool(few and values[0] == 0 and (values == np.round(values)).all())


def _table_is_enough(target: _Target) -> bool:
    """Whether all causes have levels, and there are rows for each configuration of them."""
    counts = target.n_levels_of_causes.astype(np.float64)
    if not (counts > 0).all() or (target.n_levels == 2 and not len(counts)):
        return False
    return bool(_ROWS_A_CELL * counts.prod() <= len(target.y))


def _check_levels_of_causes(target: _Target) -> None:
    if not (target.n_levels_of_causes > 0).all():
        raise InputError(
            f"mechanism[{target.name!r}] is 'table', and some of its causes are numbers; expected "
            "levels. Cut them into categories, or choose 'softmax'."
        )


def _indicators(target: _Target) -> tuple[FloatArray, Callable[[Any], Mechanism]]:
    """Causes with indicators for three and more levels, and what wraps a mechanism of them."""
    counts = np.where(target.n_levels_of_causes > 2, target.n_levels_of_causes, 0)
    if not counts.any():
        return target.causes, lambda mechanism: mechanism
    encode = Encoded(Held(0.0), counts).encode
    return encode(target.causes), lambda mechanism: Encoded(mechanism, counts)


def _choose_index(
    family: str, causes: FloatArray, target: _Target, rng: np.random.Generator
) -> tuple[str, dict[str, float]]:
    """Lines, or curves if held-out rows are likelier by more than one standard error."""
    y, n = target.y, len(target.y)
    folds = rng.permutation(n) % min(_FOLDS, n)
    surprise = {index: np.empty(n) for index in ("linear", "spline")}
    for k in np.unique(folds):
        out = folds == k
        if len(np.unique(y[~out])) < target.n_levels:
            return "linear", {}
        for index, losses in surprise.items():
            head = _head(family, index, target.n_levels)(causes[~out], y[~out])
            losses[out] = _surprise(head, causes[out], y[out])
    gain = surprise["linear"] - surprise["spline"]
    bent = gain.mean() > gain.std() / np.sqrt(n)
    means = {index: float(losses.mean()) for index, losses in surprise.items()}
    return ("spline" if bent else "linear"), means


def _surprise(head: Any, causes: FloatArray, y: FloatArray) -> FloatArray:
    """Negative log-likelihood of each row."""
    from causalkit.models.mechanisms.heads import Logistic

    if isinstance(head, Logistic):
        odds = head.index(causes)
        return np.logaddexp(0.0, np.where(y > 0, -odds, odds))
    scores = np.stack([score(causes) for score in head.scores], axis=1)
    own: FloatArray = scores[np.arange(len(y)), y.astype(np.intp)]
    total: FloatArray = np.logaddexp.reduce(scores, axis=1)
    return total - own
