"""Twins of tables: a structural causal model whose numbers are recorded as those of the data."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from causalkit._core.random import draw_seed
from causalkit._core.series import as_series
from causalkit.graph import CausalGraph, Kind, consistent_extension
from causalkit.models.mechanisms.fitting import FAMILIES
from causalkit.models.structural.structural_model import StructuralCausalModel
from causalkit.models.twins.column_forms import choose_form, measured
from causalkit.models.twins.fitted_twin import FittedTwin, TwinSettings
from causalkit.models.twins.preparation import table_graph
from causalkit.typing import Data, Name

__all__ = ["fit_table"]


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
        graph = table_graph(table)
    elif graph.kind is Kind.CPDAG:
        graph = consistent_extension(graph)
    noise = "smoothed" if settings.is_quick and settings.noise == "auto" else settings.noise
    own: dict[str, Any] = {"noise": noise, "random_state": draw_seed(rng)}
    fitted = StructuralCausalModel(graph, mechanism=settings.mechanism, **own).fit(X)
    if settings.mechanism == "auto" and not settings.is_fast:
        forests = dict.fromkeys(filter(graph.parents, _numbers(fitted)), "quantile")
        fitted = StructuralCausalModel(graph, mechanism=forests, **own).fit(X)
    forms, mechanisms = {}, dict(fitted.mechanisms_)
    for name in _numbers(fitted):
        form = choose_form(table, table.table.names.index(name))
        forms[name] = replace(form, power=1.0, shift=0.0)
        mechanisms[name] = measured(mechanisms[name], forms[name], ())
    model = StructuralCausalModel.from_mechanisms(
        fitted.dag_, mechanisms, fitted.latents_, levels=fitted.levels_
    )
    return FittedTwin(model=model, graph=graph, forms=forms, gaps=None, n_rows=table.n_rows)


def _numbers(fitted: StructuralCausalModel) -> list[Name]:
    """Variables that are numbers, and neither counts nor levels."""
    families = {name: family.partition(" ")[0] for name, family in fitted.families_.items()}
    return [name for name, family in families.items() if family in FAMILIES]
