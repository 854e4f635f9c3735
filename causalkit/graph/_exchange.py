"""The forms in which graphs come and go: `CausalGraph.from_*` and `.to_*`, `read` and `save`.

Each method is a short cut to the function of the same name in the module that knows the form, and
imports it when it is called.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from causalkit.graph.marks import Kind
from causalkit.typing import Name, Names

if TYPE_CHECKING:
    from os import PathLike

    import networkx as nx

    from causalkit.graph.adjacency import Convention
    from causalkit.graph.graph import CausalGraph

__all__ = ["Exchange"]


class Exchange:
    """Mix-in of :class:`~causalkit.graph.CausalGraph`: reading and writing."""

    # --- reading ---------------------------------------------------------------------------------

    @staticmethod
    def parse(text: str, kind: Kind | str | None = None) -> CausalGraph:
        """Read edges and lone nodes, separated by `;` or new lines.

        Edges may be chained; names with spaces or signs are quoted; bare integers are integer
        names.

        Examples
        --------
        >>> from causalkit.graph import CausalGraph
        >>> print(CausalGraph.parse('age -> dose -> "blood pressure"; age -- sex; region'))
        CPDAG with 5 nodes, 3 edges: age -> dose; age -- sex; dose -> "blood pressure"
        """
        from causalkit.graph.text import parse

        return parse(text, kind)

    @staticmethod
    def from_networkx(graph: nx.Graph, kind: Kind | str | None = None) -> CausalGraph:
        """Read a networkx graph; see :func:`causalkit.graph.convert.from_networkx`."""
        from causalkit.graph.convert import from_networkx

        return from_networkx(graph, kind)

    @staticmethod
    def from_adjacency(
        matrix: Any,
        names: Iterable[Name] | None = None,
        *,
        convention: Convention = "row-causes-column",
        kind: Kind | str | None = None,
    ) -> CausalGraph:
        """Read a matrix or data frame; see :func:`causalkit.graph.adjacency.from_adjacency`."""
        from causalkit.graph.adjacency import from_adjacency

        return from_adjacency(matrix, names, convention=convention, kind=kind)

    @staticmethod
    def from_causallearn(graph: Any, kind: Kind | str | None = None) -> CausalGraph:
        """Read causal-learn's graphs; see :func:`causalkit.graph.convert.from_causallearn`."""
        from causalkit.graph.convert import from_causallearn

        return from_causallearn(graph, kind)

    @staticmethod
    def from_dot(text: str, kind: Kind | str | None = None, *, labels: bool = False) -> CausalGraph:
        """Read the Graphviz language; see :func:`causalkit.graph.dot.from_dot`."""
        from causalkit.graph.dot import from_dot

        return from_dot(text, kind, labels=labels)

    @staticmethod
    def from_dagitty(
        text: str,
        kind: Kind | str | None = None,
        *,
        latents: Literal["project", "keep"] = "project",
    ) -> CausalGraph:
        """Read DAGitty's language; see :func:`causalkit.graph.dot.from_dagitty`."""
        from causalkit.graph.dot import from_dagitty

        return from_dagitty(text, kind, latents=latents)

    @staticmethod
    def from_json(text: str) -> CausalGraph:
        """Read what :meth:`to_json` writes; see :func:`causalkit.graph.json_form.from_json`."""
        from causalkit.graph.json_form import from_json

        return from_json(text)

    @staticmethod
    def from_graphml(text: str, kind: Kind | str | None = None) -> CausalGraph:
        """Read GraphML; see :func:`causalkit.graph.graphml.from_graphml`."""
        from causalkit.graph.graphml import from_graphml

        return from_graphml(text, kind)

    @staticmethod
    def from_tetrad(text: str, kind: Kind | str | None = None) -> CausalGraph:
        """Read Tetrad's text; see :func:`causalkit.graph.tetrad.from_tetrad`."""
        from causalkit.graph.tetrad import from_tetrad

        return from_tetrad(text, kind)

    @staticmethod
    def read(path: str | PathLike[str], kind: Kind | str | None = None) -> CausalGraph:
        """Read a file by its suffix; see :mod:`causalkit.graph.formats`."""
        from causalkit.graph.formats import read

        return read(path, kind)

    # --- writing ---------------------------------------------------------------------------------

    def to_text(self) -> str:
        """Write the notation of :meth:`parse`; see :func:`causalkit.graph.text.to_text`."""
        from causalkit.graph.text import to_text

        return to_text(_whole(self))

    def to_networkx(self) -> nx.DiGraph:
        """Write a networkx graph; see :func:`causalkit.graph.convert.to_networkx`."""
        from causalkit.graph.convert import to_networkx

        return to_networkx(_whole(self))

    def to_adjacency(self, *, convention: Convention = "row-causes-column") -> NDArray[np.int8]:
        """Write a matrix; see :func:`causalkit.graph.adjacency.to_adjacency`.

        Conventions: "row-causes-column" (networkx), "column-causes-row" (LiNGAM), "causal-learn",
        "pcalg-cpdag" and "pcalg-pag" (R).
        """
        from causalkit.graph.adjacency import to_adjacency

        return to_adjacency(_whole(self), convention=convention)

    def to_causallearn(self) -> Any:
        """Write a causal-learn graph; see :func:`causalkit.graph.convert.to_causallearn`."""
        from causalkit.graph.convert import to_causallearn

        return to_causallearn(_whole(self))

    def to_dowhy(self) -> nx.DiGraph:
        """Write a graph for DoWhy; see :func:`causalkit.graph.convert.to_dowhy`."""
        from causalkit.graph.convert import to_dowhy

        return to_dowhy(_whole(self))

    def to_dot(self) -> str:
        """Write the Graphviz language; see :func:`causalkit.graph.dot.to_dot`."""
        from causalkit.graph.dot import to_dot

        return to_dot(_whole(self))

    def to_dagitty(
        self,
        *,
        exposure: Names | None = None,
        outcome: Names | None = None,
        latent: Names | None = None,
    ) -> str:
        """Write DAGitty's language; see :func:`causalkit.graph.dot.to_dagitty`."""
        from causalkit.graph.dot import to_dagitty

        return to_dagitty(_whole(self), exposure=exposure, outcome=outcome, latent=latent)

    def to_mermaid(self) -> str:
        """Write a Mermaid flowchart; see :func:`causalkit.graph.mermaid.to_mermaid`."""
        from causalkit.graph.mermaid import to_mermaid

        return to_mermaid(_whole(self))

    def to_json(self) -> str:
        """Write JSON; see :func:`causalkit.graph.json_form.to_json`."""
        from causalkit.graph.json_form import to_json

        return to_json(_whole(self))

    def to_graphml(self) -> str:
        """Write GraphML; see :func:`causalkit.graph.graphml.to_graphml`."""
        from causalkit.graph.graphml import to_graphml

        return to_graphml(_whole(self))

    def to_tetrad(self) -> str:
        """Write Tetrad's text; see :func:`causalkit.graph.tetrad.to_tetrad`."""
        from causalkit.graph.tetrad import to_tetrad

        return to_tetrad(_whole(self))

    def save(self, path: str | PathLike[str]) -> None:
        """Write a file by its suffix; see :mod:`causalkit.graph.formats`."""
        from causalkit.graph.formats import save

        save(_whole(self), path)


def _whole(graph: Exchange) -> CausalGraph:
    """The graph that this is mixed into."""
    return cast("CausalGraph", graph)
