"""Files of graphs: `save` and `read` go by the suffix of the name.

=====================  ===========================================  ================================
suffix                 format                                       comes back exactly
=====================  ===========================================  ================================
.json                  see :mod:`causalkit.graph.json_form`         every graph
.txt                   the notation of :mod:`causalkit.graph.text`  every graph
.dot .gv               Graphviz                                     every graph
.graphml               see :mod:`causalkit.graph.graphml`           every graph
.dagitty               DAGitty                                      all but an ADMG without `<->`
.tetrad                see :mod:`causalkit.graph.tetrad`            the edges (it stores no kind)
.mmd                   Mermaid (written only)
.png .svg .pdf         a picture (written only)
=====================  ===========================================  ================================

Tetrad's and DAGitty's text are recognised in a .txt file, too.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from causalkit.errors import GraphError, InputError
from causalkit.graph.dot import from_dagitty, from_dot, to_dagitty, to_dot
from causalkit.graph.graph import CausalGraph
from causalkit.graph.graphml import from_graphml, to_graphml
from causalkit.graph.json_form import from_json, to_json
from causalkit.graph.marks import Kind
from causalkit.graph.mermaid import to_mermaid
from causalkit.graph.tetrad import from_tetrad, is_tetrad, to_tetrad
from causalkit.graph.text import parse, to_text

if TYPE_CHECKING:
    from os import PathLike

__all__ = ["PICTURES", "read", "read_text_file", "save"]

_WRITERS: Final = {
    ".json": to_json,
    ".txt": to_text,
    ".dot": to_dot,
    ".gv": to_dot,
    ".graphml": to_graphml,
    ".dagitty": to_dagitty,
    ".tetrad": to_tetrad,
    ".mmd": to_mermaid,
}
_READABLE: Final = tuple(suffix for suffix in _WRITERS if suffix != ".mmd")
PICTURES: Final = (".png", ".svg", ".pdf")


def save(graph: CausalGraph, path: str | PathLike[str]) -> None:
    """Write a graph to a file; the suffix says how, see :mod:`causalkit.graph.formats`.

    Raises
    ------
    InputError
        If the suffix is none of those.
    GraphError
        If the format cannot say what the graph holds.
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix in PICTURES:
        from causalkit.plotting import save_picture

        save_picture(graph, target)
        return
    if suffix not in _WRITERS:
        raise _unknown_suffix(target, (*_WRITERS, *PICTURES))
    target.write_bytes((_WRITERS[suffix](graph).rstrip("\n") + "\n").encode("utf-8"))


def read(path: str | PathLike[str], kind: Kind | str | None = None) -> CausalGraph:
    """Read a graph from a file; the suffix says how, see :mod:`causalkit.graph.formats`.

    Parameters
    ----------
    path : str or path
    kind : Kind or str, optional
        Overrules what the file says; JSON always says it.

    Raises
    ------
    InputError
        If the suffix is none of those.
    GraphError
        If the file does not hold such a graph.
    """
    source = Path(path)
    suffix = source.suffix.lower()
    if suffix not in _READABLE:
        raise _unknown_suffix(source, _READABLE)
    text = read_text_file(source)
    if suffix == ".json":
        graph = from_json(text)
        return graph if kind is None else CausalGraph(graph.nodes, graph.ends, kind)
    if suffix in (".dot", ".gv"):
        return from_dot(text, kind)
    if suffix == ".graphml":
        return from_graphml(text, kind)
    if suffix == ".tetrad" or is_tetrad(text):
        return from_tetrad(text, kind)
    if suffix == ".dagitty" or re.match(r"\s*(dag|pdag|mag|pag)\s*\{", text, re.IGNORECASE):
        return from_dagitty(text, kind)
    return parse(text, kind)


def read_text_file(path: Path) -> str:
    """Read a file of UTF-8, with or without a mark at its beginning.

    Raises
    ------
    GraphError
        If it is no text.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise GraphError(
            f"{path.name} is no text; expected UTF-8. Save it again as UTF-8."
        ) from None


def _unknown_suffix(path: Path, known: tuple[str, ...]) -> InputError:
    return InputError(
        f"{path.name!r} has the suffix {path.suffix!r}; expected one of {', '.join(known)}. Rename "
        "the file, or call the from_… or to_… method of the format."
    )
