"""Numbers of a table that pile up at one end, such as earnings of people without work.

Whether somebody earns is one question, how much is another: a two-part model (see
:mod:`causalkit.models.twins.piles`). The first part is a logistic regression on the causes, and on
which of them are at their own pile; the second is a mechanism of numbers, fitted to the rows that
are not in the pile. A variable without causes is in its pile as often as in the data.

References
----------
Cragg (1971), Econometrica 39, 829-844 (two parts). doi:10.2307/1909582
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from causalkit._core.series import Series
from causalkit.graph import CausalGraph, Kind, LaggedGraph
from causalkit.graph.marks import ARROW, TAIL
from causalkit.models.mechanisms.base import Mechanism
from causalkit.models.mechanisms.fitting import fit_mechanism
from causalkit.models.twins.column_forms import choose_form, measured
from causalkit.models.twins.piles import PiledUp, PileRule, find_piles, fit_piles
from causalkit.typing import FloatArray, IntArray, Name

__all__ = ["TwoParts", "fit_two_parts", "piled_columns"]


@dataclass(frozen=True, slots=True, eq=False)
class TwoParts:
    """A column with a pile.

    Attributes
    ----------
    name : str or int
    rule : PileRule
        When a value is in the pile.
    rest : Series
        The table in which the pile of this column counts as missing.
    causes : tuple of names
        In the order of the columns.
    """

    name: Name
    rule: PileRule
    rest: Series
    causes: tuple[Name, ...]


def piled_columns(table: Series, dag: CausalGraph) -> Iterator[TwoParts]:
    """Find the columns with a pile, and when each is in it.

    Parameters
    ----------
    table : Series
        Of the nodes, in their order.
    dag : CausalGraph
        Kind DAG.

    Yields
    ------
    TwoParts
    """
    piles = find_piles(table)
    within = dag.directed[None]
    rules, _ = fit_piles(
        table, LaggedGraph.from_marks(dag.nodes, within * TAIL, within * ARROW, Kind.DAG)
    )
    for name, (pile, beside) in piles.items():
        j = dag.index(name)
        column = table.table.values[:, j]
        if not dag.parents(name):
            share = float(np.mean(column[~np.isnan(column)] == pile))
            rules[name] = _always(pile, beside, share)
        if name not in rules:
            continue
        values = table.table.values.copy()
        values[column == pile, j] = np.nan
        causes = tuple(dag.nodes[k] for k in np.flatnonzero(dag.directed[:, j]))
        yield TwoParts(name, rules[name], table.with_values(values), causes)


def fit_two_parts(
    parts: TwoParts,
    *,
    family: str,
    noise: str,
    n_levels: IntArray,
    rng: np.random.Generator,
) -> tuple[Mechanism, str]:
    """Fit the values that are not in the pile, and put both parts together.

    Parameters
    ----------
    parts : TwoParts
    family, noise : str
        As in :func:`~causalkit.models.mechanisms.fit_mechanism`.
    n_levels : ndarray of int
        Levels of causes that are categories, 0 for numbers.
    rng : Generator

    Returns
    -------
    mechanism : Mechanism
    family : str
        Of the second part.
    """
    rest = parts.rest
    columns = np.column_stack([rest.table.column(name) for name in (*parts.causes, parts.name)])
    columns = columns[~np.isnan(columns).any(axis=1)]
    found = fit_mechanism(
        columns[:, :-1],
        columns[:, -1],
        family=family,
        noise=noise,
        n_levels=n_levels.tolist(),
        rng=rng,
    )
    form = replace(choose_form(rest, rest.names.index(parts.name)), power=1.0, shift=0.0)
    return PiledUp(measured(found.mechanism, form, ()), parts.rule), f"pile, {found.family}"


def _always(pile: float, beside: float, share: float) -> PileRule:
    """Rule of a variable without causes."""
    none: FloatArray = np.empty(0)
    odds = float(np.log(share / (1 - share)))
    nowhere = np.empty(0, dtype=np.intp)
    return PileRule(pile, beside, nowhere, none, none, none, none, none, odds, locked=False)
