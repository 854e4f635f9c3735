"""From tests to links: groups of series, families of tests, and lags at which a link is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from causalkit._core.checks import as_names
from causalkit.discovery.series._lagged_links import lagged_dag
from causalkit.discovery.series._multiple_tests import corrected
from causalkit.errors import InputError, UnknownVariableError
from causalkit.graph import LaggedGraph
from causalkit.typing import BoolArray, FloatArray, IntArray, Name, Names

__all__ = ["adjusted_by_family", "groups_of", "links_at_lags"]


def links_at_lags(
    names: tuple[Name, ...],
    accepted: BoolArray,
    p_values: FloatArray,
    alpha: float,
    groups: Iterable[IntArray],
) -> LaggedGraph:
    """Draw links that were accepted at the lags that are significant, or else at the best one.

    Parameters
    ----------
    names : tuple of names
    accepted : ndarray of bool, shape (n_groups, n_groups)
    p_values : ndarray of shape (max_lag, p, p)
        Of single coefficients.
    alpha : float
    groups : iterable of ndarray of int
        Series of each group.
    """
    members = list(groups)
    drawn = np.zeros(p_values.shape, dtype=np.bool_)
    for a, b in np.argwhere(accepted).tolist():
        where = np.ix_(np.arange(len(p_values)), members[a], members[b])
        found = p_values[where]
        drawn[where] = found <= max(alpha, float(found.min()))
    return lagged_dag(names, np.concatenate([np.zeros_like(drawn[:1]), drawn]))


def adjusted_by_family(p_values: FloatArray, correction: str | None) -> FloatArray:
    """Adjust links between series, and what drives itself, shape (n, n)."""
    own = np.eye(len(p_values), dtype=np.bool_)[None]
    within = corrected(p_values[None], own, correction)[0]
    between = corrected(p_values[None], ~own, correction)[0]
    found: FloatArray = np.where(own[0], within, between)
    return found


def groups_of(blocks: Mapping[str, Names] | None, names: tuple[Name, ...]) -> dict[Name, IntArray]:
    """Series of each group, those in no block as groups of their own.

    Raises
    ------
    InputError
        If blocks are empty, overlap, or are named as other series are.
    UnknownVariableError
    """
    if blocks is None:
        return {name: np.array([k]) for k, name in enumerate(names)}
    if not isinstance(blocks, Mapping) or not blocks:
        raise InputError(
            f"blocks={blocks!r}; expected a dict of names of groups to names of series. Write e.g. "
            "blocks={'weather': ['rain', 'wind']}."
        )
    found: dict[Name, IntArray] = {}
    taken: dict[Name, str] = {}
    for title, members in blocks.items():
        plain = as_names(members)
        for name in plain:
            if name not in names:
                raise UnknownVariableError.among(name, names, where=f"block {title!r}")
            if name in taken:
                raise InputError(
                    f"series {name!r} is in the blocks {taken[name]!r} and {title!r}; expected "
                    "blocks without common members. Take it out of one."
                )
            taken[name] = title
        if not plain:
            raise InputError(f"block {title!r} is empty; expected names of series. Leave it out.")
        found[title] = np.array(sorted(names.index(name) for name in plain))
    for k, name in enumerate(names):
        if name not in taken:
            if name in found:
                raise InputError(
                    f"a block is named {name!r}, as is a series outside of it; expected different "
                    "names. Rename the block."
                )
            found[name] = np.array([k])
    return found
