"""The forms in which graphs over series come and go: `LaggedGraph.from_*`, `.to_*`, `read`, `save`.

Each method is a short cut to the function of the same name in the module that knows the form, and
imports it when it is called. `LaggedGraph.parse` is a constructor, and stands with the graph.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from numpy.typing import NDArray

from causalkit.graph.marks import Kind
from causalkit.typing import Name

if TYPE_CHECKING:
    from os import PathLike

    import networkx as nx

    from causalkit.graph.lagged_graph import LaggedGraph

__all__ = ["LaggedExchange"]


class LaggedExchange:
    """Mix-in of :class:`~causalkit.graph.LaggedGraph`: reading and writing."""

    @staticmethod
    def from_tigramite(
        graph: NDArray[Any], names: Iterable[Name] | None = None, kind: Kind | str | None = None
    ) -> LaggedGraph:
        """Read tigramite's array of strings; see :func:`~causalkit.graph.lagged_forms`."""
        from causalkit.graph.lagged_forms import from_tigramite

        return from_tigramite(graph, names, kind)

    def to_tigramite(self) -> NDArray[Any]:
        """Write an array of strings; see :func:`~causalkit.graph.lagged_forms.to_tigramite`."""
        from causalkit.graph.lagged_forms import to_tigramite

        return to_tigramite(_whole(self))

    def to_networkx(self) -> nx.MultiDiGraph:
        """Write a networkx graph; see :func:`~causalkit.graph.lagged_forms.to_networkx`."""
        from causalkit.graph.lagged_forms import to_networkx

        return to_networkx(_whole(self))

    @staticmethod
    def from_networkx(graph: nx.Graph, kind: Kind | str | None = None) -> LaggedGraph:
        """Read a networkx graph; see :func:`~causalkit.graph.lagged_forms.from_networkx`."""
        from causalkit.graph.lagged_forms import from_networkx

        return from_networkx(graph, kind)

    def to_json(self) -> str:
        """Write JSON; see :func:`causalkit.graph.lagged_files.to_json`."""
        from causalkit.graph.lagged_files import to_json

        return to_json(_whole(self))

    @staticmethod
    def from_json(text: str) -> LaggedGraph:
        """Read what :meth:`to_json` writes; see :func:`causalkit.graph.lagged_files.from_json`."""
        from causalkit.graph.lagged_files import from_json

        return from_json(text)

    def save(self, path: str | PathLike[str]) -> None:
        """Write a file by its suffix; see :mod:`causalkit.graph.lagged_files`."""
        from causalkit.graph.lagged_files import save

        save(_whole(self), path)

    @staticmethod
    def read(path: str | PathLike[str], kind: Kind | str | None = None) -> LaggedGraph:
        """Read a file by its suffix; see :mod:`causalkit.graph.lagged_files`."""
        from causalkit.graph.lagged_files import read

        return read(path, kind)

    def to_text(self) -> str:
        """Write what :meth:`LaggedGraph.parse` reads; see `lagged_forms.to_text`."""
        from causalkit.graph.lagged_forms import to_text

        return to_text(_whole(self))


def _whole(graph: LaggedExchange) -> LaggedGraph:
    """The graph that this is mixed into."""
    return cast("LaggedGraph", graph)
