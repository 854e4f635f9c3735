"""Drawings of graphs: causes to the left of their effects, and every mark where it belongs.

>>> from causalkit.graph import CausalGraph
>>> from causalkit.plotting import graph_svg
>>> graph_svg(CausalGraph.parse("Z -> X -> Y; X <-> Y"), treatment="X", outcome="Y")[:4]
'<svg'

A solid line with an arrow head is a cause and its effect. A dashed line with two heads is a hidden
common cause. A line without heads is undecided in a CPDAG. A circle is an undecided end in a PAG.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from causalkit._core.checks import as_names
from causalkit.errors import CycleError, InputError
from causalkit.graph import CausalGraph, Edge, Kind, LaggedGraph, SummaryGraph
from causalkit.graph.marks import SYMBOLS, glyph
from causalkit.plotting._confidence import inks_of
from causalkit.plotting._drawing import Drawing, natural_inches
from causalkit.plotting.focus import FEW_NODES, focus_on
from causalkit.typing import Name, Names

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from causalkit.discovery.resampling.edge_frequencies import EdgeFrequencies

__all__ = ["GraphStyle", "as_style", "graph_svg", "plot_graph", "save_picture"]

Graph: TypeAlias = CausalGraph | LaggedGraph | SummaryGraph


@dataclass(frozen=True, slots=True)
class GraphStyle:
    """Colours and sizes; each can be passed to :func:`plot_graph` by its name.

    Parameters
    ----------
    font_size, line_width : float
        In points.
    text_color, node_color, border_color, edge_color, ground_color : str
        Of names, of nodes and their borders, of edges, and of what is behind them.
    hidden_color : str
        Of edges that stand for hidden common causes.
    treatment_color, outcome_color, adjustment_color, highlight_color : str
        Of nodes with these roles.
    faint_color : str
        Of edges that few replicates have.
    """

    font_size: float = 11.0
    line_width: float = 1.15
    text_color: str = "#1c2733"
    node_color: str = "#f3f5f7"
    border_color: str = "#74808c"
    edge_color: str = "#46525e"
    hidden_color: str = "#a8571c"
    treatment_color: str = "#bcdcf5"
    outcome_color: str = "#ffd9a8"
    adjustment_color: str = "#cfe8c9"
    highlight_color: str = "#f6e58d"
    faint_color: str = "#d3dae1"
    ground_color: str = "#ffffff"


def plot_graph(
    graph: CausalGraph,
    ax: Axes | None = None,
    *,
    treatment: Names | None = None,
    outcome: Names | None = None,
    adjustment: Names | None = None,
    highlight: Names | None = None,
    confidence: EdgeFrequencies | Mapping[tuple[Name, Name], float] | None = None,
    focus: bool | None = None,
    **style: Any,
) -> Axes:
    """Draw a graph.

    Parameters
    ----------
    graph : CausalGraph
    ax : matplotlib.axes.Axes, optional
        Left out, a new figure in which the graph has its natural size.
    treatment, outcome, adjustment, highlight : name or names, optional
        Nodes to be coloured by their role.
    confidence : EdgeFrequencies or mapping of (name, name) to float, optional
        With shares of replicates an edge is the darker the more of them join the two at all, and
        the wider the more have it as it is drawn, with these marks: what is dark and thin is there,
        but its direction is not settled. With a number from 0 to 1 for each pair, edges are the
        darker and the wider the larger it is. A scale below says what the colours mean.
    focus : bool, optional
        Whether to draw only what can bear on the effect of the treatment on the outcome, with a
        sentence below that says what is left out; see :func:`focus_on`. Left out, it is done where
        both are named and the graph has more than 30 nodes.
    **style
        Fields of :class:`GraphStyle`, e.g. `font_size=9`.

    Returns
    -------
    matplotlib.axes.Axes
        Its data units are points, so that boxes, heads and names keep their proportions.

    Raises
    ------
    UnknownVariableError
        If a role names a node that the graph does not have.
    InputError
        If a style is named that there is not, an edge has no confidence from 0 to 1, or `focus` is
        asked for without a treatment and an outcome.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from causalkit.graph import CausalGraph
    >>> graph = CausalGraph.parse("Z -> X -> Y; Z -> Y")
    >>> ax = graph.plot(ax=Figure().add_subplot(), treatment="X", outcome="Y", adjustment="Z")
    >>> len(ax.texts)
    3
    """
    look = as_style(style)
    causes, effects, note = as_names(treatment), as_names(outcome), ""
    if focus or (focus is None and causes and effects and len(graph) > FEW_NODES):
        others = (*as_names(adjustment), *as_names(highlight))
        found = focus_on(graph, causes, effects, keep=others)
        graph, note = found.graph, found.sentence
    roles = (
        (highlight, look.highlight_color),
        (adjustment, look.adjustment_color),
        (outcome, look.outcome_color),
        (treatment, look.treatment_color),
    )
    fills = [look.node_color] * len(graph.nodes)
    for names, color in roles:
        for k in graph.indices(names):
            fills[k] = color
    arcs, ties = _arcs_and_ties(graph)
    inks, scale = None, None
    if confidence is not None:
        inks, scale = inks_of(confidence, [*arcs, *ties])
    drawing = Drawing(graph.nodes, arcs, ties, look, inks=inks, scale=scale, note=note)
    if ax is None:
        import matplotlib.pyplot as plt

        figure = plt.figure(figsize=drawing.inches(), facecolor=look.ground_color)
        ax = figure.add_axes((0, 0, 1, 1))
    drawing.draw(ax, fills)
    return ax


def graph_svg(graph: Graph, *, shrink: bool = True, **options: Any) -> str:
    """Draw a graph as SVG: one `<svg>` element, the names as text, the same at every call.

    Parameters
    ----------
    graph : CausalGraph, LaggedGraph or SummaryGraph
    shrink : bool
        Whether a drawing of more than 13 by 9 inches is shrunk to that.
    **options
        As for the graph's `plot`, but `ax`.

    Notes
    -----
    In the drawing of a CausalGraph or a SummaryGraph, the box of the node in place k and its name
    have the ids `node-k` and `node-k-name`; the line of the edge number m between the nodes in
    places i and j has the id `edge-m-i-j`, and its marks that and `-a` or `-b`.
    """
    import io
    import warnings

    import matplotlib as mpl

    settings: dict[Any, str] = {"svg.fonttype": "none", "svg.hashsalt": "causalkit"}
    with mpl.rc_context(settings), warnings.catch_warnings(), io.StringIO() as stream:
        # The browser's fonts draw the names, so it does not matter what matplotlib's lack.
        warnings.filterwarnings("ignore", message="Glyph|Matplotlib currently")
        figure = _figure(graph, options, shrink=shrink)
        figure.savefig(stream, format="svg", metadata={"Date": None})
        text = stream.getvalue()
    return text[text.index("<svg") :].rstrip()


def save_picture(graph: Graph, path: Path, **options: Any) -> None:
    """Write a drawing to a .png, .svg or .pdf file; `options` as for its `plot`.

    Parameters
    ----------
    graph : CausalGraph, LaggedGraph or SummaryGraph
    path : Path
        Ends in .png, .svg or .pdf.
    **options
        As for the `plot` of the graph.

    Raises
    ------
    InputError
        If the suffix is none of these.
    """
    if path.suffix.lower() == ".svg":
        path.write_text(graph_svg(graph, **options) + "\n", encoding="utf-8")
        return
    metadata = {"CreationDate": None} if path.suffix.lower() == ".pdf" else None
    _figure(graph, options).savefig(path, dpi=200, metadata=metadata)


def _figure(graph: Graph, options: dict[str, Any], *, shrink: bool = True) -> Figure:
    """A figure that pyplot does not know of."""
    from matplotlib.figure import Figure

    ground = options.get("ground_color", GraphStyle().ground_color)
    figure = Figure(figsize=(1, 1), facecolor=ground)
    ax = graph.plot(figure.add_axes((0, 0, 1, 1)), **options)
    (x0, x1), (y0, y1) = ax.get_xlim(), ax.get_ylim()
    figure.set_size_inches(natural_inches(x1 - x0, y1 - y0, shrink=shrink))
    return figure


def as_style(style: dict[str, Any]) -> GraphStyle:
    """Read style options.

    Raises
    ------
    InputError
        If there is no such option.
    """
    known = [field.name for field in fields(GraphStyle)]
    unknown = [name for name in style if name not in known]
    if unknown:
        raise InputError(
            f"{', '.join(unknown)} is no style of a graph; expected some of {', '.join(known)}."
        )
    return replace(GraphStyle(), **style)


def _arcs_and_ties(graph: CausalGraph) -> tuple[list[Edge], list[Edge]]:
    """Edges that run from left to right, the way they run; and `<->`, which need not.

    An edge without a direction follows an order of the nodes in which causes come first.
    """
    place = _reading_order(graph)
    joined = {name for e in graph.edges() if e.symbol != "<->" for name in (e.left, e.right)}
    arcs, ties = [], []
    for edge in graph.edges():
        if place[graph.index(edge.left)] > place[graph.index(edge.right)]:
            edge = _turned(edge)
        if edge.symbol == "<->" and edge.left in joined and edge.right in joined:
            ties.append(edge)
        else:
            arcs.append(edge)
    return arcs, ties


def _reading_order(graph: CausalGraph) -> dict[int, int]:
    """Place of each node: causes first, and where `o->` agrees with that, it counts as a cause."""
    order = graph.order
    if graph.kind is Kind.PAG:
        guess = [
            replace(edge, symbol="->") for edge in graph.edges() if edge.symbol in ("->", "o->")
        ]
        with suppress(CycleError):
            order = CausalGraph.from_edges(graph.nodes, guess, Kind.DAG).order
    return {int(node): k for k, node in enumerate(order)}


def _turned(edge: Edge) -> Edge:
    return Edge(edge.right, edge.left, glyph(*reversed(SYMBOLS[edge.symbol])))
