"""Twins of tables: a structural causal model whose numbers are recorded as those of the data.

Where cells are missing, nothing is filled in for the mechanisms: each is fitted to the rows in
which its variable and all its causes are seen. That finds the mechanism if, given the causes,
whether one of these cells is missing has nothing to do with the variable. The holes are learnt by
:func:`~causalkit.models.observation.fit_missingness`: rows that are drawn get the holes of a real
row that is near in the values that make cells missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from causalkit._core.random import draw_seed
from causalkit._core.series import Series, as_series
from causalkit._core.table import Table
from causalkit.graph import CausalGraph, Kind, consistent_extension
from causalkit.models.mechanisms.fitting import FAMILIES
from causalkit.models.observation.pattern import MissingPattern, fit_missingness
from causalkit.models.structural.structural_model import StructuralCausalModel
from causalkit.models.twins.column_forms import ColumnForm, choose_form, measured
from causalkit.models.twins.few_values import FewValues, fit_few_values, takes_few_values
from causalkit.models.twins.fitted_twin import FittedTwin, TwinSettings
from causalkit.models.twins.preparation import refuse_empty, table_graph
from causalkit.models.twins.table_piles import fit_two_parts, piled_columns
from causalkit.typing import Data, IntArray, Name

__all__ = ["fit_table"]

_EXACT: Final = 1e-9
"""Share of a variable that is rounding."""


def fit_table(
    X: Data, graph: CausalGraph | None, settings: TwinSettings, rng: np.random.Generator
) -> FittedTwin:
    """Fit the twin of a table.

    Parameters
    ----------
    X : DataFrame, 2-D ndarray, or dict of columns
    graph : CausalGraph or None
        None if it is ours to find. Of a CPDAG, one member is taken.
    settings : TwinSettings
    rng : Generator
    """
    table = as_series(X, panel=settings.panel)
    if graph is None:
        graph = table_graph(table, rng)
    elif graph.kind is Kind.CPDAG:
        graph = consistent_extension(graph)
    refuse_empty(table.select(graph.nodes))
    noise = "smoothed" if settings.is_quick and settings.noise == "auto" else settings.noise
    own: dict[str, Any] = {"noise": noise, "missing": "drop", "random_state": draw_seed(rng)}
    fitted = plain = StructuralCausalModel(graph, mechanism=settings.mechanism, **own).fit(X)
    if settings.mechanism == "auto" and not settings.is_fast:
        noisy = [name for name in _numbers(fitted) if _has_noise(table.table, graph, name)]
        forests = dict.fromkeys(noisy, "quantile")
        fitted = StructuralCausalModel(graph, mechanism=forests, **own).fit(X)
    forms, mechanisms = {}, dict(fitted.mechanisms_)
    families, losses = dict(fitted.families_), dict(plain.validation_)
    for name in _numbers(fitted):
        forms[name] = _form(table, name)
        mechanisms[name] = measured(mechanisms[name], forms[name], ())
    few = dict(_few_valued(table.table, fitted, settings, rng))
    for name, stream in few.items():
        tried = dict.fromkeys([_family(plain, name)])
        if not settings.is_fast and _has_noise(table.table, graph, name):
            tried["quantile"] = None
        quick = "smoothed" if settings.noise == "auto" else settings.noise
        found = _with_few_values(table.table, fitted, name, tuple(tried), quick, stream)
        mechanisms[name], families[name] = found.mechanism, found.family
        losses[name] = found.losses
        forms.setdefault(name, _form(table, name))
    for parts in piled_columns(table.select(graph.nodes), fitted.graph_):
        if parts.name not in few and _is_ours(parts.name, fitted, settings):
            mechanisms[parts.name], families[parts.name] = fit_two_parts(
                parts,
                family="auto" if settings.is_fast else "quantile",
                noise="smoothed" if settings.noise == "auto" else settings.noise,
                n_levels=_n_levels(fitted, parts.causes),
                rng=rng.spawn(1)[0],
            )
            losses.pop(parts.name, None)
    model = StructuralCausalModel.from_mechanisms(
        fitted.dag_, mechanisms, fitted.latents_, levels=fitted.levels_
    )
    model.families_ = families
    model.validation_ = {name: tried for name, tried in losses.items() if tried}
    gaps = _holes(table.select(graph.nodes).table)
    return FittedTwin(model=model, graph=graph, forms=forms, gaps=gaps, n_rows=table.n_rows)


def _holes(table: Table) -> MissingPattern | None:
    """Learn how cells are missing; None if none is."""
    if not table.missing.any():
        return None
    import pandas as pd

    columns: dict[Name, Any] = {}
    for name, levels in zip(table.names, table.levels, strict=True):
        columns[name] = column = table.column(name)
        if levels is not None:
            codes = np.where(np.isnan(column), -1, column).astype(np.intp)
            columns[name] = pd.Categorical.from_codes(codes, categories=pd.Index(levels))
    return fit_missingness(pd.DataFrame(columns), time=False)


def _form(table: Series, name: Name) -> ColumnForm:
    """Grid and bounds of a column; a table has no scales, as its mechanisms bend."""
    form = choose_form(table, table.table.names.index(name))
    return replace(form, power=1.0, shift=0.0)


def _numbers(fitted: StructuralCausalModel) -> list[Name]:
    """Variables that are numbers, and neither counts nor levels."""
    return [name for name in fitted.families_ if _family(fitted, name) in FAMILIES]


def _has_noise(table: Table, graph: CausalGraph, name: Name) -> bool:
    """Whether a variable has causes, and a line of them does not give it exactly."""
    causes = [other for other in graph.nodes if other in graph.parents(name)]
    columns = np.column_stack([table.column(other) for other in [*causes, name]])
    columns = columns[~np.isnan(columns).any(axis=1)]
    X, y = columns[:, :-1] - columns[:, :-1].mean(axis=0), columns[:, -1] - columns[:, -1].mean()
    left = y - X @ np.linalg.lstsq(X, y, rcond=None)[0]
    return bool(causes) and bool(left.std() > _EXACT * (y.std() + np.abs(columns[:, -1]).max()))


def _family(fitted: StructuralCausalModel, name: Name) -> str:
    """Family of a mechanism, without what it says of the mean."""
    return fitted.families_[name].partition(" ")[0]


def _few_valued(
    table: Table,
    fitted: StructuralCausalModel,
    settings: TwinSettings,
    rng: np.random.Generator,
) -> Iterator[tuple[Name, np.random.Generator]]:
    """Numbers with few values whose mechanism is ours to choose, and a random stream for each."""
    for name in fitted.graph_.nodes:
        column = table.column(name)
        if _is_ours(name, fitted, settings) and takes_few_values(column[~np.isnan(column)]):
            yield name, rng.spawn(1)[0]


def _is_ours(name: Name, fitted: StructuralCausalModel, settings: TwinSettings) -> bool:
    """Whether a variable is a number whose mechanism is ours to choose."""
    asked = settings.mechanism
    if (asked if isinstance(asked, str) else asked.get(name, "auto")) != "auto":
        return False
    if fitted.graph_.spouses(name):  # its noise is coupled with that of others: it stays a number
        return False
    return _family(fitted, name) in (*FAMILIES, "count")


def _n_levels(fitted: StructuralCausalModel, causes: Sequence[Name]) -> IntArray:
    """Levels of causes, 0 for numbers."""
    return np.array([len(fitted.levels_.get(one, ())) for one in causes], dtype=np.intp)


def _with_few_values(
    table: Table,
    fitted: StructuralCausalModel,
    name: Name,
    families: tuple[str, ...],
    noise: str,
    rng: np.random.Generator,
) -> FewValues:
    """Mechanism of a number with few values, fitted to the rows in which it and its causes are."""
    causes = [other for other in fitted.dag_.nodes if other in fitted.graph_.parents(name)]
    columns = np.column_stack([table.column(other) for other in [*causes, name]])
    columns = columns[~np.isnan(columns).any(axis=1)]
    return fit_few_values(
        columns[:, :-1],
        columns[:, -1],
        n_levels=_n_levels(fitted, causes),
        families=tuple(family for family in families if family != "count"),
        noise=noise,
        rng=rng,
    )
