"""Twins of series: graph, scales and mechanisms, chosen in this order.

Columns are put on the scales on which they are modelled, the graph is found or completed there,
values that stand still are told from those that move, and mechanisms are fitted to what moves. The
model that results takes and gives values as they are recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from causalkit._core.series import Series, as_series
from causalkit.errors import InputError, UnknownVariableError
from causalkit.graph import LaggedGraph
from causalkit.models.mechanisms.base import Mechanism
from causalkit.models.temporal.temporal_fitting import fit_mechanisms
from causalkit.models.temporal.temporal_model import TemporalCausalModel
from causalkit.models.twins.column_forms import ColumnForm, choose_form, measured
from causalkit.models.twins.copies import CopyTable, find_copies, with_copies
from causalkit.models.twins.fitted_twin import FittedTwin, TwinSettings
from causalkit.models.twins.gaps import GapPattern
from causalkit.models.twins.ordered_search import complete_within, discover_graph
from causalkit.models.twins.outages import without_outages
from causalkit.models.twins.piles import fit_piles, with_piles, with_shared
from causalkit.models.twins.preparation import directed_part, refuse_empty, standing_rules
from causalkit.models.twins.repeats import Standing, StandingRule
from causalkit.models.twins.season_fitting import fit_seasons
from causalkit.typing import Data, Name

__all__ = ["fit_series"]


def fit_series(
    X: Data, graph: LaggedGraph | None, settings: TwinSettings, rng: np.random.Generator
) -> FittedTwin:
    """Fit the twin of series.

    Parameters
    ----------
    X : DataFrame, 2-D ndarray, dict of columns, or a list of them
    graph : LaggedGraph or None
        None if it is ours to find.
    settings : TwinSettings
    rng : Generator

    Raises
    ------
    InputError
        If the graph names what the data lack, or steps are too few.
    """
    _refuse_own_mechanisms(settings.mechanism)
    series = _chosen(as_series(X, panel=settings.panel, time=settings.time), graph)
    refuse_empty(series)
    names = series.names
    holes = np.isnan(series.table.values)
    series, outages = without_outages(series, find=settings.outages == "find")
    copies = {} if graph is not None else _copies_in(series, settings)
    series = series.select([name for name in names if name not in copies])
    forms = {name: choose_form(series, k) for k, name in enumerate(series.names)}
    seasons, scaled = fit_seasons(series, settings.season, forms, rng)
    graph = _directed(scaled, graph, settings)
    rules, stood = standing_rules(series, graph, forms, rng)
    every, inside = fit_piles(series, graph)
    piles = with_shared(seasons.other_piles(series, every, inside)[0], every, graph)
    piled = inside & np.array([name in piles for name in series.names])
    fitted = fit_mechanisms(
        scaled,
        graph,
        mechanism="linear" if settings.is_quick else settings.mechanism,
        noise=settings.noise,
        rng=rng,
        without=stood | piled,
    )
    model = TemporalCausalModel.from_mechanisms(
        graph,
        _recorded(graph, fitted.mechanisms, forms, rules),
        start=np.array(
            [float(form.back(fitted.means[k : k + 1])[0]) for k, form in enumerate(forms.values())]
        ),
        random_state=settings.random_state,
    )
    model.families_ = fitted.families
    model.residual_correlation_ = fitted.correlation
    model = with_copies(model, names, copies)
    holed = holes.any() or outages is not None
    gaps = GapPattern(names, holes, series.follows, outages) if holed else None
    graph, model = model.graph_, seasons.driven(model)
    model = with_piles(model, graph, piles)
    return FittedTwin(
        model=model,
        graph=graph,
        forms=forms,
        gaps=gaps,
        n_rows=series.n_rows,
        outages=() if outages is None else outages.listed(names),
        copies={name: original for name, (original, _) in copies.items()},
    )


def _refuse_own_mechanisms(mechanism: str | Mapping[Name, Any]) -> None:
    if isinstance(mechanism, str):
        return
    for name, family in mechanism.items():
        if not isinstance(family, str):
            raise InputError(
                f"the mechanism of {name!r} is a {type(family).__name__}; expected the "
                "name of a family, as scales are chosen here. Use TemporalCausalModel."
            )


def _copies_in(series: Series, settings: TwinSettings) -> dict[Name, tuple[Name, CopyTable]]:
    """Columns that are functions of another, but those whose mechanism was asked for."""
    asked = () if isinstance(settings.mechanism, str) else tuple(settings.mechanism)
    return find_copies(series, but=asked)


def _chosen(series: Series, graph: LaggedGraph | None) -> Series:
    """Series of the graph, in its order."""
    if graph is None:
        return series
    for name in graph.variables:
        if name not in series.names:
            raise UnknownVariableError.among(name, series.names, where="the data")
    return series.select(graph.variables)


def _directed(scaled: Series, graph: LaggedGraph | None, settings: TwinSettings) -> LaggedGraph:
    """Graph that is found, or the directed part of the one given, completed within the step."""
    if graph is None:
        return discover_graph(scaled, settings.max_lag)
    graph = directed_part(graph)
    return complete_within(scaled, graph) if settings.lag_zero == "edges" else graph


def _recorded(
    graph: LaggedGraph,
    fitted: Mapping[Name, Mechanism],
    forms: Mapping[Name, ColumnForm],
    rules: Mapping[Name, StandingRule],
) -> dict[Name, Mechanism]:
    """Mechanisms between values as they are recorded."""
    plain = TemporalCausalModel.from_mechanisms(graph, fitted)
    found: dict[Name, Mechanism] = {}
    for name, mechanism in fitted.items():
        causes = tuple(forms[node.name] for node in plain.causes_of(name))
        found[name] = measured(mechanism, forms[name], causes)
        if name in rules:
            found[name] = Standing(found[name], rules[name])
    return found
