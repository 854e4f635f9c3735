"""What `analyze` is asked, checked before anything is computed.

The arguments of the call are kept as settings, from which the code that runs it again is written;
here they are checked against each other and against the columns, so that a wrong name or two
sources of the graph are an error at once and not after a search.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from causalkit._core.checks import check_count
from causalkit.discovery import Knowledge
from causalkit.discovery.base import DiscoveryAlgorithm
from causalkit.discovery.series.base import SeriesAlgorithm
from causalkit.errors import InputError, UnknownVariableError
from causalkit.graph import LaggedGraph
from causalkit.identification.query import as_graph
from causalkit.typing import Name
from causalkit.workflow.learnt.beside import check_beside, names_in, plain_name
from causalkit.workflow.learnt.data_sources import agreed_roles

__all__ = ["check_names", "names_beside", "settings_of"]


def settings_of(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of the call, checked: one source of the graph, a count of resamples."""
    graph, n_resamples = arguments["graph"], arguments["n_resamples"]
    _check_sources(graph, arguments["discovery"], arguments["knowledge"])
    least = 2 if n_resamples else 0
    discovery, roles = arguments["discovery"], dict[str, Any]()
    if isinstance(discovery, SeriesAlgorithm):
        roles = agreed_roles(discovery, arguments)
    return {
        **arguments,
        **roles,
        "graph": graph if graph is None or isinstance(graph, LaggedGraph) else as_graph(graph),
        "clusters": plain_name(arguments["clusters"]),
        "sample_weight": plain_name(arguments["sample_weight"]),
        "n_resamples": check_count(n_resamples, "n_resamples", minimum=least),
    }


def check_names(
    settings: Mapping[str, Any], columns: Iterable[Name], treatment: Name, outcome: Name
) -> None:
    """Both are columns, and nodes of a graph that is given; neither says how rows were drawn."""
    columns, graph = tuple(columns), settings["graph"]
    for name in (treatment, outcome):
        if name not in columns:
            raise UnknownVariableError.among(name, columns)
        if graph is not None and name not in graph.nodes:
            raise UnknownVariableError.among(name, graph.nodes, where="the graph")
    if graph is None:
        check_beside(names_beside(settings), treatment, outcome)


def names_beside(settings: Mapping[str, Any]) -> set[Name]:
    """Columns that say how the rows were drawn; they are no variables of the system."""
    return names_in(settings["clusters"], settings["sample_weight"])


def _check_sources(
    graph: Any, discovery: DiscoveryAlgorithm | SeriesAlgorithm | None, knowledge: Knowledge | None
) -> None:
    """One source of the graph, and knowledge where it is used."""
    if graph is not None and (discovery is not None or knowledge is not None):
        raise InputError(
            "both a graph and a way to learn one were given; expected one of them. Leave out "
            "`graph`, or leave out `discovery` and `knowledge`."
        )
    if discovery is not None and knowledge is not None:
        raise InputError(
            "knowledge was given beside a discovery algorithm; expected it inside. "
            f"Write discovery={type(discovery).__name__}(knowledge=...)."
        )
    known = (DiscoveryAlgorithm, SeriesAlgorithm)
    if discovery is not None and not isinstance(discovery, known):
        raise InputError(
            f"discovery={discovery!r}; expected a discovery algorithm such as PC(alpha=0.01), an "
            "object, not a class or a name."
        )
