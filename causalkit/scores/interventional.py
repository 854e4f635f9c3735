"""The Gaussian score where it is known which variables were intervened upon in which rows.

Whoever sets a variable cuts it off from its causes, and leaves every other variable to its own. So
the regression of a node on its parents is fitted on the rows in which the node itself was not
intervened upon, whatever was done to its parents there; rows in which it was are about others. That
tells more than observation does: graphs of one Markov-equivalence class score differently as soon
as an intervention touches one end of an edge and not the other.

>>> import numpy as np
>>> from causalkit.graph import CausalGraph
>>> rng = np.random.default_rng(0)
>>> set_by_us = np.arange(600) >= 300
>>> a = np.where(set_by_us, 3 * rng.normal(size=600), rng.normal(size=600))
>>> data = {"a": a, "b": a + rng.normal(size=600), "condition": set_by_us}
>>> score = InterventionalBIC({False: (), True: "a"}, regime="condition")
>>> forth, back = map(CausalGraph.parse, ("a -> b", "b -> a"))
>>> score.total(data, forth) - score.total(data, back) > 50
True
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from math import log

import numpy as np

from causalkit._core.checks import as_names, check_positive, check_rows
from causalkit._core.moments import Moments, merge
from causalkit._core.table import Table
from causalkit.errors import InputError, UnknownVariableError
from causalkit.scores.base import Score, check_no_holes
from causalkit.scores.gaussian import LocalGaussian, check_numeric
from causalkit.typing import BoolArray, FloatArray, IntArray, Name, Names

__all__ = ["InterventionalBIC"]

_LEAST_ROWS = 3


@dataclass(frozen=True, slots=True)
class InterventionalBIC(Score):
    """Bayesian information criterion of linear regressions under known interventions.

    Parameters
    ----------
    targets : mapping of label to names, or sequence of names
        What was intervened upon. With `regime`: for each value of that column, the variables
        that were (none, one, or several). Without: the same for each row, in their order.
    regime : str or int, optional
        Column that says under which condition a row was seen: text, number, boolean or category.
        It is no variable of the graph.
    penalty : float, default 2
        Weight of the penalty: a parent costs `penalty * log(n) / 2` units of log-likelihood, n
        being all rows, so 1 is the BIC itself. Larger gives fewer edges.

    Notes
    -----
    **Assumes:**

    - the targets are known, and an intervention acts on nothing else;
    - it cuts its targets off from their causes: it sets them, or draws them anew, rather than
      shifting what their causes make of them;
    - rows are independent draws, under each condition from one distribution;
    - where it is not intervened upon, each variable is the same linear function of its causes plus
      the same Gaussian noise, whatever was done to others;
    - no cell is missing.

    A regression has one intercept for all conditions, so that a shift of the mean is evidence, as
    in pcalg; the Python package gies gives each condition its own, and agrees on data that were
    centred within conditions. Without targets the score is that of
    :class:`~causalkit.scores.GaussianBIC`. Graphs that are Markov-equivalent under the
    interventions too have equal scores.

    Correlations are kept for each set of rows that some variable is left to itself in: with m
    variables that are ever intervened upon, up to `m + 1` matrices of p by p.

    Examples
    --------
    One condition for each row, without a column that says so:

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> a = rng.normal(size=200)
    >>> b = a + rng.normal(size=200)
    >>> b[100:] = 5.0
    >>> score = InterventionalBIC([()] * 100 + ["b"] * 100)
    >>> score.local({"a": a, "b": b}, "b", ["a"]) > score.local({"a": a, "b": b}, "b")
    True

    References
    ----------
    Hauser and Bühlmann (2012), "Characterization and greedy learning of interventional Markov
    equivalence classes of directed acyclic graphs", JMLR 13: 2409-2464.
    """

    targets: Mapping[object, Names] | Sequence[Names] = field(hash=False)
    regime: Name | None = None
    penalty: float = 2.0

    def nodes(self, names: tuple[Name, ...]) -> tuple[Name, ...]:
        """Names of the variables: all columns but the one that names the regime."""
        return tuple(name for name in names if name != self.regime)

    def columns(self, nodes: tuple[Name, ...]) -> tuple[Name, ...]:
        """Columns that scores of these variables need: the regime's too."""
        return nodes if self.regime is None else (*self.nodes(nodes), self.regime)

    @property
    def labels(self) -> tuple[Name, ...]:
        """The column that names the regime."""
        return () if self.regime is None else (self.regime,)

    def bind(self, table: Table) -> LocalGaussian:
        """Check the table, sort its rows by what was done, and compute their correlations.

        Raises
        ------
        InputError
            If the targets do not fit the rows, cells are missing, a column has more than two
            levels, or a variable is constant, or seen in fewer than 3 rows, where it was not
            intervened upon.
        UnknownVariableError
            If a target or the regime is no column.
        """
        who = "InterventionalBIC"
        price = check_positive(self.penalty, "penalty") * 0.5 * log(table.n_rows)
        condition, listed = self._conditions(table)
        check_no_holes(table, who=who)
        check_rows(table, _LEAST_ROWS, who=who)
        variables = table.select(self.nodes(table.names))
        check_numeric(variables, who=who)
        touched = _touched(listed, variables.names)
        touched, same = np.unique(touched, axis=0, return_inverse=True)
        own, group = np.unique(~touched.T, axis=0, return_inverse=True)
        parts = _parts(variables, same.reshape(-1)[condition])
        corr, n = _correlations(parts, own, group.reshape(-1), variables.names)
        cost = price * np.arange(len(group) + 1.0)
        return LocalGaussian(corr, group.reshape(-1).astype(np.intp), n, cost, touched)

    def _conditions(self, table: Table) -> tuple[IntArray, list[tuple[Name, ...]]]:
        """Number of each row's condition, and what was intervened upon in each."""
        if self.regime is not None:
            return self._by_column(table, self.regime)
        if isinstance(self.targets, (Mapping, str, int)):
            raise InputError(
                f"targets is a {type(self.targets).__name__} and no regime is named; expected the "
                "targets of each row. Name the column whose values are the keys: regime='…'."
            )
        by_row = [as_names(names) for names in self.targets]
        if len(by_row) != table.n_rows:
            raise InputError(
                f"targets lists {len(by_row)} rows and the data have {table.n_rows}; expected the "
                "targets of each row, () where there is none. To select or draw rows, put the "
                "condition into a column and name it as regime."
            )
        number = {names: k for k, names in enumerate(dict.fromkeys(by_row))}
        return np.array([number[names] for names in by_row], dtype=np.intp), list(number)

    def _by_column(self, table: Table, regime: Name) -> tuple[IntArray, list[tuple[Name, ...]]]:
        if not isinstance(self.targets, Mapping):
            raise InputError(
                f"targets is a {type(self.targets).__name__} and regime is {regime!r}; expected a "
                "mapping from the values of that column to what was intervened upon, e.g. "
                "{'control': (), 'knockout': 'gene'}. Or leave regime out."
            )
        column, levels = table.column(regime), table.levels_of(regime)
        known = {label: as_names(names) for label, names in self.targets.items()}
        if np.isnan(column).any():
            raise InputError(
                f"regime {regime!r} is missing in {int(np.isnan(column).sum())} row(s); expected a "
                "condition for each row. Drop those rows."
            )
        values, condition = np.unique(column, return_inverse=True)
        labels = values.tolist() if levels is None else [levels[int(code)] for code in values]
        strange = [label for label in labels if label not in known]
        if strange:
            raise InputError(
                f"targets says nothing of {', '.join(map(repr, strange[:6]))} in column "
                f"{regime!r}; expected what was intervened upon for each of its {len(labels)} "
                "values. Add it, with () where nothing was."
            )
        return condition.reshape(-1).astype(np.intp), [known[label] for label in labels]


def _touched(listed: Sequence[tuple[Name, ...]], names: tuple[Name, ...]) -> BoolArray:
    """Whether each condition (rows) intervenes upon each variable (columns)."""
    where = {name: k for k, name in enumerate(names)}
    touched = np.zeros((len(listed), len(names)), dtype=np.bool_)
    for k, targets in enumerate(listed):
        for name in targets:
            if name not in where:
                raise UnknownVariableError.among(name, names)
            touched[k, where[name]] = True
    return touched


def _parts(table: Table, condition: IntArray) -> list[Moments]:
    """Moments of the rows of each condition."""
    order = np.argsort(condition, kind="stable")
    pieces = np.split(order, np.cumsum(np.bincount(condition))[:-1])
    return [
        Moments.of(table.rows(rows).values, names=table.names, levels=table.levels)
        for rows in pieces
    ]


def _correlations(
    parts: Sequence[Moments], own: BoolArray, group: IntArray, names: tuple[Name, ...]
) -> tuple[FloatArray, FloatArray]:
    """Correlations (g, p, p) and rows (g,) of each group of variables, over its own conditions."""

    @cache
    def whole(start: int, stop: int) -> Moments:
        if stop - start == 1:
            return parts[start]
        middle = (start + stop) // 2
        return merge(whole(start, middle), whole(middle, stop))

    def chosen(wanted: BoolArray, start: int, stop: int) -> Moments | None:
        if wanted[start:stop].all():
            return whole(start, stop)
        if stop - start == 1:
            return None
        middle = (start + stop) // 2
        one, other = chosen(wanted, start, middle), chosen(wanted, middle, stop)
        return merge(one, other) if one and other else one or other

    p = len(names)
    corr, n = np.empty((len(own), p, p)), np.empty(len(own))
    for g, wanted in enumerate(own):
        members = [names[v] for v in np.flatnonzero(group == g)]
        moments = _left_alone(chosen(wanted, 0, len(parts)), members)
        corr[g], n[g] = _of_columns_that_vary(moments), moments.n_rows
    return corr, n


def _left_alone(moments: Moments | None, members: Sequence[Name]) -> Moments:
    """Check that the rows in which these variables were left alone can say what moves them."""
    shown = ", ".join(map(repr, members[:6]))
    if moments is None or moments.n_rows < _LEAST_ROWS:
        n_rows = 0 if moments is None else moments.n_rows
        raise InputError(
            f"{shown} were intervened upon in all rows but {n_rows}; expected at least "
            f"{_LEAST_ROWS} rows in which each variable follows its causes. Bring more rows, or "
            "leave these variables out."
        )
    same = [name for name in members if name in moments.constant]
    if same:
        raise InputError(
            f"{', '.join(map(repr, same[:6]))} hold one value only in the rows in which they were "
            "not intervened upon; expected variables that vary there. Leave them out: nothing can "
            "be seen to move them."
        )
    return moments


def _of_columns_that_vary(moments: Moments) -> FloatArray:
    """Correlations; those of a column that is held fixed in these rows are 0."""
    fixed = moments.minimum == moments.maximum
    with np.errstate(divide="ignore", invalid="ignore"):
        corr = moments.correlations()
    corr[fixed] = corr[:, fixed] = 0.0
    np.fill_diagonal(corr, 1.0)
    return corr
