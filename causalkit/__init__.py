"""From raw data to a defended causal effect.

>>> import causalkit as ck
>>> graph = ck.CausalGraph.parse("Z -> X -> Y; Z -> Y")
>>> ck.identify(graph, "X", "Y").adjustment
('Z',)

Everything is loaded at first use, so the import itself costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

__all__ = [
    "PC",
    "CausalGraph",
    "Effect",
    "InputError",
    "Knowledge",
    "NotIdentifiableError",
    "__version__",
    "analyze",
    "benchmark",
    "certify",
    "cite",
    "datasets",
    "discovery",
    "effects_matrix",
    "errors",
    "estimate",
    "estimation",
    "graph",
    "identification",
    "identify",
    "impulse_response",
    "independence",
    "is_separated",
    "learnt_effect",
    "metrics",
    "models",
    "plotting",
    "possible_graphs",
    "refutation",
    "refute",
    "report",
    "scores",
    "show_progress",
    "workflow",
]

_HOME = {
    "CausalGraph": "graph",
    "Effect": "estimation",
    "InputError": "errors",
    "Knowledge": "discovery",
    "NotIdentifiableError": "errors",
    "PC": "discovery",
    "analyze": "workflow",
    "certify": "workflow",
    "cite": "_core.citations",
    "effects_matrix": "workflow",
    "estimate": "estimation",
    "identify": "identification",
    "impulse_response": "workflow",
    "is_separated": "graph",
    "learnt_effect": "workflow",
    "possible_graphs": "workflow",
    "refute": "refutation",
    "show_progress": "_core.progress",
}

if TYPE_CHECKING:
    from causalkit import (
        benchmark,
        datasets,
        discovery,
        errors,
        estimation,
        graph,
        identification,
        independence,
        metrics,
        models,
        plotting,
        refutation,
        report,
        scores,
        workflow,
    )
    from causalkit._core.citations import cite
    from causalkit._core.progress import show_progress
    from causalkit.discovery import PC, Knowledge
    from causalkit.errors import InputError, NotIdentifiableError
    from causalkit.estimation import Effect, estimate
    from causalkit.graph import CausalGraph, is_separated
    from causalkit.identification import identify
    from causalkit.refutation import refute
    from causalkit.workflow import (
        analyze,
        certify,
        effects_matrix,
        impulse_response,
        learnt_effect,
        possible_graphs,
    )


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(import_module(f"causalkit.{_HOME[name]}"), name)
        globals()[name] = value
        return value
    if name in __all__:
        return import_module(f"causalkit.{name}")
    raise AttributeError(f"module 'causalkit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
