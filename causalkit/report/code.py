"""The code that reruns an analysis, written out from its settings.

Every setting is a value or an estimator whose `repr` is the call that makes it, so the code follows
from the settings; what has no such form (an array of weights) becomes a name to fill in, such as
`the_ndarray`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from causalkit.graph import CausalGraph, LaggedGraph

__all__ = ["rerun_code", "source_of"]


def rerun_code(analysis: Any) -> str:
    """Python code that runs `analysis` again on a table called `data`.

    Parameters
    ----------
    analysis : Analysis

    Returns
    -------
    str
    """
    imports: dict[str, set[str]] = {}
    arguments = ["data", *(source_of(name) for name in (analysis.treatment, analysis.outcome))]
    for name, value in analysis.settings.items():
        if value is not None or name == "random_state":  # of all others None is the default
            arguments.append(f"{name}={_source(value, imports, depth=1)}")
    lines = ["import causalkit as ck"]
    lines += [
        f"from {module} import {', '.join(sorted(names))}"
        for module, names in sorted(imports.items())
    ]
    return "\n".join([*lines, "", f"analysis = {_call('ck.analyze', arguments)}"])


def source_of(value: Any) -> str:
    """The expression that makes `value`, e.g. `PC(alpha=0.01)`."""
    return _source(value, {})


def _source(value: Any, imports: dict[str, set[str]], depth: int = 0) -> str:
    """Write `value` as an expression, and note what it needs to be imported."""
    if isinstance(value, CausalGraph):
        return f"ck.CausalGraph.parse({value.to_text()!r}, kind={value.kind.name!r})"
    if isinstance(value, LaggedGraph):
        kind = f"max_lag={value.max_lag}, kind={value.kind.name!r}"
        return f"ck.graph.LaggedGraph.parse({value.to_text()!r}, {kind})"
    if isinstance(value, str):
        return repr(str(value))  # a node prints without quotes
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return f"float({str(value)!r})"
    if value is None or isinstance(value, (str, int, float, bool)):
        return repr(value)
    if isinstance(value, (list, tuple)):
        items = [_source(item, imports, depth + 1) for item in value]
        if isinstance(value, list):
            return _bracketed("[", items, "]", depth)
        return f"({items[0]},)" if len(items) == 1 else _bracketed("(", items, ")", depth)
    if isinstance(value, BaseEstimator):
        parts = _changed_parameters(value)
    elif hasattr(value, "__dataclass_fields__"):
        parts = _changed_fields(value)
    else:
        return f"the_{type(value).__name__}"
    _import(value, imports)
    arguments = [f"{key}={_source(part, imports, depth + 1)}" for key, part in parts.items()]
    return _call(type(value).__name__, arguments, depth)


def _call(name: str, arguments: list[str], depth: int = 0) -> str:
    return name + _bracketed("(", arguments, ")", depth)


def _bracketed(opening: str, items: list[str], closing: str, depth: int) -> str:
    """On one line if that is short, else one item a line."""
    line = opening + ", ".join(items) + closing
    if len(line) + 4 * depth <= 72 and "\n" not in line:
        return line
    inner, outer = "    " * (depth + 1), "    " * depth
    return opening + "".join(f"\n{inner}{item}," for item in items) + f"\n{outer}{closing}"


def _import(value: Any, imports: dict[str, set[str]]) -> None:
    """Import from the package that exports the class, not from the module that holds it."""
    module = type(value).__module__
    public = ".".join(part for part in module.split(".")[:2])
    imports.setdefault(public, set()).add(type(value).__name__)


def _changed_parameters(estimator: BaseEstimator) -> dict[str, Any]:
    import inspect

    defaults = inspect.signature(type(estimator).__init__).parameters
    given = estimator.get_params(deep=False)
    return {
        key: value
        for key, value in given.items()
        if not _same(value, defaults[key].default if key in defaults else inspect.Parameter.empty)
    }


def _changed_fields(value: Any) -> dict[str, Any]:
    from dataclasses import MISSING

    changed = {}
    for key, spec in value.__dataclass_fields__.items():
        default = spec.default_factory() if spec.default_factory is not MISSING else spec.default
        if spec.init and not _same(getattr(value, key), default):
            changed[key] = getattr(value, key)
    return changed


def _same(a: Any, b: Any) -> bool:
    if a is b:
        return True
    try:
        return bool(a == b)
    except (TypeError, ValueError):
        return False
