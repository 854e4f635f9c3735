"""Columns that no estimand brings: units and periods, where an outcome is seen, a guess of it.

A graph says what to hold fixed, and what is an instrument or a mediator. How the rows were measured
it does not say, so the user names those columns, by the roles that the estimator's `fit` has for
them:

====================================  ============================================
what the columns say                  how they are named
====================================  ============================================
unit and period of a panel            `panel="firm", time="year"`
where the outcome is seen             `roles={"selected": "works"}`
a prediction of it, and where known   `roles={"predicted": …, "labelled": …}`
====================================  ============================================

Instruments and mediators are refused here: a role that decides what is estimated comes with what
was identified.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from causalkit.errors import InputError
from causalkit.estimation.base import EffectEstimator
from causalkit.estimation.columns import LABELS
from causalkit.estimation.plug_in import PlugIn
from causalkit.estimation.reading import asked
from causalkit.graph.lagged_graph import LaggedGraph
from causalkit.identification.estimand import Estimand
from causalkit.typing import Name

__all__ = ["further_columns", "label_columns"]


def label_columns(
    estimator: EffectEstimator | PlugIn | None,
    panel: Name | None,
    time: Name | None,
    mask: Name | None,
) -> dict[str, Name]:
    """Columns of labels that an estimator of panels needs."""
    known = (*estimator.needs, *estimator.takes) if isinstance(estimator, EffectEstimator) else ()
    given = {"unit": panel, "time": time}
    labels = {role: name for role, name in given.items() if name is not None and role in known}
    if mask is not None or len(labels) < sum(name is not None for name in given.values()):
        raise InputError(
            f"panel={panel!r}, time={time!r}, mask={mask!r} are for series and for estimators of "
            "panels, and the graph of this estimand has no steps; expected None. Identify the "
            "effect in a LaggedGraph, use an estimator such as PanelPLR(), or leave them out."
        )
    return labels


def further_columns(
    estimand: Estimand,
    estimator: EffectEstimator | PlugIn | None,
    roles: Mapping[str, Name | Sequence[Name]] | None,
) -> dict[str, tuple[Name, ...]]:
    """Columns that no estimand brings, which the estimator knows by these roles."""
    where = estimator.seen_by if isinstance(estimator, EffectEstimator) else None
    if where is not None and where not in (roles or {}):
        raise InputError(
            f"{type(estimator).__name__} needs {where}, which says where the outcome is seen, and "
            f"no estimand brings it; expected its column. Name it: roles={{{where!r}: …}}."
        )
    if not roles:
        return {}
    if isinstance(estimand.graph, LaggedGraph):
        raise InputError(
            f"roles={roles!r} are for rows, and the graph of this estimand has steps; expected "
            "None. Leave them out; mask= says which steps count."
        )
    if not isinstance(estimator, EffectEstimator) or not isinstance(roles, Mapping):
        raise InputError(
            f"roles={roles!r} and estimator={estimator!r}; expected names of columns by role, and "
            "the estimator that they are for: SampleSelection() with roles={'selected': 'works'} "
            "for instance. Name both, or leave the roles out."
        )
    known = (*estimator.needs, *estimator.takes)
    welcome = [role for role in known if role not in (*estimator.identified, *LABELS)]
    strange = [role for role in roles if role not in welcome]
    if strange:
        raise InputError(
            f"roles has {', '.join(map(repr, strange))}; {type(estimator).__name__} takes "
            f"{', '.join(map(repr, welcome)) or 'none'} there. Instruments and mediators of the "
            "treatment come with what was identified, labels with panel= and time=."
        )
    return {role: _names(names, role, asked(estimand)) for role, names in roles.items()}


def _names(given: object, role: str, taken: tuple[Name, Name]) -> tuple[Name, ...]:
    """Names of columns with this role, which are neither treatment nor outcome."""
    listed: tuple[object, ...] = tuple(given) if isinstance(given, (list, tuple)) else (given,)
    names = tuple(name for name in listed if isinstance(name, (str, int)))
    if not names or len(names) < len(listed):
        raise InputError(
            f"roles[{role!r}] is no name of a column; expected one, or several in a list. Put the "
            "column into the data, and name it."
        )
    double = [name for name in names if name in taken]
    if double:
        raise InputError(
            f"roles[{role!r}] is {double[0]!r}, which is the treatment or the outcome already; "
            "expected a column of its own. Name another."
        )
    return names
